"""One-stop databases of another make (SQL Server, Oracle, MySQL) behind foreign tables of a PostgreSQL in between."""

from __future__ import annotations

import re
from typing import LiteralString

from motcua.sources.contract import ContractSource
from motcua.sources.patience import answered_within
from motcua.store.ledger.database import Connection
from motcua.store.ledger.queries import statement

_SET_WITHIN = 5.0
"""Seconds for SQL statements that do not query the other database."""
_COMPARED = re.compile(
    r"(?P<time>%\((?:since|start|end|recorded_since|updated_since)\)s)|(?P<number>%\(after\)s)"
    r"|(?:timestamptz )?(?P<day>'[0-9]{4}-01-01')"
)
"""The places of a query where a column is compared with a time or a number."""


def _beside_the_query(found: re.Match[str]) -> str:
    # The value of a subquery is known when the SQL statement runs, and not when it is planned. So the value is sent to
    # the other database as a parameter, beside the text of the query.
    if number := found["number"]:
        return f"(SELECT {number}::bigint)"
    return f"(SELECT {found['time'] or found['day']}::timestamptz)"


class ForeignTablesSource(ContractSource):
    """Reads the contract's views over foreign tables. The form of the queries lets the *far side* (the other database)
    use its indexes.

    A time goes to the far side as a parameter, beside the text of the query. Otherwise PostgreSQL would write it into
    the query with its zone (``'2026-11-25 03:00:00+00'``): MariaDB then reads every row, and MySQL refuses it. With
    lists it is the opposite: PostgreSQL sends them to the far side only if they are written into the query.

    The far side orders texts by its own collation. A merge join would rely on PostgreSQL's order, so only hash joins
    are used.

    A source behind foreign tables has no snapshot: each foreign table, and each SQL statement, shows the rows of its
    own moment (docs/operations/foreign-databases.md).
    """

    def __init__(self, connection: Connection, source: str = "") -> None:
        with answered_within(connection, _SET_WITHIN):
            connection.execute(statement("sources/foreign_tables/join_by_hash"))
            connection.commit()
        super().__init__(connection, source)
        # A prepared statement would send lists as parameters, and not within the text of the query.
        connection.prepare_threshold = None

    def _statement(self, of: LiteralString, name: LiteralString) -> LiteralString:
        own = (of, name) == ("sources/reading", "latest")
        text = statement("sources/foreign_tables/latest") if own else super()._statement(of, name)
        return _COMPARED.sub(_beside_the_query, text)
