"""An export of one-stop software from a browser: read and told before anything counts, then put where runs look.

What was read waits in its source's folder under a name that no run takes, until whoever sent it confirms it. From then
on it is a file of the folder like any other; the ledger knows besides who sent it. A form is tried on a file that waits
so, or on the newest one of the folder.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import IO, TYPE_CHECKING, Final, Literal

from motcua.domain.intake.exports import FromTheFuture, exported_at, looks_cut
from motcua.jobs.exports import taking
from motcua.jobs.exports.forms import ExportForm, ExportFormError, form_of
from motcua.jobs.exports.reading import PreviewedExport
from motcua.jobs.handed_in.faults import FileFault
from motcua.jobs.uploads.reading import preview_export_apart
from motcua.jobs.uploads.waiting import (
    LARGEST_UPLOAD,
    FolderFailed,
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
from motcua.store.agencies import agency_words
from motcua.store.intake.exports import (
    LastTaken,
    SeenFile,
    account_of,
    form_in_force,
    last_taken,
    one_at_a_time,
    send_file,
)
from motcua.store.ledger.database import Connection, page_connection

if TYPE_CHECKING:
    from airflow.sdk import ObjectStoragePath

_PIECE: Final = 1024 * 1024


class NoAccount(NothingKept):
    """Nobody has said yet which agencies the source's files may tell of."""


class NoFile(NothingKept):
    """There is no file to try a form on, or the newest one is too large for that."""


class NothingNew(NothingKept):
    """This very file was taken already, or one that was exported later."""


@dataclass(frozen=True, slots=True)
class ExportSeen:
    """An export that was read, and what would become of it. Holds personal data."""

    name: str
    sha256: str
    """The mark of a file that waits; empty: it lies in the folder."""
    exported_at: datetime | None
    """``None``: its name tells a time to come."""
    becomes: Literal["taken", "repeated", "outdated", "refused"]
    few: tuple[int, int] | None
    """Dossiers of the last whole export and of this one, where so few look cut off: the run will refuse it."""
    has_form: bool
    read: PreviewedExport

    @property
    def may_be_kept(self) -> bool:
        """Whether it may be put into the folder."""
        return bool(self.sha256) and self.has_form and self.becomes == "taken"


def look_at(file: IO[bytes], name: str, source: str, now: datetime) -> ExportSeen:
    """Reads an export that was sent, by the form in force; it waits for being confirmed, or for a form to be tried.

    No connection is held while it is read.

    Args:
        file: it; not empty.
        name: as ``usable_name`` gives it.
        source: whose it is.
        now: a step later than that is none.

    Raises:
        NothingKept: the source has no account, or its folder cannot be written to.
        ReaderBusy: others are read.
    """
    with page_connection() as connection:
        if account_of(connection, source) is None:
            raise NoAccount
        form = _form_in_force(connection, source)
    digest = digest_of(file)
    folder = _folder(source)
    with folder_answers():
        forget_old(folder, now)
        put(file, waiting_path(folder, digest))
    return _seen(file, name, digest, source, form, now, now)


def try_form(
    source: str, form: ExportForm | None, digest: str, name: str, now: datetime, *, as_in_force: bool = False
) -> ExportSeen:
    """What a form makes of a file that waits, or where none is named of the newest one of the folder.

    Args:
        source: whose they are.
        form: to be tried; ``None``: the headings alone are told.
        digest: of the file that waits; empty: the newest one.
        name: of the file that waits.
        now: a step later than that is none.
        as_in_force: the form in force is tried instead.

    Raises:
        NothingKept: there is no such file, or the source has no account.
        ReaderBusy: others are read.
    """
    if as_in_force:
        with page_connection() as connection:
            form = _form_in_force(connection, source)
    with tempfile.TemporaryFile() as copy:
        with folder_answers():
            if digest:
                path = waiting_path(_folder(source), digest)
                if not is_digest(digest) or not path.is_file():
                    raise NoLongerWaiting
            else:
                path, name = _newest(source)
            modified_at = datetime.fromtimestamp(path.stat().st_mtime, UTC)
            with path.fs.open(path.path, "rb") as file:
                while piece := file.read(_PIECE):
                    copy.write(piece)
        return _seen(copy, name, digest, source, form, modified_at, now)


def keep(connection: Connection, digest: str, name: str, source: str, by: str, now: datetime) -> str:
    """Puts an export that waits where the next run takes it; returns its name there.

    Raises:
        NothingKept: it does not wait any more, or it tells nothing new.
    """
    if not is_digest(digest):
        raise NoLongerWaiting
    one_at_a_time(connection, source)
    folder = _folder(source)
    waiting = waiting_path(folder, digest)
    with folder_answers():
        if not waiting.is_file():
            raise NoLongerWaiting
        seen = waiting.stat()
        modified_at = datetime.fromtimestamp(seen.st_mtime, UTC)
        form = _form_in_force(connection, source)
        try:
            at = exported_at(name, modified_at, now)
        except FromTheFuture:
            raise NothingNew from None
        if form is None or taking.is_past(last_taken(connection, source, bytes.fromhex(digest), at), at, name, form):
            raise NothingNew
        target = free_path(folder, name)
        # First the row: a file that nobody signed for would be taken all the same.
        send_file(connection, source, SeenFile(target.name, int(seen.st_size), modified_at), by, now)
        waiting.fs.mv(waiting.path, target.path)
    return str(target.name)


def forget(digest: str, source: str) -> None:
    """Removes an export that waits and that nobody wants.

    Raises:
        NothingKept: the folder cannot be written to.
    """
    if is_digest(digest):
        folder = _folder(source)
        with folder_answers():
            waiting_path(folder, digest).unlink(missing_ok=True)


def _folder(source: str) -> ObjectStoragePath:
    try:
        return taking.folder_of(source)
    except taking.FolderFailed as failed:
        raise FolderFailed(str(failed)) from None


def _form_in_force(connection: Connection, source: str) -> ExportForm | None:
    kept = form_in_force(connection, source)
    try:
        return None if kept is None else form_of(dict(kept.form))
    except ExportFormError:
        return None


def _newest(source: str) -> tuple[ObjectStoragePath, str]:
    try:
        files = list(taking.files_in(source))
    except taking.FolderFailed as failed:
        raise FolderFailed(str(failed)) from None
    path, file = max(files, key=lambda each: (each[1].modified_at, each[1].name), default=(None, None))
    if path is None or file is None or file.size > LARGEST_UPLOAD:
        raise NoFile
    return path, file.name


def _seen(
    file: IO[bytes],
    name: str,
    digest: str,
    source: str,
    form: ExportForm | None,
    modified_at: datetime,
    now: datetime,
) -> ExportSeen:
    with page_connection() as connection:
        account = account_of(connection, source)
        if account is None:
            raise NoAccount
        agencies = agency_words(connection)
    read = preview_export_apart(file, name, form, agencies, account.agencies, now)
    at: datetime | None = None
    past: Literal["repeated", "outdated"] | None = None
    last: LastTaken | None = None
    try:
        at = exported_at(name, modified_at, now)
    except FromTheFuture:
        read.faults.insert(0, FileFault("from_future"))
        read.is_refused = True
    else:
        with page_connection() as connection:
            last = last_taken(connection, source, bytes.fromhex(digest or digest_of(file)), at)
        past = None if form is None else taking.is_past(last, at, name, form)
    few = None
    if form is not None and last is not None and not read.is_refused:
        if form.kind == "whole" and not read.dossiers:
            read.faults.insert(0, FileFault("no_lines"))
            read.is_refused = True
        elif last.ends_a_line and read.ends_a_line is False:
            read.faults.insert(0, FileFault("cut_off"))
            read.is_refused = True
        elif (
            form.kind == "whole"
            and last.whole_at is not None
            and looks_cut(last.whole_dossiers or 0, read.dossiers, form.least_percent)
        ):
            few = (last.whole_dossiers or 0, read.dossiers)
    becomes: Literal["taken", "repeated", "outdated", "refused"] = past or ("refused" if read.is_refused else "taken")
    return ExportSeen(name, digest, at, becomes, few, form is not None, read)
