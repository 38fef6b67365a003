"""Finds sources with *news* (unread rows), for runs and for running senders.

Watchers are Airflow triggers that query the sources all the time and signal news. If watchers are missing, this module
queries the sources itself. An *old* step is a transition that was typed in late. An old step counts only if a reading
of its dossier's row agrees with the step.

The signals are level-triggered: a source has news until a pick-up has read its rows, so a lost signal is repeated.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from motcua.domain.clock import is_longer_ago
from motcua.domain.watching.unserved import SourceNow
from motcua.jobs.exports.folders import FolderLooks
from motcua.jobs.notices.looking import LOOK_WITHIN, USUAL, Looks, Waits
from motcua.jobs.notices.picking_up import PickUpCounts, pick_up
from motcua.jobs.notices.planning import plan
from motcua.settings import settings
from motcua.sources import connection_of
from motcua.store.ledger.database import (
    Connection,
    connect,
    know_connections,
    open_connection,
    reason_without_values,
)
from motcua.store.ledger.locks import WATCHING, lock_holders
from motcua.store.notices.sources import SignalledSource, Source, list_sources, source_signals, watched_sources

log = logging.getLogger(__name__)

_LOOK_ALL_WITHIN = 2 * LOOK_WITHIN + 2
"""Seconds that a run waits for the sources that it queries itself. Within this time a source must accept a connection
and answer."""
_TRY_AGAIN_AFTER = timedelta(seconds=45)
_LONGEST_SILENCE = timedelta(minutes=5)
_TASKS_ALONE, _TASKS_TOGETHER, _TASKS_OF_QUIET = 8, 4, 2
"""Numbers of mapped tasks in a run: of tasks that read one source each, of tasks that share the other sources, and of
tasks that share the sources without news."""
_PICK_UPS_AT_ONCE = 4
"""Number of pick-ups that one sender runs at a time. Each pick-up needs a connection to the ledger, and sometimes a
second connection for a moment."""
_ROUND_WITHIN = 1.0
"""Seconds after which a sender goes on sending, even if queries of sources or pick-ups are still running."""

_CHECK_WATCHERS_EVERY = 1.0
"""Seconds after which a sender checks again whether all watchers are running. The watchers' signals are read far more
often."""
_END_WITHIN = 5.0
"""Seconds that an ending sender waits for running pick-ups."""


def _was_silent_too_long(source: Source, now: datetime) -> bool:
    return source.picked_up_at is None or is_longer_ago(source.picked_up_at, _LONGEST_SILENCE, now)


def _has_row_to_read(source: Source, now: datetime) -> bool:
    """Return whether an old step waits for a dossier's row in this source and the row is due to be read."""
    return source.ask_at is not None and source.ask_at <= now


def every_source_is_read_in() -> timedelta:
    """Return the longest time between two readings of a source. Each scheduled run reads the sources that were not read
    for five minutes."""
    return _LONGEST_SILENCE + settings().notify_every


def is_watched(ledger: Connection) -> bool:
    """Return whether the watchers of all sources are running and each of their sources has answered or failed once."""
    return lock_holders(ledger, WATCHING) >= settings().look_parts


@dataclass(frozen=True, slots=True)
class ToRead:
    """Sources to pick up in one run."""

    news: Sequence[str]
    """Sources with news, sources that cannot be asked, and sources with an old step whose dossier row is to be read."""
    quiet: Sequence[str]
    """Sources without news that were not read for five minutes."""
    failed: Sequence[str]
    """Sources whose last pick-up failed and that are to be tried again now."""

    @property
    def names(self) -> list[str]:
        """All sources: first the sources with news, last the sources that failed."""
        return [*self.news, *self.quiet, *self.failed]

    @property
    def tasks(self) -> list[str]:
        """The sources of each mapped task, separated by commas. Quiet sources share a few tasks, because starting a
        task takes Airflow more time than most pick-ups take."""
        return [*in_batches([*self.news, *self.failed]), *_shared_among(self.quiet, _TASKS_OF_QUIET)]


def sources_to_read(now: datetime) -> ToRead:
    """Return the sources to pick up in this run: sources with news, sources that cannot be asked, and sources with an
    old step whose dossier row is to be read. A source without failures that was not read for five minutes is read in
    any case, so that its quarantined rows are tried again.

    A source that failed is read again after 45 seconds. If watchers signal that the source is still silent, it is read
    again after five minutes, because each try may delay the run by the longest wait for a source.
    """
    with connect() as ledger:
        known = {source.name: source for source in list_sources(ledger)}
        signals = source_signals(ledger) if is_watched(ledger) else None
    news, quiet, failed, to_ask = list[str](), list[str](), list[str](), list[Source]()
    for name in settings().sources:
        source = known.get(name)
        signal = signals.get(name) if signals is not None else None
        if source is not None and source.failed_at:
            pause = _LONGEST_SILENCE if signal is not None and signal.is_silent else _TRY_AGAIN_AFTER
            if is_longer_ago(source.failed_at, pause, now):
                failed.append(name)
        elif source is None or _has_row_to_read(source, now) or _is_signalled(signal):
            news.append(name)
        elif _was_silent_too_long(source, now):
            quiet.append(name)
        elif signal is None:
            to_ask.append(source)
    return ToRead([*news, *_differing(to_ask)], quiet, failed)


def in_batches(sources: Sequence[str]) -> list[str]:
    """Return the sources of each mapped task, separated by commas: the first sources alone, the remaining sources in a
    few groups."""
    if len(sources) <= _TASKS_ALONE + _TASKS_TOGETHER:
        return list(sources)
    alone, others = sources[:_TASKS_ALONE], sources[_TASKS_ALONE:]
    return [*alone, *_shared_among(others, _TASKS_TOGETHER)]


def _shared_among(sources: Sequence[str], tasks: int) -> list[str]:
    return [",".join(sources[start::tasks]) for start in range(min(tasks, len(sources)))]


def _is_signalled(signal: SignalledSource | None) -> bool:
    # The pick-up of a silent source fails and shows staff the reason.
    return signal is not None and (signal.has_news or signal.is_silent)


def _differing(sources: list[Source]) -> list[str]:
    """Return sources that have other rows than the last pick-up stored, and sources that cannot be asked."""
    if not sources:
        return []
    with closing(Looks(source.name for source in sources)) as looks:
        answers = looks.round({source.name: source.watch for source in sources}, _LOOK_ALL_WITHIN)
    unchanged = {answer.source for answer in answers if answer.failure is None and not answer.differs}
    return [source.name for source in sources if source.name not in unchanged]


def left_unread(within: timedelta) -> list[SourceNow]:
    """Return sources that have had news for as long as ``within`` without being picked up.

    This function queries the sources itself. It leaves out sources that are picked up while it waits, that fail, or
    that do not answer.
    """
    left: dict[str, Source] = {}
    ends = time.monotonic() + within.total_seconds()
    with closing(Looks(settings().sources)) as looks:
        while True:
            now = datetime.now(UTC)
            with connect() as ledger:
                known = {
                    each.name: each
                    for each in list_sources(ledger)
                    if each.name in settings().sources
                    and not each.failed_at
                    and each.picked_up_at is not None
                    and each.picked_up_at <= now - within
                }
            asked = {
                name: each
                for name, each in known.items()
                if not left or (name in left and each.picked_up_at == left[name].picked_up_at)
            }
            questions = {name: each.watch for name, each in asked.items()}
            answers = looks.round(questions, _LOOK_ALL_WITHIN) if questions else []
            left = {answer.source: asked[answer.source] for answer in answers if answer.differs}
            if not left or time.monotonic() >= ends:
                break
            time.sleep(_ROUND_WITHIN)
    return [SourceNow(name, each.picked_up_at, is_failing=False, has_unread=True) for name, each in left.items()]


def add_counts(total: dict[str, Any], counts: Mapping[str, Any]) -> None:
    """Add one job's counts to a total, including nested counts, such as counts by reason."""
    for name, value in counts.items():
        if isinstance(value, Mapping):
            add_counts(total.setdefault(name, {}), value)
        else:
            total[name] = total.get(name, 0) + value


class CatchUp:
    """Picks up and plans news while a sender is running.

    Watchers signal which sources have news. If a watcher is missing, this class queries the sources itself. It always
    checks the folders of exports itself. A long pick-up goes on while the sender sends. A source that fails is left to
    the next runs, until a run has picked up the source again. ``counts`` sums up the work.
    """

    def __init__(self, longest: timedelta, waits: Waits = USUAL, read_failed_every: float = 5.0) -> None:
        """``longest`` limits how long a sender goes on. ``waits`` limits this object's own queries of sources.
        ``read_failed_every`` is the number of seconds between two queries of the ledger for failed sources."""
        self._waits, self._read_failed_every = waits, read_failed_every
        self.counts: dict[str, dict[str, Any]] = {"picked_up": {}, "planned": {}}
        self._failed: set[str] = set()
        self._failed_read_at = float("-inf")
        self._is_watched = False
        self._watch_checked_at = float("-inf")
        self._ledger: Connection | None = None
        self._looks: Looks | None = None
        self._pick_ups = _PickUps()
        self._folders = FolderLooks()
        self._ends_at = time.monotonic() + longest.total_seconds()
        self._is_closed = threading.Event()
        # The connections of the sources are read from Airflow at the start, so that they are known if Airflow's API
        # server fails later.
        threading.Thread(target=self._know_sources, name="connections", daemon=True).start()

    @property
    def is_over(self) -> bool:
        """Whether the run has lasted long enough, so that the next run takes over."""
        return time.monotonic() >= self._ends_at

    def __call__(self) -> bool:
        """Pick up and plan news, within about a second. Return whether there was news.

        Raises:
            psycopg.Error: the ledger does not answer.
        """
        found = False
        self._folders.look()
        for source, counts in self._pick_ups.begin_and_collect(self._news(), _ROUND_WITHIN):
            if counts is None:
                self._failed.add(source)
            else:
                add_counts(self.counts["picked_up"], asdict(counts))
                found = True
        if found:
            add_counts(self.counts["planned"], asdict(plan()))
        return found

    def close(self) -> None:
        """Wait a few seconds for running pick-ups, and close all connections. A pick-up that is cut off is rolled
        back."""
        self._is_closed.set()
        for _, counts in self._pick_ups.end(_END_WITHIN):
            if counts is not None:
                add_counts(self.counts["picked_up"], asdict(counts))
        self._folders.close(_END_WITHIN)
        if self._looks is not None:
            self._looks.close()
        if self._ledger is not None:
            self._ledger.close()

    def _know_sources(self) -> None:
        know_connections((connection_of(name, kind) for name, kind in settings().sources.items()), self._is_closed)
        self._folders.know_store()

    def _news(self) -> list[str]:
        if self._ledger is None:
            self._ledger = open_connection()
            self._ledger.autocommit = True
        if time.monotonic() > self._failed_read_at + self._read_failed_every:
            self._failed = {source.name for source in list_sources(self._ledger) if source.failed_at}
            self._failed_read_at = time.monotonic()
        sources = [name for name in settings().sources if name not in self._failed]
        if time.monotonic() > self._watch_checked_at + _CHECK_WATCHERS_EVERY:
            self._is_watched, self._watch_checked_at = is_watched(self._ledger), time.monotonic()
        if self._is_watched:
            if self._looks is not None:
                self._looks.close()
                self._looks = None
            signals = source_signals(self._ledger)
            return [name for name in sources if name in signals and signals[name].has_news]
        known = watched_sources(self._ledger)
        if self._looks is None:
            self._looks = Looks(settings().sources, self._waits)
        questions = {name: known[name].watch if name in known else None for name in sources}
        news = {answer.source for answer in self._looks.round(questions, _ROUND_WITHIN) if answer.differs}
        now = datetime.now(UTC)
        news |= {name for name, each in known.items() if each.ask_at is not None and each.ask_at <= now}
        return [name for name in sources if name in news]


class _PickUps:
    """Pick-ups that run beside a sender, a few at a time."""

    def __init__(self) -> None:
        self._guard = threading.Condition()
        self._waiting: list[str] = []
        self._under_way: set[str] = set()
        self._ended: list[tuple[str, PickUpCounts | None]] = []
        self._threads = 0

    def begin_and_collect(self, sources: Sequence[str], within: float) -> list[tuple[str, PickUpCounts | None]]:
        """Begin a pick-up of each source that has none running, and return the pick-ups that have ended. If any pick-up
        was begun, wait up to ``within`` seconds for the first one to end. A failed pick-up has ``None`` instead of
        counts."""
        with self._guard:
            # The result of a pick-up that just ended is returned before its source is read again, since the pick-up may
            # have failed.
            known = self._under_way.union(source for source, _ in self._ended)
            new = [source for source in sources if source not in known]
            self._waiting += new
            self._under_way.update(new)
            while self._waiting and self._threads < min(_PICK_UPS_AT_ONCE, len(self._under_way)):
                self._threads += 1
                # A pick-up that still runs when the process ends is cut off. Its transaction is then rolled back.
                threading.Thread(target=self._work, name="pick-up", daemon=True).start()
            if new:
                self._guard.wait_for(lambda: bool(self._ended), within)
                # Pick-ups that end just after the first one are planned together with that one.
                self._guard.wait_for(lambda: not self._under_way, within / 10)
            ended, self._ended = self._ended, []
        return ended

    def end(self, within: float) -> list[tuple[str, PickUpCounts | None]]:
        """Begin no more pick-ups. Wait up to ``within`` seconds for running pick-ups, and return the pick-ups
        that have ended."""
        with self._guard:
            self._under_way.difference_update(self._waiting)
            self._waiting.clear()
            self._guard.wait_for(lambda: not self._under_way, within)
            ended, self._ended = self._ended, []
        return ended

    def _work(self) -> None:
        while True:
            with self._guard:
                if not self._waiting:
                    self._threads -= 1
                    return
                source = self._waiting.pop(0)
            counts = None
            try:
                counts = pick_up(source)
            except Exception as error:
                log.warning("%s is left to the next run: %s", source, reason_without_values(error))
            with self._guard:
                self._under_way.discard(source)
                self._ended.append((source, counts))
                self._guard.notify_all()
