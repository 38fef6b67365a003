"""How long a freeze lasts: the sender that leads frozen once at each of its steps, and PostgreSQL once, at the default
age of a heartbeat.

``make prove ONLY=freezes`` by itself, on a quiet machine. Two senders linger, as in a run; what is measured is the way
of a case that the desk has ready once the leader is frozen (tests/crash/takeovers.py).
"""

from __future__ import annotations

from tests.crash.harness import run_takeovers
from tests.prove import Figure, none, noted

_WITHIN = 15.0
"""Seconds."""
_SHARES = 4
"""Of the steps, told at a time."""


def figures(seed: int) -> list[Figure]:
    """Each step once; ``seed`` changes nothing."""
    tally = run_takeovers(shares=_SHARES, workers=_SHARES)
    awake = tally.died_at.pop("PostgreSQL", 0) / 1000
    longest = tally.died_at.most_common(3)
    slowest = max(tally.died_at.values(), default=0) / 1000
    named = ", ".join(f"{1e-3 * took:.1f} {place}" for place, took in longest)
    frozen, doubled = tally.figures["frozen"], tally.defects["doubled"]
    return [
        Figure("steps at which the leader was frozen", f"{frozen} of {tally.seeds}", "over 100", frozen > 100),
        Figure("seconds until a case had gone that came then, at most", f"{slowest:.1f}", "15", 0 < slowest <= _WITHIN),
        noted("the longest", named),
        Figure("seconds after a frozen PostgreSQL answers again", f"{awake:.1f}", "15", 0 < awake <= _WITHIN),
        none("told twice", doubled),
        none("not taken over", tally.defects["stuck"]),
    ]
