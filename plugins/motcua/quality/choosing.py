"""Which findings of a run are asked for: each figure of a report is so many findings, and this says which.

Every rule is of one part. What agencies can mend about dossiers makes the rates (*faults*); beside it are signs of a
whole month, notes for information, and what the Department or whoever runs the one-stop software must mend.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from motcua.quality.report_data import RuleWords

Part: TypeAlias = Literal["faults", "signs", "notes", "others"]
Standing: TypeAlias = Literal[
    "to_do",
    "acknowledged",
    "acknowledged_then",
    "new",
    "back",
    "arrived",
    "standing",
    "fixed",
    "late",
    "late_for_department",
]
"""``arrived``: new or back. ``fixed`` alone are no longer there. ``acknowledged``: when the run was sealed, or now. All
others are as the run counted them: a finding acknowledged later is still to do, and not ``acknowledged_then``."""


def part_of(rule: RuleWords) -> Part:
    """Of which part a rule's findings are."""
    if rule.owner != "agency":
        return "others"
    if rule.severity == "info":
        return "notes"
    return "faults" if rule.level == "dossier" else "signs"


@dataclass(frozen=True, slots=True)
class Chosen:
    """What is asked for; ``None`` narrows nothing down."""

    rule: str | None = None
    part: Part | None = None
    standing: Standing | None = None

    def takes(self, rule: RuleWords) -> bool:
        """Whether findings of a rule are among what is asked for."""
        return self.rule in (None, rule.code) and self.part in (None, part_of(rule))
