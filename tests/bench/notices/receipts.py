"""Measure how many receipts a second the callbacks app stores, compared with the same app without a ledger.

Each connection of the gateway reports its next receipt as soon as its previous receipt is answered.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import psycopg

from tests.bench import Line
from tests.bench.ledgers import each, server_of, used_by
from tests.bench.notices.gateways import gateway, served_at
from tests.bench.notices.sending import drain, queue
from tests.ground import free_port

COUNT, ROUNDS, AT_ONCE = 4000, 3, 64
"""Numbers of receipts, of rounds, and of concurrent requests; Kannel itself has up to 512 requests open."""


def bench(dsn: str) -> list[Line]:
    rates, bare, used, wrong = [], [], {}, 0
    with (
        gateway(0),
        _served("motcua.web.callbacks:standalone") as ours,
        _served("tests.bench.notices.forgetful:standalone") as other,
    ):
        processes = {"callbacks": ours.pid, "PostgreSQL": server_of(dsn)}
        for number in range(ROUNDS):
            queue(dsn, f"R{number} ", COUNT)
            drain(COUNT)
            references = _references(dsn)
            with used_by({"without a ledger": other.pid}) as alone:
                bare.append(_report_all(other.port, references)[0])
            with used_by(processes) as now:
                rate, refused = _report_all(ours.port, references)
            rates.append(rate)
            used = {name: used.get(name, 0.0) + seconds for name, seconds in now.items()}
            wrong += refused + len(_references(dsn))
    worst = min(rates)
    what = f"receipts, one process of the callbacks, {AT_ONCE} at once, {ROUNDS} times {COUNT:,}"
    said = f"{worst:.0f}/s of {' '.join(f'{rate:.0f}' for rate in sorted(rates))}"
    return [
        (f"{what}: the worst", said, "≥ 1,000/s", worst >= 1000),
        ("receipts not answered 200, or without a delivered message in the ledger", f"{wrong}", "0", not wrong),
        ("the same server without a ledger", f"{min(bare):.0f}–{max(bare):.0f}/s", "-", True),
        ("processor for a receipt", f"{each(used, ROUNDS * COUNT)}; {each(alone, COUNT)}", "-", True),
    ]


def _references(dsn: str) -> list[str]:
    """Return the references of attempts that have no receipt yet."""
    with psycopg.connect(dsn) as connection:
        rows = connection.execute("SELECT reference FROM motcua.attempts WHERE state = 'accepted'")
        return [row[0] for row in rows]


@dataclass(frozen=True)
class _Server:
    port: int
    pid: int


@contextmanager
def _served(app: str) -> Iterator[_Server]:
    """Run the callbacks app with the command of docker-compose.yaml."""
    port = free_port()
    command = [sys.executable, "-m", "uvicorn", app, "--port", str(port), "--log-level", "error"]
    command += ["--no-proxy-headers", "--no-server-header", "--http", "motcua.web.protocol:HeadersInTime"]
    with served_at(port, command) as pid:
        yield _Server(port, pid)


class _Reporter(asyncio.Protocol):
    """One connection of the gateway, which sends one receipt after the other.

    This client runs on the same cores as the measured server, so it should use as little processor time as Kannel does.
    """

    def __init__(self, references: list[str], done: asyncio.Future[int]) -> None:
        self._references, self._done, self._refused = references, done, 0
        self._read = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._report()

    def data_received(self, data: bytes) -> None:
        self._read += data
        if self._read.endswith(b"\r\n\r\nok"):
            self._refused += not self._read.startswith(b"HTTP/1.1 200 ")
            self._report()
        elif b"\r\ncontent-length: 2\r\n" not in self._read.lower():
            self._done.set_exception(RuntimeError(f"answered {self._read[:200]!r}"))

    def _report(self) -> None:
        self._read = b""
        if not self._references:
            self._transport.close()
            self._done.set_result(self._refused)
            return
        query = f"reference={self._references.pop()}&status=1&reply=&smsc_id=CARRIER&secret={'s' * 20}"
        self._transport.write(f"GET /gateway/receipts/kannel?{query} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())


def _report_all(port: int, references: Sequence[str]) -> tuple[float, int]:
    async def report() -> int:
        loop, left = asyncio.get_running_loop(), list(references)
        ended: list[asyncio.Future[int]] = [loop.create_future() for _ in range(AT_ONCE)]
        for done in ended:
            await loop.create_connection(lambda done=done: _Reporter(left, done), "127.0.0.1", port)  # type: ignore[misc]
        return sum(await asyncio.gather(*ended))

    started = time.perf_counter()
    refused = asyncio.run(report())
    return len(references) / (time.perf_counter() - started), refused
