"""Kannel's HTTP interface: ``sendsms`` for messages, ``dlr-url`` for delivery receipts, ``get-url`` for inquiries.

The facts come from Kannel's user guide and from measuring Kannel 1.4.5. Kannel has no idempotent request: sending the
same request twice makes two messages, so no request is ever repeated here. A hanging bearerbox causes a time-out and
delivers the message when it wakes, so a time-out is ``unknown``.
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
"""Maximum number of segments of one message. With its default of 1, Kannel would cut off the other segments and still
answer 202."""

_REFUSES_NUMBER = re.compile(r"receiver|phone number|number rejected|number\(s\)", re.IGNORECASE)
_NO_ROUTE = re.compile(r"not routable", re.IGNORECASE)
_ANSWERS: tuple[tuple[int, re.Pattern[str] | None, OutcomeClass, Concern], ...] = (
    # Each row: HTTP status, words in the answer, class, part that the answer is about. The first row that fits counts.
    (202, None, "accepted", "gateway"),
    (400, _REFUSES_NUMBER, "phone", "gateway"),
    (400, None, "configuration", "gateway"),
    # Kannel answers 403 with "not routable" if none of its carriers accepts the number. Any other 403 is about the
    # user, the password or the address.
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
"""The part of an answer before the first control character or ``?&=<>``. Kannel's own answers contain none of these
characters, but an error page of a server in between may echo the request."""
_WORD = re.compile(r"\w{3,}")


class KannelGateway(Provider):
    """One Kannel smsbox."""

    plain_port = 13013
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
        # Kannel fills in %d (type of receipt), %A (the carrier's words) and %F (the carrier's own number).
        return f"{callback}?reference={quote(reference, safe='')}&status=%d&reply=%A&smsc_id=%F&secret={secret}"

    def submit(self, session: requests.Session, message: OutgoingMessage) -> GatewayAnswer:
        """Send one GET of ``/cgi-bin/sendsms``."""
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
        answer_words = _DIGITS.sub("…", plain.group() if plain else "")[:100]
        secrets = (self.address.password, str(self.address.extra.get("callback_secret") or ""))
        is_echo = not _words_in(answer_words).isdisjoint(_words_in(message.text)) or any(
            word and word in answer_words for word in secrets
        )
        code = "" if is_echo else answer_words
        for status, words, outcome, concerns in _ANSWERS:
            if answer.status == status and (words is None or words.search(answer_words)):
                return GatewayAnswer(outcome, status, code, retry_after=answer.retry_after, concerns=concerns)
        # Any other status (500, 502, 504, a redirect) may come from a server in between, after Kannel accepted the
        # message.
        return GatewayAnswer("unknown", answer.status, code)

    def try_login(self, session: requests.Session) -> GatewayAnswer | None:
        """Send a ``sendsms`` without a receiver, which reaches nobody. Kannel checks the account first (403), then the
        receiver (400)."""
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
        """Read the fields that our own ``dlr-url`` asked for."""
        fields = call.fields
        status = fields.get("status")
        # A carrier's report ends with "text:" and the message's first words, which must not be stored.
        reply = _WORDS_OF_MESSAGE.sub("", fields.get("reply", ""))
        kept = {"reply": _DIGITS.sub("…", reply)[:200], "smsc_id": fields.get("smsc_id", "")[:100]}
        if status == str(_REJECTED) and reply.strip() == _NO_ROUTE_REPORT:
            status = f"{status} {_NO_ROUTE_REPORT}"
        return ReceiptReading(fields.get("reference"), status, self.meaning_of(status), kept)

    def meaning_of(self, gateway_status: str | None) -> Meaning:
        """Return the meaning by the bits of the receipt's type. For example, an expired message has type 34: 2 (failed)
        and 32 (intermediate).

        If Kannel has no route, it refuses the message twice, by its answer and by a receipt, in either order. Both
        refusals mean that Kannel never accepted the message.
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
        """Read the fields of a ``get-url`` with ``sender=%p&text=%a&time=%T&id=%I`` (docs/gateways.md)."""
        fields, sent_at = call.fields, None
        with contextlib.suppress(ValueError, OverflowError, OSError):
            sent_at = datetime.fromtimestamp(int(fields.get("time", "")), UTC)
        return InquiryReading(fields.get("sender", ""), fields.get("text", ""), fields.get("id") or None, sent_at)

    def inquiry_is_signed(self, call: GatewayCall) -> bool | None:
        """Return ``None``: Kannel signs nothing."""
        return None

    def form_reply(self, inquiry: InquiryReading, text: str, accented: bool) -> ReplyForm:
        """Return plain text. Without coding 2 the phone would show ``?`` for each accent."""
        return ReplyForm(text, "text/plain; charset=utf-8", {"X-Kannel-Coding": "2" if accented else "0"})


def _words_in(text: str) -> set[str]:
    return set(_WORD.findall(text.casefold()))
