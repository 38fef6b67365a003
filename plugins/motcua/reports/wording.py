"""Read the words of reports, and write numbers, shares and moments: ``1.100``, ``30,5%``, ``25/11/2026``.

The operating system's locale is not used, so that a report has the same text on every machine.
"""

from __future__ import annotations

from datetime import date, datetime
from functools import cache, lru_cache
from typing import Any

import yaml

from motcua.domain.clock import VIETNAM
from motcua.settings import include_dir

MINUS = "−"
"""The minus sign. A hyphen would be narrower than a plus, and a line might break after it."""

LEAST_JUDGED = 30
"""A share is shown only if it is computed from at least this many cases. A few messages justify no blame or praise."""

_GATEWAY_STATUS = "gateway status "


def count(number: int) -> str:
    """Return a whole number with dots between thousands."""
    return f"{number:,}".replace(",", ".").replace("-", MINUS)


def decimal(number: float, places: int = 1) -> str:
    """Return a number with a decimal comma. A number that rounds to zero has no sign."""
    written = f"{number:,.{places}f}"
    if float(written.replace(",", "")) == 0:
        written = written.lstrip("-")
    return written.translate(str.maketrans(",.-", ".," + MINUS))


def percent(share: float) -> str:
    """Return a share between 0 and 1 as a percentage, always with one decimal: ``12,0%``, ``30,5%``.

    A share below 1 is at most ``99,9%``, because ``100,0%`` would mean that nothing is missing.
    """
    return f"{decimal(min(share * 100, 99.9) if share < 1 else share * 100)}%"


def rate(part: int, whole: int) -> str:
    """Return the share of ``part`` in ``whole``, in the form of ``judged``."""
    return judged(part / whole if whole > 0 else None, whole)


def judged(share: float | None, whole: int) -> str:
    """Return a share of ``whole`` as a percentage.

    If ``whole`` is below ``LEAST_JUDGED``, the words for too few cases are returned. If it is zero, a dash is returned.
    """
    if share is None or whole <= 0:
        return str(publication_words()["names"]["dash"])
    return percent(share) if whole >= LEAST_JUDGED else too_few()


def too_few() -> str:
    """Return the words that replace a share of fewer than ``LEAST_JUDGED`` cases."""
    return str(publication_words()["names"]["few"])


def signed(number: float, places: int = 1) -> str:
    """Return a change with its sign; no change is ``0``."""
    written = decimal(number, places)
    if not written.strip("0,"):
        return "0"
    return written if written.startswith(MINUS) else f"+{written}"


def plain(number: float) -> str:
    """Return a number without superfluous decimals: ``30``, ``2,5``."""
    return count(int(number)) if number == int(number) else f"{number:g}".replace(".", ",").replace("-", MINUS)


def day(moment: date | datetime) -> str:
    """Return a day in Vietnam's time zone, in the form of official texts."""
    local = moment.astimezone(VIETNAM) if isinstance(moment, datetime) else moment
    return f"{local.day}/{local.month}/{local.year}"


def moment(at: datetime) -> str:
    """Return a moment by Vietnam's clock: ``6:30 ngày 25/11/2026``."""
    return f"{hour(at)} ngày {day(at)}"


def hour(at: datetime) -> str:
    """Return a time of day by Vietnam's clock: ``6:30``."""
    local = at.astimezone(VIETNAM)
    return f"{local.hour}:{local.minute:02d}"


@cache
def words_in(file: str) -> dict[str, Any]:
    """Read the words of a file, given its path below include/templates without ``.yaml``."""
    text = (include_dir() / "templates" / f"{file}.yaml").read_text(encoding="utf-8")
    read: dict[str, Any] = yaml.load(text, yaml.CSafeLoader)
    return read


def words() -> dict[str, Any]:
    """Return the words of mails about quality."""
    return words_in("mail/words.vi")


def list_words() -> dict[str, Any]:
    """Return the words of lists."""
    return words_in("web/lists/words.vi")


def message_reason(reason: str, *, code: bool = True) -> str:
    """Return the words for the reason of a message's state, or the reason itself if it has no words.

    ``code``: whether a provider's own code is shown too.
    """
    words = publication_words()
    if reason.startswith(_GATEWAY_STATUS):
        sentence = words["gateway_status"] if code else words["gateway_status_uncoded"]
        return str(sentence.format(code=reason.removeprefix(_GATEWAY_STATUS)))
    return str(words["reason"].get(reason, reason))


def is_message_reason(written: str) -> bool:
    """Return whether there are words for this reason of a message's state."""
    return written in publication_words()["reason"] or written.startswith(_GATEWAY_STATUS)


@lru_cache(maxsize=1)
def publication_words() -> dict[str, Any]:
    """Return the words of include/templates/report/publication.vi.yaml, of phone refusals and of complaints."""
    folder = include_dir() / "templates" / "report"
    read, phones, complaints = (
        yaml.load((folder / f"{name}.vi.yaml").read_text(encoding="utf-8"), yaml.CSafeLoader)
        for name in ("publication", "phone_refusals", "complaints")
    )
    read["reason"] |= {code: each["title"] for code, each in phones["refusals"].items()}
    words: dict[str, Any] = read | complaints["titles"]
    return words
