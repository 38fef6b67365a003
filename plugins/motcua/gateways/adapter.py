"""The interface that every gateway's adapter implements: send a request, classify the answer, and read delivery
receipts and inquiries."""

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
"""``phone``: no gateway reaches this number. ``unreachable``: this gateway does not reach the number, for example
because the phone has no account there, but another gateway may. ``configuration``: the gateway refuses our account, the
brandname, the template or this message; ``GatewayAnswer.concerns`` states which. ``transient``: the gateway refuses for
the moment."""

Unit: TypeAlias = Literal["segment", "message"]
"""The unit that a gateway counts, limits and bills."""

UnknownPolicy: TypeAlias = Literal["hold", "accept"]
"""``hold``: the message is shown to people, who may release it. ``accept``: the message is treated as accepted, so it
is never sent again."""

DEFAULT_HORIZON_HOURS = 72.0


@dataclass(frozen=True, slots=True)
class GatewayAddress:
    """A gateway as its Airflow connection ``sms_<name>`` states it."""

    name: str
    base_url: str
    login: str
    password: str
    extra: Mapping[str, Any]

    @property
    def concurrency(self) -> int:
        """Maximum number of requests that may be open at once."""
        return int(self.extra.get("concurrency", 16))

    @property
    def carriers(self) -> frozenset[str]:
        """Carriers at which the brandname is registered; all carriers if the connection names none."""
        given = self.extra.get("carriers")
        if given is None:
            return CARRIERS
        names = given.split(",") if isinstance(given, str) else given
        known = {name.casefold(): name for name in CARRIERS}
        return frozenset(known[str(name).strip().casefold()] for name in names)

    @property
    def segments_per_second(self) -> float | None:
        """Maximum number of units (segments, or messages if the gateway counts messages) per second, of all senders
        together. ``None`` means no limit."""
        given = self.extra.get("segments_per_second")
        return None if given is None else float(given)

    @property
    def segments_per_day(self) -> int | None:
        """Maximum number of units per day in Vietnam, of all senders together. ``None`` means no limit."""
        given = self.extra.get("segments_per_day")
        return None if given is None else int(given)

    @property
    def prices(self) -> Mapping[str, str] | None:
        """Price of one unit in đồng, by carrier; ``other`` is the price for all carriers that have no price of their
        own. ``None`` if the connection states no price."""
        given = self.extra.get("price")
        if given is None:
            return None
        known = {name.casefold(): name for name in CARRIERS}
        by_carrier = given if isinstance(given, Mapping) else {"other": given}
        return {known[str(name).strip().casefold()]: _price(each) for name, each in by_carrier.items()}

    @property
    def horizon(self) -> timedelta:
        """How long after acceptance a receipt may still arrive."""
        return timedelta(hours=float(self.extra.get("horizon_hours", DEFAULT_HORIZON_HOURS)))

    @property
    def when_unknown(self) -> UnknownPolicy:
        """The policy for a message of unknown outcome."""
        given: UnknownPolicy = self.extra.get("when_unknown", "hold")
        return given

    @property
    def unknown_after(self) -> timedelta:
        """How long to wait for a receipt before ``when_unknown`` applies."""
        return timedelta(hours=float(self.extra.get("unknown_after_hours", 1)))

    @property
    def sender(self) -> str:
        """The brandname that messages are sent under."""
        return str(self.extra.get("sender", "MotcuaSMS"))

    @property
    def timeout(self) -> tuple[float, float]:
        """Seconds to connect, and seconds to wait for the answer."""
        return float(self.extra.get("connect_timeout", 3.05)), float(self.extra.get("answer_timeout", 20))


def _price(given: object) -> str:
    if isinstance(given, bool) or not re.fullmatch(r"\d{1,9}(\.\d{1,4})?", str(given)):
        raise ValueError(given)
    return str(given)


@dataclass(frozen=True, slots=True)
class ConnectionField:
    """A field of the connection's extra that only this provider has."""

    name: str
    is_secret: bool = False
    of_callbacks: bool = False
    """Whether the field is given to the callbacks and not to the sending processes."""
    is_optional: bool = False
    is_login: bool = False
    """Whether the field repeats the login, so that set-up need not ask for it."""


@dataclass(frozen=True, slots=True)
class OutgoingMessage:
    """A message in the two forms that providers need: the text, and the template with its values."""

    reference: str
    msisdn: str
    text: str
    accented: bool
    units: int
    """How many units the gateway counts for the message."""
    template_id: str
    template_version: int
    values: Mapping[str, str]
    """The values of the template's parameters, by name and in the template's order, as ``text`` shows them."""
    provider_template_id: str | None = None
    """The provider's own id of the template with or without accents, as in ``text``, if it is registered with one."""


@dataclass(frozen=True, slots=True)
class GatewayAnswer:
    """A gateway's answer with its class. ``code`` contains no phone number and no words of the message."""

    outcome: OutcomeClass
    http_status: int | None = None
    code: str | None = None
    gateway_reference: str | None = None
    retry_after: float | None = None
    """Seconds that the gateway asked us to wait before the next try."""
    concerns: Concern = "gateway"
    """The part that a ``configuration`` answer is about: the whole account, the brandname at the number's carrier, the
    template, or this message alone. Only that part is paused."""
    refused_token: str | None = field(default=None, repr=False)
    """The access token, if the gateway refused it. The token must then be renewed, even if it has not expired yet."""
    open_at: datetime | None = None
    """When the gateway accepts messages again, if it refused by its own rules, for example at night or because a day's
    quota was used up. Such a refusal is no fault, and no message is sent before this moment."""


@dataclass(frozen=True, slots=True)
class SentAttempt:
    """An attempt whose fate the gateway is asked for."""

    reference: str
    gateway_reference: str | None
    """The provider's own reference; ``None`` if the provider's answer never arrived."""
    msisdn: str
    started_at: datetime


@dataclass(frozen=True, slots=True)
class GatewayCall:
    """A provider's call to our callbacks as received: a delivery receipt, or a citizen's text."""

    query: Mapping[str, str]
    form: Mapping[str, str] = field(default_factory=dict)
    """Fields of the call's body, if the body is a form."""
    headers: Mapping[str, str] = field(default_factory=dict)
    """HTTP headers of the call, by their names in lower case."""
    body: bytes = b""

    @property
    def fields(self) -> Mapping[str, str]:
        """The fields of query and form. If both have a field of the same name, the form's field counts."""
        return {**self.query, **self.form}


@dataclass(frozen=True, slots=True)
class ReceiptReading:
    """The content of a delivery receipt, as an adapter read it."""

    reference: str | None
    gateway_status: str | None
    meaning: Meaning
    raw: Mapping[str, str]
    """The received fields without phone numbers, words of the message and secrets."""


@dataclass(frozen=True, slots=True)
class InquiryReading:
    """A citizen's text to the short code, as a gateway delivers it."""

    sender: str
    text: str
    message_id: str | None
    """The provider's own id, the same each time that the provider delivers this text."""
    sent_at: datetime | None
    """When the citizen sent the text, by the provider's clock."""


@dataclass(frozen=True, slots=True)
class ReplyForm:
    """The HTTP answer to an inquiry: its body, media type and headers."""

    body: str
    media_type: str
    headers: Mapping[str, str] = field(default_factory=dict)


class Gateway(Protocol):
    """The adapter of one provider, made for one address."""

    address: GatewayAddress
    connection_fields: tuple[ConnectionField, ...]
    """Additional fields of its connection. Set-up asks a person for their values, and the doctor checks the secret
    values."""
    usual_host: str
    """Host name of the provider's server, which is called by https; empty if every customer has a different one."""
    plain_port: int | None
    """Usual port of a provider that is called by plain http; ``None`` if it is called by https."""
    needs_login: bool
    """Whether the account has a login. Otherwise the password, such as a token, is enough."""
    names_sender: bool
    """Whether each request names the brandname."""
    first_refresh_token: str | None
    """The first refresh token, which the connection states; ``None`` if the provider uses no tokens."""
    tokens: Tokens | None
    """The tokens that are valid now. The sender sets them before it sends anything."""
    can_be_asked: bool
    """Whether ``ask`` can ever return a reading."""
    takes_template_ids: bool
    """Whether a request gives the provider's template id and the values, and never the text."""
    refuses_repeats_for: timedelta
    """How long the provider promises to refuse a second request with the same reference (``duplicate``). In this time a
    request without an answer may be repeated unchanged. Zero means no promise."""
    accents_cost_nothing: bool
    """Whether a text costs the same with accents. If so, texts are sent with accents, whatever the agency chose for
    SMS."""
    unit: Unit
    closed: QuietHours | None
    """Hours of every day in which the gateway accepts nothing; ``None`` if there are none."""
    reaches_every_number: bool
    """Whether the gateway reaches every number of its carriers. Otherwise it may answer ``unreachable``, and is not
    tried with that number again for ``MOTCUA_UNREACHABLE_FOR``."""
    reports_deliveries: bool
    """Whether the provider reports deliveries, by itself or when asked. If not, missing receipts raise no alert."""
    receipts_signed_in: str | None
    """Header, in lower case, of the provider's own signature of a delivery receipt. The signature alone then decides
    whether a receipt is genuine. ``None`` if the provider signs nothing; our secret decides then."""

    def renew(self, session: requests.Session, refresh_token: str, now: datetime) -> Tokens | GatewayAnswer:
        """Get new tokens, in one request. If the request fails, return the class of the failure. If the provider uses
        no tokens, return ``configuration`` without a request.

        Never raises for network failures.
        """

    def ask(self, session: requests.Session, attempt: SentAttempt) -> ReceiptReading | None:
        """Ask the provider for the fate of an attempt, in one request. Return ``None`` if the fate stays unknown.
        The reading ``absent`` means that the provider certainly never got the attempt.

        Never raises for network failures.
        """

    def submit(self, session: requests.Session, message: OutgoingMessage) -> GatewayAnswer:
        """Hand one message over in one request, which is never repeated here. Never raises for network failures."""

    def try_login(self, session: requests.Session) -> GatewayAnswer | None:
        """Ask whether the provider knows our account, in one request that cannot send a message. Return ``accepted`` if
        the provider knows the account, ``configuration`` if not, or the class of a failed request. Return ``None`` if
        the provider offers no such request.

        Never raises for network failures.
        """

    def receipt_is_signed(self, call: GatewayCall) -> bool:
        """Return whether the provider's signature of a receipt is right. Never true without a signature, or without a
        key to check it."""

    def read_receipt(self, call: GatewayCall) -> ReceiptReading:
        """Read a delivery receipt; never raises."""

    def meaning_of(self, gateway_status: str | None) -> Meaning:
        """Return the meaning of a stored status of this gateway."""

    def read_inquiry(self, call: GatewayCall) -> InquiryReading:
        """Read a citizen's text; never raises."""

    def inquiry_is_signed(self, call: GatewayCall) -> bool | None:
        """Return whether the provider's signature of an inquiry, which covers only the query of the call, is right.
        ``None`` if the provider signs nothing or we have no key; our secret then decides whether the call is
        genuine."""

    def form_reply(self, inquiry: InquiryReading, text: str, accented: bool) -> ReplyForm:
        """Return the answer to an inquiry, which the provider texts to the citizen."""


class Provider:
    """Base of every adapter: the defaults of a provider that offers nothing beyond sending."""

    connection_fields: tuple[ConnectionField, ...] = ()
    usual_host = ""
    plain_port: int | None = None
    needs_login = True
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
        """Renew nothing: login and password are enough."""
        return GatewayAnswer("configuration", code="no tokens")

    def ask(self, session: requests.Session, attempt: SentAttempt) -> ReceiptReading | None:
        """Ask nothing."""
        return None

    def try_login(self, session: requests.Session) -> GatewayAnswer | None:
        """Ask nothing: no request is known that checks the account without sending a message."""
        return None

    def receipt_is_signed(self, call: GatewayCall) -> bool:
        """Return ``False``: this provider signs no receipts."""
        return False

    def read_receipt(self, call: GatewayCall) -> ReceiptReading:
        """Return an unreadable reading: this provider sends no receipts."""
        return ReceiptReading(None, None, "unreadable", {})

    def meaning_of(self, gateway_status: str | None) -> Meaning:
        """Return ``unreadable``: this provider gives no statuses."""
        return "unreadable"

    def read_inquiry(self, call: GatewayCall) -> InquiryReading:
        """Return an empty inquiry: this provider delivers no inquiries."""
        return InquiryReading("", "", None, None)

    def inquiry_is_signed(self, call: GatewayCall) -> bool | None:
        """Return ``False``: this provider delivers no inquiries."""
        return False

    def form_reply(self, inquiry: InquiryReading, text: str, accented: bool) -> ReplyForm:
        """Return the text unchanged, as plain text."""
        return ReplyForm(text, "text/plain; charset=utf-8")
