"""Test ledgers that were restored to an earlier state: no citizen is texted twice, and none is left out.

A gap is a time of which the ledger lacks data. The journal, a folder outside the ledger, has a line for each attempt to
send. The watch is a process outside Airflow that checks the system.
"""

from __future__ import annotations

import shutil
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from motcua.domain.run_window import EVERYTHING, Window
from motcua.jobs.notices.picking_up import pick_up
from motcua.jobs.notices.planning import plan
from motcua.jobs.notices.receiving import read_left_over_receipts
from motcua.jobs.notices.sending.sender import send
from motcua.jobs.notices.settling import settle
from motcua.jobs.notices.stopping import release
from motcua.jobs.restoring import close_by_hand, hold_what_went_back
from motcua.jobs.tasks.notify_transitions import gate
from motcua.settings import settings
from motcua.store.journal import Journal, JournalFailed, open_journal
from motcua.store.ledger.database import connect
from tests.ground import NOW, in_ledger, receive, red_gate, run_at, send_at, take_in, type_command
from tests.integration.restoring.conftest import MINUTE, balances, close, event, once_each, times_texted


def receipt(reference, status="1"):
    return in_ledger(receive, reference, status)


@pytest.mark.guarantee(
    "restored",
    "a restored ledger repeats no message of its journal and sends all others; `motcua gaps` lists this gap at once",
)
def test_what_was_told_in_the_gap_is_not_told_again_and_the_rest_is(one_stop, gateway, restorable, states):
    event(one_stop, *range(10))
    take_in()
    restorable.keep()
    # After the copy the queued messages are sent. One request gets no answer and one a 503. New results come too.
    gateway.answer_to = lambda asked: {"003": "hang", "004": (503, "busy")}.get(
        asked["to"][-3:], (202, "0: Accepted for delivery")
    )
    event(one_stop, *range(10, 15), at=NOW + MINUTE)
    run_at(NOW + MINUTE)
    assert sum(times_texted(gateway).values()) == 15
    left = len(open_journal().tail())
    gateway.answer_to = None
    event(one_stop, *range(15, 20), at=NOW + 3 * MINUTE)

    restorable.put_back()
    assert [state for state, _ in states().values()] == ["queued"] * 10
    assert f"behind its journal: {left} attempt(s)" in type_command("gaps", "list", exits=1).output
    assert run_at(NOW + 5 * MINUTE).gap is None
    assert "behind its journal" not in type_command("gaps", "list").output
    # Number 4, whose 503 shows that it got nothing, is texted once more. Numbers never texted before are texted once.
    assert times_texted(gateway) == once_each(*range(20), 4)
    assert states()["D-3"] == ("unknown", "restored")
    assert {states()[f"D-{number}"] for number in (0, 1, 2, *range(5, 15))} == {("accepted", "restored")}
    assert {states()[f"D-{number}"] for number in (4, *range(15, 20))} == {("accepted", None)}
    assert balances()
    (gap,) = restorable.rows("SELECT * FROM motcua.gaps")
    known = ("kind", "lost_attempts", "held_messages", "closed_by")
    assert [gap[name] for name in known] == ["behind_journal", left, 20, "run"]
    # A further run must send nothing.
    run_at(NOW + 6 * MINUTE)
    assert sum(times_texted(gateway).values()) == 21


@pytest.mark.guarantee("restored", "receipts of messages that were sent in the gap count, whenever they arrive")
def test_receipts_of_the_gap_count_whenever_they_come(one_stop, gateway, restorable, states):
    event(one_stop, *range(3))
    take_in()
    restorable.keep()
    send_at(NOW)
    references = {row["to"][-3:]: row["dlr-url"].partition("reference=")[2][:32] for row in gateway.asked}
    restorable.put_back()
    assert receipt(references["000"]) == "unknown_reference"
    run_at(NOW + MINUTE)
    read_left_over_receipts()
    assert states()["D-0"][0] == "delivered"
    assert receipt(references["001"], "2") == "applied"
    assert states()["D-1"][0] == "undelivered"
    assert states()["D-2"] == ("accepted", "restored")
    assert balances()


@pytest.mark.guarantee(
    "restored",
    "until a gap is examined no message is sent or settled; messages are held with a reason, and runs are red",
)
@pytest.mark.guarantee(
    "restored",
    "without its journal, each message that may have been sent becomes `unknown`, and people decide on its release",
)
def test_ledger_without_its_journal_sends_nothing_until_people_decide_and_release(
    one_stop, gateway, restorable, states
):
    event(one_stop, 0)
    run_at()
    event(one_stop, 1, at=NOW + MINUTE)
    take_in(now=NOW + MINUTE)
    shutil.rmtree(settings().journal_folder)
    counts = send_at(NOW + 2 * MINUTE)
    assert "journal that is not here" in counts.gap
    assert settle("later", clock=lambda: NOW + 2 * MINUTE).gap == counts.gap
    assert len(gateway.asked) == 1
    assert states()["D-1"] == ("queued", "restored")
    with red_gate(r"gap 1: .*motcua gaps close"):
        gate("later", EVERYTHING)
    event(one_stop, 2, at=NOW + 3 * MINUTE)
    run_at(NOW + 3 * MINUTE)
    assert len(gateway.asked) == 1
    listed = " ".join(type_command("gaps", "list", exits=1).output.split())
    assert 'motcua gaps close 1 --as-department --reason "…" with --sent-until' in listed

    close("--sent-until", "2026-11-25T10:04")
    # D-4 is recorded in the gap, D-3 after it.
    event(one_stop, 4, at=NOW + 3 * MINUTE)
    event(one_stop, 3, at=NOW + 5 * MINUTE)
    run_at(NOW + 6 * MINUTE)
    assert [asked["to"][-3:] for asked in gateway.asked] == ["000", "003"]
    assert states()["D-1"] == states()["D-2"] == states()["D-4"] == ("unknown", "restored")
    settle("settling", clock=lambda: NOW + 20 * MINUTE)
    assert states()["D-1"] == ("unknown", "restored")

    assert len(release("lan", "chưa nhận được tin", now=NOW + 21 * MINUTE)) == 3
    run_at(NOW + 22 * MINUTE)
    assert times_texted(gateway) == once_each(*range(5))
    assert balances()


def test_gap_cannot_be_closed_for_messages_of_the_future(one_stop, gateway, restorable, states):
    """If a later day is typed by mistake, no message that was recorded after the gap was closed becomes unknown."""
    event(one_stop, 0)
    run_at()
    shutil.rmtree(settings().journal_folder)
    send_at(NOW + MINUTE)
    with connect() as ledger:
        a_month_later, now = NOW + timedelta(days=30), NOW + 2 * MINUTE
        close_by_hand(ledger, 1, closed_by="lan", reason="tra lời", sent_until=a_month_later, now=now)
    event(one_stop, 1, at=NOW + 5 * MINUTE)
    run_at(NOW + 6 * MINUTE)
    assert states()["D-1"] == ("accepted", None)


def test_lines_that_were_written_while_the_clock_was_ahead_hide_no_lost_attempt(one_stop, gateway, restorable, states):
    event(one_stop, 0)
    run_at()
    # Change the journal as if the clock had been years ahead: its lines are then in the journal's last file.
    (file,) = settings().journal_folder.glob("*.jsonl")
    file.rename(file.with_name("2126-11-25.jsonl"))
    ahead = file.with_name("2126-11-25.jsonl")
    ahead.write_text(ahead.read_text().replace('"2026-', '"2126-'))
    event(one_stop, 1, at=NOW + MINUTE)
    take_in(now=NOW + MINUTE)
    restorable.keep()
    send_at(NOW + MINUTE)
    restorable.put_back()
    assert "behind its journal: 1 attempt(s)" in type_command("gaps", "list", exits=1).output
    run_at(NOW + 5 * MINUTE)
    assert times_texted(gateway) == once_each(0, 1)


@pytest.mark.guarantee("restored", "when a lost journal is put back, the next run reads it and sending goes on")
def test_journal_that_is_put_back_is_read(one_stop, gateway, restorable, states, tmp_path):
    event(one_stop, *range(2))
    take_in()
    send_at(NOW)
    event(one_stop, 2, at=NOW + MINUTE)
    take_in(now=NOW + MINUTE)
    restorable.keep()
    send_at(NOW + MINUTE)
    away = tmp_path / "away"
    shutil.move(settings().journal_folder, away)
    restorable.put_back()
    assert send_at(NOW + 2 * MINUTE).gap is not None
    shutil.rmtree(settings().journal_folder, ignore_errors=True)
    shutil.move(away, settings().journal_folder)
    assert send_at(NOW + 3 * MINUTE).gap is None
    assert times_texted(gateway) == once_each(0, 1, 2)
    assert states()["D-2"] == ("accepted", "restored")


def test_ledger_restored_from_before_its_first_journal_repeats_no_message(one_stop, gateway, restorable, states):
    """A ledger copied before its first sending has no journal on record. Its restore must not text a citizen twice."""
    event(one_stop, 0, 1)
    take_in()
    restorable.keep()
    send_at(NOW)
    restorable.put_back()
    assert restorable.rows("SELECT * FROM motcua.journals") == []
    run_at(NOW + MINUTE)
    assert times_texted(gateway) == once_each(0, 1)
    assert len(restorable.rows("SELECT * FROM motcua.journals")) == 1


@pytest.mark.guarantee(
    "restored", "a message that was sent in the gap is not mistaken for an earlier message of the same dossier"
)
@pytest.mark.parametrize(("read_again", "by_row"), [("nothing", True), ("unplanned", False), ("planned", True)])
def test_second_result_that_was_told_in_the_gap_is_not_taken_for_the_first(
    one_stop, gateway, restorable, read_again, by_row
):
    def row(status: int, at: datetime) -> None:
        one_stop.dossier(
            "D-8", applicant_phone="0905123008", status_code=status, at_one_stop_desk=status == 9, updated_at=at
        )

    def comes_back(at: datetime) -> None:
        row(9, at)
        if not by_row:
            one_stop.move(9, "D-8", at=at)

    row(4, NOW - MINUTE)
    one_stop.move(9, "D-8", at=NOW)
    row(9, NOW)
    run_at(NOW + MINUTE)
    assert times_texted(gateway) == once_each(8)
    restorable.keep()
    one_stop.move(4, "D-8", at=NOW + 30 * MINUTE, desk=False)
    row(4, NOW + 30 * MINUTE)
    run_at(NOW + 31 * MINUTE)
    comes_back(NOW + 40 * MINUTE)
    run_at(NOW + 41 * MINUTE)
    assert times_texted(gateway) == once_each(8, 8)
    restorable.put_back()
    later = NOW + 45 * MINUTE
    if read_again != "nothing":
        pick_up("khanhhoa", now=later)
    if read_again == "planned":
        plan(now=later)
    settle("settle", clock=lambda: later)
    run_at(NOW + 46 * MINUTE)
    run_at(NOW + 47 * MINUTE)
    assert times_texted(gateway) == once_each(8, 8)
    assert balances()


@pytest.mark.guarantee(
    "restored", "an event that was told in the gap gets no second message if it now begins at another step"
)
def test_occasion_that_begins_at_another_step_now_is_not_told_again(one_stop, gateway, restorable, states):
    one_stop.dossier("D-7", applicant_phone="0905123007")
    pick_up("khanhhoa", now=NOW)
    restorable.keep()
    # In the gap only the dossier's row showed the result. Its transition comes later.
    one_stop.dossier("D-7", applicant_phone="0905123007", status_code=9, at_one_stop_desk=True, updated_at=NOW + MINUTE)
    run_at(NOW + 2 * MINUTE)
    assert times_texted(gateway) == once_each(7)
    one_stop.move(9, "D-7", at=NOW + MINUTE)
    restorable.put_back()
    run_at(NOW + 3 * MINUTE)
    run_at(NOW + 4 * MINUTE)
    assert times_texted(gateway) == once_each(7)
    assert states()["D-7"] == ("accepted", "restored")
    # A dossier that leaves the desk and returns later has a new occasion.
    one_stop.move(4, "D-7", at=NOW + 30 * MINUTE, desk=False)
    one_stop.move(9, "D-7", at=NOW + 40 * MINUTE)
    one_stop.dossier(
        "D-7", applicant_phone="0905123007", status_code=9, at_one_stop_desk=True, updated_at=NOW + 40 * MINUTE
    )
    run_at(NOW + 41 * MINUTE)
    assert times_texted(gateway) == once_each(7, 7)


def test_message_whose_phone_was_mended_in_the_gap_is_not_told_again(one_stop, gateway, restorable, states):
    one_stop.both(9, "D-8", applicant_phone="không có")
    run_at()
    assert states()["D-8"][0] == "suppressed"
    restorable.keep()
    mended = {"applicant_phone": "0905123008", "updated_at": NOW + MINUTE, "phone_entered_at": NOW + MINUTE}
    one_stop.dossier("D-8", status_code=9, at_one_stop_desk=True, **mended)
    run_at(NOW + 2 * MINUTE)
    assert times_texted(gateway) == once_each(8)
    restorable.put_back()
    run_at(NOW + 3 * MINUTE)
    run_at(NOW + 4 * MINUTE)
    assert times_texted(gateway) == once_each(8)
    assert states()["D-8"] == ("accepted", "restored")
    assert balances()


@pytest.mark.guarantee("restored", "no request leaves without its line in the journal")
def test_nothing_leaves_that_the_journal_could_not_take(one_stop, gateway, states, monkeypatch):
    event(one_stop, *range(5))
    take_in()
    whole = Journal.write

    def full(self, departures, answers, now):
        if departures:
            raise JournalFailed("no room")
        whole(self, departures, answers, now)

    with monkeypatch.context() as patch:
        patch.setattr(Journal, "write", full)
        with pytest.raises(JournalFailed, match="no room"):
            send_at(NOW)
    assert gateway.asked == []
    assert {state for state, _ in states().values()} == {"queued"}
    send_at(NOW + MINUTE)
    assert times_texted(gateway) == once_each(*range(5))


def test_each_request_has_its_line_in_the_journal_before_it_leaves(one_stop, gateway):
    missing = []

    def look(asked):
        reference = asked["dlr-url"].partition("reference=")[2][:32]
        if reference not in "".join(path.read_text() for path in Path(settings().journal_folder).glob("*.jsonl")):
            missing.append(reference)

    gateway.before_answer = look
    event(one_stop, *range(30))
    run_at()
    assert len(gateway.asked) == 30
    assert missing == []


@pytest.mark.guarantee(
    "restored",
    "a watch elsewhere notices a machine that was restored with its journal, and messages are held for people",
)
def test_what_only_the_watch_noticed_is_held_for_people(one_stop, gateway, restorable, states):
    event(one_stop, 0)
    run_at()
    with connect() as ledger:
        hold_what_went_back(ledger, 7, NOW, NOW + MINUTE)
    event(one_stop, 1, at=NOW + MINUTE)
    assert "motcua gaps close" in run_at(NOW + 2 * MINUTE).gap
    assert len(gateway.asked) == 1
    close("--sent-until", "2026-11-25T10:01:30")
    event(one_stop, 2, at=NOW + 3 * MINUTE)
    run_at(NOW + 4 * MINUTE)
    assert times_texted(gateway) == once_each(0, 2)
    assert states()["D-1"] == ("unknown", "restored")


def test_gap_that_the_watch_noticed_first_is_explained_by_the_journal(one_stop, gateway, restorable, states):
    """If the watch notices a gap before a run does, the journal still explains the gap and no person is asked."""
    event(one_stop, 0)
    take_in()
    restorable.keep()
    send_at(NOW)
    restorable.put_back()
    with connect() as ledger:
        hold_what_went_back(ledger, 1, NOW, NOW + MINUTE)
    assert run_at(NOW + 2 * MINUTE).gap is None
    assert times_texted(gateway) == once_each(0)
    assert states()["D-0"] == ("accepted", "restored")
    with connect() as ledger:
        hold_what_went_back(ledger, 1, NOW, NOW + 3 * MINUTE)
    assert run_at(NOW + 4 * MINUTE).gap is None, "the watch may not report a gap again that the journal explained"


@pytest.mark.guarantee(
    "restored", "the answers to attempts that were in flight in the backup are read from the journal"
)
def test_answers_to_attempts_that_the_dump_held_in_flight_are_read(one_stop, gateway, restorable, states):
    event(one_stop, *range(4))
    take_in()
    gateway.answer_to = lambda asked: {"001": "hang", "002": (503, "busy")}.get(
        asked["to"][-3:], (202, "0: Accepted for delivery")
    )
    send_at(NOW)
    gateway.answer_to = None
    # Set the rows as in a dump that was made before the first answer was committed.
    restorable.rows(
        "SET session_replication_role = replica;"
        "UPDATE motcua.attempts SET state = 'in_flight', outcome = NULL, answered_at = NULL, gateway_code = NULL,"
        " http_status = NULL, concerns = NULL, settle_at = NULL;"
        "UPDATE motcua.messages SET state = 'sending', reason = NULL, accepted_at = NULL"
    )
    run_at(NOW + MINUTE)
    assert states()["D-0"] == states()["D-3"] == ("accepted", None)
    # The journal has no answer for D-1. D-2 got a 503, so its message is sent once more.
    assert states()["D-1"][0] == "unknown"
    assert states()["D-2"] == ("accepted", None)
    assert times_texted(gateway) == once_each(0, 1, 2, 2, 3)
    assert balances()


@pytest.mark.guarantee(
    "restored", "messages of a gap that a damaged journal shows only in part are held until a person decides"
)
@pytest.mark.parametrize("damage", ["gone", "unreadable"])
def test_gap_that_a_damaged_journal_tells_in_part_is_decided_by_people(one_stop, gateway, restorable, states, damage):
    event(one_stop, 0, 1)
    take_in()
    send("first", Window(NOW - MINUTE, NOW), clock=lambda: NOW)
    restorable.keep()
    send_at(NOW)
    event(one_stop, 2, at=NOW + MINUTE)
    day = timedelta(days=1)
    run_at(NOW + day)
    first = Path(settings().journal_folder) / "2026-11-25.jsonl"
    if damage == "gone":
        first.unlink()
    else:
        first.write_text("x" + first.read_text()[1:])
    restorable.put_back()
    later = NOW + day + MINUTE
    assert "damaged" in run_at(later).gap
    assert max(times_texted(gateway).values()) == 1
    event(one_stop, 3, at=later + MINUTE)
    assert run_at(later + 2 * MINUTE).gap is not None
    assert times_texted(gateway) == once_each(*range(4))
    listed = type_command("gaps", "list", exits=1)
    assert "The journal is damaged" in listed.output
    close("--put-back")
    run_at(later + 3 * MINUTE)
    assert max(times_texted(gateway).values()) == 1
    assert balances()
