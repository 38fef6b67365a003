"""Redirect users who may see no DAG from Airflow's console, which is in English, to the staff pages."""

from __future__ import annotations

from http import HTTPStatus

from fastapi import Request
from fastapi.responses import RedirectResponse
from starlette.concurrency import run_in_threadpool
from starlette.types import ASGIApp, Receive, Scope, Send

from motcua.web.airflow import NotSignedIn, airflow_user, sees_airflow

_NO_CONSOLE = frozenset({"api", "auth", "execution", "gateway", "intake", "motcua", "pluginsv2", "static"})
"""First parts of addresses outside the console. The console serves every other address."""


class LedFromConsole:
    """ASGI middleware that redirects a user who may see no DAG from the console to the staff pages.

    The redirect also happens right after the user signed in.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Redirect a request for the console if its user may see no DAG, and pass every other request on."""
        if scope["type"] == "http" and scope["method"] == "GET":
            request = Request(scope)
            if _opens_console(request) and await _sees_no_dag(request):
                base: str = scope.get("root_path", "")
                led = RedirectResponse(f"{base}/motcua/", HTTPStatus.SEE_OTHER, {"Cache-Control": "no-store"})
                await led(scope, receive, send)
                return
        await self.app(scope, receive, send)


def _opens_console(request: Request) -> bool:
    """Return whether a browser opens the console as a page. A file that a page loads, or a page in a frame, does not
    count."""
    below = request.url.path.removeprefix(request.scope.get("root_path", "")).strip("/")
    as_page = request.headers.get("sec-fetch-dest", "document") == "document"
    return as_page and "text/html" in request.headers.get("accept", "") and below.partition("/")[0] not in _NO_CONSOLE


async def _sees_no_dag(request: Request) -> bool:
    try:
        user = await airflow_user(request)
    except NotSignedIn:
        return False
    return not await run_in_threadpool(sees_airflow, user)
