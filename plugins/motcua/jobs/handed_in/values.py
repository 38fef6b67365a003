"""What cells of several tables are: an agency, a word of a list, a code, a text that is kept for others to read."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Final, TypeVar

from pydantic import AfterValidator, BeforeValidator

from motcua.domain.agency_words import AgencyWords, SeveralAgencies, agency_of
from motcua.domain.dossiers import clean_code
from motcua.domain.phones.reading import holds_phone
from motcua.domain.words import ROUNDED, fold
from motcua.jobs.handed_in.tables import wrong

Meaning = TypeVar("Meaning", bound=object)
_SHOWN: Final = re.compile(r"[^\d]{1,40}")
"""Words that a fault may repeat: no number is in them."""


def agency_in(agencies: AgencyWords) -> Any:  # noqa: ANN401 - a type for pydantic
    """The code of an agency, which the cell names by a code or a name that no other one has."""

    def agency(written: str) -> str:
        try:
            code = agency_of(written, agencies)
        except SeveralAgencies as several:
            raise wrong("several_agencies", agencies=str(several)) from None
        if code is None:
            raise wrong("unknown_agency")
        return code

    return Annotated[str, AfterValidator(agency)]


def word_of(meanings: Mapping[Meaning, Iterable[str]], known: Iterable[str]) -> Any:  # noqa: ANN401
    """What a word of a list means, whatever its case and accents; a fault tells the words that are ``known``."""
    meant = {fold(word): meaning for meaning, words in meanings.items() for word in words}
    told = ", ".join(known)

    def meaning(written: str) -> Meaning:
        found = meant.get(fold(written))
        if found is None:
            raise wrong("unknown_word", word=written if _SHOWN.fullmatch(written) else "…", known=told)
        return found

    return Annotated[Any, BeforeValidator(meaning)]


def dossier_code(written: str) -> str:
    """The code of a dossier, as it may be used."""
    code = clean_code(written)
    if code is None or "\ufffd" in code:
        raise wrong("bad_code")
    return not_rounded(code)


def not_rounded(written: str) -> str:
    """A code as it stands, unless a spreadsheet made a number of it and rounded it."""
    if re.fullmatch(ROUNDED, written):
        raise wrong("rounded")
    return written


def without_phone(written: str) -> str:
    """A text as it stands, unless something in it looks like a phone number."""
    if holds_phone(written):
        raise wrong("holds_phone")
    return written
