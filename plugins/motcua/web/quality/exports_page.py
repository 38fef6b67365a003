"""The page of the files that one-stop software exports: what became of each, what was wrong in it by line, how it is
written.

A file is of all agencies of its source: whoever sees some agencies' rows alone sees the files that can tell of no other
and never could. Auditors see no name of a file and no code of a dossier. The Department has a file taken as it is that
was refused for having so few dossiers, as ``motcua files accept`` does.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Annotated, Final, Literal
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from motcua.domain.dossiers import NOTE_LIMIT, clean_words
from motcua.domain.phones.reading import holds_phone
from motcua.jobs.exports.forms import ExportForm, ExportFormError, form_of
from motcua.jobs.exports.reading import PreviewedExport
from motcua.jobs.exports.taking import ADAPTER
from motcua.jobs.listing.lists import ToldExport, exports_of, may_be_accepted, told_export, vanished_of
from motcua.jobs.listing.reading import Listing
from motcua.jobs.uploads.exports import ExportSeen
from motcua.jobs.uploads.waiting import LARGEST_UPLOAD
from motcua.reports import wording
from motcua.settings import settings
from motcua.store.agencies import list_agencies
from motcua.store.intake.exports import (
    Export,
    KeptForm,
    accept_file,
    account_of,
    agencies_told_of,
    count_states,
    form_in_force,
    list_exports,
)
from motcua.store.ledger.database import Connection, page_connection
from motcua.store.notices.templates import national_statuses
from motcua.web.forms import is_own_form, number_in, sent_form
from motcua.web.lists.page import FileFormat, file_of, query_of, shown_list
from motcua.web.refusals import PageRefused
from motcua.web.rendering import HEADERS, render
from motcua.web.visitors import Visitor, Visits

PLACE: Final = "/quality/sources/exports"
"""Address of the page."""
_SAID: Final = ("accepted", "not_refused", "sent", "dropped")
router = APIRouter()


@router.get(PLACE)
def show_exports(request: Request, visits: Visits, source: str = "", no: str = "", said: str = "") -> HTMLResponse:
    """The files of a source, by default of the first that is seen; what was wrong in one of them."""
    return exports_shown(request, visits, source, no, said if said in _SAID else "")


@router.get(f"{PLACE}/file")
def download_exports(
    request: Request,
    visits: Visits,
    format: FileFormat,
    of: Literal["exports", "export_faults", "vanished", "export_form"],
    source: str = "",
    no: str = "",
) -> Response:
    """One of the page's lists."""
    said = wording.list_words()["exported"]
    with page_connection() as connection:
        must_see_source(connection, visits, source)
        about = [said["about"].format(source=source)]
        one = None
        if of == "export_faults":
            one = told_export(visits, _file(connection, source, no))
            about = [said["about_one"].format(source=source, no=one.file.export_no), one.name]
        listing = _lists(connection, visits, source, one)[of]
    return file_of(request, visits, listing, format, about=about)


def _lists(connection: Connection, visits: Visitor, source: str, one: ToldExport | None) -> dict[str, Listing]:
    """The page's lists, of a source's files and of one of them."""
    form = _form(form_in_force(connection, source))
    columns = [] if form is None else _columns_of(form)
    return {
        "exports": exports_of(source),
        "export_faults": Listing("export_faults").of(one.faults if one else (), fault_told=lambda row, seen: str(row)),
        "vanished": vanished_of(source),
        "export_form": Listing("export_form").of(
            [{"form_column": name, "form_headings": ", ".join(headings)} for name, headings in columns]
        ),
    }


@router.post(PLACE)
def accept(request: Request, visits: Visits, fields: Annotated[dict[str, str], Depends(sent_form)]) -> Response:
    """Has a refused file taken as it is."""
    visits.must_be_operator()
    who = visits.signature
    source, no = fields.get("source", ""), fields.get("no", "")
    if not is_own_form(request, fields):
        return exports_shown(request, visits, source, no, "old_form", status=HTTPStatus.FORBIDDEN)
    reason = clean_words(fields.get("reason", ""), NOTE_LIMIT)
    if not reason or holds_phone(reason):
        told = "reason_holds_phone" if reason else "no_reason"
        return exports_shown(request, visits, source, no, told, status=HTTPStatus.UNPROCESSABLE_ENTITY)
    with page_connection() as connection:
        must_see_source(connection, visits, source)
        file = _file(connection, source, no)
        done = may_be_accepted(file) and accept_file(connection, file.export_no, who, reason, datetime.now(UTC))
    told = urlencode({"source": source, "no": no, "said": "accepted" if done else "not_refused"})
    return RedirectResponse(f"{request.scope.get('root_path', '')}{PLACE}?{told}", HTTPStatus.SEE_OTHER, HEADERS)


def exports_shown(
    request: Request,
    visits: Visitor,
    source: str,
    no: str = "",
    said: str = "",
    *,
    seen: ExportSeen | None = None,
    status: int = HTTPStatus.OK,
) -> HTMLResponse:
    """The page, after a form too.

    Args:
        request: that is answered.
        visits: who sees the source, or all of them.
        source: whose files; empty: those of the first that he sees.
        no: one file, with what was wrong in it.
        said: what the page says of a form that was sent.
        seen: a file that was sent and read, and what would become of it.
        status: of the answer.
    """
    with page_connection() as connection:
        sources = sources_seen(connection, visits)
        if source:
            must_see_source(connection, visits, source)
        shown = source or next(iter(sources), "")
        opened = bool(shown) and account_of(connection, shown) is not None
        kept = form_in_force(connection, shown) if shown else None
        one = _file(connection, shown, no) if no else None
        told = None if one is None else told_export(visits, one)
        query = [*query_of(request, "source", "no", "said"), ("source", shown), *([("no", no)] if no else [])]
        lists = {
            name: shown_list(
                connection,
                request,
                visits,
                listing,
                prefix="" if name == "exports" else f"{name}_",
                here=PLACE,
                query=query,
                file=f"{PLACE}/file",
            )
            for name, listing in (_lists(connection, visits, shown, told) if shown else {}).items()
        }
        counted = count_states(connection, shown) if shown else {}
        names = {each.agency_code: each.name for each in list_agencies(connection)}
    form = _form(kept)
    return render(
        request,
        "quality/exports.html",
        status=status,
        sources=sources,
        source=shown,
        kept=kept,
        form=form,
        one=told,
        lists=lists,
        counts={state: counted[state] for state in wording.list_words()["exported"]["state"] if state in counted},
        names=names,
        decides=visits.is_operator,
        may_send=not visits.is_auditor,
        opened=opened,
        seen=seen,
        rows=[] if seen is None else preview_rows(visits, seen.read),
        statuses=national_statuses(),
        largest=LARGEST_UPLOAD // 1024**2,
        said=said,
        said_of=wording.list_words()["exported"],
        w=wording,
    )


def sources_seen(connection: Connection, visits: Visitor) -> list[str]:
    """Sources that are told of by files, as far as a visitor may see them."""
    return [
        name
        for name, kind in settings().sources.items()
        if kind == ADAPTER and may_see_source(connection, visits, name)
    ]


def may_see_source(connection: Connection, visits: Visitor, source: str) -> bool:
    """Whether a visitor may see what files tell of a source."""
    if visits.agencies is None:
        return True
    told_of = agencies_told_of(connection, source)
    return bool(told_of) and told_of <= visits.agencies


def must_see_source(connection: Connection, visits: Visitor, source: str) -> None:
    """Refuses what files of other agencies, too, may tell.

    Raises:
        PageRefused: it is a source of others too, or there is none that files tell of.
    """
    is_one = settings().sources.get(source) == ADAPTER
    if not (is_one and may_see_source(connection, visits, source)):
        visits.must_see_all()
        raise PageRefused(HTTPStatus.NOT_FOUND, "no_such_page")


def _file(connection: Connection, source: str, no: str) -> Export:
    """Raises ``PageRefused``: there is no such file of this source."""
    number = number_in(no)
    found = list_exports(connection, source, export_no=number) if number is not None else []
    if not found:
        raise PageRefused(HTTPStatus.NOT_FOUND, "no_such_page")
    return found[0]


@dataclass(frozen=True, slots=True)
class PreviewRow:
    """A line as a form reads it; of phones as much as the visitor may see."""

    place: int
    agency_code: str
    dossier_code: str
    phone: str
    status_code: int
    step: str
    at: datetime | None
    received_at: datetime | None
    due_at: datetime | None


def preview_rows(visits: Visitor, read: PreviewedExport) -> list[PreviewRow]:
    """The first lines that could be used."""
    found = []
    for text in read.rows:
        row = json.loads(text)
        step = row["steps"][-1]
        moments = (
            datetime.fromisoformat(each) if each else None
            for each in (step["occurred_at"], row["received_at"], row["due_at"])
        )
        shown = visits.phone(re.sub(r"\D", "", row["fields"].get("SoDienThoai", "")))
        told = visits.text(step["fields"].get("NoiDungXuLy", ""))
        found.append(
            PreviewRow(
                row["place"], row["agency_code"], row["dossier_code"], shown, step["status_code"], told, *moments
            )
        )
    return found


def _form(kept: KeptForm | None) -> ExportForm | None:
    try:
        return None if kept is None else form_of(dict(kept.form))
    except ExportFormError:
        return None


def _columns_of(form: ExportForm) -> list[tuple[str, tuple[str, ...]]]:
    """What a column holds, in words, and the headings that it may have."""
    names = wording.list_words()["exported"]["column"]
    headings = {str(column): headings for column, headings in form.columns.items() if headings}
    return [(name, headings[column]) for column, name in names.items() if column in headings]
