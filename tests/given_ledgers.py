"""Reuse ledgers and open connections from test to test, and restore each ledger to its template in between.

Copying a ledger, and the first SQL statements of each connection, take longer than most tests.
"""

from __future__ import annotations

import os
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import psycopg
from psycopg import sql
from psycopg.rows import dict_row

from motcua.store.ledger import database
from motcua.store.ledger.database import Connection

_TABLES = """
SELECT c.oid::regclass::text FROM pg_class AS c INNER JOIN pg_namespace AS n ON c.relnamespace = n.oid
WHERE c.relkind = 'r' AND n.nspname <> 'information_schema' AND n.nspname NOT LIKE 'pg\\_%' ORDER BY 1
"""
_SEQUENCES = "SELECT format('%I.%I', schemaname, sequencename), start_value, last_value FROM pg_sequences ORDER BY 1"
_NEWEST = "coalesce(pg_snapshot_xmax(pg_current_snapshot())::text::bigint - min(age(t.xmin)), 0)"
"""SQL for the newest transaction that wrote a row of a table."""
_CATALOGUES = (
    *("pg_attrdef", "pg_attribute", "pg_constraint", "pg_default_acl", "pg_enum", "pg_event_trigger"),
    *("pg_extension", "pg_foreign_server", "pg_index", "pg_inherits", "pg_namespace", "pg_policy", "pg_proc"),
    *("pg_publication", "pg_rewrite", "pg_statistic_ext", "pg_type", "pg_user_mapping", "pg_description"),
)
_OF_A_RELATION = (
    *("oid", "relname", "relnamespace", "relowner", "relkind", "relpersistence", "relispartition", "relreplident"),
    *("relnatts", "relchecks", "relhasindex", "relhasrules", "relhastriggers", "relrowsecurity", "relforcerowsecurity"),
    *("relacl", "reloptions"),
)
"""Columns of pg_class that define a relation. The other columns change even if a test only empties a table."""
_SHAPE = " UNION ALL ".join(
    [
        f"SELECT 'pg_class', count(*), sum(hash_record(({', '.join(_OF_A_RELATION)}))) FROM pg_class",
        "SELECT 'pg_trigger', count(*), sum(hash_record((oid, tgname, tgenabled, tgfoid, tgrelid))) FROM pg_trigger",
        *(f"SELECT '{each}', count(*), {_NEWEST} FROM {each} AS t" for each in _CATALOGUES),
        "SELECT 'settings', count(*), sum(hashtext(s::text)) FROM pg_db_role_setting AS s"
        " WHERE setdatabase = (SELECT oid FROM pg_database WHERE datname = current_database())",
        "SELECT 'rights', count(*), sum(hashtext(datacl::text)) FROM pg_database WHERE datname = current_database()",
    ]
)
"""SQL that shows what a test changed besides rows.

The result has, for each catalogue, the number of rows, and a hash of them or the newest transaction that wrote a row.
"""
_RESET = "ROLLBACK; RESET ROLE; CLOSE ALL; UNLISTEN *; SELECT pg_advisory_unlock_all(); DISCARD TEMP; RESET ALL"
_FEW = 50
"""If a statement counts the rows of more tables than this, it is prepared, because later tests run it again."""
_MANY_ROWS = 5_000
"""Largest number of rows that are deleted from a table. For more rows, copying the template again is faster."""


@dataclass(frozen=True)
class Template:
    """The content of a database that is copied for tests."""

    rows: dict[str, bytes]
    sequences: list[Any]
    tables: list[str]

    @classmethod
    def of(cls, connection: psycopg.Connection[Any]) -> Template:
        """Read the content through an administrator's connection."""
        tables = [table for (table,) in connection.execute(_TABLES)]
        rows = {
            table: _copied_out(connection, table) for table, (count, _) in _counted(connection, tables).items() if count
        }
        return cls(rows, connection.execute(_SEQUENCES).fetchall(), tables)


def _counted(connection: psycopg.Connection[Any], tables: Collection[str]) -> dict[str, tuple[int, int]]:
    """Return for each table how many rows it has, and the newest transaction that wrote one of them."""
    if not tables:
        return {}
    counting = " UNION ALL ".join(f"SELECT '{each}', count(*), {_NEWEST} FROM {each} AS t" for each in tables)
    # The statement for all tables runs after each test, and planning it takes much longer than running it.
    figures = connection.execute(counting.encode(), prepare=len(tables) > _FEW)
    return {table: (count, newest) for table, count, newest in figures}


def _copied_out(connection: psycopg.Connection[Any], table: str) -> bytes:
    with connection.cursor().copy(sql.SQL("COPY {} TO STDOUT").format(sql.SQL(table))) as copy:
        return b"".join(map(bytes, copy))


class _ReusableConnections(database._KeptConnections):
    """Connections to one ledger and to its sources, by their addresses.

    When a test closes a connection, the connection stays open here, and a later test uses it again.
    """

    def __init__(self) -> None:
        super().__init__(())
        self.given = _EmptyCache()
        self._owner = os.getpid()

    def takes(self, conn_id: str) -> bool:
        return self._address(conn_id) is not None

    def put_back(self, conn_id: str, connection: Connection) -> None:
        address = self._address(conn_id) or ""
        # The test may have set another address since it opened the connection.
        if connection.closed or not all(word in address for word in (connection.info.user, connection.info.dbname)):
            connection.close()
        else:
            super().put_back(address, connection)

    def take(self, conn_id: str) -> Connection | None:
        address = self._address(conn_id)
        return super().take(address) if address else None

    def _address(self, conn_id: str) -> str | None:
        """Return the address of a connection in the environment.

        Return ``None`` in a forked process, which needs connections of its own.
        """
        return os.environ.get(f"AIRFLOW_CONN_{conn_id.upper()}") if os.getpid() == self._owner else None

    def pids(self) -> list[int]:
        """Return the ids of the connections' server processes."""
        with self._guard:
            return [each.info.backend_pid for idle in self._idle.values() for each in idle if not each.closed]


class _EmptyCache(dict[str, Any]):
    """A cache that stores nothing, because a cached value would be wrong in the next test."""

    def __setitem__(self, name: str, value: Any) -> None:
        pass

    def setdefault(self, name: str, default: Any = None) -> Any:
        return default


_made: dict[str, GivenLedger] = {}


def given_ledger(database_name: str) -> GivenLedger:
    """Return the ledger with that name."""
    return _made[database_name]


def is_given(database_name: str) -> bool:
    """Return whether a database is a ledger that one test after another uses."""
    return database_name in _made


def leave(database_name: str) -> None:
    """Close all open connections of a ledger, so that it can be copied. The next test gets another ledger."""
    if database_name in _made:
        _made[database_name].let_go()


def keep_no_connections() -> None:
    """Close all connections that are open for reuse. From now on, really close each connection that a test closes."""
    if isinstance(database._kept, _ReusableConnections):
        database._kept.close()
    database._kept = None


def kept_by_tests() -> list[int]:
    """Return the ids of server processes of connections that tests closed and that are open for reuse."""
    return database._kept.pids() if isinstance(database._kept, _ReusableConnections) else []


@dataclass
class GivenLedger:
    """A copy of a template that one test after another uses."""

    name: str
    dsn: str
    template: Template
    _administrator: psycopg.Connection[Any] = field(init=False)
    _of_tests: psycopg.Connection[Any] | None = None
    """The administrator's connection that the tests use."""
    _closed: _ReusableConnections = field(default_factory=_ReusableConnections)

    def __post_init__(self) -> None:
        _made[self.name] = self
        # This connection inserts and deletes without triggers and foreign keys. Changing session_replication_role later
        # would discard the prepared plans of the connection.
        replica = "-c session_replication_role=replica"
        self._administrator = psycopg.connect(self.dsn, autocommit=True, options=replica)
        self._shape = self._shown()
        self._counted = _counted(self._administrator, self.template.tables)

    def lend(self) -> None:
        """Begin to hand out connections that earlier tests closed. This runs before each test."""
        database._kept = self._closed

    def connection(self) -> psycopg.Connection[Any]:
        """Return an administrator's connection in autocommit, for the SQL statements of one test after another."""
        if self._of_tests is None or self._of_tests.closed:
            self._of_tests = psycopg.connect(self.dsn, autocommit=True, row_factory=dict_row)
        return self._of_tests

    def take_back(self) -> None:
        """Stop handing out connections that earlier tests closed. This runs after each test."""
        database._kept = None
        if self._of_tests is not None:
            try:
                self._of_tests.execute(_RESET)
            except psycopg.Error:
                self._of_tests.close()

    def let_go(self) -> None:
        """Close all connections, so that the database can be dropped."""
        self._closed.close()
        for each in filter(None, (self._administrator, self._of_tests)):
            with suppress(psycopg.Error):
                each.close()

    def pids(self) -> list[int]:
        """Return the ids of server processes of all connections that are open for reuse."""
        ours = [each for each in (self._administrator, self._of_tests) if each is not None and not each.closed]
        return [*self._closed.pids(), *(each.info.backend_pid for each in ours)]

    def emptied(self) -> bool:
        """Restore the content of the template, and return whether that was possible.

        Return ``False`` if a test changed more than rows, or wrote very many rows.
        """
        try:
            return self._emptied()
        except psycopg.Error:
            return False

    def _emptied(self) -> bool:
        if self._shown() != self._shape:
            return False
        counted = _counted(self._administrator, self.template.tables)
        changed = [table for table, figures in counted.items() if figures != self._counted[table]]
        if max((counted[table][0] for table in changed), default=0) > _MANY_ROWS:
            return False
        self._fill(changed, self.template)
        self._counted = counted | _counted(self._administrator, changed)
        return True

    def _shown(self) -> list[Any]:
        return self._administrator.execute(_SHAPE, prepare=True).fetchall()

    def as_it_is(self) -> Template:
        """Return the present content, for :meth:`become`."""
        return Template.of(self._administrator)

    def become(self, other: Template) -> None:
        """Replace the rows by those of another ledger's content."""
        counted = _counted(self._administrator, self.template.tables)
        self._fill([table for table, (count, _) in counted.items() if count or table in other.rows], other)

    def _fill(self, tables: Collection[str], template: Template) -> None:
        moved = set(self._administrator.execute(_SEQUENCES, prepare=True)) - set(template.sequences)
        was = {name: (last or start, last is not None) for name, start, last in template.sequences}
        steps = [f"DELETE FROM {table}" for table in tables]
        steps += [f"SELECT setval('{name}', {was[name][0]}, {was[name][1]})" for name, _, _ in moved]
        with self._administrator.transaction():
            self._administrator.execute("; ".join(steps))
            for table in set(tables) & set(template.rows):
                with self._administrator.cursor().copy(f"COPY {table} FROM STDIN") as copy:  # type: ignore[arg-type]
                    copy.write(template.rows[table])
