"""Render staff pages and refusals from their templates."""

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
"""Headers of every answer. Pages also have a Content-Security-Policy."""


@lru_cache(maxsize=1)
def _templates() -> Environment:
    environment = templates("web", {"day": written_day, "moment": moment})
    environment.globals["version"] = version()
    return environment


def load_every_page() -> None:
    """Compile the templates of all pages, which Jinja caches."""
    environment = _templates()
    for name in environment.list_templates(extensions=["html"]):
        environment.get_template(name)


def render(request: Request, template: str, *, status: int = 200, **values: Any) -> HTMLResponse:  # noqa: ANN401
    """Render a page from include/templates/web.

    The template also gets:
    - ``base``: the address below which the pages are mounted;
    - ``path``: the page's own address below ``base``;
    - ``visitor``: the visitor, or ``None`` if the page was refused before the visitor was known;
    - ``framed``: whether Airflow shows the page in a frame;
    - ``airflow``, ``sign_out``: the addresses of Airflow's own pages and of signing out;
    - ``token``: the token that forms must send back;
    - ``at``: the page's query, which a form sends back so that order, search and filters of lists stay;
    - ``as_of``: the moment of the shown data. The default is now; ``None`` means that the moment is unknown;
    - ``nonce``: the value without which the browser ignores a style.

    Pages load nothing from elsewhere, and hold no script unless the value ``prints`` is given.
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
        # Do not write a phone number from an address into the page.
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
    """Redirect to another staff page, usually after a form was sent.

    Args:
        request: the request that is answered.
        address: the address below the pages' base.
        query: the query of the address. Empty values are left out.
        place: the anchor on the page.
    """
    given = list(query.items() if isinstance(query, Mapping) else query)
    # A form sends the order, the search and the filters of the lists on its page. Keep them in the new address.
    stays = kept_query(request, *dict(given)) if request.method == "POST" else []
    asked = [*stays, *(each for each in given if each[1])]
    to = f"{request.scope.get('root_path', '')}{address}{'?' if asked else ''}{urlencode(asked)}{place}"
    return RedirectResponse(to, HTTPStatus.SEE_OTHER, HEADERS)


def render_refusal(request: Request, status: int, refusal: PageRefusal, **words: object) -> HTMLResponse:
    """Render the page that states why the requested page is not shown."""
    return render(request, "refusal.html", status=status, refusal=refusal, words=words, back=_page_before(request))


def _page_before(request: Request) -> str:
    """Return the address of the staff page that led here, or an empty text if no other staff page did."""
    base: str = request.scope.get("root_path", "")
    try:
        before = urlsplit(request.headers.get("referer", ""))
    except ValueError:
        return ""
    address = before.path + (f"?{before.query}" if before.query else "")
    here = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    is_ours = before.netloc == request.url.netloc and before.path.startswith(f"{base}/")
    # An address that begins with two slashes would lead to another host.
    if not is_ours or address.startswith("//") or address == here:
        return ""
    return address
