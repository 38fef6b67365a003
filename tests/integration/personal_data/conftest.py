"""Fixtures of the personal data tests: dossiers that ended long ago, with all personal data that the ledger stores."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from motcua.jobs.notices.sending.sender import send
from motcua.sandbox.network.scripted import ScriptedGateway
from motcua.store.agencies import save_agencies
from tests.ground import NHA_TRANG, OneStop, Rows, agency, in_ledger, receive, take_in

NOW = datetime.now(UTC).replace(microsecond=0)
"""The present time in UTC. The purge uses the ledger's own clock, which tests cannot set."""
THEN = NOW - timedelta(days=400)
NAME, PHONE = "Nguyễn Thị Lan", "0905 123 456"


@dataclass(frozen=True)
class Past:
    """A helper that writes events of dossiers at past moments, and runs the jobs as of those moments."""

    one_stop: OneStop
    rows: Callable[..., list[dict[str, Any]]]

    def result(self, code: str, at: datetime = THEN, **changes: Any) -> None:
        """Write a dossier whose result is at the desk, with a name and a phone number."""
        self.one_stop.dossier(
            code,
            applicant_name=NAME,
            applicant_phone=PHONE,
            phone_entered_at=at - timedelta(days=2),
            received_at=at - timedelta(days=2),
            due_at=at + timedelta(days=2),
            updated_at=at,
            status_code=9,
            at_one_stop_desk=True,
            finished_at=at,
            **changes,
        )
        self.one_stop.move(9, code, at=at, note=f"Bà {NAME} hẹn lấy chiều, gọi {PHONE}", actor="lan.nt")

    def run(self, at: datetime = THEN) -> None:
        """Pick up rows, plan messages and send them, as a run of notify_transitions at the moment ``at`` does."""
        take_in(now=at)
        send("run", clock=lambda: at)

    def receipts(self) -> None:
        """Deliver a receipt for each accepted attempt."""
        for row in self.rows("SELECT reference FROM motcua.attempts WHERE state = 'accepted'"):
            in_ledger(receive, row["reference"], "1")

    def hand_over(self, code: str, at: datetime = THEN + timedelta(hours=1), **changes: Any) -> None:
        """Write that the result was handed over, and run the jobs."""
        self.one_stop.connection.execute(
            "UPDATE onestop.dossiers SET status_code = 10, returned_at = %s, updated_at = %s, at_one_stop_desk = FALSE"
            " WHERE dossier_code = %s",
            (at, at, code),
        )
        self.one_stop.move(10, code, desk=False, at=at)
        self.run(at)

    def told_and_ended(self, *codes: str, at: datetime = THEN) -> None:
        """Write dossiers whose result texts were delivered and whose results were handed over."""
        for code in codes:
            self.result(code, at)
        self.run(at)
        self.receipts()
        for code in codes:
            self.hand_over(code, at + timedelta(hours=1))

    def values(self) -> list[str]:
        """Return the columns of the ledger, as table.column, that hold the fixtures' phone number or name."""
        columns = defaultdict(list)
        for row in self.rows(
            # The views of information_schema list the same columns, but reading them takes half a second.
            "SELECT n.nspname AS table_schema, c.relname AS table_name, a.attname AS column_name FROM pg_class AS c"
            " JOIN pg_namespace AS n ON n.oid = c.relnamespace JOIN pg_attribute AS a ON a.attrelid = c.oid"
            " WHERE c.relkind IN ('r', 'p') AND a.attnum > 0 AND NOT a.attisdropped"
            " AND n.nspname IN ('intake', 'motcua', 'quality', 'statements') ORDER BY 1, 2, 3"
        ):
            columns[row["table_schema"], row["table_name"]].append(row["column_name"])
        found = []
        for (schema, table), names in columns.items():
            seen = (f"""translate("{name}"::text, ' .', '') ~ '905123456|ễnThịLan'""" for name in names)
            hits = (f'bool_or({hit}) AS "{name}"' for name, hit in zip(names, seen, strict=True))
            (row,) = self.rows(f"SELECT {', '.join(hits)} FROM {schema}.{table}")
            found += [f"{table}.{name}" for name, hit in row.items() if hit]
        return sorted(found)


def quarantine(
    rows: Rows, code: str, agency_code: str = NHA_TRANG, note: str = "gọi bà Lan, 0918 222 937", days: int = 0
) -> None:
    """Write a quarantined row that was last seen ``days`` days ago."""
    rows(
        "INSERT INTO motcua.quarantine (source_id, row_kind, row_key, reason, agency_code, dossier_code, payload,"
        " first_seen_at, last_seen_at) SELECT source_id, 'transition', %s, 'dossier_missing', %s, %s,"
        " jsonb_build_object('transition_id', 1, 'note', %s::text, 'dossier_code', %s::text), %s, %s"
        " FROM motcua.sources",
        f"{agency_code} {code} {days}", agency_code, code, note, code, *[NOW - timedelta(days=days)] * 2,
    )  # fmt: skip


def complain(
    rows: Rows, code: str, note: str = "bà Lan nói", outcome: str = "upheld", *, withdrawn: bool = False
) -> None:
    """Write a complaint to Nha Trang about a dossier code, which may belong to no dossier."""
    rows(
        "INSERT INTO motcua.complaints (entry_key, agency_code, dossier_code, dossier_id, received_at, channel,"
        " claim, note, recorded_by, recorded_at, outcome, outcome_by, outcome_at, outcome_reason)"
        " SELECT md5(%s) || md5(%s), a.agency_code, %s, d.dossier_id, now(), 'desk', 'other', %s, 'tests', now(),"
        " %s, 'hoa', now(), 'đã gọi bà Lan' FROM motcua.agencies AS a LEFT JOIN motcua.dossiers AS d"
        " ON d.agency_code = a.agency_code AND d.dossier_code = %s WHERE a.agency_code = %s",
        code, note, code, note, outcome, code, NHA_TRANG,
    )  # fmt: skip
    if withdrawn:
        rows("UPDATE motcua.complaints SET withdrawn_at = now(), withdrawn_by = 'hoa', withdraw_reason = 'bà rút'")


def enable_long_ago() -> None:
    """Enable the agency Nha Trang from long before the fixtures' dossiers."""
    in_ledger(save_agencies, [agency(NHA_TRANG, enabled_from=THEN - timedelta(days=900), aliases=("H32.30",))], "tests")


@pytest.fixture
def past(one_stop: OneStop, gateway: ScriptedGateway, rows: Callable[..., list[dict[str, Any]]]) -> Past:
    """Enable the agency Nha Trang from long ago; return a helper that writes past events of dossiers."""
    enable_long_ago()
    return Past(one_stop, rows)
