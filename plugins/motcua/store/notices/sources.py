"""Read and write the state of sources: cursors, failures, status codes, and the signals of watchers.

A pick-up reads the new rows of one source into the ledger. A watcher queries the sources for news, which is unread
rows. If a source has news or does not answer, a watcher signals this with shared advisory locks of its own connection.
No table stores these signals. PostgreSQL releases the locks when the connection ends.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Literal

from psycopg.rows import class_row
from psycopg.types.json import Jsonb

from motcua.domain.numbering import Numbering
from motcua.store.ledger.database import Connection
from motcua.store.ledger.queries import statement
from motcua.store.ledger.rows import first, first_of, value_of, values_of


@dataclass(frozen=True, slots=True)
class SourceCursor:
    """How far pick-ups have read a source."""

    source_id: int
    name: str
    cursor_transition_id: int | None
    cursor_recorded_at: datetime | None
    cursor_updated_at: datetime | None
    look_back_at: datetime | None
    """The time from which a pick-up must also search for rows whose update time is before the cursor. A source with a
    wrong clock writes such rows."""
    set_back_from: datetime | None
    """Since when the source writes times earlier than times that it had written before, because its clock was set
    back."""
    set_back_at: datetime | None
    """When a pick-up last noticed such an earlier time."""


@dataclass(frozen=True, slots=True)
class SourceTroubles:
    """Faults that recent pick-ups noticed at a source."""

    set_back_from: datetime | None
    """Since when the source's clock is set back. ``None`` if no recent pick-up noticed this."""
    set_back_by: timedelta | None
    """How far the source's clock is set back at most. ``None`` if no recent pick-up noticed this."""
    renumbered_at: datetime | None
    """When a pick-up noticed that the source had restarted the numbering of its steps."""


@dataclass(frozen=True, slots=True)
class Source:
    """A source, with the values that the last pick-up stored."""

    source_id: int
    name: str
    cursor_recorded_at: datetime | None
    watch: Mapping[str, Any] | None
    """The values that the last pick-up stored. The watcher compares the source with these values."""
    picked_up_at: datetime | None
    failed_at: datetime | None
    failure: str | None
    """Why the last pick-up could not read the source. ``None`` if the last pick-up read the source."""
    ask_at: datetime | None
    """When a pick-up must next read a dossier's row again, to decide whether a step that was typed in late counts."""


def lock_source(connection: Connection, name: str, *, wait: bool) -> SourceCursor | None:
    """Lock a source against other pick-ups until the transaction ends, and return its cursor.

    Take an advisory lock. The row in ``sources`` stays unlocked. With ``wait``, wait until no other pick-up holds the
    lock. Without ``wait``, return ``None`` if another pick-up holds the lock.
    """
    held = connection.execute(statement("sources/wait_for" if wait else "sources/lock"), {"name": name}).fetchone()
    if held is None or not held["held"]:
        return None
    with connection.cursor(row_factory=class_row(SourceCursor)) as cursor:
        return cursor.execute(statement("sources/cursor"), {"name": name}).fetchone()


def ensure_source(connection: Connection, name: str) -> None:
    """Insert the source's row into ``sources`` if it is missing."""
    connection.execute(statement("sources/ensure"), {"name": name})


def list_sources(connection: Connection) -> list[Source]:
    """Return all sources, ordered by name."""
    return values_of(Source, connection.execute(statement("sources/list")))


def advance_source(
    connection: Connection,
    source_id: int,
    *,
    transition_id: int | None,
    recorded_at: datetime,
    updated_at: datetime,
    watch: dict[str, Any],
    look_back_at: datetime | None,
    set_back_by: timedelta | None,
    now: datetime,
) -> None:
    """Move the source's cursor forward, store the watcher's new values and clear the last failure.

    ``look_back_at`` is the time from which a pick-up must also search for rows whose update time is before the cursor.
    ``set_back_by`` is how far the source's clock was found to be set back. If one of these two is ``None``, its stored
    value stays unchanged.
    """
    connection.execute(
        statement("sources/advance"),
        {
            "source_id": source_id,
            "transition_id": transition_id,
            "recorded_at": recorded_at,
            "updated_at": updated_at,
            "watch": Jsonb(watch),
            "look_back_at": look_back_at,
            "set_back_by": set_back_by,
            "now": now,
        },
    )


def numberings_of(connection: Connection, source_id: int) -> list[Numbering]:
    """Return each restart of the source's numbering of steps, in the order of time (from
    ``motcua.source_numberings``)."""
    return values_of(Numbering, connection.execute(statement("sources/numberings"), {"source_id": source_id}))


def begin_numbering(connection: Connection, source_id: int, numbering: Numbering, now: datetime) -> None:
    """Record in ``motcua.source_numberings`` that a source restarted the numbering of its steps."""
    values = {"source_id": source_id, "recorded_from": numbering.recorded_from, "added": numbering.added, "now": now}
    connection.execute(statement("sources/begin_numbering"), values)


def troubles_of(connection: Connection, name: str, since: datetime) -> SourceTroubles | None:
    """Return the faults that pick-ups noticed at a source from ``since`` on, or ``None`` if there is no such
    source."""
    return first_of(SourceTroubles, connection.execute(statement("sources/troubles"), {"name": name, "since": since}))


def note_pick_up(connection: Connection, source_id: int, moved: Sequence[int], changed: Sequence[int]) -> None:
    """Record in ``pick_ups`` how many new rows a pick-up read, for the DAG run that this database session works for.

    Without a run, record nothing.

    Args:
        connection: the pick-up's connection.
        source_id: the source.
        moved: the dossier of each new transition.
        changed: the dossier of each dossier row that was new or had changed.
    """
    if moved or changed:
        values = {"source_id": source_id, "of_transitions": list(moved), "changed": list(changed)}
        connection.execute(statement("sources/note_pick_up"), values)


def note_failure(connection: Connection, name: str, failure: str, now: datetime) -> None:
    """Store why a pick-up could not read the source. The text is cut to 500 characters."""
    ensure_source(connection, name)
    connection.execute(statement("sources/fail"), {"name": name, "failure": failure, "now": now})


def status_map(connection: Connection, source_id: int, at: datetime) -> dict[int, int]:
    """Return the source's own status codes with the national codes that they stand for at the moment ``at`` (from
    ``motcua.status_meanings``)."""
    rows = connection.execute(statement("sources/statuses"), {"source_id": source_id, "at": at}).fetchall()
    return {row["source_status"]: row["status_code"] for row in rows}


@dataclass(frozen=True, slots=True)
class MappedStatus:
    """The national status that a status code of one source stands for, and the person who decided this."""

    source: str
    source_status: int
    status_code: int
    mapped_at: datetime
    ends_at: datetime | None
    """When the mapping ends. Only mappings of codes 1-10 end: the source contract fixes these codes, but an earlier
    version of the system let people map them."""
    mapped_by: str | None
    """The person who made the mapping. ``None`` if the mapping was made before the system recorded the person."""
    status_before: int | None


@dataclass(frozen=True, slots=True)
class Freshness:
    """How fresh the ledger's copy of a source is."""

    name: str
    picked_up_at: datetime | None
    """When the source was last read. ``None`` if it was never read."""
    failed_at: datetime | None
    failure: str | None
    last_transition_at: datetime | None
    """The recorded time of the newest transition that the ledger has from the source."""
    cursor_recorded_at: datetime | None
    """The recorded time up to which pick-ups have read the source's transitions."""

    @classmethod
    def of_unread(cls, name: str) -> Freshness:
        """Return the freshness of a source that was never read."""
        return cls(name, *[None] * 5)


def freshness_of_sources(connection: Connection, agencies: Sequence[str] | None) -> list[Freshness]:
    """Return how fresh the sources are that hold dossiers of these agencies, ordered by name.

    ``None`` stands for all sources.
    """
    return values_of(Freshness, connection.execute(statement("sources/freshness"), {"agencies": agencies}))


def map_status(
    connection: Connection, name: str, source_status: int, status_code: int, by: str, now: datetime | None = None
) -> bool:
    """Map a source's status code to a national code and record who did so.

    Return ``False`` if there is no such source.

    Raises:
        psycopg.errors.CheckViolation: codes 1-10 belong to the source contract and are never mapped.
    """
    given = {
        "name": name,
        "source_status": source_status,
        "status_code": status_code,
        "by": by,
        "now": now or datetime.now(UTC),
    }
    return bool(first(connection.execute(statement("sources/map_status"), given), "is_known"))


def mapped_statuses(connection: Connection) -> list[MappedStatus]:
    """Return every mapped status code, ordered by source (from ``motcua.status_meanings``)."""
    return values_of(MappedStatus, connection.execute(statement("sources/mapped_statuses")))


NEWS: Final = "news of sources"
UNREAD: Final = "news that nobody reads"
SILENT: Final = "sources that do not answer"
SourceSignal = Literal["news of sources", "news that nobody reads", "sources that do not answer"]
"""A fact about a source that a watcher can signal."""


@dataclass(frozen=True, slots=True)
class WatchedSource:
    """A source with the values that its watcher compares it with."""

    name: str
    watch: Mapping[str, Any] | None
    """The values that the last pick-up stored. ``None`` if the source was never read."""
    ask_at: datetime | None
    """When a pick-up must next read a dossier's row again, to decide whether a step that was typed in late counts."""


@dataclass(frozen=True, slots=True)
class SignalledSource:
    """Which signals watchers give about a source at present."""

    name: str
    has_news: bool
    has_unread: bool
    """``True`` if the source has had the same news for longer than the setting ``served_within`` allows, so that nobody
    seems to read the news."""
    is_silent: bool
    """``True`` if the source does not answer."""


def watched_sources(connection: Connection, names: Sequence[str] | None = None) -> dict[str, WatchedSource]:
    """Return the sources with these names, or all sources, by name. A name without a row in ``sources`` is left out."""
    rows = connection.execute(statement("sources/looking/watched"), {"names": None if names is None else list(names)})
    return {row["name"]: value_of(WatchedSource, row) for row in rows}


def signal_sources(connection: Connection, what: SourceSignal, names: Sequence[str]) -> dict[str, int]:
    """Signal ``what`` about these sources with one advisory lock for each source. Return the locks' keys by source.

    The key is a hash of the values that the last pick-up stored. When the next pick-up changes these values, the lock
    has no meaning any more.
    """
    rows = connection.execute(statement("sources/looking/take"), {"what": what, "names": list(names)})
    return {row["name"]: row["key"] for row in rows if row["is_told"]}


def end_source_signals(connection: Connection, what: SourceSignal, keys: Sequence[int]) -> None:
    """End signals of this connection by releasing their locks. ``keys`` come from ``signal_sources``."""
    connection.execute(statement("sources/looking/take_back"), {"what": what, "keys": list(keys)})


def source_signals(connection: Connection) -> dict[str, SignalledSource]:
    """Return the present signals of watchers about each source, by name."""
    rows = connection.execute(statement("sources/looking/told"), {"news": NEWS, "unread": UNREAD, "silent": SILENT})
    return {row["name"]: value_of(SignalledSource, row) for row in rows}
