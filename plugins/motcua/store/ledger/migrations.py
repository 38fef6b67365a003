"""Applies include/sql/migrations with yoyo, forward only, and then puts include/sql/definitions in force."""

from __future__ import annotations

import logging
import time
from typing import Any
from urllib.parse import urlencode

from psycopg.conninfo import conninfo_to_dict
from psycopg.errors import LockNotAvailable

from motcua.settings import include_dir
from motcua.store.ledger.database import connection_or_ledger, conninfo_of, given_connection, open_connection
from motcua.store.ledger.definitions import put_in_force

OWNER = "motcua_db_owner"
"""Airflow connection of the role that owns the schema; ``motcua_db`` serves where it is not set."""


_LOCK_WITHIN, _PATIENCE = 2.0, 120.0
"""Seconds that a statement waits for a lock, since whoever comes later waits behind it, senders among them; and how
long that is tried again."""


def owner_connection() -> str:
    """Name of the connection of the role that owns the schema: ``motcua_db`` where no other one is set.

    Raises:
        airflow.exceptions.AirflowNotFoundException: neither is set.
    """
    return connection_or_ledger(OWNER)


def known_migrations() -> list[str]:
    """Names of the migrations that this version of the program knows, in order."""
    return sorted(path.stem for path in (include_dir() / "sql" / "migrations").glob("*.sql"))


def migrate() -> list[str]:
    """Applies the migrations that the ledger does not have yet, puts each definition in force, and names the former.

    Definitions are put in force each time: a changed one must be, also where no migration is pending.

    Raises:
        yoyo.exceptions.LockTimeout: another migration is running.
        psycopg.errors.LockNotAvailable: somebody held a table for two minutes; that migration is rolled back whole.
        psycopg.Error: a migration failed; it is rolled back whole.
        DefinitionRefused: a definition cannot be put in force; those before stay.
    """
    from yoyo import get_backend, read_migrations

    # yoyo logs each statement; the supervisor prints the names that are returned here instead.
    logging.getLogger("yoyo").setLevel(logging.WARNING)
    conn_id = owner_connection()
    # yoyo gives the driver what stands in the query: all of it, where the other parts of an address know few names.
    limit = f"-c lock_timeout={round(_LOCK_WITHIN * 1000)}"
    parameters = conninfo_to_dict(conninfo_of(given_connection(conn_id), options=limit))
    backend = get_backend(f"postgresql+psycopg:///?{urlencode(parameters)}")
    try:
        with backend.lock():
            pending = _apply(backend, read_migrations(str(include_dir() / "sql" / "migrations")))
            with open_connection(conn_id) as owner:
                put_in_force(owner)
            return pending
    finally:
        backend.connection.close()


def _apply(backend: Any, migrations: Any) -> list[str]:  # noqa: ANN401 - yoyo's
    names = [migration.id for migration in backend.to_apply(migrations)]
    until = time.monotonic() + _PATIENCE
    while True:
        try:
            backend.apply_migrations(backend.to_apply(migrations))
            return names
        except LockNotAvailable:
            if time.monotonic() > until:
                raise
            time.sleep(_LOCK_WITHIN / 4)
