"""Prove that a bad value of one dossier never stops a job for other dossiers, and does no harm where it is shown.

Two worlds are made with the same dossiers, which have only valid values ("healthy" dossiers). The second world has
additional rows with NULL, extreme and hostile values in each column of each source and of the ledger
(tests/planting/values.py). Every job runs on both worlds, and the results about the healthy dossiers must be equal.
"""

from __future__ import annotations

import contextlib
import csv
import io
import logging
import re
import tempfile
import traceback
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, time, timedelta
from pathlib import Path
from typing import Any, Final, TypeVar
from zipfile import ZipFile

import psycopg
from psycopg.rows import dict_row, tuple_row

from motcua.domain.clock import VIETNAM
from motcua.domain.periods import Period
from motcua.sandbox.network.scripted import ScriptedGateway
from tests.ground import agency, ask, connection_uri, database, in_ledger, off_balance, one_stops
from tests.planting.values import (
    AGENCY_OF,
    BESIDE,
    DAY,
    DUE,
    ELSEWHERE,
    HEALTHY,
    MINUTE,
    NOW,
    OTHER_SOFTWARE,
    PHONE,
    PLANTED,
    READY,
    Desk,
    Life,
    Planted,
    hand_in_carriers,
    plant_ledger,
)
from tests.prove import Figure, none, noted
from tests.prove.worlds.ledgers import proving_server
from tests.web.visiting import Visiting

csv.field_size_limit(2**24)
EVENING = NOW.replace(hour=17, minute=30, second=5)
CHECKED = datetime.combine(NOW.date() + DAY, time(5, 30), VIETNAM)
CLOSED = CHECKED + timedelta(hours=1)
CLOSED_MONTH = datetime(2026, 12, 1, 6, 30, tzinfo=VIETNAM)
PERIODS = ((Period.parse("2026-11-25"), CLOSED), (Period.parse("2026-11"), CLOSED_MONTH))
HEALTHY_CODES: Final = {f"{source} {name}" for source in AGENCY_OF for name in HEALTHY} | {
    f"khanhhoa beside {name}" for name in HEALTHY
}

Value = TypeVar("Value")


# ------------------------------------------------------------------------------------------------ the record of a run


class _Log(logging.Handler):
    """Collects every line that the jobs log."""

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self.setFormatter(logging.Formatter("%(name)s %(message)s"))
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))


@dataclass
class Passage:
    """The results of all jobs on one world: failures, everything that people see, and output on healthy dossiers."""

    failures: list[str] = field(default_factory=list)
    steps: int = 0
    shown: dict[str, bytes] = field(default_factory=dict)
    """Name → content that staff, the public or a log reader sees."""
    texts: list[str] = field(default_factory=list)
    """Texts that were sent to the gateway or returned to a person who asked."""
    healthy: dict[str, set[str]] = field(default_factory=dict)
    """Kind of output → what it contains about the healthy dossiers."""
    planted: list[Planted] = field(default_factory=list)
    refused: Counter[str] = field(default_factory=Counter)
    newest: int = 0
    """Newest transition number that the source with planted values had when it was read for the first time."""
    traces: dict[str, set[Any]] = field(default_factory=dict)
    differences: int = 0
    """By how many messages the ledger breaks the accounting identity (one message for each occasion) at the end."""
    unexplained: set[str] = field(default_factory=set)
    """Differences between source and ledger that no reason explains, about dossiers planted at the source."""

    def step(self, name: str, job: Callable[..., Value], *arguments: Any, **named: Any) -> Value | None:
        """Run one job; record an exception as a failure."""
        self.steps += 1
        try:
            return job(*arguments, **named)
        except Exception as error:  # noqa: BLE001
            where = traceback.extract_tb(error.__traceback__)
            ours = [each for each in where if "motcua" in each.filename] or where
            self.failures.append(
                f"{name}: {type(error).__name__}: {str(error)[:300]} ({Path(ours[-1].filename).name}:{ours[-1].lineno})"
            )
            return None


@contextlib.contextmanager
def _collecting_logs(passage: Passage) -> Iterator[None]:
    kept, root = _Log(), logging.getLogger()
    level = root.level
    root.addHandler(kept)
    root.setLevel(logging.INFO)
    try:
        yield
    finally:
        root.removeHandler(kept)
        root.setLevel(level)
        passage.shown["log.txt"] = "\n".join(kept.lines).encode("utf-8", "surrogatepass")


# ------------------------------------------------------------------------------------------------------------ the world


@dataclass(frozen=True)
class World:
    dsn: str
    desks: dict[str, Desk]
    gateway: ScriptedGateway


@contextlib.contextmanager
def world(admin_dsn: str, folder: Path, template: str = "motcua") -> Iterator[World]:
    """Yield empty source databases, a ledger with four agencies, and a gateway on the loopback interface.

    The environment variables are restored afterwards.
    """
    from motcua.store.agencies import save_agencies

    given = {
        "AIRFLOW_CONN_MOTCUA_DB": connection_uri(admin_dsn, "motcua_app", "values_ledger"),
        "MOTCUA_FIRST_LOOK_BACK": "P9999D",
        "MOTCUA_INQUIRIES_PER_GATEWAY": "1000000",
        "MOTCUA_JOURNAL": str(folder / "journal"),
        "MOTCUA_PUBLICATIONS": f"file://{folder / 'published'}",
    }
    gateway = {"concurrency": 16, "answer_timeout": 10}
    adapters = {"vanphong": "opencps"}
    with (
        database(admin_dsn, "values_ledger", template) as dsn,
        one_stops(admin_dsn, dict.fromkeys(AGENCY_OF, ""), adapters=adapters, gateway=gateway, **given) as sources,
    ):
        ask(admin_dsn, "GRANT CONNECT ON DATABASE values_ledger TO motcua_app")
        for source in AGENCY_OF:
            sources[source].connection.row_factory = tuple_row
        desks = {
            source: Desk(source, sources[source].connection, "vanphong" if source == "vanphong" else "khanhhoa")
            for source in AGENCY_OF
        }
        agencies = [
            agency(code, enabled_from=NOW - 60 * DAY, accented=code == BESIDE)
            for code in (PLANTED, BESIDE, OTHER_SOFTWARE, ELSEWHERE)
        ]
        in_ledger(save_agencies, agencies, "proof")
        yield World(dsn, desks, sources.gateway)


# ---------------------------------------------------------------------------------------------------- running all jobs


def pass_through(world: World, lives: Sequence[Life] = (), *, thorough: bool = True) -> Passage:
    """Run all jobs of two days and the end of a month, and return the results.

    A life describes a dossier before a value is planted in it: its moves, phone and due date. Each value is planted in
    one dossier for each of ``lives``; without ``lives``, no value is planted. With ``thorough``, the month is closed
    too, every page is requested, every command is run, and an inquiry (a text to the short number 9029) is made about
    every dossier. Otherwise the month is not closed, and only some pages, commands and inquiries are tried.
    """
    passage = Passage()
    with psycopg.connect(world.dsn, autocommit=True) as ledger, _collecting_logs(passage):
        for source, agency in AGENCY_OF.items():
            world.desks[source].healthy(agency)
        beside = world.desks["khanhhoa"]
        for name, life in HEALTHY.items():
            beside.write(*beside.rows(f"khanhhoa beside {name}", BESIDE, life, "1.005129"))
        beside.fill_register(PLANTED, BESIDE)
        if lives:
            beside.plant(PLANTED, lives)
            beside.plant_register(PLANTED)
            world.desks["vanphong"].plant(OTHER_SOFTWARE, lives, 1 if thorough else 4)
            hand_in_carriers(beside, ledger, PLANTED, (READY, DUE))
            passage.newest = beside.rows("", PLANTED, READY, "")[1][0]["transition_id"]
            passage.planted = [each for desk in world.desks.values() for each in desk.planted]
        _pick_up(passage, NOW)
        _pick_up(passage, NOW + 2 * MINUTE)
        if lives:
            planted, passage.refused = plant_ledger(ledger, PLANTED)
            passage.planted += planted
        _notify(passage, NOW + 3 * MINUTE)
        _evening(passage)
        _ask_9029(passage, ledger, every=1 if thorough else 5)
        _check_quality_and_mail(passage)
        closings = _close_and_publish(passage, PERIODS if thorough else PERIODS[:1])
        _dry_run(passage)
        _request_pages(passage, closings, thorough=thorough)
        _run_commands(passage, closings, thorough=thorough)
        passage.texts += [asked.get("text", "") for asked in world.gateway.asked]
        _read_outcome(passage, ledger)
    return passage


def _pick_up(passage: Passage, moment: datetime) -> None:
    from motcua.jobs.notices.picking_up import pick_up

    for source in AGENCY_OF:
        passage.step(f"pick up {source}", pick_up, source, now=moment)


def _notify(passage: Passage, moment: datetime) -> None:
    from motcua.jobs.notices.planning import plan
    from motcua.jobs.notices.sending.sender import send
    from motcua.jobs.notices.settling import settle

    passage.step("plan", plan, now=moment)
    passage.step("send", send, "proof", clock=lambda: moment)
    passage.step("settle", settle, "proof", clock=lambda: moment + MINUTE)


def _evening(passage: Passage) -> None:
    from motcua.domain.run_window import EVERYTHING
    from motcua.jobs.notices.apologizing import apologize
    from motcua.jobs.notices.sending.sender import send
    from motcua.jobs.tasks.apologize_due_tomorrow import read_source

    for source in AGENCY_OF:
        passage.step(f"read {source} in the evening", read_source, source, EVERYTHING, EVENING)
    counts = passage.step("apologize", apologize, EVERYTHING, EVENING)
    passage.healthy["the evening"] = {repr(counts.evenings) if counts else ""}
    passage.step("send apologies", send, "evening", clock=lambda: EVENING + MINUTE)


def _ask_9029(passage: Passage, ledger: psycopg.Connection[Any], every: int) -> None:
    """Ask 9029 about each healthy dossier and one in ``every`` others, even if nobody could type the code."""
    from motcua.gateways.adapter import InquiryReading
    from motcua.jobs.notices.answering import answer
    from motcua.store.ledger.database import connect

    codes = [row[0] for row in ledger.execute("SELECT dossier_code FROM motcua.dossiers ORDER BY dossier_id")]
    answers = passage.healthy.setdefault("answers to inquiries", set())
    with connect() as connection:
        for number, code in enumerate(codes):
            if number % every and code not in HEALTHY_CODES:
                continue
            sender = f"+8493{number:07}"
            reading = InquiryReading(sender, f"MCKH {code}", f"id-{number}", EVENING)
            reply = passage.step("answer an inquiry", answer, connection, "kannel", reading, EVENING)
            connection.rollback() if reply is None else connection.commit()
            if reply is not None:
                passage.texts.append(reply.text)
                if code in HEALTHY_CODES:
                    answers.add(f"{code}: {reply.text}")


def _check_quality_and_mail(passage: Passage) -> None:
    from motcua.jobs.quality.checking import check_quality, verify_seals
    from motcua.quality.reporting import agency_report, department_report, rows_to_correct
    from motcua.reports.mail import Mail, write_message
    from motcua.reports.quality.mail import compose_agency_mail, compose_department_mail
    from motcua.store.ledger.database import connect

    counts = passage.step("check quality", check_quality, "proof", CHECKED)
    if counts is None:
        return
    run_no = counts.run_no
    if counts.broken:
        passage.failures.append(f"check quality: {counts.broken} broken")
    passage.step("verify seals", verify_seals)

    def mailed(name: str, mail: Mail) -> None:
        # This call raises an error if SMTP cannot carry the mail. Later the shown text is searched for harmful content.
        write_message(mail, "motcua@example.org", "lan@example.org", "<1@example.org>", CHECKED)
        passage.shown |= {
            f"{name}.subject.txt": mail.subject.encode(), f"{name}.txt": mail.text.encode(),
            f"{name}.html": mail.html.encode(),
        } | {f"{name} {each.name}": each.content for each in mail.attachments}  # fmt: skip

    def department() -> None:
        with connect() as ledger:
            rows = list(rows_to_correct(ledger, run_no))
            passage.healthy["findings"] = {
                f"{row.rule.code} {row.subject}: {row.what} {row.since} {row.deadline} {row.masked_phone}"
                for row in rows
                if row.dossier_code in HEALTHY_CODES
                or (row.dossier_code is None and (row.agency_code in (BESIDE, ELSEWHERE) or row.subject == "ninhhoa"))
            }
            passage.traces["found"] = {(row.agency_code, row.dossier_code) for row in rows}
            mailed("quality department", compose_department_mail(department_report(ledger, run_no), rows, "/q"))

    def agency(code: str) -> None:
        with connect() as ledger:
            report = agency_report(ledger, run_no, code)
            mailed(f"quality {code}", compose_agency_mail(report, rows_to_correct(ledger, run_no, code), "/q"))

    passage.step("mail the Department", department)
    for code in (PLANTED, BESIDE, OTHER_SOFTWARE, ELSEWHERE):
        passage.step(f"mail {code}", agency, code)


def _close_and_publish(passage: Passage, periods: Sequence[tuple[Period, datetime]]) -> list[int]:
    from motcua.jobs.publications.publishing import publications_store, publish
    from motcua.jobs.publications.verifying import verify_publication
    from motcua.jobs.reconciliation.closing import close_period, recheck_closed
    from motcua.jobs.reconciliation.reporting import build_report
    from motcua.reports.publication.data import Told
    from motcua.reports.publication.mail import compose_publication_mail
    from motcua.store.oversight.closings import load_differences, load_figures

    numbers = []
    for period, moment in periods:
        result = passage.step(f"close {period}", close_period, period, "proof", moment)
        if result is None:
            continue
        number = result.closing.closing_no
        numbers.append(number)
        if result.closing.sources_unread:
            passage.failures.append(f"close {period}: {result.closing.sources_unread} could not be counted")
        figures = in_ledger(load_figures, number)
        rows = [row for part in vars_of(figures) for row in part]
        passage.healthy[f"figures of {period}"] = {
            repr(row) for row in rows if getattr(row, "agency_code", None) in (BESIDE, ELSEWHERE)
        }
        differences = in_ledger(load_differences, number)
        passage.healthy[f"differences of {period}"] = {
            f"{each.agency_code} {each.dossier_code} {each.side} {each.reason}"
            for each in differences
            if each.dossier_code in HEALTHY_CODES
        }
        # A dossier with a value planted in the ledger itself always differs from the source, so only dossiers that were
        # planted at the source count here.
        passage.unexplained |= {
            f"{period} {each.dossier_code} {each.side} {each.reason}"
            for each in differences
            if not each.is_explained and (each.dossier_code or "").startswith("P-")
        }
        publication = passage.step(f"publish {period}", publish, number, moment)
        if publication is None:
            continue
        folder = publications_store() / publication.folder
        for name in (each["name"] for each in publication.manifest["files"]):
            passage.shown[f"published {period} {name}"] = (folder / name).read_bytes()
        checked = passage.step(f"verify {period}", verify_publication, str(publication.publication_no))
        if checked is not None and checked.faults:
            passage.failures.append(f"verify {period}: {checked.faults[:3]}")

        def mail(number: int = number, publication: Any = publication) -> None:
            for whose in (None, PLANTED):
                report = Told(in_ledger(build_report, number), None, whose)
                made = compose_publication_mail(
                    report, publication.publication_no, publication.manifest_sha256, [], [], urging=True, page_url="/r"
                )
                passage.shown |= {f"{number} {whose}.txt": made.text.encode(),
                                  f"{number} {whose}.html": made.html.encode()}  # fmt: skip

        passage.step(f"mail {period}", mail)
    passage.step("recheck closed days", recheck_closed, "proof again", CLOSED_MONTH)
    return numbers


def vars_of(figures: Any) -> list[Sequence[Any]]:
    return [getattr(figures, name) for name in figures.__dataclass_fields__]


def _dry_run(passage: Passage) -> None:
    from motcua.jobs.handed_in.phones import check_phones, rows_of_source
    from motcua.jobs.notices.dry_running import dry_run

    for code in (PLANTED, BESIDE, OTHER_SOFTWARE, ELSEWHERE):
        run = passage.step(f"dry run {code}", dry_run, code, NOW - 60 * DAY)
        if run is not None and run.failures:
            passage.failures.append(f"dry run {code}: {run.failures}")
        if run is not None and code in (BESIDE, ELSEWHERE):
            # The dry run reads the machine's clock, so its messages have different times in the two worlds.
            messages = [replace(each, message=replace(each.message, at=NOW)) for each in run.messages]
            passage.healthy[f"dry run {code}"] = {repr(each) for each in messages}
    for source in AGENCY_OF:
        passage.step(f"check phones of {source}", lambda source=source: check_phones(rows_of_source(source)))


def _request_pages(passage: Passage, closings: Sequence[int], *, thorough: bool) -> None:
    from fastapi.testclient import TestClient

    from motcua.quality.rules import load_rules
    from motcua.store.oversight.figure_rows import DOSSIER_FIGURES, MESSAGE_FIGURES

    server = Visiting().mount()
    addresses = ["/sending?day=2026-11-25", "/complaints", "/calendar", "/statements", "/quality", "/reconciliation"]
    for code in (PLANTED, BESIDE, OTHER_SOFTWARE, ELSEWHERE):
        addresses += [f"/quality/findings?code={code}&page={page}" for page in (1, 2, 3)]
        addresses += [f"/reconciliation?closing={closing}&agency={code}" for closing in closings]
    addresses += [f"/quality/findings?code={PLANTED}&rule={rule}" for rule in load_rules().rules]
    for closing in closings[:1]:
        for figure in (*MESSAGE_FIGURES, *DOSSIER_FIGURES):
            addresses += [f"/reconciliation/rows{end}?closing={closing}&figure={figure}" for end in ("", ".csv")]
    if not thorough:
        addresses = [
            each for each in addresses if "rule=" not in each and "page=2" not in each and "page=3" not in each
        ]
    with TestClient(server, raise_server_exceptions=False, follow_redirects=True) as http:
        http.cookies.set("_token", "a-session")
        for address in addresses:
            answer = passage.step(f"page {address}", http.get, f"/motcua{address}")
            if answer is None or answer.status_code >= 400:
                passage.failures.append(f"page {address}: {answer.status_code if answer else 'nothing'}")
            else:
                kind = ".csv" if ".csv" in address else ".html"
                passage.shown[f"page {address.replace('.', '')}{kind}"] = answer.content


def _run_commands(passage: Passage, closings: Sequence[int], *, thorough: bool) -> None:
    from typer.testing import CliRunner

    from motcua.cli import app

    commands = [
        ["quarantine"], ["identity", "--by-procedure"], ["latency"], ["inquiries"], ["agencies", "list"],
        ["agencies", "show", PLANTED], ["agencies", "history", PLANTED],
        ["agencies", "dry-run", PLANTED, "--since", "2026-11-01"], ["apologies", "evenings", "--days", "9000"],
        ["apologies", "forecast", "--month", "2026-11"], ["apologies", "letters"],
        ["closings", "list"], ["publications", "list"], ["publications", "verify-all"], ["quality", "show"],
        ["quality", "show", "--agency", PLANTED], ["quality", "verify"], ["quality", "rules"], ["sources", "list"],
        ["messages", "held", "--all"], ["complaints", "list"], ["gateways", "list"], ["gateways", "changes"],
        ["phones", "--source", "khanhhoa"], ["phones", "--source", "vanphong"],
        *[["quality", "rows", rule] for rule in ("P1", "P3", "R7", "R10", "D1", "D2", "S5", "S6")],
        *[["closings", name, str(number)] for number in closings for name in ("show", "differences")],
        *[["closings", "rows", str(number), figure]
          for number in closings for figure in ("messages", "received")],
    ]  # fmt: skip
    for command in commands if thorough else commands[::3]:
        said = passage.step(f"motcua {' '.join(command)}", CliRunner().invoke, app, command)
        if said is not None:
            # Exit code 1 is a verdict of the command; only an exception counts as a failure.
            if said.exception is not None and not isinstance(said.exception, SystemExit):
                passage.failures.append(f"motcua {' '.join(command)}: {type(said.exception).__name__}"
                                        f": {str(said.exception)[:200]}")  # fmt: skip
            passage.shown[f"motcua {' '.join(command)}.txt"] = said.output.encode("utf-8", "surrogatepass")


def _read_outcome(passage: Passage, ledger: psycopg.Connection[Any]) -> None:
    passage.differences = off_balance()
    rows = ledger.cursor(row_factory=dict_row)
    passage.healthy["messages"] = {
        repr(tuple(row.values()))
        for row in rows.execute(
            "SELECT d.dossier_code, m.kind, m.state, m.reason, m.msisdn, m.text, m.occurred_at, m.recorded_at,"
            " m.useful_until FROM motcua.messages AS m INNER JOIN motcua.dossiers AS d USING (dossier_id)"
            " WHERE d.dossier_code = any(%s) AND m.kind <> 'reply'",
            (sorted(HEALTHY_CODES),),
        )
    }
    passage.traces["cleaned"] = {
        (row["agency_code"], row["dossier_code"])
        for row in rows.execute(
            "SELECT c.agency_code, d.dossier_code FROM motcua.cleaned_fields AS c"
            " INNER JOIN motcua.dossiers AS d USING (dossier_id)"
        )
    }
    passage.traces["kept"] = {
        (row["agency_code"], row["dossier_code"])
        for row in rows.execute("SELECT agency_code, dossier_code FROM motcua.dossiers")
    }
    passage.traces["quarantined"] = {
        key
        for row in rows.execute("SELECT payload, row_key FROM motcua.quarantine")
        for key in ((row["payload"].get("agency_code"), row["payload"].get("dossier_code")), row["row_key"])
    }


# ---------------------------------------------------------------------------------------------------------- the verdict


_FOUND_BY_NUMBER = 1000
"""A transition with a broken recorded time is found only if its number is among this many newest numbers.

An older such transition is found only when the history of its dossier is read.
"""


def without_trace(passage: Passage) -> list[str]:
    """Return those values planted in a source's contract views that left no trace in the system.

    The source contract describes these views, ``onestop.dossiers`` and ``onestop.transitions``. The contract forbids
    the returned values, but the system neither quarantined nor reported them.
    """
    reported = passage.traces["found"] | passage.traces["cleaned"]
    missed = []
    for each in passage.planted:
        if each.where != "source" or each.column.table not in ("onestop.dossiers", "onestop.transitions"):
            continue
        agency, code = (None if name is None else name[:2000] for name in (each.agency_code, each.dossier_code))
        if each.column.name == "recorded_at" and (each.number or 0) < passage.newest - _FOUND_BY_NUMBER:
            continue
        kept = passage.traces["quarantined"]
        if (agency, code) in kept or str(each.number) in kept:
            continue
        own = None if code is None else unicodedata.normalize("NFC", code).strip()
        if (agency, own) in reported or (_is_allowed(each) and (agency, own) in passage.traces["kept"]):
            continue
        missed.append(str(each))
    return missed


_GOOD_MOMENTS = {"NULL", "ten years ago", "half an hour ahead", "in ten years", "8999"}
_FUTURE_CANNOT_BE = {"phone_entered_at", "returned_at", "updated_at"}


def _is_allowed(planted: Planted) -> bool:
    """Return whether the source contract allows this value in its column, so that it need not be reported."""
    column, written = planted.column, planted.column.values()[planted.value]
    if column.type == "timestamp with time zone":
        ahead = planted.value not in ("NULL", "ten years ago")
        return planted.value in _GOOD_MOMENTS and not (ahead and column.name in _FUTURE_CANNOT_BE)
    if written is None or column.type in ("boolean", "bigint"):
        return column.name != "status_code"
    if column.type == "smallint":
        return 1 <= int(written) <= 10
    if column.name == "applicant_phone":
        return True
    plain = " ".join(unicodedata.normalize("NFC", written).split(" "))
    limit = 40 if column.name in ("dossier_code", "submitted_via") else 200
    return len(plain) <= limit and (not plain.strip() or plain.strip().isprintable())


_PHONE = re.compile(r"[ .\-]?".join(PHONE.replace(" ", "")[1:]))
_ALIVE = re.compile(rb"<script|<img src=x|javascript:", re.IGNORECASE)
_CONTROLS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\u202a-\u202e\u2066-\u2069]")


def harm(passage: Passage) -> dict[str, list[str]]:
    """Return the harm that planted values do where they are shown, by kind."""
    found: dict[str, list[str]] = {name: [] for name in ("phone", "markup", "formula", "control", "text")}
    for name, content in passage.shown.items():
        if name.endswith(".xlsx"):
            found["formula"] += [f"{name}: {cell}" for cell in _formulas(content)]
            words = _xml_of_workbook(content)
        elif name.endswith(".pdf"):
            continue
        else:
            words = content.decode("utf-8", "surrogatepass")
        if name.endswith(".csv"):
            found["formula"] += [f"{name}: {cell[:80]!r}" for cell in _cells_that_run(words)]
        if name.endswith(".html") and (alive := _ALIVE.search(content)):
            found["markup"].append(f"{name}: {content[alive.start() : alive.start() + 60]!r}")
        if shown := _PHONE.search(words):
            found["phone"].append(f"{name}: {words[max(0, shown.start() - 60) : shown.end() + 20]!r}")
        if control := _CONTROLS.search(words):
            found["control"].append(f"{name}: {words[max(0, control.start() - 40) : control.end() + 20]!r}")
    for text in passage.texts:
        if _CONTROLS.search(text) or len(text) > 1000:
            found["text"].append(text[:120])
    return found


def _formulas(content: bytes) -> Iterator[str]:
    from openpyxl import load_workbook

    with ZipFile(io.BytesIO(content)) as book:
        for name in book.namelist():
            if name.startswith("xl/worksheets/") and b"<f>" in book.read(name):
                yield f"{name} has a formula"
    for sheet in load_workbook(io.BytesIO(content)).worksheets:
        for row in sheet.iter_rows():
            for cell in row:
                value = cell.value
                if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r") and not cell.quotePrefix:
                    yield f"{sheet.title}!{cell.coordinate}: {value[:40]!r}"


def _xml_of_workbook(content: bytes) -> str:
    with ZipFile(io.BytesIO(content)) as book:
        return "\n".join(book.read(name).decode() for name in book.namelist() if name.endswith(".xml"))


def _cells_that_run(content: str) -> Iterator[str]:
    for row in csv.reader(io.StringIO(content, newline=""), delimiter=";" if ";" in content[:200] else ","):
        for cell in row:
            if cell[:1] in ("=", "@", "\t", "\r") or (
                cell[:1] in ("+", "-") and not re.fullmatch(r"[+-][0-9.,]+", cell)
            ):
                yield cell


MEANINGS = {
    "phone": "a phone number typed into another field is shown",
    "markup": "HTML that a browser would run",
    "formula": "cells that a spreadsheet would run",
    "control": "control and direction characters that are shown",
    "text": "messages and answers with control characters or too long",
}


def judge(whole: Passage, planted: Passage) -> tuple[list[Figure], list[str]]:
    """Return the figures, and a description of each fault."""
    of = Counter(each.where for each in planted.planted)
    columns = {(each.where, each.column.table, each.column.name) for each in planted.planted}
    untraced, harmed = without_trace(planted), harm(planted)
    unlike = [
        f"{name}: {sign} {value}"
        for name in sorted(whole.healthy.keys() | planted.healthy.keys())
        for sign, one, other in (("lost", whole, planted), ("not so before", planted, whole))
        for value in sorted(one.healthy.get(name, set()) - other.healthy.get(name, set()))
    ]
    failed = Counter(failure.partition(":")[0] for failure in planted.failures)
    unexplained = sorted(planted.unexplained)
    figures = [
        Figure("values planted at sources, in the ledger", f"{of['source']:,}, {of['ledger']:,}", "some of both",
               bool(of["source"] and of["ledger"])),
        noted("values that the ledger itself refuses", planted.refused.total()),
        noted("columns with values planted", len(columns)),
        none(f"jobs, pages and commands that fail without planted values, of {whole.steps:,}", whole.failures),
        none(f"jobs, pages and commands that fail with planted values, of {planted.steps:,}", list(failed)),
        none("facts about healthy dossiers that differ from the world without planted values", unlike),
        none("the accounting identity's differences", planted.differences + whole.differences),
        none("the closings' unexplained differences about dossiers planted at the source", unexplained),
        none("values planted in the contract's views that left no trace", untraced),
        *(none(MEANINGS[name], faults) for name, faults in harmed.items()),
    ]  # fmt: skip
    faults = [f"without planted values: {each}" for each in whole.failures] + planted.failures + unlike + untraced
    faults += [f"unexplained: {each}" for each in unexplained]
    return figures, faults + [f"{name}: {each}" for name, found in harmed.items() for each in found]


def figures(seed: int) -> list[Figure]:
    del seed  # All values are planted, so nothing is chosen at random.
    passages = []
    with tempfile.TemporaryDirectory(prefix="motcua-prove-") as folder, proving_server(Path(folder)) as admin_dsn:
        for name, lives in (("whole", ()), ("planted", (READY, DUE))):
            with world(admin_dsn, Path(folder) / name) as made:
                passages.append(pass_through(made, lives))
    found, faults = judge(*passages)
    return found + [Figure("fault", fault[:300], "", ok=False) for fault in faults[:40]]
