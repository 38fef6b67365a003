"""Define the people who work with the system: the rows that they see, their signatures, and their requests on pages."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, TypeAlias

from motcua.domain.phones.reading import holds_phone, mask_for_staff, mask_phones

ViewerRole: TypeAlias = Literal["auditor", "clerk", "agency", "operator"]
"""Role of a user on the pages.

``auditor``: sees facts without phone numbers and names, and changes nothing. ``clerk``: looks up the dossiers of the
clerk's agency and records complaints. ``agency``: an administrator who sees the rows of certain agencies and decides
for these agencies. ``operator``: acts for the Department.
"""


@dataclass(frozen=True, slots=True)
class Viewer:
    """A user to whom a page shows rows."""

    name: str
    """Name of the Airflow user. Before the name signs anything, ``read_person`` must accept it."""
    role: ViewerRole
    agencies: frozenset[str] | None
    """Codes of the agencies whose rows the user sees; ``None`` for all agencies."""

    def sees(self, agency_code: str | None) -> bool:
        """Return whether the user may see rows of an agency. ``agency_code`` is ``None`` for rows of no agency."""
        return self.agencies is None or agency_code in self.agencies

    @property
    def listed(self) -> list[str] | None:
        """Return the agency codes as a parameter of SQL statements; ``None`` for all agencies."""
        return None if self.agencies is None else sorted(self.agencies)

    @property
    def is_operator(self) -> bool:
        """Return whether the user acts for the Department."""
        return self.role == "operator"

    @property
    def is_clerk(self) -> bool:
        """Return whether the user answers citizens at a desk."""
        return self.role == "clerk"

    @property
    def is_auditor(self) -> bool:
        """Return whether the user is an auditor, who sees no phone numbers and no names and changes nothing."""
        return self.role == "auditor"

    def phone(self, number: str | None) -> str:
        """Return a masked phone number, such as ``09•• ••• 482``; empty for auditors or if there is no number."""
        return "" if self.is_auditor or not number else mask_for_staff(number)

    def text(self, written: str) -> str:
        """Return a text that other people typed. Each phone number in it has the form that ``phone`` returns."""
        return mask_phones(written, self.phone)


LONGEST_NAME = 200
"""Maximum number of characters in the name of a person who signs."""
_FEWEST_LETTERS = 2
"""Minimum number of letters in a person's name. A name with a single letter may be an agency's code."""

_NAMED_ALIKE = """
admin administrator adm root sudo superuser system service daemon nobody anonymous unknown unnamed none null
airflow motcua postgres postgresql redis celery docker podman vagrant ubuntu debian centos rocky fedora ec2user
azureuser opc user users guest public viewer operator op test tester demo watch bot default dagtest
xem coquan quantri quantrivien quanly nguoidung khach vanhanh kiemtra giamsat sotttt
"""
_SHARED = frozenset(_NAMED_ALIKE.split())
"""Names of accounts that machines or whole offices share, in the form of ``_letters_of``."""


class NotAPerson(ValueError):
    """Raised for a name with which nobody can sign. The message gives the reason in English, for a terminal."""


def read_person(name: str | None) -> str:
    """Return the name of a person who signs, in the form that is stored: without blanks around it.

    Raises:
        NotAPerson: the name is empty, is no person's name, or is an account that several people use.
    """
    read = (name or "").strip()
    if not read:
        raise NotAPerson("Nobody is named.")
    if len(read) > LONGEST_NAME or not read.isprintable():
        raise NotAPerson(f"That is no name: at most {LONGEST_NAME} letters on one line.")
    if holds_phone(read):
        raise NotAPerson("A phone number is no name.")
    bare = _letters_of(read)
    if sum(letter.isalpha() for letter in bare) < _FEWEST_LETTERS:
        raise NotAPerson(f"{read} is no person's name.")
    if bare in _SHARED:
        raise NotAPerson(f"{read} is an account that several people use, not a person.")
    return read


def is_person(name: str | None) -> bool:
    """Return whether a person can sign with a name."""
    try:
        read_person(name)
    except NotAPerson:
        return False
    return True


def _letters_of(name: str) -> str:
    """Return the letters of a name, in lower case and without accents, for comparison with shared accounts.

    Everything after an @ and the digits at the end are left out, because they do not identify a person.
    """
    letters = unicodedata.normalize("NFKD", name.partition("@")[0].casefold()).replace("đ", "d")
    return re.sub(r"\d+$", "", "".join(letter for letter in letters if letter.isalnum()))


RequestKind: TypeAlias = Literal[
    "map_status", "release", "recipients", "export_form", "stop", "go", "confirm_year", "verify"
]
NEEDS_NO_MAIL: frozenset[RequestKind] = frozenset({"stop", "go", "confirm_year", "verify"})
"""Kinds of requests that are carried out without first mailing the Department: at once by the page, or by the next
worker that checks for requests. These requests do not change who gets mails, and their effect is visible without a
mail."""
RequestOutcome: TypeAlias = Literal["done", "withdrawn", "changed", "nothing_left", "refused"]


@dataclass(frozen=True, slots=True)
class PageRequest:
    """One request from a page. The column comments of ``motcua.page_requests`` explain each field."""

    request_no: int
    kind: RequestKind
    subject: str | None
    wanted: Mapping[str, Any]
    asked_at: datetime
    asked_by: str
    told_at: datetime | None
    applies_at: datetime | None
    told: Mapping[str, Any] | None
    untold_because: str | None
    ended_at: datetime | None
    ended_by: str | None
    outcome: RequestOutcome | None
    released: int | None
