"""Watching: whether a source has rows that were not picked up.

Level-triggered: the answer stays yes until a pick-up has taken the rows, so a signal that is lost is repeated.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Any

from psycopg import Error

from motcua.jobs.notices.picking_up import SourceFailed, connection_id, pick_up
from motcua.jobs.notices.planning import plan
from motcua.settings import settings
from motcua.sources import adapter
from motcua.store.ledger.database import Connection, connect, open_connection
from motcua.store.ledger.locks import LINGERING, is_held
from motcua.store.notices.sources import Source, list_sources

_LOOK_WITHIN = 5.0
"""Seconds that a look at a source may take."""
_TRY_AGAIN_AFTER = timedelta(seconds=45)
_LONGEST_SILENCE = timedelta(minutes=5)


def _differs(source: str, kept: Mapping[str, Any] | None, reading: Connection) -> bool:
    """Whether a source shows other rows inside the overlap than those that the last pick-up kept count of."""
    if not kept:
        return True
    try:
        reader = adapter(settings().sources[source])(reading, source)
        reader.limit_time(_LOOK_WITHIN)
        seen = reader.watch(
            datetime.fromisoformat(kept["recorded_since"]),
            datetime.fromisoformat(kept["updated_since"]),
            int(kept["after"]),
        )
        return bool(seen != kept["rows"])
    finally:
        reading.rollback()


def _was_silent_too_long(source: Source, now: datetime) -> bool:
    return source.picked_up_at is None or source.picked_up_at < now - _LONGEST_SILENCE


def _is_to_be_read(source: Source, now: datetime) -> bool:
    """Whether the row of a dossier of the source is to be read by now, because an old step waits for it."""
    return source.ask_at is not None and source.ask_at <= now


class SourceWatch:
    """Looks at one source again and again over connections that stay open."""

    def __init__(self, source: str) -> None:
        self.source = source
        self._ledger: Connection | None = None
        self._reading: Connection | None = None

    @property
    def is_attended(self) -> bool:
        """A sender is at work that picks up news by itself. To be asked after :meth:`see_news`."""
        return self._ledger is not None and is_held(self._ledger, LINGERING)

    def see_news(self) -> str | None:
        """A mark of what was last picked up, when the source has news beyond it; ``None``: no news.

        Raises:
            psycopg.Error: the source or the ledger does not answer; the next look connects anew.
        """
        try:
            if self._ledger is None:
                self._ledger = open_connection()
                self._ledger.autocommit = True
            if self._reading is None:
                self._reading = open_connection(connection_id(self.source))
            known = next((each for each in list_sources(self._ledger) if each.name == self.source), None)
            kept, ask_at = (known.watch, known.ask_at) if known else (None, None)
            has_news = (known is not None and _is_to_be_read(known, datetime.now(UTC))) or _differs(
                self.source, kept, self._reading
            )
            return repr((kept, ask_at)) if has_news else None
        except Error:
            self.close()
            raise

    def close(self) -> None:
        """Closes both connections."""
        for connection in (self._ledger, self._reading):
            if connection is not None:
                with contextlib.suppress(Error):
                    connection.close()
        self._ledger = self._reading = None


def sources_with_news(now: datetime) -> list[str]:
    """Sources to pick up in this run: those with news, those that cannot be asked, and those with an old step to be
    judged; each one at least every five minutes for the sake of quarantined rows, and one that failed again after three
    quarters of a minute, so that a server that does not even refuse a connection holds up few runs."""
    with connect() as ledger:
        known = {source.name: source for source in list_sources(ledger)}
    found, to_ask = [], []
    for name in settings().sources:
        source = known.get(name)
        if source is not None and source.failed_at:
            if source.failed_at < now - _TRY_AGAIN_AFTER:
                found.append(name)
        elif source is None or _was_silent_too_long(source, now) or _is_to_be_read(source, now):
            found.append(name)
        else:
            to_ask.append((name, source.watch))
    if to_ask:
        with ThreadPoolExecutor(len(to_ask)) as pool:
            answers = list(pool.map(lambda asked: _has_news(*asked), to_ask))
        found += [name for (name, _), news in zip(to_ask, answers, strict=True) if news]
    return found


def _has_news(source: str, kept: Mapping[str, Any] | None) -> bool:
    try:
        with open_connection(connection_id(source)) as reading:
            return _differs(source, kept, reading)
    except Exception:
        # Its pick-up will fail, and say why where people look.
        return True


def add_counts(total: dict[str, Any], counts: Mapping[str, Any]) -> None:
    """Adds one job's counts, and the counts by reason inside them, to a total."""
    for name, value in counts.items():
        if isinstance(value, Mapping):
            add_counts(total.setdefault(name, {}), value)
        else:
            total[name] = total.get(name, 0) + value


class CatchUp:
    """Picks up and plans what has come since the run began, for a sender that is still at work.

    A source that fails here is left to the next run, which is red for it. ``counts`` sums up what it did.
    """

    def __init__(self, longest: timedelta) -> None:
        """``longest``: how long a sender may go on."""
        self.counts: dict[str, dict[str, Any]] = {"picked_up": {}, "planned": {}}
        with connect() as ledger:
            failed = {source.name for source in list_sources(ledger) if source.failed_at}
        self._watches = [SourceWatch(source) for source in settings().sources if source not in failed]
        self._ends_at = time.monotonic() + longest.total_seconds()

    @property
    def is_over(self) -> bool:
        """The run has lasted long enough; the next one goes on."""
        return time.monotonic() >= self._ends_at

    def __call__(self) -> bool:
        """Whether there was news."""
        found = False
        for watch in list(self._watches):
            try:
                if watch.see_news() is not None:
                    add_counts(self.counts["picked_up"], asdict(pick_up(watch.source)))
                    found = True
            except (Error, SourceFailed):
                watch.close()
                self._watches.remove(watch)
        if found:
            add_counts(self.counts["planned"], asdict(plan()))
        return found

    def close(self) -> None:
        """Closes its connections."""
        for watch in self._watches:
            watch.close()
