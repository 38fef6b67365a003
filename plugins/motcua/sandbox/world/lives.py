"""Plan a dossier's life: the acts that will happen to it, and after how many seconds.

Order and proportions are those of real life. Only the pace differs: days become seconds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from random import Random
from typing import Literal, TypeVar

from motcua.sandbox.world.happenings import Act, Dossier, Move, Obstacle, Writing, condition
from motcua.sandbox.world.people import applicant, hostile_text
from motcua.sandbox.world.procedures import ZONE, Agency, Procedure, due_at

Oddity = Literal[
    "none",
    "unknown_agency",
    "unknown_status",
    "row_later",
    "hostile_text",
    "code_padded",
    "code_unusable",
    "wrong_procedure",
]
ODDITIES: dict[Oddity, int] = {
    "none": 84,
    "unknown_agency": 2,
    "unknown_status": 2,
    "row_later": 3,
    "hostile_text": 4,
    "code_padded": 2,
    "code_unusable": 1,
    "wrong_procedure": 2,
}
"""How many of a hundred dossiers have each oddity."""

_Card = TypeVar("_Card")

_WRITINGS: tuple[Writing, ...] = ("together", "row_first", "transition_first", "late")
_WRITING_WEIGHTS = (75, 11, 11, 3)
_HALVES_APART = 10.0
"""Seconds after which both halves of a move, the dossier's row and the transition, are certainly at the source."""

_ODD_DATES = (
    "",
    "28/11/2026",
    "20260231170000",
    "2026-11-28 17:00",
    "00000000000000",
    "chưa hẹn",
    "20261128",
)


class _Life:
    """Collects the acts of one dossier's life. ``now`` is the number of seconds since the dossier was received."""

    def __init__(self, random: Random, agency: Agency, oddity: Oddity) -> None:
        self.random = random
        self.agency = agency
        self.oddity = oddity
        self.now = 0.0
        self.acts: list[Act] = []
        self._settled = 0.0

    def chance(self, share: float) -> bool:
        return self.random.random() < share

    def add(self, after: float, kind: Literal["repeat", "reveal", "mend", "correct_procedure", "paper_ready"]) -> None:
        self.acts.append(Act(after=after, kind=kind))

    def official(self, part: str, of: int) -> str:
        return f"{self.agency.login}.{part}{self.random.randint(1, of)}"

    def move(
        self,
        wait: tuple[float, float],
        steps: str | Sequence[str],
        status: int | None,
        desk: bool,
        note: str | None = None,
        *,
        quick: bool = False,
        ready: bool = False,
        handed: bool = False,
        truthful: bool = True,
        events: tuple[str, ...] = (),
    ) -> None:
        """Add the next move of the dossier, ``wait`` (least, most) seconds after the last move.

        ``quick``: the agency's pace does not slow the move, and the source writes it in one transaction and without
        faults.
        """
        pace = 1.0 if quick else self.agency.pace
        self.now = max(self.now + self.random.uniform(*wait) * pace, self._settled)
        step = steps if isinstance(steps, str) else self.random.choice(steps)
        if self.oddity == "hostile_text" and self.chance(0.4):
            note = hostile_text(self.random)
        if self.oddity == "hostile_text" and self.chance(0.1):
            step += " \x07\x0b\u202e\r\nQUÁ DÀI" * self.random.choice((1, 500))
        writing: Writing = "together"
        clock_error, odd_time = 0.0, None
        if not quick:
            writing = self.random.choices(_WRITINGS, weights=_WRITING_WEIGHTS)[0]
            if self.chance(0.02):
                clock_error = round(self.random.choice((-1, 1)) * self.random.uniform(60, 280), 1)
            elif self.agency.source == "vanphong" and self.chance(0.02):
                odd_time = self.random.choice(_ODD_DATES)
        move = Move(
            step=step,
            status=status,
            desk=desk,
            actor=self.official("mc", 2) if desk or status in (1, 3) else self.official("cv", 4),
            note=note,
            writing=writing,
            clock_error=clock_error,
            odd_time=odd_time,
            ready=ready,
            handed=handed,
            truthful=truthful,
            events=events,
        )
        self.acts.append(Act(after=self.now, kind="move", move=move))
        self._settled = self.now + (0.5 if writing == "together" else _HALVES_APART)
        if not quick and self.chance(0.03):
            again = self._settled + self.random.uniform(0.5, 2.5)
            self.add(again, "repeat")
            self._settled = again + 0.5


def _process(procedure: Procedure, random: Random) -> list[str | tuple[str, ...]]:
    """Return the steps between reception and result."""
    if procedure.term == 0:
        return ["Thẩm định", *(["Ký duyệt"] if random.random() < 0.4 else [])]
    steps: list[str | tuple[str, ...]] = [("Chuyển xử lý", "Phân công"), ("Thẩm định", "Xử lý hồ sơ")]
    if procedure.term > 5:
        steps += ["Lấy ý kiến"] if random.random() < 0.3 else []
        steps += [("Trình ký", "Trình lãnh đạo phê duyệt")]
        steps += ["Ký duyệt"] if random.random() < 0.5 else []
        steps += ["Vào sổ, đóng dấu"] if random.random() < 0.5 else []
    else:
        steps += ["Trình ký"] if random.random() < 0.8 else []
    return steps


_AT_RESULT = ("Trả kết quả", "Trả kết quả", "Chờ trả kết quả")
_MISSING_PAPERS = (
    "Thiếu bản sao giấy tờ tùy thân",
    "Bổ sung bản vẽ hiện trạng",
    "Tờ khai chưa ký, đề nghị hoàn thiện",
    "Thiếu hợp đồng thuê trụ sở",
)


def _supplement(life: _Life) -> bool:
    """Add the desk's request for missing papers, and return whether the applicant brings them."""
    note, chance = life.random.choice(_MISSING_PAPERS), life.random.random()
    if chance < 0.5:  # the status changes first, the dossier returns to the desk later
        life.move((4, 10), "Yêu cầu bổ sung", 5, False, note)
        life.move((3, 15), ("Chờ bổ sung", "Chờ bổ sung hồ sơ"), 5, True, note)
    elif chance < 0.8:
        life.move((4, 10), "Chờ bổ sung", 5, True, note)
    else:  # the dossier returns to the desk first, the status changes later
        life.move((4, 10), "Chuyển bộ phận Một cửa", 4, True)
        life.move((3, 12), "Chờ bổ sung", 5, True, note)
    if life.chance(0.1):
        return False
    life.move((15, 45), ("Đã bổ sung hồ sơ", "Thẩm định"), 4, False)
    return True


def _false_results(life: _Life) -> None:
    """Give the dossier the status of a result, in some cases, although the paper is not at the desk.

    The official clicked on the wrong step, or used the step of a result to ask for a supplement.
    """
    if life.chance(0.07):
        back = (2.0, 8.0) if life.chance(0.5) else (20.0, 70.0)
        life.move((4, 10), _AT_RESULT, 9, True, quick=True, truthful=False, events=("misclick",))
        life.move(
            back,
            ("Trình ký", "Thẩm định"),
            4,
            False,
            "Chuyển nhầm bước",
            quick=True,
            events=("misclick_undone",),
        )
    elif life.chance(0.04):
        note = life.random.choice(_MISSING_PAPERS)
        event = ("supplement_through_result",)
        life.move(
            (4, 10),
            _AT_RESULT,
            9,
            True,
            f"{note}, mời công dân bổ sung",
            quick=True,
            truthful=False,
            events=event,
        )
        if life.chance(0.7):
            life.move((10, 30), "Chờ bổ sung", 5, True, note, quick=True)
        life.move((15, 40), "Thẩm định", 4, False)


def _result(life: _Life) -> None:
    """Let the result reach the desk, in one move or in two, and in most cases be handed over."""
    ahead = life.chance(0.05)
    if life.chance(0.6):
        life.move((4, 12), ("Chuyển bộ phận Một cửa", "Chờ xác nhận trả kết quả"), 9, False)
        wait = (3.0, 12.0)
    else:
        wait = (4.0, 12.0)
    events = ("status_ahead_of_paper",) if ahead else ()
    life.move(wait, _AT_RESULT, 9, True, ready=not ahead, truthful=not ahead, events=events)
    if ahead:
        life.add(life.now + life.random.uniform(40, 120), "paper_ready")
        wait = (125.0, 200.0)
    elif life.chance(0.04):
        life.move((1, 4), "Đã trả kết quả", 10, True, quick=True, handed=True, events=("collected_at_once",))
        return
    else:
        wait = (20.0, 90.0)
    if life.chance(0.9):
        life.move(wait, "Đã trả kết quả", 10, True, handed=True)


def _side_end(life: _Life) -> bool:
    """Let the dossier end or stop without a result, in some cases. Return whether it does."""
    chance = life.random.random()
    if chance < 0.01:
        life.move((5, 15), ("Rút hồ sơ",), 7, True, "Công dân đề nghị rút", events=("withdrawn",))
    elif chance < 0.015:
        life.move(
            (5, 15),
            ("Rút hồ sơ",),
            7,
            True,
            "Rút theo yêu cầu",
            truthful=False,
            events=("withdrawn_unasked",),
        )
    elif chance < 0.035:
        life.move((5, 15), ("Tạm dừng", "Không giải quyết"), 8, False, events=("stopped",))
    elif chance >= 0.97:  # the dossier never moves again and passes its due date
        return True
    return chance < 0.035


def life(
    random: Random,
    agency: Agency,
    procedure: Procedure,
    *,
    online: bool = False,
    oddity: Oddity = "none",
    mendable: bool = False,
) -> list[Act]:
    """Return the acts that will happen to a dossier, in order.

    ``mendable``: whether the dossier's phone field is bad and the desk may ask for the number again.
    """
    story = _Life(random, agency, oddity)
    if _reception(story, online):
        _until_the_end(story, procedure)
    acts = story.acts
    texted_after = next((a.after for a in acts if a.move and condition(a.move.status, a.move.desk)), None)
    if oddity == "row_later":
        acts.append(Act(after=(texted_after or 0.0) + random.uniform(20, 60), kind="reveal"))
    if oddity == "wrong_procedure":
        acts.append(Act(after=random.uniform(15, 40), kind="correct_procedure"))
    if mendable and texted_after is not None and story.chance(0.65):
        acts.append(Act(after=texted_after + random.uniform(8, 40), kind="mend"))
    return sorted(acts, key=lambda act: act.after)


def _reception(story: _Life, online: bool) -> bool:
    """Add the reception, and return whether the desk accepts the dossier."""
    if online:
        story.move((0, 0), "Chờ tiếp nhận trực tuyến", 1, False)
        if story.chance(0.1):
            if story.chance(0.5):  # the other half is never processed
                story.move((5, 15), "Không tiếp nhận", 3, False, "Hồ sơ không thuộc thẩm quyền")
            return False
        story.move((3, 10), "Tiếp nhận", 2, True)
    else:
        story.move((0, 0), "Tiếp nhận", 2, True)
    if story.oddity == "unknown_status":
        unknown = None if story.chance(0.25) else 11
        story.move((2, 6), "Nhận trực tiếp", unknown, True, events=("unknown_status",))
    return True


def _until_the_end(story: _Life, procedure: Procedure) -> None:
    steps = _process(procedure, story.random)
    supplement_at = story.random.randrange(len(steps)) if story.chance(0.33) else None
    for place, step in enumerate(steps):
        story.move((3, 10), step, 4, False)
        if place == supplement_at and not _supplement(story):
            return
    if story.chance(0.04):
        story.move((4, 10), "Chờ thực hiện nghĩa vụ tài chính", 6, True)
        story.move((15, 40), "Trình ký", 4, False, "Đã nộp biên lai")
    if _side_end(story):
        return
    _false_results(story)
    _result(story)


def deal(random: Random, shares: Mapping[_Card, int]) -> Iterator[_Card]:
    """Yield values without end, like cards from a pack that is shuffled again and again. Each value comes as often as
    its share demands, even over a short time."""
    deck = [card for card, count in shares.items() for _ in range(count)]
    while True:
        random.shuffle(deck)
        yield from deck


def _code(random: Random, agency: Agency, day: datetime, serial: Callable[[str, str], int]) -> str:
    """Return a dossier code: mostly in the form of Circular 01/2018/TT-VPCP, article 19, or in a form of 2016."""
    if random.random() >= agency.old_codes:
        series = f"{agency.written_code}-{day:%y%m%d}"
        return f"{series}-{serial(agency.code, series):04d}"
    shape = random.randrange(3)
    if shape == 0:
        return f"{day:%y%m%d}{serial(agency.code, f'{day:%y%m%d}'):03d}"
    number = serial(agency.code, f"{day:%Y}")
    return f"{day:%Y}.{number}" if shape == 1 else f"{number:04d}/{day:%Y}"


def born(
    random: Random,
    agency: Agency,
    unknown_agency: str,
    received_at: datetime,
    serial: Callable[[str, str], int],
    *,
    procedure: Procedure | None = None,
    oddity: Oddity = "none",
) -> tuple[Dossier, list[Act]]:
    """Return a new dossier and its life. ``serial(agency, series)`` numbers the codes.

    No act has happened yet; the first one is the dossier's reception.
    """
    if oddity == "unknown_agency":
        agency = agency.model_copy(update={"code": unknown_agency, "old_codes": 0.0})
    true_procedure = procedure or random.choice(agency.procedures)
    procedure = true_procedure
    if oddity == "wrong_procedure":
        procedure = random.choice([p for p in agency.procedures if p.code != true_procedure.code])
    person = applicant(random, business=agency.business and random.random() < 0.7)
    online = random.random() < 0.2
    via: Literal["direct", "online", "postal"] = (
        "online" if online else "postal" if random.random() < 0.06 else "direct"
    )
    code = _code(random, agency, received_at.astimezone(ZONE), serial)
    written = code
    if oddity == "code_padded":
        written = random.choice((f" {code}", f"{code} ", f"{code}\t", f"\u00a0{code}"))
    elif oddity == "code_unusable":
        code = written = f"{code}-{'0' * 40}"
    obstacles: dict[Oddity, Obstacle] = {
        "unknown_agency": "unknown_agency",
        "code_unusable": "unusable_code",
        "row_later": "no_dossier_row",
    }
    dossier = Dossier(
        source=agency.source,
        agency_code=agency.code,
        written_agency=agency.written_code,
        code=code,
        written_code=written,
        procedure=procedure,
        true_procedure=true_procedure,
        applicant_name=hostile_text(random) if oddity == "hostile_text" else person.name,
        phone=person.phone,
        phone_entered_at=person.phone.entered_at or received_at,
        submitted_via=via,
        received_at=received_at,
        due_at=due_at(received_at, procedure),
        odd_due=random.choice(_ODD_DATES) if agency.source == "vanphong" and random.random() < 0.06 else None,
        updated_at=received_at,
        hidden=oddity == "row_later",
        obstacle=obstacles.get(oddity),
    )
    acts = life(random, agency, true_procedure, online=online, oddity=oddity, mendable=not person.phone.good)
    if oddity not in ("none", "unknown_status"):
        first = acts[0].move
        if first is not None:
            move = first.model_copy(update={"events": (*first.events, oddity)})
            acts[0] = acts[0].model_copy(update={"move": move})
    return dossier, acts


def pace_of_life(agencies: Sequence[Agency]) -> tuple[float, float]:
    """Return how many transitions and seconds a dossier's life has on average, weighted by agency."""
    random = Random(0)  # noqa: S311 - a simulation
    transitions, seconds, lives = 0, 0.0, 400
    for agency in random.choices(agencies, weights=[a.weight for a in agencies], k=lives):
        acts = life(random, agency, random.choice(agency.procedures), online=random.random() < 0.2)
        transitions += sum(act.kind in ("move", "repeat") for act in acts)
        seconds += acts[-1].after
    return transitions / lives, seconds / lives
