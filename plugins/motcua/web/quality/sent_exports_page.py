"""What is sent on the page of exported files: an export is read and told, then confirmed or dropped.

Whoever sees all that a source's files may tell of may send one, but auditors: the Department, and the administrator of
the agency that it is of.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Request
from fastapi.responses import RedirectResponse, Response

from motcua.jobs.uploads.exports import NoAccount, NoFile, NothingNew, forget, keep, look_at
from motcua.jobs.uploads.reading import ReaderBusy
from motcua.jobs.uploads.waiting import LARGEST_UPLOAD, FolderFailed, NoLongerWaiting, NothingKept, usable_name
from motcua.store.ledger.database import page_connection
from motcua.web.forms import SentFile, is_own_form, sent_file, sent_form
from motcua.web.quality.export_form_page import CameOf, form_shown
from motcua.web.quality.exports_page import PLACE, exports_shown, must_see_source
from motcua.web.refusals import PageRefused
from motcua.web.rendering import HEADERS
from motcua.web.visitors import Visitor, Visits

_UNPROCESSABLE = HTTPStatus.UNPROCESSABLE_ENTITY
_NAMELESS = "ho-so"

router = APIRouter()


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
    if not is_own_form(request, sent.fields):
        return exports_shown(request, visits, source, said="old_form", status=HTTPStatus.FORBIDDEN)
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
    if not is_own_form(request, fields):
        return exports_shown(request, visits, source, said="old_form", status=HTTPStatus.FORBIDDEN)
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
    told = urlencode({"source": source, "said": "sent" if decision == "keep" else "dropped"})
    return RedirectResponse(f"{request.scope.get('root_path', '')}{PLACE}?{told}", HTTPStatus.SEE_OTHER, HEADERS)


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
