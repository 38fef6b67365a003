"""Who is shown rows: whose he sees, and how much of a phone number."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from motcua.domain.phones.reading import mask_for_staff, mask_phones

ViewerRole: TypeAlias = Literal["auditor", "agency", "operator"]
"""What somebody is to the pages: auditors see facts, no numbers and nobody's name, and change nothing; an agency's
people see and decide for theirs; operators act for the Department."""


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
    def is_auditor(self) -> bool:
        """He sees facts, no numbers and nobody's name, and changes nothing."""
        return self.role == "auditor"

    def phone(self, number: str | None) -> str:
        """What of a phone number he is shown: ``09•• ••• 482``; nothing where there is none, or to auditors."""
        return "" if self.is_auditor or not number else mask_for_staff(number)

    def text(self, written: str) -> str:
        """What of a text that others typed he is shown: of phone numbers in it as much as of any."""
        return mask_phones(written, self.phone)
