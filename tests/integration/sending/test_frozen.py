"""Test processes that freeze: another process takes over, and the frozen one does no harm on waking.

A pick-up reads the new rows of a source into the ledger.
"""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection
from pathlib import Path
from types import SimpleNamespace

import psutil
import psycopg
import pytest

from motcua.domain.restores import SLEEPS_AFTER
from motcua.gateways.kannel import KannelGateway
from motcua.jobs.notices import picking_up
from motcua.jobs.notices.apologizing import apologize
from motcua.jobs.notices.picking_up import pick_up
from motcua.jobs.notices.planning import plan
from motcua.jobs.notices.sending.heartbeat import Heart, beating
from motcua.jobs.notices.sending.request_slots import HeldBack, http_session
from motcua.jobs.notices.sending.sender import send
from motcua.jobs.notices.settling import settle
from motcua.jobs.notices.stopping import release
from motcua.jobs.notices.watching import CatchUp
from motcua.store.ledger.database import CALLBACKS, close_ledger_pool, kept_connections, ledger_pool
from motcua.store.ledger.locks import LEADING, is_held
from motcua.store.notices.gaps import note_run_start
from motcua.store.notices.gateways import tokens_failing
from motcua.store.notices.receipts import NewReceipt, ReadReceipt, apply_receipts, save_receipts
from motcua.store.tokens import TokenFile
from tests.crash.processes import Forked
from tests.ground import NOW, in_ledger, queue_results, reference_of, send_at, states, take_in, until

pytestmark = [pytest.mark.alone, pytest.mark.timeout(400), pytest.mark.usefixtures("useful_for_years")]

SOON = 2.0
"""Seconds without a heartbeat after which these tests' settings count a process as frozen."""


@pytest.fixture(autouse=True)
def _count_as_frozen_soon(configure):
    configure(MOTCUA_FROZEN_AFTER=str(SOON))


@pytest.fixture
def forked() -> Iterator[Callable[..., Forked]]:
    """Return a function that starts work in a forked process. The fixture kills each process when the test ends."""
    begun = []

    def begin(work: Callable[[Callable[[str], None]], None]) -> Forked:
        begun.append(Forked(work))
        return begun[-1]

    yield begin
    for child in begun:
        child.kill()


def lingers(report: Callable[[str], None]) -> None:
    with kept_connections(), closing(CatchUp(timedelta(hours=1))) as catch_up:
        send("run", catch_up=catch_up)


def freeze() -> None:
    """Freeze this process with SIGSTOP. Return once another process has continued it, at least a second later."""
    before = time.monotonic()
    signal.pthread_kill(threading.get_ident(), signal.SIGSTOP)
    # The kernel may stop the process only a moment after the call. Without this loop, the thread would run until then.
    while (now := time.monotonic()) - before < SOON / 2:
        before = now
        time.sleep(0.01)


def freeze_before(owner: type, name: str) -> None:
    """Change a method so that this process freezes itself just before its first call."""
    original, once = getattr(owner, name), threading.Event()

    def stop(*arguments: object, **named: object) -> object:
        if not once.is_set():
            once.set()
            freeze()
        return original(*arguments, **named)

    setattr(owner, name, stop)


def freezes_at_its_request(report: Callable[[str], None]) -> None:
    """Run a sender whose process freezes just before its first request leaves."""
    freeze_before(KannelGateway, "submit")
    send("run")


def leads() -> bool:
    return in_ledger(is_held, LEADING)


def stands_by() -> bool:
    return in_ledger(is_held, 1000)


@pytest.mark.guarantee(
    "frozen", "when a sender freezes during a pick-up, another sender takes over its work and its source"
)
def test_sender_that_is_frozen_inside_a_pick_up_is_taken_over(one_stop, gateway, rows, forked):
    def freezes(report: Callable[[str], None]) -> None:
        freeze_before(picking_up._PickUp, "run")
        lingers(report)

    frozen = forked(freezes)
    until(leads, 120)
    standing = forked(lingers)
    until(stands_by, 120)
    one_stop.result_now("D-1", "0905123001")
    assert frozen.stopped()
    assert rows("SELECT 1 AS free FROM motcua.sources FOR UPDATE NOWAIT"), "a frozen pick-up locks no row of a source"
    until(lambda: gateway.asked, 120)
    frozen.go_on()
    assert frozen.end()[1] == 0
    assert rows("SELECT failure FROM motcua.sources") == [{"failure": None}], (
        "the frozen process records no failure of the source"
    )
    one_stop.result_now("D-2", "0905123002")
    until(lambda: len(gateway.asked) == 2, 120)
    standing.kill()


def test_pick_up_whose_ledger_session_is_ended_does_not_blame_the_source(one_stop, rows, monkeypatch):
    """If a pick-up loses its connection to the ledger, no failure of the source may be stored."""
    one_stop.result_now("D-1", "0905123001")
    original = picking_up._PickUp.run

    def ended(self, window):
        in_ledger(
            lambda ledger: ledger.execute("SELECT pg_terminate_backend(%s, 5000)", [self.ledger.info.backend_pid])
        )
        return original(self, window)

    monkeypatch.setattr(picking_up._PickUp, "run", ended)
    with pytest.raises(picking_up.SourceFailed, match="lost its connection to the ledger"):
        pick_up("khanhhoa")
    assert rows("SELECT failure FROM motcua.sources") == [{"failure": None}]


@pytest.mark.guarantee("frozen", "a request that a frozen process had not sent is not sent when the process wakes")
def test_request_of_a_sender_that_was_taken_over_does_not_leave_when_it_wakes(one_stop, gateway, rows, forked):
    one_stop.result_now("D-1", "0905123001")
    take_in(None)

    frozen = forked(freezes_at_its_request)
    assert frozen.stopped()
    time.sleep(SOON)
    assert send("another").abandoned == 1
    assert states(rows) == [("unknown", "sender_ended")]
    release("Nguyễn Văn Trực", "nhà mạng báo không nhận", now=datetime.now(UTC))
    assert send("a third").attempts == 1
    assert len(gateway.asked) == 1
    frozen.go_on()
    frozen.end()
    assert len(gateway.asked) == 1
    assert states(rows) == [("accepted", None)]


@pytest.mark.guarantee(
    "frozen", "the message of a request that a waking process holds back is queued again if no other sender took over"
)
def test_what_was_held_back_and_not_taken_over_is_queued_again(one_stop, gateway, rows, forked):
    one_stop.result_now("D-1", "0905123001")
    take_in(None)

    frozen = forked(freezes_at_its_request)
    assert frozen.stopped()
    time.sleep(SOON)
    frozen.go_on()
    assert frozen.end() == ([], 0)
    # If the process froze just while it gave a heartbeat, it does not notice the freeze. It may then send the queued
    # message itself after its next heartbeat.
    send("another")
    assert [each["gateway_code"] for each in rows("SELECT gateway_code FROM motcua.attempts ORDER BY attempt_id")] == [
        "held back",
        "0: Accepted for delivery",
    ]
    assert len(gateway.asked) == 1
    assert states(rows) == [("accepted", None)]


def test_sender_that_may_not_send_claims_nothing_until_it_may(one_stop, gateway, rows, monkeypatch):
    """A sender without a valid heartbeat waits, and claims no message before its heartbeat is valid."""
    one_stop.result_now("D-1", "0905123001")
    take_in(None)
    until = time.monotonic() + 0.3
    monkeypatch.setattr(Heart, "may_send", property(lambda _: time.monotonic() > until))
    assert send("run").attempts == 1
    assert states(rows) == [("accepted", None)]


@pytest.mark.guarantee(
    "frozen", "just before a request's first byte, a sender checks that its last heartbeat is recent"
)
@pytest.mark.parametrize("is_known", [False, True], ids=["a new connection", "one that was used before"])
def test_request_looks_at_its_deadline_before_its_first_byte(gateway, is_known):
    heart = SimpleNamespace(may_send=is_known, leaving=threading.Lock())
    with http_session(heart) as session:
        address = f"http://127.0.0.1:{gateway.port}/cgi-bin/sendsms?to=1"
        if is_known:
            session.get(address)
        heart.may_send = False
        with pytest.raises(HeldBack):
            session.get(address)
    assert len(gateway.asked) == is_known


@pytest.mark.guarantee(
    "frozen", "of a frozen process, at most one request has passed the heartbeat check without being sent"
)
def test_requests_of_a_process_look_and_leave_one_after_the_other(gateway, monkeypatch):
    begins_to_leave, leaves = threading.Event(), threading.Event()
    send_bytes = HTTPConnection.send

    def wait_and_send(connection: HTTPConnection, data: bytes) -> None:
        begins_to_leave.set()
        assert leaves.wait(60)
        send_bytes(connection, data)

    monkeypatch.setattr(HTTPConnection, "send", wait_and_send)
    heart = SimpleNamespace(may_send=True, leaving=threading.Lock())
    address = f"http://127.0.0.1:{gateway.port}/cgi-bin/sendsms?to=1"
    with ThreadPoolExecutor() as threads, http_session(heart) as first, http_session(heart) as second:
        leaving = threads.submit(first.get, address)
        assert begins_to_leave.wait(60)
        behind = threads.submit(second.get, address)
        time.sleep(0.2)
        heart.may_send = False
        leaves.set()
        assert leaving.result().ok
        with pytest.raises(HeldBack):
            behind.result()
    assert len(gateway.asked) == 1


@pytest.mark.guarantee(
    "frozen",
    "the 17:30 apologies wait for a running pick-up, and for a frozen pick-up only until its database session is ended",
)
def test_evening_does_not_wait_for_a_pick_up_that_is_frozen(one_stop, gateway, rows, forked):
    one_stop.dossier(due_at=NOW + timedelta(days=1))
    pick_up("khanhhoa", now=NOW)
    pick_up("khanhhoa", now=NOW.replace(hour=10, minute=30, second=1))

    def freezes(report: Callable[[str], None]) -> None:
        freeze_before(picking_up._PickUp, "run")
        pick_up("khanhhoa")

    frozen = forked(freezes)
    assert frozen.stopped()
    counts = apologize(now=NOW.replace(hour=10, minute=30, second=5))
    assert counts.waiting == {}
    assert counts.evenings == {"done": 1}
    frozen.go_on()
    frozen.end()


def freezes_in_its_renewal(owner: type, name: str) -> Callable[[Callable[[str], None]], None]:
    """Return the work of a sender whose process freezes during a token renewal, just before the named method."""

    def freezes(report: Callable[[str], None]) -> None:
        freeze_before(owner, name)
        send_at()

    return freezes


@pytest.mark.guarantee("tokens", "a process that was frozen during a renewal overwrites no newer tokens when it wakes")
@pytest.mark.parametrize("step", ["begin", "keep"])
def test_who_was_frozen_in_a_renewal_writes_over_no_newer_tokens(one_stop, channels, rows, forked, step):
    queue_results(one_stop)
    frozen = forked(freezes_in_its_renewal(TokenFile, step))
    assert frozen.stopped()
    time.sleep(SOON)
    channels.zalo.refresh_token = "second-refresh-token"
    channels.set_up(refresh_token="second-refresh-token")
    send_at(run_id="another")
    sent, renewals = len(channels.zalo.sent), channels.zalo.renewals
    assert sent == 1
    frozen.go_on()
    frozen.end()
    one_stop.both(9, "D-1", applicant_phone="0905123001")
    take_in()
    send_at(run_id="a third")
    assert (len(channels.zalo.sent), channels.zalo.renewals - renewals, channels.sms.asked) == (sent + 1, 0, [])
    assert in_ledger(tokens_failing, ["zalo"]) == []


@pytest.mark.guarantee(
    "frozen",
    "a process that freezes while it creates messages or decides unknown outcomes loses its database session too",
)
@pytest.mark.parametrize("work", [plan, lambda: settle("settling")], ids=["planning", "settling"])
def test_who_plans_or_settles_is_ended_too(one_stop, gateway, rows, forked, work):
    one_stop.result_now("D-1", "0905123001")
    pick_up("khanhhoa")

    def freezes(report: Callable[[str], None]) -> None:
        original, commits = psycopg.Connection.commit, iter(range(1000))

        def commit(connection: psycopg.Connection) -> None:
            if next(commits) == 3:
                freeze()
            original(connection)

        # Nothing undoes this patch, because the forked process ends with its work.
        pytest.MonkeyPatch().setattr(psycopg.Connection, "commit", commit)
        work()

    frozen = forked(freezes)
    assert frozen.stopped()
    time.sleep(SOON)
    send("another")
    until(lambda: not rows("SELECT 1 FROM pg_stat_activity WHERE application_name LIKE 'motcua at work %'"), 120)
    frozen.go_on()
    frozen.end()


@pytest.mark.guarantee("frozen", "a process sends nothing while its disk hangs, and nothing more after it was asleep")
def test_process_whose_disk_hangs_is_taken_for_frozen(ledger, rows):
    with beating() as heart:
        time.sleep(SOON)
        assert heart.may_send
        with heart.writing():
            until(lambda: not heart.may_send, 120)
        until(lambda: heart.may_send, 120)
        assert not heart.is_over


@pytest.mark.guarantee("frozen", "a process sends nothing while its disk hangs, and nothing more after it was asleep")
def test_process_that_was_asleep_sends_nothing_more(ledger, forked):
    def sleeps(report: Callable[[str], None]) -> None:
        with beating() as heart:
            time.sleep(SOON / 2)
            report(f"awake: {heart.may_send}")
            freeze()
            report(f"at once: {heart.may_send}")
            time.sleep(SOON)
            report(f"later: {heart.may_send}")

    sleeper = forked(sleeps)
    assert sleeper.stopped()
    time.sleep(SOON)
    sleeper.go_on()
    assert sleeper.end() == (["awake: True", "at once: False", "later: False"], 0)


@pytest.mark.guarantee("frozen", "a forked process has a heartbeat of its own")
def test_process_that_is_forked_has_a_heart_of_its_own(ledger, forked):
    def works(report: Callable[[str], None]) -> None:
        with beating() as own:
            time.sleep(SOON)
            report(f"{own.name != heart.name}, {own.may_send}")

    with beating() as heart:
        assert forked(works).end() == (["True, True"], 0)


@contextmanager
def server_stopped(rows) -> Iterator[None]:
    """Freeze all processes of PostgreSQL while the block runs."""
    (row,) = rows("SHOW data_directory")
    server = psutil.Process(int((Path(row["data_directory"]) / "postmaster.pid").read_text().split()[0]))
    stopped = [server, *server.children(recursive=True)]
    for process in stopped:
        process.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        for process in stopped:
            process.send_signal(signal.SIGCONT)


@pytest.mark.guarantee(
    "frozen", "when a frozen PostgreSQL wakes, no process is ended, and the same run goes on sending"
)
def test_nobody_is_ended_when_the_server_wakes(one_stop, gateway, rows, forked):
    both = [forked(lingers), forked(lingers)]
    until(lambda: leads() and stands_by(), 120)
    time.sleep(SOON)
    named = "SELECT count(DISTINCT application_name) AS n FROM pg_stat_activity WHERE application_name LIKE '% beats'"
    until(lambda: rows(named) == [{"n": 2}], 120)
    with server_stopped(rows):
        time.sleep(3 * SOON)
    woke_at = time.monotonic()
    one_stop.result_now("D-1", "0905123001")
    until(lambda: gateway.asked, 120)
    took = time.monotonic() - woke_at
    time.sleep(2 * SOON)
    assert rows(named) == [{"n": 2}]
    assert not any(child.listen(0.0) for child in both), "neither sender ended"
    assert took < 15


@pytest.mark.guarantee("frozen", "heartbeats are stored in the ledger, and an orderly stop stores the newest one")
def test_newest_beat_stays_in_the_ledger(ledger, rows):
    began = datetime.now(UTC)
    in_ledger(note_run_start, began, SLEEPS_AFTER)
    with beating() as heart:
        heart.record_running(lambda: datetime.now(UTC), None)
        until(lambda: rows("SELECT looked_at FROM motcua.sender_life WHERE looked_at > %s", began), 120)
    assert rows("SELECT 1 AS one FROM motcua.sender_life WHERE looked_at > %s", began)


@pytest.mark.guarantee(
    "frozen", "a callbacks process that freezes while it applies a receipt keeps no sender waiting for more than 3 s"
)
def test_callbacks_that_are_frozen_inside_a_receipt_keep_no_sender_waiting(one_stop, gateway, rows):
    """The callbacks app has no heartbeat. PostgreSQL itself must end the transaction that locks the message."""
    queue_results(one_stop)

    def frozen_in_a_receipt(asked: object) -> None:
        reference = reference_of(rows)
        (number,) = save_receipts(receipts, [NewReceipt("kannel", reference, "1", {})])
        apply_receipts(receipts, [ReadReceipt(number, "kannel", reference, "delivered")], NOW)

    gateway.before_answer = frozen_in_a_receipt
    try:
        with ThreadPoolExecutor(1) as beside, ledger_pool(CALLBACKS).connection() as receipts:
            sent = beside.submit(send_at)
            try:
                assert sent.result(20).attempts == 1
            finally:
                receipts.close()
    finally:
        close_ledger_pool()
    assert states(rows) == [("accepted", None)]
