"""Simulate a phone network that speaks Kannel's protocol, with a page that shows the phones.

The phone network replaces a Kannel 1.4.5 and the carriers behind it. To use a real gateway, only the Airflow connection
must be changed. All statements about Kannel in this package were measured on Debian's ``kannel`` 1.4.5-20 with its fake
SMSC. The network behaves like this configuration::

    group = sendsms-user              group = sms-service
    max-messages = <max_messages>     keyword = mckh
    concatenation = true              get-url = <inquiry_url>
                                      accept-x-kannel-headers = true
    group = smsbox                    max-messages = <max_messages>
    mo-recode = true                  concatenation = true

As in Kannel, ``max-messages`` and ``concatenation`` belong to that configuration and are ignored as request parameters.
A text that needs more parts than allowed is cut and answered with 202.

Each phone number has a behaviour (delivered, failed, late, never, rejected), which comes from a seeded hash of the
number or is set by a test. The network's own log (SQLite, committed before the 202) records what was accepted, what
each phone really received, and what became of each receipt. Only the simulators, the page, and the tests that compare
the ledger with the truth read that log.

In the code and the log, times are Unix seconds. In answers they are ISO 8601 in UTC. The page shows them in
Asia/Ho_Chi_Minh.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import json
import logging
import random
import re
import sqlite3
import threading
import time
import unicodedata
import uuid
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any, cast

import requests
from starlette.concurrency import run_in_threadpool

from motcua.sandbox.network.behaviour import (
    DELIVERED,
    SMSC_ACCEPTED,
    SMSC_REFUSED,
    UNDELIVERED,
    Behaviour,
    Faults,
    Timing,
    decide_fate,
    default_behaviour,
    distort_receipts,
    toss,
)
from motcua.sandbox.network.submission import (
    SEVEN_BIT,
    SMSC_ID,
    UCS2,
    Submission,
    as_gsm,
    decode_text,
    encode,
    fill_escapes,
    phone_number,
    split_parts,
)
from motcua.sandbox.network.truth_log import TruthLog, insert_message, touch_phone

logger = logging.getLogger(__name__)
SHORT_CODE = "9029"
ZALO = "zalo"
"""The value of the field ``smsc`` in a message that is sent by Zalo."""
HTTP_TIMEOUT_SECONDS = (5, 10)
"""Connect and read time-outs, in seconds, of the requests that the network makes (Kannel's own read time-out is
240)."""
_RECEIPT = """
SELECT receipts.uuid, receipts.type, receipts.due_at, receipts.copies, receipts.attempts,
       messages.uuid AS foreign_id, messages.sender, messages.receiver, messages.accepted_at,
       messages.dlr_url, messages.smsc
  FROM receipts JOIN messages ON messages.id = receipts.message_id
"""
_DUE_RECEIPTS = _RECEIPT + "WHERE receipts.state = 'pending' ORDER BY receipts.due_at, receipts.type != 8 LIMIT :limit"
_HELD_RECEIPTS = (
    _RECEIPT + "WHERE receipts.message_id = :message_id AND receipts.state = 'held'"
    " ORDER BY receipts.due_at, receipts.type != 8"
)
_SENDERS = 12
_IN_FLIGHT = 4 * _SENDERS


class PhoneNetwork:
    """Carriers, phones and their owners. Accepts messages, sends receipts and answers inquiries."""

    def __init__(
        self,
        log: TruthLog,
        *,
        username: str,
        inquiry_url: str | None,
        seed: int,
        max_messages: int,
        timing: Timing,
    ) -> None:
        self.log = log
        self.faults = Faults()
        self.lot = random.Random(seed)  # noqa: S311 - a repeatable world, not a secret
        self.event: tuple[str, Callable[[str], tuple[bytes, dict[str, str]]]] | None = None
        """The address of Zalo's webhook, and the function that makes the body and headers of a call."""
        self._username, self._inquiry_url, self._seed = username, inquiry_url, seed
        self._max_messages, self.timing = max_messages, timing
        self._wake, self._stop = threading.Event(), threading.Event()
        self._in_flight: set[str] = set()
        self._sessions = threading.local()
        self._senders = ThreadPoolExecutor(_SENDERS, thread_name_prefix="receipts")
        self._services = ThreadPoolExecutor(8, thread_name_prefix="inquiries")
        self._postman = threading.Thread(target=self._send_due_receipts, name="postman", daemon=True)

    def start(self) -> None:
        """Begin to send receipts, with the receipts of an earlier process first, and resume unanswered inquiries."""
        self.log.write(
            lambda connection: connection.execute("UPDATE receipts SET state = 'pending' WHERE state = 'held'").rowcount
        ).result()
        self._postman.start()
        for row in self.log.read("SELECT id FROM inquiries WHERE reply_id IS NULL ORDER BY id"):
            self._services.submit(self._answer_inquiry, row["id"])

    def stop(self) -> None:
        """Stop sending. Receipts that are not sent yet stay pending in the log."""
        self._stop.set()
        self._wake.set()
        self._postman.join()
        self._senders.shutdown(cancel_futures=True)
        self._services.shutdown(cancel_futures=True)
        self.log.close()

    def set_faults(self, faults: Faults) -> None:
        """Replace all faults."""
        self.faults = faults
        self._wake.set()

    # Messages

    async def accept(self, submission: Submission) -> None:
        """Commit a request to the log. If the fault for early receipts is on, send the request's receipts at once."""
        faults, lot, receivers = self.faults, self.lot, submission.receivers
        copies = 2 if faults.receipts_repeated.hits(lot, receivers) else 1
        state = "held" if faults.receipts_before_reply.hits(lot, receivers) else "pending"
        state = "lost" if faults.receipts_lost.hits(lot, receivers) else state
        late = faults.receipts_late.seconds if faults.receipts_late.hits(lot, receivers) else 0.0
        backwards, by_part = faults.receipts_reversed.hits(lot, receivers), faults.receipts_by_part.hits(lot, receivers)
        delivery = (0.0, 0.0) if state == "held" else self.timing.delivery
        waits = [lot.uniform(*delivery) for _ in receivers]
        shown = submission.text if submission.coding == UCS2 else as_gsm(submission.text)
        parts = [shown]
        if submission.smsc != ZALO:
            parts = split_parts(shown, submission.coding, self._max_messages)
        now = time.time()

        def commit(connection: sqlite3.Connection) -> list[int]:
            message_ids = []
            for receiver, wait in zip(submission.receivers, waits, strict=True):
                number = phone_number(receiver)
                behaviour = self._touch_phone(connection, number, now)
                gets_it = toss(self._seed, number, "never") < 0.5
                fate = decide_fate(behaviour, now, wait, submission.validity, gets_it, self.timing)
                receipts = distort_receipts(
                    fate.receipts, parts=len(parts) if by_part else 1, late=late, backwards=backwards
                )
                settles_at = max([now, fate.arrives_at or now, *(due for _, due in receipts)])
                message_id = insert_message(
                    connection,
                    kind="sms",
                    accepted_at=now,
                    sender=submission.sender,
                    receiver=receiver,
                    number=number,
                    text=submission.text,
                    coding=submission.coding,
                    parts=parts,
                    behaviour=behaviour,
                    arrives_at=fate.arrives_at,
                    settles_at=settles_at,
                    dlr_mask=submission.dlr_mask,
                    dlr_url=submission.dlr_url,
                    smsc=submission.smsc,
                )
                wanted = [
                    (str(uuid.uuid4()), message_id, kind, state, due, copies)
                    for kind, due in receipts
                    if submission.dlr_url and submission.dlr_mask & kind
                ]
                connection.executemany(
                    "INSERT INTO receipts (uuid, message_id, type, state, due_at, copies) VALUES (?, ?, ?, ?, ?, ?)",
                    wanted,
                )
                message_ids.append(message_id)
            return message_ids

        message_ids = await asyncio.wrap_future(self.log.write(commit))
        if state == "held":
            await run_in_threadpool(self._send_held, message_ids)
        self._wake.set()

    def _touch_phone(self, connection: sqlite3.Connection, number: str, now: float) -> Behaviour:
        """Record that a phone is in use, and return its behaviour."""
        stored_behaviour = touch_phone(connection, number, now)
        return Behaviour(stored_behaviour) if stored_behaviour else default_behaviour(number, self._seed)

    # Receipts

    def _send_due_receipts(self) -> None:
        """Hand receipts to the sender threads when they are due, until the network stops."""
        with contextlib.closing(self.log.connect()) as connection:
            while not self._stop.is_set():
                self._wake.clear()
                busy = set(self._in_flight)  # copied before the read, which may still show these receipts as pending
                pause = 30.0
                room = 0 if self.faults.outage else _IN_FLIGHT - len(busy)
                if room:
                    for row in connection.execute(_DUE_RECEIPTS, {"limit": room + len(busy) + 1}).fetchall():
                        if row["uuid"] in busy:
                            continue
                        pause = row["due_at"] - time.time()
                        if pause > 0 or room == 0:
                            break
                        room -= 1
                        self._in_flight.add(row["uuid"])
                        self._senders.submit(self._send_receipt, row)
                self._wake.wait(max(pause, 0.005))
                self._stop.wait(0.002)  # receipts that are due together can then be read together

    def _send_held(self, message_ids: Sequence[int]) -> None:
        """Send the held receipts of these messages, before the request that contained the messages is answered."""
        for message_id in message_ids:
            for row in self.log.read(_HELD_RECEIPTS, {"message_id": message_id}):
                self._in_flight.add(row["uuid"])
                self._send_receipt(row)

    def _send_receipt(self, row: sqlite3.Row) -> None:
        """Send a receipt once for each of its copies, to its dlr-url or to Zalo's webhook, and log each answer."""
        values = {
            "d": str(row["type"]),
            "A": encode(_smsc_words(row)),
            "F": "" if row["type"] == SMSC_REFUSED else encode(row["foreign_id"]),
            "p": encode(row["receiver"]),
            "P": encode(row["sender"]),
            "I": row["uuid"],
            "i": encode(row["smsc"] or SMSC_ID),
            "n": encode(self._username),
        } | _clock(time.time())
        url = fill_escapes(row["dlr_url"], values)
        try:
            for copy in range(row["copies"]):
                if self._stop.is_set() or self.faults.outage:
                    return
                answer, good = self._tell_event(row) if row["smsc"] == ZALO else self._call(url)
                note = functools.partial(
                    self._note_attempt, row=row, answer=answer, good=good, last=copy + 1 == row["copies"]
                )
                self.log.write(note).result()
        except Exception as error:  # for example a full disk: the receipt stays pending and is retried
            logger.error("A receipt could not be sent or recorded, and is sent again later: %s", type(error).__name__)
            self._stop.wait(self.timing.receipt_retry)
        finally:
            self._in_flight.discard(row["uuid"])
            self._wake.set()

    def _note_attempt(
        self, connection: sqlite3.Connection, *, row: sqlite3.Row, answer: str, good: bool, last: bool
    ) -> None:
        now = time.time()
        connection.execute(
            "INSERT INTO receipt_attempts (receipt_uuid, tried_at, answer) VALUES (?, ?, ?)",
            (row["uuid"], now, answer),
        )
        given_up = row["attempts"] >= self.timing.receipt_retries
        state = ("sent" if last else "pending") if good else ("given_up" if given_up else "pending")
        if not good and given_up:
            logger.warning("Receipt %s given up after %d tries: %s", row["uuid"], row["attempts"] + 1, answer)
        connection.execute(
            "UPDATE receipts SET state = ?, attempts = attempts + 1, due_at = ? WHERE uuid = ?",
            (state, row["due_at"] if good else now + self.timing.receipt_retry, row["uuid"]),
        )

    def _tell_event(self, row: sqlite3.Row) -> tuple[str, bool]:
        """Call Zalo's webhook. Return a result of the same form as ``_call``."""
        if self.event is None:
            return "no webhook", False
        url, words_of = self.event
        body, headers = words_of(row["dlr_url"])
        try:
            response = self._session().post(url, data=body, headers=headers, timeout=HTTP_TIMEOUT_SECONDS)
        except (requests.RequestException, ValueError) as error:
            return type(error).__name__, False
        return str(response.status_code), response.status_code == 200

    def _call(self, url: str) -> tuple[str, bool]:
        """Call a URL. Return the status, or the kind of failure, and whether Kannel would accept the answer."""
        try:
            response = self._session().get(url, timeout=HTTP_TIMEOUT_SECONDS)
        except (requests.RequestException, ValueError) as error:
            return type(error).__name__, False  # the error's text would contain the URL
        return str(response.status_code), response.status_code in (200, 202)

    def _session(self) -> requests.Session:
        if not hasattr(self._sessions, "session"):
            session = requests.Session()
            session.trust_env = False
            session.headers = {"User-Agent": "Kannel/1.4.5"}
            self._sessions.session = session
        return cast("requests.Session", self._sessions.session)

    # Inquiries

    def text(self, number: str, short_code: str, text: str) -> int:
        """Send a text from a phone to a short code, and return the inquiry's id. The reply arrives later by itself."""
        now = time.time()

        def commit(connection: sqlite3.Connection) -> int:
            self._touch_phone(connection, number, now)
            inserted = connection.execute(
                "INSERT INTO inquiries (uuid, number, short_code, text, sent_at) VALUES (?, ?, ?, ?, ?)",
                (str(uuid.uuid4()), number, short_code, text, now),
            )
            return cast("int", inserted.lastrowid)

        inquiry_id = self.log.write(commit).result()
        self._services.submit(self._answer_inquiry, inquiry_id)
        return inquiry_id

    def _answer_inquiry(self, inquiry_id: int) -> None:
        """Fetch the reply to an inquiry as Kannel's smsbox does, and deliver it to the phone."""
        (row,) = self.log.read("SELECT * FROM inquiries WHERE id = :id", {"id": inquiry_id})
        reply, coding, answers = "Request Failed", SEVEN_BIT, []
        if self._inquiry_url and row["text"].strip().lower().startswith("mckh"):
            words = [encode(word) for word in row["text"].split()]
            values = {
                "p": encode(row["number"]),
                "P": encode(row["short_code"]),
                "a": "+".join(words),
                "k": words[0],
                "r": "+".join(words[1:]),
                "b": encode(row["text"]),
                "A": encode(row["text"]),
                "I": row["uuid"],
                "i": SMSC_ID,
                "n": "mckh",
            } | _clock(row["sent_at"])
            url = fill_escapes(self._inquiry_url, values)
            reply = "Could not fetch content, sorry."
            for attempt in range(self.timing.inquiry_retries + 1):
                if attempt and self._stop.wait(self.timing.inquiry_retry):
                    return
                try:
                    response = self._session().get(url, timeout=HTTP_TIMEOUT_SECONDS)
                except (requests.RequestException, ValueError) as error:
                    answers.append(type(error).__name__)
                    continue
                answers.append(str(response.status_code))
                if response.status_code in (200, 202):
                    reply, coding = _read_reply(response)
                    break
        shown = reply if coding == UCS2 else as_gsm(reply)
        parts = split_parts(shown, coding, self._max_messages)
        now = time.time()

        def commit(connection: sqlite3.Connection) -> None:
            self._touch_phone(connection, row["number"], now)
            reply_id = insert_message(
                connection,
                kind="reply",
                accepted_at=now,
                sender=row["short_code"],
                receiver=row["number"],
                number=row["number"],
                text=reply,
                coding=coding,
                parts=parts,
                behaviour=Behaviour.DELIVERED,
                arrives_at=now,
                settles_at=now,
                dlr_mask=0,
                dlr_url="",
                smsc="",
            )
            connection.execute(
                "UPDATE inquiries SET answers = ?, reply_id = ? WHERE id = ?",
                (json.dumps(answers), reply_id, inquiry_id),
            )

        self.log.write(commit).result()

    # Queries

    def add_phone(self, number: str) -> sqlite3.Row:
        """Return a phone's row. An unknown phone is added first."""
        self.log.write(lambda connection: self._touch_phone(connection, number, 0.0)).result()
        return self._phone("number = :key", number)

    def find_phone(self, handle: str) -> sqlite3.Row:
        """Return the row of a phone by its handle.

        Raises:
            LookupError: no phone has this handle.
        """
        return self._phone("handle = :key", handle)

    def _phone(self, condition: str, key: str) -> sqlite3.Row:
        rows = self.log.read(f"SELECT * FROM phones WHERE {condition}", {"key": key})  # noqa: S608 - two callers
        if not rows:
            raise LookupError("no such phone")
        return rows[0]

    def set_behaviour(self, handle: str, behaviour: Behaviour | None) -> Behaviour:
        """Set the behaviour for a number's next messages (None for the number's own default), and return the
        behaviour."""
        row = self.find_phone(handle)
        self.log.write(
            lambda connection: (
                connection.execute("UPDATE phones SET behaviour = ? WHERE handle = ?", (behaviour, handle)).rowcount
            )
        ).result()
        return behaviour or default_behaviour(row["number"], self._seed)

    def phones(self, limit: int, search: str, depth: int = 8) -> list[dict[str, Any]]:
        """Return the phones last in use, each with its last messages, oldest message first."""
        found = self.log.read(_PHONES, {"limit": limit, **_search_patterns(search)})
        phones = []
        for phone in found:
            rows = self.log.read(_CONVERSATION, {"number": phone["number"], "depth": depth})
            now = time.time()  # taken after the read, so that each reply that was read has arrived
            set_by_hand = phone["behaviour"]
            phones.append(
                {
                    "handle": phone["handle"],
                    "number": phone["number"],
                    "behaviour": set_by_hand or default_behaviour(phone["number"], self._seed),
                    "messages": [_as_bubble(row, now) for row in reversed(rows)],
                }
            )
        return phones

    def counts(self) -> dict[str, Any]:
        """Return how many messages, parts and receipts there are by state, and by sender name.

        ``last_used_at`` is the last time at which a phone got or sent a text.
        """
        parameters = {"now": time.time()}
        totals = dict.fromkeys(_COUNTED, 0)
        senders: dict[str, dict[str, int]] = {}
        for row in self.log.read(_COUNTS, parameters):
            senders[row["sender"]] = {name: row[name] for name in _COUNTED}
            for name in _COUNTED:
                totals[name] += row[name]
        receipts = dict.fromkeys(("sent", "pending", "given_up", "lost"), 0)
        receipts |= {row["state"]: row["number"] for row in self.log.read(_RECEIPT_COUNTS)}
        others = dict(self.log.read(_OTHER_COUNTS)[0])
        last_used = others.pop("last_used")
        others["last_used_at"] = _iso(last_used) if last_used else None
        return {**totals, **others, "receipts": receipts, "by_sender": senders}

    def messages(self, after_id: int, limit: int) -> list[dict[str, Any]]:
        """Return what really happened to messages with an id above ``after_id``, in the order of acceptance."""
        rows = self.log.read(
            "SELECT * FROM messages WHERE id > :after ORDER BY id LIMIT :limit",
            {"after": after_id, "limit": limit},
        )
        now = time.time()  # taken after the read, so that each reply that was read has arrived
        truth = {row["id"]: _as_truth(row, now) for row in rows}
        if truth:
            for row in self.log.read(_RECEIPTS_OF, {"first": min(truth), "last": max(truth)}):
                truth[row["message_id"]]["receipts"].append(
                    {
                        "id": row["uuid"],
                        "type": row["type"],
                        "state": row["state"],
                        "due_at": _iso(row["due_at"]),
                        "attempts": [
                            {"tried_at": _iso(float(tried)), "answer": answer}
                            for tried, answer in json.loads(row["attempts"])
                        ],
                    }
                )
        return list(truth.values())


_PHONES = r"""
SELECT number, handle, behaviour FROM phones
 WHERE active_at > 0
   AND (:text = '' OR (:digits != '' AND number LIKE :digits ESCAPE '\')
        OR EXISTS (SELECT 1 FROM messages WHERE messages.number = phones.number
                      AND (text LIKE :text ESCAPE '\' OR text LIKE :plain ESCAPE '\'))
        OR EXISTS (SELECT 1 FROM inquiries WHERE inquiries.number = phones.number
                      AND text LIKE :text ESCAPE '\'))
 ORDER BY active_at DESC, number LIMIT :limit
"""
_CONVERSATION = """
SELECT * FROM (
    SELECT id, kind, accepted_at, sender, text, parts, behaviour, arrives_at, settles_at, smsc
      FROM messages WHERE number = :number ORDER BY id DESC LIMIT :depth)
UNION ALL
SELECT * FROM (
    SELECT id, 'inquiry', sent_at, short_code, text, '[""]', 'delivered', sent_at, sent_at, ''
      FROM inquiries WHERE number = :number ORDER BY id DESC LIMIT :depth)
 ORDER BY accepted_at DESC, kind DESC LIMIT :depth
"""
_COUNTED = ("accepted", "delivered", "failed", "rejected", "lost", "on_the_way", "parts", "late", "never")
# accepted = delivered + failed + rejected + lost + on_the_way. delivered: the phone has the text, whatever its receipt
# reports. lost: the phone got no text, and no receipt came. late, never: all messages with that behaviour.
_COUNTS = """
SELECT sender || iif(smsc = 'zalo', ' · Zalo', '') AS sender, count(*) AS accepted,
       sum(arrives_at IS NOT NULL AND arrives_at <= :now) AS delivered,
       sum(arrives_at IS NULL AND behaviour IN ('failed', 'late') AND settles_at <= :now) AS failed,
       sum(behaviour = 'rejected' AND settles_at <= :now) AS rejected,
       sum(arrives_at IS NULL AND behaviour = 'never') AS lost,
       sum(settles_at > :now) AS on_the_way,
       sum(CASE WHEN arrives_at <= :now THEN json_array_length(parts) ELSE 0 END) AS parts,
       sum(behaviour = 'late') AS late,
       sum(behaviour = 'never') AS never
  FROM messages WHERE kind = 'sms' GROUP BY 1 ORDER BY accepted DESC, 1
"""
_RECEIPT_COUNTS = """
SELECT CASE state WHEN 'held' THEN 'pending' ELSE state END AS state, count(*) AS number
  FROM receipts GROUP BY 1
"""
_OTHER_COUNTS = """
SELECT (SELECT count(*) FROM phones WHERE active_at > 0) AS phones,
       (SELECT max(active_at) FROM phones) AS last_used, count(*) AS inquiries, count(reply_id) AS replies
  FROM inquiries
"""
_RECEIPTS_OF = """
SELECT receipts.message_id, receipts.uuid, receipts.type, receipts.state, receipts.due_at,
       (SELECT json_group_array(json_array(tried_at, answer)) FROM receipt_attempts
         WHERE receipt_uuid = receipts.uuid) AS attempts
  FROM receipts WHERE message_id BETWEEN :first AND :last ORDER BY message_id, due_at
"""


def _search_patterns(search: str) -> dict[str, str]:
    """Return LIKE patterns for a search by number (in any spelling) or by text (accented or not)."""

    def contains(words: str) -> str:
        return "%" + re.sub(r"([\\%_])", r"\\\1", words) + "%" if words else ""

    search = " ".join(search.split())
    bare = search.replace("đ", "d").replace("Đ", "D")
    bare = "".join(c for c in unicodedata.normalize("NFD", bare) if not unicodedata.combining(c))
    spelled = re.sub(r"[\s.()-]", "", search)
    digits = re.sub(r"^(\+?84)(?=\d)", "0", spelled) if re.fullmatch(r"\+?\d+", spelled) else ""
    return {"text": contains(search), "plain": contains(bare), "digits": contains(digits)}


def _as_bubble(row: sqlite3.Row, now: float) -> dict[str, Any]:
    """Return what the page shows of a message: the text as received, and its state."""
    parts = json.loads(row["parts"])
    arrived = row["arrives_at"] is not None and row["arrives_at"] <= now
    if row["behaviour"] == Behaviour.NEVER:
        state = "never_received" if row["arrives_at"] is not None else "never_lost"
    elif row["settles_at"] > now:
        state = "late_on_the_way" if row["behaviour"] == Behaviour.LATE else "on_the_way"
    elif row["behaviour"] == Behaviour.LATE and not arrived:
        state = Behaviour.FAILED  # the message's validity has expired
    else:
        state = row["behaviour"]
    return {
        "id": f"{row['kind']}-{row['id']}",
        "kind": row["kind"],
        "sender": row["sender"],
        "text": row["text"] if row["kind"] == "inquiry" else "".join(parts),
        "parts": len(parts),
        "channel": ZALO if row["smsc"] == ZALO else "sms",
        "state": state,
        "accepted_at": _iso(row["accepted_at"]),
        "received_at": _iso(row["arrives_at"]) if arrived else None,
    }


def _as_truth(row: sqlite3.Row, now: float) -> dict[str, Any]:
    """Return everything that the network knows of a message."""
    arrived = row["arrives_at"] is not None and row["arrives_at"] <= now
    parts = json.loads(row["parts"])
    return {
        "id": row["id"],
        "message_id": row["uuid"],
        "kind": row["kind"],
        "accepted_at": _iso(row["accepted_at"]),
        "from": row["sender"],
        "to": row["receiver"],
        "number": row["number"],
        "text": row["text"],
        "coding": row["coding"],
        "parts": len(parts),
        "behaviour": row["behaviour"],
        "will_be_received": row["arrives_at"] is not None,
        "received_at": _iso(row["arrives_at"]) if arrived else None,
        "received_parts": parts if arrived else [],
        "dlr_mask": row["dlr_mask"],
        "dlr_url": row["dlr_url"],
        "smsc": row["smsc"],
        "receipts": [],
    }


def _iso(instant: float) -> str:
    return datetime.fromtimestamp(instant, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _clock(instant: float) -> dict[str, str]:
    """Return the escapes ``%t`` (UTC, not encoded further), ``%T`` (Unix seconds) and ``%%``."""
    at = datetime.fromtimestamp(instant, UTC)
    return {"t": at.strftime("%Y-%m-%d+%H:%M:%S"), "T": str(int(instant)), "%": "%"}


def _smsc_words(row: sqlite3.Row) -> str:
    """Return the value of ``%A``: Kannel's ACK/NACK, or the SMPP receipt text of a carrier."""
    if row["type"] == SMSC_ACCEPTED:
        return "ACK/"
    if row["type"] == SMSC_REFUSED:
        return "NACK/11/Invalid Destination Address"
    state, error = {DELIVERED: ("DELIVRD", "000"), UNDELIVERED: ("UNDELIV", "001")}.get(row["type"], ("EXPIRED", "027"))
    submitted, done = (
        datetime.fromtimestamp(instant, UTC).strftime("%y%m%d%H%M") for instant in (row["accepted_at"], row["due_at"])
    )
    return (
        f"id:{row['foreign_id']} sub:001 dlvrd:{'001' if row['type'] == DELIVERED else '000'}"
        f" submit date:{submitted} done date:{done} stat:{state} err:{error} text:"
    )


def _read_reply(response: requests.Response) -> tuple[str, int]:
    """Return the reply's text and coding.

    As in Kannel, ``text/plain`` without a charset is read as ISO-8859-1, and without the header ``X-Kannel-Coding: 2``
    accents become ``?``. HTML replies, from which Kannel removes the tags, are not simulated.
    """
    kind, _, rest = response.headers.get("content-type", "").partition(";")
    if kind.strip().lower() != "text/plain":
        return "Result could not be represented as an SMS message.", SEVEN_BIT
    charset = re.search(r"charset=\"?([\w.:-]+)", rest, re.IGNORECASE)
    coding = UCS2 if response.headers.get("x-kannel-coding", "").strip() == "2" else SEVEN_BIT
    try:
        text = decode_text(response.content, coding, charset[1] if charset else "iso-8859-1")
    except ValueError:
        return "Result could not be represented as an SMS message.", SEVEN_BIT
    return text or "<Empty reply from service provider>", coding
