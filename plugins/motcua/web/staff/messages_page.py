"""The page *Tin nhắn*, and its tabs *9029* and *Chưa rõ kết quả*.

The page lists messages. Figures on other pages have links to this page, which show the messages that the figures count.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from http import HTTPStatus
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse, Response

from motcua.domain.phones.reading import holds_phone, mask_phones
from motcua.domain.run_window import EVERYTHING
from motcua.jobs.listing.lists import HELD, INQUIRIES, MESSAGES, RELEASED, USUAL_DAYS, asked_inquiries, inquiries_asked
from motcua.reports import wording
from motcua.settings import settings
from motcua.store.agencies import list_agencies
from motcua.store.browsing import InquiriesOfDay, inquiries_by_day, repeated_codes, repeated_phones
from motcua.store.ledger.database import page_connection
from motcua.store.notices.messages import count_held, held
from motcua.store.oversight.page_requests import ask, open_requests
from motcua.web.forms import PageRefused, kept_query, must_be_own_form, number_in, sent_choices
from motcua.web.lists import FileFormat, Query, asked_of, list_file, list_page, shown_list
from motcua.web.rendering import led_to, render
from motcua.web.staff.requests_page import waiting_requests
from motcua.web.visitors import Visitor, Visits

router = APIRouter()
list_page(router, "/messages", MESSAGES)


# --- 9029: inquiries of citizens by text message ---------------------------------------------------------------------

_REPEATED = 20
"""Largest number of rows of each of two tables: unknown codes that were asked for repeatedly, and phones that asked for
unknown codes repeatedly."""


@dataclass(frozen=True, slots=True)
class DayRow:
    """The inquiries of one day."""

    day: date
    counts: dict[str, int]
    """Number of inquiries by outcome."""

    @property
    def all(self) -> int:
        """Number of inquiries of the day."""
        return sum(self.counts.values())


@router.get("/messages/inquiries")
def show_inquiries(request: Request, visits: Visits) -> HTMLResponse:
    """Show the inquiries of the requested days, with counts by day and outcome.

    A visitor who sees all agencies also gets the unknown codes that were asked for repeatedly, and the phones that
    asked for unknown codes repeatedly.
    """
    days: list[DayRow] = []
    codes, phones = [], []
    with page_connection() as connection:
        asked = asked_inquiries(asked_of(connection, request, visits, INQUIRIES))
        wanted = inquiries_asked(asked)
        shown = shown_list(connection, request, visits, INQUIRIES, asked)
        if not asked.faults:
            days = _by_day(inquiries_by_day(connection, wanted))
            if wanted.agencies is None:
                since = max(wanted.begins, wanted.ends - timedelta(days=USUAL_DAYS))
                codes = repeated_codes(connection, since, wanted.ends, _REPEATED)
                phones = repeated_phones(connection, since, wanted.ends, _REPEATED)
    outcomes = wording.list_words()["outcome"]
    return render(
        request,
        "messages/inquiries.html",
        status=HTTPStatus.BAD_REQUEST if asked.faults else HTTPStatus.OK,
        shown=shown,
        chosen=asked.given,
        first=wanted.begins,
        last=wanted.ends - timedelta(days=1),
        usual_days=USUAL_DAYS,
        days=days,
        total={name: sum(each.counts.get(name, 0) for each in days) for name in outcomes},
        codes=[(each, mask_phones(each.asked_code)) for each in codes],
        phones=[(each, visits.phone(each.msisdn), mask_phones(each.asked_code or "")) for each in phones],
        outcomes=outcomes,
        w=wording,
    )


@router.get("/messages/inquiries/file")
def download_inquiries(request: Request, visits: Visits, format: FileFormat) -> Response:
    """Return the list of inquiries as a file, the newest first. A file has at most ``reports.lists.MOST_ROWS``
    inquiries."""
    with page_connection() as connection:
        asked = asked_inquiries(asked_of(connection, request, visits, INQUIRIES))
    return list_file(request, visits, INQUIRIES, asked, format)


def _by_day(counted: Sequence[InquiriesOfDay]) -> list[DayRow]:
    found: dict[date, dict[str, int]] = {}
    for each in counted:
        found.setdefault(each.day, {})[each.outcome] = each.inquiries
    return [DayRow(day, counts) for day, counts in found.items()]


# --- Chưa rõ kết quả: messages of unknown outcome --------------------------------------------------------------------

LONGEST_REASON = 500

Choices = Annotated[list[tuple[str, str]], Depends(sent_choices)]


@router.get("/messages/unknown")
def show_unknown(request: Request, visits: Visits, said: str = "", every: bool = False) -> HTMLResponse:
    """Show messages of unknown outcome that are still useful, the oldest first, and releases, the latest first.

    A release is a person's order to send a message again. If ``every`` is true, the boxes of all messages on the page
    are ticked.
    """
    query = kept_query(request)
    return _unknown_page(request, visits, query, "asked" if said == "asked" else "", every=every)


@router.get("/messages/unknown/file")
def download_unknown(request: Request, visits: Visits, format: FileFormat, of: Literal["held", "released"]) -> Response:
    """Return all messages that wait for a decision, the oldest first, or all releases, the latest first, as a file."""
    listing = HELD if of == "held" else RELEASED
    with page_connection() as connection:
        asked = asked_of(connection, request, visits, listing)
    return list_file(request, visits, listing, asked, format)


@router.post("/messages/unknown")
def release_unknown(request: Request, visits: Visits, sent: Choices) -> Response:
    """Ask the visitor whether to send the chosen messages again, or store the request to release them."""
    visits.must_be_operator()
    who = visits.signature
    fields = dict(sent)
    chosen = [number for name, value in sent if name == "held" and (number := number_in(value))]
    at, reason = kept_query(request), fields.get("reason", "").strip()
    must_be_own_form(request, fields)
    decision = fields.get("decision", "")
    if decision not in ("ask", "release"):
        raise PageRefused(HTTPStatus.BAD_REQUEST, "not_so")
    if why := _fault(chosen, reason):
        status = HTTPStatus.UNPROCESSABLE_ENTITY
        return _unknown_page(request, visits, at, "refused", why=why, reason=reason, chosen=chosen, status=status)
    if decision == "ask":
        return _ask_again(request, reason, chosen)
    with page_connection() as connection:
        ask(connection, "release", {"reason": reason, "messages": chosen}, who)
    return led_to(request, "/messages/unknown", {"said": "asked"})


def _fault(chosen: Sequence[int], reason: str) -> str:
    """Return what is wrong with a form, in words, or an empty text if nothing is."""
    words = wording.list_words()["release"]
    if not chosen:
        return str(words["nothing_chosen"])
    if not reason:
        return str(words["no_reason"])
    if len(reason) > LONGEST_REASON or not reason.isprintable():
        return str(words["long_reason"].format(most=LONGEST_REASON))
    if holds_phone(reason):
        return str(words["phone_in_reason"])
    return ""


def _ask_again(request: Request, reason: str, chosen: Sequence[int]) -> HTMLResponse:
    now = datetime.now(UTC)
    with page_connection() as connection:
        rows = held(connection, useful_at=now, limit=len(chosen), message_ids=chosen)
        names = {each.agency_code: each.short_name or each.name for each in list_agencies(connection)}
    return render(
        request,
        "messages/unknown_ask.html",
        rows=rows,
        settled=len(set(chosen)) - len(rows),
        too_soon=sum(each.useful_until <= now + settings().requests_after for each in rows),
        reason=reason,
        names=names,
        words=wording.publication_words(),
        w=wording,
    )


def _unknown_page(
    request: Request,
    visits: Visitor,
    query: Query,
    said: str,
    *,
    every: bool = False,
    why: str = "",
    reason: str = "",
    chosen: Sequence[int] = (),
    status: int = HTTPStatus.OK,
) -> HTMLResponse:
    now = datetime.now(UTC)
    with page_connection() as connection:
        shown = shown_list(connection, request, visits, HELD, query=query)
        let_go = shown_list(connection, request, visits, RELEASED, prefix="released_", query=query)
        at_gateways = count_held(connection, EVERYTHING, now, visits.listed)
        asked = waiting_requests(connection, visits, "release")
        waiting = {number for each in open_requests(connection, "release") for number in each.wanted["messages"]}
    return render(
        request,
        "messages/unknown.html",
        status=status,
        shown=shown,
        let_go=let_go,
        at_gateways=at_gateways,
        useful=sum(each.useful for each in at_gateways),
        too_late=sum(each.held - each.useful for each in at_gateways),
        said=said,
        why=why,
        reason=reason,
        chosen={row.message_id for row in shown.part.rows} if every else set(chosen),
        asked=asked,
        waiting=waiting,
        longest=LONGEST_REASON,
        w=wording,
    )
