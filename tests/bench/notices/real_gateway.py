"""Measure how fast a sender sends to a real Kannel, compared with a client that only sends requests."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlencode

from tests.bench import Line
from tests.bench.ledgers import each, server_of, used_by
from tests.bench.notices.gateways import IN_FLIGHT, bare_client, gateway, name_gateway
from tests.bench.notices.sending import drain, queue, rates_of, shares_of
from tests.gateways.real_kannel import BOXES, IS_INSTALLED, Kannel
from tests.ground import free_port

ROUNDS, COUNT = 3, 3000
LOGIN, PASSWORD = "motcua", "only-for-tests"
USERS = f"group = sendsms-user\nusername = {LOGIN}\npassword = {PASSWORD}\nmax-messages = 8\nconcatenation = true\n"


def bench(dsn: str, *, is_installed: bool = IS_INSTALLED) -> list[Line]:
    what = f"a real Kannel, {IN_FLIGHT} in flight, {ROUNDS} times {COUNT:,} messages"
    if not is_installed:
        return [(what, f"not installed: kannel ({', '.join(BOXES)})", "≥ 0.50", False)]
    with gateway(0) as served, _kannel() as kannel:
        callback = f"http://127.0.0.1:{served.port}/r"
        name_gateway(kannel.sendsms_port, LOGIN, PASSWORD, concurrency=IN_FLIGHT, callback_url=callback)
        queue(dsn, "warm", 500)
        drain(500)
        url = f"{kannel.url}/cgi-bin/sendsms?{urlencode(_query(callback))}"
        processes = {"sender": os.getpid(), "PostgreSQL": server_of(dsn), **kannel.pids()}
        used, ours, bare = dict.fromkeys(processes, 0.0), [], [bare_client(url, COUNT)]
        for number in range(ROUNDS):
            queue(dsn, f"K{number} ", COUNT)
            with used_by(processes) as now:
                ours.append(drain(COUNT))
            used = {which: used[which] + now[which] for which in used}
            bare.append(bare_client(url, COUNT))
    shares = shares_of(ours, bare)
    said = f"{shares[0]:.2f} of {' '.join(f'{share:.2f}' for share in shares)}: {rates_of(ours, bare)}"
    return [
        (f"{what}: the worst share of a bare client's rate", said, "≥ 0.50", shares[0] >= 0.5),
        (f"{what}: processor for a message", each(used, ROUNDS * COUNT), "-", True),
    ]


def _query(callback: str) -> dict[str, str | int]:
    """Return the query that the adapter for Kannel sends, with a request for receipts."""
    return {
        "username": LOGIN,
        "password": PASSWORD,
        "from": "9029",
        "to": "+84905100000",
        "text": "x" * 150,
        "charset": "UTF-8",
        "coding": 0,
        "max-messages": 8,
        "dlr-mask": 27,
        "dlr-url": f"{callback}?reference={'0' * 32}&status=%d&reply=%A&smsc_id=%F&secret={'s' * 20}",
    }


@contextmanager
def _kannel() -> Iterator[Kannel]:
    """Run a Kannel whose carrier accepts everything at once."""
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="motcua-bench-") as folder:
        lines = f"smsc = fake\nsmsc-id = FAKE\nport = {port}\nconnect-allow-ip = 127.0.0.1"
        kannel = Kannel(Path(folder) / "kannel", carrier=lines, groups=USERS)
        carrier = None
        try:
            command = [sys.executable, "-m", "tests.bench.notices.carrier", str(port)]
            carrier = subprocess.Popen(command, stdout=subprocess.PIPE)
            assert carrier.stdout is not None
            carrier.stdout.readline()
            yield kannel
        finally:
            kannel.stop()
            if carrier is not None:
                carrier.kill()
                carrier.wait()
