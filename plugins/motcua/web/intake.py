"""The intake. Mounted in Airflow, and alone under uvicorn.

``uvicorn motcua.web.intake:standalone --http motcua.web.protocol:HeadersInTime`` serves the same paths where
one-stop software must not reach Airflow.

A client signs in for a session, or calls from a network of its own; who calls is known before a body is taken apart.
What a call may do is decided by functions of the ledger, which ask for the session again (docs/decisions/intake.md).
"""

from __future__ import annotations

import asyncio
import ipaddress
import logging
import re
import secrets
import time
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
from motcua.store.intake.pushes import Fault, SessionEnded, look_up, note_call, sign_in, sign_in_from, whose
from motcua.store.ledger.database import INTAKE, Connection, close_ledger_pool, ledger_pool, reason_without_values
from motcua.web.access_log import hide_queries, server_of
from motcua.web.forms import declared_size, throw_away

# --- How much is taken at once, and how often: whoever floods the intake holds nobody else up ------------------------


@dataclass(frozen=True, slots=True)
class Limits:
    """How much is taken of strangers, and how often."""

    body: int = 32 * 1024 * 1024
    """Bytes of one."""
    wrong_passwords: int = 60
    """Of one name from one address in a minute; afterwards guesses are looked at one after the other."""
    wrong_addresses: int = 20
    """Calls without a session from one address in a minute; afterwards likewise."""
    keys: int = 10_000
    """That are counted in a minute."""
    clock: Callable[[], float] = time.monotonic


USUAL: Final = Limits()
LARGE: Final = 256 * 1024
"""Bytes: larger bodies are worked on one after the other, so that the memory stays flat."""
_AT_ONCE: Final = 96 * 1024 * 1024
"""Bytes of all bodies that are being read or worked on."""
_FOR_SMALL_ONES: Final = 32 * 1024 * 1024
"""Bytes more that only small bodies may fill: large ones must not keep them out."""
MOST_RECORDS: Final = 20_000
"""Of one call."""


class Rate:
    """So many calls of one key in a minute."""

    def __init__(self, most: Callable[[], int], limits: Limits = USUAL) -> None:
        self._most, self._clock, self._keys = most, limits.clock, limits.keys
        self._minute = 0
        self._calls: dict[Hashable, int] = {}

    def is_over(self, key: Hashable) -> bool:
        """Whether the key has none left."""
        self._begin_minute()
        # With that many keys none is one of ours any more: all are told to come later.
        return self._calls.get(key, 0) >= self._most() or (key not in self._calls and len(self._calls) >= self._keys)

    def count(self, key: Hashable) -> None:
        """One call more."""
        self._begin_minute()
        if key in self._calls or len(self._calls) < self._keys:
            self._calls[key] = self._calls.get(key, 0) + 1

    def _begin_minute(self) -> None:
        minute = int(self._clock() // 60)
        if minute != self._minute:
            self._minute = minute
            self._calls.clear()


class Room:
    """Bytes of bodies that are in memory now. For one thread."""

    def __init__(self, most: int = _AT_ONCE) -> None:
        self._most, self._held = most, 0

    def take(self, size: int, of_body: int) -> bool:
        """Whether there was room for a piece of a body that is so large by now; then it must be given back."""
        if self._held + size > self._most + (_FOR_SMALL_ONES if of_body <= LARGE else 0):
            return False
        self._held += size
        return True

    def give_back(self, size: int) -> None:
        """They are not in memory any more."""
        self._held -= size


# --- Answers as clients of the protocol read them: by ``error_code``, if at all --------------------------------------

Code: TypeAlias = Literal["00", "01", "02", "03", "04", "05", "06", "07", "99"]
DONE: Final = "00"
_STATUS: dict[Code, HTTPStatus] = {
    "05": HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    "06": HTTPStatus.TOO_MANY_REQUESTS,
    "99": HTTPStatus.SERVICE_UNAVAILABLE,
}
"""Of what the request itself is refused for. All else is 200: clients read the code of no other answer."""


class Refused(Exception):
    """A call is refused as a whole, with this code."""

    def __init__(self, code: Code) -> None:
        super().__init__(code)
        self.code: Code = code


def _words() -> dict[str, dict[str, str]]:
    return words_in("intake/answers.vi")


def answer(code: Code, *, is_sign_in: bool = False, **more: Any) -> JSONResponse:  # noqa: ANN401 - any JSON
    """An answer. The code is a whole number where a client signs in, and a text elsewhere, as clients take it."""
    given = int(code) if is_sign_in else code
    status = _STATUS.get(code, HTTPStatus.OK)
    # What is left of a body that is far too large is not read.
    headers = {"Connection": "close"} if status != HTTPStatus.OK else None
    content = {"error_code": given, "message": _words()["code"][code], **more}
    return JSONResponse(content, status_code=status, headers=headers)


def answer_of(taken: Taken) -> JSONResponse:
    """What became of a push. One that was taken in part is done: a client that sent it again would never come to the
    steps of those dossiers that are good."""
    more: dict[str, Any] = {
        "received": taken.taken + taken.waiting,
        "repeated": taken.repeated,
        "refused": taken.refused,
    }
    if taken.refusals:
        more["errors"] = _told(taken.refusals)
    if taken.unused:
        more["warnings"] = _told(taken.unused)
    if taken.dossier_no is not None:
        more["data"] = {"idHoSo": str(taken.dossier_no)}
    return answer("04" if taken.is_refused else DONE, **more)


def _told(records: Sequence[Refusal]) -> list[dict[str, Any]]:
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
"""Seconds for a body, all of it."""
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
_LOOK_UP: Final = "tracuuhoso"
_CATALOGUES: Final = ("laythutuc", "laydanhsachtthc")
"""They are asked for what we have not; to be told that there is none lets a client go on."""

Found = TypeVar("Found")
_log = logging.getLogger(__name__)


class _Desk:
    """What the app works with from its start to its end."""

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
        """Ends the threads."""
        self.working.shutdown(cancel_futures=True)

    @asynccontextmanager
    async def turn(self, client: int, size: int) -> AsyncIterator[None]:
        """One call of a client after the other, and one large body.

        Waiting in the ledger for each other, they would hold threads that others need.
        """
        own = self.turns.setdefault(client, asyncio.Lock())
        async with own:
            if size > LARGE:
                async with self.large:
                    yield
            else:
                yield

    async def do(self, work: Callable[[Connection], Found]) -> Found:
        """Has a thread do something with a connection to the ledger.

        Raises:
            SessionEnded: as the work itself does.
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
            # Left to the server, a traceback would quote the rows.
            _log.error("A push could not be taken: %s", reason_without_values(failure))
            raise Refused("99") from None


def _desk(request: Request) -> _Desk:
    """The app's own, also where the server around it told it of no start."""
    state = request.app.state
    if not hasattr(state, "desk"):
        state.desk = _Desk(state.limits)
    desk: _Desk = state.desk
    return desk


@asynccontextmanager
async def _body(request: Request, most: int) -> AsyncIterator[bytes]:
    """The body, bounded in size and time; the room that it takes is given back at the end.

    Raises:
        Refused: 05, it is too large; 06, others fill the room; 03, it was broken off or does not end in time.
    """
    room, held, stream = _desk(request).room, 0, request.stream()
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
                    if is_too_large or not room.take(len(piece), held + len(piece)):
                        refusal = "05" if is_too_large else "06"
                        break
                    held += len(piece)
                    pieces.append(piece)
        except (TimeoutError, ClientDisconnect):
            raise Refused("03") from None
        if refusal is not None:
            pieces.clear()
            room.give_back(held)
            held = 0
            await throw_away(request, stream)
            raise Refused(refusal)
        pieces[:] = [b"".join(pieces)]
        # Not held here as well: whoever reads it lets go of it before it is worked on.
        yield pieces.pop()
    finally:
        room.give_back(held)


def _query(request: Request) -> dict[str, str]:
    """The query, names in lower case.

    Raises:
        Refused: 03, it cannot be read.
    """
    try:
        pairs = parse_qsl(request.url.query, keep_blank_values=True, max_num_fields=64)
        return {name.lower(): read_text(value) for name, value in pairs}
    except ValueError:
        raise Refused("03") from None


class _RealAddresses:
    """Takes a caller's address from ``X-Forwarded-For`` where a proxy of ours says it, and from nobody else."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes the request on, with the address of whoever called the proxy."""
        app: Any = self.app
        if proxies := [str(network) for network in settings().intake_proxies]:
            app = ProxyHeadersMiddleware(app, proxies)
        await app(scope, receive, send)


def _address(request: Request) -> str:
    """Where the caller is; empty: nobody can tell."""
    try:
        address = ipaddress.ip_address(request.client.host if request.client else "")
    except ValueError:
        return ""
    return str(getattr(address, "ipv4_mapped", None) or address)


def _credentials(body: bytes, content_type: str, names: tuple[str, str]) -> tuple[str, str]:
    """Name and password, in JSON or as a form; JSON also where it is called a form, as ``curl --data`` does.

    Raises:
        Refused: 03, they cannot be read.
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
    """A new session for whoever shows the password of a client.

    Raises:
        Refused: 02, wrong; 06, wrong too often; 03, 05, 99.
    """
    desk = _desk(request)
    async with _body(request, _MOST_OF_SIGN_IN) as body:
        name, password = _credentials(body, request.headers.get("content-type", ""), names)
    key = (_address(request), name)
    session = secrets.token_urlsafe(32)
    is_doubted = desk.wrong_passwords.is_over(key)
    # One after the other: guesses take one thread at most, and whoever knows the password is not locked out by them.
    async with desk.doubted if is_doubted else nullcontext():
        is_known = await desk.do(lambda connection: sign_in(connection, name, password, session, _SESSION_LASTS))
    if not is_known:
        desk.wrong_passwords.count(key)
        raise Refused("06" if is_doubted else "02")
    return session


class _Call:
    """A call of a service: who calls is found out before its body is taken apart."""

    def __init__(self, request: Request, path: str, body: bytes) -> None:
        self.desk, self.request, self.body, self.size = _desk(request), request, body, len(body)
        self.query = _query(request)
        last = path.rstrip("/").rpartition("/")[2].lower()
        self.named_in_path = last if last in (*_SERVICES, *_CATALOGUES, _LOOK_UP) else ""

    async def client(self) -> tuple[int, str]:
        """Number of the client that calls, and the session.

        Raises:
            Refused: 01, it is nobody's; 06, the client called too often; 99.
        """
        found = None
        for session in self._offered():
            found = found or await self._known(session)
        found = found or await self._known(await self._from_network())
        if found is None:
            raise Refused("01")
        if self.desk.calls.is_over(found[0]):
            raise Refused("06")
        self.desk.calls.count(found[0])
        return found

    async def _known(self, session: str) -> tuple[int, str] | None:
        client = await self.desk.do(lambda connection: whose(connection, session))
        return None if client is None else (client, session)

    def _offered(self) -> list[str]:
        """What may be the call's session, wherever clients put it; a body is not taken apart for it."""
        headers = self.request.headers
        bearer = headers.get("authorization", "")
        offered = [bearer[7:].strip()] if bearer[:7].lower() == "bearer " else []
        offered += [headers.get("session", ""), self.query.get("session", "")]
        given = [each for each in offered if each]
        if not given:
            # Of several, the first two: whoever hides more of them in a body is no client.
            given = [found[1].decode() for found, _ in zip(_SESSION.finditer(self.body), range(2), strict=False)]
        return [each for each in given if _TOKEN.fullmatch(each)]

    async def _from_network(self) -> str:
        """A session for a client that shows none, by the address that it calls from."""
        unit, caller = self.query.get("madinhdanhdv", ""), _address(self.request)
        if self._shows_one() or not unit or not re.fullmatch(r"[0-9a-fA-F:.]+", caller):
            raise Refused("01")
        session = secrets.token_urlsafe(32)
        # The ledger answers many wrong ones late: they wait here, one after the other, and take one thread at most.
        is_doubted = self.desk.wrong_addresses.is_over(caller)
        async with self.desk.doubted if is_doubted else nullcontext():
            is_known = await self.desk.do(lambda connection: sign_in_from(connection, caller, unit, session))
        if not is_known:
            self.desk.wrong_addresses.count(caller)
            raise Refused("06" if is_doubted else "01")
        return session

    def _shows_one(self) -> bool:
        """Whether the caller means to have a session: then none is made for him."""
        headers = self.request.headers
        in_head = "authorization" in headers or "session" in headers or "session" in self.query
        return in_head or b'"session"' in self.body[:4096].lower()

    def run(self, connection: Connection, session: str) -> Response:
        """Does what is asked for.

        Raises:
            SessionEnded: meanwhile.
            Refused: 03, it cannot be read; 05, too many records; 07, there is no such service.
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
        if asked in _CATALOGUES:
            return answer(DONE, result=[])
        if asked == _LOOK_UP:
            return self._look_up(connection, session, given)
        if asked not in _SERVICES:
            return self._refuse(connection, session, "07")
        service, kind = _SERVICES[asked]
        records = _records(given)
        if records is None:
            return self._refuse(connection, session, "03", service)
        if len(records) > MOST_RECORDS:
            return self._refuse(connection, session, "05", service)
        return answer_of(take(connection, session, service, kind, records, self._unit(given)))

    def _unit(self, given: object) -> str | None:
        """The unit that sends, where the call names one."""
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
        result = [{"MaHoSo": each.dossier_code, "TrangThaiHoSo": _written(each.status_code)} for each in found]
        return answer(DONE, result=result)

    def _refuse(self, connection: Connection, session: str, code: Any, service: str = "") -> Response:  # noqa: ANN401
        """Refuses the call as a whole, and counts that."""
        fault = {"03": "call_unreadable", "05": "call_too_large", "07": "no_such_service"}[code]
        note_call(connection, session, service, refused=1, faults=[Fault(fault, "", 1)])
        return answer(code)


def _written(status: int | None) -> str:
    return "" if status is None else str(status)


def _records(given: object) -> list[Any] | None:
    """The records of a call: a bare list, what ``data`` holds, or one alone. ``None``: there are none to be."""
    if isinstance(given, Fields) and "data" in given:
        given = given["data"]
    if isinstance(given, str) and given.lstrip()[:1] in ("[", "{"):
        # Some clients write what they send as a text of JSON.
        try:
            given = read_json(given.encode("utf-8", "replace"))
        except Unreadable:
            return None
    if isinstance(given, Fields):
        return [given]
    return given if isinstance(given, list) else None


def create_intake(limits: Limits = USUAL) -> FastAPI:
    """The app that is mounted below ``/intake``."""
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None, lifespan=_with_desk)
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
                async with call.desk.turn(client, call.size):
                    return await call.desk.do(lambda connection: call.run(connection, session))
            except SessionEnded:
                raise Refused("01") from None

    async def health(request: Request) -> Response:
        try:
            await _desk(request).do(lambda connection: whose(connection, ""))
        except Refused:
            return PlainTextResponse("the ledger does not answer", status_code=503)
        return PlainTextResponse("ok")

    app.add_api_route("/health", health, methods=["GET"])
    app.add_api_route("/sign-in", sign_in_route, methods=["POST"])
    app.add_api_route("/token", token_route, methods=["POST"])
    app.add_api_route("/{service:path}", call_route, methods=["POST"])
    return app


@asynccontextmanager
async def _with_desk(app: FastAPI) -> AsyncIterator[None]:
    app.state.desk = desk = _Desk(app.state.limits)
    try:
        yield
    finally:
        desk.close()
        close_ledger_pool()


def create_standalone(limits: Limits = USUAL) -> FastAPI:
    """The same app with its paths as they are under Airflow, for a server of its own."""
    app = create_intake(limits)
    return server_of(app, "/intake", lambda: _with_desk(app))


def __getattr__(name: str) -> FastAPI:
    # Made when uvicorn asks for it: importing this module must not build an app in Airflow's API server.
    if name == "standalone":
        return create_standalone()
    raise AttributeError(name)
