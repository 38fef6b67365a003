"""How right the system is, at a scale that tests do not reach: one module for each capability."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

_SHOWN = 5


class Figure(NamedTuple):
    """A row of a proof's table, and of docs/proofs.md."""

    name: str
    value: str
    must_reach: str
    ok: bool


def noted(name: str, value: object) -> Figure:
    """One that need not reach anything."""
    return Figure(name, in_words(value), "-", True)


def none(name: str, found: int | Sequence[str]) -> Figure:
    """Of this there must be none; of what there is, the first are told."""
    if isinstance(found, int):
        return Figure(name, f"{found:,}", "0", not found)
    return Figure(name, f"{len(found)}{': ' if found else ''}{'; '.join(found[:_SHOWN])}", "0", not found)


def some(name: str, value: str, ok: object) -> Figure:
    """Of this there must be some, or the rest is told of nothing."""
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
