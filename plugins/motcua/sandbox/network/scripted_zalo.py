"""Zalo's notification service on loopback: messages to phones with and without an account, and tokens that are renewed.

It shares no code with the adapter. A refresh token works once; whoever shows an old one is refused, as a message is
that shows no access token of ours.
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
    """A call of the webhook: its header and its body."""

    headers: dict[str, str]
    body: bytes


class ScriptedZalo:
    """Answers by number what it is told to, else takes each message; renews tokens."""

    def __init__(self) -> None:
        self.gateway = ScriptedGateway()
        self.gateway.is_login = lambda asked: asked.path == _OAUTH
        self.gateway.login, self.gateway.answer_to = self._renew, self._take
        self.by_number: dict[str, list[int | Answer]] = defaultdict(list)
        """What a number's messages are answered in turn: Zalo's code, or anything that a gateway may do."""
        self.code: int | Answer = 0
        """To all others."""
        self.renewal: Answer | None = None
        """To the next renewal, in place of tokens; the refresh token is used up all the same."""
        self.refresh_token, self.access_token = FIRST_REFRESH_TOKEN, ""
        self.expires_in = 90_000

    @property
    def url(self) -> str:
        """Where it listens."""
        return self.gateway.url

    @property
    def sent(self) -> list[dict[str, object]]:
        """The messages that it was given, whatever it answered."""
        return [asked.record for asked in self.gateway.asked]

    @property
    def renewals(self) -> int:
        """How often it was asked for tokens."""
        return len(self.gateway.logins)

    def close(self) -> None:
        """Goes away."""
        self.gateway.close()

    def event(self, reference: str, name: str = "user_received_message") -> Event:
        """What its webhook says of a message, signed."""
        now = str(round(time.time() * 1000))
        told = {"delivery_time": now, "msg_id": secrets.token_hex(10), "tracking_id": reference}
        body = json.dumps({"event_name": name, "app_id": APP, "message": told, "timestamp": now}).encode()
        mac = hashlib.sha256(f"{APP}{body.decode()}{now}{WEBHOOK_SECRET}".encode()).hexdigest()
        return Event({"X-ZEvent-Signature": f"mac={mac}", "Content-Type": "application/json"}, body)

    def _renew(self, asked: Asked) -> Answer:
        form = {name: values[-1] for name, values in parse_qs(asked.body.decode()).items()}
        if form.get("refresh_token") != self.refresh_token or asked.headers.get("secret_key") != SECRET_KEY:
            return in_json({"error": -14014, "error_name": "Invalid refresh token"})
        self.refresh_token, self.access_token = secrets.token_urlsafe(20), secrets.token_urlsafe(20)
        if self.renewal is not None:
            answer, self.renewal = self.renewal, None
            return answer
        tokens = {"access_token": self.access_token, "refresh_token": self.refresh_token}
        return in_json(tokens | {"expires_in": str(self.expires_in)})

    def _take(self, asked: Asked) -> Answer:
        if asked.path != _SEND:
            return in_json({"error": -106, "message": "not supported"})
        if not self.access_token or asked.headers.get("access_token") != self.access_token:
            return in_json({"error": -124, "message": "Access token is invalid"})
        told = self.by_number[str(asked.record["phone"])]
        answer = told.pop(0) if told else self.code
        if not isinstance(answer, int):
            return answer
        if answer:
            return in_json({"error": answer, "message": "refused"})
        data = {"msg_id": secrets.token_hex(10), "sent_time": str(round(time.time() * 1000)), "quota": {}}
        return in_json({"error": 0, "message": "Success", "data": data})
