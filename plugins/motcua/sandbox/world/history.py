"""Invent what happened before the world begins: about 400 dossiers in all states, so that no page is empty."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import Any, Literal

from motcua.sandbox.world.happenings import Act, Dossier, Transition, condition, happen
from motcua.sandbox.world.lives import born, deal, life
from motcua.sandbox.world.procedures import ZONE, Agency, Pilot, in_office_hours, working_day

_Stage = Literal["moving", "resting", "waiting", "handed_over", "ended"]

BEFORE = timedelta(minutes=6)
"""Time between the end of the history and the beginning of the world. No official's clock is wrong by more than this
time."""


@dataclass(slots=True)
class Past:
    """A dossier with a past. ``to_come`` has its future acts, each with the seconds after the world's beginning."""

    dossier: Dossier
    to_come: list[tuple[float, Act]]
    transitions: list[Transition] = field(default_factory=list)
    rows: list[tuple[datetime, Dossier]] = field(default_factory=list)
    """The dossier's row at the source, each version with the moment from which it is valid."""
    ready_at: datetime | None = None
    handed_at: datetime | None = None
    events: list[tuple[datetime, str, dict[str, Any]]] = field(default_factory=list)

    def lived(self, act: Act, moment: datetime, random: Random) -> None:
        """Let an act happen at a moment."""
        effects = happen(self.dossier, act, moment, random)
        self.become(effects.dossier, moment)
        self.transitions += [effects.transition] if effects.transition else []
        self.ready_at = self.ready_at or effects.ready_at
        self.handed_at = self.handed_at or effects.handed_at
        # Events about how the source committed a move are left out, because they are of no use for old moves.
        self.events += [(moment, *event) for event in effects.events if not event[0].startswith("written_")]

    def become(self, dossier: Dossier, moment: datetime) -> None:
        """Set the dossier's row at the source as it is from a moment on."""
        self.dossier = dossier
        self.rows.append((moment, dossier))


def office_moments(random: Random, start: datetime, end: datetime, count: int) -> list[datetime]:
    """Return ``count`` moments between two moments, in order, within office hours if there are any."""
    span = (end - start).total_seconds()
    moments: list[datetime] = []
    for attempt in range(100 * count):
        moment = start + timedelta(seconds=random.uniform(0, span))
        if in_office_hours(moment) or attempt >= 99 * count:
            moments.append(moment)
        if len(moments) == count:
            break
    return sorted(moments)


def _received_at(random: Random, term: int, stage: _Stage, now: datetime) -> datetime:
    """Return a time of receipt whose due date fits the stage. Many due dates are today and tomorrow."""
    today = now.astimezone(ZONE).date()
    if stage in ("handed_over", "ended"):
        due_in = -random.randint(0, 8)
    else:
        due_in = random.choices((0, 1, random.randint(2, 8), -random.randint(1, 4)), weights=(22, 30, 33, 15))[0]
    day = working_day(working_day(today, due_in), -term) if due_in or term else today
    opening = datetime(day.year, day.month, day.day, 7, 30, tzinfo=ZONE)
    received = office_moments(random, opening, opening + timedelta(hours=9), 1)[0]
    return min(received, now - BEFORE - timedelta(minutes=random.uniform(10, 90)))


def _split_acts(random: Random, acts: list[Act], stage: _Stage) -> tuple[int, float]:
    """Return how many acts are in the past, and at which second of the dossier's life the world begins."""
    if stage in ("handed_over", "ended"):
        return len(acts), acts[-1].after
    if stage == "moving":
        age = random.uniform(0, acts[-1].after)
        done = sum(act.after <= age for act in acts)
        return done, age
    if stage == "waiting":
        results = [
            i for i, act in enumerate(acts) if act.move and condition(act.move.status, act.move.desk) == "result"
        ]
        done = results[-1] + 1
    else:
        open_moves = [i for i, act in enumerate(acts) if act.move and act.move.status in (1, 2, 4, 5, 6)]
        done = random.choice(open_moves) + 1
    # A resting or waiting dossier has some time before its next act.
    rest = random.uniform(30, 900) if stage == "waiting" else random.uniform(60, 3600)
    following = acts[done].after if done < len(acts) else acts[-1].after
    return done, following - rest


def _fits_stage(acts: list[Act], stage: _Stage) -> bool:
    statuses = [act.move.status for act in acts if act.move]
    if stage == "handed_over":
        return statuses[-1] == 10
    if stage == "ended":
        return statuses[-1] in (1, 3, 7, 8)
    return stage != "waiting" or any(a.move and a.move.truthful and a.move.status == 9 and a.move.desk for a in acts)


def _invented_past(
    random: Random,
    agency: Agency,
    pilot: Pilot,
    serial: Callable[[str, str], int],
    stage: _Stage,
    now: datetime,
) -> Past:
    procedure = random.choice(agency.procedures)
    received_at = _received_at(random, procedure.term, stage, now)
    dossier, acts = born(random, agency, pilot.unknown_agency, received_at, serial, procedure=procedure)
    while not _fits_stage(acts, stage):
        online = dossier.submitted_via == "online"
        acts = life(random, agency, procedure, online=online, mendable=not dossier.phone.good)
    done, age = _split_acts(random, acts, stage)
    past = Past(dossier, [(act.after - age, act) for act in acts[done:]])
    moments = [received_at, *office_moments(random, received_at, now - BEFORE, done - 1)]
    if len(moments) > 1 and acts[0].move and acts[0].move.status == 1:
        # An online dossier is accepted on the day it is sent. If it were accepted later, it would count for a day that
        # is closed already.
        moments[1] = min(moments[1], received_at + timedelta(minutes=20))
    for act, moment in zip(acts[:done], moments, strict=True):
        past.lived(act, moment, random)
    return past


def history(random: Random, pilot: Pilot, serial: Callable[[str, str], int], now: datetime, moving: int) -> list[Past]:
    """Return about 400 dossiers. ``moving`` of them continue at the world's pace, the others rest or are finished."""
    stages: dict[_Stage, int] = {
        "moving": moving,
        "resting": 120,
        "waiting": 50,
        "handed_over": 130,
        "ended": 24,
    }
    agencies = deal(random, pilot.shares)
    return [
        _invented_past(random, next(agencies), pilot, serial, stage, now)
        for stage, count in stages.items()
        for _ in range(count)
    ]
