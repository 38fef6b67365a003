"""Serve the phone network over HTTP: Kannel's ``sendsms``, the page of phones, faults, and the log for the tests."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import secrets
import socket
import sqlite3
import struct
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from fastapi import Depends, FastAPI, HTTPException, Request, Response
from fastapi.responses import HTMLResponse, JSONResponse
from pydantic import BaseModel, Field
from starlette.concurrency import run_in_threadpool
from starlette.types import Receive, Scope, Send

from motcua.sandbox.network.behaviour import REFUSING_FAULTS, Behaviour, BusyFault, Faults, Timing, default_behaviour
from motcua.sandbox.network.phone_network import SHORT_CODE, PhoneNetwork, logger
from motcua.sandbox.network.submission import Refused, phone_number, read_fields, read_submission
from motcua.sandbox.network.truth_log import TruthLog
from motcua.sandbox.network.zalo import ZaloAccount, ZaloService
from motcua.templating import templates


class NoAnswer(Response):
    """A response that is never sent: the connection stays silent for some seconds and is then reset."""

    def __init__(self, silence: float = 0.0) -> None:
        super().__init__()
        self._silence = silence

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Wait, then cut the connection at the TCP level, for which ASGI has no message."""

        async def client_gone() -> None:
            while (await receive())["type"] != "http.disconnect":
                pass

        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(client_gone(), self._silence)
            return
        transport = getattr(getattr(receive, "__self__", None), "transport", None)
        if transport is None:  # the server is not uvicorn
            raise ConnectionResetError
        connection = transport.get_extra_info("socket")
        with contextlib.suppress(OSError, AttributeError):
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        transport.abort()
        await client_gone()


class NewPhone(BaseModel):
    """A phone number for which the network is to make a handle: a text that stands for the number in addresses."""

    number: str = Field(pattern=r"^[0-9+ .()-]{3,20}$")


class NewBehaviour(BaseModel):
    """The behaviour for a number's messages from now on; null for the number's own default."""

    behaviour: Behaviour | None


class NewText(BaseModel):
    """A text that the owner of a phone sends."""

    to: str = Field(default=SHORT_CODE, pattern=r"^[0-9]{3,6}$")
    text: str = Field(min_length=1, max_length=1000)


def _from_loopback(request: Request) -> None:
    """Refuse a request that does not come from this machine."""
    host = request.client.host if request.client else ""
    try:
        near = ipaddress.ip_address(host).is_loopback
    except ValueError:
        near = False
    if not near:
        raise HTTPException(403, "allowed only from this machine")


def create_app(
    folder: Path,
    *,
    username: str,
    password: str,
    inquiry_url: str | None = None,
    seed: int = 0,
    max_messages: int = 1,
    timing: Timing | None = None,
    zalo: ZaloAccount | None = None,
) -> FastAPI:
    """Return the phone network as an app. Its log is in ``folder`` and stays after the process has ended.

    Args:
        folder: the network's folder, created if missing; it contains ``phone_network.sqlite3``.
        username: name of the sendsms-user.
        password: password of the sendsms-user.
        inquiry_url: the ``get-url``, with Kannel's escapes (``…?secret=…&sender=%p&to=%P&text=%a&id=%I``); if None,
            inquiries get "Request Failed".
        seed: decides which numbers are dead, late or silent.
        max_messages: maximum number of parts of a message or a reply (Kannel's default is 1).
        timing: how long deliveries, receipts and answers take.
        zalo: the official account that sends to phones with Zalo; None if no phone is reached by Zalo.

    Raises:
        OSError: the folder cannot be created.
        sqlite3.Error: the log cannot be opened.
    """
    network = PhoneNetwork(
        TruthLog(folder),
        username=username,
        inquiry_url=inquiry_url,
        seed=seed,
        max_messages=max_messages,
        timing=timing or Timing(),
    )

    @contextlib.asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        network.start()
        yield
        await run_in_threadpool(network.stop)

    app = FastAPI(title="Phone network", docs_url=None, redoc_url=None, openapi_url=None, lifespan=lifespan)
    page = templates("web").get_template("phone_network.html")

    def answer(status: int, sentence: str) -> Response:
        return Response(sentence, status, {"Cache-Control": "no-cache"}, media_type="text/html")

    @app.api_route("/cgi-bin/sendsms", methods=["GET", "POST"])
    async def sendsms(request: Request) -> Response:
        faults, lot = network.faults, network.lot
        if faults.outage:
            return NoAnswer()
        try:
            submission = read_submission(await read_fields(request), username, password)
        except Refused as refusal:
            return answer(refusal.status, refusal.sentence)
        for name, (status, sentence) in REFUSING_FAULTS.items():
            if (fault := getattr(faults, name)).hits(lot, submission.receivers):
                no = answer(status, sentence)
                if isinstance(fault, BusyFault) and fault.retry_after is not None:
                    no.headers["Retry-After"] = str(fault.retry_after)
                return no
        queued, silent, reset, broken, slow = (
            fault.hits(lot, submission.receivers)
            for fault in (
                faults.queued,
                faults.accept_then_timeout,
                faults.accept_then_reset,
                faults.accept_then_500,
                faults.slow_seconds,
            )
        )
        try:
            await network.accept(submission)
        except sqlite3.Error as error:
            logger.error("The log cannot be written: %s", error)
            return answer(*REFUSING_FAULTS["error_503"])
        if slow:
            await asyncio.sleep(faults.slow_seconds.seconds)
        if silent or reset:
            return NoAnswer(network.timing.hang if silent else 0.0)
        if broken:
            return answer(500, "Internal Server Error")
        return answer(202, "3: Queued for later delivery" if queued else "0: Accepted for delivery")

    if zalo is not None:
        network.event = (zalo.webhook_url, zalo.event)
        service = ZaloService(network, zalo, seed)

        @app.post("/v4/oa/access_token")
        async def renew_tokens(request: Request) -> dict[str, Any]:
            form = {name: values[-1] for name, values in parse_qs((await request.body()).decode()).items()}
            return await service.renew(form, request.headers)

        @app.post("/message/template")
        async def take_by_zalo(request: Request) -> Response:
            if network.faults.outage:
                return NoAnswer()
            return JSONResponse(await service.take(await request.json(), request.headers.get("access_token", "")))

    @app.get("/health")
    def health() -> dict[str, str]:
        network.log.read("SELECT 1")
        return {"status": "outage" if network.faults.outage else "ok"}

    @app.get("/faults", dependencies=[Depends(_from_loopback)], response_model_exclude_none=True)
    def read_faults() -> Faults:
        return network.faults

    @app.put("/faults", dependencies=[Depends(_from_loopback)], response_model_exclude_none=True)
    async def put_faults(faults: Faults) -> Faults:
        network.set_faults(faults)
        return faults

    @app.post("/phones", dependencies=[Depends(_from_loopback)])
    def add_phone(phone: NewPhone) -> dict[str, str]:
        row = network.add_phone(phone_number(phone.number))
        behaviour = row["behaviour"] or default_behaviour(row["number"], seed)
        return {"handle": row["handle"], "behaviour": behaviour}

    @app.put("/phones/{handle}/behaviour", dependencies=[Depends(_from_loopback)])
    def set_behaviour(handle: str, wanted: NewBehaviour) -> dict[str, str]:
        try:
            return {"handle": handle, "behaviour": network.set_behaviour(handle, wanted.behaviour)}
        except LookupError as error:
            raise HTTPException(404, "no such phone") from error

    @app.post("/phones/{handle}/texts", status_code=202)
    def send_text(handle: str, sent: NewText) -> dict[str, int]:
        try:
            return {"id": network.text(network.find_phone(handle)["number"], sent.to, sent.text)}
        except LookupError as error:
            raise HTTPException(404, "no such phone") from error

    @app.get("/api/phones")
    def read_phones(limit: int = 60, search: str = "") -> dict[str, Any]:
        return {"phones": network.phones(max(1, min(limit, 500)), search[:200])}

    @app.get("/api/counts")
    def read_counts() -> dict[str, Any]:
        return network.counts()

    @app.get("/api/messages", dependencies=[Depends(_from_loopback)])
    def read_messages(after_id: int = 0, limit: int = 1000) -> dict[str, Any]:
        return {"messages": network.messages(after_id, max(1, min(limit, 10_000)))}

    @app.get("/")
    def wall() -> HTMLResponse:
        nonce = secrets.token_urlsafe(16)
        policy = (
            f"default-src 'none'; style-src 'nonce-{nonce}'; script-src 'nonce-{nonce}'; connect-src 'self';"
            " img-src data:; form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
        )
        headers = {"Content-Security-Policy": policy, "Cache-Control": "no-store"}
        return HTMLResponse(page.render(nonce=nonce, short_code=SHORT_CODE), headers=headers)

    return app
