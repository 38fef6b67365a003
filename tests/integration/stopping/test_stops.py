"""Test stops, the Department's orders not to send messages of a kind, of an agency or at all.

Senders and settling obey, and no message is lost.
"""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from motcua.domain.run_window import EVERYTHING, Window
from motcua.jobs.notices.picking_up import pick_up
from motcua.jobs.notices.planning import plan
from motcua.jobs.notices.sending.sender import unresolved
from motcua.jobs.notices.settling import settle
from motcua.jobs.notices.stopping import LONGEST, StopRefused, go, release, stop
from motcua.jobs.tasks.notify_transitions import gate, send_messages
from motcua.store.ledger.database import connect, open_connection
from motcua.store.notices import stops as store
from tests.ground import NHA_TRANG, NOW, TU_PHAP, in_ledger, send_at, states, take_in, words_of_left
from tests.integration.planning.test_apologizing import THURSDAY, WEDNESDAY, at, due, evenings  # noqa: F401 - a fixture
from tests.integration.sending.test_settling import esms, sent  # noqa: F401 - a fixture

SECOND, MINUTE, HOUR, DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
WHY = "Mẫu tin có kết quả ghi sai tên Bộ phận Một cửa"


def stop_it(kind=None, agency=None, until=NOW + 4 * HOUR, now=NOW):
    return stop(kind=kind, agency=agency, until=until, reason=WHY, stopped_by="lan", now=now)


def queue(one_stop, *messages, at=NOW):
    """Plan a message for each dossier, which is given by its code, status and agency."""
    for code, status, agency in messages:
        one_stop.both(status, code, agency, at=at, applicant_phone=f"0905{one_stop.number:06}", updated_at=at)
    take_in(now=at)


def results(one_stop, count, at=NOW, prefix="D"):
    queue(one_stop, *[(f"{prefix}-{number}", 9, NHA_TRANG) for number in range(count)], at=at)


FOUR = [("R", 9, NHA_TRANG), ("S", 5, NHA_TRANG), ("R2", 9, TU_PHAP), ("S2", 5, TU_PHAP)]
BY_DOSSIER = "SELECT d.dossier_code, m.state, m.reason FROM motcua.messages m JOIN motcua.dossiers d USING (dossier_id)"
STOPPED, SENT = ("queued", "stopped"), ("accepted", None)


@pytest.mark.guarantee(
    "stops", "stopped messages wait and are sent when the stop ends, by itself or early; all other messages are sent"
)
@pytest.mark.parametrize(
    ("kind", "agency", "ends"),
    [
        ("result", None, [STOPPED, SENT, STOPPED, SENT]),
        ("supplement", TU_PHAP, [SENT, SENT, SENT, STOPPED]),
        (None, NHA_TRANG, [STOPPED, STOPPED, SENT, SENT]),
        (None, "H32.30", [STOPPED, STOPPED, SENT, SENT]),
        ("apology", None, [SENT, SENT, SENT, SENT]),
        (None, None, [STOPPED, STOPPED, STOPPED, STOPPED]),
    ],
    ids=["kind", "kind of an agency", "agency", "agency by an alias", "another kind", "everything"],
)
def test_what_is_stopped_does_not_go_and_everything_else_does(one_stop, gateway, rows, kind, agency, ends):
    planned_first = kind is None
    if planned_first:
        queue(one_stop, *FOUR)
    stop_it(kind, agency)
    if not planned_first:
        queue(one_stop, *FOUR)
    counts = send_at(NOW + SECOND)
    found = {row["dossier_code"]: (row["state"], row["reason"]) for row in rows(BY_DOSSIER)}
    assert [found[code] for code, *_ in FOUR] == ends
    assert len(gateway.asked) == ends.count(SENT)
    assert counts.set_aside == (0 if planned_first else ends.count(STOPPED))
    assert unresolved("run", now=NOW + SECOND) == [], "no run is red for a stop that people decided"


@pytest.mark.guarantee(
    "stops", "stopped messages wait and are sent when the stop ends, by itself or early; all other messages are sent"
)
@pytest.mark.parametrize("early", [True, False], ids=["early", "by itself"])
def test_what_waited_goes_when_the_stop_ends(one_stop, gateway, rows, early):
    results(one_stop, 3)
    made = stop_it("result")
    send_at(NOW + HOUR)
    assert gateway.asked == []
    if early:
        ended, gone = go(made.stop_id, ended_by="minh", now=NOW + 2 * HOUR)
        assert (ended.ended_at, ended.ended_by, gone) == (NOW + 2 * HOUR, "minh", 3)
    send_at(NOW + (2 if early else 4) * HOUR)
    assert states(rows) == [SENT] * 3
    moves = rows("SELECT to_state, to_reason FROM motcua.message_history WHERE message_id = 1 ORDER BY history_id")
    assert ("queued", "stopped") in [(row["to_state"], row["to_reason"]) for row in moves]


@pytest.mark.guarantee(
    "stops", "a stop updates each message that it covers once, however often senders check the queue"
)
def test_stop_writes_each_message_once_however_often_senders_look(one_stop, gateway, rows):
    stop_it()
    results(one_stop, 40)
    send_at(NOW + SECOND)

    def versions():
        return rows("SELECT message_id, xmin::text FROM motcua.messages ORDER BY message_id")

    written = versions()
    for minutes in range(1, 30):
        assert send_at(NOW + minutes * MINUTE).set_aside == 0
    settle("settling", clock=lambda: NOW + HOUR)
    assert versions() == written
    assert len(rows("SELECT 1 FROM motcua.message_history WHERE to_reason = 'stopped'")) == 40


@pytest.mark.usefixtures("useful_for_years")
@pytest.mark.guarantee("stops", "a running sender obeys a stop at its next claim, and finishes its requests in flight")
def test_sender_at_work_obeys_at_its_next_claim_and_keeps_what_is_in_flight(one_stop, gateway, rows):
    now = datetime.now(UTC)
    results(one_stop, 60, at=now)
    gateway.seconds = 0.02

    def stop_now(query):
        if len(gateway.asked) == 8:
            stop_it("result", until=now + HOUR, now=now)

    gateway.before_answer = stop_now
    send_at(now)
    # When the stop is ordered, four requests may be in flight and one more message may be claimed.
    assert 8 <= len(gateway.asked) <= 8 + 5
    assert states(rows).count(SENT) == len(gateway.asked)
    assert states(rows).count(STOPPED) == 60 - len(gateway.asked)
    assert {row["state"] for row in rows("SELECT state FROM motcua.attempts")} == {"accepted"}


def test_two_stops_of_one_message_hold_it_until_the_last_one_ends(one_stop, gateway, rows):
    results(one_stop, 1)
    by_kind = stop_it("result", until=NOW + 5 * HOUR)
    stop_it(agency=NHA_TRANG, until=NOW + 2 * HOUR)
    assert go(by_kind.stop_id, ended_by="lan", now=NOW + HOUR)[1] == 0
    send_at(NOW + HOUR)
    assert states(rows) == [STOPPED]
    send_at(NOW + 2 * HOUR)
    assert states(rows) == [SENT], "a stop that was ended early no longer holds the message"


@pytest.mark.guarantee("stops", "no message stays on hold for a stop that ends while the sender writes the hold")
def test_message_is_not_set_aside_for_a_stop_that_is_ended_at_that_moment(one_stop, gateway, rows):
    """A sender that puts a message on hold waits until the stop's end is committed, and then leaves the message due."""
    made = stop_it("result")
    results(one_stop, 1)
    done = threading.Event()

    def set_aside():
        in_ledger(store.set_aside, [1], NOW)
        done.set()

    with open_connection() as ending:
        store.end_stop(ending, made.stop_id, ended_by="lan", now=NOW + SECOND)
        sender = threading.Thread(target=set_aside)
        sender.start()
        assert not done.wait(0.3), "the sender must wait until the end of the stop is committed"
        ending.commit()
    sender.join(10)
    assert states(rows) == [("queued", None)]
    send_at(NOW + SECOND)
    assert states(rows) == [SENT]


@pytest.mark.guarantee("stops", "backfills, reruns, releases and repeated requests obey a stop")
def test_backfill_rerun_and_release_obey(one_stop, gateway, rows):
    queue(one_stop, ("BUSY", 9, NHA_TRANG), ("HANGS", 9, NHA_TRANG))
    gateway.answer_to = lambda query: (503, "busy") if "(BUSY)" in query["text"] else "hang"
    send_at(NOW)
    assert states(rows) == [("queued", "gateway_busy"), ("unknown", "no_answer")]
    gateway.answer_to, asked = None, len(gateway.asked)
    stop_it("result", now=NOW + MINUTE)
    release("lan", "nhà mạng chưa nhận", now=NOW + 2 * MINUTE)
    window = Window(NOW, NOW + MINUTE)
    met = []
    for _ in range(2):
        plan(window, now=NOW + 2 * MINUTE)
        met.append(send_at(NOW + 2 * MINUTE, "backfill", window).set_aside)
    assert met == [1, 0], "the released message is put on hold, and only once"
    assert len(gateway.asked) == asked
    assert states(rows) == [STOPPED, STOPPED]
    assert unresolved("backfill", window, NOW + 2 * MINUTE) == []
    assert unresolved("run", now=NOW + 2 * MINUTE) == [], "the run that tried the message is not red either"
    gate("backfill", window, (), window)


@pytest.mark.guarantee("stops", "backfills, reruns, releases and repeated requests obey a stop")
def test_request_is_not_repeated_while_it_is_stopped(one_stop, esms, rows):  # noqa: F811
    results(one_stop, 1)
    esms.answer = "hang"
    send_at()
    assert states(rows) == [("unknown", "no_answer")]
    made = stop_it("result", now=NOW + SECOND)
    assert settle("settling", clock=lambda: NOW + MINUTE).repeated == 0
    assert len(sent(esms)) == 1
    go(made.stop_id, ended_by="lan", now=NOW + 2 * MINUTE)
    assert settle("settling", clock=lambda: NOW + HOUR).repeated == 1


@pytest.mark.guarantee("stops", "stopped messages expire as usual; apologies are planned and expire as usual")
def test_what_is_no_longer_useful_expires_while_it_is_stopped(one_stop, gateway, rows):
    results(one_stop, 1)
    stop_it(until=NOW + 6 * DAY)
    settle("settling", clock=lambda: NOW + 4 * DAY)
    assert states(rows) == [("expired", "too_late")]


@pytest.mark.guarantee("stops", "stopped messages expire as usual; apologies are planned and expire as usual")
def test_apologies_are_planned_as_ever_and_expire_as_ever(one_stop, evenings, gateway, rows):  # noqa: F811
    stop_it("apology", until=NOW + 2 * DAY)
    due(one_stop, THURSDAY)
    pick_up("khanhhoa", now=at(WEDNESDAY, "10:00"))
    evenings.run(at(WEDNESDAY))
    assert evenings.messages == [("queued", None)]
    send_at(at(WEDNESDAY) + SECOND)
    assert evenings.messages == [STOPPED]
    assert gateway.asked == []
    settle("settling", clock=lambda: at(THURSDAY, "07:00"))
    assert evenings.messages == [("expired", "too_late")]


def test_gateway_that_is_down_beside_a_stop_is_red_for_what_is_not_stopped(one_stop, gateway, rows):
    """A stop must not hide a gateway's failure: the run is red for messages that the stop does not cover."""
    stop_it("supplement")
    queue(one_stop, ("R", 9, NHA_TRANG), ("S", 5, NHA_TRANG))
    gateway.close()
    send_at()
    assert words_of_left(unresolved("run", now=NOW))[:2] == [
        "1 message(s) transient",
        "1 message(s) due while a gateway is stopped",
    ]


def test_run_says_what_is_stopped_and_is_green(one_stop, gateway, caplog):
    """A stop is an order, so the run succeeds, and names the stop and the number of its messages."""
    now = datetime.now(UTC)
    results(one_stop, 2, at=now)
    stop_it("result", until=now + HOUR, now=now)
    counts = send_messages("run", EVERYTHING, lingers=False)
    (said,) = counts["stopped_by_people"]
    assert said.startswith("stop 1, result of every agency until ")
    assert said.endswith(": 2 message(s) wait")
    gate("run", EVERYTHING, (), Window(now - HOUR, now + HOUR))
    assert said in caplog.text


# Rights and rules of the table of stops


@pytest.mark.guarantee(
    "stops",
    "a stop has a reason without a phone number, ends within 7 days, and cannot be changed, only ended early once",
)
def test_stop_is_kept_as_it_was_said(one_stop, rows):
    made = stop_it("result")
    changes = [f"UPDATE motcua.stops SET {words}" for words in ("until = until + interval '1 hour'", "reason = 'khác'")]
    for statement in (*changes, "DELETE FROM motcua.stops", "TRUNCATE motcua.stops CASCADE"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege), connect() as app:
            app.execute(statement)
    for statement in (*changes, "DELETE FROM motcua.stops"):
        with pytest.raises(psycopg.Error, match="is kept as it was said"):
            rows(statement)
    go(made.stop_id, ended_by="lan", now=NOW + HOUR)
    for again in ("ended_by = 'minh'", "ended_at = NULL, ended_by = NULL"):
        with pytest.raises(psycopg.Error, match="is kept as it was said"), connect() as app:
            app.execute(f"UPDATE motcua.stops SET {again}")
    with pytest.raises(StopRefused, match="is not in force"):
        go(made.stop_id, ended_by="minh", now=NOW + 2 * HOUR)


@pytest.mark.guarantee(
    "stops",
    "a stop has a reason without a phone number, ends within 7 days, and cannot be changed, only ended early once",
)
def test_stop_has_a_reason_an_end_and_an_agency_that_is_known(agencies, rows):
    asked = {"kind": "result", "agency": None, "until": NOW + HOUR, "reason": WHY, "stopped_by": "lan", "now": NOW}
    for changes, words in (
        ({"reason": "  "}, "say why"),
        ({"reason": "gọi 0905123456"}, "phone number"),
        ({"reason": "x" * 301}, "300 at most"),
        ({"until": NOW}, "later than now"),
        ({"until": NOW + LONGEST + SECOND}, "within 7 days"),
        ({"agency": "H99"}, "no agency H99"),
    ):
        with pytest.raises(StopRefused, match=words):
            stop(**asked | changes)
    kept = {"kind": None, "agency_code": None, "stopped_at": NOW, "stopped_by": "lan"}
    for until, reason in ((NOW + HOUR, " "), (NOW + LONGEST + SECOND, WHY)):
        with pytest.raises(psycopg.IntegrityError):
            in_ledger(store.save_stop, **kept, until=until, reason=reason)
    assert rows("SELECT 1 FROM motcua.stops") == []
