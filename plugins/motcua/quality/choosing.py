"""Define which findings of a data quality run belong to which figure of its report. A run is *sealed* at its end.

Every rule belongs to one part. *Faults* are findings about dossiers that agencies can correct. Only faults count in the
rates. *Signs* are findings about a whole month. *Notes* are findings for information. Findings of the part *others*
must be corrected by the Department or by the operator of the one-stop software.
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
"""State of findings in a run.

``back``: found again after it had been fixed. ``arrived``: new or back. ``standing``: found in the compared run too.
``fixed``: no longer found; only this state includes such findings. ``late``: past the deadline, and not acknowledged.
``late_for_department``: so long past the deadline that the Department must be informed, and not acknowledged.
``acknowledged``: acknowledged when the run was sealed, or acknowledged now. ``to_do`` and ``acknowledged_then``
describe the moment of the run: a finding that was acknowledged after the run is ``to_do``, and not
``acknowledged_then``.
"""


def part_of(rule: RuleWords) -> Part:
    """Return the part to which a rule's findings belong."""
    if rule.owner != "agency":
        return "others"
    if rule.severity == "info":
        return "notes"
    return "faults" if rule.level == "dossier" else "signs"


@dataclass(frozen=True, slots=True)
class Chosen:
    """A choice of findings. A field that is ``None`` sets no limit."""

    rule: str | None = None
    part: Part | None = None
    standing: Standing | None = None

    def takes(self, rule: RuleWords) -> bool:
        """Return whether findings of a rule belong to the choice."""
        return self.rule in (None, rule.code) and self.part in (None, part_of(rule))
