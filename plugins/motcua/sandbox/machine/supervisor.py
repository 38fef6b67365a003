"""Run several programs as one: start them in order, restart programs that die, and leave no process behind.

Linux only: processes that a program left running are found through /proc. Orphans become children of the supervisor,
because it is their "child subreaper". Each program runs in its own session, so that Ctrl-C in a terminal reaches only
the supervisor, which then stops the programs in order.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import json
import os
import shutil
import signal
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType, TracebackType
from typing import IO, Self

from motcua.sandbox.machine.loader import fork_from
from motcua.sandbox.machine.parts import Part, Process, descendants, processes, read_process, send

_PR_SET_CHILD_SUBREAPER = 36
_MARK = "MOTCUA_SUPERVISED_IN"
"""Environment variable of every process that a supervisor starts. Its value is the supervisor's folder."""

_POLL = 0.1
_HANGS_AFTER = 3.0
"""A component's ``finished`` is called again and again, beginning this many seconds after the stop signal."""
_KILL_WITHIN = 10.0
"""Seconds to wait for processes to end after SIGKILL."""

_SPEAK_EVERY = 10.0
"""Seconds between two reports of what a start is waiting for."""

_LONGEST_LOG = 50_000_000
"""How many bytes a log may have. The log of Airflow's scheduler grows fast, because it contains every task's log."""


class SupervisorError(Exception):
    """Raised for an error that the user of the command can fix. The message is a sentence."""


class AlreadyRunning(SupervisorError):
    """Raised if another supervisor has locked the folder."""


class ComponentFailed(SupervisorError):
    """Raised if a program did not start, or died too often. The message names its log."""


class StopRequested(BaseException):
    """Raised after SIGINT, SIGTERM or SIGHUP. It is no ``Exception``, so that ``except Exception`` does not catch
    it."""


@dataclass(frozen=True, slots=True)
class Restarts:
    """How often a program that dies is restarted.

    More than ``limit`` deaths within ``within`` seconds are too many; with a ``limit`` of 0 the first death ends
    everything. The waits before the restarts double from ``first_wait`` to ``longest_wait`` (seconds).
    """

    limit: int = 8
    within: float = 300.0
    first_wait: float = 0.5
    longest_wait: float = 10.0


@dataclass(frozen=True, slots=True)
class Component:
    """One long-running program.

    ``ready`` is called again and again, with the time of the start (aware, UTC), until it returns ``True``.

    ``stop_signal`` is sent to the program itself. ``tells`` is called for each other process in the program's session,
    with the titles of this process and its parent; if it returns ``True``, the process gets the signal too. After
    ``stop_within`` seconds everything that the program started is killed.

    ``forked_by`` is the socket of a loader and the arguments for it. If no loader answers there, ``command`` is run.
    ``nice`` is the niceness of the program; 0 is the usual one.

    ``finished`` is for a program that may hang after its work is done. If the program still runs a few seconds after
    the stop signal, ``finished`` is called with the titles of the other processes in its session. When it returns
    ``True``, the program is killed.
    """

    name: str
    command: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)
    folder: Path = Path("/")
    ready: Callable[[datetime], bool] | None = None
    ready_within: float = 90.0
    stop_signal: signal.Signals = signal.SIGTERM
    stop_within: float = 15.0
    tells: Callable[[str, str], bool] | None = None
    finished: Callable[[Sequence[str]], bool] | None = None
    restarts: Restarts = field(default_factory=Restarts)
    before_exec: Callable[[], None] | None = None
    forked_by: tuple[Path, Sequence[str]] | None = None
    nice: int = 0


def _marked_processes(folder: Path) -> set[int]:
    """Return the processes that carry the mark of a supervisor of this folder."""
    mark = f"{_MARK}={folder}".encode()
    found = set()
    for name in os.listdir("/proc"):
        if name.isdigit():
            # Processes of other users, and processes that have just ended, cannot be read.
            with contextlib.suppress(OSError):
                if mark in Path(f"/proc/{name}/environ").read_bytes().split(b"\0"):
                    found.add(int(name))
    return found


def _boot_id() -> str:
    """Return an id that changes with every boot of the machine. Process numbers of another boot are meaningless."""
    return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()


class _Running(Part):
    """A component with its present process."""

    def __init__(self, component: Component, log: Path, mark: Path) -> None:
        super().__init__(
            component.name,
            component.command,
            log,
            environment={**component.environment, _MARK: str(mark)},
            folder=component.folder,
            stop_signal=component.stop_signal,
            stop_within=component.stop_within,
            before_exec=component.before_exec,
        )
        self.component = component
        self.started_at = datetime.min.replace(tzinfo=UTC)
        self.deaths: deque[float] = deque()
        self.start_again_at: float | None = None
        self.starting = True
        self.tells: str | None = None
        """The beginning of the log lines that are reported; ``None`` if no lines are reported."""
        self.lines: list[str] = []
        """Log lines that were reported."""
        self.let_go = False
        """``True`` if no caller waits for the component's end any more."""
        self.told = 0
        """How many bytes of the log were already searched for lines to report."""

    def begin(self) -> None:
        """Start the component without waiting."""
        self.started_at, self.start_again_at = datetime.now(UTC), None
        forked = fork_from(*self.component.forked_by, self.log) if self.component.forked_by is not None else None
        if forked is None:
            super().begin()
        else:
            self.adopt(forked)
        if self.component.nice and self.process is not None:
            os.setpriority(os.PRIO_PROCESS, self.process.pid, self.component.nice)

    def _others(self) -> list[Process]:
        """Return the other processes in the session of the component's process."""
        return [each for each in self.below() if self.process is not None and each.session == self.process.pid]

    def tell_to_stop(self) -> None:
        """Send the stop signal to the component's process, and to the processes for which ``tells`` returns
        ``True``."""
        tells = self.component.tells
        if tells is not None:
            known = processes()
            for each in self._others():
                parent = known.get(each.parent)
                if tells(each.title, parent.title if parent is not None else ""):
                    send(each.pid, self.stop_signal)
        super().tell_to_stop()

    @property
    def finished(self) -> bool:
        """Return whether the component's work is done, which the component's function ``finished`` decides."""
        if self.component.finished is None or self.process is None:
            return False
        return self.component.finished([each.title for each in self._others()])


class Supervisor:
    """Runs programs that live and end together. Use a supervisor as a context manager, at most one in a process.

    Entering the context locks the folder and stops processes that a killed supervisor of the same folder left running.
    A signal raises ``StopRequested`` once, wherever the main thread is. Leaving the context stops everything in the
    reverse order of the starts. If a second signal comes during this stop, everything is killed at once.
    """

    def __init__(self, folder: Path, report: Callable[[str], None] = print) -> None:
        self.folder = folder.resolve()
        self.logs = self.folder / "logs"
        self._report = report
        self._components: list[_Running] = []
        self._lock: IO[str] | None = None
        self._stopping = False
        self._asked_by: str | None = None
        """The name of the signal that asked the supervisor to stop."""
        self._hurry = False
        self._next_look_at_logs = 0.0
        self._handlers: dict[signal.Signals, object] = {}

    def __enter__(self) -> Self:
        """Lock the folder.

        Raises:
            AlreadyRunning: another supervisor has locked it.
            SupervisorError: the folder cannot be written.
        """
        try:
            self.logs.mkdir(parents=True, exist_ok=True)
            self._lock = (self.folder / "lock").open("a+", encoding="ascii")
        except OSError as error:
            raise SupervisorError(f"The folder {self.folder} cannot be used: {error.strerror}.") from None
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._lock.seek(0)
            holder = self._lock.read().strip()
            self._lock.close()
            raise AlreadyRunning(f"Process {holder or '?'} is already running in {self.folder}.") from None
        self._lock.truncate(0)
        self._lock.write(str(os.getpid()))
        self._lock.flush()
        if ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
            raise SupervisorError(
                "This system cannot pass orphaned processes to a supervisor. Linux 3.4 or later is needed."
            )
        try:
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                # The user may have started the demo with nohup, which ignores SIGHUP on purpose.
                if number is not signal.SIGHUP or signal.getsignal(number) is not signal.SIG_IGN:
                    self._handlers[number] = signal.signal(number, self._on_signal)
            self._stop_leftovers()
        except BaseException:
            self._leave()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Stop everything."""
        try:
            self._stopping = True
        finally:
            self.stop()
            self._leave()

    def _leave(self) -> None:
        for number, handler in self._handlers.items():
            signal.signal(number, handler)  # type: ignore[arg-type]
        if self._lock is not None:
            self._lock.close()

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        if self._stopping:
            self._hurry = True
            return
        self._stopping, self._asked_by = True, signal.Signals(number).name
        raise StopRequested(self._asked_by)

    def say(self, line: str) -> None:
        """Report a line. Ignore the error if the terminal is gone."""
        with contextlib.suppress(OSError):
            self._report(line)

    # ---------------------------------------------------------------- starting

    def start(self, *components: Component) -> None:
        """Start components together and return when each is ready.

        Programs that need these components must be started by a later call.

        Raises:
            ComponentFailed: a component ended, or was not ready in time.
            StopRequested: a signal came.
        """
        begun = spoken = time.monotonic()
        starting = []
        self.say(f"starting {', '.join(component.name for component in components)}")
        for component in components:
            running = _Running(component, self.logs / f"{component.name}.log", self.folder)
            self._components.append(running)
            try:
                running.begin()
            except OSError as error:
                raise ComponentFailed(f"{component.name} cannot be started: {error}") from None
            starting.append(running)
            self._record()
        while starting:
            for running in list(starting):
                component, waited = running.component, time.monotonic() - begun
                if not running.alive:
                    raise ComponentFailed(self._sentence(running, "ended while starting"))
                if component.ready is None or component.ready(running.started_at):
                    self.say(f"{component.name} ready after {waited:.1f} s")
                    running.starting = False
                    starting.remove(running)
                elif waited > component.ready_within:
                    raise ComponentFailed(
                        self._sentence(running, f"was not ready within {component.ready_within:.0f} s")
                    )
            if starting and time.monotonic() - spoken > _SPEAK_EVERY:
                spoken = time.monotonic()
                for running in starting:
                    patience = f"{spoken - begun:.0f} of {running.component.ready_within:.0f} s"
                    self.say(f"waiting for {running.component.name}, {patience}: {running.log}")
            self.wait(_POLL if starting else 0)

    def run(self, name: str, command: Sequence[str], environment: Mapping[str, str]) -> None:
        """Run a program that ends by itself, and wait for its end. Like a component, it has its own session and log.

        Raises:
            ComponentFailed: the exit code was not 0, or a component died too often.
            StopRequested: a signal came.
        """
        self.begin(name, command, environment)
        self.wait_for(name)

    def begin(
        self, name: str, command: Sequence[str], environment: Mapping[str, str], *, tells: str | None = None
    ) -> None:
        """Start a program that ends by itself, and do not wait for it. ``wait_for`` waits for its end.

        Lines of its output that begin with ``tells`` are reported. Without ``tells`` no lines are reported.
        """
        step = _Running(Component(name, command, environment, stop_within=5.0), self.logs / f"{name}.log", self.folder)
        step.tells = tells
        with contextlib.suppress(OSError):
            step.told = step.log.stat().st_size
        self._components.append(step)
        step.begin()
        self._record()

    def wait_for(self, name: str, line: str | None = None) -> None:
        """Return when the program started by ``begin`` has ended, or has printed this line.

        Raises:
            ComponentFailed: the exit code was not 0, or a component died too often.
            StopRequested: a signal came.
        """
        (step,) = [running for running in self._components if running.component.name == name]
        while step.alive:
            self.wait(_POLL)
            if line in step.lines:
                return
        self._report_lines(step)
        self._components.remove(step)
        if step.process is not None and step.process.returncode != 0:
            raise ComponentFailed(self._sentence(step, "failed"))
        self._record()

    def is_at_work(self, name: str) -> bool:
        """Return whether a program started by ``begin`` is running. Only ``wait_for`` and ``tick`` notice its end."""
        return any(running.component.name == name for running in self._components)

    def let_go(self, name: str) -> None:
        """Stop waiting for a program started by ``begin``. It continues to run, and its end is reported."""
        for running in self._components:
            if running.component.name == name:
                running.let_go = True

    def _report_lines(self, step: _Running) -> None:
        if step.tells is None:
            return
        with contextlib.suppress(OSError), step.log.open("rb") as log:
            log.seek(step.told)
            whole, newline, _ = log.read().rpartition(b"\n")
            step.told += len(whole) + len(newline)
            for line in whole.decode(errors="replace").splitlines():
                if line.startswith(step.tells):
                    step.lines.append(line)
                    self.say(line)

    def _sentence(self, running: _Running, what: str) -> str:
        code = running.exit_code
        reason = "" if code is None else f" (exit code {code})" if code >= 0 else f" ({signal.Signals(-code).name})"
        tail = running.said()
        return f"{running.component.name} {what}{reason}. Its log: {running.log}" + (f"\n{tail}" if tail else "")

    # ---------------------------------------------------------------- running

    def tick(self) -> None:
        """Check the components once: restart dead ones and reap orphans.

        Raises:
            ComponentFailed: a component died too often.
            StopRequested: a signal came at a place where Python raises no exception, such as during finalisation of an
            object.
        """
        if self._asked_by is not None:
            raise StopRequested(self._asked_by)
        now = time.monotonic()
        for running in list(self._components):
            self._report_lines(running)
            if running.let_go and not running.alive:
                self._components.remove(running)
                self._record()
                self.say(self._sentence(running, "ended") if running.exit_code else f"{running.component.name} is done")
            elif running.start_again_at is not None:
                if now >= running.start_again_at:
                    running.begin()
                    self._record()
            elif not running.starting and not running.alive:
                self._died(running, now)
        self._reap()
        if now >= self._next_look_at_logs:
            self._next_look_at_logs = now + 30
            self._shorten_logs()

    def wait(self, seconds: float) -> None:
        """Wait some seconds, and check the components in this time.

        Raises:
            ComponentFailed: a component died too often.
            StopRequested: a signal came.
        """
        until = time.monotonic() + seconds
        while True:
            self.tick()
            left = until - time.monotonic()
            if left <= 0:
                return
            time.sleep(min(_POLL * 2, left))

    def _shorten_logs(self) -> None:
        """Rotate logs that grew too long, keeping one old part. Writers append, so truncating a log in use is safe."""
        for running in self._components:
            with contextlib.suppress(OSError):
                if running.log.stat().st_size > _LONGEST_LOG:
                    shutil.copyfile(running.log, running.log.with_suffix(".log.1"))
                    os.truncate(running.log, 0)

    def _died(self, running: _Running, now: float) -> None:
        policy = running.component.restarts
        running.deaths.append(now)
        while running.deaths and running.deaths[0] < now - policy.within:
            running.deaths.popleft()
        if len(running.deaths) > policy.limit:
            raise ComponentFailed(
                self._sentence(running, f"died {len(running.deaths)} times" if policy.limit else "died")
            )
        code = running.exit_code
        running.kill()
        self._kill_orphans()
        wait = min(policy.first_wait * 2 ** (len(running.deaths) - 1), policy.longest_wait)
        running.start_again_at = now + wait
        self.say(f"{running.component.name} died (exit code {code}), next start in {wait:.1f} s: {running.log}")

    def _kill_orphans(self) -> None:
        """Kill processes in other sessions that dead components left, such as PostgreSQL's back ends."""
        living = {running.process.pid for running in self._components if running.process and running.alive}
        # The process table is read only once. Between two readings a living component could start a process that would
        # look like an orphan.
        seen = processes().values()
        kept = living | {process.pid for pid in living for process in descendants(pid, seen)}
        for process in descendants(os.getpid(), seen):
            if process.pid not in kept:
                send(process.pid, signal.SIGKILL)

    def _reap(self) -> None:
        """Reap orphans that have ended. The components' own processes are left to their ``Popen``."""
        ours = {running.process.pid for running in self._components if running.process is not None}
        while True:
            try:
                waiting = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
            except ChildProcessError:
                return
            if waiting is None or waiting.si_pid in ours:
                return
            with contextlib.suppress(ChildProcessError):
                os.waitpid(waiting.si_pid, os.WNOHANG)

    # ---------------------------------------------------------------- stopping

    def stop(self) -> None:
        """Stop the components, the last started first, and every process that they left running. Safe to repeat.

        Programs that nobody waits for (``let_go``) are stopped first, because other programs may wait for them.
        """
        self._stopping = True
        in_turn = self._components[::-1]
        for running in sorted(in_turn, key=lambda each: not each.let_go):
            self._stop_one(running)
        self._components.clear()
        self._sweep()
        with contextlib.suppress(OSError):
            (self.folder / "pids.json").unlink(missing_ok=True)

    def finish(self, name: str) -> None:
        """Stop one component and do not restart it. The other components continue."""
        for running in [running for running in self._components if running.component.name == name]:
            self._stop_one(running)
            self._components.remove(running)
        self._record()

    def _stop_one(self, running: _Running) -> None:
        component, begun = running.component, time.monotonic()
        if running.process is not None and running.alive:
            if not self._hurry:
                running.tell_to_stop()
            while running.alive and not self._hurry and time.monotonic() - begun < component.stop_within:
                if time.monotonic() - begun > _HANGS_AFTER and running.finished:
                    break
                time.sleep(0.05)
        asked = not running.alive
        running.kill()
        took = time.monotonic() - begun
        self.say(
            f"{component.name} stopped after {took:.1f} s" if asked else f"{component.name} killed after {took:.1f} s"
        )

    def _sweep(self) -> None:
        """Kill and reap all remaining descendants.

        No orphan can escape, because orphans become children of a subreaper.
        """
        until = time.monotonic() + _KILL_WITHIN
        while True:
            self._reap()
            left = [process for process in descendants(os.getpid(), processes().values()) if not process.zombie]
            if not left:
                self._reap()
                return
            if time.monotonic() > until:
                self.say("These processes could not be killed: " + ", ".join(str(process.pid) for process in left))
                return
            for process in left:
                send(process.pid, signal.SIGKILL)
            time.sleep(0.02)

    # ---------------------------------------------------------------- recovery after a SIGKILL

    def _record(self) -> None:
        """Store which processes run, with their start times, for the next supervisor in case this supervisor is
        killed."""
        records = []
        for running in self._components:
            process = read_process(running.process.pid) if running.process is not None else None
            if process is not None:
                records.append(
                    {
                        "name": running.component.name,
                        "pid": process.pid,
                        "started": process.started,
                        "stop_signal": int(running.component.stop_signal),
                        "stop_within": running.component.stop_within,
                    }
                )
        path = self.folder / "pids.json"
        draft = path.with_suffix(".new")
        draft.write_text(json.dumps({"boot": _boot_id(), "components": records}), encoding="ascii")
        draft.replace(path)

    def _stop_leftovers(self) -> None:
        """Stop the processes that a killed supervisor of this folder left, and no other processes.

        A recorded process number counts only if the process also has the recorded start time. Other processes count if
        their environment has the mark of this folder, or if they belong to the session of a recorded process.
        """
        path = self.folder / "pids.json"
        try:
            recorded = json.loads(path.read_text(encoding="ascii"))
            records = recorded["components"] if recorded["boot"] == _boot_id() else []
        except (OSError, ValueError, KeyError, TypeError):
            records = []
        known = processes()
        leaders = [
            record for record in records if record["pid"] in known and known[record["pid"]].started == record["started"]
        ]
        sessions = {record["pid"] for record in leaders}
        found = _marked_processes(self.folder) | sessions | {p.pid for p in known.values() if p.session in sessions}
        left = {pid: known[pid].started for pid in found - {os.getpid()} if pid in known and not known[pid].zombie}
        if not left:
            path.unlink(missing_ok=True)
            return
        self.say(f"Stopping {len(left)} processes that a killed run left behind …")
        patience = 0.0
        for record in reversed(leaders):
            send(record["pid"], record["stop_signal"])
            patience = max(patience, record["stop_within"])
        until = time.monotonic() + min(patience, _KILL_WITHIN)
        while time.monotonic() < until and any(_still_runs(pid, started) for pid, started in left.items()):
            if self._hurry:
                break
            time.sleep(_POLL)
        # Processes that were started after the record was written are found by their mark.
        for pid in [*left, *_marked_processes(self.folder)]:
            if pid not in left or _still_runs(pid, left[pid]):
                send(pid, signal.SIGKILL)
        until = time.monotonic() + _KILL_WITHIN
        while time.monotonic() < until and any(_still_runs(pid, started) for pid, started in left.items()):
            time.sleep(_POLL)
        path.unlink(missing_ok=True)


def recorded(folder: Path) -> dict[str, int]:
    """Return the running processes by component, from the file in a supervisor's folder."""
    try:
        components = json.loads((folder / "pids.json").read_text(encoding="ascii"))["components"]
    except (OSError, ValueError):
        return {}
    found = {each["name"]: read_process(each["pid"]) for each in components}
    return {name: process.pid for name, process in found.items() if process is not None and not process.zombie}


def _still_runs(pid: int, started: int) -> bool:
    process = read_process(pid)
    return process is not None and process.started == started and not process.zombie
