"""What staff wait for: pages over a million dossiers and ten million messages, each asked again and again."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import quote_plus

import psycopg
from fastapi.testclient import TestClient

from motcua.domain.clock import VIETNAM
from motcua.store.ledger.database import close_ledger_pool
from tests.bench.long_years import fill_ledger
from tests.web.visiting import Visiting

MOST = 0.300
"""Seconds that 95 of a hundred answers may take."""
ASKED = 20
SCALE = "BENCH_PAGES_SCALE"
"""Environment variable: which part of the million and the ten million is written; 1 without it."""


@dataclass(frozen=True)
class Asked:
    """An address below ``/motcua``, and who asks it."""

    address: str
    agencies: frozenset[str] | None = None
    """Of an agency's user; ``None``: the Department asks."""


def addresses(facts: Mapping[str, str]) -> Iterator[Asked]:
    """Every page that reads the ledger, and every kind of link that leads from a figure to rows."""
    today, month, old = facts["today"], facts["month_ago"], facts["old_day"]
    for filters in (
        "",
        "state=rejected",
        "state=suppressed",
        "state=unknown",
        "state=queued&reason=template_refused",
        "kind=apology",
        f"kind=apology&since={today}&until={today}",
        f"kind=reply&state=delivered&since={old}&until={old}",
        f"reason=missing&since={today}&until={today}",
        f"reason=dummy&since={old}&until={old}",
        "reason=dummy",
        f"agency=B000&state=delivered&since={today}&until={today}",
        f"agency=B050&state=suppressed&since={month}&until={today}",
        f"agency=B000&reason=dummy&since={month}&until={today}",
        f"agency=B003&procedure=1.000007&since={month}&until={today}",
        "agency=B100",
        "agency=B101",
        "procedure=1.000007",
        f"run={facts['run']}",
        f"before={facts['place']}",
        f"agency=B000&before={facts['place']}",
    ):
        yield Asked(f"/messages?{filters}")
    yield Asked("/messages", frozenset({"B000"}))
    yield Asked("/messages", frozenset({"B001", "B050", "B100"}))
    yield Asked("/messages/unknown")
    yield Asked("/messages/unknown", frozenset({"B050"}))
    yield Asked("/messages/inquiries")
    yield Asked(f"/messages/inquiries?since={facts['days_ago']}&until={today}&outcome=unknown_code")
    yield Asked("/messages/inquiries", frozenset({"B050"}))
    yield Asked(f"/dossiers?agency={facts['agency']}&code={facts['code']}")
    yield Asked(f"/dossiers?code={facts['code']}", frozenset({facts["agency"]}))
    yield Asked("/")
    yield Asked("/", frozenset({"B000"}))
    yield Asked(f"/run?run={facts['run']}")
    for page in ("/alerts", "/quality", "/reconciliation", "/statements", "/complaints", "/calendar", "/users"):
        yield Asked(page)


def bench(dsn: str) -> list[tuple[str, str, str, bool]]:
    """Fills the ledger behind ``motcua_db``, then asks every page."""
    scale = float(os.environ.get(SCALE, "1"))
    began = time.perf_counter()
    fill_ledger(dsn, datetime.now(UTC), round(1_000_000 * scale), round(10_000_000 * scale))
    filled = time.perf_counter() - began
    lines = [(f"ledger of {10 * scale:g} million messages written", f"{filled:.0f} s", "", True)]
    return lines + list(ask_all(dsn))


def ask_all(dsn: str) -> Iterator[tuple[str, str, str, bool]]:
    """How long each page of a ledger that is there takes, as the bench's lines."""
    visiting = Visiting()
    try:
        with TestClient(visiting.mount(), follow_redirects=False) as http:
            for asked in addresses(_facts(dsn)):
                visiting.role = "operator" if asked.agencies is None else "agency"
                visiting.agencies = asked.agencies
                yield _line(http, asked)
    finally:
        close_ledger_pool()


def _line(http: TestClient, asked: Asked) -> tuple[str, str, str, bool]:
    seconds, statuses = [], set()
    for _ in range(ASKED):
        began = time.perf_counter()
        statuses.add(http.get(f"/motcua{asked.address}").status_code)
        seconds.append(time.perf_counter() - began)
    p95 = sorted(seconds)[ASKED * 95 // 100 - 1]
    whose = "" if asked.agencies is None else f", {len(asked.agencies)} of the agencies"
    measured = f"{p95 * 1000:.0f} ms" if statuses == {200} else f"answers {statuses}"
    return (f"{asked.address}{whose}", measured, f"≤ {MOST * 1000:.0f} ms", statuses == {200} and p95 <= MOST)


def _facts(dsn: str) -> dict[str, str]:
    """Names and days that the addresses are made with."""
    # The last whole day: what began at midnight may hold little.
    today = datetime.now(VIETNAM).date() - timedelta(days=1)
    with psycopg.connect(dsn) as connection:
        row = connection.execute(
            "SELECT d.agency_code, d.dossier_code, a.run_id, (m.at * 1000000)::bigint || '-' || m.message_id"
            " FROM (SELECT * FROM motcua.dossiers ORDER BY dossier_id DESC OFFSET 1000 LIMIT 1) AS d"
            " CROSS JOIN (SELECT run_id FROM motcua.attempts ORDER BY attempt_id DESC LIMIT 1) AS a"
            " CROSS JOIN (SELECT message_id, extract(epoch FROM recorded_at) AS at FROM motcua.messages"
            "  ORDER BY message_id OFFSET 1000 LIMIT 1) AS m"
        ).fetchone()
    assert row is not None
    agency, code, run, place = row
    return {
        "today": f"{today}",
        "month_ago": f"{today - timedelta(days=30)}",
        "days_ago": f"{today - timedelta(days=13)}",
        "old_day": f"{today - timedelta(days=200)}",
        "agency": agency,
        "code": code,
        "run": quote_plus(run),
        "place": place,
    }
