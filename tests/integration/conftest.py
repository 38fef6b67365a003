"""What the integration tests share."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

import pytest

from tests.gateways.scripted import ScriptedGateway


@pytest.fixture
def gateway(configure: Callable[..., None]) -> Iterator[ScriptedGateway]:
    """A gateway on loopback behind sms_kannel, four requests at once."""
    scripted = ScriptedGateway()
    configure(
        AIRFLOW_CONN_SMS_KANNEL=json.dumps(
            {
                "conn_type": "http",
                "host": "127.0.0.1",
                "port": scripted.port,
                "login": "motcua",
                "password": "kannel-word",
                "extra": {
                    "adapter": "kannel",
                    "concurrency": 4,
                    "answer_timeout": 0.5,
                    "callback_url": "http://127.0.0.1:1/gateway/receipts/kannel",
                    "callback_secret": "receipt-word",
                },
            }
        )
    )
    yield scripted
    scripted.close()
