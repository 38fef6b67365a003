"""Test the adapter for VNPT: templates and their values, VNPT's error codes, and messages that the adapter refuses."""

from __future__ import annotations

from datetime import timedelta

import pytest

from motcua.gateways import GatewayMisconfigured
from motcua.gateways.adapter import GatewayCall
from motcua.gateways.vnpt import ANSWERS
from motcua.sandbox.network.scripted import in_json
from tests.gateways.conftest import ECHO, EXTRA, LOGIN, PASSWORD, REFERENCE, make, outgoing

TAKEN = in_json({"RPLY": {"name": "send_sms_list", "ERROR": "0", "ERROR_DESC": "success"}})
VINAPHONE, VIETTEL, ITEL = "+84912345678", "+84971234567", "+84871234567"


@pytest.fixture
def gateway(provider):
    provider.answer = TAKEN
    return make("vnpt", f"http://127.0.0.1:{provider.port}")


def test_request(gateway, provider, session, nothing_shows):
    outcome = gateway.submit(session, outgoing())
    assert (outcome.outcome, outcome.http_status, outcome.code) == ("accepted", 200, "0 accepted")
    asked = provider.asked[0]
    assert (asked.method, asked.target) == ("POST", "/smsmarketing/api")
    assert asked.headers["content-type"] == "application/json"
    assert asked.record == {
        "RQST": {
            "name": "send_sms_list",
            "REQID": REFERENCE,
            "LABELID": "12911",
            "CONTRACTTYPEID": "1",
            "CONTRACTID": "19741",
            "TEMPLATEID": "78382",
            "PARAMS": [{"NUM": "1", "CONTENT": "KH-160915"}, {"NUM": "2", "CONTENT": "UBND TP Nha Trang"}],
            "SCHEDULETIME": "",
            "MOBILELIST": "84905123456",
            "ISTELCOSUB": "0",
            "AGENTID": "191",
            "APIUSER": LOGIN,
            "APIPASS": PASSWORD,
            "USERNAME": "KH_CS",
            "DATACODING": "0",
        }
    }
    nothing_shows(outcome)


def test_request_has_the_values_of_the_template_and_never_the_text(gateway, provider, session):
    gateway.submit(
        session,
        outgoing(
            text="only its template and its values do", values={"dossier_code": "Đ-1", "agency_name": "Sở Tư pháp"}
        ),
    )
    assert b"only its template" not in provider.asked[0].body
    assert [value["CONTENT"] for value in provider.asked[0].record["RQST"]["PARAMS"]] == ["Đ-1", "Sở Tư pháp"]


def test_template_without_values_goes_without_values(provider, session):
    provider.answer = TAKEN
    gateway = make("vnpt", f"http://127.0.0.1:{provider.port}/", path="/smsbn/api")
    gateway.submit(session, outgoing(values={}, provider_template_id="9"))
    assert provider.asked[0].target == "/smsbn/api"
    assert provider.asked[0].record["RQST"] == provider.asked[0].record["RQST"] | {"TEMPLATEID": "9", "PARAMS": []}


def test_accented_text_to_vinaphone_is_sent_as_unicode_with_its_template(gateway, provider, session):
    gateway.submit(session, outgoing(accented=True, msisdn=VINAPHONE, provider_template_id="78383"))
    request = provider.asked[0].record["RQST"]
    assert (request["DATACODING"], request["TEMPLATEID"], request["MOBILELIST"]) == ("8", "78383", "84912345678")


@pytest.mark.parametrize(
    ("changes", "concerns"),
    [
        ({"provider_template_id": None}, "template"),
        ({"accented": True, "msisdn": VIETTEL}, "message"),
        ({"accented": True, "msisdn": ITEL}, "message"),
        ({"accented": True, "msisdn": "+84559123456"}, "message"),
        *(({"values": {"agency_name": f"KH{letter}ĐT Nha Trang"}}, "message") for letter in "&<>\"'"),
    ],
)
def test_what_vnpt_would_refuse_is_refused_without_a_request(
    changes, concerns, gateway, provider, session, nothing_shows
):
    seen = gateway.submit(session, outgoing(**changes))
    assert (seen.outcome, seen.concerns, seen.http_status) == ("configuration", concerns, None)
    assert provider.asked == []
    nothing_shows(seen)


@pytest.mark.parametrize(
    ("error", "outcome", "concerns"),
    [
        ("0", "accepted", "gateway"),
        ("33", "duplicate", "gateway"),
        ("16", "transient", "gateway"),
        ("23", "phone", "gateway"),
        *((code, "configuration", "template") for code in ("7", "32")),
        *((code, "configuration", "message") for code in ("11", "17", "25", "26", "27", "28", "30")),
        *((code, "configuration", "gateway") for code in ("1", "2", "3", "8", "9", "10", "12", "13", "14", "15")),
        *((code, "configuration", "gateway") for code in ("20", "21", "22", "24", "29", "31")),
        # In VNPT's table, -1 can also mean an internal error. VNPT may have accepted the message before the error.
        ("-1", "unknown", "gateway"),
        ("34", "unknown", "gateway"),
        ("", "unknown", "gateway"),
        (None, "unknown", "gateway"),
    ],
)
def test_each_answer(error, outcome, concerns, gateway, provider, session, nothing_shows):
    provider.answer = in_json({"RPLY": {"name": "send_sms_list", "ERROR": error, "ERROR_DESC": ECHO}})
    seen = gateway.submit(session, outgoing())
    assert (seen.outcome, seen.http_status, seen.concerns) == (outcome, 200, concerns)
    nothing_shows(seen)


def test_every_error_of_the_table_has_its_case():
    cases = next(mark for mark in test_each_answer.pytestmark if mark.name == "parametrize").args[1]
    assert set(ANSWERS) <= {str(error) for error, _, _ in cases}


def test_nothing_is_promised_about_repeats_unless_the_connection_does():
    """VNPT documents a refusal of repeated requests only for its API for banks."""
    assert make("vnpt", "http://h").refuses_repeats_for == timedelta(0)
    assert make("vnpt", "http://h", refuses_repeats_hours=2).refuses_repeats_for == timedelta(hours=2)


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"label_id": " ", "username": ""}, "label_id, username missing"),
        ({"refuses_repeats_hours": "long"}, "refuses_repeats_hours"),
    ],
)
def test_connection_that_is_incomplete_is_an_operators_mistake(changes, named):
    with pytest.raises(GatewayMisconfigured, match=f"sms_it: {named}"):
        make("vnpt", "http://h", **EXTRA["vnpt"] | changes)


def test_receipts_and_inquiries_are_refused(gateway):
    """It is not known how VNPT would send receipts or texts to 9029, so the adapter accepts no such call."""
    assert gateway.read_receipt(GatewayCall({"REQID": REFERENCE, "STATUS": "0"})).meaning == "unreadable"
    assert gateway.meaning_of("0") == "unreadable"
    assert gateway.inquiry_is_signed(GatewayCall({"secret": "any"})) is False
