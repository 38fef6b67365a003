"""The sources: cursors, what the watcher compares with and tells, failures, status maps.

What watchers tell, which sources have news and which do not answer, are advisory locks of their connections: nothing is
written for it, and it ends with them.
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
    """How far a source has been read."""

    source_id: int
    name: str
    cursor_transition_id: int | None
    cursor_recorded_at: datetime | None
    cursor_updated_at: datetime | None
    look_back_at: datetime | None
    """From when on rows are to be looked for that are stamped as of before."""
    set_back_from: datetime | None
    set_back_at: datetime | None
    """Since when, and when last, it wrote times that it had passed."""


@dataclass(frozen=True, slots=True)
class SourceTroubles:
    """What pick-ups met at a source lately."""

    set_back_from: datetime | None
    set_back_by: timedelta | None
    """Since when its clock was set back, and by how much at most; ``None``: it was not."""
    renumbered_at: datetime | None
    """When it was met to number its steps anew."""


@dataclass(frozen=True, slots=True)
class Source:
    """A source, as the last pick-up left it."""

    source_id: int
    name: str
    cursor_recorded_at: datetime | None
    watch: Mapping[str, Any] | None
    """What the watcher compares with, as it was kept."""
    picked_up_at: datetime | None
    failed_at: datetime | None
    failure: str | None
    """Why it could not be read the last time."""
    ask_at: datetime | None
    """When a row is to be read for an old step that waits for it."""


def lock_source(connection: Connection, name: str, *, wait: bool) -> SourceCursor | None:
    """The source's cursor, which nobody else moves until the transaction ends; its row is not locked.

    ``None``: another pick-up is at work on it. With ``wait`` that one is waited for.
    """
    held = connection.execute(statement("sources/wait_for" if wait else "sources/lock"), {"name": name}).fetchone()
    if held is None or not held["held"]:
        return None
    with connection.cursor(row_factory=class_row(SourceCursor)) as cursor:
        return cursor.execute(statement("sources/cursor"), {"name": name}).fetchone()


def ensure_source(connection: Connection, name: str) -> None:
    """Makes the source's row where it is missing."""
    connection.execute(statement("sources/ensure"), {"name": name})


def list_sources(connection: Connection) -> list[Source]:
    """All sources, by name."""
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
    """Moves the cursor on, keeps what the watcher compares with, and forgets the last failure.

    ``look_back_at``: when rows are next to be looked for that are stamped as of before; ``set_back_by``: how far the
    source's clock was found to have been set back; ``None``: as they are.
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
    """Each time that a source began to number its steps anew, in order."""
    return values_of(Numbering, connection.execute(statement("sources/numberings"), {"source_id": source_id}))


def begin_numbering(connection: Connection, source_id: int, numbering: Numbering, now: datetime) -> None:
    """Keeps that a source numbers its steps anew."""
    values = {"source_id": source_id, "recorded_from": numbering.recorded_from, "added": numbering.added, "now": now}
    connection.execute(statement("sources/begin_numbering"), values)


def troubles_of(connection: Connection, name: str, since: datetime) -> SourceTroubles | None:
    """What pick-ups met at a source since then; ``None``: nobody has read it."""
    return first_of(SourceTroubles, connection.execute(statement("sources/troubles"), {"name": name, "since": since}))


def note_pick_up(connection: Connection, source_id: int, moved: Sequence[int], changed: Sequence[int]) -> None:
    """Keeps for the run that the session works for what was read anew.

    Args:
        connection: of the pick-up.
        source_id: the source.
        moved: the dossier of each new transition.
        changed: the dossier of each row of a dossier that was new or had changed.
    """
    if moved or changed:
        values = {"source_id": source_id, "of_transitions": list(moved), "changed": list(changed)}
        connection.execute(statement("sources/note_pick_up"), values)


def note_failure(connection: Connection, name: str, failure: str, now: datetime) -> None:
    """Keeps why the source could not be read, cut to 500 characters."""
    ensure_source(connection, name)
    connection.execute(statement("sources/fail"), {"name": name, "failure": failure, "now": now})


def status_map(connection: Connection, source_id: int, at: datetime) -> dict[int, int]:
    """Status codes of this source that differ from the national ones, as they stand at a moment."""
    rows = connection.execute(statement("sources/statuses"), {"source_id": source_id, "at": at}).fetchall()
    return {row["source_status"]: row["status_code"] for row in rows}


@dataclass(frozen=True, slots=True)
class MappedStatus:
    """What a status code of a source stands for, and who said so."""

    source: str
    source_status: int
    status_code: int
    mapped_at: datetime
    ends_at: datetime | None
    """Of a code of the contract, which an earlier version let somebody map."""
    mapped_by: str | None
    """``None``: it was said before that was kept."""
    status_before: int | None


@dataclass(frozen=True, slots=True)
class Freshness:
    """How fresh a source is."""

    name: str
    picked_up_at: datetime | None
    """``None``: it was never read."""
    failed_at: datetime | None
    failure: str | None
    last_transition_at: datetime | None
    """What was recorded there last."""
    cursor_recorded_at: datetime | None
    """So far it was read."""

    @classmethod
    def of_unread(cls, name: str) -> Freshness:
        """Of one that was never read."""
        return cls(name, *[None] * 5)


def freshness_of_sources(connection: Connection, agencies: Sequence[str] | None) -> list[Freshness]:
    """How fresh the sources are that hold dossiers of these agencies, or (``None``) all, by name."""
    return values_of(Freshness, connection.execute(statement("sources/freshness"), {"agencies": agencies}))


def map_status(
    connection: Connection, name: str, source_status: int, status_code: int, by: str, now: datetime | None = None
) -> bool:
    """Says what a status code of a source stands for, and keeps who said so; ``False``: no such source.

    Raises:
        psycopg.errors.CheckViolation: codes 1-10 are the contract's and are never mapped.
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
    """Every status code of a source that was said to stand for another, by source."""
    return values_of(MappedStatus, connection.execute(statement("sources/mapped_statuses")))


NEWS: Final = "news of sources"
UNREAD: Final = "news that nobody reads"
SILENT: Final = "sources that do not answer"
Told = Literal["news of sources", "news that nobody reads", "sources that do not answer"]


@dataclass(frozen=True, slots=True)
class WatchedSource:
    """A source as its watcher compares it."""

    name: str
    watch: Mapping[str, Any] | None
    """What the last pick-up kept; ``None``: it was never read."""
    ask_at: datetime | None
    """When a row is to be read for an old step that waits for it."""


@dataclass(frozen=True, slots=True)
class ToldSource:
    """What watchers say of a source."""

    name: str
    has_news: bool
    has_unread: bool
    """It has the same news for longer than something may be due."""
    is_silent: bool
    """It does not answer."""


def watched_sources(connection: Connection, names: Sequence[str] | None = None) -> dict[str, WatchedSource]:
    """The sources of these names, or all, by name; one that nobody has picked up yet is missing."""
    rows = connection.execute(statement("sources/looking/watched"), {"names": None if names is None else list(names)})
    return {row["name"]: value_of(WatchedSource, row) for row in rows}


def tell_of_sources(connection: Connection, what: Told, names: Sequence[str]) -> dict[str, int]:
    """Says so of these sources, as far as they were last picked up; returns by what number to take each back."""
    rows = connection.execute(statement("sources/looking/take"), {"what": what, "names": list(names)})
    return {row["name"]: row["key"] for row in rows if row["is_told"]}


def take_back(connection: Connection, what: Told, keys: Sequence[int]) -> None:
    """Says so no longer."""
    connection.execute(statement("sources/looking/take_back"), {"what": what, "keys": list(keys)})


def told_of_sources(connection: Connection) -> dict[str, ToldSource]:
    """What watchers say of each source, by name."""
    rows = connection.execute(statement("sources/looking/told"), {"news": NEWS, "unread": UNREAD, "silent": SILENT})
    return {row["name"]: value_of(ToldSource, row) for row in rows}
