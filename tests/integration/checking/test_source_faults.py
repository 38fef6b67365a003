"""Test the source check: it reports no fault of a source that meets the source contract, and each planted fault."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest
from psycopg import sql
from typer.testing import Result

from motcua.domain.checks import KINDS
from motcua.domain.run_window import EVERYTHING, Window
from motcua.jobs.checking import checking
from motcua.jobs.checking.checking import UnknownSource, check_source
from motcua.jobs.notices.picking_up import pick_up
from motcua.jobs.tasks.check_quality import check_sources
from motcua.reports.checks import in_words
from motcua.settings import settings
from motcua.store.agencies import save_agencies
from motcua.store.checking.checks import SourceCheck, last_checks
from motcua.store.ledger.database import close_ledger_pool, connect
from motcua.store.ledger.provisioning import with_database
from tests.ground import (
    NHA_TRANG,
    PASSWORD,
    TU_PHAP,
    Server,
    agency,
    ask,
    free_port,
    in_ledger,
    ledger_connections,
    red_gate,
    type_command,
)
from tests.integration.checking.world import FAULTS, HEALTHY, READER, VENDORS_TABLES, Fault


@pytest.fixture(scope="module")
def healthy(postgres: Server, migrated: str) -> Iterator[str]:
    """Make a source without faults and a ledger with the source's agencies. Yield the name of the source's database."""
    ledger, source = (postgres.fresh_database(name, f"checked_{name[:6]}") for name in (migrated, "template0"))
    ask(
        postgres.admin_dsn,
        sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(sql.Identifier(READER), sql.Literal(PASSWORD)),
    )
    ask(with_database(postgres.admin_dsn, source), HEALTHY)
    with pytest.MonkeyPatch.context() as patch:
        for variable, value in ledger_connections(postgres.admin_dsn, ledger).items():
            patch.setenv(variable, value)
        patch.setenv("MOTCUA_SOURCES", "khanhhoa")
        settings.cache_clear()
        in_ledger(save_agencies, [agency(NHA_TRANG), agency(TU_PHAP)], "tests")
        yield source
        close_ledger_pool()
    settings.cache_clear()
    for each in (ledger, source):
        postgres.drop_database(each)
    ask(postgres.admin_dsn, sql.SQL("DROP ROLE {}").format(sql.Identifier(READER)))


def address(postgres: Server, database: str, **changes: object) -> str:
    parts = psycopg.conninfo.conninfo_to_dict(postgres.admin_dsn)
    given = {"conn_type": "postgres", "host": parts["host"], "port": int(parts["port"]), "login": READER}
    return json.dumps(given | {"password": PASSWORD, "schema": database} | changes)


@pytest.fixture
def source(postgres: Server, healthy: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Copy the healthy source for one test and connect ``onestop_khanhhoa`` to it; return an administrator's DSN."""
    database = f"{healthy}_copy"
    postgres.copy_database(healthy, database)
    monkeypatch.setenv("AIRFLOW_CONN_ONESTOP_KHANHHOA", address(postgres, database))
    yield with_database(postgres.admin_dsn, database)
    settings.cache_clear()
    postgres.drop_database(database)
    ask(postgres.admin_dsn, sql.SQL("ALTER ROLE {} NOSUPERUSER").format(sql.Identifier(READER)))


def plant(dsn: str, *faults: Fault) -> None:
    with psycopg.connect(dsn, autocommit=True) as connection:
        for fault in faults:
            connection.execute(fault.sql)


def kinds(check: SourceCheck) -> dict[str, str]:
    return {each.finding.name: each.finding.severity for each in check.findings}


def test_a_source_that_keeps_the_contract_gets_no_finding(source):
    check = check_source("khanhhoa")
    assert [in_words(each.finding) for each in check.findings] == []
    assert check.dossiers == 240
    assert check.transitions > 800


@pytest.mark.guarantee(
    "broken-rows", "the source check names each breach of the contract before the agency's first message"
)
@pytest.mark.parametrize("fault", [fault for fault in FAULTS if fault.alone], ids=lambda fault: fault.kind)
def test_a_planted_fault_is_named_and_nothing_else_is(source, fault):
    plant(source, fault)
    check = check_source("khanhhoa")
    assert kinds(check) == {fault.kind: "error" if fault.forbids else "warning"}, [
        in_words(each.finding).found for each in check.findings
    ]


def test_faults_planted_at_once_are_all_named_and_nothing_else_is(source):
    together = [fault for fault in FAULTS if not fault.alone]
    plant(source, *together)
    found = kinds(check_source("khanhhoa"))
    assert found == {fault.kind: "error" if fault.forbids else "warning" for fault in together}


def test_every_kind_of_finding_was_planted():
    reached = {"unreachable", "refused", "adapter_unknown", "connection_missing", "encoding_unknown"}
    of_several_checks = {"too_slow", "unanswered", "clock_differs", "seen_late"}
    # tests/integration/planning/test_clocks_and_numbers.py tests clock_set_back and numbers_restarted.
    of_several_checks |= {"clock_set_back", "numbers_restarted"}
    assert {fault.kind for fault in FAULTS} | reached | of_several_checks == set(KINDS)


# Faults of the connection and of the check itself


def test_a_server_that_does_not_answer_and_one_that_refuses_us_are_told_apart(source, postgres, monkeypatch):
    name = "AIRFLOW_CONN_ONESTOP_KHANHHOA"
    database = psycopg.conninfo.conninfo_to_dict(source)["dbname"]
    for changes, kind in (
        ({"port": free_port()}, "unreachable"),
        ({"password": "wrong"}, "refused"),
        ({"schema": "nowhere"}, "refused"),
    ):
        monkeypatch.setenv(name, address(postgres, str(database), **changes))
        assert kinds(check_source("khanhhoa")) == {kind: "error"}, changes
    monkeypatch.delenv(name)
    assert kinds(check_source("khanhhoa")) == {"connection_missing": "error"}


def test_an_unknown_adapter_is_named_and_an_unknown_source_is_refused(source, configure):
    configure(MOTCUA_SOURCES="khanhhoa=nosuch")
    (only,) = check_source("khanhhoa").findings
    assert (only.finding.name, only.finding.facts["names"]) == ("adapter_unknown", ("nosuch",))
    with pytest.raises(UnknownSource):
        check_source("hue")


def test_a_clock_that_is_off_is_told_with_by_how_much(source):
    (only,) = check_source("khanhhoa", datetime.now(UTC) + timedelta(minutes=10)).findings
    assert only.finding.name == "clock_differs"
    assert -601 <= int(only.finding.facts["names"][0]) < -300


def test_queries_without_an_answer_in_time_are_reported_and_nothing_is_called_missing(source, configure):
    """If queries time out, the check reports only the timeouts, and no row or column as missing."""
    slow = (
        "ALTER TABLE onestop.transitions RENAME TO slowly; CREATE VIEW onestop.transitions AS SELECT s.*"
        f" FROM onestop.slowly AS s WHERE pg_sleep(0.5) IS NOT NULL; GRANT SELECT ON onestop.transitions TO {READER}"
    )
    plant(source, Fault("", slow, True))
    configure(MOTCUA_SOURCE_PATIENCE="PT1S")
    found = kinds(check_source("khanhhoa"))
    assert set(found) == {"too_slow", "unanswered"}


def test_a_database_without_a_known_encoding_is_not_read(source, postgres, monkeypatch):
    name = "letters_of_nobody"
    ask(postgres.admin_dsn, f"CREATE DATABASE {name} TEMPLATE template0 ENCODING 'SQL_ASCII' LOCALE 'C'")
    monkeypatch.setenv("AIRFLOW_CONN_ONESTOP_KHANHHOA", address(postgres, name))
    assert kinds(check_source("khanhhoa")) == {"encoding_unknown": "error"}
    postgres.drop_database(name)


def test_a_check_changes_nothing_at_the_source_and_shows_no_name_and_no_number(source):
    plant(source, *(fault for fault in FAULTS if not fault.alone))
    with psycopg.connect(source) as connection:
        before = connection.execute("SELECT sum(n_tup_ins + n_tup_upd + n_tup_del) FROM pg_stat_user_tables").fetchone()
    check = check_source("khanhhoa")
    with psycopg.connect(source) as connection:
        after = connection.execute("SELECT sum(n_tup_ins + n_tup_upd + n_tup_del) FROM pg_stat_user_tables").fetchone()
    assert before == after
    with connect() as ledger:
        kept = str(ledger.execute("SELECT findings FROM motcua.source_checks").fetchall())
    for secret in ("Nguyá", "Lan", "0914553926", "0905271830"):
        assert secret not in kept
    assert any(each.finding.facts["examples"] for each in check.findings)


def test_a_finding_keeps_the_time_of_its_first_check_until_it_is_mended(source):
    def since() -> dict[str, datetime]:
        return {each.finding.name: each.since for each in check_source("khanhhoa").findings}

    one, other = (next(fault for fault in FAULTS if fault.kind == kind) for kind in ("late_commits", "text_broken"))
    plant(source, one)
    first = since()
    plant(source, other)
    both = since()
    assert both["late_commits"] == first["late_commits"] < both["text_broken"]
    plant(source, Fault("", "UPDATE onestop.dossiers SET applicant_name = 'Nguyễn Thị Lan'", False))
    assert since() == first


def test_statements_that_vendors_copy_make_a_source_without_a_fault(source, postgres):
    """The views of docs/vi/khung-nhin.md must pass the source check on a vendor's tables whose times have no zone."""
    page = (Path(__file__).parents[3] / "docs" / "vi" / "khung-nhin.md").read_text(encoding="utf-8")
    (statements,) = re.findall(r"```sql\n(.*?)```", page, re.DOTALL)
    with psycopg.connect(
        with_database(postgres.admin_dsn, str(psycopg.conninfo.conninfo_to_dict(source)["dbname"]))
    ) as admin:
        admin.execute(VENDORS_TABLES)
        # The page creates a role, but roles belong to the whole server, and the tests' reader exists already.
        given = re.sub(r"CREATE ROLE [^;]*;", "", statements).replace("motcua_reader", READER)
        admin.execute(given)
    check = check_source("khanhhoa")
    assert (check.findings, check.dossiers) == ([], 240)


def test_a_step_committed_after_later_steps_were_picked_up_is_named_by_its_number(source, configure):
    # This test uses its own source name: all tests share the ledger, and the rows read here stay in the ledger.
    configure(
        MOTCUA_SOURCES="vanphong",
        MOTCUA_FIRST_LOOK_BACK="P30D",
        AIRFLOW_CONN_ONESTOP_VANPHONG=os.environ["AIRFLOW_CONN_ONESTOP_KHANHHOA"],
    )
    began = datetime.now(UTC)
    step = (
        "INSERT INTO onestop.transitions SELECT n, agency_code, dossier_code, from_step, to_step, status_code,"
        " at_one_stop_desk, at, at, actor, note FROM onestop.transitions, (VALUES {rows}) AS v (n, at)"
        " WHERE transition_id = (SELECT max(transition_id) FROM onestop.transitions)"
    )
    rows = ", ".join(
        f"((SELECT max(transition_id) FROM onestop.transitions) + {place},"
        f" now() - interval '{180 - 2 * place} minutes')"
        for place in range(1, 60) if place != 30
    )  # fmt: skip
    pick_up("vanphong", EVERYTHING, began - timedelta(hours=3))
    plant(source, Fault("", step.format(rows=rows), False))
    # Set the pick-up times back, as if each step had been read one second after it was recorded.
    pick_up("vanphong", EVERYTHING, began)
    with connect() as ledger:
        ledger.execute("UPDATE motcua.transitions SET picked_up_at = recorded_at + interval '1 second'")
    assert "seen_late" not in kinds(check_source("vanphong"))
    with psycopg.connect(source) as there:
        (highest,) = there.execute("SELECT max(transition_id) FROM onestop.transitions").fetchone() or (0,)
    number = highest - 29
    late = f"({number}, now() - interval '120 minutes')"
    plant(source, Fault("", step.format(rows=late), False))
    pick_up("vanphong", EVERYTHING, began)
    (found,) = [each.finding for each in check_source("vanphong").findings if each.finding.name == "seen_late"]
    assert (found.facts["rows"], found.facts["names"]) == (1, (str(number),))


def test_findings_of_a_source_that_refuses_us_are_neither_over_nor_new(source, postgres, monkeypatch):
    """While a source refuses connections, its earlier findings stay open and keep the time of their first check."""
    plant(source, *(fault for fault in FAULTS if fault.kind in ("desk_always", "text_broken")))
    first = {each.finding.name: each.since for each in check_source("khanhhoa").findings}
    there = address(postgres, str(psycopg.conninfo.conninfo_to_dict(source)["dbname"]))
    monkeypatch.setenv("AIRFLOW_CONN_ONESTOP_KHANHHOA", address(postgres, "nowhere"))
    for _ in range(2):
        check_source("khanhhoa")
        away = in_ledger(last_checks, ["khanhhoa"])["khanhhoa"]
        assert kinds(away) == {"refused": "error"}
        assert {each.finding.name: each.since for each in away.unseen} == first
        assert [each.finding.name for each in away.forbidding] == ["refused", "desk_always"]
    monkeypatch.setenv("AIRFLOW_CONN_ONESTOP_KHANHHOA", there)
    plant(source, Fault("", "UPDATE onestop.dossiers SET applicant_name = 'Nguyễn Thị Lan'", False))
    again = check_source("khanhhoa")
    assert {each.finding.name: each.since for each in again.findings} == {"desk_always": first["desk_always"]}
    assert again.unseen == []


# The command ``motcua sources check`` and the check of all sources each morning


def test_the_command_tells_by_its_exit_code_whether_going_live_is_forbidden(source):
    def run(*words: str) -> Result:
        return type_command("sources", "check", *words, exits=None)

    assert run("khanhhoa").exit_code == 0
    warned, forbidden = (next(each for each in FAULTS if each.kind == kind) for kind in ("late_commits", "desk_always"))
    plant(source, warned)
    assert run("khanhhoa").exit_code == 3
    plant(source, forbidden)
    told_of = run("khanhhoa")
    assert told_of.exit_code == 1
    assert "Mọi hồ sơ đều ở Bộ phận Một cửa" in told_of.output
    said = " ".join(told_of.output.split())
    assert re.search(r"khanhhoa: đã xem \d+ hồ sơ và \d+ bước xử lý mới nhất\. Có điều phải sửa", said)
    record = json.loads(run("khanhhoa", "--json").output)
    assert [each["kind"] for each in record["findings"]] == ["late_commits", "desk_always"]
    assert record["forbids"]
    lines = run("khanhhoa", "--csv").output.splitlines()
    assert [line.partition(",")[0] for line in lines] == ["\ufeffMã điều sai", "late_commits", "desk_always"]
    assert run("hue").exit_code == 2


def test_each_morning_one_source_that_fails_stops_no_other(source, configure, monkeypatch):
    configure(MOTCUA_SOURCES="khanhhoa,nowhere,strange=nosuch")
    assert check_sources(EVERYTHING) == {"sources": 3, "forbidding": 2, "warned": 0, "failed": ()}
    past = Window(datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 2, tzinfo=UTC))
    assert check_sources(past) == {}, "a backfill of a past day must not check the sources as they are today"
    whole = checking.check_source

    def fails_once(name: str, now: datetime | None = None) -> SourceCheck:
        if name == "nowhere":
            raise RuntimeError("of ours")
        return whole(name, now)

    monkeypatch.setattr(checking, "check_source", fails_once)
    with red_gate("nowhere could not be checked"):
        check_sources(EVERYTHING)
    assert set(in_ledger(last_checks, ["khanhhoa", "nowhere", "strange"])) == {"khanhhoa", "nowhere", "strange"}
    configure(MOTCUA_SOURCES="khanhhoa")
    monkeypatch.setattr(checking, "check_source", whole)
    check_sources(EVERYTHING)
    assert in_ledger(last_checks, ["strange"])["strange"].findings == [], (
        "the findings of a source that is no longer read must be removed"
    )
