"""eSMS.vn: for now only what a short code brings in; nothing is sent through it.

Source: the vendor's "Connect to shortcode service": a GET with ``sender, content, serviceNumber, keyword, sign, cpid,
smsid, receiverTime``, answered by an XML body that is texted back. ``sign`` is Base64(MD5(cpid + smsid + content +
receiverTime + privateKey)), as in its code samples; MD5 is the vendor's choice. The private key is the connection's
extra field ``private_key``.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping
from datetime import datetime
from xml.sax.saxutils import escape

import requests

from motcua.domain.occasions import VIETNAM
from motcua.gateways.adapter import (
    GatewayAddress,
    InquiryReading,
    Outcome,
    OutgoingMessage,
    ReceiptReading,
    ReplyForm,
)
from motcua.store.receipts import Meaning


class EsmsGateway:
    """One account at eSMS.vn."""

    def __init__(self, address: GatewayAddress) -> None:
        self.address = address

    def submit(self, session: requests.Session, message: OutgoingMessage) -> Outcome:
        """Refused without a request: sending through eSMS is not built."""
        return Outcome("configuration", code="the adapter esms takes inquiries only")

    def read_receipt(self, fields: Mapping[str, str]) -> ReceiptReading:
        """Unreadable: nothing is sent, so there is nothing to report."""
        return ReceiptReading(None, None, "unreadable", {})

    def meaning_of(self, gateway_status: str | None) -> Meaning:
        """Unreadable, likewise."""
        return "unreadable"

    def read_inquiry(self, fields: Mapping[str, str]) -> InquiryReading:
        """``receiverTime`` is local, ``yyyyMMddHHmmss``."""
        try:
            sent_at = datetime.strptime(fields.get("receiverTime", ""), "%Y%m%d%H%M%S").replace(tzinfo=VIETNAM)
        except ValueError:
            sent_at = None
        return InquiryReading(fields.get("sender", ""), fields.get("content", ""), fields.get("smsid") or None, sent_at)

    def inquiry_is_signed(self, fields: Mapping[str, str]) -> bool | None:
        """Whether ``sign`` is right, compared in constant time; ``None`` without a private key."""
        key = str(self.address.extra.get("private_key") or "")
        if not key:
            return None
        signed = "".join(fields.get(name, "") for name in ("cpid", "smsid", "content", "receiverTime")) + key
        digest = hashlib.md5(signed.encode("utf-8", "surrogatepass"), usedforsecurity=False).digest()
        # A "+" that was not escaped in the query arrives as a blank.
        offered = fields.get("sign", "").replace(" ", "+")
        return hmac.compare_digest(base64.b64encode(digest), offered.encode("utf-8", "surrogatepass"))

    def form_reply(self, inquiry: InquiryReading, text: str, accented: bool) -> ReplyForm:
        """The vendor's ``ClientResponse`` (its sample closes ``Smsid`` wrongly; this is well-formed)."""
        fields = {"Message": text, "Smsid": inquiry.message_id or "", "Receiver": inquiry.sender}
        inner = "".join(f"<{name}>{escape(_for_xml(value))}</{name}>" for name, value in fields.items())
        return ReplyForm(f"<ClientResponse>{inner}</ClientResponse>", "text/xml; charset=utf-8")


def _for_xml(value: str) -> str:
    """Without the characters that XML 1.0 cannot hold."""
    return "".join(letter for letter in value if letter in "\t\n" or (letter >= " " and letter not in "\ufffe\uffff"))
