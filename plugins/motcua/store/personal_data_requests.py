"""What is held of one citizen, by a dossier or by a phone number, and who asked for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Literal, TypeAlias

from psycopg.types.json import Jsonb

from motcua.domain.personal_data.held import ByCode, CitizenDossier, CodeAlone, Held
from motcua.store.ledger.database import Connection
from motcua.store.ledger.queries import statement
from motcua.store.ledger.rows import value_of

Act: TypeAlias = Literal["export", "erase"]


@dataclass(frozen=True, slots=True)
class OwnInquiry:
    """A text to 9029."""

    gateway: str
    inquiry_id: int
    is_under_way: bool
    """Its reply may still go, or has no known end."""


@dataclass(frozen=True, slots=True)
class RowOfCode:
    """A row in quarantine, or a complaint that is tied to no dossier."""

    kind: Literal["quarantine", "complaints"]
    of_whom: str
    """Its source's number; a complaint's agency."""
    row_no: int
    is_under_way: bool
    """A complaint that is open, or like one that is."""


@dataclass(frozen=True, slots=True)
class Request:
    """What is kept of a request: no number, no value."""

    handled_by: str
    act: Act
    reason: str
    """The paper that it stands in."""
    agency_code: str | None
    """``None``, as the code: it was asked by a number."""
    dossier_code: str | None
    """A mark instead of what may be a name or a number."""


@dataclass(frozen=True, slots=True)
class HandledRequest(Request):
    """A request as it is kept."""

    handled_at: datetime
    dossiers: int
    """How many it reached."""
    held: int
    """Values that were held then."""


def list_requests(connection: Connection, limit: int) -> list[HandledRequest]:
    """Requests that were handled, the newest first."""
    rows = connection.execute(statement("personal_data/requests"), {"limit": limit})
    return [value_of(HandledRequest, row) for row in rows]


def dossier_asked_for(connection: Connection, agency_code: str, dossier_code: str) -> list[CitizenDossier]:
    """The dossier of this agency with this code; empty: there is none."""
    return _dossiers(connection, agency_code, dossier_code, None)


def dossiers_of_number(connection: Connection, msisdn: str) -> list[CitizenDossier]:
    """All dossiers whose own number, E.164, is this one."""
    return _dossiers(connection, None, None, msisdn)


def _dossiers(
    connection: Connection, agency_code: str | None, dossier_code: str | None, msisdn: str | None
) -> list[CitizenDossier]:
    values = {"agency_code": agency_code, "dossier_code": dossier_code, "msisdn": msisdn}
    rows = connection.execute(statement("personal_data/dossiers_of_citizen"), values)
    return [value_of(CitizenDossier, row) for row in rows]


def inquiries_of_number(connection: Connection, msisdn: str) -> list[OwnInquiry]:
    """Texts to 9029 that came from a number, E.164."""
    rows = connection.execute(statement("personal_data/inquiries_of_number"), {"msisdn": msisdn})
    return [value_of(OwnInquiry, row) for row in rows]


def code_alone(connection: Connection, asked_for: ByCode) -> tuple[CodeAlone, list[str]]:
    """A code that no dossier of its agency has, and the codes of its dossiers that are read as this one."""
    (row,) = connection.execute(statement("personal_data/code_alone"), asdict(asked_for)).fetchall()
    alike = row.pop("alike")
    return value_of(CodeAlone, row), alike


def rows_of_codes(connection: Connection, codes: Sequence[tuple[str, str]]) -> list[RowOfCode]:
    """Rows of these agencies and codes that go with no dossier and are not emptied."""
    rows = connection.execute(statement("personal_data/rows_of_codes"), {"codes": Jsonb(codes)})
    return [value_of(RowOfCode, row) for row in rows]


def held_of(
    connection: Connection, dossier_ids: Sequence[int], msisdn: str | None, alone: ByCode | None = None
) -> list[Held]:
    """Every value that is held of these dossiers, of a code that no dossier has, and of the texts that came from a
    number, E.164."""
    values = {
        "dossier_ids": list(dossier_ids),
        "msisdn": msisdn,
        "agency_code": alone.agency_code if alone else None,
        "dossier_code": alone.dossier_code if alone else None,
    }
    return [value_of(Held, row) for row in connection.execute(statement("personal_data/held"), values)]


def count_elsewhere(connection: Connection, dossier_ids: Sequence[int], msisdn: str) -> int:
    """How many other dossiers were once told by this number, E.164."""
    values = {"dossier_ids": list(dossier_ids), "msisdn": msisdn}
    (row,) = connection.execute(statement("personal_data/number_elsewhere"), values).fetchall()
    return int(row["dossiers"])


def log_request(connection: Connection, request: Request, dossiers: int, held: int, now: datetime) -> None:
    """Keeps that a request was handled, how many dossiers it reached and how many values were held."""
    values = asdict(request) | {"dossiers": dossiers, "held": held, "now": now}
    connection.execute(statement("personal_data/log_request"), values)
