"""Test registrations of templates at providers: set by command, stored with their history, and checked at each send."""

from __future__ import annotations

import json
import shlex
from datetime import timedelta

import psycopg
import pytest

from motcua.jobs.notices.settling import settle
from motcua.jobs.texts import RegistrationRefused, register_text, unregister_text
from motcua.sandbox.network.scripted import ScriptedGateway, in_json
from motcua.settings import settings
from motcua.store.notices.templates import load_templates
from tests.ground import NOW, TU_PHAP, register_templates, send_at, take_in, type_command

MINUTE = timedelta(minutes=1)


def motcua(*arguments, exit_code=0):
    result = type_command("texts", *arguments, exits=exit_code)
    return " ".join(result.output.split())


def queue(one_stop, *codes, **changes):
    for code in codes:
        one_stop.dossier(code, **changes)
        one_stop.move(9, code, **{name: value for name, value in changes.items() if name == "agency_code"})
    take_in()


def states(rows):
    return [row["state"] for row in rows("SELECT state FROM motcua.messages ORDER BY message_id")]


@pytest.fixture
def viettel(ledger, configure, gateway, monkeypatch):
    """Set up a gateway named ``viettel`` without any registered template."""
    configure(MOTCUA_GATEWAYS="viettel", AIRFLOW_CONN_SMS_VIETTEL=f"http://a:b@127.0.0.1:{gateway.port}")
    return gateway


@pytest.fixture
def vnpt(ledger, configure):
    """Set up a provider (VNPT) that expects template ids and values, not texts.

    The templates are registered, but without the provider's ids.
    """
    provider = ScriptedGateway()
    provider.answer = in_json({"RPLY": {"name": "send_sms_list", "ERROR": "0", "ERROR_DESC": "success"}})
    contract = {"label_id": "1", "contract_id": "2", "agent_id": "3", "username": "u", "answer_timeout": 0.5}
    connection = {"conn_type": "http", "host": "127.0.0.1", "port": provider.port, "login": "k", "password": "s" * 9}
    extra = {"adapter": "vnpt"} | contract
    configure(MOTCUA_GATEWAYS="vnpt", AIRFLOW_CONN_SMS_VNPT=json.dumps(connection | {"extra": extra}))
    register_templates(ledger, "vnpt")
    yield provider
    provider.close()


@pytest.mark.guarantee(
    "registrations", "a message whose template no gateway knows waits, and the red run names the command to type"
)
def test_gateway_of_any_name_sends_once_its_texts_are_registered_by_command(one_stop, viettel, rows):
    queue(one_stop, "A")
    (refusal,) = send_at().unregistered
    assert "motcua texts register viettel result.v1" in refusal
    assert f"{len(load_templates())} template(s) newly registered at viettel" in motcua("register", "viettel", "--all")
    send_at(NOW + settings().gateway_stop)
    assert (states(rows), len(viettel.asked)) == (["accepted"], 1)


@pytest.mark.guarantee(
    "registrations", "a running sender rereads registrations; a request whose template was unregistered is not repeated"
)
def test_sender_at_work_asks_again_what_is_registered(one_stop, gateway, rows, monkeypatch):
    """A running sender rereads registrations together with gateway pauses, in this test before each message."""
    monkeypatch.setattr("motcua.jobs.notices.sending.routing._READ_STOPS_EVERY", 0.0)
    queue(one_stop, *(f"D-{number}" for number in range(12)))

    withdrawn = []

    def withdraw_after_the_first_answer(sender):
        if gateway.asked and not withdrawn:
            withdrawn.append(unregister_text("kannel", "result.v1", "Lan", "thu hồi"))

    monkeypatch.setattr("motcua.jobs.notices.sending.sender.Sender._refresh_if_old", withdraw_after_the_first_answer)
    counts = send_at()
    assert 0 < len(gateway.asked) < 12
    assert sum(counts.unregistered.values()) == 12 - len(gateway.asked)


@pytest.mark.guarantee(
    "registrations", "a running sender rereads registrations; a request whose template was unregistered is not repeated"
)
def test_request_is_not_repeated_once_its_template_is_unregistered(one_stop, configure, ledger, rows):
    provider = ScriptedGateway()
    connection = {"conn_type": "http", "host": "127.0.0.1", "port": provider.port, "login": "k", "password": "s" * 9}
    extra = {"adapter": "esms", "answer_timeout": 0.3}
    configure(MOTCUA_GATEWAYS="esms", AIRFLOW_CONN_SMS_ESMS=json.dumps(connection | {"extra": extra}))
    register_templates(ledger, "esms")
    queue(one_stop, "A")
    provider.answer = "hang"
    send_at()
    unregister_text("esms", "result.v1", "Lan", "thu hồi")
    provider.answer = in_json({"CodeResult": "124"})
    assert settle("settling", clock=lambda: NOW + MINUTE).repeated == 0
    register_text("esms", "result.v1", "Lan")
    assert settle("settling", clock=lambda: NOW + 10 * MINUTE).repeated == 1
    provider.close()


@pytest.mark.guarantee(
    "registrations", "a provider that uses template ids gets the registered id; an accented text has an id of its own"
)
def test_provider_that_takes_ids_is_given_the_registered_one_and_another_one_of_an_accented_text(one_stop, vnpt, rows):
    queue(one_stop, "A", applicant_phone="0914333444")
    (refusal,) = send_at().unregistered
    assert "without the id of its unaccented text" in refusal
    assert "motcua texts register vnpt result.v1 --provider-template-id" in refusal
    assert vnpt.asked == []
    assert rows("SELECT subject FROM motcua.gateway_stops") == []
    motcua("register", "vnpt", "result.v1", "--provider-template-id", "7731")
    send_at(NOW + settings().gateway_stop)
    assert states(rows) == ["accepted"]
    assert vnpt.asked[0].record["RQST"]["TEMPLATEID"] == "7731"
    queue(one_stop, "B", applicant_phone="0914333445", agency_code=TU_PHAP)
    (refusal,) = send_at(NOW + settings().gateway_stop).unregistered
    assert "--accented-provider-template-id" in refusal
    register_text("vnpt", "result.v1", "Lan", accented_provider_template_id="7732")
    send_at(NOW + 2 * settings().gateway_stop)
    assert vnpt.asked[1].record["RQST"]["TEMPLATEID"] == "7732"


@pytest.mark.guarantee(
    "registrations", "each registration is stored with its person, time and reason, and is never changed or deleted"
)
def test_each_change_is_kept_with_who_and_why_and_says_nothing_twice(ledger, rows, configure):
    configure(MOTCUA_GATEWAYS="viettel")
    named = ("viettel", "result.v1", "--by", "Lan")
    assert "result.v1 is registered at viettel" in motcua("register", *named, "--because", "thư 12/VT")
    assert "already registered so" in motcua("register", *named)
    assert "result.v1 is changed" in motcua("register", *named, "--provider-template-id", "7731")
    assert "already registered so" in motcua("register", *named, "--provider-template-id", " 7731 ")
    assert "already registered so" in motcua("register", *named), "registering again without an id keeps the id"
    assert "7731" in motcua("registrations")
    motcua("unregister", *named, "--because", "hết hạn")
    changes = rows(
        "SELECT change, ids_before, ids_after, changed_by, reason FROM motcua.template_registration_changes"
        " WHERE gateway = 'viettel' ORDER BY change_id"
    )
    assert [tuple(change.values()) for change in changes] == [
        ("registered", None, [None, None], "Lan", "thư 12/VT"),
        ("changed", [None, None], ["7731", None], "Lan", None),
        ("unregistered", ["7731", None], None, "Lan", "hết hạn"),
    ]
    assert "unregistered" in motcua("registrations", "--history")
    with pytest.raises(psycopg.Error, match="append-only"):
        rows("DELETE FROM motcua.template_registration_changes")


def test_what_cannot_be_registered_is_one_sentence(ledger, rows):
    before = rows("SELECT count(*) AS n FROM motcua.template_registration_changes")
    for said, complaint in (
        ("register viettell --all", "There is no gateway viettell: MOTCUA_GATEWAYS names kannel."),
        ("register kannel result.v7", "There is no template result.v7; there are apology.v1"),
        ("register kannel result", "result is no version of a template"),
        ("register kannel result.v99999999999999999999", "is no version of a template"),
        ("register kannel result.v1 --by ' '", "Nobody is named."),
        ("register kannel result.v1 --provider-template-id ' '", "id of a template is empty"),
        ("register kannel", "Name one template, such as result.v1, or --all"),
        ("register kannel --all --provider-template-id 7731", "Name one template"),
        ("unregister kannel result.v7 --because x", "result.v7 is not registered at kannel: it is nowhere"),
        ("unregister esms result.v1 --because x", "not registered at esms: it is only at kannel"),
        ("unregister kannel result.v1 --because ' '", "give the name of a person and a reason"),
    ):
        assert complaint in motcua(*shlex.split(said), exit_code=2)
    assert rows("SELECT count(*) AS n FROM motcua.template_registration_changes") == before


def test_id_of_a_form_that_a_gateway_never_sends_is_refused(ledger, configure):
    """A template id for texts without accents is refused at a gateway that sends only accented texts."""
    extra = {"adapter": "zalo", "refresh_token": "x"}
    given = {"conn_type": "http", "host": "h", "login": "a", "password": "b", "extra": extra}
    configure(MOTCUA_GATEWAYS="zalo", AIRFLOW_CONN_SMS_ZALO=json.dumps(given))
    named = ("register", "zalo", "result.v1", "--by", "Lan")
    assert "zalo sends every text with accents" in motcua(*named, "--provider-template-id", "7", exit_code=2)
    assert "is registered at zalo" in motcua(*named, "--accented-provider-template-id", "7")


def test_registration_of_a_gateway_that_is_gone_can_be_taken_away(ledger, configure):
    configure(MOTCUA_GATEWAYS="viettel")
    unregister_text("kannel", "result.v1", "Lan", "hết hợp đồng")
    with pytest.raises(RegistrationRefused, match="nowhere"):
        unregister_text("kannel", "result.v1", "Lan", "hết hợp đồng")


def test_preview_shows_where_each_text_is_registered(ledger, configure):
    configure(MOTCUA_GATEWAYS="kannel,viettel")
    register_text("viettel", "apology.v1", "Lan")
    shown = motcua()
    assert "đã đăng ký ở: kannel, viettel" in shown
    assert shown.count("đã đăng ký ở: kannel; chưa đăng ký, nên chưa gửi được qua: viettel") == 2
