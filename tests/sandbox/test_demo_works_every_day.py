"""The demo's day is a working day, whichever it is: its first quality mail comes within minutes."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from motcua.domain.clock import VIETNAM
from motcua.jobs.calendars.keeping import prepare_calendars
from motcua.sandbox.demo import work_today
from motcua.store.calendars import load_calendars
from motcua.store.ledger.database import connect
from tests.conftest import NHA_TRANG, TU_PHAP


@pytest.mark.parametrize(
    ("now", "was_off"),
    [
        (datetime(2026, 11, 25, 3, tzinfo=UTC), False),
        (datetime(2026, 11, 24, 3, tzinfo=UTC), True),
        (datetime(2026, 11, 27, 18, tzinfo=UTC), True),
        (datetime(2026, 11, 29, 3, tzinfo=UTC), True),
        (datetime(2027, 2, 8, 3, tzinfo=UTC), True),
    ],
    ids=["a Wednesday", "a public holiday", "Saturday since an hour, by the clock of Vietnam", "a Sunday", "Tết"],
)
def test_day_of_the_demo_is_worked(agencies, tmp_path, now, was_off):
    prepare_calendars(now, "tests", (now.year,))
    assert work_today(tmp_path, now) is was_off
    assert work_today(tmp_path, now) is False, "a second start has nothing left to do"
    day = now.astimezone(VIETNAM).date()
    with connect() as connection:
        calendars = load_calendars(connection, [NHA_TRANG, TU_PHAP], day, day)
    assert all(calendar.is_working_day(day) for calendar in calendars.values())
