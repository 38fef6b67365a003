"""What the DAGs share: the run's window, their defaults, and the watcher that wakes them."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator, Mapping
from datetime import timedelta
from typing import Any

from airflow.triggers.base import BaseEventTrigger, TriggerEvent

from motcua.store.messages import EVERYTHING, Window

log = logging.getLogger(__name__)

DAG_DEFAULTS: dict[str, Any] = {
    "owner": "so-tttt",
    # The ledger is the only thing that retries a send; a task that failed is found by the next run or a backfill.
    "retries": 0,
    # A task that hangs (Airflow's fork can meet a held lock, apache/airflow#71707) must not hold up all later runs.
    "execution_timeout": timedelta(minutes=30),
}


def run_window(context: Mapping[str, Any]) -> Window:
    """The window that a run is bound to: a backfill's data interval; every other run handles all that is due.

    Manual and asset runs have no data interval at all, and the logical date says nothing about a window.
    """
    run = context["dag_run"]
    if str(getattr(run.run_type, "value", run.run_type)) != "backfill":
        return EVERYTHING
    return Window(run.data_interval_start, run.data_interval_end)


class SourcesWatch(BaseEventTrigger):
    """Yields an event while a source has rows that were not picked up.

    Level-triggered: it asks again and again, so an event that Airflow loses or merges is followed by another. The
    event carries no work; the run selects by the state of the database. Each source is watched by itself: one that
    hangs delays no other.
    """

    def __init__(self, every: float = 0.5, repeat_after: float = 3.0) -> None:
        super().__init__()
        self.every, self.repeat_after = every, repeat_after

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """How the triggerer makes it again."""
        return "motcua.orchestration.SourcesWatch", {"every": self.every, "repeat_after": self.repeat_after}

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Events, forever."""
        from motcua.settings import settings

        news: asyncio.Queue[str] = asyncio.Queue(maxsize=1)
        watches = [asyncio.create_task(self._watch(source, news)) for source in settings().sources]
        try:
            while True:
                source = await news.get()
                yield TriggerEvent({"source": source})
        finally:
            for watch in watches:
                watch.cancel()
            await asyncio.gather(*watches, return_exceptions=True)

    async def _watch(self, source: str, news: asyncio.Queue[str]) -> None:
        from asgiref.sync import sync_to_async

        eyes = _Eyes(source)
        look = sync_to_async(eyes.see_news, thread_sensitive=False)
        told, told_at = None, 0.0
        try:
            while True:
                try:
                    seen = await look()
                except Exception as failure:
                    # Quiet: the cron runs keep trying the source and are red while it is away.
                    log.debug("watching %s: %s", source, type(failure).__name__)
                    eyes.close()
                    await asyncio.sleep(5)
                    continue
                now = time.monotonic()
                if seen is not None and (seen != told or now - told_at > self.repeat_after):
                    told, told_at = seen, now
                    with contextlib.suppress(asyncio.QueueFull):
                        news.put_nowait(source)
                await asyncio.sleep(self.every)
        finally:
            eyes.close()


class _Eyes:
    """Connections of one source's watch, kept open between looks."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.ledger: Any = None
        self.reading: Any = None

    def see_news(self) -> str | None:
        """What was kept when the source had news beyond it; ``None``: no news."""
        from motcua.jobs.picking_up import connection_id, look_for_news
        from motcua.store.database import open_connection
        from motcua.store.sources import list_sources

        if self.ledger is None:
            self.ledger = open_connection()
            self.ledger.autocommit = True
        if self.reading is None:
            self.reading = open_connection(connection_id(self.source))
        kept = next((row["watch"] for row in list_sources(self.ledger) if row["name"] == self.source), None)
        return repr(kept) if look_for_news(self.source, kept, self.reading) else None

    def close(self) -> None:
        """Closes both; the next look opens them again."""
        for connection in (self.ledger, self.reading):
            if connection is not None:
                with contextlib.suppress(Exception):
                    connection.close()
        self.ledger = self.reading = None
