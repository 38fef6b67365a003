"""The tasks of the DAG ``apologize_due_tomorrow``: read all sources, plan the evening's apologies, send, gate."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from motcua.domain.checks import Finding, fault
from motcua.domain.run_window import EVERYTHING, Window
from motcua.jobs.calendars import unconfirmed_years
from motcua.jobs.gates import RunIncomplete, demand_nothing_left
from motcua.jobs.notices.apologizing import apologize, apology_rules, evening_window, waiting_evenings
from motcua.jobs.notices.picking_up import pick_up
from motcua.jobs.tasks import notify_transitions
from motcua.settings import settings
from motcua.store.ledger.database import connect, without_values

log = logging.getLogger(__name__)


def find_sources() -> list[str]:
    """Return all sources, because an evening's apologies are planned only from rows that were read after the evening
    began."""
    return list(settings().sources)


def read_source(source: str, window: Window, now: datetime | None = None) -> dict[str, Any]:
    """Pick up one source and return its counts. Wait for a running pick-up, which may have begun before the evening.

    Raises:
        motcua.jobs.notices.picking_up.SourceFailed: the source could not be read.
    """
    counts = asdict(pick_up(source, window, now, waits=True))
    log.info("%s: %s", source, counts)
    return counts


def plan_apologies(window: Window) -> dict[str, Any]:
    """Plan apologies and return the counts."""
    counts = asdict(apologize(window))
    log.info("planned: %s", counts)
    return counts


def send_messages(run_id: str, window: Window) -> dict[str, Any]:
    """Send messages and return the counts. A backfill sends only its evening's apologies.

    Raises:
        RunIncomplete: messages wait because their template is not registered.
    """
    # The sender ends as soon as no message is due. It does not wait for unread rows of sources, because this run must
    # neither delay the next evening nor do the work of ``notify_transitions``.
    return notify_transitions.send_messages(run_id, evening_window(window, apology_rules()), lingers=False)


@without_values()
def gate(
    run_id: str,
    window: Window,
    failed_tasks: Sequence[str] = (),
    interval: Window = EVERYTHING,
    now: datetime | None = None,
) -> None:
    """End the run: fail for each reason for which a run of ``notify_transitions`` fails, or if an evening is not
    settled yet. An unconfirmed calendar of a year is only logged.

    Raises:
        RunIncomplete: the run failed; the error has all findings.
    """
    rules = apology_rules()
    left: list[Finding] = []
    try:
        notify_transitions.gate(run_id, evening_window(window, rules), failed_tasks, evening_window(interval, rules))
    except RunIncomplete as incomplete:
        left += incomplete.left
    now = now or datetime.now(UTC)
    for each in unconfirmed_years(now):
        log.warning(
            "the calendar of %d is not confirmed for %s: motcua calendar show %d, then motcua calendar confirm",
            each.year,
            each.province,
            each.year,
        )
    with connect() as ledger:
        left += [
            fault(
                "apologies_late",
                f"{day}",
                f"the apologies of the evening of {day:%d/%m/%Y} are not settled yet for {count} agency(ies);"
                " see the log of the task apologize",
                agencies=count,
                evening=rules.evening_of(day).isoformat(),
            )
            for day, count in waiting_evenings(ledger, window, now).items()
        ]
    demand_nothing_left((), left)
