"""The sandbox's one-stop databases, two vendors' software, and the database of what truly happens."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import psycopg
from psycopg import sql

from motcua.store.ledger.provisioning import Role, allow_connect, ensure_database, ensure_role, with_database
from motcua.store.ledger.queries import statement

SOURCES = {"khanhhoa": "contract", "vanphong": "opencps"}
"""Each source and the adapter that reads it, as ``MOTCUA_SOURCES`` names them."""

PUSHED = {"camlam": "national_sync"}
"""The source that has no database here: its software pushes (include/sandbox/pushing.yaml)."""

DROPPED = {"khanhson": "files"}
"""Another one without: its exports are dropped into a folder (include/sandbox/exporting.yaml)."""

OWN_SOURCES = ",".join(f"{name}={adapter}" for name, adapter in (SOURCES | PUSHED | DROPPED).items())
"""All of them, as ``MOTCUA_SOURCES`` is written."""

TRUTH = "world_truth"
"""Database, and role that owns it, of what truly happens."""

ROLES = (
    *(f"onestop_{source}_{part}" for source in SOURCES for part in ("world", "reader")),
    TRUTH,
)
"""Every role that needs a password."""


@dataclass(frozen=True, slots=True)
class SourceAddress:
    """How to reach one source: ``writer_dsn`` is the world's, ``reader_dsn`` what production is given."""

    adapter: str
    writer_dsn: str = field(repr=False)
    reader_dsn: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class OneStopAddresses:
    """All databases of the world. ``truth_dsn`` is the world's alone."""

    sources: dict[str, SourceAddress]
    truth_dsn: str = field(repr=False)


def _as(admin_dsn: str, database: str, role: Role) -> str:
    return with_database(psycopg.conninfo.make_conninfo(admin_dsn, user=role.name, password=role.password), database)


def _create_database(admin_dsn: str, database: str, owner: Role, schema: str, reader: Role | None = None) -> None:
    with psycopg.connect(admin_dsn, autocommit=True) as admin:
        for role in filter(None, (owner, reader)):
            ensure_role(admin, role)
        admin.execute(sql.SQL("GRANT {} TO CURRENT_USER").format(sql.Identifier(owner.name)))
        ensure_database(admin, database, owner.name)
        if reader is not None:
            allow_connect(admin, database, reader.name)
            admin.execute(
                sql.SQL("ALTER ROLE {} SET default_transaction_read_only = on").format(sql.Identifier(reader.name))
            )
    with psycopg.connect(_as(admin_dsn, database, owner)) as connection:
        connection.execute(statement(schema))


def create_one_stop_databases(admin_dsn: str, passwords: Mapping[str, str]) -> OneStopAddresses:
    """Creates, where missing, the two sources' databases and the truth's, with their roles; safe to repeat.

    ``passwords`` holds one for each of ``ROLES``. A reader can connect to its own source only and only
    select.

    Raises:
        KeyError: a role has no password.
        psycopg.Error: the administrator may not do that, or the server does not answer.
    """
    roles = {name: Role(name, passwords[name]) for name in ROLES}
    sources = {}
    for source, adapter in SOURCES.items():
        database = f"onestop_{source}"
        writer, reader = roles[f"{database}_world"], roles[f"{database}_reader"]
        _create_database(admin_dsn, database, writer, f"sandbox/{source}/schema", reader)
        sources[source] = SourceAddress(adapter, _as(admin_dsn, database, writer), _as(admin_dsn, database, reader))
    _create_database(admin_dsn, TRUTH, roles[TRUTH], "sandbox/truth/schema")
    return OneStopAddresses(sources, _as(admin_dsn, TRUTH, roles[TRUTH]))
