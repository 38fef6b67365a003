"""Build a world of dossiers as they occur in reality; the dossiers without a defect ("clean") are of many kinds.

This module shares neither SQL nor thresholds with the rules that are tested, and has its own copy of the calendar.
"""

from __future__ import annotations

import math
import random
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta, timezone
from typing import Any, Final

ZONE = timezone(timedelta(hours=7))
TODAY = date(2026, 11, 25)
NOW = datetime.combine(TODAY, time(5, 30), ZONE)
"""A Wednesday morning. The day before was a day off, so Monday 23/11 was the last working day."""
FIRST = date(2026, 9, 3)
"""The first working day of the checked months."""
SECOND, MINUTE, HOUR, DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)

# ---------------------------------------------------------------------------------------- the calendar, typed again

OFF: Final = {date(2026, 8, 31), date(2026, 9, 1), date(2026, 9, 2), date(2026, 11, 24), date(2027, 1, 1)}
WORKED: Final = {date(2026, 8, 22)}
"""A Saturday worked in place of 31 August."""


@dataclass(frozen=True)
class Office:
    code: str
    users: int = 3
    saturdays: bool = False
    source: str = "mot_cua"

    def works(self, day: date) -> bool:
        return day not in OFF and (day.weekday() < 5 or day in WORKED or (self.saturdays and day.weekday() == 5))

    def shift(self, day: date, days: int) -> date:
        step = DAY if days > 0 else -DAY
        for _ in range(abs(days)):
            day += step
            while not self.works(day):
                day += step
        return day

    def back(self, days: int) -> date:
        """Return the day ``days`` working days before today, so that ``days - 1`` whole working days lie between."""
        return self.shift(TODAY, -days)

    def days(self, first: date, last: date) -> list[date]:
        return [day for day in (first + DAY * number for number in range((last - first).days + 1)) if self.works(day)]


def at(day: date, hour: int = 9, minute: int = 0, second: int = 0) -> datetime:
    return datetime.combine(day, time(hour, minute, second), ZONE)


# -------------------------------------------------------------------------------------------------------- the world


@dataclass(slots=True)
class Move:
    status: int
    when: datetime
    actor: str
    desk: bool
    note: str | None = None
    from_row: bool = False


@dataclass(slots=True)
class Life:
    """A dossier with everything that happened to it, and the rules that must find it."""

    office: Office
    code: str
    procedure: str
    name: str
    phone: str | None
    received: datetime
    due: datetime | None
    moves: list[Move] = field(default_factory=list)
    expected: set[str] = field(default_factory=set)
    border: str | None = None
    """Description of the rule's limit that the dossier is close to; ``None`` if it is close to none."""
    via: str = "truc_tiep"
    finished: datetime | None = None
    returned: datetime | None = None
    updated: datetime | None = None
    versions: list[tuple[datetime, datetime | None, str]] = field(default_factory=list)
    results: str = "delivered"
    """Final state of the dossier's messages about its result."""
    inquiries: list[datetime] = field(default_factory=list)
    complaints: list[tuple[str, datetime, bool]] = field(default_factory=list)
    """(claim, time, whether the complaint was taken back)."""
    cleaned: list[tuple[str, datetime, bool]] = field(default_factory=list)
    register: tuple[datetime | None, datetime | None] | None = None

    @property
    def status(self) -> int:
        return self.moves[-1].status

    def last(self, status: int) -> datetime:
        return max(move.when for move in self.moves if move.status == status)


class World:
    """All dossiers, and the findings that must be made about agencies' months and about sources."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.lives: list[Life] = []
        self.offices: dict[str, Office] = {}
        self.months: set[tuple[str, str, str]] = set()
        """(rule, agency, month) of each finding that must be made about a month."""
        self.sources: set[tuple[str, str]] = set()
        """(rule, subject) of each finding that must be made about a source; some subjects name an agency, too."""
        self.quarantine: list[tuple[str, str, datetime]] = []
        self.states: dict[str, dict[str, Any]] = {"mot_cua": {}, "co_so": {}}
        """Sources with their unusual properties; co_so offers its desk's register."""
        self.unreadable: set[str] = set()
        """Names of the sources whose database does not answer."""
        self.sizes: Counter[str] = Counter()
        """Number of dossiers by agency."""
        self._number = 0

    def office(self, code: str, **changes: Any) -> Office:
        self.offices[code] = Office(code, **changes)
        return self.offices[code]

    def life(self, office: Office, received: datetime, due: datetime | None, **changes: Any) -> Life:
        self._number += 1
        given: dict[str, Any] = {
            "procedure": f"1.{self.random.randrange(40):06d}",
            "name": f"Nguyễn Thị {self._number}",
            "phone": self.mobile(),
        } | changes
        life = Life(office, f"{office.code}-{self._number:07d}", received=received, due=due, **given)
        self.lives.append(life)
        self.sizes[office.code] += 1
        return life

    def mobile(self) -> str:
        while True:
            self._number += 1
            digits = f"{self._number * 7919 % 1_000_000:06d}"
            if len(set(digits)) > 3:
                return ("0905", "0912", "0983", "0356", "0772")[self._number // 1_000_000 % 5] + digits

    def actor(self, office: Office) -> str:
        return f"{office.code}.{self.random.randrange(office.users)}"

    def move(self, life: Life, status: int, when: datetime, **changes: Any) -> Move:
        given: dict[str, Any] = {"actor": self.actor(life.office), "desk": status in (9, 10)} | changes
        life.moves.append(Move(status, when, **given))
        return life.moves[-1]

    def clock(self, day: date, first: int = 8, last: int = 16) -> datetime:
        """Return a random moment of office hours; on a Saturday, in the morning."""
        if day.weekday() == 5:
            last = 11
        return at(day, self.random.randrange(first, last), self.random.randrange(60), self.random.randrange(60))


# --------------------------------------------------------------------------------------------------- clean dossiers


def received(world: World, office: Office, day: date, term: int, **changes: Any) -> Life:
    """Add a dossier that is due after ``term`` working days, and that the desk passes on when it is received."""
    life = world.life(
        office, world.clock(day, 8, 14), at(office.shift(day, term), 11 if office.saturdays else 17), **changes
    )
    world.move(life, 2, life.received)
    world.move(life, 4, life.received + timedelta(minutes=world.random.randint(3, 90)))
    return life


def finished(world: World, life: Life, day: date, wait: int = 0) -> Life:
    """Let a dossier's result be ready on ``day``, and handed over ``wait`` working days later."""
    same_day = day == life.moves[-1].when.date()
    ready = world.move(life, 9, life.moves[-1].when + HOUR if same_day else world.clock(day)).when
    handed = life.office.shift(day, wait)
    minutes = timedelta(minutes=world.random.randint(4, 50))
    world.move(life, 10, ready + minutes if wait == 0 else world.clock(handed, 8, 16))
    return life


CLEAN_KINDS: Final = {
    "completed, some late, in steps, by post, or with a number that cannot be texted": 58,
    "done while the citizen waits": 4,
    "in process, not due yet": 14,
    "at the desk, not collected for a few days": 4,
    "a supplement in the first days, the due date moved by it": 6,
    "suspended early, some due already": 4,
    "paused for a few days, resumed and done": 3,
    "not accepted, or withdrawn by a citizen who asked for it": 2,
    "filed in the last days at night or on a Sunday": 2,
    "its due date moved once, in time": 1,
    "a number in an unusual but valid spelling": 1,
    "finished before the checked months, with everything that a rule could find": 0.5,
    "a first message that did not arrive, and a later one that did": 0.5,
}
"""Kinds of dossiers without a defect, and the relative frequency of each."""


def make_clean_one(world: World, office: Office, kind: str) -> Life:
    """Add a dossier as its kind in ``CLEAN_KINDS`` describes it."""
    pick = world.random

    def some_day(least_ago: int = 1) -> date:
        return pick.choice(office.days(FIRST, office.back(least_ago)))

    match kind:
        case "completed, some late, in steps, by post, or with a number that cannot be texted":
            day = some_day(5)
            left = len(office.days(day, office.back(1))) - 1
            took = pick.randint(0, min(left, 12))
            life = received(world, office, day, max(1, took + pick.choice((-2, 0, 0, 1, 3, 8))))
            life.via = pick.choice(("truc_tiep", "truc_tuyen", "buu_chinh"))
            if took > 1 and pick.random() < 0.3:
                later = world.clock(office.shift(day, 1))
                world.move(life, 4, later, note=pick.choice(("Trình ký", "Thẩm định", None)))
            if took and pick.random() < 0.05:
                # The result is ready in the department before it is at the desk.
                world.move(life, 9, at(office.shift(day, took), 8, 1), desk=False)
            finished(world, life, office.shift(day, took), pick.randint(0, min(3, left - took)))
            if pick.random() < 0.01:
                life.moves[-1].from_row = True
            if pick.random() < 0.03:
                life.inquiries.append(life.last(9) + MINUTE)
        case "done while the citizen waits":
            day = some_day()
            life = world.life(office, world.clock(day, 8, 14), at(day, 17) if day.weekday() < 5 else at(day, 11))
            world.move(life, 2, life.received)
            world.move(life, 4, life.received + MINUTE)
            ready = world.move(life, 9, life.received + MINUTE * pick.randint(5, 50)).when
            world.move(life, 10, ready + SECOND * pick.randint(5, 110))
        case "in process, not due yet" | "a number in an unusual but valid spelling":
            day = some_day()
            life = received(world, office, day, len(office.days(day, TODAY)) - 1 + pick.randint(0, 15))
            if day < office.back(2) and pick.random() < 0.5:
                later = world.clock(pick.choice(office.days(day + DAY, office.back(1))))
                world.move(life, 4, later, note="Xin ý kiến")
            if kind != "in process, not due yet":
                own = life.phone or ""
                spelled = (f"+84 {own[1:]}", f"84{own[1:]}", f"{own[:4]}.{own[4:7]}.{own[7:]}", f"{own} (chị Lan)")
                life.phone = pick.choice(spelled)
        case "at the desk, not collected for a few days":
            ago = pick.randint(1, 4)
            life = received(world, office, office.back(ago + 3), 10)
            world.move(life, 9, world.clock(office.back(ago)))
        case "a supplement in the first days, the due date moved by it":
            day = some_day(14)
            life = received(world, office, day, 10)
            before, asked_at = life.due, world.clock(office.shift(day, pick.randint(1, 3)))
            asked = world.move(life, 5, asked_at, note="Bổ sung bản sao").when
            given = office.shift(asked.date(), pick.randint(1, 3))
            world.move(life, 4, world.clock(given))
            if pick.random() < 0.7:
                life.due = at(office.shift(day, 14), 11 if office.saturdays else 17)
                life.versions = [(life.received, before, life.procedure), (at(given, 16, 30), life.due, life.procedure)]
            if pick.random() < 0.8:
                finished(world, life, office.shift(given, pick.randint(1, 3)), 1)
            else:
                world.move(life, 4, world.clock(office.back(1), 8, 11))
        case "suspended early, some due already":
            day = some_day(8)
            life = received(world, office, day, 9)
            world.move(life, pick.choice((5, 6, 8)), world.clock(office.shift(day, 1)))
        case "paused for a few days, resumed and done":
            day = some_day(12)
            life = received(world, office, day, 10)
            world.move(life, pick.choice((6, 8)), world.clock(office.shift(day, 2)))
            world.move(life, 4, world.clock(office.shift(day, 4)))
            finished(world, life, office.shift(day, 6), pick.randint(0, 3))
        case "not accepted, or withdrawn by a citizen who asked for it":
            day = some_day(3)
            life = received(world, office, day, 5)
            later = world.clock(office.shift(day, 1))
            if pick.random() < 0.5:
                world.move(life, 3, later, note="Không thuộc thẩm quyền")
            else:
                asked_for = (
                    "Công dân đề nghị rút hồ sơ",
                    "Có đơn xin rút ngày 3/9",
                    "Người nộp xin rút, hẹn nộp lại sau",
                )
                world.move(life, 7, later, note=pick.choice(asked_for))
        case "filed in the last days at night or on a Sunday":
            ago = pick.randint(1, 3)
            day = office.back(ago)
            filed = at(day, 22, 40) if pick.random() < 0.5 and ago > 1 else world.clock(day)
            life = world.life(office, filed, at(office.shift(day, 12), 10), via="truc_tuyen")
            world.move(life, 1, filed)
            if pick.random() < 0.5 and ago > 1:
                world.move(life, 2, world.clock(office.back(1)))
        case "its due date moved once, in time":
            life = received(world, office, office.back(9), 14)
            first, then = (life.received, at(office.back(1), 10)), (at(office.back(8), 15), life.due)
            life.versions = [(*first, life.procedure), (*then, life.procedure)]
        case "finished before the checked months, with everything that a rule could find":
            day = date(2026, 6, pick.randint(1, 5))
            life = received(world, office, day, 3, phone="02583822001")
            for status, days, hour in ((9, 2, 17), (4, 3, 22), (9, 4, 23), (10, 30, 9)):
                world.move(life, status, at(day + days * DAY, hour))
        case _:
            life = received(world, office, office.back(10), 20)
            world.move(life, 9, world.clock(office.back(4)), desk=False)
            world.move(life, 9, world.clock(office.back(2)))
            life.results = "reached_in_the_end"
    return life


def pulse(world: World, office: Office, *, daily: int = 10, until: date | None = None) -> Life:
    """Add a dossier with ``daily`` steps on each working day, so that the rules never find its agency silent."""
    start = office.back(26)
    life = received(world, office, date(2026, 8, 20), 1)
    life.due = at(office.shift(TODAY, 20), 11 if office.saturdays else 17)
    for day in office.days(start, until or office.back(1)):
        for number in range(daily):
            spread = (3 if day.weekday() == 5 else 7) * 60 * number // daily
            world.move(life, 4, at(day, 8) + MINUTE * spread, actor=f"{office.code}.nhip{number}")
    return life


def make_clean(world: World, count: int) -> list[Office]:
    """Add ``count`` clean dossiers in agencies of many sizes, down to a dozen dossiers; return the large agencies."""
    weights = [1 / (number + 1.5) for number in range(44)]
    made, large = 0, []
    for number, weight in enumerate(weights):
        size = max(12, round(count * 0.99 * weight / sum(weights)))
        if made + size > count:
            size = count - made
        if size <= 0:
            break
        made += size
        source = "co_so" if number == 7 else "mot_cua"
        office = world.office(f"K{number:02d}", users=max(3, size // 250), saturdays=number in (3, 20), source=source)
        if size > 4000:
            large.append(office)
        pulse(world, office)
        for kind in world.random.choices(list(CLEAN_KINDS), list(CLEAN_KINDS.values()), k=size):
            make_clean_one(world, office, kind)
        # Many changes within minutes are no finding if they are not at the end of the day, or are not most of the
        # day's changes.
        if size > 100:
            _add_innocent_batches(world, office)
    _let_some_not_arrive(world)
    return large


def _add_innocent_batches(world: World, office: Office) -> None:
    for hour, count, others in ((10, 25, 0), (15, 20, 0), (16, 12, 13), (16, 9, 0)):
        day = world.random.choice(office.days(date(2026, 10, 1), office.back(2)))
        user = f"{office.code}.lo{hour}{count}"
        for number in range(count + others):
            when = at(day, hour, 50) + 20 * SECOND * number if number < count else at(day, 8, number)
            life = received(world, office, office.shift(day, -1), 1)
            life.due = at(office.shift(TODAY, 3), 10)
            world.move(life, 4, when, actor=user)


def _let_some_not_arrive(world: World) -> None:
    """Let up to one of thirteen messages about results not arrive, in each month, for each agency and procedure."""
    cells: dict[tuple[str, str, int], list[Life]] = defaultdict(list)
    for life in world.lives:
        if life.status == 10 and life.received.date() >= FIRST and life.results == "delivered":
            cells[life.office.code, life.procedure, life.last(9).month].append(life)
    for lives in cells.values():
        for number, life in enumerate(world.random.sample(lives, math.floor(len(lives) / 13))):
            if number % 2:
                life.phone = world.random.choice(("02583822001", "không có", "09051234", "0900000000", "113"))
            else:
                life.results = "undelivered"
