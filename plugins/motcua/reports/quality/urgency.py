"""In which order findings are shown: what is latest and gravest first, what somebody accepted for a time last."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from heapq import nsmallest
from typing import Any

from motcua.quality.report_data import AgencyFigures, PhoneShare, RowToCorrect, RuleResult

LEAST_DOSSIERS = 30
"""From so many dossiers on a month counts, as in the rules: three dossiers accuse nobody."""
_STAGES = ("remind_department", "remind_agency", "in_time")
_SEVERITIES = ("critical", "warning", "info")


def most_urgent(rows: Iterable[RowToCorrect], most: int) -> tuple[list[RowToCorrect], int]:
    """The most urgent rows in order, and how many more there are; no more than ``most`` are held at once."""
    total = 0

    def counted() -> Iterable[RowToCorrect]:
        nonlocal total
        for row in rows:
            total += 1
            yield row

    first = nsmallest(most, counted(), key=_urgency)
    return first, total - len(first)


def _urgency(row: RowToCorrect) -> tuple[Any, ...]:
    return (
        row.acknowledged is not None,
        _STAGES.index(row.stage),
        _SEVERITIES.index(row.rule.severity),
        not row.rule.mendable,
        row.rule.code,
        row.deadline.toordinal() if row.deadline else 0,
        row.subject,
    )


@dataclass(frozen=True, slots=True)
class Beside:
    """What is to be looked at besides the findings that make the rates."""

    signs: int
    """About an agency's month or a source."""
    notes: int
    """For information alone."""


def beside(results: Iterable[RuleResult]) -> Beside:
    """Findings that are in no rate, since they are about no one dossier or for information alone; less acknowledged."""
    signs = notes = 0
    for each in results:
        if each.rule.severity == "info":
            notes += each.to_do
        elif each.rule.level != "dossier":
            signs += each.to_do
    return Beside(signs, notes)


def shares_told(shares: Iterable[PhoneShare]) -> list[PhoneShare]:
    """The shares of textable numbers that say something, in their order: none of a handful of dossiers."""
    return [each for each in shares if each.dossiers >= LEAST_DOSSIERS]


def late(counted: AgencyFigures | RuleResult) -> int:
    """Findings past their deadline: those the agency is reminded of and those the Department is told of."""
    return counted.remind_agency + counted.remind_department
