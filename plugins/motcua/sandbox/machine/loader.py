"""Load the code of Airflow once, and fork each Airflow component from the process that has loaded it.

A component spends half of its start-up time on loading code. A forked component saves this time, and shares the memory
of the loaded code with the other components.

``python -m motcua.sandbox.machine.loader SOCKET`` loads the code and then waits at that Unix socket. Each request names
Airflow's arguments and a log file; the answer is the number of the forked process. The forked process has a session of
its own, and the supervisor as its parent.
"""

from __future__ import annotations

import gc
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from importlib import import_module
from pathlib import Path

_COMPONENTS = ("scheduler", "triggerer", "dag-processor", "api-server")
_ANSWERS_WITHIN = 10.0
"""Seconds within which the loader answers a request."""
_LOOKS_EVERY = 0.02


class Forked:
    """A process that a loader forked. It is a child of the supervisor. Its methods are those of ``Popen``."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.returncode: int | None = None

    def poll(self) -> int | None:
        """Return the exit code; ``None`` as long as the process runs."""
        if self.returncode is None:
            with suppress(ChildProcessError):
                pid, status = os.waitpid(self.pid, os.WNOHANG)
                if pid:
                    self.returncode = os.waitstatus_to_exitcode(status)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Wait until the process has ended, and return its exit code.

        Raises:
            TimeoutExpired: the process did not end within ``timeout`` seconds.
        """
        until = None if timeout is None else time.monotonic() + timeout
        while (code := self.poll()) is None:
            if until is not None and time.monotonic() > until:
                raise subprocess.TimeoutExpired(str(self.pid), timeout or 0.0)
            time.sleep(_LOOKS_EVERY)
        return code

    def kill(self) -> None:
        """Send SIGKILL, unless the process has ended."""
        if self.poll() is None:
            os.kill(self.pid, signal.SIGKILL)


def fork_from(loader: Path, arguments: Sequence[str], log: Path) -> Forked | None:
    """Let the loader at a socket fork a component. Return ``None`` if no loader answers there.

    Args:
        loader: the loader's socket.
        arguments: Airflow's arguments, of which the first is the component.
        log: file to which the component appends its output.
    """
    try:
        with socket.socket(socket.AF_UNIX) as asking, _short(loader) as place:
            asking.settimeout(_ANSWERS_WITHIN)
            asking.connect(place)
            asking.sendall(json.dumps([*arguments, str(log)]).encode())
            asking.shutdown(socket.SHUT_WR)
            return Forked(int(asking.recv(64)))
    except (OSError, ValueError):
        return None


def answers(loader: Path) -> bool:
    """Return whether a loader waits at this socket, with everything loaded."""
    with suppress(OSError), socket.socket(socket.AF_UNIX) as asking, _short(loader) as place:
        asking.connect(place)
        return True
    return False


@contextmanager
def _short(place: Path) -> Iterator[str]:
    """Give a socket a short path during the block. A socket's path may have at most 107 characters."""
    folder = os.open(place.parent, os.O_PATH | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{folder}/{place.name}"
    finally:
        os.close(folder)


def _load() -> None:
    for component in _COMPONENTS:
        import_module(f"airflow.cli.commands.{component.replace('-', '_')}_command")
    for job in ("scheduler", "triggerer", "dag_processor"):
        import_module(f"airflow.jobs.{job}_job_runner")
    for app in ("app", "core_api.app", "execution_api.app"):
        import_module(f"airflow.api_fastapi.{app}")
    # The scheduler forks the processes of its tasks, so this module is already loaded in them.
    import_module("motcua.jobs.tasks.notify_transitions")


def _forked(request: list[str], answer: socket.socket, listening: socket.socket) -> list[str] | None:
    """Fork the requested process, and answer with its number. Return Airflow's arguments in the forked process only."""
    *arguments, log = request
    reads, writes = os.pipe()
    between = os.fork()
    if between:
        os.close(writes)
        with os.fdopen(reads, "rb") as numbers:
            number = numbers.read()
        # The process between the loader and the forked process has ended, so the forked process now is a child of the
        # supervisor.
        os.waitpid(between, 0)
        try:
            answer.sendall(number)
        except OSError:
            # The supervisor waits no longer and has started the component itself.
            os.kill(int(number), signal.SIGKILL)
        return None
    if pid := os.fork():
        os.write(writes, str(pid).encode())
        os._exit(0)
    os.setsid()
    answer.close()
    listening.close()
    output = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    os.dup2(output, 1)
    os.dup2(output, 2)
    for unused in (reads, writes, output):
        os.close(unused)
    return arguments


def _serve(place: Path) -> list[str] | None:
    """Answer requests until the parent process ends. Return Airflow's arguments in each forked process."""
    started_by = os.getppid()
    place.unlink(missing_ok=True)
    listening = socket.socket(socket.AF_UNIX)
    with _short(place) as short:
        listening.bind(short)
    place.chmod(0o600)
    listening.listen()
    listening.settimeout(1)
    while os.getppid() == started_by:
        with suppress(TimeoutError):
            answer, _ = listening.accept()
            with answer:
                if (request := answer.makefile("rb").read()) and (
                    arguments := _forked(json.loads(request), answer, listening)
                ):
                    return arguments
    return None


def main(place: Path) -> None:
    """Load the code, and fork components until the parent process ends. In each forked process, run the component."""
    _load()
    # Objects that the garbage collector does not scan stay in the memory that all forked processes share.
    gc.collect()
    gc.freeze()
    if arguments := _serve(place):
        sys.argv = ["airflow", *arguments]
        # The name that top shows; the kernel keeps 15 characters of it.
        Path("/proc/self/comm").write_text(f"airflow-{arguments[0]}", encoding="ascii")
        import_module("airflow.__main__").main()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
