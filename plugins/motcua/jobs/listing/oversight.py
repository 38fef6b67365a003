"""The lists of those who judge: providers' statements, what is to be corrected, figures of closings and their rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Final
from urllib.parse import urlencode

from motcua.domain.periods import Period
from motcua.domain.reconciliation import CountedDossier, DossierFigures, MessageFigures, Orphan
from motcua.jobs.listing.reading import Listing
from motcua.quality.choosing import Chosen
from motcua.quality.report_data import AgencyFigures, Group
from motcua.quality.reporting import urgent_rows
from motcua.reports import wording
from motcua.reports.lists import Cell, Link, OwnCell, Seen, Word, dossier_link, words_of
from motcua.reports.publication.data import Told, period_words
from motcua.reports.quality.listed import FINDING_CELLS
from motcua.store.oversight.closings import ListedClosing, list_closings
from motcua.store.oversight.figure_rows import FigureRows
from motcua.store.oversight.statements import (
    LineMatch,
    MatchRow,
    RowsAsked,
    StoredStatement,
    list_statements,
    match_rows,
)


def _in_force(row: StoredStatement, seen: Seen) -> Cell:
    said = wording.list_words()["statement"]
    return Word("" if row.in_force else "superseded", said["in_force" if row.in_force else "superseded"], None)


def _differs(row: MatchRow, seen: Seen) -> Cell:
    said = wording.list_words()["statement"]["differs"]
    return Word(", ".join(row.differs), ", ".join(said[each] for each in row.differs), None) if row.differs else None


def _meets(row: ListedClosing, seen: Seen) -> Cell:
    said = wording.list_words()["closing"]
    name = "unread" if row.sources_unread else "differs" if row.difference or row.unexplained else "meets"
    return Word(name, said[name], "ok" if name == "meets" else "bad")


STATEMENTS = Listing(
    "statements",
    lambda connection, asked, most, skipped: list_statements(connection)[skipped : skipped + most],
    {
        "statement_no": lambda row, seen: Link(str(row.statement_no), f"/statements?no={row.statement_no}"),
        "month": lambda row, seen: f"{row.month.month}/{row.month.year}",
        "in_force": _in_force,
    },
)


def statement_rows(statement_no: int, verdict: LineMatch | None, differs: str | None) -> Listing:
    """Rows of a statement; by default all that are not exact."""
    return Listing(
        "statement_rows",
        lambda connection, asked, most, skipped: match_rows(
            connection, statement_no, RowsAsked(verdict, differs, most, skipped)
        ),
        {
            "line": lambda row, seen: f"{row.direction.upper()} {row.line_no}" if row.line_no else None,
            "differs": _differs,
            "reference": lambda row, seen: row.our_reference or row.reference or row.gateway_reference,
        },
    )


def _dossier(row: Any, seen: Seen) -> Cell:  # noqa: ANN401 - of whatever names one
    return None if row.dossier_code is None else dossier_link(row.agency_code, row.dossier_code)


def findings_of(run_no: int, agency_code: str | None, chosen: Chosen) -> Listing:
    """What is to be corrected by a run, of an agency or of all, the most urgent first."""
    return Listing(
        "findings",
        lambda connection, asked, most, skipped: urgent_rows(connection, run_no, agency_code, chosen, skipped, most),
        FINDING_CELLS,
    )


def _figure(tell: Callable[[AgencyFigures], Cell]) -> OwnCell:
    """A figure of an agency; nothing is known of one that could not be checked."""
    return lambda row, seen: None if row.broken_reason else tell(row)


def _of_group(group: Group) -> OwnCell:
    return _figure(lambda row: row.by_group[group])


QUALITY = Listing(
    "quality",
    cells={
        "dossiers": _figure(lambda row: row.dossiers),
        "to_do": _figure(lambda row: row.to_do),
        "acknowledged": _figure(lambda row: row.acknowledged),
        "phone_missing": _of_group("phone_missing"),
        "phone_invalid": _of_group("phone_invalid"),
        "status": _of_group("status"),
        "other_faults": _of_group("other"),
        "per_thousand": _figure(lambda row: None if row.per_thousand is None else wording.decimal(row.per_thousand)),
        "new": _figure(lambda row: row.change.new),
        "back": _figure(lambda row: row.change.back),
        "standing": _figure(lambda row: row.change.standing),
        "fixed": _figure(lambda row: row.change.fixed),
        "late": _figure(lambda row: row.remind_agency + row.remind_department),
        "late_for_department": _figure(lambda row: row.remind_department),
    },
)


CLOSINGS = Listing(
    "closings",
    lambda connection, asked, most, skipped: list_closings(connection, skipped + most)[skipped:],
    {
        "closing_no": lambda row, seen: Link(str(row.closing_no), f"/reconciliation?closing={row.closing_no}"),
        "period": lambda row, seen: Word(row.period, period_words(Period.parse(row.period)), None),
        "meets": _meets,
        "unread": lambda row, seen: ", ".join(row.sources_unread) or None,
    },
)


# --- Closings -------------------------------------------------------------------------------------------------------


DIFFERENCES_OF_CLOSING = Listing(
    "closing_differences",
    cells={
        "reason": lambda row, seen: Word(
            row.reason, words_of("publication.difference")[row.reason], None if row.is_explained else "bad"
        )
    },
)


def lists_of_closing(
    told: Told, messages: Sequence[MessageFigures], dossiers: Sequence[DossierFigures]
) -> list[Listing]:
    """What a page tells of a closing row by row: messages, dossiers, what has no counterpart, what it changed."""
    named = _of_a_row(told)
    return [
        replace(
            Listing("closing").of(
                messages,
                **named,
                share=lambda row, seen: None if row.delivered_of_tellable is None else told.share(row),
                delivered_of_tellable=lambda row, seen: _per_million(row.delivered_of_tellable),
                failed=lambda row, seen: row.undelivered + row.rejected + row.expired,
                waiting=lambda row, seen: row.in_hand + row.accepted + row.unconfirmed,
            ),
            links={name: _to_rows(told, _FIGURES.get(name, name)) for name in (*_OF_MESSAGES, *_FIGURES)},
        ),
        replace(
            Listing("closing_dossiers").of(dossiers, **named),
            links={name: _to_rows(told, name) for name in _OF_DOSSIERS},
        ),
        DIFFERENCES_OF_CLOSING.of(told.differences),
        Listing("closing_changes").of(
            told.changes,
            **named,
            figure=lambda row, seen: told.figure_name(row.figure),
            causes=lambda row, seen: told.causes(row) or None,
        ),
    ]


_OF_MESSAGES: Final = ("suppressed", "cancelled", "tellable", "delivered", "failed", "waiting")
_FIGURES: Final = {"expected": "messages"}
"""Columns whose rows have another name."""
_OF_DOSSIERS: Final = (
    "carried_over",
    "received",
    "resolved_early",
    "resolved_on_time",
    "resolved_late",
    "open_in_time",
    "open_late",
    "due",
    "handed_over",
)


def _per_million(share: float | None) -> int | None:
    return None if share is None else round(share * 1_000_000)


def _to_rows(told: Told, figure: str) -> Callable[[Any], str]:
    """Where the rows of a figure of a cell are."""

    def address(row: Any) -> str:  # noqa: ANN401 - of messages or of dossiers
        kind = {"kind": row.kind} if isinstance(row, MessageFigures) else {}
        query = {"closing": told.report.closing.closing_no, "figure": figure, "agency": row.agency_code}
        return f"/reconciliation/rows?{urlencode({**query, 'procedure': row.procedure_code, **kind})}"

    return address


def rows_of_figure(told: Told, found: FigureRows) -> Listing:
    """Messages, dossiers or orphans behind a figure, as they stood at the cut-off of its closing."""
    cells = _of_a_row(told)
    if found.of is Orphan:
        # What belongs to nothing may have no page.
        return Listing("figure_orphans").of(found.rows, **cells, dossier_code=lambda row, seen: row.dossier_code)
    cells["dossier_code"] = _dossier
    if found.of is CountedDossier:
        return Listing("figure_dossiers").of(found.rows, **cells, over=_over)
    return Listing("figure_messages").of(found.rows, **cells, reason=lambda row, seen: told.reason(row.reason) or None)


def _of_a_row(told: Told) -> dict[str, OwnCell]:
    return {
        "agency": lambda row, seen: told.agency_name(row.agency_code),
        "procedure": lambda row, seen: told.procedure_name(row.procedure_code),
    }


def _over(row: CountedDossier, seen: Seen) -> Cell:
    said = wording.list_words()["over"]
    if row.days_over is None:
        return None
    name = "late" if row.days_over > 0 else "early" if row.days_over < 0 else "on_time"
    return str(said[name].format(days=wording.count(abs(row.days_over))))
