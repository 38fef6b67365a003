"""Prove that a one-stop database on MariaDB can be read through foreign tables.

``make prove ONLY=wrappers`` follows docs/operations/foreign-databases.md. The proof runs MariaDB, and Debian's
PostgreSQL with mysql_fdw, on the loopback interface, in a folder that is deleted afterwards. The SQL statements are
read out of the documentation page. A desk writes dossiers and steps while its database is read. Dossier codes have
small and capital letters, and some steps are committed after later steps. The watcher looks for unread rows without a
pause. New rows are picked up, and their messages are planned and sent to a gateway that counts the messages. Then
MariaDB is frozen, like a server that hangs, and messages about another source must still be sent.
"""

from __future__ import annotations

import os
import pwd
import random
import re
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, LiteralString, cast

import psycopg
from psycopg import pq

from motcua.jobs.notices.looking import LOOK_WITHIN, Looks
from motcua.jobs.notices.picking_up import SourceFailed, pick_up
from motcua.jobs.notices.planning import plan
from motcua.jobs.notices.sending.sender import send
from motcua.sandbox.machine.parts import Part
from motcua.sandbox.machine.postgres import EmbeddedPostgres
from motcua.sandbox.network.scripted import ScriptedGateway
from motcua.settings import settings
from motcua.sources.foreign_tables import ForeignTablesSource
from motcua.store.agencies import save_agencies
from motcua.store.ledger.database import open_connection
from motcua.store.notices.sources import watched_sources
from tests.ground import OneStop, agency, ask, free_port, in_ledger, one_stops, quiet_logs, until
from tests.prove import Figure, noted
from tests.prove.worlds.ledgers import proving_ledger, proving_server

PAGE = Path(__file__).parents[3] / "docs" / "operations" / "foreign-databases.md"
PACKAGES = "mariadb-server and postgresql-17-mysql-fdw"
_SYSTEM_PATH = os.environ["PATH"] + ":/usr/sbin:/sbin"
_PATIENCE = 600.0
"""Seconds after which a wait fails; even on a slow machine nothing here takes so long."""
AGENCIES = ("000.00.30.H32", "000.00.09.H32")
DOSSIERS = 60
TABLES = """
CREATE DATABASE mot_cua CHARACTER SET utf8mb4;
CREATE TABLE mot_cua.ho_so (
    ma_don_vi varchar(20) NOT NULL, ma_ho_so varchar(40) NOT NULL, ma_thu_tuc varchar(30), ten_thu_tuc varchar(500),
    linh_vuc varchar(200), chu_ho_so varchar(200), so_dien_thoai varchar(50), nhap_so_luc datetime(3),
    hinh_thuc tinyint, tiep_nhan_luc datetime(3), hen_tra_luc datetime(3), buoc varchar(200), trang_thai tinyint,
    tai_mot_cua bit(1) NOT NULL, xong_luc datetime(3), tra_luc datetime(3), cap_nhat_luc datetime(3) NOT NULL,
    PRIMARY KEY (ma_don_vi, ma_ho_so)
);
CREATE TABLE mot_cua.tien_do (
    id bigint AUTO_INCREMENT PRIMARY KEY, ma_don_vi varchar(20) NOT NULL, ma_ho_so varchar(40) NOT NULL,
    tu_buoc varchar(200), den_buoc varchar(200), trang_thai tinyint, tai_mot_cua bit(1) NOT NULL,
    xu_ly_luc datetime(3), ghi_luc datetime(3) NOT NULL, nguoi varchar(100), ghi_chu text
);
"""
"""Tables as a vendor might define them: local time without a zone, bit columns, Vietnamese names."""


class Missing(Exception):
    """A program is not installed. The message names Debian's packages."""


@dataclass(frozen=True)
class Programs:
    mariadbd: str
    set_up: str
    client: str
    postgres: Path
    """Folder with the programs of the PostgreSQL version that mysql_fdw is installed for."""


def find_programs() -> Programs:
    """Return the paths of the installed programs.

    Raises:
        Missing: A program is not installed.
    """
    found = {name: shutil.which(name, path=_SYSTEM_PATH) for name in ("mariadbd", "mariadb-install-db", "mariadb")}
    wrappers = sorted(Path("/usr/share/postgresql").glob("*/extension/mysql_fdw.control"))
    folders = [Path("/usr/lib/postgresql") / each.parts[-3] / "bin" for each in wrappers]
    if lacking := [*(name for name, path in found.items() if not path), *([] if folders else ["mysql_fdw"])]:
        raise Missing(f"{', '.join(lacking)} not found; install Debian's packages {PACKAGES}")
    return Programs(*map(str, found.values()), folders[-1])


def statements() -> dict[str, str]:
    """Return the SQL blocks of the documentation page by their first line, which is a comment that names the server."""
    page = PAGE.read_text(encoding="utf-8")
    return {found[1]: found[2] for found in re.finditer(r"```sql\n-- (\w+: [^\n]+)\n(.*?)```", page, re.DOTALL)}


@dataclass
class MariaDb:
    programs: Programs
    socket: Path
    port: int
    part: Part

    def run(self, statement: str) -> str:
        words = [self.programs.client, "--no-defaults", "--user=root", f"--socket={self.socket}"]
        words += ["--default-character-set=utf8mb4", "--batch", "--skip-column-names"]
        answer = subprocess.run(words, input=statement, capture_output=True, text=True, check=False)
        if answer.returncode:
            raise AssertionError(answer.stderr)
        return answer.stdout

    def answers(self) -> bool:
        try:
            return self.run("SELECT 1") == "1\n"
        except AssertionError:
            return False


@contextmanager
def _mariadb(programs: Programs, folder: Path) -> Iterator[MariaDb]:
    folder.mkdir()
    user = ["--user=nobody"] if os.geteuid() == 0 else []
    if user:
        os.chown(folder, pwd.getpwnam("nobody").pw_uid, -1)
    data = f"--datadir={folder / 'data'}"
    subprocess.run(
        [
            *(programs.set_up, "--no-defaults", data, *user),
            *("--auth-root-authentication-method=normal", "--skip-test-db"),
        ],
        capture_output=True,
        check=True,
    )
    port, socket = free_port(), folder / "socket"
    command = [
        *(programs.mariadbd, "--no-defaults", data, *user, f"--port={port}", f"--socket={socket}"),
        *("--bind-address=127.0.0.1", f"--pid-file={folder / 'pid'}", "--default-time-zone=+07:00"),
    ]
    far = MariaDb(programs, socket, port, Part("MariaDB", command, folder.parent / "mariadb.log"))
    far.part.ready = far.answers
    with far.part:
        yield far


@contextmanager
def _between(programs: Programs, folder: Path) -> Iterator[str]:
    """Start Debian's PostgreSQL between MariaDB and the ledger; yield its administrator's DSN."""
    folder.mkdir()
    become = EmbeddedPostgres(folder, 0).drop_privileges()
    if become is not None:
        nobody = pwd.getpwnam("nobody")
        os.chown(folder, nobody.pw_uid, nobody.pw_gid)
    data, port = str(folder / "data"), free_port()
    subprocess.run(
        [
            *(str(programs.postgres / "initdb"), "-D", data, "-U", "postgres", "-E", "UTF8", "--locale=C.UTF-8"),
            "--auth=trust",
        ],
        capture_output=True,
        check=True,
        cwd="/",
        preexec_fn=become,
    )
    dsn = f"host=127.0.0.1 port={port} user=postgres dbname=postgres"

    command = [
        *(str(programs.postgres / "postgres"), "-D", data, "-p", str(port)),
        *("-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories="),
    ]
    # Sessions of this server may still wait for the frozen MariaDB, so the server cannot always stop in time.
    with Part(
        "the PostgreSQL in between",
        command,
        folder.parent / "between.log",
        folder=Path("/"),
        ready=lambda: pq.PGconn.ping(dsn.encode()) == pq.Ping.OK,
        stop_signal=signal.SIGINT,
        before_exec=become,
    ):
        yield dsn


@dataclass
class Desk:
    """A desk whose software writes dossiers and steps to MariaDB."""

    far: MariaDb
    lot: random.Random
    phones: dict[str, str] = field(default_factory=dict)
    """Code → phone of each written dossier. All these dossiers have a ready result."""

    def write(self) -> None:
        """Write one dossier and its steps; every fourth dossier's last step is committed only after later steps."""
        number = len(self.phones) + 1
        # MariaDB and PostgreSQL sort small and capital letters differently, so the codes have both kinds of letters.
        code = f"{self.lot.choice(('hs', 'HS', 'Đk', 'đK'))}-{number:04}"
        agency = self.lot.choice(AGENCIES)
        phone = f"0905{100000 + number * 7919 % 900000}"
        row = (
            "INSERT INTO mot_cua.ho_so (ma_don_vi, ma_ho_so, ma_thu_tuc, ten_thu_tuc, linh_vuc, chu_ho_so,"
            " so_dien_thoai, nhap_so_luc, hinh_thuc, tiep_nhan_luc, hen_tra_luc, buoc, trang_thai, tai_mot_cua,"
            f" cap_nhat_luc) VALUES ('{agency}', '{code}', '1.005129', 'Cấp bản sao', 'Hộ tịch', 'Nguyễn Thị Lan',"
            f" '{phone}', now(3), 0, now(3), now(3) + INTERVAL 3 DAY, 'Trả kết quả', 9, 1, now(3));"
        )

        def step(status: int, desk: int, wait: str = "") -> str:
            return (
                "START TRANSACTION; INSERT INTO mot_cua.tien_do (ma_don_vi, ma_ho_so, tu_buoc, den_buoc, trang_thai,"
                f" tai_mot_cua, xu_ly_luc, ghi_luc, nguoi) VALUES ('{agency}', '{code}', 'Xử lý', 'Trả kết quả',"
                f" {status}, {desk}, now(3), now(3), 'can.bo');{wait} COMMIT;"
            )

        late = " DO SLEEP(3);" if number % 4 == 0 else ""
        words = row + step(4, 0) + step(9, 1, late)
        if late:
            threading.Thread(target=self.far.run, args=(words,)).start()
        else:
            self.far.run(words)
        self.phones[code] = phone


class Watcher:
    """A watcher of one source; when the source has unread rows, it runs the jobs that read, plan and send."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.looks: list[float] = []
        self._looks = Looks([source])

    def look(self) -> None:
        """Query the source once for unread rows, and run the jobs if it has any.

        Raises:
            SourceFailed: The source does not answer.
        """
        known = in_ledger(watched_sources, [self.source]).get(self.source)
        began = time.monotonic()
        answers = self._looks.round({self.source: known.watch if known else None}, 3 * LOOK_WITHIN)
        self.looks.append(time.monotonic() - began)
        # Also read a source that did not answer, because the pick-up then raises the reason.
        if not answers or answers[0].failure or answers[0].differs:
            pick_up(self.source)
            plan()
            send(f"run {time.monotonic_ns()}")

    def close(self) -> None:
        self._looks.close()


def _remote_queries(between: str) -> list[Figure]:
    """Check with EXPLAIN which conditions PostgreSQL sends to MariaDB, and which secrets the reading role may see."""
    moment = "2026-11-25 03:00+00"
    keys = {"agency_codes": ["A"], "dossier_codes": ["D-7"]}
    wanted: dict[LiteralString, tuple[dict[str, Any], list[str]]] = {
        "latest": ({}, ["max(`transition_id`)", "max(`recorded_at`)", "max(`updated_at`)"]),
        "watch": (
            {"recorded_since": moment, "updated_since": moment, "after": 7},
            ["count(*), sum(`transition_id`)", "`recorded_at` >= ?", "`transition_id` > ?", "`updated_at` >= ?"],
        ),
        "dossiers_since": ({"since": moment, "open_too": False}, ["`updated_at` >= ?"]),
        "transitions_since": ({"since": moment, "after": 7}, ["`recorded_at` >= ?", "`transition_id` > ?"]),
        "transitions_between": ({"start": moment, "end": moment}, ["`recorded_at` >= ?", "`recorded_at` < ?"]),
        "dossiers_by_key": (keys, ["`dossier_code` IN ('D-7')"]),
        "transitions_by_key": (keys, ["`dossier_code` IN ('D-7')"]),
        "transitions_by_number": ({"numbers": [7]}, ["`transition_id` IN (7)"]),
    }
    missing = []
    with open_connection("onestop_hue") as connection:
        reader = ForeignTablesSource(connection)
        for name, (values, phrases) in wanted.items():
            explained = connection.execute("EXPLAIN (VERBOSE) " + reader._query(name), values).fetchall()
            remote = "\n".join(row["QUERY PLAN"] for row in explained if "Remote query" in row["QUERY PLAN"])
            # A query that MariaDB gets without a condition fetches the whole table.
            whole = [line for line in remote.splitlines() if "WHERE" not in line]
            missing += [f"{name}: {each}" for each in (*(p for p in phrases if p not in remote), *whole)]
    with psycopg.connect(between) as reading, reading.cursor() as cursor:
        refused = _readable_secrets(cursor)
    return [
        Figure(
            "conditions that MariaDB must evaluate and is not asked to", "; ".join(missing) or "0", "0", not missing
        ),
        Figure("foreign tables and passwords that our role may read", refused, "none", refused == "none"),
    ]


def _readable_secrets(cursor: psycopg.Cursor[Any]) -> str:
    found = []
    cursor.execute("SELECT count(*) FROM pg_user_mappings WHERE umoptions IS NOT NULL")
    if cursor.fetchone() != (0,):
        found.append("the password")
    try:
        cursor.execute("SELECT 1 FROM far.dossiers LIMIT 1")
        found.append("far.dossiers")
    except psycopg.errors.InsufficientPrivilege:
        pass
    return ", ".join(found) or "none"


def _texts_while_desk_writes(desk: Desk, gateway: ScriptedGateway) -> list[Figure]:
    """Let a desk write while its database is read; return the rows that show whether each citizen got one text."""
    watcher = Watcher("hue")
    writing = threading.Thread(target=lambda: [desk.write() for _ in range(DOSSIERS)])
    try:
        watcher.look()
        writing.start()

        def all_texted() -> bool:
            watcher.look()
            return not writing.is_alive() and len({each["to"] for each in gateway.asked}) >= len(desk.phones)

        until(all_texted, _PATIENCE, "every citizen gets a text")
        # Each pick-up reads the newest rows again, so check that two more runs send nothing.
        for _ in range(2):
            pick_up("hue")
            plan()
            send(f"again {time.monotonic_ns()}")
    finally:
        writing.join()
        watcher.close()
    times = Counter(each["to"] for each in gateway.asked)
    once = sum(count == 1 for count in times.values())
    looks = sorted(watcher.looks)
    return [
        Figure(
            f"{DOSSIERS} citizens, a quarter of whose steps commit late: got one text",
            f"{once}, {len(times) - once} more often",
            f"{DOSSIERS}, 0 more often",
            once == len(times) == DOSSIERS,
        ),
        noted("one check by the watcher, median", f"{looks[len(looks) // 2] * 1000:.0f} ms"),
    ]


def _texts_while_mariadb_hangs(far: MariaDb, one_stop: OneStop, gateway: ScriptedGateway) -> list[Figure]:
    """Freeze MariaDB while it is read; return the rows that show whether the pick-up gives up.

    Meanwhile a message about a dossier of another source must be sent.
    """
    watcher, other = Watcher("hue"), Watcher("khanhhoa")
    texts_before = len(gateway.asked)
    outcome: list[str] = []

    def read() -> None:
        began = time.monotonic()
        try:
            pick_up("hue")
            outcome.append("read")
        except SourceFailed as failure:
            outcome.append(f"{time.monotonic() - began:.0f} s: {failure}")

    hanging = threading.Thread(target=read)
    try:
        watcher.look()
        far.part.freeze()
        hanging.start()
        times = dict.fromkeys(("received_at", "phone_entered_at", "updated_at", "at"), _now(one_stop))
        one_stop.both(9, "KH-1", AGENCIES[0], status_code=9, at_one_stop_desk=True, **times)

        def other_texted() -> bool:
            other.look()
            return len(gateway.asked) > texts_before

        until(other_texted, _PATIENCE, "a citizen of another source gets a text")
        meanwhile = hanging.is_alive()
        hanging.join(_PATIENCE)
        far.part.thaw()
        pick_up("hue")
    finally:
        far.part.thaw()
        hanging.join()
        watcher.close()
        other.close()
    given_up = "no answer within" in "".join(outcome)
    return [
        Figure(
            "MariaDB hangs: a citizen of another source gets a text",
            f"while it {'hung' if meanwhile else 'no longer hung'}",
            "while it hung",
            meanwhile,
        ),
        Figure("MariaDB hangs: its pick-up", "".join(outcome), "given up", given_up),
    ]


def _now(one_stop: OneStop) -> Any:
    row = one_stop.connection.execute("SELECT now() AS now").fetchone()
    assert row is not None
    return row["now"]


def figures(seed: int = 1) -> list[Figure]:
    """Run the whole proof; if a program is not installed, return one row that names Debian's packages."""
    try:
        programs = find_programs()
    except Missing as why:
        return [Figure("programs of MariaDB and mysql_fdw", str(why), "installed", False)]
    texts = statements()
    with (
        tempfile.TemporaryDirectory(prefix="motcua-wrappers-", ignore_cleanup_errors=True) as name,
        quiet_logs(),
        ExitStack() as stack,
    ):
        folder = Path(name)
        folder.chmod(0o711)
        far = stack.enter_context(_mariadb(programs, folder / "far"))
        # This server is opened after MariaDB, so it is closed first and its sessions at MariaDB end properly.
        between = stack.enter_context(_between(programs, folder / "between"))
        (folder / "ours").mkdir()
        server = stack.enter_context(proving_server(folder / "ours"))
        stack.enter_context(proving_ledger(server, "wrappers"))
        far.run(TABLES + texts["mysql: far side"])
        ask(between, "CREATE DATABASE hue ENCODING 'UTF8' TEMPLATE template0")
        hue = psycopg.conninfo.make_conninfo(between, dbname="hue")
        mysql = texts["postgres: in between, MySQL"].replace("10.1.2.3", "127.0.0.1").replace("3306", str(far.port))
        with psycopg.connect(hue, autocommit=True) as admin:
            parts = ("postgres: in between, before the rest", mysql, "postgres: in between, after the rest")
            for part in parts:
                admin.execute(cast("LiteralString", texts.get(part, part)))
        desks = stack.enter_context(
            one_stops(
                server,
                ("khanhhoa",),
                gateway={"concurrency": 4},
                MOTCUA_SOURCE_PATIENCE="PT5S",
                MOTCUA_DATA=str(folder / "data"),
            )
        )
        port = psycopg.conninfo.conninfo_to_dict(hue)["port"]
        os.environ["AIRFLOW_CONN_ONESTOP_HUE"] = f"postgres://motcua_reader:ours@127.0.0.1:{port}/hue"
        os.environ["MOTCUA_SOURCES"] = "hue=foreign_tables,khanhhoa"
        settings.cache_clear()
        since = datetime.now(UTC) - timedelta(days=60)
        in_ledger(save_agencies, [agency(each, enabled_from=since) for each in AGENCIES], "proof")
        reader = psycopg.conninfo.make_conninfo(hue, user="motcua_reader")
        desk = Desk(far, random.Random(seed))
        return [
            *_remote_queries(reader),
            *_texts_while_desk_writes(desk, desks.gateway),
            *_texts_while_mariadb_hangs(far, desks["khanhhoa"], desks.gateway),
        ]
