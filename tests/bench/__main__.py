"""``python -m tests.bench [NAME …]``: speeds as ratios to a limit or a peer of the same run."""

from __future__ import annotations

import argparse
import contextlib
import http.client
import json
import os
import resource
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path

import psycopg
import requests
from rich.console import Console
from rich.table import Table

from motcua.jobs.notices.planning import plan
from motcua.jobs.notices.request_slots import http_session
from motcua.jobs.notices.sending.sender import send
from motcua.sandbox.machine.postgres import EmbeddedPostgres
from motcua.settings import settings
from motcua.store.ledger.migrations import migrate
from motcua.store.ledger.provisioning import Role, provision_ledger, with_database
from tests.bench import late_joiner, pages, quality, reconciliation, sources
from tests.conftest import connection_uri
from tests.ports import free_port
from tests.registered import register_templates

IN_FLIGHT = 64
SEED = """
INSERT INTO motcua.agencies (agency_code, name, short_name, enabled_from)
VALUES ('000.00.30.H32', 'Ủy ban nhân dân thành phố Nha Trang', 'UBND TP Nha Trang', now() - interval '1 day');
INSERT INTO motcua.sources (name) VALUES ('bench');
INSERT INTO motcua.gateways (name) VALUES ('kannel');
"""
DOSSIERS = """
INSERT INTO motcua.dossiers (source_id, agency_code, dossier_code, msisdn, picked_up_at)
SELECT 1, '000.00.30.H32', %(prefix)s || n, '+849051' || lpad((n %% 100000)::text, 5, '0'), now()
FROM generate_series(1, %(count)s) AS n
"""
TRANSITIONS = """
INSERT INTO motcua.transitions (
    source_id, source_transition_id, dossier_id, sequence, status_code, at_one_stop_desk, occurred_at, recorded_at,
    picked_up_at
)
SELECT 1, d.dossier_id * 10 + step, d.dossier_id, d.dossier_id * 10 + step, CASE step WHEN 4 THEN 9 ELSE 4 END,
    step = 4, now(), now(), now()
FROM motcua.dossiers AS d, generate_series(1, 4) AS step
WHERE d.dossier_code LIKE %(prefix)s || '%%' AND step > 4 - %(steps)s
"""


@contextlib.contextmanager
def ledger() -> Iterator[str]:
    """A fresh ledger behind motcua_db; yields an administrator's DSN for it."""
    with tempfile.TemporaryDirectory(prefix="motcua-bench-") as folder:
        os.chmod(folder, 0o755)
        server = EmbeddedPostgres(Path(folder), free_port())
        server.set_up()
        process = server.start(Path(folder) / "log")
        try:
            roles = [Role(name, "only-for-tests") for name in ("motcua_owner", "motcua_app", "motcua_audit", "airflow")]
            provision_ledger(server.admin_dsn, "motcua", *roles, "airflow_bench")
            os.environ["AIRFLOW_CONN_MOTCUA_DB_OWNER"] = connection_uri(server.admin_dsn, "motcua_owner", "motcua")
            os.environ["AIRFLOW_CONN_MOTCUA_DB"] = connection_uri(server.admin_dsn, "motcua_app", "motcua")
            os.environ["MOTCUA_JOURNAL"] = str(Path(folder) / "journal")
            settings.cache_clear()
            migrate()
            dsn = with_database(server.admin_dsn, "motcua")
            register_templates(dsn, "kannel")
            with psycopg.connect(dsn) as connection:
                connection.execute(SEED)
            yield dsn
        finally:
            process.send_signal(signal.SIGINT)
            process.wait()


def seed(dsn: str, prefix: str, dossiers: int, steps: int) -> None:
    with psycopg.connect(dsn) as connection:
        connection.execute(DOSSIERS, {"prefix": prefix, "count": dossiers})
        connection.execute(TRANSITIONS, {"prefix": prefix, "steps": steps})
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("ANALYZE")


@contextlib.contextmanager
def gateway(seconds: float, in_flight: int) -> Iterator[int]:
    """A gateway in a process of its own behind sms_kannel; yields its port."""
    port = free_port()
    process = subprocess.Popen([sys.executable, "-m", "tests.bench.slow_gateway", str(port), str(seconds)])
    extra = {"concurrency": in_flight, "callback_url": "http://127.0.0.1:1/r", "callback_secret": "s" * 20}
    os.environ["AIRFLOW_CONN_SMS_KANNEL"] = json.dumps(
        {"conn_type": "http", "host": "127.0.0.1", "port": port, "login": "a", "password": "b" * 8, "extra": extra}
    )
    try:
        for _ in range(100):
            with contextlib.suppress(requests.ConnectionError):
                requests.get(f"http://127.0.0.1:{port}/", timeout=5)
                break
            time.sleep(0.05)
        yield port
    finally:
        process.kill()
        process.wait()


def bare_rate(port: int, count: int, in_flight: int) -> float:
    """Requests a second of a client that only posts, the same number in flight."""
    own = threading.local()
    url = f"http://127.0.0.1:{port}/cgi-bin/sendsms?text={'x' * 150}&dlr-url={'y' * 150}"

    def post(_: int) -> None:
        if not hasattr(own, "session"):
            own.session = http_session()
        own.session.get(url, timeout=30)

    started = time.perf_counter()
    with ThreadPoolExecutor(in_flight) as pool:
        list(pool.map(post, range(count)))
    return count / (time.perf_counter() - started)


Line = tuple[str, str, str, bool]


def bench_plan() -> list[Line]:
    with ledger() as dsn:
        seed(dsn, "warm", 500, 4)
        plan()
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        seed(dsn, "plan", 25_000, 4)
        started = time.perf_counter()
        counts = plan()
        seconds = time.perf_counter() - started
        grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    return [
        (
            f"plan {counts.transitions:,} transitions, {counts.messages:,} messages",
            f"{seconds:.1f} s",
            "≤ 20 s",
            seconds <= 20,
        ),
        ("memory grown meanwhile", f"{grown:.0f} MB", "≤ 50 MB", grown <= 50),
    ]


def bench_send() -> list[Line]:
    lines: list[Line] = []
    with ledger() as dsn:
        for seconds, count, name in ((0.05, 6000, "A"), (0.2, 2500, "B")):
            seed(dsn, name, count, 1)
            plan()
            with gateway(seconds, IN_FLIGHT) as port:
                bare = bare_rate(port, count, IN_FLIGHT)
                started = time.perf_counter()
                counts = send(f"bench {name}")
                rate = counts.attempts / (time.perf_counter() - started)
            what = f"send {counts.attempts:,} messages, gateway {seconds * 1000:.0f} ms, {IN_FLIGHT} in flight"
            if seconds == 0.05:
                share = rate / bare
                lines.append((what, f"{rate:.0f}/s; bare client {bare:.0f}/s: {share:.2f}", "≥ 0.80", share >= 0.8))
            else:
                lines.append((what, f"{rate:.0f}/s; bare client {bare:.0f}/s", "≥ 250/s", rate >= 250))
    return lines


def bench_receipts() -> list[Line]:
    count = 3000
    with ledger() as dsn, gateway(0, 32):
        seed(dsn, "R", count, 1)
        plan()
        send("bench R")
        with psycopg.connect(dsn) as connection:
            references = [row[0] for row in connection.execute("SELECT reference FROM motcua.attempts")]
        port = free_port()
        server = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "uvicorn",
                "motcua.web.callbacks:standalone",
                "--port",
                str(port),
                "--log-level",
                "error",
                "--http",
                "motcua.web.protocol:HeadersInTime",
            ]
        )
        own = threading.local()

        def report(reference: str) -> int:
            # Not requests: the provider's side shares the two cores, and should cost as little as Kannel's.
            if not hasattr(own, "connection"):
                own.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
            own.connection.request("GET", f"/gateway/receipts/kannel?reference={reference}&status=1&secret={'s' * 20}")
            with own.connection.getresponse() as answer:
                answer.read()
            return int(answer.status)

        for _ in range(200):
            with contextlib.suppress(requests.ConnectionError):
                requests.get(f"http://127.0.0.1:{port}/", timeout=5)
                break
            time.sleep(0.1)
        started = time.perf_counter()
        with ThreadPoolExecutor(16) as pool:
            answers = list(pool.map(report, references))
        rate = len(answers) / (time.perf_counter() - started)
        server.terminate()
        server.wait()
        with psycopg.connect(dsn) as connection:
            (delivered,) = connection.execute(
                "SELECT count(*) FROM motcua.messages WHERE state = 'delivered'"
            ).fetchone()
    good = rate >= 500 and set(answers) == {200} and delivered == count
    return [
        (f"receipts, one process, 16 at once; {delivered:,} of {count:,} delivered", f"{rate:.0f}/s", "≥ 500/s", good)
    ]


def bench_peers() -> list[Line]:
    """The same posts through task queues; ours enqueues by planning transitions, and keeps the full ledger."""
    count, rates = 3000, {}
    if missing := [name for name in ("procrastinate", "pgqueuer", "asyncpg") if find_spec(name) is None]:
        return [
            ("the same posts through task queues", f"not installed: {', '.join(missing)}", "≥ 2 × the faster", False)
        ]
    with ledger() as dsn, gateway(0.05, IN_FLIGHT) as port:
        for peer in ("procrastinate", "pgqueuer"):
            with psycopg.connect(dsn, autocommit=True) as connection:
                connection.execute(f"CREATE DATABASE {peer}")
            url = f"http://127.0.0.1:{port}/cgi-bin/sendsms?text={'x' * 150}&dlr-url={'y' * 150}"
            command = [sys.executable, "-m", "tests.bench.peers", peer, with_database(dsn, peer), url, str(count)]
            seconds = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)
            rates[peer] = count / (seconds["enqueue"] + seconds["drain"])
        bare = bare_rate(port, count, IN_FLIGHT)
        seed(dsn, "P", count, 1)
        started = time.perf_counter()
        plan()
        ours = send("bench P").attempts / (time.perf_counter() - started)
    said = ", ".join(f"{peer} {rate:.0f}/s" for peer, rate in rates.items())
    ratio = ours / max(rates.values())
    what = f"enqueue and drain {count:,} posts, gateway 50 ms, {IN_FLIGHT} in flight"
    return [(what, f"{ours:.0f}/s; {said}: {ratio:.2f}; bare client {bare:.0f}/s", "≥ 2 × the faster", ratio >= 2)]


def bench_quality() -> list[Line]:
    with ledger() as dsn:
        return quality.bench(dsn)


def bench_reconciliation() -> list[Line]:
    with ledger() as dsn:
        return reconciliation.bench(dsn)


def bench_sources() -> list[Line]:
    with ledger() as dsn, gateway(0.05, 16):
        return sources.bench(dsn)


def bench_pickup() -> list[Line]:
    with ledger() as dsn:
        return late_joiner.bench(dsn)


def bench_pages() -> list[Line]:
    with ledger() as dsn:
        return pages.bench(dsn)


BENCHES = {
    "plan": bench_plan,
    "send": bench_send,
    "receipts": bench_receipts,
    "peers": bench_peers,
    "quality": bench_quality,
    "reconciliation": bench_reconciliation,
    "pages": bench_pages,
    "sources": bench_sources,
    "pickup": bench_pickup,
}


def main() -> int:
    """Prints the table; 1 when a figure falls short."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", choices=[*BENCHES, []])
    names = parser.parse_args().names or list(BENCHES)
    settings.cache_clear()
    table = Table("what", "measured", "reach", "")
    lines = [line for name in names for line in BENCHES[name]()]
    for what, measured, reach, good in lines:
        table.add_row(what, measured, reach, "ok" if good else "FALLS SHORT")
    Console(width=None if sys.stdout.isatty() else 130).print(table)
    return int(not all(good for *_, good in lines))


if __name__ == "__main__":
    sys.exit(main())
