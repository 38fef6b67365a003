"""Compute the charts of the pages about data quality as SVG, which needs neither script nor style attribute."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from motcua.quality.report_data import AgencyFigures, Group, TrendPoint
from motcua.reports import wording


@dataclass(frozen=True, slots=True)
class Curve:
    """One kind of findings over the periods, as pieces of a line.

    Periods without a figure are bridged by a dashed line.
    """

    group: str
    name: str
    pieces: tuple[str, ...]
    """Points of each solid piece, in SVG's notation."""
    bridges: tuple[str, ...]
    """Dashed lines from the last figure before a period without figures to the first figure after it."""
    dots: tuple[tuple[float, float, str], ...]
    """Places of the figures, each with its period and figure in words."""
    last: float | None


@dataclass(frozen=True, slots=True)
class TrendChart:
    """A chart in a box of 600 by 200 units."""

    left: float
    right: float
    """The periods lie between ``left`` and ``right`` in the box."""
    curves: tuple[Curve, ...]
    labels: tuple[tuple[float, str], ...]
    lines: tuple[tuple[float, str], ...]
    """Heights of the horizontal lines, with their figures."""
    is_counted: bool
    """Whether the chart shows numbers of findings.

    Otherwise it shows rates per 1,000 dossiers, which are not given for periods with too few dossiers.
    """


_LEFT, _RIGHT, _TOP, _BOTTOM = 46.0, 576.0, 12.0, 176.0


def trend_chart(points: Sequence[TrendPoint]) -> TrendChart | None:
    """Return a chart of rates if two or more periods have a rate, or else a chart of numbers of findings.

    Return ``None`` if fewer than two periods have a run of the quality check.
    """
    is_counted = sum(point.per_thousand is not None for point in points) < 2
    if is_counted and sum(point.run_no is not None for point in points) < 2:
        return None
    figures = [dict[Group, float | None](each.found_by_group if is_counted else each.by_group) for each in points]
    values = [value for each in figures for value in each.values() if value is not None]
    step = _round_step(max(values, default=0.0) / 4)
    highest = step * 4

    def across(place: int) -> float:
        return round(_LEFT + (_RIGHT - _LEFT) * place / max(len(points) - 1, 1), 1)

    def up(value: float) -> float:
        return round(_BOTTOM - (_BOTTOM - _TOP) * value / highest, 1)

    curves = []
    for group, name in wording.words()["group"].items():
        pieces: list[list[str]] = [[]]
        dots = []
        for place, point in enumerate(points):
            value = figures[place].get(group)
            if value is None:
                pieces.append([])
                continue
            pieces[-1].append(f"{across(place)},{up(value)}")
            said = wording.plain(value) if is_counted else wording.decimal(value)
            dots.append((across(place), up(value), f"{point.label}: {said}"))
        told = [piece for piece in pieces if piece]
        lines = tuple(" ".join(piece) for piece in told if len(piece) > 1)
        bridges = tuple(f"{before[-1]} {after[0]}" for before, after in pairwise(told))
        curves.append(Curve(group, name, lines, bridges, tuple(dots), figures[-1].get(group)))
    return TrendChart(
        _LEFT,
        _RIGHT,
        tuple(curves),
        tuple((across(place), point.label) for place, point in enumerate(points)),
        tuple((up(step * line), wording.plain(step * line)) for line in range(5)),
        is_counted,
    )


def _round_step(least: float) -> float:
    """Return the smallest of 1, 2, 5, 10, 20, … that is not below ``least``."""
    size = 1.0
    while True:
        for times in (1, 2, 5):
            if size * times >= least:
                return size * times
        size *= 10


def bar_of(figures: AgencyFigures, highest: float) -> list[tuple[str, float, float]]:
    """Return the parts of an agency's bar: for each, its group of findings, and its beginning and width in percent of
    the widest bar."""
    parts, left = [], 0.0
    for group in wording.words()["group"]:
        # An agency for which no rate is given has no bar.
        rate = 0.0 if figures.per_thousand is None else figures.by_group.get(group, 0) / figures.dossiers
        wide = rate * 100_000 / highest
        if wide:
            parts.append((group, round(left, 2), round(wide, 2)))
        left += wide
    return parts
