"""Test ledgers that slept: nothing ran for ten minutes or more.

The disk may have been restored together with the journal, which has a line for each attempt to send. So messages are
held until a watch or a person confirms that nothing was restored. A watch is a process outside Airflow that checks the
system.
"""

from __future__ import annotations

import shutil
from datetime import datetime, timedelta

import pytest

from motcua.domain.run_window import EVERYTHING, Window
from motcua.domain.watching.elsewhere import Met
from motcua.jobs.notices.apologizing import apologize
from motcua.jobs.notices.sending import heartbeat
from motcua.jobs.notices.settling import settle
from motcua.jobs.tasks.apologize_due_tomorrow import read_source
from motcua.jobs.watching.elsewhere import OutsideWatch, address_of_server
from motcua.jobs.watching.watch import Watch
from motcua.settings import settings
from motcua.store.notices.gaps import doubt_sleeps
from motcua.web import callbacks
from tests.ground import NOW, Served, in_ledger, run_at, send_at, take_in, type_command
from tests.integration.restoring.conftest import MINUTE, balances, close, event, once_each, times_texted
from tests.integration.watching.conftest import ASKED_OFTEN


@pytest.fixture(autouse=True)
def sleeps_are_doubted(one_stop, restorable):
    """Withdraw the signed statement that this disk is never restored; other tests need it because their clocks jump."""
    assert in_ledger(doubt_sleeps, "tests", NOW)


@pytest.fixture
def own_watch(configure, tmp_path):
    """Return a function that runs the server's own watch once a minute from one moment to another.

    The function returns the keys of the raised alerts about the ledger.
    """

    def look(start, end=None):
        configure(MOTCUA_WATCH=str(tmp_path / "own"), MOTCUA_WATCH_BACKUP_AGE="0")
        moment = start
        while moment <= (end or start):
            state = Watch(settings(), lambda at=moment: at, ASKED_OFTEN).once()
            moment += MINUTE
        return {key for key, alert in state.alerts.items() if alert.raised_at is not None and "ledger" in key}

    return look


@pytest.fixture
def elsewhere(one_stop, restorable, configure, tmp_path):
    """Return a function that runs a watch on another machine once a minute from one moment to another.

    The watch asks the page of the callbacks app. The function returns the watch's state.
    """

    def look(start, end=None):
        configure(
            MOTCUA_METRICS_SECRET="outside-word-9",
            MOTCUA_WATCH=str(tmp_path / "elsewhere"),
            MOTCUA_WATCH_WEBHOOK="http://127.0.0.1:1/",
        )
        moment = start
        # The app runs only during the checks, because its connections would block the restore of the ledger.
        with Served(callbacks.create_standalone()) as server:
            configure(MOTCUA_WATCH_ADDRESS=address_of_server(server.url, "outside-word-9"))
            while moment <= (end or start):
                state = OutsideWatch(clock=lambda at=moment: at).once()
                moment += MINUTE
        return state

    return look


class Machine:
    """A machine whose ledger and journal can be copied at one moment and restored together."""

    def __init__(self, restorable, folder):
        self.restorable, self.kept = restorable, folder / "journal-then"

    def keep(self):
        self.restorable.keep()
        shutil.copytree(settings().journal_folder, self.kept)

    def put_back(self):
        self.restorable.put_back()
        shutil.rmtree(settings().journal_folder)
        shutil.copytree(self.kept, settings().journal_folder)


@pytest.fixture
def machine(restorable, tmp_path):
    return Machine(restorable, tmp_path)


def motcua(*words):
    done = type_command(*words, exits=None)
    return done.exit_code, done.output


def lived_and_put_back(one_stop, machine):
    """Copy the machine with three queued messages, send these and two more, then restore the copy.

    Return the moment of the restore, an hour later.
    """
    run_at()
    event(one_stop, *range(3))
    take_in()
    machine.keep()
    event(one_stop, 3, 4, at=NOW + MINUTE)
    run_at(NOW + 2 * MINUTE)
    machine.put_back()
    return NOW + 62 * MINUTE


@pytest.mark.guarantee(
    "slept",
    "after a disk and its journal are restored, earlier events are held, later ones announced; nobody is texted twice",
)
def test_put_back_disk_without_a_watch_doubles_nobody(one_stop, gateway, machine, states):
    woke = lived_and_put_back(one_stop, machine)
    assert times_texted(gateway) == once_each(*range(5))
    event(one_stop, 5, at=woke + MINUTE)
    counts = run_at(woke)
    assert "may have been put back" in counts.gap
    assert run_at(woke + 2 * MINUTE).gap == counts.gap
    assert times_texted(gateway) == once_each(*range(6))
    assert {states()[f"D-{number}"] for number in range(5)} == {("queued", "slept")}
    assert states()["D-5"][0] == "accepted"
    assert balances()
    # Neither settling nor a backfill may release held messages.
    assert settle("settling", clock=lambda: woke + 3 * MINUTE).gap == counts.gap
    run_at(woke + 4 * MINUTE, Window(NOW - MINUTE, NOW + 5 * MINUTE))
    assert sum(times_texted(gateway).values()) == 6

    close("--put-back")
    run_at(woke + 5 * MINUTE)
    assert sum(times_texted(gateway).values()) == 6
    assert {states()[f"D-{number}"] for number in range(5)} == {("unknown", "restored")}
    # An event that was recorded before the restore but is planned only now must be held too.
    one_stop.both(9, "D-6", at=NOW + 3 * MINUTE, applicant_phone="0905123006")
    run_at(woke + 6 * MINUTE)
    assert sum(times_texted(gateway).values()) == 6
    assert balances()


@pytest.mark.guarantee("slept", "a person's signed statement that the server was only off releases all held messages")
def test_server_that_was_only_off_sends_after_one_word(one_stop, gateway, restorable, states):
    run_at()
    event(one_stop, 0, at=NOW + MINUTE)
    take_in(now=NOW + MINUTE)
    woke = NOW + 8 * 60 * MINUTE
    event(one_stop, 1, at=NOW + 30 * MINUTE)
    run_at(woke)
    assert not gateway.asked
    code, words = motcua("gaps", "list")
    assert code == 1
    assert '--as-department --reason "…" --nothing-sent' in words
    close("--nothing-sent")
    assert run_at(woke + MINUTE).gap is None
    assert times_texted(gateway) == once_each(0, 1)
    (gap,) = restorable.rows("SELECT kind, held_messages, closed_by, reason, slept_since FROM motcua.gaps")
    assert (gap["kind"], gap["reason"], gap["slept_since"]) == ("slept", "tra lời", NOW)
    assert gap["closed_by"]


@pytest.mark.guarantee("slept", "after a power cut or a shutdown of less than ten minutes no message is held")
def test_short_power_cut_costs_nothing(one_stop, gateway, restorable):
    run_at()
    event(one_stop, 0, at=NOW + MINUTE)
    assert run_at(NOW + 10 * MINUTE).gap is None
    assert len(gateway.asked) == 1


def test_ledger_that_sent_nothing_yet_has_not_slept(one_stop, gateway, restorable):
    """Time before the first agency is enabled is no sleep. Otherwise the first messages would be held."""
    restorable.rows("UPDATE motcua.agencies SET enabled_from = NULL")
    run_at()
    restorable.rows("UPDATE motcua.agencies SET enabled_from = %s", NOW + 60 * MINUTE)
    event(one_stop, 0, at=NOW + 61 * MINUTE)
    restorable.rows("UPDATE motcua.agencies SET enabled_from = %s", NOW + 59 * MINUTE)
    restorable.rows("DELETE FROM motcua.sender_life")
    assert run_at(NOW + 62 * MINUTE).gap is None
    assert len(gateway.asked) == 1


@pytest.mark.guarantee(
    "slept",
    "a signed statement that this disk is never restored prevents later holds, until the statement is withdrawn",
)
def test_signed_disk_is_believed_until_that_is_taken_back(one_stop, gateway, restorable):
    code, words = motcua("gaps", "believe", "--reason", "máy vật lý, không chụp ổ đĩa", "--as-department")
    assert code == 0, words
    run_at()
    event(one_stop, 0, at=NOW + MINUTE)
    assert run_at(NOW + 60 * MINUTE).gap is None
    assert len(gateway.asked) == 1
    assert "không chụp ổ đĩa" in motcua("gaps", "list")[1]
    assert motcua("gaps", "doubt", "--as-department")[0] == 0
    event(one_stop, 1, at=NOW + 61 * MINUTE)
    assert run_at(NOW + 120 * MINUTE).gap is not None
    assert len(gateway.asked) == 1


@pytest.mark.guarantee(
    "slept", "a watch elsewhere that stayed awake confirms within a minute that the ledger only slept"
)
def test_watch_elsewhere_vouches_for_a_server_that_was_only_off(one_stop, gateway, restorable, elsewhere):
    elsewhere(NOW - 5 * MINUTE, NOW - MINUTE)
    run_at()
    event(one_stop, 0, at=NOW + MINUTE)
    woke = NOW + 20 * MINUTE
    elsewhere(NOW, woke - MINUTE)
    assert run_at(woke).gap is not None
    elsewhere(woke + MINUTE)
    assert run_at(woke + 2 * MINUTE).gap is None
    assert len(gateway.asked) == 1
    (gap,) = restorable.rows("SELECT closed_by, reason FROM motcua.gaps")
    assert gap == {
        "closed_by": "outside watch",
        "reason": "the watch stayed awake and saw no later state of the ledger",
    }


@pytest.mark.guarantee("slept", "if a watch elsewhere confirms that a server was only off, no alert is mailed")
def test_own_watch_hears_the_one_elsewhere_before_it_tells_anybody(one_stop, gateway, restorable, elsewhere, own_watch):
    elsewhere(NOW - 5 * MINUTE, NOW - MINUTE)
    run_at()
    woke = NOW + 20 * MINUTE
    elsewhere(NOW, woke - MINUTE)
    assert run_at(woke).gap is not None
    assert own_watch(woke + MINUTE) == set()
    elsewhere(woke + MINUTE)
    assert own_watch(woke + 2 * MINUTE) == set()
    assert run_at(woke + 3 * MINUTE).gap is None


@pytest.mark.guarantee("slept", "a confirmation that was restored with the disk does not count")
def test_testimony_that_was_put_back_with_the_ledger_does_not_vouch(one_stop, gateway, machine, restorable, elsewhere):
    elsewhere(NOW - 5 * MINUTE, NOW - MINUTE)
    run_at()
    elsewhere(NOW, NOW + 20 * MINUTE)
    assert run_at(NOW + 20 * MINUTE).gap is not None
    elsewhere(NOW + 21 * MINUTE)
    # The watch has confirmed that the server was only asleep, but no run has read this confirmation yet.
    machine.keep()
    event(one_stop, *range(3), at=NOW + 22 * MINUTE)
    run_at(NOW + 22 * MINUTE)
    assert times_texted(gateway) == once_each(*range(3))
    machine.put_back()
    assert run_at(NOW + 62 * MINUTE).gap is not None
    run_at(NOW + 63 * MINUTE)
    assert max(times_texted(gateway).values()) == 1


@pytest.mark.guarantee(
    "slept", "a watch elsewhere that stayed awake reports a disk that was restored as a whole, and people decide"
)
def test_watch_elsewhere_tells_that_the_disk_was_put_back(one_stop, gateway, machine, restorable, elsewhere):
    elsewhere(NOW - 5 * MINUTE, NOW - MINUTE)
    woke = lived_and_put_back_under_a_watch(one_stop, machine, elsewhere)
    # New attempts raise the ledger's attempt numbers above those that the watch has seen, which hides lost attempts.
    event(one_stop, *range(10, 30), at=woke + MINUTE)
    run_at(woke + 2 * MINUTE)
    assert times_texted(gateway) == once_each(*range(5), *range(10, 30))
    assert elsewhere(woke + 3 * MINUTE).to_hold is None
    run_at(woke + 3 * MINUTE)
    (gap,) = restorable.rows("SELECT kind, closed_at FROM motcua.gaps")
    assert gap == {"kind": "behind_watch", "closed_at": None}
    run_at(woke + 4 * MINUTE)
    assert max(times_texted(gateway).values()) == 1
    close("--put-back")
    run_at(woke + 5 * MINUTE)
    assert max(times_texted(gateway).values()) == 1


def lived_and_put_back_under_a_watch(one_stop, machine, elsewhere):
    run_at()
    event(one_stop, *range(3))
    take_in()
    elsewhere(NOW)
    machine.keep()
    event(one_stop, 3, 4, at=NOW + MINUTE)
    run_at(NOW + 2 * MINUTE)
    elsewhere(NOW + MINUTE, NOW + 21 * MINUTE)
    machine.put_back()
    run_at(NOW + 22 * MINUTE)
    return NOW + 22 * MINUTE


@pytest.mark.guarantee(
    "slept", "a watch that slept too, such as one on the same disk, confirms nothing and mails an alert"
)
def test_watch_on_the_same_disk_does_not_vouch(one_stop, gateway, machine, own_watch):
    own_watch(NOW - 5 * MINUTE, NOW)
    woke = lived_and_put_back(one_stop, machine)
    run_at(woke)
    assert own_watch(woke + MINUTE, woke + 3 * MINUTE) == {"ledger_slept"}
    run_at(woke + 4 * MINUTE)
    assert max(times_texted(gateway).values()) == 1


def test_watch_that_could_not_see_the_ledger_at_work_does_not_vouch(one_stop, gateway, machine, elsewhere, monkeypatch):
    """A watch that was cut off from the ledger does not know what was sent, so it may not end a hold."""
    elsewhere(NOW - 60 * MINUTE, NOW - 30 * MINUTE)
    with monkeypatch.context() as cut:
        cut.setattr("motcua.jobs.watching.elsewhere.ask_server", lambda _: Met(ledger_silent="cut"))
        elsewhere(NOW - 29 * MINUTE, NOW + 61 * MINUTE)
    woke = lived_and_put_back(one_stop, machine)
    run_at(woke)
    elsewhere(woke + MINUTE)
    assert run_at(woke + 2 * MINUTE).gap is not None
    assert max(times_texted(gateway).values()) == 1


def beat_often(monkeypatch):
    monkeypatch.setenv("MOTCUA_FROZEN_AFTER", "2")
    settings.cache_clear()


@pytest.mark.guarantee(
    "slept",
    "a sender that slept with its machine, or whose ledger was restored, sends nothing more; the next sender checks",
)
def test_sender_that_slept_with_its_memory_ends(one_stop, gateway, restorable, monkeypatch):
    run_at()
    event(one_stop, *range(40))
    take_in()
    read, asked_then = heartbeat._clocks, []

    def copied(asked):
        if len(gateway.asked) == 5:
            # The machine corrects its clock after the restore.
            monkeypatch.setattr(heartbeat, "_clocks", lambda: (read()[0] + 3600, read()[1]))
            asked_then.append(len(gateway.asked))
        return 202, "0: Accepted for delivery"

    gateway.answer_to = copied
    send_at(NOW)
    # Only requests that were already at the gateway may have left.
    assert asked_then
    assert len(gateway.asked) < 40
    monkeypatch.setattr(heartbeat, "_clocks", read)
    assert send_at(NOW + 60 * MINUTE).gap is not None
    assert max(times_texted(gateway).values()) == 1
    assert len(gateway.asked) < 40


@pytest.mark.guarantee(
    "slept",
    "a sender that slept with its machine, or whose ledger was restored, sends nothing more; the next sender checks",
)
def test_sender_whose_ledger_is_put_back_under_it_ends(one_stop, gateway, restorable, monkeypatch):
    run_at()
    beat_often(monkeypatch)
    event(one_stop, *range(40))
    take_in()

    def put_back(asked):
        if len(gateway.asked) == 3:
            restorable.rows("UPDATE motcua.sender_life SET looked_at = looked_at - interval '1 hour'")
        return 202, "0: Accepted for delivery"

    gateway.answer_to, gateway.seconds = put_back, 0.2  # Slow answers, so that a heartbeat falls between requests.
    send_at(NOW)
    assert 3 <= len(gateway.asked) < 40
    assert send_at(NOW).gap is not None


def test_sender_ends_when_another_run_finds_the_sleep(one_stop, gateway, restorable, monkeypatch):
    """A running sender ends soon after another run has recorded that the ledger slept."""
    run_at()
    beat_often(monkeypatch)
    event(one_stop, *range(40))
    take_in()

    def found(asked):
        if len(gateway.asked) == 3:
            restorable.rows(
                "INSERT INTO motcua.gaps (kind, noticed_at, lost_attempts, held_messages, slept_since, held_until)"
                " VALUES ('slept', %s, 0, 0, %s, %s)",
                NOW,
                NOW,
                NOW,
            )
        return 202, "0: Accepted for delivery"

    gateway.answer_to, gateway.seconds = found, 0.2  # Slow answers, so that a heartbeat falls between requests.
    send_at(NOW)
    assert 3 <= len(gateway.asked) < 40


def test_second_sleep_before_anybody_answered_holds_what_came_between(one_stop, gateway, restorable):
    """Results between two sleeps are held too, as part of the first gap, until a person answers."""
    run_at()
    event(one_stop, 0, at=NOW + MINUTE)
    run_at(NOW + 60 * MINUTE)
    event(one_stop, 1, at=NOW + 61 * MINUTE)
    assert run_at(NOW + 120 * MINUTE).gap is not None
    assert not gateway.asked
    assert len(restorable.rows("SELECT * FROM motcua.gaps")) == 1


def test_journal_that_was_not_put_back_explains_a_sleep(one_stop, gateway, restorable):
    """After a restore of the ledger alone, the journal shows what left, so no person has to be asked."""
    run_at()
    event(one_stop, 0, at=NOW)
    take_in()
    restorable.keep()
    run_at(NOW + 5 * MINUTE)
    event(one_stop, 1, at=NOW + 6 * MINUTE)
    restorable.put_back()
    assert run_at(NOW + 60 * MINUTE).gap is None
    assert times_texted(gateway) == once_each(0, 1)


def test_journal_copied_a_moment_after_the_ledger_explains_no_sleep(one_stop, gateway, machine):
    """A restored journal does not show what was sent after its copy, so messages stay held."""
    run_at()
    event(one_stop, *range(2))
    take_in()
    machine.restorable.keep()
    gateway.answer_to = lambda asked: (202, "0: Accepted for delivery")
    send_at(NOW + timedelta(seconds=20))
    shutil.copytree(settings().journal_folder, machine.kept)
    event(one_stop, 2, at=NOW + MINUTE)
    run_at(NOW + 2 * MINUTE)
    machine.put_back()
    assert run_at(NOW + 60 * MINUTE).gap is not None
    run_at(NOW + 61 * MINUTE)
    assert max(times_texted(gateway).values()) == 1


@pytest.mark.guarantee(
    "slept", "after a start, apologies of later evenings are sent and apologies of earlier evenings are held"
)
@pytest.mark.parametrize(("woke", "apologies"), [("17:25", 1), ("17:35", 0)])
def test_apologies_are_held_by_their_evening(one_stop, gateway, restorable, woke, apologies):
    def at(time):
        return datetime.fromisoformat(f"2026-11-25T{time}+07:00")

    received = NOW - timedelta(days=14)
    one_stop.dossier(
        "D-1",
        applicant_phone="0905123001",
        received_at=received,
        due_at=datetime.fromisoformat("2026-11-26T16:30+07:00"),
        updated_at=received,
        phone_entered_at=received,
    )
    run_at()
    assert run_at(at(woke)).gap is not None
    moment = max(at("17:30:05"), at(woke) + MINUTE)
    read_source("khanhhoa", EVERYTHING, moment)
    apologize(EVERYTHING, moment)
    send_at(moment)
    assert len(gateway.asked) == apologies
    assert len(restorable.rows("SELECT 1 FROM motcua.messages WHERE kind = 'apology'")) == 1
