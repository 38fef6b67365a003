"""Run the simulated one-stop software (the *world*): let planned acts happen at their times, and store their effects.

An *act* is something that happens to a dossier. The database of the *truth* records what really happened.
"""

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
"""If two ticks are further apart than this, the machine was asleep, and this time does not count in the world."""

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
    """Raised if the world cannot carry out a command. The message is for the person who gave the command."""


def _truth_statement(name: LiteralString) -> LiteralString:
    return statement("sandbox/truth/" + name)


@dataclass(frozen=True, slots=True)
class _LockedDossier:
    """A dossier in the database of the truth, locked for this transaction."""

    dossier_id: int
    dossier: Dossier


class World:
    """The simulated one-stop software. It writes each act to the source, then to the database of the truth. Repeating
    an act is harmless."""

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
        """Create a world that is not started yet.

        Args:
            truth: connection to the database of the truth, in autocommit mode.
            writers: writer of each source.
            rate: transitions per second.
            seed: seed of the random numbers. Equal seeds give equal worlds.
            clock: returns aware datetimes.
            hostile: whether some names and notes are made to break careless software.
        """
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

    def _query_row(self, name: LiteralString, **values: Any) -> dict[str, Any] | None:  # noqa: ANN401 - SQL parameters
        return self._truth.execute(_truth_statement(name), values).fetchone()

    def _query_rows(self, name: LiteralString, **values: Any) -> list[dict[str, Any]]:  # noqa: ANN401 - SQL parameters
        return self._truth.execute(_truth_statement(name), values).fetchall()

    def _execute(self, name: LiteralString, **values: Any) -> None:  # noqa: ANN401 - SQL parameters
        self._truth.execute(_truth_statement(name), values)

    def serial(self, agency_code: str, series: str) -> int:
        """Return the next number of a series of an agency's codes."""
        row = self._query_row("next_serial", agency_code=agency_code, series=series)
        assert row is not None
        return int(row["last"])

    # Start and stop

    def wake(self) -> None:
        """Begin the world with a history, or continue it as if no time had passed."""
        now = self._clock()
        clock = self._query_row("read_clock")
        if clock is None:
            self._begin(now)
        else:
            self._began_at = clock["began_at"]
            with self._truth.transaction():
                self._execute("stand_still", pause=max(now - clock["alive_at"], timedelta(0)))
                row = self._query_row("wake", now=now)
            if self._seed is not None and row is not None:
                # After a restart the same seed must continue the sequence and not repeat it.
                self._random.seed(f"{self._seed}/{row['starts']}")
        self._next_birth = self.last_tick = now
        self._next_batch = now + timedelta(seconds=self._random.uniform(40, 80))

    def _begin(self, now: datetime) -> None:
        with self._truth.transaction():
            self._execute("clear")
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
        """Empty the database of the truth. The caller must empty the sources."""
        self._execute("clear")

    def invent_history(self, now: datetime) -> list[Past]:
        """Return dossiers in all states. The world's rate of transitions decides how many of them will move on."""
        moving = round(min(max(self._births_per_second * self._life_span, 40), 150))
        return history(self._random, self._pilot, self.serial, now, moving)

    def begin_after(self, pasts: Sequence[Past], now: datetime) -> None:
        """Begin with dossiers whose past the sources already contain. The dossiers' future acts will happen."""
        with self._truth.transaction():
            self._remember(pasts, now)

    def _remember(self, pasts: Sequence[Past], now: datetime) -> None:
        for past in pasts:
            dossier_id = self._add(past.dossier)
            for delay, act in past.to_come:
                self._plan(dossier_id, act, now + timedelta(seconds=delay))
            for at, kind, detail in past.events:
                self._add_event(past.dossier, at, kind, detail)
        self._execute("begin", now=now)

    def rest(self) -> None:
        """Store the present time as the last time at which the world was running."""
        self._execute("keep_alive", now=self._clock())

    def planned(self) -> int:
        """Return the number of planned acts."""
        row = self._query_row("count_agenda")
        return int(row["planned"]) if row else 0

    # Events

    def tick(self) -> None:
        """Let all due acts happen."""
        now = self._clock()
        if now - self.last_tick > _STANDSTILL:
            pause = now - self.last_tick
            self._execute("stand_still", pause=pause)
            self._next_birth += pause
            self._next_batch += pause
        self.last_tick = now
        while self._next_birth <= now:
            self._receive_dossier(now)
            self._next_birth += timedelta(seconds=self._random.expovariate(self._births_per_second))
        if self._next_batch <= now:
            self._do_end_of_day_batch(now)
            self._next_batch = now + timedelta(seconds=self._random.uniform(60, 120))
        for due in self._query_rows("due_acts", now=now):
            with self._truth.transaction():
                taken = self._lock_dossier(due["dossier_id"])
                self._perform(taken, due["action_id"])

    def _add(self, dossier: Dossier) -> int:
        row = self._query_row(
            "add_dossier",
            agency_code=dossier.agency_code,
            dossier_code=dossier.code,
            memory=Jsonb(dossier.model_dump(mode="json")),
        )
        assert row is not None
        return int(row["dossier_id"])

    def _plan(self, dossier_id: int, act: Act, due_at: datetime) -> int:
        memory = Jsonb(act.model_dump(mode="json", exclude_defaults=True))
        row = self._query_row("add_act", dossier_id=dossier_id, due_at=due_at, act=memory)
        assert row is not None
        return int(row["action_id"])

    def _receive_dossier(self, now: datetime) -> None:
        agency, oddity = next(self._agencies), next(self._oddities)
        while oddity == "unknown_agency" and agency.source != "khanhhoa":
            agency = next(self._agencies)
        with self._truth.transaction():
            dossier, acts = born(self._random, agency, self._pilot.unknown_agency, now, self.serial, oddity=oddity)
            dossier_id = self._add(dossier)
            for act in acts:
                self._plan(dossier_id, act, now + timedelta(seconds=act.after))
        self.counts["arrived"] += 1

    def _do_end_of_day_batch(self, now: datetime) -> None:
        agency = next(self._agencies)
        with self._truth.transaction():
            hurried = self._query_rows("hurry", agency_code=agency.code, actor=f"{agency.login}.mc1", now=now)
            for row in hurried:
                self._add_event(self._lock_dossier(row["dossier_id"]).dossier, now, "end_of_day_batch", {})

    def _lock_dossier(self, dossier_id: int) -> _LockedDossier:
        row = self._query_row("lock_dossier", dossier_id=dossier_id)
        assert row is not None
        return _LockedDossier(dossier_id, Dossier.model_validate(row["memory"]))

    def _perform(self, taken: _LockedDossier, action_id: int) -> None:
        """Do one planned act. The caller has opened the transaction and locked the dossier."""
        row = self._query_row("take_act", action_id=action_id)
        if row is None:
            return
        act = Act.model_validate(row["act"])
        if act.kind == "write":
            self._write_second_half(taken, act, action_id)
            return
        effects = happen(taken.dossier, act, self._clock(), self._random)
        self._enact(taken, effects, action_id, act.move.writing if act.move else "together")

    def _enact(self, taken: _LockedDossier, effects: Effects, action_id: int, writing: str) -> None:
        """Write the effects of an act to the source, then to the database of the truth."""
        now, dossier, transition = self._clock(), effects.dossier, effects.transition
        writer = self.writers[dossier.source]
        row = dossier if effects.row and not dossier.hidden else None
        if transition is not None and transition.occurred_at < self._began_at:
            # A slow clock must not move an event to before the time from which messages are expected.
            transition = transition.model_copy(update={"occurred_at": self._began_at})
        if effects.leaves:
            self._execute(
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
                self._record_committed(dossier, number, effects.enters, now, truthful=effects.truthful)
        elif writing == "transition_first":
            number = writer.write(None, transition, action_id)
            self._record_committed(dossier, number, effects.enters, now, truthful=effects.truthful)
            second = Act(after=self._random.uniform(1, 6), kind="write", row=True)
        else:
            late = writing == "late"
            if late:
                # Simulate a transaction that stays open for a while: it has the number and timestamps of its beginning,
                # but readers see it only at its end, after transactions with higher numbers.
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
            self._add_event(dossier, now, kind, detail)
            if kind == "row_arrived":
                self._execute("make_plannable", agency_code=dossier.agency_code, dossier_code=dossier.code, now=now)
        self._save(taken.dossier_id, dossier)

    def _write_second_half(self, taken: _LockedDossier, act: Act, action_id: int) -> None:
        now, dossier, transition = self._clock(), taken.dossier, act.transition
        late = transition is not None and transition.transition_id is not None
        if not late:
            # The second half of a move (its row or its transition) is written in a separate transaction, and gets the
            # time of that transaction.
            dossier = dossier.model_copy(update={"updated_at": now}) if act.row else dossier
            transition = transition.model_copy(update={"recorded_at": now}) if transition else None
        row = dossier if act.row and not dossier.hidden else None
        number = self.writers[dossier.source].write(row, transition, action_id)
        if transition is not None:
            self._record_committed(dossier, number, act.enters, act.happened_at or now, truthful=act.truthful)
        self._save(taken.dossier_id, dossier)

    def _record_committed(
        self,
        dossier: Dossier,
        number: int | None,
        enters: Kind | None,
        happened_at: datetime,
        *,
        truthful: bool,
    ) -> None:
        """Record that a transition can be read at its source from now on.

        If the transition requires a message, record the expected message too.
        """
        self.counts["transitions"] += 1
        if enters is None:
            return
        self.counts[f"{enters}s"] += 1
        self._execute(
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
        self._execute("save_dossier", dossier_id=dossier_id, memory=Jsonb(dossier.model_dump(mode="json")))

    def _add_event(self, dossier: Dossier, at: datetime, kind: str, detail: dict[str, Any]) -> None:
        self.counts[kind] += 1
        self._execute(
            "add_event",
            at=at,
            source=dossier.source,
            agency_code=dossier.agency_code,
            dossier_code=dossier.code,
            kind=kind,
            detail=Jsonb(detail),
        )

    # Acts of a visitor in the role of the desk's official

    def _find(self, agency_code: str, dossier_code: str) -> _LockedDossier:
        agency = self._pilot.find(agency_code.strip())
        if agency is None:
            played = ", ".join(each.code for each in self._pilot.agencies)
            raise WorldError(f"The sandbox has no agency {agency_code!r}; it plays {played}.")
        row = self._query_row("find_dossier", agency_code=agency.code, dossier_code=dossier_code.strip())
        if row is None:
            raise WorldError(f"The sandbox has no dossier {dossier_code!r} at agency {agency_code!r}.")
        return _LockedDossier(row["dossier_id"], Dossier.model_validate(row["memory"]))

    def mend_by_hand(self, agency_code: str, dossier_code: str, phone: str) -> Dossier:
        """Write this phone into the dossier's row now, and return the new state of the dossier.

        Raises:
            WorldError: there is no such agency or dossier.
        """
        with self._truth.transaction():
            taken = self._find(agency_code, dossier_code)
            written = Phone("by_hand", phone, taken.dossier.phone.number, good=True)
            self._enact(taken, mend(taken.dossier, written, self._clock()), 0, "together")
            return self._find(agency_code, dossier_code).dossier

    def move_by_hand(self, agency_code: str, dossier_code: str, status: int, *, desk: bool) -> Dossier:
        """Move the dossier now, row and transition together, and return the dossier.

        A move that is half written is completed first. All other acts that were planned for the dossier are deleted,
        except the act that makes the dossier's row appear.

        Raises:
            WorldError: there is no such agency or dossier.
        """
        with self._truth.transaction():
            taken = self._find(agency_code, dossier_code)
            for half in self._query_rows("halves_of_dossier", dossier_id=taken.dossier_id):
                self._perform(taken, half["action_id"])
                taken = self._lock_dossier(taken.dossier_id)
            self._execute("forget_plans", dossier_id=taken.dossier_id)
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
        """Record now a step that was taken some time ago, and return the dossier. The dossier's row does not change.

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
            self._record_committed(dossier, number, None, now, truthful=True)
            self._add_event(dossier, now, "typed_in_late", {"status": status})
            return dossier
