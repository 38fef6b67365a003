"""Publishes a closing: renders its report, stores the files, and writes the row that makes them a publication.

Files first, the manifest after them, the row last. A process that dies in between leaves files without a row: the rest
of a try, which is no publication. The next try goes on in that folder where it holds nothing but files that it makes
itself, byte for byte; else it leaves the folder as it is and takes the next number. Nothing is ever overwritten, moved
or taken away, so that it needs neither renaming nor deleting of an object store, and so that files that were published
and lost their row (a database restored from an older copy) stay what they are.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

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
"""Of the manifest. 2: with ``words``, by which the report can be made again. 3: ``queries`` names also what they are
made of. 4: ``made_by`` names the source by its hash."""
MOST_RESTS = 1000
"""Folders of a period that are looked at for a free one."""


class NotPublished(Exception):
    """Nothing was published, and nothing that was is changed; the message says why, and what to do."""


class FileStands(NotPublished):
    """A file is there already, with other bytes. Nothing was overwritten and nothing published."""


class StoreFailed(NotPublished):
    """The store of publications took no file: no space, no right, not there."""


@without_values()
def publish(closing_no: int, now: datetime | None = None) -> Publication:
    """Publishes a closing, or returns its publication where it has one.

    Args:
        closing_no: the closing.
        now: when it is published; by default this moment. It stands in the row and in no file.

    Raises:
        LookupError: there is no such closing.
        NotPublished: the store takes no file, or somebody else writes there.
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
    """Where publications are stored: a local folder, or an object store behind an Airflow connection."""
    return open_store(settings().publications_url)


def folder_of(period: Period, number: int) -> str:
    """Folder of the period's first, second, … publication: ``2026/11/2026-11-24/1``."""
    return f"{period.first:%Y/%m}/{period}/{number}"


def compose_manifest(
    report: ReconciliationReport,
    files: Sequence[PublishedFile],
    number: int,
    folder: str,
    corrected: Publication | None,
    last: Publication | None,
) -> dict[str, Any]:
    """What a publication is made of. Nothing in it depends on when or by which process it is published."""
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
    """Stores the files, the manifest after them, in the first folder of the period that is free; gives the folder, the
    manifest's bytes and the manifest."""
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
            log.warning("%s holds %s: the rest of another try or somebody's; left as it is", store / folder, strange)
            continue
        for name, written in made.items():
            store_file(store / folder / name, written)
        return folder, content, manifest
    raise FileStands(f"{MOST_RESTS} folders of {period} in {store} hold files that are no publication's; look at them")


def _first_strange(folder: ObjectStoragePath, made: dict[str, bytes]) -> str | None:
    """Name of something in the folder that this try does not make itself, byte for byte; ``None``: all of it is."""
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
    """It is a symbolic link, which a folder can have and an object store cannot."""
    return is_local(path) and Path(path.path).is_symlink()


def is_local(path: ObjectStoragePath) -> bool:
    """It lies in a folder of this machine."""
    return path.protocol in ("", "file", "local")


@contextmanager
def _store_answers() -> Iterator[None]:
    """Says what is the matter with the store.

    Raises:
        StoreFailed: in place of an ``OSError``.
    """
    try:
        yield
    except OSError as error:
        why = error.strerror or str(error) or type(error).__name__
        where = f" ({error.filename})" if error.filename else ""
        raise StoreFailed(
            f"the store of publications, {settings().publications_url}, does not serve: {why}{where}. Nothing was "
            "published. Mend it and clear the task: it goes on where this try ended."
        ) from error


def store_file(path: ObjectStoragePath, content: bytes) -> None:
    """Stores a file that is not there yet; one with the same bytes is left as it is.

    Raises:
        FileStands: one with other bytes is there.
    """
    if path.exists():
        _demand_same(path, content)
        if is_local(path):
            # Of a try that died between writing and renaming.
            Path(path.path).with_name(_part_of(path.name)).unlink(missing_ok=True)
        return
    if is_local(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        _write_whole(Path(path.path), content)
        return
    try:
        # In one piece: a stream that breaks off would leave what it has sent. The store itself refuses to overwrite,
        # and there is no folder to be made: that could make a bucket.
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
    """What a file is called until all of it is written."""
    folder, slash, file = name.rpartition("/")
    return f"{folder}{slash}.{file}.part"


def _write_whole(path: Path, content: bytes) -> None:
    """A process that dies leaves no half of a file under its name; neither does a machine that loses its power."""
    part = path.with_name(_part_of(path.name))
    try:
        # One that a try left behind may be read-only by now.
        part.unlink(missing_ok=True)
        with part.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        part.chmod(0o444)
        part.rename(path)
    except OSError:
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
    """The publication that this one corrects, as its report names it."""
    if publication.corrects is None:
        return None
    return _corrected(find_publication(connection, publication_no=publication.corrects))
