"""A gateway on loopback that answers as a test tells it to, and keeps what it was asked."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

Answer = tuple[int, str] | str
"""(status, words), or ``hang``, ``reset``, ``accept, then hang``."""


class ScriptedGateway:
    """Answers each request by ``script``; 202 when the script has nothing more to say."""

    def __init__(self) -> None:
        self.asked: list[dict[str, str]] = []
        self.script: list[Answer] = []
        self.default: Answer = (202, "0: Accepted for delivery")
        self.before_answer: Callable[[dict[str, str]], None] | None = None
        self.in_flight = self.most_in_flight = 0
        self.seconds = 0.0
        self.lock = threading.Lock()
        gateway = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                query = {key: value[0] for key, value in parse_qs(urlsplit(self.path).query).items()}
                with gateway.lock:
                    gateway.asked.append(query)
                    gateway.in_flight += 1
                    gateway.most_in_flight = max(gateway.most_in_flight, gateway.in_flight)
                    answer = gateway.script.pop(0) if gateway.script else gateway.default
                if gateway.before_answer:
                    gateway.before_answer(query)
                time.sleep(gateway.seconds)
                with gateway.lock:
                    gateway.in_flight -= 1
                if answer == "hang":
                    time.sleep(2)
                    self.close_connection = True
                    return
                if answer == "reset":
                    self.connection.close()
                    self.close_connection = True
                    return
                status, words = answer
                body = words.encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()
