"""Inquiries to 9029 as people browse them: by day, one by one, and those who ask for what nobody knows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from psycopg.rows import DictRow

from motcua.domain.inquiries import InquiryResult
from motcua.store.browsing.messages import LOOKED_AT, Piece, Place, in_order, piece_of
from motcua.store.ledger.database import Connection
from motcua.store.ledger.queries import statement
from motcua.store.ledger.rows import value_of


@dataclass(frozen=True, slots=True)
class InquiriesAsked:
    """Which inquiries are wanted; what is ``None`` is not narrowed down."""

    begins: datetime
    ends: datetime
    """Received before then."""
    agencies: Sequence[str] | None = None
    """Codes; with ``None`` also those about no dossier."""
    outcome: InquiryResult | None = None

    @property
    def values(self) -> dict[str, Any]:
        """As the statements take them."""
        agencies = None if self.agencies is None else list(self.agencies)
        return {"begins": self.begins, "ends": self.ends, "agencies": agencies, "outcome": self.outcome}


@dataclass(frozen=True, slots=True)
class InquiriesOfDay:
    """How many inquiries of a day, by the clock of Vietnam, had an outcome."""

    day: date
    outcome: InquiryResult
    inquiries: int


@dataclass(frozen=True, slots=True)
class RepeatedCode:
    """A code that nobody knows and that was asked for again."""

    asked_code: str
    inquiries: int
    phones: int
    """From so many of them."""
    last_at: datetime


@dataclass(frozen=True, slots=True)
class RepeatedPhone:
    """A phone that asked again for codes that nobody knows."""

    msisdn: str
    inquiries: int
    codes: int
    """So many different ones."""
    asked_code: str | None
    """The last one."""
    last_at: datetime


def find_inquiries(connection: Connection, asked: InquiriesAsked, before: Place | None, most: int) -> Piece:
    """Up to ``most`` inquiries that are wanted, from the place ``before`` on, or the newest."""
    place = {"before_at": before and before.at, "before_id": before and before.number}
    values = asked.values | place | {"looked_at": LOOKED_AT, "most": most + 1}
    with in_order(connection):
        found = connection.execute(statement("inquiries/newest"), values, prepare=False).fetchall()
    return piece_of(found, most)


def read_inquiries(connection: Connection, places: Sequence[Place]) -> list[DictRow]:
    """The inquiries at these places, in their order; number and code are to be masked by whoever shows them."""
    if not places:
        return []
    values = {"inquiry_ids": [place.number for place in places]}
    return connection.execute(statement("inquiries/rows"), values).fetchall()


def inquiries_by_day(connection: Connection, asked: InquiriesAsked) -> list[InquiriesOfDay]:
    """Inquiries of the period by day and outcome, the newest day first; whatever outcome is asked for."""
    rows = connection.execute(statement("inquiries/by_day"), asked.values, prepare=False)
    return [value_of(InquiriesOfDay, row) for row in rows]


def repeated_codes(connection: Connection, begins: datetime, ends: datetime, limit: int) -> list[RepeatedCode]:
    """Unknown codes that were asked for more than once in the period, the most asked first."""
    values = {"begins": begins, "ends": ends, "limit": limit}
    rows = connection.execute(statement("inquiries/repeated_codes"), values, prepare=False)
    return [value_of(RepeatedCode, row) for row in rows]


def repeated_phones(connection: Connection, begins: datetime, ends: datetime, limit: int) -> list[RepeatedPhone]:
    """Phones that asked more than once for unknown codes in the period, the most persistent first."""
    values = {"begins": begins, "ends": ends, "limit": limit}
    rows = connection.execute(statement("inquiries/repeated_phones"), values, prepare=False)
    return [value_of(RepeatedPhone, row) for row in rows]
