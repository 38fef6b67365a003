"""What the Department does on the page *Đối soát nhà mạng*: sends a provider's statement, confirms what was read in it,
sets a refused one aside.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from motcua.domain.dossiers import NOTE_LIMIT, clean_words
from motcua.domain.phones.reading import holds_phone
from motcua.jobs.handed_in.faults import FileRefused
from motcua.jobs.uploads.reading import ReaderBusy
from motcua.jobs.uploads.statements import AlreadyTaken, AlreadyUploaded, NoSuchForm, OtherMonth, forget, keep, look_at
from motcua.jobs.uploads.waiting import LARGEST_UPLOAD, FolderFailed, NoLongerWaiting, NothingKept, usable_name
from motcua.store.ledger.database import page_connection
from motcua.store.oversight.statements import set_refusal_aside
from motcua.web.forms import SentFile, is_own_form, number_in, sent_file, sent_form
from motcua.web.refusals import PageRefused
from motcua.web.rendering import HEADERS
from motcua.web.runs.airflow_runs import start_run
from motcua.web.staff.statements_page import statements_shown
from motcua.web.visitors import Visitor, Visits

router = APIRouter()


async def _sent(request: Request, visits: Visits) -> AsyncIterator[SentFile]:
    """The form; nothing of it is read before it is known who sends it."""
    visits.must_be_operator()
    assert visits.signature
    async with sent_file(request, LARGEST_UPLOAD, on_disk=True) as sent:
        yield sent


@router.post("/statements/upload")
def upload_statement(request: Request, visits: Visits, sent: Annotated[SentFile, Depends(_sent)]) -> Response:
    """Reads a statement and tells what is in it; nothing of a good one counts before it is confirmed."""
    fields = sent.fields
    unprocessable = HTTPStatus.UNPROCESSABLE_ENTITY
    if not is_own_form(request, fields):
        return statements_shown(request, visits, told="old_form", status=HTTPStatus.FORBIDDEN)
    month = _month_in(fields.get("month", ""))
    fault = "no_file" if not sent.name and not sent.size else "empty_file" if not sent.size else ""
    if fields.get("month") and month is None:
        fault = "no_month"
    if fault:
        return statements_shown(request, visits, told=fault, typed=fields, status=unprocessable)
    sent.file.seek(0)
    name = usable_name(sent.name, sent.file.read(4))
    try:
        seen = look_at(sent.file, name, fields.get("form", ""), month, visits.signature, datetime.now(UTC))
    except FileRefused:
        # That it was refused is kept, and stands on the page.
        return statements_shown(request, visits, told="refused", about=name, typed=fields, status=unprocessable)
    except ReaderBusy:
        raise PageRefused(HTTPStatus.SERVICE_UNAVAILABLE, "reader_busy") from None
    except NothingKept as nothing:
        return _nothing(request, visits, nothing, fields)
    return statements_shown(request, visits, seen=seen)


@router.post("/statements")
def decide(request: Request, visits: Visits, fields: Annotated[dict[str, str], Depends(sent_form)]) -> Response:
    """Confirms a statement that was read, drops it, or sets a refused file aside."""
    visits.must_be_operator()
    who = visits.signature
    if not is_own_form(request, fields):
        return statements_shown(request, visits, told="old_form", status=HTTPStatus.FORBIDDEN)
    decision = fields.get("decision", "")
    if decision == "set_aside":
        return _set_aside(request, visits, fields, who)
    month = _month_in(fields.get("month", ""))
    if decision not in ("keep", "drop") or month is None:
        raise PageRefused(HTTPStatus.BAD_REQUEST, "not_so")
    digest, form = fields.get("sha256", ""), fields.get("form", "")
    try:
        if decision == "drop":
            forget(digest, form, month)
            return _to(request, "dropped")
        name = usable_name(fields.get("file_name", ""), b"")
        with page_connection() as connection:
            keep(connection, digest, name, form, month, who, datetime.now(UTC))
    except NothingKept as nothing:
        return _nothing(request, visits, nothing, {})
    return _to(request, "kept" if start_run("reconcile_carrier", who) else "kept_for_later")


def _set_aside(request: Request, visits: Visitor, fields: dict[str, str], who: str) -> Response:
    reason = clean_words(fields.get("reason", ""), NOTE_LIMIT)
    if not reason or holds_phone(reason):
        told = "reason_holds_phone" if reason else "no_reason"
        return statements_shown(request, visits, told=told, status=HTTPStatus.UNPROCESSABLE_ENTITY)
    number = number_in(fields.get("refusal", "")) or 0
    with page_connection() as connection:
        done = set_refusal_aside(connection, number, who, reason, datetime.now(UTC))
    return _to(request, "set_aside") if done else _to(request, "")


def _nothing(request: Request, visits: Visitor, nothing: NothingKept, typed: dict[str, str]) -> HTMLResponse:
    told: str = ""
    about: object = None
    status = HTTPStatus.CONFLICT
    match nothing:
        case FolderFailed():
            raise PageRefused(HTTPStatus.SERVICE_UNAVAILABLE, "folder_failed") from None
        case AlreadyTaken():
            told, about = "already_taken", nothing.stored
        case AlreadyUploaded():
            told, about = "already_uploaded", nothing.upload
        case NoLongerWaiting():
            told = "no_longer_waiting"
        case OtherMonth():
            told, about, status = "other_month", nothing.told, HTTPStatus.UNPROCESSABLE_ENTITY
        case NoSuchForm():
            told, status = "no_such_form", HTTPStatus.UNPROCESSABLE_ENTITY
    return statements_shown(request, visits, told=told, about=about, typed=typed, status=status)


def _to(request: Request, said: str) -> RedirectResponse:
    address = f"{request.scope.get('root_path', '')}/statements{'?said=' if said else ''}{said}"
    return RedirectResponse(address, HTTPStatus.SEE_OTHER, HEADERS)


def _month_in(written: str) -> date | None:
    """First day of a month as the form writes it: ``2026-10``."""
    if not re.fullmatch("2[01][0-9]{2}-(0[1-9]|1[0-2])", written):
        return None
    return date(int(written[:4]), int(written[5:]), 1)
