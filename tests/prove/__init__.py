"""Prove that the system works correctly, with more data and more faults than the tests use.

Each module proves one capability.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

_SHOWN = 5


class Figure(NamedTuple):
    """One row of a proof's table and of docs/proofs.md: what was measured, its value, and the required value."""

    name: str
    value: str
    must_reach: str
    ok: bool


def noted(name: str, value: object) -> Figure:
    """Return a row that is shown for information; any value is ok."""
    return Figure(name, in_words(value), "-", True)


def none(name: str, found: int | Sequence[str]) -> Figure:
    """Return a row that is ok only if nothing was found; the row shows the first five findings of a list."""
    if isinstance(found, int):
        return Figure(name, f"{found:,}", "0", not found)
    return Figure(name, f"{len(found)}{': ' if found else ''}{'; '.join(found[:_SHOWN])}", "0", not found)


def some(name: str, value: str, ok: object) -> Figure:
    """Return a row that fails if the case that the proof examines never occurred.

    ``ok``: whether the case occurred. If the case never occurred, the other rows prove nothing.
    """
    return Figure(name, value, "some", bool(ok))


def every(name: str, good: int, of: int) -> Figure:
    return Figure(name, f"{good:,} of {of:,}", "all", good == of)


def equal(name: str, value: object, wanted: object) -> Figure:
    return Figure(name, in_words(value), in_words(wanted), value == wanted)


def at_most(name: str, value: float, most: float, unit: str = "") -> Figure:
    return Figure(name, f"{value:g}{unit}", f"at most {most:g}{unit}", value <= most)


def in_words(value: object) -> str:
    if isinstance(value, Counter):
        return ", ".join(f"{number} {name}" for name, number in sorted(value.items())) or "none"
    if isinstance(value, tuple):
        return ", ".join(map(in_words, value))
    return f"{value:,}" if type(value) is int else str(value)
