"""Fixtures for files that people hand in: a helper that writes sent messages, and a folder for carrier statements."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.ground import Rows
from tests.integration.handed_in.test_carrier_statements import Ours


@pytest.fixture
def ours(agencies: None, rows: Rows) -> Ours:
    """Return a helper that writes attempts and inquiries into a ledger with two agencies."""
    return Ours(rows)


@pytest.fixture
def folder(tmp_path: Path, configure: Callable[..., None]) -> Path:
    """Create the folder for carrier statements of the gateway ``kannel``; return it."""
    place = tmp_path / "statements" / "kannel"
    place.mkdir(parents=True)
    configure(MOTCUA_STATEMENTS=f"file://{tmp_path / 'statements'}", MOTCUA_GATEWAYS="kannel")
    return place
