"""The sheet for the counter's wall, set by typst from docs/vi/to-dan-tuong-quay.typ: same source, same bytes."""

from __future__ import annotations

from pathlib import Path

import typst

SOURCE = Path(__file__).parents[2] / "docs" / "vi" / "to-dan-tuong-quay.typ"
PDF = SOURCE.with_suffix(".pdf")


def print_sheet() -> bytes:
    """The sheet as a PDF/A, with fonts that typst brings and no date.

    Raises:
        typst.TypstError: the source is broken.
    """
    return typst.compile(
        SOURCE, root=SOURCE.parent, ignore_system_fonts=True, format="pdf", pdf_standards="a-2a", timestamp=0
    )
