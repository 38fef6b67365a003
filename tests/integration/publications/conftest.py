"""Fixtures of the publication tests: publications of small closings, with placeholders for PDFs and charts."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from motcua.jobs.publications.publishing import publish
from motcua.reports.publication import charts, files, workbook
from motcua.reports.publication.data import Told
from motcua.reports.publication.document import Document
from motcua.reports.publication.files import FIRST, MANIFEST, canonical, typst_input
from motcua.reports.publication.workbook import publication_workbook
from motcua.store.agencies import save_agencies
from motcua.store.notices.sources import ensure_source
from motcua.store.oversight.publications import Publication
from tests import reconciliation_samples as samples
from tests.ground import agency, in_ledger
from tests.integration.publications.world import (
    FIRST_DAY,
    SECOND_DAY,
    THIRD_DAY,
    correction_of,
    rewrite,
    save,
    small,
)

Change = Callable[[dict[str, Any]], object]


@pytest.fixture(scope="module", autouse=True)
def prints_and_charts_in_outline(request: pytest.FixtureRequest) -> Iterator[None]:
    """Replace each PDF and each chart with a hash of its content, and leave out the workbooks' sheet about columns.

    Real PDFs, real charts and this sheet take long to make. tests/unit/reports tests all three. A test module that
    sets ``DRAWS`` gets all three. In other modules, each workbook is written once and reused for an equal report.
    """

    def outline(document: Document, made_at: datetime) -> bytes:
        return f"%PDF-1.7\n{made_at.isoformat()} {sha256(typst_input(document).encode()).hexdigest()}\n%%EOF\n".encode()

    def svg(bars: Sequence[object], *said: object) -> tuple[str, float]:
        return f'<svg xmlns="http://www.w3.org/2000/svg" id="{sha256(repr((bars, said)).encode()).hexdigest()}"/>', 1.0

    with pytest.MonkeyPatch.context() as patch:
        if not getattr(request.module, "DRAWS", False):
            patch.setattr(files, "pdf", outline)
            patch.setattr(charts, "_svg", svg)
            patch.setattr(files, "publication_workbook", _written_once)
            patch.setattr(workbook._Book, "columns", lambda book, shown: None)
        yield


_workbooks: dict[bytes, bytes] = {}


def _written_once(told: Told) -> bytes:
    content = pickle.dumps((told.report, told.corrected, told.agency))
    if content not in _workbooks:
        _workbooks[content] = publication_workbook(told)
    return _workbooks[content]


@pytest.fixture
def store(tmp_path: Path, configure: Callable[..., None]) -> Path:
    """Set an empty folder as the store of publications; return the folder."""
    folder = tmp_path / "công bố"
    configure(MOTCUA_PUBLICATIONS=f"file://{folder}")
    return folder


@pytest.fixture
def closings(ledger: str, store: Path) -> Callable[..., int]:
    """Return a function that stores a closing with the figures of a small sample and returns the closing's number."""
    named = [(samples.NHA_TRANG, "Ủy ban nhân dân thành phố Nha Trang"), (samples.TU_PHAP, "Sở Tư pháp")]
    in_ledger(save_agencies, [agency(code, name=name) for code, name in named], "tests")
    in_ledger(ensure_source, "khanhhoa")
    return save


@pytest.fixture
def published(
    closings: Callable[..., int], store: Path, made_once: Callable[..., list[Publication]]
) -> list[Publication]:
    """Publish three days and a correction of the last day; return the four publications."""

    def make() -> list[Publication]:
        made = [publish(closings(small(day))) for day in (FIRST_DAY, SECOND_DAY, THIRD_DAY)]
        return [*made, publish(closings(correction_of(small(THIRD_DAY)), corrects=made[2].closing_no))]

    return made_once("published", store, make)


@pytest.fixture
def forge(store: Path, rows: Callable[..., list[dict[str, Any]]]) -> Callable[..., None]:
    """Return a function that hides changes of a publication's files, as a forger would.

    The function applies ``change`` to the publication's manifest. For this publication and all later ones, it then
    recomputes the hashes in the manifests, in the ledger's rows and in the links of the chain. No hash then shows the
    change. With ``alone``, the function recomputes only the hashes of this publication.
    """

    def make_fit(
        number: int, change: Callable[[dict[str, Any]], object] = lambda _: None, *, alone: bool = False
    ) -> None:
        rows("ALTER TABLE motcua.publications DISABLE TRIGGER ALL")
        previous, hashes = FIRST, {}
        for each in rows("SELECT * FROM motcua.publications ORDER BY publication_no"):
            its_number, digest = each["publication_no"], each["manifest_sha256"]
            if its_number == number or (its_number > number and not alone):
                manifest, folder = each["manifest"], store / each["folder"]
                manifest["previous"]["manifest_sha256"] = previous
                if manifest["corrects"]:
                    manifest["corrects"]["manifest_sha256"] = hashes[manifest["corrects"]["publication_no"]]
                for listed in manifest["files"]:
                    content = (folder / listed["name"]).read_bytes()
                    listed |= {"sha256": sha256(content).hexdigest(), "size": len(content)}
                if its_number == number:
                    change(manifest)
                rewrite(folder / MANIFEST, lambda _, manifest=manifest: canonical(manifest))
                digest = sha256(canonical(manifest)).hexdigest()
                rows(
                    "UPDATE motcua.publications SET manifest = %s, manifest_sha256 = %s, previous_sha256 = %s"
                    " WHERE publication_no = %s",
                    json.dumps(manifest), digest, previous, its_number,
                )  # fmt: skip
            hashes[its_number] = previous = digest

    return make_fit
