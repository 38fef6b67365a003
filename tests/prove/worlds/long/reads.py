"""Record how many 8 kB pages each SQL statement of the real jobs and staff pages reads, from auto_explain's log.

The server has the settings of ``docker-compose.yaml``. Pages that were in memory count like pages on disk, so the
result does not depend on the machine.
"""

from __future__ import annotations

import json
import re
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import psycopg
import yaml

from motcua.sandbox.machine.postgres import EmbeddedPostgres
from motcua.store.ledger.provisioning import with_database
from tests.ground import (
    ask,
    environment,
    ledger_connections,
    make_ledger,
    own_server,
)
from tests.named_statements import TEXTS

_ROOT = Path(__file__).parents[4]
_RECORDING = """
shared_preload_libraries = 'auto_explain'
auto_explain.log_min_duration = -1
auto_explain.log_analyze = on
auto_explain.log_buffers = on
auto_explain.log_wal = on
auto_explain.log_timing = off
auto_explain.log_format = json
auto_explain.log_parameter_max_length = 0
auto_explain.log_nested_statements = on
logging_collector = on
log_destination = 'jsonlog'
log_filename = 'reads'
log_rotation_age = 0
log_rotation_size = 0
scram_iterations = 1
"""
_HANDED = ("json_to_recordset", "jsonb_to_recordset", "unnest")
_NAME = re.compile(r"%\((\w+)\)s")


@dataclass
class Read:
    """One run of an SQL statement."""

    part: str
    name: str
    """Name of the SQL statement, or the beginning of its text if a function, a trigger or a foreign key runs it."""
    pages: int
    rows: int
    """Rows that the statement returned, looked up or wrote."""
    log_bytes: int
    """Bytes that the statement wrote to the write-ahead log."""
    is_nested: bool
    plan: Mapping[str, Any] = field(repr=False)


@cache
def statement_names() -> Mapping[str, str]:
    """Return the name of each SQL statement by its text, as the server gets the text."""
    return {_as_sent(text): name for name, text in TEXTS.items()}


def _as_sent(text: str) -> str:
    places: dict[str, int] = {}
    numbered = _NAME.sub(lambda found: f"${places.setdefault(found[1], len(places) + 1)}", text)
    return " ".join(numbered.replace("%%", "%").split())


class Ledger:
    """A migrated ledger on a server of its own; environment variables hold the connections of all roles to it."""

    def __init__(self, server: EmbeddedPostgres, log: Path) -> None:
        self.server, self._log = server, log
        self.dsn = with_database(server.admin_dsn, "motcua")
        self.reads: list[Read] = []

    @contextmanager
    def recording(self, part: str) -> Iterator[None]:
        """Add to ``reads`` how many pages each SQL statement reads within the block, under the name ``part``."""
        start = self._log.stat().st_size
        self._set_recording(0)
        try:
            yield
        finally:
            self._set_recording(-1)
            self.reads += self._read_from(start, part)

    def _set_recording(self, least: int) -> None:
        ask(self.server.admin_dsn, f"ALTER SYSTEM SET auto_explain.log_min_duration = {least}")
        ask(self.server.admin_dsn, "SELECT pg_reload_conf(), pg_sleep(0.2)")

    def _read_from(self, start: int, part: str) -> Iterator[Read]:
        for line in self._lines_from(start):
            said = json.loads(line)
            message = said.get("message", "")
            if said.get("dbname") != "motcua" or said.get("user") == "postgres" or "plan:\n" not in message:
                continue
            logged = json.loads(message.partition("plan:\n")[2])
            yield _read_of_plan(part, logged, is_nested="context" in said)

    def _lines_from(self, start: int) -> list[bytes]:
        """Wait until the log's last line is complete, and return the lines from a position on.

        The wait is needed because PostgreSQL writes a long plan in several parts.
        """
        while True:
            with self._log.open("rb") as log:
                log.seek(start)
                written = log.read()
            if not written or written.endswith(b"\n"):
                return written.splitlines()
            time.sleep(0.05)

    def execute(self, text: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.dsn, autocommit=True) as connection:
            cursor = connection.execute(text.encode())
            return cursor.fetchall() if cursor.description else []


def _read_of_plan(part: str, logged: Mapping[str, Any], *, is_nested: bool) -> Read:
    plan, text = logged["Plan"], " ".join(logged["Query Text"].split())
    name = statement_names().get(text) or f"“{text[:110]}”"
    pages = int(plan.get("Shared Hit Blocks", 0)) + int(plan.get("Shared Read Blocks", 0))
    return Read(part, name, pages, _rows_of_plan(plan), int(plan.get("WAL Bytes", 0)), is_nested, plan)


def _rows_of_plan(plan: Mapping[str, Any]) -> int:
    """Return the number of rows that the plan returns, looks up from a list, or writes: the largest of the three."""
    given = round(plan.get("Actual Rows", 0) * plan.get("Actual Loops", 1))
    written = [
        round(each.get("Actual Rows", 0) * each.get("Actual Loops", 1))
        for node in _nodes(plan)
        if node["Node Type"] == "ModifyTable"
        for each in node.get("Plans", ())
    ]
    handed = [
        round(node["Actual Rows"] * node["Actual Loops"])
        for node in _nodes(plan)
        if node["Node Type"] == "Function Scan" and node.get("Function Name") in _HANDED
    ]
    return max([given, *written, *handed])


def _nodes(plan: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield plan
    for each in plan.get("Plans", ()):
        yield from _nodes(each)


@contextmanager
def recorded_ledger() -> Iterator[Ledger]:
    """Yield a migrated ledger on a server of its own, which ends with the block."""
    configuration = "".join(f"{each}\n" for each in production_settings()) + _RECORDING
    with tempfile.TemporaryDirectory(prefix="motcua-plans-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        with own_server(folder, configuration) as server:
            make_ledger(server.admin_dsn)
            folders = {"MOTCUA_JOURNAL": str(folder / "journal"), "MOTCUA_DATA": str(folder / "data")}
            with environment(**ledger_connections(server.admin_dsn, "motcua"), **folders):
                yield Ledger(server, server.data / "log" / "reads.json")


def production_settings() -> list[str]:
    """Return the settings of the ledger's server in ``docker-compose.yaml`` as lines of ``postgresql.conf``.

    Settings of logging are left out, because the recording has its own.
    """
    services = yaml.safe_load((_ROOT / "docker-compose.yaml").read_text(encoding="utf-8"))["services"]
    command = next(each["command"] for each in services.values() if "autovacuum_naptime" in str(each.get("command")))
    given = [each for each in command if "=" in each and not each.startswith("log_")]
    return [f"{name} = '{value}'" for name, _, value in (each.partition("=") for each in given)]
