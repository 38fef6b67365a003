"""Serve the intake app, to which one-stop software pushes dossiers and steps.

The app is mounted in Airflow. ``uvicorn motcua.web.intake:standalone --http motcua.web.protocol:HeadersInTime`` serves
the same paths where one-stop software must not reach Airflow.

A client opens a session with its password, or is recognised by the network from which it calls. The app authenticates
the client before it parses a body. Functions of the ledger decide what a call may do, and check the session again
(docs/decisions/intake.md).
"""

from __future__ import annotations

import asyncio
import ipaddress
import logging
import re
import secrets
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Hashable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass
from datetime import timedelta
from http import HTTPStatus
from typing import Any, Final, Literal, TypeAlias, TypeVar
from urllib.parse import parse_qsl
from weakref import WeakValueDictionary

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, PlainTextResponse, Response
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from motcua.domain.intake.records import RecordRefused, read_code
from motcua.domain.intake.values import Fields, Unreadable, read_json, read_text
from motcua.jobs.intake.taking import RecordKind, Refusal, Taken, take
from motcua.reports.wording import words_in
from motcua.settings import settings
from motcua.store.intake.pushes import Fault, SessionEnded, client_of_session, look_up, note_call, sign_in, sign_in_from
from motcua.store.ledger.database import INTAKE, Connection, close_ledger_pool, ledger_pool, reason_without_values
from motcua.web.access_log import hide_queries, server_of
from motcua.web.forms import declared_size, throw_away

# --- Limits of size and rate, so that one caller who floods the intake does not delay the others ---------------------


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits of size and rate that apply before a caller is authenticated."""

    body: int = 32 * 1024 * 1024
    """Most bytes of one body."""
    wrong_passwords: int = 60
    """Wrong passwords for one name from one address in a minute.

    Above this limit, sign-ins with this name from this address are checked one after the other.
    """
    wrong_addresses: int = 20
    """Refused calls without a session from one address in a minute.

    Above this limit, calls without a session from this address are checked one after the other.
    """
    keys: int = 10_000
    """Most different keys (addresses and names) that are counted in a minute."""
    clock: Callable[[], float] = time.monotonic


USUAL: Final = Limits()
LARGE: Final = 256 * 1024
"""Bodies with more bytes than this are processed one after the other, so that they do not fill the memory."""
_MOST_IN_MEMORY: Final = 96 * 1024 * 1024
"""Most bytes of all bodies that are being read or processed."""
_MORE_FOR_SMALL_BODIES: Final = 32 * 1024 * 1024
"""Further bytes that only bodies up to ``LARGE`` may use, so that large bodies do not block them."""
_MOST_OF_ONE: Final = 48 * 1024 * 1024
"""Most bytes of the bodies of one address. A body is read before its caller is known, so a stranger who sends bodies
that do not end would otherwise use up the memory, and every client would be told to come later."""
MOST_RECORDS: Final = 20_000
"""Most records of one call."""


class Rate:
    """Counts the calls of each key in the current minute against a limit."""

    def __init__(self, most: Callable[[], int], limits: Limits = USUAL) -> None:
        self._most, self._clock, self._keys = most, limits.clock, limits.keys
        self._minute = 0
        self._calls: dict[Hashable, int] = {}

    def is_over(self, key: Hashable) -> bool:
        """Return whether the key has used up its calls of this minute."""
        self._begin_minute()
        # Real clients do not have more than ``_keys`` different keys. If there are more, somebody floods the intake
        # with calls, so every new key is refused until the next minute.
        return self._calls.get(key, 0) >= self._most() or (key not in self._calls and len(self._calls) >= self._keys)

    def count(self, key: Hashable) -> None:
        """Count one more call of the key."""
        self._begin_minute()
        if key in self._calls or len(self._calls) < self._keys:
            self._calls[key] = self._calls.get(key, 0) + 1

    def _begin_minute(self) -> None:
        minute = int(self._clock() // 60)
        if minute != self._minute:
            self._minute = minute
            self._calls.clear()


class Room:
    """Counts the bytes of request bodies in memory. An object of this class may be used from one thread only."""

    def __init__(self, most: int = _MOST_IN_MEMORY, most_of_one: int = _MOST_OF_ONE) -> None:
        self._most, self._most_of_one, self._held = most, most_of_one, 0
        self._of_one: Counter[str] = Counter()

    def take(self, size: int, of_body: int, address: str) -> bool:
        """Reserve ``size`` bytes for a piece of a body, and return whether so many bytes were free.

        ``of_body`` is the size of the body up to and including this piece, and ``address`` the caller's address. The
        caller must release reserved bytes with ``give_back``.
        """
        if self._held + size > self._most + (_MORE_FOR_SMALL_BODIES if of_body <= LARGE else 0):
            return False
        if self._of_one[address] + size > self._most_of_one:
            return False
        self._held += size
        self._of_one[address] += size
        return True

    def give_back(self, size: int, address: str) -> None:
        """Release bytes that were reserved."""
        self._held -= size
        self._of_one[address] -= size
        if self._of_one[address] <= 0:
            del self._of_one[address]


# --- Answers. Clients of the protocol read little of an answer except the field ``error_code`` -----------------------

Code: TypeAlias = Literal["00", "01", "02", "03", "04", "05", "06", "07", "99"]
DONE: Final = "00"
_STATUS: dict[Code, HTTPStatus] = {
    "05": HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    "06": HTTPStatus.TOO_MANY_REQUESTS,
    "99": HTTPStatus.SERVICE_UNAVAILABLE,
}
"""HTTP status of refusals of a whole request.

All other answers have 200, because clients read ``error_code`` only in an answer with 200.
"""


class Refused(Exception):
    """Raised if a call is refused as a whole, with the ``error_code`` of the answer."""

    def __init__(self, code: Code) -> None:
        super().__init__(code)
        self.code: Code = code


def _words() -> dict[str, dict[str, str]]:
    return words_in("intake/answers.vi")


def answer(code: Code, *, is_sign_in: bool = False, **more: Any) -> JSONResponse:  # noqa: ANN401 - any JSON
    """Return the JSON answer with a code and its message.

    The code is a number in answers to a sign-in and a text in all other answers, as clients expect.
    """
    given = int(code) if is_sign_in else code
    status = _STATUS.get(code, HTTPStatus.OK)
    # Close the connection, since the rest of a body that is too large is not read.
    headers = {"Connection": "close"} if status != HTTPStatus.OK else None
    content = {"error_code": given, "message": _words()["code"][code], **more}
    return JSONResponse(content, status_code=status, headers=headers)


def answer_of(taken: Taken) -> JSONResponse:
    """Return the answer to a push.

    If some records of a push were accepted, the answer says that the push succeeded. If the answer said that the push
    failed, a client would send the push again and again, and never send the steps of its valid dossiers.
    """
    more: dict[str, Any] = {
        "received": taken.taken + taken.waiting,
        "repeated": taken.repeated,
        "refused": taken.refused,
    }
    if taken.refusals:
        more["errors"] = _refusal_entries(taken.refusals)
    if taken.unused:
        more["warnings"] = _refusal_entries(taken.unused)
    if taken.dossier_no is not None:
        more["data"] = {"idHoSo": str(taken.dossier_no)}
    return answer("04" if taken.is_refused else DONE, **more)


def _refusal_entries(records: Sequence[Refusal]) -> list[dict[str, Any]]:
    return [
        {
            "index": each.place,
            "MaHoSo": each.dossier_code,
            "field": each.field,
            "reason": each.reason,
            "message": _words()["reason"][each.reason],
        }
        for each in records
    ]


# --- The app ---------------------------------------------------------------------------------------------------------

_READ_WITHIN: Final = 60.0
"""Seconds in which a body must arrive completely."""
_MOST_OF_SIGN_IN: Final = 16 * 1024
_SESSION_LASTS: Final = timedelta(minutes=30)
_SESSION: Final = re.compile(rb'"session"\s*:\s*"([A-Za-z0-9_-]{20,100})"', re.IGNORECASE)
_TOKEN: Final = re.compile(r"[A-Za-z0-9_-]{20,100}")
_SERVICES: Final[dict[str, tuple[str, RecordKind]]] = {
    "dongbohosomc": ("DongBoHoSoMC", "dossiers"),
    "capnhattiendohosomc": ("CapNhatTienDoHoSoMC", "steps"),
    "noihoso": ("NoiHoSo", "dossiers"),
    "capnhattientrinh": ("CapNhatTienTrinh", "steps"),
    "capnhattrangthai": ("CapNhatTrangThai", "steps"),
}
"""Services that carry dossiers, steps and statuses, by their names in lower case."""
_LOOK_UP_SERVICE: Final = "tracuuhoso"
_CATALOGUE_SERVICES: Final = ("laythutuc", "laydanhsachtthc")
"""Services that ask for catalogues, which this system does not have. An empty answer lets a client continue."""

Found = TypeVar("Found")
_log = logging.getLogger(__name__)


class _Resources:
    """The threads, limits and locks that the app uses while it runs."""

    def __init__(self, limits: Limits) -> None:
        self.working = ThreadPoolExecutor(6, thread_name_prefix="intake")
        self.room = Room()
        self.calls = Rate(lambda: settings().intake_calls, limits)
        self.wrong_passwords = Rate(lambda: limits.wrong_passwords, limits)
        self.wrong_addresses = Rate(lambda: limits.wrong_addresses, limits)
        self.doubted = asyncio.Lock()
        self.large = asyncio.Lock()
        self.turns: WeakValueDictionary[int, asyncio.Lock] = WeakValueDictionary()

    def close(self) -> None:
        """End the threads."""
        self.working.shutdown(cancel_futures=True)

    @asynccontextmanager
    async def turn(self, client: int, size: int) -> AsyncIterator[None]:
        """Let only one call of each client run at a time, and let only one large body be processed at a time.

        Parallel calls would wait for each other in the ledger and hold threads that other clients need.
        """
        own = self.turns.setdefault(client, asyncio.Lock())
        async with own:
            if size > LARGE:
                async with self.large:
                    yield
            else:
                yield

    async def do(self, work: Callable[[Connection], Found]) -> Found:
        """Run a function in a thread with a connection to the ledger.

        Raises:
            SessionEnded: the function raised it.
            Refused: 99, the ledger does not answer.
        """

        def done() -> Found:
            with ledger_pool(INTAKE).connection() as connection:
                connection.autocommit = True
                try:
                    return work(connection)
                finally:
                    if not connection.closed:
                        connection.autocommit = False

        try:
            return await asyncio.get_running_loop().run_in_executor(self.working, done)
        except (SessionEnded, Refused):
            raise
        except Exception as failure:
            # Log without the traceback, which would quote the rows.
            _log.error("A request to the intake app failed: %s", reason_without_values(failure))
            raise Refused("99") from None


def _resources(request: Request) -> _Resources:
    """Return the app's resources. Create them if the server in which the app is mounted did not run its lifespan."""
    state = request.app.state
    if not hasattr(state, "resources"):
        state.resources = _Resources(state.limits)
    resources: _Resources = state.resources
    return resources


@asynccontextmanager
async def _body(request: Request, most: int) -> AsyncIterator[bytes]:
    """Yield the body, limited in size and time, and give back its memory at the end.

    Raises:
        Refused: 05, the body is too large; 06, the bodies of all callers, or those from the caller's address, use up
            the memory that they may use; 03, the caller disconnected or the body does not end in time.
    """
    room, held, stream, address = _resources(request).room, 0, request.stream(), _address(request)
    if declared_size(request) > most:
        await throw_away(request, stream, is_begun=False)
        raise Refused("05")
    pieces: list[bytes] = []
    refusal: Code | None = None
    try:
        try:
            async with asyncio.timeout(_READ_WITHIN):
                async for piece in stream:
                    is_too_large = held + len(piece) > most
                    if is_too_large or not room.take(len(piece), held + len(piece), address):
                        refusal = "05" if is_too_large else "06"
                        break
                    held += len(piece)
                    pieces.append(piece)
        except (TimeoutError, ClientDisconnect):
            raise Refused("03") from None
        if refusal is not None:
            pieces.clear()
            room.give_back(held, address)
            held = 0
            await throw_away(request, stream)
            raise Refused(refusal)
        pieces[:] = [b"".join(pieces)]
        # Keep no reference to the body here, so that the caller can free its memory before it processes the records.
        yield pieces.pop()
    finally:
        room.give_back(held, address)


def _query(request: Request) -> dict[str, str]:
    """Return the fields of the query, with names in lower case.

    Raises:
        Refused: 03, the query cannot be read.
    """
    try:
        pairs = parse_qsl(request.url.query, keep_blank_values=True, max_num_fields=64)
        return {name.lower(): read_text(value) for name, value in pairs}
    except ValueError:
        raise Refused("03") from None


class _RealAddresses:
    """ASGI middleware that takes a caller's address from ``X-Forwarded-For`` if a configured proxy sent the header.
    Such headers of other senders are ignored."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on with the address of the caller in front of the proxy."""
        app: Any = self.app
        if proxies := [str(network) for network in settings().intake_proxies]:
            app = ProxyHeadersMiddleware(app, proxies)
        await app(scope, receive, send)


def _address(request: Request) -> str:
    """Return the caller's address, or an empty text if it is unknown."""
    try:
        address = ipaddress.ip_address(request.client.host if request.client else "")
    except ValueError:
        return ""
    return str(getattr(address, "ipv4_mapped", None) or address)


def _credentials(body: bytes, content_type: str, names: tuple[str, str]) -> tuple[str, str]:
    """Return name and password from JSON or a form.

    A body that begins like JSON is read as JSON, since ``curl --data`` declares it as a form.

    Raises:
        Refused: 03, the name and the password cannot be read.
    """
    try:
        given: Mapping[str, Any]
        is_form = content_type.lower().startswith("application/x-www-form-urlencoded")
        if is_form and not body.lstrip().startswith(b"{"):
            given = dict(parse_qsl(body.decode("utf-8", "replace"), max_num_fields=64))
        else:
            given = read_json(body)
            if not isinstance(given, Fields) or given.ambiguous:
                raise Refused("03")
        return read_text(given.get(names[0])), read_text(given.get(names[1]))
    except ValueError:
        raise Refused("03") from None


async def _open_session(request: Request, names: tuple[str, str]) -> str:
    """Open a session for a caller that sends the password of a client, and return the session.

    Raises:
        Refused: 02, the password is wrong; 06, the password was wrong too often; 03, 05 or 06, the body is refused; 99,
            the ledger does not answer.
    """
    resources = _resources(request)
    async with _body(request, _MOST_OF_SIGN_IN) as body:
        name, password = _credentials(body, request.headers.get("content-type", ""), names)
    key = (_address(request), name)
    session = secrets.token_urlsafe(32)
    is_doubted = resources.wrong_passwords.is_over(key)
    # After many wrong passwords for a name from an address, check the sign-ins with this name from this address one
    # after the other. Somebody who guesses passwords then uses one thread at most, and a client that has the right
    # password is not locked out.
    async with resources.doubted if is_doubted else nullcontext():
        is_known = await resources.do(lambda connection: sign_in(connection, name, password, session, _SESSION_LASTS))
    if not is_known:
        resources.wrong_passwords.count(key)
        raise Refused("06" if is_doubted else "02")
    return session


class _Call:
    """One call of a service by a client, who is authenticated before the body is parsed."""

    def __init__(self, request: Request, path: str, body: bytes) -> None:
        self.resources, self.request, self.body, self.size = _resources(request), request, body, len(body)
        self.query = _query(request)
        last = path.rstrip("/").rpartition("/")[2].lower()
        self.named_in_path = last if last in (*_SERVICES, *_CATALOGUE_SERVICES, _LOOK_UP_SERVICE) else ""

    async def client(self) -> tuple[int, str]:
        """Return the number of the calling client, and its session.

        Raises:
            Refused: 01, no client has this session; 06, the client called too often, or its address was refused too
                often; 99, the ledger does not answer.
        """
        found = None
        for session in self._offered_sessions():
            found = found or await self._client_of(session)
        found = found or await self._client_of(await self._from_network())
        if found is None:
            raise Refused("01")
        if self.resources.calls.is_over(found[0]):
            raise Refused("06")
        self.resources.calls.count(found[0])
        return found

    async def _client_of(self, session: str) -> tuple[int, str] | None:
        client = await self.resources.do(lambda connection: client_of_session(connection, session))
        return None if client is None else (client, session)

    def _offered_sessions(self) -> list[str]:
        """Return the texts in the query, headers or unparsed body that may be the call's session."""
        headers = self.request.headers
        bearer = headers.get("authorization", "")
        offered = [bearer[7:].strip()] if bearer[:7].lower() == "bearer " else []
        offered += [headers.get("session", ""), self.query.get("session", "")]
        given = [each for each in offered if each]
        if not given:
            # Check only the first two of several sessions in a body. A real client sends no more.
            given = [found[1].decode() for found, _ in zip(_SESSION.finditer(self.body), range(2), strict=False)]
        return [each for each in given if _TOKEN.fullmatch(each)]

    async def _from_network(self) -> str:
        """Open a session for a client that sends none, by the network that it calls from, and return the session."""
        unit, caller = self.query.get("madinhdanhdv", ""), _address(self.request)
        if self._sends_session() or not unit or not re.fullmatch(r"[0-9a-fA-F:.]+", caller):
            raise Refused("01")
        session = secrets.token_urlsafe(32)
        # After many calls from wrong addresses, the ledger delays its answers. Calls from an address that was refused
        # too often are therefore made one after the other, so that they use one thread at most.
        is_doubted = self.resources.wrong_addresses.is_over(caller)
        async with self.resources.doubted if is_doubted else nullcontext():
            is_known = await self.resources.do(lambda connection: sign_in_from(connection, caller, unit, session))
        if not is_known:
            self.resources.wrong_addresses.count(caller)
            raise Refused("06" if is_doubted else "01")
        return session

    def _sends_session(self) -> bool:
        """Return whether the caller tried to send a session. If so, its network alone does not open a session."""
        headers = self.request.headers
        in_head = "authorization" in headers or "session" in headers or "session" in self.query
        return in_head or b'"session"' in self.body[:4096].lower()

    def run(self, connection: Connection, session: str) -> Response:
        """Do what the call asks for and return the answer.

        Raises:
            SessionEnded: the session ended meanwhile.
        """
        try:
            given = read_json(self.body)
        except Unreadable:
            return self._refuse(connection, session, "03")
        self.body = b""
        if isinstance(given, Fields) and given.ambiguous & {"session", "service", "madonvi", "data", "mahoso"}:
            return self._refuse(connection, session, "03")
        asked = self.named_in_path
        if not asked and isinstance(given, Fields) and isinstance(given.get("service"), str):
            asked = given["service"].strip().lower()
        if asked in _CATALOGUE_SERVICES:
            return answer(DONE, result=[])
        if asked == _LOOK_UP_SERVICE:
            return self._look_up(connection, session, given)
        if asked not in _SERVICES:
            return self._refuse(connection, session, "07")
        service, kind = _SERVICES[asked]
        records = _records(given)
        if records is None:
            return self._refuse(connection, session, "03", service)
        if len(records) > MOST_RECORDS:
            return self._refuse(connection, session, "05", service)
        return answer_of(take(connection, session, service, kind, records, self._sending_unit(given)))

    def _sending_unit(self, given: object) -> str | None:
        """Return the code of the agency that the call names as its sender, or ``None`` if the call names none."""
        named = given.get("madonvi") if isinstance(given, Fields) and "data" in given else None
        try:
            return read_text(named) or self.query.get("madinhdanhdv") or self.query.get("madonvi") or None
        except Unreadable:
            return None

    def _look_up(self, connection: Connection, session: str, given: object) -> Response:
        asked = given if isinstance(given, Fields) else Fields()
        try:
            code = read_code(asked if "mahoso" in asked else Fields(mahoso=self.query.get("mahoso")))
        except RecordRefused:
            return self._refuse(connection, session, "03", "TraCuuHoSo")
        found = look_up(connection, session, [code])
        result = [{"MaHoSo": each.dossier_code, "TrangThaiHoSo": _status_text(each.status_code)} for each in found]
        return answer(DONE, result=result)

    def _refuse(self, connection: Connection, session: str, code: Any, service: str = "") -> Response:  # noqa: ANN401
        """Refuse the call as a whole and count the refusal in the ledger."""
        fault = {"03": "call_unreadable", "05": "call_too_large", "07": "no_such_service"}[code]
        note_call(connection, session, service, refused=1, faults=[Fault(fault, "", 1)])
        return answer(code)


def _status_text(status: int | None) -> str:
    return "" if status is None else str(status)


def _records(given: object) -> list[Any] | None:
    """Return the records of a call, or ``None`` if it holds none.

    A call gives its records as a list, as the content of its field ``data``, or as a single record.
    """
    if isinstance(given, Fields) and "data" in given:
        given = given["data"]
    if isinstance(given, str) and given.lstrip()[:1] in ("[", "{"):
        # Some clients send JSON as a text inside JSON.
        try:
            given = read_json(given.encode("utf-8", "replace"))
        except Unreadable:
            return None
    if isinstance(given, Fields):
        return [given]
    return given if isinstance(given, list) else None


def create_intake(limits: Limits = USUAL) -> FastAPI:
    """Return the app that is mounted below ``/intake``."""
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None, lifespan=_with_resources)
    app.state.limits = limits
    app.add_middleware(_RealAddresses)
    hide_queries()

    @app.exception_handler(Exception)
    def _without_detail(_: Request, __: Exception) -> Response:
        return answer("99")

    @app.exception_handler(Refused)
    def _refused(_: Request, refusal: Refused) -> Response:
        return answer(refusal.code)

    async def sign_in_route(request: Request) -> Response:
        try:
            session = await _open_session(request, ("username", "password"))
        except Refused as refusal:
            return answer(refusal.code, is_sign_in=True)
        return answer(DONE, is_sign_in=True, session=session)

    async def token_route(request: Request) -> Response:
        session = await _open_session(request, ("client_id", "client_secret"))
        lasts = int(_SESSION_LASTS.total_seconds())
        data = {"access_token": session, "token_type": "Bearer", "expires_in": lasts}
        return answer(DONE, data=data, access_token=session)

    async def call_route(request: Request) -> Response:
        async with _body(request, limits.body) as body:
            call = _Call(request, request.url.path, body)
            del body
            client, session = await call.client()
            try:
                async with call.resources.turn(client, call.size):
                    return await call.resources.do(lambda connection: call.run(connection, session))
            except SessionEnded:
                raise Refused("01") from None

    async def health(request: Request) -> Response:
        try:
            await _resources(request).do(lambda connection: client_of_session(connection, ""))
        except Refused:
            return PlainTextResponse("the ledger does not answer", status_code=503)
        return PlainTextResponse("ok")

    app.add_api_route("/health", health, methods=["GET"])
    app.add_api_route("/sign-in", sign_in_route, methods=["POST"])
    app.add_api_route("/token", token_route, methods=["POST"])
    app.add_api_route("/{service:path}", call_route, methods=["POST"])
    return app


@asynccontextmanager
async def _with_resources(app: FastAPI) -> AsyncIterator[None]:
    app.state.resources = resources = _Resources(app.state.limits)
    try:
        yield
    finally:
        resources.close()
        close_ledger_pool()


def create_standalone(limits: Limits = USUAL) -> FastAPI:
    """Return a standalone server for the app, with the same paths as under Airflow."""
    app = create_intake(limits)
    return server_of(app, "/intake", lambda: _with_resources(app))


def __getattr__(name: str) -> FastAPI:
    # Create the app only when uvicorn asks for it: importing this module must not build an app in Airflow's API server.
    if name == "standalone":
        return create_standalone()
    raise AttributeError(name)
