"""How things stand now, as far as a visitor may see it: what the page *Tổng quan* judges and shows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Literal

from motcua.domain.checks import ALERT_NAMES
from motcua.domain.people import PageRequest
from motcua.domain.routing import day_of
from motcua.domain.watching import judging
from motcua.jobs.notices.apologizing import apology_rules
from motcua.jobs.notices.watching import every_source_is_read_in
from motcua.jobs.watching.checks import rules_of
from motcua.quality.choosing import part_of
from motcua.quality.rules import load_rules
from motcua.settings import settings
from motcua.store.agencies import Agency, list_agencies
from motcua.store.calendars import list_unconfirmed, load_calendars
from motcua.store.ledger.database import Connection
from motcua.store.notices.apologies import ApologyCount, SettledAgencies, became_of_apologies, settled_agencies
from motcua.store.notices.gaps import Gap, OpenGap, list_gaps, open_gap
from motcua.store.notices.gateways import (
    GatewayChange,
    GatewayOpening,
    GatewayStop,
    gateway_changes,
    gateway_openings,
    gateway_stops,
    segments_today,
)
from motcua.store.notices.messages import ReleasedMessage, releases
from motcua.store.notices.quarantine import count_open
from motcua.store.notices.sources import MappedStatus, Source, list_sources, mapped_statuses
from motcua.store.notices.stops import Stop, last_stops, stopped_messages, stops_in_force, waiting_for
from motcua.store.oversight.complaints import open_complaints
from motcua.store.oversight.page_requests import open_requests
from motcua.store.oversight.publications import NotHolding, not_holding
from motcua.store.oversight.quality import broken_agencies_of, counts_of, list_runs
from motcua.store.watching.watch import (
    MirroredAlert,
    WatchLife,
    evenings_left,
    list_alerts,
    unknown_messages,
    watch_life,
)
from motcua.web.visitors import Visitor

SHOWN = 50
"""Rows of a history."""
MOST_QUARANTINED = 10_000
"""So far rows in quarantine are counted."""
COMPLAINTS_OF = timedelta(days=90)
SURE_AFTER = timedelta(minutes=3)
"""A pause of a gateway begins with two seconds and a source may be away for one pick-up: the watch waits as long."""

TOLD = ("accepted", "delivered", "unconfirmed")
"""States of an apology that told its citizen, as far as anybody knows."""
OPEN = ("queued", "sending", "unknown")
"""States of one that may still tell him."""


@dataclass(frozen=True, slots=True)
class SourceRow:
    """One source as the page shows it."""

    name: str
    state: Literal["ok", "failing", "silent", "never"]
    picked_up_at: datetime | None
    recorded_at: datetime | None
    """Of the newest change that was read."""
    failed_at: datetime | None
    failure: str | None
    quarantined: int


@dataclass(frozen=True, slots=True)
class GatewayRow:
    """One gateway as the page shows it."""

    name: str
    opened: GatewayOpening | None
    """What senders found its connection to say; ``None``: none has opened it yet."""
    used: int
    stops: tuple[GatewayStop, ...]


@dataclass(frozen=True, slots=True)
class StopRow:
    """What the Department stopped, as the page shows it."""

    stop: Stop
    in_force: bool
    waiting: int
    """Messages that wait for it, of the visitor's agencies."""


@dataclass(frozen=True, slots=True)
class LastEvening:
    """The last evening of apologies, and what became of it by now."""

    day: date
    evening_at: datetime
    settled: SettledAgencies
    counts: Sequence[ApologyCount]
    left: int
    """Agencies whose evening should be settled and is not."""

    @property
    def owed(self) -> int:
        """Dossiers whose applicants were to be told: each has a message, whatever became of it."""
        return sum(each.messages for each in self.counts)

    def in_states(self, *states: str) -> int:
        """How many of its apologies are in one of these states."""
        return sum(each.messages for each in self.counts if each.state in states)

    @property
    def untold(self) -> list[ApologyCount]:
        """Why people were not told, the most first."""
        return [each for each in self.counts if each.state not in (*TOLD, *OPEN)]


@dataclass(frozen=True, slots=True)
class AgencyToMend:
    """What an agency's data wants of it, by the last check."""

    found: int
    """Findings that nobody acknowledged."""
    late: int
    """Of them those whose time is over."""


@dataclass(frozen=True, slots=True)
class OverviewState:
    """What a visitor may see of how things stand. What is the Department's alone is empty for an agency."""

    now: datetime
    agencies: Sequence[Agency]
    """Those whose rows he sees."""
    gap: OpenGap | None
    in_force: Sequence[StopRow]
    unknown: int
    """Useful messages of unknown outcome."""
    unknown_since: datetime | None
    evening: LastEvening
    data_as_of: datetime | None
    """When the source that was read longest ago was read; ``None``: one never was, or there is none."""
    broken_agencies: Sequence[str]
    """Whose data could not be checked the last time."""
    # Of an agency.
    to_mend: dict[str, AgencyToMend] = field(default_factory=dict)
    complaints: dict[str, int] = field(default_factory=dict)
    """By agency, those of the last months whose check has no outcome."""
    # Of the Department.
    sources: Sequence[SourceRow] = ()
    gateways: Sequence[GatewayRow] = ()
    life: WatchLife | None = None
    alerts: Sequence[MirroredAlert] = ()
    unsigned: tuple[int | None, Sequence[tuple[str, int]]] = (None, ())
    """The year whose calendar should be signed by now, and provinces with their years that are not."""
    not_holding: Sequence[NotHolding] = ()
    """Publications whose last verification found differences."""
    stopped: Sequence[StopRow] = ()
    changes: Sequence[GatewayChange] = ()
    gaps: Sequence[Gap] = ()
    released: Sequence[ReleasedMessage] = ()
    requests: Sequence[PageRequest] = ()
    """What was asked for on the pages and may still be withdrawn."""
    ending: Sequence[MappedStatus] = ()
    """Codes of the contract that an earlier version let somebody map, which will end."""

    @property
    def enabled(self) -> list[Agency]:
        """Agencies that are told for now."""
        return [each for each in self.agencies if each.enabled_from is not None and each.enabled_from <= self.now]

    @property
    def not_enabled(self) -> list[Agency]:
        """Agencies that are there and not told for."""
        today, enabled = day_of(self.now), {each.agency_code for each in self.enabled}
        return [
            each
            for each in self.agencies
            if each.agency_code not in enabled and (each.valid_until is None or each.valid_until >= today)
        ]


def state_of_things(connection: Connection, visitor: Visitor, now: datetime) -> OverviewState:
    """How things stand now: of the visitor's agencies, and of the whole for whoever sees all."""
    agencies = [each for each in list_agencies(connection) if visitor.sees(each.agency_code)]
    known = {source.name: source for source in list_sources(connection)}
    unknown, unknown_since = unknown_messages(connection, now, now, visitor.listed)
    run = next(iter(list_runs(connection, most=1)), None)
    broken = [] if run is None else broken_agencies_of(connection, [run.run_no])
    in_force, stopped = _stop_rows(connection, visitor, now)
    of_all = {
        "now": now,
        "agencies": agencies,
        "gap": open_gap(connection),
        "in_force": in_force,
        "unknown": unknown,
        "unknown_since": unknown_since,
        "evening": _last_evening(connection, visitor, now),
        "data_as_of": data_as_of(known.values()),
        "broken_agencies": sorted(
            {each.agency_code for each in broken if each.agency_code is not None and visitor.sees(each.agency_code)}
        ),
    }
    if visitor.agencies is not None:
        return OverviewState(
            **of_all,  # type: ignore[arg-type]
            to_mend={} if run is None else _to_mend(connection, run.run_no, visitor),
            complaints=open_complaints(connection, now - COMPLAINTS_OF, visitor.listed),
        )
    year = judging.year_to_sign(now)
    return OverviewState(
        **of_all,  # type: ignore[arg-type]
        sources=_source_rows(connection, known, now),
        gateways=_gateway_rows(connection, now),
        life=watch_life(connection),
        alerts=[each for each in list_alerts(connection, now, 2 * SHOWN) if _is_open(each)],
        unsigned=(year, list_unconfirmed(connection, [year]) if year is not None else ()),
        not_holding=not_holding(connection),
        stopped=stopped,
        changes=gateway_changes(connection, SHOWN),
        gaps=list_gaps(connection, SHOWN),
        released=releases(connection, SHOWN),
        requests=open_requests(connection),
        ending=[each for each in mapped_statuses(connection) if each.ends_at is not None and each.ends_at > now],
    )


def data_as_of(sources: Iterable[Source]) -> datetime | None:
    """When that source in use was read that was read longest ago; ``None``: one never was, or none is in use."""
    picked_up = {source.name: source.picked_up_at for source in sources}
    moments = [picked_up.get(name) for name in settings().sources]
    read = [each for each in moments if each is not None]
    return min(read) if read and len(read) == len(moments) else None


def _is_open(alert: MirroredAlert) -> bool:
    return alert.over_at is None and alert.name in ALERT_NAMES


def _to_mend(connection: Connection, run_no: int, visitor: Visitor) -> dict[str, AgencyToMend]:
    """By agency, what its page about data quality counts as faults."""
    faults = {code for code, rule in load_rules().rules.items() if part_of(rule) == "faults"}
    found: dict[str, AgencyToMend] = {}
    for each in counts_of(connection, [run_no]):
        if each.agency_code is not None and each.rule in faults and visitor.sees(each.agency_code):
            had = found.get(each.agency_code, AgencyToMend(0, 0))
            found[each.agency_code] = AgencyToMend(
                had.found + each.found - each.acknowledged,
                had.late + each.remind_agency + each.remind_department,
            )
    return {code: each for code, each in found.items() if each.found}


def _stop_rows(connection: Connection, visitor: Visitor, now: datetime) -> tuple[list[StopRow], list[StopRow]]:
    """Stops in force, and the last ones, of those that concern the visitor's agencies."""
    now_in_force = stops_in_force(connection, now)
    # The queue is looked at once, and only for what is in force.
    waiting = stopped_messages(connection, now) if now_in_force else []
    ours = [each for each in waiting if visitor.sees(each.agency_code)]

    def rows_of(stops: Sequence[Stop]) -> list[StopRow]:
        return [
            StopRow(stop, in_force, waiting_for(stop, ours) if in_force else 0)
            for stop, in_force in ((stop, stop.is_in_force(now)) for stop in stops)
            if stop.agency_code is None or visitor.sees(stop.agency_code)
        ]

    return rows_of(now_in_force), rows_of(last_stops(connection, SHOWN))


def _last_evening(connection: Connection, visitor: Visitor, now: datetime) -> LastEvening:
    rules, apologies = rules_of(settings()), apology_rules()
    day = apologies.latest_evening(now)
    evening_at = apologies.evening_of(day)
    left = 0
    if now >= evening_at + rules.apologies_after:
        unrecorded = [each for each in evenings_left(connection, day, evening_at) if visitor.sees(each.agency_code)]
        in_charge = sorted({each.in_charge for each in unrecorded})
        calendars = load_calendars(connection, in_charge, day, day) if unrecorded else {}
        owing = [
            judging.EveningLeft(each.agency_code, each.apology_day, calendars[each.in_charge]) for each in unrecorded
        ]
        left = sum(int(each.facts["agencies"] or 0) for each in judging.judge_apologies(owing, day, apologies))
    return LastEvening(
        day,
        evening_at,
        settled_agencies(connection, evening_at, visitor.listed),
        became_of_apologies(connection, evening_at, visitor.listed),
        left,
    )


def _source_rows(connection: Connection, known: dict[str, Source], now: datetime) -> list[SourceRow]:
    quarantined = count_open(connection, MOST_QUARANTINED)
    turn = every_source_is_read_in() + settings().served_within
    rows = []
    for name in settings().sources:
        source = known.get(name)
        picked_up_at = source.picked_up_at if source else None
        failed_at = source.failed_at if source else None
        state: Literal["ok", "failing", "silent", "never"] = "ok"
        if failed_at is not None:
            state = "failing"
        elif picked_up_at is None:
            state = "never"
        elif picked_up_at < now - turn:
            state = "silent"
        rows.append(
            SourceRow(
                name,
                state,
                picked_up_at,
                source.cursor_recorded_at if source else None,
                failed_at,
                source.failure if source else None,
                quarantined.get(name, 0),
            )
        )
    return rows


def _gateway_rows(connection: Connection, now: datetime) -> list[GatewayRow]:
    stops, used = gateway_stops(connection), segments_today(connection, day_of(now))
    opened = gateway_openings(connection)
    return [
        GatewayRow(name, opened.get(name), used.get(name, 0), tuple(each for each in stops if each.gateway == name))
        for name in settings().gateways
    ]
