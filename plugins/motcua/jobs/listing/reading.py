"""Read the rows of a list that a request asks for, in the requested order, as a page or as a file.

A list is read in one of two ways. A list that may be as long as the ledger is read **piecewise**: each query starts at
a place, which is the time and the number of a row, and covers a bounded number of rows. An index supports the list's
own order, so that the list can be read from either end. Any other list is read **whole** up to the wanted row, in the
order of its SQL statement.

Sorting by another column and searching are limited: only the first rows are sorted, and only some rows are searched for
each page. The result states what was left out because of these bounds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any, Final, TypeAlias

from motcua.domain.clock import VIETNAM
from motcua.domain.people import Viewer
from motcua.jobs.listing.asking import Asked, folded
from motcua.reports.lists import (
    Cell,
    Column,
    DeclaredList,
    Link,
    ListPlace,
    OwnCell,
    Row,
    Seen,
    Word,
    cell_of,
    declared_list,
)
from motcua.reports.wording import count, list_words, moment
from motcua.store.browsing import Piece, Place
from motcua.store.ledger.database import Connection


@dataclass(frozen=True, slots=True)
class Bounds:
    """Numbers of rows that are read for one page or file."""

    counted: int = 1_000
    """Most rows that are counted. If there are more rows, the result only states that there are more."""
    sorted: int = 1_000
    """Number of the first requested rows that are sorted for a page."""
    searched: int = 3_000
    """Number of rows that one page of a search reads."""
    piece: int = 500
    """Number of rows that one query of a search reads."""
    piece_of_file: int = 1_000
    looks: int = 200
    """Most queries (pieces) with which the rows of one file are read from the ledger."""


USUAL: Final = Bounds()

Find: TypeAlias = Callable[[Connection, Asked, Place | None, int], Piece]
"""Returns the places of requested rows, from the given place on. The number limits how many are returned."""
Read: TypeAlias = Callable[[Connection, Sequence[Place]], Sequence[Any]]
"""Returns the rows at these places, in the order of the places."""
ReadWhole: TypeAlias = Callable[[Connection, Asked, int, int], Sequence[Any]]
"""Returns requested rows. The first number limits how many rows are returned; the second number says how many rows are
skipped before them."""


@dataclass(frozen=True, slots=True)
class Piecewise:
    """The functions that read a list piecewise, because it may be as long as the ledger."""

    find: Find
    read: Read
    ordered_by: str
    """Column of the list's own order, which is descending."""
    find_oldest: Callable[[Asked], Find | None] = lambda asked: None
    """Returns the ``find`` function for the ascending order; ``None`` if no index supports it for this request."""
    few: Callable[[Asked], bool] = lambda asked: False
    """Returns whether counting the requested rows would cost more than reading one page."""


@dataclass(frozen=True, slots=True)
class Listing:
    """A declared list and the functions that read its rows."""

    name: str
    """Name of the list's file in include/templates/lists."""
    rows: Piecewise | ReadWhole = lambda connection, asked, most, skipped: ()
    cells: Mapping[str, OwnCell] = field(default_factory=dict)
    """Functions for cells that the file cannot describe, by column."""
    links: Mapping[str, Callable[[Any], str]] = field(default_factory=dict)
    """Functions for the address to which a value of a column links on a page, by column. Addresses are relative to the
    address of the staff pages."""
    bounds: Bounds = USUAL
    declares: Callable[[str], DeclaredList] = declared_list
    """Returns the declaration of the list's file."""

    def of(self, rows: Sequence[Any], **cells: OwnCell) -> Listing:
        """Return this list with rows that were read already.

        Args:
            rows: the rows.
            **cells: additional functions for cells, by column.
        """
        return replace(
            self,
            rows=lambda connection, asked, most, skipped: rows[skipped : skipped + most],
            cells={**self.cells, **cells},
        )

    @property
    def declared(self) -> DeclaredList:
        """Return the declaration of the list's file."""
        return self.declares(self.name)

    def columns(self, viewer: Viewer, place: ListPlace) -> dict[str, Column]:
        """Return the columns that a viewer sees in one kind of output, such as a page or a file."""
        return self.declared.columns_for(viewer, place)

    def cell(self, name: str, row: Any, seen: Seen) -> Cell:  # noqa: ANN401 - rows are of any type
        """Return the content of a cell."""
        return cell_of(name, self.declared.columns[name], row, seen, self.cells)

    def cells_of(self, row: Any, seen: Seen, place: ListPlace) -> list[Cell]:  # noqa: ANN401 - rows are of any type
        """Return the cells of a row for one kind of output, such as a page or a file."""
        return [self.cell(name, row, seen) for name in self.columns(seen.viewer, place)]


@dataclass(frozen=True, slots=True)
class Part:
    """Some rows of a list, and what is known about the remaining rows."""

    rows: Sequence[Any]
    counted: int | None = None
    """Number of requested rows, as far as they were counted; ``None`` if they were not counted."""
    more: bool = False
    """Whether there are more rows than were counted or sorted."""
    older: Place | None = None
    """Place at which the next page begins, for a list that is read piecewise."""
    looked_to: datetime | None = None
    """Time down to which rows were read, if a bound ended the reading before the page was full; otherwise ``None``."""
    next_page: int | None = None
    """Number of the next page, for a list with page numbers."""
    sorted_among: int | None = None
    """Number of first rows that were sorted, if there are more rows than that."""


def part_of(
    listing: Listing, connection: Connection, asked: Asked, seen: Seen, before: Place | None = None, page: int = 1
) -> Part:
    """Return one page of a list."""
    if asked.sort and not (isinstance(listing.rows, Piecewise) and _is_own_order(listing.rows, asked)):
        return _sorted_page(listing, connection, asked, seen, before, page)
    if isinstance(listing.rows, Piecewise):
        if asked.search:
            return _search_page(listing, listing.rows, connection, asked, seen, before)
        return _piecewise_page(listing, listing.rows.find, connection, asked, before)
    if asked.search:
        return _sorted_page(listing, connection, asked, seen, before, page)
    return _whole_page(listing, connection, asked, page)


def first_of(
    listing: Listing, connection: Connection, asked: Asked, seen: Seen, most: int
) -> tuple[Sequence[Any], bool]:
    """Return the first rows of a list, and whether there are more rows, or rows that were not read."""
    wanted = max(most, listing.bounds.sorted) if asked.sort or asked.search else most
    if isinstance(listing.rows, Piecewise):
        piece = listing.rows.find(connection, asked, None, wanted)
        rows, more = list(listing.rows.read(connection, piece.places)), piece.older is not None
    else:
        rows = list(listing.rows(connection, asked, wanted + 1, 0))
        rows, more = rows[:wanted], len(rows) > wanted
    matching = in_order(listing, [row for row in rows if _has_words(listing, row, seen, asked.search)], asked, seen)
    return matching[:most], more or len(matching) > most


def _is_own_order(rows: Piecewise, asked: Asked) -> bool:
    """Return whether the requested order is the list's own order."""
    return asked.sort == rows.ordered_by and asked.backwards


def _piecewise_page(listing: Listing, find: Find, connection: Connection, asked: Asked, before: Place | None) -> Part:
    """Return a page of a piecewise list without a search."""
    assert isinstance(listing.rows, Piecewise)
    shown = listing.declared.page
    # The first page also shows the number of rows. To count them, up to ``bounds.counted`` rows are found, if that is
    # cheap.
    most = shown if before or listing.rows.few(asked) else listing.bounds.counted
    piece = find(connection, asked, before, most)
    older = piece.places[shown - 1] if len(piece.places) > shown else piece.older
    looked_on = piece.looked_on or len(piece.places) > shown
    more = piece.older is not None
    counted = None if before or not piece.looked_on or (more and most == shown) else len(piece.places)
    return Part(
        listing.rows.read(connection, piece.places[:shown]),
        counted,
        more and counted is not None,
        older,
        older.at if older and not looked_on else None,
    )


def _search_page(
    listing: Listing, rows: Piecewise, connection: Connection, asked: Asked, seen: Seen, before: Place | None
) -> Part:
    """Return a page of a search: rows with the words, beginning at a place, until the page is full or the bound is
    reached."""
    found: list[Any] = []
    searched = 0
    place, ended = before, False
    while not ended and searched < listing.bounds.searched:
        piece = rows.find(connection, asked, place, listing.bounds.piece)
        for at, row in zip(piece.places, rows.read(connection, piece.places), strict=True):
            if _has_words(listing, row, seen, asked.search):
                found.append(row)
                if len(found) == listing.declared.page:
                    return Part(found, older=at)
        searched += len(piece.places) if piece.looked_on else listing.bounds.piece
        place, ended = piece.older, piece.older is None
    counted = len(found) if ended and before is None else None
    return Part(found, counted, older=place, looked_to=place.at if place else None)


def _sorted_page(
    listing: Listing, connection: Connection, asked: Asked, seen: Seen, before: Place | None, page: int
) -> Part:
    """Return a page of the first rows in the requested order. With a search, only rows with its words are returned."""
    most = listing.bounds.sorted
    if isinstance(listing.rows, Piecewise):
        piece = listing.rows.find(connection, asked, None, most)
        more = piece.older is not None
        oldest = listing.rows.find_oldest(asked)
        if more and oldest is not None and asked.sort == listing.rows.ordered_by and not asked.search:
            return _piecewise_page(listing, oldest, connection, asked, before)
        rows = list(listing.rows.read(connection, piece.places))
    else:
        rows = list(listing.rows(connection, asked, most + 1, 0))
        more = len(rows) > most
    among = rows[:most]
    matching = in_order(listing, [row for row in among if _has_words(listing, row, seen, asked.search)], asked, seen)
    first, last = (page - 1) * listing.declared.page, page * listing.declared.page
    return Part(
        matching[first:last],
        len(matching),
        more,
        next_page=page + 1 if len(matching) > last else None,
        sorted_among=len(among) if more else None,
    )


def _whole_page(listing: Listing, connection: Connection, asked: Asked, page: int) -> Part:
    """Return a page of a list that is read whole."""
    assert not isinstance(listing.rows, Piecewise)
    shown = listing.declared.page
    most = listing.bounds.counted if page == 1 else shown
    rows = listing.rows(connection, asked, most + 1, (page - 1) * shown)
    counted = min(len(rows), most) if page == 1 else None
    return Part(rows[:shown], counted, len(rows) > most, next_page=page + 1 if len(rows) > shown else None)


def in_order(listing: Listing, rows: list[Any], asked: Asked, seen: Seen) -> list[Any]:
    """Sort rows in the requested order. Equal rows stay in the list's own order; rows without a value come last."""
    if not asked.sort:
        return rows
    by = listing.declared.columns[asked.sort].sort_by or asked.sort
    keyed = [(_sort_key(listing.cell(by, row, seen)), row) for row in rows]
    full = [each for each in keyed if each[0] is not None]
    full.sort(key=lambda each: each[0], reverse=asked.backwards)
    return [row for _, row in full] + [row for key, row in keyed if key is None]


def _sort_key(cell: Cell) -> Any:  # noqa: ANN401 - of one type within a column
    """Return the value by which a cell is sorted; ``None`` for an empty cell."""
    match cell:
        case None:
            return None
        case datetime():
            return cell.timestamp()
        case date():
            return cell.toordinal()
        case int():
            return cell
        case _:
            return folded(text_of(cell))


def text_of(cell: Cell) -> str:
    """Return a cell as the text on a page."""
    match cell:
        case None:
            return ""
        case datetime():
            return f"{cell.astimezone(VIETNAM):%-d/%-m/%Y %-H:%M}"
        case date():
            return f"{cell.day}/{cell.month}/{cell.year}"
        case Link() | Word():
            return cell.words
        case _:
            return str(cell)


def _has_words(listing: Listing, row: Any, seen: Seen, words: Sequence[str]) -> bool:  # noqa: ANN401 - rows are of any type
    """Return whether the cells that the viewer sees of a row contain all these words."""
    if not words:
        return True
    names = {**listing.columns(seen.viewer, "page"), **listing.columns(seen.viewer, "file")}
    text = folded("\n".join(text_of(listing.cell(name, row, seen)) for name in names))
    return all(word in text for word in words)


# --- Files ----------------------------------------------------------------------------------------------------------

Connect: TypeAlias = Callable[[], Any]
"""Opens a connection for one piece."""


def pieces_of(listing: Listing, connect: Connect, asked: Asked, seen: Seen) -> Iterator[list[Row]]:
    """Yield all rows of a list as a file shows them, piece by piece. If rows are missing at the end, a note is yielded.

    Each piece has its own connection, so that a slow reader of the file blocks no connection.
    """

    def cells(rows: Sequence[Any]) -> list[Row]:
        return [listing.cells_of(row, seen, "file") for row in rows if _has_words(listing, row, seen, asked.search)]

    most = listing.declared.most
    if isinstance(listing.rows, Piecewise):
        pieces = _read_pieces(listing.rows, listing.bounds, connect, asked, most)
    else:
        with connect() as connection:
            pieces = iter([(listing.rows(connection, asked, most + 1, 0), None)])
    words, note, written = list_words()["file"], "cut" if listing.declared.newest else "cut_first", 0
    if asked.sort and not (isinstance(listing.rows, Piecewise) and _is_own_order(listing.rows, asked)):
        every = [row for rows, _ in pieces for row in rows]
        pieces = iter([(in_order(listing, every, asked, seen), None)])
    for rows, looked_to in pieces:
        made = cells(rows)
        yield made[: most - written]
        written += len(made)
        if written > most:
            yield [[words[note].format(written=count(most))]]
            return
        if looked_to is not None:
            yield [[words["looked"].format(moment=moment(looked_to))]]


def _read_pieces(
    rows: Piecewise, bounds: Bounds, connect: Connect, asked: Asked, most: int
) -> Iterator[tuple[Sequence[Any], datetime | None]]:
    """Yield rows piece by piece. The last piece has the time down to which rows were read, if older rows may match."""
    place: Place | None = None
    read = 0
    for look in range(bounds.looks):
        with connect() as connection:
            piece = rows.find(connection, asked, place, min(bounds.piece_of_file, most + 1 - read))
            found = rows.read(connection, piece.places)
        read += len(found)
        place = piece.older
        is_last = place is None or read > most
        yield found, place.at if place and not is_last and look == bounds.looks - 1 else None
        if is_last:
            return
