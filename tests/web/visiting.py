"""A visitor of the staff pages whose role the test chooses, without Airflow's sign-in.

The file test_pages.py tests how Airflow's own users become visitors.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from typing import Any

from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.testclient import TestClient

from motcua.domain.people import ViewerRole
from motcua.jobs.listing.reading import Listing
from motcua.web.airflow import Account, AirflowRun, account_finder, run_finder, run_starter
from motcua.web.visitors import Visitor, visitor


@dataclass
class Visiting:
    """The present visitor of the pages. A test may change the visitor between two requests."""

    name: str = "lan"
    role: ViewerRole = "operator"
    agencies: frozenset[str] | None = None
    airflow_run: AirflowRun | None = None
    accounts: list[Account] | None = None
    """The accounts that may sign in, as Airflow would list them."""
    started: list[tuple[str, str]] = field(default_factory=list)
    """DAGs whose runs a page started, and who started them."""

    def visit_as(self, role: ViewerRole, *agencies: str, name: str = "lan") -> None:
        """Make the visitor a person with this role. ``agencies`` counts only for the roles ``agency`` and ``clerk``."""
        self.name, self.role = name, role
        self.agencies = frozenset(agencies) if role in ("agency", "clerk") else None

    def airflow_says(self, run: AirflowRun | None) -> None:
        """Make Airflow return this run for each run that a page asks for."""
        self.airflow_run = run

    def let_into(self, pages: FastAPI) -> None:
        """Make this visitor the signed-in user of an app with pages."""

        def visits(request: Request) -> Visitor:
            request.state.visitor = Visitor(self.name, self.role, self.agencies)
            return request.state.visitor

        pages.dependency_overrides[visitor] = visits
        pages.dependency_overrides[run_finder] = lambda: lambda dag_id, run_id: self.airflow_run
        pages.dependency_overrides[account_finder] = lambda: lambda: self.accounts
        pages.dependency_overrides[run_starter] = lambda: lambda dag_id, by: not self.started.append((dag_id, by))

    def mount(self) -> FastAPI:
        """Return all pages as Airflow mounts them, with this visitor."""
        from motcua.web.pages import create_pages  # imported late, because the import of Airflow takes seconds

        return self.mounted(create_pages())

    def mounted(self, pages: FastAPI) -> FastAPI:
        """Return the given pages as Airflow mounts them, with this visitor."""
        self.let_into(pages)
        server = FastAPI()
        server.mount("/motcua", pages)
        return server

    def alone(self, router: APIRouter) -> FastAPI:
        """Return an app with the routes of one page. The app shows refusals as the app of all pages does."""
        from motcua.web.forms import PageRefused
        from motcua.web.rendering import render_refusal

        def tell(request: Request, refused: Any) -> Response:
            return render_refusal(request, refused.status, refused.refusal, **refused.words)

        pages = FastAPI()
        pages.include_router(router)
        self.let_into(pages)
        pages.add_exception_handler(PageRefused, tell)
        return pages

    def list_alone(self, listing: Listing, address: str) -> AbstractContextManager[TestClient]:
        """Return a browser for the page of one list and for the files of the list."""
        from motcua.web.lists import list_page
        from motcua.web.pages import create_pages

        router = APIRouter()
        list_page(router, address, listing)
        return self.browse(self.mounted(create_pages([router])))

    @contextmanager
    def browse(self, app: FastAPI) -> Iterator[TestClient]:
        """Yield a browser for an app. The visitor is an operator of the Department until the test changes the role."""
        self.visit_as("operator")
        self.airflow_says(None)
        self.accounts = None
        self.started.clear()
        with TestClient(app, raise_server_exceptions=False, follow_redirects=False) as http:
            http.cookies.set("_token", "a-session")
            yield http


VISITING = Visiting()
"""The visitor of the pages that tests/web/pages/conftest.py serves."""


def words(answer: Any) -> str:
    """Return the visible text of a page, including its header."""
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", answer.text.partition("</style>")[2])))


def page_words(answer: Any) -> str:
    """Return the visible text of a page, which must have the status 200."""
    assert answer.status_code == 200
    return words(answer)


def form_of(page: str, begins: str) -> dict[str, str]:
    """Return the fields that a browser would send with the first POST form after the text ``begins``."""
    part = page[page.index(begins) :]
    part = part[part.index('<form method="post"') : part.index("</form>")]
    return {name: html.unescape(value) for name, value in re.findall(r'name="(\w+)" value="([^"]*)"', part)}


def token_of(http: TestClient, address: str = "/motcua/dossiers") -> str:
    """Return the token for forms. All pages of a session have the same token; the page of dossiers is the quickest."""
    found = re.search(r'name="token" value="([^"]+)"', http.get(address).text)
    assert found is not None
    return found[1]
