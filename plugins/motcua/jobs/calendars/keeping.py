"""Keeps the working calendar: seeds it from the package, imports decisions and agencies' days, confirms years.

The package ``holidays`` is one layer and never more than that: what the government decides and what an agency does
differently lie over it, so that a newer package corrects only what nobody else said anything about. A confirmed year
is not touched by it at all.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from pathlib import Path

from motcua.domain.clock import VIETNAM
from motcua.domain.working_days import NEXT_YEAR_DUE, OfficeHours, days_from_package, package_version, written_day
from motcua.jobs.calendars.files import (
    FIRST_YEAR,
    LAST_YEAR,
    CalendarError,
    CalendarFile,
    read_calendar_file,
    write_calendar_file,
)
from motcua.settings import include_dir
from motcua.store.agencies import agency_codes, find_agency, list_agencies
from motcua.store.calendars import (
    CalendarDay,
    CalendarYear,
    list_days,
    list_hours,
    list_unconfirmed,
    list_years,
    remove_days,
    remove_hours,
    save_days,
    save_hours,
    save_years,
    sign_changes,
    used_provinces,
)
from motcua.store.ledger.database import Connection, connect

HOME_PROVINCE = "khanh_hoa"
"""Seeded where no agency is configured yet."""
SEEDED_FROM = 2016
"""The pilot's year: nothing in the ledger is older."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One change of the calendar, in words."""

    whose: str
    """The province or the agency."""
    what: str
    before: str | None
    after: str | None


@dataclass(frozen=True, slots=True)
class Seeding:
    """What seeding changed, and what it left as it is because the year is confirmed."""

    written: tuple[Difference, ...]
    kept_back: tuple[Difference, ...]


@dataclass(slots=True)
class _Changes:
    """What is to be written, with what it replaces."""

    days: list[tuple[CalendarDay | None, CalendarDay | None]] = field(default_factory=list)
    hours: list[tuple[str, OfficeHours | None, OfficeHours | None]] = field(default_factory=list)
    years: list[tuple[CalendarYear | None, CalendarYear]] = field(default_factory=list)

    def differences(self) -> tuple[Difference, ...]:
        found = [
            Difference(year.province, f"year {year.year}", _year_in_words(before), _year_in_words(year))
            for before, year in self.years
        ]
        for was, becomes in self.days:
            known = becomes or was
            if known is not None:
                whose = known.agency_code or known.province or ""
                found.append(Difference(whose, written_day(known.day), _day_in_words(was), _day_in_words(becomes)))
        for code, was_open, opens in self.hours:
            begins = (opens or was_open or OfficeHours()).valid_from
            what = f"hours from {written_day(begins)}"
            found.append(Difference(code, what, _hours_in_words(was_open), _hours_in_words(opens)))
        return tuple(found)

    def write(self, connection: Connection, changed_by: str) -> None:
        if not changed_by.strip():
            raise CalendarError("Whoever changes the calendar must be named.")
        sign_changes(connection, changed_by)
        save_years(connection, (year for _, year in self.years))
        remove_days(connection, (was for was, becomes in self.days if was is not None and becomes is None))
        save_days(connection, (becomes for _, becomes in self.days if becomes is not None))
        remove_hours(connection, ((code, was.valid_from) for code, was, becomes in self.hours if was and not becomes))
        save_hours(connection, ((code, becomes) for code, _, becomes in self.hours if becomes is not None))


def _day_in_words(day: CalendarDay | None) -> str | None:
    return None if day is None else f"{day.opening}: {day.reason} ({day.authority})"


def _hours_in_words(hours: OfficeHours | None) -> str | None:
    if hours is None:
        return None
    spans = f"{hours.opens:%H:%M}-{hours.morning_ends:%H:%M}, {hours.afternoon_begins:%H:%M}-{hours.closes:%H:%M}"
    return spans + (", Saturday mornings" if hours.saturday_mornings else "") + f" ({hours.authority})"


def _year_in_words(year: CalendarYear | None) -> str | None:
    if year is None:
        return None
    return f"confirmed by {year.decision}" if year.decision else f"seeded from {year.package}, not confirmed"


# ------------------------------------------------------------------------------------------------- seeding


def _seed(connection: Connection, province: str, years: Collection[int]) -> tuple[_Changes, _Changes]:
    """What the package would change in these years, apart: of years that are not confirmed, and of those that are."""
    open_years, confirmed_years = _Changes(), _Changes()
    known = {year.year: year for year in list_years(connection, [province])}
    stored: dict[int, dict[date, CalendarDay]] = {}
    for day in list_days(connection, [province], (), date(min(years), 1, 1), date(max(years), 12, 31)):
        if day.origin == "package":
            stored.setdefault(day.day.year, {})[day.day] = day
    for year in sorted(years):
        row = known.get(year)
        before = stored.get(year, {})
        wanted = {each.day: CalendarDay.of(each, province=province) for each in days_from_package(year)}
        days: list[tuple[CalendarDay | None, CalendarDay | None]] = [
            (before.get(day), wanted.get(day))
            for day in sorted(before.keys() | wanted.keys())
            if not _says_the_same(before.get(day), wanted.get(day))
        ]
        confirmed = row is not None and row.confirmed_at is not None
        changes = confirmed_years if confirmed else open_years
        changes.days += days
        if row is None or (days and not confirmed):
            new = CalendarYear(province, year, package_version())
            changes.years.append((row, new))
    return open_years, confirmed_years


def _says_the_same(before: CalendarDay | None, wanted: CalendarDay | None) -> bool:
    """Whatever the package's version: a row keeps the one that first said it."""
    if before is None or wanted is None:
        return before is wanted
    return replace(wanted, authority=before.authority) == before


def seed_calendar(years: Collection[int], changed_by: str, provinces: Collection[str] = ()) -> Seeding:
    """Writes the package's days of these years for these provinces, by default every province that has an agency.

    Safe to repeat: the second time nothing changes. Confirmed years stay as they are.

    Raises:
        CalendarError: a year is one that the package does not know.
    """
    _check_years(years)
    written: list[Difference] = []
    kept_back: list[Difference] = []
    with connect() as connection:
        for province in provinces or used_provinces(connection) or [HOME_PROVINCE]:
            changes, confirmed = _seed(connection, province, years)
            changes.write(connection, changed_by)
            written += changes.differences()
            kept_back += confirmed.differences()
    return Seeding(tuple(written), tuple(kept_back))


def _check_years(years: Iterable[int]) -> None:
    for year in years:
        if not FIRST_YEAR <= year <= LAST_YEAR:
            raise CalendarError(f"{year}: the package knows the years from {FIRST_YEAR} to {LAST_YEAR}.")


def prepare_calendars(now: datetime, changed_by: str, years: Collection[int] = ()) -> Seeding:
    """What a new deployment needs, safe to repeat: years (by default from 2016 to the next one), decisions we ship.

    The decisions are those of include/calendars/national.yaml.

    Raises:
        CalendarError: a year is one that the package does not know.
    """
    next_year = now.astimezone(VIETNAM).year + 1
    seeding = seed_calendar(years or range(SEEDED_FROM, next_year + 1), changed_by)
    decided = import_calendar(include_dir() / "calendars" / "national.yaml", changed_by, now)
    return Seeding(seeding.written + decided, seeding.kept_back)


# ------------------------------------------------------------------------------------------------- import, export


def import_calendar(path: Path, changed_by: str, now: datetime, *, dry_run: bool = False) -> tuple[Difference, ...]:
    """Writes what a file says and returns what that changes; with ``dry_run`` only the latter.

    What the file does not name stays. A year that it confirms is seeded where it is not yet.

    Raises:
        CalendarError: the file cannot be used, or names an agency that is not configured; nothing is written.
    """
    file = read_calendar_file(path)
    with connect() as connection:
        changes = _changes_of(connection, file, now)
        if not dry_run:
            changes.write(connection, changed_by)
    return changes.differences()


def _changes_of(connection: Connection, file: CalendarFile, now: datetime) -> _Changes:
    changes = _Changes()
    agencies = list_agencies(connection)

    def agency(written: str) -> str:
        meant = find_agency(agencies, written)
        if meant is None:
            raise file.fault(written, f"no agency has the code {written}: motcua agencies list.")
        return meant.agency_code

    provinces = [file.province] if file.province else used_provinces(connection) or [HOME_PROVINCE]
    # By (province, agency, day). A code and its alias may both stand in the file.
    wanted: dict[tuple[str | None, str | None, date], CalendarDay | None] = {}
    named = [(code, special.day, special) for code, special in file.days]
    for written, day, special in [*named, *((*each, None) for each in file.as_usual)]:
        for whose in ((province, None) for province in provinces) if written is None else ((None, agency(written)),):
            if (*whose, day) in wanted:
                raise file.fault(written or "", f"{day} of agency {whose[1]} is stated twice.")
            becomes = None if special is None else CalendarDay.of(special, province=whose[0], agency_code=whose[1])
            wanted[*whose, day] = becomes
    if wanted:
        first, last = min(day for *_, day in wanted), max(day for *_, day in wanted)
        codes = {code for _, code, _ in wanted if code}
        stored = {
            (each.province, each.agency_code, each.day): each
            for each in list_days(connection, provinces, codes, first, last)
            if each.origin != "package"
        }
        changes.days += [
            (stored.get(key), becomes)
            for key, becomes in sorted(wanted.items(), key=_provinces_first)
            if stored.get(key) != becomes
        ]
    hours: dict[tuple[str, date], OfficeHours | None] = {}
    spans = [(code, each.valid_from, each) for code, each in file.hours]
    for written, day, opens in [*spans, *((*each, None) for each in file.hours_withdrawn)]:
        if (agency(written), day) in hours:
            raise file.fault(written, f"hours of agency {agency(written)} from {day} are stated twice.")
        hours[agency(written), day] = opens
    in_force = {
        (code, each.valid_from): each
        for code, list_of_code in list_hours(connection, {code for code, _ in hours}).items()
        for each in list_of_code
    }
    changes.hours += [
        (key[0], in_force.get(key), becomes) for key, becomes in sorted(hours.items()) if in_force.get(key) != becomes
    ]
    for province in provinces:
        for year, decision in file.confirmed:
            _confirm(connection, changes, CalendarYear(province, year, package_version(), decision, now))
    return changes


def _provinces_first(item: tuple[tuple[str | None, str | None, date], object]) -> tuple[str, str, date]:
    province, code, day = item[0]
    return code or "", province or "", day


def export_calendar(province: str = HOME_PROVINCE) -> str:
    """Everything of a province but the package's days, as a file that ``import_calendar`` takes."""
    with connect() as connection:
        codes = {code.agency_code for code in agency_codes(connection) if code.province == province}
        days = list_days(connection, [province], codes, date(FIRST_YEAR, 1, 1), date(LAST_YEAR, 12, 31))
        return write_calendar_file(province, days, list_hours(connection, codes), list_years(connection, [province]))


# ------------------------------------------------------------------------------------------------- confirming


def _confirm(connection: Connection, changes: _Changes, year: CalendarYear) -> None:
    known = next((each for each in list_years(connection, [year.province]) if each.year == year.year), None)
    if known is None:
        seeding, _ = _seed(connection, year.province, [year.year])
        changes.days += seeding.days
    elif known.decision == year.decision:
        return
    else:
        year = replace(year, package=known.package)
    changes.years.append((known, year))


def confirm_year(
    year: int, decision: str | None, changed_by: str, now: datetime, province: str = HOME_PROVINCE
) -> tuple[Difference, ...]:
    """Says that a year was checked against the official announcement ``decision``; ``None`` takes that back.

    A year that is not in the table is seeded first. Returns what that changes.

    Raises:
        CalendarError: the year is one that the package does not know, or no agency is in the province.
    """
    _check_years([year])
    decision = None if decision is None else decision.strip()
    if decision == "":
        raise CalendarError("The official announcement must be named.")
    changes = _Changes()
    with connect() as connection:
        provinces = used_provinces(connection) or [HOME_PROVINCE]
        if province not in provinces:
            raise CalendarError(f"No agency is in the province {province}; there are: {', '.join(provinces)}.")
        confirmed_at = now if decision else None
        _confirm(connection, changes, CalendarYear(province, year, package_version(), decision, confirmed_at))
        changes.write(connection, changed_by)
    return changes.differences()


@dataclass(frozen=True, slots=True, order=True)
class UnconfirmedYear:
    """A year whose days off nobody held against the official announcement, though it is time."""

    province: str
    year: int


def unconfirmed_years(now: datetime) -> list[UnconfirmedYear]:
    """The years that should be confirmed and are not, for every province that has an agency.

    This year always; the next one from 1 December on (``NEXT_YEAR_DUE``). The alert of the 17:30 run.
    """
    today = now.astimezone(VIETNAM).date()
    years = [today.year] + ([today.year + 1] if (today.month, today.day) >= NEXT_YEAR_DUE else [])
    with connect() as connection:
        return [UnconfirmedYear(*found) for found in list_unconfirmed(connection, years)]


def province_of(agency_code: str) -> tuple[str, str]:
    """(agency, province) for an agency's code or one of its other codes.

    Raises:
        CalendarError: no agency has it.
    """
    with connect() as connection:
        agency = find_agency(list_agencies(connection), agency_code)
    if agency is None:
        raise CalendarError(f"No agency has the code {agency_code}: motcua agencies list.")
    return agency.agency_code, agency.province


def as_lines(differences: Sequence[Difference]) -> list[str]:
    """The differences as lines: + new, - taken away, ~ changed."""
    lines = []
    for each in differences:
        if each.before is None:
            lines.append(f"+ {each.whose}  {each.what}  {each.after}")
        elif each.after is None:
            lines.append(f"- {each.whose}  {each.what}  {each.before}")
        else:
            lines.append(f"~ {each.whose}  {each.what}  {each.before}  ->  {each.after}")
    return lines
