"""Judge from figures what is wrong: one pure function for each thing that the watch checks.

The figures come from the ledger, from Airflow and from this machine; ``motcua.jobs.watching`` fetches them. Times are
aware datetimes. ``now`` is the time of the check.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from math import sqrt

from motcua.domain.apologies import ApologyDay, ApologyRules, due_days
from motcua.domain.checks import Fact, Finding
from motcua.domain.clock import VIETNAM
from motcua.domain.watching.unserved import told_once
from motcua.domain.working_days import NEXT_YEAR_DUE, WorkingCalendar

OUR_DAGS = frozenset(
    {
        "notify_transitions",
        "settle_messages",
        "apologize_due_tomorrow",
        "check_quality",
        "reconcile_daily",
        "reconcile_monthly",
        "reconcile_carrier",
        "purge_personal_data",
        "verify_publications",
        "clean_airflow",
    }
)
"""Ids of the DAGs of this software. An Airflow may run other DAGs too."""


@dataclass(frozen=True, slots=True)
class WatchRules:
    """The settings of the watch's checks."""

    served_within: timedelta = timedelta(minutes=1)
    news_within: timedelta = timedelta(hours=3)
    push_refused: float = 0.05
    receipts_within: timedelta = timedelta(minutes=15)
    unknown_after: timedelta = timedelta(hours=1)
    red_after: timedelta = timedelta(hours=1)
    apologies_after: timedelta = timedelta(minutes=5)
    daily_after: timedelta = timedelta(hours=1)
    clock_skew: timedelta = timedelta(seconds=5)
    disk_free: int = 3_000_000_000
    backup_age: timedelta = timedelta(hours=26)
    upkeep_after: timedelta = timedelta(days=3)
    quality_time: time = time(5, 30)
    reconcile_time: time = time(6, 30)


def _moment(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None


# --- Figures from the ledger ---------------------------------------------------------------------------------------


RECENT = "recent"
"""Name of the period of yesterday and today. This period is counted more often than the other periods, the months."""


def judge_identity(differences: Mapping[str, int]) -> list[Finding]:
    """Return a finding if messages are missing or surplus.

    By the accounting identity each occasion (an event that a message is about) has exactly one message. ``differences``
    gives, by counted period, the number of missing and surplus messages together.
    """
    wrong = {period: number for period, number in differences.items() if number}
    if not wrong:
        return []
    # The last days are also part of their months and would be counted twice.
    wrong = {period: number for period, number in wrong.items() if period != RECENT} or wrong
    return [Finding("identity", {"difference": sum(wrong.values()), "periods": ", ".join(sorted(wrong))})]


@dataclass(frozen=True, slots=True)
class EveningLeft:
    """An agency whose evening is not recorded yet. An evening is the planning of an agency's apologies on one day."""

    agency_code: str
    apology_day: ApologyDay
    calendar: WorkingCalendar
    """The calendar of the agency that is in charge of this agency's dossiers now."""
    covered_until: date | None = None
    """The last due date of the agency's earlier evenings."""

    def is_owed(self, day: date) -> bool:
        """Return whether the agency has an evening on this day (``due_days``)."""
        return due_days(self.apology_day, self.calendar, day, self.covered_until) is not None


def evening_to_judge(rules: WatchRules, apologies: ApologyRules, now: datetime) -> date:
    """Return the day of the last evening that should be recorded by now."""
    return apologies.latest_evening(now - rules.apologies_after)


def judge_apologies(left: Iterable[EveningLeft], day: date, apologies: ApologyRules) -> list[Finding]:
    """Return a finding about the agencies whose evening is not recorded.

    An agency that has no evening on this day (``due_days``) is left out.
    """
    owing = [each.agency_code for each in left if each.is_owed(day)]
    if not owing:
        return []
    facts: dict[str, Fact] = {"agencies": len(owing), "evening": _moment(apologies.evening_of(day))}
    return [Finding("apologies_late", facts)]


@dataclass(frozen=True, slots=True)
class SourceFigures:
    """One source with its last pick-up (a reading of its new rows). If pick-ups have failed since, also the time of the
    failure."""

    name: str
    picked_up_at: datetime | None
    failed_at: datetime | None


def judge_sources(sources: Iterable[SourceFigures]) -> list[Finding]:
    """Return a finding for each source whose pick-ups fail. ``unserved.py`` judges sources that nobody reads."""
    return [
        Finding(
            "source_failing",
            {"failed_at": _moment(source.failed_at), "since": _moment(source.picked_up_at)},
            source.name,
        )
        for source in sources
        if source.failed_at is not None
    ]


NEWS_ENOUGH = 5
"""A period counts as a period with news if it has at least this many transitions."""
NEWS_DAYS = 5
"""A source without news is a fault only if the same hours of each of this many earlier working days had news."""
_OFFICE_OPENS, _OFFICE_CLOSES = time(7, 30), time(17, 0)


def stretches_of_news(
    calendars: Collection[WorkingCalendar], rules: WatchRules, now: datetime
) -> list[tuple[datetime, datetime]]:
    """Return the last hours (``news_within``) and the same hours of the last working days, the newest first.

    The list is empty outside office hours, and on days on which not all agencies work the whole day.
    """
    local = now.astimezone(VIETNAM)
    begins = local - rules.news_within
    inside = begins.date() == local.date() and begins.time() >= _OFFICE_OPENS and local.time() <= _OFFICE_CLOSES
    if not inside or not calendars or any(each.opening(local.date()) != "full" for each in calendars):
        return []
    stretches = [(begins, local)]
    back = timedelta(days=1)
    while len(stretches) <= NEWS_DAYS and back < timedelta(days=30):
        day = (local - back).date()
        if all(each.opening(day) == "full" for each in calendars):
            stretches.append((begins - back, local - back))
        back += timedelta(days=1)
    return stretches if len(stretches) > NEWS_DAYS else []


def judge_news(seen: Mapping[str, Sequence[int]], rules: WatchRules) -> list[Finding]:
    """Return a finding for each source that has no news although it usually has news at these hours.

    ``seen`` gives, by source, the transitions in each period, counted up to ``NEWS_ENOUGH``, the newest period first.
    """
    return [
        Finding("source_no_news", {"hours": rules.news_within.total_seconds() / 3600}, source)
        for source, (latest, *before) in seen.items()
        if latest == 0 and len(before) >= NEWS_DAYS and all(each >= NEWS_ENOUGH for each in before)
    ]


def judge_unknown(messages: int, since: datetime | None) -> list[Finding]:
    """Return a finding if the outcome of messages has been unknown for too long."""
    return [Finding("unknown_old", {"messages": messages, "since": _moment(since)})] if messages else []


@dataclass(frozen=True, slots=True)
class ReceiptFigures:
    """A gateway's last accepted attempts that should have a delivery receipt by now."""

    gateway: str
    taken: int
    reported: int
    since: datetime
    """When the oldest of these attempts began."""


RECEIPTS_LEAST = 5
"""Least number of accepted attempts that are judged, so that a few phones that are switched off raise no alert."""


def judge_receipts(figures: Iterable[ReceiptFigures]) -> tuple[list[Finding], set[str]]:
    """Return findings for gateways without a single recent receipt, and the gateways that could be judged."""
    found, decided = [], set()
    for each in figures:
        if each.reported == 0 and each.taken < RECEIPTS_LEAST:
            continue
        decided.add(each.gateway)
        if each.reported == 0:
            facts: dict[str, Fact] = {"taken": each.taken, "since": _moment(each.since)}
            found.append(Finding("receipts_stopped", facts, each.gateway))
    return found, decided


UNKNOWN_REFERENCES_LEAST = 3
"""Least number of unknown receipts within an hour. A provider's own test causes one or two unknown receipts."""


def judge_references(receipts: int, last_at: datetime | None) -> list[Finding]:
    """Return a finding if too many receipts of the last hour name no attempt in the ledger."""
    if receipts < UNKNOWN_REFERENCES_LEAST:
        return []
    return [Finding("receipts_unknown", {"receipts": receipts, "last_at": _moment(last_at)})]


@dataclass(frozen=True, slots=True)
class ContradictedRefusals:
    """Messages that a gateway refused and yet reported as accepted or delivered."""

    gateway: str
    messages: int
    told_twice: int
    """Number of these messages that another attempt sent, or may have sent, too."""
    last_at: datetime


def judge_contradictions(of_gateways: Iterable[ContradictedRefusals]) -> list[Finding]:
    """Return a finding for each gateway whose refusals cannot be trusted.

    A message that is sent through another gateway after such a refusal may arrive twice.
    """
    return [
        Finding(
            "refusals_contradicted",
            {"messages": each.messages, "told_twice": each.told_twice, "last_at": _moment(each.last_at)},
            each.gateway,
        )
        for each in of_gateways
    ]


@dataclass(frozen=True, slots=True)
class Delivered:
    """Number of messages that a gateway accepted, and how many of these messages reached a phone."""

    taken: int
    delivered: int

    @property
    def share(self) -> float:
        """Return the delivered share of the accepted messages, or 0 if no message was accepted."""
        return self.delivered / self.taken if self.taken else 0.0


DELIVERED_LEAST, USUAL_LEAST = 30, 200
"""The least numbers of messages from which the recent share and the usual share are computed."""


def judge_delivered(recent: Delivered, usual: Delivered, *, is_open: bool) -> tuple[list[Finding], bool]:
    """Return a finding if a smaller share of messages than usual reaches a phone, and whether this could be judged.

    The fall is a fault if it is larger than 0.1 and larger than four standard deviations, which chance hardly explains
    for this number of messages. An open alert ends once the fall is at most half of this limit.
    """
    if recent.taken < DELIVERED_LEAST or usual.taken < USUAL_LEAST:
        return [], False
    chance = sqrt(max(usual.share * (1 - usual.share), 0.0) / recent.taken)
    fall = max(0.1, 4 * chance) / (2 if is_open else 1)
    if recent.share >= usual.share - fall:
        return [], True
    facts: dict[str, Fact] = {
        "percent": round(100 * recent.share, 1),
        "usual_percent": round(100 * usual.share, 1),
        "taken": recent.taken,
    }
    return [Finding("delivered_low", facts)], True


@dataclass(frozen=True, slots=True)
class HighMarks:
    """The largest numbers that a ledger has issued, and the last heartbeat of senders in it."""

    attempt_id: int
    history_id: int
    at_work_at: datetime | None = None
    """The last heartbeat of senders. If the ledger was asleep, the last heartbeat before its sleep."""

    def is_behind(self, other: HighMarks) -> bool:
        """Return whether any value is smaller than in ``other``. A value decreases only if the ledger is restored."""
        return (
            self.attempt_id < other.attempt_id
            or self.history_id < other.history_id
            or (other.at_work_at is not None and (self.at_work_at is None or self.at_work_at < other.at_work_at))
        )


def worked_unseen(seen_at: datetime, at_work_at: datetime | None, now: datetime) -> bool:
    """Return whether senders were running more than ``RESTART_GAP`` after the watch last saw the ledger.

    Args:
        seen_at: when the watch saw the ledger before its present check.
        at_work_at: the last heartbeat of senders in the ledger now.
        now: the present time.
    """
    last = min(at_work_at, now) if at_work_at is not None else seen_at
    return last > seen_at + RESTART_GAP


def judge_high_marks(had: HighMarks, has: HighMarks, noticed_at: datetime) -> Finding:
    """Make the finding about a ledger that has gone back to an earlier state."""
    return Finding(
        "ledger_went_back",
        {
            "attempts": max(had.attempt_id - has.attempt_id, 0),
            "changes": max(had.history_id - has.history_id, 0),
            "noticed_at": _moment(noticed_at),
        },
    )


# --- Daily tasks ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class DailyWork:
    """One task that must be done each day, with the day for which it is due."""

    day: date
    """The last day for which the task is due by now."""
    due_at: datetime


def daily_work_due(at: time, rules: WatchRules, now: datetime, began_at: datetime) -> DailyWork | None:
    """Return the last day whose task should be done by now; ``None`` if it was due before ``began_at``.

    ``at`` is the time of day at which the task begins, ``began_at`` the time when the watch began to check.
    """
    local = (now - rules.daily_after).astimezone(VIETNAM)
    day = local.date() if local.time() >= at else local.date() - timedelta(days=1)
    due_at = datetime.combine(day, at, VIETNAM)
    return DailyWork(day, due_at) if due_at >= began_at else None


def judge_daily_work(quality: tuple[DailyWork | None, bool], closing: tuple[DailyWork | None, bool]) -> list[Finding]:
    """Return findings if the daily check of data quality or the daily closing is late.

    Each argument is a pair: the task that is due, and whether it is done. A closing is about the day before the day on
    which the closing is due.
    """
    found = []
    if quality[0] is not None and not quality[1]:
        found.append(Finding("quality_late", {"day": quality[0].day.isoformat(), "due_at": _moment(quality[0].due_at)}))
    if closing[0] is not None and not closing[1]:
        day = closing[0].day - timedelta(days=1)
        found.append(Finding("closing_late", {"day": day.isoformat(), "due_at": _moment(closing[0].due_at)}))
    return found


def year_to_sign(now: datetime) -> int | None:
    """Return the next year if its calendar should be confirmed by now; ``None`` if that is too early."""
    today = now.astimezone(VIETNAM).date()
    return today.year + 1 if (today.month, today.day) >= NEXT_YEAR_DUE else None


CALENDAR_URGENT = 7
"""If fewer weekdays than this remain before a year whose calendar no person confirmed, the first staff page shows the
year in red and an alert is raised."""


def judge_calendar(year: int | None, unsigned: Collection[tuple[str, int]], now: datetime) -> list[Finding]:
    """Return a finding if provinces have no confirmed calendar of ``year``; none if ``year`` is ``None``.

    ``unsigned`` lists provinces, each with a year that no person confirmed.
    """
    provinces = sorted(province for province, each in unsigned if each == year)
    if year is None or not provinces:
        return []
    today = now.astimezone(VIETNAM).date()
    left = sum((today + timedelta(days=day)).weekday() < 5 for day in range((date(year, 1, 1) - today).days))
    facts = {"year": year, "provinces": len(provinces), "days": left, "is_urgent": left < CALENDAR_URGENT}
    return [Finding("calendar_unsigned", facts)]


def judge_upkeep(
    cleaned_at: datetime | None, enabled_since: datetime | None, began_at: datetime, rules: WatchRules, now: datetime
) -> list[Finding]:
    """Return a finding if Airflow's own tables were last cleaned too long ago.

    If the tables were never cleaned, the time counts from ``enabled_since`` (when the first agency was enabled) or from
    ``began_at`` (when the watch began), whichever is later.
    """
    if not rules.upkeep_after or enabled_since is None:
        return []
    late = (cleaned_at or max(enabled_since, began_at)) < now - rules.upkeep_after
    return [Finding("airflow_uncleaned", {"cleaned_at": _moment(cleaned_at)})] if late else []


def judge_backup(
    made_at: datetime | None, running_since: datetime | None, rules: WatchRules, now: datetime
) -> list[Finding]:
    """Return a finding if the last backup is too old.

    ``running_since`` is when the first agency was enabled. If there is no backup a day after this moment, this is a
    fault.
    """
    if not rules.backup_age or running_since is None:
        return []
    if made_at is None:
        return [] if running_since > now - timedelta(days=1) else [Finding("backup_old", {"made_at": None})]
    return [Finding("backup_old", {"made_at": _moment(made_at)})] if made_at < now - rules.backup_age else []


# --- Airflow, callbacks, this machine ------------------------------------------------------------------------------

COMPONENTS = ("metadatabase", "scheduler", "triggerer", "dag_processor")
"""Components that Airflow's health endpoint names. All of them must run."""


def judge_health(states: Mapping[str, str | None]) -> list[Finding]:
    """Return a finding for each component of Airflow that is not healthy.

    ``states`` gives the state of each component. A component that is missing or was never seen counts as unhealthy.
    """
    return [
        Finding("airflow_unhealthy", {"state": states.get(name)}, name)
        for name in COMPONENTS
        if states.get(name) != "healthy"
    ]


@dataclass(frozen=True, slots=True)
class Run:
    """A run of one of our DAGs."""

    dag_id: str
    state: str
    started_at: datetime | None
    ended_at: datetime | None
    noted: bool = False
    """``True`` if a person wrote a note on the run."""
    run_id: str = ""


def red_runs_left(runs: Iterable[Run], looked_at: datetime | None) -> list[Run]:
    """Return the failed runs that nobody has dealt with.

    A cleared run is no longer failed. A run with a note counts as dealt with. ``looked_at`` is when a person
    acknowledged the alert: runs that ended before this moment count as dealt with.
    """
    return [
        run
        for run in runs
        if run.dag_id in OUR_DAGS
        and run.state == "failed"
        and not run.noted
        and run.ended_at is not None
        and (looked_at is None or run.ended_at > looked_at)
    ]


def judge_red_runs(left: Iterable[Run], rules: WatchRules, now: datetime, told: Collection[str] = ()) -> list[Finding]:
    """Return a finding if nobody has dealt with failed runs for the configured time.

    ``told`` contains the ids of runs that failed only for reasons that the check ``unserved`` reports.
    """
    left = [
        run
        for run in left
        if run.run_id not in told and run.ended_at is not None and run.ended_at <= now - rules.red_after
    ]
    if not left:
        return []
    ended = [run.ended_at for run in left if run.ended_at is not None]
    facts: dict[str, Fact] = {
        "runs": len(left),
        "dags": ", ".join(sorted({run.dag_id for run in left})),
        "since": _moment(min(ended)),
    }
    return [Finding("red_run", facts)]


def judge_disk(folder: str, free: int, total: int, rules: WatchRules, *, is_open: bool) -> list[Finding]:
    """Return a finding if a disk has too little free space.

    An open alert ends only if a tenth more than the needed space is free.
    """
    needed = rules.disk_free * 11 // 10 if is_open else rules.disk_free
    if free >= needed:
        return []
    return [Finding("disk_low", {"free": free, "total": total}, folder)]


def judge_clock(of: str, skew: timedelta, uncertain: timedelta, rules: WatchRules) -> list[Finding]:
    """Return a finding if a clock is wrong.

    ``skew`` is the clock's difference from this machine's clock, and ``uncertain`` is the possible error of ``skew``.
    """
    if abs(skew) - uncertain <= rules.clock_skew:
        return []
    return [Finding("clock_off", {"seconds": round(skew.total_seconds(), 1)}, of)]


def without_consequences(findings: Iterable[Finding], raised: Collection[str]) -> tuple[list[Finding], set[str]]:
    """Leave out findings that only repeat what another alert reports.

    Args:
        findings: findings of one check.
        raised: keys of the alerts that were reported and are not over.

    Returns:
        The remaining findings, and the keys of the omitted findings, which count as not judged.
    """
    findings = list(findings)
    hidden = told_once(findings, raised)
    return [each for each in findings if each.key not in hidden], hidden


RESTART_GAP, GRACE = timedelta(seconds=150), timedelta(minutes=3)
"""``RESTART_GAP``: if the watch made no check for this long, it was down, perhaps with the whole machine. ``GRACE``:
the time that all other programs then get to start."""


def without_agencies(findings: Iterable[Finding]) -> list[Finding]:
    """Return the findings to report while no agency is enabled. Without agencies it is normal that nothing happens."""
    return [each for each in findings if each.check.everywhere]


WATCH_SILENT = timedelta(minutes=10)


def silence_of(looked_at: datetime | None, now: datetime, most: timedelta = WATCH_SILENT) -> timedelta | None:
    """Return how long the watch has been silent; ``None`` if no longer than ``most``, or if it never checked."""
    return None if looked_at is None or looked_at >= now - most else now - looked_at
