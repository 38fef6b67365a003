"""The tasks of the DAG ``notify_transitions``: find sources with news, pick up, plan, send, gate."""

from __future__ import annotations

import logging
from dataclasses import asdict
from datetime import datetime, timezone
from typing import Any

from motcua.jobs.picking_up import SourceFailed, pick_up, sources_with_news
from motcua.jobs.planning import plan
from motcua.jobs.receiving import read_left_over_receipts
from motcua.jobs.sending import send, unresolved
from motcua.settings import settings
from motcua.store.database import connect
from motcua.store.messages import EVERYTHING, Window
from motcua.store.sources import list_sources

log = logging.getLogger(__name__)


class RunIncomplete(Exception):
    """Something failed that may be retried; the run must be red, so that a backfill finds it."""


def find_sources(window: Window) -> list[str]:
    """Sources to pick up; with a window, all of them."""
    if window is not EVERYTHING:
        return list(settings().sources)
    return sources_with_news(datetime.now(timezone.utc))


def pick_up_source(source: str, window: Window) -> dict[str, Any]:
    """One source's pick-up and its counts.

    Raises:
        SourceFailed: the source could not be read.
    """
    counts = asdict(pick_up(source, window))
    log.info("%s: %s", source, counts)
    return counts


def plan_messages(window: Window) -> dict[str, Any]:
    """Planning and its counts."""
    counts = asdict(plan(window))
    log.info("planned: %s", counts)
    return counts


def send_messages(run_id: str, window: Window) -> dict[str, Any]:
    """Sending and its counts. While a long queue drains, sources with news are read and planned meanwhile."""
    read_left_over_receipts()
    counts = asdict(send(run_id, window, refresh=_catch_up))
    log.info("sent: %s", counts)
    return counts


def _catch_up() -> None:
    for source in sources_with_news(datetime.now(timezone.utc)):
        try:
            pick_up(source)
        except SourceFailed as failure:
            log.warning("%s", failure)
    plan()


def gate(run_id: str, window: Window) -> None:
    """The only leaf: red when something failed that may be retried, or a source could not be read.

    Raises:
        RunIncomplete: with what is left, in counts.
    """
    left = list(unresolved(run_id, window))
    with connect() as ledger:
        left += [
            f"source {row['name']} failed: {row['failure']}"
            for row in list_sources(ledger)
            if row["failed_at"] and row["name"] in settings().sources
        ]
    if left:
        raise RunIncomplete("; ".join(left))
