"""The clockwork of the one-stop world: what is planned happens; what happens is written and remembered."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any, LiteralString

from psycopg.types.json import Jsonb

from motcua.sandbox.world.happenings import Act, Dossier, Effects, Kind, Move, Transition, happen, mend
from motcua.sandbox.world.history import Past, history
from motcua.sandbox.world.lives import ODDITIES, born, deal, pace_of_life
from motcua.sandbox.world.people import Phone
from motcua.sandbox.world.procedures import pilot
from motcua.sandbox.world.writers import OneStopWriter
from motcua.store.ledger.database import Connection
from motcua.store.ledger.queries import statement

DEFAULT_RATE = 6.0
"""Transitions per second."""

_STANDSTILL = timedelta(seconds=10)
"""Two looks at the clock further apart than this: the machine slept, and the world with it."""

_STEPS = {
    **{1: "Chờ tiếp nhận trực tuyến", 2: "Tiếp nhận", 3: "Không tiếp nhận", 4: "Thẩm định", 5: "Chờ bổ sung"},
    **{
        6: "Chờ thực hiện nghĩa vụ tài chính",
        7: "Rút hồ sơ",
        8: "Tạm dừng",
        9: "Trả kết quả",
        10: "Đã trả kết quả",
    },
}


class WorldError(Exception):
    """The world cannot do what was asked; the message is for the person who asked."""


def _truth(name: LiteralString) -> LiteralString:
    return statement("sandbox/truth/" + name)


@dataclass(frozen=True, slots=True)
class _Taken:
    """A dossier of the truth's database, locked for this transaction."""

    dossier_id: int
    dossier: Dossier


class World:
    """The clockwork. Each act is done at the source, then remembered; done twice, it changes nothing."""

    def __init__(
        self,
        truth: Connection,
        writers: Mapping[str, OneStopWriter],
        *,
        rate: float = DEFAULT_RATE,
        seed: int | None = None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        hostile: bool = False,
    ) -> None:
        """``truth`` must be in autocommit mode; ``rate`` is in transitions per second, ``clock`` aware; ``hostile``:
        some names and notes are made to break careless software."""
        self.counts: Counter[str] = Counter()
        self._truth = truth
        self.writers = writers
        self._seed = seed
        self._clock = clock
        self._pilot = pilot()
        moves, self._life_span = pace_of_life(self._pilot.agencies)
        self._births_per_second = rate / moves
        self._random = Random(seed)  # noqa: S311 - a simulation
        self._agencies = deal(self._random, self._pilot.shares)
        self._oddities = deal(
            self._random, {each: share for each, share in ODDITIES.items() if hostile or each != "hostile_text"}
        )
        self._next_birth = self._next_batch = self._began_at = self.last_tick = clock()

    def _row(self, name: LiteralString, **values: Any) -> dict[str, Any] | None:  # noqa: ANN401 - SQL parameters
        return self._truth.execute(_truth(name), values).fetchone()

    def _rows(self, name: LiteralString, **values: Any) -> list[dict[str, Any]]:  # noqa: ANN401 - SQL parameters
        return self._truth.execute(_truth(name), values).fetchall()

    def _do(self, name: LiteralString, **values: Any) -> None:  # noqa: ANN401 - SQL parameters
        self._truth.execute(_truth(name), values)

    def serial(self, agency_code: str, series: str) -> int:
        """The next number of a series of an agency's codes."""
        row = self._row("next_serial", agency_code=agency_code, series=series)
        assert row is not None
        return int(row["last"])

    # Beginning, stopping, going on

    def wake(self) -> None:
        """Begins the world with a history, or goes on with it as if no time had passed."""
        now = self._clock()
        clock = self._row("read_clock")
        if clock is None:
            self._begin(now)
        else:
            self._began_at = clock["began_at"]
            with self._truth.transaction():
                self._do("stand_still", pause=max(now - clock["alive_at"], timedelta(0)))
                row = self._row("wake", now=now)
            if self._seed is not None and row is not None:
                # The same seed goes on, not over again.
                self._random.seed(f"{self._seed}/{row['starts']}")
        self._next_birth = self.last_tick = now
        self._next_batch = now + timedelta(seconds=self._random.uniform(40, 80))

    def _begin(self, now: datetime) -> None:
        with self._truth.transaction():
            self._do("clear")
            pasts = self.invent_history(now)
            for source, writer in self.writers.items():
                ours = [past for past in pasts if past.dossier.source == source]
                transitions = [transition for past in ours for transition in past.transitions]
                writer.write_history(
                    [past.dossier for past in ours],
                    sorted(transitions, key=lambda transition: transition.recorded_at),
                    [(p.dossier, p.ready_at, p.handed_at) for p in ours if p.ready_at or p.handed_at],
                )
            self._remember(pasts, now)
        self._began_at = now
        self.counts.clear()

    def forget(self) -> None:
        """Forgets all that was; the sources are the caller's to empty."""
        self._do("clear")

    def invent_history(self, now: datetime) -> list[Past]:
        """Dossiers in all states, as many of them moving as the world's rate calls for."""
        moving = round(min(max(self._births_per_second * self._life_span, 40), 150))
        return history(self._random, self._pilot, self.serial, now, moving)

    def begin_after(self, pasts: Sequence[Past], now: datetime) -> None:
        """Begins with pasts that the sources have already; what is to come of them comes."""
        with self._truth.transaction():
            self._remember(pasts, now)

    def _remember(self, pasts: Sequence[Past], now: datetime) -> None:
        for past in pasts:
            dossier_id = self._add(past.dossier)
            for delay, act in past.to_come:
                self._plan(dossier_id, act, now + timedelta(seconds=delay))
            for at, kind, detail in past.events:
                self._event(past.dossier, at, kind, detail)
        self._do("begin", now=now)

    def rest(self) -> None:
        """Remembers that the world was alive until now."""
        self._do("keep_alive", now=self._clock())

    def planned(self) -> int:
        """How many acts are planned."""
        row = self._row("count_agenda")
        return int(row["planned"]) if row else 0

    # What happens

    def tick(self) -> None:
        """Does everything that is due."""
        now = self._clock()
        if now - self.last_tick > _STANDSTILL:
            pause = now - self.last_tick
            self._do("stand_still", pause=pause)
            self._next_birth += pause
            self._next_batch += pause
        self.last_tick = now
        while self._next_birth <= now:
            self._bear(now)
            self._next_birth += timedelta(seconds=self._random.expovariate(self._births_per_second))
        if self._next_batch <= now:
            self._hurry(now)
            self._next_batch = now + timedelta(seconds=self._random.uniform(60, 120))
        for due in self._rows("due_acts", now=now):
            with self._truth.transaction():
                taken = self._take(due["dossier_id"])
                self._perform(taken, due["action_id"])

    def _add(self, dossier: Dossier) -> int:
        row = self._row(
            "add_dossier",
            agency_code=dossier.agency_code,
            dossier_code=dossier.code,
            memory=Jsonb(dossier.model_dump(mode="json")),
        )
        assert row is not None
        return int(row["dossier_id"])

    def _plan(self, dossier_id: int, act: Act, due_at: datetime) -> int:
        memory = Jsonb(act.model_dump(mode="json", exclude_defaults=True))
        row = self._row("add_act", dossier_id=dossier_id, due_at=due_at, act=memory)
        assert row is not None
        return int(row["action_id"])

    def _bear(self, now: datetime) -> None:
        agency, oddity = next(self._agencies), next(self._oddities)
        while oddity == "unknown_agency" and agency.source != "khanhhoa":
            agency = next(self._agencies)
        with self._truth.transaction():
            dossier, acts = born(self._random, agency, self._pilot.unknown_agency, now, self.serial, oddity=oddity)
            dossier_id = self._add(dossier)
            for act in acts:
                self._plan(dossier_id, act, now + timedelta(seconds=act.after))
        self.counts["arrived"] += 1

    def _hurry(self, now: datetime) -> None:
        agency = next(self._agencies)
        with self._truth.transaction():
            hurried = self._rows("hurry", agency_code=agency.code, actor=f"{agency.login}.mc1", now=now)
            for row in hurried:
                self._event(self._take(row["dossier_id"]).dossier, now, "end_of_day_batch", {})

    def _take(self, dossier_id: int) -> _Taken:
        row = self._row("lock_dossier", dossier_id=dossier_id)
        assert row is not None
        return _Taken(dossier_id, Dossier.model_validate(row["memory"]))

    def _perform(self, taken: _Taken, action_id: int) -> None:
        """Does one act of the agenda; the caller holds the transaction and the dossier's lock."""
        row = self._row("take_act", action_id=action_id)
        if row is None:
            return
        act = Act.model_validate(row["act"])
        if act.kind == "write":
            self._write_second_half(taken, act, action_id)
            return
        effects = happen(taken.dossier, act, self._clock(), self._random)
        self._enact(taken, effects, action_id, act.move.writing if act.move else "together")

    def _enact(self, taken: _Taken, effects: Effects, action_id: int, writing: str) -> None:
        """Brings the effects of an act to the source, then to the truth."""
        now, dossier, transition = self._clock(), effects.dossier, effects.transition
        writer = self.writers[dossier.source]
        row = dossier if effects.row and not dossier.hidden else None
        if transition is not None and transition.occurred_at < self._began_at:
            # A slow clock must not move an event out of the time from which notices are wanted.
            transition = transition.model_copy(update={"occurred_at": self._began_at})
        if effects.leaves:
            self._do(
                "leave_condition",
                agency_code=dossier.agency_code,
                dossier_code=dossier.code,
                kind=effects.leaves,
                now=now,
            )
        second: Act | None = None
        if transition is None or writing == "together":
            number = writer.write(row, transition, action_id)
            if transition is not None:
                self._committed(dossier, number, effects.enters, now, truthful=effects.truthful)
        elif writing == "transition_first":
            number = writer.write(None, transition, action_id)
            self._committed(dossier, number, effects.enters, now, truthful=effects.truthful)
            second = Act(after=self._random.uniform(1, 6), kind="write", row=True)
        else:
            late = writing == "late"
            if late:
                # What a transaction that stays open for a while looks like to readers: number and stamps of
                # its beginning, seen only at its end, after others with higher numbers.
                transition = transition.model_copy(update={"transition_id": writer.reserve_transition()})
            else:
                writer.write(row, None, action_id)
            second = Act(
                after=self._random.uniform(3, 9) if late else self._random.uniform(1, 6),
                kind="write",
                transition=transition,
                row=late,
                enters=effects.enters,
                truthful=effects.truthful,
                happened_at=now,
            )
        if second is not None:
            self._plan(taken.dossier_id, second, now + timedelta(seconds=second.after))
        if effects.ready_at or effects.handed_at:
            writer.write_register(dossier, effects.ready_at, effects.handed_at)
        for kind, detail in effects.events:
            self._event(dossier, now, kind, detail)
            if kind == "row_arrived":
                self._do("make_plannable", agency_code=dossier.agency_code, dossier_code=dossier.code, now=now)
        self._save(taken.dossier_id, dossier)

    def _write_second_half(self, taken: _Taken, act: Act, action_id: int) -> None:
        now, dossier, transition = self._clock(), taken.dossier, act.transition
        late = transition is not None and transition.transition_id is not None
        if not late:
            # Written by a transaction of its own, it bears that one's time.
            dossier = dossier.model_copy(update={"updated_at": now}) if act.row else dossier
            transition = transition.model_copy(update={"recorded_at": now}) if transition else None
        row = dossier if act.row and not dossier.hidden else None
        number = self.writers[dossier.source].write(row, transition, action_id)
        if transition is not None:
            self._committed(dossier, number, act.enters, act.happened_at or now, truthful=act.truthful)
        self._save(taken.dossier_id, dossier)

    def _committed(
        self,
        dossier: Dossier,
        number: int | None,
        enters: Kind | None,
        happened_at: datetime,
        *,
        truthful: bool,
    ) -> None:
        """A transition can be read at its source from now on; it may be the one that a notice is for."""
        self.counts["transitions"] += 1
        if enters is None:
            return
        self.counts[f"{enters}s"] += 1
        self._do(
            "expect_notice",
            kind=enters,
            source=dossier.source,
            agency_code=dossier.agency_code,
            dossier_code=dossier.code,
            occasion=dossier.occasions[enters],
            occurred_at=happened_at,
            transition_id=number,
            now=self._clock(),
            obstacle=dossier.obstacle,
            truthful=truthful,
            phone_kind=dossier.phone.kind,
            owner_number=dossier.phone.number,
        )

    def _save(self, dossier_id: int, dossier: Dossier) -> None:
        self._do("save_dossier", dossier_id=dossier_id, memory=Jsonb(dossier.model_dump(mode="json")))

    def _event(self, dossier: Dossier, at: datetime, kind: str, detail: dict[str, Any]) -> None:
        self.counts[kind] += 1
        self._do(
            "add_event",
            at=at,
            source=dossier.source,
            agency_code=dossier.agency_code,
            dossier_code=dossier.code,
            kind=kind,
            detail=Jsonb(detail),
        )

    # A visitor acts as the desk's official

    def _find(self, agency_code: str, dossier_code: str) -> _Taken:
        agency = self._pilot.find(agency_code.strip())
        if agency is None:
            played = ", ".join(each.code for each in self._pilot.agencies)
            raise WorldError(f"The sandbox has no agency {agency_code!r}; it plays {played}.")
        row = self._row("find_dossier", agency_code=agency.code, dossier_code=dossier_code.strip())
        if row is None:
            raise WorldError(f"The sandbox has no dossier {dossier_code!r} at agency {agency_code!r}.")
        return _Taken(row["dossier_id"], Dossier.model_validate(row["memory"]))

    def mend_by_hand(self, agency_code: str, dossier_code: str, phone: str) -> Dossier:
        """Writes this phone into the dossier's row, now; returns the dossier as it is then.

        Raises:
            WorldError: there is no such agency or dossier.
        """
        with self._truth.transaction():
            taken = self._find(agency_code, dossier_code)
            written = Phone("by_hand", phone, taken.dossier.phone.number, good=True)
            self._enact(taken, mend(taken.dossier, written, self._clock()), 0, "together")
            return self._find(agency_code, dossier_code).dossier

    def move_by_hand(self, agency_code: str, dossier_code: str, status: int, *, desk: bool) -> Dossier:
        """Moves the dossier, now, row and transition together, and returns it; what the world planned for it is
        forgotten.

        Raises:
            WorldError: there is no such agency or dossier.
        """
        with self._truth.transaction():
            taken = self._find(agency_code, dossier_code)
            for half in self._rows("halves_of_dossier", dossier_id=taken.dossier_id):
                self._perform(taken, half["action_id"])
                taken = self._take(taken.dossier_id)
            self._do("forget_plans", dossier_id=taken.dossier_id)
            move = Move(
                step=_STEPS.get(status, "Nhận trực tiếp"),
                status=status,
                desk=desk,
                actor="khach.tham_quan",
                ready=status == 9 and desk,
                handed=status == 10,
                events=("by_hand",),
            )
            act = Act(after=0, kind="move", move=move)
            self._perform(taken, self._plan(taken.dossier_id, act, self._clock()))
            return self._find(agency_code, dossier_code).dossier

    def type_in_late(self, agency_code: str, dossier_code: str, status: int, ago: timedelta, *, desk: bool) -> Dossier:
        """Records now a step that was taken so long ago; the dossier's row stays as it is. Returns the dossier.

        Raises:
            WorldError: there is no such agency or dossier.
        """
        with self._truth.transaction():
            dossier, now = self._find(agency_code, dossier_code).dossier, self._clock()
            step = Transition(
                agency_code=dossier.agency_code,
                dossier_code=dossier.code,
                from_step=None,
                to_step=_STEPS.get(status, "Nhận trực tiếp"),
                status=status,
                desk=desk,
                occurred_at=now - ago,
                recorded_at=now,
                actor="khach.tham_quan",
                note=None,
                odd_time=None,
            )
            number = self.writers[dossier.source].write(None, step, 0)
            self._committed(dossier, number, None, now, truthful=True)
            self._event(dossier, now, "typed_in_late", {"status": status})
            return dossier
