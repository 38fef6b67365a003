"""Test that DAGs run at the right time, and that tasks wait for the right tasks and give jobs the right arguments."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from importlib import import_module
from inspect import signature
from types import SimpleNamespace
from typing import Any
from unittest.mock import create_autospec

import pytest

from motcua.domain.run_window import EVERYTHING, Window
from motcua.settings import BACKGROUND_POOL
from tests.ground import NOW

WINDOW = Window(NOW.replace(hour=0), NOW)
RUN, FAILED = "scheduled__1", ["plan"]
ENDS = (
    ("to_publish", "closings_to_publish", ()),
    ("publish", "publish", (7,)),
    ("recipients", "letters_to_send", ()),
    ("mail", "mail", ("H32", [7], [5])),
    ("gate", "gate", ([3], FAILED)),
)
"""Tasks that reconcile_daily and reconcile_monthly share: task, job, and arguments of the job."""
JOBS: dict[str, tuple[tuple[str, str, tuple[Any, ...]], ...]] = {
    "notify_transitions": (
        ("find_sources", "find_sources", ("window",)),
        ("pick_up", "pick_up_sources", ("khanhhoa", "window")),
        ("plan", "plan_messages", ("window", "release")),
        ("send", "send_messages", (RUN, "window", 1)),
        ("gate", "gate", (RUN, "window", FAILED, WINDOW)),
    ),
    "settle_messages": (("settle", "settle_run", (RUN, "window")), ("gate", "gate", ("window", FAILED))),
    "apologize_due_tomorrow": (
        ("find_sources", "find_sources", ()),
        ("read_source", "read_source", ("khanhhoa", "window")),
        ("apologize", "plan_apologies", ("window",)),
        ("send", "send_messages", (RUN, "window")),
        ("gate", "gate", (RUN, "window", FAILED, WINDOW)),
    ),
    "check_quality": (
        ("check", "check", (RUN, "window")),
        ("mail_department", "mail_department", (5,)),
        ("check_sources", "check_sources", ("window",)),
        ("gate", "gate", (5, FAILED)),
    ),
    "reconcile_daily": (
        ("tie_complaints", "tie_complaints", ()),
        ("close", "close_days", (RUN, "window", WINDOW)),
        ("look_again", "look_again", (RUN, "window")),
        *ENDS,
    ),
    "reconcile_monthly": (("close", "close_month", (RUN, WINDOW)), *ENDS),
    "reconcile_carrier": (
        ("find_files", "find_files", ("window",)),
        ("take_file", "take_file", ("kannel", "file.csv", RUN)),
        ("gate", "gate", ("window", [{"run_no": 5}], FAILED)),
    ),
    "purge_personal_data": (
        ("purge", "purge_due", (RUN,)),
        ("remove_files", "remove_files", ()),
        ("gate", "gate", ([{"run_no": 5}], FAILED)),
    ),
    "verify_publications": (("verify", "verify", (RUN,)), ("gate", "gate", ({"run_no": 5}, FAILED))),
    "clean_airflow": (
        ("clean_database", "clean_database", ()),
        ("remove_logs", "remove_logs", ()),
        ("gate", "gate", ([{"run_no": 5}], FAILED)),
    ),
}
"""For each DAG, its tasks with their jobs and arguments. ``window`` stands for the period of the run."""
GIVEN: dict[str, tuple[Any, ...]] = {
    "pick_up": ("khanhhoa",),
    "read_source": ("khanhhoa",),
    "send": (1,),
    "mail_department": ({"run_no": 5},),
    "take_file": ("kannel", "file.csv"),
    "publish": (7,),
    "mail": ("H32", [7], [5]),
}
"""Values that Airflow passes to a task from the tasks before it."""
LONG_TASKS = {
    ("check_quality", "check_sources"): timedelta(hours=1),
    ("clean_airflow", "clean_database"): timedelta(hours=3),
    ("purge_personal_data", "purge"): timedelta(hours=3),
    ("verify_publications", "verify"): timedelta(hours=1),
}
"""Time limits of the tasks that may run longer than half an hour."""
FEW_AT_ONCE = {
    ("notify_transitions", "pick_up"): 8,
    ("reconcile_carrier", "take_file"): 1,
    ("reconcile_daily", "publish"): 1,
    ("reconcile_daily", "mail"): 2,
    ("reconcile_monthly", "publish"): 1,
    ("reconcile_monthly", "mail"): 2,
}
"""For each mapped task with such a limit, the number of its copies that may run at once in a DAG run."""


def test_each_dag_runs_at_its_hour_in_vietnam_and_one_run_at_a_time_out_of_the_way(bag):
    """Each DAG runs at its hour in Vietnam. DAGs for which no citizen waits have a pool of their own."""
    day, minutes = timedelta(days=1), timedelta(minutes=5)
    expected = {
        "notify_transitions": ("*/5 * * * *", minutes, 4, "default_pool"),
        "settle_messages": ("*/5 * * * *", minutes, 1, "default_pool"),
        "apologize_due_tomorrow": ("30 17 * * *", day, 1, "default_pool"),
        "check_quality": ("30 5 * * *", day, 1, BACKGROUND_POOL),
        "reconcile_daily": ("30 6 * * *", day, 1, BACKGROUND_POOL),
        "reconcile_monthly": ("30 7 1 * *", day, 1, BACKGROUND_POOL),
        "reconcile_carrier": ("0 7 5,10 * *", day, 1, BACKGROUND_POOL),
        "purge_personal_data": ("30 2 * * *", day, 1, BACKGROUND_POOL),
        "verify_publications": ("30 3 * * *", day, 1, BACKGROUND_POOL),
        "clean_airflow": ("15 4 * * *", day, 1, BACKGROUND_POOL),
    }
    found = {}
    for dag in bag.dags.values():
        clock = getattr(dag.timetable, "timetable", dag.timetable)
        assert str(clock.timezone) == "Asia/Ho_Chi_Minh", dag.dag_id
        assert (dag.start_date, dag.catchup) == (datetime(2026, 1, 1, tzinfo=UTC), False), dag.dag_id
        (pool,) = {task.pool for task in dag.tasks}
        found[dag.dag_id] = (clock.expression, clock.interval, dag.max_active_runs, pool)
        assert {task.weight_rule for task in dag.tasks} == ({"absolute"} if pool == BACKGROUND_POOL else {"downstream"})
    assert found == expected


def test_a_task_has_half_an_hour_unless_its_work_is_long_and_few_mapped_tasks_run_at_once(bag):
    """A task must have enough time for its work.

    Parallel tasks must not use up the connections to the ledger or to the mail server.
    """
    tasks = {(dag.dag_id, task.task_id): task for dag in bag.dags.values() for task in dag.tasks}
    limits = {name: task.execution_timeout for name, task in tasks.items()}
    assert {name: limit for name, limit in limits.items() if limit != timedelta(minutes=30)} == LONG_TASKS
    at_once = {name: task.max_active_tis_per_dagrun for name, task in tasks.items()}
    assert {name: most for name, most in at_once.items() if most} == FEW_AT_ONCE


def test_each_task_waits_for_those_before_it(bag):
    ends = {"publish": {"to_publish"}, "recipients": {"publish"}, "mail": {"recipients"}, "gate": {"mail"}}
    expected = {
        "notify_transitions": {"pick_up": {"find_sources"}, "plan": {"pick_up"}, "send": {"plan"}, "gate": {"send"}},
        "settle_messages": {"gate": {"settle"}},
        "apologize_due_tomorrow": {
            "read_source": {"find_sources"},
            "apologize": {"read_source"},
            "send": {"apologize"},
            "gate": {"send"},
        },
        "check_quality": {
            "mail_department": {"check"},
            "gate": {"mail_department", "check_sources"},
        },
        "reconcile_daily": {"close": {"tie_complaints"}, "look_again": {"close"}, "to_publish": {"look_again"}} | ends,
        "reconcile_monthly": {"to_publish": {"close"}} | ends,
        "reconcile_carrier": {"take_file": {"find_files"}, "gate": {"take_file"}},
        "purge_personal_data": {"gate": {"purge", "remove_files"}},
        "verify_publications": {"gate": {"verify"}},
        "clean_airflow": {"remove_logs": {"clean_database"}, "gate": {"remove_logs"}},
    }
    found = {
        dag.dag_id: {task.task_id: task.upstream_task_ids for task in dag.tasks if task.upstream_task_ids}
        for dag in bag.dags.values()
    }
    assert found == expected
    go_on = {
        "notify_transitions": {"plan", "send"},
        "apologize_due_tomorrow": {"apologize", "send"},
        "reconcile_daily": {"to_publish", "recipients"},
        "reconcile_monthly": {"to_publish", "recipients"},
        "clean_airflow": {"remove_logs"},
    }
    for dag in bag.dags.values():
        after_all = {task.task_id for task in dag.tasks if task.trigger_rule == "all_done"}
        assert after_all == go_on.get(dag.dag_id, set()) | {"gate"}, "these tasks run even if a task before them failed"


@pytest.mark.parametrize("run_type", ["scheduled", "backfill"])
@pytest.mark.parametrize("dag_id", JOBS)
def test_each_task_hands_its_job_its_run_its_window_and_what_came_before(bag, monkeypatch, dag_id, run_type):
    """Each task must give its job the right arguments.

    If this fails, a gate may succeed although a task failed. Or a backfill may process all messages, and not only those
    of its time window.
    """
    own = import_module(f"motcua.jobs.tasks.{dag_id}")
    of_daily = import_module("motcua.jobs.tasks.reconcile_daily")
    for module, name in ((own, "name_of_body"), (of_daily, "name_of_body"), (of_daily, "words_of_closing")):
        monkeypatch.setattr(module, name, str, raising=False)
    run = SimpleNamespace(
        run_type=run_type,
        data_interval_start=WINDOW.start,
        data_interval_end=WINDOW.end,
        run_id=RUN,
        dag_id=dag_id,
        triggering_user_name="lan",
    )
    closed = {"close": [3], "look_again": None}
    ti = SimpleNamespace(
        get_task_states=lambda dag_id, run_ids: {run_ids[0]: {"plan": "failed", "send": "success"}},
        xcom_pull=lambda task_ids: (
            {"run_no": 5}
            if isinstance(task_ids, str)
            else [closed[each] for each in task_ids]
            if set(task_ids) <= set(closed)
            else [{"run_no": 5}, None]
        ),
    )
    window = WINDOW if run_type == "backfill" else EVERYTHING
    stands_for = {"window": window, "release": f"lan, {RUN}" if run_type == "backfill" else None}
    assert {task.task_id for task in bag.dags[dag_id].tasks} == {task for task, _, _ in JOBS[dag_id]}
    for task_id, name, handed in JOBS[dag_id]:
        context = {
            "dag_run": run,
            "run_id": RUN,
            "ti": ti,
            "dag": bag.dags[dag_id],
            "params": {"release_unknown": True},
        }
        function = bag.dags[dag_id].get_task(task_id).python_callable
        monkeypatch.setitem(function.__globals__, "get_current_context", lambda context=context: context)
        module = of_daily if (task_id, name, handed) in ENDS else own
        job = create_autospec(getattr(module, name), return_value="what it did")
        with monkeypatch.context() as patch:
            patch.setattr(module, name, job)
            answer = function(*(GIVEN[task_id] if signature(function).parameters else ()))
        (call,) = job.call_args_list
        expected = tuple(stands_for.get(each, each) if isinstance(each, str) else each for each in handed)
        assert (*call.args, *call.kwargs.values()) == expected, (task_id, call)
        assert answer == (None if task_id == "gate" else "what it did"), "each task but the gate returns its result"
