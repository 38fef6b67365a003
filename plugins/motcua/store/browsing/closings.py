"""Closings as people browse them: sums by agency and the first rows, however many procedures a province has.

A publication tells every cell of a closing; a page shows sums and the first rows, so that it reads no more than these.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, LiteralString, TypeVar

from motcua.domain.periods import LENGTHS, PeriodLength
from motcua.domain.reconciliation import (
    AgencyFigures,
    DossierFigures,
    Figures,
    MessageFigures,
    ReasonCount,
    Timing,
)
from motcua.store.ledger.database import Connection
from motcua.store.ledger.queries import statement
from motcua.store.ledger.rows import value_of

Row = TypeVar("Row")


@dataclass(frozen=True, slots=True)
class FirstRows(Generic[Row]):
    """The first rows of a list."""

    rows: Sequence[Row]
    all_rows: int
    """How many there are."""


@dataclass(frozen=True, slots=True)
class ListedPeriod:
    """A period with its newest closing."""

    closing_no: int
    period: str
    corrections: int
    difference: int
    unexplained: int
    sources_unread: Sequence[str]
    expected: int
    tellable: int
    delivered: int

    @property
    def meets(self) -> bool:
        """Nothing is missing and nothing too much, or for a reason."""
        return not (self.difference or self.unexplained or self.sources_unread)


def newest_periods(connection: Connection, length: PeriodLength, limit: int, *, summed: bool) -> list[ListedPeriod]:
    """The newest periods of a length that are closed; ``summed``: with their figures, added up over all agencies."""
    values = {"length": length, "limit": limit, "summed": summed}
    return _values(connection, "closings/browsing/periods", ListedPeriod, values)


def newest_of_lengths(connection: Connection) -> dict[PeriodLength, int]:
    """Of each length of which a period is closed, the number of the newest period's newest closing."""
    rows = connection.execute(statement("closings/browsing/newest_of_lengths")).fetchall()
    numbers = {row["period_length"]: row["closing_no"] for row in rows}
    return {length: numbers[length] for length in LENGTHS if length in numbers}


def summed_figures(connection: Connection, closing_no: int) -> Figures:
    """The figures of a closing by agency and kind, procedures added up; a cell that does not balance stands by itself,
    so that differences are those of the cells."""
    number = {"closing_no": closing_no, "agency_code": None}
    return Figures(
        dossiers=tuple(_values(connection, "closings/browsing/dossiers", DossierFigures, number)),
        messages=summed_messages(connection, closing_no),
        reasons=tuple(_values(connection, "closings/browsing/reasons", ReasonCount, number)),
        timings=tuple(_values(connection, "closings/browsing/timings", Timing, number)),
        agencies=tuple(_values(connection, "closings/reading/agencies", AgencyFigures, number)),
    )


def summed_messages(connection: Connection, closing_no: int) -> tuple[MessageFigures, ...]:
    """Those of messages alone."""
    return tuple(_values(connection, "closings/browsing/messages", MessageFigures, {"closing_no": closing_no}))


def worst_messages(
    connection: Connection, closing_no: int, kinds: Sequence[str], least_judged: int, limit: int
) -> FirstRows[MessageFigures]:
    """Figures of messages by agency, procedure and kind, the worst first.

    Args:
        connection: to the ledger.
        closing_no: of the closing.
        kinds: in their order.
        least_judged: from so many messages on a share counts.
        limit: rows.
    """
    values = {"closing_no": closing_no, "kinds": list(kinds), "least_judged": least_judged, "limit": limit}
    return _first(connection, "closings/browsing/worst_messages", MessageFigures, values)


def latest_dossiers(connection: Connection, closing_no: int, limit: int) -> FirstRows[DossierFigures]:
    """Figures of dossiers by agency and procedure, the most late ones first."""
    values = {"closing_no": closing_no, "limit": limit}
    return _first(connection, "closings/browsing/latest_dossiers", DossierFigures, values)


def _first(connection: Connection, name: LiteralString, kind: type[Row], values: Mapping[str, Any]) -> FirstRows[Row]:
    rows = connection.execute(statement(name), values).fetchall()
    return FirstRows([value_of(kind, row) for row in rows], rows[0]["all_rows"] if rows else 0)


def _values(connection: Connection, name: LiteralString, kind: type[Row], values: Mapping[str, Any]) -> list[Row]:
    return [value_of(kind, row) for row in connection.execute(statement(name), values)]
