"""Plays the months before the demo's start: the sources are written as of each run, and the real jobs do its work.

No row of the ledger is written here. An evening's run picks up, plans, apologizes, sends, has receipts and settles; in
the morning the days before are closed and looked at again, in time months too, and published by a process beside this
one, which may end when the demo lives already. Quality is checked every week, in the last days on each working day.
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
"""Advisory lock of whoever works beside the one that sets the clock, while it is in a transaction."""


def is_half_done(connection: psycopg.Connection[Any]) -> bool:
    """Whether the past of the ledger that this leads to was broken off."""
    return connection.execute(statement("sandbox/ledger_clock/is_there")).fetchone() is not None


class LedgerClock:
    """What time the ledger takes it for."""

    def __init__(self, owner: psycopg.Connection[Any]) -> None:
        self._owner = owner

    def set(self, moment: datetime) -> None:
        """From now on the ledger's own notes carry this time."""
        self._owner.execute(statement("sandbox/ledger_clock/set"), {"moment": moment})


@contextmanager
def ledger_clock(owner: psycopg.Connection[Any], moment: datetime) -> Iterator[LedgerClock]:
    """A ledger's clock that is ours, by the schema's owner in autocommit mode; when all went well the ledger is as it
    was. After a failure it stays half done, for all to see.

    Raises:
        psycopg.Error: the connection is not the owner's.
    """
    with owner.transaction():
        owner.execute(statement("sandbox/ledger_clock/begin"))
    clock = LedgerClock(owner)
    clock.set(moment)
    yield clock
    with owner.transaction():
        # What reads several tables in a transaction of its own would wait for us, and we for it.
        wait_for_lock(owner, AT_WORK)
        owner.execute(statement("sandbox/ledger_clock/end"))


# --- The past --------------------------------------------------------------------------------------------------------

_RUN: Final = time(17, 31)
"""The day's one run: after its evening, so that it makes the apologies."""
_CHECKED, _RECONCILED = time(5, 30), time(6, 10)
_CHECKED_DAILY_FOR: Final = timedelta(days=4)
_LOOKED_AGAIN: Final = timedelta(days=7)
"""The past's last Monday lies within: then what was closed in a month is counted anew, at the sources too."""
_MAILED_FOR: Final = timedelta(days=4)
"""What is older the demo's own run mails no more."""
_IN_MEMORY: Final = Path("/dev/shm")  # noqa: S108 - of a demo
_GATEWAY: Final = "kannel"
_LAST: Final = 3
"""Steps of the past in which no publication is begun: its end waits for the one under way."""
_SAID: Final = 10
"""Days between two reports of how far it is."""


@dataclass(frozen=True, slots=True)
class Extent:
    """How much past there is: days before today, dossiers received each working day, and how many days before today all
    agencies joined."""

    days: int = 92
    per_day: int = 8
    joined: int = 4


class _Sources:
    """The one-stop databases, written as time goes by."""

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
        """When each that will ever hold a step holds its first one."""

    def write_until(self, moment: datetime) -> None:
        """Writes what was recorded by then."""
        for source, writer in self._writers.items():
            rows, steps, register = self._rows[source], self._steps[source], self._register[source]
            # Of a dossier its last row by then is all that a reader would have seen.
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
"""Something of the past that is done at its moment."""


class _Days:
    """The days of the past, one after the other."""

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

    def _begin(self, moment: datetime) -> None:
        self._phones.now = moment
        self._clock.set(moment)

    def first_reading(self, source: str, moment: datetime) -> None:
        """A source is read for the first time. What happened there before is not told of; one that is empty would be
        believed to begin with its own clock, which is now."""
        self._sources.write_until(moment)
        self._begin(moment)
        pick_up(source, now=moment)
        self._read.add(source)

    def run(self, moment: datetime) -> None:
        """A run of notify_transitions, and of apologize_due_tomorrow where its evening has come."""
        self._sources.write_until(moment)
        self._begin(moment)
        self._bring_receipts(moment)
        for name in sorted(self._read):
            pick_up(name, now=moment)
        plan(now=moment)
        if moment < apology_rules().evening_of(self._now.astimezone(VIETNAM).date()):
            # Today's evening is the demo's own, and comes when its settings say.
            apologize(now=moment)
        name = f"past {moment.isoformat()}"
        send(name, clock=lambda: moment)
        later = min(moment + timedelta(minutes=2), self._now)
        self._begin(later)
        # Those of the last run too: once the demo lives nobody brings them any more, and the watch would miss them.
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
        """The morning's run of reconcile_daily, on its last Monday with a look at what was closed before; on the
        second of a month, of reconcile_monthly too."""
        self._begin(moment)
        name = f"past {moment.isoformat()}"
        close_days(name, EVERYTHING, EVERYTHING, moment)
        if moment.astimezone(VIETNAM).weekday() == 0 and self._now - moment < _LOOKED_AGAIN:
            look_again(name, EVERYTHING, moment)
        if moment.astimezone(VIETNAM).day == 2:
            close_month(name, EVERYTHING, moment)
        self._publisher.publish(closings_to_publish(), moment)

    def check(self, moment: datetime) -> None:
        """A run of check_quality; sources are read at night too, so that none was unread for hours."""
        self._begin(moment)
        for name in sorted(self._read):
            pick_up(name, now=moment)
        with _configured(self._read):
            check_quality(f"past {moment.isoformat()}", moment)

    def hear_citizens(self, moment: datetime) -> None:
        """Some ask 9029 about a result that they were told of, or about something; now and then one complains."""
        self._begin(moment)
        with connect() as ledger:
            told = ledger.execute(statement("sandbox/ledger/told_lately"), {"now": moment}).fetchall()
        for row in told:
            if row["dossier_id"] in self._asked or self._random.random() > 0.15:
                continue
            self._asked.add(row["dossier_id"])
            self._ask(str(row["msisdn"]), f"MCKH {row['dossier_code']}", moment)
            if self._random.random() < 0.3:
                at = f"{moment.astimezone(VIETNAM):%d/%m/%Y %H:%M}"
                entry = Entry(row["agency_code"], row["dossier_code"], at, "", titles()["claim"]["no_result_yet"], "")
                with connect() as ledger:
                    record_complaint(ledger, entry, f"past {row['dossier_id']}", "can.bo.tiep.dan", moment)
        self._ask(international(mobile(self._random)), self._random.choice(("MCKH", "MCKH 123456")), moment)

    def _ask(self, phone: str, text: str, moment: datetime) -> None:
        reading = InquiryReading(phone, text, f"{phone} {moment.isoformat()}", moment)
        reply = answer(self._callbacks, _GATEWAY, reading, moment)
        self._callbacks.commit()
        self._phones.ask(f"0{phone.removeprefix('+84')}", text, reply.text, accented=reply.accented, sent_at=moment)

    def take_statement(self, network: Path, moment: datetime) -> None:
        """The carrier's statement of the month before comes."""
        month = Period.month_before(moment).first
        self._begin(moment)
        with TemporaryDirectory(prefix="motcua-statement-") as folder:
            path = Path(folder) / f"bang-ke-{month:%Y-%m}.xlsx"
            sent, asked = write_statement(network, path, month, moment)
            if sent + asked:
                take_statement(path.read_bytes(), path.name, _GATEWAY, "nha-mang", moment)


@contextmanager
def _configured(names: set[str]) -> Iterator[None]:
    """These sources alone: those that join with the demo's own start were none yet, and not unread."""
    before = os.environ.get("MOTCUA_SOURCES", "")
    os.environ["MOTCUA_SOURCES"] = ",".join(each for each in before.split(",") if each.partition("=")[0] in names)
    settings.cache_clear()
    try:
        yield
    finally:
        os.environ["MOTCUA_SOURCES"] = before
        settings.cache_clear()


def _at(day: datetime, hour: time) -> datetime:
    return datetime.combine(day.astimezone(ZONE).date(), hour, ZONE)


def _midnight(now: datetime, days_before: int) -> datetime:
    return datetime.combine(now.astimezone(ZONE).date() - timedelta(days=days_before), time(0), ZONE)


def _works(day: datetime) -> bool:
    return in_office_hours(_at(day, time(10)))


def _schedule(
    days: _Days, sources: _Sources, now: datetime, extent: Extent, join: _Step, take_statement: _Step
) -> list[tuple[datetime, _Step]]:
    """What is done when, in order."""
    begins, joined, today = _midnight(now, extent.days), _midnight(now, extent.joined), _midnight(now, 0)
    work: list[tuple[datetime, _Step]] = [(joined, join)]
    from_the_first = {agency.source for agency in pilot().agencies if agency.past}
    for source, first in sources.first.items():
        since = begins if source in from_the_first else joined
        work.append((max(first, since), partial(days.first_reading, source)))
    checked = set[int]()
    for number in range(extent.days + 1):
        day = begins + timedelta(days=number)
        # Yesterday is left to the demo's own first run.
        if begins < day < today:
            work.append((_at(day, _RECONCILED), days.reconcile))
            if day.day == 3:
                work.append((_at(day, time(9)), take_statement))
            if _works(day) and (now - day < _CHECKED_DAILY_FOR or day.isocalendar().week not in checked):
                # The trend has one figure a week: a check costs as much as three days' runs.
                checked.add(day.isocalendar().week)
                work.append((_at(day, _CHECKED), days.check))
        if day.weekday() == 2:
            work.append((_at(day, time(14)), days.hear_citizens))
        # Where nobody works and nothing is due on the morrow, nothing would be done.
        if _works(day) or _works(day + timedelta(days=1)):
            work.append((_at(day, _RUN), days.run))
    done = [each for each in work if each[0] < now - timedelta(minutes=3)]
    return [*sorted(done, key=lambda each: each[0]), (now, days.run)]


def _import_first_agencies(agencies: Path, begins: datetime) -> None:
    """All agencies, of which only the first are enabled."""
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
    """Gives an empty ledger its past, and its agencies with it; the world begins after it. The phone network and the
    mailbox, whose folders lie in the data folder, do not run meanwhile.

    Args:
        world: not awake yet.
        owner: of the ledger's schema, in autocommit mode.
        agencies: their file.
        say: told of progress, a line at a time.
        now: the past ends then.
        seed: makes chance repeatable.
        extent: how much there is.
        prepare: told when the past begins; does what else has to be done before.
        played: told when others may work on the ledger. Until everything is published none of them closes a period: who
            closes publishes what is not, and would do it as of today.
        rest: how long nothing is published then, so that those who begin have the cores.
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

            told = begins
            steps = _schedule(days, sources, now, extent, join, partial(days.take_statement, network))
            for left, (moment, do) in zip(reversed(range(len(steps))), steps, strict=True):
                if left < _LAST:
                    publisher.pause()
                if moment - told > timedelta(days=_SAID):
                    told = moment
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
    """Publishes in a process beside this one, one closing after the other; what is recent is mailed, to the mailbox.

    It gives way: who plays decides how long the past takes, and who starts the demo waits for that alone.
    """

    def __init__(self, now: datetime) -> None:
        self._now = now
        spawn = get_context("spawn")
        self._goes_on = spawn.Event()
        self._goes_on.set()
        self._process = ProcessPoolExecutor(1, spawn, initializer=_begin_to_publish, initargs=(self._goes_on,))
        self._begun: dict[int, Future[None]] = {}
        self._mailed: list[Future[None]] = []

    def publish(self, closings: Sequence[int], moment: datetime) -> None:
        """Has those published that were not given before, and the letters of the morning mailed; one that failed
        meanwhile is told of.

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
        """Begins no other publication until it is to finish."""
        self._goes_on.clear()

    def finish(self) -> None:
        """Goes on, and waits for all of them.

        Raises:
            Exception: whatever the other process raised.
        """
        self._goes_on.set()
        for begun in (*self._begun.values(), *self._mailed):
            begun.result()

    def close(self) -> None:
        """Ends the process."""
        self._goes_on.set()
        self._process.shutdown(cancel_futures=True)


_of_the_process = ExitStack()
_goes_on: Event


def _begin_to_publish(goes_on: Event) -> None:
    """In the publishing process: what it mails lies in the mailbox's folder, whatever mail server the demo has."""
    global _goes_on
    _goes_on = goes_on
    os.nice(19)
    _of_the_process.enter_context(kept_connections())
    # On its way a report's workbooks are hundreds of small files: half of the time where they lie on a disk.
    if _IN_MEMORY.is_dir():
        tempfile.tempdir = str(_IN_MEMORY)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    logging.getLogger("mail.log").setLevel(logging.WARNING)  # aiosmtpd tells each line of each session
    folder = settings().data / "mailbox"
    folder.mkdir(parents=True, exist_ok=True)
    Controller(Postbox(folder), hostname="127.0.0.1", port=port, ready_timeout=60).start()
    # The process is ours alone, and ends with the past.
    os.environ["AIRFLOW_CONN_SMTP_DEFAULT"] = mailbox_connection(port)


def _publish(closing_no: int, moment: datetime) -> None:
    _goes_on.wait()
    with connect() as at_work:
        wait_for_lock(at_work, AT_WORK)
        publish(closing_no, moment)


def _mail(since: datetime, moment: datetime) -> None:
    _goes_on.wait()
    with connect() as at_work:
        wait_for_lock(at_work, AT_WORK)
        for letter in letters_owed(since, moment):
            mail_publications(letter["publications"], letter["body"], letter["runs"])
