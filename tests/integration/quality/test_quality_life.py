"""The life of findings, sealed runs, checks that break, and a verdict that is Great Expectations' alone."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import psycopg
import pytest

from motcua.domain.run_window import EVERYTHING, Window
from motcua.jobs.gates import RunIncomplete
from motcua.jobs.quality.checking import CHECKING, CheckInProgress, check_quality, verify_seals
from motcua.jobs.tasks import check_quality as tasks
from motcua.quality import expectations
from motcua.quality.choosing import Chosen
from motcua.quality.expectations import judge
from motcua.quality.report_data import RowToCorrect
from motcua.quality.reporting import agency_report, department_report, rows_to_correct, urgent_rows
from motcua.quality.rules import RulesInvalid, _valid, load_rules
from motcua.reports.quality.mail import compose_agency_mail
from motcua.reports.quality.urgency import most_urgent
from motcua.settings import settings
from motcua.store.ledger.database import connect
from motcua.store.ledger.locks import hold_lock
from motcua.store.ledger.queries import statement
from motcua.store.oversight import quality as store
from motcua.store.oversight.quality import acknowledge
from tests.ground import Server, in_ledger
from tests.integration.quality.world import DAY, World, at, quality_ledger

WEDNESDAY = at(25, 5, 30)
PHONE = "0905771482"


@pytest.fixture
def world(postgres: Server, migrated: str) -> Iterator[World]:
    with quality_ledger(postgres, migrated) as world:
        world.source("khanhhoa")
        world.agency("A", name="Sở Tư pháp")
        world.agency("B")
        for number in range(3):
            dossier = world.dossier(f"fine {number}", "AB"[number % 2], due_at=at(30, 17, month=12))
            world.move(dossier, 4, at(23))
        yield world


def check(run_id: str, now: Any, *rules: str) -> int:
    """A run with only some rules in its suite; its number."""

    def some(asked: Any, keep: Any) -> Any:
        return judge([each for each in asked if each.rule.code in rules], keep)

    return check_quality(run_id, now, judged_by=some).run_no


def rows(run_no: int, **wanted: Any) -> dict[str, RowToCorrect]:
    with connect() as connection:
        return {row.subject: row for row in rows_to_correct(connection, run_no, **wanted)}


def set_phone(world: World, code: str, refusal: str | None) -> None:
    world.connection.execute(
        "UPDATE motcua.dossiers SET phone_refusal = %s, msisdn = CASE WHEN %s::text IS NULL THEN '+84905771482' END"
        " WHERE dossier_code = %s",
        (refusal, refusal, code),
    )


@pytest.mark.guarantee("reconciliation", "a rate per thousand is told from 100 dossiers on; below, the counts alone")
def test_rate_per_thousand_is_told_from_a_hundred_dossiers_on(world):
    for number in range(97):
        world.dossier(f"more {number}", "A", phone_refusal="missing" if number < 5 else None)
    few = check("below", at(25, 5), "P1")
    world.dossier("last", "A")
    enough = check("from there on", at(26, 5), "P1")
    with connect() as connection:
        below, own = (agency_report(connection, run_no, "A") for run_no in (few, enough))
        province = department_report(connection, enough)
    assert (below.figures.dossiers, below.figures.found, below.figures.per_thousand) == (99, 5, None)
    assert ([each.per_thousand for each in below.results], below.rank) == ([None], None)
    assert (own.figures.dossiers, own.figures.per_thousand, own.rank) == (100, 50.0, 1)
    assert own.figures.change.previous_found == 5
    assert own.figures.change.previous_per_thousand is None, "of the 99"
    assert [(each.agency_code, each.per_thousand, each.ranked) for each in province.agencies] == [
        ("A", 50.0, True),
        ("B", None, False),
    ]


@pytest.mark.guarantee("reconciliation", "what a mail counts is what its rows add up to, or it says what differs")
def test_figures_of_a_mail_add_up_to_the_rows_of_the_ledger(world):
    for number in range(4):
        world.dossier(f"bad {number}", "A", phone_refusal="missing")
    world.dossier("landline", "A", phone_refusal="landline", applicant_phone="02583822001")
    run_no = check_quality("one", WEDNESDAY).run_no
    accepted = next(iter(rows(run_no, agency_code="A", rule="P1").values()))
    in_ledger(acknowledge, accepted.finding_id, "lan", "Công dân cao tuổi", date(2026, 12, 31), WEDNESDAY)
    run_no = check_quality("two", at(26, 5, 30)).run_no
    with connect() as connection:
        report = agency_report(connection, run_no, "A")
        mail = compose_agency_mail(report, rows_to_correct(connection, run_no, "A"))
        listed = len(list(rows_to_correct(connection, run_no, "A")))
    (told,) = re.findall(r"Danh sách đủ (\d+) dòng: (\d+) lỗi \(kể cả 1 đã xác nhận\)(?:, (\d+) dấu)?", mail.text)
    assert int(told[0]) == listed == int(told[1]) + int(told[2] or 0)
    assert int(told[1]) == report.figures.found == report.figures.to_do + 1
    of_rules = [int(number) for number in re.findall(r": (\d+) cần xử lý, ", mail.text)]
    (summed,) = re.findall(r"Cộng (\d+) cần xử lý: (\d+) lỗi, (\d+) dấu hiệu, (\d+) lưu ý\.", mail.text)
    assert sum(of_rules) == int(summed[0]) == sum(map(int, summed[1:]))
    assert int(summed[1]) == report.figures.to_do


def test_dossier_without_a_status_is_checked_beside_the_others(world):
    world.dossier("no status", status_code=None, phone_refusal="landline", applicant_phone="02583822001")
    counts = check_quality("one", WEDNESDAY)
    assert (counts.dossiers, counts.broken) == (4, 0)
    with connect() as connection:
        found = {row.rule.code for row in rows_to_correct(connection, counts.run_no) if row.subject == "no status"}
    assert "P4" in found, "it is open: nobody has said that it ended"


def test_finding_is_new_stands_is_fixed_and_comes_back(world):
    world.move(world.dossier("bad", phone_refusal="landline", applicant_phone="02583822001"), 4, at(23))
    first = check("one", WEDNESDAY, "P4")
    assert rows(first)["bad"].state == "new"
    assert rows(first)["bad"].deadline == date(2026, 12, 8), "ten working days, the day itself counted"
    assert rows(first)["bad"].masked_phone == "02•• ••• 001"
    second = check("two", WEDNESDAY + DAY, "P4")
    standing = rows(second)["bad"]
    assert (standing.state, standing.age_days, standing.first_seen) == ("standing", 1, WEDNESDAY)
    set_phone(world, "bad", None)
    third = check("three", WEDNESDAY + 2 * DAY, "P4")
    assert rows(third) == {}, "mended at the desk, it leaves the list by itself"
    fixed = rows(third, fixed_since=second)["bad"]
    assert (fixed.state, fixed.last_seen) == ("fixed", WEDNESDAY + DAY)
    report = in_ledger(agency_report, third, "A")
    assert (report.figures.found, report.figures.change.fixed) == (0, 1)
    assert report.has_news
    set_phone(world, "bad", "landline")
    fourth = check("four", WEDNESDAY + 5 * DAY, "P4")
    back = rows(fourth)["bad"]
    assert (back.state, back.age_days, back.first_seen) == ("back", 0, WEDNESDAY)
    assert in_ledger(department_report, fourth).results[0].change.back == 1
    assert [point.found for point in in_ledger(department_report, fourth).trend[-2:]] == [0, 1]
    assert rows(first)["bad"].state == "new", "an old run is told as it was"
    assert verify_seals() == (4, [])


def test_list_of_an_agency_holds_what_its_figures_count_and_nothing_of_a_whole_source(world, monkeypatch):
    monkeypatch.setenv("MOTCUA_SOURCES", "khanhhoa")
    settings.cache_clear()
    world.connection.execute("UPDATE motcua.sources SET picked_up_at = %s", (at(1),))
    world.dossier("bad", phone_refusal="missing")
    run_no = check("source long unread", WEDNESDAY, "P1", "S1")
    with connect() as connection:
        whole_sources = {row.agency_code for row in rows_to_correct(connection, run_no, rule="S1")}
        listed = Counter(row.rule.code for row in rows_to_correct(connection, run_no, "A"))
        counted = {each.rule.code: each.found for each in agency_report(connection, run_no, "A").results if each.found}
    assert whole_sources == {None}
    assert "S1" not in counted
    assert listed == counted


def test_deadline_passes_to_the_agency_and_then_to_the_department(world):
    silent = world.dossier("silent", due_at=at(20, 17))
    world.move(silent, 4, at(17))
    stages = {}
    for day in (25, 27, 30):
        stages[day] = rows(check(f"day {day}", at(day, 5, 30), "R7"))["silent"]
    assert stages[25].deadline == date(2026, 11, 27)
    assert stages[27].stage == "in_time"
    assert stages[30].stage == "remind_agency"
    last = check("later", at(3, 5, 30, month=12), "R7")
    assert stages[30].department_on == date(2026, 12, 2)
    assert rows(last)["silent"].stage == "remind_department"
    result = in_ledger(agency_report, last, "A").results[0]
    first = in_ledger(agency_report, last, "A").to_do_first[0]
    assert (result.remind_agency, result.remind_department) == (0, 1)
    assert first.sentence == "1 hồ sơ, 1 đã quá hạn sửa."


def test_acknowledged_finding_is_shown_and_subtracted_until_its_day(world):
    world.move(world.dossier("bad", phone_refusal="missing"), 4, at(23))
    first = check("one", WEDNESDAY, "P1")
    number = rows(first)["bad"].finding_id
    with connect() as connection:
        assert acknowledge(connection, number, "Nguyễn Thị Lan", "Công dân không có điện thoại", date(2026, 11, 26),
                           WEDNESDAY)  # fmt: skip
        assert not acknowledge(connection, 999, "Nguyễn Thị Lan", "…", date(2026, 11, 26), WEDNESDAY)
    second, third = check("two", WEDNESDAY + DAY, "P1"), check("three", WEDNESDAY + 2 * DAY, "P1")
    accepted = rows(second)["bad"].acknowledged
    assert (accepted.acknowledged_by, accepted.until) == ("Nguyễn Thị Lan", date(2026, 11, 26))
    result = in_ledger(agency_report, second, "A").results[0]
    assert (result.found, result.acknowledged, result.to_do) == (1, 1, 0)
    assert in_ledger(agency_report, third, "A").results[0].to_do == 1
    assert rows(third)["bad"].acknowledged is None
    world.connection.execute("SET session_replication_role = origin")
    with pytest.raises(psycopg.Error, match="append-only"):
        world.connection.execute("UPDATE motcua.finding_acknowledgements SET until = '2027-01-01'")


def test_expectation_deleted_from_the_suite_is_gone_everywhere(world, monkeypatch):
    world.move(world.dossier("bad", phone_refusal="missing"), 4, at(23))
    world.move(world.dossier("land", phone_refusal="landline"), 4, at(23))
    check("one", WEDNESDAY, "P1", "P4")
    build = expectations.build_suites

    def without_missing(asked):
        suites = build(asked)
        for suite in suites.values():
            for expectation in [each for each in suite.expectations if each.meta["rule"] == "P1"]:
                suite.delete_expectation(expectation)
        return suites

    monkeypatch.setattr(expectations, "build_suites", without_missing)
    second = check("two", WEDNESDAY + DAY, "P1", "P4")
    agency, department = in_ledger(agency_report, second, "A"), in_ledger(department_report, second)
    assert [each.rule.code for each in agency.results] == ["P4"]
    assert [each.rule.code for each in department.results] == ["P4"]
    assert set(rows(second)) == {"land"}
    assert (agency.figures.found, department.agencies[0].found, agency.trend[-1].found) == (1, 1, 1)
    assert agency.figures.change.fixed == 0, "nobody mended what nobody looked at"
    monkeypatch.undo()
    assert rows(check("three", WEDNESDAY + 2 * DAY, "P1", "P4"))["bad"].state == "standing"


def test_check_that_breaks_is_neither_green_nor_bad_data(world):
    world.move(world.dossier("bad", phone_refusal="missing", applicant_phone=PHONE), 4, at(23))
    check("one", WEDNESDAY, "P1", "P4")
    book = load_rules()
    spoilt = book.rules["P1"].model_copy(update={"where": "f.phone_refusal = 'missing' AND f.no_such_column"})
    value = book.rules["P4"].model_copy(update={"where": "f.phone_refusal::bigint = 1"})
    broken = book.model_copy(update={"rules": {**book.rules, "P1": spoilt, "P4": value}})

    def some(asked: Any, keep: Any) -> Any:
        return judge([each for each in asked if each.rule.code in ("P1", "P4")], keep)

    counts = check_quality("two", WEDNESDAY + DAY, rules=broken, judged_by=some)
    report = in_ledger(agency_report, counts.run_no, "A")
    assert counts.broken == 2
    assert {each.rule.code: each.status for each in report.results} == {"P1": "broken", "P4": "broken"}
    assert report.broken[0].broken_reason is not None
    reasons = {each.rule.code: each.broken_reason for each in report.broken}
    assert reasons["P1"] == "UndefinedColumn: column f.no_such_column does not exist"
    assert reasons["P4"] == "InvalidTextRepresentation", "what the database quotes may be a value"
    assert rows(counts.run_no) == {}
    assert report.has_news
    with pytest.raises(RunIncomplete, match="2 check"):
        tasks.gate(counts.run_no)
    again = check("three", WEDNESDAY + 2 * DAY, "P1", "P4")
    assert rows(again)["bad"].state == "standing", "not seen by a broken check is not mended"
    tasks.gate(again)


def test_fact_that_its_statement_gives_is_a_rules_at_once(world, monkeypatch):
    name, fact = "quality/facts/own_facts", "length(d.procedure_code) < 3 AS short_procedure"

    def with_fact(asked: Any) -> Any:
        return statement(asked).replace("    d.textable,\n", f"    d.textable,\n    {fact},\n", int(asked == name))

    world.move(world.dossier("bad", procedure_code="1."), 4, at(23))
    monkeypatch.setattr(store, "statement", with_fact)
    store.facts_of.cache_clear()
    content = load_rules().model_dump(exclude={"rules": {"__all__": {"code"}}})
    content["rules"]["D99"] = {**content["rules"]["P1"], "where": "f.short_procedure"}
    book = _valid(content, "rules.yaml")
    counts = check_quality("new fact", WEDNESDAY, rules=book, judged_by=lambda asked, keep: judge(asked[-1:], keep))
    monkeypatch.undo()
    store.facts_of.cache_clear()
    assert (counts.rules, counts.findings) == (1, 1)
    with pytest.raises(RulesInvalid, match="D99 asks for short_procedure, which dossier_facts has not"):
        _valid(content, "rules.yaml")


def test_run_is_sealed_and_refuses_change(world):
    world.move(world.dossier("bad", phone_refusal="missing"), 4, at(23))
    one = check_quality("one", WEDNESDAY, judged_by=lambda asked, keep: judge(asked[:4], keep))
    other = check_quality("two", WEDNESDAY, judged_by=lambda asked, keep: judge(asked[:4], keep))
    assert one.content_hash == other.content_hash, "the same data give the same hash"
    assert one.seal != other.seal, "each run has its place in the chain"
    same = check_quality("one", WEDNESDAY + DAY)
    assert same.sealed_before
    assert (same.run_no, same.seal) == (one.run_no, one.seal)
    world.connection.execute("SET session_replication_role = origin")
    for attempt in (
        "UPDATE motcua.quality_runs SET findings = 0",
        "DELETE FROM motcua.quality_runs",
        "UPDATE motcua.quality_results SET found = 0",
        "DELETE FROM motcua.quality_counts",
        "INSERT INTO motcua.quality_counts VALUES (1, 'P1', 'B', 1, 0, 0, 0)",
        "INSERT INTO motcua.quality_agencies VALUES (1, 'zz', 1, 1)",
        "UPDATE motcua.finding_episodes SET closed_run = 2",
        "UPDATE motcua.finding_episodes SET opened_run = 2",
        "DELETE FROM motcua.finding_episodes",
        "INSERT INTO motcua.finding_episodes SELECT finding_id, 2, NULL, FALSE FROM motcua.findings",
        "UPDATE motcua.findings SET subject = 'x'",
        "DELETE FROM motcua.findings",
    ):
        with pytest.raises((psycopg.errors.RaiseException, psycopg.errors.IntegrityError, psycopg.Error)):
            world.connection.execute(attempt)
    assert verify_seals() == (2, [])
    world.connection.execute("SET session_replication_role = replica")
    world.connection.execute("UPDATE motcua.finding_episodes SET closed_run = 2")
    _, faults = verify_seals()
    assert faults == ["run 2: the rows of P1 are not those that were sealed"]


def test_dag_tasks_use_the_sealed_run_of_a_past_day_and_mail_nobody_on_a_day_off(world):
    world.move(world.dossier("bad", phone_refusal="missing"), 4, at(23))
    run_no = check("wednesday", WEDNESDAY, "P1")
    past = Window(at(24, 5, 30), WEDNESDAY)
    later = WEDNESDAY + 3 * DAY
    assert tasks.check("backfill", past, later)["run_no"] == run_no
    assert tasks.check("backfill", Window(at(22, 5, 30), at(23, 5, 30)), later)["run_no"] is None
    tasks.gate(None)
    assert tasks.agencies_to_mail(None) == []
    assert tasks.agencies_to_mail(run_no) == ["A", "B"]
    assert tasks.agencies_to_mail(check("saturday", later, "P1")) == []
    with connect() as guard:
        assert hold_lock(guard, CHECKING)
        with pytest.raises(CheckInProgress):
            tasks.check("manual", EVERYTHING, later + timedelta(hours=1))
    with pytest.raises(RunIncomplete, match="mail_agency"):
        tasks.gate(run_no, ["mail_agency"])


def test_ledger_without_dossiers_is_not_mailed_as_clean(postgres, migrated, monkeypatch):
    monkeypatch.setattr(tasks.mailing_quality, "mail_department", lambda *_: pytest.fail("was mailed"))
    with quality_ledger(postgres, migrated):
        run_no = check("empty", WEDNESDAY, "P1", "R7")
        assert tasks.agencies_to_mail(run_no) == []
        assert tasks.mail_department(run_no) is None


@pytest.mark.parametrize("rule", [None, "P1", "R7"])
def test_pages_of_rows_are_in_the_order_of_urgency_and_read_no_more_than_they_show(world, rule):
    """The order is the mails' own, which read all rows; a page skips and reads by SQL."""
    for number in range(40):
        world.dossier(
            f"bad {number:02}",
            "A",
            due_at=at(3 + number % 20, 17),
            phone_refusal="missing" if number % 3 else None,
        )
    world.dossier("of another agency", "B", phone_refusal="missing")
    first = check("first", at(10, 5), "P1", "R7")
    with connect() as connection:
        some = [row.finding_id for row in rows_to_correct(connection, first, "A")][::7]
        for number in some:
            assert acknowledge(connection, number, "lan", "đang xác minh", date(2026, 12, 31), at(10, 9))
    set_phone(world, "bad 01", None)
    for number in range(10):
        world.dossier(f"bad again {number}", "A", phone_refusal="missing")
    check("some days later", at(12, 5), "P1", "R7")
    world.dossier("bad at last", "A", phone_refusal="missing")
    run_no = check("the last one", WEDNESDAY, "P1", "R7")
    with connect() as connection:
        every, _ = most_urgent(rows_to_correct(connection, run_no, "A", rule=rule), 1000)
        pages = [urgent_rows(connection, run_no, "A", Chosen(rule), place, 7) for place in range(0, len(every) + 7, 7)]
    shown = [row for page in pages for row in page]
    assert [row.finding_id for row in shown] == [row.finding_id for row in every]
    assert shown == every
    if rule is None:
        assert len({row.stage for row in every}) > 1
        assert len({(row.stage, row.deadline) for row in every}) > len({row.stage for row in every})
        assert any(row.acknowledged for row in every)
        assert len({row.rule.code for row in every}) > 1
    assert {len(page) for page in pages[:-2]} <= {7}
