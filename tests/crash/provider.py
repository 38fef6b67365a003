"""Simulate a provider with eSMS's protocol, which can be asked for an outcome.

The provider refuses a request with a reference that it already has.

The provider sends no receipts. If a request got no answer, a sender asks for its outcome, or sends the same request
again. The provider writes accepted messages into its own log, and commits the log before it answers. ``PUT /faults``
sets the provider's clock and its faults.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import random
import sqlite3
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict

from motcua.domain.clock import VIETNAM
from motcua.sandbox.network.application import NoAnswer
from motcua.sandbox.network.behaviour import BusyFault, NetworkFault, SlowFault

_REMEMBERS = timedelta(hours=24)
_LISTED_AFTER = timedelta(minutes=1)
_ARRIVE = 0.9
_SCHEMA = """
CREATE TABLE IF NOT EXISTS messages (
    id INTEGER PRIMARY KEY AUTOINCREMENT, reference TEXT NOT NULL, number TEXT NOT NULL, parts INTEGER NOT NULL,
    arrives INTEGER NOT NULL, taken_at TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS messages_reference ON messages (reference);
"""


class ProviderFaults(BaseModel):
    """The provider's faults and its time; faults that are not named are off."""

    model_config = ConfigDict(extra="ignore")
    now: datetime
    error_429: BusyFault = BusyFault()
    error_503: BusyFault = BusyFault()
    accept_then_timeout: NetworkFault = NetworkFault()
    accept_then_reset: NetworkFault = NetworkFault()
    accept_then_500: NetworkFault = NetworkFault()
    slow_seconds: SlowFault = SlowFault()


def create_provider(folder: Path, *, hang: float) -> FastAPI:
    """Create the provider as a web app; its log in ``folder`` remains when the app's process ends.

    ``hang``: seconds of silence before a connection is reset.
    """
    folder.mkdir(exist_ok=True)
    log = sqlite3.connect(folder / "esms.sqlite3", isolation_level=None, check_same_thread=False)
    log.execute("PRAGMA journal_mode = WAL")
    log.execute("PRAGMA synchronous = NORMAL")
    log.executescript(_SCHEMA)
    log.row_factory = sqlite3.Row
    lot = random.Random()
    faults = ProviderFaults(now=datetime.now(VIETNAM))
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    service = "/MainService.svc/json"

    @app.put("/faults")
    async def put_faults(wanted: ProviderFaults) -> dict[str, str]:
        nonlocal faults
        faults = wanted
        return {}

    @app.get("/health")
    async def health() -> dict[str, str]:
        return {}

    @app.post(f"{service}/SendMultipleMessage_V4_post_json/")
    async def send(request: Request) -> Response:
        asked = await request.json()
        number = [asked["Phone"]]
        for fault, status in ((faults.error_429, 429), (faults.error_503, 503)):
            if fault.hits(lot, number):
                return Response(status_code=status)
        silent, reset, broken, slow = (
            fault.hits(lot, number)
            for fault in (
                faults.accept_then_timeout,
                faults.accept_then_reset,
                faults.accept_then_500,
                faults.slow_seconds,
            )
        )
        since = (faults.now - _REMEMBERS).isoformat()
        known = log.execute(
            "SELECT id FROM messages WHERE reference = ? AND taken_at > ?", (asked["RequestId"], since)
        ).fetchone()
        if known:
            return JSONResponse({"CodeResult": "124", "ErrorMessage": "duplicate RequestId"})
        taken = log.execute(
            "INSERT INTO messages (reference, number, parts, arrives, taken_at) VALUES (?, ?, ?, ?, ?)",
            (
                asked["RequestId"],
                asked["Phone"],
                math.ceil(len(asked["Content"]) / (70 if asked["IsUnicode"] == "1" else 160)),
                lot.random() < _ARRIVE,
                faults.now.isoformat(),
            ),
        )
        if slow:
            await asyncio.sleep(faults.slow_seconds.seconds)
        if silent or reset:
            return NoAnswer(hang if silent else 0.0)
        if broken:
            return Response("Internal Server Error", 500)
        return JSONResponse({"CodeResult": "100", "CountRegenerate": 0, "SMSID": _sms_id(taken.lastrowid)})

    @app.get(f"{service}/GetSendStatus")
    async def look_up(RefId: str) -> dict[str, Any]:
        with contextlib.suppress(ValueError):
            row = log.execute("SELECT * FROM messages WHERE id = ?", (int(RefId[2:], 16),)).fetchone()
            if row:
                success = int(row["arrives"])
                return {
                    "CodeResponse": "100",
                    "SMSID": RefId,
                    "SendStatus": 5,
                    "SendSuccess": success,
                    "SendFailed": 1 - success,
                }
        return {"CodeResponse": "105"}

    @app.post(f"{service}/GetSmsSentData_V2")
    async def list_sent(request: Request) -> dict[str, Any]:
        asked = await request.json()
        first, last = (
            datetime.strptime(asked[end], "%Y-%m-%d %H:%M:%S").replace(tzinfo=VIETNAM) for end in ("From", "To")
        )
        listed = faults.now - _LISTED_AFTER
        rows = [
            row
            for row in log.execute("SELECT * FROM messages ORDER BY id DESC LIMIT 200")
            if first <= datetime.fromisoformat(row["taken_at"]) <= min(last, listed)
        ]
        entries = [
            {
                "Campaign": row["reference"],
                "ReferenceId": _sms_id(row["id"]),
                "SendStatus": 5,
                "SendResult": "1" if row["arrives"] else "0",
            }
            for row in rows
        ]
        return {"CodeResult": "100", "SentData": entries}

    return app


def _sms_id(number: int | None) -> str:
    """Return an id in hexadecimal with letters, as the provider's ids are."""
    return f"ab{number or 0:030x}"
