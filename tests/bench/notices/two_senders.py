"""Measure how much more two sender processes send through one gateway than one process does.

The bench also checks that both processes together stay within the gateway's limits.
"""

from __future__ import annotations

import json
import os
import signal
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import psycopg

from tests.bench import Line
from tests.bench.ledgers import each, server_of, used_by
from tests.bench.notices.gateways import SlowGateway, gateway
from tests.bench.notices.sending import queue

PART = 0.5
"""Share of a core that each sender may use; without this limit two senders would compete for the machine's cores."""
_SLICE = 0.01
ALLOWED = 192
"""Concurrent requests that the gateway allows.

The limit is so high that it slows down neither a single sender nor two senders with half of these requests each.
"""
FOR_ONE, FOR_TWO = 4000, 8000
"""Numbers of messages that one sender and two senders send.

Two senders get more messages, because the second sender waits up to a second for its request slots before it sends.
"""
ROUNDS = 3


@dataclass(frozen=True, slots=True)
class _Run:
    rate: float
    shares: list[int]
    """Number of messages that each sender sent."""
    used: dict[str, float]
    seen: dict[str, int]


def bench(dsn: str) -> list[Line]:
    """Measure three cases: no limit, half a core for each sender, and a limit of segments a second."""
    lines: list[Line] = []
    with gateway(0.02, ALLOWED) as served:
        most = []
        for part, name in ((1.0, "free"), (PART, f"{PART:g} of a core each")):
            runs = [
                [
                    _run(dsn, served, f"{name} {number} {senders} ", count, senders, part)
                    for senders, count in ((1, FOR_ONE), (2, FOR_TWO))
                ]
                for number in range(ROUNDS)
            ]
            most += [run.seen["most_at_once"] for pair in runs for run in pair]
            lines += _lines_of_gain(name, runs, must=part < 1)
        lines.append(
            (
                f"concurrent requests of both senders, {ALLOWED} allowed",
                f"{max(most)}",
                f"≤ {ALLOWED}",
                max(most) <= ALLOWED,
            )
        )
    return [*lines, _within_a_second(dsn)]


def _lines_of_gain(name: str, runs: list[list[_Run]], *, must: bool) -> list[Line]:
    gains = sorted(two.rate / one.rate for one, two in runs)
    count = sum(sum(two.shares) for _, two in runs)
    used = {which: sum(two.used[which] for _, two in runs) for which in runs[0][1].used}
    alone = statistics.mean(one.rate for one, _ in runs)
    # The largest possible gain: all cores do nothing but send from beginning to end.
    at_most = len(os.sched_getaffinity(0)) / (sum(used.values()) / count) / alone
    rates = ", ".join(f"{one.rate:.0f} → {two.rate:.0f}/s" for one, two in runs)
    said = f"{gains[0]:.2f} of {' '.join(f'{gain:.2f}' for gain in gains)}: {rates}"
    return [
        (
            f"two senders beside one, {name}: the worst gain",
            said,
            "≥ 1.60" if must else "-",
            gains[0] >= 1.6 or not must,
        ),
        (
            f"two senders, {name}: processor for a message",
            f"{each(used, count)}; these cores allow {at_most:.2f} × one sender",
            "-",
            True,
        ),
    ]


def _within_a_second(dsn: str) -> Line:
    (segments,) = {row[0] for row in _rows(dsn, "SELECT DISTINCT segments FROM motcua.messages")}
    limit = 150 * segments
    with gateway(0.02, ALLOWED, segments_per_second=limit) as served:
        run = _run(dsn, served, "limit ", 900, 2, 1.0)
    most = run.seen["most_in_a_second"] * segments
    sent = " and ".join(map(str, run.shares))
    what = f"segments of both senders in any second, {limit} allowed; they sent {sent} messages"
    # Senders space their requests in time, but a thread of a busy machine may start its request up to 0.1 s late.
    return (what, f"{most}, {run.rate * segments:.0f}/s from first to last", f"≤ {limit} + 10 %", most <= limit * 1.1)


def _rows(dsn: str, question: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(dsn) as connection:
        return connection.execute(question).fetchall()  # type: ignore[arg-type]


def _run(dsn: str, served: SlowGateway, prefix: str, count: int, senders: int, part: float) -> _Run:
    queue(dsn, prefix, count)
    command = [sys.executable, "-m", "tests.bench.notices.sender_process"]
    started = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(senders)
    ]
    try:
        for process in started:
            _read_line(process, "ready")
        served.seen()
        names = ("sender", "other sender")[:senders]
        processes = dict(zip(names, (process.pid for process in started), strict=True))
        with (
            used_by({**processes, "PostgreSQL": server_of(dsn), "gateway": served.pid}) as used,
            _slowed([process.pid for process in started], part),
        ):
            began = time.monotonic()
            for process in started:
                assert process.stdin is not None
                process.stdin.write("go\n")
                process.stdin.flush()
            said = [json.loads(_read_line(process, "{")) for process in started]
        shares = [each_said["sent"] for each_said in said]
        assert sum(shares) == count, f"{shares} of {count} were sent"
        took = max(each_said["ended"] for each_said in said) - began
        return _Run(count / took, shares, used, served.seen())
    finally:
        for process in started:
            process.kill()
            process.wait()


def _read_line(process: subprocess.Popen[str], beginning: str) -> str:
    """Return the next line with this beginning, and skip the lines that Airflow writes."""
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith(beginning):
            return line
    raise RuntimeError(f"a sender ended before it printed {beginning!r}")


@contextmanager
def _slowed(pids: list[int], part: float) -> Iterator[None]:
    """Let each of these processes run only for the share ``part`` of the time, by pausing it again and again.

    Each process then behaves as in a container that may use a part of a core. This needs no special rights.
    """
    over = threading.Event()

    def slow(pid: int) -> None:
        try:
            while not over.is_set():
                os.kill(pid, signal.SIGSTOP)
                time.sleep(_SLICE * (1 - part) * 2)
                os.kill(pid, signal.SIGCONT)
                over.wait(_SLICE * part * 2)
        finally:
            os.kill(pid, signal.SIGCONT)

    threads = [threading.Thread(target=slow, args=(pid,)) for pid in pids if part < 1]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        over.set()
        for thread in threads:
            thread.join()
