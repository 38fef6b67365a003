"""Fixtures for tests of pages: the pages as Airflow mounts them, with a visitor whom the test chooses."""

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
    """Return the app with all pages. One app serves the whole session, because mounting the pages takes seconds."""
    return VISITING.mount()


@pytest.fixture
def staff(app: FastAPI, agencies: None) -> Iterator[TestClient]:
    """Yield a browser at the pages. The visitor is the Department's operator until a test changes ``VISITING``."""
    with VISITING.browse(app) as http:
        yield http


@pytest.fixture
def made(agencies: None, rows: Rows) -> LedgerRows:
    """Return a writer of ledger rows in any state that a page may show."""
    return LedgerRows(rows)


DEPARTMENT = "so.tttt@khanhhoa.example.vn"


@pytest.fixture
def mailbox(monkeypatch: pytest.MonkeyPatch, configure: Callable[..., None]) -> list[tuple[str, str, str]]:
    """Return the list of mails to the Department that a fake mail server accepts: recipient, subject and text."""
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
    """Return a function that mails the waiting page requests and carries them out as if an hour had passed.

    A page request is an order that a person gave on a page.
    """

    def pass_by() -> RequestCounts:
        carry_out_requests()
        # A trigger forbids changes of a request's times. The trigger is disabled to move the times back by an hour.
        rows("ALTER TABLE motcua.page_requests DISABLE TRIGGER keep_page_request")
        rows(
            "UPDATE motcua.page_requests"
            " SET told_at = told_at - interval '1 hour', applies_at = applies_at - interval '1 hour'"
        )
        rows("ALTER TABLE motcua.page_requests ENABLE TRIGGER keep_page_request")
        return carry_out_requests()

    return pass_by
