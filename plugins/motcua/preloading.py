"""What is there before the first task: the tasks' code, loaded once in the process that they are forked from
(LocalExecutor's scheduler, a Celery worker), and the pool of those that no citizen waits for.

Measured on two cores: a task that must import the Postgres hook, psycopg and phonenumbers itself takes half a second
longer, four times in a row in each run.
"""

from __future__ import annotations

import sys
from importlib import import_module

from airflow.listeners import hookimpl

from motcua.dag_texts import words
from motcua.settings import BACKGROUND_POOL

_SLOTS = 3
"""Fewer than the slots of one worker, so that a run that citizens wait for never waits for reports."""


@hookimpl
def on_starting(component: object) -> None:
    """Called by every Airflow component as it starts; of those only the scheduler forks tasks, and queues them.

    Airflow 3.3 calls it before a component knows which it is; the command says so. Tasks, which are forked from the
    scheduler and have its command, are called too, as another kind.
    """
    if sys.argv[1:2] == ["scheduler"] and type(component).__name__ == "Job":
        load_tasks()
        ensure_pool()


def ensure_pool() -> None:
    """Makes the pool where there is none; tasks of a pool that is missing are never queued. What an operator set in
    Airflow is kept."""
    from airflow.models.pool import Pool
    from airflow.utils.session import create_session

    with create_session() as session:
        if Pool.get_pool(BACKGROUND_POOL, session=session) is None:
            Pool.create_or_update_pool(BACKGROUND_POOL, _SLOTS, words()["background_pool"], False, session=session)


def load_tasks() -> None:
    """Loads what the tasks of the DAG need that citizens wait for."""
    import_module("motcua.jobs.tasks.notify_transitions")
    import_module("airflow.providers.postgres.hooks.postgres")
