"""Test that a bad value in one source row stops no job for other dossiers, whatever the value's column.

The first tests run the proof of ``make prove ONLY=values`` on a small simulated province. Each other test plants
one value that could do harm.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from psycopg.rows import dict_row

from motcua.domain.periods import Period
from motcua.jobs.notices.picking_up import pick_up
from motcua.jobs.reconciliation.closing import close_period
from motcua.sources.counting import plain_code
from motcua.sources.desk_register import read_desk_register
from motcua.store.ledger.database import reason_without_values
from motcua.store.oversight.closings import load_differences
from tests.ground import NHA_TRANG, NOW, in_ledger, take_in, type_command
from tests.integration.quality.world import extra_database
from tests.planting.values import READY, columns_of
from tests.prove.resilience.values import CLOSED, harm, judge, pass_through, without_trace, world

pytestmark = pytest.mark.timeout(900)  # The two runs of all jobs take minutes on a shared machine.
MINUTE = timedelta(minutes=1)
DAY = Period.parse("2026-11-25")


# -------------------------------------------------------------------------------------------- all bad values at once


@pytest.fixture(scope="module")
def passages(postgres, migrated, tmp_path_factory):
    """Run all jobs on two simulated provinces: one without faults, and one with each bad value once in each column."""
    made = []
    for name, lives in (("whole", ()), ("planted", (READY,))):
        with world(postgres.admin_dsn, tmp_path_factory.mktemp(name), migrated) as values:
            made.append(pass_through(values, lives, thorough=False))
    return made


def test_planted_values_do_no_harm(passages):
    whole, planted = passages
    assert (whole.failures, planted.failures) == ([], [])
    assert len(planted.planted) > 1500
    assert whole.healthy == planted.healthy, "the planted values must not change what becomes of healthy dossiers"
    assert len(whole.healthy["messages"]) >= 20
    assert whole.healthy["findings"]
    assert [each.differences for each in passages] == [0, 0]
    assert planted.unexplained == set()
    assert without_trace(planted) == [], "each planted value is noted somewhere or is usable"
    assert {name: found for name, found in harm(planted).items() if found} == {}, (
        "a planted value did harm where it is shown"
    )


def test_proof_notices_a_healthy_dossier_that_came_out_otherwise(passages):
    """The proof must fail if a healthy dossier's message is lost, or a passed proof would mean nothing."""
    whole, planted = passages
    lost = planted.healthy["messages"].pop()
    try:
        figures, faults = judge(whole, planted)
    finally:
        planted.healthy["messages"].add(lost)
    assert faults == [f"messages: lost {lost}"]
    assert [figure.ok for figure in figures].count(False) == 1


# ------------------------------------------------------------------------------------------- one bad value at a time


def test_number_that_no_sequence_reaches_hides_no_later_row(one_stop, rows):
    """One row with the largest possible number must not hide all later rows of the source."""
    number = 2**63 - 1
    one_stop.dossier("A")
    one_stop.dossier("B")
    one_stop.move(9, "A", number=number)
    pick_up("khanhhoa", now=NOW)
    one_stop.move(9, "B", number=19, recorded_at=None)
    pick_up("khanhhoa", now=NOW + MINUTE)
    assert len(rows("SELECT 1 FROM motcua.transitions WHERE source_transition_id = 19")) == 1


def test_smallest_possible_step_number_stops_no_pick_up(one_stop, rows):
    one_stop.both(9, "A", number=-(2**63))
    for minute in range(3):
        pick_up("khanhhoa", now=NOW + minute * MINUTE)
    assert len(rows("SELECT 1 FROM motcua.transitions WHERE source_transition_id IS NOT NULL")) == 1


def test_status_beyond_every_column_of_the_ledger_stops_no_pick_up(one_stop, rows):
    """A status beyond the range of the ledger's columns is quarantined. Sources may store statuses as bigint."""
    for table in ("dossiers", "transitions"):
        one_stop.connection.execute(f"ALTER TABLE onestop.{table} ALTER COLUMN status_code TYPE bigint")
    one_stop.both(2**62, "A", status_code=-(2**62))
    one_stop.dossier("B", "unknown", status_code=2**62)
    one_stop.both(9, "C")
    for minute in range(2):
        take_in(NOW + minute * MINUTE)
    assert len(rows("SELECT 1 FROM motcua.messages WHERE kind = 'result'")) == 1
    found = rows("SELECT reason, status_code FROM motcua.quarantine ORDER BY reason")
    assert [tuple(row.values()) for row in found] == [("agency_unknown", None), ("status_unknown", None)]


def test_quarantined_row_with_a_negative_number_goes_on_when_it_is_mended_in_place(one_stop, rows):
    one_stop.both(None, "A", number=-7)
    pick_up("khanhhoa", now=NOW)
    # The corrected row has an old recorded time, so only its number can make a pick-up read the row again.
    one_stop.connection.execute("UPDATE onestop.transitions SET status_code = 9, recorded_at = '2026-11-01'")
    pick_up("khanhhoa", now=NOW + 90 * MINUTE)
    assert rows("SELECT status_code FROM motcua.transitions WHERE source_transition_id = -7") == [{"status_code": 9}]


def test_impossible_time_is_left_empty_in_a_dossier_and_noted(one_stop, rows):
    columns = ("phone_entered_at", "received_at", "due_at", "finished_at", "returned_at")
    for moment in ("infinity", "-infinity", "0001-01-01", "9999-12-31", "294276-12-31"):
        one_stop.dossier(moment, **dict.fromkeys(columns, moment))
    pick_up("khanhhoa", now=NOW)
    kept = rows(f"SELECT {', '.join(columns)} FROM motcua.dossiers")
    assert kept == [dict.fromkeys(columns)] * 5
    noted = [row["detail"] for row in rows("SELECT detail FROM motcua.cleaned_fields")]
    assert [set(columns) <= set(detail.split(", ")) for detail in noted] == [True] * 5


def test_ledger_itself_refuses_times_that_no_job_can_hold_and_codes_that_cannot_be_printed(one_stop, ledger):
    one_stop.both(9)
    pick_up("khanhhoa", now=NOW)
    with psycopg.connect(ledger, autocommit=True) as administrator:
        administrator.execute("SET session_replication_role = replica")
        wrong = [("dossiers", "dossier_code", code) for code in ("\x1b[31m", "\u202eabc", " A", "a\u200bb", "a\nb")]
        for table in ("dossiers", "dossier_versions", "transitions"):
            found = columns_of(administrator, f"motcua.{table}")
            times = [each.name for each in found if each.type == "timestamp with time zone"]
            assert len(times) >= 4
            for moment in ("infinity", "-infinity", "294276-12-31", "1899-12-31"):
                wrong += [(table, column, moment) for column in times]
        for table, column, value in wrong:
            with pytest.raises(psycopg.errors.CheckViolation):
                administrator.execute(f"UPDATE motcua.{table} SET {column} = %s", (value,))


def test_impossible_due_date_keeps_no_closing_from_counting_its_source(one_stop):
    one_stop.dossier("A", due_at=datetime(2026, 11, 26, 9, tzinfo=UTC), updated_at=NOW - timedelta(days=3))
    one_stop.dossier("B", due_at="294276-12-31 23:59:59+00")
    one_stop.dossier("C", due_at=datetime(2026, 11, 26, 9, tzinfo=UTC), received_at="294276-12-31 23:59:59+00")
    take_in()
    assert close_period(DAY, "tests", CLOSED).closing.sources_unread == ()


def test_code_of_a_megabyte_is_kept_short_in_differences(one_stop):
    one_stop.move(9, "x" * 1_048_576, at=NOW - MINUTE)
    one_stop.move(9, "\x1b[31m red", at=NOW - MINUTE)
    pick_up("khanhhoa", now=NOW)
    closing = close_period(DAY, "tests", CLOSED).closing
    found = in_ledger(load_differences, closing.closing_no)
    assert {(each.dossier_code, each.reason) for each in found} == {
        ("x" * 80, "quarantined"),
        ("[31m red", "quarantined"),
    }
    assert len(plain_code("x" * 1_048_576)) == 80


def test_row_of_a_dossier_in_quarantine_explains_what_it_calls_for(one_stop):
    """A quarantined row explains the missing message of its dossier, so the closing has no unexplained difference."""
    for number, agency in enumerate((None, "\t=1+1", "Z\u0301 Nguye\u0302\u0303n", "\u00a0\u2003")):
        one_stop.dossier(f"A-{number}", agency, status_code=9, at_one_stop_desk=True, updated_at=NOW - MINUTE)
    pick_up("khanhhoa", now=NOW)
    closing = close_period(DAY, "tests", CLOSED).closing
    assert [each.reason for each in in_ledger(load_differences, closing.closing_no)] == ["quarantined"] * 4
    assert closing.unexplained == 0


def test_register_with_times_that_cannot_be_is_read(postgres):
    """An impossible time in a source's table ``desk_register`` must not stop the check of data quality."""
    with extra_database(postgres) as (source, _):
        source.execute("CREATE SCHEMA onestop")
        source.execute(
            "CREATE TABLE onestop.desk_register AS SELECT 'A'::text AS agency_code, t::text AS dossier_code,"
            " t AS result_ready_at, t AS handed_over_at FROM unnest(%s::timestamptz[]) AS t",
            (["infinity", "4713-01-01 BC", "294276-12-31", "2026-11-25", None],),
        )
        with psycopg.connect(source.info.dsn, password=source.info.password, row_factory=dict_row) as reading:
            rows = read_desk_register(reading, NOW - timedelta(days=366), timedelta(seconds=5))
            assert rows is not None
            assert sorted(row.result_ready_at is None for row in rows) == [False, True, True, True]


def test_quarantine_is_listed_without_steering_the_terminal_and_without_a_phone(one_stop):
    """A code with escape characters must not control the operator's terminal, and a phone number is not shown."""
    one_stop.dossier("A", "\x1b[31m[/] evil")
    one_stop.dossier("B", "0905 771 482")
    pick_up("khanhhoa", now=NOW)
    said = type_command("quarantine")
    assert "\x1b[31m" not in said.output
    assert "771 482" not in said.output
    assert "[31m[/] evil" in said.output


def test_identity_is_printed_for_a_procedure_that_looks_like_markup(one_stop):
    one_stop.both(9, procedure_code="[/]")
    take_in()
    said = type_command("identity", "--by-procedure", exits=None)
    assert (said.exit_code, said.exception) == (0, None)
    assert "[/]" in said.output


def test_phone_in_a_text_that_may_be_published_is_not_stored(one_stop, rows):
    one_stop.dossier("A", procedure_code="0905.771.482", procedure_name="Cấp bản sao, gọi +84 905 771 482 gặp Lan")
    one_stop.dossier("B", NHA_TRANG, step_name="Chờ bổ sung (0905771482)")
    pick_up("khanhhoa", now=NOW)
    stored = rows("SELECT procedure_code, step_name FROM motcua.dossiers ORDER BY dossier_code")
    assert stored == [
        {"procedure_code": None, "step_name": "Xử lý"},
        {"procedure_code": "1.005129", "step_name": "Chờ bổ sung (…)"},
    ]
    assert {row["detail"] for row in rows("SELECT detail FROM motcua.cleaned_fields")} == {
        "procedure_code, procedure_name",
        "step_name",
    }


def test_value_that_the_driver_quotes_is_not_told():
    """An error text of the database driver must be reported without the quoted value."""
    error = psycopg.DataError("timestamp too large (after year 10K): 'infinity'")
    assert reason_without_values(error) == "DataError: timestamp too large (after year 10K)"
