"""How publications look is no subject here: prints and charts are made in outline."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from hashlib import sha256

import pytest

from motcua.reports.publication import charts, files
from motcua.reports.publication.document import Document
from motcua.reports.publication.files import typst_input


@pytest.fixture(scope="module", autouse=True)
def prints_and_charts_in_outline(request: pytest.FixtureRequest) -> Iterator[None]:
    """A print is what it says, and a chart what it shows, neither set nor drawn; whole they are in tests/unit/reports.

    A module whose subject is what they look like, or that has other processes make them, sets ``DRAWS``.
    """

    def outline(document: Document, made_at: datetime) -> bytes:
        return f"%PDF-1.7\n{made_at.isoformat()} {sha256(typst_input(document).encode()).hexdigest()}\n%%EOF\n".encode()

    def svg(bars: Sequence[object], *said: object) -> tuple[str, float]:
        return f'<svg xmlns="http://www.w3.org/2000/svg" id="{sha256(repr((bars, said)).encode()).hexdigest()}"/>', 1.0

    with pytest.MonkeyPatch.context() as patch:
        if not getattr(request.module, "DRAWS", False):
            patch.setattr(files, "pdf", outline)
            patch.setattr(charts, "_svg", svg)
        yield
