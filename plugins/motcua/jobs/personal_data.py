"""Empties the personal data whose time is over, or that a citizen asks to have erased, and tells what is held of him.

Batches, each in the list outside the ledger before it is committed, so that a restore does not bring them back. A
citizen is asked for by a dossier's code, or by the number of his phone. Files with personal data that were handed in or
dropped go, too: the providers' statements, which name every number, and exports of one-stop software.
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
"""Of a batch that others are in the way of."""


@dataclass(slots=True)
class Emptied:
    """What was emptied of one kind."""

    kind: Kind
    batches: int = 0
    rows: int = 0


def empty_batch(connection: Connection, erasures: ErasureList, order: Order, reference: str | None = None) -> Batch:
    """Empties one batch in a transaction of its own, which is in the list outside the ledger before it is committed.

    Args:
        connection: of :func:`purge_connection`, with no transaction under way.
        erasures: the list.
        order: what to empty.
        reference: of a batch that is in the list already, after a restore.

    Raises:
        motcua.store.journal.JournalFailed: the list cannot be written; nothing was emptied.
        psycopg.errors.LockNotAvailable: others were in the way each time; nothing was emptied.
    """
    for left in reversed(range(_TRIES)):
        try:
            with connection.transaction():
                wait_for_emptying(connection)
                # Nobody who sends waits for this.
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
    """Empties all of one kind whose time is over; what is done stays done, wherever it is broken off."""
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
    """Empties everything whose time is over.

    Args:
        by: the run, or who does it.
        say: is told of progress, in counts.

    Raises:
        PurgeNotProvided: nobody may do that here yet.
        motcua.store.journal.JournalFailed: the list cannot be written.
    """
    erasures = open_erasures()
    with connect() as ledger, purge_connection() as connection:
        # The run's number, which only the app's connection knows.
        run = ledger.execute("SELECT current_setting('motcua.run', TRUE) AS run").fetchone()
        ledger.commit()
        if run and run["run"]:
            connection.execute("SELECT set_config('motcua.run', %s, FALSE)", (run["run"],))
            connection.commit()
        done = [empty_kind(connection, erasures, Order(kind, "term", by), say) for kind in KINDS]
    tidy()
    return done


def tidy() -> None:
    """What the planner remembers of emptied columns goes too; where a statement is being taken, at the next purge."""
    try:
        with connect() as ledger:
            ledger.execute("SET LOCAL lock_timeout = '5s'")
            tidy_after_purge(ledger)
    except errors.LockNotAvailable:
        log.warning("a carrier's statement is being taken: the planner's samples are gathered anew by the next purge")


KEPT_FOR = timedelta(days=90)
"""Statements, from the day on which a file was put there."""
EXPORTS_KEPT_FOR = timedelta(days=30)
"""Exports, likewise: what they told is in the ledger."""


@dataclass(slots=True)
class FilesRemoved:
    """What was removed of the folders of statements and of exports, and what could not be."""

    removed: int = 0
    refused: int = 0


def remove_old_files(now: datetime) -> FilesRemoved:
    """Removes what has lain in the folder of statements for longer than 90 days or in that of exports for longer than
    30, taken or not, whatever its name, and what was sent by the page and nobody confirmed within a day."""
    done = FilesRemoved()
    for url, kept_for in ((settings().statements_url, KEPT_FOR), (settings().files_url, EXPORTS_KEPT_FOR)):
        for file in _files(url):
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


def _files(url: str) -> Iterator[Any]:
    root = open_store(url)
    if not root.is_dir():
        return
    for place in root.iterdir():
        yield from (file for file in (place.iterdir() if place.is_dir() else (place,)) if file.is_file())


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
        for these in batches(dossiers, _AT_ONCE):
            empty_batch(connection, erasures, Order("dossiers", "request", by, reason=reason, only_these=these))
        for these in batches(ended, _AT_ONCE):
            empty_batch(connection, erasures, Order("inquiries", "request", by, reason=reason, only_these=these))
        for kind in _OF_CODES:
            rows = [[each.of_whom, str(each.row_no)] for each in of_codes if each.kind == kind]
            for these in batches(rows, _AT_ONCE):
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
