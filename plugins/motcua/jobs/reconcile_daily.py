"""The tasks of the DAG ``reconcile_daily``: close days that are over, look at older ones again, publish, mail, gate."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from motcua.domain.reconciliation import Period
from motcua.jobs import mailing_publications, publishing
from motcua.jobs.keep_complaints import relink
from motcua.jobs.reconciling import NothingInScope, close_period, complain, recheck_closed
from motcua.store.closings import newest_day, unpublished_closings
from motcua.store.database import connect, without_values
from motcua.store.messages import EVERYTHING, Window

log = logging.getLogger(__name__)

_CATCH_UP = 31
"""Days that a run closes at most, when none was closed for a while."""


@without_values()
def close_days(run_id: str, window: Window, interval: Window, now: datetime | None = None) -> list[int]:
    """Closes the day before the run, and days before it that were missed; a backfill closes its own day alone.

    Args:
        run_id: the DAG run.
        window: what a backfill is bound to.
        interval: the data interval of a run by the clock, which ends on the day after the one that it closes.
        now: the cut-off; by default this moment.

    Returns: the numbers of the closings made now.
    """
    moment = now or datetime.now(UTC)
    last = Period.day_before(interval.end or moment)
    made = []
    for day in [last] if window is not EVERYTHING else _days_due(last):
        try:
            result = close_period(day, run_id, moment)
        except NothingInScope as nothing:
            log.info("%s", nothing)
            continue
        if result.changed:
            made.append(result.closing.closing_no)
    return made


@without_values()
def tie_complaints() -> int:
    """Ties complaints about dossiers that were not known when they were recorded; returns how many."""
    return relink()


def _days_due(last: Period) -> list[Period]:
    with connect() as ledger:
        newest = newest_day(ledger)
    if newest is None or newest.first >= last.first:
        return [last]
    missed = min((last.first - newest.first).days, _CATCH_UP)
    if missed > 1:
        log.warning("%d days were not closed; they are closed now", missed - 1)
    return [Period(last.first - timedelta(days=n)) for n in reversed(range(missed))]


def look_again(run_id: str, window: Window) -> list[int]:
    """Corrections of periods that were closed some days ago; a backfill looks at nothing but its day."""
    if window is not EVERYTHING:
        return []
    return [result.closing.closing_no for result in recheck_closed(run_id) if result.changed]


@without_values()
def closings_to_publish() -> list[int]:
    """Closings that no publication tells of, also those that an earlier run left."""
    with connect() as ledger:
        return unpublished_closings(ledger)


def publish(closing_no: int) -> dict[str, Any]:
    """Publishes one closing and names the publication."""
    publication = publishing.publish(closing_no)
    return {"publication_no": publication.publication_no, "folder": publication.folder}


def mails_to_send(publications: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Whom each publication is mailed to."""
    return [
        {"publication_no": each["publication_no"], "body": body}
        for each in publications
        for body in mailing_publications.bodies_of(each["publication_no"])
    ]


def mail(publication_no: int, body: str) -> dict[str, int]:
    """Mails one publication to one body's recipients."""
    return mailing_publications.mail_publication(publication_no, body)


def gate(closing_nos: Sequence[int], failed_tasks: Sequence[str] = ()) -> None:
    """The only leaf: red when a task failed, a source was not counted, or figures do not meet for no known reason.

    Raises:
        RunIncomplete: with what is left.
    """
    complain(closing_nos, failed_tasks)
