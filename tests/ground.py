"""Helpers that tests, proofs and benches share: a server, a ledger, a one-stop database with its desk, a gateway.

Simulated worlds and oracles build on these helpers. A program outside pytest must import ``tests.environment`` first.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import json
import logging
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any, Concatenate, Final, ParamSpec, Self, TypeVar
from unittest import mock

import psycopg
import pytest
import uvicorn
from psycopg import sql
from psycopg.rows import dict_row
from typer.testing import CliRunner, Result

from motcua.domain.checks import Finding
from motcua.domain.dossiers import SourceTransition
from motcua.domain.run_window import EVERYTHING, Window
from motcua.domain.texts import Registration
from motcua.gateways import open_gateway
from motcua.gateways.adapter import GatewayCall
from motcua.jobs.backup.folders import FORMAT, MANIFEST, name_of
from motcua.jobs.gates import RunIncomplete
from motcua.jobs.notices.picking_up import pick_up
from motcua.jobs.notices.planning import PlanCounts, plan
from motcua.jobs.notices.receiving import store_and_read_receipt
from motcua.jobs.notices.sending.sender import SendCounts, send
from motcua.reports.checks import in_words
from motcua.sandbox.machine.deployment import postgres_connection
from motcua.sandbox.machine.postgres import EmbeddedPostgres
from motcua.sandbox.network.scripted import ScriptedGateway
from motcua.settings import settings
from motcua.store.agencies import Agency
from motcua.store.ledger.database import Connection, close_ledger_pool, connect
from motcua.store.ledger.dumps import LedgerDump
from motcua.store.ledger.migrations import migrate
from motcua.store.ledger.provisioning import Role, provision_ledger, with_database
from motcua.store.notices.gaps import believe_sleeps as sign_belief
from motcua.store.notices.receipts import Effect
from motcua.store.notices.registrations import save_registrations
from motcua.store.notices.templates import load_template_versions
from motcua.store.oversight.accounting import identity
from tests.given_ledgers import leave

Parameters = ParamSpec("Parameters")
Value = TypeVar("Value")

NOW: Final = datetime(2026, 11, 25, 3, 0, tzinfo=UTC)
"""10:00 in Khánh Hòa on a Wednesday."""

# --- This machine ------------------------------------------------------------------------------------------------

_PORTS_FOR_SERVERS = range(10_000, 32_000)
_random = random.SystemRandom()
_given_ports: set[int] = set()
_numbers = iter(range(10_000))
MEMORY = Path("/dev/shm")
_LIBC = ctypes.CDLL(None)
_PR_SET_PDEATHSIG = 1
_ROOM = 4 * 1024**3
"""Most bytes that the databases of two test workers need."""


def free_port() -> int:
    """Return a loopback port on which no program listens. No port is returned twice in this process.

    The port lies below those that the system gives to outgoing connections. A connection of another test could
    otherwise take the port before the caller listens on it.
    """
    while True:
        port = _random.choice(_PORTS_FOR_SERVERS)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        if port not in _given_ports:
            _given_ports.add(port)
            return port


def listens(port: int) -> bool:
    """Return whether a program listens on a port of this machine.

    The kernel's list of sockets shows this. No connection is made, because some programs react badly to connections.
    """
    state, local = "0A", f":{port:04X}"
    sockets = (line.split() for line in Path("/proc/net/tcp").read_text(encoding="ascii").splitlines()[1:])
    return any(fields[1].endswith(local) and fields[3] == state for fields in sockets)


def die_with_parent(by: signal.Signals = signal.SIGTERM) -> None:
    """Have the kernel send a signal to this process when its parent dies, on Linux only.

    If this process may be frozen at that time, choose SIGKILL: a frozen process reacts to no other signal.
    """
    if sys.platform == "linux":
        _LIBC.prctl(_PR_SET_PDEATHSIG, by, 0, 0, 0)


@contextlib.contextmanager
def memory_folder(prefix: str = "motcua-tests-") -> Iterator[Path]:
    """Yield a folder in memory, or on the disk if memory has no room.

    In memory, synced files cost no time, and copying a ledger takes a third of the time.
    """
    has_room = MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > _ROOM
    folder = Path(tempfile.mkdtemp(prefix=prefix, dir=MEMORY if has_room else None))
    # If root runs this, PostgreSQL runs as another user, who must be able to enter the folder.
    folder.chmod(0o711)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def environment(**variables: str) -> Iterator[None]:
    """Set environment variables and make the settings read them. When the block ends, restore the whole environment."""
    before = dict(os.environ)
    os.environ.update(variables)
    settings.cache_clear()
    try:
        yield
    finally:
        close_ledger_pool()
        os.environ.clear()
        os.environ.update(before)
        settings.cache_clear()


@contextlib.contextmanager
def quiet_logs() -> Iterator[None]:
    """Suppress log lines up to the level WARNING, which jobs write in each run."""
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(logging.NOTSET)


def until(reached: Callable[[], Value], seconds: float = 60, what: str = "what was waited for") -> Value:
    """Call ``reached`` until its answer is true, and return the answer.

    Raises:
        AssertionError: no answer was true in time.
    """
    last = time.monotonic() + seconds
    while not (answer := reached()):
        assert time.monotonic() < last, f"{what}: not within {seconds:.0f} s"
        time.sleep(0.02)
    return answer


def type_command(*words: object, exits: int | None = 0, columns: int = 200, **options: Any) -> Result:
    """Run a ``motcua`` command in this process, and assert its exit code.

    ``columns`` is the width of help texts, and of the output of commands that set no width themselves.
    """
    from motcua.cli import app

    done = CliRunner().invoke(app, [str(each) for each in words], env={"COLUMNS": str(columns)}, **options)
    assert exits is None or done.exit_code == exits, (done.output, done.exception)
    return done


class Served:
    """An application under a real uvicorn on a port of loopback, in a thread of this process, until it is stopped."""

    def __init__(self, app: Any, log_level: str = "error", **options: Any) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._server = uvicorn.Server(uvicorn.Config(app, log_level=log_level, timeout_graceful_shutdown=1, **options))
        self._thread = threading.Thread(target=self._server.run, args=([self._socket],), daemon=True)
        self._thread.start()
        until(lambda: self._server.started or not self._thread.is_alive())

    def stop(self) -> None:
        """Stop the server within seconds, whatever connections are open."""
        self._server.should_exit = True
        self._thread.join(30)
        self._socket.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


# --- A server ---------------------------------------------------------------------------------------------------

PASSWORD: Final = "only-for-tests"
FAST: Final = """\
autovacuum = off
fsync = off
full_page_writes = off
max_wal_senders = 0
scram_iterations = 1
wal_level = minimal
"""
"""Configuration for a server that need not survive a power cut and gets many short connections."""


@contextlib.contextmanager
def own_server(folder: Path, configuration: str = FAST, *, trusting: bool = False) -> Iterator[EmbeddedPostgres]:
    """Run a PostgreSQL server below a folder for the length of the block.

    ``trusting`` lets everybody connect without a password. For thousands of short connections, checking the password
    takes longer than their work.
    """
    # If root runs this, PostgreSQL runs as another user, who must be able to enter the folder.
    folder.chmod(0o711)
    server = EmbeddedPostgres(folder / "postgres", free_port())
    server.folder.mkdir(mode=0o711, exist_ok=True)
    server.set_up()
    if trusting:
        (server.data / "pg_hba.conf").write_text("host all all 127.0.0.1/32 trust\n")
    with server.running(folder / "postgres.log", configuration):
        yield server


@dataclass(frozen=True)
class Server:
    """A PostgreSQL server, and methods with which its administrator creates and drops databases."""

    admin_dsn: str

    @cached_property
    def admin(self) -> psycopg.Connection[Any]:
        """Return the administrator's connection."""
        return psycopg.connect(self.admin_dsn, autocommit=True)

    def copy_database(self, template: str, name: str) -> str:
        """Copy a template to a new database for the ledger's roles, and return an administrator's DSN.

        Nobody may be connected to the template.
        """
        leave(template)
        # Without fsync, copying files takes a third of the time of writing the copy to the log.
        statement = sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY FILE_COPY")
        self.admin.execute(statement.format(sql.Identifier(name), sql.Identifier(template)))
        roles = sql.SQL(", ").join(map(sql.Identifier, ("motcua_app", "motcua_audit", *PARTS.values())))
        self.admin.execute(sql.SQL("GRANT CONNECT ON DATABASE {} TO {}").format(sql.Identifier(name), roles))
        return with_database(self.admin_dsn, name)

    def fresh_database(self, template: str, prefix: str) -> str:
        """Copy a database under a name that no other database has, and return the name."""
        name = f"{prefix}_{next(_numbers)}"
        self.copy_database(template, name)
        return name

    def drop_database(self, name: str) -> None:
        """Drop a database, even if somebody is connected to it."""
        self.admin.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


@contextlib.contextmanager
def database(admin_dsn: str, name: str, template: str = "template0") -> Iterator[str]:
    """Create a database for the length of the block, and yield an administrator's DSN."""
    drop = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name))
    ask(admin_dsn, drop)
    ask(admin_dsn, sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(*map(sql.Identifier, (name, template))))
    try:
        yield with_database(admin_dsn, name)
    finally:
        ask(admin_dsn, drop)


def ask(dsn: str, statement: str | sql.Composable, *parameters: Any) -> list[dict[str, Any]]:
    """Run an SQL statement with the user of the DSN, commit it and return the rows.

    The parameters are either single values or one mapping.
    """
    given: Any = parameters[0] if len(parameters) == 1 and isinstance(parameters[0], Mapping) else parameters or None
    with psycopg.connect(dsn, autocommit=True, row_factory=dict_row) as connection:
        cursor = connection.execute(statement.encode() if isinstance(statement, str) else statement, given)
        return cursor.fetchall() if cursor.description else []


# --- A ledger ---------------------------------------------------------------------------------------------------

PARTS: Final = {
    "AIRFLOW_CONN_MOTCUA_DB_CALLBACKS": "motcua_callbacks",
    "AIRFLOW_CONN_MOTCUA_DB_INTAKE": "motcua_intake",
    "AIRFLOW_CONN_MOTCUA_DB_PAGES": "motcua_pages",
    "AIRFLOW_CONN_MOTCUA_DB_PURGE": "motcua_purge",
}
"""Parts of the deployment that log in with a role of their own: the variable of each connection, and its role."""


def connection_uri(dsn: str, user: str, database: str) -> str:
    """Return a role's connection to a database of a server, for the environment."""
    parts = psycopg.conninfo.conninfo_to_dict(dsn)
    return f"postgres://{user}:{PASSWORD}@{parts['host']}:{parts['port']}/{database}"


def ledger_connections(dsn: str, database: str) -> dict[str, str]:
    """Return the connections to a ledger, for the environment. Each part has its own role, as in production."""
    roles = {"AIRFLOW_CONN_MOTCUA_DB": "motcua_app"} | PARTS
    return {variable: connection_uri(dsn, role, database) for variable, role in roles.items()}


def provision(admin_dsn: str, database: str = "motcua", airflow_database: str = "airflow_unused") -> list[str]:
    """Create an empty ledger with its roles as an administrator.

    Return the rights that every role of the server has and that could not be withdrawn.
    """
    roles = [Role(name, PASSWORD) for name in ("motcua_owner", "motcua_app", "motcua_audit", "airflow")]
    return provision_ledger(
        admin_dsn, database, *roles, airflow_database, [Role(name, PASSWORD) for name in PARTS.values()]
    )


def make_ledger(admin_dsn: str, database: str = "motcua", *, gateways: Sequence[str] = ("kannel",)) -> str:
    """Create and migrate a ledger, and return an administrator's DSN.

    Every text is registered at these gateways. The ledger is marked as never restored (see :func:`believe_sleeps`).
    """
    provision(admin_dsn, database)
    owner = connection_uri(admin_dsn, "motcua_owner", database)
    with mock.patch.dict(os.environ, {"AIRFLOW_CONN_MOTCUA_DB_OWNER": owner}):
        migrate()
    dsn = with_database(admin_dsn, database)
    register_templates(dsn, *gateways)
    believe_sleeps(dsn)
    return dsn


MADE: Final = "motcua_template"
"""Name of the migrated database that each test copies."""
SHARE: Final = "TEST_WORKERS_SHARE"
"""Environment variable with the folder that the workers of a test run share."""


@contextlib.contextmanager
def server_with_ledger(folder: Path) -> Iterator[EmbeddedPostgres]:
    """Run a PostgreSQL server with the migrated ledger ``MADE`` below a folder for the length of the block.

    One worker of a test run makes the ledger. The other workers copy the files of its server.
    """
    if SHARE not in os.environ:
        with own_server(folder) as server:
            _make_template(server)
            yield server
        return
    shared = Path(os.environ[SHARE])
    with (shared / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (shared / "made").exists():
            with own_server(shared) as server:
                _make_template(server)
            (shared / "made").touch()
    subprocess.run(["cp", "-a", shared / "postgres", folder], check=True)
    with own_server(folder) as server:
        yield server


def _make_template(server: EmbeddedPostgres) -> None:
    freeze_rows(make_ledger(server.admin_dsn, MADE))


def freeze_rows(dsn: str) -> None:
    """Freeze the rows of a template, so that reading a copy writes nothing, not even hint bits of old rows."""
    ask(dsn, "VACUUM (FREEZE)")


def register_templates(dsn: str, *gateways: str, accented_id: str | None = None) -> None:
    """Register every version of every template at these gateways, in the ledger of an administrator's DSN.

    ``accented_id`` is the provider's id of the accented text, for providers that use ids.
    """
    wanted = [
        Registration(gateway, template_id, version, None, accented_id)
        for gateway in gateways
        for template_id, version in load_template_versions()
    ]
    with psycopg.connect(dsn, row_factory=dict_row) as connection:
        save_registrations(connection, wanted, changed_by="tests", reason=None, now=datetime.now(UTC))


def believe_sleeps(dsn: str) -> None:
    """Mark a ledger, given by an administrator's DSN, as never restored.

    Clocks of tests jump by hours. Without the mark, the system would assume that the ledger was paused during
    the jump, and that it may have been restored to an earlier state.
    """
    with psycopg.connect(dsn, row_factory=dict_row) as connection:
        sign_belief(connection, "tests", "clocks of tests jump", datetime.now(UTC))


def in_ledger(
    function: Callable[Concatenate[Connection, Parameters], Value],
    *given: Parameters.args,
    **named: Parameters.kwargs,
) -> Value:
    """Call a function of the store with a connection to the ledger, and commit what it wrote."""
    with connect() as connection:
        return function(connection, *given, **named)


NHA_TRANG, TU_PHAP, VAN_PHONG = "000.00.30.H32", "000.00.09.H32", "000.00.10.H32"


def agency(code: str, **changes: Any) -> Agency:
    """Return an agency that was enabled thirty days before ``NOW``."""
    values: dict[str, Any] = {
        "name": f"Cơ quan {code}",
        "short_name": None,
        "province": "khanh_hoa",
        "enabled_from": NOW - timedelta(days=30),
        "accented": False,
        "same_day_excluded": False,
        "kinds_off": (),
        "result_hold": timedelta(0),
        "aliases": (),
    }
    if changes.get("kinds_off"):
        values["kinds_off_reason"] = "Công văn 12/STTTT-CNTT"
    return Agency(agency_code=code, **values | changes)


TWO_AGENCIES = [
    agency(NHA_TRANG, name="Ủy ban nhân dân thành phố Nha Trang", short_name="UBND TP Nha Trang", aliases=("H32.30",)),
    agency(TU_PHAP, name="Sở Tư pháp", accented=True),
]

# --- A gateway ------------------------------------------------------------------------------------------------


def gateway_connection(
    port: int,
    login: str = "motcua",
    password: str = "kannel-word",
    *,
    adapter: str = "kannel",
    callback_url: str | None = "http://127.0.0.1:1/gateway/receipts/kannel",
    callback_secret: str | None = "receipt-word",
    **extra: Any,
) -> str:
    """Return a connection to a gateway on loopback, which speaks Kannel's protocol unless another adapter is named.

    A callback field that is ``None`` is left out.
    """
    callbacks = {"callback_url": callback_url, "callback_secret": callback_secret}
    given = {name: value for name, value in callbacks.items() if value is not None}
    connection = {"conn_type": "http", "host": "127.0.0.1", "port": port, "login": login, "password": password}
    return json.dumps(connection | {"extra": {"adapter": adapter} | given | extra})


# --- One-stop databases ---------------------------------------------------------------------------------------

CONTRACT_TABLES: Final = """
CREATE SCHEMA onestop;
CREATE TABLE onestop.dossiers (
    dossier_code text, agency_code text, procedure_code text, procedure_name text, field_name text, applicant_name text,
    applicant_phone text, phone_entered_at timestamptz, submitted_via text, received_at timestamptz, due_at timestamptz,
    step_name text, status_code smallint, at_one_stop_desk boolean, finished_at timestamptz, returned_at timestamptz,
    updated_at timestamptz
);
CREATE TABLE onestop.transitions (
    transition_id bigint, agency_code text, dossier_code text, from_step text, to_step text, status_code smallint,
    at_one_stop_desk boolean, occurred_at timestamptz, recorded_at timestamptz, actor text, note text
);
"""
"""The source contract's two views as tables, without constraints, so that a test can write wrong rows."""
CONTRACT_KEYS: Final = """
ALTER TABLE onestop.dossiers ADD PRIMARY KEY (agency_code, dossier_code);
ALTER TABLE onestop.transitions ADD PRIMARY KEY (transition_id);
CREATE INDEX ON onestop.dossiers (updated_at);
CREATE INDEX ON onestop.transitions (recorded_at);
CREATE INDEX ON onestop.transitions (dossier_code);
"""
"""Keys and indexes as a large database has them."""
REGISTER_TABLE: Final = """
CREATE SCHEMA IF NOT EXISTS onestop;
CREATE TABLE onestop.desk_register (
    agency_code text, dossier_code text, result_ready_at timestamptz, handed_over_at timestamptz
);
"""


class DeskConnection(psycopg.Connection[Any]):
    """A connection that records whether anything but rows was changed through it."""

    rows_alone = True

    def execute(self, query: Any, *given: Any, **options: Any) -> psycopg.Cursor[Any]:
        if not (isinstance(query, str) and re.fullmatch(r"\s*(INSERT|UPDATE|DELETE)\s[^;]*", query)):
            self.rows_alone = False
        return super().execute(query, *given, **options)


_SHAPE = """
SELECT (SELECT count(*) FROM pg_class) AS tables, (SELECT count(*) FROM pg_proc) AS functions,
    (SELECT count(*) FROM pg_trigger) AS triggers, (SELECT count(*) FROM pg_db_role_setting) AS settings
"""


class OneStop:
    """A one-stop database in which a test writes as the desk would. The test gives the times in the rows."""

    def __init__(self, dsn: str, tables: str = CONTRACT_TABLES) -> None:
        self.connection = DeskConnection.connect(dsn, autocommit=True, row_factory=dict_row)
        self.connection.execute(tables)
        self.number = 0
        self._shape = self.connection.execute(_SHAPE).fetchone()
        self.connection.rows_alone = True

    def emptied(self) -> bool:
        """Delete all rows and return ``True``, or return ``False`` if more than rows was or may have been changed.

        Nobody else may be connected.
        """
        if self.connection.closed or not self.connection.rows_alone:
            return False
        self.connection.execute("DELETE FROM onestop.dossiers")
        self.connection.execute("DELETE FROM onestop.transitions")
        is_as_made = self.connection.execute(_SHAPE).fetchone() == self._shape
        self.connection.rows_alone, self.number = True, 0
        return is_as_made

    def _insert(self, table: str, values: Mapping[str, Any]) -> None:
        columns, places = ", ".join(values), ", ".join(f"%({name})s" for name in values)
        self.connection.execute(f"INSERT INTO onestop.{table} ({columns}) VALUES ({places})", values)

    def dossier(self, code: str = "160915001", agency_code: str = NHA_TRANG, **changes: Any) -> None:
        """Write or replace the row of a dossier."""
        values: dict[str, Any] = {
            "dossier_code": code,
            "agency_code": agency_code,
            "procedure_code": "1.005129",
            "procedure_name": "Cấp bản sao",
            "field_name": "Hộ tịch",
            "applicant_name": "Nguyễn Thị Lan",
            "applicant_phone": "0905123456",
            "phone_entered_at": NOW - timedelta(days=2),
            "submitted_via": "direct",
            "received_at": NOW - timedelta(days=2),
            "due_at": NOW + timedelta(days=2),
            "step_name": "Xử lý",
            "status_code": 4,
            "at_one_stop_desk": False,
            "finished_at": None,
            "returned_at": None,
            "updated_at": NOW - timedelta(hours=1),
        } | changes
        # IS NOT DISTINCT FROM cannot use an index, so compare with ``=`` if neither value is NULL.
        same = "=" if None not in (code, agency_code) else "IS NOT DISTINCT FROM"
        self.connection.execute(
            f"DELETE FROM onestop.dossiers WHERE agency_code {same} %s AND dossier_code {same} %s", (agency_code, code)
        )
        self._insert("dossiers", values)

    def move(
        self,
        status: int | None,
        code: str | None = "160915001",
        agency_code: str | None = NHA_TRANG,
        *,
        desk: bool = True,
        at: datetime = NOW,
        number: int | None = None,
        **changes: Any,
    ) -> int:
        """Write a transition, without changing the dossier's row."""
        self.number = self.number + 1 if number is None else number
        row = SourceTransition(
            transition_id=self.number,
            agency_code=agency_code,
            dossier_code=code,
            status_code=status,
            at_one_stop_desk=desk,
            occurred_at=at,
            recorded_at=at,
            from_step="Xử lý",
            to_step="Trả kết quả",
            actor="can.bo",
        )
        self._insert("transitions", {name: getattr(row, name) for name in row.__dataclass_fields__} | changes)
        return self.number

    def both(
        self,
        status: int | None,
        code: str = "160915001",
        agency_code: str = NHA_TRANG,
        *,
        desk: bool = True,
        at: datetime = NOW,
        number: int | None = None,
        **changes: Any,
    ) -> int:
        """Write a dossier's row with ``changes``, and a transition."""
        self.dossier(code, agency_code, **changes)
        return self.move(status, code, agency_code, desk=desk, at=at, number=number)

    def result_now(self, code: str, phone: str) -> None:
        """Record a result at the desk by the real clock.

        The clock is read for the dossier's row first, so that the row is not newer than the transition.
        """
        self.both(9, code, applicant_phone=phone, updated_at=datetime.now(UTC), at=datetime.now(UTC))


AWAY: Final = "postgres://nobody:x@127.0.0.1:1/none"
"""Connection of an unreachable source."""


@dataclass(frozen=True)
class Desks:
    """One-stop databases that the system reads, by name, and the gateway through which it sends."""

    desks: Mapping[str, OneStop]
    addresses: Mapping[str, str]
    gateway: ScriptedGateway

    def __getitem__(self, source: str) -> OneStop:
        return self.desks[source]

    def reach(self, source: str, is_there: bool) -> None:
        """Make a source reachable or unreachable from now on, by its connection in the environment."""
        os.environ[f"AIRFLOW_CONN_ONESTOP_{source.upper()}"] = self.addresses[source] if is_there else AWAY


@contextlib.contextmanager
def one_stops(
    admin_dsn: str, sources: Mapping[str, str] | Sequence[str] = ("one",), *, adapters: Mapping[str, str] | None = None,
    gateway: Mapping[str, Any] | None = None, **variables: str,
) -> Iterator[Desks]:  # fmt: skip
    """Create empty one-stop databases as sources of the system, and a scripted gateway behind ``sms_kannel``.

    Args:
        admin_dsn: administrator's DSN of the server. The databases are dropped when the block ends.
        sources: the sources' names, or a mapping from each name to the SQL of its tables. The default SQL is that of
            the source contract's tables with keys.
        adapters: by source, the adapter of a source that is not read through the contract's views.
        gateway: arguments of :func:`gateway_connection` for the gateway.
        variables: further environment, which is restored when the block ends.
    """
    made = sources if isinstance(sources, Mapping) else dict.fromkeys(sources, CONTRACT_TABLES + CONTRACT_KEYS)
    with contextlib.ExitStack() as stack:
        scripted = stack.enter_context(contextlib.closing(ScriptedGateway()))
        desks, addresses = {}, {}
        for name, tables in made.items():
            dsn = stack.enter_context(database(admin_dsn, f"onestop_{name}_{os.getpid()}"))
            desks[name], addresses[name] = OneStop(dsn, tables), postgres_connection(dsn)
            stack.callback(desks[name].connection.close)
        kinds = {name: f"={adapter}" for name, adapter in (adapters or {}).items()}
        stack.enter_context(
            environment(
                **{f"AIRFLOW_CONN_ONESTOP_{name.upper()}": address for name, address in addresses.items()},
                AIRFLOW_CONN_SMS_KANNEL=gateway_connection(scripted.port, **(gateway or {})),
                MOTCUA_SOURCES=",".join(name + kinds.get(name, "") for name in made),
                **variables,
            )
        )
        yield Desks(desks, addresses, scripted)


# --- Work of the system ------------------------------------------------------------------------------------------

Rows = Callable[..., list[dict[str, Any]]]
"""A function that queries the ledger, as the fixture ``rows`` does."""


def take_in(now: datetime | None = NOW, window: Window = EVERYTHING, source: str = "khanhhoa") -> PlanCounts:
    """Read the new rows of a source (a pick-up) and plan its messages. ``None`` means the real clock."""
    pick_up(source, window, now=now)
    return plan(window, now=now)


def queue_results(one_stop: OneStop, count: int = 1, at: datetime = NOW) -> None:
    """Record and queue a result for each of ``count`` dossiers (``D-0``, ``D-1``, …), each with its own phone."""
    for number in range(count):
        one_stop.both(9, f"D-{number}", at=at, applicant_phone=f"0905123{number:03}")
    take_in(at)


def send_at(moment: datetime = NOW, run_id: str = "run", window: Window = EVERYTHING) -> SendCounts:
    """Run a sender whose clock always shows ``moment``."""
    return send(run_id, window, clock=lambda: moment)


def run_at(moment: datetime = NOW, window: Window = EVERYTHING) -> SendCounts:
    """Run a pick-up, a plan and a sender whose clocks always show ``moment``."""
    take_in(moment)
    return send_at(moment, window=window)


def states(rows: Rows) -> list[tuple[str, str | None]]:
    """Return state and reason of each message."""
    found = rows("SELECT state, reason FROM motcua.messages ORDER BY message_id")
    return [(row["state"], row["reason"]) for row in found]


@contextlib.contextmanager
def red_gate(match: str) -> Iterator[pytest.ExceptionInfo[RunIncomplete]]:
    """Expect that a gate (a run's last task) fails with this text, and that each finding has words and a remedy.

    A finding that lacks a fact would leave a sentence empty on the run's page.
    """
    with pytest.raises(RunIncomplete, match=match) as red:
        yield red
    for finding in red.value.left:
        words = in_words(finding)
        assert words.title != finding.key, finding
        assert words.todo, finding


def words_of_left(left: Iterable[Finding]) -> list[str]:
    """Return the reasons for a gate to fail, in the words that the gate writes to its log."""
    return [each.facts["detail"] for each in left]


def reference_of(rows: Rows, attempt: int = 0) -> str:
    """Return the reference of an attempt, by its place in the order of attempts."""
    return str(rows("SELECT reference FROM motcua.attempts ORDER BY attempt_id")[attempt]["reference"])


def off_balance() -> int:
    """Return by how many the messages in the ledger differ from the occasions for which messages are expected."""
    return sum(abs(row.difference) for row in in_ledger(identity))


def receive(connection: Connection, reference: str, status: str, *, gateway: str = "kannel", **fields: str) -> Effect:
    """Store and read a receipt from a gateway, and return its effect."""
    reading = open_gateway(gateway).read_receipt(GatewayCall({"reference": reference, "status": status} | fields))
    return store_and_read_receipt(connection, gateway, reading)


def report(reference: str, status: str) -> Effect:
    """Store and read a receipt from Kannel whose carrier text holds a phone number, and return its effect."""
    return in_ledger(receive, reference, status, reply="0905123456")


# --- Files -------------------------------------------------------------------------------------------------------


def write_backup(folder: Path, made_at: datetime) -> Path:
    """Write a folder that looks like a backup of that moment, for code that does not read a backup's content."""
    backup = folder / name_of(made_at)
    backup.mkdir(parents=True)
    facts = {
        "format": FORMAT,
        "made_at": made_at.isoformat(),
        "finished_at": made_at.isoformat(),
        "recipients": [],
        "ledger": {each.name: None for each in fields(LedgerDump)},
        "parts": [],
    }
    (backup / MANIFEST).write_text(json.dumps(facts), encoding="utf-8")
    return backup


def in_memory(place: str) -> str:
    """Return the URL of a place in an object store in this process's memory, and register it with Airflow's paths.

    The store has no folders and no renaming, like a real one.
    """
    from airflow.sdk.io import attach
    from fsspec.implementations.memory import MemoryFileSystem

    attach("memory", fs=MemoryFileSystem())
    return f"memory://{place}"
