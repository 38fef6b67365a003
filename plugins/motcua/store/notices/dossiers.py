"""Read and write dossiers with the values that their sources last had, and read the data that planning needs."""

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
"""A procedure as (code, name, field)."""


@dataclass(frozen=True, slots=True)
class NamedDossier:
    """A dossier of the ledger: its id, its agency and its code."""

    dossier_id: int
    agency_code: str
    dossier_code: str


@dataclass(frozen=True, slots=True)
class SavedDossier:
    """A dossier whose row a *pick-up*, which reads a source's new rows, has just written into the ledger."""

    dossier_id: int
    agency_code: str
    dossier_code: str
    is_new: bool
    stamped_at: datetime | None
    """The time at which the source says that it wrote the row, if that time cannot be true. Otherwise ``None``."""


class DossierIds:
    """A set of dossier ids that needs a few bits for each id.

    Ids are grouped in blocks of 1,024, and each block is one integer used as a bit mask. Dossiers that are written one
    after the other have neighbouring ids.
    """

    _BLOCK_BITS = 10
    """How many of the lowest bits of an id give the place of the id within its block."""

    def __init__(self) -> None:
        self._blocks: dict[int, int] = {}

    def update(self, ids: Iterable[int]) -> None:
        """Add ids to the set."""
        for dossier_id in ids:
            block = dossier_id >> self._BLOCK_BITS
            self._blocks[block] = self._blocks.get(block, 0) | 1 << (dossier_id & ((1 << self._BLOCK_BITS) - 1))

    def __contains__(self, dossier_id: int) -> bool:
        bits = self._blocks.get(dossier_id >> self._BLOCK_BITS, 0)
        return bool(bits >> (dossier_id & ((1 << self._BLOCK_BITS) - 1)) & 1)

    def __bool__(self) -> bool:
        return bool(self._blocks)

    def parts(self, size: int) -> Iterator[list[int]]:
        """Yield the ids in ascending order in parts of about ``size`` ids. Yield nothing if the set is empty."""
        part: list[int] = []
        for block, bits in sorted(self._blocks.items()):
            part += ((block << self._BLOCK_BITS) + bit for bit in range(bits.bit_length()) if bits >> bit & 1)
            if len(part) >= size:
                yield part
                part = []
        if part:
            yield part


@dataclass(frozen=True, slots=True)
class DossierToPlan:
    """A locked dossier with the facts and the settings that planning needs."""

    dossier_id: int
    agency_code: str
    dossier_code: str
    procedure_code: str | None
    msisdn: str | None
    agency_name: str
    """The name of the agency that is in charge of the dossier."""
    accented: bool
    facts: DossierFacts


@dataclass(frozen=True, slots=True)
class DossierWithoutPhone:
    """An open dossier whose phone field gives no number that can be texted."""

    dossier_code: str
    procedure_code: str | None
    procedure_name: str | None
    received_at: datetime | None
    phone_refusal: str


def dossiers_written_down(dossiers: Iterable[tuple[CleanDossier, PhoneReading]]) -> str:
    """Return dossiers, each with the reading of its phone field, in the JSON form that ``save_dossiers`` needs."""
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
    """Write the rows that are new or changed, store a version of each, and return their dossiers.

    Args:
        connection: the pick-up's connection.
        source_id: the source.
        written: the rows, as ``dossiers_written_down`` returns them.
        now: when the rows were read.
        unread: begin and end of the period that earlier pick-ups have already read. A row's stamp is the time at which
            the source says that it wrote the row. If the stamp of a changed row lies in this period, or between the
            begin of this period and the time stored for the row, then the source's clock was wrong. Such a row gets the
            time ``now``.
        is_first: ``True`` if the source was never read before. A stamp in the future is then left empty and not
            replaced by ``now``, because the row may be of any age.
    """
    values = {"rows": written, "source_id": source_id, "now": now, "looked_from": unread[0], "read_until": unread[1]}
    values |= {"is_first": is_first}
    with connection.cursor(row_factory=row_of(SavedDossier)) as cursor:
        return cursor.execute(statement("dossiers/save"), values).fetchall()


def stamped_otherwise(connection: Connection, source_id: int, rows: Sequence[tuple[str, str, datetime]]) -> list[int]:
    """Return which rows the ledger lacks or has with another stamp, as their places in ``rows``, counted from 0.

    A row is given as (agency, dossier, stamp). The stamp is the time at which the source says that it wrote the row.
    Rows of dossiers that the ledger has from another source are left out.
    """
    written = large_recordset(
        {"place": place, "agency_code": agency, "dossier_code": code, "updated_at": stamp}
        for place, (agency, code, stamp) in enumerate(rows)
    )
    found = connection.execute(statement("dossiers/stamped_otherwise"), {"rows": written, "source_id": source_id})
    return [row["place"] for row in found]


def new_procedures(connection: Connection, procedures: Collection[Procedure]) -> set[Procedure]:
    """Return which of these procedures are not stored yet, or are stored with other names."""
    with connection.cursor(row_factory=tuple_row) as cursor:
        found = cursor.execute(statement("dossiers/new_procedures"), {"rows": _procedure_rows(procedures)})
        return {(code, name, field_name) for code, name, field_name in found}


def save_procedures(connection: Connection, procedures: Collection[Procedure]) -> None:
    """Insert new procedures, and update the names of stored procedures.

    The caller commits at once because all sources share the procedures.
    """
    connection.execute(statement("dossiers/save_procedures"), {"rows": _procedure_rows(procedures)})


def _procedure_rows(procedures: Collection[Procedure]) -> Jsonb:
    names = ("procedure_code", "procedure_name", "field_name")
    return recordset(dict(zip(names, procedure, strict=True)) for procedure in procedures)


def known_dossiers(connection: Connection, keys: Sequence[tuple[str, str]]) -> dict[tuple[str, str], int]:
    """Return the ids of the dossiers that the ledger has among these (agency, code) pairs."""
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
    """Return the dossiers whose row is newer than their last transition and requires another kind of message."""
    return values_of(
        NamedDossier, connection.execute(statement("dossiers/row_tells_more"), {"dossier_ids": list(dossier_ids)})
    )


def dossiers_whose_status_was_mapped(connection: Connection, source_id: int) -> list[tuple[str, str]]:
    """Return the source's dossiers with an unknown status that may be known now, as (agency, code) pairs.

    The status may be known now because a status code of the source was mapped after the last pick-up. Each dossier is
    returned once for each code of its agency.
    """
    rows = connection.execute(statement("dossiers/status_mapped_since"), {"source_id": source_id})
    return [(row["agency_code"], row["dossier_code"]) for row in rows]


def dossiers_without_history(connection: Connection, dossier_ids: Sequence[int], now: datetime) -> list[NamedDossier]:
    """Return dossiers whose first known transition was read at ``now`` and already requires a message."""
    return values_of(
        NamedDossier,
        connection.execute(statement("dossiers/without_history"), {"dossier_ids": list(dossier_ids), "now": now}),
    )


def lock_dossiers_to_plan(
    connection: Connection, dossier_ids: Sequence[int], now: datetime | None = None
) -> list[DossierToPlan]:
    """Lock dossiers and return them with their agencies' settings. Skip dossiers that another planner has locked.

    ``now`` decides which agency is in charge and which name of the agency is in force. The default is the database's
    clock.
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
    """Return at most ``most`` of an agency's dossiers with a step recorded in [``start``, ``end``), without locking
    them.

    ``day`` decides which agency name is in force.
    """
    values = {"agency_code": agency_code, "start": start, "end": end, "day": day, "most": most}
    return [_to_plan(row) for row in connection.execute(statement("dossiers/stepped_between"), values)]


def phones_of_open_dossiers(connection: Connection, agency_code: str) -> dict[str | None, int]:
    """Count an agency's open dossiers by the reason why they cannot be texted.

    The key ``None`` has the number of the dossiers that can be texted.
    """
    rows = connection.execute(statement("dossiers/phones_of_open"), {"agency_code": agency_code})
    return {row["phone_refusal"]: row["dossiers"] for row in rows}


def open_dossiers_without_phone(connection: Connection, agency_code: str, most: int) -> list[DossierWithoutPhone]:
    """Return at most ``most`` of an agency's open dossiers that cannot be texted, the newest received first."""
    return values_of(
        DossierWithoutPhone,
        connection.execute(statement("dossiers/open_without_phone"), {"agency_code": agency_code, "most": most}),
    )


def are_any_dossiers(connection: Connection, agencies: Sequence[str] | None = None) -> bool:
    """Return whether any dossier of these agencies exists. ``None`` checks all agencies."""
    return bool(first(connection.execute(statement("dossiers/are_any"), {"agencies": agencies}), "are_any"))
