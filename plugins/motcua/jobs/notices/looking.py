"""Watches sources: signals which sources have *news*, that is, unread rows, and when due messages have no sender.

The signals are level-triggered: a watcher repeats a signal until its cause is gone, and reads the cause from the ledger
and the sources each time. One thread asks many sources the same small question again and again. One question to one
source is a *look*. The thread uses libpq directly and does not wait: it sends a question, and reads the answer once the
answer is there. A hanging source blocks only its own connection. With a thread and a transaction for each source, a
look would cost forty times as much (docs/decisions/reading-sources.md). Settings decide how often each source is asked,
because looks load the source's server.
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
from motcua.store.ledger.locks import LEADING, WATCHING, is_held, share_lock
from motcua.store.ledger.queries import statement
from motcua.store.notices.messages import left_waiting
from motcua.store.notices.sources import (
    NEWS,
    SILENT,
    UNREAD,
    SourceSignal,
    WatchedSource,
    end_source_signals,
    signal_sources,
    watched_sources,
)

LOOK_WITHIN = 5.0
"""Seconds that one look at a source may take."""
_OPEN_AT_ONCE = 32
"""Largest number of connections that are opened within the same tenth of a second."""
_NAME = b"motcua_look"
_TIMESTAMPTZ, _BIGINT, _TEXTS, _TIMESTAMPTZS, _BIGINTS = 1184, 20, 1009, 1185, 1016
"""PostgreSQL's numbers (OIDs) of the types that the parameters of a question have."""


@dataclass(frozen=True, slots=True)
class Waits:
    """How many seconds a watcher waits for sources and for runs."""

    look: float = LOOK_WITHIN
    """Longest wait for a source's answer."""
    grace: float = 1.0
    """Further wait after ``look``. After both waits the watcher gives up a look that the source's server did not end by
    itself."""
    connection: float = 10.0
    """Longest wait for a connection that is being opened. After this wait, the source is reported as silent."""
    pause: float = 5.0
    """Pause before a failed source is tried again. Each further pause is twice as long."""
    longest_pause: float = 60.0
    run: float = 10.0
    """Pause between starting two runs. Each further pause is twice as long. The first run finds all news by itself, so
    further runs would only compete with it for processor time."""
    longest_run: float = 60.0


USUAL = Waits()

Kept = Mapping[str, Any]
"""The values that the last pick-up (reading) of a source stored for the watcher."""


@dataclass(frozen=True, slots=True)
class Look:
    """The result of one look at a source."""

    source: str
    kept: Kept | None
    """The stored values that the answer is compared with."""
    rows: Mapping[str, str | None] | None = None
    """The source's answer; ``None`` if it gave none, or was not asked because no values are stored."""
    failure: str | None = None
    """Why the source did not answer, without any value of its rows."""

    @property
    def differs(self) -> bool:
        """Whether the source has other rows than the last pick-up stored."""
        if self.failure is not None:
            return False
        if not self.kept:
            return True
        return self.rows != {name: None if value is None else str(value) for name, value in self.kept["rows"].items()}


@dataclass(slots=True, eq=False)
class _Line:
    """A connection and its open question. The question is about one source, or about all sources that lie in the
    ledger's own database."""

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
    """Whether a question was answered over the present connection."""
    failures: int = 0
    """Number of times in a row that the connection failed."""
    open_at: float = 0.0
    is_slow: bool = False
    """Whether the source did not answer in time in a round. Later rounds do not wait for the source."""


@dataclass(frozen=True, slots=True)
class _Question:
    """The SQL statement of a look."""

    text: bytes
    types: tuple[int, ...]
    is_prepared: bool


class Looks:
    """Open connections to sources, one for each source. Sources that lie in the ledger's own database share one
    connection.

    Only one thread may use an instance. That thread calls :meth:`ask` and :meth:`turn` again and again.
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
        """Sources that can be asked now: their connection is open and has no open question."""
        return [name for line in self._lines if line.connection and not line.asked for name in line.sources]

    def ask(self, questions: Mapping[str, Kept | None]) -> list[Look]:
        """Ask idle sources whether their rows still agree with the values that the last pick-up stored.

        The answers are returned by later calls of :meth:`turn`.

        Returns: looks at the sources without stored values, which need no question.
        """
        idle = [line for line in self._lines if line.connection and not line.asked]
        unread = [name for line in idle for name in line.sources if name in questions and not questions[name]]
        for line in idle:
            asked = {name: kept for name in line.sources if (kept := questions.get(name))}
            if asked:
                self._send(line, asked)
        return [Look(name, None) for name in unread]

    def turn(self, timeout: float) -> list[Look]:
        """Open missing connections, and return the answers that are there or arrive within ``timeout`` seconds."""
        answers = self._take_opened()
        self._begin_opening()
        waits_for_opening = any(line.is_opening for line in self._lines)
        for key, events in self._selector.select(min(timeout, 0.05) if waits_for_opening else timeout):
            answers += self._read_answer(key.data, events)
        now = time.monotonic()
        for line in self._lines:
            if line.asked and line.sent_at + self._waits.look + self._waits.grace < now:
                answers += self._fail(line, f"no answer within {self._waits.look:.0f} s")
            elif line.is_opening and line.opening_since + self._waits.connection < now and not line.failures:
                # The thread that opens the connection goes on waiting. Until the thread ends, the source is reported as
                # silent.
                answers += self._fail(line, f"no connection within {self._waits.connection:.0f} s")
        return answers + self._take_opened()

    def round(self, questions: Mapping[str, Kept | None], within: float) -> list[Look]:
        """Ask each source once and return the answers that arrive within ``within`` seconds. Later rounds do not wait
        for a source that did not answer in time."""
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
        """Close all connections. A connection that is still being opened is closed as soon as it is open."""
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
        # Sources that failed come last. Otherwise many failing sources would delay the opening of working connections.
        for line in sorted(closed, key=lambda each: each.failures)[:_OPEN_AT_ONCE]:
            line.is_opening, line.opening_since = True, now
            # Each opening has a thread of its own, which may hang with its source. Such a thread blocks neither other
            # sources nor the end of the process.
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
            # If sending fails, reading the answer fails too and reports the error.
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

    def _read_answer(self, line: _Line, events: int) -> list[Look]:
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
        """Close a connection after a failure.

        A lost connection alone does not mean a silent source. So if the source had answered over the connection before,
        the connection is opened again at once and no failed look is returned. Any other failure is returned as a failed
        look. A query that took too long is always a failed look.
        """
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
    # Names, times and numbers need no quotes in a PostgreSQL array.
    return [f"{{{','.join(column)}}}".encode() for column in columns]


def _close(connection: Connection) -> None:
    # Close the connection for good: nobody else can use a connection with an open question.
    with contextlib.suppress(psycopg.Error):
        connection.close()


_LOOKS_A_SECOND = 600
"""Looks per second that a watcher should not exceed at quiet sources. The pause of a quiet source becomes longer than
twice the shortest pause only if this number would be exceeded."""
_QUIET_AFTER = 60.0
"""Seconds without news after which a source is asked less and less often."""


@dataclass(frozen=True, slots=True)
class Asking:
    """How many queries per second the settings lead to."""

    sources: int
    """How many sources are asked. Sources that push or deliver files are not asked."""
    after_news: float
    """Queries per second at a source that had news within the last minute."""
    at_rest: float
    """Queries per second at a source without news for a long time."""
    together_at_rest: float
    """Queries per second at all sources together, if none had news for a long time."""


def pause_of(silent_for: float, sources: float) -> float:
    """Return the seconds between two looks at a source.

    Args:
        silent_for: seconds since the source last had news.
        sources: how many sources the watcher has.
    """
    shortest = settings().look_every
    longest = min(max(settings().look_quiet, shortest), max(2 * shortest, sources / _LOOKS_A_SECOND))
    return min(longest, max(shortest, shortest * silent_for / _QUIET_AFTER))


def asking() -> Asking:
    """Return how often this installation's sources are asked, if the watchers share the sources evenly."""
    pushing = pushed_sources(settings().sources)
    sources = sum(name not in pushing for name in settings().sources)
    each = sources / settings().look_parts
    after_news, at_rest = 1 / pause_of(0, each), 1 / pause_of(float("inf"), each)
    return Asking(sources, after_news, at_rest, at_rest * sources)


log = logging.getLogger(__name__)

_TICK = 0.04
"""Shortest time in seconds between two turns of a watcher. Sources that are due within one tick are asked together, so
that many sources do not wake the watcher one by one."""
_REPEAT_AFTER, _REPEAT_AT_MOST_AFTER = 3.0, 60.0
"""Shortest and longest time in seconds until another run is started for the same unread rows. Each time is twice as
long as the time before. While a sender picks up news by itself, the first run is delayed by the shortest time, too."""
_ASK_LEDGER_EVERY = 0.25
"""Seconds between two queries of the ledger while there is news; without news four times as long."""
_READ_ALL_EVERY = 5.0
_LEFT_FOR = timedelta(seconds=2)
"""Time for which a message must be due, while no sender is running, before it is signalled as left behind."""
_LEDGER_WITHIN = 5.0


def part_of(source: str, parts: int) -> int:
    """Return which of ``parts`` watchers a source belongs to. The answer does not depend on the other sources."""
    return zlib.crc32(source.encode()) % parts


@dataclass(slots=True)
class _Signal:
    """Decides when to signal a lasting state: at once, and then less and less often while the state stays the same."""

    mark: object = None
    since: float = 0.0
    signalled_at: float = 0.0
    pause: float = _REPEAT_AFTER

    def is_due(self, mark: object, now: float, *, waits: bool = False) -> bool:
        """Return whether the state is to be signalled now. ``mark`` identifies the state; ``None`` means that there is
        nothing to signal. With ``waits``, the first signal is delayed, too."""
        if mark != self.mark:
            self.mark, self.since, self.signalled_at, self.pause = mark, now, 0.0, _REPEAT_AFTER
        is_repeated = waits or bool(self.signalled_at)
        if mark is None or now - (self.signalled_at or self.since) < (self.pause if is_repeated else 0.0):
            return False
        self.signalled_at = now
        if is_repeated:
            self.pause = min(_REPEAT_AT_MOST_AFTER, self.pause * 2)
        return True


@dataclass(slots=True)
class _Watched:
    """What a watcher stores about one source."""

    known: WatchedSource
    look_at: float = 0.0
    news_at: float = float("-inf")
    is_settled: bool = False
    """Whether the source answered or failed to answer at least once since this watcher began."""
    differs: bool = False
    differs_since: float = 0.0
    differs_from: Mapping[str, Any] | None = None
    """The values that the last pick-up had stored when the source began to differ from them."""
    is_silent: bool = False
    news_signal: _Signal = field(default_factory=_Signal)

    def has_news(self, now: datetime) -> bool:
        """Return whether the source has news by its last look, or an old step (typed in late) whose dossier row is due
        to be read."""
        return self.differs or (not self.is_silent and self.known.ask_at is not None and self.known.ask_at <= now)

    def is_unread(self, now: float) -> bool:
        """Return whether the source has had unread rows for longer than ``served_within`` while no pick-up stored new
        values."""
        if not self.differs or self.known.watch is not self.differs_from:
            self.differs_since, self.differs_from = now, self.known.watch
        return self.differs and now - self.differs_since >= settings().served_within.total_seconds()


def _no_signals() -> dict[SourceSignal, dict[str, tuple[int, Mapping[str, Any] | None]]]:
    return {NEWS: {}, UNREAD: {}, SILENT: {}}


class Watcher:
    """Watches the sources of one part, over one connection to the ledger and one to each source."""

    def __init__(self, wake: Callable[[str], None], part: int = 0, parts: int = 1, waits: Waits = USUAL) -> None:
        """``wake`` starts a run. It gets the name of a source that has news, or an empty text if due messages have no
        sender."""
        self._start_run, self._part, self._waits = wake, part, waits
        self._sources = {
            name: _Watched(WatchedSource(name, None, None))
            for name in settings().sources
            if part_of(name, parts) == part
        }
        self._ledger: Connection | None = None
        self._joined = contextlib.ExitStack()
        self._signalled: dict[SourceSignal, dict[str, tuple[int, Mapping[str, Any] | None]]] = _no_signals()
        self._is_counted = False
        self._is_attended = False
        self._left_waiting = _Signal()
        self._woken_at, self._wake_again_after = float("-inf"), self._waits.run
        self._ask_ledger_at = self._read_all_at = 0.0

    def run(self, stop: threading.Event) -> None:
        """Watch until ``stop`` is set, despite any failure."""
        while not stop.is_set():
            with contextlib.closing(Looks(self._sources, self._waits)) as looks:
                try:
                    while not stop.is_set():
                        began = time.monotonic()
                        try:
                            self.turn(looks)
                        except Error as error:
                            # The ledger does not answer. The runs of the DAG's schedule fail and show the reason.
                            log.debug("watching: %s", reason_without_values(error))
                            self._leave_ledger()
                            stop.wait(2)
                        stop.wait(max(began + _TICK, self._next_turn(looks)) - time.monotonic())
                except Exception as error:
                    log.warning("the watcher starts again after an error: %s", reason_without_values(error))
                    stop.wait(5)
                finally:
                    self._leave_ledger()

    def turn(self, looks: Looks) -> None:
        """Ask the sources that are due, and write the signals that follow from the answers.

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
            is_new |= self._take_answer(answer, now)
        if is_new or now >= self._ask_ledger_at:
            self._ask_ledger(now)

    def _next_turn(self, looks: Looks) -> float:
        """Return when the next turn is due, by the monotonic clock. The result is 0, which means at once, while a
        source is being asked or connected."""
        if self._ledger is None or len(looks.idle) < len(self._sources):
            return 0.0
        return min([self._ask_ledger_at, *(each.look_at for each in self._sources.values())])

    def _take_answer(self, answer: Look, now: float) -> bool:
        """Record an answer. Return whether the answer changed the stored state of its source: whether the source has
        news, is silent, or has answered or failed at all."""
        watched = self._sources[answer.source]
        before = watched.is_settled, watched.differs, watched.is_silent
        watched.is_settled, watched.is_silent = True, answer.failure is not None
        if answer.failure is not None:
            watched.differs = False
        elif answer.kept is not watched.known.watch:
            # The source was picked up while it was asked.
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
            self._read_known(ledger, list(self._sources), now)
        elif names:
            self._read_known(ledger, names, now)
        news = {name for name, each in self._sources.items() if each.has_news(moment)}
        self._ask_ledger_at = now + (_ASK_LEDGER_EVERY if news else 4 * _ASK_LEDGER_EVERY)
        self._is_attended = is_held(ledger, LEADING)
        self._signal(ledger, NEWS, news)
        self._signal(ledger, UNREAD, {name for name, each in self._sources.items() if each.is_unread(now)})
        self._signal(ledger, SILENT, {name for name, each in self._sources.items() if each.is_silent})
        if not self._is_counted and all(each.is_settled for each in self._sources.values()):
            # Senders recognise a running watcher by this lock, and then do not query the watcher's sources themselves.
            share_lock(ledger, WATCHING)
            self._is_counted = True
        for name, each in self._sources.items():
            mark = repr((each.known.watch, each.known.ask_at)) if name in news else None
            if mark is not None:
                each.news_at = now
            if (mark is None or self._may_wake(now)) and each.news_signal.is_due(mark, now, waits=self._is_attended):
                self._wake(name, now)
        if self._part == 0:
            self._signal_left_messages(ledger, moment, now)

    def _read_known(self, ledger: Connection, names: Iterable[str], now: float) -> None:
        """Read from the ledger the values that the last pick-ups stored. Ask a source again if it was picked up since
        the last reading of these values."""
        asked = list(names)
        found = watched_sources(ledger, asked)
        for name in asked:
            watched, known = self._sources[name], found.get(name, WatchedSource(name, None, None))
            if known.watch != watched.known.watch:
                watched.known, watched.differs, watched.look_at = known, False, now
            elif known != watched.known:
                # Keep the same object ``watch``: ``_take_answer`` compares its identity to see which values an answer
                # is about.
                watched.known = WatchedSource(name, watched.known.watch, known.ask_at)

    def _signal(self, ledger: Connection, what: SourceSignal, names: set[str]) -> None:
        """Write a signal to the ledger for exactly these sources, and end the signal of all other sources."""
        signalled, kept = self._signalled[what], {name: self._sources[name].known.watch for name in self._sources}
        ended = [name for name, (_, stored) in signalled.items() if name not in names or stored is not kept[name]]
        if ended:
            end_source_signals(ledger, what, [signalled.pop(name)[0] for name in ended])
        if new := sorted(names - signalled.keys()):
            signalled.update({name: (key, kept[name]) for name, key in signal_sources(ledger, what, new).items()})

    def _signal_left_messages(self, ledger: Connection, moment: datetime, now: float) -> None:
        """Signal due messages that a killed sender left behind. A running sender sends such messages itself."""
        waiting = [] if self._is_attended else left_waiting(ledger, settings().gateways, moment - _LEFT_FOR, moment)
        if (not waiting or self._may_wake(now)) and self._left_waiting.is_due(tuple(waiting) or None, now):
            self._wake("", now)

    def _may_wake(self, now: float) -> bool:
        """Return whether a run may be started. No run may be started while the previous run may still be starting."""
        if self._is_attended:
            self._woken_at, self._wake_again_after = float("-inf"), self._waits.run
        return now >= self._woken_at + self._wake_again_after

    def _wake(self, source: str, now: float) -> None:
        if self._woken_at > float("-inf"):
            self._wake_again_after = min(self._waits.longest_run, self._wake_again_after * 2)
        self._woken_at = now
        self._start_run(source)

    def _join_ledger(self) -> None:
        with contextlib.ExitStack() as joined:
            # If this watcher freezes, it loses its locks, and senders query its sources themselves. The watcher's
            # heartbeat also ends the sessions of other frozen processes.
            joined.enter_context(beating())
            ledger = joined.enter_context(contextlib.closing(open_connection()))
            ledger.autocommit = True
            limit_statements(ledger, _LEDGER_WITHIN)
            self._joined = joined.pop_all()
        self._ledger = ledger
        self._signalled, self._is_counted = _no_signals(), False
        self._ask_ledger_at = self._read_all_at = 0.0
        self._read_known(ledger, list(self._sources), time.monotonic())

    def _leave_ledger(self) -> None:
        self._ledger = None
        with contextlib.suppress(Error):
            self._joined.close()
