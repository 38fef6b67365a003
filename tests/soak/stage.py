"""Run the processes ("parts") of a simulated day; each can be killed and restarted.

The parts are two PostgreSQL servers, two simulated gateways with phones, the callbacks app that gateways call, and the
processes of ``WORKERS``.
"""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import requests
from psycopg import sql
from psycopg.rows import dict_row
from pyrage import x25519

from motcua.sandbox.machine.deployment import postgres_connection
from motcua.sandbox.machine.parts import Hung, Part, answers_http
from motcua.sandbox.machine.postgres import EmbeddedPostgres
from motcua.sandbox.world.writers import ROLES as WORLD_ROLES
from motcua.sandbox.world.writers import OneStopAddresses, OneStopWriter, OpencpsWriter, create_one_stop_databases
from motcua.settings import settings
from motcua.store.ledger.database import close_ledger_pool
from motcua.store.ledger.migrations import migrate
from motcua.store.ledger.provisioning import with_database
from tests.ground import PASSWORD, believe_sleeps, die_with_parent, free_port, gateway_connection, provision
from tests.soak.clock import Clock, begin_ledger_clock, set_ledger_clock
from tests.soak.faults import NETWORKS, SOURCES
from tests.soak.oracle import Taken

HANG = 90.0
"""Real seconds after which a part that does not end or answer counts as a failure."""
CONCURRENCY = 6
WORKERS = ("notify-one", "notify-two", "settle", "leak")
_SECRET = "receipts-of-the-soak"
_LOCKED = {"khanhhoa": "mot_cua.transitions", "vanphong": 'opencps."TienDoXuLy"'}


@dataclass
class Stage:
    """All running parts by name, and the faults that last now."""

    folder: Path
    clock: Clock
    seed: int
    parts: dict[str, Part] = field(default_factory=dict)
    ended_by_itself: int = 0
    """Number of parts that ended by themselves after SIGTERM."""
    _locks: dict[str, psycopg.Connection[Any]] = field(default_factory=dict)
    _servers: list[Part] = field(default_factory=list)

    # Set-up

    def open(self) -> None:
        self.ledger_server = self._server("ledger", "shared_buffers = 64MB\nautovacuum_naptime = 1s\n")
        self.source_server = self._server("sources", "fsync = off\nshared_buffers = 32MB\n")
        for name, server in (("ledger", self.ledger_server), ("sources", self.source_server)):
            self._servers.append(server.part(self.folder / f"{name}.log"))
            self._servers[-1].start()
        self.one_stop: OneStopAddresses = create_one_stop_databases(
            self.source_server.admin_dsn, dict.fromkeys(WORLD_ROLES, PASSWORD)
        )
        self._provision()
        self.ports = {name: free_port() for name in (*NETWORKS, "callbacks")}
        self._set_environment()
        self.migrate()
        self.believe_sleeps()
        begin_ledger_clock(self.owner_dsn)
        self.set_ledger_clock()
        self.once("prepare")

    def believe_sleeps(self) -> None:
        """Mark the ledger as never restored; otherwise jumps of the day's clock would look like pauses and restores."""
        believe_sleeps(self.ledger_dsn)

    def migrate(self) -> None:
        migrate()
        close_ledger_pool()

    def _server(self, name: str, lines: str) -> EmbeddedPostgres:
        server = EmbeddedPostgres(self.folder / name, free_port())
        server.folder.mkdir(mode=0o711)
        server.set_up()
        with (server.data / "postgresql.conf").open("a") as configuration:
            configuration.write(f"scram_iterations = 1\nrecovery_init_sync_method = syncfs\n{lines}")
        return server

    def _provision(self) -> None:
        provision(self.ledger_server.admin_dsn)

    def _dsn_of_role(self, role: str) -> str:
        parts = psycopg.conninfo.conninfo_to_dict(self.ledger_dsn)
        return psycopg.conninfo.make_conninfo(**(parts | {"user": role, "password": PASSWORD}))

    @property
    def owner_dsn(self) -> str:
        return self._dsn_of_role("motcua_owner")

    @property
    def ledger_dsn(self) -> str:
        return with_database(self.ledger_server.admin_dsn, "motcua")

    def _set_environment(self) -> None:
        key = x25519.Identity.generate()
        (self.folder / "identity.txt").write_text(f"{key}\n")
        callbacks = f"http://127.0.0.1:{self.ports['callbacks']}/gateway"
        os.environ |= {
            "AIRFLOW_HOME": str(self.folder / "airflow"),
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{self.folder}/airflow.db",
            "AIRFLOW_CONN_MOTCUA_DB": postgres_connection(self._dsn_of_role("motcua_app")),
            "AIRFLOW_CONN_MOTCUA_DB_OWNER": postgres_connection(self.owner_dsn),
            "AIRFLOW_CONN_MOTCUA_DB_CALLBACKS": postgres_connection(self._dsn_of_role("motcua_callbacks")),
            "AIRFLOW_CONN_MOTCUA_DB_PURGE": postgres_connection(self._dsn_of_role("motcua_purge")),
            "MOTCUA_ADMIN_DSN": self.ledger_server.admin_dsn,
            "MOTCUA_DATA": str(self.folder / "data"),
            "MOTCUA_JOURNAL": str(self.folder / "journal"),
            "MOTCUA_SOURCES": "khanhhoa=contract,vanphong=opencps",
            "MOTCUA_GATEWAYS": "one,two",
            "MOTCUA_FIRST_LOOK_BACK": "P30D",
            "MOTCUA_BACKUP_RECIPIENTS": str(key.to_public()),
            # These waits last real seconds, during which much time of the day passes, so they are shorter than in
            # production.
            "MOTCUA_SOURCE_PATIENCE": "2",
            "MOTCUA_LINGER": "2",
            "MOTCUA_SERVED_WITHIN": "2",
            "MOTCUA_LINGER_QUIET": "0.3",
            "MOTCUA_PERSON": "soak",
            "MOTCUA_SOAK_SEED": str(self.seed),
            "MOTCUA_KANNEL_USERNAME": "motcua",
            "MOTCUA_KANNEL_PASSWORD": "kannel-word",
            "MOTCUA_INQUIRY_URL": f"{callbacks}/inquiries/one?secret={_SECRET}&sender=%p&to=%P&text=%a&id=%I",
            "PYTHONPATH": str(Path(__file__).parents[2]),
        }
        for source in SOURCES:
            dsn = self.one_stop.sources[source].reader_dsn
            os.environ[f"AIRFLOW_CONN_ONESTOP_{source.upper()}"] = postgres_connection(dsn)
        for network in NETWORKS:
            name = network.removeprefix("network-")
            os.environ[f"AIRFLOW_CONN_SMS_{name.upper()}"] = gateway_connection(
                self.ports[network], sender="MotcuaSMS", concurrency=CONCURRENCY, answer_timeout=1.0,
                callback_url=f"{callbacks}/receipts/{name}", callback_secret=_SECRET,
            )  # fmt: skip
        settings.cache_clear()

    # Parts

    def start_all(self, *, without: tuple[str, ...] = ()) -> None:
        """Start the parts that do not run, and wait until the listening parts answer."""
        for name in (*NETWORKS, "callbacks", *WORKERS):
            if name not in without:
                self.start(name)
        for name in (*NETWORKS, "callbacks"):
            self.wait_for(name)

    def start(self, name: str) -> None:
        before = self.parts.get(name)
        if before is None or not before.alive:
            part = self.parts[name] = self._part(name)
            part.starts = before.starts if before is not None else 0
            part.begin()

    def _part(self, name: str) -> Part:
        port = self.ports.get(name)
        path = "/gateway/health" if name == "callbacks" else "/health"
        return Part(
            name,
            [sys.executable, "-m", "tests.soak.worker", str(self.folder), name, *([str(port)] if port else [])],
            self.folder / f"{name}.log",
            ready=lambda: port is None or answers_http(f"http://127.0.0.1:{port}{path}"),
            ready_within=HANG,
            stop_within=HANG,
            before_exec=die_with_parent,
        )

    def wait_for(self, name: str) -> None:
        """Wait until a listening part answers.

        Raises:
            Hung: The part does not answer.
        """
        self.parts[name].wait_until_ready()

    def once(self, name: str) -> None:
        """Run a daily job to its end.

        Raises:
            Hung: The job failed, or did not end.
        """
        part = self.begin(name)
        if part.wait():
            said = self.folder / "runs" / f"{name}.jsonl"
            raise Hung(f"{name} failed: {said.read_text()[-600:] if said.exists() else part.said(600)}")

    def begin(self, name: str) -> Part:
        part = self._part(name)
        part.begin()
        return part

    def kill(self, name: str) -> None:
        self.parts[name].kill()

    def end(self, *names: str) -> None:
        """Send SIGTERM, and wait until the parts have ended by themselves.

        Raises:
            Hung: A part does not end.
        """
        ending = [part for name in names if (part := self.parts.get(name)) is not None and part.alive]
        for part in ending:
            part.tell_to_stop()
        for part in ending:
            part.wait()
            self.ended_by_itself += 1

    def close(self) -> None:
        self.release_sources()
        for part in self.parts.values():
            part.kill()
        for server in self._servers:
            server.stop()

    # The ledger's server

    def crash_postgres(self) -> None:
        self._servers[0].kill()
        time.sleep(1)
        self._servers[0].start()
        # A crash empties PostgreSQL's counts of rows, from which the proof computes how tables grow.
        with psycopg.connect(self.ledger_dsn, autocommit=True) as ledger:
            ledger.execute("ANALYZE")

    def cut_connections(self) -> int:
        """Cut all connections to the ledger, and return their number."""
        with psycopg.connect(self.ledger_server.admin_dsn, autocommit=True) as admin:
            return len(
                admin.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    " WHERE datname = 'motcua' AND pid <> pg_backend_pid()"
                ).fetchall()
            )

    @property
    def postgres_pid(self) -> int | None:
        return self._servers[0].pid

    def set_ledger_clock(self) -> None:
        set_ledger_clock(self.owner_dsn, self.clock)

    def set_clock(self, speed: float, skew: timedelta = timedelta(0)) -> None:
        """Change the speed of time, or the error of the server's clock."""
        self.clock.set(self.clock.true(), speed, skew)
        self.set_ledger_clock()

    def ask(self, statement: str, *parameters: Any) -> list[dict[str, Any]]:
        with psycopg.connect(self.ledger_dsn, autocommit=True, row_factory=dict_row) as connection:
            return connection.execute(statement.encode(), parameters or None).fetchall()

    def back_up(self) -> None:
        self.command("backup")

    def restore(self) -> None:
        """Delete the ledger and restore it from the backup, but leave the journal (record of attempts) as it is."""
        self.end("callbacks", *WORKERS)
        with psycopg.connect(self.ledger_server.admin_dsn, autocommit=True) as admin:
            admin.execute(sql.SQL("DROP DATABASE motcua WITH (FORCE)"))
        self._provision()
        self.command("restore", "latest", "--identity", str(self.folder / "identity.txt"))
        self.set_ledger_clock()

    def command(self, *arguments: str) -> str:
        """Run ``motcua …`` and return its output.

        Raises:
            Hung: The command fails.
        """
        program = Path(sys.executable).parent / "motcua"
        done = subprocess.run(
            [str(program), *arguments], capture_output=True, text=True, timeout=600, check=False,
            env={**os.environ, "COLUMNS": "200"},
        )  # fmt: skip
        if done.returncode:
            raise Hung(f"motcua {' '.join(arguments[:2])}: {done.stdout[-500:]} {done.stderr[-500:]}")
        return done.stdout

    # Faults of sources and gateways

    def _source_admin(self, source: str) -> psycopg.Connection[Any]:
        dsn = with_database(self.source_server.admin_dsn, f"onestop_{source}")
        return psycopg.connect(dsn, autocommit=True)

    def turn_source(self, source: str, *, away: bool) -> None:
        """Let a source refuse connections, or accept them again."""
        role = sql.Identifier(f"onestop_{source}_reader")
        with self._source_admin(source) as admin:
            admin.execute(sql.SQL("ALTER ROLE {} {}").format(role, sql.SQL("NOLOGIN" if away else "LOGIN")))
            if away:
                admin.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = %s",
                    (f"onestop_{source}_reader",),
                )

    def hold_source(self, source: str) -> None:
        """Lock a source's table of steps, so that the source accepts connections but its queries hang."""
        self.release_source(source)
        connection = self._source_admin(source)
        connection.execute("BEGIN")
        connection.execute(f"LOCK TABLE {_LOCKED[source]} IN ACCESS EXCLUSIVE MODE".encode())
        self._locks[source] = connection

    def release_source(self, source: str) -> None:
        if held := self._locks.pop(source, None):
            held.close()

    def release_sources(self) -> None:
        for source in SOURCES:
            self.release_source(source)

    def plant_broken_rows(self, source: str, lot: random.Random, now: datetime) -> int:
        self.release_source(source)
        with self._source_admin(source) as admin:
            for _ in range(5):
                values = {"code": f"hỏng {lot.random()}", "now": now}
                admin.execute(_BROKEN[source].encode(), values)
                admin.execute(_BROKEN_STEP[source].encode(), values)
        return 10

    def set_faults(self, network: str, faults: Mapping[str, object]) -> None:
        with contextlib.suppress(requests.RequestException):
            requests.put(f"http://127.0.0.1:{self.ports[network]}/faults", json=dict(faults), timeout=5)

    @contextlib.contextmanager
    def writers(self) -> Iterator[dict[str, OneStopWriter]]:
        with contextlib.ExitStack() as stack:
            opened = {
                source: stack.enter_context(
                    psycopg.connect(self.one_stop.sources[source].writer_dsn, autocommit=True, row_factory=dict_row)
                )
                for source in SOURCES
            }
            yield {"khanhhoa": OneStopWriter(opened["khanhhoa"]), "vanphong": OpencpsWriter(opened["vanphong"])}

    def network_log(self, statement: str) -> list[tuple[Any, ...]]:
        found = []
        for network in NETWORKS:
            file = self.folder / network / "phone_network.sqlite3"
            with contextlib.closing(sqlite3.connect(file, timeout=30)) as log:
                found += log.execute(statement).fetchall()
        return found

    def taken(self) -> list[Taken]:
        return [Taken(*row) for row in self.network_log("SELECT number, text FROM messages WHERE kind = 'sms'")]

    def remove(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)


_BROKEN = {
    "khanhhoa": "INSERT INTO mot_cua.dossiers (agency_code, dossier_code, at_one_stop_desk, updated_at, status_code)"
    " VALUES ('999.nobody', %(code)s, TRUE, %(now)s, 9)",
    "vanphong": 'INSERT INTO opencps."HoSo" ("MaHoSo", "NgayHenTra", "TrangThaiHoSo", "DonViXuLy", "NgayCapNhat")'
    " VALUES (%(code)s, '31/02/2026', 'xong', 'H32.999', %(now)s)",
}
_BROKEN_STEP = {
    "khanhhoa": "INSERT INTO mot_cua.transitions"
    " (agency_code, dossier_code, status_code, at_one_stop_desk, recorded_at)"
    " VALUES ('000.00.30.H32', %(code)s, 77, TRUE, %(now)s)",
    "vanphong": 'INSERT INTO opencps."TienDoXuLy" ("MaHoSo", "TrangThai", "DonViXuLy", "NgayGhi", "ThoiDiemXuLy")'
    " VALUES (%(code)s, 'xong', 'H32.999', %(now)s, 'hôm qua')",
}
