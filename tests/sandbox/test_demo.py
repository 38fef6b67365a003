"""Test the smoke test and the demo as a person uses them.

A second start continues with the existing data, and Ctrl-C leaves no process.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

pytestmark = pytest.mark.alone

DEMO = "from motcua.sandbox.demo import run_demo; raise SystemExit(run_demo())"
PORTS = ("PG", "AIRFLOW", "NETWORK", "MAILBOX", "SMTP")


def free_ports(number: int) -> list[int]:
    sockets = [socket.socket() for _ in range(number)]
    for each in sockets:
        each.bind(("127.0.0.1", 0))
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


def processes_of(folder: Path) -> dict[int, str]:
    """Return the command of each running process whose command line or environment names the folder, by process id."""
    found = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                command = (entry / "cmdline").read_bytes()
                if str(folder).encode() in command + (entry / "environ").read_bytes():
                    found[int(entry.name)] = command.replace(b"\0", b" ").decode(errors="replace")
            except OSError:
                continue
    return found


def outside() -> dict[str, str]:
    """Return the environment of a shell without the tests' own settings."""
    return {n: v for n, v in os.environ.items() if not n.startswith(("MOTCUA_", "AIRFLOW"))}


def accepted(folder: Path) -> set[int]:
    """Return the ids of messages that the phone network of the demo in this folder accepted, from its SQLite file."""
    log = f"file:{folder}/phone-network/phone_network.sqlite3?mode=ro"
    with contextlib.closing(sqlite3.connect(log, uri=True)) as connection:
        return {number for (number,) in connection.execute("SELECT id FROM messages")}


class Demo:
    """One run of the demo, in a foreground process group of its own as a shell would start it."""

    def __init__(self, environment: dict[str, str]) -> None:
        self.environment = environment
        self.network = f"http://127.0.0.1:{environment['MOTCUA_NETWORK_PORT']}"
        self.lines: list[str] = []
        self.process = subprocess.Popen(
            [sys.executable, "-c", DEMO],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            process_group=0,
        )
        self.reader = threading.Thread(target=self._read_lines)
        self.reader.start()

    def _read_lines(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout as stream:
            self.lines += iter(stream.readline, "")

    def wait_until(self, condition: Callable[[], Any], seconds: float) -> None:
        until = time.monotonic() + seconds
        while not condition():
            assert self.process.poll() is None, "".join(self.lines)
            assert time.monotonic() < until, "".join(self.lines)
            time.sleep(0.2)

    def wait_until_said(self, words: str) -> None:
        self.wait_until(lambda: any(words in line for line in self.lines), 300)

    def wait_until_up(self) -> None:
        self.wait_until_said("Ctrl-C stops everything")

    def messages(self) -> list[dict[str, Any]]:
        """Return the messages that the phone network accepted."""
        page = requests.get(f"{self.network}/api/messages", params={"limit": 10_000}, timeout=10).json()
        return list(page["messages"])

    def received(self) -> int:
        """Return how many messages have reached phones."""
        return sum(message["received_at"] is not None for message in self.messages())

    def press_ctrl_c(self, code: int = 0) -> None:
        os.killpg(self.process.pid, signal.SIGINT)
        assert self.process.wait(120) == code, "".join(self.lines)
        self.reader.join()


@pytest.fixture
def start() -> Iterator[Callable[[Path], Demo]]:
    ports = {f"MOTCUA_{name}_PORT": str(port) for name, port in zip(PORTS, free_ports(len(PORTS)), strict=True)}
    runs: list[Demo] = []

    def begin(data: Path) -> Demo:
        runs.append(Demo(outside() | ports | {"MOTCUA_DATA": str(data)}))
        return runs[-1]

    yield begin
    for run in runs:
        if run.process.poll() is None:
            run.process.send_signal(signal.SIGTERM)
            run.process.wait(90)
        run.reader.join()
        for pid in processes_of(Path(run.environment["MOTCUA_DATA"])):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


@pytest.fixture(scope="module")
def smoked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Run the smoke test, which must pass, and return its folder."""
    data = tmp_path_factory.mktemp("smoke") / "data"
    smoke = subprocess.run(
        [Path(sys.executable).with_name("motcua"), "smoke", "--folder", data],
        env=outside(),
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert smoke.returncode == 0, smoke.stdout + smoke.stderr
    assert "The smoke test passed." in smoke.stdout
    return data


@pytest.mark.timeout(1200)  # The smoke test itself may wait for four minutes.
def test_smoke_passes_and_leaves_no_process(smoked):
    assert not processes_of(smoked)
    assert accepted(smoked)


@pytest.mark.timeout(1200)
def test_demo_goes_on_from_the_smoke_until_ctrl_c_which_leaves_no_process(smoked, start):
    before = accepted(smoked)
    demo = start(smoked)
    demo.wait_until_up()
    assert before <= {message["id"] for message in demo.messages()}
    received = demo.received()
    demo.wait_until(lambda: len(demo.messages()) > len(before) + 3 and demo.received() > received, 300)
    references = [message["dlr_url"] for message in demo.messages() if message["kind"] == "sms"]
    demo.press_ctrl_c()
    assert len(references) == len(set(references))
    assert not processes_of(smoked)


@pytest.mark.timeout(600)
def test_ctrl_c_during_the_set_up_leaves_no_process(start, tmp_path):
    demo = start(tmp_path / "data")
    demo.wait_until_said("roles and databases created")
    demo.press_ctrl_c(130)
    assert "Traceback" not in "".join(demo.lines)
    assert not processes_of(tmp_path / "data")
