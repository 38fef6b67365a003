"""When statements are looked for, which month a run is about, and what its gate is told."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest

from motcua.domain.clock import VIETNAM
from motcua.domain.run_window import EVERYTHING, Window
from motcua.jobs.tasks import reconcile_carrier
from motcua.jobs.tasks.reconcile_carrier import window_month

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def dag():
    from airflow.dag_processing.dagbag import DagBag

    return DagBag(dag_folder=str(ROOT / "dags" / "reconcile_carrier.py")).dags["reconcile_carrier"]


def test_runs_start_at_seven_in_vietnam_on_the_5th_and_the_10th_about_the_month_before(dag):
    from airflow.serialization.serialized_objects import DagSerialization
    from airflow.timetables.base import TimeRestriction

    timetable = DagSerialization.from_dict(DagSerialization.to_dict(dag)).timetable
    assert timetable.periodic, "or Airflow refuses a backfill"
    last, found = None, []
    begin = datetime(2026, 12, 1, tzinfo=UTC)
    for _ in range(3):
        run = timetable.next_dagrun_info(
            last_automated_data_interval=last,
            restriction=TimeRestriction(begin, begin + timedelta(days=90), catchup=True),
        )
        last = run.data_interval
        found.append((run.run_after.astimezone(VIETNAM), window_month(Window(last.start, last.end))))
    assert found == [
        (datetime(2026, 12, 5, 7, tzinfo=VIETNAM), date(2026, 11, 1)),
        (datetime(2026, 12, 10, 7, tzinfo=VIETNAM), date(2026, 11, 1)),
        (datetime(2027, 1, 5, 7, tzinfo=VIETNAM), date(2026, 12, 1)),
    ]


def test_files_are_taken_one_at_a_time(dag):
    assert dag.get_task("take_file").max_active_tis_per_dagrun == 1


def test_run_that_is_no_backfill_is_about_whatever_is_there():
    assert window_month(EVERYTHING) is None


ONE, TWO = {"statement_no": 1}, {"statement_no": 2}


@pytest.mark.parametrize(("pulled", "told"), [([None], []), ([ONE, TWO], [ONE, TWO])])
def test_gate_is_told_of_every_file_however_many_there_are(dag, monkeypatch, pulled, told):
    seen = []
    run = SimpleNamespace(run_type="manual", data_interval_start=None, data_interval_end=None)
    ti = SimpleNamespace(xcom_pull=lambda task_ids: pulled, get_task_states=lambda **_: {})
    context = {"dag_run": run, "ti": ti, "dag": dag, "run_id": "run"}
    gate = dag.get_task("gate").python_callable
    monkeypatch.setitem(gate.__globals__, "get_current_context", lambda: context)
    monkeypatch.setattr(reconcile_carrier, "gate", lambda window, taken, failed: seen.append((window, taken, failed)))
    gate()
    assert seen == [(EVERYTHING, told, [])]
