"""The data dictionary, written from the database's own comments."""

from __future__ import annotations

from itertools import groupby
from operator import itemgetter

from motcua.store.ledger.database import Connection
from motcua.store.ledger.queries import statement

_HEAD = """# Data dictionary

Printed by `motcua data-dictionary` from the comments in the database; the tables are in schema `motcua`, and those of
what is pushed, which come last, in schema `intake`. Auditors read the views of the same names in schema `audit`, which
leave out whatever is personal.
"""


def data_dictionary(connection: Connection) -> str:
    """Markdown with every table and column."""
    rows = connection.execute(statement("data_dictionary/columns"), {}).fetchall()
    parts = [_HEAD]
    for table, columns in groupby(rows, key=itemgetter("table_name")):
        listed = list(columns)
        parts.append(
            f"\n## {table}\n\n{listed[0]['table_comment'] or ''}\n\n| column | type | meaning |\n| --- | --- | --- |\n"
        )
        for column in listed:
            optional = ", may be empty" if column["nullable"] else ""
            parts.append(
                f"| {column['column_name']} | {column['column_type']}{optional} | {column['column_comment'] or ''} |\n"
            )
    return "".join(parts)
