"""Closings where something was lost, doubled, moved, renamed or came late: what must be red is, and nothing else."""

from __future__ import annotations

import random
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta

import psycopg
import pytest
from fastapi.testclient import TestClient
from typer.testing import CliRunner

from motcua.cli import app
from motcua.domain.clock import VIETNAM
from motcua.domain.periods import NotAPeriod, Period
from motcua.domain.run_window import EVERYTHING, Window
from motcua.gateways.adapter import InquiryReading
from motcua.jobs.gates import RunIncomplete
from motcua.jobs.notices.answering import answer
from motcua.jobs.notices.apologizing import apologize
from motcua.jobs.notices.picking_up import pick_up
from motcua.jobs.notices.planning import plan
from motcua.jobs.publications.publishing import publish
from motcua.jobs.reconciliation.closing import SourcesUnread, close_period, recheck_closed, require_complete
from motcua.jobs.reconciliation.reporting import build_report
from motcua.jobs.tasks import reconcile_daily, reconcile_monthly
from motcua.settings import settings
from motcua.store.agencies import save_agencies
from motcua.store.ledger.provisioning import with_database
from motcua.store.notices.sources import ensure_source, map_status
from motcua.store.oversight.closings import (
    load_changes,
    load_differences,
    load_figures,
    load_orphans,
    newest_closings,
)
from motcua.store.oversight.figure_rows import ListedPeriod, newest_periods
from tests.ground import NHA_TRANG, NOW, TU_PHAP, OneStop, agency, in_ledger
from tests.web.visiting import Visiting

DAY = Period.parse("2026-11-25")
NEXT_MORNING = datetime(2026, 11, 26, 6, 30, tzinfo=VIETNAM)
LATER = NEXT_MORNING + timedelta(days=4)
FIRST_OF_DECEMBER = datetime(2026, 12, 1, 7, 30, tzinfo=VIETNAM)
MINUTE = timedelta(minutes=1)
ONE_DAY = timedelta(days=1)


def run(at: datetime = NOW, *sources: str) -> None:
    for source in sources or ("khanhhoa",):
        pick_up(source, EVERYTHING, at)
    plan(now=at)


def result(
    one_stop: OneStop,
    code: str,
    at: datetime = NOW - 5 * MINUTE,
    agency_code: str = NHA_TRANG,
    *,
    read_at: datetime | None = None,
    **row,
) -> int:
    """A dossier whose result came to the desk; ``read_at``: and was read then."""
    values = {"received_at": at - 5 * ONE_DAY, "updated_at": at - MINUTE} | row
    one_stop.both(4, code, agency_code, desk=False, at=at - 60 * MINUTE, **values)
    number = one_stop.move(9, code, agency_code, at=at)
    if read_at:
        run(read_at)
    return number


def close(period: Period = DAY, now: datetime = NEXT_MORNING, run_id: str = "tests"):
    return close_period(period, run_id, now).closing


def rows_of(closing_no: int) -> list[tuple[str, str, str | None]]:
    return sorted((each.side, each.reason, each.dossier_code) for each in in_ledger(load_differences, closing_no))


def cells(closing_no: int) -> dict[tuple[str, str, str], tuple[int, int]]:
    """Expected and messages by agency, procedure and kind."""
    figures = in_ledger(load_figures, closing_no).messages
    return {(m.agency_code, m.procedure_code, m.kind): (m.expected, m.messages) for m in figures}


def is_red(closing_no: int) -> bool:
    try:
        require_complete([closing_no])
    except RunIncomplete:
        return True
    return False


@pytest.fixture
def tamper(rows):
    """Changes the ledger behind the back of its own rules."""
    rows("SET session_replication_role = replica")
    return rows


@pytest.fixture
def lose(tamper):
    """Reads and plans, without some transitions of the source, as if no pick-up had ever read those."""

    def drop(*numbers: int) -> None:
        at = NOW + 60 * MINUTE
        pick_up("khanhhoa", EVERYTHING, at)
        gone = tamper("DELETE FROM motcua.transitions WHERE source_transition_id = any(%s) RETURNING 1", list(numbers))
        assert len(gone) == len(numbers)
        plan(now=at)

    return drop


@pytest.fixture
def other(postgres, one_stop, configure) -> Iterator[OneStop]:
    """A second source, ``moi``."""
    name = postgres.fresh_database("template0", "onestop")
    parts = psycopg.conninfo.conninfo_to_dict(postgres.admin_dsn)
    uri = f"postgres://{parts['user']}:{parts['password']}@{parts['host']}:{parts['port']}/{name}"
    configure(MOTCUA_SOURCES="khanhhoa,moi", AIRFLOW_CONN_ONESTOP_MOI=uri)
    source = OneStop(with_database(postgres.admin_dsn, name))
    yield source
    source.connection.close()
    postgres.drop_database(name)


# --- Lost at pick-up ----------------------------------------------------------------------------------------------


@pytest.mark.guarantee(
    "reconciliation",
    "a dropped transition is red whatever its kind and minute, also the one between two results",
)
def test_transition_dropped_at_pick_up_is_red_whatever_its_kind_and_minute(one_stop, lose):
    lost = {}
    for status in (9, 5):
        for clock in ("00:00:00", "12:00:00", "23:59:59.999999"):
            at, code = datetime.fromisoformat(f"2026-11-24T{clock}+07:00"), f"{status} {clock[:5]}"
            one_stop.both(4, code, desk=False, at=at - 60 * MINUTE, received_at=at - ONE_DAY, updated_at=at - MINUTE)
            lost[code] = one_stop.move(status, code, at=at)
    lose(*lost.values())
    day = close(DAY.previous)
    assert rows_of(day.closing_no) == sorted(("source", "missing", code) for code in lost)
    assert is_red(day.closing_no)
    beside = close(DAY.previous.previous), close()
    assert [rows_of(each.closing_no) for each in beside] == [[], []]


@pytest.mark.guarantee(
    "reconciliation",
    "a dropped transition is red whatever its kind and minute, also the one between two results",
)
def test_lost_departure_between_two_results_on_two_days_is_red(one_stop, lose):
    """The citizen of the second result is not told, since the ledger takes it for the first one said again."""
    result(one_stop, "A", NOW - ONE_DAY)
    left = one_stop.move(4, "A", desk=False, at=NOW - 20 * MINUTE)
    one_stop.move(9, "A", at=NOW - 10 * MINUTE)
    lose(left)
    closing = close()
    assert rows_of(closing.closing_no) == [("source", "missing", "A")]
    assert is_red(closing.closing_no)
    month = close(Period.parse("2026-11"), FIRST_OF_DECEMBER)
    assert is_red(month.closing_no)


def test_lost_departure_before_a_result_that_the_row_alone_tells_of_is_red(one_stop, lose):
    result(one_stop, "A", NOW - ONE_DAY)
    left = one_stop.move(4, "A", desk=False, at=NOW - 20 * MINUTE)
    one_stop.dossier("A", status_code=9, at_one_stop_desk=True, updated_at=NOW - 10 * MINUTE)
    lose(left)
    one_stop.connection.execute("UPDATE onestop.dossiers SET updated_at = updated_at + interval '1 second'")
    closing = close()
    assert rows_of(closing.closing_no) == [("source", "missing", "A")]
    assert is_red(closing.closing_no)


def test_departure_that_waits_in_quarantine_is_explained_and_one_that_waited_once_is_not(one_stop, tamper):
    in_ledger(ensure_source, "khanhhoa")
    in_ledger(map_status, "khanhhoa", 77, 4, "lan")
    result(one_stop, "A", NOW - ONE_DAY)
    left = one_stop.move(77, "A", desk=False, at=NOW - 20 * MINUTE)
    one_stop.move(9, "A", at=NOW - 10 * MINUTE)
    tamper("DELETE FROM motcua.status_maps")
    run(NOW + 60 * MINUTE)
    in_ledger(map_status, "khanhhoa", 77, 4, "lan")
    first = close()
    assert rows_of(first.closing_no) == [("source", "quarantined", "A")]
    tamper("UPDATE motcua.quarantine SET released_at = %s WHERE row_key = %s", NOW, str(left))
    second = close(now=LATER)
    assert rows_of(second.closing_no) == [("source", "missing", "A")]


@pytest.mark.parametrize("first", [NOW - ONE_DAY, NOW - 40 * MINUTE])
def test_departure_that_the_source_wrote_later_is_explained(one_stop, first):
    result(one_stop, "A", first)
    repeated = one_stop.move(9, "A", at=NOW - 20 * MINUTE)
    one_stop.move(9, "A", at=NOW - 10 * MINUTE)
    run(NOW + 60 * MINUTE)
    one_stop.connection.execute("UPDATE onestop.transitions SET status_code = 4 WHERE transition_id = %s", (repeated,))
    closing = close()
    assert rows_of(closing.closing_no) == [("source", "source_changed", "A")]
    assert not is_red(closing.closing_no)


@pytest.mark.guarantee("reconciliation", "a row in quarantine explains no loss beside it")
def test_row_in_quarantine_explains_no_loss_beside_it(one_stop, tamper):
    """Codes are not unique across agencies, and a row may wait in quarantine for years."""
    in_ledger(ensure_source, "khanhhoa")
    in_ledger(map_status, "khanhhoa", 77, 4, "lan")
    evening = datetime(2026, 11, 25, 17, 31, tzinfo=VIETNAM)
    tomorrow = datetime(2026, 11, 26, 16, tzinfo=VIETNAM)
    for code in ("RESULT", "ROW", "APOLOGY"):
        one_stop.both(4, code, "H99", desk=False, at=NOW - 25 * MINUTE, due_at=tomorrow)
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
    one_stop.dossier("APOLOGY", due_at=tomorrow)
    one_stop.dossier("APOLOGY", TU_PHAP)
    tamper("DELETE FROM motcua.status_maps")
    for at in (NOW, evening):
        pick_up("khanhhoa", EVERYTHING, at)
    tamper("DELETE FROM motcua.transitions WHERE source_transition_id = any(%s)", lost)
    tamper("DELETE FROM motcua.transitions WHERE from_row")
    tamper(
        "DELETE FROM motcua.dossiers WHERE agency_code = %s AND dossier_code = any(%s)", NHA_TRANG, ["ROW", "APOLOGY"]
    )
    plan(now=evening)
    apologize(now=evening)
    in_ledger(map_status, "khanhhoa", 77, 4, "lan")
    closing = close()
    assert rows_of(closing.closing_no) == [
        *(("source", "missing", code) for code in ("APOLOGY", "BOTH", "OLD", "RESULT", "ROW")),
        ("source", "quarantined", "BOTH"),
    ]


def test_row_in_quarantine_from_before_its_agency_joined_is_out_of_scope(one_stop, rows):
    rows("UPDATE motcua.agencies SET enabled_from = NULL WHERE agency_code = %s", TU_PHAP)
    one_stop.move(9, "NOBODY", TU_PHAP, at=NOW - 5 * MINUTE)
    run()
    closing = close()
    assert (closing.difference, rows_of(closing.closing_no)) == (0, [])
    assert cells(closing.closing_no)[TU_PHAP, "", "result"] == (0, 0)


@pytest.mark.guarantee("reconciliation", "a number that a source gives a second time hides no lost result")
def test_number_that_the_source_gave_a_second_time_hides_no_lost_result(one_stop):
    """A source that was set back gives its numbers again. By the time of this step pick-up takes it for the one that it
    knows, and nobody would be told."""
    number = result(one_stop, "A", NOW - 30 * MINUTE, read_at=NOW)
    one_stop.connection.execute("DELETE FROM onestop.transitions")
    one_stop.both(9, "B", at=NOW - 60 * MINUTE, number=number, updated_at=NOW - 90 * MINUTE)
    run(NOW + 60 * MINUTE)
    closing = close()
    assert rows_of(closing.closing_no) == [("ledger", "without_event", "A"), ("source", "missing", "B")]
    assert is_red(closing.closing_no)


@pytest.mark.guarantee("reconciliation", "a number that a source gives a second time hides no lost result")
def test_result_under_numbers_that_began_anew_is_counted_and_red_where_it_was_lost(one_stop, tamper):
    number = result(one_stop, "A", NOW - 2 * ONE_DAY, read_at=NOW - ONE_DAY)
    one_stop.connection.execute("DELETE FROM onestop.transitions")
    one_stop.both(9, "B", at=NOW - 30 * MINUTE, number=number, updated_at=NOW - 60 * MINUTE)
    run(NOW + 60 * MINUTE)
    closing = close()
    assert (closing.sources_unread, rows_of(closing.closing_no)) == ((), [])
    assert cells(closing.closing_no)[NHA_TRANG, "1.005129", "result"] == (1, 1)
    tamper("DELETE FROM motcua.messages WHERE recorded_at > %s", NOW - ONE_DAY)
    tamper("DELETE FROM motcua.transitions WHERE recorded_at > %s", NOW - ONE_DAY)
    lost = close(now=LATER)
    assert rows_of(lost.closing_no) == [("source", "missing", "B")]
    assert is_red(lost.closing_no)


def test_dossier_that_the_source_renamed_after_its_message_is_explained(one_stop):
    result(one_stop, "A", read_at=NOW)
    for table in ("dossiers", "transitions"):
        one_stop.connection.execute(f"UPDATE onestop.{table} SET dossier_code = 'A-2' WHERE dossier_code = 'A'")
    closing = close()
    assert rows_of(closing.closing_no) == [("ledger", "source_changed", "A"), ("source", "source_changed", "A-2")]
    assert not is_red(closing.closing_no)


@pytest.mark.guarantee("reconciliation", "a source that was never read is not taken for an empty one")
def test_source_that_no_run_reads_is_not_taken_for_an_empty_one(other, one_stop):
    result(one_stop, "A")
    result(other, "B", read_at=NOW)
    closing = close()
    assert rows_of(closing.closing_no) == [("source", "cut_off", "B")]
    assert cells(closing.closing_no)[NHA_TRANG, "1.005129", "result"] == (1, 1)


def test_event_whose_dossier_cannot_be_named_is_listed_and_not_forgotten(one_stop):
    result(one_stop, "A")
    keys = ({"code": None}, {"agency_code": None}, {"agency_code": "H99", "code": "A" * 41})
    numbers = [one_stop.move(9, at=NOW - 4 * MINUTE, **{"code": "X"} | key) for key in keys]
    run()
    closing = close()
    found = in_ledger(load_differences, closing.closing_no)
    assert {(each.side, each.reason) for each in found} == {("source", "quarantined")}
    assert sorted(each.source_transition_id for each in found) == numbers
    assert not is_red(closing.closing_no)


def test_transition_of_an_agency_that_is_not_enabled_is_out_of_scope_and_not_missed(one_stop, lose, rows):
    rows("UPDATE motcua.agencies SET enabled_from = NULL WHERE agency_code = %s", TU_PHAP)
    number = result(one_stop, "A", agency_code=TU_PHAP)
    lose(number)
    closing = close()
    assert rows_of(closing.closing_no) == []
    (figures,) = in_ledger(load_figures, closing.closing_no).messages
    assert (figures.at_source, figures.out_of_scope, figures.expected) == (1, 1, 0)
    assert figures.delivered_of_tellable is None


# --- The ledger was changed ---------------------------------------------------------------------------------------


@pytest.mark.guarantee(
    "reconciliation",
    "a message that was deleted, doubled or moved to another dossier, agency or procedure is red and listed",
)
def test_message_deleted_from_the_ledger_is_red(one_stop, tamper):
    result(one_stop, "A", read_at=NOW)
    tamper("DELETE FROM motcua.messages")
    closing = close()
    assert rows_of(closing.closing_no) == [("source", "without_message", "A")]
    assert is_red(closing.closing_no)


@pytest.mark.guarantee(
    "reconciliation",
    "a message that was deleted, doubled or moved to another dossier, agency or procedure is red and listed",
)
def test_message_doubled_in_the_ledger_is_red(one_stop, rows):
    result(one_stop, "A", read_at=NOW)
    names = "kind, dossier_id, agency_code, procedure_code, state, text, template_id, template_version, parameters"
    more = "accented, segments, occurred_at, recorded_at, planned_at, useful_until, next_attempt_at, changed_at"
    rows(
        f"INSERT INTO motcua.messages ({names}, {more}, occasion, transition_id) SELECT {names}, {more}, 'again',"
        " (SELECT min(transition_id) FROM motcua.transitions) FROM motcua.messages"
    )
    closing = close()
    assert rows_of(closing.closing_no) == [("ledger", "without_event", "A")]
    assert is_red(closing.closing_no)


@pytest.mark.guarantee(
    "reconciliation",
    "a message that was deleted, doubled or moved to another dossier, agency or procedure is red and listed",
)
@pytest.mark.parametrize("change", [f"agency_code = '{TU_PHAP}'", "procedure_code = '9.999999'"])
def test_message_moved_to_another_cell_of_the_ledger_is_red_and_listed(one_stop, rows, change):
    result(one_stop, "A")
    one_stop.dossier("B", due_at=datetime(2026, 11, 26, 16, tzinfo=VIETNAM))
    run()
    evening = datetime(2026, 11, 25, 17, 31, tzinfo=VIETNAM)
    run(evening)
    apologize(now=evening)
    assert rows_of(close().closing_no) == []
    rows(f"UPDATE motcua.messages SET {change}")
    closing = close(now=LATER)
    assert rows_of(closing.closing_no) == [
        ("ledger", "without_event", "A"),
        ("ledger", "without_event", "B"),
        ("source", "without_message", "A"),
        ("source", "without_message", "B"),
    ]
    assert is_red(closing.closing_no)


@pytest.mark.guarantee(
    "reconciliation",
    "a message that was deleted, doubled or moved to another dossier, agency or procedure is red and listed",
)
def test_message_moved_to_another_dossier_is_red_and_listed(one_stop, rows):
    result(one_stop, "A")
    one_stop.dossier("B")
    run()
    rows("UPDATE motcua.messages SET dossier_id = (SELECT dossier_id FROM motcua.dossiers WHERE dossier_code = 'B')")
    closing = close()
    assert ("source", "without_message", "A") in rows_of(closing.closing_no)
    assert is_red(closing.closing_no)


def test_message_moved_to_another_day_of_the_ledger_is_red_on_both(one_stop, rows):
    result(one_stop, "A")
    one_stop.dossier("B", due_at=datetime(2026, 11, 26, 16, tzinfo=VIETNAM))
    run()
    evening = datetime(2026, 11, 25, 17, 31, tzinfo=VIETNAM)
    run(evening)
    apologize(now=evening)
    rows("UPDATE motcua.messages SET recorded_at = recorded_at - interval '1 day'")
    assert rows_of(close().closing_no) == [("source", "without_message", code) for code in ("A", "B")]
    assert rows_of(close(DAY.previous).closing_no) == [("ledger", "without_event", code) for code in ("A", "B")]
    assert is_red(close(Period.parse("2026-11"), FIRST_OF_DECEMBER).closing_no)


def test_message_without_its_dossier_is_an_orphan_and_stops_no_closing(one_stop, tamper):
    result(one_stop, "A", read_at=NOW)
    tamper("DELETE FROM motcua.dossiers")
    closing = close()
    assert [each.sort for each in in_ledger(load_orphans, closing.closing_no)] == ["message_without_dossier"]


@pytest.mark.guarantee("reconciliation", "a loss beside an invention is red although the sums agree")
def test_loss_beside_an_invention_in_the_same_cell_is_red_everywhere(one_stop, lose):
    """The sums agree, and nothing else does."""
    number = result(one_stop, "A")
    result(one_stop, "B")
    lose(number)
    one_stop.connection.execute("DELETE FROM onestop.transitions WHERE dossier_code = 'B'")
    closing = close()
    assert rows_of(closing.closing_no) == [("ledger", "without_event", "B"), ("source", "missing", "A")]
    assert (closing.difference, closing.unexplained) == (0, 2)
    assert is_red(closing.closing_no)
    assert CliRunner().invoke(app, ["closings", "close", "2026-11-25"]).exit_code == 1
    (shown,) = in_ledger(newest_periods, "day", 2, summed=True)
    assert isinstance(shown, ListedPeriod)
    assert not shown.meets


def test_event_that_planning_wrongly_left_out_is_red(one_stop, tamper):
    result(one_stop, "A", read_at=NOW)
    tamper("UPDATE motcua.transitions SET outcome = 'out_of_scope', message_id = NULL WHERE message_id IS NOT NULL")
    tamper("DELETE FROM motcua.messages")
    closing = close()
    assert rows_of(closing.closing_no) == [("source", "without_message", "A")]
    assert is_red(closing.closing_no)


# --- Agencies change ----------------------------------------------------------------------------------------------


def test_agency_enabled_in_the_middle_of_the_day_counts_from_then_on(one_stop, rows):
    noon = datetime(2026, 11, 25, 9, 30, tzinfo=VIETNAM)
    rows("UPDATE motcua.agencies SET enabled_from = %s WHERE agency_code = %s", noon, NHA_TRANG)
    for code, at in (("A", noon - MINUTE), ("B", noon), ("C", noon + MINUTE)):
        result(one_stop, code, at)
    run()
    closing = close()
    assert rows_of(closing.closing_no) == []
    assert cells(closing.closing_no)[NHA_TRANG, "1.005129", "result"] == (2, 2)


def test_same_day_procedures_left_out_in_the_middle_of_the_day_stay_in_the_identity(one_stop, rows):
    for code, at in (("A", NOW - 60 * MINUTE), ("B", NOW - 5 * MINUTE)):
        result(one_stop, code, at, received_at=NOW - 120 * MINUTE, due_at=NOW + 120 * MINUTE, read_at=at + MINUTE)
        rows("UPDATE motcua.agencies SET same_day_excluded = TRUE WHERE agency_code = %s", NHA_TRANG)
    closing = close()
    (figures,) = in_ledger(load_figures, closing.closing_no).messages
    assert (figures.expected, figures.queued, figures.suppressed) == (2, 1, 1)
    assert rows_of(closing.closing_no) == []


def test_code_that_moved_to_another_agency_after_the_messages_is_explained(one_stop):
    """A merger: from now on the source's code stands for the agency that took over."""
    result(one_stop, "A", agency_code="H32.30")
    one_stop.dossier("B", "H32.30", due_at=datetime(2026, 11, 26, 16, tzinfo=VIETNAM))
    one_stop.dossier("C", TU_PHAP)
    run()
    evening = datetime(2026, 11, 25, 17, 31, tzinfo=VIETNAM)
    run(evening)
    apologize(now=evening)
    first = close()
    assert rows_of(first.closing_no) == []
    in_ledger(save_agencies, [agency(NHA_TRANG), agency(TU_PHAP, aliases=("H32.30",))], "tests", by_department=True)
    again = close(now=LATER)
    assert rows_of(again.closing_no) == [
        ("ledger", "scope_changed", "A"),
        ("ledger", "scope_changed", "B"),
        ("source", "scope_changed", "A"),
        ("source", "scope_changed", "B"),
    ]
    assert not is_red(again.closing_no)


def test_month_of_an_agency_that_was_switched_off_meanwhile_is_reported(one_stop):
    result(one_stop, "A", read_at=NOW)
    in_ledger(save_agencies, [agency(each, enabled_from=None) for each in (NHA_TRANG, TU_PHAP)], "tests")
    month = close(Period.parse("2026-11"), FIRST_OF_DECEMBER)
    assert cells(month.closing_no)[NHA_TRANG, "1.005129", "result"] == (1, 1)
    assert not is_red(month.closing_no)


def test_agency_that_ended_without_a_successor_is_explained(one_stop):
    result(one_stop, "A")
    ended = agency(NHA_TRANG, valid_until=date(2026, 11, 24), aliases=("H32.30",))
    in_ledger(save_agencies, [ended], "tests", by_department=True)
    run()
    closing = close()
    assert rows_of(closing.closing_no) == [("source", "scope_changed", "A")]
    assert not is_red(closing.closing_no)


def test_agency_that_its_source_writes_under_a_new_code_is_the_same_one(one_stop):
    result(one_stop, "A", read_at=NOW)
    for table in ("dossiers", "transitions"):
        one_stop.connection.execute(f"UPDATE onestop.{table} SET agency_code = 'H32.30'")
    closing = close()
    assert rows_of(closing.closing_no) == []
    assert cells(closing.closing_no)[NHA_TRANG, "1.005129", "result"] == (1, 1)


@pytest.mark.guarantee("reconciliation", "a dossier that goes on under the new code of its agency is the same one")
def test_dossier_that_goes_on_under_the_new_code_of_its_agency_is_the_same_one(one_stop, lose):
    """The software writes the new code from one day on, and what was written stays."""
    result(one_stop, "REPEATED", NOW - 30 * MINUTE, agency_code="H32.30")
    one_stop.move(9, "REPEATED", NHA_TRANG, at=NOW - 20 * MINUTE)
    result(one_stop, "LEFT", NOW - 30 * MINUTE, agency_code="H32.30")
    left = one_stop.move(4, "LEFT", NHA_TRANG, desk=False, at=NOW - 20 * MINUTE)
    one_stop.move(9, "LEFT", "H32.30", at=NOW - 10 * MINUTE)
    one_stop.dossier("DONE", "H32.30", due_at=datetime(2026, 11, 26, 16, tzinfo=VIETNAM))
    one_stop.move(9, "DONE", NHA_TRANG, desk=False, at=NOW - 20 * MINUTE)
    lose(left)
    closing = close()
    assert rows_of(closing.closing_no) == [("source", "missing", "LEFT")]
    (figures,) = in_ledger(load_figures, closing.closing_no).messages
    assert (figures.procedure_code, figures.at_source, figures.messages) == ("1.005129", 3, 2)


def test_code_that_is_no_agencys_any_more_is_explained(one_stop):
    result(one_stop, "A", agency_code="H32.30", read_at=NOW)
    in_ledger(save_agencies, [agency(NHA_TRANG)], "tests", by_department=True)
    closing = close()
    assert rows_of(closing.closing_no) == [("ledger", "scope_changed", "A"), ("source", "scope_changed", "A")]
    assert not is_red(closing.closing_no)


# --- Sources change -----------------------------------------------------------------------------------------------


@pytest.mark.guarantee("reconciliation", "a source that is given up makes no closed period worse")
def test_source_that_is_read_no_longer_makes_no_closed_period_worse(other, one_stop, configure):
    result(one_stop, "A")
    result(other, "B", agency_code=TU_PHAP)
    run(NOW, "khanhhoa", "moi")
    first = close()
    assert (first.difference, first.sources_unread) == (0, ())
    configure(MOTCUA_SOURCES="moi")
    with pytest.raises(SourcesUnread, match="khanhhoa"):
        close(now=LATER)
    assert recheck_closed("recheck", LATER) == []
    month = close(Period.parse("2026-11"), FIRST_OF_DECEMBER)
    assert (month.difference, month.unexplained) == (0, 0)


def test_day_first_closed_after_its_source_was_given_up_names_it(other, one_stop, configure):
    result(one_stop, "A")
    run(NOW, "khanhhoa", "moi")
    configure(MOTCUA_SOURCES="moi")
    closing = close()
    assert closing.sources_unread == ("khanhhoa",)
    assert is_red(closing.closing_no)
    assert close(Period.parse("2026-11-20")).sources_unread == (), "it has nothing of that day"


def test_dossier_that_two_sources_hold_is_not_red(other, one_stop):
    """An agency moves to other software, which takes its dossiers over with their history, or with the last of it."""
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
    for day in (DAY, DAY.previous):
        closing = close(day)
        assert not is_red(closing.closing_no), rows_of(closing.closing_no)
    month = close(Period.parse("2026-11"), FIRST_OF_DECEMBER)
    assert not is_red(month.closing_no), rows_of(month.closing_no)


def test_message_of_a_source_that_was_given_up_is_not_looked_for_at_its_successor(other, one_stop, configure):
    """The dossiers are the new software's now, and its numbers are others."""
    result(one_stop, "A")
    run(NOW, "khanhhoa", "moi")
    first = close()
    for code in ("X", "A"):
        other.dossier(code, status_code=9, at_one_stop_desk=False, updated_at=NOW + 30 * MINUTE)
    other.move(9, "X", at=NOW + 20 * MINUTE, number=1)
    other.move(9, "X", at=NOW + 21 * MINUTE, number=2)
    run(NOW + 60 * MINUTE, "khanhhoa", "moi")
    configure(MOTCUA_SOURCES="moi")
    with pytest.raises(SourcesUnread):
        close(now=LATER)
    assert close(Period.parse("2026-11"), FIRST_OF_DECEMBER).unexplained == 0
    assert first.difference == 0


def test_source_away_in_the_morning_is_caught_up_with_by_the_month(one_stop):
    result(one_stop, "A", read_at=NOW)
    one_stop.connection.execute("ALTER SCHEMA onestop RENAME TO elsewhere")
    day = close()
    assert day.sources_unread == ("khanhhoa",)
    one_stop.connection.execute("ALTER SCHEMA elsewhere RENAME TO onestop")
    month = close(Period.parse("2026-11"), FIRST_OF_DECEMBER)
    assert (month.difference, month.unexplained, month.sources_unread) == (0, 0, ())
    newest = in_ledger(newest_closings, [DAY])[DAY]
    assert newest > day.closing_no
    assert not is_red(newest)


def again(one_stop: OneStop, table: str, code: str, **changes) -> None:
    """Writes the rows of a dossier a second time."""
    columns = [each.name for each in one_stop.connection.execute(f"TABLE onestop.{table}").description]
    values = ", ".join(f"%({name})s" if name in changes else name for name in columns)
    one_stop.connection.execute(
        f"INSERT INTO onestop.{table} SELECT {values} FROM onestop.{table} WHERE dossier_code = %(of)s",
        changes | {"of": code},
    )


@pytest.mark.guarantee("reconciliation", "what a source holds twice is one event, or is explained by row")
def test_dossier_that_its_source_holds_twice_is_explained_by_row(one_stop):
    result(one_stop, "RESULT", NOW - 30 * MINUTE)
    result(one_stop, "PROCEDURE", NOW - 30 * MINUTE)
    one_stop.dossier("ROW", status_code=9, at_one_stop_desk=True, updated_at=NOW - 30 * MINUTE)
    one_stop.dossier("OLDER ROW", status_code=9, at_one_stop_desk=True, updated_at=NOW - 30 * MINUTE)
    one_stop.dossier("APOLOGY", due_at=datetime(2026, 11, 26, 16, tzinfo=VIETNAM))
    again(one_stop, "dossiers", "RESULT", agency_code="H32.30")
    again(one_stop, "dossiers", "PROCEDURE", procedure_code="2.000001", updated_at=NOW - 50 * MINUTE)
    again(one_stop, "dossiers", "ROW")
    again(one_stop, "dossiers", "OLDER ROW", status_code=4, updated_at=NOW - 20 * MINUTE)
    again(one_stop, "dossiers", "APOLOGY")
    evening = datetime(2026, 11, 25, 17, 31, tzinfo=VIETNAM)
    run(NOW)
    run(evening)
    apologize(now=evening)
    closing = close()
    assert rows_of(closing.closing_no) == [
        ("source", "source_changed", code) for code in ("APOLOGY", "OLDER ROW", "PROCEDURE", "RESULT", "ROW")
    ]
    assert cells(closing.closing_no) == {
        (NHA_TRANG, "1.005129", "apology"): (1, 1),
        (NHA_TRANG, "1.005129", "result"): (3, 3),
        (NHA_TRANG, "2.000001", "result"): (0, 0),
    }


@pytest.mark.guarantee("reconciliation", "what a source holds twice is one event, or is explained by row")
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
    assert set(rows_of(closing.closing_no)) == {("source", "source_changed", code) for code in ("BOTH", "SPACED")}
    assert cells(closing.closing_no) == {
        (NHA_TRANG, "1.005129", "result"): (5, 5),
        (NHA_TRANG, "", "result"): (0, 0),
    }


@pytest.mark.guarantee("reconciliation", "a dossier that two sources hold is owed one apology")
def test_dossier_that_two_sources_hold_is_owed_one_apology(other, one_stop):
    tomorrow = datetime(2026, 11, 26, 16, tzinfo=VIETNAM)
    for source in (one_stop, other):
        source.dossier("A", due_at=tomorrow)
    evening = datetime(2026, 11, 25, 17, 31, tzinfo=VIETNAM)
    run(NOW, "khanhhoa", "moi")
    run(evening, "khanhhoa", "moi")
    apologize(now=evening)
    closing = close()
    assert rows_of(closing.closing_no) == [("source", "source_changed", "A")]
    assert cells(closing.closing_no) == {(NHA_TRANG, "1.005129", "apology"): (1, 1)}


# --- Times --------------------------------------------------------------------------------------------------------


def test_time_that_no_clock_shows_keeps_no_source_from_being_counted(one_stop):
    times = ("'0001-01-01'", "'4713-01-01 BC'", "'infinity'", "'-infinity'", "NULL")
    for time in times:
        number = result(one_stop, time)
        one_stop.connection.execute(
            f"UPDATE onestop.transitions SET occurred_at = {time} WHERE transition_id = {number}"
        )
        one_stop.connection.execute(
            f"UPDATE onestop.dossiers SET received_at = {time}, finished_at = {time} WHERE dossier_code = %s", (time,)
        )
    run()
    closing = close()
    assert closing.sources_unread == ()
    assert rows_of(closing.closing_no) == []
    assert cells(closing.closing_no)[NHA_TRANG, "1.005129", "result"] == (len(times), len(times))


def test_recorded_time_that_cannot_be_is_explained(one_stop):
    run(NOW - 10 * MINUTE)
    times = ("'0001-01-01'", "'2027-01-01'", "'infinity'", "NULL")
    for time in times:
        number = result(one_stop, time)
        one_stop.connection.execute(
            f"UPDATE onestop.transitions SET recorded_at = {time} WHERE transition_id = {number}"
        )
    run()
    closing = close()
    assert rows_of(closing.closing_no) == sorted(("ledger", "time_cleaned", time) for time in times)
    assert not is_red(closing.closing_no)


def test_recorded_time_that_the_source_wrote_anew_is_explained(one_stop):
    for code, to in (("EARLIER", NOW - ONE_DAY), ("LATER", NOW + ONE_DAY)):
        number = result(one_stop, code, NOW - 30 * MINUTE, read_at=NOW - 10 * MINUTE)
        one_stop.connection.execute(
            "UPDATE onestop.transitions SET recorded_at = %s WHERE transition_id = %s", (to, number)
        )
    closing = close()
    assert rows_of(closing.closing_no) == [("ledger", "source_changed", code) for code in ("EARLIER", "LATER")]
    assert rows_of(close(DAY.previous).closing_no) == [("source", "other_period", "EARLIER")]


def test_result_repeated_after_midnight_belongs_to_the_day_it_began(one_stop):
    midnight = datetime(2026, 11, 25, tzinfo=VIETNAM)
    result(one_stop, "A", midnight - MINUTE)
    one_stop.move(9, "A", at=midnight + MINUTE)
    run()
    before, after = close(Period.parse("2026-11-24")), close()
    assert cells(before.closing_no)[NHA_TRANG, "1.005129", "result"] == (1, 1)
    assert (rows_of(before.closing_no), rows_of(after.closing_no)) == ([], [])


def test_month_of_a_message_that_moved_to_another_day_and_another_procedure_meets(one_stop, rows):
    midnight = datetime(2026, 11, 25, tzinfo=VIETNAM)
    rows("UPDATE motcua.agencies SET enabled_from = %s", midnight - ONE_DAY)
    one_stop.both(9, "A", at=midnight + MINUTE, number=2, updated_at=midnight - ONE_DAY)
    run()
    one_stop.move(9, "A", at=midnight - MINUTE, number=1)
    one_stop.connection.execute("UPDATE onestop.dossiers SET procedure_code = '2.000001'")
    run(NOW + ONE_DAY)
    month = close(Period.parse("2026-11"), FIRST_OF_DECEMBER)
    assert rows_of(month.closing_no) == [("ledger", "other_period", "A"), ("source", "other_period", "A")]
    assert (month.difference, month.unexplained) == (0, 0)


def test_new_years_eve_and_the_leap_day_are_days_like_others(one_stop):
    for day in ("2024-02-29", "2024-12-31", "2025-01-01"):
        result(one_stop, day, datetime.fromisoformat(f"{day}T10:00:00+07:00"))
    in_ledger(save_agencies, [agency(NHA_TRANG, enabled_from=datetime(2024, 1, 1, tzinfo=UTC))], "tests")
    run()
    for period, expected in (("2024-02", 1), ("2024-12-31", 1), ("2025-01-01", 1), ("2024-12", 1), ("2025-01", 1)):
        closing = close(Period.parse(period), LATER)
        assert sum(each[0] for each in cells(closing.closing_no).values()) == expected, period
        assert closing.difference == 0


@pytest.mark.parametrize(
    "words",
    ["", "yesterday", "2026-13", "2026-11-31", "2027-02-29", "26-11-24", "2026-11-24\n", "２０２６-11-24", "0000-01",
     "0001-01", "9999-12", "9999-12-31", "2026-11-24; DROP"],
)  # fmt: skip
def test_words_that_name_no_period_are_refused_in_a_sentence(words):
    with pytest.raises(NotAPeriod, match="neither a day"):
        Period.parse(words)


def test_command_refuses_what_cannot_be_closed_or_shown(ledger):
    for words in ("9999-12-31", "2999-01-01", "2999-01", "0001-01-01", "nonsense", "2026-11-24'"):
        told = CliRunner().invoke(app, ["closings", "close", words])
        assert (told.exit_code, type(told.exception)) == (2, SystemExit), words
    for number in ("0", "-1", "99999999999999999999999"):
        for command in ("show", "differences"):
            told = CliRunner().invoke(app, ["closings", command, "--", number])
            assert (told.exit_code, type(told.exception)) == (2, SystemExit), number


def test_page_refuses_what_is_no_closing(ledger):
    with TestClient(Visiting().mount(), raise_server_exceptions=False) as http:
        for query in ("closing=abc", "closing=-1", "closing=99999999999999999999999", "closing=1&agency='"):
            assert http.get(f"/motcua/reconciliation?{query}").status_code in (400, 404), query


# --- Runs again ---------------------------------------------------------------------------------------------------


@pytest.mark.guarantee("reconciliation", "a run over a period that does not meet is red each time, until it is mended")
def test_run_over_a_red_day_is_red_again_until_it_is_mended(one_stop, lose):
    number = result(one_stop, "A")
    lose(number)
    window, interval = EVERYTHING, Window(NEXT_MORNING - ONE_DAY, NEXT_MORNING)
    for _ in range(2):
        named = reconcile_daily.close_days("daily", window, interval, NEXT_MORNING)
        with pytest.raises(RunIncomplete, match="without a reason"):
            reconcile_daily.gate(named)
    pick_up("khanhhoa", Window(NOW - ONE_DAY, NOW), NOW + ONE_DAY)
    plan(now=NOW + ONE_DAY)
    reconcile_daily.gate(reconcile_daily.close_days("daily", window, interval, LATER))
    for _ in range(2):
        reconcile_daily.gate(reconcile_daily.close_days("daily", window, interval, LATER))


def test_correction_that_an_earlier_try_of_the_run_made_is_judged_until_it_is_corrected_itself(one_stop, lose):
    result(one_stop, "A", read_at=NOW)
    close()
    number = result(one_stop, "B")
    lose(number)
    for _ in range(2):
        named = reconcile_daily.look_again("daily", EVERYTHING, LATER)
        with pytest.raises(RunIncomplete, match="without a reason"):
            reconcile_daily.gate(named)
    pick_up("khanhhoa", Window(NOW - ONE_DAY, NOW), NOW + ONE_DAY)
    plan(now=NOW + ONE_DAY)
    close(now=LATER)
    assert reconcile_daily.look_again("daily", EVERYTHING, LATER) == []


@pytest.mark.guarantee("reconciliation", "a run over a period that does not meet is red each time, until it is mended")
def test_month_that_stands_red_makes_each_of_its_runs_red(one_stop, lose):
    number = result(one_stop, "A")
    lose(number)
    interval = Window(FIRST_OF_DECEMBER - ONE_DAY, FIRST_OF_DECEMBER)
    for _ in range(2):
        with pytest.raises(RunIncomplete, match="2026-11"):
            reconcile_daily.gate(reconcile_monthly.close_month("monthly", interval, FIRST_OF_DECEMBER))


@pytest.mark.guarantee("reconciliation", "a message that was lost after its day was closed is listed by the month")
def test_message_that_was_lost_after_its_day_was_closed_is_listed_by_the_month(one_stop, tamper):
    result(one_stop, "A")
    result(one_stop, "B", NOW - ONE_DAY, read_at=NOW)
    days = close(DAY.previous), close()
    tamper("DELETE FROM motcua.message_history WHERE message_id = (SELECT min(message_id) FROM motcua.messages)")
    tamper("DELETE FROM motcua.messages WHERE message_id = (SELECT min(message_id) FROM motcua.messages)")
    month = close(Period.parse("2026-11"), FIRST_OF_DECEMBER)
    assert (month.difference, month.unexplained) == (1, 1)
    assert [each[:2] for each in rows_of(month.closing_no)] == [("source", "without_message")]
    closed = in_ledger(newest_closings, [DAY.previous, DAY])
    assert sum(newest > day.closing_no for newest, day in zip(closed.values(), days, strict=True)) == 1
    assert not close_period(Period.parse("2026-11"), "again", FIRST_OF_DECEMBER).changed


def test_days_missed_before_one_that_was_closed_by_hand_are_closed_as_well(one_stop):
    run()
    close(Period.parse("2026-11-20"), NEXT_MORNING)
    close(Period.parse("2026-11-24"), NEXT_MORNING)
    reconcile_daily.close_days("daily", EVERYTHING, Window(NEXT_MORNING - ONE_DAY, NEXT_MORNING), NEXT_MORNING)
    closed = in_ledger(newest_closings, Period.parse("2026-11").days)
    assert [str(period)[-2:] for period in closed] == ["20", "21", "22", "23", "24", "25"]


def test_backfill_of_days_in_either_order_changes_nothing(one_stop):
    for number in range(4):
        result(one_stop, f"A{number}", NOW - number * ONE_DAY)
    run()
    days = [Period.parse(f"2026-11-{n}") for n in (22, 23, 24, 25)]
    first = {day: close(day).closing_no for day in days}
    for day in [*days, *reversed(days)]:
        morning = day.end + timedelta(hours=6, minutes=30)
        window = Window(morning - ONE_DAY, morning)
        reconcile_daily.gate(reconcile_daily.close_days("backfill", window, window, LATER))
    assert in_ledger(newest_closings, days) == first


def test_two_that_close_a_day_at_once_make_one_closing(one_stop):
    result(one_stop, "A", read_at=NOW)
    with ThreadPoolExecutor(2) as both:
        made = list(both.map(lambda name: close_period(DAY, name, NEXT_MORNING), ("dag", "by hand")))
    assert sorted(each.changed for each in made) == [False, True]
    assert made[0].closing == made[1].closing


def test_correction_of_a_correction_names_the_one_before_and_says_why(one_stop):
    result(one_stop, "A", read_at=NOW)
    chain = [close()]
    for number in range(2):
        result(one_stop, f"B{number}", read_at=NOW + (number + 1) * ONE_DAY)
        chain.append(close(now=LATER + number * ONE_DAY))
    assert [each.corrects for each in chain] == [None, chain[0].closing_no, chain[1].closing_no]
    for each in chain[1:]:
        changes = in_ledger(load_changes, each.closing_no)
        assert any(change.figure == "at_source" and change.causes == ("picked_up_late",) for change in changes)


def test_day_that_was_corrected_at_once_is_looked_at_again_all_the_same(one_stop):
    result(one_stop, "A", read_at=NOW)
    close()
    result(one_stop, "B", NOW - 4 * MINUTE, read_at=NEXT_MORNING)
    early = close(now=NEXT_MORNING + 60 * MINUTE)
    result(one_stop, "C", NOW - 3 * MINUTE, read_at=NEXT_MORNING + ONE_DAY)
    assert recheck_closed("recheck", NEXT_MORNING + 2 * ONE_DAY) == []
    (late,) = recheck_closed("recheck", LATER)
    assert late.closing.corrects == early.closing_no
    assert recheck_closed("recheck", LATER + ONE_DAY) == []


def test_correction_is_made_also_where_only_a_reason_changed(one_stop):
    """A row was late, and then it proves to be unusable: as many have no message, for another reason."""
    result(one_stop, "A", read_at=NOW)
    one_stop.move(9, "NOBODY", at=NOW + MINUTE)
    first = close()
    assert rows_of(first.closing_no) == [("source", "cut_off", "NOBODY")]
    run(NOW + ONE_DAY)
    second = close(now=LATER)
    assert second.corrects == first.closing_no
    assert rows_of(second.closing_no) == [("source", "quarantined", "NOBODY")]


def test_day_closed_a_week_late_holds_what_came_meanwhile(one_stop):
    result(one_stop, "A")
    one_stop.move(9, "B", at=NOW - 5 * MINUTE)
    run()
    one_stop.dossier("B", updated_at=NOW + ONE_DAY)
    run(NOW + 2 * ONE_DAY)
    closing = close(now=NEXT_MORNING + 7 * ONE_DAY)
    assert rows_of(closing.closing_no) == []
    assert cells(closing.closing_no)[NHA_TRANG, "1.005129", "result"] == (2, 2)


def test_month_closed_before_its_days_closes_them_and_a_month_without_anything_meets(one_stop, tmp_path, configure):
    configure(MOTCUA_DATA=str(tmp_path))
    run()
    month = close(Period.parse("2026-11"), FIRST_OF_DECEMBER)
    assert (month.difference, month.unexplained, cells(month.closing_no)) == (0, 0, {})
    publication = publish(month.closing_no, FIRST_OF_DECEMBER)
    assert (settings().data / "publications" / publication.folder / "bao-cao.pdf").exists()


def test_closing_between_pick_up_and_planning_is_no_alarm_and_a_stuck_planning_is(one_stop):
    result(one_stop, "A")
    pick_up("khanhhoa", EVERYTHING, NEXT_MORNING - MINUTE)
    first = close()
    assert rows_of(first.closing_no) == [("source", "cut_off", "A")]
    second = close(now=NEXT_MORNING + 60 * MINUTE)
    assert rows_of(second.closing_no) == [("source", "unplanned", "A")]
    assert is_red(second.closing_no)


def test_pick_up_that_stands_still_while_its_source_goes_on_is_an_alarm(one_stop):
    """Cut off is a reason for the figures, and none for hours that nobody read."""
    result(one_stop, "A", read_at=NOW)
    result(one_stop, "B", NOW + 120 * MINUTE)
    interval = Window(NEXT_MORNING - ONE_DAY, NEXT_MORNING)
    for _ in range(2):
        named = reconcile_daily.close_days("daily", EVERYTHING, interval, NEXT_MORNING)
        with pytest.raises(RunIncomplete, match="nobody read; one was last read at 10:00 25/11/2026"):
            reconcile_daily.gate(named)
    run(NEXT_MORNING)
    reconcile_daily.gate(reconcile_daily.close_days("daily", EVERYTHING, interval, NEXT_MORNING))


# --- Evenings -----------------------------------------------------------------------------------------------------


def test_dossier_of_an_evening_that_nobody_could_settle_is_not_called_lost(one_stop):
    result(one_stop, "A", read_at=NOW)
    one_stop.dossier(
        "B", received_at=NOW - ONE_DAY, updated_at=NOW + 60 * MINUTE, due_at=datetime(2026, 11, 26, 16, tzinfo=VIETNAM)
    )
    closing = close()
    assert rows_of(closing.closing_no) == [("source", "evening_missed", "B")]
    assert not is_red(closing.closing_no)


def test_apology_lost_from_the_ledger_is_red(one_stop, tamper):
    one_stop.dossier("A", due_at=datetime(2026, 11, 26, 16, tzinfo=VIETNAM))
    evening = datetime(2026, 11, 25, 17, 31, tzinfo=VIETNAM)
    run(NOW)
    run(evening)
    apologize(now=evening)
    tamper("DELETE FROM motcua.message_history")
    tamper("DELETE FROM motcua.messages")
    closing = close()
    assert rows_of(closing.closing_no) == [("source", "without_message", "A")]
    assert is_red(closing.closing_no)


# --- Hostile words ------------------------------------------------------------------------------------------------

HOSTILE = ("<b>'\"; DROP", "[red]100%%[/red]", "a\u202eb", "=1+1", "x" * 40)


def test_hostile_codes_stop_no_closing_report_command_or_page(one_stop, tmp_path, configure):
    configure(MOTCUA_DATA=str(tmp_path))
    endless = "".join(random.Random(1).choices("0123456789abcdef", k=9000))
    for number, code in enumerate(HOSTILE):
        result(one_stop, code, NOW - 5 * MINUTE, procedure_code=code)
        one_stop.move(9, code + "x" * 60 * (number % 2), "H99", at=NOW - 5 * MINUTE)
    for number, procedure in enumerate((endless, "two\nlines", None, "  ", "\u00a0 1.1\t")):
        result(one_stop, f"P{number}", procedure_code=procedure)
    run()
    closing = close()
    assert {each[1] for each in rows_of(closing.closing_no)} == {"quarantined"}
    assert closing.difference == 0
    publish(closing.closing_no, NEXT_MORNING)
    for words in ("show", "differences"):
        told = CliRunner().invoke(app, ["closings", words, str(closing.closing_no)])
        assert told.exit_code == 0, told.output
    again = close_period(DAY, "again", LATER)
    assert not again.changed


# --- Money --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("price", "spent"), [("0", 0), (None, None), ("350", 350)])
def test_price_of_a_segment_may_be_nothing_or_unknown(one_stop, configure, rows, price, spent):
    result(one_stop, "A", read_at=NOW)
    for state in ("sending", "accepted"):
        rows("UPDATE motcua.messages SET state = %s", state)
    configure(MOTCUA_SMS_BUDGET="100", **{} if price is None else {"MOTCUA_SEGMENT_PRICE": price})
    closing = close()
    budget = in_ledger(build_report, closing.closing_no).budget
    assert (budget.spent_in_period, budget.spent_in_year, budget.for_year) == (spent, spent, 100)


def test_years_cost_has_the_days_of_a_month_that_was_never_closed(one_stop, configure, rows):
    configure(MOTCUA_SEGMENT_PRICE="100")
    for number in range(2):
        result(one_stop, f"A{number}", NOW - number * ONE_DAY)
    run()
    for state in ("sending", "accepted"):
        rows("UPDATE motcua.messages SET state = %s", state)
    close(), close(Period.parse("2026-11-24"))
    later = close(Period.parse("2026-12-02"), datetime(2026, 12, 3, 6, 30, tzinfo=VIETNAM))
    budget = in_ledger(build_report, later.closing_no).budget
    assert (budget.spent_in_period, budget.spent_in_year) == (0, 200)


# --- Inquiries ----------------------------------------------------------------------------------------------------


def ask(text: str, at: datetime) -> None:
    in_ledger(answer, "kannel", InquiryReading("+84905123456", text, f"{text} {at}", at), at)


def test_inquiries_count_as_replies_also_those_that_name_nobodys_dossier(one_stop):
    result(one_stop, "160915001", read_at=NOW)
    midnight = datetime(2026, 11, 26, tzinfo=VIETNAM)
    ask("MCKH 160915001", NOW)
    ask("MCKH NOBODY", midnight - timedelta(microseconds=1))
    ask("MCKH NOBODY2", midnight)
    closing = close()
    found = cells(closing.closing_no)
    assert found[NHA_TRANG, "1.005129", "reply"] == (1, 1)
    assert found["", "", "reply"] == (1, 1)
    assert closing.difference == 0


@pytest.mark.guarantee(
    "reconciliation",
    "a reply without its inquiry, and an inquiry without its reply, are red and listed",
)
@pytest.mark.parametrize("lost", ["messages", "inquiries"])
def test_reply_without_its_inquiry_and_inquiry_without_its_reply_are_red_and_listed(one_stop, tamper, lost):
    result(one_stop, "160915001", read_at=NOW)
    ask("MCKH 160915001", NOW)
    if lost == "messages":
        tamper("DELETE FROM motcua.messages WHERE kind = 'reply'")
    else:
        tamper("DELETE FROM motcua.inquiries")
    closing = close()
    assert is_red(closing.closing_no)
    side, reason = ("source", "without_message") if lost == "messages" else ("ledger", "without_event")
    assert [(each.side, each.reason, each.kind) for each in in_ledger(load_differences, closing.closing_no)] == [
        (side, reason, "reply")
    ]
