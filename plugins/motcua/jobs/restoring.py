"""Detects after a restore that the ledger lacks attempts of its journal, and closes this gap where the journal allows.

The *journal*, files outside the ledger, has each attempt to send a message and the gateway's answer. Before anything is
sent or settled, the end of the journal is compared with the ledger. If the journal has an attempt that the ledger
lacks, a *gap* is opened. While the gap is open, senders claim no messages, or only messages that were recorded after
the gap was noticed. If the journal is available, the gap is closed without a person: the lost attempts are added to the
ledger, and sending continues. The journal proves that nothing else was sent. If the ledger belongs to a journal that is
not here, only a person can find out until when messages were sent from the ledger (``motcua gaps close``).

Personal data that had been emptied before the restore is emptied again before anything is sent. The list of erasures,
which is stored outside the ledger, names this data.

If a whole machine is restored, its journal is restored with it. Nothing on the machine can distinguish such a restore
from a night without power. So a ledger that *slept* (no sender ran for a while) is not trusted: messages that were
recorded before the ledger woke are held, and later messages are sent. A watch (a monitoring process) that ran on
another machine all the time reports whether the ledger was put back to an earlier state. Without such a watch, a person
decides.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from motcua.domain.checks import Finding, fault
from motcua.domain.restores import SLEEPS_AFTER, journal_vouches, witness_vouches
from motcua.domain.run_window import Window
from motcua.jobs.personal_data import empty_batch, empty_kind, tidy
from motcua.store.erasures import Erasure, ErasureList, open_erasures
from motcua.store.journal import Journal, JournaledAttempt, open_journal
from motcua.store.ledger.database import Connection
from motcua.store.ledger.locks import LOOKING_AT_GAP, wait_for_lock
from motcua.store.notices import gaps
from motcua.store.notices.gaps import OpenGap, RunStart
from motcua.store.personal_data import (
    Kind,
    Order,
    PurgeNotProvided,
    known_references,
    purge_connection,
    wait_for_emptying,
)


def take_answers(ledger: Connection, now: datetime, since: datetime | None = None) -> int:
    """Copies gateways' answers from the journal to attempts that are in flight or whose sender died. Returns the number
    of messages that these answers settle.

    Args:
        ledger: a connection; the caller commits.
        now: the present moment.
        since: if given, only attempts that began since this moment and whose sender died are considered.

    Raises:
        motcua.store.journal.JournalFailed: the journal cannot be read.
    """
    waiting = gaps.unanswered(ledger, since)
    if not waiting:
        return 0
    begins = min(waiting.values()).astimezone(UTC).date()
    answers = [
        each.answer
        for day in open_journal().attempts(begins)
        for each in day
        if each.answer is not None and each.answer.outcome != "unknown" and each.answer.reference in waiting
    ]
    return gaps.take_answers(ledger, answers, now)


log = logging.getLogger(__name__)


def empty_again(ledger: Connection, by: str) -> str | None:
    """Compares the list of erasures with the ledger, and empties again the personal data that a restore brought back.
    If this is not possible, returns the reason why nothing may be sent.

    If a message of a dossier waits in the restored ledger, the daily purge empties the dossier once the message has
    expired.

    Args:
        ledger: a connection with no open transaction.
        by: the run that checks.

    Raises:
        motcua.store.journal.JournalFailed: the list cannot be read.
    """
    erasures = open_erasures()
    if not _unknown_erasures(ledger, erasures.tail()):
        ledger.commit()
        return None
    try:
        with purge_connection() as connection:
            # A purge lists a batch before it commits the batch. So wait until a running purge has committed.
            wait_for_emptying(connection)
            connection.commit()
            back = _came_back(ledger, erasures)
            ledger.commit()
            for erasure in back:
                _empty(connection, erasures, erasure, by)
    except PurgeNotProvided as missing:
        return f"the ledger was restored with personal data that had been emptied; {missing}"
    if back:
        tidy()
        log.warning("the ledger was restored: %d batch(es) of personal data were emptied again", len(back))
    return None


def _unknown_erasures(ledger: Connection, erasures: list[Erasure]) -> list[Erasure]:
    known = known_references(ledger, [each.reference for each in erasures]) if erasures else set()
    return [each for each in erasures if each.reference not in known]


def _came_back(ledger: Connection, erasures: ErasureList) -> list[Erasure]:
    """Returns the listed erasures that the ledger does not know, the oldest first. Reads the list day by day from its
    end, until a day whose erasures the ledger all knows. A day of the future does not count: it was written while the
    clock was ahead."""
    now = datetime.now(UTC)
    found: list[Erasure] = []
    for day in erasures.days():
        unknown = _unknown_erasures(ledger, day)
        if day and not unknown and day[-1].at < now:
            break
        found = unknown + found
    return found


def _empty(connection: Connection, erasures: ErasureList, erasure: Erasure, by: str) -> None:
    kind: Kind = erasure.kind  # type: ignore[assignment] # the list has only valid kinds
    order = Order(kind, "restore", by, only_these=erasure.listed, listed_at=erasure.at)
    if erasure.listed is None:
        empty_kind(connection, erasures, order, log.info, erasure.reference)
    else:
        empty_batch(connection, erasures, order, erasure.reference)


AWAKE = "the watch stayed awake and saw no later state of the ledger"
"""The reason that is stored when an outside watch closes a gap."""
JOURNAL_AGE = timedelta(days=45)
"""How long the journal is stored. Backups are deleted earlier, so the journal reaches back to any ledger that may be
restored."""
_AT_ONCE = 5000


@dataclass(frozen=True, slots=True)
class Hold:
    """A restriction of a run: the messages that it may not send or settle, and why."""

    why: str
    gap_no: int | None = None
    until: datetime | None = None
    """Messages that were recorded up to this moment are held. ``None`` holds all messages."""

    def window(self, asked: Window) -> Window | None:
        """Returns the part of a run's window whose messages may be sent and settled, or ``None`` if there is none."""
        return None if self.until is None else asked.after(self.until)


def look_for_gap(ledger: Connection, by: str, now: datetime | None = None) -> Hold | None:
    """Compares the journal with the ledger, and closes a gap if the journal allows. Returns what may not be sent, and
    why; ``None`` if everything may be sent.

    Args:
        ledger: a connection with no open transaction; the function commits.
        by: the run that checks.
        now: the present moment.

    Raises:
        motcua.store.journal.JournalFailed: the journal cannot be read or begun.
    """
    moment = now or datetime.now(UTC)
    journal = open_journal()
    # Everything from here to the commit is one transaction. Otherwise a crash could leave a sleep recorded but not
    # handled.
    at_work = gaps.note_run_start(ledger, moment, SLEEPS_AFTER)
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
    gap = gaps.open_gap(ledger)
    # A gap with ``held_until`` was not noticed by this comparison, or the journal could not close it before. The
    # journal can close such a gap only if it has attempts that the ledger lacks.
    if gap is not None and here is not None and known_as in (None, here) and (is_behind or gap.held_until is None):
        _read_journal(ledger, journal, gap, by, moment)
        if known_as is None:
            # The ledger is from a version without journals, so it belongs to no journal yet.
            gaps.begin_journal(ledger, here, "restored")
    if at_work.slept_since is not None:
        _notice_sleep(ledger, journal, at_work, moment, is_behind=is_behind)
    hear_testimony(ledger, moment)
    gaps.hold(ledger)
    gaps.note_journal(ledger, journal.damage())
    gap = gaps.open_gap(ledger)
    ledger.commit()
    journal.forget(moment.date() - JOURNAL_AGE)
    open_erasures().forget(moment.date() - JOURNAL_AGE)
    if gap is not None and gap.held_until is None:
        return Hold(words_of_gap(gap), gap.gap_no)
    if (brought_back := empty_again(ledger, by)) is not None:
        return Hold(brought_back)
    return None if gap is None else Hold(words_of_gap(gap), gap.gap_no, gap.held_until)


def lost_attempts(ledger: Connection) -> int:
    """Returns how many attempts of the journal the ledger lacks; 0 if the ledger belongs to another journal.

    Raises:
        motcua.store.journal.JournalFailed: the journal cannot be read.
    """
    journal = open_journal()
    if gaps.journal_of(ledger) not in (None, journal.identity()) or not _is_behind(ledger, journal):
        return 0
    return sum(len(each) for each in _lost_attempts(ledger, journal))


def finding_of_gap(gap: OpenGap) -> Finding:
    """Returns the finding that reports an open gap."""
    moments = {"since": gap.slept_since or gap.noticed_at, "woke_at": gap.noticed_at, "until": gap.held_until}
    moments_as_text = {name: at.isoformat() if at else None for name, at in moments.items()}
    name = "ledger_slept" if gap.kind == "slept" else "ledger_behind"
    return fault(name, "", words_of_gap(gap), kind=gap.kind, messages=gap.held_messages, **moments_as_text)


def words_of_gap(gap: OpenGap) -> str:
    """Returns a text that explains why a run sends no messages, or only some, because of a gap, and what to do."""
    if gap.kind == "slept":
        return (
            f"gap {gap.gap_no}: the ledger slept and may have been put back. {gap.held_messages} message(s) recorded "
            "before it woke are held. Decide about them on the page of alerts, or by motcua gaps close"
        )
    if gap.kind == "behind_journal" and gap.held_until is not None:
        return (
            f"gap {gap.gap_no}: the ledger was restored, and its journal is damaged. Messages recorded before "
            "this was noticed are held. Decide about them on the page of alerts, or by motcua gaps close"
        )
    if gap.kind == "behind_journal":
        return (
            f"gap {gap.gap_no}: the ledger was restored; {gap.lost_attempts} attempt(s) that were sent are not in it, "
            "and its journal cannot be read"
        )
    if gap.kind == "behind_watch":
        return (
            f"gap {gap.gap_no}: the watch saw later messages, which neither the ledger nor the journal has. Messages "
            "recorded before this was noticed are held. Decide about them on the page of alerts, or by "
            "motcua gaps close"
        )
    return (
        f"gap {gap.gap_no}: the ledger was kept with a journal that is not here. Put the journal back "
        "(MOTCUA_JOURNAL), or close the gap: motcua gaps close"
    )


def hold_what_went_back(ledger: Connection, lost_attempts: int, seen_until: datetime | None, now: datetime) -> None:
    """Opens a gap because the watch had seen attempts that the ledger lacks. If a gap of the kind ``slept`` is open,
    its kind becomes ``behind_watch`` instead. If another gap was noticed since the watch's last round, no gap is
    opened, because the other gap explains the difference.

    Args:
        ledger: a connection; the caller commits.
        lost_attempts: how many of the last attempt numbers are missing in the ledger.
        seen_until: when the watch saw these numbers.
        now: the present moment.
    """
    wait_for_lock(ledger, LOOKING_AT_GAP)
    gap = gaps.open_gap(ledger)
    if gap is not None and gap.kind == "slept":
        gaps.turn_into_went_back(ledger, lost_attempts, seen_until)
        return
    if seen_until is not None and gaps.noticed_since(ledger, seen_until):
        return
    gaps.begin_gap(
        ledger,
        "behind_watch",
        now,
        ledger_until=gaps.last_attempt_at(ledger),
        journal_until=seen_until,
        lost_attempts=lost_attempts,
        held_until=now,
    )


def hear_testimony(ledger: Connection, now: datetime) -> None:
    """Applies the testimony of a watch on another machine. If the ledger only slept, the gap is closed and its messages
    are no longer held. If the watch had seen a later state of the ledger, a gap is opened and a person decides.

    Args:
        ledger: a connection; the caller commits.
        now: the present moment.
    """
    given = gaps.last_testimony(ledger)
    if given is None:
        return
    if (later := given.said.later) is not None:
        hold_what_went_back(ledger, later.attempts, later.seen_at, now)
        gaps.take_testimony(ledger)
        return
    gap = gaps.open_gap(ledger)
    if gap is None or gap.kind != "slept" or not witness_vouches(gap.held_until, gap.slept_since, given.said):
        return
    gaps.answer_gap(ledger, gap.gap_no, sent_until=None, by="outside watch", reason=AWAKE, now=now)
    log.info("gap %d: the ledger only slept, as a watch on another machine says", gap.gap_no)


def _notice_sleep(ledger: Connection, journal: Journal, at_work: RunStart, now: datetime, *, is_behind: bool) -> None:
    """Holds all messages that were recorded before this moment, unless the ledger is trusted after its sleep. The
    ledger is trusted if a person declared that this server is never restored, or if no agency is enabled yet
    (``is_believed``). It is also trusted if the journal is ahead of the ledger, because the journal was then not put
    back together with the ledger."""
    assert at_work.slept_since is not None
    journal_until = _last_departure(journal)
    if at_work.is_believed or (is_behind and journal_vouches(at_work.slept_since, journal_until)):
        log.info("the ledger slept from %s on: no messages are held for it", at_work.slept_since)
        return
    wait_for_lock(ledger, LOOKING_AT_GAP)
    gap = gaps.open_gap(ledger)
    if gap is not None and gap.held_until is not None:
        # The ledger slept once more before anybody closed the gap.
        gaps.hold_up_to(ledger, gap.gap_no, now)
        return
    gaps.begin_gap(
        ledger,
        "slept",
        now,
        ledger_until=gaps.last_attempt_at(ledger),
        journal_until=journal_until,
        lost_attempts=0,
        slept_since=at_work.slept_since,
        held_until=now,
    )
    log.warning(
        "the ledger slept from %s on and may have been put back: messages recorded before now are held",
        at_work.slept_since,
    )


def _is_behind(ledger: Connection, journal: Journal) -> bool:
    """Returns whether the ledger lacks an attempt at the end of the journal. Senders commit an attempt before they
    write its line, so the ledger had the missing attempt once."""
    last = [each.reference for each in journal.tail()]
    return bool(last) and len(gaps.known_references(ledger, last)) < len(set(last))


def _notice_behind(ledger: Connection, journal: Journal, now: datetime) -> None:
    wait_for_lock(ledger, LOOKING_AT_GAP)
    if gaps.open_gap(ledger) is not None or not _is_behind(ledger, journal):
        return
    lost = sum(len(each) for each in _lost_attempts(ledger, journal))
    gaps.begin_gap(
        ledger,
        "behind_journal",
        now,
        ledger_until=gaps.last_attempt_at(ledger),
        journal_until=_last_departure(journal),
        lost_attempts=lost,
    )
    log.warning("the ledger is behind its journal: %d attempt(s) that were sent are not in it", lost)


def _notice_other_journal(ledger: Connection, journal: Journal, now: datetime) -> None:
    wait_for_lock(ledger, LOOKING_AT_GAP)
    gaps.begin_gap(
        ledger,
        "other_journal",
        now,
        ledger_until=gaps.last_attempt_at(ledger),
        journal_until=_last_departure(journal),
        lost_attempts=0,
    )
    log.warning("the ledger was kept with a journal that is not in %s", journal.folder)


def _lost_attempts(ledger: Connection, journal: Journal) -> Iterator[list[JournaledAttempt]]:
    """Yields the journal's attempts that the ledger lacks. Reads the journal day by day from its end, until a day whose
    attempts the ledger all has. A day of the future does not count: it was written while the clock was ahead."""
    now = datetime.now(UTC)
    for day in journal.attempts():
        found: list[JournaledAttempt] = []
        for start in range(0, len(day), _AT_ONCE):
            part = day[start : start + _AT_ONCE]
            known = gaps.known_references(ledger, [each.departure.reference for each in part])
            found += [each for each in part if each.departure.reference not in known]
        if day and not found and day[-1].departure.departed_at < now:
            break
        yield found


def _read_journal(ledger: Connection, journal: Journal, gap: OpenGap, by: str, now: datetime) -> None:
    """Adds the journal's lost attempts to the ledger, and closes the gap in the same transaction.

    If the journal is damaged, or was put back together with the ledger, the gap stays open until a person decides.
    Until then, messages are held that were recorded before the damage was noticed, or before the ledger woke.
    """
    wait_for_lock(ledger, LOOKING_AT_GAP)
    take_answers(ledger, now)
    for lost in list(_lost_attempts(ledger, journal)):
        for start in range(0, len(lost), _AT_ONCE):
            gaps.save_lost(ledger, gap.gap_no, lost[start : start + _AT_ONCE])
    stopped = gaps.adopt_lost(ledger, now)
    if gap.slept_since is not None and not journal_vouches(gap.slept_since, _last_departure(journal)):
        return
    damage = journal.damage(gap.ledger_until.astimezone(UTC).date() if gap.ledger_until else date.min)
    if damage is not None:
        gaps.hold_up_to(ledger, gap.gap_no, now)
        log.warning("gap %d: the journal is damaged: %s", gap.gap_no, damage)
    elif gap.held_until is not None:
        gaps.answer_gap(
            ledger,
            gap.gap_no,
            sent_until=None,
            by=by,
            reason="the journal had attempts that the ledger lacked",
            now=now,
        )
    elif gaps.close_gap(ledger, gap.gap_no, now, closed_by=by):
        log.warning("gap %d: %d message(s) are not sent again; the others are sent", gap.gap_no, stopped)


def _last_departure(journal: Journal) -> datetime | None:
    """Returns when the request of the last attempt in the journal was sent."""
    return max((each.departed_at for each in journal.tail()), default=None)


def close_by_hand(
    ledger: Connection, gap_no: int, *, closed_by: str, reason: str, sent_until: datetime | None, now: datetime
) -> int:
    """Closes a gap by a person's decision, and begins a journal if there is none. Returns how many messages become
    unknown.

    Args:
        ledger: a connection; the caller commits.
        gap_no: the gap.
        closed_by: who decided.
        reason: why, in words.
        sent_until: messages recorded up to then may have been sent; ``None`` if nothing was sent that the ledger lacks.
            A later moment than ``now`` counts as ``now``.
        now: the present moment.

    Raises:
        LookupError: there is no such open gap.
        motcua.store.journal.JournalFailed: no journal can be begun.
    """
    # A mistyped year must not make all messages of the next months unknown.
    sent_until = None if sent_until is None else min(sent_until, now)
    gap = gaps.open_gap(ledger)
    if gap is not None and gap.gap_no == gap_no and gap.held_until is not None:
        answered = gaps.answer_gap(ledger, gap_no, sent_until=sent_until, by=closed_by, reason=reason, now=now)
        return answered or 0
    if not gaps.close_gap(ledger, gap_no, now, closed_by=closed_by, reason=reason, sent_until=sent_until):
        raise LookupError(f"gap {gap_no} is not open")
    held = gaps.hold_blind(ledger, gap_no, now) if sent_until is not None else 0
    gaps.begin_journal(ledger, open_journal().begin(), reason)
    return held
