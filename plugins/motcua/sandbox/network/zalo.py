"""Simulate Zalo's notification service for the phones of the simulated phone network.

Two thirds of the phones have Zalo, 5 % of these refuse messages, and from 22:00 to 6:00 every message is refused. The
service shares no code with our adapter for Zalo. Each refresh token works once. The network's log stores the tokens.
The service loads our templates itself. A template's id at the service is its name and version, such as ``result.v1``.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import secrets
import sqlite3
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

from motcua.domain.clock import VIETNAM
from motcua.sandbox.network.behaviour import DELIVERED, Behaviour, default_behaviour, toss
from motcua.sandbox.network.phone_network import ZALO, PhoneNetwork
from motcua.sandbox.network.submission import UCS2, Submission, phone_number
from motcua.store.notices.templates import load_template_versions

_HAVE_IT, _REFUSE = 2 / 3, 0.05
_NIGHT_FROM, _NIGHT_UNTIL = 22, 6
_TOKEN_LIVES = 90_000
_SENDER = "MotcuaSMS"


@dataclass(frozen=True, slots=True)
class ZaloAccount:
    """The province's official account at Zalo."""

    app: str
    key: str
    first_refresh_token: str
    webhook_url: str
    webhook_secret: str

    def event(self, dlr_url: str) -> tuple[bytes, dict[str, str]]:
        """Return body and headers of the event that reports a message as delivered to a phone."""
        now = str(round(time.time() * 1000))
        delivery = {"delivery_time": now, "msg_id": secrets.token_hex(10), "tracking_id": reference_in(dlr_url)}
        body = json.dumps(
            {"event_name": "user_received_message", "app_id": self.app, "message": delivery, "timestamp": now}
        )
        mac = hashlib.sha256(f"{self.app}{body}{now}{self.webhook_secret}".encode()).hexdigest()
        return body.encode(), {"X-ZEvent-Signature": f"mac={mac}", "Content-Type": "application/json"}


def reference_in(dlr_url: str) -> str:
    """Return the reference that our system gave a message, from the address that the network's log stores for it."""
    return parse_qs(urlsplit(dlr_url).query).get("reference", [""])[0]


def has_zalo(number: str, seed: int) -> bool:
    """Return whether a phone (``0905…``) has an account at Zalo."""
    is_phone = default_behaviour(number, seed) != Behaviour.REJECTED
    return is_phone and toss(seed, number, "zalo") < _HAVE_IT


class ZaloService:
    """Zalo's notification service for the phones of one phone network."""

    def __init__(self, network: PhoneNetwork, account: ZaloAccount, seed: int) -> None:
        self._network, self._account, self._seed = network, account, seed
        self._templates = {
            f"{name}.v{version}": template for (name, version), template in load_template_versions().items()
        }

    async def renew(self, form: Mapping[str, str], headers: Mapping[str, str]) -> dict[str, Any]:
        """Return the next two tokens for an unused refresh token."""
        shown, is_known = form.get("refresh_token", ""), headers.get("secret_key") == self._account.key
        given = {"access_token": secrets.token_urlsafe(24), "refresh_token": secrets.token_urlsafe(24)}

        def commit(connection: sqlite3.Connection) -> bool:
            if shown == self._account.first_refresh_token:
                connection.execute("INSERT OR IGNORE INTO tokens (token, kind) VALUES (?, 'refresh_token')", (shown,))
            used = connection.execute(
                "UPDATE tokens SET used = 1 WHERE token = ? AND kind = 'refresh_token' AND used = 0", (shown,)
            )
            if used.rowcount:
                rows = [(token, kind) for kind, token in given.items()]
                connection.executemany("INSERT INTO tokens (token, kind) VALUES (?, ?)", rows)
            return used.rowcount == 1

        if is_known and await asyncio.wrap_future(self._network.log.write(commit)):
            return {**given, "expires_in": str(_TOKEN_LIVES)}
        return {"error": -14014, "error_name": "Invalid refresh token"}

    async def take(self, asked: Mapping[str, Any], access_token: str) -> dict[str, Any]:
        """Answer one message, and hand it to the phone network if it is accepted."""
        if not self._network.log.read(
            "SELECT 1 FROM tokens WHERE token = :token AND kind = 'access_token'", {"token": access_token}
        ):
            return _refused(-124, "Access token is invalid")
        receiver = f"+{asked.get('phone', '')}"
        number, template = phone_number(receiver), self._templates.get(str(asked.get("template_id")))
        if template is None:
            return _refused(-131, "Template not approved")
        if not _NIGHT_UNTIL <= datetime.now(VIETNAM).hour < _NIGHT_FROM:
            return _refused(-133, "Not at this time")
        if not has_zalo(number, self._seed):
            return _refused(-118, "Zalo account not existed")
        if toss(self._seed, number, "refuses zalo") < _REFUSE:
            return _refused(-114, "User does not accept")
        try:
            text = template.body.format_map(asked["template_data"])
        except (KeyError, TypeError):
            return _refused(-132, "Template data is invalid")
        reference = f"{ZALO}:event?reference={asked.get('tracking_id', '')}"
        await self._network.accept(Submission(_SENDER, (receiver,), text, UCS2, None, DELIVERED, reference, ZALO))
        now = str(round(time.time() * 1000))
        return {"error": 0, "message": "Success", "data": {"msg_id": secrets.token_hex(10), "sent_time": now}}


def _refused(code: int, words: str) -> dict[str, Any]:
    return {"error": code, "message": words}
