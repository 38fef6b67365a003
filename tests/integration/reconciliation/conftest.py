"""What lies beside the one source of a closing: another source, and hands that reach behind the ledger's rules."""

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
    """Changes the ledger behind the back of its own rules."""
    rows("SET session_replication_role = replica")
    return rows


@pytest.fixture
def lose(tamper: Rows) -> Callable[..., None]:
    """Reads and plans, without some transitions of the source, as if no pick-up had ever read those."""

    def drop(*numbers: int) -> None:
        at = NOW + 60 * MINUTE
        pick_up("khanhhoa", EVERYTHING, at)
        gone = tamper("DELETE FROM motcua.transitions WHERE source_transition_id = any(%s) RETURNING 1", list(numbers))
        assert len(gone) == len(numbers)
        plan(now=at)

    return drop


@pytest.fixture
def other(postgres: Server, one_stop: OneStop, configure: Callable[..., None]) -> Iterator[OneStop]:
    """A second source, ``moi``."""
    name = postgres.fresh_database("template0", "onestop")
    dsn = with_database(postgres.admin_dsn, name)
    configure(MOTCUA_SOURCES="khanhhoa,moi", AIRFLOW_CONN_ONESTOP_MOI=postgres_connection(dsn))
    source = OneStop(dsn)
    yield source
    source.connection.close()
    postgres.drop_database(name)


@pytest.fixture
def as_auditor(postgres: Server, ledger: str, configure: Callable[..., None]) -> Callable[[], None]:
    """From this call on whoever connects is an auditor."""
    database = str(psycopg.conninfo.conninfo_to_dict(ledger)["dbname"])
    uri = connection_uri(postgres.admin_dsn, "motcua_audit", database)
    return lambda: configure(AIRFLOW_CONN_MOTCUA_DB=uri)
