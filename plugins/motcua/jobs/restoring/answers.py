"""Answers that the journal has and the ledger does not: their sender ended, or the ledger was dumped, before them."""

from __future__ import annotations

from datetime import UTC, datetime

from motcua.store.journal import open_journal
from motcua.store.ledger.database import Connection
from motcua.store.notices import gaps


def take_answers(ledger: Connection, now: datetime) -> int:
    """Gives attempts that are in flight, or were left behind, the answers that the journal knows; returns how many
    messages that settles.

    Args:
        ledger: a connection; the caller commits.
        now: this moment.

    Raises:
        motcua.store.journal.JournalFailed: the journal cannot be read.
    """
    waiting = gaps.unanswered(ledger)
    if not waiting:
        return 0
    since = min(waiting.values()).astimezone(UTC).date()
    answers = [
        each.answer
        for day in open_journal().attempts(since)
        for each in day
        if each.answer is not None and each.answer.outcome != "unknown" and each.answer.reference in waiting
    ]
    return gaps.take_answers(ledger, answers, now)
