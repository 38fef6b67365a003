"""Keeps numbers, words and secrets out of the access logs of the servers around our pages and callbacks.

They go by shape and not by route: whatever was asked for, and however it is encoded, what looks like a phone number or
is named like a secret is masked. uvicorn's own log, of the callbacks alone, holds no query at all.
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
"""Times that a path may be encoded; what goes deeper is not shown at all."""
_LONGEST: Final = 4_000
"""Characters that are looked through: others wait meanwhile. What is longer is not shown at all."""
_HIDDEN: Final = "***"
_NAMED: Final = re.compile(
    r"(?<![\w-])([\w-]*(?:secret|session|token|password|passwd|pwd|sign|signature|key"
    r"|sender|number|phone|msisdn|content|text))=[^&;?#]*",
    re.IGNORECASE,
)
"""Values named like a secret, or like what gateways bring about a citizen."""


def mask_target(target: str) -> str:
    """A path or a query as it may be written into a log; as it came where nothing in it needs hiding."""
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
    """Leaves the server around an app nothing to log of a request but what may be logged.

    Airflow's access log writes path and query once a request is done, and masks a few named values of the query only.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes the request on as it is; masks it afterwards."""
        try:
            await self.app(scope, receive, send)
        finally:
            if "path" in scope:
                scope["path"] = mask_target(scope["path"])
                scope["query_string"] = mask_target(scope["query_string"].decode("utf-8", "replace")).encode()


class WrittenRefusals:
    """Writes one masked line for each request that an app turns down or fails at.

    For a server of our own: once Airflow's hooks are loaded, its logging has taken uvicorn's access log away.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes everything on and notes the status of the answer."""
        status = 0

        async def noting(message: Message) -> None:
            nonlocal status
            status = message.get("status", status)
            await send(message)

        try:
            await self.app(scope, receive, noting)
        finally:
            if scope["type"] == "http" and status >= HTTPStatus.BAD_REQUEST:
                # Quoted, so that a line in a path is no line of the log.
                _log.warning("%s %s: %d", scope["method"], mask_target(quote(scope["path"])), status)


class _TargetFilter(logging.Filter):
    """Masks the paths that uvicorn logs, and cuts off their queries."""

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
    """Makes uvicorn write masked paths without their queries; safe to repeat."""
    # Its refusal of a WebSocket goes to the second one.
    for name in ("uvicorn.access", "uvicorn.error"):
        log = logging.getLogger(name)
        if not any(isinstance(known, _TargetFilter) for known in log.filters):
            log.addFilter(_TargetFilter())


def server_of(app: FastAPI, prefix: str, lifespan: Callable[[], AbstractAsyncContextManager[None]]) -> FastAPI:
    """A server of its own for an app, with its paths as they are under Airflow.

    ``lifespan`` is the app's: a mounted app is told of no start and no end by itself.
    """
    server = FastAPI(docs_url=None, redoc_url=None, openapi_url=None, lifespan=lambda _: lifespan())
    server.mount(prefix, app)
    server.add_middleware(WrittenRefusals)
    return server
