"""Fork a process that has loaded all code: for a job that may be killed, for many jobs, or for a web server."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import pickle
import select
import signal
import socket
import threading
import time
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import psycopg
import uvicorn
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from motcua.sandbox.machine.parts import Hung
from motcua.store.ledger.database import kept_connections, reason_without_values
from tests.ground import die_with_parent, free_port

Job: TypeAlias = Callable[[], Any]

HANG = 300.0
"""Seconds after which a process that does not end or answer counts as a defect.

On a machine with ten times the usual load, a job took more than 30 seconds.
"""
_IDLE = "/idle"

NO_DATABASE = "raised OperationalError"
"""Line that a child reports if its job failed because it lost its connection to PostgreSQL."""


class Forked:
    """A job in a child process, which may be killed; the child reports lines of text through a pipe."""

    def __init__(self, work: Callable[[Callable[[str], None]], None], not_ours: Sequence[int] = ()) -> None:
        """Start the child; ``not_ours``: the parent's file descriptors that the child closes at once."""
        self._pipe, writing = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            status = 1
            try:
                die_with_parent()
                for descriptor in (self._pipe, *not_ours):
                    os.close(descriptor)
                work(lambda line: (os.write(writing, f"{line}\n".encode()), None)[1])
                status = 0
            except (psycopg.OperationalError, psycopg.errors.IdleInTransactionSessionTimeout):
                os.write(writing, f"{NO_DATABASE}\n".encode())
            except BaseException as error:
                os.write(writing, f"raised {type(error).__name__}\n".encode())
                if not isinstance(error, SystemExit):  # SystemExit: the child was asked to end
                    traceback.print_exc()
            finally:
                os._exit(status)  # skips exit handlers and buffers that the child has copied from its parent
        os.close(writing)
        self._ended = False
        self._received = b""
        self._status: int | None = None
        self._is_stopped = False

    def listen(self, seconds: float, *, for_first_line: bool = False) -> bool:
        """Read what the child reports, and return whether the child has ended.

        The call ends after ``seconds``, or at the first line if ``for_first_line`` is set.
        """
        deadline = time.monotonic() + seconds
        while not self._ended and not (for_first_line and self._received):
            ready, _, _ = select.select([self._pipe], [], [], max(0.0, deadline - time.monotonic()))
            if not ready:
                break
            received = os.read(self._pipe, 65536)
            self._received += received
            self._ended = not received
        return self._ended

    def new_lines(self) -> list[str]:
        """Return the complete lines reported since the last call; ``end`` does not return these lines again."""
        whole, newline, self._received = self._received.rpartition(b"\n")
        return whole.decode().splitlines() if newline else []

    def fileno(self) -> int:
        """Return the descriptor of the pipe, so that several children can be waited for with select."""
        return self._pipe

    def terminate(self) -> None:
        """Ask the child to end together with the processes that it started."""
        if self._status is None:
            os.kill(self.pid, signal.SIGTERM)

    def stopped(self) -> bool:
        """Wait until the child has stopped itself (SIGSTOP) or ended, and return whether it has stopped.

        Raises:
            Hung: The child neither stops nor ends in time.
        """
        deadline = time.monotonic() + HANG
        while not self.listen(0.002):
            stopped, status = os.waitpid(self.pid, os.WNOHANG | os.WUNTRACED)
            if stopped and os.WIFSTOPPED(status):
                return True
            if stopped:
                self._status = status
                return False
            if time.monotonic() > deadline:
                raise Hung("a process neither came to its step nor ended")
        return False

    @property
    def is_stopped(self) -> bool:
        """Return whether the child has ever stopped itself."""
        if not self._is_stopped and self._status is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG | os.WUNTRACED)
            if pid and os.WIFSTOPPED(status):
                self._is_stopped = True
            elif pid:
                self._status = status
        return self._is_stopped

    def go_on(self) -> None:
        """Continue a stopped child."""
        os.kill(self.pid, signal.SIGCONT)

    def kill(self) -> None:
        """Send SIGKILL to the child; do nothing if it has already ended."""
        if self._status is None:  # not waited for yet, so the process id still belongs to the child
            os.kill(self.pid, signal.SIGKILL)

    def end(self) -> tuple[list[str], int]:
        """Wait for the child's end; return its lines and the signal that ended it, 0 if none.

        Raises:
            Hung: The child did not end in time, and is killed.
        """
        hung = not self.listen(HANG)
        if hung:
            self.kill()
        if self._status is None:
            _, self._status = os.waitpid(self.pid, 0)
        os.close(self._pipe)
        if hung:
            raise Hung("a process did not end")
        ended_by = os.WTERMSIG(self._status) if os.WIFSIGNALED(self._status) else 0
        return self._received.decode().splitlines(), ended_by


class Runner:
    """A process that runs jobs one after another, and that no test kills.

    A new process for each job would spend most of its time on loading code and opening connections.
    """

    def __init__(self, not_ours: Sequence[int], *, keeps_connections: bool) -> None:
        reading, self._commands = os.pipe()

        def work(report: Callable[[str], None]) -> None:
            with contextlib.ExitStack() as stack:
                commands = stack.enter_context(os.fdopen(reading, "rb"))
                if keeps_connections:
                    stack.enter_context(kept_connections())
                with contextlib.suppress(EOFError):
                    while True:
                        environment, job = pickle.load(commands)
                        report(_outcome(environment, job))

        self._child = Forked(work, (self._commands, *not_ours))
        os.close(reading)

    @property
    def descriptors(self) -> list[int]:
        """Return the file descriptors that other children must close at once."""
        return [self._commands, self._child.fileno()]

    def begin(self, job: Job) -> None:
        """Start a job that can be pickled, with the environment that this process has now."""
        command = memoryview(pickle.dumps((_environment(), job)))
        while command:
            command = command[os.write(self._commands, command) :]

    def outcome(self) -> str:
        """Wait for the job, and return the error that it raised, empty if none.

        Raises:
            Hung: The job does not end.
        """
        if self._child.listen(HANG, for_first_line=True):
            return "raised: its process ended"
        lines = self._child.new_lines()
        if not lines:
            raise Hung("a job did not end")
        return lines[0].removeprefix(_DONE)

    def kill(self) -> None:
        """Send SIGKILL and wait for the end."""
        os.close(self._commands)
        self._child.kill()
        self._child.end()


_DONE = "done"


def _environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name.startswith(("MOTCUA_", "AIRFLOW_CONN_"))}


def _outcome(environment: dict[str, str], job: Job) -> str:
    os.environ.update(environment)
    try:
        job()
    except Exception as error:
        return f"raised {reason_without_values(error)}"
    return _DONE


class _Counted:
    """An ASGI app that counts its open requests.

    The harness must wait for open requests, because the app handles a request to its end even if its caller is dead.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app, self._in_handling = app, 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
        elif scope["path"] == _IDLE:
            await Response(status_code=503 if self._in_handling else 200)(scope, receive, send)
        else:
            self._in_handling += 1
            try:
                await self._app(scope, receive, send)
            finally:
                self._in_handling -= 1


def _bound(port: int) -> socket.socket:
    """Bind a port of the loopback interface for this process and its children.

    The port refuses connections until a child listens.
    """
    bound = socket.socket()
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    bound.bind(("127.0.0.1", port))
    return bound


class ForkedServer:
    """A web server in a child of this process, on a port of its own; it ends with this process.

    This process keeps the port bound while the server is dead. Otherwise another worker's server could get the port and
    then requests that are meant for this server.
    """

    def __init__(self, make: Callable[[], Any], log: Path) -> None:
        self.port = free_port()
        self._holds = _bound(self.port)
        self._make, self._log, self.pid = make, log, 0
        self._http: http.client.HTTPConnection | None = None

    def start(self, not_ours: Sequence[int] = ()) -> None:
        """Start the server and wait until it answers.

        Raises:
            Hung: The server does not answer in time.
        """
        reading, self._lifeline = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            try:
                for descriptor in (self._lifeline, *not_ours):
                    os.close(descriptor)
                output = os.open(self._log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
                os.dup2(output, 1)
                os.dup2(output, 2)
                threading.Thread(target=lambda: (os.read(reading, 1), os._exit(1)), daemon=True).start()
                config = uvicorn.Config(
                    _Counted(self._make()), log_level="error", access_log=False, timeout_keep_alive=3600
                )
                uvicorn.Server(config).run(sockets=[_bound(self.port)])
            finally:
                os._exit(0)
        os.close(reading)
        deadline = time.monotonic() + HANG
        while True:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
                return
            if time.monotonic() > deadline:
                raise Hung(f"a server did not start: {self._log.read_text()[-600:]}")
            time.sleep(0.005)

    def kill(self) -> None:
        """Send SIGKILL and wait for the end."""
        if self.pid:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
            os.close(self._lifeline)
            self.pid = 0
            if self._http is not None:
                self._http.close()
                self._http = None

    def close(self) -> None:
        """End the server and release its port."""
        self.kill()
        self._holds.close()

    def call(self, method: str, path: str, body: Any = None) -> int:
        """Send a request and return its status; all requests use one connection."""
        if self._http is None:
            self._http = http.client.HTTPConnection("127.0.0.1", self.port, timeout=HANG)
        self._http.request(method, path, json.dumps(body), {"Content-Type": "application/json"})
        answer = self._http.getresponse()
        answer.read()
        return answer.status

    @property
    def is_idle(self) -> bool:
        """Return whether no request is open."""
        return self.call("GET", _IDLE) == 200
