"""Test the callbacks app behind a real uvicorn through raw sockets.

The tests cover callers that break off, bodies that never arrive, and each line of the log.
"""

from __future__ import annotations

import itertools
import json
import re
import signal
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import pytest
from fastapi import FastAPI

from motcua.sandbox.machine.parts import Part
from motcua.web import callbacks, protocol
from tests.ground import Served, free_port, listens

pytestmark = pytest.mark.alone

WORD = "receipt-word-9"
PATIENCE = 20
"""The time in seconds within which each expected answer must arrive."""


class Running:
    """A running server on the loopback address, started as docker-compose.yaml starts it."""

    def __init__(self, port: int) -> None:
        self.port = port

    @contextmanager
    def connection(self) -> Iterator[socket.socket]:
        with socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE) as connected:
            yield connected

    def ask(self, target: str, method: str = "GET", headers: str = "", body: bytes = b"") -> bytes:
        """Send a request and return the whole answer, up to the end of the connection."""
        with self.connection() as connected:
            connected.sendall(request(target, method, "Connection: close\r\n" + headers) + body)
            return everything(connected)


@contextmanager
def in_this_process(app: FastAPI) -> Iterator[Running]:
    """Serve an app in a thread of this process, as docker-compose.yaml serves the callbacks app."""
    with Served(app, "info", proxy_headers=False, http="motcua.web.protocol:HeadersInTime") as served:
        yield Running(served.port)


@contextmanager
def in_its_own(log: Path, *program: str) -> Iterator[Running]:
    """Run a server in its own process. After the process has ended, ``log`` holds all its output."""
    port = free_port()
    command = [sys.executable, *program, "--port", str(port), "--no-proxy-headers"]
    command += ["--http", "motcua.web.protocol:HeadersInTime"]
    with Part(program[-1], command, log, ready=lambda: listens(port), stop_signal=signal.SIGINT):
        yield Running(port)


def request(target: str, method: str = "GET", headers: str = "") -> bytes:
    return f"{method} {target} HTTP/1.1\r\nHost: x\r\n{headers}\r\n".encode()


def everything(connected: socket.socket) -> bytes:
    """Read from a connection until the server closes it."""
    answer = b""
    while piece := connected.recv(65536):
        answer += piece
    return answer


def drip(connected: socket.socket, piece: bytes) -> bytes:
    """Send a piece again and again until the server answers or closes the connection; return the answer."""
    connected.settimeout(0.05)
    last = time.monotonic() + PATIENCE
    while time.monotonic() < last:
        try:
            connected.sendall(piece)
            return connected.recv(65536)
        except TimeoutError:
            continue
        except ConnectionError:
            return b""
    raise AssertionError("the server waits forever")


@pytest.fixture
def gateways(agencies, configure) -> None:
    def connection(**extra: str) -> str:
        return json.dumps({"conn_type": "http", "host": "127.0.0.1", "extra": extra})

    configure(
        AIRFLOW_CONN_SMS_KANNEL=connection(adapter="kannel", callback_secret=WORD),
        AIRFLOW_CONN_SMS_ESMS=connection(adapter="esms", private_key="a-key"),
        AIRFLOW_CONN_SMS_SIGNED=connection(adapter="kannel", callback_hmac_key="a-key"),
    )


@pytest.fixture
def server(gateways) -> Iterator[Running]:
    with in_this_process(callbacks.create_standalone()) as running:
        yield running


PLACES = ["/gateway/receipts/kannel", "/gateway/inquiries/kannel"]
FORM = "Content-Type: application/x-www-form-urlencoded\r\n"


STANDALONE = ("-m", "uvicorn", "motcua.web.callbacks:standalone")
BEGUN = [
    ("Content-Length: 1000\r\n", b"sender=0905123456"),
    ("Transfer-Encoding: chunked\r\n", b"100\r\nsender=0905123456"),
]


@pytest.mark.guarantee("callbacks", "a caller that closes the connection early leaves one log line and no traceback")
def test_caller_who_breaks_off_in_the_body_leaves_no_traceback(gateways, rows, tmp_path):
    log = tmp_path / "log"
    with in_its_own(log, *STANDALONE) as server:
        for place, (headers, begun), word in itertools.product(PLACES, BEGUN, [WORD, "wrong"]):
            for _ in range(10):
                with server.connection() as connected:
                    connected.sendall(request(f"{place}?secret={word}", "POST", FORM + headers) + begun)
        assert server.ask(f"{PLACES[0]}?secret={WORD}&status=1").startswith(b"HTTP/1.1 200 ")
    written = log.read_text()
    assert written.count("POST /gateway/receipts/kannel: ") == written.count("POST /gateway/inquiries/kannel: ") == 40
    assert not any(word in written for word in ("Traceback", "ERROR", "Exception", WORD, "0905123456"))
    assert len(rows("SELECT 1 FROM motcua.receipts UNION ALL SELECT 1 FROM motcua.inquiries")) == 1


@pytest.mark.guarantee("callbacks", "a caller without the right secret is refused before the body is read")
def test_stranger_is_refused_before_the_body_is_there(server):
    for target in (
        "/gateway/receipts/kannel",
        "/gateway/receipts/nobody?secret=wrong",
        "/gateway/inquiries/kannel?secret=wrong",
        "/gateway/receipts/signed?secret=wrong",
        "/gateway/inquiries/esms?sign=wrong",
    ):
        for headers in ("", "X-Motcua-Signature: sha256=short\r\n"):
            with server.connection() as connected:
                connected.sendall(request(target, "POST", f"Content-Length: 100\r\n{headers}"))
                assert everything(connected).startswith(b"HTTP/1.1 401 "), target


@pytest.mark.guarantee(
    "callbacks", "a secret in the body does not authenticate a caller; if the query is signed, the body is ignored"
)
def test_secret_in_the_body_lets_nobody_in(server, rows):
    body = f"secret={WORD}&reference=x&status=1".encode()
    for place in PLACES:
        assert server.ask(place, "POST", f"{FORM}Content-Length: {len(body)}\r\n", body).startswith(b"HTTP/1.1 401 ")
    assert rows("SELECT 1 FROM motcua.receipts") == []


@pytest.mark.guarantee(
    "callbacks",
    "the callbacks app waits 5 s for a body and 10 s for headers; in front of Airflow the proxy waits 10 s for headers",
)
def test_body_that_does_not_end_in_time_is_waited_for_no_longer(server, monkeypatch):
    monkeypatch.setattr(callbacks, "_READ_WITHIN", 0.3)
    for place in PLACES:
        begun = request(f"{place}?secret={WORD}", "POST", f"{FORM}Content-Length: 9000\r\n")
        with server.connection() as silent, server.connection() as slow:
            silent.sendall(begun)
            slow.sendall(begun)
            assert drip(slow, b"x").startswith(b"HTTP/1.1 408 ")
            assert everything(silent).startswith(b"HTTP/1.1 408 ")


@pytest.mark.guarantee(
    "callbacks",
    "the callbacks app waits 5 s for a body and 10 s for headers; in front of Airflow the proxy waits 10 s for headers",
)
def test_headers_that_do_not_come_in_time_are_waited_for_no_longer_but_a_body_may_last(server, monkeypatch):
    monkeypatch.setattr(protocol, "HEADERS_WITHIN", 0.3)
    with server.connection() as silent:
        assert everything(silent) == b""
    with server.connection() as slow:
        slow.sendall(b"GET /gateway/receipts/kannel HTTP/1.1\r\n")
        assert drip(slow, b"a: b\r\n") == b""
    with server.connection() as second:
        second.sendall(request(f"{PLACES[0]}?secret={WORD}&status=1"))
        assert second.recv(65536).startswith(b"HTTP/1.1 200 ")
        second.sendall(b"GET / HTTP/1.1\r\n")
        assert drip(second, b"a: b\r\n") == b""
    with server.connection() as connected:
        headers = f"{FORM}Content-Length: 11\r\nConnection: close\r\n"
        connected.sendall(request(f"{PLACES[0]}?secret={WORD}", "POST", headers))
        for letter in b"reference=x":
            time.sleep(0.06)
            connected.sendall(bytes([letter]))
        assert everything(connected).startswith(b"HTTP/1.1 200 ")


# ---------------------------------------------------------------- lines of the log

NUMBERS = ["0905123456", "+84905123456", "0905 123 456", "0905/123/456", "０９０５１２３４５６", "٠٩٠٥١٢٣٤٥٦"]
TARGETS = [
    "/gateway/receipts/kannel%3Fsecret={word}&sender={number}",
    "/gateway/receipts/kannel%3Fsecret%3D{word}%26sender%3D{number}",
    "/gateway/receipts/kannel%253Fsecret%253D{word}",
    "/gateway/receipts/kannel?secret={word}&smsc_id={number}",
    "/gateway/inquiries/kannel?secret={word}&sender={number}&text=MCKH+160915001",
    "/gateway?secret={word}&number={number}&text=MCKH+160915001",
    "/gateway/?callback_secret={word}&number={number}",
    "/gateway/receipts/{number}",
    "/nothing/{number}?a={number}",
    "/{number}",
    "/%0A{number}%0AERROR",
]
SECRETS = ["\nERROR", WORD, "160915001", "905123456", "0905%20123%20456", "0905/123/456", "0905%2F123%2F456"]
SECRETS += ["0905 123 456", "0905+123+456", "０９０５", quote("０９０５"), quote("٠٩٠٥"), quote("０９０５").lower()]


CALLS = len(TARGETS) * len(NUMBERS) * 2
REFUSED = CALLS - 3 * len(NUMBERS) * 2
"""The number of refused calls. Three targets are not refused: two have a gateway's secret, one is redirected."""


def call_everything(running: Running) -> None:
    """Request each target with each number in two encodings, and ask once for an upgrade to a websocket."""
    for target in TARGETS:
        for number in NUMBERS:
            for safe in ("", "/+"):
                said = target.format(word=WORD, number=quote(number, safe=safe))
                assert running.ask(said).startswith(b"HTTP/1.1 ")
    upgrade = "Upgrade: websocket\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n"
    with running.connection() as connected:
        target = f"/gateway?secret={WORD}&number=0905123456"
        connected.sendall(request(target, headers=f"Connection: Upgrade\r\n{upgrade}"))
        connected.recv(65536)


@pytest.mark.guarantee(
    "callbacks",
    "no log holds a phone number, a text or a secret in any encoding; a refused call is one masked log line",
)
def test_own_server_writes_a_masked_line_for_whatever_is_asked(gateways, tmp_path):
    log = tmp_path / "log"
    with in_its_own(log, *STANDALONE) as server:
        call_everything(server)
    written = log.read_text()
    assert len(re.findall(r"GET /\S+: (?:401|404)", written)) == REFUSED, "each refusal must be one line"
    assert "/nothing/0905***456" in written.replace("%2A", "*")
    assert [secret for secret in SECRETS if secret in written] == []


AIRFLOWS = """
import uvicorn
from airflow.api_fastapi.app import init_access_logging, init_plugins
from fastapi import FastAPI

def server():
    app = FastAPI()
    init_plugins(app)
    # Like Airflow's own pages, answer every path.
    app.add_api_route("/{anything:path}", lambda: "page", methods=["GET"])
    init_access_logging(app)
    return app

uvicorn.main(["__main__:server", "--factory", "--no-access-log", *__import__("sys").argv[1:]])
"""


@pytest.mark.guarantee(
    "callbacks",
    "no log holds a phone number, a text or a secret in any encoding; a refused call is one masked log line",
)
def test_airflows_server_writes_a_masked_line_for_whatever_is_asked(gateways, tmp_path):
    log = tmp_path / "log"
    with in_its_own(log, "-c", AIRFLOWS) as server:
        call_everything(server)
    written = log.read_text()
    assert written.count("request finished") == CALLS, "each call must be one line"
    assert "/nothing/0905***456" in written.replace("%2A", "*")
    assert [secret for secret in SECRETS if secret in written] == []
