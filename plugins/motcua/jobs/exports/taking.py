"""Import the exports in a source's folder, each file once, in the order of their times.

A file is read only after its size and time stayed the same for ``SETTLED``, because the software may still be writing
it. Faults of a file and of its lines are stored, and commands and staff pages show them. A refused file does not block
the next one.
"""

from __future__ import annotations

import hashlib
import logging
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import IO, TYPE_CHECKING, Any, Final, Literal

from psycopg import DataError
from pydantic import TypeAdapter

from motcua.domain.clock import is_longer_ago
from motcua.domain.intake.exports import (
    Compared,
    FromTheFuture,
    by_name,
    compare,
    exported_at,
    looks_cut,
)
from motcua.domain.intake.merging import CLOCKS_MAY_DIFFER, File, merge_exported
from motcua.domain.intake.records import PushedDossier
from motcua.jobs.exports.forms import ExportForm, ExportFormError, form_of
from motcua.jobs.exports.reading import MOST_KEPT_FAULTS, ReadExport
from motcua.jobs.handed_in.faults import FileFault, FileRefused
from motcua.jobs.handed_in.tables import LARGEST_FILE, shown_name
from motcua.jobs.uploads.reading import ReaderBusy, read_export_apart
from motcua.settings import settings
from motcua.store.agencies import agency_words
from motcua.store.file_stores import StoreUnusable, open_store
from motcua.store.intake.exports import (
    Became,
    ExportState,
    KeptForm,
    LastTaken,
    SeenFile,
    WaitingFile,
    any_waiting,
    begin_batch,
    exported_dossiers,
    files_read,
    finish_file,
    form_in_force,
    hold_file,
    last_taken,
    note_removed,
    note_vanished,
    see_file,
    try_again,
    write_batch,
)
from motcua.store.ledger.database import Connection, connect

if TYPE_CHECKING:
    from airflow.sdk import ObjectStoragePath

log = logging.getLogger(__name__)

ADAPTER: Final = "files"
"""Adapter of sources that deliver exports."""
SETTLED: Final = timedelta(seconds=20)
"""A file that stayed unchanged for this time is complete."""
_MOST_AT_ONCE: Final = 50
"""Most files that one call of ``take_files`` imports. The next call imports the remaining files."""
_BATCH_SIZE: Final = 1000
_CHUNK_SIZE: Final = 1024 * 1024
_DRAFT_ENDINGS: Final = (".part", ".partial", ".tmp", ".temp", ".filepart", ".crdownload", ".download", ".swp", ".lock")
_SYSTEM_FILES: Final = ("desktop.ini", "thumbs.db")
_RECORDS: Final = TypeAdapter(list[PushedDossier])


class FolderFailed(Exception):
    """A source's folder cannot be read, or the source has no usable form. The message states what to do.

    A form describes a source's exports: their columns, their words, and whether a file lists all dossiers or changes.
    """


@dataclass(slots=True)
class FilesTaken:
    """The numbers of files by outcome, for one call of ``take_files``."""

    waiting: int = 0
    taken: int = 0
    repeated: int = 0
    outdated: int = 0
    refused: int = 0
    removed: int = 0
    """Number of files that disappeared from the folder before they were read."""
    names_refused: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Ready:
    """An unread file of the folder, with its row in ``intake.exports``."""

    path: ObjectStoragePath
    file: SeenFile
    waiting: WaitingFile


def is_told_by_files(source: str) -> bool:
    """Return whether a source delivers exports."""
    return settings().sources.get(source) == ADAPTER


def folder_of(source: str) -> ObjectStoragePath:
    """Return the folder of a source's exports.

    Raises:
        FolderFailed: the store of the folders cannot be used.
    """
    try:
        return open_store(settings().files_url) / source
    except StoreUnusable as error:
        raise FolderFailed(str(error)) from None


def has_unread_files(source: str) -> bool:
    """Return whether a source's folder has a file that was not read in its present state.

    A file that an earlier call of ``take_files`` left waiting counts too. It counts even if it has disappeared, so that
    ``take_files`` records its disappearance. A file that was refused under a former form is queued again and counts. If
    there are files and no form, the result is true, so that ``take_files`` reports the missing form.

    Raises:
        FolderFailed: the folder cannot be read.
        psycopg.Error: the ledger does not answer.
    """
    files = [file for _, file in files_in(source)]
    with connect() as connection:
        if any_waiting(connection, source):
            return True
        if not files:
            return False
        form = form_in_force(connection, source)
        if form is None:
            return True
        try_again(connection, source, form.form_no, files)
        return bool(set(files) - files_read(connection, source, [file.name for file in files]))


def take_files(source: str, now: datetime | None = None) -> FilesTaken:
    """Import the complete files of a source's folder.

    Raises:
        FolderFailed: the folder cannot be read, or there is no usable form.
        psycopg.Error: the ledger does not answer.
    """
    moment = now or datetime.now(UTC)
    found = FilesTaken()
    files = list(files_in(source))
    with connect() as connection:
        kept = form_in_force(connection, source)
        if kept is None:
            if not files:
                return found
            raise FolderFailed(f"Source {source} has files, but no form describes them. Set one: motcua files form.")
        try_again(connection, source, kept.form_no, [file for _, file in files])
        known = files_read(connection, source, [file.name for _, file in files])
        noted = [(name, file, see_file(connection, source, file, moment)) for name, file in files if file not in known]
        names = [file.name for _, file, _ in noted]
        found.removed = note_removed(connection, source, names, moment - SETTLED, moment)
    folder = folder_of(source)
    unread = [_Ready(folder / name, file, waiting) for name, file, waiting in noted if waiting is not None]
    try:
        form = form_of(dict(kept.form))
    except ExportFormError as wrong:
        raise FolderFailed(f"The form of {source} cannot be used: {wrong}. Set it again: motcua files form.") from None
    ready = [each for each in unread if is_longer_ago(each.waiting.seen_at, SETTLED, moment)]
    found.waiting = len(unread) - len(ready)
    for each in sorted(ready, key=lambda one: _sort_key(one.file, moment))[:_MOST_AT_ONCE]:
        state = _take_file(source, each, kept, form, moment)
        if state == "refused":
            found.names_refused.append(each.file.name)
        setattr(found, state, getattr(found, state) + 1)
    log.info("%s: %s", source, {name: count for name, count in asdict(found).items() if name != "names_refused"})
    return found


def _sort_key(file: SeenFile, now: datetime) -> tuple[datetime, tuple[tuple[str, int], ...]]:
    """Return the sort key of a file: the time of the export, then the name."""
    try:
        return exported_at(file.name, file.modified_at, now), by_name(file.name)
    except FromTheFuture:
        return now, by_name(file.name)


def files_in(source: str) -> Iterator[tuple[str, SeenFile]]:
    """Yield the exports in a source's folder, each with its name in the folder, without drafts and hidden files.

    Files that were uploaded on a staff page and that nobody has confirmed yet are hidden, too.

    Raises:
        FolderFailed: the folder cannot be read.
    """
    folder = folder_of(source)
    try:
        if not folder.is_dir():
            return
        # A folder may hold a file of each minute of thirty days. One listing has the states of all of them. To ask for
        # each file would take longer than the pause between two checks of the folder.
        for entry in folder.fs.ls(folder.path, detail=True):
            name = entry["name"].rpartition("/")[2]
            lowered = name.casefold()
            if lowered.startswith((".", "~$")) or lowered.endswith(_DRAFT_ENDINGS) or lowered in _SYSTEM_FILES:
                continue
            try:
                found = folder.fs.info(entry["name"]) if entry.get("islink") else entry
                if name and found["type"] == "file":
                    yield name, _state_of(name, found)
            except FileNotFoundError:
                continue
    except OSError as error:
        # The system's error names the folder and holds no content of a file.
        raise FolderFailed(f"The folder of {source} cannot be read: {error.strerror or error}") from None


def _state_of(name: str, found: Mapping[str, Any]) -> SeenFile:
    """Return the name, size and time of a file, as its folder's store describes it."""
    if "mtime" in found:
        modified_at = datetime.fromtimestamp(found["mtime"], UTC)
    else:
        # A store gives this time more exactly in a listing than for one file.
        modified_at = found["LastModified"].astimezone(UTC).replace(microsecond=0)
    return SeenFile(shown_name(name), int(found["size"]), modified_at)


def _take_file(source: str, ready: _Ready, kept: KeptForm, form: ExportForm, now: datetime) -> ExportState:
    """Import one file and return its outcome, which may be ``waiting``."""
    file = ready.file
    digest: bytes | None = None
    is_accepted = ready.waiting.accepted_at is not None
    end = Became("taken", kept.form_no, form.kind == "whole", now)
    try:
        if file.size > LARGEST_FILE:
            raise FileRefused.too_large(file.name, LARGEST_FILE)
        at = exported_at(file.name, file.modified_at, now)
        end = replace(end, exported_at=at)
        with tempfile.TemporaryFile() as copy:
            digest = _copy_file(ready, copy)
            if digest is None:
                return "waiting"
            with connect() as connection:
                last = last_taken(connection, source, digest, at)
                if (state := is_past(last, at, file.name, form, now)) is not None:
                    return _finish(connection, ready, replace(end, state=state, sha256=digest))
                agencies = agency_words(connection)
            read = read_export_apart(copy, file.name, form, agencies, kept.agencies, now, is_accepted=is_accepted)
        with connect() as connection:
            if not hold_file(connection, ready.waiting.export_no):
                return "waiting"
            last = last_taken(connection, source, digest, at)
            if (state := is_past(last, at, file.name, form, now)) is not None:
                return _finish(connection, ready, replace(end, state=state, sha256=digest))
            return _write_export(connection, source, ready, kept, form, read, last, replace(end, sha256=digest))
    except (FileNotFoundError, ReaderBusy):
        return "waiting"
    except FileRefused as refused:
        faults = refused.faults
    except FromTheFuture:
        faults = (FileFault("from_future"),)
    except OSError:
        faults = (FileFault("unreadable"),)
    except DataError:
        # The log has only the kind of the error, because the error's text may repeat a cell.
        log.error("an export of %s holds a value that the ledger cannot store", source)
        faults = (FileFault("not_a_table"),)
    with connect() as connection:
        if not hold_file(connection, ready.waiting.export_no):
            return "waiting"
        return _finish(connection, ready, replace(end, state="refused", sha256=digest, faults=faults))


def _copy_file(ready: _Ready, copy: IO[bytes]) -> bytes | None:
    """Copy a file and return its SHA-256; ``None`` if the file changed meanwhile."""
    digest = hashlib.sha256()
    size = 0
    with ready.path.fs.open(ready.path.path, "rb") as file:
        while piece := file.read(_CHUNK_SIZE):
            size += len(piece)
            if size > ready.file.size:
                return None
            digest.update(piece)
            copy.write(piece)
    state = _state_of(ready.path.name, ready.path.fs.info(ready.path.path))
    return digest.digest() if size == ready.file.size and state == ready.file else None


def is_past(
    last: LastTaken, at: datetime, name: str, form: ExportForm, now: datetime
) -> Literal["repeated", "outdated"] | None:
    """Return why a file need not be imported: ``repeated`` if it was imported before, ``outdated`` if a newer whole
    export was imported. ``None`` if it may contain something new."""
    if last.is_repeated:
        return "repeated"
    # If the time of the last whole export is in the future, the clock was ahead when that export was imported. That
    # time then does not show that the export is newer than this file.
    if last.whole_at is None or last.whole_at > now + CLOCKS_MAY_DIFFER:
        return None
    if form.kind == "whole":
        return "outdated" if (at, by_name(name)) < (last.whole_at, by_name(last.whole_name or "")) else None
    return "outdated" if at < last.whole_at else None


def _write_export(
    connection: Connection,
    source: str,
    ready: _Ready,
    kept: KeptForm,
    form: ExportForm,
    read: ReadExport,
    last: LastTaken,
    end: Became,
) -> ExportState:
    """Write the content of a file to the ledger.

    Raises:
        FileRefused: the file may be only a part of the export.
    """
    assert end.exported_at is not None
    is_whole = form.kind == "whole"
    dossiers = read.dossiers
    if is_whole and not dossiers:
        raise FileRefused(ready.file.name, [FileFault("no_lines")])
    compared = compare(exported_dossiers(connection, source), set(read.keys)) if is_whole else Compared()
    if ready.waiting.accepted_at is None:
        if read.ends_a_line is False and last.ends_a_line:
            raise FileRefused(ready.file.name, [FileFault("cut_off")])
        if is_whole and last.whole_at is not None:
            present, before = compared.there, last.whole_dossiers or 0
            if looks_cut(before, dossiers, form.least_percent):
                raise _too_few(ready, before, dossiers)
            if looks_cut(present, present - compared.missing, form.least_percent):
                raise _too_few(ready, present, present - compared.missing)
    file = File(end.exported_at, is_whole, is_first=is_whole and last.whole_at is None)
    export_no = ready.waiting.export_no
    counts = Counter[str]()
    for start in range(0, len(read.rows), _BATCH_SIZE):
        records = _RECORDS.validate_json(f"[{','.join(read.rows[start : start + _BATCH_SIZE])}]")
        known = begin_batch(connection, kept.client_id, records, with_steps=not is_whole)
        decided, counted = merge_exported(known, records, file)
        write_batch(connection, kept.client_id, export_no, file.exported_at, decided)
        counts += counted
    note_vanished(connection, export_no, compared.gone, compared.back)
    return _finish(
        connection,
        ready,
        replace(
            end,
            ends_a_line=read.ends_a_line,
            lines=read.lines,
            dossiers=dossiers,
            added=counts["added"],
            moved=counts["moved"],
            older=counts["older"],
            refused=read.refused,
            vanished=len(compared.gone),
            faults=read.faults,
        ),
    )


def _too_few(ready: _Ready, before: int, now: int) -> FileRefused:
    """Return the refusal of an export with too few dossiers."""
    return FileRefused(ready.file.name, [FileFault("few_dossiers", values={"before": before, "now": now})])


def _finish(connection: Connection, ready: _Ready, became: Became) -> ExportState:
    """Write the outcome of a file to ``intake.exports`` and return it."""
    finish_file(connection, ready.waiting.export_no, replace(became, faults=tuple(became.faults)[:MOST_KEPT_FAULTS]))
    return became.state
