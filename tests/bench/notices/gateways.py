"""Provide a simulated gateway for benches, and a client that only sends requests, to compare senders with."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

from motcua.sandbox.machine.parts import Part
from tests.ground import free_port, gateway_connection, listens

IN_FLIGHT = 64


@dataclass(frozen=True, slots=True)
class SlowGateway:
    port: int
    pid: int

    @property
    def url(self) -> str:
        """Return an address for a client without a ledger; it is as long as the addresses that a sender requests."""
        return f"http://127.0.0.1:{self.port}/cgi-bin/sendsms?text={'x' * 150}&dlr-url={'y' * 150}"

    def seen(self) -> dict[str, int]:
        answer: dict[str, int] = requests.get(f"http://127.0.0.1:{self.port}/seen", timeout=5).json()
        return answer


@dataclass(frozen=True, slots=True)
class Bare:
    rate: float
    """Number of requests that the client sent per second."""
    cost: float
    """Milliseconds of processor time that the client used for each request."""


def name_gateway(port: int, login: str = "a", password: str = "b" * 8, **extra: Any) -> None:
    given = {"callback_url": "http://127.0.0.1:1/r", "callback_secret": "s" * 20} | extra
    os.environ["AIRFLOW_CONN_SMS_KANNEL"] = gateway_connection(port, login, password, **given)


@contextlib.contextmanager
def served_at(port: int, command: Sequence[str]) -> Iterator[int]:
    """Run a program that listens on ``port`` in a process of its own, and yield its process id."""
    with (
        tempfile.TemporaryDirectory(prefix="motcua-bench-") as folder,
        Part("server", command, Path(folder) / "log", ready=lambda: listens(port)) as part,
    ):
        assert part.pid is not None
        yield part.pid


@contextlib.contextmanager
def gateway(seconds: float, in_flight: int = IN_FLIGHT, **extra: Any) -> Iterator[SlowGateway]:
    """Run a gateway to which the connection ``sms_kannel`` leads.

    The gateway answers after ``seconds`` seconds and allows ``in_flight`` concurrent requests.
    """
    port = free_port()
    command = [sys.executable, "-m", "motcua.sandbox.network.scripted", str(port), str(seconds)]
    name_gateway(port, concurrency=in_flight, **extra)
    with served_at(port, command) as pid:
        served = SlowGateway(port, pid)
        served.seen()
        yield served


def bare_client(url: str, count: int, in_flight: int = IN_FLIGHT) -> Bare:
    """Measure a client that only sends requests, ``in_flight`` at a time, in a process of its own."""
    command = [sys.executable, "-m", "tests.bench.notices.bare_client", url, str(count), str(in_flight)]
    said = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)
    return Bare(count / said["seconds"], said["processor"] / count * 1000)
