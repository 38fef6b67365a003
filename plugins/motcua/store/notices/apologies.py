"""The evenings of apologies: which are not settled yet, what dossiers were like then, how good the forecast was."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from motcua.domain.apologies import ApologyDay, DueDays
from motcua.store.ledger.database import Connection
from motcua.store.ledger.queries import statement

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


def is_evening_left(connection: Connection, day: date, evening_at: datetime) -> bool:
    """Whether an agency's evening of that day may still have to be settled."""
    row = connection.execute(statement("apologies/is_left"), {"day": day, "evening_at": evening_at}).fetchone()
    return bool(row and row["is_left"])


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


def lock_sources(connection: Connection, names: Iterable[str], patience: float) -> list[dict[str, Any]]:
    """``name, picked_up_at, failed_at``: nothing new is picked up from these until the transaction ends.

    Raises:
        psycopg.errors.LockNotAvailable: a pick-up was still at work after ``patience`` seconds.
    """
    connection.execute(statement("apologies/limit_wait"), {"milliseconds": round(patience * 1000)})
    return connection.execute(statement("apologies/lock_sources"), {"names": list(names)}).fetchall()


def is_settled(connection: Connection, agency_code: str, day: date) -> bool:
    """Whether the evening is recorded."""
    row = connection.execute(statement("apologies/is_settled"), {"agency_code": agency_code, "day": day}).fetchone()
    return bool(row and row["is_settled"])


def candidates(
    connection: Connection, agency_code: str, due: DueDays, evening_at: datetime
) -> Iterator[list[dict[str, Any]]]:
    """Batches of the agency's dossiers with such a due date, as they stood at the evening."""
    after = 0
    values = {"agency_code": agency_code, "due_days": list(due), "evening_at": evening_at, "limit": _BATCH}
    while batch := connection.execute(statement("apologies/candidates"), values | {"after": after}).fetchall():
        yield batch
        after = batch[-1]["dossier_id"]


def save_evening(connection: Connection, evening: Mapping[str, Any]) -> None:
    """Records an evening, together with what is known at this moment.

    Raises:
        psycopg.errors.UniqueViolation: it is recorded already.
    """
    connection.execute(statement("apologies/save_evening"), evening)


def list_evenings(connection: Connection, first: date, last: date) -> list[dict[str, Any]]:
    """The evenings of these days, the newest first, with what became of their apologies by now."""
    return connection.execute(statement("apologies/evenings"), {"first": first, "last": last}).fetchall()


EVERYTHING_KNOWN = dict.fromkeys(("known_version", "known_transition", "known_history"), 2**63 - 1)
"""All that the ledger holds by now."""


def forecast(
    connection: Connection, first: date, last: date, now: datetime, known: Mapping[str, int] = EVERYTHING_KNOWN
) -> list[dict[str, Any]]:
    """``agency_code, month, outcome, reason, dossiers``: how good the forecast was for appointed days in a period.

    ``right``: told, and still no result at the end of the appointed day; ``stopped``: right, and nobody worked on it
    any more; ``wrong``: told, and the result was there on time after all; ``missed``: late and not told, with the
    reason. Days that are not over are left out. ``known``: by what the ledger held up to these numbers.
    """
    values = {"first": first, "last": last, "now": now, **known}
    return connection.execute(statement("apologies/forecast"), values).fetchall()


def letters_needed(
    connection: Connection, today: date, *, agency_code: str | None = None, limit: int = 200
) -> list[dict[str, Any]]:
    """Dossiers that need a Phiếu xin lỗi (Mẫu 04), the latest first; no personal data but their codes."""
    values = {"today": today, "agency_code": agency_code, "limit": limit}
    return connection.execute(statement("apologies/letters"), values).fetchall()
