"""Send the same requests through other task queues and through this system, and compare the speeds.

This system enqueues a message by planning it from a transition, and writes everything that the ledger needs.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from importlib.util import find_spec

from motcua.jobs.notices.planning import plan
from motcua.store.ledger.provisioning import with_database
from tests.bench import Line
from tests.bench.ledgers import seed
from tests.bench.notices.gateways import IN_FLIGHT, bare_client, gateway
from tests.bench.notices.sending import drain
from tests.ground import ask

PEERS = ("procrastinate", "pgqueuer")
COUNT = 3000


def bench(dsn: str, installed: Callable[[str], object] = find_spec) -> list[Line]:
    what = f"enqueue and drain {COUNT:,} posts, gateway 50 ms, {IN_FLIGHT} in flight"
    reach = "≥ 1.0 × the faster"
    if missing := [name for name in (*PEERS, "asyncpg") if installed(name) is None]:
        return [(what, f"not installed: {', '.join(missing)}", reach, False)]
    rates = {}
    with gateway(0.05) as served:
        for peer in PEERS:
            ask(dsn, f"CREATE DATABASE {peer}")
            command = [sys.executable, "-m", "tests.bench.notices.task_queues"]
            command += [peer, with_database(dsn, peer), served.url, str(COUNT)]
            seconds = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)
            rates[peer] = COUNT / (seconds["enqueue"] + seconds["drain"])
        bare = bare_client(served.url, COUNT).rate
        seed(dsn, "P", COUNT)
        started = time.perf_counter()
        plan()
        drain(COUNT)
        ours = COUNT / (time.perf_counter() - started)
    said = ", ".join(f"{peer} {rate:.0f}/s" for peer, rate in rates.items())
    faster = max(rates.values())
    ratio, limit = ours / faster, bare / faster
    return [
        (what, f"{ours:.0f}/s; {said}: {ratio:.2f} ×", reach, ratio >= 1),
        (
            "the same requests by a client that only sends: the limit for any queue",
            f"{bare:.0f}/s: {limit:.2f} ×",
            "-",
            True,
        ),
    ]
