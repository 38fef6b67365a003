"""Prove that a dossier's steps are handled right, whatever the order of their numbers and times.

The changes of the dossier's row may come in any order, too.

The oracle follows docs/decisions/old-steps.md. Each dossier exists for one day and has a few steps. A step is typed in
at once or late, and committed at once or late. Its time is given, missing, rounded to a date, or impossible. Its number
may or may not follow the order of typing. The dossier's row shows the state of the last step, an older state or another
state, or it changes without a step. The real jobs read all dossiers in the same pick-ups, plan and send messages, plan
apologies and answer inquiries. The oracle knows when each record was written, and derives the outcome of each message.
"""

from __future__ import annotations

import random
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from functools import partial
from pathlib import Path

from motcua.gateways.adapter import InquiryReading
from motcua.jobs.notices import picking_up
from motcua.jobs.notices.answering import answer
from motcua.jobs.notices.apologizing import apologize
from motcua.jobs.notices.sending.sender import send
from motcua.store.agencies import save_agencies
from tests.ground import OneStop, agency, ask, in_ledger, off_balance, one_stops, quiet_logs, take_in
from tests.prove import Figure, equal, none, noted
from tests.prove.notices.apology import begin_before
from tests.prove.worlds import wrong_clocks
from tests.prove.worlds.ledgers import notice_mistakes, proving_ledger, proving_server, replacing
from tests.prove.worlds.wrong_clocks import (
    AGENCY,
    DUE,
    EVENING,
    HOUR,
    KIND_OF_STATE,
    MINUTE,
    TEN,
    ZONE,
    State,
    messages_by_code,
)

SECOND = timedelta(seconds=1)
SKEW, LATE, LOOK_BACK = 5 * MINUTE, 10 * MINUTE, 26 * HOUR
DOSSIERS, FEW, ASKED = 2000, 250, 300

PICK_UPS = [
    TEN + each
    for each in (
        -HOUR, 2 * SECOND, 10 * SECOND, 6 * MINUTE, 21 * MINUTE, 27 * MINUTE, 62 * MINUTE, 68 * MINUTE,
    )
] + [EVENING + 5 * SECOND, EVENING + 10 * MINUTE]  # fmt: skip
TYPED_AT = (timedelta(0), 5 * SECOND, 8 * SECOND, 20 * MINUTE, 61 * MINUTE, 61 * MINUTE + 5 * SECOND)
STATES = {(4, False): 30, (9, True): 34, (5, True): 14, (2, False): 6, (9, False): 6, (6, False): 3, (7, False): 2,
          (3, False): 2, (10, False): 3}  # fmt: skip


# ------------------------------------------------------------------------------------------------------------ the world


@dataclass
class Step:
    """A transition as the source has it."""

    number: int
    state: State
    occurred: datetime | None
    recorded: datetime
    visible: datetime


@dataclass
class Row:
    """The values of a dossier's row at the source from a moment on."""

    visible: datetime
    state: State
    updated: datetime


@dataclass
class Life:
    """The records of a dossier at the source, with the times from which they are visible."""

    code: str
    steps: list[Step] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)


def draw_life(lot: random.Random, code: str) -> Life:
    life, begun = Life(code), TEN - 2 * HOUR
    life.steps.append(Step(0, (4, False), begun, begun, begun))
    life.rows.append(Row(begun, (4, False), begun))
    for typed_at in sorted(lot.sample(TYPED_AT, lot.randint(1, 4))):
        recorded = TEN + typed_at
        state = lot.choices(list(STATES), list(STATES.values()))[0]
        is_late = lot.random() < 0.45 and len(life.steps) > 1
        occurred = lot.choice(_late_times(recorded)) if is_late else recorded - lot.choice((0, 0, 20)) * SECOND
        visible = recorded + lot.choice((0, 0, 0, 0, 3, 240)) * SECOND
        life.steps.append(Step(0, state, occurred, recorded, visible))
        says = life.rows[-1].state
        if is_late:
            kind = lot.choices(("same", "as typed", "as typed, dated back", "other"), (55, 20, 15, 10))[0]
            if kind == "other":
                life.rows.append(Row(visible, lot.choice([(4, False), (9, True), (5, True)]), visible))
            elif kind != "same":
                is_back = kind == "as typed, dated back" and occurred is not None and occurred < visible
                life.rows.append(Row(visible, state, occurred if is_back and occurred else visible))
        elif says != state and lot.random() < 0.9:
            life.rows.append(Row(visible, state, visible + SECOND * lot.choice((-1, 0, 1))))
    if lot.random() < 0.1:
        # In this life the row changes without a step.
        moved = TEN + lot.choice((30, 65)) * MINUTE
        life.rows.append(Row(moved, lot.choice([(4, False), (9, True)]), moved))
    life.rows.sort(key=lambda row: row.visible)
    return life


def _late_times(recorded: datetime) -> list[datetime | None]:
    midnight = datetime.combine(recorded.astimezone(ZONE).date(), time(0), ZONE)
    ago = (timedelta(hours=18), timedelta(hours=18), timedelta(days=4), 12 * MINUTE, 9 * MINUTE, 3 * HOUR)
    return [*(recorded - each for each in ago), midnight, None, datetime(1999, 1, 1, tzinfo=ZONE), recorded + HOUR]


def number_steps(lot: random.Random, lives: Sequence[Life]) -> None:
    """Number the source's steps in the order of typing; in rare cases, swap two neighbouring numbers of a dossier."""
    every = sorted((step.recorded, place, n) for place, life in enumerate(lives) for n, step in enumerate(life.steps))
    for number, (_, place, n) in enumerate(every, 10):
        lives[place].steps[n].number = number
    for life in lives:
        if len(life.steps) > 2 and lot.random() < 0.15:
            first = lot.randrange(1, len(life.steps) - 1)
            one, two = life.steps[first : first + 2]
            one.number, two.number = two.number, one.number


# ----------------------------------------------------------------------------------------------------------- the oracle


@dataclass
class Known:
    """A step as the ledger must store it: with a usable time, and its place in the order of the dossier's steps."""

    place: tuple[int, int]
    """(number of the step, 0), or, if only the row showed the step, (number of the step before it, 1 or more)."""
    state: State
    occurred: datetime
    recorded: datetime
    may_be_old: bool
    is_old: bool = False
    """Whether the step clearly happened before a step with a lower number, so it was typed in late."""
    reading: State | None = None
    has_force: bool = False
    """Whether this old step counts: the dossier's row agreed with the step at the pick-up that judged the step."""

    @property
    def kind(self) -> str | None:
        return KIND_OF_STATE.get(self.state)


def latest_rows(lives: Sequence[Life]) -> dict[datetime, datetime | None]:
    """Return, for each pick-up, the latest ``updated`` time of all rows that earlier pick-ups read.

    For the first pick-up the value is ``None``.
    """
    found: dict[datetime, datetime | None] = {}
    latest: datetime | None = None
    for moment in PICK_UPS:
        found[moment] = latest
        rows = ([row for row in life.rows if row.visible <= moment][-1].updated for life in lives)
        latest = max(filter(None, (latest, *rows)))
    return found


@dataclass
class ExpectedMessage:
    """A message that must exist."""

    kind: str
    first: tuple[int, int]
    occurred: datetime
    state: str = "queued"
    accepted: datetime | None = None


class Oracle:
    """Derives, pick-up by pick-up, the messages that one dossier must have."""

    def __init__(self, life: Life, read_until: Mapping[datetime, datetime | None]) -> None:
        """Create the oracle of one life; ``read_until`` is the result of ``latest_rows``."""
        self.life, self.read_until = life, read_until
        self.known: list[Known] = []
        self.row = life.rows[0]
        self.updated = self.row.updated
        self.messages: list[ExpectedMessage] = []
        self.apology = False
        self.says: tuple[str, State] = ("row", self.row.state)

    def run(self) -> None:
        """Go through all pick-ups, each with its planning and sending."""
        for moment in PICK_UPS:
            self._pick_up(moment)
            self._plan()
            if moment - EVENING in (5 * SECOND,):
                self.apology = self._state_at(EVENING)[1][0] in (2, 4)
                self.says = self._state_at(moment)
            self._send(moment)

    def _pick_up(self, moment: datetime) -> None:
        new = [step for step in self.life.steps if step.visible <= moment and (step.number, 0) not in self._places()]
        for step in new:
            is_usable = (
                step.occurred is not None and step.occurred.year >= 2000 and step.occurred <= step.recorded + SKEW
            )
            occurred = min(step.occurred, step.recorded) if is_usable and step.occurred else step.recorded
            at_midnight = occurred.astimezone(ZONE).time() == time(0)
            may_be_old = is_usable and not at_midnight and step.state[0] not in (3, 7, 10)
            self.known.append(Known((step.number, 0), step.state, occurred, step.recorded, may_be_old))
        row = [row for row in self.life.rows if row.visible <= moment][-1]
        if row.updated != self.row.updated:
            # If the changed row's ``updated`` time is much older than that of rows read before, the true time of the
            # change is unknown, and the pick-up's time counts.
            read = self.read_until[moment]
            is_back = read is not None and read - SKEW - LATE - LOOK_BACK <= row.updated < max(
                read - SKEW - LATE, self.updated
            )
            self.updated = moment if is_back else row.updated
        self.row = row
        self.known.sort(key=lambda step: step.place)
        for n, step in enumerate(self.known):
            sure = max((lower.occurred for lower in self.known[:n]), default=step.occurred) - 2 * SKEW
            if step.may_be_old and step.occurred < sure <= step.recorded:
                step.is_old = True
        for step in self.known:
            if step.is_old and step.reading is None and moment >= step.recorded + SKEW:
                step.reading = self.row.state
                step.has_force = self._agrees(step)
        last = self.known[-1]
        counts = [step for step in self.known if not step.is_old or step.has_force]
        says = KIND_OF_STATE.get(self.row.state)
        is_ignored = last.is_old and last.reading is not None and not last.has_force
        if self.updated > last.recorded and (says != last.kind or (is_ignored and says != counts[-1].kind)):
            place = (last.place[0], last.place[1] + 1)
            self.known.append(Known(place, self.row.state, self.updated, self.updated, False))

    def _places(self) -> set[tuple[int, int]]:
        return {step.place for step in self.known}

    def _before(self, step: Known) -> str | None:
        earlier = [each for each in self.known if each.place < step.place and not each.is_old]
        return earlier[-1].kind if earlier else None

    def _agrees(self, step: Known) -> bool:
        """Return whether the dossier's present row agrees with an old step."""
        says, held = KIND_OF_STATE.get(self.row.state), self._before(step)
        return says == step.kind or (held is not None and says != held)

    def _leaves(self, step: Known, kind: str) -> bool:
        if step.kind == kind:
            return False
        return not step.is_old or (step.reading is not None and KIND_OF_STATE.get(step.reading) != kind)

    def _entries(self) -> Iterator[list[Known]]:
        """Yield each entry: a series of consecutive steps, by number, that call for the same kind of message."""
        run: list[Known] = []
        for step in self.known:
            if run and step.kind != run[0].kind:
                yield run
                run = []
            if step.kind:
                run.append(step)
        if run:
            yield run

    def _entry_of(self, message: ExpectedMessage) -> list[Known]:
        return next(run for run in self._entries() if any(step.place == message.first for step in run))

    def _begun_by(self, run: list[Known]) -> Known | None:
        for step in run:
            if not step.is_old or (step.reading is not None and KIND_OF_STATE.get(step.reading) == step.kind):
                return step
        return None

    def _is_open(self, run: list[Known]) -> bool:
        kind = run[0].kind
        return kind is not None and not any(self._leaves(s, kind) for s in self.known if s.place > run[-1].place)

    def _is_same_stay(self, one: list[Known], two: list[Known]) -> bool:
        """Return whether no step between two entries ends the state in which the first entry put the dossier."""
        between = [step for step in self.known if one[-1].place < step.place < two[0].place]
        kind = one[0].kind
        return kind is not None and one[-1].place < two[0].place and not any(self._leaves(s, kind) for s in between)

    def _plan(self) -> None:
        for run in self._entries():
            kind = run[0].kind
            assert kind is not None
            mine = [
                message
                for message in self.messages
                if message.kind == kind and any(s.place == message.first for s in run)
            ]
            if not mine:
                begun = self._begun_by(run) or run[0]
                self.messages.append(ExpectedMessage(kind, run[0].place, begun.occurred))
                continue
            message = mine[0]
            first = next(step for step in run if step.place == message.first)
            sure = next((step for step in run if not step.is_old), None)
            if not first.is_old or sure is None or message.state not in ("queued", "outdated", "expired", "suppressed"):
                continue
            if message.occurred < sure.occurred and self._is_open(run):
                message.state, message.occurred = "queued", sure.occurred

    def _send(self, moment: datetime) -> None:
        for message in sorted(self.messages, key=lambda each: each.first):
            if message.state == "queued":
                message.state = self._fate(message, moment)
                message.accepted = moment if message.state == "accepted" else None

    def _fate(self, message: ExpectedMessage, moment: datetime) -> str:
        run, kind = self._entry_of(message), message.kind
        later = [step for step in self.known if step.place > run[-1].place]
        begun = self._begun_by(run)
        if any(self._leaves(step, kind) for step in later):
            return "cancelled"
        if begun is None and run[0].reading is not None:
            return "outdated"
        others = [(each, self._entry_of(each)) for each in self.messages if each is not message and each.kind == kind]
        for other, its in others:
            is_alive = other.state not in ("cancelled", "outdated", "expired")
            if is_alive and self._is_same_stay(run, its) and self._begun_by(its) is not None:
                return "cancelled"
        for other, its in others:
            if other.accepted is not None and (
                self._is_same_stay(its, run) or message.occurred <= other.accepted + 10 * MINUTE
            ):
                return "suppressed"
        if message.occurred + timedelta(days=3) <= moment:
            return "expired"
        if begun is None:
            return "queued"
        unread = [step.recorded + SKEW for step in later if step.is_old and step.reading is None and step.kind != kind]
        return "queued" if unread and moment < max(unread) else "accepted"

    def _state_at(self, moment: datetime) -> tuple[str, State]:
        """Return ``row`` or ``step``, whichever shows the dossier's state at a moment, and that state."""
        known = [step for step in self.known if step.recorded <= moment]
        last = [step for step in known if not step.is_old][-1]
        old = [step for step in known if step.is_old and step.place > last.place]
        if old and (old[-1].reading is None or old[-1].has_force):
            return "row", self.row.state
        return ("step", last.state) if last.recorded > self.updated else ("row", self.row.state)

    @property
    def states(self) -> list[tuple[str, str]]:
        """Return the kind and the state of each expected message, in the order of the dossier's steps."""
        named = {"outdated": "cancelled"}
        return [
            (message.kind, named.get(message.state, message.state))
            for message in sorted(self.messages, key=lambda t: t.first)
        ]


# ------------------------------------------------------------------------------------------------------ the real system


def _step_name(who: str, state: State) -> str:
    return f"{'Dong' if who == 'row' else 'Buoc'} {state[0]}{'tai quay' if state[1] else 'phong'}"


def _writes_in_order(lives: Sequence[Life], desk: OneStop) -> list[tuple[datetime, Callable[[], object]]]:
    found: list[tuple[datetime, Callable[[], object]]] = []
    for n, life in enumerate(lives):
        typed = {"applicant_phone": f"0905{n:06}", "received_at": TEN - timedelta(days=5), "due_at": DUE}
        for row in life.rows:
            values = {"status_code": row.state[0], "at_one_stop_desk": row.state[1], "updated_at": row.updated}
            step_name = _step_name("row", row.state)
            found.append(
                (row.visible, partial(desk.dossier, life.code, AGENCY, step_name=step_name, **typed, **values))
            )
        for step in life.steps:
            times = {"number": step.number, "at": step.recorded, "occurred_at": step.occurred}
            made = partial(desk.move, step.state[0], life.code, AGENCY, desk=step.state[1], **times)
            found.append((step.visible, partial(made, to_step=_step_name("step", step.state))))
    return sorted(found, key=lambda write: write[0])


def simulate(seed: int, dossiers: int, admin_dsn: str, ledger_dsn: str, *, quiet: bool = False) -> list[Figure]:
    """Simulate ``dossiers`` dossiers on the migrated, empty ledger of the connection ``motcua_db``.

    Return the rows that compare the ledger with the oracle. The first differences are printed unless ``quiet``.
    """
    lot = random.Random(seed)
    lives = [draw_life(lot, f"H32-{n:06}") for n in range(dossiers)]
    number_steps(lot, lives)
    read_until = latest_rows(lives)
    oracles = [Oracle(life, read_until) for life in lives]
    for oracle in oracles:
        oracle.run()
    with quiet_logs(), one_stops(admin_dsn, gateway={"concurrency": 8}) as desks:
        in_ledger(save_agencies, [agency(AGENCY, enabled_from=TEN - timedelta(days=60))], "proof")
        said = _play_day(desks["one"], lives, oracles)
        return _judge(ledger_dsn, oracles, said, 0 if quiet else 5)


def _play_day(desk: OneStop, lives: Sequence[Life], oracles: Sequence[Oracle]) -> dict[str, str]:
    """Simulate the day pick-up by pick-up, and return the answers of 9029 in the evening."""
    begin_before(desk, datetime(2015, 12, 1, tzinfo=ZONE))
    writes, said = _writes_in_order(lives, desk), {}
    for moment in PICK_UPS:
        with desk.connection.transaction():
            while writes and writes[0][0] <= moment:
                writes.pop(0)[1]()
        take_in(source="one", now=moment)
        if moment > EVENING:
            apologize(now=moment)
        if moment - EVENING == 5 * SECOND:
            said = {oracle.life.code: _ask(oracle.life.code, moment) for oracle in oracles[:ASKED]}
        send(f"run {moment}", clock=lambda at=moment: at)  # type: ignore[misc]
    return said


def _ask(code: str, moment: datetime) -> str:
    reading = InquiryReading(message_id=code, sender=f"+8491{code[-6:]}0", text=f"MCKH {code}", sent_at=moment)
    return in_ledger(answer, "kannel", reading, moment).text


def _judge(ledger_dsn: str, oracles: Sequence[Oracle], said: dict[str, str], show: int) -> list[Figure]:
    states, apologies = messages_by_code(ledger_dsn)
    wrong: Counter[str] = Counter()

    def tell(sort: str, oracle: Oracle, expected: object, found: object) -> None:
        wrong[sort] += 1
        if wrong[sort] <= show:
            print(f"{sort}: {oracle.life}\n  expected {expected}\n  found    {found}")

    for oracle in oracles:
        code = oracle.life.code
        if oracle.states != states[code]:
            tell("messages", oracle, oracle.states, states[code])
        if oracle.apology != (code in apologies):
            tell("apologies", oracle, oracle.apology, code in apologies)
        if code in said and _step_name(*oracle.says) not in said[code]:
            tell("9029", oracle, _step_name(*oracle.says), said[code])
        last, row = oracle.known[-1], oracle.life.rows[-1]
        taken = Counter(kind for kind, state in states[code] if state == "accepted")
        if last.state == row.state == (9, True) and not last.is_old and not taken["result"]:
            tell("ready without a message", oracle, "a result", states[code])
    steps = [step for oracle in oracles for step in oracle.known]
    old = [step for step in steps if step.is_old]
    (marked,) = ask(ledger_dsn, "SELECT count(*) AS old FROM motcua.old_steps")
    accepted_count = sum(state == "accepted" for of_code in states.values() for _, state in of_code)
    return [
        noted("dossiers; steps; old steps", f"{len(oracles):,}; {len(steps):,}; {len(old):,}"),
        equal("old steps that are marked as old", marked["old"], len(old)),
        noted("messages; sent", f"{sum(map(len, states.values())):,}; {accepted_count:,}"),
        Figure("apologies", f"{len(apologies):,}", "-", bool(apologies)),
        *(none(f"{sort} that break the rule", wrong[sort]) for sort in ("messages", "apologies", "9029")),
        none("results ready at the desk without a message", wrong["ready without a message"]),
        none("difference of the accounting identity", off_balance()),
    ]  # fmt: skip


MISTAKES = {
    "every step counts": replacing(picking_up, "mark_old_steps", lambda *_: None),
    "the row judges an old step at once": replacing(
        picking_up, "mark_old_steps", lambda ledger, ids, skew, now: REAL_MARK(ledger, ids, skew / 1000, now)
    ),
    "no old step ever counts": replacing(picking_up, "judge_old_steps", lambda *_: []),
}
REAL_MARK = picking_up.mark_old_steps


def figures(seed: int, share: float = 0.5) -> list[Figure]:
    def falls_short(ledger: str) -> bool:
        return not all(figure.ok for figure in simulate(seed, FEW, admin_dsn, ledger, quiet=True))

    with tempfile.TemporaryDirectory(prefix="motcua-prove-") as folder, proving_server(Path(folder)) as admin_dsn:
        with proving_ledger(admin_dsn, "orders") as ledger:
            found = simulate(seed, round(DOSSIERS * share), admin_dsn, ledger)
        found.append(notice_mistakes(admin_dsn, MISTAKES, falls_short))
        return [*found, *wrong_clocks.figures(seed, admin_dsn)]
