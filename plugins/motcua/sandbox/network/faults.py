"""What may go wrong at the network, as a test sets it: refusals, silence, lost receipts."""

from __future__ import annotations

import random
from collections.abc import Sequence

from pydantic import BaseModel, ConfigDict, Field

from motcua.sandbox.network.short_messages import phone_number


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
