"""Connections to PostgreSQL: the one place that opens them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any, TypeAlias

import psycopg
from psycopg.conninfo import make_conninfo
from psycopg.rows import DictRow, dict_row
from psycopg_pool import ConnectionPool

LEDGER = "motcua_db"

Connection: TypeAlias = psycopg.Connection[DictRow]


def open_connection(conn_id: str = LEDGER) -> Connection:
    """A new connection to the database behind an Airflow connection, rows as dicts, UTC.

    The hook is told not to log: it would write statements with their parameters, phone numbers among them.

    Raises:
        airflow.exceptions.AirflowNotFoundException: no such Airflow connection.
        psycopg.OperationalError: the database does not answer.
    """
    from airflow.providers.postgres.hooks.postgres import PostgresHook

    # A server that drops packets must not hold up the others for as long as the kernel would wait; a connection's
    # own connect_timeout wins.
    os.environ.setdefault("PGCONNECT_TIMEOUT", "5")
    hook = PostgresHook(conn_id, log_sql=False)
    connection: Any = hook.get_conn()
    connection.row_factory = dict_row
    connection.execute("SET TIME ZONE 'UTC'")
    connection.commit()
    return connection  # type: ignore[no-any-return]


@contextmanager
def connect(conn_id: str = LEDGER) -> Iterator[Connection]:
    """A connection for one piece of work: committed at the end, rolled back on an error, always closed."""
    with open_connection(conn_id) as connection:
        yield connection


class DatabaseFailed(Exception):
    """A database refused or did not answer; the message holds no value of any row."""


def reason_without_values(error: Exception) -> str:
    """What went wrong, fit for a log: PostgreSQL's details quote whole rows, phone numbers among them."""
    if isinstance(error, psycopg.Error):
        # Without a message from the server the driver speaks of the connection: host, port, role.
        words = error.diag.message_primary or str(error).partition("\n")[0]
        return f"{type(error).__name__}: {words}"
    # A look-up that failed names what was not there: an adapter, an Airflow connection.
    missing = isinstance(error, LookupError) or type(error).__name__ == "AirflowNotFoundException"
    return f"{type(error).__name__}: {error}" if missing else type(error).__name__


@contextmanager
def without_values() -> Iterator[None]:
    """Turns an error of PostgreSQL into one that may be logged.

    Raises:
        DatabaseFailed: in place of any ``psycopg.Error``.
    """
    try:
        yield
    except psycopg.Error as error:
        raise DatabaseFailed(reason_without_values(error)) from None


@lru_cache(maxsize=1)
def ledger_pool() -> ConnectionPool[Connection]:
    """Connections to the ledger for a web process, opened when first used."""
    from airflow.providers.postgres.hooks.postgres import PostgresHook

    given = PostgresHook(LEDGER).connection
    conninfo = make_conninfo(
        host=given.host, port=given.port, user=given.login, password=given.password, dbname=given.schema
    )
    return ConnectionPool(
        conninfo,
        min_size=1,
        max_size=10,
        timeout=5,
        kwargs={"row_factory": dict_row, "options": "-c timezone=UTC"},
        check=ConnectionPool.check_connection,
        open=True,
    )


def close_ledger_pool() -> None:
    """Closes the web process's connections, where any were opened."""
    if ledger_pool.cache_info().currsize:
        ledger_pool().close()
        ledger_pool.cache_clear()
