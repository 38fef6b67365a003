"""A gateway on loopback that answers as a test tells it to, and keeps what it was asked."""

from __future__ import annotations

import contextlib
import select
import socket
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

Answer = tuple[int, str] | str
"""(status, words), or ``hang``, ``reset``, ``accept, then hang``."""


class ScriptedGateway:
    """Answers each request by ``script``; when that has nothing more to say by ``answer_to``, else 202. What names no
    receiver is no message: it is answered likewise, but not by the script."""

    def __init__(self, port: int = 0) -> None:
        self.asked: list[dict[str, str]] = []
        """Messages."""
        self.logins = 0
        """Requests that name no receiver."""
        self.login: Answer | None = None
        """To these; ``None``: as to messages."""
        self.script: list[Answer] = []
        self.default: Answer = (202, "0: Accepted for delivery")
        self.answer_to: Callable[[dict[str, str]], Answer] | None = None
        self.headers: dict[str, str] = {}
        self.before_answer: Callable[[dict[str, str]], None] | None = None
        self.in_flight = self.most_in_flight = 0
        self.connections: set[socket.socket] = set()
        self.most_connections = 0
        self.seconds = 0.0
        self.lock = threading.Lock()
        gateway = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def setup(self) -> None:
                super().setup()
                with gateway.lock:
                    gateway.connections.add(self.connection)
                    still_open = sum(not _is_closed(connection) for connection in gateway.connections)
                    gateway.most_connections = max(gateway.most_connections, still_open)

            def finish(self) -> None:
                with gateway.lock:
                    gateway.connections.discard(self.connection)
                with contextlib.suppress(OSError):
                    super().finish()

            def do_GET(self) -> None:
                query = {key: value[0] for key, value in parse_qs(urlsplit(self.path).query).items()}
                if "to" not in query:
                    gateway.logins += 1
                    self.say(gateway.login or gateway.default)
                    return
                with gateway.lock:
                    gateway.asked.append(query)
                    gateway.in_flight += 1
                    gateway.most_in_flight = max(gateway.most_in_flight, gateway.in_flight)
                    otherwise = gateway.answer_to(query) if gateway.answer_to else gateway.default
                    answer = gateway.script.pop(0) if gateway.script else otherwise
                if gateway.before_answer:
                    gateway.before_answer(query)
                is_gone = bool(select.select([self.connection], [], [], gateway.seconds)[0])
                with gateway.lock:
                    gateway.in_flight -= 1
                if is_gone:
                    self.close_connection = True
                    return
                self.say(answer)

            def say(self, answer: Answer) -> None:
                if answer == "hang":
                    select.select([self.connection], [], [], 2)
                    self.close_connection = True
                    return
                if answer == "reset":
                    self.connection.close()
                    self.close_connection = True
                    return
                status, words = answer
                body = words.encode()
                self.send_response(status)
                for name, value in gateway.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self.server.daemon_threads = True
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


def _is_closed(connection: socket.socket) -> bool:
    """Whether the other side has closed it, whenever this one gets to notice."""
    try:
        return connection.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT) == b""
    except BlockingIOError:
        return False
    except OSError:
        return True
