"""The page of files that one-stop software exports, and of files that staff upload.

The page shows the state of each file, the faults of one file by line, and the columns of the form in force. An uploaded
export is first read, and the page shows what it contains. Then the visitor confirms or discards the export.

A file holds dossiers of all agencies of its source. A visitor who may see only some agencies sees the files of a source
only if the visitor may see all agencies of the source. Auditors see no file names and no dossier codes. The Department
may accept a file that was refused because it has too few dossiers or seems cut off, as ``motcua files accept`` does.
Every visitor except auditors may upload a file to a source whose agencies the visitor may all see.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Annotated, Final, Literal

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse, Response

from motcua.domain.dossiers import NOTE_LIMIT, clean_words
from motcua.domain.phones.reading import holds_phone
from motcua.jobs.exports.forms import ExportForm, ExportFormError, form_of
from motcua.jobs.listing.lists import ToldExport, exports_of, may_be_accepted, told_export, vanished_of
from motcua.jobs.listing.reading import Listing
from motcua.jobs.uploads.exports import ExportSeen, NoAccount, NoFile, NothingNew, forget, keep, look_at
from motcua.jobs.uploads.reading import ReaderBusy
from motcua.jobs.uploads.waiting import LARGEST_UPLOAD, FolderFailed, NoLongerWaiting, NothingKept, usable_name
from motcua.reports import wording
from motcua.store.agencies import list_agencies
from motcua.store.intake.exports import (
    Export,
    KeptForm,
    accept_file,
    account_of,
    count_states,
    form_in_force,
    list_exports,
)
from motcua.store.ledger.database import Connection, page_connection
from motcua.store.notices.templates import national_statuses
from motcua.web.forms import PageRefused, SentFile, kept_query, must_be_own_form, number_in, sent_file, sent_form
from motcua.web.lists import FileFormat, file_of, shown_list
from motcua.web.quality.export_form_page import PLACE, CameOf, form_shown, preview_rows
from motcua.web.rendering import led_to, render
from motcua.web.visitors import Visitor, Visits, must_see_source, sources_seen

_SAID: Final = ("accepted", "not_refused", "sent", "dropped")
router = APIRouter()


@router.get(PLACE)
def show_exports(request: Request, visits: Visits, source: str = "", no: str = "", said: str = "") -> HTMLResponse:
    """Show the files of a source, by default of the first source that the visitor sees, and the faults of one file."""
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
    """Return one of the page's lists as a file."""
    said = wording.list_words()["exported"]
    with page_connection() as connection:
        must_see_source(connection, visits, source)
        about = [said["about"].format(source=source)]
        one = None
        if of == "export_faults":
            one = told_export(visits, _file(connection, source, no))
            about = [said["about_one"].format(source=source, no=one.file.export_no), one.name]
        listing = _lists(connection, source, one)[of]
    return file_of(request, visits, listing, format, about=about)


def _lists(connection: Connection, source: str, one: ToldExport | None) -> dict[str, Listing]:
    """Return the page's lists.

    They are a source's files, the faults of one file, open dossiers that the source's complete exports no longer
    contain, and the columns of the form.
    """
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
    """Accept a refused file as it is."""
    visits.must_be_operator()
    who = visits.signature
    source, no = fields.get("source", ""), fields.get("no", "")
    must_be_own_form(request, fields)
    reason = clean_words(fields.get("reason", ""), NOTE_LIMIT)
    if not reason or holds_phone(reason):
        told = "reason_holds_phone" if reason else "no_reason"
        status = HTTPStatus.UNPROCESSABLE_ENTITY
        return exports_shown(request, visits, source, no, told, reason=fields.get("reason", ""), status=status)
    with page_connection() as connection:
        must_see_source(connection, visits, source)
        file = _file(connection, source, no)
        done = may_be_accepted(file) and accept_file(connection, file.export_no, who, reason, datetime.now(UTC))
    return led_to(request, PLACE, {"source": source, "no": no, "said": "accepted" if done else "not_refused"})


def exports_shown(
    request: Request,
    visits: Visitor,
    source: str,
    no: str = "",
    said: str = "",
    *,
    seen: ExportSeen | None = None,
    reason: str = "",
    status: int = HTTPStatus.OK,
) -> HTMLResponse:
    """Render the page, both when a visitor opens it and after a form on it was sent.

    Args:
        request: the request that is answered.
        visits: the visitor, who may see the source.
        source: the source with the files. If empty, the first source that the visitor sees.
        no: number of one file whose faults are shown.
        said: key of the message that the page shows about a sent form.
        seen: a file that was uploaded and read, with what would happen to it.
        reason: the reason that was typed, if it was refused.
        status: HTTP status of the answer.
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
        query = [*kept_query(request, "source", "no"), ("source", shown), *([("no", no)] if no else [])]
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
            for name, listing in (_lists(connection, shown, told) if shown else {}).items()
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
        reason=reason,
        rows=[] if seen is None else preview_rows(visits, seen.read),
        statuses=national_statuses(),
        largest=LARGEST_UPLOAD // 1024**2,
        said=said,
        said_of=wording.list_words()["exported"],
        w=wording,
    )


def _file(connection: Connection, source: str, no: str) -> Export:
    """Return the file with this number.

    Raises:
        PageRefused: the source has no file with this number.
    """
    number = number_in(no)
    found = list_exports(connection, source, export_no=number) if number is not None else []
    if not found:
        raise PageRefused(HTTPStatus.NOT_FOUND, "no_such_page")
    return found[0]


def _form(kept: KeptForm | None) -> ExportForm | None:
    try:
        return None if kept is None else form_of(dict(kept.form))
    except ExportFormError:
        return None


def _columns_of(form: ExportForm) -> list[tuple[str, tuple[str, ...]]]:
    """Return what each column holds, in words, and the headings that the column may have."""
    names = wording.list_words()["exported"]["column"]
    headings = {str(column): headings for column, headings in form.columns.items() if headings}
    return [(name, headings[column]) for column, name in names.items() if column in headings]


# --- Uploads ---------------------------------------------------------------------------------------------------------

_UNPROCESSABLE = HTTPStatus.UNPROCESSABLE_ENTITY
_NAMELESS = "ho-so"


async def _uploaded_form(request: Request, visits: Visits, source: str = "") -> AsyncIterator[SentFile]:
    """Yield the uploaded form. The body is read only after a check that the sender may send it."""
    _may_send(visits, source)
    async with sent_file(request, LARGEST_UPLOAD, on_disk=True) as sent:
        yield sent


def _may_send(visits: Visitor, source: str) -> str:
    """Return the name of the visitor who sends a file.

    Raises:
        PageRefused: the visitor may not send files to this source.
    """
    if visits.is_auditor:
        raise PageRefused(HTTPStatus.FORBIDDEN, "may_not_set")
    who = visits.signature
    with page_connection() as connection:
        must_see_source(connection, visits, source)
    return who


@router.post(f"{PLACE}/upload")
def upload_export(
    request: Request, visits: Visits, sent: Annotated[SentFile, Depends(_uploaded_form)], source: str = ""
) -> Response:
    """Read an uploaded export and show its content.

    If the source has no form yet, or the visitor asked for the form, show the page of the form with the export instead.
    Nothing of the export is used before a visitor confirms it.
    """
    must_be_own_form(request, sent.fields)
    if not sent.size:
        told = "empty_file" if sent.name else "no_file"
        return exports_shown(request, visits, source, said=told, status=_UNPROCESSABLE)
    sent.file.seek(0)
    name = usable_name(sent.name, sent.file.read(4), _NAMELESS)
    try:
        seen = look_at(sent.file, name, source, datetime.now(UTC))
    except ReaderBusy:
        raise PageRefused(HTTPStatus.SERVICE_UNAVAILABLE, "reader_busy") from None
    except NothingKept as nothing:
        return exports_shown(request, visits, source, said=why_nothing(nothing), status=HTTPStatus.CONFLICT)
    if sent.fields.get("decision") == "form" or not seen.has_form:
        return form_shown(request, visits, source, CameOf(tried=seen))
    status = _UNPROCESSABLE if seen.becomes == "refused" else HTTPStatus.OK
    return exports_shown(request, visits, source, seen=seen, status=status)


@router.post(f"{PLACE}/sent")
def decide(request: Request, visits: Visits, fields: Annotated[dict[str, str], Depends(sent_form)]) -> Response:
    """Put an uploaded export into the folder of its source, or discard it."""
    source, decision = fields.get("source", ""), fields.get("decision", "")
    who = _may_send(visits, source)
    must_be_own_form(request, fields)
    if decision not in ("keep", "drop"):
        raise PageRefused(HTTPStatus.BAD_REQUEST, "not_so")
    digest = fields.get("sha256", "")
    try:
        if decision == "drop":
            forget(digest, source)
        else:
            name = usable_name(fields.get("file_name", ""), b"", _NAMELESS)
            with page_connection() as connection:
                keep(connection, digest, name, source, who, datetime.now(UTC))
    except NothingKept as nothing:
        return exports_shown(request, visits, source, said=why_nothing(nothing), status=HTTPStatus.CONFLICT)
    return led_to(request, PLACE, {"source": source, "said": "sent" if decision == "keep" else "dropped"})


def why_nothing(nothing: NothingKept) -> str:
    """Return the key of the message that the page shows about a file that could not be stored.

    Raises:
        PageRefused: the folder cannot be written to.
    """
    match nothing:
        case FolderFailed():
            raise PageRefused(HTTPStatus.SERVICE_UNAVAILABLE, "folder_failed") from None
        case NoAccount():
            return "no_account"
        case NoFile():
            return "no_file_there"
        case NothingNew():
            return "nothing_new"
        case NoLongerWaiting():
            return "no_longer_waiting"
        case _:
            raise nothing
