"""Run a simulated day: write dossiers, send inquiries, begin and end faults, start jobs, and take samples."""

from __future__ import annotations

import contextlib
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from datetime import time as hour_of
from pathlib import Path
from random import Random

import psycopg
import requests

from motcua.domain.clock import VIETNAM
from motcua.sandbox.machine.parts import Part
from motcua.sandbox.world.procedures import in_office_hours
from tests.soak.clock import Clock
from tests.soak.faults import NETWORKS, Fault, draw, gateway_faults
from tests.soak.lives import Act, Life, Writers, lives
from tests.soak.sampling import Samples
from tests.soak.stage import Stage

SPAN = timedelta(hours=11, minutes=30)
"""Length of a whole day, from 7:00 to 18:30."""
_EVENING, _AFTER_IT = hour_of(17, 30), timedelta(hours=1)
"""Hour of the apologies, and how long a whole day goes on after this hour.

If only a share of the day is simulated, the day goes on for the same share of this time.
"""
SPEED = 80.0
"""Seconds of the day in one real second, from 7:00 to 18:30."""
_NIGHT = 8.0
"""Factor by which time passes faster at night than by day."""
_SLOW = 15.0
"""Speed of time while a backup is made or restored, because this takes real time."""
LIVES = 900
_ASKS = 120
_QUIET_WITHIN = 240.0
"""Most real seconds of each wait until no work is left, after the last fault and after the night."""


@dataclass
class Day:
    stage: Stage
    made: list[Life]
    faults: list[Fault]
    samples: Samples = field(default_factory=Samples)
    asked: int = 0
    broken_rows: int = 0
    breaches: list[str] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0


def workday() -> date:
    """Return a recent Wednesday that is a working day and is followed by a working day.

    The day is in the past, so that no time in a source is later than the real clock of the source's server.
    """
    day = datetime.now(VIETNAM).date() - timedelta(days=2)
    while day.weekday() != 2 or not all(
        in_office_hours(datetime.combine(day + timedelta(days=n), hour_of(10), VIETNAM)) for n in (0, 1)
    ):
        day -= timedelta(days=1)
    return day


class Conductor:
    def __init__(self, seed: int, share: float, speed: float, folder: Path) -> None:
        self._lot = Random(f"soak {seed}")
        self.date, self.speed = workday(), speed
        self.end = datetime.combine(self.date, _EVENING, VIETNAM) + _AFTER_IT * share
        self.start = self.end - SPAN * share
        tomorrow = datetime.combine(self.date + timedelta(days=1), hour_of(17), VIETNAM)
        made = lives(self._lot, round(LIVES * share), self.start - timedelta(hours=1), tomorrow)
        clock = Clock(folder / "clock")
        clock.set(self.start - timedelta(minutes=5), 1.0)
        self.day = Day(Stage(folder, clock, seed), made, draw(self._lot))
        self.stage = self.day.stage
        self._over: list[tuple[float, Callable[[], None]]] = []
        self._stop, self._pause_asking = threading.Event(), threading.Event()
        self._once: dict[str, Part] = {}
        self._done_once: set[str] = set()
        self._tried_at: dict[str, float] = {}
        self._asks = max(10, round(_ASKS * share))

    @property
    def _share(self) -> float:
        return (self.stage.clock.true() - self.start) / (self.end - self.start)

    # The day

    def run(self) -> Day:
        began = time.monotonic()
        with contextlib.ExitStack() as stack:
            self.stage.open()
            stack.callback(self._end_threads)
            prime_sources(self.stage, self.day.made, self.start, self.end)
            self.stage.start_all()
            self.stage.set_clock(self.speed)
            self._threads = [
                threading.Thread(target=self._recording_errors, args=(work,), daemon=True)
                for work in (self._write_lives, self._send_inquiries)
            ]
            for thread in self._threads:
                thread.start()
            stack.callback(self.stage.release_sources)
            self._through_the_day()
            self._heal()
            self._print_progress("all faults are over")
            self._until_quiet(self.end + timedelta(hours=2))
            self._through_the_night()
            self._print_progress("the morning's jobs are done")
            self._end_threads()
            self._until_quiet(None)
            self.day.seconds = time.monotonic() - began
        return self.day

    def _end_threads(self) -> None:
        self._stop.set()
        for thread in getattr(self, "_threads", []):
            thread.join()

    def _print_progress(self, words: str) -> None:
        print(f"{self.stage.clock.true().astimezone(VIETNAM):%H:%M} {words}", file=sys.stderr, flush=True)

    def _through_the_day(self) -> None:
        waiting, sampled, said = list(self.day.faults), -1.0, 0
        while (share := self._share) < 1 or waiting or self._over:
            while waiting and waiting[0].at <= share:
                fault = waiting.pop(0)
                self._apply(fault)
            for ends, heal in [each for each in self._over if each[0] <= share]:
                heal()
                self._over.remove((ends, heal))
            self._restart_dead_parts()
            self._jobs_of_the_hour()
            if int(10 * share) > said:
                said = int(10 * share)
                self._print_progress(
                    f"{self.day.counts['acts written']} steps, {len(self.day.faults) - len(waiting)} faults"
                )
            hour = (self.stage.clock.true() - self.start) / timedelta(hours=1)
            if hour - sampled >= 1 / 60:
                sampled = hour
                self.day.samples.take(self.stage, hour)
            time.sleep(0.05)

    def _restart_dead_parts(self) -> None:
        for name in list(self.stage.parts):
            if not self.stage.parts[name].alive:
                self.stage.start(name)

    def _apply(self, fault: Fault) -> None:
        stage, whom = self.stage, fault.whom
        self.day.counts[fault.kind] += 1

        def until(heal: Callable[[], None]) -> None:
            self._over.append((fault.at + fault.lasts, heal))

        match fault.kind:
            case "source away":
                stage.turn_source(whom, away=True)
                until(lambda: stage.turn_source(whom, away=False))
            case "source slow":
                with contextlib.suppress(psycopg.Error):
                    stage.hold_source(whom)
                until(lambda: stage.release_source(whom))
            case "source hands broken rows":
                self.day.broken_rows += stage.plant_broken_rows(whom, self._lot, stage.clock.true())
            case "gateway away":
                stage.set_faults(whom, {"outage": True})
                until(lambda: stage.set_faults(whom, {}))
            case "gateway answers and reports badly":
                stage.set_faults(whom, gateway_faults(self._lot))
                until(lambda: stage.set_faults(whom, {}))
            case "gateway killed":
                stage.kill(whom)
            case "PostgreSQL killed":
                stage.crash_postgres()
            case "connections cut":
                stage.cut_connections()
            case "worker killed":
                stage.kill(whom)
                if whom == "callbacks":
                    self._at_slow_speed(lambda: (stage.start(whom), stage.wait_for(whom)))
            case "worker ended":
                stage.end(whom)
            case "clock forward" | "clock back":
                minutes = float(whom) * (1 if fault.kind == "clock forward" else -1)
                stage.set_clock(self.speed, timedelta(minutes=minutes))
                until(lambda: stage.set_clock(self.speed))
            case "backup":
                self._at_slow_speed(stage.back_up)
            case "restore":
                self._at_slow_speed(lambda: (stage.restore(), stage.start_all()))

    def _at_slow_speed(self, work: Callable[[], object]) -> None:
        """Do work that takes real time, while the time of the day passes slowly.

        No inquiry (a text to the short number 9029) is sent meanwhile, because some of this work stops the app that
        answers.
        """
        skew = self.stage.clock.skew
        self._pause_asking.set()
        self.stage.set_clock(min(_SLOW, self.speed), skew)
        work()
        self.stage.set_clock(self.speed, skew)
        self._pause_asking.clear()

    def _heal(self) -> None:
        for network in NETWORKS:
            self.stage.wait_for(network)
            self.stage.set_faults(network, {})
        self.stage.set_clock(self.speed)

    # Jobs of the hour

    def _agenda(self) -> list[tuple[datetime, str]]:
        morrow = self.date + timedelta(days=1)
        return [
            (datetime.combine(self.date, _EVENING, VIETNAM), "apologize"),
            (datetime.combine(morrow, hour_of(2, 30), VIETNAM), "purge"),
            (datetime.combine(morrow, hour_of(5, 30), VIETNAM), "quality"),
            (datetime.combine(morrow, hour_of(6, 30), VIETNAM), "reconcile"),
            (datetime.combine(morrow, hour_of(6, 40), VIETNAM), "verify"),
        ]

    def _jobs_of_the_hour(self) -> None:
        """Start the jobs that are due, one after the other, and start a failed job again."""
        for name, part in list(self._once.items()):
            if not part.alive:
                del self._once[name]
                if part.exit_code == 0:
                    self._done_once.add(name)
                else:
                    self.day.counts[f"{name} failed and was run again"] += 1
        now = self.stage.clock.machine()
        for due, name in self._agenda():
            if name not in self._done_once and due <= now:
                if not self._once and time.monotonic() > self._tried_at.get(name, 0.0) + 2:
                    self._tried_at[name] = time.monotonic()
                    self._once[name] = self.stage.begin(name)
                return

    def _through_the_night(self) -> None:
        """Let the night pass fast until the next morning, then in real time until the morning's jobs are done."""
        self.stage.set_clock(self.speed * _NIGHT)
        last = self._agenda()[-1][0]
        deadline = time.monotonic() + 20 * 60
        while len(self._done_once) < len(self._agenda()):
            if self.stage.clock.true() > last:
                self.stage.set_clock(1.0)
                last = datetime.max.replace(tzinfo=UTC)
            self._restart_dead_parts()
            self._jobs_of_the_hour()
            if time.monotonic() > deadline:
                left = {name for _, name in self._agenda()} - self._done_once
                self.day.breaches.append(f"not done by the morning: {', '.join(sorted(left))}")
                break
            time.sleep(0.1)
        self.stage.set_clock(self.speed)

    def _until_quiet(self, until: datetime | None) -> None:
        """Wait until no work is left, at most until the simulated time is ``until``."""
        deadline = time.monotonic() + _QUIET_WITHIN
        while left := waiting(self.stage):
            if time.monotonic() > deadline:
                if until is None:
                    self.day.breaches.append(f"work that was left at the end: {left}")
                return
            if until is not None and self.stage.clock.true() > until:
                return
            self._restart_dead_parts()
            self._jobs_of_the_hour()
            time.sleep(0.2)

    # Threads that run beside the day

    def _recording_errors(self, work: Callable[[], None]) -> None:
        try:
            work()
        except Exception as error:
            self.day.breaches.append(f"the simulation itself stopped: {type(error).__name__}: {error}")

    def _write_lives(self) -> None:
        with contextlib.ExitStack() as stack:
            writers = Writers(self.day.made, stack.enter_context(self.stage.writers()))
            while not self._stop.is_set():
                for life, act in writers.due(self._share):
                    writers.write(life, act, self.stage.clock.true())
                    self.day.counts["acts written"] += 1
                self._stop.wait(0.05)

    def _send_inquiries(self) -> None:
        lot, done = Random(f"asks {self.stage.seed}"), 0
        while not self._stop.is_set() and done < self._asks:
            if self._share >= done / self._asks and not self._pause_asking.is_set():
                self._one_inquiry(lot)
                done += 1
            self._stop.wait(0.1)

    def _one_inquiry(self, lot: Random) -> None:
        url = f"http://127.0.0.1:{self.stage.ports[NETWORKS[0]]}"
        known = [life for life in self.day.made if life.done]
        code = lot.choice(known).dossier.code if known and lot.random() < 0.9 else "123456"
        with contextlib.suppress(requests.RequestException, KeyError, ValueError):
            number = f"09876{lot.randrange(100_000):05}"
            handle = requests.post(f"{url}/phones", json={"number": number}, timeout=3).json()["handle"]
            sent = requests.post(f"{url}/phones/{handle}/texts", json={"text": f"MCKH {code}"}, timeout=3)
            self.day.asked += sent.ok


_WAITING = """
SELECT
    (SELECT count(*) FROM motcua.messages WHERE state IN ('queued', 'sending')) AS messages,
    (SELECT count(*) FROM motcua.attempts WHERE state = 'in_flight') AS attempts,
    (SELECT count(*) FROM motcua.unread_receipts) AS unread,
    (SELECT count(*) FROM motcua.transitions WHERE planned_at IS NULL) AS unplanned
"""


def waiting(stage: Stage) -> str:
    """Return a description of the unfinished work, empty if there is none."""
    with contextlib.suppress(psycopg.Error):
        (row,) = stage.ask(_WAITING)
        receipts = stage.network_log("SELECT count(*) FROM receipts WHERE state IN ('pending', 'held')")
        row["receipts"] = sum(count for (count,) in receipts)
        row["sources"] = len(stage.ask("SELECT FROM motcua.sources WHERE failed_at IS NOT NULL"))
        return ", ".join(f"{count} {name}" for name, count in row.items() if count)
    return "the ledger does not answer"


def prime_sources(stage: Stage, made: list[Life], start: datetime, end: datetime) -> None:
    """Write a first dossier into each source.

    Otherwise the first pick-up would find an empty source, and set the source's cursor (the newest time read) to the
    time of its real clock.
    """
    moment = start - timedelta(minutes=30)
    firsts = {life.dossier.source: life for life in reversed(made)}
    with stage.writers() as writers:
        for source, life in firsts.items():
            first = life.dossier.model_copy(update={"code": f"{life.dossier.code}-first"})
            first = first.model_copy(
                update={
                    "written_code": first.code,
                    "step": "Tiếp nhận",
                    "status": 2,
                    "due_at": end + timedelta(days=20),
                }
            )
            other = Life("first", first, [Act(0, "Thẩm định", 4)], {}, "")
            Writers([other], writers).write(other, other.acts[0], moment)
            writers[source].reserve_transition()


def run_day(seed: int, share: float, speed: float) -> Day:
    """Run a simulated day in a folder of its own.

    The day's processes still run afterwards; ``day.stage.close()`` ends them.

    Raises:
        Hung: A part did not end or answer.
    """
    folder = Path(tempfile.mkdtemp(prefix="motcua-soak-"))
    folder.chmod(0o711)
    conductor = Conductor(seed, share, speed, folder)
    try:
        return conductor.run()
    except BaseException:
        conductor.stage.close()
        raise
