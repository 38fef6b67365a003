"""Decide what happens to a phone number's messages, and when, and define the faults that can be set.

A message is delivered, failed, late, never reported, or rejected. A seeded hash of the number decides this, unless a
behaviour was set for the number. A number that is no valid mobile is rejected.
"""

from __future__ import annotations

import dataclasses
import hashlib
import random
import re
from collections.abc import Sequence
from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field

from motcua.sandbox.network.submission import phone_number


class Behaviour(StrEnum):
    """What happens to messages for a number."""

    DELIVERED = "delivered"
    FAILED = "failed"
    LATE = "late"
    NEVER = "never"
    """No receipt comes. A further ``toss`` decides whether the phone gets the text. The log records the result."""
    REJECTED = "rejected"
    """The SMSC refuses the message at once (receipt 16)."""


_SHARES = (
    (0.93, Behaviour.DELIVERED),
    (0.96, Behaviour.FAILED),
    (0.98, Behaviour.LATE),
    (1.00, Behaviour.NEVER),
)
_LIVING_MOBILE = re.compile(r"0(3[2-9]|5[25689]|7[06-9]|8[1-9]|9[0-46-9])\d{7}")


def toss(seed: int, number: str, purpose: str) -> float:
    """Return a number in [0, 1) that is always the same for a seed, a phone and a purpose."""
    digest = hashlib.blake2b(f"{seed}:{purpose}:{number}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") / 2**64


def default_behaviour(number: str, seed: int) -> Behaviour:
    """Return the behaviour of a number for which none was set. A number that is no valid mobile is rejected."""
    if not _LIVING_MOBILE.fullmatch(number):
        return Behaviour.REJECTED
    lot = toss(seed, number, "behaviour")
    return next(behaviour for share, behaviour in _SHARES if lot < share)


@dataclasses.dataclass(frozen=True)
class Timing:
    """How long deliveries, receipts and answers take, in seconds. Tests use shorter times."""

    delivery: tuple[float, float] = (0.4, 2.5)
    submit_receipt: float = 0.05
    late: float = 45.0
    receipt_retry: float = 2.0
    receipt_retries: int = 50
    inquiry_retry: float = 1.0
    inquiry_retries: int = 3
    hang: float = 120.0


@dataclasses.dataclass(frozen=True)
class Fate:
    """What happens to one accepted message: when the phone gets it, and its receipts as (type, time of sending)."""

    arrives_at: float | None
    receipts: tuple[tuple[int, float], ...]


DELIVERED, UNDELIVERED, SMSC_ACCEPTED, SMSC_REFUSED, EXPIRED = 1, 2, 8, 16, 34


def decide_fate(
    behaviour: Behaviour, now: float, wait: float, validity: int | None, gets_it: bool, timing: Timing
) -> Fate:
    """Return what happens to a message that is accepted at ``now``. The network needs ``wait`` seconds to deliver it.

    ``validity`` is in minutes. Real networks report an expired message as 34, which is 2 (undelivered) with the bit 32,
    as observed with SMPP's ``message_state``. Receivers must therefore test bits, not equality.
    """
    at, submitted = now + max(wait, timing.submit_receipt), (SMSC_ACCEPTED, now + timing.submit_receipt)
    match behaviour:
        case Behaviour.DELIVERED:
            return Fate(at, (submitted, (DELIVERED, at)))
        case Behaviour.FAILED:
            return Fate(None, (submitted, (UNDELIVERED, at)))
        case Behaviour.LATE:
            if validity is not None and validity * 60 < timing.late:
                return Fate(None, (submitted, (EXPIRED, now + max(validity * 60, wait))))
            return Fate(now + timing.late, (submitted, (DELIVERED, now + timing.late)))
        case Behaviour.NEVER:
            return Fate(at if gets_it else None, ())
        case Behaviour.REJECTED:
            return Fate(None, ((SMSC_REFUSED, now + timing.submit_receipt),))


def distort_receipts(
    receipts: Sequence[tuple[int, float]], *, parts: int, late: float, backwards: bool
) -> list[tuple[int, float]]:
    """Return the receipts of a fate as faults change them: late, in reverse order, or one for each of ``parts``.

    A phone shows a message of several parts only if all parts arrived. If the last part fails, nothing is received.
    """
    instants = [due + late for _, due in receipts]
    if backwards:
        instants.reverse()
    reported = []
    for (kind, _), due in zip(receipts, instants, strict=True):
        if kind not in (SMSC_ACCEPTED, SMSC_REFUSED):
            reported += [(DELIVERED, due)] * (parts - 1)
        reported.append((kind, due))
    return reported


# --- Faults ----------------------------------------------------------------------------------------------------------


class NetworkFault(BaseModel):
    """A fault that hits a share of the requests, the next few requests, or the next request to each of some numbers."""

    model_config = ConfigDict(extra="forbid")
    probability: float = Field(default=0.0, ge=0, le=1)
    next: int = Field(default=0, ge=0)
    numbers: set[str] | None = None
    """Phone numbers in the form ``0905…``. A number is removed when the fault has hit it."""

    def hits(self, lot: random.Random, receivers: Sequence[str]) -> bool:
        """Return whether the fault hits this request. A hit uses up its number, or one of the next requests."""
        if self.numbers and (named := self.numbers.intersection(map(phone_number, receivers))):
            self.numbers -= named
            return True
        if self.next:
            self.next -= 1
            return True
        return lot.random() < self.probability


class BusyFault(NetworkFault):
    """A fault in which the network refuses the request and may state after how many seconds to retry."""

    retry_after: int | None = Field(default=None, ge=0)


class SlowFault(NetworkFault):
    """A fault that delays the answer for some seconds after the message was accepted."""

    seconds: float = Field(default=0.0, ge=0)


class Faults(BaseModel):
    """All faults that can be set. If a ``PUT /faults`` does not name a fault, the fault is off."""

    model_config = ConfigDict(extra="forbid")
    outage: bool = False
    """The gateway is down: every request is reset, nothing is accepted, receipts wait."""
    error_503: BusyFault = BusyFault()
    error_429: BusyFault = BusyFault()
    not_routable: NetworkFault = NetworkFault()
    queued: NetworkFault = NetworkFault()
    """Messages are accepted with ``3: Queued for later delivery``, as if the SMSC were down."""
    accept_then_timeout: NetworkFault = NetworkFault()
    accept_then_reset: NetworkFault = NetworkFault()
    accept_then_500: NetworkFault = NetworkFault()
    """The answer is an error after the message was accepted, as if a proxy between gateway and caller failed."""
    slow_seconds: SlowFault = SlowFault()
    receipts_lost: NetworkFault = NetworkFault()
    receipts_repeated: NetworkFault = NetworkFault()
    receipts_before_reply: NetworkFault = NetworkFault()
    receipts_late: SlowFault = SlowFault()
    receipts_reversed: NetworkFault = NetworkFault()
    """The carrier's report comes first, then the SMSC's report that it accepted the message."""
    receipts_by_part: NetworkFault = NetworkFault()
    """The carrier reports each part separately. If a message fails, only its last part failed."""


REFUSING_FAULTS = {
    "error_503": (503, "Temporal failure, try again later."),
    "error_429": (429, "Too many requests."),
    "not_routable": (403, "Not routable. Do not try again."),
}
