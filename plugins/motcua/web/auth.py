"""Who is signed in to Airflow and what they may do: the one place that knows how Airflow tells.

Airflow does not authenticate the apps that plugins mount; what does it for its own routes is not declared public, so
that it is imported here alone and tests/web/pages/test_pages.py holds it to what we need of it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import urlencode

from airflow.api_fastapi.app import get_auth_manager
from airflow.api_fastapi.auth.managers.models.resource_details import DagDetails
from airflow.api_fastapi.core_api.security import get_user
from airflow.configuration import conf
from airflow.models import DagModel
from fastapi import HTTPException, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.security import HTTPBearer

_bearer = HTTPBearer(auto_error=False)


class NotSignedIn(Exception):
    """Nobody is signed in, or no longer."""


async def signed_in(request: Request) -> str:
    """The name of the Airflow user behind a request, by the UI's cookie or a bearer token.

    Raises:
        NotSignedIn: there is none, or the token is forged or has expired.
    """
    user = await _user(request)
    name: str = user.get_name()
    return name


def may_edit_dag(dag_id: str) -> Callable[[Request], Awaitable[bool]]:
    """A dependency that tells whether the visitor may edit a DAG.

    Pages have no permissions of their own: who may take a decision there is who may edit the DAG that it is about,
    by whichever authentication is configured. With Airflow's simple one these are user, op and admin, not viewer.
    """

    def may(user: Any) -> bool:  # noqa: ANN401 - each authentication has users of its own
        team = DagModel.get_team_name(dag_id) if conf.getboolean("core", "multi_team", fallback=False) else None
        details = DagDetails(id=dag_id, team_name=team)
        return bool(get_auth_manager().is_authorized_dag(method="PUT", details=details, user=user))

    async def may_edit(request: Request) -> bool:
        # What it asks may be a database.
        return await run_in_threadpool(may, await _user(request))

    return may_edit


async def _user(request: Request) -> Any:  # noqa: ANN401 - each authentication has users of its own
    try:
        return await get_user(request, None, await _bearer(request))
    except HTTPException:
        raise NotSignedIn from None


def sign_in_address(request: Request) -> str:
    """Where Airflow lets a visitor sign in, who then comes back to this page.

    Airflow's own address for it, which leads on to whichever authentication is configured.
    """
    back = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    base: str = request.scope.get("app_root_path", request.scope.get("root_path", ""))
    return f"{base}/api/v2/auth/login?{urlencode({'next': back})}"
