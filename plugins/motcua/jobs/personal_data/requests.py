"""A citizen asks what is held of him, or has it erased: by a dossier's code, or by the number of his phone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from itertools import islice
from typing import Final

from motcua.domain.personal_data.held import ByCode, ByNumber, Citizen, Erased, of_this_citizen
from motcua.jobs.personal_data.purging import empty_batch, tidy
from motcua.store.erasures import open_erasures
from motcua.store.ledger.database import Connection, connect
from motcua.store.people import log_phone_search
from motcua.store.personal_data import Order, purge_connection
from motcua.store.personal_data_requests import (
    Request,
    RowOfCode,
    code_alone,
    count_elsewhere,
    dossier_asked_for,
    dossiers_of_number,
    held_of,
    inquiries_of_number,
    log_request,
    rows_of_codes,
)

_OF_CODES: Final = ("quarantine", "complaints")
_AT_ONCE = 500
"""Rows that are asked for in a transaction."""


def look_up(asked_for: ByCode | ByNumber, by: str) -> Citizen:
    """What is held of a citizen, to tell how much before something is done; a search by a number is kept as such.

    Raises:
        LookupError: there is no such dossier, and nothing else with that code.
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
        LookupError: there is no such dossier, and nothing else with that code.
    """
    with connect() as ledger:
        citizen = _look_up(ledger, asked_for)
        _log(ledger, citizen, Request(by, "export", reason, *_named(citizen)))
    return citizen


def erase(asked_for: ByCode | ByNumber, by: str, reason: str) -> Erased:
    """Empties what is held of a citizen: what has ended at once, what has not with the first purge after it has.

    Rows in quarantine, and complaints that are tied to no dossier, go with their code, also where no dossier has it.

    Args:
        asked_for: the dossier, or the phone: all its dossiers, and its texts to 9029.
        by: who does it.
        reason: the paper that the request stands in.

    Raises:
        LookupError: there is no such dossier, and nothing else with that code.
        motcua.store.personal_data.PurgeNotProvided: nobody may do that here yet.
        motcua.store.journal.JournalFailed: the list cannot be written; what was emptied before that stays so.
    """
    number = asked_for.msisdn if isinstance(asked_for, ByNumber) else None
    with purge_connection() as connection:
        with connect() as ledger:
            before = _look_up(ledger, asked_for)
            inquiries = [] if number is None else inquiries_of_number(ledger, number)
            codes = _codes(before)
            of_codes = rows_of_codes(ledger, codes)
            _log(ledger, before, Request(by, "erase", reason, *_named(before)))
        erasures = open_erasures()
        dossiers = [[each.agency_code, each.dossier_code] for each in before.dossiers]
        ended = [[each.gateway, str(each.inquiry_id)] for each in inquiries if not each.is_under_way]
        for these in _pieces(dossiers):
            empty_batch(connection, erasures, Order("dossiers", "request", by, reason=reason, only_these=these))
        for these in _pieces(ended):
            empty_batch(connection, erasures, Order("inquiries", "request", by, reason=reason, only_these=these))
        for kind in _OF_CODES:
            rows = [[each.of_whom, str(each.row_no)] for each in of_codes if each.kind == kind]
            for these in _pieces(rows):
                empty_batch(connection, erasures, Order(kind, "request", by, reason=reason, only_these=these))
    tidy()
    with connect() as ledger:
        # By their codes: what was emptied has no number any more.
        after = [
            found
            for each in before.dossiers
            for found in dossier_asked_for(ledger, each.agency_code, each.dossier_code)
        ]
        left = [] if number is None else inquiries_of_number(ledger, number)
        waiting = rows_of_codes(ledger, codes)
    return Erased(
        before,
        after,
        len(inquiries) - len(left),
        len(left),
        _count("quarantine", of_codes) - _count("quarantine", waiting),
        _count("complaints", of_codes) - _count("complaints", waiting),
        _count("complaints", waiting),
    )


def _count(kind: str, rows: Sequence[RowOfCode]) -> int:
    return sum(each.kind == kind for each in rows)


def _codes(citizen: Citizen) -> list[tuple[str, str]]:
    """Agencies and codes that rows of no dossier may have, too."""
    match citizen.asked_for:
        case ByCode(agency_code, dossier_code):
            return [(agency_code, dossier_code)]
        case ByNumber():
            return [(each.agency_code, each.dossier_code) for each in citizen.dossiers]


def _look_up(ledger: Connection, asked_for: ByCode | ByNumber) -> Citizen:
    now = datetime.now(UTC)
    match asked_for:
        case ByCode(agency_code, dossier_code):
            number = None
            dossiers = dossier_asked_for(ledger, agency_code, dossier_code)
            if not dossiers:
                return _look_up_code_alone(ledger, asked_for, now)
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


def _look_up_code_alone(ledger: Connection, asked_for: ByCode, now: datetime) -> Citizen:
    alone, alike = code_alone(ledger, asked_for)
    none = f"agency {asked_for.agency_code} has no dossier {asked_for.dossier_code}"
    if alike:
        raise LookupError(f"{none}; it has {', '.join(alike)}")
    held = [of_this_citizen(each, None) for each in held_of(ledger, [], None, asked_for)]
    if not held:
        raise LookupError(f"{none}, and neither a row in quarantine nor a complaint has that code")
    return Citizen(asked_for, [], held, 0, now, alone)


def _named(citizen: Citizen) -> tuple[str | None, str | None]:
    match citizen.asked_for:
        case ByCode(agency_code, dossier_code):
            return agency_code, citizen.code_alone.shown_as if citizen.code_alone else dossier_code
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
