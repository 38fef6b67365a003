"""Read single values of the portal's protocol: JSON, texts, times, statuses and names of the one-stop desk."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, Final

from motcua.domain.written_times import read_time

MOST_PARTS: Final = 1_000_000
"""Maximum number of objects, lists and values in one body, so that a body of nothing but brackets cannot fill the
memory."""
LONGEST_TEXT: Final = 2_000
"""Maximum number of characters that are stored of a value."""

_SURROGATES = re.compile("[\ud800-\udfff]")
_STATUS = re.compile(r"\d{1,4}(?:\.0+)?", re.ASCII)
_NOT_LETTERS = re.compile(r"[^a-z0-9]+")
_DESK = ("motcua", "tiepnhanvatraketqua", "tiepnhanvatrakq", "phucvuhanhchinhcong")
"""Folded names of the one-stop desk: Một cửa, Bộ phận Tiếp nhận và Trả kết quả, Trung tâm Phục vụ hành chính công.
``MotCua`` and ``MOT_CUA`` are codes of the desk."""


class Unreadable(ValueError):
    """Raised if a body is not JSON or too large, or if a value is not of its kind."""


class Fields(dict[str, Any]):
    """A JSON object with its names in lower case.

    ``ambiguous`` holds names that occurred twice with different values.
    """

    ambiguous: frozenset[str] = frozenset()


def _folded_fields(pairs: Iterable[tuple[str, Any]]) -> Fields:
    found, ambiguous = Fields(), set()
    for name, value in pairs:
        folded = name.strip().lower()
        if folded in found and found[folded] != value:
            ambiguous.add(folded)
        found[folded] = value
    if ambiguous:
        found.ambiguous = frozenset(ambiguous)
    return found


def read_json(body: bytes) -> Any:  # noqa: ANN401 - any JSON value
    """Return the content of a body, with objects as :class:`Fields` and numbers as their text.

    Bytes that are not UTF-8 become U+FFFD, so that they spoil only the value that contains them.

    Raises:
        Unreadable: the body is not JSON, is nested too deeply, or has too many parts.
    """
    if sum(map(body.count, (b",", b"[", b"{"))) > MOST_PARTS:
        raise Unreadable("too many parts")
    text = body.decode("utf-8-sig", "replace")
    try:
        # Control characters in texts are accepted here; each reader of a text cleans it.
        return json.loads(
            text,
            object_pairs_hook=_folded_fields,
            parse_int=str,
            parse_float=str,
            parse_constant=_no_value,
            strict=False,
        )
    except (ValueError, RecursionError):
        raise Unreadable("no JSON") from None


def _no_value(_: str) -> None:
    """Return ``None``, as the value of NaN and of the infinities in JSON."""


def read_text(value: object) -> str:
    """Return a value as text, without NUL, trimmed and cut; empty if there is no value.

    Raises:
        Unreadable: the value is a list, an object or a boolean.
    """
    if value is None:
        return ""
    if not isinstance(value, str):
        raise Unreadable("no text")
    return _SURROGATES.sub("\ufffd", value[:LONGEST_TEXT].replace("\x00", "")).strip()


def read_moment(text: str) -> datetime | None:
    """Return a time in any form that clients write, in Vietnam's time zone if none is given; ``None`` for no time.

    A time of zeros, which some software writes for "none", is also no time. Accepted forms are ``yyyyMMdd[HHmm[ss]]``,
    ``yyyy-MM-dd[ HH:mm[:ss[.f]]]`` also with ``T`` or a zone, ``dd/MM/yyyy[ HH:mm[:ss]]``, and milliseconds since 1970.

    Raises:
        Unreadable: the text is not a time, or the time cannot be true.
    """
    if not text.strip("0:-/. T"):
        return None
    moment = read_time(text, "epoch", "digits", "year_first", "day_first")
    if moment is None:
        raise Unreadable("no time")
    if moment.year <= 1:
        return None
    if not 1900 <= moment.year < 9000:
        raise Unreadable("impossible time")
    # The time is returned in UTC. Before 1911 Vietnam's offset from UTC had seconds, and JSON would leave them out.
    return moment.astimezone(UTC)


def read_status(text: str) -> int | None:
    """Return a status code; ``None`` if the text is empty.

    Raises:
        Unreadable: the text is not a number of up to four digits.
    """
    if not text:
        return None
    if not _STATUS.fullmatch(text):
        raise Unreadable("no status")
    return int(text.partition(".")[0])


def is_one_stop_desk(words: str) -> bool:
    """Return whether a name or code belongs to the one-stop desk."""
    plain = unicodedata.normalize("NFD", words.casefold().replace("đ", "d"))
    folded = _NOT_LETTERS.sub("", "".join(char for char in plain if not unicodedata.combining(char)))
    return any(name in folded for name in _DESK)
