"""Read and write the working calendar in the ledger: days, office hours, confirmed years, and changes.

The days come in three layers: the package of public holidays that this software contains, the province's decisions, and
the agencies' own days. A caller that changes the calendar must first call ``sign_changes`` in the same transaction,
because a trigger records each change with the name that ``sign_changes`` sets.
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
"""The longest possible time without a working day. The calendar is loaded for this much more time on both sides of the
requested days, so that it contains the last working day before them and the first working day after them."""


@dataclass(frozen=True, slots=True)
class CalendarDay(SpecialDay):
    """A stored deviation from the usual week, valid for a province or for one agency.

    A province's deviation has the origin ``package`` or ``decision``.
    """

    province: str | None
    agency_code: str | None

    @classmethod
    def of(cls, special: SpecialDay, *, province: str | None = None, agency_code: str | None = None) -> CalendarDay:
        """Make a calendar day of this province or this agency from a deviation."""
        return cls(**columns_of(special), province=province, agency_code=agency_code)


@dataclass(frozen=True, slots=True)
class CalendarChange:
    """A change of a year's calendar."""

    changed_at: datetime
    changed_by: str
    concerns: Literal["day", "year", "hours"]
    day: date | None
    """The changed day, or the day from which changed office hours are in force. ``None`` if the change concerns the
    whole year."""
    before: Mapping[str, Any] | None
    """The stored values before the change, as JSON."""
    after: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True)
class CalendarYear:
    """The calendar of a province in one year, with public holidays from the Python package ``holidays``.

    ``package`` is the name and version of the package.
    """

    province: str
    year: int
    package: str
    decision: str | None = None
    """The official announcement against which the year was confirmed."""
    confirmed_at: datetime | None = None


# ------------------------------------------------------------------------------------------------- reading


def provinces_of(connection: Connection, agency_codes: Collection[str]) -> dict[str, str]:
    """Return the province of each of these agencies.

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
    """Return every province that has an agency."""
    return [row["province"] for row in connection.execute(statement("calendars/used_provinces"))]


def list_years(connection: Connection, provinces: Collection[str]) -> list[CalendarYear]:
    """Return the years that were entered for these provinces (from ``motcua.calendar_years``)."""
    return values_of(CalendarYear, connection.execute(statement("calendars/years"), {"provinces": list(provinces)}))


def list_days(
    connection: Connection, provinces: Collection[str], agency_codes: Collection[str], first: date, last: date
) -> list[CalendarDay]:
    """Return the stored days of these provinces and agencies from ``first`` to ``last`` (from
    ``motcua.calendar_days``).

    The result contains the days of all layers: the package, the province's decisions and the agencies.
    """
    asked = {"provinces": list(provinces), "agency_codes": list(agency_codes), "first": first, "last": last}
    return values_of(CalendarDay, connection.execute(statement("calendars/days"), asked))


def list_hours(connection: Connection, agency_codes: Collection[str]) -> dict[str, list[OfficeHours]]:
    """Return the office hours of agencies by code, the earliest first. Agencies with the usual hours are left out."""
    found: dict[str, list[OfficeHours]] = {}
    for row in connection.execute(statement("calendars/hours"), {"agency_codes": list(agency_codes)}):
        found.setdefault(row["agency_code"], []).append(value_of(OfficeHours, row))
    return found


def load_calendars(
    connection: Connection, agency_codes: Collection[str], first: date, last: date
) -> dict[str, WorkingCalendar]:
    """Return the calendars of these agencies by code, with four queries for any number of agencies.

    The calendars contain every deviation from the working day before ``first`` to the working day after ``last``. For
    other days they may contain only the usual week.

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
    """Return the calendar of one agency, exact from ``first`` to ``last``.

    Raises:
        UnknownAgency: the agency is not configured.
    """
    return load_calendars(connection, [agency_code], first, last)[agency_code]


def load_province_calendar(connection: Connection, province: str, first: date, last: date) -> WorkingCalendar:
    """Return a province's calendar, exact from ``first`` to ``last``, without the deviations of single agencies."""
    days, years = _days_and_years(connection, [province], (), first, last)
    return _calendar(days, (), years)


def _days_and_years(
    connection: Connection, provinces: Collection[str], agency_codes: Collection[str], first: date, last: date
) -> tuple[list[CalendarDay], list[CalendarYear]]:
    # Whole years are loaded, because WorkingCalendar assumes that each loaded year is complete.
    begin = date(_shifted(first, -_LONGEST_BREAK).year, 1, 1)
    end = date(_shifted(last, _LONGEST_BREAK).year, 12, 31)
    days = list_days(connection, provinces, agency_codes, begin, end)
    years = [year for year in list_years(connection, provinces) if begin.year <= year.year <= end.year]
    return days, years


def _shifted(day: date, by: timedelta) -> date:
    try:
        return day + by
    except OverflowError:
        return day


def _calendar(
    days: Iterable[SpecialDay], hours: Iterable[OfficeHours], years: Iterable[CalendarYear]
) -> WorkingCalendar:
    return WorkingCalendar(days, hours, seeded_years=[year.year for year in years])


def list_unconfirmed(connection: Connection, years: Collection[int]) -> list[tuple[str, int]]:
    """Return (province, year) for each of these years that a province with agencies has not confirmed."""
    rows = connection.execute(statement("calendars/unconfirmed"), {"years": list(years)})
    return [(row["province"], row["year"]) for row in rows]


def list_changes(
    connection: Connection, year: int, province: str, agency_code: str | None = None, most: int = 200
) -> list[CalendarChange]:
    """Return the newest changes of a year's calendar for a province and, if one is given, for an agency."""
    asked = {"year": year, "province": province, "agency_code": agency_code, "most": most}
    return values_of(CalendarChange, connection.execute(statement("calendars/changes"), asked))


# ------------------------------------------------------------------------------------------------- writing


def sign_changes(connection: Connection, changed_by: str) -> None:
    """Set the name that the history records for the changes of this transaction."""
    connection.execute(statement("calendars/sign"), {"changed_by": changed_by})


def save_days(connection: Connection, days: Iterable[CalendarDay]) -> None:
    """Write days into ``motcua.calendar_days``, each in its layer: package, decision or agency."""
    connection.execute(statement("calendars/save_days"), {"rows": recordset(days)})


def remove_days(connection: Connection, days: Iterable[CalendarDay]) -> None:
    """Delete days from ``motcua.calendar_days``, each from its layer: package, decision or agency."""
    connection.execute(statement("calendars/remove_days"), {"rows": recordset(days)})


def save_hours(connection: Connection, hours: Iterable[tuple[str, OfficeHours]]) -> None:
    """Write office hours, each with the code of its agency."""
    rows = [
        {name: value.isoformat() if isinstance(value, time) else value for name, value in columns_of(each).items()}
        | {"agency_code": code}
        for code, each in hours
    ]
    connection.execute(statement("calendars/save_hours"), {"rows": recordset(rows)})


def remove_hours(connection: Connection, hours: Iterable[tuple[str, date]]) -> None:
    """Delete office hours. Each entry gives the agency and the day from which its hours were in force."""
    rows = [{"agency_code": code, "valid_from": day} for code, day in hours]
    connection.execute(statement("calendars/remove_hours"), {"rows": recordset(rows)})


def save_years(connection: Connection, years: Iterable[CalendarYear]) -> None:
    """Write years into ``motcua.calendar_years``. Replace the stored values of a year."""
    connection.execute(statement("calendars/save_years"), {"rows": recordset(years)})
