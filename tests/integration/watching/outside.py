"""What the watch meets in tests: an Airflow that says what it is told to, a webhook, callbacks and an SMTP server."""

from __future__ import annotations

import json
import threading
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

HEALTHY = {"status": "healthy"}


class Outside:
    """An HTTP server on loopback that answers as Airflow, the callbacks and a webhook do."""

    def __init__(self) -> None:
        self.health: dict[str, Any] = {
            name: dict(HEALTHY) for name in ("metadatabase", "scheduler", "triggerer", "dag_processor")
        }
        self.airflow_status = 200
        self.says: dict[str, tuple[int, bytes]] = {}
        """By path: status and body in place of what it would answer."""
        self.runs: list[dict[str, Any]] = []
        self.clock_is_off_by = timedelta(0)
        self.passwords_taken = {"watch": "watch-word"}
        self.sign_ins = 0
        self.tokens: set[str] = set()
        self.callbacks_status = 200
        self.intake_status = 200
        self.webhook_status = 200
        self.posted: list[dict[str, Any]] = []
        outside = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *_: object) -> None:
                pass

            def date_time_string(self, timestamp: float | None = None) -> str:
                return format_datetime(datetime.now(UTC) + outside.clock_is_off_by, usegmt=True)

            def answer(self, status: int, body: object = None) -> None:
                given = next((said for path, said in outside.says.items() if path in self.path), None)
                status, content = given or (status, json.dumps(body).encode())
                self.send_response(status)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def do_GET(self) -> None:
                address = urlsplit(self.path)
                if address.path == "/api/v2/monitor/health":
                    self.answer(outside.airflow_status, outside.health)
                elif address.path.startswith("/api/v2/dags/"):
                    if self.headers.get("Authorization", "").removeprefix("Bearer ") not in outside.tokens:
                        self.answer(401)
                        return
                    asked = {name: values[-1] for name, values in parse_qs(address.query).items()}
                    dag = address.path.split("/")[4]
                    self.answer(200, {"dag_runs": outside.runs_of(dag, asked)})
                elif address.path == "/callbacks":
                    self.answer(outside.callbacks_status)
                elif address.path == "/intake/health":
                    self.answer(outside.intake_status)
                else:
                    self.answer(404)

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                if self.path == "/auth/token":
                    outside.sign_ins += 1
                    if outside.passwords_taken.get(body["username"]) != body["password"]:
                        self.answer(401)
                        return
                    token = f"token {outside.sign_ins}"
                    outside.tokens.add(token)
                    self.answer(201, {"access_token": token})
                elif self.path == "/hook":
                    outside.posted += [body] if outside.webhook_status == 200 else []
                    self.answer(outside.webhook_status)

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()

    def runs_of(self, dag: str, asked: dict[str, str]) -> list[dict[str, Any]]:
        """The runs that Airflow would give to this question."""
        since = {name: datetime.fromisoformat(value) for name, value in asked.items() if name.endswith("_gte")}
        return [
            run
            for run in self.runs
            if dag in ("~", run["dag_id"])
            and asked.get("state") in (None, run["state"])
            and all(
                run[name.removesuffix("_gte")] is not None
                and datetime.fromisoformat(run[name.removesuffix("_gte")]) >= moment
                for name, moment in since.items()
            )
        ]

    def run(
        self,
        state: str,
        started: datetime,
        ended: datetime | None,
        dag_id: str = "notify_transitions",
        note: str | None = None,
    ) -> dict[str, Any]:
        """Adds a run; what the test changes of it later counts."""
        made = {
            "dag_id": dag_id,
            "state": state,
            "start_date": started.isoformat(),
            "end_date": ended.isoformat() if ended else None,
            "note": note,
        }
        self.runs.append(made)
        return made

    def close(self) -> None:
        """Goes away."""
        self._server.shutdown()
        self._server.server_close()
