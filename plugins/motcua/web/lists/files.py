"""Files of lists: all rows that a page shows a part of, as CSV or as a workbook, and what of a row may be in one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from itertools import islice
from typing import Literal, TypeAlias
from urllib.parse import quote, urlencode

import psycopg
from fastapi import Request
from fastapi.responses import Response, StreamingResponse
from psycopg_pool import PoolTimeout

from motcua.domain.clock import VIETNAM
from motcua.reports.lists.files import MOST_ROWS, Cell, FileColumn, Link, ListHead, Row, csv_pieces, list_workbook
from motcua.reports.wording import count, list_words
from motcua.web.lists.filters import given
from motcua.web.rendering import HEADERS

FileFormat: TypeAlias = Literal["csv", "xlsx"]

_PIECE = 1_000
"""Rows of a file that are read at a time."""
_MOST_LOOKS = 200
"""Pieces of the ledger that are looked through for one file."""
_XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def columns_of(names: Sequence[str]) -> list[FileColumn]:
    """Columns by their names in include/templates/web/lists/words.vi.yaml."""
    heads = list_words()["column"]
    return [FileColumn(heads[name], 30) for name in names]


def dossier_address(request: Request, agency: str | None, code: str) -> str:
    """The whole address of a dossier's page, for a file."""
    base: str = request.scope.get("root_path", "")
    query = urlencode(given({"agency": agency or "", "code": code}))
    return f"{request.url.scheme}://{request.url.netloc}{base}/dossiers?{query}"


def dossier_cell(request: Request, agency: str | None, code: str | None) -> Cell:
    """A dossier's code in a file, which leads to its page."""
    return None if code is None else Link(code, dossier_address(request, agency, code))


def at_most(rows: Iterable[Row]) -> Iterator[list[Row]]:
    """Rows that are there already, as a file takes them: so many of them, and a note where there are more."""
    left = iter(rows)
    yield list(islice(left, MOST_ROWS))
    if next(left, None) is not None:
        yield [[list_words()["file"]["cut_first"].format(written=count(MOST_ROWS))]]


def newest_first() -> str:
    """A line of a file's head: how many rows it may have."""
    return str(list_words()["file"]["newest"].format(most=count(MOST_ROWS)))


def list_file(
    file_format: FileFormat,
    name: str,
    about: Sequence[str],
    columns: Sequence[str],
    pieces: Iterable[Sequence[Row]],
    *,
    as_of: datetime | None,
    title: str = "",
) -> Response:
    """A list as a file. A CSV file goes out while its rows are read; what stops it then is said in its last line.

    Args:
        file_format: which of the two.
        name: of the list in include/templates/web/lists/words.vi.yaml.
        about: what the rows were narrowed down to, in words; one line each.
        columns: their names there.
        pieces: the rows.
        as_of: when they held; ``None``: nobody knows.
        title: what it is called there, if it is not what the list is called.
    """
    now = datetime.now(UTC)
    words = list_words()["list"][name]
    full_name = f"{words['file']}-{now.astimezone(VIETNAM):%Y%m%d-%H%M}.{file_format}"
    headers = HEADERS | {
        "Content-Disposition": f"attachment; filename*=UTF-8''{quote(full_name)}",
        "Content-Security-Policy": "default-src 'none'; sandbox",
    }
    head = ListHead(title or words["title"], about, as_of, columns_of(columns))
    if file_format == "csv":
        return StreamingResponse(csv_pieces(head, _unbroken(pieces)), media_type="text/csv", headers=headers)
    return Response(list_workbook(head, pieces, now), media_type=_XLSX, headers=headers)


def _unbroken(pieces: Iterable[Sequence[Row]]) -> Iterator[Sequence[Row]]:
    """The pieces; the headers are out already, so that an error can only be told by the file itself."""
    try:
        yield from pieces
    except (psycopg.Error, PoolTimeout):
        yield [[list_words()["file"]["broken"]]]
