"""Collect the lines of ``motcua status``: alerts, and the state of the ledger, sources, disks, backups and certificate.

The watch is the process that checks the system and raises alerts. The journal records every attempt to send.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Literal, TypeAlias, get_args

import psycopg

from motcua.domain.checks import CHECKS, OVERVIEW
from motcua.domain.clock import VIETNAM
from motcua.domain.people import Viewer
from motcua.jobs.backup.folders import newest_good
from motcua.jobs.notices.apologizing import apology_rules
from motcua.jobs.watching.checks import with_calendars
from motcua.jobs.watching.keeping import load_state
from motcua.jobs.watching.outside import CERTIFICATE_ENDS_SOON, certificate_ends, disks_of, tls_place
from motcua.jobs.watching.standing import matters_of, standing_of
from motcua.jobs.watching.unserved import find_unserved, somebody_looks
from motcua.reports.checks import InWords, address_of, alert_in_words, in_words
from motcua.settings import settings
from motcua.store.calendars import list_unconfirmed
from motcua.store.journal import Journal, JournalFailed
from motcua.store.ledger.database import Connection, open_without_airflow, reason_without_values
from motcua.store.ledger.locks import LEADING, is_held
from motcua.store.notices.gaps import journal_of
from motcua.store.notices.sources import list_sources
from motcua.store.watching.watch import enabled_agencies, evenings_left, watch_life

Part: TypeAlias = Literal["runs", "late", "waits", "disk", "backup", "journal", "certificate", "evening"]
_STATEMENT_WITHIN = 20.0
_PART_OF: Mapping[str, Part] = {"_matters": "late", "_journal": "journal", "_evening": "evening"}
_PARTS_OF_AIRFLOW = ("airflow", "health", "callbacks", "intake")
"""Checks of the watch that show whether Airflow, the callbacks app and the intake of pushed data run."""


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the screen that ``motcua status`` shows."""

    part: Part
    words: str
    is_wrong: bool = False
    check: str = ""
    """Name of the check behind the line, in some lines as ``name/subject``. Empty if no check is behind the line."""

    @property
    def page(self) -> str:
        """Return the page of the handbook about the check; empty without a check."""
        name = self.check.partition("/")[0]
        return (address_of(name) or CHECKS[name].page) if name else ""


def rows_of_status(now: datetime) -> list[Row]:
    """Return all lines of the screen.

    If a part cannot be read, one line reports that, and the other parts are still shown.
    """
    rows: list[Row] = []
    try:
        with open_without_airflow(_STATEMENT_WITHIN) as ledger:
            for look in (_runs, _matters, _journal, _evening):
                rows += _rows_or_failure(look, ledger, now)
    except Exception as unreachable:
        # Any error is caught. The state in the watch's folder still shows what the watch saw last.
        rows.append(Row("runs", f"the ledger does not answer: {reason_without_values(unreachable)}", True))
        alerts = load_state(settings().watch_folder, now).alerts.values()
        rows += [_matter(alert_in_words(each), each.acknowledged_by is None) for each in alerts if each.raised_at]
    rows += [*_disks(), *_backup(now), *_certificate(now)]
    return sorted(rows, key=lambda row: get_args(Part).index(row.part))


def _rows_or_failure(
    look: Callable[[Connection, datetime], Iterator[Row]], ledger: Connection, now: datetime
) -> list[Row]:
    try:
        return list(look(ledger, now))
    except psycopg.Error as error:
        return [
            Row(_PART_OF.get(look.__name__, "runs"), f"this part cannot be read: {reason_without_values(error)}", True)
        ]


# --- The ledger ------------------------------------------------------------------------------------------------------


def _runs(ledger: Connection, now: datetime) -> Iterator[Row]:
    yield Row("runs", "the ledger answers")
    life = watch_life(ledger)
    yield Row(
        "runs", f"the last round of the watch was at {_moment(life.looked_at)}" if life else "the watch never ran"
    )
    if life is not None:
        states = {look["check"]: look["state"] for look in life.looks if look["check"] in _PARTS_OF_AIRFLOW}
        seen = ", ".join(f"{name} {states[name]}" for name in _PARTS_OF_AIRFLOW if name in states)
        if seen:
            yield Row("runs", f"its checks: {seen}", "alert" in states.values())
    yield Row("runs", "a sender is at work" if is_held(ledger, LEADING) else "no sender is at work")
    looks = somebody_looks(ledger)
    read = [source.picked_up_at for source in list_sources(ledger) if source.name in settings().sources]
    oldest = min((each for each in read if each is not None), default=None)
    since = f"; the oldest reading was at {_moment(oldest)}" if oldest else ""
    yield Row(
        "runs",
        f"{len(read)} of {len(settings().sources)} sources were read{since}",
        len(read) < len(settings().sources),
    )
    if not looks:
        yield Row("runs", "no watcher and no sender looks for news at the sources")


def _matters(ledger: Connection, now: datetime) -> Iterator[Row]:
    """Yield the open alerts of the watch, the faults that the watch would find now, and tasks that only a person can
    do.

    These are the matters of the first staff page, the due work that nobody does, and the calendars of this year that
    nobody has confirmed.
    """
    everybody = Viewer("", "operator", None)
    matters = matters_of(standing_of(ledger, everybody, now), everybody)
    known = {each.finding.key for each in matters}
    for each in matters:
        yield _matter(each.words, each.is_red)
    for found in find_unserved(ledger, now):
        if found.key not in known:
            yield _matter(in_words(found), True)
    this_year = now.astimezone(VIETNAM).year
    for province, year in list_unconfirmed(ledger, [this_year]):
        words = f"the calendar of {province} for {year} is not confirmed: motcua calendar confirm {year}"
        yield Row("waits", words, True)


def _matter(said: InWords, is_wrong: bool) -> Row:
    since = f", since {_moment(said.raised_at)}" if said.raised_at else ""
    by = f", {said.acknowledged_by} looks after it" if said.acknowledged_by else ""
    waits = OVERVIEW & CHECKS[said.name].asked_by
    return Row("waits" if waits else "late", f"{said.title}{since}{by}", is_wrong, said.key)


def _journal(ledger: Connection, now: datetime) -> Iterator[Row]:
    folder = settings().journal_folder
    journal = Journal(folder)
    try:
        here, damage = journal.identity(), journal.damage()
        last = journal.tail()
    except JournalFailed as failed:
        yield Row("journal", str(failed), True, "journal_damaged")
        return
    known_as = journal_of(ledger)
    if known_as is not None and here != known_as:
        yield Row(
            "journal",
            f"{folder} is not the folder of the ledger's journal; see MOTCUA_JOURNAL",
            True,
            "journal_elsewhere",
        )
    elif here is None:
        yield Row("journal", f"{folder}: nothing was sent yet")
    else:
        last_words = f", the last attempt at {_moment(last[-1].departed_at)}" if last else ""
        yield Row(
            "journal",
            f"{folder}{last_words}{f': {damage}' if damage else ''}",
            bool(damage),
            "journal_damaged" * bool(damage),
        )


def _evening(ledger: Connection, now: datetime) -> Iterator[Row]:
    """Yield the line with the time of the next planning of apologies and the number of agencies that plan apologies
    then.

    An agency is counted if it is enabled, has dossiers, and plans apologies on that day by its setting and calendar.
    """
    rules = apology_rules()
    day: date = rules.latest_evening(now) + timedelta(days=1)
    enabled = enabled_agencies(ledger, now)
    left = [each for each in evenings_left(ledger, day, rules.evening_of(day)) if each.agency_code in enabled]
    agencies = sum(each.is_owed(day) for each in with_calendars(ledger, left, day))
    yield Row(
        "evening",
        f"planned next on {rules.evening_of(day):%d/%m/%Y at %H:%M}, for {agencies} of {len(enabled)} agencies",
    )


# --- This machine ----------------------------------------------------------------------------------------------------


def _disks() -> Iterator[Row]:
    least = settings().watch_disk_free
    for disk in disks_of(settings().watched_disks):
        is_low = disk.free < least
        words = f"{disk.folder}: {disk.free / 1e9:.1f} GB of {disk.total / 1e9:.0f} GB free"
        yield Row("disk", words, is_low, f"disk_low/{disk.folder}" * is_low)


def _backup(now: datetime) -> Iterator[Row]:
    folder, most = settings().backups_folder, settings().watch_backup_age
    if not folder.is_dir():
        yield Row("backup", f"{folder} is not a folder on this machine", bool(most), "backup_old" * bool(most))
        return
    newest = newest_good(folder, now)
    if newest is None:
        yield Row("backup", f"no usable backup in {folder}", bool(most), "backup_old" * bool(most))
        return
    age = now - newest.made_at
    is_old = bool(most) and age > most
    read = newest.verified()
    checked = f", verified at {_moment(read.at)}" if read else ""
    yield Row(
        "backup", f"{newest.name}, {age.total_seconds() / 3600:.0f} hours old{checked}", is_old, "backup_old" * is_old
    )


def _certificate(now: datetime) -> Iterator[Row]:
    """Yield the state of the certificate at the address of the staff pages."""
    address = os.environ.get("AIRFLOW__API__BASE_URL", "")
    place = tls_place(address)
    if place is None:
        yield Row("certificate", f"none: AIRFLOW__API__BASE_URL is {address or 'not set'}")
        return
    ends_at = certificate_ends(*place)
    if ends_at is None:
        yield Row("certificate", f"{address} gives this machine no certificate", True, "certificate_ends")
        return
    days, is_wrong = (ends_at - now).days, ends_at < now + CERTIFICATE_ENDS_SOON
    yield Row(
        "certificate", f"{address}: until {_moment(ends_at)}, {days} days", is_wrong, "certificate_ends" * is_wrong
    )


def _moment(moment: datetime) -> str:
    return f"{moment.astimezone(VIETNAM):%d/%m/%Y %H:%M}"
