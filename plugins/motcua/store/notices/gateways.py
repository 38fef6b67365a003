"""Gateways: what is stopped there and why, how fast and how much may be sent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime, timedelta
from typing import get_args

from psycopg.types.json import Jsonb

from motcua.domain.checks import Fact, Finding
from motcua.domain.routing import Concern, day_of, next_day
from motcua.store.ledger.database import Connection
from motcua.store.ledger.queries import statement
from motcua.store.ledger.rows import first_of, value_of, values_of


@dataclass(frozen=True, slots=True)
class GatewayStop:
    """Something that is not sent through a gateway at present."""

    gateway: str
    concerns: Concern
    subject: str
    """The carrier or the template; empty where the whole gateway is stopped."""
    stopped_at: datetime
    until: datetime
    reason: str
    by_hand: bool = False
    expected: bool = False
    """By the gateway's own rules, as at night: nothing is wrong, nobody is told, and it is open again at its time."""
    pause: timedelta | None = None
    """How long it is left alone before it is tried again; grows. ``None``: stopped until a fixed time."""

    def __str__(self) -> str:
        """In words, without the time."""
        what = f" for {self.concerns} {self.subject}" if self.subject else ""
        return f"{self.gateway} stopped{what}: {self.reason}"

    @property
    def finding(self) -> Finding:
        """What is told of it, wherever that is told."""
        facts: dict[str, Fact] = {"gateway": self.gateway, "part": self.subject, "since": self.stopped_at.isoformat()}
        facts |= {"by_hand": self.by_hand, "reason": self.reason, "detail": f"gateway {self}"}
        return Finding("gateway_stopped", facts, f"{self.gateway} {self.subject}".strip())


@dataclass(frozen=True, slots=True)
class DayUsedUp:
    """A gateway whose limit or quota of the day is used up: nothing is wrong, and others take what they can."""

    gateway: str
    until: datetime
    reason: str
    segments_per_day: int | None
    """``None``: the quota is the provider's."""
    used: int
    elsewhere: int
    """Messages that other gateways took since."""

    @property
    def finding(self) -> Finding:
        """What is told of it, to whom it is for to say whether the limit is right."""
        facts: dict[str, Fact] = {"until": self.until.isoformat(), "reason": self.reason, "used": self.used}
        detail = f"until midnight; {self.elsewhere} message(s) went by other gateways: {self.reason}"
        facts |= {"limit": self.segments_per_day, "elsewhere": self.elsewhere, "detail": detail}
        return Finding("day_used_up", facts, self.gateway)


@dataclass(frozen=True, slots=True)
class GatewayChange:
    """A stop or a start, kept."""

    gateway: str
    subject: str
    """The carrier or the template; empty where it was the whole gateway."""
    changed_at: datetime
    change: str
    until: datetime | None
    reason: str
    changed_by: str


@dataclass(frozen=True, slots=True)
class Allowance:
    """What a gateway with limits has used; locked until the transaction ends."""

    free_at: datetime | None
    segments_today: int


@dataclass(frozen=True, slots=True)
class GatewayOpening:
    """What senders find the connection of a gateway to say."""

    name: str
    opened_at: datetime
    """Since when they find it so."""
    fault: str | None
    """What is wrong with it; ``None``: nothing."""
    carriers: Sequence[str] | None = None
    """Where its brandname is registered; ``None``: at every carrier."""
    segments_per_second: float | None = None
    segments_per_day: int | None = None
    unit: str | None = None
    """What it counts and bills; ``None``: segments."""
    always_accented: bool | None = None
    """Texts go with accents, whatever an agency chose; ``None``: as it chose."""
    reports_deliveries: bool | None = None
    """Its provider tells what became of a message; ``None``: it does."""
    prices: Mapping[str, str] | None = None
    """Đồng a unit, by carrier; ``None``: it names none."""


def note_opening(connection: Connection, opening: GatewayOpening) -> None:
    """Keeps what the connection of a gateway, which has its row, says at present."""
    values = {
        "name": opening.name,
        "now": opening.opened_at,
        "fault": opening.fault,
        "carriers": None if opening.carriers is None else list(opening.carriers),
        "segments_per_second": opening.segments_per_second,
        "segments_per_day": opening.segments_per_day,
        "unit": opening.unit,
        "always_accented": opening.always_accented,
        "reports_deliveries": opening.reports_deliveries,
        "prices": None if opening.prices is None else Jsonb(dict(opening.prices)),
    }
    connection.execute(statement("gateways/note_opening"), values)


@dataclass(frozen=True, slots=True)
class TokensFailing:
    """A gateway whose tokens were not renewed although they were due."""

    gateway: str
    tokens_until: datetime | None
    """Until then the access token is good; ``None``: there is none."""
    tokens_failed_at: datetime
    tokens_fault: str

    @property
    def finding(self) -> Finding:
        """What the watch tells of it."""
        until = None if self.tokens_until is None else self.tokens_until.isoformat()
        facts: dict[str, Fact] = {"until": until, "since": self.tokens_failed_at.isoformat()}
        return Finding("tokens_not_renewed", facts | {"reason": self.tokens_fault}, self.gateway)


def note_tokens(connection: Connection, name: str, *, until: datetime | None, fault: str | None, now: datetime) -> None:
    """Keeps until when a gateway's access token is good, and why the next was not got; ``fault`` ``None``: it was."""
    values = {"name": name, "until": until, "fault": fault, "now": now}
    connection.execute(statement("gateways/note_tokens"), values)


def tokens_failing(connection: Connection, gateways: Sequence[str]) -> list[TokensFailing]:
    """Which of these gateways' tokens were not renewed although they were due."""
    return values_of(
        TokensFailing, connection.execute(statement("gateways/tokens_failing"), {"gateways": list(gateways)})
    )


def gateway_prices(connection: Connection) -> dict[str, dict[str, str]]:
    """Đồng a unit by carrier, of the gateways whose connections name a price."""
    return {row["name"]: row["prices"] for row in connection.execute(statement("gateways/prices"))}


def gateway_openings(connection: Connection) -> dict[str, GatewayOpening]:
    """What the connections of gateways said when senders opened them, by name; those never opened are not in it."""
    rows = connection.execute(statement("gateways/openings"))
    return {row["name"]: value_of(GatewayOpening, row) for row in rows}


def ensure_gateway(connection: Connection, name: str) -> None:
    """Makes the gateway's row where it is missing."""
    connection.execute(statement("gateways/ensure"), {"name": name})


def gateway_names(connection: Connection) -> list[str]:
    """Gateways that were ever used."""
    return [row["name"] for row in connection.execute(statement("gateways/names"))]


def gateway_stops(connection: Connection) -> list[GatewayStop]:
    """What is stopped, gateways and carriers among it whose time is over but which have taken nothing since."""
    return values_of(GatewayStop, connection.execute(statement("gateways/stops")))


def days_used_up(connection: Connection, gateways: Sequence[str], now: datetime) -> list[DayUsedUp]:
    """Which of these gateways take nothing more today, since a limit or quota of the day is used up."""
    values = {"gateways": list(gateways), "now": now, "day": day_of(now), "midnight": next_day(now)}
    return values_of(DayUsedUp, connection.execute(statement("gateways/days_used_up"), values))


def stop_gateway(connection: Connection, stop: GatewayStop, *, changed_by: str) -> None:
    """Stops a gateway, or one carrier or template there; the change is kept."""
    values = {field.name: getattr(stop, field.name) for field in fields(stop)}
    connection.execute(statement("gateways/stop"), values | {"changed_by": changed_by})


def start_gateway(connection: Connection, gateway: str, *, changed_by: str, reason: str) -> int:
    """Lifts all stops of a gateway, its carriers' and templates' too; returns how many there were."""
    concerns = get_args(Concern)
    return _lift(connection, gateway=gateway, concerns=concerns, changed_by=changed_by, reason=reason)


def begin_trial(connection: Connection, stop: GatewayStop, now: datetime) -> bool:
    """Has this sender alone try again what was stopped: for all others it stays so until ``stop.until``. ``False``:
    somebody else tries it, or has started it."""
    values = {field.name: getattr(stop, field.name) for field in fields(stop)}
    # Not by its rowcount, which within a pipeline is known late.
    return connection.execute(statement("gateways/begin_trial"), values | {"now": now}).fetchone() is not None


def end_trial(connection: Connection, stop: GatewayStop, now: datetime, *, changed_by: str) -> None:
    """Lifts the stop of a gateway or of a carrier there: it takes messages again. One that a person has stopped until
    later meanwhile stays so."""
    _lift(
        connection,
        gateway=stop.gateway,
        concerns=[stop.concerns],
        subject=stop.subject,
        tried_at=now,
        changed_by=changed_by,
        reason="it answers again",
    )


def lift_stops_that_are_over(connection: Connection, now: datetime, *, changed_by: str) -> int:
    """Lifts stops of templates, and those that were expected, whose time is over; returns how many.

    Another stop of a gateway or a carrier stays until it has taken a message: it is given one at a time.
    """
    reason = "its time is over: tried again"
    return _lift(connection, over_at=now, concerns=["template"], changed_by=changed_by, reason=reason)


def judge_carrier(
    connection: Connection, gateway: str, carrier: str, since: datetime, numbers: int
) -> tuple[int, bool]:
    """How many different numbers of a carrier a gateway refused for their carrier, each counted when it was first
    refused since then, the last so many of them; and whether the gateway took a message to that carrier meanwhile."""
    values = {"gateway": gateway, "carrier": carrier, "since": since, "numbers": numbers}
    row = connection.execute(statement("gateways/judge_carrier"), values).fetchone()
    return (row["refused"], row["took_one"]) if row else (0, False)


def _lift(
    connection: Connection,
    *,
    concerns: Sequence[str],
    changed_by: str,
    reason: str,
    gateway: str | None = None,
    subject: str | None = None,
    over_at: datetime | None = None,
    tried_at: datetime | None = None,
) -> int:
    values = {
        "gateway": gateway,
        "concerns": list(concerns),
        "subject": subject,
        "over_at": over_at,
        "tried_at": tried_at,
        "changed_by": changed_by,
        "reason": reason,
    }
    return connection.execute(statement("gateways/start"), values).rowcount


def gateway_changes(connection: Connection, limit: int) -> list[GatewayChange]:
    """The last stops and starts, the newest first."""
    return values_of(GatewayChange, connection.execute(statement("gateways/changes"), {"limit": limit}))


def lock_allowance(connection: Connection, gateway: str, day: date) -> Allowance:
    """What the gateway has used, locked, so that all senders together keep to its limits."""
    return first_of(
        Allowance, connection.execute(statement("gateways/lock_allowance"), {"gateway": gateway, "day": day})
    ) or Allowance(None, 0)


def use_allowance(
    connection: Connection, gateway: str, *, day: date, segments: int, free_at: datetime | None = None
) -> None:
    """Counts segments of a day; below zero: gives back what was surely not taken. ``free_at``: the next start."""
    if segments:
        connection.execute(statement("gateways/count_segments"), {"gateway": gateway, "day": day, "segments": segments})
    if free_at is not None:
        connection.execute(statement("gateways/set_free_at"), {"gateway": gateway, "free_at": free_at})


def segments_today(connection: Connection, day: date) -> dict[str, int]:
    """Segments handed to each gateway on a day, by the clock of Vietnam."""
    rows = connection.execute(statement("gateways/segments_today"), {"day": day})
    return {row["gateway"]: row["segments"] for row in rows}
