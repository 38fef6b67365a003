"""Run a gateway on loopback that gives scripted answers and stores the requests it got.

The gateway speaks the protocol of its scripted answers. It simulates no phones; the phone network does.

``python -m motcua.sandbox.network.scripted PORT SECONDS`` accepts each message SECONDS after it came, until it is
killed. ``GET /seen`` reports the messages since the last such request.
"""

from __future__ import annotations

import contextlib
import json
import select
import socket
import ssl
import struct
import sys
import threading
import time
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from functools import cached_property
from typing import Any, BinaryIO
from urllib.parse import parse_qsl, urlsplit

Answer = tuple[int, str] | bytes | str
"""A scripted answer.

It is (status, words), or bytes to write; the connection ends after the bytes unless they state their length. Or it is
one of these words: ``hang`` (nothing is sent), ``reset``, ``drip`` (an endless body, a byte now and then), ``flood``
(an endless body, as fast as it is read), ``greet`` (the gateway sends first, without TLS).
"""
TAKEN: Answer = (202, "0: Accepted for delivery")


@dataclass(frozen=True, eq=False)
class Asked(Mapping[str, str]):
    """One request as it arrived. As a mapping it gives the fields of the request's query."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes
    at: float = field(default_factory=time.monotonic)

    @property
    def path(self) -> str:
        """Return the path of the request, without the query."""
        return urlsplit(self.target).path

    @cached_property
    def query(self) -> dict[str, str]:
        """Return the fields of the query. If a name occurs twice, the first value counts."""
        return dict(reversed(parse_qsl(urlsplit(self.target).query, keep_blank_values=True)))

    @property
    def record(self) -> Any:  # noqa: ANN401 - whatever JSON holds
        """Return the content of the JSON body."""
        return json.loads(self.body)

    def __getitem__(self, name: str) -> str:
        return self.query[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.query)

    def __len__(self) -> int:
        return len(self.query)


def http(status: int, body: str | bytes = b"", **headers: str) -> bytes:
    """Write a whole HTTP answer. Names in ``headers`` use ``_`` for ``-``."""
    content = body.encode() if isinstance(body, str) else body
    named = {"Content-Length": str(len(content)), **{name.replace("_", "-"): value for name, value in headers.items()}}
    head = "".join(f"{name}: {value}\r\n" for name, value in named.items())
    return f"HTTP/1.1 {status} As Told\r\n{head}\r\n".encode() + content


def in_json(record: object, status: int = 200, **headers: str) -> bytes:
    """Write an answer with a JSON body."""
    return http(status, json.dumps(record), Content_Type="application/json; charset=utf-8", **headers)


def is_login(asked: Asked) -> bool:
    """Return whether a request only tests Kannel's account, because it names no receiver."""
    return asked.path == "/cgi-bin/sendsms" and "to" not in asked


class ScriptedGateway:
    """Answers each message by the first of these that is set: the script of its number, ``script``, ``answer_to``,
    ``answer``."""

    def __init__(self, port: int = 0, tls: ssl.SSLContext | None = None) -> None:
        self.asked: list[Asked] = []
        """The messages that arrived."""
        self.logins: list[Asked] = []
        """Requests that only test the account. The scripts do not apply to them."""
        self.is_login: Callable[[Asked], bool] = is_login
        self.login: Answer | Callable[[Asked], Answer] | None = None
        """The answer to ``logins``; ``None`` for the usual ``answer``."""
        self.by_number: dict[str, list[Answer]] = defaultdict(list)
        """Answers to a number's messages, in order."""
        self.script: list[Answer] = []
        self.answer_to: Callable[[Asked], Answer] | None = None
        """Function that gives the answer to each message for which no scripted answer is left."""
        self.answer: Answer = TAKEN
        self.headers: dict[str, str] = {}
        self.ahead = timedelta(0)
        """How far the gateway's clock is ahead."""
        self.before_answer: Callable[[Asked], object] | None = None
        self.seconds = 0.0
        """How many seconds the gateway waits before an answer."""
        self.hang = 2.0
        self.in_flight = self.most_in_flight = 0
        self.connections = self.most_connections = 0
        """How many connections there were so far, and how many at most at one time."""
        self.lock = threading.Lock()
        self._tls = tls
        self._open: set[socket.socket] = set()
        self._closing = threading.Event()
        self._socket = socket.create_server(("127.0.0.1", port), backlog=256)
        self.port = int(self._socket.getsockname()[1])
        self.url = f"http://127.0.0.1:{self.port}"
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """Close the gateway and all connections, including connections that a client keeps open for later."""
        self._closing.set()
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        with self.lock:
            for connection in self._open:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)

    def seen(self) -> dict[str, int]:
        """Return figures of the messages since the last call.

        The figures are the number of messages, the largest number of unanswered messages, and the largest number in any
        second.
        """
        with self.lock:
            came = [asked.at for asked in self.asked]
            within = [here + 1 - bisect_left(came, moment - 1) for here, moment in enumerate(came)]
            figures = {
                "requests": len(came),
                "most_at_once": self.most_in_flight,
                "most_in_a_second": max(within, default=0),
            }
            self.asked, self.most_in_flight = [], self.in_flight
        return figures

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._socket.accept()
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, accepted: socket.socket) -> None:
        with contextlib.suppress(OSError, ValueError), self._with_tls(accepted) as connection:
            with self.lock:
                self.connections += 1
                self._open.add(connection)
                still_open = sum(not _is_closed(each) for each in self._open)
                self.most_connections = max(self.most_connections, still_open)
            try:
                if self.answer == "greet":
                    connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
                    self._closing.wait(30)
                    return
                incoming = connection.makefile("rb")
                while (asked := _read_request(incoming)) is not None:
                    if not self._handle_request(connection, asked):
                        return
            finally:
                with self.lock:
                    self._open.discard(connection)

    def _with_tls(self, accepted: socket.socket) -> socket.socket:
        return self._tls.wrap_socket(accepted, server_side=True) if self._tls else accepted

    def _handle_request(self, connection: socket.socket, asked: Asked) -> bool:
        """Store and answer a request. Return whether the connection can be used again."""
        if self.is_login(asked):
            self.logins.append(asked)
            given = self.login(asked) if callable(self.login) else self.login
            return self._send_answer(connection, self.answer if given is None else given)
        with self.lock:
            self.asked.append(asked)
            self.in_flight += 1
            self.most_in_flight = max(self.most_in_flight, self.in_flight)
            answer = self._scripted_answer(asked)
        try:
            if self.before_answer:
                self.before_answer(asked)
            # A client that has disconnected in the meantime gets no answer.
            is_gone = bool(select.select([connection], [], [], self.seconds)[0])
        finally:
            with self.lock:
                self.in_flight -= 1
        return not is_gone and self._send_answer(connection, answer)

    def _scripted_answer(self, asked: Asked) -> Answer:
        if of_number := self.by_number.get(asked.get("to", "")):
            return of_number.pop(0)
        if self.script:
            return self.script.pop(0)
        return self.answer_to(asked) if self.answer_to else self.answer

    def _send_answer(self, connection: socket.socket, answer: Answer) -> bool:
        if answer == "hang":
            select.select([connection], [], [], self.hang)
            return False
        if answer == "reset":
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            return False
        if answer == "drip":
            connection.sendall(b"HTTP/1.1 200 As Told\r\nContent-Length: 100000\r\n\r\n")
            while not self._closing.wait(0.05):
                connection.sendall(b" ")
            return False
        if answer == "flood":
            connection.sendall(b"HTTP/1.1 200 As Told\r\n\r\n")
            while not self._closing.is_set():
                connection.sendall(b" " * 65536)
            return False
        if isinstance(answer, tuple):
            date = format_datetime(datetime.now(UTC) + self.ahead, usegmt=True)
            status, words = answer
            answer = http(status, words, Date=date, **self.headers)
        assert isinstance(answer, bytes)
        connection.sendall(answer)
        head = answer.partition(b"\r\n\r\n")[0].lower()
        return b"content-length" in head and b"connection: close" not in head


def _read_request(incoming: BinaryIO) -> Asked | None:
    first = incoming.readline().decode("latin-1")
    if not first:
        return None
    method, target, _ = first.split(" ", 2)
    headers = {}
    while line := incoming.readline().decode("latin-1").strip():
        name, _, value = line.partition(":")
        headers[name.lower()] = value.strip()
    return Asked(method, target, headers, incoming.read(int(headers.get("content-length", 0))))


def _is_closed(connection: socket.socket) -> bool:
    """Return whether the other side has closed the connection, even if this side has not noticed yet."""
    if isinstance(connection, ssl.SSLSocket):
        return False
    try:
        return connection.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT) == b""
    except BlockingIOError:
        return False
    except OSError:
        return True


def main(port: int, seconds: float) -> None:
    """Serve until the process is killed."""
    gateway = ScriptedGateway(port)
    gateway.seconds, gateway.answer = seconds, http(202, "0: Accepted for delivery\n", Content_Type="text/plain")
    gateway.is_login = lambda asked: asked.path == "/seen"
    gateway.login = lambda _: in_json(gateway.seen())
    threading.Event().wait()


if __name__ == "__main__":
    main(int(sys.argv[1]), float(sys.argv[2]))
