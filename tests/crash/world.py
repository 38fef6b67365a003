"""Provide what a seed (a simulated run) needs: PostgreSQL and gateways that can be killed, and the callbacks app.

All processes except PostgreSQL's are forked from one process that has loaded all code, so that a killed gateway runs
again within milliseconds.
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
autovacuum = off
fsync = off
full_page_writes = off
shared_buffers = 64MB
max_wal_size = 128MB
wal_level = minimal
max_wal_senders = 0
io_method = sync
"""
"""PostgreSQL settings. Nothing need be synced: tests kill only processes, and the kernel still writes their data."""
ANSWER_TIMEOUT = 0.25
"""Seconds that a sender waits for an answer."""
_SILENCE = 30.0
"""Seconds of silence before a gateway resets a connection; no sender waits so long."""
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
"""Gateways that send no receipts and have a log of their own form (provider.py and zalo_provider.py)."""


@dataclass
class Truth:
    """One message that a gateway accepted, whatever answer it gave."""

    gateway: str
    entry: int
    """Number of the entry in the gateway's log."""
    reference: str
    number: str
    parts: int
    arrives: bool
    receipts: list[tuple[int, str, int]]
    """For each receipt its type, its state, and how many calls with this receipt were answered with status 200."""


@contextlib.contextmanager
def foundation() -> Iterator[Path]:
    """Yield the folder of a stopped PostgreSQL server with an empty ledger.

    Each world copies the folder, and copies the ledger for each batch.
    """
    with memory_folder("motcua-crash-") as folder:
        server = EmbeddedPostgres(folder, free_port())
        server.set_up()
        with (server.data / "postgresql.conf").open("a") as configuration:
            configuration.write(_POSTGRES)
        # The password check (SCRAM) would take more time than all other work of a short-lived sender.
        (server.data / "pg_hba.conf").write_text("host all all 127.0.0.1/32 trust\n")
        with server.part(folder / "postgres.log"):
            dsn = make_ledger(server.admin_dsn, "template_ledger", gateways=("kannel", "second", "esms"))
            register_templates(dsn, "zalo", accented_id="9")
        yield folder


class World:
    """The ledger, the gateways and the callbacks app of one worker process."""

    def __init__(self, foundation: Path, *, keeps_connections: bool = True) -> None:
        """Start a world.

        Args:
            foundation: Folder that ``foundation`` yielded.
            keeps_connections: Whether the processes of ``run`` keep their connections from job to job. This is possible
                only if nobody kills PostgreSQL.
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
        """Let this process and its children send through these gateways, the first one preferred.

        Zalo's connection gets a new refresh token, as if a person had entered it, because a killed process may have
        used up the last token.
        """
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
        """Return the administrator's connection that the worker keeps; no child may use it."""
        if self._ledger is None:
            self._ledger = psycopg.connect(self.dsn, autocommit=True, row_factory=dict_row)
        return self._ledger

    def forget_processes(self) -> None:
        """Forget the connection and the processes for jobs, so that a child that uses this world opens its own."""
        self._ledger, self._runners = None, []

    @property
    def not_for_children(self) -> list[int]:
        """Return the file descriptors that a child must close at once."""
        ledger = [] if self._ledger is None else [self._ledger.fileno()]
        return ledger + [descriptor for runner in self._runners for descriptor in runner.descriptors]

    def run(self, jobs: Sequence[Job]) -> list[str]:
        """Run jobs at the same time, each in a process that nobody kills; return each job's error, empty if none.

        Raises:
            Hung: A job does not end.
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
        """End the processes of ``run``, which starts new ones when it needs them."""
        for runner in self._runners:
            runner.kill()
        self._runners = []

    @property
    def admin_dsn(self) -> str:
        """Return the administrator's DSN of the world's server."""
        return self._server.admin_dsn

    def start_gateway(self, name: str) -> None:
        """Start a gateway; its log still has what it accepted before."""
        self.gateways[name].start(self.not_for_children)

    def start_postgres(self) -> None:
        """Start PostgreSQL and wait until it answers."""
        self.postgres.start()

    def crash_postgres(self) -> None:
        """Send PostgreSQL a SIGQUIT: all its processes end at once, without a checkpoint."""
        if self._ledger is not None:
            self._ledger.close()
            self._ledger = None
        self.postgres.stop()

    def renew(self) -> None:
        """Make a new, empty ledger.

        Messages that earlier seeds left unknown would slow down or confuse later seeds.
        """
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
        """End all processes and remove their files."""
        self.end_runners()
        for server in (*self.gateways.values(), self.callbacks):
            server.close()
        self.postgres.stop()
        self._folders.close()

    # Faults and logs of the gateways

    def set_faults(self, gateway: str, faults: dict[str, Any]) -> None:
        """Replace the faults of a gateway."""
        status = self.gateways[gateway].call("PUT", "/faults", faults)
        if status != 200:
            raise RuntimeError(f"{gateway} refused the faults: {status}")

    def report(self, gateway: str, reference: str, status: int) -> None:
        """Send a receipt as a phone network would, again and again until the callbacks app has stored it.

        Raises:
            Hung: The callbacks app never stores the receipt.
        """
        query = f"reference={reference}&status={status}&reply=&smsc_id=&secret={_SECRET}"
        deadline = time.monotonic() + HANG
        while self.callbacks.call("GET", f"/gateway/receipts/{gateway}?{query}") != 200:
            if time.monotonic() > deadline:
                raise Hung("the callbacks app does not store a receipt")
            time.sleep(0.05)

    def _log(self, gateway: str) -> sqlite3.Connection:
        name = f"{gateway}.sqlite3" if gateway in _PROVIDERS else "phone_network.sqlite3"
        return sqlite3.connect(self.folder / gateway / name, timeout=HANG)

    def bring(self, gateway: str, reference: str, number: str) -> None:
        """Send a gateway a late request with this reference and number."""
        message = OutgoingMessage(reference, f"+84{number[1:]}", "Ho so da co ket qua.", False, 1, "ready", 1, {})
        with requests.Session() as session:
            open_gateway(gateway).submit(session, message)

    def wait_until_quiet(self) -> None:
        """Wait until no gateway handles a request and every receipt that will come has come.

        Raises:
            Hung: A gateway is still busy after ``HANG`` seconds.
        """
        if not self.becomes_quiet(HANG):
            raise Hung("the network does not become quiet")

    def becomes_quiet(self, within: float) -> bool:
        """Return whether the network becomes quiet within ``within`` seconds."""
        deadline, quiet = time.monotonic() + within, 0
        while quiet < 2:  # at the first check, the kernel may have a dead sender's request that no gateway has read yet
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
        """Return the messages that the gateways accepted since the last ``settle_truth``, gateway by gateway."""
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
                    # A message that came between the two queries is returned by the next call.
                    if message_id in found:
                        found[message_id].receipts.append((kind, state, answered))
                taken += found.values()
        return taken

    def settle_truth(self, truth: Sequence[Truth]) -> None:
        """Mark these entries as assigned to seeds; from now on ``truth`` returns only later entries."""
        for entry in truth:
            self._settled[entry.gateway] = max(self._settled.get(entry.gateway, 0), entry.entry)

    def count_taken(self) -> int:
        """Return how many messages the gateways have accepted in all."""
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
