"""Derive from the histories of dossiers ("lives") alone which texts phones must get, and judge the texts received.

The oracle uses no product code. The oracle follows the wording of the rules: a citizen is texted when a dossier enters
the state "result at the desk" or "supplement at the desk", and when tomorrow's due date will be missed. The log of the
phone network shows which texts phones got.
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
class Text:
    """One text to a dossier's citizen; ``phone`` has the digits of the number without the leading 0."""

    code: str
    kind: str
    phone: str


@dataclass(frozen=True)
class Known:
    """A step or an edit of a dossier.

    The system can know the step or edit from the end of the slot ``slot`` on. A slot is the time between two runs of
    the jobs.
    """

    slot: int
    row: Row
    occurred_at: datetime | None
    status: int
    at_desk: bool
    recorded_at: datetime


@dataclass
class Owed:
    text: Text
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
    """Return all events of a life; each is known from the slot in which it happened."""
    return [Known(e.slot, e.row, e.occurred_at, e.status, e.at_desk, e.at) for e in life.events]


def last_action(life: Life, slots: Sequence[int]) -> list[Known]:
    """Return what OpenCPS pushes of a life at the ends of these slots: the present row, and only the last action.

    Such a push does not show whether a request for a supplement waits at the desk.
    """
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
    """Return the texts that a citizen must get, derived from what can be known at each run."""
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
                found.append(Owed(Text(life.code, "apology", phone), because))
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
                # The text waits: the citizen still gets it if the phone number is corrected before the text becomes
                # useless.
                waiting.add(id(first))
                continue
            told_at[kind] = run.at
            found.append(Owed(Text(life.code, kind, phone), first))
    return found


def _digits_of(phone: str) -> str:
    return phone[1:] if _MOBILE.fullmatch(phone) else ""


def _steps(seen: Iterable[Known]) -> list[Known]:
    return sorted((each for each in seen if each.occurred_at), key=lambda each: each.occurred_at or each.recorded_at)


def _kind(step: Known) -> str:
    return {9: "result", 5: "supplement"}.get(step.status, "") if step.at_desk else ""


def _entries(seen: Sequence[Known]) -> list[tuple[Known, str, bool]]:
    """Return each entry into a condition (result or supplement at the desk), its kind, and whether it has ended."""
    steps = _steps(seen)
    found = []
    for place, step in enumerate(steps):
        kind = _kind(step)
        if kind and (place == 0 or _kind(steps[place - 1]) != kind):
            found.append((step, kind, any(_kind(later) != kind for later in steps[place:])))
    return found


def _apology(seen: Sequence[Known], run: Run) -> Known | None:
    """Return the dossier's last step if tomorrow's due date will be missed, otherwise ``None``."""
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


def texts_in(log: Iterable[Mapping[str, str]]) -> Counter[Text]:
    found: Counter[Text] = Counter()
    for asked in log:
        code, text = _CODE.search(asked["text"]), asked["text"].lower()
        kind = next((kind for phrase, kind in _PHRASES.items() if phrase in text), "?")
        found[Text(code[1] if code else "?", kind, asked["to"].lstrip("+").removeprefix("84").lstrip("0"))] += 1
    return found


def judge(must: Counter[Text], got: Counter[Text]) -> Judgement:
    """Compare the texts that phones got with the texts that they must get.

    List texts that are missing, repeated, on a wrong phone, or that no phone should have got.
    """
    found = Judgement()
    missing, too_many = must - got, got - must
    for each in sorted(missing.elements()):
        elsewhere = next((t for t in too_many if (t.code, t.kind) == (each.code, each.kind) and too_many[t]), None)
        if elsewhere is None:
            found.lost.append(_in_words(each))
        else:
            too_many[elsewhere] -= 1
            found.wrong_phone.append(f"{_in_words(elsewhere)} instead of 0{each.phone}")
    for each in sorted(too_many.elements()):
        (found.doubled if each in must else found.uncalled).append(_in_words(each))
    return found


def _in_words(text: Text) -> str:
    return f"{text.code}: {text.kind} at 0{text.phone}"


@dataclass(frozen=True)
class Unpushed:
    """A text that is owed only if all events are pushed, or only if last actions are pushed.

    ``reason`` tells why, or is empty if nothing explains the difference.
    """

    line: str
    reason: str


def differences(
    lives: Iterable[Life], of_whole: Mapping[str, list[Owed]], of_last: Mapping[str, list[Owed]], slots: Sequence[int]
) -> list[Unpushed]:
    """Return the texts that are owed in only one of the two cases, each with the reason.

    In one case all events of the lives are pushed, in the other only last actions.
    """
    found = []
    for life in lives:
        all_of, some_of = list(of_whole[life.code]), list(of_last[life.code])
        # First pair texts about the same step, then texts to the same phone about another step.
        for same in (_is_of_same_step, _is_same_text):
            for one in list(all_of):
                other = next((other for other in some_of if same(one, other)), None)
                if other is not None:
                    all_of.remove(one)
                    some_of.remove(other)
        pushed = last_action(life, slots)
        for owing, words in ((all_of, "not sent"), (some_of, "sent only in this way")):
            found += [Unpushed(f"{_in_words(each.text)} {words}", _reason(life, each, pushed)) for each in owing]
    return found


def _is_of_same_step(one: Owed, other: Owed) -> bool:
    return one.text == other.text and _identity(one.because) == _identity(other.because)


def _is_same_text(one: Owed, other: Owed) -> bool:
    return one.text == other.text


def _identity(known: Known) -> tuple[datetime | None, int]:
    return known.occurred_at, known.status


def _before(known: Sequence[Known], step: Known) -> str:
    """Return the condition that held before a step."""
    steps = _steps(known)
    place = list(map(_identity, steps)).index(_identity(step))
    return _kind(steps[place - 1]) if place else ""


def _reason(life: Life, each: Owed, pushed: Sequence[Known]) -> str:
    step = each.because
    came = next((known for known in pushed if _identity(known) == _identity(step)), None)
    if came is None:
        return "its step was overtaken by a later one before the next push"
    if step.status == 5:
        return "no push states that the supplement waits at the desk"
    if _before(whole(life), step) != each.text.kind == _before(pushed, step):
        return "earlier steps were overtaken, so that the step is no entry of its own"
    happened = next(known for known in whole(life) if _identity(known) == _identity(step))
    if came.slot != happened.slot and came.row.phone != happened.row.phone:
        return "it was pushed later, when the phone was another"
    return ""
