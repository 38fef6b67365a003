"""Pages visited by whom a test says, past Airflow's sign-in; how Airflow's own users become visitors: test_pages.py."""

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
    """Whoever visits the pages now; a test may change it between two requests."""

    name: str = "lan"
    role: ViewerRole = "operator"
    agencies: frozenset[str] | None = None
    airflow_run: AirflowRun | None = None
    accounts: list[Account] | None = None
    """Who may sign in, as Airflow tells it."""
    started: list[tuple[str, str]] = field(default_factory=list)
    """Runs that pages had started, and by whom."""

    def visit_as(self, role: ViewerRole, *agencies: str, name: str = "lan") -> None:
        """From now on it is somebody of this role, of an agency's with these agencies."""
        self.name, self.role = name, role
        self.agencies = frozenset(agencies) if role in ("agency", "clerk") else None

    def airflow_says(self, run: AirflowRun | None) -> None:
        """From now on Airflow says this of whatever run a page asks for."""
        self.airflow_run = run

    def let_into(self, pages: FastAPI) -> None:
        """Has these pages, or one of them alone, visited by this one."""

        def visits(request: Request) -> Visitor:
            request.state.visitor = Visitor(self.name, self.role, self.agencies)
            return request.state.visitor

        pages.dependency_overrides[visitor] = visits
        pages.dependency_overrides[run_finder] = lambda: lambda dag_id, run_id: self.airflow_run
        pages.dependency_overrides[account_finder] = lambda: lambda: self.accounts
        pages.dependency_overrides[run_starter] = lambda: lambda dag_id, by: not self.started.append((dag_id, by))

    def mount(self) -> FastAPI:
        """The pages as Airflow mounts them, visited by this one."""
        from motcua.web.pages import create_pages  # Airflow's part of it takes seconds to import

        return self.mounted(create_pages())

    def mounted(self, pages: FastAPI) -> FastAPI:
        """These pages, mounted likewise."""
        self.let_into(pages)
        server = FastAPI()
        server.mount("/motcua", pages)
        return server

    def alone(self, router: APIRouter) -> FastAPI:
        """One page's routes, whose refusals are told as beside the others."""
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
        """A browser at the page of one list, and its files."""
        from motcua.web.lists import list_page
        from motcua.web.pages import create_pages

        router = APIRouter()
        list_page(router, address, listing)
        return self.browse(self.mounted(create_pages([router])))

    @contextmanager
    def browse(self, app: FastAPI) -> Iterator[TestClient]:
        """A browser at these pages; the Department's operator until a test says otherwise."""
        self.visit_as("operator")
        self.airflow_says(None)
        self.accounts = None
        self.started.clear()
        with TestClient(app, raise_server_exceptions=False, follow_redirects=False) as http:
            http.cookies.set("_token", "a-session")
            yield http


VISITING = Visiting()
"""Who visits the pages of tests/web/pages/conftest.py."""


def words(answer: Any) -> str:
    """What a page says, its header included, as a person reads it."""
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", answer.text.partition("</style>")[2])))


def page_words(answer: Any) -> str:
    """What a page that is there says."""
    assert answer.status_code == 200
    return words(answer)


def form_of(page: str, begins: str) -> dict[str, str]:
    """The fields of the first form that posts after these words of a page, as a browser would send them."""
    part = page[page.index(begins) :]
    part = part[part.index('<form method="post"') : part.index("</form>")]
    return {name: html.unescape(value) for name, value in re.findall(r'name="(\w+)" value="([^"]*)"', part)}


def token_of(http: TestClient, address: str = "/motcua/dossiers") -> str:
    """The token of a page's form: of all pages of a session it is one; that of dossiers is soon there."""
    found = re.search(r'name="token" value="([^"]+)"', http.get(address).text)
    assert found is not None
    return found[1]
