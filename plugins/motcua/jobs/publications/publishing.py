"""Publishes a closing: renders its report, stores the files, and writes the row that makes them a publication.

The files are written first, then the manifest, then the row. A process that dies in between leaves files without a row.
Such files are no publication. The next try continues in that folder if the folder has only files that the try would
write with the same bytes. Otherwise the try leaves the folder unchanged and uses the next number. Nothing is ever
overwritten, moved or deleted. Therefore an object store need not support renaming or deleting. Published files that
lost their row, because the database was restored from an older backup, stay unchanged.
"""

from __future__ import annotations

import logging
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from motcua.domain.periods import Period
from motcua.domain.reconciliation import ReconciliationReport
from motcua.jobs.reconciliation.reporting import build_report, queries_used
from motcua.reports.publication.csv_tables import closing_value
from motcua.reports.publication.data import Corrected
from motcua.reports.publication.files import FIRST, MANIFEST, PublishedFile, canonical, render
from motcua.reports.publication.manifest import words_value
from motcua.settings import settings
from motcua.store.file_stores import open_store
from motcua.store.ledger.database import Connection, connect, without_values
from motcua.store.ledger.locks import PUBLISHING, wait_for_lock
from motcua.store.oversight.publications import (
    Publication,
    find_publication,
    publications_of_period,
    save_publication,
)

if TYPE_CHECKING:
    from airflow.sdk import ObjectStoragePath

log = logging.getLogger(__name__)

FORMAT = 4
"""Format of the manifest.

Since format 2 the manifest has ``words``, from which the report can be rendered again. Since format 3 its ``queries``
also name the functions and views that queries call. Since format 4 ``made_by`` names the source code by its hash.
"""
MOST_RESTS = 1000
"""Largest number of folders of a period that are tried, one after the other, before publishing fails."""


class NotPublished(Exception):
    """Nothing was published, and no publication was changed; the message says why, and what to do."""


class FileStands(NotPublished):
    """A file already exists with other bytes. Nothing was overwritten, and nothing was published."""


class StoreFailed(NotPublished):
    """The store of publications accepted no file: it is full, missing, or does not permit writing."""


@without_values()
def publish(closing_no: int, now: datetime | None = None) -> Publication:
    """Publish a closing. If the closing is published already, return its publication.

    Args:
        closing_no: the closing.
        now: the time of publishing, by default the current moment. It is stored in the row and in no file.

    Raises:
        LookupError: There is no such closing.
        NotPublished: The store accepts no file, or somebody else writes into the store.
    """
    with connect() as ledger:
        wait_for_lock(ledger, PUBLISHING)
        known = find_publication(ledger, closing_no=closing_no)
        if known is not None:
            log.info("closing %d is publication %d already", closing_no, known.publication_no)
            return known
        report = replace(build_report(ledger, closing_no), queries=tuple(queries_used(ledger)))
        closing = report.closing
        corrected = None
        if closing.corrects is not None:
            corrected = find_publication(ledger, closing_no=closing.corrects)
        last = find_publication(ledger)
        number = last.publication_no + 1 if last else 1
        files = render(report, _corrected(corrected))
        with _store_answers():
            folder, content, manifest = _store(ledger, report, files, number, corrected, last)
        publication = Publication(
            publication_no=number,
            closing_no=closing_no,
            corrects=corrected.publication_no if corrected else None,
            folder=folder,
            manifest_sha256=sha256(content).hexdigest(),
            previous_sha256=last.manifest_sha256 if last else FIRST,
            manifest=manifest,
            published_at=now or datetime.now(UTC),
            period=str(closing.period),
        )
        save_publication(ledger, publication)
    log.info("publication %d of %s: %d files in %s", number, publication.period, len(files) + 1, folder)
    return publication


def publications_store() -> ObjectStoragePath:
    """Return the store of publications: a local folder, or an object store behind an Airflow connection."""
    return open_store(settings().publications_url)


def folder_of(period: Period, number: int) -> str:
    """Return the folder of a period's first, second, … publication, such as ``2026/11/2026-11-24/1``."""
    return f"{period.first:%Y/%m}/{period}/{number}"


def compose_manifest(
    report: ReconciliationReport,
    files: Sequence[PublishedFile],
    number: int,
    folder: str,
    corrected: Publication | None,
    last: Publication | None,
) -> dict[str, Any]:
    """Compose the manifest. Its content does not depend on when or by which process the closing is published."""
    period = report.closing.period
    return {
        "format": FORMAT,
        "publication_no": number,
        "folder": folder,
        "period": {"name": str(period), "first": period.first.isoformat(), "last": period.last.isoformat()},
        "closing": closing_value(report.closing),
        "corrects": {
            "publication_no": corrected.publication_no,
            "folder": corrected.folder,
            "manifest_sha256": corrected.manifest_sha256,
        }
        if corrected
        else None,
        "previous": {
            "publication_no": last.publication_no if last else None,
            "manifest_sha256": last.manifest_sha256 if last else FIRST,
        },
        "files": [
            {
                "name": file.name,
                "sha256": file.sha256,
                "size": len(file.content),
                "rows": file.rows,
                "about": file.about,
            }
            for file in files
        ],
        "queries": [{"name": query.name, "sha256": query.sha256, "figures": query.figures} for query in report.queries],
        "software": report.software,
        "words": words_value(report),
    }


def _store(
    ledger: Connection,
    report: ReconciliationReport,
    files: Sequence[PublishedFile],
    number: int,
    corrected: Publication | None,
    last: Publication | None,
) -> tuple[str, bytes, dict[str, Any]]:
    """Store the files, and after them the manifest, in the first free folder of the period.

    Returns: the folder, the manifest's bytes, and the manifest.
    """
    period, store = report.closing.period, publications_store()
    first = publications_of_period(ledger, str(period)) + 1
    for each in range(first, first + MOST_RESTS):
        folder = folder_of(period, each)
        if find_publication(ledger, folder=folder) is not None:
            continue
        manifest = compose_manifest(report, files, number, folder, corrected, last)
        content = canonical(manifest)
        made = {file.name: file.content for file in files} | {MANIFEST: content}
        strange = _first_strange(store / folder, made)
        if strange is not None:
            log.warning(
                "%s holds %s, left by an earlier try or by somebody else; it is not changed", store / folder, strange
            )
            continue
        for name, written in made.items():
            store_file(store / folder / name, written)
        return folder, content, manifest
    raise FileStands(f"{MOST_RESTS} folders of {period} in {store} hold files of no publication; move them elsewhere")


def _first_strange(folder: ObjectStoragePath, made: dict[str, bytes]) -> str | None:
    """Return the name of a file in the folder that this try does not write, or writes with other bytes. ``None`` if
    there is no such file."""
    base = f"{folder.path.rstrip('/')}/"
    parts = {_part_of(name) for name in made}
    for path in sorted(folder.rglob("*"), key=str) if folder.exists() else ():
        name = path.path.removeprefix(base)
        if name in made:
            if is_link(path) or not path.is_file() or path.read_bytes() != made[name]:
                return name
        elif name not in parts and (path.is_file() or is_link(path)):
            return name
    return None


def is_link(path: ObjectStoragePath) -> bool:
    """Return whether a path is a symbolic link, which is possible in a local folder and not in an object store."""
    return is_local(path) and Path(path.path).is_symlink()


def is_local(path: ObjectStoragePath) -> bool:
    """Return whether a path is in a folder of this machine."""
    return path.protocol in ("", "file", "local")


@contextmanager
def _store_answers() -> Iterator[None]:
    """Turn an error of the store into an error whose message says why the store cannot be used.

    Raises:
        StoreFailed: An ``OSError`` was raised in the block.
    """
    try:
        yield
    except OSError as error:
        why = error.strerror or str(error) or type(error).__name__
        where = f" ({error.filename})" if error.filename else ""
        raise StoreFailed(
            f"the store of publications, {settings().publications_url}, cannot be used: {why}{where}. Nothing was "
            "published. Repair it and clear the task: it continues where this try ended."
        ) from error


def store_file(path: ObjectStoragePath, content: bytes) -> None:
    """Store a file that does not exist yet. A file with the same bytes stays as it is.

    Raises:
        FileStands: The file exists with other bytes.
    """
    if path.exists():
        _demand_same(path, content)
        if is_local(path):
            # A try that died between writing and renaming leaves this partial file.
            Path(path.path).with_name(_part_of(path.name)).unlink(missing_ok=True)
        return
    if is_local(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(Path(path.path), BytesIO(content))
        return
    try:
        # One request sends the whole file, because a stream that breaks off would leave a part of it in the store. With
        # the mode ``create``, the store itself refuses to overwrite. No folder is created, because that could create a
        # bucket.
        path.fs.pipe_file(path.path, content, mode="create")
    except FileExistsError:
        _demand_same(path, content)


def _demand_same(path: ObjectStoragePath, content: bytes) -> None:
    standing = path.read_bytes()
    if standing != content:
        raise FileStands(
            f"{path} is there already with other bytes (SHA-256 {sha256(standing).hexdigest()}, not "
            f"{sha256(content).hexdigest()}) and is never overwritten. Nothing was published: somebody else writes "
            "to the store at this moment. Clear the task: it takes the next folder."
        )


def _part_of(name: str) -> str:
    """Return the name that a file has until all of it is written."""
    folder, slash, file = name.rpartition("/")
    return f"{folder}{slash}.{file}.part"


def write_whole(path: Path, content: IO[bytes]) -> None:
    """Write a file under a temporary name and rename it, so that a killed process or a loss of power leaves no
    incomplete file under its final name."""
    part = path.with_name(_part_of(path.name))
    try:
        # A partial file of an earlier try may be read-only, so it is removed rather than opened.
        part.unlink(missing_ok=True)
        with part.open("wb") as file:
            shutil.copyfileobj(content, file)
            file.flush()
            os.fsync(file.fileno())
        part.chmod(0o444)
        part.rename(path)
    except Exception:
        with suppress(OSError):
            part.unlink(missing_ok=True)
        raise
    entry = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(entry)
    finally:
        os.close(entry)


def _corrected(publication: Publication | None) -> Corrected | None:
    if publication is None:
        return None
    return Corrected(publication.publication_no, publication.folder, publication.manifest_sha256)


def corrected_by(connection: Connection, publication: Publication) -> Corrected | None:
    """Return the publication that a correction corrects, in the form that the report of the correction uses. ``None``
    if the given publication is no correction."""
    if publication.corrects is None:
        return None
    return _corrected(find_publication(connection, publication_no=publication.corrects))
