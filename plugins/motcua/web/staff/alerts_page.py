"""The page *Giám sát*: the faults that the watch found, who attends to each, and whether the watch itself is running.

The page has two forms. With the first form, somebody acknowledges an open alert. The second form appears if messages
are on hold because the ledger may have been restored to an earlier state. In the second form somebody states whether
the ledger was restored. Another page then shows what this answer would do to the messages, and asks for a confirmation.
Only the Department may use the forms. Auditors see the page without its forms, and nobody else sees it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse, Response

from motcua.domain.checks import ALERT_NAMES, CHECKS
from motcua.domain.clock import VIETNAM
from motcua.domain.phones.reading import holds_phone
from motcua.domain.watching.alerts import Alert
from motcua.domain.watching.judging import silence_of
from motcua.jobs.listing.reading import Listing
from motcua.reports.checks import InWords, LookInWords, alert_in_words, handbook_words, look_in_words
from motcua.reports.lists import MOST_ROWS
from motcua.reports.wording import list_words
from motcua.store.ledger.database import page_connection
from motcua.store.notices.gaps import answer_gap, belief, open_gap
from motcua.store.watching.watch import WatchLife, acknowledge_alert, list_alerts, watch_life
from motcua.web.forms import PageRefused, must_be_own_form, sent_form
from motcua.web.lists import FileFormat, file_of
from motcua.web.rendering import led_to, render
from motcua.web.visitors import Visits

LONGEST_REASON = 300
_SHOWN = 100
_OVER_FOR = timedelta(days=7)

router = APIRouter()


@dataclass(frozen=True, slots=True)
class Shown:
    """An alert as the page shows it."""

    kept: Alert
    words: InWords


@router.get("/alerts")
def show_alerts(request: Request, visits: Visits, said: str = "") -> HTMLResponse:
    """Show open alerts, and alerts that ended within the last seven days (``_OVER_FOR``).

    Only the Department and auditors see the page: faults of sources, gateways and machines are the Department's
    business.
    """
    visits.must_see_all()
    return _page(request, said if said in ("acknowledged", "let_go", "put_back") else "", decides=visits.is_operator)


@router.get("/alerts/file")
def download_alerts(request: Request, visits: Visits, format: FileFormat, of: Literal["alerts", "looks"]) -> Response:
    """Return the alerts of the page, or what the watch found at its last check, as a file."""
    visits.must_see_all()
    now = datetime.now(UTC)
    with page_connection() as connection:
        life = watch_life(connection)
        kept = list_alerts(connection, now - _OVER_FOR, MOST_ROWS + 1)
    as_of = life.looked_at if life is not None else None
    if of == "looks":
        return file_of(request, visits, Listing("looks").of(_looks(life)), format, about=[], as_of=as_of)
    states = list_words()["alert_state"]
    rows = []
    for each in (each for each in kept if each.name in ALERT_NAMES):
        words = alert_in_words(each)
        state = "over" if each.over_at else "known" if each.acknowledged_at else "open"
        rows.append(
            {
                "state": states[state],
                "alert": words.title,
                "meaning": words.meaning,
                "action": words.todo,
                "raised_at": each.raised_at,
                "acknowledged_by": each.acknowledged_by,
                "acknowledged_at": each.acknowledged_at,
                "over_at": each.over_at,
                "key": words.key,
            }
        )
    about = [list_words()["told"]["alerts"]]
    return file_of(request, visits, Listing("alerts").of(rows), format, about=about, as_of=as_of)


@router.get("/checks/{name}")
def show_check(request: Request, visits: Visits, name: str) -> HTMLResponse:
    """Show the handbook's page of a check: its meaning and what to do. The page shows no rows of the ledger."""
    if name not in CHECKS:
        raise PageRefused(HTTPStatus.NOT_FOUND, "no_such_page")
    said = handbook_words(name)
    return render(request, "check.html", check=CHECKS[name], said=said)


@router.post("/alerts")
def acknowledge(request: Request, visits: Visits, fields: Annotated[dict[str, str], Depends(sent_form)]) -> Response:
    """Store that the visitor attends to an open alert, and show the page again."""
    visits.must_be_operator()
    who = visits.signature
    must_be_own_form(request, fields)
    name, subject = fields.get("name", ""), fields.get("subject", "")
    if name not in ALERT_NAMES or "\x00" in subject:
        raise PageRefused(HTTPStatus.BAD_REQUEST, "not_so")
    with page_connection() as connection:
        acknowledge_alert(connection, name, subject, who, datetime.now(UTC))
    return led_to(request, "/alerts", {"said": "acknowledged"})


@router.post("/alerts/gap")
def answer(request: Request, visits: Visits, fields: Annotated[dict[str, str], Depends(sent_form)]) -> Response:
    """Show what a visitor's answer would do to the messages on hold, or carry the answer out.

    The answer states whether the ledger was restored. Once the visitor confirms the answer, these messages are sent or
    become ``unknown``.
    """
    visits.must_be_operator()
    who = visits.signature
    must_be_own_form(request, fields)
    reason, became = fields.get("reason", "").strip(), fields.get("became", "")
    if became not in ("let_go", "put_back"):
        raise PageRefused(HTTPStatus.BAD_REQUEST, "not_so")
    if not reason or len(reason) > LONGEST_REASON or not reason.isprintable() or holds_phone(reason):
        return _page(request, "no_reason", decides=True, reason=reason, status=HTTPStatus.UNPROCESSABLE_ENTITY)
    with page_connection() as connection:
        gap = open_gap(connection)
        if gap is None or gap.held_until is None or str(gap.gap_no) != fields.get("gap"):
            return _page(request, "answered", decides=True, reason=reason, status=HTTPStatus.CONFLICT)
        if fields.get("sure") != "yes":
            return render(request, "alerts_ask.html", gap=gap, became=became, reason=reason, local=VIETNAM)
        sent_until = gap.held_until if became == "put_back" else None
        answer_gap(connection, gap.gap_no, sent_until=sent_until, by=who, reason=reason, now=datetime.now(UTC))
    return led_to(request, "/alerts", {"said": became})


def _page(request: Request, said: str, *, decides: bool, reason: str = "", status: int = HTTPStatus.OK) -> HTMLResponse:
    now = datetime.now(UTC)
    with page_connection() as connection:
        gap, believed = open_gap(connection), belief(connection)
        life = watch_life(connection)
        kept = list_alerts(connection, now - _OVER_FOR, _SHOWN)
    shown = [Shown(each, alert_in_words(each)) for each in kept if each.name in ALERT_NAMES]
    return render(
        request,
        "alerts.html",
        status=status,
        as_of=life.looked_at if life is not None else None,
        life=life,
        silent=silence_of(life.looked_at if life else None, now) is not None,
        open_ones=[each for each in shown if each.kept.over_at is None and each.kept.acknowledged_at is None],
        known=[each for each in shown if each.kept.over_at is None and each.kept.acknowledged_at is not None],
        over=[each for each in shown if each.kept.over_at is not None],
        looks=_looks(life),
        gap=gap if gap is not None and gap.held_until is not None else None,
        believed=believed,
        longest=LONGEST_REASON,
        reason=reason,
        decides=decides,
        said=said,
        local=VIETNAM,
    )


def _looks(life: WatchLife | None) -> list[LookInWords]:
    """Return the results of the watch's last checks in words, without checks that this software version does not
    know."""
    looks = life.looks if life is not None else []
    found = (look_in_words(str(each["check"]), str(each["state"]), each["facts"]) for each in looks)
    return [each for each in found if each is not None]
