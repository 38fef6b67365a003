"""The tasks of the DAG ``reconcile_monthly``: close a month over its days; all else is as in ``reconcile_daily``."""

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
    """Closes the month before the run, or before the end of the data interval of a backfill or a run by the clock.

    Returns: the number of the closing, if it was made now, or stands and does not meet.
    """
    moment = now or datetime.now(UTC)
    try:
        result = close_period(Period.month_before(interval.end or moment), run_id, moment)
    except NothingInScope as nothing:
        log.info("%s", nothing)
        return []
    return [result.closing.closing_no] if result.must_be_looked_at else []
