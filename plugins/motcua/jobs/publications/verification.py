"""What ``motcua verify`` says: what it looked at, what holds, what does not, in words."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

from motcua.store.oversight.publications import Publication

MOST_TOLD = 30
"""Faults told of one file; the rest is counted."""


@dataclass(frozen=True, slots=True)
class Mismatch:
    """One thing that does not hold, in words."""

    where: str
    said: str

    def __str__(self) -> str:
        return f"{self.where}: {self.said}"


@dataclass(slots=True)
class Verification:
    """What was looked at, and what does not hold."""

    publication: Publication
    in_store: bool = True
    """The files were those in the store of publications, not a copy elsewhere."""
    begun_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    held: list[str] = field(default_factory=list)
    """What was looked at and holds, in words."""
    faults: list[Mismatch] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    """What is no fault and yet to be known: what could not be looked at, and why."""


def differing_values(path: str, was: object, now: object) -> Iterator[tuple[str, object, object]]:
    """Where two values of JSON differ: the path, the one, the other."""
    if isinstance(was, dict) and isinstance(now, dict):
        for name in sorted(was.keys() | now.keys()):
            yield from differing_values(f"{path}.{name}".lstrip("."), was.get(name), now.get(name))
    elif isinstance(was, list) and isinstance(now, list) and len(was) == len(now):
        for place, (left, right) in enumerate(zip(was, now, strict=True)):
            yield from differing_values(f"{path}[{place}]", left, right)
    elif was != now or isinstance(was, bool) != isinstance(now, bool):
        yield path, was, now


def not_too_many(where: str, faults: list[Mismatch]) -> list[Mismatch]:
    """As many faults of one place as anybody reads, and how many more there are."""
    if len(faults) <= MOST_TOLD:
        return faults
    return [*faults[:MOST_TOLD], Mismatch(where, f"{len(faults) - MOST_TOLD} more such differences")]


def shown(value: object) -> str:
    """A value as a sentence quotes it."""
    if value is None or value == "":
        return "nothing"
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 200 else f"{text[:199]}…"
