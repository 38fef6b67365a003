"""Test gateway pauses for expected reasons, such as night hours: the next gateway takes over, and no run is red."""

from __future__ import annotations

from datetime import time, timedelta

import pytest

from motcua.domain.apologies import QuietHours
from motcua.gateways.adapter import GatewayAnswer
from motcua.gateways.kannel import KannelGateway
from motcua.jobs.notices.sending.sender import unresolved
from tests.ground import NOW, queue_results, send_at, states

NIGHT, MORNING = NOW + timedelta(hours=13), NOW + timedelta(hours=20)
"""23:00 on the day of ``NOW`` and 6:00 on the next day, in Vietnam's time zone."""


@pytest.fixture
def two(two_gateways, monkeypatch):
    """Set up two gateways: ``kannel``, which is closed from 22:00 to 6:00, is preferred to ``second``."""
    hours = QuietHours(time(22), time(6))
    monkeypatch.setattr(
        KannelGateway, "closed", property(lambda self: hours if self.address.name == "kannel" else None)
    )
    return two_gateways


def stops(rows):
    return [tuple(row.values()) for row in rows("SELECT until, expected, by_hand FROM motcua.gateway_stops")]


@pytest.mark.guarantee(
    "gateways-that-fail",
    "a gateway closed at night is skipped, or messages wait for it if no other is left; no run turns red",
)
def test_gateway_that_is_closed_at_night_is_passed_over_until_its_morning(one_stop, two, rows):
    first, second = two
    queue_results(one_stop, 3, NIGHT)
    send_at(NIGHT)
    assert (len(first.asked), len(second.asked)) == (0, 3)
    assert stops(rows) == [(MORNING, True, False)]
    assert unresolved("run", now=NIGHT) == []
    queue_results(one_stop, 6, MORNING)
    send_at(MORNING)
    assert len(first.asked) > 1, "a gateway that opens gets all its requests at once, without a first try"
    assert len(second.asked) == 3
    assert stops(rows) == []


@pytest.mark.guarantee(
    "gateways-that-fail",
    "a gateway closed at night is skipped, or messages wait for it if no other is left; no run turns red",
)
def test_messages_wait_for_the_only_gateway(one_stop, two, rows, configure):
    configure(MOTCUA_GATEWAYS="kannel")
    first, _ = two
    queue_results(one_stop, 2, NIGHT)
    send_at(NIGHT)
    assert states(rows) == [("queued", None)] * 2
    assert unresolved("run", now=NIGHT) == []
    send_at(MORNING)
    assert states(rows) == [("accepted", None)] * 2
    assert len(first.asked) == 2


@pytest.mark.guarantee(
    "gateways-that-fail", "a refusal because of a quota pauses the gateway until the quota is renewed"
)
def test_refusal_for_a_quota_stops_until_its_time(one_stop, two, rows, monkeypatch):
    first, second = two
    tomorrow = NOW + timedelta(hours=14)
    submit = KannelGateway.submit

    def used_up(self, session, message):
        answer = submit(self, session, message)
        is_over = self.address.name == "kannel"
        return GatewayAnswer("configuration", 200, "-144 quota of the day", open_at=tomorrow) if is_over else answer

    monkeypatch.setattr(KannelGateway, "submit", used_up)
    queue_results(one_stop, 6)
    send_at()
    assert len(first.asked) <= 5
    assert len(second.asked) == 6
    assert stops(rows) == [(tomorrow, True, False)]
    assert unresolved("run", now=NOW) == []
    assert set(states(rows)) == {("accepted", None)}
