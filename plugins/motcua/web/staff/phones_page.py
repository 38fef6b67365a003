"""The page *Chất lượng số điện thoại* of an agency: open dossiers whose citizens cannot be texted, and why.

The one-stop desk gets the printed list and corrects the numbers in its own software. The list holds no number and no
name. Before the system reads an agency's source, the agency can upload a list of its dossiers. The page then checks the
numbers of that list and stores nothing of it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse, Response

from motcua.jobs.handed_in.faults import FileRefused
from motcua.jobs.handed_in.phones import phone_labels
from motcua.jobs.listing.reading import Listing
from motcua.jobs.uploads.reading import ReaderBusy, check_phones_apart
from motcua.jobs.uploads.waiting import usable_name
from motcua.reports import wording
from motcua.reports.lists import dossier_link
from motcua.store.agencies import Agency
from motcua.store.ledger.database import Connection, page_connection
from motcua.store.notices.dossiers import open_dossiers_without_phone, phones_of_open_dossiers
from motcua.web.forms import PageRefused, SentFile, kept_query, must_be_own_form, sent_file
from motcua.web.lists import FileFormat, file_of, shown_list
from motcua.web.rendering import render
from motcua.web.staff.settings_page import open_for
from motcua.web.visitors import Visitor, Visits

LARGEST_LIST = 8 * 1024 * 1024
"""Largest size in bytes of a list that an agency uploads: some hundred thousand dossiers."""

router = APIRouter()


@router.get("/settings/phones")
def show_phones(request: Request, visits: Visits, code: str = "") -> HTMLResponse:
    """Show how many of an agency's open dossiers have a usable number, and the first dossiers that have none."""
    return _page(request, visits, code)


async def _uploaded_form(request: Request, visits: Visits, code: str = "") -> AsyncIterator[SentFile]:
    """Yield the uploaded form. The body is read only after a check that the sender may send it."""
    if visits.is_auditor:
        raise PageRefused(HTTPStatus.FORBIDDEN, "may_not_check")
    visits.must_see(code)
    # A shared account may not check numbers, as it may not search by number.
    assert visits.signature
    async with sent_file(request, LARGEST_LIST, on_disk=False) as sent:
        yield sent


@router.post("/settings/phones/check")
def check_phones(
    request: Request, visits: Visits, sent: Annotated[SentFile, Depends(_uploaded_form)], code: str = ""
) -> HTMLResponse:
    """Show how many rows of a list have a usable number, and which must be corrected. Nothing of the list is stored."""
    unprocessable = HTTPStatus.UNPROCESSABLE_ENTITY
    must_be_own_form(request, sent.fields)
    if not sent.size:
        return _page(request, visits, code, told="empty_file" if sent.name else "no_file", status=unprocessable)
    with page_connection() as connection:
        province = _agency(connection, visits, code).province
    sent.file.seek(0)
    name = usable_name(sent.name, sent.file.read(4))
    try:
        checked = check_phones_apart(sent.file, name, province)
    except ReaderBusy:
        raise PageRefused(HTTPStatus.SERVICE_UNAVAILABLE, "reader_busy") from None
    except FileRefused as refused:
        # The refusal quotes the first row as headings. If the list has no headings, that row holds phone numbers.
        faults = [visits.text(each.removeprefix("- ")) for each in str(refused).splitlines()]
        return _page(request, visits, code, told="refused", faults=faults, status=unprocessable)
    return _page(request, visits, code, told="checked", name=name, checked=checked)


def _page(
    request: Request,
    visits: Visitor,
    code: str,
    *,
    told: str = "",
    name: str = "",
    checked: Mapping[str, Any] | None = None,
    faults: Sequence[str] = (),
    status: int = HTTPStatus.OK,
) -> HTMLResponse:
    with page_connection() as connection:
        agency = _agency(connection, visits, code)
        counts = phones_of_open_dossiers(connection, agency.agency_code)
        to_mend = shown_list(
            connection,
            request,
            visits,
            _unusable_phones(agency.agency_code),
            here="/settings/phones",
            query=[("code", agency.agency_code), *kept_query(request, "code")],
        )
    reasons = sorted(((number, reason) for reason, number in counts.items() if reason), reverse=True)
    every = sum(counts.values())
    return render(
        request,
        "settings/phones.html",
        status=status,
        told=told,
        name=name,
        checked=checked,
        faults=faults,
        may_check=not visits.is_auditor,
        largest=LARGEST_LIST // 1024**2,
        agency=agency,
        every=every,
        good=counts.get(None, 0),
        share=wording.rate(counts.get(None, 0), every) if every else "",
        reasons=reasons,
        to_mend=to_mend,
        labels=phone_labels(),
        count=wording.count,
        w=wording,
    )


@router.get("/settings/phones/file")
def download_phones(request: Request, visits: Visits, format: FileFormat, code: str = "") -> Response:
    """Return all of an agency's open dossiers without a usable number, with what to do, as a file."""
    with page_connection() as connection:
        agency = _agency(connection, visits, code)
    about = [f"{agency.name} ({agency.agency_code})"]
    return file_of(request, visits, _unusable_phones(agency.agency_code), format, about=about)


def _unusable_phones(agency_code: str) -> Listing:
    labels = {str(code): label for code, label in phone_labels().items()}
    return Listing(
        "phones_to_mend",
        lambda connection, asked, most, skipped: open_dossiers_without_phone(connection, agency_code, skipped + most)[
            skipped:
        ],
        {
            "dossier_code": lambda row, seen: dossier_link(agency_code, row.dossier_code),
            "procedure": lambda row, seen: row.procedure_name or row.procedure_code,
            "reason": lambda row, seen: labels[row.phone_refusal].title,
            "what": lambda row, seen: labels[row.phone_refusal].action,
        },
    )


def _agency(connection: Connection, visits: Visitor, code: str) -> Agency:
    return open_for(connection, visits, code).agency
