"""Build the staff pages, which are mounted in Airflow below ``/motcua`` for signed-in users only.

Authentication is a dependency of the app, so that no page can forget it. Each page asks motcua.web.visitors which
agencies' rows a visitor may see. Pages hold no script except the one that prints a slip for a citizen, load nothing
from other hosts and are not cached by the browser. Error pages show no detail of the error.

Each process reads templates, words and rules once. Reading them at first use would delay the first page by up to a
second, so the server reads them at its start. The server does not query the ledger at its start, because the ledger may
be unreachable while Airflow starts.
"""

from __future__ import annotations

import gc
import logging
from collections.abc import Callable, Iterable
from functools import lru_cache
from http import HTTPStatus
from importlib import import_module

import psycopg
from fastapi import APIRouter, Depends, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from psycopg_pool import PoolTimeout
from starlette.exceptions import HTTPException

from motcua import dag_texts
from motcua.domain.phones.reading import read_phone
from motcua.jobs.handed_in import complaints
from motcua.jobs.handed_in.statement_files import form_names, load_form
from motcua.jobs.notices.planning import planning_rules
from motcua.quality.rules import load_rules
from motcua.quality.soundness import load_soundness
from motcua.reports import checks, wording
from motcua.reports.agency_settings import settings_words
from motcua.reports.explaining import clauses
from motcua.reports.lists import load_every_list
from motcua.store.notices.templates import load_templates
from motcua.web import rendering
from motcua.web.airflow import NotSignedIn, sign_in_address
from motcua.web.forms import PageRefused
from motcua.web.quality import export_form_page, exports_page, quality_page, sources_page
from motcua.web.rendering import HEADERS, render_refusal
from motcua.web.staff import (
    alerts_page,
    apologies_page,
    calendar_page,
    complaints_page,
    dossiers_page,
    messages_page,
    overview_page,
    phones_page,
    reconciliation_page,
    requests_page,
    run_page,
    settings_page,
    statements_page,
    stops_page,
    users_page,
)
from motcua.web.visitors import counter_alone, visitor

# --- Files that are read at the start --------------------------------------------------------------------------------

_log = logging.getLogger(__name__)


def _load_forms() -> None:
    for name in form_names():
        load_form(name)


def _load_phone_metadata() -> None:
    # Reading a phone number loads the metadata of the numbering plan.
    read_phone("0905771482", None, "")


def _load_postgres_hook() -> None:
    import_module("airflow.providers.postgres.hooks.postgres")


_READ: tuple[Callable[[], object], ...] = (
    rendering.load_every_page,
    wording.words,
    wording.list_words,
    load_every_list,
    wording.publication_words,
    clauses,
    run_page.run_words,
    settings_words,
    dag_texts.words,
    checks.load_every_sentence,
    complaints.titles,
    load_rules,
    load_soundness,
    load_templates,
    planning_rules,
    _load_forms,
    _load_phone_metadata,
    _load_postgres_hook,
)


@lru_cache(maxsize=1)
def warm_pages(reads: tuple[Callable[[], object], ...] = _READ) -> None:
    """Read all files that pages need, once in each process.

    If a file cannot be read, the failure is logged, and the page that needs the file shows what is wrong.
    """
    for read in reads:
        try:
            read()
        except Exception as failure:
            _log.warning("the staff pages could not preload %s: %s", read.__name__, failure)
    # The objects that Airflow and the pages loaded stay forever. Without freezing, the garbage collector would scan
    # them during the next page, which is a pause of a sixth of a second.
    gc.collect()
    gc.freeze()


# --- The app ---------------------------------------------------------------------------------------------------------

_PAGES = (
    alerts_page.router,
    apologies_page.router,
    calendar_page.router,
    complaints_page.router,
    dossiers_page.router,
    export_form_page.router,
    exports_page.router,
    messages_page.router,
    overview_page.router,
    phones_page.router,
    quality_page.router,
    reconciliation_page.router,
    requests_page.router,
    run_page.router,
    settings_page.router,
    sources_page.router,
    statements_page.router,
    stops_page.router,
    users_page.router,
)


_OF_NUL = (None, psycopg.errors.UntranslatableCharacter.sqlstate)
"""SQLSTATEs of the errors for a text with a NUL character, which PostgreSQL cannot store. psycopg refuses such a text
in a parameter and gives no SQLSTATE (``None``). PostgreSQL refuses such a text in JSON."""


def create_pages(pages: Iterable[APIRouter] = _PAGES) -> FastAPI:
    """Return the app that is mounted below ``/motcua``."""
    app = FastAPI(
        docs_url=None, redoc_url=None, openapi_url=None, dependencies=[Depends(visitor), Depends(counter_alone)]
    )
    for page in pages:
        app.include_router(page)

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
    def _invalid_parameters(request: Request, _: RequestValidationError) -> HTMLResponse:
        return render_refusal(request, HTTPStatus.BAD_REQUEST, "not_so")

    @app.exception_handler(psycopg.OperationalError)
    @app.exception_handler(PoolTimeout)
    def _database_unreachable(request: Request, _: Exception) -> HTMLResponse:
        return render_refusal(request, HTTPStatus.SERVICE_UNAVAILABLE, "database_away")

    @app.exception_handler(psycopg.DataError)
    def _no_text(request: Request, refused: psycopg.DataError) -> HTMLResponse:
        if refused.sqlstate not in _OF_NUL:
            raise refused
        return render_refusal(request, HTTPStatus.BAD_REQUEST, "not_so")

    @app.exception_handler(psycopg.errors.QueryCanceled)
    def _took_too_long(request: Request, _: Exception) -> HTMLResponse:
        return render_refusal(request, HTTPStatus.SERVICE_UNAVAILABLE, "took_too_long")

    @app.exception_handler(Exception)
    def _without_detail(request: Request, _: Exception) -> HTMLResponse:
        return render_refusal(request, HTTPStatus.INTERNAL_SERVER_ERROR, "failed")

    return app
