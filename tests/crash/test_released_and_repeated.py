"""Test messages of unknown outcome on which a person, the desk or a late receipt acts at the same time as a process."""

from __future__ import annotations

from datetime import timedelta

import pytest

from motcua.gateways.adapter import GatewayCall
from motcua.jobs.notices.receiving import store_and_read_receipt
from motcua.jobs.notices.settling import settle
from motcua.jobs.notices.stopping import release
from motcua.store.ledger.database import open_connection
from motcua.store.ledger.locks import share_gateway
from tests.crash.test_message_states import provider
from tests.ground import NOW, in_ledger, reference_of, run_at, send_at, states, take_in

HOUR = timedelta(hours=1)
__all__ = ["provider"]  # a fixture


@pytest.fixture(autouse=True)
def _first_request_is_lost(provider):
    """Let the gateway lose the first request, and refuse repeats."""
    provider.refuses_repeats_for = timedelta(hours=23)
    provider.script = ["is silent"]


def queue(one_stop, *codes):
    for code in codes:
        one_stop.both(9, code, at=NOW)
    run_at()


@pytest.mark.guarantee(
    "unknown-outcome", "a release of a message during the repeat of its request does not send it twice"
)
def test_message_that_is_released_while_it_is_repeated_reaches_the_phone_once(one_stop, provider, rows):
    queue(one_stop, "D-0")

    def a_person_releases_it_and_the_next_run_sends():
        release("Trần Thị B", "nhà mạng báo không có", now=NOW + HOUR)
        send_at(NOW + HOUR)

    provider.disturb = a_person_releases_it_and_the_next_run_sends
    provider.address.extra["concurrency"] = 2
    with open_connection() as other:
        # Count this connection as a sender of the gateway, too. Settling then uses only its share of the request slots,
        # so that a slot is left for the next run.
        other.autocommit = True
        share_gateway(other, "kannel")
        settle("settling", clock=lambda: NOW + HOUR)
    send_at(NOW + HOUR)
    assert provider.taken.total() == 1
    assert [state for state, _ in states(rows)] == ["accepted"]


@pytest.mark.guarantee(
    "unknown-outcome", "if a dossier is withdrawn while requests are being repeated, its own request is not repeated"
)
def test_dossier_that_is_taken_back_while_others_are_repeated_is_not_repeated(one_stop, provider, rows):
    provider.script *= 2
    queue(one_stop, "D-0", "D-1")
    # The gateway is paused after its failure, and then tried with one request, so the second message needs this run.
    send_at(NOW + HOUR)
    assert [state for state, _ in states(rows)] == ["unknown", "unknown"]

    def the_desk_takes_the_other_one_back():
        one_stop.move(4, "D-1", desk=False, at=NOW + HOUR)
        take_in(now=NOW + HOUR)

    provider.disturb = the_desk_takes_the_other_one_back
    settle("settling", clock=lambda: NOW + 2 * HOUR)
    assert provider.taken.total() == 1


@pytest.mark.guarantee(
    "unknown-outcome",
    "a late receipt for the attempt before a release counts, even if the message has expired or is cancelled",
)
@pytest.mark.parametrize("end", ["expired", "cancelled"])
def test_receipt_for_a_released_attempt_counts_also_when_the_message_has_ended_meanwhile(one_stop, provider, rows, end):
    queue(one_stop, "D-0")
    release("Trần Thị B", "nhà mạng báo không có", now=NOW + HOUR)
    if end == "expired":
        settle("settling", clock=lambda: NOW + 73 * HOUR)
    else:
        one_stop.move(4, "D-0", desk=False, at=NOW + HOUR)
        run_at(NOW + HOUR)
    assert [state for state, _ in states(rows)] == [end]
    in_ledger(
        store_and_read_receipt,
        "kannel",
        provider.read_receipt(GatewayCall({"reference": reference_of(rows), "status": "1"})),
    )
    assert rows("SELECT state FROM motcua.attempts") == [{"state": "delivered"}]
    assert [state for state, _ in states(rows)] == ["delivered"], (
        "a phone has the text, so the message must be delivered"
    )
