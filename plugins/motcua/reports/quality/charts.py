"""Draw the charts of a quality mail, as PNG pictures with an alternative text.

Only matplotlib's ``Figure`` is used, because pyplot keeps figures for the whole process and looks for a screen. The
same figures give the same bytes. The font DejaVu Sans comes with matplotlib and has every Vietnamese letter.

Pictures are 1200 pixels wide and shown 600 pixels wide. Letters are large, because a phone shows the picture 340 pixels
wide. An agency's name is above its bar, so that the bar can use the whole width.
"""

from __future__ import annotations

import functools
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any, TypeVar

from motcua.reports.wording import decimal, signed, words

if TYPE_CHECKING:
    from matplotlib.figure import Figure

WIDTH = 600
"""Width of a chart on the page, in CSS pixels."""
_DPI = 200
_POINTS_PER_PIXEL = 72 * 2 / _DPI
"""Points for one CSS pixel, which is two pixels of the picture."""

INK, SOFT, LINE = "#14213d", "#55617a", "#dde3ee"
BETTER, WORSE = "#0f7a4b", "#b3202c"
PALETTE = ("#1f4e79", "#e08e0b", "#b3202c", "#8b97ab")
"""Colours of the kinds of findings, in their order. They differ in lightness too, for grey prints and colour-blind
readers."""


Draw = TypeVar("Draw", bound=Callable[..., Any])


def _in_our_style(draw: Draw) -> Draw:
    """Make a drawing function use our own settings, so that a machine's matplotlibrc cannot change the picture's
    bytes."""

    @functools.wraps(draw)
    def drawn(*arguments: Any, **named: Any) -> Any:  # noqa: ANN401
        import matplotlib

        with matplotlib.rc_context({**matplotlib.rcParamsDefault, "font.family": "DejaVu Sans"}):
            return draw(*arguments, **named)

    return drawn  # type: ignore[return-value]


@dataclass(frozen=True, slots=True)
class Picture:
    """A PNG with its alternative text, and its size on the page in CSS pixels."""

    png: bytes
    alt: str
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Bar:
    """The findings of one agency per 1,000 dossiers, by kind, and their sum in the report before.

    The sum is ``None`` if there is no report before.
    """

    name: str
    parts: tuple[float, ...]
    before: float | None

    @property
    def total(self) -> float:
        """The sum of all kinds."""
        return sum(self.parts)


@_in_our_style
def draw_agencies(bars: Sequence[Bar], kinds: Sequence[str]) -> Picture:
    """Draw agencies by findings per 1,000 dossiers, stacked by kind, with a tick at the value of the report before.

    Args:
        bars: the agencies, in the order in which they are shown.
        kinds: the names of each bar's parts.
    """
    chart_words = words()["chart"]
    row, top, bottom = 50, 60, 8
    height = top + row * len(bars) + bottom
    figure = _figure(height)
    axes: Any = figure.add_axes((0.002, bottom / height, 0.84, row * len(bars) / height))
    longest = max([*(bar.total for bar in bars), *(bar.before or 0.0 for bar in bars), 1.0])
    axes.set_xlim(0, longest)
    axes.set_ylim(row * len(bars), 0)
    axes.axis("off")
    for place, bar in enumerate(bars):
        upper = place * row
        axes.text(0, upper + 14, bar.name, fontsize=_points(16), color=INK, va="center")
        left = 0.0
        for part, colour in zip(bar.parts, PALETTE, strict=False):
            axes.barh(upper + 34, part, left=left, height=15, color=colour)
            left += part
        if bar.before is not None:
            axes.plot([bar.before] * 2, [upper + 24, upper + 44], color=INK, linewidth=1.6, clip_on=False)
        change = "" if bar.before is None else _signed_change(bar.total - bar.before)
        axes.annotate(
            decimal(bar.total, 0) + change,
            (max(left, bar.before or 0.0), upper + 34),
            xytext=(_points(7), 0),
            textcoords="offset points",
            va="center",
            fontsize=_points(16),
            color=_colour(bar.total - bar.before) if bar.before is not None else SOFT,
            annotation_clip=False,
        )
    _legend(figure, [*zip(kinds, PALETTE, strict=False), (chart_words["before"], None)])
    agencies = "; ".join(
        chart_words["alt_agency"].format(name=bar.name, rate=decimal(bar.total, 0)) + _describe_change(bar)
        for bar in bars
    )
    return _picture(figure, height, chart_words["alt_agencies"].format(agencies=agencies))


@dataclass(frozen=True, slots=True)
class Line:
    """Findings of one kind per 1,000 dossiers, by period; ``None`` for a period without a figure."""

    name: str
    values: tuple[float | None, ...]


@_in_our_style
def draw_trend(periods: Sequence[str], lines: Sequence[Line]) -> Picture:
    """Draw the kinds of findings over the periods. The line is dashed over periods without a figure."""
    chart_words = words()["chart"]
    height, top, bottom = 280, 66, 30
    figure = _figure(height)
    axes: Any = figure.add_axes((0.075, bottom / height, 0.905, (height - top - bottom) / height))
    highest = max([value for line in lines for value in line.values if value is not None], default=0.0)
    axes.set_xlim(-0.35, len(periods) - 0.65)
    axes.set_ylim(0, highest * 1.12 or 1.0)
    axes.yaxis.get_major_locator().set_params(nbins=4, integer=True)
    axes.grid(axis="y", color=LINE, linewidth=0.8)
    axes.set_axisbelow(True)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.spines["bottom"].set_color(SOFT)
    axes.tick_params(length=0, labelsize=_points(14.5), colors=SOFT, pad=4)
    axes.yaxis.set_major_formatter(lambda value, _: decimal(value, 0))
    step = 1 if max(map(len, periods), default=0) <= 3 or len(periods) <= 8 else 2
    shown = range(len(periods) - 1, -1, -step)
    axes.set_xticks(list(shown), [periods[place] for place in shown])
    for line, colour in zip(lines, PALETTE, strict=False):
        values = [float("nan") if value is None else value for value in line.values]
        axes.plot(
            range(len(values)),
            values,
            color=colour,
            linewidth=2,
            marker="o",
            markersize=3.6,
            clip_on=False,
            solid_capstyle="round",
        )
        known = [(place, value) for place, value in enumerate(line.values) if value is not None]
        for before, after in pairwise(known):
            if after[0] - before[0] > 1:
                axes.plot(*zip(before, after, strict=True), color=colour, linewidth=1, linestyle=(0, (2, 3)))
    _legend(
        figure, [(f"{line.name}: {_last_value(line)}", colour) for line, colour in zip(lines, PALETTE, strict=False)]
    )
    line_texts = [each for line in lines if (each := _describe_line(line))]
    gaps = sum(all(line.values[place] is None for line in lines) for place in range(len(periods)))
    alt = chart_words["alt_trend"].format(number=len(periods), lines="; ".join(line_texts) or chart_words["no_figure"])
    return _picture(
        figure, height, alt + (" " + chart_words["alt_gaps"].format(number=gaps) if gaps and line_texts else "")
    )


def _describe_line(line: Line) -> str:
    """Describe one line of the trend in words. Empty if the line has no figure."""
    known = [value for value in line.values if value is not None]
    if not known:
        return ""
    first, last, highest = (decimal(value) for value in (known[0], known[-1], max(known)))
    return str(words()["chart"]["alt_line"].format(name=line.name, first=first, last=last, highest=highest))


def _describe_change(bar: Bar) -> str:
    """Compare an agency with the report before, in words. Empty without a change or without a report before."""
    chart_words = words()["chart"]
    if bar.before is None or not _signed_change(bar.total - bar.before):
        return ""
    more = bar.total > bar.before
    return str(chart_words["alt_more" if more else "alt_fewer"].format(number=decimal(abs(bar.total - bar.before), 0)))


def _figure(height: int) -> Figure:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(WIDTH * 2 / _DPI, height * 2 / _DPI), dpi=_DPI, facecolor="white")
    FigureCanvasAgg(figure)
    return figure


def _points(pixels: float) -> float:
    return pixels * _POINTS_PER_PIXEL


def _legend(figure: Figure, entries: Sequence[tuple[str, str | None]]) -> None:
    """Draw the names with their colours, in two lines above the chart. The entry without a colour is the tick."""
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    handles = [
        Patch(color=colour, label=name)
        if colour
        else Line2D([], [], color=INK, linewidth=0, marker="|", markersize=8, markeredgewidth=1.6, label=name)
        for name, colour in entries
    ]
    columns = -(-len(handles) // 2)
    figure.legend(
        handles=[handle for column in range(columns) for handle in handles[column::columns]],
        loc="upper left",
        bbox_to_anchor=(0.0, 1.0),
        bbox_transform=figure.transFigure,
        ncols=columns,
        frameon=False,
        fontsize=_points(15),
        labelcolor=SOFT,
        handlelength=0.9,
        handleheight=0.9,
        handletextpad=0.4,
        columnspacing=1.4,
        labelspacing=0.45,
        borderpad=0.0,
        borderaxespad=0.1,
    )


def _signed_change(difference: float) -> str:
    written = signed(difference, 0)
    return "" if written == "0" else f" ({written})"


def _colour(difference: float) -> str:
    return SOFT if not _signed_change(difference) else (WORSE if difference > 0 else BETTER)


def _last_value(line: Line) -> str:
    last = line.values[-1] if line.values else None
    return "–" if last is None else decimal(last)


def _picture(figure: Figure, height: int, alt: str) -> Picture:
    file = io.BytesIO()
    figure.savefig(file, format="png", metadata={"Software": None})
    return Picture(file.getvalue(), alt, WIDTH, height)
