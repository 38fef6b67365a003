"""Stops what is sent, lets it go again, and releases what nobody knows the outcome of: what people decide of messages.

The Department has nothing sent of a kind, of an agency, or at all, for a time; never one message and never one person:
who could, would choose who is told. Nothing is lost by it: what waits goes when the stop ends, or expires as ever. What
is in flight is not called back.

A release repeats the stored words; nobody can edit, address or compose a message. The sender looks at each once more
before it goes, as at any other. Who, when and why is kept for good.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal, TypeAlias

from motcua.domain.dossiers import Kind
from motcua.domain.phones.reading import holds_phone
from motcua.domain.run_window import EVERYTHING, Window
from motcua.jobs.notices.receiving import read_left_over_receipts
from motcua.store.agencies import find_agency, list_agencies
from motcua.store.ledger.database import Connection, connect
from motcua.store.notices import messages
from motcua.store.notices.stops import Stop, due_and_stopped, end_stop, find_stop, save_stop, set_aside

LONGEST = timedelta(days=7)
"""A stop ends by itself after so long at the latest; whoever wants more says so again."""
MOST_LETTERS = 300
"""Of a reason, which has to fit into a table of the report."""
_AT_ONCE = 10_000
"""Messages that are set aside in one transaction."""


StopRefusal: TypeAlias = Literal[
    "no_reason", "long_reason", "phone", "past", "too_long", "unknown_agency", "not_in_force"
]


class StopRefused(ValueError):
    """What was asked for cannot be stopped, or not so; the message says why. Nothing is stopped."""

    def __init__(self, refusal: StopRefusal, message: str) -> None:
        super().__init__(message)
        self.refusal = refusal


@dataclass(frozen=True, slots=True)
class StopAsked:
    """What is to be stopped, until when and why."""

    kind: Kind | None
    agency_code: str | None
    until: datetime
    reason: str


def read_stop(
    ledger: Connection, *, kind: Kind | None, agency: str | None, until: datetime, reason: str, now: datetime
) -> StopAsked:
    """A stop as it was typed; ``agency`` is a code or an alias.

    Raises:
        StopRefused: no reason, one with a phone number, an agency that nobody knows, or an end that is past or too far.
    """
    words = " ".join(reason.split())
    if not words:
        raise StopRefused("no_reason", "say why: publications show the reason")
    if len(words) > MOST_LETTERS:
        raise StopRefused("long_reason", f"the reason has {len(words)} letters; {MOST_LETTERS} at most")
    if holds_phone(words):
        raise StopRefused("phone", "something in the reason looks like a phone number; publications show it")
    if until <= now:
        raise StopRefused("past", "it must end later than now")
    if until > now + LONGEST:
        raise StopRefused("too_long", f"it must end within {LONGEST.days} days; it can be said again then")
    code = None
    if agency is not None:
        stopped = find_agency(list_agencies(ledger), agency)
        if stopped is None:
            raise StopRefused("unknown_agency", f"there is no agency {agency}: motcua agencies list")
        code = stopped.agency_code
    return StopAsked(kind, code, until, words)


def stop(
    *,
    kind: Kind | None,
    agency: str | None,
    until: datetime,
    reason: str,
    stopped_by: str,
    now: datetime | None = None,
) -> Stop:
    """Stops a kind (``None``: every kind) of an agency (``None``: every agency), in force for every sender when this
    returns; what is due is set aside.

    Args:
        kind: of messages.
        agency: an agency's code or an alias.
        until: when it ends by itself.
        reason: why; publications show it.
        stopped_by: who does it, for the Department.
        now: by default this moment.

    Raises:
        StopRefused: as ``read_stop`` does.
    """
    moment = now or datetime.now(UTC)
    with connect() as ledger:
        asked = read_stop(ledger, kind=kind, agency=agency, until=until, reason=reason, now=moment)
        made = save_stop(
            ledger,
            kind=asked.kind,
            agency_code=asked.agency_code,
            stopped_at=moment,
            until=asked.until,
            stopped_by=stopped_by,
            reason=asked.reason,
        )
    # In force by now. A sender sets aside what it meets; here it is done at once for all that is due.
    while True:
        with connect() as ledger:
            found = due_and_stopped(ledger, moment, _AT_ONCE)
            set_aside(ledger, found, moment)
        if len(found) < _AT_ONCE:
            return made


def go(stop_id: int, *, ended_by: str, now: datetime | None = None) -> tuple[Stop, int]:
    """Ends a stop early; returns it, and how many messages go now.

    Raises:
        StopRefused: it is not in force, or there is none.
    """
    moment = now or datetime.now(UTC)
    with connect() as ledger:
        gone, ended = end_stop(ledger, stop_id, ended_by=ended_by, now=moment), find_stop(ledger, stop_id)
        if gone is None or ended is None:
            raise StopRefused("not_in_force", f"stop {stop_id} is not in force: motcua stop --list")
        return ended, gone


def release(
    released_by: str,
    reason: str,
    window: Window = EVERYTHING,
    *,
    message_ids: Sequence[int] | None = None,
    gateway: str | None = None,
    now: datetime | None = None,
) -> list[int]:
    """Queues messages of unknown outcome again while they are useful; returns their ids.

    Receipts that were stored but not read are read first: what they settle is not released.

    Raises:
        ValueError: nobody is named, or no reason is given, or the reason holds a phone number.
    """
    if not released_by.strip() or not reason.strip():
        raise ValueError("a release needs who does it and why")
    if holds_phone(reason):
        raise ValueError("something in the reason looks like a phone number")
    read_left_over_receipts()
    with connect() as ledger:
        return messages.release(
            ledger,
            window,
            now or datetime.now(UTC),
            released_by=released_by.strip(),
            reason=reason.strip(),
            message_ids=message_ids,
            gateway=gateway,
        )
