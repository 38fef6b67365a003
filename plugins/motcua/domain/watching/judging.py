"""What is wrong, judged from figures: one pure function a thing that the watch looks at.

Figures come from the ledger, from Airflow and from this machine; ``motcua.jobs.watching`` fetches them. Times are
aware; ``now`` is the moment of the look.
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
"""Ids of our DAGs; an Airflow may run others, too."""


@dataclass(frozen=True, slots=True)
class WatchRules:
    """The settings that the judgements follow."""

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


# --- The ledger's word ---------------------------------------------------------------------------------------------


RECENT = "recent"
"""The period of the last days, which is counted often; the others are months."""


def judge_identity(differences: Mapping[str, int]) -> list[Finding]:
    """``differences``: by the period that was counted, messages too many and too few together."""
    wrong = {period: number for period, number in differences.items() if number}
    if not wrong:
        return []
    # The last days are part of their months.
    wrong = {period: number for period, number in wrong.items() if period != RECENT} or wrong
    return [Finding("identity", {"difference": sum(wrong.values()), "periods": ", ".join(sorted(wrong))})]


@dataclass(frozen=True, slots=True)
class EveningLeft:
    """An agency whose evening is not recorded."""

    agency_code: str
    apology_day: ApologyDay
    calendar: WorkingCalendar
    """Of who is in charge."""


def evening_to_judge(rules: WatchRules, apologies: ApologyRules, now: datetime) -> date:
    """The day of the last evening that should be settled by now."""
    return apologies.latest_evening(now - rules.apologies_after)


def judge_apologies(left: Iterable[EveningLeft], day: date, apologies: ApologyRules) -> list[Finding]:
    """A day off selects nobody, so that its evening hurts nobody."""
    owing = [each.agency_code for each in left if due_days(each.apology_day, each.calendar, day) is not None]
    if not owing:
        return []
    facts: dict[str, Fact] = {"agencies": len(owing), "evening": _moment(apologies.evening_of(day))}
    return [Finding("apologies_late", facts)]


@dataclass(frozen=True, slots=True)
class SourceFigures:
    """One source as the ledger has it."""

    name: str
    picked_up_at: datetime | None
    failed_at: datetime | None


def judge_sources(sources: Iterable[SourceFigures]) -> list[Finding]:
    """Sources that fail. That one is not read is judged in ``unserved.py``."""
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
"""Transitions in a stretch that make it one with news."""
NEWS_DAYS = 5
"""Working days before, on each of which the same stretch had news."""
_OFFICE_OPENS, _OFFICE_CLOSES = time(7, 30), time(17, 0)


def stretches_of_news(
    calendars: Collection[WorkingCalendar], rules: WatchRules, now: datetime
) -> list[tuple[datetime, datetime]]:
    """The stretch before now and the same hours of the last working days, the newest first; none outside office hours
    or where not every agency works."""
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
    """``seen``: by source, transitions in each stretch, counted up to ``NEWS_ENOUGH``, the newest stretch first."""
    return [
        Finding("source_no_news", {"hours": rules.news_within.total_seconds() / 3600}, source)
        for source, (latest, *before) in seen.items()
        if latest == 0 and len(before) >= NEWS_DAYS and all(each >= NEWS_ENOUGH for each in before)
    ]


def judge_unknown(messages: int, since: datetime | None) -> list[Finding]:
    """Messages of unknown outcome for too long."""
    return [Finding("unknown_old", {"messages": messages, "since": _moment(since)})] if messages else []


@dataclass(frozen=True, slots=True)
class ReceiptFigures:
    """Of a gateway's last attempts that it took and that should have a receipt by now."""

    gateway: str
    taken: int
    reported: int
    since: datetime
    """When the oldest of them began."""


RECEIPTS_LEAST = 5
"""Attempts that must have been taken, so that phones that are off raise nothing."""


def judge_receipts(figures: Iterable[ReceiptFigures]) -> tuple[list[Finding], set[str]]:
    """Gateways none of whose last messages has a receipt; and names of those that too little is known of."""
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
"""Within an hour; a provider's own test is one or two."""


def judge_references(receipts: int, last_at: datetime | None) -> list[Finding]:
    """Receipts of the last hour that name no attempt of ours."""
    if receipts < UNKNOWN_REFERENCES_LEAST:
        return []
    return [Finding("receipts_unknown", {"receipts": receipts, "last_at": _moment(last_at)})]


@dataclass(frozen=True, slots=True)
class ContradictedRefusals:
    """Messages that a gateway refused, and reported as taken or delivered all the same."""

    gateway: str
    messages: int
    told_twice: int
    """Of them those that another attempt told as well, as far as anybody knows."""
    last_at: datetime


def judge_contradictions(of_gateways: Iterable[ContradictedRefusals]) -> list[Finding]:
    """Gateways whose refusals are none: what goes elsewhere for one may be told twice."""
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
    """Messages that a gateway took, and how many of them reached a phone."""

    taken: int
    delivered: int

    @property
    def share(self) -> float:
        """Of those taken; 0 where none was."""
        return self.delivered / self.taken if self.taken else 0.0


DELIVERED_LEAST, USUAL_LEAST = 30, 200
"""Messages that a share is judged on, and that the usual one is made of."""


def judge_delivered(recent: Delivered, usual: Delivered, *, is_open: bool) -> tuple[list[Finding], bool]:
    """Whether fewer reach a phone than usual; and whether there were enough of them to tell.

    The fall must be a tenth at least and beyond what chance makes of so few (four standard deviations); an alert that
    is open ends where it is only half as deep.
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
    """The largest numbers that a ledger has given, and the last sign of senders in it."""

    attempt_id: int
    history_id: int
    at_work_at: datetime | None = None
    """Of one that slept: before that."""

    def is_behind(self, other: HighMarks) -> bool:
        """Whether one of them is smaller: a ledger takes back neither a number nor a sign."""
        return (
            self.attempt_id < other.attempt_id
            or self.history_id < other.history_id
            or (other.at_work_at is not None and (self.at_work_at is None or self.at_work_at < other.at_work_at))
        )


def worked_unseen(seen_at: datetime, at_work_at: datetime | None, now: datetime) -> bool:
    """Whether senders may have been at work for long while the watch could not see the ledger.

    Args:
        seen_at: when it saw the ledger before.
        at_work_at: the last sign of senders now.
        now: this moment.
    """
    last = min(at_work_at, now) if at_work_at is not None else seen_at
    return last > seen_at + RESTART_GAP


def judge_high_marks(had: HighMarks, has: HighMarks, noticed_at: datetime) -> Finding:
    """What is told of a ledger that has gone back."""
    return Finding(
        "ledger_went_back",
        {
            "attempts": max(had.attempt_id - has.attempt_id, 0),
            "changes": max(had.history_id - has.history_id, 0),
            "noticed_at": _moment(noticed_at),
        },
    )


# --- What each day must bring --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class DailyWork:
    """A thing that each day must bring, and for which day it is due."""

    day: date
    """The last day on which it is due by now."""
    due_at: datetime


def daily_work_due(at: time, rules: WatchRules, now: datetime, began_at: datetime) -> DailyWork | None:
    """The last day whose work should be done by now; ``None``: it fell due before the watch began, which knows nothing
    of it."""
    local = (now - rules.daily_after).astimezone(VIETNAM)
    day = local.date() if local.time() >= at else local.date() - timedelta(days=1)
    due_at = datetime.combine(day, at, VIETNAM)
    return DailyWork(day, due_at) if due_at >= began_at else None


def judge_daily_work(quality: tuple[DailyWork | None, bool], closing: tuple[DailyWork | None, bool]) -> list[Finding]:
    """Each with whether it is done; the closing is of the day before the one it is due on."""
    found = []
    if quality[0] is not None and not quality[1]:
        found.append(Finding("quality_late", {"day": quality[0].day.isoformat(), "due_at": _moment(quality[0].due_at)}))
    if closing[0] is not None and not closing[1]:
        day = closing[0].day - timedelta(days=1)
        found.append(Finding("closing_late", {"day": day.isoformat(), "due_at": _moment(closing[0].due_at)}))
    return found


def year_to_sign(now: datetime) -> int | None:
    """The year whose calendar should be signed by now; ``None``: it is too early for the next one."""
    today = now.astimezone(VIETNAM).date()
    return today.year + 1 if (today.month, today.day) >= NEXT_YEAR_DUE else None


CALENDAR_URGENT = 7
"""With fewer working days left before an unsigned year, that is urgent: a red matter, and an alert."""


def judge_calendar(year: int | None, unsigned: Collection[tuple[str, int]], now: datetime) -> list[Finding]:
    """``unsigned``: provinces with their years that nobody confirmed."""
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
    """``enabled_since``, ``began_at``: when the first agency was enabled, and when the watch began; where it was never
    cleaned, nothing is missed before both are as long ago as allowed."""
    if not rules.upkeep_after or enabled_since is None:
        return []
    late = (cleaned_at or max(enabled_since, began_at)) < now - rules.upkeep_after
    return [Finding("airflow_uncleaned", {"cleaned_at": _moment(cleaned_at)})] if late else []


def judge_backup(
    made_at: datetime | None, running_since: datetime | None, rules: WatchRules, now: datetime
) -> list[Finding]:
    """``running_since``: when the first agency was enabled; a backup is missed once that is a day ago."""
    if not rules.backup_age or running_since is None:
        return []
    if made_at is None:
        return [] if running_since > now - timedelta(days=1) else [Finding("backup_old", {"made_at": None})]
    return [Finding("backup_old", {"made_at": _moment(made_at)})] if made_at < now - rules.backup_age else []


# --- Airflow, callbacks, this machine ------------------------------------------------------------------------------

COMPONENTS = ("metadatabase", "scheduler", "triggerer", "dag_processor")
"""Parts of Airflow that its health names; all of them must run."""


def judge_health(states: Mapping[str, str | None]) -> list[Finding]:
    """``states``: by component; one that is missing, or was never seen, is not healthy."""
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
    """Somebody wrote a note on it."""
    run_id: str = ""


def red_runs_left(runs: Iterable[Run], looked_at: datetime | None) -> list[Run]:
    """Red runs that were neither cleared (they would not be red) nor noted; whoever acknowledges the alert has looked
    at those that ended before (``looked_at``)."""
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
    """Those of the red runs that nobody has looked at for an hour. ``told``: ids of those that are red only for what
    ``unserved`` tells."""
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
    """An alert that is open ends only where a tenth more is free."""
    needed = rules.disk_free * 11 // 10 if is_open else rules.disk_free
    if free >= needed:
        return []
    return [Finding("disk_low", {"free": free, "total": total}, folder)]


def judge_clock(of: str, skew: timedelta, uncertain: timedelta, rules: WatchRules) -> list[Finding]:
    """``skew``: another clock less this machine's; ``uncertain``: how exactly that is known."""
    if abs(skew) - uncertain <= rules.clock_skew:
        return []
    return [Finding("clock_off", {"seconds": round(skew.total_seconds(), 1)}, of)]


def without_consequences(findings: Iterable[Finding], raised: Collection[str]) -> tuple[list[Finding], set[str]]:
    """Leaves out what only says again what is told anyway.

    Args:
        findings: of one look.
        raised: keys of the alerts that were told and are not over.

    Returns: what is left, and the keys of what was left out, of which nothing is said either way.
    """
    findings = list(findings)
    hidden = told_once(findings, raised)
    return [each for each in findings if each.key not in hidden], hidden


RESTART_GAP, GRACE = timedelta(seconds=150), timedelta(minutes=3)
"""A watch that did not look for so long was down itself, perhaps with everything; and what the others then have to come
up."""


def without_agencies(findings: Iterable[Finding]) -> list[Finding]:
    """What is left to be told where no agency is enabled: that nothing happens is as it should be."""
    return [each for each in findings if each.check.everywhere]


WATCH_SILENT = timedelta(minutes=10)


def silence_of(looked_at: datetime | None, now: datetime, most: timedelta = WATCH_SILENT) -> timedelta | None:
    """For how long the watch itself has been silent, where that is too long; ``None``: it is not, or never looked."""
    return None if looked_at is None or looked_at >= now - most else now - looked_at
