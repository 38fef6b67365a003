"""What tests of pages share: the pages as Airflow mounts them, visited by whoever a test says."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from motcua.jobs.mailing import HandOver
from motcua.jobs.page_requests import RequestCounts, carry_out_requests
from tests.web.ledger_rows import LedgerRows, Rows
from tests.web.visiting import VISITING


@pytest.fixture(scope="session")
def app() -> FastAPI:
    """The pages; mounting them takes seconds."""
    return VISITING.mount()


@pytest.fixture
def staff(app: FastAPI, agencies: None) -> Iterator[TestClient]:
    """The Department's operator at the pages; ``VISITING`` says so, and a test may change it."""
    with VISITING.browse(app) as http:
        yield http


@pytest.fixture
def made(agencies: None, rows: Rows) -> LedgerRows:
    """Writes rows as pages find them."""
    return LedgerRows(rows)


DEPARTMENT = "so.tttt@khanhhoa.example.vn"


@pytest.fixture
def mailbox(monkeypatch: pytest.MonkeyPatch, configure: Callable[..., None]) -> list[tuple[str, str, str]]:
    """What a mail server took for the Department: recipient, subject, text."""
    configure(MOTCUA_DEPARTMENT_RECIPIENTS=DEPARTMENT)
    taken: list[tuple[str, str, str]] = []

    class Server:
        def __enter__(self) -> Server:
            return self

        def __exit__(self, *_: object) -> None:
            pass

        def hand_over(self, mail: Any, reference: str, recipient: str, at: datetime) -> HandOver:
            taken.append((recipient, mail.subject, mail.text))
            return HandOver("sent")

    monkeypatch.setattr("motcua.jobs.mailing.mail_server", Server)
    return taken


@pytest.fixture
def an_hour_later(mailbox: list[tuple[str, str, str]], rows: Rows) -> Callable[[], RequestCounts]:
    """Mails what was asked for, and does what is due an hour after that."""

    def pass_by() -> RequestCounts:
        carry_out_requests()
        # The ledger keeps when a request may be done: its rule is put aside for a moment.
        rows("ALTER TABLE motcua.page_requests DISABLE TRIGGER keep_page_request")
        rows(
            "UPDATE motcua.page_requests"
            " SET told_at = told_at - interval '1 hour', applies_at = applies_at - interval '1 hour'"
        )
        rows("ALTER TABLE motcua.page_requests ENABLE TRIGGER keep_page_request")
        return carry_out_requests()

    return pass_by
