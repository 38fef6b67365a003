"""Read and write evenings of apologies.

An evening is the apology hour (17:30) of one day at one agency. The system then selects the dossiers that get an
apology because no result will be ready on their appointed day. An evening is settled when this selection is recorded
for the agency. This module reads which evenings are unsettled, in which state dossiers were on an evening, and how
often the selection was right.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal, TypeAlias

from motcua.domain.apologies import ApologyDay, DueDays
from motcua.store.ledger.database import Connection
from motcua.store.ledger.queries import statement
from motcua.store.ledger.rows import columns_of, first, value_of, values_of

EveningState: TypeAlias = Literal["done", "missed", "day_off"]

_BATCH = 1000


@dataclass(frozen=True, slots=True)
class AgencyEvenings:
    """An agency with the days of its unsettled evenings, and the settings that apply to them."""

    agency_code: str
    accented: bool
    kinds_off: tuple[str, ...]
    apology_day: ApologyDay
    begins_at: datetime
    """The moment from which the agency has evenings. From then on, the agency is enabled and has a dossier in the
    ledger."""
    sources: tuple[str, ...]
    """The names of the sources that have dossiers of the agency."""
    days: tuple[date, ...]


@dataclass(frozen=True, slots=True)
class LockedSource:
    """A source that is locked against *pick-ups*, which read its new rows into the ledger."""

    name: str
    picked_up_at: datetime | None


@dataclass(frozen=True, slots=True)
class DueDossier:
    """A dossier with its values at the evening, except phone, code and source, which have their present values."""

    dossier_id: int
    agency_code: str
    dossier_code: str
    procedure_code: str | None
    msisdn: str | None
    phone_refusal: str | None
    source: str
    due_at: datetime | None
    received_at: datetime | None
    status_code: int | None
    """The national status code. ``None`` if no status was known at the evening."""
    handed_over: bool


@dataclass(frozen=True, slots=True)
class SettledEvening:
    """A settled evening of one agency, with the numbers of its messages by their first state."""

    agency_code: str
    day: date
    evening_at: datetime
    apology_day: ApologyDay
    state: EveningState
    first_due: date | None
    last_due: date | None
    useful_until: datetime | None
    settled_at: datetime
    looked_at: int
    queued: int
    suppressed: int
    missed: int


@dataclass(frozen=True, slots=True)
class ListedEvening(SettledEvening):
    """A settled evening with the numbers of its apologies by present state.

    ``told`` counts the apologies that a gateway accepted and that are not known to have failed. ``open`` counts the
    apologies that are queued, in flight or of unknown outcome.
    """

    told: int
    cancelled: int
    expired: int
    open: int


@dataclass(frozen=True, slots=True)
class ForecastCount:
    """How many dossiers of an agency with an appointed day in one month had the same outcome of the forecast.

    The forecast is the selection of an evening: no result will be ready on the appointed day of a selected dossier.
    """

    agency_code: str
    month: date
    """The month of the appointed days, given by its first day."""
    outcome: Literal["right", "stopped", "wrong", "missed"]
    """The outcome of the forecast for these dossiers.

    - ``right``: the citizen got an apology, and there was no result at the end of the appointed day.
    - ``stopped``: like ``right``, but nobody worked on the dossier any more.
    - ``wrong``: the citizen got an apology, but the result was ready on time.
    - ``missed``: the dossier was late, and the citizen got no apology.
    """
    reason: str | None
    """Why the citizens of these dossiers got no apology."""
    dossiers: int


@dataclass(frozen=True, slots=True)
class NeededLetter:
    """A dossier that needs a letter of apology (Phiếu xin lỗi, Mẫu 04). Holds no personal data except its code."""

    agency_code: str
    dossier_code: str
    procedure: str | None
    """The procedure's name, or its code if no name is known."""
    due_day: date
    days_late: int
    sms: str | None
    """The state of the apology by SMS. ``None`` if there is no such apology."""
    sms_reason: str | None
    times_moved: int
    """How often the appointed day was moved so far."""


@dataclass(frozen=True, slots=True)
class LetterFacts:
    """The further data that a filled-in letter of apology needs. Holds personal data."""

    agency_code: str
    dossier_code: str
    received_at: datetime | None
    due_at: datetime
    applicant_name: str | None


def is_evening_left(connection: Connection, day: date, evening_at: datetime) -> bool:
    """Return whether an enabled agency with dossiers has no record of the evening of this day."""
    return bool(
        first(connection.execute(statement("apologies/is_left"), {"day": day, "evening_at": evening_at}), "is_left")
    )


def unsettled_evenings(connection: Connection, up_to: date, *, only: bool = False) -> list[AgencyEvenings]:
    """Return agencies with their unsettled evenings up to a day (from ``motcua.apology_evenings``).

    With ``only``, return only the unsettled evenings of that day.
    """
    rows = connection.execute(
        statement("apologies/unsettled"), {"up_to": up_to, "only_day": up_to if only else None}
    ).fetchall()
    names = [field for field in AgencyEvenings.__dataclass_fields__ if field not in ("kinds_off", "sources", "days")]
    return [
        AgencyEvenings(
            **{name: row[name] for name in names},
            kinds_off=tuple(row["kinds_off"]),
            sources=tuple(row["sources"]),
            days=tuple(row["days"]),
        )
        for row in rows
    ]


def lock_sources(connection: Connection, names: Iterable[str], patience: float) -> list[LockedSource]:
    """Lock sources against pick-ups until the transaction ends, and return them.

    Raises:
        psycopg.errors.LockNotAvailable: a pick-up was still running after ``patience`` seconds.
    """
    connection.execute(statement("apologies/limit_wait"), {"milliseconds": round(patience * 1000)})
    values = {"names": list(names)}
    connection.execute(statement("apologies/lock_sources"), values)
    return values_of(LockedSource, connection.execute(statement("apologies/sources"), values))


def is_settled(connection: Connection, agency_code: str, day: date) -> bool:
    """Return whether an agency's evening of a day is recorded (in ``motcua.apology_evenings``)."""
    return bool(
        first(
            connection.execute(statement("apologies/is_settled"), {"agency_code": agency_code, "day": day}),
            "is_settled",
        )
    )


def covered_until(connection: Connection, agency_code: str, day: date) -> date | None:
    """Return the last due date that an agency's evenings before a day covered (from ``motcua.apology_evenings``).

    Evenings whose apologies were missed count too. ``None`` if no such evening covered a due date.
    """
    values = {"agency_code": agency_code, "day": day}
    found: date | None = first(connection.execute(statement("apologies/covered_until"), values), "covered_until")
    return found


def candidates(
    connection: Connection, agencies: Collection[str], due: DueDays, evening_at: datetime
) -> Iterator[list[DueDossier]]:
    """Yield batches of dossiers that have or once had one of these due dates (from ``motcua.dossier_versions``).

    The dossiers belong to the agencies with the codes ``agencies``, and have their values at the evening.
    """
    values = {"agencies": list(agencies), "due_days": list(due), "evening_at": evening_at, "limit": _BATCH}
    after = 0
    while rows := connection.execute(statement("apologies/candidates"), values | {"after": after}).fetchall():
        yield [value_of(DueDossier, row) for row in rows]
        if len(rows) < _BATCH:
            return
        after = rows[-1]["dossier_id"]


def save_evening(connection: Connection, evening: SettledEvening) -> None:
    """Insert a settled evening into ``motcua.apology_evenings``.

    The row also gets the largest numbers of the ledger's rows at this moment, which show later which facts were known.

    Raises:
        psycopg.errors.UniqueViolation: the evening is recorded already.
    """
    connection.execute(statement("apologies/save_evening"), columns_of(evening))


def list_evenings(connection: Connection, first: date, last: date) -> list[ListedEvening]:
    """Return the evenings of these days with the present state of their apologies, the newest first."""
    return values_of(ListedEvening, connection.execute(statement("apologies/evenings"), {"first": first, "last": last}))


@dataclass(frozen=True, slots=True)
class SettledAgencies:
    """How many agencies' evenings of one day are settled, by the result.

    ``done`` counts the agencies whose apologies were planned.
    """

    done: int
    missed: int
    """How many agencies' evenings were settled too late to inform the citizens."""
    day_off: int
    """How many agencies had a day off on that day, so that no apology was planned."""
    looked_at: int
    """How many dossiers were examined for the evening."""
    settled_at: datetime | None
    """When the evening was settled for the last of these agencies."""
    useful_until: datetime | None
    """When the last of the evening's apologies stops being useful."""


@dataclass(frozen=True, slots=True)
class ApologyCount:
    """How many apologies of one evening are in one state."""

    state: str
    reason: str | None
    messages: int


def settled_agencies(
    connection: Connection, evening_at: datetime, agencies: Sequence[str] | None = None
) -> SettledAgencies:
    """Count the agencies whose evening at this moment is settled (from ``motcua.apology_evenings``).

    ``agencies`` limits the count to these codes. ``None`` counts all.
    """
    values = {"evening_at": evening_at, "agencies": agencies}
    row = connection.execute(statement("apologies/settled_agencies"), values).fetchone()
    assert row is not None
    return value_of(SettledAgencies, row)


def count_apologies_by_state(
    connection: Connection, evening_at: datetime, agencies: Sequence[str] | None = None
) -> list[ApologyCount]:
    """Count one evening's apologies by present state, the largest count first (from ``motcua.messages``).

    ``agencies`` limits the count to these codes. ``None`` counts all.
    """
    values = {"evening_at": evening_at, "agencies": agencies}
    return values_of(ApologyCount, connection.execute(statement("apologies/became"), values))


EVERYTHING_KNOWN = dict.fromkeys(("known_version", "known_transition", "known_history"), 2**63 - 1)
"""Numbers above every number in the ledger, so that all present facts count."""


def forecast(
    connection: Connection, first: date, last: date, now: datetime, known: Mapping[str, int] = EVERYTHING_KNOWN
) -> list[ForecastCount]:
    """Return how often the forecast was right for the appointed days in a period, by agency and month.

    The counts come from ``audit.apology_evenings``. Leave out days that are not over at ``now``. Use only facts whose
    row numbers are not above the numbers in ``known``.
    """
    values = {"first": first, "last": last, "now": now, **known}
    return values_of(ForecastCount, connection.execute(statement("apologies/forecast"), values))


def letters_needed(
    connection: Connection, today: date, agencies: Sequence[str] | None, limit: int
) -> list[NeededLetter]:
    """Return the dossiers that need a letter of apology (Phiếu xin lỗi, Mẫu 04), the longest overdue first.

    ``agencies`` limits the result to dossiers of these agencies. ``None`` returns all dossiers.
    """
    values = {"today": today, "agencies": agencies, "limit": limit}
    return values_of(NeededLetter, connection.execute(statement("apologies/letters"), values))


def letter_facts(connection: Connection, letters: Sequence[NeededLetter]) -> dict[tuple[str, str], LetterFacts]:
    """Return the further data of these letters of apology, by agency and dossier code."""
    codes = {"agencies": [each.agency_code for each in letters], "codes": [each.dossier_code for each in letters]}
    found = values_of(LetterFacts, connection.execute(statement("apologies/letter_facts"), codes))
    return {(each.agency_code, each.dossier_code): each for each in found}
