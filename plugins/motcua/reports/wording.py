"""The words of reports, and how numbers, shares and moments are written in them: ``1.100``, ``30,5%``, ``25/11/2026``.

Nothing here asks the operating system for a locale: the same report reads the same on every machine.
"""

from __future__ import annotations

from datetime import date, datetime
from functools import cache, lru_cache
from typing import Any

import yaml

from motcua.domain.clock import VIETNAM
from motcua.settings import include_dir

MINUS = "−"
"""The sign, not the hyphen: it is as wide as a plus and never breaks a line."""

LEAST_JUDGED = 30
"""From so many on a share of them is told: three messages accuse nobody, and praise nobody either."""

_GATEWAY_STATUS = "gateway status "


def count(number: int) -> str:
    """A whole number with dots between thousands."""
    return f"{number:,}".replace(",", ".").replace("-", MINUS)


def decimal(number: float, places: int = 1) -> str:
    """A number with a decimal comma; what rounds to zero has no sign."""
    written = f"{number:,.{places}f}"
    if float(written.replace(",", "")) == 0:
        written = written.lstrip("-")
    return written.translate(str.maketrans(",.-", ".," + MINUS))


def percent(share: float) -> str:
    """A share between 0 and 1 as a percentage, with one decimal whatever it is: ``12,0%``, ``30,5%``."""
    return f"{decimal(share * 100)}%"


def rate(part: int, whole: int) -> str:
    """What share ``part`` is of ``whole``, as ``judged`` writes it."""
    return judged(part / whole if whole > 0 else None, whole)


def judged(share: float | None, whole: int) -> str:
    """A share of ``whole``: a percentage, of fewer than ``LEAST_JUDGED`` that this is too few to tell, of nothing a
    dash."""
    if share is None or whole <= 0:
        return str(publication_words()["names"]["dash"])
    return percent(share) if whole >= LEAST_JUDGED else too_few()


def too_few() -> str:
    """What stands where a share would be one of fewer than ``LEAST_JUDGED``."""
    return str(publication_words()["names"]["few"])


def signed(number: float, places: int = 1) -> str:
    """A change with its sign; no change is ``0``."""
    written = decimal(number, places)
    if not written.strip("0,"):
        return "0"
    return written if written.startswith(MINUS) else f"+{written}"


def plain(number: float) -> str:
    """A number with as many decimals as it has: ``30``, ``2,5``."""
    return count(int(number)) if number == int(number) else f"{number:g}".replace(".", ",").replace("-", MINUS)


def day(moment: date | datetime) -> str:
    """A day by the calendar of Vietnam, as official texts write it."""
    local = moment.astimezone(VIETNAM) if isinstance(moment, datetime) else moment
    return f"{local.day}/{local.month}/{local.year}"


def moment(at: datetime) -> str:
    """A moment on a Vietnamese clock: ``6:30 ngày 25/11/2026``."""
    return f"{hour(at)} ngày {day(at)}"


def hour(at: datetime) -> str:
    """An hour on a Vietnamese clock: ``6:30``."""
    local = at.astimezone(VIETNAM)
    return f"{local.hour}:{local.minute:02d}"


@cache
def words_in(file: str) -> dict[str, Any]:
    """The words of a file, by its path below include/templates without ``.yaml``."""
    text = (include_dir() / "templates" / f"{file}.yaml").read_text(encoding="utf-8")
    read: dict[str, Any] = yaml.safe_load(text)
    return read


def words() -> dict[str, Any]:
    """Those of mails about quality."""
    return words_in("mail/words.vi")


def list_words() -> dict[str, Any]:
    """Those of lists."""
    return words_in("web/lists/words.vi")


def message_reason(reason: str, *, code: bool = True) -> str:
    """Why a message stands as it does; the code itself where there are no words. ``code``: also a provider's."""
    words = publication_words()
    if reason.startswith(_GATEWAY_STATUS):
        told = words["gateway_status"] if code else words["gateway_status_uncoded"]
        return str(told.format(code=reason.removeprefix(_GATEWAY_STATUS)))
    return str(words["reason"].get(reason, reason))


def is_message_reason(written: str) -> bool:
    """Whether a message may stand as it does for this reason: there are words for it."""
    return written in publication_words()["reason"] or written.startswith(_GATEWAY_STATUS)


@lru_cache(maxsize=1)
def publication_words() -> dict[str, Any]:
    """The words of include/templates/report/publication.vi.yaml, with those of phone refusals and of complaints."""
    folder = include_dir() / "templates" / "report"
    read, phones, complaints = (
        yaml.safe_load((folder / f"{name}.vi.yaml").read_text(encoding="utf-8"))
        for name in ("publication", "phone_refusals", "complaints")
    )
    read["reason"] |= {code: each["title"] for code, each in phones["refusals"].items()}
    words: dict[str, Any] = read | {name: complaints["titles"][name] for name in ("claim", "outcome")}
    return words
