"""The tasks of the DAG ``reconcile_daily``: close days that are over, look at older ones again, publish, mail, gate.

``reconcile_monthly`` shares all that follows closing.
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
"""What is older is news to nobody, as after recipients were first named: it is mailed when somebody asks."""
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

    Returns: the numbers of the closings made now, and of those that stand and do not meet.
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
    """Ties complaints about dossiers that were not known when they were recorded; returns how many."""
    return relink()


def _days_due(last: Period) -> list[Period]:
    """The day, and days before it that are not closed, up to a month back and since the first one that is."""
    before = [Period(last.first - timedelta(days=n)) for n in reversed(range(1, _CATCH_UP))]
    with connect() as ledger:
        first = first_day(ledger)
        closed = newest_closings(ledger, before)
    missed = [day for day in before if first is not None and day.first > first.first and day not in closed]
    if missed:
        log.warning("%d days were not closed; they are closed now", len(missed))
    return [*missed, last]


def look_again(run_id: str, window: Window, now: datetime | None = None) -> list[int]:
    """Corrects periods that were closed some days ago; a backfill looks at nothing but its day.

    Returns: the numbers of the run's closings. What an earlier try corrected is not looked at again, but is judged.
    """
    if window is not EVERYTHING:
        return []
    recheck_closed(run_id, now)
    with without_values(), connect() as ledger:
        return closings_of_run(ledger, run_id)


@without_values()
def closings_to_publish() -> list[int]:
    """Closings that no publication tells of, also those that an earlier run left."""
    with connect() as ledger:
        return unpublished_closings(ledger)


def publish(closing_no: int) -> dict[str, Any]:
    """Publishes one closing and names the publication."""
    publication = publishing.publish(closing_no)
    return {"publication_no": publication.publication_no, "folder": publication.folder}


def letters_to_send(now: datetime | None = None) -> list[dict[str, Any]]:
    """The letters of this run, with what an earlier one left: publications and checks of the last days that bodies were
    never mailed, or not all of whose recipients were reached."""
    moment = now or datetime.now(UTC)
    return mailing_publications.letters_owed(moment - _MAILED_WITHIN, moment)


@without_values()
def words_of_closing(closing_no: int) -> str:
    """What the task of a closing is called in Airflow."""
    with connect() as ledger:
        period = period_words(load_closing(ledger, closing_no).period).replace("\u00a0", " ")
    return str(words()["closing_of"]).format(period=period, number=closing_no)


def mail(body: str, publications: Sequence[int], runs: Sequence[int]) -> dict[str, int]:
    """Mails a body's recipients their letter."""
    return mailing_publications.mail_publications(publications, body, runs)


def gate(closing_nos: Sequence[int], failed_tasks: Sequence[str] = ()) -> None:
    """The only leaf: red when a task failed, a source was not counted, or figures do not meet for no known reason.

    Raises:
        RunIncomplete: with what is left.
    """
    require_complete(closing_nos, failed_tasks)
