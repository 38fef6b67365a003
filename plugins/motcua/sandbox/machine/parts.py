"""A program that is part of a whole: started, asked whether it is ready, frozen, told to stop, killed, started again.

Linux only: what a program has started is found through /proc.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import requests

_KILL_WITHIN = 10.0
"""Seconds to wait for processes to go after SIGKILL."""
_LOOK_EVERY = 0.05


class Hung(Exception):
    """A part did not start, answer or end in time; the message has the end of its log."""


@dataclass(frozen=True, slots=True)
class Process:
    """A line of /proc: enough to tell a process from a later one with the same number."""

    pid: int
    parent: int
    session: int
    started: int
    zombie: bool

    @property
    def title(self) -> str:
        """What ``ps`` shows of it; empty for one that ended."""
        try:
            words = Path(f"/proc/{self.pid}/cmdline").read_bytes()
        except OSError:
            return ""
        return words.replace(b"\0", b" ").decode(errors="replace").strip()


def read_process(pid: int) -> Process | None:
    """Reads a process's line; ``None``: there is none."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    # The name in parentheses may hold blanks and parentheses itself.
    fields = stat[stat.rindex(")") + 2 :].split()
    return Process(pid, int(fields[1]), int(fields[3]), int(fields[19]), fields[0] in "ZX")


def processes() -> dict[int, Process]:
    """Reads all processes of this machine, by number."""
    found = (read_process(int(name)) for name in os.listdir("/proc") if name.isdigit())
    return {process.pid: process for process in found if process is not None}


def descendants(root: int, among: Iterable[Process] | None = None) -> list[Process]:
    """Finds every process below ``root``, itself not included."""
    children: dict[int, list[Process]] = {}
    for process in processes().values() if among is None else among:
        children.setdefault(process.parent, []).append(process)
    found, waiting = [], deque([root])
    while waiting:
        for child in children.get(waiting.popleft(), []):
            found.append(child)
            waiting.append(child.pid)
    return found


def send(pid: int, number: int) -> None:
    """Sends a signal; a process that is gone, or another's, is no error."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.kill(pid, number)


def told_to_stop() -> threading.Event:
    """What is set once this process is told to end, by SIGTERM or SIGINT."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    return stop


def log_tail(log: Path, lines: int = 15, characters: int = 3000) -> str:
    """Reads the last lines of a log file; empty where there is none."""
    if not log.exists():
        return ""
    with log.open("rb") as stream:
        stream.seek(max(0, log.stat().st_size - characters))
        text = stream.read().decode("utf-8", errors="replace")
    return "\n".join(text.splitlines()[-lines:])


def answers_http(*urls: str) -> bool:
    """Says whether each of these is answered, and well."""
    try:
        return all(requests.get(url, timeout=2).ok for url in urls)
    except requests.RequestException:
        return False


class Part:
    """One program in a session of its own, which appends to its log; as a context manager it runs while the block does.

    ``ready`` is asked again and again after a start until it is true; ``stop_signal`` asks the program to end.
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        log: Path,
        *,
        environment: Mapping[str, str] | None = None,
        folder: Path | None = None,
        ready: Callable[[], object] | None = None,
        ready_within: float = 90.0,
        stop_signal: signal.Signals = signal.SIGTERM,
        stop_within: float = 60.0,
        before_exec: Callable[[], None] | None = None,
    ) -> None:
        self.name, self.command, self.log = name, command, log
        self.environment, self.folder, self.before_exec = environment, folder, before_exec
        self.ready, self.ready_within = ready, ready_within
        self.stop_signal, self.stop_within = stop_signal, stop_within
        self.process: subprocess.Popen[bytes] | None = None
        self.starts = 0
        self._is_swept = False

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    # Whether it runs

    @property
    def alive(self) -> bool:
        """It was started and has not ended."""
        return self.process is not None and self.process.poll() is None

    @property
    def pid(self) -> int | None:
        """Of the process that runs."""
        return self.process.pid if self.process is not None and self.alive else None

    @property
    def exit_code(self) -> int | None:
        """Of the process that has ended."""
        return self.process.poll() if self.process is not None else None

    def said(self, characters: int = 3000) -> str:
        """The end of its log."""
        return log_tail(self.log, characters=characters)

    def below(self) -> list[Process]:
        """What it has started, in whatever session, and what runs in its own session though it be gone itself.

        Nothing once it was killed: another process may have got its number since.
        """
        if self.process is None or self._is_swept:
            return []
        known = processes()
        found = {process.pid for process in descendants(self.process.pid, known.values())}
        found |= {process.pid for process in known.values() if process.session == self.process.pid}
        return [known[pid] for pid in sorted(found - {self.process.pid}) if not known[pid].zombie]

    # Starting

    def begin(self) -> None:
        """Starts it, and waits for nothing."""
        with self.log.open("ab") as output:
            self.process = subprocess.Popen(
                list(self.command),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=self.folder,
                env=self.environment,
                preexec_fn=self.before_exec,
                start_new_session=True,
            )
        self.starts += 1
        self._is_swept = False

    def start(self) -> None:
        """Starts it and returns when it is ready; one that is not is killed.

        Raises:
            Hung: it ended, or was not ready in time.
        """
        self.begin()
        try:
            self.wait_until_ready()
        except BaseException:
            self.kill()
            raise

    def wait_until_ready(self) -> None:
        """Returns when it is ready.

        Raises:
            Hung: it ended, or was not ready in time.
        """
        until = time.monotonic() + self.ready_within
        while not (self.ready is None or self.ready()):
            if not self.alive:
                raise Hung(f"{self.name} ended while starting: {self.said()}")
            if time.monotonic() > until:
                raise Hung(f"{self.name} was not ready within {self.ready_within:.0f} s: {self.said()}")
            time.sleep(_LOOK_EVERY)

    # Freezing

    def freeze(self) -> None:
        """Nothing of it goes on, and whoever calls it waits; the program first, or it would start others."""
        assert self.process is not None
        send(self.process.pid, signal.SIGSTOP)
        for process in self.below():
            send(process.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        """All of it goes on; one that is not frozen is not hurt."""
        if self.process is not None:
            for pid in (*(process.pid for process in self.below()), self.process.pid):
                send(pid, signal.SIGCONT)

    @contextlib.contextmanager
    def frozen(self) -> Iterator[None]:
        """It is frozen while the block lasts."""
        self.freeze()
        try:
            yield
        finally:
            self.thaw()

    # Ending

    def wait(self, seconds: float | None = None) -> int:
        """Waits until it has ended by itself; its exit code.

        Raises:
            Hung: it did not; it is killed then.
        """
        assert self.process is not None
        try:
            return self.process.wait(self.stop_within if seconds is None else seconds)
        except subprocess.TimeoutExpired:
            tail = self.said()
            self.kill()
            raise Hung(f"{self.name} did not end by itself: {tail}") from None

    def tell_to_stop(self) -> None:
        """Sends the stop signal."""
        if self.process is not None and self.alive:
            send(self.process.pid, self.stop_signal)

    def stop(self) -> None:
        """Has it end by itself; one that has ended is not stopped again.

        Raises:
            Hung: it did not; it is killed then.
        """
        if self.alive:
            self.thaw()
            self.tell_to_stop()
            self.wait()

    def kill(self) -> None:
        """Ends it and everything that it has started at once, as a loss of power does."""
        if self.process is None:
            return
        below = self.below()
        if self.process.poll() is None:
            self.process.kill()
        for process in below:
            send(process.pid, signal.SIGKILL)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(_KILL_WITHIN)
        self._is_swept = True
