"""Each part of the deployment may do its own work and nothing else: what each role of the ledger is refused."""

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
    """What somebody who holds a role's password might try, and why it would hurt."""

    statement: str
    why: str


def _each(statement: str, tables: str, why: str) -> list[Act]:
    return [Act(statement.format(f"motcua.{table}"), why) for table in tables.split()]


NOBODY_BUT_THE_OWNER = [
    *_each(
        "DELETE FROM {}",
        "messages attempts message_history receipts receipt_readings inquiries dossiers dossier_versions transitions"
        " releases stops closings closing_messages closing_dossiers publications quality_runs findings"
        " finding_acknowledgements agencies agency_changes calendar_changes complaints complaint_changes"
        " gateway_changes user_agency_changes phone_searches sources carrier_statements statement_lines"
        " statement_matches closing_message_sums closing_dossier_sums closing_reason_sums statement_sums"
        " statement_difference_sums journals gaps alerts runs report_mails quarantine old_steps page_requests"
        " finding_rechecks personal_data_purges personal_data_requests",
        "what happened would be gone, and the figures would count without it",
    ),
    *_each("TRUNCATE {} CASCADE", "messages dossiers inquiries publications agencies", "all of it at once"),
    Act("UPDATE motcua.message_history SET to_state = 'delivered'", "a message's past would say what did not happen"),
    Act("UPDATE motcua.receipts SET gateway_status = '1'", "a report would say what no gateway said"),
    Act("UPDATE motcua.receipt_readings SET effect = 'applied'", "a report would have done what it did not"),
    Act("UPDATE motcua.releases SET released_by = 'another'", "another person would have let a message go"),
    Act("UPDATE motcua.finding_acknowledgements SET acknowledged_by = 'another'", "likewise of a finding"),
    Act("UPDATE motcua.closings SET difference = 0", "a closed day would balance"),
    Act("UPDATE motcua.closing_messages SET queued = 0", "likewise of an agency"),
    Act("UPDATE motcua.publications SET manifest = manifest", "what was published could be changed"),
    *_each(
        "UPDATE {} SET changed_by = 'another'",
        "agency_changes calendar_changes user_agency_changes complaint_changes",
        "another person would have enabled an agency, changed the calendar, given an agency or judged a complaint",
    ),
    *_each(
        "INSERT INTO {} DEFAULT VALUES",
        "message_history message_states agency_changes complaint_changes status_map_changes rule_dates page_requests"
        " personal_data_purges",
        "a made-up past, a message where nobody counts it, a request whose time is what somebody says",
    ),
    Act("UPDATE motcua.dossier_versions SET status_code = 9", "a dossier would have been ready before it was"),
    Act("UPDATE motcua.phone_searches SET searched_by = 'another'", "another would have searched for a number"),
    Act("UPDATE motcua.statement_lines SET segments = 0", "the carrier would have billed less"),
    Act("UPDATE motcua.message_moves SET only_for = NULL", "any message could be sent again"),
    Act("UPDATE motcua.message_states SET may_begin = TRUE", "a message could begin as delivered"),
    Act(
        "INSERT INTO motcua.message_moves (from_state, to_state) VALUES ('delivered', 'queued')",
        "all who were told would be told again",
    ),
    Act("SELECT * FROM motcua.pseudonym_key", "who a pseudonym stands for could be found"),
    Act("ALTER TABLE motcua.messages DISABLE TRIGGER USER", "every rule of the ledger itself would be off"),
    Act("ALTER TABLE motcua.messages ADD COLUMN x integer", "the ledger would have another shape"),
    Act("DROP TABLE motcua.messages CASCADE", "it would be gone"),
    Act("DROP TRIGGER keep_inquiry ON motcua.inquiries", "inquiries could be rewritten"),
    Act("DROP VIEW audit.messages CASCADE", "nobody could check"),
    Act("DROP FUNCTION motcua.save_inquiry(jsonb)", "no inquiry would be counted"),
    Act("CREATE TABLE motcua.x (y integer)", "a place for what should not be kept"),
    Act("CREATE INDEX ON motcua.messages (text)", "a lock on what is being sent"),
    Act(
        "CREATE FUNCTION motcua.x() RETURNS integer LANGUAGE sql SECURITY DEFINER AS 'SELECT 1'",
        "a way to act as another",
    ),
    Act("ALTER FUNCTION motcua.save_inquiry(jsonb) SET search_path = public", "a way to act as the owner"),
    Act("ALTER TABLE motcua.messages OWNER TO CURRENT_USER", "everything could be done to it"),
    Act("GRANT motcua_owner TO CURRENT_USER", "it would be the owner"),
    Act("COMMENT ON TABLE motcua.messages IS 'x'", "the dictionary would lie"),
    Act("UPDATE motcua.status_maps SET status_code = 9", "nobody would know who let every step mean a result"),
    Act("UPDATE motcua.personal_data_requests SET handled_by = 'another'", "another would have looked at it"),
    Act("UPDATE motcua.page_requests SET asked_by = 'another'", "another would have asked for it"),
    Act("UPDATE motcua.page_requests SET wanted = '{}'", "what is done would not be what the Department was mailed"),
    Act("UPDATE motcua.page_requests SET ended_at = now(), outcome = 'done'", "what was not done would be done"),
]
"""Acts on the ledger that only its owner may do."""

NOBODY_OF_THE_LEDGER = [
    Act("CREATE SCHEMA x", "a place for what should not be kept"),
    Act("SET SESSION AUTHORIZATION postgres", "it would be the administrator"),
    Act("SET session_replication_role = replica", "no trigger would look"),
    Act("ALTER SYSTEM SET log_statement = 'all'", "numbers would be in the server's log"),
    Act("COPY (SELECT 1) TO PROGRAM 'cat'", "a program on the server"),
    Act("COPY (SELECT 1) TO '/tmp/x'", "a file on the server"),
    Act("SELECT pg_read_file('postgresql.conf')", "files of the server"),
    Act("SELECT pg_ls_dir('.')", "likewise"),
    Act("SELECT rolpassword FROM pg_authid", "everybody's password"),
    Act("CREATE ROLE x SUPERUSER", "another administrator"),
    Act("ALTER ROLE postgres PASSWORD 'x'", "the others' passwords"),
    Act("CREATE DATABASE x", "a place for what should not be kept"),
]
"""Acts that not even the ledger's owner may do."""

_QUEUE = (
    "INSERT INTO motcua.messages (kind, dossier_id, agency_code, occasion, state, msisdn, text)"
    " VALUES ('result', 1, 'x', 'x', 'queued', '+84905123456', 'any words')"
)
_WRITES_OF_TASKS = [
    Act(_QUEUE, "any words to any phone"),
    Act("UPDATE motcua.messages SET state = 'queued'", "what was told would be told again"),
    Act("UPDATE motcua.messages SET msisdn = '+84905123456'", "another's phone would be told"),
    Act("UPDATE motcua.messages SET text = 'any words'", "other words would be sent"),
    Act("UPDATE motcua.attempts SET state = 'failed'", "a message that was taken would be sent again"),
    *_each(
        "INSERT INTO {} DEFAULT VALUES",
        "attempts agencies dossiers transitions stops gateway_stops calendar_days releases receipt_readings inquiries"
        " publications closings",
        "what was not would be: an attempt, a dossier, a step, a stop, a day off, a decision, a report",
    ),
    Act("UPDATE motcua.agencies SET enabled_from = NULL", "an agency would fall silent"),
    Act("UPDATE motcua.agencies SET enabled_from = now()", "an agency would begin before it is ready"),
    Act("DELETE FROM motcua.agency_aliases", "citizens would find nothing"),
    Act("UPDATE motcua.dossiers SET msisdn = '+84905123456'", "another's phone would be told"),
    Act("UPDATE motcua.stops SET ended_at = now(), ended_by = 'x'", "what was stopped would go"),
    Act("DELETE FROM motcua.gateway_stops", "a gateway that refuses us would be called on and on"),
    Act("UPDATE motcua.gateways SET name = name", "allowances of a gateway"),
    Act("UPDATE motcua.sources SET cursor_recorded_at = now()", "what a desk wrote would be passed over"),
    Act("DELETE FROM motcua.template_registrations", "no gateway would take anything"),
    Act("UPDATE motcua.inquiries SET msisdn = NULL", "limits of a phone would count nothing"),
    Act("SELECT statements.clear()", "a comparison at work would lose its rows"),
    Act("SELECT quality.begin_snapshot()", "a check at work would lose its rows"),
    Act("SELECT quality.make('dossiers', '{a}', '{25}')", "a check at work would lose its rows"),
    Act("SELECT motcua.empty_counted_occasions()", "a closing at work would lose its rows"),
    Act("SELECT motcua.note_agency_change('x')", "a made-up past"),
]
_READS_OF_PEOPLE = [
    Act("SELECT msisdn FROM motcua.messages", "all phones that were told"),
    Act("SELECT text FROM motcua.messages", "all words"),
    Act("SELECT parameters FROM motcua.messages", "likewise"),
    Act("SELECT msisdn FROM motcua.dossiers", "all phones of dossiers"),
    Act("SELECT applicant_name FROM motcua.dossiers", "all names"),
    Act("SELECT dossier_code FROM motcua.dossiers", "all codes, which 9029 answers"),
    *_each(
        "SELECT * FROM {}", "dossier_versions sending_conditions user_agencies", "names and phones, and who sees what"
    ),
    Act("SELECT note FROM motcua.transitions", "what a desk wrote of people"),
    Act("SELECT msisdn FROM motcua.inquiries", "who asked"),
    Act("SELECT text FROM motcua.inquiries", "what they wrote"),
    Act("SELECT payload FROM motcua.quarantine", "rows as a desk typed them"),
    Act("SELECT raw FROM motcua.receipts", "what gateways sent"),
    Act("SELECT reference FROM motcua.attempts", "what a forged report would name"),
    Act("SELECT note FROM motcua.complaints", "citizens' words"),
    Act("SELECT motcua.desk_user('x', 'y')", "who a pseudonym stands for"),
]
_FORMS = [
    Act("SELECT motcua.set_agency_settings('x', 1, '{}', 'x')", "an agency would send something else"),
    *_each(
        "INSERT INTO {} DEFAULT VALUES",
        "user_agencies complaints finding_acknowledgements finding_rechecks",
        "who sees what, a complaint that nobody made, a finding that is silent or said to be mended",
    ),
    Act("DELETE FROM motcua.user_agencies", "likewise"),
    Act("UPDATE motcua.complaints SET outcome = 'x'", "a complaint would be settled"),
    Act("SELECT motcua.save_page_request('map_status', '{}', 'x')", "the Department would be mailed what nobody asked"),
    Act("SELECT motcua.withdraw_page_request(1, 'x')", "what somebody asked for would not be done"),
    Act("UPDATE motcua.alerts SET acknowledged_by = 'x'", "an alert would be silent"),
    Act("SELECT motcua.answer_gap(1, NULL, 'x', 'y', 'kannel', now())", "what a put back ledger holds would go"),
]
_EFFECTS = [
    Act("SELECT motcua.map_status('x', 11, 9, 'y', now())", "every step would mean that the result is there"),
    Act(
        "SELECT motcua.release_messages('x', 'y', now(), NULL, NULL, NULL, NULL)",
        "what may be on its way would go once more",
    ),
    Act("INSERT INTO intake.export_forms (set_by) VALUES ('x')", "every line of a file would mean a result"),
    Act("SELECT motcua.apply_page_request(1)", "what somebody asked for would be done when he likes"),
    Act(
        "UPDATE motcua.page_requests SET told_at = now(), applies_at = now(), told = '{}'",
        "what nobody was mailed of would be done",
    ),
]
"""What pages ask for, and tasks alone do."""
_PURGE = Act(
    "SELECT * FROM motcua.purge_personal_data('inquiries', 0, 1, repeat('0', 32), 'term', 'x')",
    "who was told what would be gone before its time",
)
_OF_GATEWAYS = [
    Act("INSERT INTO motcua.receipts (gateway, raw) VALUES ('kannel', '{}')", "a report that no gateway made"),
    Act("SELECT motcua.apply_receipts('[]', now())", "messages would be moved"),
    Act("SELECT motcua.save_inquiry('{}')", "an inquiry that nobody paid for"),
    Act("SELECT motcua.reply_given('kannel', 'x')", "another's reply"),
    Act("SELECT motcua.asked_too_often('kannel', '+84905123456', now(), now(), 1, 1)", "who asks"),
]

_OF_PUSHES = [
    *(
        Act(f"SELECT * FROM intake.{table}", "what was pushed, and who may push, is for nobody outside")
        for table in ("pushed_dossiers", "recent_states", "numbers")
    ),
    Act("INSERT INTO intake.pushed_steps (source) VALUES ('x')", "a step that nobody pushed"),
    Act("UPDATE intake.pushed_steps SET status_code = 9", "another's step would mean a result"),
    Act("UPDATE intake.pushed_dossiers SET agency_code = 'x'", "a dossier would be another agency's"),
    Act("UPDATE intake.numbers SET last_number = 0", "later steps would come before earlier ones"),
    Act("DELETE FROM intake.pushed_dossiers", "what was pushed would be gone"),
    Act("INSERT INTO intake.sessions (token_digest) VALUES ('x')", "a session without a password"),
    Act("UPDATE intake.client_changes SET changed_by = 'another'", "another would have registered a client"),
    Act("DELETE FROM intake.clients", "nobody would know who pushed"),
]
"""Acts on what is pushed that only its functions do."""
_OF_CLIENTS = [
    Act("SELECT * FROM intake.clients", "who may push, and what tells a right password"),
    Act("SELECT * FROM intake.source_dossiers", "numbers and names"),
    Act("UPDATE intake.clients SET disabled_at = NULL", "who may push no more would push"),
    Act("UPDATE intake.clients SET networks = '{0.0.0.0/0}'", "everybody could push"),
    Act("INSERT INTO intake.client_agencies (client_id) VALUES (1)", "a client would write for another agency"),
    Act("DELETE FROM intake.sessions", "everybody would have to sign in again"),
]
"""Acts on accounts that commands do, and what pick-up reads."""

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
        Act("SELECT motcua.asked_dossiers('{X}', NULL)", "whose a dossier is"),
        Act("SELECT * FROM audit.messages", "what nobody in a DMZ need know"),
        _PURGE,
    ],
    "motcua_callbacks": [
        *(*NOBODY_BUT_THE_OWNER, *_WRITES_OF_TASKS, *_READS_OF_PEOPLE, *_FORMS, *_EFFECTS, *_OF_PUSHES, *_OF_CLIENTS),
        Act("SELECT * FROM audit.messages", "what nobody in a DMZ need know"),
        _PURGE,
    ],
    "motcua_pages": [
        *(*NOBODY_BUT_THE_OWNER, *_WRITES_OF_TASKS, *_EFFECTS, *_OF_GATEWAYS),
        Act("SELECT * FROM motcua.phone_searches", "who looked for whom is for auditors"),
        Act("SELECT * FROM motcua.personal_data_requests", "likewise"),
        Act("UPDATE motcua.complaints SET note = 'x'", "a citizen's words"),
        Act("UPDATE motcua.alerts SET over_at = now()", "an alert would be over"),
        Act("SELECT motcua.desk_user('x', 'y')", "who a pseudonym stands for"),
        _PURGE,
    ],
    "motcua_audit": [
        *(*NOBODY_BUT_THE_OWNER, *_WRITES_OF_TASKS, *_READS_OF_PEOPLE, *_FORMS, *_EFFECTS, *_OF_GATEWAYS),
        Act("SELECT motcua.asked_dossiers('{X}', NULL)", "whose a dossier is"),
        _PURGE,
    ],
    "motcua_purge": [
        *(*NOBODY_BUT_THE_OWNER, *_WRITES_OF_TASKS, *_READS_OF_PEOPLE, *_FORMS, *_EFFECTS, *_OF_GATEWAYS),
        Act("SELECT motcua.asked_dossiers('{X}', NULL)", "whose a dossier is"),
        Act("SELECT * FROM audit.messages", "it empties, and reads nothing"),
        Act("UPDATE motcua.dossiers SET msisdn = NULL", "a number before its time"),
        Act("SELECT motcua.tidy_after_purge()", "it empties, and nothing else"),
    ],
}


@pytest.fixture(scope="module")
def shared(postgres, migrated) -> Iterator[str]:
    """One ledger for all acts, of which none stays."""

    name = postgres.fresh_database(migrated, "rights")
    yield name
    postgres.drop_database(name)


def _try(connection: psycopg.Connection, act: Act) -> psycopg.Error | None:
    """What PostgreSQL says to it; nothing of it stays."""
    try:
        if act.statement.startswith(("ALTER SYSTEM", "CREATE DATABASE")):
            connection.execute(act.statement.encode())
        else:
            with connection.transaction(force_rollback=True):
                connection.execute(act.statement.encode())
    except psycopg.Error as error:
        return error
    return None


@pytest.mark.guarantee("rights", "each role of the ledger is refused all work but its own, act by act")
@pytest.mark.parametrize("role", ROLES)
def test_role_is_refused_what_is_not_its_work(postgres, shared, role):
    acts = [*ACTS[role], *NOBODY_OF_THE_LEDGER]
    assert len({act.statement for act in acts}) == len(acts) >= 60
    with psycopg.connect(connection_uri(postgres.admin_dsn, role, shared), autocommit=True) as connection:
        said = {act: _try(connection, act) for act in acts}
    allowed = [act for act, error in said.items() if not isinstance(error, errors.InsufficientPrivilege)]
    assert [(act.statement, said[act]) for act in allowed] == []


def test_acts_are_real_the_owner_may_do_them(postgres, shared):
    """Or a list of misspelled tables would be refused just as well."""
    acts = {act for role in ROLES for act in ACTS[role]}
    refused, unreal = [], []
    with psycopg.connect(connection_uri(postgres.admin_dsn, "motcua_owner", shared), autocommit=True) as owner:
        for act in acts:
            error = _try(owner, act)
            if isinstance(error, errors.InsufficientPrivilege):
                refused.append(act)
            # A made-up row breaks a rule of its table, and what is kept for good is kept by a trigger, too.
            elif error is not None and (error.sqlstate or "")[:2] not in ("22", "23", "MC"):
                unreal.append((act, str(error)))
    assert [act.statement for act in refused] == ["GRANT motcua_owner TO CURRENT_USER"]
    assert unreal == []


@pytest.mark.guarantee("rights", "no part reaches another database of the server")
@pytest.mark.parametrize("role", [*ROLES, "motcua_owner"])
def test_role_reaches_no_other_database(postgres, migrated, role):
    with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
        psycopg.connect(connection_uri(postgres.admin_dsn, role, "airflow_unused"))


# ------------------------------------------------------------------------------------------- what callbacks may


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
    "rights", "the callbacks' role can queue no message; a receipt that has one sent again is read by a run"
)
def test_reply_to_an_inquiry_is_never_on_its_way(callbacks, rows):
    forged = INQUIRY | {"kind": "result", "state": "queued", "next_attempt_at": NOW.isoformat(), "transition_id": 1}
    for expected in (True, False):
        (saved,) = callbacks.execute("SELECT motcua.save_inquiry(%s)", (json.dumps(forged),)).fetchall()
        assert saved == (expected,), "once"
    callbacks.commit()
    (message,) = rows("SELECT kind, state, msisdn FROM motcua.messages")
    assert message == {"kind": "reply", "state": "accepted", "msisdn": INQUIRY["phone"]}
    assert rows("SELECT msisdn FROM motcua.inquiries") == [{"msisdn": INQUIRY["phone"]}]


@pytest.mark.guarantee(
    "rights", "the callbacks' role can queue no message; a receipt that has one sent again is read by a run"
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


@pytest.mark.guarantee("rights", "the callbacks' role learns whose a code is only where several agencies have it")
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
    for who, why in (("", "x"), ("x", " "), (None, "x"), ("x", None)):
        with pytest.raises(errors.CheckViolation, match="who does it and why"):
            rows("SELECT motcua.release_messages(%s, %s, now(), NULL, NULL, NULL, NULL)", who, why)


# -------------------------------------------------------------------------------------- what pages may of an agency

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


def _last(rows, agency: str) -> int:
    (row,) = rows("SELECT max(change_id) FROM motcua.agency_changes WHERE agency_code = %s", agency)
    return row["max"]


def _set(pages, seen: int, who: str = "hoa", agency: str = NHA_TRANG, **changes: object) -> int | None:
    wanted = json.dumps(SETTINGS | changes)
    (row,) = pages.execute("SELECT motcua.set_agency_settings(%s, %s, %s, %s)", (agency, seen, wanted, who)).fetchall()
    return row[0]


@pytest.mark.guarantee("rights", "the pages' role can set only what an agency decides for itself")
def test_pages_set_what_an_agency_decides_itself_with_who_and_nothing_else(pages, rows):
    before = rows("SELECT * FROM motcua.agencies WHERE agency_code = %s", NHA_TRANG)[0]
    others = rows("SELECT * FROM motcua.agencies WHERE agency_code <> %s", NHA_TRANG)
    forged = {"name": "Khác", "short_name": "Gọi 0905", "enabled_from": None, "kinds_off": ["result"], "province": "x"}
    seen = _last(rows, NHA_TRANG)
    assert _set(pages, seen, **forged) == _last(rows, NHA_TRANG) > seen
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
    before, seen = rows("SELECT * FROM motcua.agencies ORDER BY 1"), _last(rows, NHA_TRANG)
    with pytest.raises(refused):
        _set(pages, seen, **changes)
    assert rows("SELECT * FROM motcua.agencies ORDER BY 1") == before
    assert _last(rows, NHA_TRANG) == seen


def test_settings_that_were_changed_meanwhile_are_not_overwritten(pages, rows):
    seen = _last(rows, NHA_TRANG)
    assert _set(pages, seen) == _last(rows, NHA_TRANG)
    before = rows("SELECT * FROM motcua.agencies ORDER BY 1")
    assert _set(pages, seen, accented=False) is None
    assert rows("SELECT * FROM motcua.agencies ORDER BY 1") == before


# ------------------------------------------------------------------------------- what pages ask for, and who does it


@pytest.fixture
def tasks(postgres, ledger) -> Iterator[psycopg.Connection]:
    name = str(conninfo_to_dict(ledger)["dbname"])
    with psycopg.connect(connection_uri(postgres.admin_dsn, "motcua_app", name), autocommit=True) as connection:
        yield connection


def _ask(pages, kind: str, **wanted: object) -> tuple[int, str]:
    ask = "SELECT * FROM motcua.save_page_request(%s, %s, 'nguyen-van-a')"
    ((number, became),) = pages.execute(ask, (kind, json.dumps(wanted))).fetchall()
    return number, became


def _tell(tasks, request: int, after: str) -> None:
    tasks.execute(
        "UPDATE motcua.page_requests SET told_at = clock_timestamp(), applies_at = clock_timestamp() + %s::interval,"
        " told = '{}' WHERE request_no = %s",
        (after, request),
    )


@pytest.fixture
def source(rows) -> None:
    rows("INSERT INTO motcua.sources (name) VALUES ('camlam')")


@pytest.mark.guarantee("requests", "codes 1-10 are the contract's and are never mapped")
def test_ledger_refuses_to_map_a_code_of_the_contract_whoever_asks(pages, tasks, source, rows):
    by_hand = "INSERT INTO motcua.status_maps (source_id, source_status, status_code) VALUES (1, %s, 11 - %s)"
    for written in range(1, 11):
        for stands_for in (1, 9, written):
            map_it = "SELECT motcua.map_status('camlam', %s, %s, 'nguyen-van-a', now())"
            with pytest.raises(errors.CheckViolation, match="the contract's"):
                tasks.execute(map_it, (written, stands_for))
            with pytest.raises(errors.CheckViolation, match="the contract's"):
                _ask(pages, "map_status", source="camlam", written=written, stands_for=stands_for)
        with pytest.raises(errors.CheckViolation):
            rows(by_hand, written, written)
    assert rows("SELECT 1 FROM motcua.status_maps") == []


@pytest.mark.guarantee(
    "requests", "the pages' role can carry out no request before the Department was mailed and its hour is over"
)
def test_request_is_done_by_no_role_before_the_department_was_mailed_and_its_hour_is_over(pages, tasks, source, rows):
    number, became = _ask(
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
    _tell(tasks, number, "1 hour")
    with pytest.raises(errors.InsufficientPrivilege, match="may still withdraw"):
        tasks.execute(apply, (number,))
    with pytest.raises(errors.DatabaseError, match="kept as it was asked"):
        _tell(tasks, number, "0")
    assert rows("SELECT 1 FROM motcua.status_maps") == []


@pytest.mark.guarantee("requests", "a request can be withdrawn on the page until it is done")
def test_request_ends_once(pages, tasks, source, rows):
    first, _ = _ask(pages, "map_status", source="camlam", written=11, stands_for=9)
    assert _ask(pages, "map_status", source="camlam", written=11, stands_for=5) == (None, "asked_before")
    withdraw = "SELECT motcua.withdraw_page_request(%s, %s)"
    assert pages.execute(withdraw, (first, "minh")).fetchall() == [(True,)]
    assert pages.execute(withdraw, (first, "hoa")).fetchall() == [(False,)]
    assert tasks.execute("SELECT motcua.apply_page_request(%s)", (first,)).fetchall() == [(None,)]
    second, _ = _ask(pages, "map_status", source="camlam", written=11, stands_for=9)
    _tell(tasks, second, "0")
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
    assert _ask(pages, kind, **wanted)[1] == became
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
    with pytest.raises(errors.CheckViolation):
        _ask(pages, kind, **wanted)
    assert rows("SELECT 1 FROM motcua.page_requests") == []


# --------------------------------------------------------------------------------------------- one place says it


def test_everything_in_the_ledger_stands_in_the_table_of_rights(postgres, shared):
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
    "rights", "a function that runs as the owner has a fixed search path, and not everybody may call it"
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


def test_connecting_is_the_parts_own(postgres, migrated):
    """The test's own roles are those of production."""
    assert PASSWORD
    with psycopg.connect(postgres.admin_dsn) as admin:
        for role in ROLES:
            (found,) = admin.execute(
                "SELECT rolsuper OR rolcreaterole OR rolcreatedb OR rolreplication OR rolbypassrls OR EXISTS ("
                " SELECT 1 FROM pg_auth_members AS m WHERE m.member = r.oid) FROM pg_roles AS r WHERE rolname = %s",
                (role,),
            ).fetchall()
            assert found == (False,), sql.Identifier(role).as_string(admin)
