"""Test that each role of the ledger can do its own work and is refused everything else."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import NamedTuple

import psycopg
import pytest
from psycopg import errors, sql
from psycopg.conninfo import conninfo_to_dict

from motcua.settings import include_dir
from motcua.store.agencies import save_agencies
from motcua.store.ledger.definitions import put_in_force
from motcua.store.ledger.migrations import SCHEMAS
from tests.ground import NHA_TRANG, NOW, PASSWORD, TU_PHAP, agency, connection_uri, in_ledger

ROLES = ("motcua_app", "motcua_callbacks", "motcua_pages", "motcua_audit", "motcua_purge", "motcua_intake")
RIGHTS = (include_dir() / "sql" / "definitions" / "rights.sql").read_text(encoding="utf-8")


class Act(NamedTuple):
    """An SQL statement that somebody with a role's password might try, and what it would harm or reveal."""

    statement: str
    why: str


def _acts_on_tables(statement: str, tables: str, why: str) -> list[Act]:
    return [Act(statement.format(f"motcua.{table}"), why) for table in tables.split()]


NOBODY_BUT_THE_OWNER = [
    *_acts_on_tables(
        "DELETE FROM {}",
        "messages attempts message_history receipts receipt_readings inquiries dossiers dossier_versions transitions"
        " releases stops closings closing_messages closing_dossiers publications quality_runs findings"
        " finding_acknowledgements agencies agency_changes calendar_changes complaints complaint_changes"
        " gateway_changes user_agency_changes phone_searches sources carrier_statements statement_lines"
        " statement_matches closing_message_sums closing_dossier_sums closing_reason_sums statement_sums"
        " statement_difference_sums journals gaps alerts runs report_mails quarantine old_steps page_requests"
        " finding_rechecks personal_data_purges personal_data_requests",
        "facts would be lost, and the figures would count without them",
    ),
    *_acts_on_tables(
        "TRUNCATE {} CASCADE", "messages dossiers inquiries publications agencies", "all facts would be lost at once"
    ),
    Act(
        "UPDATE motcua.message_history SET to_state = 'delivered'", "a message's history would hold what did not happen"
    ),
    Act("UPDATE motcua.receipts SET gateway_status = '1'", "a receipt would state what no gateway reported"),
    Act("UPDATE motcua.receipt_readings SET effect = 'applied'", "a receipt would seem to have had an effect"),
    Act("UPDATE motcua.releases SET released_by = 'another'", "another person would seem to have released a message"),
    Act(
        "UPDATE motcua.finding_acknowledgements SET acknowledged_by = 'another'",
        "another person would seem to have acknowledged a finding",
    ),
    Act("UPDATE motcua.closings SET difference = 0", "a closed day would seem to balance"),
    Act("UPDATE motcua.closing_messages SET queued = 0", "an agency's closed day would seem to balance"),
    Act("UPDATE motcua.publications SET manifest = manifest", "a publication could be changed"),
    *_acts_on_tables(
        "UPDATE {} SET changed_by = 'another'",
        "agency_changes calendar_changes user_agency_changes complaint_changes",
        "another person would seem to have changed an agency, the calendar, a user's agencies or a complaint",
    ),
    *_acts_on_tables(
        "INSERT INTO {} DEFAULT VALUES",
        "message_history message_states agency_changes complaint_changes status_map_changes rule_dates page_requests"
        " personal_data_purges",
        "an invented history, a state that no figure counts, or a request with an invented time could be stored",
    ),
    Act("UPDATE motcua.dossier_versions SET status_code = 9", "a dossier would seem ready earlier than it was"),
    Act(
        "UPDATE motcua.phone_searches SET searched_by = 'another'",
        "another person would seem to have searched for a number",
    ),
    Act("UPDATE motcua.statement_lines SET segments = 0", "the carrier would seem to have billed less"),
    Act("UPDATE motcua.message_moves SET only_for = NULL", "any message could be sent again"),
    Act("UPDATE motcua.message_states SET may_begin = TRUE", "a message could begin as delivered"),
    Act(
        "INSERT INTO motcua.message_moves (from_state, to_state) VALUES ('delivered', 'queued')",
        "all delivered messages would be sent again",
    ),
    Act("SELECT * FROM motcua.pseudonym_key", "the person behind a pseudonym could be found"),
    Act("ALTER TABLE motcua.messages DISABLE TRIGGER USER", "no rule of the ledger would be checked"),
    Act("ALTER TABLE motcua.messages ADD COLUMN x integer", "the ledger would differ from its definitions"),
    Act("DROP TABLE motcua.messages CASCADE", "all messages would be lost"),
    Act("DROP TRIGGER keep_inquiry ON motcua.inquiries", "inquiries could be rewritten"),
    Act("DROP VIEW audit.messages CASCADE", "auditors could not check messages"),
    Act("DROP FUNCTION motcua.save_inquiry(jsonb)", "no inquiry would be counted"),
    Act("CREATE TABLE motcua.x (y integer)", "personal data could be stored outside the purge"),
    Act("CREATE INDEX ON motcua.messages (text)", "senders would wait for the table's lock"),
    Act(
        "CREATE FUNCTION motcua.x() RETURNS integer LANGUAGE sql SECURITY DEFINER AS 'SELECT 1'",
        "the function would act with another role's rights",
    ),
    Act(
        "ALTER FUNCTION motcua.save_inquiry(jsonb) SET search_path = public",
        "a function could be made to act with the owner's rights",
    ),
    Act("ALTER TABLE motcua.messages OWNER TO CURRENT_USER", "the role could do everything to messages"),
    Act("GRANT motcua_owner TO CURRENT_USER", "the role would have the owner's rights"),
    Act("COMMENT ON TABLE motcua.messages IS 'x'", "the data dictionary would be wrong"),
    Act("UPDATE motcua.status_maps SET status_code = 9", "nobody would know who mapped every step to a result"),
    Act(
        "UPDATE motcua.personal_data_requests SET handled_by = 'another'",
        "another person would seem to have handled a request",
    ),
    Act("UPDATE motcua.page_requests SET asked_by = 'another'", "another person would seem to have made a request"),
    Act("UPDATE motcua.page_requests SET wanted = '{}'", "the change would differ from the mail to the Department"),
    Act("UPDATE motcua.page_requests SET ended_at = now(), outcome = 'done'", "a request would seem carried out"),
]
"""Acts on the ledger that only its owner may do."""

NOBODY_OF_THE_LEDGER = [
    Act("CREATE SCHEMA x", "personal data could be stored outside the purge"),
    Act("SET SESSION AUTHORIZATION postgres", "the role would have the administrator's rights"),
    Act("SET session_replication_role = replica", "no trigger would run"),
    Act("ALTER SYSTEM SET log_statement = 'all'", "phone numbers would be in the server's log"),
    Act("COPY (SELECT 1) TO PROGRAM 'cat'", "the role could run a program on the server"),
    Act("COPY (SELECT 1) TO '/tmp/x'", "the role could write a file on the server"),
    Act("SELECT pg_read_file('postgresql.conf')", "the role could read the server's files"),
    Act("SELECT pg_ls_dir('.')", "the role could list the server's files"),
    Act("SELECT rolpassword FROM pg_authid", "the role could read password hashes"),
    Act("CREATE ROLE x SUPERUSER", "the role could make an administrator"),
    Act("ALTER ROLE postgres PASSWORD 'x'", "the role could change passwords"),
    Act("CREATE DATABASE x", "personal data could be stored outside the purge"),
]
"""Acts that not even the ledger's owner may do."""

_QUEUE = (
    "INSERT INTO motcua.messages (kind, dossier_id, agency_code, occasion, state, msisdn, text)"
    " VALUES ('result', 1, 'x', 'x', 'queued', '+84905123456', 'any words')"
)
_WRITES_OF_TASKS = [
    Act(_QUEUE, "any text could go to any phone"),
    Act("UPDATE motcua.messages SET state = 'queued'", "delivered messages would be sent again"),
    Act("UPDATE motcua.messages SET msisdn = '+84905123456'", "another citizen's phone would get the message"),
    Act("UPDATE motcua.messages SET text = 'any words'", "another text would be sent"),
    Act("UPDATE motcua.attempts SET state = 'failed'", "an accepted message would be sent again"),
    *_acts_on_tables(
        "INSERT INTO {} DEFAULT VALUES",
        "attempts agencies dossiers transitions stops gateway_stops calendar_days releases receipt_readings inquiries"
        " publications closings",
        "an invented attempt, dossier, transition, stop, day off, release or publication could be stored",
    ),
    Act("UPDATE motcua.agencies SET enabled_from = NULL", "an agency would send no messages"),
    Act("UPDATE motcua.agencies SET enabled_from = now()", "an agency would begin before it is ready"),
    Act("DELETE FROM motcua.agency_aliases", "citizens would not find their agency"),
    Act("UPDATE motcua.dossiers SET msisdn = '+84905123456'", "another citizen's phone would get the message"),
    Act("UPDATE motcua.stops SET ended_at = now(), ended_by = 'x'", "stopped messages would be sent"),
    Act("DELETE FROM motcua.gateway_stops", "a gateway that refuses messages would be called again and again"),
    Act("UPDATE motcua.gateways SET name = name", "the limits of a gateway could be changed"),
    Act("UPDATE motcua.sources SET cursor_recorded_at = now()", "rows of a source would be skipped"),
    Act("DELETE FROM motcua.template_registrations", "no gateway would accept a text"),
    Act("UPDATE motcua.inquiries SET msisdn = NULL", "the limit of inquiries per phone would have no effect"),
    Act("SELECT statements.clear()", "a running comparison would lose its rows"),
    Act("SELECT quality.begin_snapshot()", "a running check would lose its rows"),
    Act("SELECT quality.make('dossiers', '{a}', '{25}')", "a running check would lose its rows"),
    Act("SELECT motcua.empty_counted_occasions()", "a running closing would lose its rows"),
    Act("SELECT motcua.note_agency_change('x')", "an invented history could be stored"),
]
_READS_OF_PEOPLE = [
    Act("SELECT msisdn FROM motcua.messages", "phones of all messages"),
    Act("SELECT text FROM motcua.messages", "texts of all messages"),
    Act("SELECT parameters FROM motcua.messages", "values in the texts of all messages"),
    Act("SELECT msisdn FROM motcua.dossiers", "phones of all dossiers"),
    Act("SELECT applicant_name FROM motcua.dossiers", "names of all applicants"),
    Act("SELECT dossier_code FROM motcua.dossiers", "codes of all dossiers, with which 9029 can be asked"),
    *_acts_on_tables(
        "SELECT * FROM {}", "dossier_versions sending_conditions user_agencies", "names, phones, and users' agencies"
    ),
    Act("SELECT note FROM motcua.transitions", "notes of desks about people"),
    Act("SELECT msisdn FROM motcua.inquiries", "phones that asked 9029"),
    Act("SELECT text FROM motcua.inquiries", "texts that citizens sent to 9029"),
    Act("SELECT payload FROM motcua.quarantine", "rows with names and phones as a desk typed them"),
    Act("SELECT raw FROM motcua.receipts", "receipts with phones as gateways sent them"),
    Act("SELECT reference FROM motcua.attempts", "references, with which a receipt can be forged"),
    Act("SELECT note FROM motcua.complaints", "words of citizens"),
    Act("SELECT motcua.desk_user('x', 'y')", "the pseudonym of any guessed name"),
]
_FORMS = [
    Act("SELECT motcua.set_agency_settings('x', 1, '{}', 'x')", "an agency's messages would change"),
    *_acts_on_tables(
        "INSERT INTO {} DEFAULT VALUES",
        "user_agencies complaints finding_acknowledgements finding_rechecks",
        "a user could see other agencies, or a complaint, acknowledgement or check would be invented",
    ),
    Act("DELETE FROM motcua.user_agencies", "users could no longer see their agencies"),
    Act("UPDATE motcua.complaints SET outcome = 'x'", "a complaint would seem settled"),
    Act(
        "SELECT motcua.save_page_request('map_status', '{}', 'x')",
        "the Department would be mailed a request that nobody made",
    ),
    Act("SELECT motcua.withdraw_page_request(1, 'x')", "a request would not be carried out"),
    Act("UPDATE motcua.alerts SET acknowledged_by = 'x'", "an alert would seem acknowledged"),
    Act(
        "SELECT motcua.answer_gap(1, NULL, 'x', 'y', 'kannel', now())",
        "messages of a restored ledger would be sent again",
    ),
]
_EFFECTS = [
    Act("SELECT motcua.map_status('x', 11, 9, 'y', now())", "every step would count as a result"),
    Act(
        "SELECT motcua.release_messages('x', 'y', now(), NULL, NULL, NULL, NULL)",
        "a message that may have been delivered would be sent again",
    ),
    Act("INSERT INTO intake.export_forms (set_by) VALUES ('x')", "every line of a file would count as a result"),
    Act("SELECT motcua.apply_page_request(1)", "a request would be carried out before its time"),
    Act(
        "UPDATE motcua.page_requests SET told_at = now(), applies_at = now(), told = '{}'",
        "a request would be carried out without a mail",
    ),
]
"""Acts that pages may only request; tasks carry them out."""
_PURGE = Act(
    "SELECT * FROM motcua.purge_personal_data('inquiries', 0, 1, repeat('0', 32), 'term', 'x')",
    "personal data would be purged before its time",
)
_OF_GATEWAYS = [
    Act("INSERT INTO motcua.receipts (gateway, raw) VALUES ('kannel', '{}')", "a receipt could be invented"),
    Act("SELECT motcua.apply_receipts('[]', now())", "states of messages would change"),
    Act("SELECT motcua.save_inquiry('{}')", "an inquiry that nobody paid for would count"),
    Act("SELECT motcua.reply_given('kannel', 'x')", "the reply to another citizen"),
    Act("SELECT motcua.asked_too_often('kannel', '+84905123456', now(), now(), 1, 1)", "whether a phone asked 9029"),
]

_OF_PUSHES = [
    *(
        Act(f"SELECT * FROM intake.{table}", "pushed data and accounts are not for callers from outside")
        for table in ("pushed_dossiers", "recent_states", "numbers")
    ),
    Act("INSERT INTO intake.pushed_steps (source) VALUES ('x')", "a step that nobody pushed could be stored"),
    Act("UPDATE intake.pushed_steps SET status_code = 9", "a step of another client would count as a result"),
    Act("UPDATE intake.pushed_dossiers SET agency_code = 'x'", "a dossier would belong to another agency"),
    Act("UPDATE intake.numbers SET last_number = 0", "later steps would get lower numbers than earlier ones"),
    Act("DELETE FROM intake.pushed_dossiers", "pushed dossiers would be lost"),
    Act("INSERT INTO intake.sessions (token_digest) VALUES ('x')", "a session could begin without a password"),
    Act(
        "UPDATE intake.client_changes SET changed_by = 'another'",
        "another person would seem to have registered a client",
    ),
    Act("DELETE FROM intake.clients", "the sender of pushed data would be unknown"),
]
"""Acts on pushed data that only the functions of schema ``intake`` may do."""
_OF_CLIENTS = [
    Act("SELECT * FROM intake.clients", "accounts and password hashes"),
    Act("SELECT * FROM intake.source_dossiers", "phones and names"),
    Act("UPDATE intake.clients SET disabled_at = NULL", "a disabled client could push again"),
    Act("UPDATE intake.clients SET networks = '{0.0.0.0/0}'", "everybody could push"),
    Act("INSERT INTO intake.client_agencies (client_id) VALUES (1)", "a client would write for another agency"),
    Act("DELETE FROM intake.sessions", "everybody would have to sign in again"),
]
"""Acts on accounts of the intake that only commands may do, and queries that only the reading of sources may run."""

ACTS = {
    "motcua_app": [*NOBODY_BUT_THE_OWNER, *_OF_PUSHES, _PURGE],
    "motcua_intake": [
        *(
            *NOBODY_BUT_THE_OWNER,
            *_WRITES_OF_TASKS,
            *_READS_OF_PEOPLE,
            *_FORMS,
            *_EFFECTS,
            *_OF_GATEWAYS,
            *_OF_PUSHES,
            *_OF_CLIENTS,
        ),
        Act("SELECT motcua.asked_dossiers('{X}', NULL)", "the agency of any dossier code"),
        Act("SELECT * FROM audit.messages", "facts that no service in a DMZ needs"),
        _PURGE,
    ],
    "motcua_callbacks": [
        *(*NOBODY_BUT_THE_OWNER, *_WRITES_OF_TASKS, *_READS_OF_PEOPLE, *_FORMS, *_EFFECTS, *_OF_PUSHES, *_OF_CLIENTS),
        Act("SELECT * FROM audit.messages", "facts that no service in a DMZ needs"),
        _PURGE,
    ],
    "motcua_pages": [
        *(*NOBODY_BUT_THE_OWNER, *_WRITES_OF_TASKS, *_EFFECTS, *_OF_GATEWAYS),
        Act("SELECT * FROM motcua.phone_searches", "only auditors may see who searched for a phone"),
        Act("SELECT * FROM motcua.personal_data_requests", "only auditors may see who asked for an erasure"),
        Act("UPDATE motcua.complaints SET note = 'x'", "the words of a citizen could be changed"),
        Act("UPDATE motcua.alerts SET over_at = now()", "an alert would seem to have ended"),
        Act("SELECT motcua.desk_user('x', 'y')", "the pseudonym of any guessed name"),
        _PURGE,
    ],
    "motcua_audit": [
        *(*NOBODY_BUT_THE_OWNER, *_WRITES_OF_TASKS, *_READS_OF_PEOPLE, *_FORMS, *_EFFECTS, *_OF_GATEWAYS),
        Act("SELECT motcua.asked_dossiers('{X}', NULL)", "the agency of any dossier code"),
        _PURGE,
    ],
    "motcua_purge": [
        *(*NOBODY_BUT_THE_OWNER, *_WRITES_OF_TASKS, *_READS_OF_PEOPLE, *_FORMS, *_EFFECTS, *_OF_GATEWAYS),
        Act("SELECT motcua.asked_dossiers('{X}', NULL)", "the agency of any dossier code"),
        Act("SELECT * FROM audit.messages", "the purge needs to read no messages"),
        Act("UPDATE motcua.dossiers SET msisdn = NULL", "a phone number would be purged before its time"),
        Act("SELECT motcua.tidy_after_purge()", "the purge needs only its own function"),
    ],
}


@pytest.fixture(scope="module")
def shared(postgres, migrated) -> Iterator[str]:
    """Create the ledger on which all acts are tried and rolled back, and yield its name."""

    name = postgres.fresh_database(migrated, "rights")
    yield name
    postgres.drop_database(name)


def _try(connection: psycopg.Connection, act: Act) -> psycopg.Error | None:
    """Try an act and return PostgreSQL's error, or ``None``. The act is rolled back."""
    try:
        if act.statement.startswith(("ALTER SYSTEM", "CREATE DATABASE")):
            connection.execute(act.statement.encode())
        else:
            with connection.transaction(force_rollback=True):
                connection.execute(act.statement.encode())
    except psycopg.Error as error:
        return error
    return None


@pytest.mark.guarantee("rights", "each role of the ledger is refused every act outside its own work")
@pytest.mark.parametrize("role", ROLES)
def test_role_is_refused_what_is_not_its_work(postgres, shared, role):
    acts = [*ACTS[role], *NOBODY_OF_THE_LEDGER]
    assert len({act.statement for act in acts}) == len(acts) >= 60
    with psycopg.connect(connection_uri(postgres.admin_dsn, role, shared), autocommit=True) as connection:
        said = {act: _try(connection, act) for act in acts}
    allowed = [act for act, error in said.items() if not isinstance(error, errors.InsufficientPrivilege)]
    assert [(act.statement, said[act]) for act in allowed] == []


def test_acts_are_real_the_owner_may_do_them(postgres, shared):
    """The owner may do each act. PostgreSQL may also refuse a misspelled act, so refusals alone prove nothing."""
    acts = {act for role in ROLES for act in ACTS[role]}
    refused, unreal = [], []
    with psycopg.connect(connection_uri(postgres.admin_dsn, "motcua_owner", shared), autocommit=True) as owner:
        for act in acts:
            error = _try(owner, act)
            if isinstance(error, errors.InsufficientPrivilege):
                refused.append(act)
            # Errors of these classes do not mean missing rights: constraints may refuse the invented rows, and triggers
            # protect append-only rows even from the owner.
            elif error is not None and (error.sqlstate or "")[:2] not in ("22", "23", "MC"):
                unreal.append((act, str(error)))
    assert [act.statement for act in refused] == ["GRANT motcua_owner TO CURRENT_USER"]
    assert unreal == []


# --- Rights of callbacks --------------------------------------------------------------------------------------


@pytest.fixture
def callbacks(postgres, ledger) -> Iterator[psycopg.Connection]:
    name = str(conninfo_to_dict(ledger)["dbname"])
    with psycopg.connect(connection_uri(postgres.admin_dsn, "motcua_callbacks", name)) as connection:
        yield connection


INQUIRY = {
    "gateway": "kannel",
    "dedupe_key": "one",
    "received_at": NOW.isoformat(),
    "phone": "+84905123456",
    "text": "MCKH 1",
    "outcome": "help",
    "fee": 0,
    "told_result": False,
    "occasion": "inquiry 1",
    "reply": "Soan tin",
    "template_id": "reply_help",
    "template_version": 1,
    "parameters": [],
    "accented": False,
    "segments": 1,
}


@pytest.mark.guarantee(
    "rights",
    "the callbacks' role cannot queue a message; only a run applies a receipt after which a message is sent again",
)
def test_reply_to_an_inquiry_is_never_on_its_way(callbacks, rows):
    forged = INQUIRY | {"kind": "result", "state": "queued", "next_attempt_at": NOW.isoformat(), "transition_id": 1}
    for expected in (True, False):
        (saved,) = callbacks.execute("SELECT motcua.save_inquiry(%s)", (json.dumps(forged),)).fetchall()
        assert saved == (expected,), "the inquiry is saved once"
    callbacks.commit()
    (message,) = rows("SELECT kind, state, msisdn FROM motcua.messages")
    assert message == {"kind": "reply", "state": "accepted", "msisdn": INQUIRY["phone"]}
    assert rows("SELECT msisdn FROM motcua.inquiries") == [{"msisdn": INQUIRY["phone"]}]


@pytest.mark.guarantee(
    "rights",
    "the callbacks' role cannot queue a message; only a run applies a receipt after which a message is sent again",
)
def test_callbacks_cannot_say_that_a_message_never_arrived(callbacks):
    (stored,) = callbacks.execute(
        "INSERT INTO motcua.receipts (gateway, reference, gateway_status, raw) VALUES ('kannel', 'x', '1', '{}')"
        " RETURNING receipt_id"
    ).fetchall()
    apply = "SELECT * FROM motcua.apply_receipts(%s, %s)"

    def given(receipt: int, meaning: str) -> tuple[str, object]:
        return json.dumps([{"receipt_id": receipt, "meaning": meaning}]), NOW

    with pytest.raises(errors.InsufficientPrivilege, match="never arrived"), callbacks.transaction():
        callbacks.execute(apply, given(stored[0], "absent"))
    with pytest.raises(errors.ForeignKeyViolation, match="once it is stored"), callbacks.transaction():
        callbacks.execute(apply, given(stored[0] + 1, "delivered"))
    assert callbacks.execute(apply, given(stored[0], "delivered")).fetchall() == [(stored[0], "unknown_reference")]


@pytest.mark.guarantee(
    "rights", "the callbacks' role learns the agency of a dossier code only if several agencies use the code"
)
def test_callbacks_are_told_whose_a_dossier_is_only_where_that_decides(callbacks, rows):
    in_ledger(save_agencies, [agency(NHA_TRANG), agency(TU_PHAP)], "tests")
    rows("INSERT INTO motcua.sources (name) VALUES ('khanhhoa')")
    write = (
        "INSERT INTO motcua.dossiers (source_id, agency_code, dossier_code, msisdn, picked_up_at)"
        " VALUES (1, %s, %s, %s, now()) RETURNING dossier_id"
    )
    asker, other = "+84905123456", "+84905654321"
    (alone,) = rows(write, NHA_TRANG, "0001", asker)
    (shared,) = rows(write, NHA_TRANG, "77-77", asker)
    (also,) = rows(write, TU_PHAP, "77-77", other)
    said = callbacks.execute(
        "SELECT dossier_id, is_askers FROM motcua.asked_dossiers(%s, %s)", (["0001", "77-77"], asker)
    ).fetchall()
    assert dict(said) == {alone["dossier_id"]: False, shared["dossier_id"]: True, also["dossier_id"]: False}


def test_release_names_who_and_why(ledger, rows):
    """The ledger refuses a release without a person's name or a reason."""
    for who, why in (("", "x"), ("x", " "), (None, "x"), ("x", None)):
        with pytest.raises(errors.CheckViolation, match="who does it and why"):
            rows("SELECT motcua.release_messages(%s, %s, now(), NULL, NULL, NULL, NULL)", who, why)


# --- Rights of pages over an agency -------------------------------------------------------------------------------

SETTINGS = {
    "accented": True,
    "same_day_excluded": False,
    "same_day_procedures": [],
    "same_day_reason": None,
    "result_hold": "PT15M",
    "waits_for_opening": True,
    "apology_day": "working_day",
}


@pytest.fixture
def pages(postgres, agencies, ledger) -> Iterator[psycopg.Connection]:
    name = str(conninfo_to_dict(ledger)["dbname"])
    with psycopg.connect(connection_uri(postgres.admin_dsn, "motcua_pages", name), autocommit=True) as connection:
        yield connection


def _last_change(rows, agency: str) -> int:
    (row,) = rows("SELECT max(change_id) FROM motcua.agency_changes WHERE agency_code = %s", agency)
    return row["max"]


def _set_settings(pages, seen: int, who: str = "hoa", agency: str = NHA_TRANG, **changes: object) -> int | None:
    wanted = json.dumps(SETTINGS | changes)
    (row,) = pages.execute("SELECT motcua.set_agency_settings(%s, %s, %s, %s)", (agency, seen, wanted, who)).fetchall()
    return row[0]


@pytest.mark.guarantee("rights", "the pages' role can set only what an agency decides for itself")
def test_pages_set_what_an_agency_decides_itself_with_who_and_nothing_else(pages, rows):
    before = rows("SELECT * FROM motcua.agencies WHERE agency_code = %s", NHA_TRANG)[0]
    others = rows("SELECT * FROM motcua.agencies WHERE agency_code <> %s", NHA_TRANG)
    forged = {"name": "Khác", "short_name": "Gọi 0905", "enabled_from": None, "kinds_off": ["result"], "province": "x"}
    seen = _last_change(rows, NHA_TRANG)
    assert _set_settings(pages, seen, **forged) == _last_change(rows, NHA_TRANG) > seen
    after = rows("SELECT * FROM motcua.agencies WHERE agency_code = %s", NHA_TRANG)[0]
    differing = {name for name in after if after[name] != before[name]}
    assert differing == {
        *("accented", "result_hold", "waits_for_opening", "apology_day", "changed_by"),
    }
    assert after["changed_by"] == "hoa"
    assert rows("SELECT * FROM motcua.agencies WHERE agency_code <> %s", NHA_TRANG) == others
    kept = rows("SELECT changed_by, by_department, silences FROM motcua.agency_changes ORDER BY change_id DESC LIMIT 1")
    assert kept == [{"changed_by": "hoa", "by_department": False, "silences": []}]


@pytest.mark.guarantee("rights", "the pages' role can set only what an agency decides for itself")
@pytest.mark.parametrize(
    ("changes", "refused"),
    [
        ({"result_hold": "PT2H1S"}, errors.InsufficientPrivilege),
        ({"same_day_excluded": True}, errors.CheckViolation),
        ({"same_day_excluded": True, "same_day_reason": " "}, errors.CheckViolation),
        ({"same_day_reason": "x"}, errors.CheckViolation),
        ({"same_day_procedures": ["x"]}, errors.CheckViolation),
        ({"apology_day": "never"}, errors.CheckViolation),
        ({"accented": None}, errors.NotNullViolation),
        ({"who": " "}, errors.CheckViolation),
        ({"report_recipients": ["a@b.vn"]}, errors.InsufficientPrivilege),
        ({"agency": "nobody"}, errors.ForeignKeyViolation),
    ],
)
def test_pages_cannot_silence_an_agency_or_set_what_contradicts_itself(pages, rows, changes, refused):
    before, seen = rows("SELECT * FROM motcua.agencies ORDER BY 1"), _last_change(rows, NHA_TRANG)
    with pytest.raises(refused):
        _set_settings(pages, seen, **changes)
    assert rows("SELECT * FROM motcua.agencies ORDER BY 1") == before
    assert _last_change(rows, NHA_TRANG) == seen


def test_settings_that_were_changed_meanwhile_are_not_overwritten(pages, rows):
    seen = _last_change(rows, NHA_TRANG)
    assert _set_settings(pages, seen) == _last_change(rows, NHA_TRANG)
    before = rows("SELECT * FROM motcua.agencies ORDER BY 1")
    assert _set_settings(pages, seen, accented=False) is None
    assert rows("SELECT * FROM motcua.agencies ORDER BY 1") == before


# --- Requests of pages, and who carries them out -------------------------------------------------------------------


@pytest.fixture
def tasks(postgres, ledger) -> Iterator[psycopg.Connection]:
    name = str(conninfo_to_dict(ledger)["dbname"])
    with psycopg.connect(connection_uri(postgres.admin_dsn, "motcua_app", name), autocommit=True) as connection:
        yield connection


def _make_request(pages, kind: str, **wanted: object) -> tuple[int, str]:
    ask = "SELECT * FROM motcua.save_page_request(%s, %s, 'nguyen-van-a')"
    ((number, became),) = pages.execute(ask, (kind, json.dumps(wanted))).fetchall()
    return number, became


def _note_mail(tasks, request: int, after: str) -> None:
    tasks.execute(
        "UPDATE motcua.page_requests SET told_at = clock_timestamp(), applies_at = clock_timestamp() + %s::interval,"
        " told = '{}' WHERE request_no = %s",
        (after, request),
    )


@pytest.fixture
def source(rows) -> None:
    rows("INSERT INTO motcua.sources (name) VALUES ('camlam')")


@pytest.mark.guarantee("requests", "status codes 1-10 belong to the source contract and are never mapped")
def test_ledger_refuses_to_map_a_code_of_the_contract_whoever_asks(pages, tasks, source, rows):
    by_hand = "INSERT INTO motcua.status_maps (source_id, source_status, status_code) VALUES (1, %s, 11 - %s)"
    for written in range(1, 11):
        for stands_for in (1, 9, written):
            map_it = "SELECT motcua.map_status('camlam', %s, %s, 'nguyen-van-a', now())"
            with pytest.raises(errors.CheckViolation, match="the contract's"):
                tasks.execute(map_it, (written, stands_for))
            with pytest.raises(errors.CheckViolation, match="the contract's"):
                _make_request(pages, "map_status", source="camlam", written=written, stands_for=stands_for)
        with pytest.raises(errors.CheckViolation):
            rows(by_hand, written, written)
    assert rows("SELECT 1 FROM motcua.status_maps") == []


@pytest.mark.guarantee(
    "requests", "the pages' role can carry out no request before the Department was mailed and its hour is over"
)
def test_request_is_done_by_no_role_before_the_department_was_mailed_and_its_hour_is_over(pages, tasks, source, rows):
    number, became = _make_request(
        pages, "map_status", source="camlam", written=11, stands_for=9, applies_at="2020-01-01", told_at="2020-01-01"
    )
    assert became == "waits"
    assert rows("SELECT told_at, applies_at, ended_at FROM motcua.page_requests") == [
        {"told_at": None, "applies_at": None, "ended_at": None}
    ]
    apply = "SELECT motcua.apply_page_request(%s)"
    for forged in (
        "SELECT motcua.apply_page_request(1)",
        "UPDATE motcua.page_requests SET told_at = now(), applies_at = now(), told = '{}'",
        "INSERT INTO motcua.page_requests (kind, wanted, asked_by) VALUES ('map_status', '{}', 'x')",
    ):
        with pytest.raises(errors.InsufficientPrivilege):
            pages.execute(forged)
    with pytest.raises(errors.InsufficientPrivilege, match="was not mailed"):
        tasks.execute(apply, (number,))
    _note_mail(tasks, number, "1 hour")
    with pytest.raises(errors.InsufficientPrivilege, match="may still withdraw"):
        tasks.execute(apply, (number,))
    with pytest.raises(errors.DatabaseError, match="kept as it was asked"):
        _note_mail(tasks, number, "0")
    assert rows("SELECT 1 FROM motcua.status_maps") == []


@pytest.mark.guarantee("requests", "a request can be withdrawn on the page until it is done")
def test_request_ends_once(pages, tasks, source, rows):
    first, _ = _make_request(pages, "map_status", source="camlam", written=11, stands_for=9)
    assert _make_request(pages, "map_status", source="camlam", written=11, stands_for=5) == (None, "asked_before")
    withdraw = "SELECT motcua.withdraw_page_request(%s, %s)"
    assert pages.execute(withdraw, (first, "minh")).fetchall() == [(True,)]
    assert pages.execute(withdraw, (first, "hoa")).fetchall() == [(False,)]
    assert tasks.execute("SELECT motcua.apply_page_request(%s)", (first,)).fetchall() == [(None,)]
    second, _ = _make_request(pages, "map_status", source="camlam", written=11, stands_for=9)
    _note_mail(tasks, second, "0")
    assert tasks.execute("SELECT motcua.apply_page_request(%s)", (second,)).fetchall() == [("done",)]
    assert tasks.execute("SELECT motcua.apply_page_request(%s)", (second,)).fetchall() == [(None,)]
    assert pages.execute(withdraw, (second, "hoa")).fetchall() == [(False,)]
    assert rows("SELECT outcome, ended_by FROM motcua.page_requests ORDER BY request_no") == [
        {"outcome": "withdrawn", "ended_by": "minh"},
        {"outcome": "done", "ended_by": None},
    ]


@pytest.mark.parametrize(
    ("kind", "wanted", "became"),
    [
        ("recipients", {"agency": NHA_TRANG, "addresses": ["a@b.vn"], "more": "x" * 100_000}, "waits"),
        ("recipients", {"agency": "nobody", "addresses": []}, "unknown"),
        ("export_form", {"source": "nobody", "form": {}}, "unknown"),
        ("map_status", {"source": "nobody", "written": 11, "stands_for": 9}, "unknown"),
        ("map_status", {"source": "camlam", "written": 11, "stands_for": 4}, "done"),
        ("release", {"messages": [1, 1, 2], "reason": "x"}, "waits"),
    ],
)
def test_pages_ask_for_what_there_is(pages, source, rows, kind, wanted, became):
    """A request is stored only if its agency or source exists. A harmless request is carried out at once."""
    assert _make_request(pages, kind, **wanted)[1] == became
    assert len(rows("SELECT 1 FROM motcua.page_requests")) == (became != "unknown")


@pytest.mark.parametrize(
    ("kind", "wanted"),
    [
        ("purge", {}),
        ("release", {"messages": [], "reason": "x"}),
        ("release", {"messages": [1], "reason": " "}),
        ("release", {"messages": [1], "reason": "x" * 501}),
        ("map_status", {"source": "camlam", "written": 11, "stands_for": 11}),
        ("map_status", {"source": "camlam", "written": 11}),
        ("recipients", {"agency": NHA_TRANG, "addresses": ["a" * 70_000]}),
    ],
)
def test_pages_ask_for_nothing_else(pages, source, rows, kind, wanted):
    """The ledger refuses a request of an unknown kind, or with missing, empty or too long values."""
    with pytest.raises(errors.CheckViolation):
        _make_request(pages, kind, **wanted)
    assert rows("SELECT 1 FROM motcua.page_requests") == []


# --- Rights are stated in one place ----------------------------------------------------------------------------


def test_everything_in_the_ledger_stands_in_the_table_of_rights(postgres, shared):
    """A new table or view needs a line in the table of rights. No table or view may have two lines."""
    with psycopg.connect(connection_uri(postgres.admin_dsn, "motcua_owner", shared)) as owner:
        there = {
            name
            for (name,) in owner.execute(
                "SELECT n.nspname || '.' || c.relname FROM pg_class AS c INNER JOIN pg_namespace AS n"
                " ON c.relnamespace = n.oid WHERE n.nspname = any(%s) AND c.relkind IN ('r', 'v')",
                (SCHEMAS,),
            )
        }
    table = RIGHTS.partition(") AS r (named")[0]
    named = re.findall(r"(?<!FUNCTION )\b(?:motcua|audit|intake|quality|statements)\.\w+", table)
    assert len(named) == len(set(named))
    assert there - set(named) == set()


@pytest.mark.guarantee("rights", "a right that was given by hand is taken away at each migration")
def test_right_that_was_given_by_hand_is_taken_away(postgres, ledger):
    name = str(conninfo_to_dict(ledger)["dbname"])
    with psycopg.connect(ledger, autocommit=True) as admin:
        for given in (
            "GRANT ALL ON motcua.messages TO motcua_callbacks",
            "GRANT SELECT (msisdn) ON motcua.dossiers TO motcua_audit",
            "GRANT EXECUTE ON FUNCTION motcua.release_messages TO PUBLIC",
            "GRANT CREATE ON SCHEMA motcua TO motcua_pages",
            "REVOKE SELECT ON motcua.messages FROM motcua_app",
        ):
            admin.execute(given)
    with psycopg.connect(connection_uri(postgres.admin_dsn, "motcua_owner", name)) as owner:
        owner.row_factory = psycopg.rows.dict_row  # type: ignore[assignment]
        put_in_force(owner)  # type: ignore[arg-type]
    with psycopg.connect(connection_uri(postgres.admin_dsn, "motcua_callbacks", name)) as connection:
        for statement in (_QUEUE, "SELECT motcua.release_messages('x', 'y', now(), NULL, NULL, NULL, NULL)"):
            with pytest.raises(errors.InsufficientPrivilege), connection.transaction():
                connection.execute(statement.encode())
    with (
        psycopg.connect(connection_uri(postgres.admin_dsn, "motcua_audit", name)) as connection,
        pytest.raises(errors.InsufficientPrivilege),
    ):
        connection.execute("SELECT msisdn FROM motcua.dossiers")
    with psycopg.connect(connection_uri(postgres.admin_dsn, "motcua_app", name)) as connection:
        connection.execute("SELECT 1 FROM motcua.messages")


@pytest.mark.guarantee(
    "rights", "a function that runs as the owner has a fixed search path and cannot be called by every role"
)
def test_what_runs_as_the_owner_has_a_fixed_path_and_is_not_for_everybody(postgres, shared):
    with psycopg.connect(connection_uri(postgres.admin_dsn, "motcua_owner", shared)) as owner:
        functions = owner.execute(
            "SELECT p.oid::regprocedure::text, p.proconfig,"
            " p.proacl IS NULL OR EXISTS (SELECT 1 FROM aclexplode(p.proacl) AS a WHERE a.grantee = 0)"
            "  AND p.prorettype <> 'trigger'::regtype"
            " FROM pg_proc AS p INNER JOIN pg_namespace AS n ON p.pronamespace = n.oid"
            " WHERE p.prosecdef AND n.nspname = any(%s)",
            (SCHEMAS,),
        ).fetchall()
    assert len(functions) > 10
    for name, configuration, for_all in functions:
        (path,) = [each for each in configuration or () if each.startswith("search_path=")]
        assert path.startswith("search_path=pg_catalog"), name
        assert not for_all, name


def test_roles_of_the_tests_have_no_rights_over_the_whole_server(postgres, migrated):
    """Like the roles in production, the roles of the tests have no rights over the whole server."""
    assert PASSWORD
    with psycopg.connect(postgres.admin_dsn) as admin:
        for role in ROLES:
            (found,) = admin.execute(
                "SELECT rolsuper OR rolcreaterole OR rolcreatedb OR rolreplication OR rolbypassrls OR EXISTS ("
                " SELECT 1 FROM pg_auth_members AS m WHERE m.member = r.oid) FROM pg_roles AS r WHERE rolname = %s",
                (role,),
            ).fetchall()
            assert found == (False,), sql.Identifier(role).as_string(admin)
