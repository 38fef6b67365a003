"""Test closings that are made again: corrections and their causes, red runs, and the costs of sending."""

from __future__ import annotations

from collections import Counter, defaultdict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from datetime import datetime, timedelta

import psycopg
import pytest

from motcua.domain.periods import Period
from motcua.domain.reconciliation import DossierFigures, MessageFigures, ReasonCount
from motcua.domain.run_window import EVERYTHING, Window
from motcua.jobs.notices.picking_up import pick_up
from motcua.jobs.notices.planning import plan
from motcua.jobs.publications.publishing import publish
from motcua.jobs.quality.checking import check_quality
from motcua.jobs.reconciliation.closing import NothingInScope, NotOver, SourcesUnread, close_period, recheck_closed
from motcua.jobs.reconciliation.reporting import build_report
from motcua.jobs.tasks import reconcile_daily, reconcile_monthly
from motcua.settings import settings
from motcua.store.ledger.database import connect
from motcua.store.oversight.closings import (
    compute_figures,
    find_orphans,
    hash_figures,
    load_changes,
    load_closing,
    load_differences,
    load_figures,
    load_orphans,
    newest_closings,
)
from tests.ground import NOW, in_ledger, red_gate, take_in
from tests.integration.quality.world import NOTHING_EXPECTED
from tests.integration.reconciliation.world import (
    DAY,
    FIRST_OF_DECEMBER,
    LATER,
    MINUTE,
    NEXT_MORNING,
    NOVEMBER,
    ONE_DAY,
    RESULTS,
    cells,
    close,
    is_red,
    result,
    rows_of,
    run,
)

pytestmark = pytest.mark.usefixtures("begun")
DAILY = Window(NEXT_MORNING - ONE_DAY, NEXT_MORNING)


def test_day_that_is_not_over_or_before_any_agency_joined_is_not_closed(one_stop):
    with pytest.raises(NotOver, match="2026-11-25 is not over"):
        close(now=NOW)
    with pytest.raises(NothingInScope, match="no agency was enabled"):
        close(Period.parse("2026-10-20"))


# --- Unchanged closings and corrections ---------------------------------------------------------------------------


@pytest.mark.guarantee(
    "reconciliation", "closing a period again gives the same closing, or a correction that says what changed and why"
)
def test_closing_again_gives_the_one_that_stands_or_a_correction_that_says_what_changed_and_why(one_stop):
    result(one_stop, "A", read_at=NOW)
    with ThreadPoolExecutor(2) as both:
        made = list(both.map(lambda name: close_period(DAY, name, NEXT_MORNING), ("dag", "by hand")))
    assert sorted(each.changed for each in made) == [False, True], (
        "two tasks that close a day at once must make one closing"
    )
    assert made[0].closing == made[1].closing == close(now=NEXT_MORNING + MINUTE)
    chain = [made[0].closing]
    for number in range(2):
        result(one_stop, f"B{number}", read_at=NOW + (number + 1) * ONE_DAY)
        chain.append(close(now=LATER + number * ONE_DAY))
    assert [each.corrects for each in chain] == [None, chain[0].closing_no, chain[1].closing_no]
    for number, each in enumerate(chain[1:], 1):
        assert each.difference == 0
        found = in_ledger(load_changes, each.closing_no)
        changes = {(change.figure, change.was, change.became, change.causes) for change in found}
        assert ("at_source", number, number + 1, ("picked_up_late",)) in changes
        assert any(figure in ("queued", "expired") and "picked_up_late" in causes for figure, _, _, causes in changes)


def test_correction_is_made_also_where_only_a_reason_changed_and_a_late_closing_holds_what_came(one_stop):
    """A late row proves unusable, so only the reason of a difference changes. This alone must make a correction."""
    result(one_stop, "A", read_at=NOW)
    one_stop.move(9, "NOBODY", at=NOW + MINUTE)
    first = close()
    assert rows_of(first) == [("source", "cut_off", "NOBODY")]
    run(NOW + ONE_DAY)
    second = close(now=LATER)
    assert second.corrects == first.closing_no
    assert rows_of(second) == [("source", "quarantined", "NOBODY")]
    one_stop.dossier("NOBODY", updated_at=NOW + 2 * ONE_DAY)
    run(NOW + 3 * ONE_DAY)
    late = close(now=NEXT_MORNING + 7 * ONE_DAY)
    assert (rows_of(late), cells(late)[RESULTS]) == ([], (2, 2))


def test_day_that_was_corrected_at_once_is_looked_at_again_all_the_same(one_stop):
    """An early correction of a closed day must not prevent the later recheck of this day."""
    result(one_stop, "A", read_at=NOW)
    close()
    result(one_stop, "B", NOW - 4 * MINUTE, read_at=NEXT_MORNING)
    early = close(now=NEXT_MORNING + 60 * MINUTE)
    result(one_stop, "C", NOW - 3 * MINUTE, read_at=NEXT_MORNING + ONE_DAY)
    assert recheck_closed("recheck", NEXT_MORNING + 2 * ONE_DAY) == []
    (late,) = recheck_closed("recheck", LATER)
    assert late.closing.corrects == early.closing_no
    assert recheck_closed("recheck", LATER + ONE_DAY) == []


@pytest.mark.guarantee(
    "reconciliation", "a source that does not answer is named, and no earlier closing with its rows is undone"
)
def test_source_that_does_not_answer_is_named_and_caught_up_with(one_stop):
    result(one_stop, "A", read_at=NOW)
    one_stop.connection.execute("ALTER SCHEMA onestop RENAME TO elsewhere")
    closing = close()
    assert (closing.sources_unread, closing.difference, rows_of(closing)) == (("khanhhoa",), 1, [])
    one_stop.connection.execute("ALTER SCHEMA elsewhere RENAME TO onestop")
    (corrected,) = recheck_closed("recheck", LATER)
    assert (corrected.closing.sources_unread, corrected.closing.difference) == ((), 0)
    one_stop.connection.execute("ALTER SCHEMA onestop RENAME TO elsewhere")
    with pytest.raises(SourcesUnread, match="khanhhoa"):
        close(now=LATER)


# --- Stored figures and their recount -----------------------------------------------------------------------------


@pytest.mark.guarantee(
    "reconciliation",
    "a recount gives the stored figures again, also for the auditor's role, which reads no phone",
)
def test_stored_figures_are_what_the_facts_give_again_and_an_auditor_reads_no_phone(one_stop, as_auditor):
    for number in range(3):
        result(one_stop, f"A{number}")
    run()
    closing = close()
    result(one_stop, "LATER", read_at=NOW + ONE_DAY)
    as_auditor()
    with connect() as auditing:
        stored = load_figures(auditing, closing.closing_no)
        assert compute_figures(auditing, closing) == stored
        orphans = load_orphans(auditing, closing.closing_no)
        assert find_orphans(auditing, closing) == orphans
        assert hash_figures(stored, load_differences(auditing, closing.closing_no), orphans) == closing.figures_hash
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            auditing.execute("SELECT msisdn FROM motcua.messages")


@pytest.mark.parametrize("checked_before", [True, False])
@pytest.mark.guarantee("reconciliation", "a quality check that is sealed after a closing does not change the closing")
def test_check_that_began_before_the_cut_off_and_was_sealed_after_the_closing_does_not_count(
    one_stop, rows, checked_before
):
    began = NEXT_MORNING - timedelta(minutes=30)
    wrong = {"applicant_phone": "12345", "received_at": NOW - ONE_DAY}
    one_stop.dossier("H0001", updated_at=NOW, **wrong)
    take_in()
    if checked_before:
        check_quality("in time", now=began - timedelta(minutes=10), soundness=NOTHING_EXPECTED)
    closing = close()
    stored = in_ledger(load_figures, closing.closing_no)
    counted = sum(each.findings_open for each in stored.agencies)
    assert (counted > 0) is checked_before
    one_stop.dossier("H0002", updated_at=NOW, **wrong)
    take_in(NOW + timedelta(hours=1))
    check_quality("late", now=began, soundness=NOTHING_EXPECTED)
    again = in_ledger(load_closing, closing.closing_no)
    assert in_ledger(compute_figures, again) == stored
    assert again.known_quality_run == int(checked_before)
    rows("SET session_replication_role = replica")
    rows("UPDATE motcua.closings SET known_quality_run = NULL WHERE closing_no = %s", closing.closing_no)
    unbound = in_ledger(compute_figures, in_ledger(load_closing, closing.closing_no)).agencies
    assert sum(each.findings_open for each in unbound) > counted, (
        "a closing without a stored quality run counts all findings"
    )


SUMS = (
    ("messages", "closing_message_sums", ("agency_code", "kind", "balances")),
    ("dossiers", "closing_dossier_sums", ("agency_code",)),
    ("reasons", "closing_reason_sums", ("agency_code", "kind", "state", "reason")),
)


def assert_sums_are_those_of_the_rows(closing_no: int, rows) -> None:
    """Check that a closing's stored sums equal the sums of its stored figures."""
    stored = in_ledger(load_figures, closing_no)
    added: dict[tuple[object, ...], Counter[str]] = defaultdict(Counter)
    for message in stored.messages:
        key = "messages", message.agency_code, message.kind, message.difference == 0
        added[key].update({"cells": 1} | _integer_fields(message))
    for dossier in stored.dossiers:
        added["dossiers", dossier.agency_code].update({"cells": 1} | _integer_fields(dossier))
    for reason in stored.reasons:
        added["reasons", reason.agency_code, reason.kind, reason.state, reason.reason].update(_integer_fields(reason))
    written = {
        (name, *(row[key] for key in keys)): {
            column: number for column, number in row.items() if column not in (*keys, "closing_no")
        }
        for name, table, keys in SUMS
        for row in rows(f"SELECT * FROM motcua.{table} WHERE closing_no = %s", closing_no)
    }
    assert written == added
    assert {name for name, *_ in written} == {"messages", "dossiers", "reasons"}


def _integer_fields(row: MessageFigures | DossierFigures | ReasonCount) -> dict[str, int]:
    return {name: value for name, value in asdict(row).items() if isinstance(value, int)}


@pytest.mark.guarantee("reconciliation", "the sums of a closing are those of its rows, also for a correction")
def test_sums_are_written_with_a_closing_and_with_its_correction_and_never_change(one_stop, tamper):
    for number in range(3):
        result(one_stop, f"H{number}")
    result(one_stop, "LANDLINE", applicant_phone="0258 3822 001", procedure_code="2.000001", read_at=NOW)
    first = close()
    assert_sums_are_those_of_the_rows(first.closing_no, tamper)
    result(one_stop, "LATE", read_at=NOW + ONE_DAY)
    (lost,) = tamper("SELECT message_id FROM motcua.messages ORDER BY message_id LIMIT 1")
    for table in ("transitions", "message_history", "messages"):
        tamper(f"DELETE FROM motcua.{table} WHERE message_id = %s", lost["message_id"])
    tamper("SET session_replication_role = origin")
    second = close(now=LATER)
    assert (second.corrects, bool(second.difference)) == (first.closing_no, True)
    assert_sums_are_those_of_the_rows(second.closing_no, tamper)
    assert_sums_are_those_of_the_rows(first.closing_no, tamper)
    for _, table, _ in SUMS:
        for change in (f"DELETE FROM motcua.{table}", f"UPDATE motcua.{table} SET agency_code = ''"):
            with pytest.raises(psycopg.DatabaseError, match="append-only"):
                tamper(change)


# --- Runs ---------------------------------------------------------------------------------------------------------


def close_days(at: datetime, window: Window = EVERYTHING) -> None:
    """Run the nightly task that closes days, and then the gate, the last task, which fails if work is left."""
    reconcile_daily.gate(reconcile_daily.close_days("daily", window, DAILY, at))


def mend() -> None:
    """Pick up and plan the lost transitions once more."""
    pick_up("khanhhoa", Window(NOW - ONE_DAY, NOW), NOW + ONE_DAY)
    plan(now=NOW + ONE_DAY)


@pytest.mark.guarantee(
    "reconciliation", "a run over a period that does not balance is red each time, until it is corrected"
)
def test_run_over_a_red_day_and_its_month_is_red_again_until_it_is_mended(one_stop, lose):
    lose(result(one_stop, "A"))
    monthly = Window(FIRST_OF_DECEMBER - ONE_DAY, FIRST_OF_DECEMBER)
    for _ in range(2):
        with red_gate("without a reason"):
            close_days(NEXT_MORNING)
    for _ in range(2):
        with red_gate("2026-11"):
            reconcile_daily.gate(reconcile_monthly.close_month("monthly", monthly, FIRST_OF_DECEMBER))
    mend()
    for _ in range(2):
        close_days(LATER)


def test_correction_that_an_earlier_try_of_the_run_made_is_judged_until_it_is_corrected_itself(one_stop, lose):
    """A second try of a run must be red for the first try's correction too, as long as the message is missing."""
    result(one_stop, "A", read_at=NOW)
    close()
    lose(result(one_stop, "B"))
    for _ in range(2):
        named = reconcile_daily.look_again("daily", EVERYTHING, LATER)
        with red_gate("without a reason"):
            reconcile_daily.gate(named)
    mend()
    close(now=LATER)
    assert reconcile_daily.look_again("daily", EVERYTHING, LATER) == []


@pytest.mark.guarantee(
    "reconciliation",
    "a message that was lost after its day was closed is listed in the closings of its month and quarter",
)
def test_message_that_was_lost_after_its_day_was_closed_is_listed_by_the_month(one_stop, tamper):
    result(one_stop, "A")
    result(one_stop, "B", NOW - ONE_DAY, read_at=NOW)
    days = close(DAY.previous), close()
    for table in ("message_history", "messages"):
        tamper(f"DELETE FROM motcua.{table} WHERE message_id = (SELECT min(message_id) FROM motcua.messages)")
    month = close(NOVEMBER, FIRST_OF_DECEMBER)
    assert (month.difference, month.unexplained) == (1, 1)
    assert [each[:2] for each in rows_of(month)] == [("source", "without_message")]
    closed = in_ledger(newest_closings, [DAY.previous, DAY])
    assert sum(newest > day.closing_no for newest, day in zip(closed.values(), days, strict=True)) == 1
    assert not close_period(NOVEMBER, "again", FIRST_OF_DECEMBER).changed


def test_days_missed_are_closed_as_well_and_a_backfill_in_either_order_changes_nothing(one_stop):
    for number in range(4):
        result(one_stop, f"A{number}", NOW - number * ONE_DAY)
    run()
    for day in ("2026-11-20", "2026-11-24"):
        close(Period.parse(day))
    reconcile_daily.close_days("daily", EVERYTHING, DAILY, NEXT_MORNING)
    closed = in_ledger(newest_closings, NOVEMBER.days)
    assert [str(period)[-2:] for period in closed] == ["20", "21", "22", "23", "24", "25"]
    for day in (*closed, *reversed(closed)):
        morning = day.end + timedelta(hours=6, minutes=30)
        window = Window(morning - ONE_DAY, morning)
        reconcile_daily.gate(reconcile_daily.close_days("backfill", window, window, LATER))
    assert in_ledger(newest_closings, NOVEMBER.days) == closed


def test_empty_month_balances_and_is_published(one_stop, tmp_path, configure):
    configure(MOTCUA_DATA=str(tmp_path))
    run()
    month = close(NOVEMBER, FIRST_OF_DECEMBER)
    assert (month.difference, month.unexplained, cells(month)) == (0, 0, {})
    publication = publish(month.closing_no, FIRST_OF_DECEMBER)
    assert (settings().data / "publications" / publication.folder / "bao-cao.pdf").exists()


@pytest.mark.guarantee(
    "reconciliation",
    "a lost or unplanned transition makes the run red, whatever its kind and minute, also between two results",
)
def test_closing_between_pick_up_and_planning_is_no_alarm_and_a_stuck_planning_is(one_stop):
    result(one_stop, "A")
    pick_up("khanhhoa", EVERYTHING, NEXT_MORNING - MINUTE)
    assert rows_of(close()) == [("source", "cut_off", "A")]
    second = close(now=NEXT_MORNING + 60 * MINUTE)
    assert rows_of(second) == [("source", "unplanned", "A")]
    assert (second.difference, second.unexplained) == (1, 1)
    assert is_red(second)


def test_pick_up_that_stands_still_while_its_source_goes_on_is_an_alarm(one_stop):
    """Rows newer than the last pick-up are an explained difference. But a source unread for hours makes the run red."""
    result(one_stop, "A", read_at=NOW)
    result(one_stop, "B", NOW + 120 * MINUTE)
    for _ in range(2):
        with red_gate("nobody read; one source was last read at 10:00 25/11/2026"):
            close_days(NEXT_MORNING)
    run(NEXT_MORNING)
    close_days(NEXT_MORNING)


# --- Money --------------------------------------------------------------------------------------------------------


@pytest.mark.guarantee("reconciliation", "if a closing counted no channels, its corrections count none either")
def test_closing_from_before_channels_is_corrected_for_what_it_counted_alone(one_stop, rows):
    result(one_stop, "A")
    run()
    first = close()
    rows("ALTER TABLE motcua.closings DISABLE TRIGGER ALL")
    rows("UPDATE motcua.closings SET known_attempt = NULL, prices = NULL")
    assert close(now=LATER).closing_no == first.closing_no
    for state in ("sending", "accepted"):
        rows("UPDATE motcua.messages SET state = %s", state)
    corrected = close(now=LATER)
    assert (corrected.corrects, corrected.known_attempt) == (first.closing_no, None)
    assert in_ledger(load_figures, corrected.closing_no).channels == ()


@pytest.mark.parametrize(("price", "spent"), [("0", 0), (None, None), ("350", 350)])
def test_price_of_a_segment_may_be_nothing_or_unknown_and_the_year_has_days_of_no_month(
    one_stop, configure, rows, price, spent
):
    """Costs are 0 if the price is 0, and unknown if no price is set. The year's costs include earlier days."""
    for number in range(2):
        result(one_stop, f"A{number}", NOW - number * ONE_DAY)
    run()
    for state in ("sending", "accepted"):
        rows("UPDATE motcua.messages SET state = %s", state)
    configure(MOTCUA_SMS_BUDGET="100", **{} if price is None else {"MOTCUA_SEGMENT_PRICE": price})
    close(DAY.previous)
    budget = in_ledger(build_report, close().closing_no).budget
    assert (budget.spent_in_period, budget.for_year) == (spent, 100)
    assert budget.spent_in_year == (None if spent is None else 2 * spent)


def test_year_costs_what_each_of_its_days_cost_also_when_the_price_changes(one_stop, configure, rows):
    """Each earlier day is counted at its own closing's price, or at the report's price if its closing has no price."""
    for number in range(3):
        result(one_stop, f"A{number}", NOW - number * ONE_DAY)
    run()
    for state in ("sending", "accepted"):
        rows("UPDATE motcua.messages SET state = %s", state)
    close(DAY.previous.previous)
    configure(MOTCUA_SEGMENT_PRICE="350")
    before = in_ledger(build_report, close(DAY.previous).closing_no).budget
    assert (before.spent_in_period, before.spent_in_year) == (350, 700)
    configure(MOTCUA_SEGMENT_PRICE="400")
    budget = in_ledger(build_report, close().closing_no).budget
    assert (budget.spent_in_period, budget.spent_in_year) == (400, 400 + 350 + 400)
