"""Fixtures with the DAGs as Airflow's DAG processor reads them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture(scope="session")
def bag() -> Any:
    from airflow.dag_processing.dagbag import DagBag

    return DagBag(dag_folder=str(Path(__file__).parents[2] / "dags"))


@pytest.fixture(scope="session")
def runs_between(bag: Any) -> Callable[[str, datetime, datetime], list[Any]]:
    """Return a function that lists the scheduled runs of a DAG between two moments.

    The DAG is serialized and read back, as the scheduler gets it.
    """
    from airflow.serialization.serialized_objects import DagSerialization

    def runs(dag_id: str, begin: datetime, end: datetime) -> list[Any]:
        dag = DagSerialization.deserialize_dag(DagSerialization.serialize_dag(bag.dags[dag_id]))
        assert dag.timetable.periodic, "Airflow refuses a backfill of a timetable that is not periodic"
        return list(dag.iter_dagrun_infos_between(begin, end))

    return runs
