"""Test that a message's text is made for the gateway that sends it, and is counted in that gateway's unit."""

from __future__ import annotations

import pytest

from motcua.gateways.kannel import KannelGateway
from motcua.store.agencies import save_agencies
from tests.ground import NHA_TRANG, agency, gateway_connection, in_ledger, send_at, take_in


@pytest.fixture
def plain_agency(agencies):
    """Set the agency Nha Trang to SMS texts without accents."""
    in_ledger(save_agencies, [agency(NHA_TRANG, accented=False)], "tests")


def sent(gateway, rows):
    attempts = rows("SELECT segments, unit, accented FROM motcua.attempts ORDER BY attempt_id")
    return [asked["text"] for asked in gateway.asked], [tuple(row.values()) for row in attempts]


def result(one_stop):
    one_stop.both(9, "D-1")
    take_in()


def test_text_goes_as_its_agency_chose_where_accents_cost(one_stop, gateway, plain_agency, rows):
    """Where accents cost more segments, a text has no accents if its agency chose so."""
    result(one_stop)
    send_at()
    (text,), attempts = sent(gateway, rows)
    assert text.isascii()
    assert attempts == [(1, "segment", False)]


@pytest.mark.guarantee(
    "limits",
    "a text has accents if they cost nothing extra; the attempt stores the text form and segments that were sent",
)
def test_text_has_accents_and_is_one_message_where_these_are_billed(
    one_stop, gateway, plain_agency, rows, configure, monkeypatch
):
    monkeypatch.setattr(KannelGateway, "accents_cost_nothing", True)
    monkeypatch.setattr(KannelGateway, "unit", "message")
    configure(AIRFLOW_CONN_SMS_KANNEL=gateway_connection(gateway.port, segments_per_day=1))
    result(one_stop)
    one_stop.both(9, "D-2", applicant_phone="0905123457")
    take_in()
    send_at()
    (text,), attempts = sent(gateway, rows)
    assert "đã" in text
    assert attempts == [(1, "message", True)]
    assert rows("SELECT segments FROM motcua.gateway_days") == [{"segments": 1}], "the day's limit counts messages"
    planned = rows("SELECT text, accented FROM motcua.messages ORDER BY message_id")[0]
    assert planned["text"].isascii()
    assert planned["accented"] is False
