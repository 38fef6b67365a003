"""What the doctor reads in the files of an installation, before anything runs; each case spoils them in one way."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from dotenv import dotenv_values, set_key
from pyrage.x25519 import Identity

from motcua.jobs.doctor.examine import examine
from motcua.jobs.doctor.examining import FILES, OPTIONAL, of_folder
from motcua.jobs.doctor.server_files import FOLDERS, KNOWN_OF_DOT_ENV, LISTENING
from motcua.jobs.doctor.written import NEEDED, OF_SETTINGS, SECRETS
from motcua.settings import BOUNDS, Settings
from motcua.store.airflow_roles import SIMPLE
from tests.checks_page import PAGE, page
from tests.compose.project import COMPOSE, ENV_FILES, EXAMPLE, ROOT, SERVICES, STORE_FILE, complete_environment
from tests.ground import type_command
from tests.integration.doctor.installed import made

ONESTOP = (
    '{"conn_type": "postgres", "host": "10.20.1.5", "login": "motcua_reader", "password": "%s", "schema": "onestop"}'
)


STORE_EXAMPLE = dotenv_values(ROOT / f"{STORE_FILE}.example")["AIRFLOW_CONN_KHO"] or ""


def _write(path: Path, **variables: str) -> None:
    path.touch(mode=0o600)
    for name, value in variables.items():
        set_key(path, name, value, quote_mode="always")


def sms(secret: str, **more: object) -> str:
    extra = {"adapter": "kannel", "callback_secret": secret} | more.pop("extra", {})  # type: ignore[operator]
    return json.dumps({"conn_type": "http", "host": "10.20.2.7", **more, "extra": extra})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The files as the handbook has them filled in."""
    secret = made()
    _write(tmp_path / ".env", **complete_environment() | {"UI_URL": "https://motcua.khanhhoa.gov.vn"})
    _write(
        tmp_path / "settings.env",
        MOTCUA_SOURCES="khanhhoa=contract",
        MOTCUA_GATEWAYS="kannel",
        MOTCUA_DEPARTMENT_RECIPIENTS="lan@khanhhoa.gov.vn",
    )
    _write(
        tmp_path / "mail.env",
        MOTCUA_WATCH_RECIPIENTS="hoa@khanhhoa.gov.vn",
        AIRFLOW_CONN_SMTP_DEFAULT=json.dumps(
            {
                "conn_type": "smtp",
                "host": "mail.khanhhoa.gov.vn",
                "port": 587,
                "login": "motcua",
                "password": made(),
                "extra": {"from_email": "motcua@khanhhoa.gov.vn", "disable_ssl": True},
            }
        ),
    )
    _write(tmp_path / "sources.env", AIRFLOW_CONN_ONESTOP_KHANHHOA=ONESTOP % made())
    url = "https://motcua.khanhhoa.gov.vn/gateway/receipts/kannel"
    _write(
        tmp_path / "gateways.env",
        AIRFLOW_CONN_SMS_KANNEL=sms(secret, login="motcua", password=made(), extra={"callback_url": url}),
    )
    _write(tmp_path / "callbacks.env", AIRFLOW_CONN_SMS_KANNEL=sms(secret), MOTCUA_METRICS_SECRET="")
    for name in ("backups", "statements", "files"):
        (tmp_path / name).mkdir(mode=0o700)
    return tmp_path


def _set(file: str, name: str, value: str) -> Callable[[Path], None]:
    return lambda folder: _write(folder / file, **{name: value})


def _extra(file: str, name: str, **changes: object) -> Callable[[Path], None]:
    def spoils(folder: Path) -> None:
        given = json.loads(dotenv_values(folder / file)[name] or "")
        _write(folder / file, **{name: json.dumps(given | {"extra": given["extra"] | changes})})

    return spoils


def _without(file: str, name: str) -> Callable[[Path], None]:
    def spoils(folder: Path) -> None:
        lines = (folder / file).read_text(encoding="utf-8").splitlines(keepends=True)
        (folder / file).write_text("".join(line for line in lines if not line.startswith(f"{name}=")), encoding="utf-8")

    return spoils


def _twice(folder: Path) -> None:
    password = dotenv_values(folder / ".env")["REDIS_PASSWORD"] or ""
    _write(folder / "gateways.env", AIRFLOW_CONN_SMS_KANNEL=sms(password, login="motcua", password=made()))


def _two_of_dot_env(folder: Path) -> None:
    _write(folder / ".env", MOTCUA_APP_PASSWORD=dotenv_values(folder / ".env")["MOTCUA_OWNER_PASSWORD"] or "")


def _no_text(folder: Path) -> None:
    (folder / "mail.env").write_bytes(b"\xff\xfe\x00")


def _line(file: str, line: str) -> Callable[[Path], None]:
    """In place of what the file says of that variable, as somebody types it."""

    def spoils(folder: Path) -> None:
        _without(file, line.partition("=")[0])(folder)
        with (folder / file).open("a", encoding="utf-8") as written:
            written.write(f"\n{line}\n")

    return spoils


def _private_key(name: str) -> Callable[[Path], None]:
    def spoils(folder: Path) -> None:
        (folder / name).write_text(f"# created: 2026-11-01\n{Identity.generate()}\n", encoding="utf-8")
        (folder / name).chmod(0o600)

    return spoils


def _same_in_two_files(folder: Path) -> None:
    given = json.loads(dotenv_values(folder / "mail.env")["AIRFLOW_CONN_SMTP_DEFAULT"] or "")
    _write(folder / "sources.env", AIRFLOW_CONN_ONESTOP_KHANHHOA=ONESTOP % given["password"])


def _old_copy(folder: Path) -> None:
    shutil.copy(folder / ".env", folder / ".env.old")
    (folder / ".env.old").chmod(0o644)


SOURCE_TYPED = "AIRFLOW_CONN_ONESTOP_KHANHHOA=postgres://motcua_reader:%s@10.20.1.5:5432/onestop"

FILE_CASES: dict[str, tuple[str, str, Callable[[Path], None]]] = {
    # How they are spoilt → fault, something of where, what spoils them
    "file missing": ("file_missing", "callbacks.env", lambda folder: (folder / "callbacks.env").unlink()),
    "file no text": ("file_unreadable", "mail.env", _no_text),
    "file open": ("file_open", "gateways.env", lambda folder: (folder / "gateways.env").chmod(0o644)),
    "file open to the group": ("file_open", ".env", lambda folder: (folder / ".env").chmod(0o640)),
    "variable missing": ("variable_missing", ".env: MOTCUA_PURGE_PASSWORD", _without(".env", "MOTCUA_PURGE_PASSWORD")),
    "no key of backups": ("variable_missing", ".env: BACKUP_RECIPIENTS", _set(".env", "BACKUP_RECIPIENTS", "")),
    "secret empty": ("secret_empty", ".env: WATCH_PASSWORD", _set(".env", "WATCH_PASSWORD", "")),
    "source's password empty": (
        "secret_empty",
        "sources.env: AIRFLOW_CONN_ONESTOP_KHANHHOA",
        _set("sources.env", "AIRFLOW_CONN_ONESTOP_KHANHHOA", "postgres://motcua_reader:@10.20.1.5:5432/onestop"),
    ),
    "gateway's password empty": (
        "secret_empty",
        "gateways.env: AIRFLOW_CONN_SMS_KANNEL, password",
        _set("gateways.env", "AIRFLOW_CONN_SMS_KANNEL", "http://motcua:@10.20.2.7:13013/http?adapter=kannel"),
    ),
    "callbacks' secret empty": (
        "secret_empty",
        "callbacks.env: AIRFLOW_CONN_SMS_KANNEL, callback_secret",
        _extra("callbacks.env", "AIRFLOW_CONN_SMS_KANNEL", callback_secret=""),
    ),
    "mail's password empty": (
        "secret_empty",
        "mail.env: AIRFLOW_CONN_SMTP_DEFAULT",
        _set(
            "mail.env",
            "AIRFLOW_CONN_SMTP_DEFAULT",
            '{"host": "mail.khanhhoa.gov.vn", "login": "motcua", "extra": {"from_email": "a@khanhhoa.gov.vn"}}',
        ),
    ),
    "placeholder": ("placeholder_left", ".env: REDIS_PASSWORD", _set(".env", "REDIS_PASSWORD", "change-me")),
    "placeholder in brackets": (
        "placeholder_left",
        "sources.env",
        _set("sources.env", "AIRFLOW_CONN_ONESTOP_KHANHHOA", ONESTOP % "<password>"),
    ),
    "the example's address": ("placeholder_left", "UI_URL", _set(".env", "UI_URL", "https://motcua.example.vn")),
    "the example's callbacks": (
        "placeholder_left",
        "callback_url",
        _extra(
            "gateways.env", "AIRFLOW_CONN_SMS_KANNEL", callback_url="https://motcua.example.vn/gateway/receipts/kannel"
        ),
    ),
    "secret short": ("secret_short", ".env: AIRFLOW_JWT_SECRET", _set(".env", "AIRFLOW_JWT_SECRET", "hoa-sen-1")),
    "secret unfit": (
        "secret_unfit",
        ".env: MOTCUA_APP_PASSWORD",
        _set(".env", "MOTCUA_APP_PASSWORD", "hoa-sen@nha-trang/2026"),
    ),
    "two secrets are one": ("secret_shared", "MOTCUA_OWNER_PASSWORD", _two_of_dot_env),
    "Redis' secret is the callbacks'": ("secret_shared", "REDIS_PASSWORD", _twice),
    "Fernet key is none": ("fernet_key_invalid", "AIRFLOW_FERNET_KEY", _set(".env", "AIRFLOW_FERNET_KEY", "a" * 64)),
    "callbacks expect another": (
        "callback_secret_differs",
        "gateways.env and callbacks.env",
        _set("callbacks.env", "AIRFLOW_CONN_SMS_KANNEL", sms(made())),
    ),
    "callbacks do not know the gateway": (
        "connection_missing",
        "callbacks.env: AIRFLOW_CONN_SMS_KANNEL",
        _set("callbacks.env", "AIRFLOW_CONN_SMS_KANNEL", ""),
    ),
    "no connection of a source": (
        "connection_missing",
        "sources.env: AIRFLOW_CONN_ONESTOP_VANPHONG",
        _set("settings.env", "MOTCUA_SOURCES", "khanhhoa=contract,vanphong=opencps"),
    ),
    "a store without its connection": (
        "connection_missing",
        "store.env: AIRFLOW_CONN_KHO",
        lambda folder: _write(folder / "store.env", MOTCUA_PUBLICATIONS="s3://kho@motcua/cong-bo"),
    ),
    "a store's secret key empty": (
        "secret_empty",
        "store.env: AIRFLOW_CONN_KHO, password",
        lambda folder: _write(
            folder / "store.env",
            MOTCUA_PUBLICATIONS="s3://kho@motcua/cong-bo",
            AIRFLOW_CONN_KHO='{"conn_type": "aws", "login": "motcua", "extra": {"endpoint_url": "https://10.20.3.4"}}',
        ),
    ),
    "a store of the example": (
        "placeholder_left",
        "store.env: AIRFLOW_CONN_KHO, endpoint_url",
        lambda folder: _write(
            folder / "store.env",
            MOTCUA_PUBLICATIONS="s3://kho@motcua/cong-bo",
            AIRFLOW_CONN_KHO=STORE_EXAMPLE.replace('"password": ""', f'"password": "{made()}"'),
        ),
    ),
    "no mail server": ("mail_missing", "mail.env", _without("mail.env", "AIRFLOW_CONN_SMTP_DEFAULT")),
    "login in clear": (
        "mail_in_clear",
        "mail.env",
        _extra("mail.env", "AIRFLOW_CONN_SMTP_DEFAULT", disable_ssl=True, disable_tls=True),
    ),
    "no recipient of alerts": ("no_alert_recipient", "mail.env", _without("mail.env", "MOTCUA_WATCH_RECIPIENTS")),
    "backups kept too long": ("setting_unreadable", ".env: BACKUP_KEEP", _set(".env", "BACKUP_KEEP", "P90D")),
    "backups kept for a day": ("setting_senseless", ".env: BACKUP_KEEP", _set(".env", "BACKUP_KEEP", "PT1H")),
    "an hour that is none": ("setting_unreadable", ".env: BACKUP_TIME", _set(".env", "BACKUP_TIME", "25:30")),
    "apologies by night": (
        "setting_senseless",
        "settings.env: MOTCUA_APOLOGY_TIME",
        _set("settings.env", "MOTCUA_APOLOGY_TIME", "03:00"),
    ),
    "a time below zero": (
        "setting_unreadable",
        "settings.env: MOTCUA_USEFUL_FOR",
        _set("settings.env", "MOTCUA_USEFUL_FOR", "-P3D"),
    ),
    "everybody is a proxy": (
        "setting_senseless",
        "settings.env: MOTCUA_INTAKE_PROXIES",
        _set("settings.env", "MOTCUA_INTAKE_PROXIES", "0.0.0.0/0"),
    ),
    "misspelt in .env": ("setting_unknown", ".env: BACKUP_KEPT", _set(".env", "BACKUP_KEPT", "P20D")),
    "$ that Compose cuts": (
        "value_cut",
        "sources.env: AIRFLOW_CONN_ONESTOP",
        _line("sources.env", SOURCE_TYPED % "hoa$sen-nha-trang-2026"),
    ),
    "$ in double quotes": (
        "value_cut",
        "mail.env: MOTCUA_WATCH_WEBHOOK",
        _line("mail.env", 'MOTCUA_WATCH_WEBHOOK="https://chat.khanhhoa.gov.vn/hooks/a${b}c"'),
    ),
    "twice in one file": (
        "variable_twice",
        "settings.env: MOTCUA_SOURCES",
        lambda folder: (folder / "settings.env").write_text(
            (folder / "settings.env").read_text() + "\nMOTCUA_SOURCES=khanhhoa\n"
        ),
    ),
    "no variable": ("line_unreadable", "settings.env: line", _line("settings.env", "MOTCUA_USEFUL_FOR = 'P3D")),
    "pages open to all": ("pages_open", ".env: UI_LISTEN", _set(".env", "UI_LISTEN", "0.0.0.0:8080")),
    "pages open without a port": ("pages_open", ".env: UI_LISTEN", _set(".env", "UI_LISTEN", "0.0.0.0")),
    "a port alone": ("pages_open", ".env: UI_LISTEN", _set(".env", "UI_LISTEN", "8080")),
    "a port twice": (
        "port_twice",
        "UI_LISTEN and CALLBACKS_LISTEN",
        _set(".env", "CALLBACKS_LISTEN", "127.0.0.1:8080"),
    ),
    "a port twice, everywhere": (
        "port_twice",
        "UI_LISTEN and INTAKE_LISTEN",
        _set(".env", "INTAKE_LISTEN", "0.0.0.0:8080"),
    ),
    "no port": ("setting_unreadable", ".env: INTAKE_LISTEN", _set(".env", "INTAKE_LISTEN", "127.0.0.1:99999")),
    "no folder of backups": ("folder_unusable", "backups", lambda folder: (folder / "backups").rmdir()),
    "a file for a folder": (
        "folder_unusable",
        "statements",
        lambda folder: ((folder / "statements").rmdir(), (folder / "statements").touch()),
    ),
    "folder open to all": ("file_open", "files", lambda folder: (folder / "files").chmod(0o777)),
    "private key": ("private_key_here", "identity.txt", _private_key("identity.txt")),
    "private key among the backups": ("private_key_here", "backups/a.key", _private_key("backups/a.key")),
    "everybody signs in": (
        "sign_in_open",
        ".env: AIRFLOW_AUTH_MANAGER",
        _set(".env", "AIRFLOW_AUTH_MANAGER", SIMPLE),
    ),
    "source without TLS": (
        "connection_in_clear",
        "sources.env: AIRFLOW_CONN_ONESTOP_KHANHHOA",
        _line("sources.env", f"{SOURCE_TYPED % made()}?sslmode=disable"),
    ),
    "callback in clear": (
        "address_in_clear",
        "gateways.env: AIRFLOW_CONN_SMS_KANNEL, callback_url",
        _extra(
            "gateways.env",
            "AIRFLOW_CONN_SMS_KANNEL",
            callback_url="http://motcua.khanhhoa.gov.vn/gateway/receipts/kannel",
        ),
    ),
    "pages in clear": ("address_in_clear", ".env: UI_URL", _set(".env", "UI_URL", "http://motcua.khanhhoa.gov.vn")),
    "one secret of others twice": ("secret_shared", "sources.env", _same_in_two_files),
    "copy of the secrets": ("file_open", ".env.old", _old_copy),
    "no source": (
        "connection_unused",
        "ONESTOP_KHANHHOA",
        _set("settings.env", "MOTCUA_SOURCES", "khanhhoa2=contract"),
    ),
}


@pytest.mark.guarantee(
    "installation", "the doctor reads an installation's files before anything runs, and names each fault"
)
@pytest.mark.parametrize("how", FILE_CASES)
def test_each_fault_of_the_files_is_named_and_no_other(how: str, folder: Path) -> None:
    assert examine(of_folder(folder)).findings == ()
    fault, where, spoils = FILE_CASES[how]
    spoils(folder)
    named = examine(of_folder(folder)).findings
    if how == "no source":
        # The one that is named now has no connection, either.
        assert {each.name for each in named} == {"connection_missing", "connection_unused"}
    else:
        assert [each.name for each in named] == [fault]
    assert any(where in each.subject for each in named)


def test_software_that_pushes_needs_no_connection_of_its_own(folder: Path) -> None:
    _write(folder / "settings.env", MOTCUA_SOURCES="khanhhoa=contract,hue=national_sync")
    assert examine(of_folder(folder)).findings == ()


def test_the_examples_as_they_are_have_every_secret_empty_and_all_are_named_at_once(tmp_path: Path) -> None:
    for file in FILES:
        shutil.copy(ROOT / f"{file}.example", tmp_path / file)
        (tmp_path / file).chmod(0o600)
    named = examine(of_folder(tmp_path)).findings
    empty = {each.subject for each in named if each.name == "secret_empty"}
    assert {f".env: {name}" for name in SECRETS} <= empty
    connections = {where.partition(": ")[2].partition(",")[0] for where in empty if "CONN" in where}
    assert connections == {
        "AIRFLOW_CONN_KHO",
        "AIRFLOW_CONN_ONESTOP_KHANHHOA",
        "AIRFLOW_CONN_ONESTOP_VANPHONG",
        "AIRFLOW_CONN_SMS_KANNEL",
    }
    assert "callbacks.env: AIRFLOW_CONN_SMS_KANNEL, callback_secret" in empty
    assert {"mail_missing", "no_alert_recipient", "no_report_recipient"} <= {each.name for each in named}


def test_what_is_needed_is_what_compose_refuses_to_start_without() -> None:
    assert {name for name, value in EXAMPLE.items() if not value} == set(NEEDED)
    assert set(FILES) == {".env", *ENV_FILES, STORE_FILE}
    assert {STORE_FILE} == OPTIONAL


def test_what_compose_makes_of_the_files_is_what_the_doctor_knows() -> None:
    assert set(EXAMPLE) == KNOWN_OF_DOT_ENV
    said = str(COMPOSE)
    for field, name in OF_SETTINGS.items():
        assert f"'MOTCUA_{field.upper()}': '${{{name}:-" in said
    published = {port for service in SERVICES.values() for port in service.get("ports", ())}
    assert {f"${{{name}:-{usual}}}" for name, usual in LISTENING.items()} == {
        each.rpartition(":")[0] for each in published
    }
    mounted = {volume.split(":")[0] for service in SERVICES.values() for volume in service.get("volumes", ())}
    assert {f"./{name}" for name in FOLDERS} == {each for each in mounted if each.startswith("./")}
    assert {bound.name for bound in BOUNDS} <= Settings.model_fields.keys()


def test_a_dollar_in_single_quotes_is_taken_as_it_stands(folder: Path) -> None:
    _write(folder / "sources.env", AIRFLOW_CONN_ONESTOP_KHANHHOA=ONESTOP % "hoa$sen-nha-trang-2026")
    _line("mail.env", "MOTCUA_WATCH_WEBHOOK=https://chat.khanhhoa.gov.vn/hooks/a$$b")(folder)
    assert examine(of_folder(folder)).findings == ()


def test_no_secret_of_the_files_is_shown(folder: Path) -> None:
    for how in ("two secrets are one", "secret short", "callbacks expect another", "login in clear", "file open"):
        FILE_CASES[how][2](folder)
    told = type_command("doctor", "--files", str(folder), exits=1)
    assert "secret_shared" in told.output
    values = [
        value for file in FILES for name, value in dotenv_values(folder / file).items() if name in SECRETS and value
    ]
    assert len(values) == len(SECRETS)
    assert [value for value in values if value in told.output] == []


def test_the_handbook_has_every_check_with_what_to_do() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run: python -m tests.checks_page"
