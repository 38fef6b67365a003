"""Measure how long staff wait for each page, with a million dossiers and ten million messages in the ledger.

Each page is requested many times. Two values have the same limit of 300 ms: the 95th percentile of the answers of a
running process, and the first answer of a process that has just started. A file for download is measured once, and its
time is shown without a limit, because it depends on the file's size.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import quote_plus

import psycopg
from fastapi.testclient import TestClient

from motcua.domain.clock import VIETNAM
from motcua.settings import settings
from motcua.store.ledger.database import close_ledger_pool
from motcua.web.pages import warm_pages
from tests.bench import Line
from tests.bench.long_years import fill_ledger
from tests.web.visiting import Visiting

MOST = 0.300
"""Most seconds that an answer may take."""
ASKED = 20
SCALE = "BENCH_PAGES_SCALE"
"""Environment variable with the share of the dossiers and messages to write; 1 if it is not set."""


@dataclass(frozen=True)
class Asked:
    """A page by its address below ``/motcua``, and the visitor who requests it."""

    address: str
    agencies: tuple[str, ...] | None = None
    """Agencies of the visitor; ``None`` if the visitor belongs to the Department."""
    typed: str | None = None
    """Text that is typed into the search form of the page header."""
    status: int = 200
    is_file: bool = False
    is_first: bool = False
    """Whether the page is also requested from a process that has just started."""

    @property
    def words(self) -> str:
        whose = "" if self.agencies is None else f", {len(self.agencies)} of the agencies"
        return f"{self.address}{'' if self.typed is None else ' ' + self.typed}{whose}"


def addresses(facts: Mapping[str, str]) -> Iterator[Asked]:
    """Yield the address of each page that staff open, and one of each kind of link from a figure to its rows."""
    today, month, old = facts["today"], facts["month_ago"], facts["old_day"]
    largest, three = ("B000",), ("B001", "B050", "B100")
    dossier = f"/dossiers?agency={facts['agency']}&code={facts['code']}"
    busy = f"/dossiers?agency=B000&code={facts['busy_code']}"
    run = f"dag_id=notify_transitions&run_id={facts['busy_run']}"

    yield Asked("/", is_first=True)
    yield Asked("/", largest, is_first=True)
    yield Asked(f"/?day={old}")
    yield Asked("/figures/file?format=csv", is_file=True)

    yield Asked(dossier, is_first=True)
    yield Asked(dossier, (facts["agency"],))
    yield Asked(busy, is_first=True)
    yield Asked(busy, largest)
    yield Asked(busy.replace("?", "/slip?"))
    yield Asked(f"{busy.replace('?', '/file?')}&format=csv", is_file=True)
    yield Asked("/dossiers/search", typed=facts["code"], status=303)
    yield Asked("/dossiers/search", (facts["agency"],), typed=facts["code"], status=303)
    yield Asked("/dossiers/search", typed=facts["phone"], status=303)
    yield Asked("/dossiers/search", typed="0987654321", status=404)
    yield Asked("/dossiers?code=nobody-has-this", status=404)

    for filters in (
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
        f"dag=notify_transitions&run={facts['run']}",
        f"dag=notify_transitions&run={facts['busy_run']}",
        f"dag=notify_transitions&run={facts['busy_run']}&state=suppressed",
        f"before={facts['place']}",
        f"agency=B000&before={facts['place']}",
    ):
        yield Asked(f"/messages?{filters}")
    yield Asked("/messages", is_first=True)
    yield Asked("/messages", largest, is_first=True)
    yield Asked("/messages", three)
    yield Asked(f"/messages?before={facts['place']}", three)
    yield Asked(f"/messages/file?format=csv&since={today}&until={today}", is_file=True)
    yield Asked("/messages/file?format=xlsx&agency=B050", is_file=True)
    yield Asked("/messages/unknown", is_first=True)
    yield Asked("/messages/unknown", ("B050",))
    yield Asked("/messages/inquiries", is_first=True)
    yield Asked(f"/messages/inquiries?since={facts['days_ago']}&until={today}&outcome=unknown_code")
    yield Asked("/messages/inquiries", largest)

    yield Asked("/apologies", is_first=True)
    yield Asked("/apologies", largest)
    yield Asked("/apologies/letters", is_first=True)
    yield Asked("/apologies/letters?agency=B000", largest)
    yield Asked("/stops", is_first=True)
    yield Asked("/requests", is_first=True)

    yield Asked(f"/run?{run}", is_first=True)
    yield Asked(f"/run?{run}", largest)
    yield Asked(f"/run?dag_id=notify_transitions&run_id={facts['run']}")

    yield Asked("/quality", is_first=True)
    yield Asked("/quality/findings?code=B000", is_first=True)
    yield Asked("/quality/findings?code=B000&page=100")
    yield Asked("/quality/findings?code=B000&rule=P1", largest)
    yield Asked("/quality/findings?code=B050", ("B050",))

    yield Asked("/quality/sources", is_first=True)
    yield Asked("/quality/sources/exports", is_first=True)
    yield Asked("/checks/identity", is_first=True)

    yield Asked("/reconciliation", is_first=True)
    yield Asked("/reconciliation", largest)
    yield Asked("/reconciliation?agency=B000")
    yield Asked(f"/reconciliation?closing={facts['month_closing']}")
    yield Asked("/reconciliation/closings", is_first=True)
    rows = f"closing={facts['day_closing']}&figure=delivered&agency=B000"
    yield Asked(f"/reconciliation/rows?{rows}")
    yield Asked(f"/reconciliation/rows.csv?{rows}", is_file=True)

    yield Asked("/statements", is_first=True)
    yield Asked("/statements?verdict=partial&page=20")
    yield Asked("/statements?verdict=exact&page=1000")
    yield Asked("/complaints", is_first=True)
    yield Asked("/complaints?page=100")
    yield Asked("/complaints?state=repeated")
    yield Asked("/complaints", largest)
    yield Asked("/alerts", is_first=True)
    yield Asked("/calendar", is_first=True)
    yield Asked("/calendar?agency=B000", largest)
    yield Asked("/users", is_first=True)
    yield Asked("/settings", is_first=True)
    yield Asked("/settings/agency?code=B000", is_first=True)
    yield Asked("/settings/agency?code=B000", largest)
    yield Asked("/settings/phones?code=B000", is_first=True)


def bench(dsn: str) -> list[Line]:
    """Fill the ledger of the connection ``motcua_db``, then request every page."""
    scale = float(os.environ.get(SCALE, "1"))
    began = time.perf_counter()
    fill_ledger(dsn, datetime.now(UTC), round(1_000_000 * scale), round(10_000_000 * scale))
    filled = time.perf_counter() - began
    load = os.getloadavg()[0]
    lines = [
        (
            f"ledger of {10 * scale:g} million messages written; load average afterwards",
            f"{filled:.0f} s; {load:.1f}",
            "",
            True,
        )
    ]
    return lines + list(ask_all(dsn))


def ask_all(dsn: str) -> Iterator[Line]:
    """Yield the bench's lines: the time of each page of an existing ledger."""
    os.environ["MOTCUA_SOURCES"] = "mot_cua"
    settings.cache_clear()
    every = list(addresses(facts_of(dsn)))
    # Airflow's API server also warms the pages up when it starts.
    warm_pages()
    visiting = Visiting()
    try:
        with TestClient(visiting.mount(), raise_server_exceptions=False, follow_redirects=False) as http:
            for asked in every:
                yield _line_of_page(visiting, http, asked)
    finally:
        close_ledger_pool()
    for asked in every:
        if asked.is_first:
            yield _first_line(asked)


def _line_of_page(visiting: Visiting, http: TestClient, asked: Asked) -> Line:
    seconds, statuses = [], set()
    _request(visiting, http, asked)
    for _ in range(1 if asked.is_file else ASKED):
        took, status = _request(visiting, http, asked)
        seconds.append(took)
        statuses.add(status)
    p50, p95, worst = (sorted(seconds)[place] * 1000 for place in _positions(len(seconds)))
    if statuses != {asked.status}:
        return asked.words, f"answers {statuses}", f"{asked.status}", False
    if asked.is_file:
        return f"{asked.words} (a file)", f"{worst:.0f} ms", "", True
    measured = f"{p50:.0f}, {p95:.0f}, {worst:.0f} ms (load {os.getloadavg()[0]:.1f})"
    return asked.words, measured, f"95 % ≤ {MOST * 1000:.0f} ms", p95 <= MOST * 1000


def _positions(number: int) -> tuple[int, int, int]:
    """Return the positions of the median, the 95th percentile and the maximum in a sorted list of this length."""
    return (number - 1) // 2, max(number * 95 // 100 - 1, 0), number - 1


def _request(visiting: Visiting, http: TestClient, asked: Asked) -> tuple[float, int]:
    visiting.role = "operator" if asked.agencies is None else "agency"
    visiting.agencies = None if asked.agencies is None else frozenset(asked.agencies)
    if asked.typed is None:
        began = time.perf_counter()
        status = http.get(f"/motcua{asked.address}").status_code
        return time.perf_counter() - began, status
    token = _form_token(http)
    began = time.perf_counter()
    status = http.post(f"/motcua{asked.address}", data={"token": token, "q": asked.typed}).status_code
    return time.perf_counter() - began, status


def _form_token(http: TestClient) -> str:
    found = re.search(r'name="token" value="([^"]+)"', http.get("/motcua/dossiers").text)
    assert found is not None
    return found[1]


# --- The first answer of a process --------------------------------------------------------------------------------


def _first_line(asked: Asked) -> Line:
    command = [sys.executable, "-m", "tests.bench.pages", json.dumps(asdict(asked))]
    answer = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    seen = json.loads(answer.stdout.splitlines()[-1])
    good = seen["status"] == asked.status and seen["seconds"] <= MOST
    measured = f"{seen['seconds'] * 1000:.0f} ms (load {os.getloadavg()[0]:.1f}); apps made in {seen['made']:.1f} s"
    return f"the first request: {asked.words}", measured, f"≤ {MOST * 1000:.0f} ms", good


def first(asked: Asked) -> dict[str, float]:
    """Measure in a process that has just started: the seconds to make the plugin's apps, and the first answer."""
    began = time.perf_counter()
    # Airflow's API server loads the plugin in the same way.
    from motcua_plugin import MotcuaPlugin

    pages = next(each["app"] for each in MotcuaPlugin().fastapi_apps if each["url_prefix"] == "/motcua")
    made = time.perf_counter() - began
    visiting = Visiting()
    with TestClient(visiting.mounted(pages), follow_redirects=False) as http:
        # This request loads the HTTP client and the server, so that their loading does not count as the page's time.
        http.get("/")
        took, status = _request(visiting, http, asked)
    close_ledger_pool()
    return {"seconds": took, "status": status, "made": made}


def facts_of(dsn: str) -> dict[str, str]:
    """Return names and days that the addresses are built from."""
    # Take the last whole day, because just after midnight the present day has few rows.
    today = datetime.now(VIETNAM).date() - timedelta(days=1)
    with psycopg.connect(dsn) as connection:
        row = connection.execute(
            "SELECT d.agency_code, d.dossier_code, '0' || right(p.msisdn, 9), a.run_id,"
            " (m.at * 1000000)::bigint || '-' || m.message_id,"
            " (SELECT max(closing_no)::text FROM motcua.closings WHERE char_length(period) = 7),"
            " (SELECT max(closing_no)::text FROM motcua.closings WHERE char_length(period) = 10)"
            " FROM (SELECT * FROM motcua.dossiers ORDER BY dossier_id DESC OFFSET 1000 LIMIT 1) AS d"
            " CROSS JOIN (SELECT msisdn FROM motcua.dossiers ORDER BY dossier_id DESC LIMIT 1) AS p"
            " CROSS JOIN (SELECT run_id FROM motcua.attempts WHERE run_no > 1 ORDER BY attempt_id DESC LIMIT 1) AS a"
            " CROSS JOIN (SELECT message_id, extract(epoch FROM recorded_at) AS at FROM motcua.messages"
            "  ORDER BY message_id OFFSET 1000 LIMIT 1) AS m"
        ).fetchone()
    assert row is not None
    agency, code, phone, run, place, month_closing, day_closing = row
    return {
        "today": f"{today}",
        "month_ago": f"{today - timedelta(days=30)}",
        "days_ago": f"{today - timedelta(days=13)}",
        "old_day": f"{today - timedelta(days=200)}",
        "agency": agency,
        "code": code,
        "phone": phone,
        "busy_code": "000.00.00.H32-26-BUSY",
        "run": quote_plus(run),
        "busy_run": quote_plus("run 1"),
        "place": place,
        "month_closing": month_closing,
        "day_closing": day_closing,
    }


if __name__ == "__main__":
    given = json.loads(sys.argv[1])
    print(json.dumps(first(Asked(**given))))
