"""Simulate the generated province on a real ledger: push its dossiers to a real intake app, or show them in a source's
views.

The real jobs pick up, plan, send, plan the evening's apologies and close periods. If data is pushed, the intake app
also runs, under uvicorn in a process of its own. The province has its own time, which the ledger's functions read from
a table.
"""

from __future__ import annotations

import contextlib
import os
import random
import sys
import threading
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias

import psycopg
from psycopg.rows import dict_row

from motcua.domain.periods import Period
from motcua.jobs.notices.apologizing import apologize
from motcua.jobs.notices.picking_up import pick_up
from motcua.jobs.notices.planning import plan
from motcua.jobs.notices.sending.sender import send
from motcua.jobs.reconciliation.closing import close_period
from motcua.sandbox.machine.parts import Part, answers_http
from motcua.store.agencies import save_agencies
from motcua.store.intake.clients import Password, register_client
from tests.ground import Desks, agency, free_port, in_ledger, one_stops, quiet_logs
from tests.prove.worlds.ledgers import LEDGER_CLOCK
from tests.prove.worlds.pushing.client import Call, Software
from tests.prove.worlds.pushing.lives import DAY, MINUTE, OFFICES, Event, Life, Office, Province, Run, events_of
from tests.prove.worlds.pushing.oracle import latest

Way: TypeAlias = Literal["read", "pushed", "last action"]
SOURCES: Final = sorted({office.source for office in OFFICES})
PASSWORD: Final = "a-word-that-is-as-random-as-a-key"
_STARTS_WITHIN: Final = 60.0
_TICKS: Final = """
CREATE SEQUENCE prove.ticks;
CREATE FUNCTION prove.tick() RETURNS timestamptz LANGUAGE sql VOLATILE SECURITY DEFINER
RETURN (SELECT moment + nextval('prove.ticks') * interval '100 microseconds' FROM prove.clock);
"""
_FUNCTIONS: Final = """
SELECT pg_get_functiondef(p.oid) AS definition FROM pg_proc AS p
WHERE p.pronamespace = 'intake'::regnamespace AND p.prosrc LIKE '%clock_timestamp()%'
"""


class IntakeServer(Part):
    """The intake app in a process of its own, as it is deployed beside Airflow."""

    def __init__(self, log: Path) -> None:
        self.port = free_port()
        command = [sys.executable, "-m", "uvicorn", "motcua.web.intake:standalone"]
        command += ["--http", "motcua.web.protocol:HeadersInTime", "--port", str(self.port), "--no-proxy-headers"]
        health = f"http://127.0.0.1:{self.port}/intake/health"
        super().__init__(
            "intake", [*command, "--log-level", "warning"], log, ready=lambda: answers_http(health),
            ready_within=_STARTS_WITHIN,
        )  # fmt: skip
        self._guard = threading.Lock()
        self.start()

    def restart(self) -> None:
        with self._guard:
            self.kill()
            self.start()

    def memory(self) -> int:
        with open(f"/proc/{self.pid}/statm") as statm:
            return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


@dataclass
class Outcome:
    network: list[dict[str, str]]
    """The log of the simulated phone network."""
    closings: dict[str, list[Any]]
    """Stored figures of each closed period, without closing numbers."""
    identity: dict[str, tuple[int, int]]
    """Closed period → (difference of the accounting identity, number of differences without a reason)."""
    rows: dict[tuple[str, str], tuple[Any, ...]]
    """(agency, code) → the dossier's row in the ledger at the end."""
    quarantined: int
    made: Counter[str] = field(default_factory=Counter)
    """Number of the clients' calls and faults, by name."""


_CLOSINGS: Final = {
    "dossiers": "SELECT * FROM motcua.closing_dossiers WHERE closing_no = %s ORDER BY agency_code, procedure_code",
    "messages": "SELECT * FROM motcua.closing_messages WHERE closing_no = %s"
    " ORDER BY agency_code, procedure_code, kind",
    "agencies": "SELECT * FROM motcua.closing_agencies WHERE closing_no = %s ORDER BY agency_code",
}
_ROWS: Final = """
SELECT
    agency_code, dossier_code, procedure_code, applicant_name, msisdn, phone_refusal, submitted_via, received_at,
    due_at, status_code, at_one_stop_desk, step_name, finished_at, returned_at
FROM motcua.dossiers
"""


class Played:
    def __init__(self, province: Province, way: Way, ledger_dsn: str, desks: Desks, folder: str) -> None:
        self.province, self.way, self.folder = province, way, folder
        self.random = random.Random(f"{way} {len(province.lives)}")
        self.ledger = psycopg.connect(ledger_dsn, autocommit=True, row_factory=dict_row)
        self.desks = desks
        self.clients: dict[str, Software] = {}
        self.server: IntakeServer | None = None
        self.now = province.runs[0].at - DAY
        self._yesterday: dict[str, list[Call]] = {}
        self.outcome = Outcome([], {}, {}, {}, 0)
        self._configure()

    def _configure(self) -> None:
        self.ledger.execute(LEDGER_CLOCK + _TICKS)
        for row in self.ledger.execute(_FUNCTIONS).fetchall():
            self.ledger.execute(row["definition"].replace("clock_timestamp()", "prove.tick()").encode())
        self.set_clock(self.now)
        agencies = [
            agency(office.code, name=f"Sở số {number}", enabled_from=self.now)
            for number, office in enumerate(OFFICES, 1)
        ]
        in_ledger(save_agencies, agencies, "proof")
        if self.way != "read":
            self._make_clients()

    def _make_clients(self) -> None:
        self.server = IntakeServer(Path(self.folder) / "intake.log")
        offices: dict[str, list[Office]] = defaultdict(list)
        for office in OFFICES:
            offices[office.client].append(office)
        for name, own in offices.items():
            # OpenCPS uses the protocol's variant ("shape") A at every agency.
            shape = own[0].shape if self.way == "pushed" else "A"
            in_ledger(
                register_client, name, own[0].source, Password.of(PASSWORD), [office.code for office in own],
                ["127.0.0.0/8"] if shape == "B" else [], supplements_at_desk=False, by="proof", now=self.now,
            )  # fmt: skip
            self.clients[name] = Software(
                self.server.port, name, PASSWORD, shape, random.Random(f"{name} {self.random.random()}"),
                0.3 if self.way == "pushed" else 0.0, self.server.restart,
            )  # fmt: skip

    def set_clock(self, moment: datetime) -> None:
        """Set the ledger's clock to a moment; each push then reads a slightly later time than the push before it."""
        if moment != self.now:
            self.ledger.execute("SELECT setval('prove.ticks', 1)")
        self.now = moment
        self.ledger.execute("UPDATE prove.clock SET moment = %s", (moment,))

    def close(self) -> None:
        if self.server is not None:
            self.server.stop()
        self.ledger.close()

    # --- playing the days

    def play(self, slots: Sequence[int]) -> Outcome:
        """Simulate the whole province and return the outcome; ``slots``: numbers of the runs before which last actions
        are pushed."""
        for run in self.province.runs:
            happened = events_of(self.province.lives, run.number)
            if self.way == "read":
                self._write_views(happened)
            elif self.way == "pushed":
                self._push(happened, run)
            elif run.number in slots:
                self._push_last_actions(max([-1, *(slot for slot in slots if slot < run.number)]), run)
            # Do not run the jobs before the first push: for a source without rows, a pick-up sets the cursor (the
            # newest time read) to the time of the database's own clock, which is years later.
            if self.way != "last action" or run.number >= slots[0]:
                self._run_jobs(run)
        self._close_days()
        self._read_outcome()
        return self.outcome

    def _write_views(self, happened: Sequence[tuple[Life, Event]]) -> None:
        for life, event in happened:
            row, view = event.row, self.desks[life.office.source]
            view.dossier(
                life.code, life.office.code, procedure_code=row.procedure, procedure_name=f"Thủ tục {row.procedure}",
                field_name=None, applicant_name=row.name, applicant_phone=row.phone, phone_entered_at=row.received_at,
                submitted_via=row.via, received_at=row.received_at, due_at=row.due_at, step_name=row.step_name,
                status_code=row.status, at_one_stop_desk=row.at_desk, finished_at=row.finished_at,
                returned_at=row.returned_at, updated_at=event.at,
            )  # fmt: skip
            if event.occurred_at is not None:
                view.move(
                    event.status, life.code, life.office.code, desk=event.at_desk, at=event.occurred_at,
                    recorded_at=event.at, to_step=row.step_name,
                )  # fmt: skip

    def _push(self, happened: Sequence[tuple[Life, Event]], run: Run) -> None:
        """Let each client push the events of its agencies.

        A client pushes one event after the other; or it pushes all events in a few calls, with either the last state or
        all states of each dossier.
        """
        by_client: dict[str, list[tuple[Life, Event]]] = defaultdict(list)
        for life, event in happened:
            by_client[life.office.client].append((life, event))
        threads: list[tuple[Software, list[Call]]] = []
        for name, own in by_client.items():
            client = self.clients[name]
            how = self.random.choice(("each", "batch", "every state"))
            self.outcome.made[f"slots pushed as {how}"] += 1
            if how == "each":
                for life, event in own:
                    self.set_clock(max(self.now, event.at))
                    self._deliver(client, self._calls(client, [(life, event)], every_state=True))
            else:
                threads.append((client, self._calls(client, own, every_state=how == "every state")))
        self.set_clock(max(self.now, run.at - 6 * MINUTE))
        # Clients that push all their events at once push at the same time.
        with ThreadPoolExecutor(max(1, len(threads))) as clients:
            list(clients.map(lambda each: self._deliver(*each), threads))
        if run.at.hour >= 20:
            self._send_day_again(run)

    @staticmethod
    def _deliver(client: Software, calls: Sequence[Call]) -> None:
        for call in calls:
            client.send(call)

    def _calls(self, client: Software, happened: Sequence[tuple[Life, Event]], *, every_state: bool) -> list[Call]:
        """Return calls with the dossiers and their steps; the order of the calls and of the steps is random."""
        calls = []
        by_office: dict[str, list[tuple[Life, Event]]] = defaultdict(list)
        for life, event in happened:
            by_office[life.office.code].append((life, event))
        for own in by_office.values():
            office = own[0][0].office
            states = own if every_state else list({life.code: (life, event) for life, event in own}.values())
            dossiers = [client.dossier(life, event.row) for life, event in states]
            if not every_state:
                self.random.shuffle(dossiers)
            steps = [client.step(life, event) for life, event in own if event.occurred_at is not None]
            self.random.shuffle(steps)
            # The intake takes the unit's code from the beginning of each dossier's code if all codes begin with it, and
            # otherwise from the call.
            by_prefix = client.shape == "A" and all(life.code.startswith(office.code) for life, _ in own)
            pair = [Call("dossiers", office, dossiers, names_unit=not by_prefix)]
            if steps:
                pair.append(Call("steps", office, steps, names_unit=not by_prefix))
            if self.random.random() < 0.4 and client.shape != "C":
                pair.reverse()
            calls += pair
        return calls

    def _send_day_again(self, run: Run) -> None:
        """Let each client send this day's records, and some records of the day before, once more.

        The records are grouped and ordered differently than the first time.
        """
        offices = {office.code: office for office in OFFICES}
        for client in self.clients.values():
            # Repeat no calls older than yesterday's: after two days the intake does not recognize a repeated record.
            calls = [
                *client.log,
                *(call for call in self._yesterday.pop(client.name, []) if self.random.random() < 0.3),
            ]
            self._yesterday[client.name], client.log = client.log, []
            self.random.shuffle(calls)
            together: dict[tuple[str, str, bool], list[Mapping[str, Any]]] = defaultdict(list)
            for call in calls:
                if self.random.random() < 0.5:
                    client.send(call, again=True)
                else:
                    together[call.kind, call.office.code, call.names_unit] += call.records
            for (kind, code, names_unit), records in together.items():
                self.random.shuffle(records)
                rest: Any = (kind, offices[code], records, names_unit)
                client.send(Call(*rest), again=True)
            client.made["calls sent again at night"] += len(calls)
        if run.at.weekday() == 4:
            self._yesterday.clear()

    def _push_last_actions(self, before: int, run: Run) -> None:
        """Push as OpenCPS does: ask for each dossier, then send its present state and only its last action."""
        self.set_clock(max(self.now, run.at - 6 * MINUTE))
        for life in self.province.lives:
            since = [event for event in life.events if before < event.slot <= run.number]
            if not since:
                continue
            client = self.clients[life.office.client]
            is_held = client.is_held(life.code, life.office.code)
            if is_held != any(event.slot <= before for event in life.events):
                self.outcome.made["dossiers for which TraCuuHoSo answers wrongly"] += 1
            client.send(Call("dossiers", life.office, [client.dossier(life, since[-1].row)]))
            last = latest([event for event in life.events if event.slot <= run.number])
            client.send(Call("steps", life.office, [client.last_action(life, last)]))

    def _run_jobs(self, run: Run) -> None:
        self.set_clock(run.at)
        for source in SOURCES:
            pick_up(source, now=run.at)
        if run.is_evening:
            apologize(now=run.at)
        plan(now=run.at)
        send(f"run {run.at.isoformat()}", clock=lambda: run.at)

    # --- reading the outcome

    def _close_days(self) -> None:
        """Close each day and each finished month, on the morning after the last day."""
        now = self.province.runs[-1].at + timedelta(hours=10)
        self.set_clock(now)
        months = {f"{day:%Y-%m}" for day in self.province.days} - {f"{now:%Y-%m}"}
        for name in [*(day.isoformat() for day in self.province.days), *sorted(months)]:
            number = close_period(Period.parse(name), f"proof {name}", now).closing.closing_no
            (row,) = self.ledger.execute(
                "SELECT difference, unexplained FROM motcua.closings WHERE closing_no = %s", (number,)
            ).fetchall()
            self.outcome.identity[name] = row["difference"], row["unexplained"]
            self.outcome.closings[name] = [
                (table, tuple((column, value) for column, value in row.items() if column != "closing_no"))
                for table, statement in _CLOSINGS.items()
                for row in self.ledger.execute(statement.encode(), (number,)).fetchall()
            ]

    def _read_outcome(self) -> None:
        self.outcome.network = [dict(asked) for asked in self.desks.gateway.asked]
        for row in self.ledger.execute(_ROWS.encode()).fetchall():
            values = tuple(row.values())
            self.outcome.rows[values[0], values[1]] = values[2:]
        (row,) = self.ledger.execute("SELECT count(*) AS n FROM motcua.quarantine WHERE released_at IS NULL").fetchall()
        self.outcome.quarantined = row["n"]
        for client in self.clients.values():
            self.outcome.made += client.made


def play(
    province: Province, way: Way, admin_dsn: str, ledger_dsn: str, folder: str, slots: Sequence[int] = ()
) -> Outcome:
    """Simulate a province on the migrated, empty ledger of the connection ``motcua_db``, and return the outcome.

    ``slots`` are the numbers of the runs before which OpenCPS pushes.
    """
    adapters = {} if way == "read" else dict.fromkeys(SOURCES, "national_sync")
    given = {"MOTCUA_FIRST_LOOK_BACK": "P9999D", "MOTCUA_INTAKE_CALLS": "1000000"}
    with quiet_logs(), one_stops(admin_dsn, SOURCES, adapters=adapters, **given) as desks:
        played = Played(province, way, ledger_dsn, desks, folder)
        with contextlib.closing(played):
            return played.play(slots)
