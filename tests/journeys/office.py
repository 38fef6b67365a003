"""Set up an *office* for the browser tests: Airflow's API server with the staff pages, and a ledger with prepared rows.

The ledger has two agencies. The project's jobs read their dossiers and send through a gateway on the loopback
interface. Some messages are delivered, some are suppressed for want of a phone number, and the outcome of one is
unknown. The ledger also has a quality check, a closing (the fixed figures of yesterday) and its publication, a
complaint, and a dossier whose texts look like an attack. Users sign in with Airflow's own form.
"""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest
from playwright.sync_api import Page
from psycopg.conninfo import conninfo_to_dict
from psycopg.rows import dict_row

from motcua.domain.clock import VIETNAM
from motcua.domain.periods import Period
from motcua.jobs.handed_in.complaints import Entry, record_complaint
from motcua.jobs.notices.sending.sender import send
from motcua.jobs.publications.publishing import publish
from motcua.jobs.quality.checking import check_quality
from motcua.jobs.reconciliation.closing import close_period
from motcua.sandbox.machine.deployment import postgres_connection
from motcua.sandbox.machine.parts import Part, answers_http
from motcua.sandbox.network.scripted import ScriptedGateway
from motcua.settings import settings
from motcua.store.agencies import save_agencies
from motcua.store.ledger.database import close_ledger_pool, connect
from motcua.store.ledger.provisioning import with_database
from motcua.store.ledger.sessions import Run, work_for
from motcua.store.people import give_agency
from tests.ground import (
    NHA_TRANG,
    TU_PHAP,
    OneStop,
    Server,
    agency,
    free_port,
    gateway_connection,
    in_ledger,
    ledger_connections,
    receive,
    take_in,
)

PREFIX = "/mot-cua/tin-nhan"
"""The path below which Airflow serves all its addresses, as behind a province's proxy."""
HOSTILE = "<script>alert(1)</script>&\"'`"
PHONES = {
    "told": "0905111222",
    "unknown": "0905333444",
    "other": "0905555666",
    "waiting": "0905777888",
    "same_day": "0905999111",
}
SAME_DAY_PROCEDURE = "2.000815"
USERS = {"lan": "op", "hoa": "agency", "minh": "agency", "mai": "clerk", "binh": "viewer"}
"""Users with their roles in Airflow.

In this order, they are a user of the Department, an agency's administrator, an administrator without an agency, a clerk
and an auditor.
"""
_READY_WITHIN = 180


@dataclass(frozen=True)
class Office:
    """Addresses and passwords of a running office."""

    url: str
    """The address below which Airflow serves all its pages, with a slash at its end."""
    passwords: dict[str, str]
    ledger: str
    """An administrator's DSN of the ledger."""
    now: datetime


def codes_of(moment: datetime) -> dict[str, str]:
    day = moment.astimezone(VIETNAM)
    names = ("told", "no_phone", "unknown", "other", "same_day")
    return {name: f"{day:%y%m%d}{number:03}" for number, name in enumerate(names, 1)}


def _make_story(one_stop: OneStop, gateway: ScriptedGateway, now: datetime) -> None:
    """Write dossiers of yesterday and today, and run the jobs that plan and send their messages."""
    yesterday = now - timedelta(days=1)
    codes = codes_of(now)
    done = {"received_at": yesterday, "updated_at": yesterday, "status_code": 9, "at_one_stop_desk": True}
    one_stop.dossier(codes["told"], applicant_phone=PHONES["told"], **done)
    one_stop.dossier(codes["no_phone"], applicant_phone="", **done)
    one_stop.dossier(codes["unknown"], applicant_phone=PHONES["unknown"], received_at=yesterday, updated_at=yesterday)
    one_stop.dossier(codes["other"], TU_PHAP, applicant_phone=PHONES["other"], **done)
    at_once = done | {"due_at": yesterday, "procedure_code": SAME_DAY_PROCEDURE}
    one_stop.dossier(codes["same_day"], applicant_phone=PHONES["same_day"], **at_once)
    one_stop.dossier(HOSTILE, applicant_name=HOSTILE, applicant_phone="không có", step_name=HOSTILE)
    one_stop.dossier("DANG-XU-LY", applicant_phone=PHONES["waiting"], due_at=now + timedelta(days=3))
    one_stop.move(9, codes["told"], at=yesterday)
    one_stop.move(9, codes["other"], TU_PHAP, at=yesterday)
    one_stop.move(9, codes["same_day"], at=yesterday)
    one_stop.move(9, codes["no_phone"], at=yesterday)
    one_stop.move(9, HOSTILE, at=yesterday)
    work_for(Run("notify_transitions", "run"))
    take_in(now=yesterday)
    send("run", clock=lambda: yesterday)
    work_for(None)
    with psycopg.connect(os.environ["OFFICE_LEDGER"], row_factory=dict_row) as ledger:
        references = [each["reference"] for each in ledger.execute("SELECT reference FROM motcua.attempts")]
    with connect() as connection:
        for reference in references:
            receive(connection, reference, "1")
    # The gateway does not answer today's one message, so its outcome stays unknown.
    one_stop.move(9, codes["unknown"], at=now - timedelta(minutes=3))
    take_in(now=now)
    gateway.script = ["hang"]
    send("run", clock=lambda: now)


def _make_records(now: datetime) -> None:
    """Make a quality check, a closing, a publication and a complaint."""
    check_quality("scheduled__office", now)
    closing = close_period(Period.day_before(now), "scheduled__office", now).closing.closing_no
    publish(closing, now)
    with connect() as connection:
        heard_at = now.astimezone(VIETNAM).strftime("%Y-%m-%d %H:%M")
        entry = Entry(NHA_TRANG, codes_of(now)["told"], heard_at, "hotline", "never_received", HOSTILE)
        record_complaint(connection, entry, "office", "lan", now)
        for user in ("hoa", "mai"):
            give_agency(connection, user, NHA_TRANG, "lan", now)
        connection.commit()


@contextmanager
def office(postgres: Server, migrated: str, folder: Path) -> Iterator[Office]:
    """Run an office until the block ends."""
    now = datetime.now(UTC).replace(microsecond=0)
    name, source = postgres.fresh_database(migrated, "ledger"), postgres.fresh_database("template0", "onestop")
    airflow = postgres.fresh_database("template0", "airflow")
    admin = conninfo_to_dict(postgres.admin_dsn)
    own = f"{admin['user']}:{admin['password']}@{admin['host']}:{admin['port']}"
    gateway = ScriptedGateway()
    with pytest.MonkeyPatch.context() as patch:
        variables = {
            **ledger_connections(postgres.admin_dsn, name),
            "AIRFLOW_CONN_ONESTOP_KHANHHOA": postgres_connection(with_database(postgres.admin_dsn, source)),
            "AIRFLOW_CONN_SMS_KANNEL": gateway_connection(gateway.port, concurrency=4, answer_timeout=0.5),
            "MOTCUA_SOURCES": "khanhhoa",
            "MOTCUA_GATEWAYS": "kannel",
            "MOTCUA_JOURNAL": str(folder / "journal"),
            "MOTCUA_DATA": str(folder / "data"),
            "MOTCUA_PUBLICATIONS": (folder / "publications").as_uri(),
            "OFFICE_LEDGER": with_database(postgres.admin_dsn, name),
        }
        for key, value in variables.items():
            patch.setenv(key, value)
        settings.cache_clear()
        since = now - timedelta(days=30)
        in_ledger(
            save_agencies,
            [
                agency(NHA_TRANG, name="Ủy ban nhân dân thành phố Nha Trang", enabled_from=since),
                agency(TU_PHAP, name="Sở Tư pháp", accented=True, enabled_from=since),
            ],
            "tests",
        )
        one_stop = OneStop(with_database(postgres.admin_dsn, source))
        _make_story(one_stop, gateway, now)
        _make_records(now)
        one_stop.connection.close()
        port = free_port()
        url = f"http://127.0.0.1:{port}{PREFIX}/"
        passwords = {user: secrets.token_urlsafe(12) for user in USERS}
        try:
            with _api_server(folder, url, f"postgresql+psycopg2://{own}/{airflow}", passwords):
                yield Office(url, passwords, with_database(postgres.admin_dsn, name), now)
        finally:
            gateway.close()
            close_ledger_pool()
            settings.cache_clear()
            for database in (name, source, airflow):
                postgres.drop_database(database)


@contextmanager
def _api_server(folder: Path, url: str, database: str, passwords: dict[str, str]) -> Iterator[None]:
    root = Path(__file__).parents[2]
    home = folder / "airflow"
    home.mkdir()
    (home / "airflow.cfg").touch()
    (home / "passwords.json").write_text(json.dumps(passwords))
    environment = os.environ | {
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__API__BASE_URL": url,
        "AIRFLOW__API__HOST": "127.0.0.1",
        "AIRFLOW__API__PORT": str(urlsplit(url).port),
        "AIRFLOW__API__WORKERS": "1",
        "AIRFLOW__API__SECRET_KEY": secrets.token_hex(16),
        "AIRFLOW__API_AUTH__JWT_SECRET": secrets.token_hex(32),
        "AIRFLOW__CORE__AUTH_MANAGER": "motcua.sandbox.sign_in.DemoAuthManager",
        "AIRFLOW__CORE__DAGS_FOLDER": str(root / "dags"),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(root / "plugins"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(home / "passwords.json"),
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": ",".join(f"{user}:{role}" for user, role in USERS.items()),
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": database,
    }
    subprocess.run([sys.executable, "-m", "airflow", "db", "migrate"], env=environment, check=True, capture_output=True)
    with Part(
        "the API server",
        [sys.executable, "-m", "airflow", "api-server"],
        folder / "api-server.log",
        environment=environment,
        ready=lambda: answers_http(f"{url}api/v2/version"),
        ready_within=_READY_WITHIN,
    ):
        yield


def sign_in(page: Page, office: Office, user: str, address: str = "") -> None:
    """Open an address of the office, and sign in on the page to which Airflow redirects."""
    page.goto(office.url + address)
    page.get_by_label("Username").fill(user)
    page.get_by_label("Password").fill(office.passwords[user])
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(lambda url: "/auth/login" not in url)
