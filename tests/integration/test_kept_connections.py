"""Test kept connections: a process reuses its connections to the ledger, and each must behave like a new connection."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import ExitStack, suppress
from typing import Any

import psycopg

from motcua.store.ledger.database import LEDGER, connect, kept_connections
from tests.ground import Server, in_ledger


def value(connection: psycopg.Connection[Any], query: str) -> Any:
    row = connection.execute(query).fetchone()
    assert row is not None
    return next(iter(row.values()))


def pid(connection: psycopg.Connection[Any]) -> int:
    return connection.info.backend_pid


LOCKS = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()"


def test_kept_connection_is_as_a_new_one(ledger: str) -> None:
    """A kept connection has no locks, temporary tables or settings of its earlier use."""
    with kept_connections():
        with connect() as first:
            kept = pid(first)
            first.execute("SELECT pg_advisory_lock(7)")
            first.execute("CREATE TEMP TABLE left_behind (n integer)")
            first.execute("SET statement_timeout = 77")
            first.execute("SET TIME ZONE 'Asia/Ho_Chi_Minh'")
            first.commit()
            first.autocommit = True
            first.isolation_level = psycopg.IsolationLevel.SERIALIZABLE
        with connect() as again:
            assert pid(again) == kept
            assert value(again, LOCKS) == 0
            assert value(again, "SELECT to_regclass('left_behind')") is None
            assert value(again, "SHOW statement_timeout") == "0"
            assert value(again, "SHOW timezone") == "UTC"
            assert (again.autocommit, again.isolation_level) == (False, None)
            assert in_ledger(pid) != kept, "a connection in use may not be given out a second time"
    assert first.closed, "kept connections must close when the block ends"


def test_kept_connection_keeps_nothing_of_work_that_failed(ledger: str) -> None:
    with kept_connections():
        with suppress(RuntimeError), connect() as broken:
            kept = pid(broken)
            broken.execute("INSERT INTO motcua.sources (name) VALUES ('broken')")
            raise RuntimeError
        with connect() as again:
            assert pid(again) == kept
            assert value(again, "SELECT count(*) FROM motcua.sources WHERE name = 'broken'") == 0


def test_broken_connection_is_not_kept_and_one_that_was_closed_by_hand_neither(ledger: str) -> None:
    """A broken or closed connection is never handed out again, because the next work would fail."""
    with kept_connections():
        with connect() as first:
            lost = pid(first)
            with connect() as other:
                other.execute("SELECT pg_terminate_backend(%s)", (lost,))
        assert first.closed
        with connect() as by_hand:
            by_hand.close()
        late = ExitStack()
        with connect() as one:
            two = late.enter_context(connect())
            assert lost not in (pid(one), pid(two))
            assert pid(one) != pid(two)
    late.close()
    assert two.closed, "a connection that is given back after the block must be closed"
    assert one.closed


def test_connections_of_other_names_are_not_kept(ledger: str, configure: Callable[..., None]) -> None:
    configure(AIRFLOW_CONN_OTHER=os.environ["AIRFLOW_CONN_MOTCUA_DB"])
    with kept_connections(LEDGER):
        with connect() as ours, connect("other") as other:
            kept = pid(ours)
        assert other.closed
        assert in_ledger(pid) == kept


def test_kept_connections_that_the_server_ended_are_replaced(ledger: str, postgres: Server) -> None:
    with kept_connections():
        with connect() as first, connect() as second:
            kept = [pid(first), pid(second)]
        with psycopg.connect(postgres.admin_dsn, autocommit=True) as admin:
            for each in kept:
                admin.execute("SELECT pg_terminate_backend(%s, 5000)", (each,))
        assert in_ledger(pid) not in kept
        assert first.closed
        assert second.closed
