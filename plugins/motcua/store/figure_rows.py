"""From a figure of a closing down to the messages or dossiers that it counts, by the very rules that counted them.

It reads the schema ``audit`` alone, so that an auditor can do the same.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, Generic, LiteralString, TypeVar

from motcua.domain.reconciliation import (
    STATES,
    Closing,
    CountedDossier,
    CountedMessage,
    DossierFigures,
    Figures,
)
from motcua.store.database import Connection
from motcua.store.queries import statement
from motcua.store.rows import value_of

Row = TypeVar("Row", CountedMessage, CountedDossier)

MESSAGE_FIGURES: dict[str, tuple[str, ...]] = {
    **{state: (state,) for state in STATES},
    "messages": STATES,
    "not_sent": ("suppressed", "cancelled", "expired"),
    "waiting": ("queued", "sending", "unknown", "accepted", "unconfirmed"),
    "failed": ("undelivered", "rejected"),
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
class FigureRows(Generic[Row]):
    """The first rows of a figure."""

    rows: tuple[Row, ...]
    all_rows: int
    """How many there are."""
    closed: int
    """The figure as the closing stored it; another number than ``all_rows``: facts were changed since."""


def messages_of_figure(
    connection: Connection, closing: Closing, figures: Figures, figure: str, cell: Cell, limit: int | None = None
) -> FigureRows[CountedMessage]:
    """The messages of a figure, the oldest first, and how many the closing counted.

    Args:
        connection: of anybody who may read the schema ``audit``.
        closing: the closing.
        figures: its figures as stored.
        figure: one of ``MESSAGE_FIGURES``.
        cell: whose figure it is.
        limit: the first so many rows; ``None``: all.
    """
    states = MESSAGE_FIGURES[figure]
    if cell.reason is None:
        closed = sum(getattr(row, state) for row in figures.messages if _is_in(row, cell) for state in states)
    else:
        closed = sum(
            row.messages
            for row in figures.reasons
            if _is_in(row, cell) and row.state in states and row.reason == cell.reason
        )
    parameters = {"states": list(states), "kind": cell.kind, "reason": cell.reason}
    return _rows(
        connection, "reconciliation/messages_of_figure", CountedMessage, closing, cell, parameters, limit, closed
    )


def dossiers_of_figure(
    connection: Connection, closing: Closing, figures: Figures, figure: str, cell: Cell, limit: int | None = None
) -> FigureRows[CountedDossier]:
    """The dossiers of a figure, the longest overdue first, and how many the closing counted.

    Args:
        connection: of anybody who may read the schema ``audit``.
        closing: the closing.
        figures: its figures as stored.
        figure: one of ``DOSSIER_FIGURES``.
        cell: whose figure it is.
        limit: the first so many rows; ``None``: all.
    """
    closed = sum(getattr(row, figure) for row in figures.dossiers if _is_in(row, cell))
    parameters = {"figures": [json.dumps(each) for each in DOSSIER_FIGURES[figure]]}
    return _rows(
        connection, "reconciliation/dossiers_of_figure", CountedDossier, closing, cell, parameters, limit, closed
    )


def _is_in(row: Any, cell: Cell) -> bool:  # noqa: ANN401
    return all(
        wanted is None or wanted == getattr(row, name, wanted)
        for name, wanted in (
            ("agency_code", cell.agency_code),
            ("procedure_code", cell.procedure_code),
            ("kind", cell.kind),
        )
    )


def _rows(
    connection: Connection,
    query: LiteralString,
    kind: type[Row],
    closing: Closing,
    cell: Cell,
    parameters: Mapping[str, Any],
    limit: int | None,
    closed: int,
) -> FigureRows[Row]:
    bounds = {
        "start": closing.period.start,
        "end": closing.period.end,
        "known_version": closing.known_version,
        "known_history": closing.known_history,
        "agency_code": cell.agency_code,
        "procedure_code": cell.procedure_code,
        "limit": limit,
    }
    found: Sequence[Mapping[str, Any]] = connection.execute(statement(query), bounds | dict(parameters)).fetchall()
    return FigureRows(tuple(value_of(kind, row) for row in found), found[0]["all_rows"] if found else 0, closed)
