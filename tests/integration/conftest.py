"""Fixtures that the integration tests share."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from motcua.sandbox.network.scripted import ScriptedGateway
from tests.ground import gateway_connection


@pytest.fixture
def gateway(configure: Callable[..., None]) -> Iterator[ScriptedGateway]:
    """Start a scripted gateway on loopback. Its connection ``sms_kannel`` allows four requests at once."""
    scripted = ScriptedGateway()
    configure(AIRFLOW_CONN_SMS_KANNEL=gateway_connection(scripted.port, concurrency=4, answer_timeout=1.0))
    yield scripted
    scripted.close()


@pytest.fixture
def messages(rows: Callable[..., list[dict[str, Any]]]) -> Callable[[], list[tuple[str, str, str]]]:
    """Return a function that reads kind, dossier code and state of all messages from the ledger."""

    def found() -> list[tuple[str, str, str]]:
        return [
            (row["kind"], row["dossier_code"], row["state"])
            for row in rows(
                "SELECT m.kind, d.dossier_code, m.state FROM motcua.messages AS m"
                " JOIN motcua.dossiers AS d USING (dossier_id) ORDER BY d.dossier_code, m.message_id"
            )
        ]

    return found
