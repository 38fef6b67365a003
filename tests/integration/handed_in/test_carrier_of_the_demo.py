"""Test the simulated carrier's statement: it is made from the carrier's own log and agrees with the ledger."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from urllib.parse import quote

import pytest
from fastapi.testclient import TestClient

from motcua.domain.periods import Period
from motcua.jobs.handed_in.statements import take_statement
from motcua.sandbox.network.application import create_app
from motcua.sandbox.network.behaviour import Timing
from motcua.sandbox.network.carrier_statement import FIRST_AFTER, CarrierOffice, write_statement
from motcua.store.ledger.database import connect
from motcua.store.oversight.statements import figures_of, list_statements
from tests.integration.handed_in.test_carrier_statements import Ours, verdicts

ACCOUNT = {"username": "motcua", "password": "kannel-word"}


@pytest.fixture
def network(tmp_path):
    """Start the simulated network, and yield an HTTP client and the network's folder.

    The network's receipts and inquiries are sent to nobody.
    """
    app = create_app(tmp_path / "network", **ACCOUNT, max_messages=10, timing=Timing(delivery=(0.0, 0.01)))
    with TestClient(app, client=("127.0.0.1", 1)) as http:
        yield http, tmp_path / "network"


def send(http: TestClient, reference: str, number: str, text: str = "Thong bao") -> None:
    url = quote(f"http://127.0.0.1:1/gateway/receipts/kannel?reference={reference}&secret=x", safe="")
    answer = http.get(
        f"/cgi-bin/sendsms?username=motcua&password=kannel-word&from=MotcuaSMS&to={number}&text={quote(text)}"
        f"&dlr-mask=31&dlr-url={url}"
    )
    assert answer.status_code == 202


def test_statement_of_the_network_matches_the_ledger(agencies, rows, network, tmp_path):
    http, folder = network
    ours = Ours(rows)
    now = datetime.now(UTC)
    for number, text in (("84905123456", "x"), ("84912000111", "x" * 200), ("84988777666", "x")):
        reference = ours.attempt(now, "accepted", msisdn=f"+{number}", segments=2 if len(text) > 160 else 1)
        send(http, reference, number, text)
    handle = http.post("/phones", json={"number": "0905123456"}).json()["handle"]
    http.post(f"/phones/{handle}/texts", json={"text": "MCKH 160915001"})
    http.post(f"/phones/{handle}/texts", json={"text": "xin chao"})
    ours.inquiry(now)
    later = datetime.now(UTC) + timedelta(seconds=1)
    path = tmp_path / "bang-ke.xlsx"
    assert write_statement(folder, path, Period.month_at(now).first, later) == (3, 1)
    taken = take_statement(path.read_bytes(), path.name, "kannel", "demo", later)
    assert [row[1] for row in verdicts(taken.statement_no)] == ["exact"] * 4
    with connect() as connection:
        (figures,) = figures_of(connection, list_statements(connection))
    assert (figures.stored.segments, int(figures.stored.amount)) == (4, 1400)
    assert (figures.stored.inquiries, int(figures.stored.revenue)) == (1, 1000)
    assert figures.over == []


def test_carrier_writes_each_due_statement_and_keeps_three_files(network, tmp_path, monkeypatch):
    http, folder = network
    started = datetime.now(UTC)
    # Let the month always be that of the message, because the later hours of this test may fall into the next month.
    month = Period.month_at(started)
    monkeypatch.setattr(Period, "month_at", lambda _: month)
    office = CarrierOffice(folder, tmp_path / "statements", started)
    assert office.look(started) is None
    assert office.look(started + FIRST_AFTER) is None, "without a message there is no statement"
    send(http, "r-1", "84905123456")
    for hour in range(1, 6):
        assert "1 messages" in (office.look(started + timedelta(hours=hour)) or "")
    assert len(list((tmp_path / "statements").iterdir())) == 3
    assert "could not be written" in str(CarrierOffice(tmp_path / "no", tmp_path, started).look(started + FIRST_AFTER))
