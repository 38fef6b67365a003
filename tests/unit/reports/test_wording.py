"""Test numbers and days in the form of Vietnamese official texts, whatever the machine's locale is."""

from __future__ import annotations

import re
import unicodedata
from datetime import UTC, datetime
from typing import Any

import pytest

from motcua.domain.checks import Finding
from motcua.reports import wording
from motcua.reports.checks import in_words, look_in_words
from motcua.settings import include_dir


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (wording.count(-1_234_567), "−1.234.567"),
        (wording.decimal(1234.5), "1.234,5"),
        (wording.decimal(-0.04), "0,0"),
        (wording.decimal(148.7, 0), "149"),
        (wording.percent(0.305), "30,5%"),
        (wording.percent(0.0004), "0,0%"),
        (wording.percent(2999 / 3000), "99,9%"),
        (wording.percent(0.9994), "99,9%"),
        (wording.percent(1), "100,0%"),
        (wording.percent(1.0004), "100,0%"),
        (wording.signed(53.46), "+53,5"),
        (wording.signed(0.04), "0"),
        (wording.plain(2.5), "2,5"),
        (wording.day(datetime(2026, 11, 25, 18, 0, tzinfo=UTC)), "26/11/2026"),
        (wording.moment(datetime(2026, 11, 25, 23, 5, tzinfo=UTC)), "6:05 ngày 26/11/2026"),
    ],
)
def test_numbers_and_days_are_written_as_in_official_texts(written, expected):
    assert written == expected


def test_figures_of_the_watch_have_a_decimal_comma_and_no_blank_before_percent():
    clock = look_in_words("clock", "ok", {"seconds": 0.4})
    delivered = look_in_words("delivered", "ok", {"percent": 88.5, "taken": 381, "usual_percent": 96.0})
    assert clock is not None
    assert delivered is not None
    assert (clock.figure, delivered.figure) == ("lệch 0,4 giây", "88,5% trong 381 tin, thường ngày 96,0%")


@pytest.mark.guarantee("reconciliation", "a rate of fewer than 30 messages is not shown, but their count is")
def test_no_rate_of_fewer_than_30_is_told():
    assert [wording.rate(*each) for each in ((0, 29), (29, 29), (1, 1), (0, 30), (30, 30), (0, 0))] == [
        *["chưa đủ tin để đánh giá"] * 3,
        *("0,0%", "100,0%", "–"),
    ]
    facts = {"percent": 0.0, "taken": 25, "usual_percent": 96.0}
    few, enough = (look_in_words("delivered", "ok", facts | {"taken": taken}) for taken in (25, 30))
    assert few is not None
    assert enough is not None
    assert (few.state_words, few.figure) == ("chưa đủ tin để đánh giá", "25 tin")
    assert (enough.state_words, enough.figure) == ("tốt", "0,0% trong 30 tin, thường ngày 96,0%")


def test_alert_about_few_pushed_records_tells_counts_and_no_rate():
    told = in_words(Finding("push_refused", {"refused": 12, "records": 24, "percent": 50.0}, "hue"))
    assert told.title == "Phần mềm hue: 12 trên 24 bản ghi đẩy lên bị từ chối"


def test_words_and_templates_are_in_composed_form():
    templates = list((include_dir() / "templates" / "mail").iterdir())
    assert templates
    for path in templates:
        text = path.read_text(encoding="utf-8")
        assert unicodedata.is_normalized("NFC", text), path


def test_no_word_is_empty():
    def leaves(value: Any) -> list[object]:
        inner = list(value.values()) if isinstance(value, dict) else value if isinstance(value, list) else None
        return [value] if inner is None else [leaf for each in inner for leaf in leaves(each)]

    words = leaves(wording.words())
    assert len(words) > 50
    assert [word for word in words if not (isinstance(word, str) and word.strip())] == []


def test_no_word_has_a_blank_before_percent():
    blank = re.compile(r"\d[ \u00a0]%(?!\})")
    read = [*(include_dir() / "templates").rglob("*.vi.yaml"), *(include_dir().parent / "docs" / "vi").rglob("*.md")]
    assert len(read) > 20
    assert [str(each) for each in read if blank.search(each.read_text(encoding="utf-8"))] == []
