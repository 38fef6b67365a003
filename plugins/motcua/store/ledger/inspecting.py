"""Compare the server and the ledger with what this version expects, and print the data dictionary.

The comparison covers roles, parameters, migrations and database objects. The dictionary is made from the comments in
the database.
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
    """A role of the server, with its rights beyond the ledger's tables."""

    name: str
    rights: list[str]
    sessions: int
    """How many sessions the role may have at once. Below 0 there is no limit."""
    valid_until: datetime | None
    """Until when the role's password is valid. ``None`` if it does not expire."""


@dataclass(frozen=True, slots=True)
class ServerThere:
    """The server's clock, version and limit of sessions."""

    clock: datetime
    version: int
    """The version in libpq's form: 180006 is 18.6."""
    sessions: int
    """How many sessions the database allows at once. Below 0 there is no limit."""


def roles_there(connection: Connection, names: Collection[str], owner: str) -> list[RoleThere]:
    """Return the roles among these names that exist on the server."""
    return values_of(RoleThere, connection.execute(statement("doctor/roles"), {"names": list(names), "owner": owner}))


def server_there(connection: Connection) -> ServerThere:
    """Return the server's clock and version, and how many sessions the database allows."""
    (row,) = connection.execute(statement("doctor/server")).fetchall()
    return value_of(ServerThere, row)


def applied_migrations(connection: Connection) -> set[str]:
    """Return the names of the ledger's migrations after version 0.2.0 (from ``motcua.applied_migrations``).

    The set is empty if the ledger was never migrated.
    """
    try:
        rows = connection.execute(statement("doctor/migrations"))
        return {row["migration_id"] for row in rows if row["migration_id"] > BEGINNING}
    except (psycopg.errors.UndefinedTable, psycopg.errors.InvalidSchemaName):
        return set()


def may_write(connection: Connection) -> bool:
    """Return whether this connection's role may change anything in the database. A role that reads sources must not."""
    (row,) = connection.execute(statement("doctor/source_role")).fetchall()
    return bool(row["may_write"])


def agencies_without_dossiers(connection: Connection, before: datetime) -> list[str]:
    """Return the codes of agencies that were enabled before ``before`` and have no dossier from any source."""
    rows = connection.execute(statement("doctor/agencies_without_dossiers"), {"before": before})
    return [row["agency_code"] for row in rows]


# --- Parameters ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ParameterThere:
    """A parameter of the server, with its value at the start of a session of ours."""

    name: str
    setting: str
    unit: str
    by_default: str | None
    source: str
    """Where the value comes from. ``client`` means that the connection itself sets it."""


@dataclass(frozen=True, slots=True)
class ParameterOverride:
    """A parameter that is set for one role, one database, or one role in one database.

    An empty ``role`` stands for all roles, and an empty ``database`` for all databases.
    """

    role: str
    database: str
    name: str
    setting: str


def parameters_there(connection: Connection, *, asked_for: bool = False) -> list[ParameterThere]:
    """Return every parameter of the server that this connection's role may read.

    With ``asked_for``, return only parameters that the connection itself sets.
    """
    return values_of(ParameterThere, connection.execute(statement("doctor/parameters"), {"asked_for": asked_for}))


def parameters_set_apart(connection: Connection, roles: Collection[str]) -> list[ParameterOverride]:
    """Return the parameters that are set for these roles or this database, in addition to the server's
    configuration."""
    return values_of(ParameterOverride, connection.execute(statement("doctor/set_apart"), {"roles": list(roles)}))


# --- Objects ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class LedgerObject:
    """An object of the ledger's schemas."""

    made_as: str
    """A hash of the definition as PostgreSQL writes it; for a table, a hash of its columns."""
    owner: str
    """The object's owner. Empty if the owner of the schema ``motcua`` owns the object."""
    rights: frozenset[str]
    """The rights of other roles, for example ``motcua_pages SELECT status_code``."""


Objects: TypeAlias = Mapping[tuple[str, str], LedgerObject]
"""Objects by kind and name."""


def objects_there(connection: Connection) -> Objects:
    """Return every object of the ledger's schemas. The connection must be in autocommit mode."""
    with connection.transaction():
        # With an empty search_path PostgreSQL writes full names, whatever path this role has.
        connection.execute("SET LOCAL search_path = ''")
        rows = connection.execute(statement("doctor/objects")).fetchall()
    return {
        (row["kind"], row["name"]): LedgerObject(row["made_as"], row["owner"], frozenset(row["rights"])) for row in rows
    }


@cache
def objects_expected() -> Objects:
    """Return the objects that a ledger of this version has, from include/sql/objects.tsv.

    ``python -m tests.ledger_objects`` writes this file from a fresh ledger.
    """
    found: dict[tuple[str, str], LedgerObject] = {}
    for line in (include_dir() / "sql" / "objects.tsv").read_text(encoding="utf-8").splitlines():
        kind, name, made_as, owner, rights = line.split("\t")
        found[kind, name] = LedgerObject(made_as, owner, frozenset(filter(None, rights.split(";"))))
    return found


@dataclass(frozen=True, slots=True)
class ObjectsDiffer:
    """The differences between a ledger and what this version expects, in words."""

    definitions: list[str]
    """Differing functions, views and triggers. Each ``motcua migrate`` creates them anew."""
    tables: list[str]
    """Other differing objects, which only migrations change: tables and their columns, indexes, constraints, owners."""
    rights_too_many: list[str]
    rights_lacking: list[str]


_DEFINED = ("function", "view", "trigger")
_LEFT_TO_OTHERS = ("index",)
"""Kinds of objects that anybody may add without changing what the ledger does."""


def compare_objects(there: Objects, expected: Objects, roles: Collection[str], *, strangers: bool) -> ObjectsDiffer:
    """Return how the objects of a ledger differ from the expected objects.

    Missing rights are reported only for the given roles. With ``strangers``, surplus rights of all other roles are
    reported too. The caller must not set ``strangers`` if one of our roles may have another name.
    """
    differ = ObjectsDiffer([], [], [], [])
    for key in sorted(there.keys() | expected.keys()):
        kind, name = key
        has, had = there.get(key), expected.get(key)
        if (has is None or had is None) and _belongs_to_differing_table(key, there, expected):
            continue
        reported = differ.definitions if kind in _DEFINED else differ.tables
        if had is None or has is None:
            if had is not None:
                reported.append(f"{kind} {name} is missing{_written_in(name)}")
            elif kind not in _LEFT_TO_OTHERS:
                reported.append(f"{kind} {name} was not created by motcua")
            continue
        if has.made_as != had.made_as:
            reported.append(f"{kind} {name} differs{_written_in(name)}")
        if has.owner != had.owner:
            differ.tables.append(f"{kind} {name} belongs to {has.owner or 'the owner of the ledger'}")
            continue
        more, less = has.rights - had.rights, had.rights - has.rights
        ours = {*roles, "PUBLIC"}
        differ.rights_too_many.extend(
            _rights_in_words(kind, name, (each for each in more if strangers or _role_of(each) in ours))
        )
        differ.rights_lacking.extend(_rights_in_words(kind, name, (each for each in less if _role_of(each) in ours)))
    return differ


def _belongs_to_differing_table(key: tuple[str, str], there: Objects, expected: Objects) -> bool:
    """Return whether an object belongs to a table that is missing or unknown.

    The report on the table covers such an object.
    """
    kind, name = key
    table = name.rpartition(" on ")[2] if kind in ("trigger", "rule") else name.partition(" ")[0]
    of = ("table", table)
    return kind in ("trigger", "rule", "constraint") and (of in there) != (of in expected)


def _role_of(right: str) -> str:
    return right.partition(" ")[0]


def _rights_in_words(kind: str, name: str, rights: Iterable[str]) -> Iterable[str]:
    named = name if kind in ("table", "view") else f"{kind} {name}"
    for each in sorted(rights):
        role, _, right = each.partition(" ")
        yield f"{role}: {right} on {named}"


def _written_in(name: str) -> str:
    """Return the file that creates an object: the file with its name, or else the last file that contains its name.

    Definitions come first, then the schema, then migrations from the oldest to the newest.
    """
    short = re.split(r" on |\(", name)[0].rpartition(" ")[2].rpartition(".")[2]
    sql = include_dir() / "sql"
    files = [
        path for folder in ("definitions", "schema", "migrations") for path in sorted((sql / folder).rglob("*.sql"))
    ]
    found = [path for path in files if re.search(rf"\b{short}\b", path.read_text(encoding="utf-8"))]
    own = next((path for path in found if path.stem == short), found[-1] if found else None)
    return f" (include/sql/{own.relative_to(sql)})" if own else ""


_HEAD = """# Data dictionary

Printed by `motcua data-dictionary` from the comments in the database. The tables are in schema `motcua`. The tables of
pushed data come last and are in schema `intake`. Auditors read the views of the same names in schema `audit`, which
leave out personal data.
"""


def data_dictionary(connection: Connection) -> str:
    """Return Markdown with every table and column of the ledger."""
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
