"""The agencies' settings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from motcua.store.database import Connection
from motcua.store.queries import statement


@dataclass(frozen=True, slots=True)
class Agency:
    """One agency as configured."""

    agency_code: str
    name: str
    short_name: str | None
    province: str
    enabled_from: datetime | None
    accented: bool
    same_day_excluded: bool
    kinds_off: tuple[str, ...]
    result_hold: timedelta
    aliases: tuple[str, ...]


def list_agencies(connection: Connection) -> list[Agency]:
    """All agencies by code."""
    return [
        Agency(**row | {"kinds_off": tuple(row["kinds_off"]), "aliases": tuple(row["aliases"])})
        for row in connection.execute(statement("agencies/list"))
    ]


def agency_codes(connection: Connection) -> list[dict[str, Any]]:
    """Every code under which a source may know an agency: ``written``, ``agency_code``, ``province``."""
    return connection.execute(statement("agencies/codes")).fetchall()


def save_agencies(connection: Connection, agencies: Sequence[Agency], changed_by: str) -> None:
    """Writes the settings of these agencies; agencies that are not named stay as they are.

    Raises:
        psycopg.errors.UniqueViolation: an alias belongs to two agencies.
    """
    for agency in agencies:
        connection.execute(
            statement("agencies/save"),
            asdict(agency) | {"kinds_off": list(agency.kinds_off), "changed_by": changed_by},
        )
        connection.execute(statement("agencies/replan"), {"agency_code": agency.agency_code})
        connection.execute(statement("agencies/drop_aliases"), {"agency_code": agency.agency_code})
        for alias in agency.aliases:
            connection.execute(statement("agencies/add_alias"), {"alias": alias, "agency_code": agency.agency_code})
