"""In which order findings are shown: what is latest and gravest first, what somebody accepted for a time last."""

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
    """What is to be looked at besides the findings that make the rates; what agencies can mend, and what others."""

    signs: int
    """About an agency's month."""
    notes: int
    """For information alone."""
    others: int
    """For the Department or whoever runs the one-stop software to mend, of any kind."""

    @property
    def are_any(self) -> bool:
        """Whether there is anything."""
        return bool(self.signs or self.notes or self.others)


def beside(results: Iterable[RuleResult]) -> Beside:
    """Findings that are in no rate, less acknowledged: each is of one kind alone, as ``part_of`` tells."""
    found: Counter[Part] = Counter()
    for each in results:
        found[part_of(each.rule)] += each.to_do
    return Beside(found["signs"], found["notes"], found["others"])


def added_up(figures: AgencyFigures, besides: Beside) -> str:
    """What all that is to be done adds up to, in words."""
    said = wording.words()["added_up_with_others" if besides.others else "added_up"]
    parts = {
        "to_do": figures.to_do,
        "signs": besides.signs,
        "notes": besides.notes,
        "others": besides.others,
    }
    return str(said.format(all=wording.count(sum(parts.values())), **{k: wording.count(v) for k, v in parts.items()}))


def shares_told(shares: Iterable[TextableShare]) -> list[TextableShare]:
    """The shares of textable numbers that say something, in their order: none of a handful of dossiers."""
    return [each for each in shares if each.dossiers >= LEAST_DOSSIERS]


def late(counted: AgencyFigures | RuleResult) -> int:
    """Findings past their deadline: those the agency is reminded of and those the Department is told of."""
    return counted.remind_agency + counted.remind_department
