"""People who work with the system: who is shown rows, who signs, what somebody asks for on a page."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, TypeAlias

from motcua.domain.phones.reading import holds_phone, mask_for_staff, mask_phones

ViewerRole: TypeAlias = Literal["auditor", "clerk", "agency", "operator"]
"""What somebody is to the pages: auditors see facts, no numbers and nobody's name, and change nothing; a clerk looks up
the dossiers of his agency and records complaints; an agency's administrators see and decide for theirs; operators act
for the Department."""


@dataclass(frozen=True, slots=True)
class Viewer:
    """Whoever is shown rows."""

    name: str
    """As Airflow names the user; nothing is signed with it as it is."""
    role: ViewerRole
    agencies: frozenset[str] | None
    """Codes of those whose rows he sees; ``None``: all."""

    def sees(self, agency_code: str | None) -> bool:
        """Whether he may see rows of an agency; ``None``: rows that are no agency's."""
        return self.agencies is None or agency_code in self.agencies

    @property
    def listed(self) -> list[str] | None:
        """The agencies as statements take them: ``None`` means all."""
        return None if self.agencies is None else sorted(self.agencies)

    @property
    def is_operator(self) -> bool:
        """He acts for the Department."""
        return self.role == "operator"

    @property
    def is_clerk(self) -> bool:
        """He answers citizens at a desk."""
        return self.role == "clerk"

    @property
    def is_auditor(self) -> bool:
        """He sees facts, no numbers and nobody's name, and changes nothing."""
        return self.role == "auditor"

    def phone(self, number: str | None) -> str:
        """What of a phone number he is shown: ``09•• ••• 482``; nothing where there is none, or to auditors."""
        return "" if self.is_auditor or not number else mask_for_staff(number)

    def text(self, written: str) -> str:
        """What of a text that others typed he is shown: of phone numbers in it as much as of any."""
        return mask_phones(written, self.phone)


LONGEST_NAME = 200
"""Letters of a name that signs."""
_FEWEST_LETTERS = 2
"""A code of an agency has one."""

_NAMED_ALIKE = """
admin administrator adm root sudo superuser system service daemon nobody anonymous unknown unnamed none null
airflow motcua postgres postgresql redis celery docker podman vagrant ubuntu debian centos rocky fedora ec2user
azureuser opc user users guest public viewer operator op test tester demo watch bot default dagtest
xem coquan quantri quantrivien quanly nguoidung khach vanhanh kiemtra giamsat sotttt
"""
_SHARED = frozenset(_NAMED_ALIKE.split())
"""Accounts of machines and of whole offices, as ``_bare`` writes them."""


class NotAPerson(ValueError):
    """A name with which nobody can sign; says why in English, for a terminal."""


def read_person(name: str | None) -> str:
    """A name as whoever signs with it is kept, without blanks around it.

    Raises:
        NotAPerson: nobody is named, or an account that several people use, or it is no name.
    """
    read = (name or "").strip()
    if not read:
        raise NotAPerson("Nobody is named.")
    if len(read) > LONGEST_NAME or not read.isprintable():
        raise NotAPerson(f"That is no name: at most {LONGEST_NAME} letters on one line.")
    if holds_phone(read):
        raise NotAPerson("A phone number is no name.")
    bare = _bare(read)
    if sum(letter.isalpha() for letter in bare) < _FEWEST_LETTERS:
        raise NotAPerson(f"{read} is no person's name.")
    if bare in _SHARED:
        raise NotAPerson(f"{read} is an account that several people use, not a person.")
    return read


def is_person(name: str | None) -> bool:
    """Whether somebody can sign with a name."""
    try:
        read_person(name)
    except NotAPerson:
        return False
    return True


def _bare(name: str) -> str:
    """Letters alone, small and without accents; what is behind an @ and digits at the end say nothing of who it is."""
    letters = unicodedata.normalize("NFKD", name.partition("@")[0].casefold()).replace("đ", "d")
    return re.sub(r"\d+$", "", "".join(letter for letter in letters if letter.isalnum()))


RequestKind: TypeAlias = Literal[
    "map_status", "release", "recipients", "export_form", "stop", "go", "confirm_year", "verify"
]
NEEDS_NO_MAIL: frozenset[RequestKind] = frozenset({"stop", "go", "confirm_year", "verify"})
"""Done at once or by the next worker: nobody is told of it who would not be without it, and nobody's mails change."""
RequestOutcome: TypeAlias = Literal["done", "withdrawn", "changed", "nothing_left", "refused"]


@dataclass(frozen=True, slots=True)
class PageRequest:
    """One request; the columns of ``motcua.page_requests`` explain each field."""

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
