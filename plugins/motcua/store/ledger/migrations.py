"""Applies include/sql/migrations with yoyo, forward only, and then puts include/sql/definitions in force."""

from __future__ import annotations

import logging
from urllib.parse import urlencode

from psycopg.conninfo import conninfo_to_dict

from motcua.settings import include_dir
from motcua.store.ledger.database import connection_or_ledger, conninfo_of, given_connection, open_connection
from motcua.store.ledger.definitions import put_in_force

OWNER = "motcua_db_owner"
"""Airflow connection of the role that owns the schema; ``motcua_db`` serves where it is not set."""


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
        psycopg.Error: a migration failed; it is rolled back whole.
        DefinitionRefused: a definition cannot be put in force; those before stay.
    """
    from yoyo import get_backend, read_migrations

    # yoyo logs each statement; the supervisor prints the names that are returned here instead.
    logging.getLogger("yoyo").setLevel(logging.WARNING)
    conn_id = owner_connection()
    # yoyo gives the driver what stands in the query: all of it, where the other parts of an address know few names.
    parameters = conninfo_to_dict(conninfo_of(given_connection(conn_id)))
    backend = get_backend(f"postgresql+psycopg:///?{urlencode(parameters)}")
    try:
        with backend.lock():
            pending = backend.to_apply(read_migrations(str(include_dir() / "sql" / "migrations")))
            backend.apply_migrations(pending)
            with open_connection(conn_id) as owner:
                put_in_force(owner)
            return [migration.id for migration in pending]
    finally:
        backend.connection.close()
