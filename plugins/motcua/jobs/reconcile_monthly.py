"""The tasks of the DAG ``reconcile_monthly``: close a month over its days; publishing and mails are the daily ones."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from motcua.domain.reconciliation import Period
from motcua.jobs.reconciling import close_period, complain
from motcua.store.database import without_values
from motcua.store.messages import EVERYTHING, Window


@without_values()
def close_month(run_id: str, window: Window, now: datetime | None = None) -> list[int]:
    """Closes the month before the run; of a backfill the month before the day that its window ends on. Returns the
    number of the closing, if it was made now."""
    moment = now or datetime.now(UTC)
    end = moment if window is EVERYTHING or window.end is None else window.end
    result = close_period(Period.month_before(end), run_id, moment)
    return [result.closing.closing_no] if result.changed else []


def gate(closing_nos: Sequence[int], failed_tasks: Sequence[str] = ()) -> None:
    """The only leaf, as that of ``reconcile_daily``.

    Raises:
        RunIncomplete: with what is left.
    """
    complain(closing_nos, failed_tasks)
