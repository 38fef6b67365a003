"""Test that quarters and years are closed, published, verified and corrected as months are."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from motcua.domain.clock import VIETNAM
from motcua.domain.periods import Period
from motcua.domain.run_window import Window
from motcua.jobs.publications.mailing import bodies_of
from motcua.jobs.publications.publishing import publish
from motcua.jobs.publications.verifying import stray_folders, verify_publication
from motcua.jobs.reconciliation.closing import NotOver, close_period, recheck_closed
from motcua.jobs.reconciliation.reporting import build_report
from motcua.jobs.tasks.reconcile_monthly import close_month
from motcua.reports.publication.data import Told
from motcua.store.ledger.database import connect
from motcua.store.oversight.closings import (
    closings_to_recheck,
    compute_figures,
    list_closings,
    load_differences,
    load_figures,
    newest_closings,
)
from tests.ground import in_ledger, take_in

QUARTER, YEAR, DECEMBER = Period.parse("2026-Q4"), Period.parse("2026"), Period.parse("2026-12")
BEGINNING = datetime(2026, 11, 28, tzinfo=VIETNAM)
"""The moment when the agencies join. Each day since then is closed."""
NOVEMBER = datetime(2026, 11, 29, 9, 0, tzinfo=VIETNAM)
MIDDLE = datetime(2026, 12, 10, 9, 0, tzinfo=VIETNAM)
NEW_YEAR = datetime(2027, 1, 1, 7, 30, tzinfo=VIETNAM)
ONE_DAY = timedelta(days=1)


@pytest.fixture
def one_stop(one_stop, rows):
    """Enable the agencies at ``BEGINNING``; return the one-stop database."""
    rows("UPDATE motcua.agencies SET enabled_from = %s", BEGINNING)
    return one_stop


def result(one_stop, code, at=MIDDLE):
    one_stop.dossier(code, received_at=at - 5 * ONE_DAY, updated_at=at, status_code=9, finished_at=at)
    return one_stop.move(9, code, at=at)


def run(at=MIDDLE + timedelta(minutes=9)):
    take_in(at)


def closed(*periods):
    return in_ledger(newest_closings, periods)


def expected(closing_no):
    return sum(each.expected for each in in_ledger(load_figures, closing_no).messages)


def differences(closing_no):
    return [(each.side, each.reason, each.dossier_code) for each in in_ledger(load_differences, closing_no)]


@pytest.mark.guarantee(
    "reconciliation",
    "quarters and years are closed, recounted and corrected as months are, on the first day after them",
)
def test_month_that_ends_a_quarter_and_a_year_closes_them_and_a_rerun_changes_nothing(one_stop):
    result(one_stop, "A", NOVEMBER)
    result(one_stop, "B")
    run()
    for period in (QUARTER, YEAR):
        with pytest.raises(NotOver):
            close_period(period, "tests", period.end - timedelta(seconds=1))
    window = Window(NEW_YEAR - ONE_DAY, NEW_YEAR)
    numbers = close_month("monthly", window, NEW_YEAR)
    assert closed(DECEMBER, QUARTER, YEAR) == dict(
        zip((YEAR, DECEMBER, QUARTER), (numbers[2], *numbers[:2]), strict=True)
    )
    assert [expected(number) for number in numbers] == [1, 2, 2]
    closings = in_ledger(list_closings, 200)
    assert {type(each.expected) for each in closings} <= {int, type(None)}, "a sum must not be a decimal number"
    listed = [each.period for each in closings]
    assert listed[:4] == ["2026", "2026-Q4", "2026-12", "2026-12-31"]
    before = closed(*YEAR.days, DECEMBER, QUARTER, YEAR)
    assert len(before) == 34 + 3, "each day since the agencies joined must be closed"
    close_month("again", window, NEW_YEAR)
    assert closed(*YEAR.days, DECEMBER, QUARTER, YEAR) == before


@pytest.mark.parametrize(
    ("moment", "periods"),
    [
        (datetime(2026, 12, 1, 7, 30, tzinfo=VIETNAM), {"2026-11"}),
        (datetime(2026, 7, 20, 9, 0, tzinfo=VIETNAM), {"2026-06", "2026-Q2"}),
    ],
)
def test_run_of_a_month_closes_the_quarter_where_it_ends_with_it(one_stop, rows, moment, periods):
    rows(
        "UPDATE motcua.agencies SET enabled_from = %s",
        datetime(moment.year, moment.month, 1, tzinfo=VIETNAM) - 3 * ONE_DAY,
    )
    close_month("monthly", Window(moment - ONE_DAY, moment), moment)
    made = {each.period for each in in_ledger(list_closings, 500) if len(each.period) < 10}
    assert made == periods


@pytest.mark.guarantee(
    "reconciliation",
    "quarters and years are closed, recounted and corrected as months are, on the first day after them",
)
def test_figures_of_a_quarter_can_be_counted_again_after_more_came(one_stop):
    result(one_stop, "A", NOVEMBER)
    result(one_stop, "B")
    run()
    closing = close_period(QUARTER, "tests", NEW_YEAR).closing
    later = NEW_YEAR + ONE_DAY
    one_stop.dossier("A", updated_at=later, status_code=2, received_at=later)
    result(one_stop, "C", MIDDLE + timedelta(minutes=5))
    run(later)
    stored = in_ledger(load_figures, closing.closing_no)
    assert in_ledger(compute_figures, closing, stored.messages) == stored
    assert (closing.difference, closing.unexplained) == (0, 0)


def test_event_that_came_after_its_day_was_closed_is_counted_by_the_quarter_and_its_day(one_stop):
    """Closing a quarter counts a late event, and corrects the closing of the event's day."""
    result(one_stop, "A", NOVEMBER)
    run()
    day = Period(NOVEMBER.date())
    first = close_period(day, "tests", day.end + timedelta(hours=6)).closing
    one_stop.move(9, "LATE", at=NOVEMBER + timedelta(minutes=1), number=9001)
    one_stop.dossier("LATE", updated_at=NOVEMBER, received_at=NOVEMBER - ONE_DAY)
    run()
    quarter = close_period(QUARTER, "tests", NEW_YEAR).closing
    assert expected(quarter.closing_no) == 2
    assert (quarter.difference, quarter.unexplained) == (0, 0)
    assert closed(day)[day] > first.closing_no, "the closing of the day must be corrected together with the quarter"


@pytest.mark.guarantee(
    "reconciliation",
    "a source that keeps only a month makes no quarter or year red: earlier months stay as they were closed",
)
def test_source_that_kept_only_the_last_month_makes_no_quarter_red(one_stop):
    result(one_stop, "A", NOVEMBER)
    run()
    for month in ("2026-11", "2026-12"):
        assert not close_period(Period.parse(month), "tests", NEW_YEAR).closing.unexplained
    one_stop.connection.execute("DELETE FROM onestop.transitions")
    one_stop.connection.execute("DELETE FROM onestop.dossiers")
    for period in (QUARTER, YEAR):
        closing = close_period(period, "tests", NEW_YEAR + timedelta(minutes=9)).closing
        assert expected(closing.closing_no) == 1
        assert (closing.difference, closing.unexplained) == (0, 0)
        assert differences(closing.closing_no) == []


def test_what_the_source_changed_in_the_last_month_is_corrected_by_the_quarter(one_stop):
    result(one_stop, "A")
    run()
    close_period(DECEMBER, "tests", NEW_YEAR)
    one_stop.connection.execute("DELETE FROM onestop.transitions")
    closing = close_period(QUARTER, "tests", NEW_YEAR + timedelta(minutes=9)).closing
    assert differences(closing.closing_no) == [("ledger", "without_event", "A")]


def test_message_that_moved_from_one_month_to_another_is_no_difference_of_the_quarter(one_stop):
    """An event that moves to an earlier month is a difference of both months, but not of their quarter."""
    begins = datetime(2026, 12, 1, tzinfo=VIETNAM)
    one_stop.both(9, "A", at=begins + timedelta(minutes=1), number=2, updated_at=begins - ONE_DAY)
    run()
    one_stop.move(9, "A", at=begins - timedelta(minutes=1), number=1)
    run(MIDDLE + ONE_DAY)
    for month, side in (("2026-11", "source"), ("2026-12", "ledger")):
        closing = close_period(Period.parse(month), "tests", NEW_YEAR).closing
        assert differences(closing.closing_no) == [(side, "other_period", "A")], month
    quarter = close_period(QUARTER, "tests", NEW_YEAR).closing
    assert differences(quarter.closing_no) == []
    assert (quarter.difference, quarter.unexplained, expected(quarter.closing_no)) == (0, 0, 1)


@pytest.mark.guarantee(
    "reconciliation",
    "a message that was lost after its day was closed is listed in the closings of its month and quarter",
)
def test_message_that_was_lost_after_its_month_was_closed_is_listed_by_the_quarter(one_stop, rows):
    result(one_stop, "A", NOVEMBER)
    run()
    close_period(Period.parse("2026-11"), "tests", NEW_YEAR)
    rows("SET session_replication_role = replica")
    rows("DELETE FROM motcua.message_history")
    rows("DELETE FROM motcua.messages")
    quarter = close_period(QUARTER, "tests", NEW_YEAR + timedelta(minutes=9)).closing
    assert (quarter.difference, quarter.unexplained) == (1, 1)
    assert differences(quarter.closing_no) == [("source", "without_message", "A")]


@pytest.mark.guarantee(
    "reconciliation",
    "quarters and years are closed, recounted and corrected as months are, on the first day after them",
)
def test_quarter_and_year_are_looked_at_again_after_their_days(one_stop, rows):
    rows("UPDATE motcua.agencies SET enabled_from = %s", NEW_YEAR - 4 * ONE_DAY)
    at = datetime(2026, 12, 31, 9, 0, tzinfo=VIETNAM)
    result(one_stop, "A", at)
    run(at + timedelta(minutes=5))
    close_month("monthly", Window(NEW_YEAR - ONE_DAY, NEW_YEAR), NEW_YEAR)
    result(one_stop, "B", at + timedelta(minutes=1))
    run(NEW_YEAR + ONE_DAY)
    later = NEW_YEAR + timedelta(days=4)
    due = in_ledger(closings_to_recheck, timedelta(days=3), later, NEW_YEAR - ONE_DAY)
    assert [str(each) for each in due[-3:]] == ["2026-12", "2026-Q4", "2026"], (
        "shorter periods must be checked before longer ones"
    )
    results = {each.closing.period: each for each in recheck_closed("again", later)}
    for period in (Period(at.date()), DECEMBER, QUARTER, YEAR):
        assert results[period].changed, period
        assert expected(results[period].closing.closing_no) == 2
        assert results[period].closing.corrects is not None


@pytest.mark.guarantee("publications", "quarters and years are published and verified as months are")
def test_quarter_and_year_are_published_verify_and_go_to_the_committee(one_stop, configure, tmp_path):
    configure(
        MOTCUA_DATA=str(tmp_path),
        MOTCUA_COMMITTEE_RECIPIENTS="ubnd@example.gov.vn",
        MOTCUA_SEGMENT_PRICE="330",
    )
    result(one_stop, "A", NOVEMBER)
    run()
    numbers = close_month("monthly", Window(NEW_YEAR - ONE_DAY, NEW_YEAR), NEW_YEAR)
    published = [publish(number, NEW_YEAR) for number in numbers]
    assert [each.folder for each in published] == ["2026/12/2026-12/1", "2026/10/2026-Q4/1", "2026/01/2026/1"]
    for each in published:
        for which in (str(each.publication_no), str(tmp_path / "publications" / each.folder)):
            checked = verify_publication(which)
            assert checked.faults == [], which
            assert checked.publication.publication_no == each.publication_no
        assert "committee" in bodies_of(each.publication_no)
    assert list(stray_folders()) == []
    with connect() as ledger:
        wordings = [Told(build_report(ledger, number)) for number in numbers[1:]]
    assert [(each.period, each.previous_period) for each in wordings] == [
        ("quý\u00a0IV\u00a0năm\u00a02026", "quý trước (III/2026)"),
        ("năm\u00a02026", "năm trước (2025)"),
    ]


def test_budget_of_a_quarter_counts_each_segment_of_the_year_once(one_stop, configure, rows):
    """The year's costs must count each message once, although a month, a quarter and the year are closed."""
    configure(MOTCUA_SEGMENT_PRICE="100")
    end_of_september = datetime(2026, 9, 29, 9, 0, tzinfo=VIETNAM)
    rows("UPDATE motcua.agencies SET enabled_from = %s", end_of_september - ONE_DAY)
    result(one_stop, "A", end_of_september)
    result(one_stop, "B", NOVEMBER)
    run()
    rows("SET session_replication_role = replica")
    rows("UPDATE motcua.messages SET state = 'delivered', reason = NULL, segments = 2")
    rows("UPDATE motcua.message_history SET to_state = 'delivered', to_reason = NULL")
    close_period(Period.parse("2026-09"), "tests", NOVEMBER)
    quarter, year = (close_period(each, "tests", NEW_YEAR).closing for each in (QUARTER, YEAR))
    with connect() as ledger:
        budgets = [build_report(ledger, each.closing_no).budget for each in (quarter, year)]
    assert [(each.spent_in_period, each.spent_in_year) for each in budgets] == [(200, 400), (400, 400)]
