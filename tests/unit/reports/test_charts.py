"""Charts are the same bytes each time, say in words what they show, and survive odd figures."""

from __future__ import annotations

import struct
import warnings

import pytest

from motcua.reports.quality.charts import Bar, Line, draw_agencies, draw_trend

KINDS = ("Thiếu số điện thoại", "Số không nhắn được", "Trạng thái sai thực tế", "Lỗi khác")
BARS = (Bar("Ủy ban nhân dân phường Lộc Thọ", (90.0, 40.0, 20.0, 6.0), 120.4), Bar("Sở TT-TT", (45.0, 0, 0, 0), None))
WEEKS = tuple(f"T{number}" for number in range(37, 49))


def trend(**changes):
    values = tuple(None if week == 5 else 90.0 - week for week in range(12))
    return draw_trend(**{"periods": WEEKS, "lines": [Line(kind, values) for kind in KINDS]} | changes)


@pytest.mark.parametrize("draw", [lambda: draw_agencies(BARS, KINDS), trend])
def test_same_figures_give_the_same_bytes_whatever_the_machine_prefers(draw):
    import matplotlib

    first = draw()
    with matplotlib.rc_context({"font.family": "serif", "axes.facecolor": "black", "savefig.dpi": 30}):
        assert draw().png == first.png
    width, height = struct.unpack(">II", first.png[16:24])
    assert (width, height) == (first.width * 2, first.height * 2)


def test_line_over_a_period_without_a_figure_is_drawn_and_a_lone_figure_has_none():
    values = [10.0, None, 30.0]
    bridged, bare = (
        draw_trend(["T1", "T2", "T3"], [Line(KINDS[0], line)]) for line in (tuple(values), (10.0, None, None))
    )
    straight = draw_trend(["T1", "T2", "T3"], [Line(KINDS[0], (10.0, 20.0, 30.0))])
    assert len({bridged.png, bare.png, straight.png}) == 3


def test_alternative_text_holds_the_figures():
    alt = draw_agencies(BARS, KINDS).alt
    assert alt == "Số lỗi trên 1.000 hồ sơ: Ủy ban nhân dân phường Lộc Thọ 156 (+36); Sở TT-TT 45"
    alt = trend().alt
    assert "12 tuần gần nhất" in alt
    assert "86,0, không có số liệu, 84,0" in alt


def test_every_vietnamese_letter_has_a_glyph_and_nothing_warns():
    letters = "ÀÁẢÃẠĂẰẮẲẴẶÂẦẤẨẪẬĐÈÉẺẼẸÊỀẾỂỄỆÌÍỈĨỊÒÓỎÕỌÔỒỐỔỖỘƠỜỚỞỠỢÙÚỦŨỤƯỪỨỬỮỰỲÝỶỸỴ"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        chart = draw_agencies([Bar(letters + letters.lower(), (1.0, 0, 0, 0), 0.0)], KINDS)
    assert letters in chart.alt


@pytest.mark.parametrize(
    "draw",
    [
        lambda: draw_agencies([Bar("Không có lỗi", (0.0, 0.0, 0.0, 0.0), 0.0)], KINDS),
        lambda: draw_agencies([Bar("$x_1$ & <b>", (1000.0, 1000.0, 1000.0, 1000.0), 2.0)], KINDS),
        lambda: trend(lines=[Line(KINDS[0], (None,) * 12)]),
        lambda: trend(lines=[Line(KINDS[0], (0.0,) * 12)]),
        lambda: draw_trend(["T1", "T2"], [Line(KINDS[0], (1.0, 2.0))]),
    ],
)
def test_odd_figures_are_drawn_without_a_warning(draw):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert draw().png.startswith(b"\x89PNG")
