"""Empties personal data after its storage time or at a citizen's request, and exports what is stored about a citizen.

Data is emptied in batches. Each batch is written to a list outside the ledger, the list of erasures, before it is
committed. So the data is emptied again if a restored backup brings it back. A citizen is named by a dossier's code or
by a phone number. Files with personal data are removed, too: the providers' carrier statements, which contain every
number, and exports of one-stop software.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import uuid4

from psycopg import errors

from motcua.domain.personal_data import ByCode, ByNumber, Citizen, Erased, of_this_citizen
from motcua.jobs.uploads.waiting import KEPT_WAITING, is_waiting
from motcua.settings import settings
from motcua.store.erasures import Erasure, ErasureList, open_erasures
from motcua.store.file_stores import open_store
from motcua.store.ledger.database import Connection, connect
from motcua.store.ledger.rows import batches
from motcua.store.people import log_phone_search
from motcua.store.personal_data import (
    KINDS,
    Batch,
    Kind,
    Order,
    Request,
    RowOfCode,
    code_alone,
    count_elsewhere,
    dossier_asked_for,
    dossiers_of_number,
    held_of,
    inquiries_of_number,
    log_request,
    purge_batch,
    purge_connection,
    rows_of_codes,
    tidy_after_purge,
    wait_for_emptying,
)

log = logging.getLogger(__name__)

_TRIES = 5
"""How many times a batch is tried while other transactions lock its rows."""


@dataclass(slots=True)
class Emptied:
    """Counts of emptied rows of one kind."""

    kind: Kind
    batches: int = 0
    rows: int = 0


def empty_batch(connection: Connection, erasures: ErasureList, order: Order, reference: str | None = None) -> Batch:
    """Empties one batch in a transaction of its own. The batch is written to the list outside the ledger before the
    commit.

    Args:
        connection: from :func:`purge_connection`, with no open transaction.
        erasures: the list outside the ledger.
        order: what to empty.
        reference: reference of a batch that is in the list already, after a restore.

    Raises:
        motcua.store.journal.JournalFailed: the list cannot be written; nothing was emptied.
        psycopg.errors.LockNotAvailable: other transactions locked the rows at each try; nothing was emptied.
    """
    for left in reversed(range(_TRIES)):
        try:
            with connection.transaction():
                wait_for_emptying(connection)
                # The lock time-out is short, so that no sender has to wait for this transaction.
                connection.execute("SET LOCAL lock_timeout = '900ms'")
                known_as = reference or uuid4().hex
                batch = purge_batch(connection, order, known_as)
                if reference is None and batch.emptied:
                    listed = batch.listed if order.kind == "dossiers" or order.only_these is not None else None
                    erasures.write(Erasure(known_as, datetime.now(UTC), order.kind, listed))
            return batch
        except (errors.LockNotAvailable, errors.DeadlockDetected):
            if not left:
                raise
    raise AssertionError("unreachable")


def empty_kind(
    connection: Connection,
    erasures: ErasureList,
    order: Order,
    say: Callable[[str], None],
    reference: str | None = None,
) -> Emptied:
    """Empties all rows of one kind that are past their storage time. If the process dies, the batches that it has
    finished stay emptied."""
    done = Emptied(order.kind)
    after: int | None = order.after
    while after is not None:
        batch = empty_batch(connection, erasures, replace(order, after=after), reference)
        after = batch.looked_until
        done.batches += 1
        done.rows += batch.emptied
        if batch.emptied:
            say(f"{order.kind}: looked at up to {after}, {done.rows} row(s) emptied")
    return done


def purge(by: str, say: Callable[[str], None] = log.info) -> list[Emptied]:
    """Empties everything that is past its storage time.

    Args:
        by: the run, or the person.
        say: gets progress messages, which contain only row numbers and counts.

    Raises:
        PurgeNotProvided: the purge is not set up here.
        motcua.store.journal.JournalFailed: the list cannot be written.
    """
    erasures = open_erasures()
    with connect() as ledger, purge_connection() as connection:
        # The connection ``ledger`` has the setting ``motcua.run`` with the run's number. The setting is copied to the
        # connection of the purge.
        run = ledger.execute("SELECT current_setting('motcua.run', TRUE) AS run").fetchone()
        ledger.commit()
        if run and run["run"]:
            connection.execute("SELECT set_config('motcua.run', %s, FALSE)", (run["run"],))
            connection.commit()
        done = [empty_kind(connection, erasures, Order(kind, "term", by), say) for kind in KINDS]
    tidy()
    return done


def tidy() -> None:
    """Gathers new planner statistics of the emptied columns, because the old statistics may hold samples of personal
    data. While a carrier statement is imported, this is not possible and is left to the next purge."""
    try:
        with connect() as ledger:
            ledger.execute("SET LOCAL lock_timeout = '5s'")
            tidy_after_purge(ledger)
    except errors.LockNotAvailable:
        log.warning("a carrier's statement is being imported: the next purge updates the planner's statistics")


KEPT_FOR = timedelta(days=90)
"""How long carrier statements are stored, from the day when the file was added."""
EXPORTS_KEPT_FOR = timedelta(days=30)
"""How long exports are stored, from the day when the file was added. Their content is in the ledger."""


@dataclass(slots=True)
class FilesRemoved:
    """How many files of the folders of carrier statements and exports were removed, and how many files and folders
    could not be removed or read."""

    removed: int = 0
    refused: int = 0


def remove_old_files(now: datetime) -> FilesRemoved:
    """Removes carrier statements older than 90 days and exports older than 30 days, whether they were imported or not
    and whatever their name. Also removes files that were uploaded on a staff page and that nobody confirmed within a
    day."""
    done = FilesRemoved()
    for url, kept_for in ((settings().statements_url, KEPT_FOR), (settings().files_url, EXPORTS_KEPT_FOR)):
        for file in _files(url, done):
            try:
                kept = KEPT_WAITING if is_waiting(file.name) else kept_for
                if datetime.fromtimestamp(file.stat().st_mtime, UTC) < now - kept:
                    file.unlink()
                    done.removed += 1
            except FileNotFoundError:
                continue
            except OSError:
                done.refused += 1
    return done


def _files(url: str, done: FilesRemoved) -> Iterator[Any]:
    """Yields the files of a folder and of the folders in it. A folder in it that may not be read counts as refused."""
    root = open_store(url)
    if not root.is_dir():
        return
    for place in root.iterdir():
        try:
            files = list(place.iterdir()) if place.is_dir() else [place]
        except OSError:
            done.refused += 1
            continue
        yield from (file for file in files if file.is_file())


_KINDS_BY_CODE: Final = ("quarantine", "complaints")
_AT_ONCE = 500
"""Largest number of a citizen's rows that are emptied in one batch."""


def look_up(asked_for: ByCode | ByNumber, by: str) -> Citizen:
    """Returns what is stored about a citizen, so that a person sees the amount before an export or an erasure. A search
    by a number is logged.

    Raises:
        LookupError: there is no such dossier, and no other row with that code.
    """
    with connect() as ledger:
        citizen = _look_up(ledger, asked_for)
        if isinstance(asked_for, ByNumber):
            log_phone_search(ledger, by, None, len(citizen.dossiers), citizen.as_of)
    return citizen


def export(asked_for: ByCode | ByNumber, by: str, reason: str) -> Citizen:
    """Returns everything that is stored about a citizen. The person who exports, and the paper with the request, are
    logged first.

    Args:
        asked_for: the dossier, or the phone number.
        by: who exports.
        reason: the paper that contains the request.

    Raises:
        LookupError: there is no such dossier, and no other row with that code.
    """
    with connect() as ledger:
        citizen = _look_up(ledger, asked_for)
        _log(ledger, citizen, Request(by, "export", reason, *_logged_names(citizen)))
    return citizen


def erase(asked_for: ByCode | ByNumber, by: str, reason: str) -> Erased:
    """Empties what is stored about a citizen: finished rows at once, and each unfinished row by the first purge after
    the row is finished.

    Rows in quarantine, and complaints that belong to no dossier, are emptied by their code, even if no dossier has that
    code.

    Args:
        asked_for: the dossier, or the phone number with all its dossiers and its texts to the short code 9029.
        by: who erases.
        reason: the paper that contains the request.

    Raises:
        LookupError: there is no such dossier, and no other row with that code.
        motcua.store.personal_data.PurgeNotProvided: the purge is not set up here.
        motcua.store.journal.JournalFailed: the list cannot be written; rows emptied before stay emptied.
    """
    number = asked_for.msisdn if isinstance(asked_for, ByNumber) else None
    with purge_connection() as connection:
        with connect() as ledger:
            before = _look_up(ledger, asked_for)
            inquiries = [] if number is None else inquiries_of_number(ledger, number)
            codes = _codes(before)
            of_codes = rows_of_codes(ledger, codes)
            _log(ledger, before, Request(by, "erase", reason, *_logged_names(before)))
        erasures = open_erasures()
        dossiers = [[each.agency_code, each.dossier_code] for each in before.dossiers]
        ended = [[each.gateway, str(each.inquiry_id)] for each in inquiries if not each.is_under_way]
        for batch in batches(dossiers, _AT_ONCE):
            empty_batch(connection, erasures, Order("dossiers", "request", by, reason=reason, only_these=batch))
        for batch in batches(ended, _AT_ONCE):
            empty_batch(connection, erasures, Order("inquiries", "request", by, reason=reason, only_these=batch))
        for kind in _KINDS_BY_CODE:
            rows = [[each.of_whom, str(each.row_no)] for each in of_codes if each.kind == kind]
            for batch in batches(rows, _AT_ONCE):
                empty_batch(connection, erasures, Order(kind, "request", by, reason=reason, only_these=batch))
    tidy()
    with connect() as ledger:
        # Dossiers are searched by their codes, because emptied rows have no phone number any more.
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
    """Returns the (agency, code) pairs of the citizen. Rows that belong to no dossier are found by these pairs."""
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


def _logged_names(citizen: Citizen) -> tuple[str | None, str | None]:
    match citizen.asked_for:
        case ByCode(agency_code, dossier_code):
            return agency_code, citizen.code_alone.shown_as if citizen.code_alone else dossier_code
        case ByNumber():
            return None, None


def _log(ledger: Connection, citizen: Citizen, request: Request) -> None:
    if isinstance(citizen.asked_for, ByNumber):
        log_phone_search(ledger, request.handled_by, None, len(citizen.dossiers), citizen.as_of)
    log_request(ledger, request, len(citizen.dossiers), len(citizen.held), citizen.as_of)
