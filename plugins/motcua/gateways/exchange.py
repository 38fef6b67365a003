"""One HTTP request to a provider: its answer, or what may be said where none came.

The rules that every adapter shares. Nothing was written yet (no route, refused, no such name): ``transient``. The
connection was never one that a request may be trusted to (certificate, no TLS there, an address that is none):
``configuration``. Anything later, a time-out or a reset, may have come after the provider took the message:
``unknown``. No request is repeated, no redirect followed, no cookie kept, no proxy of the machine used (the Session is
jobs/notices/sending/sender.py's), and nothing is logged: addresses and bodies hold numbers, words and secrets.
"""

from __future__ import annotations

import json
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from weakref import WeakKeyDictionary

import requests
from requests.adapters import HTTPAdapter
from requests.utils import get_encoding_from_headers
from urllib3 import BaseHTTPResponse, HTTPConnectionPool, Retry, Timeout
from urllib3.exceptions import (
    ConnectTimeoutError,
    HTTPError,
    LocationValueError,
    MaxRetryError,
    NewConnectionError,
    ReadTimeoutError,
)
from urllib3.exceptions import SSLError as NoTls

from motcua.gateways import GatewayMisconfigured
from motcua.gateways.adapter import Concern, GatewayAddress, GatewayAnswer, OutcomeClass

LONGEST_BODY = 1024 * 1024
"""Bytes; what a gateway says beyond them is not read."""

_PIECE = 16 * 1024
_UNUSABLE = (OSError, ValueError)
"""What an address raises that is none, or a file of certificates that is not there."""
_known: WeakKeyDictionary[requests.Session, dict[str, _Way]] = WeakKeyDictionary()
_ONCE = Retry(0, read=False)
_REFUSED = frozenset({400, 401, 403, 404, 405, 406, 410, 411, 413, 414, 415, 431})
"""HTTP's own refusals, which no server gives for a request that it took."""


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """What came back. ``text`` may echo the request: it is for reading only, never for keeping."""

    status: int
    text: str
    retry_after: float | None
    """Seconds that it asks to wait, an hour at most."""

    @property
    def record(self) -> Mapping[str, Any]:
        """The body as a JSON object; empty: it is something else."""
        try:
            read = json.loads(self.text)
        except (ValueError, RecursionError):
            # RecursionError: brackets in brackets.
            return {}
        return read if isinstance(read, dict) else {}


@dataclass(frozen=True, slots=True)
class CodeMeaning:
    """The class of a provider's own code, and in our words what it means: its words may echo the message."""

    outcome: OutcomeClass
    meaning: str
    concerns: Concern = "gateway"


@dataclass(frozen=True, slots=True)
class _Way:
    """To an address, as a Session goes there."""

    connections: HTTPConnectionPool
    path: str
    headers: Mapping[str, str]
    body: bytes | str | None


def get(session: requests.Session, url: str, timeout: tuple[float, float]) -> HttpAnswer | GatewayAnswer:
    """One GET; ``timeout`` is seconds to connect, seconds to wait for the answer. Never raises for what happens.

    The query must be encoded already.
    """
    address, _, query = url.partition("?")
    known = _known.setdefault(session, {})
    try:
        if (way := known.get(address)) is None:
            way = known[address] = _way(session, requests.Request("GET", address))
    except _UNUSABLE as failure:
        return _unusable(failure)
    return _exchange(way, "GET", f"{way.path}?{query}" if query else way.path, timeout)


def post(
    session: requests.Session, url: str, record: Mapping[str, Any], timeout: tuple[float, float]
) -> HttpAnswer | GatewayAnswer:
    """One POST of a JSON object, likewise."""
    try:
        way = _way(session, requests.Request("POST", url, json=record))
    except _UNUSABLE as failure:
        return _unusable(failure)
    return _exchange(way, "POST", way.path, timeout)


def judged(answer: HttpAnswer, code: object, verdicts: Mapping[str, CodeMeaning]) -> GatewayAnswer:
    """The outcome by a provider's table of codes, and where it gave none that is known, by HTTP's status.

    A code outside the table is ``unknown``, not a refusal: what it means for the message is not known, and a second
    one must not go out. A server's own failure (5xx) is ``unknown`` whatever its body says.
    """
    status = answer.status
    name = str(code).strip() if isinstance(code, (str, int)) else ""
    verdict = verdicts.get(name)
    is_answer, is_refusal = 200 <= status < 300, status in _REFUSED
    if verdict and (is_answer or (is_refusal and verdict.outcome not in ("accepted", "duplicate"))):
        return GatewayAnswer(
            verdict.outcome,
            status,
            f"{name} {verdict.meaning}",
            retry_after=answer.retry_after,
            concerns=verdict.concerns,
        )
    if status == 429:
        return GatewayAnswer("transient", status, "too many requests", retry_after=answer.retry_after)
    if is_refusal:
        return GatewayAnswer("configuration", status, "refused")
    is_number = name.removeprefix("-").isdecimal() and len(name) <= 5
    return GatewayAnswer("unknown", status, f"unknown code {name}" if is_answer and is_number else "unreadable answer")


def refusing_repeats(address: GatewayAddress, hours: float) -> timedelta:
    """For how long the provider refuses a reference that it has seen: the connection's ``refuses_repeats_hours``.

    Raises:
        GatewayMisconfigured: that is not a number of hours from 0 to 720.
    """
    try:
        given = float(address.extra.get("refuses_repeats_hours", hours))
    except (TypeError, ValueError):
        given = -1
    if not 0 <= given <= 720:
        raise GatewayMisconfigured(
            f"The Airflow connection sms_{address.name}: refuses_repeats_hours is a number from 0 to 720."
        )
    return timedelta(hours=given)


def _way(session: requests.Session, request: requests.Request) -> _Way:
    """Prepared once for each Session and address: preparing it anew with the query, which requests takes apart and
    encodes again, is a fifth of a sender's CPU."""
    prepared = session.prepare_request(request)
    transport = session.get_adapter(prepared.url or "")
    assert isinstance(transport, HTTPAdapter)
    verify = True if session.verify is None else session.verify
    connections = transport.get_connection_with_tls_context(prepared, verify, cert=session.cert)
    assert isinstance(connections, HTTPConnectionPool)
    transport.cert_verify(connections, prepared.url or "", verify, session.cert)  # type: ignore[no-untyped-call]
    return _Way(connections, prepared.path_url, dict(prepared.headers), prepared.body)


def _unusable(failure: Exception) -> GatewayAnswer:
    return GatewayAnswer("configuration", code=type(failure).__name__)


def _exchange(way: _Way, method: str, path: str, timeout: tuple[float, float]) -> HttpAnswer | GatewayAnswer:
    connect, read = timeout
    try:
        # Not Session.send: of a redirect it reads all of the body, and stumbles over a Location that is no address; and
        # what it makes of an answer costs as much as the rest of the exchange.
        response = way.connections.urlopen(
            method,
            path,
            body=way.body,
            headers=way.headers,
            retries=_ONCE,
            redirect=False,
            assert_same_host=False,
            preload_content=False,
            decode_content=False,
            timeout=Timeout(connect=connect, read=read),
        )
    except (HTTPError, OSError) as failure:
        return _without_answer(failure)
    try:
        body = _read(response, read)
    except (HTTPError, OSError):
        return GatewayAnswer("unknown", response.status, "connection lost")
    finally:
        response.close()
    try:
        text = body.decode(get_encoding_from_headers(response.headers) or "utf-8", "replace")
    except LookupError:
        # The header names a charset that does not exist.
        text = body.decode("utf-8", "replace")
    return HttpAnswer(response.status, text.removeprefix("\ufeff"), _retry_after(response))


def _read(response: BaseHTTPResponse, seconds: float) -> bytes:
    """The body, as far as it comes in that time and is not too long."""
    until = time.monotonic() + seconds
    body = b""
    while len(body) < LONGEST_BODY and time.monotonic() < until:
        # read1 gives what is there: a server that drips its answer must not hold a sender for hours.
        piece = response.read1(_PIECE, decode_content=True)
        if not piece:
            break
        body += piece
    return body


def _without_answer(failure: Exception) -> GatewayAnswer:
    # No more than one try; urllib3 wraps in it what stopped that one.
    cause = failure.reason if isinstance(failure, MaxRetryError) else failure
    if isinstance(cause, ConnectTimeoutError | NewConnectionError):
        return GatewayAnswer("transient", code="no connection")
    if isinstance(cause, NoTls) and _in_the_handshake(cause):
        return GatewayAnswer("configuration", code="TLS")
    if isinstance(cause, LocationValueError):
        return _unusable(cause)
    if isinstance(cause, ReadTimeoutError):
        return GatewayAnswer("unknown", code="ReadTimeout")
    return GatewayAnswer("unknown", code="connection lost")


def _in_the_handshake(failure: NoTls) -> bool:
    """Whether it is a failure that only a handshake has: nothing of the request was written."""
    cause = failure.args[0] if failure.args else None
    return isinstance(cause, ssl.SSLCertVerificationError) or getattr(cause, "reason", "") == "WRONG_VERSION_NUMBER"


def _retry_after(response: BaseHTTPResponse) -> float | None:
    try:
        return min(3600.0, max(0.0, float(response.headers.get("Retry-After", ""))))
    except ValueError:
        return None
