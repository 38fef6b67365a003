"""Test which figures the watch judges to be wrong. Beside each such case, a case that is just not wrong is tested."""

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
"""A moment on a Wednesday; the day before is a public holiday."""
CALENDAR = WorkingCalendar()
CLOSED = WorkingCalendar([SpecialDay(NOW.date(), "closed", "Nghỉ riêng", "agency", "Thông báo 1")])
"""The calendar of an agency that is closed on that Wednesday only."""
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def keys(findings: list[Finding]) -> list[str]:
    """Return the keys of findings, in their order."""
    return [finding.key for finding in findings]


def at(hour: int, minute: int = 0, *, day: int = 25) -> datetime:
    return datetime(2026, 11, day, hour, minute, tzinfo=VIETNAM)


# --- What the ledger shows


def test_any_difference_of_the_identity_is_wrong_whichever_period_it_is_of():
    """A difference of the accounting identity in any period is reported, and each difference counts once."""
    assert judging.judge_identity({"recent": 0, "2026-10": 0}) == []
    # A difference of the last days is counted once, although these days are part of a month.
    for differences, told in (
        ({"recent": 0, "2026-09": 3, "2026-10": 2}, 5),
        ({"recent": 1, "2026-11": 1}, 1),
        ({"recent": 1, "2026-11": 0, "2026-10": 2}, 2),
    ):
        (finding,) = judging.judge_identity(differences)
        assert finding.facts["difference"] == told


def test_evening_is_judged_from_five_minutes_after_its_hour_until_the_next_one():
    """Apologies need some minutes, so an evening is judged from 17:35 on, until the next evening."""
    looks = (at(17, 34), at(17, 35), at(0, 10, day=26), at(17, 34, day=26))
    assert [judging.evening_to_judge(RULES, ApologyRules(), now).day for now in looks] == [24, 25, 25, 25]


def test_missing_evening_is_wrong_only_if_it_would_select_dossiers():
    """A missing evening (planning of an agency's apologies on one day) is a fault only if it would cover due dates."""

    def judged(day: date, *left: EveningLeft) -> list[Finding]:
        return judging.judge_apologies(left, day, ApologyRules())

    assert keys(judged(NOW.date(), EveningLeft("H1", "working_day", CALENDAR))) == ["apologies_late"]
    # On a Saturday, the mode ``calendar`` has an evening and ``working_day`` has none. The holiday 2/9 was a Wednesday.
    assert keys(judged(date(2026, 11, 28), EveningLeft("H1", "calendar", CALENDAR))) == ["apologies_late"]
    assert judged(date(2026, 11, 28), EveningLeft("H1", "working_day", CALENDAR)) == []
    assert judged(date(2026, 9, 2), EveningLeft("H1", "working_day", CALENDAR)) == []
    # In the mode ``working_day``, a Saturday has an evening only if no earlier evening covers the days after it.
    storm = EveningLeft("H1", "working_day", CALENDAR, covered_until=date(2026, 11, 28))
    assert keys(judged(date(2026, 11, 28), storm)) == ["apologies_late"]
    assert judged(date(2026, 11, 28), replace(storm, covered_until=date(2026, 11, 30))) == []
    closed, open_ = EveningLeft("H1", "working_day", CLOSED), EveningLeft("H2", "working_day", CALENDAR)
    assert judged(NOW.date(), closed) == []
    assert [each.facts["agencies"] for each in judged(NOW.date(), closed, open_)] == [1]


def test_source_is_wrong_when_it_fails():
    read, failing = SourceFigures("a", NOW - DAY, None), SourceFigures("b", NOW - DAY, NOW)
    assert keys(judging.judge_sources([read, failing])) == ["source_failing/b"]


@pytest.mark.parametrize(
    ("now", "days"),
    [
        (at(15), ["25", "23", "20", "19", "18", "17"]),
        # No hours are judged if the last three begin before the desk opens, end after it closes, or are on a weekend.
        (at(10, 29), []),
        (at(17, 1), []),
        (at(15, day=28), []),
        # On the day after a weekend, the working days before that weekend are compared.
        (at(15, day=23), ["23", "20", "19", "18", "17", "16"]),
    ],
)
def test_news_is_compared_with_the_same_hours_of_the_last_working_days(now, days):
    stretches = judging.stretches_of_news([CALENDAR], RULES, now)
    assert [f"{ends.day}" for _, ends in stretches] == days
    assert all(ends - begins == RULES.news_within for begins, ends in stretches)


def test_news_is_not_looked_for_on_a_day_that_one_agency_is_closed():
    """On a day off of one agency, few new rows are normal, so no alert may be raised."""
    assert judging.stretches_of_news([CALENDAR, CLOSED], RULES, at(15)) == []
    assert judging.stretches_of_news([], RULES, at(15)) == []


def test_source_without_news_is_wrong_only_where_each_of_the_days_before_had_some():
    assert keys(judging.judge_news({"khanhhoa": [0, 5, 5, 5, 5, 5]}, RULES)) == ["source_no_news/khanhhoa"]
    # There is no alert if today has new rows, if one earlier day had none, or if too few days are known.
    for seen in ([1, 5, 5, 5, 5, 5], [0, 5, 5, 4, 5, 5], [0, 5, 5, 5, 5]):
        assert judging.judge_news({"khanhhoa": seen}, RULES) == [], seen


def test_one_message_of_unknown_outcome_is_enough_for_a_finding():
    assert judging.judge_unknown(0, None) == []
    assert keys(judging.judge_unknown(1, NOW)) == ["unknown_old"]


def test_receipts_have_stopped_where_none_of_enough_messages_has_one():
    def judged(taken: int, reported: int) -> tuple[bool, bool]:
        found, known = judging.judge_receipts([ReceiptFigures("kannel", taken, reported, NOW)])
        return bool(found), bool(known)

    # Four messages without a receipt are too few: their phones may be off.
    assert [judged(5, 0), judged(4, 0), judged(4, 1)] == [(True, True), (False, False), (False, True)]


def test_three_receipts_an_hour_with_unknown_references_are_wrong():
    assert [bool(judging.judge_references(receipts, NOW)) for receipts in (0, 2, 3)] == [False, False, True]


@pytest.mark.parametrize(
    ("recent", "usual", "is_open", "told", "enough"),
    [
        ((100, 60), (1000, 900), False, True, True),
        # In a quiet hour, few or no messages raise no alert and end no alert.
        ((29, 0), (1000, 900), False, False, False),
        ((0, 0), (1000, 900), True, False, False),
        ((100, 0), (199, 199), False, False, False),
        # A fall by a sixth may be chance among 30 messages, but not among 3,000 messages.
        ((30, 22), (1000, 900), False, False, True),
        ((3000, 2250), (1000, 900), False, True, True),
        # The usual share is 90 %: the alert is raised below 80 % and ends above 85 %.
        ((3000, 2490), (1000, 900), False, False, True),
        ((3000, 2490), (1000, 900), True, True, True),
        ((3000, 2580), (1000, 900), True, False, True),
        # If all messages usually arrive, chance explains nothing: the limit is a fall by a tenth.
        ((30, 28), (1000, 1000), False, False, True),
        ((30, 26), (1000, 1000), False, True, True),
    ],
)
def test_delivered_share_has_fallen_only_beyond_chance(recent, usual, is_open, told, enough):
    """A lower share of delivered messages raises an alert only if it is too low to be chance."""
    found, decided = judging.judge_delivered(Delivered(*recent), Delivered(*usual), is_open=is_open)
    assert (bool(found), decided) == (told, enough)


def test_ledger_has_gone_back_where_either_number_is_smaller_and_is_told_with_what_it_lacks():
    """A ledger with fewer attempts or changes than the watch saw was restored; the alert counts what is missing."""
    seen = HighMarks(10, 20)
    behind = [has.is_behind(seen) for has in (seen, HighMarks(9, 20), HighMarks(10, 19), HighMarks(11, 21))]
    assert behind == [False, True, True, False]
    finding = judging.judge_high_marks(seen, HighMarks(4, 21), NOW)
    assert (finding.facts["attempts"], finding.facts["changes"]) == (6, 0)


# --- Work that must be done each day


def test_daily_work_is_due_an_hour_after_its_time_and_each_kind_is_told_by_itself():
    """A quality check or a closing that is an hour late is reported, each by its own alert."""
    looks = ((at(6, 29), 20, 24), (at(6, 30), 20, 25), (at(9), 25, None), (at(9, day=26), 25, 26))
    for now, began, day in looks:
        # The watch does not report work that was due before the watch began.
        work = judging.daily_work_due(time(5, 30), RULES, now, at(8, day=began))
        assert (work and work.day) == (day and date(2026, 11, day)), now
    due = judging.daily_work_due(time(5, 30), RULES, NOW, at(0, day=20))
    assert judging.judge_daily_work((due, True), (due, True)) == []
    assert judging.judge_daily_work((None, False), (None, False)) == []
    found = judging.judge_daily_work((due, False), (due, False))
    late = [(finding.name, finding.facts["day"]) for finding in found]
    assert late == [("quality_late", "2026-11-25"), ("closing_late", "2026-11-24")]


def test_next_years_calendar_is_due_from_the_first_of_december_in_vietnam_until_each_province_has_signed():
    ends = (datetime(2026, 11, 30, 17, tzinfo=UTC), datetime(2026, 12, 31, 17, tzinfo=UTC))
    assert [judging.year_to_sign(end - MINUTE) for end in ends] == [None, 2027]
    assert [judging.year_to_sign(end) for end in ends] == [2027, None]
    assert judging.judge_calendar(None, [("khanh_hoa", 2027)], NOW) == []
    assert judging.judge_calendar(2027, [], NOW) == []
    unsigned = [("khanh_hoa", 2027)]
    assert keys(judging.judge_calendar(2027, unsigned, NOW)) == ["calendar_unsigned"]
    # The last seven working days before 1/1/2027 begin on Wednesday 23/12.
    days = [datetime(2026, 12, day, 5, tzinfo=UTC) for day in (1, 23, 24, 31)]
    found = [judging.judge_calendar(2027, unsigned, day)[0].facts for day in days]
    assert [(each["days"], each["is_urgent"]) for each in found] == [(23, False), (7, False), (6, True), (1, True)]


def test_backup_is_missed_once_the_installation_is_a_day_old_and_where_it_is_wanted():
    def missed(made_at: datetime | None, since: datetime | None, rules: WatchRules = RULES) -> bool:
        return bool(judging.judge_backup(made_at, since, rules, NOW))

    old = NOW - 30 * DAY
    assert [missed(NOW - 26 * HOUR, old), missed(NOW - 26 * HOUR - MINUTE, old)] == [False, True]
    assert [missed(None, NOW - 23 * HOUR), missed(None, NOW - 25 * HOUR), missed(None, None)] == [False, True, False]
    assert not missed(None, old, WatchRules(backup_age=timedelta(0)))


# --- Airflow, the callbacks app and this machine


def test_each_part_of_airflow_that_is_not_healthy_is_told():
    states = {"metadatabase": "healthy", "scheduler": "unhealthy", "triggerer": None}
    found = keys(judging.judge_health(states))
    assert found == ["airflow_unhealthy/scheduler", "airflow_unhealthy/triggerer", "airflow_unhealthy/dag_processor"]
    assert judging.judge_health(dict.fromkeys(judging.COMPONENTS, "healthy")) == []


RED = Run("notify_transitions", "failed", NOW - 3 * HOUR, NOW - 2 * HOUR, noted=False)


@pytest.mark.parametrize(
    ("red", "looked_at", "wrong"),
    [
        (replace(RED, ended_at=NOW - HOUR), None, True),
        (replace(RED, ended_at=NOW - HOUR + MINUTE), None, False),
        (replace(RED, state="success"), None, False),
        (replace(RED, noted=True), None, False),
        (replace(RED, dag_id="somebody_elses"), None, False),
        # An acknowledgement covers the red runs that had ended by then, not later runs.
        (RED, NOW - HOUR, False),
        (RED, NOW - 150 * MINUTE, True),
    ],
)
def test_red_run_is_told_after_an_hour_unless_somebody_looked_at_it(red, looked_at, wrong):
    """A failed run gets an alert after an hour, unless somebody acknowledged it."""
    left = judging.red_runs_left([red], looked_at)
    assert bool(judging.judge_red_runs(left, RULES, NOW)) == wrong
    # ``red_runs_left`` also returns a run that has been red for less than an hour.
    assert bool(left) == wrong or red.ended_at == NOW - HOUR + MINUTE


def test_run_that_is_red_for_what_is_told_as_unserved_is_not_told_again():
    """A run that failed only for reasons in the alert ``unserved`` (due work that nobody does) gets no second alert."""
    red = replace(RED, run_id="r")
    assert judging.judge_red_runs([red], RULES, NOW, {"r"}) == []
    assert judging.red_runs_left([red], None) == [red], "the red run must still be counted"


def test_disk_alert_ends_only_where_a_tenth_more_is_free():
    """The alert about a full disk must not come and go while the free space stays near the limit."""
    looks = ((3_000_000_000, False), (2_999_999_999, False), (3_200_000_000, True), (3_300_000_000, True))
    told = [bool(judging.judge_disk("/data", free, 10**12, RULES, is_open=is_open)) for free, is_open in looks]
    assert told == [False, True, True, False]


def test_clock_is_wrong_if_it_is_surely_off_by_more_than_five_seconds():
    skews = ((5.0, 0.0), (5.1, 0.0), (-5.1, 0.0), (5.5, 0.5))
    told = [bool(judging.judge_clock("ledger", *(timedelta(seconds=each) for each in skew), RULES)) for skew in skews]
    assert told == [False, True, True, False]


def test_stopped_gateway_that_messages_are_told_to_wait_for_is_left_out_and_undecided():
    """A paused gateway and messages that wait only for this gateway raise one alert and not two."""
    waits = Finding("unserved", {"stops": "gateway_stopped/kannel"}, "gateway kannel")
    findings = [waits, Finding("gateway_stopped", {}, "kannel"), Finding("source_failing", {}, "b")]
    left, hidden = judging.without_consequences(findings, set())
    assert (keys(left), hidden) == (["unserved/gateway kannel", "source_failing/b"], {"gateway_stopped/kannel"})
    assert judging.without_consequences(findings[1:], set()) == (findings[1:], set())


def test_without_agencies_only_what_concerns_the_installation_itself_is_told():
    """While no agency is enabled, only alerts about the installation itself are raised."""
    findings = [Finding("unserved"), Finding("ledger_unreachable"), Finding("backup_old"), Finding("disk_low")]
    assert keys(judging.without_agencies(findings)) == ["ledger_unreachable", "disk_low"]


def test_watch_is_silent_only_where_it_was_ever_seen():
    """A watch that never ran is not reported as silent, so an installation without a watch has no such alert."""
    looks = (None, NOW - 10 * MINUTE, NOW - 11 * MINUTE, NOW + MINUTE)
    silent = [judging.silence_of(looked_at, NOW, 10 * MINUTE) is not None for looked_at in looks]
    assert silent == [False, False, True, False]
