"""Simulate the life of dossiers in one agency's software, which stores its state in a file and continues from it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Generic, TypeVar

from pydantic import BaseModel, ValidationError

from motcua.sandbox.machine.deployment import write_private
from motcua.sandbox.world.happenings import Act, Dossier, Effects, happen
from motcua.sandbox.world.lives import born
from motcua.sandbox.world.procedures import Agency

AT_FIRST = 6
"""Number of dossiers that are received at the first start, unless another number is given."""
_BETWEEN_BIRTHS = 25.0
"""Average seconds between two new dossiers."""
_KEPT_EVERY = timedelta(seconds=2)
"""If nothing happens, the software stores the present time at this interval, so that it knows how long it was off."""


class _Planned(BaseModel):
    """An event that is going to happen to a dossier."""

    dossier: str
    due_at: datetime
    act: Act


class OfficeMemory(BaseModel):
    """The state that each simulated software has."""

    alive_at: datetime
    next_birth: datetime
    serials: dict[str, int] = {}
    dossiers: dict[str, Dossier] = {}
    """Dossiers by code."""
    planned: list[_Planned] = []


_Memory = TypeVar("_Memory", bound=OfficeMemory)


class Office(ABC, Generic[_Memory]):
    """Receives dossiers and lets the events of their lives happen. A subclass decides what a change leads to."""

    def __init__(
        self,
        path: Path,
        memory: type[_Memory],
        agency: Agency,
        *,
        first: int = AT_FIRST,
        random: Random | None = None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """Continue with the state in the file at ``path``, as if no time had passed; without a state, begin anew.

        Args:
            path: the software's own file.
            memory: class of the state.
            agency: the agency that uses the software. Its fields also state how its dossiers proceed.
            first: number of dossiers that are received at the first start.
            random: generator of random numbers.
            clock: returns aware datetimes.
        """
        self._path, self._agency = path, agency
        self._random, self._clock = random or Random(), clock  # noqa: S311 - a simulation
        now = self._stored_at = clock()
        self.memory = self._stored_state(memory) or memory(alive_at=now, next_birth=now)
        pause = max(now - self.memory.alive_at, timedelta(0))
        self.memory.next_birth += pause
        for each in self.memory.planned:
            each.due_at += pause
        if not self.memory.serials:
            for _ in range(first):
                self._receive(now)
        self._store_state(now)

    def _stored_state(self, memory: type[_Memory]) -> _Memory | None:
        try:
            return memory.model_validate_json(self._path.read_text(encoding="utf-8"))
        except (OSError, ValidationError):
            return None

    @abstractmethod
    def _dossier_changed(self, effects: Effects) -> None:
        """Handle the change of a dossier, which ``effects`` describes."""

    @abstractmethod
    def _dossier_ended(self, code: str) -> None:
        """Handle the end of a dossier: nothing more will happen to it."""

    def live(self) -> datetime:
        """Let due events happen, and return the present time."""
        now = self._clock()
        while self.memory.next_birth <= now:
            self._receive(now)
            self.memory.next_birth += timedelta(seconds=self._random.expovariate(1 / _BETWEEN_BIRTHS))
        due = sorted((each for each in self.memory.planned if each.due_at <= now), key=lambda each: each.due_at)
        for planned in due:
            self._perform(planned, now)
        if due or now - self._stored_at > _KEPT_EVERY:
            self._store_state(now)
        return now

    def _store_state(self, now: datetime) -> None:
        self.memory.alive_at = self._stored_at = now
        write_private(self._path, self.memory.model_dump_json(exclude_defaults=True))

    def _receive(self, now: datetime) -> None:
        dossier, acts = born(self._random, self._agency, "", now, self._serial)
        self.memory.dossiers[dossier.code] = dossier
        self.memory.planned += (
            _Planned(dossier=dossier.code, due_at=now + timedelta(seconds=act.after), act=act) for act in acts
        )

    def _serial(self, _agency: str, series: str) -> int:
        last = self.memory.serials[series] = self.memory.serials.get(series, 0) + 1
        return last

    def _perform(self, planned: _Planned, now: datetime) -> None:
        self.memory.planned.remove(planned)
        effects = happen(self.memory.dossiers[planned.dossier], planned.act, now, self._random)
        self.memory.dossiers[planned.dossier] = effects.dossier
        self._dossier_changed(effects)
        if all(each.dossier != planned.dossier for each in self.memory.planned):
            self._dossier_ended(planned.dossier)
