"""Render all files of one publication except its manifest.

The same report gives the same bytes, so that a publication can be made again after a crash, and verified.

The page is one HTML file that needs no other file. The printable report is a PDF/A that typst sets from
include/templates/report/publication.typ, with the fonts that come with typst (Libertinus Serif has every Vietnamese
letter). Fonts of the machine are not used, and nothing is downloaded. Words and figures are passed as JSON, so that no
name can become markup.
"""

from __future__ import annotations

import json
import re
from base64 import b64encode
from dataclasses import asdict, dataclass
from datetime import datetime
from functools import lru_cache
from hashlib import sha256
from typing import Any, Literal

from jinja2 import Environment

from motcua.domain.reconciliation import ReconciliationReport
from motcua.reports.publication.charts import Drawing
from motcua.reports.publication.csv_tables import figure_rows, table_rows, tables_of, write_csv
from motcua.reports.publication.data import Corrected, Told
from motcua.reports.publication.document import Document, compose_document
from motcua.reports.publication.workbook import publication_workbook
from motcua.settings import include_dir
from motcua.templating import templates

# --- The page --------------------------------------------------------------------------------------------------------


def page(document: Document) -> bytes:
    """Render the report as HTML in UTF-8."""
    return _templates().get_template("publication.html").render(doc=document).encode()


def _data_uri(drawing: Drawing) -> str:
    # As a separate picture, the drawing can run no scripts, and the styles of the page do not change it.
    return f"data:image/svg+xml;base64,{b64encode(drawing.svg.encode()).decode()}"


@lru_cache(maxsize=1)
def _templates() -> Environment:
    return templates("report", {"data_uri": _data_uri}, keep_last_newline=True)


# --- The printable report --------------------------------------------------------------------------------------------

_UNBROKEN = re.compile(r"[^\s-]{18}(?=[^\s-])")
"""Eighteen letters without a possible line break. A possible line break is inserted after them, so that no long word
runs out of a table's cell. Hyphens are possible line breaks already.
"""
_BREAK = "\u200b"


def pdf(document: Document, made_at: datetime) -> bytes:
    """Render the report as a PDF/A-2a, dated ``made_at``.

    PDF/A does not permit a letter that no font has, such as a letter of another script in a procedure's name. The
    report is then a plain PDF, which shows a box instead of the letter.

    Raises:
        typst.TypstError: The template is broken.
    """
    import typst

    try:
        return _compile(document, made_at, "a-2a")
    except typst.TypstError:
        return _compile(document, made_at, None)


def _compile(document: Document, made_at: datetime, standard: Literal["a-2a"] | None) -> bytes:
    import typst

    folder = include_dir() / "templates" / "report"
    written = typst.compile(
        folder / "publication.typ",
        root=folder,
        sys_inputs={"document": typst_input(document)},
        ignore_system_fonts=True,
        format="pdf",
        pdf_standards=standard,
        timestamp=int(made_at.timestamp()),
    )
    if not isinstance(written, bytes):
        raise TypeError("typst gave no PDF")
    return written


def typst_input(document: Document) -> str:
    """Return the document as JSON, in the form that the template reads."""
    return json.dumps(_breakable(asdict(document)), ensure_ascii=False, sort_keys=True)


def _breakable(value: Any) -> Any:  # noqa: ANN401 - whatever JSON can hold
    if isinstance(value, dict):
        return {name: each if name == "svg" else _breakable(each) for name, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_breakable(each) for each in value]
    return _UNBROKEN.sub(lambda found: found[0] + _BREAK, value) if isinstance(value, str) else value


# --- All of them -----------------------------------------------------------------------------------------------------

PDF, PAGE, WORKBOOK = "bao-cao.pdf", "bao-cao.html", "so-lieu.xlsx"
AGENCY_FOLDER = "co-quan/"
"""The folder of the agencies' own workbooks."""
MANIFEST = "manifest.json"
FIRST = "0" * 64
"""The value that the first publication has instead of the previous manifest's hash."""


@dataclass(frozen=True, slots=True)
class PublishedFile:
    """One file of a publication; ``name`` is its path below the publication's folder."""

    name: str
    content: bytes
    rows: int | None
    """The number of rows of a table. ``None`` for other files."""
    about: str

    @property
    def sha256(self) -> str:
        """SHA-256 of the content."""
        return sha256(self.content).hexdigest()


def agency_workbook_name(agency_code: str) -> str:
    """Return the path of an agency's own workbook below the publication's folder."""
    kept = "".join(
        letter if letter.isascii() and (letter.isalnum() or letter in ".-_") else "_" for letter in agency_code
    )
    # If letters of the code are replaced, the name gets a part of the code's hash, so that no two codes share a file.
    mark = "" if kept == agency_code else f"-{sha256(agency_code.encode()).hexdigest()[:8]}"
    return f"{AGENCY_FOLDER}{kept}{mark}.xlsx"


def render(report: ReconciliationReport, corrected: Corrected | None = None) -> list[PublishedFile]:
    """Render the files, in a fixed order.

    Args:
        report: the report of one closing.
        corrected: the publication that is corrected; ``None`` if there is none, or if the corrected closing was never
            published.
    """
    arranged_report = Told(report, corrected)
    words = arranged_report.words["files"]
    document = compose_document(arranged_report)
    about_print = words["pdf_of_day" if document.is_sheet else "pdf"]
    files = [
        PublishedFile(PDF, pdf(document, report.closing.closed_at), None, about_print),
        PublishedFile(PAGE, page(document), None, words["page"]),
        PublishedFile(WORKBOOK, publication_workbook(arranged_report), None, words["workbook"]),
    ]
    values: dict[str, Any] = {
        **figure_rows(report.figures),
        "differences": report.differences,
        "orphans": report.orphans,
        "changes": report.changes,
        "complaints": report.complaints,
    }
    for table in tables_of(report.closing):
        rows = table_rows(table, report.closing.closing_no, values[table.name])
        about = words["table"].format(table=words["tables"][table.name])
        files.append(PublishedFile(table.file_name, write_csv(table, rows), len(rows), about))
    for line in sorted(arranged_report.agencies, key=lambda line: line.agency_code):
        if line.agency_code:
            own = Told(report, corrected, line.agency_code)
            about = words["agency_workbook"].format(name=line.name)
            files.append(PublishedFile(agency_workbook_name(line.agency_code), publication_workbook(own), None, about))
    return files


def canonical(manifest: dict[str, Any]) -> bytes:
    """Return a manifest's bytes: JSON in UTF-8, sorted names, two blanks for each level, a line feed at the end."""
    return (json.dumps(manifest, ensure_ascii=False, sort_keys=True, indent=2) + "\n").encode()
