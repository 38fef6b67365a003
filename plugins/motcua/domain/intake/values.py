"""Single values as clients of the portal's protocol write them: JSON, texts, times, statuses, the one-stop desk."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterable
from datetime import datetime
from typing import Any, Final

from motcua.domain.written_times import read_time

MOST_PARTS: Final = 1_000_000
"""Objects, lists and values in one body: a body of nothing but brackets must not fill the memory."""
LONGEST_TEXT: Final = 2_000
"""Characters that are kept of a value."""

_SURROGATES = re.compile("[\ud800-\udfff]")
_STATUS = re.compile(r"\d{1,4}(?:\.0+)?", re.ASCII)
_NOT_LETTERS = re.compile(r"[^a-z0-9]+")
_DESK = ("motcua", "tiepnhanvatraketqua", "tiepnhanvatrakq", "phucvuhanhchinhcong")
"""What the one-stop desk is called, folded: Một cửa, Bộ phận Tiếp nhận và Trả kết quả, Trung tâm Phục vụ hành chính
công; ``MotCua`` and ``MOT_CUA`` are codes of it."""


class Unreadable(ValueError):
    """A body is no JSON, or more than is read; a value is not of its kind."""


class Fields(dict[str, Any]):
    """A JSON object: its names in lower case. ``ambiguous``: names that came twice with different values."""

    ambiguous: frozenset[str] = frozenset()


def _fields(pairs: Iterable[tuple[str, Any]]) -> Fields:
    found, ambiguous = Fields(), set()
    for name, value in pairs:
        folded = name.strip().lower()
        if folded in found and found[folded] != value:
            ambiguous.add(folded)
        found[folded] = value
    if ambiguous:
        found.ambiguous = frozenset(ambiguous)
    return found


def read_json(body: bytes) -> Any:  # noqa: ANN401 - whatever JSON holds
    """What a body says: objects as :class:`Fields`, numbers as their text.

    Bytes that are no UTF-8 become U+FFFD, so that they cost the value that they stand in and nothing else.

    Raises:
        Unreadable: it is no JSON, too deep, or holds more parts than are read.
    """
    if sum(map(body.count, (b",", b"[", b"{"))) > MOST_PARTS:
        raise Unreadable("too many parts")
    text = body.decode("utf-8-sig", "replace")
    try:
        # Control characters in texts are let in: what cannot be printed is cleaned where it matters.
        return json.loads(
            text, object_pairs_hook=_fields, parse_int=str, parse_float=str, parse_constant=_no_value, strict=False
        )
    except (ValueError, RecursionError):
        raise Unreadable("no JSON") from None


def _no_value(_: str) -> None:
    """NaN and infinities say nothing."""


def read_text(value: object) -> str:
    """A value as text, without NUL, trimmed and cut; empty: there is none.

    Raises:
        Unreadable: it is a list, an object, or yes or no.
    """
    if value is None:
        return ""
    if not isinstance(value, str):
        raise Unreadable("no text")
    return _SURROGATES.sub("\ufffd", value[:LONGEST_TEXT].replace("\x00", "")).strip()


def read_moment(text: str) -> datetime | None:
    """A time in whatever shape clients write it, by the clock of Vietnam where it names no zone; ``None``: none, also
    the zero that some software writes for none.

    ``yyyyMMdd[HHmm[ss]]``, ``yyyy-MM-dd[ HH:mm[:ss[.f]]]`` with ``T`` or a zone as well, ``dd/MM/yyyy[ HH:mm[:ss]]``,
    milliseconds since 1970.

    Raises:
        Unreadable: it is no time, or none that can be.
    """
    if not text.strip("0:-/. T"):
        return None
    moment = read_time(text, "epoch", "digits", "year_first", "day_first")
    if moment is None:
        raise Unreadable("no time")
    if moment.year <= 1:
        return None
    if not 1900 <= moment.year < 9000:
        raise Unreadable("no time that can be")
    return moment


def read_status(text: str) -> int | None:
    """A status code; ``None``: there is none.

    Raises:
        Unreadable: it is no number of up to four digits.
    """
    if not text:
        return None
    if not _STATUS.fullmatch(text):
        raise Unreadable("no status")
    return int(text.partition(".")[0])


def is_one_stop_desk(words: str) -> bool:
    """Whether a name or a code is of the one-stop desk."""
    plain = unicodedata.normalize("NFD", words.casefold().replace("đ", "d"))
    folded = _NOT_LETTERS.sub("", "".join(char for char in plain if not unicodedata.combining(char)))
    return any(name in folded for name in _DESK)
