"""The vendor's software: dossiers live in it, and each change of one lies in its outbox until it was pushed.

It keeps all it knows in a file of its own, so that it goes on where it stopped. What was pushed and not yet crossed off
when it was killed is pushed again, as real clients do.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

from pydantic import BaseModel, ValidationError

from motcua.sandbox.machine.deployment import write_private
from motcua.sandbox.vendor.client import Answer, NoAnswer, PortalClient
from motcua.sandbox.vendor.records import dossier_record, step_record
from motcua.sandbox.world.happenings import Act, Dossier, happen
from motcua.sandbox.world.lives import born
from motcua.sandbox.world.procedures import Agency

AT_FIRST = 6
"""Dossiers that are received as soon as it runs."""
_BETWEEN_BIRTHS = 25.0
"""Seconds, on average."""
_COME_AGAIN = frozenset({"01", "02", "06", "99"})
"""Codes after which the same push may be taken later, also once somebody mends the account; after any other it never
will be."""
_WAITS = (1.0, 20.0)
"""Seconds until a push that was not answered is tried again: at first, and at most."""
_KEPT_EVERY = timedelta(seconds=2)
"""Where nothing happens: that it was alive then."""


class _Planned(BaseModel):
    """Something that is going to happen to a dossier."""

    dossier: str
    due_at: datetime
    act: Act


class _Push(BaseModel):
    """One change: the dossier as it was then, and the step by which it came to be so, where it was a step."""

    dossier: dict[str, Any]
    step: dict[str, Any] | None


class _Memory(BaseModel):
    """All that it knows."""

    alive_at: datetime
    next_birth: datetime
    serials: dict[str, int] = {}
    dossiers: dict[str, Dossier] = {}
    """By code; those to which nothing more will happen are forgotten."""
    planned: list[_Planned] = []
    outbox: list[_Push] = []
    pushed: int = 0
    refused: int = 0


class Software:
    """The software of one agency, and its client of the portal's protocol."""

    def __init__(
        self,
        folder: Path,
        agency: Agency,
        agency_name: str,
        unit: str,
        client: PortalClient,
        say: Callable[[str], None],
        *,
        random: Random | None = None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """Goes on with what ``folder`` holds, as if no time had passed, or begins.

        Args:
            folder: its own.
            agency: whose software it is, and how it lives.
            agency_name: as its records name it.
            unit: code of the agency, as its calls name it.
            client: speaks for it.
            say: told, in a sentence without anybody's data, what goes wrong.
            random: chance.
            clock: aware.
        """
        self._path = folder / "software.json"
        self._agency, self._name, self._unit = agency, agency_name, unit
        self._client, self._say = client, say
        self._random, self._clock = random or Random(), clock  # noqa: S311 - a simulation
        now = clock()
        self._wait, self._next_try, self._kept_at = _WAITS[0], now, now
        self.memory = self._remember() or _Memory(alive_at=now, next_birth=now)
        pause = max(now - self.memory.alive_at, timedelta(0))
        self.memory.next_birth += pause
        for each in self.memory.planned:
            each.due_at += pause
        if not self.memory.serials:
            for _ in range(AT_FIRST):
                self._receive(now)
        self._keep(now)

    def _remember(self) -> _Memory | None:
        try:
            return _Memory.model_validate_json(self._path.read_text(encoding="utf-8"))
        except (OSError, ValidationError):
            return None

    def tick(self) -> None:
        """Does what is due, and pushes what lies in the outbox."""
        now = self._clock()
        while self.memory.next_birth <= now:
            self._receive(now)
            self.memory.next_birth += timedelta(seconds=self._random.expovariate(1 / _BETWEEN_BIRTHS))
        due = sorted((each for each in self.memory.planned if each.due_at <= now), key=lambda each: each.due_at)
        for planned in due:
            self._perform(planned, now)
        if due or now - self._kept_at > _KEPT_EVERY:
            self._keep(now)
        self._push(now)

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
        if effects.row or effects.transition:
            step = step_record(effects.transition) if effects.transition else None
            self.memory.outbox.append(_Push(dossier=dossier_record(effects.dossier, self._name), step=step))
        if all(each.dossier != planned.dossier for each in self.memory.planned):
            del self.memory.dossiers[planned.dossier]

    def _push(self, now: datetime) -> None:
        """Pushes in order until something is not taken; what was never answered stays for the next time."""
        if now < self._next_try:
            return
        try:
            while self.memory.outbox:
                if not self._push_one(self.memory.outbox[0]):
                    return
                del self.memory.outbox[0]
                self._keep(now)
                self._wait = _WAITS[0]
        except NoAnswer as silence:
            self._try_later(str(silence))

    def _push_one(self, push: _Push) -> bool:
        """Whether the push is over: taken, or refused for good."""
        code = push.dossier["MaHoSo"]
        held = self._client.look_up(code, self._unit)
        if not held.is_done:
            return self._judge(held)
        answer = self._client.sync_dossiers([push.dossier], self._unit, is_updating=bool(held.content.get("result")))
        if answer.is_done and push.step is not None:
            answer = self._client.update_steps([push.step], self._unit)
        return self._judge(answer)

    def _judge(self, answer: Answer) -> bool:
        if answer.code in _COME_AGAIN:
            self._try_later(f"{answer.service} is answered {answer.code}")
            return False
        if answer.is_done and not answer.refused:
            self.memory.pushed += 1
            return True
        self.memory.refused += 1
        reasons = ", ".join(sorted({str(each.get("reason")) for each in answer.refused}))
        self._say(f"{answer.service} is refused for good: {answer.code} {reasons}".rstrip())
        return True

    def _try_later(self, why: str) -> None:
        self._say(f"{why}; it is tried again in {self._wait:.0f} s, {len(self.memory.outbox)} changes wait")
        self._next_try = self._clock() + timedelta(seconds=self._wait)
        self._wait = min(2 * self._wait, _WAITS[1])
