"""Test that the connect timeout is an argument of each connection and not a variable of the whole process."""

from __future__ import annotations

import json
import os
from typing import Any

import psycopg
import pytest

from motcua.store.ledger.database import open_connection


@pytest.mark.parametrize(("extra", "seconds"), [({}, 5), ({"connect_timeout": 9}, 9)])
def test_connect_timeout_is_set_for_each_connection_and_not_for_the_process(monkeypatch, extra, seconds):
    given: dict[str, Any] = {}

    def asked(*_: Any, **arguments: Any) -> None:
        given.update(arguments)
        raise psycopg.OperationalError("asked")

    monkeypatch.delenv("PGCONNECT_TIMEOUT", raising=False)
    there = {"conn_type": "postgres", "host": "127.0.0.1", "port": 1, "login": "x", "schema": "x", "extra": extra}
    monkeypatch.setenv("AIRFLOW_CONN_FAR_AWAY", json.dumps(there))
    monkeypatch.setattr("airflow.providers.postgres.hooks.postgres.PostgresHook._create_connection",
                        lambda _, arguments: asked(**arguments))  # fmt: skip
    with pytest.raises(psycopg.OperationalError, match="asked"):
        open_connection("far_away")
    assert given["connect_timeout"] == seconds
    assert "PGCONNECT_TIMEOUT" not in os.environ
