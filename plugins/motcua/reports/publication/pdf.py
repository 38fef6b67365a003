"""The printable report: a PDF/A set by typst from include/templates/report/publication.typ.

Fonts are those that typst brings (Libertinus Serif has every Vietnamese letter); none of the machine's is looked at,
and nothing is fetched. Words and figures go in as JSON, so that no name can become markup. The same document at the
same moment gives the same bytes.
"""

from __future__ import annotations

import json
import re
from dataclasses import asdict
from datetime import datetime
from typing import Any, Literal

from motcua.reports.publication.document import Document
from motcua.settings import include_dir

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
