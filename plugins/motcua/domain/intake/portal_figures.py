"""What the national portal says of an agency's dossiers in a period, held against what our closings count.

A difference is shown and not judged: a dossier that was pushed later, that counts on another day, or that was deleted
there makes one, and so does one that never was pushed.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import accumulate
from typing import Literal, TypeAlias, get_args

ComparedFigure: TypeAlias = Literal["received", "resolved", "returned"]
COMPARED: tuple[ComparedFigure, ...] = get_args(ComparedFigure)
"""Dossiers received in the period, dossiers resolved in it (withdrawn ones among them), results handed over in it."""


@dataclass(frozen=True, slots=True)
class PortalFigures:
    """What was handed in of one agency and period."""

    figure_no: int
    agency_code: str
    period: str
    received: int
    resolved: int
    returned: int | None
    """``None``: the file does not say."""
    handed_in_by: str
    handed_in_at: datetime
    file_name: str
    file_line: int
    replaces: int | None
    """Number of the figures that it replaces."""


@dataclass(frozen=True, slots=True)
class CountedDossiers:
    """What one closing of the period counts of the agency."""

    closing_no: int
    as_of: datetime
    period: str
    agency_code: str
    received: int
    resolved: int
    returned: int


@dataclass(frozen=True, slots=True)
class Comparison:
    """One figure of an agency and period, there and here."""

    figure: ComparedFigure
    theirs: int
    ours: int | None
    """``None``: the period is not closed."""
    since: datetime | None
    """Since when the two have differed without a break; ``None``: they do not."""
    replaced: int | None
    """What the figures before said, where that was something else."""

    @property
    def difference(self) -> int:
        """The portal's figure less ours; 0 where there is none of ours."""
        return 0 if self.ours is None else self.theirs - self.ours


@dataclass(frozen=True, slots=True)
class ComparedAgency:
    """An agency's newest figures of a period against the newest closing that was asked for."""

    newest: PortalFigures
    former: PortalFigures | None
    """The figures that they replaced."""
    figures: tuple[Comparison, ...]
    """Those that the file says, in the order of ``COMPARED``."""

    @property
    def differs(self) -> bool:
        """Whether any figure does."""
        return any(each.difference for each in self.figures)


def compare(handed_in: Iterable[PortalFigures], counted: Iterable[CountedDossiers]) -> list[ComparedAgency]:
    """Holds what was handed in against what was counted, by agency and period.

    Args:
        handed_in: in the order in which it was; the last of an agency and period counts.
        counted: in the order of the closings; the last counts.

    Returns:
        What differs first, then by agency and period.
    """
    theirs: dict[tuple[str, str], list[PortalFigures]] = defaultdict(list)
    ours: dict[tuple[str, str], list[CountedDossiers]] = defaultdict(list)
    for given in handed_in:
        theirs[given.agency_code, given.period].append(given)
    for own in counted:
        ours[own.agency_code, own.period].append(own)
    found = [_compared(given, ours[of]) for of, given in theirs.items()]
    return sorted(found, key=lambda each: (not each.differs, each.newest.agency_code, each.newest.period))


def _compared(given: Sequence[PortalFigures], counted: Sequence[CountedDossiers]) -> ComparedAgency:
    newest, former = given[-1], given[-2] if len(given) > 1 else None
    figures = []
    for name in COMPARED:
        says: int | None = getattr(newest, name)
        if says is None:
            continue
        before: int | None = getattr(former, name) if former else None
        figures.append(
            Comparison(
                name,
                says,
                getattr(counted[-1], name) if counted else None,
                _differing_since(
                    [(each.handed_in_at, getattr(each, name)) for each in given],
                    [(each.as_of, getattr(each, name)) for each in counted],
                ),
                None if before == says else before,
            )
        )
    return ComparedAgency(newest, former, tuple(figures))


def _differing_since(
    theirs: Sequence[tuple[datetime, int | None]], ours: Sequence[tuple[datetime, int]]
) -> datetime | None:
    """Since when what was said last on both sides has differed without a break."""
    # What came later counts, whatever the clock said.
    moments = [list(accumulate((at for at, _ in side), max)) for side in (theirs, ours)]
    said = sorted((at, side, place) for side, these in enumerate(moments) for place, at in enumerate(these))
    values: list[int | None] = [None, None]
    since: datetime | None = None
    for at, side, place in said:
        values[side] = (theirs, ours)[side][place][1]
        differ = None not in values and values[0] != values[1]
        since = (since or at) if differ else None
    return since
