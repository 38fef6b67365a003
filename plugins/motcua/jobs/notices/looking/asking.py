"""How often sources are asked for news, by the settings: what a look costs them is theirs to bear."""

from __future__ import annotations

from dataclasses import dataclass

from motcua.settings import settings
from motcua.sources import pushed_sources

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
