"""A gateway that a bench sends to, and a client that does nothing but send to it."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import requests

from tests.gateways.ports import free_port

IN_FLIGHT = 64


@dataclass(frozen=True, slots=True)
class SlowGateway:
    """A gateway in a process of its own."""

    port: int
    pid: int

    @property
    def url(self) -> str:
        """What a client that keeps no ledger asks for; as long as ours."""
        return f"http://127.0.0.1:{self.port}/cgi-bin/sendsms?text={'x' * 150}&dlr-url={'y' * 150}"

    def seen(self) -> dict[str, int]:
        """What it saw since it was last asked."""
        answer: dict[str, int] = requests.get(f"http://127.0.0.1:{self.port}/seen", timeout=5).json()
        return answer


@dataclass(frozen=True, slots=True)
class Bare:
    """What a client that only sends reaches."""

    rate: float
    """Requests a second."""
    cost: float
    """Milliseconds of a processor for each."""


def name_gateway(port: int, login: str = "a", password: str = "b" * 8, **extra: Any) -> None:
    """Sets sms_kannel."""
    given = {"callback_url": "http://127.0.0.1:1/r", "callback_secret": "s" * 20} | extra
    os.environ["AIRFLOW_CONN_SMS_KANNEL"] = json.dumps(
        {
            "conn_type": "http",
            "host": "127.0.0.1",
            "port": port,
            "login": login,
            "password": password,
            "extra": given,
        }
    )


def wait_until_served(port: int, seconds: float = 20) -> None:
    """Until a server answers there.

    Raises:
        TimeoutError: it does not.
    """
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        with contextlib.suppress(requests.ConnectionError):
            requests.get(f"http://127.0.0.1:{port}/", timeout=5)
            return
        time.sleep(0.05)
    raise TimeoutError(f"nothing is served within {seconds} s")


@contextlib.contextmanager
def gateway(seconds: float, in_flight: int = IN_FLIGHT, **extra: Any) -> Iterator[SlowGateway]:
    """A gateway behind sms_kannel that answers after so many seconds and allows so many requests at once."""
    port = free_port()
    process = subprocess.Popen([sys.executable, "-m", "tests.bench.notices.slow_gateway", str(port), str(seconds)])
    name_gateway(port, concurrency=in_flight, **extra)
    try:
        wait_until_served(port)
        served = SlowGateway(port, process.pid)
        served.seen()
        yield served
    finally:
        process.kill()
        process.wait()


def bare_client(url: str, count: int, in_flight: int = IN_FLIGHT) -> Bare:
    """What a client does that only sends, the same number in flight, in a process that holds nothing else."""
    command = [sys.executable, "-m", "tests.bench.notices.bare_client", url, str(count), str(in_flight)]
    said = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)
    return Bare(count / said["seconds"], said["processor"] / count * 1000)
