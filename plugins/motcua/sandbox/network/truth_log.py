"""Record in SQLite what the simulated phone network accepted, what each phone got and what became of each receipt."""

from __future__ import annotations

import json
import queue
import secrets
import sqlite3
import threading
import uuid
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Any, TypeVar, cast

Result = TypeVar("Result")
_SCHEMA = """
CREATE TABLE IF NOT EXISTS phones (
    number TEXT PRIMARY KEY, handle TEXT NOT NULL UNIQUE, behaviour TEXT, active_at REAL NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS phones_active_at ON phones (active_at);
CREATE TABLE IF NOT EXISTS messages (
    id INTEGER PRIMARY KEY AUTOINCREMENT, uuid TEXT NOT NULL, kind TEXT NOT NULL, accepted_at REAL NOT NULL,
    sender TEXT NOT NULL, receiver TEXT NOT NULL, number TEXT NOT NULL, text TEXT NOT NULL,
    coding INTEGER NOT NULL, parts TEXT NOT NULL, behaviour TEXT NOT NULL, arrives_at REAL,
    settles_at REAL NOT NULL, dlr_mask INTEGER NOT NULL, dlr_url TEXT NOT NULL, smsc TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS messages_number ON messages (number, id);
CREATE TABLE IF NOT EXISTS receipts (
    uuid TEXT PRIMARY KEY, message_id INTEGER NOT NULL REFERENCES messages, type INTEGER NOT NULL,
    state TEXT NOT NULL, due_at REAL NOT NULL, copies INTEGER NOT NULL, attempts INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS receipts_due_at ON receipts (due_at) WHERE state = 'pending';
CREATE INDEX IF NOT EXISTS receipts_message_id ON receipts (message_id);
CREATE TABLE IF NOT EXISTS receipt_attempts (
    id INTEGER PRIMARY KEY, receipt_uuid TEXT NOT NULL REFERENCES receipts, tried_at REAL NOT NULL,
    answer TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS receipt_attempts_receipt ON receipt_attempts (receipt_uuid);
CREATE TABLE IF NOT EXISTS inquiries (
    id INTEGER PRIMARY KEY AUTOINCREMENT, uuid TEXT NOT NULL, number TEXT NOT NULL, short_code TEXT NOT NULL,
    text TEXT NOT NULL, sent_at REAL NOT NULL, answers TEXT NOT NULL DEFAULT '[]', reply_id INTEGER
);
CREATE INDEX IF NOT EXISTS inquiries_number ON inquiries (number, id);
CREATE TABLE IF NOT EXISTS tokens (
    token TEXT PRIMARY KEY, kind TEXT NOT NULL, used INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;
"""


def touch_phone(connection: sqlite3.Connection, number: str, now: float) -> str | None:
    """Record that a phone is in use, and return the behaviour that was set for it, if any."""
    row = connection.execute(
        "INSERT INTO phones (number, handle, active_at) VALUES (?, ?, ?) ON CONFLICT (number)"
        " DO UPDATE SET active_at = max(active_at, excluded.active_at) RETURNING behaviour",
        (number, secrets.token_hex(8), now),
    ).fetchone()
    return cast("str | None", row[0])


def insert_message(connection: sqlite3.Connection, *, parts: Sequence[str], **columns: Any) -> int:  # noqa: ANN401
    """Insert a message and return its number."""
    values = {**columns, "uuid": str(uuid.uuid4()), "parts": json.dumps(parts, ensure_ascii=False)}
    names = ", ".join(values)
    marks = ", ".join(f":{name}" for name in values)
    statement = f"INSERT INTO messages ({names}) VALUES ({marks})"  # noqa: S608 - names written by us
    return cast("int", connection.execute(statement, values).lastrowid)


class TruthLog:
    """The network's own record in one SQLite file.

    One thread writes. Waiting jobs are committed together, and a job's future is done only after the commit. A request
    that was answered with 202 is therefore not lost if the process dies (but may be lost in a power cut: WAL with
    ``synchronous=NORMAL``).
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._path = folder / "phone_network.sqlite3"
        self._writer = self.connect()
        self._writer.executescript(_SCHEMA)
        self._reader = self.connect()
        self._reader_lock = threading.Lock()
        self._jobs: queue.SimpleQueue[tuple[Callable[[sqlite3.Connection], Any], Future[Any]] | None]
        self._jobs = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._write_jobs, name="truth-log", daemon=True)
        self._thread.start()

    def connect(self) -> sqlite3.Connection:
        """Return a new connection, for callers that must not wait until another query of ``read`` has ended."""
        connection = sqlite3.connect(self._path, timeout=30, isolation_level=None, check_same_thread=False)
        connection.row_factory = sqlite3.Row
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        return connection

    def write(self, job: Callable[[sqlite3.Connection], Result]) -> Future[Result]:
        """Run a job in the next transaction. Its future fails if the commit fails (a full disk)."""
        future: Future[Result] = Future()
        self._jobs.put((job, future))
        return future

    def read(self, statement: str, parameters: Mapping[str, Any] | None = None) -> list[sqlite3.Row]:
        """Return the present rows of a query."""
        with self._reader_lock:
            return self._reader.execute(statement, parameters or {}).fetchall()

    def close(self) -> None:
        """Commit waiting jobs and close the file."""
        self._jobs.put(None)
        self._thread.join()
        self._reader.close()
        self._writer.close()

    def _write_jobs(self) -> None:
        while (first := self._jobs.get()) is not None:
            batch, last = [first], False
            while len(batch) < 500 and not self._jobs.empty():
                if (following := self._jobs.get()) is None:
                    last = True
                    break
                batch.append(following)
            batch = [(job, future) for job, future in batch if future.set_running_or_notify_cancel()]
            try:
                self._writer.execute("BEGIN IMMEDIATE")
                results = [job(self._writer) for job, _ in batch]
                self._writer.execute("COMMIT")
            except Exception as error:
                if self._writer.in_transaction:
                    self._writer.execute("ROLLBACK")
                for _, future in batch:
                    future.set_exception(error)
            else:
                for (_, future), result in zip(batch, results, strict=True):
                    future.set_result(result)
            if last:
                return
