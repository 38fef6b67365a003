"""Who is signed in to Airflow and what they may do: the one place that knows how Airflow tells.

Airflow does not authenticate the apps that plugins mount; what does it for its own routes is not declared public, so
that it is imported here alone and tests/web/pages/test_pages.py holds it to what we need of it.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from airflow.api_fastapi.app import get_auth_manager
from airflow.api_fastapi.auth.managers.models.resource_details import DagDetails
from airflow.api_fastapi.core_api.security import get_user
from airflow.configuration import conf
from airflow.models import DagModel
from fastapi import HTTPException, Request
from fastapi.security import HTTPBearer

from motcua.domain.people import ViewerRole

_bearer = HTTPBearer(auto_error=False)


class NotSignedIn(Exception):
    """Nobody is signed in, or no longer."""


_AGENCY_EDITS = "check_quality"


async def airflow_user(request: Request) -> Any:  # noqa: ANN401 - each authentication has users of its own
    """The Airflow user behind a request, by the UI's cookie or a bearer token.

    Raises:
        NotSignedIn: there is none, or the token is forged or has expired.
    """
    try:
        return await get_user(request, None, await _bearer(request))
    except HTTPException:
        raise NotSignedIn from None


def role_of(user: Any) -> ViewerRole:  # noqa: ANN401 - each authentication has users of its own
    """What a user may do on the pages, which have no permissions of their own: by what he may do in Airflow.

    It may ask a database.
    """
    manager = get_auth_manager()
    if manager.is_authorized_connection(method="PUT", user=user):
        return "operator"
    team = DagModel.get_team_name(_AGENCY_EDITS) if conf.getboolean("core", "multi_team", fallback=False) else None
    details = DagDetails(id=_AGENCY_EDITS, team_name=team)
    return "agency" if manager.is_authorized_dag(method="PUT", details=details, user=user) else "auditor"


def sign_in_address(request: Request) -> str:
    """Where Airflow lets a visitor sign in, who then comes back to this page.

    Airflow's own address for it, which leads on to whichever authentication is configured.
    """
    back = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    base: str = request.scope.get("app_root_path", request.scope.get("root_path", ""))
    return f"{base}/api/v2/auth/login?{urlencode({'next': back})}"


def airflow_address(request: Request) -> str:
    """Where Airflow's own pages begin."""
    base: str = request.scope.get("app_root_path", request.scope.get("root_path", ""))
    return f"{base}/"


def sign_out_address(request: Request) -> str:
    """Where Airflow signs a user out, whichever authentication is configured."""
    return f"{airflow_address(request)}api/v2/auth/logout"
