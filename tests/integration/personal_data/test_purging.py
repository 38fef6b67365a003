"""Test the purge: it empties personal data after their term, and changes nothing else.

Only the purge's own role can empty personal data.
"""

from __future__ import annotations

import hashlib
import json
import re
from datetime import timedelta

import psycopg
import pytest
from psycopg.types.json import Jsonb

from motcua.domain.inquiries import dedupe_key
from motcua.jobs.personal_data import empty_kind, purge
from motcua.store.erasures import open_erasures
from motcua.store.oversight.accounting import identity
from motcua.store.personal_data import Order, PurgeNotProvided, purge_batch, purge_connection
from tests.ground import NHA_TRANG, in_ledger
from tests.integration.personal_data.conftest import NOW, PHONE, THEN, complain, quarantine
from tests.sql.test_rights import INQUIRY

PLACES = [
    "attempts.msisdn",
    "dossier_versions.applicant_phone",
    "dossiers.applicant_name",
    "dossiers.applicant_phone",
    "dossiers.msisdn",
    "messages.msisdn",
    "transitions.note",
]
REFERENCE = "0" * 32


@pytest.mark.guarantee(
    "personal-data",
    "a dossier's phone numbers, names, words and notes are emptied after its agency's term; its other facts stay",
)
def test_all_of_a_dossier_that_ended_goes_and_its_facts_stay(past, rows):
    past.told_and_ended("D-1")
    assert past.values() == PLACES
    facts = "SELECT dossier_code, status_code, returned_at, phone_refusal, phone_notes, due_at FROM motcua.dossiers"
    sent = "SELECT state, reason, segments, kind, occasion, changed_at FROM motcua.messages"
    before = rows(facts), rows(sent), rows("SELECT * FROM motcua.message_history")
    purge("tests")
    assert past.values() == []
    assert (rows(facts), rows(sent), rows("SELECT * FROM motcua.message_history")) == before
    counted = {row["of_table"]: row["emptied"] for row in rows("SELECT * FROM audit.personal_data_purges")}
    assert counted == {
        "dossiers": 1, "dossier_versions": 2, "messages": 1, "attempts": 1, "transitions": 2,
    }  # fmt: skip
    assert all(row.difference == 0 for row in in_ledger(identity))


@pytest.mark.guarantee(
    "personal-data", "a dossier that is open, may still get a message, or has an open complaint is not emptied"
)
def test_dossiers_that_are_not_over_are_not_touched(past, rows):
    past.told_and_ended("D-ended", "D-complained")
    # A dossier whose result nobody collects ends a year after the result was ready.
    for code, days in (("D-uncollected", 800), ("D-waits", 600), ("D-waits longer", 380), ("D-young", 40)):
        past.result(code, NOW - timedelta(days=days))
        past.run(NOW - timedelta(days=days))
        past.receipts()
    past.hand_over("D-young", NOW - timedelta(days=40) + timedelta(hours=1))
    past.one_stop.dossier("D-open", updated_at=THEN, status_code=4)
    past.run(THEN)
    complain(rows, "D-complained", outcome="open")
    purge("tests")
    purged = "SELECT dossier_code FROM motcua.dossiers WHERE purged_at IS NOT NULL ORDER BY 1"
    assert [row["dossier_code"] for row in rows(purged)] == ["D-ended", "D-uncollected"]
    rows("UPDATE motcua.complaints SET outcome = 'upheld', outcome_by = 'hoa', outcome_at = now()")
    purge("tests")
    assert [row["dossier_code"] for row in rows(purged)] == ["D-complained", "D-ended", "D-uncollected"]
    rows("UPDATE motcua.agencies SET retention = '30 days'")
    purge("tests")
    assert [row["dossier_code"] for row in rows(purged)] == [
        *("D-complained", "D-ended", "D-uncollected", "D-waits", "D-young"),
    ]


EMPTYING = {
    # For each table: the allowed emptying, a forbidden other value, and a forbidden change together with the emptying.
    "dossiers": (
        "applicant_name = NULL, applicant_phone = NULL, msisdn = NULL, purged_at = now()",
        "msisdn = '+84905999999', purged_at = now()",
        "status_code = 4",
    ),
    "messages": (
        "msisdn = NULL, text = '', parameters = '{}', accented_parameters = NULL, purged_at = now()",
        "text = 'khác', purged_at = now()",
        "segments = 9",
    ),
    "attempts": (
        "msisdn = NULL, gateway_reference = NULL, purged_at = now()",
        "msisdn = '+84905999999'",
        "state = 'failed'",
    ),
    "dossier_versions": (
        "applicant_phone = NULL, purged_at = now()",
        "applicant_phone = 'khác', purged_at = now()",
        "status_code = 4",
    ),
    "transitions": ("note = NULL, actor = NULL", "note = 'khác'", "status_code = 4"),
    "receipts": ("raw = '{}', purged_at = now()", "raw = '{\"x\": 1}', purged_at = now()", "gateway_status = 'x'"),
    "inquiries": (
        "msisdn = NULL, text = NULL, asked_code = NULL, gateway_message_id = NULL, purged_at = now()",
        "text = 'khác', purged_at = now()",
        "fee = 0",
    ),
    "complaints": ("note = NULL, purged_at = now()", "note = 'khác', purged_at = now()", "outcome = 'upheld'"),
    "quarantine": (
        "payload = '{}', purged_at = now()",
        "payload = '{\"x\": 1}', purged_at = now()",
        "reason = 'code_missing'",
    ),
}


def fill_every_table(past, rows):
    past.told_and_ended("D-1")
    past.one_stop.move(99, "D-1", at=THEN, note=PHONE)
    past.run(THEN + timedelta(hours=2))
    complain(rows, "X", outcome="open")
    ask(rows, NOW)


def ask(rows, at, key="k", message_id=None):
    """Write an inquiry about an unknown dossier and the reply, as an earlier version of the program stored both."""
    (row,) = rows(
        "INSERT INTO motcua.messages (kind, occasion, state, msisdn, text, template_id, template_version, parameters,"
        " accented, segments, occurred_at, recorded_at, planned_at, useful_until, next_attempt_at, changed_at)"
        " VALUES ('reply', %s, 'accepted', '+84905123456', 'Khong tim thay (0905123456)', 'x', 1, '{0905123456}',"
        " FALSE, 1, %s, %s, %s, %s, %s, %s) RETURNING message_id",
        f"inquiry {key}", at, at, at, at, at, at,
    )  # fmt: skip
    rows(
        "INSERT INTO motcua.inquiries (gateway, gateway_message_id, dedupe_key, received_at, msisdn, text, asked_code,"
        " outcome, fee, message_id) VALUES ('kannel', %s, %s, %s, '+84905123456', 'MCKH 0905123456', '0905123456',"
        " 'unknown_code', 1000, %s)",
        message_id, key, at, row["message_id"],
    )  # fmt: skip


@pytest.mark.guarantee(
    "personal-data",
    "nobody empties personal data by hand, not even the owner; the role that purges can write nothing else",
)
def test_nobody_empties_by_hand_and_who_may_empty_may_write_nothing_else(past, rows):
    fill_every_table(past, rows)
    for role in ("postgres", "motcua_owner"):
        rows(f"SET ROLE {role}")
        for table, (emptied, _, _) in EMPTYING.items():
            assert rows(f"SELECT count(*) AS n FROM motcua.{table}")[0]["n"] > 0
            with pytest.raises(psycopg.DatabaseError, match="append-only"):
                rows(f"UPDATE motcua.{table} SET {emptied}")
    # A single column of a dossier may be emptied only after a pick-up has read the dossier's row again.
    for role in ("postgres", "motcua_owner", "motcua_app"):
        rows(f"SET ROLE {role}")
        for column in ("applicant_name", "applicant_phone", "msisdn"):
            with pytest.raises(psycopg.DatabaseError, match="append-only"):
                rows(f"UPDATE motcua.dossiers SET {column} = NULL")
    for table, (emptied, other_value, besides) in EMPTYING.items():
        # All rights are granted, so that only the triggers can refuse a change.
        rows("RESET ROLE")
        rows(f"GRANT ALL ON motcua.{table} TO motcua_eraser")
        rows("SET ROLE motcua_eraser")
        for change in (other_value, f"{emptied}, {besides}"):
            with pytest.raises(
                psycopg.DatabaseError, match=r"append-only|may only be emptied|kept as it was recorded|is fixed"
            ):
                rows(f"UPDATE motcua.{table} SET {change}")
        if table in ("dossier_versions", "receipts", "inquiries"):
            with pytest.raises(psycopg.DatabaseError, match="append-only"):
                rows(f"DELETE FROM motcua.{table}")
        rows(f"UPDATE motcua.{table} SET {emptied}")


@pytest.mark.guarantee(
    "personal-data",
    "a provider's message id is a keyed hash, or is emptied after its term; the journal has no id made of a number",
)
def test_ids_of_providers_that_were_kept_before_become_keyed_hashes_and_repeats_are_still_known(past, rows):
    """The purge replaces stored ids of providers by keyed hashes, and a repeated inquiry is still recognized.

    Some providers make their ids from the phone number, so a stored id would reveal the number.
    """
    theirs, at = "35-0905123456-7", NOW - timedelta(days=1)
    key = dedupe_key(theirs, "+84905123456", "MCKH 0905123456", at)
    ask(rows, NOW - timedelta(days=91), "0" * 64, f"{theirs}-old")
    ask(rows, at, key, theirs)
    (before,) = rows("SELECT to_jsonb(i) - 'purged_at' AS it FROM motcua.inquiries AS i WHERE dedupe_key = %s", key)
    repeated = json.dumps(INQUIRY | {"dedupe_key": key, "gateway_message_id": theirs})
    known = "SELECT motcua.save_inquiry(%s) AS is_new, (SELECT text FROM motcua.reply_given('kannel', %s)) AS reply"
    for moment in ("before the keys are replaced", "after"):
        (said,) = rows(known, repeated, key)
        assert said == {"is_new": False, "reply": "Khong tim thay (0905123456)"}, moment
        if moment.startswith("before"):
            # Batches of one row show that the purge goes on until no row is left.
            with purge_connection() as connection:
                erasures = open_erasures()
                empty_kind(connection, erasures, Order("inquiries", "term", "tests", at_most=1), print)
    kept = rows("SELECT to_jsonb(i) - 'purged_at' AS it FROM motcua.inquiries AS i ORDER BY inquiry_id")
    old, young = (row["it"] for row in kept)
    assert {name for name in young if young[name] != before["it"][name]} == {"dedupe_key", "gateway_message_id"}
    assert [young["gateway_message_id"][:3], old["gateway_message_id"], old["dedupe_key"]] == ["id-", None, None]
    assert not re.search("[0-9]", young["gateway_message_id"] + young["dedupe_key"])
    plain = hashlib.sha256(theirs.encode()).hexdigest()
    assert plain[:8] not in str(kept), "a hash without a key could be found by trying all numbers"


def test_purge_login_may_do_nothing_else_and_no_other_login_may_purge(past, rows):
    fill_every_table(past, rows)
    with purge_connection() as connection:
        for act in (
            *(f"SELECT * FROM motcua.{table}" for table in EMPTYING),
            *(f"UPDATE motcua.{table} SET {emptied}" for table, (emptied, _, _) in EMPTYING.items()),
            *(f"DELETE FROM motcua.{table}" for table in EMPTYING),
            "SELECT * FROM motcua.personal_data_purges",
            "INSERT INTO motcua.personal_data_purges (reference, purged_at, cause, of_table, emptied, purged_by)"
            " VALUES (repeat('0', 32), now(), 'term', 'x', 1, 'x')",
            "SELECT * FROM audit.dossiers",
            "SELECT motcua.tidy_after_purge()",
            "SET ROLE motcua_eraser",
            "CREATE TABLE motcua.mine (x int)",
            "SET session_replication_role = 'replica'",
            "ALTER TABLE motcua.dossiers DISABLE TRIGGER keep_personal_data",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(act)
            connection.rollback()
    for role in ("motcua_app", "motcua_audit"):
        rows(f"SET ROLE {role}")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            rows(f"SELECT motcua.purge_personal_data('dossiers', 0, 10, '{REFERENCE}', 'term', 'x')")
        rows("RESET ROLE")


def test_eraser_role_owns_one_function_and_nothing_else(rows):
    owned = rows(
        "SELECT c.classid::regclass::text AS what, c.objid FROM pg_shdepend AS c"
        " WHERE c.refobjid = 'motcua_eraser'::regrole AND c.deptype = 'o'"
        " AND c.dbid = (SELECT oid FROM pg_database WHERE datname = current_database())"
    )
    assert [row["what"] for row in owned] == ["pg_proc"]
    (role,) = rows(
        "SELECT rolcanlogin, rolsuper, rolcreaterole, rolcreatedb FROM pg_roles WHERE rolname = 'motcua_eraser'"
    )
    assert not any(role.values())
    assert rows("SELECT has_schema_privilege('motcua_eraser', 'motcua', 'CREATE') AS can")[0]["can"] is False


def test_purge_of_an_open_dossier_or_by_a_wrong_order_empties_nothing(past, rows):
    """The ledger itself refuses orders that would purge too much, and empties no open dossier."""
    past.one_stop.dossier("D-open", updated_at=THEN, status_code=4)
    past.run(THEN)
    with purge_connection() as connection:
        order = Order("dossiers", "request", "tests", reason="CV 1", only_these=[[NHA_TRANG, "D-open"]])
        assert purge_batch(connection, order, REFERENCE).emptied == 0
        for wrong in (
            Order("receipts", "request", "tests", reason="CV 1", only_these=[]),
            Order("dossiers", "term", "tests", only_these=[[NHA_TRANG, "D-open"]]),
            Order("dossiers", "restore", "tests"),
            Order("dossiers", "term", "tests", at_most=10**6),
            Order("pages", "term", "tests"),  # type: ignore[arg-type]
        ):
            with pytest.raises(psycopg.DatabaseError), connection.transaction():
                purge_batch(connection, wrong, REFERENCE)
    assert past.values() != []


@pytest.mark.guarantee(
    "personal-data", "inquiries, stored receipts and quarantined rows are emptied after 90 days, and not before"
)
def test_what_has_a_term_of_its_own_goes_after_ninety_days(past, rows):
    ask(rows, NOW - timedelta(days=91), "old")
    ask(rows, NOW - timedelta(days=89), "young")
    for days in (91, 89):
        rows(
            "INSERT INTO motcua.receipts (gateway, reference, raw, received_at) VALUES ('kannel', 'x', %s, %s)",
            Jsonb({"from": "0905123456"}), NOW - timedelta(days=days),
        )  # fmt: skip
    past.run()
    for days in (91, 89):
        quarantine(rows, "D-1", days=days)
    purge("tests")
    asked = rows(
        "SELECT dedupe_key, i.msisdn, i.text, asked_code, m.text AS reply, m.parameters, m.msisdn AS to"
        " FROM motcua.inquiries AS i JOIN motcua.messages AS m USING (message_id) ORDER BY i.received_at"
    )
    assert [list(row.values()) for row in asked] == [
        [None, None, None, None, "", [], None],
        ["young", "+84905123456", "MCKH 0905123456", "0905123456", "Khong tim thay (0905123456)", ["0905123456"],
         "+84905123456"],
    ]  # fmt: skip
    assert [row["raw"] for row in rows("SELECT raw FROM motcua.receipts ORDER BY received_at")] == [
        {}, {"from": "0905123456"},
    ]  # fmt: skip
    assert [row["payload"] for row in rows("SELECT payload FROM motcua.quarantine ORDER BY last_seen_at")] == [
        {"transition_id": 1, "dossier_code": "D-1"},
        {"transition_id": 1, "dossier_code": "D-1", "note": "gọi bà Lan, 0918 222 937"},
    ]


def test_names_and_numbers_in_codes_are_purged_and_equal_complaints_stay_repeats(past, rows):
    """A complaint's code that contains a name or number is replaced. Equal codes get equal pseudonyms."""
    written = ["CMND 225123456", "CMND 225123456", "Trần Văn Hùng", "0905.123.456", "HS-2026-17"]
    for number, code in enumerate(written):
        rows(
            "INSERT INTO motcua.complaints (entry_key, agency_code, dossier_code, received_at, channel, claim,"
            " recorded_by, recorded_at, outcome, outcome_by, outcome_at, imported_from, imported_sha256, imported_line)"
            " VALUES (repeat(%s, 64), %s, %s, %s, 'desk', 'other', 'tests', %s, 'upheld', 'x', now(), 'f',"
            " repeat(%s, 64), 1)",
            str(number), NHA_TRANG, code, THEN, THEN, str(number),
        )  # fmt: skip
    repeats = "SELECT complaint_id, repeats FROM audit.complaints ORDER BY 1"
    before = rows(repeats)
    assert [row["repeats"] for row in before if row["repeats"]] == [before[0]["complaint_id"]]
    purge("tests")
    assert rows(repeats) == before
    codes = [row["dossier_code"] for row in rows("SELECT dossier_code FROM motcua.complaints ORDER BY complaint_id")]
    assert codes[-1] == "HS-2026-17"
    assert all(code.startswith("PA-") for code in codes[:-1])
    assert len(set(codes)) == 4


@pytest.mark.guarantee(
    "personal-data", "a purged dossier that moves again is read again, and its citizen gets messages as usual"
)
def test_purged_dossier_that_moves_again_is_read_anew_and_told(past, rows, gateway):
    past.told_and_ended("D-1")
    purge("tests")
    # A pick-up that reads the ended dossier again must not restore its personal data.
    past.one_stop.connection.execute("UPDATE onestop.dossiers SET updated_at = %s", (NOW - timedelta(hours=3),))
    past.run(NOW - timedelta(hours=2))
    assert past.values() == []
    asked = len(gateway.asked)
    past.one_stop.connection.execute(
        "UPDATE onestop.dossiers SET updated_at = %s, status_code = 9, at_one_stop_desk = TRUE, returned_at = NULL",
        (NOW - timedelta(hours=1),),
    )
    past.one_stop.move(4, "D-1", desk=False, at=NOW - timedelta(hours=2))
    past.one_stop.move(9, "D-1", at=NOW - timedelta(hours=1))
    past.run(NOW)
    assert len(gateway.asked) == asked + 1
    assert gateway.asked[-1]["to"].endswith("905123456")
    purge("tests")
    assert "dossiers.msisdn" in past.values(), "a dossier that is open again must keep its number"


def test_step_of_a_purged_dossier_is_texted_only_after_its_row_is_read_again(past, rows, gateway):
    past.result("D-1")
    past.run()
    past.receipts()
    withdrawn = "UPDATE onestop.dossiers SET status_code = 7, at_one_stop_desk = FALSE, updated_at = %s"
    past.one_stop.connection.execute(withdrawn, (THEN + timedelta(hours=1),))
    past.one_stop.move(7, "D-1", desk=False, at=THEN + timedelta(hours=1))
    past.run(THEN + timedelta(hours=1))
    purge("tests")
    assert past.values() == []
    asked = len(gateway.asked)
    past.one_stop.move(4, "D-1", desk=False, at=NOW - timedelta(hours=2))
    past.one_stop.move(9, "D-1", at=NOW - timedelta(hours=1))
    past.run(NOW - timedelta(minutes=50))
    assert len(gateway.asked) == asked
    assert rows("SELECT state, reason FROM motcua.messages ORDER BY message_id DESC LIMIT 1") == [
        {"state": "suppressed", "reason": "missing"}
    ]
    past.one_stop.connection.execute(
        "UPDATE onestop.dossiers SET updated_at = %s, status_code = 9, at_one_stop_desk = TRUE, returned_at = NULL",
        (NOW - timedelta(minutes=40),),
    )
    past.run(NOW - timedelta(minutes=30))
    past.run(NOW - timedelta(minutes=29))
    assert len(gateway.asked) == asked + 1


def test_next_purge_completes_one_that_was_broken_off(past, rows):
    past.told_and_ended("D-1", "D-2", "D-3")
    progress: list[str] = []

    def die_after_two(said: str) -> None:
        progress.append(said)
        if len(progress) == 2:
            raise RuntimeError("killed")

    with purge_connection() as connection, pytest.raises(RuntimeError):
        empty_kind(connection, open_erasures(), Order("dossiers", "term", "tests", at_most=1), die_after_two)
    assert rows("SELECT count(*) AS n FROM motcua.dossiers WHERE purged_at IS NOT NULL") == [{"n": 2}]
    purge("tests")
    assert past.values() == []


def test_dossier_that_somebody_holds_is_left_to_the_next_purge(past, rows, ledger):
    """A dossier whose row another session has locked is skipped, and the next purge empties it."""
    past.told_and_ended("D-1", "D-2")
    with psycopg.connect(ledger) as other:
        other.execute("SELECT 1 FROM motcua.dossiers WHERE dossier_code = 'D-1' FOR UPDATE")
        purge("tests")
        assert rows("SELECT dossier_code FROM motcua.dossiers WHERE purged_at IS NOT NULL") == [{"dossier_code": "D-2"}]
    purge("tests")
    assert past.values() == []


def test_where_nobody_may_purge_it_says_what_to_do(past, monkeypatch, rows):
    past.told_and_ended("D-1")
    rows("REVOKE EXECUTE ON FUNCTION motcua.purge_personal_data FROM motcua_purge")
    with pytest.raises(PurgeNotProvided, match="motcua provision"):
        purge("tests")
    monkeypatch.delenv("AIRFLOW_CONN_MOTCUA_DB_PURGE")
    with pytest.raises(PurgeNotProvided, match="AIRFLOW_CONN_MOTCUA_DB_PURGE"):
        purge("tests")
    assert past.values() == PLACES


def test_purge_also_removes_values_from_postgresqls_statistics(past, rows):
    past.told_and_ended("D-1")
    rows("ANALYZE")
    held = (
        "SELECT tablename, attname FROM pg_stats WHERE schemaname = 'motcua'"
        " AND (most_common_vals::text ~ '905123456|ễn Thị Lan' OR histogram_bounds::text ~ '905123456|ễn Thị Lan')"
    )
    past.told_and_ended("D-2")
    rows("ANALYZE")
    assert rows(held)
    purge("tests")
    assert rows(held) == []
