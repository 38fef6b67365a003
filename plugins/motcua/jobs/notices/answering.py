"""Answers texts to 9029. The citizen has paid for the text, so each text gets a reply, whatever fails.

``answer`` works inside a transaction of the ledger. The web process that gateways call uses ``answer_in_time``, which
never raises: if the ledger does not answer in time, the function returns a fixed apology, and the inquiry is written to
the ledger later.
"""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections import deque
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache

import psycopg

from motcua.domain.clock import VIETNAM
from motcua.domain.inquiries import (
    AskedCodes,
    InquiryAnswer,
    InquiryResult,
    asking_phone,
    choose,
    dedupe_key,
    punctuality,
    read_inquiry_text,
)
from motcua.domain.phones.reading import mask_msisdn
from motcua.domain.texts import RenderedText, Template, render
from motcua.gateways.adapter import InquiryReading
from motcua.settings import settings
from motcua.store.ledger.database import Connection, quick_connections, reason_without_values
from motcua.store.notices.inquiries import (
    FoundDossier,
    Limits,
    NewInquiry,
    agency_keys,
    find_dossiers,
    is_over,
    lock_phone,
    reply_given,
    save_inquiry,
)
from motcua.store.notices.stops import stopped_until
from motcua.store.notices.templates import load_templates

TIME_FOR_AN_ANSWER = 1.5
"""Seconds in which the ledger must answer; the citizen waits 2 seconds at most."""

_WAIT_FOR_LEDGER = 0.03
_MAY_WAIT = 8
"""Largest number of inquiries that may wait for an unavailable ledger at a time. Further inquiries get the apology at
once. Otherwise all threads of the web process would wait."""
_KEEP_UNCOUNTED = 100_000

_TEMPLATE_OF: dict[InquiryResult, str] = {
    "answered": "reply",
    "help": "reply_help",
    "unknown_code": "reply_unknown",
    "several_agencies": "reply_several_agencies",
    "too_many": "reply_limit",
    "service_off": "reply_off",
    "error": "reply_error",
}

_log = logging.getLogger(__name__)
_waiting = threading.BoundedSemaphore(_MAY_WAIT)


@dataclass(frozen=True, slots=True)
class _Asked:
    """One inquiry as received. ``since`` is the monotonic clock at its arrival. ``phone`` is the sender's number in
    E.164, or ``None`` if the sender is not a phone."""

    gateway: str
    phone: str | None
    text: str
    message_id: str | None
    key: str
    received_at: datetime
    since: float

    @property
    def seconds_left(self) -> float:
        return self.since + TIME_FOR_AN_ANSWER - time.monotonic()


class _TooLate(Exception):
    """The time for an answer is over. The web process gives the citizen the fixed apology instead."""


@dataclass(frozen=True, slots=True)
class _Found:
    """A reply before it is written to the ledger."""

    outcome: InquiryResult
    reply: RenderedText
    asked_code: str | None = None
    dossier: FoundDossier | None = None


@lru_cache(maxsize=1)
def _templates() -> dict[str, Template]:
    return load_templates()


def warm_up() -> None:
    """Load the texts and open the connection to the ledger, so that the first inquiry need not wait. Never raise an
    error."""
    try:
        _templates()
        quick_connections.get()
    except Exception as error:
        _log.warning("9029 is not ready yet: %s", reason_without_values(error))


def _received(gateway: str, reading: InquiryReading, now: datetime, since: float) -> _Asked:
    phone = asking_phone(reading.sender)
    # A stated sending time that is a day or more from now must be wrong, so the sending time cannot prove that two
    # texts are one text sent twice.
    sent_at = reading.sent_at if reading.sent_at and abs(reading.sent_at - now) < timedelta(days=1) else now
    key = dedupe_key(reading.message_id, phone or reading.sender, reading.text, sent_at)
    return _Asked(gateway, phone, reading.text, reading.message_id, key, now, since)


def answer(connection: Connection, gateway: str, reading: InquiryReading, now: datetime) -> InquiryAnswer:
    """Answer one inquiry. Write the inquiry and its reply in one transaction. A repeated inquiry gets its first reply
    again.

    Raises:
        psycopg.Error: the ledger failed; nothing is written.
    """
    return _answer(connection, _received(gateway, reading, now, time.monotonic()))


def answer_in_time(gateway: str, reading: InquiryReading, now: datetime, since: float) -> InquiryAnswer:
    """Answer one inquiry, whatever fails; ``since`` is the monotonic clock when the inquiry arrived.

    A broken connection of a thread is reopened at once. At most ``_MAY_WAIT`` threads wait for an unavailable ledger.
    """
    asked = _received(gateway, reading, now, since)
    failures, waits = 0, False
    try:
        while True:
            try:
                return _answer(quick_connections.get(), asked)
            except (psycopg.OperationalError, psycopg.InterfaceError) as error:
                quick_connections.drop()
                failures += 1
                if failures == 1:
                    continue
                waits = waits or _waiting.acquire(blocking=False)
                if not waits or asked.seconds_left < _WAIT_FOR_LEDGER:
                    return _apologise(asked, error)
                time.sleep(_WAIT_FOR_LEDGER)
            except Exception as error:
                return _apologise(asked, error)
    finally:
        if waits:
            _waiting.release()


def apologise(gateway: str, reading: InquiryReading, now: datetime) -> InquiryAnswer:
    """Return the fixed apology for an inquiry that could not be answered in time. Queue the inquiry to be written to
    the ledger."""
    return _apologise(_received(gateway, reading, now, time.monotonic()), _TooLate())


def _answer(connection: Connection, asked: _Asked) -> InquiryAnswer:
    with connection.transaction():
        found = _choose_reply(connection, asked)
        saved = save_inquiry(connection, _new_inquiry(asked, found))
        if asked.seconds_left < 0:
            raise _TooLate
    if saved:
        return InquiryAnswer(found.reply.text, found.reply.accented, found.outcome)
    before = reply_given(connection, asked.gateway, asked.key)
    if before is None:
        raise RuntimeError("a stored inquiry has no reply")
    return before


def _fixed_reply(outcome: InquiryResult, code: str | None = None) -> _Found:
    template = _templates()[_TEMPLATE_OF[outcome]]
    # The templates name the code differently: dossier_code is a known code, asked_code an unknown one. Links are
    # removed from an unknown code.
    values = {name: code for name in ("dossier_code", "asked_code") if code is not None}
    return _Found(outcome, render(template, values, settings().inquiries_accented), code)


def _choose_reply(connection: Connection, asked: _Asked) -> _Found:
    rules = settings()
    if not rules.inquiries_on:
        return _fixed_reply("service_off")
    now = asked.received_at
    limits = Limits(
        day=now.astimezone(VIETNAM).replace(hour=0, minute=0, second=0, microsecond=0),
        minute=now - timedelta(minutes=1),
        of_phone=rules.inquiries_per_phone,
        of_gateway=rules.inquiries_per_gateway,
    )
    if asked.phone is not None:
        # Without this lock, inquiries of one phone that arrive at the same moment would not count each other for the
        # limit.
        lock_phone(connection, asked.phone)
    phone_is_over, gateway_is_over = is_over(connection, asked.gateway, asked.phone, limits)
    if phone_is_over:
        return _fixed_reply("too_many")
    if gateway_is_over:
        # All citizens together reached the gateway's limit, so the reply only asks this citizen to try again in a few
        # minutes.
        return _Found("too_many", _fixed_reply("error").reply)
    found = _look_up(connection, asked, read_inquiry_text(asked.text))
    agency = None if found.dossier is None else found.dossier.hit.agency_code
    if stopped_until(connection, "reply", agency, now) is not None:
        # The citizen has paid, so a stop changes what the reply states but does not suppress it.
        return _Found("service_off", render(_templates()["reply_stopped"], {}, rules.inquiries_accented))
    return found


def _look_up(connection: Connection, asked: _Asked, codes: AskedCodes) -> _Found:
    dossiers = {each.hit.dossier_id: each for each in find_dossiers(connection, codes.keys, asked.phone)}
    # If only one dossier was found, the reply need not distinguish agencies.
    agencies = {} if len(dossiers) == 1 else agency_keys(connection)
    choice = choose(codes, [each.hit for each in dossiers.values()], agencies)
    if choice.hit is not None:
        return _status_reply(dossiers[choice.hit.dossier_id], asked.received_at)
    if choice.shared_code is not None:
        return _fixed_reply("several_agencies", choice.shared_code)
    shown = codes.shown(agencies)
    return _fixed_reply("help") if shown is None else _fixed_reply("unknown_code", shown)


def _status_reply(dossier: FoundDossier, now: datetime) -> _Found:
    template = _templates()["reply"]
    code, state = dossier.hit.dossier_code, dossier.state
    values = {
        "dossier_code": code,
        "step_name": dossier.step_name or template.choices["step_name"].get(str(state.status_code), ""),
        "punctuality": template.choices["punctuality"][punctuality(state, now)],
    }
    return _Found("answered", render(template, values, dossier.accented), code, dossier)


def _new_inquiry(asked: _Asked, found: _Found) -> NewInquiry:
    return NewInquiry(
        gateway=asked.gateway,
        gateway_message_id=asked.message_id,
        dedupe_key=asked.key,
        received_at=asked.received_at,
        phone=asked.phone,
        text=asked.text,
        asked_code=found.asked_code,
        outcome=found.outcome,
        fee=settings().inquiries_fee,
        dossier=found.dossier,
        reply=found.reply,
    )


# ---------------------------------------------------------------- inquiries that could not be written at once


_uncounted: deque[NewInquiry] = deque(maxlen=_KEEP_UNCOUNTED)
_counting = threading.Lock()


def _apologise(asked: _Asked, error: Exception) -> InquiryAnswer:
    _log.warning(
        "An inquiry of %s through %s got the apology: %s",
        mask_msisdn(asked.phone or ""),
        asked.gateway,
        reason_without_values(error),
    )
    found = _fixed_reply("error")
    _uncounted.append(_new_inquiry(asked, found))
    _count_soon()
    return InquiryAnswer(found.reply.text, found.reply.accented, "error")


def _count_soon() -> None:
    if _uncounted and _counting.acquire(blocking=False):
        threading.Thread(target=_count_until_done, name="count inquiries", daemon=True).start()


def _count_until_done() -> None:
    """Try once a second to write the inquiries in ``_uncounted``, until all are written. Hold the lock ``_counting``
    for that time."""
    try:
        while _uncounted:
            count_left_over()
            if _uncounted:
                time.sleep(1)
    finally:
        quick_connections.drop()
        _counting.release()
    # An inquiry may have come between the last check and the release of the lock ``_counting``.
    _count_soon()


def count_left_over() -> int:
    """Write the inquiries that got the apology while the ledger was unavailable. Return how many of these inquiries
    were new to the ledger.

    If the gateway sent an inquiry again in the meantime, the ledger already has the inquiry and does not store it
    twice. Until these inquiries are written, they are only in memory.
    """
    written = 0
    while True:
        try:
            inquiry = _uncounted[0]
        except IndexError:
            return written
        try:
            connection = quick_connections.get()
            with connection.transaction():
                written += save_inquiry(connection, inquiry)
        except (psycopg.OperationalError, psycopg.InterfaceError):
            quick_connections.drop()
            return written
        except Exception as error:
            # An inquiry that the ledger refuses must not block the other inquiries.
            _log.error("An inquiry through %s is not counted: %s", inquiry.gateway, reason_without_values(error))
        with contextlib.suppress(ValueError):
            _uncounted.remove(inquiry)
