"""How long nothing that is due is sent when a part of the demo dies, or hangs: each in turn, on a quiet machine.

A result is ready at the desk every second; a silence is the longest way of one of them to the gateway. A part that died
is started again by the demo's supervisor, as Docker does it; one that hangs stays so for a minute.
"""

from __future__ import annotations

import signal
import time

from motcua.sandbox.machine.parts import descendants, processes, send
from motcua.sandbox.machine.supervisor import recorded
from tests.bench import Line
from tests.bench.tails import Demo, whole_demo

_PARTS = ("airflow-scheduler", "airflow-api-server", "airflow-dag-processor", "airflow-triggerer", "watch")
_SCHEDULER, _POSTGRES = "airflow-scheduler", "postgres"
_SENDERS = 2
"""Each is killed once, and frozen once: one of them leads."""
_FOR = 60
"""Results, one a second."""
_SETTLES, _CALM_WITHIN = 90.0, 300.0
_DIED, _HANGS = 5.0, 15.0
"""Seconds; PostgreSQL's own recovery stands apart."""


class _Silences:
    def __init__(self, demo: Demo) -> None:
        self._demo, self._number = demo, 0

    def of(self, name: str, number: signal.Signals) -> float:
        """The silence after a signal to a part; a frozen one goes on afterwards."""
        self._wait_for_calm()
        pids = self._pids(name)
        for pid in pids:
            send(pid, number)
        try:
            return self._longest(_FOR)
        finally:
            if number is signal.SIGSTOP:
                for pid in pids:
                    send(pid, signal.SIGCONT)

    def _pids(self, name: str) -> list[int]:
        pid = recorded(self._demo.supervisor.folder)[name.partition(",")[0]]
        below = [each for each in descendants(pid, processes().values()) if not each.zombie]
        if "," in name:
            # LocalExecutor's workers fork the tasks, which keep their title.
            workers = {each.pid for each in below if each.parent == pid}
            tasks = sorted(each.pid for each in below if each.parent in workers)
            return [tasks[int(name[-1]) - 1]]
        if name in (_SCHEDULER, _POSTGRES):
            return [pid]
        return [pid, *(each.pid for each in below)]

    def _longest(self, results: int) -> float:
        first = self._number + 1
        for _ in range(results):
            self._number += 1
            self._demo.results("L-", self._number, self._number)
            self._demo.supervisor.wait(1)
        last = time.monotonic()
        return max(self._demo.accepted_after(f"L-{number}", last) for number in range(first, self._number + 1))

    def _wait_for_calm(self) -> None:
        until = time.monotonic() + _CALM_WITHIN
        while self._longest(5) > 1 and time.monotonic() < until:
            self._demo.supervisor.wait(5)


def bench() -> list[Line]:
    with whole_demo(1) as demo:
        demo.supervisor.wait(_SETTLES)
        demo.ends_its_world()
        return _measured(_Silences(demo))


def _measured(silences: _Silences) -> list[Line]:
    senders = [f"{_SCHEDULER}, sender {number}" for number in range(1, _SENDERS + 1)]
    lines = [_line(name, "died", silences.of(name, signal.SIGKILL), _DIED) for name in (*senders, *_PARTS)]
    lines += [_line(name, "hangs", silences.of(name, signal.SIGSTOP), _HANGS) for name in (*senders, *_PARTS)]
    recovery = silences.of(_POSTGRES, signal.SIGKILL)
    what = f"{_POSTGRES} died, its own recovery in it"
    lines.append((what, f"silent for {recovery:.1f} s", "≤ 60 s", recovery <= 60))
    return lines


def _line(name: str, what: str, seconds: float, most: float) -> Line:
    return (f"{name} {what}", f"silent for {seconds:.1f} s", f"≤ {most:.0f} s", seconds <= most)
