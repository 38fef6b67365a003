"""Filled-in letters of apology (Phiếu xin lỗi và hẹn lại ngày trả kết quả, Mẫu 04) as a PDF, a dossier a page.

Set by typst from include/templates/report/letters.typ; facts go in as JSON, so that no name can become markup.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from motcua.settings import include_dir


@dataclass(frozen=True, slots=True)
class Letter:
    """What one letter is filled in with, in words; holds personal data."""

    agency: str
    applicant: str
    """Empty: to be written by hand."""
    code: str
    procedure: str
    received: str
    due: str
    year: int


def letters_pdf(letters: Sequence[Letter]) -> bytes:
    """The letters, one after another."""
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
