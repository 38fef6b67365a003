"""Applies include/sql/migrations with yoyo, forward only."""

from __future__ import annotations

import logging
from urllib.parse import quote

from motcua.settings import include_dir
from motcua.store.database import LEDGER

OWNER = "motcua_db_owner"
"""Airflow connection of the role that owns the schema; ``motcua_db`` serves where it is not set."""


def migrate() -> list[str]:
    """Applies the migrations that the ledger does not have yet and returns their names.

    Raises:
        yoyo.exceptions.LockTimeout: another migration is running.
        psycopg.Error: a migration failed; it is rolled back whole.
    """
    from airflow.providers.postgres.hooks.postgres import PostgresHook
    from airflow.sdk.exceptions import AirflowNotFoundException
    from yoyo import get_backend, read_migrations

    # yoyo logs each statement; the supervisor prints the names that are returned here instead.
    logging.getLogger("yoyo").setLevel(logging.WARNING)
    try:
        connection = PostgresHook(OWNER).connection
    except AirflowNotFoundException:
        connection = PostgresHook(LEDGER).connection
    user, password = quote(connection.login or "", safe=""), quote(connection.password or "", safe="")
    address = f"{connection.host or ''}:{connection.port or 5432}/{quote(connection.schema or '', safe='')}"
    backend = get_backend(f"postgresql+psycopg://{user}:{password}@{address}")
    try:
        with backend.lock():
            pending = backend.to_apply(read_migrations(str(include_dir() / "sql" / "migrations")))
            backend.apply_migrations(pending)
            return [migration.id for migration in pending]
    finally:
        backend.connection.close()
