"""Zalo Notification Service (ZNS): sends registered templates and their values to phones with a Zalo account.

Source: public client code; the provider's own pages could not be reached. Facts of the source that this adapter relies
on:

- One POST of ``/message/template``, with the header ``access_token``, is one message. The phone is written 84905123456.
  ``tracking_id`` is our reference, which the receipt repeats. ``error`` 0 means accepted; a refusal has another
  number, also with HTTP 200.
- Zalo bills by message, whatever its length. The citizen reads Zalo's own copy of the template, with accents. So a
  template is registered here with the id of its accented text, and its parameters have the names that our templates
  use.
- Zalo accepts nothing from 22:00 to 6:00 (-133); -144 and -147 mean that a quota is used up.
- The access token lives for ``expires_in`` seconds (25 hours). The refresh token lives for three months and works once:
  each renewal returns a new token of both kinds.
- The event ``user_received_message`` means that the phone received the message. ``X-ZEvent-Signature`` is the SHA-256,
  in hex, of app id, body, the body's ``timestamp`` and the webhook's secret, with or without ``mac=`` before it.

Unknown facts, and how this adapter stays safe:

- It is unknown whether Zalo may give -114 (not active, refuses, or an old version) or -119 (cannot receive) for a
  message that arrives after all. By default both codes therefore end the message for good, and the message is not sent
  by SMS either. So nobody is texted twice, and the desk sees a number to correct. The codes are not ``unknown``: an
  unknown message would wait for people or be treated as accepted, although Zalo plainly states that it was not sent.
  Once Zalo has confirmed in writing that such a message never arrives, set ``refusals_are_sure`` in the connection.
  Both codes then work as -118: the next gateway gets the message at once.
- It is unknown whether Zalo refuses a repeated ``tracking_id``, so this adapter relies on no refusal. A request without
  an answer is ``unknown``, and is never repeated or given to another gateway.
- It is unknown whether Zalo may have accepted the message if it answers -100, so -100 is ``unknown``.
- It is unknown whether Zalo can be asked about a message, so it is not asked. No request is known that only checks the
  account.
- It is unknown when a quota begins anew. Vietnam's midnight is assumed. If that is too early, Zalo refuses the next
  try, too.
- It is unknown how long a token lives without ``expires_in``. An hour is assumed, because tokens once lived for an
  hour.
- It is unknown which other events exist. They are counted by name and ignored.
- It is unknown in which form Zalo would deliver a citizen's text, so this adapter accepts no inquiries.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from typing import Any, Final, TypeGuard

import requests

from motcua.domain.apologies import QuietHours
from motcua.domain.routing import Meaning, next_day
from motcua.domain.tokens import Tokens
from motcua.gateways import GatewayMisconfigured
from motcua.gateways.adapter import (
    ConnectionField,
    GatewayAddress,
    GatewayAnswer,
    GatewayCall,
    OutgoingMessage,
    Provider,
    ReceiptReading,
    Unit,
)
from motcua.gateways.exchange import CodeMeaning, exchange, judged

_OAUTH = "https://oauth.zaloapp.com"
_SIGNATURE = "x-zevent-signature"
_RECEIVED = "user_received_message"
_LETS_NOBODY_IN = "-124"
_NIGHT, _QUOTAS, _UNSURE = "-133", frozenset({"-144", "-147"}), frozenset({"-114", "-119"})
_HOUR, _REFRESH_LIVES = timedelta(hours=1), timedelta(days=90)
_TOKEN = re.compile(r"[\x21-\x7e]{1,2000}")

ANSWERS: Final[Mapping[str, CodeMeaning]] = {
    "0": CodeMeaning("accepted", "accepted"),
    "-100": CodeMeaning("unknown", "unknown error"),
    "-108": CodeMeaning("unreachable", "number not valid here"),
    "-114": CodeMeaning("phone", "not active, refuses, or an old version"),
    "-115": CodeMeaning("configuration", "balance too low"),
    "-118": CodeMeaning("unreachable", "no account"),
    "-119": CodeMeaning("phone", "cannot receive"),
    _LETS_NOBODY_IN: CodeMeaning("configuration", "access token not valid"),
    "-131": CodeMeaning("configuration", "template not approved", "template"),
    "-132": CodeMeaning("configuration", "value not as the template declares", "message"),
    _NIGHT: CodeMeaning("configuration", "not at night"),
    "-144": CodeMeaning("configuration", "quota used up"),
    "-147": CodeMeaning("configuration", "quota used up"),
}
"""Meanings of the field ``error`` in the answer to ``/message/template``."""
_SURE: Final[Mapping[str, CodeMeaning]] = {
    **ANSWERS,
    **{code: CodeMeaning("unreachable", ANSWERS[code].meaning) for code in _UNSURE},
}

_NAME = re.compile(r"[a-z_]{1,64}")
_REFERENCE = re.compile(r"[0-9a-f]{32}")
_MILLISECONDS = re.compile(r"\d{13}")


class ZaloGateway(Provider):
    """One Zalo official account."""

    takes_template_ids = True
    accents_cost_nothing = True
    unit: Unit = "message"
    closed = QuietHours(time(22), time(6))
    reaches_every_number = False
    reports_deliveries = True
    usual_host = "business.openapi.zalo.me"
    connection_fields = (
        ConnectionField("refresh_token", is_secret=True),
        ConnectionField("app_id", of_callbacks=True, is_login=True),
        ConnectionField("webhook_secret", is_secret=True, of_callbacks=True),
    )
    receipts_signed_in = _SIGNATURE

    def __init__(self, address: GatewayAddress) -> None:
        """Raises ``GatewayMisconfigured`` if fields are missing: either all fields for sending (``login``,
        ``password``, ``refresh_token``) or all fields for checking events (the app's id and ``webhook_secret``, which
        callbacks get) must be there."""
        extra, connection = address.extra, f"The Airflow connection sms_{address.name}"
        self._app = str(extra.get("app_id") or address.login)
        self._webhook_secret = str(extra.get("webhook_secret") or "")
        self.first_refresh_token = str(extra.get("refresh_token") or "") or None
        if not (self._app and self._webhook_secret):
            missing = [name for name in ("login", "password") if not getattr(address, name)]
            missing += [] if self.first_refresh_token else ["refresh_token"]
            if missing:
                raise GatewayMisconfigured(f"{connection}: {', '.join(missing)} missing.")
        if extra.get("refusals_are_sure", False) not in (True, False):
            raise GatewayMisconfigured(f"{connection}: refusals_are_sure must be true or false.")
        self.address = address
        self._answers = _SURE if extra.get("refusals_are_sure") else ANSWERS
        self._url = f"{address.base_url.rstrip('/')}/message/template"
        self._oauth = f"{str(extra.get('oauth_url') or _OAUTH).rstrip('/')}/v4/oa/access_token"

    def renew(self, session: requests.Session, refresh_token: str, now: datetime) -> Tokens | GatewayAnswer:
        """Send one POST of ``/v4/oa/access_token``."""
        form = {"refresh_token": refresh_token, "app_id": self._app, "grant_type": "refresh_token"}
        headers = {"secret_key": self.address.password}
        answer = exchange(session, "POST", self._oauth, self.address.timeout, headers=headers, form=form)
        if isinstance(answer, GatewayAnswer):
            return answer
        access, refresh = (answer.record.get(name) for name in ("access_token", "refresh_token"))
        if answer.status == 200 and _is_token(access) and _is_token(refresh):
            return Tokens(
                access, refresh, now, now + _token_life(answer.record.get("expires_in")), now + _REFRESH_LIVES
            )
        if answer.status < 500 and ("error" in answer.record or answer.status >= 400):
            error = str(answer.record.get("error", ""))
            code = f"renewal refused {error}" if re.fullmatch(r"-?\d{1,6}", error) else "renewal refused"
            return GatewayAnswer("configuration", answer.status, code)
        return GatewayAnswer("unknown", answer.status, "renewal: unreadable answer")

    def submit(self, session: requests.Session, message: OutgoingMessage) -> GatewayAnswer:
        """Send one POST of ``/message/template``, unless the access token or the template's id is missing."""
        if (tokens := self.tokens) is None:
            return GatewayAnswer("configuration", code="no access token")
        if not message.provider_template_id:
            name = f"{message.template_id}.v{message.template_version}"
            return GatewayAnswer("configuration", code=f"no template id for {name}", concerns="template")
        record = {
            "phone": message.msisdn.removeprefix("+"),
            "template_id": message.provider_template_id,
            "template_data": dict(message.values),
            "tracking_id": message.reference,
        }
        headers = {"access_token": tokens.access}
        answer = exchange(session, "POST", self._url, self.address.timeout, headers=headers, record=record)
        if isinstance(answer, GatewayAnswer):
            return answer
        code = answer.record.get("error")
        outcome = judged(answer, code, self._answers)
        if outcome.outcome == "accepted":
            data = answer.record.get("data")
            given = str(data.get("msg_id", "")) if isinstance(data, dict) else ""
            return replace(outcome, gateway_reference=given if re.fullmatch(r"[0-9a-f]{8,64}", given) else None)
        if outcome.outcome != "configuration":
            return outcome
        if str(code) == _LETS_NOBODY_IN:
            return replace(outcome, refused_token=tokens.access)
        now = datetime.now(UTC)
        if str(code) == _NIGHT:
            # By Zalo's clock it is night; by ours it may not be night yet.
            return replace(outcome, open_at=self.closed.until(now) or now + _HOUR)
        return replace(outcome, open_at=next_day(now)) if str(code) in _QUOTAS else outcome

    def receipt_is_signed(self, call: GatewayCall) -> bool:
        """Compare ``X-ZEvent-Signature`` in constant time."""
        timestamp = _event(call).get("timestamp")
        if not (self._app and self._webhook_secret) or not isinstance(timestamp, str | int):
            return False
        end = f"{timestamp}{self._webhook_secret}"
        signed = self._app.encode() + call.body + end.encode("utf-8", "surrogatepass")
        offered = call.headers.get(_SIGNATURE, "").strip().removeprefix("mac=").strip()
        return hmac.compare_digest(hashlib.sha256(signed).hexdigest().encode(), offered.lower().encode())

    def read_receipt(self, call: GatewayCall) -> ReceiptReading:
        """Read an event of the webhook. Only ``user_received_message`` concerns a message of ours."""
        event = _event(call)
        name = str(event.get("event_name", ""))
        if not _NAME.fullmatch(name):
            return ReceiptReading(None, None, "unreadable", {})
        if name != _RECEIVED:
            return ReceiptReading(None, f"event {name}", "pending", {})
        message = event.get("message")
        message_fields: Mapping[str, Any] = message if isinstance(message, dict) else {}
        reference, at = str(message_fields.get("tracking_id", "")), str(message_fields.get("delivery_time", ""))
        kept = {}
        if _MILLISECONDS.fullmatch(at):
            kept["delivery_time"] = datetime.fromtimestamp(int(at) / 1000, UTC).isoformat()
        is_ours = _REFERENCE.fullmatch(reference) is not None
        return ReceiptReading(reference if is_ours else None, _RECEIVED, "delivered", kept)

    def meaning_of(self, gateway_status: str | None) -> Meaning:
        """Return the meaning by the event's name."""
        if gateway_status == _RECEIVED:
            return "delivered"
        return "pending" if (gateway_status or "").startswith("event ") else "unreadable"


def _event(call: GatewayCall) -> Mapping[str, Any]:
    """Returns the body as a JSON object; empty if the body is not one."""
    try:
        read = json.loads(call.body)
    except (ValueError, RecursionError):
        return {}
    return read if isinstance(read, dict) else {}


def _is_token(value: object) -> TypeGuard[str]:
    return isinstance(value, str) and _TOKEN.fullmatch(value) is not None


def _token_life(seconds: object) -> timedelta:
    try:
        given = int(str(seconds))
    except ValueError:
        given = 0
    return timedelta(seconds=given) if 60 <= given <= _REFRESH_LIVES.total_seconds() else _HOUR
