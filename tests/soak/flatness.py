"""Whether what was sampled over a day is flat: medians of thirds, and a slope that few odd samples do not move."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

WARM_UP = 0.25
"""Share of a series that is left out: caches fill, modules are loaded."""
_MOST_PAIRS = 400
"""Samples that a slope is taken over, evenly chosen."""


@dataclass(frozen=True)
class Margin:
    """By how much the last third may be above the middle one: a share of it, and a rest."""

    share: float
    rest: float

    def __str__(self) -> str:
        return f"+{100 * self.share:.0f} % +{self.rest:,.0f}"


@dataclass
class Series:
    """What was sampled of one thing: hour of the day, and value."""

    subject: str
    unit: str
    margin: Margin
    points: list[tuple[float, float]] = field(default_factory=list)

    def add(self, hour: float, value: float) -> None:
        """One more sample."""
        self.points.append((hour, value))


@dataclass(frozen=True)
class Trend:
    """Medians of the middle and the last third after the warm-up, and the growth in an hour."""

    middle: float
    last: float
    per_hour: float
    samples: int


def trend(points: Sequence[tuple[float, float]]) -> Trend:
    """How a series goes after its warm-up.

    Raises:
        ValueError: fewer than 12 samples.
    """
    if len(points) < 12:
        raise ValueError("too few samples")
    kept = sorted(points)[int(len(points) * WARM_UP) :]
    third = len(kept) // 3
    middle, last = kept[third : 2 * third], kept[2 * third :]
    return Trend(
        statistics.median(value for _, value in middle),
        statistics.median(value for _, value in last),
        _slope(kept),
        len(points),
    )


def _slope(points: Sequence[tuple[float, float]]) -> float:
    """Theil and Sen's: the median of the slopes between all pairs."""
    step = max(1, len(points) // _MOST_PAIRS)
    chosen = points[::step]
    slopes = [
        (b[1] - a[1]) / (b[0] - a[0]) for place, a in enumerate(chosen) for b in chosen[place + 1 :] if b[0] > a[0]
    ]
    return statistics.median(slopes) if slopes else 0.0


def is_flat(found: Trend, margin: Margin) -> bool:
    """Whether the last third is not above the middle one by more than the margin."""
    return found.last <= found.middle * (1 + margin.share) + margin.rest


def rising(series: Iterable[Series]) -> list[Series]:
    """Those that are not flat."""
    return [each for each in series if not is_flat(trend(each.points), each.margin)]
