"""eSMS.vn: messages by brandname, delivery receipts pushed or asked for, and texts to a short code.

Source: the vendor's documentation for developers (github devesms/gitbook_esms_for_develop, …_v2, …_v2_en, read in
2026): "Tin nhắn SMS OTP/CSKH", "Bảng mã lỗi", "Callback Url", "Hàm kiểm tra tin nhắn theo SMSID", "Hàm kiểm tra trạng
thái tin nhắn theo khoảng thời gian", "Connect to shortcode service".

Facts of the documentation that this adapter relies on:

- One POST is one SMS. ``CodeResult`` 100 means accepted by eSMS, not delivered.
- A ``RequestId`` (50 characters at most) is refused with 124 for 24 hours after it was first seen.
- For 7 days eSMS reports the state of a message by the ``SMSID`` of the answer, but not by the ``RequestId``. If no
  answer came, the list of the messages sent in a span of time shows the ``campaignid`` of each message. So
  ``campaignid`` contains our reference.
- ``SendStatus`` 5 means finished. The counters ``SendSuccess`` and ``SendFailed`` show whether the message was
  delivered.

Gaps of the documentation, and how this adapter stays safe:

- It is not stated whether eSMS also remembers a ``RequestId`` that it refused for another reason. So each try after a
  refusal has a new reference, and a 124 with ``SendStatus`` 4 (rejected) is not treated as acceptance.
- It is not stated how parameters are added to a ``CallbackUrl`` that already has some. So our address ends in ``&``,
  and a ``?`` before a parameter's name is ignored.
- It is not stated how soon a message is in the list. So a message that is missing in the list may still be delivered.
- The time zone of the list is not stated. Vietnam's is assumed, as in the vendor's own timestamps.
- HTTP statuses are not stated. So ``judged`` in exchange.py applies: most 4xx are refusals, 5xx are unknown.

A citizen's text arrives as a GET with ``sender, content, serviceNumber, keyword, sign, cpid, smsid, receiverTime``.
eSMS texts the XML body of our answer to the citizen. ``sign`` is
Base64(MD5(cpid + smsid + content + receiverTime + privateKey)), as in the vendor's code samples; MD5 is the vendor's
choice. The private key is the connection's extra field ``private_key``.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import quote
from xml.sax.saxutils import escape

import requests

from motcua.domain.clock import VIETNAM
from motcua.domain.routing import Meaning
from motcua.gateways.adapter import (
    ConnectionField,
    GatewayAddress,
    GatewayAnswer,
    GatewayCall,
    InquiryReading,
    OutgoingMessage,
    Provider,
    ReceiptReading,
    ReplyForm,
    SentAttempt,
)
from motcua.gateways.exchange import CodeMeaning, HttpAnswer, exchange, judged, refusing_repeats

_SERVICE = "MainService.svc/json"
_CUSTOMER_CARE = "2"
_REFUSES_REPEATS_HOURS = 23.0
"""One hour less than the 24 hours of the documentation, because the vendor's clock may differ from ours."""

ANSWERS: Final[Mapping[str, CodeMeaning]] = {
    "99": CodeMeaning("phone", "number blocked"),
    "100": CodeMeaning("accepted", "accepted"),
    "101": CodeMeaning("configuration", "wrong ApiKey or SecretKey"),
    "102": CodeMeaning("configuration", "no price list"),
    "103": CodeMeaning("configuration", "balance too low"),
    "104": CodeMeaning("configuration", "unknown brandname"),
    "108": CodeMeaning("phone", "number not in order"),
    "118": CodeMeaning("configuration", "unsupported type"),
    "124": CodeMeaning("duplicate", "duplicate RequestId"),
    "140": CodeMeaning("configuration", "address not on the list"),
    "143": CodeMeaning("configuration", "account locked or not active"),
    "146": CodeMeaning("configuration", "not as the registered template", "template"),
    "177": CodeMeaning("configuration", "carrier not registered", "carrier"),
    "201": CodeMeaning("configuration", "blocked keyword", "message"),
    "300": CodeMeaning("configuration", "missing type"),
    # These keys are not numbers: ``{"error": "Invalid request"}`` has no code, and "124 rejected" is a 124 whose
    # message was rejected.
    "Invalid request": CodeMeaning("configuration", "without a code"),
    "124 rejected": CodeMeaning("configuration", "before", "message"),
}
"""Meanings of the field ``CodeResult`` in the answer to a request to send. Codes that only other requests return (Zalo,
voice, advertising) are left out, so they are ``unknown``."""

_LETS_NOBODY_IN = frozenset({"101", "140", "143"})

_PENDING, _TAKEN, _REJECTED, _FINISHED = ("0",), ("1", "2", "7"), ("4",), ("5",)
"""Values of ``SendStatus``: being written; waiting for approval, in the queue or at the carrier; rejected; finished."""

_STATUS = re.compile(r"SendStatus=(\d+) SendSuccess=(\d+) SendFailed=(\d+)")
_COUNT = re.compile(r"\d{1,4}")
_KEPT: Final[Mapping[str, re.Pattern[str]]] = {
    # For each field of a receipt, the form of values that may be stored. No value that could be a phone number fits.
    "SMSID": re.compile(r"(?=.*[a-zA-Z])[0-9a-zA-Z-]{8,64}"),
    "SendStatus": _COUNT,
    "SendSuccess": _COUNT,
    "SendFailed": _COUNT,
    "TotalReceiver": _COUNT,
    "TotalSent": _COUNT,
    "TotalPrice": re.compile(r"\d{1,7}(\.\d{1,4})?"),
    "TypeId": _COUNT,
    "telcoid": _COUNT,
}
_SPAN = timedelta(minutes=5)
"""How far the vendor's clock may differ from ours."""
_PAGE = 500
"""Most entries that one request for the vendor's list of messages returns."""
_MOST_PAGES = 20
"""How many requests at most search the list for one message. If the list is longer, the outcome stays unknown."""


class EsmsGateway(Provider):
    """One account at eSMS.vn."""

    can_be_asked = True
    reports_deliveries = True
    names_sender = True
    usual_host = "rest.esms.vn"
    connection_fields = (ConnectionField("private_key", is_secret=True, of_callbacks=True, is_optional=True),)

    def __init__(self, address: GatewayAddress) -> None:
        """Raises ``GatewayMisconfigured`` if ``refuses_repeats_hours`` is not a number of hours."""
        self.address = address
        self.refuses_repeats_for = refusing_repeats(address, _REFUSES_REPEATS_HOURS)

    @property
    def _keys(self) -> dict[str, str]:
        return {"ApiKey": self.address.login, "SecretKey": self.address.password}

    def _url(self, call: str) -> str:
        return f"{self.address.base_url.rstrip('/')}/{_SERVICE}/{call}"

    def _post(self, session: requests.Session, call: str, record: Mapping[str, Any]) -> HttpAnswer | GatewayAnswer:
        return exchange(session, "POST", self._url(call), self.address.timeout, record=record)

    def _receipt_url(self, reference: str) -> str | None:
        callback = self.address.extra.get("callback_url")
        if not callback:
            return None
        secret = quote(str(self.address.extra.get("callback_secret", "")), safe="")
        # The address ends in "&", so that the vendor's parameters stay separate, whether "SMSID=", "&SMSID=" or
        # "?SMSID=" is added.
        return f"{callback}?secret={secret}&reference={quote(reference, safe='')}&"

    def submit(self, session: requests.Session, message: OutgoingMessage) -> GatewayAnswer:
        """Send one POST of ``SendMultipleMessage_V4_post_json``."""
        record = self._keys | {
            "Phone": _local(message.msisdn),
            "Content": message.text,
            "Brandname": self.address.sender,
            "SmsType": _CUSTOMER_CARE,
            "IsUnicode": "1" if message.accented else "0",
            "Sandbox": "1" if str(self.address.extra.get("sandbox", "")).lower() in ("1", "true") else "0",
            "RequestId": message.reference,
            "campaignid": message.reference,
        }
        if receipt_url := self._receipt_url(message.reference):
            record["CallbackUrl"] = receipt_url
        answer = self._post(session, "SendMultipleMessage_V4_post_json/", record)
        if isinstance(answer, GatewayAnswer):
            return answer
        code = str(answer.record.get("CodeResult", answer.record.get("error", ""))).strip()
        if code == "124" and str(answer.record.get("SendStatus")) in _REJECTED:
            code = "124 rejected"
        outcome = judged(answer, code, ANSWERS)
        sms_id = str(answer.record.get("SMSID", ""))
        if outcome.outcome != "accepted" or not _KEPT["SMSID"].fullmatch(sms_id):
            return outcome
        return GatewayAnswer(outcome.outcome, outcome.http_status, outcome.code, gateway_reference=sms_id)

    def ask(self, session: requests.Session, attempt: SentAttempt) -> ReceiptReading | None:
        """Ask for the message by the vendor's ``SMSID``. If the attempt has none, search for our reference in the list
        of messages around the time of the attempt."""
        sms_id = attempt.gateway_reference
        found = self._look_up(session, sms_id) if sms_id else self._search(session, attempt)
        reading = self._reading(attempt.reference, found) if found else None
        return reading if reading and reading.meaning != "unreadable" else None

    def _look_up(self, session: requests.Session, sms_id: str) -> Mapping[str, Any] | None:
        query = {"RefId": sms_id, **self._keys}
        answer = exchange(session, "GET", self._url("GetSendStatus"), self.address.timeout, query=query)
        # The vendor also answers 105 (not found) for a message that it accepted a moment ago.
        if isinstance(answer, GatewayAnswer) or str(answer.record.get("CodeResponse")) != "100":
            return None
        return answer.record if answer.record.get("SMSID", sms_id) == sms_id else None

    def _search(self, session: requests.Session, attempt: SentAttempt) -> Mapping[str, Any] | None:
        """Returns the report of a message whose request got no answer, in the form of a callback's fields."""
        local = attempt.started_at.astimezone(VIETNAM)
        asked = self._keys | {
            "SmsType": _CUSTOMER_CARE,
            "From": f"{local - _SPAN:%Y-%m-%d %H:%M:%S}",
            "To": f"{local + _SPAN:%Y-%m-%d %H:%M:%S}",
            "PageSize": _PAGE,
        }
        for page in range(1, _MOST_PAGES + 1):
            answer = self._post(session, "GetSmsSentData_V2", asked | {"Page": page})
            if isinstance(answer, GatewayAnswer) or str(answer.record.get("CodeResult")) != "100":
                return None
            listed = answer.record.get("SentData")
            entries = listed if isinstance(listed, list) else []
            for entry in entries:
                if isinstance(entry, dict) and entry.get("Campaign") == attempt.reference:
                    result = str(entry.get("SendResult"))
                    return {
                        "SMSID": entry.get("ReferenceId"),
                        "SendStatus": entry.get("SendStatus"),
                        "SendSuccess": int(result == "1"),
                        "SendFailed": int(result == "0"),
                    }
            if len(entries) < _PAGE:
                return None
        return None

    def try_login(self, session: requests.Session) -> GatewayAnswer | None:
        """Ask for the list of messages of this moment, one entry at most. Such a request cannot send a message."""
        now = datetime.now(VIETNAM)
        moment = f"{now:%Y-%m-%d %H:%M:%S}"
        asked = {"SmsType": _CUSTOMER_CARE, "From": moment, "To": moment, "Page": 1, "PageSize": 1}
        answer = self._post(session, "GetSmsSentData_V2", self._keys | asked)
        if isinstance(answer, GatewayAnswer):
            return answer
        code = str(answer.record.get("CodeResult", "")).strip()
        if answer.status == 200 and code.isdecimal() and code not in _LETS_NOBODY_IN:
            # Any other code shows that the vendor knows the account.
            return GatewayAnswer("accepted", answer.status)
        return judged(answer, code, ANSWERS)

    def read_receipt(self, call: GatewayCall) -> ReceiptReading:
        """Read a callback's fields. Our reference is in ``RequestId``, and in the address that we gave the vendor."""
        report = {name.lstrip("?"): value for name, value in call.fields.items()}
        reference = report.get("RequestId") or report.get("reference", "").partition("?")[0]
        return self._reading(reference or None, report)

    def _reading(self, reference: str | None, report: Mapping[str, Any]) -> ReceiptReading:
        named = {name.casefold(): str(value) for name, value in report.items()}
        kept = {
            name: value
            for name, form in _KEPT.items()
            if (value := named.get(name.casefold())) is not None and form.fullmatch(value)
        }
        status = None
        if "SendStatus" in kept:
            success, failed = kept.get("SendSuccess", "0"), kept.get("SendFailed", "0")
            status = f"SendStatus={kept['SendStatus']} SendSuccess={success} SendFailed={failed}"
        return ReceiptReading(reference, status, self.meaning_of(status), kept)

    def meaning_of(self, gateway_status: str | None) -> Meaning:
        """Return the meaning of the status. For a finished message, the counters of successes and failures decide."""
        match = _STATUS.fullmatch(gateway_status or "")
        if not match:
            return "unreadable"
        status, success, failed = match[1], int(match[2]) > 0, int(match[3]) > 0
        if status in _PENDING:
            return "pending"
        if status in _TAKEN:
            return "accepted"
        if status in _REJECTED:
            return "undelivered"
        if status not in _FINISHED or (success and failed):
            # One message cannot both arrive and fail.
            return "unreadable"
        if success or failed:
            return "delivered" if success else "undelivered"
        return "accepted"

    def read_inquiry(self, call: GatewayCall) -> InquiryReading:
        """Read a citizen's text; ``receiverTime`` is local time, ``yyyyMMddHHmmss``."""
        fields = call.fields
        try:
            sent_at = datetime.strptime(fields.get("receiverTime", ""), "%Y%m%d%H%M%S").replace(tzinfo=VIETNAM)
        except ValueError:
            sent_at = None
        return InquiryReading(fields.get("sender", ""), fields.get("content", ""), fields.get("smsid") or None, sent_at)

    def inquiry_is_signed(self, call: GatewayCall) -> bool | None:
        """Compare ``sign`` in constant time. Return ``None`` without a private key."""
        key = str(self.address.extra.get("private_key") or "")
        if not key:
            return None
        fields = call.query
        signed = "".join(fields.get(name, "") for name in ("cpid", "smsid", "content", "receiverTime")) + key
        digest = hashlib.md5(signed.encode("utf-8", "surrogatepass"), usedforsecurity=False).digest()
        # A "+" that was not escaped in the query arrives as a blank.
        offered = fields.get("sign", "").replace(" ", "+")
        return hmac.compare_digest(base64.b64encode(digest), offered.encode("utf-8", "surrogatepass"))

    def form_reply(self, inquiry: InquiryReading, text: str, accented: bool) -> ReplyForm:
        """Return the vendor's ``ClientResponse``. The vendor's sample closes ``Smsid`` wrongly; this answer is
        well-formed."""
        fields = {"Message": text, "Smsid": inquiry.message_id or "", "Receiver": inquiry.sender}
        inner = "".join(f"<{name}>{escape(_for_xml(value))}</{name}>" for name, value in fields.items())
        return ReplyForm(f"<ClientResponse>{inner}</ClientResponse>", "text/xml; charset=utf-8")


def _local(msisdn: str) -> str:
    """Writes a number as the vendor's samples do: ``0905123456``."""
    return f"0{msisdn[3:]}" if msisdn.startswith("+84") else msisdn


def _for_xml(value: str) -> str:
    """Removes the characters that XML 1.0 cannot contain."""
    return "".join(letter for letter in value if letter in "\t\n" or (letter >= " " and letter not in "\ufffe\uffff"))
