"""The page of the files that one-stop software exports: what became of each, what was wrong in it by line, how it is
written; and what is sent on it: an export is read and told, then confirmed or dropped.

A file is of all agencies of its source: whoever sees some agencies' rows alone sees the files that can tell of no other
and never could. Auditors see no name of a file and no code of a dossier. The Department has a file taken as it is that
was refused for having so few dossiers, as ``motcua files accept`` does. Whoever sees all that a source's files may tell
of may send one, but auditors.
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
        listing = _lists(connection, source, one)[of]
    return file_of(request, visits, listing, format, about=about)


def _lists(connection: Connection, source: str, one: ToldExport | None) -> dict[str, Listing]:
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
    must_be_own_form(request, fields)
    reason = clean_words(fields.get("reason", ""), NOTE_LIMIT)
    if not reason or holds_phone(reason):
        told = "reason_holds_phone" if reason else "no_reason"
        return exports_shown(request, visits, source, no, told, status=HTTPStatus.UNPROCESSABLE_ENTITY)
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
        rows=[] if seen is None else preview_rows(visits, seen.read),
        statuses=national_statuses(),
        largest=LARGEST_UPLOAD // 1024**2,
        said=said,
        said_of=wording.list_words()["exported"],
        w=wording,
    )


def _file(connection: Connection, source: str, no: str) -> Export:
    """Raises ``PageRefused``: there is no such file of this source."""
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
    """What a column holds, in words, and the headings that it may have."""
    names = wording.list_words()["exported"]["column"]
    headings = {str(column): headings for column, headings in form.columns.items() if headings}
    return [(name, headings[column]) for column, name in names.items() if column in headings]


# --- What is sent ----------------------------------------------------------------------------------------------------

_UNPROCESSABLE = HTTPStatus.UNPROCESSABLE_ENTITY
_NAMELESS = "ho-so"


async def _sent(request: Request, visits: Visits, source: str = "") -> AsyncIterator[SentFile]:
    """The form; nothing of it is read before it is known who sends it."""
    _may_send(visits, source)
    async with sent_file(request, LARGEST_UPLOAD, on_disk=True) as sent:
        yield sent


def _may_send(visits: Visitor, source: str) -> str:
    """Who sends it.

    Raises:
        PageRefused: he may not.
    """
    if visits.is_auditor:
        raise PageRefused(HTTPStatus.FORBIDDEN, "may_not_set")
    who = visits.signature
    with page_connection() as connection:
        must_see_source(connection, visits, source)
    return who


@router.post(f"{PLACE}/upload")
def upload_export(
    request: Request, visits: Visits, sent: Annotated[SentFile, Depends(_sent)], source: str = ""
) -> Response:
    """Reads an export and tells what is in it, or shows the form with it; nothing counts before it is confirmed."""
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
    """Puts an export that was read into its folder, or drops it."""
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
    """What the page says of it.

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
