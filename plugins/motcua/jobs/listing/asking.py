"""What an address or a command asks of a list: its filters, what is wrong with them, and all that in words."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from motcua.domain.clock import VIETNAM
from motcua.domain.people import Viewer
from motcua.domain.phones.reading import holds_phone
from motcua.reports import wording
from motcua.reports.lists import DeclaredList, Filter, words_of
from motcua.reports.wording import day, list_words
from motcua.store.agencies import Agency, find_agency, list_agencies
from motcua.store.browsing import Place, procedures_called
from motcua.store.ledger.database import Connection

NO_AGENCY = "-"
"""In place of an agency's code: what is of none, as replies to whoever asks for an unknown code."""
_LONGEST = 250
"""Characters of a name in an address."""
_FIRST_DAY, _LAST_DAY = date(2000, 1, 1), date(2999, 12, 31)
_MARKS = re.compile("[\u0300-\u036f]")
_EPOCH = datetime.fromisoformat("1970-01-01T00:00:00+00:00")
_MICROSECOND = timedelta(microseconds=1)


class AgencyUnknown(LookupError):
    """There is no such agency, or whoever asks may not see it: nobody learns which."""


def folded(text: str) -> str:
    """A text as it is searched and put in order: small letters without accents."""
    return _MARKS.sub("", unicodedata.normalize("NFD", text.casefold())).replace("đ", "d")


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


class Faults(list[str]):
    """What is wrong with what is asked, in words; empty: nothing."""

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
        self.add("day", written=written)
        return None

    def period(self, since: str, until: str) -> tuple[datetime | None, datetime | None]:
        """Where the days begin and end, by the clock of Vietnam."""
        first, last = self.day_in(since), self.day_in(until)
        if first and last and last < first:
            self.add("order")
        return _begins(first), _begins(last and last + timedelta(days=1))

    def one_of(self, written: str, known: Iterable[str], what: str) -> str | None:
        """A value of a closed list; ``None``: none is given, or it is none of them."""
        if not written or written in known:
            return written or None
        self.add("unknown", what=what[:1].lower() + what[1:], written=written)
        return None

    def name(self, written: str, what: str) -> str | None:
        """A name of something that there may be; ``None``: none is given, or nothing is called so."""
        if len(written) <= _LONGEST and written.isprintable():
            return written or None
        self.add("name", what=what, most=_LONGEST)
        return None

    def place(self, written: str) -> Place | None:
        """A place in a list; ``None``: none is given, or it is none."""
        try:
            return read_place(written) if written else None
        except ValueError:
            self.add("place")
            return None

    def add(self, name: str, **values: object) -> None:
        """One more, by its name in include/templates/web/lists/words.vi.yaml."""
        self.append(list_words()["fault"][name].format(**values))


def _begins(day: date | None) -> datetime | None:
    return None if day is None else datetime.combine(day, datetime.min.time(), VIETNAM)


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked of a list."""

    viewer: Viewer
    agencies: Sequence[Agency] = ()
    """Those that he may see."""
    chosen: Agency | None = None
    """The one that rows were narrowed down to."""
    values: Mapping[str, Any] = field(default_factory=dict)
    """By filter what statements take; of two days where they begin and end."""
    given: Mapping[str, str] = field(default_factory=dict)
    """What narrows rows down, as an address writes it."""
    told: Sequence[str] = ()
    """The same in words."""
    faults: Faults = field(default_factory=Faults)
    search: Sequence[str] = ()
    """Words that a row has to hold."""
    sort: str = ""
    """The column that rows are put in order by; empty: the list's own order."""
    backwards: bool = False

    def names(self, *, short: bool) -> dict[str, str]:
        """Agency code → name."""
        return {each.agency_code: (short and each.short_name) or each.name for each in self.agencies}


def ask(
    connection: Connection,
    declared: DeclaredList,
    written: Mapping[str, str],
    viewer: Viewer,
    agencies: Sequence[Agency] | None = None,
) -> Asked:
    """Reads what is asked of a list, as an address or a command writes it.

    ``agencies``: those that the viewer sees, where they were read already.

    Raises:
        AgencyUnknown: an agency is named that there is not, or that he may not see.
    """
    if agencies is None:
        agencies = [each for each in list_agencies(connection) if viewer.sees(each.agency_code)]
    reading = _Reading(connection, written, viewer, agencies)
    for name, each in declared.filters.items():
        reading.read(name, each)
    search = reading.search()
    sort = written.get("sort", "")
    known = {name for name, each in declared.columns.items() if each.sorts and viewer.role not in each.hidden_from}
    column = reading.faults.one_of(sort.removeprefix("-"), known, list_words()["filter"]["sort"])
    return Asked(
        viewer,
        agencies,
        reading.chosen,
        reading.values,
        reading.given,
        [each for each in reading.told if each],
        reading.faults,
        search,
        column or "",
        sort.startswith("-"),
    )


class _Reading:
    """What is found while filters are read one after the other."""

    def __init__(
        self, connection: Connection, written: Mapping[str, str], viewer: Viewer, agencies: Sequence[Agency]
    ) -> None:
        self._connection, self._written, self._viewer, self._agencies = connection, written, viewer, agencies
        self.chosen: Agency | None = None
        self.values: dict[str, Any] = {}
        self.given: dict[str, str] = {}
        self.told: list[str] = []
        self.faults = Faults()

    def read(self, name: str, declared: Filter) -> None:
        """One filter, under its own name."""
        {
            "agency": self._agency,
            "choice": self._choice,
            "days": self._days,
            "procedure": self._procedure,
            "name": self._name,
            "hidden": self._name,
        }[declared.shown](name, declared)

    def search(self) -> list[str]:
        """The words that rows are to hold."""
        written = self._taken("q")
        if holds_phone(written):
            self.faults.add("phone")
        found = self.faults.name(written, list_words()["filter"]["search"])
        if found:
            self.told.append(list_words()["told"]["search"].format(words=found))
        return folded(found or "").split()

    def _taken(self, name: str) -> str:
        written = self._written.get(name, "").strip()
        if written:
            self.given[name] = written
        return written

    def _agency(self, name: str, declared: Filter) -> None:
        written, told = self._taken(name), list_words()["told"]
        of_none = written == NO_AGENCY and declared.of_none and self._viewer.agencies is None
        if written and not of_none:
            self.chosen = find_agency(self._agencies, written)
            if self.chosen is None:
                raise AgencyUnknown(written)
        self.values |= {
            "agencies": self._viewer.listed if self.chosen is None else [self.chosen.agency_code],
            "of_no_agency": of_none,
        }
        self.told.append(told["no_agency"] if of_none else self.chosen.name if self.chosen else "")

    def _choice(self, name: str, declared: Filter) -> None:
        written, words = self._taken(name), words_of(declared.words)
        if declared.words == "reason" and wording.is_message_reason(written):
            found = self.faults.name(written, declared.head)
        else:
            found = self.faults.one_of(written, declared.only or words, declared.head)
        self.values[name] = found
        if declared.words == "reason":
            self.told.append(
                list_words()["told"]["reason"].format(reason=wording.message_reason(found)) if found else ""
            )
        else:
            self.told.append(words[found] if found else "")

    def _days(self, name: str, declared: Filter) -> None:
        since, until = self._taken("since"), self._taken("until")
        faults = len(self.faults)
        self.values["begins"], self.values["ends"] = self.faults.period(since, until)
        if len(self.faults) == faults:
            self.told.append(period_told(since, until))

    def _procedure(self, name: str, declared: Filter) -> None:
        found = self.faults.name(self._taken(name), declared.head)
        if not found:
            self.values["procedure_codes"] = None
            return
        known = {each.procedure_code: each.name for each in procedures_called(self._connection)}
        called = [code for code, name in known.items() if folded(found) in folded(name)]
        self.values["procedure_codes"] = [found, *called]
        named = found if found in known else called[0] if len(called) == 1 else ""
        told = f"{known[named]} ({named})" if named else found
        self.told.append(list_words()["told"]["procedure"].format(name=told))

    def _name(self, name: str, declared: Filter) -> None:
        found = self.faults.name(self._taken(name), declared.head or name)
        self.values[name] = found
        self.told.append(list_words()["told"][name].format(name=found) if found and declared.head else "")


def period_told(since: str, until: str) -> str:
    """Two days of an address in words; empty: none is given."""
    if not (since or until):
        return ""
    first, last = (day(date.fromisoformat(each)) if each else "" for each in (since, until))
    name = "since" if not last else "until" if not first else "day" if first == last else "days"
    return str(list_words()["told"][name].format(first=first, last=last))


def whose(chosen: Agency | None, agencies: Sequence[Agency], viewer: Viewer) -> str:
    """Whose rows there are, in words.

    Args:
        chosen: the agency that they were narrowed down to; ``None``: none.
        agencies: those whose rows the viewer sees.
        viewer: whoever is shown them.
    """
    told = list_words()["told"]
    if chosen is not None:
        return chosen.name
    if viewer.agencies is None:
        return str(told["every_agency"])
    names = "; ".join(each.name for each in agencies)
    return str(told["given_agencies"].format(names=names) if names else told["no_given_agency"])
