"""What phones must get, by the lives alone, and what is wrong with what they got. No product code.

The rules are those of the words: who is told of an entry into "result at the desk" or "supplement at the desk", and of
tomorrow's appointment that will not be kept. Everything is judged by the network's own log.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from tests.prove.worlds.pushing.lives import DAY, MINUTE, ZONE, Event, Life, Row, Run

_PHRASES: Final = {
    "da duoc giai quyet xong": "result",
    "can bo sung theo quy dinh": "supplement",
    "chua co ket qua vao ngay": "apology",
}
_CODE: Final = re.compile(r"\(([^()]+)\)")
_MOBILE: Final = re.compile(r"0[35789]\d{8}")
_TOLD_WITHIN: Final = 10 * MINUTE
_USEFUL: Final = 3 * DAY
_EVENING_AT: Final = timedelta(hours=17, minutes=30)


@dataclass(frozen=True, order=True)
class Told:
    """A dossier's citizen was told something, at a phone (its digits from the second on)."""

    code: str
    kind: str
    phone: str


@dataclass(frozen=True)
class Known:
    """A step, or an edit, as the system can know it from a slot on."""

    slot: int
    row: Row
    occurred_at: datetime | None
    status: int
    at_desk: bool
    recorded_at: datetime


@dataclass
class Owed:
    told: Told
    because: Known


@dataclass
class Judgement:
    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    wrong_phone: list[str] = field(default_factory=list)
    uncalled: list[str] = field(default_factory=list)

    @property
    def wrong(self) -> int:
        return sum(map(len, (self.lost, self.doubled, self.wrong_phone, self.uncalled)))


def whole(life: Life) -> list[Known]:
    """All of a life, each event when it happened."""
    return [Known(e.slot, e.row, e.occurred_at, e.status, e.at_desk, e.at) for e in life.events]


def last_action(life: Life, slots: Sequence[int]) -> list[Known]:
    """What OpenCPS pushes of a life at the ends of these slots: the row as it is, and the last action alone, of which
    nothing says where a supplement waits."""
    found: list[Known] = []
    for before, slot in zip((-1, *slots), slots, strict=False):
        since = [event for event in life.events if before < event.slot <= slot]
        if not since:
            continue
        last = latest([event for event in life.events if event.slot <= slot])
        row = since[-1].row
        if last in since:
            found.append(Known(slot, row, last.occurred_at, last.status, last.status == 9, since[-1].at))
        else:
            found.append(Known(slot, row, None, 0, False, since[-1].at))
    return found


def latest(events: Sequence[Event]) -> Event:
    return max((event for event in events if event.occurred_at), key=lambda event: event.occurred_at or event.at)


def owed(life: Life, known: Sequence[Known], runs: Sequence[Run]) -> list[Owed]:
    """What a citizen must be told, by what can be known at each run."""
    found: list[Owed] = []
    decided: set[int] = set()
    waiting: set[int] = set()
    told_at: dict[str, datetime] = {}
    apologised: set[object] = set()
    for run in runs:
        seen = [each for each in known if each.slot <= run.number]
        if not seen:
            continue
        row = seen[-1].row
        phone = _digits_of(row.phone)
        if run.is_evening and (because := _apology(seen, run)) is not None and row.due_at not in apologised:
            apologised.add(row.due_at)
            if phone:
                found.append(Owed(Told(life.code, "apology", phone), because))
        for first, kind, is_left in _entries(seen):
            if id(first) in decided and id(first) not in waiting:
                continue
            decided.add(id(first))
            waiting.discard(id(first))
            assert first.occurred_at is not None
            returned = row.returned_at is not None and (kind == "result" or first.occurred_at <= row.returned_at)
            if is_left or returned or first.occurred_at + _USEFUL <= run.at:
                continue
            if kind in told_at and first.occurred_at <= told_at[kind] + _TOLD_WITHIN:
                continue
            if not phone:
                # A number that is mended while it is of use gets what it missed.
                waiting.add(id(first))
                continue
            told_at[kind] = run.at
            found.append(Owed(Told(life.code, kind, phone), first))
    return found


def _digits_of(phone: str) -> str:
    return phone[1:] if _MOBILE.fullmatch(phone) else ""


def _steps(seen: Iterable[Known]) -> list[Known]:
    return sorted((each for each in seen if each.occurred_at), key=lambda each: each.occurred_at or each.recorded_at)


def _kind(step: Known) -> str:
    return {9: "result", 5: "supplement"}.get(step.status, "") if step.at_desk else ""


def _entries(seen: Sequence[Known]) -> list[tuple[Known, str, bool]]:
    """Each entry into a condition, its kind, and whether it was left again."""
    steps = _steps(seen)
    found = []
    for place, step in enumerate(steps):
        kind = _kind(step)
        if kind and (place == 0 or _kind(steps[place - 1]) != kind):
            found.append((step, kind, any(_kind(later) != kind for later in steps[place:])))
    return found


def _apology(seen: Sequence[Known], run: Run) -> Known | None:
    """The step because of which tomorrow's appointment will not be kept."""
    evening = run.at.astimezone(ZONE).replace(hour=0, minute=0, second=0) + _EVENING_AT
    of_then = [each for each in seen if each.recorded_at <= evening]
    if not of_then:
        return None
    row, last = of_then[-1].row, _steps(of_then)[-1:]
    tomorrow = (evening + DAY).date()
    due = row.due_at and row.due_at.astimezone(ZONE).date()
    is_open = bool(last) and last[0].status in (2, 4) and row.returned_at is None
    if due != tomorrow or row.received_at.astimezone(ZONE).date() >= tomorrow or not is_open:
        return None
    return last[0]


def told_of(log: Iterable[Mapping[str, str]]) -> Counter[Told]:
    found: Counter[Told] = Counter()
    for asked in log:
        code, text = _CODE.search(asked["text"]), asked["text"].lower()
        kind = next((kind for phrase, kind in _PHRASES.items() if phrase in text), "?")
        found[Told(code[1] if code else "?", kind, asked["to"].lstrip("+").removeprefix("84").lstrip("0"))] += 1
    return found


def judge(must: Counter[Told], told: Counter[Told]) -> Judgement:
    """What is lost, told too often, told at another phone, or told though nobody called for it."""
    found = Judgement()
    missing, too_many = must - told, told - must
    for each in sorted(missing.elements()):
        elsewhere = next((t for t in too_many if (t.code, t.kind) == (each.code, each.kind) and too_many[t]), None)
        if elsewhere is None:
            found.lost.append(_line(each))
        else:
            too_many[elsewhere] -= 1
            found.wrong_phone.append(f"{_line(elsewhere)} instead of 0{each.phone}")
    for each in sorted(too_many.elements()):
        (found.doubled if each in must else found.uncalled).append(_line(each))
    return found


def _line(told: Told) -> str:
    return f"{told.code}: {told.kind} at 0{told.phone}"


@dataclass(frozen=True)
class Unpushed:
    """A message that differs because something was never pushed; ``reason``: what."""

    line: str
    reason: str


def differences(
    lives: Iterable[Life], of_whole: Mapping[str, list[Owed]], of_last: Mapping[str, list[Owed]], slots: Sequence[int]
) -> list[Unpushed]:
    """What must differ where only last actions are pushed, message by message, each with what was never pushed of it;
    an empty reason: nothing explains it."""
    found = []
    for life in lives:
        all_of, some_of = list(of_whole[life.code]), list(of_last[life.code])
        # First what is told of the same step, then what is told at the same phone, if by another step.
        for same in (_is_of_same_step, _is_told_the_same):
            for one in list(all_of):
                other = next((other for other in some_of if same(one, other)), None)
                if other is not None:
                    all_of.remove(one)
                    some_of.remove(other)
        pushed = last_action(life, slots)
        for owing, words in ((all_of, "not told"), (some_of, "told only so")):
            found += [Unpushed(f"{_line(each.told)} {words}", _reason(life, each, pushed)) for each in owing]
    return found


def _is_of_same_step(one: Owed, other: Owed) -> bool:
    return one.told == other.told and _of(one.because) == _of(other.because)


def _is_told_the_same(one: Owed, other: Owed) -> bool:
    return one.told == other.told


def _of(known: Known) -> tuple[datetime | None, int]:
    return known.occurred_at, known.status


def _before(known: Sequence[Known], step: Known) -> str:
    """The condition that held before a step."""
    steps = _steps(known)
    place = list(map(_of, steps)).index(_of(step))
    return _kind(steps[place - 1]) if place else ""


def _reason(life: Life, each: Owed, pushed: Sequence[Known]) -> str:
    step = each.because
    came = next((known for known in pushed if _of(known) == _of(step)), None)
    if came is None:
        return "its step was overtaken by a later one before the next push"
    if step.status == 5:
        return "nothing pushed says that the supplement waits at the desk"
    if _before(whole(life), step) != each.told.kind == _before(pushed, step):
        return "the steps before it were overtaken, so that it is no entry of its own"
    happened = next(known for known in whole(life) if _of(known) == _of(step))
    if came.slot != happened.slot and came.row.phone != happened.row.phone:
        return "it was pushed later, when the phone was another"
    return ""
