"""Dossiers of one agency as they live in its own software, which keeps all it knows in a file and goes on where it
stopped."""

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
"""Dossiers that are received as soon as it runs."""
_BETWEEN_BIRTHS = 25.0
"""Seconds, on average."""
_KEPT_EVERY = timedelta(seconds=2)
"""Where nothing happens: that it was alive then."""


class _Planned(BaseModel):
    """Something that is going to happen to a dossier."""

    dossier: str
    due_at: datetime
    act: Act


class OfficeMemory(BaseModel):
    """What any such software knows."""

    alive_at: datetime
    next_birth: datetime
    serials: dict[str, int] = {}
    dossiers: dict[str, Dossier] = {}
    """By code."""
    planned: list[_Planned] = []


_Memory = TypeVar("_Memory", bound=OfficeMemory)


class Office(ABC, Generic[_Memory]):
    """Receives dossiers and lets happen to them what their lives hold; what becomes of a change is the software's."""

    def __init__(
        self,
        path: Path,
        memory: type[_Memory],
        agency: Agency,
        *,
        random: Random | None = None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """Goes on with what the file at ``path`` holds, as if no time had passed, or begins.

        Args:
            path: its own file.
            memory: what it knows.
            agency: whose software it is, and how it lives.
            random: chance.
            clock: aware.
        """
        self._path, self._agency = path, agency
        self._random, self._clock = random or Random(), clock  # noqa: S311 - a simulation
        now = self._kept_at = clock()
        self.memory = self._remember(memory) or memory(alive_at=now, next_birth=now)
        pause = max(now - self.memory.alive_at, timedelta(0))
        self.memory.next_birth += pause
        for each in self.memory.planned:
            each.due_at += pause
        if not self.memory.serials:
            for _ in range(AT_FIRST):
                self._receive(now)
        self._keep(now)

    def _remember(self, memory: type[_Memory]) -> _Memory | None:
        try:
            return memory.model_validate_json(self._path.read_text(encoding="utf-8"))
        except (OSError, ValidationError):
            return None

    @abstractmethod
    def _changed(self, effects: Effects) -> None:
        """A dossier is as ``effects`` has it from now on."""

    @abstractmethod
    def _over(self, code: str) -> None:
        """Nothing more will happen to a dossier."""

    def live(self) -> datetime:
        """Does what is due; returns the moment that it is."""
        now = self._clock()
        while self.memory.next_birth <= now:
            self._receive(now)
            self.memory.next_birth += timedelta(seconds=self._random.expovariate(1 / _BETWEEN_BIRTHS))
        due = sorted((each for each in self.memory.planned if each.due_at <= now), key=lambda each: each.due_at)
        for planned in due:
            self._perform(planned, now)
        if due or now - self._kept_at > _KEPT_EVERY:
            self._keep(now)
        return now

    def _keep(self, now: datetime) -> None:
        self.memory.alive_at = self._kept_at = now
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
        self._changed(effects)
        if all(each.dossier != planned.dossier for each in self.memory.planned):
            self._over(planned.dossier)
