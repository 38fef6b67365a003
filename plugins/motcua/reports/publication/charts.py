"""Draw the charts of a reconciliation report, as SVG. Letters are drawn as shapes, so that they need no font.

The style is that of ``motcua.reports.quality.charts``. The same figures give the same bytes.
"""

from __future__ import annotations

import io
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from motcua.reports.publication.data import AgencyLine, Told
from motcua.reports.quality.charts import INK, LINE, SOFT

GOOD, FAIR, POOR, BAD = "#1f6f54", "#e0a11b", "#8b97ab", "#b3202c"
"""Colours that differ in lightness too, for grey prints and colour-blind readers."""
_SIZE = 7.6
"""Size of names, in points."""
_WIDTH, _ROW, _TOP, _BOTTOM = 6.3, 0.31, 0.3, 0.22
"""Sizes in inches. ``_WIDTH`` is the width of the page between its margins."""
_NAME_WIDTH = 0.86
"""Part of the page's width that an agency's name may take beside the agency's share."""
_DRAWING = threading.Lock()
"""A thread holds this lock while it draws. Two drawing threads would change each other's settings, and so the bytes."""


@dataclass(frozen=True, slots=True)
class Drawing:
    """An SVG picture with its alternative text; ``aspect`` is width divided by height."""

    svg: str
    alt: str
    aspect: float


@dataclass(frozen=True, slots=True)
class _Bar:
    name: str
    shares: tuple[float, ...]
    """The parts of the bar, as shares that add up to 1."""
    said: str
    """The share by which the agency is judged, as the text beside the bar."""
    before: float | None = None
    """The first of ``shares`` in the period before. ``None`` if there is no such figure."""


def draw_messages(told: Told, lines: Sequence[AgencyLine]) -> Drawing:
    """Draw the states of each agency's messages except replies.

    A tick marks the delivered share in the period before.
    """
    words = told.words["charts"]
    bars = []
    for line in lines:
        row = line.notices
        lost = row.expired + row.rejected
        parts = (row.delivered, row.sent - row.delivered, row.in_hand, lost)
        before = line.before.delivered_of_tellable if line.change is not None and line.before else None
        shares = _shares(parts)
        bars.append(_Bar(line.name, shares, told.percent(shares[0]), before))
    names = (words["delivered"], words["sent_else"], words["waiting"], words["lost"])
    return _draw(told, bars, names, (GOOD, FAIR, POOR, BAD), words["messages"], words["before"])


def draw_dossiers(told: Told, lines: Sequence[AgencyLine]) -> Drawing:
    """Draw which shares of each agency's resolved dossiers were early, on time, without an appointment, and late."""
    words = told.words["charts"]
    bars = []
    for line in lines:
        row = line.dossiers
        shares = _shares((row.resolved_early, row.resolved_on_time, row.resolved_without_due, row.resolved_late))
        bars.append(_Bar(line.name, shares, str(words["late_share"].format(share=told.percent(shares[-1])))))
    names = (words["early"], words["on_time"], words["without_due"], words["late"])
    return _draw(told, bars, names, (GOOD, "#7fb3a0", POOR, BAD), words["dossiers"], None)


def _shares(parts: tuple[int, ...]) -> tuple[float, ...]:
    return tuple(part / (sum(parts) or 1) for part in parts)


def _fitting(name: str) -> str:
    """Return as much of an agency's name as fits beside the agency's share."""
    from matplotlib.font_manager import FontProperties
    from matplotlib.textpath import text_to_path

    font, most = FontProperties(family="DejaVu Sans", size=_SIZE), _WIDTH * 72 * _NAME_WIDTH
    kept = name[:200]
    while True:
        written = kept if kept == name else f"{kept.rstrip()}…"
        if len(kept) <= 1 or text_to_path.get_text_width_height_descent(written, font, ismath=False)[0] <= most:
            return written
        kept = kept[:-1]


def _draw(
    told: Told, bars: Sequence[_Bar], names: Sequence[str], colours: Sequence[str], title: str, before: str | None
) -> Drawing:
    import matplotlib

    ours: dict[Any, Any] = {"font.family": "DejaVu Sans", "svg.fonttype": "path", "svg.hashsalt": "motcua"}
    with _DRAWING, matplotlib.rc_context({**matplotlib.rcParamsDefault, **ours}):
        svg, height = _svg(bars, names, colours, before, told.words["charts"]["whole"])
    bars_in_words = (
        f"{bar.name} "
        + ", ".join(f"{name} {told.percent(part)}" for name, part in zip(names, bar.shares, strict=True) if part)
        for bar in bars
    )
    return Drawing(svg, f"{title}: {'; '.join(bars_in_words)}", _WIDTH / height)


def _svg(
    bars: Sequence[_Bar], names: Sequence[str], colours: Sequence[str], before: str | None, whole: str
) -> tuple[str, float]:
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    height = _TOP + _ROW * len(bars) + _BOTTOM
    figure = Figure(figsize=(_WIDTH, height), facecolor="white")
    FigureCanvasSVG(figure)
    axes: Any = figure.add_axes((0.012, _BOTTOM / height, 0.976, _ROW * len(bars) / height))
    axes.set_xlim(0, 100)
    axes.set_ylim(len(bars), 0)
    for place, bar in enumerate(bars):
        # Matplotlib would read dollar signs as the beginning of a formula.
        axes.text(0, place + 0.24, _fitting(bar.name), fontsize=_SIZE, color=INK, va="center", parse_math=False)
        axes.text(100, place + 0.24, bar.said, fontsize=_SIZE, color=INK, va="center", ha="right")
        left = 0.0
        for part, colour in zip(bar.shares, colours, strict=True):
            axes.barh(place + 0.68, part * 100, left=left, height=0.36, color=colour)
            left += part * 100
        if bar.before is not None:
            axes.plot([bar.before * 100] * 2, [place + 0.46, place + 0.9], color=INK, linewidth=1.4, clip_on=False)
    axes.set_xticks([0, 25, 50, 75, 100], ["0", "25", "50", "75", whole], fontsize=7, color=SOFT)
    axes.get_xticklabels()[-1].set_ha("right")
    axes.set_yticks([])
    axes.tick_params(length=0, pad=2)
    axes.grid(axis="x", color=LINE, linewidth=0.6)
    axes.set_axisbelow(True)
    for side in ("top", "right", "left", "bottom"):
        axes.spines[side].set_visible(False)
    shown = [place for place in range(len(names)) if any(bar.shares[place] for bar in bars)]
    handles: list[Any] = [Patch(color=colours[place], label=names[place]) for place in shown]
    if before and any(bar.before is not None for bar in bars):
        handles.append(
            Line2D([], [], color=INK, linewidth=0, marker="|", markersize=7, markeredgewidth=1.4, label=before)
        )
    figure.legend(
        handles=handles,
        loc="upper left",
        bbox_to_anchor=(0.0, 1.0),
        ncols=5,
        frameon=False,
        fontsize=7.4,
        labelcolor=SOFT,
        handlelength=0.9,
        handleheight=0.9,
        handletextpad=0.4,
        columnspacing=1.2,
        borderaxespad=0.1,
    )
    file = io.StringIO()
    figure.savefig(file, format="svg", metadata={"Date": None, "Creator": None})
    return file.getvalue(), height
