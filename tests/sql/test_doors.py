"""Test that rights that PostgreSQL gives every role are withdrawn.

These are the rights to connect to the server's own databases, to make large objects, and to take the locks of senders.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import psycopg
import pytest
from psycopg import errors
from psycopg.rows import dict_row

from motcua.store.ledger.provisioning import PARTS, close_doors, open_doors, with_database
from tests.ground import Server, ask, connection_uri, provision
from tests.sql.role_acts import PATH, acts, page_of

OWNER = "motcua_owner"
LOCKS = [
    "SELECT pg_advisory_lock(6)",
    "SELECT pg_try_advisory_lock(1)",
    "SELECT pg_try_advisory_lock_shared(9)",
    "SELECT pg_advisory_xact_lock(hashtext('kannel'), 1)",
    "SELECT pg_try_advisory_lock(hashtext('kannel'), slot) FROM generate_series(1, 32) AS slot",
]
"""SQL statements that take locks of senders: for gaps in the ledger, of the leading sender, of watchers, and of a
gateway's request slots."""
OF_SENDERS = [*LOCKS, "CREATE TEMPORARY TABLE x (y integer)"]
OBJECTS = ["SELECT lo_create(0)", "SELECT lo_from_bytea(0, 'x')", "SELECT lo_creat(-1)"]


def refused(connection: psycopg.Connection, acts: list[str]) -> list[str]:
    found = []
    for act in acts:
        try:
            connection.execute(act)
        except errors.InsufficientPrivilege:
            found.append(act)
    return found


@pytest.fixture
def provisioned(postgres: Server) -> Iterator[str]:
    name = "doors"
    assert provision(postgres.admin_dsn, name) == []
    yield name
    postgres.drop_database(name)


@pytest.mark.guarantee("rights", "no role of the system connects to another database of the server")
@pytest.mark.parametrize("database", ["postgres", "template1", "airflow_unused"])
def test_nobody_of_the_ledger_connects_to_another_database(postgres, provisioned, database):
    for role in (*PARTS, OWNER):
        with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
            psycopg.connect(connection_uri(postgres.admin_dsn, role, database))


@pytest.mark.guarantee(
    "rights",
    "roles that do not send cannot take a sender's lock, only tasks make temporary tables, no role makes large objects",
)
@pytest.mark.parametrize("role", PARTS)
def test_role_takes_no_lock_and_makes_no_object(postgres, provisioned, role):
    with psycopg.connect(connection_uri(postgres.admin_dsn, role, provisioned), autocommit=True) as connection:
        assert refused(connection, OBJECTS) == OBJECTS
        assert refused(connection, OF_SENDERS) == ([] if role == "motcua_app" else OF_SENDERS)


def test_roles_that_do_not_send_wait_for_each_other_only_through_functions(postgres, ledger):
    """Roles that do not send messages take locks only through functions of the ledger, so they cannot block senders."""
    name = psycopg.conninfo.conninfo_to_dict(ledger)["dbname"]
    for role, act in (
        ("motcua_callbacks", "SELECT motcua.wait_for_phone('+84905123456')"),
        ("motcua_pages", "SELECT motcua.wait_for_folder('statements')"),
        ("motcua_purge", "SELECT motcua.wait_for_emptying()"),
    ):
        with psycopg.connect(connection_uri(postgres.admin_dsn, role, name), autocommit=True) as connection:
            connection.execute(act)
            for lock in LOCKS:
                with pytest.raises(errors.InsufficientPrivilege):
                    connection.execute(lock)


def test_rights_that_are_still_open_are_listed(postgres, provisioned):
    """A right that somebody gave a role by hand must be listed, so that an administrator can withdraw it."""
    with psycopg.connect(
        with_database(postgres.admin_dsn, provisioned), autocommit=True, row_factory=dict_row
    ) as admin:
        assert open_doors(admin, OWNER) == []
        admin.execute("GRANT EXECUTE ON FUNCTION pg_try_advisory_lock(integer, integer) TO motcua_audit")
        admin.execute("GRANT EXECUTE ON FUNCTION lo_create(oid) TO motcua_intake")
        admin.execute(f"GRANT TEMPORARY ON DATABASE {provisioned} TO motcua_pages")
        assert open_doors(admin, OWNER) == [
            "motcua_audit takes any lock",
            "motcua_intake makes large objects",
            "motcua_pages makes temporary tables",
        ]


def test_rights_that_the_owner_may_not_withdraw_are_listed_and_nothing_fails(postgres, provisioned):
    ask(
        with_database(postgres.admin_dsn, provisioned),
        "GRANT EXECUTE ON FUNCTION pg_advisory_lock(bigint), lo_create(oid) TO PUBLIC",
    )
    left = close_doors(connection_uri(postgres.admin_dsn, OWNER, provisioned), OWNER)
    assert "motcua_audit takes any lock" in left
    assert "motcua_audit makes large objects" in left
    assert provision(postgres.admin_dsn, provisioned) == []


def test_pages_and_callbacks_of_an_earlier_version_keep_their_locks_until_it_is_replaced(postgres, provisioned):
    """In a ledger without ``wait_for_phone``, roles keep the right to the locks that the earlier code takes directly.

    Otherwise the earlier code would fail during an upgrade.
    """
    dsn = with_database(postgres.admin_dsn, provisioned)
    ask(dsn, "CREATE SCHEMA motcua; CREATE TABLE motcua.messages ()")
    left = provision(postgres.admin_dsn, provisioned)
    assert left == [f"motcua_{each} takes any lock" for each in ("callbacks", "pages", "purge")]
    with psycopg.connect(connection_uri(postgres.admin_dsn, "motcua_callbacks", provisioned)) as old:
        old.execute("SELECT pg_advisory_xact_lock(9029, hashtext('+84905123456'))")
        with pytest.raises(errors.InsufficientPrivilege):
            old.execute("SELECT pg_try_advisory_lock(1)")
    ask(dsn, "CREATE FUNCTION motcua.wait_for_phone(text) RETURNS void LANGUAGE sql AS 'SELECT'")
    assert provision(postgres.admin_dsn, provisioned) == []


@pytest.mark.guarantee("rights", "auditors can hold only a few of the server's connections")
def test_auditors_leave_connections_to_who_sends(postgres, provisioned):
    address = connection_uri(postgres.admin_dsn, "motcua_audit", provisioned)
    with ExitStack() as held, pytest.raises(psycopg.OperationalError, match="too many connections for role"):
        _ = [held.enter_context(psycopg.connect(address)) for _ in range(11)]


@pytest.mark.guarantee("rights", "each function that a role may call has a comment that says what it lets the role do")
def test_acts_of_each_role_are_told_by_what_its_functions_do(ledger):
    found = acts(ledger)
    assert [act.function for act in found if not act.what] == []
    assert {act.role for act in found} == set(PARTS)
    assert PATH.read_text(encoding="utf-8") == page_of(found), "run python -m tests.sql.role_acts"
