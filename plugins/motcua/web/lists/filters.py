"""Filters of an address: what they may be, what is wrong with them, whose rows they ask for, and all that in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date
from http import HTTPStatus
from typing import Literal, TypeAlias

from motcua.store.agencies import Agency
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


def given(query: dict[str, str]) -> dict[str, str]:
    """What of a query says something."""
    return {name: value for name, value in query.items() if value}


def agency_of(written: str, agencies: Sequence[Agency], visits: Visitor) -> Agency | None:
    """The agency that an address names by its code or an alias; ``None``: it names none.

    Raises:
        PageRefused: there is no such agency, or the visitor may not see it.
    """
    if not written:
        return None
    chosen = next((each for each in agencies if written in (each.agency_code, *each.aliases)), None)
    visits.must_see(None if chosen is None else chosen.agency_code)
    if chosen is None:
        raise PageRefused(HTTPStatus.NOT_FOUND, "no_such_agency")
    return chosen
