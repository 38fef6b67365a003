"""Places in a list as an address writes them, and how its pages are turned."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

from motcua.store.browsing.messages import Place

MOST_TURNED = 20
"""Pages that the link to newer rows leads back over, one by one; beyond them it leads to the first."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


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
        newer = urlencode(given(query | {"before": been[-1] if been else "", "trail": ",".join(been[:-1])}))
    if older is None:
        return newer, None
    passed = ",".join([*been, *([before] if before else [])][-MOST_TURNED:])
    return newer, urlencode(query | given({"before": written_place(older), "trail": passed}))


def given(query: dict[str, str]) -> dict[str, str]:
    """What of a query says something."""
    return {name: value for name, value in query.items() if value}
