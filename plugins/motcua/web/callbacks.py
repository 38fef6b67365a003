"""What gateways call: delivery reports. Mounted in Airflow's API server, and alone under uvicorn.

``uvicorn motcua.web.callbacks:standalone`` serves the same paths where a DMZ must not reach Airflow.

Every route needs the gateway's own secret, compared in constant time; a gateway without one is closed. Answers carry
no detail. A report is stored before it is read, and one for an unknown reference is kept and answered 200, or the
gateway would send it forever.
"""

from __future__ import annotations

import hmac
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated
from urllib.parse import parse_qsl

from fastapi import Depends, FastAPI, HTTPException, Request
from fastapi.responses import PlainTextResponse

from motcua.gateways import GatewayMisconfigured, open_gateway
from motcua.gateways.adapter import Gateway
from motcua.jobs.receiving import receive
from motcua.store.database import close_ledger_pool, ledger_pool
from motcua.web.access_log import hide_queries

SECRET_HEADER = "X-Motcua-Secret"  # noqa: S105 - a header's name
_MOST_BYTES = 16 * 1024
_KEEP_ADDRESS_SECONDS = 10.0

_addresses: dict[str, tuple[float, Gateway]] = {}


def _gateway(name: str) -> Gateway | None:
    """The gateway's adapter, kept for a few seconds: its connection may come from Airflow's database."""
    known = _addresses.get(name)
    if known is not None and time.monotonic() - known[0] < _KEEP_ADDRESS_SECONDS:
        return known[1]
    try:
        gateway = open_gateway(name)
    except GatewayMisconfigured:
        return None
    _addresses[name] = (time.monotonic(), gateway)
    return gateway


async def _fields(request: Request) -> dict[str, str]:
    """Query and form fields of a request, bounded in size before they are read."""
    query = request.scope.get("query_string", b"")
    body = b""
    if len(query) > _MOST_BYTES:
        raise HTTPException(413)
    async for piece in request.stream():
        body += piece
        if len(body) > _MOST_BYTES:
            raise HTTPException(413)
    pairs: list[tuple[str, str]] = []
    try:
        pairs += parse_qsl(query.decode("latin-1"), keep_blank_values=True, max_num_fields=64)
        if body and request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
            pairs += parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=64)
    except ValueError:
        raise HTTPException(400) from None
    # PostgreSQL's text holds no NUL.
    return {name: value.replace("\x00", "") for name, value in pairs}


def _authenticated(gateway: str, request: Request, fields: Annotated[dict[str, str], Depends(_fields)]) -> Gateway:
    """The gateway that calls, or 401 (no secret, a wrong one, no such gateway) or 503 (no secret is set)."""
    offered = request.headers.get(SECRET_HEADER) or fields.get("secret") or ""
    if not offered:
        raise HTTPException(401)
    known = _gateway(gateway)
    if known is None:
        raise HTTPException(401)
    expected = str(known.address.extra.get("callback_secret") or "")
    if not expected:
        raise HTTPException(503)
    if not hmac.compare_digest(offered.encode(), expected.encode()):
        raise HTTPException(401)
    return known


@asynccontextmanager
async def _closing_connections(_: FastAPI) -> AsyncIterator[None]:
    yield
    close_ledger_pool()


def create_callbacks() -> FastAPI:
    """The app that is mounted below ``/gateway``."""
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None, lifespan=_closing_connections)
    hide_queries()

    @app.exception_handler(Exception)
    def _without_detail(_: Request, __: Exception) -> PlainTextResponse:
        return PlainTextResponse("", status_code=500)

    @app.exception_handler(HTTPException)
    def _status_only(_: Request, refusal: HTTPException) -> PlainTextResponse:
        return PlainTextResponse("", status_code=refusal.status_code)

    def receipt(
        gateway: str,
        adapter: Annotated[Gateway, Depends(_authenticated)],
        fields: Annotated[dict[str, str], Depends(_fields)],
    ) -> PlainTextResponse:
        with ledger_pool().connection() as connection:
            receive(connection, adapter, gateway, fields)
        return PlainTextResponse("ok")

    app.add_api_route("/receipts/{gateway}", receipt, methods=["GET", "POST"])
    return app


def create_standalone() -> FastAPI:
    """The same app with its paths as they are under Airflow, for a server of its own."""
    server = FastAPI(docs_url=None, redoc_url=None, openapi_url=None, lifespan=_closing_connections)
    server.mount("/gateway", create_callbacks())
    return server


def __getattr__(name: str) -> FastAPI:
    # Made when uvicorn asks for it: importing this module must not build an app in Airflow's API server.
    if name == "standalone":
        return create_standalone()
    raise AttributeError(name)
