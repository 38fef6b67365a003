"""Test ``motcua doctor`` on the files of an installation, before any service of the installation runs."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from dotenv import dotenv_values, set_key
from pyrage.x25519 import Identity

from motcua.jobs.doctor import server_files
from motcua.jobs.doctor.examine import examine
from motcua.jobs.doctor.examining import FILES, OPTIONAL, of_folder
from motcua.jobs.doctor.server_files import FOLDERS, KNOWN_OF_DOT_ENV, LISTENING, OWN_CERTIFICATE
from motcua.jobs.doctor.written import AUDIT, NEEDED, OF_SETTINGS, SECRETS
from motcua.settings import BOUNDS, Settings
from motcua.store.airflow_roles import SIMPLE
from tests.checks_page import PAGE, page
from tests.compose.project import COMPOSE, ENV_FILES, EXAMPLE, ROOT, SERVICES, STORE_FILE, complete_environment
from tests.ground import memory_folder, type_command
from tests.integration.doctor.installed import made

ONESTOP = (
    '{"conn_type": "postgres", "host": "10.20.1.5", "login": "motcua_reader", "password": "%s", "schema": "onestop"}'
)


STORE_EXAMPLE = dotenv_values(ROOT / f"{STORE_FILE}.example")["AIRFLOW_CONN_KHO"] or ""


def _write_variables(path: Path, **variables: str) -> None:
    path.touch(mode=0o600)
    for name, value in variables.items():
        set_key(path, name, value, quote_mode="always")


def sms(secret: str, **more: object) -> str:
    extra = {"adapter": "kannel", "callback_secret": secret} | more.pop("extra", {})  # type: ignore[operator]
    return json.dumps({"conn_type": "http", "host": "10.20.2.7", **more, "extra": extra})


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Write an installation's files, filled in as the handbook says. The services' user is the user of the tests."""
    monkeypatch.setattr(server_files, "SERVICES_USER", os.getuid())
    secret = made()
    _write_variables(tmp_path / ".env", **complete_environment() | {"UI_URL": "https://motcua.khanhhoa.gov.vn"})
    _write_variables(
        tmp_path / "settings.env",
        MOTCUA_SOURCES="khanhhoa=contract",
        MOTCUA_GATEWAYS="kannel",
        MOTCUA_DEPARTMENT_RECIPIENTS="lan@khanhhoa.gov.vn",
        MOTCUA_WATCHED_FROM="giamsat-02",
        MOTCUA_BACKUPS_GO="may-saoluu-01",
    )
    _write_variables(
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
    _write_variables(tmp_path / "sources.env", AIRFLOW_CONN_ONESTOP_KHANHHOA=ONESTOP % made())
    url = "https://motcua.khanhhoa.gov.vn/gateway/receipts/kannel"
    _write_variables(
        tmp_path / "gateways.env",
        AIRFLOW_CONN_SMS_KANNEL=sms(secret, login="motcua", password=made(), extra={"callback_url": url}),
    )
    _write_variables(tmp_path / "callbacks.env", AIRFLOW_CONN_SMS_KANNEL=sms(secret), MOTCUA_METRICS_SECRET="")
    for name in FOLDERS:
        (tmp_path / name).mkdir(mode=0o700)
    return tmp_path


def _set_variable(file: str, name: str, value: str) -> Callable[[Path], None]:
    return lambda folder: _write_variables(folder / file, **{name: value})


def _change_extra(file: str, name: str, **changes: object) -> Callable[[Path], None]:
    def spoils(folder: Path) -> None:
        given = json.loads(dotenv_values(folder / file)[name] or "")
        _write_variables(folder / file, **{name: json.dumps(given | {"extra": given["extra"] | changes})})

    return spoils


def _remove_variable(file: str, name: str) -> Callable[[Path], None]:
    def spoils(folder: Path) -> None:
        lines = (folder / file).read_text(encoding="utf-8").splitlines(keepends=True)
        (folder / file).write_text("".join(line for line in lines if not line.startswith(f"{name}=")), encoding="utf-8")

    return spoils


def _use_password_twice(folder: Path) -> None:
    password = dotenv_values(folder / ".env")["WATCH_PASSWORD"] or ""
    _write_variables(folder / "gateways.env", AIRFLOW_CONN_SMS_KANNEL=sms(password, login="motcua", password=made()))


def _two_of_dot_env(folder: Path) -> None:
    _write_variables(folder / ".env", MOTCUA_APP_PASSWORD=dotenv_values(folder / ".env")["MOTCUA_OWNER_PASSWORD"] or "")


def _append_line(file: str, line: str) -> Callable[[Path], None]:
    def spoils(folder: Path) -> None:
        with (folder / file).open("a", encoding="utf-8") as written:
            written.write(f"\n{line}\n")

    return spoils


def _replace_line(file: str, line: str) -> Callable[[Path], None]:
    """Return a function that replaces a variable's line in a file by exactly ``line``."""

    def spoils(folder: Path) -> None:
        _remove_variable(file, line.partition("=")[0])(folder)
        _append_line(file, line)(folder)

    return spoils


def _private_key(name: str) -> Callable[[Path], None]:
    def spoils(folder: Path) -> None:
        (folder / name).write_text(f"# created: 2026-11-01\n{Identity.generate()}\n", encoding="utf-8")
        (folder / name).chmod(0o600)

    return spoils


def _same_in_two_files(folder: Path) -> None:
    given = json.loads(dotenv_values(folder / "mail.env")["AIRFLOW_CONN_SMTP_DEFAULT"] or "")
    _write_variables(folder / "sources.env", AIRFLOW_CONN_ONESTOP_KHANHHOA=ONESTOP % given["password"])


def _old_copy(folder: Path) -> None:
    shutil.copy(folder / ".env", folder / ".env.old")
    (folder / ".env.old").chmod(0o644)


SOURCE_TYPED = "AIRFLOW_CONN_ONESTOP_KHANHHOA=postgres://motcua_reader:%s@10.20.1.5:5432/onestop"

NOBODY = 65_534
Case = tuple[str, str, Callable[[Path], object]]
"""The name of the expected fault, a part of the place that the doctor names, and the function that causes the fault."""
KHANHHOA, KANNEL, SMTP = "AIRFLOW_CONN_ONESTOP_KHANHHOA", "AIRFLOW_CONN_SMS_KANNEL", "AIRFLOW_CONN_SMTP_DEFAULT"
SIGNED = "nowhere, Nguyễn Văn An, 2026-12-01"
NO_MAIL_WORD = '{"host": "mail.khanhhoa.gov.vn", "login": "motcua", "extra": {"from_email": "a@khanhhoa.gov.vn"}}'


def _file_for_a_folder(folder: Path) -> None:
    (folder / "statements").rmdir()
    (folder / "statements").touch()


def _backups_beside(folder: Path) -> None:
    (folder / "sao-luu").mkdir(mode=0o700)
    _write_variables(folder / "settings.env", MOTCUA_BACKUPS_GO=str(folder / "sao-luu"))
    _write_variables(folder / ".env", BACKUPS=str(folder / "sao-luu"))


def _publish_to_store(**connection: str) -> Callable[[Path], None]:
    return lambda folder: _write_variables(
        folder / "store.env", MOTCUA_PUBLICATIONS="s3://kho@motcua/cong-bo", **connection
    )


ROUNDS: dict[str, list[Case]] = {
    # A test causes all faults of one entry together, so no fault may hide another fault of the same entry.
    "files": [
        ("file_missing", "callbacks.env", lambda folder: (folder / "callbacks.env").unlink()),
        ("file_unreadable", "mail.env", lambda folder: (folder / "mail.env").write_bytes(b"\xff\xfe\x00")),
        ("file_open", "gateways.env", lambda folder: (folder / "gateways.env").chmod(0o644)),
        ("file_open", ".env", lambda folder: (folder / ".env").chmod(0o640)),
        ("file_open", "files", lambda folder: (folder / "files").chmod(0o777)),
        ("file_open", ".env.old", _old_copy),
        ("folder_unusable", "backups", lambda folder: (folder / "backups").rmdir()),
        ("folder_unusable", "statements", _file_for_a_folder),
        ("private_key_here", "identity.txt", _private_key("identity.txt")),
    ],
    ".env": [
        ("variable_missing", ".env: MOTCUA_PURGE_PASSWORD", _remove_variable(".env", "MOTCUA_PURGE_PASSWORD")),
        ("variable_missing", ".env: BACKUP_RECIPIENTS", _set_variable(".env", "BACKUP_RECIPIENTS", "")),
        ("secret_empty", ".env: WATCH_PASSWORD", _set_variable(".env", "WATCH_PASSWORD", "")),
        (
            "placeholder_left",
            ".env: MOTCUA_AIRFLOW_PASSWORD",
            _set_variable(".env", "MOTCUA_AIRFLOW_PASSWORD", "change-me"),
        ),
        ("placeholder_left", "UI_URL", _set_variable(".env", "UI_URL", "https://motcua.example.vn")),
        ("secret_short", ".env: MOTCUA_PAGES_PASSWORD", _set_variable(".env", "MOTCUA_PAGES_PASSWORD", "hoa-sen-1")),
        ("secret_unfit", "MOTCUA_APP_PASSWORD", _set_variable(".env", "MOTCUA_APP_PASSWORD", "hoa-sen@nha-trang/2026")),
        ("fernet_key_invalid", "AIRFLOW_SECRET", _set_variable(".env", "AIRFLOW_SECRET", "a" * 64)),
        ("setting_unreadable", ".env: BACKUP_KEEP", _set_variable(".env", "BACKUP_KEEP", "P90D")),
        ("setting_unreadable", ".env: BACKUP_TIME", _set_variable(".env", "BACKUP_TIME", "25:30")),
        ("setting_unreadable", ".env: HTTP_LISTEN", _set_variable(".env", "HTTP_LISTEN", "127.0.0.1:99999")),
        (
            "setting_unreadable",
            ".env: GATEWAY_NETWORKS",
            _set_variable(".env", "GATEWAY_NETWORKS", "10.20.2.7 10.20.2.300"),
        ),
        ("setting_unreadable", ".env: INTAKE_NETWORKS", _set_variable(".env", "INTAKE_NETWORKS", "0.0.0.0/0")),
        ("setting_unreadable", ".env: TLS", _set_variable(".env", "TLS", "/etc/ssl/motcua.pem /etc/ssl/motcua.key")),
        (
            "setting_unreadable",
            "settings.env: MOTCUA_INTAKE_PROXIES",
            _set_variable("settings.env", "MOTCUA_INTAKE_PROXIES", "10.20.2.0/99,proxy"),
        ),
        ("setting_unknown", ".env: BACKUP_KEPT", _set_variable(".env", "BACKUP_KEPT", "P20D")),
        ("sign_in_open", ".env: AIRFLOW_AUTH_MANAGER", _set_variable(".env", "AIRFLOW_AUTH_MANAGER", SIMPLE)),
    ],
    "connections": [
        ("secret_empty", f"sources.env: {KHANHHOA}", _replace_line("sources.env", SOURCE_TYPED % "")),
        (
            "secret_empty",
            f"gateways.env: {KANNEL}, password",
            _set_variable("gateways.env", KANNEL, "http://motcua:@10.20.2.7:13013/http?adapter=kannel"),
        ),
        (
            "secret_empty",
            f"callbacks.env: {KANNEL}, callback_secret",
            _change_extra("callbacks.env", KANNEL, callback_secret=""),
        ),
        ("secret_empty", f"mail.env: {SMTP}", _set_variable("mail.env", SMTP, NO_MAIL_WORD)),
        (
            "secret_empty",
            "store.env: AIRFLOW_CONN_KHO, password",
            _publish_to_store(
                AIRFLOW_CONN_KHO='{"conn_type": "aws", "login": "a", "extra": {"endpoint_url": "https://10.20.3.4"}}'
            ),
        ),
        ("no_alert_recipient", "mail.env", _remove_variable("mail.env", "MOTCUA_WATCH_RECIPIENTS")),
    ],
    "the examples' values": [
        ("placeholder_left", "sources.env", _set_variable("sources.env", KHANHHOA, ONESTOP % "<password>")),
        (
            "placeholder_left",
            "callback_url",
            _change_extra("gateways.env", KANNEL, callback_url="https://motcua.example.vn/gateway/receipts/kannel"),
        ),
        (
            "placeholder_left",
            "store.env: AIRFLOW_CONN_KHO, endpoint_url",
            _publish_to_store(AIRFLOW_CONN_KHO=STORE_EXAMPLE.replace('"password": ""', f'"password": "{made()}"')),
        ),
        ("mail_missing", "mail.env", _remove_variable("mail.env", SMTP)),
        (
            "watched_from_nowhere",
            "settings.env: MOTCUA_WATCHED_FROM",
            _remove_variable("settings.env", "MOTCUA_WATCHED_FROM"),
        ),
        (
            "backups_stay_here",
            "settings.env: MOTCUA_BACKUPS_GO",
            _set_variable("settings.env", "MOTCUA_BACKUPS_GO", SIGNED),
        ),
        ("brandname_unregistered", f"gateways.env: {KANNEL}", _change_extra("gateways.env", KANNEL, registered="")),
    ],
    "secrets that are shared": [
        ("secret_shared", "MOTCUA_OWNER_PASSWORD", _two_of_dot_env),
        ("secret_shared", "WATCH_PASSWORD", _use_password_twice),
        ("secret_shared", "sources.env", _same_in_two_files),
    ],
    "connections that are missing": [
        ("connection_missing", f"callbacks.env: {KANNEL}", _set_variable("callbacks.env", KANNEL, "")),
        ("connection_missing", "store.env: AIRFLOW_CONN_KHO", _publish_to_store()),
        (
            "connection_missing",
            "sources.env: AIRFLOW_CONN_ONESTOP_VANPHONG",
            _set_variable("settings.env", "MOTCUA_SOURCES", "vanphong=opencps"),
        ),
        ("connection_unused", "ONESTOP_KHANHHOA", lambda folder: None),
    ],
    "settings": [
        (
            "setting_senseless",
            "settings.env: MOTCUA_APOLOGY_TIME",
            _set_variable("settings.env", "MOTCUA_APOLOGY_TIME", "03:00"),
        ),
        (
            "setting_unreadable",
            "settings.env: MOTCUA_USEFUL_FOR",
            _set_variable("settings.env", "MOTCUA_USEFUL_FOR", "-P3D"),
        ),
        (
            "setting_senseless",
            "settings.env: MOTCUA_INTAKE_PROXIES",
            _set_variable("settings.env", "MOTCUA_INTAKE_PROXIES", "0.0.0.0/0"),
        ),
        ("setting_senseless", ".env: BACKUP_KEEP", _set_variable(".env", "BACKUP_KEEP", "PT1H")),
        ("variable_twice", "settings.env: MOTCUA_SOURCES", _append_line("settings.env", "MOTCUA_SOURCES=khanhhoa")),
        ("line_unreadable", "settings.env: line", _append_line("settings.env", "MOTCUA_USEFUL_FOR = 'P3D")),
        (
            "value_cut",
            f"sources.env: {KHANHHOA}",
            _replace_line("sources.env", SOURCE_TYPED % "hoa$sen-nha-trang-2026"),
        ),
        (
            "value_cut",
            "mail.env: MOTCUA_WATCH_WEBHOOK",
            _replace_line("mail.env", 'MOTCUA_WATCH_WEBHOOK="https://chat.khanhhoa.gov.vn/hooks/a${b}c"'),
        ),
    ],
    "what was decided": [
        ("watched_from_nowhere", SIGNED, _set_variable("settings.env", "MOTCUA_WATCHED_FROM", SIGNED)),
        ("backups_stay_here", "on the disk of", _backups_beside),
        ("certificate_wrong", ".env: TLS", _set_variable(".env", "TLS", OWN_CERTIFICATE)),
        (
            "recipients_shared",
            "DEPARTMENT",
            _set_variable("mail.env", "MOTCUA_WATCH_RECIPIENTS", "Lan@khanhhoa.gov.vn"),
        ),
    ],
    "in clear": [
        ("mail_in_clear", "mail.env", _change_extra("mail.env", SMTP, disable_ssl=True, disable_tls=True)),
        (
            "connection_in_clear",
            f"sources.env: {KHANHHOA}",
            _replace_line("sources.env", f"{SOURCE_TYPED % made()}?sslmode=disable"),
        ),
        (
            "address_in_clear",
            f"gateways.env: {KANNEL}, callback_url",
            _change_extra("gateways.env", KANNEL, callback_url="http://motcua.khanhhoa.gov.vn/gateway/receipts/kannel"),
        ),
        ("address_in_clear", ".env: UI_URL", _set_variable(".env", "UI_URL", "http://motcua.khanhhoa.gov.vn")),
        ("port_twice", "HTTPS_LISTEN and HTTP_LISTEN", _set_variable(".env", "HTTP_LISTEN", "443")),
    ],
    "a port twice, everywhere": [
        ("port_twice", "HTTPS_LISTEN and HTTP_LISTEN", _set_variable(".env", "HTTP_LISTEN", "10.20.3.1:443")),
        (
            "callback_secret_differs",
            "gateways.env and callbacks.env",
            _set_variable("callbacks.env", KANNEL, sms(made())),
        ),
        ("private_key_here", "backups/a.key", _private_key("backups/a.key")),
    ],
}


@pytest.mark.guarantee(
    "installation", "the doctor names all faults of an installation and of its files at once, and no other"
)
@pytest.mark.parametrize("how", ROUNDS)
def test_each_fault_of_the_files_is_named_and_no_other(how: str, folder: Path) -> None:
    for _, _, spoils in ROUNDS[how]:
        spoils(folder)
    named = examine(of_folder(folder)).findings
    assert sorted(each.name for each in named) == sorted(fault for fault, _, _ in ROUNDS[how])
    for fault, where, _ in ROUNDS[how]:
        places = [f"{each.subject} {each.detail}" for each in named if each.name == fault]
        assert any(where in each for each in places), (where, named)


def test_callbacks_need_the_secret_with_which_a_gateway_signs_its_reports(folder: Path) -> None:
    def found() -> list[str]:
        return [f"{each.name} {each.subject}" for each in examine(of_folder(folder)).findings]

    zalo = "AIRFLOW_CONN_SMS_ZALO"
    _write_variables(folder / "settings.env", MOTCUA_GATEWAYS="zalo,kannel")
    account = {"host": "https://business.openapi.zalo.me", "login": "3210123210123", "password": made()}
    whole = {"adapter": "zalo", "refresh_token": made()}
    _write_variables(folder / "gateways.env", **{zalo: json.dumps({"conn_type": "http", **account, "extra": whole})})
    assert found() == [f"connection_missing callbacks.env: {zalo}"]
    callbacks = {"adapter": "zalo", "app_id": "3210123210123", "webhook_secret": ""}
    _write_variables(
        folder / "callbacks.env", **{zalo: json.dumps({"host": "business.openapi.zalo.me", "extra": callbacks})}
    )
    _change_extra("gateways.env", zalo, refresh_token="")(folder)
    assert found() == [
        f"secret_empty gateways.env: {zalo}, refresh_token",
        f"secret_empty callbacks.env: {zalo}, webhook_secret",
    ]
    _change_extra("gateways.env", zalo, refresh_token=made())(folder)
    _change_extra("callbacks.env", zalo, webhook_secret=made())(folder)
    assert found() == []


def test_files_as_the_handbook_has_them_have_no_fault(folder: Path) -> None:
    assert examine(of_folder(folder)).findings == ()
    # A source that gets pushes needs no connection, and a dollar sign in single quotes is an ordinary character.
    _write_variables(folder / "settings.env", MOTCUA_SOURCES="khanhhoa=contract,hue=national_sync")
    _write_variables(folder / "sources.env", AIRFLOW_CONN_ONESTOP_KHANHHOA=ONESTOP % "hoa$sen-nha-trang-2026")
    _replace_line("mail.env", "MOTCUA_WATCH_WEBHOOK=https://chat.khanhhoa.gov.vn/hooks/a$$b")(folder)
    assert examine(of_folder(folder)).findings == ()


def test_whoever_owns_the_files_may_look_although_the_folders_are_the_services_own(folder: Path) -> None:
    """Folders that only the services' user may open are no fault when the owner of the files runs the doctor.

    This owner need not be root.
    """
    _write_variables(folder / ".env", TLS=OWN_CERTIFICATE)
    with memory_folder() as place:
        there = Path(shutil.copytree(folder, place / "motcua"))
        there.chmod(0o755)
        if os.getuid() == 0:
            for path in there.glob(".env"), there.glob("*.env"):
                for each in path:
                    os.chown(each, NOBODY, NOBODY)
        for name in FOLDERS:
            (there / name).chmod(0o700 if os.getuid() == 0 else 0)
        os.seteuid(NOBODY if os.getuid() == 0 else os.getuid())
        try:
            assert examine(of_folder(there)).findings == ()
        finally:
            os.seteuid(os.getuid())
            for name in FOLDERS:
                (there / name).chmod(0o700)


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


def test_needed_variables_are_those_that_are_empty_in_the_example() -> None:
    assert {name for name, value in EXAMPLE.items() if not value} == set(NEEDED)
    assert set(FILES) == {".env", *ENV_FILES, STORE_FILE}
    assert {STORE_FILE} == OPTIONAL


def test_doctor_knows_the_variables_ports_and_folders_of_compose() -> None:
    assert {*EXAMPLE, AUDIT} == KNOWN_OF_DOT_ENV
    said = str(COMPOSE)
    for field, name in OF_SETTINGS.items():
        assert f"'MOTCUA_{field.upper()}': '${{{name}:-" in said
    published = {port for service in SERVICES.values() for port in service.get("ports", ())}
    assert {f"${{{name}:-{usual}}}" for name, usual in LISTENING.items()} == {
        each.rpartition(":")[0] for each in published
    }
    # A folder that a variable may override is written as ${NAME:-folder}.
    written = (volume for service in SERVICES.values() for volume in service.get("volumes", ()))
    mounted = {re.sub(r"\$\{\w+:-(.*?)\}", r"\1", volume).split(":")[0] for volume in written}
    assert {f"./{name}" for name in FOLDERS} == {
        each for each in mounted if each.startswith("./") and not each.startswith("./include/")
    }
    assert {bound.name for bound in BOUNDS} <= Settings.model_fields.keys()


def test_no_secret_of_the_files_is_shown(folder: Path) -> None:
    for how in ("secrets that are shared", "in clear"):
        for _, _, spoils in ROUNDS[how]:
            spoils(folder)
    shown = type_command("doctor", "--files", str(folder), exits=1)
    assert "secret_shared" in shown.output
    values = [
        value for file in FILES for name, value in dotenv_values(folder / file).items() if name in SECRETS and value
    ]
    assert len(values) == len(SECRETS)
    assert [value for value in values if value in shown.output] == []


def test_the_handbook_has_every_check_with_what_to_do() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run: python -m tests.checks_page"
