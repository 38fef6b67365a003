"""The demo's figures come from a real ledger."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from rich.console import Console

from motcua.sandbox.summary import read_summary, render
from motcua.store.ledger.database import connect
from motcua.store.ledger.queries import statement
from tests.ground import NHA_TRANG, NOW, OneStop, in_ledger, take_in

LATER = NOW + timedelta(minutes=1)


def test_the_summary_counts_what_was_planned(one_stop: OneStop) -> None:
    one_stop.both(9, "A-1")
    one_stop.both(5, "A-2", applicant_phone="")
    one_stop.both(4, "A-3", desk=False)
    one_stop.move(9, "A-4", agency_code="000.00.99.H32")
    take_in(now=LATER)

    summary = in_ledger(read_summary, LATER)

    assert (summary.count(kind="result", state="queued"), summary.count(kind="supplement", reason="missing")) == (1, 1)
    assert summary.transitions["picked_up"] == 3
    assert summary.transitions["no_message"] == 1
    assert summary.quarantined == 1
    assert summary.difference == 0
    assert summary.agencies[NHA_TRANG] == "UBND TP Nha Trang"
    console = Console(width=130, record=True, file=io.StringIO())
    console.print(render(summary))
    assert "2 expected = 1 suppressed + 1 queued; difference 0" in console.export_text()


def test_an_empty_ledger_is_shown_too(ledger: str) -> None:
    summary = in_ledger(read_summary, NOW)
    assert (summary.transitions["picked_up"], summary.difference) == (0, 0)
    console = Console(width=130, record=True, file=io.StringIO())
    console.print(render(summary))
    assert "0 expected" in console.export_text()


def test_the_smoke_test_reads_attempts_and_numbers(
    one_stop: OneStop, rows: Callable[..., list[dict[str, Any]]]
) -> None:
    one_stop.both(9, "A-1")
    take_in(now=LATER)
    rows("INSERT INTO motcua.gateways (name) VALUES ('kannel')")
    rows(
        "INSERT INTO motcua.attempts (message_id, gateway, reference, sender_id, run_id, msisdn, started_at)"
        " SELECT message_id, 'kannel', 'ref-1', 1, 'run', '+84912000111', %s FROM motcua.messages",
        LATER,
    )
    with connect() as connection:
        (attempt,) = connection.execute(statement("sandbox/ledger/attempts")).fetchall()
        numbers = {row["msisdn"] for row in connection.execute(statement("sandbox/ledger/numbers"))}
    assert (attempt["reference"], attempt["kind"], attempt["message_state"]) == ("ref-1", "result", "queued")
    assert numbers == {"+84905123456", "+84912000111"}
