"""Query the ledger for the watch, and store the watch's own data there: a copy of its alerts, and its heartbeat.

The watch is a process outside Airflow that runs checks twice a minute and raises alerts.
"""

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
    """Return the codes of the agencies that are enabled now, each with the time at which the agency was enabled."""
    rows = connection.execute(statement("watch/enabled"), {"now": now})
    return {row["agency_code"]: row["enabled_from"] for row in rows}


@dataclass(frozen=True, slots=True)
class UnrecordedEvening:
    """An enabled agency for which the planning of one evening's apologies is not recorded."""

    agency_code: str
    apology_day: ApologyDay
    in_charge: str
    covered_until: date | None
    """The last due day that the agency's earlier evenings covered. Evenings whose apologies were missed count too."""


def evenings_left(connection: Connection, day: date, evening_at: datetime) -> list[UnrecordedEvening]:
    """Return the enabled agencies for which the planning of that evening's apologies is not recorded."""
    rows = connection.execute(statement("watch/evening_left"), {"day": day, "evening_at": evening_at})
    return [value_of(UnrecordedEvening, row) for row in rows]


def unknown_messages(
    connection: Connection, before: datetime, now: datetime, agencies: Sequence[str] | None = None
) -> tuple[int, datetime | None]:
    """Count messages that are still useful to the citizen and whose outcome became unknown before ``before``.

    Also return when the outcome of the first of these messages became unknown.

    ``agencies`` limits the count to these codes. ``None`` counts all.
    """
    values = {"before": before, "now": now, "agencies": agencies}
    row = connection.execute(statement("watch/unknown"), values).fetchone()
    return (row["messages"], row["since"]) if row else (0, None)


def high_marks(connection: Connection) -> HighMarks:
    """Return the largest id of an attempt, the largest id of a change of a message, and the senders' last heartbeat."""
    row = connection.execute(statement("watch/high_marks")).fetchone()
    return value_of(HighMarks, row) if row else HighMarks(0, 0)


def seen_from_outside(connection: Connection, now: datetime) -> ServerPage:
    """Return the facts that a watch on another machine reads. ``now`` is the time of this machine's clock."""
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
    """Count the last accepted attempts of each gateway that began in [``since``, ``before``), at most ten.

    Also count how many of these attempts a delivery receipt ended. Only the last 300 attempts of all gateways that
    began earlier than ``before`` are searched. Gateways whose provider reports no deliveries are left out.
    """
    rows = connection.execute(statement("watch/receipts_of_gateways"), {"since": since, "before": before})
    return [value_of(ReceiptFigures, row) for row in rows]


def unknown_references(connection: Connection, since: datetime) -> tuple[int, datetime | None]:
    """Count receipts read since ``since`` that name no attempt of ours (from ``motcua.receipt_readings``).

    Only the last thousand receipts are searched, and only final ones are counted. Also return when the last of the
    counted receipts was read.
    """
    row = connection.execute(statement("watch/unknown_references"), {"since": since}).fetchone()
    return (row["receipts"], row["last_at"]) if row else (0, None)


def contradicted_refusals(connection: Connection, since: datetime) -> list[ContradictedRefusals]:
    """Count, for each gateway, the refused messages that a later receipt reports as accepted or delivered.

    Only receipts read since ``since`` among the last thousand receipts are searched.
    """
    rows = connection.execute(statement("watch/contradicted"), {"since": since})
    return [value_of(ContradictedRefusals, row) for row in rows]


def delivered_between(connection: Connection, start: datetime, end: datetime) -> Delivered:
    """Count messages recorded in a period that a gateway accepted, and the messages among them that reached a phone.

    Replies do not count, because they have no delivery receipts.
    """
    row = connection.execute(statement("watch/delivered"), {"start": start, "end": end}).fetchone()
    return value_of(Delivered, row) if row else Delivered(0, 0)


def news_of_sources(
    connection: Connection, names: Collection[str], stretches: Sequence[tuple[datetime, datetime]], enough: int
) -> dict[str, list[int]]:
    """Count, by source, the transitions recorded in each of the periods ``stretches``, up to ``enough`` for each."""
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
    """Return whether the data quality of ``checked_day`` was checked, and whether ``closed_day`` has a closing."""
    values = {"checked_day": checked_day, "closed_period": closed_day.isoformat()}
    row = connection.execute(statement("watch/daily_work"), values).fetchone()
    return (row["checked"], row["closed"]) if row else (False, False)


def first_moment(connection: Connection) -> datetime | None:
    """Return the time of the first event that needs a message or has a message."""
    row = connection.execute(statement("watch/first_moment")).fetchone()
    return row["first_moment"] if row else None


def ledger_clock(connection: Connection) -> datetime:
    """Return the present time by the ledger's clock."""
    row = connection.execute(statement("watch/clock")).fetchone()
    assert row is not None
    moment: datetime = row["now"]
    return moment


def takes_rows(connection: Connection) -> bool:
    """Return whether our role may read the ledger and the ledger accepts new rows. A standby database accepts none."""
    row = connection.execute(statement("metrics/takes_rows"), {}).fetchone()
    return bool(row and row["takes_rows"])


# --- Due work that nobody does: messages that no sender claims, steps that no run plans -------------------------------


def gateways_now(connection: Connection, names: Sequence[str], now: datetime) -> list[GatewayNow]:
    """Return the gateways with these names, in this order, as senders last found them."""
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
    """Return, by carrier, messages that have been due since ``due_by`` and that no sender claims.

    Args:
        connection: a connection to the ledger.
        ways: the gateways by which messages should be sent now.
        window: only messages recorded in this window count.
        due_by: the messages must have been due by this moment.
        now: the moment at which stops and gateway pauses are judged.
        resting: kinds that are not sent at this hour.
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
    """Count steps that were picked up by ``due_by`` and are not planned, up to a hundred (from ``motcua.transitions``).

    Dossiers are planned in the order of their numbers. If a step of an earlier dossier was planned after ``due_by``, a
    process is planning, and the number is 0. Also return since when the first of the counted steps waits.
    """
    row = connection.execute(statement("unserved/steps"), {"due_by": due_by, **window.bounds}).fetchone()
    return (row["steps"], row["since"]) if row else (0, None)


# --- Copy of the alerts --------------------------------------------------------------------------------------------


def mirror_alerts(connection: Connection, open_ones: Collection[Alert], over: Collection[Alert], now: datetime) -> None:
    """Write the watch's alerts to the ledger, and end all other alerts that are open there."""
    values = {
        "names": [each.name for each in open_ones],
        "subjects": [each.subject for each in open_ones],
        "moments": [each.raised_at for each in open_ones],
        "now": now,
    }
    with connection.transaction():
        for alert in over:
            connection.execute(statement("watch/save_alert"), _alert_columns(alert))
        connection.execute(statement("watch/close_strays"), values)
        for alert in open_ones:
            connection.execute(statement("watch/save_alert"), _alert_columns(alert))


def _alert_columns(alert: Alert) -> dict[str, Any]:
    over_at = alert.over_at
    if over_at is not None and alert.raised_at is not None:
        # The clock may have been set back since the alert began, and the ledger refuses an end before the beginning.
        over_at = max(over_at, alert.raised_at)
    return {
        "name": alert.name,
        "subject": alert.subject,
        "raised_at": alert.raised_at,
        "facts": Jsonb(alert.facts),
        "told_at": alert.told_at,
        "over_at": over_at,
        "over_told_at": alert.over_told_at,
        "acknowledged_at": alert.acknowledged_at,
        "acknowledged_by": alert.acknowledged_by,
    }


def list_alerts(connection: Connection, over_since: datetime, limit: int) -> list[Alert]:
    """Return open alerts, then alerts that ended after a moment, each with the newest first."""
    rows = connection.execute(statement("watch/alerts"), {"over_since": over_since, "limit": limit})
    return [value_of(Alert, row) for row in rows]


def acknowledge_alert(connection: Connection, name: str, subject: str | None, by: str, now: datetime) -> list[str]:
    """Record that a person takes care of open alerts.

    Return the subjects of the alerts that nobody had acknowledged before.

    Args:
        connection: a connection to the ledger.
        name: the name of the alerts.
        subject: the subject of the alert; ``None`` stands for all alerts with that name.
        by: the person's name.
        now: this moment.
    """
    values = {"name": name, "subject": subject, "by": by, "now": now}
    return [row["subject"] for row in connection.execute(statement("watch/acknowledge"), values)]


# --- Heartbeat of the watch ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class WatchLife:
    """The last heartbeat of the watch."""

    began_at: datetime
    looked_at: datetime
    looks: Sequence[Mapping[str, Any]]
    """The checks of the watch, each with ``check``, ``state`` and ``facts``."""
    recipients: int
    unsent: int
    unsent_since: datetime | None


def say_alive(connection: Connection, life: WatchLife) -> None:
    """Write the heartbeat of one round of checks into ``motcua.watch_life``."""
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
    """Return the last heartbeat of the watch (from ``motcua.watch_life``). ``None`` if the watch never ran or was
    retired."""
    row = connection.execute(statement("watch/life")).fetchone()
    return value_of(WatchLife, row) if row else None


def retire_watch(connection: Connection) -> bool:
    """Record in ``motcua.watch_life`` that no heartbeat of the watch is expected any more. Return ``False`` if none
    was expected."""
    return connection.execute(statement("watch/retire")).rowcount == 1
