"""Numbers and days as Vietnamese official texts write them, on any machine."""

from __future__ import annotations

import unicodedata
from datetime import UTC, datetime
from typing import Any

import pytest

from motcua.reports import wording
from motcua.settings import include_dir


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (wording.count(-1_234_567), "−1.234.567"),
        (wording.decimal(1234.5), "1.234,5"),
        (wording.decimal(-0.04), "0,0"),
        (wording.decimal(148.7, 0), "149"),
        (wording.percent(0.305), "30,5\u00a0%"),
        (wording.percent(0.0004), "0,0\u00a0%"),
        (wording.signed(53.46), "+53,5"),
        (wording.signed(0.04), "0"),
        (wording.plain(2.5), "2,5"),
        (wording.day(datetime(2026, 11, 25, 18, 0, tzinfo=UTC)), "26/11/2026"),
        (wording.moment(datetime(2026, 11, 25, 23, 5, tzinfo=UTC)), "6:05 ngày 26/11/2026"),
    ],
)
def test_numbers_and_days_are_written_as_in_official_texts(written, expected):
    assert written == expected


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
