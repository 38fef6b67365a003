"""Verifies publications each night: new ones at once, older ones in turn, so that each is verified every month.

A publication *holds* if its verification found no fault. Otherwise it is verified again each night until it holds. Each
verification is stored, so that people see when a publication was last verified, and whether it held.
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
"""Number of nights in which every publication is verified once. A month has more nights than this, so some nights may
fail."""
AT_LEAST_EVERY = timedelta(days=31)
"""Time without a verification after which a publication is reported as overdue."""
NEW_FOR = timedelta(days=7)
"""Age up to which a publication that was never verified is verified at once, before its turn."""
WITHIN = timedelta(minutes=40)
"""Duration of a run after which no further verification begins. Most verifications take seconds; the verification of a
year's publication takes minutes."""


@dataclass(frozen=True, slots=True)
class Verified:
    """Counts of one night's verification."""

    verified: int
    failed: tuple[int, ...]
    """Numbers of the publications that could not be verified because of an error."""
    waiting: int
    """Number of publications that were due and for which no time was left."""
    strays: int
    """Number of folders in the store that have a manifest and belong to no publication."""


def keep_verification(checked: Verification, verified_by: str) -> bool:
    """Store the result of verifying a publication in ``motcua.publication_verifications``. Return ``False`` if the
    database role may only read, such as the role of an auditor.

    Args:
        checked: the result; it must be about the publication in the store, not about a copy.
        verified_by: a person or a run.

    Raises:
        ValueError: The result is about a copy elsewhere, which proves nothing about the store.
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
    """Return the numbers of the publications that a night's run verifies, in the order of their verification.

    Publications that did not hold come first, then new publications, the newest first. Then follow the others, those
    with the oldest verification first, as many as one night's share. A rerun of the run leaves out the publications
    that an earlier try of the run has verified.
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
    """Return the numbers of the publications that were not verified for over a month.

    The month counts from the last verification. If there was no verification, the month counts from the publishing, or
    from the first day on which any publication was verified if that is later.
    """
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
    """Verify requested and due publications, store the results, and count stray folders in the store.

    Publications that somebody requested on a page come first.

    Args:
        run_id: the run; it is stored as the verifier of publications whose verification nobody requested.
        now: the current moment by default.
        within: after this time no further verification begins.
        verify: verifies one publication.

    Raises:
        psycopg.Error: The ledger does not answer.
        PermissionError: The ledger's role may not store a verification.
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
            # After an error at one publication, the next ones are still verified.
            log.error("publication %d could not be verified: %s", number, reason_without_values(error))
            failed.append(number)
            continue
        if not keep_verification(checked, asked.asked_by if asked else run_id):
            raise PermissionError("the ledger's role may only read: the result of the verification cannot be stored")
        if asked:
            with connect() as ledger:
                apply_request(ledger, asked.request_no)
        verified += 1
        for fault in checked.faults:
            log.error("publication %d: %s", number, fault.where)
    return Verified(verified, tuple(failed), len(due), _strays())


def _asked_for() -> list[PageRequest]:
    """Return the open page requests for a verification, the oldest first."""
    with connect() as ledger:
        return open_requests(ledger, "verify")


def finding_of_publication(each: NotHolding) -> Finding:
    """Return the finding about a publication that does not hold, as all pages, mails and gates (the last tasks of runs)
    show it."""
    detail = f"publication {each.publication_no} of {each.period} does not hold, {each.faults} difference(s):"
    facts = {"period": each.period, "faults": each.faults, "closing": each.closing_no}
    facts |= {"since": each.verified_at.isoformat(), "detail": f"{detail} motcua verify {each.publication_no}"}
    return Finding("publication_differs", facts, str(each.publication_no))


def left_undone(now: datetime) -> list[Finding]:
    """Return the publications that do not hold and those that are overdue, as findings that make the gate fail."""
    with connect() as ledger:
        faulty, late = not_holding(ledger), overdue(standings_of_publications(ledger), now)
    left = [finding_of_publication(each) for each in faulty]
    if late:
        facts = {"publications": len(late), "days": AT_LEAST_EVERY.days, "first": late[0]}
        detail = f"{len(late)} publication(s) not verified for {AT_LEAST_EVERY.days} days, the first is {late[0]}"
        left.append(found("publications_overdue", "", detail, **facts))
    return left


def _strays() -> int:
    """Count the folders that belong to no publication. A lock prevents publishing at the same time, because publishing
    writes a folder's files before the row in the ledger."""
    with connect() as ledger:
        wait_for_lock(ledger, PUBLISHING)
        try:
            return sum(1 for _ in stray_folders())
        except NoSuchPublication as unreadable:
            log.error("%s", unreadable)
            return 0
