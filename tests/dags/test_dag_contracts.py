"""Test each DAG's settings: id, runs, retries, deadline, the limits of a backfill, and the gate.

The gate is a run's last task. It fails if the run left work undone.
"""

from __future__ import annotations

import ast
import asyncio
import contextlib
import inspect
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from importlib import import_module
from inspect import isfunction, ismodule
from pathlib import Path
from textwrap import dedent
from types import SimpleNamespace
from typing import Any, TypeGuard
from zoneinfo import ZoneInfo

import pytest
from airflow.sdk import RetryAction
from airflow.sdk.definitions.deadline import DeadlineReference
from airflow.sdk.exceptions import AirflowTaskTimeout

from motcua.domain.run_window import EVERYTHING, Window
from motcua.jobs.notices import looking
from motcua.jobs.notices.picking_up import SourceFailed, pick_up
from motcua.jobs.notices.sending.sender import send
from motcua.jobs.notices.settling import settle
from motcua.jobs.notices.watching import ToRead
from motcua.orchestration import SourcesWatch, run_window, tell_red_gate
from motcua.settings import settings
from motcua.store.ledger.database import open_connection
from motcua.store.ledger.locks import LEADING, hold_lock
from tests.ground import NOW

ROOT = Path(__file__).parents[2]


def test_all_dags_import_and_have_their_fixed_ids(bag):
    assert bag.import_errors == {}
    assert set(bag.dags) == {
        "notify_transitions",
        "settle_messages",
        "apologize_due_tomorrow",
        "check_quality",
        "reconcile_daily",
        "reconcile_monthly",
        "reconcile_carrier",
        "purge_personal_data",
        "verify_publications",
        "clean_airflow",
    }


@pytest.mark.guarantee("airflow", "a quiet hour makes at most 150 task instances")
def test_quiet_hour_makes_at_most_150_task_instances(bag, runs_between):
    """If this fails, each added source costs Airflow more task instances, even in an hour without unread rows.

    The test counts the task instances of the scheduled runs in the busiest hour. Without unread rows, no watcher starts
    further runs, and all sources together need two tasks, whatever their number.
    """
    midnight = datetime(2026, 11, 25, tzinfo=ZoneInfo("Asia/Ho_Chi_Minh"))
    quiet = ToRead(news=[], quiet=[f"xa_{number}" for number in range(300)], failed=[])
    mapped = {"send": settings().senders, "pick_up": len(quiet.tasks)}
    by_hour: Counter[int] = Counter()
    for dag in bag.dags.values():
        tasks = sum(mapped.get(task.task_id, 1) if task.is_mapped else 1 for task in dag.tasks)
        for info in runs_between(dag.dag_id, midnight, midnight + timedelta(days=1, seconds=-1)):
            by_hour[info.run_after.astimezone(midnight.tzinfo).hour] += tasks
    assert len(by_hour) == 24
    assert max(by_hour.values()) <= 150, by_hour


CALL_A_GATEWAY = {
    ("notify_transitions", "send"),
    ("apologize_due_tomorrow", "send"),
    ("settle_messages", "settle"),
}


@pytest.mark.guarantee("airflow", "Airflow never retries a call of a gateway or a gate, and retries every other task")
def test_what_calls_a_gateway_and_gates_are_never_tried_again_and_all_others_are(bag):
    tasks = {(dag.dag_id, task.task_id): task for dag in bag.dags.values() for task in dag.tasks}
    assert tasks.keys() >= CALL_A_GATEWAY
    once = {name for name in tasks if name in CALL_A_GATEWAY or name[1] == "gate"}
    assert {name for name, task in tasks.items() if task.retries == 0} == once
    assert all(task.retries >= 2 for name, task in tasks.items() if name not in once)


def reached(function: Callable[..., Any], seen: frozenset[Callable[..., Any]] = frozenset()) -> set[Callable[..., Any]]:
    """Return the jobs that a function calls or refers to, and all jobs that those jobs refer to in turn."""
    function = inspect.unwrap(function)
    own = [function.__globals__.get(name) for name in function.__code__.co_names]
    of_modules = [getattr(each, name, None) for each in own if ismodule(each) for name in function.__code__.co_names]
    jobs = {each for each in own + of_modules if isfunction(each) and each.__module__.startswith("motcua.jobs.")}
    return jobs.union(*(reached(job, seen | jobs) for job in jobs - seen))


def job_of(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return the job that a task imports when it runs. The DAG file itself only connects tasks."""
    (imported,) = [node for node in ast.walk(ast.parse(dedent(inspect.getsource(function)))) if is_job(node)]
    return getattr(import_module(imported.module), imported.names[0].name)


def is_job(node: ast.AST) -> TypeGuard[ast.ImportFrom]:
    if not isinstance(node, ast.ImportFrom) or node.names[0].asname != "job":
        return False
    return (node.module or "").startswith("motcua.jobs.")


def test_those_that_call_a_gateway_are_those_whose_jobs_send_or_settle(bag):
    """``CALL_A_GATEWAY`` must name all tasks whose jobs call a gateway, because Airflow must not retry these tasks."""
    calling = {
        (dag.dag_id, task.task_id)
        for dag in bag.dags.values()
        for task in dag.tasks
        if reached(job_of(task.python_callable)) & {send, settle}
    }
    assert calling == CALL_A_GATEWAY


@pytest.mark.guarantee("airflow", "no task waits for a source that is down, and a task that never began is retried")
def test_a_source_that_is_away_is_not_waited_for_and_a_task_that_never_began_is_tried_again(bag):
    for dag_id, task_id in (("notify_transitions", "pick_up"), ("apologize_due_tomorrow", "read_source")):
        task = bag.dags[dag_id].get_task(task_id)
        for met in (SourceFailed("away"), RuntimeError("anything"), AirflowTaskTimeout()):
            assert task.retry_policy.evaluate(met, 1, 3).action is RetryAction.FAIL
        # A retry policy decides by the error that a task raised. A task that never began, or that was killed, raised no
        # error. Only ``retries`` makes Airflow retry such a task.
        assert task.retries >= 2


def longest_wait(task: Any) -> timedelta:
    """Return the longest possible total wait before the retries of a task.

    The wait doubles with each try, up to ``max_retry_delay``. A task that was cleared many times waits this long before
    each retry.
    """
    return task.retries * task.max_retry_delay if task.retries else timedelta()


def test_retries_of_the_run_of_each_minute_hold_up_a_message_for_less_than_a_minute(bag):
    """A citizen's message must not wait longer than a minute because Airflow retries a task."""
    assert bag.dags["notify_transitions"].tasks
    for task in bag.dags["notify_transitions"].tasks:
        assert longest_wait(task) < timedelta(minutes=1)
        if task.retries:
            assert task.retry_policy.evaluate(AirflowTaskTimeout(), 1, 3).action is RetryAction.FAIL


def test_all_retries_of_a_task_come_within_ten_minutes(bag):
    tasks = [task for dag in bag.dags.values() for task in dag.tasks]
    assert tasks
    for task in tasks:
        assert longest_wait(task) <= timedelta(minutes=10)
        assert not task.retries or task.retry_delay < task.max_retry_delay


@pytest.mark.guarantee("airflow", "a mail reports a DAG that turns red; if it stays red, another comes a day later")
def test_every_gate_tells_that_it_is_red_and_no_task_before_it_does(bag):
    tasks = [task for dag in bag.dags.values() for task in dag.tasks]
    assert {task.task_id for task in tasks if task.on_failure_callback} == {"gate"}
    gates = [task for task in tasks if task.task_id == "gate"]
    assert gates
    assert all(list(gate.on_failure_callback) == [tell_red_gate] for gate in gates)


@pytest.mark.guarantee("airflow", "a mail reports apologies that no gateway has accepted by 17:36")
def test_apologies_have_a_deadline_six_minutes_after_their_hour_and_nothing_else_has_one(bag):
    assert [dag.dag_id for dag in bag.dags.values() if dag.deadline] == ["apologize_due_tomorrow"]
    (deadline,) = bag.dags["apologize_due_tomorrow"].deadline
    timetable = bag.dags["apologize_due_tomorrow"].timetable
    # A scheduled run's logical date is the start of its interval, so the deadline adds the interval's length.
    assert deadline.interval - timetable.interval == timedelta(minutes=6)
    assert deadline.reference == DeadlineReference.DAGRUN_LOGICAL_DATE
    module, _, name = deadline.callback.path.rpartition(".")
    assert inspect.iscoroutinefunction(getattr(import_module(module), name))


def test_notify_transitions_is_woken_by_the_watcher_and_has_windows_for_backfills(bag, runs_between):
    dag = bag.dags["notify_transitions"]
    assert runs_between(dag.dag_id, NOW, NOW + timedelta(hours=1))
    watchers = [watcher for asset in dag.timetable.asset_condition.objects for watcher in asset.watchers]
    assert [type(watcher.trigger) for watcher in watchers] == [SourcesWatch]


def test_watcher_can_be_made_again_by_the_triggerer():
    """Airflow stores a watcher as text. It must be able to create the watcher from this text."""
    path, arguments = SourcesWatch(1, 3).serialize()
    module, name = path.rsplit(".", 1)
    watch = getattr(import_module(module), name)(**arguments)
    assert isinstance(watch, SourcesWatch)
    assert (watch.part, watch.parts) == (1, 3)


@pytest.mark.parametrize("run_type", ["scheduled", "manual", "asset_triggered"])
def test_only_a_backfill_is_bound_to_its_window(run_type):
    """Only a backfill is limited to its time window; any other run works on everything."""
    run = SimpleNamespace(run_type=run_type, data_interval_start=NOW, data_interval_end=NOW + timedelta(minutes=1))
    assert run_window({"dag_run": run}) is EVERYTHING
    run.run_type = "backfill"
    assert run_window({"dag_run": run}) == Window(NOW, NOW + timedelta(minutes=1))


def test_parsing_loads_nothing_heavy():
    """Airflow reads DAG files again and again, so they must not import slow packages."""
    code = (
        "import sys, airflow.sdk; before = set(sys.modules); import notify_transitions;"
        "heavy = {'pandas', 'great_expectations', 'fastapi', 'phonenumbers'};"
        "print(sorted(heavy & set(sys.modules) - before))"
    )
    answer = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | {"PYTHONPATH": f"{ROOT / 'dags'}:{ROOT / 'plugins'}"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert answer.stdout.strip().endswith("[]"), answer.stdout


async def _first_events(seconds: float) -> list[float]:
    """Let a watcher run for ``seconds``; return the times, in seconds from its start, at which it reported new rows."""
    told: list[float] = []
    began = time.monotonic()

    async def listen() -> None:
        async for _ in SourcesWatch().run():
            told.append(time.monotonic() - began)

    with contextlib.suppress(asyncio.TimeoutError):
        await asyncio.wait_for(listen(), seconds)
    return told


def test_watcher_tells_at_once_repeats_what_nobody_picks_up_and_is_quiet_otherwise(one_stop, configure, monkeypatch):
    """A watcher reports unread rows at once, and again while no run reads them."""
    monkeypatch.setattr(looking, "Watcher", partial(looking.Watcher, waits=looking.Waits(run=0.0)))
    configure(MOTCUA_LOOK_EVERY="0.1")
    told = asyncio.run(_first_events(5))
    assert told[0] < 2
    assert len(told) == 2, "the watcher reports again after three seconds"
    pick_up("khanhhoa", now=NOW)
    assert asyncio.run(_first_events(1)) == []


def test_watcher_leaves_fresh_news_to_a_sender_that_is_at_work(one_stop, configure):
    """While a sender reads the sources, a watcher waits some seconds before it reports unread rows."""
    configure(MOTCUA_LOOK_EVERY="0.1")
    with open_connection() as at_work:
        at_work.autocommit = True
        assert hold_lock(at_work, LEADING)
        told = asyncio.run(_first_events(4.5))
    assert len(told) == 1
    assert told[0] >= 3


def test_watcher_goes_on_when_one_source_is_away(one_stop, configure):
    configure(
        MOTCUA_LOOK_EVERY="0.1",
        MOTCUA_SOURCES="away,khanhhoa",
        AIRFLOW_CONN_ONESTOP_AWAY="postgres://nobody:secret-word@127.0.0.1:1/none",
    )
    assert len(asyncio.run(_first_events(2))) == 1
