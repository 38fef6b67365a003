"""Handle an export (a file of dossiers) that a person uploads: show its content, then put it into its source's folder.

At first the file waits in the folder under a name that runs skip, until the person who uploaded it confirms it. From
then on it is a file of the folder like any other, and the ledger also stores who uploaded it. A form describes the
columns and words of a source's exports; it is tried on a waiting file, or on the newest file of the folder.
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

_CHUNK_SIZE: Final = 1024 * 1024


class NoAccount(NothingKept):
    """The source has no account yet. The account states which agencies the source's files may cover."""


class NoFile(NothingKept):
    """There is no file to try a form on, or the newest file is too large for a trial."""


class NothingNew(NothingKept):
    """No run would import the file: it was imported already, a later export was imported, the time in its name is in
    the future, or the source has no form."""


@dataclass(frozen=True, slots=True)
class ExportSeen:
    """An export after reading, and its expected outcome. It holds personal data."""

    name: str
    sha256: str
    """SHA-256 of a waiting file, which identifies it; empty for a file of the folder."""
    exported_at: datetime | None
    """Time of the export; ``None`` if the file's name has a time in the future."""
    becomes: Literal["taken", "repeated", "outdated", "refused"]
    few: tuple[int, int] | None
    """Numbers of dossiers in the last whole export and in this export; ``None`` unless this export has so few dossiers
    that the run will refuse it."""
    has_form: bool
    read: PreviewedExport

    @property
    def may_be_kept(self) -> bool:
        """Return whether the file may be put into the folder."""
        return bool(self.sha256) and self.has_form and self.becomes == "taken"


def look_at(file: IO[bytes], name: str, source: str, now: datetime) -> ExportSeen:
    """Read an uploaded export by the form in force, and store it as a waiting file, which a person may then confirm or
    try a form on.

    No connection to the ledger is open while the file is read.

    Args:
        file: the open file, not empty.
        name: name of the file, from ``usable_name``.
        source: the source of the export.
        now: present time. Times of steps that are later than this are not used.

    Raises:
        NothingKept: the source has no account, or its folder cannot be written to.
        ReaderBusy: other files are being read.
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
    return _preview(file, name, digest, source, form, now, now)


def try_form(
    source: str, form: ExportForm | None, digest: str, name: str, now: datetime, *, as_in_force: bool = False
) -> ExportSeen:
    """Return the result of reading a waiting file, or the newest file of the folder, by a form.

    Args:
        source: the source of the file.
        form: the form to try; ``None`` to read only the headings.
        digest: SHA-256 of the waiting file; empty for the newest file of the folder.
        name: name of the waiting file.
        now: present time. Times of steps that are later than this are not used.
        as_in_force: try the form in force and ignore ``form``.

    Raises:
        NothingKept: the file does not exist, or the source has no account.
        ReaderBusy: other files are being read.
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
                path, name = _newest_file(source)
            modified_at = datetime.fromtimestamp(path.stat().st_mtime, UTC)
            with path.fs.open(path.path, "rb") as file:
                while piece := file.read(_CHUNK_SIZE):
                    copy.write(piece)
        return _preview(copy, name, digest, source, form, modified_at, now)


def keep(connection: Connection, digest: str, name: str, source: str, by: str, now: datetime) -> str:
    """Move a waiting export to a name that the next run imports, and return that name.

    Raises:
        NothingKept: the file does not wait any more, or no run would import it.
    """
    if not is_digest(digest):
        raise NoLongerWaiting
    one_at_a_time(connection, source)
    folder = _folder(source)
    waiting = waiting_path(folder, digest)
    with folder_answers():
        if not waiting.is_file():
            raise NoLongerWaiting
        status = waiting.stat()
        modified_at = datetime.fromtimestamp(status.st_mtime, UTC)
        form = _form_in_force(connection, source)
        try:
            at = exported_at(name, modified_at, now)
        except FromTheFuture:
            raise NothingNew from None
        last = last_taken(connection, source, bytes.fromhex(digest), at)
        if form is None or taking.is_past(last, at, name, form, now):
            raise NothingNew
        target = free_path(folder, name)
        # The row is written before the file is moved, because a run would import the file even without a row that names
        # the person who uploaded it.
        send_file(connection, source, SeenFile(target.name, int(status.st_size), modified_at), by, now)
        waiting.fs.mv(waiting.path, target.path)
    return str(target.name)


def forget(digest: str, source: str) -> None:
    """Remove a waiting export that was not confirmed.

    Raises:
        NothingKept: the folder cannot be written to.
    """
    if is_digest(digest):
        folder = _folder(source)
        with folder_answers():
            waiting_path(folder, digest).unlink(missing_ok=True)


def _folder(source: str) -> ObjectStoragePath:
    """Return the folder of a source; turn ``FolderFailed`` of ``taking`` into that of ``motcua.jobs.uploads``."""
    try:
        return taking.folder_of(source)
    except taking.FolderFailed as failed:
        raise FolderFailed(str(failed)) from None


def _form_in_force(connection: Connection, source: str) -> ExportForm | None:
    """Return the source's form in force; ``None`` if there is none, or this version cannot use it."""
    kept = form_in_force(connection, source)
    try:
        return None if kept is None else form_of(dict(kept.form))
    except ExportFormError:
        return None


def _newest_file(source: str) -> tuple[ObjectStoragePath, str]:
    """Return the newest export of a source's folder and its name.

    Raises:
        FolderFailed: the folder cannot be read.
        NoFile: there is no file, or it is too large.
    """
    try:
        files = list(taking.files_in(source))
    except taking.FolderFailed as failed:
        raise FolderFailed(str(failed)) from None
    name, file = max(files, key=lambda each: (each[1].modified_at, each[1].name), default=(None, None))
    if name is None or file is None or file.size > LARGEST_UPLOAD:
        raise NoFile
    return _folder(source) / name, file.name


def _preview(
    file: IO[bytes],
    name: str,
    digest: str,
    source: str,
    form: ExportForm | None,
    modified_at: datetime,
    now: datetime,
) -> ExportSeen:
    """Read an export in a separate process and return its content and expected outcome."""
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
        past = None if form is None else taking.is_past(last, at, name, form, now)
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
