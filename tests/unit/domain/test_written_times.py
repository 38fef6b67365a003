"""Test the reading of days and months in the forms that people, programs and spreadsheets write."""

from __future__ import annotations

import pytest

from motcua.domain.written_times import WrittenPeriod, read_period


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("24/11/2026", WrittenPeriod(2026, 11, 24, may_be_month=False)),
        ("Ngày 24  tháng 11 năm 2026", WrittenPeriod(2026, 11, 24, may_be_month=False)),
        ("2026-11-24 00:00:00", WrittenPeriod(2026, 11, 24, may_be_month=False)),
        ("2026-11-01 00:00:00", WrittenPeriod(2026, 11, 1, may_be_month=True)),
        ("2026-11-01", WrittenPeriod(2026, 11, 1, may_be_month=False)),
        ("0/11/2026", WrittenPeriod(2026, 11, 0, may_be_month=False)),
        ("Tháng 11 năm 2026", WrittenPeriod(2026, 11, None, may_be_month=False)),
        ("11.2026", WrittenPeriod(2026, 11, None, may_be_month=False)),
        ("2026-11-24 08:30:00", None),
        ("quý 4", None),
    ],
)
def test_day_or_month_is_read_as_it_is_written(written, read):
    assert read_period(written) == read
