"""include/sql/known_statements.json: each file of a statement that a publication may name, and the statement in it.

A publication names a query by its file's SHA-256, which changes with a comment. ``python -m tests.known_statements``
adds the files as they are now; what is there stays, so that an earlier publication's query is known to be the same.
"""

from __future__ import annotations

import json
import sys
from hashlib import sha256

from motcua.jobs.reconciliation.reporting import pinned_statements, statement_hash
from motcua.settings import include_dir

PATH = include_dir() / "sql" / "known_statements.json"


def as_they_are() -> dict[str, str]:
    """SHA-256 of each file now, and of the statement in it."""
    files = [include_dir() / "sql" / f"{name}.sql" for name in pinned_statements()]
    return {sha256(path.read_bytes()).hexdigest(): statement_hash(path.read_text(encoding="utf-8")) for path in files}


def recorded() -> dict[str, str]:
    """What the file knows."""
    known: dict[str, str] = json.loads(PATH.read_text(encoding="utf-8"))
    return known


if __name__ == "__main__":
    PATH.write_text(json.dumps(recorded() | as_they_are(), indent=1, sort_keys=True) + "\n", encoding="utf-8")
    sys.stdout.write(f"{PATH.name} written\n")
