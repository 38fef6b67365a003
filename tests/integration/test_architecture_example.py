"""Test that the rows of a message in docs/architecture.md are the rows that the ledger really gets."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from motcua.domain.clock import VIETNAM
from motcua.domain.phones.reading import mask_msisdn
from motcua.jobs.notices.sending.sender import send
from motcua.store.ledger.database import connect
from tests.ground import NOW, OneStop, receive, take_in

PAGE = Path(__file__).parents[2] / "docs" / "architecture.md"
MINUTE = timedelta(minutes=1)

OF_THE_LEDGER = {
    "motcua.messages": "SELECT message_id, kind, transition_id, state, reason, msisdn, segments, attempts_made,"
    " planned_at, accepted_at FROM motcua.messages",
    "motcua.message_history": "SELECT history_id, message_id, from_state, from_reason, to_state, to_reason"
    " FROM motcua.message_history ORDER BY history_id",
    "motcua.attempts": "SELECT attempt_id, message_id, gateway, state, outcome, http_status, gateway_code, started_at"
    " FROM motcua.attempts ORDER BY attempt_id",
}


def as_the_page_writes(name: str, value: Any) -> str:
    """Return a value as the page writes it: times in Vietnam's time zone, phones masked, NULL as an empty text."""
    if isinstance(value, datetime):
        return value.astimezone(VIETNAM).strftime("%H:%M")
    if name == "msisdn":
        return mask_msisdn(value)
    return "" if value is None else str(value)


def table(found: list[dict[str, Any]]) -> str:
    lines = [list(found[0]), ["---"] * len(found[0])]
    lines += [[as_the_page_writes(name, value) for name, value in row.items()] for row in found]
    return "\n".join("|" + "".join(f" {value} |".replace("  ", " ") for value in line) for line in lines)


def tables_of(page: str) -> dict[str, str]:
    return dict(re.findall(r"<!-- rows: (\S+) -->\n((?:\|.*\n)+)", page))


def result_told_at_the_second_try(one_stop: OneStop, gateway: Any, rows: Any) -> None:
    """Write a dossier that is being processed, then its result, and send the message.

    The gateway is busy at the first attempt and accepts the second one. Two receipts follow.
    """

    def run(moment: datetime) -> None:
        take_in(moment)
        send(f"run {moment:%H:%M}", clock=lambda: moment)

    before = NOW - timedelta(hours=1)
    one_stop.dossier(updated_at=before)
    one_stop.move(4, desk=False, at=before, from_step="Tiếp nhận", to_step="Xử lý")
    run(before)
    one_stop.both(9, at=NOW, step_name="Trả kết quả", status_code=9, at_one_stop_desk=True, updated_at=NOW)
    gateway.script = [(503, "Temporal failure, try again later.")]
    run(NOW)
    run(NOW + MINUTE)
    reference = rows("SELECT reference FROM motcua.attempts ORDER BY attempt_id DESC")[0]["reference"]
    with connect() as connection:
        for status in ("8", "1"):
            receive(connection, reference, status)


def test_rows_that_the_architecture_shows_are_those_of_a_dossier(one_stop, gateway, rows):
    result_told_at_the_second_try(one_stop, gateway, rows)
    there = {name: table(rows(select)) for name, select in OF_THE_LEDGER.items()}
    shown = {name: text.rstrip("\n") for name, text in tables_of(PAGE.read_text(encoding="utf-8")).items()}
    assert shown == there
