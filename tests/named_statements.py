"""List the SQL statements of include/sql, file by file, for tests that check every statement."""

from __future__ import annotations

from motcua.settings import include_dir
from motcua.store.ledger.queries import statement, statements_of

ROOT = include_dir() / "sql"
_OF_THE_SCHEMA = {"migrations", "definitions", "schema"}

FILES = sorted(
    str(path.relative_to(ROOT).with_suffix(""))
    for path in ROOT.rglob("*.sql")
    if path.relative_to(ROOT).parts[0] not in _OF_THE_SCHEMA
)
"""Files of SQL statements, except files that create tables, functions and views."""
NAMES = [f"{file}/{own}" for file in FILES if not file.startswith("sandbox/") for own in statements_of(file)]
"""Names of SQL statements, without those of the demo's own databases."""
TEXTS = {name: statement(name) for name in NAMES}
