"""Test that a connection in the environment is read as Airflow reads it."""

from __future__ import annotations

import json

import pytest

from motcua.store.ledger.environment import connection_of_environment

GIVEN = [
    "postgres://motcua_app:p%40ss%3Aw%2Frd@10.20.1.5:5433/motcua",
    "postgres://motcua_app:word@ledger/motcua?sslmode=require&connect_timeout=5",
    "postgres://motcua_app:word@ledger:5432/motcua?__extra__=%7B%22sslmode%22%3A+%22require%22%7D",
    json.dumps(
        {"conn_type": "postgres", "host": "ledger", "port": 5432, "login": "a", "password": "ä%", "schema": "m"}
    ),
    json.dumps(
        {"conn_type": "smtp", "host": "mail", "port": "25", "extra": {"from_email": "a@b", "disable_ssl": True}}
    ),
    json.dumps({"conn_type": "smtp", "host": "mail", "extra": '{"from_email": "a@b"}'}),
]


@pytest.mark.parametrize("written", GIVEN)
def test_connection_is_read_as_airflow_reads_it(written, monkeypatch):
    from airflow.sdk.bases.hook import BaseHook

    monkeypatch.setenv("AIRFLOW_CONN_FOR_TESTS", written)
    theirs, ours = BaseHook.get_connection("for_tests"), connection_of_environment("for_tests")
    assert ours is not None
    assert (ours.host, ours.port, ours.login, ours.password) == (
        theirs.host or None,
        theirs.port,
        theirs.login or None,
        theirs.password or None,
    )
    assert (ours.schema or "") == (theirs.schema or "")
    assert dict(ours.extra) == theirs.extra_dejson


@pytest.mark.parametrize("written", ["{", '{"port": "x"}', "postgres://h:notaport/d"])
def test_what_cannot_be_read_is_left_to_airflow(written, monkeypatch):
    """A connection that our quick reader does not understand is left for Airflow to read."""
    monkeypatch.setenv("AIRFLOW_CONN_FOR_TESTS", written)
    assert connection_of_environment("for_tests") is None
    assert connection_of_environment("never_set") is None
