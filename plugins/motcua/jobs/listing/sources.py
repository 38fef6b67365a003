"""The lists of sources: how fresh each is, what of it cannot be used, what pushes to us, what it exported, and what a
check of it found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final
from urllib.parse import urlencode

from motcua.domain.clock import VIETNAM
from motcua.domain.people.viewers import Viewer
from motcua.jobs.exports.taking import ADAPTER, SETTLED
from motcua.jobs.handed_in.faults import FileFault
from motcua.jobs.listing.asking import Asked
from motcua.jobs.listing.reading import Listing
from motcua.reports.checking import told
from motcua.reports.lists import Cell, Link, Seen, Word, words_of
from motcua.reports.wording import list_words
from motcua.settings import settings
from motcua.sources import connection_of
from motcua.store.checking.checks import SourceCheck
from motcua.store.intake.clients import Client, list_clients
from motcua.store.intake.exports import Export, list_exports, list_vanished
from motcua.store.intake.watching import fault_sums, supplements_untold
from motcua.store.ledger.database import Connection
from motcua.store.notices.quarantine import QuarantineCount, open_quarantine
from motcua.store.notices.sources import Freshness, MappedStatus, freshness_of_sources, mapped_statuses
from motcua.store.notices.templates import national_statuses
from motcua.store.watching.watch import list_alerts

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
            "kind": each.finding.kind,
            "severity": said.severity,
            "breach": said.title,
            "seen": said.found,
            "matters": said.why,
            "action": said.action,
            "since": each.since,
            "examples": ", ".join(each.finding.examples),
        }
        for each in (check.findings if check else ())
        for said in [told(each.finding, kind)]
    ]
    return Listing("source_check").of(rows)


# --- How fresh they are, and what of them cannot be used -------------------------------------------------------------

_WITHOUT_EXAMPLES: Final = ("code_missing", "code_unusable")
"""Reasons for which the field of the code may hold anything, a name or a number."""


def _sources(connection: Connection, asked: Asked, most: int, skipped: int) -> Sequence[Freshness]:
    """Those that were read; to whom all may be shown also those that never were."""
    read = freshness_of_sources(connection, asked.viewer.listed)
    configured = settings().sources if asked.viewer.agencies is None else ()
    never = [Freshness.of_unread(name) for name in configured if name not in {each.name for each in read}]
    return sorted([*read, *never], key=lambda each: each.name)[skipped : skipped + most]


def _failure(row: Freshness, seen: Seen) -> Cell:
    """Why it could not be read; what an agency cannot mend it is not told."""
    is_told = row.failed_at and seen.viewer.agencies is None
    return seen.viewer.text(row.failure or "") or None if is_told else None


def _connection(row: Freshness, seen: Seen) -> Cell:
    kind = settings().sources.get(row.name)
    return kind and connection_of(row.name, kind)


def _examples(row: QuarantineCount, seen: Seen) -> Cell:
    if seen.viewer.is_auditor or row.reason in _WITHOUT_EXAMPLES:
        return None
    return ", ".join(seen.viewer.text(each) for each in row.examples if each) or None


SOURCES = Listing(
    "sources",
    _sources,
    {
        "adapter": lambda row, seen: settings().sources.get(row.name),
        "connection": _connection,
        "state": lambda row, seen: Word("failing", "đang lỗi", "bad") if row.failed_at else "đọc được",
        "failure": _failure,
    },
)
UNUSABLE = Listing(
    "unusable",
    lambda connection, asked, most, skipped: open_quarantine(connection, asked.viewer.listed)[skipped : skipped + most],
    {"examples": _examples, "heals": lambda row, seen: words_of("unusable.heals")[row.reason]},
)


# --- What pushes to us -----------------------------------------------------------------------------------------------

_MOST_ALERTS: Final = 200


def pushes_since() -> date:
    """The first of the days that are looked at."""
    return (datetime.now(UTC) - timedelta(days=7)).astimezone(VIETNAM).date()


def _clients(connection: Connection, asked: Asked, most: int, skipped: int) -> list[dict[str, Any]]:
    alerts = list_alerts(connection, datetime.now(UTC), _MOST_ALERTS)
    silent = {each.subject for each in alerts if each.name == "push_silent" and each.over_at is None}
    return [
        {"client": each, "silent": each.name in silent}
        for each in list_clients(connection, pushes_since(), asked.viewer.listed)
    ][skipped : skipped + most]


def _pushing(connection: Connection, asked: Asked, most: int, skipped: int) -> list[dict[str, Any]]:
    """Nobody signs in with the account of a source whose software drops files: it is none that pushes."""
    found = [each for each in _clients(connection, asked, most + skipped, 0) if not _drops_files(each["client"])]
    return found[skipped : skipped + most]


def _drops_files(client: Client) -> bool:
    return settings().sources.get(client.source) == ADAPTER


def _push_state(row: Mapping[str, Any], seen: Seen) -> Cell:
    client: Client = row["client"]
    said = list_words()["pushed"]["state"]
    if client.disabled_at is not None:
        return Word("disabled", said["disabled"], None)
    if _drops_files(client):
        return Word("drops files", said["files"], None)
    if client.last_call_at is None:
        return Word("never", said["never"], None)
    name = "silent" if row["silent"] else "pushes"
    return Word(name, said[name], "warn" if name == "silent" else None)


PUSHES = Listing(
    "pushes", _pushing, {"push_state": _push_state, "agencies": lambda row, seen: ", ".join(row["client"].agencies)}
)
"""Software that pushes, of the last seven days; of a client that is of several agencies those alone see figures who may
see all."""
ACCOUNTS = replace(PUSHES, rows=_clients)
"""All accounts, also of software that drops files."""
PUSH_FAULTS = Listing(
    "push_faults",
    lambda connection, asked, most, skipped: (
        fault_sums(connection, pushes_since())[skipped : skipped + most] if asked.viewer.agencies is None else ()
    ),
    {"fault": lambda row, seen: str(list_words()["pushed"]["fault"].get(row.fault, row.fault))},
)
SUPPLEMENTS = Listing(
    "supplements",
    lambda connection, asked, most, skipped: supplements_untold(
        connection,
        datetime.combine(pushes_since(), datetime.min.time(), VIETNAM),
        datetime.now(UTC),
        asked.viewer.listed,
    )[skipped : skipped + most],
)


# --- What statuses were said to stand for ----------------------------------------------------------------------------


def _stood_for(row: MappedStatus, seen: Seen) -> str:
    statuses = national_statuses()
    before = f" (trước đó {row.status_before} {statuses[row.status_before]})" if row.status_before else ""
    return f"{row.status_code} {statuses[row.status_code]}{before}"


STATUS_MAPS = Listing(
    "status_maps",
    lambda connection, asked, most, skipped: mapped_statuses(connection)[skipped : skipped + most],
    {
        "stands_for": lambda row, seen: national_statuses()[row.status_code],
        "mapped_before": lambda row, seen: national_statuses()[row.status_before] if row.status_before else None,
        "told": _stood_for,
    },
)
