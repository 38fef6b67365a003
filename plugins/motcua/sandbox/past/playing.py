"""Load the months before the demo's start: write into the sources up to each run's time, and call the real jobs.

This module writes no row of the ledger itself. An evening's run reads the sources, plans messages and apologies, sends
them, reads receipts, and decides messages of unknown outcome. In the morning the day before is closed, and on the
second of a month also the month before. A second process publishes the closings and may still run when the demo runs.
Quality is checked once a week, and in the last four days on each working day.
"""

from __future__ import annotations

import logging
import os
import socket
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from functools import partial
from itertools import chain
from multiprocessing import get_context
from multiprocessing.synchronize import Event
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from time import sleep
from typing import Any, Final, TypeAlias

import psycopg
import yaml
from aiosmtpd.controller import Controller

from motcua.domain.clock import VIETNAM
from motcua.domain.periods import Period
from motcua.domain.run_window import EVERYTHING
from motcua.gateways import gateway_address, open_gateway
from motcua.gateways.adapter import GatewayCall, InquiryReading
from motcua.jobs.handed_in.agencies import import_agencies
from motcua.jobs.handed_in.complaints import Entry, record_complaint, titles
from motcua.jobs.handed_in.statements import take_statement
from motcua.jobs.notices.answering import answer
from motcua.jobs.notices.apologizing import apologize, apology_rules
from motcua.jobs.notices.picking_up import pick_up
from motcua.jobs.notices.planning import plan
from motcua.jobs.notices.receiving import Intake
from motcua.jobs.notices.sending.sender import send
from motcua.jobs.notices.settling import settle
from motcua.jobs.publications.mailing import letters_owed, mail_publications
from motcua.jobs.publications.publishing import publish
from motcua.jobs.quality.checking import check_quality
from motcua.jobs.tasks.reconcile_daily import close_days, closings_to_publish, look_again
from motcua.jobs.tasks.reconcile_monthly import close_month
from motcua.sandbox.machine.deployment import mailbox_connection
from motcua.sandbox.network.carrier_statement import write_statement
from motcua.sandbox.network.mailbox import Postbox
from motcua.sandbox.past.months import months
from motcua.sandbox.past.phones import PastPhones, past_phones
from motcua.sandbox.world.clockwork import World
from motcua.sandbox.world.happenings import Dossier, Transition
from motcua.sandbox.world.history import Past
from motcua.sandbox.world.people import international, mobile
from motcua.sandbox.world.procedures import ZONE, in_office_hours, pilot
from motcua.sandbox.world.writers import OneStopWriter
from motcua.settings import settings
from motcua.store.ledger.database import connect, kept_connections
from motcua.store.ledger.locks import CLOSING, hold_lock, wait_for_lock
from motcua.store.ledger.queries import statement

# --- The ledger's clock ----------------------------------------------------------------------------------------------

AT_WORK = 500
"""The number of an advisory lock. The process that publishes and mails holds the lock during this work, and the
ledger's clock is restored only while the lock is free."""


def is_half_done(connection: psycopg.Connection[Any]) -> bool:
    """Return whether loading the past of this connection's ledger was interrupted."""
    return connection.execute(statement("sandbox/ledger_clock/is_there")).fetchone() is not None


class LedgerClock:
    """The clock of a ledger whose time can be set."""

    def __init__(self, owner: psycopg.Connection[Any]) -> None:
        self._owner = owner

    def set(self, moment: datetime) -> None:
        """Set the time that the ledger's clock gives from now on."""
        self._owner.execute(statement("sandbox/ledger_clock/set"), {"moment": moment})


@contextmanager
def ledger_clock(owner: psycopg.Connection[Any], moment: datetime) -> Iterator[LedgerClock]:
    """Let the caller set the ledger's clock in the ``with`` body, and restore the clock afterwards.

    ``owner`` is a connection of the schema's owner in autocommit mode. After a failure the clock stays set, so that
    ``is_half_done`` recognises the ledger.

    Raises:
        psycopg.Error: the connection is not one of the schema's owner.
    """
    with owner.transaction():
        owner.execute(statement("sandbox/ledger_clock/begin"))
    clock = LedgerClock(owner)
    clock.set(moment)
    yield clock
    with owner.transaction():
        # A process that reads several tables in one transaction could otherwise deadlock with this one.
        wait_for_lock(owner, AT_WORK)
        owner.execute(statement("sandbox/ledger_clock/end"))


# --- The past --------------------------------------------------------------------------------------------------------

_RUN_TIME: Final = time(17, 31)
"""Time of the day's only run, after the hour at which an evening begins, so that the run plans the apologies."""
_CHECKED, _RECONCILED = time(5, 30), time(6, 10)
_CHECKED_DAILY_FOR: Final = timedelta(days=4)
_LOOKED_AGAIN: Final = timedelta(days=7)
"""Only on a Monday within this time before the end of the past, closings of the last month that are at least three days
old are counted again, both in the ledger and in the sources."""
_MAILED_FOR: Final = timedelta(days=4)
"""Publications up to this age are mailed. The run of the demo itself would not mail older publications either."""
_IN_MEMORY: Final = Path("/dev/shm")  # noqa: S108 - of a demo
_GATEWAY: Final = "kannel"
_STEPS_WITHOUT_PUBLISHING: Final = 3
"""Number of steps at the end during which no publication is begun, because the end of the loading would have to wait
for it."""
_DAYS_BETWEEN_REPORTS: Final = 10
"""How many days lie between two reports of progress."""


@dataclass(frozen=True, slots=True)
class Extent:
    """Extent of the past: days before today, dossiers of each working day, days since all agencies joined."""

    days: int = 92
    per_day: int = 8
    joined: int = 4


class _Sources:
    """Writes the rows of the past into the one-stop databases, up to a simulated time."""

    def __init__(self, writers: Mapping[str, OneStopWriter], pasts: Sequence[Past]) -> None:
        self._writers = writers
        self._rows: dict[str, list[tuple[datetime, Dossier]]] = {}
        self._steps: dict[str, list[Transition]] = {}
        self._register: dict[str, list[tuple[datetime, Past]]] = {}
        for source in writers:
            ours = [past for past in pasts if past.dossier.source == source]
            self._rows[source] = sorted(chain(*(past.rows for past in ours)), key=lambda row: row[0], reverse=True)
            steps = chain(*(past.transitions for past in ours))
            self._steps[source] = sorted(steps, key=lambda step: step.recorded_at, reverse=True)
            entered = [
                (moment, past) for past in ours for moment in (past.ready_at, past.handed_at) if moment is not None
            ]
            self._register[source] = sorted(entered, key=lambda entry: entry[0], reverse=True)
            writers[source].write_history([], [], [])
        self.first = {source: steps[-1].recorded_at for source, steps in self._steps.items() if steps}
        """The time of the first step of each source that gets any step."""

    def write_until(self, moment: datetime) -> None:
        """Write everything that was recorded up to a moment."""
        for source, writer in self._writers.items():
            rows, steps, register = self._rows[source], self._steps[source], self._register[source]
            # Only the last row of each dossier is written, because a reader would see no other row.
            changed: dict[tuple[str, str], Dossier] = {}
            while rows and rows[-1][0] <= moment:
                dossier = rows.pop()[1]
                changed[dossier.agency_code, dossier.code] = dossier
            taken = []
            while steps and steps[-1].recorded_at <= moment:
                taken.append(steps.pop())
            entered = []
            while register and register[-1][0] <= moment:
                past = register.pop()[1]
                handed = past.handed_at if past.handed_at and past.handed_at <= moment else None
                entered.append((past.dossier, past.ready_at, handed))
            if changed or taken or entered:
                writer.add_history(changed.values(), taken, entered)


_Step: TypeAlias = Callable[[datetime], None]
"""A step of the past: a function that is called with the step's simulated time."""


class _Days:
    """The steps of the past: each method does one kind of step at a simulated time."""

    def __init__(
        self,
        sources: _Sources,
        phones: PastPhones,
        clock: LedgerClock,
        intake: Intake,
        callbacks: psycopg.Connection[dict[str, object]],
        publisher: _Publisher,
        random: Random,
        now: datetime,
    ) -> None:
        self._sources, self._phones, self._clock, self._intake = sources, phones, clock, intake
        self._callbacks, self._publisher, self._random, self._now = callbacks, publisher, random, now
        self._gateway = open_gateway(_GATEWAY)
        self._asked: set[int] = set()
        self._read: set[str] = set()

    def _set_time(self, moment: datetime) -> None:
        self._phones.now = moment
        self._clock.set(moment)

    def first_reading(self, source: str, moment: datetime) -> None:
        """Read a source for the first time. No citizen is informed of the source's earlier events.

        The source must not be empty: if it were empty, the pick-up would take the time of the source's clock, which is
        the real present, as the beginning.
        """
        self._sources.write_until(moment)
        self._set_time(moment)
        pick_up(source, now=moment)
        self._read.add(source)

    def run(self, moment: datetime) -> None:
        """Do a run of notify_transitions, and of apologize_due_tomorrow unless today's evening has begun."""
        self._sources.write_until(moment)
        self._set_time(moment)
        self._bring_receipts(moment)
        for name in sorted(self._read):
            pick_up(name, now=moment)
        plan(now=moment)
        if moment < apology_rules().evening_of(self._now.astimezone(VIETNAM).date()):
            # The apologies of today's evening are left to the demo itself, which has its own time for the evening.
            apologize(now=moment)
        name = f"past {moment.isoformat()}"
        send(name, clock=lambda: moment)
        later = min(moment + timedelta(minutes=2), self._now)
        self._set_time(later)
        # The receipts of the last run are delivered too. Once the demo runs, nobody would deliver them, and the watch
        # would raise an alert.
        self._bring_receipts(moment + timedelta(minutes=2))
        settle(f"settle {name}", clock=lambda: later)

    def _bring_receipts(self, moment: datetime) -> None:
        brought = [
            self._intake.take(_GATEWAY, self._gateway.read_receipt(GatewayCall(receipt.fields)))
            for receipt in self._phones.receipts_until(moment)
        ]
        for effect in brought:
            effect.result()

    def reconcile(self, moment: datetime) -> None:
        """Do the morning's run of reconcile_daily. On a Monday in the past's last week, check older closings again.

        On the second day of a month, do a run of reconcile_monthly too.
        """
        self._set_time(moment)
        name = f"past {moment.isoformat()}"
        close_days(name, EVERYTHING, EVERYTHING, moment)
        if moment.astimezone(VIETNAM).weekday() == 0 and self._now - moment < _LOOKED_AGAIN:
            look_again(name, EVERYTHING, moment)
        if moment.astimezone(VIETNAM).day == 2:
            close_month(name, EVERYTHING, moment)
        self._publisher.publish(closings_to_publish(), moment)

    def check(self, moment: datetime) -> None:
        """Do a run of check_quality. Read all sources first, so that none counts as unread since the evening before."""
        self._set_time(moment)
        for name in sorted(self._read):
            pick_up(name, now=moment)
        with _configured(self._read):
            check_quality(f"past {moment.isoformat()}", moment)

    def hear_citizens(self, moment: datetime) -> None:
        """Let citizens text the short code 9029, mostly about an announced result, and some of them complain."""
        self._set_time(moment)
        with connect() as ledger:
            texted_dossiers = ledger.execute(statement("sandbox/ledger/told_lately"), {"now": moment}).fetchall()
        for row in texted_dossiers:
            if row["dossier_id"] in self._asked or self._random.random() > 0.15:
                continue
            self._asked.add(row["dossier_id"])
            self._ask_9029(str(row["msisdn"]), f"MCKH {row['dossier_code']}", moment)
            if self._random.random() < 0.3:
                at = f"{moment.astimezone(VIETNAM):%d/%m/%Y %H:%M}"
                entry = Entry(row["agency_code"], row["dossier_code"], at, "", titles()["claim"]["no_result_yet"], "")
                with connect() as ledger:
                    record_complaint(ledger, entry, f"past {row['dossier_id']}", "can.bo.tiep.dan", moment)
        self._ask_9029(international(mobile(self._random)), self._random.choice(("MCKH", "MCKH 123456")), moment)

    def _ask_9029(self, phone: str, text: str, moment: datetime) -> None:
        reading = InquiryReading(phone, text, f"{phone} {moment.isoformat()}", moment)
        reply = answer(self._callbacks, _GATEWAY, reading, moment)
        self._callbacks.commit()
        self._phones.ask(f"0{phone.removeprefix('+84')}", text, reply.text, accented=reply.accented, sent_at=moment)

    def take_statement(self, network: Path, moment: datetime) -> None:
        """Write and import the carrier statement of the month before."""
        month = Period.month_before(moment).first
        self._set_time(moment)
        with TemporaryDirectory(prefix="motcua-statement-") as folder:
            path = Path(folder) / f"bang-ke-{month:%Y-%m}.xlsx"
            sent, asked = write_statement(network, path, month, moment)
            if sent + asked:
                take_statement(path.read_bytes(), path.name, _GATEWAY, "nha-mang", moment)


@contextmanager
def _configured(names: set[str]) -> Iterator[None]:
    """Configure only these sources during the block. Other sources join only when the demo starts, and would count as
    unread."""
    before = os.environ.get("MOTCUA_SOURCES", "")
    os.environ["MOTCUA_SOURCES"] = ",".join(each for each in before.split(",") if each.partition("=")[0] in names)
    settings.cache_clear()
    try:
        yield
    finally:
        os.environ["MOTCUA_SOURCES"] = before
        settings.cache_clear()


def _moment_at(day: datetime, hour: time) -> datetime:
    return datetime.combine(day.astimezone(ZONE).date(), hour, ZONE)


def _midnight(now: datetime, days_before: int) -> datetime:
    return datetime.combine(now.astimezone(ZONE).date() - timedelta(days=days_before), time(0), ZONE)


def _is_working_day(day: datetime) -> bool:
    return in_office_hours(_moment_at(day, time(10)))


def _schedule(
    days: _Days, sources: _Sources, now: datetime, extent: Extent, join: _Step, take_statement: _Step
) -> list[tuple[datetime, _Step]]:
    """Return the steps in order of time."""
    begins, joined, today = _midnight(now, extent.days), _midnight(now, extent.joined), _midnight(now, 0)
    work: list[tuple[datetime, _Step]] = [(joined, join)]
    from_the_first = {agency.source for agency in pilot().agencies if agency.past}
    for source, first in sources.first.items():
        since = begins if source in from_the_first else joined
        work.append((max(first, since), partial(days.first_reading, source)))
    checked = set[int]()
    for number in range(extent.days + 1):
        day = begins + timedelta(days=number)
        # The demo's own first run closes yesterday.
        if begins < day < today:
            work.append((_moment_at(day, _RECONCILED), days.reconcile))
            if day.day == 3:
                work.append((_moment_at(day, time(9)), take_statement))
            if _is_working_day(day) and (now - day < _CHECKED_DAILY_FOR or day.isocalendar().week not in checked):
                # Once a week is enough, because the trend of data quality has one figure a week. A check takes as long
                # as three days' runs.
                checked.add(day.isocalendar().week)
                work.append((_moment_at(day, _CHECKED), days.check))
        if day.weekday() == 2:
            work.append((_moment_at(day, time(14)), days.hear_citizens))
        # On a day off that is followed by a day off, a run would have nothing to do.
        if _is_working_day(day) or _is_working_day(day + timedelta(days=1)):
            work.append((_moment_at(day, _RUN_TIME), days.run))
    done = [each for each in work if each[0] < now - timedelta(minutes=3)]
    return [*sorted(done, key=lambda each: each[0]), (now, days.run)]


def _import_first_agencies(agencies: Path, begins: datetime) -> None:
    """Import all agencies. Enable only those that take part from the beginning of the past."""
    content = yaml.safe_load(agencies.read_text(encoding="utf-8"))
    first = {agency.code for agency in pilot().agencies if agency.past}
    for each in content["agencies"]:
        if each["code"] not in first:
            each["enabled_from"] = False
    with TemporaryDirectory(prefix="motcua-agencies-") as folder:
        path = Path(folder) / agencies.name
        path.write_text(yaml.safe_dump(content, allow_unicode=True), encoding="utf-8")
        import_agencies(path, "demo", begins)


def load_past(
    world: World,
    owner: psycopg.Connection[dict[str, object]],
    agencies: Path,
    say: Callable[[str], None],
    *,
    now: datetime,
    seed: int | None = None,
    extent: Extent = Extent(),
    prepare: Callable[[datetime], object] = lambda begins: None,
    played: Callable[[], object] = lambda: None,
    rest: timedelta = timedelta(0),
) -> None:
    """Give an empty ledger its past, including its agencies. The simulated one-stop software begins after the past.

    The phone network and the mailbox, whose folders are in the data folder, may run at the same time and show what
    arrives. The gateway's connection must name a free port, where this function serves the phones of the past.

    Args:
        world: the simulated one-stop software, not started yet.
        owner: connection of the ledger schema's owner, in autocommit mode.
        agencies: file of the agencies.
        say: function that gets progress reports, a line at a time.
        now: end of the past.
        seed: seed of the random numbers. Equal seeds give equal pasts.
        extent: extent of the past.
        prepare: function that is called with the beginning of the past, to prepare everything else that the ledger
            needs.
        played: function that is called when other processes may work on the ledger. They may not close a period until
            everything is published, because closing also publishes older closings, with the present date.
        rest: time after ``played`` during which nothing is published, so that the starting components have the CPU
            cores.
    """
    random = Random(seed)  # noqa: S311 - a simulation
    network = settings().data / "phone-network"
    begins, joined = _midnight(now, extent.days), _midnight(now, extent.joined)
    world.forget()
    pasts = [*months(random, pilot(), world.serial, begins.date(), joined.date(), now, extent.per_day)]
    pasts += world.invent_history(now)
    with kept_connections(), closing(_Publisher(now)) as publisher:
        with ExitStack() as stack:
            phones = stack.enter_context(past_phones(network, gateway_address(_GATEWAY)))
            intake = stack.enter_context(closing(Intake(connect)))
            clock = stack.enter_context(ledger_clock(owner, begins))
            _import_first_agencies(agencies, begins)
            prepare(begins)
            callbacks = stack.enter_context(connect())
            sources = _Sources(world.writers, pasts)
            days = _Days(sources, phones, clock, intake, callbacks, publisher, random, now)

            def join(moment: datetime) -> None:
                clock.set(moment)
                import_agencies(agencies, "demo", moment)

            reported_at = begins
            steps = _schedule(days, sources, now, extent, join, partial(days.take_statement, network))
            for left, (moment, do) in zip(reversed(range(len(steps))), steps, strict=True):
                if left < _STEPS_WITHOUT_PUBLISHING:
                    publisher.pause()
                if moment - reported_at > timedelta(days=_DAYS_BETWEEN_REPORTS):
                    reported_at = moment
                    say(f"{moment.astimezone(VIETNAM):%d/%m/%Y} of {now.astimezone(VIETNAM):%d/%m/%Y}")
                do(moment)
        world.begin_after(pasts, now)
        with connect() as guard:
            hold_lock(guard, CLOSING)
            guard.commit()
            played()
            sleep(rest.total_seconds())
            publisher.finish()


class _Publisher:
    """Publishes one closing after the other in a second process, and mails recent publications to the mailbox.

    The process has low priority, because the user who starts the demo does not wait for publications.
    """

    def __init__(self, now: datetime) -> None:
        self._now = now
        spawn = get_context("spawn")
        self._may_publish = spawn.Event()
        self._may_publish.set()
        self._process = ProcessPoolExecutor(1, spawn, initializer=_begin_to_publish, initargs=(self._may_publish,))
        self._begun: dict[int, Future[None]] = {}
        self._mailed: list[Future[None]] = []

    def publish(self, closings: Sequence[int], moment: datetime) -> None:
        """Queue the closings that were not queued before, and the morning's mails.

        If an earlier publication or mail failed, its error is raised.

        Raises:
            Exception: whatever the other process raised.
        """
        for closing_no in closings:
            if closing_no not in self._begun:
                self._begun[closing_no] = self._process.submit(_publish, closing_no, moment)
        if self._now - moment < _MAILED_FOR:
            self._mailed.append(self._process.submit(_mail, self._now - _MAILED_FOR, moment))
        for done in (*self._begun.values(), *self._mailed):
            if done.done():
                done.result()

    def pause(self) -> None:
        """Begin no further publication until ``finish`` is called."""
        self._may_publish.clear()

    def finish(self) -> None:
        """Publish again after a pause, and wait until all publications and mails are done.

        Raises:
            Exception: whatever the other process raised.
        """
        self._may_publish.set()
        for begun in (*self._begun.values(), *self._mailed):
            begun.result()

    def close(self) -> None:
        """End the process."""
        self._may_publish.set()
        self._process.shutdown(cancel_futures=True)


_process_resources = ExitStack()
_may_publish: Event


def _begin_to_publish(goes_on: Event) -> None:
    """Set up the publishing process. Its mails go to the mailbox's folder, whatever mail server the demo has."""
    global _may_publish
    _may_publish = goes_on
    os.nice(19)
    _process_resources.enter_context(kept_connections())
    # Building a report writes hundreds of small temporary files for its workbooks. On a disk, writing them would take
    # half of the time.
    if _IN_MEMORY.is_dir():
        tempfile.tempdir = str(_IN_MEMORY)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    logging.getLogger("mail.log").setLevel(logging.WARNING)  # aiosmtpd logs each line of each session
    folder = settings().data / "mailbox"
    folder.mkdir(parents=True, exist_ok=True)
    Controller(Postbox(folder), hostname="127.0.0.1", port=port, ready_timeout=60).start()
    # The process runs nothing else and ends with the past, so its environment may be changed.
    os.environ["AIRFLOW_CONN_SMTP_DEFAULT"] = mailbox_connection(port)


def _publish(closing_no: int, moment: datetime) -> None:
    _may_publish.wait()
    with connect() as at_work:
        wait_for_lock(at_work, AT_WORK)
        publish(closing_no, moment)


def _mail(since: datetime, moment: datetime) -> None:
    _may_publish.wait()
    with connect() as at_work:
        wait_for_lock(at_work, AT_WORK)
        for letter in letters_owed(since, moment):
            mail_publications(letter["publications"], letter["body"], letter["runs"])
