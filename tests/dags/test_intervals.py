"""Test that scheduled runs start at the right hour and process the right evening or month.

Test that the gate, a run's last task, gets all carrier statements that the run imported.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from types import SimpleNamespace

import pytest

from motcua.domain.apologies import ApologyRules
from motcua.domain.clock import VIETNAM
from motcua.domain.run_window import EVERYTHING, Window
from motcua.jobs.notices.apologizing import evening_window
from motcua.jobs.tasks import reconcile_carrier
from motcua.jobs.tasks.reconcile_carrier import window_month


def window_of(info):
    return Window(info.data_interval.start, info.data_interval.end)


def test_apologies_start_at_half_past_five_in_vietnam_every_day_about_that_evening(runs_between):
    evening = datetime(2026, 11, 25, 17, 30, tzinfo=VIETNAM)
    infos = runs_between("apologize_due_tomorrow", evening - timedelta(minutes=5), evening + timedelta(days=1))
    evenings = [evening, evening + timedelta(days=1)]
    assert [info.run_after for info in infos] == evenings
    assert [evening_window(window_of(info), ApologyRules()).start for info in infos] == evenings


def test_statements_are_looked_for_at_seven_in_vietnam_on_the_5th_and_the_10th_about_the_month_before(runs_between):
    begin = datetime(2026, 12, 1, tzinfo=VIETNAM)
    infos = runs_between("reconcile_carrier", begin, begin + timedelta(days=36))
    assert [(info.run_after.astimezone(VIETNAM), window_month(window_of(info))) for info in infos] == [
        (datetime(2026, 12, 5, 7, tzinfo=VIETNAM), date(2026, 11, 1)),
        (datetime(2026, 12, 10, 7, tzinfo=VIETNAM), date(2026, 11, 1)),
        (datetime(2027, 1, 5, 7, tzinfo=VIETNAM), date(2026, 12, 1)),
    ]
    assert window_month(EVERYTHING) is None, "a run that is not a backfill takes the files of all months"


ONE, TWO = {"statement_no": 1}, {"statement_no": 2}


@pytest.mark.parametrize(("pulled", "told"), [([None], []), ([ONE, TWO], [ONE, TWO])])
def test_statements_are_taken_one_at_a_time_and_the_gate_is_told_of_all(bag, monkeypatch, pulled, told):
    """The gate must get the statements of all files. Without files it must get an empty list."""
    seen = []
    dag = bag.dags["reconcile_carrier"]
    run = SimpleNamespace(run_type="manual", data_interval_start=None, data_interval_end=None)
    ti = SimpleNamespace(xcom_pull=lambda task_ids: pulled, get_task_states=lambda **_: {})
    context = {"dag_run": run, "ti": ti, "dag": dag, "run_id": "run"}
    gate = dag.get_task("gate").python_callable
    monkeypatch.setitem(gate.__globals__, "get_current_context", lambda: context)
    monkeypatch.setattr(reconcile_carrier, "gate", lambda window, taken, failed: seen.append((window, taken, failed)))
    gate()
    assert seen == [(EVERYTHING, told, [])]
