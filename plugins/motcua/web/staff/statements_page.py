"""The page *Đối soát nhà mạng*: each month's carrier statement, how its rows agree with the ledger, and refused files.

The Department uploads a carrier statement here, confirms the content that the page read, and marks refused files as
dealt with.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from http import HTTPStatus
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse, Response

from motcua.domain.clock import VIETNAM
from motcua.domain.dossiers import NOTE_LIMIT, clean_words
from motcua.domain.periods import Period
from motcua.domain.phones.reading import holds_phone
from motcua.jobs.handed_in.faults import FileRefused, is_another_thing
from motcua.jobs.handed_in.statement_files import FormError, form_names, load_form
from motcua.jobs.handed_in.statements import refusal_of
from motcua.jobs.listing.lists import STATEMENTS, statement_rows
from motcua.jobs.tasks.reconcile_carrier import DUE_DAY, is_overdue, missing_now
from motcua.jobs.uploads.reading import ReaderBusy
from motcua.jobs.uploads.statements import (
    AlreadyTaken,
    AlreadyUploaded,
    NoSuchForm,
    OtherMonth,
    StatementSeen,
    forget,
    keep,
    look_at,
    still_unread,
)
from motcua.jobs.uploads.waiting import LARGEST_UPLOAD, FolderFailed, NoLongerWaiting, NothingKept, usable_name
from motcua.reports import wording
from motcua.settings import settings
from motcua.store.ledger.database import Connection, page_connection
from motcua.store.oversight.statements import (
    DIFFERENCES,
    VERDICTS,
    LineMatch,
    StatementFigures,
    StoredStatement,
    figures_of,
    list_refusals,
    list_statements,
    set_refusal_aside,
)
from motcua.web.airflow import run_starter
from motcua.web.forms import PageRefused, SentFile, must_be_own_form, number_in, sent_file, sent_form
from motcua.web.lists import FileFormat, file_of, shown_list
from motcua.web.rendering import led_to, render
from motcua.web.visitors import Visitor, Visits

_MONTHS_BACK = 12
_SAID = ("kept", "kept_for_later", "dropped", "set_aside")
router = APIRouter()


@dataclass(frozen=True, slots=True)
class RowFilters:
    """The rows of a carrier statement that an address asks for. Unknown values are ignored."""

    no: str
    verdict: LineMatch | None
    differs: str | None


def _filters(no: str = "", verdict: str = "", differs: str = "") -> RowFilters:
    return RowFilters(
        no,
        next((each for each in VERDICTS if each == verdict), None),
        differs if differs in DIFFERENCES else None,
    )


Filters = Annotated[RowFilters, Depends(_filters)]


def bar_of(figures: StatementFigures, direction: str) -> list[tuple[LineMatch, float, float]]:
    """Return the parts of a bar of the width 1000. Each part is a verdict (how rows compare with the ledger), the
    place where the part begins, and its width, which shows how many rows got this verdict.

    No part is too thin to be seen.
    """
    counts = [(verdict, figures.of(direction, verdict).matches) for verdict in VERDICTS]
    present = [(verdict, count) for verdict, count in counts if count]
    total = sum(count for _, count in present)
    if not total:
        return []
    wide = [max(1000 * count / total, 6.0) for _, count in present]
    scale = 1000 / sum(wide)
    parts, left = [], 0.0
    for (verdict, _), width in zip(present, wide, strict=True):
        parts.append((verdict, round(left, 2), round(width * scale, 2)))
        left += width * scale
    return parts


@router.get("/statements")
def show_statements(request: Request, visits: Visits, filters: Filters, said: str = "") -> HTMLResponse:
    """Show all carrier statements, and the differing rows of one of them, by default of the newest in force.

    Carrier statements are accounts of all agencies together. Only the Department and auditors see them.
    """
    visits.must_see_all()
    return statements_shown(request, visits, filters, told=said if said in _SAID else "")


def statements_shown(
    request: Request,
    visits: Visitor,
    filters: RowFilters | None = None,
    *,
    told: str = "",
    seen: StatementSeen | None = None,
    about: object = None,
    typed: Mapping[str, str] | None = None,
    aside: Mapping[str, str] | None = None,
    status: int = HTTPStatus.OK,
) -> HTMLResponse:
    """Render the page, both when a visitor opens it and after a form on it was sent.

    Args:
        request: the request that is answered.
        visits: the visitor, who sees all agencies.
        filters: the rows and the carrier statement to show. The default is the newest one in force.
        told: key of the message that the page shows about a sent form.
        seen: a carrier statement that was read and is to be confirmed.
        about: what ``told`` is about: a stored carrier statement, one that the next run will import, a month, or a
            refused file.
        typed: the form for a carrier statement as it was sent.
        aside: the form that marks a refused file as dealt with, as it was sent.
        status: HTTP status of the answer.
    """
    filters = filters or RowFilters("", None, None)
    now = datetime.now(UTC)
    with page_connection() as connection:
        month, absent = missing_now(connection, now)
        refusals = list_refusals(connection)
        unread = still_unread(connection, now)
        statements = list_statements(connection)
        shown = _shown(connection, filters, statements)
        figures, rows = None, None
        every = shown_list(
            connection,
            request,
            visits,
            STATEMENTS.of(statements),
            prefix="statements_",
            here="/statements",
            file="/statements/file",
            of="statements",
        )
        if shown is not None:
            (figures,) = figures_of(connection, [shown])
            listing = statement_rows(shown.statement_no, filters.verdict, filters.differs)
            rows = shown_list(
                connection, request, visits, listing, here="/statements", file="/statements/file", of="rows"
            )
    return render(
        request,
        "statements.html",
        status=status,
        told=told,
        about=about,
        seen=seen,
        typed=typed or {"form": _usual_form()},
        aside=aside or {},
        uploads=unread,
        months=_months(now),
        largest=LARGEST_UPLOAD // 1024**2,
        statements=statements,
        figures=figures,
        bars={} if figures is None else {direction: bar_of(figures, direction) for direction in ("mt", "mo")},
        rows=rows,
        every=every,
        verdict=filters.verdict,
        differs=filters.differs,
        verdicts=VERDICTS,
        differences=DIFFERENCES,
        said=wording.list_words()["statement"],
        missing=absent,
        missing_month=month,
        overdue=is_overdue(now, month),
        refusals=refusals,
        is_another_thing=is_another_thing,
        forms=form_names(),
        due_day=DUE_DAY,
        local=VIETNAM,
        w=wording,
    )


def _usual_form() -> str:
    """Return the name of a form (a layout of statement files) of a gateway in use, or an empty text if there is
    none."""
    for name in form_names():
        try:
            if load_form(name).gateway in settings().gateways:
                return name
        except FormError:
            continue
    return ""


def _months(now: datetime) -> list[date]:
    """Return the first days of the months for which a carrier statement is likely, the newest first."""
    months = [Period.month_of(now.astimezone(VIETNAM).date())]
    while len(months) <= _MONTHS_BACK:
        months.append(months[-1].previous)
    return [month.first for month in months]


@router.get("/statements/file")
def download_statements(
    request: Request, visits: Visits, filters: Filters, format: FileFormat, of: Literal["statements", "rows"]
) -> Response:
    """Return all carrier statements, or all rows of one that match the page's filters, as a file."""
    visits.must_see_all()
    said = wording.list_words()["statement"]
    with page_connection() as connection:
        statements = list_statements(connection)
        shown = _shown(connection, filters, statements)
    if of == "statements":
        return file_of(request, visits, STATEMENTS.of(statements), format, about=[])
    if shown is None:
        raise PageRefused(HTTPStatus.NOT_FOUND, "no_such_page")
    about = [
        said["of"].format(no=shown.statement_no, form=shown.form, month=f"{shown.month.month}/{shown.month.year}"),
        " · ".join(
            [
                said["verdict"][filters.verdict] if filters.verdict else said["all_but_exact"],
                *([said["differs"][filters.differs]] if filters.differs else []),
            ]
        ),
    ]
    listing = statement_rows(shown.statement_no, filters.verdict, filters.differs)
    return file_of(request, visits, listing, format, about=about, as_of=shown.covers_until)


def _shown(connection: Connection, filters: RowFilters, statements: list[StoredStatement]) -> StoredStatement | None:
    """Return the requested carrier statement, by default the newest in force, or ``None`` if there is none.

    Raises:
        PageRefused: no carrier statement has this number.
    """
    newest = next((each.statement_no for each in statements if each.in_force), None)
    wanted = number_in(filters.no) if filters.no else newest
    shown = None if wanted is None else next(iter(list_statements(connection, statement_no=wanted)), None)
    if filters.no and shown is None:
        raise PageRefused(HTTPStatus.NOT_FOUND, "no_such_page")
    return shown


# --- Uploads of the Department ---------------------------------------------------------------------------------------


async def _uploaded_form(request: Request, visits: Visits) -> AsyncIterator[SentFile]:
    """Yield the uploaded form. The body is read only after a check that the sender may send it."""
    visits.must_be_operator()
    assert visits.signature
    async with sent_file(request, LARGEST_UPLOAD, on_disk=True) as sent:
        yield sent


@router.post("/statements/upload")
def upload_statement(request: Request, visits: Visits, sent: Annotated[SentFile, Depends(_uploaded_form)]) -> Response:
    """Read a carrier statement and show its content or its faults. Nothing of it is used before it is confirmed."""
    fields = sent.fields
    unprocessable = HTTPStatus.UNPROCESSABLE_ENTITY
    must_be_own_form(request, fields)
    month = _month_in(fields.get("month", ""))
    fault = "no_file" if not sent.name and not sent.size else "empty_file" if not sent.size else ""
    if fields.get("month") and month is None:
        fault = "no_month"
    if fault:
        return statements_shown(request, visits, told=fault, typed=fields, status=unprocessable)
    sent.file.seek(0)
    form, now = fields.get("form", ""), datetime.now(UTC)
    name = usable_name(sent.name, sent.file.read(4))
    try:
        seen = look_at(sent.file, name, form, month, now)
    except FileRefused as refused:
        # The file was only read, not stored. Its refusal is shown here and stored nowhere.
        told = refusal_of(refused, form, None, visits.signature, now)
        return statements_shown(request, visits, told="refused", about=told, typed=fields, status=unprocessable)
    except ReaderBusy:
        raise PageRefused(HTTPStatus.SERVICE_UNAVAILABLE, "reader_busy") from None
    except NothingKept as nothing:
        return _not_stored(request, visits, nothing, fields)
    return statements_shown(request, visits, seen=seen)


@router.post("/statements")
def decide(
    request: Request,
    visits: Visits,
    fields: Annotated[dict[str, str], Depends(sent_form)],
    start_run: Annotated[Callable[[str, str], bool], Depends(run_starter)],
) -> Response:
    """Confirm a carrier statement that was read, discard it, or mark a refused file as dealt with."""
    visits.must_be_operator()
    who = visits.signature
    must_be_own_form(request, fields)
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
            return led_to(request, "/statements", {"said": "dropped"})
        name = usable_name(fields.get("file_name", ""), b"")
        with page_connection() as connection:
            keep(connection, digest, name, form, month, who, datetime.now(UTC))
    except NothingKept as nothing:
        return _not_stored(request, visits, nothing, {})
    return led_to(request, "/statements", {"said": "kept" if start_run("reconcile_carrier", who) else "kept_for_later"})


def _set_aside(request: Request, visits: Visitor, fields: dict[str, str], who: str) -> Response:
    reason = clean_words(fields.get("reason", ""), NOTE_LIMIT)
    if not reason or holds_phone(reason):
        told = "reason_holds_phone" if reason else "no_reason"
        return statements_shown(request, visits, told=told, aside=fields, status=HTTPStatus.UNPROCESSABLE_ENTITY)
    number = number_in(fields.get("refusal", "")) or 0
    with page_connection() as connection:
        done = set_refusal_aside(connection, number, who, reason, datetime.now(UTC))
    return led_to(request, "/statements", {"said": "set_aside" if done else ""})


def _not_stored(request: Request, visits: Visitor, nothing: NothingKept, typed: dict[str, str]) -> HTMLResponse:
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


def _month_in(written: str) -> date | None:
    """Return the first day of a month that a form sent as ``2026-10``, or ``None`` if the text is no month."""
    if not re.fullmatch("2[01][0-9]{2}-(0[1-9]|1[0-2])", written):
        return None
    return date(int(written[:4]), int(written[5:]), 1)
