"""What a person, the desk or a late receipt does to a message of unknown outcome while others are busy with it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from motcua.gateways.adapter import GatewayAddress, GatewayAnswer
from motcua.gateways.kannel import KannelGateway
from motcua.jobs.notices import settling
from motcua.jobs.notices.receiving import receive
from motcua.jobs.notices.sending import sender as sending
from motcua.jobs.notices.sending.sender import send
from motcua.jobs.notices.settling import settle
from motcua.jobs.notices.stopping import release
from motcua.store.ledger.database import open_connection
from motcua.store.ledger.locks import share_gateway
from motcua.store.notices.gateways import ensure_gateway
from tests.ground import NOW, in_ledger, take_in

HOUR = timedelta(hours=1)


class RefusesRepeats(KannelGateway):
    """Refuses a reference that it has taken; loses the first request; may be disturbed before it takes one."""

    refuses_repeats_for = timedelta(hours=23)

    def __init__(self, address):
        super().__init__(address)
        self.taken = []
        self.loses = 1
        self.disturb = lambda: None

    def submit(self, session, message):
        if self.loses:
            self.loses -= 1
            return GatewayAnswer("unknown")
        disturb, self.disturb = self.disturb, lambda: None
        disturb()
        if message.reference in self.taken:
            return GatewayAnswer("duplicate")
        self.taken.append(message.reference)
        return GatewayAnswer("accepted", 202)


@pytest.fixture
def provider(configure, monkeypatch):
    configure(MOTCUA_GATEWAYS="kannel")
    provider = RefusesRepeats(GatewayAddress("kannel", "http://127.0.0.1:1", "a", "b", {"concurrency": 1}))
    monkeypatch.setattr(sending, "open_and_note", lambda ledger, name: ensure_gateway(ledger, name) or provider)
    monkeypatch.setattr(settling, "open_gateway", lambda name: provider)
    return provider


def queue(one_stop, *codes):
    for code in codes:
        one_stop.both(9, code, at=NOW)
    take_in()


def states(rows):
    return [row["state"] for row in rows("SELECT state FROM motcua.messages ORDER BY message_id")]


@pytest.mark.guarantee("unknown-outcome", "nobody can release a message while its request is out once more")
def test_message_that_is_released_while_it_is_repeated_reaches_the_phone_once(one_stop, provider, rows):
    queue(one_stop, "D-0")
    send("first", clock=lambda: NOW)

    def a_person_releases_it_and_the_next_run_sends():
        release("Trần Thị B", "nhà mạng báo không có", now=NOW + HOUR)
        send("next", clock=lambda: NOW + HOUR)

    provider.disturb = a_person_releases_it_and_the_next_run_sends
    provider.address.extra["concurrency"] = 2
    with open_connection() as other:
        # Somebody else has a share, so that settling leaves the next run a slot.
        other.autocommit = True
        share_gateway(other, "kannel")
        settle("settling", clock=lambda: NOW + HOUR)
    send("later", clock=lambda: NOW + HOUR)
    assert len(provider.taken) == 1
    assert states(rows) == ["accepted"]


@pytest.mark.guarantee("unknown-outcome", "a dossier that is taken back while others are repeated is not repeated")
def test_dossier_that_is_taken_back_while_others_are_repeated_is_not_repeated(one_stop, provider, rows):
    queue(one_stop, "D-0", "D-1")
    provider.loses = 2
    send("first", clock=lambda: NOW)
    send("first, the gateway on trial", clock=lambda: NOW + HOUR)
    assert states(rows) == ["unknown", "unknown"]

    def the_desk_takes_the_other_one_back():
        one_stop.move(4, "D-1", desk=False, at=NOW + HOUR)
        take_in(now=NOW + HOUR)

    provider.disturb = the_desk_takes_the_other_one_back
    settle("settling", clock=lambda: NOW + 2 * HOUR)
    assert len(provider.taken) == 1


@pytest.mark.guarantee(
    "unknown-outcome",
    "a late receipt of an attempt that was given up counts also when the message had ended as expired or cancelled",
)
@pytest.mark.parametrize("end", ["expired", "cancelled"])
def test_receipt_for_a_released_attempt_counts_also_when_the_message_has_ended_meanwhile(one_stop, provider, rows, end):
    queue(one_stop, "D-0")
    send("first", clock=lambda: NOW)
    release("Trần Thị B", "nhà mạng báo không có", now=NOW + HOUR)
    if end == "expired":
        settle("settling", clock=lambda: NOW + 73 * HOUR)
    else:
        one_stop.move(4, "D-0", desk=False, at=NOW + HOUR)
        take_in(now=NOW + HOUR)
        send("second", clock=lambda: NOW + HOUR)
    assert states(rows) == [end]
    reference = rows("SELECT reference FROM motcua.attempts")[0]["reference"]
    in_ledger(receive, provider, "kannel", {"reference": reference, "status": "1"})
    assert rows("SELECT state FROM motcua.attempts") == [{"state": "delivered"}]
    assert states(rows) == ["delivered"], "a phone has it"
