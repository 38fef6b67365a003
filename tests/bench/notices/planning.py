"""Planning what transitions lead to: time and memory."""

from __future__ import annotations

import resource
import time

from motcua.jobs.notices.planning import plan
from tests.bench import Line
from tests.bench.ledgers import seed


def bench(dsn: str) -> list[Line]:
    """100,000 transitions at once."""
    seed(dsn, "warm", 500, 4)
    plan()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    seed(dsn, "plan", 25_000, 4)
    started = time.perf_counter()
    counts = plan()
    seconds = time.perf_counter() - started
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    what = f"plan {counts.transitions:,} transitions, {counts.messages:,} messages"
    return [
        (what, f"{seconds:.1f} s", "≤ 20 s", seconds <= 20),
        ("memory grown meanwhile", f"{grown:.0f} MB", "≤ 50 MB", grown <= 50),
    ]
