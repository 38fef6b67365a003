"""Notices that the ledger is behind its journal, however it was restored, and looks at the gap.

Before anything is sent, and before anything is settled, the end of the journal is held against the ledger. An attempt
in the journal that the ledger does not know means that the ledger forgot: a *gap* is opened, and while one is open
nothing is claimed. Where the journal is there, looking at the gap is reading it: what it knows becomes attempts of the
messages again, and everything else certainly did not leave, so that the gap closes by itself and sending goes on. Where
the ledger was kept with a journal that is not here, only a person knows until when it sent (``motcua gaps close``).

What had been emptied of personal data before the restore is emptied again then, too (``erased``).

A machine that was set back as a whole takes its journal with it. That the watch notices, where it stands elsewhere; it
opens a gap as well, and senders that wake from a long sleep let it look first.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import UTC, datetime

from motcua.domain.restores import SLEEPS_AFTER, waits_for_watch
from motcua.jobs.restoring.erased import empty_again
from motcua.settings import settings
from motcua.store.erasures import open_erasures
from motcua.store.journal import Journal, JournaledAttempt, open_journal
from motcua.store.ledger.database import Connection
from motcua.store.ledger.locks import LOOKING_AT_GAP, wait_for_lock
from motcua.store.notices import gaps
from motcua.store.notices.gaps import OpenGap

log = logging.getLogger(__name__)

_AT_ONCE = 5000


def look_for_gap(ledger: Connection, by: str, now: datetime | None = None) -> str | None:
    """Holds the journal against the ledger and looks at a gap where it can; says why nothing may be sent, if so.

    Args:
        ledger: a connection with no transaction under way; what is found is committed.
        by: the run that looks.
        now: this moment.

    Raises:
        motcua.store.journal.JournalFailed: the journal cannot be read or begun.
    """
    moment = now or datetime.now(UTC)
    at_work = gaps.say_at_work(ledger, moment, SLEEPS_AFTER)
    ledger.commit()
    journal = open_journal()
    known_as, here = gaps.journal_of(ledger), journal.identity()
    if known_as is None and here is None:
        here = journal.begin()
    is_behind = False
    if known_as is not None and here != known_as:
        _notice_other_journal(ledger, journal, moment)
    elif is_behind := _is_behind(ledger, journal):
        _notice_behind(ledger, journal, moment)
    elif known_as is None and here is not None:
        gaps.begin_journal(ledger, here, "first use")
    ledger.commit()
    gap = gaps.open_gap(ledger)
    # What the watch alone noticed the journal explains only where it knows more than the ledger.
    if gap is not None and here is not None and known_as in (None, here) and (is_behind or gap.kind != "behind_watch"):
        _read_journal(ledger, journal, gap, by, moment)
        if known_as is None:
            # A ledger from before there was a journal.
            gaps.begin_journal(ledger, here, "restored")
        ledger.commit()
        gap = gaps.open_gap(ledger)
    ledger.commit()
    journal.forget(moment.date() - settings().journal_age)
    open_erasures().forget(moment.date() - settings().journal_age)
    if gap is not None:
        return words_of_gap(gap)
    if (brought_back := empty_again(ledger, by)) is not None:
        return brought_back
    # The whole machine may have been set back, its journal with it; a watch that stands elsewhere opens a gap before it
    # says that it looked.
    if waits_for_watch(at_work.woke_at, at_work.watched_at, moment, SLEEPS_AFTER):
        return f"nothing was sent for {SLEEPS_AFTER}: the watch looks first, or five minutes pass"
    return None


def words_of_gap(gap: OpenGap) -> str:
    """What a run says that sends nothing because of a gap, and what is to be done."""
    if gap.kind == "behind_journal":
        return (
            f"gap {gap.gap_no}: the ledger was restored; {gap.lost_attempts} attempt(s) that left are not in it, and "
            "its journal cannot be read"
        )
    if gap.kind == "behind_watch":
        return (
            f"gap {gap.gap_no}: the watch had seen later messages than the ledger has, and the journal knows none: "
            "decide: motcua gaps close"
        )
    return (
        f"gap {gap.gap_no}: the ledger was kept with a journal that is not here: put it back (MOTCUA_JOURNAL), or "
        "decide: motcua gaps close"
    )


def hold_what_went_back(ledger: Connection, lost_attempts: int, seen_until: datetime | None, now: datetime) -> None:
    """Opens a gap, since the watch had seen larger numbers than the ledger gives; not where one was noticed since it
    last looked, which explains them.

    Args:
        ledger: a connection; the caller commits.
        lost_attempts: how many numbers of attempts are missing at the end.
        seen_until: when the watch saw them.
        now: this moment.
    """
    if seen_until is not None and gaps.noticed_since(ledger, seen_until):
        return
    gaps.begin_gap(
        ledger,
        "behind_watch",
        now,
        ledger_until=gaps.last_attempt_at(ledger),
        journal_until=seen_until,
        lost_attempts=lost_attempts,
    )


def _is_behind(ledger: Connection, journal: Journal) -> bool:
    """Senders commit an attempt before they write its line: one that the ledger lacks was forgotten."""
    last = [each.reference for each in journal.tail()]
    return bool(last) and len(gaps.known_references(ledger, last)) < len(set(last))


def _notice_behind(ledger: Connection, journal: Journal, now: datetime) -> None:
    wait_for_lock(ledger, LOOKING_AT_GAP)
    if gaps.open_gap(ledger) is not None or not _is_behind(ledger, journal):
        return
    lost = sum(len(each) for each in _lost(ledger, journal))
    tail = journal.tail()
    gaps.begin_gap(
        ledger,
        "behind_journal",
        now,
        ledger_until=gaps.last_attempt_at(ledger),
        journal_until=max((each.departed_at for each in tail), default=None),
        lost_attempts=lost,
    )
    log.warning("the ledger is behind its journal: %d attempt(s) that left are not in it", lost)


def _notice_other_journal(ledger: Connection, journal: Journal, now: datetime) -> None:
    wait_for_lock(ledger, LOOKING_AT_GAP)
    tail = journal.tail()
    gaps.begin_gap(
        ledger,
        "other_journal",
        now,
        ledger_until=gaps.last_attempt_at(ledger),
        journal_until=max((each.departed_at for each in tail), default=None),
        lost_attempts=0,
    )
    log.warning("the ledger was kept with a journal that is not in %s", journal.folder)


def _lost(ledger: Connection, journal: Journal) -> Iterator[list[JournaledAttempt]]:
    """Attempts of the journal that the ledger does not know, back to a day of which it knows all."""
    for day in journal.attempts():
        found: list[JournaledAttempt] = []
        for start in range(0, len(day), _AT_ONCE):
            part = day[start : start + _AT_ONCE]
            known = gaps.known_references(ledger, [each.departure.reference for each in part])
            found += [each for each in part if each.departure.reference not in known]
        if day and not found:
            break
        yield found


def _read_journal(ledger: Connection, journal: Journal, gap: OpenGap, by: str, now: datetime) -> None:
    """Looks at a gap: what the journal knows is known again, in one transaction with the gap's end."""
    wait_for_lock(ledger, LOOKING_AT_GAP)
    for lost in list(_lost(ledger, journal)):
        for start in range(0, len(lost), _AT_ONCE):
            gaps.save_lost(ledger, gap.gap_no, lost[start : start + _AT_ONCE])
    stopped = gaps.adopt_lost(ledger, now)
    if gaps.close_gap(ledger, gap.gap_no, now, closed_by=by):
        log.warning("gap %d: %d message(s) are not sent again; the others go", gap.gap_no, stopped)


def close_by_hand(
    ledger: Connection, gap_no: int, *, closed_by: str, reason: str, sent_until: datetime | None, now: datetime
) -> int:
    """Closes a gap without its journal, and begins one where there is none; returns how many messages are of unknown
    outcome for it.

    Args:
        ledger: a connection; the caller commits.
        gap_no: the gap.
        closed_by: who decided.
        reason: why, in words.
        sent_until: what was recorded up to then may have been told; ``None``: nothing was sent that the ledger does
            not know.
        now: this moment.

    Raises:
        LookupError: there is no such open gap.
        motcua.store.journal.JournalFailed: no journal can be begun.
    """
    if not gaps.close_gap(ledger, gap_no, now, closed_by=closed_by, reason=reason, sent_until=sent_until):
        raise LookupError(f"gap {gap_no} is not open")
    held = gaps.hold_blind(ledger, gap_no, now) if sent_until is not None else 0
    gaps.begin_journal(ledger, open_journal().begin(), reason)
    return held
