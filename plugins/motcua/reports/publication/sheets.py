"""Define the sheets in a publication's workbooks: the columns of each sheet, and its rows by column.

Values are in the words that staff read. Columns have the names that they have in the CSV files.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, TypeAlias

from motcua.domain.costs import cost_by_sms_alone, cost_of, price_of, spent, whole
from motcua.domain.reconciliation import STATES, Figures, MessageFigures, Timing
from motcua.reports.publication.data import AgencyLine, Told, change_of, spared_of
from motcua.reports.wording import LEAST_JUDGED, too_few

Cells: TypeAlias = dict[str, Any]
"""The cells of a row, by column. ``bad`` marks a row that needs attention."""

_IDENTITY = ("expected", *STATES, "difference")
_SHARE = ("tellable", "delivered_of_tellable")
"""The columns of the delivered share and of its base, for sheets in which no other column gives the base."""
_DOSSIERS = (
    "received_total",
    "carried_over",
    "received",
    "received_online",
    "received_postal",
    "received_direct",
    "resolved",
    "resolved_early",
    "resolved_on_time",
    "resolved_late",
    "late_of_resolved",
    "resolved_without_due",
    "withdrawn",
    "open_in_time",
    "open_late",
    "paused_in_time",
    "paused_late",
    "due",
    "handed_over",
)
_COUNTS = (
    "apologies_right",
    "apologies_wrong",
    "apologies_stopped",
    "late_untold",
    "inquiries",
    "inquiry_fees",
    "told_without_result",
    "findings_open",
)


@dataclass(frozen=True, slots=True)
class Sheet:
    """One sheet of a workbook."""

    name: str
    """The name of the sheet. Its title is in the template ``publication.vi.yaml``."""
    columns: tuple[str, ...]
    frozen: int
    """How many columns stay in place when the sheet is scrolled."""
    table: str | None
    """The CSV file with the same figures. ``None`` if there is none."""


SHEETS = (
    Sheet(
        "agencies",
        (
            "agency_code",
            "agency",
            "expected",
            "delivered",
            *_SHARE,
            "before",
            "change",
            "sent",
            "delivered_of_sent",
            *(state for state in STATES if state != "delivered"),
            "difference",
            "segments",
            "cost",
            "median_seconds",
            "p95_seconds",
        ),
        2,
        "messages",
    ),
    Sheet(
        "groups",
        (
            "agency",
            "procedure",
            "kind",
            "at_source",
            "out_of_scope",
            "only_source",
            "only_ledger",
            *_IDENTITY,
            "sent",
            *_SHARE,
            "delivered_of_sent",
            "before",
            "change",
            "segments",
            "median_seconds",
            "p95_seconds",
            "agency_code",
            "procedure_code",
        ),
        3,
        "messages",
    ),
    Sheet("dossiers", ("agency", "procedure", *_DOSSIERS, "agency_code", "procedure_code"), 2, "dossiers"),
    Sheet("counts", ("agency_code", "agency", *_COUNTS), 2, "agencies"),
    Sheet(
        "channels",
        (
            "agency_code",
            "agency",
            "kind",
            "gateway",
            "billed_unit",
            "carrier",
            "taken",
            "units",
            "price",
            "cost",
            "segments",
            "by_sms",
            "saved",
        ),
        2,
        "channels",
    ),
    Sheet(
        "reasons",
        ("agency_code", "agency", "procedure_code", "procedure", "kind", "state", "reason", "messages"),
        2,
        "reasons",
    ),
    Sheet(
        "differences",
        (
            "explained",
            "reason",
            "side",
            "agency_code",
            "agency",
            "procedure_code",
            "procedure",
            "kind",
            "dossier_code",
            "source",
            "source_transition_id",
            "transition_id",
            "message_id",
            "occurred_at",
        ),
        2,
        "differences",
    ),
    Sheet(
        "orphans",
        (
            "sort",
            "agency_code",
            "agency",
            "procedure_code",
            "procedure",
            "dossier_code",
            "message_id",
            "receipt_id",
            "happened_at",
        ),
        1,
        "orphans",
    ),
    Sheet(
        "changes",
        ("agency_code", "agency", "procedure_code", "procedure", "kind", "figure", "was", "became", "causes"),
        2,
        "changes",
    ),
    Sheet("complaints", ("agency_code", "agency", "claim", "outcome", "complaints"), 2, "complaints"),
    Sheet("urged", ("agency_code", "agency", "measure", "value", "threshold", "of_all", "unit"), 2, None),
    Sheet(
        "left_out",
        ("agency_code", "agency", "enabled", "kinds_off", "kinds_off_reason", "same_day_excluded"),
        2,
        None,
    ),
    Sheet("stops", ("agency_code", "agency", "kind", "stopped_at", "until", "ended_at", "stop_reason"), 2, None),
    Sheet("pushed", ("agency_code", "agency", "source"), 2, None),
)
"""All sheets, in the order of the workbook."""


def sheet_rows(told: Told) -> dict[str, Iterable[Cells]]:
    """Return the rows of each sheet that is shown, by the sheet's name.

    Some sheets exist only for some closings: ``urged`` for periods longer than a day, ``changes`` for corrections,
    ``stops`` and ``pushed`` if they have rows, and ``channels`` for closings that count channels.
    """
    rows = _Rows(told)
    makers: dict[str, Callable[[], Iterable[Cells]]] = {sheet.name: getattr(rows, sheet.name) for sheet in SHEETS}
    if told.report.closing.period.is_day:
        del makers["urged"]
    if told.report.closing.corrects is None:
        del makers["changes"]
    if not told.stops:
        del makers["stops"]
    if not told.pushed:
        del makers["pushed"]
    if told.report.closing.known_attempt is None:
        del makers["channels"]
    return {name: make() for name, make in makers.items()}


def _share(part: int, whole: int) -> float | str | None:
    """Return a share from 0 to 1. ``None`` if the whole is zero; the words for "too few" if the whole is too small."""
    if whole <= 0:
        return None
    return part / whole if whole >= LEAST_JUDGED else too_few()


def _delivered(row: MessageFigures, whole: int) -> float | str | None:
    """Return the delivered share. ``None`` for replies, which have no receipts."""
    return None if row.kind == "reply" else _share(row.delivered, whole)


class _Rows:
    """Makes the rows of the sheets; each method has the name of its sheet."""

    def __init__(self, told: Told) -> None:
        self._told, self._report, self._words = told, told.report, told.words

    def agencies(self) -> Iterable[Cells]:
        for line in self._told.agencies:
            yield self._of_messages(line.messages, line.before, line.timing, line.notices) | {
                "agency_code": line.agency_code,
                "agency": line.name,
                "cost": self._cost(line),
            }

    def _cost(self, line: AgencyLine) -> int | None:
        closing = self._report.closing
        own = Figures(messages=(line.messages,), channels=line.channels)
        return spent(closing, own)

    def groups(self) -> Iterable[Cells]:
        arranged_report = self._told
        for row in arranged_report.messages:
            key = (row.agency_code, row.procedure_code, row.kind)
            yield self._of_messages(row, arranged_report.before.get(key), arranged_report.timings.get(key)) | {
                "kind": self._words["kind"][row.kind]
            }

    def dossiers(self) -> Iterable[Cells]:
        for row in self._told.dossiers:
            yield self._with_names(row) | {
                "received_direct": row.received_direct,
                "received_total": row.carried_over + row.received,
                "resolved": row.resolved,
                "late_of_resolved": _share(row.resolved_late, row.resolved),
            }

    def counts(self) -> Iterable[Cells]:
        for line in self._told.agencies:
            yield self._with_names(line.counts)

    def channels(self) -> Iterable[Cells]:
        closing, units = self._report.closing, self._words["channels"]["unit"]
        for row in self._told.channels:
            price, cost = price_of(closing, row), cost_of(closing, (row,))
            alone = cost_by_sms_alone(closing, spared_of((row,))) if spared_of((row,)) else None
            yield self._with_names(row) | {
                "kind": self._words["kind"][row.kind],
                "billed_unit": units[row.billed_unit],
                "price": None if price is None else float(price),
                "cost": whole(cost),
                "by_sms": whole(alone),
                "saved": None if alone is None or cost is None else whole(alone - cost),
            }

    def reasons(self) -> Iterable[Cells]:
        most_first = sorted(
            self._rows_of_agency(self._report.figures.reasons),
            key=lambda row: (-row.messages, row.agency_code, row.procedure_code, row.kind, row.state, row.reason),
        )
        for row in most_first:
            yield self._with_names(row) | {
                "kind": self._words["kind"][row.kind],
                "state": self._words["state"].get(row.state, row.state),
                "reason": self._told.reason(row.reason),
            }

    def differences(self) -> Iterable[Cells]:
        for row in self._told.differences:
            yield self._with_names(row) | {
                "kind": self._words["kind"][row.kind],
                "side": self._words["side"][row.side],
                "reason": self._words["difference"][row.reason],
                "explained": self._words["heads"]["has_reason" if row.is_explained else "has_no_reason"],
                "bad": not row.is_explained,
            }

    def orphans(self) -> Iterable[Cells]:
        for row in self._told.orphans:
            yield self._with_names(row) | {"sort": self._words["orphan"][row.sort]}

    def changes(self) -> Iterable[Cells]:
        for row in self._told.changes:
            yield self._with_names(row) | {
                "kind": self._words["kind"].get(row.kind, ""),
                "figure": self._told.figure_name(row.figure),
                "causes": self._told.causes(row),
            }

    def complaints(self) -> Iterable[Cells]:
        for row in self._told.complaints:
            yield self._with_names(row) | {
                "claim": self._words["claim"].get(row.claim, row.claim),
                "outcome": self._words["outcome"].get(row.outcome, row.outcome),
            }

    def urged(self) -> Iterable[Cells]:
        for row in self._told.urged:
            yield self._with_names(row) | {
                "measure": self._words["measure"][row.measure],
                "unit": self._words["urged"]["unit"][row.measure],
            }

    def left_out(self) -> Iterable[Cells]:
        yes, no = self._words["heads"]["has_reason"], self._words["heads"]["has_no_reason"]
        for row in self._rows_of_agency(self._report.agencies):
            if row.kinds_off or row.same_day_excluded or not row.enabled:
                yield self._with_names(row) | {
                    "agency": row.name,
                    "enabled": yes if row.enabled else no,
                    "kinds_off": ", ".join(self._words["kind"][kind].lower() for kind in row.kinds_off),
                    # The details are in this cell, because another column would change every published workbook.
                    "same_day_excluded": "; ".join(filter(None, (yes, *row.same_day_procedures, row.same_day_reason)))
                    if row.same_day_excluded
                    else "",
                }

    def stops(self) -> Iterable[Cells]:
        for row in self._told.stops:
            agency, kind = self._told.stopped(row)
            yield self._with_names(row) | {"agency": agency, "kind": kind, "stop_reason": row.reason}

    def pushed(self) -> Iterable[Cells]:
        for row in self._told.pushed:
            yield self._with_names(row)

    def _rows_of_agency(self, rows: Iterable[Any]) -> list[Any]:
        return [row for row in rows if self._told.agency in (None, row.agency_code)]

    def _with_names(self, row: Any) -> Cells:  # noqa: ANN401 - any of the report's values
        cells = {name: getattr(row, name) for name in type(row).__slots__}
        cells["agency"] = self._told.agency_name(row.agency_code)
        if "procedure_code" in cells:
            cells["procedure"] = self._told.procedure_name(row.procedure_code or "")
        return cells

    def _of_messages(
        self,
        row: MessageFigures,
        before: MessageFigures | None,
        timing: Timing | None,
        notices: MessageFigures | None = None,
    ) -> Cells:
        """Return the cells of one row of messages. Shares are computed from ``notices``, or else from ``row``."""
        judged = notices or row
        computed = ("expected", "sent", "difference", "tellable")
        change = change_of(judged, before)
        return (
            self._with_names(row)
            | {name: getattr(row, name) for name in computed}
            | {
                "delivered_of_tellable": _delivered(judged, judged.tellable),
                "delivered_of_sent": _delivered(judged, judged.sent),
                "before": _delivered(before, before.tellable) if before else None,
                "change": None if change is None else change * 100,
                "median_seconds": timing.median_seconds if timing else None,
                "p95_seconds": timing.p95_seconds if timing else None,
            }
        )
