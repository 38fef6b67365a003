"""Watches sources: tells which have rows that were not picked up, and that messages wait for nobody.

Level-triggered: what a watcher tells it repeats until it is no longer so, and what is so is read from the ledger and
the sources each time. Many sources are asked the same small question again and again, from one thread, without waiting
for any of them: libpq is spoken to itself, a question goes out, and its answer is read when it is there. A source that
hangs costs its own connection and nothing else, and a look costs a fortieth of what a thread and a transaction for each
did (docs/decisions/reading-sources.md). How often each is asked the settings say: what a look costs is theirs to bear.
"""

from __future__ import annotations

import contextlib
import logging
import queue
import selectors
import threading
import time
import zlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
from psycopg import Error, pq
from psycopg.errors import error_from_result

from motcua.jobs.notices.sending.heartbeat import beating
from motcua.settings import settings
from motcua.sources import UnknownAdapter, adapter, pushed_sources
from motcua.sources.national_sync import NationalSyncSource
from motcua.sources.patience import answered_within
from motcua.store.ledger.database import LEDGER, Connection, limit_statements, open_connection, reason_without_values
from motcua.store.ledger.locks import LINGERING, WATCHING, is_held, share_lock
from motcua.store.ledger.queries import statement
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

LOOK_WITHIN = 5.0
"""Seconds that a look at a source may take."""
_OPEN_AT_ONCE = 32
"""Connections whose opening begins in the same tenth of a second."""
_NAME = b"motcua_look"
_TIMESTAMPTZ, _BIGINT, _TEXTS, _TIMESTAMPTZS, _BIGINTS = 1184, 20, 1009, 1185, 1016
"""PostgreSQL's own numbers of these types."""


@dataclass(frozen=True, slots=True)
class Waits:
    """How many seconds a watcher waits for others."""

    look: float = LOOK_WITHIN
    """For an answer of a source."""
    grace: float = 1.0
    """After that until a look is given up that the source's server did not end by itself."""
    connection: float = 10.0
    """Until a source whose connection is still being opened counts as one that does not answer."""
    pause: float = 5.0
    """Until a source that failed is tried again, each further time twice as long."""
    longest_pause: float = 60.0
    run: float = 10.0
    """For a run that was woken and may be on its way to its sender, each time twice as long: it finds all news by
    itself, so that waking others meanwhile would only take the cores from it."""
    longest_run: float = 60.0


USUAL = Waits()

Kept = Mapping[str, Any]
"""What the last pick-up of a source kept for the watcher."""


@dataclass(frozen=True, slots=True)
class Look:
    """What came of a look at a source."""

    source: str
    kept: Kept | None
    """What it was held against."""
    rows: Mapping[str, str | None] | None = None
    """What it counted; ``None``: it did not answer, or was not asked, since nothing was kept."""
    failure: str | None = None
    """Why it did not answer, without values."""

    @property
    def differs(self) -> bool:
        """It shows other rows than those that the last pick-up kept count of."""
        if self.failure is not None:
            return False
        if not self.kept:
            return True
        return self.rows != {name: None if value is None else str(value) for name, value in self.kept["rows"].items()}


@dataclass(slots=True, eq=False)
class _Line:
    """One connection, and what is asked over it: of one source, or of all that lie in the ledger itself."""

    sources: tuple[str, ...]
    of_ledger: bool
    connection: Connection | None = None
    question: _Question | None = None
    is_opening: bool = False
    opening_since: float = 0.0
    asked: dict[str, Kept] = field(default_factory=dict)
    rows: dict[str, Mapping[str, str | None]] = field(default_factory=dict)
    failure: str | None = None
    sent_at: float = 0.0
    has_answered: bool = False
    """Over the present connection."""
    failures: int = 0
    """One after the other."""
    open_at: float = 0.0
    is_slow: bool = False
    """It outlasted a round; later ones do not wait for it."""


@dataclass(frozen=True, slots=True)
class _Question:
    """The statement of a look."""

    text: bytes
    types: tuple[int, ...]
    is_prepared: bool


class Looks:
    """Connections to sources that stay open, one each; sources that lie in the ledger itself share one.

    For one thread alone, which calls :meth:`ask` and :meth:`turn` again and again.
    """

    def __init__(self, sources: Iterable[str], waits: Waits = USUAL) -> None:
        self._waits, names = waits, list(sources)
        in_ledger = tuple(name for name in names if _lies_in_ledger(name))
        self._lines = [_Line((name,), False) for name in names if name not in in_ledger]
        if in_ledger:
            self._lines.append(_Line(in_ledger, True))
        self._selector = selectors.DefaultSelector()
        self._guard = threading.Lock()
        self._opened: queue.SimpleQueue[tuple[_Line, Connection | None, _Question | None, str]] = queue.SimpleQueue()
        self._is_over = False
        self._open_next_at = 0.0

    @property
    def idle(self) -> list[str]:
        """Sources that can be asked now: their connection is open and no question is out."""
        return [name for line in self._lines if line.connection and not line.asked for name in line.sources]

    def ask(self, questions: Mapping[str, Kept | None]) -> list[Look]:
        """Asks idle sources whether they show what was kept count of at their last pick-up.

        Returns: the answers for those of which nothing was kept, which need no asking.
        """
        idle = [line for line in self._lines if line.connection and not line.asked]
        unread = [name for line in idle for name in line.sources if name in questions and not questions[name]]
        for line in idle:
            asked = {name: kept for name in line.sources if (kept := questions.get(name))}
            if asked:
                self._send(line, asked)
        return [Look(name, None) for name in unread]

    def turn(self, timeout: float) -> list[Look]:
        """Opens what is to be opened, and takes the answers that are there, or come within so many seconds."""
        answers = self._take_opened()
        self._begin_opening()
        waits_for_opening = any(line.is_opening for line in self._lines)
        for key, events in self._selector.select(min(timeout, 0.05) if waits_for_opening else timeout):
            answers += self._read(key.data, events)
        now = time.monotonic()
        for line in self._lines:
            if line.asked and line.sent_at + self._waits.look + self._waits.grace < now:
                answers += self._fail(line, f"no answer within {self._waits.look:.0f} s")
            elif line.is_opening and line.opening_since + self._waits.connection < now and not line.failures:
                # Its thread goes on waiting; meanwhile it is one that does not answer.
                answers += self._fail(line, f"no connection within {self._waits.connection:.0f} s")
        return answers + self._take_opened()

    def round(self, questions: Mapping[str, Kept | None], within: float) -> list[Look]:
        """One answer of each source that gives it in so many seconds; one that did not is not waited for again."""
        ends, answers = time.monotonic() + within, list[Look]()
        left = {name for name in questions if name in self._waited_for()}
        asked: set[str] = set()
        while True:
            new = {name: questions[name] for name in self.idle if name in questions and name not in asked}
            asked |= new.keys()
            answers += self.ask(new)
            answers += self.turn(0.0 if not left else max(0.0, min(0.02, ends - time.monotonic())))
            left -= {answer.source for answer in answers}
            if not left or time.monotonic() >= ends:
                break
        for line in self._lines:
            if not left.isdisjoint(line.sources):
                line.is_slow = True
        return answers

    def _waited_for(self) -> set[str]:
        now = time.monotonic()
        due = (line for line in self._lines if not line.is_slow and (line.connection or line.open_at <= now))
        return {name for line in due for name in line.sources}

    def close(self) -> None:
        """Closes all connections; one that is being opened is closed as soon as it is."""
        with self._guard:
            self._is_over = True
        for line in self._lines:
            self._hang_up(line)
        while not self._opened.empty():
            _, connection, _, _ = self._opened.get()
            if connection is not None:
                _close(connection)
        self._selector.close()

    def _begin_opening(self) -> None:
        now = time.monotonic()
        closed = [line for line in self._lines if not (line.connection or line.is_opening) and line.open_at <= now]
        if not closed or now < self._open_next_at:
            return
        self._open_next_at = now + 0.1
        # Those that failed come last, or many of them would keep the others from being opened.
        for line in sorted(closed, key=lambda each: each.failures)[:_OPEN_AT_ONCE]:
            line.is_opening, line.opening_since = True, now
            # A thread of its own, which may hang with its source; it holds up neither the others nor the end.
            threading.Thread(target=self._open, args=(line,), name=f"look {line.sources[0]}", daemon=True).start()

    def _open(self, line: _Line) -> None:
        connection, question, failure = None, None, ""
        try:
            connection, question = _connect(line, self._waits.look)
        except Exception as error:
            failure = reason_without_values(error)
        with self._guard:
            if not self._is_over:
                self._opened.put((line, connection, question, failure))
                return
        if connection is not None:
            _close(connection)

    def _take_opened(self) -> list[Look]:
        answers: list[Look] = []
        while not self._opened.empty():
            line, connection, question, failure = self._opened.get()
            line.connection, line.question = connection, question
            line.is_opening = line.has_answered = False
            if line.connection is None:
                answers += self._fail(line, failure)
            else:
                self._selector.register(line.connection.fileno(), selectors.EVENT_READ, line)
        return answers

    def _send(self, line: _Line, asked: dict[str, Kept]) -> None:
        assert line.connection is not None
        assert line.question is not None
        line.asked, line.rows, line.failure, line.sent_at = asked, {}, None, time.monotonic()
        values, pgconn = _values(line), line.connection.pgconn
        with contextlib.suppress(psycopg.Error):
            # Where that fails, reading the answer fails, too, and says so.
            if line.question.is_prepared:
                pgconn.send_query_prepared(_NAME, values)
            else:
                pgconn.send_query_params(line.question.text, values, line.question.types)
        self._flush(line)

    def _flush(self, line: _Line) -> None:
        assert line.connection is not None
        left = 1
        with contextlib.suppress(psycopg.Error):
            left = line.connection.pgconn.flush()
        events = selectors.EVENT_READ | (selectors.EVENT_WRITE if left else 0)
        if self._selector.get_key(line.connection.fileno()).events != events:
            self._selector.modify(line.connection.fileno(), events, line)

    def _read(self, line: _Line, events: int) -> list[Look]:
        assert line.connection is not None
        pgconn = line.connection.pgconn
        try:
            if events & selectors.EVENT_READ:
                pgconn.consume_input()
            if events & selectors.EVENT_WRITE:
                if pgconn.status != pq.ConnStatus.OK:
                    raise psycopg.OperationalError("the connection is lost")
                self._flush(line)
            while not pgconn.is_busy():
                result = pgconn.get_result()
                if result is None:
                    return self._answers(line)
                self._collect(line, result)
        except (psycopg.Error, OSError) as error:
            return self._fail(line, reason_without_values(error))
        return []

    def _collect(self, line: _Line, result: pq.abc.PGresult) -> None:
        if result.status != pq.ExecStatus.TUPLES_OK:
            line.failure = reason_without_values(error_from_result(result))
            return
        names = [(result.fname(column) or b"").decode() for column in range(result.nfields)]
        for row in range(result.ntuples):
            values = (result.get_value(row, column) for column in range(result.nfields))
            texts = (None if value is None else value.decode() for value in values)
            counted = dict(zip(names, texts, strict=True))
            source = counted.pop("source") if line.of_ledger else line.sources[0]
            line.rows[source or ""] = counted

    def _answers(self, line: _Line) -> list[Look]:
        if line.failure is not None:
            return self._fail(line, line.failure)
        asked, rows, line.asked, line.rows = line.asked, line.rows, {}, {}
        if asked:
            line.has_answered, line.failures, line.is_slow = True, 0, False
        return [Look(name, kept, rows.get(name, {})) for name, kept in asked.items()]

    def _fail(self, line: _Line, failure: str) -> list[Look]:
        """Hangs up; one that answered over this connection is connected to again at once, and nobody is told yet."""
        asked, answered = line.asked, line.has_answered
        self._hang_up(line)
        if answered and not failure.startswith(("QueryCanceled", "no answer")):
            return []
        line.failures += 1
        pause = self._waits.pause * 2 ** min(line.failures - 1, 10)
        line.open_at = time.monotonic() + min(self._waits.longest_pause, pause)
        return [Look(name, asked.get(name), failure=failure) for name in line.sources]

    def _hang_up(self, line: _Line) -> None:
        connection, line.connection, line.question = line.connection, None, None
        line.asked, line.rows, line.failure, line.has_answered = {}, {}, None, False
        if connection is not None:
            with contextlib.suppress(KeyError, ValueError, psycopg.Error):
                self._selector.unregister(connection.fileno())
            _close(connection)


def _lies_in_ledger(source: str) -> bool:
    try:
        return issubclass(adapter(settings().sources[source]), NationalSyncSource)
    except UnknownAdapter:
        return False


def _connect(line: _Line, within: float) -> tuple[Connection, _Question]:
    source = line.sources[0]
    kind = adapter(settings().sources[source])
    connection = open_connection(LEDGER if line.of_ledger else kind.connection_id(source))
    try:
        with answered_within(connection, within):
            if line.of_ledger:
                text: str = NationalSyncSource.watch_many()
                types: tuple[int, ...] = (_TEXTS, _TIMESTAMPTZS, _TIMESTAMPTZS, _BIGINTS)
            else:
                names = {"recorded_since": "$1", "updated_since": "$2", "after": "$3"}
                text = kind(connection, source).reading_query("watch") % names
                types = (_TIMESTAMPTZ, _TIMESTAMPTZ, _BIGINT)
            connection.autocommit = True
            connection.execute(statement("sources/looking/limit"), {"milliseconds": int(within * 1000)})
            question = _Question(text.encode(), types, connection.prepare_threshold is not None)
            if question.is_prepared:
                prepared = connection.pgconn.prepare(_NAME, question.text, types)
                if prepared.status != pq.ExecStatus.COMMAND_OK:
                    raise error_from_result(prepared)
            connection.pgconn.nonblocking = 1
    except BaseException:
        _close(connection)
        raise
    return connection, question


def _values(line: _Line) -> list[bytes | None]:
    if not line.of_ledger:
        (kept,) = line.asked.values()
        return [str(kept[name]).encode() for name in ("recorded_since", "updated_since", "after")]
    columns = [list(line.asked)]
    columns += [[str(kept[name]) for kept in line.asked.values()] for name in ("recorded_since", "updated_since")]
    columns.append([str(kept["after"]) for kept in line.asked.values()])
    # Names, times and numbers: none needs a quote in a list.
    return [f"{{{','.join(column)}}}".encode() for column in columns]


def _close(connection: Connection) -> None:
    # Really: one with a question out is of no use to anybody else.
    with contextlib.suppress(psycopg.Error):
        connection.close()


_LOOKS_A_SECOND = 600
"""As long as all sources of a watcher together are asked no more often, the quiet ones need not be asked less."""
_QUIET_AFTER = 60.0
"""Seconds without news from which on a source is asked less and less often."""


@dataclass(frozen=True, slots=True)
class Asking:
    """Statements a second, by the settings."""

    sources: int
    """How many are asked: those that push, or drop files, are not."""
    after_news: float
    """At a source that had news within the last minute."""
    at_rest: float
    """At a source that has had none for long."""
    together_at_rest: float
    """At all sources."""


def pause_of(silent_for: float, sources: float) -> float:
    """Seconds between two looks at a source.

    Args:
        silent_for: seconds since it last had news.
        sources: how many its watcher has.
    """
    least = settings().look_every
    most = min(max(settings().look_quiet, least), max(least, sources / _LOOKS_A_SECOND))
    return min(most, max(least, least * silent_for / _QUIET_AFTER))


def asking() -> Asking:
    """How often this installation's sources are asked, by watchers that share them evenly."""
    pushing = pushed_sources(settings().sources)
    sources = sum(name not in pushing for name in settings().sources)
    each = sources / settings().look_parts
    after_news, at_rest = 1 / pause_of(0, each), 1 / pause_of(float("inf"), each)
    return Asking(sources, after_news, at_rest, at_rest * sources)


log = logging.getLogger(__name__)

_TICK = 0.04
"""Seconds; what is due within it is asked together, so that many sources do not wake the watcher one by one."""
_REPEAT_AFTER, _REPEAT_AT_MOST_AFTER = 3.0, 60.0
"""Seconds until news is told again that nobody picked up, each time twice as long; or told at all while a sender picks
up news by itself."""
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

    def __init__(self, tell: Callable[[str], None], part: int = 0, parts: int = 1, waits: Waits = USUAL) -> None:
        """``tell``: called with the name of a source that has news, or with nothing when messages wait for nobody."""
        self._tell, self._part, self._waits = tell, part, waits
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
        self._woken_at, self._let_it_begin = float("-inf"), self._waits.run
        self._ask_ledger_at = self._read_all_at = 0.0

    def run(self, stop: threading.Event) -> None:
        """Watches until ``stop`` is set, whatever fails meanwhile."""
        while not stop.is_set():
            with contextlib.closing(Looks(self._sources, self._waits)) as looks:
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
            self._woken_at, self._let_it_begin = float("-inf"), self._waits.run
        return now >= self._woken_at + self._let_it_begin

    def _wake(self, source: str, now: float) -> None:
        if self._woken_at > float("-inf"):
            self._let_it_begin = min(self._waits.longest_run, self._let_it_begin * 2)
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
