"""Invent, from a seed, the histories of a day's dossiers ("lives") and the texts that citizens are owed.

Agencies, procedures, phone fields and the software of both vendors come from the demo (``motcua.sandbox``). A life is
so simple that the owed texts are known without any product code. A time is a share, 0 to 1, of the simulated span of
the day, which is 7:00 to 18:30 if a whole day is simulated.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random

from motcua.sandbox.world.happenings import Dossier, Transition
from motcua.sandbox.world.people import Phone, international, mobile, name, phone
from motcua.sandbox.world.procedures import Agency, pilot
from motcua.sandbox.world.writers import OneStopWriter

HELD = 0.3
"""Share of the span for which a dossier must stay in a condition (result ready or supplement needed) so that a message
*must* be sent. Every simulated fault is shorter."""
_LAST = 0.86
"""Share of the span after which no condition begins: about 16:50 on a whole day, before the apologies of 17:30."""
_BAD = (None, "", "02583822001", "không có", "0123")
KINDS = {
    "result": 30,
    "result, handed over": 14,
    "result, twice": 6,
    "supplement": 14,
    "supplement, brought": 8,
    "misclick": 4,
    "due tomorrow": 10,
    "due tomorrow, in time": 4,
    "at work": 5,
    "no phone": 4,
    "phone mended": 4,
}
"""Relative frequency of each kind of life."""


@dataclass(frozen=True)
class Act:
    """A change of a dossier at a share of the day's span: a step, or another phone number (``phone``)."""

    at: float
    step: str = ""
    status: int = 0
    desk: bool = False
    phone: Phone | None = None


@dataclass(frozen=True)
class Owed:
    """The number of texts of one kind that a life is owed."""

    must: int
    """Least number of texts that must be sent or listed as unknown."""
    most: int
    """Largest number of texts that may be sent."""


@dataclass
class Life:
    """One dossier: its changes, and the texts that its citizen is owed."""

    kind: str
    dossier: Dossier
    acts: list[Act]
    owed: dict[str, Owed]
    number: str
    """The only phone that may get texts about the dossier, ``0905…``; empty if none may."""
    done: int = field(default=0)
    """Number of changes that have been written."""


def lives(random: Random, count: int, start: datetime, tomorrow: datetime) -> list[Life]:
    """Return ``count`` lives.

    ``start`` is before the day's span, ``tomorrow`` the closing hour of the next working day.
    """
    agencies = [agency for agency in pilot().agencies if agency.code != "000.05.30.H32"]
    weights = [agency.weight for agency in agencies]
    seen: set[str] = set()
    made = []
    for serial in range(1, count + 1):
        (kind,) = random.choices(list(KINDS), list(KINDS.values()))
        (agency,) = random.choices(agencies, weights)
        made.append(_life(random, kind, agency, serial, start, tomorrow, seen))
    return made


def _life(
    random: Random, kind: str, agency: Agency, serial: int, start: datetime, tomorrow: datetime, seen: set[str]
) -> Life:
    good, bad = _own_phone(random, seen), Phone("none", random.choice(_BAD), None, False)
    code = f"{agency.written_code}-{start:%y%m%d}-{serial:04d}"
    due = tomorrow if kind.startswith("due tomorrow") else tomorrow + timedelta(days=14)
    procedure = random.choice([each for each in agency.procedures if each.term] or list(agency.procedures))
    dossier = Dossier(
        source=agency.source, agency_code=agency.code, written_agency=agency.written_code, code=code, written_code=code,
        procedure=procedure, true_procedure=procedure, applicant_name=name(random),
        phone=bad if kind in ("no phone", "phone mended") else good, phone_entered_at=start,
        submitted_via="direct", received_at=start, due_at=due, updated_at=start,
    )  # fmt: skip
    acts, owed = _story(random, kind, good)
    number = "" if kind == "no phone" else "0" + str(good.number).removeprefix("+84")
    return Life(kind, dossier, acts, owed, number)


def _own_phone(random: Random, seen: set[str]) -> Phone:
    """Return a phone that no other life has, in plain digits or spelled as desks spell it.

    The spelling without the leading zero is left out: such a number may look like an identity card number, and the
    system sends no text to it.
    """
    while True:
        plain = mobile(random)
        written = Phone("good", plain, international(plain), True) if random.random() < 0.5 else phone(random)
        is_sure = written.good and written.entered_at is None and written.kind != "good_zero_missing"
        if is_sure and written.number and written.number not in seen:
            seen.add(written.number)
            return written


def _story(random: Random, kind: str, good: Phone) -> tuple[list[Act], dict[str, Owed]]:
    received = random.uniform(0.0, _LAST - 0.06)
    acts = [Act(received, "Tiếp nhận", 2, True), Act(received + 0.015, "Thẩm định", 4, False)]

    def later(share: float) -> float:
        """Return a time for the beginning of a condition, if possible at least ``share`` before ``_LAST``."""
        return random.uniform(received + 0.03, max(received + 0.04, _LAST - share))

    def result(at: float) -> Act:
        return Act(at, "Trả kết quả", 9, True)

    match kind:
        case "result, handed over" | "result, twice" | "supplement, brought":
            # The condition of this life ends again, so let it begin early, so that it lasts long enough.
            begin = random.uniform(0.0, 0.2)
            acts = [Act(begin, "Tiếp nhận", 2, True), Act(begin + 0.015, "Thẩm định", 4, False)]
            at = begin + 0.03 + random.uniform(0, 0.2)
            then = at + HELD + random.uniform(0, 0.1)
            if kind == "result, handed over":
                return [*acts, result(at), Act(then, "Đã trả kết quả", 10, True)], {"result": Owed(1, 1)}
            if kind == "supplement, brought":
                acts += [Act(at, "Chờ bổ sung", 5, True), Act(then, "Đã bổ sung hồ sơ", 4, False)]
                return acts, {"supplement": Owed(1, 1)}
            acts += [result(at), Act(then, "Thẩm định", 4, False), result(min(_LAST, then + 0.06))]
            return acts, {"result": Owed(2, 2)}
        case "result" | "no phone" | "phone mended" | "due tomorrow, in time":
            at = later(0.0)
            acts.append(result(at))
            if kind == "phone mended":
                acts.append(Act(min(_LAST + 0.02, at + random.uniform(0.03, 0.1)), phone=good))
            return acts, {} if kind == "no phone" else {"result": Owed(1, 1)}
        case "supplement":
            return [*acts, Act(later(0.0), "Chờ bổ sung", 5, True)], {"supplement": Owed(1, 1)}
        case "misclick":
            at = later(0.02)
            back = at + random.uniform(0.004, 0.012)
            return [*acts, result(at), Act(back, "Thẩm định", 4, False)], {"result": Owed(0, 1)}
        case "due tomorrow":
            return acts, {"apology": Owed(1, 1)}
        case _:
            return acts, {}


class Writers:
    """Writes each change of the lives into its source's database when its time has come."""

    def __init__(self, made: list[Life], writers: dict[str, OneStopWriter]) -> None:
        self._lives, self._writers = made, writers
        self._agenda = sorted(
            ((act.at, number, place) for number, life in enumerate(made) for place, act in enumerate(life.acts)),
            reverse=True,
        )
        self._actions = 0
        self.written = 0
        """Number of changes that were written."""

    def due(self, share: float) -> Iterator[tuple[Life, Act]]:
        while self._agenda and self._agenda[-1][0] <= share:
            _, number, place = self._agenda[-1]
            life = self._lives[number]
            yield life, life.acts[place]
            self._agenda.pop()

    def write(self, life: Life, act: Act, now: datetime) -> None:
        before = life.dossier
        transition = None
        if act.phone is not None:
            change = {"phone": act.phone, "phone_entered_at": now, "updated_at": now}
        else:
            transition = Transition(
                agency_code=before.written_agency, dossier_code=before.written_code, from_step=before.step,
                to_step=act.step, status=act.status, desk=act.desk, occurred_at=now, recorded_at=now, actor="cb",
                note="", odd_time=None,
            )  # fmt: skip
            change = {
                "step": act.step, "status": act.status, "desk": act.desk, "updated_at": now,
                "finished_at": (before.finished_at or now) if act.status in (9, 10) else None,
                "returned_at": now if act.status == 10 else None,
            }  # fmt: skip
            if before.step is None:
                change |= {"received_at": now, "phone_entered_at": now}
        self._actions += 1
        moved = before.model_copy(update=change)
        self._writers[before.source].write(moved, transition, self._actions)
        life.dossier = moved
        life.done += 1
        self.written += 1
