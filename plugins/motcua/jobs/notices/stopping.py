"""Stops what is sent, lets it go again, and releases what nobody knows the outcome of: what people decide of messages.

The Department has nothing sent of a kind, of an agency, or at all, for a time; never one message and never one person:
who could, would choose who is told. Nothing is lost by it: what waits goes when the stop ends, or expires as ever. What
is in flight is not called back.

A release repeats the stored words; nobody can edit, address or compose a message. The sender looks at each once more
before it goes, as at any other. Who, when and why is kept for good.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from motcua.domain.dossiers import Kind
from motcua.domain.phones.reading import holds_phone
from motcua.domain.run_window import EVERYTHING, Window
from motcua.jobs.notices.receiving import read_left_over_receipts
from motcua.store.agencies import find_agency, list_agencies
from motcua.store.ledger.database import connect
from motcua.store.notices import messages
from motcua.store.notices.stops import Stop, due_and_stopped, end_stop, let_go, save_stop, set_aside

LONGEST = timedelta(days=7)
"""A stop ends by itself after so long at the latest; whoever wants more says so again."""
MOST_LETTERS = 300
"""Of a reason, which has to fit into a table of the report."""
_AT_ONCE = 10_000
"""Messages that are set aside in one transaction."""


class StopRefused(ValueError):
    """What was asked for cannot be stopped, or not so; the message says why. Nothing is stopped."""


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
        StopRefused: no reason, one with a phone number, an agency that nobody knows, or an end that is past or too far.
    """
    moment = now or datetime.now(UTC)
    words = " ".join(reason.split())
    if not words:
        raise StopRefused("say why: publications show the reason")
    if len(words) > MOST_LETTERS:
        raise StopRefused(f"the reason has {len(words)} letters; {MOST_LETTERS} at most")
    if holds_phone(words):
        raise StopRefused("something in the reason looks like a phone number; publications show it")
    if until <= moment:
        raise StopRefused("it must end later than now")
    if until > moment + LONGEST:
        raise StopRefused(f"it must end within {LONGEST.days} days; it can be said again then")
    with connect() as ledger:
        code = None
        if agency is not None:
            stopped = find_agency(list_agencies(ledger), agency)
            if stopped is None:
                raise StopRefused(f"there is no agency {agency}: motcua agencies list")
            code = stopped.agency_code
        made = save_stop(
            ledger, kind=kind, agency_code=code, stopped_at=moment, until=until, stopped_by=stopped_by, reason=words
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
        ended = end_stop(ledger, stop_id, ended_by=ended_by, now=moment)
        if ended is None:
            raise StopRefused(f"stop {stop_id} is not in force: motcua stop --list")
        # In one transaction: a stop that is over leaves nothing set aside for it.
        return ended, let_go(ledger, moment)


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
