"""Stops messages, ends stops early, and releases messages of unknown outcome, as people order.

The Department can stop a kind of message, an agency, or both, for a time. The Department cannot stop a single message
or the messages to one person, so it cannot choose who is informed. A stop deletes no message: messages on hold are sent
when the stop ends, or expire as usual. A request to a gateway that is in flight is not cancelled.

A release sends the stored text again; nobody can edit, address or write a message. The sender checks a released message
before sending it, as it checks any other message. The ledger stores for ever who released a message, when and why.
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
"""Longest time of a stop. The stop must be ordered again to last longer."""
MOST_LETTERS = 300
"""Largest number of characters in a reason. The reason must fit into a table of the report."""
_AT_ONCE = 10_000
"""Largest number of messages that are put on hold in one transaction."""


StopRefusal: TypeAlias = Literal[
    "no_reason", "long_reason", "phone", "past", "too_long", "unknown_agency", "not_in_force"
]


class StopRefused(ValueError):
    """An order to begin a stop or to end one early was refused. The text of the exception states why. Nothing was
    changed."""

    def __init__(self, refusal: StopRefusal, message: str) -> None:
        super().__init__(message)
        self.refusal = refusal


@dataclass(frozen=True, slots=True)
class StopAsked:
    """A stop as ordered: what to stop, until when and why."""

    kind: Kind | None
    agency_code: str | None
    until: datetime
    reason: str


def read_stop(
    ledger: Connection, *, kind: Kind | None, agency: str | None, until: datetime, reason: str, now: datetime
) -> StopAsked:
    """Check a stop as typed and return it. ``agency`` is a code or an alias.

    Raises:
        StopRefused: the reason is missing, too long or contains a phone number, the agency is unknown, or the end is
            past or too far.
    """
    words = " ".join(reason.split())
    if not words:
        raise StopRefused("no_reason", "say why: publications show the reason")
    if len(words) > MOST_LETTERS:
        raise StopRefused("long_reason", f"the reason has {len(words)} letters; {MOST_LETTERS} at most")
    if holds_phone(words):
        raise StopRefused("phone", "something in the reason looks like a phone number; publications show it")
    if until <= now:
        raise StopRefused("past", "the stop must end later than now")
    if until > now + LONGEST:
        raise StopRefused("too_long", f"the stop must end within {LONGEST.days} days; then it can be ordered again")
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
    """Stop a kind of message (``None``: every kind) of an agency (``None``: every agency), and put due messages on
    hold. The stop is in force for every sender when this function returns.

    Args:
        kind: the kind of messages.
        agency: an agency's code or an alias.
        until: when the stop ends by itself.
        reason: why; publications show the reason.
        stopped_by: who orders the stop, for the Department.
        now: the present moment by default.

    Raises:
        StopRefused: for the same reasons as in ``read_stop``.
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
    # The stop is in force now. A sender puts on hold only messages that it claims; this loop puts all due messages on
    # hold at once.
    while True:
        with connect() as ledger:
            found = due_and_stopped(ledger, moment, _AT_ONCE)
            set_aside(ledger, found, moment)
        if len(found) < _AT_ONCE:
            return made


def go(stop_id: int, *, ended_by: str, now: datetime | None = None) -> tuple[Stop, int]:
    """End a stop early. Return the stop, and how many messages are queued again.

    Raises:
        StopRefused: the stop is not in force or does not exist.
    """
    moment = now or datetime.now(UTC)
    with connect() as ledger:
        queued_again, ended = end_stop(ledger, stop_id, ended_by=ended_by, now=moment), find_stop(ledger, stop_id)
        if queued_again is None or ended is None:
            raise StopRefused("not_in_force", f"stop {stop_id} is not in force: motcua stop --list")
        return ended, queued_again


def release(
    released_by: str,
    reason: str,
    window: Window = EVERYTHING,
    *,
    message_ids: Sequence[int] | None = None,
    gateway: str | None = None,
    now: datetime | None = None,
) -> list[int]:
    """Queue again the messages of unknown outcome that are still useful. Return the ids of these messages.

    Receipts that are stored but not applied yet are applied first. If a receipt settles a message, the message is not
    released.

    Raises:
        ValueError: nobody is named, no reason is given, or the reason contains a phone number.
    """
    if not released_by.strip() or not reason.strip():
        raise ValueError("a release needs the name of a person and a reason")
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
