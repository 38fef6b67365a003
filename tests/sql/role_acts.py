"""Write docs/role-acts.md: the functions that each role of the ledger may call, each with its comment in the database.

``python -m tests.sql.role_acts`` writes the page again. A test compares the page with a migrated ledger.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

import psycopg
from psycopg.rows import class_row

from motcua.store.ledger.migrations import SCHEMAS
from motcua.store.ledger.provisioning import PARTS

PATH = Path(__file__).parents[2] / "docs" / "role-acts.md"
_HEAD = """# What each role may do by a function

A role may call the functions under each heading that names the role. A function runs with its owner's rights, and its
sentence states what the role can do with it. Rights on tables: `include/sql/definitions/rights.sql`.
`python -m tests.sql.role_acts` writes this page. Reasons: [decisions/roles](decisions/roles.md).
"""


class Act(NamedTuple):
    """A function that a role may call."""

    role: str
    function: str
    what: str | None
    """The function's comment in the database; ``None`` if the function has no comment."""


def acts(dsn: str) -> list[Act]:
    """Return the functions of the ledger that its roles may call."""
    with psycopg.connect(dsn, row_factory=class_row(Act)) as ledger:
        found = ledger.execute(
            "SELECT r.rolname AS role, n.nspname || '.' || p.proname AS function,"
            " obj_description(p.oid, 'pg_proc') AS what"
            " FROM pg_proc AS p JOIN pg_namespace AS n ON p.pronamespace = n.oid"
            " CROSS JOIN aclexplode(p.proacl) AS a JOIN pg_roles AS r ON a.grantee = r.oid"
            " WHERE n.nspname = any(%s) AND r.rolname = any(%s) AND a.grantee <> p.proowner ORDER BY 1, 2",
            (SCHEMAS, list(PARTS)),
        )
        return found.fetchall()


def page_of(found: list[Act]) -> str:
    """Return the page: each function once, under the roles that may call it."""
    roles: dict[tuple[str, str | None], list[str]] = {}
    for act in found:
        roles.setdefault((act.function, act.what), []).append(act.role)
    by_roles: dict[tuple[str, ...], list[str]] = {}
    for (function, what), named in roles.items():
        by_roles.setdefault(tuple(named), []).append(f"| `{function}` | {what} |")
    parts = [_HEAD]
    for named, rows in sorted(by_roles.items()):
        heading = ", ".join(f"`{role}`" for role in named)
        parts.append("\n".join([f"## {heading}\n", "| function | what it does |", "| --- | --- |", *sorted(rows), ""]))
    return "\n".join(parts)


if __name__ == "__main__":
    from tests.prove.worlds.ledgers import proving_ledger, proving_server

    with (
        tempfile.TemporaryDirectory() as folder,
        proving_server(Path(folder)) as server,
        proving_ledger(server, "acts") as ledger,
    ):
        PATH.write_text(page_of(acts(ledger)), encoding="utf-8")
    sys.stdout.write(f"{PATH.name} written\n")
