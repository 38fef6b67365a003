"""Configure Celery, and define what a worker does when it starts and when it must stop.

A stopping worker sends its tasks SIGTERM, which asks a sender to stop. Celery itself passes no signal to tasks and
waits until they end. But a sender runs for minutes: without this signal it would be killed with open requests when the
container's grace period ends.
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
"""Airflow's own configuration, unchanged. ``AIRFLOW__CELERY__CELERY_CONFIG_OPTIONS`` names this constant, so that a
worker loads this module."""


_ALIVE = Path("/tmp/airflow-worker.alive")  # noqa: S108 - the path belongs to the container alone
"""File that this worker touches after each heartbeat that the queue accepted. The health check in docker-compose.yaml
reads only the file's age, which costs almost nothing."""


@heartbeat_sent.connect  # type: ignore[untyped-decorator]
def show_life(**_: object) -> None:
    """Touch the file ``_ALIVE``, every two seconds and from the worker's own process.

    If the file belongs to another user, this worker runs outside our container, where nobody checks the file. The error
    is therefore ignored.
    """
    with contextlib.suppress(OSError):
        _ALIVE.touch()


@import_modules.connect  # type: ignore[untyped-decorator]
def load(**_: object) -> None:
    """Load the tasks' code before the worker forks the processes that fork its tasks."""
    load_tasks()


@worker_shutting_down.connect  # type: ignore[untyped-decorator]
def end_senders(**_: object) -> None:
    """Send SIGTERM to the tasks of this worker.

    A sender then claims no more messages, and ends with nothing in flight. Airflow ignores the signal for all other
    tasks, and Celery waits for those tasks until the container's grace period ends.
    """
    for process in psutil.Process().children():
        with contextlib.suppress(psutil.Error):
            for task in process.children():
                task.send_signal(signal.SIGTERM)
