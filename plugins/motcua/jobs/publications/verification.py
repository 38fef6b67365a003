"""Holds the result of ``motcua verify`` in words: what was checked, and which faults were found."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any

from motcua.store.oversight.publications import Publication

MOST_TOLD = 30
"""Largest number of faults of one file that are listed. Further faults are only counted."""


MOST_LISTED = 20
"""Largest number of differing figures that are stored with their values. Further figures are only counted."""


@dataclass(frozen=True, slots=True)
class Mismatch:
    """One fault of a publication, in words."""

    where: str
    said: str

    def __str__(self) -> str:
        return f"{self.where}: {self.said}"


@dataclass(frozen=True, slots=True)
class DifferingFigure:
    """A figure whose present value differs from the published or the stored value.

    ``agency``, ``procedure`` and ``kind`` say which rows the figure counts. An empty ``kind``, for example,
    means all kinds.
    """

    agency: str
    procedure: str
    kind: str
    figure: str
    was: str
    """The figure as it was published or stored; empty if there was none."""
    became: str
    """The figure as it is counted now; empty if there is none."""


@dataclass(slots=True)
class Verification:
    """The result of verifying one publication."""

    publication: Publication
    in_store: bool = True
    """Whether the files were those in the store of publications, and not a copy elsewhere."""
    begun_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    held: list[str] = field(default_factory=list)
    """The checks that found no fault, in words."""
    faults: list[Mismatch] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    """Notes that are no faults, such as what could not be checked, and why."""
    figures: list[DifferingFigure] = field(default_factory=list)
    """The figures of messages, dossiers and agencies that differ."""

    @property
    def differing(self) -> dict[str, Any] | None:
        """The first differing figures, the number of all differing figures, and the published files that differ.

        ``None`` if nothing differs.
        """
        if not self.faults:
            return None
        files = {each["name"] for each in self.publication.manifest["files"]}
        return {
            "listed": [asdict(each) for each in self.figures[:MOST_LISTED]],
            "figures": len(self.figures),
            "files": sorted(files & {each.where for each in self.faults}),
        }


def differing_values(path: str, was: object, now: object) -> Iterator[tuple[str, object, object]]:
    """Yield each place where two JSON values differ: its path, the first value, the second value."""
    if isinstance(was, dict) and isinstance(now, dict):
        for name in sorted(was.keys() | now.keys()):
            yield from differing_values(f"{path}.{name}".lstrip("."), was.get(name), now.get(name))
    elif isinstance(was, list) and isinstance(now, list) and len(was) == len(now):
        for place, (left, right) in enumerate(zip(was, now, strict=True)):
            yield from differing_values(f"{path}[{place}]", left, right)
    elif was != now or isinstance(was, bool) != isinstance(now, bool):
        yield path, was, now


def not_too_many(where: str, faults: list[Mismatch]) -> list[Mismatch]:
    """Return at most ``MOST_TOLD`` faults of one place, and a line with the number of the remaining ones."""
    if len(faults) <= MOST_TOLD:
        return faults
    return [*faults[:MOST_TOLD], Mismatch(where, f"{len(faults) - MOST_TOLD} more such differences")]


def shown(value: object) -> str:
    """Return a value as text to be quoted in a sentence, cut to 200 characters."""
    if value is None or value == "":
        return "nothing"
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 200 else f"{text[:199]}…"
