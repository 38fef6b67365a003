"""Connections to PostgreSQL: the one place that opens them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TypeAlias

import psycopg
from psycopg.rows import DictRow, dict_row

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
