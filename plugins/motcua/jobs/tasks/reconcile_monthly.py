"""The tasks of the DAG ``reconcile_monthly``: close a month, and the quarter and the year that end with it. All other
tasks are those of ``reconcile_daily``."""

from __future__ import annotations

import logging
from datetime import UTC, datetime

from motcua.domain.periods import Period
from motcua.domain.run_window import Window
from motcua.jobs.reconciliation.closing import NothingInScope, close_period
from motcua.store.ledger.database import without_values

log = logging.getLogger(__name__)


@without_values()
def close_month(run_id: str, interval: Window, now: datetime | None = None) -> list[int]:
    """Close the month before the run, or before the end of its data interval, and then the quarter and the year that
    end with that month.

    Returns: the numbers of the closings made now, and of earlier closings that still need somebody's attention.
    """
    moment = now or datetime.now(UTC)
    made = []
    try:
        for period in Period.month_before(interval.end or moment).ending_with:
            result = close_period(period, run_id, moment)
            if result.must_be_looked_at:
                made.append(result.closing.closing_no)
    except NothingInScope as nothing:
        log.info("%s", nothing)
    return made
