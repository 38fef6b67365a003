"""The tasks of the DAG ``notify_transitions``: find sources with news (unread rows), pick up, plan, send, gate."""

from __future__ import annotations

import logging
import signal
import threading
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import asdict, replace
from datetime import UTC, datetime
from typing import Any

from motcua.domain.checks import fault
from motcua.domain.clock import VIETNAM
from motcua.domain.run_window import EVERYTHING, Window
from motcua.jobs.exports.taking import FolderFailed, has_unread_files, is_told_by_files, take_files
from motcua.jobs.gates import RunIncomplete, demand_nothing_left
from motcua.jobs.notices.apologizing import apologize
from motcua.jobs.notices.picking_up import SourceFailed, pick_up
from motcua.jobs.notices.planning import plan
from motcua.jobs.notices.receiving import read_left_over_receipts
from motcua.jobs.notices.sending.heartbeat import beating
from motcua.jobs.notices.sending.sender import send, unresolved
from motcua.jobs.notices.stopping import release
from motcua.jobs.notices.watching import CatchUp, add_counts, in_batches, sources_to_read
from motcua.jobs.watching.unserved import unserved_of_run
from motcua.settings import settings
from motcua.store.intake.exports import held_up
from motcua.store.ledger.database import LEDGER, DatabaseFailed, connect, kept_connections, without_values
from motcua.store.notices.messages import waiting
from motcua.store.notices.sources import list_sources
from motcua.store.notices.stops import stopped_messages, stops_in_force, waiting_for

log = logging.getLogger(__name__)

_LONGEST_NAME = 80
"""Largest number of characters in a mapped task's name; Airflow allows 250."""


@without_values()
def find_sources(window: Window) -> list[str]:
    """Return the sources that each mapped task picks up, separated by commas.

    These are the sources with news or with unread export files, and with a window all sources.
    """
    if window is not EVERYTHING:
        return in_batches(list(settings().sources))
    found = sources_to_read(datetime.now(UTC))
    dropped = [name for name in settings().sources if name not in found.names and _has_files(name)]
    return replace(found, news=[*found.news, *dropped]).tasks


def _has_files(source: str) -> bool:
    try:
        return is_told_by_files(source) and has_unread_files(source)
    except Exception:
        # The pick-up of this source will fail and show staff the reason.
        return True


def name_of_batch(sources: str) -> str:
    """Return the name of a mapped task that reads these sources."""
    return sources if len(sources) <= _LONGEST_NAME else f"{sources[: _LONGEST_NAME - 1]}…"


@beating()
def pick_up_sources(sources: str, window: Window) -> dict[str, Any]:
    """Pick up sources one after the other, and return their counts together. A source that fails stops no other source.

    Raises:
        FolderFailed: only one source was given, and its folder could not be read. The content of files that were
            imported earlier was still picked up.
        SourceFailed: at least one source could not be read.
    """
    names = sources.split(",")
    if len(names) == 1:
        return pick_up_source(sources, window)
    counts: dict[str, Any] = {}
    failures = []
    for name in names:
        try:
            add_counts(counts, pick_up_source(name, window))
        except (FolderFailed, SourceFailed, DatabaseFailed) as failure:
            failures.append(str(failure))
    if failures:
        raise SourceFailed("; ".join(failures))
    return counts


def pick_up_source(source: str, window: Window) -> dict[str, Any]:
    """Pick up one source and return its counts. Import new export files of the source first, if it has a folder.

    Raises:
        FolderFailed: the source's folder could not be read. The content of files that were imported earlier was still
            picked up.
        SourceFailed: the source could not be read.
    """
    failed: FolderFailed | None = None
    if window is EVERYTHING and is_told_by_files(source):
        try:
            with without_values():
                take_files(source)
        except FolderFailed as error:
            failed = error
    counts = asdict(pick_up(source, window))
    if failed is not None:
        raise failed
    log.info("%s: %s", source, counts)
    return counts


@without_values()
@beating()
def plan_messages(window: Window, release_by: str | None = None) -> dict[str, Any]:
    """Plan messages and return the counts. ``release_by`` names the person who releases the window's messages of
    unknown outcome, so that they are sent again."""
    counts = asdict(plan(window))
    if release_by is not None and window is not EVERYTHING:
        counts["released"] = len(release(release_by, "release_unknown", window))
    if window is EVERYTHING:
        # An evening's apologies are planned here if that evening's own run was skipped or could not read a source.
        counts["apologies"] = asdict(apologize(left_over=True))
    log.info("planned: %s", counts)
    return counts


@without_values()
@beating()
def send_messages(run_id: str, window: Window, *, lingers: bool = True, sender: int = 0) -> dict[str, Any]:
    """Send messages and return the counts.

    A sender of an ordinary run ``lingers``: it goes on while there is news, since a separate run for each burst of news
    would make citizens wait for seconds. A backfill sends only its window.

    ``sender`` is the number of the sender in the run. Each later sender may go on for one interval of the DAG's
    schedule longer, so that the senders do not all end at once.
    """
    read_left_over_receipts()
    with asked_to_stop() as stop:
        if window is not EVERYTHING or not lingers:
            counts = asdict(send(run_id, window, stop=stop))
        else:
            longest = settings().linger + sender * settings().notify_every
            # From the dossier's step to the request to the gateway, a message needs a dozen short transactions. So
            # connections to the ledger are reused. Connections to sources are not reused, because there are too many
            # sources.
            with kept_connections(LEDGER), closing(CatchUp(longest)) as catch_up:
                counts = asdict(send(run_id, catch_up=catch_up, stop=stop)) | {"meanwhile": catch_up.counts}
    counts["stopped_by_people"] = stopped_by_people(datetime.now(UTC))
    log.info("sent: %s", counts)
    if counts["unregistered"]:
        raise RunIncomplete(
            [
                fault("text_not_registered", why, f"{number} message(s) wait: {why}")
                for why, number in counts["unregistered"].items()
            ]
        )
    return counts


def stopped_by_people(now: datetime) -> list[str]:
    """Return the Department's stops in words, with the number of messages on hold for each."""
    with connect() as ledger:
        stops = stops_in_force(ledger, now)
        waiting = stopped_messages(ledger, now) if stops else []
    return [
        f"stop {stop.stop_id}, {stop.what} until {stop.until.astimezone(VIETNAM):%H:%M %d/%m/%Y}: "
        f"{waiting_for(stop, waiting)} message(s) wait"
        for stop in stops
    ]


@contextmanager
def asked_to_stop() -> Iterator[threading.Event]:
    """Yield an event that SIGTERM sets, so that a worker that shuts down ends with nothing in flight.

    Airflow forwards the signal to the task and goes on waiting for the task. Outside the main thread no signal can be
    received, so the event is never set there.
    """
    stop = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return
    before = signal.signal(signal.SIGTERM, lambda *_: stop.set())
    try:
        yield stop
    finally:
        signal.signal(signal.SIGTERM, before)


@without_values()
def gate(run_id: str, window: Window, failed_tasks: Sequence[str] = (), interval: Window = EVERYTHING) -> None:
    """End the run: fail if work is left undone, and name each reason.

    These are the reasons:

    - A task failed.
    - A source could not be read, or its export file is refused.
    - Failed sends may be retried.
    - A gap is open: the ledger was or may have been restored.
    - A gateway is paused after failures.
    - Work is due and no process does it, for any cause.

    A stop of the Department is only logged, because people know about the stop, and a backfill could not change it.

    ``interval`` is the data interval of a scheduled run. The run fails for failed messages of its interval, even if
    another run tried to send them, since a backfill of failed runs finds only scheduled runs.

    Raises:
        RunIncomplete: the run failed; the error has all findings.
    """
    for stopped in stopped_by_people(datetime.now(UTC)):
        log.warning("%s", stopped)
    left = list(unresolved(run_id, window))
    with connect() as ledger:
        if interval is not EVERYTHING and (failed := waiting(ledger, interval, datetime.now(UTC)).failed):
            detail = f"{failed} message(s) of this run's minutes failed and wait to be tried again"
            left.append(fault("messages_wait", "", detail, messages=failed))
        left += [
            fault(
                "source_failing",
                source.name,
                f"source {source.name} failed: {source.failure}",
                since=source.picked_up_at.isoformat() if source.picked_up_at else None,
            )
            for source in list_sources(ledger)
            if source.failed_at and source.name in settings().sources
        ]
        told_by_files = [name for name in settings().sources if is_told_by_files(name)]
        left += [
            fault(
                "file_refused",
                each.source,
                f"source {each.source}: its file {each.export_no} is refused, and no other was read since: motcua files"
                f" faults {each.export_no}",
                file=each.export_no,
            )
            for each in (held_up(ledger, told_by_files) if told_by_files else ())
        ]
    # If unserved work is the only reason, no mail about the run is sent, because the watch mails an alert about this
    # work (motcua.jobs.run_alerts).
    demand_nothing_left(failed_tasks, [*left, *unserved_of_run(window)])
