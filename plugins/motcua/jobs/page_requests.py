"""Mails the page requests to the Department, and carries out each request that nobody withdrew in time.

A page request may cause texts to citizens, end texts to some citizens, or change who gets mails. People order it on the
staff pages, and this module carries it out, under another database role. It first waits until a mail server has
accepted a mail about the request; only the confirmation of a year and the verification of a publication need no mail.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from motcua.domain.people import PageRequest
from motcua.jobs.calendars import confirm_year
from motcua.jobs.mailing import hand_to_each, staff_page
from motcua.jobs.notices.receiving import read_left_over_receipts
from motcua.reports.requests import TOLD_OF, Names, RequestInWords, request_in_words, requests_mail
from motcua.settings import settings
from motcua.store.agencies import list_agencies
from motcua.store.intake.exports import form_in_force
from motcua.store.ledger.database import Connection, connect
from motcua.store.notices.templates import national_statuses
from motcua.store.oversight.page_requests import (
    apply_request,
    messages_to_release,
    note_told,
    note_untold,
    open_requests,
    waiting_for_status,
)

log = logging.getLogger(__name__)


@dataclass(slots=True)
class RequestCounts:
    """Counts of page requests, by their result."""

    told: int = 0
    untold: int = 0
    ended: dict[str, int] = field(default_factory=dict)
    """Number of ended requests by outcome."""


def carry_out_requests() -> RequestCounts:
    """Mail new requests, then carry out the requests that have waited long enough."""
    counts = RequestCounts()
    with connect() as ledger:
        new = [each for each in open_requests(ledger) if each.told_at is None]
    if new:
        _mail_requests(new, counts)
    with connect() as ledger:
        # Requests to verify a publication are carried out by another run (motcua.jobs.publications.verifying_in_turn).
        due = [
            each
            for each in open_requests(ledger)
            if each.applies_at and each.applies_at <= datetime.now(UTC) and each.kind != "verify"
        ]
    if any(each.kind == "release" for each in due):
        # Read stored receipts first: a message that a receipt settles must not be sent again.
        read_left_over_receipts()
    for each in due:
        if each.kind == "confirm_year":
            wanted = each.wanted
            confirm_year(wanted["year"], wanted["decision"], each.asked_by, datetime.now(UTC), wanted["province"])
        with connect() as ledger:
            outcome = apply_request(ledger, each.request_no)
        if outcome is not None:
            log.info("request %d, %s of %s: %s", each.request_no, each.kind, each.subject, outcome)
            counts.ended[outcome] = counts.ended.get(outcome, 0) + 1
    return counts


def _mail_requests(new: Sequence[PageRequest], counts: RequestCounts) -> None:
    after, now = settings().requests_after, datetime.now(UTC)
    with connect() as ledger:
        whom = {each.request_no: whom_it_affects(ledger, each) for each in new}
        in_words = [_in_words(ledger, each, whom[each.request_no]) for each in new]
    recipients = settings().department_recipients or settings().watch_recipients
    reached, failure = hand_to_each(
        recipients, lambda: requests_mail(in_words, now + after, staff_page("/requests")), now
    )
    with connect() as ledger:
        if reached:
            for each in new:
                note_told(ledger, each.request_no, whom[each.request_no], after)
            counts.told = len(new)
        else:
            note_untold(ledger, [each.request_no for each in new], failure)
            counts.untold = len(new)


def _in_words(ledger: Connection, request: PageRequest, affected: Mapping[str, Any]) -> RequestInWords:
    agencies = list_agencies(ledger)
    before = next((each.report_recipients for each in agencies if each.agency_code == request.wanted.get("agency")), ())
    names = Names({each.agency_code: each.name for each in agencies}, national_statuses())
    return request_in_words(request, affected, names, addresses_before=before)


def whom_it_affects(ledger: Connection, request: PageRequest) -> dict[str, Any]:
    """Return what a request would affect now: the number of dossiers, messages or recipients. For a request to change a
    form (the description of a source's export files), return the agencies and the statuses of the form in force. The
    result has no mail addresses."""
    wanted = request.wanted
    if request.kind == "map_status":
        if wanted["stands_for"] not in TOLD_OF:
            return {}
        return {"dossiers": waiting_for_status(ledger, wanted["source"], wanted["written"])}
    if request.kind == "release":
        return {"messages": messages_to_release(ledger, wanted["messages"])}
    if request.kind == "recipients":
        agency = next(each for each in list_agencies(ledger) if each.agency_code == wanted["agency"])
        return {"before": len(agency.report_recipients), "after": len(wanted["addresses"])}
    form = form_in_force(ledger, wanted["source"])
    return {"agencies": [*form.agencies], "before": _status_fields(form.form)} if form else {}


def _status_fields(form: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the part of a form that decides which citizens are texted."""
    statuses = form.get("statuses", {})
    return {
        "columns": {"status": form.get("columns", {}).get("status", [])},
        "statuses": {str(code): statuses[str(code)] for code in TOLD_OF if str(code) in statuses},
    }
