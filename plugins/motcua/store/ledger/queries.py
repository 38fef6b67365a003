"""SQL by name: ``statement("messages/claiming/claim")`` is include/sql/messages/claiming/claim.sql."""

from __future__ import annotations

from functools import cache
from typing import LiteralString

from motcua.settings import include_dir


@cache
def statement(name: str) -> LiteralString:
    """The one statement in ``include/sql/<name>.sql``, with ``%(name)s`` parameters.

    Raises:
        FileNotFoundError: there is no such file.
    """
    # psycopg takes only literal strings, so that nobody composes SQL from values; a file of ours is one.
    text: LiteralString = (include_dir() / "sql" / f"{name}.sql").read_text(encoding="utf-8")
    return text
