"""The present state of the whole system, and the matters that need attention, as far as a viewer may see them.

The page *Tổng quan* and ``motcua status`` show this state. The watch is a process that checks the system in rounds and
raises alerts. Conditions that the watch checks too are judged by the watch's rules, so that a condition has one name
wherever people read of it. Here a condition appears even if the watch is not running.

Each evening, applicants get an apology if the result of their dossier will not be ready on the appointed day. An
agency's evening is settled when the selection of these dossiers is recorded.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Final, Literal

from motcua.domain.checks import ALERT_NAMES, CHECKS, WATCH, Finding, fault
from motcua.domain.clock import VIETNAM
from motcua.domain.people import NEEDS_NO_MAIL, PageRequest, Viewer
from motcua.domain.routing import day_of
from motcua.domain.watching import judging
from motcua.domain.watching.alerts import Alert
from motcua.jobs.notices.apologizing import apology_rules
from motcua.jobs.notices.watching import every_source_is_read_in
from motcua.jobs.publications.verifying_in_turn import finding_of_publication
from motcua.jobs.restoring import finding_of_gap
from motcua.jobs.watching.checks import rules_of, with_calendars
from motcua.quality.choosing import part_of
from motcua.quality.rules import load_rules
from motcua.reports.checks import InWords, alert_in_words, check_words, in_words, stopped_in_words
from motcua.settings import settings
from motcua.store.agencies import Agency, list_agencies
from motcua.store.calendars import list_unconfirmed
from motcua.store.ledger.database import Connection
from motcua.store.notices.apologies import ApologyCount, SettledAgencies, count_apologies_by_state, settled_agencies
from motcua.store.notices.gaps import Gap, OpenGap, list_gaps, open_gap
from motcua.store.notices.gateways import (
    DayUsedUp,
    GatewayChange,
    GatewayOpening,
    GatewayStop,
    days_used_up,
    gateway_changes,
    gateway_openings,
    gateway_stops,
    segments_today,
)
from motcua.store.notices.messages import ReleasedMessage, releases
from motcua.store.notices.quarantine import count_open
from motcua.store.notices.sources import MappedStatus, Source, list_sources, mapped_statuses
from motcua.store.notices.stops import Stop, stopped_messages, stops_in_force, waiting_for
from motcua.store.oversight.complaints import open_complaints
from motcua.store.oversight.page_requests import open_requests
from motcua.store.oversight.publications import NotHolding, not_holding
from motcua.store.oversight.quality import broken_agencies_of, counts_of, list_runs
from motcua.store.watching.watch import (
    WatchLife,
    evenings_left,
    list_alerts,
    unknown_messages,
    watch_life,
)

SHOWN = 50
"""Largest number of rows of a history that the page *Tổng quan* shows."""
MOST_QUARANTINED = 10_000
"""Largest number of rows in quarantine that are counted."""
COMPLAINTS_OF = timedelta(days=90)
SURE_AFTER = timedelta(minutes=3)
"""Least age at which a failing source, an unsent apology, or a gateway pause that no person ordered is shown.

The first pause of a gateway lasts two seconds, and a source may fail in a single reading only. The watch waits for the
same time before it raises an alert.
"""

TOLD = ("accepted", "delivered", "unconfirmed")
"""States of an apology that has reached its citizen, as far as the ledger knows."""
OPEN = ("queued", "sending", "unknown")
"""States of an apology that may still reach its citizen."""


@dataclass(frozen=True, slots=True)
class SourceRow:
    """One source as the page shows it."""

    name: str
    state: Literal["ok", "failing", "silent", "never"]
    picked_up_at: datetime | None
    recorded_at: datetime | None
    """When the source recorded the newest change that was read."""
    failed_at: datetime | None
    failure: str | None
    quarantined: int


@dataclass(frozen=True, slots=True)
class GatewayRow:
    """One gateway as the page shows it."""

    name: str
    opened: GatewayOpening | None
    """The connection's settings as senders found them. ``None`` if no sender has opened the connection yet."""
    used: int
    stops: tuple[GatewayStop, ...]


@dataclass(frozen=True, slots=True)
class StopRow:
    """A stop as the page shows it."""

    stop: Stop
    in_force: bool
    waiting: int
    """Number of messages of the viewer's agencies that the stop holds."""


@dataclass(frozen=True, slots=True)
class LastEvening:
    """The last evening on which apologies were due, and the present states of its messages."""

    day: date
    evening_at: datetime
    settled: SettledAgencies
    counts: Sequence[ApologyCount]
    left: int
    """Number of agencies whose evening is due and not settled."""

    @property
    def owed(self) -> int:
        """Number of dossiers whose applicants should get an apology. Each dossier has one message, in any state."""
        return sum(each.messages for each in self.counts)

    def in_states(self, *states: str) -> int:
        """Return how many of the evening's apologies are in one of these states."""
        return sum(each.messages for each in self.counts if each.state in states)

    @property
    def untold(self) -> list[ApologyCount]:
        """Numbers of apologies that reached no applicant and never will, by state and reason, the largest number
        first."""
        return [each for each in self.counts if each.state not in (*TOLD, *OPEN)]


@dataclass(frozen=True, slots=True)
class AgencyToMend:
    """Results of the last check of data quality at one agency."""

    found: int
    """Number of findings that nobody acknowledged."""
    late: int
    """Number of findings whose time for correction is over."""


@dataclass(frozen=True, slots=True)
class Standing:
    """The present state of the system as one viewer may see it. The Department's fields are empty for an agency."""

    now: datetime
    agencies: Sequence[Agency]
    """The agencies whose rows the viewer sees."""
    gap: OpenGap | None
    in_force: Sequence[StopRow]
    unknown: int
    """Number of messages of unknown outcome that are still of use to their citizens."""
    unknown_since: datetime | None
    evening: LastEvening
    data_as_of: datetime | None
    """The earliest of the times at which each source in use was last read. ``None`` if a source in use was never read,
    or no source is in use."""
    broken_agencies: Sequence[str]
    """Agencies whose data the last check of data quality could not check."""
    # These fields are filled for an agency's viewers only.
    to_mend: dict[str, AgencyToMend] = field(default_factory=dict)
    complaints: dict[str, int] = field(default_factory=dict)
    """Number of complaints of the last months whose check has no outcome, by agency."""
    # These fields are filled for the Department's viewers only.
    sources: Sequence[SourceRow] = ()
    gateways: Sequence[GatewayRow] = ()
    used_up: Sequence[DayUsedUp] = ()
    """Gateways that accept no more messages today."""
    life: WatchLife | None = None
    alerts: Sequence[Alert] = ()
    unsigned: tuple[int | None, Sequence[tuple[str, int]]] = (None, ())
    """The year with a calendar that should be confirmed by now, and the provinces and years that are not confirmed."""
    not_holding: Sequence[NotHolding] = ()
    """Publications whose last verification found differences."""
    changes: Sequence[GatewayChange] = ()
    gaps: Sequence[Gap] = ()
    released: Sequence[ReleasedMessage] = ()
    requests: Sequence[PageRequest] = ()
    """Requests made on staff pages that may still be withdrawn."""
    ending: Sequence[MappedStatus] = ()
    """Status codes of sources that somebody mapped to national codes, and whose mapping will end."""

    @property
    def enabled(self) -> list[Agency]:
        """Agencies whose citizens are informed now."""
        return [each for each in self.agencies if each.enabled_from is not None and each.enabled_from <= self.now]

    @property
    def not_enabled(self) -> list[Agency]:
        """Agencies that exist today and whose citizens are not informed yet."""
        today, enabled = day_of(self.now), {each.agency_code for each in self.enabled}
        return [
            each
            for each in self.agencies
            if each.agency_code not in enabled and (each.valid_until is None or each.valid_until >= today)
        ]


def standing_of(connection: Connection, viewer: Viewer, now: datetime) -> Standing:
    """Return the present state of the viewer's agencies. A viewer who sees all agencies also gets the
    state of the whole system."""
    agencies = [each for each in list_agencies(connection) if viewer.sees(each.agency_code)]
    known = {source.name: source for source in list_sources(connection)}
    unknown, unknown_since = unknown_messages(connection, now, now, viewer.listed)
    run = next(iter(list_runs(connection, most=1)), None)
    broken = [] if run is None else broken_agencies_of(connection, [run.run_no])
    of_all = {
        "now": now,
        "agencies": agencies,
        "gap": open_gap(connection),
        "in_force": stop_rows(connection, viewer, now, stops_in_force(connection, now)),
        "unknown": unknown,
        "unknown_since": unknown_since,
        "evening": _last_evening(connection, viewer, now),
        "data_as_of": data_as_of(known.values()),
        "broken_agencies": sorted(
            {each.agency_code for each in broken if each.agency_code is not None and viewer.sees(each.agency_code)}
        ),
    }
    if viewer.agencies is not None:
        return Standing(
            **of_all,  # type: ignore[arg-type]
            to_mend={} if run is None else _faults_by_agency(connection, run.run_no, viewer),
            complaints=open_complaints(connection, now - COMPLAINTS_OF, viewer.listed),
        )
    year = judging.year_to_sign(now)
    return Standing(
        **of_all,  # type: ignore[arg-type]
        sources=_source_rows(connection, known, now),
        gateways=_gateway_rows(connection, now),
        used_up=days_used_up(connection, settings().gateways, now),
        life=watch_life(connection),
        alerts=[
            each for each in list_alerts(connection, now, 1000) if each.over_at is None and each.name in ALERT_NAMES
        ],
        unsigned=(year, list_unconfirmed(connection, [year]) if year is not None else ()),
        not_holding=not_holding(connection),
        changes=gateway_changes(connection, SHOWN),
        gaps=list_gaps(connection, SHOWN),
        released=releases(connection, SHOWN),
        requests=[each for each in open_requests(connection) if each.kind not in NEEDS_NO_MAIL],
        ending=[each for each in mapped_statuses(connection) if each.ends_at is not None and each.ends_at > now],
    )


def data_as_of(sources: Iterable[Source]) -> datetime | None:
    """Return the earliest of the times at which each source in use was last read.

    ``None`` if one of these sources was never read, or no source is in use.
    """
    picked_up = {source.name: source.picked_up_at for source in sources}
    moments = [picked_up.get(name) for name in settings().sources]
    read = [each for each in moments if each is not None]
    return min(read) if read and len(read) == len(moments) else None


def _faults_by_agency(connection: Connection, run_no: int, viewer: Viewer) -> dict[str, AgencyToMend]:
    """Return, by agency, the numbers of findings that the agency's page about data quality counts as faults."""
    faults = {code for code, rule in load_rules().rules.items() if part_of(rule) == "faults"}
    found: dict[str, AgencyToMend] = {}
    for each in counts_of(connection, [run_no]):
        if each.agency_code is not None and each.rule in faults and viewer.sees(each.agency_code):
            had = found.get(each.agency_code, AgencyToMend(0, 0))
            found[each.agency_code] = AgencyToMend(
                had.found + each.found - each.acknowledged,
                had.late + each.remind_agency + each.remind_department,
            )
    return {code: each for code, each in found.items() if each.found}


def stop_rows(connection: Connection, viewer: Viewer, now: datetime, stops: Sequence[Stop]) -> list[StopRow]:
    """Return the stops that concern the viewer's agencies, with the number of messages that each stop holds."""
    # The query reads the whole queue, so it runs once, and only if a stop is in force.
    waiting = stopped_messages(connection, now) if any(stop.is_in_force(now) for stop in stops) else []
    ours = [each for each in waiting if viewer.sees(each.agency_code)]
    return [
        StopRow(stop, in_force, waiting_for(stop, ours) if in_force else 0)
        for stop, in_force in ((stop, stop.is_in_force(now)) for stop in stops)
        if stop.agency_code is None or viewer.sees(stop.agency_code)
    ]


def _last_evening(connection: Connection, viewer: Viewer, now: datetime) -> LastEvening:
    rules, apologies = rules_of(settings()), apology_rules()
    day = apologies.latest_evening(now)
    evening_at = apologies.evening_of(day)
    left = 0
    if now >= evening_at + rules.apologies_after:
        unrecorded = [each for each in evenings_left(connection, day, evening_at) if viewer.sees(each.agency_code)]
        left = sum(each.is_owed(day) for each in with_calendars(connection, unrecorded, day))
    return LastEvening(
        day,
        evening_at,
        settled_agencies(connection, evening_at, viewer.listed),
        count_apologies_by_state(connection, evening_at, viewer.listed),
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


# --- Matters that need attention -------------------------------------------------------------------------------------

_NAMED: Final = 5
"""Largest number of agencies that a finding names. Of the remaining agencies the finding gives only the number."""
_RED_WITH: Final = {
    "apologies_unsent": "lost",
    "calendar_unsigned": "is_urgent",
    "data_to_mend": "late",
    "watch_silent": "since",
}
"""For some matters, by name: the fact that must not be empty for the matter to be shown in red. If the watch raised an
alert about the matter, this fact does not count."""


@dataclass(frozen=True, slots=True)
class Matter:
    """One matter that somebody should attend to."""

    finding: Finding
    words: InWords

    @property
    def is_red(self) -> bool:
        """Whether the matter is shown in red: the matter may withhold messages from citizens without anybody's order,
        and nobody has acknowledged the matter."""
        name, check = self.finding.name, self.finding.check
        if self.words.acknowledged_by is not None:
            return False
        if name in _RED_WITH and self.words.raised_at is None:
            return bool(self.finding.facts[_RED_WITH[name]])
        return WATCH in check.asked_by or self.words.raised_at is not None or self.finding.severity == "error"


def matters_of(standing: Standing, viewer: Viewer) -> list[Matter]:
    """Return the matters that a viewer should attend to: red matters first, then in the order of the registry of
    checks.

    A viewer of an agency gets the matters of the viewer's own agencies only. An alert of the watch is shown with its
    present facts where they are known.
    """
    alerts = {each.key: each for each in standing.alerts}
    found = {key: Matter(each.finding, alert_in_words(each)) for key, each in alerts.items()}
    own_findings = _findings_for_department if viewer.agencies is None else _findings_for_agency
    for finding in (*_findings_for_all(standing, viewer), *own_findings(standing)):
        known = alerts.get(finding.key)
        words = in_words(finding)
        if known is not None:
            words = replace(words, raised_at=known.raised_at, acknowledged_by=known.acknowledged_by)
        found[finding.key] = Matter(finding, words)
    order = list(CHECKS)
    return sorted(found.values(), key=lambda each: (not each.is_red, order.index(each.finding.name)))


def _findings_for_all(standing: Standing, viewer: Viewer) -> Iterable[Finding]:
    evening, names = standing.evening, {each.agency_code: each.name for each in standing.agencies}
    if standing.gap is not None:
        gap = finding_of_gap(standing.gap)
        # The gap counts messages of all agencies together, and an agency's viewer may not see this number.
        yield gap if viewer.agencies is None else replace(gap, facts={**gap.facts, "messages": None})
    if evening.left:
        yield fault("apologies_late", "", agencies=evening.left, evening=evening.evening_at.isoformat())
    waiting, lost = evening.in_states("queued", "sending", "unknown"), evening.in_states("expired")
    if lost or (waiting and standing.now >= evening.evening_at + SURE_AFTER):
        yield fault("apologies_unsent", "", waiting=waiting, lost=lost, day=evening.day.isoformat())
    if standing.unknown:
        yield fault("unknown_old", "", messages=standing.unknown, since=_moment(standing.unknown_since))
    for row in standing.in_force:
        stop = row.stop
        whom = names.get(stop.agency_code, stop.agency_code) if stop.agency_code else None
        what = stopped_in_words(stop.kind, whom)
        facts = {"what": what, "until": stop.until.isoformat(), "reason": stop.reason, "stop": stop.stop_id}
        yield Finding("sending_stopped", facts | {"messages": row.waiting}, str(stop.stop_id))
    for name, codes in (
        ("agency_not_checked", standing.broken_agencies),
        ("agency_not_enabled", [each.agency_code for each in standing.not_enabled]),
    ):
        if codes:
            named = ", ".join(names.get(code, code) for code in codes[:_NAMED])
            left = len(codes) - _NAMED
            more = check_words()["more_agencies"].format(number=left) if left > 0 else ""
            is_agency = viewer.role == "agency"
            yield fault(
                name, "", agencies=len(codes), names=named + more, codes=tuple(codes[:_NAMED]), is_agency=is_agency
            )


def _findings_for_agency(standing: Standing) -> Iterable[Finding]:
    names = {each.agency_code: each.name for each in standing.agencies}
    for code, each in standing.to_mend.items():
        yield fault("data_to_mend", code, agency=names.get(code, code), found=each.found, late=each.late)
    for code, complaints in standing.complaints.items():
        yield fault("complaints_open", code, agency=names.get(code, code), complaints=complaints)


def _findings_for_department(standing: Standing) -> Iterable[Finding]:
    life = standing.life
    if life is None or judging.silence_of(life.looked_at, standing.now) is not None:
        yield fault("watch_silent", "", since=_moment(life.looked_at if life else None))
    found = list(_as_the_watch_would(standing))
    yield from found if standing.enabled else judging.without_agencies(found)
    for gateway in standing.gateways:
        if gateway.opened is not None and gateway.opened.fault is not None:
            yield fault("gateway_misconfigured", gateway.name, fault=gateway.opened.fault)
    yield from (each.finding for each in standing.used_up)
    for each in standing.not_holding:
        yield finding_of_publication(each)
    if standing.requests:
        since = min((each.applies_at for each in standing.requests if each.applies_at is not None), default=None)
        yield fault("requests_wait", "", requests=len(standing.requests), since=_moment(since))
    for status in standing.ending:
        assert status.ends_at is not None
        day = status.ends_at.astimezone(VIETNAM).date().isoformat()
        yield fault("statuses_end", status.source, status=status.source_status, day=day)
    for row in standing.sources:
        if row.quarantined:
            yield fault("rows_unusable", row.name, rows=row.quarantined, is_more=row.quarantined >= MOST_QUARANTINED)


def _as_the_watch_would(standing: Standing) -> Iterable[Finding]:
    """Yield the findings that the watch would have, if their condition has lasted long enough to be sure."""
    for row in standing.sources:
        since = _moment(row.picked_up_at)
        if row.state == "failing" and (row.picked_up_at is None or row.picked_up_at <= standing.now - SURE_AFTER):
            yield fault("source_failing", row.name, since=since)
        elif row.state in ("silent", "never"):
            yield fault("unserved", row.name, what="reading", source=row.name, since=since)
    for stop in (stop for gateway in standing.gateways for stop in gateway.stops):
        if not stop.expected and (stop.by_hand or stop.stopped_at <= standing.now - SURE_AFTER):
            yield stop.finding
    yield from judging.judge_calendar(*standing.unsigned, standing.now)


def _moment(at: datetime | None) -> str | None:
    return at.isoformat() if at else None
