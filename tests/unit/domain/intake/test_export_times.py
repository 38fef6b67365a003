"""Test the time at which an export was made, the order of exports, and which export may lack some dossiers."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from motcua.domain.intake.exports import FromTheFuture, by_name, exported_at, looks_cut
from tests.ground import NOW

WRITTEN = NOW - timedelta(minutes=3)


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("xuat.csv", None),
        ("xuat-20261124-081530.csv", "2026-11-24T01:15:30"),
        ("xuat_20261124081530.xlsx", "2026-11-24T01:15:30"),
        ("hồ sơ 2026-11-24T08h15m30.csv", "2026-11-24T01:15:30"),
        ("24-11-2026 08:15.csv", "2026-11-24T01:15:00"),
        ("20261124.csv", "2026-11-23T17:00:00"),
        ("20261124 (2).csv", "2026-11-23T17:00:00"),
        # The name gives only the day on which the file was written, so the exact time of writing decides.
        ("20261125.csv", None),
        # These digits are no valid time.
        ("20261399.csv", None),
        ("so-1202611240815.csv", None),
    ],
)
def test_time_in_a_name_is_when_it_was_exported_else_when_it_was_written(name, told):
    """An export's time is the time in its file's name, or else the time at which the file was written."""
    expected = WRITTEN if told is None else datetime.fromisoformat(told).replace(tzinfo=UTC)
    assert exported_at(name, WRITTEN, NOW) == expected


def test_time_that_has_not_come_is_refused_in_a_name_and_else_is_now():
    """A name with a time more than ten minutes ahead is refused. A time of writing in the future counts as now."""
    with pytest.raises(FromTheFuture):
        exported_at("20261126.csv", WRITTEN, NOW)
    with pytest.raises(FromTheFuture):
        exported_at("20261125-1100.csv", WRITTEN, NOW)
    assert exported_at("20261125-1005.csv", WRITTEN, NOW) == NOW + timedelta(minutes=5)
    assert exported_at("xuat.csv", NOW + timedelta(days=400), NOW) == NOW


def test_names_are_put_in_order_as_people_count():
    """Files without a time in their names are ordered by name, with 9 before 10."""
    names = ["xuat 10.csv", "xuat 9.csv", "Xuat 1.csv", "xuat.csv", "xuat 1b.csv", "2.csv"]
    in_order = ["2.csv", "Xuat 1.csv", "xuat 1b.csv", "xuat 9.csv", "xuat 10.csv", "xuat.csv"]
    assert sorted(names, key=by_name) == in_order


def test_few_that_are_left_look_cut_off():
    """An export with far fewer dossiers than the export before it may be incomplete."""
    counts = ((3, 0), (4, 0), (10, 7), (10, 6), (1000, 699), (100, 5000))
    assert [looks_cut(before, now, 70) for before, now in counts] == [False, True, False, True, True, False]
