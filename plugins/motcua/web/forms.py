"""Read forms, files and numbers that callers send, check that a form is the visitor's own, and discard unused bodies.

If the app needs no more of a request's body, the remaining part is still read. Otherwise the server would close the
connection with unread data, the connection would be reset, and the caller would see an error instead of the answer.
"""

from __future__ import annotations

import asyncio
import contextlib
import hmac
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from http import HTTPStatus
from typing import IO, Final, Literal, TypeAlias
from urllib.parse import parse_qsl

from fastapi import Request
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import ClientDisconnect

# --- Refusals --------------------------------------------------------------------------------------------------------

PageRefusal: TypeAlias = Literal[
    "no_such_page",
    "no_such_year",
    "no_such_day",
    "no_such_agency",
    "not_yours",
    "of_all_agencies",
    "department_only",
    "not_at_the_counter",
    "shared_account",
    "no_such_closing",
    "no_such_run",
    "no_such_figure",
    "no_such_dossier",
    "no_phone_search",
    "file_changed",
    "files_unreachable",
    "file_cut_off",
    "file_too_large",
    "folder_failed",
    "reader_busy",
    "not_so",
    "old_form",
    "may_not_acknowledge",
    "may_not_check",
    "may_not_record",
    "may_not_set",
    "database_away",
    "took_too_long",
    "failed",
]
"""Refusals for which include/templates/web/refusal.html has a text."""


class PageRefused(Exception):
    """Raised if the requested page cannot be shown. ``words`` are the values that the refusal's text needs."""

    def __init__(self, status: int, refusal: PageRefusal, **words: object) -> None:
        super().__init__(refusal)
        self.status, self.refusal, self.words = status, refusal, words


# --- Unused bodies ---------------------------------------------------------------------------------------------------

_MOST_DISCARDED: Final = 512 * 1024 * 1024
"""Most bytes of one body that are read and discarded. If a caller sends more, the connection is reset."""
_DISCARD_WITHIN: Final = 60.0
"""Seconds after which the app stops discarding one body."""


def declared_size(request: Request) -> int:
    """Return the size in bytes that the request declares for its body, or 0 if it declares no size."""
    declared = request.headers.get("content-length", "")
    return int(declared) if declared.isascii() and declared.isdigit() else 0


async def throw_away(request: Request, rest: AsyncIterator[bytes], *, is_begun: bool = True) -> None:
    """Read and discard the rest of a body.

    Args:
        request: the request that the body belongs to.
        rest: the unread part of the body's stream.
        is_begun: whether some of the body was read. If not, a caller that sent ``Expect`` may still wait for permission
            to send the body. The caller then gets no permission, and nothing is read.
    """
    if declared_size(request) > _MOST_DISCARDED or ("expect" in request.headers and not is_begun):
        return
    size = 0
    with contextlib.suppress(TimeoutError, ClientDisconnect):
        async with asyncio.timeout(_DISCARD_WITHIN):
            async for piece in rest:
                size += len(piece)
                if size > _MOST_DISCARDED:
                    return


# --- Forms -----------------------------------------------------------------------------------------------------------

MOST_PAGES = 1_000
"""Highest page number of a list that can be opened. Higher pages would be slow, because the query of a page reads and
skips all rows of the pages before it."""
LARGEST_NUMBER = 2**63 - 1
"""Largest number that a bigint column of the ledger can hold."""
_LONGEST_FORM = 16 * 1024
"""Most bytes of a form without a file."""


def form_token(request: Request) -> str:
    """Return the token that a form on this visitor's pages must send back.

    The token is derived from the visitor's sign-in, which another site can neither read nor put into a form. The server
    stores no token, and a new sign-in needs newly loaded pages.
    """
    session = f"{request.cookies.get('_token', '')}\n{request.headers.get('authorization', '')}"
    return hmac.new(session.encode(), b"motcua staff forms", "sha256").hexdigest()


_FIELDS, _CHOICES = 20, 200
"""Most fields of a form; if rows are chosen on the form, it may have ``_CHOICES`` more fields."""


async def sent_form(request: Request) -> dict[str, str]:
    """Return the fields of a form.

    Raises:
        PageRefused: the body is too long, or is not a form.
    """
    return dict(await _fields_of(request, _FIELDS))


async def sent_choices(request: Request) -> list[tuple[str, str]]:
    """Return the fields of a form on which rows are chosen. The same field comes once for each chosen row.

    Raises:
        PageRefused: the body is too long, or is not a form.
    """
    return await _fields_of(request, _FIELDS + _CHOICES)


async def _fields_of(request: Request, most: int) -> list[tuple[str, str]]:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/x-www-form-urlencoded":
        raise PageRefused(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "not_so")
    body, stream = b"", request.stream()
    async for piece in stream:
        body += piece
        if len(body) > _LONGEST_FORM:
            await throw_away(request, stream)
            raise PageRefused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "not_so")
    try:
        fields = parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=most)
    except ValueError:
        raise PageRefused(HTTPStatus.BAD_REQUEST, "not_so") from None
    request.state.sent_at = dict(fields).get("at")
    return fields


@dataclass(frozen=True, slots=True)
class SentFile:
    """A form with an uploaded file."""

    fields: dict[str, str]
    name: str
    """The file's name as the browser sent it. Empty if no file was chosen."""
    file: IO[bytes]
    size: int
    """The file's size in bytes."""


class _TooLarge(MultiPartException):
    """Raised if a body is too long. Only for errors of this base class does the parser close its temporary files."""


@asynccontextmanager
async def sent_file(request: Request, most: int, *, on_disk: bool) -> AsyncIterator[SentFile]:
    """Yield the form with its field ``file``. The file is deleted from this machine when the context ends.

    Args:
        request: the request with the form.
        most: the most bytes that the file may have. A longer file is not stored.
        on_disk: whether the file is stored in a temporary file without a name. Otherwise it is held in memory.

    Raises:
        PageRefused: the file is too long, the body broke off, or it is not a form with a file.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "multipart/form-data":
        raise PageRefused(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "not_so")
    pieces = _limited_pieces(request, most + _LONGEST_FORM)
    parser = MultiPartParser(request.headers, pieces, max_files=1, max_fields=_FIELDS, max_part_size=_LONGEST_FORM)
    if not on_disk:
        parser.spool_max_size = most + _LONGEST_FORM
    try:
        form = await parser.parse()
    except _TooLarge:
        raise PageRefused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "file_too_large", most=most // 1024**2) from None
    except (MultiPartException, ClientDisconnect):
        raise PageRefused(HTTPStatus.BAD_REQUEST, "file_cut_off") from None
    try:
        file = form.get("file")
        if not isinstance(file, UploadFile):
            raise PageRefused(HTTPStatus.BAD_REQUEST, "file_cut_off")
        size = file.size or 0
        if size > most:
            raise PageRefused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "file_too_large", most=most // 1024**2)
        fields = {name: value for name, value in form.multi_items() if isinstance(value, str)}
        yield SentFile(fields, file.filename or "", file.file, size)
    finally:
        await form.close()


async def _limited_pieces(request: Request, most: int) -> AsyncGenerator[bytes]:
    """Yield the body of a request in pieces, up to ``most`` bytes.

    Raises:
        _TooLarge: the body is longer than ``most`` bytes.
    """
    size, stream = 0, request.stream()
    async for piece in stream:
        size += len(piece)
        if size > most:
            await throw_away(request, stream)
            raise _TooLarge("")
        yield piece


def is_own_form(request: Request, fields: dict[str, str]) -> bool:
    """Return whether the form came from a page that this visitor loaded."""
    elsewhere = request.headers.get("sec-fetch-site", "same-origin") != "same-origin"
    return not elsewhere and hmac.compare_digest(form_token(request).encode(), fields.get("token", "").encode())


def must_be_own_form(request: Request, fields: dict[str, str]) -> None:
    """Refuse a form that did not come from a page that this visitor loaded.

    Raises:
        PageRefused: the form came from another site, or the visitor signed in again since the page was loaded.
    """
    if not is_own_form(request, fields):
        raise PageRefused(HTTPStatus.FORBIDDEN, "old_form")


def kept_query(request: Request, *without: str) -> list[tuple[str, str]]:
    """Return the query of the page's address without ``said``, ``every`` and the names in ``without``.

    For a sent form, return the query of the page that contained the form. ``said`` and ``every`` are left out because
    they belong only to the answer to one form.
    """
    sent_at: str | None = getattr(request.state, "sent_at", None)
    asked = request.query_params.multi_items() if sent_at is None else parse_qsl(sent_at)
    return [each for each in asked if each[0] not in ("said", "every", *without)]


def number_in(written: str, most: int = LARGEST_NUMBER) -> int | None:
    """Return the whole number from 1 to ``most`` that a text holds, or ``None`` if it holds none."""
    if not (written.isascii() and written.isdigit() and len(written) <= len(str(most))):
        return None
    return int(written) if 0 < int(written) <= most else None


def page_in(written: str) -> int:
    """Return the number of the requested page of a list, or 1 if the text is not a valid page number."""
    return number_in(written, MOST_PAGES) or 1
