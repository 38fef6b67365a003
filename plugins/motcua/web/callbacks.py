"""Serve the HTTP routes that gateways call with delivery receipts and citizens' inquiries.

The app is mounted in Airflow. ``uvicorn motcua.web.callbacks:standalone --http motcua.web.protocol:HeadersInTime``
serves the same paths on a machine in a DMZ that must not reach Airflow.

Each gateway needs its own secret or signature, compared in constant time. A gateway without a secret is refused.
There are three more routes: a health check, which anybody may call; the figures for a monitoring system; and a page for
a watch (a process that runs checks and raises alerts) on another machine. That watch reads the ledger's state from the
page, and sends a report of what it saw.

The app refuses a caller without a secret or a signature before it reads the body. It checks a signature after it has
read the body, because the signature covers the body. The answer to a refused call is empty. A receipt is stored before
it is parsed. A receipt for an unknown reference is stored and answered with 200, because the gateway would otherwise
send it forever. Citizens pay for inquiries: once the gateway is authenticated, an inquiry gets a reply within two
seconds even if something fails.
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
"""Seconds in which a body must arrive completely. web/protocol.py limits the time for headers."""
_KEEP_ADDRESS_AT_MOST = 3600.0
"""Seconds for which a known address of a gateway is used while Airflow's database is unreachable."""
_ANSWER_WITHIN = 1.8
_HEALTH_WITHIN = 2.0
_LEFT_TO_RUNS: tuple[Meaning, ...] = ("absent",)
"""Meanings of receipts that this app only stores. DAG runs act on them later.

"absent" means that the gateway never received the message. To apply such a receipt is to send the message again, which
this app's role in the ledger may not do, because strangers can reach the app.
"""
_GATEWAY_NAME = re.compile(r"[a-z0-9_]{1,40}")
_SIGNATURE = re.compile(r"[0-9a-f]{64}")

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Addresses:
    """How the addresses of gateways are read, and how long an address is used before it is read again.

    An address is the content of a gateway's Airflow connection, which may be in Airflow's database.
    """

    read: Callable[[str], Gateway] = open_gateway
    keep: float = 10.0
    """Seconds for which an address is used without reading it again."""
    refresh: float = 60.0
    """Age of a known address, in seconds, from which a request waits until the address is read again.

    From the age ``keep`` to this age, a request uses the known address at once while a thread reads it again.
    """
    wait: float = 0.15
    """Seconds that a request waits until an address that is already known has been read again.

    Airflow's database may hang, and a citizen waits 2 seconds at most.
    """


_USUAL = Addresses()


class _Resources:
    """The threads, the addresses of gateways and the store of delivery receipts that the app uses while it runs.

    Inquiries have threads of their own. Delivery receipts that wait for the ledger therefore do not delay inquiries.
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
        """End the threads without waiting for a thread that still reads a gateway's address."""
        self.looking_up.shutdown(wait=False, cancel_futures=True)
        self.answering.shutdown()
        self.intake.close()
        self.health.close()
        self.metrics.close()
        self.outside.close()

    def gateway(self, name: str) -> Gateway | None:
        """Return the gateway's adapter, cached for a few seconds, or ``None`` if there is no such gateway."""
        # Anybody may ask for any name, and a failed lookup is logged. A name with a phone number must not get into the
        # log.
        if not _GATEWAY_NAME.fullmatch(name) or holds_phone(name):
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
        """Return the adapter of the named gateway.

        Raises:
            HTTPException: 401, there is no such gateway, or the caller is outside the gateway's networks.
        """
        loop = asyncio.get_running_loop()
        read_at, known = self.addresses.get(gateway, (0.0, None))
        age = time.monotonic() - read_at
        if known is None or age > self.read.refresh:
            reading = loop.run_in_executor(self.looking_up, self.gateway, gateway)
            still_good = known is not None and age < _KEEP_ADDRESS_AT_MOST
            await asyncio.wait([reading], timeout=self.read.wait if still_good else None)
            known = reading.result() if reading.done() else known
        elif age > self.read.keep:
            # Use the known address once more while a thread reads it again. Strangers who ask for many names then
            # cannot delay requests of a real gateway.
            loop.run_in_executor(self.looking_up, self.gateway, gateway)
        if known is None or not _comes_from(request.client.host if request.client else "", known.address.extra):
            raise HTTPException(401)
        return known

    async def answer_in_turn(self, gateway: str, reading: InquiryReading, now: datetime, since: float) -> InquiryAnswer:
        """Answer the inquiries of one phone number one after the other.

        Parallel inquiries of one phone would wait for the phone's lock in the ledger and hold threads that other
        inquiries need.
        """
        phone = asking_phone(reading.sender)
        turn = self.turns.setdefault(phone, asyncio.Lock()) if phone else nullcontext()
        async with turn:
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self.answering, answer_in_time, gateway, reading, now, since)


def _resources(request: Request) -> _Resources:
    """Return the app's resources. Create them if the server in which the app is mounted did not run its lifespan."""
    state = request.app.state
    if not hasattr(state, "resources"):
        state.resources = _Resources(state.addresses)
    resources: _Resources = state.resources
    return resources


def _parsed_fields(written: str) -> dict[str, str]:
    """Return the fields of a query or a form. If a name occurs several times, its last value counts.

    Raises:
        HTTPException: 400, there are more than 64 fields.
    """
    try:
        return dict(parse_qsl(written, keep_blank_values=True, max_num_fields=64))
    except ValueError:
        raise HTTPException(400) from None


def _query(request: Request) -> dict[str, str]:
    """Return the fields of the query.

    Raises:
        HTTPException: 413, the query is too long.
    """
    query = request.scope.get("query_string", b"")
    if len(query) > _MOST_BYTES:
        raise HTTPException(413)
    return _parsed_fields(query.decode("latin-1"))


async def _body(request: Request) -> bytes:
    """Return the body of an authenticated caller, limited in size and time.

    Raises:
        HTTPException: 413, the body is too large; 408, it does not end in time; 400, the caller disconnected.
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
    """Return the fields of a form, or nothing if the body is not a form."""
    kind = request.headers.get("content-type", "").lower()
    is_form = body and kind.startswith("application/x-www-form-urlencoded")
    return _parsed_fields(body.decode("utf-8", "replace")) if is_form else {}


def _comes_from(host: str, extra: Any) -> bool:  # noqa: ANN401 - as an Airflow connection holds it
    """Return whether the caller is in ``allowed_networks`` (a list, or a text with commas).

    Without networks all may call.
    """
    allowed = extra.get("allowed_networks")
    if not allowed:
        return True
    networks = allowed.split(",") if isinstance(allowed, str) else allowed
    try:
        caller = ipaddress.ip_address(host)
        return any(caller in ipaddress.ip_network(str(network).strip(), strict=False) for network in networks)
    except (ValueError, TypeError):
        # Refuse a caller without an IP address, and every caller if a network is not valid.
        return False


def _signature_is_right(request: Request, offered: str, body: bytes, key: str) -> bool:
    """Return whether the offered signature is the HMAC-SHA256, in hex, of the raw query, a line feed and the raw
    body."""
    signed = request.scope.get("query_string", b"") + b"\n" + body
    expected = hmac.new(key.encode(), signed, hashlib.sha256).hexdigest()
    return hmac.compare_digest(offered.encode(), expected.encode())


@dataclass(frozen=True, slots=True)
class _Call:
    """One call of an authenticated gateway."""

    gateway: Gateway
    brought: GatewayCall

    @classmethod
    def of(cls, gateway: Gateway, request: Request, query: Mapping[str, str], body: bytes = b"") -> _Call:
        form = _form(request, body)
        return cls(gateway, GatewayCall(_without_nul(query), _without_nul(form), request.headers, body))


async def _authenticated(gateway: str, request: Request) -> _Call:
    """Authenticate a gateway by its secret or signature and return its call.

    Headers and query are checked first, so that the body of an unknown caller is not read. A signature covers the body.
    So the body is read before its signature is checked, but only if the caller is in the gateway's networks and offers
    a value that looks like a signature.

    Raises:
        HTTPException: 401, the caller sent no secret and no signature, or a wrong one, or there is no such gateway;
            503, the gateway has no secret.
    """
    query = _query(request)
    offered = request.headers.get(SECRET_HEADER) or query.get("secret") or ""
    signature = request.headers.get(SIGNATURE_HEADER, "").removeprefix("sha256=")
    if not offered and not signature:
        raise HTTPException(401)
    known = await _resources(request).known_gateway(gateway, request)
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
    """Authenticate a gateway that sends a delivery receipt and return its call.

    If the provider signs its receipts, only the provider's signature counts. The signature covers the body, which is
    read if the caller is in the gateway's networks and offers a signature. For other providers the gateway's own secret
    or signature counts.
    """
    query = _query(request)
    known = await _resources(request).known_gateway(gateway, request)
    if header := known.receipts_signed_in:
        if not request.headers.get(header):
            raise HTTPException(401)
        call = _Call.of(known, request, query, await _body(request))
        if not known.receipt_is_signed(call.brought):
            raise HTTPException(401)
        return call
    return await _authenticated(gateway, request)


async def _authenticated_inquirer(gateway: str, request: Request) -> _Call:
    """Authenticate a gateway that sends a citizen's inquiry and return its call.

    If the provider signs inquiries, only the provider's signature counts. The signature covers the query alone, so the
    rest of the request is not used. For other providers the gateway's own secret or signature counts.
    """
    query = _query(request)
    if "sign" in query or "secret" in query or SECRET_HEADER in request.headers:
        known = await _resources(request).known_gateway(gateway, request)
        call = GatewayCall(query, headers=request.headers)
        signed = known.inquiry_is_signed(call)
        if signed is not None:
            if not signed:
                raise HTTPException(401)
            return _Call.of(known, request, query)
    return await _authenticated(gateway, request)


def _without_nul(fields: Mapping[str, str]) -> Mapping[str, str]:
    """Return the fields without NUL characters, which PostgreSQL's text type cannot hold."""
    return {name.replace("\x00", ""): value.replace("\x00", "") for name, value in fields.items()}


class _HiddenQuery:
    """ASGI middleware that passes a request on with its query, and hides the query from Airflow's access log. That log
    is written after the request."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        own = dict(scope)
        if "query_string" in scope:
            scope["query_string"] = b""
        await self.app(own, receive, send)


@asynccontextmanager
async def _with_connections(app: FastAPI) -> AsyncIterator[None]:
    app.state.resources = resources = _Resources(app.state.addresses)
    # The first import of Airflow's hooks takes seconds. Import them before the first inquiry has to wait for them.
    loop = asyncio.get_running_loop()
    try:
        await loop.run_in_executor(resources.answering, warm_up)
        # The objects loaded so far stay forever. Without freezing, the garbage collector scans them and all of Airflow
        # again and again, which took a third of the time of a receipt (docs/decisions/sending.md).
        gc.collect()
        gc.freeze()
        yield
        await loop.run_in_executor(resources.answering, count_left_over)
    finally:
        gc.unfreeze()
        resources.close()
        close_ledger_pool()


def create_callbacks(addresses: Addresses = _USUAL) -> FastAPI:
    """Return the app that is mounted below ``/gateway``."""
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None, lifespan=_with_connections)
    app.state.addresses = addresses
    hide_queries()
    app.add_middleware(_HiddenQuery)

    @app.exception_handler(Exception)
    def _without_detail(_: Request, __: Exception) -> PlainTextResponse:
        return PlainTextResponse("", status_code=500)

    @app.exception_handler(HTTPException)
    def _status_only(_: Request, refusal: HTTPException) -> PlainTextResponse:
        # Close the connection, since the rest of a body is not read.
        return PlainTextResponse("", status_code=refusal.status_code, headers={"Connection": "close"})

    # Read the path parameter by hand, because FastAPI would spend a third of its time for a receipt on parameters.
    async def receipt(request: Request) -> PlainTextResponse:
        gateway = request.path_params["gateway"]
        call = await _authenticated_reporter(gateway, request)
        try:
            await asyncio.wrap_future(_resources(request).intake.take(gateway, call.gateway.read_receipt(call.brought)))
        except Exception as failure:
            # Log without the traceback, which would quote the receipt's row.
            _log.error(
                "A delivery receipt of gateway %s could not be processed: %s", gateway, reason_without_values(failure)
            )
            raise HTTPException(500) from None
        return PlainTextResponse("ok")

    async def inquiry(request: Request) -> Response:
        gateway = request.path_params["gateway"]
        call = await _authenticated_inquirer(gateway, request)
        adapter = call.gateway
        reading, now, since = adapter.read_inquiry(call.brought), datetime.now(UTC), time.monotonic()
        try:
            reply = await asyncio.wait_for(
                _resources(request).answer_in_turn(gateway, reading, now, since), _ANSWER_WITHIN
            )
        except TimeoutError:
            reply = apologise(gateway, reading, now)
        form = adapter.form_reply(reading, reply.text, reply.accented)
        return Response(form.body.encode("utf-8"), headers={"Content-Type": form.media_type, **form.headers})

    async def health(request: Request) -> PlainTextResponse:
        try:
            reason = "" if await _resources(request).health.get() else "the ledger takes no new rows"
        except LedgerSilent as silence:
            reason = str(silence)
        return PlainTextResponse(reason or "ok", status_code=503 if reason else 200)

    async def metrics(request: Request) -> Response:
        check_reader(request)
        return await _resources(request).metrics.read(request.headers.get("accept", ""))

    async def watch_from_outside(request: Request) -> Response:
        check_reader(request)
        page = _resources(request).outside
        return await (page.read() if request.method == "GET" else page.take(await _body(request)))

    app.add_api_route("/health", health, methods=["GET"])
    app.add_api_route("/metrics", metrics, methods=["GET"])
    app.add_api_route("/watch", watch_from_outside, methods=["GET", "POST"])
    app.add_api_route("/inquiries/{gateway}", inquiry, methods=["GET", "POST"])
    app.add_api_route("/receipts/{gateway}", receipt, methods=["GET", "POST"])
    return app


def create_standalone(addresses: Addresses = _USUAL) -> FastAPI:
    """Return a standalone server for the app, with the same paths as under Airflow."""
    app = create_callbacks(addresses)
    return server_of(app, "/gateway", lambda: _with_connections(app))


def __getattr__(name: str) -> FastAPI:
    # Create the app only when uvicorn asks for it: importing this module must not build an app in Airflow's API server.
    if name == "standalone":
        return create_standalone()
    raise AttributeError(name)
