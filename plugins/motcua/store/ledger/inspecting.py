"""Whether the ledger is as this version leaves it: roles, migrations, definitions, rights. Changes nothing."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import LiteralString

import psycopg
from psycopg import sql

from motcua.store.ledger.database import Connection
from motcua.store.ledger.definitions import texts_of_definitions
from motcua.store.ledger.migrations import BEGINNING
from motcua.store.ledger.queries import statement
from motcua.store.ledger.rows import value_of

_FUNCTION = re.compile(
    r"^CREATE OR REPLACE FUNCTION ([a-z_]+\.[a-z_0-9]+)((?:(?!^CREATE ).)*)", re.MULTILINE | re.DOTALL
)
_QUOTED_BODY = re.compile(r"\bAS \$(\w*)\$(.*?)\$\1\$", re.DOTALL)
_VIEW = re.compile(r"^CREATE OR REPLACE VIEW ([a-z_]+\.[a-z_0-9]+)\s+(.*?);$", re.MULTILINE | re.DOTALL)
_TRIGGER = re.compile(
    r"^CREATE OR REPLACE TRIGGER (\w+)\s+(?:BEFORE|AFTER)\s.*?\sON\s+([a-z_]+\.[a-z_0-9]+)", re.MULTILINE | re.DOTALL
)
_GIVEN = re.compile(r"\(\s*'((?:motcua|audit|intake|quality|statements)\.[a-z_0-9]+)',((?:\s*'[^']*',?)+)\s*\)")
_WORD = re.compile(r"'([^']*)'")
_PRIVILEGE = re.compile(r"\b(SELECT|INSERT|UPDATE|DELETE|TRUNCATE|REFERENCES|TRIGGER)\b")
_COLUMNS_OF_RIGHTS = ("motcua_app", "motcua_callbacks", "motcua_pages", "motcua_audit")
_OTHER_ROLES = ("motcua_intake", "motcua_purge", "motcua_eraser")


@dataclass(frozen=True, slots=True)
class RoleThere:
    """A role of the server, with rights beyond the ledger's tables."""

    name: str
    rights: list[str]


@dataclass(frozen=True, slots=True)
class ServerThere:
    """The server."""

    clock: datetime
    version: int
    """As libpq gives it: 180006 is 18.6."""
    zone: str


def roles_there(connection: Connection, names: Collection[str], owner: str) -> list[RoleThere]:
    """Those of these roles that there are."""
    rows = connection.execute(statement("doctor/roles"), {"names": list(names), "owner": owner})
    return [value_of(RoleThere, row) for row in rows]


def server_there(connection: Connection) -> ServerThere:
    """The server's clock, version and time zone."""
    (row,) = connection.execute(statement("doctor/server")).fetchall()
    return value_of(ServerThere, row)


def applied_migrations(connection: Connection) -> set[str]:
    """Names of the migrations after version 0.2.0 that the ledger has; of one that never was migrated, none."""
    try:
        rows = connection.execute(statement("doctor/migrations"))
        return {row["migration_id"] for row in rows if row["migration_id"] > BEGINNING}
    except (psycopg.errors.UndefinedTable, psycopg.errors.InvalidSchemaName):
        return set()


def catalog(connection: Connection) -> dict[tuple[str, str], str]:
    """Everything that the ledger's schemas are made of, by kind and name, ``("index", "motcua.messages_due")``: as
    PostgreSQL defines it. Ledgers of which this is the same have the same schema."""
    return {(row["kind"], row["name"]): row["definition"] for row in connection.execute(statement("ledger/catalog"))}


def may_write(connection: Connection) -> bool:
    """Whether whoever is connected may change anything in the database, as at a source, where we only read."""
    (row,) = connection.execute(statement("doctor/source_role")).fetchall()
    return bool(row["may_write"])


def agencies_without_dossiers(connection: Connection, before: datetime) -> list[str]:
    """Codes of agencies that were enabled before then and of which no source ever brought a dossier."""
    rows = connection.execute(statement("doctor/agencies_without_dossiers"), {"before": before})
    return [row["agency_code"] for row in rows]


def changed_definitions(connection: Connection) -> list[str]:
    """Functions, views and triggers that are missing or not as this version has them; a connection in which each
    statement is a transaction of its own."""
    texts = "\n".join(texts_of_definitions().values())
    return sorted(
        {*_changed_functions(connection, texts), *_changed_views(connection, texts), *_lost_triggers(connection, texts)}
    )


def _changed_functions(connection: Connection, texts: str) -> Iterable[str]:
    there: dict[str, set[str]] = defaultdict(set)
    for row in connection.execute(statement("doctor/functions")):
        there[row["name"]].add(row["body"])
    ours: dict[str, set[str]] = defaultdict(set)
    for name, rest in _FUNCTION.findall(texts):
        quoted = _QUOTED_BODY.search(rest)
        if quoted is not None:
            ours[name].add(quoted[2])
        elif (
            body := _as_written(connection, f"FUNCTION pg_temp.doctor_looks{rest}", "doctor/temporary_function")
        ) is not None:
            ours[name].add(body)
    return (f"function {name}" for name, bodies in ours.items() if there.get(name) != bodies)


def _changed_views(connection: Connection, texts: str) -> Iterable[str]:
    there = {row["name"]: row["body"] for row in connection.execute(statement("doctor/views"))}
    for name, rest in _VIEW.findall(texts):
        body = (
            _as_written(connection, f"VIEW pg_temp.doctor_looks {rest}", "doctor/temporary_view")
            if name in there
            else None
        )
        if name not in there or body not in (None, there[name]):
            yield f"view {name}"


def _as_written(connection: Connection, definition: str, query: LiteralString) -> str | None:
    """Ours the way that PostgreSQL writes what is there: made for this session alone, and taken back at once. ``None``:
    whoever is connected may make nothing."""
    text = definition.partition(";\n")[0]
    with connection.transaction(force_rollback=True):
        try:
            connection.execute(sql.SQL(f"CREATE {text}"))  # a file of ours: no value is in it
            (row,) = connection.execute(statement(query)).fetchall()
        except psycopg.errors.InsufficientPrivilege:
            return None
    return str(row["body"])


def _lost_triggers(connection: Connection, texts: str) -> Iterable[str]:
    there = {
        (row["name"], row["of_table"]) for row in connection.execute(statement("doctor/triggers")) if row["enabled"]
    }
    return (f"trigger {name} on {table}" for name, table in _TRIGGER.findall(texts) if (name, table) not in there)


def rights_too_many(connection: Connection) -> list[str]:
    """Rights on tables and views that nobody was to have: ``motcua_app: DELETE on motcua.messages``."""
    given = _rights_given()
    rows = connection.execute(statement("doctor/table_rights"), {"roles": [*_COLUMNS_OF_RIGHTS, *_OTHER_ROLES]})
    return sorted(
        f"{row['role']}: {row['privilege']} on {row['named']}"
        for row in rows
        if row["privilege"] not in given[row["named"], row["role"]]
    )


def _rights_given() -> dict[tuple[str, str], set[str]]:
    """By table and role, what definitions/rights.sql gives, be it on a column alone."""
    given: dict[tuple[str, str], set[str]] = defaultdict(set)
    for named, rest in _GIVEN.findall(texts_of_definitions()["rights"]):
        # Literals on lines one after the other are one, in SQL, too.
        words = _WORD.findall(re.sub(r"'\s*\n\s*'", "", rest))
        by_role = (
            {words[0]: words[1]} if words[0] in _OTHER_ROLES else dict(zip(_COLUMNS_OF_RIGHTS, words, strict=True))
        )
        for role, rights in by_role.items():
            # In brackets stand columns, whose names may look like anything.
            given[named, role] |= set(_PRIVILEGE.findall(re.sub(r"\([^)]*\)", "", rights)))
    return given
