"""Plant a defect for each rule in rules.yaml, and dossiers just inside and just outside of a rule's limit.

Each planter states which rules must find its dossier; this is not computed afterwards from the dossiers. Phone numbers
are planted as a clerk might type them.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final

from tests.planting.world import (
    DAY,
    FIRST,
    HOUR,
    MINUTE,
    NOW,
    SECOND,
    TODAY,
    Life,
    Move,
    Office,
    World,
    at,
    finished,
    make_clean,
    pulse,
    received,
)

# ---------------------------------------------------------------------------------------------- defects of dossiers

PHONES: Final[dict[str, tuple[str | None, ...]]] = {
    "P1": (None, "", "không có", "Không", "-"),
    "P2": ("09051234", "0905 123 4", "09051234567", "0905.123.45678"),
    "P3": ("gọi sau giờ hành chính", "liên hệ cán bộ xã"),
    "P4": ("02583822001", "0258 3822 001", "(0258) 3822.334"),
    "P5": ("0583822001", "058.3822.001"),
    "P6": ("19001009", "1900 1009", "18001091", "113"),
    "P7": ("0900000000", "0123456789", "0999999999", "0911111111"),
    "P8": ("+1 415 555 2671", "+82 10-1234-5678", "+8613812345678"),
    "P9": ("225123456", "056090001234"),
    "P10": ("000.00.09.H32-260901-0001", "12/03/1985", "a.nguyen@example.vn"),
}
TYPED: Final[dict[str, Callable[[str], str]]] = {
    "a letter": lambda own: f"O{own[1:]}",
    "no zero": lambda own: own[1:],
    "eleven digits": lambda own: f"0168{own[3:]}",
    "two numbers": lambda own: f"{own}; 0912345678",
}


class Planting:
    """Plants defects one after another, each at an agency that can take one more defect."""

    def __init__(self, world: World, large: Sequence[Office]) -> None:
        self.world, self.large = world, large
        self._small: Office | None = None

    def office(self) -> Office:
        """Return an agency that may get one more defect without a finding about its month.

        The agency is so large that one more defect does not matter, or too small for the rules about months.
        """
        if self.large and self.world.random.random() < 0.5:
            return self.world.random.choice(self.large)
        return self.small()

    def small(self) -> Office:
        if self._small is None or self.world.sizes[self._small.code] > 12:
            self._small = self.world.office(f"D{sum(code.startswith('D') for code in self.world.offices):03d}")
        return self._small

    def open(self, office: Office | None = None, **changes: Any) -> Life:
        office = office or self.office()
        life = received(self.world, office, office.back(self.world.random.randint(8, 45)), 1, **changes)
        life.due = at(office.shift(TODAY, 12), 11 if office.saturdays else 17)
        self.world.move(life, 4, at(office.back(2), 10, 10))
        return life

    def done(self, ago: int, office: Office | None = None, **changes: Any) -> Life:
        office = office or self.office()
        life = received(self.world, office, office.back(ago + 4), 40, **changes)
        self.world.move(life, 9, self.world.clock(office.back(ago), 8, 15))
        return life

    def move(self, life: Life, status: int, ago: int, hour: int = 9, minute: int = 0, **changes: Any) -> Life:
        """Move a dossier to ``status`` on the day that is ``ago`` working days before today."""
        self.world.move(life, status, at(life.office.back(ago), hour, minute), **changes)
        return life

    def found(self, life: Life, *rules: str, border: str | None = None, **now: Any) -> Life:
        """State the rules that must find the dossier, and set the dossier's attributes to the values in ``now``."""
        life.expected |= set(rules)
        return self.clean(life, border, **now)

    def clean(self, life: Life, border: str | None, **now: Any) -> Life:
        """State that no rule may find the dossier, except the rules that ``found`` was given.

        ``border`` describes the rule's limit that the dossier is close to.
        """
        life.border = border
        for name, value in now.items():
            setattr(life, name, value)
        return life


Planter = Callable[[Planting, int], object]
"""A function that plants the n-th defect of a rule."""


def plant_phone(rule: str) -> Planter:
    def plant(p: Planting, n: int) -> None:
        phone = PHONES[rule][n % len(PHONES[rule])]
        p.found(p.open(phone=phone), rule)
        if n % 10 == 0:
            over = p.move(p.done(2, p.small(), phone=phone), 10, 1)
            p.clean(over, f"{rule}: the same in a dossier that is over")

    return plant


def plant_shared_number(p: Planting, n: int) -> None:
    """Plant a phone number that five owners give within thirty days, counted from the first owner to the fifth."""
    if n % 5:
        return
    owners, apart, border = ((5, 3, None), (7, 2, None), (5, 30, "P11: five owners, 30 days"))[n // 5 % 3]
    number, office, start = p.world.mobile(), p.office(), TODAY - 40 * DAY
    for place in range(owners):
        day = start + DAY * (place * apart if apart < 30 else (0, 7, 15, 22, 30)[place])
        p.found(p.open(office, phone=number), "P11", border=border, received=at(day))
    for days, same, why in (
        ((0, 7, 15, 22, 31), False, "P11: five owners, 31 days"),
        ((0, 1, 2, 3), False, "P11: four owners"),
        ((0, 1, 2, 3, 4, 5, 6), True, "P11: one owner's seven dossiers"),
    ):
        number = p.world.mobile()
        for place, day in enumerate(days):
            whose = f"Văn phòng công chứng {'đ' if same else place}"
            name = "VĂN PHÒNG Công chứng Đ" if same and place % 2 else whose
            p.clean(p.open(office, phone=number), why, received=at(start + DAY * day), name=name)


def plant_failed_elsewhere(p: Planting, n: int) -> None:
    number = p.world.mobile()
    p.move(p.clean(p.done(5, p.small(), phone=number), None, results="undelivered"), 10, 4)
    p.found(p.open(phone=number), "P12")
    if n % 5 == 0:
        number = p.world.mobile()
        for results, ago in (("undelivered", 6), ("delivered", 4)):
            p.move(p.clean(p.done(ago, p.small(), phone=number), None, results=results), 10, ago - 1)
        p.clean(p.open(phone=number), "P12: a later message to the number arrived")


def plant_failed_here(p: Planting, n: int) -> None:
    p.found(p.done(2 + n % 2, p.small()), "P13", results="undelivered")


def plant_typed_badly(p: Planting, n: int) -> None:
    life = p.open()
    assert life.phone is not None
    p.found(life, "P14", phone=list(TYPED.values())[n % len(TYPED)](life.phone))


def plant_unknown_block(p: Planting, n: int) -> None:
    life = p.open()
    assert life.phone is not None
    p.found(life, "P15", phone=f"{('095', '0951')[n % 2]}{life.phone[3 + n % 2 :]}")


def plant_taken_back(p: Planting, n: int) -> None:
    """Plant dossiers that return to processing after status 9 or 10, directly or through another status."""
    way = n % 6
    life = p.done(3)
    if way == 1:
        p.move(life, 10, 3, 16)
    if way == 2:
        p.move(life, 1, 2, 8)
    if way == 3:
        p.move(life, 3, 2, 8, note="Trả lại hồ sơ")
    if way == 4:
        life.moves[-1].desk = False
    back = {0: 4, 1: 6, 2: 2, 3: 8, 4: 4, 5: 2}[way]
    p.move(life, back, 2, 9, 30)
    if back == 2:
        p.move(life, 4, 2, 9, 50)
    p.found(life, "R1")
    if way == 0:
        withdrawn = p.move(p.done(4), 7, 3, note="Công dân xin rút")
        p.clean(withdrawn, "R1: withdrawn by the citizen after the result")
        p.clean(p.move(p.move(p.done(4), 9, 3), 10, 2), "R1: two rows of one result")


def plant_supplement_by_result(p: Planting, n: int) -> None:
    """Plant requests for supplements that are disguised as a result.

    The signs are status 5 within five working days of status 9, a note at status 9, or the same dossier filed again
    within five working days.
    """
    way, move = n % 5, p.world.move
    if way < 2:
        days = (5, 1 + n % 4)[way]
        life = p.done(days + 2)
        move(life, 5, p.world.clock(life.office.back(2)))
        p.found(life, "R1", "R2", border=None if way else "R2: 9 then 5 on the fifth working day")
    elif way == 2:
        life = p.done(3)
        life.moves[-1].note = ("Bổ sung giấy khai sinh", "HỒ SƠ CÒN THIẾU ẢNH", "đề nghị hoàn thiện hồ sơ")[n // 5 % 3]
        p.found(p.move(life, 10, 2, 10), "R2")
    else:
        life = p.done((5, 2)[way - 3] + 1)
        move(life, 10, life.moves[-1].when + HOUR)
        _file_again(p, life).name = life.name.upper()
        p.found(life, "R2", border="R2: filed again on the fifth working day" if way == 3 else None)
    if n % 5 == 0:
        life = p.done(8)
        move(life, 5, p.world.clock(life.office.back(2)))
        p.found(life, "R1", border="R2: 9 then 5 on the sixth working day (R1 alone)")
        life = p.done(3)
        life.moves[-1].note = "Đã ký; đồng bào dân tộc thiểu số"
        p.clean(p.move(life, 10, 2, 10), "R2: a note that only sounds like it")
        for days, times, other, why in (
            (7, 1, "", "R2: filed again on the sixth working day"),
            (3, 2, "", "R2: a firm files again and again"),
            (3, 1, " Hai", "R2: somebody else files the same"),
        ):
            life = p.done(days)
            move(life, 10, life.moves[-1].when + HOUR)
            for _ in range(times):
                _file_again(p, life).name += other
            p.clean(life, why)


def _file_again(p: Planting, life: Life) -> Life:
    again = received(p.world, life.office, life.office.back(1), 20, phone=life.phone, name=life.name)
    return p.clean(again, None, procedure=life.procedure, received=again.moves[0].when)


def plant_procedures_waits(world: World, scale: int) -> Callable[[Planting, int], None]:
    """Add three procedures whose results usually wait for some days at the desk; return a planter of longer waits.

    The usual wait is computed here from the planted dossiers: the median plus three times the median absolute
    deviation, but at least three days. A wait of more than ten days is always a finding.
    """
    habits = {"2.000001": (0, 0, 0, 1), "2.000002": (1, 2, 2, 3), "2.000003": (2, 4, 4, 4, 6, 9)}
    most: dict[str, int] = {}
    for place, (procedure, waits) in enumerate(habits.items()):
        office = world.office(f"W{place}")
        pulse(world, office)
        taken = [waits[number % len(waits)] for number in range(max(32, scale))]
        for number, wait in enumerate(taken):
            day = office.back(26 + number % 12)
            finished(world, received(world, office, day, 8, procedure=procedure), office.shift(day, 4), wait)
        median = statistics.median(taken)
        usual = median + 3 * statistics.median(abs(wait - median) for wait in taken)
        most[procedure] = min(10, max(3, math.floor(usual)))

    def plant(p: Planting, n: int) -> None:
        procedure = list(habits)[n % 3]
        line, way = most[procedure], n // 3 % 3
        days = line + 1 if way == 0 else line + 1 + n % 7
        border = f"R3: {line + 1} days, where {line} are usual" if way == 0 else None
        p.found(p.done(days + 1, procedure=procedure), "R3", border=border)
        if way == 0:
            p.clean(p.done(line + 1, procedure=procedure), f"R3: {line} days, where {line} are usual")
        if n % 9 == 0:
            p.clean(p.done(11, procedure="2.000004"), "R3: ten days, nothing is known of what is usual")
            p.found(p.done(12, procedure="2.000004"), "R3", border="R3: eleven days")
            life = p.done(20)
            p.clean(life, "R3: handed over according to the row", returned=at(life.office.back(18), 10))

    return plant


def plant_silent(p: Planting, n: int) -> None:
    """Plant dossiers that are past due and had no transition for three whole working days."""

    def waits(status: int, since: int, last: int) -> Life:
        life = received(p.world, office, office.back(since), 9)
        p.world.move(life, status, p.world.clock(office.back(last)))
        return life

    office = p.office()
    life = waits(4, 15, 4 + (n % 3 and n % 6))
    landline = n % 4 == 3
    p.found(life, "R7", *(["P4"] if landline else []), border=None if n % 3 else "R7: three working days",
            phone="02583822001" if landline else life.phone)  # fmt: skip
    if n % 3 == 0:
        p.clean(waits(4, 15, 3), "R7: two working days")
        life = p.open(office)
        life.moves.pop()
        p.clean(life, "R7: due in a minute", due=NOW + MINUTE)
        p.clean(waits(5, 12, 9), "R7: the clock is stopped")
    if n % 3 == 1:
        life = p.open(office)
        p.found(life, "R7", border="R7: due a minute ago", moves=life.moves[:2], due=NOW - MINUTE)


def _due_steps(life: Life, *steps: tuple[datetime, datetime]) -> Life:
    life.versions = [(when, due, life.procedure) for when, due in steps]
    life.due = steps[-1][1]
    return life


def plant_due_moved(p: Planting, n: int) -> None:
    """Plant due dates that were moved the day before the due day or later, or moved twice."""
    way, office = n % 4, p.office()
    life = p.open(office)
    first, ends = office.back(3), at(office.shift(TODAY, 5), 17)
    said = (life.received, at(first, 17))
    if way == 0:
        p.found(_due_steps(life, said, (at(first - DAY, 8), ends)), "R8", border="R8: moved the day before")
    elif way == 1:
        p.found(_due_steps(life, said, (at(first + DAY, 8 + n % 8), ends)), "R8")
    elif way == 2:
        twice = _due_steps(life, said, (at(office.back(7)), at(office.back(1), 17)), (at(office.back(5)), ends))
        p.found(twice, "R8", border="R8: early, but for the second time")
    else:
        # A pause justifies one move of the due date. Here an earlier move has used up the pause, so the late move is a
        # defect.
        life.moves.pop()
        p.move(p.move(p.move(life, 5, 7, 8), 4, 7, 15), 4, 2, 10)
        used = (life.received, at(office.back(5), 17)), (at(office.back(7), 16), at(first, 17))
        p.found(_due_steps(life, *used, (at(first, 8), ends)), "R8")
    if way == 0:
        life = p.open(office)
        _due_steps(life, (life.received, at(first, 17)), (at(first - 2 * DAY, 23), ends))
        p.clean(life, "R8: moved two days before, once")
        life = p.open(office)
        _due_steps(life, (life.received, ends), (at(office.back(2)), at(office.shift(TODAY, 2), 17)))
        p.clean(life, "R8: moved earlier")
        life = p.open(office)
        life.moves.pop()
        p.world.move(life, 5, at(first - DAY, 15))
        p.move(life, 4, 2)
        _due_steps(life, (life.received, at(first, 17)), (at(office.back(2), 9, 30), ends))
        p.clean(life, "R8: moved for a supplement")


def plant_impossible(p: Planting, n: int) -> None:
    """Plant dossiers whose steps have an impossible order or impossible times."""
    way, office, move = n % 10, p.office(), p.world.move
    life = p.open(office)
    border = None
    if way == 0:
        life.finished = life.received - SECOND
    elif way == 1:
        life.returned = life.received - DAY
        life.moves.append(Move(4, at(office.back(1), 9), p.world.actor(office), desk=False))
    elif way == 2:
        life.due = at(office.shift(life.received.date(), -1), 17)
        life.moves[-1].when = at(office.back(1), 10)
    elif way == 3:
        life.finished, border = NOW + 6 * MINUTE, "R10: in six minutes"
    elif way == 4:
        p.move(life, 4, 1, 20)
        border = "R10: at eight in the evening"
    elif way == 5:
        move(life, 4, at(office.back(1), 5, 59, 59))
        border = "R10: a second before six"
    elif way == 6:
        move(life, 4, at((date(2026, 11, 22), date(2026, 11, 24), date(2026, 11, 15))[n // 10 % 3], 10))
    elif way == 7:
        _result_after(p, life, MINUTE)
        life.due = at(office.shift(life.received.date(), 10), 17)
        border = "R10: a result in sixty seconds, ten days' term"
    elif way == 8:
        life.cleaned.append(("occurred_at", at(office.back(1)), True))
    else:
        life.cleaned.append(("due_at", NOW - HOUR, False))
    p.found(life, "R10", border=border)
    if way:
        return
    life = p.open(office)
    p.clean(life, "R10: finished when it was received", finished=life.received)
    p.clean(p.open(office), "R10: in four minutes", finished=NOW + 4 * MINUTE)
    life = p.open(office)
    move(life, 4, at(office.back(1), 19, 59, 59))
    p.clean(life, "R10: a second before eight")
    p.clean(p.move(p.open(office), 4, 1, 6), "R10: at six in the morning")
    p.clean(p.open(office), "R10: read clean since", cleaned=[("due_at", NOW - 20 * DAY, False)])
    for gap, term, why in ((61, 10, "R10: a result in 61 seconds"), (30, 9, "R10: in seconds, nine days' term")):
        life = received(p.world, office, office.back(5), term)
        p.clean(_result_after(p, life, gap * SECOND), why)


def _result_after(p: Planting, life: Life, gap: timedelta) -> Life:
    life.moves = [Move(2, life.received, "a", desk=False), Move(9, life.received + gap, "a", desk=True)]
    p.world.move(life, 10, life.received + HOUR)
    return life


def plant_left_lying(p: Planting, n: int) -> None:
    """Plant dossiers that stay in status 1 or 2 for three whole working days."""
    office, at_line = p.office(), n % 3 == 0
    for days, rules, border in (
        (4 if at_line else 5 + n % 4, ["R11"], "R11: three working days" if at_line else None),
        (3, [], "R11: two working days" if at_line else None),
    ):
        life = p.world.life(office, at(office.back(days), 8 + n % 8), at(office.shift(TODAY, 6), 17))
        p.world.move(life, 1 + n % 2, life.received)
        p.found(life, *rules, border=border)


def plant_wrong_procedure(p: Planting, n: int) -> None:
    def once(life: Life, procedure: str) -> list[tuple[datetime, datetime | None, str]]:
        return [(life.received, life.due, procedure), (at(office.back(2)), life.due, life.procedure)]

    office = p.office()
    life = p.open(office)
    if n % 2:
        p.found(life, "R12", versions=once(life, "1.999999"))
    else:
        note = ("Rút theo yêu cầu", None, "Hồ sơ đã được rút", "Chọn nhầm thủ tục")[n // 2 % 4]
        p.found(p.move(life, 7, 1, 10, note=note), "R12")
    if n % 10 == 0:
        p.clean(p.move(p.open(office), 7, 1, 10, note="công dân làm đơn xin rút"), "R12: the citizen asked")
        life = p.open(office)
        p.clean(life, "R12: the same in every version", versions=once(life, life.procedure))


def plant_asked_again(p: Planting, n: int) -> None:
    """Plant citizens to whom a result was announced and who then texted 9029 twice, or complained within five days.

    They complain that there is no result.
    """
    if n % 2:
        life = p.done(5, procedure="2.000004")
        texted_at = life.last(9) + MINUTE
        p.found(life, "R13", complaints=[("no_result_yet", texted_at + DAY * (n % 5), False)])
    else:
        life = p.done(3)
        asked = [life.last(9) + HOUR * (number + 1) for number in range(2 + n % 3)]
        p.found(life, "R13", border="R13: asked twice" if n % 3 == 0 else None, inquiries=asked)
    if n % 6 == 0:
        life = p.done(3)
        p.clean(life, "R13: asked once", inquiries=[life.last(9) + HOUR])
        for days, claim, taken_back, rules, why in (
            (6, "no_result_yet", False, [], "R13: complained on the sixth day"),
            (2, "no_result_yet", True, [], "R13: took the complaint back"),
            (2, "wrong_content", False, [], "R13: complained of something else"),
            (-1, "no_result_yet", False, [], "R13: complained before the message"),
            (5, "no_result_yet", False, ["R13"], "R13: complained on the fifth day"),
        ):
            life = p.done(7, procedure="2.000004")
            when = at(life.last(9).date() + DAY * days, 23, 59)
            p.found(life, *rules, border=why, complaints=[(claim, when, taken_back)])


def plant_due_on_day_off(p: Planting, n: int) -> None:
    days = (date(2026, 11, 29), date(2026, 12, 5), date(2026, 12, 6), date(2026, 11, 28))
    life = p.open()
    p.found(life, "D1", due=at(days[(4 * n if life.office.saturdays else n) % 4], 17))
    saturday = p.world.offices.get("K03")
    if n % 10 == 0 and saturday and saturday.saturdays:
        p.clean(p.open(saturday), "D1: a Saturday that is worked", due=at(date(2026, 11, 28), 11))


def plant_cleaned_field(p: Planting, n: int) -> None:
    field = ("step_name", "applicant_name, step_name", "note, procedure_name")[n % 3]
    p.found(p.open(), "D2", cleaned=[(field, NOW - HOUR, False)])
    if n % 10 == 0:
        p.clean(p.open(), "D2: read clean since", cleaned=[("step_name", NOW - 20 * DAY, False)])


def _with_register(p: Planting) -> Office:
    if "K07" in p.world.offices:
        return p.world.offices["K07"]
    count = sum(code.startswith("Q") for code in p.world.offices)
    if count and p.world.sizes[f"Q{count - 1}"] < 20:
        return p.world.offices[f"Q{count - 1}"]
    return p.world.office(f"Q{count}", source="co_so")


def plant_before_register(p: Planting, n: int) -> None:
    """Plant results that the desk's register shows only more than half an hour after status 9, or not at all."""
    life = p.done(2, _with_register(p))
    ready, way = life.last(9), n % 3
    register = ((ready + 31 * MINUTE, None), (ready + DAY * (n % 2 + 1), None), (None, None))[way]
    p.found(life, "D3", border=None if way else "D3: 31 minutes later", register=register)
    if way == 0:
        life = p.done(2, life.office)
        p.clean(life, "D3: 30 minutes later", register=(life.last(9) + 30 * MINUTE, None))


def plant_against_register(p: Planting, n: int) -> None:
    """Plant results whose register entry contradicts the status.

    For more than a day, either the dossier counts as handed over although the register has no signature, or the
    register has a signature although the dossier still waits at the desk.
    """
    office = _with_register(p)
    life = p.done(3, office)
    ready = life.last(9)
    if n % 2:
        p.found(p.move(life, 10, 2), "D4", register=(ready, None))
    else:
        p.found(life, "D4", register=(ready, at(office.back(2), 9)))
    if n % 4 == 0:
        life = p.done(3, office)
        p.clean(life, "D4: signed a day ago to the minute", register=(life.last(9), NOW - DAY))
        life = p.done(3, office)
        signed = (life.last(9), NOW - DAY - MINUTE)
        p.found(life, "D4", border="D4: signed a day and a minute ago", register=signed)


def planters(world: World, scale: int) -> dict[str, Planter]:
    """Return the planter of each rule."""
    return {
        **{rule: plant_phone(rule) for rule in PHONES},
        "P11": plant_shared_number,
        "P12": plant_failed_elsewhere,
        "P13": plant_failed_here,
        "P14": plant_typed_badly,
        "P15": plant_unknown_block,
        "R1": plant_taken_back,
        "R2": plant_supplement_by_result,
        "R3": plant_procedures_waits(world, scale),
        "R7": plant_silent,
        "R8": plant_due_moved,
        "R10": plant_impossible,
        "R11": plant_left_lying,
        "R12": plant_wrong_procedure,
        "R13": plant_asked_again,
        "D1": plant_due_on_day_off,
        "D2": plant_cleaned_field,
        "D3": plant_before_register,
        "D4": plant_against_register,
    }


# -------------------------------------------------------------------------------------- defects of agencies' months


@dataclass(frozen=True)
class Month:
    """A month of one agency with ``of_all`` dossiers, of which ``cases`` have the defect."""

    office: Office
    number: int
    of_all: int
    cases: int

    def day(self, place: int, first: int, last: int) -> date:
        """Return one of the month's working days from index ``first`` to before ``last``."""
        days = [day for day in self.office.days(FIRST, self.office.back(1)) if day.month == self.number]
        chosen = days[first:last]
        return chosen[place % len(chosen)]


def month_of_waiting(world: World, month: Month) -> None:
    """Add a month with results that nobody collects for more than ten working days."""
    for number in range(month.of_all):
        day = month.day(number, 0, 4)
        life = received(world, month.office, month.office.shift(day, -2), 20)
        if number < month.cases:
            world.move(life, 9, world.clock(day))
            life.expected.add("R3")
        else:
            finished(world, life, day, number % 4)


def month_at_once(world: World, month: Month) -> None:
    """Add a month in which status 10 follows status 9 within two minutes, or comes without status 9."""
    for number in range(month.of_all):
        day = month.day(number, 4, 12)
        life = received(world, month.office, month.office.shift(day, -2), 5)
        if number < month.cases and number % 6 == 5:
            world.move(life, 10, world.clock(day))
            continue
        ready = world.move(life, 9, world.clock(day)).when
        seconds = (120, 5, 60)[number % 3] if number < month.cases else (121, 600, 3000)[number % 3]
        world.move(life, 10, ready + seconds * SECOND)


def month_of_batches(world: World, month: Month) -> None:
    """Add a month in which one user makes most of a day's changes within five minutes at the end of the day."""
    office, day = month.office, month.day(7, 0, 99)
    for number in range(month.of_all):
        life = received(world, office, office.shift(day, -2 - number % 3), 1)
        life.due = at(office.shift(TODAY, 9), 17)
        if number < month.cases:
            when = at(day, 16, 40) + 300 * number // (month.cases - 1) * SECOND
            world.move(life, 4, when, actor=f"{office.code}.vet")
        elif number < 2 * month.cases - 1:
            world.move(life, 4, at(day, 9, number % 60), actor=f"{office.code}.vet")


def month_of_beating(world: World, month: Month) -> None:
    """Add a month with status 9 in the last minutes before the apologies are sent.

    Each such dossier is collected four working days after its due day. Some first go back to processing.
    """
    office = month.office
    for number in range(month.of_all):
        due = month.day(number, 6, 9)
        eve = office.shift(due, -1)
        life = received(world, office, office.shift(due, -5), 5)
        assert life.due is not None
        if number >= month.cases:
            finished(world, life, eve, number % 3)
            continue
        minute = (45, 52, 59, 89)[number % 4]
        world.move(life, 9, at(eve, 16) + MINUTE * minute + (59 * SECOND if minute == 89 else 0 * SECOND))
        if number % 3 == 0:
            world.move(life, 4, at(due, 8, 30))
            world.move(life, 9, world.clock(office.shift(due, 2)))
            life.expected.add("R1")
        world.move(life, 10, world.clock(office.shift(due, 4), 14, 16))


def month_of_parking(world: World, month: Month) -> None:
    """Add a month with pauses that begin the day before the due day or later; some pauses also move the due date."""
    office = month.office
    for number in range(month.of_all):
        day = month.day(number, 3, 7)
        life = received(world, office, office.shift(day, -1), 5)
        assert life.due is not None
        late = number < month.cases
        paused = office.shift(life.due.date(), (-1, 0, 1)[number % 3]) if late else day
        if late and number % 3 == 0:
            paused = max(paused, life.due.date() - DAY)
            if not office.works(paused):
                paused = life.due.date()
        world.move(life, (5, 6, 8)[number % 3], world.clock(paused))
        resumed = office.shift(paused, 2)
        world.move(life, 4, world.clock(resumed))
        if number % 2:
            before, life.due = life.due, at(office.shift(life.due.date(), 4), 17)
            life.versions = [(life.received, before, life.procedure), (at(resumed, 16, 30), life.due, life.procedure)]
        if resumed < office.back(3):
            finished(world, life, office.shift(resumed, 1), 0)
        else:
            life.due = at(office.shift(TODAY, 5), 17)
            life.versions = life.versions[:1] and [*life.versions[:1], (at(resumed, 16, 30), life.due, life.procedure)]
            if not life.versions:
                life.versions = [
                    (life.received, at(office.shift(office.shift(day, -1), 5), 17), life.procedure),
                    (at(resumed, 16, 30), life.due, life.procedure),
                ]


def month_of_bad_phones(world: World, month: Month) -> None:
    """Add a month with phone numbers that cannot be texted.

    Half of the dossiers are withdrawn. If one of the others has such a number, the rule about the number must find it.
    """
    kinds = [(rule, text) for rule, texts in PHONES.items() for text in texts]
    for number in range(month.of_all):
        life = received(world, month.office, month.day(number, 0, 10), 1)
        life.due = at(month.office.shift(TODAY, 5 + number % 10), 17)
        if number < month.cases:
            rule, life.phone = kinds[number * 7 % len(kinds)]
            if number % 2:
                life.expected.add(rule)
        if number % 2 == 0:
            world.move(life, 7, world.clock(month.office.shift(life.received.date(), 1)), note="Công dân xin rút")


def month_of_silence(world: World, month: Month) -> None:
    """Add a month with result messages that did not reach the phone: undelivered, rejected or expired."""
    for number in range(month.of_all):
        day = month.day(number, 4, 12)
        life = finished(world, received(world, month.office, month.office.shift(day, -2), 5), day, number % 3)
        if number < month.cases:
            life.results = ("undelivered", "rejected", "expired")[number % 3]


@dataclass(frozen=True)
class Statistic:
    """How to add a *guilty* month, which a rule must find: the function, the limit, the share of bad dossiers."""

    make: Callable[[World, Month], None]
    line: tuple[int, int]
    """(cases, dossiers) of a month that are just enough for a finding; with one case less there is none."""
    share: tuple[float, float]
    least: int = 30
    months: tuple[int, ...] = (9, 10, 11)


STATISTICS: Final[dict[str, Statistic]] = {
    "R3M": Statistic(month_of_waiting, (10, 40), (0.3, 0.7)),
    "R4": Statistic(month_at_once, (25, 30), (0.84, 1)),
    "R5": Statistic(month_of_batches, (10, 30), (0.3, 0.5)),
    "R6": Statistic(month_of_beating, (10, 40), (0.3, 0.8)),
    "R9": Statistic(month_of_parking, (10, 40), (0.3, 0.8)),
    "R14": Statistic(month_of_bad_phones, (4, 30), (0.12, 0.5)),
    "R15": Statistic(month_of_silence, (4, 30), (0.12, 0.6)),
}


def plant_months(world: World, count: int) -> None:
    """Plant ``count`` guilty months for each rule, some exactly at the limit, and months that are just not guilty."""
    pick = world.random
    for rule, statistic in STATISTICS.items():
        for number in range(count):
            month = statistic.months[number % len(statistic.months)]
            cases, of_all = statistic.line
            at_line = number % 5 == 0
            if not at_line:
                of_all = pick.randint(max(statistic.least, 36), 80)
                cases = max(10, math.ceil(of_all * pick.uniform(*statistic.share)))
            office = world.office(f"G{rule}{number:02d}")
            pulse(world, office, daily=30)
            statistic.make(world, Month(office, month, of_all, cases))
            world.months.add((rule, office.code, f"2026-{month:02d}"))
            if not at_line:
                continue
            cases, of_all = statistic.line
            # The month of agency N… has one case too few for a finding. The month of agency T… has enough cases, but
            # too few dossiers.
            for letter, innocent in (
                ("N", Month(office, month, of_all, cases - 1)),
                ("T", Month(office, month, 29, 29)),
            ):
                if letter == "T" and rule in ("R5", "R9"):
                    innocent = Month(office, month, 25, 13)
                other = world.office(f"{letter}{rule}{number:02d}")
                pulse(world, other, daily=30)
                statistic.make(world, Month(other, innocent.number, innocent.of_all, innocent.cases))


# ----------------------------------------------------------------------------------------------- defects of sources


def plant_sources(world: World) -> None:
    """Plant sources that fail, fall silent, lose rows or send unknown values."""

    def source(name: str, daily: int = 10, until: date | None = None, **state: Any) -> Office:
        world.states[name] = state
        office = world.office(f"S-{name}", source=name)
        if daily:
            pulse(world, office, daily=daily, until=until)
        return office

    def must_find(rule: str, *subjects: str) -> None:
        world.sources |= {(rule, subject) for subject in subjects}

    source("hong", failed_at=NOW - HOUR, failure="OperationalError")
    source("lau", picked_up_at=NOW - 6 * HOUR - MINUTE)
    source("chua", daily=0, picked_up_at=None)
    source("vua_kip", picked_up_at=NOW - 6 * HOUR)
    must_find("S1", "hong", "lau", "chua")
    office = Office("")
    source("im", until=office.back(2))
    source("im_lau", daily=6, until=office.back(3))
    source("it", daily=5, until=office.back(2))
    source("thua", daily=2, until=office.back(4))
    must_find("S2", "im", "im_lau")
    for code, until, daily, quiet in (
        ("YEN1", 4, 10, True),
        ("YEN2", 4, 6, True),
        ("YEN3", 3, 10, False),
        ("YEN4", 4, 5, False),
    ):
        place = world.office(code)
        pulse(world, place, daily=daily, until=place.back(until))
        if quiet:
            must_find("S3", f"mot_cua {code}")
    for name, daily, left, fallen in (("sut", 20, 49, True), ("sut_vua", 20, 50, False), ("sut_it", 11, 3, False)):
        place = source(name, daily, office.back(6))
        life = received(world, place, place.back(5), 40)
        for number in range(left - 2):
            day = place.back(1 + number % 4)
            world.move(life, 4, at(day, 8 + number % 7, number), actor=f"{place.code}.{number}")
        if fallen:
            must_find("S4", name, f"{name} {place.code}")
    for reason in ("agency_unknown", "status_unknown", "code_unusable"):
        source(reason)
        world.quarantine.append((reason, reason, NOW - MINUTE))
        must_find("S5", reason)
    for name, age, found in (("mat_dong", 24 * HOUR + MINUTE, True), ("cho_them", 24 * HOUR, False)):
        source(name)
        world.quarantine.append((name, "dossier_missing", NOW - age))
        if found:
            must_find("S6", name)
    for name in ("khong_so", "khong_so_2"):
        source(name)
        world.unreadable.add(name)
        must_find("S7", name)


def build(seed: int, clean: int, planted: int) -> World:
    """Build a world with ``clean`` dossiers that have no defect, and about ``planted`` defects over all rules."""
    world = World(seed)
    large = make_clean(world, clean)
    each = max(10, (planted - 1300) // 30)
    for plant in planters(world, each).values():
        planting = Planting(world, large)
        for number in range(each):
            plant(planting, number)
    plant_months(world, max(2, min(24, planted // 200)))
    plant_sources(world)
    return world
