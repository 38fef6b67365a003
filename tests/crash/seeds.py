"""Play seeds, which are simulated runs with random faults.

A seed sends a few messages, kills or freezes a process, and repairs as an operator would. The judge (judge.py) then
compares the gateways' logs with the ledger.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import gc
import itertools
import json
import os
import random
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

from psycopg.types.json import Jsonb

from motcua.domain.run_window import EVERYTHING, Window
from motcua.gateways.esms import EsmsGateway
from motcua.gateways.kannel import KannelGateway
from motcua.gateways.zalo import ZaloGateway
from motcua.jobs.notices.planning import plan
from motcua.jobs.notices.receiving import read_left_over_receipts
from motcua.jobs.notices.sending.sender import send
from motcua.jobs.notices.settling import settle
from motcua.jobs.notices.stopping import release
from motcua.sandbox.machine.parts import Hung
from motcua.sandbox.network.behaviour import default_behaviour
from motcua.settings import Settings, settings
from motcua.store.ledger.database import connect
from motcua.store.notices.templates import load_template_versions
from motcua.store.oversight.accounting import identity
from tests.crash.breakages import BREAKAGES
from tests.crash.harness import PLAYED, Mode, Tally, end_at_first_signal
from tests.crash.judge import KINDS, NOBODY, Verdict, judge, lay
from tests.crash.processes import HANG, NO_DATABASE, Forked, Job
from tests.crash.steps import Point, instrument, replace_everywhere, watch
from tests.crash.world import NETWORK_SEED, Truth, World
from tests.ground import die_with_parent, in_ledger, receive

Report = Callable[[str], None]
Points = dict[str, list[Point]]

_BATCH = 40
"""Number of seeds that share a ledger and whose messages are planned together."""
_APART = timedelta(hours=12)
_ROUND = timedelta(minutes=25)
"""Time by which a seed's present time advances between jobs; it is longer than any wait before a next attempt."""
_QUIET_ROUNDS = 12
_FROZEN_AFTER = 0.2
"""Seconds without a heartbeat after which a sender counts as frozen here.

This setting holds for the frozen processes and for the processes that take over.
"""
_STANDS_STILL = f"{_FROZEN_AFTER}s"
_TAKEOVERS = 10
"""Largest number of senders that are started, one after another, until a frozen process has lost all its sessions."""
_HALF_A_REQUEST = 5.0
"""Seconds within which the gateways must become quiet.

A gateway that is busy for longer may wait for the rest of a frozen sender's request, so the sender is then continued.
"""
_ELSE_FROZEN_AFTER = 10
"""Seconds without a heartbeat after which any other process counts as frozen.

The tests freeze none of these processes, so the limit is so long that their heartbeats are in time even on a slow
machine.
"""

# Probability in per cent of each fault for each message; all other messages have no fault.
_REQUEST_FAULTS = {
    "accept_then_timeout": 7,
    "accept_then_reset": 10,
    "accept_then_500": 10,
    "error_503": 8,
    "error_429": 8,
    "slow_seconds": 4,
    "queued": 3,
    "not_routable": 2,
}
_RECEIPT_FAULTS = {
    "receipts_lost": 12,
    "receipts_repeated": 8,
    "receipts_before_reply": 8,
    "receipts_late": 6,
    "receipts_reversed": 8,
    "receipts_by_part": 8,
}
_BEHAVIOURS = {"delivered": 78, "failed": 8, "late": 4, "never": 6, "rejected": 4}
_GATEWAYS = (("kannel",), ("kannel", "second"), ("esms",), ("zalo", "kannel"))
_REHEARSED = (0, 1, 3, 2, 0, 3, 1, 2)
"""Index into ``_GATEWAYS`` for each seed that ``rehearse`` plays.

Zalo accepts no messages at night, so it is played in two seeds whose times of day are twelve hours apart: one of them
sends by day.
"""
_ZALO_STEPS = ("renew", "note_tokens", "unreachable")
"""Steps that a sender reaches only if Zalo is tried before SMS."""
_SHARP = ("request", "answer", "submit", "save_attempts", "apply_outcomes", "abandon", "apply_receipt", "commit")
"""Steps at which a kill does most harm; each is drawn three times as often as another step."""


class Seed:
    """One seed of a batch; its jobs use the seed's own present time."""

    def __init__(self, batch: Batch, number: int, mode: Mode, start: datetime) -> None:
        self.batch, self.world, self.number, self.mode, self.start = batch, batch.world, number, mode, start
        self.lot = random.Random(f"{mode} {number}")
        self.window = Window(start, start + timedelta(hours=1))
        self.moment = start + timedelta(minutes=2)
        self.prefix = f"{number:07d}-"
        self.verdict = Verdict()
        self.figures_of_judge: Counter[str] = Counter()
        """Figures of the seed's last judgement."""
        self.died_at: Counter[str] = Counter()
        self.frozen: list[Forked] = []
        """Processes that were frozen and whose work others took over; they are continued later."""
        self.wakes_last = False
        """Whether the frozen processes are continued only after everything else has been done."""
        self.is_deaf = self.lot.random() < 0.15
        """Whether all receipts are lost at first, so that only the ledger prevents a second text."""
        self.fate: Literal["drawn", "dies", "freezes", "lives"] = "drawn"
        """What happens to the first sender; ``drawn`` leaves it to chance.

        ``lives`` tests the harness: the sender lives, and every request has a fault.
        """
        self.count = self.lot.randint(2, 5)
        self.numbers = [self._number(place) for place in range(self.count)]
        self.gateways, self.when_unknown = self._draw_gateways()

    # The world of the seed

    def _draw_gateways(self) -> tuple[tuple[str, ...], str]:
        """Draw the gateways, and the setting ``when_unknown`` of their connections.

        The gateways are one Kannel, two Kannels, a provider that can be asked for outcomes, or Zalo before SMS.
        """
        (names,) = self.lot.choices(_GATEWAYS, (45, 15, 20, 20))
        return names, "accept" if names == ("kannel",) and self.lot.random() < 0.1 else "hold"

    def enter(self) -> None:
        """Set the world up for this seed."""
        self.world.use(self.gateways, when_unknown=self.when_unknown)
        _settings_now()  # read the settings once, before processes are forked
        for name in self.gateways:
            self.set_faults(name, self.faults())
        if len(self.gateways) > 1 and (worse := self.lot.choice(("", "error_503", "accept_then_timeout"))):
            self.set_faults(self.gateways[0], self.faults() | {worse: {"probability": 1.0}})

    def set_faults(self, gateway: str, faults: dict[str, Any]) -> None:
        """Replace a gateway's faults; the simulated providers eSMS and Zalo also get the seed's time."""
        self.world.set_faults(
            gateway, faults | ({"now": self.moment.isoformat()} if gateway in ("esms", "zalo") else {})
        )

    def heal(self) -> None:
        """Remove all faults from every gateway."""
        for name in self.gateways:
            self.set_faults(name, {})

    def dossiers(self) -> list[dict[str, Any]]:
        """Return dossiers whose results wait at the desk."""
        return [
            {
                "code": f"{self.prefix}{place}",
                "agency": self.lot.choice(("000.00.30.H32", "000.00.09.H32")),
                "msisdn": f"+84{number[1:]}",
                "status": 9,
                "at": self.start.isoformat(),
            }
            for place, number in enumerate(self.numbers)
        ]

    def _number(self, place: int) -> str:
        """Return a phone number that no other seed of the batch has, of a phone with a randomly chosen behaviour."""
        wanted = self.lot.choices(list(_BEHAVIOURS), list(_BEHAVIOURS.values()))[0]
        head = "0950" if wanted == "rejected" else "0905"
        turn = (self.number * 8 + place) % 10_000
        numbers = (f"{head}{turn:04d}{tail:02d}" for tail in range(100))
        return next((n for n in numbers if default_behaviour(n, NETWORK_SEED) == wanted), f"{head}{turn:04d}00")

    def faults(self) -> dict[str, Any]:
        """Return random faults, each for the next request to some numbers."""
        faults: dict[str, Any] = {}

        def add(likely: dict[str, int], number: str) -> None:
            nothing = 0 if self.fate == "lives" else 100 - sum(likely.values())
            (name,) = self.lot.choices([*likely, ""], [*likely.values(), nothing])
            if name:
                faults.setdefault(name, {"numbers": []})["numbers"].append(number)

        for number in self.numbers:
            add(_REQUEST_FAULTS, number)
            if self.lot.random() < 0.15:
                add(_REQUEST_FAULTS, number)
            add(_RECEIPT_FAULTS, number)
        for name, seconds in (("slow_seconds", 0.05), ("receipts_late", 0.3)):
            if name in faults:
                faults[name]["seconds"] = seconds
        for name in ("error_503", "error_429"):
            if name in faults and self.lot.random() < 0.5:
                faults[name]["retry_after"] = self.lot.choice((0, 5, 600))
        return faults

    def add_dossier(self) -> None:
        """Add one more dossier that is not planned yet."""
        self.numbers.append(self._number(self.count))
        row = {
            "code": f"{self.prefix}{self.count}",
            "agency": "000.00.30.H32",
            "msisdn": f"+84{self.numbers[-1][1:]}",
            "status": self.lot.choice((5, 9)),
            "at": (self.start + timedelta(minutes=1)).isoformat(),
        }
        self.count += 1
        write_dossiers(self.world, [row])

    def take_back(self) -> None:
        """Record that the desk takes back the result of one dossier."""
        code = f"{self.prefix}{self.lot.randrange(self.count)}"
        self.world.ledger.execute(_TAKE_BACK, {"code": code, "now": self.moment})

    # Processes

    def draw(self, points: Sequence[Point]) -> Point:
        """Draw a step at which a process dies; a step's first visits are more likely than later ones."""
        weights = [3 if any(word in point.step for word in _SHARP) else 1 for point in points]
        (point,) = self.lot.choices(points, weights)
        return dataclasses.replace(point, occurrence=1 + int(point.occurrence * self.lot.random() ** 2))

    def fork(self, job: Job, point: Point | None = None, deadly: int = signal.SIGKILL) -> Forked:
        """Run the job in a process of its own that reports its steps; send the process the signal at one step."""
        occurrences = itertools.count(1)

        def work(report: Report) -> None:
            def on_step(step: str, when: str) -> None:
                place = f"{when} {step}"
                report(place)
                if point and place == str(point) and next(occurrences) == point.occurrence:
                    signal.pthread_kill(threading.get_ident(), deadly)
                    if deadly == signal.SIGKILL:
                        time.sleep(60)  # stop this thread here, because the signal takes a moment to kill the process

            die_with_parent(signal.SIGKILL)
            gc.disable()  # garbage collection would write into memory shared with the parent, and so copy it
            watch(on_step)
            job()

        return Forked(work, self.world.not_for_children)

    def wait_a_moment(self, child: Forked) -> bool:
        """Wait for a random moment of a child's short life, and return whether the child has already ended."""
        return child.listen(HANG, for_first_line=True) or child.listen(self.lot.uniform(0.0, 0.1))

    def kill(self, job: Job, points: Sequence[Point]) -> None:
        """Run the job and kill it or, just as often, freeze it, at a step or at a random moment."""
        at_step = self.fate in ("dies", "freezes") or self.lot.random() < 0.75
        point = self.draw(points) if at_step else None
        if self.fate == "freezes" or (self.fate != "dies" and self.lot.random() < 0.5):
            self.freeze(job, point)
            return
        child = self.fork(job, point)
        if not at_step and not self.wait_a_moment(child):
            child.kill()
        lines, ended_by = child.end()
        self.verdict.figures["processes killed"] += bool(ended_by)
        self.verdict.figures["processes that ended before their step"] += not ended_by
        if ended_by:
            self.died_at[lines[-1] if lines else "before anything"] += 1
        elif lines and lines[-1].startswith("raised"):
            self.verdict.wrong.append(f"a job {lines[-1]}")

    def freeze(self, job: Job, point: Point | None) -> None:
        """Run the job and freeze it, at a step or at a random moment.

        Another process takes over. The frozen process is continued right after the takeover or later.
        """
        with self.frozen_soon():
            child = self.fork(job, point, signal.SIGSTOP)
            if point is None and not self.wait_a_moment(child):
                os.kill(child.pid, signal.SIGSTOP)
            if not child.stopped():
                self.verdict.figures["processes that ended before their step"] += 1
                self.end(child)
                return
            self.verdict.figures["processes frozen"] += 1
            self.died_at[f"frozen {point or 'at any moment'}"] += 1
            self.frozen.append(child)
            held = self.take_over()
        self.verdict.figures["frozen processes taken over"] += not held
        if held:
            self.verdict.stuck.append(f"{held} session(s) of a frozen process hold what they held")
        if not self.wakes_last and self.lot.random() < 0.5:
            self.wake()

    def take_over(self) -> int:
        """Run other senders until the frozen process has no sessions; return how many of its sessions still exist.

        On a busy machine the last heartbeat of the frozen process may be later than its freeze, so several senders may
        be needed. Sessions that began after the freeze do not count, because they belong to these other senders.
        """
        held = self.sessions_at_work()
        for _ in range(_TAKEOVERS):
            time.sleep(_FROZEN_AFTER)
            self.let(self.sending(f"takes over {self.number}"))
            held &= self.sessions_at_work()
            if not held:
                break
        return len(held)

    def sessions_at_work(self) -> set[int]:
        """Return the ids of the server processes for all sessions of running senders, frozen or not."""
        return {row["pid"] for row in self.world.ledger.execute(_AT_WORK)}

    @contextlib.contextmanager
    def frozen_soon(self) -> Iterator[None]:
        """Within the block, start processes with a short limit for heartbeats.

        These processes, and the processes that they watch, count as frozen after ``_FROZEN_AFTER`` seconds.
        """
        os.environ["MOTCUA_FROZEN_AFTER"] = str(_FROZEN_AFTER)
        try:
            yield
        finally:
            os.environ["MOTCUA_FROZEN_AFTER"] = str(_ELSE_FROZEN_AFTER)

    def wake(self) -> None:
        """Continue the frozen processes and wait for their end.

        A process may have been frozen after its last check and before it sent a request. Such a process still sends
        this request, but the request's message is already unknown.
        """
        frozen, self.frozen = self.frozen, []
        taken = len(self.world.truth()) if frozen else 0
        for child in frozen:
            child.go_on()
            self.end(child)
        sent = len(self.world.truth()) - taken if frozen else 0
        self.verdict.figures["requests that left when their process woke"] += sent
        if sent > len(frozen):
            self.verdict.doubled.append(f"{sent} message(s) sent by {len(frozen)} process(es) that woke")

    def end(self, child: Forked) -> None:
        """Wait for the end of a process, and note its error, except the loss of its database sessions."""
        lines, ended_by = child.end()
        if ended_by or (lines and lines[-1].startswith("raised") and lines[-1] != NO_DATABASE):
            self.verdict.wrong.append(f"a process that was frozen {lines[-1] if lines else ended_by}")

    def let(self, *jobs: Job) -> None:
        """Run jobs at the same time to their ends, each in a process of its own."""
        raised = filter(None, self.world.run(jobs))
        self.verdict.wrong += [f"a job that nobody killed {words}" for words in raised]

    # Jobs

    def sending(self, run_id: str) -> Job:
        """Return a job that sends at the seed's present time."""
        return functools.partial(_send, run_id, EVERYTHING, self.moment)

    def planning(self) -> Job:
        """Return a job that plans at the seed's present time."""
        return functools.partial(plan, now=self.moment)

    def backfilling(self) -> Job:
        """Return a job that plans the seed's time window again and sends its messages."""
        return functools.partial(_backfill, f"backfill {self.number}", self.window, self.moment)

    def receiving(self) -> Job:
        """Return a job that stores the receipts that the network lost.

        A real network repeats a receipt that got no answer, so these receipts would come again.
        """
        reports = [
            (entry.gateway, entry.reference, kind)
            for entry in self.truth()
            for kind, state, _ in entry.receipts
            if state == "lost"
        ]
        return functools.partial(_receive, reports)

    def settling(self) -> Job:
        """Return a job that settles at the seed's present time."""
        return functools.partial(_settle, f"settling {self.number}", self.moment)

    # The order of events

    def play(self, points: Points) -> None:
        """Kill or freeze a job, repair in a random way, and run jobs until nothing is left to do."""
        sending = self.whose_turn(points["send"])
        self.enter()
        victim = self.lot.choices(("send", "plan", "receive", "settle"), (70, 8, 12, 10))[0]
        victim = victim if self.fate == "drawn" else "send"
        if victim == "receive" or self.is_deaf:
            for name in self.gateways:
                self.set_faults(name, self.faults() | {"receipts_lost": {"probability": 1.0}})
        if victim == "plan" or self.lot.random() < 0.1:
            self.add_dossier()
        if victim == "plan":
            self.kill(self.planning(), points["plan"])
        first = self.sending(f"run {self.number}")
        if self.fate != "lives" and (victim == "send" or self.lot.random() < 0.5):
            self.kill(first, sending)
        else:
            self.let(first)
        if self.lot.random() < 0.15:
            self.take_back()
        if victim == "receive":
            self.kill(self.receiving(), points["receive"])
            self.let(self.receiving())
            self.let(self.receiving())
        if victim == "settle":
            self.moment += timedelta(minutes=1)
            self.kill(self.settling(), points["settle"])
        for _ in range(self.lot.choice((1, 1, 2))):
            self.repair(points)
        self.quieten()

    def whose_turn(self, steps: Sequence[Point]) -> Sequence[Point]:
        """Return the steps at which the seed's sender may die.

        In the mode ``each step`` each seed gets one step: the sender freezes before its first visit of this step, or is
        killed after this visit.
        """
        if self.mode != "each step":
            return steps
        point = steps[self.number]
        if any(step in point.step for step in _ZALO_STEPS):
            self.gateways, self.when_unknown = ("zalo", "kannel"), "hold"
        self.fate = "freezes" if point.when == "before" else "dies"
        return [dataclasses.replace(point, occurrence=1)]

    def play_outage(self, points: Points) -> None:
        """Kill PostgreSQL, a connection or the gateway while one or two senders run, and repair."""
        self.enter()
        at_step = self.lot.random() < 0.75
        point = self.draw(points["send"]) if at_step else None
        (victim,) = self.lot.choices(("PostgreSQL", "gateway", "connection"), (45, 45, 10))
        child = self.fork(self.sending(f"run {self.number}"), point, signal.SIGSTOP)
        beside = [self.fork(self.sending(f"beside {self.number}"))] if self.lot.random() < 0.3 else []
        stopped = child.stopped() if at_step else not self.wait_a_moment(child)
        self.verdict.figures[f"{victim} killed"] += stopped
        if stopped:
            self.died_at[f"{victim} {point or 'at any moment'}"] += 1
        if victim == "PostgreSQL":
            self.world.crash_postgres()
            self.world.start_postgres()
        elif victim == "gateway":
            self.world.gateways[self.gateways[0]].kill()
        else:
            self.world.ledger.execute(_ONE_CONNECTION)
        if at_step and stopped:
            child.go_on()
        for process in (child, *beside):
            lines, ended_by = process.end()
            last = lines[-1] if lines else ""
            self.verdict.figures["senders that an outage ended"] += last == NO_DATABASE
            if ended_by or (last.startswith("raised") and not (victim != "gateway" and last == NO_DATABASE)):
                self.verdict.wrong.append(f"a sender without its {victim} {last}")
        if victim == "gateway":
            if self.lot.random() < 0.5:
                self.let(self.sending(f"run {self.number}"))
            self.world.start_gateway(self.gateways[0])
            self.heal()
        self.repair(points)
        self.quieten()

    def repair(self, points: Points) -> None:
        """Repair as an operator or the next run does after a failure.

        Run the same run again, another run, a backfill or a settling job, or two of these at once.
        """
        self.moment += self.lot.choice((timedelta(0), timedelta(minutes=1), _ROUND))
        again = [
            (self.sending(f"run {self.number}"), "send again"),
            (self.sending(f"rerun {self.number}"), "send again"),
            (self.backfilling(), "send again"),
            (self.settling(), "settle"),
        ]
        chosen = self.lot.sample(again, k=self.lot.choice((1, 2, 2)))
        if len(chosen) == 1 and self.lot.random() < 0.4:
            job, steps = chosen[0]
            self.kill(job, points[steps])
        else:
            self.let(*(job for job, _ in chosen))

    def quieten(self) -> None:
        """Remove all faults and run jobs until nothing is left to do.

        In half of the seeds a person releases (queues again) the unknown messages that the gateway never had.
        """
        if self.lot.random() < 0.1:
            self.world.report("kannel", f"{self.number:032d}", 1)  # a receipt with a reference that no attempt has
        self.run_until_quiet()
        if not self.wakes_last and self.lot.random() < 0.5:
            self.wake()
        if self.lot.random() < 0.5 and (never_taken := self.held_but_never_taken()):
            release("Nguyễn Văn Trực", "nhà mạng báo không nhận", message_ids=never_taken, now=self.moment)
            self.run_until_quiet()
        self.wake()
        self.world.wait_until_quiet()
        if self.lot.random() < 0.1:
            self.outlast_the_horizon()

    def run_until_quiet(self) -> None:
        """Plan, settle and send, as the next runs would, until nothing is queued or in flight."""
        for number in range(_QUIET_ROUNDS):
            # Plan in each round, because planning skips rows that the server process of a killed planner still locks.
            if self.world.ledger.execute(_UNPLANNED).fetchone():
                plan(now=self.moment)
            self.moment += _ROUND
            self.heal()
            if number == 0 or self.world.ledger.execute(_UNKNOWN, {"like": f"{self.prefix}%"}).fetchone():
                self.let(self.settling())
            self.let(self.sending(f"quiet {self.number} {number}"))
            if not self.world.ledger.execute(_LEFT, {"like": f"{self.prefix}%"}).fetchone():
                break
        if self.frozen and not self.world.becomes_quiet(_HALF_A_REQUEST):
            self.wake()
        self.world.wait_until_quiet()
        if self.world.ledger.execute(_UNREAD).fetchone():
            read_left_over_receipts()

    def held_but_never_taken(self) -> list[int]:
        """Return the unknown messages that the gateway never had, because its log does not have them."""
        taken = {entry.reference for entry in self.truth()}
        rows = self.world.ledger.execute(_HELD, {"like": f"{self.prefix}%"}).fetchall()
        return [row["message_id"] for row in rows if row["reference"] not in taken]

    def outlast_the_horizon(self) -> None:
        """Settle as if days had passed, and then send a receipt that is lost according to the gateway's log."""
        moment = self.moment + timedelta(hours=80)
        settle(f"days later {self.number}", self.window, clock=lambda: moment)
        lost = [
            (entry.gateway, entry.reference, kind)
            for entry in self.truth()
            for kind, state, _ in entry.receipts
            if state == "lost" and kind in (1, 2)
        ]
        if lost:
            self.world.report(*self.lot.choice(lost))
            self.verdict.figures["receipts after the horizon"] += 1

    def truth(self) -> list[Truth]:
        """Return this seed's messages that the network has accepted so far, even while other seeds were played."""
        return self.batch.lay().get(self.prefix, [])

    def judge(self, truth: Sequence[Truth]) -> list[str]:
        """Compare entries of the network's log with the ledger's tables, and return the findings that are new."""
        found = judge(self.world.ledger, self.prefix, self.count, truth)
        self.figures_of_judge = found.figures
        known = Counter(self.findings)
        self.verdict.add(found)
        return list((Counter(self.findings) - known).elements())

    @property
    def findings(self) -> list[str]:
        """Return all findings so far, each with the seed and the kind."""
        return [f"seed {self.number}: {kind}: {words}" for kind in KINDS for words in getattr(self.verdict, kind)]


_read_settings = settings.__wrapped__


@functools.cache
def _settings_of(gateways: str | None, journal: str | None, frozen_after: str | None) -> Settings:
    return _read_settings()


def forget_settings() -> None:
    """Forget the cached settings, after a change of settings that are the same for all seeds."""
    _settings_of.cache_clear()


def _settings_now() -> Settings:
    """Return the settings, read once for each combination of the settings that differ between seeds."""
    names = ("MOTCUA_GATEWAYS", "MOTCUA_JOURNAL", "MOTCUA_FROZEN_AFTER")
    return _settings_of(*(os.environ.get(name) for name in names))


# The following jobs run in another process. They are functions of this module, so that they can be pickled.


def _send(run_id: str, window: Window, moment: datetime) -> None:
    send(run_id, window, clock=lambda: moment)


def _backfill(run_id: str, window: Window, moment: datetime) -> None:
    plan(window, now=moment)
    _send(run_id, window, moment)


def _settle(run_id: str, moment: datetime) -> None:
    settle(run_id, clock=lambda: moment)


def _receive(reports: Sequence[tuple[str, str, int]]) -> None:
    with connect() as connection:
        # Connections of the callbacks app have no heartbeat, so let PostgreSQL itself end a transaction that is idle.
        connection.execute("SELECT set_config('idle_in_transaction_session_timeout', %s, FALSE)", (_STANDS_STILL,))
        for gateway, reference, kind in reports:
            receive(connection, reference, str(kind), gateway=gateway)


class Batch:
    """Seeds that share a ledger and are planned together; the messages of each seed are due in a half day of its own.

    Jobs of later seeds may change messages of an earlier seed: for example, settling decides the state of a message
    that was still open in the earlier seed's time. Each seed is therefore judged when it has been played, and again
    after the last seed.
    """

    def __init__(self, world: World, numbers: Sequence[int], mode: Mode) -> None:
        self.world, now = world, datetime.now(UTC)
        self.played: list[Seed] = []
        world.renew()
        self.seeds = [Seed(self, number, mode, now + place * _APART) for place, number in enumerate(numbers)]
        write_dossiers(world, [row for seed in self.seeds for row in seed.dossiers()])
        plan(now=now)

    def lay(self) -> dict[str, list[Truth]]:
        """Return the new entries of the network's log by the prefix of their seed, or under ``NOBODY``."""
        numbers = {number: seed.prefix for seed in self.seeds for number in seed.numbers}
        if len(numbers) < sum(len(seed.numbers) for seed in self.seeds):
            raise RuntimeError(
                "two seeds of a batch have a number in common: their messages could not be distinguished"
            )
        return lay(self.world.ledger, numbers, self.world.truth())

    def run(
        self, points: Points, report: Report = lambda _: None, after: Callable[[Seed], None] = lambda _: None
    ) -> Tally:
        """Play the seeds and judge them; report each finding at once, and the end of each seed.

        ``after``: function that is called when a seed has been played and judged.
        """
        for seed in self.seeds:
            try:
                if seed.mode == "outage":
                    seed.play_outage(points)
                else:
                    seed.play(points)
                seed.judge(seed.truth())
            except Hung as hung:
                seed.verdict.stuck.append(str(hung))
            for words in seed.findings:
                report(words)
            self.played.append(seed)
            report(PLAYED)
            after(seed)
        return self._close(report)

    def tally(self) -> Tally:
        """Return the tally of the seeds that have been played."""
        tally = Tally()
        for seed in self.played:
            _add(tally, seed)
        return tally

    def _close(self, report: Report) -> Tally:
        """Judge all seeds once more with all entries of the log, and report each entry that belongs to no seed."""
        found = []
        try:
            self.world.wait_until_quiet()
            read_left_over_receipts()
        except Hung as hung:
            found.append(f"stuck: {hung}")
        laid = self.lay()
        for seed in self.seeds:
            for words in seed.judge(laid.get(seed.prefix, [])):
                report(words)
        self.world.settle_truth([entry for entries in laid.values() for entry in entries])
        found += [f"wrong: {_in_words(entry)}" for entry in laid.get(NOBODY, [])]
        found += [] if _balances() else ["wrong: the identity does not balance"]
        tally = self.tally()
        tally.figures["nobody's"] = len(laid.get(NOBODY, []))
        tally.figures["identities checked"] += 1
        for words in found:
            whole = f"seeds {self.seeds[0].number} to {self.seeds[-1].number}: {words}"
            tally.note(words.partition(":")[0], whole)
            report(whole)
        return tally


@contextlib.contextmanager
def worker(mode: Mode, foundation: Path) -> Iterator[tuple[World, Points]]:
    """Yield a world for this worker process, with all code loaded, and the steps that the jobs have."""
    templates = load_template_versions()
    # Reading templates and settings takes a third of a seed's time, so both are read once.
    replace_everywhere((load_template_versions, lambda folder=None: templates), (settings, _settings_now))
    instrument(KannelGateway, EsmsGateway, ZaloGateway)
    # The worker gets a signal when its parent ends. SystemExit lets the worker stop its PostgreSQL first.
    end_at_first_signal(SystemExit)
    with contextlib.closing(World(foundation, keeps_connections=mode != "outage")) as world:
        points = rehearse(world)
        gc.collect()
        gc.freeze()
        yield world, points


def work(mode: Mode, foundation: Path, numbers: Sequence[int], report: Report) -> None:
    """Play seeds one after another; report each finding, the end of each seed, and the tally of each batch."""
    with worker(mode, foundation) as (world, points):
        if mode == "each step":
            numbers = [number for number in numbers if number < len(points["send"])]
        begun, laid = world.count_taken(), 0
        for place in range(0, len(numbers), _BATCH):
            batch = Batch(world, numbers[place : place + _BATCH], mode)
            try:
                tally = batch.run(points, report)
            except SystemExit:
                # The interrupted seed has not been judged.
                report(json.dumps({"numbers": [], **vars(batch.tally())}))
                raise
            laid += tally.figures["submissions"] + tally.figures["nobody's"]
            if place + _BATCH >= len(numbers) and (taken := world.count_taken() - begun) != laid:
                words = f"wrong: the network took {taken} messages, and {laid} are assigned to seeds"
                tally.note("wrong", words)
                report(words)
            report(json.dumps({"numbers": [seed.number for seed in batch.seeds], **vars(tally)}))


def try_broken_senders(foundation: Path, numbers: Sequence[int], report: Report) -> None:
    """Play the same seeds with each broken sender; report the tallies by name.

    No receipt comes, because a receipt would correct the mistake. The senders are killed around their gateway calls.
    """
    tallies = {}
    with worker("process", foundation) as (world, found):
        around_the_call = [point for point in found["send"] if point.step in ("submit", "request", "answer")]
        points = {**found, "send": around_the_call}
        for name, breakage in BREAKAGES.items():
            batch = Batch(world, numbers, "process")
            for seed in batch.seeds:
                seed.is_deaf, seed.fate, seed.wakes_last = True, breakage.fate, True
                seed.gateways, seed.when_unknown = ("kannel",), "hold"

            def broken(send_report: Report, batch: Batch = batch, make: Callable[[], None] = breakage.make) -> None:
                world.forget_processes()
                make()
                send_report(json.dumps(vars(batch.run(points))))

            child = Forked(broken, world.not_for_children)
            while not child.listen(HANG):
                pass
            lines, _ = child.end()
            tallies[name] = json.loads(lines[-1])
            world.settle_truth(world.truth())
    report(json.dumps(tallies))


def try_stray_requests(foundation: Path, numbers: Sequence[int], report: Report) -> None:
    """Play the same seeds with each of three stray requests; report the tallies by name.

    A stray request reaches the gateway after its seed has been judged, while later seeds are played.
    """
    tallies = {}
    with worker("process", foundation) as (world, found):
        points = {**found, "send": [Point("request", "before", 1)]}
        for name, choose in _STRAYS.items():
            batch = Batch(world, numbers, "process")
            strayed: list[int] = []
            for seed in batch.seeds:
                seed.fate, seed.gateways, seed.when_unknown = "dies", ("kannel",), "hold"

            def stray(
                seed: Seed,
                choose: Callable[[Seed], tuple[str, str] | None] = choose,
                strayed: list[int] = strayed,
                last: Seed = batch.seeds[-1],
            ) -> None:
                if not strayed and seed is not last and (request := choose(seed)):
                    world.bring("kannel", *request)
                    strayed.append(seed.number)

            tally = batch.run(points, after=stray)
            tally.figures["stray"] = strayed[0] if strayed else 0
            tallies[name] = vars(tally)
    report(json.dumps(tallies))


def _taken_once(seed: Seed) -> tuple[str, str] | None:
    return next(((entry.reference, entry.number) for entry in seed.truth()), None)


def _unknown_and_not_taken(seed: Seed) -> tuple[str, str] | None:
    """Return an attempt of unknown outcome that the network does not have yet, as (reference, number)."""
    held = seed.world.ledger.execute(_HELD, {"like": f"{seed.prefix}%"}).fetchall()
    never_taken = seed.held_but_never_taken()
    return next(((row["reference"], "0" + row["msisdn"][3:]) for row in held if row["message_id"] in never_taken), None)


_STRAYS: dict[str, Callable[[Seed], tuple[str, str] | None]] = {
    "a repeat of a request that was accepted": _taken_once,
    "a request that was under way for long": _unknown_and_not_taken,
    "a request that nobody sent": lambda _: ("f" * 32, "0905999999"),
}


def write_dossiers(world: World, rows: Sequence[dict[str, Any]]) -> None:
    """Write dossiers and the transitions that call for their messages, as if a job had read them from a source."""
    values = {"rows": Jsonb(list(rows))}
    with world.ledger.transaction():
        world.ledger.execute(_DOSSIERS, values)
        world.ledger.execute(_TRANSITIONS, values)


def _add(tally: Tally, seed: Seed) -> None:
    tally.seeds += 1
    tally.figures.update(seed.verdict.figures + seed.figures_of_judge)
    tally.died_at.update(seed.died_at)
    for kind in KINDS:
        for words in getattr(seed.verdict, kind):
            tally.note(kind, f"seed {seed.number}: {kind}: {words}")


def _in_words(entry: Truth) -> str:
    return f"{entry.gateway} took a message to …{entry.number[-3:]}, and no seed has its reference or its number"


def _balances() -> bool:
    return not any(row.difference for row in in_ledger(identity))


def rehearse(world: World) -> Points:
    """Run each job in several seeds, and return its steps, each with the largest number of visits by one run."""
    met: dict[str, Counter[tuple[str, str]]] = {
        name: Counter() for name in ("plan", "send", "send again", "receive", "settle")
    }

    def note(job: str, child: Forked) -> None:
        lines, _ = child.end()
        for line, times in Counter(lines).items():
            when, _, step = line.partition(" ")
            if when in ("before", "after"):
                met[job][when, step] = max(met[job][when, step], times)

    for seed in Batch(world, range(9_000_000, 9_000_008), "process").seeds:
        seed.gateways, seed.when_unknown = _GATEWAYS[_REHEARSED[seed.number % len(_REHEARSED)]], "hold"
        seed.enter()
        seed.add_dossier()
        note("plan", seed.fork(seed.planning()))
        dies = seed.number % 2
        note("send", seed.fork(seed.sending("rehearsal"), Point("request", "after", 2) if dies else None))
        note("send again", seed.fork(seed.sending("rehearsal again")))
        note("receive", seed.fork(seed.receiving()))
        seed.moment += _ROUND
        note("settle", seed.fork(seed.settling()))
        # Run the jobs in this process, too, once with each set of gateways. Processes that are forked later then
        # need not read the SQL statements and other files.
        if seed.number % len(_REHEARSED) < len(_GATEWAYS):
            for job in (seed.planning(), seed.sending("rehearsal here"), seed.receiving(), seed.settling()):
                job()
        seed.run_until_quiet()
    world.settle_truth(world.truth())
    return {
        job: [Point(step, "before" if when == "before" else "after", n) for (when, step), n in sorted(steps.items())]
        for job, steps in met.items()
    }


_DOSSIERS = """
INSERT INTO motcua.dossiers (source_id, agency_code, dossier_code, msisdn, picked_up_at)
SELECT 1, r.agency, r.code, r.msisdn, r.at
FROM jsonb_to_recordset(%(rows)s) AS r (agency text, code text, msisdn text, at timestamptz)
"""
_TRANSITIONS = """
INSERT INTO motcua.transitions (source_id, source_transition_id, dossier_id, sequence, status_code, at_one_stop_desk,
    occurred_at, recorded_at, picked_up_at)
SELECT 1, d.dossier_id * 10, d.dossier_id, d.dossier_id * 10, r.status, TRUE, r.at, r.at, r.at
FROM jsonb_to_recordset(%(rows)s) AS r (code text, status smallint, at timestamptz)
INNER JOIN motcua.dossiers AS d ON d.dossier_code = r.code
"""
_TAKE_BACK = """
INSERT INTO motcua.transitions (source_id, source_transition_id, dossier_id, sequence, status_code, at_one_stop_desk,
    occurred_at, recorded_at, picked_up_at)
SELECT 1, dossier_id * 10 + 1, dossier_id, dossier_id * 10 + 1, 4, FALSE, %(now)s, %(now)s, %(now)s
FROM motcua.dossiers WHERE dossier_code = %(code)s
"""
_ONE_CONNECTION = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE usename = 'motcua_app' AND datname = current_database() ORDER BY random() LIMIT 1
"""
_AT_WORK = """
SELECT pid FROM pg_stat_activity
WHERE datname = current_database() AND application_name LIKE 'motcua at work %'
"""
_HELD = """
SELECT m.message_id, m.msisdn, a.reference FROM motcua.messages AS m INNER JOIN motcua.attempts AS a USING (message_id)
INNER JOIN motcua.dossiers AS d USING (dossier_id)
WHERE m.state = 'unknown' AND a.state = 'unknown' AND NOT a.released AND d.dossier_code LIKE %(like)s
"""
_UNKNOWN = """
SELECT 1 FROM motcua.messages AS m INNER JOIN motcua.dossiers AS d USING (dossier_id)
WHERE m.state = 'unknown' AND d.dossier_code LIKE %(like)s LIMIT 1
"""
_UNPLANNED = "SELECT 1 FROM motcua.transitions WHERE planned_at IS NULL LIMIT 1"
_UNREAD = """
SELECT 1 FROM motcua.receipts AS r WHERE NOT EXISTS (
    SELECT 1 FROM motcua.receipt_readings AS s WHERE s.receipt_id = r.receipt_id) LIMIT 1
"""
_LEFT = f"""
SELECT 1 FROM motcua.messages AS m INNER JOIN motcua.dossiers AS d USING (dossier_id)
WHERE m.state IN ('queued', 'sending') AND d.dossier_code LIKE %(like)s OR EXISTS ({_UNPLANNED}) LIMIT 1
"""
