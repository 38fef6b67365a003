"""The evenings of apologies: which are not settled yet, what dossiers were like then, how good the forecast was."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
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
    """An agency with the days whose evening is not settled, and the settings that they follow."""

    agency_code: str
    accented: bool
    kinds_off: tuple[str, ...]
    apology_day: ApologyDay
    begins_at: datetime
    """Evenings before this moment are none of its: it was not enabled, or none of its dossiers had been read."""
    sources: tuple[str, ...]
    """Sources that hold dossiers of it."""
    days: tuple[date, ...]


@dataclass(frozen=True, slots=True)
class LockedSource:
    """A source that stands still."""

    name: str
    picked_up_at: datetime | None


@dataclass(frozen=True, slots=True)
class DueDossier:
    """A dossier as it stood at the evening; phone, code and source as they are now."""

    dossier_id: int
    dossier_code: str
    procedure_code: str | None
    msisdn: str | None
    phone_refusal: str | None
    source: str
    due_at: datetime | None
    received_at: datetime | None
    status_code: int | None
    """``None``: nothing was known of it at that moment."""
    handed_over: bool


@dataclass(frozen=True, slots=True)
class SettledEvening:
    """An evening of one agency, with how many of its messages began how."""

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
    """A settled evening, and what became of its apologies by now."""

    told: int
    cancelled: int
    expired: int
    open: int


@dataclass(frozen=True, slots=True)
class ForecastCount:
    """How many dossiers of an agency's appointed days came out in one way."""

    agency_code: str
    month: date
    """Its first day."""
    outcome: Literal["right", "stopped", "wrong", "missed"]
    """``right``: told, and still no result at the end of the appointed day; ``stopped``: right, and nobody worked on
    it any more; ``wrong``: told, and the result was there on time after all; ``missed``: late and not told."""
    reason: str | None
    """Why it was not told."""
    dossiers: int


@dataclass(frozen=True, slots=True)
class NeededLetter:
    """A dossier that needs a Phiếu xin lỗi (Mẫu 04); no personal data but its code."""

    agency_code: str
    dossier_code: str
    procedure: str | None
    """Its name, or its code where nobody said its name."""
    due_day: date
    days_late: int
    sms: str | None
    """State of its apology by SMS, if there is one."""
    sms_reason: str | None
    times_moved: int
    """How often the appointed day was moved so far."""


@dataclass(frozen=True, slots=True)
class LetterFacts:
    """What a filled-in letter says besides. Holds personal data."""

    agency_code: str
    dossier_code: str
    received_at: datetime | None
    due_at: datetime
    applicant_name: str | None


def is_evening_left(connection: Connection, day: date, evening_at: datetime) -> bool:
    """Whether an agency's evening of that day may still have to be settled."""
    return bool(
        first(connection.execute(statement("apologies/is_left"), {"day": day, "evening_at": evening_at}), "is_left")
    )


def unsettled_evenings(connection: Connection, up_to: date, *, only: bool = False) -> list[AgencyEvenings]:
    """Agencies with the evenings that are not settled, up to a day; with ``only`` that day's alone."""
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
    """Nothing new is picked up from these until the transaction ends.

    Raises:
        psycopg.errors.LockNotAvailable: a pick-up was still at work after ``patience`` seconds.
    """
    connection.execute(statement("apologies/limit_wait"), {"milliseconds": round(patience * 1000)})
    values = {"names": list(names)}
    connection.execute(statement("apologies/lock_sources"), values)
    return values_of(LockedSource, connection.execute(statement("apologies/sources"), values))


def is_settled(connection: Connection, agency_code: str, day: date) -> bool:
    """Whether the evening is recorded."""
    return bool(
        first(
            connection.execute(statement("apologies/is_settled"), {"agency_code": agency_code, "day": day}),
            "is_settled",
        )
    )


def candidates(
    connection: Connection, agency_code: str, due: DueDays, evening_at: datetime
) -> Iterator[list[DueDossier]]:
    """Batches of the agency's dossiers with such a due date, as they stood at the evening."""
    after = 0
    values = {"agency_code": agency_code, "due_days": list(due), "evening_at": evening_at, "limit": _BATCH}
    while rows := connection.execute(statement("apologies/candidates"), values | {"after": after}).fetchall():
        yield [value_of(DueDossier, row) for row in rows]
        after = rows[-1]["dossier_id"]


def save_evening(connection: Connection, evening: SettledEvening) -> None:
    """Records an evening, together with what is known at this moment.

    Raises:
        psycopg.errors.UniqueViolation: it is recorded already.
    """
    connection.execute(statement("apologies/save_evening"), columns_of(evening))


def list_evenings(connection: Connection, first: date, last: date) -> list[ListedEvening]:
    """The evenings of these days, the newest first, with what became of their apologies by now."""
    return values_of(ListedEvening, connection.execute(statement("apologies/evenings"), {"first": first, "last": last}))


@dataclass(frozen=True, slots=True)
class SettledAgencies:
    """How many agencies have one evening settled, in which way."""

    done: int
    missed: int
    """It came too late for their citizens."""
    day_off: int
    """No working day there: nobody is apologised to."""
    looked_at: int
    """Dossiers."""
    settled_at: datetime | None
    """When the last of them was."""
    useful_until: datetime | None
    """When the last of their apologies is pointless."""


@dataclass(frozen=True, slots=True)
class ApologyCount:
    """Apologies of one evening that came out in one way."""

    state: str
    reason: str | None
    messages: int


def settled_agencies(
    connection: Connection, evening_at: datetime, agencies: Sequence[str] | None = None
) -> SettledAgencies:
    """How far one evening is settled; ``agencies``: codes of those that count; ``None``: all."""
    values = {"evening_at": evening_at, "agencies": agencies}
    row = connection.execute(statement("apologies/settled_agencies"), values).fetchone()
    assert row is not None
    return value_of(SettledAgencies, row)


def became_of_apologies(
    connection: Connection, evening_at: datetime, agencies: Sequence[str] | None = None
) -> list[ApologyCount]:
    """What became of one evening's apologies by now, the most first; ``agencies``: codes of those that count."""
    values = {"evening_at": evening_at, "agencies": agencies}
    return values_of(ApologyCount, connection.execute(statement("apologies/became"), values))


EVERYTHING_KNOWN = dict.fromkeys(("known_version", "known_transition", "known_history"), 2**63 - 1)
"""All that the ledger holds by now."""


def forecast(
    connection: Connection, first: date, last: date, now: datetime, known: Mapping[str, int] = EVERYTHING_KNOWN
) -> list[ForecastCount]:
    """How good the forecast was for appointed days in a period, month by month.

    Days that are not over are left out. ``known``: by what the ledger held up to these numbers.
    """
    values = {"first": first, "last": last, "now": now, **known}
    return values_of(ForecastCount, connection.execute(statement("apologies/forecast"), values))


def letters_needed(
    connection: Connection, today: date, agencies: Sequence[str] | None, limit: int
) -> list[NeededLetter]:
    """Dossiers that need a Phiếu xin lỗi (Mẫu 04), the longest overdue first; ``agencies``: codes, ``None``: all."""
    values = {"today": today, "agencies": agencies, "limit": limit}
    return values_of(NeededLetter, connection.execute(statement("apologies/letters"), values))


def letter_facts(connection: Connection, letters: Sequence[NeededLetter]) -> dict[tuple[str, str], LetterFacts]:
    """By agency and code, what letters for these dossiers say besides."""
    codes = {"agencies": [each.agency_code for each in letters], "codes": [each.dossier_code for each in letters]}
    found = values_of(LetterFacts, connection.execute(statement("apologies/letter_facts"), codes))
    return {(each.agency_code, each.dossier_code): each for each in found}
