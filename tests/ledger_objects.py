"""include/sql/objects.tsv: what a fresh ledger is made of, which the doctor holds a ledger against.

``python -m tests.ledger_objects`` writes it anew, from a ledger that it makes and takes away.
"""

from __future__ import annotations

import os
import secrets
import tempfile
from pathlib import Path

import psycopg
from psycopg.rows import dict_row

from motcua.commands.ledger import AIRFLOW, LEDGER
from motcua.sandbox.machine.postgres import EmbeddedPostgres
from motcua.store.ledger.inspecting import Objects, objects_there, write_objects
from motcua.store.ledger.migrations import migrate
from motcua.store.ledger.provisioning import Role, provision_ledger, with_database
from tests.gateways.ports import free_port


def of_fresh_ledger() -> Objects:
    """The objects of a ledger that has every role and was migrated just now."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o711)
        server = EmbeddedPostgres(Path(folder) / "server", free_port())
        with server.running(configuration="fsync = off\n"):
            made = {name: Role(f"motcua_{name}", secrets.token_hex(16)) for name in _ROLES}
            owner, app, audit, airflow, *others = made.values()
            provision_ledger(server.admin_dsn, LEDGER, owner, app, audit, airflow, AIRFLOW, others)
            for name in ("motcua_db", "motcua_db_owner"):
                address = f"postgres://{owner.name}:{owner.password}@127.0.0.1:{server.port}/{LEDGER}"
                os.environ[f"AIRFLOW_CONN_{name.upper()}"] = address
            migrate()
            with psycopg.connect(
                with_database(server.admin_dsn, LEDGER), autocommit=True, row_factory=dict_row
            ) as ledger:
                return objects_there(ledger)


_ROLES = ("owner", "app", "audit", "airflow", "callbacks", "intake", "pages", "purge")

if __name__ == "__main__":
    write_objects(of_fresh_ledger())
