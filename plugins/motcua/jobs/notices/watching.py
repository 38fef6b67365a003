"""News of sources, for runs and for a sender that goes on: what watchers tell, or, where none live, own looks.

Level-triggered: the answer stays yes until a pick-up has taken the rows, so a signal that is lost is repeated.
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
from motcua.store.notices.sources import Source, ToldSource, list_sources, told_of_sources, watched_sources

log = logging.getLogger(__name__)

_LOOK_ALL_WITHIN = 2 * LOOK_WITHIN + 2
"""Seconds that a run waits for sources that it asks itself: to connect, and to answer."""
_TRY_AGAIN_AFTER = timedelta(seconds=45)
_LONGEST_SILENCE = timedelta(minutes=5)
_TASKS_ALONE, _TASKS_TOGETHER, _TASKS_OF_QUIET = 8, 4, 2
"""Mapped tasks of a run that read one source each, that share the others, and that share those without news."""
_PICK_UPS_AT_ONCE = 4
"""Of a sender; each needs a connection to the ledger, now and then a second one for a moment."""
_ROUND_WITHIN = 1.0
"""Seconds after which a sender goes on sending, whatever sources and pick-ups are not done yet."""

_END_WITHIN = 5.0
"""Seconds that a sender which ends waits for pick-ups under way."""


def _was_silent_too_long(source: Source, now: datetime) -> bool:
    return source.picked_up_at is None or source.picked_up_at < now - _LONGEST_SILENCE


def _is_to_be_read(source: Source, now: datetime) -> bool:
    """Whether the row of a dossier of the source is to be read by now, because an old step waits for it."""
    return source.ask_at is not None and source.ask_at <= now


def every_source_is_read_in() -> timedelta:
    """How long a source may be unread at most: a run by the clock reads those that were quiet for five minutes."""
    return _LONGEST_SILENCE + settings().notify_every


def is_watched(ledger: Connection) -> bool:
    """Whether watchers live for all sources, and have looked at each."""
    return lock_holders(ledger, WATCHING) >= settings().look_parts


@dataclass(frozen=True, slots=True)
class ToRead:
    """Sources to pick up in one run."""

    news: Sequence[str]
    """Those with news, that cannot be asked, or with an old step to be judged."""
    quiet: Sequence[str]
    """Those that were not read for long."""
    failed: Sequence[str]
    """Those that failed last time."""

    @property
    def names(self) -> list[str]:
        """All, those with news first and those that failed last."""
        return [*self.news, *self.quiet, *self.failed]

    @property
    def tasks(self) -> list[str]:
        """What each mapped task reads, names with commas between them. The quiet ones share a few tasks, since a task
        costs Airflow more than most pick-ups cost us."""
        return [*in_batches([*self.news, *self.failed]), *_dealt(self.quiet, _TASKS_OF_QUIET)]


def sources_to_read(now: datetime) -> ToRead:
    """Sources to pick up in this run: those with news, those that cannot be asked, and those with an old step to be
    judged; each one at least every five minutes for the sake of quarantined rows.

    One that failed is read again after three quarters of a minute; where watchers know that it does not answer still,
    after five minutes, since each time may hold up its run for as long as a source is waited for.
    """
    with connect() as ledger:
        known = {source.name: source for source in list_sources(ledger)}
        told = told_of_sources(ledger) if is_watched(ledger) else None
    news, quiet, failed, to_ask = list[str](), list[str](), list[str](), list[Source]()
    for name in settings().sources:
        source = known.get(name)
        says = told.get(name) if told is not None else None
        if source is not None and source.failed_at:
            pause = _LONGEST_SILENCE if says is not None and says.is_silent else _TRY_AGAIN_AFTER
            if source.failed_at < now - pause:
                failed.append(name)
        elif source is None or _is_to_be_read(source, now) or _is_told(says):
            news.append(name)
        elif _was_silent_too_long(source, now):
            quiet.append(name)
        elif says is None:
            to_ask.append(source)
    return ToRead([*news, *_differing(to_ask)], quiet, failed)


def in_batches(sources: Sequence[str]) -> list[str]:
    """What each mapped task reads, names with commas between them: the first ones alone, many others a few together."""
    if len(sources) <= _TASKS_ALONE + _TASKS_TOGETHER:
        return list(sources)
    alone, others = sources[:_TASKS_ALONE], sources[_TASKS_ALONE:]
    return [*alone, *_dealt(others, _TASKS_TOGETHER)]


def _dealt(sources: Sequence[str], tasks: int) -> list[str]:
    return [",".join(sources[start::tasks]) for start in range(min(tasks, len(sources)))]


def _is_told(says: ToldSource | None) -> bool:
    # The pick-up of one that does not answer will fail, and say why where people look.
    return says is not None and (says.has_news or says.is_silent)


def _differing(sources: list[Source]) -> list[str]:
    """Those that show other rows than were kept count of, and those that cannot be asked."""
    if not sources:
        return []
    with closing(Looks(source.name for source in sources)) as looks:
        answers = looks.round({source.name: source.watch for source in sources}, _LOOK_ALL_WITHIN)
    unchanged = {answer.source for answer in answers if answer.failure is None and not answer.differs}
    return [source.name for source in sources if source.name not in unchanged]


def left_unread(within: timedelta) -> list[SourceNow]:
    """Sources that show news for so long and that no pick-up reads, as seen by looks of its own; others were read, at
    the latest while this waited for it. Those that fail, or do not answer, are none of them."""
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
    """Adds one job's counts, and the counts by reason inside them, to a total."""
    for name, value in counts.items():
        if isinstance(value, Mapping):
            add_counts(total.setdefault(name, {}), value)
        else:
            total[name] = total.get(name, 0) + value


class CatchUp:
    """Picks up and plans what has come since the run began, for a sender that is still at work.

    Which sources have news it is told by the watchers; where one of them is missing it looks itself, and always into
    folders. A pick-up that takes long goes on while the sender sends. A source that fails is left to the next run,
    which is red for it, until one has picked it up again.
    ``counts`` sums up what it did.
    """

    def __init__(self, longest: timedelta, waits: Waits = USUAL, read_failed_every: float = 5.0) -> None:
        """``longest``: how long a sender may go on; ``waits``: for sources, where it looks itself;
        ``read_failed_every``: seconds after which it learns which sources fail."""
        self._waits, self._read_failed_every = waits, read_failed_every
        self.counts: dict[str, dict[str, Any]] = {"picked_up": {}, "planned": {}}
        self._failed: set[str] = set()
        self._failed_read_at = float("-inf")
        self._ledger: Connection | None = None
        self._looks: Looks | None = None
        self._pick_ups = _PickUps()
        self._folders = FolderLooks()
        self._ends_at = time.monotonic() + longest.total_seconds()
        self._is_closed = threading.Event()
        # What Airflow says of sources is known before its API server is away, and before there is news of them.
        threading.Thread(target=self._know_sources, name="connections", daemon=True).start()

    @property
    def is_over(self) -> bool:
        """The run has lasted long enough; the next one goes on."""
        return time.monotonic() >= self._ends_at

    def __call__(self) -> bool:
        """Whether there was news; within a second or so.

        Raises:
            psycopg.Error: the ledger does not answer.
        """
        found = False
        self._folders.look()
        for source, counts in self._pick_ups.of(self._news(), _ROUND_WITHIN):
            if counts is None:
                self._failed.add(source)
            else:
                add_counts(self.counts["picked_up"], asdict(counts))
                found = True
        if found:
            add_counts(self.counts["planned"], asdict(plan()))
        return found

    def close(self) -> None:
        """Closes its connections. Pick-ups that are under way are waited for a moment; they leave nothing half done."""
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
        if is_watched(self._ledger):
            if self._looks is not None:
                self._looks.close()
                self._looks = None
            told = told_of_sources(self._ledger)
            return [name for name in sources if name in told and told[name].has_news]
        known = watched_sources(self._ledger)
        if self._looks is None:
            self._looks = Looks(settings().sources, self._waits)
        questions = {name: known[name].watch if name in known else None for name in sources}
        news = {answer.source for answer in self._looks.round(questions, _ROUND_WITHIN) if answer.differs}
        now = datetime.now(UTC)
        news |= {name for name, each in known.items() if each.ask_at is not None and each.ask_at <= now}
        return [name for name in sources if name in news]


class _PickUps:
    """Pick-ups that go on while a sender sends, a few at a time."""

    def __init__(self) -> None:
        self._guard = threading.Condition()
        self._waiting: list[str] = []
        self._under_way: set[str] = set()
        self._ended: list[tuple[str, PickUpCounts | None]] = []
        self._threads = 0

    def of(self, sources: Sequence[str], within: float) -> list[tuple[str, PickUpCounts | None]]:
        """Begins those of these sources that are not under way, and returns those that have ended; of new ones the
        first is waited for so many seconds. ``None`` instead of counts: it failed."""
        with self._guard:
            # What ended just now is told first: it may have failed.
            known = self._under_way.union(source for source, _ in self._ended)
            new = [source for source in sources if source not in known]
            self._waiting += new
            self._under_way.update(new)
            while self._waiting and self._threads < min(_PICK_UPS_AT_ONCE, len(self._under_way)):
                self._threads += 1
                # One that takes long ends with the process at the latest; its transaction is rolled back.
                threading.Thread(target=self._work, name="pick-up", daemon=True).start()
            if new:
                self._guard.wait_for(lambda: bool(self._ended), within)
                # Those that end with it are planned with it.
                self._guard.wait_for(lambda: not self._under_way, within / 10)
            ended, self._ended = self._ended, []
        return ended

    def end(self, within: float) -> list[tuple[str, PickUpCounts | None]]:
        """Begins no more, and returns those that ended, waiting so many seconds for those under way."""
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
