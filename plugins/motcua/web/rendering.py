"""How a staff page is made from its template, and how one is refused."""

from __future__ import annotations

import secrets
from functools import lru_cache
from typing import Any, Literal, TypeAlias

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment

from motcua.domain.working_days import written_day
from motcua.templating import templates

PageRefusal: TypeAlias = Literal[
    "no_such_page",
    "no_such_year",
    "no_such_day",
    "no_such_agency",
    "no_such_closing",
    "no_such_figure",
    "file_changed",
    "not_so",
    "may_not_acknowledge",
    "may_not_record",
    "may_not_acknowledge_alert",
    "database_away",
    "took_too_long",
    "failed",
]
"""What include/templates/web/refusal.html has words for."""

HEADERS = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}
"""On every answer; a page has its Content-Security-Policy besides."""


class PageRefused(Exception):
    """The page that was asked for cannot be shown; ``words`` fill the places of the refusal's text."""

    def __init__(self, status: int, refusal: PageRefusal, **words: object) -> None:
        super().__init__(refusal)
        self.status, self.refusal, self.words = status, refusal, words


@lru_cache(maxsize=1)
def _templates() -> Environment:
    return templates("web", {"day": written_day})


def render(request: Request, template: str, *, status: int = 200, **values: Any) -> HTMLResponse:  # noqa: ANN401
    """A page from include/templates/web.

    The template also gets ``base``, the address below which the pages are mounted, ``path``, the page's own, and the
    ``nonce`` without which no style counts: pages hold no script and load nothing.
    """
    nonce = secrets.token_urlsafe(16)
    base: str = request.scope.get("root_path", "")
    text = _templates().get_template(template).render(nonce=nonce, base=base, path=request.url.path, **values)
    policy = (
        f"default-src 'none'; style-src 'nonce-{nonce}'; img-src data:; form-action 'self'; base-uri 'none';"
        # Airflow shows the pages in a frame.
        " frame-ancestors 'self'"
    )
    return HTMLResponse(text, status, HEADERS | {"Content-Security-Policy": policy})


def render_refusal(request: Request, status: int, refusal: PageRefusal, **words: object) -> HTMLResponse:
    """The page that says why there is no page."""
    return render(request, "refusal.html", status=status, refusal=refusal, words=words)
