"""Verifies publications each night: new ones at once, the others in turn, so that each is looked at every month.

What does not hold is looked at again each night, until it holds. Each verification is kept, so that people see when a
publication was last looked at, and whether it held.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import psycopg

from motcua.domain.checks import Finding
from motcua.domain.checks import fault as found
from motcua.domain.people import PageRequest
from motcua.jobs.publications.verification import Verification
from motcua.jobs.publications.verifying import NoSuchPublication, stray_folders, verify_publication
from motcua.store.ledger.database import connect, reason_without_values
from motcua.store.ledger.locks import PUBLISHING, wait_for_lock
from motcua.store.oversight.page_requests import apply_request, open_requests
from motcua.store.oversight.publications import (
    NotHolding,
    PublicationStanding,
    not_holding,
    save_verification,
    standings_of_publications,
)

log = logging.getLogger(__name__)

NIGHTS = 25
"""In so many nights each publication has had its turn; a month leaves some to spare."""
AT_LEAST_EVERY = timedelta(days=31)
"""A publication that was not verified for longer is told of."""
NEW_FOR = timedelta(days=7)
"""So long one that was never verified does not wait for its turn."""
WITHIN = timedelta(minutes=40)
"""After so long no further one is begun: one takes seconds, that of a year minutes."""


@dataclass(frozen=True, slots=True)
class Verified:
    """What a night's verification did."""

    verified: int
    failed: tuple[int, ...]
    """Publications that could not be looked at."""
    waiting: int
    """Whose turn it was and for which no time was left."""
    strays: int
    """Folders of the store with a manifest that no row names."""


def keep_verification(checked: Verification, verified_by: str) -> bool:
    """Keeps that a publication was verified; ``False``: the ledger's role may only read, as an auditor's.

    Args:
        checked: of the publication in its store; what was found of a copy elsewhere says nothing of it.
        verified_by: a person, or a run.

    Raises:
        ValueError: it is of a copy elsewhere.
    """
    if not checked.in_store:
        raise ValueError("what was verified is a copy, not the publication in its store")
    try:
        with connect() as ledger:
            save_verification(
                ledger,
                checked.publication.publication_no,
                checked.begun_at,
                verified_by,
                len(checked.faults),
                checked.differing,
            )
    except (psycopg.errors.InsufficientPrivilege, psycopg.errors.ReadOnlySqlTransaction):
        return False
    return True


def in_turn(known: Sequence[PublicationStanding], run_id: str, now: datetime) -> list[int]:
    """Numbers of the publications that a night's run verifies, in their order: those that did not hold, new ones from
    the newest on, and the part of the others that was not looked at for longest.

    What an earlier try of the run has verified is not verified by it again.
    """
    mine = {each.publication_no for each in known if each.verified_by == run_id}
    faulty = [each for each in known if each.faults]
    new = [each for each in reversed(known) if each.verified_at is None and each.published_at > now - NEW_FOR]
    others = sorted(
        (each for each in known if each not in faulty and each not in new),
        key=lambda each: each.verified_at or each.published_at,
    )
    share = -(-len(known) // NIGHTS) - sum(each.publication_no in mine for each in others)
    left = [each for each in others if each.publication_no not in mine]
    chosen = [*faulty, *new, *left[: max(share, 0)]]
    return [each.publication_no for each in chosen if each.publication_no not in mine]


def overdue(known: Sequence[PublicationStanding], now: datetime) -> list[int]:
    """Publications that were not verified for over a month, counted from their first day, or from the first day on
    which any was."""
    return [
        each.publication_no
        for each in known
        if (each.verified_at or max(each.published_at, each.first_verified_at or each.published_at))
        < now - AT_LEAST_EVERY
    ]


def verify_in_turn(
    run_id: str,
    now: datetime | None = None,
    *,
    within: timedelta = WITHIN,
    verify: Callable[[str], Verification] = verify_publication,
) -> Verified:
    """Verifies what pages ask for and then those whose turn it is, keeps what was found, and looks for folders that are
    no publication.

    Args:
        run_id: the run, which signs it where nobody asked for it.
        now: by default this moment.
        within: after so long no further one is begun.
        verify: verifies one.

    Raises:
        psycopg.Error: the ledger does not answer.
        PermissionError: it takes nothing from this role.
    """
    ends = time.monotonic() + within.total_seconds()
    with connect() as ledger:
        due = in_turn(standings_of_publications(ledger), run_id, now or datetime.now(UTC))
    verified, failed = 0, list[int]()
    while time.monotonic() < ends:
        asked = next((each for each in _asked_for() if each.wanted["publication"] not in failed), None)
        number = asked.wanted["publication"] if asked else due.pop(0) if due else None
        if number is None:
            break
        try:
            checked = verify(str(number))
        except psycopg.OperationalError:
            raise
        except Exception as error:
            # One that cannot be looked at must not hide the others.
            log.error("publication %d could not be verified: %s", number, reason_without_values(error))
            failed.append(number)
            continue
        if not keep_verification(checked, asked.asked_by if asked else run_id):
            raise PermissionError("the ledger's role may only read: what was verified cannot be kept")
        if asked:
            with connect() as ledger:
                apply_request(ledger, asked.request_no)
        verified += 1
        for fault in checked.faults:
            log.error("publication %d: %s", number, fault.where)
    return Verified(verified, tuple(failed), len(due), _strays())


def _asked_for() -> list[PageRequest]:
    """Publications that somebody wants verified at once, the first request first."""
    with connect() as ledger:
        return open_requests(ledger, "verify")


def finding_of_publication(each: NotHolding) -> Finding:
    """What is told of a publication that does not hold, wherever that is told."""
    told = f"publication {each.publication_no} of {each.period} does not hold, {each.faults} difference(s):"
    facts = {"period": each.period, "faults": each.faults, "closing": each.closing_no}
    facts |= {"since": each.verified_at.isoformat(), "detail": f"{told} motcua verify {each.publication_no}"}
    return Finding("publication_differs", facts, str(each.publication_no))


def left_undone(now: datetime) -> list[Finding]:
    """What of the ledger's publications does not hold, or was not looked at for too long, in the words of a gate."""
    with connect() as ledger:
        faulty, late = not_holding(ledger), overdue(standings_of_publications(ledger), now)
    left = [finding_of_publication(each) for each in faulty]
    if late:
        facts = {"publications": len(late), "days": AT_LEAST_EVERY.days, "first": late[0]}
        told = f"{len(late)} publication(s) not verified for {AT_LEAST_EVERY.days} days, the first is {late[0]}"
        left.append(found("publications_overdue", "", told, **facts))
    return left


def _strays() -> int:
    """Folders that no row names; nobody is publishing meanwhile, whose manifest stands before its row does."""
    with connect() as ledger:
        wait_for_lock(ledger, PUBLISHING)
        try:
            return sum(1 for _ in stray_folders())
        except NoSuchPublication as unreadable:
            log.error("%s", unreadable)
            return 0
