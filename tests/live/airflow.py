"""Run a real Airflow with the project's DAGs, a simulated phone network, and a one-stop database that a test fills.

``python -m tests.live.airflow FOLDER`` starts what the demo starts, except the simulated desks, on free ports and with
its files below FOLDER. It ends when its parent process does. :func:`live_airflow` runs this command as a child process
of the test, because the command's supervisor kills all descendants of its own process.

Tests compare the ledger with the phone network's own log. The network commits each message to its log before it answers
the sender.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import psycopg
import requests
from psycopg import sql
from psycopg.rows import dict_row

from motcua.sandbox.demo import AIRFLOW_MIGRATES, prepare, progress, set_up
from motcua.sandbox.machine.components import components, loader
from motcua.sandbox.machine.deployment import ADMINISTRATOR, check_room, write_private
from motcua.sandbox.machine.parts import Process, descendants, log_tail
from motcua.sandbox.machine.supervisor import Restarts, StopRequested, Supervisor, recorded
from motcua.sandbox.network.behaviour import Behaviour, default_behaviour
from tests.ground import ask

ROOT = Path(__file__).parents[2]
NOTIFY = "notify_transitions"
AGENCY = "000.00.30.H32"
MINUTE = timedelta(minutes=1)
_STATE_FILE = "live.json"
_TIMING = json.dumps({"delivery": (2.2, 3.2), "submit_receipt": 2.0})
"""Seconds after a message at which the phone network sends its receipts: at least two.

If a test delays the gateway's answers by a second, attempts stay in flight for that second, because no receipt of
their messages comes before the answer.
"""
_FIRST_NUMBER = 1_000_000
"""First number of ordinary transitions. Lower numbers are for transitions that look as if they were committed late."""


# --- The child process -------------------------------------------------------------------------------------


def serve(folder: Path) -> int:
    """Start all programs, write their addresses to ``live.json``, and run until the parent process is gone."""
    from rich.console import Console

    parent = os.getppid()
    addresses = prepare(folder, free_ports=True)
    check_room(addresses, embedded_postgres=True)
    with suppress(StopRequested), Supervisor(addresses.data, progress(Console(width=200))) as supervisor:
        deployment = set_up(supervisor, addresses, {**os.environ, "MOTCUA_SOURCES": "khanhhoa=contract"})
        supervisor.wait_for(AIRFLOW_MIGRATES)
        gateway = json.loads(deployment.environment["AIRFLOW_CONN_SMS_KANNEL"])
        # Let a sender wait less for an answer than the 20 s that a real Kannel may need, so that tests are quick.
        gateway["extra"]["answer_timeout"] = 3
        gateway["extra"]["concurrency"] = int(os.environ.get("LIVE_CONCURRENCY", gateway["extra"]["concurrency"]))
        environment = {
            **deployment.environment,
            "AIRFLOW_CONN_SMS_KANNEL": json.dumps(gateway),
            # Send only through Kannel, because the simulated faults are those of a Kannel.
            "MOTCUA_GATEWAYS": "kannel",
            # Make the data intervals short, because tests wait for the runs of a backfill.
            "MOTCUA_NOTIFY_EVERY": "PT1M",
            # Pause new DAGs. Otherwise the daily DAGs would start their last missed run in the middle of a test.
            "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "True",
        }
        deployment = replace(deployment, environment=environment)
        # Tests backfill days of the last week, so agencies must be enabled before that week. The DAGs close these days
        # and mail the figures. Mail only one agency, because hundreds of mails would delay the runs under test.
        ask(
            deployment.databases.ledger_owner,
            "UPDATE motcua.agencies SET enabled_from = now() - interval '8 days',"
            " report_recipients = CASE WHEN agency_code = %s THEN report_recipients ELSE '{}' END",
            AGENCY,
        )
        source = deployment.one_stop.sources["khanhhoa"].writer_dsn
        ask(source, f"ALTER TABLE mot_cua.transitions ALTER transition_id RESTART WITH {_FIRST_NUMBER}")
        # Tests kill programs on purpose, so the supervisor restarts each program at once, however often it dies.
        again = Restarts(limit=10_000, first_wait=0.5, longest_wait=0.5)
        supervisor.start(loader(deployment))
        for group in components(deployment):
            if any(each.name == "world" for each in group):
                continue
            supervisor.start(
                *(
                    replace(each, restarts=again, command=[*each.command, "--timing", _TIMING])
                    if each.name == "phone-network"
                    else replace(each, restarts=again)
                    for each in group
                )
            )
        where = {
            "environment": environment,
            "ledger": deployment.databases.ledger_owner,
            "airflow_database": deployment.databases.airflow,
            "source": source,
            "airflow_url": f"http://127.0.0.1:{addresses.airflow}",
            "network_url": f"http://127.0.0.1:{addresses.network}",
            "password": deployment.secret.airflow_admin,
        }
        write_private(addresses.data / _STATE_FILE, json.dumps(where))
        while os.getppid() == parent:
            supervisor.wait(1)
    return 0


# --- The one-stop desk ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Case:
    """A dossier whose transition should cause a message to one phone. No two cases have the same phone number."""

    code: str
    phone: str
    """The number ``0905…``, as the desk types it and the network logs it."""
    recorded_at: datetime


_DOSSIER = """
INSERT INTO mot_cua.dossiers (
    agency_code, dossier_code, procedure_code, procedure_name, field_name, applicant_name, applicant_phone,
    phone_entered_at, submitted_via, received_at, due_at, step_name, status_code, at_one_stop_desk, updated_at
) VALUES (
    %(agency)s, %(code)s, '1.005129', 'Cấp bản sao', 'Hộ tịch', 'Nguyễn Thị Lan', %(phone)s, %(received)s, 'direct',
    %(received)s, %(at)s::timestamptz + interval '10 days', 'Trả kết quả', %(status)s, TRUE, %(stamped)s
)
"""
_TRANSITION = """
INSERT INTO mot_cua.transitions (
    {number} agency_code, dossier_code, from_step, to_step, status_code, at_one_stop_desk, occurred_at, recorded_at,
    actor, note
) VALUES (
    {value} %(agency)s, %(code)s, 'Xử lý', 'Trả kết quả', %(status)s, TRUE, %(at)s, %(at)s, 'can.bo',
    'Gọi bà Nguyễn Thị Lan, ' || %(phone)s
)
"""
_ORDINARY = _TRANSITION.format(number="", value="")
_NUMBERED = _TRANSITION.format(number="transition_id,", value="%(number)s,")


class OneStopDesk:
    """Writes dossiers and transitions as the desk's software would, each case in a transaction of its own.

    Each call opens a new connection. Two threads can thus write at once, and a call succeeds even if the connection of
    the call before was ended.
    """

    def __init__(self, dsn: str, seed: int) -> None:
        self._dsn = dsn
        self._random = random.Random(seed)
        self._phones: set[str] = set()
        self._hidden = 0
        self.cases: list[Case] = []
        """Every recorded case whose message should reach a phone."""

    def _new_phone(self) -> str:
        while True:
            phone = "0905" + "".join(self._random.choices("0123456789", k=6))
            plain = len(set(phone[4:])) > 3 and phone[4:7] != phone[7:]
            if plain and phone not in self._phones and default_behaviour(phone, 0) is Behaviour.DELIVERED:
                self._phones.add(phone)
                return phone

    def move(
        self, count: int = 1, *, at: datetime | None = None, status: int = 9, unseen: bool = False, phone: str = ""
    ) -> list[Case]:
        """Record ``count`` dossiers whose result is ready (status 9) or that lack a paper (status 5), at the desk.

        Args:
            count: how many dossiers.
            at: when the transitions happened and were recorded. The default is now.
            status: national status code.
            unseen: whether the rows look as if they were committed late: the transitions' numbers are below all others,
                and the dossiers' rows were changed two days before ``at``. If ``at`` is hours ago, only a backfill
                reads such rows.
            phone: the phone number of all dossiers. By default each gets a number of its own.

        Raises:
            psycopg.OperationalError: the database refuses connections, or ended the connection of this call.
        """
        made: list[Case] = []
        with psycopg.connect(self._dsn, autocommit=True) as connection:
            for _ in range(count):
                moment = at or datetime.now(UTC)
                case = Case(
                    f"H-{len(self.cases) + len(made):05}-{self._random.randrange(10**6):06}", self._new_phone(), moment
                )
                values: dict[str, Any] = {
                    "agency": AGENCY,
                    "code": case.code,
                    "phone": phone or case.phone,
                    "at": moment,
                    "received": moment - timedelta(days=2),
                    "status": status,
                    # Go back two days, because each reading of the source includes all rows of the last day again.
                    "stamped": moment - timedelta(days=2) if unseen else moment,
                }
                if unseen:
                    self._hidden += 1
                    values["number"] = self._hidden
                with connection.transaction():
                    connection.execute(_DOSSIER, values)
                    connection.execute(_NUMBERED if unseen else _ORDINARY, values)
                made.append(case)
        if not phone:
            self.cases += made
        return made


# --- The harness ------------------------------------------------------------------------------------------


class LiveAirflow:
    """One running Airflow: the desk that its DAGs read, its interfaces, the ledger, and the phone network's log."""

    def __init__(self, folder: Path, seed: int) -> None:
        where: dict[str, Any] = json.loads((folder / _STATE_FILE).read_text(encoding="utf-8"))
        self.folder = folder
        self.environment: Mapping[str, str] = where["environment"]
        self.desk = OneStopDesk(where["source"], seed)
        self.without_receipt: set[str] = set()
        """References of messages whose receipts the network loses because a test ordered this."""
        self._url, self._network = f"{where['airflow_url']}/api/v2", where["network_url"]
        self._ledger = psycopg.connect(where["ledger"], autocommit=True, row_factory=dict_row)
        self._metadata = psycopg.connect(where["airflow_database"], autocommit=True, row_factory=dict_row)
        login = {"username": ADMINISTRATOR, "password": where["password"]}
        answer = requests.post(f"{where['airflow_url']}/auth/token", json=login, timeout=30)
        self._session = requests.Session()
        self._session.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"
        needed = (NOTIFY, "settle_messages")
        self.wait_until("DAGs are read", lambda: set(needed) <= set(self.dags()), 60)
        for dag_id in needed:
            self.pause(False, dag_id)

    def close(self) -> None:
        """Close the connections to the ledger and to Airflow's database."""
        self._ledger.close()
        self._metadata.close()

    # --- Waiting ---------------------------------------------------------------------------------------

    def wait_until(self, what: str, condition: Callable[[], Any], seconds: float) -> Any:
        """Call ``condition`` again and again until its result is true, and return the result.

        Raises:
            TimeoutError: no result was true within ``seconds``. The error's message states what was waited for.
        """
        until = time.monotonic() + seconds
        while True:
            if answer := condition():
                return answer
            if time.monotonic() > until:
                raise TimeoutError(f"waited {seconds:.0f} s in vain for: {what}\n{self._state_for_error()}")
            time.sleep(0.1)

    def _state_for_error(self) -> str:
        runs = [f"{run['run_id']} {run['state']}" for run in self.runs()[-8:]]
        states = Counter(row["state"] for row in self.ledger("SELECT state FROM motcua.messages"))
        tail = log_tail(self.folder / "logs" / "airflow-scheduler.log", 8)
        return "\n".join([f"messages: {dict(states)}", *runs, tail])

    # --- Ledger and phones --------------------------------------------------------------------------------

    def ledger(self, query: str, *parameters: Any) -> list[dict[str, Any]]:
        """Return rows of the ledger."""
        return self._ledger.execute(query, parameters or None).fetchall()

    def states(self, cases: Sequence[Case]) -> Counter[str]:
        """Count the messages of these cases by state. ``missing`` counts cases without a message."""
        rows = self.ledger(
            "SELECT m.state FROM motcua.messages AS m INNER JOIN motcua.dossiers AS d ON m.dossier_id = d.dossier_id"
            " WHERE d.dossier_code = any(%s)",
            [case.code for case in cases],
        )
        counted = Counter(row["state"] for row in rows)
        return counted + Counter(missing=len(cases) - len(rows))

    def picture(self, cases: Sequence[Case]) -> list[tuple[Any, ...]]:
        """Return each message of these cases with its attempts.

        Tests compare two results to show that an action changed nothing.
        """
        rows = self.ledger(
            "SELECT m.message_id, m.state, m.reason, m.attempts_made, m.next_attempt_at, m.changed_at,"
            " (SELECT array_agg(a.state ORDER BY a.attempt_id) FROM motcua.attempts AS a"
            "   WHERE a.message_id = m.message_id) AS attempts"
            " FROM motcua.messages AS m INNER JOIN motcua.dossiers AS d ON m.dossier_id = d.dossier_id"
            " WHERE d.dossier_code = any(%s) ORDER BY m.message_id",
            [case.code for case in cases],
        )
        return [tuple(row.values()) for row in rows]

    def wait_for_states(self, cases: Sequence[Case], state: str, seconds: float = 60) -> None:
        """Wait until the messages of all these cases are in one state."""
        self.wait_until(f"{len(cases)} {state}", lambda: self.states(cases) == Counter({state: len(cases)}), seconds)

    def accepted(self) -> Counter[str]:
        """Count how often the phone network accepted a message for each number."""
        return Counter(message["number"] for message in self.network_log())

    def network_log(self) -> list[dict[str, Any]]:
        """Return all messages that the phone network accepted through ``sendsms``, each with its ``reference``."""
        found: list[dict[str, Any]] = []
        while True:
            after = found[-1]["id"] if found else 0
            parameters = {"after_id": after, "limit": 10_000}
            page = requests.get(f"{self._network}/api/messages", params=parameters, timeout=30).json()["messages"]
            if not page:
                break
            found += page
        sent = [message for message in found if message["kind"] == "sms"]
        for message in sent:
            message["reference"] = parse_qs(urlsplit(message["dlr_url"] or "").query).get("reference", [""])[0]
        return sent

    def at_phones(self, cases: Sequence[Case]) -> Counter[int]:
        """Return, for each number of messages, how many of these cases' phones got that number of messages."""
        accepted = self.accepted()
        return Counter(accepted[case.phone] for case in cases)

    def set_faults(self, **faults: Any) -> None:
        """Set the faults of the gateway from now on. Without arguments the gateway has no faults."""
        requests.put(f"{self._network}/faults", json=faults, timeout=10).raise_for_status()

    # --- Airflow ---------------------------------------------------------------------------------------

    def ask_9029(self, case: Case, text: str) -> str:
        """Send a text to 9029 from a case's phone and return the reply."""
        kannel = json.loads(self.environment["AIRFLOW_CONN_SMS_KANNEL"])
        asked = {"sender": case.phone, "to": "9029", "text": text, "secret": kannel["extra"]["callback_secret"]}
        root = self._url.removesuffix("/api/v2")
        answer = requests.get(f"{root}/gateway/inquiries/kannel", params=asked, timeout=30)
        answer.raise_for_status()
        return answer.text

    def airflow_tables(self) -> Iterator[tuple[str, str, str]]:
        """Yield every value in Airflow's database with its table and column."""
        tables = self.airflow_rows(
            "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
        )
        for table in tables:
            of = sql.Identifier("public", table["relname"])
            for row in self._metadata.execute(sql.SQL("SELECT * FROM {}").format(of)):
                for column, value in row.items():
                    if value is not None:
                        is_raw = isinstance(value, bytes)
                        written = (
                            value.decode("utf-8", "replace")
                            if is_raw
                            else json.dumps(value, ensure_ascii=False, default=str)
                        )
                        yield table["relname"], column, written

    def airflow_rows(self, query: str, *parameters: Any) -> list[dict[str, Any]]:
        """Return rows of Airflow's database."""
        return self._metadata.execute(query, parameters or None).fetchall()

    def dags(self) -> list[str]:
        """Return every DAG that Airflow has read from dags/."""
        rows = self.airflow_rows("SELECT dag_id FROM dag WHERE NOT is_stale ORDER BY dag_id")
        return [row["dag_id"] for row in rows]

    def runs(self, dag_id: str = NOTIFY) -> list[dict[str, Any]]:
        """Return the runs of a DAG in the order in which they were created."""
        return self.airflow_rows(
            "SELECT id, run_id, run_type, state, data_interval_start, data_interval_end, run_after, start_date,"
            " end_date, backfill_id FROM dag_run WHERE dag_id = %s ORDER BY id",
            dag_id,
        )

    def run(self, run_id: str, dag_id: str = NOTIFY) -> dict[str, Any]:
        """Return one run."""
        return next(run for run in self.runs(dag_id) if run["run_id"] == run_id)

    def wait_for_run(self, run_id: str, seconds: float = 60, dag_id: str = NOTIFY) -> str:
        """Wait until a run has ended and return its state."""
        ended = ("success", "failed")
        self.wait_until(f"{run_id} ended", lambda: self.run(run_id, dag_id)["state"] in ended, seconds)
        return str(self.run(run_id, dag_id)["state"])

    def is_idle(self) -> bool:
        """Return whether no run of any DAG is queued or running."""
        return not self.airflow_rows("SELECT 1 FROM dag_run WHERE state IN ('queued', 'running') LIMIT 1")

    def wait_until_idle(self, seconds: float = 90) -> None:
        """Wait until no run of any DAG is queued or running."""
        self.wait_until("no run is under way", self.is_idle, seconds)

    def senders_of(self, cases: Sequence[Case]) -> list[str]:
        """Return the runs that attempted these cases' messages, in the order of the attempts."""
        rows = self.ledger(
            "SELECT a.run_id FROM motcua.attempts AS a INNER JOIN motcua.messages AS m ON a.message_id = m.message_id"
            " INNER JOIN motcua.dossiers AS d ON m.dossier_id = d.dossier_id"
            " WHERE d.dossier_code = any(%s) ORDER BY a.attempt_id",
            [case.code for case in cases],
        )
        return list(dict.fromkeys(row["run_id"] for row in rows))

    def call(self, method: str, path: str, **body: Any) -> dict[str, Any]:
        """Send one request to Airflow's REST interface as its administrator.

        Raises:
            RuntimeError: the request was refused. The message holds Airflow's answer.
        """
        answer = self._session.request(method, f"{self._url}/{path}", json=body or None, timeout=60)
        if not answer.ok:
            raise RuntimeError(f"{method} {path}: {answer.status_code} {answer.text[:400]}")
        return dict(answer.json() or {}) if answer.content else {}

    def command(self, *arguments: str, seconds: float = 120) -> str:
        """Run an ``airflow`` command in the environment of the components and return its output.

        Raises:
            RuntimeError: the command failed. The message holds the end of its output.
        """
        answer = subprocess.run(
            [sys.executable, "-m", "airflow", *arguments],
            env=dict(self.environment),
            cwd="/",
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )
        if answer.returncode != 0:
            raise RuntimeError(f"airflow {' '.join(arguments)}: {(answer.stdout + answer.stderr)[-600:]}")
        return answer.stdout

    def trigger(self, dag_id: str = NOTIFY, **conf: Any) -> str:
        """Start a run by hand, without a logical date, and return its id."""
        body: dict[str, Any] = {"logical_date": None, "conf": conf}
        return str(self.call("POST", f"dags/{dag_id}/dagRuns", **body)["dag_run_id"])

    def clear(self, run_id: str, task_id: str = "") -> None:
        """Clear (start again) a whole run, or one of its tasks with the tasks after it."""
        body: dict[str, Any] = {
            "dry_run": False,
            "dag_run_id": run_id,
            "only_failed": False,
            "include_downstream": True,
        }
        if task_id:
            body["task_ids"] = [task_id]
        self.call("POST", f"dags/{NOTIFY}/clearTaskInstances", **body)

    def mark_success(self, run_id: str, task_id: str = "") -> None:
        """Mark a run, or one of its tasks, as successful."""
        path = f"dags/{NOTIFY}/dagRuns/{quote(run_id, safe='')}"
        if task_id:
            self.call("PATCH", f"{path}/taskInstances/{task_id}", new_state="success")
        else:
            self.call("PATCH", path, state="success")

    def pause(self, paused: bool = True, dag_id: str = NOTIFY) -> None:
        """Pause a DAG, or unpause it."""
        self.call("PATCH", f"dags/{dag_id}", is_paused=paused)

    def backfill(
        self,
        first: datetime,
        last: datetime,
        behavior: str,
        *,
        conf: Mapping[str, Any] | None = None,
        by_command: bool = True,
        seconds: float = 180,
    ) -> list[dict[str, Any]]:
        """Backfill the data intervals that end in [first, last], wait for the runs, and return them.

        Airflow itself closes ended backfills only every 30 s, and refuses another backfill until then. Therefore this
        method cancels the backfill as soon as its runs have ended.

        Raises:
            RuntimeError: Airflow refused the backfill.
        """
        before = {row["id"] for row in self.airflow_rows("SELECT id FROM backfill")}
        if by_command:
            options = ["--dag-id", NOTIFY, "--from-date", _as_typed(first), "--to-date", _as_typed(last)]
            options += ["--reprocess-behavior", behavior]
            options += ["--dag-run-conf", json.dumps(conf)] if conf is not None else []
            self.command("backfill", "create", *options, seconds=seconds)
        else:
            body = {"dag_id": NOTIFY, "from_date": _as_typed(first), "to_date": _as_typed(last)}
            self.call("POST", "backfills", **body, reprocess_behavior=behavior, dag_run_conf=conf)
        (number,) = {row["id"] for row in self.airflow_rows("SELECT id FROM backfill")} - before

        def runs() -> list[dict[str, Any]]:
            return [run for run in self.runs() if run["backfill_id"] == number]

        ended = ("success", "failed")
        self.wait_until("the backfill's runs ended", lambda: all(run["state"] in ended for run in runs()), seconds)
        with suppress(RuntimeError):  # Airflow may have closed the backfill already.
            self.call("PUT", f"backfills/{number}/cancel")
        return runs()

    def write_green_runs(self, first: datetime, last: datetime, *, without: Sequence[datetime]) -> int:
        """Write a successful scheduled run for each minute in [first, last] that has none, and return how many.

        An Airflow that has run for some time has such runs. ``without``: scheduled times that stay without a run.
        """
        model = next(run for run in self.runs() if run["run_type"] == "scheduled" and run["state"] == "success")
        columns = [
            row["column_name"]
            for row in self.airflow_rows(
                "SELECT column_name FROM information_schema.columns"
                " WHERE table_schema = 'public' AND table_name = 'dag_run'"
            )
        ]
        dates = {
            "logical_date": "m.fires - interval '1 minute'",
            "data_interval_start": "m.fires - interval '1 minute'",
            "data_interval_end": "m.fires",
            "run_after": "m.fires",
            "queued_at": "m.fires",
            "start_date": "m.fires",
            "end_date": "m.fires + interval '2 seconds'",
            "run_id": "'scheduled__' || to_char(m.fires AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"+00:00\"')",
        }
        copied = [name for name in columns if name != "id"]
        statement = (
            f"INSERT INTO dag_run ({', '.join(copied)})"
            f" SELECT {', '.join(dates.get(name, 'd.' + name) for name in copied)}"
            " FROM dag_run AS d, generate_series(%s::timestamptz, %s, interval '1 minute') AS m (fires)"
            " WHERE d.id = %s AND NOT m.fires = any(%s) AND NOT EXISTS (SELECT 1 FROM dag_run AS o"
            "  WHERE o.dag_id = d.dag_id AND o.logical_date = m.fires - interval '1 minute')"
        )
        return self._metadata.execute(statement, (first, last, model["id"], list(without))).rowcount

    # --- Processes --------------------------------------------------------------------------------------

    def pid_of(self, component: str) -> int | None:
        """Return the process id of a component, or ``None`` if the component is not running."""
        return recorded(self.folder).get(component)

    def task_processes(self, task_id: str = "send", below: int | None = None) -> list[tuple[Process, Process | None]]:
        """Return the processes that run this task now, each with the executor's worker process that started it.

        Only descendants of the process ``below`` are returned, by default those of the scheduler.
        """
        scheduler = self.pid_of("airflow-scheduler") if below is None else below
        if scheduler is None:
            return []
        running = {
            str(row["id"])
            for row in self.airflow_rows(
                "SELECT id FROM task_instance WHERE dag_id = %s AND task_id = %s AND state = 'running'", NOTIFY, task_id
            )
        }
        workers: dict[str, Process] = {}
        tasks: dict[str, Process] = {}
        for process in descendants(scheduler):
            identity = process.title.rpartition(" ")[2]
            if identity in running:
                (workers if "LocalExecutor" in process.title else tasks)[identity] = process
        return [(process, workers.get(identity)) for identity, process in tasks.items()]

    def in_flight(self) -> int:
        """Return the number of attempts that are in flight in the ledger."""
        (row,) = self.ledger("SELECT count(*) AS number FROM motcua.attempts WHERE state = 'in_flight'")
        return int(row["number"])


def _as_typed(moment: datetime) -> str:
    """Return a moment as an operator types it, with an offset. Airflow reads a date without an offset as UTC."""
    return moment.astimezone().astimezone(_VIETNAM).isoformat(timespec="seconds")


_VIETNAM = datetime.fromisoformat("2026-01-01T00:00+07:00").tzinfo


@contextmanager
def live_airflow(folder: Path, variables: Mapping[str, str], *, seed: int = 1) -> Iterator[LiveAirflow]:
    """Run Airflow and all other programs during the block, with their files below ``folder``, which must be new.

    ``variables``: further environment variables of every program, ``MOTCUA_…`` or ``AIRFLOW__…``.

    Raises:
        RuntimeError: Airflow did not start. The error's message has the end of the output.
    """
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("MOTCUA_", "AIRFLOW"))}
    # Let runs start and end soon, because tests wait for the start and the end of dozens of runs. Parse DAG files
    # often, because the watchers of an unpaused DAG (triggers that query the sources) start only after the next parse.
    # Without watchers, a run would wait for minutes for unread rows.
    variables = {
        "MOTCUA_LINGER_QUIET": "3",
        "AIRFLOW__SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME": "0.1",
        "AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "5",
        "AIRFLOW__DAG_PROCESSOR__REFRESH_INTERVAL": "5",
        **variables,
    }
    said = folder / "said"
    folder.mkdir(parents=True, exist_ok=True)
    # If root runs the tests, PostgreSQL runs as another user, who must be able to enter the folder.
    folder.chmod(0o711)
    with said.open("wb") as output:
        child = subprocess.Popen(
            [sys.executable, "-m", "tests.live.airflow", str(folder)],
            cwd=ROOT,
            env={**inherited, "PYTHONUNBUFFERED": "1", **variables},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        until = time.monotonic() + 300
        while not (folder / _STATE_FILE).exists():
            if child.poll() is not None or time.monotonic() > until:
                raise RuntimeError(f"Airflow did not come up:\n{log_tail(said, 30)}")
            time.sleep(0.1)
        live = LiveAirflow(folder, seed)
        try:
            yield live
        finally:
            live.close()
    finally:
        if child.poll() is None:
            child.send_signal(signal.SIGTERM)
            # A second signal makes the supervisor kill all programs at once. None of them needs a clean stop.
            time.sleep(0.5)
            child.send_signal(signal.SIGTERM)
        child.wait(60)


if __name__ == "__main__":
    sys.exit(serve(Path(sys.argv[1])))
