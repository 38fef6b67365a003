"""Connections to PostgreSQL: the one place that opens them."""

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
from motcua.store.ledger.sessions import say_who_works, say_whose_work

LEDGER, CALLBACKS, PAGES = "motcua_db", "motcua_db_callbacks", "motcua_db_pages"
"""Airflow connections to the ledger: of tasks and commands, of what gateways call, of what people see. Each of the two
others is ``motcua_db`` where it is not set; which role may do what is in include/sql/definitions/rights.sql."""
INTAKE = "motcua_db_intake"
"""Airflow connection of what one-stop software pushes to; no other one serves where it is not set."""
_CONNECT_WITHIN = 5
"""Seconds, unless the Airflow connection says otherwise (connect_timeout): a server that drops packets must not hold up
the others for as long as the kernel would wait."""

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
"""What Airflow's hook takes out of a connection's extra for itself; everything else there is libpq's."""

_NOTICE_A_DEAD_HOST = (
    "SET TIME ZONE 'UTC'; SET tcp_keepalives_idle = 5; SET tcp_keepalives_interval = 2; SET tcp_keepalives_count = 3"
)
"""Of a connection to the ledger. A host that loses its power closes nothing: so the server itself gives up within
eleven seconds what that host had locked, and who lives takes over. Where there is no TCP it has no effect."""

Connection: TypeAlias = psycopg.Connection[DictRow]
Found = TypeVar("Found")


def open_connection(conn_id: str = LEDGER) -> Connection:
    """A new connection to the database behind an Airflow connection, rows as dicts, UTC.

    The hook is told not to log: it would write statements with their parameters, phone numbers among them.

    Raises:
        airflow.exceptions.AirflowNotFoundException: no such Airflow connection.
        psycopg.OperationalError: the database does not answer.
    """
    while kept := _kept.take(conn_id) if _kept is not None else None:
        try:
            return _made_ready(conn_id, kept)
        except psycopg.OperationalError:
            # The server was started anew meanwhile: the others that were kept are no better.
            kept.close()
    return _made_ready(conn_id, _connect_by_hook(conn_id))


def _made_ready(conn_id: str, connection: Connection) -> Connection:
    connection.row_factory = dict_row
    connection.execute(_NOTICE_A_DEAD_HOST if conn_id == LEDGER else "SET TIME ZONE 'UTC'")
    if conn_id == LEDGER:
        say_who_works(connection)
        say_whose_work(connection)
    connection.commit()
    return connection


def _connect_by_hook(conn_id: str) -> Connection:
    given = _kept.given.get(conn_id) if _kept is not None else None
    if given is None:
        return _connect_as(conn_id, given_connection(conn_id))
    try:
        return _connect_as(conn_id, given)
    except psycopg.OperationalError:
        # Its password may be another one by now.
        anew = _given_now(conn_id)
        if anew is None or anew == given:
            raise
    return _connect_as(conn_id, anew)


def _given_now(conn_id: str) -> GivenConnection | None:
    """What Airflow says of a connection; ``None``: nothing, or it is away."""
    try:
        return given_connection(conn_id)
    except Exception:
        return None


def _connect_as(conn_id: str, given: GivenConnection) -> Connection:
    from airflow.providers.postgres.hooks.postgres import PostgresHook

    kept = _kept
    if kept is not None:
        kept.given[conn_id] = given
    # Not Airflow's own, which tells a task's supervisor its secrets each time, and waits for it.
    as_given: Any = replace(given, extra={"connect_timeout": _CONNECT_WITHIN, **given.extra})
    connection: Any = PostgresHook(conn_id, log_sql=False, connection=as_given).get_conn()
    _notice_a_dead_network(connection.fileno())
    return connection  # type: ignore[no-any-return]


class _KeptConnections:
    """Connections whose work is done and that are open still, by the Airflow connection that they are of."""

    def __init__(self, names: Collection[str]) -> None:
        self._names = names
        self.given: dict[str, GivenConnection] = {}
        """What Airflow said of each connection that was opened, whatever its name."""
        self._guard = threading.Lock()
        self._idle: dict[str, list[Connection]] = {}
        self._is_over = False

    def takes(self, conn_id: str) -> bool:
        """Whether connections of this name are kept."""
        return not self._names or conn_id in self._names

    def put_back(self, conn_id: str, connection: Connection) -> None:
        """Keeps one that is done with; one that is broken, or comes too late, is closed."""
        with suppress(psycopg.Error):
            _make_as_new(connection)
            with self._guard:
                if not self._is_over:
                    self._idle.setdefault(conn_id, []).append(connection)
                    return
        connection.close()

    def take(self, conn_id: str) -> Connection | None:
        """One that was put back."""
        with self._guard:
            idle = self._idle.get(conn_id)
            return idle.pop() if idle else None

    def close(self) -> None:
        """Closes those that were put back."""
        with self._guard:
            idle, self._idle, self._is_over = self._idle, {}, True
        for connection in (each for kept in idle.values() for each in kept):
            connection.close()


def _make_as_new(connection: Connection) -> None:
    """Nothing of what was done with it is left but plans of statements: no transaction, lock, table or setting."""
    connection.rollback()
    connection.isolation_level = connection.read_only = connection.deferrable = None
    connection.autocommit = True
    connection.execute("CLOSE ALL; UNLISTEN *; SELECT pg_advisory_unlock_all(); DISCARD TEMP; RESET ALL")
    connection.autocommit = False


_kept: _KeptConnections | None = None


@contextmanager
def kept_connections(*names: str) -> Iterator[None]:
    """While it lasts, a connection of this process whose work is done (``connect``) is given to whoever opens one of
    the same name next; and Airflow is asked once what a connection says, and again when it does not lead to its
    database any more.

    For hundreds of runs one after the other in one process, half of whose time would be that of making connections; and
    for senders, which go on while Airflow's API server is away.

    Args:
        names: Airflow connections whose connections are kept; all of them by default.
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
    """Asks Airflow now what connections say that will be opened while ``kept_connections`` lasts; of one that it does
    not know it is asked when that is opened."""
    for conn_id in conn_ids:
        kept = _kept
        if kept is None or stop.is_set():
            return
        if conn_id not in kept.given and (given := _given_now(conn_id)) is not None:
            kept.given.setdefault(conn_id, given)


def open_without_airflow(statement_timeout: float) -> Connection:
    """A new connection to the ledger, each statement a transaction of its own, where Airflow may be what is broken.

    It is read from ``AIRFLOW_CONN_MOTCUA_DB``; Airflow is asked only where that is not set.

    Args:
        statement_timeout: seconds that a statement may take.

    Raises:
        psycopg.OperationalError: the ledger does not answer.
    """
    given = connection_of_environment(LEDGER)
    return _each_for_itself(open_connection() if given is None else open_as_given(given), statement_timeout)


def open_as_given(given: GivenConnection, statement_timeout: float | None = None) -> Connection:
    """A new connection to the database that a connection names, without Airflow, and as whoever it names.

    Args:
        given: the connection.
        statement_timeout: seconds that a statement may take; then each is a transaction of its own, in UTC.

    Raises:
        psycopg.OperationalError: the database does not answer, or lets nobody in.
        psycopg.ProgrammingError: the connection says what libpq does not know.
    """
    connection = psycopg.connect(conninfo_of(given), row_factory=dict_row)
    _notice_a_dead_network(connection.fileno())
    return connection if statement_timeout is None else _each_for_itself(connection, statement_timeout)


def _each_for_itself(connection: Connection, statement_timeout: float) -> Connection:
    connection.autocommit = True
    connection.execute("SET TIME ZONE 'UTC'")
    limit_statements(connection, statement_timeout)
    return connection


def limit_statements(connection: Connection, seconds: float) -> None:
    """How long a statement of this connection may take from now on."""
    connection.execute("SELECT set_config('statement_timeout', %s, FALSE)", (str(round(seconds * 1000)),))


def _notice_a_dead_network(descriptor: int) -> None:
    """Has the kernel give a connection up whose packets nobody answers; by default that takes a quarter of an hour."""
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
    """A connection for one piece of work: committed at the end, rolled back on an error, always closed, or put back
    where such are kept (``kept_connections``)."""
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
    """A database refused or did not answer; the message holds no value of any row."""


def reason_without_values(error: Exception) -> str:
    """What went wrong, fit for a log: PostgreSQL's details quote whole rows, phone numbers among them."""
    if isinstance(error, psycopg.Error):
        # Without a message from the server the driver speaks of the connection: host, port, role.
        words = error.diag.message_primary or str(error).partition("\n")[0]
        if isinstance(error, psycopg.DataError):
            # It quotes the value itself: invalid input syntax for type bigint: "…"; the driver writes '…'.
            words = words.partition('"')[0].partition("'")[0].rstrip(": ")
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


def conninfo_of(given: GivenConnection, **ours: object) -> str:
    """What libpq is told of a connection: all that its extra says, ``sslmode`` and ``target_session_attrs`` among it.

    A name that neither libpq nor Airflow knows is no way to speak in clear: ``ssl_mode`` is refused, not left out.

    Args:
        given: as the connection says it; ``connect_timeout`` is 5 s where it is not there.
        ours: what holds whatever the connection says; ``options`` are added to its own.

    Raises:
        psycopg.ProgrammingError: the extra holds what is no parameter of libpq's.
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
        # Of two that say the same the later one counts.
        ours |= {"options": f"{values['options']} {ours['options']}"}
    return make_conninfo("", **(values | ours))


def connection_or_ledger(conn_id: str) -> str:
    """The name of that Airflow connection, or ``motcua_db`` where it is not set.

    Raises:
        airflow.exceptions.AirflowNotFoundException: neither is set.
    """
    from airflow.providers.postgres.hooks.postgres import PostgresHook
    from airflow.sdk.exceptions import AirflowNotFoundException

    try:
        PostgresHook(conn_id).connection  # noqa: B018 - looks whether it is set
    except AirflowNotFoundException:
        PostgresHook(LEDGER).connection  # noqa: B018 - likewise
        return LEDGER
    return conn_id


def given_connection(conn_id: str) -> GivenConnection:
    """What an Airflow connection says.

    Raises:
        airflow.exceptions.AirflowNotFoundException: no such connection.
    """
    from airflow.providers.postgres.hooks.postgres import PostgresHook

    given = PostgresHook(conn_id).connection
    return GivenConnection(given.host, given.port, given.login, given.password, given.schema, given.extra_dejson)


def _ledger_conninfo(conn_id: str, **ours: object) -> str:
    named = conn_id if conn_id == INTAKE else connection_or_ledger(conn_id)
    return conninfo_of(given_connection(named), **ours)


_opening_pool = threading.Lock()
"""Two first requests at once must not open two pools."""


def ledger_pool(conn_id: str) -> ConnectionPool[Connection]:
    """Connections to the ledger for a web process, opened when first used.

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
_LIMITS = {INTAKE: " -c statement_timeout=50s -c idle_in_transaction_session_timeout=60s"}
"""What the server itself ends: those who push give up after a minute."""
PAGE_PATIENCE = timedelta(seconds=15)
"""One statement of a staff page may take this long."""


@contextmanager
def page_connection() -> Iterator[Connection]:
    """A connection of the pool for what a person waits for: PostgreSQL gives up a statement that lasts too long.

    Nobody reads a page that comes after a minute, and those who ask for it again would take the ledger from the sender.

    Raises:
        psycopg.errors.QueryCanceled: in the body, when a statement took longer than ``PAGE_PATIENCE``; nothing of the
            transaction is kept.
        psycopg_pool.PoolTimeout: no connection is free, or the server does not answer.
    """
    with ledger_pool(PAGES).connection() as connection:
        patience = round(PAGE_PATIENCE.total_seconds() * 1000)
        connection.execute("SELECT set_config('statement_timeout', %s, TRUE)", (str(patience),))
        yield connection


class QuickConnections:
    """One connection of the callbacks to the ledger for each thread, for work that must be done within a second or be
    given up.

    No pool: after a restart of the server a pool waits longer and longer before it tries again, and a thread that
    finds its connection broken can open another at once.
    """

    def __init__(self) -> None:
        self._own = threading.local()
        self._guard = threading.Lock()
        self._open: set[Connection] = set()
        self._conninfo: str | None = None

    def get(self) -> Connection:
        """This thread's connection.

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
        """Closes this thread's connection: the next one is a new one."""
        known: Connection | None = getattr(self._own, "connection", None)
        if known is not None:
            with self._guard:
                self._open.discard(known)
            known.close()

    def close(self) -> None:
        """Closes the connections of all threads; whoever asks again gets a new one."""
        with self._guard:
            connections, self._open = self._open, set()
            self._conninfo = None
        for connection in connections:
            connection.close()


quick_connections = QuickConnections()


class Lookout:
    """One connection of the callbacks for looking at the ledger from outside of their work; it is given up however the
    ledger hangs.

    Made when first needed, and made anew when it broke.

    :meth:`ask` is for one thread; :meth:`give_up` and :meth:`close` may come from any other one.
    """

    def __init__(self, patience: float) -> None:
        """``patience``: seconds in which PostgreSQL itself ends a statement, and a connection that is not made by then
        is given up."""
        self._patience = patience
        self._conninfo: str | None = None
        self._guard = threading.Lock()
        self._connection: Connection | None = None
        self._given_up = False

    def ask(self, question: Callable[[Connection], Found]) -> Found:
        """What the ledger answers. A connection that broke since it was last used is replaced once.

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
        """Has the question that waits end with an error: PostgreSQL's own limit does not bind one that is stopped, nor
        a proxy before it."""
        with self._guard:
            self._given_up = True
            connection = self._connection
            if connection is not None and not connection.closed:
                with suppress(OSError, psycopg.Error), socket.socket(fileno=os.dup(connection.fileno())) as same:
                    same.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Ends a question that waits, and the connection."""
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
                # Less than two seconds libpq takes for two.
                connect_timeout=max(2, round(self._patience)),
                tcp_user_timeout=milliseconds,
                options=f"-c timezone=UTC -c statement_timeout={milliseconds} -c lock_timeout={milliseconds}",
            )
        connection: Connection = psycopg.connect(self._conninfo, row_factory=dict_row, autocommit=True)
        with self._guard:
            self._connection = connection
        return connection


def close_ledger_pool() -> None:
    """Closes the web process's connections, where any were opened."""
    quick_connections.close()
    with _opening_pool:
        pools = list(_pools.values())
        _pools.clear()
    for pool in pools:
        pool.close()
