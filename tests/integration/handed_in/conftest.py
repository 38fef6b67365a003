"""What was sent, and a folder of the provider's statements about it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.ground import Rows
from tests.integration.handed_in.test_carrier_statements import Ours


@pytest.fixture
def ours(agencies: None, rows: Rows) -> Ours:
    return Ours(rows)


@pytest.fixture
def folder(tmp_path: Path, configure: Callable[..., None]) -> Path:
    """Of the statements of ``kannel``."""
    place = tmp_path / "statements" / "kannel"
    place.mkdir(parents=True)
    configure(MOTCUA_STATEMENTS=f"file://{tmp_path / 'statements'}", MOTCUA_GATEWAYS="kannel")
    return place
