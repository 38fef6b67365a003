"""Compare the national portal's figures of an agency and period with our closings (our stored figures of the period).

A difference is only shown and does not count as a fault. It arises if a dossier was pushed later, counts on another
day, was deleted in the portal, or was never pushed.
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
"""The compared figures of the period: dossiers received, dossiers resolved (including withdrawn dossiers), and results
handed over."""


@dataclass(frozen=True, slots=True)
class PortalFigures:
    """The portal's figures of one agency and period, as a person handed them in."""

    figure_no: int
    agency_code: str
    period: str
    received: int
    resolved: int
    returned: int | None
    """The results handed over. ``None`` if the file does not give this figure."""
    handed_in_by: str
    handed_in_at: datetime
    file_name: str
    file_line: int
    replaces: int | None
    """The ``figure_no`` of the earlier figures that these figures replace. ``None`` if there are none."""


@dataclass(frozen=True, slots=True)
class CountedDossiers:
    """The figures of one closing for the agency and period."""

    closing_no: int
    as_of: datetime
    period: str
    agency_code: str
    received: int
    resolved: int
    returned: int


@dataclass(frozen=True, slots=True)
class Comparison:
    """One figure of an agency and period, in the portal and in our closing."""

    figure: ComparedFigure
    theirs: int
    ours: int | None
    """The figure of our closing. ``None`` if the period is not closed."""
    since: datetime | None
    """Since when the two figures have differed without a break; ``None`` if they are equal."""
    replaced: int | None
    """The figure that the portal gave before. ``None`` if there was none, or if it was the same."""

    @property
    def difference(self) -> int:
        """Return the portal's figure minus ours, or 0 if we have none."""
        return 0 if self.ours is None else self.theirs - self.ours


@dataclass(frozen=True, slots=True)
class ComparedAgency:
    """An agency's newest figures of a period, compared with the newest closing that was given to ``compare``."""

    newest: PortalFigures
    former: PortalFigures | None
    """The figures that the newest figures replaced."""
    figures: tuple[Comparison, ...]
    """The figures that the file gives, in the order of ``COMPARED``."""

    @property
    def differs(self) -> bool:
        """Return whether any figure differs."""
        return any(each.difference for each in self.figures)


def compare(handed_in: Iterable[PortalFigures], counted: Iterable[CountedDossiers]) -> list[ComparedAgency]:
    """Compare the figures that were handed in with the counted figures, by agency and period.

    Args:
        handed_in: figures in the order of handing in; the last figures of an agency and period count.
        counted: figures in the order of the closings; the last figures of an agency and period count.

    Returns:
        Comparisons with a difference first, then sorted by agency and period.
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
    """Return since when the portal's last value and our last value have differed without a break."""
    # A clock may have gone back between two entries. The later entry then gets the time of the earlier one.
    moments = [list(accumulate((at for at, _ in side), max)) for side in (theirs, ours)]
    said = sorted((at, side, place) for side, these in enumerate(moments) for place, at in enumerate(these))
    values: list[int | None] = [None, None]
    since: datetime | None = None
    for at, side, place in said:
        values[side] = (theirs, ours)[side][place][1]
        differ = None not in values and values[0] != values[1]
        since = (since or at) if differ else None
    return since
