"""Run one process of the simulated day: ``python -m tests.soak.worker FOLDER ROLE …``.

The process calls the functions of ``motcua.jobs.tasks``, as Airflow's tasks do. The jobs of ``notify`` and ``settle``
are repeated in one process, so that a day shows whether its memory grows. A job that runs once a day gets a new process
each time. The process writes each error of a job to ``FOLDER/runs/NAME.jsonl``, as a line of JSON.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import signal
import sys
import time
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import uvicorn

from motcua.domain.clock import VIETNAM
from motcua.domain.run_window import EVERYTHING, Window
from motcua.settings import include_dir, settings
from motcua.store.ledger.database import connect
from tests.soak.clock import Clock, live_by

_PAUSE = 0.25
"""Real seconds between two runs of a repeated job."""
SETTLES_EVERY = timedelta(minutes=5)
_LEAK, _LEAKS_FILE_EVERY = 300_000, 3
"""Bytes that the leaking process keeps for each minute, and the number of minutes after which it opens one more file.

The day's clock counts these minutes.
"""


class Work:
    """A process that runs jobs until it gets SIGTERM."""

    def __init__(self, folder: Path, name: str, clock: Clock) -> None:
        self.folder, self.name, self.clock = folder, name, clock
        (folder / "runs").mkdir(exist_ok=True)
        self._file = folder / "runs" / f"{name}.jsonl"
        reading, writing = os.pipe()
        for end in (reading, writing):
            os.set_blocking(end, False)
        # Jobs replace this process's handler of SIGTERM by their own, but Python still writes every signal to the
        # wakeup file descriptor.
        signal.set_wakeup_fd(writing)
        signal.signal(signal.SIGTERM, lambda *_: None)
        self._heard, self._ended = reading, False

    @property
    def goes_on(self) -> bool:
        with contextlib.suppress(BlockingIOError):
            self._ended |= bool(os.read(self._heard, 64))
        return not self._ended

    def run(self, job: str, work: Callable[[], Any]) -> Any:
        """Return the result of a job; if the job raised an error, write the error and return ``None``."""
        try:
            return work()
        except Exception as error:
            line = {
                "at": self.clock.machine().isoformat(),
                "job": job,
                "error": type(error).__name__,
                "why": str(error),
            }
            with self._file.open("a", encoding="utf-8") as stream:
                stream.write(json.dumps(line, ensure_ascii=False) + "\n")
            return None

    def wait(self, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while self.goes_on and time.monotonic() < deadline:
            time.sleep(0.02)


def notify(work: Work) -> None:
    from motcua.jobs.tasks import notify_transitions as tasks

    number = 0
    while work.goes_on:
        number += 1
        run_id = f"{work.name} {os.getpid()}/{number}"
        for source in work.run("find_sources", lambda: tasks.find_sources(EVERYTHING)) or []:
            work.run("pick_up", lambda source=source: tasks.pick_up_source(source, EVERYTHING))  # type: ignore[misc]
        work.run("plan", lambda: tasks.plan_messages(EVERYTHING))
        work.run("send", lambda run_id=run_id: tasks.send_messages(run_id, EVERYTHING))  # type: ignore[misc]
        work.run("gate", lambda run_id=run_id: tasks.gate(run_id, EVERYTHING))  # type: ignore[misc]
        work.wait(_PAUSE)


def settle(work: Work) -> None:
    from motcua.jobs.tasks import settle_messages as tasks

    number = 0
    while work.goes_on:
        number += 1
        run_id = f"{work.name} {os.getpid()}/{number}"
        work.run("settle", lambda run_id=run_id: tasks.settle_run(run_id, EVERYTHING))  # type: ignore[misc]
        work.run("gate", lambda: tasks.gate(EVERYTHING))
        work.wait(max(_PAUSE, SETTLES_EVERY.total_seconds() / work.clock.speed))


def leak(work: Work) -> None:
    """Keep memory and open files on purpose, to prove that the judging code detects such a leak."""
    kept: list[Any] = []
    while work.goes_on:
        kept.append(bytes([len(kept) % 251 + 1]) * _LEAK)
        if len(kept) % _LEAKS_FILE_EVERY == 0:
            kept.append(work.folder.joinpath("clock").open("rb"))
        work.wait(timedelta(minutes=1).total_seconds() / work.clock.speed)


def apologize(run_id: str, _: Work) -> None:
    from motcua.jobs.tasks import apologize_due_tomorrow as tasks

    for source in tasks.find_sources():
        tasks.read_source(source, EVERYTHING)
    tasks.plan_apologies(EVERYTHING)
    tasks.send_messages(run_id, EVERYTHING)


def quality(run_id: str, _: Work) -> None:
    from motcua.jobs.tasks import check_quality as tasks

    checked = tasks.check(run_id, EVERYTHING)
    tasks.gate(checked["run_no"])


def reconcile(run_id: str, work: Work) -> None:
    from motcua.jobs.tasks import reconcile_daily as tasks

    tasks.tie_complaints()
    closed = tasks.close_days(run_id, EVERYTHING, Window(None, work.clock.machine()))
    again = tasks.look_again(run_id, EVERYTHING)
    for closing_no in tasks.closings_to_publish():
        tasks.publish(closing_no)
    tasks.gate([*closed, *again])


def purge(run_id: str, _: Work) -> None:
    from motcua.jobs.tasks import purge_personal_data as tasks

    tasks.gate([tasks.purge_due(run_id), tasks.remove_files()])


def verify(run_id: str, _: Work) -> None:
    from motcua.jobs.tasks import verify_publications as tasks

    tasks.gate(tasks.verify(run_id))


def prepare(_: str, work: Work) -> None:
    """Do the set-up that people do once: agencies that take part since midnight, the message texts, the calendars."""
    from motcua.jobs.calendars import prepare_calendars
    from motcua.jobs.handed_in.agencies import import_agencies
    from motcua.jobs.texts import register_all

    now = work.clock.machine()
    midnight = now.astimezone(VIETNAM).replace(hour=0, minute=0, second=0, microsecond=0)
    import_agencies(include_dir() / "agencies.yaml", "soak", midnight)
    for gateway in settings().gateways:
        register_all(gateway, "soak")
    prepare_calendars(now, "soak", (now.year, now.year + 1))
    with connect() as ledger:
        ledger.execute("SELECT 1")


NETWORK_TIMING = {
    "delivery": (0.02, 0.4),
    "submit_receipt": 0.02,
    "late": 3.0,
    "receipt_retry": 0.5,
    "receipt_retries": 100_000,
    "inquiry_retry": 1.0,
    "inquiry_retries": 10,
    "hang": 3.0,
}


def network(folder: Path, name: str, port: str) -> None:
    """Run a simulated gateway with phones behind it."""
    from motcua.sandbox.network.__main__ import main as phone_network

    words = ["--folder", str(folder / name), "--port", port, "--seed", os.environ["MOTCUA_SOAK_SEED"]]
    phone_network([*words, "--timing", json.dumps(NETWORK_TIMING)])


LONG = {"notify": notify, "settle": settle, "leak": leak}
ONCE = {
    "prepare": prepare,
    "apologize": apologize,
    "quality": quality,
    "reconcile": reconcile,
    "purge": purge,
    "verify": verify,
}


def main(arguments: Sequence[str]) -> int:
    folder, name = Path(arguments[0]), arguments[1]
    logging.disable(logging.WARNING)
    if name.startswith("network"):
        network(folder, name, arguments[2])
        return 0
    clock = Clock(folder / "clock")
    live_by(clock)
    if name == "callbacks":
        from motcua.web.callbacks import create_standalone

        uvicorn.run(
            create_standalone(), host="127.0.0.1", port=int(arguments[2]), log_level="error", access_log=False,
            http="motcua.web.protocol:HeadersInTime",
        )  # fmt: skip
        return 0
    work = Work(folder, name, clock)
    role = name.partition("-")[0]
    if role in LONG:
        LONG[role](work)
        return 0
    run_id = f"{name} {datetime.now(VIETNAM):%H%M%S} {os.getpid()}"
    return 0 if work.run(name, lambda: (ONCE[role](run_id, work), True)[1]) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
