"""Test how pushed values are read in the spellings that clients of the national portal's protocol write."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from motcua.domain.intake.values import (
    MOST_PARTS,
    Unreadable,
    is_one_stop_desk,
    read_json,
    read_moment,
    read_status,
    read_text,
)

AT = datetime(2026, 6, 8, 7, 7, 53, tzinfo=UTC)
"""The moment 14:07:53 in Vietnam."""


@pytest.mark.parametrize(
    "written",
    [
        "20260608140753",
        "20260608140753123",
        "2026-06-08T14:07:53.329",
        "2026-06-08T14:07:53+07:00",
        "2026-06-08t02:37:53-0430",
        "08/06/2026 14:07:53",
        "1780902473000",
        "/Date(1780902473000+0700)/",
    ],
)
def test_time_is_the_same_in_whatever_shape(written):
    assert read_moment(written) == AT


def test_day_alone_begins_in_vietnam_and_the_zero_of_some_software_is_no_time():
    """A day without a time means its midnight in Vietnam. Some software writes zeros if there is no time."""
    days = ("20260608", "2026-06-08", "08/06/2026")
    assert {read_moment(day) for day in days} == {datetime(2026, 6, 7, 17, tzinfo=UTC)}
    assert {read_moment(zero) for zero in ("", "0", "00010101000000", "00/00/0000")} == {None}


@pytest.mark.parametrize(
    "written",
    ["hôm qua", "20260230", "99991231235959", "1.5", "2026060814", "２０２６-06-08", "2026-06-08T25:00:00",
     "0001-01-01T00:00:01+14:00"],
)  # fmt: skip
def test_impossible_time_is_refused(written):
    with pytest.raises(Unreadable):
        read_moment(written)


def test_status_is_a_number():
    assert [read_status(written) for written in ("10", "9.0", "")] == [10, 9, None]
    for written in ("9a", "-9", "9.5", "10000", "٩"):
        with pytest.raises(Unreadable):
            read_status(written)


def test_numbers_are_read_as_their_text_and_names_in_any_case():
    read = read_json(b'\xef\xbb\xbf{"MaHoSo": 0.10, "TRANGTHAI": 9, "x": [NaN, true, null], "big": %s}' % (b"9" * 5000))
    assert read["mahoso"] == "0.10"
    assert (read["trangthai"], read["x"]) == ("9", [None, True, None])
    assert len(read["big"]) == 5000


def test_name_that_comes_twice_is_noted_where_its_values_differ():
    """A field name that a row has twice, in upper or lower case, is ambiguous only if the two values differ."""
    read = read_json(b'{"a": "1", "A": "1", "b": 1, " B ": 2, "c": {"d": 1, "D": 2}}')
    assert read.ambiguous == {"b"}
    assert read["c"].ambiguous == {"d"}


def test_bytes_that_are_no_utf8_cost_their_own_value_alone():
    """A value with bytes that are not UTF-8 must not spoil the other values of the same push."""
    read = read_json(b'[{"ten": "L\xff\xfen"}, {"ten": "Lan\t\n"}, {"ten": "\\ud800 \\u0000x"}]')
    assert [read_text(each["ten"]) for each in read] == ["L\ufffd\ufffdn", "Lan", "\ufffd x"]


@pytest.mark.parametrize(
    "body",
    [b"x", b"[" * 200_000, b"[" * 5_000 + b"]" * 5_000, b"[1,]",
     b"[" + b"[]," * MOST_PARTS + b"[]]", "{}".encode("utf-16")],
    ids=lambda body: f"{len(body)} {body[:4]!r}",
)  # fmt: skip
def test_what_is_no_json_or_too_much_of_it_is_refused(body):
    with pytest.raises(Unreadable):
        read_json(body)


@pytest.mark.parametrize("value", [[], True, 5])
def test_what_is_no_text_is_refused(value):
    with pytest.raises(Unreadable):
        read_text(value)


def test_text_is_cut_and_trimmed():
    assert read_text("  x" + "y" * 10_000) == "x" + "y" * 1_997
    assert read_text(None) == ""


def test_one_stop_desk_is_known_by_its_names():
    """A client may write any usual name of the one-stop desk, in any case; another unit is not the desk."""
    desks = ("BỘ PHẬN MỘT CỬA", "MotCua", "Bộ phận Tiếp nhận và Trả kết quả", "Trung tâm Phục vụ hành chính công tỉnh")
    assert [is_one_stop_desk(words) for words in (*desks, "Phòng Tư pháp", "")] == [True] * 4 + [False] * 2
