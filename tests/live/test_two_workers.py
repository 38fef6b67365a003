"""Test a real Celery with Redis and two workers: one worker is killed and one is stopped, each during a long queue."""

from __future__ import annotations

import pytest

from tests.prove.resilience.workers import TAKEN_OVER_WITHIN, two_workers, worker_lost_and_worker_stopped

pytestmark = pytest.mark.alone

HEARTBEAT = 60.0
"""Seconds without a heartbeat after which Airflow notices that a task is lost.

This test requires only that the other worker sends within this time. ``make prove ONLY=workers`` requires a shorter
time, on a machine without other load.
"""


@pytest.mark.guarantee(
    "workers",
    "a run sends from all workers; if one worker is killed or stopped, others go on; no message is lost or sent twice",
)
def test_worker_that_is_lost_or_stopped_loses_and_doubles_nothing_and_others_go_on():
    assert TAKEN_OVER_WITHIN < HEARTBEAT
    with two_workers() as workers:
        figures = worker_lost_and_worker_stopped(workers, moves=120, within=HEARTBEAT)
    short = [f"{figure.name}: {figure.value}, must reach {figure.must_reach}" for figure in figures if not figure.ok]
    assert not short, "\n".join(short)
