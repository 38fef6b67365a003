"""Closings: figures that meet the sources' own count, differences with a reason, corrections that say what changed."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import asdict
from datetime import datetime, timedelta

import psycopg
import pytest

from motcua.domain.clock import VIETNAM
from motcua.domain.periods import Period
from motcua.domain.reconciliation import DossierFigures, MessageFigures, ReasonCount, sum_messages
from motcua.domain.run_window import EVERYTHING
from motcua.jobs.notices.picking_up import pick_up
from motcua.jobs.quality.checking import check_quality
from motcua.jobs.reconciliation.closing import (
    NothingInScope,
    NotOver,
    SourcesUnread,
    close_period,
    recheck_closed,
)
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
)
from tests.ground import NHA_TRANG, NOW, connection_uri, in_ledger, take_in

DAY = Period.parse("2026-11-25")
NEXT_MORNING = datetime(2026, 11, 26, 6, 30, tzinfo=VIETNAM)
LATER = NEXT_MORNING + timedelta(days=4)


def results(one_stop, count: int, at: datetime = NOW - timedelta(minutes=5), first: int = 1) -> None:
    for number in range(first, first + count):
        code = f"H{number:04}"
        one_stop.both(
            4, code, desk=False, at=at - timedelta(hours=1), received_at=at - timedelta(days=5), updated_at=at
        )
        one_stop.move(9, code, at=at)


def reasons(closing_no: int) -> list[tuple[str, str]]:
    return sorted((each.side, each.reason) for each in in_ledger(load_differences, closing_no))


def totals(closing_no: int, kind: str = "result"):
    figures = in_ledger(load_figures, closing_no).messages
    return sum_messages(tuple(each for each in figures if each.kind == kind))


@pytest.mark.guarantee(
    "reconciliation",
    "every message meets an occasion that the source itself counts, or is listed with a reason",
)
def test_every_message_meets_an_occasion_of_the_source(one_stop):
    results(one_stop, 5)
    take_in()
    closing = close_period(DAY, "tests", NEXT_MORNING).closing
    assert (closing.difference, closing.unexplained, closing.corrects) == (0, 0, None)
    whole = totals(closing.closing_no)
    assert (whole.at_source, whole.expected, whole.queued, whole.difference) == (5, 5, 5, 0)
    assert reasons(closing.closing_no) == []


def test_day_that_is_not_over_is_not_closed(one_stop):
    with pytest.raises(NotOver, match="2026-11-25 is not over"):
        close_period(DAY, "tests", NOW)


def test_day_before_any_agency_joined_is_not_closed(one_stop):
    with pytest.raises(NothingInScope, match="no agency was enabled"):
        close_period(Period.parse("2026-10-20"), "tests", NEXT_MORNING)


@pytest.mark.guarantee(
    "reconciliation",
    "a transition that the ledger lost, or never planned, is a difference without a reason: red",
)
def test_transition_lost_from_the_ledger_is_an_unexplained_difference(one_stop, rows):
    results(one_stop, 3)
    take_in()
    take_in(NOW + timedelta(hours=1))
    rows("SET session_replication_role = replica")
    with connect() as ledger:
        lost = ledger.execute("SELECT message_id FROM motcua.messages ORDER BY message_id LIMIT 1").fetchone()
    rows("DELETE FROM motcua.transitions WHERE message_id = %s RETURNING 1", lost["message_id"])
    rows("DELETE FROM motcua.message_history WHERE message_id = %s RETURNING 1", lost["message_id"])
    rows("DELETE FROM motcua.messages WHERE message_id = %s RETURNING 1", lost["message_id"])
    closing = close_period(DAY, "tests", NEXT_MORNING).closing
    assert (closing.difference, closing.unexplained) == (1, 1)
    assert reasons(closing.closing_no) == [("source", "missing")]


def test_transition_that_no_pick_up_can_have_read_yet_is_explained(one_stop):
    results(one_stop, 1)
    take_in()
    results(one_stop, 1, at=NOW + timedelta(minutes=1), first=9)
    closing = close_period(DAY, "tests", NEXT_MORNING).closing
    assert reasons(closing.closing_no) == [("source", "cut_off")]
    assert (closing.difference, closing.unexplained) == (0, 0)


@pytest.mark.guarantee(
    "reconciliation",
    "a transition that the ledger lost, or never planned, is a difference without a reason: red",
)
def test_transition_that_was_never_planned_is_an_unexplained_difference(one_stop):
    results(one_stop, 2)
    pick_up("khanhhoa", EVERYTHING, NOW)
    closing = close_period(DAY, "tests", NEXT_MORNING).closing
    assert (closing.difference, closing.unexplained) == (2, 2)
    assert reasons(closing.closing_no) == [("source", "unplanned")] * 2


@pytest.mark.guarantee("reconciliation", "a message that nothing called for is a difference without a reason: red")
def test_message_whose_transition_the_source_never_had_is_an_unexplained_difference(one_stop):
    results(one_stop, 2)
    take_in()
    one_stop.connection.execute("DELETE FROM onestop.transitions WHERE dossier_code = 'H0002'")
    one_stop.connection.execute("UPDATE onestop.dossiers SET status_code = 4 WHERE dossier_code = 'H0002'")
    closing = close_period(DAY, "tests", NEXT_MORNING).closing
    assert reasons(closing.closing_no) == [("ledger", "without_event")]
    assert (closing.difference, closing.unexplained) == (1, 1)


def test_transition_that_the_source_rewrote_is_explained(one_stop):
    results(one_stop, 2)
    take_in()
    one_stop.connection.execute("UPDATE onestop.transitions SET status_code = 4 WHERE dossier_code = 'H0002'")
    closing = close_period(DAY, "tests", NEXT_MORNING).closing
    assert reasons(closing.closing_no) == [("ledger", "source_changed")]
    assert (closing.difference, closing.unexplained) == (0, 0)


def test_quarantined_row_is_explained_until_it_is_released(one_stop):
    results(one_stop, 1)
    one_stop.move(9, "NOBODY", at=NOW - timedelta(minutes=4))
    take_in()
    closing = close_period(DAY, "tests", NEXT_MORNING).closing
    assert reasons(closing.closing_no) == [("source", "quarantined")]
    assert closing.difference == 0


def test_procedure_changed_after_the_message_is_explained_on_both_sides(one_stop):
    results(one_stop, 1)
    take_in()
    one_stop.connection.execute("UPDATE onestop.dossiers SET procedure_code = '2.000001'")
    closing = close_period(DAY, "tests", NEXT_MORNING).closing
    assert reasons(closing.closing_no) == [("ledger", "other_procedure"), ("source", "other_procedure")]
    assert closing.difference == 0


@pytest.mark.guarantee(
    "reconciliation",
    "closing again gives the closing that stands, or a correction that says what changed and why",
)
def test_what_is_picked_up_after_the_closing_goes_into_a_correction(one_stop):
    results(one_stop, 2)
    take_in()
    first = close_period(DAY, "tests", NEXT_MORNING).closing
    results(one_stop, 1, first=10)
    take_in(NOW + timedelta(days=1))
    second = close_period(DAY, "again", LATER)
    assert second.changed
    assert second.closing.corrects == first.closing_no
    assert second.closing.difference == 0
    found = in_ledger(load_changes, second.closing.closing_no)
    changes = {(each.figure, each.was, each.became, each.causes) for each in found}
    assert ("at_source", 2, 3, ("picked_up_late",)) in changes
    assert any(figure in ("queued", "expired") and "picked_up_late" in causes for figure, _, _, causes in changes)


def assert_sums_are_those_of_the_rows(closing_no: int, rows) -> None:
    """What is stored beside a closing, against its figures as stored, added up here."""
    stored = in_ledger(load_figures, closing_no)
    cells: dict[tuple[object, ...], Counter[str]] = defaultdict(Counter)
    for message in stored.messages:
        key = "messages", message.agency_code, message.kind, message.difference == 0
        cells[key].update({"cells": 1} | _numbers(message))
    for dossier in stored.dossiers:
        cells["dossiers", dossier.agency_code].update({"cells": 1} | _numbers(dossier))
    for reason in stored.reasons:
        cells["reasons", reason.agency_code, reason.kind, reason.state, reason.reason].update(_numbers(reason))
    written = {
        (name, *(row[key] for key in keys)): {
            column: number for column, number in row.items() if column not in (*keys, "closing_no")
        }
        for name, table, keys in (
            ("messages", "closing_message_sums", ("agency_code", "kind", "balances")),
            ("dossiers", "closing_dossier_sums", ("agency_code",)),
            ("reasons", "closing_reason_sums", ("agency_code", "kind", "state", "reason")),
        )
        for row in rows(f"SELECT * FROM motcua.{table} WHERE closing_no = %s", closing_no)
    }
    assert written == cells
    assert {name for name, *_ in written} == {"messages", "dossiers", "reasons"}


def _numbers(row: MessageFigures | DossierFigures | ReasonCount) -> dict[str, int]:
    return {name: value for name, value in asdict(row).items() if isinstance(value, int)}


@pytest.mark.guarantee("reconciliation", "the sums of a closing are those of its rows, also of a correction")
def test_sums_are_written_with_a_closing_and_with_its_correction_and_never_change(one_stop, rows):
    results(one_stop, 3)
    one_stop.both(
        9, "LANDLINE", at=NOW - timedelta(minutes=5), applicant_phone="0258 3822 001", procedure_code="2.000001"
    )
    take_in()
    first = close_period(DAY, "tests", NEXT_MORNING).closing
    assert_sums_are_those_of_the_rows(first.closing_no, rows)
    results(one_stop, 1, first=10)
    take_in(NOW + timedelta(days=1))
    rows("SET session_replication_role = replica")
    (lost,) = rows("SELECT message_id FROM motcua.messages ORDER BY message_id LIMIT 1")
    for table in ("transitions", "message_history", "messages"):
        rows(f"DELETE FROM motcua.{table} WHERE message_id = %s RETURNING 1", lost["message_id"])
    rows("SET session_replication_role = origin")
    second = close_period(DAY, "again", LATER).closing
    assert second.corrects == first.closing_no
    assert second.difference
    assert_sums_are_those_of_the_rows(second.closing_no, rows)
    assert_sums_are_those_of_the_rows(first.closing_no, rows)
    for table in ("closing_message_sums", "closing_dossier_sums", "closing_reason_sums"):
        for change in (f"DELETE FROM motcua.{table}", f"UPDATE motcua.{table} SET agency_code = ''"):
            with pytest.raises(psycopg.DatabaseError, match="append-only"):
                rows(change)


@pytest.mark.guarantee(
    "reconciliation",
    "closing again gives the closing that stands, or a correction that says what changed and why",
)
def test_closing_again_with_nothing_new_gives_the_closing_that_stands(one_stop):
    results(one_stop, 2)
    take_in()
    first = close_period(DAY, "tests", NEXT_MORNING)
    again = close_period(DAY, "again", LATER)
    assert not again.changed
    assert again.closing == first.closing


@pytest.mark.guarantee(
    "reconciliation",
    "a source that does not answer is named, and never undoes a closing that had it",
)
def test_source_that_does_not_answer_is_named_and_caught_up_with(one_stop, configure):
    results(one_stop, 2)
    take_in()
    one_stop.connection.execute("ALTER SCHEMA onestop RENAME TO elsewhere")
    closing = close_period(DAY, "tests", NEXT_MORNING).closing
    assert closing.sources_unread == ("khanhhoa",)
    assert closing.difference == 2
    assert reasons(closing.closing_no) == []
    one_stop.connection.execute("ALTER SCHEMA elsewhere RENAME TO onestop")
    (corrected,) = recheck_closed("recheck", LATER)
    assert corrected.closing.sources_unread == ()
    assert corrected.closing.difference == 0
    one_stop.connection.execute("ALTER SCHEMA onestop RENAME TO elsewhere")
    with pytest.raises(SourcesUnread, match="khanhhoa"):
        close_period(DAY, "tests", LATER)


@pytest.mark.guarantee(
    "reconciliation",
    "stored figures are what the facts give again, also for the auditor's role, which reads no phone",
)
def test_stored_figures_are_what_the_facts_give_again(one_stop):
    results(one_stop, 3)
    take_in()
    closing = close_period(DAY, "tests", NEXT_MORNING).closing
    results(one_stop, 2, first=20)
    take_in(NOW + timedelta(days=1))
    figures = in_ledger(compute_figures, closing)
    assert figures == in_ledger(load_figures, closing.closing_no)
    differences, orphans = in_ledger(load_differences, closing.closing_no), in_ledger(load_orphans, closing.closing_no)
    assert hash_figures(figures, differences, orphans) == closing.figures_hash


@pytest.mark.parametrize("checked_before", [True, False])
@pytest.mark.guarantee(
    "reconciliation", "a check of quality that is sealed after a closing changes nothing of it, whenever it began"
)
def test_check_that_began_before_the_cut_off_and_was_sealed_after_the_closing_does_not_count(
    one_stop, rows, checked_before
):
    began = NEXT_MORNING - timedelta(minutes=30)
    wrong = {"applicant_phone": "12345", "received_at": NOW - timedelta(days=1)}
    one_stop.dossier("H0001", updated_at=NOW, **wrong)
    take_in()
    if checked_before:
        check_quality("in time", now=began - timedelta(minutes=10))
    closing = close_period(DAY, "tests", NEXT_MORNING).closing
    stored = in_ledger(load_figures, closing.closing_no)
    counted = sum(each.findings_open for each in stored.agencies)
    assert (counted > 0) is checked_before
    one_stop.dossier("H0002", updated_at=NOW, **wrong)
    take_in(NOW + timedelta(hours=1))
    check_quality("late", now=began)
    again = in_ledger(load_closing, closing.closing_no)
    assert in_ledger(compute_figures, again) == stored
    assert again.known_quality_run == int(checked_before)
    rows("SET session_replication_role = replica")
    rows("UPDATE motcua.closings SET known_quality_run = NULL WHERE closing_no = %s", closing.closing_no)
    old = in_ledger(load_closing, closing.closing_no)
    unbound = in_ledger(compute_figures, old).agencies
    assert sum(each.findings_open for each in unbound) > counted, "a closing from before it was kept counts as it did"


def test_month_is_the_sum_of_its_days(one_stop):
    results(one_stop, 2, at=NOW - timedelta(days=2))
    results(one_stop, 3, first=10)
    take_in()
    closing = close_period(Period.parse("2026-11"), "tests", datetime(2026, 12, 1, 6, 30, tzinfo=VIETNAM)).closing
    whole = totals(closing.closing_no)
    assert (whole.at_source, whole.expected, whole.messages, closing.difference) == (5, 5, 5, 0)
    (dossiers,) = in_ledger(load_figures, closing.closing_no).dossiers
    assert (dossiers.agency_code, dossiers.received) == (NHA_TRANG, 5)


@pytest.mark.guarantee(
    "reconciliation",
    "stored figures are what the facts give again, also for the auditor's role, which reads no phone",
)
def test_auditor_recomputes_a_closing_and_reads_no_phone(one_stop, postgres, ledger, configure):
    results(one_stop, 3)
    take_in()
    closing = close_period(DAY, "tests", NEXT_MORNING).closing
    database = psycopg.conninfo.conninfo_to_dict(ledger)["dbname"]
    configure(AIRFLOW_CONN_MOTCUA_DB=connection_uri(postgres.admin_dsn, "motcua_audit", database))
    with connect() as auditing:
        assert compute_figures(auditing, closing) == load_figures(auditing, closing.closing_no)
        assert find_orphans(auditing, closing) == load_orphans(auditing, closing.closing_no)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            auditing.execute("SELECT msisdn FROM motcua.messages")
