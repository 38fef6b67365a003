"""The schedule of the evening, and which evening a backfill's run is about."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from motcua.domain.apologies import ApologyRules
from motcua.domain.clock import VIETNAM
from motcua.domain.run_window import Window
from motcua.jobs.notices.apologizing import evening_window

ROOT = Path(__file__).parents[2]
WEDNESDAY = datetime(2026, 11, 25, 17, 30, tzinfo=VIETNAM)


@pytest.fixture(scope="module")
def timetable():
    from airflow.dag_processing.dagbag import DagBag
    from airflow.serialization.serialized_objects import DagSerialization

    dag = DagBag(dag_folder=str(ROOT / "dags" / "apologize_due_tomorrow.py")).dags["apologize_due_tomorrow"]
    return DagSerialization.from_dict(DagSerialization.to_dict(dag)).timetable


def test_runs_start_at_half_past_five_in_vietnam_every_day(timetable):
    from airflow.timetables.base import TimeRestriction

    assert timetable.periodic, "or Airflow refuses a backfill"
    found = timetable.next_dagrun_info(
        last_automated_data_interval=None,
        restriction=TimeRestriction(WEDNESDAY - timedelta(minutes=5), WEDNESDAY + timedelta(days=2), catchup=True),
    )
    assert found.run_after == WEDNESDAY
    assert found.run_after.astimezone(UTC).hour == 10


def test_a_runs_data_interval_ends_with_its_own_evening(timetable):
    from airflow.timetables.base import TimeRestriction

    found = timetable.next_dagrun_info(
        last_automated_data_interval=None,
        restriction=TimeRestriction(WEDNESDAY - timedelta(minutes=5), None, catchup=True),
    )
    interval = Window(found.data_interval.start, found.data_interval.end)
    assert evening_window(interval, ApologyRules()).start == WEDNESDAY
