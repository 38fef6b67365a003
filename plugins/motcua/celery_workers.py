"""Celery's configuration, and what a worker does as it starts, and when it is asked to end.

Then it has its senders end: Celery waits for what runs, and a sender that goes on for minutes would be killed with
requests out when a container's grace is over. Celery hands no signal on to tasks.
"""

from __future__ import annotations

import contextlib
import signal
from pathlib import Path
from typing import Any

import psutil
from airflow.providers.celery.executors.default_celery import DEFAULT_CELERY_CONFIG
from celery.signals import heartbeat_sent, import_modules, worker_shutting_down

from motcua.preloading import load_tasks

CELERY_CONFIG: dict[str, Any] = DEFAULT_CELERY_CONFIG
"""Airflow's own; ``AIRFLOW__CELERY__CELERY_CONFIG_OPTIONS`` names it, so that a worker loads this module."""


_ALIVE = Path("/tmp/airflow-worker.alive")  # noqa: S108 - of the container alone
"""Touched with each heartbeat that the queue took; docker-compose.yaml asks how old it is, which costs nothing."""


@heartbeat_sent.connect  # type: ignore[untyped-decorator]
def show_life(**_: object) -> None:
    """Every two seconds, from the worker's own process; where somebody else's file is there nobody asks for it."""
    with contextlib.suppress(OSError):
        _ALIVE.touch()


@import_modules.connect  # type: ignore[untyped-decorator]
def load(**_: object) -> None:
    """Before the worker forks the processes that fork its tasks."""
    load_tasks()


@worker_shutting_down.connect  # type: ignore[untyped-decorator]
def end_senders(**_: object) -> None:
    """Hands SIGTERM on to the tasks of this worker.

    A sender claims nothing more and ends with nothing in flight; to all others Airflow makes of it nothing, and Celery
    waits for them as long as it may.
    """
    for process in psutil.Process().children():
        with contextlib.suppress(psutil.Error):
            for task in process.children():
                task.send_signal(signal.SIGTERM)
