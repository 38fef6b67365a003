"""Fill a ledger quickly by SQL: without triggers and without durable commits; indexes are created at the end."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg import sql


@contextmanager
def quick_filling(dsn: str, tables: Sequence[str]) -> Iterator[psycopg.Connection[Any]]:
    """Yield a connection for filling; after the block the server's commits are durable again, as measurements need.

    Triggers do not fire within the block, so the caller must write the rows that triggers would add.

    Args:
        dsn: DSN of an administrator.
        tables: Tables of schema ``motcua`` whose indexes are dropped, and created again at the end. Indexes of
            constraints stay.
    """
    with psycopg.connect(dsn, autocommit=True) as connection:
        _set_durable(connection, "off")
        connection.execute("SET session_replication_role = replica")
        connection.execute("SET work_mem = '256MB'; SET maintenance_work_mem = '512MB'")
        connection.execute("SET jit = off; SET max_parallel_maintenance_workers = 2")
        indexes = _drop_indexes(connection, tables)
        yield connection
        for index in indexes:
            connection.execute(index)
        connection.execute("VACUUM (ANALYZE)")
        _set_durable(connection, "on")
        connection.execute("CHECKPOINT")


def _set_durable(connection: psycopg.Connection[Any], durable: str) -> None:
    for name in ("fsync", "full_page_writes", "synchronous_commit"):
        connection.execute(sql.SQL("ALTER SYSTEM SET {} = {}").format(sql.Identifier(name), sql.SQL(durable)))  # type: ignore[arg-type]
    connection.execute("SELECT pg_reload_conf()")


def _drop_indexes(connection: psycopg.Connection[Any], tables: Sequence[str]) -> list[Any]:
    """Drop the indexes that would only slow the filling down; return the SQL statements that create them again."""
    found = connection.execute(
        "SELECT i.schemaname, i.indexname, i.indexdef FROM pg_indexes AS i WHERE i.schemaname = 'motcua'"
        " AND i.tablename = any(%s) AND NOT EXISTS (SELECT 1 FROM pg_constraint AS c WHERE c.conname = i.indexname)",
        (list(tables),),
    ).fetchall()
    for schema, name, _ in found:
        connection.execute(sql.SQL("DROP INDEX {}.{}").format(sql.Identifier(schema), sql.Identifier(name)))
    return [definition for _, _, definition in found]
