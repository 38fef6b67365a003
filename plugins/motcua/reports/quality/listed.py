"""Make the cells of the list of findings that the list's declaration in YAML cannot describe."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from motcua.domain.phones.reading import holds_phone
from motcua.domain.quality import Acknowledged
from motcua.quality.report_data import RowToCorrect
from motcua.reports import wording
from motcua.reports.lists import Cell, Link, OwnCell, Seen, Word, dossier_link


def dossier_address(dossiers_url: str | None, link: Link) -> str | None:
    """Return the address to which a dossier's code links in a mail.

    ``None`` if the code holds a phone number, or if ``dossiers_url``, the address of the page Hồ sơ, is ``None``.
    """
    return f"{dossiers_url}?{link.to.partition('?')[2]}" if dossiers_url and not holds_phone(link.words) else None


def _dossier(row: RowToCorrect, seen: Seen) -> Cell:
    return None if row.dossier_code is None else dossier_link(row.agency_code, row.dossier_code)


def _acknowledged(tell: Callable[[Acknowledged], Cell]) -> OwnCell:
    return lambda row, seen: tell(row.acknowledged) if row.acknowledged else None


FINDING_CELLS: Final[Mapping[str, OwnCell]] = {
    "dossier_code": _dossier,
    "rule": lambda row, seen: f"{row.rule.code} {row.rule.title}",
    "severity": lambda row, seen: wording.words()["severity"][row.rule.severity],
    "action": lambda row, seen: row.rule.action,
    "finding_state": lambda row, seen: Word(row.state, wording.words()["state"][row.state], None),
    "stage": lambda row, seen: (
        wording.words()["stage"][row.stage] if row.deadline else wording.words()["workbook"]["no_deadline"]
    ),
    "acknowledged_until": _acknowledged(lambda accepted: accepted.until),
    "acknowledged_why": _acknowledged(lambda accepted: accepted.why),
    "acknowledged_by": _acknowledged(lambda accepted: accepted.acknowledged_by),
}
"""Functions for the columns whose cells the list's YAML entry cannot describe, by column."""
