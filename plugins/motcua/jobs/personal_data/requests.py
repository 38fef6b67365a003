"""A citizen asks what is held of him, or has it erased: by a dossier's code, or by the number of his phone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from itertools import islice

from motcua.domain.personal_data.held import ByCode, ByNumber, Citizen, Erased, of_this_citizen
from motcua.jobs.personal_data.purging import empty_batch, tidy
from motcua.store.erasures import open_erasures
from motcua.store.ledger.database import Connection, connect
from motcua.store.people import log_phone_search
from motcua.store.personal_data import Order, purge_connection
from motcua.store.personal_data_requests import (
    Request,
    count_elsewhere,
    dossier_asked_for,
    dossiers_of_number,
    held_of,
    inquiries_of_number,
    log_request,
)

_AT_ONCE = 500
"""Rows that are asked for in a transaction."""


def look_up(asked_for: ByCode | ByNumber, by: str) -> Citizen:
    """What is held of a citizen, to tell how much before something is done; a search by a number is kept as such.

    Raises:
        LookupError: there is no such dossier.
    """
    with connect() as ledger:
        citizen = _look_up(ledger, asked_for)
        if isinstance(asked_for, ByNumber):
            log_phone_search(ledger, by, None, len(citizen.dossiers), citizen.as_of)
    return citizen


def export(asked_for: ByCode | ByNumber, by: str, reason: str) -> Citizen:
    """Everything that is held of a citizen; who looked at it, and by which paper, is kept before it is given.

    Args:
        asked_for: the dossier, or the phone.
        by: who does it.
        reason: the paper that the request stands in.

    Raises:
        LookupError: there is no such dossier.
    """
    with connect() as ledger:
        citizen = _look_up(ledger, asked_for)
        _log(ledger, citizen, Request(by, "export", reason, *_named(asked_for)))
    return citizen


def erase(asked_for: ByCode | ByNumber, by: str, reason: str) -> Erased:
    """Empties what is held of a citizen: what has ended at once, what has not with the first purge after it has.

    Args:
        asked_for: the dossier, or the phone: all its dossiers, and its texts to 9029.
        by: who does it.
        reason: the paper that the request stands in.

    Raises:
        LookupError: there is no such dossier.
        motcua.store.personal_data.PurgeNotProvided: nobody may do that here yet.
        motcua.store.journal.JournalFailed: the list cannot be written; what was emptied before that stays so.
    """
    number = asked_for.msisdn if isinstance(asked_for, ByNumber) else None
    with purge_connection() as connection:
        with connect() as ledger:
            before = _look_up(ledger, asked_for)
            inquiries = [] if number is None else inquiries_of_number(ledger, number)
            _log(ledger, before, Request(by, "erase", reason, *_named(asked_for)))
        erasures = open_erasures()
        dossiers = [[each.agency_code, each.dossier_code] for each in before.dossiers]
        ended = [[each.gateway, str(each.inquiry_id)] for each in inquiries if not each.is_under_way]
        for these in _pieces(dossiers):
            empty_batch(connection, erasures, Order("dossiers", "request", by, reason=reason, only_these=these))
        for these in _pieces(ended):
            empty_batch(connection, erasures, Order("inquiries", "request", by, reason=reason, only_these=these))
    tidy()
    with connect() as ledger:
        # By their codes: what was emptied has no number any more.
        after = [
            found
            for each in before.dossiers
            for found in dossier_asked_for(ledger, each.agency_code, each.dossier_code)
        ]
        left = [] if number is None else inquiries_of_number(ledger, number)
    return Erased(before, after, len(inquiries) - len(left), len(left))


def _look_up(ledger: Connection, asked_for: ByCode | ByNumber) -> Citizen:
    now = datetime.now(UTC)
    match asked_for:
        case ByCode(agency_code, dossier_code):
            number = None
            dossiers = dossier_asked_for(ledger, agency_code, dossier_code)
            if not dossiers:
                raise LookupError(f"agency {agency_code} has no dossier {dossier_code}")
        case ByNumber(number):
            dossiers = dossiers_of_number(ledger, number)
    ids = [each.dossier_id for each in dossiers]
    as_written = {(each.agency_code, each.dossier_code): each.applicant_phone for each in dossiers}
    held = [
        of_this_citizen(each, as_written.get((each.agency_code or "", each.dossier_code or "")))
        for each in held_of(ledger, ids, number)
    ]
    elsewhere = 0 if number is None else count_elsewhere(ledger, ids, number)
    return Citizen(asked_for, dossiers, held, elsewhere, now)


def _named(asked_for: ByCode | ByNumber) -> tuple[str | None, str | None]:
    match asked_for:
        case ByCode(agency_code, dossier_code):
            return agency_code, dossier_code
        case ByNumber():
            return None, None


def _log(ledger: Connection, citizen: Citizen, request: Request) -> None:
    if isinstance(citizen.asked_for, ByNumber):
        log_phone_search(ledger, request.handled_by, None, len(citizen.dossiers), citizen.as_of)
    log_request(ledger, request, len(citizen.dossiers), len(citizen.held), citizen.as_of)


def _pieces(rows: Sequence[list[str]]) -> Iterator[list[list[str]]]:
    left = iter(rows)
    while piece := list(islice(left, _AT_ONCE)):
        yield piece
