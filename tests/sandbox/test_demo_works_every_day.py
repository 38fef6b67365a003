"""What a start of the demo makes of its ledger: the day is worked, whichever it is; an agency's user sees an agency."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
import yaml

from motcua.domain.clock import VIETNAM
from motcua.jobs.calendars import prepare_calendars
from motcua.sandbox.demo import busiest_agency, let_agency_user_see, work_today, write_agencies
from motcua.sandbox.machine.deployment import AGENCY_USER
from motcua.settings import include_dir
from motcua.store.calendars import load_calendars
from motcua.store.people import agencies_of_user, give_agency, take_agency
from tests.ground import NHA_TRANG, TU_PHAP, in_ledger


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
    calendars = in_ledger(load_calendars, [NHA_TRANG, TU_PHAP], day, day)
    assert all(calendar.is_working_day(day) for calendar in calendars.values())


def test_agency_user_of_the_demo_sees_one_agency_and_whatever_was_decided_since_is_kept(agencies):
    now = datetime(2026, 11, 25, 3, tzinfo=UTC)
    assert let_agency_user_see(NHA_TRANG, now)
    assert in_ledger(agencies_of_user, AGENCY_USER) == {NHA_TRANG}
    in_ledger(take_agency, AGENCY_USER, NHA_TRANG, "lan", now)
    in_ledger(give_agency, AGENCY_USER, TU_PHAP, "lan", now)
    assert not let_agency_user_see(NHA_TRANG, now)
    assert in_ledger(agencies_of_user, AGENCY_USER) == {TU_PHAP}


def test_agency_that_the_user_is_given_has_much_to_show(tmp_path):
    """Busier than any other, and at work from the first day of the past."""
    world = yaml.safe_load((include_dir() / "sandbox" / "agencies.yaml").read_text(encoding="utf-8"))["agencies"]
    lives = {each["code"]: each for each in world}
    given = busiest_agency(write_agencies(tmp_path))
    assert lives[given]["weight"] == max(each["weight"] for each in world)
    assert "past" in lives[given]
