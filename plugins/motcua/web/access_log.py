"""Keep phone numbers, message texts and secrets out of the access logs of the servers that serve pages and callbacks.

In every logged path and query, of any route, a value is masked if it looks like a phone number, or if it has the name
of a secret or of a field about a citizen. The path and the query may be percent-encoded several times. uvicorn's own
access log, which only the standalone servers write, holds no query at all.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from http import HTTPStatus
from typing import Final
from urllib.parse import quote, unquote

from fastapi import FastAPI
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from motcua.domain.phones.reading import mask_phones

_log = logging.getLogger(__name__)
_DEEPEST: Final = 5
"""Most times that a path or a query is percent-decoded. If the last decoding still changes the text, the text is not
logged at all."""
_LONGEST: Final = 4_000
"""Longest path or query, in characters, that is searched.

A longer path or query is not logged at all, because searching it would block the event loop.
"""
_HIDDEN: Final = "***"
_NAMED: Final = re.compile(
    r"(?<![\w-])([\w-]*(?:secret|session|token|password|passwd|pwd|sign|signature|key"
    r"|sender|number|phone|msisdn|content|text))=[^&;?#]*",
    re.IGNORECASE,
)
"""Pattern of a query's field whose name is that of a secret, or of a field about a citizen in a gateway's call."""


def mask_target(target: str) -> str:
    """Return a path or a query with phone numbers and secrets masked, as it may be written into a log."""
    if len(target) > _LONGEST:
        return _HIDDEN
    plain = target
    for _ in range(_DEEPEST):
        decoded = unquote(plain)
        if decoded == plain:
            break
        plain = decoded
    else:
        return _HIDDEN
    masked = mask_phones(_NAMED.sub(rf"\1={_HIDDEN}", plain))
    return target if masked == plain else quote(masked, safe="/?&=;:,*@")


class MaskedRequests:
    """ASGI middleware that masks the path and the query of a request before the server that runs the app logs them.

    Airflow's access log writes path and query once a request is done, and masks only a few named values of the query.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request to the app unchanged, and mask its path and query after the app has answered."""
        try:
            await self.app(scope, receive, send)
        finally:
            if "path" in scope:
                scope["path"] = mask_target(scope["path"])
                scope["query_string"] = mask_target(scope["query_string"].decode("utf-8", "replace")).encode()


class WrittenRefusals:
    """ASGI middleware that writes one masked log line for each request that an app refuses or fails to answer.

    Standalone servers need this class: once Airflow's hooks are loaded, Airflow's logging has removed uvicorn's access
    log.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request and its answer on unchanged, and log a request that was refused or that failed."""
        status = 0

        async def noting(message: Message) -> None:
            nonlocal status
            status = message.get("status", status)
            await send(message)

        try:
            await self.app(scope, receive, noting)
        finally:
            if scope["type"] == "http" and status >= HTTPStatus.BAD_REQUEST:
                # Quote the path, so that a line feed in it does not begin a new line of the log.
                _log.warning("%s %s: %d", scope["method"], mask_target(quote(scope["path"])), status)


class _TargetFilter(logging.Filter):
    """A log filter that masks the paths that uvicorn logs and cuts off their queries."""

    def filter(self, record: logging.LogRecord) -> bool:
        if isinstance(record.args, tuple):
            record.args = tuple(map(_without_query, record.args))
        return True


def _without_query(argument: object) -> object:
    if not isinstance(argument, str) or not argument.startswith("/"):
        return argument
    path, mark, _ = mask_target(argument).partition("?")
    return path + ("?…" if mark else "")


def hide_queries() -> None:
    """Make uvicorn log masked paths without queries. The function may be called several times."""
    # uvicorn logs a refused WebSocket in "uvicorn.error".
    for name in ("uvicorn.access", "uvicorn.error"):
        log = logging.getLogger(name)
        if not any(isinstance(known, _TargetFilter) for known in log.filters):
            log.addFilter(_TargetFilter())


def server_of(app: FastAPI, prefix: str, lifespan: Callable[[], AbstractAsyncContextManager[None]]) -> FastAPI:
    """Return a standalone server for an app, with the same paths as under Airflow.

    ``lifespan`` opens and closes the app's resources. The server runs it, because a mounted app does not receive the
    server's start and end.
    """
    server = FastAPI(docs_url=None, redoc_url=None, openapi_url=None, lifespan=lambda _: lifespan())
    server.mount(prefix, app)
    server.add_middleware(WrittenRefusals)
    return server
