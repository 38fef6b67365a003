"""All files of one publication but its manifest: what a closing is told in.

The same report gives the same files, to the byte: a publication can be made again after a crash, and checked.

The page is one HTML file that needs nothing else. The printable report is a PDF/A set by typst from
include/templates/report/publication.typ: fonts are those that typst brings (Libertinus Serif has every Vietnamese
letter); none of the machine's is looked at, and nothing is fetched. Words and figures go in as JSON, so that no name
can become markup.
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
    """The report as HTML in UTF-8."""
    return _templates().get_template("publication.html").render(doc=document).encode()


def _data_uri(drawing: Drawing) -> str:
    # A picture of its own and not part of the page: what stands in it can neither run nor be styled from outside.
    return f"data:image/svg+xml;base64,{b64encode(drawing.svg.encode()).decode()}"


@lru_cache(maxsize=1)
def _templates() -> Environment:
    return templates("report", {"data_uri": _data_uri}, keep_last_newline=True)


# --- The printable report --------------------------------------------------------------------------------------------

_UNBROKEN = re.compile(r"[^\s-]{18}(?=[^\s-])")
"""Longer words get places where a line may break, or they would run out of a table's cell; hyphens are such places."""
_BREAK = "\u200b"


def pdf(document: Document, made_at: datetime) -> bytes:
    """The report as a PDF/A-2a; ``made_at`` is written into it as its date.

    PDF/A refuses a letter that no font has, such as one of another script in a procedure's name: then it is a plain
    PDF, in which that letter is a box.

    Raises:
        typst.TypstError: the template is broken.
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
    """The document as the template reads it."""
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
    for table in tables_of(report.closing):
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
