"""A watcher: tells which of its sources have rows that were not picked up, and that messages wait for nobody.

Level-triggered: what it tells it repeats until it is no longer so, and what is so is read from the ledger and the
sources each time.
"""

from __future__ import annotations

import contextlib
import logging
import threading
import time
import zlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from psycopg import Error

from motcua.jobs.notices.looking.asking import pause_of
from motcua.jobs.notices.looking.looks import Look, Looks
from motcua.jobs.notices.sending.heartbeat import beating
from motcua.settings import settings
from motcua.store.ledger.database import Connection, limit_statements, open_connection, reason_without_values
from motcua.store.ledger.locks import LINGERING, WATCHING, is_held, share_lock
from motcua.store.notices.messages import left_waiting
from motcua.store.notices.sources import (
    NEWS,
    SILENT,
    UNREAD,
    Told,
    WatchedSource,
    take_back,
    tell_of_sources,
    watched_sources,
)

log = logging.getLogger(__name__)

_TICK = 0.04
"""Seconds; what is due within it is asked together, so that many sources do not wake the watcher one by one."""
_REPEAT_AFTER, _REPEAT_AT_MOST_AFTER = 3.0, 60.0
"""Seconds until news is told again that nobody picked up, each time twice as long; or told at all while a sender picks
up news by itself."""
_LET_IT_BEGIN, _LET_IT_BEGIN_AT_MOST = 10.0, 60.0
"""Seconds for which a run that was woken may be on its way to its sender, each time twice as long: it finds all news by
itself, so that waking others meanwhile would only take the cores from it."""
_ASK_LEDGER_EVERY = 0.25
"""Seconds, while something is news; else four times as long."""
_READ_ALL_EVERY = 5.0
_LEFT_FOR = timedelta(seconds=2)
"""A message that is due for so long, while no sender goes on, waits for nobody."""
_LEDGER_WITHIN = 5.0


def part_of(source: str, parts: int) -> int:
    """Which of so many watchers a source falls to: always the same, whichever other sources there are."""
    return zlib.crc32(source.encode()) % parts


@dataclass(slots=True)
class _Telling:
    """When something is told that may go on for long: at once, and then more and more seldom while it is the same."""

    mark: object = None
    since: float = 0.0
    told_at: float = 0.0
    pause: float = _REPEAT_AFTER

    def is_due(self, mark: object, now: float, *, waits: bool = False) -> bool:
        """Whether it is to be told now; ``None`` is nothing to tell. Who ``waits`` does not tell it at once."""
        if mark != self.mark:
            self.mark, self.since, self.told_at, self.pause = mark, now, 0.0, _REPEAT_AFTER
        is_repeated = waits or bool(self.told_at)
        if mark is None or now - (self.told_at or self.since) < (self.pause if is_repeated else 0.0):
            return False
        self.told_at = now
        if is_repeated:
            self.pause = min(_REPEAT_AT_MOST_AFTER, self.pause * 2)
        return True


@dataclass(slots=True)
class _Watched:
    """One source, as far as its watcher knows it."""

    known: WatchedSource
    look_at: float = 0.0
    news_at: float = float("-inf")
    is_settled: bool = False
    """It was asked once, or did not answer."""
    differs: bool = False
    differs_since: float = 0.0
    differs_from: Mapping[str, Any] | None = None
    """What was kept when it began to."""
    is_silent: bool = False
    telling: _Telling = field(default_factory=_Telling)

    def has_news(self, now: datetime) -> bool:
        """By what was last seen of it."""
        return self.differs or (not self.is_silent and self.known.ask_at is not None and self.known.ask_at <= now)

    def is_unread(self, now: float) -> bool:
        """It has the same news for longer than something may be due: whatever was kept of it meanwhile is the same."""
        if not self.differs or self.known.watch is not self.differs_from:
            self.differs_since, self.differs_from = now, self.known.watch
        return self.differs and now - self.differs_since >= settings().served_within.total_seconds()


def _nothing_told() -> dict[Told, dict[str, tuple[int, Mapping[str, Any] | None]]]:
    return {NEWS: {}, UNREAD: {}, SILENT: {}}


class Watcher:
    """Watches the sources of one part over one connection to the ledger, and one to each of them."""

    def __init__(self, tell: Callable[[str], None], part: int = 0, parts: int = 1) -> None:
        """``tell``: called with the name of a source that has news, or with nothing when messages wait for nobody."""
        self._tell, self._part = tell, part
        self._sources = {
            name: _Watched(WatchedSource(name, None, None))
            for name in settings().sources
            if part_of(name, parts) == part
        }
        self._ledger: Connection | None = None
        self._joined = contextlib.ExitStack()
        self._told: dict[Told, dict[str, tuple[int, Mapping[str, Any] | None]]] = _nothing_told()
        self._is_counted = False
        self._is_attended = False
        self._left_waiting = _Telling()
        self._woken_at, self._let_it_begin = float("-inf"), _LET_IT_BEGIN
        self._ask_ledger_at = self._read_all_at = 0.0

    def run(self, stop: threading.Event) -> None:
        """Watches until ``stop`` is set, whatever fails meanwhile."""
        while not stop.is_set():
            with contextlib.closing(Looks(self._sources)) as looks:
                try:
                    while not stop.is_set():
                        began = time.monotonic()
                        try:
                            self.turn(looks)
                        except Error as error:
                            # The ledger: the runs by the clock are red while it is away.
                            log.debug("watching: %s", reason_without_values(error))
                            self._leave_ledger()
                            stop.wait(2)
                        stop.wait(max(0.0, began + _TICK - time.monotonic()))
                except Exception as error:
                    log.warning("watching begins anew: %s", reason_without_values(error))
                    stop.wait(5)
                finally:
                    self._leave_ledger()

    def turn(self, looks: Looks) -> None:
        """Asks what is due, and tells what came of it.

        Raises:
            psycopg.Error: the ledger does not answer.
        """
        if self._ledger is None:
            self._join_ledger()
        now = time.monotonic()
        due = [name for name in looks.idle if self._sources[name].look_at <= now]
        answers = looks.ask({name: self._sources[name].known.watch for name in due})
        is_new = False
        for answer in answers + looks.turn(0.0):
            is_new |= self._take(answer, now)
        if is_new or now >= self._ask_ledger_at:
            self._ask_ledger(now)

    def _take(self, answer: Look, now: float) -> bool:
        """Whether a source begins or ends to have news, or to be silent."""
        watched = self._sources[answer.source]
        before = watched.is_settled, watched.differs, watched.is_silent
        watched.is_settled, watched.is_silent = True, answer.failure is not None
        if answer.failure is not None:
            watched.differs = False
        elif answer.kept is not watched.known.watch:
            # It was picked up while it was asked.
            watched.look_at = now
        else:
            watched.differs = answer.differs
            watched.look_at = now + pause_of(now - watched.news_at, len(self._sources))
        return before != (watched.is_settled, watched.differs, watched.is_silent)

    def _ask_ledger(self, now: float) -> None:
        ledger, moment = self._ledger, datetime.now(UTC)
        assert ledger is not None
        names = [name for name, each in self._sources.items() if each.has_news(moment)]
        if now >= self._read_all_at:
            self._read_all_at = now + _READ_ALL_EVERY
            self._read(ledger, list(self._sources), now)
        elif names:
            self._read(ledger, names, now)
        news = {name for name, each in self._sources.items() if each.has_news(moment)}
        self._ask_ledger_at = now + (_ASK_LEDGER_EVERY if news else 4 * _ASK_LEDGER_EVERY)
        self._is_attended = is_held(ledger, LINGERING)
        self._say(ledger, NEWS, news)
        self._say(ledger, UNREAD, {name for name, each in self._sources.items() if each.is_unread(now)})
        self._say(ledger, SILENT, {name for name, each in self._sources.items() if each.is_silent})
        if not self._is_counted and all(each.is_settled for each in self._sources.values()):
            # From now on nobody else needs to look.
            share_lock(ledger, WATCHING)
            self._is_counted = True
        for name, each in self._sources.items():
            mark = repr((each.known.watch, each.known.ask_at)) if name in news else None
            if mark is not None:
                each.news_at = now
            if (mark is None or self._may_wake(now)) and each.telling.is_due(mark, now, waits=self._is_attended):
                self._wake(name, now)
        if self._part == 0:
            self._tell_of_messages(ledger, moment, now)

    def _read(self, ledger: Connection, names: Iterable[str], now: float) -> None:
        """What the ledger has of sources; one that was picked up meanwhile is looked at anew."""
        asked = list(names)
        found = watched_sources(ledger, asked)
        for name in asked:
            watched, known = self._sources[name], found.get(name, WatchedSource(name, None, None))
            if known.watch != watched.known.watch:
                watched.known, watched.differs, watched.look_at = known, False, now
            elif known != watched.known:
                # What is being asked is held against this very count.
                watched.known = WatchedSource(name, watched.known.watch, known.ask_at)

    def _say(self, ledger: Connection, what: Told, names: set[str]) -> None:
        """In the ledger, for senders and runs: of these sources, and of no others."""
        said, kept = self._told[what], {name: self._sources[name].known.watch for name in self._sources}
        over = [name for name, (_, of) in said.items() if name not in names or of is not kept[name]]
        if over:
            take_back(ledger, what, [said.pop(name)[0] for name in over])
        if new := sorted(names - said.keys()):
            said.update({name: (key, kept[name]) for name, key in tell_of_sources(ledger, what, new).items()})

    def _tell_of_messages(self, ledger: Connection, moment: datetime, now: float) -> None:
        """Those that a sender left behind which was killed; a sender that goes on has them itself."""
        waiting = [] if self._is_attended else left_waiting(ledger, settings().gateways, moment - _LEFT_FOR, moment)
        if (not waiting or self._may_wake(now)) and self._left_waiting.is_due(tuple(waiting) or None, now):
            self._wake("", now)

    def _may_wake(self, now: float) -> bool:
        """No run that was woken is on its way still."""
        if self._is_attended:
            self._woken_at, self._let_it_begin = float("-inf"), _LET_IT_BEGIN
        return now >= self._woken_at + self._let_it_begin

    def _wake(self, source: str, now: float) -> None:
        if self._woken_at > float("-inf"):
            self._let_it_begin = min(_LET_IT_BEGIN_AT_MOST, self._let_it_begin * 2)
        self._woken_at = now
        self._tell(source)

    def _join_ledger(self) -> None:
        with contextlib.ExitStack() as joined:
            # One that is frozen loses its locks, and senders look themselves; and it ends those that it finds frozen.
            joined.enter_context(beating())
            ledger = joined.enter_context(contextlib.closing(open_connection()))
            ledger.autocommit = True
            limit_statements(ledger, _LEDGER_WITHIN)
            self._joined = joined.pop_all()
        self._ledger = ledger
        self._told, self._is_counted = _nothing_told(), False
        self._ask_ledger_at = self._read_all_at = 0.0
        self._read(ledger, list(self._sources), time.monotonic())

    def _leave_ledger(self) -> None:
        self._ledger = None
        with contextlib.suppress(Error):
            self._joined.close()
