"""What every gateway's adapter gives: a request, a class for each answer, a reading for each receipt and inquiry."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, Protocol, TypeAlias

import requests

from motcua.store.receipts import Meaning

OutcomeClass: TypeAlias = Literal["accepted", "duplicate", "phone", "configuration", "transient", "unknown"]


@dataclass(frozen=True, slots=True)
class GatewayAddress:
    """A gateway as its Airflow connection ``sms_<name>`` gives it."""

    name: str
    base_url: str
    login: str
    password: str
    extra: Mapping[str, Any]

    @property
    def concurrency(self) -> int:
        """Most requests in flight at once."""
        return max(1, int(self.extra.get("concurrency", 16)))

    @property
    def sender(self) -> str:
        """The brandname that messages come from."""
        return str(self.extra.get("sender", "MotcuaSMS"))

    @property
    def timeout(self) -> tuple[float, float]:
        """Seconds to connect, seconds to wait for the answer."""
        return float(self.extra.get("connect_timeout", 3.05)), float(self.extra.get("answer_timeout", 20))


@dataclass(frozen=True, slots=True)
class OutgoingMessage:
    """What a provider may need: the words, and the template with its ordered values."""

    reference: str
    msisdn: str
    text: str
    accented: bool
    segments: int
    template_id: str
    template_version: int
    parameters: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Outcome:
    """The gateway's answer, classed. ``code`` holds no phone number and none of the message's words."""

    outcome: OutcomeClass
    http_status: int | None = None
    code: str | None = None
    gateway_reference: str | None = None
    retry_after: float | None = None
    """Seconds that the gateway asked to wait."""


@dataclass(frozen=True, slots=True)
class ReceiptReading:
    """A delivery report, read."""

    reference: str | None
    gateway_status: str | None
    meaning: Meaning
    raw: Mapping[str, str]
    """The fields given, without numbers, words and secrets."""


@dataclass(frozen=True, slots=True)
class InquiryReading:
    """A text to the short code, as a gateway brings it."""

    sender: str
    text: str
    message_id: str | None
    """The provider's own id, the same each time that it brings the text."""
    sent_at: datetime | None
    """When the citizen sent it, by the provider's clock."""


@dataclass(frozen=True, slots=True)
class ReplyForm:
    """How the answer to an inquiry looks in the body of an HTTP answer."""

    body: str
    media_type: str
    headers: Mapping[str, str] = field(default_factory=dict)


class Gateway(Protocol):
    """One kind of SMS provider, made for one address."""

    address: GatewayAddress

    def submit(self, session: requests.Session, message: OutgoingMessage) -> Outcome:
        """Hands one message over, in one request, never repeated here; never raises for what the network does."""

    def read_receipt(self, fields: Mapping[str, str]) -> ReceiptReading:
        """What a delivery report says; never raises."""

    def meaning_of(self, gateway_status: str | None) -> Meaning:
        """What a stored status of this gateway means."""

    def read_inquiry(self, fields: Mapping[str, str]) -> InquiryReading:
        """What a citizen texted; never raises."""

    def inquiry_is_signed(self, fields: Mapping[str, str]) -> bool | None:
        """Whether the provider's signature is right; ``None`` where it has none, or we no key: a secret decides."""

    def form_reply(self, inquiry: InquiryReading, text: str, accented: bool) -> ReplyForm:
        """The answer to an inquiry, which the provider texts back."""
