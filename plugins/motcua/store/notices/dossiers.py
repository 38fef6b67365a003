"""Dossiers as last read from their sources, and what planning must know of them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, TypeAlias

from psycopg.rows import tuple_row
from psycopg.types.json import Jsonb

from motcua.domain.dossiers import CleanDossier
from motcua.domain.occasions import DossierFacts
from motcua.domain.phones.reading import PhoneReading
from motcua.store.ledger.database import Connection
from motcua.store.ledger.queries import statement
from motcua.store.ledger.rows import (
    columns_of,
    first,
    large_array_of_words,
    large_recordset,
    recordset,
    row_of,
    value_of,
    values_of,
)

Procedure: TypeAlias = tuple[str | None, str | None, str | None]
"""Code, name and field."""


@dataclass(frozen=True, slots=True)
class NamedDossier:
    """A dossier of ours, and how it is asked for at its source."""

    dossier_id: int
    agency_code: str
    dossier_code: str


@dataclass(frozen=True, slots=True)
class SavedDossier:
    """A dossier whose row was written."""

    dossier_id: int
    agency_code: str
    dossier_code: str
    is_new: bool
    stamped_at: datetime | None
    """The source's own time of writing, where that cannot be true."""


class DossierIds:
    """A set of dossiers' ids in some bits each: those of dossiers that are written one after the other are too."""

    _TOGETHER = 10
    """Bits of an id that say which it is of those that are kept together."""

    def __init__(self) -> None:
        self._kept: dict[int, int] = {}

    def update(self, ids: Iterable[int]) -> None:
        """Adds these."""
        for dossier_id in ids:
            place = dossier_id >> self._TOGETHER
            self._kept[place] = self._kept.get(place, 0) | 1 << (dossier_id & ((1 << self._TOGETHER) - 1))

    def __contains__(self, dossier_id: int) -> bool:
        kept = self._kept.get(dossier_id >> self._TOGETHER, 0)
        return bool(kept >> (dossier_id & ((1 << self._TOGETHER) - 1)) & 1)

    def __bool__(self) -> bool:
        return bool(self._kept)

    def parts(self, size: int) -> Iterator[list[int]]:
        """Those that are in it now, about so many at a time; nothing where there are none."""
        part: list[int] = []
        for place, kept in sorted(self._kept.items()):
            part += ((place << self._TOGETHER) + bit for bit in range(kept.bit_length()) if kept >> bit & 1)
            if len(part) >= size:
                yield part
                part = []
        if part:
            yield part


@dataclass(frozen=True, slots=True)
class DossierToPlan:
    """A dossier, locked, with what its messages say and by which settings they are planned."""

    dossier_id: int
    agency_code: str
    dossier_code: str
    procedure_code: str | None
    msisdn: str | None
    agency_name: str
    """Of whoever is in charge of it."""
    accented: bool
    facts: DossierFacts


@dataclass(frozen=True, slots=True)
class DossierWithoutPhone:
    """An open dossier whose phone field names nobody who can be texted."""

    dossier_code: str
    procedure_code: str | None
    procedure_name: str | None
    received_at: datetime | None
    phone_refusal: str


def dossiers_written_down(dossiers: Iterable[tuple[CleanDossier, PhoneReading]]) -> str:
    """Dossiers, each with what its phone field says, as ``save_dossiers`` takes them."""
    return large_recordset(
        columns_of(dossier) | {"msisdn": phone.e164, "phone_refusal": phone.refusal, "phone_notes": phone.notes}
        for dossier, phone in dossiers
    )


def save_dossiers(
    connection: Connection,
    source_id: int,
    written: str,
    now: datetime,
    unread: tuple[datetime, datetime] | tuple[None, None] = (None, None),
    *,
    is_first: bool,
) -> list[SavedDossier]:
    """Writes the rows that are new or changed, keeps a version of each, and returns their dossiers.

    Args:
        connection: of the pick-up.
        source_id: the source.
        written: the rows, by ``dossiers_written_down``.
        now: when they were read.
        unread: a row that changed, and is stamped between these or before its last version, was written since what was
            read there, and is of now.
        is_first: the source was never read: its rows may be from whenever.
    """
    values = {"rows": written, "source_id": source_id, "now": now, "looked_from": unread[0], "read_until": unread[1]}
    values |= {"is_first": is_first}
    with connection.cursor(row_factory=row_of(SavedDossier)) as cursor:
        return cursor.execute(statement("dossiers/save"), values).fetchall()


def stamped_otherwise(connection: Connection, source_id: int, rows: Sequence[tuple[str, str, datetime]]) -> list[int]:
    """Places, from 0, of those (agency, dossier, stamp) of a source that are not known with that stamp."""
    written = large_recordset(
        {"place": place, "agency_code": agency, "dossier_code": code, "updated_at": stamp}
        for place, (agency, code, stamp) in enumerate(rows)
    )
    found = connection.execute(statement("dossiers/stamped_otherwise"), {"rows": written, "source_id": source_id})
    return [row["place"] for row in found]


def new_procedures(connection: Connection, procedures: Collection[Procedure]) -> set[Procedure]:
    """Those of the procedures met that are not known under these names."""
    with connection.cursor(row_factory=tuple_row) as cursor:
        found = cursor.execute(statement("dossiers/new_procedures"), {"rows": _procedure_rows(procedures)})
        return {(code, name, field_name) for code, name, field_name in found}


def save_procedures(connection: Connection, procedures: Collection[Procedure]) -> None:
    """Writes procedures that are new. To be committed at once: all sources share them."""
    connection.execute(statement("dossiers/save_procedures"), {"rows": _procedure_rows(procedures)})


def _procedure_rows(procedures: Collection[Procedure]) -> Jsonb:
    names = ("procedure_code", "procedure_name", "field_name")
    return recordset(dict(zip(names, procedure, strict=True)) for procedure in procedures)


def known_dossiers(connection: Connection, keys: Sequence[tuple[str, str]]) -> dict[tuple[str, str], int]:
    """Those of these (agency, code) that we have, with their ids."""
    if not keys:
        return {}
    agency_codes, dossier_codes = zip(*keys, strict=True)
    values = {
        "agency_codes": large_array_of_words(agency_codes),
        "dossier_codes": large_array_of_words(dossier_codes),
    }
    with connection.cursor(row_factory=tuple_row) as cursor:
        found = cursor.execute(statement("dossiers/known"), values)
        return {(agency_code, dossier_code): dossier_id for dossier_id, agency_code, dossier_code in found}


def dossiers_whose_row_tells_more(connection: Connection, dossier_ids: Sequence[int]) -> list[NamedDossier]:
    """Dossiers whose row is newer than their last transition and calls for something else."""
    return values_of(
        NamedDossier, connection.execute(statement("dossiers/row_tells_more"), {"dossier_ids": list(dossier_ids)})
    )


def dossiers_whose_status_was_mapped(connection: Connection, source_id: int) -> list[tuple[str, str]]:
    """(agency, code) of a source's dossiers with a status that nobody knew, where its codes were mapped since the last
    pick-up; the agency by each of its codes."""
    rows = connection.execute(statement("dossiers/status_mapped_since"), {"source_id": source_id})
    return [(row["agency_code"], row["dossier_code"]) for row in rows]


def dossiers_without_history(connection: Connection, dossier_ids: Sequence[int], now: datetime) -> list[NamedDossier]:
    """Dossiers whose first known transition came at ``now`` and already calls for a message."""
    return values_of(
        NamedDossier,
        connection.execute(statement("dossiers/without_history"), {"dossier_ids": list(dossier_ids), "now": now}),
    )


def lock_dossiers_to_plan(
    connection: Connection, dossier_ids: Sequence[int], now: datetime | None = None
) -> list[DossierToPlan]:
    """The dossiers with their agencies' settings, locked; those that another planner holds are left out.

    ``now`` decides which name is in force, and who is in charge; by default the database's clock.
    """
    rows = connection.execute(statement("dossiers/lock_to_plan"), {"dossier_ids": list(dossier_ids), "now": now})
    return [_to_plan(row) for row in rows]


def _to_plan(row: Mapping[str, Any]) -> DossierToPlan:
    return DossierToPlan(
        row["dossier_id"],
        row["agency_code"],
        row["dossier_code"],
        row["procedure_code"],
        row["msisdn"],
        row["agency_name"],
        row["accented"],
        value_of(DossierFacts, row),
    )


def dossiers_stepped_between(
    connection: Connection, agency_code: str, start: datetime, end: datetime, day: date, most: int
) -> list[DossierToPlan]:
    """At most so many of an agency's dossiers with a step recorded from ``start`` to before ``end``; none is locked.

    ``day`` decides which name is in force.
    """
    values = {"agency_code": agency_code, "start": start, "end": end, "day": day, "most": most}
    return [_to_plan(row) for row in connection.execute(statement("dossiers/stepped_between"), values)]


def phones_of_open_dossiers(connection: Connection, agency_code: str) -> dict[str | None, int]:
    """How many of an agency's open dossiers cannot be texted, by reason; under ``None`` those that can."""
    rows = connection.execute(statement("dossiers/phones_of_open"), {"agency_code": agency_code})
    return {row["phone_refusal"]: row["dossiers"] for row in rows}


def open_dossiers_without_phone(connection: Connection, agency_code: str, most: int) -> list[DossierWithoutPhone]:
    """At most so many of an agency's open dossiers that cannot be texted, the newest received first."""
    return values_of(
        DossierWithoutPhone,
        connection.execute(statement("dossiers/open_without_phone"), {"agency_code": agency_code, "most": most}),
    )


def are_any_dossiers(connection: Connection, agencies: Sequence[str] | None = None) -> bool:
    """Whether there is a dossier of these agencies; ``None``: any at all."""
    return bool(first(connection.execute(statement("dossiers/are_any"), {"agencies": agencies}), "are_any"))
