"""Read and write gateways: their pauses, their limits, and the properties of their connections."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime, timedelta
from typing import get_args

from psycopg.types.json import Jsonb

from motcua.domain.checks import Fact, Finding
from motcua.domain.routing import Concern, day_of, next_day
from motcua.domain.tokens import Tokens
from motcua.store.ledger.database import Connection
from motcua.store.ledger.queries import statement
from motcua.store.ledger.rows import first_of, value_of, values_of


@dataclass(frozen=True, slots=True)
class GatewayStop:
    """A pause of a gateway, or of one carrier or one template at a gateway.

    While a gateway is paused, nothing is sent through the gateway. While a carrier or a template is paused, messages to
    this carrier or with this template are not sent through the gateway.
    """

    gateway: str
    concerns: Concern
    subject: str
    """The carrier or the template. Empty if the whole gateway is paused."""
    stopped_at: datetime
    until: datetime
    reason: str
    by_hand: bool = False
    expected: bool = False
    """``True`` if the gateway's own rules cause the pause, for example at night. Nobody is alerted about such a pause,
    and it ends at the time ``until``."""
    pause: timedelta | None = None
    """How long the gateway is paused before it is tried again. This time grows with each failed trial. ``None`` if the
    gateway is paused until a fixed time."""

    def __str__(self) -> str:
        """Return the pause in words, without its time."""
        what = f" for {self.concerns} {self.subject}" if self.subject else ""
        return f"{self.gateway} stopped{what}: {self.reason}"

    @property
    def finding(self) -> Finding:
        """The finding that reports this pause in checks and alerts."""
        facts: dict[str, Fact] = {"gateway": self.gateway, "part": self.subject, "since": self.stopped_at.isoformat()}
        facts |= {"by_hand": self.by_hand, "reason": self.reason, "detail": f"gateway {self}"}
        return Finding("gateway_stopped", facts, f"{self.gateway} {self.subject}".strip())


@dataclass(frozen=True, slots=True)
class DayUsedUp:
    """A gateway that has used up its limit or quota of the day. This is no fault, because other gateways still send."""

    gateway: str
    until: datetime
    reason: str
    segments_per_day: int | None
    """Our limit of the day. ``None`` if a quota of the provider is used up."""
    used: int
    elsewhere: int
    """How many messages other gateways accepted, or may have accepted, since the limit was reached."""

    @property
    def finding(self) -> Finding:
        """The finding for the person who decides whether the limit is right."""
        facts: dict[str, Fact] = {"until": self.until.isoformat(), "reason": self.reason, "used": self.used}
        detail = f"until midnight it sends nothing; other gateways sent {self.elsewhere} message(s): {self.reason}"
        facts |= {"limit": self.segments_per_day, "elsewhere": self.elsewhere, "detail": detail}
        return Finding("day_used_up", facts, self.gateway)


@dataclass(frozen=True, slots=True)
class GatewayChange:
    """One recorded pause or start of a gateway."""

    gateway: str
    subject: str
    """The carrier or the template. Empty if the whole gateway was paused or started."""
    changed_at: datetime
    change: str
    until: datetime | None
    reason: str
    changed_by: str


@dataclass(frozen=True, slots=True)
class Allowance:
    """How much a gateway has used of its limits per second and per day.

    ``free_at`` is the moment when the next message may start. The gateway's row is locked until the transaction ends.
    """

    free_at: datetime | None
    segments_today: int


@dataclass(frozen=True, slots=True)
class GatewayOpening:
    """The properties of a gateway that senders found in its Airflow connection."""

    name: str
    opened_at: datetime
    """Since when senders have found these properties."""
    fault: str | None
    """The fault of the connection. ``None`` if there is no fault."""
    carriers: Sequence[str] | None = None
    """The carriers at which the gateway's brandname is registered. ``None`` stands for every carrier."""
    segments_per_second: float | None = None
    segments_per_day: int | None = None
    unit: str | None = None
    """The unit that the gateway counts and bills. ``None`` stands for segments."""
    always_accented: bool | None = None
    """``True`` if texts are always sent with accents. ``None`` leaves the choice to the agency."""
    reports_deliveries: bool | None = None
    """Whether the provider sends delivery receipts. ``None`` stands for yes."""
    prices: Mapping[str, str] | None = None
    """The price of a unit in đồng, by carrier. ``None`` if the connection gives no price."""


def note_opening(connection: Connection, opening: GatewayOpening) -> None:
    """Store the present properties of a gateway's connection in ``motcua.gateways``. The gateway's row must exist."""
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
    """A gateway whose tokens were due for renewal and were not renewed."""

    gateway: str
    tokens_until: datetime | None
    """Until when the access token is valid. ``None`` if there is no token."""
    tokens_failed_at: datetime
    tokens_fault: str

    @property
    def finding(self) -> Finding:
        """The finding with which the watch reports this gateway."""
        until = None if self.tokens_until is None else self.tokens_until.isoformat()
        facts: dict[str, Fact] = {"until": until, "since": self.tokens_failed_at.isoformat()}
        return Finding("tokens_not_renewed", facts | {"reason": self.tokens_fault}, self.gateway)


def note_tokens(connection: Connection, name: str, *, tokens: Tokens | None, fault: str | None, now: datetime) -> None:
    """Store in ``motcua.gateways`` until when a gateway's access token is valid, and why its renewal failed.

    ``fault`` is ``None`` if the tokens are valid. A stored fault is then cleared only if the tokens were renewed after
    the fault, or if the fault had left the gateway without any token.
    """
    values = {"name": name, "until": None, "renewed_at": None, "fault": fault, "now": now}
    if tokens is not None:
        values |= {"until": tokens.access_until, "renewed_at": tokens.renewed_at}
    connection.execute(statement("gateways/note_tokens"), values)


def tokens_failing(connection: Connection, gateways: Sequence[str]) -> list[TokensFailing]:
    """Return which of these gateways have tokens that were due for renewal and were not renewed."""
    return values_of(
        TokensFailing, connection.execute(statement("gateways/tokens_failing"), {"gateways": list(gateways)})
    )


def gateway_prices(connection: Connection) -> dict[str, dict[str, str]]:
    """Return the price of a unit in đồng, by gateway and carrier, for gateways whose connections give a price."""
    return {row["name"]: row["prices"] for row in connection.execute(statement("gateways/prices"))}


def gateway_openings(connection: Connection) -> dict[str, GatewayOpening]:
    """Return the properties of gateways by name, as senders last found them. A gateway that no sender opened is
    missing."""
    rows = connection.execute(statement("gateways/openings"))
    return {row["name"]: value_of(GatewayOpening, row) for row in rows}


def ensure_gateway(connection: Connection, name: str) -> None:
    """Insert the gateway's row into ``gateways`` if it is missing."""
    connection.execute(statement("gateways/ensure"), {"name": name})


def gateway_names(connection: Connection) -> list[str]:
    """Return the names of all gateways that were ever used."""
    return [row["name"] for row in connection.execute(statement("gateways/names"))]


def gateway_stops(connection: Connection) -> list[GatewayStop]:
    """Return all gateway pauses (from ``motcua.gateway_stops``).

    A pause of a gateway or carrier is returned even after its time, until the gateway has accepted a message again.
    """
    return values_of(GatewayStop, connection.execute(statement("gateways/stops")))


def days_used_up(connection: Connection, gateways: Sequence[str], now: datetime) -> list[DayUsedUp]:
    """Return which of these gateways get no more messages today, because a limit or quota of the day is used up."""
    values = {"gateways": list(gateways), "now": now, "day": day_of(now), "midnight": next_day(now)}
    return values_of(DayUsedUp, connection.execute(statement("gateways/days_used_up"), values))


def stop_gateway(connection: Connection, stop: GatewayStop, *, changed_by: str) -> None:
    """Pause a gateway, or one carrier or template at the gateway, and record the change.

    An existing pause that ends later stays unchanged.
    """
    values = {field.name: getattr(stop, field.name) for field in fields(stop)}
    connection.execute(statement("gateways/stop"), values | {"changed_by": changed_by})


def start_gateway(connection: Connection, gateway: str, *, changed_by: str, reason: str) -> int:
    """End all pauses of a gateway, including those of its carriers and templates. Return how many there were."""
    concerns = get_args(Concern)
    return _lift(connection, gateway=gateway, concerns=concerns, changed_by=changed_by, reason=reason)


def begin_trial(connection: Connection, stop: GatewayStop, now: datetime) -> bool:
    """Reserve a trial of a paused gateway for this sender. All other senders wait until ``stop.until``.

    Return ``False`` if another sender has the trial or the pause was ended.
    """
    values = {field.name: getattr(stop, field.name) for field in fields(stop)}
    # Within a pipeline a cursor's rowcount is known only later, so the row itself is fetched.
    return connection.execute(statement("gateways/begin_trial"), values | {"now": now}).fetchone() is not None


def end_trial(connection: Connection, stop: GatewayStop, now: datetime, *, changed_by: str) -> None:
    """End the pause of a gateway, or of one carrier at the gateway, because the gateway accepts messages again.

    If a person has paused the gateway until a later time in the meantime, that pause stays in force.
    """
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
    """End pauses of templates and expected pauses whose time is over. Return how many pauses ended.

    Any other pause of a gateway or a carrier stays until the gateway has accepted a message again. Until then the
    gateway gets one message at a time.
    """
    reason = "its time is over; it is tried again"
    return _lift(connection, over_at=now, concerns=["template"], changed_by=changed_by, reason=reason)


def judge_carrier(
    connection: Connection, gateway: str, carrier: str, since: datetime, numbers: int
) -> tuple[int, bool]:
    """Count the phone numbers of a carrier that a gateway refused because of their carrier (from ``motcua.attempts``).

    A phone number counts once, at its first refusal after ``since``. Only the last ``numbers`` phone numbers count.
    Also return whether the gateway accepted a message to this carrier after the first counted refusal.
    """
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
    """Return the last pauses and starts of gateways, the newest first (from ``motcua.gateway_changes``)."""
    return values_of(GatewayChange, connection.execute(statement("gateways/changes"), {"limit": limit}))


def lock_allowance(connection: Connection, gateway: str, day: date) -> Allowance:
    """Lock a gateway's row and return how much of the gateway's limits is used (``motcua.gateway_days``).

    Because of the lock, all senders together respect the limits.
    """
    values = {"gateway": gateway, "day": day}
    # The row of the day is locked before the row of the gateway, in the same order as when a refusal is written.
    # Otherwise two senders could deadlock.
    connection.execute(statement("gateways/lock_day"), values)
    return first_of(Allowance, connection.execute(statement("gateways/lock_allowance"), values)) or Allowance(None, 0)


def use_allowance(
    connection: Connection, gateway: str, *, day: date, segments: int, free_at: datetime | None = None
) -> None:
    """Add segments to a gateway's count of a day in ``motcua.gateway_days``.

    Store in ``motcua.gateways`` the moment ``free_at`` when the next message may start, if it is given.
    """
    if segments:
        connection.execute(statement("gateways/count_segments"), {"gateway": gateway, "day": day, "segments": segments})
    if free_at is not None:
        connection.execute(statement("gateways/set_free_at"), {"gateway": gateway, "free_at": free_at})


def segments_today(connection: Connection, day: date) -> dict[str, int]:
    """Return how many segments were handed to each gateway on a day of Vietnam's time zone (from
    ``motcua.gateway_days``)."""
    rows = connection.execute(statement("gateways/segments_today"), {"day": day})
    return {row["gateway"]: row["segments"] for row in rows}
