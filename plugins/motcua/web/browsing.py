"""What lists of rows share: filters of an address, the place in a list, files of all rows, words that may be shown."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from http import HTTPStatus
from typing import Literal, TypeAlias
from urllib.parse import quote, urlencode

import psycopg
from fastapi import Request
from fastapi.responses import Response, StreamingResponse
from psycopg_pool import PoolTimeout

from motcua.domain.clock import VIETNAM
from motcua.domain.phones.reading import mask_phones
from motcua.reports.lists import MOST_ROWS, Cell, Column, Link, csv_pieces, list_workbook
from motcua.reports.wording import count, day, list_words, moment
from motcua.store.agencies import Agency
from motcua.store.browsing.messages import Place
from motcua.store.ledger.database import Connection, page_connection
from motcua.store.notices.templates import load_template_versions
from motcua.web.refusals import PageRefused
from motcua.web.rendering import HEADERS
from motcua.web.visitors import Visitor

FilterName: TypeAlias = Literal["kind", "state", "reason", "outcome", "procedure", "run"]
FileFormat: TypeAlias = Literal["csv", "xlsx"]

MOST_TURNED = 20
"""Pages that the link to newer rows leads back over, one by one; beyond them it leads to the first."""
_PIECE = 1_000
"""Rows of a file that are read at a time."""
_MOST_LOOKS = 200
"""Pieces of the ledger that are looked through for one file."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_LONGEST = 200
"""Characters of a name in an address."""
_FIRST_DAY, _LAST_DAY = date(2000, 1, 1), date(2999, 12, 31)
_XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

NOBODYS = frozenset({"dossier_code", "agency_name", "due_date", "step_name", "punctuality"})
"""Parameters of texts whose values name no person. What else a text may hold, a citizen typed."""


class Faults(list[str]):
    """What is wrong with the filters of an address, in words; empty: nothing."""

    def day_in(self, written: str) -> date | None:
        """A day as an address writes it; ``None``: none is given, or it is none."""
        if not written:
            return None
        try:
            found = date.fromisoformat(written)
        except ValueError:
            found = date.min
        if _FIRST_DAY <= found <= _LAST_DAY:
            return found
        self._add("day", written=written)
        return None

    def period(self, since: str, until: str) -> tuple[datetime | None, datetime | None]:
        """Where the days ``since`` to ``until`` begin and end, by the clock of Vietnam."""
        first, last = self.day_in(since), self.day_in(until)
        if first and last and last < first:
            self._add("order")
        return _begins(first), _begins(last and last + timedelta(days=1))

    def one_of(self, written: str, known: Iterable[str], what: FilterName) -> str | None:
        """A value of a closed list; ``None``: none is given, or it is none of them."""
        if not written or written in known:
            return written or None
        self._add("unknown", what=list_words()["filter"][what], written=written)
        return None

    def name(self, written: str, what: FilterName) -> str | None:
        """A name of something that there may be; ``None``: none is given, or nothing is called so."""
        if len(written) <= _LONGEST and written.isprintable():
            return written or None
        self._add("name", what=list_words()["filter"][what].capitalize(), most=_LONGEST)
        return None

    def place(self, written: str) -> Place | None:
        """A place in a list; ``None``: none is given, or it is none."""
        try:
            return read_place(written) if written else None
        except ValueError:
            self._add("place")
            return None

    def too_long(self, days: int) -> None:
        """The period has more days than these."""
        self._add("too_long", days=days)

    def _add(self, name: str, **values: object) -> None:
        self.append(list_words()["fault"][name].format(**values))


def _begins(day: date | None) -> datetime | None:
    return None if day is None else datetime.combine(day, datetime.min.time(), VIETNAM)


def period_told(since: str, until: str) -> str:
    """Two days of an address in words; empty: none is given."""
    if not (since or until):
        return ""
    first, last = (day(date.fromisoformat(each)) if each else "" for each in (since, until))
    name = "since" if not last else "until" if not first else "day" if first == last else "days"
    return str(list_words()["told"][name].format(first=first, last=last))


def written_place(place: Place) -> str:
    """A place in a list as an address writes it."""
    return f"{(place.at - _EPOCH) // _MICROSECOND}-{place.number}"


def read_place(written: str) -> Place:
    """A place in a list that an address writes.

    Raises:
        ValueError: it is none.
    """
    at, _, number = written.partition("-")
    if not all(part.isascii() and part.isdigit() and len(part) <= 18 for part in (at, number)):
        raise ValueError(written)
    try:
        return Place(_EPOCH + int(at) * _MICROSECOND, int(number))
    except OverflowError:
        raise ValueError(written) from None


def turning(query: dict[str, str], before: str, trail: str, older: Place | None) -> tuple[str | None, str | None]:
    """Queries of the pages of newer and older rows; ``None``: there is no such page.

    A list only knows how to go on to what is older. So the address keeps ``trail``, the places that the pages before
    this one began at.
    """
    been = [each for each in trail.split(",") if each][-MOST_TURNED:]
    newer = None
    if before:
        newer = urlencode(_given(query | {"before": been[-1] if been else "", "trail": ",".join(been[:-1])}))
    if older is None:
        return newer, None
    passed = ",".join([*been, *([before] if before else [])][-MOST_TURNED:])
    return newer, urlencode(query | _given({"before": written_place(older), "trail": passed}))


def _given(query: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in query.items() if value}


def agency_of(written: str, agencies: Sequence[Agency], visits: Visitor) -> Agency | None:
    """The agency that an address names by its code or an alias; ``None``: it names none.

    Raises:
        PageRefused: there is no such agency, or the visitor may not see it.
    """
    if not written:
        return None
    chosen = next((each for each in agencies if written in (each.agency_code, *each.aliases)), None)
    visits.must_see(None if chosen is None else chosen.agency_code)
    if chosen is None:
        raise PageRefused(HTTPStatus.NOT_FOUND, "no_such_agency")
    return chosen


def words_shown(visits: Visitor, template_id: str, version: int, text: str) -> str | None:
    """The words of a message as a visitor sees them; ``None``: he does not.

    What a stranger typed may name anybody: auditors do not see it, and numbers in it are masked for everyone.
    """
    if (template_id, version) in _plain_templates():
        return text
    return None if visits.is_auditor else mask_phones(text)


@lru_cache(maxsize=1)
def _plain_templates() -> frozenset[tuple[str, int]]:
    versions = load_template_versions()
    return frozenset(name for name, template in versions.items() if NOBODYS.issuperset(template.parameters))


def dossier_address(request: Request, agency: str | None, code: str) -> str:
    """The whole address of a dossier's page, for a file."""
    base: str = request.scope.get("root_path", "")
    query = urlencode(_given({"agency": agency or "", "code": code}))
    return f"{request.url.scheme}://{request.url.netloc}{base}/dossiers?{query}"


def dossier_cell(request: Request, agency: str | None, code: str | None) -> Cell:
    """A dossier's code in a file, which leads to its page."""
    return None if code is None else Link(code, dossier_address(request, agency, code))


Look: TypeAlias = Callable[[Connection, Place | None, int], tuple[list[list[Cell]], Place | None]]
"""Reads up to so many rows from a place on, and says where to go on."""


def pieces_of(look: Look) -> Iterator[list[list[Cell]]]:
    """All rows of a list, a piece at a time, each with a connection of its own: whoever reads slowly keeps none."""
    words = list_words()["file"]
    place: Place | None = None
    written = 0
    for _ in range(_MOST_LOOKS):
        with page_connection() as connection:
            rows, place = look(connection, place, min(_PIECE, MOST_ROWS - written))
        written += len(rows)
        yield rows
        if place is None:
            return
        if written >= MOST_ROWS:
            yield [[words["cut"].format(written=count(written))]]
            return
    if place is not None:
        yield [[words["looked"].format(moment=moment(place.at))]]


def list_file(
    name: str,
    file_format: FileFormat,
    title: str,
    about: str,
    columns: Sequence[Column],
    pieces: Iterator[Sequence[Sequence[Cell]]],
) -> Response:
    """A list as a file. A CSV file goes out while its rows are read; what stops it then is said in its last line."""
    now = datetime.now(UTC)
    full_name = f"{name}-{now.astimezone(VIETNAM):%Y%m%d-%H%M}.{file_format}"
    headers = HEADERS | {
        "Content-Disposition": f"attachment; filename*=UTF-8''{quote(full_name)}",
        "Content-Security-Policy": "default-src 'none'; sandbox",
    }
    if file_format == "csv":
        return StreamingResponse(csv_pieces(columns, _unbroken(pieces)), media_type="text/csv", headers=headers)
    notes = [about, list_words()["file"]["as_of"].format(moment=moment(now), most=count(MOST_ROWS))]
    return Response(list_workbook(title, notes, columns, pieces, now), media_type=_XLSX, headers=headers)


def _unbroken(pieces: Iterator[Sequence[Sequence[Cell]]]) -> Iterator[Sequence[Sequence[Cell]]]:
    """The pieces; the headers are out already, so that an error can only be told by the file itself."""
    try:
        yield from pieces
    except (psycopg.Error, PoolTimeout):
        yield [[list_words()["file"]["broken"]]]
