"""Which rows a list shows: those that are asked for, in the order that is asked for, a page or a file of them.

A list is read in one of two ways. One that may be as long as the ledger is read **piecewise**, from a place on, and
looks at a bounded part at a time; its own order has an index, so that it can be read from either end. Any other is read
**whole**, as far as it is wanted, in the order that its statement has.

Whatever else is asked for is done within what is bounded: another order among the first so many rows, a search among
so many a page. What was left out by that is told, never passed over.
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
    """How many rows of a list are looked at for one page or file."""

    counted: int = 1_000
    """Rows are counted up to so many."""
    sorted: int = 1_000
    """Rows that a page is put in order of: the first so many of those that are asked for."""
    searched: int = 3_000
    """Rows that one page of a search looks through."""
    piece: int = 500
    """Of these, so many are read at a time."""
    piece_of_file: int = 1_000
    looks: int = 200
    """Pieces of the ledger that are looked through for one file."""


USUAL: Final = Bounds()

Find: TypeAlias = Callable[[Connection, Asked, Place | None, int], Piece]
"""Places of up to so many rows that are asked for, from a place on."""
Read: TypeAlias = Callable[[Connection, Sequence[Place]], Sequence[Any]]
"""The rows at these places, in their order."""
ReadWhole: TypeAlias = Callable[[Connection, Asked, int, int], Sequence[Any]]
"""Up to so many rows that are asked for, after so many others."""


@dataclass(frozen=True, slots=True)
class Piecewise:
    """How a list is read that may be as long as the ledger."""

    find: Find
    read: Read
    ordered_by: str
    """The column of its own order, the newest first."""
    find_oldest: Callable[[Asked], Find | None] = lambda asked: None
    """Likewise from the other end; ``None``: there is no index for what is asked for."""
    few: Callable[[Asked], bool] = lambda asked: False
    """Whether to count what is asked for costs more than a page of it."""


@dataclass(frozen=True, slots=True)
class Listing:
    """A declared list with what reads its rows."""

    name: str
    """Of its file in include/templates/lists."""
    rows: Piecewise | ReadWhole = lambda connection, asked, most, skipped: ()
    cells: Mapping[str, OwnCell] = field(default_factory=dict)
    """What its entries cannot say, by column."""
    links: Mapping[str, Callable[[Any], str]] = field(default_factory=dict)
    """Where a value that is there leads on its page, by column: an address below the pages."""
    bounds: Bounds = USUAL
    declares: Callable[[str], DeclaredList] = declared_list
    """Reads what a file of that name says."""

    def of(self, rows: Sequence[Any], **cells: OwnCell) -> Listing:
        """The list of rows that were read already; ``cells``: what tells more of them, by column."""
        return replace(
            self,
            rows=lambda connection, asked, most, skipped: rows[skipped : skipped + most],
            cells={**self.cells, **cells},
        )

    @property
    def declared(self) -> DeclaredList:
        """What its file says."""
        return self.declares(self.name)

    def columns(self, viewer: Viewer, place: ListPlace) -> dict[str, Column]:
        """The columns that a viewer sees in a place."""
        return self.declared.columns_for(viewer, place)

    def cell(self, name: str, row: Any, seen: Seen) -> Cell:  # noqa: ANN401 - rows are of any type
        """What stands in a cell."""
        return cell_of(name, self.declared.columns[name], row, seen, self.cells)

    def cells_of(self, row: Any, seen: Seen, place: ListPlace) -> list[Cell]:  # noqa: ANN401 - rows are of any type
        """A row in a place."""
        return [self.cell(name, row, seen) for name in self.columns(seen.viewer, place)]


@dataclass(frozen=True, slots=True)
class Part:
    """Rows of a list, and what is known of the others."""

    rows: Sequence[Any]
    counted: int | None = None
    """How many there are, as far as they were counted; ``None``: they were not."""
    more: bool = False
    """There are more than were counted, or than were put in order."""
    older: Place | None = None
    """Where the next page goes on, of a list that is read piecewise."""
    looked_to: datetime | None = None
    """So far was looked, and there may be others beyond; ``None``: all before the next page are here."""
    next_page: int | None = None
    """The page after this one, of a list that has numbers for them."""
    sorted_among: int | None = None
    """They are in order among the first so many alone."""


def part_of(
    listing: Listing, connection: Connection, asked: Asked, seen: Seen, before: Place | None = None, page: int = 1
) -> Part:
    """One page of a list."""
    if asked.sort and not (isinstance(listing.rows, Piecewise) and _is_own_order(listing.rows, asked)):
        return _sorted(listing, connection, asked, seen, before, page)
    if isinstance(listing.rows, Piecewise):
        if asked.search:
            return _searched(listing, listing.rows, connection, asked, seen, before)
        return _piece(listing, listing.rows.find, connection, asked, before)
    if asked.search:
        return _sorted(listing, connection, asked, seen, before, page)
    return _of_whole(listing, connection, asked, page)


def first_of(
    listing: Listing, connection: Connection, asked: Asked, seen: Seen, most: int
) -> tuple[Sequence[Any], bool]:
    """The first rows of a list, and whether there are more, or more than were looked through."""
    wanted = max(most, listing.bounds.sorted) if asked.sort or asked.search else most
    if isinstance(listing.rows, Piecewise):
        piece = listing.rows.find(connection, asked, None, wanted)
        rows, more = list(listing.rows.read(connection, piece.places)), piece.older is not None
    else:
        rows = list(listing.rows(connection, asked, wanted + 1, 0))
        rows, more = rows[:wanted], len(rows) > wanted
    kept = in_order(listing, [row for row in rows if _holds(listing, row, seen, asked.search)], asked, seen)
    return kept[:most], more or len(kept) > most


def _is_own_order(rows: Piecewise, asked: Asked) -> bool:
    return asked.sort == rows.ordered_by and asked.backwards


def _piece(listing: Listing, find: Find, connection: Connection, asked: Asked, before: Place | None) -> Part:
    assert isinstance(listing.rows, Piecewise)
    shown = listing.declared.page
    # The first page tells how many there are, where they are few.
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


def _searched(
    listing: Listing, rows: Piecewise, connection: Connection, asked: Asked, seen: Seen, before: Place | None
) -> Part:
    """Rows with the words that are looked for, from a place on, until a page is full or so many were looked through."""
    found: list[Any] = []
    looked = 0
    place, ended = before, False
    while not ended and looked < listing.bounds.searched:
        piece = rows.find(connection, asked, place, listing.bounds.piece)
        for at, row in zip(piece.places, rows.read(connection, piece.places), strict=True):
            if _holds(listing, row, seen, asked.search):
                found.append(row)
                if len(found) == listing.declared.page:
                    return Part(found, older=at)
        looked += len(piece.places) if piece.looked_on else listing.bounds.piece
        place, ended = piece.older, piece.older is None
    counted = len(found) if ended and before is None else None
    return Part(found, counted, older=place, looked_to=place.at if place else None)


def _sorted(
    listing: Listing, connection: Connection, asked: Asked, seen: Seen, before: Place | None, page: int
) -> Part:
    """A page of the first rows, in the order that is asked for, those alone with the words that are looked for."""
    most = listing.bounds.sorted
    if isinstance(listing.rows, Piecewise):
        piece = listing.rows.find(connection, asked, None, most)
        more = piece.older is not None
        oldest = listing.rows.find_oldest(asked)
        if more and oldest is not None and asked.sort == listing.rows.ordered_by and not asked.search:
            return _piece(listing, oldest, connection, asked, before)
        rows = list(listing.rows.read(connection, piece.places))
    else:
        rows = list(listing.rows(connection, asked, most + 1, 0))
        more = len(rows) > most
    among = rows[:most]
    kept = in_order(listing, [row for row in among if _holds(listing, row, seen, asked.search)], asked, seen)
    first, last = (page - 1) * listing.declared.page, page * listing.declared.page
    return Part(
        kept[first:last],
        len(kept),
        more,
        next_page=page + 1 if len(kept) > last else None,
        sorted_among=len(among) if more else None,
    )


def _of_whole(listing: Listing, connection: Connection, asked: Asked, page: int) -> Part:
    assert not isinstance(listing.rows, Piecewise)
    shown = listing.declared.page
    most = listing.bounds.counted if page == 1 else shown
    rows = listing.rows(connection, asked, most + 1, (page - 1) * shown)
    counted = min(len(rows), most) if page == 1 else None
    return Part(rows[:shown], counted, len(rows) > most, next_page=page + 1 if len(rows) > shown else None)


def in_order(listing: Listing, rows: list[Any], asked: Asked, seen: Seen) -> list[Any]:
    """The rows in the order that is asked for; of equals the list's own. Those without a value are last."""
    if not asked.sort:
        return rows
    by = listing.declared.columns[asked.sort].sort_by or asked.sort
    keyed = [(_sort_key(listing.cell(by, row, seen)), row) for row in rows]
    full = [each for each in keyed if each[0] is not None]
    full.sort(key=lambda each: each[0], reverse=asked.backwards)
    return [row for _, row in full] + [row for key, row in keyed if key is None]


def _sort_key(cell: Cell) -> Any:  # noqa: ANN401 - of one type within a column
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
    """A cell as it is read on a page."""
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


def _holds(listing: Listing, row: Any, seen: Seen, words: Sequence[str]) -> bool:  # noqa: ANN401 - rows are of any type
    """Whether a row, as the viewer sees it, has all these words somewhere."""
    if not words:
        return True
    names = {**listing.columns(seen.viewer, "page"), **listing.columns(seen.viewer, "file")}
    text = folded("\n".join(text_of(listing.cell(name, row, seen)) for name in names))
    return all(word in text for word in words)


# --- Files ----------------------------------------------------------------------------------------------------------

Connect: TypeAlias = Callable[[], Any]
"""Opens a connection for a piece."""


def pieces_of(listing: Listing, connect: Connect, asked: Asked, seen: Seen) -> Iterator[list[Row]]:
    """All rows of a list as a file has them, a piece at a time, and a note where there are more.

    Each piece has a connection of its own: whoever reads slowly keeps none.
    """

    def cells(rows: Sequence[Any]) -> list[Row]:
        return [listing.cells_of(row, seen, "file") for row in rows if _holds(listing, row, seen, asked.search)]

    most = listing.declared.most
    if isinstance(listing.rows, Piecewise):
        pieces = _pieces(listing.rows, listing.bounds, connect, asked, most)
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


def _pieces(
    rows: Piecewise, bounds: Bounds, connect: Connect, asked: Asked, most: int
) -> Iterator[tuple[Sequence[Any], datetime | None]]:
    """Rows piece by piece; with the last of them how far was looked, where there may be others beyond."""
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
