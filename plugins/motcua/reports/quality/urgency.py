"""Sort findings by urgency, and add them up.

The most overdue and most severe findings come first, acknowledged findings last.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from heapq import nsmallest
from typing import Any

from motcua.domain.quality import TextableShare
from motcua.quality.choosing import Part, part_of
from motcua.quality.report_data import AgencyFigures, RowToCorrect, RuleResult
from motcua.reports import wording

LEAST_DOSSIERS = wording.LEAST_JUDGED
"""A share is shown only if it is computed from at least this many dossiers. So no agency is blamed for a few
dossiers."""
_STAGES = ("remind_department", "remind_agency", "in_time")
_SEVERITIES = ("critical", "warning", "info")


def most_urgent(rows: Iterable[RowToCorrect], most: int) -> tuple[list[RowToCorrect], int]:
    """Return the ``most`` most urgent rows in order, and the number of further rows, which are not held in memory."""
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
    """Counts of findings that do not count in any rate."""

    signs: int
    """How many findings are about an agency's month."""
    notes: int
    """How many findings are for information only."""
    others: int
    """How many findings the Department or the operator of the one-stop software must correct."""

    @property
    def are_any(self) -> bool:
        """Whether there is any finding that does not count in any rate."""
        return bool(self.signs or self.notes or self.others)


def beside(results: Iterable[RuleResult]) -> Beside:
    """Count the unacknowledged findings that do not count in any rate. ``part_of`` gives the kind of each rule."""
    found: Counter[Part] = Counter()
    for each in results:
        found[part_of(each.rule)] += each.to_do
    return Beside(found["signs"], found["notes"], found["others"])


def added_up(figures: AgencyFigures, besides: Beside) -> str:
    """Return the sum of all findings to correct, in words."""
    sentence = wording.words()["added_up_with_others" if besides.others else "added_up"]
    parts = {
        "to_do": figures.to_do,
        "signs": besides.signs,
        "notes": besides.notes,
        "others": besides.others,
    }
    return str(
        sentence.format(all=wording.count(sum(parts.values())), **{k: wording.count(v) for k, v in parts.items()})
    )


def shares_told(shares: Iterable[TextableShare]) -> list[TextableShare]:
    """Return the shares of textable numbers with enough dossiers to be meaningful, in their order."""
    return [each for each in shares if each.dossiers >= LEAST_DOSSIERS]


def late(counted: AgencyFigures | RuleResult) -> int:
    """Return how many findings are so late that the agency, or even the Department, is reminded of them."""
    return counted.remind_agency + counted.remind_department
