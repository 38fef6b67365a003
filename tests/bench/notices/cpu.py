"""Processor seconds of the processes that a bench keeps busy: what bounds a rate."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress

import psutil


def _seconds(pid: int, *, with_children: bool) -> float:
    """Of a process, and of all below it, those included that have ended."""
    process = psutil.Process(pid)
    used = process.cpu_times()
    total = used.user + used.system
    if with_children:
        total += used.children_user + used.children_system
        for child in process.children():
            with suppress(psutil.NoSuchProcess):
                total += _seconds(child.pid, with_children=True)
    return float(total)


def seconds_of(processes: Mapping[str, int]) -> dict[str, float]:
    """What each has used so far; of this process without those that it started."""
    return {name: _seconds(pid, with_children=pid != os.getpid()) for name, pid in processes.items()}


@contextmanager
def used_by(processes: Mapping[str, int]) -> Iterator[dict[str, float]]:
    """Processor seconds that each uses meanwhile; they are there at the end, while all of them live."""
    used: dict[str, float] = {}
    before = seconds_of(processes)
    yield used
    # A session of PostgreSQL's that has just ended is neither among the living nor counted among the others at once.
    time.sleep(0.5)
    used.update({name: now - before[name] for name, now in seconds_of(processes).items()})


def each(used: Mapping[str, float], count: int) -> str:
    """Milliseconds of a processor for one of so many, by process."""
    return ", ".join(f"{name} {seconds / count * 1000:.2f}" for name, seconds in used.items()) + " ms"
