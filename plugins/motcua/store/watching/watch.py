"""What the watch asks the ledger, and what it keeps there: the mirror of its alerts, and the sign that it lives."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from psycopg.types.json import Jsonb

from motcua.domain.apologies import ApologyDay
from motcua.domain.run_window import Window
from motcua.domain.watching.alerts import Alert
from motcua.domain.watching.elsewhere import OpenAlert, ServerPage, Waking
from motcua.domain.watching.judging import ContradictedRefusals, Delivered, HighMarks, ReceiptFigures
from motcua.domain.watching.unserved import GatewayNow, Waiting, Way
from motcua.store.ledger.database import Connection
from motcua.store.ledger.queries import statement
from motcua.store.ledger.rows import value_of

# --- Figures -------------------------------------------------------------------------------------------------------


def enabled_agencies(connection: Connection, now: datetime) -> dict[str, datetime]:
    """Codes of the agencies that are told for now, each with since when."""
    rows = connection.execute(statement("watch/enabled"), {"now": now})
    return {row["agency_code"]: row["enabled_from"] for row in rows}


@dataclass(frozen=True, slots=True)
class UnrecordedEvening:
    """An agency that has no record of an evening of its own."""

    agency_code: str
    apology_day: ApologyDay
    in_charge: str


def evenings_left(connection: Connection, day: date, evening_at: datetime) -> list[UnrecordedEvening]:
    """Agencies whose evening of that day is not recorded."""
    rows = connection.execute(statement("watch/evening_left"), {"day": day, "evening_at": evening_at})
    return [value_of(UnrecordedEvening, row) for row in rows]


def unknown_messages(
    connection: Connection, before: datetime, now: datetime, agencies: Sequence[str] | None = None
) -> tuple[int, datetime | None]:
    """Useful messages of unknown outcome since before a moment: how many, and since when the first.

    ``agencies``: codes of those whose messages count; ``None``: all.
    """
    values = {"before": before, "now": now, "agencies": agencies}
    row = connection.execute(statement("watch/unknown"), values).fetchone()
    return (row["messages"], row["since"]) if row else (0, None)


def high_marks(connection: Connection) -> HighMarks:
    """The largest numbers that the ledger has given."""
    row = connection.execute(statement("watch/high_marks")).fetchone()
    return value_of(HighMarks, row) if row else HighMarks(0, 0)


def seen_from_outside(connection: Connection, now: datetime) -> ServerPage:
    """What a watch on another machine is shown; ``now``: by the clock of this machine."""
    row = connection.execute(statement("watch/seen_from_outside")).fetchone()
    assert row is not None
    slept = row["woke_at"] is not None and row["slept_since"] is not None
    return ServerPage(
        at=now,
        marks=HighMarks(row["attempt_id"], row["history_id"], row["at_work_at"]),
        watch_looked_at=row["watch_looked_at"],
        asks=Waking(row["woke_at"], row["slept_since"]) if slept else None,
        alerts=[OpenAlert(each["name"], each["subject"]) for each in row["alerts"]],
    )


def receipts_of_gateways(connection: Connection, since: datetime, before: datetime) -> list[ReceiptFigures]:
    """Of each gateway's last attempts that it took between two moments, how many a receipt ended."""
    rows = connection.execute(statement("watch/receipts_of_gateways"), {"since": since, "before": before})
    return [value_of(ReceiptFigures, row) for row in rows]


def unknown_references(connection: Connection, since: datetime) -> tuple[int, datetime | None]:
    """Young receipts since a moment that name no attempt of ours: how many, and when the last was read."""
    row = connection.execute(statement("watch/unknown_references"), {"since": since}).fetchone()
    return (row["receipts"], row["last_at"]) if row else (0, None)


def contradicted_refusals(connection: Connection, since: datetime) -> list[ContradictedRefusals]:
    """Of each gateway, what young receipts since a moment say that it took although it had refused it."""
    rows = connection.execute(statement("watch/contradicted"), {"since": since})
    return [value_of(ContradictedRefusals, row) for row in rows]


def delivered_between(connection: Connection, start: datetime, end: datetime) -> Delivered:
    """Messages recorded in a period that a gateway took, and those that reached a phone."""
    row = connection.execute(statement("watch/delivered"), {"start": start, "end": end}).fetchone()
    return value_of(Delivered, row) if row else Delivered(0, 0)


def news_of_sources(
    connection: Connection, names: Collection[str], stretches: Sequence[tuple[datetime, datetime]], enough: int
) -> dict[str, list[int]]:
    """By source, transitions recorded in each stretch, counted up to ``enough``."""
    values = {
        "names": list(names),
        "begins": [begins for begins, _ in stretches],
        "ends": [ends for _, ends in stretches],
        "enough": enough,
    }
    seen: dict[str, list[int]] = {}
    for row in connection.execute(statement("watch/news"), values):
        seen.setdefault(row["source"], []).append(row["seen"])
    return seen


def daily_work_done(connection: Connection, checked_day: date, closed_day: date) -> tuple[bool, bool]:
    """Whether a day was checked, and whether another one was closed."""
    values = {"checked_day": checked_day, "closed_period": closed_day.isoformat()}
    row = connection.execute(statement("watch/daily_work"), values).fetchone()
    return (row["checked"], row["closed"]) if row else (False, False)


def first_moment(connection: Connection) -> datetime | None:
    """The first moment that the identity counts anything of."""
    row = connection.execute(statement("watch/first_moment")).fetchone()
    return row["first_moment"] if row else None


def ledger_clock(connection: Connection) -> datetime:
    """What time it is there."""
    row = connection.execute(statement("watch/clock")).fetchone()
    assert row is not None
    moment: datetime = row["now"]
    return moment


def takes_rows(connection: Connection) -> bool:
    """Whether our role may read the ledger and the ledger takes new rows: a standby does not."""
    row = connection.execute(statement("metrics/takes_rows"), {}).fetchone()
    return bool(row and row["takes_rows"])


# --- What is due and served by nobody: heads of queues, steps that nobody plans ---------------------------------------


def gateways_now(connection: Connection, names: Sequence[str], now: datetime) -> list[GatewayNow]:
    """The gateways of these names, in this order, as senders last found them."""
    rows = connection.execute(statement("unserved/gateways"), {"gateways": list(names), "now": now})
    return [
        GatewayNow(
            row["name"],
            None if row["carriers"] is None else frozenset(row["carriers"]),
            row["is_broken"],
            row["per_second"],
            row["has_day"],
            row["started_at"],
        )
        for row in rows
    ]


def unserved_messages(
    connection: Connection,
    ways: Sequence[Way],
    window: Window,
    due_by: datetime,
    now: datetime,
    resting: Collection[str],
) -> list[Waiting]:
    """By carrier, messages that are due since then and that nobody takes.

    Args:
        connection: to the ledger.
        ways: how messages should be going now.
        window: only what was recorded in it.
        due_by: they are due by then.
        now: what is stopped is judged by this moment.
        resting: kinds that rest at this hour.
    """
    values = {
        "carriers": [way.carrier for way in ways],
        "gateways": [way.gateway for way in ways],
        "firsts": [way.is_first for way in ways],
        "held_by": [way.held_by for way in ways],
        "since": [way.since for way in ways],
        "due_by": due_by,
        "now": now,
        "resting": list(resting),
        **window.bounds,
    }
    return [value_of(Waiting, row) for row in connection.execute(statement("unserved/messages"), values)]


def unplanned_steps(connection: Connection, window: Window, due_by: datetime) -> tuple[int, datetime | None]:
    """Steps that were picked up by then and that nobody plans: how many, and since when the first."""
    row = connection.execute(statement("unserved/steps"), {"due_by": due_by, **window.bounds}).fetchone()
    return (row["steps"], row["since"]) if row else (0, None)


# --- Mirror of the alerts ------------------------------------------------------------------------------------------


def mirror_alerts(connection: Connection, open_ones: Collection[Alert], over: Collection[Alert], now: datetime) -> None:
    """Writes the alerts as the watch has them; whatever else the ledger holds open is ended."""
    values = {
        "names": [each.name for each in open_ones],
        "subjects": [each.subject for each in open_ones],
        "moments": [each.raised_at for each in open_ones],
        "now": now,
    }
    with connection.transaction():
        for alert in over:
            connection.execute(statement("watch/save_alert"), _columns(alert))
        connection.execute(statement("watch/close_strays"), values)
        for alert in open_ones:
            connection.execute(statement("watch/save_alert"), _columns(alert))


def _columns(alert: Alert) -> dict[str, Any]:
    return {
        "name": alert.name,
        "subject": alert.subject,
        "raised_at": alert.raised_at,
        "facts": Jsonb(alert.facts),
        "told_at": alert.told_at,
        "over_at": alert.over_at,
        "over_told_at": alert.over_told_at,
        "acknowledged_at": alert.acknowledged_at,
        "acknowledged_by": alert.acknowledged_by,
    }


def list_alerts(connection: Connection, over_since: datetime, limit: int) -> list[Alert]:
    """Open alerts first, then those that were over after a moment, the newest first."""
    rows = connection.execute(statement("watch/alerts"), {"over_since": over_since, "limit": limit})
    return [value_of(Alert, row) for row in rows]


def acknowledge_alert(connection: Connection, name: str, subject: str | None, by: str, now: datetime) -> list[str]:
    """Keeps that somebody looks after an open alert; returns the subjects of those that nobody did before.

    Args:
        connection: of the ledger.
        name: the alert's.
        subject: of this one alone; ``None``: of all with that name.
        by: who.
        now: when.
    """
    values = {"name": name, "subject": subject, "by": by, "now": now}
    return [row["subject"] for row in connection.execute(statement("watch/acknowledge"), values)]


# --- The sign of life ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class WatchLife:
    """The last sign of the watch."""

    began_at: datetime
    looked_at: datetime
    looks: Sequence[Mapping[str, Any]]
    """What it looked at: ``check``, ``state`` and ``facts`` of each."""
    recipients: int
    unsent: int
    unsent_since: datetime | None


def say_alive(connection: Connection, life: WatchLife) -> None:
    """Keeps the sign of this look."""
    connection.execute(
        statement("watch/say_alive"),
        {
            "began_at": life.began_at,
            "looked_at": life.looked_at,
            "looks": Jsonb(list(life.looks)),
            "recipients": life.recipients,
            "unsent": life.unsent,
            "unsent_since": life.unsent_since,
        },
    )


def watch_life(connection: Connection) -> WatchLife | None:
    """The last sign; ``None``: the watch never ran, or was retired."""
    row = connection.execute(statement("watch/life")).fetchone()
    return value_of(WatchLife, row) if row else None


def retire_watch(connection: Connection) -> bool:
    """Nobody waits for a sign of the watch any more; ``False``: nobody did."""
    return connection.execute(statement("watch/retire")).rowcount == 1
