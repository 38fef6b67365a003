"""What a seed needs around it: a PostgreSQL to be stopped, a phone network to be killed, the app that takes receipts.

All of it is forked from one warm process, so that a killed part is back within milliseconds.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import sqlite3
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import requests
from psycopg.rows import dict_row

from motcua.gateways import open_gateway
from motcua.gateways.adapter import OutgoingMessage
from motcua.sandbox.machine.parts import Hung
from motcua.sandbox.machine.postgres import EmbeddedPostgres
from motcua.sandbox.network.application import create_app
from motcua.sandbox.network.behaviour import Timing
from motcua.web.callbacks import create_standalone
from tests.crash.processes import HANG, ForkedServer, Job, Runner
from tests.crash.provider import create_provider
from tests.crash.zalo_provider import create_zalo
from tests.ground import (
    Server,
    connection_uri,
    free_port,
    gateway_connection,
    make_ledger,
    memory_folder,
    register_templates,
)

_POSTGRES = """
fsync = off
shared_buffers = 64MB
max_wal_size = 128MB
wal_level = minimal
max_wal_senders = 0
io_method = sync
"""
"""What dies is processes, and what they gave to the kernel outlives them, synced or not."""
ANSWER_TIMEOUT = 0.25
"""Seconds that a sender waits for an answer."""
_SILENCE = 30.0
"""Seconds that a gateway says nothing before it resets a connection; nobody waits so long."""
NETWORK_SEED = 9029
_TIMING = Timing(
    delivery=(0.0, 0.02),
    submit_receipt=0.0,
    late=0.2,
    receipt_retry=0.05,
    receipt_retries=100_000,
    hang=_SILENCE,
)
_SECRET = "receipts-of-the-crash-harness"
_PROVIDERS = ("esms", "zalo")
"""Gateways whose logs are those of providers, and which send no receipts."""


@dataclass
class Truth:
    """One message that a gateway took, whatever it answered."""

    gateway: str
    entry: int
    """Its number in the gateway's log."""
    reference: str
    number: str
    parts: int
    arrives: bool
    receipts: list[tuple[int, str, int]]
    """(type, state, how many were answered 200)."""


@contextlib.contextmanager
def foundation() -> Iterator[Path]:
    """The folder of a server, stopped, with an empty ledger to be copied for each batch; each world copies it."""
    with memory_folder("motcua-crash-") as folder:
        server = EmbeddedPostgres(folder, free_port())
        server.set_up()
        with (server.data / "postgresql.conf").open("a") as configuration:
            configuration.write(_POSTGRES)
        # Scram costs more than all else that a short-lived sender does.
        (server.data / "pg_hba.conf").write_text("host all all 127.0.0.1/32 trust\n")
        with server.part(folder / "postgres.log"):
            dsn = make_ledger(server.admin_dsn, "template_ledger", gateways=("kannel", "second", "esms"))
            register_templates(dsn, "zalo", accented_id="9")
        yield folder


class World:
    """One ledger, its gateways and the callbacks app, for one worker."""

    def __init__(self, foundation: Path, *, keeps_connections: bool = True) -> None:
        """Begins one.

        Args:
            foundation: what ``foundation`` gave.
            keeps_connections: what nobody kills keeps its connections, since nobody kills PostgreSQL.
        """
        self._folders = contextlib.ExitStack()
        self.folder = self._folders.enter_context(memory_folder("motcua-crash-"))
        subprocess.run(["cp", "-a", f"{foundation}/.", str(self.folder)], check=True)
        self._server = EmbeddedPostgres(self.folder, free_port())
        self.postgres = self._server.part(self.folder / "postgres.log")
        self.postgres.stop_signal = signal.SIGQUIT
        self.postgres.stop_within = HANG
        self.start_postgres()
        self._ledgers = 0
        self._settled: dict[str, int] = {}
        self._runners: list[Runner] = []
        self._keeps_connections = keeps_connections
        self._ledger: psycopg.Connection[dict[str, Any]] | None = None
        self.callbacks = ForkedServer(create_standalone, self.folder / "callbacks.log")
        self.gateways = {
            "kannel": self._server_of("kannel", lambda: self._phone_network("kannel")),
            "second": self._server_of("second", lambda: self._phone_network("second")),
            "esms": self._server_of("esms", lambda: create_provider(self.folder / "esms", hang=_SILENCE)),
            "zalo": self._server_of("zalo", lambda: create_zalo(self.folder / "zalo", hang=_SILENCE)),
        }
        self._tokens_given = 0
        os.environ["AIRFLOW__CORE__FERNET_KEY"] = "A" * 43 + "="
        self.use(("kannel",))
        for name in self.gateways:
            self.start_gateway(name)
        self.renew()

    def _server_of(self, name: str, make: Callable[[], Any]) -> ForkedServer:
        return ForkedServer(make, self.folder / f"{name}.log")

    def _phone_network(self, name: str) -> Any:
        account = {"username": "motcua", "password": "kannel-word"}
        return create_app(self.folder / name, **account, seed=NETWORK_SEED, max_messages=10, timing=_TIMING)

    def use(self, names: Sequence[str], *, when_unknown: str = "hold") -> None:
        """Has this process, and what it forks, send through these gateways, the first one preferred. Zalo's connection
        is given a new refresh token, as by a person: the last one may have been used up by who died."""
        self._tokens_given += 1
        zalo = {
            "refresh_token": f"given-{self._tokens_given}",
            "webhook_secret": _SECRET,
            "oauth_url": f"http://127.0.0.1:{self.gateways['zalo'].port}",
        }
        os.environ["MOTCUA_GATEWAYS"] = ",".join(names)
        for name, server in self.gateways.items():
            callbacks = f"http://127.0.0.1:{self.callbacks.port}/gateway/receipts/{name}"
            os.environ[f"AIRFLOW_CONN_SMS_{name.upper()}"] = gateway_connection(
                server.port,
                adapter=name if name in _PROVIDERS else "kannel",
                concurrency=4,
                answer_timeout=ANSWER_TIMEOUT,
                when_unknown=when_unknown,
                callback_url=None if name in _PROVIDERS else callbacks,
                callback_secret=_SECRET,
                **(zalo if name == "zalo" else {}),
            )

    @property
    def ledger(self) -> psycopg.Connection[dict[str, Any]]:
        """The one connection that the worker keeps, an administrator's; no child may use it."""
        if self._ledger is None:
            self._ledger = psycopg.connect(self.dsn, autocommit=True, row_factory=dict_row)
        return self._ledger

    def forget_processes(self) -> None:
        """In a child that goes on with this world: its connection and what runs its jobs will be its own."""
        self._ledger, self._runners = None, []

    @property
    def not_for_children(self) -> list[int]:
        """Descriptors that a child must close at once."""
        ledger = [] if self._ledger is None else [self._ledger.fileno()]
        return ledger + [descriptor for runner in self._runners for descriptor in runner.descriptors]

    def run(self, jobs: Sequence[Job]) -> list[str]:
        """Runs jobs at the same time, each in a process that nobody kills; what each raised, or nothing.

        Raises:
            Hung: one of them does not end.
        """
        while len(self._runners) < len(jobs):
            self._runners.append(Runner(self.not_for_children, keeps_connections=self._keeps_connections))
        used = self._runners[: len(jobs)]
        for runner, job in zip(used, jobs, strict=True):
            runner.begin(job)
        try:
            return [runner.outcome() for runner in used]
        except Hung:
            self.end_runners()
            raise

    def end_runners(self) -> None:
        """Ends the processes that ``run`` has; it begins others when it needs them."""
        for runner in self._runners:
            runner.kill()
        self._runners = []

    @property
    def admin_dsn(self) -> str:
        """Of its server."""
        return self._server.admin_dsn

    def start_gateway(self, name: str) -> None:
        """Starts a gateway; what it took in an earlier life is in its log."""
        self.gateways[name].start(self.not_for_children)

    def start_postgres(self) -> None:
        """Starts the server and waits until it answers."""
        self.postgres.start()

    def crash_postgres(self) -> None:
        """SIGQUIT: all of its processes end at once, without a checkpoint."""
        if self._ledger is not None:
            self._ledger.close()
            self._ledger = None
        self.postgres.stop()

    def renew(self) -> None:
        """A new, empty ledger: what earlier seeds left unknown must not slow down or blur later ones."""
        self.callbacks.kill()
        self.end_runners()
        if self._ledger is not None:
            self._ledger.close()
            self._ledger = None
        old, self._ledgers = self._ledgers, self._ledgers + 1
        name = f"ledger_{self._ledgers}"
        server = Server(self._server.admin_dsn)
        with server.admin:
            self.dsn = server.copy_database("template_ledger", name)
            server.drop_database(f"ledger_{old}")
        self.ledger.execute(_AGENCIES)
        os.environ["AIRFLOW_CONN_MOTCUA_DB"] = connection_uri(self._server.admin_dsn, "motcua_app", name)
        os.environ["MOTCUA_JOURNAL"] = str(self.folder / "journals" / name)
        os.environ["MOTCUA_TOKENS"] = str(self.folder / "tokens" / name)
        shutil.rmtree(self.folder / "journals" / f"ledger_{old}", ignore_errors=True)
        self.callbacks.start(self.not_for_children)

    def close(self) -> None:
        """Ends all of it and removes its files."""
        self.end_runners()
        for server in (*self.gateways.values(), self.callbacks):
            server.close()
        self.postgres.stop()
        self._folders.close()

    # The gateways' faults, and their truth

    def set_faults(self, gateway: str, faults: dict[str, Any]) -> None:
        """Replaces the faults of a gateway."""
        status = self.gateways[gateway].call("PUT", "/faults", faults)
        if status != 200:
            raise RuntimeError(f"{gateway} refused the faults: {status}")

    def report(self, gateway: str, reference: str, status: int) -> None:
        """Brings a receipt as a phone network would, again and again until it is taken in.

        Raises:
            Hung: it never is.
        """
        query = f"reference={reference}&status={status}&reply=&smsc_id=&secret={_SECRET}"
        deadline = time.monotonic() + HANG
        while self.callbacks.call("GET", f"/gateway/receipts/{gateway}?{query}") != 200:
            if time.monotonic() > deadline:
                raise Hung("a receipt is not taken in")
            time.sleep(0.05)

    def _log(self, gateway: str) -> sqlite3.Connection:
        name = f"{gateway}.sqlite3" if gateway in _PROVIDERS else "phone_network.sqlite3"
        return sqlite3.connect(self.folder / gateway / name, timeout=HANG)

    def bring(self, gateway: str, reference: str, number: str) -> None:
        """A request that was long under way."""
        message = OutgoingMessage(reference, f"+84{number[1:]}", "Ho so da co ket qua.", False, 1, "ready", 1, {})
        with requests.Session() as session:
            open_gateway(gateway).submit(session, message)

    def wait_until_quiet(self) -> None:
        """Until no gateway is at work and every receipt that will come has come.

        Raises:
            Hung: that does not happen.
        """
        if not self.becomes_quiet(HANG):
            raise Hung("the network does not become quiet")

    def becomes_quiet(self, within: float) -> bool:
        """Whether that happens within so many seconds."""
        deadline, quiet = time.monotonic() + within, 0
        while quiet < 2:  # a dead sender's request may have been accepted, and not read yet, when first looked at
            quiet = quiet + 1 if all(map(self._is_quiet, self.gateways)) else 0
            if time.monotonic() > deadline:
                return False
            time.sleep(0.01)
        return True

    def _is_quiet(self, gateway: str) -> bool:
        if not self.gateways[gateway].is_idle:
            return False
        if gateway in _PROVIDERS:
            return True
        with contextlib.closing(self._log(gateway)) as log:
            waiting = log.execute("SELECT 1 FROM receipts WHERE state IN ('pending', 'held') LIMIT 1").fetchone()
        return waiting is None

    def truth(self) -> list[Truth]:
        """What the gateways took since it was last settled whose that is, in each gateway's order."""
        taken: list[Truth] = []
        for gateway in self.gateways:
            after = (self._settled.get(gateway, 0),)
            with contextlib.closing(self._log(gateway)) as log:
                if gateway in _PROVIDERS:
                    taken += [
                        Truth(gateway, *row[:4], arrives=bool(row[4]), receipts=[])
                        for row in log.execute(_TAKEN_BY_PROVIDER, after)
                    ]
                    continue
                found = {}
                for message_id, dlr_url, number, parts, arrives in log.execute(_TAKEN, after):
                    reference = dlr_url.partition("reference=")[2].partition("&")[0]
                    found[message_id] = Truth(gateway, message_id, reference, number, parts, bool(arrives), [])
                for message_id, kind, state, answered in log.execute(_REPORTED, after):
                    if message_id in found:  # else it came between the two statements, and is seen next time
                        found[message_id].receipts.append((kind, state, answered))
                taken += found.values()
        return taken

    def settle_truth(self, truth: Sequence[Truth]) -> None:
        """It is known whose these are; whatever else comes, and when, ``truth`` gives it next."""
        for entry in truth:
            self._settled[entry.gateway] = max(self._settled.get(entry.gateway, 0), entry.entry)

    def count_taken(self) -> int:
        """How many messages the gateways took in all their lives."""
        count = 0
        for gateway in self.gateways:
            with contextlib.closing(self._log(gateway)) as log:
                count += log.execute("SELECT count(*) FROM messages").fetchone()[0]
        return count


_AGENCIES = """
INSERT INTO motcua.agencies (agency_code, name, short_name, enabled_from, accented, result_hold) VALUES
('000.00.30.H32', 'Ủy ban nhân dân thành phố Nha Trang', 'UBND TP Nha Trang', '2020-01-01', FALSE, '1 minute'),
('000.00.09.H32', 'Sở Tư pháp tỉnh Khánh Hòa', NULL, '2020-01-01', TRUE, '1 minute');
INSERT INTO motcua.sources (name) VALUES ('khanhhoa')
"""
_TAKEN = """
SELECT id, dlr_url, number, json_array_length(parts), arrives_at IS NOT NULL FROM messages
WHERE kind = 'sms' AND id > ? ORDER BY id
"""
_TAKEN_BY_PROVIDER = "SELECT id, reference, number, parts, arrives FROM messages WHERE id > ? ORDER BY id"
_REPORTED = """
SELECT message_id, type, state,
    (SELECT count(*) FROM receipt_attempts WHERE receipt_uuid = uuid AND answer = '200')
FROM receipts WHERE message_id > ? ORDER BY message_id
"""
