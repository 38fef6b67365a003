"""Test that a backfill releases messages in the name of its own starter, not of the repeated run's starter."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace

import pytest

from motcua.orchestration import RunRefused, refuse_misunderstandings, release_by
from tests.integration.upkeep.airflow_rows import AirflowRows

BEGAN = datetime(2026, 11, 24, 3, tzinfo=UTC)
ASKS = {"release_unknown": True}


def run_again(rows: AirflowRows, by: str | None, *, first_by: str | None) -> dict[str, object]:
    """Write a run that the person ``by`` made or repeated by a backfill, and return the context of its tasks.

    ``first_by`` is the person who triggered the run at first.
    """
    rows.dag("notify_transitions", BEGAN)
    rows.runs("notify_transitions", [BEGAN], run_type="backfill")
    rows.connection.execute("DELETE FROM backfill")
    rows._insert("backfill", {"id": 1, "dag_id": "notify_transitions", "triggering_user_name": by})
    row = rows.connection.execute(
        "UPDATE dag_run SET backfill_id = 1, triggering_user_name = %s RETURNING run_id", (first_by,)
    ).fetchone()
    assert row is not None
    run = SimpleNamespace(
        dag_id="notify_transitions",
        run_id=row["run_id"],
        run_type="backfill",
        conf=ASKS,
        data_interval_start=BEGAN,
        data_interval_end=BEGAN,
        triggering_user_name=first_by,
    )
    return {"dag_run": run, "params": ASKS}


@pytest.mark.guarantee("airflow", "a run releases messages only in the name of the person who started it")
@pytest.mark.parametrize("first_by", [None, "root", "lan", "hoa"])
def test_run_of_the_clock_that_a_backfill_runs_again_is_of_who_asked_for_the_backfill(
    airflow_rows: AirflowRows, first_by: str | None
) -> None:
    context = run_again(airflow_rows, "lan", first_by=first_by)
    refuse_misunderstandings(context)
    assert str(release_by(context)).startswith("lan, ")


@pytest.mark.parametrize("by", [None, "root"])
def test_who_ran_it_before_does_not_sign_for_a_backfill_of_nobody(airflow_rows: AirflowRows, by: str | None) -> None:
    """A backfill without a person's name is refused, although the run that it repeats had one."""
    with pytest.raises(RunRefused):
        refuse_misunderstandings(run_again(airflow_rows, by, first_by="hoa"))
