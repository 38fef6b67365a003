"""Which agency a file means, by its code or by a name of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeAlias

from motcua.jobs.handed_in.tables import fold
from motcua.store.agencies import agency_codes, list_agencies
from motcua.store.ledger.database import Connection

AgencyWords: TypeAlias = Mapping[str, Sequence[str]]
"""Word → codes of the agencies that it means, in order."""


class SeveralAgencies(LookupError):
    """A name that several agencies have, or had."""

    def __init__(self, codes: Sequence[str]) -> None:
        super().__init__(", ".join(codes))
        self.codes = tuple(codes)


def agencies_by_word(connection: Connection) -> AgencyWords:
    """Every way in which a file may name an agency: codes as they are written, and names, present and former, folded.

    A code goes before a name, and means one agency; a name means all that have it.
    """
    names: dict[str, set[str]] = {}
    for agency in list_agencies(connection):
        former = [each for old in agency.former_names for each in (old.name, old.short_name)]
        for written in filter(None, (agency.name, agency.short_name, *former)):
            names.setdefault(fold(written), set()).add(agency.agency_code)
    found = {word: tuple(sorted(codes)) for word, codes in names.items()}
    return found | {code.written: (code.agency_code,) for code in agency_codes(connection)}


def agency_of(written: str, agencies: AgencyWords) -> str | None:
    """Code of the agency that a cell means; ``None``: nobody knows it.

    Raises:
        SeveralAgencies: with the codes of all that have this name.
    """
    codes = agencies.get(written.strip()) or agencies.get(fold(written)) or ()
    if len(codes) > 1:
        raise SeveralAgencies(codes)
    return codes[0] if codes else None
