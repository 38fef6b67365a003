"""Define the checks of the watch, the process that monitors the system.

Each check has a function that reads figures, the time between two runs, and the alerts that it raises and ends. The
rules by which a check judges its figures are in ``domain/watching``. A check that fails does not stop the other checks.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Literal, TypeAlias

from motcua.domain.checks import CHECKS as ALL_CHECKS
from motcua.domain.checks import HOURLY, KINDS, TOLD_BY_PICKING_UP, Fact, Finding, asked_by, key_of
from motcua.domain.clock import VIETNAM
from motcua.domain.restores import watch_vouches
from motcua.domain.run_window import Window
from motcua.domain.watching import elsewhere, judging, pushing, unserved
from motcua.domain.watching.judging import Delivered, WatchRules
from motcua.jobs.doctor.examine import FILES_HOURLY, LEDGER_HOURLY, examine, installation_here
from motcua.jobs.doctor.examining import Diagnosis, of_environment
from motcua.jobs.notices.apologizing import apology_rules
from motcua.jobs.restoring import finding_of_gap
from motcua.jobs.watching.keeping import IdentityKept, WatchState
from motcua.jobs.watching.outside import (
    LIVE,
    Airflow,
    Health,
    disks_of,
    health_answer,
    newest_backup,
)
from motcua.jobs.watching.unserved import find_unserved, somebody_looks
from motcua.jobs.watching.witness import remember
from motcua.settings import Settings, is_nowhere
from motcua.store.calendars import list_unconfirmed, load_calendars
from motcua.store.checking.checks import SourceCheck, last_checks
from motcua.store.intake.watching import watched_clients
from motcua.store.ledger.database import Connection, limit_statements
from motcua.store.ledger.sessions import red_only_for
from motcua.store.notices.gaps import journal_fault, last_testimony, open_gap
from motcua.store.notices.gateways import gateway_openings, gateway_stops, tokens_failing
from motcua.store.notices.sources import list_sources
from motcua.store.oversight.accounting import identity
from motcua.store.upkeep import last_cleaning
from motcua.store.watching import watch as figures

STATEMENT_WITHIN = 20.0
"""Seconds that an SQL statement of the watch may take. Statements of the check ``identity`` may take longer."""
_IDENTITY_WITHIN = 240.0
_RECENT_EVERY, _RECENT_LATEST = timedelta(minutes=3), timedelta(hours=3)
_RECENT_SHARE = 20
"""Factor between the duration of a count of the last days and the pause after it. The pause lasts at least
``_RECENT_EVERY`` and at most ``_RECENT_LATEST``."""
_NIGHT_FROM = 1
"""Hour of the day, in Vietnam's time zone, from which all months are counted once a day, one month per round."""
_LOOKS_BACK = timedelta(days=3)
"""How far back failed runs are read. Older failed runs are known by now or no longer matter."""
_DELIVERED_HOURS = timedelta(hours=4)
_DAYS_OF_USUAL = 7
_LONG_AGO, _FAR_AHEAD = datetime(2000, 1, 1, tzinfo=VIETNAM), datetime(8999, 1, 1, tzinfo=VIETNAM)

Needs: TypeAlias = Literal["ledger", "airflow", "runs", "nothing"]
"""Precondition of a check. ``airflow``: Airflow answers; ``runs``: the watch's user can also sign in to Airflow."""


@dataclass(slots=True)
class Looking:
    """One round of the watch as its checks see it: the moment, the settings, and what can be reached."""

    now: datetime
    rules: WatchRules
    settings: Settings
    state: WatchState
    airflow: Airflow | None
    connection: Connection | None = None
    """Connection to the ledger. ``None`` if the ledger does not answer."""
    health: Health | None = None
    """The health that Airflow reported in this round. ``None`` if Airflow did not answer or is not watched."""

    @property
    def ledger(self) -> Connection:
        """The connection to the ledger. Checks that need the ledger are not run without one."""
        assert self.connection is not None
        return self.connection

    def is_open(self, name: str, subject: str = "") -> bool:
        """Return whether an alert with this name and subject was raised and is not over."""
        alert = self.state.alerts.get(key_of(name, subject))
        return alert is not None and alert.raised_at is not None

    def open_keys(self, name: str) -> set[str]:
        """Return the keys of all alerts with this name, including alerts that are not raised yet."""
        return {key for key, alert in self.state.alerts.items() if alert.name == name}


@dataclass(frozen=True, slots=True)
class Seen:
    """The result of one check in one round."""

    findings: list[Finding] = field(default_factory=list)
    facts: dict[str, Fact] = field(default_factory=dict)
    """Figures of the check that the daily mail and the staff page show."""
    undecided: set[str] = field(default_factory=set)
    """Keys of alerts that the check could not judge in this round."""
    is_off: bool = False
    """Whether the check is not set up here."""


@dataclass(frozen=True, slots=True)
class Question:
    """One check of the watch."""

    name: str
    judges: tuple[str, ...]
    needs: Needs
    look: Callable[[Looking], Seen]
    every: timedelta = timedelta(0)
    """The shortest time between two runs of the check; zero runs it in each round."""
    comes_first: bool = False
    """Whether the check's alerts are reported before the remaining checks run, because the remaining checks may take
    long."""


def rules_of(settings: Settings) -> WatchRules:
    """Return the rules of the watch as the settings give them."""
    return WatchRules(
        served_within=settings.served_within,
        news_within=settings.watch_news_within,
        push_refused=settings.watch_push_refused,
        receipts_within=settings.watch_receipts_within,
        unknown_after=settings.watch_unknown_after,
        red_after=settings.watch_red_after,
        apologies_after=settings.watch_apologies_after,
        daily_after=settings.watch_daily_after,
        clock_skew=settings.watch_clock_skew,
        disk_free=settings.watch_disk_free,
        backup_age=settings.watch_backup_age,
        upkeep_after=settings.watch_upkeep_after,
        quality_time=settings.quality_time,
        reconcile_time=settings.reconcile_time,
    )


# --- The symptom ----------------------------------------------------------------------------------------------------


def _unserved(looking: Looking) -> Seen:
    """Check whether work is due that no process does, whatever the cause.

    Work may stay due for ``served_within``. A watch that has just begun raises no alert before it has run for that
    time. In its first minutes, in which the whole server may be starting, it also raises no alert before Airflow is up.
    """
    state, within = looking.state, looking.rules.served_within
    if somebody_looks(looking.ledger):
        state.nobody_looks_since = None
    elif state.nobody_looks_since is None or state.nobody_looks_since > looking.now:
        state.nobody_looks_since = looking.now
    resumed_at = state.resumed_at or looking.now
    if resumed_at > looking.now - within or (resumed_at > looking.now - judging.GRACE and not _airflow_is_up(state)):
        return Seen(undecided=looking.open_keys("unserved"))
    findings = find_unserved(looking.ledger, looking.now)
    since = state.nobody_looks_since
    known = {source.name: source.picked_up_at for source in list_sources(looking.ledger)}
    read_at = [known.get(name) for name in looking.settings.sources]
    findings += unserved.judge_lookers(since and max(since, resumed_at), read_at, looking.now, within)
    return Seen(findings, {"unserved": len(findings)})


def _airflow_is_up(state: WatchState) -> bool:
    """Return whether the last check of Airflow's health was made since this watch began its rounds and found Airflow
    healthy. Also return ``True`` if Airflow is not watched."""
    seen = state.looked.get("health")
    return seen is not None and (seen.state in ("ok", "not_set")) and (state.resumed_at or seen.at) <= seen.at


# --- The ledger ----------------------------------------------------------------------------------------------------


def _agencies(looking: Looking) -> Seen:
    """Read which agencies are enabled. This check runs first, because the findings of other checks depend on whether
    any agency is enabled."""
    enabled = figures.enabled_agencies(looking.ledger, looking.now)
    looking.state.enabled_since = min(enabled.values(), default=None)
    return Seen(facts={"agencies": len(enabled)})


def _identity(looking: Looking) -> Seen:
    kept, now = looking.state.identity, looking.now
    local = now.astimezone(VIETNAM)
    with _more_time(looking.ledger):
        if kept.recent_at is None or not now < kept.recent_at <= now + _RECENT_LATEST:
            began = time.monotonic()
            yesterday = datetime.combine(local.date() - timedelta(days=1), datetime.min.time(), VIETNAM)
            _count(looking, kept, judging.RECENT, Window(yesterday, _FAR_AHEAD))
            months = _months(looking)
            if kept.differences[judging.RECENT]:
                # RECENT covers only the time since yesterday, and will soon not cover the days of this difference. So
                # the months of these days are counted until the difference is gone.
                kept.differences |= {f"{day:%Y-%m}": 1 for day in (yesterday, local)}
            for month in [each for each, number in kept.differences.items() if number and each != judging.RECENT]:
                _count(looking, kept, month, months.get(month, Window(_LONG_AGO, _FAR_AHEAD)))
            kept.counted_at = now
            took = timedelta(seconds=time.monotonic() - began)
            kept.recent_at = now + min(max(_RECENT_EVERY, _RECENT_SHARE * took), _RECENT_LATEST)
        if local.hour >= _NIGHT_FROM and kept.night_of != local.date():
            kept.night_of, kept.months_left = local.date(), sorted(_months(looking))
        if kept.months_left:
            month = kept.months_left.pop(0)
            if (window := _months(looking).get(month)) is not None:
                _count(looking, kept, month, window)
    findings = judging.judge_identity(kept.differences)
    facts: dict[str, Fact] = {
        "difference": findings[0].facts["difference"] if findings else 0,
        "counted_at": kept.counted_at.isoformat() if kept.counted_at else None,
        "night_of": kept.night_of.isoformat() if kept.night_of else None,
    }
    return Seen(findings, facts)


def _count(looking: Looking, kept: IdentityKept, period: str, window: Window) -> None:
    kept.differences[period] = sum(abs(row.difference) for row in identity(looking.ledger, window))


def _months(looking: Looking) -> dict[str, Window]:
    """Return the window of each month since the first moment that the ledger has. Together the windows cover all
    time."""
    first = figures.first_moment(looking.ledger)
    day = (first or looking.now).astimezone(VIETNAM).date().replace(day=1)
    last = looking.now.astimezone(VIETNAM).date().replace(day=1)
    begins: list[date] = [day]
    while begins[-1] < last:
        begins.append((begins[-1] + timedelta(days=32)).replace(day=1))
    moments = [datetime.combine(each, datetime.min.time(), VIETNAM) for each in begins]
    ends = [*moments[1:], _FAR_AHEAD]
    moments[0] = _LONG_AGO
    return {f"{day:%Y-%m}": Window(*window) for day, *window in zip(begins, moments, ends, strict=True)}


@contextmanager
def _more_time(ledger: Connection) -> Iterator[None]:
    limit_statements(ledger, _IDENTITY_WITHIN)
    try:
        yield
    finally:
        if not ledger.closed:
            limit_statements(ledger, STATEMENT_WITHIN)


def _apologies(looking: Looking) -> Seen:
    apologies = apology_rules()
    day = judging.evening_to_judge(looking.rules, apologies, looking.now)
    left = figures.evenings_left(looking.ledger, day, apologies.evening_of(day))
    findings = judging.judge_apologies(with_calendars(looking.ledger, left, day), day, apologies)
    return Seen(findings, {"evening": day.isoformat(), "left": len(left)})


def with_calendars(
    ledger: Connection, left: Sequence[figures.UnrecordedEvening], day: date
) -> list[judging.EveningLeft]:
    """Return the agencies without a record of the evening's planning of apologies.

    Each agency gets the calendar of the agency that is in charge of its dossiers.
    """
    calendars = load_calendars(ledger, sorted({each.in_charge for each in left}), day, day) if left else {}
    return [
        judging.EveningLeft(each.agency_code, each.apology_day, calendars[each.in_charge], each.covered_until)
        for each in left
    ]


def source_faults(checks: Iterable[SourceCheck], adapters: Mapping[str, str]) -> list[Finding]:
    """Return the errors that the last source checks found, except ``unreachable`` and ``refused``.

    The alert ``source_failing`` reports these two. The adapter is added to the facts, because sources that push need a
    different remedy.
    """
    return [
        replace(
            each.finding,
            facts={**each.finding.facts, "adapter": adapters[check.source], "since": each.since.isoformat()},
        )
        for check in checks
        for each in check.forbidding
        if each.finding.name not in TOLD_BY_PICKING_UP
    ]


def _sources(looking: Looking) -> Seen:
    known = {source.name: source for source in list_sources(looking.ledger)}
    read = [
        judging.SourceFigures(
            name,
            known[name].picked_up_at if name in known else None,
            known[name].failed_at if name in known else None,
        )
        for name in looking.settings.sources
    ]
    moments = [each.picked_up_at for each in read if each.picked_up_at is not None]
    oldest = min(moments, default=None)
    findings = judging.judge_sources(read)
    return Seen(findings, {"sources": len(read), "oldest": oldest.isoformat() if oldest else None})


def _news(looking: Looking) -> Seen:
    codes = list(figures.enabled_agencies(looking.ledger, looking.now))
    today = looking.now.astimezone(VIETNAM).date()
    calendars = load_calendars(looking.ledger, codes, today - timedelta(days=31), today) if codes else {}
    stretches = judging.stretches_of_news(list(calendars.values()), looking.rules, looking.now)
    if not stretches:
        return Seen(undecided=looking.open_keys("source_no_news"))
    names = list(looking.settings.sources)
    seen = figures.news_of_sources(looking.ledger, names, stretches, judging.NEWS_ENOUGH)
    silent = sum(latest == 0 for latest, *_ in seen.values())
    return Seen(judging.judge_news(seen, looking.rules), {"sources": len(seen), "silent": silent})


def _source_faults(looking: Looking) -> Seen:
    checks, adapters = last_checks(looking.ledger, list(looking.settings.sources)), looking.settings.sources
    found = source_faults(checks.values(), adapters)
    oldest = min((check.checked_at for check in checks.values()), default=None)
    facts: dict[str, Fact] = {
        "sources": len(checks),
        "faults": len(found),
        "oldest": oldest.isoformat() if oldest else None,
    }
    return Seen(found, facts)


def _pushes(looking: Looking) -> Seen:
    clients = watched_clients(looking.ledger, looking.now)
    if not clients:
        return Seen(is_off=True)
    today = looking.now.astimezone(VIETNAM).date()
    codes = sorted({code for each in clients for code in each.agencies})
    calendars = load_calendars(looking.ledger, codes, today - pushing.DAYS_BACK, today) if codes else {}
    silent, undecided = pushing.judge_silence(clients, calendars, looking.rules, looking.now)
    refused = pushing.judge_refused(clients, looking.rules.push_refused)
    facts: dict[str, Fact] = {"clients": len(clients), "silent": len(silent), "refused": len(refused)}
    return Seen([*silent, *refused], facts, undecided)


def _gateways(looking: Looking) -> Seen:
    used = looking.settings.gateways
    stops = gateway_stops(looking.ledger)
    findings = [each.finding for each in stops if each.gateway in used and not each.expected]
    return Seen(findings, {"gateways": len(used), "stopped": len(findings)})


def _tokens(looking: Looking) -> Seen:
    findings = [each.finding for each in tokens_failing(looking.ledger, looking.settings.gateways)]
    return Seen(findings, {"failing": len(findings)})


def _unknown(looking: Looking) -> Seen:
    messages, since = figures.unknown_messages(looking.ledger, looking.now - looking.rules.unknown_after, looking.now)
    return Seen(judging.judge_unknown(messages, since), {"messages": messages})


def _receipts(looking: Looking) -> Seen:
    before = looking.now - looking.rules.receipts_within
    of_gateways = figures.receipts_of_gateways(looking.ledger, looking.now - timedelta(days=1), before)
    findings, decided = judging.judge_receipts(of_gateways)
    # The alert of a gateway ends if the gateway was taken out of use or does not report deliveries any more, because
    # such a gateway cannot be judged.
    silent = {name for name, each in gateway_openings(looking.ledger).items() if each.reports_deliveries is False}
    waiting = set(looking.settings.gateways) - silent - decided
    undecided = {key_of("receipts_stopped", gateway) for gateway in waiting}
    taken, reported = (sum(getattr(each, name) for each in of_gateways) for name in ("taken", "reported"))
    return Seen(findings, {"taken": taken, "reported": reported}, undecided)


def _references(looking: Looking) -> Seen:
    since = looking.now - timedelta(hours=1)
    receipts, last_at = figures.unknown_references(looking.ledger, since)
    contradicted = judging.judge_contradictions(figures.contradicted_refusals(looking.ledger, since))
    findings = [*judging.judge_references(receipts, last_at), *contradicted]
    return Seen(findings, {"receipts": receipts, "contradicted": len(contradicted)})


def _delivered(looking: Looking) -> Seen:
    kept, local = looking.state.delivered, looking.now.astimezone(VIETNAM)
    days = [local.date() - timedelta(days=n) for n in range(1, _DAYS_OF_USUAL + 1)]
    for day in [each for each in kept if each not in days]:
        del kept[day]
    # Each round counts one of the days that are not counted yet, so that no round takes long.
    if missing := [day for day in days if day not in kept]:
        start = datetime.combine(missing[0], datetime.min.time(), VIETNAM)
        kept[missing[0]] = figures.delivered_between(looking.ledger, start, start + timedelta(days=1))
    usual = Delivered(sum(each.taken for each in kept.values()), sum(each.delivered for each in kept.values()))
    recent = figures.delivered_between(
        looking.ledger, looking.now - _DELIVERED_HOURS, looking.now - looking.rules.receipts_within
    )
    is_open = looking.is_open("delivered_low")
    findings, enough = judging.judge_delivered(recent, usual, is_open=is_open)
    facts: dict[str, Fact] = {
        "taken": recent.taken,
        "percent": round(100 * recent.share, 1),
        "usual_percent": round(100 * usual.share, 1),
    }
    return Seen(findings, facts, set() if enough else {"delivered_low"})


def _high_marks(looking: Looking) -> Seen:
    state, has = looking.state, figures.high_marks(looking.ledger)
    remember(state, has, looking.now)
    findings = [Finding("ledger_went_back", state.went_back)] if state.went_back is not None else []
    return Seen(findings, {"attempts": has.attempt_id, "changes": has.history_id})


def _gaps(looking: Looking) -> Seen:
    gap, state = open_gap(looking.ledger), looking.state
    found = [Finding("journal_damaged")] if journal_fault(looking.ledger) is not None else []
    state.to_let_go = None
    if gap is None:
        return Seen(found, {"gaps": 0})
    may_have_slept = gap.kind == "slept" and state.to_hold is None
    if may_have_slept and gap.slept_since and watch_vouches(gap.slept_since, state.resumed_at, state.sees_since):
        state.to_let_go = gap.gap_no
        return Seen(found, {"gaps": 0})
    return Seen([finding_of_gap(gap), *found], {"gaps": 1})


def _outside_watch(looking: Looking) -> Seen:
    """Check whether the machine that watches this server from outside still calls this server."""
    machine = looking.settings.watched_from
    if not machine or is_nowhere(machine):
        return Seen(is_off=True)
    testimony = last_testimony(looking.ledger)
    asked_at = testimony.asked_at if testimony else None
    since = looking.state.resumed_at or looking.now
    findings = elsewhere.judge_outside_watch(asked_at, since, machine, looking.now)
    return Seen(findings, {"machine": machine, "asked_at": asked_at.isoformat() if asked_at else None})


def _daily_work(looking: Looking) -> Seen:
    rules, now, began_at = looking.rules, looking.now, looking.state.began_at
    quality = judging.daily_work_due(rules.quality_time, rules, now, began_at)
    closing = judging.daily_work_due(rules.reconcile_time, rules, now, began_at)
    since = looking.state.enabled_since
    if closing is not None and (since is None or since >= datetime.combine(closing.day, datetime.min.time(), VIETNAM)):
        # No agency was enabled on the day before, so there is nothing to close.
        closing = None
    checked, closed = figures.daily_work_done(
        looking.ledger,
        quality.day if quality else now.date(),
        (closing.day if closing else now.date()) - timedelta(days=1),
    )
    facts: dict[str, Fact] = {"checked": checked or quality is None, "closed": closed or closing is None}
    return Seen(judging.judge_daily_work((quality, checked), (closing, closed)), facts)


def _calendar(looking: Looking) -> Seen:
    year = judging.year_to_sign(looking.now)
    unsigned = list_unconfirmed(looking.ledger, [year]) if year is not None else []
    found = judging.judge_calendar(year, unsigned, looking.now)
    # A missing confirmation that is not urgent yet is shown only on the first staff page.
    return Seen([each for each in found if each.facts["is_urgent"]], {"year": year})


def _upkeep(looking: Looking) -> Seen:
    if not looking.rules.upkeep_after:
        return Seen(is_off=True)
    cleaned_at = last_cleaning(looking.ledger)
    findings = judging.judge_upkeep(
        cleaned_at, looking.state.enabled_since, looking.state.began_at, looking.rules, looking.now
    )
    return Seen(findings, {"cleaned_at": cleaned_at.isoformat() if cleaned_at else None})


def _installation(looking: Looking) -> Seen:
    """Run the hourly checks of settings and files that belong to the doctor (``motcua doctor``), as far as this process
    can read the files."""
    return _examined(looking, "installation", OF_FILES, examine(installation_here(), looking.now, FILES_HOURLY))


def _catalog(looking: Looking) -> Seen:
    """Run the doctor's hourly checks of PostgreSQL's parameters and of the ledger's objects.

    If not all of these checks could be run, as with a ledger of another release, none of their alerts ends.
    """
    return _examined(looking, "catalog", OF_LEDGER, examine(of_environment(), looking.now, LEDGER_HOURLY))


def _examined(looking: Looking, name: str, judges: Iterable[str], found: Diagnosis) -> Seen:
    """Return the findings of the doctor's checks. If a check of the doctor failed, this check of the watch is reported
    as failed, and ends no alert."""
    broken = [each for each in found.findings if each.name == "check_failed"]
    findings = [each for each in found.findings if each not in broken]
    if broken:
        errors = "; ".join(f"{each.subject}: {each.detail}" for each in broken)
        findings.append(Finding("check_failing", {"error": errors}, name))
    is_whole = not found.not_looked_at and not broken
    undecided = set() if is_whole else {key for each in judges for key in looking.open_keys(each)}
    return Seen(findings, {"questions": found.looked_at}, undecided)


# --- Airflow, callbacks, intake, this machine ----------------------------------------------------------------------


def _health(looking: Looking) -> Seen:
    health = looking.health
    if health is None:
        return Seen(is_off=True)
    findings = judging.judge_health(health.states)
    return Seen(findings, {"healthy": len(judging.COMPONENTS) - len(findings), "parts": len(judging.COMPONENTS)})


def _red_runs(looking: Looking) -> Seen:
    assert looking.airflow is not None
    left = judging.red_runs_left(looking.airflow.failed_runs(looking.now - _LOOKS_BACK), looking.state.red_looked_at)
    reported: set[str] = set()
    if looking.connection is not None:
        # This watch mails the alert "unserved" within minutes. A second alert would report the same fault an hour
        # later.
        reported = red_only_for(looking.connection, [run.run_id for run in left], "unserved")
    findings = judging.judge_red_runs(left, looking.rules, looking.now, reported)
    # The figure includes runs that have no alert yet, and runs that another alert covers.
    return Seen(findings, {"runs": len(left)})


def _callbacks(looking: Looking) -> Seen:
    url = looking.settings.watch_callbacks
    if not url:
        return Seen(is_off=True)
    answer = health_answer(url)
    findings = [] if answer in LIVE else [Finding("callbacks_unhealthy", {"answer": answer})]
    return Seen(findings, {"answer": answer})


def _intake(looking: Looking) -> Seen:
    url = looking.settings.watch_intake
    if not url:
        return Seen(is_off=True)
    answer = health_answer(url)
    findings = [] if answer in LIVE else [Finding("intake_unhealthy", {"answer": answer})]
    return Seen(findings, {"answer": answer})


def _disks(looking: Looking) -> Seen:
    disks = disks_of(looking.settings.watched_disks)
    findings = [
        finding
        for disk in disks
        for finding in judging.judge_disk(
            str(disk.folder),
            disk.free,
            disk.total,
            looking.rules,
            is_open=looking.is_open("disk_low", str(disk.folder)),
        )
    ]
    return Seen(findings, {"free": min((disk.free for disk in disks), default=None)})


def _clock(looking: Looking) -> Seen:
    findings: list[Finding] = []
    undecided = looking.open_keys("clock_off")
    widest: list[float] = []
    if looking.connection is not None:
        before = datetime.now(VIETNAM)
        ledger_time = figures.ledger_clock(looking.connection)
        half = (datetime.now(VIETNAM) - before) / 2
        skew = ledger_time - (before + half)
        findings += judging.judge_clock("ledger", skew, half, looking.rules)
        undecided.discard("clock_off/ledger")
        widest.append(abs(skew.total_seconds()))
    if looking.health is not None and looking.health.skew is not None:
        findings += judging.judge_clock("airflow", looking.health.skew, looking.health.uncertain, looking.rules)
        undecided.discard("clock_off/airflow")
        widest.append(abs(looking.health.skew.total_seconds()))
    return Seen(findings, {"seconds": round(max(widest), 1) if widest else None}, undecided)


def _backup(looking: Looking) -> Seen:
    if not looking.rules.backup_age:
        return Seen(is_off=True)
    made_at = newest_backup(looking.settings.backups_folder, looking.now)
    findings = judging.judge_backup(made_at, looking.state.enabled_since, looking.rules, looking.now)
    return Seen(findings, {"made_at": made_at.isoformat() if made_at else None})


OF_SOURCES = tuple(name for name in KINDS if name not in TOLD_BY_PICKING_UP)
OF_FILES, OF_LEDGER = (
    tuple(name for name in asked_by(HOURLY) if (ALL_CHECKS[name].of == "ledger") is of_ledger)
    for of_ledger in (False, True)
)
CHECKS: tuple[Question, ...] = (
    Question("agencies", (), "ledger", _agencies, comes_first=True),
    Question("unserved", ("unserved",), "ledger", _unserved, comes_first=True),
    Question("identity", ("identity",), "ledger", _identity),
    Question("apologies", ("apologies_late",), "ledger", _apologies),
    Question("sources", ("source_failing",), "ledger", _sources),
    Question("news", ("source_no_news",), "ledger", _news, timedelta(minutes=5)),
    Question("source_faults", OF_SOURCES, "ledger", _source_faults, timedelta(minutes=5)),
    Question("pushes", ("push_silent", "push_refused"), "ledger", _pushes, timedelta(minutes=5)),
    Question("gateways", ("gateway_stopped",), "ledger", _gateways, comes_first=True),
    Question("tokens", ("tokens_not_renewed",), "ledger", _tokens),
    Question("unknown", ("unknown_old",), "ledger", _unknown),
    Question("delivered", ("delivered_low",), "ledger", _delivered),
    Question("receipts", ("receipts_stopped",), "ledger", _receipts),
    Question("references", ("receipts_unknown", "refusals_contradicted"), "ledger", _references),
    Question("red_runs", ("red_run",), "runs", _red_runs),
    Question("daily_work", ("quality_late", "closing_late"), "ledger", _daily_work),
    Question("high_marks", ("ledger_went_back",), "ledger", _high_marks),
    Question("gaps", ("ledger_behind", "ledger_slept", "journal_damaged"), "ledger", _gaps),
    Question("upkeep", ("airflow_uncleaned",), "ledger", _upkeep, timedelta(minutes=10)),
    Question("calendar", ("calendar_unsigned",), "ledger", _calendar, timedelta(hours=1)),
    Question("health", ("airflow_unhealthy",), "airflow", _health),
    Question("outside_watch", ("outside_watch_silent",), "ledger", _outside_watch),
    Question("callbacks", ("callbacks_unhealthy",), "nothing", _callbacks),
    Question("intake", ("intake_unhealthy",), "nothing", _intake),
    Question("clock", ("clock_off",), "nothing", _clock),
    Question("disks", ("disk_low",), "nothing", _disks),
    Question("backup", ("backup_old",), "nothing", _backup),
    Question("catalog", OF_LEDGER, "ledger", _catalog, timedelta(hours=1)),
    Question("installation", OF_FILES, "nothing", _installation, timedelta(hours=1)),
)
"""All checks, in the order in which people read their results. The agencies come first: without an enabled agency
many results mean nothing."""
