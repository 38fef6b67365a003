"""What the watch judges to be wrong, from figures: each with what is just not wrong."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta

import pytest

from motcua.domain.apologies import ApologyRules
from motcua.domain.checks import Finding
from motcua.domain.clock import VIETNAM
from motcua.domain.watching import judging
from motcua.domain.watching.judging import (
    Delivered,
    EveningLeft,
    HighMarks,
    ReceiptFigures,
    Run,
    SourceFigures,
    WatchRules,
)
from motcua.domain.working_days import SpecialDay, WorkingCalendar

RULES = WatchRules()
NOW = datetime(2026, 11, 25, 15, 0, tzinfo=VIETNAM)
"""A Wednesday."""
CALENDAR = WorkingCalendar()
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def keys(findings: list[Finding]) -> list[str]:
    return [finding.key for finding in findings]


def at(hour: int, minute: int = 0, *, day: int = 25) -> datetime:
    return datetime(2026, 11, day, hour, minute, tzinfo=VIETNAM)


# --- The ledger's word


@pytest.mark.parametrize(
    ("differences", "told"),
    [
        ({"recent": 0, "2026-10": 0}, None),
        ({"recent": 0, "2026-09": 3, "2026-10": 2}, 5),
        # The last days are part of their month.
        ({"recent": 1, "2026-11": 1}, 1),
        ({"recent": 1, "2026-11": 0, "2026-10": 2}, 2),
    ],
)
def test_any_difference_of_the_identity_is_wrong_whichever_period_it_is_of(differences, told):
    found = judging.judge_identity(differences)
    assert [finding.facts["difference"] for finding in found] == ([] if told is None else [told])


@pytest.mark.parametrize(
    ("now", "day"),
    [
        (at(17, 34), 24),
        (at(17, 35), 25),
        (at(0, 10, day=26), 25),
    ],
)
def test_evening_is_judged_from_five_minutes_after_its_hour_until_the_next_one(now, day):
    assert judging.evening_to_judge(RULES, ApologyRules(), now) == date(2026, 11, day)


@pytest.mark.parametrize(
    ("day", "mode", "wrong"),
    [
        (date(2026, 11, 25), "working_day", True),
        # A Saturday selects nobody by working days; by the calendar it does.
        (date(2026, 11, 28), "working_day", False),
        (date(2026, 11, 28), "calendar", True),
        # Quốc khánh, a Wednesday.
    ],
)
def test_evening_that_is_not_recorded_is_wrong_only_where_it_selects_somebody(day, mode, wrong):
    found = judging.judge_apologies([EveningLeft("H1", mode, CALENDAR)], day, ApologyRules())
    assert keys(found) == (["apologies_late"] if wrong else [])


def test_evening_of_an_agency_that_is_closed_that_day_alone_is_not_wrong():
    closed = SpecialDay(date(2026, 11, 25), "closed", "Nghỉ riêng", "agency", "Thông báo 1")
    left = [EveningLeft("H1", "working_day", WorkingCalendar([closed]))]
    assert judging.judge_apologies(left, date(2026, 11, 25), ApologyRules()) == []
    found = judging.judge_apologies(
        [*left, EveningLeft("H2", "working_day", CALENDAR)], date(2026, 11, 25), ApologyRules()
    )
    assert [finding.facts["agencies"] for finding in found] == [1]


def test_source_is_wrong_when_it_fails():
    read, failing = SourceFigures("a", NOW - DAY, None), SourceFigures("b", NOW - DAY, NOW)
    assert keys(judging.judge_sources([read, failing])) == ["source_failing/b"]


@pytest.mark.parametrize(
    ("now", "days"),
    [
        # The 24th is a public holiday.
        (at(15), ["25", "23", "20", "19", "18", "17"]),
        # Three hours that begin before the desk opens, end after it closes, or lie at the weekend tell nothing.
        (at(10, 29), None),
        (at(17, 1), None),
        (at(15, day=28), None),
        # On the day after a weekend the days before it count.
        (at(15, day=23), ["23", "20", "19", "18", "17", "16"]),
    ],
)
def test_news_is_compared_with_the_same_hours_of_the_last_working_days(now, days):
    stretches = judging.stretches_of_news([CALENDAR], RULES, now)
    assert [f"{ends.day}" for _, ends in stretches] == (days or [])
    assert all(ends - begins == RULES.news_within for begins, ends in stretches)


def test_news_is_not_looked_for_on_a_day_that_one_agency_is_closed():
    closed = WorkingCalendar([SpecialDay(date(2026, 11, 25), "closed", "Nghỉ riêng", "agency", "Thông báo 1")])
    assert judging.stretches_of_news([CALENDAR, closed], RULES, at(15)) == []
    assert judging.stretches_of_news([], RULES, at(15)) == []


@pytest.mark.parametrize(
    ("seen", "wrong"),
    [
        ([0, 5, 5, 5, 5, 5], True),
        ([1, 5, 5, 5, 5, 5], False),
        # One quiet day before is reason enough to say nothing.
        ([0, 5, 5, 4, 5, 5], False),
        ([0, 5, 5, 5, 5], False),
    ],
)
def test_source_without_news_is_wrong_only_where_each_of_the_days_before_had_some(seen, wrong):
    assert keys(judging.judge_news({"khanhhoa": seen}, RULES)) == (["source_no_news/khanhhoa"] if wrong else [])


def test_unknown_is_wrong_where_there_is_one():
    assert judging.judge_unknown(0, None) == []
    assert keys(judging.judge_unknown(1, NOW)) == ["unknown_old"]


@pytest.mark.parametrize(
    ("taken", "reported", "told", "decided"),
    [
        (5, 0, True, True),
        # Four phones that are off.
        (4, 0, False, False),
        (4, 1, False, True),
    ],
)
def test_receipts_have_stopped_where_none_of_enough_messages_has_one(taken, reported, told, decided):
    found, known = judging.judge_receipts([ReceiptFigures("kannel", taken, reported, NOW)])
    assert (bool(found), bool(known)) == (told, decided)


@pytest.mark.parametrize(("receipts", "wrong"), [(0, False), (2, False), (3, True)])
def test_receipts_that_name_nothing_of_ours_are_wrong_from_three_an_hour_on(receipts, wrong):
    assert bool(judging.judge_references(receipts, NOW)) == wrong


@pytest.mark.parametrize(
    ("recent", "usual", "is_open", "told", "enough"),
    [
        (Delivered(100, 60), Delivered(1000, 900), False, True, True),
        # A quiet hour: few messages, or none, raise nothing and end nothing.
        (Delivered(29, 0), Delivered(1000, 900), False, False, False),
        (Delivered(0, 0), Delivered(1000, 900), True, False, False),
        (Delivered(100, 0), Delivered(199, 199), False, False, False),
        # Of thirty a fall by a sixth is chance; of three thousand it is none.
        (Delivered(30, 22), Delivered(1000, 900), False, False, True),
        (Delivered(3000, 2250), Delivered(1000, 900), False, True, True),
        # Raised below 80 %, over above 85 %.
        (Delivered(3000, 2490), Delivered(1000, 900), False, False, True),
        (Delivered(3000, 2490), Delivered(1000, 900), True, True, True),
        (Delivered(3000, 2580), Delivered(1000, 900), True, False, True),
        # Where everything always arrives, chance makes nothing of it.
        (Delivered(30, 28), Delivered(1000, 1000), False, False, True),
        (Delivered(30, 26), Delivered(1000, 1000), False, True, True),
    ],
)
def test_delivered_share_has_fallen_only_beyond_chance(recent, usual, is_open, told, enough):
    found, decided = judging.judge_delivered(recent, usual, is_open=is_open)
    assert (bool(found), decided) == (told, enough)


@pytest.mark.parametrize(
    ("has", "behind"),
    [
        (HighMarks(10, 20), False),
        (HighMarks(9, 20), True),
        (HighMarks(10, 19), True),
    ],
)
def test_ledger_has_gone_back_where_either_number_is_smaller(has, behind):
    assert has.is_behind(HighMarks(10, 20)) == behind


def test_ledger_that_went_back_is_told_with_what_it_lacks():
    finding = judging.judge_high_marks(HighMarks(10, 20), HighMarks(4, 21), NOW)
    assert (finding.facts["attempts"], finding.facts["changes"]) == (6, 0)


# --- What each day must bring


@pytest.mark.parametrize(
    ("now", "began_at", "due"),
    [
        (at(6, 29), at(0, day=20), 24),
        (at(6, 30), at(0, day=20), 25),
        # What fell due before the watch began is not its to tell.
        (at(9), at(8), None),
        (at(9, day=26), at(8), 26),
    ],
)
def test_daily_work_is_due_an_hour_after_its_time(now, began_at, due):
    work = judging.daily_work_due(time(5, 30), RULES, now, began_at)
    assert (work and work.day) == (due and date(2026, 11, due))


def test_each_kind_of_daily_work_is_told_by_itself():
    due = judging.daily_work_due(time(5, 30), RULES, NOW, at(0, day=20))
    assert judging.judge_daily_work((due, True), (due, True)) == []
    assert judging.judge_daily_work((None, False), (None, False)) == []
    found = judging.judge_daily_work((due, False), (due, False))
    assert [(finding.name, finding.facts["day"]) for finding in found] == [
        ("quality_late", "2026-11-25"),
        ("closing_late", "2026-11-24"),
    ]


@pytest.mark.parametrize(
    ("now", "year"),
    [
        (datetime(2026, 11, 30, 16, 59, tzinfo=UTC), None),
        (datetime(2026, 11, 30, 17, 0, tzinfo=UTC), 2027),
        (datetime(2026, 12, 31, 17, 0, tzinfo=UTC), None),
    ],
)
def test_next_years_calendar_is_due_from_the_first_of_december_in_vietnam(now, year):
    assert judging.year_to_sign(now) == year


def test_calendar_is_wrong_where_a_province_has_not_signed_that_year():
    assert judging.judge_calendar(None, [("khanh_hoa", 2027)]) == []
    assert judging.judge_calendar(2027, []) == []
    assert keys(judging.judge_calendar(2027, [("khanh_hoa", 2027)])) == ["calendar_unsigned"]


@pytest.mark.parametrize(
    ("made_at", "since", "wrong"),
    [
        (NOW - 26 * HOUR, NOW - 30 * DAY, False),
        (NOW - 26 * HOUR - MINUTE, NOW - 30 * DAY, True),
        (None, NOW - 23 * HOUR, False),
        (None, NOW - 25 * HOUR, True),
        (None, None, False),
    ],
)
def test_backup_is_missed_once_the_installation_is_a_day_old(made_at, since, wrong):
    assert bool(judging.judge_backup(made_at, since, RULES, NOW)) == wrong


def test_backup_is_not_missed_where_it_is_not_wanted():
    assert judging.judge_backup(None, NOW - 30 * DAY, WatchRules(backup_age=timedelta(0)), NOW) == []


# --- Airflow, callbacks, this machine


def test_each_part_of_airflow_that_is_not_healthy_is_told():
    states = {"metadatabase": "healthy", "scheduler": "unhealthy", "triggerer": None}
    found = keys(judging.judge_health(states))
    assert found == ["airflow_unhealthy/scheduler", "airflow_unhealthy/triggerer", "airflow_unhealthy/dag_processor"]
    assert judging.judge_health(dict.fromkeys(judging.COMPONENTS, "healthy")) == []


def run(state: str, started: datetime | None, ended: datetime | None, **more: object) -> Run:
    return Run(str(more.get("dag_id", "notify_transitions")), state, started, ended, noted=bool(more.get("noted")))


RED = run("failed", NOW - 3 * HOUR, NOW - 2 * HOUR)


@pytest.mark.parametrize(
    ("red", "looked_at", "wrong"),
    [
        (run("failed", NOW - 2 * HOUR, NOW - HOUR), None, True),
        (run("failed", NOW - 2 * HOUR, NOW - HOUR + MINUTE), None, False),
        (run("success", NOW - 3 * HOUR, NOW - 2 * HOUR), None, False),
        (run("failed", NOW - 3 * HOUR, NOW - 2 * HOUR, noted=True), None, False),
        (run("failed", NOW - 3 * HOUR, NOW - 2 * HOUR, dag_id="somebody_elses"), None, False),
        # Whoever acknowledged it has looked at those that had ended; not at later ones.
        (RED, NOW - HOUR, False),
        (RED, NOW - 150 * MINUTE, True),
    ],
)
def test_red_run_is_told_after_an_hour_unless_somebody_looked_at_it(red, looked_at, wrong):
    assert bool(judging.judge_red_runs([red], looked_at, RULES, NOW)) == wrong


def test_run_that_is_red_for_what_is_told_as_unserved_is_not_told_again():
    assert judging.judge_red_runs([replace(RED, run_id="r")], None, RULES, NOW, {"r"}) == []


@pytest.mark.parametrize(
    ("free", "is_open", "wrong"),
    [
        (3_000_000_000, False, False),
        (2_999_999_999, False, True),
        (3_200_000_000, True, True),
        (3_300_000_000, True, False),
    ],
)
def test_disk_alert_ends_only_where_a_tenth_more_is_free(free, is_open, wrong):
    assert bool(judging.judge_disk("/data", free, 10**12, RULES, is_open=is_open)) == wrong


@pytest.mark.parametrize(
    ("skew", "uncertain", "wrong"),
    [
        (5.0, 0.0, False),
        (5.1, 0.0, True),
        (-5.1, 0.0, True),
        (5.5, 0.5, False),
    ],
)
def test_clock_is_off_by_more_than_five_seconds_for_sure(skew, uncertain, wrong):
    found = judging.judge_clock("ledger", timedelta(seconds=skew), timedelta(seconds=uncertain), RULES)
    assert bool(found) == wrong


def test_stopped_gateway_that_messages_are_told_to_wait_for_is_left_out_and_undecided():
    waits = Finding("unserved", {"stops": "gateway_stopped/kannel"}, "gateway kannel")
    findings = [waits, Finding("gateway_stopped", {}, "kannel"), Finding("source_failing", {}, "b")]
    left, hidden = judging.without_consequences(findings, set())
    assert (keys(left), hidden) == (["unserved/gateway kannel", "source_failing/b"], {"gateway_stopped/kannel"})
    assert judging.without_consequences(findings[1:], set()) == (findings[1:], set())


def test_without_agencies_only_what_concerns_the_installation_itself_is_told():
    findings = [Finding("unserved"), Finding("ledger_unreachable"), Finding("backup_old"), Finding("disk_low")]
    assert keys(judging.without_agencies(findings)) == ["ledger_unreachable", "disk_low"]


@pytest.mark.parametrize(
    ("looked_at", "silent"),
    [(None, False), (NOW - 10 * MINUTE, False), (NOW - 11 * MINUTE, True), (NOW + MINUTE, False)],
)
def test_watch_is_silent_only_where_it_was_ever_seen(looked_at, silent):
    assert (judging.silence_of(looked_at, NOW, 10 * MINUTE) is not None) == silent
