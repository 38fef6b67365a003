"""Prove that purging leaves no personal data of a thousand citizens.

The citizens' data goes through the whole system and is purged; then the proof searches for it. The search knows six
spellings of each number and six of each name. The search covers every column of every table of every schema, and the
statistics of PostgreSQL's planner. It also covers a fresh dump, all logs, the values that Airflow's tasks pass on,
mails, publications, and the folders of the system and its journal. Nothing may be found. The ids that some providers
give to messages contain the phone number. Some columns, and everything that auditors can read, must therefore never
hold such an id in clear, not even before the purge.
"""

from __future__ import annotations

import gzip
import io
import json
import logging
import os
import random
import subprocess
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql
from psycopg.rows import dict_row

from motcua.domain.clock import VIETNAM
from motcua.domain.periods import Period
from motcua.gateways.adapter import InquiryReading
from motcua.jobs.handed_in.complaints import Entry, record_complaint
from motcua.jobs.handed_in.statements import take_statement
from motcua.jobs.notices.answering import answer
from motcua.jobs.notices.picking_up import pick_up
from motcua.jobs.notices.planning import plan
from motcua.jobs.notices.sending.sender import send
from motcua.jobs.publications.mailing import bodies_of, mail_publications
from motcua.jobs.publications.publishing import publish
from motcua.jobs.publications.verifying import verify_all
from motcua.jobs.quality.checking import check_quality, verify_seals
from motcua.jobs.quality.mailing import mail_agency, mail_department
from motcua.jobs.reconciliation.closing import close_period
from motcua.jobs.tasks.purge_personal_data import purge_due, remove_files
from motcua.sandbox.machine.deployment import mailbox_connection
from motcua.sandbox.machine.postgres import binaries
from motcua.sandbox.network.scripted import ScriptedGateway
from motcua.settings import settings
from motcua.store.agencies import save_agencies
from tests.ground import NHA_TRANG, OneStop, agency, in_ledger, off_balance, one_stops, receive
from tests.integration.quality.test_mailing_quality import MailServer
from tests.prove import Figure, equal, none
from tests.prove.worlds.ledgers import proving_ledger, proving_server
from tests.prove.worlds.seeking import Places, Seeker, folded

CITIZENS = 1000
NOW = datetime.now(UTC).replace(microsecond=0)
AT = NOW - timedelta(days=120)
"""Time of all events; it is longer ago than both retention periods of personal data."""

_FAMILIES = ["Nguyễn", "Trần", "Lê", "Phạm", "Hoàng", "Huỳnh", "Phan", "Vũ", "Võ", "Đặng"]
_MIDDLES = ["Thị", "Văn", "Ngọc", "Đình", "Hữu", "Khánh", "Quỳnh", "Thùy", "Xuân", "Bảo"]
_GIVEN = ["Lượng", "Quyến", "Thoảng", "Diệp", "Khuê", "Nhạn", "Uyển", "Trưng", "Vĩnh", "Ẩn"]


@dataclass(frozen=True)
class Citizen:
    """One of a thousand citizens, with a phone number and a name that no other citizen has."""

    number: int

    @property
    def tail(self) -> str:
        """Return the nine digits that every spelling of the number ends with."""
        return f"{('905', '912', '986', '703')[self.number % 4]}{318_000 + 7 * self.number:06}"

    @property
    def name(self) -> tuple[str, str, str]:
        return (
            _FAMILIES[self.number // 100],
            _MIDDLES[self.number // 10 % 10],
            _GIVEN[self.number % 10],
        )

    def phone(self, spelling: int) -> str:
        """Return the number in one of six spellings."""
        tail = self.tail
        return (
            f"0{tail}",
            f"+84{tail}",
            f"84{tail}",
            f"0{tail[:3]}.{tail[3:6]}.{tail[6:]}",
            f"0{tail[:3]} {tail[3:6]} {tail[6:]}",
            tail,
        )[spelling % 6]

    def called(self, spelling: int) -> str:
        """Return the name in one of six spellings."""
        family, middle, given = self.name
        whole = f"{family} {middle} {given}"
        return (
            whole,
            folded(whole).title(),
            whole.upper(),
            folded(whole).upper(),
            f"{given} {family} {middle}",
            whole.lower(),
        )[spelling % 6]


@dataclass
class World:
    """The ledger, a desk, a gateway, a mail server, and the system's folders."""

    folder: Path
    ledger: psycopg.Connection[dict[str, Any]]
    dsn: str
    desk: OneStop
    gateway: ScriptedGateway
    mail: MailServer
    handed_on: list[Any] = field(default_factory=list)
    """Values that tasks returned to Airflow."""

    def rows(self, statement: str, *values: object) -> list[dict[str, Any]]:
        cursor = self.ledger.execute(statement, values or None)  # type: ignore[call-overload]
        return cursor.fetchall() if cursor.description else []


@contextmanager
def _open_world(folder: Path) -> Iterator[World]:
    (folder / "server").mkdir()
    system = folder / "system"
    with (
        proving_server(folder / "server") as server,
        proving_ledger(server, "personal") as dsn,
        closing(MailServer()) as mail,
        one_stops(
            server,
            ("khanhhoa",),
            AIRFLOW_CONN_SMTP_DEFAULT=mailbox_connection(mail.port),
            MOTCUA_FIRST_LOOK_BACK="P9999D",
            MOTCUA_DATA=str(system),
            MOTCUA_JOURNAL=str(system / "journal"),
            MOTCUA_PUBLICATIONS=f"file://{system / 'publications'}",
            MOTCUA_STATEMENTS=f"file://{system / 'statements'}",
            MOTCUA_HOME_AFFAIRS_RECIPIENTS="noivu@khanhhoa.example",
        ) as desks,
        psycopg.connect(dsn, autocommit=True, row_factory=dict_row) as connection,
    ):
        report = {"retention": timedelta(days=30), "report_recipients": ("coquan@khanhhoa.example",)}
        in_ledger(save_agencies, [agency(NHA_TRANG, enabled_from=AT - timedelta(days=900), **report)], "proof")
        yield World(folder, connection, dsn, desks["khanhhoa"], desks.gateway, mail)


def _play_citizens(world: World, citizens: list[Citizen], dice: random.Random) -> None:
    """Run the whole system at the time ``AT`` with the citizens' numbers and names."""
    for each in citizens:
        code, n = f"P-{each.number:04}", each.number
        world.desk.dossier(
            code,
            applicant_name=each.called(n),
            applicant_phone=each.phone(n // 2),
            phone_entered_at=AT - timedelta(days=2),
            received_at=AT - timedelta(days=2),
            due_at=AT + timedelta(days=2),
            updated_at=AT,
            status_code=9,
            at_one_stop_desk=True,
            finished_at=AT,
        )
        said = {"note": f"{each.called(n + 1)} hẹn chiều, gọi {each.phone(n + 3)}", "actor": each.called(n + 2)}
        world.desk.move(9, code, at=AT, **said)
        if n % 10 == 0:
            # This step names an unknown agency, so the pick-up puts it into quarantine.
            world.desk.move(9, code, "X-9", at=AT, note=f"{each.called(n)} {each.phone(n)}")
    world.handed_on += [pick_up("khanhhoa", now=AT), plan(now=AT), send("proof", clock=lambda: AT)]
    for row in world.rows("SELECT reference, msisdn FROM motcua.attempts WHERE state = 'accepted'"):
        in_ledger(receive, row["reference"], "1", to=row["msisdn"])
    for each in dice.sample(citizens, 300):
        text = f"MCKH {each.phone(each.number)}" if each.number % 2 else f"MCKH P-{each.number:04} {each.called(3)}"
        in_ledger(answer, "kannel", InquiryReading(each.phone(0), text, _id_of(each), AT), AT)
    # The gateway of this proof gives ids without a phone number. Some providers' ids contain the phone number, so such
    # ids are written here.
    world.rows("UPDATE motcua.attempts SET gateway_reference = '35-' || msisdn || '-' || attempt_id")
    for each in dice.sample(citizens, 200):
        entry = Entry(
            NHA_TRANG, f"P-{each.number:04}", f"{AT.astimezone(VIETNAM):%Y-%m-%d %H:%M}", "desk", "no_result_yet",
            f"{each.called(each.number)} nói chưa có kết quả",
        )  # fmt: skip
        in_ledger(record_complaint, entry, f"form-{each.number}", "lan", AT + timedelta(hours=1))
    for each in dice.sample(citizens, 50):
        # Some of these entries have a phone number or a name in place of the dossier code, as old entries may have.
        world.rows(
            "INSERT INTO motcua.complaints (entry_key, agency_code, dossier_code, received_at, channel, claim, note,"
            " recorded_by, recorded_at) VALUES (encode(sha256(%s::bytea), 'hex'), %s, %s, %s, 'letter', 'other', %s,"
            " 'lan', %s)",
            f"{each.number}", NHA_TRANG, (each.called(0), each.phone(3), each.phone(5))[each.number % 3], AT,
            f"gọi {each.phone(4)} gặp {each.called(5)}", AT,
        )  # fmt: skip
    world.rows(
        "UPDATE motcua.complaints SET outcome = 'upheld', outcome_by = 'hoa', outcome_at = %s, outcome_reason = note",
        AT,
    )
    _take_in_statement(world, citizens)
    for each in citizens:
        code, ended = f"P-{each.number:04}", AT + timedelta(hours=2)
        world.desk.connection.execute(
            "UPDATE onestop.dossiers SET status_code = 10, returned_at = %s, updated_at = %s, at_one_stop_desk = FALSE"
            " WHERE dossier_code = %s",
            (ended, ended, code),
        )
        world.desk.move(10, code, desk=False, at=ended)
    later = AT + timedelta(hours=3)
    world.handed_on += [pick_up("khanhhoa", now=later), plan(now=later), send("proof", clock=lambda: later)]


def _id_of(each: Citizen) -> str:
    """Return a provider's id of this citizen's text, which contains the number in one of six spellings."""
    return f"35-{each.phone(each.number).replace(' ', '_')}-{each.number}"


def _take_in_statement(world: World, citizens: list[Citizen]) -> None:
    """Store the month's carrier statement in the ledger, and put its file into the folder of carrier statements."""
    head = "Loại;Mã tham chiếu;Mã giao dịch;Số thuê bao;Thời gian;Số tin;Thành tiền;Trạng thái;Mạng"
    at = f"{AT.astimezone(VIETNAM):%d/%m/%Y %H:%M:%S}"
    lines = [f"MT;;{_id_of(each).replace('+', '')};{each.phone(0)};{at};1;350;Thành công;" for each in citizens]
    content = "\n".join([head, *lines]).encode("utf-8-sig")
    name = f"bang-ke-{AT.astimezone(VIETNAM):%Y-%m}.csv"
    taken = take_statement(content, name, "kannel", "proof", AT + timedelta(days=40))
    world.handed_on.append(taken)
    kept = settings().data / "statements" / "kannel" / name
    kept.parent.mkdir(parents=True)
    kept.write_bytes(content)
    os.utime(kept, ((AT + timedelta(days=5)).timestamp(),) * 2)


def _publish_and_mail(world: World) -> None:
    """Close periods, publish the closings, check data quality and mail the results."""
    of = AT.astimezone(VIETNAM).date().isoformat()
    for period in (Period.parse(of), Period.parse(of[:7])):
        closing = close_period(period, "proof", NOW).closing
        published = publish(closing.closing_no)
        world.handed_on += [closing.closing_no, published.publication_no]
        for body in bodies_of(published.publication_no):
            world.handed_on.append(mail_publications([published.publication_no], body))
    counts = check_quality("proof", now=NOW)
    world.handed_on += [counts, mail_agency(counts.run_no, NHA_TRANG)]
    world.handed_on.append(mail_department(counts.run_no, ["so@khanhhoa.example"]))


def _search_ledger(world: World, seeker: Seeker) -> Places:
    """Search every column of every table, and the sample values that PostgreSQL's planner stores for each column."""
    places = _search_tables(
        world, seeker, "c.relkind IN ('r', 'm', 'p') AND n.nspname NOT IN ('pg_catalog', 'pg_toast')"
    )
    for row in world.ledger.execute("SELECT * FROM pg_stats WHERE schemaname <> 'pg_catalog'"):
        name = f"planner: {row['schemaname']}.{row['tablename']}.{row['attname']}"
        places.search(name, seeker, f"{row['most_common_vals']} {row['histogram_bounds']} {row['most_common_elems']}")
    return places


def _search_tables(world: World, seeker: Seeker, whose: str) -> Places:
    """Search every column of the tables or views that the SQL condition ``whose`` selects."""
    places = Places()
    for each in world.rows(
        "SELECT n.nspname, c.relname FROM pg_class AS c JOIN pg_namespace AS n ON c.relnamespace = n.oid"
        f" WHERE n.nspname <> 'information_schema' AND {whose}"
    ):
        names = each["nspname"], each["relname"]
        for row in world.ledger.execute(sql.SQL("SELECT * FROM {}").format(sql.Identifier(*names))):
            for column, value in row.items():
                if value is not None:
                    written = json.dumps(value, ensure_ascii=False, default=str)
                    places.search(".".join((*names, column)), seeker, written)
    return places


def _search_dump(world: World, seeker: Seeker) -> Places:
    places = Places()
    command = [str(binaries() / "pg_dump"), "--dbname", world.dsn]
    places.search("dump", seeker, subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    return places


def _search_files(seeker: Seeker, folder: str) -> Places:
    """Search every file below a folder of the system; unpack archives."""
    places = Places()
    for path in (settings().data / folder).rglob("*"):
        if path.is_file():
            for name, content in _unpacked(path.name, path.read_bytes()):
                places.search(f"{folder}/{name}", seeker, content.decode("utf-8", "replace"))
    return places


def _unpacked(name: str, content: bytes) -> Iterator[tuple[str, bytes]]:
    if content[:2] == b"\x1f\x8b":
        content = gzip.decompress(content)
    if zipfile.is_zipfile(io.BytesIO(content)):
        with zipfile.ZipFile(io.BytesIO(content)) as packed:
            for each in packed.namelist():
                yield from _unpacked(f"{name}/{each}", packed.read(each))
    else:
        yield name, content


def _search_mails(world: World, seeker: Seeker) -> Places:
    places = Places()
    for address, message in world.mail.taken:
        for part in message.walk():
            content = part.get_payload(decode=True)
            if isinstance(content, bytes):
                for name, each in _unpacked(part.get_filename() or "words", content):
                    places.search(f"mail to {address}: {name}", seeker, each.decode("utf-8", "replace"))
    return places


def _search_text(name: str, words: str, seeker: Seeker) -> Places:
    places = Places()
    places.search(name, seeker, words)
    return places


def figures(seed: int) -> list[Figure]:
    citizens = [Citizen(number) for number in range(CITIZENS)]
    seeker = Seeker((each.tail, each.name) for each in citizens)
    found = [_judge_spellings(citizens, seeker)]
    log = io.StringIO()
    handler = logging.StreamHandler(log)
    handler.setLevel(logging.DEBUG)
    root, level = logging.getLogger(), logging.getLogger().level
    try:
        with tempfile.TemporaryDirectory() as folder, _open_world(Path(folder)) as world:
            # Airflow removes existing log handlers when it configures its logging, so add this handler afterwards.
            root.addHandler(handler)
            root.setLevel(logging.DEBUG)
            _play_citizens(world, citizens, random.Random(seed))
            _publish_and_mail(world)
            # The ledger gives receipts the present time, but here they must be as old as their messages.
            world.rows("SET session_replication_role = 'replica'")
            world.rows("UPDATE motcua.receipts SET received_at = %s", AT)
            world.rows("SET session_replication_role = 'origin'")
            world.rows("ANALYZE")
            found += _judge_before_purge(world, seeker)
            world.handed_on += [purge_due("proof"), remove_files(NOW)]
            found += _judge_after_purge(world, seeker, log)
    finally:
        root.removeHandler(handler)
        root.setLevel(level)
    return found


def _judge_spellings(citizens: list[Citizen], seeker: Seeker) -> Figure:
    seen = sum(
        each.tail in seeker.found(f"x {each.phone(spelling)} y")
        and len(seeker.found(f"({each.called(spelling)})")) == 1
        for each in citizens
        for spelling in range(6)
    )
    return Figure("spellings of a number and a name that the search sees", f"{seen:,}", "6,000", seen == 6000)


_MUST_HOLD = (
    "attempts.gateway_reference", "attempts.msisdn", "complaints.dossier_code", "complaints.note",
    "complaints.outcome_reason", "dossier_versions.applicant_phone", "dossiers.applicant_name",
    "dossiers.applicant_phone", "dossiers.msisdn", "inquiries.msisdn", "inquiries.text", "messages.msisdn",
    "quarantine.payload", "transitions.actor", "transitions.note",
)  # fmt: skip


_MUST_HOLD_NONE = (
    "inquiries.gateway_message_id", "inquiries.dedupe_key", "statement_lines.reference",
    "statement_lines.gateway_reference",
)  # fmt: skip
"""Columns in which the ledger stores providers' ids hashed or masked, so that they hold no personal data."""


def _judge_before_purge(world: World, seeker: Seeker) -> list[Figure]:
    tables = _search_ledger(world, seeker)
    held = {name.rpartition(".")[0].rpartition(".")[2] + "." + name.rpartition(".")[2] for name in tables.of}
    missing = [name for name in _MUST_HOLD if name not in held]
    ids = [name for name in _MUST_HOLD_NONE if name in held]
    people = len(set().union(*tables.of.values()))
    # The auditors' views must never show personal data, not even before its retention period ends.
    audit = _search_tables(world, seeker, "n.nspname = 'audit'")
    dump, files = _search_dump(world, seeker), _search_files(seeker, "statements")
    whole = len(seeker.tails) * 2
    return [
        Figure("before: numbers and names in the ledger", f"{people:,}", f"{whole:,}", people >= whole),
        Figure("before: columns that lack expected personal data", ", ".join(missing) or "0", "0", not missing),
        Figure("before: columns of providers' ids that hold personal data", ", ".join(ids) or "0", "0", not ids),
        Figure("before: numbers and names in the auditors' views", audit.summary(), "0", not audit.of),
        Figure("before: numbers and names are found in a dump, in carrier statements",
               f"{bool(dump.of)}, {bool(files.of)}", "True, True",
               bool(dump.of and files.of)),
    ]  # fmt: skip


def _judge_after_purge(world: World, seeker: Seeker, log: io.StringIO) -> list[Figure]:
    verified = [str(fault) for each in verify_all() for fault in each.faults]
    runs, faults = verify_seals()
    purged = world.rows("SELECT count(*) AS n FROM motcua.dossiers WHERE purged_at IS NOT NULL")[0]["n"]
    counted = world.rows("SELECT count(DISTINCT of_table) AS n FROM audit.personal_data_purges")[0]["n"]
    handed_on = json.dumps(world.handed_on, ensure_ascii=False, default=repr)
    found = [
        equal("dossiers purged", purged, CITIZENS),
        equal("tables listed in the audit", counted, 9),
    ]
    for name, places in (
        ("in every column of every table, and the planner's samples", _search_ledger(world, seeker)),
        ("in a fresh dump", _search_dump(world, seeker)),
        (f"in {len(log.getvalue().splitlines()):,} lines of logs", _search_text("log", log.getvalue(), seeker)),
        ("in what tasks handed on (XCom)", _search_text("XCom", handed_on, seeker)),
        (f"in {len(world.mail.taken)} mails", _search_mails(world, seeker)),
        ("in publications", _search_files(seeker, "publications")),
        ("in the journal and the list of the erased", _search_files(seeker, "journal")),
        ("in files handed in", _search_files(seeker, "statements")),
    ):
        found.append(Figure(f"after: numbers and names {name}", places.summary(), "0", not places.of))
    return [
        *found,
        none("difference of the accounting identity", off_balance()),
        Figure("faults of 2 publications", ", ".join(verified[:3]) or "0", "0", not verified),
        Figure(f"faults of {runs} sealed run(s)", str(len(faults)), "0", runs == 1 and not faults),
    ]
