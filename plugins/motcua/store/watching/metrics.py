"""Read gauges of the ledger for monitoring, in counts and seconds.

No gauge names an agency, a dossier or a phone number.

Each gauge is read through an index of open rows or from the data of the last hours, so that a reading costs the same
however old the ledger is (docs/decisions/watching.md).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, get_args

from motcua.domain.checks import ALERT_NAMES, CHECKS
from motcua.domain.clock import VIETNAM
from motcua.domain.dossiers import Kind
from motcua.domain.run_window import Window
from motcua.store.ledger.database import Connection
from motcua.store.ledger.queries import statement
from motcua.store.notices.gaps import open_gap
from motcua.store.oversight.accounting import identity, latency

COUNTED_AT_MOST = 10_000
"""How many messages in one state, or unread receipts, are counted at most. A larger limit would cost more and would not
be more useful."""
_OPEN_STATES = ("queued", "sending", "unknown", "accepted")
_KINDS: tuple[str, ...] = get_args(Kind)


@dataclass(frozen=True, slots=True)
class Gauge:
    """One figure, or several figures that differ by their labels."""

    name: str
    meaning: str
    labels: tuple[str, ...] = ()
    samples: Mapping[tuple[str, ...], float] = field(default_factory=dict)
    """Figures by the values of their labels. A gauge without labels has one figure with the empty key. The mapping is
    empty if there is no figure."""


def open_gauges(connection: Connection, now: datetime) -> list[Gauge]:
    """Return gauges of everything that waits, is stopped or has an unknown outcome now.

    These gauges are cheap enough for every reading.
    """
    readings: tuple[Callable[[Connection, datetime], list[Gauge]], ...] = (
        _open_messages,
        _unknown_messages,
        _gateways,
        _sources,
        _receipts,
        _gap,
        _checks,
    )
    return [gauge for read in readings for gauge in read(connection, now)]


def recent_gauges(connection: Connection, now: datetime) -> list[Gauge]:
    """Return gauges of the last hours and days.

    The cost of these gauges depends on how much happened in these days. They are therefore read at most once a minute.
    """
    midnight = now.astimezone(VIETNAM).replace(hour=0, minute=0, second=0, microsecond=0)
    taken = latency(connection, now - timedelta(hours=1))
    rows = identity(connection, Window(midnight - timedelta(days=1), now))
    return [
        Gauge(
            "motcua_messages_today",
            "Messages whose event was recorded since midnight in Vietnam.",
            ("kind", "state"),
            {
                (row["kind"], row["state"]): row["messages"]
                for row in _rows(connection, "metrics/recorded_messages", since=midnight)
            },
        ),
        Gauge(
            "motcua_acceptance_seconds",
            "Seconds from the recording of a step until a gateway accepted its message, if not on hold or retried.",
            ("percentile",),
            {("p50",): taken.p50, ("p95",): taken.p95} if taken.messages else {},
        ),
        _single_gauge(
            "motcua_acceptance_messages",
            "Number of messages in motcua_acceptance_seconds: those of the last hour, at most 1,000.",
            taken.messages,
        ),
        _single_gauge(
            "motcua_identity_difference",
            "Sum of the absolute differences in the accounting identity of yesterday and today; must be 0.",
            sum(abs(row.difference) for row in rows),
        ),
    ]


def backup_gauges(folder: Path | None, now: datetime) -> list[Gauge]:
    """Return the age of the newest backup. Each backup is a folder with a ``backup.json``.

    Without a folder of backups there is no gauge. If the folder contains no backup, the gauge has no figure.
    """
    if folder is None:
        return []
    made = [datetime.fromtimestamp(facts.stat().st_mtime, UTC) for facts in folder.glob("*/backup.json")]
    return [
        _single_gauge(
            "motcua_backup_age_seconds",
            "Seconds since the newest backup was made.",
            _age(now, max(made)) if made else None,
        )
    ]


def _rows(connection: Connection, name: str, **values: object) -> Sequence[Mapping[str, Any]]:
    return connection.execute(statement(name), values).fetchall()


def _single_gauge(name: str, meaning: str, value: float | None) -> Gauge:
    return Gauge(name, meaning, (), {} if value is None else {(): value})


def _age(now: datetime, moment: datetime | None) -> float:
    """Return the seconds since a moment, or 0 if there is no moment."""
    return max(0.0, (now - moment).total_seconds()) if moment is not None else 0.0


def _open_messages(connection: Connection, now: datetime) -> list[Gauge]:
    rows = _rows(connection, "metrics/open_messages", most=COUNTED_AT_MOST)
    counts: dict[tuple[str, ...], float] = {(kind, state): 0.0 for kind in _KINDS for state in _OPEN_STATES}
    counts |= {(row["kind"], row["state"]): row["messages"] for row in rows}
    (due,) = _rows(connection, "metrics/queue_due", now=now)
    return [
        Gauge(
            "motcua_messages_open",
            f"Messages that are not in a final state; at most {COUNTED_AT_MOST} are counted in each state.",
            ("kind", "state"),
            counts,
        ),
        _single_gauge(
            "motcua_queue_oldest_seconds",
            "Seconds since the event of the oldest queued message was recorded, including messages on hold.",
            _age(now, min((row["oldest"] for row in rows if row["state"] == "queued"), default=None)),
        ),
        _single_gauge(
            "motcua_queue_overdue_seconds",
            "Seconds for which a queued message has been due and is not claimed by a sender; 0: none is due.",
            _age(now, due["due"]),
        ),
    ]


def _unknown_messages(connection: Connection, now: datetime) -> list[Gauge]:
    rows = _rows(connection, "metrics/unknown_messages", most=COUNTED_AT_MOST)
    return [
        Gauge(
            "motcua_unknown_messages",
            "Messages of unknown outcome.",
            ("gateway",),
            {(row["gateway"],): row["messages"] for row in rows},
        ),
        Gauge(
            "motcua_unknown_oldest_seconds",
            "Seconds since the oldest message of unknown outcome was sent; 0: there is none.",
            ("gateway",),
            {(row["gateway"],): _age(now, row["oldest"]) for row in rows},
        ),
    ]


def _gateways(connection: Connection, now: datetime) -> list[Gauge]:
    del now
    return [
        Gauge(
            "motcua_gateway_stops",
            "Unexpected pauses at a gateway: of the gateway, of carriers, of templates.",
            ("gateway", "concerns"),
            {(row["gateway"], row["concerns"]): row["stops"] for row in _rows(connection, "metrics/gateway_stops")},
        )
    ]


def _sources(connection: Connection, now: datetime) -> list[Gauge]:
    rows = _rows(connection, "metrics/sources", now=now)
    return [
        Gauge(
            "motcua_source_read_age_seconds",
            "Seconds since a source was last read to its end.",
            ("source",),
            {(row["name"],): _age(now, row["picked_up_at"]) for row in rows if row["picked_up_at"] is not None},
        ),
        Gauge(
            "motcua_source_failing",
            "1: the last try to read the source failed.",
            ("source",),
            {(row["name"],): float(row["failing"]) for row in rows},
        ),
    ]


def _gap(connection: Connection, now: datetime) -> list[Gauge]:
    gap = open_gap(connection)
    return [
        _single_gauge(
            "motcua_gap_open_seconds",
            "Seconds since the open gap was noticed, after a restore or a sleep; 0: no gap is open.",
            _age(now, gap.noticed_at if gap else None),
        )
    ]


def _checks(connection: Connection, now: datetime) -> list[Gauge]:
    del now
    rows = {row["name"]: row["subjects"] for row in _rows(connection, "metrics/open_checks")}
    return [
        Gauge(
            "motcua_checks_open",
            "Alerts of the watch that are open, the same as on its page; /motcua/checks/<check> says what to do.",
            ("check", "severity"),
            # Checks with the severity ``by_share`` are alerts only while a finding has the severity error.
            {(each, CHECKS[each].severity.replace("by_share", "error")): rows.get(each, 0) for each in ALERT_NAMES},
        )
    ]


def _receipts(connection: Connection, now: datetime) -> list[Gauge]:
    (row,) = _rows(connection, "metrics/unread_receipts", most=COUNTED_AT_MOST)
    return [
        _single_gauge(
            "motcua_receipts_unread",
            f"Delivery receipts that are stored and not read yet, {COUNTED_AT_MOST} at most.",
            row["receipts"],
        ),
        _single_gauge(
            "motcua_receipts_unread_oldest_seconds",
            "Seconds since the oldest unread delivery receipt arrived; 0: there is none.",
            _age(now, row["oldest"]),
        ),
    ]
