"""Fork the workers of pytest-xdist from one process that has loaded all tests.

Each worker would otherwise load Airflow, Great Expectations and all tests itself.

pytest-xdist starts the program that ``--tx`` names for each worker, and talks to the worker through the program's
standard streams. This file is that program. It passes the streams to the process that has loaded the tests, which
forks a worker for them.
"""

from __future__ import annotations

import os
import socket
import sys
import time
from types import FrameType

ADDRESS = "TESTS_PRELOADED_AT"
"""Environment variable with the path of the socket of the process that loads the tests."""
_PATIENCE = 120
"""Seconds for which a worker's program waits for the socket ``ADDRESS``."""
_OFTEN_USED = ("great_expectations.expectations.core", "motcua.quality.expectations")
"""Modules that the tests use often, and that are otherwise imported only when a test runs."""


def join() -> None:
    """Pass this process's standard streams to a worker, and wait until the worker has ended."""
    with socket.socket(socket.AF_UNIX) as connection:
        until = time.monotonic() + _PATIENCE
        while connection.connect_ex(os.environ[ADDRESS]):
            if time.monotonic() > until:
                sys.exit("The process that loads the tests did not start.")
            time.sleep(0.05)
        socket.send_fds(connection, [b"streams"], [0, 1, 2])
        connection.recv(1)


def serve() -> None:
    """Load all tests, and then fork a worker for each program that asks for one."""
    import gc
    import importlib
    import random
    import signal

    import pytest

    import tests.environment  # noqa: F401 - before the first import of Airflow
    from tests.ground import die_with_parent

    def end(number: int, frame: FrameType | None) -> None:
        sys.exit()

    signal.signal(signal.SIGTERM, end)
    die_with_parent()
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(os.environ[ADDRESS])
        listener.listen()
        # Loaded modules stay in memory, so collecting garbage while they are loaded would only take time.
        gc.disable()
        # If tests cannot be loaded, each worker loads them again and reports why. pytest must not replace the standard
        # streams here (--capture=no): a log handler keeps the stream that it finds when it is created.
        pytest.main(["--collect-only", "-qq", "--capture=no", "-p", "no:cacheprovider"])
        for module in _OFTEN_USED:
            importlib.import_module(module)
        gc.enable()
        while True:
            connection, _ = listener.accept()
            _, streams, _, _ = socket.recv_fds(connection, 16, 3)
            if os.fork() == 0:
                break
            connection.close()
            for stream in streams:
                os.close(stream)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    # Without a new seed all workers would draw the same random numbers.
    random.seed()
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    with open(0, closefd=False) as sys.stdin, open(1, "w", closefd=False) as sys.stdout:
        # pytest-xdist expects a Python interpreter, and first sends it one line of code. Run that line.
        exec(eval(sys.stdin.readline()), {"__name__": "__main__"})


if __name__ == "__main__":
    join()
