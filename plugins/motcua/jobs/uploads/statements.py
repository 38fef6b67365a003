"""Handle a carrier statement from a browser: read it and show its content first, then put it into the folder.

After reading, the file waits under a name that runs skip, until the person who uploaded it confirms it. From then on it
is a file of the folder like any other: the usual run imports or refuses it, and stores its history. The ledger also
stores who confirmed it. A *form* describes how the statements of one provider are laid out.
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
"""How long a confirmed file is shown as unread. The purge of personal data removes the file after the same time."""


class AlreadyTaken(NothingKept):
    """The same file was imported as a carrier statement already."""

    def __init__(self, stored: StoredStatement) -> None:
        super().__init__(f"statement {stored.statement_no}")
        self.stored = stored


class AlreadyUploaded(NothingKept):
    """The same file was put into the folder before, and waits for a run."""

    def __init__(self, upload: StatementUpload) -> None:
        super().__init__(upload.file_name)
        self.upload = upload


class OtherMonth(NothingKept):
    """The month in the file's name is not the chosen month."""

    def __init__(self, name: str, told: date) -> None:
        super().__init__(name)
        self.name, self.told = name, told


class NoSuchForm(NothingKept):
    """No form has this name, or the form cannot be used."""


@dataclass(frozen=True, slots=True)
class StatementSeen:
    """A carrier statement after reading, waiting for its confirmation."""

    form: str
    month: date
    """First day of the month that the statement is about."""
    name: str
    """Name of the file as sent, without characters that a name must not hold."""
    file_name: str
    """Name that the file gets in the folder. The month is part of the name."""
    sha256: str
    lines: int
    segments: int
    amount: Decimal
    inquiries: int
    revenue: Decimal
    unit: str
    """Unit that the provider bills."""
    ours: int
    """Number of segments that we handed to the gateway in the month, by our own count."""
    replaces: StoredStatement | None
    """The carrier statement in force of the same form and month, which this file will correct."""
    before: StatementUpload | None
    """A confirmed file of the same form and month that no run has read yet. The run reads it first, and this file then
    corrects it."""


# --- Names ------------------------------------------------------------------------------------------------------


def name_of_month(name: str, month: date) -> str:
    """Return a name with the month in it, because runs read the month from the name."""
    if month_in_name(name) == month:
        return name
    for wanted in (f"{month:%Y-%m} {name}", f"bang-ke-{month:%Y-%m}{Path(name).suffix}"):
        if month_in_name(wanted) == month:
            return wanted
    raise AssertionError(name)


# --- The folder -------------------------------------------------------------------------------------------------


def _folder(form: str) -> ObjectStoragePath:
    """Return the folder of a form."""
    from airflow.sdk import ObjectStoragePath

    return ObjectStoragePath(settings().statements_url) / form


def _waiting_path(form: str, digest: str, month: date) -> ObjectStoragePath:
    """Return the path of a waiting file."""
    return waiting_path(_folder(form), f"{digest}-{month:%Y-%m}")


# --- Functions of the page --------------------------------------------------------------------------------------


def look_at(file: IO[bytes], name: str, form: str, month: date | None, now: datetime) -> StatementSeen:
    """Read a carrier statement from a browser. A file without faults is stored and waits for a confirmation. A file
    with faults is not stored.

    No connection to the ledger is open while the file is read.

    Args:
        file: the open file, not empty.
        name: name of the file, from ``usable_name``.
        form: name of a form in include/statements.
        month: first day of the month; if it is ``None``, the month in the name is used, and if the name has none, the
            month of the first line.
        now: present time. Lines later than this plus the agreed tolerance are refused.

    Raises:
        FileRefused: the file cannot be imported; the error has every fault.
        NothingKept: the file was sent before, the form does not exist, or the month differs from the month in the name.
        ReaderBusy: other files are being read.
    """
    used = _load_form(form)
    named_month = month_in_name(name)
    if month is not None and named_month is not None and named_month != month:
        raise OtherMonth(name, named_month)
    digest = digest_of(file)
    with page_connection() as connection:
        _refuse_known(connection, digest, now)
    try:
        read = read_statement_apart(file, name, form, month, now)
    except FileRefused as refused:
        refused.month = refused.month or month or named_month
        raise
    found = date.fromisoformat(read["month"])
    with folder_answers():
        forget_old(_folder(form), now)
        put(file, _waiting_path(form, digest, found))
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
    """Move a waiting carrier statement into its folder for the next run, and return its name there.

    Raises:
        NothingKept: the file does not wait any more, or was sent before.
    """
    _load_form(form)
    one_upload_at_a_time(connection)
    waiting = _waiting_path(form, digest, month)
    with folder_answers():
        if not is_digest(digest) or not waiting.is_file():
            raise NoLongerWaiting
        try:
            _refuse_known(connection, digest, now)
        except NothingKept:
            waiting.unlink(missing_ok=True)
            raise
        target = free_path(_folder(form), name_of_month(name, month))
        # The row names the person who uploaded the file. It is written before the file is moved, because a run would
        # import the moved file even without the row.
        save_upload(connection, StatementUpload(form, month, target.name, digest, now, by))
        waiting.fs.mv(waiting.path, target.path)
    return str(target.name)


def forget(digest: str, form: str, month: date) -> None:
    """Remove a waiting carrier statement that was not confirmed.

    Raises:
        NothingKept: the form does not exist, or the folder cannot be written to.
    """
    _load_form(form)
    if is_digest(digest):
        with folder_answers():
            _waiting_path(form, digest, month).unlink(missing_ok=True)


def still_unread(connection: Connection, now: datetime) -> list[StatementUpload]:
    """Return the confirmed carrier statements that no run has read and whose file exists, the newest first. If the
    folder does not answer, return all of them."""
    found = unread_uploads(connection, now - UNREAD_FOR)
    try:
        return [each for each in found if (_folder(each.form) / each.file_name).is_file()]
    except OSError:
        return found


def _load_form(form: str) -> StatementForm:
    """Return a form.

    Raises:
        NoSuchForm: there is no such form, or it cannot be used.
    """
    try:
        if form in form_names():
            return load_form(form)
    except FormError:
        pass
    raise NoSuchForm(form)


def _refuse_known(connection: Connection, digest: str, now: datetime) -> None:
    """Raise ``AlreadyTaken`` or ``AlreadyUploaded`` if the same file was sent before."""
    same = known_statement(connection, digest, "", date.min).same_file
    for stored in list_statements(connection, statement_no=same) if same is not None else ():
        raise AlreadyTaken(stored)
    for upload in still_unread(connection, now):
        if upload.sha256 == digest:
            raise AlreadyUploaded(upload)
