"""Generate the events at the desks of a province, dossier by dossier, without product code.

A dossier with all its events is a "life". Days are divided into slots. At the end of each slot the system's jobs run;
the last event of a slot happens some minutes before its end.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

ZONE: Final = ZoneInfo("Asia/Ho_Chi_Minh")
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
QUIET: Final = 8 * MINUTE
"""Time before a run of the jobs in which no event happens, so that clients can repeat failed calls."""
LANDLINE: Final = "02583822334"
_RUNS: Final = (time(8), time(9, 30), time(11), time(13, 30), time(15), time(16, 30), time(17, 31), time(20))
_RUNS_OF_WEEKENDS: Final = (time(17, 31),)
_EVENING: Final = time(17, 31)


@dataclass(frozen=True)
class Office:
    """An agency, and the client that pushes its dossiers."""

    code: str
    source: str
    client: str
    shape: str
    """Shape of the protocol: ``A``, ``B`` or ``C``."""


OFFICES: Final = (
    Office("000.00.01.H32", "hue", "hue_mot", "A"),
    Office("000.00.02.H32", "hue", "hue_mot", "A"),
    Office("000.00.03.H32", "hue", "hue_hai", "A"),
    Office("000.00.04.H32", "xa", "xa", "B"),
    Office("000.00.05.H32", "bo", "bo", "C"),
)
"""Agencies of the province. One client pushes for two agencies, and one source has two clients."""


@dataclass(frozen=True)
class Run:
    """A moment at which the system's jobs run, at the end of the slot ``number``."""

    number: int
    at: datetime
    is_evening: bool


@dataclass(frozen=True)
class Row:
    procedure: str
    name: str
    phone: str
    via: str
    received_at: datetime
    due_at: datetime | None
    status: int
    at_desk: bool
    step_name: str
    finished_at: datetime | None = None
    returned_at: datetime | None = None


@dataclass(frozen=True)
class Event:
    """A record that the desk wrote; ``row`` is the dossier's row from then on."""

    at: datetime
    """When the desk wrote the record."""
    slot: int
    row: Row
    occurred_at: datetime | None
    """When the step happened; ``None`` if there was no step and only the row was edited."""
    status: int = 0
    at_desk: bool = False


@dataclass
class Life:
    number: int
    office: Office
    code: str
    story: str
    events: list[Event] = field(default_factory=list)


def at(day: date, of_day: time) -> datetime:
    return datetime.combine(day, of_day, ZONE)


class Province:
    """All lives of a province, and the runs of the system.

    On each of ``working_days`` working days each agency receives ``per_day`` dossiers; afterwards lives go on for two
    more working days. Choose a first day long ago: all days must be over by the clocks of the databases.
    """

    def __init__(self, seed: int, first_day: date, working_days: int, per_day: int) -> None:
        self.random = random.Random(f"pushed province {seed}")
        self.days: list[date] = []
        day = first_day
        while len([each for each in self.days if each.weekday() < 5]) < working_days + 2:
            self.days.append(day)
            day += DAY
        self.runs = [
            Run(number, at(day, of_day), of_day == _EVENING)
            for number, (day, of_day) in enumerate(
                (day, of_day) for day in self.days for of_day in (_RUNS if day.weekday() < 5 else _RUNS_OF_WEEKENDS)
            )
        ]
        self.lives: list[Life] = []
        self._phones = 0
        working = [each for each in self.days if each.weekday() < 5]
        for office in OFFICES:
            # The first run of the jobs needs at least one dossier in each source.
            self._add_life("left", self._left, office, at(working[0], time(7, 31)))
            for day in working[:working_days]:
                for _ in range(per_day):
                    self._draw_life(office, day)

    def slot_of(self, moment: datetime) -> int | None:
        """Return the slot of a moment.

        The result is ``None`` if the moment is too close to a run, outside office hours, or after the last day.
        """
        for run in self.runs:
            if moment <= run.at:
                local = moment.astimezone(ZONE)
                at_work = local.weekday() < 5 and time(7, 30) <= local.time() <= time(17, 20)
                return run.number if at_work and moment <= run.at - QUIET else None
        return None

    def _draw_life(self, office: Office, day: date) -> None:
        stories = {
            "ordinary": (self._ordinary, 8),
            "asked for more": (self._asked_for_more, 3),
            "asked elsewhere": (self._asked_elsewhere, 2),
            "taken back": (self._taken_back, 3),
            "taken back untold": (self._taken_back_early, 2),
            "given twice": (self._given_twice, 2),
            "phone mended": (self._phone_mended, 2),
            "phone changed": (self._phone_changed, 2),
            "no phone": (self._no_phone, 2),
            "late": (self._late, 4),
            "due moved": (self._due_moved, 2),
            "stopped": (self._stopped, 2),
            "fetched untold": (self._fetched_early, 2),
            "typed in late": (self._typed_in_late, 2),
            "left": (self._left, 1),
        }
        (story,) = self.random.choices(list(stories), [weight for _, weight in stories.values()])
        received = at(day, time(7, 32)) + self.random.randrange(8 * 60) * MINUTE
        self._add_life(story, stories[story][0], office, received)

    def _add_life(self, story: str, build: Callable[[_LifeBuilder], None], office: Office, received: datetime) -> None:
        number = len(self.lives) + 1
        code = f"{office.code}-{received:%y%m%d}-{number:05}" if number % 3 else f"{office.code[7:9]}{number:07}"
        life = Life(number, office, code, story)
        self.lives.append(life)
        self._phones += 1
        row = Row(
            procedure=f"1.00{self.random.randrange(5)}",
            name=self.random.choice(("Nguyễn Thị Lan", "Trần Văn Hùng", "Lê Hoa")),
            phone=self.phone(),
            via=self.random.choice(("direct", "direct", "postal")),
            received_at=received,
            due_at=received + 9 * DAY,
            status=2,
            at_desk=False,
            step_name="Tiếp nhận",
        )
        build(_LifeBuilder(self, life, row, received))

    def phone(self) -> str:
        self._phones += 1
        return f"09{self.random.choice('0178')}{self._phones:07}"

    # --- stories

    def _ordinary(self, build: _LifeBuilder) -> None:
        build.step(2).work().step(9).hand_over()

    def _asked_for_more(self, build: _LifeBuilder) -> None:
        build.step(2).work().step(5, at_desk=True).later(HOUR, DAY).step(4).work().step(9).hand_over()

    def _asked_elsewhere(self, build: _LifeBuilder) -> None:
        build.step(2).work().step(5).later(HOUR, DAY).step(4).work().step(9)

    def _taken_back(self, build: _LifeBuilder) -> None:
        build.step(2).work().step(9).later(70 * MINUTE, 5 * HOUR).step(4)
        build.later(20 * MINUTE, 5 * HOUR).step(9).hand_over()

    def _taken_back_early(self, build: _LifeBuilder) -> None:
        """Take the result back some minutes later, mostly within the same slot, so that no message is due."""
        build.step(2).work().step(9).later(12 * MINUTE, 16 * MINUTE).step(4).later(HOUR, DAY).step(9)

    def _given_twice(self, build: _LifeBuilder) -> None:
        """Return the dossier to processing for some minutes, and then make its result ready again."""
        build.step(2).work().step(9).later(12 * MINUTE, 14 * MINUTE).step(4).later(12 * MINUTE, 14 * MINUTE).step(9)

    def _phone_mended(self, build: _LifeBuilder) -> None:
        build.row = replace(build.row, phone="")
        build.step(2).work().edit(phone=self.phone()).work().step(9)

    def _phone_changed(self, build: _LifeBuilder) -> None:
        """Change the phone number to a second number and back, and later to a third number."""
        first = build.row.phone
        build.step(2).work().edit(phone=self.phone()).later(HOUR, 4 * HOUR).edit(phone=first).work().step(9)
        build.later(70 * MINUTE, DAY).step(4).edit(phone=self.phone()).work().step(9)

    def _no_phone(self, build: _LifeBuilder) -> None:
        build.row = replace(build.row, phone=self.random.choice(("", LANDLINE, "không có")))
        build.step(2).work().step(9)

    def _late(self, build: _LifeBuilder) -> None:
        build.row = replace(build.row, due_at=_due(build.now.date() + self.random.choice((1, 2)) * DAY))
        build.step(2).work().later(DAY, 3 * DAY).step(9).hand_over()

    def _due_moved(self, build: _LifeBuilder) -> None:
        build.row = replace(build.row, due_at=_due(build.now.date() + 2 * DAY))
        build.step(2).work().edit(due_at=_due(build.now.date() + self.random.choice((1, 4)) * DAY)).later(DAY, 4 * DAY)
        build.step(9)

    def _stopped(self, build: _LifeBuilder) -> None:
        build.step(2).work().step(self.random.choice((3, 7)))

    def _fetched_early(self, build: _LifeBuilder) -> None:
        build.step(2).work().step(9).later(12 * MINUTE, 20 * MINUTE).hand_over(at_once=True)

    def _typed_in_late(self, build: _LifeBuilder) -> None:
        """After the result, record a step that happened at least a day before; leave the dossier's row unchanged."""
        build.step(2).work().later(DAY, 2 * DAY).step(9).later(12 * MINUTE, 2 * HOUR)
        build.step(4, occurred_at=build.life.events[0].at + 13 * MINUTE, keeps_row=True)

    def _left(self, build: _LifeBuilder) -> None:
        build.step(2).work()


def _due(day: date) -> datetime:
    return at(day, time(16, 30))


class _LifeBuilder:
    """Builds the events of one life, up to the last day."""

    def __init__(self, province: Province, life: Life, row: Row, now: datetime) -> None:
        self.province, self.life, self.row, self.now = province, life, row, now
        self._is_over = False

    def later(self, least: timedelta, most: timedelta) -> _LifeBuilder:
        self.now += least + self.province.random.randrange(int((most - least) / MINUTE) + 1) * MINUTE
        return self

    def work(self) -> _LifeBuilder:
        """Let time pass, as if somebody processed the dossier.

        At least 20 minutes pass before the next step. The times of the steps then show their order, even if the client
        makes its calls in another order.
        """
        if self.row.status != 4:
            self.later(20 * MINUTE, 5 * HOUR).step(4)
        return self.later(20 * MINUTE, 5 * HOUR)

    def step(
        self,
        status: int,
        *,
        at_desk: bool = False,
        occurred_at: datetime | None = None,
        keeps_row: bool = False,
        **changes: Any,
    ) -> _LifeBuilder:
        if self._can_go_on():
            is_at_desk = at_desk or status == 9
            if not keeps_row:
                words = {2: "Tiếp nhận", 4: "Thẩm định", 5: "Bổ sung", 9: "Trả kết quả"}.get(status, "Kết thúc")
                finished = self.now if status == 9 else None if status == 4 else self.row.finished_at
                self.row = replace(
                    self.row, status=status, at_desk=is_at_desk, step_name=words, finished_at=finished, **changes
                )
            self._write(occurred_at or self.now, status, is_at_desk)
        return self

    def edit(self, **changes: Any) -> _LifeBuilder:
        self.later(12 * MINUTE, HOUR)
        if self._can_go_on():
            self.row = replace(self.row, **changes)
            self._write(None, 0, False)
        return self

    def hand_over(self, *, at_once: bool = False) -> _LifeBuilder:
        """Let the citizen collect the result; in four of ten cases the citizen never comes."""
        if not at_once:
            if self.province.random.random() < 0.4:
                return self
            self.later(70 * MINUTE, DAY)
        self._find_slot()
        return self.step(10, returned_at=self.now)

    def _can_go_on(self) -> bool:
        self._find_slot()
        return not self._is_over

    def _find_slot(self) -> None:
        last = self.province.runs[-1].at
        while not self._is_over and self.province.slot_of(self.now) is None:
            self.now += MINUTE
            self._is_over = self.now > last

    def _write(self, occurred_at: datetime | None, status: int, is_at_desk: bool) -> None:
        # Times of the protocol are whole seconds. Delay the n-th event by n seconds, so that no two events of a life
        # have the same time.
        at = self.now + timedelta(seconds=len(self.life.events))
        slot = self.province.slot_of(self.now)
        assert slot is not None
        moment = occurred_at and (at if occurred_at == self.now else occurred_at)
        self.life.events.append(Event(at, slot, self.row, moment, status, is_at_desk))


def events_of(lives: Sequence[Life], slot: int) -> list[tuple[Life, Event]]:
    found = [(life, event) for life in lives for event in life.events if event.slot == slot]
    return sorted(found, key=lambda each: (each[1].at, each[0].number))
