"""Test that every SQL statement has a unique name, a description and a caller, and is valid on the real schema."""

from __future__ import annotations

import re
from pathlib import Path

import psycopg
import pytest
from psycopg.rows import dict_row

from motcua.quality.rules import load_rules, snapshot_thresholds
from motcua.store.ledger.queries import statement
from motcua.store.oversight import quality
from tests.ground import NOW
from tests.named_statements import FILES, NAMES, ROOT, TEXTS

OF_OTHER_DATABASES = (
    "sources/reading/",
    "sources/counting/",
    "sources/checking/",
    "sources/foreign_tables/",
    "sources/contract/",
    "sources/opencps/",
    "doctor/airflow_roles_held",
    "doctor/airflow_version",
    "upkeep/backfill_asked_by",
    "upkeep/runs_before",
)
PLUGINS = ROOT.parents[1] / "plugins"
CODE = "\n".join(path.read_text(encoding="utf-8") for path in PLUGINS.rglob("*.py"))


def faults_of(file: str, text: str) -> list[str]:
    """Return which of the required comments a file of SQL statements lacks.

    A comment at the beginning of the file states what the file is for and who calls its statements, and a comment at
    each SQL statement states what the statement promises.
    """
    head, *parts = re.split(r"^-- name: ", text, flags=re.M)
    header = head.replace("\n-- ", " ")
    faults = []
    if not re.match(r"-- \S.{10,}", head):
        faults.append(f"{file}: no header says what it is for")
    callers = re.findall(r"[\w/]+\.py\b", " ".join(re.findall(r"Called by (.*)", header)))
    if not callers:
        faults.append(f"{file}: no header says who calls it")
    faults += [f"{file}: there is no {each}" for each in callers if not (PLUGINS / "motcua" / each).is_file()]
    if not parts:
        faults.append(f"{file}: it names no statement")
    for own, _, told in (part.partition("\n") for part in parts):
        if not re.fullmatch(r"[a-z][a-z0-9_]*", own):
            faults.append(f"{file}: {own!r} is no name")
        if not re.match(r"-- \S.{10,}", told):
            faults.append(f"{file}/{own}: nothing says what it promises")
    return faults


def test_each_file_says_once_what_it_is_for_and_who_calls_it_and_each_statement_what_it_promises():
    faults = [
        fault for file in FILES for fault in faults_of(file, Path(ROOT, f"{file}.sql").read_text(encoding="utf-8"))
    ]
    assert faults == []


def test_every_statement_is_asked_for():
    """An SQL statement that no code runs should be removed."""

    def is_asked_for(name: str) -> bool:
        # Code names the statement itself, or its file, which means all statements of the file.
        return f'"{name}"' in CODE or f'"{name.rpartition("/")[0]}"' in CODE

    assert [name for name in NAMES if not name.startswith("sources/") and not is_asked_for(name)] == []


@pytest.fixture(scope="module")
def schema(postgres, migrated):
    from motcua.store.ledger.provisioning import with_database

    with psycopg.connect(with_database(postgres.admin_dsn, migrated), row_factory=dict_row) as connection:
        yield connection


def test_every_statement_is_one_that_the_schema_understands(schema, snapshot):
    faults = {}
    for name, text in TEXTS.items():
        if name.startswith(OF_OTHER_DATABASES):
            continue
        assert ";" not in text, f"{name} is more than one statement"
        # The SQL statement ``quality/marks/dossier_facts`` is part of another statement, so check the whole statement.
        numbered = quality._query_of("dossier_facts") if name == "quality/marks/dossier_facts" else text
        for position, parameter in enumerate(sorted(set(re.findall(r"%\((\w+)\)s", numbered))), 1):
            numbered = numbered.replace(f"%({parameter})s", f"${position}")
        with schema.transaction(force_rollback=True):
            try:
                # PREPARE parses and analyses: every table, column, function and type must exist.
                schema.execute(f"PREPARE checked AS {numbered.replace('%%', '%')}")
            except psycopg.Error as error:
                faults[name] = str(error)
            else:
                schema.execute("DEALLOCATE checked")
    assert faults == {}


@pytest.fixture
def snapshot(schema):
    """Yield a session with the snapshot tables of a quality check, which the check's own SQL statements create."""
    book = load_rules({})
    with schema.transaction(force_rollback=True):
        parameters = {"as_of": NOW, "since": book.since(NOW), "sources": [], **snapshot_thresholds(book)}
        quality.begin_snapshot(schema, parameters)
        yield schema


def test_facts_that_rules_may_ask_for_are_the_columns_that_their_statements_make(snapshot):
    """The facts that quality rules may use must be exactly the columns of the tables of the snapshot."""
    rows = snapshot.execute(
        "SELECT table_name, array_agg(column_name::text) AS columns FROM information_schema.columns"
        " WHERE table_schema = 'quality' GROUP BY table_name"
    ).fetchall()
    assert {row["table_name"] for row in rows} >= {each.table for each in load_rules({}).levels.values()}
    assert {row["table_name"]: frozenset(row["columns"]) for row in rows} == {
        row["table_name"]: quality.facts_of(row["table_name"]) for row in rows
    }


def test_every_table_and_column_has_a_comment(schema):
    silent = [
        (row["table_name"], row["column_name"])
        for row in schema.execute(statement("ledger/columns_in_words"), {})
        if not row["column_comment"] or not row["table_comment"]
    ]
    assert silent == []


def test_data_dictionary_says_what_each_table_and_column_means(schema):
    from motcua.store.ledger.inspecting import data_dictionary

    printed = data_dictionary(schema)
    assert "\n## messages\n\nIntended SMS (tin nhắn)" in printed
    row = "| msisdn | text, may be empty | Phone number to which the message is sent, E.164. Personal data. |"
    assert f"\n{row}\n" in printed
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
    """SQL and Python must agree on whether a dossier needs a message, or counts in source and ledger would differ."""
    from motcua.domain.occasions import condition_of

    for status in range(1, 11):
        for desk in (True, False):
            row = schema.execute("SELECT motcua.condition_of(%s::smallint, %s) AS kind", (status, desk)).fetchone()
            assert row["kind"] == condition_of(status, desk)


def test_ledger_allows_the_reasons_for_suppressing_a_message_that_lists_know(schema):
    """Lists of messages must offer each reason that the ledger allows, so that it can be chosen as a filter."""
    from motcua.store.browsing import SUPPRESSED_FOR

    (rule,) = schema.execute(
        "SELECT pg_get_constraintdef(oid) AS said FROM pg_constraint"
        " WHERE conrelid = 'motcua.messages'::regclass AND pg_get_constraintdef(oid) LIKE %s",
        ("%already_told%",),
    ).fetchall()
    assert set(re.findall(r"'(\w+)'::text", rule["said"])) - {"suppressed"} == set(SUPPRESSED_FOR)


def test_states_are_those_that_closings_count(schema):
    """A state that closings do not count would break the accounting identity."""
    from motcua.domain.reconciliation import STATES

    assert {row["state"] for row in schema.execute("SELECT state FROM motcua.message_states")} == set(STATES)
