"""The calendar's YAML files: what a decision or an agency says of its days, read with its faults named by line.

The form is shown in include/calendars/national.yaml and docs/operations/calendar.md.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, time
from itertools import groupby
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from motcua.domain.working_days import DEFAULT_HOURS, SATURDAY, OfficeHours, Origin, SpecialDay, swapped, written_day
from motcua.store.calendars import CalendarDay, CalendarYear

FIRST_YEAR, LAST_YEAR = 1954, 2100
"""Years that the package knows, and the table takes."""
_MOST_BYTES = 1_000_000
_LONGEST = 300
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_SPAN = re.compile(r"(\d{1,2}:\d{2})\s*[-–]\s*(\d{1,2}:\d{2})")


class CalendarError(ValueError):
    """The calendar cannot be changed so; the message says where the fault is and what to do."""


class CalendarFileError(CalendarError):
    """A calendar file cannot be used; the message names the file, the line and the field."""


@dataclass(frozen=True, slots=True)
class CalendarFile:
    """What a file says."""

    path: Path
    province: str | None
    """``None``: its decisions and confirmed years hold for every province that has agencies."""
    days: Sequence[tuple[str | None, SpecialDay]]
    """(agency as the file names it, or ``None`` for a decision; deviation)."""
    as_usual: Sequence[tuple[str | None, date]]
    """(agency as the file names it, or ``None`` for the decisions' layer; day) of days that deviate no more."""
    hours: Sequence[tuple[str, OfficeHours]]
    hours_withdrawn: Sequence[tuple[str, date]]
    confirmed: Sequence[tuple[int, str]]
    """(year, official announcement)."""
    agency_lines: Mapping[str, int]
    """Where each agency is first named."""

    def fault(self, code: str, message: str) -> CalendarFileError:
        """An error about an agency's code as this file writes it."""
        return CalendarFileError(f"{self.path}, line {self.agency_lines.get(code, 1)}: {message}")


# ------------------------------------------------------------------------------------------------- the form


def _words(value: str) -> str:
    value = unicodedata.normalize("NFC", value.strip())
    if not value:
        raise ValueError("must not be blank")
    if len(value) > _LONGEST or not value.isprintable():
        raise ValueError(f"must be one line of at most {_LONGEST} visible characters")
    return value


def _day(value: object) -> object:
    # Of its own accord pydantic would take a number for seconds since 1970.
    if not isinstance(value, str) or not _DAY.fullmatch(value):
        raise ValueError("must be a day such as 2026-01-02")
    try:
        day = date.fromisoformat(value)
    except ValueError:
        raise ValueError(f"{value} is no day of the calendar") from None
    if not FIRST_YEAR <= day.year <= LAST_YEAR:
        raise ValueError(f"must lie between {FIRST_YEAR} and {LAST_YEAR}")
    return day


def _span(value: object) -> object:
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


def _truth(value: object) -> object:
    try:
        return {"true": True, "yes": True, "false": False, "no": False}[str(value).lower()]
    except KeyError:
        raise ValueError("must be true or false") from None


_Words = Annotated[str, AfterValidator(_words)]
_Day = Annotated[date, BeforeValidator(_day)]
_Span = Annotated[tuple[time, time], BeforeValidator(_span)]


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
    saturday_mornings: Annotated[bool, BeforeValidator(_truth)] = False

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
    """Every value as it is written (to YAML 7:00 is the number 420), each key once, nothing by reference."""

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
    """A file's statements, checked; whether its agencies exist is not known here.

    Raises:
        CalendarFileError: the file cannot be read, a field is wrong, or two statements contradict each other.
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
    return _statements(path, root, file)


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
        raise CalendarFileError(f"{path}: brackets in brackets without end.") from None
    except (ValueError, yaml.YAMLError) as error:
        raise CalendarFileError(f"{path}: cannot be read: {' '.join(str(error).split())}") from None
    if root is None or not isinstance(content, dict):
        raise CalendarFileError(
            f"{path}: must hold some of the fields province, decisions, as_usual, confirmed, agencies."
        )
    return root, content


def _line(node: yaml.Node, place: Iterable[int | str]) -> int:
    """The line, from 1, of the deepest part of ``place`` that the file holds."""
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


def _statements(path: Path, root: yaml.Node, file: _File) -> CalendarFile:
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
    """A file that, imported into another ledger, makes it say the same; the package's days are left out."""
    content: dict[str, Any] = {"province": province}
    decided = sorted((each for each in days if each.origin == "decision"), key=lambda each: (each.authority, each.day))
    own = [each for each in days if each.origin == "agency"]
    if decided:
        content["decisions"] = [
            {"decision": authority} | _lists(list(those))
            for authority, those in groupby(decided, key=lambda each: each.authority)
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
            agencies.append(entry | _lists([each for each in of_agency if each.authority == notice]))
    if agencies:
        content["agencies"] = agencies
    return yaml.safe_dump(content, allow_unicode=True, sort_keys=False, width=120)


def _lists(days: Sequence[CalendarDay]) -> dict[str, Any]:
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
