"""A provider's statement from a browser: read and told before anything is kept, then put where runs look for files.

What was read waits beside its place under a name that no run takes, until whoever sent it confirms it. From then on it
is a file of the folder like any other: the same run takes it, with the same history and the same refusals; the ledger
knows besides who signed for it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final

from motcua.jobs.handed_in.faults import FileRefused
from motcua.jobs.handed_in.statement_files import FormError, StatementForm, form_names, load_form, month_in_name
from motcua.jobs.uploads.reading import read_statement_apart
from motcua.jobs.uploads.waiting import (
    NoLongerWaiting,
    NothingKept,
    digest_of,
    folder_answers,
    forget_old,
    free_path,
    is_digest,
    put,
    waiting_path,
)
from motcua.settings import settings
from motcua.store.ledger.database import Connection, page_connection
from motcua.store.oversight.statements import (
    StatementUpload,
    StoredStatement,
    known_statement,
    list_statements,
    one_upload_at_a_time,
    save_upload,
    segments_handed,
    unread_uploads,
)

if TYPE_CHECKING:
    from airflow.sdk import ObjectStoragePath

UNREAD_FOR: Final = timedelta(days=90)
"""How long one that was confirmed is shown until a run reads it; its file is removed then."""


class AlreadyTaken(NothingKept):
    """This very file is a statement already."""

    def __init__(self, stored: StoredStatement) -> None:
        super().__init__(f"statement {stored.statement_no}")
        self.stored = stored


class AlreadyUploaded(NothingKept):
    """This very file was put there before, and waits for a run."""

    def __init__(self, upload: StatementUpload) -> None:
        super().__init__(upload.file_name)
        self.upload = upload


class OtherMonth(NothingKept):
    """The file's name tells another month than the one that was chosen."""

    def __init__(self, name: str, told: date) -> None:
        super().__init__(name)
        self.name, self.told = name, told


class NoSuchForm(NothingKept):
    """No form has this name, or it cannot be used."""


@dataclass(frozen=True, slots=True)
class StatementSeen:
    """A statement that was read and waits for being confirmed."""

    form: str
    month: date
    """Its first day."""
    name: str
    """As it was sent, without what no name may hold."""
    file_name: str
    """That it will have in the folder: it tells the month."""
    sha256: str
    lines: int
    segments: int
    amount: Decimal
    inquiries: int
    revenue: Decimal
    unit: str
    """What it bills."""
    ours: int
    """Of these what we handed to the gateway in the month, by our own count."""
    replaces: StoredStatement | None
    """The statement in force of its form and month, which it will correct."""
    before: StatementUpload | None
    """One of its form and month that was confirmed and that no run has read yet: it is read first, and corrected."""


# --- Names ------------------------------------------------------------------------------------------------------


def name_of_month(name: str, month: date) -> str:
    """The name so that it tells its month, by which runs read a file."""
    if month_in_name(name) == month:
        return name
    for wanted in (f"{month:%Y-%m} {name}", f"bang-ke-{month:%Y-%m}{Path(name).suffix}"):
        if month_in_name(wanted) == month:
            return wanted
    raise AssertionError(name)


# --- The folder -------------------------------------------------------------------------------------------------


def _folder(form: str) -> ObjectStoragePath:
    from airflow.sdk import ObjectStoragePath

    return ObjectStoragePath(settings().statements_url) / form


def _waiting(form: str, digest: str, month: date) -> ObjectStoragePath:
    return waiting_path(_folder(form), f"{digest}-{month:%Y-%m}")


# --- What the page does -----------------------------------------------------------------------------------------


def look_at(file: IO[bytes], name: str, form: str, month: date | None, now: datetime) -> StatementSeen:
    """Reads a statement that was sent; a good one waits for being confirmed, of a bad one nothing is kept.

    No connection is held while it is read.

    Args:
        file: it; not empty.
        name: as ``usable_name`` gives it.
        form: of a file in include/statements.
        month: its first day; ``None``: as its name tells, or else its first line.
        now: lines later than that are refused.

    Raises:
        FileRefused: it cannot be taken; with every fault.
        NothingKept: it is there already, or it cannot be told what it is.
        ReaderBusy: others are read.
    """
    used = _used(form)
    told = month_in_name(name)
    if month is not None and told is not None and told != month:
        raise OtherMonth(name, told)
    digest = digest_of(file)
    with page_connection() as connection:
        _refuse_known(connection, digest, now)
    try:
        read = read_statement_apart(file, name, form, month, now)
    except FileRefused as refused:
        refused.month = refused.month or month or told
        raise
    found = date.fromisoformat(read["month"])
    with folder_answers():
        forget_old(_folder(form), now)
        put(file, _waiting(form, digest, found))
    with page_connection() as connection:
        in_force = known_statement(connection, digest, form, found).in_force
        replaced = list_statements(connection, statement_no=in_force) if in_force is not None else []
        unread = [each for each in still_unread(connection, now) if (each.form, each.month) == (form, found)]
        ours = segments_handed(connection, used.gateway, found)
    return StatementSeen(
        form=form,
        month=found,
        name=name,
        file_name=name_of_month(name, found),
        sha256=digest,
        lines=read["lines"],
        segments=read["segments"],
        amount=Decimal(read["amount"]),
        inquiries=read["inquiries"],
        revenue=Decimal(read["revenue"]),
        unit=used.unit,
        ours=ours,
        replaces=next(iter(replaced), None),
        before=next(iter(unread), None),
    )


def keep(connection: Connection, digest: str, name: str, form: str, month: date, by: str, now: datetime) -> str:
    """Puts a statement that waits into its folder, where the next run takes it; returns its name there.

    Raises:
        NothingKept: it does not wait any more, or it is there already.
    """
    _used(form)
    one_upload_at_a_time(connection)
    waiting = _waiting(form, digest, month)
    with folder_answers():
        if not is_digest(digest) or not waiting.is_file():
            raise NoLongerWaiting
        try:
            _refuse_known(connection, digest, now)
        except NothingKept:
            waiting.unlink(missing_ok=True)
            raise
        target = free_path(_folder(form), name_of_month(name, month))
        # First the row: a file that nobody signed for would be taken all the same.
        save_upload(connection, StatementUpload(form, month, target.name, digest, now, by))
        waiting.fs.mv(waiting.path, target.path)
    return str(target.name)


def forget(digest: str, form: str, month: date) -> None:
    """Removes a statement that waits and that nobody wants.

    Raises:
        NothingKept: there is no such form, or the folder cannot be written to.
    """
    _used(form)
    if is_digest(digest):
        with folder_answers():
            _waiting(form, digest, month).unlink(missing_ok=True)


def still_unread(connection: Connection, now: datetime) -> list[StatementUpload]:
    """Statements that were confirmed, that no run has read and whose file is there, the newest first."""
    found = unread_uploads(connection, now - UNREAD_FOR)
    try:
        return [each for each in found if (_folder(each.form) / each.file_name).is_file()]
    except OSError:
        return found


def _used(form: str) -> StatementForm:
    try:
        if form in form_names():
            return load_form(form)
    except FormError:
        pass
    raise NoSuchForm(form)


def _refuse_known(connection: Connection, digest: str, now: datetime) -> None:
    same = known_statement(connection, digest, "", date.min).same_file
    for stored in list_statements(connection, statement_no=same) if same is not None else ():
        raise AlreadyTaken(stored)
    for upload in still_unread(connection, now):
        if upload.sha256 == digest:
            raise AlreadyUploaded(upload)
