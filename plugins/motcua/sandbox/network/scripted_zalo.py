"""Simulate Zalo's notification service on loopback, with scripted answers to messages, and tokens that are renewed.

The service shares no code with our adapter for Zalo. A refresh token works once. A request with an old refresh token is
refused, and so is a message without a valid access token.
"""

from __future__ import annotations

import hashlib
import json
import secrets
import time
from collections import defaultdict
from dataclasses import dataclass
from urllib.parse import parse_qs

from motcua.sandbox.network.scripted import Answer, Asked, ScriptedGateway, in_json

APP, SECRET_KEY, WEBHOOK_SECRET = "3210123210123", "key-of-the-app", "secret-of-the-webhook"
FIRST_REFRESH_TOKEN = "first-refresh-token"  # noqa: S105 - nobody's
_OAUTH, _SEND = "/v4/oa/access_token", "/message/template"


@dataclass(frozen=True)
class Event:
    """A call of the webhook: its headers and its body."""

    headers: dict[str, str]
    body: bytes


class ScriptedZalo:
    """Answers a message by the script of its number, or else by ``code``. Renews tokens."""

    def __init__(self) -> None:
        self.gateway = ScriptedGateway()
        self.gateway.is_login = lambda asked: asked.path == _OAUTH
        self.gateway.login, self.gateway.answer_to = self._answer_renewal, self._answer_message
        self.by_number: dict[str, list[int | Answer]] = defaultdict(list)
        """The answers to a number's messages, in order: a code of Zalo, or any answer of a gateway."""
        self.code: int | Answer = 0
        """The answer to all other messages."""
        self.renewal: Answer | None = None
        """The answer to the next renewal instead of tokens. The refresh token is used up in spite of this."""
        self.refresh_token, self.access_token = FIRST_REFRESH_TOKEN, ""
        self.expires_in = 90_000

    @property
    def url(self) -> str:
        """Return the address of the service."""
        return self.gateway.url

    @property
    def sent(self) -> list[dict[str, object]]:
        """Return the messages that arrived, whatever the answers were."""
        return [asked.record for asked in self.gateway.asked]

    @property
    def renewals(self) -> int:
        """Return how often tokens were requested."""
        return len(self.gateway.logins)

    def close(self) -> None:
        """Close the service."""
        self.gateway.close()

    def event(self, reference: str, name: str = "user_received_message") -> Event:
        """Return the signed call of the webhook for a message."""
        now = str(round(time.time() * 1000))
        delivery = {"delivery_time": now, "msg_id": secrets.token_hex(10), "tracking_id": reference}
        body = json.dumps({"event_name": name, "app_id": APP, "message": delivery, "timestamp": now}).encode()
        mac = hashlib.sha256(f"{APP}{body.decode()}{now}{WEBHOOK_SECRET}".encode()).hexdigest()
        return Event({"X-ZEvent-Signature": f"mac={mac}", "Content-Type": "application/json"}, body)

    def _answer_renewal(self, asked: Asked) -> Answer:
        form = {name: values[-1] for name, values in parse_qs(asked.body.decode()).items()}
        if form.get("refresh_token") != self.refresh_token or asked.headers.get("secret_key") != SECRET_KEY:
            return in_json({"error": -14014, "error_name": "Invalid refresh token"})
        self.refresh_token, self.access_token = secrets.token_urlsafe(20), secrets.token_urlsafe(20)
        if self.renewal is not None:
            answer, self.renewal = self.renewal, None
            return answer
        tokens = {"access_token": self.access_token, "refresh_token": self.refresh_token}
        return in_json(tokens | {"expires_in": str(self.expires_in)})

    def _answer_message(self, asked: Asked) -> Answer:
        if asked.path != _SEND:
            return in_json({"error": -106, "message": "not supported"})
        if not self.access_token or asked.headers.get("access_token") != self.access_token:
            return in_json({"error": -124, "message": "Access token is invalid"})
        planned_answers = self.by_number[str(asked.record["phone"])]
        answer = planned_answers.pop(0) if planned_answers else self.code
        if not isinstance(answer, int):
            return answer
        if answer:
            return in_json({"error": answer, "message": "refused"})
        data = {"msg_id": secrets.token_hex(10), "sent_time": str(round(time.time() * 1000)), "quota": {}}
        return in_json({"error": 0, "message": "Success", "data": data})
