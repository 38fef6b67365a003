"""Test the demo's simulated Zalo: its answers for phones with Zalo, phones without Zalo, and phones that refuse it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest
from fastapi.testclient import TestClient

from motcua.domain.clock import VIETNAM
from motcua.gateways.adapter import GatewayAddress, GatewayCall
from motcua.gateways.zalo import ZaloGateway
from motcua.sandbox.network import zalo
from motcua.sandbox.network.application import create_app
from motcua.sandbox.network.behaviour import Timing, default_behaviour, toss
from motcua.sandbox.network.scripted import ScriptedGateway, http
from motcua.sandbox.network.zalo import ZaloAccount, has_zalo
from tests.ground import until

NUMBERS = [f"0905{number:06}" for number in range(300)]
DELIVERED = [number for number in NUMBERS if default_behaviour(number, 0) == "delivered"]


@pytest.fixture
def webhook() -> Iterator[ScriptedGateway]:
    double = ScriptedGateway()
    double.answer = http(200, "{}")
    yield double
    double.close()


@pytest.fixture
def network(tmp_path: Any, webhook: ScriptedGateway, monkeypatch: pytest.MonkeyPatch) -> Iterator[TestClient]:
    class Noon(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> Noon:
            return cls(2026, 11, 25, 12, tzinfo=VIETNAM)

    monkeypatch.setattr(zalo, "datetime", Noon)
    account = ZaloAccount("app", "key", "first", f"{webhook.url}/gateway/receipts/zalo", "secret")
    app = create_app(tmp_path, username="m", password="w", timing=Timing(delivery=(0.0, 0.01)), zalo=account)
    with TestClient(app) as client:
        yield client


def renewed(network: TestClient, token: str, key: str = "key") -> dict[str, str]:
    form = {"refresh_token": token, "app_id": "app", "grant_type": "refresh_token"}
    return network.post("/v4/oa/access_token", data=form, headers={"secret_key": key}).json()


def sent(network: TestClient, number: str, token: str, **changes: Any) -> int:
    data = {"dossier_code": "D-1", "agency_name": "UBND phường Lộc Thọ", "due_date": "25/11/2026"}
    record = {"phone": f"84{number[1:]}", "template_id": "result.v1", "template_data": data, "tracking_id": "a" * 32}
    answer = network.post("/message/template", json=record | changes, headers={"access_token": token})
    return int(answer.json()["error"])


def test_two_phones_of_three_have_zalo_and_a_few_of_these_refuse() -> None:
    having = [number for number in NUMBERS if has_zalo(number, 0)]
    assert 0.55 < len(having) / len(NUMBERS) < 0.75
    assert 0 < sum(toss(0, number, "refuses zalo") < 0.05 for number in having) < 25


def test_message_to_a_user_of_zalo_is_shown_and_reported_and_any_other_is_refused(
    network: TestClient, webhook: ScriptedGateway
) -> None:
    token = renewed(network, "first")["access_token"]
    (with_it, without, refuses) = (
        next(number for number in DELIVERED if has_zalo(number, 0) and toss(0, number, "refuses zalo") >= 0.05),
        next(number for number in DELIVERED if not has_zalo(number, 0)),
        next(number for number in DELIVERED if has_zalo(number, 0) and toss(0, number, "refuses zalo") < 0.05),
    )
    assert [sent(network, number, token) for number in (with_it, without, refuses)] == [0, -118, -114]
    assert sent(network, with_it, "another") == -124
    assert sent(network, with_it, token, template_id="result.v9") == -131
    assert sent(network, with_it, token, template_data={}) == -132
    (phone,) = network.get("/api/phones").json()["phones"]
    (bubble,) = phone["messages"]
    assert (phone["number"], bubble["channel"], bubble["parts"]) == (with_it, "zalo", 1)
    assert "UBND phường Lộc Thọ" in bubble["text"]
    assert list(network.get("/api/counts").json()["by_sender"]) == ["MotcuaSMS · Zalo"]
    until(lambda: webhook.asked, 20)
    (told,) = webhook.asked
    address = GatewayAddress("zalo", "", "app", "key", {"webhook_secret": "secret", "refresh_token": "first"})
    call = GatewayCall({}, headers={name.lower(): value for name, value in told.headers.items()}, body=told.body)
    reads = ZaloGateway(address)
    assert reads.receipt_is_signed(call)
    assert reads.read_receipt(call).reference == "a" * 32


def test_refresh_token_of_the_network_works_once(network: TestClient) -> None:
    """A refresh token works once, as at Zalo, so that the demo shows what happens if a new token gets lost."""
    assert "error" in renewed(network, "first", key="another")
    given = renewed(network, "first")
    assert "error" in renewed(network, "first")
    assert "access_token" in renewed(network, given["refresh_token"])
    assert "error" in renewed(network, given["refresh_token"])
