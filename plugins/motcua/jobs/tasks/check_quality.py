"""The tasks of the DAG ``check_quality``: check data quality, mail the Department, check the sources, gate. The DAG
``reconcile_daily`` mails the findings to agencies, in their morning letter."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, date, datetime
from typing import Any

from motcua.domain.checks import fault
from motcua.domain.clock import VIETNAM
from motcua.domain.run_window import EVERYTHING, Window
from motcua.jobs.checking.checking import check_sources as check_every_source
from motcua.jobs.gates import RunIncomplete, demand_nothing_left
from motcua.jobs.quality import mailing as mailing_quality
from motcua.jobs.quality.checking import QualityCounts, check_quality, sealed_run_of_day
from motcua.quality.reporting import get_run
from motcua.settings import settings
from motcua.store.ledger.database import connect, without_values

log = logging.getLogger(__name__)


@without_values()
def check(dag_run: str, window: Window, now: datetime | None = None) -> dict[str, Any]:
    """Check data quality and return the counts. For a backfill of a past day, return the counts of that day's last
    sealed run, whose results cannot change.

    A past day is not checked again, because the ledger does not show its past state.
    """
    moment = now or datetime.now(UTC)
    day = _past_day(window, moment)
    if day is None:
        return _plain(check_quality(dag_run, moment))
    with connect() as ledger:
        counts = sealed_run_of_day(ledger, day)
    if counts is None:
        log.warning("%s is past and was not checked; its state of that day is gone, so there is no report", day)
        return {"run_no": None, "day": day.isoformat()}
    log.info("%s is past: its sealed run %d is used, nothing is checked again", day, counts.run_no)
    return _plain(counts)


def check_sources(window: Window, now: datetime | None = None) -> dict[str, Any]:
    """Check each source against the contract. A backfill of a past day checks no source, since the past state of the
    sources is gone.

    Raises:
        RunIncomplete: a check failed for a reason other than the source. The results of the other sources are stored.
    """
    moment = now or datetime.now(UTC)
    if _past_day(window, moment) is not None:
        return {}
    counts = check_every_source()
    if counts.failed:
        detail = f"{', '.join(counts.failed)} could not be checked: motcua sources check"
        raise RunIncomplete([fault("gate_failed", "", detail)])
    return asdict(counts)


def _past_day(window: Window, moment: datetime) -> date | None:
    """Return the day of a backfill, or ``None`` if the day is not past or the run is no backfill."""
    day = None if window is EVERYTHING or window.end is None else window.end.astimezone(VIETNAM).date()
    return day if day is not None and day < moment.astimezone(VIETNAM).date() else None


def _plain(counts: QualityCounts) -> dict[str, Any]:
    return {name: value.isoformat() if isinstance(value, date) else value for name, value in asdict(counts).items()}


def mail_department(run_no: int | None) -> Any:  # noqa: ANN401 - the mailer's own counts
    """Mail the Department. No mail is sent on a day off, or before any dossier was read: an empty ledger must not look
    like clean data."""
    if run_no is None:
        return None
    with without_values(), connect() as ledger:
        run = get_run(ledger, run_no)
    if not run.working_day:
        return None
    if not (run.dossiers or run.findings or run.broken):
        log.info("run %d checked no dossier: nothing is mailed", run_no)
        return None
    return mailing_quality.mail_department(run_no, settings().department_recipients)


@without_values()
def gate(run_no: int | None, failed_tasks: Sequence[str] = ()) -> None:
    """End the run: fail if a task failed (the check, a mail), or a rule or an agency could not be checked. Faults in
    the data alone do not make the run fail.

    Raises:
        RunIncomplete: the run failed; the error has all findings.
    """
    left = []
    if run_no is not None:
        with connect() as ledger:
            run = get_run(ledger, run_no)
        if run.broken:
            detail = f"{run.broken} check(s) or agencies of run {run_no} are broken: motcua quality show"
            left.append(fault("quality_broken", str(run_no), detail, broken=run.broken, run=run_no))
    demand_nothing_left(failed_tasks, left)
