"""Run processes ("parts") of two versions side by side, and follow the upgrade page while messages are sent.

The servers, simulated citizens, clock and worker processes are those of the proof ``soak`` (tests/soak). A part runs
the version with which it was last started. A part of an earlier version runs that version's own code, including its
own ``tests.soak.worker`` and ``tests.upgrade.pages``. So the arguments of these modules, the file of the clock and the
lines of ``FOLDER/runs`` must stay as the earliest version expects them.
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
"""Seconds of the simulated day in one real second."""
SERVICES = {
    "callbacks": ("callbacks",),
    "airflow-worker": ("settle", "notify-one", "notify-two"),
    "airflow-apiserver": ("pages",),
}
"""For each service of Compose, the parts that do its work in this proof.

Services whose work this proof does not judge are left out.
"""
ADDRESSES = ("", "alerts", "calendar", "complaints", "dossiers", "messages", "messages/inquiries", "messages/unknown",
             "quality", "quality/sources", "reconciliation", "settings", "statements", "users")  # fmt: skip
"""Addresses of pages that both versions have."""
LOCK_AT_MOST = 5.0
"""Most seconds that a session may wait behind a lock of the schema's owner, who runs the migrations.

The owner first waits up to two seconds for the lock, and other sessions already wait behind the owner. The owner then
holds the lock while the migration changes the table.
"""
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
"""Faults of a gateway on a busy day; none of them makes the outcome of a message unknown."""
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
    """The stage of the proof ``soak`` (its running parts), with staff pages and the version that each part runs."""

    versions: dict[str, Version] = field(default_factory=dict)
    """The version that each part runs, by the part's name. Parts that are not named run ``first``."""
    first: Version | None = None
    """The version that first migrated the ledger."""

    def version_of(self, part: str) -> Version:
        """Return the version with which a part is started."""
        assert self.first is not None
        return self.versions.get(part, self.first)

    def _provision(self) -> None:
        self.motcua(self.version_of("provision"), "provision")

    def _set_environment(self) -> None:
        self.ports["pages"] = free_port()
        super()._set_environment()

    def open(self) -> None:
        """Open the stage as the proof ``soak`` does, but let the earlier version's commands create roles and schema."""
        names = ("OWNER", "APP", "AUDIT", "AIRFLOW", "CALLBACKS", "PAGES", "PURGE", "INTAKE")
        self.given = {f"MOTCUA_{name}_PASSWORD": PASSWORD for name in names}
        super().open()

    def migrate(self) -> None:
        """Run ``motcua migrate`` of the earlier version."""
        self.motcua(self.version_of("migrate"), "migrate")

    def believe_sleeps(self) -> None:
        """Mark the ledger as never restored, if the version of its schema has the table for this mark."""
        (known,) = self.ask("SELECT to_regclass('motcua.believed_sleeps') IS NOT NULL AS it")
        if known["it"]:
            super().believe_sleeps()

    def motcua(self, version: Version, *arguments: str) -> str:
        """Run a ``motcua`` command of a version and return its output.

        Raises:
            Hung: the command failed.
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
        # Seven parts start at once, and their imports need many seconds if other programs use the machine.
        part.ready_within = part.stop_within = _QUIET_WITHIN
        # The simulated phone networks do not belong to a version.
        if name not in NETWORKS:
            version = self.version_of(name)
            part.folder, part.environment = version.root, dict(version.environment())
            if name == "pages":
                part.command = [sys.executable, "-m", "tests.upgrade.pages", str(self.folder), str(self.ports[name])]
                part.environment["AIRFLOW_CONN_MOTCUA_DB_PAGES"] = postgres_connection(
                    self._dsn_of_role("motcua_pages")
                )
                part.ready = lambda: answers_http(self.page(""))
        return part

    def page(self, address: str) -> str:
        """Return the whole address of a page."""
        return f"http://127.0.0.1:{self.ports['pages']}/motcua/{address}"

    def run_with(self, version: Version, *parts: str) -> None:
        """End each part, and start it with this version, one after the other."""
        for name in parts:
            self.end(name)
            self.versions[name] = version
            self.start(name)
            if name in ("callbacks", "pages"):
                self.wait_for(name)

    def leap_to(self, moment: datetime) -> None:
        """Set the simulated clock to a moment."""
        self.clock.set(moment, SPEED)
        self.set_ledger_clock()


@dataclass
class Seen:
    """What was observed while the parts worked."""

    pages: Counter[str] = field(default_factory=Counter)
    """Number of requested pages, by version."""
    page_faults: list[str] = field(default_factory=list)
    behind: list[tuple[float, str]] = field(default_factory=list)
    """The longest wait behind a session of the schema's owner, and the SQL statement that waited.

    Each call of :func:`longest_behind_owner` adds its result.
    """


class Upgrade:
    """Two simulated days: one of the earlier version alone, and the day of the upgrade."""

    def __init__(self, seed: int, before: Version, now: Version, folder: Path) -> None:
        self.before, self.now, self.folder = before, now, folder
        self._random = Random(f"upgrade {seed}")
        second = workday()
        first = second - timedelta(days=1)
        self._days = [first, second, second + timedelta(days=1)]
        clock = Clock(folder / "clock")
        clock.set(self._moment(0, 8), 1.0)
        self.stage = RollingStage(folder, clock, seed, first=before)
        self.made: list[Life] = []
        self.seen = Seen()
        self.breaches: list[str] = []
        self.typed = self.ended_well = 0
        """How many commands checked the ledger's figures, and how many of these commands ended with exit code 0."""
        self.followed = 0
        self.asked = 0
        self.migrated: list[str] = []
        self.seconds = 0.0
        self._share = self._goal = 0.0
        self._writers: Writers | None = None
        self._stop, self._rolls = threading.Event(), threading.Event()

    def _moment(self, day: int, hour: int, minute: int = 0) -> datetime:
        return datetime.combine(self._days[day], hour_of(hour, minute), VIETNAM)

    # The two days

    def run(self) -> None:
        """Run both days, and the morning after.

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
        tomorrow = [self._moment(day, 17) for day in (1, 2)]
        counts = (80, 320)
        days = [
            lives(self._random, count, self._moment(day, 7), due)
            for day, (count, due) in enumerate(zip(counts, tomorrow, strict=True))
        ]
        # The first day ends before apologies are sent, so leave out citizens who would get one.
        self._by_day = [[life for life in days[0] if "apology" not in life.owed], days[1]]
        self.made = [life for made in self._by_day for life in made]
        prime_sources(self.stage, self.made, self._moment(0, 7, 30), self._moment(2, 18))
        self._writing = stack.enter_context(self.stage.writers())
        threads = [
            threading.Thread(target=work, daemon=True)
            for work in (self._run_lives, self._read_pages, self._watch_locks)
        ]
        for name in (*NETWORKS, *_PARTS):
            self.stage.start(name)
        for name in (*NETWORKS, "callbacks", "pages"):
            self.stage.wait_for(name)
        for network in NETWORKS:
            self.stage.set_faults(network, _BUSY)
        self.stage.leap_to(self._moment(0, 8))
        stack.callback(lambda: [thread.join() for thread in threads])
        stack.callback(self._stop.set)
        for thread in threads:
            thread.start()

    def _first_day(self) -> None:
        self._begin_day(0)
        for share in (0.25, 0.5, 0.75, 1.0):
            self._advance_to_share(share)
            self._wait_until_quiet(f"day one, {share:.0%}")
        self._text_9029()
        self._night(1, self.before)

    def _second_day(self) -> None:
        self._begin_day(1)
        self._advance_to_share(0.12)
        self._wait_until_quiet("the earlier version alone")
        self._follow_handbook("Without stopping", self.before, self.now, (0.3, 0.42, 0.5, 0.58))
        self._advance_to_share(0.64)
        self._wait_until_quiet("this version alone")
        self._follow_handbook("Going back", self.now, self.before, (0.68, 0.72, 0.76))
        # Run these commands again, because `docker compose up` and a start of the machine run the service `init`, too.
        for command in ("provision", "migrate"):
            self.stage.motcua(self.before, command)
        self._advance_to_share(0.82)
        self._wait_until_quiet("the earlier version alone, its own definitions in force again")
        self._text_9029()
        for command in ("provision", "migrate"):
            self.stage.motcua(self.now, command)
        self._roll(list(SERVICES), self.now, iter(()))
        self._advance_to_share(1.0)
        self._wait_until_quiet("this version again")
        self.stage.leap_to(self._moment(1, 17, 30))
        self.stage.versions["apologize"] = self.now
        self.stage.once("apologize")
        self._wait_until_quiet("the apologies")

    def _last_morning(self) -> None:
        self._night(2, self.now)
        for command in (("identity",), ("publications", "verify-all"), ("quality", "verify")):
            self._check_books(self.now, command)

    def _night(self, day: int, version: Version) -> None:
        """Set the clock to the morning of ``day``; ``version`` runs the night's checks and closings meanwhile.

        No part sends during the night.
        """
        self.stage.end("notify-one", "notify-two", "settle")
        self.stage.leap_to(self._moment(day, 6, 30))
        for job in ("quality", "reconcile", "verify"):
            self.stage.versions[job] = version
            self.stage.once(job)
        self.stage.leap_to(self._moment(day, 8))
        for name in ("notify-one", "notify-two", "settle"):
            self.stage.start(name)

    # The handbook

    def _follow_handbook(self, section: str, before: Version, after: Version, shares: tuple[float, ...]) -> None:
        """Run each command line of a section's steps that the proof can follow."""
        goals = iter(shares)
        runs = before
        for title, lines in followed(section):
            if title == "The migration":
                self._advance_to_share(next(goals), wait=False)
            if title == "Checks":
                runs = after
            for line in lines:
                self.followed += 1
                if line.services:
                    self._roll(line.services, after, goals)
                elif line.command:
                    self._check_books(runs, line.command)
                else:
                    self._migrate(after)
            if title == "The migration":
                self._wait_until_quiet("the earlier version on the new schema")
                self._text_9029()

    def _migrate(self, version: Version) -> None:
        """Run the commands of ``init`` while all parts work, and while a reader's older transaction is still open."""
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
                # Let both versions send side by side.
                self._advance_to_share(min(self._goal + 0.03, 0.9))
        if parts and (share := next(goals, None)) is not None:
            self._advance_to_share(share)
            self._wait_until_quiet(f"{', '.join(services)} with {version.name}")
            self._text_9029()

    def _check_books(self, version: Version, command: tuple[str, ...]) -> None:
        self.typed += 1
        try:
            self.stage.motcua(version, *command)
            self.ended_well += 1
        except Hung as failure:
            self.breaches.append(str(failure))

    # Work beside the upgrade

    def _begin_day(self, day: int) -> None:
        self._share = self._goal = 0.0
        self._writers = Writers(self._by_day[day], self._writing)

    def _advance_to_share(self, share: float, *, wait: bool = True) -> None:
        """Set the clock a quarter of an hour ahead, and let dossiers proceed up to this share of the day's events."""
        self.stage.leap_to(self.stage.clock.true() + timedelta(minutes=15))
        self._goal = share
        deadline = time.monotonic() + _QUIET_WITHIN
        while wait and self._share < share and time.monotonic() < deadline:
            time.sleep(0.05)

    def _run_lives(self) -> None:
        while not self._stop.is_set():
            if self._share < self._goal and self._writers is not None:
                try:
                    for life, act in self._writers.due(self._share):
                        self._writers.write(life, act, self.stage.clock.true())
                except psycopg.Error as error:
                    self.breaches.append(f"the simulation itself stopped: {type(error).__name__}: {error}")
                    return
                self._share = min(self._goal, self._share + _SHARE_PER_SECOND / 10)
            self._stop.wait(0.1)

    def _not_accepted(self) -> list[str]:
        """Return the messages that no gateway has accepted, for citizens whose dossiers have reached their last step.

        Citizens who are owed an apology are left out, because apologies are not due before the evening.
        """
        done = {
            life.dossier.code: Citizen(life.number, life.owed)
            for life in self.made
            if life.done == len(life.acts) and "apology" not in life.owed
        }
        return judge(done, self.stage.taken()).lost

    def _wait_until_quiet(self, what: str) -> None:
        """Wait until all messages that are owed so far are accepted, and no message waits.

        Raises:
            Hung: messages still wait when the time is over.
        """
        deadline = time.monotonic() + _QUIET_WITHIN
        while self._share < self._goal or (left := [*self._not_accepted()[:3], *filter(None, [waiting(self.stage)])]):
            if time.monotonic() > deadline:
                raise Hung(f"{what}: messages still wait: {'; '.join(left)}")
            time.sleep(0.3)
        print(f"{self.stage.clock.true().astimezone(VIETNAM):%a %H:%M} {what}", file=sys.stderr, flush=True)

    def _text_9029(self) -> None:
        """Send a citizen's text to 9029, and count it in ``asked``."""
        url = f"http://127.0.0.1:{self.stage.ports[NETWORKS[0]]}"
        told = next(life for life in self.made if life.done)
        number = {"number": f"09876{self._random.randrange(100_000):05}"}
        handle = requests.post(f"{url}/phones", json=number, timeout=10).json()["handle"]
        text = {"text": f"MCKH {told.dossier.code}"}
        self.asked += requests.post(f"{url}/phones/{handle}/texts", json=text, timeout=30).ok

    def _read_pages(self) -> None:
        """Request page after page, except while a part is replaced, because no part may serve the pages then."""
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
    """Return the longest wait of a session behind a session of the schema's owner, with its SQL statement.

    Watch the sessions as long as ``goes_on`` returns true. Return an empty list if no session waited.
    """
    longest: tuple[float, str] | None = None
    with contextlib.suppress(psycopg.Error), psycopg.connect(stage.ledger_dsn, autocommit=True) as eye:
        while goes_on():
            for seconds, query in eye.execute(_BEHIND_OWNER.encode()).fetchall():
                if longest is None or seconds > longest[0]:
                    longest = (seconds, re.sub(r"\s+", " ", re.sub(r"--[^\n]*", "", query)).strip()[:60])
            time.sleep(0.1)
    return [] if longest is None else [longest]
