"""What an agency would have sent yesterday under settings that are only typed, beside what it would have under its own.

The dry run of an agency (jobs/notices/dry_running.py) over the ledger's own steps instead of a source's: bounded, and
read by the pages' role, with the apologies as an evening makes them (jobs/notices/apologizing.py). Nothing is written.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import chain, islice
from typing import Final

from motcua.domain.apologies import due_days, judge, useful_until
from motcua.domain.dossiers import Kind
from motcua.domain.occasions import PastTransition
from motcua.domain.periods import Period
from motcua.domain.texts import Template, render
from motcua.jobs.notices.apologizing import apology_rules, apology_words, candidate_of
from motcua.jobs.notices.dry_running import Rehearsed, rehearse
from motcua.jobs.notices.planning import planning_rules
from motcua.store.agencies import Agency, in_force
from motcua.store.calendars import load_calendar
from motcua.store.ledger.database import Connection
from motcua.store.notices.apologies import DueDossier, candidates
from motcua.store.notices.dossiers import DossierToPlan, dossiers_stepped_between
from motcua.store.notices.templates import load_templates
from motcua.store.notices.transitions import histories

MOST_DOSSIERS: Final = 1000
"""Dossiers that are rehearsed: an agency that had more that day is told of these."""


@dataclass(frozen=True, slots=True)
class Fate:
    """What would have become of a message, and in how many segments."""

    message: Rehearsed
    segments: int
    """None where it would not have gone."""


@dataclass(frozen=True, slots=True)
class RehearsedMessage:
    """An occasion of that day, under both settings. Holds personal data."""

    dossier_code: str
    procedure_code: str | None
    msisdn: str | None
    kind: Kind
    now: Fate | None
    """Under the settings in force; ``None``: there would have been no message."""
    typed: Fate | None

    @property
    def is_changed(self) -> bool:
        """Whether the settings make another thing of it, other than its length."""
        return _fate(self.now) != _fate(self.typed)

    @property
    def at(self) -> datetime:
        """When it would have gone, or ended."""
        told = self.typed or self.now
        assert told is not None
        return told.message.at


def _fate(told: Fate | None) -> tuple[object, ...] | None:
    return None if told is None else (told.message.end, told.message.reason, told.message.at)


@dataclass(frozen=True, slots=True)
class Sum:
    """What would have gone."""

    messages: int
    segments: int


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """One day of an agency under two settings."""

    period: Period
    dossiers: int
    is_whole: bool
    """No dossier of that day was left out."""
    due: int
    """Dossiers that the evening looked at, under either settings."""
    is_enabled: bool
    """The agency was told of that day; else it is rehearsed as if it had been."""
    messages: tuple[RehearsedMessage, ...]
    """What the settings change first, then by time."""

    @property
    def now(self) -> Sum:
        """What would have gone under the settings in force."""
        return _sum(each.now for each in self.messages)

    @property
    def typed(self) -> Sum:
        """What would have gone under those that are typed."""
        return _sum(each.typed for each in self.messages)

    @property
    def changed(self) -> int:
        """Messages of which the settings make another thing."""
        return sum(each.is_changed for each in self.messages)


def _sum(told: Iterable[Fate | None]) -> Sum:
    gone = [each for each in told if each is not None and each.message.end == "would_go"]
    return Sum(len(gone), sum(each.segments for each in gone))


def rehearse_day_before(
    connection: Connection, now: Agency, typed: Agency, moment: datetime, most: int = MOST_DOSSIERS
) -> Rehearsal:
    """What would have been sent on the day before ``moment``: each step planned when it was recorded, and apologies at
    the evening, of things as they stood then.

    Phones are as they are now; what went counts as accepted.
    """
    period = Period.day_before(moment)
    # What was held from the evening before went that day.
    start = period.start - max(now.result_hold, typed.result_hold, timedelta(0))
    found = dossiers_stepped_between(connection, now.agency_code, start, period.end, period.first, most + 1)
    dossiers = found[:most]
    steps = histories(connection, [each.dossier_id for each in dossiers])
    templates = load_templates()
    is_enabled = now.enabled_from is not None and now.enabled_from < period.end
    messages: list[RehearsedMessage] = []
    for dossier in dossiers:
        known = [each for each in steps.get(dossier.dossier_id, ()) if each.recorded_at < period.end]
        of_now, of_typed = (
            _rehearse(dossier, known, settings, period, templates, is_enabled) for settings in (now, typed)
        )
        for key in sorted({*of_now, *of_typed}):
            messages.append(
                RehearsedMessage(
                    dossier.dossier_code,
                    dossier.procedure_code,
                    dossier.msisdn,
                    key[0],  # type: ignore[arg-type]  # made of a kind
                    of_now.get(key),
                    of_typed.get(key),
                )
            )
    apologies, due, is_all = _rehearse_evening(connection, now, typed, period, templates["apology"], most)
    messages += apologies
    messages.sort(key=lambda each: (not each.is_changed, each.at, each.dossier_code))
    return Rehearsal(period, len(dossiers), len(found) <= most and is_all, due, is_enabled, tuple(messages))


def _rehearse_evening(
    connection: Connection, now: Agency, typed: Agency, period: Period, template: Template, most: int
) -> tuple[list[RehearsedMessage], int, bool]:
    """The apologies of the day's evening, how many dossiers were looked at, and whether these are all."""
    of_now = _Evening(connection, now, period, template)
    of_typed = _Evening(connection, typed, period, template)
    looked_at, is_all = dict[int, DueDossier](), True
    for due in dict.fromkeys(each.due for each in (of_now, of_typed) if each.due is not None):
        found = [*islice(chain.from_iterable(candidates(connection, now.agency_code, due, of_now.at)), most + 1)]
        looked_at |= {each.dossier_id: each for each in found[:most]}
        is_all = is_all and len(found) <= most
    messages = []
    for dossier in looked_at.values():
        told = of_now.told(dossier), of_typed.told(dossier)
        if told != (None, None):
            code, procedure = dossier.dossier_code, dossier.procedure_code
            messages.append(RehearsedMessage(code, procedure, dossier.msisdn, "apology", *told))
    return messages, len(looked_at), is_all


class _Evening:
    """An agency's evening of one day under some settings, all of its sources read."""

    def __init__(self, connection: Connection, settings: Agency, period: Period, template: Template) -> None:
        day, rules = period.first, apology_rules()
        in_charge = in_force(connection, day)[settings.agency_code]
        calendar = load_calendar(connection, in_charge.in_charge or settings.agency_code, day, day)
        self.at = rules.evening_of(day)
        self.due = due_days(settings.apology_day, calendar, day)  # type: ignore[arg-type]  # a CHECK holds it to these
        self._settings, self._template, self._agency_name = settings, template, in_charge.name_in_texts
        self._goes_at = rules.quiet.until(self.at) or self.at
        self._is_too_late = self.due is not None and useful_until(calendar, self.due, rules.quiet) <= self._goes_at

    def told(self, dossier: DueDossier) -> Fate | None:
        """What would have become of the apology for a dossier; ``None``: there would have been none."""
        if self.due is None:
            return None
        candidate = candidate_of(dossier, kind_off="apology" in self._settings.kinds_off)
        judgement = judge(candidate, self.due, "missed" if self._is_too_late else None)
        if isinstance(judgement, str):
            return None
        state, reason = judgement
        if state != "queued":
            return Fate(Rehearsed("apology", state, reason, self.at), 0)
        words = apology_words(self._template, dossier, self._agency_name, accented=self._settings.accented)
        return Fate(Rehearsed("apology", "would_go", None, self._goes_at), words.segments)


def _rehearse(
    dossier: DossierToPlan,
    steps: list[PastTransition],
    settings: Agency,
    period: Period,
    templates: Mapping[str, Template],
    is_enabled: bool,
) -> dict[tuple[str, int], Fate]:
    """What would have become of each occasion of that day, by kind and which of that kind it is."""
    facts = replace(
        dossier.facts,
        enabled_from=dossier.facts.enabled_from if is_enabled else period.start,
        same_day_excluded=settings.same_day_excluded,
        same_day_procedures=settings.same_day_procedures,
        kinds_off=settings.kinds_off,
        result_hold=settings.result_hold,
    )
    counts: dict[str, int] = {}
    told: dict[tuple[str, int], Fate] = {}
    for message in rehearse(facts, steps, period.end, planning_rules()):
        number = counts[message.kind] = counts.get(message.kind, 0) + 1
        if message.at < period.start:
            continue
        words = {"dossier_code": dossier.dossier_code, "agency_name": dossier.agency_name}
        goes = message.end == "would_go"
        segments = render(templates[message.kind], words, settings.accented).segments if goes else 0
        told[message.kind, number] = Fate(message, segments)
    return told
