"""Test a gateway that does not reach a number: the next gateway sends this and later messages to the number."""

from __future__ import annotations

from datetime import timedelta

import pytest

from motcua.gateways.adapter import GatewayAnswer
from motcua.gateways.kannel import KannelGateway
from motcua.jobs.notices.picking_up import pick_up
from motcua.jobs.notices.planning import plan
from motcua.jobs.notices.sending.sender import unresolved
from tests.ground import NOW, send_at, states, take_in

MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
WITHOUT, WITH = "0905123000", "0905123001"


@pytest.fixture
def two(two_gateways, monkeypatch):
    """Set up two gateways: ``kannel``, which does not reach the number ``WITHOUT``, is preferred to ``second``."""
    submit = KannelGateway.submit

    def selective(self, session, message):
        answer = submit(self, session, message)
        if self.address.name == "kannel" and message.msisdn.endswith(WITHOUT[1:]):
            return GatewayAnswer("unreachable", 200, "-118 no account")
        return answer

    monkeypatch.setattr(KannelGateway, "submit", selective)
    monkeypatch.setattr(KannelGateway, "reaches_every_number", False)
    return two_gateways


def queue(one_stop, code, phone, at=NOW):
    one_stop.both(9, code, at=at, applicant_phone=phone)
    take_in(now=at)


@pytest.mark.guarantee(
    "gateways-that-fail",
    "messages to a number that a gateway does not reach go to the next gateway for seven days and use up no retry",
)
def test_number_goes_to_the_next_gateway_at_once_and_straight_there_for_seven_days(one_stop, two, rows):
    first, second = two
    queue(one_stop, "D-1", WITHOUT)
    send_at()
    assert (len(first.asked), len(second.asked)) == (1, 1)
    assert states(rows) == [("accepted", None)]
    outcomes = "SELECT gateway, state, outcome FROM motcua.attempts ORDER BY attempt_id"
    assert [tuple(row.values()) for row in rows(outcomes)] == [
        ("kannel", "failed", "unreachable"),
        ("second", "accepted", "accepted"),
    ]
    assert unresolved("run", now=NOW) == [], "no run is red for a number that was not reached"
    assert rows("SELECT 1 FROM motcua.gateway_changes") == [], "no gateway is stopped for it"
    queue(one_stop, "D-2", WITHOUT, NOW + DAY)
    queue(one_stop, "D-3", WITH, NOW + DAY)
    send_at(NOW + DAY)
    assert [asked["to"][-3:] for asked in first.asked] == ["000", "001"]
    assert [asked["to"][-3:] for asked in second.asked] == ["000", "000"]
    queue(one_stop, "D-4", WITHOUT, NOW + 8 * DAY)
    send_at(NOW + 8 * DAY)
    assert (len(first.asked), len(second.asked)) == (3, 3), (
        "after seven days the first gateway is tried again: the number may have an account now"
    )


@pytest.mark.guarantee(
    "gateways-that-fail",
    "messages to a number that a gateway does not reach go to the next gateway for seven days and use up no retry",
)
def test_not_to_reach_a_number_is_no_try(one_stop, two, rows):
    _, second = two
    second.script = [(429, "")]
    queue(one_stop, "D-1", WITHOUT)
    send_at()
    waits = rows("SELECT next_attempt_at - %s AS wait FROM motcua.messages", NOW)[0]["wait"]
    assert waits <= timedelta(seconds=25), (
        "the message waits no longer than after a first try, although two gateways were asked"
    )


@pytest.mark.guarantee(
    "gateways-that-fail", "a message to a corrected number may use a gateway that did not reach the old number"
)
def test_mended_phone_is_another_number(one_stop, two, rows):
    first, second = two
    second.answer = (429, "")
    queue(one_stop, "D-1", WITHOUT)
    send_at()
    assert (len(first.asked), len(second.asked)) == (1, 1)
    one_stop.dossier("D-1", applicant_phone=WITH, status_code=9, at_one_stop_desk=True)
    pick_up("khanhhoa", now=NOW + 20 * MINUTE)
    plan(now=NOW + 20 * MINUTE)
    send_at(NOW + 20 * MINUTE)
    assert [asked["to"][-3:] for asked in first.asked] == ["000", "001"]
    assert states(rows) == [("accepted", None)]


@pytest.mark.guarantee(
    "gateways-that-fail", "messages that wait for a paused gateway are sent as soon as its pause ends"
)
def test_message_waits_for_the_other_gateway_while_that_is_stopped(one_stop, two, rows):
    first, second = two
    second.answer = (403, "Authorization failed for sendsms")
    queue(one_stop, "D-1", WITHOUT)
    send_at()
    assert states(rows)[0][0] == "queued"
    second.answer = (202, "0: Accepted for delivery")
    send_at(NOW + 10 * MINUTE)
    assert states(rows) == [("accepted", None)]
    assert len(first.asked) == 1


@pytest.mark.guarantee(
    "gateways-that-fail", "if no other gateway exists, the desk must correct a number that the gateway does not reach"
)
def test_without_another_gateway_the_number_is_the_desks_to_mend(one_stop, two, rows, configure):
    configure(MOTCUA_GATEWAYS="kannel")
    first, _ = two
    queue(one_stop, "D-1", WITHOUT)
    send_at()
    assert states(rows) == [("rejected", "phone")]
    one_stop.dossier("D-1", applicant_phone=WITH, status_code=9, at_one_stop_desk=True)
    take_in(now=NOW + MINUTE)
    send_at(NOW + MINUTE)
    assert states(rows) == [("accepted", None)]
    assert len(first.asked) == 2
