"""VNPT (VinaPhone) SMS brandname: accepts only registered templates and their values, and reports no deliveries.

Source: public client code, among it copies of the list of errors in VNPT's "Tài liệu API dịch vụ SMS Marketing"; the
document itself was not found. The contract gives the endpoint and all ids. Requests use plain HTTP. VNPT accepts
requests only from a list of addresses, so our server's address must be on that list.

Facts of the source that this adapter relies on:

- One request goes to one network; ``ERROR`` 0 means accepted. Numbers are written 84905123456, parameters are numbered
  from 1 in the template's order, ``CONTRACTTYPEID`` 1 means customer care, an empty ``SCHEDULETIME`` means now.
- ``DATACODING`` 8, accented, is for VinaPhone's own network only. An accented message to any other number is refused
  here, so that another gateway gets the message. The network is guessed from the number's first digits. If the number
  was ported to another network, VNPT refuses the message with 25.
- VNPT sends its own copy of a template's fixed words. An accented text therefore needs an accented template with an id
  of its own.
- The five special characters of XML make a request fail with -1, even in JSON. Values with such a character are refused
  here.

Unknown facts, and how this adapter stays safe:

- It is unknown whether VNPT refuses a repeated ``REQID``. The list of errors states that only the API for banks returns
  33 (repeated), and the client code sends the same ``REQID`` every time. So this adapter relies on no refusal
  (``refuses_repeats_hours`` is 0) unless the connection states a number of hours.
- It is unknown whether VNPT may have accepted the message if it answers -1 ("… or an internal error"), so -1 is
  ``unknown``.
- It is unknown whether VNPT sends delivery receipts, and with which fields. ``get_sms_status_api`` exists, but the
  copies of client code differ in the name and form of its date field and in the answer. So this adapter asks VNPT for
  no status.
- The longest ``REQID`` is unknown. Ours have 32 hexadecimal digits; other clients also use letters and digits.
- It is unknown in which form VNPT would deliver a citizen's text, so this adapter accepts no inquiries.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import requests

from motcua.domain.routing import carrier_of_msisdn
from motcua.gateways import GatewayMisconfigured
from motcua.gateways.adapter import (
    ConnectionField,
    GatewayAddress,
    GatewayAnswer,
    OutgoingMessage,
    Provider,
)
from motcua.gateways.exchange import CodeMeaning, exchange, judged, refusing_repeats

_OWN_NETWORK = "VinaPhone"
_CUSTOMER_CARE, _NOW, _LIST_OF_OURS = "1", "", "0"
_UNACCENTED, _ACCENTED = "0", "8"
_XML = frozenset("&<>\"'")
_FIELDS = tuple(ConnectionField(name) for name in ("label_id", "contract_id", "agent_id", "username"))

ANSWERS: Final[Mapping[str, CodeMeaning]] = {
    "-1": CodeMeaning("unknown", "internal error"),
    "0": CodeMeaning("accepted", "accepted"),
    "1": CodeMeaning("configuration", "wrong user, password or address"),
    "2": CodeMeaning("configuration", "wrong schedule"),
    "3": CodeMeaning("configuration", "wrong method"),
    "7": CodeMeaning("configuration", "template not valid for label and agent", "template"),
    "8": CodeMeaning("configuration", "outside the hours for advertising"),
    "9": CodeMeaning("configuration", "wrong type of contract"),
    "10": CodeMeaning("configuration", "wrong USERNAME"),
    "11": CodeMeaning("configuration", "wrong length", "message"),
    "12": CodeMeaning("configuration", "not at this time"),
    "13": CodeMeaning("configuration", "contract not valid"),
    "14": CodeMeaning("configuration", "label not valid"),
    "15": CodeMeaning("configuration", "agent not valid"),
    "16": CodeMeaning("transient", "too fast"),
    "17": CodeMeaning("configuration", "wrong encoding", "message"),
    "20": CodeMeaning("configuration", "quota of the contract used up"),
    "21": CodeMeaning("configuration", "quota of the customer used up"),
    "22": CodeMeaning("configuration", "quota of the agent used up"),
    # VNPT also gives 23 for several networks in one request, but each of our requests has one number.
    "23": CodeMeaning("phone", "number not valid"),
    "24": CodeMeaning("configuration", "schedule in the past"),
    # The number was ported to a network at which the label is not registered. Another gateway may reach it.
    "25": CodeMeaning("configuration", "ported to a network without the label", "message"),
    "26": CodeMeaning("configuration", "counted as advertising", "message"),
    "27": CodeMeaning("configuration", "value not as the template declares", "message"),
    "28": CodeMeaning("configuration", "value longer than the template declares", "message"),
    "29": CodeMeaning("configuration", "label expired"),
    "30": CodeMeaning("configuration", "blocked keyword", "message"),
    "31": CodeMeaning("configuration", "customer not valid"),
    "32": CodeMeaning("configuration", "template not valid", "template"),
    "33": CodeMeaning("duplicate", "duplicate REQID"),
}
"""Meanings of the field ``ERROR`` in the answer to ``send_sms_list``."""


class VnptGateway(Provider):
    """One contract with VNPT."""

    plain_port = 80
    takes_template_ids = True
    connection_fields = _FIELDS

    def __init__(self, address: GatewayAddress) -> None:
        """Raises ``GatewayMisconfigured`` if an id of the contract is missing."""
        extra = address.extra
        missing = [each.name for each in _FIELDS if not str(extra.get(each.name) or "").strip()]
        missing += [name for name in ("login", "password") if not getattr(address, name)]
        if missing:
            raise GatewayMisconfigured(f"The Airflow connection sms_{address.name}: {', '.join(missing)} missing.")
        self.address = address
        self.refuses_repeats_for = refusing_repeats(address, 0)
        path = str(extra.get("path") or "smsmarketing/api")
        self._url = f"{address.base_url.rstrip('/')}/{path.lstrip('/')}"

    def submit(self, session: requests.Session, message: OutgoingMessage) -> GatewayAnswer:
        """Send one POST of ``send_sms_list``, unless VNPT would certainly refuse it."""
        if not message.provider_template_id:
            name = f"{message.template_id}.v{message.template_version}"
            return GatewayAnswer("configuration", code=f"no template id for {name}", concerns="template")
        if message.accented and carrier_of_msisdn(message.msisdn) != _OWN_NETWORK:
            return GatewayAnswer("configuration", code=f"accented text outside {_OWN_NETWORK}", concerns="message")
        if any(_XML.intersection(value) for value in message.values.values()):
            return GatewayAnswer("configuration", code="special character of XML in a value", concerns="message")
        record = {"RQST": self._request(message)}
        answer = exchange(session, "POST", self._url, self.address.timeout, record=record)
        if isinstance(answer, GatewayAnswer):
            return answer
        reply = answer.record.get("RPLY")
        return judged(answer, reply.get("ERROR") if isinstance(reply, dict) else None, ANSWERS)

    def _request(self, message: OutgoingMessage) -> dict[str, Any]:
        extra = self.address.extra
        return {
            "name": "send_sms_list",
            "REQID": message.reference,
            "LABELID": str(extra["label_id"]),
            "CONTRACTTYPEID": _CUSTOMER_CARE,
            "CONTRACTID": str(extra["contract_id"]),
            "TEMPLATEID": message.provider_template_id,
            "PARAMS": [{"NUM": str(place), "CONTENT": value} for place, value in enumerate(message.values.values(), 1)],
            "SCHEDULETIME": _NOW,
            "MOBILELIST": message.msisdn.removeprefix("+"),
            "ISTELCOSUB": _LIST_OF_OURS,
            "AGENTID": str(extra["agent_id"]),
            "APIUSER": self.address.login,
            "APIPASS": self.address.password,
            "USERNAME": str(extra["username"]),
            "DATACODING": _ACCENTED if message.accented else _UNACCENTED,
        }
