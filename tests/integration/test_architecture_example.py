"""One dossier's way through the tables: the rows that docs/architecture.md shows are the rows that there are."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from motcua.domain.clock import VIETNAM
from motcua.domain.periods import Period
from motcua.domain.phones.reading import mask_msisdn
from motcua.gateways import open_gateway
from motcua.jobs.notices.receiving import receive
from motcua.jobs.notices.sending.sender import send
from motcua.jobs.reconciliation.closing import close_period
from motcua.store.ledger.database import connect
from tests.ground import NOW, OneStop, take_in

PAGE = Path(__file__).parents[2] / "docs" / "architecture.md"
MINUTE = timedelta(minutes=1)
NEXT_MORNING = datetime(2026, 11, 26, 6, 30, tzinfo=VIETNAM)

OF_THE_SOURCE = {
    "onestop.dossiers": "SELECT dossier_code, applicant_phone, step_name, status_code, at_one_stop_desk, updated_at"
    " FROM onestop.dossiers",
    "onestop.transitions": "SELECT transition_id, dossier_code, from_step, to_step, status_code, at_one_stop_desk,"
    " recorded_at FROM onestop.transitions ORDER BY transition_id",
}
OF_THE_LEDGER = {
    "motcua.dossiers": "SELECT dossier_id, dossier_code, msisdn, phone_refusal, step_name, status_code,"
    " at_one_stop_desk, picked_up_at FROM motcua.dossiers",
    "motcua.dossier_versions": "SELECT version_id, dossier_id, seen_at, step_name, status_code, at_one_stop_desk"
    " FROM motcua.dossier_versions ORDER BY version_id",
    "motcua.transitions": "SELECT transition_id, source_transition_id, status_code, at_one_stop_desk, recorded_at,"
    " planned_at, outcome, message_id FROM motcua.transitions ORDER BY transition_id",
    "motcua.messages": "SELECT message_id, kind, transition_id, state, reason, msisdn, segments, attempts_made,"
    " planned_at, accepted_at FROM motcua.messages",
    "motcua.message_history": "SELECT history_id, message_id, from_state, from_reason, to_state, to_reason"
    " FROM motcua.message_history ORDER BY history_id",
    "motcua.attempts": "SELECT attempt_id, message_id, gateway, state, outcome, http_status, gateway_code, started_at"
    " FROM motcua.attempts ORDER BY attempt_id",
    "motcua.receipts": "SELECT receipt_id, gateway, gateway_status FROM motcua.receipts ORDER BY receipt_id",
    "motcua.receipt_readings": "SELECT receipt_id, attempt_id, meaning, effect FROM motcua.receipt_readings"
    " ORDER BY receipt_id",
    "motcua.closings": "SELECT closing_no, period, corrects, difference, unexplained FROM motcua.closings",
    "motcua.closing_messages": "SELECT closing_no, procedure_code, kind, at_source, expected, queued, accepted,"
    " delivered, difference FROM motcua.closing_messages WHERE at_source > 0",
}


def told(name: str, value: Any) -> str:
    """As the page writes it: times by the clock of Vietnam, phones masked, nothing for NULL."""
    if isinstance(value, datetime):
        return value.astimezone(VIETNAM).strftime("%H:%M")
    if isinstance(value, bool):
        return "yes" if value else "no"
    if name in ("msisdn", "applicant_phone"):
        return mask_msisdn(value)
    return "" if value is None else str(value)


def table(found: list[dict[str, Any]]) -> str:
    lines = [list(found[0]), ["---"] * len(found[0])]
    lines += [[told(name, value) for name, value in row.items()] for row in found]
    return "\n".join("|" + "".join(f" {value} |".replace("  ", " ") for value in line) for line in lines)


def tables_of(page: str) -> dict[str, str]:
    return dict(re.findall(r"<!-- rows: (\S+) -->\n((?:\|.*\n)+)", page))


def result_told_at_the_second_try(one_stop: OneStop, gateway: Any, rows: Any) -> None:
    """A dossier in work becomes a result at the desk; the gateway is busy once; two receipts; the day is closed."""

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
            receive(connection, open_gateway("kannel"), "kannel", {"reference": reference, "status": status})
    close_period(Period.parse("2026-11-25"), "tests", NEXT_MORNING)


def test_rows_that_the_architecture_shows_are_those_of_a_dossier(one_stop, gateway, rows):
    result_told_at_the_second_try(one_stop, gateway, rows)
    there = {name: table(one_stop.connection.execute(select).fetchall()) for name, select in OF_THE_SOURCE.items()}
    there |= {name: table(rows(select)) for name, select in OF_THE_LEDGER.items()}
    shown = {name: text.rstrip("\n") for name, text in tables_of(PAGE.read_text(encoding="utf-8")).items()}
    assert shown == there
