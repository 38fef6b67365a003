"""Simulate desks with a wrong server clock, and desks that number their steps from 1 again.

The clock is set back or ahead, and corrected later. The acts of a desk happen at true times but are recorded with the
wrong clock; the real jobs read, plan, send and apologise at true times. The oracle knows only the order of the acts.
Each time a dossier reaches a state that calls for a message, there must be exactly one message, no matter whether the
dossier's row or a step shows the new state. The dossiers that are in process at 17:30 must get an apology.
"""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from motcua.jobs.notices import picking_up
from motcua.jobs.notices.apologizing import apologize
from motcua.jobs.notices.sending.sender import send
from motcua.store.agencies import save_agencies
from tests.ground import OneStop, agency, ask, in_ledger, one_stops, take_in
from tests.prove import Figure
from tests.prove.worlds.ledgers import notice_mistakes, proving_ledger, replacing

ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
DAY = date(2016, 3, 9)
TEN, EVENING = datetime.combine(DAY, time(10), ZONE), datetime.combine(DAY, time(17, 30), ZONE)
DUE = datetime.combine(DAY + timedelta(days=1), time(15), ZONE)
MINUTE, HOUR, DAY_LONG = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
AGENCY = "H32.30"
KIND_OF_STATE = {(9, True): "result", (5, True): "supplement"}
State = tuple[int, bool]
WORKED_ON: State = (4, False)
STATES: Sequence[State] = (WORKED_ON, (9, True), (5, True))
DOSSIERS = 150
OLD_NUMBERS = 100_000
WORLDS = (
    "clock, wrong in the server too",
    "clock, wrong only in rows",
    "numbers, old steps gone",
    "numbers, old steps kept",
)

_CLOCK = """
CREATE SCHEMA wrong;
CREATE TABLE wrong.clock AS SELECT now() AS at;
CREATE FUNCTION wrong.now() RETURNS timestamptz LANGUAGE sql STABLE AS 'SELECT c.at FROM wrong.clock AS c';
DO $$ BEGIN
    EXECUTE format('ALTER DATABASE %I SET search_path = wrong, pg_catalog, public', current_database());
END $$;
"""


@dataclass
class Dossier:
    """The true state of a dossier, and the kinds of the messages that its citizen must get, in order."""

    code: str
    phone: str
    has_phone: bool
    state: State = WORKED_ON
    calls: list[str] = field(default_factory=list)

    def comes_to(self, state: State) -> None:
        kind = KIND_OF_STATE.get(state)
        if kind is not None and kind != KIND_OF_STATE.get(self.state):
            self.calls.append(kind)
        self.state = state


class World:
    """A source with one sort of fault, and the acts of its desk."""

    def __init__(self, seed: int, sort: str, desk: OneStop) -> None:
        self.lot, self.sort, self.desk = random.Random(f"{seed} {sort}"), sort, desk
        self.dossiers = [Dossier(f"H32-{n:06}", f"0905{n:06}", self.lot.random() < 0.8) for n in range(DOSSIERS)]
        self.number = OLD_NUMBERS if sort == WORLDS[3] else 0
        self.polls = [TEN - HOUR]
        while self.polls[-1] < EVENING - 20 * MINUTE:
            self.polls.append(self.polls[-1] + self.lot.uniform(12, 40) * MINUTE)
        self.polls += [EVENING + timedelta(seconds=5), EVENING + 10 * MINUTE]
        self.changes = self._changes()

    def _changes(self) -> list[tuple[datetime, timedelta]]:
        """Return the moments at which the clock is changed, each with the error of the clock from then on."""
        changes = [(self.polls[0] - DAY_LONG, timedelta(0))]
        if self.sort in WORLDS[:2]:
            for at in sorted(self.lot.sample(range(30, 420), 6)):
                wrong = self.lot.choice((0, 0, 1, -1)) * self.lot.uniform(20, 12 * 60) * MINUTE
                changes.append((self.polls[0] + at * MINUTE, wrong))
        return changes

    def stamp(self, at: datetime) -> datetime:
        return at + [wrong for since, wrong in self.changes if since <= at][-1]

    def until(self, before: datetime, poll: datetime) -> None:
        """Carry out the desk's acts between two readings of the source."""
        if self.sort in WORLDS[2:] and before <= TEN + 3 * HOUR < poll:
            self.number = 0
            if self.sort == WORLDS[2]:
                self.desk.connection.execute("TRUNCATE onestop.transitions")
        doing = [each for each in self.dossiers if self.lot.random() < 0.3] if poll < EVENING else []
        acts = sorted((before + self.lot.uniform(0.01, 0.9) * (poll - before), n) for n in range(len(doing)))
        for at, n in acts:
            self._carry_out_act(doing[n], at)
        self._write_clock(poll)

    def _write_clock(self, at: datetime) -> None:
        server_time = self.stamp(at) if self.sort == WORLDS[0] else at
        self.desk.connection.execute("UPDATE wrong.clock SET at = %s", (server_time,))

    def _carry_out_act(self, dossier: Dossier, at: datetime) -> None:
        act = self.lot.choice(("step", "step", "row", "twice", "mend"))
        state = self.lot.choice([each for each in STATES if each != dossier.state])
        if act == "mend":
            dossier.has_phone, state = True, dossier.state
        elif act == "twice" and dossier.state != WORKED_ON:
            self._step(dossier, WORKED_ON, at)
            self._step(dossier, state := self.lot.choice(STATES[1:]), at + timedelta(seconds=2))
        elif act == "row":
            dossier.comes_to(state)
        else:
            self._step(dossier, state, at)
        self.row(dossier, at + timedelta(seconds=3))

    def _step(self, dossier: Dossier, state: State, at: datetime) -> None:
        self.number += 1
        dossier.comes_to(state)
        self.desk.move(state[0], dossier.code, AGENCY, desk=state[1], at=self.stamp(at), number=self.number)

    def begin(self) -> None:
        """Let the desk receive each dossier and begin to process it."""
        for dossier in self.dossiers:
            self._step(dossier, WORKED_ON, self.polls[0] - HOUR)
            self.row(dossier, self.polls[0] - HOUR)
        self._write_clock(self.polls[0])

    def row(self, dossier: Dossier, at: datetime) -> None:
        self.desk.dossier(
            dossier.code, AGENCY, applicant_phone=dossier.phone if dossier.has_phone else None,
            received_at=TEN - timedelta(days=5), due_at=DUE, status_code=dossier.state[0],
            at_one_stop_desk=dossier.state[1], updated_at=self.stamp(at),
        )  # fmt: skip


def wrong(seed: int, sort: str, admin_dsn: str, ledger_dsn: str, *, quiet: bool = False) -> list[Figure]:
    """Simulate a world with faults of this sort on the migrated, empty ledger of the connection ``motcua_db``."""
    with one_stops(admin_dsn, gateway={"concurrency": 8}) as desks:
        desks["one"].connection.execute(_CLOCK)
        in_ledger(save_agencies, [agency(AGENCY, enabled_from=TEN - timedelta(days=60))], "proof")
        world = World(seed, sort, desks["one"])
        world.begin()
        before = world.polls[0]
        for moment in world.polls:
            world.until(before, moment)
            take_in(source="one", now=moment)
            if moment > EVENING:
                apologize(now=moment)
            send(f"run {moment}", clock=lambda at=moment: at)  # type: ignore[misc]
            before = moment
        return _judge(world, *messages_by_code(ledger_dsn), 0 if quiet else 3)


_MESSAGES = """
SELECT d.dossier_code, m.kind, m.state
FROM motcua.messages AS m INNER JOIN motcua.dossiers AS d USING (dossier_id)
LEFT JOIN motcua.transitions AS t ON m.transition_id = t.transition_id
WHERE m.kind IN ('result', 'supplement', 'apology')
ORDER BY d.dossier_code, t.sequence, t.from_row, t.transition_id
"""


def messages_by_code(ledger_dsn: str) -> tuple[dict[str, list[tuple[str, str]]], set[str]]:
    """Return the messages of each dossier, and the codes of the dossiers with an apology.

    The messages are given by dossier code as pairs of kind and state, in order and without apologies.
    """
    found: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for code, kind, state in (row.values() for row in ask(ledger_dsn, _MESSAGES)):
        found[code].append((kind, state))
    apologies = {code for code, messages in found.items() if any(kind == "apology" for kind, _ in messages)}
    return defaultdict(
        list, {code: [t for t in messages if t[0] != "apology"] for code, messages in found.items()}
    ), apologies


def _judge(world: World, found: Mapping[str, list[tuple[str, str]]], apologies: set[str], show: int) -> list[Figure]:
    wrong: Counter[str] = Counter()
    for dossier in world.dossiers:
        messages, kind = found[dossier.code], KIND_OF_STATE.get(dossier.state)
        faults = {
            "lost": len(messages) < len(dossier.calls),
            "doubled": len(messages) > len(dossier.calls),
            "untold": kind is not None and dossier.has_phone and (kind, "accepted") not in messages,
            "apologies": (dossier.state == WORKED_ON) != (dossier.code in apologies),
            "others": [kind for kind, _ in messages] != dossier.calls,
        }
        for fault in (name for name, is_so in faults.items() if is_so):
            wrong[fault] += 1
            if wrong[fault] <= show:
                print(f"{world.sort}: {fault}: {dossier}\n  {messages}")
    calls = sum(len(each.calls) for each in world.dossiers)
    named = "; ".join(f"{name} {wrong[name]}" for name in ("lost", "doubled", "others", "untold", "apologies"))
    return [
        Figure(f"{world.sort}: messages that {DOSSIERS} dossiers call for", f"{calls:,}", "-", calls > DOSSIERS),
        Figure(f"{world.sort}: differences", named, "0 each", not sum(wrong.values())),
    ]


MISTAKES = {
    "only the last quarter of an hour is read": replacing(picking_up._PickUp, "_look_back", lambda *_: None),
    "a row's updated time is believed": replacing(picking_up._PickUp, "_judge_clock", lambda *_: None),
    "a step number is never used again": replacing(picking_up, "began_anew", lambda *_, **__: None),
}


def figures(seed: int, admin_dsn: str) -> list[Figure]:
    """Simulate a world with each sort of fault, and check that mistakes planted in the program are noticed."""
    found: list[Figure] = []
    for sort in WORLDS:
        with proving_ledger(admin_dsn, "wrong_clocks") as ledger:
            found += wrong(seed, sort, admin_dsn, ledger)

    def falls_short(ledger: str) -> bool:
        # Only one sort of fault can be simulated on a ledger, so choose the sort that can reveal the mistake.
        return any(
            not figure.ok
            for figure in wrong(seed, WORLDS[2 if _is_numbering_broken() else 1], admin_dsn, ledger, quiet=True)
        )

    return [*found, notice_mistakes(admin_dsn, MISTAKES, falls_short)]


def _is_numbering_broken() -> bool:
    return picking_up.began_anew is not _BEGAN_ANEW


_BEGAN_ANEW = picking_up.began_anew
