"""Load SQL statements by name.

``statement("messages/claiming/claim_due")`` returns the SQL below ``-- name: claim_due`` in messages/claiming.sql.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from typing import LiteralString

from motcua.settings import include_dir

_NAMED = re.compile(r"^-- name: (\w+)$", re.MULTILINE)
_ENDED = re.compile(r"\s*(.*);\s*(?:--[^\n]*\s*)?", re.DOTALL)


@cache
def statement(name: str) -> LiteralString:
    """Return an SQL statement with ``%(name)s`` parameters, by its file below ``include/sql`` and its own name.

    Raises:
        FileNotFoundError: there is no such file.
        LookupError: the file has no such SQL statement, or two SQL statements of the file have the same name, or an SQL
            statement of the file has no semicolon at its end.
    """
    file, _, own = name.rpartition("/")
    found = statements_of(file)
    if own not in found:
        raise LookupError(f"include/sql/{file}.sql has no statement {own!r}; it has {', '.join(found)}")
    return found[own]


@cache
def statements_of(file: str) -> Mapping[str, LiteralString]:
    """Return the SQL statements of a file by their own names, in the file's order.

    Lines that are comments are left out. Each SQL statement begins with its whole name as a comment, so that
    PostgreSQL's log and list of sessions show the name first.

    Raises:
        FileNotFoundError: there is no such file.
        LookupError: two SQL statements have the same name, or an SQL statement has no semicolon at its end.
    """
    text = (include_dir() / "sql" / f"{file}.sql").read_text(encoding="utf-8")
    found: dict[str, LiteralString] = {}
    _, *parts = _NAMED.split(text)
    for own, body in zip(parts[::2], parts[1::2], strict=True):
        if own in found:
            raise LookupError(f"include/sql/{file}.sql has two statements {own!r}")
        sql = _ENDED.fullmatch("\n".join(line for line in body.splitlines() if not line.lstrip().startswith("--")))
        if sql is None:
            raise LookupError(f"include/sql/{file}.sql: no semicolon ends {own!r}")
        # psycopg's types accept only literal strings, so that nobody composes SQL from values. The text of a file of
        # the project is as safe as a literal string.
        found[own] = f"-- {file}/{own}\n{sql[1]}"
    return found
