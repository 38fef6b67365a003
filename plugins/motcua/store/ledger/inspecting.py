"""Whether server and ledger are as this version leaves them: roles, parameters, migrations, objects; and what each
column means, from the database's own comments.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from itertools import groupby
from operator import itemgetter
from typing import TypeAlias

import psycopg

from motcua.settings import include_dir
from motcua.store.ledger.database import Connection
from motcua.store.ledger.migrations import BEGINNING
from motcua.store.ledger.queries import statement
from motcua.store.ledger.rows import value_of, values_of


@dataclass(frozen=True, slots=True)
class RoleThere:
    """A role of the server, with rights beyond the ledger's tables."""

    name: str
    rights: list[str]
    sessions: int
    """It may have at once; below 0: any number."""
    valid_until: datetime | None
    """Its password; ``None``: for ever."""


@dataclass(frozen=True, slots=True)
class ServerThere:
    """The server."""

    clock: datetime
    version: int
    """As libpq gives it: 180006 is 18.6."""
    sessions: int
    """The database lets in at once; below 0: any number."""


def roles_there(connection: Connection, names: Collection[str], owner: str) -> list[RoleThere]:
    """Those of these roles that there are."""
    return values_of(RoleThere, connection.execute(statement("doctor/roles"), {"names": list(names), "owner": owner}))


def server_there(connection: Connection) -> ServerThere:
    """The server's clock and version, and how many the database lets in."""
    (row,) = connection.execute(statement("doctor/server")).fetchall()
    return value_of(ServerThere, row)


def applied_migrations(connection: Connection) -> set[str]:
    """Names of the migrations after version 0.2.0 that the ledger has; of one that never was migrated, none."""
    try:
        rows = connection.execute(statement("doctor/migrations"))
        return {row["migration_id"] for row in rows if row["migration_id"] > BEGINNING}
    except (psycopg.errors.UndefinedTable, psycopg.errors.InvalidSchemaName):
        return set()


def may_write(connection: Connection) -> bool:
    """Whether whoever is connected may change anything in the database, as at a source, where we only read."""
    (row,) = connection.execute(statement("doctor/source_role")).fetchall()
    return bool(row["may_write"])


def agencies_without_dossiers(connection: Connection, before: datetime) -> list[str]:
    """Codes of agencies that were enabled before then and of which no source ever brought a dossier."""
    rows = connection.execute(statement("doctor/agencies_without_dossiers"), {"before": before})
    return [row["agency_code"] for row in rows]


# --- Parameters ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ParameterThere:
    """A parameter of the server as a session of ours meets it when it begins."""

    name: str
    setting: str
    unit: str
    by_default: str | None
    source: str
    """``client``: the connection itself asks for it."""


@dataclass(frozen=True, slots=True)
class SetApart:
    """A parameter that is set for a role alone, for a database, or for both; empty: for all."""

    role: str
    database: str
    name: str
    setting: str


def parameters_there(connection: Connection, *, asked_for: bool = False) -> list[ParameterThere]:
    """Every parameter of the server, as far as whoever is connected may know it.

    ``asked_for``: those alone that the connection itself asks for.
    """
    return values_of(ParameterThere, connection.execute(statement("doctor/parameters"), {"asked_for": asked_for}))


def parameters_set_apart(connection: Connection, roles: Collection[str]) -> list[SetApart]:
    """What is set for these roles, or for the database that is connected to, beside the server's own configuration."""
    return values_of(SetApart, connection.execute(statement("doctor/set_apart"), {"roles": list(roles)}))


# --- Objects ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class LedgerObject:
    """An object of the ledger's schemas."""

    made_as: str
    """A hash of its definition as PostgreSQL writes it, and of a table of its columns."""
    owner: str
    """Empty: who owns the schema ``motcua``."""
    rights: frozenset[str]
    """Of others: ``motcua_pages SELECT status_code``."""


Objects: TypeAlias = Mapping[tuple[str, str], LedgerObject]
"""By kind and name."""


def objects_there(connection: Connection) -> Objects:
    """Every object of the ledger's schemas; a connection in which each statement is a transaction of its own."""
    with connection.transaction():
        # Names are written whole then, whatever this role's path is.
        connection.execute("SET LOCAL search_path = ''")
        rows = connection.execute(statement("doctor/objects")).fetchall()
    return {
        (row["kind"], row["name"]): LedgerObject(row["made_as"], row["owner"], frozenset(row["rights"])) for row in rows
    }


@cache
def objects_expected() -> Objects:
    """What a ledger of this version is made of: include/sql/objects.tsv, which ``python -m tests.ledger_objects`` takes
    from a fresh one."""
    found: dict[tuple[str, str], LedgerObject] = {}
    for line in (include_dir() / "sql" / "objects.tsv").read_text(encoding="utf-8").splitlines():
        kind, name, made_as, owner, rights = line.split("\t")
        found[kind, name] = LedgerObject(made_as, owner, frozenset(filter(None, rights.split(";"))))
    return found


@dataclass(frozen=True, slots=True)
class ObjectsDiffer:
    """In what a ledger is not as this version makes it, each in words."""

    definitions: list[str]
    """Functions, views and triggers, which each migrate puts in force."""
    tables: list[str]
    """All else, which migrations alone make: tables with their columns, indexes, constraints, owners."""
    rights_too_many: list[str]
    rights_lacking: list[str]


_DEFINED = ("function", "view", "trigger")
_LEFT_TO_OTHERS = ("index",)
"""What somebody may add without changing what the ledger does."""


def compare_objects(there: Objects, expected: Objects, roles: Collection[str], *, strangers: bool) -> ObjectsDiffer:
    """In what a ledger differs; of roles that are not there no right is missed.

    ``strangers``: rights of roles that are none of ours are told, too: not where one of ours may have another name.
    """
    differ = ObjectsDiffer([], [], [], [])
    for key in sorted(there.keys() | expected.keys()):
        kind, name = key
        has, had = there.get(key), expected.get(key)
        if (has is None or had is None) and _is_of_another(key, there, expected):
            continue
        told = differ.definitions if kind in _DEFINED else differ.tables
        if had is None or has is None:
            if had is not None:
                told.append(f"{kind} {name} is missing{_written_in(name)}")
            elif kind not in _LEFT_TO_OTHERS:
                told.append(f"{kind} {name} is none of ours")
            continue
        if has.made_as != had.made_as:
            told.append(f"{kind} {name} is another{_written_in(name)}")
        if has.owner != had.owner:
            differ.tables.append(f"{kind} {name} belongs to {has.owner or 'the owner of all'}")
            continue
        more, less = has.rights - had.rights, had.rights - has.rights
        ours = {*roles, "PUBLIC"}
        differ.rights_too_many.extend(_in_words(kind, name, (each for each in more if strangers or _of(each) in ours)))
        differ.rights_lacking.extend(_in_words(kind, name, (each for each in less if _of(each) in ours)))
    return differ


def _is_of_another(key: tuple[str, str], there: Objects, expected: Objects) -> bool:
    """What belongs to a table that is missing, or is none of ours, and is told with it."""
    kind, name = key
    table = name.rpartition(" on ")[2] if kind in ("trigger", "rule") else name.partition(" ")[0]
    of = ("table", table)
    return kind in ("trigger", "rule", "constraint") and (of in there) != (of in expected)


def _of(right: str) -> str:
    return right.partition(" ")[0]


def _in_words(kind: str, name: str, rights: Iterable[str]) -> Iterable[str]:
    named = name if kind in ("table", "view") else f"{kind} {name}"
    for each in sorted(rights):
        role, _, right = each.partition(" ")
        yield f"{role}: {right} on {named}"


def _written_in(name: str) -> str:
    """The file that makes an object of this name; of several the one that is called like it, else the newest."""
    short = re.split(r" on |\(", name)[0].rpartition(" ")[2].rpartition(".")[2]
    sql = include_dir() / "sql"
    files = [
        path for folder in ("definitions", "schema", "migrations") for path in sorted((sql / folder).rglob("*.sql"))
    ]
    found = [path for path in files if re.search(rf"\b{short}\b", path.read_text(encoding="utf-8"))]
    own = next((path for path in found if path.stem == short), found[-1] if found else None)
    return f" (include/sql/{own.relative_to(sql)})" if own else ""


_HEAD = """# Data dictionary

Printed by `motcua data-dictionary` from the comments in the database; the tables are in schema `motcua`, and those of
what is pushed, which come last, in schema `intake`. Auditors read the views of the same names in schema `audit`, which
leave out whatever is personal.
"""


def data_dictionary(connection: Connection) -> str:
    """Markdown with every table and column."""
    rows = connection.execute(statement("ledger/columns_in_words"), {}).fetchall()
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
