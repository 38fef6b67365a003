"""Measure how long no due message is sent when a program of the demo dies or hangs.

Each program is killed and frozen in turn; PostgreSQL is only killed. Run the bench on a machine without other load. The
bench makes a result ready at the desk every second. A silence is the longest time from such a result until the gateway
accepts its message. The demo's supervisor restarts a program that died, as Docker would. A frozen program is continued
after about a minute.
"""

from __future__ import annotations

import signal
import time

import psycopg

from motcua.sandbox.machine.parts import descendants, processes, send
from motcua.sandbox.machine.supervisor import recorded
from tests.bench import Line
from tests.bench.tails import Demo, whole_demo

_PARTS = ("airflow-scheduler", "airflow-api-server", "airflow-dag-processor", "airflow-triggerer", "watch")
_SCHEDULER, _POSTGRES = "airflow-scheduler", "postgres"
_SENDERS = 2
"""Number of senders. Each is killed once and frozen once, because one of them is the leader and reads the sources."""
_FOR = 60
"""Number of results that become ready, one a second."""
_SETTLES, _CALM_WITHIN = 90.0, 300.0
_DIED, _HANGS, _RECOVERED = 5.0, 15.0, 60.0
"""Longest allowed silence in seconds: after a program died, while a program hangs, and after PostgreSQL died."""


class _Silences:
    def __init__(self, demo: Demo) -> None:
        self._demo, self._number = demo, 0

    def of(self, name: str, number: signal.Signals) -> float:
        """Send a signal to a program of the demo, and return the silence after the signal.

        A frozen program is continued afterwards.
        """
        self._wait_for_calm()
        pids = [self._pid_of_sender(name)] if "," in name else self._pids_of_part(name)
        for pid in pids:
            send(pid, number)
        try:
            return self._longest_wait(_FOR)
        finally:
            if number is signal.SIGSTOP:
                for pid in pids:
                    send(pid, signal.SIGCONT)

    def _pids_of_part(self, name: str) -> list[int]:
        pid = recorded(self._demo.supervisor.folder)[name.partition(",")[0]]
        below = [each for each in descendants(pid, processes().values()) if not each.zombie]
        if "," in name:
            # LocalExecutor's workers fork the tasks, and a task keeps the title of its worker.
            workers = {each.pid for each in below if each.parent == pid}
            return sorted(each.pid for each in below if each.parent in workers)
        if name in (_SCHEDULER, _POSTGRES):
            return [pid]
        return [pid, *(each.pid for each in below)]

    def _pid_of_sender(self, name: str) -> int:
        """Return the process id of the sender with the number at the end of the name; wait until it runs.

        After a scheduler died, the wait takes up to a minute, until the next run of ``notify_transitions`` starts.
        """
        number, until = int(name[-1]), time.monotonic() + _CALM_WITHIN
        while len(senders := self._pids_of_part(name)) < number and time.monotonic() < until:
            self._demo.supervisor.wait(1)
        return senders[number - 1]

    def _longest_wait(self, results: int) -> float:
        written_late: dict[int, float] = {}
        for _ in range(results):
            self._number += 1
            written_late[self._number] = self._make_ready(self._number)
            self._demo.supervisor.wait(1)
        last = time.monotonic()
        return max(self._demo.accepted_after(f"L-{number}", last) + late for number, late in written_late.items())

    def _make_ready(self, number: int) -> float:
        """Make a result ready at the desk, as soon as PostgreSQL runs; return the seconds of waiting for PostgreSQL."""
        due = time.monotonic()
        while True:
            try:
                return self._demo.results("L-", number, number) - due
            except psycopg.OperationalError:
                self._demo.connects_again()

    def _wait_for_calm(self) -> None:
        until = time.monotonic() + _CALM_WITHIN
        while self._longest_wait(5) > 1 and time.monotonic() < until:
            self._demo.supervisor.wait(5)


def bench() -> list[Line]:
    with whole_demo(1) as demo:
        demo.supervisor.wait(_SETTLES)
        demo.ends_its_world()
        return _measure(_Silences(demo))


def _measure(silences: _Silences) -> list[Line]:
    senders = [f"{_SCHEDULER}, sender {number}" for number in range(1, _SENDERS + 1)]
    asked = [(name, "died", signal.SIGKILL, _DIED) for name in (*senders, *_PARTS)]
    asked += [(name, "hangs", signal.SIGSTOP, _HANGS) for name in (*senders, *_PARTS)]
    asked.append((_POSTGRES, "died, including its own recovery", signal.SIGKILL, _RECOVERED))
    lines: list[Line] = []
    for name, what, number, most in asked:
        seconds = silences.of(name, number)
        lines.append((f"{name} {what}", f"silent for {seconds:.1f} s", f"≤ {most:.0f} s", seconds <= most))
        # The bench takes twenty minutes.
        print(*lines[-1][:3], sep=" | ", flush=True)
    return lines
