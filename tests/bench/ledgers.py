"""A fresh ledger for a bench, and what lies in it before anything is measured."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg

from motcua.sandbox.machine.postgres import EmbeddedPostgres
from motcua.settings import settings
from motcua.store.ledger.migrations import migrate
from motcua.store.ledger.provisioning import Role, provision_ledger, with_database
from tests.bench import Line
from tests.conftest import connection_uri
from tests.gateways.ports import free_port
from tests.registered import believe_sleeps, register_templates

SEED = """
INSERT INTO motcua.agencies (agency_code, name, short_name, enabled_from)
VALUES ('000.00.30.H32', 'Ủy ban nhân dân thành phố Nha Trang', 'UBND TP Nha Trang', now() - interval '1 day');
INSERT INTO motcua.sources (name) VALUES ('bench');
INSERT INTO motcua.gateways (name) VALUES ('kannel');
"""
DOSSIERS = """
INSERT INTO motcua.dossiers (source_id, agency_code, dossier_code, msisdn, picked_up_at)
SELECT 1, '000.00.30.H32', %(prefix)s || n, '+849051' || lpad((n %% 100000)::text, 5, '0'), now()
FROM generate_series(1, %(count)s) AS n
"""
TRANSITIONS = """
INSERT INTO motcua.transitions (
    source_id, source_transition_id, dossier_id, sequence, status_code, at_one_stop_desk, occurred_at, recorded_at,
    picked_up_at
)
SELECT 1, d.dossier_id * 10 + step, d.dossier_id, d.dossier_id * 10 + step, CASE step WHEN 4 THEN 9 ELSE 4 END,
    step = 4, now(), now(), now()
FROM motcua.dossiers AS d, generate_series(1, 4) AS step
WHERE d.dossier_code LIKE %(prefix)s || '%%' AND step > 4 - %(steps)s
"""


@contextlib.contextmanager
def ledger() -> Iterator[str]:
    """A fresh ledger behind motcua_db; yields an administrator's DSN for it."""
    with tempfile.TemporaryDirectory(prefix="motcua-bench-") as folder:
        os.chmod(folder, 0o755)
        server = EmbeddedPostgres(Path(folder), free_port())
        with server.running():
            roles = [Role(name, "only-for-tests") for name in ("motcua_owner", "motcua_app", "motcua_audit", "airflow")]
            provision_ledger(server.admin_dsn, "motcua", *roles, "airflow_bench")
            os.environ["AIRFLOW_CONN_MOTCUA_DB_OWNER"] = connection_uri(server.admin_dsn, "motcua_owner", "motcua")
            os.environ["AIRFLOW_CONN_MOTCUA_DB"] = connection_uri(server.admin_dsn, "motcua_app", "motcua")
            os.environ["MOTCUA_JOURNAL"] = str(Path(folder) / "journal")
            settings.cache_clear()
            migrate()
            dsn = with_database(server.admin_dsn, "motcua")
            register_templates(dsn, "kannel")
            believe_sleeps(dsn)
            with psycopg.connect(dsn) as connection:
                connection.execute(SEED)
            yield dsn


def on_a_ledger(bench: Callable[[str], list[Line]]) -> Callable[[], list[Line]]:
    """The bench, with a ledger of its own."""

    def run() -> list[Line]:
        with ledger() as dsn:
            return bench(dsn)

    return run


def seed(dsn: str, prefix: str, dossiers: int, steps: int = 1) -> None:
    """So many dossiers whose last step is a result at the desk, not planned yet."""
    with psycopg.connect(dsn) as connection:
        connection.execute(DOSSIERS, {"prefix": prefix, "count": dossiers})
        connection.execute(TRANSITIONS, {"prefix": prefix, "steps": steps})
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("ANALYZE")


def server_of(dsn: str) -> int:
    """The process of the ledger's server that all its others descend from."""
    with psycopg.connect(dsn) as connection:
        (row,) = connection.execute("SELECT pg_read_file('postmaster.pid', 0, 20)").fetchall()
    return int(row[0].split()[0])
