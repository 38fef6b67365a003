"""Fixtures of the sending tests: Zalo preferred to SMS, as a province would set it up, and two SMS gateways."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from motcua.domain.texts import Registration
from motcua.sandbox.network.scripted import ScriptedGateway
from motcua.sandbox.network.scripted_zalo import APP, FIRST_REFRESH_TOKEN, SECRET_KEY, WEBHOOK_SECRET, ScriptedZalo
from motcua.store.notices.registrations import save_registrations
from motcua.store.notices.templates import load_templates
from tests.ground import NOW, gateway_connection, in_ledger, register_templates

FERNET_KEY = "A" * 43 + "="


def zalo_connection(url: str, **extra: Any) -> str:
    given = {"adapter": "zalo", "refresh_token": FIRST_REFRESH_TOKEN, "webhook_secret": WEBHOOK_SECRET}
    given |= {"oauth_url": url, "concurrency": 4, "answer_timeout": 0.5} | extra
    host, port = url.removeprefix("http://").split(":")
    named = {"conn_type": "http", "host": host, "port": int(port), "login": APP, "password": SECRET_KEY}
    return json.dumps(named | {"extra": given})


@dataclass
class Channels:
    zalo: ScriptedZalo
    sms: ScriptedGateway
    set_up: Callable[..., None]
    """Sets up both gateways again. Its arguments change the extra fields of Zalo's connection."""


@pytest.fixture
def channels(configure: Callable[..., None], ledger: str, tmp_path: Any) -> Iterator[Channels]:
    """Set up two scripted gateways, Zalo preferred to Kannel, and register each template with an id at Zalo."""
    zalo, sms = ScriptedZalo(), ScriptedGateway()

    def set_up(**extra: Any) -> None:
        configure(
            MOTCUA_GATEWAYS="zalo,kannel",
            MOTCUA_TOKENS=str(tmp_path / "tokens"),
            AIRFLOW__CORE__FERNET_KEY=FERNET_KEY,
            AIRFLOW_CONN_SMS_ZALO=zalo_connection(zalo.url, **extra),
            AIRFLOW_CONN_SMS_KANNEL=gateway_connection(sms.port, concurrency=4, answer_timeout=0.5),
        )

    set_up()
    wanted = [
        Registration("zalo", each.template_id, each.version, None, f"{number}")
        for number, each in enumerate(load_templates().values(), 300)
    ]
    in_ledger(save_registrations, wanted, changed_by="tests", reason=None, now=NOW)
    yield Channels(zalo, sms, set_up)
    zalo.close()
    sms.close()


@pytest.fixture
def two_gateways(configure: Callable[..., None], ledger: Any) -> Iterator[tuple[ScriptedGateway, ScriptedGateway]]:
    """Set up two scripted SMS gateways, ``kannel`` preferred to ``second``."""
    register_templates(ledger, "second")
    doubles = {"kannel": ScriptedGateway(), "second": ScriptedGateway()}
    configure(
        MOTCUA_GATEWAYS="kannel,second",
        **{
            f"AIRFLOW_CONN_SMS_{name.upper()}": gateway_connection(double.port, concurrency=4, answer_timeout=0.5)
            for name, double in doubles.items()
        },
    )
    yield doubles["kannel"], doubles["second"]
    for double in doubles.values():
        double.close()
