"""The tasks of the DAG ``reconcile_daily``: close finished days, recheck older ones, publish, mail, gate.

``reconcile_monthly`` shares all tasks that follow closing.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from motcua.dag_texts import words
from motcua.domain.periods import Period
from motcua.domain.run_window import EVERYTHING, Window
from motcua.jobs.handed_in.complaints import relink
from motcua.jobs.mailing import name_of_body as name_of_body
from motcua.jobs.publications import mailing as mailing_publications
from motcua.jobs.publications import publishing
from motcua.jobs.reconciliation.closing import NothingInScope, close_period, recheck_closed, require_complete
from motcua.reports.publication.data import period_words
from motcua.store.ledger.database import connect, without_values
from motcua.store.oversight.closings import (
    closings_of_run,
    first_day,
    load_closing,
    newest_closings,
    unpublished_closings,
)

log = logging.getLogger(__name__)

_MAILED_WITHIN = timedelta(days=4)
"""Largest age of a publication that a run mails. Older publications are mailed only on request, for example when
recipients are named for the first time."""
_CATCH_UP = 31
"""Largest number of days that one run closes if days were not closed before."""


@without_values()
def close_days(run_id: str, window: Window, interval: Window, now: datetime | None = None) -> list[int]:
    """Close the day before the run, and days before it that were missed. A backfill closes only its own day.

    Args:
        run_id: the DAG run.
        window: the window of a backfill.
        interval: the data interval of a scheduled run, which ends on the day after the day to close.
        now: the cut-off; by default the present moment.

    Returns: the numbers of the closings made now, and of earlier closings that still need somebody's attention.
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
        if result.must_be_looked_at:
            made.append(result.closing.closing_no)
    return made


@without_values()
def tie_complaints() -> int:
    """Link complaints to dossiers that were not known when the complaints were recorded. Return the number of links."""
    return relink()


def _days_due(last: Period) -> list[Period]:
    """Return the given day, and the unclosed days among the 30 days before it, but no day before the first closed
    day."""
    before = [Period(last.first - timedelta(days=n)) for n in reversed(range(1, _CATCH_UP))]
    with connect() as ledger:
        first = first_day(ledger)
        closed = newest_closings(ledger, before)
    missed = [day for day in before if first is not None and day.first > first.first and day not in closed]
    if missed:
        log.warning("%d days were not closed; they are closed now", len(missed))
    return [*missed, last]


def look_again(run_id: str, window: Window, now: datetime | None = None) -> list[int]:
    """Check periods again that were closed some days ago, and correct them if needed. A backfill checks no period.

    Returns: the numbers of the closings that this run stored in any try and that were not corrected later. If an
    earlier try corrected a period, this try does not check the period again, but the gate judges the correction.
    """
    if window is not EVERYTHING:
        return []
    recheck_closed(run_id, now)
    with without_values(), connect() as ledger:
        return closings_of_run(ledger, run_id)


@without_values()
def closings_to_publish() -> list[int]:
    """Return the closings that have no publication, including closings of earlier runs."""
    with connect() as ledger:
        return unpublished_closings(ledger)


def publish(closing_no: int) -> dict[str, Any]:
    """Publish one closing and return the publication's number and folder."""
    publication = publishing.publish(closing_no)
    return {"publication_no": publication.publication_no, "folder": publication.folder}


def letters_to_send(now: datetime | None = None) -> list[dict[str, Any]]:
    """Return the letters of this run, including letters that an earlier run did not send.

    A letter goes to a body (an authority or agency). It is about publications and quality checks of the last four days
    that a recipient of the body has not received.
    """
    moment = now or datetime.now(UTC)
    return mailing_publications.letters_owed(moment - _MAILED_WITHIN, moment)


@without_values()
def words_of_closing(closing_no: int) -> str:
    """Return the name of a closing's task in Airflow."""
    with connect() as ledger:
        period = period_words(load_closing(ledger, closing_no).period).replace("\u00a0", " ")
    return str(words()["closing_of"]).format(period=period, number=closing_no)


def mail(body: str, publications: Sequence[int], runs: Sequence[int]) -> dict[str, int]:
    """Mail a letter to the recipients of a body (an authority or agency), and count the mails."""
    return mailing_publications.mail_publications(publications, body, runs)


def gate(closing_nos: Sequence[int], failed_tasks: Sequence[str] = ()) -> None:
    """End the run: fail if a task failed, a source was not counted, figures differ without a known reason, or events of
    a closed period were not read.

    Raises:
        RunIncomplete: the run failed; the error has all findings.
    """
    require_complete(closing_nos, failed_tasks)
