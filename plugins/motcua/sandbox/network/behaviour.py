"""What happens to a number's messages, and when: delivered, failed, late, never, rejected, by a seeded hash; and the
faults that somebody sets.
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
    """What happens to a message for a number."""

    DELIVERED = "delivered"
    FAILED = "failed"
    LATE = "late"
    NEVER = "never"
    """No receipt at all. Whether the phone gets the text is a second toss by number, and recorded."""
    REJECTED = "rejected"
    """Refused by the SMSC at once (receipt 16)."""


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
    """Return the behaviour of a number that nobody has set; what is no living mobile is rejected."""
    if not _LIVING_MOBILE.fullmatch(number):
        return Behaviour.REJECTED
    lot = toss(seed, number, "behaviour")
    return next(behaviour for share, behaviour in _SHARES if lot < share)


@dataclasses.dataclass(frozen=True)
class Timing:
    """How long things take, in seconds; tests shorten it."""

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
    """What will become of one accepted message: when the phone gets it, and the receipts as (type, due)."""

    arrives_at: float | None
    receipts: tuple[tuple[int, float], ...]


DELIVERED, UNDELIVERED, SMSC_ACCEPTED, SMSC_REFUSED, EXPIRED = 1, 2, 8, 16, 34


def decide_fate(
    behaviour: Behaviour, now: float, wait: float, validity: int | None, gets_it: bool, timing: Timing
) -> Fate:
    """Return the fate of a message accepted ``now`` whose network needs ``wait`` seconds for it.

    ``validity`` is in minutes. Real networks report an expired message as 34 (2 with the bit 32), seen with
    SMPP's ``message_state``: receivers must test bits, not equality.
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
    """Return a fate's receipts as (type, due) when they come late, backwards, or for each of so many parts.

    A phone shows a chain only when it is whole, so a message of which the last part failed is not received.
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
    """A fault that hits a share of the requests, the next so many of them, or the next one to each of some numbers."""

    model_config = ConfigDict(extra="forbid")
    probability: float = Field(default=0.0, ge=0, le=1)
    next: int = Field(default=0, ge=0)
    numbers: set[str] | None = None
    """Spelled ``0905…``; each is crossed out when it is hit."""

    def hits(self, lot: random.Random, receivers: Sequence[str]) -> bool:
        """Say whether this request is hit, and count it."""
        if self.numbers and (named := self.numbers.intersection(map(phone_number, receivers))):
            self.numbers -= named
            return True
        if self.next:
            self.next -= 1
            return True
        return lot.random() < self.probability


class BusyFault(NetworkFault):
    """A refusal that may say after how many seconds to come back."""

    retry_after: int | None = Field(default=None, ge=0)


class SlowFault(NetworkFault):
    """A fault that holds something back for some seconds after the message was accepted."""

    seconds: float = Field(default=0.0, ge=0)


class Faults(BaseModel):
    """Everything that may be made to go wrong; what a ``PUT /faults`` does not name is off."""

    model_config = ConfigDict(extra="forbid")
    outage: bool = False
    """The gateway is gone: every request is reset, nothing is accepted, receipts wait."""
    error_503: BusyFault = BusyFault()
    error_429: BusyFault = BusyFault()
    not_routable: NetworkFault = NetworkFault()
    queued: NetworkFault = NetworkFault()
    """Accepted with ``3: Queued for later delivery``, as while the SMSC is down."""
    accept_then_timeout: NetworkFault = NetworkFault()
    accept_then_reset: NetworkFault = NetworkFault()
    accept_then_500: NetworkFault = NetworkFault()
    """As when something between the gateway and its caller breaks after the gateway took the message."""
    slow_seconds: SlowFault = SlowFault()
    receipts_lost: NetworkFault = NetworkFault()
    receipts_repeated: NetworkFault = NetworkFault()
    receipts_before_reply: NetworkFault = NetworkFault()
    receipts_late: SlowFault = SlowFault()
    receipts_reversed: NetworkFault = NetworkFault()
    """The carrier's report comes first, then the one that the SMSC took the message."""
    receipts_by_part: NetworkFault = NetworkFault()
    """A carrier that reports each part: of a message that fails only the last one did."""


REFUSING_FAULTS = {
    "error_503": (503, "Temporal failure, try again later."),
    "error_429": (429, "Too many requests."),
    "not_routable": (403, "Not routable. Do not try again."),
}
