"""Parts of two versions on one stage, and the handbook's upgrade followed on it while messages go out.

Stage, lives, clock and worker are those of the soak (tests/soak). A part runs the version that it was last started
with; what the earlier one does is its own code, in processes of its own.
"""

from __future__ import annotations

import contextlib
import re
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from datetime import time as hour_of
from pathlib import Path
from random import Random

import psycopg
import requests

from motcua.domain.clock import VIETNAM
from motcua.sandbox.machine.deployment import postgres_connection
from motcua.sandbox.machine.parts import Hung, Part, answers_http
from tests.ground import PASSWORD, free_port
from tests.soak.clock import Clock
from tests.soak.day import prime_sources, waiting, workday
from tests.soak.faults import NETWORKS
from tests.soak.lives import Life, Writers, lives
from tests.soak.oracle import Citizen, judge
from tests.soak.stage import HANG, Stage
from tests.upgrade.handbook import followed
from tests.upgrade.versions import Version

SPEED = 20.0
"""Seconds of the day in a real one."""
SERVICES = {
    "callbacks": ("callbacks",),
    "airflow-worker": ("settle", "notify-one", "notify-two"),
    "airflow-apiserver": ("pages",),
}
"""What stands for each service of Compose's here; the others do nothing that is looked at."""
ADDRESSES = ("", "alerts", "calendar", "complaints", "dossiers", "messages", "messages/inquiries", "messages/unknown",
             "quality", "quality/sources", "reconciliation", "settings", "statements", "users")  # fmt: skip
"""Pages that each version has."""
LOCK_AT_MOST = 5.0
"""Seconds that somebody may wait behind the owner's session: two that it waits itself, and what it does then."""
_PARTS = [name for names in SERVICES.values() for name in names]
_QUIET_WITHIN = 300.0
_SHARE_PER_SECOND = 0.02
_BUSY = {
    "slow_seconds": {"probability": 0.3, "seconds": 0.3},
    "error_503": {"probability": 0.15, "retry_after": 0},
    "receipts_late": {"probability": 0.3, "seconds": 3.0},
    "receipts_repeated": {"probability": 0.2},
    "receipts_reversed": {"probability": 0.2},
}
"""A gateway on a busy day: nothing that leaves an outcome unknown."""
_BEHIND_OWNER = """
SELECT extract(EPOCH FROM clock_timestamp() - a.query_start)::float8 AS seconds, a.query AS query
FROM pg_stat_activity AS a
WHERE
    a.datname = 'motcua' AND a.usename <> 'motcua_owner' AND a.wait_event_type = 'Lock'
    AND EXISTS (
        SELECT FROM unnest(pg_blocking_pids(a.pid)) AS p (pid)
        INNER JOIN pg_stat_activity AS o ON p.pid = o.pid WHERE o.usename = 'motcua_owner'
    )
"""


@dataclass
class RollingStage(Stage):
    """The soak's stage, with pages, and with the version that each part runs."""

    versions: dict[str, Version] = field(default_factory=dict)
    """By the part's name; of what is not named the one that migrated the ledger first."""
    first: Version | None = None

    def version_of(self, part: str) -> Version:
        """The one that a part is started with."""
        assert self.first is not None
        return self.versions.get(part, self.first)

    def _provision(self) -> None:
        self.motcua(self.version_of("provision"), "provision")

    def _environ(self) -> None:
        self.ports["pages"] = free_port()
        super()._environ()

    def open(self) -> None:
        """As the soak's; but roles and schema are made by the earlier version's own commands."""
        names = ("OWNER", "APP", "AUDIT", "AIRFLOW", "CALLBACKS", "PAGES", "PURGE", "INTAKE")
        self.given = {f"MOTCUA_{name}_PASSWORD": PASSWORD for name in names}
        super().open()

    def migrate(self) -> None:
        """``motcua migrate`` of the earlier version."""
        self.motcua(self.version_of("migrate"), "migrate")

    def believe_sleeps(self) -> None:
        """Once the ledger knows what that is."""
        (known,) = self.ask("SELECT to_regclass('motcua.believed_sleeps') IS NOT NULL AS it")
        if known["it"]:
            super().believe_sleeps()

    def motcua(self, version: Version, *arguments: str) -> str:
        """What ``motcua …`` of a version says.

        Raises:
            Hung: it fails.
        """
        given = {**version.environment(), **self.given, "COLUMNS": "200"}
        given["MOTCUA_ADMIN_DSN"] = self.ledger_server.admin_dsn
        call = "import sys; sys.argv[0] = 'motcua'; from motcua.cli import main; main()"
        done = subprocess.run(
            [sys.executable, "-c", call, *arguments],
            capture_output=True, text=True, timeout=600, check=False, env=given, cwd=version.root,
        )  # fmt: skip
        if done.returncode:
            said = f"{done.stdout[-500:]} {done.stderr[-800:]}"
            raise Hung(f"{version.name}, motcua {' '.join(arguments)}: {said}")
        return done.stdout

    def _part(self, name: str) -> Part:
        part = super()._part(name)
        part.stop_within = _QUIET_WITHIN
        # Phones and gateways are no part of a version.
        if name not in NETWORKS:
            version = self.version_of(name)
            part.folder, part.environment = version.root, dict(version.environment())
            if name == "pages":
                part.command = [sys.executable, "-m", "tests.upgrade.pages", str(self.folder), str(self.ports[name])]
                part.environment["AIRFLOW_CONN_MOTCUA_DB_PAGES"] = postgres_connection(self._as("motcua_pages"))
                part.ready = lambda: answers_http(self.page(""))
        return part

    def page(self, address: str) -> str:
        """Whole address of a page."""
        return f"http://127.0.0.1:{self.ports['pages']}/motcua/{address}"

    def run_with(self, version: Version, *parts: str) -> None:
        """Has each of them end by itself and start with this version, one after the other."""
        for name in parts:
            self.end(name)
            self.versions[name] = version
            self.start(name)
            if name in ("callbacks", "pages"):
                self.wait_for(name)

    def leap_to(self, moment: datetime) -> None:
        """It is that moment now."""
        self.clock.set(moment, SPEED)
        self.set_ledger_clock()


@dataclass
class Seen:
    """What was noticed beside the work."""

    pages: Counter[str] = field(default_factory=Counter)
    """Answers, by version and status."""
    page_faults: list[str] = field(default_factory=list)
    behind: list[tuple[float, str]] = field(default_factory=list)
    """Longest waits behind a session of the schema's owner, with the statement that waited, by session of watching."""


class Upgrade:
    """Two days: one of the earlier version alone, and the one of the upgrade."""

    def __init__(self, seed: int, before: Version, now: Version, folder: Path) -> None:
        self.before, self.now, self.folder = before, now, folder
        self._lot = Random(f"upgrade {seed}")
        second = workday()
        first = second - timedelta(days=1)
        self._days = [first, second, second + timedelta(days=1)]
        clock = Clock(folder / "clock")
        clock.set(self._at(0, 8), 1.0)
        self.stage = RollingStage(folder, clock, seed, first=before)
        self.made: list[Life] = []
        self.seen = Seen()
        self.breaches: list[str] = []
        self.typed = self.ended_well = 0
        """Commands that look at the books, and those of them that ended with 0."""
        self.followed = 0
        self.asked = 0
        self.migrated: list[str] = []
        self.seconds = 0.0
        self._share = self._goal = 0.0
        self._writers: Writers | None = None
        self._stop, self._rolls = threading.Event(), threading.Event()

    def _at(self, day: int, hour: int, minute: int = 0) -> datetime:
        return datetime.combine(self._days[day], hour_of(hour, minute), VIETNAM)

    # The two days

    def run(self) -> None:
        """Both days, and the morning after.

        Raises:
            Hung: a part did not end, answer or do its work.
        """
        with contextlib.ExitStack() as stack:
            self.stage.open()
            self._set_up(stack)
            self._first_day()
            self._second_day()
            self._last_morning()

    def _set_up(self, stack: contextlib.ExitStack) -> None:
        tomorrow = [self._at(day, 17) for day in (1, 2)]
        counts = (80, 320)
        days = [
            lives(self._lot, count, self._at(day, 7), due)
            for day, (count, due) in enumerate(zip(counts, tomorrow, strict=True))
        ]
        # The first day is over before anybody apologizes.
        self._by_day = [[life for life in days[0] if "apology" not in life.owed], days[1]]
        self.made = [life for made in self._by_day for life in made]
        prime_sources(self.stage, self.made, self._at(0, 7, 30), self._at(2, 18))
        self._writing = stack.enter_context(self.stage.writers())
        threads = [threading.Thread(target=work, daemon=True) for work in (self._live, self._visit, self._watch_locks)]
        for name in (*NETWORKS, *_PARTS):
            self.stage.start(name)
        for name in (*NETWORKS, "callbacks", "pages"):
            self.stage.wait_for(name)
        for network in NETWORKS:
            self.stage.set_faults(network, _BUSY)
        self.stage.leap_to(self._at(0, 8))
        stack.callback(lambda: [thread.join() for thread in threads])
        stack.callback(self._stop.set)
        for thread in threads:
            thread.start()

    def _first_day(self) -> None:
        self._begin(0)
        for share in (0.25, 0.5, 0.75, 1.0):
            self._go(share)
            self._quiet(f"day one, {share:.0%}")
        self._ask()
        self._night(1, self.before)

    def _second_day(self) -> None:
        self._begin(1)
        self._go(0.12)
        self._quiet("the earlier version alone")
        self._follow("Without stopping", self.before, self.now, (0.3, 0.42, 0.5, 0.58))
        self._go(0.64)
        self._quiet("this version alone")
        self._follow("Going back", self.now, self.before, (0.68, 0.72, 0.76))
        # An `up` of Compose's, or a start of the machine, runs its init too.
        for command in ("provision", "migrate"):
            self.stage.motcua(self.before, command)
        self._go(0.82)
        self._quiet("the earlier version alone, its own definitions in force again")
        self._ask()
        for command in ("provision", "migrate"):
            self.stage.motcua(self.now, command)
        self._roll(list(SERVICES), self.now, iter(()))
        self._go(1.0)
        self._quiet("this version again")
        self.stage.leap_to(self._at(1, 17, 30))
        self.stage.versions["apologize"] = self.now
        self.stage.once("apologize")
        self._quiet("the apologies")

    def _last_morning(self) -> None:
        self._night(2, self.now)
        for command in (("identity",), ("publications", "verify-all"), ("quality", "verify")):
            self._look(self.now, command)

    def _night(self, day: int, version: Version) -> None:
        """To the morning of that day: its checks and closings by one version, while nobody sends."""
        self.stage.end("notify-one", "notify-two", "settle")
        self.stage.leap_to(self._at(day, 6, 30))
        for job in ("quality", "reconcile", "verify"):
            self.stage.versions[job] = version
            self.stage.once(job)
        self.stage.leap_to(self._at(day, 8))
        for name in ("notify-one", "notify-two", "settle"):
            self.stage.start(name)

    # The handbook

    def _follow(self, section: str, before: Version, after: Version, shares: tuple[float, ...]) -> None:
        """Types each block of a section's steps, as far as they can be followed here."""
        goals = iter(shares)
        runs = before
        for title, lines in followed(section):
            if title == "The migration":
                self._go(next(goals), wait=False)
            if title == "What to look at":
                runs = after
            for line in lines:
                self.followed += 1
                if line.services:
                    self._roll(line.services, after, goals)
                elif line.command:
                    self._look(runs, line.command)
                else:
                    self._migrate(after)
            if title == "The migration":
                self._quiet("the earlier version on the new schema")
                self._ask()

    def _migrate(self, version: Version) -> None:
        """``init``, while everybody works, and while somebody reads for a while what he began to read before."""
        began = time.monotonic()
        with psycopg.connect(self.stage.ledger_dsn) as reader:
            reader.execute("SELECT count(*) FROM motcua.messages, motcua.agencies")
            release = threading.Timer(4.0, reader.rollback)
            release.start()
            self.stage.motcua(version, "provision")
            said = self.stage.motcua(version, "migrate")
            release.join()
        self.seconds = time.monotonic() - began
        self.migrated = re.findall(r"applied (\S+)", said)
        self.stage.believe_sleeps()

    def _roll(self, services: Sequence[str], version: Version, goals: Iterator[float]) -> None:
        parts = [part for service in services for part in SERVICES.get(service, ())]
        for part in parts:
            self._rolls.set()
            self.stage.run_with(version, part)
            self._rolls.clear()
            if part == "notify-one":
                # Both send side by side.
                self._go(min(self._goal + 0.03, 0.9))
        if parts and (share := next(goals, None)) is not None:
            self._go(share)
            self._quiet(f"{', '.join(services)} with {version.name}")
            self._ask()

    def _look(self, version: Version, command: tuple[str, ...]) -> None:
        self.typed += 1
        try:
            self.stage.motcua(version, *command)
            self.ended_well += 1
        except Hung as failure:
            self.breaches.append(str(failure))

    # What goes on beside it

    def _begin(self, day: int) -> None:
        self._share = self._goal = 0.0
        self._writers = Writers(self._by_day[day], self._writing)

    def _go(self, share: float, *, wait: bool = True) -> None:
        """Lives go on until that share of the day, by themselves; the clock leaps ahead first."""
        self.stage.leap_to(self.stage.clock.true() + timedelta(minutes=15))
        self._goal = share
        deadline = time.monotonic() + _QUIET_WITHIN
        while wait and self._share < share and time.monotonic() < deadline:
            time.sleep(0.05)

    def _live(self) -> None:
        while not self._stop.is_set():
            if self._share < self._goal and self._writers is not None:
                try:
                    for life, act in self._writers.due(self._share):
                        self._writers.write(life, act, self.stage.clock.true())
                except psycopg.Error as error:
                    self.breaches.append(f"the world itself stopped: {type(error).__name__}: {error}")
                    return
                self._share = min(self._goal, self._share + _SHARE_PER_SECOND / 10)
            self._stop.wait(0.1)

    def _untold(self) -> list[str]:
        """Owed to those of whom all has happened, and not told; apologies are not due before the evening."""
        done = {
            life.dossier.code: Citizen(life.number, life.owed)
            for life in self.made
            if life.done == len(life.acts) and "apology" not in life.owed
        }
        return judge(done, self.stage.taken()).lost

    def _quiet(self, what: str) -> None:
        """Until all that was owed so far is told and nothing waits.

        Raises:
            Hung: that does not come about.
        """
        deadline = time.monotonic() + _QUIET_WITHIN
        while self._share < self._goal or (left := [*self._untold()[:3], *filter(None, [waiting(self.stage)])]):
            if time.monotonic() > deadline:
                raise Hung(f"{what}: never quiet: {'; '.join(left)}")
            time.sleep(0.3)
        print(f"{self.stage.clock.true().astimezone(VIETNAM):%a %H:%M} {what}", file=sys.stderr, flush=True)

    def _ask(self) -> None:
        """A citizen texts 9029, and is answered."""
        url = f"http://127.0.0.1:{self.stage.ports[NETWORKS[0]]}"
        told = next(life for life in self.made if life.done)
        number = {"number": f"09876{self._lot.randrange(100_000):05}"}
        handle = requests.post(f"{url}/phones", json=number, timeout=10).json()["handle"]
        text = {"text": f"MCKH {told.dossier.code}"}
        self.asked += requests.post(f"{url}/phones/{handle}/texts", json=text, timeout=30).ok

    def _visit(self) -> None:
        """Reads page after page; while pages are exchanged nobody can be answered."""
        number = 0
        with requests.Session() as session:
            while not self._stop.is_set():
                address = ADDRESSES[number % len(ADDRESSES)]
                number += 1
                if not self._rolls.is_set():
                    version = self.stage.version_of("pages").name
                    try:
                        status: object = session.get(self.stage.page(address), timeout=HANG).status_code
                    except requests.RequestException as error:
                        status = type(error).__name__
                    if not self._rolls.is_set():
                        self.seen.pages[version] += 1
                        if status != 200:
                            self.seen.page_faults.append(f"{version}: /{address} {status}")
                self._stop.wait(0.2)

    def _watch_locks(self) -> None:
        while not self._stop.is_set():
            self.seen.behind += longest_behind_owner(self.stage, lambda: not self._stop.is_set())


def longest_behind_owner(stage: Stage, goes_on: Callable[[], bool]) -> list[tuple[float, str]]:
    """Looks on for as long as it is asked to: the longest that somebody waited behind a session of the schema's owner,
    and what it wanted; empty: nobody did."""
    longest: tuple[float, str] | None = None
    with contextlib.suppress(psycopg.Error), psycopg.connect(stage.ledger_dsn, autocommit=True) as eye:
        while goes_on():
            for seconds, query in eye.execute(_BEHIND_OWNER.encode()).fetchall():
                if longest is None or seconds > longest[0]:
                    longest = (seconds, re.sub(r"\s+", " ", re.sub(r"--[^\n]*", "", query)).strip()[:60])
            time.sleep(0.1)
    return [] if longest is None else [longest]
