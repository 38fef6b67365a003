"""Test that ``motcua doctor`` names all faults of a running installation, and no fault of a correct one.

test_doctor_files.py tests the faults that the doctor finds in the files of an installation.
"""

from __future__ import annotations

import json
import shutil
import ssl
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest
from psycopg.rows import dict_row
from pyrage.x25519 import Identity

from motcua.commands.ledger import AIRFLOW
from motcua.domain.checks import DOCTOR, asked_by
from motcua.gateways.kannel import KannelGateway
from motcua.jobs.backup.folders import VERIFIED
from motcua.jobs.doctor import ledger, machine, outside
from motcua.jobs.doctor.examine import CHECKS
from motcua.sandbox.network.scripted import ScriptedGateway
from motcua.settings import settings
from motcua.store.airflow_roles import SIMPLE
from motcua.store.ledger.definitions import texts_of_definitions
from motcua.store.ledger.inspecting import objects_expected, objects_there
from motcua.store.worker_marks import leave_mark
from motcua.version import software
from tests.ground import NHA_TRANG, free_port, type_command, write_backup
from tests.integration.doctor.installed import SOURCE, Installed, given_environment, install, made
from tests.integration.tls.terminator import Authority, Certificate

pytestmark = pytest.mark.alone


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory):
    with pytest.MonkeyPatch.context() as patching, install(tmp_path_factory.mktemp("doctor"), patching) as installed:
        yield installed


@pytest.fixture
def installed(whole: Installed):
    kept = dict(whole.environment)
    yield whole
    whole.undo()
    whole.environment.clear()
    whole.environment.update(kept)


# --- Faults of an installation ---------------------------------------------------------------------------------------


def _role_attribute(name: str, right: str) -> Callable[[Installed], None]:
    def breaks(it: Installed) -> None:
        it.sql(f"ALTER ROLE {name} {right}", f"ALTER ROLE {name} NO{right}")

    return breaks


def _set_variables(**variables: str) -> Callable[[Installed], None]:
    return lambda it: it.set(**variables)


def _change_connection(name: str, **changes: object) -> Callable[[Installed], None]:
    return lambda it: it.connection(name, **changes)


def _run_sql(breaks: str, mends: str, database: str = "motcua") -> Callable[[Installed], None]:
    return lambda it: it.sql(breaks, mends, database)


def _role_missing(it: Installed) -> None:
    it.sql("ALTER ROLE motcua_audit RENAME TO set_aside", "ALTER ROLE set_aside RENAME TO motcua_audit")


def _role_of_a_connection_missing(it: Installed) -> None:
    it.sql(
        "ALTER ROLE motcua_pages RENAME TO set_aside",
        f"ALTER ROLE set_aside RENAME TO motcua_pages; ALTER ROLE motcua_pages PASSWORD '{it.passwords['pages']}'",
    )


def _another_source(it: Installed) -> None:
    it.set(AIRFLOW_CONN_ONESTOP_VANPHONG=it.environment["AIRFLOW_CONN_ONESTOP_KHANHHOA"])


def _another_gateway(it: Installed) -> None:
    it.set(AIRFLOW_CONN_SMS_ESMS='{"conn_type": "http", "host": "rest.esms.vn", "login": "a", "password": "b"}')


def _one_secret_twice(it: Installed) -> None:
    it.set(MOTCUA_METRICS_SECRET=it.environment["AIRFLOW__API_AUTH__JWT_SECRET"])


def _callbacks_expect_another(it: Installed) -> None:
    kept = it.expected_secret["secret"]
    it.later(lambda: it.expected_secret.update(secret=kept))
    it.expected_secret["secret"] = made()


def _somebody_else_at_the_callbacks(it: Installed) -> None:
    it.connection("sms_kannel", extra={"callback_url": f"http://127.0.0.1:{it.smsbox.port}/gateway/receipts/kannel"})


def _gateway_clock(it: Installed) -> None:
    it.smsbox.ahead = timedelta(minutes=3)
    it.later(lambda: setattr(it.smsbox, "ahead", timedelta(0)))


def _slow_source(it: Installed) -> None:
    """Lock a table of the source, and shorten the doctor's time limit for sources."""
    holder = psycopg.connect(it.dsn(SOURCE))
    holder.execute("LOCK TABLE onestop.transitions IN ACCESS EXCLUSIVE MODE")
    it.later(holder.close)
    it.patch(outside, "_SOURCE_WITHIN", 0.2)


def _unhealthy_callbacks(it: Installed) -> None:
    it.connection("sms_kannel", extra={"callback_url": f"{_without_ledger(it)}/gateway/receipts/kannel"})


def _unhealthy_intake(it: Installed) -> None:
    it.set(MOTCUA_INTAKE_URL=f"{_without_ledger(it)}/intake")


def _without_ledger(it: Installed, status: int = 503, certificate: Certificate | None = None) -> str:
    """Serve the health pages of the callbacks app and the intake app with a status, and return the server's address.

    The apps answer with the default status while the ledger cannot be reached.
    """

    tls = None
    if certificate is not None:
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(certificate.chain, certificate.key)
    server = ScriptedGateway(tls=tls)
    server.answer_to = lambda asked: (status if asked.path in ("/gateway/health", "/intake/health") else 404, "")
    it.later(server.close)
    return f"{'https://localhost' if certificate else 'http://127.0.0.1'}:{server.port}"


def _mail_refuses(it: Installed) -> None:
    it.mails.refuses = True
    it.later(lambda: setattr(it.mails, "refuses", False))


def _no_folder(it: Installed) -> None:
    folder = it.folder / "data" / "publications"
    folder.rmdir()
    folder.write_text("")
    it.later(lambda: (folder.unlink(), folder.mkdir()))


def _damaged_journal(it: Installed) -> None:
    day = it.folder / "data" / "journal" / "2026-11-25.jsonl"
    day.write_text("no line of a journal\n", encoding="utf-8")
    it.later(day.unlink)


def _no_folder_of_backups(it: Installed) -> Path:
    """Move the folder of backups away; return the path from which the folder was moved."""
    backups, aside = it.folder / "data" / "backups", it.folder / "aside"
    shutil.move(backups, aside)
    it.later(lambda: (shutil.rmtree(backups, ignore_errors=True), shutil.move(aside, backups)))
    return backups


def _no_backup(it: Installed) -> None:
    _no_folder_of_backups(it).mkdir()


def _old_backup(it: Installed) -> None:
    backup = write_backup(_no_folder_of_backups(it), it.now - timedelta(days=2))
    looked = {"at": it.now.isoformat(), "how": "read", "fault": None}
    (backup / VERIFIED).write_text(json.dumps(looked), encoding="utf-8")


def _never_read(it: Installed) -> None:
    (verified,) = (it.folder / "data" / "backups").glob(f"*/{VERIFIED}")
    words = verified.read_text(encoding="utf-8")
    verified.unlink()
    it.later(lambda: verified.write_text(words, encoding="utf-8"))


def _old_programs(it: Installed) -> None:
    folder = it.folder / "old-programs"
    folder.mkdir(exist_ok=True)
    for name in ("pg_dump", "pg_restore"):
        (folder / name).write_text(f"#!/bin/sh\necho '{name} (PostgreSQL) 16.4'\n")
        (folder / name).chmod(0o755)
    it.set(MOTCUA_POSTGRES_PROGRAMS=str(folder))


def _other_package(it: Installed) -> None:
    lock = it.folder / "home" / "requirements-production.lock"
    words = lock.read_text(encoding="utf-8")
    lock.write_text("psycopg==3.0.1 \\\n    --hash=sha256:0\n", encoding="utf-8")
    it.later(lambda: lock.write_text(words, encoding="utf-8"))


def _two_hosts(it: Installed) -> None:
    """Record Airflow tasks that ran on two hosts in turn."""
    for number, host in enumerate(("may-a", "may-b", "may-a", "may-b")):
        it.ask(
            "SET session_replication_role = replica; INSERT INTO task_instance (id, task_id, dag_id, run_id, map_index,"
            " start_date, hostname, unixname, pool, pool_slots, priority_weight, queue, operator, custom_operator_name,"
            " executor_config, try_number, max_tries, span_status) VALUES"
            f" (gen_random_uuid(), 't{number}', 'check_quality', 'r', -1, now() - interval '{10 - number} minutes',"
            f" '{host}', 'airflow', 'default_pool', 1, 1, 'default', 'x', 'x', '', 1, 1, '')",
            database=AIRFLOW,
        )
    it.later(lambda: it.ask("DELETE FROM task_instance", database=AIRFLOW))


def _purge_long_ago(it: Installed) -> None:
    it.ask(
        "SET session_replication_role = replica; INSERT INTO dag_run (dag_id, run_id, run_type, state, start_date,"
        " end_date, run_after, span_status, clear_number) VALUES ('purge_personal_data', 'r', 'scheduled', 'success',"
        " now() - interval '5 days', now() - interval '5 days', now(), '', 0)",
        database=AIRFLOW,
    )
    it.later(lambda: it.ask("DELETE FROM dag_run", database=AIRFLOW))


def _airflow_away(it: Installed) -> None:
    address = f"postgresql+psycopg://motcua_airflow:{made()}@127.0.0.1:{it.server.port}/{AIRFLOW}"
    it.set(AIRFLOW__DATABASE__SQL_ALCHEMY_CONN=address)


def _store_away(it: Installed) -> None:
    kho = {"conn_type": "aws", "login": "motcua", "password": made(), "extra": {"endpoint_url": _unused_address("")}}
    it.set(MOTCUA_PUBLICATIONS="s3://kho@motcua/cong-bo", AIRFLOW_CONN_KHO=json.dumps(kho))


def _no_agency(it: Installed) -> None:
    unguarded = "SET session_replication_role = replica;"
    it.sql(
        f"{unguarded} CREATE TABLE public.aside AS TABLE motcua.agencies; DELETE FROM motcua.agencies",
        f"{unguarded} INSERT INTO motcua.agencies SELECT * FROM public.aside; DROP TABLE public.aside",
    )


def _templates_without_ids(it: Installed) -> None:
    extra = {"adapter": "vnpt", "label_id": "1", "contract_id": "2", "agent_id": "3", "username": "motcua"}
    given = {"conn_type": "http", "host": "127.0.0.1", "port": it.smsbox.port, "login": "motcua", "password": made()}
    it.set(MOTCUA_GATEWAYS="kannel,vnpt", AIRFLOW_CONN_SMS_VNPT=json.dumps(given | {"extra": extra}))


def _server_parameter(parameter: str, value: str) -> Callable[[Installed], None]:
    """Return a function that changes a parameter of the PostgreSQL server."""

    def breaks(it: Installed) -> None:
        it.later(lambda: it.reloaded(f"ALTER SYSTEM RESET {parameter}", parameter))
        it.reloaded(f"ALTER SYSTEM SET {parameter} = '{value}'", parameter)

    return breaks


def _parameter_of(whom: str, parameter: str, value: str) -> tuple[str, str, Callable[[Installed], None]]:
    fault = "zone_differs" if parameter == "TimeZone" else "parameter_differs"
    return (
        fault,
        parameter,
        _run_sql(f"ALTER {whom} SET {parameter} = '{value}'", f"ALTER {whom} RESET {parameter}"),
    )


def _constraint_dropped(it: Installed) -> None:
    (rule,) = it.ask(
        "SELECT conname, pg_get_constraintdef(oid) AS said FROM pg_constraint"
        " WHERE conrelid = 'motcua.messages'::regclass AND contype = 'c' ORDER BY conname LIMIT 1"
    )
    name = rule["conname"]
    it.sql(
        f"ALTER TABLE motcua.messages DROP CONSTRAINT {name}",
        f"ALTER TABLE motcua.messages ADD CONSTRAINT {name} {rule['said']}",
    )


def _journal_of_another_folder(it: Installed) -> None:
    """Record a journal in the ledger, but leave the journal's folder empty, as if the folder had been replaced."""
    it.sql(
        "INSERT INTO motcua.journals (journal_id, reason) VALUES (gen_random_uuid(), 'first use')",
        "SET session_replication_role = replica; DELETE FROM motcua.journals",
    )


def _private_key(it: Installed) -> None:
    key = it.folder / "data" / "identity.txt"
    key.write_text(f"{Identity.generate()}\n", encoding="ascii")
    it.later(key.unlink)


def _certificate_ends(it: Installed) -> None:
    """Serve the intake with a certificate that expires in a day, from an authority that this process trusts."""
    authority = Authority("Trung tâm dữ liệu tỉnh")
    address = _without_ledger(it, 200, authority.certificate("localhost", it.folder))
    trusted = authority.write(it.folder / "authority.pem")
    it.set(MOTCUA_INTAKE_URL=f"{address}/intake", REQUESTS_CA_BUNDLE=str(trusted))


_ENABLED = f"UPDATE motcua.agencies SET enabled_from = now() - interval '%s days' WHERE agency_code = '{NHA_TRANG}'"
_EARLIER, _LATER = "{0} = {0} - interval '1 hour'", "{0} = {0} + interval '1 hour'"
SOON = f"{datetime.now(UTC) + timedelta(days=9):%Y-%m-%d}"
Case = tuple[str, str, Callable[[Installed], object]]
"""The name of the expected fault, a part of the place that the doctor names, and the function that causes the fault."""


def _unused_address(path: str) -> str:
    return f"http://127.0.0.1:{free_port()}{path}"


def _callbacks_at(url: str) -> Callable[[Installed], None]:
    return _change_connection("sms_kannel", extra={"callback_url": url})


def _alter(what: str, change: str, back: str, database: str = "motcua") -> Callable[[Installed], None]:
    return _run_sql(f"ALTER {what} {change}", f"ALTER {what} {back}", database)


def _update(table: str, change: str, back: str, where: str, database: str = AIRFLOW) -> Callable[[Installed], None]:
    return _run_sql(f"UPDATE {table} SET {change} WHERE {where}", f"UPDATE {table} SET {back} WHERE {where}", database)


def _revoked(table: str, right: str, role: str, database: str = "motcua") -> Callable[[Installed], None]:
    return _run_sql(f"REVOKE {right} ON {table} FROM {role}", f"GRANT {right} ON {table} TO {role}", database)


def _granted(table: str, right: str, role: str, database: str = "motcua") -> Callable[[Installed], None]:
    return _run_sql(f"GRANT {right} ON {table} TO {role}", f"REVOKE {right} ON {table} FROM {role}", database)


ROUNDS: dict[str, list[Case]] = {
    # A test causes all faults of one entry together, so no fault may hide another fault of the same entry.
    "settings": [
        ("setting_gone", "MOTCUA_WATCH_PARTS", _set_variables(MOTCUA_WATCH_PARTS="2")),
        ("setting_unknown", "MOTCUA_SOURCE", _set_variables(MOTCUA_SOURCE="vanphong")),
        ("setting_senseless", "MOTCUA_APOLOGY_TIME", _set_variables(MOTCUA_APOLOGY_TIME="03:00")),
        ("ui_address_wrong", "BASE_URL", _set_variables(AIRFLOW__API__BASE_URL="https://a.gov.vn/motcua")),
        ("backup_key_unreadable", "RECIPIENTS", _set_variables(MOTCUA_BACKUP_RECIPIENTS="age1khong")),
        ("connection_unused", "VANPHONG", _another_source),
        ("connection_unused", "ESMS", _another_gateway),
        (
            "connection_in_clear",
            "ONESTOP_KHANHHOA",
            _change_connection("onestop_khanhhoa", extra={"sslmode": "disable"}),
        ),
        ("placeholder_left", "AIRFLOW_CONN_SMS_KANNEL", _change_connection("sms_kannel", password="change-me")),
        ("secret_short", "JWT_SECRET", _set_variables(AIRFLOW__API_AUTH__JWT_SECRET="bí-mật-9")),
        ("fernet_key_invalid", "FERNET_KEY", _set_variables(AIRFLOW__CORE__FERNET_KEY="0" * 40)),
        ("sign_in_open", "AUTH_MANAGER", _set_variables(AIRFLOW__CORE__AUTH_MANAGER=SIMPLE)),
        ("zone_differs", "default_timezone", _set_variables(AIRFLOW__CORE__DEFAULT_TIMEZONE="Asia/Ho_Chi_Minh")),
        ("no_alert_recipient", "WATCH_RECIPIENTS", lambda it: it.unset("MOTCUA_WATCH_RECIPIENTS")),
        ("recipient_unusable", "DEPARTMENT_RECIPIENTS", _set_variables(MOTCUA_DEPARTMENT_RECIPIENTS="chị Lan")),
        ("disk_low", "", _set_variables(MOTCUA_WATCH_DISK_FREE=str(10**18))),
        ("python_version", "this machine", lambda it: it.patch(machine, "PYTHONS", ((3, 99),))),
        ("package_differs", "requirements-production.lock", _other_package),
        ("backup_programs_unusable", "pg_dump", _old_programs),
        ("private_key_here", "identity.txt", _private_key),
    ],
    "secrets that are missing": [
        ("airflow_secret_missing", "JWT_SECRET", lambda it: it.unset("AIRFLOW__API_AUTH__JWT_SECRET")),
        ("airflow_secret_missing", "FERNET_KEY", _set_variables(AIRFLOW__CORE__FERNET_KEY="")),
        ("secret_empty", "AIRFLOW_CONN_ONESTOP_KHANHHOA", _change_connection("onestop_khanhhoa", password="")),
        ("secret_empty", "callback_secret", _change_connection("sms_kannel", extra={"callback_secret": ""})),
        ("mail_missing", "SMTP", lambda it: it.unset("AIRFLOW_CONN_SMTP_DEFAULT")),
        ("no_report_recipient", "DEPARTMENT_RECIPIENTS", lambda it: it.unset("MOTCUA_DEPARTMENT_RECIPIENTS")),
    ],
    "one secret twice": [
        ("secret_shared", "JWT_SECRET", _one_secret_twice),
        ("secret_empty", "AIRFLOW_CONN_SMS_KANNEL", _change_connection("sms_kannel", password="")),
        ("mail_missing", "SMTP", _change_connection("smtp_default", host=None)),
    ],
    "unreadable setting": [("setting_unreadable", "MOTCUA_WATCH_ROUND", _set_variables(MOTCUA_WATCH_ROUND="mỗi phút"))],
    "no connection of a source": [
        ("connection_missing", "ONESTOP_KHANHHOA", lambda it: it.unset("AIRFLOW_CONN_ONESTOP_KHANHHOA")),
        ("connection_unreadable", "SMS_KANNEL", _set_variables(AIRFLOW_CONN_SMS_KANNEL='{"host": "10.20')),
    ],
    "no connection of a gateway": [
        ("connection_missing", "SMS_KANNEL", lambda it: it.unset("AIRFLOW_CONN_SMS_KANNEL")),
        ("connection_unreadable", "KHANHHOA", _change_connection("onestop_khanhhoa", extra={"ssl_mode": "require"})),
    ],
    "no gateway and no source": [
        ("no_gateway", "MOTCUA_GATEWAYS", lambda it: (it.set(MOTCUA_GATEWAYS=""), it.unset("AIRFLOW_CONN_SMS_KANNEL"))),
        ("no_source", "MOTCUA_SOURCES", lambda it: it.unset("MOTCUA_SOURCES", "AIRFLOW_CONN_ONESTOP_KHANHHOA")),
    ],
    "no ledger": [("connection_missing", "AIRFLOW_CONN_MOTCUA_DB", lambda it: it.unset("AIRFLOW_CONN_MOTCUA_DB"))],
    "ledger away": [
        ("ledger_unreachable", "AIRFLOW_CONN_MOTCUA_DB", _change_connection("motcua_db", port=free_port()))
    ],
    "no such database": [
        ("ledger_missing", "AIRFLOW_CONN_MOTCUA_DB", _change_connection("motcua_db", schema="motcua_old"))
    ],
    "roles that may not connect": [
        ("ledger_password_wrong", "MOTCUA_DB_PAGES", _change_connection("motcua_db_pages", password=made())),
        ("ledger_closed_to_role", "MOTCUA_DB_PURGE", _revoked("DATABASE motcua", "CONNECT", "motcua_purge")),
        ("role_missing", "motcua_audit", _role_missing),
    ],
    "role of a connection missing": [("role_missing", "motcua_pages", _role_of_a_connection_missing)],
    "roles": [
        ("role_too_mighty", "motcua_callbacks", _role_attribute("motcua_callbacks", "CREATEROLE")),
        ("role_too_mighty", "motcua_eraser LOGIN", _role_attribute("motcua_eraser", "LOGIN")),
        (
            "role_too_mighty",
            "motcua_app member of pg_read_all_data",
            _run_sql("GRANT pg_read_all_data TO motcua_app", "REVOKE pg_read_all_data FROM motcua_app"),
        ),
        ("role_limited", "motcua_app", _alter("ROLE motcua_app", "CONNECTION LIMIT 3", "CONNECTION LIMIT -1")),
        (
            "role_limited",
            "motcua_intake",
            _alter("ROLE motcua_intake", f"VALID UNTIL '{SOON}'", "VALID UNTIL 'infinity'"),
        ),
        ("door_open", "motcua", _granted("FUNCTION pg_advisory_lock(bigint)", "EXECUTE", "motcua_audit")),
        ("right_too_many", "motcua", _granted("motcua.messages", "DELETE", "motcua_app")),
        (
            "right_too_many",
            "PUBLIC: EXECUTE on function motcua.wait_for_settings(",
            _granted("FUNCTION motcua.wait_for_settings", "EXECUTE", "PUBLIC"),
        ),
        (
            "right_missing",
            "motcua_app: SELECT on intake.client_days",
            _revoked("intake.client_days", "SELECT", "motcua_app"),
        ),
    ],
    "app is superuser": [("role_too_mighty", "motcua_app", _role_attribute("motcua_app", "SUPERUSER"))],
    "pages are the owner": [
        (
            "role_too_mighty",
            "motcua_pages",
            _run_sql("GRANT motcua_owner TO motcua_pages", "REVOKE motcua_owner FROM motcua_pages"),
        )
    ],
    "the server's parameters": [
        ("parameter_differs", f"{parameter} is", _server_parameter(parameter, value))
        for parameter, value in (
            ("fsync", "off"),
            ("full_page_writes", "off"),
            ("autovacuum", "off"),
            ("track_counts", "off"),
            ("log_statement", "all"),
            ("log_min_duration_statement", "250ms"),
            ("log_parameter_max_length_on_error", "-1"),
            ("log_error_verbosity", "default"),
            ("synchronous_commit", "off"),
            ("idle_session_timeout", "10min"),
            ("enable_indexscan", "off"),
        )
    ],
    "parameters of roles": [
        _parameter_of("ROLE motcua_app", "synchronous_commit", "off"),
        _parameter_of("ROLE motcua_pages", "search_path", "public, motcua"),
        _parameter_of("ROLE motcua_app", "statement_timeout", "5s"),
        _parameter_of("ROLE motcua_app", "session_replication_role", "replica"),
        _parameter_of("ROLE motcua_callbacks", "TimeZone", "Asia/Tokyo"),
        _parameter_of("ROLE motcua_app IN DATABASE motcua", "log_statement", "mod"),
        _parameter_of("DATABASE motcua", "lock_timeout", "1s"),
        ("postgres_version", "PostgreSQL", lambda it: it.patch(ledger, "POSTGRES", 99)),
    ],
    "a connection's parameter": [
        (
            "schema_differs",
            "index motcua.transitions_unplanned is missing (include/sql/",
            _run_sql(
                "DROP INDEX motcua.transitions_unplanned",
                "CREATE INDEX transitions_unplanned ON motcua.transitions (dossier_id) WHERE planned_at IS NULL;"
                " ALTER INDEX motcua.transitions_unplanned OWNER TO motcua_owner",
            ),
        ),
        (
            "parameter_differs",
            "AIRFLOW_CONN_MOTCUA_DB_PAGES",
            _change_connection("motcua_db_pages", extra={"options": "-c synchronous_commit=off"}),
        ),
    ],
    "PostgreSQL's zone": [_parameter_of("DATABASE motcua", "TimeZone", "America/New_York")],
    "schema": [
        (
            "definition_differs",
            "trigger refuse_change on motcua.message_history",
            _alter("TABLE motcua.message_history", "DISABLE TRIGGER refuse_change", "ENABLE TRIGGER refuse_change"),
        ),
        (
            "definition_differs",
            "view motcua.agency_scopes",
            _run_sql(
                "CREATE OR REPLACE VIEW motcua.agency_scopes AS SELECT g.agency_code AS written, g.agency_code,"
                " g.enabled_from FROM motcua.agencies AS g",
                texts_of_definitions()["motcua.agency_scopes"],
            ),
        ),
        (
            "definition_differs",
            "function motcua.code_key",
            _run_sql(
                "CREATE OR REPLACE FUNCTION motcua.code_key(code text) RETURNS text LANGUAGE sql IMMUTABLE"
                " PARALLEL SAFE RETURN upper(code)",
                texts_of_definitions()["motcua.code_key"],
            ),
        ),
        ("schema_differs", "constraint motcua.messages ", _constraint_dropped),
    ],
    "migrations behind": [
        (
            "migrations_behind",
            "motcua",
            _run_sql(
                "CREATE TABLE public.aside AS SELECT * FROM public._yoyo_migration ORDER BY migration_id DESC LIMIT 1;"
                " DELETE FROM public._yoyo_migration WHERE migration_id IN (SELECT migration_id FROM public.aside)",
                "INSERT INTO public._yoyo_migration SELECT * FROM public.aside; DROP TABLE public.aside",
            ),
        )
    ],
    "migrations ahead": [
        (
            "migrations_ahead",
            "motcua",
            _run_sql(
                "INSERT INTO public._yoyo_migration (migration_hash, migration_id) VALUES ('x', '9999_later')",
                "DELETE FROM public._yoyo_migration WHERE migration_id = '9999_later'",
            ),
        )
    ],
    "what the ledger holds": [
        (
            "schema_differs",
            "rule quiet on motcua.inquiries was not created by motcua",
            _run_sql(
                "CREATE RULE quiet AS ON INSERT TO motcua.inquiries DO INSTEAD NOTHING",
                "DROP RULE quiet ON motcua.inquiries",
            ),
        ),
        (
            "schema_differs",
            "table motcua.agencies differs",
            _alter("TABLE motcua.agencies", "ALTER COLUMN name SET DEFAULT 'x'", "ALTER COLUMN name DROP DEFAULT"),
        ),
        ("agency_without_source", NHA_TRANG, _run_sql(_ENABLED % 4, _ENABLED % 0)),
        ("text_without_id", "vnpt", _templates_without_ids),
        (
            "day_used_up",
            "kannel until midnight",
            _run_sql(
                "INSERT INTO motcua.gateways (name) VALUES ('kannel');"
                " INSERT INTO motcua.gateway_stops SELECT 'kannel', 'gateway', '', now(), (date_trunc('day', now()"
                " AT TIME ZONE 'Asia/Ho_Chi_Minh') + interval '1 day') AT TIME ZONE 'Asia/Ho_Chi_Minh', NULL,"
                " 'the 3 segments of the day are used', FALSE, TRUE",
                "DELETE FROM motcua.gateway_stops; DELETE FROM motcua.gateways",
            ),
        ),
        (
            "text_not_registered",
            "kannel",
            _run_sql(
                "CREATE TABLE public.aside AS SELECT * FROM motcua.template_registrations WHERE template_id = 'apology'"
                " AND gateway = 'kannel'; DELETE FROM motcua.template_registrations WHERE template_id = 'apology'"
                " AND gateway = 'kannel'",
                "INSERT INTO motcua.template_registrations SELECT * FROM public.aside; DROP TABLE public.aside",
            ),
        ),
        (
            "watch_silent",
            "watch",
            _update("motcua.watch_life", _EARLIER.format("looked_at"), _LATER.format("looked_at"), "TRUE", "motcua"),
        ),
        ("journal_damaged", "journal", _damaged_journal),
    ],
    "no agency": [
        ("no_agency", "motcua.agencies", _no_agency),
        (
            "schema_differs",
            "table motcua.messages differs",
            _alter("TABLE motcua.messages", "SET (autovacuum_enabled = false)", "RESET (autovacuum_enabled)"),
        ),
    ],
    "Airflow": [
        (
            "airflow_part_down",
            "scheduler",
            _update(
                "job",
                _EARLIER.format("latest_heartbeat"),
                _LATER.format("latest_heartbeat"),
                "job_type = 'SchedulerJob'",
            ),
        ),
        (
            "dag_missing",
            "check_quality",
            _update("dag", "is_stale = TRUE", "is_stale = FALSE", "dag_id = 'check_quality'"),
        ),
        (
            "dag_paused",
            "settle_messages",
            _update("dag", "is_paused = TRUE", "is_paused = FALSE", "dag_id = 'settle_messages'"),
        ),
        (
            "dag_import_error",
            "reconcile_daily.py",
            _run_sql(
                "INSERT INTO import_error (timestamp, filename, bundle_name, stacktrace)"
                " VALUES (now(), 'reconcile_daily.py', 'dags-folder', 'x')",
                "DELETE FROM import_error",
                AIRFLOW,
            ),
        ),
        (
            "pool_closed",
            "background",
            _run_sql(
                "INSERT INTO slot_pool (pool, slots, include_deferred) VALUES ('background', 0, FALSE)",
                "DELETE FROM slot_pool",
                AIRFLOW,
            ),
        ),
        ("watch_account_missing", "GiamSat", _update("ab_user", "active = FALSE", "active = TRUE", "TRUE")),
        ("hosts_share_nothing", "may-a, may-b", _two_hosts),
        ("purge_late", "purge_personal_data", _purge_long_ago),
    ],
    "Airflow away": [
        ("airflow_database_unreachable", "SQL_ALCHEMY_CONN", _airflow_away),
        (
            "schema_differs",
            "table motcua.receipts belongs to postgres",
            _alter("TABLE motcua.receipts", "OWNER TO postgres", "OWNER TO motcua_owner"),
        ),
    ],
    "Airflow not migrated": [
        (
            "airflow_not_migrated",
            "Airflow",
            _run_sql(
                "ALTER TABLE alembic_version RENAME TO aside", "ALTER TABLE aside RENAME TO alembic_version", AIRFLOW
            ),
        ),
    ],
    # Each of the following entries has at most one fault of each service that the doctor calls.
    "reached 1": [
        ("source_unreachable", "KHANHHOA", _change_connection("onestop_khanhhoa", port=free_port())),
        ("gateway_unreachable", "KANNEL", _change_connection("sms_kannel", port=free_port())),
        ("mail_unreachable", "SMTP", _change_connection("smtp_default", port=free_port())),
        ("intake_unreachable", "MOTCUA_INTAKE_URL", lambda it: it.set(MOTCUA_INTAKE_URL=_unused_address("/intake"))),
        ("backup_missing", "backups", _no_backup),
    ],
    "reached 2": [
        ("source_refused", "KHANHHOA", _change_connection("onestop_khanhhoa", password=made())),
        ("gateway_refuses", "KANNEL", _change_connection("sms_kannel", password=made())),
        ("mail_refused", "SMTP", _mail_refuses),
        (
            "intake_unreachable",
            "MOTCUA_WATCH_INTAKE",
            lambda it: it.set(MOTCUA_WATCH_INTAKE=_unused_address("/intake/health")),
        ),
        ("backup_old", "backups", _old_backup),
    ],
    "reached 3": [
        ("source_slow", "KHANHHOA", _slow_source),
        ("clock_differs", "kannel", _gateway_clock),
        ("mail_without_tls", "SMTP", _change_connection("smtp_default", extra={"disable_tls": None})),
        ("intake_unhealthy", "MOTCUA_INTAKE_URL", _unhealthy_intake),
        ("backup_never_read", "backups", _never_read),
    ],
    "reached 4": [
        (
            "source_lacks_views",
            "KHANHHOA",
            _run_sql(
                "ALTER TABLE onestop.transitions RENAME TO moves",
                "ALTER TABLE onestop.moves RENAME TO transitions",
                SOURCE,
            ),
        ),
        (
            "callback_unreachable",
            "callback_url",
            lambda it: _callbacks_at(_unused_address("/gateway/receipts/kannel"))(it),
        ),
        ("mail_sender_missing", "SMTP", _change_connection("smtp_default", extra={"from_email": None})),
        (
            "intake_answers_wrong",
            "MOTCUA_INTAKE_URL",
            lambda it: it.set(MOTCUA_INTAKE_URL=f"http://127.0.0.1:{it.smsbox.port}/intake/"),
        ),
        ("folder_unusable", "backups", _no_folder_of_backups),
    ],
    "reached 5": [
        (
            "source_lacks_views",
            "KHANHHOA",
            _alter("TABLE onestop.dossiers", "RENAME due_at TO due", "RENAME due TO due_at", SOURCE),
        ),
        ("callback_unhealthy", "callback_url", _unhealthy_callbacks),
        ("certificate_ends", "MOTCUA_INTAKE_URL", _certificate_ends),
        ("folder_unusable", "publications", _no_folder),
    ],
    "reached 6": [
        ("source_lacks_rights", "KHANHHOA", _revoked("onestop.dossiers", "SELECT", "motcua_reader", SOURCE)),
        ("callback_answers_wrong", "callback_url", _somebody_else_at_the_callbacks),
        ("journal_elsewhere", "it is empty", _journal_of_another_folder),
        ("store_unusable", "MOTCUA_PUBLICATIONS", _store_away),
    ],
    "reached 7": [
        ("source_role_too_mighty", "KHANHHOA", _granted("onestop.dossiers", "UPDATE", "motcua_reader", SOURCE)),
        ("callback_secret_differs", "callback_url", _callbacks_expect_another),
    ],
    "gateway 1": [
        ("adapter_unknown", "MOTCUA_SOURCES", _set_variables(MOTCUA_SOURCES="khanhhoa=igate")),
        ("gateway_misconfigured", "KANNEL", _change_connection("sms_kannel", extra={"when_unknown": "guess"})),
    ],
    "gateway 2": [("adapter_unknown", "KANNEL", _change_connection("sms_kannel", extra={"adapter": "viber"}))],
    "gateway 3": [
        ("carrier_unserved", "MOTCUA_GATEWAYS", _change_connection("sms_kannel", extra={"carriers": "Viettel"}))
    ],
    "gateway 4": [("callback_address_wrong", "callback_url", _callbacks_at("https://a.gov.vn/gateway/receipts/esms"))],
    "gateway 5": [
        ("address_in_clear", "callback_url", _callbacks_at("http://callbacks.invalid/gateway/receipts/kannel"))
    ],
    "gateway 6": [("address_in_clear", "SMS_KANNEL", _change_connection("sms_kannel", host="8.8.8.8"))],
    "gateway 7": [
        ("carrier_unserved", "MOTCUA_GATEWAYS", lambda it: it.patch(KannelGateway, "reaches_every_number", False))
    ],
}


@pytest.mark.guarantee("installation", "the doctor finds no fault in a correct installation, and sends no message")
def test_a_whole_installation_has_no_fault_and_is_left_as_it_was(installed: Installed) -> None:
    before = installed.ask("SELECT count(*) AS receipts FROM motcua.receipts")
    # The software of the source ``hue`` pushes its data, so the missing connection of this source is no fault.
    installed.set(MOTCUA_SOURCES="khanhhoa=contract,hue=national_sync")
    diagnosis = installed.examine()
    assert diagnosis.findings == ()
    assert diagnosis.not_looked_at == ()
    assert diagnosis.looked_at == len(CHECKS)
    assert not [each for each in installed.smsbox.asked if "to" in each], "the doctor may send no SMS"
    assert installed.mails.taken == []
    assert installed.ask("SELECT count(*) AS receipts FROM motcua.receipts") == before == [{"receipts": 0}]


def test_the_expected_objects_are_those_of_a_fresh_ledger(installed: Installed) -> None:
    with psycopg.connect(installed.dsn("motcua"), autocommit=True, row_factory=dict_row) as ledger:
        assert objects_there(ledger) == objects_expected(), "run: python -m tests.ledger_objects"


@pytest.mark.guarantee(
    "installation", "the doctor names all faults of an installation and of its files at once, and no other"
)
@pytest.mark.parametrize("how", ROUNDS)
def test_each_fault_is_named_and_no_other(how: str, installed: Installed) -> None:
    for _, _, breaks in ROUNDS[how]:
        breaks(installed)
    named = installed.examine().findings
    assert {each.name for each in named} == {fault for fault, _, _ in ROUNDS[how]}
    for fault, where, _ in ROUNDS[how]:
        places = [f"{each.subject} {each.detail}" for each in named if each.name == fault]
        assert any(where in each for each in places), (where, places)
    assert not [each for each in installed.smsbox.asked if "to" in each], "the doctor may send no SMS"


def test_next_year_s_calendar_is_asked_for_from_november_on(installed: Installed) -> None:
    kept = installed.now
    installed.later(lambda: setattr(installed, "now", kept))
    installed.sql(
        "UPDATE motcua.calendar_years SET confirmed_at = NULL, decision = NULL"
        " WHERE year = extract(year FROM now()) + 2",
        "UPDATE motcua.calendar_years SET confirmed_at = now(), decision = 'QĐ 1' WHERE confirmed_at IS NULL",
    )
    for month, day, expected in ((11, 2, ["khanh_hoa"]), (10, 31, [])):
        installed.now = datetime(kept.year + 1, month, day, tzinfo=UTC)
        named = [each for each in installed.examine().findings if each.name == "calendar_unsigned"]
        assert [where for where in expected if where in f"{named[0].subject} {named[0].detail}"] == expected
        assert len(named) == len(expected)


def test_folders_that_two_workers_do_not_share_are_named(installed: Installed) -> None:
    _two_hosts(installed)
    with given_environment(installed.environment):
        journal = settings().journal_folder
        settings.cache_clear()
    for host in ("may-a", "may-b.khanhhoa.gov.vn"):
        leave_mark(journal, host)
    installed.later(lambda: shutil.rmtree(journal / "workers"))
    assert installed.examine().findings == (), "two containers of one machine share its folders"
    (journal / "workers" / "may-b").write_text("another machine", encoding="ascii")
    (found,) = installed.examine().findings
    assert (found.name, found.detail) == ("hosts_share_nothing", "local: publications, statements, files, logs")


def test_command_names_what_is_wrong_and_no_secret_with_it(installed: Installed) -> None:
    installed.beat()
    for round_of in ("secrets that are missing", "what the ledger holds"):
        for _, _, breaks in ROUNDS[round_of]:
            breaks(installed)
    named = sorted({each.name for each in installed.examine().findings})
    with given_environment(installed.environment):
        shown, record = type_command("doctor", exits=1), type_command("doctor", "--json", exits=1)
        settings.cache_clear()
    assert sorted({each["fault"] for each in json.loads(record.stdout)["findings"]}) == named
    assert all(fault in shown.output for fault in named)
    secrets = {
        *installed.passwords.values(),
        *(value for name, value in installed.environment.items() if "SECRET" in name),
    }
    assert [each for each in secrets if each in shown.output + record.output] == []


def test_a_ledger_that_is_away_is_named_once_with_what_was_not_looked_at(installed: Installed) -> None:
    port = free_port()
    for name in ("motcua_db", "motcua_db_owner", "motcua_db_callbacks", "motcua_db_pages", "motcua_db_purge"):
        installed.connection(name, port=port)
    diagnosis = installed.examine()
    assert [each.name for each in diagnosis.findings] == ["ledger_unreachable"]
    left_out = [check for _, checks in diagnosis.not_looked_at for check in checks]
    assert left_out == [check.name for check in CHECKS if check.needs in ("ledger", "schema")]
    # All checks that do not need the ledger must still run.
    assert diagnosis.looked_at == len(CHECKS) - len(left_out)


def test_a_check_that_breaks_is_named_and_stops_no_other(installed: Installed, monkeypatch: pytest.MonkeyPatch) -> None:
    from motcua.jobs.doctor import setting_up

    def breaks(*_: object) -> None:
        raise RuntimeError("0905123456")

    monkeypatch.setattr(setting_up, "registrations", breaks)
    installed.unset("MOTCUA_WATCH_RECIPIENTS")
    found = installed.examine().findings
    assert sorted(each.name for each in found) == ["check_failed", "no_alert_recipient"]
    assert "0905123456" not in str(found)


def test_after_all_repairs_nothing_is_wrong_and_the_exit_code_says_so(installed: Installed) -> None:
    installed.beat()
    with given_environment(installed.environment):
        done = type_command("doctor", exits=None)
    assert done.exit_code == 0, done.output
    assert "nothing is wrong" in done.output
    assert software() in done.output
    type_command("doctor", "--files", str(installed.folder), exits=2)


def test_every_fault_is_caused_by_some_test() -> None:
    from tests.integration.doctor.test_doctor_files import ROUNDS as OF_FILES

    broken = {fault for rounds in (ROUNDS, OF_FILES) for each in rounds.values() for fault, _, _ in each}
    assert set(asked_by(DOCTOR)) == broken | {"check_failed", "calendar_unsigned"}
