"""Simulate the phone network while the demo's past (the invented months before the demo's start) is loaded.

The gateway's adapter gets the answers that Kannel would give, at simulated times. This module writes the phone
network's own log, so that the page of phones and the carrier statements include the past. If the phone network runs at
the same time, at another port, its page shows each message at once.
"""

from __future__ import annotations

import sqlite3
import threading
import uuid
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

from motcua.gateways.adapter import GatewayAddress
from motcua.sandbox.network.behaviour import Behaviour, Timing, decide_fate, default_behaviour, toss
from motcua.sandbox.network.scripted import Answer, Asked, ScriptedGateway
from motcua.sandbox.network.submission import UCS2, Refused, as_gsm, phone_number, read_submission, split_parts
from motcua.sandbox.network.truth_log import TruthLog, insert_message, touch_phone

_LATE_BY = timedelta(days=1, hours=3)
_MOST_PARTS = 10


@dataclass(frozen=True, slots=True)
class PastReceipt:
    """A receipt in the form that the adapter reads, with the time at which it arrives."""

    due_at: datetime
    fields: dict[str, str]


class PastPhones:
    """The phones, with the messages that were sent to them and the receipts that are still to come."""

    def __init__(self, log: TruthLog, login: str, password: str, seed: int = 0) -> None:
        """Create the phones. Only requests with this ``login`` and ``password`` are accepted."""
        self.now: datetime | None = None
        """The network's present time. It must be set before a message is sent."""
        self._log, self._account, self._seed = log, (login, password), seed
        self._receipts: list[PastReceipt] = []
        self._guard = threading.Lock()

    def take(self, asked: Asked) -> Answer:
        """Answer a ``sendsms`` request."""
        pairs = parse_qsl(urlsplit(asked.target).query, keep_blank_values=True, encoding="latin-1")
        try:
            sent = read_submission({name: value.encode("latin-1") for name, value in pairs}, *self._account)
        except Refused as refused:
            return refused.status, refused.sentence
        assert self.now is not None
        now = self.now
        number = phone_number(sent.receivers[0])
        parts = split_parts(sent.text if sent.coding == UCS2 else as_gsm(sent.text), sent.coding, _MOST_PARTS)
        fate = decide_fate(
            default_behaviour(number, self._seed),
            now.timestamp(),
            4 + 40 * toss(self._seed, number, "wait"),
            sent.validity,
            toss(self._seed, number, "never") < 0.5,
            Timing(late=_LATE_BY.total_seconds()),
        )
        values = {
            "kind": "sms",
            "accepted_at": now.timestamp(),
            "sender": sent.sender,
            "receiver": sent.receivers[0],
            "number": number,
            "text": sent.text,
            "coding": sent.coding,
            "parts": parts,
            "behaviour": default_behaviour(number, self._seed),
            "arrives_at": fate.arrives_at,
            "settles_at": max([now.timestamp(), fate.arrives_at or 0.0, *(due for _, due in fate.receipts)]),
            "dlr_mask": sent.dlr_mask,
            "dlr_url": sent.dlr_url,
            "smsc": sent.smsc,
        }
        self._log.write(lambda connection: _store_message(connection, values)).result()
        reference = parse_qs(urlsplit(sent.dlr_url).query).get("reference", [""])[0]
        # Only the last receipt is stored. The earlier receipt (accepted by the network) is of no use days later.
        with self._guard:
            self._receipts += [
                PastReceipt(
                    datetime.fromtimestamp(due, now.tzinfo), {"reference": reference, "status": str(kind), "reply": ""}
                )
                for kind, due in fate.receipts[-1:]
            ]
        return 202, "0: Accepted for delivery"

    def receipts_until(self, moment: datetime) -> list[PastReceipt]:
        """Return the receipts that are due by a moment, each once."""
        with self._guard:
            come = [receipt for receipt in self._receipts if receipt.due_at <= moment]
            self._receipts = [receipt for receipt in self._receipts if receipt.due_at > moment]
        return sorted(come, key=lambda receipt: receipt.due_at)

    def ask(self, number: str, text: str, reply: str, *, accented: bool, sent_at: datetime) -> None:
        """Store an inquiry and its reply."""
        values = {"number": number, "text": text, "at": sent_at.timestamp(), "uuid": str(uuid.uuid4())}
        parts = split_parts(reply, UCS2 if accented else 0, _MOST_PARTS)
        self._log.write(lambda connection: _store_inquiry(connection, values, reply, parts, accented)).result()


def _store_message(connection: sqlite3.Connection, values: dict[str, Any]) -> int:
    touch_phone(connection, values["number"], values["accepted_at"])
    return insert_message(connection, **values)


def _store_inquiry(
    connection: sqlite3.Connection, values: dict[str, Any], reply: str, parts: list[str], accented: bool
) -> None:
    answered = values["at"] + 1
    number, coding = values["number"], UCS2 if accented else 0
    reply_id = _store_message(
        connection,
        {
            "kind": "reply", "accepted_at": answered, "sender": "9029", "receiver": number,
            "number": number, "text": reply, "coding": coding, "parts": parts,
            "behaviour": Behaviour.DELIVERED, "arrives_at": answered + 2, "settles_at": answered + 2, "dlr_mask": 0,
            "dlr_url": "", "smsc": "",
        },
    )  # fmt: skip
    connection.execute(
        "INSERT INTO inquiries (uuid, number, short_code, text, sent_at, answers, reply_id)"
        " VALUES (:uuid, :number, '9029', :text, :at, '[]', :reply_id)",
        values | {"reply_id": reply_id},
    )


@contextmanager
def past_phones(folder: Path, address: GatewayAddress) -> Iterator[PastPhones]:
    """Accept messages at the local port of the gateway's connection until the ``with`` block ends.

    The messages are written to the phone network's log in ``folder``.

    Raises:
        OSError: another program listens there.
    """
    with closing(TruthLog(folder)) as log:
        phones = PastPhones(log, address.login, address.password)
        gateway = ScriptedGateway(urlsplit(address.base_url).port or 80)
        gateway.login = gateway.answer_to = phones.take
        try:
            yield phones
        finally:
            gateway.close()
