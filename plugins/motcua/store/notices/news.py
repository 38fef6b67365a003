"""What watchers and those who pick up tell each other: which sources have news, and which do not answer.

It is told by advisory locks of the watchers' connections, so nothing is written for it, and what a watcher said ends
with it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal

from motcua.store.ledger.database import Connection
from motcua.store.ledger.queries import statement
from motcua.store.ledger.rows import value_of

NEWS: Final = "news of sources"
SILENT: Final = "sources that do not answer"
Told = Literal["news of sources", "sources that do not answer"]


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
    is_silent: bool
    """It does not answer."""


def watched_sources(connection: Connection, names: Sequence[str] | None = None) -> dict[str, WatchedSource]:
    """The sources of these names, or all, by name; one that nobody has picked up yet is missing."""
    rows = connection.execute(statement("sources/watched"), {"names": None if names is None else list(names)})
    return {row["name"]: value_of(WatchedSource, row) for row in rows}


def tell_of_sources(connection: Connection, what: Told, names: Sequence[str]) -> dict[str, int]:
    """Says so of these sources, as far as they were last picked up; returns by what number to take each back."""
    rows = connection.execute(statement("sources/telling/take"), {"what": what, "names": list(names)})
    return {row["name"]: row["key"] for row in rows if row["is_told"]}


def take_back(connection: Connection, what: Told, keys: Sequence[int]) -> None:
    """Says so no longer."""
    connection.execute(statement("sources/telling/take_back"), {"what": what, "keys": list(keys)})


def told_of_sources(connection: Connection) -> dict[str, ToldSource]:
    """What watchers say of each source, by name."""
    rows = connection.execute(statement("sources/telling/told"), {"news": NEWS, "silent": SILENT})
    return {row["name"]: value_of(ToldSource, row) for row in rows}
