"""Write include/sql/objects.tsv: the objects of a fresh ledger, with which ``motcua doctor`` compares a ledger.

``python -m tests.ledger_objects`` writes the file again, from a ledger that it creates and drops.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import psycopg
from psycopg.rows import dict_row

from motcua.commands.ledger import LEDGER
from motcua.settings import include_dir
from motcua.store.ledger.inspecting import Objects, objects_there
from tests.ground import make_ledger, own_server


def of_fresh_ledger() -> Objects:
    """Return the objects of a freshly migrated ledger that has every role."""
    with tempfile.TemporaryDirectory() as folder, own_server(Path(folder)) as server:
        dsn = make_ledger(server.admin_dsn, LEDGER)
        with psycopg.connect(dsn, autocommit=True, row_factory=dict_row) as ledger:
            return objects_there(ledger)


if __name__ == "__main__":
    lines = [
        "\t".join((kind, name, each.made_as, each.owner, ";".join(sorted(each.rights))))
        for (kind, name), each in sorted(of_fresh_ledger().items())
    ]
    (include_dir() / "sql" / "objects.tsv").write_text("\n".join(lines) + "\n", encoding="utf-8")
