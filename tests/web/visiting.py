"""Pages visited by whom a test says, past Airflow's sign-in; how Airflow's own users become visitors: test_pages.py."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass
from typing import Any

from fastapi import FastAPI, Request

from motcua.domain.people import ViewerRole
from motcua.web.visitors import Visitor, visitor


@dataclass
class Visiting:
    """Whoever visits the pages now; a test may change it between two requests."""

    name: str = "lan"
    role: ViewerRole = "operator"
    agencies: frozenset[str] | None = None

    def visit_as(self, role: ViewerRole, *agencies: str, name: str = "lan") -> None:
        """From now on it is somebody of this role, of an agency's with these agencies."""
        self.name, self.role = name, role
        self.agencies = frozenset(agencies) if role == "agency" else None

    def let_into(self, pages: FastAPI) -> None:
        """Has these pages, or one of them alone, visited by this one."""

        def visits(request: Request) -> Visitor:
            request.state.visitor = Visitor(self.name, self.role, self.agencies)
            return request.state.visitor

        pages.dependency_overrides[visitor] = visits

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


VISITING = Visiting()
"""Who visits the pages of tests/web/pages/conftest.py."""


def words(answer: Any) -> str:
    """What a page says, its header included, as a person reads it."""
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", answer.text.partition("</style>")[2])))
