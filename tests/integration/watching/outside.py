"""A double of the servers that the watch calls over HTTP: Airflow, the callbacks app, the intake app and a webhook.

The watch is a process outside Airflow that checks the system.
"""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from motcua.sandbox.network.scripted import Answer, Asked, ScriptedGateway

HEALTHY = {"status": "healthy"}


class Outside(ScriptedGateway):
    """A server that answers as Airflow, the callbacks app, the intake app and a webhook do. Tests set its answers."""

    def __init__(self) -> None:
        super().__init__()
        self.answer_to = self._answer
        self.health: dict[str, Any] = {
            name: dict(HEALTHY) for name in ("metadatabase", "scheduler", "triggerer", "dag_processor")
        }
        self.airflow_status = 200
        self.says: dict[str, Answer] = {}
        """Answers by a part of the path. Each replaces the usual answer to a path with that part."""
        self.runs: list[dict[str, Any]] = []
        self.passwords_taken = {"watch": "watch-word"}
        self.sign_ins = 0
        self.tokens: set[str] = set()
        self.callbacks_status = 200
        self.intake_status = 200
        self.webhook_status = 200
        self.posted: list[dict[str, Any]] = []

    def _answer(self, asked: Asked) -> Answer:
        status, body = self._answer_of(asked)
        return next((said for path, said in self.says.items() if path in asked.path), (status, json.dumps(body)))

    def _answer_of(self, asked: Asked) -> tuple[int, object]:
        match asked.path.split("/")[1:]:
            case ["api", "v2", "monitor", "health"]:
                return self.airflow_status, self.health
            case ["api", "v2", "dags", dag, *_]:
                if asked.headers.get("authorization", "").removeprefix("Bearer ") not in self.tokens:
                    return 401, None
                return 200, {"dag_runs": self.runs_of(dag, asked.query)}
            case ["callbacks"]:
                return self.callbacks_status, None
            case ["intake", "health"]:
                return self.intake_status, None
            case ["auth", "token"]:
                self.sign_ins += 1
                if self.passwords_taken.get(asked.record["username"]) != asked.record["password"]:
                    return 401, None
                self.tokens.add(token := f"token {self.sign_ins}")
                return 201, {"access_token": token}
            case ["hook"]:
                self.posted += [asked.record] if self.webhook_status == 200 else []
                return self.webhook_status, None
        return 404, None

    def runs_of(self, dag: str, asked: dict[str, str]) -> list[dict[str, Any]]:
        """Return the runs that Airflow would return for this query."""
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
        """Add a run and return its record. A test may change the record later."""
        made = {
            "dag_id": dag_id,
            "state": state,
            "start_date": started.isoformat(),
            "end_date": ended.isoformat() if ended else None,
            "note": note,
        }
        self.runs.append(made)
        return made
