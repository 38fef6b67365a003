"""The staff pages: mounted in Airflow below ``/motcua``, for its signed-in users alone.

Authentication is a dependency of the app, so that no page can forget it; whose rows a visitor sees each page asks of
motcua.web.visitors. Pages hold no script, load nothing from
elsewhere and are not kept by the browser; what went wrong is told without detail.
"""

from __future__ import annotations

from http import HTTPStatus

import psycopg
from fastapi import Depends, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from psycopg_pool import PoolTimeout
from starlette.exceptions import HTTPException

from motcua.web.auth import NotSignedIn, sign_in_address
from motcua.web.quality import (
    check_page,
    export_form_page,
    exports_page,
    quality_page,
    sent_exports_page,
    sources_page,
)
from motcua.web.refusals import PageRefused
from motcua.web.rendering import HEADERS, render_refusal
from motcua.web.runs import run_page
from motcua.web.settings import page as settings_page
from motcua.web.settings import phones_page
from motcua.web.staff import (
    alerts_page,
    calendar_page,
    complaints_page,
    dossiers_page,
    inquiries_page,
    messages_page,
    overview_page,
    reconciliation_page,
    requests_page,
    sent_statements_page,
    statements_page,
    unknown_page,
    users_page,
)
from motcua.web.visitors import visitor

_PAGES = (
    alerts_page,
    calendar_page,
    check_page,
    complaints_page,
    dossiers_page,
    exports_page,
    export_form_page,
    sent_exports_page,
    inquiries_page,
    messages_page,
    overview_page,
    quality_page,
    reconciliation_page,
    requests_page,
    run_page,
    phones_page,
    settings_page,
    sources_page,
    statements_page,
    sent_statements_page,
    unknown_page,
    users_page,
)


def create_pages() -> FastAPI:
    """The app that is mounted below ``/motcua``."""
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None, dependencies=[Depends(visitor)])
    for room in _PAGES:
        app.include_router(room.router)

    @app.exception_handler(NotSignedIn)
    def _to_sign_in(request: Request, _: NotSignedIn) -> Response:
        if request.method in ("GET", "HEAD"):
            return RedirectResponse(sign_in_address(request), HTTPStatus.SEE_OTHER, HEADERS)
        return PlainTextResponse("", HTTPStatus.UNAUTHORIZED, HEADERS)

    @app.exception_handler(PageRefused)
    def _refused(request: Request, refused: PageRefused) -> HTMLResponse:
        return render_refusal(request, refused.status, refused.refusal, **refused.words)

    @app.exception_handler(HTTPException)
    def _no_such_page(request: Request, refused: HTTPException) -> HTMLResponse:
        unknown = refused.status_code == HTTPStatus.NOT_FOUND
        return render_refusal(request, refused.status_code, "no_such_page" if unknown else "not_so")

    @app.exception_handler(RequestValidationError)
    def _not_so(request: Request, _: RequestValidationError) -> HTMLResponse:
        return render_refusal(request, HTTPStatus.BAD_REQUEST, "not_so")

    @app.exception_handler(psycopg.OperationalError)
    @app.exception_handler(PoolTimeout)
    def _database_away(request: Request, _: Exception) -> HTMLResponse:
        return render_refusal(request, HTTPStatus.SERVICE_UNAVAILABLE, "database_away")

    @app.exception_handler(psycopg.errors.QueryCanceled)
    def _took_too_long(request: Request, _: Exception) -> HTMLResponse:
        return render_refusal(request, HTTPStatus.SERVICE_UNAVAILABLE, "took_too_long")

    @app.exception_handler(Exception)
    def _without_detail(request: Request, _: Exception) -> HTMLResponse:
        return render_refusal(request, HTTPStatus.INTERNAL_SERVER_ERROR, "failed")

    return app
