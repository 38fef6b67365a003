"""The agencies' settings, their history, and who is in charge under which name on a day."""

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
    """No agency has this code; the message names it."""


@dataclass(frozen=True, slots=True)
class FormerName:
    """A name that an agency had."""

    name: str
    short_name: str | None
    until: date
    """Its last day."""


@dataclass(frozen=True, slots=True)
class Agency:
    """One agency as configured; the columns of ``motcua.agencies`` explain each setting."""

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
    """Codes of those that are left out; empty: all same-day ones, where they are left out."""
    same_day_reason: str | None = None
    """Why they are left out, as publications show it."""
    waits_for_opening: bool = False
    apology_day: str = "calendar"
    report_recipients: tuple[str, ...] = ()
    """Mail addresses. Personal data of staff."""
    retention: timedelta = timedelta(days=365)
    valid_from: date | None = None
    valid_until: date | None = None
    """Last day."""
    successor_code: str | None = None
    former_names: tuple[FormerName, ...] = ()
    """The oldest first."""


@dataclass(frozen=True, slots=True)
class WrittenCode:
    """A code under which a source may know an agency."""

    written: str
    agency_code: str
    province: str


@dataclass(frozen=True, slots=True)
class AgencyChange:
    """A change of an agency's settings, in the form of the agencies' file as JSON holds it."""

    change_id: int
    changed_at: datetime
    changed_by: str
    by_department: bool
    """It was done in the Department's name."""
    before: Mapping[str, Any] | None
    """``None``: it was new."""
    after: Mapping[str, Any]
    silences: Sequence[str]
    """Settings through which it keeps messages from citizens."""


@dataclass(frozen=True, slots=True)
class InForce:
    """What holds for an agency's dossiers on one day."""

    in_charge: str | None
    """Code of the agency itself or of its successor; ``None``: it ended and nobody follows."""
    name: str
    short_name: str | None

    @property
    def name_in_texts(self) -> str:
        """The short name where there is one, else the name."""
        return self.short_name or self.name


def list_agencies(connection: Connection) -> list[Agency]:
    """All agencies by code."""
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
    """Every code under which a source may know an agency."""
    return values_of(WrittenCode, connection.execute(statement("agencies/codes")))


def agency_words(connection: Connection) -> AgencyWords:
    """Every way in which a person or a file may name an agency: codes and aliases, names present and former."""
    agencies = list_agencies(connection)
    codes = [(code, each.agency_code) for each in agencies for code in (each.agency_code, *each.aliases)]
    names = [(name, each.agency_code) for each in agencies for name in _names_of(each)]
    return words_of(codes, names)


def _names_of(agency: Agency) -> list[str]:
    former = [name for each in agency.former_names for name in (each.name, each.short_name)]
    return [name for name in (agency.name, agency.short_name, *former) if name]


def find_agency(agencies: Iterable[Agency], written: str) -> Agency | None:
    """The agency that is meant by its code or an alias, as it is typed; ``None``: none is, or more than one."""
    known = {each.agency_code: each for each in agencies}
    codes = words_of((code, each.agency_code) for each in known.values() for code in (each.agency_code, *each.aliases))
    try:
        code = agency_of(written, codes)
    except SeveralAgencies:
        return None
    return None if code is None else known[code]


def agency_by_written_code(connection: Connection) -> dict[str, str]:
    """Every code under which a source may know an agency → the agency's own."""
    return {code.written: code.agency_code for code in agency_codes(connection)}


def in_force(connection: Connection, day: date) -> dict[str, InForce]:
    """By agency code: who is in charge of its dossiers on a day (calendar of Vietnam), and the names then in force."""
    rows = connection.execute(statement("agencies/in_force"), {"day": day})
    return {row["agency_code"]: InForce(row["in_charge"], row["name"], row["short_name"]) for row in rows}


def save_agencies(
    connection: Connection, agencies: Sequence[Agency], changed_by: str, *, by_department: bool = False
) -> None:
    """Writes the settings of these agencies; agencies that are not named stay as they are.

    A trigger keeps what changed, with ``changed_by`` and whether it was done in the Department's name.

    Raises:
        psycopg.IntegrityError: settings that contradict each other, or a successor that nobody knows.
        psycopg.errors.CardinalityViolation: a code stands for two of them.
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
    """Through which settings each change (agency code, before, after) would keep messages from citizens.

    Before and after are in the form of the agencies' file, as JSON would hold it.
    """
    rows = [{"agency_code": code, "before": before, "after": after} for code, before, after in changes]
    found = connection.execute(statement("agencies/silences"), {"rows": recordset(rows)})
    return {row["agency_code"]: row["silences"] for row in found}


def agency_history(connection: Connection, agency_code: str) -> list[AgencyChange]:
    """Every change of an agency, the first one first."""
    return values_of(AgencyChange, connection.execute(statement("agencies/history"), {"agency_code": agency_code}))


def set_settings(connection: Connection, agency: Agency, seen: int, set_by: str) -> int | None:
    """Sets what an agency decides for itself but who gets its reports, and nothing else of it; a trigger keeps the
    change.

    Args:
        connection: the pages' role will do.
        agency: as it is to be.
        seen: number of its last change, as whoever sets it saw it.
        set_by: who does.

    Returns:
        Number of its last change now; ``None``: it changed since ``seen``, and nothing was written.

    Raises:
        psycopg.IntegrityError: settings that contradict each other, or same-day procedures without a reason.
        psycopg.errors.InsufficientPrivilege: only the Department may change it so.
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
    """Codes and names of procedures that the agency had in its newest closings, and of those ``also`` named."""
    values = {"agency_code": agency_code, "also": list(also), "most": most}
    rows = connection.execute(statement("agencies/procedures"), values)
    return [(row["procedure_code"], row["name"]) for row in rows]


def hold_import_lock(connection: Connection) -> None:
    """Waits until no other import is at work, for the rest of this transaction."""
    connection.execute(statement("agencies/one_at_a_time"))


def duration_text(value: timedelta) -> str:
    """A duration in whole seconds as ISO 8601 writes it, in the largest units that fit: ``PT15M``, ``P365D``."""
    minutes, seconds = divmod(int(value.total_seconds()), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    time = "".join(f"{number}{unit}" for number, unit in ((hours, "H"), (minutes, "M"), (seconds, "S")) if number)
    if not days and not time:
        return "PT0S"
    return "P" + (f"{days}D" if days else "") + (f"T{time}" if time else "")
