"""The charts of a reconciliation report, as SVG: letters are outlines, the same in print and on every screen.

Drawn in the way of ``motcua.reports.quality.charts``; the same figures give the same bytes.
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
"""Apart in lightness too, for grey prints and colour-blind eyes."""
_SIZE = 7.6
"""Points, of names."""
_WIDTH, _ROW, _TOP, _BOTTOM = 6.3, 0.31, 0.3, 0.22
"""Inches; the page is that wide between its margins."""
_NAME_WIDTH = 0.86
"""Of the width, which a name may take beside its share."""
_DRAWING = threading.Lock()
"""One at a time: two threads that draw would change each other's settings, and bytes with them."""


@dataclass(frozen=True, slots=True)
class Drawing:
    """An SVG picture with the text that says the same; ``aspect``: width by height."""

    svg: str
    alt: str
    aspect: float


@dataclass(frozen=True, slots=True)
class _Bar:
    name: str
    shares: tuple[float, ...]
    """Each 0 to 1; together 1."""
    said: str
    """The share that the agency is judged by."""
    before: float | None = None
    """Of the first share."""


def draw_messages(told: Told, lines: Sequence[AgencyLine]) -> Drawing:
    """What became of the messages that each agency's share is of, with a tick where its delivered share was before."""
    said = told.words["charts"]
    bars = []
    for line in lines:
        row = line.notices
        lost = row.expired + row.rejected
        parts = (row.delivered, row.sent - row.delivered, row.in_hand, lost)
        before = line.before.delivered_of_tellable if line.change is not None and line.before else None
        shares = _shares(parts)
        bars.append(_Bar(line.name, shares, told.percent(shares[0]), before))
    names = (said["delivered"], said["sent_else"], said["waiting"], said["lost"])
    return _draw(told, bars, names, (GOOD, FAIR, POOR, BAD), said["messages"], said["before"])


def draw_dossiers(told: Told, lines: Sequence[AgencyLine]) -> Drawing:
    """Whether each agency's dossiers were resolved in time."""
    said = told.words["charts"]
    bars = []
    for line in lines:
        row = line.dossiers
        shares = _shares((row.resolved_early, row.resolved_on_time, row.resolved_without_due, row.resolved_late))
        bars.append(_Bar(line.name, shares, str(said["late_share"].format(share=told.percent(shares[-1])))))
    names = (said["early"], said["on_time"], said["without_due"], said["late"])
    return _draw(told, bars, names, (GOOD, "#7fb3a0", POOR, BAD), said["dossiers"], None)


def _shares(parts: tuple[int, ...]) -> tuple[float, ...]:
    return tuple(part / (sum(parts) or 1) for part in parts)


def _fitting(name: str) -> str:
    """A name as much of which as fits beside its share."""
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
    said = (
        f"{bar.name} "
        + ", ".join(f"{name} {told.percent(part)}" for name, part in zip(names, bar.shares, strict=True) if part)
        for bar in bars
    )
    return Drawing(svg, f"{title}: {'; '.join(said)}", _WIDTH / height)


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
        # Dollar signs would begin a formula.
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
