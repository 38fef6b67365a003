"""Prepare Airflow before its first task: load the tasks' code, and create the pool for tasks that no citizen waits
for.

The code is loaded once in the process from which tasks are forked: LocalExecutor's scheduler, or a Celery worker.
On two cores, a task that must import the Postgres hook, psycopg and phonenumbers itself takes half a second longer.
In a run of notify_transitions, three such tasks run one after another before the task that sends messages.
"""

from __future__ import annotations

import sys
from importlib import import_module

from airflow.listeners import hookimpl

from motcua.dag_texts import words
from motcua.settings import BACKGROUND_POOL

_SLOTS = 3
"""Slots of the pool: fewer than one worker has, so that a run that citizens wait for never waits for reports."""


@hookimpl
def on_starting(component: object) -> None:
    """Load the tasks' code and create the pool if this process is the scheduler.

    Every Airflow component calls this hook at its start. Only the scheduler forks and queues tasks. Airflow 3.3 calls
    the hook before a component knows its own kind, so this hook recognises the scheduler by its command line. A task
    that the scheduler forked has the same command line, but its ``component`` is of another class.
    """
    if sys.argv[1:2] == ["scheduler"] and type(component).__name__ == "Job":
        load_tasks()
        ensure_pool()


def ensure_pool() -> None:
    """Create the pool if it is missing, because tasks of a missing pool are never queued.

    An existing pool keeps the slots that an operator gave it.
    """
    from airflow.models.pool import Pool
    from airflow.utils.session import create_session

    with create_session() as session:
        if Pool.get_pool(BACKGROUND_POOL, session=session) is None:
            Pool.create_or_update_pool(BACKGROUND_POOL, _SLOTS, words()["background_pool"], False, session=session)


def load_tasks() -> None:
    """Import the modules that the tasks of ``notify_transitions`` need, because citizens wait for these tasks."""
    import_module("motcua.jobs.tasks.notify_transitions")
    import_module("airflow.providers.postgres.hooks.postgres")
