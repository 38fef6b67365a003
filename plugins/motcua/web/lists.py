"""Show a list on its page: the filter form, column heads that sort the rows, the rows, page links and files."""

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
"""Names and values of an address's query."""

MOST_TURNED: Final = 20
"""Most pages that a visitor can go back one by one with the link to newer rows. After so many pages, the link leads to
the first page."""
_MOST_SUGGESTED: Final = 500
"""Most names of procedures that a page suggests for a filter."""
_FOLDED_ABOVE: Final = 90
"""A text with more letters than this is folded: its row shows only the beginning until a visitor unfolds it."""
_FOLDED_TO: Final = 70
"""Most letters of a folded text that its row shows before it is unfolded."""
_LIST_PARAMETERS: Final = ("sort", "q", "page", "before", "trail")
"""Names in a query by which an address states the order, the search and the page of one list."""
_XLSX: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


# --- Values for a template ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class SortLink:
    """A link in a column's head that sorts the rows by the column, or reverses their order."""

    head: str
    query: str
    """The query of the link. Empty if the rows cannot be sorted by the column."""
    sorted: Literal["", "ascending", "descending"]


@dataclass(frozen=True, slots=True)
class ShownHead:
    """The head of a column of the page.

    If the column shows several values of a row below each other, the head holds a link for each of them.
    """

    links: Sequence[SortLink]
    is_figure: bool

    @property
    def sorted(self) -> str:
        """The value of ``aria-sort``. Empty if the rows are not sorted by this column."""
        return next((each.sorted for each in self.links if each.sorted), "")


@dataclass(frozen=True, slots=True)
class ShownValue:
    """A value and how it is shown."""

    column: Column
    cell: Cell
    to: str = ""
    """The address that the value links to. Empty if it is no link."""

    @property
    def kind(self) -> str:
        """How the value is shown: ``none``, ``link``, ``word``, ``moment``, ``day``, ``number`` or ``text``."""
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
        """The value as a text."""
        return self.cell.words if isinstance(self.cell, Link | Word) else str(self.cell)

    @property
    def opening(self) -> str:
        """The first words of a long text, or a whole short text."""
        if self.column.shown != "text" or len(self.text) <= _FOLDED_ABOVE:
            return self.text
        return self.text[:_FOLDED_TO].rpartition(" ")[0] or self.text[:_FOLDED_TO]

    @property
    def rest(self) -> str:
        """The words after the opening, which the page unfolds."""
        return self.text[len(self.opening) :]


@dataclass(frozen=True, slots=True)
class ShownColumn:
    """The values that one row shows in one column of the page."""

    value: ShownValue
    under: Sequence[ShownValue]


@dataclass(frozen=True, slots=True)
class ShownFilter:
    """A filter in the list's form."""

    name: str
    declared: Filter
    options: Mapping[str, str]
    """The values that the visitor can choose, or that the page suggests, with their words."""
    chosen: str


@dataclass(frozen=True, slots=True)
class ShownList:
    """A list as its page shows it: everything that include/templates/web/lists/lists.html needs."""

    listing: Listing
    asked: Asked
    here: str
    """The address of the list's page."""
    prefix: str
    """Prefix of this list's names in the query. Empty if the list is the only one on its page."""
    part: Part
    heads: Sequence[ShownHead]
    rows: Sequence[Sequence[ShownColumn]]
    filters: Sequence[ShownFilter]
    sorts: Sequence[tuple[str, str]]
    """Orders that can be chosen, with their words."""
    order: str
    """The chosen order, as the query writes it."""
    kept: Query
    """The query without the names and values that belong to this list."""
    newer: str | None
    older: str | None
    turned: bool
    file: str
    """The address of the list's files."""
    file_query: Query
    """The query of the list's files."""

    def file_address(self, form: str) -> str:
        """Return the address of the file in a format, csv or xlsx."""
        if "{form}" in self.file:
            return f"{self.file.format(form=form)}?{urlencode(self.file_query)}"
        return f"{self.file}?{urlencode([*self.file_query, ('format', form)])}"

    def holds(self, words: str) -> bool:
        """Return whether a cell of the rows consists of these words."""
        return any(each.value.cell == words for row in self.rows for each in row)

    @property
    def declared(self) -> Any:  # noqa: ANN401 - a template asks for what it shows
        """The list's declaration from its YAML file."""
        return self.listing.declared

    @property
    def narrowed(self) -> bool:
        """Whether filters or a search leave rows out."""
        return bool(self.asked.given)

    @property
    def search(self) -> str:
        """The search text as it was typed."""
        return self.asked.given.get("q", "")

    @property
    def without(self) -> str:
        """The address of the same page without filters and search."""
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
    """Return the filters, the search, the order and the page that an address asks for.

    ``query`` replaces the request's own query.

    Raises:
        PageRefused: the address names an agency that does not exist or that the visitor may not see.
    """
    written = dict(request.query_params.multi_items() if query is None else query)
    if prefix:
        written |= {name: written.get(prefix + name, "") for name in _LIST_PARAMETERS}
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
    """Return a list as the page of an address shows it.

    Args:
        connection: a connection to the ledger.
        request: the request for the page. Its address states the filters, the search, the order and the page.
        visits: the visitor who sees the list.
        listing: the list.
        asked: the filters, search, order and page, if the caller has read them from the address already.
        prefix: prefix of this list's names in the query, if its page has several lists.
        here: address of the list's page below the pages' base. The default is the request's own address.
        query: the query of the list's address. The default is the request's own query.
        file: address of the list's files below the pages' base. The default is the page's address and ``/file``.
            ``{form}`` stands for csv or xlsx.
        of: the list's name in the query of its files, whose address may serve several lists. The default is the
            declared name.
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
    own = {f"{prefix}{name}" for name in _LIST_PARAMETERS}
    kept = [(name, value) for name, value in query if name not in own and name != "said" and value]
    order = ("-" if asked.backwards else "") + asked.sort if asked.sort else ""
    stays = kept + _not_empty({f"{prefix}q": asked.given.get("q", ""), f"{prefix}sort": order})
    newer, older = _page_queries(stays, written, trail, part.older, prefix)
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
        [_head(name, columns, asked, _without(stays, f"{prefix}sort"), prefix) for name in _top_columns(columns)],
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
            *(each for each in kept if each[0] not in _LIST_PARAMETERS),
            *_not_empty({"q": asked.given.get("q", ""), "sort": order}),
        ],
    )


def _not_empty(query: Mapping[str, str]) -> list[tuple[str, str]]:
    """Return the names and values of a query that are not empty."""
    return [(name, value) for name, value in query.items() if value]


def _without(query: Query, name: str) -> list[tuple[str, str]]:
    return [each for each in query if each[0] != name]


def _page_queries(
    query: Query, before: str, trail: str, older: Place | None, prefix: str
) -> tuple[str | None, str | None]:
    """Return the queries of the pages with newer and with older rows. ``None`` means that there is no such page.

    A list only knows where its next page begins. The address therefore keeps ``trail``, the places at which the pages
    before this one begin.
    """
    been = [each for each in trail.split(",") if each][-MOST_TURNED:]
    newer = None
    if before:
        back = {f"{prefix}before": been[-1] if been else "", f"{prefix}trail": ",".join(been[:-1])}
        newer = urlencode([*query, *_not_empty(back)])
    if older is None:
        return newer, None
    passed = ",".join([*been, *([before] if before else [])][-MOST_TURNED:])
    on = {f"{prefix}before": written_place(older), f"{prefix}trail": passed}
    return newer, urlencode([*query, *_not_empty(on)])


def _top_columns(columns: Mapping[str, Column]) -> list[str]:
    """Return the columns whose values are not shown below the values of another column."""
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
        for name in _top_columns(columns)
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
    """Add to the router the page of a list that has a page of its own, and the list's files.

    ``of_all`` states that the list's rows belong to all agencies together.
    """

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
    """Add to the router the files of a list, with the rows that the address asks for."""

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
    """Return a list as a file.

    A CSV file is sent while its rows are read. If reading fails, the file's last line states the failure.

    Args:
        request: the request for the file.
        visits: the visitor who gets the file.
        listing: the list.
        asked: the filters, the search and the order of the rows.
        file_format: csv or xlsx.
        about: the filters of the rows in words, one line each. By default they are taken from ``asked``.
        as_of: the moment whose state the rows show. ``None`` if it is unknown.
        title: the title in the file, if it differs from the list's title.

    Raises:
        PageRefused: a filter, the search or the order is not valid.
    """
    if asked.faults:
        raise PageRefused(HTTPStatus.BAD_REQUEST, "not_so")
    now = datetime.now(UTC)
    declared = listing.declared
    if about is None:
        of = [] if asked.values.get("of_no_agency") or asked.chosen else [whose(None, asked.agencies, visits)]
        about = [" · ".join([*of, *asked.told])]
    about = [*about, _row_limit_line(declared.most)] if declared.newest else about
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
        return StreamingResponse(csv_pieces(head, _with_error_row(pieces)), media_type="text/csv", headers=headers)
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
    """Return a list as a file, with the filters, order and search that the request's address asks for."""
    with page_connection() as connection:
        asked = asked_of(connection, request, visits, listing)
    if about is not None:
        about = [*about, *asked.told]
    return list_file(request, visits, listing, asked, file_format, about=about, as_of=as_of)


def _row_limit_line(most: int) -> str:
    """Return a line of the file's head that states how many rows the file may have."""
    return str(wording.list_words()["file"]["newest"].format(most=wording.count(most)))


def _with_error_row(pieces: Iterator[Sequence[Row]]) -> Iterator[Sequence[Row]]:
    """Yield the pieces. If reading fails, yield a last row that states the error.

    The HTTP headers are already sent, so only the file itself can show the error.
    """
    try:
        yield from pieces
    except (psycopg.Error, PoolTimeout):
        yield [[wording.list_words()["file"]["broken"]]]
