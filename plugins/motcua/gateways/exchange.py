"""Sends one HTTP request to a provider and returns its answer, or the class of a failure without an answer.

The classes of failures are the same for every adapter:

- ``transient``: nothing was written yet, because there is no route, the connection was refused or the host is unknown.
- ``configuration``: no request may be sent, because the certificate is wrong, TLS is missing or the address is invalid.
- ``unknown``: the failure came later, such as a time-out or a reset. The provider may have accepted the message.

This module repeats no request, follows no redirect, stores no cookie and uses no proxy of the machine
(``http_session`` in jobs/notices/sending/request_slots.py makes the Session). It logs nothing, because addresses and
bodies contain phone numbers, texts of messages and secrets.
"""

from __future__ import annotations

import json
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal, TypeAlias
from urllib.parse import urlencode
from weakref import WeakKeyDictionary

import requests
from requests.adapters import HTTPAdapter
from requests.utils import check_header_validity, get_encoding_from_headers
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

from motcua.domain.routing import Concern
from motcua.gateways import GatewayMisconfigured
from motcua.gateways.adapter import GatewayAddress, GatewayAnswer, OutcomeClass

Method: TypeAlias = Literal["GET", "POST"]

LONGEST_BODY = 1024 * 1024
"""Maximum number of bytes that are read of an answer. The rest of a longer answer is ignored."""

_PIECE = 16 * 1024
_UNUSABLE = (OSError, ValueError)
"""Errors that an invalid address or a missing file of certificates raises."""
_known: WeakKeyDictionary[requests.Session, dict[tuple[Method, str], _Way]] = WeakKeyDictionary()
_ONCE = Retry(0, read=False)
_REFUSED = frozenset({400, 401, 403, 404, 405, 406, 410, 411, 413, 414, 415, 431})
"""HTTP statuses that are refusals. No server gives one of them to a request that it accepted."""


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """An HTTP answer. ``text`` may echo the request, so code may read it but must never store it."""

    status: int
    text: str
    retry_after: float | None
    """Seconds that the server asks us to wait before the next request, an hour at most."""

    @property
    def record(self) -> Mapping[str, Any]:
        """The body as a JSON object; empty if the body is not one."""
        try:
            read = json.loads(self.text)
        except (ValueError, RecursionError):
            # json raises a RecursionError for brackets that are nested too deeply.
            return {}
        return read if isinstance(read, dict) else {}


@dataclass(frozen=True, slots=True)
class CodeMeaning:
    """The meaning of a provider's code: the class, and our own text. The provider's text may echo the message."""

    outcome: OutcomeClass
    meaning: str
    concerns: Concern = "gateway"


@dataclass(frozen=True, slots=True)
class _Way:
    """The prepared parts of a request to one address over one Session."""

    connections: HTTPConnectionPool
    path: str
    headers: Mapping[str, str]


def exchange(
    session: requests.Session,
    method: Method,
    url: str,
    timeout: tuple[float, float],
    *,
    query: Mapping[str, object] | None = None,
    headers: Mapping[str, str] | None = None,
    record: Mapping[str, Any] | None = None,
    form: Mapping[str, str] | None = None,
) -> HttpAnswer | GatewayAnswer:
    """Send one request and return its answer. Never raises for network failures.

    Args:
        session: a connection to the provider.
        method: ``GET`` or ``POST``.
        url: the address, without a query.
        timeout: seconds to connect, seconds to wait for the answer.
        query: fields that are added to the address, encoded here.
        headers: further headers, for example a provider's key.
        record: the body as a JSON object.
        form: the body as a form, if there is no ``record``.
    """
    all_headers = dict(headers or {})
    body: bytes | None = None
    try:
        if record is not None:
            all_headers["Content-Type"], body = "application/json", json.dumps(record, allow_nan=False).encode()
        elif form is not None:
            all_headers["Content-Type"], body = "application/x-www-form-urlencoded", urlencode(form).encode()
        for header in all_headers.items():
            # With a bad header urllib3 would raise after part of the request was written.
            check_header_validity(header)
            header[1].encode("latin-1")
        known = _known.setdefault(session, {})
        if (way := known.get((method, url))) is None:
            way = known[method, url] = _prepare_way(session, requests.Request(method, url))
    except _UNUSABLE as failure:
        return _unusable_address(failure)
    path = f"{way.path}?{urlencode(query)}" if query else way.path
    return _answer(way, method, path, {**way.headers, **all_headers}, body, timeout)


def judged(answer: HttpAnswer, code: object, meanings: Mapping[str, CodeMeaning]) -> GatewayAnswer:
    """Return the outcome by a provider's table of codes, or by HTTP's status if the answer gives no known code.

    A code outside the table is ``unknown`` unless HTTP's status is a refusal: the provider may have accepted the
    message, so the message must not be sent twice. An answer that contradicts itself, with a status that refuses and a
    code that accepts, is ``unknown`` for the same reason. A server's own failure (5xx) is ``unknown`` whatever its body
    states.
    """
    status = answer.status
    name = str(code).strip() if isinstance(code, (str, int)) else ""
    known = meanings.get(name)
    is_answer, is_refusal = 200 <= status < 300, status in _REFUSED
    if known and not is_answer and known.outcome in ("accepted", "duplicate"):
        return GatewayAnswer("unknown", status, "contradictory answer")
    if known and (is_answer or is_refusal):
        return GatewayAnswer(
            known.outcome,
            status,
            f"{name} {known.meaning}",
            retry_after=answer.retry_after,
            concerns=known.concerns,
        )
    if status == 429:
        return GatewayAnswer("transient", status, "too many requests", retry_after=answer.retry_after)
    if is_refusal:
        return GatewayAnswer("configuration", status, "refused")
    is_number = name.removeprefix("-").isdecimal() and len(name) <= 5
    return GatewayAnswer("unknown", status, f"unknown code {name}" if is_answer and is_number else "unreadable answer")


def refusing_repeats(address: GatewayAddress, hours: float) -> timedelta:
    """Return how long the provider refuses a second request with the same reference.

    The field ``refuses_repeats_hours`` of the gateway's Airflow connection states this time. The default is ``hours``.

    Raises:
        GatewayMisconfigured: the field is not a number of hours from 0 to 720.
    """
    try:
        given = float(address.extra.get("refuses_repeats_hours", hours))
    except (TypeError, ValueError):
        given = -1
    if not 0 <= given <= 720:
        raise GatewayMisconfigured(
            f"The Airflow connection sms_{address.name}: refuses_repeats_hours must be a number from 0 to 720."
        )
    return timedelta(hours=given)


def _prepare_way(session: requests.Session, request: requests.Request) -> _Way:
    """Prepares the request once for each Session, method and address. Preparing each request anew, which takes the
    query apart and encodes it again, would take a fifth of a sender's CPU time."""
    prepared = session.prepare_request(request)
    transport = session.get_adapter(prepared.url or "")
    assert isinstance(transport, HTTPAdapter)
    verify = True if session.verify is None else session.verify
    connections = transport.get_connection_with_tls_context(prepared, verify, cert=session.cert)
    assert isinstance(connections, HTTPConnectionPool)
    transport.cert_verify(connections, prepared.url or "", verify, session.cert)  # type: ignore[no-untyped-call]
    # urllib3 sets Content-Length for each request.
    headers = {name: value for name, value in prepared.headers.items() if name != "Content-Length"}
    return _Way(connections, prepared.path_url, headers)


def _unusable_address(failure: Exception) -> GatewayAnswer:
    return GatewayAnswer("configuration", code=type(failure).__name__)


def _answer(
    way: _Way, method: Method, path: str, headers: Mapping[str, str], body: bytes | None, timeout: tuple[float, float]
) -> HttpAnswer | GatewayAnswer:
    connect, read = timeout
    try:
        # Session.send is not used: it reads the whole body of a redirect and fails on an invalid Location header, and
        # its handling of an answer costs as much as the rest of the exchange.
        response = way.connections.urlopen(
            method,
            path,
            body=body,
            headers=headers,
            retries=_ONCE,
            redirect=False,
            assert_same_host=False,
            preload_content=False,
            decode_content=False,
            timeout=Timeout(connect=connect, read=read),
        )
    except (HTTPError, OSError) as failure:
        return _without_answer(failure)
    if response.status < 200:
        # The final answer would still follow, and the next request over this connection would read it as its own.
        response.close()
        return GatewayAnswer("unknown", response.status, "no final answer")
    try:
        content = _read_body(response, read)
    except (HTTPError, OSError):
        return GatewayAnswer("unknown", response.status, "connection lost")
    finally:
        response.close()
    try:
        text = content.decode(get_encoding_from_headers(response.headers) or "utf-8", "replace")
    except (LookupError, UnicodeError):
        # The header names a charset that does not exist or that cannot decode text.
        text = content.decode("utf-8", "replace")
    return HttpAnswer(response.status, text.removeprefix("\ufeff"), _retry_after(response))


def _read_body(response: BaseHTTPResponse, seconds: float) -> bytes:
    """Reads the body until the time is over or the body is too long."""
    until = time.monotonic() + seconds
    body = b""
    while len(body) < LONGEST_BODY and time.monotonic() < until:
        # read1 returns the bytes that have arrived, so a server that sends its answer byte by byte cannot block a
        # sender for hours.
        piece = response.read1(_PIECE, decode_content=True)
        if not piece:
            break
        body += piece
    return body


def _without_answer(failure: Exception) -> GatewayAnswer:
    # There is only one try, so MaxRetryError contains the error of that try.
    cause = failure.reason if isinstance(failure, MaxRetryError) else failure
    if isinstance(cause, ConnectTimeoutError | NewConnectionError):
        return GatewayAnswer("transient", code="no connection")
    if isinstance(cause, NoTls) and _in_the_handshake(cause):
        return GatewayAnswer("configuration", code="TLS")
    if isinstance(cause, LocationValueError):
        return _unusable_address(cause)
    if isinstance(cause, ReadTimeoutError):
        return GatewayAnswer("unknown", code="ReadTimeout")
    return GatewayAnswer("unknown", code="connection lost")


def _in_the_handshake(failure: NoTls) -> bool:
    """Whether the failure can only come from a TLS handshake, so that no byte of the request was written."""
    cause = failure.args[0] if failure.args else None
    return isinstance(cause, ssl.SSLCertVerificationError) or getattr(cause, "reason", "") == "WRONG_VERSION_NUMBER"


def _retry_after(response: BaseHTTPResponse) -> float | None:
    try:
        return min(3600.0, max(0.0, float(response.headers.get("Retry-After", ""))))
    except ValueError:
        return None
