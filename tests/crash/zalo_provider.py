"""Simulate Zalo, which senders try before SMS.

Two of three phones have a Zalo account. Each refresh token works once, also a token that a person enters
(``given-…``). This simulated Zalo sends no delivery receipts. It writes the accepted messages and the tokens that it
issued or received into its own log, and commits the log before it answers.
"""

from __future__ import annotations

import asyncio
import random
import secrets
import sqlite3
from datetime import datetime
from pathlib import Path
from urllib.parse import parse_qs

from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse

from motcua.domain.clock import VIETNAM
from motcua.sandbox.network.application import NoAnswer
from tests.crash.provider import ProviderFaults

_ARRIVE = 0.9
_SCHEMA = """
CREATE TABLE IF NOT EXISTS messages (
    id INTEGER PRIMARY KEY AUTOINCREMENT, reference TEXT NOT NULL, number TEXT NOT NULL, parts INTEGER NOT NULL,
    arrives INTEGER NOT NULL, taken_at TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS tokens (token TEXT PRIMARY KEY, kind TEXT NOT NULL, used INTEGER NOT NULL DEFAULT 0);
"""


def has_account(number: str) -> bool:
    """Return whether a phone (``0905…``) has a Zalo account."""
    return int(number[-2:]) % 3 > 0


def create_zalo(folder: Path, *, hang: float) -> FastAPI:
    """Create Zalo as a web app; its log in ``folder`` remains when the app's process ends.

    ``hang``: seconds of silence before a connection is reset.
    """
    folder.mkdir(exist_ok=True)
    log = sqlite3.connect(folder / "zalo.sqlite3", isolation_level=None, check_same_thread=False)
    log.execute("PRAGMA journal_mode = WAL")
    log.execute("PRAGMA synchronous = NORMAL")
    log.executescript(_SCHEMA)
    lot = random.Random()
    faults = ProviderFaults(now=datetime.now(VIETNAM))
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)

    @app.put("/faults")
    async def put_faults(wanted: ProviderFaults) -> dict[str, str]:
        nonlocal faults
        faults = wanted
        return {}

    @app.get("/health")
    async def health() -> dict[str, str]:
        return {}

    @app.post("/v4/oa/access_token")
    async def renew(request: Request) -> Response:
        (shown,) = parse_qs((await request.body()).decode())["refresh_token"]
        if shown.startswith("given-"):
            log.execute("INSERT OR IGNORE INTO tokens (token, kind) VALUES (?, 'refresh')", (shown,))
        used = log.execute("UPDATE tokens SET used = 1 WHERE token = ? AND kind = 'refresh' AND used = 0", (shown,))
        if used.rowcount != 1:
            return JSONResponse({"error": -14014, "error_name": "Invalid refresh token"})
        given = {"access": secrets.token_urlsafe(16), "refresh": secrets.token_urlsafe(16)}
        log.executemany("INSERT INTO tokens (token, kind) VALUES (?, ?)", [(t, kind) for kind, t in given.items()])
        named = {f"{kind}_token": token for kind, token in given.items()}
        return JSONResponse(named | {"expires_in": "90000"})

    @app.post("/message/template")
    async def send(request: Request) -> Response:
        asked, shown = await request.json(), request.headers.get("access_token", "")
        if not log.execute("SELECT 1 FROM tokens WHERE token = ? AND kind = 'access'", (shown,)).fetchone():
            return JSONResponse({"error": -124, "message": "Access token is invalid"})
        number = "0" + asked["phone"][2:]
        if not has_account(number):
            return JSONResponse({"error": -118, "message": "Zalo account not existed"})
        if faults.error_429.hits(lot, [number]):
            return Response(status_code=429)
        if faults.error_503.hits(lot, [number]):
            return JSONResponse({"error": -132, "message": "Template data is invalid"})
        silent, reset, broken, slow = (
            fault.hits(lot, [number])
            for fault in (
                faults.accept_then_timeout,
                faults.accept_then_reset,
                faults.accept_then_500,
                faults.slow_seconds,
            )
        )
        log.execute(
            "INSERT INTO messages (reference, number, parts, arrives, taken_at) VALUES (?, ?, 1, ?, ?)",
            (asked["tracking_id"], number, lot.random() < _ARRIVE, faults.now.isoformat()),
        )
        if slow:
            await asyncio.sleep(faults.slow_seconds.seconds)
        if silent or reset:
            return NoAnswer(hang if silent else 0.0)
        if broken:
            return Response("Internal Server Error", 500)
        return JSONResponse({"error": 0, "message": "Success", "data": {"msg_id": secrets.token_hex(10)}})

    return app
