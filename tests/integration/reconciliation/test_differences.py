"""Test closings after rows were lost, doubled, moved, renamed or late: each unexplained difference makes a run red."""

from __future__ import annotations

import random
from datetime import UTC, date, datetime, timedelta

import pytest

from motcua.domain.clock import VIETNAM
from motcua.domain.periods import Period
from motcua.domain.reconciliation import sum_messages
from motcua.domain.run_window import EVERYTHING
from motcua.gateways.adapter import InquiryReading
from motcua.jobs.notices.answering import answer
from motcua.jobs.notices.apologizing import apologize
from motcua.jobs.notices.picking_up import pick_up
from motcua.jobs.notices.planning import plan
from motcua.jobs.publications.publishing import publish
from motcua.jobs.reconciliation.closing import SourcesUnread, close_period, recheck_closed
from motcua.store.agencies import save_agencies
from motcua.store.notices.sources import ensure_source, map_status
from motcua.store.oversight.closings import load_differences, load_figures, load_orphans, newest_closings
from motcua.store.oversight.figure_rows import ListedPeriod, newest_periods
from tests.ground import NHA_TRANG, NOW, TU_PHAP, OneStop, agency, in_ledger, type_command
from tests.integration.reconciliation.world import (
    DAY,
    EVENING,
    FIRST_OF_DECEMBER,
    LATER,
    MINUTE,
    NEXT_MORNING,
    NOVEMBER,
    ONE_DAY,
    RESULTS,
    TOMORROW,
    cells,
    change,
    close,
    is_red,
    result,
    rows_of,
    run,
    run_the_evening,
)

pytestmark = pytest.mark.usefixtures("begun")


@pytest.mark.guarantee(
    "reconciliation", "every message matches an occasion that the source counts, or is listed with a reason"
)
def test_every_message_of_a_month_meets_an_occasion_of_the_source(one_stop):
    for number in range(5):
        result(one_stop, f"H{number}", NOW - number // 3 * ONE_DAY)
    run()
    day, month = close(), close(NOVEMBER, FIRST_OF_DECEMBER)
    for closing, expected in ((day, 3), (month, 5)):
        assert (closing.difference, closing.unexplained, closing.corrects) == (0, 0, None)
        assert rows_of(closing) == []
        whole = sum_messages(in_ledger(load_figures, closing.closing_no).messages)
        assert (whole.at_source, whole.expected, whole.messages, whole.difference) == (*[expected] * 3, 0)
    (dossiers,) = in_ledger(load_figures, month.closing_no).dossiers
    assert (dossiers.agency_code, dossiers.received) == (NHA_TRANG, 5)


# --- Transitions that pick-up lost --------------------------------------------------------------------------------


@pytest.mark.guarantee(
    "reconciliation",
    "a lost or unplanned transition makes the run red, whatever its kind and minute, also between two results",
)
def test_transition_dropped_at_pick_up_is_red_whatever_its_kind_and_minute(one_stop, lose):
    lost = {}
    for status in (9, 5):
        for clock in ("00:00:00", "23:59:59.999999"):
            at, code = datetime.fromisoformat(f"2026-11-24T{clock}+07:00"), f"{status} {clock[:5]}"
            one_stop.both(4, code, desk=False, at=at - 60 * MINUTE, received_at=at - ONE_DAY, updated_at=at - MINUTE)
            lost[code] = one_stop.move(status, code, at=at)
    lose(*lost.values())
    day = close(DAY.previous)
    assert rows_of(day) == sorted(("source", "missing", code) for code in lost)
    assert (day.difference, day.unexplained) == (4, 4)
    assert is_red(day)
    assert [rows_of(each) for each in (close(DAY.previous.previous), close())] == [[], []], (
        "the days before and after it are not affected"
    )


@pytest.mark.guarantee(
    "reconciliation",
    "a lost or unplanned transition makes the run red, whatever its kind and minute, also between two results",
)
def test_lost_departure_between_two_results_is_red_also_where_the_row_alone_tells_of_the_second(one_stop, lose):
    """Without the lost step, the second result looks like a repetition of the first, so no text is sent about it."""
    left = []
    for code in ("MOVED", "ROW"):
        result(one_stop, code, NOW - ONE_DAY)
        left.append(one_stop.move(4, code, desk=False, at=NOW - 20 * MINUTE))
    one_stop.move(9, "MOVED", at=NOW - 10 * MINUTE)
    one_stop.dossier("ROW", status_code=9, at_one_stop_desk=True, updated_at=NOW - 10 * MINUTE)
    lose(*left)
    change(one_stop, "dossiers", "ROW", updated_at=NOW - 10 * MINUTE + timedelta(seconds=1))
    closing = close()
    assert rows_of(closing) == [("source", "missing", "MOVED"), ("source", "missing", "ROW")]
    assert is_red(closing)
    assert is_red(close(NOVEMBER, FIRST_OF_DECEMBER))


@pytest.fixture
def status_77(one_stop, tamper):
    """Map the source's status 77; return a function that removes the mapping and one that restores it.

    Without the mapping, a pick-up quarantines rows of status 77.
    """

    def known() -> None:
        in_ledger(ensure_source, "khanhhoa")
        in_ledger(map_status, "khanhhoa", 77, 4, "lan")

    known()
    return lambda: tamper("DELETE FROM motcua.status_maps"), known


def test_departure_that_waits_in_quarantine_is_explained_and_one_that_waited_once_is_not(one_stop, tamper, status_77):
    """A row in quarantine explains a difference. A row that was released from quarantine does not."""
    forget, known = status_77
    result(one_stop, "A", NOW - ONE_DAY)
    left = one_stop.move(77, "A", desk=False, at=NOW - 20 * MINUTE)
    one_stop.move(9, "A", at=NOW - 10 * MINUTE)
    forget()
    run(NOW + 60 * MINUTE)
    known()
    assert rows_of(close()) == [("source", "quarantined", "A")]
    tamper("UPDATE motcua.quarantine SET released_at = %s WHERE row_key = %s", NOW, str(left))
    assert rows_of(close(now=LATER)) == [("source", "missing", "A")]


@pytest.mark.guarantee("reconciliation", "a quarantined row is no explanation for a lost message of another row")
def test_row_in_quarantine_explains_no_loss_beside_it(one_stop, tamper, status_77):
    """A quarantined row that is older, or of another agency's dossier with the same code, explains no lost message."""
    forget, known = status_77
    for code in ("RESULT", "ROW", "APOLOGY"):
        one_stop.both(4, code, "H99", desk=False, at=NOW - 25 * MINUTE, due_at=TOMORROW)
    one_stop.move(77, "OLD", desk=False, at=NOW - 5 * ONE_DAY)
    lost = []
    for code in ("RESULT", "OLD", "BOTH"):
        result(one_stop, code, NOW - 40 * MINUTE)
        if code == "BOTH":
            one_stop.move(77, code, desk=False, at=NOW - 30 * MINUTE)
            one_stop.move(9, code, at=NOW - 25 * MINUTE)
        lost.append(one_stop.move(4, code, desk=False, at=NOW - 20 * MINUTE))
        one_stop.move(9, code, at=NOW - 10 * MINUTE)
    one_stop.dossier("ROW", status_code=9, at_one_stop_desk=True, updated_at=NOW - 30 * MINUTE)
    one_stop.dossier("APOLOGY", due_at=TOMORROW)
    one_stop.dossier("APOLOGY", TU_PHAP)
    forget()
    for at in (NOW, EVENING):
        pick_up("khanhhoa", EVERYTHING, at)
    tamper("DELETE FROM motcua.transitions WHERE source_transition_id = any(%s) OR from_row", lost)
    tamper(
        "DELETE FROM motcua.dossiers WHERE agency_code = %s AND dossier_code = any(%s)", NHA_TRANG, ["ROW", "APOLOGY"]
    )
    plan(now=EVENING)
    apologize(now=EVENING)
    known()
    assert rows_of(close()) == [
        *(("source", "missing", code) for code in ("APOLOGY", "BOTH", "OLD", "RESULT", "ROW")),
        ("source", "quarantined", "BOTH"),
    ]


@pytest.mark.guarantee("reconciliation", "a transition number that a source uses twice does not hide a lost result")
def test_number_that_the_source_gave_a_second_time_hides_no_lost_result(one_stop):
    """A source that was restored uses its transition numbers a second time.

    Because of the number and the time, pick-up mistakes such a transition for one that the ledger has. So the citizen
    gets no text, and the closing must list the lost result.
    """
    number = result(one_stop, "A", NOW - 30 * MINUTE, read_at=NOW)
    one_stop.connection.execute("DELETE FROM onestop.transitions")
    one_stop.both(9, "B", at=NOW - 60 * MINUTE, number=number, updated_at=NOW - 90 * MINUTE)
    run(NOW + 60 * MINUTE)
    closing = close()
    assert rows_of(closing) == [("ledger", "without_event", "A"), ("source", "missing", "B")]
    assert is_red(closing)


@pytest.mark.guarantee("reconciliation", "a transition number that a source uses twice does not hide a lost result")
def test_result_under_numbers_that_began_anew_is_counted_and_red_where_it_was_lost(one_stop, tamper):
    number = result(one_stop, "A", NOW - 2 * ONE_DAY, read_at=NOW - ONE_DAY)
    one_stop.connection.execute("DELETE FROM onestop.transitions")
    one_stop.both(9, "B", at=NOW - 30 * MINUTE, number=number, updated_at=NOW - 60 * MINUTE)
    run(NOW + 60 * MINUTE)
    closing = close()
    assert (closing.sources_unread, rows_of(closing), cells(closing)[RESULTS]) == ((), [], (1, 1))
    for table in ("messages", "transitions"):
        tamper(f"DELETE FROM motcua.{table} WHERE recorded_at > %s", NOW - ONE_DAY)
    lost = close(now=LATER)
    assert rows_of(lost) == [("source", "missing", "B")]
    assert is_red(lost)


@pytest.mark.guarantee(
    "reconciliation",
    "closed periods stay as they are when a source is given up; a source never read is not taken for an empty one",
)
def test_source_that_no_run_reads_is_not_taken_for_an_empty_one(other, one_stop):
    result(one_stop, "A")
    result(other, "B", read_at=NOW)
    closing = close()
    assert rows_of(closing) == [("source", "cut_off", "B")]
    assert cells(closing)[RESULTS] == (1, 1)


def test_event_whose_dossier_cannot_be_named_or_that_no_pick_up_can_have_read_is_listed_and_explained(one_stop, rows):
    """Events of quarantined rows, and events after the last pick-up, are listed with a reason and make no run red."""
    result(one_stop, "A")
    keys = ({"code": None}, {"agency_code": None}, {"agency_code": "H99", "code": "A" * 41}, {"code": "NOBODY"})
    numbers = [one_stop.move(9, at=NOW - 4 * MINUTE, **{"code": "X"} | key) for key in keys]
    rows("UPDATE motcua.agencies SET enabled_from = NULL WHERE agency_code = %s", TU_PHAP)
    one_stop.move(9, "BEFORE IT JOINED", TU_PHAP, at=NOW - 5 * MINUTE)
    run()
    result(one_stop, "LATE", NOW + MINUTE)
    closing = close()
    found = in_ledger(load_differences, closing.closing_no)
    assert {(each.side, each.reason) for each in found} == {("source", "quarantined"), ("source", "cut_off")}
    assert sorted(each.source_transition_id for each in found) == [*numbers, one_stop.number]
    assert (closing.difference, closing.unexplained) == (0, 0)
    assert cells(closing)[TU_PHAP, "", "result"] == (0, 0), "an event before its agency joined is out of scope"


def test_transition_of_an_agency_that_is_not_enabled_is_out_of_scope_and_not_missed(one_stop, lose, rows):
    rows("UPDATE motcua.agencies SET enabled_from = NULL WHERE agency_code = %s", TU_PHAP)
    lose(result(one_stop, "A", agency_code=TU_PHAP))
    closing = close()
    assert rows_of(closing) == []
    (figures,) = in_ledger(load_figures, closing.closing_no).messages
    assert (figures.at_source, figures.out_of_scope, figures.expected) == (1, 1, 0)
    assert figures.delivered_of_tellable is None


# --- Messages that were changed in the ledger ---------------------------------------------------------------------


@pytest.mark.guarantee(
    "reconciliation",
    "a message deleted, doubled or moved to another dossier, agency or procedure is listed and makes the run red",
)
def test_message_deleted_doubled_left_out_or_moved_to_another_cell_is_red_and_listed(one_stop, tamper):
    codes = ("DELETED", "DOUBLED", "LEFT OUT", "AGENCY", "PROCEDURE")
    for code in codes:
        result(one_stop, code)
    for code in ("EVENING DELETED", "EVENING AGENCY"):
        one_stop.dossier(code, due_at=TOMORROW)
    run_the_evening()
    assert rows_of(close()) == []

    def of(code: str) -> str:
        return f"dossier_id = (SELECT dossier_id FROM motcua.dossiers WHERE dossier_code = '{code}')"

    for code in ("DELETED", "EVENING DELETED", "LEFT OUT"):
        tamper(f"DELETE FROM motcua.messages WHERE {of(code)}")
    tamper(
        "UPDATE motcua.transitions SET outcome = 'out_of_scope', message_id = NULL"
        f" WHERE message_id IS NOT NULL AND {of('LEFT OUT')}"
    )
    for code in ("AGENCY", "EVENING AGENCY"):
        tamper(f"UPDATE motcua.messages SET agency_code = '{TU_PHAP}' WHERE {of(code)}")
    tamper(f"UPDATE motcua.messages SET procedure_code = '9.999999' WHERE {of('PROCEDURE')}")
    names = (
        "kind, dossier_id, agency_code, procedure_code, state, text, template_id, template_version, parameters,"
        " accented, segments, occurred_at, recorded_at, planned_at, useful_until, next_attempt_at, changed_at"
    )
    tamper("SET session_replication_role = origin")
    tamper(
        f"INSERT INTO motcua.messages ({names}, occasion, transition_id) SELECT {names}, 'again',"
        f" (SELECT min(transition_id) FROM motcua.transitions WHERE {of('DOUBLED')}) FROM motcua.messages"
        f" WHERE {of('DOUBLED')}"
    )
    closing = close(now=LATER)
    moved = ("AGENCY", "EVENING AGENCY", "PROCEDURE")
    assert rows_of(closing) == sorted(
        [
            *(("ledger", "without_event", code) for code in ("DOUBLED", *moved)),
            *(("source", "without_message", code) for code in ("DELETED", "EVENING DELETED", "LEFT OUT", *moved)),
        ]
    )
    assert is_red(closing)


@pytest.mark.guarantee(
    "reconciliation",
    "a message deleted, doubled or moved to another dossier, agency or procedure is listed and makes the run red",
)
def test_message_moved_to_another_dossier_is_red_and_one_without_a_dossier_an_orphan(one_stop, tamper):
    result(one_stop, "A")
    one_stop.dossier("B")
    run()
    tamper("UPDATE motcua.messages SET dossier_id = (SELECT dossier_id FROM motcua.dossiers WHERE dossier_code = 'B')")
    closing = close()
    assert ("source", "without_message", "A") in rows_of(closing)
    assert is_red(closing)
    tamper("DELETE FROM motcua.dossiers")
    orphans = in_ledger(load_orphans, close(now=LATER).closing_no)
    assert [each.sort for each in orphans] == ["message_without_dossier"]


def test_message_moved_to_another_day_of_the_ledger_is_red_on_both(one_stop, rows):
    """A message whose day was changed in the ledger makes the closings of both days red."""
    result(one_stop, "A")
    one_stop.dossier("B", due_at=TOMORROW)
    run_the_evening()
    rows("UPDATE motcua.messages SET recorded_at = recorded_at - interval '1 day'")
    assert rows_of(close()) == [("source", "without_message", code) for code in ("A", "B")]
    assert rows_of(close(DAY.previous)) == [("ledger", "without_event", code) for code in ("A", "B")]
    assert is_red(close(NOVEMBER, FIRST_OF_DECEMBER))


@pytest.mark.guarantee(
    "reconciliation",
    "a message without an event makes the run red; so does a lost message beside it, although the sums agree",
)
def test_loss_beside_an_invention_in_the_same_cell_is_red_everywhere(one_stop, lose):
    """A lost message and an invented message leave the sums equal.

    The closing must still list both messages, the command must fail, and the page must show a difference.
    """
    number = result(one_stop, "A")
    result(one_stop, "B")
    lose(number)
    one_stop.connection.execute("DELETE FROM onestop.transitions WHERE dossier_code = 'B'")
    closing = close()
    assert rows_of(closing) == [("ledger", "without_event", "B"), ("source", "missing", "A")]
    assert (closing.difference, closing.unexplained) == (0, 2)
    assert is_red(closing)
    type_command("closings", "close", "2026-11-25", exits=1)
    (shown,) = in_ledger(newest_periods, "day", 2, summed=True)
    assert isinstance(shown, ListedPeriod)
    assert not shown.meets


# --- Agencies change ----------------------------------------------------------------------------------------------


def test_agency_enabled_in_the_middle_of_the_day_counts_from_then_on(one_stop, rows):
    noon = datetime(2026, 11, 25, 9, 30, tzinfo=VIETNAM)
    rows("UPDATE motcua.agencies SET enabled_from = %s WHERE agency_code = %s", noon, NHA_TRANG)
    for code, at in (("A", noon - MINUTE), ("B", noon), ("C", noon + MINUTE)):
        result(one_stop, code, at)
    run()
    closing = close()
    assert rows_of(closing) == []
    assert cells(closing)[RESULTS] == (2, 2)


def test_same_day_procedures_left_out_in_the_middle_of_the_day_stay_in_the_identity(one_stop, rows):
    """A setting that is changed during a day must not unbalance the messages planned before the change."""
    for code, at in (("A", NOW - 60 * MINUTE), ("B", NOW - 5 * MINUTE)):
        result(one_stop, code, at, received_at=NOW - 120 * MINUTE, due_at=NOW + 120 * MINUTE, read_at=at + MINUTE)
        rows("UPDATE motcua.agencies SET same_day_excluded = TRUE WHERE agency_code = %s", NHA_TRANG)
    closing = close()
    (figures,) = in_ledger(load_figures, closing.closing_no).messages
    assert (figures.expected, figures.queued, figures.suppressed) == (2, 1, 1)
    assert rows_of(closing) == []


def test_code_that_moved_to_another_agency_after_the_messages_or_is_nobodys_any_more_is_explained(one_stop):
    """After a merger, the source's agency code means the agency that took over. This must make no closing red."""
    result(one_stop, "A", agency_code="H32.30")
    one_stop.dossier("B", "H32.30", due_at=TOMORROW)
    one_stop.dossier("C", TU_PHAP)
    run_the_evening()
    assert rows_of(close()) == []
    for number, (aliases, codes) in enumerate(((("H32.30",), ("A", "B")), ((), ("A",))), 1):
        named = [agency(NHA_TRANG), agency(TU_PHAP, aliases=aliases)]
        in_ledger(save_agencies, named, "tests", by_department=True)
        again = close(now=LATER + number * ONE_DAY)
        explained = {(side, "scope_changed", code) for side in ("ledger", "source") for code in codes}
        assert {each for each in rows_of(again) if each[2] in codes} == explained
        assert not is_red(again)


def test_agency_that_was_switched_off_or_ended_without_a_successor_is_explained(one_stop):
    result(one_stop, "A", read_at=NOW)
    result(one_stop, "B", NOW - MINUTE)
    ended = agency(NHA_TRANG, valid_until=date(2026, 11, 24), aliases=("H32.30",))
    in_ledger(save_agencies, [ended], "tests", by_department=True)
    run()
    day = close()
    assert rows_of(day) == [("source", "scope_changed", "B")]
    assert not is_red(day)
    in_ledger(save_agencies, [agency(each, enabled_from=None) for each in (NHA_TRANG, TU_PHAP)], "tests")
    month = close(NOVEMBER, FIRST_OF_DECEMBER)
    assert cells(month)[RESULTS][1] == 1
    assert not is_red(month)


@pytest.mark.guarantee("reconciliation", "a dossier that continues under its agency's new code is the same one")
def test_dossier_that_goes_on_under_the_new_code_of_its_agency_is_the_same_one(one_stop, lose):
    """One-stop software writes an agency's new code from one day on, and may leave or rewrite the old rows.

    Rows with the old and the new code must count as one dossier. Otherwise a repeated result looks like a lost one.
    """
    result(one_stop, "REPEATED", NOW - 30 * MINUTE, agency_code="H32.30")
    one_stop.move(9, "REPEATED", NHA_TRANG, at=NOW - 20 * MINUTE)
    result(one_stop, "LEFT", NOW - 30 * MINUTE, agency_code="H32.30")
    left = one_stop.move(4, "LEFT", NHA_TRANG, desk=False, at=NOW - 20 * MINUTE)
    one_stop.move(9, "LEFT", "H32.30", at=NOW - 10 * MINUTE)
    one_stop.dossier("DONE", "H32.30", due_at=TOMORROW)
    one_stop.move(9, "DONE", NHA_TRANG, desk=False, at=NOW - 20 * MINUTE)
    result(one_stop, "REWRITTEN", NOW - 30 * MINUTE)
    lose(left)
    for table in ("dossiers", "transitions"):
        change(one_stop, table, "REWRITTEN", agency_code="H32.30")
    closing = close()
    assert rows_of(closing) == [("source", "missing", "LEFT")]
    (figures,) = in_ledger(load_figures, closing.closing_no).messages
    assert (figures.procedure_code, figures.at_source, figures.messages) == ("1.005129", 4, 3)


# --- Sources change -----------------------------------------------------------------------------------------------


def test_rows_that_the_source_changed_after_their_messages_are_explained_one_by_one(one_stop):
    for code in ("RENAMED", "REWRITTEN", "PROCEDURE"):
        result(one_stop, code)
    recorded = {code: result(one_stop, code, NOW - 30 * MINUTE) for code in ("EARLIER", "LATER")}
    repeated = []
    for code, first in (("LEFT", NOW - ONE_DAY), ("LEFT AT ONCE", NOW - 40 * MINUTE)):
        result(one_stop, code, first)
        repeated.append(one_stop.move(9, code, at=NOW - 20 * MINUTE))
        one_stop.move(9, code, at=NOW - 10 * MINUTE)
    run(NOW + 60 * MINUTE)
    for table in ("dossiers", "transitions"):
        change(one_stop, table, "RENAMED", dossier_code="RENAMED-2")
    change(one_stop, "transitions", "REWRITTEN", status_code=4)
    change(one_stop, "dossiers", "PROCEDURE", procedure_code="2.000001")
    execute = one_stop.connection.execute
    for code, at in (("EARLIER", NOW - ONE_DAY), ("LATER", NOW + ONE_DAY)):
        execute("UPDATE onestop.transitions SET recorded_at = %s WHERE transition_id = %s", (at, recorded[code]))
    execute("UPDATE onestop.transitions SET status_code = 4 WHERE transition_id = any(%s)", (repeated,))
    closing = close()
    assert rows_of(closing) == [
        ("ledger", "other_procedure", "PROCEDURE"),
        *(("ledger", "source_changed", code) for code in ("EARLIER", "LATER", "RENAMED", "REWRITTEN")),
        ("source", "other_procedure", "PROCEDURE"),
        *(("source", "source_changed", code) for code in ("LEFT", "LEFT AT ONCE", "RENAMED-2")),
    ]
    assert (closing.difference, is_red(closing)) == (0, False)
    assert rows_of(close(DAY.previous)) == [("source", "other_period", "EARLIER")]


@pytest.mark.guarantee(
    "reconciliation",
    "closed periods stay as they are when a source is given up; a source never read is not taken for an empty one",
)
def test_source_that_is_read_no_longer_makes_no_closed_period_worse(other, one_stop, configure):
    result(one_stop, "A")
    result(other, "B", agency_code=TU_PHAP)
    run(NOW, "khanhhoa", "moi")
    first = close()
    assert (first.difference, first.sources_unread) == (0, ())
    # The new software has taken over the dossiers and numbers its transitions differently.
    for code in ("X", "A"):
        other.dossier(code, status_code=9, at_one_stop_desk=False, updated_at=NOW + 30 * MINUTE)
    for minute in (20, 21):
        other.move(9, "X", at=NOW + minute * MINUTE, number=minute)
    run(NOW + 60 * MINUTE, "khanhhoa", "moi")
    configure(MOTCUA_SOURCES="moi")
    with pytest.raises(SourcesUnread, match="khanhhoa"):
        close(now=LATER)
    assert recheck_closed("recheck", LATER) == []
    assert close(NOVEMBER, FIRST_OF_DECEMBER).unexplained == 0


def test_day_first_closed_after_its_source_was_removed_names_the_source_and_is_red(other, one_stop, configure):
    result(one_stop, "A")
    run(NOW, "khanhhoa", "moi")
    configure(MOTCUA_SOURCES="moi")
    closing = close()
    assert closing.sources_unread == ("khanhhoa",)
    assert is_red(closing)
    assert close(Period.parse("2026-11-20")).sources_unread == (), "the source has no rows of that day"


def test_dossier_that_two_sources_hold_is_not_red(other, one_stop):
    """A closing is not red if an agency's new software has the old dossiers too, with all steps or only the last."""
    first = NOW - 60 * MINUTE
    for code in ("A", "B", "C", "D"):
        result(one_stop, code, first)
    run(NOW - 30 * MINUTE, "khanhhoa", "moi")
    other.number = 700
    for code, at in (("A", first + 30 * MINUTE), ("B", first - ONE_DAY)):
        result(other, code, at)
    for code, at in (("C", first + 30 * MINUTE), ("D", first - ONE_DAY)):
        other.dossier(code, updated_at=at - MINUTE)
        other.move(9, code, at=at)
    run(NEXT_MORNING, "khanhhoa", "moi")
    for closing in (close(), close(DAY.previous), close(NOVEMBER, FIRST_OF_DECEMBER)):
        assert not is_red(closing), rows_of(closing)


def again(one_stop: OneStop, table: str, code: str, **changes) -> None:
    """Insert a dossier's rows into a table of the source a second time, with changes."""
    columns = [each.name for each in one_stop.connection.execute(f"TABLE onestop.{table}").description]
    values = ", ".join(f"%({name})s" if name in changes else name for name in columns)
    one_stop.connection.execute(
        f"INSERT INTO onestop.{table} SELECT {values} FROM onestop.{table} WHERE dossier_code = %(of)s",
        changes | {"of": code},
    )


@pytest.mark.guarantee(
    "reconciliation",
    "an event or an apology that the sources hold twice counts once, or its rows are explained one by one",
)
def test_dossier_that_its_source_or_two_sources_hold_twice_is_explained_by_row(other, one_stop):
    for code in ("RESULT", "PROCEDURE"):
        result(one_stop, code, NOW - 30 * MINUTE)
    for code in ("ROW", "OLDER ROW"):
        one_stop.dossier(code, status_code=9, at_one_stop_desk=True, updated_at=NOW - 30 * MINUTE)
    for source, code in ((one_stop, "APOLOGY"), (one_stop, "TWO SOURCES"), (other, "TWO SOURCES")):
        source.dossier(code, due_at=TOMORROW)
    again(one_stop, "dossiers", "RESULT", agency_code="H32.30")
    again(one_stop, "dossiers", "PROCEDURE", procedure_code="2.000001", updated_at=NOW - 50 * MINUTE)
    again(one_stop, "dossiers", "ROW")
    again(one_stop, "dossiers", "OLDER ROW", status_code=4, updated_at=NOW - 20 * MINUTE)
    again(one_stop, "dossiers", "APOLOGY")
    run_the_evening("khanhhoa", "moi")
    closing = close()
    codes = ("APOLOGY", "OLDER ROW", "PROCEDURE", "RESULT", "ROW", "TWO SOURCES")
    assert rows_of(closing) == [("source", "source_changed", code) for code in codes]
    assert cells(closing) == {
        (NHA_TRANG, "1.005129", "apology"): (2, 2),
        (NHA_TRANG, "1.005129", "result"): (3, 3),
        (NHA_TRANG, "2.000001", "result"): (0, 0),
    }


@pytest.mark.guarantee(
    "reconciliation",
    "an event or an apology that the sources hold twice counts once, or its rows are explained one by one",
)
def test_transitions_that_their_source_holds_twice_are_one_event_or_explained(one_stop):
    for code, number in (("SAME", None), ("NEW NUMBER", 100), ("NEW CODE", None)):
        result(one_stop, code, NOW - 30 * MINUTE)
        one_stop.connection.execute(
            "DELETE FROM onestop.transitions WHERE dossier_code = %s AND status_code = 4", (code,)
        )
        again(one_stop, "transitions", code, **({"transition_id": number} if number else {}))
    one_stop.connection.execute(
        "UPDATE onestop.transitions SET transition_id = 101, agency_code = 'H32.30'"
        " WHERE ctid = (SELECT max(ctid) FROM onestop.transitions)"
    )
    result(one_stop, "BOTH", NOW - 40 * MINUTE)
    number = one_stop.move(9, "BOTH", at=NOW - 30 * MINUTE)
    one_stop.move(4, "BOTH", desk=False, at=NOW - 30 * MINUTE, number=number)
    one_stop.move(9, "BOTH", at=NOW - 20 * MINUTE)
    result(one_stop, "SPACED", NOW - 30 * MINUTE)
    one_stop.move(9, " SPACED ", at=NOW - 20 * MINUTE)
    run(NOW + 60 * MINUTE)
    closing = close()
    assert set(rows_of(closing)) == {("source", "source_changed", code) for code in ("BOTH", "SPACED")}
    assert cells(closing) == {RESULTS: (5, 5), (NHA_TRANG, "", "result"): (0, 0)}


# --- Times --------------------------------------------------------------------------------------------------------


def test_time_that_no_clock_shows_keeps_no_source_from_being_counted_and_is_explained(one_stop):
    """Impossible times in a source's rows must make no closing fail, and each difference gets a reason."""
    run(NOW - 10 * MINUTE)
    execute = one_stop.connection.execute
    occurred = ("'0001-01-01'", "'4713-01-01 BC'", "'infinity'", "'-infinity'", "NULL")
    for time in occurred:
        number = result(one_stop, time)
        execute(f"UPDATE onestop.transitions SET occurred_at = {time} WHERE transition_id = {number}")
        execute(
            f"UPDATE onestop.dossiers SET received_at = {time}, finished_at = {time} WHERE dossier_code = %s", (time,)
        )
    recorded = ("'0001-01-01'", "'2027-01-01'", "'infinity'", "NULL")
    for time in recorded:
        number = result(one_stop, f"recorded {time}")
        execute(f"UPDATE onestop.transitions SET recorded_at = {time} WHERE transition_id = {number}")
    run()
    closing = close()
    assert closing.sources_unread == ()
    assert rows_of(closing) == sorted(("ledger", "time_cleaned", f"recorded {time}") for time in recorded)
    assert cells(closing)[RESULTS][1] == len(occurred) + len(recorded)
    assert not is_red(closing)


def test_result_repeated_after_midnight_belongs_to_the_day_it_began(one_stop):
    """A result that is written again after midnight is the same occasion, and counts on the first day only."""
    midnight = datetime(2026, 11, 25, tzinfo=VIETNAM)
    result(one_stop, "A", midnight - MINUTE)
    one_stop.move(9, "A", at=midnight + MINUTE)
    run()
    before, after = close(DAY.previous), close()
    assert cells(before)[RESULTS] == (1, 1)
    assert (rows_of(before), rows_of(after)) == ([], [])


def test_month_balances_after_a_message_moved_to_another_day_and_procedure(one_stop, rows):
    midnight = datetime(2026, 11, 25, tzinfo=VIETNAM)
    rows("UPDATE motcua.agencies SET enabled_from = %s", midnight - ONE_DAY)
    one_stop.both(9, "A", at=midnight + MINUTE, number=2, updated_at=midnight - ONE_DAY)
    run()
    one_stop.move(9, "A", at=midnight - MINUTE, number=1)
    change(one_stop, "dossiers", "A", procedure_code="2.000001")
    run(NOW + ONE_DAY)
    month = close(NOVEMBER, FIRST_OF_DECEMBER)
    assert rows_of(month) == [("ledger", "other_period", "A"), ("source", "other_period", "A")]
    assert (month.difference, month.unexplained) == (0, 0)


def test_new_years_eve_and_the_leap_day_are_days_like_others(one_stop):
    for day in ("2024-02-29", "2024-12-31", "2025-01-01"):
        result(one_stop, day, datetime.fromisoformat(f"{day}T10:00:00+07:00"))
    in_ledger(save_agencies, [agency(NHA_TRANG, enabled_from=datetime(2024, 1, 1, tzinfo=UTC))], "tests")
    run()
    for period in ("2024-02", "2024-12-31", "2025-01-01"):
        closing = close(Period.parse(period), LATER)
        assert sum(expected for expected, _ in cells(closing).values()) == 1, period
        assert closing.difference == 0


def test_dossier_of_an_evening_that_nobody_could_settle_is_not_called_lost(one_stop):
    """An apology is missing because its evening was missed. The closing states this reason and is not red."""
    result(one_stop, "A", read_at=NOW)
    one_stop.dossier("B", received_at=NOW - ONE_DAY, updated_at=NOW + 60 * MINUTE, due_at=TOMORROW)
    closing = close()
    assert rows_of(closing) == [("source", "evening_missed", "B")]
    assert not is_red(closing)


# --- Hostile texts and inquiries ----------------------------------------------------------------------------------

HOSTILE = ("<b>'\"; DROP", "[red]100%%[/red]", "a\u202eb", "=1+1", "x" * 40)


def test_hostile_codes_stop_no_closing_report_or_command(one_stop, tmp_path, configure):
    configure(MOTCUA_DATA=str(tmp_path))
    endless = "".join(random.Random(1).choices("0123456789abcdef", k=9000))
    for number, code in enumerate(HOSTILE):
        result(one_stop, code, NOW - 5 * MINUTE, procedure_code=code)
        one_stop.move(9, code + "x" * 60 * (number % 2), "H99", at=NOW - 5 * MINUTE)
    for number, procedure in enumerate((endless, "two\nlines", None, "  ", "\u00a0 1.1\t")):
        result(one_stop, f"P{number}", procedure_code=procedure)
    run()
    closing = close()
    assert {each[1] for each in rows_of(closing)} == {"quarantined"}
    assert closing.difference == 0
    publish(closing.closing_no, NEXT_MORNING)
    for words in ("show", "differences"):
        type_command("closings", words, closing.closing_no)
    assert not close_period(DAY, "again", LATER).changed
    for words in ("9999-12-31", "2999-01", "0001-01-01", "nonsense", "2026-11-24'"):
        type_command("closings", "close", words, exits=2)
    for number in ("0", "-1", "99999999999999999999999"):
        for command in ("show", "differences"):
            type_command("closings", command, "--", number, exits=2)


def ask(text: str, at: datetime) -> None:
    in_ledger(answer, "kannel", InquiryReading("+84905123456", text, f"{text} {at}", at), at)


def test_inquiries_count_as_replies_also_those_that_name_nobodys_dossier(one_stop):
    """An inquiry about an unknown dossier has a reply too, so the closing counts both, without an agency."""
    result(one_stop, "160915001", read_at=NOW)
    midnight = datetime(2026, 11, 26, tzinfo=VIETNAM)
    ask("MCKH 160915001", NOW)
    ask("MCKH NOBODY", midnight - timedelta(microseconds=1))
    ask("MCKH NOBODY2", midnight)
    closing = close()
    found = cells(closing)
    assert found[NHA_TRANG, "1.005129", "reply"] == found["", "", "reply"] == (1, 1)
    assert closing.difference == 0


@pytest.mark.guarantee(
    "reconciliation", "a reply without its inquiry, or an inquiry without its reply, is listed and makes the run red"
)
def test_reply_without_its_inquiry_and_inquiry_without_its_reply_are_red_and_listed(one_stop, tamper):
    for code in ("160915001", "160915002"):
        result(one_stop, code, read_at=NOW)
        ask(f"MCKH {code}", NOW)
    reply = "(SELECT {}(message_id) FROM motcua.messages WHERE kind = 'reply')"
    tamper(f"DELETE FROM motcua.inquiries WHERE message_id = {reply.format('max')}")
    tamper(f"DELETE FROM motcua.messages WHERE message_id = {reply.format('min')}")
    closing = close()
    assert is_red(closing)
    found = in_ledger(load_differences, closing.closing_no)
    assert {(each.side, each.reason, each.kind) for each in found} == {
        ("source", "without_message", "reply"),
        ("ledger", "without_event", "reply"),
    }


def test_closing_a_month_also_corrects_a_day_whose_source_was_away(one_stop):
    """A day that was closed while its source could not be read is corrected when the month is closed."""
    result(one_stop, "A", read_at=NOW)
    one_stop.connection.execute("ALTER SCHEMA onestop RENAME TO elsewhere")
    day = close()
    assert day.sources_unread == ("khanhhoa",)
    one_stop.connection.execute("ALTER SCHEMA elsewhere RENAME TO onestop")
    month = close(NOVEMBER, FIRST_OF_DECEMBER)
    assert (month.difference, month.unexplained, month.sources_unread) == (0, 0, ())
    newest = in_ledger(newest_closings, [DAY])[DAY]
    assert newest > day.closing_no
