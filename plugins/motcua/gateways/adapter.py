"""What every gateway's adapter gives: a request, a class for each answer, a reading for each receipt and inquiry."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal, Protocol, TypeAlias

import requests

from motcua.domain.apologies import QuietHours
from motcua.domain.routing import CARRIERS, Concern, Meaning
from motcua.domain.tokens import Tokens

OutcomeClass: TypeAlias = Literal[
    "accepted", "duplicate", "phone", "unreachable", "configuration", "transient", "unknown"
]
"""``phone``: no gateway can tell this number; ``unreachable``: this one cannot, as a phone without an account there,
and another one may; ``configuration``: it refuses what ``Concern`` names; ``transient``: not now."""

Unit: TypeAlias = Literal["segment", "message"]
"""What a gateway counts, limits and bills."""

UnknownPolicy: TypeAlias = Literal["hold", "accept"]
"""``hold``: shown to people, who may release it; ``accept``: taken for accepted, so that it is never sent again."""

DEFAULT_HORIZON_HOURS = 72.0


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
        return int(self.extra.get("concurrency", 16))

    @property
    def carriers(self) -> frozenset[str]:
        """Carriers at which the brandname is registered; all where the connection does not say."""
        given = self.extra.get("carriers")
        if given is None:
            return CARRIERS
        names = given.split(",") if isinstance(given, str) else given
        known = {name.casefold(): name for name in CARRIERS}
        return frozenset(known[str(name).strip().casefold()] for name in names)

    @property
    def segments_per_second(self) -> float | None:
        """Most units (segments, where it counts these) a second, all senders together; ``None``: no limit."""
        given = self.extra.get("segments_per_second")
        return None if given is None else float(given)

    @property
    def segments_per_day(self) -> int | None:
        """Most units a day (Vietnam's), all senders together; ``None``: no limit."""
        given = self.extra.get("segments_per_day")
        return None if given is None else int(given)

    @property
    def prices(self) -> Mapping[str, str] | None:
        """Đồng a unit by carrier, ``other`` for those that are not named; ``None``: the connection names no price."""
        given = self.extra.get("price")
        if given is None:
            return None
        known = {name.casefold(): name for name in CARRIERS}
        by_carrier = given if isinstance(given, Mapping) else {"other": given}
        return {known[str(name).strip().casefold()]: _price(each) for name, each in by_carrier.items()}

    @property
    def horizon(self) -> timedelta:
        """How long after acceptance a receipt may be expected."""
        return timedelta(hours=float(self.extra.get("horizon_hours", DEFAULT_HORIZON_HOURS)))

    @property
    def when_unknown(self) -> UnknownPolicy:
        """What becomes of a message whose outcome nobody can tell."""
        given: UnknownPolicy = self.extra.get("when_unknown", "hold")
        return given

    @property
    def unknown_after(self) -> timedelta:
        """How long a receipt is waited for before ``when_unknown`` is applied."""
        return timedelta(hours=float(self.extra.get("unknown_after_hours", 1)))

    @property
    def sender(self) -> str:
        """The brandname that messages come from."""
        return str(self.extra.get("sender", "MotcuaSMS"))

    @property
    def timeout(self) -> tuple[float, float]:
        """Seconds to connect, seconds to wait for the answer."""
        return float(self.extra.get("connect_timeout", 3.05)), float(self.extra.get("answer_timeout", 20))


def _price(given: object) -> str:
    if isinstance(given, bool) or not re.fullmatch(r"\d{1,9}(\.\d{1,4})?", str(given)):
        raise ValueError(given)
    return str(given)


@dataclass(frozen=True, slots=True)
class ConnectionField:
    """A field of the connection's extra that a provider has besides those of every gateway."""

    name: str
    is_secret: bool = False
    of_callbacks: bool = False
    """The callbacks are given it, and not what sends."""
    is_optional: bool = False
    is_login: bool = False
    """It repeats the login, so that nobody is asked for it."""


@dataclass(frozen=True, slots=True)
class OutgoingMessage:
    """What a provider may need: the words as this gateway sends them, and the template with its values."""

    reference: str
    msisdn: str
    text: str
    accented: bool
    units: int
    """How much of its ``unit`` the gateway counts for it."""
    template_id: str
    template_version: int
    values: Mapping[str, str]
    """By the names of the template's places, in their order; as ``text`` shows them."""
    provider_template_id: str | None = None
    """The provider's own id of that template in this form, where it is registered with one."""


@dataclass(frozen=True, slots=True)
class GatewayAnswer:
    """The gateway's answer, classed. ``code`` holds no phone number and none of the message's words."""

    outcome: OutcomeClass
    http_status: int | None = None
    code: str | None = None
    gateway_reference: str | None = None
    retry_after: float | None = None
    """Seconds that the gateway asked to wait."""
    concerns: Concern = "gateway"
    """What a ``configuration`` answer is about: the account as a whole, the brandname at the number's carrier, the
    template, or this message alone. Only what it is about is stopped."""
    tokens_refused: bool = False
    """It lets nobody in by the access token that it was shown: another one is due, whatever its time."""
    open_at: datetime | None = None
    """Of a refusal that the gateway's own rules expect, as at night or with a day's quota used up: when it is over.
    Nothing is wrong, and nothing is tried before."""


@dataclass(frozen=True, slots=True)
class SentAttempt:
    """An attempt that its gateway is asked about."""

    reference: str
    gateway_reference: str | None
    """The provider's own; empty where its answer never came."""
    msisdn: str
    started_at: datetime


@dataclass(frozen=True, slots=True)
class GatewayCall:
    """What a provider brings to our callbacks, as it came: a delivery report, or a citizen's text."""

    query: Mapping[str, str]
    form: Mapping[str, str] = field(default_factory=dict)
    """Fields of a body that is a form."""
    headers: Mapping[str, str] = field(default_factory=dict)
    """By names in small letters."""
    body: bytes = b""

    @property
    def fields(self) -> Mapping[str, str]:
        """Those of query and form; of two of one name the form's counts."""
        return {**self.query, **self.form}


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
    connection_fields: tuple[ConnectionField, ...]
    """What its connection says besides; set-up asks for it, and the doctor for those that are secrets."""
    usual_host: str
    """Where it is called by https; empty: each has another."""
    names_sender: bool
    """It is told the brandname with each message."""
    first_refresh_token: str | None
    """Where the provider lets nobody in but by tokens: the one that the connection gives to begin with."""
    tokens: Tokens | None
    """What it is let in by at present, given to it before anything is sent."""
    can_be_asked: bool
    """Whether ``ask`` can tell anything."""
    takes_template_ids: bool
    """It is given the provider's id of the template and the values, never the words."""
    refuses_repeats_for: timedelta
    """For so long the provider promises to refuse a second request with the same reference (``duplicate``), so that
    one without an answer may be repeated as it is; zero: it promises nothing."""
    accents_cost_nothing: bool
    """A text costs the same with accents: it is sent so, whatever its agency chose for SMS."""
    unit: Unit
    closed: QuietHours | None
    """Hours of every day in which it takes nothing."""
    reaches_every_number: bool
    """It can tell any number of its carriers; else it may answer ``unreachable``, and is not asked about that number
    again for ``MOTCUA_UNREACHABLE_FOR``."""
    reports_deliveries: bool
    """It tells what became of messages that it took, by itself or asked; where it does not, none is missed."""
    receipts_signed_in: str | None
    """Header, in small letters, of the provider's own signature of a delivery report, which then decides alone who
    brings it; ``None``: it signs none, and our secret decides."""

    def renew(self, session: requests.Session, refresh_token: str, now: datetime) -> Tokens | GatewayAnswer:
        """Gets the next tokens, in one request; else what the provider answered, or that it did not.

        Never raises for what the network does. Nothing where it is let in by no tokens.
        """

    def ask(self, session: requests.Session, attempt: SentAttempt) -> ReceiptReading | None:
        """What the provider says became of an attempt, in one request; ``None``: it cannot say. A reading ``absent``
        says that the provider is sure never to have had it.

        Never raises for what the network does.
        """

    def submit(self, session: requests.Session, message: OutgoingMessage) -> GatewayAnswer:
        """Hands one message over, in one request, never repeated here; never raises for what the network does."""

    def try_login(self, session: requests.Session) -> GatewayAnswer | None:
        """Whether the provider knows us, in one request that can send nothing, whoever answers it: ``accepted``, or
        ``configuration`` where it does not. ``None``: it cannot be asked so, and nothing was.

        Never raises for what the network does.
        """

    def receipt_is_signed(self, call: GatewayCall) -> bool:
        """Whether the provider's signature of a report is right; never without one, or a key to check it by."""

    def read_receipt(self, call: GatewayCall) -> ReceiptReading:
        """What a delivery report says; never raises."""

    def meaning_of(self, gateway_status: str | None) -> Meaning:
        """What a stored status of this gateway means."""

    def read_inquiry(self, call: GatewayCall) -> InquiryReading:
        """What a citizen texted; never raises."""

    def inquiry_is_signed(self, call: GatewayCall) -> bool | None:
        """Whether the provider's signature of the query is right; ``None`` where it has none, or we no key: a secret
        decides."""

    def form_reply(self, inquiry: InquiryReading, text: str, accented: bool) -> ReplyForm:
        """The answer to an inquiry, which the provider texts back."""


class Provider:
    """What a provider has not, unless its adapter says that it has: every adapter's base."""

    connection_fields: tuple[ConnectionField, ...] = ()
    usual_host = ""
    names_sender = False
    first_refresh_token: str | None = None
    tokens: Tokens | None = None
    can_be_asked = False
    takes_template_ids = False
    refuses_repeats_for = timedelta(0)
    accents_cost_nothing = False
    unit: Unit = "segment"
    closed: QuietHours | None = None
    reaches_every_number = True
    reports_deliveries = False
    receipts_signed_in: str | None = None

    def renew(self, session: requests.Session, refresh_token: str, now: datetime) -> Tokens | GatewayAnswer:
        """Nothing is renewed: login and password let us in."""
        return GatewayAnswer("configuration", code="no tokens")

    def ask(self, session: requests.Session, attempt: SentAttempt) -> ReceiptReading | None:
        """Nothing is asked."""
        return None

    def try_login(self, session: requests.Session) -> GatewayAnswer | None:
        """Nothing is asked: no request is known that sends nothing."""
        return None

    def receipt_is_signed(self, call: GatewayCall) -> bool:
        """Never: it signs no reports."""
        return False

    def read_receipt(self, call: GatewayCall) -> ReceiptReading:
        """It brings no reports."""
        return ReceiptReading(None, None, "unreadable", {})

    def meaning_of(self, gateway_status: str | None) -> Meaning:
        """It gives no statuses."""
        return "unreadable"

    def read_inquiry(self, call: GatewayCall) -> InquiryReading:
        """Nothing: inquiries do not come this way."""
        return InquiryReading("", "", None, None)

    def inquiry_is_signed(self, call: GatewayCall) -> bool | None:
        """Never: inquiries do not come this way."""
        return False

    def form_reply(self, inquiry: InquiryReading, text: str, accented: bool) -> ReplyForm:
        """Plain text, to whoever called."""
        return ReplyForm(text, "text/plain; charset=utf-8")
