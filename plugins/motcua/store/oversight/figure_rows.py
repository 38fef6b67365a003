"""Closings as people browse them, and from a figure down to the messages or dossiers that it counts.

A publication tells every cell of a closing; a page shows sums by agency and the first rows, so that it reads no more
than these, however many procedures a province has. The rows behind a figure are found by the very rules that counted
them, in the schema ``audit`` alone, so that an auditor can do the same.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, Generic, LiteralString, TypeVar, get_args

from motcua.domain.periods import LENGTHS, PeriodLength
from motcua.domain.reconciliation import (
    IN_HAND,
    NOT_SENT,
    STATES,
    AgencyFigures,
    Closing,
    CountedDossier,
    CountedMessage,
    DossierFigures,
    Figures,
    MessageFigures,
    Orphan,
    OrphanSort,
    ReasonCount,
    Timing,
)
from motcua.store.ledger.database import Connection
from motcua.store.ledger.queries import statement
from motcua.store.ledger.rows import value_of, values_of
from motcua.store.oversight.closings import load_orphans

MESSAGE_FIGURES: dict[str, tuple[str, ...]] = {
    **{state: (state,) for state in STATES},
    "messages": STATES,
    "not_sent": NOT_SENT,
    "waiting": (*IN_HAND, "accepted", "unconfirmed"),
    "failed": ("undelivered", "rejected", "expired"),
    "tellable": tuple(state for state in STATES if state not in ("suppressed", "cancelled")),
}
"""By figure, the states of the messages that it counts; ``messages`` are all, as many as were expected."""

DOSSIER_FIGURES: dict[str, tuple[Mapping[str, bool], ...]] = {
    **{each.name: ({each.name: True},) for each in fields(DossierFigures)[2:]},
    "received_direct": ({"received": True, "received_online": False, "received_postal": False},),
    "resolved": tuple(
        {name: True} for name in ("resolved_early", "resolved_on_time", "resolved_late", "resolved_without_due")
    ),
}
"""By figure, what is true of the dossiers that it counts: of each, all of one of the parts."""

ORPHAN_FIGURES: tuple[OrphanSort, ...] = get_args(OrphanSort)
"""Sorts of what belongs to nothing, as the closing stored it by row."""


@dataclass(frozen=True, slots=True)
class Cell:
    """The part of a closing that a figure is of; ``None``: all of them, an empty text: those that name none."""

    agency_code: str | None = None
    procedure_code: str | None = None
    kind: str | None = None
    """Of messages alone."""
    reason: str | None = None
    """Of messages alone."""


@dataclass(frozen=True, slots=True)
class FigureRows:
    """The first rows of a figure."""

    of: type[CountedMessage] | type[CountedDossier] | type[Orphan]
    rows: tuple[Any, ...]
    all_rows: int
    """How many there are."""
    closed: int
    """The figure as the closing stored it; another number than ``all_rows``: facts were changed since."""


class NoSuchFigure(LookupError):
    """No figure has this name; the message names those that there are."""


def rows_of_figure(
    connection: Connection, closing: Closing, figures: Figures, figure: str, cell: Cell, limit: int | None = None
) -> FigureRows:
    """The messages of a figure, the oldest first, its dossiers, the longest overdue first, or orphans of a sort.

    Args:
        connection: of anybody who may read the schema ``audit``.
        closing: the closing.
        figures: its figures as stored.
        figure: one of ``MESSAGE_FIGURES``, ``DOSSIER_FIGURES`` or ``ORPHAN_FIGURES``.
        cell: whose figure it is.
        limit: the first so many rows; ``None``: all.

    Raises:
        NoSuchFigure: ``figure`` is none.
    """
    own: dict[str, Any]
    if figure in MESSAGE_FIGURES:
        states = MESSAGE_FIGURES[figure]
        query: LiteralString = "closings/counting/messages_of_figure"
        of: type[CountedMessage] | type[CountedDossier] = CountedMessage
        own = {"known_history": closing.known_history, "states": list(states), "kind": cell.kind, "reason": cell.reason}
        if cell.reason is None:
            closed = sum(getattr(row, state) for row in figures.messages if _is_in(row, cell) for state in states)
        else:
            reasons = (row for row in figures.reasons if row.reason == cell.reason and row.state in states)
            closed = sum(row.messages for row in reasons if _is_in(row, cell))
    elif figure in DOSSIER_FIGURES:
        query, of = "closings/counting/dossiers_of_figure", CountedDossier
        own = {
            "known_version": closing.known_version,
            "figures": [json.dumps(each) for each in DOSSIER_FIGURES[figure]],
        }
        closed = sum(getattr(row, figure) for row in figures.dossiers if _is_in(row, cell))
    elif figure in ORPHAN_FIGURES:
        orphans = [
            row for row in load_orphans(connection, closing.closing_no) if row.sort == figure and _is_in(row, cell)
        ]
        return FigureRows(Orphan, tuple(orphans[:limit]), len(orphans), len(orphans))
    else:
        known = ", ".join([*MESSAGE_FIGURES, *DOSSIER_FIGURES, *ORPHAN_FIGURES])
        raise NoSuchFigure(f"no figure is called {figure!r}: {known}")
    bounds = {
        "start": closing.period.start,
        "end": closing.period.end,
        "agency_code": cell.agency_code,
        "procedure_code": cell.procedure_code,
        "limit": limit,
    }
    found = connection.execute(statement(query), bounds | own).fetchall()
    return FigureRows(of, tuple(value_of(of, row) for row in found), found[0]["all_rows"] if found else 0, closed)


def _is_in(row: MessageFigures | ReasonCount | DossierFigures | Orphan, cell: Cell) -> bool:
    wanted = {"agency_code": cell.agency_code, "procedure_code": cell.procedure_code, "kind": cell.kind}
    return all(value is None or value == getattr(row, name, value) for name, value in wanted.items())


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


def opened_of_lengths(connection: Connection, agency_code: str | None = None) -> dict[PeriodLength, int]:
    """Of each length of which a period is closed, the number of the closing that pages open on: the newest one of the
    newest period that had messages, of ``agency_code`` where one is named; where none had, of the newest period."""
    values = {"lengths": list(LENGTHS), "agency_code": agency_code}
    rows = connection.execute(statement("closings/browsing/opened_of_lengths"), values).fetchall()
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
    return values_of(kind, connection.execute(statement(name), values))
