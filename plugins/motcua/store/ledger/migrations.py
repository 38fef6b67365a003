"""Makes an empty ledger of include/sql/schema; one that is there is brought on by include/sql/migrations with yoyo,
forward only, and include/sql/definitions are put in force anew."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

from psycopg.conninfo import conninfo_to_dict
from psycopg.errors import LockNotAvailable

from motcua.settings import include_dir
from motcua.store.ledger.database import connection_or_ledger, conninfo_of, given_connection, open_connection
from motcua.store.ledger.definitions import make_schema, put_in_force
from motcua.store.ledger.queries import statement

OWNER = "motcua_db_owner"
"""Airflow connection of the role that owns the schema; ``motcua_db`` serves where it is not set."""


BEGINNING = "0069_cells"
"""Newest migration of version 0.2.0, from which the migrations lead on; what came before is in include/sql/schema."""
_MADE = "schema"
"""What an empty database is told to have got."""
SCHEMAS = ["audit", "intake", "motcua", "quality", "statements"]
"""All that the ledger is made of stands in these, in order."""


class LedgerRefused(Exception):
    """The database is none that this version can migrate, and was left as it is; the message says what to do."""


def owner_connection() -> str:
    """Name of the connection of the role that owns the schema: ``motcua_db`` where no other one is set.

    Raises:
        airflow.exceptions.AirflowNotFoundException: neither is set.
    """
    return connection_or_ledger(OWNER)


def known_migrations() -> list[str]:
    """Names of the migrations that lead from version 0.2.0 to this one, in order."""
    return sorted(path.stem for path in (include_dir() / "sql" / "migrations").glob("*.sql"))


def migrate(lock_within: float = 2.0, patience: float = 120.0) -> list[str]:
    """Applies the migrations that the ledger does not have yet, puts each definition in force, and names the former.

    An empty database becomes a ledger of this version, whole or not at all; then ``schema`` is the one name.
    Definitions are put in force each time: a changed one must be, also where no migration is pending.

    Args:
        lock_within: seconds that a statement waits for a lock, since whoever comes later waits behind it, senders among
            them.
        patience: seconds for which that is tried again.

    Raises:
        LedgerRefused: the ledger is of before version 0.2.0, or there is only a part of one.
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
    limit = f"-c lock_timeout={round(lock_within * 1000)}"
    parameters = conninfo_to_dict(conninfo_of(given_connection(conn_id), options=limit))
    backend = get_backend(f"postgresql+psycopg:///?{urlencode(parameters)}")
    try:
        with backend.lock():
            backend.ensure_internal_schema_updated()
            migrations = read_migrations(str(include_dir() / "sql" / "migrations"))
            with open_connection(conn_id) as owner:
                (there,) = owner.execute(statement("ledger/what_is_there"), {"schemas": SCHEMAS}).fetchall()
                owner.rollback()
                if not there["schemas"] and not there["migrations"]:
                    return _make(backend, migrations)
                _demand_whole(there["schemas"], there["migrations"])
                pending = _apply(backend, migrations, lock_within / 4, patience)
                put_in_force(owner)
            return pending
    finally:
        backend.connection.close()


def _make(backend: Any, migrations: Any) -> list[str]:  # noqa: ANN401 - yoyo's
    with backend.transaction():
        make_schema(backend.connection)
        for migration in migrations:
            backend.mark_one(migration)
    return [_MADE]


def _demand_whole(schemas: Sequence[str], migrations: Sequence[str]) -> None:
    if not migrations or list(schemas) != SCHEMAS:
        has = f"the schemas {', '.join(schemas)}" if schemas else "no schema of ours"
        record = f"a record of migrations up to {migrations[-1]}" if migrations else "no record of migrations"
        raise LedgerRefused(
            f"This database is half a ledger: it has {has} and {record}. Nothing was changed. Restore a backup into an"
            " empty database, or, if it never was in use, drop it and run motcua provision and motcua migrate again."
        )
    if migrations[-1] < BEGINNING:
        raise LedgerRefused(
            f"This ledger is of before version 0.2.0: its newest migration is {migrations[-1]}. Nothing was changed."
            f" Upgrade it to 0.2.0 first, whose newest is {BEGINNING}, and then to this version:"
            " docs/operations/upgrade.md."
        )


def _apply(backend: Any, migrations: Any, pause: float, patience: float) -> list[str]:  # noqa: ANN401 - yoyo's
    names = [migration.id for migration in backend.to_apply(migrations)]
    until = time.monotonic() + patience
    while True:
        try:
            backend.apply_migrations(backend.to_apply(migrations))
            return names
        except LockNotAvailable:
            if time.monotonic() > until:
                raise
            time.sleep(pause)
