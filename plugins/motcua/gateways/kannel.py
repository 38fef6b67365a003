"""Kannel's HTTP interface: ``sendsms`` for messages, ``dlr-url`` for receipts, ``get-url`` for inquiries.

Facts from its user guide and from a measured Kannel 1.4.5. It knows no idempotent request: the same request twice is
two messages, so nothing is ever repeated here. A hung bearerbox times out and delivers when it wakes: ``unknown``.
"""

from __future__ import annotations

import contextlib
import re
from datetime import UTC, datetime
from urllib.parse import quote

import requests

from motcua.domain.routing import Concern, Meaning
from motcua.gateways.adapter import (
    GatewayAddress,
    GatewayAnswer,
    GatewayCall,
    InquiryReading,
    OutcomeClass,
    OutgoingMessage,
    Provider,
    ReceiptReading,
    ReplyForm,
)
from motcua.gateways.exchange import HttpAnswer, exchange

_DELIVERED, _FAILED, _BUFFERED, _SUBMITTED, _REJECTED, _INTERMEDIATE = 1, 2, 4, 8, 16, 32
_MASK = _DELIVERED | _FAILED | _SUBMITTED | _REJECTED
_NO_ROUTE_REPORT = "NACK/no SMSC"
_LONGEST = 8
"""Most parts of one message; Kannel's default of 1 would cut the rest off and still answer 202."""

_REFUSES_NUMBER = re.compile(r"receiver|phone number|number rejected|number\(s\)", re.IGNORECASE)
_NO_ROUTE = re.compile(r"not routable", re.IGNORECASE)
_ANSWERS: tuple[tuple[int, re.Pattern[str] | None, OutcomeClass, Concern], ...] = (
    # HTTP status, words in the answer, class, what it is about; the first that fits.
    (202, None, "accepted", "gateway"),
    (400, _REFUSES_NUMBER, "phone", "gateway"),
    (400, None, "configuration", "gateway"),
    # No carrier behind it takes this number; its other 403 is about user, password or address.
    (403, _NO_ROUTE, "configuration", "carrier"),
    (403, None, "configuration", "gateway"),
    (404, None, "configuration", "gateway"),
    (429, None, "transient", "gateway"),
    (503, None, "transient", "gateway"),
)
_BAD_REQUEST = 400
_WHY = {401: "wrong user or password", 403: "wrong user, password or address", 404: "no sendsms at this address"}
_DIGITS = re.compile(r"\d(?:[ .-]?\d){5,}")
_WORDS_OF_MESSAGE = re.compile(r"\btext:.*", re.IGNORECASE | re.DOTALL)
_PLAIN = re.compile(r"[^\x00-\x1f?&=<>]*")
"""Kannel's own words hold none of these; a page of something between us may echo the request."""
_WORD = re.compile(r"\w{3,}")


class KannelGateway(Provider):
    """One Kannel smsbox."""

    names_sender = True
    reports_deliveries = True

    def __init__(self, address: GatewayAddress) -> None:
        self.address = address
        self._url = f"{address.base_url}/cgi-bin/sendsms"

    def _receipt_url(self, reference: str) -> str | None:
        callback = self.address.extra.get("callback_url")
        if not callback:
            return None
        secret = quote(str(self.address.extra.get("callback_secret", "")), safe="")
        # Kannel fills in %d (type of report), %A (the carrier's words) and %F (the carrier's own number).
        return f"{callback}?reference={quote(reference, safe='')}&status=%d&reply=%A&smsc_id=%F&secret={secret}"

    def submit(self, session: requests.Session, message: OutgoingMessage) -> GatewayAnswer:
        """One GET of ``/cgi-bin/sendsms``."""
        query: dict[str, str | int] = {
            "username": self.address.login,
            "password": self.address.password,
            "from": self.address.sender,
            "to": message.msisdn,
            "text": message.text,
            "charset": "UTF-8",
            "coding": 2 if message.accented else 0,
            "max-messages": _LONGEST,
        }
        if receipt_url := self._receipt_url(message.reference):
            query |= {"dlr-mask": _MASK, "dlr-url": receipt_url}
        answer = exchange(session, "GET", self._url, self.address.timeout, query=query)
        return answer if isinstance(answer, GatewayAnswer) else self._read_answer(answer, message)

    def _read_answer(self, answer: HttpAnswer, message: OutgoingMessage) -> GatewayAnswer:
        plain = _PLAIN.match(answer.text.strip())
        said = _DIGITS.sub("…", plain.group() if plain else "")[:100]
        secrets = (self.address.password, str(self.address.extra.get("callback_secret") or ""))
        is_echo = not _words_in(said).isdisjoint(_words_in(message.text)) or any(
            word and word in said for word in secrets
        )
        code = "" if is_echo else said
        for status, words, outcome, concerns in _ANSWERS:
            if answer.status == status and (words is None or words.search(said)):
                return GatewayAnswer(outcome, status, code, retry_after=answer.retry_after, concerns=concerns)
        # Anything else (500, 502, 504, a redirect) may come from something between us, after Kannel took the message.
        return GatewayAnswer("unknown", answer.status, code)

    def try_login(self, session: requests.Session) -> GatewayAnswer | None:
        """A ``sendsms`` that names no receiver, and so reaches nobody: Kannel looks first who asks (403), then for whom
        (400)."""
        query = {"username": self.address.login, "password": self.address.password}
        answer = exchange(session, "GET", self._url, self.address.timeout, query=query)
        if isinstance(answer, GatewayAnswer):
            return answer
        if answer.status == _BAD_REQUEST and _REFUSES_NUMBER.search(answer.text):
            return GatewayAnswer("accepted", answer.status)
        if answer.status in (401, 403, 404):
            return GatewayAnswer("configuration", answer.status, code=_WHY[answer.status])
        return GatewayAnswer("unknown", answer.status)

    def read_receipt(self, call: GatewayCall) -> ReceiptReading:
        """The fields that our own ``dlr-url`` asked for."""
        fields = call.fields
        status = fields.get("status")
        # A carrier's report ends with "text:" and the message's first words, which are not for keeping.
        reply = _WORDS_OF_MESSAGE.sub("", fields.get("reply", ""))
        kept = {"reply": _DIGITS.sub("…", reply)[:200], "smsc_id": fields.get("smsc_id", "")[:100]}
        if status == str(_REJECTED) and reply.strip() == _NO_ROUTE_REPORT:
            status = f"{status} {_NO_ROUTE_REPORT}"
        return ReceiptReading(fields.get("reference"), status, self.meaning_of(status), kept)

    def meaning_of(self, gateway_status: str | None) -> Meaning:
        """By the bits of the report's type: an expired message comes as 34, for example.

        What it has no route for Kannel refuses twice, by its answer and by a report, in either order: it had it never.
        """
        if gateway_status == f"{_REJECTED} {_NO_ROUTE_REPORT}":
            return "absent"
        try:
            bits = int(gateway_status or "")
        except ValueError:
            bits = -1
        if not 0 <= bits < 256:
            return "unreadable"
        if bits & _DELIVERED:
            return "delivered"
        if bits & _REJECTED:
            return "refused"
        if bits & _FAILED:
            return "undelivered"
        if bits & _SUBMITTED:
            return "accepted"
        return "pending" if bits & (_BUFFERED | _INTERMEDIATE) else "unreadable"

    def read_inquiry(self, call: GatewayCall) -> InquiryReading:
        """The fields of a ``get-url`` with ``sender=%p&text=%a&time=%T&id=%I`` (docs/gateways.md)."""
        fields, sent_at = call.fields, None
        with contextlib.suppress(ValueError, OverflowError, OSError):
            sent_at = datetime.fromtimestamp(int(fields.get("time", "")), UTC)
        return InquiryReading(fields.get("sender", ""), fields.get("text", ""), fields.get("id") or None, sent_at)

    def inquiry_is_signed(self, call: GatewayCall) -> bool | None:
        """Kannel signs nothing."""
        return None

    def form_reply(self, inquiry: InquiryReading, text: str, accented: bool) -> ReplyForm:
        """Plain text; without coding 2 the phone would show ``?`` for each accent."""
        return ReplyForm(text, "text/plain; charset=utf-8", {"X-Kannel-Coding": "2" if accented else "0"})


def _words_in(text: str) -> set[str]:
    return set(_WORD.findall(text.casefold()))
