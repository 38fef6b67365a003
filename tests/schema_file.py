"""The ledger as it is, table by table and function by function: docs/schema.sql, written by PostgreSQL's own pg_dump.

``python -m tests.schema_file`` writes it anew; a test holds it against a migrated ledger.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from pathlib import Path

from motcua.sandbox.machine.postgres import binaries

PATH = Path(__file__).parents[1] / "docs" / "schema.sql"
SCHEMAS = ("motcua", "audit", "intake", "quality", "statements")
_HEAD = """-- The ledger as migrations and definitions leave it; written by `python -m tests.schema_file`, not by hand.
-- What each table is for: docs/data-dictionary.md. Where a function or view is changed: include/sql/definitions.
"""
_OF_THIS_RUN = re.compile(
    r"^(\\(un)?restrict .*|-- Dumped (from|by) .*|SET .*|SELECT pg_catalog\.set_config.*|--)\n", re.M
)
"""Versions, a random key, settings of the session, and lines that hold nothing."""


def schema_of(dsn: str) -> str:
    """Every table, index, function, view, trigger and privilege of a ledger, as commands of SQL, without comments."""
    command = [str(binaries() / "pg_dump"), "--schema-only", "--no-owner", "--no-comments", "--dbname", dsn]
    command += [f"--schema={name}" for name in SCHEMAS]
    written = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return _HEAD + re.sub(r"\n{3,}", "\n\n", _OF_THIS_RUN.sub("", written)).rstrip() + "\n"


if __name__ == "__main__":
    from tests.prove.worlds.ledgers import proving_ledger, proving_server

    with (
        tempfile.TemporaryDirectory() as folder,
        proving_server(Path(folder)) as server,
        proving_ledger(server, "schema") as ledger,
    ):
        PATH.write_text(schema_of(ledger), encoding="utf-8")
    sys.stdout.write(f"{PATH.name} written\n")
