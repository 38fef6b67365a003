"""How a staff page is made from its template, and how one is refused."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from http import HTTPStatus
from typing import Any, TypeAlias
from urllib.parse import urlencode, urlsplit

from fastapi import Request
from fastapi.responses import HTMLResponse, RedirectResponse
from jinja2 import Environment

from motcua.domain.phones.reading import holds_phone
from motcua.domain.working_days import written_day
from motcua.reports.wording import moment
from motcua.templating import templates
from motcua.version import version
from motcua.web.airflow import airflow_address, sign_out_address
from motcua.web.forms import PageRefusal, form_token, kept_query

Query: TypeAlias = Mapping[str, str] | Sequence[tuple[str, str]]

HEADERS = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}
"""On every answer; a page has its Content-Security-Policy besides."""


@lru_cache(maxsize=1)
def _templates() -> Environment:
    environment = templates("web", {"day": written_day, "moment": moment})
    environment.globals["version"] = version()
    return environment


def load_every_page() -> None:
    """Compiles the templates of all pages, which Jinja keeps."""
    environment = _templates()
    for name in environment.list_templates(extensions=["html"]):
        environment.get_template(name)


def render(request: Request, template: str, *, status: int = 200, **values: Any) -> HTMLResponse:  # noqa: ANN401
    """A page from include/templates/web.

    The template also gets ``base``, the address below which the pages are mounted, ``path``, the page's own below it,
    ``visitor`` (``None``: not known when the page was refused), ``framed`` (Airflow shows it in a frame of its own),
    the ``token`` of its forms, ``at`` (what a form on a page with lists brings back, so that order, search and filters
    outlive it), ``as_of`` (when what it shows held: now, unless the page says another moment;
    ``None``: nobody knows), and the ``nonce`` without which no style counts: pages load nothing, and
    hold no script, but for one whose values say that it ``prints``.
    """
    nonce = secrets.token_urlsafe(16)
    base: str = request.scope.get("root_path", "")
    given = {
        "nonce": nonce,
        "base": base,
        "path": request.url.path.removeprefix(base),
        "visitor": getattr(request.state, "visitor", None),
        "framed": request.headers.get("sec-fetch-dest") == "iframe",
        "airflow": airflow_address(request),
        "sign_out": sign_out_address(request),
        "token": form_token(request),
        # A number that somebody put into an address is written into no page.
        "at": urlencode([each for each in kept_query(request) if not holds_phone(each[1])]),
        "as_of": datetime.now(UTC),
    }
    text = _templates().get_template(template).render(given | values)
    policy = (
        f"default-src 'none'; style-src 'nonce-{nonce}'; img-src data:; form-action 'self'; base-uri 'none';"
        # Airflow shows the pages in a frame.
        " frame-ancestors 'self'"
    )
    if values.get("prints"):
        policy += f"; script-src 'nonce-{nonce}'"
    return HTMLResponse(text, status, HEADERS | {"Content-Security-Policy": policy})


def led_to(request: Request, address: str, query: Query = (), place: str = "") -> RedirectResponse:
    """Leads on to a page of ours, after a form.

    Args:
        request: that is answered.
        address: below the pages.
        query: what it asks; what says nothing is left out.
        place: of the page.
    """
    given = list(query.items() if isinstance(query, Mapping) else query)
    # A form brings the order, the search and the filters of the lists on its page.
    stays = kept_query(request, *dict(given)) if request.method == "POST" else []
    asked = [*stays, *(each for each in given if each[1])]
    to = f"{request.scope.get('root_path', '')}{address}{'?' if asked else ''}{urlencode(asked)}{place}"
    return RedirectResponse(to, HTTPStatus.SEE_OTHER, HEADERS)


def render_refusal(request: Request, status: int, refusal: PageRefusal, **words: object) -> HTMLResponse:
    """The page that says why there is no page."""
    return render(request, "refusal.html", status=status, refusal=refusal, words=words, back=_page_before(request))


def _page_before(request: Request) -> str:
    """The address of the page of ours that led here; empty: none did, or it led to itself."""
    base: str = request.scope.get("root_path", "")
    try:
        before = urlsplit(request.headers.get("referer", ""))
    except ValueError:
        return ""
    address = before.path + (f"?{before.query}" if before.query else "")
    here = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    is_ours = before.netloc == request.url.netloc and before.path.startswith(f"{base}/")
    # Two slashes would begin another host.
    if not is_ours or address.startswith("//") or address == here:
        return ""
    return address
