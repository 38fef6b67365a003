"""Test the check for unserved work: a message due for a minute, or a source's rows unread for a minute.

Any fault that keeps messages from being sent causes unserved work.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from psycopg.rows import dict_row

from motcua.domain.run_window import EVERYTHING, Window
from motcua.jobs.notices.picking_up import pick_up
from motcua.jobs.tasks.notify_transitions import gate
from motcua.jobs.watching.unserved import find_unserved
from motcua.store.agencies import save_agencies
from motcua.store.notices.gateways import GatewayStop, stop_gateway
from motcua.store.notices.sources import lock_source
from tests.ground import NHA_TRANG, TU_PHAP, OneStop, agency, in_ledger, red_gate, until
from tests.integration.watching.conftest import Watched

SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)
INSERT = """
INSERT INTO motcua.messages (
    message_id, kind, dossier_id, agency_code, occasion, transition_id, state, msisdn, text, template_id,
    template_version, parameters, accented, segments, occurred_at, recorded_at, planned_at, useful_until,
    next_attempt_at, changed_at, carrier, avoid
)
OVERRIDING SYSTEM VALUE
VALUES (
    %(number)s, %(kind)s, %(number)s, %(agency)s, 'transition ' || %(number)s::text, %(number)s, %(state)s,
    '+84905123456', 'Ho so', 'result', 1, '{}', FALSE, 1, %(due)s, %(due)s, %(due)s, %(useful)s, %(due)s, %(due)s,
    %(carrier)s, %(avoid)s
)
"""
ATTEMPT = """
INSERT INTO motcua.attempts (message_id, gateway, reference, sender_id, run_id, msisdn, state, started_at)
VALUES (%(number)s, %(gateway)s, %(reference)s, 1, 'r', '+84905123456', %(state)s, %(at)s)
"""


class Queue:
    """A ledger's queue of due messages that a test writes directly. Times as numbers are seconds before ``now``."""

    def __init__(self, dsn: str, now: datetime) -> None:
        self.ledger = psycopg.connect(dsn, autocommit=True)
        self.ledger.execute("SET session_replication_role = 'replica'")
        self.now, self.number = now, 0
        self.gateway("kannel")

    def close(self) -> None:
        self.ledger.close()

    def gateway(self, name: str, **changes: Any) -> None:
        self.ledger.execute("INSERT INTO motcua.gateways (name) VALUES (%s) ON CONFLICT DO NOTHING", (name,))
        for column, value in changes.items():
            self.ledger.execute(f"UPDATE motcua.gateways SET {column} = %s WHERE name = %s", (value, name))

    def message(self, due: float, **changes: Any) -> int:
        self.number += 1
        values = {
            "number": self.number,
            "kind": "result",
            "agency": NHA_TRANG,
            "state": "queued",
            "due": self.now - timedelta(seconds=due),
            "useful": self.now + timedelta(days=1),
            "carrier": "MobiFone",
            "avoid": [],
        }
        self.ledger.execute(INSERT, values | changes)
        return self.number

    def begun(self, ago: float, due: float, state: str = "accepted", gateway: str = "kannel", **changes: Any) -> None:
        number = self.message(due, state="accepted", **changes)
        self.attempt(number, ago, state, gateway)

    def attempt(self, number: int, ago: float, state: str, gateway: str = "kannel") -> None:
        values = {
            "number": number,
            "gateway": gateway,
            "reference": f"{gateway} {number} {state}",
            "state": state,
            "at": self.now - timedelta(seconds=ago),
        }
        self.ledger.execute(ATTEMPT, values)

    def step(self, ago: float, dossier: int, *, planned: float | None = None) -> None:
        at = self.now - timedelta(seconds=ago)
        self.ledger.execute(
            "INSERT INTO motcua.transitions (source_id, source_transition_id, dossier_id, sequence, status_code,"
            " at_one_stop_desk, occurred_at, recorded_at, picked_up_at, planned_at, outcome)"
            " VALUES (1, %(n)s, %(n)s, 1, 9, TRUE, %(at)s, %(at)s, %(at)s, %(planned)s, %(outcome)s)",
            {
                "n": dossier,
                "at": at,
                "planned": None if planned is None else self.now - timedelta(seconds=planned),
                "outcome": None if planned is None else "no_occasion",
            },
        )

    def stop(self, **changes: Any) -> None:
        values = {
            "gateway": "kannel",
            "concerns": "gateway",
            "subject": "",
            "stopped_at": self.now - MINUTE,
            "until": self.now + MINUTE,
            "reason": "no answer",
            "by_hand": False,
            "pause": MINUTE,
        } | changes
        in_ledger(stop_gateway, GatewayStop(**values), changed_by="tests")

    def unserved(self, window: Window = EVERYTHING) -> list[str]:
        return [each.key for each in in_ledger(find_unserved, self.now, window)]


@pytest.fixture
def queue(ledger: str, agencies: None, configure: Callable[..., None]) -> Iterator[Queue]:
    """Open the queue of a ledger with two agencies and the gateway ``kannel``."""
    configure(MOTCUA_SOURCES="", MOTCUA_GATEWAYS="kannel")
    with closing(Queue(ledger, datetime.now(UTC))) as queue:
        yield queue


KANNEL = ["unserved/gateway kannel"]


STOPPED = "INSERT INTO motcua.stops (agency_code, stopped_at, until, stopped_by, reason) VALUES (%s, %s, %s, 'so', 'x')"
GAP = "INSERT INTO motcua.gaps (kind, noticed_at, lost_attempts, held_messages) VALUES ('behind_journal', %s, 3, 0)"
CLOSED = "UPDATE motcua.gaps SET closed_at = %s, closed_by = 'lan'"
STORIES: dict[str, list[tuple[Callable[[Queue], object], list[str]]]] = {
    "a message is unserved a minute after it was due": [
        (lambda queue: queue.message(59), []),
        (lambda queue: queue.message(61, carrier="Viettel"), KANNEL),
    ],
    "what people stopped is not due and hides nothing that is": [
        (lambda queue: queue.ledger.execute(STOPPED, (NHA_TRANG, queue.now - HOUR, queue.now + HOUR)), []),
        (lambda queue: [queue.message(due) for due in range(100, 150)], []),
        (lambda queue: queue.message(125, agency=TU_PHAP), KANNEL),
    ],
    "a gap of a restore holds everything and gives a minute when it is closed": [
        (lambda queue: queue.ledger.execute(GAP, (queue.now - HOUR,)), []),
        (lambda queue: queue.message(600), []),
        (lambda queue: queue.ledger.execute(CLOSED, (queue.now - 30 * SECOND,)), []),
        (lambda queue: queue.ledger.execute(CLOSED, (queue.now - 61 * SECOND,)), KANNEL),
    ],
    "what may be on its way, and what is of no use any more, is not due": [
        (lambda queue: queue.attempt(queue.message(600), 500, "in_flight"), []),
        (lambda queue: queue.attempt(queue.message(600), 500, "unknown"), []),
        (lambda queue: queue.attempt(queue.message(600), 500, "accepted"), []),
        (lambda queue: queue.message(600, useful=queue.now - SECOND), []),
    ],
    "what one gateway did not take waits for the other": [
        (lambda queue: queue.gateway("second"), []),
        (lambda queue: queue.message(600, avoid=["kannel"]), KANNEL),
        (lambda queue: queue.begun(1, 700, gateway="kannel"), KANNEL),
        (lambda queue: queue.begun(1, 700, gateway="second"), []),
    ],
    "where no agency is enabled nothing is due": [
        (lambda queue: queue.ledger.execute("UPDATE motcua.agencies SET enabled_from = NULL"), []),
        (lambda queue: (queue.message(600), queue.step(600, 7)), []),
    ],
    "steps that nobody plans are due, and thousands that are planned in turn are not": [
        (lambda queue: queue.step(59, 900), []),
        (lambda queue: (queue.step(90, 901), queue.step(90, 902)), ["unserved"]),
        (lambda queue: queue.step(90, 899, planned=3), []),
    ],
}
"""Stories by name. A story is a list of events, each with the findings that the check returns after the event."""


@pytest.mark.parametrize("story", STORIES)
def test_what_is_due_for_a_minute_and_served_by_nobody_is_found(queue: Queue, configure: Callable[..., None], story):
    configure(MOTCUA_GATEWAYS="kannel,second")
    found = []
    for act, _ in STORIES[story]:
        act(queue)
        found.append(queue.unserved())
    assert found == [expected for _, expected in STORIES[story]]


SERVED = {
    "just now": {"ago": 1, "due": 700},
    "within the minute": {"ago": 59, "due": 700},
    "not answered yet": {"ago": 5, "due": 700, "state": "in_flight"},
    "refused for its number": {"ago": 5, "due": 700, "state": "rejected"},
    "one gateway takes turns for all carriers": {"ago": 1, "due": 700, "carrier": "Viettel"},
}
UNSERVED = {
    "too long ago": {"ago": 61, "due": 700},
    "the gateway does not answer": {"ago": 5, "due": 700, "state": "unknown"},
    "the gateway turns everything away": {"ago": 5, "due": 700, "state": "failed"},
    "others are taken, those at the head are passed over": {"ago": 1, "due": 80},
    "another gateway's": {"ago": 1, "due": 700, "gateway": "second"},
}
"""Newest attempts that leave the queue unserved. With an attempt of ``SERVED``, the queue is served."""


def test_queue_is_served_while_it_drains_in_its_order_however_long_it_is(queue: Queue):
    queue.gateway("second")
    for due in range(100, 600, 10):
        queue.message(due)
    found = {}
    for name, begun in (SERVED | UNSERVED).items():
        queue.ledger.execute("DELETE FROM motcua.attempts")
        queue.begun(**begun)
        found[name] = queue.unserved()
    assert found == {name: KANNEL if name in UNSERVED else [] for name in found}


def test_carriers_whose_messages_never_move_are_found_while_another_carriers_are_taken(queue: Queue):
    for _ in range(300):
        queue.message(3600, carrier="Viettel")
    queue.message(300, carrier="VinaPhone")
    # The queue is served if the gateway just accepted an older message to Viettel. It is not served if the gateway
    # accepted only a newer message to MobiFone.
    queue.begun(1, 4000, carrier="Viettel")
    assert queue.unserved() == []
    queue.ledger.execute("DELETE FROM motcua.attempts")
    queue.begun(1, 200, carrier="MobiFone")
    (found,) = in_ledger(find_unserved, queue.now)
    assert found.facts["carriers"] == "Viettel, VinaPhone"


@pytest.mark.parametrize(
    ("stop", "gateway", "told"),
    [
        ({}, {}, True),
        ({"by_hand": True, "pause": None}, {}, False),
        ({"pause": None, "reason": "the 100 segments of the day are used"}, {"segments_per_day": 100}, False),
        ({"concerns": "carrier", "subject": "MobiFone", "by_hand": True, "pause": None}, {}, False),
    ],
)
def test_paused_gateway_is_unserved_unless_people_or_its_daily_limit_paused_it(queue: Queue, stop, gateway, told):
    queue.message(600)
    queue.gateway("kannel", **gateway)
    queue.stop(**stop)
    # An attempt without an answer, which a sender made to test the paused gateway, does not serve the queue.
    queue.begun(1, 700, "in_flight")
    assert queue.unserved() == (KANNEL if told else [])


def test_apologies_rest_at_night(queue: Queue, configure: Callable[..., None]):
    queue.message(600, kind="apology")
    hour = queue.now + timedelta(hours=7)
    configure(
        MOTCUA_APOLOGY_QUIET_FROM=f"{hour - 2 * HOUR:%H:%M}",
        MOTCUA_APOLOGY_QUIET_UNTIL=f"{hour + 2 * HOUR:%H:%M}",
    )
    assert queue.unserved() == []
    queue.message(600)
    assert queue.unserved() == KANNEL


def test_window_of_a_backfill_is_judged_by_what_was_recorded_in_it(queue: Queue):
    """A backfill is red only for messages and rows that were recorded in its window."""
    queue.message(600)
    queue.step(600, 7)
    inside = Window(queue.now - timedelta(seconds=601), queue.now)
    assert queue.unserved(inside) == ["unserved/gateway kannel", "unserved"]
    assert queue.unserved(Window(queue.now - timedelta(seconds=599), queue.now)) == []


# --- Red runs


@pytest.mark.guarantee(
    "airflow", "a run is red if a message has been due, or a source's row unread, for a minute, whatever the cause"
)
def test_run_is_red_while_something_is_due_and_served_by_nobody(queue: Queue):
    gate("r", EVERYTHING)
    queue.message(125)
    due = queue.now - timedelta(seconds=125)
    with red_gate("due and served by nobody: 1 message") as red:
        gate("r", EVERYTHING)
    local = due + timedelta(hours=7)
    assert f"to MobiFone for gateway kannel, the first since {local:%H:%M:%S %d/%m/%Y}" in str(red.value)
    assert "motcua gateways list" in str(red.value)
    gate("backfill", Window(queue.now - 2 * HOUR, queue.now - HOUR))


@pytest.fixture
def held_source(one_stop: OneStop, ledger: str, configure: Callable[..., None]):
    """Make a source that was read two minutes ago and has new rows.

    A session of the test holds the source's lock, as a frozen sender would.
    """
    configure(MOTCUA_SERVED_WITHIN="PT2S")
    one_stop.dossier()
    pick_up("khanhhoa")
    with psycopg.connect(ledger, row_factory=dict_row) as holder:
        holder.execute("UPDATE motcua.sources SET picked_up_at = now() - interval '2 minutes'")
        holder.commit()
        assert lock_source(holder, "khanhhoa", wait=False)
        one_stop.move(9, at=datetime.now(UTC))
        yield one_stop


def test_run_whose_pick_up_finds_the_source_held_is_red(held_source: OneStop):
    """A run is red if its pick-up cannot read a source's new rows because a frozen sender holds the source's lock."""
    assert pick_up("khanhhoa").transitions == 0
    with red_gate("source khanhhoa has news that no pick-up takes, not read since"):
        gate("r", EVERYTHING)


@pytest.mark.guarantee(
    "airflow", "a run is red if a message has been due, or a source's row unread, for a minute, whatever the cause"
)
def test_run_is_red_by_what_watchers_tell(held_source: OneStop, request: pytest.FixtureRequest):
    assert in_ledger(find_unserved, datetime.now(UTC)) == []
    request.getfixturevalue("watched_sources")
    (found,) = until(lambda: in_ledger(find_unserved, datetime.now(UTC)))
    assert found.key == "unserved/khanhhoa"
    with red_gate("khanhhoa has news"):
        gate("r", EVERYTHING)


def test_run_is_green_where_the_news_is_picked_up_meanwhile(one_stop: OneStop, rows):
    """If no watcher (a trigger that queries the source) runs, the task ``gate`` waits for a pick-up of the unread rows.

    It waits for a minute at most.
    """
    one_stop.dossier()
    pick_up("khanhhoa")
    rows("UPDATE motcua.sources SET picked_up_at = now() - interval '2 minutes'")
    one_stop.move(9, at=datetime.now(UTC))
    reading = threading.Timer(1.5, pick_up, ("khanhhoa",))
    reading.start()
    try:
        gate("r", EVERYTHING)
    finally:
        reading.join()


# --- Alerts of the watch


@pytest.fixture
def waiting(
    watched: Watched, ledger: str, configure: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Queue]:
    """Let the watch see a healthy ledger once, and yield the queue of this ledger."""
    # The test's messages have no dossier. The check of the accounting identity (one message for each occasion) would
    # therefore raise an alert of its own.
    monkeypatch.setattr("motcua.jobs.watching.checks.identity", lambda *_: [])
    configure(MOTCUA_SOURCES="", MOTCUA_GATEWAYS="kannel")
    in_ledger(save_agencies, [agency(NHA_TRANG)], "tests")
    watched.look()
    watched.mails()
    with closing(Queue(ledger, watched.now)) as queue:
        yield queue


@pytest.mark.guarantee(
    "watch", "if a message is due for a minute and nobody sends it, an alert is mailed within two minutes"
)
def test_message_that_nobody_sends_is_mailed_within_two_minutes_and_its_end_too(watched: Watched, waiting: Queue):
    waiting.message(0)
    watched.look(3, minutes=0.5)
    (subject,) = watched.mails()
    assert subject == "[MotcuaSMS] Cảnh báo: 1 tin tới hạn mà cổng kannel không gửi từ 15:01 ngày 25/11/2026"
    watched.look(4, minutes=0.5)
    assert watched.mails() == []
    waiting.ledger.execute("UPDATE motcua.messages SET state = 'accepted'")
    watched.look(minutes=0.5)
    assert watched.mails() == ["[MotcuaSMS] Đã hết: " + subject.removeprefix("[MotcuaSMS] Cảnh báo: ")]


def test_stopped_gateway_and_who_waits_for_it_are_one_mail(watched: Watched, waiting: Queue):
    """A paused gateway and the messages that wait for it are one fault, so staff get one mail about both."""
    waiting.message(0)
    waiting.stop(until=watched.now + HOUR, stopped_at=watched.now)
    watched.look(8, minutes=0.5)
    (subject,) = watched.mails()
    assert "cổng kannel không gửi" in subject
    waiting.ledger.execute("DELETE FROM motcua.messages")
    watched.look(4, minutes=0.5)
    over, stopped = watched.mails()
    assert over.startswith("[MotcuaSMS] Đã hết")
    assert "Cổng kannel ngừng gửi" in stopped


@pytest.mark.parametrize("begins_alone", [False, True])
def test_watch_that_just_started_sends_no_alert_while_other_parts_may_be_starting(
    watched: Watched, waiting: Queue, begins_alone: bool
):
    if not begins_alone:
        watched.outside.health["scheduler"] = {"status": "unhealthy"}
    waiting.message(0)
    watched.now += timedelta(hours=1)
    watched.look(2 if begins_alone else 5, minutes=0.5)
    assert watched.mails() == []
    watched.look(2, minutes=0.5)
    assert any("tin tới hạn" in mail for mail in watched.mails())


def test_lack_of_watchers_is_told(watched: Watched, waiting: Queue, configure: Callable[..., None], rows):
    configure(MOTCUA_SOURCES="khanhhoa")
    rows("INSERT INTO motcua.sources (name, picked_up_at) VALUES ('khanhhoa', %s)", watched.now)
    watched.look(3, minutes=0.5)
    (subject,) = watched.mails()
    assert "Không có gì theo dõi thay đổi" in subject


def test_run_that_is_red_only_for_unserved_work_is_no_second_alert(watched: Watched, waiting: Queue, rows):
    """Unserved work has its own alert, so a run that failed only for unserved work raises no second alert."""
    alerted, other = "manual__1", "manual__2"
    for run_id in (alerted, other):
        run = watched.outside.run("failed", watched.now - 2 * HOUR, watched.now - 2 * HOUR)
        run["dag_run_id"] = run_id
    keep = "INSERT INTO motcua.runs (dag_id, run_id, left_undone) VALUES ('notify_transitions', %s, %s)"
    unserved, failed = ({"name": name, "facts": {}, "subject": ""} for name in ("unserved", "task_failed"))
    rows(keep, alerted, json.dumps([unserved, unserved]))
    rows(keep, other, json.dumps([failed, unserved]))
    state = watched.look(2)
    assert state.alerts["red_run"].facts["runs"] == 1
