"""Open connections to PostgreSQL. No other module opens connections."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import timedelta
from typing import Any, TypeAlias, TypeVar

import psycopg
from psycopg.conninfo import make_conninfo
from psycopg.rows import DictRow, dict_row
from psycopg_pool import ConnectionPool

from motcua.store.ledger.environment import GivenConnection, connection_of_environment
from motcua.store.ledger.sessions import name_session, tag_session_with_run

LEDGER, CALLBACKS, PAGES = "motcua_db", "motcua_db_callbacks", "motcua_db_pages"
"""Airflow connections to the ledger: for tasks and commands, for the callbacks app, and for staff pages. If one of the
last two is not set, ``motcua_db`` is used instead. include/sql/definitions/rights.sql gives the rights of the roles."""
INTAKE = "motcua_db_intake"
"""Airflow connection of the intake app, to which one-stop software pushes. If this connection is not set, no other one
is used instead."""
_CONNECT_WITHIN = 5
"""The time limit for connecting, in seconds, unless the Airflow connection gives its own connect_timeout. Without a
limit, a server that drops packets would delay work for as long as the kernel waits."""

_AIRFLOWS_OWN = frozenset(
    {
        "aws_conn_id",
        "azure_conn_id",
        "cluster-identifier",
        "cursor",
        "iam",
        "redshift",
        "redshift-serverless",
        "sqlalchemy_query",
        "sqlalchemy_scheme",
        "workgroup-name",
    }
)
"""Names in a connection's extra that Airflow's hook uses itself. All other names there are parameters of libpq."""

_NOTICE_A_DEAD_HOST = (
    "SET TIME ZONE 'UTC'; SET tcp_keepalives_idle = 5; SET tcp_keepalives_interval = 2; SET tcp_keepalives_count = 3"
)
"""SQL for a new connection to the ledger. A host that loses power closes no connection. With these settings the server
itself releases that host's locks after eleven seconds, and another process can take over. Without TCP the settings have
no effect."""

Connection: TypeAlias = psycopg.Connection[DictRow]
Found = TypeVar("Found")


def open_connection(conn_id: str = LEDGER) -> Connection:
    """Open a connection to the database of an Airflow connection, with rows as dicts and in UTC.

    The logging of Airflow's hook is off, because it would log SQL statements with parameters such as phone numbers.

    Raises:
        airflow.exceptions.AirflowNotFoundException: there is no such Airflow connection.
        psycopg.OperationalError: the database does not answer.
    """
    while kept := _kept.take(conn_id) if _kept is not None else None:
        try:
            return _prepare_connection(conn_id, kept)
        except psycopg.OperationalError:
            # The server was restarted in the meantime, so the other idle connections are broken too.
            kept.close()
    return _prepare_connection(conn_id, _connect_by_hook(conn_id))


def _prepare_connection(conn_id: str, connection: Connection) -> Connection:
    connection.row_factory = dict_row
    connection.execute(_NOTICE_A_DEAD_HOST if conn_id == LEDGER else "SET TIME ZONE 'UTC'")
    if conn_id == LEDGER:
        name_session(connection)
        tag_session_with_run(connection)
    connection.commit()
    return connection


def _connect_by_hook(conn_id: str) -> Connection:
    given = _kept.given.get(conn_id) if _kept is not None else None
    if given is None:
        return _connect_as(conn_id, given_connection(conn_id))
    try:
        return _connect_as(conn_id, given)
    except psycopg.OperationalError:
        # The password may have changed after Airflow returned the values in ``given``.
        given_anew = _ask_airflow(conn_id)
        if given_anew is None or given_anew == given:
            raise
    return _connect_as(conn_id, given_anew)


def _ask_airflow(conn_id: str) -> GivenConnection | None:
    """Ask Airflow for the present values of a connection.

    Return ``None`` if Airflow does not know the connection or does not answer.
    """
    try:
        return given_connection(conn_id)
    except Exception:
        return None


def _connect_as(conn_id: str, given: GivenConnection) -> Connection:
    from airflow.providers.postgres.hooks.postgres import PostgresHook

    kept = _kept
    if kept is not None:
        kept.given[conn_id] = given
    # The hook must not fetch the connection itself. The hook would send the secrets to the task's supervisor each time,
    # and wait for the answer.
    as_given: Any = replace(given, extra={"connect_timeout": _CONNECT_WITHIN, **given.extra})
    connection: Any = PostgresHook(conn_id, log_sql=False, connection=as_given).get_conn()
    _notice_a_dead_network(connection.fileno())
    return connection  # type: ignore[no-any-return]


class _KeptConnections:
    """A pool of idle database connections, by the names of their Airflow connections."""

    def __init__(self, names: Collection[str]) -> None:
        self._names = names
        self.given: dict[str, GivenConnection] = {}
        """Airflow's values of each connection that was opened, by name."""
        self._guard = threading.Lock()
        self._idle: dict[str, list[Connection]] = {}
        self._is_over = False

    def takes(self, conn_id: str) -> bool:
        """Return whether connections with this name stay open for their next use."""
        return not self._names or conn_id in self._names

    def put_back(self, conn_id: str, connection: Connection) -> None:
        """Store a connection that is no longer used. Close the connection if it is broken, or if this pool is already
        closed."""
        with suppress(psycopg.Error):
            _reset_connection(connection)
            with self._guard:
                if not self._is_over:
                    self._idle.setdefault(conn_id, []).append(connection)
                    return
        connection.close()

    def take(self, conn_id: str) -> Connection | None:
        """Remove an idle connection from the pool and return it. ``None`` if there is none."""
        with self._guard:
            idle = self._idle.get(conn_id)
            return idle.pop() if idle else None

    def close(self) -> None:
        """Close all idle connections."""
        with self._guard:
            idle, self._idle, self._is_over = self._idle, {}, True
        for connection in (each for kept in idle.values() for each in kept):
            connection.close()


def _reset_connection(connection: Connection) -> None:
    """Reset a connection: end its transaction, release its locks, and drop its temporary tables and settings.

    The plans of its SQL statements remain.
    """
    connection.rollback()
    connection.isolation_level = connection.read_only = connection.deferrable = None
    connection.autocommit = True
    connection.execute("CLOSE ALL; UNLISTEN *; SELECT pg_advisory_unlock_all(); DISCARD TEMP; RESET ALL")
    connection.autocommit = False


_kept: _KeptConnections | None = None


@contextmanager
def kept_connections(*names: str) -> Iterator[None]:
    """Keep this process's connections open after their use and reuse them within the ``with`` body.

    A connection that :func:`connect` no longer uses is given to the next caller that opens a connection of the same
    name. Airflow is asked once for a connection's values, and again if the database refuses these values or does not
    answer.

    If hundreds of runs follow each other in one process, the reuse of connections halves the time of each run. Senders
    can also continue while Airflow's API server does not answer.

    Args:
        names: Airflow connections that are kept open; by default all of them.
    """
    global _kept
    before, _kept = _kept, _KeptConnections(names)
    kept = _kept
    try:
        yield
    finally:
        _kept = before
        kept.close()


def know_connections(conn_ids: Iterable[str], stop: threading.Event) -> None:
    """Ask Airflow now for the values of connections that will be opened later inside ``kept_connections``.

    If Airflow does not know a connection, it is asked again when that connection is opened. The loop ends early when
    ``stop`` is set.
    """
    for conn_id in conn_ids:
        kept = _kept
        if kept is None or stop.is_set():
            return
        if conn_id not in kept.given and (given := _ask_airflow(conn_id)) is not None:
            kept.given.setdefault(conn_id, given)


def open_without_airflow(statement_timeout: float) -> Connection:
    """Open a connection to the ledger in autocommit mode, for use while Airflow may be broken.

    Read ``AIRFLOW_CONN_MOTCUA_DB``. Ask Airflow only if that variable is not set.

    Args:
        statement_timeout: the seconds that an SQL statement may take.

    Raises:
        psycopg.OperationalError: the ledger does not answer.
    """
    given = connection_of_environment(LEDGER)
    return _set_autocommit(open_connection() if given is None else open_as_given(given), statement_timeout)


def open_as_given(given: GivenConnection, statement_timeout: float | None = None) -> Connection:
    """Open a connection to the database that ``given`` names, with the login in ``given`` and without Airflow.

    Args:
        given: the connection's values.
        statement_timeout: the seconds that an SQL statement may take; if given, the connection is in autocommit mode
            and in UTC.

    Raises:
        psycopg.OperationalError: the database does not answer, or refuses the login.
        psycopg.ProgrammingError: the connection has a parameter that libpq does not know.
    """
    connection = psycopg.connect(conninfo_of(given), row_factory=dict_row)
    _notice_a_dead_network(connection.fileno())
    return connection if statement_timeout is None else _set_autocommit(connection, statement_timeout)


def _set_autocommit(connection: Connection, statement_timeout: float) -> Connection:
    connection.autocommit = True
    connection.execute("SET TIME ZONE 'UTC'")
    limit_statements(connection, statement_timeout)
    return connection


def limit_statements(connection: Connection, seconds: float) -> None:
    """Limit how many seconds an SQL statement of this connection may take from now on."""
    connection.execute("SELECT set_config('statement_timeout', %s, FALSE)", (str(round(seconds * 1000)),))


def _notice_a_dead_network(descriptor: int) -> None:
    """Make the kernel end a connection whose packets get no answer within half a minute.

    By default the kernel ends such a connection only after a quarter of an hour.
    """
    with socket.socket(fileno=os.dup(descriptor)) as same:
        if same.family in (socket.AF_INET, socket.AF_INET6):
            same.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            for option, value in (
                ("TCP_KEEPIDLE", 10),
                ("TCP_KEEPINTVL", 5),
                ("TCP_KEEPCNT", 4),
                ("TCP_USER_TIMEOUT", 30_000),
            ):
                if hasattr(socket, option):
                    same.setsockopt(socket.IPPROTO_TCP, getattr(socket, option), value)


@contextmanager
def connect(conn_id: str = LEDGER) -> Iterator[Connection]:
    """Open a connection for one piece of work.

    Commit at the end, or roll back after an error. Then close the connection, or keep it open inside
    ``kept_connections``.
    """
    connection, kept = open_connection(conn_id), _kept
    if kept is None or not kept.takes(conn_id):
        with connection:
            yield connection
        return
    try:
        yield connection
        if not connection.closed:
            connection.commit()
    finally:
        kept.put_back(conn_id, connection)


class DatabaseFailed(Exception):
    """Raised if a database refused a request or did not answer. The message contains no value of any row."""


def reason_without_values(error: Exception) -> str:
    """Return an error's reason without values of rows, so that it may be logged.

    PostgreSQL's details quote whole rows and phone numbers.
    """
    if isinstance(error, psycopg.Error):
        # If the server gave no message, the driver's own text describes the connection: host, port, role.
        words = error.diag.message_primary or str(error).partition("\n")[0]
        if isinstance(error, psycopg.DataError):
            # A DataError quotes the value. The server uses double quotes, for example: invalid input syntax for type
            # bigint: "…". The driver uses single quotes.
            words = words.partition('"')[0].partition("'")[0].rstrip(": ")
        return f"{type(error).__name__}: {words}"
    # The error of a failed look-up names what is missing, for example an adapter or an Airflow connection.
    missing = isinstance(error, LookupError) or type(error).__name__ == "AirflowNotFoundException"
    return f"{type(error).__name__}: {error}" if missing else type(error).__name__


@contextmanager
def without_values() -> Iterator[None]:
    """Turn an error of PostgreSQL into an error that may be logged.

    Raises:
        DatabaseFailed: in place of any ``psycopg.Error``.
    """
    try:
        yield
    except psycopg.Error as error:
        raise DatabaseFailed(reason_without_values(error)) from None


def conninfo_of(given: GivenConnection, **ours: object) -> str:
    """Return libpq's conninfo for a connection, with all parameters of the connection's extra, for example ``sslmode``.

    An unknown name in the extra is an error. If it were ignored, a misspelt ``ssl_mode`` would lead to an unencrypted
    connection.

    Args:
        given: the connection's values; ``connect_timeout`` is 5 s unless these values contain it.
        ours: parameters that override the connection's parameters; ``options`` are added to the connection's options.

    Raises:
        psycopg.ProgrammingError: the extra has a name that is not a parameter of libpq.
    """
    values: dict[str, Any] = {
        "host": given.host,
        "port": given.port,
        "user": given.login,
        "password": given.password,
        "dbname": given.schema,
        "connect_timeout": _CONNECT_WITHIN,
    }
    values |= {name: value for name, value in given.extra.items() if name not in _AIRFLOWS_OWN}
    if "options" in ours and values.get("options"):
        # If an option occurs twice, PostgreSQL uses the later one, which is ours.
        ours |= {"options": f"{values['options']} {ours['options']}"}
    return make_conninfo("", **(values | ours))


def connection_or_ledger(conn_id: str) -> str:
    """Return the name of this Airflow connection, or ``motcua_db`` if this connection is not set.

    Raises:
        airflow.exceptions.AirflowNotFoundException: neither connection is set.
    """
    from airflow.providers.postgres.hooks.postgres import PostgresHook
    from airflow.sdk.exceptions import AirflowNotFoundException

    try:
        PostgresHook(conn_id).connection  # noqa: B018 - the attribute raises if the connection is not set
    except AirflowNotFoundException:
        PostgresHook(LEDGER).connection  # noqa: B018 - the attribute raises if the connection is not set
        return LEDGER
    return conn_id


def given_connection(conn_id: str) -> GivenConnection:
    """Return the values of an Airflow connection.

    Raises:
        airflow.exceptions.AirflowNotFoundException: there is no such connection.
    """
    from airflow.providers.postgres.hooks.postgres import PostgresHook

    given = PostgresHook(conn_id).connection
    return GivenConnection(given.host, given.port, given.login, given.password, given.schema, given.extra_dejson)


def _ledger_conninfo(conn_id: str, **ours: object) -> str:
    named = conn_id if conn_id == INTAKE else connection_or_ledger(conn_id)
    return conninfo_of(given_connection(named), **ours)


_opening_pool = threading.Lock()
"""Prevents two simultaneous first requests from opening two pools."""


def ledger_pool(conn_id: str) -> ConnectionPool[Connection]:
    """Return the web process's pool of connections to the ledger, which is opened at its first use.

    Args:
        conn_id: ``CALLBACKS``, ``PAGES`` or ``INTAKE``.

    Raises:
        airflow.exceptions.AirflowNotFoundException: there is no such connection.
    """
    with _opening_pool:
        if conn_id not in _pools:
            _pools[conn_id] = ConnectionPool(
                _ledger_conninfo(conn_id, options="-c timezone=UTC" + _LIMITS.get(conn_id, "")),
                min_size=1,
                max_size=10,
                timeout=5,
                kwargs={"row_factory": dict_row},
                check=ConnectionPool.check_connection,
                open=True,
            )
        return _pools[conn_id]


_pools: dict[str, ConnectionPool[Connection]] = {}
_LIMITS = {
    CALLBACKS: " -c idle_in_transaction_session_timeout=3s",
    INTAKE: " -c statement_timeout=50s -c idle_in_transaction_session_timeout=60s",
}
"""Limits that the server enforces. A callbacks process that freezes while it applies receipts would otherwise keep the
messages of these receipts locked, and senders would wait for the locks. Clients that push give up after a minute."""
PAGE_PATIENCE = timedelta(seconds=15)
"""How long one SQL statement of a staff page may take."""


@contextmanager
def page_connection() -> Iterator[Connection]:
    """Take a connection from the pool for a staff page. PostgreSQL cancels an SQL statement that takes too long.

    Without this limit, a user who reloads a slow page again and again would take the ledger's capacity from senders.

    Raises:
        psycopg.errors.QueryCanceled: in the body, when an SQL statement took longer than ``PAGE_PATIENCE``; the
            transaction is rolled back.
        psycopg_pool.PoolTimeout: no connection is free, or the server does not answer.
    """
    with ledger_pool(PAGES).connection() as connection:
        patience = round(PAGE_PATIENCE.total_seconds() * 1000)
        connection.execute("SELECT set_config('statement_timeout', %s, TRUE)", (str(patience),))
        yield connection


class QuickConnections:
    """Holds one ledger connection of the callbacks app for each thread, for work that must succeed or fail within a
    second.

    A pool of psycopg is not used here, because after a restart of the server such a pool waits longer and longer
    between its tries to connect. Here a thread whose connection is broken opens another connection at once.
    """

    def __init__(self) -> None:
        self._own = threading.local()
        self._guard = threading.Lock()
        self._open: set[Connection] = set()
        self._conninfo: str | None = None

    def get(self) -> Connection:
        """Return this thread's connection, and open it if necessary.

        Raises:
            psycopg.OperationalError: the server does not answer.
        """
        known: Connection | None = getattr(self._own, "connection", None)
        if known is not None and not known.closed:
            return known
        if self._conninfo is None:
            self._conninfo = _ledger_conninfo(
                CALLBACKS,
                connect_timeout=2,
                tcp_user_timeout=1500,
                options="-c timezone=UTC -c statement_timeout=1000 -c lock_timeout=1000"
                " -c idle_in_transaction_session_timeout=3000",
            )
        connection: Connection = psycopg.connect(self._conninfo, row_factory=dict_row, autocommit=True)
        with self._guard:
            self._open.add(connection)
        self._own.connection = connection
        return connection

    def drop(self) -> None:
        """Close this thread's connection. The next call of ``get`` opens a new one."""
        known: Connection | None = getattr(self._own, "connection", None)
        if known is not None:
            with self._guard:
                self._open.discard(known)
            known.close()

    def close(self) -> None:
        """Close the connections of all threads. A later call of ``get`` opens a new one."""
        with self._guard:
            connections, self._open = self._open, set()
            self._conninfo = None
        for connection in connections:
            connection.close()


quick_connections = QuickConnections()


class Lookout:
    """Holds one connection with which the callbacks app checks the ledger. A waiting query can be aborted even if the
    ledger hangs.

    The connection is opened at its first use, and opened anew after it broke. One thread calls :meth:`ask`. Any other
    thread may call :meth:`give_up` and :meth:`close`.
    """

    def __init__(self, patience: float) -> None:
        """Set the time limit ``patience``, in seconds, for an SQL statement and for connecting."""
        self._patience = patience
        self._conninfo: str | None = None
        self._guard = threading.Lock()
        self._connection: Connection | None = None
        self._given_up = False

    def ask(self, question: Callable[[Connection], Found]) -> Found:
        """Run ``question`` with the connection and return its answer. Replace a broken connection once.

        Raises:
            psycopg.Error: the ledger does not answer, or refuses.
        """
        with self._guard:
            self._given_up = False
        known = self._usable()
        try:
            return question(known or self._open())
        except psycopg.OperationalError:
            broke_meanwhile = known is not None and known.closed and not self._given_up
            if not broke_meanwhile:
                raise
        return question(self._open())

    def give_up(self) -> None:
        """Make a waiting query fail at once.

        This is needed because PostgreSQL's own time limit has no effect if the server or a proxy before it is frozen.
        """
        with self._guard:
            self._given_up = True
            connection = self._connection
            if connection is not None and not connection.closed:
                with suppress(OSError, psycopg.Error), socket.socket(fileno=os.dup(connection.fileno())) as same:
                    same.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Abort a waiting query and close the connection."""
        self.give_up()
        with self._guard:
            connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def _usable(self) -> Connection | None:
        with self._guard:
            return self._connection if self._connection is not None and not self._connection.closed else None

    def _open(self) -> Connection:
        if self._conninfo is None:
            milliseconds = round(self._patience * 1000)
            self._conninfo = _ledger_conninfo(
                CALLBACKS,
                # libpq treats any value below two seconds as two seconds.
                connect_timeout=max(2, round(self._patience)),
                tcp_user_timeout=milliseconds,
                options=f"-c timezone=UTC -c statement_timeout={milliseconds} -c lock_timeout={milliseconds}",
            )
        connection: Connection = psycopg.connect(self._conninfo, row_factory=dict_row, autocommit=True)
        with self._guard:
            self._connection = connection
        return connection


def close_ledger_pool() -> None:
    """Close all connections of the web process."""
    quick_connections.close()
    with _opening_pool:
        pools = list(_pools.values())
        _pools.clear()
    for pool in pools:
        pool.close()
