"""What is sent to us, read with care: forms, whose they are, numbers, bodies that nobody uses.

What is left of a body that is not used is still taken from the caller, who else finds a broken connection in the place
of the answer: a server that closes while something is unread resets the connection.
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
"""What include/templates/web/refusal.html has words for."""


class PageRefused(Exception):
    """The page that was asked for cannot be shown; ``words`` fill the places of the refusal's text."""

    def __init__(self, status: int, refusal: PageRefusal, **words: object) -> None:
        super().__init__(refusal)
        self.status, self.refusal, self.words = status, refusal, words


# --- Bodies that are not used ----------------------------------------------------------------------------------------

_MOST: Final = 512 * 1024 * 1024
"""Bytes of one body that are thrown away; whoever sends more learns of it by the reset."""
_WITHIN: Final = 60.0
"""Seconds for them."""


def declared_size(request: Request) -> int:
    """Bytes that the body is said to have; 0: it does not say."""
    declared = request.headers.get("content-length", "")
    return int(declared) if declared.isascii() and declared.isdigit() else 0


async def throw_away(request: Request, rest: AsyncIterator[bytes], *, is_begun: bool = True) -> None:
    """Takes the rest of a body, of which nothing is kept.

    Args:
        request: whose body it is.
        rest: what is left of its stream.
        is_begun: something of it was read; else a caller may wait to be asked for it, and is not.
    """
    if declared_size(request) > _MOST or ("expect" in request.headers and not is_begun):
        return
    size = 0
    with contextlib.suppress(TimeoutError, ClientDisconnect):
        async with asyncio.timeout(_WITHIN):
            async for piece in rest:
                size += len(piece)
                if size > _MOST:
                    return


# --- Forms -----------------------------------------------------------------------------------------------------------

MOST_PAGES = 1_000
"""Pages of a list that can be turned to: each skips all rows before it."""
LARGEST_NUMBER = 2**63 - 1
"""What a bigint of the ledger can hold."""
_LONGEST_FORM = 16 * 1024
"""Bytes."""


def form_token(request: Request) -> str:
    """What a form of this visitor's pages must bring back.

    It is made of the sign-in itself, which another site can neither read nor have sent in the form: nothing has to be
    kept, and whoever signs in anew gets new pages.
    """
    session = f"{request.cookies.get('_token', '')}\n{request.headers.get('authorization', '')}"
    return hmac.new(session.encode(), b"motcua staff forms", "sha256").hexdigest()


_FIELDS, _CHOICES = 20, 200
"""Fields of a form, and of one on which rows are chosen."""


async def sent_form(request: Request) -> dict[str, str]:
    """The fields of a form.

    Raises:
        PageRefused: it is too long, or no form.
    """
    return dict(await _fields_of(request, _FIELDS))


async def sent_choices(request: Request) -> list[tuple[str, str]]:
    """The fields of a form on which rows are chosen: one field as often as rows are.

    Raises:
        PageRefused: it is too long, or no form.
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
    """A form with a file."""

    fields: dict[str, str]
    name: str
    """As the browser tells it; empty: none was chosen."""
    file: IO[bytes]
    size: int
    """Bytes."""


class _TooLarge(MultiPartException):
    """So that the parser closes what it holds."""


@asynccontextmanager
async def sent_file(request: Request, most: int, *, on_disk: bool) -> AsyncIterator[SentFile]:
    """The form with its field ``file``, which is gone from this machine when the context ends.

    Args:
        request: with the form.
        most: bytes that the file may have; of a longer one nothing is held.
        on_disk: it waits in a temporary file without a name; else in memory.

    Raises:
        PageRefused: it is too long, it ended before its end, or it is no form with a file.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "multipart/form-data":
        raise PageRefused(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "not_so")
    pieces = _no_longer_than(request, most + _LONGEST_FORM)
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


async def _no_longer_than(request: Request, most: int) -> AsyncGenerator[bytes]:
    """The body.

    Raises:
        _TooLarge: it is too long.
    """
    size, stream = 0, request.stream()
    async for piece in stream:
        size += len(piece)
        if size > most:
            await throw_away(request, stream)
            raise _TooLarge("")
        yield piece


def is_own_form(request: Request, fields: dict[str, str]) -> bool:
    """Whether the form came from a page of this visitor's."""
    elsewhere = request.headers.get("sec-fetch-site", "same-origin") != "same-origin"
    return not elsewhere and hmac.compare_digest(form_token(request).encode(), fields.get("token", "").encode())


def must_be_own_form(request: Request, fields: dict[str, str]) -> None:
    """Refuses a form that did not come from a page of this visitor's.

    Raises:
        PageRefused: it came from elsewhere, or he signed in anew since.
    """
    if not is_own_form(request, fields):
        raise PageRefused(HTTPStatus.FORBIDDEN, "old_form")


def kept_query(request: Request, *without: str) -> list[tuple[str, str]]:
    """What the address of a page asks, or asked of the page that a form stood on; not what was said of a form."""
    sent_at: str | None = getattr(request.state, "sent_at", None)
    asked = request.query_params.multi_items() if sent_at is None else parse_qsl(sent_at)
    return [each for each in asked if each[0] not in ("said", "every", *without)]


def number_in(written: str, most: int = LARGEST_NUMBER) -> int | None:
    """The whole number, 1 to ``most``, that a text is; ``None``: it is none."""
    if not (written.isascii() and written.isdigit() and len(written) <= len(str(most))):
        return None
    return int(written) if 0 < int(written) <= most else None


def page_in(written: str) -> int:
    """The page of a list that is asked for; the first one where none is told, or none that there can be."""
    return number_in(written, MOST_PAGES) or 1
