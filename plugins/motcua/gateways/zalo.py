"""Zalo Notification Service (ZNS): registered templates and their values to phones with a Zalo account.

Source: public client code; the provider's own pages were not reachable. What that says and this adapter relies on:

- One POST of ``/message/template`` is one message, with the header ``access_token``. The phone is written 84905123456,
  ``tracking_id`` is ours and comes back in the report. ``error`` 0 means taken; a refusal has another number, with HTTP
  200 as well.
- A message is billed, whatever its length, and its words are Zalo's copy of the template, with accents. So a template
  is registered here with the id of its accented text; its places are called as ours.
- Nothing is taken from 22 to 6 (-133); -144 and -147 are quotas.
- The access token lives for ``expires_in`` seconds (25 hours), the refresh token for three months, and works once:
  each renewal gives both anew.
- The event ``user_received_message`` says that the phone has it. ``X-ZEvent-Signature`` is the SHA-256, in hex, of app
  id, body, the body's ``timestamp`` and the webhook's secret, with ``mac=`` before it or not.

What is not known, and how this is kept safe:

- Whether -114 (not active, refuses, or an old version) and -119 (cannot receive) may be said of a message that arrives
  all the same. Until Zalo has written that it may not, they refuse the message for good and nothing goes by SMS: so
  nobody is told twice, and the desk sees a number to mend. They are no ``unknown``: that would wait for people, or be
  taken for told, where the provider says plainly that it is not. With that letter the connection says
  ``refusals_are_sure``, and both are as -118: the next gateway has the message at once.
- Whether a ``tracking_id`` is checked for repeats: nothing is promised, a request without an answer is ``unknown`` and
  never repeated, nor given to another gateway.
- What -100 leaves behind: ``unknown``.
- Whether a message can be asked about: nothing is asked, and no request is known that only tries the account.
- When a quota begins anew: Vietnam's midnight is assumed; where that is too early, another try is refused as the first.
- How long a token lives whose ``expires_in`` is missing: an hour, as it once was.
- Which other events there are: they are counted by their names and left.
- What a citizen's text looks like: inquiries do not come this way.
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
_SHUT = "-124"
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
    _SHUT: CodeMeaning("configuration", "access token not valid"),
    "-131": CodeMeaning("configuration", "template not approved", "template"),
    "-132": CodeMeaning("configuration", "value not as the template declares", "message"),
    _NIGHT: CodeMeaning("configuration", "not at night"),
    "-144": CodeMeaning("configuration", "quota used up"),
    "-147": CodeMeaning("configuration", "quota used up"),
}
"""``error`` of ``/message/template``."""
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
        """``GatewayMisconfigured``: it has not all that sending needs (``login``, ``password``, ``refresh_token``), nor
        all that its events are checked by (the app's id and ``webhook_secret``), which is what callbacks are given."""
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
            raise GatewayMisconfigured(f"{connection}: refusals_are_sure is true or false.")
        self.address = address
        self._answers = _SURE if extra.get("refusals_are_sure") else ANSWERS
        self._url = f"{address.base_url.rstrip('/')}/message/template"
        self._oauth = f"{str(extra.get('oauth_url') or _OAUTH).rstrip('/')}/v4/oa/access_token"

    def renew(self, session: requests.Session, refresh_token: str, now: datetime) -> Tokens | GatewayAnswer:
        """One POST of ``/v4/oa/access_token``."""
        form = {"refresh_token": refresh_token, "app_id": self._app, "grant_type": "refresh_token"}
        headers = {"secret_key": self.address.password}
        answer = exchange(session, "POST", self._oauth, self.address.timeout, headers=headers, form=form)
        if isinstance(answer, GatewayAnswer):
            return answer
        access, refresh = (answer.record.get(name) for name in ("access_token", "refresh_token"))
        if answer.status == 200 and _is_token(access) and _is_token(refresh):
            return Tokens(access, refresh, now, now + _lives(answer.record.get("expires_in")), now + _REFRESH_LIVES)
        if "error" in answer.record or 400 <= answer.status < 500:
            error = str(answer.record.get("error", ""))
            code = f"renewal refused {error}" if re.fullmatch(r"-?\d{1,6}", error) else "renewal refused"
            return GatewayAnswer("configuration", answer.status, code)
        return GatewayAnswer("unknown", answer.status, "renewal: unreadable answer")

    def submit(self, session: requests.Session, message: OutgoingMessage) -> GatewayAnswer:
        """One POST of ``/message/template``, unless there is nothing to be let in by, or no template's id."""
        if self.tokens is None:
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
        headers = {"access_token": self.tokens.access}
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
        if str(code) == _SHUT:
            return replace(outcome, tokens_refused=True)
        now = datetime.now(UTC)
        if str(code) == _NIGHT:
            # By its clock it is night; by ours it may not be yet.
            return replace(outcome, open_at=self.closed.until(now) or now + _HOUR)
        return replace(outcome, open_at=next_day(now)) if str(code) in _QUOTAS else outcome

    def receipt_is_signed(self, call: GatewayCall) -> bool:
        """Whether ``X-ZEvent-Signature`` is right, compared in constant time."""
        timestamp = _event(call).get("timestamp")
        if not (self._app and self._webhook_secret) or not isinstance(timestamp, str | int):
            return False
        end = f"{timestamp}{self._webhook_secret}"
        signed = self._app.encode() + call.body + end.encode("utf-8", "surrogatepass")
        offered = call.headers.get(_SIGNATURE, "").strip().removeprefix("mac=").strip()
        return hmac.compare_digest(hashlib.sha256(signed).hexdigest().encode(), offered.lower().encode())

    def read_receipt(self, call: GatewayCall) -> ReceiptReading:
        """An event of the webhook; any but ``user_received_message`` is of nothing of ours."""
        event = _event(call)
        name = str(event.get("event_name", ""))
        if not _NAME.fullmatch(name):
            return ReceiptReading(None, None, "unreadable", {})
        if name != _RECEIVED:
            return ReceiptReading(None, f"event {name}", "pending", {})
        message = event.get("message")
        told: Mapping[str, Any] = message if isinstance(message, dict) else {}
        reference, at = str(told.get("tracking_id", "")), str(told.get("delivery_time", ""))
        kept = {}
        if _MILLISECONDS.fullmatch(at):
            kept["delivery_time"] = datetime.fromtimestamp(int(at) / 1000, UTC).isoformat()
        is_ours = _REFERENCE.fullmatch(reference) is not None
        return ReceiptReading(reference if is_ours else None, _RECEIVED, "delivered", kept)

    def meaning_of(self, gateway_status: str | None) -> Meaning:
        """By the event's name."""
        if gateway_status == _RECEIVED:
            return "delivered"
        return "pending" if (gateway_status or "").startswith("event ") else "unreadable"


def _event(call: GatewayCall) -> Mapping[str, Any]:
    """The body as a JSON object; empty: it is something else."""
    try:
        read = json.loads(call.body)
    except (ValueError, RecursionError):
        return {}
    return read if isinstance(read, dict) else {}


def _is_token(value: object) -> TypeGuard[str]:
    return isinstance(value, str) and _TOKEN.fullmatch(value) is not None


def _lives(seconds: object) -> timedelta:
    try:
        given = int(str(seconds))
    except ValueError:
        given = 0
    return timedelta(seconds=given) if 60 <= given <= _REFRESH_LIVES.total_seconds() else _HOUR
