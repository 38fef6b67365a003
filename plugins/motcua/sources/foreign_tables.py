"""One-stop databases other than PostgreSQL (SQL Server, Oracle, MySQL), read through foreign tables of a PostgreSQL."""

from __future__ import annotations

import re
from typing import LiteralString

from motcua.sources.contract import ContractSource
from motcua.sources.patience import answered_within
from motcua.store.ledger.database import Connection
from motcua.store.ledger.queries import statement

_SET_WITHIN = 5.0
"""Time limit, in seconds, for SQL statements that do not query the other database."""
_COMPARED = re.compile(
    r"(?P<time>%\((?:since|start|end|recorded_since|updated_since)\)s)|(?P<number>%\(after\)s)"
    r"|(?:timestamptz )?(?P<day>'[0-9]{4}-01-01')"
)
"""Pattern of the times and numbers with which a query compares columns."""


def _beside_the_query(found: re.Match[str]) -> str:
    # PostgreSQL knows the value of a subquery only when the SQL statement runs, and not when the statement is planned.
    # It therefore sends the value to the other database as a parameter, separately from the text of the query.
    if number := found["number"]:
        return f"(SELECT {number}::bigint)"
    return f"(SELECT {found['time'] or found['day']}::timestamptz)"


class ForeignTablesSource(ContractSource):
    """Reads the contract's views over foreign tables. The *far side* is the other database, behind the foreign tables.

    The queries have a form with which the far side can use its indexes. A time is sent to the far side as a parameter,
    separately from the text of the query. Otherwise PostgreSQL would write the time with its zone into the query
    (``'2026-11-25 03:00:00+00'``). MariaDB would then read every row, and MySQL would refuse the query. A list, in
    contrast, must be written into the text of the query: PostgreSQL does not send a list to the far side as a
    parameter.

    The far side sorts texts by its own collation. A merge join would need PostgreSQL's order, so only hash joins are
    used.

    A source behind foreign tables has no snapshot: each foreign table, and each SQL statement, shows the rows of its
    own moment (docs/operations/foreign-databases.md).
    """

    def __init__(self, connection: Connection, source: str = "") -> None:
        with answered_within(connection, _SET_WITHIN):
            connection.execute(statement("sources/foreign_tables/join_by_hash"))
            connection.commit()
        super().__init__(connection, source)
        # Statements are not prepared, because a prepared statement has its lists as parameters and not in its text.
        connection.prepare_threshold = None

    def _statement(self, of: LiteralString, name: LiteralString) -> LiteralString:
        own = (of, name) == ("sources/reading", "latest")
        text = statement("sources/foreign_tables/latest") if own else super()._statement(of, name)
        return _COMPARED.sub(_beside_the_query, text)
