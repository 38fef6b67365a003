"""Maintain the working calendar: seed it from the package ``holidays``, import deviating days, and confirm years.

Deviating days come from decisions of the government or from notices of an agency, and take precedence over the
package's days. A newer version of the package therefore changes only days of unconfirmed years that neither a decision
nor a notice names.

The days of a decision or of an agency are imported from a YAML file. An error about that file names the line with the
fault. The form of the file is shown in include/calendars/national.yaml and docs/operations/calendar.md.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time
from itertools import groupby
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from motcua.domain.clock import VIETNAM
from motcua.domain.working_days import (
    DEFAULT_HOURS,
    NEXT_YEAR_DUE,
    SATURDAY,
    OfficeHours,
    Origin,
    SpecialDay,
    days_from_package,
    package_version,
    swapped,
    written_day,
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

FIRST_YEAR, LAST_YEAR = 1954, 2100
"""First and last year that the package ``holidays`` knows and the table of calendar days accepts."""
_MOST_BYTES = 1_000_000
_LONGEST = 300
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_SPAN = re.compile(r"(\d{1,2}:\d{2})\s*[-–]\s*(\d{1,2}:\d{2})")


class CalendarError(ValueError):
    """A change of the calendar was refused; the text states where the fault is and what to do."""


class CalendarFileError(CalendarError):
    """A calendar file cannot be used; the text names the file, the line and the field."""


@dataclass(frozen=True, slots=True)
class CalendarFile:
    """The content of a calendar file."""

    path: Path
    province: str | None
    """``None`` if the file's decisions and confirmed years apply to every province that has agencies."""
    days: Sequence[tuple[str | None, SpecialDay]]
    """Deviating days as pairs of agency and deviation. The agency is written as in the file; ``None`` stands for a
    decision."""
    as_usual: Sequence[tuple[str | None, date]]
    """Days that no longer deviate, as pairs of agency and day. The agency is written as in ``days``."""
    hours: Sequence[tuple[str, OfficeHours]]
    hours_withdrawn: Sequence[tuple[str, date]]
    confirmed: Sequence[tuple[int, str]]
    """Years that the file confirms, as (year, official announcement)."""
    agency_lines: Mapping[str, int]
    """The number of the line on which the file first names each agency."""

    def fault(self, code: str, message: str) -> CalendarFileError:
        """Return an error that names the line on which this file first names the agency ``code``."""
        return CalendarFileError(f"{self.path}, line {self.agency_lines.get(code, 1)}: {message}")


# ------------------------------------------------------------------------------------------------- the form


def _check_words(value: str) -> str:
    value = unicodedata.normalize("NFC", value.strip())
    if not value:
        raise ValueError("must not be blank")
    if len(value) > _LONGEST or not value.isprintable():
        raise ValueError(f"must be one line of at most {_LONGEST} visible characters")
    return value


def _check_day(value: object) -> object:
    # pydantic would read a number as seconds since 1970.
    if not isinstance(value, str) or not _DAY.fullmatch(value):
        raise ValueError("must be a day such as 2026-01-02")
    try:
        day = date.fromisoformat(value)
    except ValueError:
        raise ValueError(f"{value} is no day of the calendar") from None
    if not FIRST_YEAR <= day.year <= LAST_YEAR:
        raise ValueError(f"must lie between {FIRST_YEAR} and {LAST_YEAR}")
    return day


def _check_span(value: object) -> object:
    found = _SPAN.fullmatch(value.strip()) if isinstance(value, str) else None
    if not found:
        raise ValueError("must be a span such as 7:00-11:30")
    try:
        begin, end = (time.fromisoformat(part.zfill(5)) for part in found.groups())
    except ValueError:
        raise ValueError(f"{value} names no time of the day") from None
    if begin >= end:
        raise ValueError("must begin before it ends")
    return begin, end


def _check_truth(value: object) -> object:
    try:
        return {"true": True, "yes": True, "false": False, "no": False}[str(value).lower()]
    except KeyError:
        raise ValueError("must be true or false") from None


_Words = Annotated[str, AfterValidator(_check_words)]
_Day = Annotated[date, BeforeValidator(_check_day)]
_Span = Annotated[tuple[time, time], BeforeValidator(_check_span)]


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Reasoned(_Entry):
    day: _Day
    reason: _Words


class _Worked(_Reasoned):
    hours: Literal["full", "morning"] = "full"


class _Swap(_Entry):
    closed: _Day
    worked: _Day

    @model_validator(mode="after")
    def _is_a_swap(self) -> _Swap:
        if self.closed.weekday() >= SATURDAY:
            raise ValueError(f"closed: {written_day(self.closed)} is a weekend day, off already")
        if self.worked.weekday() < SATURDAY:
            raise ValueError(f"worked: {written_day(self.worked)} is no weekend day, worked already")
        return self


class _Decision(_Entry):
    decision: _Words
    swaps: tuple[_Swap, ...] = ()
    closed: tuple[_Reasoned, ...] = ()
    worked: tuple[_Worked, ...] = ()


class _Confirmed(_Entry):
    year: Annotated[int, Field(ge=FIRST_YEAR, le=LAST_YEAR)]
    by: _Words


class _Hours(_Entry):
    valid_from: Annotated[_Day, Field(alias="from")]
    morning: _Span = (DEFAULT_HOURS.opens, DEFAULT_HOURS.morning_ends)
    afternoon: _Span = (DEFAULT_HOURS.afternoon_begins, DEFAULT_HOURS.closes)
    saturday_mornings: Annotated[bool, BeforeValidator(_check_truth)] = False

    @model_validator(mode="after")
    def _are_in_order(self) -> _Hours:
        if self.morning[1] > self.afternoon[0]:
            raise ValueError("the afternoon must not begin before the morning ends")
        return self


class _Agency(_Entry):
    code: _Words
    notice: _Words
    hours: tuple[_Hours, ...] = ()
    closed: tuple[_Reasoned, ...] = ()
    worked: tuple[_Worked, ...] = ()
    as_usual: tuple[_Day, ...] = ()
    hours_withdrawn: tuple[_Day, ...] = ()


class _File(_Entry):
    province: Annotated[str | None, Field(pattern=r"^[a-z0-9_]+$")] = None
    decisions: tuple[_Decision, ...] = ()
    as_usual: tuple[_Day, ...] = ()
    confirmed: tuple[_Confirmed, ...] = ()
    agencies: tuple[_Agency, ...] = ()


# ------------------------------------------------------------------------------------------------- reading


class _Loader(yaml.BaseLoader):
    """Read every value as a string (YAML reads 7:00 as the number 420), and refuse repeated keys and aliases."""

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:  # noqa: ANN401 - as in PyYAML
        if self.check_event(yaml.AliasEvent):
            event = self.peek_event()  # type: ignore[no-untyped-call]
            raise yaml.composer.ComposerError(None, None, "references (*) are not used here", event.start_mark)
        return super().compose_node(parent, index)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        names = [key.value for key, _ in node.value]
        for position, (key, _) in enumerate(node.value):
            if not isinstance(key, yaml.ScalarNode):
                raise yaml.constructor.ConstructorError(None, None, "a name must be one word", key.start_mark)
            if key.value in names[:position]:
                raise yaml.constructor.ConstructorError(None, None, f"{key.value}: stands twice", key.start_mark)
        return super().construct_mapping(node, deep)


def read_calendar_file(path: Path) -> CalendarFile:
    """Return the checked content of a file. Does not check whether its agencies exist.

    Raises:
        CalendarFileError: the file cannot be read, a field is wrong, or two entries contradict each other.
    """
    root, content = _parse(path)
    try:
        file = _File.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part + 1) if isinstance(part, int) else part for part in first["loc"])
        message = first["msg"].removeprefix("Value error, ")
        line = _line(root, first["loc"])
        raise CalendarFileError(f"{path}, line {line}: {where}: {message}".replace(": : ", ": ")) from None
    return _file_content(path, root, file)


def _parse(path: Path) -> tuple[yaml.Node, Any]:
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise CalendarFileError(f"{path}: is larger than {_MOST_BYTES} bytes, which no calendar needs.")
        loader = _Loader(path.read_text(encoding="utf-8"))
        try:
            root = loader.get_single_node()
            content = loader.construct_document(root) if root is not None else None
        finally:
            loader.dispose()
    except CalendarFileError:
        raise
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise CalendarFileError(f"{path}, line {line}: {error.problem}") from None
    except OSError as error:
        raise CalendarFileError(f"{path}: {error.strerror}.") from None
    except RecursionError:
        raise CalendarFileError(f"{path}: brackets are nested too deeply.") from None
    except (ValueError, yaml.YAMLError) as error:
        raise CalendarFileError(f"{path}: cannot be read: {' '.join(str(error).split())}") from None
    if root is None or not isinstance(content, dict):
        raise CalendarFileError(
            f"{path}: must hold some of the fields province, decisions, as_usual, confirmed, agencies."
        )
    return root, content


def _line(node: yaml.Node, place: Iterable[int | str]) -> int:
    """Returns the number (from 1) of the line with the entry at ``place``, a path of keys and list positions. If the
    file has no such entry, returns the line of the nearest entry above it."""
    line = node.start_mark.line + 1
    for part in place:
        if isinstance(node, yaml.MappingNode):
            entry = next(((key, value) for key, value in node.value if key.value == part), None)
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
            entry = (node.value[part], node.value[part])
        else:
            entry = None
        if entry is None:
            break
        line, node = entry[0].start_mark.line + 1, entry[1]
    return line


def _file_content(path: Path, root: yaml.Node, file: _File) -> CalendarFile:
    days: dict[tuple[str | None, date], SpecialDay] = {}
    as_usual: dict[tuple[str | None, date], None] = {}
    hours: dict[tuple[str, date], OfficeHours] = {}
    hours_withdrawn: dict[tuple[str, date], None] = {}
    agency_lines: dict[str, int] = {}

    def once(key: object, place: tuple[int | str, ...], what: str, *among: Iterable[Any]) -> None:
        if any(key in found for found in among):
            raise CalendarFileError(f"{path}, line {_line(root, place)}: {what} is stated twice in this file.")

    def add(code: str | None, special: SpecialDay, place: tuple[int | str, ...]) -> None:
        once((code, special.day), place, f"{special.day}{f' of agency {code}' if code else ''}", days, as_usual)
        days[code, special.day] = special

    def withdraw(code: str | None, day: date, place: tuple[int | str, ...]) -> None:
        once((code, day), place, f"{day}{f' of agency {code}' if code else ''}", days, as_usual)
        as_usual[code, day] = None

    for number, decision in enumerate(file.decisions):
        for special, place in _days_of_decision(decision):
            add(None, special, ("decisions", number, *place))
    for position, day in enumerate(file.as_usual):
        withdraw(None, day, ("as_usual", position))
    for number, agency in enumerate(file.agencies):
        agency_lines.setdefault(agency.code, _line(root, ("agencies", number, "code")))
        for special, place in _listed(agency.closed, agency.worked, "agency", agency.notice):
            add(agency.code, special, ("agencies", number, *place))
        for position, day in enumerate(agency.as_usual):
            withdraw(agency.code, day, ("agencies", number, "as_usual", position))
        for position, entry in enumerate(agency.hours):
            key = (agency.code, entry.valid_from)
            what = f"hours of agency {agency.code} from {entry.valid_from}"
            once(key, ("agencies", number, "hours", position), what, hours, hours_withdrawn)
            hours[key] = OfficeHours(
                entry.valid_from, *entry.morning, *entry.afternoon, entry.saturday_mornings, agency.notice
            )
        for position, day in enumerate(agency.hours_withdrawn):
            what = f"hours of agency {agency.code} from {day}"
            once((agency.code, day), ("agencies", number, "hours_withdrawn", position), what, hours, hours_withdrawn)
            hours_withdrawn[agency.code, day] = None
    confirmed: dict[int, str] = {}
    for position, year in enumerate(file.confirmed):
        once(year.year, ("confirmed", position), f"year {year.year}", confirmed)
        confirmed[year.year] = year.by
    return CalendarFile(
        path,
        file.province,
        tuple((code, special) for (code, _), special in days.items()),
        tuple(as_usual),
        tuple((code, each) for (code, _), each in hours.items()),
        tuple(hours_withdrawn),
        tuple(confirmed.items()),
        agency_lines,
    )


def _days_of_decision(decision: _Decision) -> Iterator[tuple[SpecialDay, tuple[int | str, ...]]]:
    for position, swap in enumerate(decision.swaps):
        both = swapped(swap.closed, swap.worked, "decision", decision.decision)
        for name, special in zip(("closed", "worked"), both, strict=True):
            yield special, ("swaps", position, name)
    yield from _listed(decision.closed, decision.worked, "decision", decision.decision)


def _listed(
    closed: Sequence[_Reasoned], worked: Sequence[_Worked], origin: Origin, authority: str
) -> Iterator[tuple[SpecialDay, tuple[int | str, ...]]]:
    for position, off in enumerate(closed):
        yield SpecialDay(off.day, "closed", off.reason, origin, authority), ("closed", position, "day")
    for position, each in enumerate(worked):
        yield SpecialDay(each.day, each.hours, each.reason, origin, authority), ("worked", position, "day")


# ------------------------------------------------------------------------------------------------- writing


def write_calendar_file(
    province: str,
    days: Sequence[CalendarDay],
    hours: Mapping[str, Sequence[OfficeHours]],
    years: Iterable[CalendarYear],
) -> str:
    """Return the text of a calendar file. Another ledger that imports this file gets the same calendar. The package's
    days are left out."""
    content: dict[str, Any] = {"province": province}
    decided = sorted((each for each in days if each.origin == "decision"), key=lambda each: (each.authority, each.day))
    own = [each for each in days if each.origin == "agency"]
    if decided:
        content["decisions"] = [
            {"decision": authority} | _day_lists(list(days_of_authority))
            for authority, days_of_authority in groupby(decided, key=lambda each: each.authority)
        ]
    confirmed = [{"year": year.year, "by": year.decision} for year in years if year.decision]
    if confirmed:
        content["confirmed"] = confirmed
    agencies = []
    for code in sorted({each.agency_code or "" for each in own} | set(hours)):
        of_agency = [each for each in own if each.agency_code == code]
        notices = {each.authority for each in of_agency} | {each.authority for each in hours.get(code, ())}
        for notice in sorted(notices):
            entry: dict[str, Any] = {"code": code, "notice": notice}
            if spans := [_hours_entry(each) for each in hours.get(code, ()) if each.authority == notice]:
                entry["hours"] = spans
            agencies.append(entry | _day_lists([each for each in of_agency if each.authority == notice]))
    if agencies:
        content["agencies"] = agencies
    return yaml.safe_dump(content, allow_unicode=True, sort_keys=False, width=120)


def _day_lists(days: Sequence[CalendarDay]) -> dict[str, Any]:
    closed = [{"day": each.day, "reason": each.reason} for each in days if each.opening == "closed"]
    worked = [
        {"day": each.day, "reason": each.reason} | ({"hours": "morning"} if each.opening == "morning" else {})
        for each in days
        if each.opening != "closed"
    ]
    return ({"closed": closed} if closed else {}) | ({"worked": worked} if worked else {})


def _hours_entry(hours: OfficeHours) -> dict[str, Any]:
    return {
        "from": hours.valid_from,
        "morning": f"{hours.opens:%H:%M}-{hours.morning_ends:%H:%M}",
        "afternoon": f"{hours.afternoon_begins:%H:%M}-{hours.closes:%H:%M}",
        "saturday_mornings": hours.saturday_mornings,
    }


HOME_PROVINCE = "khanh_hoa"
"""The province whose calendar is seeded if no agency is configured yet."""
SEEDED_FROM = 2016
"""The first year that is seeded by default. The ledger has no dossiers of earlier years."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One change of the calendar, in words."""

    whose: str
    """Name of the province or agency whose calendar changes."""
    what: str
    before: str | None
    after: str | None


@dataclass(frozen=True, slots=True)
class Seeding:
    """The changes that seeding made, and the changes that it did not make because the year is confirmed."""

    written: tuple[Difference, ...]
    kept_back: tuple[Difference, ...]


@dataclass(slots=True)
class _Changes:
    """Changes to write, each with the entry that it replaces."""

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
            raise CalendarError("Name the person who changes the calendar.")
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
    """Return what the package would change: (changes in unconfirmed years, changes in confirmed years)."""
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
            if not _is_same_day(before.get(day), wanted.get(day))
        ]
        confirmed = row is not None and row.confirmed_at is not None
        changes = confirmed_years if confirmed else open_years
        changes.days += days
        if row is None or (days and not confirmed):
            new = CalendarYear(province, year, package_version())
            changes.years.append((row, new))
    return open_years, confirmed_years


def _is_same_day(before: CalendarDay | None, wanted: CalendarDay | None) -> bool:
    """Return whether two rows for one day agree. Their authority, which is the version of the package, is not compared.

    A row that agrees is not written again, so it keeps the version of the package that first contained the day.
    """
    if before is None or wanted is None:
        return before is wanted
    return replace(wanted, authority=before.authority) == before


def seed_calendar(years: Collection[int], changed_by: str) -> Seeding:
    """Write the package's days of these years for every province that has an agency.

    Safe to repeat: the second time changes nothing. Confirmed years stay as they are.

    Raises:
        CalendarError: the package does not know one of the years.
    """
    _check_years(years)
    written: list[Difference] = []
    kept_back: list[Difference] = []
    with connect() as connection:
        for province in used_provinces(connection) or [HOME_PROVINCE]:
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
    """Write the calendar of a new deployment: the package's years (by default from 2016 to next year) and the shipped
    decisions. Safe to repeat.

    The decisions are those of include/calendars/national.yaml.

    Raises:
        CalendarError: the package does not know one of the years.
    """
    next_year = now.astimezone(VIETNAM).year + 1
    seeding = seed_calendar(years or range(SEEDED_FROM, next_year + 1), changed_by)
    decided = import_calendar(include_dir() / "calendars" / "national.yaml", changed_by, now)
    return Seeding(seeding.written + decided, seeding.kept_back)


# ------------------------------------------------------------------------------------------------- import, export


def import_calendar(path: Path, changed_by: str, now: datetime, *, dry_run: bool = False) -> tuple[Difference, ...]:
    """Write the content of a calendar file and return the changes. With ``dry_run``, return the changes without writing
    them.

    Days that the file does not name stay unchanged. A year that the file confirms is seeded first, if it was not seeded
    before.

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
    # The keys are (province, agency, day). The file may name one agency by two codes. So it is detected only here that
    # the file states one day of an agency twice.
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
    """Return a province's calendar without the package's days, as the text of a file for ``import_calendar``."""
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
    """Confirm that a year was checked against the official announcement ``decision``; ``None`` withdraws the
    confirmation. Return the changes.

    A year that is not in the table is seeded first.

    Raises:
        CalendarError: the package does not know the year, no agency is in the province, or the announcement is empty.
    """
    _check_years([year])
    decision = None if decision is None else decision.strip()
    if decision == "":
        raise CalendarError("Name the official announcement.")
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
    """A year that should be confirmed by now: nobody has compared its days off with the official announcement."""

    province: str
    year: int


def unconfirmed_years(now: datetime) -> list[UnconfirmedYear]:
    """Return the years that should be confirmed by now but are not confirmed, for every province that has an agency.

    These are this year, and from 1 December on also next year (``NEXT_YEAR_DUE``). The DAG ``apologize_due_tomorrow``
    warns of them every evening.
    """
    today = now.astimezone(VIETNAM).date()
    years = [today.year] + ([today.year + 1] if (today.month, today.day) >= NEXT_YEAR_DUE else [])
    with connect() as connection:
        return [UnconfirmedYear(*found) for found in list_unconfirmed(connection, years)]


def province_of(agency_code: str) -> tuple[str, str]:
    """Return (agency, province) for an agency's code or one of its other codes.

    Raises:
        CalendarError: no agency has this code.
    """
    with connect() as connection:
        agency = find_agency(list_agencies(connection), agency_code)
    if agency is None:
        raise CalendarError(f"No agency has the code {agency_code}: motcua agencies list.")
    return agency.agency_code, agency.province


def as_lines(differences: Sequence[Difference]) -> list[str]:
    """Return the differences as lines: + new, - removed, ~ changed."""
    lines = []
    for each in differences:
        if each.before is None:
            lines.append(f"+ {each.whose}  {each.what}  {each.after}")
        elif each.after is None:
            lines.append(f"- {each.whose}  {each.what}  {each.before}")
        else:
            lines.append(f"~ {each.whose}  {each.what}  {each.before}  ->  {each.after}")
    return lines
