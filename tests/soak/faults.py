"""Draw the faults of a day from its seed: each kind of fault occurs at least once, at random moments."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from random import Random
from typing import Literal, TypeAlias

Kind: TypeAlias = Literal[
    "source away",
    "source slow",
    "source hands broken rows",
    "gateway away",
    "gateway answers and reports badly",
    "gateway killed",
    "PostgreSQL killed",
    "connections cut",
    "worker killed",
    "worker ended",
    "clock forward",
    "clock back",
    "backup",
    "restore",
]
NETWORKS, SOURCES = ("network-one", "network-two"), ("khanhhoa", "vanphong")


@dataclass(frozen=True, order=True)
class Fault:
    """A fault; its begin and its length are shares of the day's span.

    ``whom`` is the process or source that has the fault, or the number of minutes by which a clock is wrong.
    """

    at: float
    lasts: float
    kind: Kind
    whom: str = ""


_TIMES: dict[Kind, tuple[int, tuple[float, float]]] = {
    "source away": (3, (0.01, 0.04)),
    "source slow": (3, (0.004, 0.015)),
    "source hands broken rows": (4, (0, 0)),
    "gateway away": (4, (0.01, 0.03)),
    "gateway answers and reports badly": (5, (0.04, 0.1)),
    "gateway killed": (2, (0, 0)),
    "PostgreSQL killed": (2, (0, 0)),
    "connections cut": (3, (0, 0)),
    "worker killed": (4, (0, 0)),
    "worker ended": (2, (0, 0)),
    "clock forward": (1, (0.02, 0.05)),
    "clock back": (1, (0.02, 0.05)),
}
"""Number of faults of each kind, and the shortest and longest time of one fault, as shares of the span."""
COSTS = ("gateway away", "gateway killed", "PostgreSQL killed", "connections cut", "worker killed", "restore")
"""Kinds of fault that may leave messages unknown."""


def draw(random: Random) -> list[Fault]:
    found = []
    for kind, (times, (least, most)) in _TIMES.items():
        for number in range(times):
            # The clock must be right again before the evening, because jobs decide by it which evening it is.
            at = random.uniform(0.04, 0.8 if kind.startswith("clock") else 0.93)
            found.append(Fault(at, random.uniform(least, most), kind, _victim(random, kind, number)))
    forward, back = (next(each for each in found if each.kind == f"clock {way}") for way in ("forward", "back"))
    if abs(forward.at - back.at) < 0.06:
        found.remove(back)
        found.append(Fault((forward.at + 0.4) % 0.8, back.lasts, back.kind, back.whom))
    # Kill these two processes early, because the memory of a process is judged only if it runs for long afterwards.
    found.append(Fault(random.uniform(0.03, 0.1), 0, "worker killed", "settle"))
    found.append(Fault(random.uniform(0.03, 0.1), 0, "worker killed", "callbacks"))
    found.append(Fault(random.uniform(0.25, 0.38), 0, "backup"))
    found.append(Fault(random.uniform(0.48, 0.56), 0, "restore"))
    return sorted(found)


def _victim(random: Random, kind: Kind, number: int) -> str:
    if kind.startswith("source"):
        return SOURCES[number % 2]
    if kind.startswith("gateway"):
        return NETWORKS[number % 2]
    if kind.startswith("worker"):
        return "notify-two"
    if kind.startswith("clock"):
        return f"{random.uniform(4, 20):.1f}"
    return ""


def in_words(faults: list[Fault]) -> str:
    return ", ".join(f"{count} {kind}" for kind, count in Counter(each.kind for each in faults).items())


def gateway_faults(random: Random) -> dict[str, object]:
    """Return gateway faults: refusals, slow answers, acceptances without an answer or with an error, bad receipts.

    Bad receipts are lost, late, repeated, in reversed order, or sent before the gateway's answer.
    """
    return {
        "accept_then_timeout": {"probability": random.uniform(0.02, 0.08)},
        "accept_then_reset": {"probability": random.uniform(0.02, 0.08)},
        "accept_then_500": {"probability": random.uniform(0.02, 0.08)},
        "error_503": {"probability": random.uniform(0.05, 0.2), "retry_after": random.choice((0, 5, 60))},
        "error_429": {"probability": random.uniform(0.05, 0.1)},
        "slow_seconds": {"probability": random.uniform(0.05, 0.2), "seconds": 0.3},
        "queued": {"probability": 0.1},
        "receipts_lost": {"probability": random.uniform(0.05, 0.2)},
        "receipts_repeated": {"probability": 0.2},
        "receipts_before_reply": {"probability": 0.2},
        "receipts_late": {"probability": 0.2, "seconds": 4.0},
        "receipts_reversed": {"probability": 0.2},
    }
