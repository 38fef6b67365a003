"""Prove that the apologies of 17:30 are right over a year of simulated days, by an independent oracle.

Desks sometimes write only a row or only a step of a dossier, commit late, undo steps and move due dates. Airflow, each
source and the gateway have outages at random times; the run of an evening is sometimes repeated or backfilled. The real
jobs run on a real ledger and get the simulated time as an argument. The oracle knows what was written, when each source
was read and when runs took place. From the wording of the rules the oracle derives which apologies must exist, and the
final state of each apology. The oracle shares no code with the system: it has its own calendar and its own rules.
"""

from __future__ import annotations

import contextlib
import random
import tempfile
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from functools import partial
from pathlib import Path
from typing import Any, Literal
from zoneinfo import ZoneInfo

import psycopg

from motcua.domain import apologies
from motcua.domain.run_window import EVERYTHING, Window
from motcua.jobs.notices import apologizing
from motcua.jobs.notices.apologizing import apologize
from motcua.jobs.notices.picking_up import SourceFailed
from motcua.jobs.notices.sending.sender import send
from motcua.jobs.tasks.apologize_due_tomorrow import read_source
from motcua.sandbox.network.scripted import ScriptedGateway
from motcua.store.ledger.database import connect
from motcua.store.notices.apologies import forecast
from tests.ground import Desks, OneStop, off_balance, one_stops, quiet_logs
from tests.prove import Figure, equal, none, noted
from tests.prove.worlds.ledgers import notice_mistakes, proving_ledger, proving_server, replacing

ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
FIRST, DAYS = date(2015, 12, 28), 366
"""First day, and number of days, of a year that is long past.

A source's cursor, the newest time that was read from the source, is therefore never later than the server's own clock.
"""
SAME_DAYS = 12
"""Number of days at the beginning that have the same outages in every simulation."""
LANDLINE = "02583822001"

# ------------------------------------------------------------------------------------------- the calendar, typed again

OFF = {
    date(2016, month, day)
    for month, days in {1: (1,), 2: (8, 9, 10, 11, 12), 4: (18, 25), 5: (2, 3), 9: (2,), 11: (18,)}.items()
    for day in days
}
SWAPPED = {date(2016, 4, 23), date(2016, 11, 26)}
"""Saturdays worked in place of 25 April and 18 November, by decisions that this simulation invents."""
OWN_CLOSING = {date(2016, 6, 15), date(2016, 6, 16)}
"""Days on which only agency C is closed; agency C also works on Saturday mornings."""

Mode = Literal["calendar", "working_day"]


@dataclass(frozen=True)
class Office:
    code: str
    source: str
    accented: bool
    mode: Mode
    """Whether an evening's apologies cover the due dates of the next day, or of all days up to the next working day."""
    mode_changes: date | None = None
    """Day from whose noon on the office has the other ``mode``."""
    enabled_on: date | None = None
    """Day from whose evening on the office takes part; ``None`` if it takes part from the beginning."""
    off_from: date | None = None
    """Day from whose noon on apologies are switched off for three weeks."""

    def mode_at(self, moment: datetime) -> Mode:
        if self.mode_changes is None or moment < _at(self.mode_changes, 12):
            return self.mode
        return "working_day" if self.mode == "calendar" else "calendar"

    def is_off_at(self, moment: datetime) -> bool:
        if self.off_from is None:
            return False
        return _at(self.off_from, 12) <= moment < _at(self.off_from + timedelta(days=21), 12)

    def works_on(self, day: date) -> bool:
        if day in OFF or (self.code == "C" and day in OWN_CLOSING):
            return False
        return day.weekday() < 5 or day in SWAPPED or (self.code == "C" and day.weekday() == 5)


def _at(day: date, hour: int = 17, minute: int = 30, second: int = 0) -> datetime:
    return datetime.combine(day, time(hour, minute, second), ZONE)


# ---------------------------------------------------------------------------------------------------------- the world


@dataclass
class Row:
    """The values of a dossier's row at the source from a moment on."""

    at: datetime
    status: int
    due_at: datetime | None
    returned_at: datetime | None


@dataclass
class Step:
    """A transition, and the time from which the system can read it."""

    number: int
    recorded: datetime
    status: int
    desk: bool
    visible: datetime


@dataclass
class Life:
    """A dossier with everything that was ever written about it."""

    office: Office
    code: str
    phone: str | None
    received: datetime
    rows: list[Row] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)


class World:
    """Invents lives, outages and runs from one seed."""

    def __init__(self, seed: int, days: int) -> None:
        self.random = random.Random(seed)
        self.days = [FIRST + timedelta(days=n) for n in range(days)]
        middle, late = self.days[len(self.days) // 2], self.days[len(self.days) * 2 // 3]
        self.offices = [
            Office("A", "one", False, "calendar", off_from=late),
            Office("B", "one", True, "working_day", enabled_on=self.days[min(9, days // 4)]),
            Office("C", "two", False, "working_day"),
            Office("D", "two", False, "calendar", mode_changes=middle),
        ]
        self.number = 1
        self.lives = [self._draw_life(office, day, n) for day in self.days for office in self.offices for n in range(3)]
        self.outages = {
            what: self._draw_outages(every, what == "airflow")
            for what, every in (("airflow", 9), ("one", 11), ("two", 11), ("gateway", 8))
        }
        # The first days have the same outages in every world. The gateway is away over an evening, a source over a
        # night, Airflow until the night before a long weekend, a source for two hours, and Airflow for almost two days.
        for what, day, hour, minutes in (
            ("gateway", 1, 17, 210), ("two", 2, 16, 1020), ("airflow", 3, 17, 280), ("one", 7, 17, 120),
            ("airflow", 9, 16, 2400),
        ):  # fmt: skip
            begin = _at(self.days[day], hour, 0)
            self.outages[what].append((begin, begin + timedelta(minutes=minutes)))

    def _moment(self, day: date, first: int, last: int) -> datetime:
        seconds = self.random.randint(first * 60, last * 60)
        return _at(day, 0, 0) + timedelta(seconds=seconds)

    def _draw_life(self, office: Office, day: date, n: int) -> Life:
        lot = self.random
        phone = lot.choices([f"09051{lot.randint(10000, 99999)}", None, LANDLINE], [18, 1, 1])[0]
        received = self._moment(day, 17 * 60 + 20, 17 * 60 + 40) if lot.random() < 0.1 else self._moment(day, 420, 1020)
        life = Life(office, f"{office.code}-{day:%m%d}-{n}", phone, received)
        due = self._draw_due_time(day + timedelta(days=lot.choices([0, 1, 2, 3, 4, 5, 6, 7, 9, 11], [1, *[4] * 9])[0]))
        life.rows.append(Row(received, 2, due, None))
        self._add_step(life, received, 2, False)
        moments = sorted(
            self._draw_moment_of_event(received, due) for _ in range(lot.choices([0, 1, 2, 3, 4], [2, 3, 3, 2, 1])[0])
        )
        for moment in moments:
            if moment > received:
                self._add_event(life, moment)
        # The one-stop software overwrites the row at once, so the row's versions are ordered by their time.
        life.rows.sort(key=lambda row: row.at)
        return life

    def _draw_due_time(self, day: date) -> datetime:
        hour, minute = self.random.choice([(16, 30), (16, 30), (11, 30), (0, 0), (23, 59)])
        return _at(day, hour, minute)

    def _draw_moment_of_event(self, received: datetime, due: datetime) -> datetime:
        """Draw the moment of an event, most often close to an evening before the due day."""
        lot = self.random
        day = due.date() - timedelta(days=lot.choice([1, 1, 1, 2, 3]))
        share = lot.random()
        if share < 0.3:
            return self._moment(day, 17 * 60 + 20, 17 * 60 + 40)
        if share < 0.34:
            return _at(day)
        if share < 0.5:
            return self._moment(day, 17 * 60 + 30, 21 * 60)
        if share < 0.6:
            return self._moment(due.date(), 7 * 60, 12 * 60)
        span = max(60, int((due + timedelta(days=2) - received).total_seconds()))
        return received + timedelta(seconds=lot.randint(1, span))

    def _add_event(self, life: Life, moment: datetime) -> None:
        lot = self.random
        last = max(life.rows, key=lambda row: row.at)
        if lot.random() < 0.2:
            first = life.rows[0].due_at
            assert first is not None
            moved = self._draw_due_time(
                (last.due_at or first).date() + timedelta(days=lot.choice([-2, -1, 1, 1, 2, 3, 5]))
            )
            due_at = lot.choices([moved, first, None], [8, 2, 1])[0]
            self._add_row(life, moment, last.status, due_at, last.returned_at)
            return
        status = lot.choices([4, 9, 5, 6, 8, 3, 7, 2, 10], [35, 28, 10, 3, 4, 2, 2, 6, 5])[0]
        desk = status in (5, 9, 10) and lot.random() < 0.8
        returned = moment if status == 10 else last.returned_at
        halves = lot.choices(["both", "transition", "row", "row later", "transition later"], [45, 15, 15, 15, 10])[0]
        later = moment + timedelta(seconds=lot.randint(1, 1200))
        if halves != "row":
            self._add_step(life, later if halves == "transition later" else moment, status, desk)
        if halves != "transition":
            self._add_row(life, later if halves == "row later" else moment, status, last.due_at, returned)

    def _add_row(
        self, life: Life, moment: datetime, status: int, due_at: datetime | None, returned: datetime | None
    ) -> None:
        # Make sure that two changes of one row never have the same time.
        while any(row.at == moment for row in life.rows):
            moment += timedelta(seconds=1)
        life.rows.append(Row(moment, status, due_at, returned))

    def _add_step(self, life: Life, moment: datetime, status: int, desk: bool) -> None:
        late = self.random.randint(1, 540) if self.random.random() < 0.1 else 0
        life.steps.append(Step(0, moment, status, desk, moment + timedelta(seconds=late)))

    def number_steps(self) -> None:
        """Number the steps in the order of writing, which may differ from the order of commits."""
        for source in ("one", "two"):
            steps = [step for life in self.lives if life.office.source == source for step in life.steps]
            for number, step in enumerate(sorted(steps, key=lambda step: step.recorded), 10):
                step.number = number

    def _draw_outages(self, every: int, long_too: bool) -> list[tuple[datetime, datetime]]:
        found = []
        for day in self.days[SAME_DAYS:]:
            if self.random.random() < 1 / every:
                begin = self._moment(day, 12 * 60, 20 * 60)
                hours = self.random.choice([0.3, 1, 2, 4, 8, 16, 30])
                if long_too and self.random.random() < 0.1:
                    hours = 24 * self.random.randint(2, 5)
                found.append((begin, begin + timedelta(hours=hours)))
        return found

    def is_out(self, what: str, moment: datetime) -> bool:
        return any(begin <= moment < end for begin, end in self.outages[what])


# ------------------------------------------------------------------------------------------------------------- the runs


@dataclass(frozen=True)
class Run:
    """A run of the DAG that sends messages, or of the DAG that plans apologies."""

    at: datetime
    kind: Literal["evening", "notify", "backfill"]
    day: date | None = None
    """Day that the backfill is for; ``None`` for other runs."""


def plan_runs(world: World) -> list[Run]:
    """Return the runs: those of the schedule, those started by hand, and those that make up for missed runs."""
    lot, runs = world.random, []
    for day in world.days:
        notify = [_at(day, 12, 0)]
        for chance, hour, minute in (
            (0.4, 7, 5), (0.2, 17, 29), (0.7, 17, 36), (0.4, 18, 30), (0.3, 20, 10), (0.2, 20, 59), (0.2, 21, 10),
            (0.1, 23, 0),
        ):  # fmt: skip
            if lot.random() < chance:
                notify.append(_at(day, hour, minute, lot.randint(0, 59)))
        runs += [Run(moment, "notify") for moment in notify]
        runs.append(Run(_at(day, 17, 30, 5), "evening"))
        if lot.random() < 0.15:
            runs.append(Run(world._moment(day, 8 * 60, 20 * 60), "evening"))
        if lot.random() < 0.15:
            runs.append(Run(world._moment(day, 8 * 60, 20 * 60), "backfill", day - timedelta(days=lot.randint(1, 6))))
    runs = [run for run in runs if not world.is_out("airflow", run.at)]
    for begin, end in world.outages["airflow"]:
        if not world.is_out("airflow", end):
            # Airflow makes up only for the latest run that it missed.
            missed = [day for day in world.days if begin <= _at(day, 17, 30, 5) < end]
            runs += [Run(end, "evening")] if missed else []
            runs.append(Run(end + timedelta(seconds=30), "notify"))
    last = _at(world.days[-1] + timedelta(days=1), 8, 0)
    for what in ("airflow", "one", "two"):
        world.outages[what] = [(begin, min(end, last)) for begin, end in world.outages[what] if begin < last]
    runs = sorted((run for run in runs if run.at < last), key=lambda run: run.at)
    return [*runs, Run(last + timedelta(minutes=30), "notify")]


QUIET_FROM, QUIET_UNTIL = 21, 7


def _is_quiet(moment: datetime) -> bool:
    return moment.astimezone(ZONE).hour >= QUIET_FROM or moment.astimezone(ZONE).hour < QUIET_UNTIL


# ----------------------------------------------------------------------------------------------------------- the oracle


@dataclass
class Apology:
    evening: date
    state: str
    reason: str | None
    useful_until: datetime


class Oracle:
    """Derives from the wording of the rules what must have happened."""

    def __init__(self, world: World, runs: list[Run], read: dict[str, list[datetime]]) -> None:
        self.world, self.runs, self.read = world, runs, read
        self.apologies: dict[tuple[str, date], Apology] = {}
        self.evenings: dict[tuple[str, date], str] = {}
        self.not_before: dict[tuple[str, date], datetime] = {}
        """(dossier, due day) → time before which this apology must not be sent."""
        self.about: dict[tuple[str, date], tuple[date, date]] = {}
        """(agency, due date) → the evening whose apologies cover this date, and the last due date of that evening."""
        self.lives = {life.code: life for life in world.lives}
        self.lives_due: dict[tuple[str, date], list[Life]] = defaultdict(list)
        """(agency, day) → dossiers that were ever due on this day."""
        for life in world.lives:
            for day in {row.due_at.astimezone(ZONE).date() for row in life.rows if row.due_at}:
                self.lives_due[life.office.code, day].append(life)

    # --- state of a dossier at a moment

    def _seen_rows(self, life: Life, until: datetime) -> list[Row]:
        """Return the versions of the dossier's row that pick-ups found up to a moment, in order of time."""
        seen: list[Row] = []
        for moment in self.read[life.office.source]:
            if moment > until:
                break
            written = [row for row in life.rows if row.at <= moment]
            if written and (not seen or seen[-1] is not written[-1]):
                seen.append(written[-1])
        return seen

    def _state_at(
        self, life: Life, moment: datetime, until: datetime
    ) -> tuple[datetime | None, int | None, bool] | None:
        """Return the due time and the status at a moment, and whether the dossier was handed over by then.

        Only data that was read up to ``until`` counts.
        """
        readings = [read for read in self.read[life.office.source] if read <= until]
        seen = self._seen_rows(life, until)
        if not readings or not seen:
            return None
        of_then = [row for row in seen if row.at <= moment]
        steps = [step for step in life.steps if step.visible <= readings[-1] and step.recorded <= moment]
        step = max(steps, key=lambda step: step.number, default=None)
        if not of_then:
            return seen[0].due_at, step.status if step else None, False
        row = of_then[-1]
        status = step.status if step is not None and step.recorded > row.at else row.status
        handed_over = (
            row.returned_at is not None
            and row.returned_at <= moment
            and not (step is not None and step.recorded > row.returned_at)
        )
        return row.due_at, status, handed_over

    # --- the evenings

    def run(self) -> None:
        """Go through the runs in their order."""
        for run in self.runs:
            for office in self.world.offices:
                for day in self._days_to_settle(office, run):
                    self._settle_evening(office, day, run.at)
            if not self.world.is_out("gateway", run.at):
                self._send(run.at)

    def _first_evening_from(self, office: Office) -> datetime | None:
        first = min(life.rows[0].at for life in self.world.lives if life.office is office)
        for moment in self.read[office.source]:
            if first <= moment:
                enabled = _at(office.enabled_on) if office.enabled_on else moment
                return max(moment, enabled)
        return None

    def _days_to_settle(self, office: Office, run: Run) -> list[date]:
        begins = self._first_evening_from(office)
        if begins is None or begins > run.at:
            return []
        if run.kind == "backfill":
            days = [run.day]
        else:
            reached = run.at - timedelta(minutes=5) if run.kind == "notify" else run.at
            days = [day for day in self.world.days if _at(day) <= reached]
        return [day for day in days if day and _at(day) >= begins and (office.code, day) not in self.evenings]

    def _settle_evening(self, office: Office, day: date, now: datetime) -> None:
        evening = _at(day)
        mode = office.mode_at(now)
        if mode == "working_day" and not office.works_on(day):
            self.evenings[office.code, day] = "day_off"
            return
        due = [day + timedelta(days=1)]
        if mode == "working_day":
            while not office.works_on(due[-1]):
                due.append(due[-1] + timedelta(days=1))
        # Quiet hours begin at 21:00 and end at 7:00, when desks open. The last chance for an apology is therefore 21:00
        # on the day before the last due day.
        useful_until = _at(due[-1] - timedelta(days=1), QUIET_FROM, 0)
        too_late = now >= useful_until
        last_read = max((moment for moment in self.read[office.source] if moment <= now), default=None)
        if last_read is None or last_read < evening:
            return
        if not too_late and (last_read < now - timedelta(minutes=10) or _is_quiet(now)):
            return
        self.evenings[office.code, day] = "missed" if too_late else "done"
        for due_day in due:
            self.about.setdefault((office.code, due_day), (day, due[-1]))
        candidates = {life.code: life for due_day in due for life in self.lives_due[office.code, due_day]}
        for life in candidates.values():
            stood = self._state_at(life, evening, last_read)
            if stood is None:
                continue
            due_at, status, handed_over = stood
            due_day = due_at.astimezone(ZONE).date() if due_at else None
            if due_day not in due or due_day is None or status not in (2, 4) or handed_over:
                continue
            if life.received.date() >= due_day or (life.code, due_day) in self.apologies:
                continue
            state, reason = ("expired", "missed") if too_late else ("queued", None)
            if life.phone is None or life.phone == LANDLINE:
                state, reason = "suppressed", "missing" if life.phone is None else "landline"
            if office.is_off_at(now):
                state, reason = "suppressed", "kind_off"
            self.apologies[life.code, due_day] = Apology(day, state, reason, useful_until)

    def _send(self, now: datetime) -> None:
        for (code, due_day), apology in self.apologies.items():
            if apology.state != "queued" or self.not_before.get((code, due_day), now) > now:
                continue
            life = self.lives[code]
            stood = self._state_at(life, now + timedelta(days=9), now)
            assert stood is not None
            due_at, status, handed_over = stood
            holds = status in (2, 4) and due_at is not None and due_at.astimezone(ZONE).date() == due_day
            if not holds or handed_over:
                apology.state, apology.reason = "cancelled", "*"
            elif life.office.is_off_at(now):
                apology.state, apology.reason = "suppressed", "kind_off"
            elif apology.useful_until <= now:
                apology.state, apology.reason = "expired", "too_late"
            elif _is_quiet(now):
                today = now.astimezone(ZONE)
                morning = today.date() + timedelta(days=today.hour >= QUIET_FROM)
                self.not_before[code, due_day] = _at(morning, QUIET_UNTIL, 0)
            elif not any(now - timedelta(minutes=10) <= when <= now for when in self.read[life.office.source]):
                self.not_before[code, due_day] = now + timedelta(minutes=1)
            else:
                apology.state = "accepted"

    # --- the forecast

    def forecast(self, now: datetime) -> Counter[tuple[str, str]]:
        """Count late dossiers and apologies by (agency, outcome), of due days that are over.

        A sent apology is ``right``, ``wrong`` (the dossier had its result in time) or ``stopped`` (the dossier was no
        longer in process). A late dossier without a sent apology is ``missed``.
        """
        found: Counter[tuple[str, str]] = Counter()
        first = {office.code: min((day for code, day in self.evenings if code == office.code), default=None)
                 for office in self.world.offices}  # fmt: skip
        for life in self.world.lives:
            begun = first[life.office.code]
            days = {row.due_at.astimezone(ZONE).date() for row in self._seen_rows(life, now) if row.due_at}
            for due_day in days:
                _, judged = self.about.get((life.office.code, due_day), (None, due_day))
                if begun is None or due_day <= begun or _at(judged + timedelta(days=1), 0, 0) > now:
                    continue
                end = _at(judged + timedelta(days=1), 0, 0) - timedelta(microseconds=1)
                stood = self._state_at(life, end, now)
                assert stood is not None
                due_at, status, handed_over = stood
                has_result = status in (9, 10) or handed_over
                apology = self.apologies.get((life.code, due_day))
                if apology is not None and apology.state == "accepted":
                    outcome = "wrong" if has_result else "right" if status in (2, 4) else "stopped"
                    found[life.office.code, outcome] += 1
                elif status in (2, 4) and not has_result and due_at and due_at.astimezone(ZONE).date() == due_day:
                    found[life.office.code, "missed"] += 1
        return found


# ----------------------------------------------------------------------------------------------------- the real system


def begin_before(desk: OneStop, at: datetime) -> None:
    """Write the oldest dossier of all, of an unknown agency, so that the first pick-up begins with this dossier."""
    desk.both(2, "first", "nobody", desk=False, at=at, status_code=2, updated_at=at)


class Stage:
    """The sources and the ledger of a world, at a time that advances from run to run."""

    def __init__(self, world: World, desks: Desks, ledger_dsn: str) -> None:
        self.world, self.desks = world, desks
        self.ledger = psycopg.connect(ledger_dsn, autocommit=True)
        for name in ("one", "two"):
            begin_before(self.desks[name], datetime(2015, 12, 1, tzinfo=ZONE))
        self._configure()
        self.writes = sorted(self._writes_at_sources(), key=lambda write: write[0])
        self.changes = self._changes_by_department()
        self.read: dict[str, list[datetime]] = {"one": [], "two": []}

    def _configure(self) -> None:
        for year in (2015, 2016, 2017):
            self.ledger.execute(
                "INSERT INTO motcua.calendar_years (province, year, package) VALUES ('khanh_hoa', %s, 'typed')", (year,)
            )
        for day in sorted(OFF | SWAPPED):
            self.ledger.execute(
                "INSERT INTO motcua.calendar_days (province, day, origin, opening, reason, authority)"
                " VALUES ('khanh_hoa', %s, %s, %s, 'x', 'x')",
                (day, "decision" if day in SWAPPED else "package", "full" if day in SWAPPED else "closed"),
            )
        for office in self.world.offices:
            enabled = _at(office.enabled_on) if office.enabled_on else _at(FIRST, 0, 0)
            self.ledger.execute(
                "INSERT INTO motcua.agencies (agency_code, name, enabled_from, accented, apology_day)"
                " VALUES (%s, %s, %s, %s, %s)",
                (office.code, f"Cơ quan {office.code}", enabled, office.accented, office.mode),
            )
        self.ledger.execute(
            "INSERT INTO motcua.office_hours (agency_code, valid_from, opens, morning_ends, afternoon_begins, closes,"
            " saturday_mornings, authority) VALUES ('C', '2015-01-01', '7:00', '11:30', '13:30', '17:00', TRUE, 'x')"
        )
        for day in sorted(OWN_CLOSING):
            self.ledger.execute(
                "INSERT INTO motcua.calendar_days (agency_code, day, origin, opening, reason, authority)"
                " VALUES ('C', %s, 'agency', 'closed', 'x', 'x')",
                (day,),
            )

    def _writes_at_sources(self) -> Iterator[tuple[datetime, Callable[[], object]]]:
        """Yield each write at the sources, with the time from which the system can see it."""
        for life in self.world.lives:
            desk, key = self.desks[life.office.source], (life.code, life.office.code)
            typed = {"applicant_phone": life.phone, "phone_entered_at": life.received, "received_at": life.received}
            for row in life.rows:
                values = typed | {
                    "due_at": row.due_at, "status_code": row.status, "at_one_stop_desk": row.status in (9, 10),
                    "returned_at": row.returned_at, "updated_at": row.at,
                }  # fmt: skip
                yield row.at, partial(desk.dossier, *key, **values)
            for step in life.steps:
                yield (
                    step.visible,
                    partial(desk.move, step.status, *key, desk=step.desk, at=step.recorded, number=step.number),
                )

    def _changes_by_department(self) -> list[tuple[datetime, str, tuple[Any, ...]]]:
        """Return the changes that the Department makes in the course of the year."""
        changes: list[tuple[datetime, str, tuple[Any, ...]]] = []
        for office in self.world.offices:
            if office.mode_changes:
                moment = _at(office.mode_changes, 12)
                mode = office.mode_at(moment)
                changes.append((moment, "UPDATE motcua.agencies SET apology_day = %s WHERE agency_code = %s",
                                (mode, office.code)))  # fmt: skip
            if office.off_from:
                sql = "UPDATE motcua.agencies SET kinds_off = %s, kinds_off_reason = %s WHERE agency_code = %s"
                changes.append((_at(office.off_from, 12), sql, (["apology"], "x", office.code)))
                changes.append((_at(office.off_from + timedelta(days=21), 12), sql, ([], None, office.code)))
        return sorted(changes, key=lambda change: change[0])

    def advance(self, moment: datetime) -> None:
        while self.changes and self.changes[0][0] <= moment:
            _, sql, values = self.changes.pop(0)
            self.ledger.execute(sql, values)
        done = 0
        for visible, write in self.writes:
            if visible > moment:
                break
            write()
            done += 1
        del self.writes[:done]

    def perform(self, run: Run) -> None:
        """Call the jobs of one run as its DAG would."""
        self.advance(run.at)
        window = EVERYTHING
        if run.day is not None:
            window = Window(_at(run.day - timedelta(days=1)), _at(run.day))
        for name in ("one", "two"):
            self.desks.reach(name, not self.world.is_out(name, run.at))
            with contextlib.suppress(SourceFailed):
                read_source(name, window, run.at)
                self.read[name].append(run.at)
        apologize(window, run.at, left_over=run.kind == "notify")
        if not self.world.is_out("gateway", run.at) and self._is_something_queued():
            send(f"run {run.at.isoformat()}", clock=lambda: run.at)

    def _is_something_queued(self) -> bool:
        return bool(self.ledger.execute("SELECT FROM motcua.messages WHERE state = 'queued' LIMIT 1").fetchall())


def simulate(seed: int, days: int, admin_dsn: str, ledger_dsn: str, *, quiet: bool = False) -> list[Figure]:
    """Simulate ``days`` days on the migrated, empty ledger of the connection ``motcua_db``.

    Return the rows that compare the ledger with the oracle. The first differences are printed unless ``quiet``.
    """
    world = World(seed, days)
    world.number_steps()
    runs = plan_runs(world)
    with quiet_logs(), one_stops(admin_dsn, ("one", "two"), gateway={"concurrency": 4}) as desks:
        stage = Stage(world, desks, ledger_dsn)
        with stage.ledger:
            for run in runs:
                stage.perform(run)
            return _judge(world, runs, stage, desks.gateway, 0 if quiet else 5)


def _judge(world: World, runs: list[Run], stage: Stage, gateway: ScriptedGateway, shown: int) -> list[Figure]:
    oracle = Oracle(world, runs, stage.read)
    oracle.run()
    rows = stage.ledger.execute(
        "SELECT d.dossier_code, m.occasion, m.state, m.reason, m.recorded_at, m.text"
        " FROM motcua.messages AS m INNER JOIN motcua.dossiers AS d USING (dossier_id) WHERE m.kind = 'apology'"
    ).fetchall()
    real = {
        (code, date.fromisoformat(occasion.removeprefix("due "))): (
            recorded.astimezone(ZONE).date(),
            state,
            "*" if state == "cancelled" else reason,
        )
        for code, occasion, state, reason, recorded, _ in rows
    }
    must = {key: (apology.evening, apology.state, apology.reason) for key, apology in oracle.apologies.items()}
    differing = sorted(key for key in real.keys() | must.keys() if real.get(key) != must.get(key))
    for code, due_day in differing[:shown]:
        print(f"{code} due {due_day}: is {real.get((code, due_day))}, must be {must.get((code, due_day))}")
    wrong_dates = sum(
        f" {day.day}/{day.month}/{day.year}." not in text
        for (_, day), text in zip(real, (row[5] for row in rows), strict=True)
    )
    evenings = {
        (code, day): state
        for code, day, state in stage.ledger.execute("SELECT agency_code, day, state FROM motcua.apology_evenings")
    }
    of_evenings = sum(evenings.get(key) != oracle.evenings.get(key) for key in evenings.keys() | oracle.evenings.keys())
    end = runs[-1].at
    with connect() as ledger:
        counted: Counter[tuple[str, str]] = Counter()
        reasons: Counter[str] = Counter()
        for row in forecast(ledger, world.days[0], world.days[-1] + timedelta(days=30), end):
            counted[row.agency_code, row.outcome] += row.dossiers
            reasons[str(row.reason)] += row.dossiers
    expected = oracle.forecast(end)
    of_forecast = sum(abs(counted[key] - expected[key]) for key in counted.keys() | expected.keys())
    states = Counter(state if reason != "missed" else "missed" for _, state, reason in must.values())
    sent = Counter(asked["to"] + asked["text"] for asked in gateway.asked)
    accepted = states["accepted"]

    caught_up = sum(1 for state in oracle.evenings.values() if state == "done")
    return [
        noted("dossiers, days, runs", f"{len(world.lives)}, {len(world.days)}, {len(runs)}"),
        noted("apologies that must exist", ", ".join(f"{n} {s}" for s, n in states.most_common())),
        noted("evenings settled, missed", f"{caught_up}, {sum(s == 'missed' for s in evenings.values())}"),
        none("apologies that differ from the oracle's (evening, state, reason)", len(differing)),
        none("evenings that are recorded otherwise than by the oracle", of_evenings),
        none("texts without the dossier's due date", wrong_dates),
        equal("SMS at the gateway", sum(sent.values()), accepted),
        none("SMS sent twice", sum(n - 1 for n in sent.values())),
        none("difference of the accounting identity", off_balance()),
        none("dossiers that the forecast counts otherwise than the oracle", of_forecast),
        none("late dossiers without a reason found", reasons["forgotten"]),
    ]


# ------------------------------------------------------------------------------------------------- mistakes on purpose


def _only_the_last_day(mode: Mode, calendar: Any, run_day: date, covered_until: date | None = None) -> Any:
    """Return only the last due day, without the days off before it; the proof must notice this planted mistake."""
    due = REAL_DUE_DAYS(mode, calendar, run_day, covered_until)
    return None if due is None else replace(due, first=due.last)


def _candidates_by_present(connection: Any, agency_code: str, due: Any, evening_at: datetime) -> Any:
    """Return the candidates as of thirty days after the evening; the proof must notice this planted mistake."""
    return REAL_CANDIDATES(connection, agency_code, due, evening_at + timedelta(days=30))


REAL_DUE_DAYS, REAL_CANDIDATES, REAL_RULES = apologizing.due_days, apologizing.candidates, apologizing.apology_rules

MISTAKES = {
    "suspended dossiers count as in process": replacing(apologies, "BEING_WORKED_ON", frozenset({2, 4, 5})),
    "days off before a working day are forgotten": replacing(apologizing, "due_days", _only_the_last_day),
    "late evenings are judged by present data": replacing(apologizing, "candidates", _candidates_by_present),
    "apologies are sent on old data": replacing(apologizing._Evening, "why_not_yet", lambda evening, sources: None),
    "quiet hours are ignored": replacing(
        apologizing, "apology_rules", lambda: replace(REAL_RULES(), quiet=apologies.QuietHours(time(0), time(0)))
    ),
    "apologies that are too late are sent": replacing(
        apologizing, "useful_until", lambda *arguments: apologies.useful_until(*arguments) + timedelta(days=1)
    ),
}


def _figure_of_mistakes(seed: int, admin_dsn: str) -> Figure:
    def falls_short(ledger: str) -> bool:
        return not all(figure.ok for figure in simulate(seed, SAME_DAYS, admin_dsn, ledger, quiet=True))

    return notice_mistakes(admin_dsn, MISTAKES, falls_short)


# ------------------------------------------------------------------------------------------------------------ the table


def figures(seed: int, share: float = 0.5) -> list[Figure]:
    """Simulate ``share`` of the year, from its beginning.

    The first half of the year has Tết, a swapped Saturday, and days on which only one agency is closed.
    """
    with tempfile.TemporaryDirectory(prefix="motcua-prove-") as folder, proving_server(Path(folder)) as admin_dsn:
        with proving_ledger(admin_dsn, "year") as ledger:
            found = simulate(seed, round(DAYS * share), admin_dsn, ledger)
        return [*found, _figure_of_mistakes(seed, admin_dsn)]
