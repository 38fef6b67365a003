"""Let a task queue send the same requests as the bench ``peers``, and print the seconds of enqueueing and of sending.

Usage: ``python -m tests.bench.notices.task_queues NAME DSN URL COUNT``. Each queue is used as its guide recommends:
jobs are enqueued in batches, and one worker runs 64 at a time. The requests are sent as the system's sender sends them:
by ``requests``, with a Session per thread. The queues are Procrastinate and PgQueuer. Neither queue has a ledger; both
repeat a job after a crash.
"""

from __future__ import annotations

import asyncio
import json
import sys
import threading
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import asyncpg
import procrastinate
from pgqueuer import PgQueuer
from pgqueuer.db import AsyncpgDriver
from pgqueuer.queries import Queries
from pgqueuer.types import QueueExecutionMode
from psycopg.conninfo import conninfo_to_dict

from motcua.jobs.notices.sending.request_slots import http_session

IN_FLIGHT = 64
TEXT = "x" * 100
_BATCH = 1000

Post = Callable[[], Awaitable[None]]
Seconds = tuple[float, float]


async def with_procrastinate(dsn: str, post: Post, count: int) -> Seconds:
    """Return how many seconds Procrastinate takes to enqueue the jobs, and how many to run them all."""
    app = procrastinate.App(connector=procrastinate.PsycopgConnector(conninfo=dsn))

    @app.task(name="send")
    async def send(number: int, text: str) -> None:
        await post()

    async with app.open_async():
        await app.schema_manager.apply_schema_async()
        started = time.perf_counter()
        for first in range(0, count, _BATCH):
            last = min(first + _BATCH, count)
            await send.batch_defer_async(*[{"number": number, "text": TEXT} for number in range(first, last)])
        enqueued = time.perf_counter()
        await app.run_worker_async(
            concurrency=IN_FLIGHT, wait=False, listen_notify=False, install_signal_handlers=False
        )
        return enqueued - started, time.perf_counter() - enqueued


async def with_pgqueuer(dsn: str, post: Post, count: int) -> Seconds:
    """Return how many seconds PgQueuer takes to enqueue the jobs, and how many to run them all.

    PgQueuer runs with asyncpg, the faster of its drivers.
    """
    given = conninfo_to_dict(dsn)
    connection = await asyncpg.connect(
        host=given["host"],
        port=int(str(given["port"])),
        user=given["user"],
        password=given["password"],
        database=given["dbname"],
    )
    driver = AsyncpgDriver(connection)
    jobs, queue = Queries(driver), PgQueuer(driver)
    await jobs.install()

    @queue.entrypoint("send")
    async def send(_: object) -> None:
        await post()

    started = time.perf_counter()
    for first in range(0, count, _BATCH):
        some = min(_BATCH, count - first)
        await jobs.enqueue(["send"] * some, [TEXT.encode()] * some, [0] * some)
    enqueued = time.perf_counter()
    await queue.run(
        mode=QueueExecutionMode.drain,
        batch_size=IN_FLIGHT // 2,
        max_concurrent_tasks=IN_FLIGHT,
        dequeue_timeout=timedelta(seconds=1),
    )
    drained = time.perf_counter()
    await connection.close()
    return enqueued - started, drained - enqueued


PEERS = {"procrastinate": with_procrastinate, "pgqueuer": with_pgqueuer}


def main(name: str, dsn: str, url: str, count: int) -> None:
    own = threading.local()
    done = 0

    def get() -> None:
        if not hasattr(own, "session"):
            own.session = http_session()
        own.session.get(url, timeout=30).raise_for_status()

    with ThreadPoolExecutor(IN_FLIGHT) as pool:

        async def post() -> None:
            nonlocal done
            await asyncio.get_running_loop().run_in_executor(pool, get)
            done += 1

        enqueue, drain = asyncio.run(PEERS[name](dsn, post, count))
    print(json.dumps({"enqueue": enqueue, "drain": drain, "done": done}))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]))
