"""Freeze the leading sender at each of its steps, and measure the time until the gateway accepts the next message.

As in production, there are two senders, a leader and a standby, which wait for news when there is nothing to send. A
process counts as frozen after the default of ``MOTCUA_FROZEN_AFTER``. There is one source. A measurement begins right
after the freeze, when the one-stop desk records a case: a dossier with a ready result.
"""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from motcua.jobs.notices.sending.sender import send
from motcua.jobs.notices.watching import CatchUp
from motcua.sandbox.machine.deployment import postgres_connection
from motcua.sandbox.machine.parts import Hung
from motcua.store.ledger.database import kept_connections
from motcua.store.ledger.locks import LEADING, is_held
from motcua.store.ledger.provisioning import with_database
from tests.crash.harness import PLAYED, Tally
from tests.crash.processes import Forked
from tests.crash.steps import Point, watch
from tests.crash.world import World
from tests.ground import OneStop, ask, die_with_parent, in_ledger, until

_AGENCY = "000.00.30.H32"
_NEVER = 90.0
"""Seconds within which the other sender must have taken over."""
_COMES_TO_IT = 20.0
"""Seconds within which a leader reaches each of its usual steps after a case was recorded."""
_ASLEEP = 40.0
"""Seconds for which the measurement freezes PostgreSQL."""


def linger() -> None:
    """Run a sender that leads or is standby, until it is killed."""
    with kept_connections(), closing(CatchUp(timedelta(hours=1))) as catch_up:
        send("run", catch_up=catch_up)


class Desk:
    """A one-stop database of the world; each case that it records is a dossier whose result is ready."""

    def __init__(self, world: World, begin: int) -> None:
        self.world, self.number = world, begin
        ask(world.admin_dsn, "CREATE DATABASE desk TEMPLATE template0")
        self.source = OneStop(with_database(world.admin_dsn, "desk"))
        os.environ["AIRFLOW_CONN_ONESTOP_KHANHHOA"] = postgres_connection(with_database(world.admin_dsn, "desk"))
        os.environ["MOTCUA_SOURCES"] = "khanhhoa"
        world.ledger.execute("UPDATE motcua.agencies SET result_hold = '0'")

    def move(self) -> str:
        """Record one more case with a ready result, and return its phone."""
        self.number += 1
        code, now = f"T-{self.number}", datetime.now(UTC)
        number = f"0905{self.number:06d}"
        self.source.both(
            9, code, _AGENCY, at=now, received_at=now - timedelta(days=1), due_at=now + timedelta(days=9),
            applicant_phone=number, status_code=9, at_one_stop_desk=True, updated_at=now,
        )  # fmt: skip
        return number

    def wait_for(self, number: str, begun: float) -> float:
        """Wait until the gateway has accepted a message to this phone, and return the seconds since ``begun``.

        Raises:
            Hung: The gateway does not accept such a message in time.
        """
        _until(lambda: any(entry.number == number for entry in self.world.truth()))
        return time.monotonic() - begun


def _fork(world: World, point: Point | None = None, reports: bool = False) -> Forked:
    def work(report: Callable[[str], None]) -> None:
        def on_step(step: str, when: str) -> None:
            if reports:
                report(f"{when} {step}")
            if point is not None and f"{when} {step}" == str(point):
                signal.pthread_kill(threading.get_ident(), signal.SIGSTOP)

        die_with_parent(signal.SIGKILL)
        watch(on_step)
        linger()

    return Forked(work, world.not_for_children)


def _until(condition: Callable[[], bool]) -> None:
    try:
        until(condition, _NEVER)
    except AssertionError as never:
        raise Hung("no other sender took over") from never


def _is_lock_held(number: int) -> bool:
    return in_ledger(is_held, number)


@contextmanager
def _standby(world: World) -> Iterator[Forked]:
    standing = _fork(world)
    try:
        yield standing
    finally:
        standing.kill()
        standing.end()


def steps_of(world: World, desk: Desk) -> list[Point]:
    """Run a leading sender through two cases and some heartbeats, and return its steps, sorted by name."""
    child = _fork(world, reports=True)
    for _ in range(2):
        desk.wait_for(desk.move(), time.monotonic())
    time.sleep(3)
    child.kill()
    lines, _ = child.end()
    found = {line for line in lines if line.startswith(("before ", "after "))}
    return [
        Point(line.partition(" ")[2], "before" if line.startswith("before") else "after", 1) for line in sorted(found)
    ]


def freeze_at(world: World, desk: Desk, point: Point) -> float | None:
    """Freeze the leader at a step, record a case, and return the seconds until the case's message was accepted.

    The result is ``None`` if the leader never reached the step.
    """
    leader = _fork(world, point)
    try:
        _until(lambda: _is_lock_held(LEADING) or leader.is_stopped)
        with _standby(world):
            _until(lambda: _is_lock_held(1000) or leader.is_stopped)
            desk.move()
            last = time.monotonic() + _COMES_TO_IT
            while not leader.is_stopped:
                if time.monotonic() > last:
                    return None
                time.sleep(0.02)
            begun = time.monotonic()
            took = desk.wait_for(desk.move(), begun)
            leader.go_on()
            leader.listen(30.0)
            return took
    finally:
        leader.kill()
        leader.end()


def freeze_postgresql(world: World, desk: Desk) -> float:
    """Freeze PostgreSQL, record a case after the freeze, and return the seconds until its message was accepted."""
    leader = _fork(world)
    try:
        _until(lambda: _is_lock_held(LEADING))
        with _standby(world):
            _until(lambda: _is_lock_held(1000))
            desk.wait_for(desk.move(), time.monotonic())
            with world.postgres.frozen():
                time.sleep(_ASLEEP)
            begun = time.monotonic()
            return desk.wait_for(desk.move(), begun)
    finally:
        leader.kill()
        leader.end()


def time_takeovers(foundation: Path, turns: Sequence[int], workers: int, report: Callable[[str], None]) -> None:
    """Freeze a leader at every ``workers``-th step, and PostgreSQL once.

    Report a tally; its ``died_at`` has, for each freeze, the milliseconds until the next case's message was accepted.
    """
    from tests.crash import seeds

    tally = Tally()
    with seeds.worker("process", foundation) as (world, _):
        world.renew()
        world.use(("kannel",))
        desk = Desk(world, 5000 * min(turns))
        seeds.forget_settings()
        points = steps_of(world, desk)
        for turn in turns:
            for point in points[turn::workers]:
                try:
                    took = freeze_at(world, desk, point)
                except Hung as hung:
                    tally.note("stuck", f"{point}: {hung}")
                    took = _NEVER
                tally.seeds += 1
                tally.figures["frozen"] += took is not None
                if took is not None:
                    tally.died_at[str(point)] = round(1000 * took)
                    report(f"{point}: {took:.1f} s")
                report(PLAYED)
            if turn == 0:
                tally.died_at["PostgreSQL"] = round(1000 * freeze_postgresql(world, desk))
        world.wait_until_quiet()
        numbers = [entry.number for entry in world.truth()]
        tally.figures["messages"] = len(numbers)
        for number in {number for number in numbers if numbers.count(number) > 1}:
            tally.note("doubled", f"a message to …{number[-3:]} was taken {numbers.count(number)} times")
        rows = world.ledger.execute("SELECT count(*) AS n FROM motcua.attempts WHERE state = 'unknown'").fetchone()
        tally.figures["unknown"] = rows["n"] if rows else 0
    report(json.dumps({"numbers": [], **vars(tally)}))
