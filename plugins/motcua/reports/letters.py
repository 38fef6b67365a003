"""Write filled-in letters of apology (Phiếu xin lỗi và hẹn lại ngày trả kết quả, Mẫu 04) as a PDF.

The PDF has one page for each dossier. The program typst sets it from include/templates/report/letters.typ. Words are
passed to the template as JSON, so that no name can become markup.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from motcua.settings import include_dir


@dataclass(frozen=True, slots=True)
class Letter:
    """The words that fill in one letter. Holds personal data."""

    agency: str
    applicant: str
    """The applicant's name. If it is empty, the clerk writes the name by hand."""
    code: str
    procedure: str
    received: str
    due: str
    year: int


def letters_pdf(letters: Sequence[Letter]) -> bytes:
    """Return a PDF with the letters, in the given order."""
    import typst

    folder = include_dir() / "templates" / "report"
    written = typst.compile(
        folder / "letters.typ",
        root=folder,
        sys_inputs={"letters": json.dumps([asdict(each) for each in letters], ensure_ascii=False)},
        ignore_system_fonts=True,
        format="pdf",
    )
    if not isinstance(written, bytes):
        raise TypeError("typst gave no PDF")
    return written
