"""Test request slots: senders share a gateway's slots and together keep its limit, also after a sender died."""

from __future__ import annotations

import threading

import pytest

from motcua.jobs.notices.sending.request_slots import RequestSlots
from motcua.jobs.notices.sending.sender import send
from motcua.store.ledger.database import open_connection
from tests.crash.processes import Forked
from tests.ground import NOW, gateway_connection, register_templates, until
from tests.integration.sending.test_routing import MOBIFONE, VIETTEL, queue, two

pytestmark = [pytest.mark.alone, pytest.mark.usefixtures("useful_for_years")]

__all__ = ["two"]  # Without this line, the linter would call the import of the fixture unused.


@pytest.fixture(autouse=True)
def _register_at_second_gateway(ledger):
    """Register the templates at the second gateway too."""
    register_templates(ledger, "second")


@pytest.fixture
def share(ledger):
    """Return a function that acts as one more sender: it opens a gateway's slots, and returns slots and connection."""
    connections = []

    def begin(concurrency=8, gateway="kannel"):
        connections.append(open_connection())
        connections[-1].autocommit = True
        slots = RequestSlots(connections[-1], gateway, concurrency, look_every=(0.0, 0.0))
        slots.balance()
        return slots, connections[-1]

    yield begin
    for connection in connections:
        connection.close()


def test_senders_share_the_slots_of_a_gateway_as_they_come_and_go(share):
    first, _ = share()
    assert first.share == 8, "a sender alone has all slots"
    second, dying = share()
    assert second.share == 0
    assert share(8, "second")[0].share == 8, "each gateway has its own slots"
    first.balance()
    second.balance()
    assert (first.share, second.share) == (4, 4)
    first.give_all_back()
    second.balance()
    assert second.share == 8, "the slots of a sender with nothing to send go to the other"
    for each in (first, second, first):
        each.balance()
    assert (first.share, second.share) == (4, 4)
    dying.close()
    until(lambda: first.balance() or first.share == 8, what="the slots of the dead")


def test_slots_in_use_are_given_back_when_their_requests_are_answered_and_who_has_none_waits(share):
    """A slot goes to another sender only after its request was answered. A sender without a slot waits."""
    first, _ = share(2)
    with first.session(), first.session():
        second, _ = share(2)
        third, _ = share(2)
        for each in (first, second, third):
            each.balance()
        assert (first.share, second.share, third.share) == (1, 0, 0)
    for each in (first, second, third):
        each.balance()
    assert (first.share, second.share, third.share) == (1, 1, 0)
    first.give_all_back()
    third.balance()
    assert third.share == 1


@pytest.mark.guarantee(
    "limits", "all senders together keep to a gateway's `concurrency`, also when one of them is killed"
)
def test_limit_in_flight_is_kept_by_all_senders_together_also_when_one_is_killed(one_stop, gateway, configure, rows):
    configure(AIRFLOW_CONN_SMS_KANNEL=gateway_connection(gateway.port, answer_timeout=5, concurrency=8))
    queue(one_stop, *[MOBIFONE] * 200)
    gateway.seconds = 0.1
    came, enough = threading.Semaphore(0), 40
    gateway.before_answer = lambda query: came.release()
    killed, *others = [Forked(lambda report, n=n: send(f"run {n}")) for n in range(2)]
    for _ in range(enough):
        assert came.acquire(timeout=60)
    killed.kill()
    others.append(Forked(lambda report: send("run of another")))
    assert killed.end()[1] == 9
    assert [other.end() for other in others] == [([], 0)] * 2
    assert 4 < gateway.most_connections <= 8
    # PostgreSQL ends the killed sender's session a moment after the process died. A sender that started within this
    # moment found the session alive and left the killed sender's attempts in flight.
    send("run of whoever comes later")
    left = rows("SELECT state, count(*) FROM motcua.messages GROUP BY state")
    counted = {row["state"]: row["count"] for row in left}
    assert counted.pop("unknown", 0) <= 10
    assert set(counted) == {"accepted"}


@pytest.mark.guarantee(
    "limits", "senders share a long queue; a sender that waits for a gateway's slots leaves idle slots to other senders"
)
def test_second_sender_gets_its_share_of_a_long_queue(one_stop, gateway, configure):
    configure(AIRFLOW_CONN_SMS_KANNEL=gateway_connection(gateway.port, answer_timeout=5, concurrency=4))
    queue(one_stop, *[MOBIFONE] * 160)
    gateway.seconds = 0.1
    counts = {}
    is_busy = threading.Event()
    gateway.before_answer = lambda query: is_busy.set()
    senders = [threading.Thread(target=lambda n=n: counts.update({n: send(f"run {n}")})) for n in range(2)]
    senders[0].start()
    assert is_busy.wait(60)
    senders[1].start()
    for sender in senders:
        sender.join()
    assert counts[0].attempts + counts[1].attempts == 160
    assert counts[1].attempts > 4
    assert gateway.most_connections <= 4


@pytest.mark.guarantee(
    "limits", "senders share a long queue; a sender that waits for a gateway's slots leaves idle slots to other senders"
)
def test_sender_that_waits_for_slots_leaves_what_is_idle_to_others(one_stop, two, share):
    """A sender that waits for slots of one gateway gives back the slots of another gateway that it does not use.

    Otherwise two senders that each hold all slots of one gateway would wait for each other forever.
    """
    first, second = two(kannel={"carriers": ["Viettel"]}, second={"carriers": ["MobiFone"]})
    others, _ = share(4, "second")
    queue(one_stop, VIETTEL, MOBIFONE)
    came, stop = threading.Event(), threading.Event()
    first.before_answer = lambda query: came.set()
    sender = threading.Thread(target=send, args=("run",), kwargs={"stop": stop, "clock": lambda: NOW})
    sender.start()
    assert came.wait(60)
    another, _ = share(4, "kannel")
    for _ in range(200):
        another.balance()
        if another.share == 4 or stop.wait(0.05):
            break
    had, _ = another.share, others.give_all_back()
    if had < 4:
        stop.set()
    sender.join()
    assert had == 4
    assert len(second.asked) == 1
