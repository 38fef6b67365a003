"""Read and write the settings of agencies and the history of these settings. Find the agency in charge on a day."""

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
    """Codes of procedures. A dossier of such a procedure gets no messages if it is due on the day of its receipt.

    The codes count only if ``same_day_excluded`` is true. An empty tuple then stands for all procedures.
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
    """A code that a source may write for an agency (``written``), with the agency's own code."""

    written: str
    agency_code: str
    province: str


@dataclass(frozen=True, slots=True)
class AgencyChange:
    """A change of an agency's settings.

    ``before`` and ``after`` are JSON objects with the fields of the file from which ``motcua agencies import`` reads
    agencies.
    """

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
    """The agency in charge of an agency's dossiers on one day, with the names of the agency in charge on that day.

    If no agency is in charge, the names are those of the agency that was in charge last.
    """

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
    """Return every code that a source may write for an agency."""
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
    """Return a dict from every code that a source may write for an agency to the agency's own code."""
    return {code.written: code.agency_code for code in agency_codes(connection)}


def in_force(connection: Connection, day: date) -> dict[str, InForce]:
    """Return, by agency code, which agency is in charge of the agency's dossiers on a day in Vietnam's time zone.

    The result also has the names of the agency in charge on that day.
    """
    rows = connection.execute(statement("agencies/in_force"), {"day": day})
    return {row["agency_code"]: InForce(row["in_charge"], row["name"], row["short_name"]) for row in rows}


def save_agencies(
    connection: Connection, agencies: Sequence[Agency], changed_by: str, *, by_department: bool = False
) -> None:
    """Write the settings of these agencies. Other agencies stay unchanged.

    A trigger records the change, the person ``changed_by``, and whether the change was made in the Department's name.
    Planning leaves out transitions that happened before their agency was enabled, or while no agency was in charge. If
    such a transition may need a message under the new settings, it is planned again.

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
    """Return, by agency code, the settings by which citizens no longer get messages that they got before.

    Each change is given as (agency code, settings before, settings after). The settings have the form of
    ``AgencyChange.before``.
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
        connection: a connection to the ledger; the rights of the staff pages' role are enough.
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
    """Return codes and names of an agency's procedures, at most ``most`` (from ``audit.closing_dossiers``).

    The procedures with the codes ``also`` come first. Then come the agency's procedures in the 40 newest closings. A
    closing holds the stored figures of a finished period.
    """
    values = {"agency_code": agency_code, "also": list(also), "most": most}
    rows = connection.execute(statement("agencies/procedures"), values)
    return [(row["procedure_code"], row["name"]) for row in rows]


def hold_import_lock(connection: Connection) -> None:
    """Wait until no other transaction imports agencies or changes their settings.

    Later transactions that do the same wait until this transaction ends.
    """
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
