"""Prove that messages are still sent when one of two Celery workers is killed or stopped, and that none is sent twice.

Celery uses Redis and two workers, and each worker runs a sender. The workers are processes of this machine, started
with ``airflow celery worker``. The simulated phone network's own log is compared with the ledger. ``kill -9`` ends a
worker together with all its tasks, as the loss of its host would.
"""

from __future__ import annotations

import re
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise
from pathlib import Path

import psutil

from motcua.sandbox.machine.parts import Part
from tests.ground import free_port, listens
from tests.live.airflow import ROOT, Case, LiveAirflow, live_airflow
from tests.prove import Figure, at_most, equal

HOLD = 0.5
"""Seconds after which the gateway answers a request."""
AT_ONCE = 8
"""Concurrent requests that the gateway allows."""
TAKEN_OVER_WITHIN = 15
"""Longest allowed time in which no message is sent although messages wait, in seconds."""


class Worker(Part):
    def sends(self, live: LiveAirflow) -> bool:
        return bool(live.task_processes("send", self.pid))

    def ports(self) -> set[int]:
        """Return the local ports of the connections that this worker's processes have open."""
        found: set[int] = set()
        for process in self.below():
            with suppress(psutil.Error):
                of_it = psutil.Process(process.pid).net_connections("tcp")
                found.update(each.laddr.port for each in of_it if each.laddr)
        return found


@dataclass(slots=True)
class Workers:
    """A live Airflow with Celery, and its workers."""

    live: LiveAirflow
    folder: Path
    started: list[Worker] = field(default_factory=list)

    def start(self, name: str) -> Worker:
        """Start one more worker, and return it as soon as it accepts tasks."""
        said = self.folder / f"{name}.log"
        worker = Worker(
            f"worker {name}",
            [
                *(sys.executable, "-m", "airflow", "celery", "worker", "--skip-serve-logs"),
                *("--celery-hostname", f"{name}@%h", "--pid", str(self.folder / f"{name}.pid")),
            ],
            said,
            environment=dict(self.live.environment),
            folder=ROOT,
            ready=lambda: b" ready." in said.read_bytes(),
            ready_within=180,
        )
        self.started.append(worker)
        worker.start()
        return worker


@contextmanager
def redis() -> Iterator[str]:
    """Run a separate Redis server on a free port, and yield its address.

    Raises:
        FileNotFoundError: redis-server is not installed.
    """
    if (program := shutil.which("redis-server")) is None:
        raise FileNotFoundError("redis-server is not installed")
    port = free_port()
    command = [program, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
    with (
        tempfile.TemporaryDirectory(prefix="motcua-redis-") as folder,
        Part("Redis", command, Path(folder) / "log", folder=Path(folder), ready=lambda: listens(port)),
    ):
        yield f"redis://127.0.0.1:{port}/0"


@contextmanager
def two_workers(seed: int = 1) -> Iterator[Workers]:
    """Run Airflow with CeleryExecutor and the workers ``a`` and ``b``, in a folder that is deleted afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="motcua-workers-"))
    settings = {
        "AIRFLOW__CORE__EXECUTOR": "CeleryExecutor",
        "AIRFLOW__CELERY__CELERY_CONFIG_OPTIONS": "motcua.celery_workers.CELERY_CONFIG",
        "AIRFLOW__CELERY__WORKER_CONCURRENCY": "6",
        "AIRFLOW__CORE__PARALLELISM": "24",
        "LIVE_CONCURRENCY": str(AT_ONCE),
        # Seconds for which a sender waits for new messages. This time is short, so that a sender that has taken over
        # from a lost sender ends soon, and a sender of the next run can start. The time is long enough that both
        # senders still wait when the next queue of messages is recorded.
        "MOTCUA_LINGER": "30",
        "MOTCUA_LINGER_QUIET": "10",
    }
    try:
        with ExitStack() as stack:
            broker = stack.enter_context(redis())
            live = stack.enter_context(
                live_airflow(folder, settings | {"AIRFLOW__CELERY__BROKER_URL": broker}, seed=seed)
            )
            workers = Workers(live, folder)
            stack.callback(lambda: [each.kill() for each in workers.started])
            workers.start("a")
            workers.start("b")
            yield workers
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def senders_spread(workers: Workers) -> tuple[Worker, Worker]:
    """Wait until each of the two workers runs one of the two senders of the same run, and return both workers.

    A single event at the desk starts the run. If Airflow gives both senders to one worker, another run is started.

    Raises:
        TimeoutError: Both senders were on one worker in each of six runs.
    """
    live = workers.live
    first, second = (each for each in workers.started if each.alive)
    for _ in range(6):
        case = live.desk.move()
        live.wait_for_states(case, "delivered", 120)
        if first.sends(live) and second.sends(live):
            return first, second
        live.wait_until_idle()
    raise TimeoutError("in each of six runs both senders were on one worker")


def middle_of_a_queue(live: LiveAirflow, moves: int) -> list[Case]:
    """Record ``moves`` dossiers with a ready result ("cases"), and return the cases.

    Wait until the gateway has accepted half of their messages.
    """
    before = len(live.network_log())
    cases = live.desk.move(moves)
    live.wait_until("half of the messages were accepted", lambda: len(live.network_log()) >= before + moves // 2, 240)
    return cases


def worker_lost_and_worker_stopped(
    workers: Workers, moves: int = 240, within: float = TAKEN_OVER_WITHIN
) -> list[Figure]:
    """Kill one of two workers in the middle of a long queue, and later stop one in the middle of another queue.

    Each time, senders of the other worker must send again within ``within`` seconds.
    """
    live = workers.live
    live.set_faults(slow_seconds={"probability": 1, "seconds": HOLD})
    lost, stopped = senders_spread(workers)
    cases = middle_of_a_queue(live, moves)
    shares = _begun_by_each(live, cases, (lost, stopped))
    lost.kill()
    lost_at = time.time()
    found = [
        Figure(
            "share of the worker that sent fewer messages, in per cent",
            f"{min(shares) * 100 // max(1, sum(shares))}",
            "at least 20",
            min(shares) * 5 >= sum(shares) > 0,
        ),
        _taken_over("killed", live, within),
    ]
    workers.start("c")
    senders_spread(workers)
    cases = middle_of_a_queue(live, moves)
    stopped.stop()
    found += [
        at_most(
            "requests that the killed worker left without an answer",
            _count_ever_unknown(live, live.desk.cases) - _count_ever_unknown(live, cases),
            AT_ONCE * 5 // 4,
        ),
        _taken_over("stopped", live, within),
        equal("unknown because a worker was stopped", _count_ever_unknown(live, cases), 0),
    ]
    live.set_faults()
    cases = live.desk.cases
    live.wait_until("each receipt has come", lambda: live.states(cases)["delivered"] == len(live.network_log()), 120)
    times, states = live.at_phones(cases), live.states(cases)
    known = {row["reference"] for row in live.ledger("SELECT reference FROM motcua.attempts")}
    return [
        *found,
        equal("phones that were texted more than once", sum(number for often, number in times.items() if often > 1), 0),
        # A sender commits an attempt before it sends the request. If it is killed in between, nobody can know whether
        # the request was sent, so the system never repeats the message by itself. People see the message as unknown
        # and may have it sent again.
        equal(
            "phones that were not texted, and messages: as many as are unknown, and one for each case",
            (times[0], states.total()),
            (states["unknown"], len(cases)),
        ),
        equal(
            "requests at the gateway without an attempt in the ledger",
            len({each["reference"] for each in live.network_log()} - known),
            0,
        ),
        at_most("requests at once at the gateway", _most_at_once(live, lost_at), AT_ONCE),
    ]


def _taken_over(how: str, live: LiveAirflow, within: float) -> Figure:
    """Return the longest time in which no message was sent although messages waited.

    The measurement begins ``HOLD`` seconds before the newest message that the gateway had accepted when this function
    was called.
    """
    since = max(_accepted_times(live))

    def is_empty() -> bool:
        (row,) = live.ledger("SELECT count(*) AS number FROM motcua.messages WHERE state IN ('queued', 'sending')")
        return not row["number"]

    live.wait_until("no message waits or is being sent", is_empty, 240)
    moments = [moment for moment in _accepted_times(live) if moment >= since - HOLD]
    longest = max((later - earlier for earlier, later in pairwise(moments)), default=0.0)
    return at_most(f"a worker {how}: longest time without a send", round(longest, 1), within, " s")


def _count_ever_unknown(live: LiveAirflow, cases: Sequence[Case]) -> int:
    """Return how many messages of these cases were unknown at some time."""
    (row,) = live.ledger(
        "SELECT count(*) AS number FROM motcua.message_history AS h"
        " INNER JOIN motcua.messages AS m ON h.message_id = m.message_id"
        " INNER JOIN motcua.dossiers AS d ON m.dossier_id = d.dossier_id"
        " WHERE h.to_state = 'unknown' AND d.dossier_code = any(%s)",
        [case.code for case in cases],
    )
    return int(row["number"])


def _begun_by_each(live: LiveAirflow, cases: Sequence[Case], workers: Sequence[Worker]) -> list[int]:
    """Return, for each worker, how many messages of these cases its running senders have begun to send.

    A sender holds an advisory lock through its connection to the ledger. The client port of that connection identifies
    the worker.
    """
    rows = live.ledger(
        "SELECT l.pid, count(*) AS attempts FROM motcua.attempts AS a"
        " INNER JOIN motcua.messages AS m ON a.message_id = m.message_id"
        " INNER JOIN motcua.dossiers AS d ON m.dossier_id = d.dossier_id"
        " INNER JOIN pg_locks AS l ON l.locktype = 'advisory' AND l.objsubid = 1"
        " AND (l.classid::bigint << 32) + l.objid::bigint = a.sender_id"
        " WHERE d.dossier_code = any(%s) GROUP BY 1",
        [case.code for case in cases],
    )
    begun = {_port_of_server_process(int(row["pid"])): int(row["attempts"]) for row in rows}
    return [sum(begun.get(port, 0) for port in worker.ports()) for worker in workers]


def _port_of_server_process(pid: int) -> int:
    """Return the client's port of a PostgreSQL session, from the title of its server process.

    PostgreSQL's views hide the port of a session that belongs to another role.
    """
    title = Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace")
    found = re.search(r"\((\d+)\)", title)
    assert found is not None, title
    return int(found[1])


def _accepted_times(live: LiveAirflow) -> list[float]:
    return sorted(datetime.fromisoformat(message["accepted_at"]).timestamp() for message in live.network_log())


def _most_at_once(live: LiveAirflow, lost_at: float) -> int:
    """Return the largest number of requests that the gateway handled at once, with ``HOLD`` seconds for each.

    Requests that were accepted in the ``HOLD`` seconds before the kill are left out. Some of them came from the killed
    worker, and nobody waited for their answers.
    """
    moments = [moment for moment in _accepted_times(live) if not lost_at - HOLD <= moment <= lost_at]
    return max(sum(moment <= other < moment + HOLD for other in moments) for moment in moments)


def figures(seed: int) -> list[Figure]:
    with two_workers(seed) as workers:
        return worker_lost_and_worker_stopped(workers)
