"""A provider on loopback that answers with whatever bytes a test gives it, and keeps what it was asked."""

from __future__ import annotations

import contextlib
import json
import socket
import ssl
import struct
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlsplit


@dataclass(frozen=True)
class Asked:
    """One request as it came."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def path(self) -> str:
        return urlsplit(self.target).path

    @property
    def query(self) -> dict[str, str]:
        return dict(parse_qsl(urlsplit(self.target).query, keep_blank_values=True))

    @property
    def record(self) -> Any:
        return json.loads(self.body)


def http(status: int, body: str | bytes = b"", **headers: str) -> bytes:
    """A whole HTTP answer; ``headers`` with ``_`` for ``-``."""
    content = body.encode() if isinstance(body, str) else body
    named = {"Content-Length": str(len(content)), **{name.replace("_", "-"): value for name, value in headers.items()}}
    head = "".join(f"{name}: {value}\r\n" for name, value in named.items())
    return f"HTTP/1.1 {status} As Told\r\n{head}\r\n".encode() + content


def in_json(record: Any, status: int = 200, **headers: str) -> bytes:
    """An answer that is JSON."""
    return http(status, json.dumps(record), Content_Type="application/json; charset=utf-8", **headers)


Answer = bytes | str
"""Bytes to write, or ``hang`` (nothing comes), ``reset``, ``drip`` (a body of a byte now and then, without an end),
``flood`` (a body as fast as it is read, without an end), ``greet`` (speaks first, and no TLS)."""


class LoopbackProvider:
    """Gives ``answer`` to each request. Bytes that do not say how long they are end with the connection."""

    def __init__(self, answer: Answer = b"", tls: ssl.SSLContext | None = None) -> None:
        self.answer = answer
        self.asked: list[Asked] = []
        self.connections = 0
        self._tls = tls
        self._closing = threading.Event()
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._socket.getsockname()[1])
        self._threads: list[threading.Thread] = []
        self._callers: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._closing.set()
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        # Who keeps a connection for later is not waited for.
        for caller in self._callers:
            with contextlib.suppress(OSError):
                caller.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(5)

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._socket.accept()
                self.connections += 1
                thread = threading.Thread(target=self._serve, args=(connection,), daemon=True)
                self._threads.append(thread)
                thread.start()

    def _serve(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError, ValueError), connection:
            if self._tls:
                connection = self._tls.wrap_socket(connection, server_side=True)
            connection.settimeout(5)
            self._callers.append(connection)
            if self.answer == "greet":
                connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
                self._closing.wait(30)
                return
            incoming = connection.makefile("rb")
            while self._keep(incoming):
                if not self._give(connection):
                    break

    def _keep(self, incoming: Any) -> bool:
        first = incoming.readline()
        if not first:
            return False
        method, target, _ = first.decode().split(" ", 2)
        headers = {}
        while (line := incoming.readline().decode("latin-1").strip()) != "":
            name, _, value = line.partition(":")
            headers[name.lower()] = value.strip()
        body = incoming.read(int(headers.get("content-length", 0)))
        self.asked.append(Asked(method, target, headers, body))
        return True

    def _give(self, connection: socket.socket) -> bool:
        """Answers; whether the connection may be used again."""
        if self.answer == "hang":
            self._closing.wait(30)
            return False
        if self.answer == "reset":
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            return False
        if self.answer == "drip":
            connection.sendall(b"HTTP/1.1 200 As Told\r\nContent-Length: 100000\r\n\r\n")
            while not self._closing.wait(0.05):
                connection.sendall(b" ")
            return False
        if self.answer == "flood":
            connection.sendall(b"HTTP/1.1 200 As Told\r\n\r\n")
            while not self._closing.is_set():
                connection.sendall(b" " * 65536)
            return False
        assert isinstance(self.answer, bytes)
        connection.sendall(self.answer)
        head = self.answer.partition(b"\r\n\r\n")[0].lower()
        return b"content-length" in head and b"connection: close" not in head
