"""All files of one publication but its manifest: what a closing is told in.

The same report gives the same files, to the byte: a publication can be made again after a crash, and checked.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from motcua.domain.reconciliation import ReconciliationReport
from motcua.reports.publication.csv_tables import TABLES, figure_rows, table_rows, write_csv
from motcua.reports.publication.data import Corrected, Told
from motcua.reports.publication.document import compose_document
from motcua.reports.publication.page import page
from motcua.reports.publication.pdf import pdf
from motcua.reports.publication.workbook import publication_workbook

PDF, PAGE, WORKBOOK = "bao-cao.pdf", "bao-cao.html", "so-lieu.xlsx"
AGENCY_FOLDER = "co-quan/"
"""Of the agencies' own workbooks."""
MANIFEST = "manifest.json"
FIRST = "0" * 64
"""What stands for the manifest before the first one."""


@dataclass(frozen=True, slots=True)
class PublishedFile:
    """One file of a publication; ``name``: its path below the publication's folder."""

    name: str
    content: bytes
    rows: int | None
    """Of a table."""
    about: str

    @property
    def sha256(self) -> str:
        """Of its content."""
        return sha256(self.content).hexdigest()


def agency_workbook_name(agency_code: str) -> str:
    """Where an agency's own workbook lies below the publication's folder."""
    kept = "".join(
        letter if letter.isascii() and (letter.isalnum() or letter in ".-_") else "_" for letter in agency_code
    )
    # Two codes that are written alike must not share a file.
    mark = "" if kept == agency_code else f"-{sha256(agency_code.encode()).hexdigest()[:8]}"
    return f"{AGENCY_FOLDER}{kept}{mark}.xlsx"


def render(report: ReconciliationReport, corrected: Corrected | None = None) -> list[PublishedFile]:
    """The files, in a fixed order.

    Args:
        report: of one closing.
        corrected: the publication that a correction corrects; ``None``: it corrects none, or that was never published.
    """
    told = Told(report, corrected)
    said = told.words["files"]
    document = compose_document(told)
    about_print = said["pdf_of_day" if document.is_sheet else "pdf"]
    files = [
        PublishedFile(PDF, pdf(document, report.closing.closed_at), None, about_print),
        PublishedFile(PAGE, page(document), None, said["page"]),
        PublishedFile(WORKBOOK, publication_workbook(told), None, said["workbook"]),
    ]
    values: dict[str, Any] = {
        **figure_rows(report.figures),
        "differences": report.differences,
        "orphans": report.orphans,
        "changes": report.changes,
        "complaints": report.complaints,
    }
    for table in TABLES:
        rows = table_rows(table, report.closing.closing_no, values[table.name])
        about = said["table"].format(table=said["tables"][table.name])
        files.append(PublishedFile(table.file_name, write_csv(table, rows), len(rows), about))
    for line in sorted(told.agencies, key=lambda line: line.agency_code):
        if line.agency_code:
            own = Told(report, corrected, line.agency_code)
            about = said["agency_workbook"].format(name=line.name)
            files.append(PublishedFile(agency_workbook_name(line.agency_code), publication_workbook(own), None, about))
    return files


def canonical(manifest: dict[str, Any]) -> bytes:
    """A manifest's bytes: JSON in UTF-8, names sorted, two blanks a level, a line feed at the end."""
    return (json.dumps(manifest, ensure_ascii=False, sort_keys=True, indent=2) + "\n").encode()
