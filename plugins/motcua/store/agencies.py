"""Read and write the agencies' settings and their history. Read which agency is in charge on a day, and its name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from typing import Any

from motcua.domain.words import AgencyWords, SeveralAgencies, agency_of, words_of
from motcua.store.ledger.database import Connection
from motcua.store.ledger.queries import statement
from motcua.store.ledger.rows import first, record, recordset, values_of


class UnknownAgency(LookupError):
    """Raised if no agency has this code. The message names the code."""


@dataclass(frozen=True, slots=True)
class FormerName:
    """A name that an agency had earlier."""

    name: str
    short_name: str | None
    until: date
    """The last day on which the name was in force."""


@dataclass(frozen=True, slots=True)
class Agency:
    """One agency as configured. The comments on the columns of ``motcua.agencies`` explain each setting."""

    agency_code: str
    name: str
    short_name: str | None
    province: str
    enabled_from: datetime | None
    accented: bool
    same_day_excluded: bool
    kinds_off: tuple[str, ...]
    result_hold: timedelta
    aliases: tuple[str, ...]
    kinds_off_reason: str | None = None
    same_day_procedures: tuple[str, ...] = ()
    """Codes of the procedures whose dossiers get no messages if they are due on the day of receipt.

    They matter only with ``same_day_excluded``. If the tuple is empty, all procedures are meant.
    """
    same_day_reason: str | None = None
    """The reason why dossiers due on the day of receipt get no messages. Publications show this text."""
    waits_for_opening: bool = False
    apology_day: str = "calendar"
    report_recipients: tuple[str, ...] = ()
    """Mail addresses that get the agency's reports. They are personal data of staff."""
    retention: timedelta = timedelta(days=365)
    valid_from: date | None = None
    valid_until: date | None = None
    """The last day on which the agency is in charge."""
    successor_code: str | None = None
    former_names: tuple[FormerName, ...] = ()
    """The agency's former names, the oldest first."""


@dataclass(frozen=True, slots=True)
class WrittenCode:
    """A code under which a source may know an agency."""

    written: str
    agency_code: str
    province: str


@dataclass(frozen=True, slots=True)
class AgencyChange:
    """A change of an agency's settings. ``before`` and ``after`` have the form of the agencies' file as JSON."""

    change_id: int
    changed_at: datetime
    changed_by: str
    by_department: bool
    """``True`` if the change was made in the name of the Department, which runs this system."""
    before: Mapping[str, Any] | None
    """The settings before the change. ``None`` if the agency was new."""
    after: Mapping[str, Any]
    silences: Sequence[str]
    """The settings that this change made stricter, so that citizens no longer get some messages."""


@dataclass(frozen=True, slots=True)
class InForce:
    """The name in force and the agency in charge for an agency's dossiers on one day."""

    in_charge: str | None
    """The code of the agency itself or of its successor. ``None`` if the agency has ended without a successor."""
    name: str
    short_name: str | None

    @property
    def name_in_texts(self) -> str:
        """Return the agency's short name, or its name if there is no short name."""
        return self.short_name or self.name


def list_agencies(connection: Connection) -> list[Agency]:
    """Return all agencies, ordered by code."""
    return [_agency(row) for row in connection.execute(statement("agencies/list"))]


def _agency(row: dict[str, Any]) -> Agency:
    return Agency(
        **row
        | {name: tuple(row[name]) for name in ("kinds_off", "same_day_procedures", "report_recipients", "aliases")}
        | {
            "former_names": tuple(
                FormerName(each["name"], each["short_name"], date.fromisoformat(each["until"]))
                for each in row["former_names"]
            )
        }
    )


def agency_codes(connection: Connection) -> list[WrittenCode]:
    """Return every code under which a source may know an agency."""
    return values_of(WrittenCode, connection.execute(statement("agencies/codes")))


def agency_words(connection: Connection) -> AgencyWords:
    """Return every way in which a person or a file may name an agency: codes, aliases, present and former names."""
    agencies = list_agencies(connection)
    codes = [(code, each.agency_code) for each in agencies for code in (each.agency_code, *each.aliases)]
    names = [(name, each.agency_code) for each in agencies for name in _all_names(each)]
    return words_of(codes, names)


def _all_names(agency: Agency) -> list[str]:
    former = [name for each in agency.former_names for name in (each.name, each.short_name)]
    return [name for name in (agency.name, agency.short_name, *former) if name]


def find_agency(agencies: Iterable[Agency], written: str) -> Agency | None:
    """Find the agency with a typed code or alias. Return ``None`` if no agency or more than one agency matches."""
    known = {each.agency_code: each for each in agencies}
    codes = words_of((code, each.agency_code) for each in known.values() for code in (each.agency_code, *each.aliases))
    try:
        code = agency_of(written, codes)
    except SeveralAgencies:
        return None
    return None if code is None else known[code]


def agency_by_written_code(connection: Connection) -> dict[str, str]:
    """Return a dict from every code under which a source may know an agency to the agency's own code."""
    return {code.written: code.agency_code for code in agency_codes(connection)}


def in_force(connection: Connection, day: date) -> dict[str, InForce]:
    """Return, for each agency code, the agency in charge of that agency's dossiers on a day, and its names on that day.

    The day is a day in Vietnam's time zone.
    """
    rows = connection.execute(statement("agencies/in_force"), {"day": day})
    return {row["agency_code"]: InForce(row["in_charge"], row["name"], row["short_name"]) for row in rows}


def save_agencies(
    connection: Connection, agencies: Sequence[Agency], changed_by: str, *, by_department: bool = False
) -> None:
    """Write the settings of these agencies. Other agencies stay unchanged.

    A trigger records the change with ``changed_by`` and whether it was made in the Department's name. Transitions that
    planning left out, because the agency was not enabled at their time, are planned again if the new settings permit.

    Raises:
        psycopg.IntegrityError: settings contradict each other, or a successor is unknown.
        psycopg.errors.CardinalityViolation: a code occurs twice.
    """
    if not agencies:
        return
    rows = [
        asdict(agency)
        | {"result_hold": duration_text(agency.result_hold), "retention": duration_text(agency.retention)}
        for agency in agencies
    ]
    connection.execute(
        statement("agencies/save"),
        {"rows": recordset(rows), "changed_by": changed_by, "by_department": by_department},
    )
    connection.execute(statement("agencies/replan"), {"agency_codes": [agency.agency_code for agency in agencies]})


def silences(
    connection: Connection, changes: Sequence[tuple[str, Mapping[str, Any] | None, Mapping[str, Any]]]
) -> dict[str, list[str]]:
    """Return, by agency code, the settings of a change that stop messages to citizens.

    A change is given as (agency code, settings before, settings after). Settings have the form of the agencies' file as
    JSON.
    """
    rows = [{"agency_code": code, "before": before, "after": after} for code, before, after in changes]
    found = connection.execute(statement("agencies/silences"), {"rows": recordset(rows)})
    return {row["agency_code"]: row["silences"] for row in found}


def agency_history(connection: Connection, agency_code: str) -> list[AgencyChange]:
    """Return every change of an agency, the first one first."""
    return values_of(AgencyChange, connection.execute(statement("agencies/history"), {"agency_code": agency_code}))


def set_settings(connection: Connection, agency: Agency, seen: int, set_by: str) -> int | None:
    """Write the settings that an agency may decide for itself, except the recipients of its reports.

    A trigger records the change.

    Args:
        connection: a connection to the ledger; the rights of the pages' role are enough.
        agency: the agency with its new settings.
        seen: the number of the last change that the user saw.
        set_by: the user.

    Returns:
        The number of the agency's last change now. If the agency changed since ``seen``, nothing is written and the
        result is ``None``.

    Raises:
        psycopg.IntegrityError: settings contradict each other, or dossiers due on the day of receipt get no messages
            and no reason is given.
        psycopg.errors.InsufficientPrivilege: only the Department may make this change.
    """
    names = (
        "accented",
        "same_day_excluded",
        "same_day_procedures",
        "same_day_reason",
        "waits_for_opening",
        "apology_day",
    )
    wanted = {name: getattr(agency, name) for name in names}
    values = {
        "agency_code": agency.agency_code,
        "seen": seen,
        "wanted": record(wanted | {"result_hold": duration_text(agency.result_hold)}),
        "set_by": set_by,
    }
    return first(connection.execute(statement("agencies/set_settings"), values), "change_id")


def procedures_of_agency(
    connection: Connection, agency_code: str, also: Sequence[str], most: int
) -> list[tuple[str, str | None]]:
    """Return codes and names of the agency's procedures in the newest closings (from ``audit.closing_dossiers``).

    A closing holds the stored figures of a finished period. Add the procedures whose codes are in ``also``.
    """
    values = {"agency_code": agency_code, "also": list(also), "most": most}
    rows = connection.execute(statement("agencies/procedures"), values)
    return [(row["procedure_code"], row["name"]) for row in rows]


def hold_import_lock(connection: Connection) -> None:
    """Wait until nobody else imports agencies or sets their settings. Make others wait until this transaction ends."""
    connection.execute(statement("agencies/one_at_a_time"))


def duration_text(value: timedelta) -> str:
    """Return a duration in whole seconds in ISO 8601, in the largest units that fit: ``PT15M``, ``P365D``."""
    minutes, seconds = divmod(int(value.total_seconds()), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    time = "".join(f"{number}{unit}" for number, unit in ((hours, "H"), (minutes, "M"), (seconds, "S")) if number)
    if not days and not time:
        return "PT0S"
    return "P" + (f"{days}D" if days else "") + (f"T{time}" if time else "")
