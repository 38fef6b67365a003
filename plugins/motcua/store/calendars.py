"""The working calendar in the ledger: days, office hours, confirmed years, and who changed what.

Whoever writes calls ``sign_changes`` first, in the same transaction: the history is kept by a trigger.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, Literal

from motcua.domain.working_days import OfficeHours, SpecialDay, WorkingCalendar
from motcua.store.agencies import UnknownAgency
from motcua.store.ledger.database import Connection
from motcua.store.ledger.queries import statement
from motcua.store.ledger.rows import columns_of, recordset, value_of, values_of

_LONGEST_BREAK = timedelta(days=31)
"""No run of days off is longer: so far beyond what was asked for is loaded, for the working day before and after."""


@dataclass(frozen=True, slots=True)
class CalendarDay(SpecialDay):
    """A deviation as stored: of a province (origin ``package`` or ``decision``) or of one agency."""

    province: str | None
    agency_code: str | None

    @classmethod
    def of(cls, special: SpecialDay, *, province: str | None = None, agency_code: str | None = None) -> CalendarDay:
        """The deviation as one of this province, or of this agency."""
        return cls(**columns_of(special), province=province, agency_code=agency_code)


@dataclass(frozen=True, slots=True)
class CalendarChange:
    """A change of a year's calendar."""

    changed_at: datetime
    changed_by: str
    concerns: Literal["day", "year", "hours"]
    day: date | None
    """The day itself, or that from which office hours are in force; ``None``: the whole year."""
    before: Mapping[str, Any] | None
    """What stood there, as JSON holds it."""
    after: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True)
class CalendarYear:
    """A seeded year of a province."""

    province: str
    year: int
    package: str
    decision: str | None = None
    """The official announcement against which it was confirmed."""
    confirmed_at: datetime | None = None


# ------------------------------------------------------------------------------------------------- reading


def provinces_of(connection: Connection, agency_codes: Collection[str]) -> dict[str, str]:
    """The province of each of these agencies.

    Raises:
        UnknownAgency: one of them is not configured.
    """
    rows = connection.execute(statement("calendars/provinces"), {"agency_codes": list(agency_codes)})
    provinces = {row["agency_code"]: row["province"] for row in rows}
    for code in agency_codes:
        if code not in provinces:
            raise UnknownAgency(f"No agency has the code {code}.")
    return provinces


def used_provinces(connection: Connection) -> list[str]:
    """Every province that has an agency."""
    return [row["province"] for row in connection.execute(statement("calendars/used_provinces"))]


def list_years(connection: Connection, provinces: Collection[str]) -> list[CalendarYear]:
    """The seeded years of these provinces."""
    return values_of(CalendarYear, connection.execute(statement("calendars/years"), {"provinces": list(provinces)}))


def list_days(
    connection: Connection, provinces: Collection[str], agency_codes: Collection[str], first: date, last: date
) -> list[CalendarDay]:
    """The stored days of these provinces and agencies from ``first`` to ``last``, every layer."""
    asked = {"provinces": list(provinces), "agency_codes": list(agency_codes), "first": first, "last": last}
    return values_of(CalendarDay, connection.execute(statement("calendars/days"), asked))


def list_hours(connection: Connection, agency_codes: Collection[str]) -> dict[str, list[OfficeHours]]:
    """The office hours of these agencies by code, the earliest first; agencies with the usual hours are left out."""
    found: dict[str, list[OfficeHours]] = {}
    for row in connection.execute(statement("calendars/hours"), {"agency_codes": list(agency_codes)}):
        found.setdefault(row["agency_code"], []).append(value_of(OfficeHours, row))
    return found


def load_calendars(
    connection: Connection, agency_codes: Collection[str], first: date, last: date
) -> dict[str, WorkingCalendar]:
    """The calendars of these agencies by code, in four queries however many there are.

    They are exact from ``first`` to ``last`` and for the working days next to these; they go on beyond.

    Raises:
        UnknownAgency: one of the agencies is not configured.
    """
    provinces = provinces_of(connection, agency_codes)
    days, years = _days_and_years(connection, set(provinces.values()), agency_codes, first, last)
    hours = list_hours(connection, agency_codes)
    return {
        code: _calendar(
            (each for each in days if each.agency_code == code or each.province == province),
            hours.get(code, ()),
            (year for year in years if year.province == province),
        )
        for code, province in provinces.items()
    }


def load_calendar(connection: Connection, agency_code: str, first: date, last: date) -> WorkingCalendar:
    """The calendar of one agency, exact from ``first`` to ``last``.

    Raises:
        UnknownAgency: it is not configured.
    """
    return load_calendars(connection, [agency_code], first, last)[agency_code]


def load_province_calendar(connection: Connection, province: str, first: date, last: date) -> WorkingCalendar:
    """The calendar of a province, without what its agencies do differently; exact from ``first`` to ``last``."""
    days, years = _days_and_years(connection, [province], (), first, last)
    return _calendar(days, (), years)


def _days_and_years(
    connection: Connection, provinces: Collection[str], agency_codes: Collection[str], first: date, last: date
) -> tuple[list[CalendarDay], list[CalendarYear]]:
    # Whole years, so that a year is either in the table or not.
    begin = date(_moved(first, -_LONGEST_BREAK).year, 1, 1)
    end = date(_moved(last, _LONGEST_BREAK).year, 12, 31)
    days = list_days(connection, provinces, agency_codes, begin, end)
    years = [year for year in list_years(connection, provinces) if begin.year <= year.year <= end.year]
    return days, years


def _moved(day: date, by: timedelta) -> date:
    try:
        return day + by
    except OverflowError:
        return day


def _calendar(
    days: Iterable[SpecialDay], hours: Iterable[OfficeHours], years: Iterable[CalendarYear]
) -> WorkingCalendar:
    return WorkingCalendar(days, hours, seeded_years=[year.year for year in years])


def list_unconfirmed(connection: Connection, years: Collection[int]) -> list[tuple[str, int]]:
    """(province, year) of each of these years that is not confirmed for a province that has agencies."""
    rows = connection.execute(statement("calendars/unconfirmed"), {"years": list(years)})
    return [(row["province"], row["year"]) for row in rows]


def list_changes(
    connection: Connection, year: int, province: str, agency_code: str | None = None, most: int = 200
) -> list[CalendarChange]:
    """The newest changes of a year's calendar."""
    asked = {"year": year, "province": province, "agency_code": agency_code, "most": most}
    return values_of(CalendarChange, connection.execute(statement("calendars/changes"), asked))


# ------------------------------------------------------------------------------------------------- writing


def sign_changes(connection: Connection, changed_by: str) -> None:
    """Names who makes the changes of this transaction, for the history."""
    connection.execute(statement("calendars/sign"), {"changed_by": changed_by})


def save_days(connection: Connection, days: Iterable[CalendarDay]) -> None:
    """Writes days, each in its layer; others stay."""
    connection.execute(statement("calendars/save_days"), {"rows": recordset(days)})


def remove_days(connection: Connection, days: Iterable[CalendarDay]) -> None:
    """Takes days away, each from its layer."""
    connection.execute(statement("calendars/remove_days"), {"rows": recordset(days)})


def save_hours(connection: Connection, hours: Iterable[tuple[str, OfficeHours]]) -> None:
    """Writes office hours, each with the code of its agency."""
    rows = [
        {name: value.isoformat() if isinstance(value, time) else value for name, value in columns_of(each).items()}
        | {"agency_code": code}
        for code, each in hours
    ]
    connection.execute(statement("calendars/save_hours"), {"rows": recordset(rows)})


def remove_hours(connection: Connection, hours: Iterable[tuple[str, date]]) -> None:
    """Takes office hours away, each by its agency and the day from which they were in force."""
    rows = [{"agency_code": code, "valid_from": day} for code, day in hours]
    connection.execute(statement("calendars/remove_hours"), {"rows": recordset(rows)})


def save_years(connection: Connection, years: Iterable[CalendarYear]) -> None:
    """Writes years as they are now."""
    connection.execute(statement("calendars/save_years"), {"rows": recordset(years)})
