"""Test the beginning and end of findings, sealed runs and broken checks. Only Great Expectations gives the verdicts."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import psycopg
import pytest

from motcua.domain.run_window import EVERYTHING, Window
from motcua.jobs.quality.checking import CHECKING, CheckInProgress, check_quality, verify_seals
from motcua.jobs.tasks import check_quality as tasks
from motcua.quality import expectations
from motcua.quality.choosing import Chosen
from motcua.quality.expectations import judge
from motcua.quality.report_data import RowToCorrect, RuleResult
from motcua.quality.reporting import agency_report, department_report, rows_to_correct, urgent_rows
from motcua.quality.rules import load_rules
from motcua.reports.quality.mail import compose_agency_mail
from motcua.reports.quality.urgency import most_urgent
from motcua.settings import settings
from motcua.store.ledger.database import connect
from motcua.store.ledger.locks import hold_lock
from motcua.store.oversight.quality import acknowledge
from motcua.store.oversight.report_mails import runs_owed
from tests.ground import Server, in_ledger, red_gate
from tests.integration.quality.world import DAY, NOTHING_EXPECTED, World, at, quality_ledger

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
    """Check quality with only these rules in the suite, and without judging the snapshot; return the run's number."""

    def some(asked: Any, keep: Any) -> Any:
        return judge([each for each in asked if each.rule.code in rules], keep)

    return check_quality(run_id, now, judged_by=some, soundness=NOTHING_EXPECTED).run_no


def rows(run_no: int, **wanted: Any) -> dict[str, RowToCorrect]:
    with connect() as connection:
        return {row.subject: row for row in rows_to_correct(connection, run_no, **wanted)}


def set_phone(world: World, code: str, refusal: str | None) -> None:
    world.connection.execute(
        "UPDATE motcua.dossiers SET phone_refusal = %s, msisdn = CASE WHEN %s::text IS NULL THEN '+84905771482' END"
        " WHERE dossier_code = %s",
        (refusal, refusal, code),
    )


@pytest.mark.guarantee("reconciliation", "a rate per thousand needs 100 dossiers; below, only counts are shown")
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
    assert own.figures.change.previous_per_thousand is None, "the run before had 99 dossiers, too few for a rate"
    assert [(each.agency_code, each.per_thousand, each.ranked) for each in province.agencies] == [
        ("A", 50.0, True),
        ("B", None, False),
    ]


@pytest.mark.guarantee("reconciliation", "an agency's rank compares its rate with the rates of all ranked agencies")
def test_agency_is_told_its_rank_among_all_agencies(world):
    world.agency("C")
    for code, bad in (("A", 2), ("B", 7), ("C", 4)):
        for number in range(100):
            world.dossier(f"{code} {number}", code, phone_refusal="missing" if number < bad else None)
    run_no = check("one", at(25, 5), "P1")
    with connect() as connection:
        own = {code: agency_report(connection, run_no, code) for code in "ABC"}
        province = department_report(connection, run_no)
    assert {code: (report.rank, report.ranked) for code, report in own.items()} == {
        "B": (1, 3),
        "C": (2, 3),
        "A": (3, 3),
    }
    assert [each.agency_code for each in province.agencies] == ["B", "C", "A"]


@pytest.mark.guarantee(
    "reconciliation", "the figures of a mail are the sums of its rows, or the mail names the difference"
)
def test_figures_of_a_mail_add_up_to_the_rows_of_the_ledger(world):
    for number in range(4):
        world.dossier(f"bad {number}", "A", phone_refusal="missing")
    world.dossier("landline", "A", phone_refusal="landline", applicant_phone="02583822001", status_code=None)
    first = check_quality("one", WEDNESDAY)
    run_no = first.run_no
    assert (first.dossiers, first.broken) == (8, 0)
    assert {"P4"} <= {each.rule.code for each in rows(run_no).values()}, "a dossier without a status counts as open"
    accepted = next(iter(rows(run_no, agency_code="A", rule="P1").values()))
    in_ledger(acknowledge, accepted.finding_id, "lan", "Công dân cao tuổi", date(2026, 12, 31), WEDNESDAY)
    run_no = check_quality("two", at(26, 5, 30)).run_no
    with connect() as connection:
        report = agency_report(connection, run_no, "A")
        mail = compose_agency_mail(report, rows_to_correct(connection, run_no, "A"))
        listed = len(list(rows_to_correct(connection, run_no, "A")))
    (shown_counts,) = re.findall(
        r"Danh sách đủ (\d+) dòng: (\d+) lỗi \(kể cả 1 đã tạm chấp nhận\)(?:, (\d+) dấu)?", mail.text
    )
    assert int(shown_counts[0]) == listed == int(shown_counts[1]) + int(shown_counts[2] or 0)
    assert int(shown_counts[1]) == report.figures.found == report.figures.to_do + 1
    of_rules = [int(number) for number in re.findall(r": (\d+) cần xử lý, ", mail.text)]
    (summed,) = re.findall(r"Cộng (\d+) cần xử lý: (\d+) lỗi, (\d+) dấu hiệu, (\d+) lưu ý\.", mail.text)
    assert sum(of_rules) == int(summed[0]) == sum(map(int, summed[1:]))
    assert int(summed[1]) == report.figures.to_do


def test_finding_is_new_stands_is_accepted_is_late_is_fixed_and_comes_back(world):
    world.move(world.dossier("bad", phone_refusal="landline", applicant_phone="02583822001"), 4, at(23))
    world.move(world.dossier("silent", due_at=at(20, 17)), 4, at(17))
    world.move(world.dossier("accepted", phone_refusal="missing"), 4, at(23))
    runs: dict[int, int] = {}

    def day(number: int, **when: int) -> dict[str, RowToCorrect]:
        runs[number] = check(f"day {number}", at(number, 5, 30, **when), "P1", "P4", "R7")
        return rows(runs[number])

    def result(number: int, rule: str) -> RuleResult:
        return {each.rule.code: each for each in in_ledger(agency_report, runs[number], "A").results}[rule]

    first = day(25)
    assert (first["bad"].state, first["bad"].masked_phone) == ("new", "02•• ••• 001")
    assert first["bad"].deadline == date(2026, 12, 8), (
        "the deadline is the tenth working day, counted from the day of the finding"
    )
    assert first["silent"].deadline == date(2026, 11, 27)
    assert first["silent"].what == "Hẹn trả 20/11/2026, không có chuyển biến từ 17/11/2026."
    said = ("Nguyễn Thị Lan", "Công dân không có điện thoại", date(2026, 11, 26), WEDNESDAY)
    assert in_ledger(acknowledge, first["accepted"].finding_id, *said)
    assert not in_ledger(acknowledge, 999, *said)

    second = day(26)
    assert (second["bad"].state, second["bad"].age_days, second["bad"].first_seen) == ("standing", 1, WEDNESDAY)
    accepted = second["accepted"].acknowledged
    assert (accepted.acknowledged_by, accepted.until) == ("Nguyễn Thị Lan", date(2026, 11, 26))
    assert (result(26, "P1").found, result(26, "P1").acknowledged, result(26, "P1").to_do) == (1, 1, 0)

    set_phone(world, "bad", None)
    third = day(27)
    assert "bad" not in third, "a finding that the desk corrected leaves the list by itself"
    fixed = rows(runs[27], fixed_since=runs[26])["bad"]
    assert (fixed.state, fixed.last_seen) == ("fixed", WEDNESDAY + DAY)
    assert (third["accepted"].acknowledged, result(27, "P1").to_do) == (None, 1), "the acknowledgement has expired"
    assert third["silent"].stage == "in_time"
    report = in_ledger(agency_report, runs[27], "A")
    assert (report.figures.found, report.figures.change.fixed, report.has_news) == (2, 1, True)

    set_phone(world, "bad", "landline")
    fourth = day(30)
    assert (fourth["bad"].state, fourth["bad"].age_days, fourth["bad"].first_seen) == ("back", 0, WEDNESDAY)
    assert (fourth["silent"].stage, fourth["silent"].department_on) == ("remind_agency", date(2026, 12, 2))
    department = in_ledger(department_report, runs[30])
    assert sum(each.change.back for each in department.results) == 1
    assert [point.found for point in department.trend[-2:]] == [2, 3]

    assert day(3, month=12)["silent"].stage == "remind_department"
    assert (result(3, "R7").remind_agency, result(3, "R7").remind_department) == (0, 1)
    first_to_do = {each.rule.code: each.sentence for each in in_ledger(agency_report, runs[3], "A").to_do_first}
    assert "1 đã quá hạn sửa" in first_to_do["R7"]
    assert rows(runs[25])["bad"].state == "new", "an old run is shown as it was"
    assert verify_seals() == (5, [])
    world.connection.execute("SET session_replication_role = origin")
    with pytest.raises(psycopg.Error, match="append-only"):
        world.connection.execute("UPDATE motcua.finding_acknowledgements SET until = '2027-01-01'")


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
    assert agency.figures.change.fixed == 0, "findings that were not checked must not count as fixed"
    monkeypatch.undo()
    assert rows(check("three", WEDNESDAY + 2 * DAY, "P1", "P4"))["bad"].state == "standing"


def test_check_that_breaks_is_neither_green_nor_bad_data(world):
    """A broken query must be reported as broken, without findings. The stored reason may contain no value."""
    world.move(world.dossier("bad", phone_refusal="missing", applicant_phone=PHONE), 4, at(23))
    check("one", WEDNESDAY, "P1", "P4")
    book = load_rules()
    spoilt = book.rules["P1"].model_copy(update={"where": "f.phone_refusal = 'missing' AND f.no_such_column"})
    value = book.rules["P4"].model_copy(update={"where": "f.phone_refusal::bigint = 1"})
    broken = book.model_copy(update={"rules": {**book.rules, "P1": spoilt, "P4": value}})

    def some(asked: Any, keep: Any) -> Any:
        return judge([each for each in asked if each.rule.code in ("P1", "P4")], keep)

    counts = check_quality("two", WEDNESDAY + DAY, rules=broken, judged_by=some, soundness=NOTHING_EXPECTED)
    report = in_ledger(agency_report, counts.run_no, "A")
    assert counts.broken == 2
    assert {each.rule.code: each.status for each in report.results} == {"P1": "broken", "P4": "broken"}
    assert report.broken[0].broken_reason is not None
    reasons = {each.rule.code: each.broken_reason for each in report.broken}
    assert reasons["P1"] == "UndefinedColumn: column f.no_such_column does not exist"
    assert reasons["P4"] == "InvalidTextRepresentation", (
        "the reason may name the error's class only: the database's message may quote a value"
    )
    assert rows(counts.run_no) == {}
    assert report.has_news
    with red_gate("2 check"):
        tasks.gate(counts.run_no)
    again = check("three", WEDNESDAY + 2 * DAY, "P1", "P4")
    assert rows(again)["bad"].state == "standing", "a finding is not fixed because a broken check did not see it"
    tasks.gate(again)


def test_run_is_sealed_and_refuses_change(world):
    world.move(world.dossier("bad", phone_refusal="missing"), 4, at(23))
    given = {"judged_by": lambda asked, keep: judge(asked[:4], keep), "soundness": NOTHING_EXPECTED}
    one, other = check_quality("one", WEDNESDAY, **given), check_quality("two", WEDNESDAY, **given)
    assert one.content_hash == other.content_hash, "the same data give the same hash"
    assert one.seal != other.seal, "a run's seal depends on the run before it"
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
    world.connection.execute("UPDATE motcua.agencies SET report_recipients = '{lan@x.example}'")
    check("saturday", later, "P1")
    assert in_ledger(runs_owed, later - 4 * DAY, later) == {"A": [run_no], "B": [run_no]}
    with connect() as guard:
        assert hold_lock(guard, CHECKING)
        with pytest.raises(CheckInProgress):
            tasks.check("manual", EVERYTHING, later + timedelta(hours=1))
    with red_gate("mail_department"):
        tasks.gate(run_no, ["mail_department"])
    today = later + DAY
    assert tasks.check("of today", Window(later, today), today)["run_no"] not in (None, run_no), (
        "the current day can still be checked"
    )


def test_ledger_without_dossiers_is_not_mailed_as_clean(postgres, migrated, monkeypatch):
    monkeypatch.setattr(tasks.mailing_quality, "mail_department", lambda *_: pytest.fail("was mailed"))
    with quality_ledger(postgres, migrated):
        run_no = check("empty", WEDNESDAY, "P1", "R7")
        assert tasks.mail_department(run_no) is None


def test_pages_of_rows_are_in_the_order_of_urgency_and_read_no_more_than_they_show(world):
    """A page reads only its own rows by SQL. Their order must be the same as in the mails, which read all rows."""
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
    for rule in (None, "P1", "R7"):
        with connect() as connection:
            every, _ = most_urgent(rows_to_correct(connection, run_no, "A", rule=rule), 1000)
            places = range(0, len(every) + 7, 7)
            pages = [urgent_rows(connection, run_no, "A", Chosen(rule), place, 7) for place in places]
        assert [row for page in pages for row in page] == every
        assert {len(page) for page in pages[:-2]} <= {7}
        if rule is None:
            stages = {row.stage for row in every}
            assert 1 < len(stages) < len({(row.stage, row.deadline) for row in every})
            assert any(row.acknowledged for row in every)
            assert len({row.rule.code for row in every}) > 1


@pytest.mark.guarantee(
    "pages", "an acknowledged finding keeps its place in the list, and the filter for acknowledged ones shows it"
)
def test_acknowledging_leaves_a_finding_where_it_was_and_among_the_acknowledged(world):
    for number in range(9):
        world.dossier(f"bad {number}", "A", phone_refusal="missing")
    run_no = check("first", at(10, 5), "P1")

    def listed(standing=None):
        with connect() as connection:
            return [
                each.finding_id for each in urgent_rows(connection, run_no, "A", Chosen(None, None, standing), 0, 50)
            ]

    before = listed()
    assert listed("acknowledged") == []
    with connect() as connection:
        assert acknowledge(connection, before[2], "lan", "đang xác minh", date(2099, 12, 31), datetime.now(UTC))
    assert listed() == listed("to_do") == before
    assert listed("acknowledged") == [before[2]]


def test_complaint_counts_for_its_dossier_however_the_citizen_wrote_the_code(world):
    """A complaint counts for the dossier it is linked to, whatever spelling of the code or agency the complaint has."""
    for code in ("H32-0001", "H32-0002", "H32-0003", "H32-0004"):
        dossier = world.dossier(code, status_code=9, updated_at=at(20), due_at=at(24))
        world.message(dossier, "delivered", at(20), f"+849055500{code[-2:]}")
    world.complaint("H32-0001", at(22))
    world.complaint("h32 - 0002", at(22), dossier_id=world.ids["H32-0002"])
    world.complaint("H32-0003", at(22), agency="B", dossier_id=world.ids["H32-0003"])
    world.complaint("h32 - 0004", at(22))  # not linked
    assert set(rows(check("complaints", WEDNESDAY, "R13"))) == {"H32-0001", "H32-0002", "H32-0003"}
