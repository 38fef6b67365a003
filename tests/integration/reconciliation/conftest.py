"""Fixtures of the reconciliation tests: a second source, an auditor's role, and changes that triggers refuse."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import psycopg
import pytest

from motcua.domain.run_window import EVERYTHING
from motcua.jobs.notices.picking_up import pick_up
from motcua.jobs.notices.planning import plan
from motcua.sandbox.machine.deployment import postgres_connection
from motcua.store.ledger.provisioning import with_database
from tests.ground import NOW, OneStop, Rows, Server, connection_uri
from tests.integration.reconciliation.world import MINUTE


@pytest.fixture
def tamper(rows: Rows) -> Rows:
    """Return a function that runs SQL statements in the ledger with its triggers off."""
    rows("SET session_replication_role = replica")
    return rows


@pytest.fixture
def lose(tamper: Rows) -> Callable[..., None]:
    """Return a function that picks up and plans, but deletes some transitions before planning.

    The ledger is then as if no pick-up had ever read those transitions.
    """

    def drop(*numbers: int) -> None:
        at = NOW + 60 * MINUTE
        pick_up("khanhhoa", EVERYTHING, at)
        gone = tamper("DELETE FROM motcua.transitions WHERE source_transition_id = any(%s) RETURNING 1", list(numbers))
        assert len(gone) == len(numbers)
        plan(now=at)

    return drop


@pytest.fixture
def other(postgres: Server, one_stop: OneStop, configure: Callable[..., None]) -> Iterator[OneStop]:
    """Make a second source, named ``moi``, beside ``khanhhoa``."""
    name = postgres.fresh_database("template0", "onestop")
    dsn = with_database(postgres.admin_dsn, name)
    configure(MOTCUA_SOURCES="khanhhoa,moi", AIRFLOW_CONN_ONESTOP_MOI=postgres_connection(dsn))
    source = OneStop(dsn)
    yield source
    source.connection.close()
    postgres.drop_database(name)


@pytest.fixture
def as_auditor(postgres: Server, ledger: str, configure: Callable[..., None]) -> Callable[[], None]:
    """Return a function that gives all new connections to the ledger the auditor's role."""
    database = str(psycopg.conninfo.conninfo_to_dict(ledger)["dbname"])
    uri = connection_uri(postgres.admin_dsn, "motcua_audit", database)
    return lambda: configure(AIRFLOW_CONN_MOTCUA_DB=uri)


@pytest.fixture
def begun(agencies: None, rows: Rows) -> None:
    """Enable the agencies from 18 November on. Closing the month then closes thirteen days, and not thirty."""
    rows("UPDATE motcua.agencies SET enabled_from = '2026-11-18'")
