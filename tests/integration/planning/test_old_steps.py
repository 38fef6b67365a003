"""Test old steps that are typed in late: such a step creates or cancels a message only if the dossier's row agrees.

A dossier is in the *condition* of a kind of message while it has the status of that kind at the one-stop desk.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import psycopg
import pytest

from motcua.domain.clock import VIETNAM
from motcua.domain.periods import Period
from motcua.domain.run_window import Window
from motcua.gateways.adapter import InquiryReading
from motcua.jobs.notices.answering import answer
from motcua.jobs.notices.apologizing import apologize
from motcua.jobs.notices.picking_up import pick_up
from motcua.jobs.notices.planning import plan
from motcua.jobs.notices.sending.sender import send
from motcua.jobs.notices.watching import sources_to_read
from motcua.jobs.reconciliation.closing import close_period, require_complete
from motcua.store.oversight.accounting import identity
from tests.ground import NOW, in_ledger, run_at, take_in

SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)
EVENING = datetime(2026, 11, 25, 17, 30, tzinfo=VIETNAM)
DUE = datetime(2026, 11, 26, 15, 0, tzinfo=VIETNAM)
LATE = 18 * HOUR
RESULT, SUPPLEMENT = (9, True), (5, True)
WORKED_ON = (4, False)


class Desk:
    """A helper that writes the rows and steps of one dossier, runs the jobs, and checks the dossier's messages."""

    def __init__(self, one_stop, rows, gateway):
        self.one_stop, self.rows, self.gateway = one_stop, rows, gateway
        self.row(WORKED_ON, NOW - 2 * HOUR)
        self.step(WORKED_ON, NOW - 2 * HOUR)

    def row(self, state, at):
        status, desk = state
        self.one_stop.dossier(
            status_code=status, at_one_stop_desk=desk, updated_at=at, due_at=DUE, received_at=NOW - 72 * HOUR
        )

    def step(self, state, at, *, typed=None, **changes):
        """Write a step that happened at ``at`` and was recorded at ``typed``, by default also at ``at``."""
        status, desk = state
        return self.one_stop.move(status, desk=desk, at=typed or at, occurred_at=at, **changes)

    def both(self, state, at, **typed):
        """Write a step that happened at ``at``, and the dossier's row with the same state."""
        self.step(state, at, **typed)
        self.row(state, at)

    def run(self, *moments):
        for moment in moments:
            run_at(moment)

    @property
    def messages(self):
        return [
            (row["kind"], row["state"], row["reason"])
            for row in self.rows("SELECT kind, state, reason FROM motcua.messages ORDER BY message_id")
            if row["kind"] in KINDS
        ]

    @property
    def texts(self):
        """Return the number of texts that the gateway was given."""
        return len(self.gateway.asked)

    def apologies(self):
        """Read the source and plan apologies on 25 November 2026 at 17:30; return the number of apologies."""
        pick_up("khanhhoa", now=EVENING + SECOND)
        apologize(now=EVENING + 2 * SECOND)
        return len(self.rows("SELECT 1 FROM motcua.messages WHERE kind = 'apology'"))

    def says_9029(self, at):
        reading = InquiryReading(message_id=f"{at}", sender="+84905123456", text="MCKH 160915001", sent_at=at)
        return in_ledger(answer, "kannel", reading, at).text

    def ends(self, *messages, texts, apologies=None, closes=True):
        """Check the result and supplement messages, and the numbers of sent texts and of apologies.

        The accounting identity must balance too, and with ``closes`` the closing of the day must be complete.
        """
        assert self.messages == list(messages)
        assert self.texts == texts
        if apologies is not None:
            assert self.apologies() == apologies
        assert [row for row in in_ledger(identity) if row.difference] == []
        if closes:
            closing = close_period(Period.parse("2026-11-25"), "tests", EVENING + 13 * HOUR).closing
            require_complete([closing.closing_no])


@pytest.fixture
def desk(one_stop, rows, gateway):
    return Desk(one_stop, rows, gateway)


KINDS = {"result": RESULT, "supplement": SUPPLEMENT}


@pytest.mark.guarantee(
    "what-fires", "an older step that is entered late creates or cancels a message only if the dossier's row agrees"
)
@pytest.mark.parametrize(("kind", "at_once"), [("result", True), ("supplement", False)])
@pytest.mark.parametrize("row_agrees", [False, True])
def test_old_step_takes_back_what_the_row_does_not_say_any_more_alone(desk, kind, at_once, row_agrees):
    """An old step that was typed in late cancels a message only if the dossier's row agrees with the step."""
    desk.step(KINDS[kind], NOW)
    desk.row(KINDS[kind], NOW + SECOND)
    if not at_once:
        take_in(now=NOW + 2 * SECOND)
    if row_agrees:
        # The row has the time of the old step, so by this time alone the row would not count as newer than the result.
        desk.row(WORKED_ON, NOW - LATE)
    desk.step(WORKED_ON, NOW - LATE, typed=NOW + 5 * SECOND)
    if row_agrees:
        desk.rows("UPDATE motcua.dossiers SET updated_at = NULL")
    desk.run(NOW + 10 * SECOND)
    assert desk.texts == 0
    if not row_agrees:
        assert desk.messages == [(kind, "queued", "old_step")], (
            "the message waits until the dossier's row is read again"
        )
    desk.run(NOW + 5 * MINUTE + 6 * SECOND)
    if row_agrees:
        desk.ends((kind, "cancelled", "taken_back"), texts=0, apologies=1)
    else:
        desk.ends((kind, "accepted", None), texts=1, apologies=0)


@pytest.mark.guarantee(
    "what-fires",
    "after the text about a result, no older step causes an apology or changes the answer to a text to 9029",
)
def test_citizen_who_was_told_gets_no_apology_and_9029_says_the_same(desk):
    desk.step(RESULT, NOW)
    desk.row(RESULT, NOW + SECOND)
    desk.run(NOW + 2 * SECOND)
    ready = desk.says_9029(NOW + 3 * SECOND)
    desk.step(WORKED_ON, NOW - LATE, typed=NOW + 5 * SECOND, to_step="Đang xử lý")
    for later in (10 * SECOND, 6 * MINUTE):
        desk.run(NOW + later)
        assert desk.says_9029(NOW + later) == ready
    desk.ends(("result", "accepted", None), texts=1, apologies=0)


@pytest.mark.guarantee(
    "what-fires", "an older step that is entered late creates or cancels a message only if the dossier's row agrees"
)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("row_agrees", [True, False])
def test_old_step_into_the_condition_is_told_where_the_row_agrees_and_else_the_apology_goes(desk, kind, row_agrees):
    """An old step leads to a message only if the row agrees; otherwise the citizen gets the apology."""
    desk.both(WORKED_ON, NOW)
    desk.run(NOW + SECOND)
    desk.step(KINDS[kind], NOW - LATE, typed=NOW + 5 * SECOND)
    if row_agrees:
        desk.row(KINDS[kind], NOW + 5 * SECOND)
    desk.run(NOW + 10 * SECOND)
    assert desk.texts == 0
    desk.run(NOW + 6 * MINUTE)
    if row_agrees:
        desk.ends((kind, "accepted", None), texts=1, apologies=0)
    else:
        desk.ends((kind, "cancelled", "outdated"), texts=0, apologies=1)


def test_row_that_leaves_after_an_old_step_did_not_count_takes_it_back(desk, rows):
    """A dossier's row without the condition must cancel the message, even if an earlier old step did not cancel it."""
    rows("UPDATE motcua.agencies SET result_hold = '8 minutes'")
    desk.both(RESULT, NOW)
    desk.step(WORKED_ON, NOW - LATE, typed=NOW + 5 * SECOND)
    desk.run(NOW + 10 * SECOND, NOW + 6 * MINUTE)
    desk.row(WORKED_ON, NOW + 7 * MINUTE)
    desk.run(NOW + 7 * MINUTE + SECOND, NOW + 9 * MINUTE)
    desk.ends(("result", "cancelled", "taken_back"), texts=0, apologies=1, closes=False)


def test_row_that_the_source_dropped_is_asked_for_less_and_less_and_wakes_no_run_for_ever(desk, rows):
    """If a source deleted a dossier, the wait of an old step for the dossier's row must end after a week."""
    desk.both(RESULT, NOW)
    desk.step(WORKED_ON, NOW - LATE, typed=NOW + 5 * SECOND)
    desk.run(NOW + 10 * SECOND)
    desk.one_stop.connection.execute("DELETE FROM onestop.dossiers")
    desk.run(NOW + 6 * MINUTE)
    assert rows("SELECT ask_at FROM motcua.old_steps") == [{"ask_at": NOW + 11 * MINUTE}]
    desk.run(NOW + timedelta(days=8))
    assert rows("SELECT ask_at, version_id FROM motcua.old_steps") == [{"ask_at": None, "version_id": None}]


def test_run_is_woken_to_read_the_row_that_an_old_step_waits_for(desk):
    """Five minutes after an old step, the source must be read again for the dossier's row, even if nothing is new."""
    desk.both(RESULT, NOW)
    desk.step(WORKED_ON, NOW - LATE, typed=NOW + 5 * SECOND)
    desk.run(NOW + 10 * SECOND)
    assert sources_to_read(NOW + 4 * MINUTE).names == []
    desk.run(NOW + 4 * MINUTE)
    assert sources_to_read(NOW + 5 * MINUTE + 5 * SECOND).names == ["khanhhoa"]
    desk.run(NOW + 5 * MINUTE + 5 * SECOND)
    assert sources_to_read(NOW + 5 * MINUTE + 6 * SECOND).names == []


def test_backfill_sends_no_second_message_because_of_an_old_step(desk):
    desk.both(RESULT, NOW)
    desk.step(WORKED_ON, NOW - LATE, typed=NOW + 5 * SECOND)
    desk.run(NOW + 10 * SECOND, NOW + 6 * MINUTE)
    window = Window(NOW - MINUTE, NOW + MINUTE)
    for _ in range(2):
        pick_up("khanhhoa", window, now=NOW + HOUR)
        plan(window, now=NOW + HOUR)
        send("backfill", window, clock=lambda: NOW + HOUR)
    assert desk.messages == [("result", "accepted", None)]
    assert desk.texts == 1


def test_what_was_recorded_before_the_rule_keeps_the_one_that_held_then(desk, rows):
    """An old step from before the rule on old steps began counts without the row: closed periods must not change."""
    rows("UPDATE motcua.rule_dates SET since = %s", NOW + MINUTE)
    desk.both(RESULT, NOW)
    desk.step(WORKED_ON, NOW - LATE, typed=NOW + 5 * SECOND)
    desk.run(NOW + 10 * SECOND)
    assert desk.messages == [("result", "cancelled", "taken_back")]
    assert rows("SELECT * FROM motcua.old_steps") == []


def test_evening_is_counted_by_what_was_known_of_old_steps_then(desk):
    """A row that agrees with the old step only after the evening was settled must not change that evening's figures."""
    desk.both(RESULT, NOW)
    desk.run(NOW + SECOND)
    desk.step(WORKED_ON, NOW - LATE, typed=EVENING - MINUTE)
    assert desk.apologies() == 0
    desk.row(WORKED_ON, EVENING + MINUTE)
    desk.run(EVENING + 6 * MINUTE)
    desk.ends(*desk.messages, texts=1)


def test_judgement_is_written_once(desk, rows):
    """The stored judgement of an old step cannot be changed or deleted."""
    desk.both(RESULT, NOW)
    desk.step(WORKED_ON, NOW - LATE, typed=NOW + 5 * SECOND)
    desk.run(NOW + 10 * SECOND, NOW + 6 * MINUTE)
    assert rows("SELECT has_force FROM motcua.old_steps") == [{"has_force": False}]
    for change in ("UPDATE motcua.old_steps SET has_force = TRUE", "DELETE FROM motcua.old_steps"):
        with pytest.raises(psycopg.DatabaseError, match=r"fixed|append-only"):
            rows(change)
