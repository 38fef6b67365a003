"""Fixtures of the browser tests: an office (see office.py), and a browser that can reach only the office's host."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Route, sync_playwright
from psycopg.rows import dict_row

from tests.ground import Server
from tests.journeys.office import Office
from tests.journeys.office import office as open_office

SIZES = {"wide": (1280, 800), "narrow": (390, 844), "narrowest": (320, 640)}


@pytest.fixture(scope="package")
def office(postgres: Server, migrated: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    with open_office(postgres, migrated, tmp_path_factory.mktemp("office")) as opened:
        yield opened


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """Start Chromium, and close it after the last browser test.

    As long as Chromium is open, an event loop runs in this thread.
    """
    program = shutil.which("chromium")
    if program is None:
        pytest.skip("Chromium is not installed")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield started
        started.close()


class Elsewhere(list[str]):
    """Addresses of other hosts that a page requested. The browser refuses these requests."""


@pytest.fixture
def elsewhere() -> Elsewhere:
    return Elsewhere()


@pytest.fixture
def open_page(office: Office, browser: Browser, elsewhere: Elsewhere) -> Iterator[Callable[[str], Page]]:
    """Yield a function that opens a new browser window of a size. Requests to other hosts are refused and recorded."""
    contexts: list[BrowserContext] = []
    host = office.url.split("/")[2]

    def only_here(route: Route) -> None:
        if route.request.url.split("/")[2] == host or route.request.url.startswith("data:"):
            route.continue_()
        else:
            elsewhere.append(route.request.url)
            route.abort()

    def fresh(size: str = "wide") -> Page:
        width, height = SIZES[size]
        context = browser.new_context(viewport={"width": width, "height": height}, locale="vi-VN")
        context.route("**/*", only_here)
        context.set_default_timeout(20_000)
        contexts.append(context)
        return context.new_page()

    yield fresh
    for context in contexts:
        context.close()


@pytest.fixture
def ledger_rows(office: Office) -> Callable[[str], list[dict[str, Any]]]:
    """Return a function that queries the office's ledger as the database's administrator."""

    def ask(statement: str) -> list[dict[str, Any]]:
        with psycopg.connect(office.ledger, row_factory=dict_row) as connection:
            return connection.execute(statement).fetchall()

    return ask
