"""Filters of an address: what they may be, what is wrong with them, whose rows they ask for, and all that in words."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from http import HTTPStatus
from typing import Literal, TypeAlias

from motcua.domain.clock import VIETNAM
from motcua.reports.wording import day, list_words
from motcua.store.agencies import Agency, find_agency
from motcua.store.browsing.messages import Place
from motcua.web.lists.places import given, read_place
from motcua.web.refusals import PageRefused
from motcua.web.visitors import Visitor

FilterName: TypeAlias = Literal["kind", "state", "reason", "outcome", "claim", "complaint_state", "procedure", "run"]

NO_AGENCY = "-"
"""In place of an agency's code: what is of none, as replies to whoever asks for an unknown code."""
_LONGEST = 250
"""Characters of a name in an address."""
_FIRST_DAY, _LAST_DAY = date(2000, 1, 1), date(2999, 12, 31)


@dataclass(frozen=True, slots=True)
class ListFilters:
    """Filters as an address writes them; what is empty narrows nothing down."""

    agency: str = ""
    since: str = ""
    """The first day."""
    until: str = ""
    """The last day."""

    @property
    def given(self) -> dict[str, str]:
        """Those that narrow something down."""
        return given(asdict(self))


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

    def period(self, filters: ListFilters) -> tuple[datetime | None, datetime | None]:
        """Where the days begin and end, by the clock of Vietnam."""
        first, last = self.day_in(filters.since), self.day_in(filters.until)
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


def agency_of(written: str, agencies: Sequence[Agency], visits: Visitor) -> Agency | None:
    """The agency that an address names by its code or an alias; ``None``: it names none.

    Raises:
        PageRefused: there is no such agency, or the visitor may not see it.
    """
    if not written:
        return None
    chosen = find_agency(agencies, written)
    visits.must_see(None if chosen is None else chosen.agency_code)
    if chosen is None:
        raise PageRefused(HTTPStatus.NOT_FOUND, "no_such_agency")
    return chosen


def whose(chosen: Agency | None, agencies: Sequence[Agency], visits: Visitor) -> str:
    """Whose rows there are, in words.

    Args:
        chosen: the agency that they were narrowed down to; ``None``: none.
        agencies: those whose rows the visitor sees.
        visits: the visitor.
    """
    told = list_words()["told"]
    if chosen is not None:
        return chosen.name
    if visits.agencies is None:
        return str(told["every_agency"])
    names = "; ".join(each.name for each in agencies)
    return str(told["given_agencies"].format(names=names) if names else told["no_given_agency"])
