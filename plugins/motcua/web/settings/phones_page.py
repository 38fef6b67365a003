"""The page *Chất lượng số điện thoại* of an agency, before it joins or later: which open dossiers nobody could text.

The list is printed for the one-stop desk, which mends the numbers in its own software; it holds no number and no name.
"""

from __future__ import annotations

from datetime import UTC, datetime

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response

from motcua.jobs.handed_in.phones import phone_labels
from motcua.reports import wording
from motcua.reports.lists import MOST_ROWS, Row
from motcua.store.agencies import Agency
from motcua.store.ledger.database import Connection, page_connection
from motcua.store.notices.dossiers import open_dossiers_without_phone, phones_of_open_dossiers
from motcua.web.lists.files import FileFormat, at_most, list_file
from motcua.web.rendering import render
from motcua.web.settings.page import open_for
from motcua.web.visitors import Visitor, Visits

_SHOWN = 200
"""Dossiers on the page; all are in its file."""

router = APIRouter()


@router.get("/settings/phones")
def show_phones(request: Request, visits: Visits, code: str = "") -> HTMLResponse:
    """How many of an agency's open dossiers can be texted, and the first of those that cannot."""
    with page_connection() as connection:
        agency = _agency(connection, visits, code)
        counts = phones_of_open_dossiers(connection, agency.agency_code)
        rows = open_dossiers_without_phone(connection, agency.agency_code, _SHOWN)
    reasons = sorted(((number, reason) for reason, number in counts.items() if reason), reverse=True)
    every = sum(counts.values())
    return render(
        request,
        "settings/phones.html",
        agency=agency,
        every=every,
        good=counts.get(None, 0),
        share=wording.percent(counts.get(None, 0) / every) if every else "",
        reasons=reasons,
        rows=rows,
        labels=phone_labels(),
        count=wording.count,
        shown=_SHOWN,
    )


@router.get("/settings/phones/file")
def download_phones(visits: Visits, format: FileFormat, code: str = "") -> Response:
    """All of an agency's open dossiers that nobody could text, with what to do."""
    with page_connection() as connection:
        agency = _agency(connection, visits, code)
        found = open_dossiers_without_phone(connection, agency.agency_code, MOST_ROWS + 1)
    labels = {str(code): label for code, label in phone_labels().items()}
    rows: list[Row] = [
        [
            each.dossier_code,
            each.procedure_name or each.procedure_code,
            each.received_at,
            labels[each.phone_refusal].title,
            labels[each.phone_refusal].action,
        ]
        for each in found
    ]
    columns = ["dossier_code", "procedure", "taken_in_at", "reason", "what"]
    about = [f"{agency.name} ({agency.agency_code})"]
    return list_file(format, "phones_to_mend", about, columns, at_most(rows), as_of=datetime.now(UTC))


def _agency(connection: Connection, visits: Visitor, code: str) -> Agency:
    return open_for(connection, visits, code).agency
