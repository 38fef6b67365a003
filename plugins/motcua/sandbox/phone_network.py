"""A simulated phone network that speaks Kannel's protocol, and a wall of phones to look at.

It stands where a Kannel 1.4.5 with carriers behind it would stand, so that the two are exchanged by
changing a connection. Everything said here about Kannel was measured on Debian's ``kannel`` 1.4.5-20 with
its fake SMSC. It plays this configuration::

    group = sendsms-user              group = sms-service
    max-messages = <max_messages>     keyword = mckh
    concatenation = true              get-url = <inquiry_url>
                                      accept-x-kannel-headers = true
    group = smsbox                    max-messages = <max_messages>
    mo-recode = true                  concatenation = true

As in Kannel, ``max-messages`` and ``concatenation`` belong to that configuration: sent as request
parameters they are ignored, and a text that needs more parts is cut with a 202.

Behind the protocol there are people: each number has a behaviour (delivered, failed, late, never,
rejected), given by a seeded hash of the number or set by a test. What was accepted, what each phone really
received and what became of each receipt is written to a log of its own (SQLite, committed before the 202),
which nothing but this module, the page and the judging tests ever read.

Instants are Unix seconds inside and ISO 8601 in UTC in answers; the page shows Asia/Ho_Chi_Minh.
"""

from __future__ import annotations

import argparse
import asyncio
import codecs
import contextlib
import dataclasses
import functools
import hashlib
import ipaddress
import json
import logging
import os
import queue
import random
import re
import secrets
import socket
import sqlite3
import struct
import sys
import threading
import time
import unicodedata
import uuid
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, TypeVar, cast
from urllib.parse import parse_qsl, quote_plus

import requests
import uvicorn
from fastapi import Depends, FastAPI, HTTPException, Request, Response
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader
from pydantic import BaseModel, ConfigDict, Field
from starlette.concurrency import run_in_threadpool
from starlette.types import Receive, Scope, Send

logger = logging.getLogger(__name__)

SHORT_CODE = "9029"
SMSC_ID = "phone-network"
TEMPLATES = Path(__file__).resolve().parents[3] / "include" / "templates" / "web"
HTTP_TIMEOUT_SECONDS = (5, 10)
"""Connect and read time-outs of the calls that the network makes (Kannel's own read time-out is 240)."""

Result = TypeVar("Result")


# --- What a phone shows ----------------------------------------------------------------------------

GSM_BASIC = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
GSM_ESCAPED = "\f^{}\\[~]|€"
SEVEN_BIT, EIGHT_BIT, UCS2 = 0, 1, 2
_SIZE = {  # coding: (alone, as part of a chain) in septets, octets, UTF-16 units; 3GPP TS 23.038 and 23.040
    SEVEN_BIT: (160, 153),
    EIGHT_BIT: (140, 134),
    UCS2: (70, 67),
}


def as_gsm(text: str) -> str:
    """Return what a phone shows of a text sent without ``coding=2``: ``?`` for what GSM-7 does not hold."""
    text = text.replace("ç", "Ç")  # the standard's 0x09 is the capital; Kannel maps both to it
    return "".join(letter if letter in GSM_BASIC or letter in GSM_ESCAPED else "?" for letter in text)


def split_parts(text: str, coding: int, max_messages: int) -> list[str]:
    """Return the parts a phone receives, cut off after ``max_messages`` as Kannel does.

    An escape pair or a surrogate pair is never split. An empty text is one empty part.
    """

    def weight(letter: str) -> int:
        if coding == UCS2:
            return 2 if ord(letter) > 0xFFFF else 1
        return 2 if coding == SEVEN_BIT and letter in GSM_ESCAPED else 1

    alone, chained = _SIZE[coding]
    room = alone if max_messages == 1 or sum(map(weight, text)) <= alone else chained
    parts, used = [""], 0
    for letter in text:
        if used + weight(letter) > room:
            if len(parts) == max_messages:
                break
            parts.append("")
            used = 0
        parts[-1] += letter
        used += weight(letter)
    return parts


def decode_text(raw: bytes, coding: int, charset: str) -> str:
    """Return the text that Kannel understands from the bytes of a request.

    With ``coding=2`` and no ``charset`` the bytes are taken as UTF-16BE as they stand, so that UTF-8 text
    becomes nonsense on the phone: Kannel does the same.

    Raises:
        ValueError: the charset is unknown or cannot be applied.
    """
    if coding == EIGHT_BIT:
        return raw.decode("latin-1")
    try:
        codecs.lookup(charset or "utf-8")
        text = raw.decode(charset or ("utf-16-be" if coding == UCS2 else "utf-8"), errors="replace")
    except (LookupError, ValueError) as error:
        raise ValueError("unknown charset or a body that is not in it") from error
    return text.encode("utf-8", "replace").decode()  # a lone surrogate cannot be stored


def fill_escapes(pattern: str, values: Mapping[str, str]) -> str:
    """Fill Kannel's ``%`` escapes of a dlr-url or get-url; ``%%`` is a percent sign, unknown ones stay.

    A percent sign that encodes nothing leaves as ``%25``: Kannel sends it bare, which HTTP libraries do not.
    """
    filled = re.sub(r"%(.)", lambda found: values.get(found[1], found[0]), pattern, flags=re.DOTALL)
    return re.sub(r"%(?![0-9A-Fa-f]{2})", "%25", filled)


def encode(value: str) -> str:
    """Encode a value for a URL as Kannel does (space is ``+``; RFC 2396 marks stay)."""
    return quote_plus(value, safe="-_.!~*'()")


def phone_number(receiver: str) -> str:
    """Return one spelling for one phone: ``+84905…``, ``84905…`` and ``0905…`` ring the same."""
    digits = re.sub(r"\D", "", receiver)
    return "0" + digits[2:] if re.fullmatch(r"84\d{9}", digits) else digits


# --- Behaviour of a number --------------------------------------------------------------------------


class Behaviour(StrEnum):
    """What happens to a message for a number."""

    DELIVERED = "delivered"
    FAILED = "failed"
    LATE = "late"
    NEVER = "never"
    """No receipt at all. Whether the phone gets the text is a second toss by number, and recorded."""
    REJECTED = "rejected"
    """Refused by the SMSC at once (receipt 16)."""


_SHARES = (
    (0.93, Behaviour.DELIVERED),
    (0.96, Behaviour.FAILED),
    (0.98, Behaviour.LATE),
    (1.00, Behaviour.NEVER),
)
_LIVING_MOBILE = re.compile(r"0(3[2-9]|5[25689]|7[06-9]|8[1-9]|9[0-46-9])\d{7}")


def toss(seed: int, number: str, purpose: str) -> float:
    """Return a number in [0, 1) that is always the same for a seed, a phone and a purpose."""
    digest = hashlib.blake2b(f"{seed}:{purpose}:{number}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") / 2**64


def default_behaviour(number: str, seed: int) -> Behaviour:
    """Return the behaviour of a number that nobody has set; what is no living mobile is rejected."""
    if not _LIVING_MOBILE.fullmatch(number):
        return Behaviour.REJECTED
    lot = toss(seed, number, "behaviour")
    return next(behaviour for share, behaviour in _SHARES if lot < share)


@dataclasses.dataclass(frozen=True)
class Timing:
    """How long things take, in seconds; tests shorten it."""

    delivery: tuple[float, float] = (0.4, 2.5)
    submit_receipt: float = 0.05
    late: float = 45.0
    receipt_retry: float = 2.0
    receipt_retries: int = 50
    inquiry_retry: float = 1.0
    inquiry_retries: int = 3
    hang: float = 120.0


@dataclasses.dataclass(frozen=True)
class Fate:
    """What will become of one accepted message: when the phone gets it, and the receipts as (type, due)."""

    arrives_at: float | None
    receipts: tuple[tuple[int, float], ...]


DELIVERED, UNDELIVERED, SMSC_ACCEPTED, SMSC_REFUSED, EXPIRED = 1, 2, 8, 16, 34


def decide_fate(
    behaviour: Behaviour, now: float, wait: float, validity: int | None, gets_it: bool, timing: Timing
) -> Fate:
    """Return the fate of a message accepted ``now`` whose network needs ``wait`` seconds for it.

    ``validity`` is in minutes. Real networks report an expired message as 34 (2 with the bit 32), seen with
    SMPP's ``message_state``: receivers must test bits, not equality.
    """
    at, submitted = now + max(wait, timing.submit_receipt), (SMSC_ACCEPTED, now + timing.submit_receipt)
    match behaviour:
        case Behaviour.DELIVERED:
            return Fate(at, (submitted, (DELIVERED, at)))
        case Behaviour.FAILED:
            return Fate(None, (submitted, (UNDELIVERED, at)))
        case Behaviour.LATE:
            if validity is not None and validity * 60 < timing.late:
                return Fate(None, (submitted, (EXPIRED, now + max(validity * 60, wait))))
            return Fate(now + timing.late, (submitted, (DELIVERED, now + timing.late)))
        case Behaviour.NEVER:
            return Fate(at if gets_it else None, ())
        case Behaviour.REJECTED:
            return Fate(None, ((SMSC_REFUSED, now + timing.submit_receipt),))


def distort_receipts(
    receipts: Sequence[tuple[int, float]], *, parts: int, late: float, backwards: bool
) -> list[tuple[int, float]]:
    """Return a fate's receipts as (type, due) when they come late, backwards, or for each of so many parts.

    A phone shows a chain only when it is whole, so a message of which the last part failed is not received.
    """
    instants = [due + late for _, due in receipts]
    if backwards:
        instants.reverse()
    reported = []
    for (kind, _), due in zip(receipts, instants, strict=True):
        if kind not in (SMSC_ACCEPTED, SMSC_REFUSED):
            reported += [(DELIVERED, due)] * (parts - 1)
        reported.append((kind, due))
    return reported


# --- Faults -----------------------------------------------------------------------------------------


class Fault(BaseModel):
    """A fault that hits a share of the requests, the next so many of them, or the next one to each of some numbers."""

    model_config = ConfigDict(extra="forbid")
    probability: float = Field(default=0.0, ge=0, le=1)
    next: int = Field(default=0, ge=0)
    numbers: set[str] | None = None
    """Spelled ``0905…``; each is crossed out when it is hit."""

    def hits(self, lot: random.Random, receivers: Sequence[str]) -> bool:
        """Say whether this request is hit, and count it."""
        if self.numbers and (named := self.numbers.intersection(map(phone_number, receivers))):
            self.numbers -= named
            return True
        if self.next:
            self.next -= 1
            return True
        return lot.random() < self.probability


class BusyFault(Fault):
    """A refusal that may say after how many seconds to come back."""

    retry_after: int | None = Field(default=None, ge=0)


class SlowFault(Fault):
    """A fault that holds something back for some seconds after the message was accepted."""

    seconds: float = Field(default=0.0, ge=0)


class Faults(BaseModel):
    """Everything that may be made to go wrong; what a ``PUT /faults`` does not name is off."""

    model_config = ConfigDict(extra="forbid")
    outage: bool = False
    """The gateway is gone: every request is reset, nothing is accepted, receipts wait."""
    error_503: BusyFault = BusyFault()
    error_429: BusyFault = BusyFault()
    not_routable: Fault = Fault()
    queued: Fault = Fault()
    """Accepted with ``3: Queued for later delivery``, as while the SMSC is down."""
    accept_then_timeout: Fault = Fault()
    accept_then_reset: Fault = Fault()
    accept_then_500: Fault = Fault()
    """As when something between the gateway and its caller breaks after the gateway took the message."""
    slow_seconds: SlowFault = SlowFault()
    receipts_lost: Fault = Fault()
    receipts_repeated: Fault = Fault()
    receipts_before_reply: Fault = Fault()
    receipts_late: SlowFault = SlowFault()
    receipts_reversed: Fault = Fault()
    """The carrier's report comes first, then the one that the SMSC took the message."""
    receipts_by_part: Fault = Fault()
    """A carrier that reports each part: of a message that fails only the last one did."""


_REFUSING_FAULTS = {
    "error_503": (503, "Temporal failure, try again later."),
    "error_429": (429, "Too many requests."),
    "not_routable": (403, "Not routable. Do not try again."),
}


# --- The request ------------------------------------------------------------------------------------


class Refused(Exception):
    """Kannel's refusal of a request: a status and its sentence."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status, self.sentence = status, sentence


@dataclasses.dataclass(frozen=True)
class Submission:
    """One accepted ``sendsms`` request; several receivers are several messages."""

    sender: str
    receivers: tuple[str, ...]
    text: str
    coding: int
    validity: int | None
    dlr_mask: int
    dlr_url: str
    smsc: str


_RANGES = {  # field: (lowest, highest, name in Kannel's refusal), in the order in which Kannel looks
    "dlr-mask": (-1, 66, "DLR-Mask"),
    "mclass": (-1, 3, "MClass"),
    "coding": (-1, 2, "Coding"),
    "validity": (-1, 2**31, "Validity"),
    "priority": (-1, 3, "Priority"),
}


def read_submission(fields: Mapping[str, bytes], username: str, password: str) -> Submission:
    """Read a request as Kannel's smsbox does.

    Raises:
        Refused: with the status and the words of Kannel.
    """

    def word(*names: str) -> str:
        return next((fields[name].decode("utf-8", "replace") for name in names if name in fields), "")

    def whole(name: str) -> int | None:  # like sscanf: what does not begin with a number is not there
        found = re.match(r"\s*[+-]?\d{1,12}", word(name))
        value = int(found[0]) if found else None
        lowest, highest, label = _RANGES[name]
        if value is not None and not lowest <= value <= highest:
            raise Refused(400, f"{label} field misformed, rejected")
        return None if value == -1 else value

    given = (word("username", "user"), word("password", "pass"))
    if not all(map(secrets.compare_digest, map(str.encode, given), map(str.encode, (username, password)))):
        raise Refused(403, "Authorization failed for sendsms")
    if "to" not in fields:
        raise Refused(400, "Missing receiver number, rejected")
    if not fields["to"]:
        raise Refused(400, "Empty receiver number not allowed, rejected")
    receivers = tuple(to for to in word("to").split() if re.fullmatch(r"[0-9+-]+", to))
    if not receivers:
        raise Refused(400, "Number(s) has/have been denied by white- and/or black-lists.")
    if not word("from"):
        raise Refused(400, "Sender missing and no global set, rejected")
    dlr_url = word("dlr-url", "dlrurl")
    if dlr_url and not re.match(r"https?://.", dlr_url, re.IGNORECASE):
        raise Refused(400, "DLR-URL field misformed, rejected")
    numbers = {name: whole(name) for name in _RANGES}
    coding = numbers["coding"] or SEVEN_BIT
    try:
        text = decode_text(fields.get("text", b""), coding, word("charset"))
    except ValueError as error:
        raise Refused(400, "Charset or body misformed, rejected") from error
    return Submission(
        sender=word("from"),
        receivers=receivers,
        text=text,
        coding=coding,
        validity=numbers["validity"],
        dlr_mask=numbers["dlr-mask"] or 0,
        dlr_url=dlr_url,
        smsc=word("smsc"),
    )


async def read_fields(request: Request) -> dict[str, bytes]:
    """Return the fields of a request as bytes: the query of a GET, the headers and body of a POST.

    Raises:
        Refused: a POST whose body is a form, JSON or anything else that is not plain text.
    """
    if request.method == "GET":
        query = request.scope["query_string"].decode("latin-1")
        pairs = parse_qsl(query, keep_blank_values=True, encoding="latin-1")
        return {name: value.encode("latin-1") for name, value in reversed(pairs)}  # the first one counts
    kind, _, rest = request.headers.get("content-type", "application/octet-stream").partition(";")
    kind = kind.strip().lower()
    if kind not in ("text/plain", "application/octet-stream"):
        raise Refused(400, "Invalid content-type")
    fields = {
        name.removeprefix("x-kannel-"): value.encode("latin-1")
        for name, value in request.headers.items()
        if name.startswith("x-kannel-")
    }
    charset = re.search(r"charset=\"?([\w.:-]+)", rest, re.IGNORECASE)
    default = "iso-8859-1" if kind == "text/plain" else ""  # HTTP/1.1's default, which Kannel keeps to
    fields["charset"] = charset[1].encode() if charset else default.encode()
    if kind == "application/octet-stream":
        fields.setdefault("coding", b"1")
    fields["text"] = await request.body()
    return fields


# --- The truth log ----------------------------------------------------------------------------------

_SCHEMA = """
CREATE TABLE IF NOT EXISTS phones (
    number TEXT PRIMARY KEY, handle TEXT NOT NULL UNIQUE, behaviour TEXT, active_at REAL NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS phones_active_at ON phones (active_at);
CREATE TABLE IF NOT EXISTS messages (
    id INTEGER PRIMARY KEY AUTOINCREMENT, uuid TEXT NOT NULL, kind TEXT NOT NULL, accepted_at REAL NOT NULL,
    sender TEXT NOT NULL, receiver TEXT NOT NULL, number TEXT NOT NULL, text TEXT NOT NULL,
    coding INTEGER NOT NULL, parts TEXT NOT NULL, behaviour TEXT NOT NULL, arrives_at REAL,
    settles_at REAL NOT NULL, dlr_mask INTEGER NOT NULL, dlr_url TEXT NOT NULL, smsc TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS messages_number ON messages (number, id);
CREATE TABLE IF NOT EXISTS receipts (
    uuid TEXT PRIMARY KEY, message_id INTEGER NOT NULL REFERENCES messages, type INTEGER NOT NULL,
    state TEXT NOT NULL, due_at REAL NOT NULL, copies INTEGER NOT NULL, attempts INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS receipts_due_at ON receipts (due_at) WHERE state = 'pending';
CREATE INDEX IF NOT EXISTS receipts_message_id ON receipts (message_id);
CREATE TABLE IF NOT EXISTS receipt_attempts (
    id INTEGER PRIMARY KEY, receipt_uuid TEXT NOT NULL REFERENCES receipts, tried_at REAL NOT NULL,
    answer TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS receipt_attempts_receipt ON receipt_attempts (receipt_uuid);
CREATE TABLE IF NOT EXISTS inquiries (
    id INTEGER PRIMARY KEY AUTOINCREMENT, uuid TEXT NOT NULL, number TEXT NOT NULL, short_code TEXT NOT NULL,
    text TEXT NOT NULL, sent_at REAL NOT NULL, answers TEXT NOT NULL DEFAULT '[]', reply_id INTEGER
);
CREATE INDEX IF NOT EXISTS inquiries_number ON inquiries (number, id);
"""


class TruthLog:
    """The network's own record in one SQLite file.

    One thread writes: jobs that wait are committed together, and a job's future is done only after its
    commit, so what was answered 202 outlives the death of the process (not a power cut: WAL with
    ``synchronous=NORMAL``).
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._path = folder / "phone_network.sqlite3"
        self._writer = self.connect()
        self._writer.executescript(_SCHEMA)
        self._reader = self.connect()
        self._reader_lock = threading.Lock()
        self._jobs: queue.SimpleQueue[tuple[Callable[[sqlite3.Connection], Any], Future[Any]] | None]
        self._jobs = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._write_jobs, name="truth-log", daemon=True)
        self._thread.start()

    def connect(self) -> sqlite3.Connection:
        """Return a connection of its own, for who must not wait behind the page's counts."""
        connection = sqlite3.connect(self._path, timeout=30, isolation_level=None, check_same_thread=False)
        connection.row_factory = sqlite3.Row
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        return connection

    def write(self, job: Callable[[sqlite3.Connection], Result]) -> Future[Result]:
        """Run a job in the next transaction; its future fails when the commit does (a full disk)."""
        future: Future[Result] = Future()
        self._jobs.put((job, future))
        return future

    def read(self, statement: str, parameters: Mapping[str, Any] | None = None) -> list[sqlite3.Row]:
        """Return the rows of a query as of now."""
        with self._reader_lock:
            return self._reader.execute(statement, parameters or {}).fetchall()

    def close(self) -> None:
        """Commit what waits and close the file."""
        self._jobs.put(None)
        self._thread.join()
        self._reader.close()
        self._writer.close()

    def _write_jobs(self) -> None:
        while (first := self._jobs.get()) is not None:
            batch, last = [first], False
            while len(batch) < 500 and not self._jobs.empty():
                if (following := self._jobs.get()) is None:
                    last = True
                    break
                batch.append(following)
            batch = [(job, future) for job, future in batch if future.set_running_or_notify_cancel()]
            try:
                self._writer.execute("BEGIN IMMEDIATE")
                results = [job(self._writer) for job, _ in batch]
                self._writer.execute("COMMIT")
            except Exception as error:
                if self._writer.in_transaction:
                    self._writer.execute("ROLLBACK")
                for _, future in batch:
                    future.set_exception(error)
            else:
                for (_, future), result in zip(batch, results, strict=True):
                    future.set_result(result)
            if last:
                return


# --- The network ------------------------------------------------------------------------------------

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
    """Carriers, phones and their owners: accepts messages, sends receipts, answers inquiries."""

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
        self._username, self._inquiry_url, self._seed = username, inquiry_url, seed
        self._max_messages, self.timing = max_messages, timing
        self._wake, self._stop = threading.Event(), threading.Event()
        self._in_flight: set[str] = set()
        self._sessions = threading.local()
        self._senders = ThreadPoolExecutor(_SENDERS, thread_name_prefix="receipts")
        self._services = ThreadPoolExecutor(8, thread_name_prefix="inquiries")
        self._postman = threading.Thread(target=self._send_due_receipts, name="postman", daemon=True)

    def start(self) -> None:
        """Begin to send receipts, those of an earlier life first, and take up unanswered inquiries."""
        self.log.write(
            lambda connection: connection.execute("UPDATE receipts SET state = 'pending' WHERE state = 'held'").rowcount
        ).result()
        self._postman.start()
        for row in self.log.read("SELECT id FROM inquiries WHERE reply_id IS NULL ORDER BY id"):
            self._services.submit(self._answer_inquiry, row["id"])

    def stop(self) -> None:
        """Stop sending; what is not sent yet stays pending in the log."""
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
        """Commit a request to the log, and send its receipts at once where that fault is on."""
        faults, lot, receivers = self.faults, self.lot, submission.receivers
        copies = 2 if faults.receipts_repeated.hits(lot, receivers) else 1
        state = "held" if faults.receipts_before_reply.hits(lot, receivers) else "pending"
        state = "lost" if faults.receipts_lost.hits(lot, receivers) else state
        late = faults.receipts_late.seconds if faults.receipts_late.hits(lot, receivers) else 0.0
        backwards, by_part = faults.receipts_reversed.hits(lot, receivers), faults.receipts_by_part.hits(lot, receivers)
        delivery = (0.0, 0.0) if state == "held" else self.timing.delivery
        waits = [lot.uniform(*delivery) for _ in receivers]
        shown = submission.text if submission.coding == UCS2 else as_gsm(submission.text)
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
                message_id = self._insert_message(
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
        """Note that a phone is in use, and return its behaviour."""
        row = connection.execute(
            "INSERT INTO phones (number, handle, active_at) VALUES (?, ?, ?) ON CONFLICT (number)"
            " DO UPDATE SET active_at = max(active_at, excluded.active_at) RETURNING behaviour",
            (number, secrets.token_hex(8), now),
        ).fetchone()
        return Behaviour(row[0]) if row[0] else default_behaviour(number, self._seed)

    @staticmethod
    def _insert_message(connection: sqlite3.Connection, *, parts: Sequence[str], **columns: Any) -> int:  # noqa: ANN401
        values = {**columns, "uuid": str(uuid.uuid4()), "parts": json.dumps(parts, ensure_ascii=False)}
        names = ", ".join(values)
        marks = ", ".join(f":{name}" for name in values)
        statement = f"INSERT INTO messages ({names}) VALUES ({marks})"  # noqa: S608 - names written above
        return cast("int", connection.execute(statement, values).lastrowid)

    # Receipts

    def _send_due_receipts(self) -> None:
        """Hand receipts to the senders as they fall due, until the network stops."""
        with contextlib.closing(self.log.connect()) as connection:
            while not self._stop.is_set():
                self._wake.clear()
                busy = set(self._in_flight)  # before the read: it may still show as pending what these end
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
                self._stop.wait(0.002)  # let what comes together be read together

    def _send_held(self, message_ids: Sequence[int]) -> None:
        """Send the receipts that this request must see go out before it is answered."""
        for message_id in message_ids:
            for row in self.log.read(_HELD_RECEIPTS, {"message_id": message_id}):
                self._in_flight.add(row["uuid"])
                self._send_receipt(row)

    def _send_receipt(self, row: sqlite3.Row) -> None:
        """Call a dlr-url, as often as there are copies, and log each answer."""
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
                answer, good = self._call(url)
                note = functools.partial(
                    self._note_attempt, row=row, answer=answer, good=good, last=copy + 1 == row["copies"]
                )
                self.log.write(note).result()
        except Exception as error:  # a full disk: the receipt stays pending, and its next try will tell
            logger.error("A receipt could not be sent or noted: %s", type(error).__name__)
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

    def _call(self, url: str) -> tuple[str, bool]:
        """Call a URL; return the status (or the kind of failure) and whether Kannel would be content."""
        try:
            response = self._session().get(url, timeout=HTTP_TIMEOUT_SECONDS)
        except (requests.RequestException, ValueError) as error:
            return type(error).__name__, False  # never the error's text: it holds the URL
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
        """Send a text from a phone to a short code; return the inquiry's id. The reply comes by itself."""
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
        """Fetch the reply to an inquiry as Kannel's smsbox does, and bring it to the phone."""
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
            reply_id = self._insert_message(
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

    # What can be asked

    def add_phone(self, number: str) -> sqlite3.Row:
        """Return a phone's row, making it known first where it is not."""
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
        """Set what happens to a number's next messages (None: what its number says); return it."""
        row = self.find_phone(handle)
        self.log.write(
            lambda connection: (
                connection.execute("UPDATE phones SET behaviour = ? WHERE handle = ?", (behaviour, handle)).rowcount
            )
        ).result()
        return behaviour or default_behaviour(row["number"], self._seed)

    def phones(self, limit: int, search: str, depth: int = 8) -> list[dict[str, Any]]:
        """Return the phones last in use, each with its last messages, oldest message first."""
        now = time.time()
        found = self.log.read(_PHONES, {"limit": limit, **_search_patterns(search)})
        phones = []
        for phone in found:
            rows = self.log.read(_CONVERSATION, {"number": phone["number"], "depth": depth})
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
        """Return how many messages, parts and receipts there are by state, and by sender name."""
        parameters = {"now": time.time()}
        totals = dict.fromkeys(_COUNTED, 0)
        senders: dict[str, dict[str, int]] = {}
        for row in self.log.read(_COUNTS, parameters):
            senders[row["sender"]] = {name: row[name] for name in _COUNTED}
            for name in _COUNTED:
                totals[name] += row[name]
        receipts = dict.fromkeys(("sent", "pending", "given_up", "lost"), 0)
        receipts |= {row["state"]: row["number"] for row in self.log.read(_RECEIPT_COUNTS)}
        (others,) = self.log.read(_OTHER_COUNTS)
        return {**totals, **dict(others), "receipts": receipts, "by_sender": senders}

    def messages(self, after_id: int, limit: int) -> list[dict[str, Any]]:
        """Return the truth about messages with an id above ``after_id``, in the order of acceptance."""
        now = time.time()
        rows = self.log.read(
            "SELECT * FROM messages WHERE id > :after ORDER BY id LIMIT :limit",
            {"after": after_id, "limit": limit},
        )
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
    SELECT id, kind, accepted_at, sender, text, parts, behaviour, arrives_at, settles_at
      FROM messages WHERE number = :number ORDER BY id DESC LIMIT :depth)
UNION ALL
SELECT * FROM (
    SELECT id, 'inquiry', sent_at, short_code, text, '[""]', 'delivered', sent_at, sent_at
      FROM inquiries WHERE number = :number ORDER BY id DESC LIMIT :depth)
 ORDER BY accepted_at DESC, kind DESC LIMIT :depth
"""
_COUNTED = ("accepted", "delivered", "failed", "rejected", "lost", "on_the_way", "parts", "late", "never")
# accepted = delivered + failed + rejected + lost + on_the_way; delivered: the phone has the text, whatever
# its receipt says; lost: neither text nor receipt; late and never: how many of all had that behaviour
_COUNTS = """
SELECT sender, count(*) AS accepted,
       sum(arrives_at IS NOT NULL AND arrives_at <= :now) AS delivered,
       sum(arrives_at IS NULL AND behaviour IN ('failed', 'late') AND settles_at <= :now) AS failed,
       sum(behaviour = 'rejected' AND settles_at <= :now) AS rejected,
       sum(arrives_at IS NULL AND behaviour = 'never') AS lost,
       sum(settles_at > :now) AS on_the_way,
       sum(CASE WHEN arrives_at <= :now THEN json_array_length(parts) ELSE 0 END) AS parts,
       sum(behaviour = 'late') AS late,
       sum(behaviour = 'never') AS never
  FROM messages WHERE kind = 'sms' GROUP BY sender ORDER BY accepted DESC, sender
"""
_RECEIPT_COUNTS = """
SELECT CASE state WHEN 'held' THEN 'pending' ELSE state END AS state, count(*) AS number
  FROM receipts GROUP BY 1
"""
_OTHER_COUNTS = """
SELECT (SELECT count(*) FROM phones WHERE active_at > 0) AS phones, count(*) AS inquiries,
       count(reply_id) AS replies FROM inquiries
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
    """Return what the page shows of a message: the text as received, and what became of it."""
    parts = json.loads(row["parts"])
    arrived = row["arrives_at"] is not None and row["arrives_at"] <= now
    if row["behaviour"] == Behaviour.NEVER:
        state = "never_received" if row["arrives_at"] is not None else "never_lost"
    elif row["settles_at"] > now:
        state = "late_on_the_way" if row["behaviour"] == Behaviour.LATE else "on_the_way"
    elif row["behaviour"] == Behaviour.LATE and not arrived:
        state = Behaviour.FAILED  # its validity ran out
    else:
        state = row["behaviour"]
    return {
        "id": f"{row['kind']}-{row['id']}",
        "kind": row["kind"],
        "sender": row["sender"],
        "text": row["text"] if row["kind"] == "inquiry" else "".join(parts),
        "parts": len(parts),
        "state": state,
        "accepted_at": _iso(row["accepted_at"]),
        "received_at": _iso(row["arrives_at"]) if arrived else None,
    }


def _as_truth(row: sqlite3.Row, now: float) -> dict[str, Any]:
    """Return all that the network knows of a message."""
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
    """Return the escapes ``%t`` (UTC, not encoded further) and ``%T`` (Unix seconds), and ``%%``."""
    at = datetime.fromtimestamp(instant, UTC)
    return {"t": at.strftime("%Y-%m-%d+%H:%M:%S"), "T": str(int(instant)), "%": "%"}


def _smsc_words(row: sqlite3.Row) -> str:
    """Return what ``%A`` holds: Kannel's ACK/NACK, or the SMPP receipt text of a carrier."""
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

    As in Kannel a ``text/plain`` without a charset is taken as ISO-8859-1, and without the header
    ``X-Kannel-Coding: 2`` accents become ``?``. HTML replies, which Kannel strips of tags, are not played.
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


# --- HTTP -------------------------------------------------------------------------------------------


class NoAnswer(Response):
    """An answer that never comes: silence for some seconds, then a TCP reset."""

    def __init__(self, silence: float = 0.0) -> None:
        super().__init__()
        self._silence = silence

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Wait, then cut the connection below HTTP, which ASGI has no word for."""

        async def client_gone() -> None:
            while (await receive())["type"] != "http.disconnect":
                pass

        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(client_gone(), self._silence)
            return
        transport = getattr(getattr(receive, "__self__", None), "transport", None)
        if transport is None:  # not under uvicorn
            raise ConnectionResetError
        connection = transport.get_extra_info("socket")
        with contextlib.suppress(OSError, AttributeError):
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        transport.abort()
        await client_gone()


class NewPhone(BaseModel):
    """A number to be known by a handle."""

    number: str = Field(pattern=r"^[0-9+ .()-]{3,20}$")


class NewBehaviour(BaseModel):
    """What shall happen to a number's messages from now on; null: what the number itself says."""

    behaviour: Behaviour | None


class NewText(BaseModel):
    """A text that the owner of a phone sends."""

    to: str = Field(default=SHORT_CODE, pattern=r"^[0-9]{3,6}$")
    text: str = Field(min_length=1, max_length=1000)


def _from_loopback(request: Request) -> None:
    """Refuse whoever is not on this machine."""
    host = request.client.host if request.client else ""
    try:
        near = ipaddress.ip_address(host).is_loopback
    except ValueError:
        near = False
    if not near:
        raise HTTPException(403, "only from this machine")


def create_app(
    folder: Path,
    *,
    username: str,
    password: str,
    inquiry_url: str | None = None,
    seed: int = 0,
    max_messages: int = 1,
    timing: Timing | None = None,
) -> FastAPI:
    """Return the network as an app; its log lives in ``folder`` and outlives it.

    Args:
        folder: made if missing; holds ``phone_network.sqlite3``.
        username: of the sendsms-user.
        password: of the sendsms-user.
        inquiry_url: what ``get-url`` would be, with Kannel's escapes
            (``…?secret=…&sender=%p&to=%P&text=%a&id=%I``); None: inquiries get "Request Failed".
        seed: decides which numbers are dead, late or silent.
        max_messages: parts of one message at most (Kannel's default is 1), for replies too.
        timing: how long things take.

    Raises:
        OSError: the folder cannot be made.
        sqlite3.Error: the log cannot be opened.
    """
    network = PhoneNetwork(
        TruthLog(folder),
        username=username,
        inquiry_url=inquiry_url,
        seed=seed,
        max_messages=max_messages,
        timing=timing or Timing(),
    )

    @contextlib.asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        network.start()
        yield
        await run_in_threadpool(network.stop)

    app = FastAPI(title="Phone network", docs_url=None, redoc_url=None, openapi_url=None, lifespan=lifespan)
    page = Environment(loader=FileSystemLoader(TEMPLATES), autoescape=True).get_template("phone_network.html")

    def answer(status: int, sentence: str) -> Response:
        return Response(sentence, status, {"Cache-Control": "no-cache"}, media_type="text/html")

    @app.api_route("/cgi-bin/sendsms", methods=["GET", "POST"])
    async def sendsms(request: Request) -> Response:
        faults, lot = network.faults, network.lot
        if faults.outage:
            return NoAnswer()
        try:
            submission = read_submission(await read_fields(request), username, password)
        except Refused as refusal:
            return answer(refusal.status, refusal.sentence)
        for name, (status, sentence) in _REFUSING_FAULTS.items():
            if (fault := getattr(faults, name)).hits(lot, submission.receivers):
                no = answer(status, sentence)
                if isinstance(fault, BusyFault) and fault.retry_after is not None:
                    no.headers["Retry-After"] = str(fault.retry_after)
                return no
        queued, silent, reset, broken, slow = (
            fault.hits(lot, submission.receivers)
            for fault in (
                faults.queued,
                faults.accept_then_timeout,
                faults.accept_then_reset,
                faults.accept_then_500,
                faults.slow_seconds,
            )
        )
        try:
            await network.accept(submission)
        except sqlite3.Error as error:
            logger.error("The log cannot be written: %s", error)
            return answer(*_REFUSING_FAULTS["error_503"])
        if slow:
            await asyncio.sleep(faults.slow_seconds.seconds)
        if silent or reset:
            return NoAnswer(network.timing.hang if silent else 0.0)
        if broken:
            return answer(500, "Internal Server Error")
        return answer(202, "3: Queued for later delivery" if queued else "0: Accepted for delivery")

    @app.get("/health")
    def health() -> dict[str, str]:
        network.log.read("SELECT 1")
        return {"status": "outage" if network.faults.outage else "ok"}

    @app.get("/faults", dependencies=[Depends(_from_loopback)], response_model_exclude_none=True)
    def read_faults() -> Faults:
        return network.faults

    @app.put("/faults", dependencies=[Depends(_from_loopback)], response_model_exclude_none=True)
    async def put_faults(faults: Faults) -> Faults:
        network.set_faults(faults)
        return faults

    @app.post("/phones", dependencies=[Depends(_from_loopback)])
    def add_phone(phone: NewPhone) -> dict[str, str]:
        row = network.add_phone(phone_number(phone.number))
        behaviour = row["behaviour"] or default_behaviour(row["number"], seed)
        return {"handle": row["handle"], "behaviour": behaviour}

    @app.put("/phones/{handle}/behaviour", dependencies=[Depends(_from_loopback)])
    def set_behaviour(handle: str, wanted: NewBehaviour) -> dict[str, str]:
        try:
            return {"handle": handle, "behaviour": network.set_behaviour(handle, wanted.behaviour)}
        except LookupError as error:
            raise HTTPException(404, "no such phone") from error

    @app.post("/phones/{handle}/texts", status_code=202)
    def send_text(handle: str, sent: NewText) -> dict[str, int]:
        try:
            return {"id": network.text(network.find_phone(handle)["number"], sent.to, sent.text)}
        except LookupError as error:
            raise HTTPException(404, "no such phone") from error

    @app.get("/api/phones")
    def read_phones(limit: int = 60, search: str = "") -> dict[str, Any]:
        return {"phones": network.phones(max(1, min(limit, 500)), search[:200])}

    @app.get("/api/counts")
    def read_counts() -> dict[str, Any]:
        return network.counts()

    @app.get("/api/messages", dependencies=[Depends(_from_loopback)])
    def read_messages(after_id: int = 0, limit: int = 1000) -> dict[str, Any]:
        return {"messages": network.messages(after_id, max(1, min(limit, 10_000)))}

    @app.get("/")
    def wall() -> HTMLResponse:
        nonce = secrets.token_urlsafe(16)
        policy = (
            f"default-src 'none'; style-src 'nonce-{nonce}'; script-src 'nonce-{nonce}'; connect-src 'self';"
            " img-src data:; form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
        )
        headers = {"Content-Security-Policy": policy, "Cache-Control": "no-store"}
        return HTMLResponse(page.render(nonce=nonce, short_code=SHORT_CODE), headers=headers)

    return app


# --- As a process -----------------------------------------------------------------------------------


def without_query(record: logging.LogRecord) -> bool:
    """Cut the query off an access log line (it holds numbers and texts), and drop the page's polling."""
    if isinstance(record.args, tuple) and len(record.args) == 5:
        client, method, target, version, status = record.args
        path = str(target).partition("?")[0]
        record.args = (client, method, path, version, status)
        return not path.startswith(("/api/", "/health"))
    return True


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the network until it is told to stop; an operator's mistake ends it with a sentence."""
    parser = argparse.ArgumentParser(prog="python -m motcua.sandbox.phone_network", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--folder", type=Path, required=True, help="where the log lives")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--max-messages", type=int, default=10, help="of the sendsms-user (default 10)")
    options = parser.parse_args(arguments)
    username, password = (os.environ.get(f"MOTCUA_KANNEL_{name}", "") for name in ("USERNAME", "PASSWORD"))
    if not (username and password):
        sys.exit("MOTCUA_KANNEL_USERNAME and MOTCUA_KANNEL_PASSWORD must be set.")
    if options.max_messages < 1:
        sys.exit("--max-messages must be at least 1.")
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    logging.getLogger("uvicorn.access").addFilter(without_query)
    try:
        app = create_app(
            options.folder,
            username=username,
            password=password,
            inquiry_url=os.environ.get("MOTCUA_INQUIRY_URL") or None,
            seed=options.seed,
            max_messages=options.max_messages,
        )
    except (OSError, sqlite3.Error) as error:
        sys.exit(f"The log in {options.folder} cannot be used: {error}")
    uvicorn.run(app, host=options.host, port=options.port, log_config=None, timeout_graceful_shutdown=3)


if __name__ == "__main__":
    main()
