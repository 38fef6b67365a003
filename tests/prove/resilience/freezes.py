"""Measure how long messages are delayed when a process is frozen, with the default of ``MOTCUA_FROZEN_AFTER``.

The leading sender is frozen once at each of its steps, and PostgreSQL once. Run ``make prove ONLY=freezes`` alone, on a
quiet machine. As in production, there are two senders, which stay active after the run that started them has ended. A
desk records a case (a dossier with a ready result) right after the leader is frozen, and the proof measures the time
until the gateway has the case's message (tests/crash/takeovers.py).
"""

from __future__ import annotations

from tests.crash.harness import run_takeovers
from tests.prove import Figure, none, noted

_WITHIN = 15.0
"""Maximum number of seconds until a case's message has reached the gateway."""
_SHARES = 4
"""Number of parts that the steps are divided into; the parts run in parallel."""


def figures(seed: int) -> list[Figure]:
    """Freeze the leader at each step once; ``seed`` has no effect."""
    tally = run_takeovers(shares=_SHARES, workers=_SHARES)
    awake = tally.died_at.pop("PostgreSQL", 0) / 1000
    longest = tally.died_at.most_common(3)
    slowest = max(tally.died_at.values(), default=0) / 1000
    named = ", ".join(f"{1e-3 * took:.1f} {place}" for place, took in longest)
    frozen, doubled = tally.figures["frozen"], tally.defects["doubled"]
    return [
        Figure("steps at which the leader was frozen", f"{frozen} of {tally.seeds}", "over 100", frozen > 100),
        Figure(
            "most seconds from a freeze to the message of a new case", f"{slowest:.1f}", "15", 0 < slowest <= _WITHIN
        ),
        noted("the slowest steps", named),
        Figure(
            "seconds from the end of PostgreSQL's freeze to the message of a new case",
            f"{awake:.1f}",
            "15",
            0 < awake <= _WITHIN,
        ),
        none("texted twice", doubled),
        none("freezes that no sender took over", tally.defects["stuck"]),
    ]
