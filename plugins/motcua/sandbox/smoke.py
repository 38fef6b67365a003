"""Run the whole system without a person: start it, wait for messages, find them in the phone network's log, stop it."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import psycopg
import requests
from rich.console import Console
from rich.table import Table

from motcua.domain.texts import remove_accents
from motcua.sandbox.demo import (
    guarded,
    make_console,
    prepare,
    progress,
    read_settings,
    start_everything,
)
from motcua.sandbox.machine.deployment import ADMINISTRATOR, CannotRun, Deployment
from motcua.sandbox.machine.parts import log_tail
from motcua.sandbox.machine.supervisor import StopRequested, Supervisor
from motcua.sandbox.summary import Summary, identity_line, read_summary
from motcua.sandbox.vendor.joining import exporting, pushing
from motcua.store.ledger.queries import statement

KINDS = ("result", "supplement", "reply")
"""The kinds of messages that must reach phones."""

REACHED = {"result": "delivered", "supplement": "delivered", "reply": "accepted"}
"""The state that proves that a message of a kind reached a phone. A reply is the answer to the gateway's own request
and has no receipt."""

ENOUGH = 3
"""How many messages of each kind must reach phones at least."""

DEADLINE = 300.0
"""Longest wait in seconds, once all components run, for enough messages on phones and for a run that succeeds."""

_TAKEN = frozenset({"accepted", "delivered", "undelivered"})
"""The states of an attempt that the gateway accepted."""

QUICK_WORLD = ("--rate", "5", "--hostile")
"""Arguments of the simulated one-stop software: fast, and with difficult data."""

QUICK_CLERK = ("--every", "5", "--first", "60")
"""Arguments of the simulated clerk who exports files: fast, and so many dossiers that some soon have a result."""


@dataclass(frozen=True, slots=True)
class Check:
    """One condition that must hold, and what was found."""

    name: str
    good: bool
    seen: str


@dataclass(frozen=True, slots=True)
class Evidence:
    """The phone network's log, and the attempts in the ledger before and after the log was read.

    The system is running, so the ledger and the log cannot be read at the same instant.
    """

    before: Sequence[dict[str, Any]]
    network: Sequence[dict[str, Any]]
    after: Sequence[dict[str, Any]]


def _network_log(url: str) -> list[dict[str, Any]]:
    """Return everything that the phone network accepted from this system."""
    found: list[dict[str, Any]] = []
    while True:
        after = found[-1]["id"] if found else 0
        page = requests.get(f"{url}/api/messages", params={"after_id": after, "limit": 10_000}, timeout=30).json()[
            "messages"
        ]
        if not page:
            break
        found += page
    return found


def _sent_by_us(log: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the messages of the log that are no replies, each with the reference of its attempt."""
    sent = [message for message in log if message["kind"] == "sms"]
    for message in sent:
        message["reference"] = parse_qs(urlsplit(message["dlr_url"] or "").query).get("reference", [""])[0]
    return sent


def _collect(deployment: Deployment) -> Evidence:
    with deployment.ledger() as connection:
        before = connection.execute(statement("sandbox/ledger/attempts")).fetchall()
        connection.commit()
        network = _sent_by_us(_network_log(deployment.network_url))
        return Evidence(before, network, connection.execute(statement("sandbox/ledger/attempts")).fetchall())


def check_delivery(summary: Summary, kinds: Sequence[str] = KINDS) -> Iterator[Check]:
    """Check that messages of every kind reached phones, and that at least one message was suppressed."""
    for kind in kinds:
        reached = summary.count(kind=kind, state=REACHED[kind])
        yield Check(f"at least {ENOUGH} {kind} messages are {REACHED[kind]}", reached >= ENOUGH, str(reached))
    suppressed = summary.count(state="suppressed")
    yield Check("at least one message is suppressed", suppressed > 0, str(suppressed))


def check_pushed(summary: Summary) -> Iterator[Check]:
    """Check that some dossiers pushed by an agency's software led to messages that reached phones."""
    reached = summary.count(agency_code=pushing().agency.code, state="delivered")
    yield Check("messages about pushed dossiers are delivered", reached > 0, str(reached))


def check_dropped(summary: Summary) -> Iterator[Check]:
    """Check that some dossiers exported as files by an agency's clerk led to messages that reached phones."""
    reached = summary.count(agency_code=exporting().agency.code, state="delivered")
    yield Check("messages about exported dossiers are delivered", reached > 0, str(reached))


def check_identity(summary: Summary) -> Iterator[Check]:
    """Check that each expected message is in one state (the accounting identity) and that every kind occurs."""
    for kind in KINDS:
        expected = sum(row.expected for row in summary.identity if row.kind == kind)
        yield Check(f"at least one {kind} message was expected", expected > 0, str(expected))
    yield Check("the accounting identity holds", summary.difference == 0, identity_line(summary))


def check_network(evidence: Evidence) -> Iterator[Check]:
    """Check that the ledger and the phone network's own log agree."""
    at_network = {message["reference"]: message for message in evidence.network}
    taken = [a for a in evidence.before if a["state"] in _TAKEN]
    missing = [a for a in taken if a["reference"] not in at_network]
    yield Check(
        "messages that the gateway accepted are at the network",
        bool(taken) and not missing,
        f"{len(taken) - len(missing)} of {len(taken)}",
    )

    known = {a["reference"]: a["message_id"] for a in evidence.after}
    strange = [reference for reference in at_network if reference not in known]
    yield Check(
        "messages at the network are in the ledger",
        not strange,
        f"{len(at_network) - len(strange)} of {len(at_network)}",
    )

    last = {a["message_id"]: a for a in evidence.before}.values()
    delivered = [at_network.get(a["reference"]) for a in last if a["message_state"] == "delivered"]
    false = [message for message in delivered if message is None or not message["will_be_received"]]
    yield Check(
        "messages that the ledger calls delivered are at a phone",
        bool(delivered) and not false,
        f"{len(delivered) - len(false)} of {len(delivered)}",
    )

    # A message may be sent again only to another number, after the desk corrected the number.
    times = Counter((known.get(m["reference"], m["reference"]), m["number"]) for m in evidence.network)
    twice = sum(1 for number in times.values() if number > 1)
    yield Check("no message was accepted twice for one phone", not twice, str(twice))


def check_replies(asked: Sequence[dict[str, Any]], log: Sequence[dict[str, Any]]) -> Iterator[Check]:
    """Check that each phone that asked about a dossier got the dossier's step, in the usual words of a reply."""
    replies = {message["number"]: remove_accents(message["text"]) for message in log if message["kind"] == "reply"}
    right = sum(
        any(
            replies.get(dossier["phone"], "").startswith(
                remove_accents(f"Hồ sơ của quý Ông/Bà ({dossier['dossier_code']}) hiện đang ở bước {step},")
            )
            for step in dossier["steps"]
        )
        for dossier in asked
    )
    yield Check(
        "each inquiry to 9029 is answered with the step",
        bool(asked) and right == len(asked),
        f"{right} of {len(asked)}",
    )


class _Airflow:
    """Airflow's REST interface, used as its administrator."""

    def __init__(self, deployment: Deployment) -> None:
        self._url = deployment.airflow_url
        credentials = {"username": ADMINISTRATOR, "password": deployment.secret.airflow_admin}
        answer = requests.post(f"{self._url}/auth/token", json=credentials, timeout=30)
        self._session = requests.Session()
        self._session.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"

    def count(self, path: str, **query: str) -> int:
        """Return the number of entries in a list."""
        answer = self._session.get(f"{self._url}/api/v2/{path}", params=query, timeout=30)
        return int(answer.json()["total_entries"])

    def runs(self, state: str) -> int:
        """Return the number of runs of all DAGs in this state."""
        return self.count("dags/~/dagRuns", state=state)


def check_airflow(airflow: _Airflow) -> Iterator[Check]:
    """Check that Airflow imports every DAG file, and that runs succeed."""
    errors = airflow.count("importErrors")
    yield Check("every DAG file can be imported", errors == 0, f"{errors} errors")
    red, green = airflow.runs("failed"), airflow.runs("success")
    yield Check("DAG runs succeed", red == 0 and green > 0, f"{green} succeeded, {red} failed")


def check_logs(logs: Path, numbers: set[str]) -> Iterator[Check]:
    """Check that no log contains a phone number in the form +84…, 84… or 0…."""
    wanted = {spelling.encode() for n in numbers for spelling in (n.lstrip("+"), "0" + n.removeprefix("+84"))}
    hits: Counter[str] = Counter()
    files = [path for path in logs.rglob("*") if path.is_file()]
    for path in files:
        with path.open("rb") as stream:
            for line in stream:
                if not wanted.isdisjoint(re.findall(rb"\d{9,15}", line)):
                    hits[str(path.relative_to(logs))] += 1
    seen = ", ".join(f"{name}: {lines} lines" for name, lines in hits.most_common(3))
    yield Check(
        "no log holds a phone number",
        bool(wanted) and not hits,
        seen or f"{len(files)} files, {len(numbers)} numbers",
    )


def _ask_about_dossiers(supervisor: Supervisor, deployment: Deployment) -> list[dict[str, Any]]:
    """Send texts to 9029 about dossiers of the ledger, wait for the replies, and return the dossiers."""
    network = deployment.network_url
    with deployment.ledger() as connection:
        asked = connection.execute(statement("sandbox/ledger/dossiers_to_ask_about"), {"limit": ENOUGH + 2}).fetchall()
    for position, dossier in enumerate(asked):
        dossier["phone"] = f"0987650{position:03}"
        handle = requests.post(f"{network}/phones", json={"number": dossier["phone"]}, timeout=10).json()["handle"]
        text = f"mckh_{dossier['dossier_code']}"
        requests.post(f"{network}/phones/{handle}/texts", json={"text": text}, timeout=10).raise_for_status()
    until = time.monotonic() + 30
    while time.monotonic() < until:
        if sum(message["kind"] == "reply" for message in _network_log(network)) >= len(asked):
            break
        supervisor.wait(0.2)
    return asked


def _wait_for_messages(supervisor: Supervisor, deployment: Deployment) -> None:
    """Wait until enough messages reached phones and no begun work is left, or until the deadline."""
    until, spoken = time.monotonic() + DEADLINE, 0.0
    airflow, world_lives = _Airflow(deployment), True
    while time.monotonic() < until:
        with deployment.ledger() as connection:
            summary = read_summary(connection, datetime.now(UTC))
        enough = (*check_delivery(summary, KINDS[:2]), *check_pushed(summary), *check_dropped(summary))
        if world_lives and all(check.good for check in enough):
            # A run continues while new transitions arrive, so the simulated software is stopped.
            for name in ("world", "vendor", "clerk"):
                supervisor.finish(name)
            world_lives = False
        under_way = sum(summary.count(state=state) for state in ("queued", "sending"))
        if not world_lives and not under_way and airflow.runs("success"):
            return
        if time.monotonic() - spoken > 5:
            spoken = time.monotonic()
            awaited = next((check.name for check in enough if not check.good), "the end of begun work")
            supervisor.say(f"{summary.transitions['picked_up']} transitions picked up; waiting for: {awaited}")
        supervisor.wait(0.5)


def _examine(deployment: Deployment, asked: Sequence[dict[str, Any]]) -> tuple[list[Check], set[str]]:
    with deployment.ledger() as connection:
        summary = read_summary(connection, datetime.now(UTC))
        numbers = {row["msisdn"] for row in connection.execute(statement("sandbox/ledger/numbers"))}
    checks = [*check_delivery(summary), *check_pushed(summary), *check_dropped(summary), *check_identity(summary)]
    checks += check_network(_collect(deployment))
    checks += check_replies(asked, _network_log(deployment.network_url))
    return [*checks, *check_airflow(_Airflow(deployment))], numbers


def _show(console: Console, checks: Sequence[Check]) -> None:
    table = Table(title="Smoke test", title_justify="left", box=None, padding=(0, 1))
    table.add_column("")
    table.add_column("check", no_wrap=True)
    table.add_column("seen")
    for check in checks:
        table.add_row("ok" if check.good else "FAILED", check.name, check.seen, style=None if check.good else "red")
    console.print(table)


def _show_logs(console: Console, logs: Path) -> None:
    """Print the ends of the logs and the errors of tasks."""
    for path in sorted(logs.glob("*.log")):
        console.print(f"\n----- {path}", markup=False)
        console.print(log_tail(path, 12), markup=False, highlight=False, soft_wrap=True)
    failures = [
        (path, line.strip())
        for path in sorted((logs / "airflow").rglob("dag_id=*/**/*.log"), key=lambda path: path.stat().st_mtime)
        for line in path.read_text(encoding="utf-8", errors="replace").splitlines()
        if '"level":"error"' in line.replace('": "', '":"')
    ]
    for path, line in failures[-5:]:
        console.print(f"\n----- {path.relative_to(logs)}\n{line[:2000]}", markup=False, highlight=False, soft_wrap=True)


def _own_folder() -> Path:
    """Return a new folder, inside ``MOTCUA_DATA`` if that is set, so that no messages of an earlier run are counted."""
    given = os.environ.get("MOTCUA_DATA")
    try:
        if given:
            Path(given).mkdir(parents=True, exist_ok=True)
        own = Path(tempfile.mkdtemp(prefix="motcua-smoke-", dir=given or None))
    except OSError as error:
        raise CannotRun(f"No folder can be made in {given} ({error.strerror}): set MOTCUA_DATA.") from None
    # If root starts the test, PostgreSQL runs as another user, who must be able to pass through this folder.
    own.chmod(0o711)
    return own


def run_smoke(folder: Path | None = None) -> int:
    """Run the smoke test and return its exit code.

    The test uses the ports that ``MOTCUA_*_PORT`` sets, else free ports, so it does not disturb a running demo. It has
    its own folder, which is removed unless the test failed.

    Args:
        folder: a new folder to use and keep, so that a demo can continue from it.
    """
    console = make_console()

    def run() -> int:
        read_settings()
        if folder:
            return _run_in(folder, console)
        own = _own_folder()
        keep = True
        try:
            code = _run_in(own, console)
            keep = code == 1
        except CannotRun:
            keep = False
            raise
        finally:
            if not keep:
                shutil.rmtree(own, ignore_errors=True)
        return code

    return guarded(run, console)


def _run_in(folder: Path, console: Console) -> int:
    addresses = prepare(folder, free_ports=True)
    logs = addresses.data / "logs"
    checks: list[Check] = []
    numbers: set[str] = set()
    try:
        with Supervisor(addresses.data, progress(console)) as supervisor:
            deployment = start_everything(supervisor, addresses, world=QUICK_WORLD, clerk=QUICK_CLERK)
            try:
                _wait_for_messages(supervisor, deployment)
                asked = _ask_about_dossiers(supervisor, deployment)
                checks, numbers = _examine(deployment, asked)
            except (psycopg.Error, requests.RequestException, KeyError, ValueError) as error:
                checks.append(Check("all parts of the demo answer", False, f"{type(error).__name__}: {error}"))
    except StopRequested:
        console.print("Stopped before the end.")
        return 130
    checks += check_logs(logs, numbers)
    passed = all(check.good for check in checks)
    if not passed:
        _show_logs(console, logs)
    _show(console, checks)
    if passed:
        console.print("The smoke test passed.", style="green")
        return 0
    console.print(f"The smoke test failed. Logs: {logs}", style="red", markup=False, soft_wrap=True)
    return 1
