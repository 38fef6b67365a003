"""SQL by name: ``statement("messages/claiming/claim_due")`` follows ``-- name: claim_due`` in messages/claiming.sql."""

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
    """A statement by its file's name below ``include/sql`` and its own, with ``%(name)s`` parameters.

    Raises:
        FileNotFoundError: there is no such file.
        LookupError: the file has no such statement; or two of one name, or one that no semicolon ends.
    """
    file, _, own = name.rpartition("/")
    found = statements_of(file)
    if own not in found:
        raise LookupError(f"include/sql/{file}.sql has no statement {own!r}, but {', '.join(found)}")
    return found[own]


@cache
def statements_of(file: str) -> Mapping[str, LiteralString]:
    """The statements of a file by their own names, in its order: each without lines that are comments, below its whole
    name, which PostgreSQL's log and list of sessions show first.

    Raises:
        FileNotFoundError: there is no such file.
        LookupError: two have one name, or one is not ended by a semicolon.
    """
    text = (include_dir() / "sql" / f"{file}.sql").read_text(encoding="utf-8")
    found: dict[str, LiteralString] = {}
    _, *parts = _NAMED.split(text)
    for own, told in zip(parts[::2], parts[1::2], strict=True):
        if own in found:
            raise LookupError(f"include/sql/{file}.sql has two statements {own!r}")
        sql = _ENDED.fullmatch("\n".join(line for line in told.splitlines() if not line.lstrip().startswith("--")))
        if sql is None:
            raise LookupError(f"include/sql/{file}.sql: no semicolon ends {own!r}")
        # psycopg takes only literal strings, so that nobody composes SQL from values; a file of ours is one.
        found[own] = f"-- {file}/{own}\n{sql[1]}"
    return found
