"""Kannel's HTTP interface: ``sendsms`` for messages, ``dlr-url`` for receipts, ``get-url`` for inquiries.

Facts from its user guide and from a measured Kannel 1.4.5. It knows no idempotent request: the same request twice is
two messages, so nothing is ever repeated here. A hung bearerbox times out and delivers when it wakes: ``unknown``.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from urllib.parse import quote, urlencode

import requests

from motcua.gateways.adapter import (
    GatewayAddress,
    InquiryReading,
    Outcome,
    OutgoingMessage,
    ReceiptReading,
    ReplyForm,
)
from motcua.store.receipts import Meaning

_DELIVERED, _FAILED, _BUFFERED, _SUBMITTED, _REJECTED, _INTERMEDIATE = 1, 2, 4, 8, 16, 32
_MASK = _DELIVERED | _FAILED | _SUBMITTED | _REJECTED
_LONGEST = 8
"""Most parts of one message; Kannel's default of 1 would cut the rest off and still answer 202."""

_REFUSES_NUMBER = re.compile(r"receiver|phone number|number rejected|number\(s\)", re.IGNORECASE)
_DIGITS = re.compile(r"\d(?:[ .-]?\d){5,}")
_WORDS_OF_MESSAGE = re.compile(r"\btext:.*", re.IGNORECASE | re.DOTALL)
_PLAIN = re.compile(r"[^\x00-\x1f?&=<>]*")
"""Kannel's own words hold none of these; a page of something between us may echo the request."""


class KannelGateway:
    """One Kannel smsbox."""

    def __init__(self, address: GatewayAddress) -> None:
        self.address = address

    def _receipt_url(self, reference: str) -> str | None:
        callback = self.address.extra.get("callback_url")
        if not callback:
            return None
        secret = quote(str(self.address.extra.get("callback_secret", "")), safe="")
        # Kannel fills in %d (type of report), %A (the carrier's words) and %F (the carrier's own number).
        return f"{callback}?reference={quote(reference, safe='')}&status=%d&reply=%A&smsc_id=%F&secret={secret}"

    def submit(self, session: requests.Session, message: OutgoingMessage) -> Outcome:
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
        url = f"{self.address.base_url}/cgi-bin/sendsms?{urlencode(query)}"
        try:
            answer = session.get(url, timeout=self.address.timeout, allow_redirects=False)
        except (requests.exceptions.ConnectTimeout, requests.exceptions.ProxyError):
            return Outcome("transient", code="no connection")
        except requests.exceptions.ConnectionError as failure:
            if "CERTIFICATE_VERIFY_FAILED" in repr(failure) or "WRONG_VERSION_NUMBER" in repr(failure):
                # The handshake failed, nothing was written.
                return Outcome("configuration", code="TLS")
            # Refused or unreachable before anything was written is a passing failure; a reset after it is not known.
            before = "NewConnectionError" in repr(failure) or "NameResolutionError" in repr(failure)
            return Outcome("transient" if before else "unknown", code="no connection" if before else "connection lost")
        except (requests.exceptions.InvalidURL, requests.exceptions.InvalidSchema) as failure:
            return Outcome("configuration", code=type(failure).__name__)
        except requests.exceptions.RequestException as failure:
            return Outcome("unknown", code=type(failure).__name__)
        return _read_answer(answer)

    def read_receipt(self, fields: Mapping[str, str]) -> ReceiptReading:
        """The fields that our own ``dlr-url`` asked for."""
        status = fields.get("status")
        # A carrier's report ends with "text:" and the message's first words, which are not for keeping.
        reply = _WORDS_OF_MESSAGE.sub("", fields.get("reply", ""))
        kept = {"reply": _DIGITS.sub("…", reply)[:200], "smsc_id": fields.get("smsc_id", "")[:100]}
        return ReceiptReading(fields.get("reference"), status, self.meaning_of(status), kept)

    def meaning_of(self, gateway_status: str | None) -> Meaning:
        """By the bits of the report's type: an expired message comes as 34, for example."""
        try:
            bits = int(gateway_status or "")
        except ValueError:
            bits = -1
        if not 0 <= bits < 256:
            return "unreadable"
        if bits & _DELIVERED:
            return "delivered"
        if bits & (_FAILED | _REJECTED):
            return "undelivered"
        if bits & _SUBMITTED:
            return "accepted"
        return "pending" if bits & (_BUFFERED | _INTERMEDIATE) else "unreadable"

    def read_inquiry(self, fields: Mapping[str, str]) -> InquiryReading:
        """The fields of a ``get-url`` with ``sender=%p&text=%a&time=%T&id=%I`` (docs/gateways.md)."""
        sent_at = None
        with contextlib.suppress(ValueError, OverflowError, OSError):
            sent_at = datetime.fromtimestamp(int(fields.get("time", "")), UTC)
        return InquiryReading(fields.get("sender", ""), fields.get("text", ""), fields.get("id") or None, sent_at)

    def inquiry_is_signed(self, fields: Mapping[str, str]) -> bool | None:
        """Kannel signs nothing."""
        return None

    def form_reply(self, inquiry: InquiryReading, text: str, accented: bool) -> ReplyForm:
        """Plain text; without coding 2 the phone would show ``?`` for each accent."""
        return ReplyForm(text, "text/plain; charset=utf-8", {"X-Kannel-Coding": "2" if accented else "0"})


def _read_answer(answer: requests.Response) -> Outcome:
    plain = _PLAIN.match(answer.text.strip())
    words = _DIGITS.sub("…", plain.group() if plain else "")[:100]
    status = answer.status_code
    if status == 202:
        return Outcome("accepted", status, words)
    if status == 503:
        return Outcome("transient", status, words, retry_after=_retry_after(answer))
    if status == 429:
        return Outcome("transient", status, words, retry_after=_retry_after(answer))
    if status in (400, 403, 404):
        return Outcome("phone" if status == 400 and _REFUSES_NUMBER.search(words) else "configuration", status, words)
    # Anything else (500, 502, 504, a redirect) may come from something between us, after Kannel took the message.
    return Outcome("unknown", status, words)


def _retry_after(answer: requests.Response) -> float | None:
    try:
        return min(3600.0, max(0.0, float(answer.headers.get("Retry-After", ""))))
    except ValueError:
        return None
