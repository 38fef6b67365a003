"""Create an empty ledger from include/sql/schema, or migrate an existing ledger with include/sql/migrations.

Migrations run with the Python package yoyo, and only forward. After them, every definition in include/sql/definitions
is put in force anew.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

from psycopg.conninfo import conninfo_to_dict
from psycopg.errors import DeadlockDetected, LockNotAvailable

from motcua.settings import include_dir
from motcua.store.ledger.database import (
    Connection,
    connection_or_ledger,
    conninfo_of,
    given_connection,
    open_connection,
)
from motcua.store.ledger.definitions import LOCK_WITHIN, PAUSE, make_schema, put_in_force
from motcua.store.ledger.locks import MIGRATING, hold_lock
from motcua.store.ledger.queries import statement

OWNER = "motcua_db_owner"
"""Airflow connection of the role that owns the schema. If this connection is not set, ``motcua_db`` is used."""


BEGINNING = "0069_cells"
"""The newest migration of version 0.2.0. Only later migrations exist as files. include/sql/schema contains the result
of all migrations, of these files too."""
_MADE = "schema"
"""The name that ``migrate`` returns after it has created a ledger in an empty database."""
SCHEMAS = ["audit", "intake", "motcua", "quality", "statements"]
"""All schemas of the ledger, in alphabetical order."""
_TURN_WITHIN = 10.0
"""For how many seconds a migration waits for the end of another migration."""


class LedgerRefused(Exception):
    """Raised if this version cannot migrate the database, which is left unchanged. The message says what to do."""


def owner_connection() -> str:
    """Return ``motcua_db_owner``, or ``motcua_db`` if that connection is not set.

    Raises:
        airflow.exceptions.AirflowNotFoundException: neither connection is set.
    """
    return connection_or_ledger(OWNER)


def known_migrations() -> list[str]:
    """Return the names of all migrations after version 0.2.0 up to this version, in order."""
    return sorted(path.stem for path in (include_dir() / "sql" / "migrations").glob("*.sql"))


def migrate(lock_within: float = LOCK_WITHIN, patience: float = 120.0) -> list[str]:
    """Apply the migrations that the ledger lacks, put every definition in force, and return the migrations' names.

    An empty database becomes a ledger of this version completely or not at all. The only returned name is then
    ``schema``. Definitions are put in force each time, because a definition may have changed without a migration.

    Args:
        lock_within: how many seconds an SQL statement waits for a lock, unless its migration sets another limit. In
            this time, other sessions that need the same lock wait behind the SQL statement.
        patience: for how many seconds a migration that got no lock is tried again.

    Raises:
        LedgerRefused: the ledger is older than version 0.2.0, or incomplete, or another migration is running.
        psycopg.errors.LockNotAvailable: another session kept a table locked for ``patience`` seconds; the migration is
            rolled back completely.
        psycopg.Error: a migration failed; it is rolled back completely.
        DefinitionRefused: a definition cannot be put in force; migrations that were applied before stay.
    """
    from yoyo import get_backend, read_migrations

    # yoyo logs each SQL statement. Callers print the returned names instead.
    logging.getLogger("yoyo").setLevel(logging.WARNING)
    conn_id = owner_connection()
    # yoyo passes the whole query part of an address to the driver, so any parameter can be given there.
    limit = f"-c lock_timeout={round(lock_within * 1000)}"
    parameters = conninfo_to_dict(conninfo_of(given_connection(conn_id), options=limit))
    backend = get_backend(f"postgresql+psycopg:///?{urlencode(parameters)}")
    try:
        with open_connection(conn_id) as owner:
            _wait_for_turn(owner)
            # yoyo's own lock is a row that stays if its process is killed. No other migration runs now, so any such row
            # was left by a killed process.
            backend.break_lock()
            with backend.lock():
                backend.ensure_internal_schema_updated()
                migrations = read_migrations(str(include_dir() / "sql" / "migrations"))
                (there,) = owner.execute(statement("ledger/what_is_there"), {"schemas": SCHEMAS}).fetchall()
                owner.rollback()
                if not there["schemas"] and not there["migrations"]:
                    return _make(backend, migrations)
                _demand_whole(there["schemas"], there["migrations"])
                pending = _apply(backend, migrations, patience)
                put_in_force(owner)
            return pending
    finally:
        backend.connection.close()


def _wait_for_turn(owner: Connection) -> None:
    """Take the lock of migrations until this connection ends.

    Raises:
        LedgerRefused: another migration has held the lock for ``_TURN_WITHIN`` seconds.
    """
    until = time.monotonic() + _TURN_WITHIN
    while not hold_lock(owner, MIGRATING):
        owner.rollback()
        if time.monotonic() > until:
            raise LedgerRefused(
                "Another motcua migrate is running on this ledger. Nothing was changed. Wait for its end, and repeat "
                "the command."
            )
        time.sleep(0.5)
    owner.commit()


def _make(backend: Any, migrations: Any) -> list[str]:  # noqa: ANN401 - yoyo's
    with backend.transaction():
        make_schema(backend.connection)
        for migration in migrations:
            backend.mark_one(migration)
    return [_MADE]


def _demand_whole(schemas: Sequence[str], migrations: Sequence[str]) -> None:
    if not migrations or list(schemas) != SCHEMAS:
        has = f"the schemas {', '.join(schemas)}" if schemas else "no schema of motcua"
        record = f"a record of migrations up to {migrations[-1]}" if migrations else "no record of migrations"
        raise LedgerRefused(
            f"This database is an incomplete ledger: it has {has} and {record}. Nothing was changed. Restore a backup"
            " into an empty database. If it was never used, drop it and run motcua provision and motcua migrate again."
        )
    if migrations[-1] < BEGINNING:
        raise LedgerRefused(
            f"This ledger is older than version 0.2.0: its newest migration is {migrations[-1]}. Nothing was changed."
            f" Upgrade it to 0.2.0 first (newest migration {BEGINNING}), and then to this version:"
            " docs/operations/upgrade.md."
        )


def _apply(backend: Any, migrations: Any, patience: float) -> list[str]:  # noqa: ANN401 - yoyo's
    names = [migration.id for migration in backend.to_apply(migrations)]
    until = time.monotonic() + patience
    while True:
        try:
            backend.apply_migrations(backend.to_apply(migrations))
            return names
        except (LockNotAvailable, DeadlockDetected):
            if time.monotonic() > until:
                raise
            time.sleep(PAUSE)
