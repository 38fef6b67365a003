"""How the installation stands, for one screen: the rows that pages and metrics show, and what lies on this machine."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Literal, TypeAlias

import psycopg

from motcua.domain.apologies import due_days
from motcua.domain.checks import ALERT_NAMES, key_of
from motcua.domain.clock import VIETNAM
from motcua.domain.watching.judging import silence_of, year_to_sign
from motcua.jobs.backup.folders import newest_good
from motcua.jobs.notices.apologizing import apology_rules
from motcua.jobs.watching.keeping import load_state
from motcua.jobs.watching.outside import CERTIFICATE_ENDS, certificate_ends, disks_of, tls_place
from motcua.jobs.watching.unserved import find_unserved, somebody_looks
from motcua.reports.watching import alert_in_words
from motcua.settings import settings
from motcua.store.calendars import list_unconfirmed, load_calendars
from motcua.store.journal import Journal, JournalFailed
from motcua.store.ledger.database import Connection, open_without_airflow, reason_without_values
from motcua.store.ledger.locks import LINGERING, is_held
from motcua.store.notices.gaps import journal_of, open_gap
from motcua.store.notices.quarantine import count_open
from motcua.store.notices.sources import list_sources
from motcua.store.notices.stops import stops_in_force
from motcua.store.oversight.page_requests import open_requests
from motcua.store.oversight.publications import not_holding
from motcua.store.watching.watch import enabled_agencies, evenings_left, list_alerts, unknown_messages, watch_life

Part: TypeAlias = Literal["runs", "late", "waits", "disk", "backup", "journal", "certificate", "evening"]
_STATEMENT_WITHIN = 20.0
_SILENT_AFTER = timedelta(minutes=10)
_MOST_QUARANTINED = 10_000
_PARTS_OF_AIRFLOW = ("airflow", "health", "callbacks", "intake")
"""Checks of the watch that say whether something runs."""


@dataclass(frozen=True, slots=True)
class Row:
    """One thing of the screen."""

    part: Part
    words: str
    is_wrong: bool = False
    check: str = ""
    """Id and subject of the check that says so; its page of the handbook is called like it."""


def rows_of_status(now: datetime) -> list[Row]:
    """How everything stands now; what cannot be looked at is a row that says so, and hides no other."""
    rows: list[Row] = []
    try:
        with open_without_airflow(_STATEMENT_WITHIN) as ledger:
            for look in (_runs, _late, _waits, _journal, _evening):
                rows += _looked(look, ledger, now)
    except Exception as unreachable:
        # Whatever keeps us out; what the watch keeps in its folder says what it saw last.
        rows.append(Row("runs", f"the ledger does not answer: {reason_without_values(unreachable)}", True))
        rows += [
            _alert(each.name, each.subject, each.facts, each.raised_at, each.acknowledged_by)
            for each in load_state(settings().watch_folder, now).alerts.values()
            if each.raised_at is not None
        ]
    rows += [*_disks(), *_backup(now), *_certificate(now)]
    order: list[Part] = ["runs", "late", "waits", "disk", "backup", "journal", "certificate", "evening"]
    return sorted(rows, key=lambda row: order.index(row.part))


def _looked(look: Callable[[Connection, datetime], Iterator[Row]], ledger: Connection, now: datetime) -> list[Row]:
    try:
        return list(look(ledger, now))
    except psycopg.Error as error:
        part: Part = look.__name__.removeprefix("_")  # type: ignore[assignment]
        return [Row(part, f"could not be looked at: {reason_without_values(error)}", True)]


# --- The ledger's word -----------------------------------------------------------------------------------------------


def _runs(ledger: Connection, now: datetime) -> Iterator[Row]:
    yield Row("runs", "the ledger answers")
    life = watch_life(ledger)
    if life is None:
        yield Row("runs", "the watch never ran: nobody is told when something breaks", True, "watch_silent")
    else:
        is_silent = silence_of(life.looked_at, now, _SILENT_AFTER) is not None
        yield Row("runs", f"the watch looked at {_moment(life.looked_at)}", is_silent, "watch_silent" * is_silent)
        states = {look["check"]: look["state"] for look in life.looks if look["check"] in _PARTS_OF_AIRFLOW}
        seen = ", ".join(f"{name} {states[name]}" for name in _PARTS_OF_AIRFLOW if name in states)
        if seen:
            yield Row("runs", f"it saw: {seen}", "alert" in states.values())
    yield Row("runs", "a sender is at work" if is_held(ledger, LINGERING) else "no sender waits for news just now")
    looks = somebody_looks(ledger)
    read = [source.picked_up_at for source in list_sources(ledger) if source.name in settings().sources]
    oldest = min((each for each in read if each is not None), default=None)
    told = f", the one longest ago at {_moment(oldest)}" if oldest else ""
    yield Row(
        "runs", f"{len(read)} of {len(settings().sources)} sources were read{told}", len(read) < len(settings().sources)
    )
    if not looks:
        yield Row("runs", "nobody looks whether the sources have news")


def _late(ledger: Connection, now: datetime) -> Iterator[Row]:
    """What the watch has open, and what it would find at once."""
    known: set[str] = set()
    for each in list_alerts(ledger, now, 1000):
        if each.over_at is None and each.name in ALERT_NAMES:
            known.add(key_of(each.name, each.subject))
            yield _alert(each.name, each.subject, each.facts, each.raised_at, each.acknowledged_by)
    for found in find_unserved(ledger, now):
        if found.key not in known:
            yield _alert(found.name, found.subject, found.facts, None, None)


def _alert(name: str, subject: str, facts: object, raised_at: datetime | None, by: str | None) -> Row:
    words = alert_in_words(name, subject, facts, raised_at=raised_at)  # type: ignore[arg-type]
    since = f", since {_moment(raised_at)}" if raised_at else ""
    return Row(
        "late", f"{words.title}{since}{f', {by} looks after it' if by else ''}", by is None, key_of(name, subject)
    )


def _waits(ledger: Connection, now: datetime) -> Iterator[Row]:
    """What only a person can do."""
    gap = open_gap(ledger)
    if gap is not None:
        yield Row(
            "waits", f"gap {gap.gap_no} ({gap.kind}): {gap.held_messages} message(s) are held: motcua gaps list", True
        )
    messages, since = unknown_messages(ledger, now, now)
    if messages:
        told = f", the first since {_moment(since)}" if since else ""
        yield Row("waits", f"{messages} message(s) of unknown outcome{told}: motcua messages held", True)
    for stop in stops_in_force(ledger, now):
        what = f"{stop.kind or 'every kind'} at {stop.agency_code or 'every agency'}"
        yield Row("waits", f"{what} is stopped until {_moment(stop.until)} by {stop.stopped_by}: motcua go")
    if requests := open_requests(ledger):
        yield Row("waits", f"{len(requests)} request(s) of pages that may still be withdrawn")
    for source, rows in count_open(ledger, _MOST_QUARANTINED).items():
        if rows:
            yield Row("waits", f"{rows} row(s) of source {source} in quarantine: motcua quarantine")
    for each in not_holding(ledger):
        yield Row(
            "waits",
            f"publication {each.publication_no} does not hold: motcua publications show {each.publication_no}",
            True,
        )
    years = {now.astimezone(VIETNAM).year, year_to_sign(now) or now.astimezone(VIETNAM).year}
    for province, year in list_unconfirmed(ledger, sorted(years)):
        yield Row("waits", f"the calendar of {province} for {year}: motcua calendar confirm {year}", True)
    unlooked = sum(each.over_at is None and each.acknowledged_at is None for each in list_alerts(ledger, now, 1000))
    if unlooked:
        yield Row("waits", f"{unlooked} alert(s) that nobody looks after: motcua alerts acknowledge", True)


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
        yield Row("journal", f"{folder} is not the journal that the ledger is kept with", True, "journal_elsewhere")
    elif here is None:
        yield Row("journal", f"{folder}: nothing was sent yet")
    else:
        told = f", the last attempt at {_moment(last[-1].departed_at)}" if last else ""
        yield Row(
            "journal",
            f"{folder}{told}{f': {damage}' if damage else ''}",
            bool(damage),
            "journal_damaged" * bool(damage),
        )


def _evening(ledger: Connection, now: datetime) -> Iterator[Row]:
    """The next evening of apologies, and how many agencies it is one at: who has dossiers, and works that day."""
    rules = apology_rules()
    day: date = rules.latest_evening(now) + timedelta(days=1)
    enabled = enabled_agencies(ledger, now)
    left = [each for each in evenings_left(ledger, day, rules.evening_of(day)) if each.agency_code in enabled]
    calendars = load_calendars(ledger, sorted({each.in_charge for each in left}), day, day) if left else {}
    agencies = sum(due_days(each.apology_day, calendars[each.in_charge], day) is not None for each in left)
    yield Row("evening", f"next on {rules.evening_of(day):%d/%m/%Y at %H:%M}, at {agencies} of {len(enabled)} agencies")


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
        yield Row("backup", f"{folder} is not seen from here", bool(most), "backup_old" * bool(most))
        return
    newest = newest_good(folder)
    if newest is None:
        yield Row("backup", f"none in {folder}", bool(most), "backup_old" * bool(most))
        return
    age = now - newest.made_at
    is_old = bool(most) and age > most
    read = newest.verified()
    told = f", looked through at {_moment(read.at)}" if read else ""
    yield Row(
        "backup", f"{newest.name}, {age.total_seconds() / 3600:.0f} hours old{told}", is_old, "backup_old" * is_old
    )


def _certificate(now: datetime) -> Iterator[Row]:
    """Of the address at which people find the pages."""
    address = os.environ.get("AIRFLOW__API__BASE_URL", "")
    place = tls_place(address)
    if place is None:
        yield Row("certificate", f"none: the pages are at {address or 'an address that is not set here'}")
        return
    ends_at = certificate_ends(*place)
    if ends_at is None:
        yield Row("certificate", f"{address} shows none to this machine", True, "certificate_ends")
        return
    days, is_wrong = (ends_at - now).days, ends_at < now + CERTIFICATE_ENDS
    yield Row(
        "certificate", f"{address}: until {_moment(ends_at)}, {days} days", is_wrong, "certificate_ends" * is_wrong
    )


def _moment(moment: datetime) -> str:
    return f"{moment.astimezone(VIETNAM):%d/%m/%Y %H:%M}"
