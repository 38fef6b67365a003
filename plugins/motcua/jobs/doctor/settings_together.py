"""Settings that can be read and cannot be meant: beyond what a promise bears, or against one another."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from functools import partial

from motcua.domain.apologies import QuietHours
from motcua.domain.checks import Finding, fault
from motcua.domain.clock import VIETNAM
from motcua.jobs.doctor.examining import Examination
from motcua.jobs.doctor.written import where_of_setting
from motcua.settings import Settings

_DAY_BEGINS, _DAY_ENDS = time(7), time(21)
"""Hours at which a citizen's phone may ring."""
_LONGEST = timedelta(days=1100)
_WIDEST = 8
"""Bits: more addresses than this network has are everybody's."""


@dataclass(frozen=True, slots=True)
class Rule:
    """What a setting must be, beside others."""

    name: str
    """The setting that is told."""
    holds: Callable[[Settings], bool]
    must: str


def _rings_at_night(settings: Settings) -> bool:
    at = datetime.combine(datetime(2026, 1, 1, tzinfo=VIETNAM), settings.apology_time, VIETNAM)
    quiet = QuietHours(settings.apology_quiet_from, settings.apology_quiet_until)
    return not _DAY_BEGINS <= settings.apology_time < _DAY_ENDS or quiet.until(at) is not None


def _begins(name: str, ways: tuple[str, ...], settings: Settings) -> bool:
    value: str | None = getattr(settings, name)
    return not value or value.startswith(ways)


RULES: tuple[Rule, ...] = (
    Rule(
        "apology_time",
        lambda s: not _rings_at_night(s),
        "between 07:00 and 21:00 and outside the quiet hours, as 17:30: by night nobody is told, and the evening lost",
    ),
    Rule("useful_for", lambda s: timedelta(hours=1) <= s.useful_for <= timedelta(days=30), "from PT1H to P30D"),
    Rule("served_within", lambda s: timedelta(seconds=10) <= s.served_within <= timedelta(minutes=30), "10 s to PT30M"),
    Rule("already_told_within", lambda s: s.already_told_within <= timedelta(days=1), "P1D at most"),
    Rule("late_commit", lambda s: s.late_commit <= timedelta(days=1), "P1D at most: each pick-up reads so far back"),
    Rule("clock_skew", lambda s: s.clock_skew <= timedelta(hours=1), "PT1H at most"),
    Rule("source_patience", lambda s: s.source_patience >= timedelta(seconds=1), "a second at least"),
    Rule("retry_first", lambda s: timedelta(0) < s.retry_first <= timedelta(minutes=15), "above 0, PT15M at most"),
    Rule("gateway_stop", lambda s: timedelta(0) < s.gateway_stop < s.useful_for, "above 0, below MOTCUA_USEFUL_FOR"),
    Rule("frozen_after", lambda s: s.frozen_after <= timedelta(minutes=5), "PT5M at most: so long nobody is told"),
    Rule("linger", lambda s: s.linger > timedelta(0), "above 0"),
    Rule("look_quiet", lambda s: s.look_quiet >= s.look_every, "MOTCUA_LOOK_EVERY at least"),
    Rule(
        "watch_round",
        lambda s: timedelta(seconds=1) <= s.watch_round <= timedelta(minutes=5),
        "a second to PT5M: settle_messages is red where the watch is silent for ten minutes",
    ),
    Rule("watch_clock_skew", lambda s: s.watch_clock_skew > timedelta(0), "above 0: no two clocks agree"),
    Rule(
        "watch_backup_age",
        lambda s: not s.watch_backup_age or s.watch_backup_age >= timedelta(hours=24),
        "PT24H at least, for there is one a night; 0: not looked at",
    ),
    Rule("backup_keep", lambda s: s.backup_keep >= timedelta(days=2), "from P2D to P35D: else no good one is left"),
    Rule("airflow_keep_red", lambda s: s.airflow_keep_red >= s.airflow_keep, "MOTCUA_AIRFLOW_KEEP at least"),
    Rule("airflow_keep_acts", lambda s: s.airflow_keep_acts >= s.airflow_keep, "MOTCUA_AIRFLOW_KEEP at least"),
    Rule(
        "intake_proxies",
        lambda s: all(each.prefixlen >= _WIDEST for each in s.intake_proxies),
        "the reverse proxies alone: whoever is named says whose address it is",
    ),
    *(
        Rule(name, partial(_begins, name, ("http://", "https://")), "an address, http://… or https://…")
        for name in ("intake_url", "watch_webhook", "watch_airflow", "watch_callbacks", "watch_intake")
    ),
    *(
        Rule(name, partial(_begins, name, ("file:///", "s3://")), "a URL, file:///… or s3://connection@bucket/…")
        for name in ("publications", "statements", "files")
    ),
)


def settings_together(examination: Examination) -> Iterator[Finding]:
    """What each says can be meant: within its bounds, and beside the others."""
    settings = examination.settings
    for name, field in Settings.model_fields.items():
        value = getattr(settings, name)
        if isinstance(value, timedelta) and not timedelta(0) <= value <= _LONGEST:
            yield _finding(examination, name, "no time below 0, or of years")
            # The others are held against what it is by default.
            settings = settings.model_copy(update={name: field.default})
    told: set[str] = set()
    for rule in RULES:
        if rule.name not in told and not rule.holds(settings):
            told.add(rule.name)
            yield _finding(examination, rule.name, rule.must)


def _finding(examination: Examination, name: str, must: str) -> Finding:
    description = Settings.model_fields[name].description or ""
    where = where_of_setting(examination.installation, name)
    return fault("setting_senseless", where, f"it must be {must}. {description}")
