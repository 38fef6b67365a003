"""The page *Tin nhắn*: the messages behind every live figure, by filters of the address, and all of them as a file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse, Response

from motcua.domain.reconciliation import STATES
from motcua.reports import wording
from motcua.reports.lists import MOST_ROWS, Cell, Row
from motcua.store.agencies import Agency, find_agency, list_agencies
from motcua.store.browsing.messages import (
    PAGE,
    BrowsedMessage,
    MessagesAsked,
    Place,
    find_messages,
    read_messages,
)
from motcua.store.ledger.database import Connection, page_connection
from motcua.web.lists.files import FileFormat, dossier_cell, list_file, newest_first, pieces_of, words_shown
from motcua.web.lists.filters import NO_AGENCY, Faults, ListFilters, agency_of, period_told, whose
from motcua.web.lists.places import turning
from motcua.web.refusals import PageRefused
from motcua.web.rendering import render
from motcua.web.visitors import Visitor, Visits

COUNTED = 1_000
"""Messages are counted up to so many."""

router = APIRouter()


@dataclass(frozen=True, slots=True)
class MessageFilters(ListFilters):
    """Filters as an address writes them; what is empty narrows nothing down."""

    kind: str = ""
    state: str = ""
    reason: str = ""
    procedure: str = ""
    run: str = ""
    dag: str = ""
    """Whose run it is: other DAGs may have runs of the same name."""


def _filters(
    agency: str = "",
    kind: str = "",
    state: str = "",
    reason: str = "",
    since: str = "",
    until: str = "",
    procedure: str = "",
    run: str = "",
    dag: str = "",
) -> MessageFilters:
    return MessageFilters(agency, since, until, kind, state, reason, procedure.strip(), run, dag if run else "")


Filters = Annotated[MessageFilters, Depends(_filters)]


@dataclass(frozen=True, slots=True)
class ShownMessage:
    """A message as a visitor sees it."""

    row: BrowsedMessage
    agency: str | None
    words: str | None
    """``None``: he does not see them."""
    phone: str
    reason: str


@router.get("/messages")
def show_messages(
    request: Request, visits: Visits, filters: Filters, before: str = "", trail: str = ""
) -> HTMLResponse:
    """Messages, the newest first, a page at a time."""
    with page_connection() as connection:
        agencies = [each for each in list_agencies(connection) if visits.sees(each.agency_code)]
        asked, faults = _asked(filters, agencies, visits)
        place = faults.place(before)
        rows, older, counted, looked_on = [], None, None, True
        if not faults:
            # The first page tells how many there are, where they are few.
            most = PAGE if place or asked.is_of_each_agency else COUNTED
            piece = find_messages(connection, asked, [each.agency_code for each in agencies], place, most)
            older = piece.places[PAGE - 1] if len(piece.places) > PAGE else piece.older
            looked_on = piece.looked_on or len(piece.places) > PAGE
            more = piece.older is not None
            counted = None if place or not piece.looked_on or (more and most == PAGE) else len(piece.places)
            rows = _shown(read_messages(connection, piece.places[:PAGE]), agencies, visits)
    newer_query, older_query = turning(filters.given, before, trail, older)
    return render(
        request,
        "messages/messages.html",
        status=HTTPStatus.BAD_REQUEST if faults else HTTPStatus.OK,
        faults=faults,
        rows=rows,
        filters=filters,
        told=_told(filters, agencies) if not faults else [],
        counted=counted,
        uncounted=counted is not None and more,
        looked_to=older.at if older and not looked_on else None,
        newer=newer_query,
        older=older_query,
        turned=bool(before),
        file_query=filters.given,
        agencies=agencies,
        words=wording.publication_words(),
        states={state: wording.publication_words()["state"][state] for state in STATES},
        no_agency=NO_AGENCY,
        most_rows=MOST_ROWS,
        w=wording,
    )


@router.get("/messages/file")
def download_messages(request: Request, visits: Visits, filters: Filters, format: FileFormat) -> Response:
    """The same messages as a file, the newest ``MOST_ROWS`` at most."""
    with page_connection() as connection:
        agencies = [each for each in list_agencies(connection) if visits.sees(each.agency_code)]
    asked, faults = _asked(filters, agencies, visits)
    if faults:
        raise PageRefused(HTTPStatus.BAD_REQUEST, "not_so")
    told = _told(filters, agencies)
    if not filters.agency:
        told.insert(0, whose(None, agencies, visits))
    about = [" · ".join(told), newest_first()]
    pieces = _pieces(request, visits, asked, agencies)
    return list_file(format, "messages", about, _columns(visits), pieces, as_of=datetime.now(UTC))


def _asked(filters: MessageFilters, agencies: Sequence[Agency], visits: Visitor) -> tuple[MessagesAsked, Faults]:
    """What an address asks for of what the visitor sees, and what is wrong with it.

    Raises:
        PageRefused: it names an agency that there is not, or that he may not see.
    """
    words = wording.publication_words()
    faults = Faults()
    of_none = filters.agency == NO_AGENCY
    if of_none:
        visits.must_see(None)
    chosen = None if of_none else agency_of(filters.agency, agencies, visits)
    begins, ends = faults.period(filters)
    kind: Any = faults.one_of(filters.kind, words["kind"], "kind")
    reason = faults.name(filters.reason, "reason")
    if reason is not None and not wording.is_message_reason(reason):
        reason = faults.one_of(reason, (), "reason")
    asked = MessagesAsked(
        agencies=visits.listed if chosen is None else (chosen.agency_code,),
        of_no_agency=of_none,
        kind=kind,
        state=faults.one_of(filters.state, STATES, "state"),
        reason=reason,
        procedure_code=faults.name(filters.procedure, "procedure"),
        begins=begins,
        ends=ends,
        run_id=faults.name(filters.run, "run"),
        dag_id=faults.name(filters.dag, "run"),
    )
    return asked, faults


def _told(filters: MessageFilters, agencies: Sequence[Agency]) -> list[str]:
    """The filters in words."""
    words, told = wording.publication_words(), wording.list_words()["told"]
    chosen = find_agency(agencies, filters.agency)
    return [
        each
        for each in (
            told["no_agency"] if filters.agency == NO_AGENCY else chosen.name if chosen else "",
            words["kind"].get(filters.kind, ""),
            words["state"].get(filters.state, ""),
            told["reason"].format(reason=wording.message_reason(filters.reason)) if filters.reason else "",
            period_told(filters.since, filters.until),
            told["procedure"].format(code=filters.procedure) if filters.procedure else "",
            told["run"].format(name=filters.run) if filters.run else "",
        )
        if each
    ]


def _shown(rows: Sequence[BrowsedMessage], agencies: Sequence[Agency], visits: Visitor) -> list[ShownMessage]:
    names = {each.agency_code: each.short_name or each.name for each in agencies}
    return [
        ShownMessage(
            row,
            None if row.agency_code is None else names.get(row.agency_code, row.agency_code),
            words_shown(visits, row.template_id, row.template_version, row.text),
            visits.phone(row.msisdn),
            wording.message_reason(row.reason) if row.reason else "",
        )
        for row in rows
    ]


_COLUMNS = (
    "dossier_code", "agency_code", "agency", "procedure_code", "kind", "state", "reason", "recorded_at", "accepted_at",
    "changed_at", "text", "template", "segments", "message_id",
)  # fmt: skip


def _columns(visits: Visitor) -> Sequence[str]:
    return _COLUMNS if visits.is_auditor else (*_COLUMNS, "phone")


def _pieces(request: Request, visits: Visitor, asked: MessagesAsked, agencies: Sequence[Agency]) -> Iterator[list[Row]]:
    every = [each.agency_code for each in agencies]

    def look(connection: Connection, place: Place | None, most: int) -> tuple[list[Row], Place | None]:
        piece = find_messages(connection, asked, every, place, most)
        rows = _shown(read_messages(connection, piece.places), agencies, visits)
        return [_cells(request, visits, each) for each in rows], piece.older

    return pieces_of(look)


def _cells(request: Request, visits: Visitor, shown: ShownMessage) -> list[Cell]:
    row, words = shown.row, wording.publication_words()
    cells: list[Cell] = [
        dossier_cell(request, row.agency_code, row.dossier_code),
        row.agency_code,
        shown.agency,
        row.procedure_code,
        words["kind"][row.kind],
        words["state"][row.state],
        shown.reason,
        row.recorded_at,
        row.accepted_at,
        row.changed_at,
        shown.words if shown.words is not None else wording.list_words()["file"]["hidden"],
        f"{row.template_id}.v{row.template_version}",
        row.segments,
        row.message_id,
    ]
    return cells if visits.is_auditor else [*cells, shown.phone]
