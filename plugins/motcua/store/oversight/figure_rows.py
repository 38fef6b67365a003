"""Read closings for pages, and the messages or dossiers that a figure counts.

A closing stores the figures of a finished period by agency, procedure and kind of message. A publication (the published
files of a closing) contains all figures. A page shows sums by agency and only the first rows, so that its cost does not
depend on the number of procedures. The rows that a figure counts are found by the same conditions by which the figure
was counted. These rows are read only from the schema ``audit``, so that an auditor can find the same rows.
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
"""The states of the messages that each figure counts. The figure ``messages`` counts all messages and must be equal to
the expected number."""

DOSSIER_FIGURES: dict[str, tuple[Mapping[str, bool], ...]] = {
    **{each.name: ({each.name: True},) for each in fields(DossierFigures)[2:]},
    "received_direct": ({"received": True, "received_online": False, "received_postal": False},),
    "resolved": tuple(
        {name: True} for name in ("resolved_early", "resolved_on_time", "resolved_late", "resolved_without_due")
    ),
}
"""The conditions of the dossiers that each figure counts. A dossier counts if all conditions of one mapping hold."""

ORPHAN_FIGURES: tuple[OrphanSort, ...] = get_args(OrphanSort)
"""The sorts of orphans: rows without their counterpart. A closing stores each orphan."""


@dataclass(frozen=True, slots=True)
class Cell:
    """The part of a closing to which a figure belongs.

    ``None`` in a field stands for all values, and an empty text for rows without a value.
    """

    agency_code: str | None = None
    procedure_code: str | None = None
    kind: str | None = None
    """The kind of the messages. Used only for figures of messages."""
    reason: str | None = None
    """The reason of the messages' state. Used only for figures of messages."""


@dataclass(frozen=True, slots=True)
class FigureRows:
    """The first rows that a figure counts."""

    of: type[CountedMessage] | type[CountedDossier] | type[Orphan]
    rows: tuple[Any, ...]
    all_rows: int
    """How many rows the figure counts now."""
    closed: int
    """The figure that the closing stored. It differs from ``all_rows`` if facts were changed after the closing."""


class NoSuchFigure(LookupError):
    """Raised if no figure has this name. The message names the existing figures."""


def rows_of_figure(
    connection: Connection, closing: Closing, figures: Figures, figure: str, cell: Cell, limit: int | None = None
) -> FigureRows:
    """Return the rows that a figure counts.

    Messages come with the oldest first, dossiers with the longest overdue first. Orphans of a sort come in their stored
    order.

    Args:
        connection: a connection of any role that may read the schema ``audit``.
        closing: the closing.
        figures: the closing's stored figures.
        figure: the name of a figure in ``MESSAGE_FIGURES``, ``DOSSIER_FIGURES`` or ``ORPHAN_FIGURES``.
        cell: the part of the closing.
        limit: return at most this many rows; ``None`` returns all.

    Raises:
        NoSuchFigure: there is no figure with this name.
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
        raise NoSuchFigure(f"there is no figure {figure!r}; the figures are {known}")
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
    """The first rows of a longer list."""

    rows: Sequence[Row]
    all_rows: int
    """How many rows the whole list has."""


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
        """Return whether the period is balanced: every difference has a reason, and every source was read."""
        return not (self.difference or self.unexplained or self.sources_unread)


def newest_periods(connection: Connection, length: PeriodLength, limit: int, *, summed: bool) -> list[ListedPeriod]:
    """Return the newest closed periods of one length, each with its newest closing (from ``audit.closings``).

    With ``summed``, a period has the sums of its messages over all agencies. Without ``summed``, these sums are 0.
    """
    values = {"length": length, "limit": limit, "summed": summed}
    return _query_values(connection, "closings/browsing/periods", ListedPeriod, values)


def opened_of_lengths(connection: Connection, agency_code: str | None = None) -> dict[PeriodLength, int]:
    """Return, for each period length that has closings, the number of the closing that pages open on.

    This is the newest closing of the newest period that had messages, for ``agency_code`` if one is given. If no period
    had messages, it is the newest closing of the newest period.
    """
    values = {"lengths": list(LENGTHS), "agency_code": agency_code}
    rows = connection.execute(statement("closings/browsing/opened_of_lengths"), values).fetchall()
    numbers = {row["period_length"]: row["closing_no"] for row in rows}
    return {length: numbers[length] for length in LENGTHS if length in numbers}


def summed_figures(connection: Connection, closing_no: int) -> Figures:
    """Return the figures of a closing by agency and kind, summed over procedures.

    If the figures of a procedure do not balance, they stay in a separate row, so that no sum hides the difference.
    """
    number = {"closing_no": closing_no, "agency_code": None}
    return Figures(
        dossiers=tuple(_query_values(connection, "closings/browsing/dossiers", DossierFigures, number)),
        messages=summed_messages(connection, closing_no),
        reasons=tuple(_query_values(connection, "closings/browsing/reasons", ReasonCount, number)),
        timings=tuple(_query_values(connection, "closings/browsing/timings", Timing, number)),
        agencies=tuple(_query_values(connection, "closings/reading/agencies", AgencyFigures, number)),
    )


def summed_messages(connection: Connection, closing_no: int) -> tuple[MessageFigures, ...]:
    """Return the message figures of a closing, summed in the same way as ``summed_figures`` does (from
    ``audit.closing_message_sums``)."""
    return tuple(_query_values(connection, "closings/browsing/messages", MessageFigures, {"closing_no": closing_no}))


def worst_messages(
    connection: Connection, closing_no: int, kinds: Sequence[str], least_judged: int, limit: int
) -> FirstRows[MessageFigures]:
    """Return a closing's message figures by agency, procedure and kind, the worst first.

    Args:
        connection: a connection to the ledger.
        closing_no: the closing's number.
        kinds: the kinds of messages, in the order in which otherwise equal rows are returned.
        least_judged: a row is ordered by its share of delivered messages only if at least this many of its messages
            were to be sent.
        limit: return at most this many rows.
    """
    values = {"closing_no": closing_no, "kinds": list(kinds), "least_judged": least_judged, "limit": limit}
    return _first_rows(connection, "closings/browsing/worst_messages", MessageFigures, values)


def latest_dossiers(connection: Connection, closing_no: int, limit: int) -> FirstRows[DossierFigures]:
    """Return a closing's dossier figures by agency and procedure. The rows with the most late dossiers come first."""
    values = {"closing_no": closing_no, "limit": limit}
    return _first_rows(connection, "closings/browsing/latest_dossiers", DossierFigures, values)


def _first_rows(
    connection: Connection, name: LiteralString, kind: type[Row], values: Mapping[str, Any]
) -> FirstRows[Row]:
    rows = connection.execute(statement(name), values).fetchall()
    return FirstRows([value_of(kind, row) for row in rows], rows[0]["all_rows"] if rows else 0)


def _query_values(connection: Connection, name: LiteralString, kind: type[Row], values: Mapping[str, Any]) -> list[Row]:
    return values_of(kind, connection.execute(statement(name), values))
