"""What an agency would have sent yesterday under settings that are only typed, beside what it would have under its own.

The dry run of an agency (jobs/notices/dry_running.py) over the ledger's own steps instead of a source's: bounded, and
read by the pages' role. Nothing is written. Apologies are not part of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from motcua.domain.dossiers import Kind
from motcua.domain.occasions import PastTransition
from motcua.domain.periods import Period
from motcua.domain.texts import Template, render
from motcua.jobs.notices.dry_running import Rehearsed, rehearse
from motcua.jobs.notices.planning import planning_rules
from motcua.store.agencies import Agency
from motcua.store.ledger.database import Connection
from motcua.store.notices.dossiers import DossierToPlan, dossiers_stepped_between
from motcua.store.notices.templates import load_templates
from motcua.store.notices.transitions import histories

MOST_DOSSIERS: Final = 1000
"""Dossiers that are rehearsed: an agency that had more that day is told of these."""


@dataclass(frozen=True, slots=True)
class Told:
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
    now: Told | None
    """Under the settings in force; ``None``: there would have been no message."""
    typed: Told | None

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


def _fate(told: Told | None) -> tuple[object, ...] | None:
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


def _sum(told: Iterable[Told | None]) -> Sum:
    gone = [each for each in told if each is not None and each.message.end == "would_go"]
    return Sum(len(gone), sum(each.segments for each in gone))


def rehearse_day_before(
    connection: Connection, now: Agency, typed: Agency, moment: datetime, most: int = MOST_DOSSIERS
) -> Rehearsal:
    """What would have been sent on the day before ``moment``, each step planned when it was recorded.

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
    messages.sort(key=lambda each: (not each.is_changed, each.at, each.dossier_code))
    return Rehearsal(period, len(dossiers), len(found) <= most, is_enabled, tuple(messages))


def _rehearse(
    dossier: DossierToPlan,
    steps: list[PastTransition],
    settings: Agency,
    period: Period,
    templates: Mapping[str, Template],
    is_enabled: bool,
) -> dict[tuple[str, int], Told]:
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
    told: dict[tuple[str, int], Told] = {}
    for message in rehearse(facts, steps, period.end, planning_rules()):
        number = counts[message.kind] = counts.get(message.kind, 0) + 1
        if message.at < period.start:
            continue
        words = {"dossier_code": dossier.dossier_code, "agency_name": dossier.agency_name}
        goes = message.end == "would_go"
        segments = render(templates[message.kind], words, settings.accented).segments if goes else 0
        told[message.kind, number] = Told(message, segments)
    return told
