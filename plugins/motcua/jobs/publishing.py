"""Publishes a closing: renders its report, stores the files, and writes the row that makes them a publication.

Files first, the manifest after them, the row last. A process that dies in between leaves files without a row; the next
try makes the same bytes, finds them there and goes on. A file is never overwritten: one with other bytes stops it.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from motcua.domain.reconciliation import Period, ReconciliationReport
from motcua.reports.publication import FIRST, MANIFEST, PublishedFile, canonical, render
from motcua.reports.publication_csv import closing_value
from motcua.reports.publication_data import Corrected
from motcua.settings import settings
from motcua.store.database import Connection, connect, without_values
from motcua.store.locks import PUBLISHING, wait_for_lock
from motcua.store.publications import (
    Publication,
    find_publication,
    publications_of_period,
    save_publication,
)

if TYPE_CHECKING:
    from airflow.sdk import ObjectStoragePath

log = logging.getLogger(__name__)

BuildReport: TypeAlias = Callable[[Connection, int], ReconciliationReport]
FORMAT = 1
"""Of the manifest."""


class FileStands(Exception):
    """A file is there already, with other bytes. Nothing was overwritten and nothing published."""


@without_values()
def publish(closing_no: int, now: datetime | None = None, build: BuildReport | None = None) -> Publication:
    """Publishes a closing, or returns its publication where it has one.

    Args:
        closing_no: the closing.
        now: when it is published.
        build: makes the report of a closing; by default ``motcua.jobs.reporting.build_report``.

    Raises:
        LookupError: there is no such closing.
        FileStands: another file stands in the place of one of its files.
    """
    with connect() as ledger:
        wait_for_lock(ledger, PUBLISHING)
        known = find_publication(ledger, closing_no=closing_no)
        if known is not None:
            log.info("closing %d is publication %d already", closing_no, known.publication_no)
            return known
        report = (build or build_default)(ledger, closing_no)
        closing = report.closing
        corrected = None
        if closing.corrects is not None:
            corrected = find_publication(ledger, closing_no=closing.corrects)
        last = find_publication(ledger)
        number = last.publication_no + 1 if last else 1
        folder = folder_of(closing.period, publications_of_period(ledger, str(closing.period)) + 1)
        files = render(report, _corrected(corrected))
        manifest = compose_manifest(report, files, number, folder, corrected, last)
        content = canonical(manifest)
        place = publications_store() / folder
        for file in files:
            store_file(place / file.name, file.content)
        store_file(place / MANIFEST, content)
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
    from airflow.sdk import ObjectStoragePath

    return ObjectStoragePath(settings().publications_url)


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
    }


def store_file(path: ObjectStoragePath, content: bytes) -> None:
    """Stores a file that is not there yet; one with the same bytes is left as it is.

    Raises:
        FileStands: one with other bytes is there.
    """
    if path.exists():
        standing = path.read_bytes()
        if standing == content:
            return
        raise FileStands(
            f"{path} is there already with other bytes (SHA-256 {sha256(standing).hexdigest()}, not "
            f"{sha256(content).hexdigest()}) and is never overwritten. No publication is made of it: move the folder "
            f"{path.parent} away, keep it, and publish again."
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.protocol in ("", "file", "local"):
        _write_whole(Path(path.path), content)
    else:
        # An object store shows an object when all of it is there.
        path.write_bytes(content)


def _write_whole(path: Path, content: bytes) -> None:
    """A process that dies leaves no half of a file under its name."""
    part = path.with_name(f".{path.name}.part")
    with part.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    part.chmod(0o444)
    part.rename(path)


def _corrected(publication: Publication | None) -> Corrected | None:
    if publication is None:
        return None
    return Corrected(publication.publication_no, publication.folder, publication.manifest_sha256)


def corrected_by(connection: Connection, publication: Publication) -> Corrected | None:
    """The publication that this one corrects, as its report names it."""
    if publication.corrects is None:
        return None
    return _corrected(find_publication(connection, publication_no=publication.corrects))


def build_default(connection: Connection, closing_no: int) -> ReconciliationReport:
    """The report of a closing, from what the ledger holds.

    Raises:
        LookupError: there is no such closing.
    """
    from motcua.jobs.reporting import build_report

    return build_report(connection, closing_no)
