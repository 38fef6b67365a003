"""What tests of pages share: the pages as Airflow mounts them, visited by whoever a test says."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from tests.web.ledger_rows import LedgerRows, Rows
from tests.web.visiting import VISITING


@pytest.fixture(scope="session")
def app() -> FastAPI:
    """The pages; mounting them takes seconds."""
    return VISITING.mount()


@pytest.fixture
def staff(app: FastAPI, agencies: None) -> Iterator[TestClient]:
    """The Department's operator at the pages; ``VISITING`` says so, and a test may change it."""
    VISITING.visit_as("operator")
    with TestClient(app, raise_server_exceptions=False, follow_redirects=False) as http:
        http.cookies.set("_token", "a-session")
        yield http


@pytest.fixture
def made(agencies: None, rows: Rows) -> LedgerRows:
    """Writes rows as pages find them."""
    return LedgerRows(rows)
