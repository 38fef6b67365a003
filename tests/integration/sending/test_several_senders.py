"""Test several senders: one leads and picks up new rows, others are standbys, and any further sender ends early."""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta

import pytest

from motcua.jobs.notices.sending import sender
from motcua.jobs.notices.sending.lanes import SendCounts
from motcua.jobs.notices.sending.sender import send
from motcua.jobs.notices.watching import CatchUp
from motcua.jobs.watching.unserved import find_unserved
from motcua.store.ledger.database import open_connection
from motcua.store.ledger.locks import LEADING, hold_lock, is_held, take_standby_place
from tests.ground import in_ledger, take_in, until

LONG = timedelta(hours=1)


class Lingering:
    """A sender in its own thread. It goes on for an hour unless it ends by itself or is stopped."""

    def __init__(self) -> None:
        self.catch_up = CatchUp(LONG, read_failed_every=0.2)
        self.counts: list[SendCounts] = []
        self.set_back_by = timedelta(0)
        """How far the clock of the sender's machine is set back."""
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._send)
        self._thread.start()

    def _send(self) -> None:
        clock = lambda: datetime.now(UTC) - self.set_back_by  # noqa: E731
        self.counts.append(send("run", catch_up=self.catch_up, stop=self._stop, clock=clock))

    def end_by_itself(self) -> SendCounts:
        """Wait at most 60 seconds for the sender to end by itself, and return its counts."""
        self._thread.join(60)
        assert not self._thread.is_alive()
        return self.counts[0]

    def stop(self) -> None:
        self._stop.set()
        self._thread.join()
        self.catch_up.close()


@pytest.fixture
def lingering(one_stop: object, gateway: object) -> Iterator[Callable[[], Lingering]]:
    """Return a function that starts a sender in a thread. All senders are stopped when the test ends."""
    with ExitStack() as started:

        def start() -> Lingering:
            sender = Lingering()
            started.callback(sender.stop)
            return sender

        yield start


@contextmanager
def another_leads(*, with_standby: bool = False) -> Iterator[None]:
    """Hold the leader's lock while the block runs, and a standby's lock if ``with_standby``; send nothing."""
    with open_connection() as leader, open_connection() as second:
        leader.autocommit = second.autocommit = True
        assert hold_lock(leader, LEADING)
        assert not with_standby or take_standby_place(second, 1) is not None
        yield


def has_standby() -> bool:
    return in_ledger(is_held, 1000)


@pytest.mark.guarantee(
    "workers", "one sender leads and a set number are on standby; any further sender sends the due messages and ends"
)
def test_whoever_comes_besides_does_what_is_due_and_ends(one_stop, gateway, lingering):
    one_stop.result_now("D-1", "0905123001")
    take_in(None)
    with another_leads(with_standby=True):
        assert lingering().end_by_itself().attempts == 1
    assert len(gateway.asked) == 1


@pytest.mark.guarantee(
    "workers", "a standby helps to send and takes the lead when the leader is lost; another sender becomes the standby"
)
def test_one_that_stands_by_helps_takes_the_lead_and_leaves_its_place_to_the_next(one_stop, gateway, lingering):
    with another_leads():
        first = lingering()
        until(has_standby)
        one_stop.result_now("D-1", "0905123001")
        take_in(None)
        until(lambda: len(gateway.asked) == 1)
        one_stop.result_now("D-2", "0905123002")
        assert not first.catch_up.counts["picked_up"], "only the leader picks up"
    until(lambda: len(gateway.asked) == 2)
    assert first.catch_up.counts["picked_up"]["transitions"] == 1
    until(lambda: not has_standby())
    second = lingering()
    until(has_standby)
    first.stop()
    one_stop.result_now("D-3", "0905123003")
    until(lambda: len(gateway.asked) == 3)
    assert second.catch_up.counts["picked_up"]["transitions"] == 1


@pytest.mark.guarantee("workers", "a sender reads a failed source again once another run has read it without an error")
def test_sender_reads_a_source_again_that_another_run_has_picked_up(one_stop, gateway, lingering, rows):
    one_stop.result_now("D-1", "0905123001")
    sender = lingering()
    until(lambda: len(gateway.asked) == 1)
    rows("UPDATE motcua.sources SET failed_at = now(), failure = 'x'")
    time.sleep(1)
    one_stop.result_now("D-2", "0905123002")
    time.sleep(1)
    assert len(gateway.asked) == 1, "a sender does not read a failed source again by itself"
    rows("UPDATE motcua.sources SET failed_at = NULL, failure = NULL")
    until(lambda: len(gateway.asked) == 2)
    assert not sender.counts, "the same sender is still running"


@pytest.mark.guarantee("gateways-that-fail", "one slow request does not delay the pick-up and sending of new events")
def test_news_is_picked_up_and_sent_while_a_request_is_not_answered(one_stop, gateway, lingering, rows, monkeypatch):
    monkeypatch.setattr(sender, "_CHECK_NEWS_EVERY", LONG)
    answer = threading.Event()
    gateway.before_answer = lambda _: answer.wait(180)
    one_stop.result_now("D-1", "0905123001")
    lingering()
    until(lambda: len(gateway.asked) == 1)
    one_stop.result_now("D-2", "0905123002")
    try:
        until(lambda: len(gateway.asked) == 2)
        assert [row["state"] for row in rows("SELECT state FROM motcua.messages")] == ["sending", "sending"]
    finally:
        answer.set()


def test_news_is_picked_up_although_the_clock_is_set_back(one_stop, gateway, lingering, configure):
    """If the clock is set back while a request is open, the sender must not wait until the clock has caught up."""
    given = json.loads(os.environ["AIRFLOW_CONN_SMS_KANNEL"])
    given["extra"] |= {"answer_timeout": 60}
    configure(AIRFLOW_CONN_SMS_KANNEL=json.dumps(given))
    answer = threading.Event()
    gateway.before_answer = lambda _: answer.wait(180)
    one_stop.result_now("D-1", "0905123001")
    sender = lingering()
    until(lambda: len(gateway.asked) == 1)
    picked_up = sender.catch_up.counts["picked_up"].get("transitions", 0)
    sender.set_back_by = timedelta(hours=2)
    one_stop.result_now("D-2", "0905123002")
    try:
        until(lambda: sender.catch_up.counts["picked_up"].get("transitions", 0) > picked_up, 15)
    finally:
        answer.set()


@pytest.mark.guarantee(
    "gateways-that-fail",
    "after three time-outs in a row the gateway gets one request at a time, first a login, until it answers",
)
@pytest.mark.parametrize("at_once", [1, 30], ids=["one after the other", "a burst meanwhile"])
def test_gateway_that_is_silent_costs_few_messages_and_goes_on_when_it_answers(
    one_stop, gateway, lingering, rows, configure, at_once
):
    """At a silent gateway, only messages that were sent before the third time-out may become unknown."""
    given = json.loads(os.environ["AIRFLOW_CONN_SMS_KANNEL"])
    given["extra"] |= {"concurrency": 32, "answer_timeout": 1}
    configure(AIRFLOW_CONN_SMS_KANNEL=json.dumps(given), MOTCUA_LINGER="PT5M")
    gateway.answer = "hang"
    lingering()

    def unknown() -> int:
        return rows("SELECT count(*) AS messages FROM motcua.messages WHERE state = 'unknown'")[0]["messages"]

    for number in range(3):
        one_stop.result_now(f"D-{number}", f"0905123{number:03}")
    until(lambda: unknown() == 3)
    for number in range(3, 33):
        one_stop.result_now(f"D-{number}", f"0905123{number:03}")
        if at_once == 1:
            time.sleep(0.2)
    until(lambda: len(gateway.logins) > 1)
    assert unknown() == 3
    gateway.answer = (202, "0: Accepted for delivery")
    began = time.monotonic()
    until(lambda: len(gateway.asked) == 33)
    assert time.monotonic() < began + 15


def test_one_message_behind_a_silent_gateway_is_reported_as_unserved(one_stop, gateway, lingering, rows, configure):
    """While a sender only tries to log in at a silent gateway, the gateway's waiting message must be reported."""
    given = json.loads(os.environ["AIRFLOW_CONN_SMS_KANNEL"])
    given["extra"] |= {"answer_timeout": 1}
    configure(AIRFLOW_CONN_SMS_KANNEL=json.dumps(given), MOTCUA_LINGER="PT5M", MOTCUA_SERVED_WITHIN="PT5S")
    gateway.answer = "hang"
    lingering()
    unknown = "SELECT count(*) AS messages FROM motcua.messages WHERE state = 'unknown'"
    for number in range(3):
        one_stop.result_now(f"D-{number}", f"0905123{number:03}")
    until(lambda: rows(unknown)[0]["messages"] == 3)
    one_stop.result_now("D-3", "0905123003")
    until(lambda: len(gateway.logins) > 1)
    until(lambda: "gateway kannel" in [each.subject for each in in_ledger(find_unserved, datetime.now(UTC))])
    waiting = "SELECT state, attempts_made FROM motcua.messages WHERE state <> 'unknown'"
    assert rows(waiting) == [{"state": "queued", "attempts_made": 0}], "a login must not count as an attempt"


@pytest.mark.guarantee("workers", "if no watcher queries the sources, senders do")
def test_where_nobody_watches_the_sources_a_sender_does(one_stop, gateway, lingering, configure):
    configure(MOTCUA_LINGER_QUIET="0.1")
    one_stop.result_now("D-1", "0905123001")
    sender = lingering()
    until(lambda: len(gateway.asked) == 1)
    time.sleep(0.5)
    one_stop.result_now("D-2", "0905123002")
    until(lambda: len(gateway.asked) == 2)
    assert not sender.counts, "the same sender is still running"


@pytest.mark.usefixtures("watched")
def test_message_that_no_gateway_takes_does_not_keep_a_sender(one_stop, gateway, lingering, configure, rows):
    """The message stays due and is checked again and again. The checks must not count as work, or no sender ends."""
    configure(MOTCUA_LINGER_QUIET="0.1")
    one_stop.result_now("D-1", "0905123001")
    take_in(None)
    rows("UPDATE motcua.messages SET carrier = 'nobody', avoid = '{kannel}'")
    assert lingering().end_by_itself().attempts == 0
    assert [row["state"] for row in rows("SELECT state FROM motcua.messages")] == ["queued"]


def test_gateway_that_waits_for_its_limit_delays_neither_news_nor_other_gateways(
    one_stop, lingering, two_gateways, configure
):
    """While a message waits for its gateway's limit per second, the leader must read new rows and send elsewhere."""
    limited, other = two_gateways
    given = json.loads(os.environ["AIRFLOW_CONN_SMS_KANNEL"])
    given["extra"] |= {"segments_per_second": 0.05, "carriers": ["Viettel"]}
    configure(AIRFLOW_CONN_SMS_KANNEL=json.dumps(given), MOTCUA_GATEWAYS="kannel,second")
    lingering()
    one_stop.result_now("D-1", "0981234001")
    one_stop.result_now("D-2", "0981234002")
    until(lambda: len(limited.asked) == 1)
    time.sleep(1)
    one_stop.result_now("D-3", "0905123003")
    began = time.monotonic()
    until(lambda: len(other.asked) == 1)
    assert time.monotonic() < began + 5
    assert len(limited.asked) == 1, "the limit is kept"


def test_message_whose_retry_is_due_waits_for_no_other_gateways_queue(one_stop, lingering, two_gateways, configure):
    """A message that is due again at one gateway must not wait for the end of a long queue at another gateway."""
    slow, other = two_gateways
    given = json.loads(os.environ["AIRFLOW_CONN_SMS_KANNEL"])
    given["extra"] |= {"carriers": ["Viettel"], "answer_timeout": 20}
    configure(AIRFLOW_CONN_SMS_KANNEL=json.dumps(given), MOTCUA_GATEWAYS="kannel,second", MOTCUA_RETRY_FIRST="2")
    slow.seconds = 0.7
    other.script = [(503, "Temporal failure, try again later.")]
    for number in range(80):
        one_stop.result_now(f"D-{number}", f"0981234{number:03}")
    one_stop.result_now("D-80", "0905123080")
    take_in(None)
    lingering()
    until(lambda: len(other.asked) == 1)
    began = time.monotonic()
    until(lambda: len(other.asked) == 2)
    assert time.monotonic() < began + 7, f"{len(slow.asked)} messages went through the other gateway first"
