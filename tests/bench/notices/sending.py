"""Measure the rate of a sender in several rounds.

Before and after each round, a client that only sends requests is measured for comparison.
"""

from __future__ import annotations

import os
import resource
import statistics
import time
from collections.abc import Sequence
from itertools import pairwise

from motcua.jobs.notices.planning import plan
from motcua.jobs.notices.sending.sender import send
from tests.bench import Line
from tests.bench.ledgers import each, seed, server_of, used_by
from tests.bench.notices.gateways import IN_FLIGHT, Bare, bare_client, gateway

ROUNDS = 5


def bench(dsn: str) -> list[Line]:
    return [
        *_lines_of_shares(dsn, seconds=0.05, count=8000, rounds=ROUNDS),
        *_lines_of_shares(dsn, seconds=0.2, count=1500, rounds=2),
    ]


def queue(dsn: str, prefix: str, count: int) -> None:
    seed(dsn, prefix, count)
    plan()


def drain(count: int) -> float:
    started = time.perf_counter()
    sent = send("bench").attempts
    seconds = time.perf_counter() - started
    assert sent == count, f"{sent} of {count} were sent"
    return sent / seconds


def shares_of(ours: Sequence[float], bare: Sequence[Bare]) -> list[float]:
    """Return each rate of the sender divided by the mean of the client's rates before and after it, in ascending order.

    The machine's speed varies over time, so each rate is compared with rates that were measured shortly before and
    after it.
    """
    around = (statistics.mean(one.rate for one in pair) for pair in pairwise(bare))
    return sorted(rate / client for rate, client in zip(ours, around, strict=True))


def rates_of(ours: Sequence[float], bare: Sequence[Bare]) -> str:
    clients = [one.rate for one in bare]
    return f"{min(ours):.0f}–{max(ours):.0f}/s, a bare client {min(clients):.0f}–{max(clients):.0f}/s"


def _lines_of_shares(dsn: str, *, seconds: float, count: int, rounds: int) -> list[Line]:
    name = f"{seconds * 1000:.0f} ms"
    with gateway(seconds) as served:
        # Send some messages first, so that loading code does not count in the measurement.
        queue(dsn, f"{name} warm", 500)
        drain(500)
        processes = {"sender": os.getpid(), "PostgreSQL": server_of(dsn), "gateway": served.pid}
        used, ours, bare = dict.fromkeys(processes, 0.0), [], [bare_client(served.url, count)]
        for number in range(rounds):
            queue(dsn, f"{name} {number} ", count)
            with used_by(processes) as now:
                ours.append(drain(count))
            used = {which: used[which] + now[which] for which in used}
            bare.append(bare_client(served.url, count))
    shares = shares_of(ours, bare)
    what = f"gateway {name}, {IN_FLIGHT} in flight, {rounds} times {count:,} messages"
    said = " ".join(f"{share:.2f}" for share in shares)
    cost = f"{each(used, rounds * count)}; a bare client {statistics.mean(one.cost for one in bare):.2f} ms"
    return [
        (
            f"{what}: sender's rate / bare client's rate, worst round",
            f"{shares[0]:.2f} of {said}",
            "≥ 0.80",
            shares[0] >= 0.8,
        ),
        (f"{what}: rates", rates_of(ours, bare), "-", True),
        (f"{what}: processor for a message", cost, "-", True),
    ]


def plan_bench(dsn: str) -> list[Line]:
    """Plan 100,000 transitions at once."""
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
        ("growth of memory while planning", f"{grown:.0f} MB", "≤ 50 MB", grown <= 50),
    ]
