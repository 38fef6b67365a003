"""Simulate software that pushes: dossiers change in it, and each change waits in its outbox until it is pushed.

The software stores its state in a file and continues from it. If it is killed after it sent a push and before it
removed the push from its outbox, it sends the push again, as real clients do.

``python -m motcua.sandbox.vendor.software --folder F`` runs the software until SIGTERM. The folder has its account
(``account.json``) and its last state.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

from pydantic import BaseModel, Field

from motcua.sandbox.machine.parts import told_to_stop
from motcua.sandbox.vendor.joining import pushing, read_account
from motcua.sandbox.vendor.office import Office, OfficeMemory
from motcua.sandbox.vendor.portal import Answer, NoAnswer, PortalClient, dossier_record, step_record
from motcua.sandbox.world.happenings import Effects
from motcua.sandbox.world.procedures import Agency
from motcua.settings import settings

_COME_AGAIN = frozenset({"01", "02", "06", "99"})
"""Error codes after which the same push may be accepted later, possibly after a person has corrected the account. After
any other code the push is dropped, because it will never be accepted."""
_WAITS = (1.0, 20.0)
"""Seconds until an unanswered push is retried: the first wait, and the longest wait."""


class _Push(BaseModel):
    """One change: the dossier's state after the change, and the step that caused the change, if there is one."""

    dossier: dict[str, Any]
    step: dict[str, Any] | None


class _Memory(OfficeMemory):
    """The state of the software. Dossiers to which nothing more will happen are removed."""

    outbox: list[_Push] = Field(default_factory=list)
    pushed: int = 0
    refused: int = 0


class Software(Office[_Memory]):
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
        """Continue with the state in ``folder``, as if no time had passed; without a state, begin anew.

        Args:
            folder: the software's own folder.
            agency: the agency that uses the software. Its fields also state how its dossiers proceed.
            agency_name: name of the agency in records.
            unit: code of the agency in calls.
            client: client that pushes.
            say: function that gets a sentence about each failure. The sentence contains no personal data.
            random: generator of random numbers.
            clock: returns aware datetimes.
        """
        self._name, self._unit = agency_name, unit
        self._client, self._say = client, say
        super().__init__(folder / "software.json", _Memory, agency, random=random, clock=clock)
        self._wait, self._next_try = _WAITS[0], self._clock()

    def tick(self) -> None:
        """Let due events happen, and push the changes in the outbox."""
        self._push(self.live())

    def _dossier_changed(self, effects: Effects) -> None:
        if effects.row or effects.transition:
            step = step_record(effects.transition) if effects.transition else None
            self.memory.outbox.append(_Push(dossier=dossier_record(effects.dossier, self._name), step=step))

    def _dossier_ended(self, code: str) -> None:
        del self.memory.dossiers[code]

    def _push(self, now: datetime) -> None:
        """Push changes in order until one must be tried again later. This change and the later ones stay in the
        outbox."""
        if now < self._next_try:
            return
        try:
            while self.memory.outbox:
                if not self._push_one(self.memory.outbox[0]):
                    return
                del self.memory.outbox[0]
                self._store_state(now)
                self._wait = _WAITS[0]
        except NoAnswer as silence:
            self._try_later(str(silence))

    def _push_one(self, push: _Push) -> bool:
        """Push one change. Return whether it must not be pushed again: it was accepted, or will never be accepted."""
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
            self._try_later(f"the intake app answered {answer.service} with {answer.code}")
            return False
        if answer.is_done and not answer.refused:
            self.memory.pushed += 1
            return True
        self.memory.refused += 1
        reasons = ", ".join(sorted({str(each.get("reason")) for each in answer.refused}))
        self._say(f"the intake app rejects {answer.service} permanently: {answer.code} {reasons}".rstrip())
        return True

    def _try_later(self, why: str) -> None:
        self._say(f"{why}; next try in {self._wait:.0f} s, {len(self.memory.outbox)} changes wait")
        self._next_try = self._clock() + timedelta(seconds=self._wait)
        self._wait = min(2 * self._wait, _WAITS[1])


# --- Process ---------------------------------------------------------------------------------------------------------

_REPORTS_EVERY = timedelta(seconds=5)


def _say(sentence: str) -> None:
    print(sentence, file=sys.stderr, flush=True)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the software until SIGTERM or SIGINT, and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m motcua.sandbox.vendor.software", description=__doc__)
    parser.add_argument("--folder", type=Path, default=settings().data / "vendor", help="the software's own folder")
    folder: Path = parser.parse_args(arguments).folder
    account = read_account(folder)
    if account is None:
        print(f"{folder / 'account.json'} contains no account. Start the demo, which creates one.", file=sys.stderr)
        return 1
    stop = told_to_stop()

    played = pushing()
    client = PortalClient(account.url, account.client, account.password)
    software = Software(folder, played.agency, str(played.entry["name"]), account.unit, client, _say)
    reported = datetime.now(UTC)
    while not stop.wait(0.1):
        software.tick()
        if datetime.now(UTC) - reported > _REPORTS_EVERY:
            reported = datetime.now(UTC)
            # If the account got another password, the new one is in the account's file in this folder.
            account = read_account(folder) or account
            client.url, client.name, client.password = account.url, account.client, account.password
            memory = software.memory
            counts = {"pushed": memory.pushed, "refused": memory.refused, "waiting": len(memory.outbox)}
            print(json.dumps({"at": reported.isoformat(timespec="seconds"), **counts}), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
