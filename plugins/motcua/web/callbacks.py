"""What gateways call: delivery reports and citizens' inquiries. Mounted in Airflow, and alone under uvicorn.

``uvicorn motcua.web.callbacks:standalone --http motcua.web.protocol:HeadersInTime`` serves the same paths where a DMZ
must not reach Airflow.

Every route of a gateway needs its own secret or signature, compared in constant time; a gateway without one is closed.
Beside them: whether the ledger answers, which anybody may ask; the figures that a monitor reads; and what a watch on
another machine sees, and testifies.
Headers and query tell who calls before anything of a body is read. Answers carry no detail. A report is stored before
it is read, and one for an unknown reference is kept and answered 200, or the gateway would send it forever. An inquiry
is paid for: once its gateway is known it gets a reply within two seconds, whatever breaks.
"""

from __future__ import annotations

import asyncio
import gc
import hashlib
import hmac
import ipaddress
import logging
import re
import time
from collections.abc import AsyncIterator, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl
from weakref import WeakValueDictionary

from fastapi import FastAPI, HTTPException, Request
from fastapi.responses import PlainTextResponse, Response
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Receive, Scope, Send

from motcua.domain.inquiries import InquiryAnswer, asking_phone
from motcua.domain.phones.reading import holds_phone
from motcua.domain.routing import Meaning
from motcua.gateways import GatewayMisconfigured, open_gateway
from motcua.gateways.adapter import Gateway, GatewayCall, InquiryReading
from motcua.jobs.notices.answering import answer_in_time, apologise, count_left_over, warm_up
from motcua.jobs.notices.receiving import Intake
from motcua.store.ledger.database import CALLBACKS, close_ledger_pool, ledger_pool, reason_without_values
from motcua.store.watching.watch import takes_rows
from motcua.web.access_log import hide_queries, server_of
from motcua.web.forms import throw_away
from motcua.web.ledger_looks import LedgerLook, LedgerSilent, MetricsPage, OutsidePage, check_reader

SECRET_HEADER = "X-Motcua-Secret"  # noqa: S105 - a header's name
SIGNATURE_HEADER = "X-Motcua-Signature"
_MOST_BYTES = 16 * 1024
_READ_WITHIN = 5.0
"""Seconds for a body, all of it; headers have theirs in web/protocol.py."""
_KEEP_ADDRESS_AT_MOST = 3600.0
"""An address that cannot be read anew is used on for so long: Airflow's database may be away."""
_ANSWER_WITHIN = 1.8
_HEALTH_WITHIN = 2.0
_LEFT_TO_RUNS: tuple[Meaning, ...] = ("absent",)
"""That a gateway never had a message has it sent again: the part that strangers call may not say so."""
_OFFERED_IN = ("secret", "signature")
"""How headers end in which callers show who they are."""
_NAME = re.compile(r"[a-z0-9_]{1,40}")
_SIGNATURE = re.compile(r"[0-9a-f]{64}")

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Addresses:
    """How gateways' addresses are read: their connections may come from Airflow's database."""

    read: Callable[[str], Gateway] = open_gateway
    keep: float = 10.0
    """Seconds, in which none is read anew."""
    refresh: float = 60.0
    """Seconds, after which none is used before it is read anew."""
    wait: float = 0.15
    """Seconds for reading a known one anew: Airflow's database may hang, and the citizen waits 2 at most."""


_USUAL = Addresses()


class _Desk:
    """What the app works with from its start to its end: threads, gateways' addresses, and what takes reports in.

    Threads of their own: delivery reports that wait for the ledger must not hold up an inquiry.
    """

    def __init__(self, read: Addresses) -> None:
        self.read = read
        self.addresses: dict[str, tuple[float, Gateway]] = {}
        self.looking_up = ThreadPoolExecutor(2, thread_name_prefix="gateway address")
        self.answering = ThreadPoolExecutor(16, thread_name_prefix="inquiry")
        self.turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self.intake = Intake(lambda: ledger_pool(CALLBACKS).connection(), _LEFT_TO_RUNS)
        self.health = LedgerLook("ledger health", takes_rows, patience=_HEALTH_WITHIN, fresh=1)
        self.metrics = MetricsPage()
        self.outside = OutsidePage()

    def close(self) -> None:
        """Ends the threads; who still looks an address up is not waited for."""
        self.looking_up.shutdown(wait=False, cancel_futures=True)
        self.answering.shutdown()
        self.intake.close()
        self.health.close()
        self.metrics.close()
        self.outside.close()

    def gateway(self, name: str) -> Gateway | None:
        """The gateway's adapter, kept for a few seconds."""
        # A look-up may be logged, and anybody may ask for one.
        if not _NAME.fullmatch(name) or holds_phone(name):
            return None
        known = self.addresses.get(name)
        if known is not None and time.monotonic() - known[0] < self.read.keep:
            return known[1]
        try:
            gateway = self.read.read(name)
        except GatewayMisconfigured:
            self.addresses.pop(name, None)
            return None
        except Exception as error:
            _log.warning("The connection of gateway %s cannot be read: %s", name, reason_without_values(error))
            still_good = known is not None and time.monotonic() - known[0] < _KEEP_ADDRESS_AT_MOST
            return known[1] if known is not None and still_good else None
        self.addresses[name] = (time.monotonic(), gateway)
        return gateway

    async def known_gateway(self, gateway: str, request: Request) -> Gateway:
        """The gateway that is named, or 401: no such one, or the caller is outside its networks."""
        loop = asyncio.get_running_loop()
        read_at, known = self.addresses.get(gateway, (0.0, None))
        age = time.monotonic() - read_at
        if known is None or age > self.read.refresh:
            reading = loop.run_in_executor(self.looking_up, self.gateway, gateway)
            still_good = known is not None and age < _KEEP_ADDRESS_AT_MOST
            await asyncio.wait([reading], timeout=self.read.wait if still_good else None)
            known = reading.result() if reading.done() else known
        elif age > self.read.keep:
            # Used once more while it is read anew: strangers who ask for gateways of all names cannot delay it.
            loop.run_in_executor(self.looking_up, self.gateway, gateway)
        if known is None or not _comes_from(request.client.host if request.client else "", known.address.extra):
            raise HTTPException(401)
        return known

    async def answer_in_turn(self, gateway: str, reading: InquiryReading, now: datetime, since: float) -> InquiryAnswer:
        """One inquiry of a phone after the other: waiting for the phone's lock in the ledger, they would hold threads
        that others need."""
        phone = asking_phone(reading.sender)
        turn = self.turns.setdefault(phone, asyncio.Lock()) if phone else nullcontext()
        async with turn:
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self.answering, answer_in_time, gateway, reading, now, since)


def _desk(request: Request) -> _Desk:
    """The app's own, also where the server around it told it of no start."""
    state = request.app.state
    if not hasattr(state, "desk"):
        state.desk = _Desk(state.addresses)
    desk: _Desk = state.desk
    return desk


def _pairs(written: str) -> dict[str, str]:
    """The fields of a query or a form as they came, of several with one name the last.

    Raises:
        HTTPException: 400, there are too many.
    """
    try:
        return dict(parse_qsl(written, keep_blank_values=True, max_num_fields=64))
    except ValueError:
        raise HTTPException(400) from None


def _query(request: Request) -> dict[str, str]:
    """The fields of the query, bounded in size."""
    query = request.scope.get("query_string", b"")
    if len(query) > _MOST_BYTES:
        raise HTTPException(413)
    return _pairs(query.decode("latin-1"))


async def _body(request: Request) -> bytes:
    """The body of a caller who is known, bounded in size and time.

    Raises:
        HTTPException: 413, it is too large; 408, it does not end in time; 400, it was broken off.
    """
    body, stream = b"", request.stream()
    try:
        async with asyncio.timeout(_READ_WITHIN):
            async for piece in stream:
                body += piece
                if len(body) > _MOST_BYTES:
                    break
    except TimeoutError:
        raise HTTPException(408) from None
    except ClientDisconnect:
        raise HTTPException(400) from None
    if len(body) > _MOST_BYTES:
        await throw_away(request, stream)
        raise HTTPException(413)
    return body


def _form(request: Request, body: bytes) -> dict[str, str]:
    """The fields of a form; none where the body is none."""
    kind = request.headers.get("content-type", "").lower()
    is_form = body and kind.startswith("application/x-www-form-urlencoded")
    return _pairs(body.decode("utf-8", "replace")) if is_form else {}


def _comes_from(host: str, extra: Any) -> bool:  # noqa: ANN401 - as an Airflow connection holds it
    """Whether the caller is in ``allowed_networks`` (a list, or words with commas); without them all may call."""
    allowed = extra.get("allowed_networks")
    if not allowed:
        return True
    networks = allowed.split(",") if isinstance(allowed, str) else allowed
    try:
        caller = ipaddress.ip_address(host)
        return any(caller in ipaddress.ip_network(str(network).strip(), strict=False) for network in networks)
    except (ValueError, TypeError):
        # No address, or a network that is none: closed.
        return False


def _signature_is_right(request: Request, offered: str, body: bytes, key: str) -> bool:
    """HMAC-SHA256, in hex, of the raw query, a line feed and the raw body."""
    signed = request.scope.get("query_string", b"") + b"\n" + body
    expected = hmac.new(key.encode(), signed, hashlib.sha256).hexdigest()
    return hmac.compare_digest(offered.encode(), expected.encode())


@dataclass(frozen=True, slots=True)
class _Call:
    """What a gateway that is known brings."""

    gateway: Gateway
    brought: GatewayCall

    @classmethod
    def of(cls, gateway: Gateway, request: Request, query: Mapping[str, str], body: bytes = b"") -> _Call:
        form = _form(request, body)
        return cls(gateway, GatewayCall(_storable(query), _storable(form), request.headers, body))


async def _authenticated(gateway: str, request: Request) -> _Call:
    """The call of a gateway, or 401 (no secret, a wrong one, no such gateway) or 503 (no secret is set).

    Headers and query tell who calls; of anybody else no body is read. A signature covers the body, which then is read
    from whoever is in the gateway's networks and offers something in a signature's form.
    """
    query = _query(request)
    offered = request.headers.get(SECRET_HEADER) or query.get("secret") or ""
    signature = request.headers.get(SIGNATURE_HEADER, "").removeprefix("sha256=")
    if not offered and not signature:
        raise HTTPException(401)
    known = await _desk(request).known_gateway(gateway, request)
    if key := str(known.address.extra.get("callback_hmac_key") or ""):
        if not _SIGNATURE.fullmatch(signature):
            raise HTTPException(401)
        body = await _body(request)
        if not _signature_is_right(request, signature, body, key):
            raise HTTPException(401)
        return _Call.of(known, request, query, body)
    expected = str(known.address.extra.get("callback_secret") or "")
    if not expected:
        raise HTTPException(503)
    if not hmac.compare_digest(offered.encode("utf-8", "surrogatepass"), expected.encode()):
        raise HTTPException(401)
    return _Call.of(known, request, query, await _body(request))


async def _authenticated_reporter(gateway: str, request: Request) -> _Call:
    """Likewise; where the provider signs its reports its signature decides, and nothing else: it covers the body, which
    is read from whoever is in the gateway's networks and offers one."""
    query = _query(request)
    offers = "secret" in query or any(name.endswith(_OFFERED_IN) for name in request.headers)
    if offers and (header := (known := await _desk(request).known_gateway(gateway, request)).receipts_signed_in):
        if not request.headers.get(header):
            raise HTTPException(401)
        call = _Call.of(known, request, query, await _body(request))
        if not known.receipt_is_signed(call.brought):
            raise HTTPException(401)
        return call
    return await _authenticated(gateway, request)


async def _authenticated_inquirer(gateway: str, request: Request) -> _Call:
    """Likewise; where the provider signs inquiries its signature decides, and nothing else: it covers the query alone,
    so that nothing else counts."""
    query = _query(request)
    if "sign" in query or "secret" in query or SECRET_HEADER in request.headers:
        known = await _desk(request).known_gateway(gateway, request)
        call = GatewayCall(query, headers=request.headers)
        signed = known.inquiry_is_signed(call)
        if signed is not None:
            if not signed:
                raise HTTPException(401)
            return _Call.of(known, request, query)
    return await _authenticated(gateway, request)


def _storable(fields: Mapping[str, str]) -> Mapping[str, str]:
    """Without NUL, which PostgreSQL's text does not hold."""
    return {name.replace("\x00", ""): value.replace("\x00", "") for name, value in fields.items()}


class _QueryForUsAlone:
    """Takes the query away from the servers around the app: Airflow's access log writes it once a request is done."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        own = dict(scope)
        if "query_string" in scope:
            scope["query_string"] = b""
        await self.app(own, receive, send)


@asynccontextmanager
async def _with_connections(app: FastAPI) -> AsyncIterator[None]:
    app.state.desk = desk = _Desk(app.state.addresses)
    # The first import of Airflow's hooks takes seconds, which no citizen may wait for.
    loop = asyncio.get_running_loop()
    try:
        await loop.run_in_executor(desk.answering, warm_up)
        # What is loaded by now stays. Looked through for garbage again and again, with all of Airflow among it, it took
        # a third of what a receipt takes (docs/decisions/sending.md).
        gc.collect()
        gc.freeze()
        yield
        await loop.run_in_executor(desk.answering, count_left_over)
    finally:
        gc.unfreeze()
        desk.close()
        close_ledger_pool()


def create_callbacks(addresses: Addresses = _USUAL) -> FastAPI:
    """The app that is mounted below ``/gateway``."""
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None, lifespan=_with_connections)
    app.state.addresses = addresses
    hide_queries()
    app.add_middleware(_QueryForUsAlone)

    @app.exception_handler(Exception)
    def _without_detail(_: Request, __: Exception) -> PlainTextResponse:
        return PlainTextResponse("", status_code=500)

    @app.exception_handler(HTTPException)
    def _status_only(_: Request, refusal: HTTPException) -> PlainTextResponse:
        # Closed, since what is left of a body is not read.
        return PlainTextResponse("", status_code=refusal.status_code, headers={"Connection": "close"})

    # Neither has FastAPI look for parameters, which is a third of what it does for a receipt.
    async def receipt(request: Request) -> PlainTextResponse:
        gateway = request.path_params["gateway"]
        call = await _authenticated_reporter(gateway, request)
        try:
            await asyncio.wrap_future(_desk(request).intake.take(gateway, call.gateway.read_receipt(call.brought)))
        except Exception as failure:
            # Left to the server, a traceback would quote the row.
            _log.error("A report of gateway %s failed: %s", gateway, reason_without_values(failure))
            raise HTTPException(500) from None
        return PlainTextResponse("ok")

    async def inquiry(request: Request) -> Response:
        gateway = request.path_params["gateway"]
        call = await _authenticated_inquirer(gateway, request)
        adapter = call.gateway
        reading, now, since = adapter.read_inquiry(call.brought), datetime.now(UTC), time.monotonic()
        try:
            reply = await asyncio.wait_for(_desk(request).answer_in_turn(gateway, reading, now, since), _ANSWER_WITHIN)
        except TimeoutError:
            reply = apologise(gateway, reading, now)
        form = adapter.form_reply(reading, reply.text, reply.accented)
        return Response(form.body.encode("utf-8"), headers={"Content-Type": form.media_type, **form.headers})

    async def health(request: Request) -> PlainTextResponse:
        try:
            reason = "" if await _desk(request).health.get() else "the ledger takes no new rows"
        except LedgerSilent as silence:
            reason = str(silence)
        return PlainTextResponse(reason or "ok", status_code=503 if reason else 200)

    async def metrics(request: Request) -> Response:
        check_reader(request)
        return await _desk(request).metrics.read(request.headers.get("accept", ""))

    async def watch_from_outside(request: Request) -> Response:
        check_reader(request)
        page = _desk(request).outside
        return await (page.read() if request.method == "GET" else page.take(await _body(request)))

    app.add_api_route("/health", health, methods=["GET"])
    app.add_api_route("/metrics", metrics, methods=["GET"])
    app.add_api_route("/watch", watch_from_outside, methods=["GET", "POST"])
    app.add_api_route("/inquiries/{gateway}", inquiry, methods=["GET", "POST"])
    app.add_api_route("/receipts/{gateway}", receipt, methods=["GET", "POST"])
    return app


def create_standalone(addresses: Addresses = _USUAL) -> FastAPI:
    """The same app with its paths as they are under Airflow, for a server of its own."""
    app = create_callbacks(addresses)
    return server_of(app, "/gateway", lambda: _with_connections(app))


def __getattr__(name: str) -> FastAPI:
    # Made when uvicorn asks for it: importing this module must not build an app in Airflow's API server.
    if name == "standalone":
        return create_standalone()
    raise AttributeError(name)
