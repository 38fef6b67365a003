"""The DAGs, as Airflow's processor finds them."""

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
    """Runs by the clock that a DAG, stored and read as the scheduler does it, has between two moments."""
    from airflow.serialization.serialized_objects import DagSerialization

    def runs(dag_id: str, begin: datetime, end: datetime) -> list[Any]:
        dag = DagSerialization.deserialize_dag(DagSerialization.serialize_dag(bag.dags[dag_id]))
        assert dag.timetable.periodic, "or Airflow refuses a backfill"
        return list(dag.iter_dagrun_infos_between(begin, end))

    return runs
