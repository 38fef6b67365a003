"""Test that the callbacks app reports itself as healthy only while the ledger answers and accepts rows.

The tests use a real PostgreSQL that stops, hangs and comes back.
"""

from __future__ import annotations

import asyncio
import shutil
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import quote

import psycopg
import pytest
import yaml
from fastapi.testclient import TestClient

from motcua.sandbox.machine.postgres import EmbeddedPostgres
from motcua.web import callbacks
from motcua.web.ledger_looks import LedgerLook, LedgerSilent
from tests.ground import ask, free_port, until

URL = "/gateway/health"
ROOT = Path(__file__).parents[3]


class OwnServer:
    """A PostgreSQL server that a test may stop, with only the table that the health check queries."""

    def __init__(self, folder: Path) -> None:
        self._server = EmbeddedPostgres(folder, free_port())
        self._server.set_up()
        self.part = self._server.part(folder / "log")

    @property
    def dsn(self) -> str:
        return self._server.admin_dsn

    @property
    def uri(self) -> str:
        parts = psycopg.conninfo.conninfo_to_dict(self.dsn)
        return f"postgres://postgres:{quote(parts['password'], safe='')}@127.0.0.1:{parts['port']}/postgres"


@pytest.fixture(scope="module")
def own_server(tmp_path_factory) -> Iterator[OwnServer]:
    folder = tmp_path_factory.mktemp("own-server")
    folder.chmod(0o711)
    server = OwnServer(folder)
    server.part.start()
    ask(server.dsn, "CREATE SCHEMA motcua")
    ask(server.dsn, "CREATE TABLE motcua.message_states AS SELECT 'queued' AS state")
    yield server
    server.part.stop()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def client(own_server, configure) -> Iterator[TestClient]:
    configure(AIRFLOW_CONN_MOTCUA_DB=own_server.uri)
    with TestClient(callbacks.create_standalone(), raise_server_exceptions=False) as http:
        yield http


def health_sessions(server: OwnServer) -> int:
    """Return the number of database sessions whose present or last query is the query of the health check."""
    with psycopg.connect(server.dsn) as admin:
        row = admin.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%message_states%' AND pid <> pg_backend_pid()"
        ).fetchone()
    assert row is not None
    return int(row[0])


@pytest.mark.guarantee(
    "callbacks",
    "the health page is green only while the ledger answers; it shows the fault in seconds, also if the ledger hangs",
)
def test_health_follows_a_ledger_that_is_stopped_and_comes_back(client, own_server):
    answer = client.get(URL)
    assert (answer.status_code, answer.text) == (200, "ok")
    own_server.part.stop()
    try:
        time.sleep(1.1)
        answer = client.get(URL)
        assert answer.status_code == 503
        assert answer.text == "the ledger does not answer: OperationalError"
    finally:
        own_server.part.start()
    until(lambda: client.get(URL).status_code == 200)


@pytest.mark.guarantee(
    "callbacks",
    "the health page is green only while the ledger answers; it shows the fault in seconds, also if the ledger hangs",
)
def test_health_of_a_ledger_that_hangs_is_told_in_time_by_whoever_asks_and_ends(client, own_server):
    assert client.get(URL).status_code == 200
    time.sleep(1.1)
    with own_server.part.frozen():
        began = time.monotonic()
        with ThreadPoolExecutor(20) as strangers:
            answers = list(strangers.map(lambda _: client.get(URL), range(40)))
        assert {answer.status_code for answer in answers} == {503}
        told = ("did not answer within 2 s", "does not answer: OperationalError", "does not answer: ConnectionTimeout")
        assert {answer.text for answer in answers} <= {f"the ledger {each}" for each in told}
        assert time.monotonic() - began < 15
        # The health check must also fail in time without an open connection.
        assert client.get(URL).status_code == 503
        names = [thread.name for thread in threading.enumerate()]
        assert sum(name.startswith("ledger health") for name in names) == 1
    until(lambda: client.get(URL).status_code == 200)
    assert health_sessions(own_server) == 1


def test_ledger_that_takes_no_rows_is_no_health(own_server, configure):
    """A read-only ledger stores no receipts, so the callbacks app must report itself as unhealthy."""
    configure(AIRFLOW_CONN_MOTCUA_DB=own_server.uri)
    ask(own_server.dsn, "ALTER DATABASE postgres SET default_transaction_read_only = on")
    try:
        with TestClient(callbacks.create_standalone()) as http:
            answer = http.get(URL)
    finally:
        with psycopg.connect(own_server.dsn, autocommit=True, options="-c default_transaction_read_only=off") as admin:
            admin.execute("ALTER DATABASE postgres RESET default_transaction_read_only")
    assert (answer.status_code, answer.text) == (503, "the ledger takes no new rows")


def test_health_waits_for_no_receipt(client, own_server, monkeypatch):
    """The health check has its own thread and connection.

    If this test fails, a burst of receipts makes the callbacks app look unhealthy.
    """
    pool = callbacks.ledger_pool(callbacks.CALLBACKS)
    held = [pool.getconn() for _ in range(pool.max_size)]
    try:
        time.sleep(1.1)
        assert client.get(URL).status_code == 200
    finally:
        for connection in held:
            pool.putconn(connection)


def test_answer_that_came_when_nobody_waited_any_more_is_taken_for_what_it_is(own_server, configure):
    """An answer of the ledger must stay usable if it arrives after its reader gave up.

    A later reader gets this answer within ``fresh`` seconds of its arrival, and a new answer afterwards.
    """
    configure(AIRFLOW_CONN_MOTCUA_DB=own_server.uri)
    asked = []

    def slowly(connection: psycopg.Connection) -> int:
        asked.append(1)
        connection.execute("SELECT pg_sleep(0.5)")
        return len(asked)

    async def ask() -> list[int]:
        look = LedgerLook("slow", slowly, patience=5, fresh=1)
        try:
            with pytest.raises(LedgerSilent):
                await look.get(wait=0.1)
            await asyncio.sleep(0.6)
            first = await look.get()
            await asyncio.sleep(1.1)
            return [first, await look.get()]
        finally:
            look.close()

    assert asyncio.run(ask()) == [1, 2]


class DeadLine:
    """A TCP relay between client and server that can silently stop forwarding the data of all open connections."""

    def __init__(self, port: int) -> None:
        self._to = port
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._pipes: list[tuple[socket.socket, socket.socket]] = []
        self._forgotten: set[socket.socket] = set()
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def port(self) -> int:
        return int(self._listening.getsockname()[1])

    def forget_all(self) -> None:
        self._forgotten |= {end for pipe in self._pipes for end in pipe}

    def close(self) -> None:
        self._listening.close()
        for end in (end for pipe in self._pipes for end in pipe):
            end.close()

    def _accept(self) -> None:
        while True:
            try:
                ours, _ = self._listening.accept()
            except OSError:
                return
            theirs = socket.create_connection(("127.0.0.1", self._to))
            self._pipes.append((ours, theirs))
            for here, there in ((ours, theirs), (theirs, ours)):
                threading.Thread(target=self._pump, args=(here, there), daemon=True).start()

    def _pump(self, here: socket.socket, there: socket.socket) -> None:
        try:
            while piece := here.recv(65536):
                if here not in self._forgotten:
                    there.sendall(piece)
        except OSError:
            return


def test_connection_that_died_without_a_word_is_given_up_and_replaced(own_server, configure):
    """If the network silently drops the connection, the health check must fail in time and then connect anew."""
    line = DeadLine(int(psycopg.conninfo.conninfo_to_dict(own_server.dsn)["port"]))
    own_port = psycopg.conninfo.conninfo_to_dict(own_server.dsn)["port"]
    configure(AIRFLOW_CONN_MOTCUA_DB=own_server.uri.replace(f":{own_port}/", f":{line.port}/"))
    try:
        with TestClient(callbacks.create_standalone()) as http:
            assert http.get(URL).status_code == 200
            time.sleep(1.1)
            line.forget_all()
            answer = http.get(URL)
            assert (answer.status_code, answer.text) == (503, "the ledger did not answer within 2 s")
            until(lambda: http.get(URL).status_code == 200)
    finally:
        line.close()


def test_compose_asks_for_this_very_health():
    """The health check of the service ``callbacks`` in docker-compose.yaml must call the page /gateway/health."""
    services = yaml.safe_load((ROOT / "docker-compose.yaml").read_text())["services"]
    code = services["callbacks"]["healthcheck"]["test"][-1]
    assert URL in code
