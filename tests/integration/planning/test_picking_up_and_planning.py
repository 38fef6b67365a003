"""Test the way from a one-stop database to messages in the ledger.

The tests check which rows lead to a message, that each message is planned once, and what becomes of broken rows.
"""

from __future__ import annotations

import traceback
from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import chain

import psycopg
import pytest

from motcua.domain.run_window import EVERYTHING, Window
from motcua.jobs.notices.picking_up import SourceFailed, pick_up
from motcua.jobs.notices.watching import sources_to_read
from motcua.jobs.tasks.notify_transitions import gate
from motcua.settings import settings
from motcua.store.agencies import save_agencies
from motcua.store.ledger.database import connect
from motcua.store.notices.sources import map_status
from tests.ground import NHA_TRANG, NOW, TU_PHAP, VAN_PHONG, agency, in_ledger, red_gate, take_in

MINUTE = timedelta(minutes=1)


def messages(rows):
    return [
        (row["kind"], row["state"], row["reason"])
        for row in rows("SELECT kind, state, reason FROM motcua.messages ORDER BY message_id")
    ]


@pytest.mark.guarantee(
    "what-fires",
    "repeated rows cause one message; a dossier that leaves the status or the desk and returns causes a second",
)
def test_repeated_rows_are_one_occasion_and_a_return_is_another(one_stop, rows):
    one_stop.dossier()
    for minute, (status, desk) in enumerate([(9, True), (9, True), (4, False), (9, True)]):
        one_stop.move(status, desk=desk, at=NOW + minute * MINUTE)
        take_in(NOW + minute * MINUTE)
        take_in(NOW + minute * MINUTE)
    assert [kind for kind, _, _ in messages(rows)] == ["result", "result"]
    assert rows("SELECT outcome FROM motcua.transitions ORDER BY sequence") == [
        {"outcome": outcome} for outcome in ("message", "same_occasion", "no_occasion", "message")
    ]


@pytest.mark.guarantee(
    "what-fires", "source rows that commit late under a lower number, and repeated rows, are neither lost nor doubled"
)
@pytest.mark.parametrize("recorded", [NOW - 9 * MINUTE, None, datetime(1, 1, 1, tzinfo=UTC)])
def test_rows_committed_late_under_a_lower_id_are_not_lost_nor_doubled(one_stop, rows, recorded):
    one_stop.dossier("A-1")
    one_stop.both(9, "A-2", number=20)
    take_in()
    one_stop.move(9, "A-1", number=10, at=NOW - 9 * MINUTE, recorded_at=recorded)
    for later in range(3):
        take_in(NOW + later * MINUTE)
    assert messages(rows) == [("result", "queued", None)] * 2


@pytest.mark.guarantee("what-fires", "events before an agency's start date never cause a message")
def test_what_happened_before_the_agency_was_enabled_is_out_of_scope_for_good(one_stop, rows):
    in_ledger(save_agencies, [agency(NHA_TRANG, enabled_from=NOW)], "tests")
    one_stop.both(9, at=NOW - MINUTE)
    take_in()
    one_stop.move(9, at=NOW + MINUTE)
    take_in(NOW + MINUTE)
    assert messages(rows) == []
    assert {row["outcome"] for row in rows("SELECT outcome FROM motcua.transitions")} == {"out_of_scope"}


def test_old_event_met_through_a_fresh_row_is_not_news(one_stop, rows):
    """A result from before the agency was enabled leads to no message when its dossier's row changes today."""
    in_ledger(save_agencies, [agency(NHA_TRANG, enabled_from=NOW - timedelta(hours=1))], "tests")
    one_stop.dossier("NEW")
    take_in(NOW - 30 * MINUTE)
    one_stop.both(9, "OLD", number=1, at=NOW - timedelta(days=20), status_code=9, at_one_stop_desk=True, updated_at=NOW)
    one_stop.move(4, "NEW", number=5000, desk=False)
    take_in(NOW)
    assert messages(rows) == []


def test_event_older_than_three_days_is_expired(one_stop, rows):
    one_stop.both(4, desk=False)
    take_in()
    one_stop.move(9, at=NOW, occurred_at=NOW - timedelta(days=3))
    take_in()
    assert messages(rows) == [("result", "expired", "too_late")]


def test_same_day_procedures_and_kinds_that_an_agency_leaves_out_are_suppressed_and_others_told(one_stop, rows):
    leaves_out = {"same_day_excluded": True, "same_day_procedures": ("1.1",), "same_day_reason": "Trả ngay"}
    in_ledger(save_agencies, [agency(NHA_TRANG, **leaves_out), agency(TU_PHAP, kinds_off=("result",))], "tests")
    same_day = {"received_at": NOW - timedelta(hours=2), "due_at": NOW + timedelta(hours=3)}
    for code, procedure in (("A", "1.1"), ("B", "1.2"), ("C", None)):
        one_stop.both(9, code, procedure_code=procedure, **same_day)
    one_stop.both(9, "D", TU_PHAP)
    one_stop.both(5, "E", TU_PHAP)
    take_in()
    found = rows("SELECT dossier_code, state, reason FROM audit.messages INNER JOIN audit.dossiers USING (dossier_id)")
    assert {row["dossier_code"]: (row["state"], row["reason"]) for row in found} == {
        "A": ("suppressed", "same_day"),
        "B": ("queued", None),
        "C": ("queued", None),
        "D": ("suppressed", "kind_off"),
        "E": ("queued", None),
    }


@pytest.mark.guarantee(
    "broken-rows", "an unusable row is quarantined with its reason, and all other rows are processed"
)
def test_row_that_cannot_be_used_is_quarantined_and_everything_else_goes_on(one_stop, rows):
    one_stop.dossier()
    broken = {
        "agency_missing": [{"agency_code": None}],
        "agency_unknown": [{"agency_code": "999.99.99.H99"}],
        "status_missing": [{"status": None}],
        "status_unknown": [{"status": 11}, {"status": -3}],
        "code_missing": [{"code": None}, {"code": " \t "}],
        "code_unusable": [{"code": "x" * 41}, {"code": "A\x07B"}],
        "dossier_missing": [{"code": "nobody-knows"}],
        "number_missing": [{"transition_id": None}],
    }
    for changes in chain.from_iterable(broken.values()):
        one_stop.move(**{"status": 9} | changes)
    one_stop.both(9, "GOOD")
    for later in range(3):
        take_in(NOW + later * MINUTE)
    assert messages(rows) == [("result", "queued", None)]
    found = rows("SELECT reason, released_at FROM motcua.quarantine WHERE row_kind = 'transition'")
    assert Counter(row["reason"] for row in found) == {reason: len(several) for reason, several in broken.items()}
    assert {row["released_at"] for row in found} == {None}


def released(rows):
    return [row["open"] for row in rows("SELECT released_at IS NULL AS open FROM motcua.quarantine")]


def test_quarantine_heals_when_the_agency_is_configured(one_stop, rows):
    one_stop.both(9, "VP-1", VAN_PHONG)
    take_in()
    later = NOW + timedelta(hours=6)
    one_stop.both(4, "X", desk=False, at=later)
    take_in(later)
    assert messages(rows) == []
    in_ledger(save_agencies, [agency(VAN_PHONG)], "tests")
    take_in(later)
    assert messages(rows) == [("result", "queued", None)]
    assert released(rows) == [False, False]


def test_quarantine_heals_when_the_dossiers_row_arrives_however_old_its_stamp(one_stop, rows):
    """A step that came before its dossier's row leads to its message when the row comes, whatever the row's time."""
    one_stop.move(9, "LATE")
    take_in()
    assert messages(rows) == []
    one_stop.dossier("LATE", updated_at=NOW - timedelta(days=9))
    take_in(NOW + timedelta(hours=3))
    assert messages(rows) == [("result", "queued", None)]
    assert released(rows) == [False]


@pytest.mark.parametrize("moves", [False, True], ids=["the row alone", "with its step"])
def test_row_of_an_unknown_status_goes_on_when_the_status_is_mapped(one_stop, rows, moves):
    """A row whose status was unknown leads to one message after staff map this status."""
    for code, status in (("ROW", 11), ("OTHER", 12)):
        state = {"status_code": status, "at_one_stop_desk": True, "updated_at": NOW - MINUTE}
        one_stop.dossier(code, "H32.30", **state)
        if moves:
            one_stop.move(status, code, "H32.30")
    take_in()
    one_stop.dossier("NEWER", updated_at=NOW + 50 * MINUTE)
    take_in(NOW + 55 * MINUTE)
    assert messages(rows) == []
    assert in_ledger(map_status, "khanhhoa", 11, 9, "lan")
    for hours in (1, 2):
        take_in(NOW + timedelta(hours=hours))
        assert messages(rows) == [("result", "queued", None)], "one message, not two"
    assert rows("SELECT dossier_code FROM motcua.dossiers WHERE status_code = 9") == [{"dossier_code": "ROW"}]


@pytest.mark.guarantee(
    "what-fires",
    "once a phone is corrected, before or after its message failed, the message is sent if still true and useful",
)
@pytest.mark.parametrize("passed_over", [False, True])
def test_phone_that_was_mended_before_its_message_failed_reopens_it(one_stop, rows, passed_over):
    one_stop.both(9)
    take_in()
    one_stop.dossier(applicant_phone="0905999888", status_code=9, at_one_stop_desk=True, updated_at=NOW + MINUTE)
    take_in(NOW + MINUTE)
    if passed_over:
        take_in(NOW + MINUTE, Window(NOW - MINUTE, NOW + MINUTE))
    rows("UPDATE motcua.messages SET state = 'sending'")
    take_in(NOW + MINUTE)
    rows("UPDATE motcua.messages SET state = 'undelivered', reason = 'absent'")
    take_in(NOW + 2 * MINUTE)
    assert messages(rows) == [("result", "queued", "phone_mended")]
    assert rows("SELECT * FROM motcua.phone_changes") == []


@pytest.mark.guarantee("what-fires", "phone numbers corrected outside a backfill's window wait for the next planning")
def test_backfill_leaves_the_mended_phones_outside_its_window_to_the_next_plan(one_stop, rows):
    one_stop.both(9, applicant_phone="02583822229")
    take_in()
    assert messages(rows) == [("result", "suppressed", "landline")]
    one_stop.dossier(applicant_phone="0905999888", status_code=9, at_one_stop_desk=True, updated_at=NOW + MINUTE)
    take_in(NOW + MINUTE, Window(NOW + MINUTE, NOW + 2 * MINUTE))
    assert messages(rows) == [("result", "suppressed", "landline")]
    take_in(NOW + 2 * MINUTE)
    assert messages(rows) == [("result", "queued", "phone_mended")]


@pytest.mark.guarantee("cost", "a source row that is read again unchanged is neither written nor locked in the ledger")
def test_what_is_read_again_as_it_was_is_not_written_again(one_stop, rows):
    one_stop.both(4, desk=False, applicant_name="Nguyễn  Thị\tLan", received_at=datetime(1970, 1, 1, tzinfo=UTC))
    take_in()
    tables = ("dossiers", "dossier_versions", "procedures", "transitions", "cleaned_fields")

    def versions(table):
        # ctid, xmin and xmax change whenever a row is written or locked.
        return rows(f"SELECT ctid::text, xmin::text, xmax::text FROM motcua.{table} ORDER BY 1")

    before = {table: versions(table) for table in tables}
    assert all(before.values())
    for later in range(3):
        take_in(NOW + later * MINUTE)
    # Unchanged rows are not locked either, and their dossiers are not planned again.
    assert {table: versions(table) for table in tables} == before
    one_stop.dossier(received_at=datetime(1970, 1, 1, tzinfo=UTC), updated_at=NOW + MINUTE)
    take_in(NOW + 3 * MINUTE)
    assert rows("SELECT last_seen_at FROM motcua.cleaned_fields WHERE transition_id IS NULL") == [
        {"last_seen_at": NOW + 3 * MINUTE}
    ]


@pytest.mark.guarantee(
    "broken-rows",
    "a quarantined row that its source corrects is used within a tenth of its age; unchanged rows are not rewritten",
)
def test_quarantined_rows_that_stay_as_they_are_are_not_written_again(one_stop, rows):
    one_stop.both(None)
    one_stop.move(9, agency_code="NOBODY")
    one_stop.move(9, "NEVER")
    one_stop.dossier("LONG" * 20)
    one_stop.dossier("VP-1", VAN_PHONG)
    take_in()
    # ctid, xmin and xmax change whenever a row is written or locked.
    versions = "SELECT row_key, reason, ctid::text, xmin::text, xmax::text FROM motcua.quarantine ORDER BY row_key"
    before = rows(versions)
    assert len(before) == 5
    for later in (1, 5, 30, 60, 90, 600, 1200, 1260, 3600, 3601, 90_000):
        take_in(NOW + timedelta(seconds=later))
    assert rows(versions) == before
    one_stop.connection.execute("UPDATE onestop.transitions SET status_code = 77 WHERE status_code IS NULL")
    take_in(NOW + timedelta(days=2))
    changed = [row for row in rows(versions) if row not in before]
    assert [row["reason"] for row in changed] == ["status_unknown"]


@pytest.mark.guarantee(
    "broken-rows",
    "a quarantined row that its source corrects is used within a tenth of its age; unchanged rows are not rewritten",
)
@pytest.mark.parametrize(("age", "others_before"), [(MINUTE, 50), (timedelta(hours=1), 0), (timedelta(days=2), 50)])
def test_quarantined_row_that_is_mended_in_place_goes_on_within_a_tenth_of_its_age(one_stop, rows, age, others_before):
    """A corrected row in quarantine must be read again within the time limit, whatever the row's number.

    Rows that came together are read again at different times, which depend on the rows' numbers.
    """
    for number in range(others_before):
        one_stop.move(9, agency_code="NOBODY", number=100 + number)
    one_stop.dossier()
    broken = one_stop.move(None, number=1)
    take_in()
    one_stop.both(4, "X", desk=False, at=NOW + age, number=5000, updated_at=NOW + age)
    take_in(NOW + age)
    one_stop.connection.execute("UPDATE onestop.transitions SET status_code = 9 WHERE transition_id = %s", (broken,))
    patience = min(max(age / 10, MINUTE), timedelta(hours=1))
    for part in range(1, 6):
        take_in(NOW + age + part * patience * 1.1 / 5)
    assert messages(rows) == [("result", "queued", None)]


@pytest.mark.guarantee("broken-rows", "a row whose times are out of order still leads to its message")
def test_times_out_of_order_cost_no_citizen_the_message(one_stop, rows):
    wild = (None, datetime(2099, 1, 1, tzinfo=UTC), datetime(1970, 1, 1, tzinfo=UTC), "infinity", "-infinity")
    moments = [{name: moment} for name in ("occurred_at", "recorded_at") for moment in (*wild, "294000-01-01")]
    moments.append({"occurred_at": None, "recorded_at": None})
    for number in range(len(moments)):
        one_stop.both(4, f"D-{number}", desk=False, updated_at="infinity" if number % 2 else NOW)
    take_in()
    for number, changes in enumerate(moments):
        one_stop.move(9, f"D-{number}", **changes)
    take_in(NOW + MINUTE)
    take_in(NOW + 2 * MINUTE)
    assert messages(rows) == [("result", "queued", None)] * len(moments)
    one_stop.both(9, "NEXT", at=NOW + 3 * MINUTE)
    take_in(NOW + 3 * MINUTE)
    assert len(messages(rows)) == len(moments) + 1, (
        "an impossible time must not move the cursor past rows with true times"
    )


@pytest.mark.guarantee(
    "broken-rows", "hostile text in a field is cleaned, recorded as a finding, and the message is sent"
)
def test_hostile_text_is_cleaned_noted_and_sent(one_stop, rows):
    one_stop.dossier(
        applicant_name="\u202eNguyễn\x07 Văn\n\tA" * 500, step_name="a\r\nb" * 9000, procedure_name="p\x1b[31m" * 999
    )
    one_stop.move(9, note="<script>\x00".replace("\x00", "\x01") * 9999, actor="x" * 9999, to_step="\u0007")
    take_in()
    assert messages(rows) == [("result", "queued", None)]
    kept = rows("SELECT applicant_name, step_name FROM motcua.dossiers")[0]
    assert len(kept["applicant_name"]) <= 200
    assert kept["step_name"].isprintable()
    assert rows("SELECT count(*) AS n FROM motcua.cleaned_fields")[0]["n"] == 2


def test_alias_is_the_same_agency_and_the_code_is_kept_as_written(one_stop, rows):
    one_stop.dossier("  0012/2016 \u00a0", "H32.30")
    one_stop.move(9, "0012/2016", NHA_TRANG)
    take_in()
    assert messages(rows) == [("result", "queued", None)]
    assert rows("SELECT dossier_code, agency_code FROM motcua.dossiers") == [
        {"dossier_code": "0012/2016", "agency_code": NHA_TRANG}
    ]


def test_versions_of_a_row_are_kept(one_stop, rows):
    one_stop.dossier()
    take_in()
    one_stop.dossier(due_at=NOW + timedelta(days=9), updated_at=NOW)
    take_in(NOW + MINUTE)
    take_in(NOW + 2 * MINUTE)
    assert len(rows("SELECT 1 FROM motcua.dossier_versions")) == 2


def test_source_that_is_down_fails_alone_and_the_ledger_says_why(one_stop, rows, configure):
    configure(
        MOTCUA_SOURCES="khanhhoa,broken", AIRFLOW_CONN_ONESTOP_BROKEN="postgres://nobody:secret-word@127.0.0.1:1/none"
    )
    with pytest.raises(SourceFailed, match="broken") as failure:
        pick_up("broken", now=NOW)
    assert "secret-word" not in str(failure.value)
    one_stop.both(9)
    take_in()
    assert messages(rows) == [("result", "queued", None)]
    assert [row["name"] for row in rows("SELECT name FROM motcua.sources WHERE failed_at IS NOT NULL")] == ["broken"]


def test_backfill_reads_its_window_again_and_plans_what_is_missing(one_stop, rows):
    one_stop.both(4, "NEWER", desk=False, number=100)
    take_in()
    one_stop.both(9, number=50, at=NOW - timedelta(hours=5), updated_at=NOW - timedelta(hours=8))
    take_in(NOW + MINUTE)
    assert messages(rows) == []
    window = Window(NOW - timedelta(hours=6), NOW - timedelta(hours=4))
    for _ in range(2):
        take_in(NOW + MINUTE, window)
    assert messages(rows) == [("result", "queued", None)]


def test_the_application_role_cannot_rewrite_history(one_stop, rows, ledger):
    one_stop.both(9)
    take_in()
    with connect() as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute("DELETE FROM motcua.messages")
    for table in ("message_history", "dossier_versions"):
        with pytest.raises(psycopg.Error, match="append-only"):
            rows(f"DELETE FROM motcua.{table}")
    with pytest.raises(psycopg.Error, match="may not move"):
        rows("UPDATE motcua.messages SET state = 'unconfirmed'")


@pytest.mark.parametrize("source", ["khanhhoa=nosuch", "elsewhere"])
def test_source_that_is_misconfigured_reddens_the_run_and_says_so(one_stop, rows, configure, source):
    configure(MOTCUA_SOURCES=source)
    (name,) = settings().sources
    named = source.rpartition("=")[2]
    with pytest.raises(SourceFailed, match=named):
        pick_up(name, now=NOW)
    with red_gate(f"source {name} failed.*{named}"):
        gate("run", EVERYTHING)


def test_error_of_the_ledger_is_told_without_the_rows_values(one_stop, rows):
    one_stop.dossier()
    rows("ALTER TABLE motcua.dossiers ADD CHECK (applicant_phone <> '0905123456')")
    with pytest.raises(SourceFailed) as failure:
        pick_up("khanhhoa", now=NOW)
    shown = "".join(traceback.format_exception(failure.value))
    assert "violates check constraint" in shown
    assert "0905123456" not in shown
    assert "0905123456" not in rows("SELECT failure FROM motcua.sources")[0]["failure"]


def test_task_that_failed_makes_the_run_red(ledger):
    with red_gate("task plan failed"):
        gate("run", EVERYTHING, ["plan"])


def test_source_is_read_where_it_has_news_and_one_that_failed_is_not_asked_in_every_run(one_stop, configure):
    """A run reads only sources with unread rows. It tries a failed source again only after some time."""
    configure(MOTCUA_SOURCES="khanhhoa,away", AIRFLOW_CONN_ONESTOP_AWAY="postgres://a:long-word@127.0.0.1:1/b")
    with pytest.raises(SourceFailed):
        pick_up("away", now=NOW)
    one_stop.dossier()
    pick_up("khanhhoa", now=NOW)
    assert sources_to_read(NOW + timedelta(seconds=20)).names == []
    one_stop.move(9)
    assert sources_to_read(NOW + timedelta(seconds=20)).names == ["khanhhoa"]
    pick_up("khanhhoa", now=NOW)
    assert sources_to_read(NOW + timedelta(seconds=50)).names == ["away"]


def test_sources_are_read_at_once_after_a_clock_that_was_ahead_is_right_again(one_stop, configure):
    """A source that was read or failed while the clock was ahead must be due at once when the clock is right again."""
    configure(MOTCUA_SOURCES="khanhhoa,away", AIRFLOW_CONN_ONESTOP_AWAY="postgres://a:long-word@127.0.0.1:1/b")
    one_stop.dossier()
    pick_up("khanhhoa", now=NOW)
    with pytest.raises(SourceFailed):
        pick_up("away", now=NOW)
    assert sorted(sources_to_read(NOW - timedelta(days=1)).names) == ["away", "khanhhoa"]


@pytest.mark.guarantee(
    "what-fires", "an agency that is enabled later on its start day gets messages for all events since its start"
)
def test_agency_enabled_later_the_same_day_tells_what_happened_since(one_stop, rows):
    in_ledger(save_agencies, [agency(NHA_TRANG, enabled_from=None)], "tests")
    one_stop.both(9, "BEFORE", at=NOW - timedelta(days=1))
    one_stop.both(9, "SINCE")
    take_in()
    assert messages(rows) == []
    in_ledger(save_agencies, [agency(NHA_TRANG, enabled_from=NOW - timedelta(hours=1))], "tests")
    take_in(NOW + MINUTE)
    assert messages(rows) == [("result", "queued", None)]
    outcomes = rows(
        "SELECT d.dossier_code, t.outcome FROM motcua.transitions AS t JOIN motcua.dossiers AS d USING (dossier_id)"
    )
    assert {(row["dossier_code"], row["outcome"]) for row in outcomes} >= {
        ("SINCE", "message"),
        ("BEFORE", "out_of_scope"),
    }
