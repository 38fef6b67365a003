"""Every SQL file: one statement, a header that says what it promises, and a plan on the real schema."""

from __future__ import annotations

import re

import psycopg
import pytest
from psycopg.rows import dict_row

from motcua.settings import include_dir
from motcua.store.ledger.queries import statement

ROOT = include_dir() / "sql"
STATEMENTS = sorted(
    str(path.relative_to(ROOT).with_suffix(""))
    for path in ROOT.rglob("*.sql")
    if path.relative_to(ROOT).parts[0] not in ("schema", "migrations", "definitions", "sandbox")
)
OF_OTHER_DATABASES = (
    "sources/reading",
    "sources/checking",
    "sources/foreign_tables",
    "sources/contract",
    "sources/opencps",
    "doctor/airflow_roles_held",
    "doctor/airflow_version",
    "upkeep/backfill_asked_by",
    "upkeep/runs_before",
)
CODE = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT.parents[1] / "plugins").rglob("*.py"))


@pytest.mark.parametrize("name", STATEMENTS)
def test_header_says_what_it_promises_and_who_calls_it(name):
    header = statement(name).split("\n")[0]
    assert header.startswith("-- ")
    called_by = re.search(r"(?:Called by|Read by) (\S+?)[,.]?( |\n|$)", statement(name).replace("\n-- ", " "))
    assert called_by, name


@pytest.mark.parametrize("name", [name for name in STATEMENTS if not name.startswith("sources/")])
def test_statement_is_used(name):
    assert f'"{name}"' in CODE


@pytest.fixture(scope="module")
def schema(postgres, migrated):
    from motcua.store.ledger.provisioning import with_database

    with psycopg.connect(with_database(postgres.admin_dsn, migrated), row_factory=dict_row) as connection:
        yield connection


@pytest.mark.parametrize(
    "name",
    [name for name in STATEMENTS if not name.startswith(OF_OTHER_DATABASES)],
)
def test_statement_is_one_that_the_schema_understands(name, schema):
    text = statement(name)
    body = "\n".join(line for line in text.splitlines() if not line.strip().startswith("--"))
    assert ";" not in body, "one statement, without its semicolon"
    names = set(re.findall(r"%\((\w+)\)s", text))
    numbered = text
    for position, parameter in enumerate(sorted(names), 1):
        numbered = numbered.replace(f"%({parameter})s", f"${position}")
    with schema.transaction(force_rollback=True):
        # PREPARE parses and analyses: every table, column, function and type must exist.
        schema.execute(f"PREPARE checked AS {numbered.replace('%%', '%')}")
        schema.execute("DEALLOCATE checked")


def test_every_table_and_column_has_a_comment(schema):
    silent = [
        (row["table_name"], row["column_name"])
        for row in schema.execute(statement("data_dictionary/columns"), {})
        if not row["column_comment"] or not row["table_comment"]
    ]
    assert silent == []


def test_data_dictionary_says_what_each_table_and_column_means(schema):
    from motcua.store.ledger.data_dictionary import data_dictionary

    printed = data_dictionary(schema)
    assert "\n## messages\n\nIntended SMS (tin nhắn)" in printed
    assert "\n| msisdn | text, may be empty | Number it goes to, E.164. Personal data. |\n" in printed
    assert "\n## pushed_dossiers\n" in printed


def test_audit_role_reads_the_facts_and_no_personal_data(schema):
    personal = {"msisdn", "applicant_phone", "applicant_name", "text", "parameters", "note", "raw", "payload", "actor"}
    columns = schema.execute(
        "SELECT table_schema, table_name, column_name FROM information_schema.column_privileges"
        " WHERE grantee = 'motcua_audit' AND privilege_type = 'SELECT'"
    ).fetchall()
    assert {row["table_schema"] for row in columns} == {"audit"}
    assert not {row["column_name"] for row in columns} & personal
    assert {"messages", "receipts", "transitions", "attempts"} <= {row["table_name"] for row in columns}
    with schema.transaction(force_rollback=True):
        schema.execute("SET LOCAL ROLE motcua_audit")
        schema.execute("SELECT * FROM audit.messages").fetchall()
        schema.execute("SELECT * FROM audit.receipts").fetchall()
        with pytest.raises(psycopg.errors.InsufficientPrivilege), schema.transaction():
            schema.execute("SELECT msisdn FROM motcua.messages")


def test_database_condition_agrees_with_the_domain(schema):
    from motcua.domain.occasions import condition_of

    for status in range(1, 11):
        for desk in (True, False):
            row = schema.execute("SELECT motcua.condition_of(%s::smallint, %s) AS kind", (status, desk)).fetchone()
            assert row["kind"] == condition_of(status, desk)


def test_reasons_of_what_was_never_to_go_are_those_that_lists_look_for_there(schema):
    from motcua.store.browsing.messages import SUPPRESSED_FOR

    (rule,) = schema.execute(
        "SELECT pg_get_constraintdef(oid) AS said FROM pg_constraint"
        " WHERE conrelid = 'motcua.messages'::regclass AND pg_get_constraintdef(oid) LIKE %s",
        ("%already_told%",),
    ).fetchall()
    assert set(re.findall(r"'(\w+)'::text", rule["said"])) - {"suppressed"} == set(SUPPRESSED_FOR)


def test_states_are_those_that_closings_count(schema):
    from motcua.domain.reconciliation import STATES

    assert {row["state"] for row in schema.execute("SELECT state FROM motcua.message_states")} == set(STATES)
