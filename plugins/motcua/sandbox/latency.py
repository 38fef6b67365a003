"""``make latency``: measure the seconds from a transition's commit to the gateway's acceptance in the demo.

The time of the commit comes from the log of the simulated one-stop software, which does not exist in production. In
production the ledger knows only the recorded time that the source gives.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from datetime import datetime
from statistics import quantiles

import psycopg
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb
from rich.console import Console

from motcua.sandbox.demo import LEDGER_DATABASE
from motcua.sandbox.machine.deployment import read_addresses
from motcua.sandbox.machine.postgres import EmbeddedPostgres
from motcua.sandbox.world.writers import TRUTH
from motcua.settings import settings
from motcua.store.ledger.provisioning import with_database
from motcua.store.ledger.queries import statement


def latencies(admin_dsn: str, limit: int, since: datetime | None = None, until: datetime | None = None) -> list[float]:
    """Return the latencies of the latest messages, in seconds.

    Only messages count that were accepted at the first attempt and never waited for a corrected phone number. Their
    transitions were committed after ``since`` and before ``until``.
    """
    with psycopg.connect(with_database(admin_dsn, TRUTH), row_factory=dict_row) as truth:
        bounds = {"limit": limit, "since": since, "until": until}
        notices = truth.execute(statement("sandbox/truth/notices"), bounds).fetchall()
    committed = {(row["source"], row["transition_id"]): row["committed_at"] for row in notices}
    keys = Jsonb([{"source": source, "transition_id": number} for source, number in committed])
    with psycopg.connect(with_database(admin_dsn, LEDGER_DATABASE), row_factory=dict_row) as ledger:
        taken = ledger.execute(statement("sandbox/ledger/acceptances"), {"rows": keys}).fetchall()
    return [(row["accepted_at"] - committed[row["source"], row["transition_id"]]).total_seconds() for row in taken]


def main() -> int:
    """Print the figures. Return 0 if p50 ≤ 0.5 s, p95 ≤ 2 s and p99 ≤ 4 s over at least 100 transitions, otherwise 1.

    Return 2 if the demo is not running here.
    """
    parser = argparse.ArgumentParser(prog="make latency", description=__doc__)
    parser.add_argument(
        "--limit", type=int, default=400, help="how many of the latest messages are examined (default 400)"
    )
    asked = parser.parse_args()
    addresses = read_addresses(settings().data, os.environ)
    given = os.environ.get("MOTCUA_POSTGRES_DSN")
    admin_dsn = given or EmbeddedPostgres(addresses.data / "postgres", addresses.postgres).admin_dsn
    console = Console(soft_wrap=True)
    try:
        seconds = latencies(admin_dsn, asked.limit)
    except (psycopg.OperationalError, OSError):
        console.print("The demo is not running here: start it with make demo, or set MOTCUA_DATA and MOTCUA_PG_PORT.")
        return 2
    if len(seconds) < 100:
        console.print(f"Only {len(seconds)} transitions so far; at least 100 are needed. Let the demo run on.")
        return 1
    cuts = quantiles(seconds, n=100, method="inclusive")
    figures = {"p50": cuts[49], "p95": cuts[94], "p99": cuts[98], "longest": max(seconds)}
    console.print(
        f"Seconds from commit to acceptance by the gateway, over {len(seconds)} transitions: "
        + json.dumps({name: round(value, 2) for name, value in figures.items()})
    )
    return int(figures["p50"] > 0.5 or figures["p95"] > 2 or figures["p99"] > 4)


if __name__ == "__main__":
    sys.exit(main())
