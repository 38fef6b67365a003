"""Control one of several programs that run together: start, check, freeze, stop, kill and restart it.

Linux only: the processes that a program has started are found through /proc.
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

from motcua.sandbox.machine.loader import Forked

_KILL_WITHIN = 10.0
"""Seconds to wait for processes to end after SIGKILL."""
_LOOK_EVERY = 0.05


class Hung(Exception):
    """Raised if a program does not start, answer or end in time.

    If this module raises it, the message contains the end of the program's log.
    """


@dataclass(frozen=True, slots=True)
class Process:
    """One process in /proc. Its start time distinguishes it from a later process with the same number."""

    pid: int
    parent: int
    session: int
    started: int
    zombie: bool

    @property
    def title(self) -> str:
        """Return the title that ``ps`` shows; empty for a process that has ended."""
        try:
            words = Path(f"/proc/{self.pid}/cmdline").read_bytes()
        except OSError:
            return ""
        return words.replace(b"\0", b" ").decode(errors="replace").strip()


def read_process(pid: int) -> Process | None:
    """Read a process; return ``None`` if it does not exist."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    # The name in parentheses may itself contain blanks and parentheses.
    fields = stat[stat.rindex(")") + 2 :].split()
    return Process(pid, int(fields[1]), int(fields[3]), int(fields[19]), fields[0] in "ZX")


def processes() -> dict[int, Process]:
    """Read all processes of this machine, by number."""
    found = (read_process(int(name)) for name in os.listdir("/proc") if name.isdigit())
    return {process.pid: process for process in found if process is not None}


def descendants(root: int, among: Iterable[Process] | None = None) -> list[Process]:
    """Find every process below ``root``, without ``root`` itself."""
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
    """Send a signal. A process that is gone or belongs to another user causes no error."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.kill(pid, number)


def told_to_stop() -> threading.Event:
    """Return an event that is set when this process gets SIGTERM or SIGINT."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    return stop


def log_tail(log: Path, lines: int = 15, characters: int = 3000) -> str:
    """Return the last lines of a log file; empty if there is none."""
    if not log.exists():
        return ""
    with log.open("rb") as stream:
        stream.seek(max(0, log.stat().st_size - characters))
        text = stream.read().decode("utf-8", errors="replace")
    return "\n".join(text.splitlines()[-lines:])


def answers_http(*urls: str) -> bool:
    """Return whether each of these addresses answers successfully."""
    try:
        return all(requests.get(url, timeout=2).ok for url in urls)
    except requests.RequestException:
        return False


class Part:
    """One program, which runs in a session of its own and appends its output to ``log``. A ``with`` block runs it.

    After a start ``ready`` is called repeatedly until it returns ``True``. ``stop_signal`` asks the program to end.
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
        self.process: subprocess.Popen[bytes] | Forked | None = None
        self.starts = 0
        self._is_swept = False

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    # State

    @property
    def alive(self) -> bool:
        """Return whether the program was started and has not ended."""
        return self.process is not None and self.process.poll() is None

    @property
    def pid(self) -> int | None:
        """Return the number of the running process."""
        return self.process.pid if self.process is not None and self.alive else None

    @property
    def exit_code(self) -> int | None:
        """Return the exit code of the ended process."""
        return self.process.poll() if self.process is not None else None

    def said(self, characters: int = 3000) -> str:
        """Return the end of the log."""
        return log_tail(self.log, characters=characters)

    def below(self) -> list[Process]:
        """Return the processes that the program has started, in any session, and the processes in its own session.

        The processes of its session are found even if the program itself has ended. After a kill the list is empty,
        because another process may have the same number by then.
        """
        if self.process is None or self._is_swept:
            return []
        known = processes()
        found = {process.pid for process in descendants(self.process.pid, known.values())}
        found |= {process.pid for process in known.values() if process.session == self.process.pid}
        return [known[pid] for pid in sorted(found - {self.process.pid}) if not known[pid].zombie]

    # Starting

    def begin(self) -> None:
        """Start the program without waiting."""
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

    def adopt(self, forked: Forked) -> None:
        """Take over a process that a loader forked: from now on it is the program's process."""
        self.process = forked
        self.starts += 1
        self._is_swept = False

    def start(self) -> None:
        """Start the program and return when it is ready. Kill it if it does not become ready.

        Raises:
            Hung: the program ended, or was not ready in time.
        """
        self.begin()
        try:
            self.wait_until_ready()
        except BaseException:
            self.kill()
            raise

    def wait_until_ready(self) -> None:
        """Return when the program is ready.

        Raises:
            Hung: the program ended, or was not ready in time.
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
        """Freeze the program and everything below it.

        The program itself is frozen first, because it could start further processes.
        """
        assert self.process is not None
        send(self.process.pid, signal.SIGSTOP)
        for process in self.below():
            send(process.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        """Let the program and everything below it continue. Nothing happens if they are not frozen."""
        if self.process is not None:
            for pid in (*(process.pid for process in self.below()), self.process.pid):
                send(pid, signal.SIGCONT)

    @contextlib.contextmanager
    def frozen(self) -> Iterator[None]:
        """Keep the program frozen during the block."""
        self.freeze()
        try:
            yield
        finally:
            self.thaw()

    # Ending

    def wait(self, seconds: float | None = None) -> int:
        """Wait until the program has ended by itself, and return its exit code.

        Raises:
            Hung: the program did not end in time. It is then killed.
        """
        assert self.process is not None
        try:
            return self.process.wait(self.stop_within if seconds is None else seconds)
        except subprocess.TimeoutExpired:
            tail = self.said()
            self.kill()
            raise Hung(f"{self.name} did not end by itself: {tail}") from None

    def tell_to_stop(self) -> None:
        """Send the stop signal."""
        if self.process is not None and self.alive:
            send(self.process.pid, self.stop_signal)

    def stop(self) -> None:
        """Ask the program to end, and wait for it. Nothing happens if it has ended already.

        Raises:
            Hung: the program did not end in time. It is then killed.
        """
        if self.alive:
            self.thaw()
            self.tell_to_stop()
            self.wait()

    def kill(self) -> None:
        """Kill the program and everything that it has started, all at the same time, as a loss of power would."""
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
