"""Test the 17:30 apology from a one-stop database to the phone.

An evening is the decision at 17:30 of one day on who gets an apology; to settle an evening is to make that decision.
The tests check who gets an apology, for which due date, that each apology is sent once, and how missed evenings are
recorded.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields
from datetime import date, datetime, time, timedelta

import psycopg
import pytest

from motcua.domain.apologies import ApologyRules
from motcua.domain.clock import VIETNAM
from motcua.domain.run_window import EVERYTHING, Window
from motcua.jobs.notices import apologizing
from motcua.jobs.notices.apologizing import (
    apologize,
    coming_evening,
    evening_window,
    owed_tonight,
    waiting_evenings,
)
from motcua.jobs.notices.picking_up import SourceFailed, pick_up
from motcua.jobs.notices.planning import plan
from motcua.jobs.tasks.apologize_due_tomorrow import gate, read_source, send_messages
from motcua.store.ledger.database import connect
from motcua.store.notices.apologies import forecast, letters_needed
from motcua.store.notices.sources import ensure_source, lock_source
from motcua.store.oversight.accounting import identity, summed_up
from tests.ground import AWAY, NHA_TRANG, TU_PHAP, VAN_PHONG, in_ledger, red_gate, send_at, take_in, type_command
from tests.prove.notices.apology import simulate

WEDNESDAY, THURSDAY, FRIDAY = date(2026, 11, 25), date(2026, 11, 26), date(2026, 11, 27)
MODES = ("calendar", "working_day")
MINUTE = timedelta(minutes=1)


def at(day, clock="17:30"):
    return datetime.combine(day, time.fromisoformat(clock), VIETNAM)


LONG_BEFORE = at(date(2026, 11, 20), "08:00")


def days(first, last):
    return [date.fromordinal(n) for n in range(first.toordinal(), last.toordinal() + 1)]


class Evenings:
    """A helper that runs the apology job at given times, as the job's DAG does, and reads the planned apologies."""

    def __init__(self, rows):
        self.rows = rows
        self.forgotten = 0
        """Number of messages that the test itself deleted. The accounting identity must miss exactly these."""

    def mode(self, mode, agency_code=NHA_TRANG):
        self.rows("UPDATE motcua.agencies SET apology_day = %s WHERE agency_code = %s", mode, agency_code)

    def enable(self, moment, agency_code=NHA_TRANG):
        self.rows("UPDATE motcua.agencies SET enabled_from = %s WHERE agency_code = %s", moment, agency_code)

    def run(self, moment, window=EVERYTHING):
        read_source("khanhhoa", window, moment)
        return apologize(window, moment)

    def each(self, first, last):
        for day in days(first, last):
            self.run(at(day, "17:30:05"))

    @property
    def planned(self):
        """The day of the evening and the due date of each apology, in the order of planning."""
        found = self.rows(
            "SELECT recorded_at, occasion FROM motcua.messages WHERE kind = 'apology' ORDER BY recorded_at, message_id"
        )
        return [
            (row["recorded_at"].astimezone(VIETNAM).date(), date.fromisoformat(row["occasion"].removeprefix("due ")))
            for row in found
        ]

    @property
    def outcomes(self):
        """State and reason of each apology, by dossier code."""
        found = self.rows(
            "SELECT dossier_code, state, reason FROM motcua.messages INNER JOIN motcua.dossiers USING (dossier_id)"
            " WHERE kind = 'apology'"
        )
        return {row["dossier_code"]: (row["state"], row["reason"]) for row in found}

    @property
    def messages(self):
        found = self.rows("SELECT state, reason FROM motcua.messages WHERE kind = 'apology' ORDER BY message_id")
        return [(row["state"], row["reason"]) for row in found]

    @property
    def record(self):
        found = self.rows(
            "SELECT day, state FROM motcua.apology_evenings WHERE agency_code = %s ORDER BY day", NHA_TRANG
        )
        return {row["day"]: row["state"] for row in found}


@pytest.fixture
def evenings(one_stop, rows):
    """Pick up the source once, long ago. At the end of the test, check that the accounting identity holds."""
    # The first pick-up lies long ago, so that a test's rows count as new whatever the server's clock shows.
    long_ago = at(date(2015, 12, 1))
    one_stop.both(4, "unusable", VAN_PHONG, at=long_ago, updated_at=long_ago)
    pick_up("khanhhoa", now=long_ago)
    world = Evenings(rows)
    yield world
    differences = [row.difference for row in in_ledger(identity) if row.difference]
    assert sum(differences) == world.forgotten, (
        "the accounting identity must miss exactly the messages that the test deleted"
    )


def due(one_stop, day, code="160915001", *, since=None, read_at=None, **changes):
    """Write a dossier that is due at 16:30 of a day and was received two weeks before; pick it up at ``read_at``."""
    received = since or at(day - timedelta(days=14), "08:00")
    values = {"due_at": at(day, "16:30"), "received_at": received, "updated_at": received, "phone_entered_at": received}
    one_stop.dossier(code, **values | changes)
    if read_at:
        pick_up("khanhhoa", now=read_at)


# ------------------------------------------------------- the table of cases, each tested by calendar and by working day


@pytest.mark.guarantee(
    "apologies",
    "a due date on or after a day off gets exactly one apology, on the right evening, in both calendar modes",
)
@pytest.mark.parametrize(
    ("due_day", "by_calendar", "by_working_day"),
    [
        pytest.param("2016-09-05", "2016-09-04", "2016-09-01", id="Monday after the holiday of Friday 2/9/2016"),
        pytest.param("2026-08-22", "2026-08-21", "2026-08-21", id="Saturday that is worked in place of another day"),
        pytest.param("2026-11-28", "2026-11-27", "2026-11-27", id="Saturday, a day off"),
        pytest.param("2026-11-29", "2026-11-28", "2026-11-27", id="Sunday, a day off"),
        pytest.param("2016-02-10", "2016-02-09", "2016-02-05", id="Tết, a day off"),
        pytest.param("2026-11-26", "2026-11-25", "2026-11-25", id="an ordinary Thursday"),
    ],
)
@pytest.mark.parametrize("mode", MODES)
def test_evening_of_a_due_date(one_stop, evenings, rows, mode, due_day, by_calendar, by_working_day):
    due_day, evening = (
        date.fromisoformat(day) for day in (due_day, by_calendar if mode == MODES[0] else by_working_day)
    )
    evenings.mode(mode)
    evenings.enable(at(due_day - timedelta(days=20)))
    due(one_stop, due_day, read_at=at(due_day - timedelta(days=6), "08:00"))
    evenings.each(due_day - timedelta(days=6), due_day)
    assert evenings.planned == [(evening, due_day)], "exactly one apology, on the evening before the effective due day"
    (message,) = rows("SELECT text, state FROM motcua.messages")
    assert message["state"] == "queued"
    assert f"chua co ket qua vao ngay {due_day.day}/{due_day.month}/{due_day.year}." in message["text"]


@pytest.mark.parametrize("mode", MODES)
def test_run_on_a_day_off(one_stop, evenings, mode, caplog):
    """On a Sunday, Monday's apologies are planned in the mode ``calendar`` and not in the mode ``working_day``."""
    evenings.mode(mode)
    sunday, monday = date(2026, 11, 29), date(2026, 11, 30)
    evenings.enable(at(sunday, "08:00"))
    due(one_stop, monday, read_at=at(sunday, "08:00"))
    with caplog.at_level("INFO"):
        evenings.run(at(sunday))
    if mode == "calendar":
        assert evenings.planned == [(sunday, monday)]
    else:
        assert evenings.planned == []
        assert evenings.record == {sunday: "day_off"}
        assert "day off" in caplog.text


@pytest.mark.parametrize("mode", MODES)
def test_late_run_settles_its_evening_until_21_00_and_records_it_as_missed_afterwards(one_stop, evenings, mode):
    evenings.mode(mode)
    due(one_stop, THURSDAY, "in time", read_at=at(WEDNESDAY, "08:00"))
    evenings.run(at(WEDNESDAY, "20:59"))
    assert evenings.messages == [("queued", None)]
    due(one_stop, FRIDAY, "too late", since=at(WEDNESDAY, "09:00"), read_at=at(THURSDAY, "10:00"))
    counts = evenings.run(at(THURSDAY, "21:00"))
    assert evenings.messages == [("queued", None), ("expired", "missed")]
    assert counts.evenings == {"missed": 1}
    assert evenings.record == {WEDNESDAY: "done", THURSDAY: "missed"}


@pytest.mark.parametrize("mode", MODES)
def test_due_date_moved_after_the_apology_may_be_apologised_for_again(one_stop, evenings, mode):
    evenings.mode(mode)
    due(one_stop, THURSDAY, read_at=at(WEDNESDAY, "08:00"))
    evenings.run(at(WEDNESDAY))
    due(one_stop, FRIDAY, updated_at=at(THURSDAY, "09:00"))
    evenings.run(at(THURSDAY))
    evenings.run(at(THURSDAY, "17:40"))
    # A due date that is moved back to a day with an apology must not lead to a second apology for this due date.
    due(one_stop, THURSDAY, updated_at=at(THURSDAY, "18:00"))
    evenings.run(at(THURSDAY, "18:10"))
    evenings.run(at(FRIDAY))
    assert evenings.planned == [(WEDNESDAY, THURSDAY), (THURSDAY, FRIDAY)]


@pytest.mark.parametrize("mode", MODES)
def test_evening_tells_whoever_is_late_by_what_was_so_at_its_own_moment(one_stop, evenings, mode):
    """An evening that is settled late, here at 19:00, must be judged by the state of 17:30, without later changes."""

    def move(code, status, clock, *, desk=False):
        one_stop.move(status, code, desk=desk, at=at(WEDNESDAY, clock))

    evenings.mode(mode)
    for status in range(1, 11):
        due(one_stop, THURSDAY, f"status {status}", status_code=status, at_one_stop_desk=status == 9)
    for code in ("only the transition", "taken back", "finished later", "taken back later", "moved away later"):
        due(one_stop, THURSDAY, code)
    move("only the transition", 9, "11:00", desk=True)
    due(one_stop, THURSDAY, "only the row", status_code=9, updated_at=at(WEDNESDAY, "11:00"))
    move("only the row", 4, "10:00")
    move("taken back", 9, "10:00", desk=True)
    move("taken back", 4, "11:00")
    move("taken back later", 9, "10:00", desk=True)
    for code in ("handed over", "opened again"):
        due(one_stop, THURSDAY, code, returned_at=at(WEDNESDAY, "10:00"), updated_at=at(WEDNESDAY, "10:00"))
        move(code, 4, "09:00")
    move("opened again", 4, "11:00")
    due(one_stop, THURSDAY, "no phone", applicant_phone=None)
    due(one_stop, THURSDAY, "landline", applicant_phone="02583822001")
    due(one_stop, THURSDAY, "known before it is received", received_at=at(THURSDAY, "08:00"), updated_at=LONG_BEFORE)
    due(one_stop, date(2026, 12, 15), "set late", since=at(WEDNESDAY, "08:00"), read_at=at(WEDNESDAY, "12:00"))
    # This due date is set at 17:30:01. The evening's own run reads this date, which is too late to count.
    due(one_stop, THURSDAY, "set late", since=at(WEDNESDAY, "08:00"), updated_at=at(WEDNESDAY, "17:30:01"))
    move("finished later", 9, "18:00", desk=True)
    move("taken back later", 4, "18:00")
    due(one_stop, date(2026, 12, 15), "moved away later", updated_at=at(WEDNESDAY, "18:00"))
    counts = evenings.run(at(WEDNESDAY, "19:00"))
    as_ever = ("status 2", "status 4", "taken back", "opened again")
    apologized = dict.fromkeys((*as_ever, "finished later", "moved away later"), ("queued", None))
    suppressed = {"no phone": ("suppressed", "missing"), "landline": ("suppressed", "landline")}
    assert evenings.outcomes == apologized | suppressed
    assert {reason: counts.none[reason] for reason in ("not_due", "not_applicable", "handed_over")} == {
        "not_due": 1, "not_applicable": 1, "handed_over": 1,
    }  # fmt: skip
    holding = evenings.rows(
        "SELECT dossier_code FROM motcua.messages AS m INNER JOIN motcua.dossiers AS d USING (dossier_id)"
        " WHERE m.kind = 'apology' AND m.state = 'queued' AND motcua.apology_holds(m.dossier_id, m.occasion)"
    )
    assert {row["dossier_code"] for row in holding} == set(as_ever), (
        "all other apologies are cancelled before they leave"
    )
    # A dossier that is due on the day of receipt gets no apology. Apologies of an agency that switched off this kind
    # are stored as suppressed.
    evenings.rows(
        "UPDATE motcua.agencies SET kinds_off = '{apology}', kinds_off_reason = 'x' WHERE agency_code = %s", NHA_TRANG
    )
    due(one_stop, THURSDAY, "same day", since=at(THURSDAY, "07:30"))
    due(one_stop, FRIDAY, "kind off", updated_at=at(THURSDAY, "07:31"), read_at=at(THURSDAY, "07:32"))
    evenings.run(at(THURSDAY))
    assert evenings.outcomes == apologized | suppressed | {"kind off": ("suppressed", "kind_off")}


# ------------------------------------------------------------ an evening's state, and steps that are read afterwards


def test_what_is_committed_late_does_not_unbalance_the_evening(one_stop, evenings):
    """A step of 17:25 that is read after the evening was settled must not break the evening's accounting."""
    due(one_stop, THURSDAY, read_at=at(WEDNESDAY, "12:00"))
    evenings.run(at(WEDNESDAY))
    one_stop.move(9, at=at(WEDNESDAY, "17:25"))
    pick_up("khanhhoa", now=at(WEDNESDAY, "17:35"))
    assert evenings.messages == [("queued", None)]


# -------------------------------------------- which agencies apologize and when, and that a rerun plans nothing new


def test_an_agency_is_apologised_for_since_it_was_enabled_and_while_it_exists(one_stop, evenings):
    for day in days(THURSDAY, date(2026, 11, 29)):
        due(one_stop, day, f"due {day}")
    pick_up("khanhhoa", now=at(WEDNESDAY, "08:00"))
    evenings.enable(at(THURSDAY, "17:30"))
    evenings.rows("UPDATE motcua.agencies SET valid_until = %s WHERE agency_code = %s", FRIDAY, NHA_TRANG)
    evenings.each(WEDNESDAY, date(2026, 11, 28))
    assert [day for day, _ in evenings.planned] == [THURSDAY, FRIDAY]


def test_after_a_merger_the_successors_name_stands_in_the_text(one_stop, evenings, rows):
    due(one_stop, THURSDAY, read_at=at(WEDNESDAY, "08:00"))
    rows(
        "UPDATE motcua.agencies SET valid_until = %s, successor_code = %s WHERE agency_code = %s",
        WEDNESDAY - timedelta(days=1),
        TU_PHAP,
        NHA_TRANG,
    )
    evenings.run(at(WEDNESDAY))
    (message,) = rows("SELECT text, agency_code FROM motcua.messages")
    assert "So Tu phap chan thanh xin loi" in message["text"]
    assert message["agency_code"] == NHA_TRANG


@pytest.mark.guarantee("apologies", "deciding the apologies of an evening again makes no new message")
def test_settling_at_once_or_again_at_any_time_makes_nothing_new(one_stop, evenings, rows):
    for number in range(30):
        due(one_stop, THURSDAY, f"D-{number}")
    pick_up("khanhhoa", now=at(WEDNESDAY, "08:00"))
    read_source("khanhhoa", EVERYTHING, at(WEDNESDAY, "17:30:05"))
    with ThreadPoolExecutor(3) as runs:
        for run in [runs.submit(apologize, EVERYTHING, at(WEDNESDAY, "17:30:06")) for _ in range(3)]:
            run.result()
    for clock in ("17:31", "18:00", "23:00"):
        counts = evenings.run(at(WEDNESDAY, clock))
        assert (counts.evenings, counts.messages, counts.waiting) == ({}, {}, {})
    assert evenings.messages == [("queued", None)] * 30
    assert evenings.record == {WEDNESDAY: "done"}
    with pytest.raises(psycopg.Error, match="append-only"):
        rows("UPDATE motcua.apology_evenings SET state = 'missed'")


def test_another_hour_and_other_quiet_hours_can_be_set(one_stop, evenings, configure):
    configure(MOTCUA_APOLOGY_TIME="10:05", MOTCUA_APOLOGY_QUIET_FROM="00:00", MOTCUA_APOLOGY_QUIET_UNTIL="00:00")
    due(one_stop, THURSDAY, read_at=at(WEDNESDAY, "08:00"))
    evenings.run(at(WEDNESDAY, "10:04"))
    assert evenings.planned == []
    assert evenings.run(at(THURSDAY, "06:59")).messages == {"queued": 1}


# ----------------------------------------------------------------------------------------- outages and backfills


def test_nobody_is_told_on_what_a_source_said_before_the_evening_or_long_ago(one_stop, evenings):
    """Apologies need a pick-up after 17:30. Otherwise, a dossier that was just finished would lead to an apology."""
    due(one_stop, THURSDAY, read_at=at(WEDNESDAY, "17:29:59"))
    counts = apologize(now=at(WEDNESDAY, "17:31"))
    assert counts.evenings == {}
    assert list(counts.waiting) == [NHA_TRANG]
    assert in_ledger(waiting_evenings, EVERYTHING, at(WEDNESDAY, "17:31")) == {WEDNESDAY: 1}
    pick_up("khanhhoa", now=at(WEDNESDAY, "17:31"))
    assert apologize(now=at(WEDNESDAY, "17:42")).waiting
    assert evenings.planned == []
    # The source is back at 18:30, and a run of another DAG settles the evening that is left over.
    pick_up("khanhhoa", now=at(WEDNESDAY, "18:30"))
    assert apologize(now=at(WEDNESDAY, "18:31"), left_over=True).messages == {"queued": 1}


def test_source_that_is_away_holds_up_no_other_agency_and_one_that_is_read_no_longer_tells_nobody(
    one_stop, evenings, configure, rows
):
    """An unreachable source delays only its own agency; dossiers of a removed source get no apology."""
    due(one_stop, THURSDAY, "N-1")
    due(one_stop, THURSDAY, "N-2")
    due(one_stop, THURSDAY, "T-1", agency_code=TU_PHAP, read_at=at(WEDNESDAY, "08:00"))
    for source, code in (("away", "T-1"), ("former", "N-2")):
        in_ledger(ensure_source, source)
        rows(
            "UPDATE motcua.dossiers SET source_id = (SELECT source_id FROM motcua.sources WHERE name = %s)"
            " WHERE dossier_code = %s",
            source,
            code,
        )
    configure(MOTCUA_SOURCES="away,khanhhoa", AIRFLOW_CONN_ONESTOP_AWAY=AWAY)
    with pytest.raises(SourceFailed):
        read_source("away", EVERYTHING, at(WEDNESDAY, "17:30:01"))
    counts = evenings.run(at(WEDNESDAY, "17:30:05"))
    assert counts.evenings == {"done": 1}
    assert list(counts.waiting) == [TU_PHAP]
    assert evenings.outcomes == {"N-1": ("queued", None), "N-2": ("expired", "not_read")}


def test_an_evening_that_is_left_over_is_left_to_its_own_run_for_five_minutes(one_stop, evenings):
    """Another run may settle an evening only if the evening's own run has not done so by 17:35."""
    due(one_stop, THURSDAY, read_at=at(WEDNESDAY, "08:00"))
    pick_up("khanhhoa", now=at(WEDNESDAY, "17:30:01"))
    assert apologize(now=at(WEDNESDAY, "17:34:59"), left_over=True).evenings == {}
    assert apologize(now=at(WEDNESDAY, "17:35"), left_over=True).evenings == {"done": 1}


def test_long_weekend_is_caught_up_by_day_only_until_the_desk_opens(one_stop, evenings):
    """An evening that was missed on Friday is planned on the weekend, but never at night."""
    evenings.mode("working_day")
    saturday, sunday, monday = (date(2026, 11, n) for n in (28, 29, 30))
    due(one_stop, monday, read_at=at(FRIDAY, "08:00"))
    evenings.each(date(2026, 11, 26), date(2026, 11, 26))
    for moment in (at(FRIDAY, "21:00"), at(saturday, "06:59")):
        counts = evenings.run(moment)
        assert counts.waiting == {NHA_TRANG: "quiet hours until 07:00"}
        assert evenings.planned == []
    assert evenings.run(at(sunday, "20:59")).messages == {"queued": 1}
    assert evenings.record[FRIDAY] == "done"
    assert evenings.record[saturday] == evenings.record[sunday] == "day_off"


def test_outage_of_days_is_recorded_evening_by_evening_and_never_back_dated(one_stop, evenings, rows, caplog):
    for day in days(THURSDAY, date(2026, 12, 2)):
        due(one_stop, day, f"due {day}", since=LONG_BEFORE)
    pick_up("khanhhoa", now=at(WEDNESDAY, "08:00"))
    evenings.run(at(WEDNESDAY))
    one_stop.move(9, f"due {date(2026, 11, 28)}", at=at(FRIDAY, "11:00"))
    monday = date(2026, 11, 30)
    with caplog.at_level("INFO"):
        evenings.run(at(monday, "17:30:05"))
    assert evenings.planned == [
        (WEDNESDAY, THURSDAY),
        (THURSDAY, FRIDAY),
        # The dossier due on 28 November was finished before Friday's evening, so it gets no apology.
        (date(2026, 11, 28), date(2026, 11, 29)),
        (date(2026, 11, 29), monday),
        (monday, date(2026, 12, 1)),
    ]
    assert evenings.messages == [("queued", None), *[("expired", "missed")] * 3, ("queued", None)]
    assert list(evenings.record.values()) == ["done", "missed", "missed", "missed", "missed", "done"]
    assert rows("SELECT count(*) FROM motcua.messages WHERE state = 'expired' AND planned_at < %s", at(monday)) == [
        {"count": 0}
    ]
    assert "left out because it is too late to tell anybody" in caplog.text


def test_backfill_settles_and_sends_the_evening_that_ends_its_window_and_nothing_else(one_stop, evenings, gateway):
    def backfill(last, *, clock="18:00"):
        window = Window(at(last - timedelta(days=1)), at(last))
        evenings.run(at(THURSDAY, clock), window)
        plan(now=at(THURSDAY, clock))
        send_at(at(THURSDAY, clock), window=evening_window(window, ApologyRules()))

    for day in days(THURSDAY, date(2026, 11, 28)):
        due(one_stop, day, f"due {day}", since=LONG_BEFORE)
    due(one_stop, date(2026, 12, 20), "result", since=LONG_BEFORE, read_at=at(WEDNESDAY, "08:00"))
    one_stop.move(9, "result", at=at(WEDNESDAY, "12:00"))
    backfill(THURSDAY)
    assert evenings.planned == [(THURSDAY, FRIDAY)]
    assert evenings.messages == [("accepted", None)]
    backfill(WEDNESDAY)
    assert evenings.messages == [("accepted", None), ("expired", "missed")], (
        "an apology of an earlier evening is useless and must expire"
    )
    backfill(date(2026, 11, 11))
    assert evenings.record == {THURSDAY: "done", WEDNESDAY: "missed"}, (
        "an evening before the first pick-up is not recorded"
    )
    assert len(gateway.asked) == len(apologies_asked(gateway)) == 1


# ----------------------------------------------------------------------------------- from the apology to the phone


def apologies_asked(gateway):
    return [asked["to"] for asked in gateway.asked if "xin loi" in asked["text"]]


def test_apology_goes_on_what_its_source_said_just_now_and_the_result_still_follows(one_stop, evenings, gateway):
    """An apology is sent only if its source was read in the last ten minutes. The later result is texted too."""
    due(one_stop, THURSDAY, read_at=at(WEDNESDAY, "08:00"))
    evenings.run(at(WEDNESDAY, "17:30:05"))
    send_at(at(WEDNESDAY, "17:41"))
    assert gateway.asked == [], "an apology must not leave while its source was not read for ten minutes"
    pick_up("khanhhoa", now=at(WEDNESDAY, "17:42"))
    send_at(at(WEDNESDAY, "17:42:01"))
    assert gateway.asked[-1]["text"] == (
        "Thong bao: Ho so cua quy Ong/Ba (160915001) chua co ket qua vao ngay 26/11/2026. UBND TP Nha Trang chan thanh"
        " xin loi. Ong/Ba vui long den nhan ket qua khi co tin nhan tiep theo"
    )
    one_stop.move(9, at=at(WEDNESDAY, "17:43"))
    take_in(now=at(WEDNESDAY, "17:43:01"))
    send_at(at(WEDNESDAY, "17:43:02"))
    assert len(gateway.asked) == 2
    assert "da duoc giai quyet xong" in gateway.asked[-1]["text"]


def test_dossier_that_changed_meanwhile_is_cancelled_just_before_the_sms_leaves(one_stop, evenings, gateway):
    later = at(WEDNESDAY, "17:40")
    changes = {
        "finished": lambda code: one_stop.move(9, code, at=later),
        "clock stopped": lambda code: one_stop.move(5, code, at=later, desk=False),
        "finished by the row alone": lambda code: due(one_stop, THURSDAY, code, status_code=9, updated_at=later),
        "due date moved": lambda code: due(one_stop, date(2026, 12, 10), code, updated_at=later),
        "due date taken away": lambda code: due(one_stop, THURSDAY, code, due_at=None, updated_at=later),
    }
    for code in changes:
        due(one_stop, THURSDAY, code)
    pick_up("khanhhoa", now=at(WEDNESDAY, "08:00"))
    evenings.run(at(WEDNESDAY, "17:30:05"))
    for code, change in changes.items():
        change(code)
    pick_up("khanhhoa", now=at(WEDNESDAY, "17:45"))
    send_at(at(WEDNESDAY, "17:45:01"))
    assert apologies_asked(gateway) == []
    assert {code: state for code, (state, _) in evenings.outcomes.items()} == dict.fromkeys(changes, "cancelled")


@pytest.mark.guarantee("apologies", "an apology that must wait overnight until the desk opens expires")
def test_apology_that_meets_the_night_before_the_desk_opens_expires(one_stop, evenings, gateway):
    due(one_stop, THURSDAY, read_at=at(WEDNESDAY, "08:00"))
    evenings.run(at(WEDNESDAY, "17:30:05"))
    gateway.answer = (503, "Temporal failure, try again later.")
    send_at(at(WEDNESDAY, "17:30:10"))
    gateway.answer = (202, "0: Accepted for delivery")
    asked = len(gateway.asked)
    pick_up("khanhhoa", now=at(WEDNESDAY, "20:59:59"))
    send_at(at(WEDNESDAY, "21:00"))
    assert evenings.messages == [("expired", "too_late")]
    assert len(gateway.asked) == asked


def test_by_night_an_apology_rests_and_goes_on_in_the_morning(one_stop, evenings, gateway):
    """An apology must not wake a citizen: it waits from 21:00 to 7:00."""
    evenings.mode("working_day")
    saturday, monday = date(2026, 11, 28), date(2026, 11, 30)
    due(one_stop, monday, read_at=at(FRIDAY, "08:00"))
    evenings.run(at(FRIDAY, "20:59:58"))
    for moment in (at(FRIDAY, "21:00"), at(saturday, "06:59:59")):
        pick_up("khanhhoa", now=moment)
        send_at(moment)
    assert evenings.messages == [("queued", None)]
    assert gateway.asked == []
    pick_up("khanhhoa", now=at(saturday, "07:00:01"))
    send_at(at(saturday, "07:00:02"))
    assert evenings.messages == [("accepted", None)]


def test_phone_mended_while_it_is_useful_reopens_the_apology(one_stop, evenings, gateway):
    due(one_stop, THURSDAY, "mended", applicant_phone="02583822001")
    due(one_stop, THURSDAY, "mended and finished", applicant_phone="02583822001", read_at=at(WEDNESDAY, "08:00"))
    evenings.run(at(WEDNESDAY, "17:30:05"))
    due(one_stop, THURSDAY, "mended", updated_at=at(WEDNESDAY, "17:40"))
    due(one_stop, THURSDAY, "mended and finished", updated_at=at(WEDNESDAY, "17:40"), status_code=9)
    take_in(now=at(WEDNESDAY, "17:41"))
    assert sorted(evenings.messages) == [("queued", "phone_mended"), ("suppressed", "landline")]


# ------------------------------------------------------------------------------------ the DAG of the apologies


READ_JUST_NOW = "UPDATE motcua.sources SET picked_up_at = now()"
"""SQL that marks the sources as read now. Otherwise the gate, a run's last task, would report old readings."""


def test_two_apologies_of_one_dossier_for_two_dates_are_both_sent(one_stop, evenings, gateway):
    due(one_stop, THURSDAY, read_at=at(WEDNESDAY, "08:00"))
    evenings.run(at(WEDNESDAY, "20:58"))
    send_at(at(WEDNESDAY, "20:59"))
    due(one_stop, FRIDAY, updated_at=at(THURSDAY, "09:00"))
    evenings.run(at(THURSDAY, "17:30:05"))
    send_at(at(THURSDAY, "17:30:06"))
    assert len(apologies_asked(gateway)) == 2


def test_gate_is_red_while_an_evening_waits_and_names_no_one(one_stop, evenings, rows):
    """The gate fails while an evening is not settled. The error gives a number of agencies and names no citizen."""
    due(one_stop, THURSDAY, read_at=at(WEDNESDAY, "08:00"))
    later = at(WEDNESDAY, "17:31")
    with red_gate(r"evening of 25/11/2026 are not settled yet for 1 agency\(ies\)"):
        gate("run", EVERYTHING, now=later)
    evenings.run(at(WEDNESDAY, "17:30:30"))
    rows(READ_JUST_NOW)
    gate("run", EVERYTHING, now=later)
    with red_gate("read_source"):
        gate("run", EVERYTHING, ["read_source"], now=later)


def test_evening_that_is_sent_does_not_wait_for_news(one_stop, evenings, gateway, configure):
    """The sender of apologies does not wait for new rows, because the wait would delay the next evening."""
    configure(MOTCUA_LINGER="PT1S")
    assert "meanwhile" not in send_messages("run", EVERYTHING)


def test_unconfirmed_calendar_year_is_logged_and_makes_no_run_red(one_stop, evenings, rows, caplog):
    rows(READ_JUST_NOW)
    gate("run", EVERYTHING)
    assert "is not confirmed for khanh_hoa" in caplog.text


# -------------------------------------------------------------------------------------- the accounting identity


def test_identity_notices_a_planner_that_forgets_a_dossier(one_stop, evenings, rows):
    """If the planner forgets a dossier, the accounting identity must show that an apology is missing."""
    due(one_stop, THURSDAY, "A-1")
    due(one_stop, THURSDAY, "A-2", read_at=at(WEDNESDAY, "08:00"))
    evenings.run(at(WEDNESDAY))
    (balanced,) = summed_up(in_ledger(identity), "kind")
    assert (balanced.kind, balanced.expected, balanced.queued) == ("apology", 2, 2)
    assert in_ledger(identity, Window(at(THURSDAY), at(FRIDAY))) == []
    (of_the_day,) = in_ledger(identity, Window(at(WEDNESDAY), at(WEDNESDAY) + MINUTE))
    assert of_the_day.expected == 2
    forgotten = rows("SELECT message_id FROM motcua.messages ORDER BY message_id LIMIT 1")[0]["message_id"]
    rows("ALTER TABLE motcua.message_history DISABLE TRIGGER USER")
    rows("DELETE FROM motcua.message_history WHERE message_id = %s", forgotten)
    rows("DELETE FROM motcua.messages WHERE message_id = %s", forgotten)
    evenings.forgotten = 1
    (short,) = summed_up(in_ledger(identity), "kind")
    assert short.difference == 1


# ------------------------------------------------------------------------------------- how many apologies were right


def outcomes(now, first=date(2026, 11, 1), last=date(2026, 11, 30)):
    rows = in_ledger(forecast, first, last, now)
    return {(row.outcome, row.reason): row.dossiers for row in rows}


def test_forecast_tells_right_from_wrong_and_why_a_late_dossier_was_not_told(one_stop, evenings, gateway):
    """The report must count right and wrong apologies, and give the reason why a late dossier got no apology."""
    apologized = ("right", "wrong", "stopped", "back again", "moved")
    for code in (*apologized, "refused at the desk", "finished in time", "given back next day"):
        due(one_stop, THURSDAY, code)
    due(one_stop, THURSDAY, "no phone", applicant_phone=None)
    one_stop.move(9, "refused at the desk", at=at(WEDNESDAY, "12:00"))
    one_stop.move(9, "finished in time", at=at(WEDNESDAY, "12:00"))
    due(one_stop, date(2026, 12, 20), "set late", since=LONG_BEFORE, read_at=at(WEDNESDAY, "13:00"))
    evenings.run(at(WEDNESDAY, "17:30:05"))
    one_stop.move(9, "given back next day", at=at(WEDNESDAY, "17:31"))
    pick_up("khanhhoa", now=at(WEDNESDAY, "17:31:10"))
    send_at(at(WEDNESDAY, "17:31:20"))
    due(one_stop, THURSDAY, "set late", since=LONG_BEFORE, updated_at=at(WEDNESDAY, "18:00"))
    due(one_stop, date(2026, 12, 20), "moved", updated_at=at(THURSDAY, "09:00"))
    due(one_stop, THURSDAY, "not seen", since=at(WEDNESDAY, "19:00"))
    due(one_stop, THURSDAY, "same day", since=at(THURSDAY, "07:30"))
    one_stop.move(9, "wrong", at=at(THURSDAY, "09:00"))
    one_stop.move(9, "back again", at=at(THURSDAY, "09:00"))
    one_stop.move(4, "back again", at=at(THURSDAY, "15:00"), desk=False)
    one_stop.move(5, "stopped", at=at(THURSDAY, "10:00"), desk=False)
    one_stop.move(4, "refused at the desk", at=at(THURSDAY, "10:00"), desk=False)
    one_stop.move(4, "given back next day", at=at(THURSDAY, "10:00"), desk=False)
    one_stop.move(9, "right", at=at(FRIDAY, "09:00"))
    pick_up("khanhhoa", now=at(FRIDAY, "10:00"))
    assert outcomes(at(FRIDAY, "10:00")) == {
        ("right", None): 3,
        ("stopped", None): 1,
        ("wrong", None): 1,
        ("missed", "missing"): 1,
        ("missed", "other_status"): 1,
        ("missed", "cancelled"): 1,
        ("missed", "due_set_late"): 1,
        ("missed", "not_seen"): 1,
        ("missed", "same_day"): 1,
    }
    assert outcomes(at(THURSDAY, "23:59")) == {}, "a day is judged only when it is over"
    assert outcomes(at(FRIDAY, "10:00"), date(2026, 12, 1), date(2026, 12, 31)) == {}


def test_forecast_of_a_weekend_is_judged_on_the_effective_day(one_stop, evenings, gateway):
    """An apology for a due date on a weekend is judged right or wrong at the end of the next working day."""
    evenings.mode("working_day")
    saturday, monday = date(2026, 11, 28), date(2026, 11, 30)
    due(one_stop, saturday, read_at=at(FRIDAY, "08:00"))
    evenings.run(at(FRIDAY, "17:30:05"))
    send_at(at(FRIDAY, "17:30:06"))
    due(one_stop, date(2026, 12, 1), "unsettled", since=LONG_BEFORE)
    one_stop.move(9, at=at(monday, "09:00"))
    pick_up("khanhhoa", now=at(monday, "09:01"))
    assert outcomes(at(monday, "23:59")) == {}
    assert outcomes(at(date(2026, 12, 1), "00:00")) == {("wrong", None): 1}
    december = date(2026, 12, 1), date(2026, 12, 31)
    assert outcomes(at(date(2026, 12, 2), "08:00"), *december) == {("missed", "no_evening"): 1}


@pytest.mark.guarantee("apologies", "the list of apologies shown before 17:30 is what the evening then settles")
@pytest.mark.parametrize("mode", MODES)
def test_what_is_owed_is_told_before_the_evening_as_the_evening_then_judges(one_stop, evenings, rows, mode):
    """Staff must see before 17:30 exactly the apologies that the evening then plans, each by its agency's settings."""
    evenings.mode(mode)
    rows("UPDATE motcua.agencies SET kinds_off = '{apology}', kinds_off_reason = 'x' WHERE agency_code = %s", TU_PHAP)
    due(one_stop, THURSDAY, "kind off", agency_code=TU_PHAP)
    due(one_stop, THURSDAY, "told")
    due(one_stop, THURSDAY, "no number", applicant_phone="")
    due(one_stop, THURSDAY, "landline", applicant_phone="02583822001")
    due(one_stop, THURSDAY, "done", status_code=9)
    due(one_stop, THURSDAY, "clock stands", status_code=5)
    due(one_stop, THURSDAY, "handed in that day", since=at(THURSDAY, "08:00"))
    due(one_stop, FRIDAY, "later", since=LONG_BEFORE)
    due(one_stop, WEDNESDAY, "late already", read_at=at(WEDNESDAY, "09:00"))
    assert coming_evening(at(WEDNESDAY, "09:00")) == at(WEDNESDAY)
    assert coming_evening(at(WEDNESDAY)) == at(THURSDAY)
    owed = in_ledger(owed_tonight, at(WEDNESDAY), None)
    assert [each.reason for each in in_ledger(owed_tonight, at(WEDNESDAY), [TU_PHAP])] == ["kind_off"]
    assert {each.dossier_code for each in owed} == {"told", "no number", "landline", "kind off"}
    evenings.run(at(WEDNESDAY, "17:30:05"))
    forecast_outcomes = {each.dossier_code: ("queued" if each.is_told else "suppressed", each.reason) for each in owed}
    assert forecast_outcomes == evenings.outcomes
    assert in_ledger(owed_tonight, at(WEDNESDAY), None) == [], "a settled evening has no more apologies to come"


def test_letters_are_listed_for_dossiers_that_are_late_or_due_on_that_day(one_stop, evenings):
    """Staff get a list of the dossiers that need a letter of apology, without names and phone numbers.

    A newer step opens a dossier again, unless the dossier's row says that the result was handed over.
    """
    due(one_stop, WEDNESDAY, "late")
    due(one_stop, THURSDAY, "late tomorrow")
    due(one_stop, FRIDAY, "in time", since=LONG_BEFORE)
    due(one_stop, WEDNESDAY, "clock stands", status_code=5, read_at=at(WEDNESDAY, "08:00"))
    due(one_stop, date(2026, 11, 24), "moved once", since=LONG_BEFORE, read_at=at(WEDNESDAY, "09:00"))
    due(one_stop, WEDNESDAY, "moved once", since=at(WEDNESDAY, "09:30"))
    due(one_stop, WEDNESDAY, "opened again", status_code=9)
    one_stop.move(4, "opened again", at=at(WEDNESDAY, "10:00"))
    due(one_stop, WEDNESDAY, "handed over", status_code=9, returned_at=at(WEDNESDAY, "09:00"))
    one_stop.move(4, "handed over", at=at(WEDNESDAY, "10:00"))
    evenings.run(at(WEDNESDAY, "17:30:05"))
    listed = in_ledger(letters_needed, THURSDAY, None, 200)
    assert in_ledger(letters_needed, THURSDAY, [TU_PHAP], 200) == []
    assert [(letter.dossier_code, letter.days_late, letter.sms, letter.times_moved) for letter in listed] == [
        ("late", 1, None, 0),
        ("moved once", 1, None, 1),
        ("opened again", 1, None, 0),
        ("late tomorrow", 0, "queued", 0),
    ]
    assert not {"applicant_name", "applicant_phone", "msisdn"} & {field.name for field in fields(listed[0])}


def test_commands_speak_of_evenings_forecast_and_letters(one_stop, evenings):
    due(one_stop, THURSDAY, read_at=at(WEDNESDAY, "08:00"))
    evenings.run(at(WEDNESDAY, "17:30:05"))
    for words in (["evenings", "--days", "9000"], ["forecast", "--month", "2026-11"], ["letters"]):
        answer = type_command("apologies", *words, exits=None)
        assert answer.exit_code in (0, 1), answer.output
        assert "0905123456" not in answer.output
    type_command("apologies", "forecast", "--month", "November", exits=2)


# -------------------------------------------------------------------------------------------- three weeks of outages


@pytest.mark.guarantee(
    "apologies",
    "three random weeks of outages, reruns and backfills give exactly the apologies of an independent oracle",
)
def test_three_weeks_of_outages_yield_exactly_the_apologies_that_the_rules_name(postgres, ledger):
    short = [figure for figure in simulate(7, 21, postgres.admin_dsn, ledger) if not figure.ok]
    assert short == []


def test_a_pick_up_at_work_is_waited_for_before_an_evening_is_settled(one_stop, evenings, monkeypatch):
    due(one_stop, THURSDAY, read_at=at(WEDNESDAY, "08:00"))
    pick_up("khanhhoa", now=at(WEDNESDAY, "17:30:01"))
    monkeypatch.setattr(apologizing, "_PATIENCE", 0.2)
    with connect() as at_work:
        assert lock_source(at_work, "khanhhoa", wait=True)
        counts = apologize(now=at(WEDNESDAY, "17:30:05"))
        assert counts.waiting == {NHA_TRANG: "a source is being read"}
    assert apologize(now=at(WEDNESDAY, "17:30:30")).evenings == {"done": 1}


def test_day_that_is_closed_after_the_evening_before_it_leaves_nobody_out(one_stop, evenings, rows):
    """Each due dossier gets its apology, even if a day is closed after the evening before this day was settled.

    Thursday's evening counted Friday as a working day. A storm then closes the desk on Friday and on Monday.
    """
    monday, tuesday = date(2026, 11, 30), date(2026, 12, 1)

    def close(day):
        rows(
            "INSERT INTO motcua.calendar_days (agency_code, day, origin, opening, reason, authority)"
            " VALUES (%s, %s, 'agency', 'closed', 'Nghỉ bão', 'TB 1')",
            NHA_TRANG,
            day,
        )

    evenings.mode("working_day")
    for day in (FRIDAY, date(2026, 11, 28), monday, tuesday):
        due(one_stop, day, f"due {day}")
    pick_up("khanhhoa", now=at(WEDNESDAY, "08:00"))
    evenings.each(THURSDAY, THURSDAY)
    close(FRIDAY)
    owed = in_ledger(owed_tonight, at(FRIDAY), None)
    evenings.each(FRIDAY, date(2026, 11, 29))
    close(monday)
    evenings.each(monday, tuesday)
    assert evenings.planned == [
        (THURSDAY, FRIDAY), (FRIDAY, date(2026, 11, 28)), (FRIDAY, monday), (monday, tuesday),
    ]  # fmt: skip
    assert [each.due_day for each in owed] == [date(2026, 11, 28), monday], "the list shown before agrees"
    state = {day: evenings.record[day] for day in days(THURSDAY, tuesday)}
    assert list(state.values()) == ["done", "done", "day_off", "day_off", "done", "done"]
