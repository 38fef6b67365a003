"""Read a request for rows of a list from the address (URL) of a page or from a command: its filters, their faults, and
a text that describes the request."""

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
"""Value of the agency filter that selects rows without an agency, such as replies about an unknown code."""
_LONGEST = 250
"""Most characters of a name in an address."""
_FIRST_DAY, _LAST_DAY = date(2000, 1, 1), date(2999, 12, 31)
_MARKS = re.compile("[\u0300-\u036f]")
_EPOCH = datetime.fromisoformat("1970-01-01T00:00:00+00:00")
_MICROSECOND = timedelta(microseconds=1)


class AgencyUnknown(LookupError):
    """The agency does not exist, or the viewer may not see it. The error does not show which of the two it is."""


def folded(text: str) -> str:
    """Return a text in the form for searching and sorting: lower case without accents."""
    return _MARKS.sub("", unicodedata.normalize("NFD", text.casefold())).replace("đ", "d")


def written_place(place: Place) -> str:
    """Return a place in a list as an address writes it: microseconds since 1970 and the row's number."""
    return f"{(place.at - _EPOCH) // _MICROSECOND}-{place.number}"


def read_place(written: str) -> Place:
    """Read a place in a list from an address.

    Raises:
        ValueError: the text is no place.
    """
    at, _, number = written.partition("-")
    if not all(part.isascii() and part.isdigit() and len(part) <= 18 for part in (at, number)):
        raise ValueError(written)
    try:
        return Place(_EPOCH + int(at) * _MICROSECOND, int(number))
    except OverflowError:
        raise ValueError(written) from None


class Faults(list[str]):
    """The faults of a request as sentences for the viewer. The list is empty if nothing is wrong."""

    def day_in(self, written: str) -> date | None:
        """Return the day that an address writes; ``None`` for an empty text or a fault."""
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
        """Return the beginning of the first day and the end of the last day, in Vietnam's time zone."""
        first, last = self.day_in(since), self.day_in(until)
        if first and last and last < first:
            self.add("order")
        return _midnight(first), _midnight(last and last + timedelta(days=1))

    def one_of(self, written: str, known: Iterable[str], what: str) -> str | None:
        """Return a value of a closed list; ``None`` for an empty text or a fault."""
        if not written or written in known:
            return written or None
        self.add("unknown", what=what[:1].lower() + what[1:], written=written)
        return None

    def name(self, written: str, what: str) -> str | None:
        """Return a name; ``None`` for an empty text or a fault. A name that is too long or not printable is a fault."""
        if len(written) <= _LONGEST and written.isprintable():
            return written or None
        self.add("name", what=what, most=_LONGEST)
        return None

    def place(self, written: str) -> Place | None:
        """Return a place in a list; ``None`` for an empty text or a fault."""
        try:
            return read_place(written) if written else None
        except ValueError:
            self.add("place")
            return None

    def add(self, name: str, **values: object) -> None:
        """Add a fault by its name in include/templates/web/lists/words.vi.yaml."""
        self.append(list_words()["fault"][name].format(**values))


def _midnight(day: date | None) -> datetime | None:
    """Return the midnight at which a day begins in Vietnam."""
    return None if day is None else datetime.combine(day, datetime.min.time(), VIETNAM)


@dataclass(frozen=True, slots=True)
class Asked:
    """A request for rows of a list, after its filters were read."""

    viewer: Viewer
    agencies: Sequence[Agency] = ()
    """Agencies that the viewer may see."""
    chosen: Agency | None = None
    """The agency of the filter, if the request has one."""
    values: Mapping[str, Any] = field(default_factory=dict)
    """Values for the SQL statements by filter. A filter of days has two values: ``begins`` and ``ends``."""
    given: Mapping[str, str] = field(default_factory=dict)
    """Texts of the filters that narrow the rows down, as an address writes them."""
    told: Sequence[str] = ()
    """The filters of ``given`` in words."""
    faults: Faults = field(default_factory=Faults)
    search: Sequence[str] = ()
    """Words that a row must contain."""
    sort: str = ""
    """Column to sort by; empty for the list's own order."""
    backwards: bool = False

    def names(self, *, short: bool) -> dict[str, str]:
        """Return the names of the agencies by code."""
        return {each.agency_code: (short and each.short_name) or each.name for each in self.agencies}


def ask(
    connection: Connection,
    declared: DeclaredList,
    written: Mapping[str, str],
    viewer: Viewer,
    agencies: Sequence[Agency] | None = None,
) -> Asked:
    """Read a request for rows of a list, as an address or a command writes it.

    Args:
        connection: to the ledger.
        declared: the list.
        written: filters, search and order, by their names in an address.
        viewer: the person who asks.
        agencies: the agencies that the viewer may see, if the caller has read them already.

    Raises:
        AgencyUnknown: the agency of the filter does not exist, or the viewer may not see it.
    """
    if agencies is None:
        agencies = [each for each in list_agencies(connection) if viewer.sees(each.agency_code)]
    reading = _FilterReader(connection, written, viewer, agencies)
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


class _FilterReader:
    """Reads the filters of a request one after the other and collects their values, words and faults."""

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
        """Read the filter ``name`` with the method for its kind."""
        {
            "agency": self._read_agency,
            "choice": self._read_choice,
            "days": self._read_days,
            "procedure": self._read_procedure,
            "name": self._read_name,
            "hidden": self._read_name,
        }[declared.shown](name, declared)

    def search(self) -> list[str]:
        """Return the words that rows must contain."""
        written = self._take_text("q")
        if holds_phone(written):
            self.faults.add("phone")
        found = self.faults.name(written, list_words()["filter"]["search"])
        if found:
            self.told.append(list_words()["told"]["search"].format(words=found))
        return folded(found or "").split()

    def _take_text(self, name: str) -> str:
        """Return the text of a filter, and add the filter to ``given`` if the text is not empty."""
        written = self._written.get(name, "").strip()
        if written:
            self.given[name] = written
        return written

    def _read_agency(self, name: str, declared: Filter) -> None:
        """Read a filter of one agency, or of rows without an agency.

        Raises:
            AgencyUnknown: the agency does not exist, or the viewer may not see it.
        """
        written, words = self._take_text(name), list_words()["told"]
        of_none = written == NO_AGENCY and declared.of_none and self._viewer.agencies is None
        if written and not of_none:
            self.chosen = find_agency(self._agencies, written)
            if self.chosen is None:
                raise AgencyUnknown(written)
        self.values["agencies"] = self._viewer.listed if self.chosen is None else [self.chosen.agency_code]
        if declared.of_none:
            self.values["of_no_agency"] = of_none
        self.told.append(words["no_agency"] if of_none else self.chosen.name if self.chosen else "")

    def _read_choice(self, name: str, declared: Filter) -> None:
        """Read a filter with a value of a closed list. A filter of message reasons accepts every reason for which there
        are words, even if the closed list lacks the reason."""
        written, words = self._take_text(name), words_of(declared.words)
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

    def _read_days(self, name: str, declared: Filter) -> None:
        """Read the filter of days from ``since`` and ``until``."""
        since, until = self._take_text("since"), self._take_text("until")
        faults = len(self.faults)
        self.values["begins"], self.values["ends"] = self.faults.period(since, until)
        if len(self.faults) == faults:
            self.told.append(period_told(since, until))

    def _read_procedure(self, name: str, declared: Filter) -> None:
        """Read a filter of a procedure's code, or of a part of a procedure's name."""
        found = self.faults.name(self._take_text(name), declared.head)
        if not found:
            self.values["procedure_codes"] = None
            return
        known = {each.procedure_code: each.name for each in procedures_called(self._connection)}
        called = [code for code, name in known.items() if folded(found) in folded(name)]
        self.values["procedure_codes"] = [found, *called]
        named = found if found in known else called[0] if len(called) == 1 else ""
        shown = f"{known[named]} ({named})" if named else found
        self.told.append(list_words()["told"]["procedure"].format(name=shown))

    def _read_name(self, name: str, declared: Filter) -> None:
        """Read a filter whose value may be any printable name."""
        found = self.faults.name(self._take_text(name), declared.head or name)
        self.values[name] = found
        self.told.append(list_words()["told"][name].format(name=found) if found and declared.head else "")


def period_told(since: str, until: str) -> str:
    """Return two days of an address in words; empty if neither is given."""
    if not (since or until):
        return ""
    first, last = (day(date.fromisoformat(each)) if each else "" for each in (since, until))
    name = "since" if not last else "until" if not first else "day" if first == last else "days"
    return str(list_words()["told"][name].format(first=first, last=last))


def whose(chosen: Agency | None, agencies: Sequence[Agency], viewer: Viewer) -> str:
    """Return in words which agencies' rows a list shows.

    Args:
        chosen: the agency of the filter, or ``None``.
        agencies: the agencies whose rows the viewer may see.
        viewer: the person who reads the list.
    """
    words = list_words()["told"]
    if chosen is not None:
        return chosen.name
    if viewer.agencies is None:
        return str(words["every_agency"])
    names = "; ".join(each.name for each in agencies)
    return str(words["given_agencies"].format(names=names) if names else words["no_given_agency"])
