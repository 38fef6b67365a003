"""Who is signed in to Airflow: the one place that knows how Airflow tells.

Airflow does not authenticate the apps that plugins mount; what does it for its own routes is not declared public, so
that it is imported here alone and tests/web/test_pages.py holds it to what we need of it.
"""

from __future__ import annotations

from urllib.parse import urlencode

from airflow.api_fastapi.core_api.security import get_user
from fastapi import HTTPException, Request
from fastapi.security import HTTPBearer

_bearer = HTTPBearer(auto_error=False)


class NotSignedIn(Exception):
    """Nobody is signed in, or no longer."""


async def signed_in(request: Request) -> str:
    """The name of the Airflow user behind a request, by the UI's cookie or a bearer token.

    Raises:
        NotSignedIn: there is none, or the token is forged or has expired.
    """
    try:
        user = await get_user(request, None, await _bearer(request))
    except HTTPException:
        raise NotSignedIn from None
    return user.get_name()


def sign_in_address(request: Request) -> str:
    """Where Airflow lets a visitor sign in, who then comes back to this page.

    Airflow's own address for it, which leads on to whichever authentication is configured.
    """
    back = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    base: str = request.scope.get("app_root_path", request.scope.get("root_path", ""))
    return f"{base}/api/v2/auth/login?{urlencode({'next': back})}"
