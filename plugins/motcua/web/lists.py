"""A list on its page: the form that narrows it down, heads that put it in order, its rows, its pages and its files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from http import HTTPStatus
from typing import Any, Final, Literal, TypeAlias
from urllib.parse import quote, urlencode

import psycopg
from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response, StreamingResponse
from psycopg_pool import PoolTimeout

from motcua.domain.clock import VIETNAM
from motcua.jobs.listing.asking import NO_AGENCY, AgencyUnknown, Asked, ask, whose, written_place
from motcua.jobs.listing.reading import Listing, Part, part_of, pieces_of
from motcua.reports import wording
from motcua.reports.lists import (
    Cell,
    Column,
    Filter,
    Link,
    ListHead,
    Row,
    Seen,
    Word,
    csv_pieces,
    list_workbook,
    words_of,
)
from motcua.store.browsing import Place, procedures_called
from motcua.store.ledger.database import Connection, page_connection
from motcua.web.forms import PageRefused, kept_query, page_in
from motcua.web.rendering import HEADERS, render
from motcua.web.visitors import Visitor, Visits

FileFormat: TypeAlias = Literal["csv", "xlsx"]
Query: TypeAlias = Sequence[tuple[str, str]]
"""What an address asks."""

MOST_TURNED: Final = 20
"""Pages that the link to newer rows leads back over, one by one; beyond them it leads to the first."""
_MOST_SUGGESTED: Final = 500
"""Names of procedures that a page suggests."""
_LONG: Final = 90
"""Letters, from which on a text is folded."""
_OPENING: Final = 70
"""Letters of it that stand in its row."""
_OWN: Final = ("sort", "q", "page", "before", "trail")
"""What of an address is about one list of its page."""
_XLSX: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


# --- What a template gets -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class SortLink:
    """A column's head, which puts the rows in its order, or turns that round."""

    head: str
    query: str
    """Empty: it does not sort."""
    sorted: Literal["", "ascending", "descending"]


@dataclass(frozen=True, slots=True)
class ShownHead:
    """The head of a column of the page, with those of what stands below its values."""

    links: Sequence[SortLink]
    is_figure: bool

    @property
    def sorted(self) -> str:
        """As ``aria-sort`` says it; empty: the rows are not in its order."""
        return next((each.sorted for each in self.links if each.sorted), "")


@dataclass(frozen=True, slots=True)
class ShownValue:
    """A value, and how it looks."""

    column: Column
    cell: Cell
    to: str = ""
    """Where it leads."""

    @property
    def kind(self) -> str:
        """Which look: ``none``, ``link``, ``word``, ``moment``, ``day``, ``number``, ``text``."""
        match self.cell:
            case None:
                return "none"
            case Link():
                return "link"
            case Word(_, _, tone):
                return "text" if tone is None else "word"
            case datetime():
                return "moment"
            case date():
                return "day"
            case int():
                return "number"
            case _:
                return "text"

    @property
    def text(self) -> str:
        """Its words."""
        return self.cell.words if isinstance(self.cell, Link | Word) else str(self.cell)

    @property
    def opening(self) -> str:
        """The words that a long text begins with; all of a short one."""
        if self.column.shown != "text" or len(self.text) <= _LONG:
            return self.text
        return self.text[:_OPENING].rpartition(" ")[0] or self.text[:_OPENING]

    @property
    def rest(self) -> str:
        """The words after them, which the page unfolds."""
        return self.text[len(self.opening) :]


@dataclass(frozen=True, slots=True)
class ShownColumn:
    """What a row has in a column of the page."""

    value: ShownValue
    under: Sequence[ShownValue]


@dataclass(frozen=True, slots=True)
class ShownFilter:
    """A filter in the list's form."""

    name: str
    declared: Filter
    options: Mapping[str, str]
    """Of a choice, or suggested."""
    chosen: str


@dataclass(frozen=True, slots=True)
class ShownList:
    """A list as its page shows it; everything that include/templates/web/lists/lists.html asks for."""

    listing: Listing
    asked: Asked
    here: str
    """Address of its page."""
    prefix: str
    """Begins the names in the address that are about this list; empty: it is the page's only one."""
    part: Part
    heads: Sequence[ShownHead]
    rows: Sequence[Sequence[ShownColumn]]
    filters: Sequence[ShownFilter]
    sorts: Sequence[tuple[str, str]]
    """Orders that can be chosen, with their words."""
    order: str
    """The one that was chosen, as an address writes it."""
    kept: Query
    """What else stands in the address."""
    newer: str | None
    older: str | None
    turned: bool
    file: str
    """Address of its files."""
    file_query: Query
    """What they are asked."""

    def file_address(self, form: str) -> str:
        """Address of the file in a form;"""
        if "{form}" in self.file:
            return f"{self.file.format(form=form)}?{urlencode(self.file_query)}"
        return f"{self.file}?{urlencode([*self.file_query, ('format', form)])}"

    def holds(self, words: str) -> bool:
        """Whether a cell of its rows says these words."""
        return any(each.value.cell == words for row in self.rows for each in row)

    @property
    def declared(self) -> Any:  # noqa: ANN401 - a template asks for what it shows
        """What its file says."""
        return self.listing.declared

    @property
    def narrowed(self) -> bool:
        """Something is left out by filters or by a search."""
        return bool(self.asked.given)

    @property
    def search(self) -> str:
        """What is looked for, as it was written."""
        return self.asked.given.get("q", "")

    @property
    def without(self) -> str:
        """The same page without what narrows the list down."""
        kept = [each for each in self.kept if each[0] not in self.asked.given]
        return f"{self.here}?{urlencode(kept)}" if kept else self.here


# --- A page ---------------------------------------------------------------------------------------------------------


def asked_of(
    connection: Connection,
    request: Request,
    visits: Visitor,
    listing: Listing,
    prefix: str = "",
    query: Query | None = None,
) -> Asked:
    """What an address asks of a list; ``query``: another one than the request's own.

    Raises:
        PageRefused: it names an agency that there is not, or that the visitor may not see.
    """
    written = dict(request.query_params.multi_items() if query is None else query)
    if prefix:
        written |= {name: written.get(prefix + name, "") for name in _OWN}
    try:
        return ask(connection, listing.declared, written, visits)
    except AgencyUnknown:
        visits.must_see(None)
        raise PageRefused(HTTPStatus.NOT_FOUND, "no_such_agency") from None


def shown_list(
    connection: Connection,
    request: Request,
    visits: Visitor,
    listing: Listing,
    asked: Asked | None = None,
    *,
    prefix: str = "",
    here: str = "",
    query: Query | None = None,
    file: str = "",
    of: str = "",
) -> ShownList:
    """A list as the page of an address shows it.

    Args:
        connection: to the ledger.
        request: for the page; its address says what is asked for.
        visits: who sees it.
        listing: the list.
        asked: what is asked for, where it was read already.
        prefix: begins the names in the address that are about this list, where its page has several.
        here: address of its page below the pages; by default the request's own.
        query: what its address asks; by default what the request's own does.
        file: address of its files below the pages; by default its page's, and ``/file``; ``{form}`` stands for csv or
            xlsx.
        of: what that calls the list, where it has several; by default as the list is declared.
    """
    if query is None:
        query = kept_query(request)
    asked = asked or asked_of(connection, request, visits, listing, prefix, query)
    said = dict(query)
    written, trail = said.get(f"{prefix}before", ""), said.get(f"{prefix}trail", "")
    page = page_in(said.get(f"{prefix}page", ""))
    place = asked.faults.place(written)
    seen = Seen(visits, asked.names(short=True))
    part = Part(()) if asked.faults else part_of(listing, connection, asked, seen, place, page)
    own = {f"{prefix}{name}" for name in _OWN}
    kept = [(name, value) for name, value in query if name not in own and name != "said" and value]
    order = ("-" if asked.backwards else "") + asked.sort if asked.sort else ""
    stays = kept + _given({f"{prefix}q": asked.given.get("q", ""), f"{prefix}sort": order})
    newer, older = _turning(stays, written, trail, part.older, prefix)
    if part.next_page is not None:
        older = urlencode([*stays, (f"{prefix}page", part.next_page)])
    if page > 1:
        newer = urlencode([*stays, *([(f"{prefix}page", page - 1)] if page > 2 else [])])
    base: str = request.scope.get("root_path", "")
    here = f"{base}{here}" if here else request.url.path
    columns = listing.columns(visits, "page")
    return ShownList(
        listing,
        asked,
        here,
        prefix,
        part,
        [_head(name, columns, asked, _without(stays, f"{prefix}sort"), prefix) for name in _first(columns)],
        [_row(row, columns, listing, seen) for row in part.rows],
        [_filter(connection, name, each, asked, visits) for name, each in listing.declared.filters.items()],
        _sorts(columns),
        order,
        kept,
        newer,
        older,
        bool(written) or page > 1,
        f"{base}{file}" if file else f"{here.rstrip('/')}/file",
        [
            ("of", of or listing.name),
            *(each for each in kept if each[0] not in _OWN),
            *_given({"q": asked.given.get("q", ""), "sort": order}),
        ],
    )


def _given(query: Mapping[str, str]) -> list[tuple[str, str]]:
    """What of a query says something."""
    return [(name, value) for name, value in query.items() if value]


def _without(query: Query, name: str) -> list[tuple[str, str]]:
    return [each for each in query if each[0] != name]


def _turning(query: Query, before: str, trail: str, older: Place | None, prefix: str) -> tuple[str | None, str | None]:
    """Queries of the pages before and after; ``None``: there is no such page.

    A list only knows how to go on. So the address keeps ``trail``, the places that the pages before this one began at.
    """
    been = [each for each in trail.split(",") if each][-MOST_TURNED:]
    newer = None
    if before:
        back = {f"{prefix}before": been[-1] if been else "", f"{prefix}trail": ",".join(been[:-1])}
        newer = urlencode([*query, *_given(back)])
    if older is None:
        return newer, None
    passed = ",".join([*been, *([before] if before else [])][-MOST_TURNED:])
    on = {f"{prefix}before": written_place(older), f"{prefix}trail": passed}
    return newer, urlencode([*query, *_given(on)])


def _first(columns: Mapping[str, Column]) -> list[str]:
    """Those that do not stand below another one."""
    return [name for name, each in columns.items() if each.under not in columns]


def _head(
    name: str,
    columns: Mapping[str, Column],
    asked: Asked,
    query: Query,
    prefix: str,
) -> ShownHead:
    below = [other for other, each in columns.items() if each.under == name]
    links = []
    for each in (name, *below):
        at: Literal["", "ascending", "descending"] = ""
        if asked.sort == each:
            at = "descending" if asked.backwards else "ascending"
        turned = f"-{each}" if at == "ascending" else each
        to = urlencode([*query, (f"{prefix}sort", turned)]) if columns[each].sorts else ""
        links.append(SortLink(columns[each].head, to, at))
    return ShownHead(links, columns[name].shown == "figure")


def _row(row: Any, columns: Mapping[str, Column], listing: Listing, seen: Seen) -> list[ShownColumn]:  # noqa: ANN401 - rows are of any type
    values = {}
    for name, column in columns.items():
        cell = listing.cell(name, row, seen)
        values[name] = ShownValue(column, cell, listing.links[name](row) if cell and name in listing.links else "")
    return [
        ShownColumn(
            values[name],
            [value for value in values.values() if value.column.under == name and value.cell is not None],
        )
        for name in _first(columns)
    ]


def _filter(connection: Connection, name: str, declared: Filter, asked: Asked, visits: Visitor) -> ShownFilter:
    options: Mapping[str, str] = {}
    chosen = asked.given.get(name, "")
    match declared.shown:
        case "agency":
            own = wording.list_words()["told"]["no_agency"].capitalize()
            none = {NO_AGENCY: own} if declared.of_none and visits.agencies is None else {}
            options = none | asked.names(short=True)
            chosen = asked.chosen.agency_code if asked.chosen else chosen
        case "choice":
            options = {code: words_of(declared.words)[code] for code in declared.only or words_of(declared.words)}
            if declared.words == "reason" and chosen and chosen not in options and not asked.faults:
                options = {chosen: wording.message_reason(chosen), **options}
        case "procedure":
            called = procedures_called(connection, _MOST_SUGGESTED)
            options = {each.procedure_code: each.name for each in called}
    return ShownFilter(name, declared, options, chosen)


def _sorts(columns: Mapping[str, Column]) -> list[tuple[str, str]]:
    words = wording.list_words()["sort"]
    return [
        (f"{sign}{name}", words[way].format(head=each.head))
        for name, each in columns.items()
        if each.sorts
        for sign, way in (("", "up"), ("-", "down"))
    ]


def list_page(
    router: APIRouter, address: str, listing: Listing, template: str = "lists/page.html", *, of_all: bool = False
) -> None:
    """Adds the page of a list that stands alone, and its files; ``of_all``: its rows are of all agencies together."""

    @router.get(address, name=listing.name)
    def show(request: Request, visits: Visits) -> HTMLResponse:
        if of_all:
            visits.must_see_all()
        with page_connection() as connection:
            shown = shown_list(connection, request, visits, listing)
        status = HTTPStatus.BAD_REQUEST if shown.asked.faults else HTTPStatus.OK
        return render(request, template, status=status, shown=shown, w=wording)

    list_files(router, f"{address}/file", listing, of_all=of_all)


def list_files(router: APIRouter, address: str, listing: Listing, *, of_all: bool = False) -> None:
    """Adds the files of a list whose rows an address asks for."""

    @router.get(address)
    def download(request: Request, visits: Visits, format: FileFormat) -> Response:
        if of_all:
            visits.must_see_all()
        with page_connection() as connection:
            asked = asked_of(connection, request, visits, listing)
        return list_file(request, visits, listing, asked, format)


# --- A file ---------------------------------------------------------------------------------------------------------


def list_file(
    request: Request,
    visits: Visitor,
    listing: Listing,
    asked: Asked,
    file_format: FileFormat,
    *,
    about: Sequence[str] | None = None,
    as_of: datetime | Literal["now"] | None = "now",
    title: str = "",
) -> Response:
    """A list as a file. A CSV file goes out while its rows are read; what stops it then is said in its last line.

    Args:
        request: for the file.
        visits: who sees it.
        listing: the list.
        asked: what is asked of it.
        file_format: which of the two.
        about: what the rows were narrowed down to, in words; one line each; by default what was asked for.
        as_of: when they held; ``None``: nobody knows.
        title: what it is called there, if it is not what the list is called.

    Raises:
        PageRefused: something is wrong with what is asked.
    """
    if asked.faults:
        raise PageRefused(HTTPStatus.BAD_REQUEST, "not_so")
    now = datetime.now(UTC)
    declared = listing.declared
    if about is None:
        of = [] if asked.values.get("of_no_agency") or asked.chosen else [whose(None, asked.agencies, visits)]
        about = [" · ".join([*of, *asked.told])]
    about = [*about, _newest_first(declared.most)] if declared.newest else about
    full_name = f"{declared.file}-{now.astimezone(VIETNAM):%Y%m%d-%H%M}.{file_format}"
    headers = HEADERS | {
        "Content-Disposition": f"attachment; filename*=UTF-8''{quote(full_name)}",
        "Content-Security-Policy": "default-src 'none'; sandbox",
    }
    head = ListHead(
        title or declared.title,
        about,
        now if as_of == "now" else as_of,
        declared.file_columns(visits),
        f"{request.url.scheme}://{request.url.netloc}{request.scope.get('root_path', '')}",
    )
    pieces = pieces_of(listing, page_connection, asked, Seen(visits, asked.names(short=False)))
    if file_format == "csv":
        return StreamingResponse(csv_pieces(head, _unbroken(pieces)), media_type="text/csv", headers=headers)
    return Response(list_workbook(head, pieces, now), media_type=_XLSX, headers=headers)


def file_of(
    request: Request,
    visits: Visitor,
    listing: Listing,
    file_format: FileFormat,
    *,
    about: Sequence[str] | None = None,
    as_of: datetime | Literal["now"] | None = "now",
) -> Response:
    """The same of a list whose rows were read already, in the order and with the words that the address asks for."""
    with page_connection() as connection:
        asked = asked_of(connection, request, visits, listing)
    if about is not None:
        about = [*about, *asked.told]
    return list_file(request, visits, listing, asked, file_format, about=about, as_of=as_of)


def _newest_first(most: int) -> str:
    """A line of a file's head: how many rows it may have."""
    return str(wording.list_words()["file"]["newest"].format(most=wording.count(most)))


def _unbroken(pieces: Iterator[Sequence[Row]]) -> Iterator[Sequence[Row]]:
    """The pieces; the headers are out already, so that an error can only be told by the file itself."""
    try:
        yield from pieces
    except (psycopg.Error, PoolTimeout):
        yield [[wording.list_words()["file"]["broken"]]]
