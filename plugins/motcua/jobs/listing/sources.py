"""The lists of files that one-stop software exports, of dossiers that these have no more, of what a check found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final
from urllib.parse import urlencode

from motcua.domain.people.viewers import Viewer
from motcua.jobs.exports.taking import SETTLED
from motcua.jobs.handed_in.faults import FileFault
from motcua.jobs.listing.reading import Listing
from motcua.reports.checks import check_words, in_words
from motcua.reports.lists.declared import Seen
from motcua.reports.lists.files import Cell, Link
from motcua.reports.wording import list_words
from motcua.store.checking.checks import SourceCheck
from motcua.store.intake.exports import Export, list_exports, list_vanished

_ACCEPTABLE: Final = ("few_dossiers", "cut_off")
"""Why a file was refused that a person may know to be right."""


@dataclass(frozen=True, slots=True)
class ToldExport:
    """A file in words, as a viewer sees it."""

    file: Export
    name: str
    state: str
    why: str
    faults: Sequence[FileFault]
    may_be_accepted: bool


def may_be_accepted(file: Export) -> bool:
    """Whether a person may have it taken as it is."""
    return file.state == "refused" and any(fault["code"] in _ACCEPTABLE for fault in file.faults)


def told_export(viewer: Viewer, file: Export) -> ToldExport:
    """A file in words; auditors see no name of a file, and none of what its maker named."""
    said = list_words()["exported"]
    faults = [FileFault(**fault) for fault in file.faults]
    if viewer.is_auditor:
        faults = [replace(each, sheet=None, heading=None) for each in faults]
    if file.state == "refused":
        why = str(faults[0]) if faults else ""
    elif file.state == "waiting" and file.accepted_at:
        why = said["why"]["waiting_again"]
    else:
        why = said["why"].get(file.state, "").format(seconds=round(SETTLED.total_seconds()))
    name = said["without_name"].format(no=file.export_no) if viewer.is_auditor else viewer.text(file.name)
    return ToldExport(file, name, said["state"][file.state], why, faults, may_be_accepted(file))


def _kind(row: ToldExport, seen: Seen) -> Cell:
    if row.file.is_whole is None:
        return None
    return str(list_words()["exported"]["kind"]["whole" if row.file.is_whole else "changes"])


def _name(row: ToldExport, seen: Seen) -> Cell:
    query = urlencode({"source": row.file.source, "no": row.file.export_no})
    return Link(row.name, f"/quality/sources/exports?{query}")


def exports_of(source: str | None) -> Listing:
    """The files of a source, or of all, the newest first."""
    return Listing(
        "exports",
        lambda connection, asked, most, skipped: [
            told_export(asked.viewer, each) for each in list_exports(connection, source, limit=most, skipped=skipped)
        ],
        {
            "export_name": _name,
            "export_kind": _kind,
            "exported_at": lambda row, seen: row.file.exported_at or row.file.modified_at,
            "export_why": lambda row, seen: row.why or None,
        },
    )


def vanished_of(source: str) -> Listing:
    """Open dossiers that a source's whole exports have no more."""
    return Listing(
        "vanished",
        lambda connection, asked, most, skipped: list_vanished(connection, source, skipped + most)[skipped:],
    )


def check_of(check: SourceCheck | None, kind: str) -> Listing:
    """What a check of a source of some kind found."""
    rows = [
        {
            "kind": each.finding.name,
            "severity": check_words()["severity"][said.severity],
            "breach": said.title,
            "seen": said.found,
            "matters": said.meaning,
            "action": said.todo,
            "since": each.since,
            "examples": ", ".join(each.finding.facts["examples"]),
        }
        for each in (check.findings if check else ())
        for said in [in_words(each.finding, kind)]
    ]
    return Listing("source_check").of(rows)
