"""Test TLS to the ledger: each part of the system applies the TLS options of its Airflow connection."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import psycopg_pool
import pytest
from airflow.providers.postgres.hooks.postgres import PostgresHook
from psycopg.conninfo import conninfo_to_dict

from motcua.store.ledger import database
from motcua.store.ledger.database import (
    CALLBACKS,
    LEDGER,
    PAGES,
    Connection,
    DatabaseFailed,
    Lookout,
    QuickConnections,
    close_ledger_pool,
    conninfo_of,
    ledger_pool,
    open_connection,
    open_without_airflow,
)
from motcua.store.ledger.dumps import ProgramFailed, ledger_snapshot
from motcua.store.ledger.environment import GivenConnection
from motcua.store.ledger.migrations import OWNER, migrate
from tests.ground import PASSWORD
from tests.integration.tls.terminator import Authority, terminating

HOST = "ledger.test"
"""A host name that no name server knows. Connections give its address in hostaddr; the right certificate names it."""


@dataclass
class Front:
    """Airflow connections to the ledger: one that must be accepted, and others that every part must refuse.

    ``right`` leads to a server with the right certificate. Each connection of ``wrong`` leads to a server with a wrong
    certificate or without TLS, and has a part of libpq's error message beside it. ``handshakes`` returns how many TLS
    handshakes the server of ``right`` has finished.
    """

    right: dict[str, Any]
    wrong: dict[str, tuple[dict[str, Any], str]]
    handshakes: Callable[[], int]


@pytest.fixture
def front(ledger: str, tmp_path: Path):
    """Start TLS servers in front of the ledger: one with the right certificate, and two with wrong ones."""
    ours, another = Authority("ours"), Authority("another")
    root = str(ours.write(tmp_path / "root.pem"))
    parts = conninfo_to_dict(ledger)
    port = int(str(parts["port"]))
    (tmp_path / "another").mkdir()

    def way(at: int) -> dict[str, Any]:
        extra = {"hostaddr": "127.0.0.1", "sslmode": "verify-full", "sslrootcert": root}
        given = {"host": HOST, "port": at, "login": "motcua_app", "password": PASSWORD, "schema": parts["dbname"]}
        return {"conn_type": "postgres", "extra": extra} | given

    with (
        terminating(port, ours.certificate(HOST, tmp_path)) as good,
        terminating(port, another.certificate(HOST, tmp_path / "another")) as strange,
        terminating(port, ours.certificate("elsewhere.test", tmp_path)) as misnamed,
    ):
        yield Front(
            way(good.port),
            {
                "another authority": (way(strange.port), "certificate verify failed"),
                "another name": (way(misnamed.port), 'does not match host name "ledger.test"'),
                "no TLS": (way(port), "server does not support SSL"),
            },
            lambda: good.finished_handshakes,
        )


def _all_connections(written: str) -> dict[str, str]:
    parts = ("MOTCUA_DB", "MOTCUA_DB_CALLBACKS", "MOTCUA_DB_PAGES", "ONESTOP_TLS")
    return {f"AIRFLOW_CONN_{part}": written for part in parts}


PATIENCE = 60.0
"""Seconds to wait for a connection, longer than even a slow machine needs."""


def _ask_through_pool(conn_id: str, patience: float = PATIENCE) -> None:
    try:
        with ledger_pool(conn_id).connection(timeout=patience) as connection:
            _check_session(connection)
    except psycopg_pool.PoolTimeout:
        with pytest.raises(psycopg.OperationalError) as refusal:
            psycopg.connect(ledger_pool(conn_id).conninfo)
        raise refusal.value from None


def _check_session(connection: Connection) -> None:
    assert connection.execute("SELECT current_user AS who").fetchall() == [{"who": "motcua_app"}]
    assert connection.pgconn.ssl_in_use


def _ask_as_task() -> None:
    with open_connection() as connection:
        _check_session(connection)


def _ask_as_source() -> None:
    # A source's database is opened by the same function as the ledger, with the name of its Airflow connection.
    with open_connection("onestop_tls") as connection:
        _check_session(connection)


def _ask_as_inquiries() -> None:
    quick = QuickConnections()
    try:
        _check_session(quick.get())
    finally:
        quick.close()


def _ask_as_health() -> None:
    lookout = Lookout(PATIENCE)
    try:
        lookout.ask(_check_session)
    finally:
        lookout.close()


def _ask_as_watch() -> None:
    with open_without_airflow(PATIENCE) as connection:
        _check_session(connection)


COMPONENTS: dict[str, Callable[[], None]] = {
    "tasks": _ask_as_task,
    "a source": _ask_as_source,
    "pages": lambda: _ask_through_pool(PAGES),
    "receipts": lambda: _ask_through_pool(CALLBACKS),
    "inquiries": _ask_as_inquiries,
    "health": _ask_as_health,
    "watch": _ask_as_watch,
}


@pytest.mark.guarantee(
    "tls", "each part encrypts to a ledger with a valid certificate, and with verify-full refuses any other"
)
@pytest.mark.parametrize("component", COMPONENTS)
def test_right_certificate_is_taken_and_a_wrong_one_refused(front, configure, component):
    configure(**_all_connections(json.dumps(front.right)))
    COMPONENTS[component]()
    assert front.handshakes() > 0
    # A pool retries a refused connection again and again, so the test waits only two seconds for a pool.
    pool = {"pages": PAGES, "receipts": CALLBACKS}.get(component)
    for way, words in front.wrong.values():
        close_ledger_pool()
        configure(**_all_connections(json.dumps(way)))
        with pytest.raises(psycopg.OperationalError, match=words):
            COMPONENTS[component]() if pool is None else _ask_through_pool(pool, 2)


def test_connection_may_be_written_as_an_address_or_as_json(front, configure):
    def address(way: dict[str, Any]) -> str:
        query = "&".join(f"{name}={value}" for name, value in way["extra"].items())
        return f"postgres://{way['login']}:{way['password']}@{way['host']}:{way['port']}/{way['schema']}?{query}"

    configure(**_all_connections(address(front.right)))
    for ask in (_ask_as_task, _ask_as_inquiries, _ask_as_watch):
        ask()
    for way, words in front.wrong.values():
        configure(**_all_connections(address(way)))
        for ask in (_ask_as_task, _ask_as_inquiries, _ask_as_watch):
            with pytest.raises(psycopg.OperationalError, match=words):
                ask()


@pytest.mark.guarantee("tls", "migrations use a connection with the same encryption as all other parts")
def test_migrations_are_secured(front, configure):
    configure(AIRFLOW_CONN_MOTCUA_DB_OWNER=json.dumps(front.right | {"login": "motcua_owner"}))
    assert migrate() == []
    # yoyo opens one connection and migrate() another.
    assert front.handshakes() >= 2
    for way, words in front.wrong.values():
        configure(AIRFLOW_CONN_MOTCUA_DB_OWNER=json.dumps(way | {"login": "motcua_owner"}))
        with pytest.raises(psycopg.OperationalError, match=words):
            migrate()


@pytest.mark.guarantee("tls", "a backup is refused if pg_dump cannot encrypt as the connection demands")
def test_backup_is_refused_by_a_dump_without_tls(front, configure):
    """The tests' pg_dump is built without TLS. It must not fall back to an unencrypted connection."""
    configure(AIRFLOW_CONN_MOTCUA_DB_OWNER=json.dumps(front.right | {"login": "motcua_owner"}))
    with ledger_snapshot() as snapshot, pytest.raises(ProgramFailed, match=r"without TLS.*MOTCUA_POSTGRES_PROGRAMS"):
        snapshot.dump(lambda stream: None)
    for way, words in front.wrong.values():
        configure(AIRFLOW_CONN_MOTCUA_DB_OWNER=json.dumps(way | {"login": "motcua_owner"}))
        with pytest.raises(DatabaseFailed, match=words), ledger_snapshot():
            pass


def test_dump_is_told_how_to_secure_its_connection(front, configure, tmp_path):
    """pg_dump must get the TLS options of the connection, and no password among its arguments."""
    arguments, programs = tmp_path / "arguments", tmp_path / "programs"
    programs.mkdir()
    (programs / "pg_dump").write_text(
        "#!/bin/sh\n[ \"$1\" = --version ] && echo 'pg_dump (PostgreSQL) 18.1' && exit\n"
        f"printf '%s\\n' \"$@\" > {arguments}\n"
    )
    (programs / "pg_dump").chmod(0o755)
    owner = json.dumps(front.right | {"login": "motcua_owner"})
    configure(AIRFLOW_CONN_MOTCUA_DB_OWNER=owner, MOTCUA_POSTGRES_PROGRAMS=str(programs))
    with ledger_snapshot() as snapshot:
        snapshot.dump(lambda stream: None)
    (address,) = (line for line in arguments.read_text().splitlines() if line.startswith("--dbname="))
    parameters = conninfo_to_dict(address.removeprefix("--dbname="))
    wanted = front.right["extra"] | {"host": HOST}
    assert {name: parameters.get(name) for name in wanted} == wanted
    assert "password" not in parameters


@pytest.mark.guarantee(
    "tls", "libpq's own options are passed on unchanged, Airflow's are left out, all others are refused"
)
def test_everything_that_libpq_knows_passes_through():
    known = {option.keyword.decode() for option in psycopg.pq.Conninfo.get_defaults()}
    ours = ("host", "port", "user", "password", "dbname")
    extra = {name: f"value of {name}" for name in known.difference(ours)}
    given = GivenConnection("a,b", 5433, "somebody", "p'w \\", "ledger", extra | {"cursor": "dictcursor", "iam": False})
    parameters = conninfo_to_dict(conninfo_of(given))
    assert {name: parameters[name] for name in extra} == extra
    assert [parameters[name] for name in ours] == ["a,b", "5433", "somebody", "p'w \\", "ledger"]
    with pytest.raises(psycopg.ProgrammingError, match="ssl_mode"):
        conninfo_of(GivenConnection("a", 5433, "b", "c", "d", {"ssl_mode": "verify-full"}))


def test_options_that_airflow_does_not_pass_to_libpq_are_known():
    """Our list of options that Airflow does not pass to libpq must equal the list of the installed Airflow."""
    assert set(PostgresHook.ignored_extra_options) == database._AIRFLOWS_OWN


@pytest.mark.parametrize(("conn_id", "variable"), [(CALLBACKS, "CALLBACKS"), (PAGES, "PAGES"), (OWNER, "OWNER")])
def test_part_without_its_own_connection_uses_the_ledgers(ledger, configure, monkeypatch, conn_id, variable):
    monkeypatch.delenv(f"AIRFLOW_CONN_MOTCUA_DB_{variable}", raising=False)
    assert database.connection_or_ledger(conn_id) == LEDGER
    monkeypatch.setenv(f"AIRFLOW_CONN_MOTCUA_DB_{variable}", os.environ["AIRFLOW_CONN_MOTCUA_DB"])
    assert database.connection_or_ledger(conn_id) == conn_id
