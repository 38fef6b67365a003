"""Test the checks of the snapshot, whose tables the quality rules read.

A faulty part of the snapshot is reported for its agency and affects no other agency.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from motcua.jobs.quality.checking import QualityCounts, check_quality, verify_seals
from motcua.jobs.tasks import check_quality as tasks
from motcua.quality.reporting import agency_report, department_report, rows_to_correct
from motcua.quality.soundness import Expected, load_soundness
from motcua.reports.quality.mail import compose_agency_mail, compose_department_mail
from motcua.settings import settings
from motcua.store.ledger.database import connect
from motcua.store.ledger.queries import statement
from motcua.store.oversight import quality as store
from motcua.store.oversight.report_mails import runs_owed
from tests.ground import Server, in_ledger, red_gate
from tests.integration.quality.world import DAY, World, at, quality_ledger

NOW = at(25, 5, 30)
Findings = dict[tuple[str, str], tuple[Any, ...]]


@pytest.fixture(scope="module")
def world(postgres: Server, migrated: str) -> Iterator[World]:
    """Make a ledger of three agencies with findings about phones, statuses, months and the source.

    Agency A has a few special dossiers that B and C lack.
    """
    with quality_ledger(postgres, migrated) as world:
        source = world.source("khanhhoa")
        for agency in "ABC":
            world.agency(agency, name=f"Sở {agency}")
            for number in range(34):
                dossier = world.dossier(
                    f"{agency}{number}", agency, phone_refusal="missing" if number < 9 else None, due_at=at(20, 17)
                )
                world.move(dossier, 2, at(16))
                world.move(dossier, 4, at(17 if number % 2 else 23))
        world.dossier("A land", phone_refusal="landline", applicant_phone="02583822001")
        old = world.dossier("A old", received_at=at(1, month=3).replace(year=2023))
        world.move(old, 4, at(17))
        world.dossier("A september", received_at=at(1, month=9), updated_at=at(1, month=9))
        undelivered = world.dossier("A told", status_code=9)
        world.move(undelivered, 9, at(18))
        world.message(undelivered, "undelivered", at(18), "+84905000000")
        parked = world.dossier("A parked", status_code=5, received_at=at(2), due_at=at(20, 17))
        world.move(parked, 4, at(3))
        world.move(parked, 5, at(20, 16))
        world.connection.execute("UPDATE motcua.sources SET failed_at = %s WHERE source_id = %s", (at(24), source))
        yield world


@pytest.fixture(autouse=True)
def one_source(monkeypatch: pytest.MonkeyPatch, world: World) -> Iterator[None]:
    monkeypatch.setenv("MOTCUA_SOURCES", "khanhhoa")
    settings.cache_clear()
    yield
    settings.cache_clear()


def findings(run_no: int) -> Findings:
    with connect() as connection:
        return {
            (row.rule.code, f"{row.agency_code} {row.subject}"): (row.what, row.since, row.deadline, row.stage)
            for row in rows_to_correct(connection, run_no)
        }


def of_others(found: Findings, *broken: str) -> Findings:
    return {key: value for key, value in found.items() if key[1].split(" ")[0] not in broken}


@contextmanager
def changed_statement(monkeypatch: pytest.MonkeyPatch, name: str, was: str, becomes: str) -> Iterator[None]:
    """Replace a part of one of our SQL statements while the block runs."""
    assert was in statement(name)

    before = store.statement

    def spoilt(asked: Any) -> Any:
        return before(asked).replace(was, becomes) if asked == name else before(asked)

    with monkeypatch.context() as patched:
        patched.setattr(store, "statement", spoilt)
        yield


@contextmanager
def edited(world: World, edit: str, back: str) -> Iterator[None]:
    """Run the SQL ``edit`` in the ledger before the block, and after it the SQL ``back``, which undoes the edit."""
    world.connection.execute(edit)
    try:
        yield
    finally:
        world.connection.execute(back)


@dataclass(frozen=True)
class Fault:
    """A function that makes the snapshot faulty, and the names of the faults that the check must report."""

    faults: frozenset[str]
    plant: Callable[[pytest.MonkeyPatch, World], Any]
    agency: str = "A"


def of_statement(name: str, was: str, becomes: str, *faults: str, agency: str = "A") -> Fault:
    return Fault(frozenset(faults), lambda patch, _: changed_statement(patch, name, was, becomes), agency)


def of_ledger(edit: str, back: str, *faults: str) -> Fault:
    return Fault(frozenset(faults), lambda _, world: edited(world, edit, back))


JOINED_AWAY = of_statement(
    "quality/facts/dossiers",
    "LEFT JOIN quality.days AS received",
    "INNER JOIN quality.days AS received",
    "dossiers_missing",
)
LANES_OVERLAP = of_statement(
    "quality/facts/own_facts",
    "WHERE d.dossier_id >= %(low)s::bigint AND d.dossier_id < %(high)s::bigint",
    "WHERE d.dossier_id >= %(low)s::bigint AND d.dossier_id <= %(high)s::bigint",
    "dossier_twice",
    "dossiers_missing",
    agency="B",
)
DELETED_BY_HAND = of_ledger(
    "CREATE TABLE public.kept AS SELECT * FROM motcua.agencies WHERE agency_code = 'A';"
    " DELETE FROM motcua.agencies WHERE agency_code = 'A'",
    "INSERT INTO motcua.agencies SELECT * FROM public.kept; DROP TABLE public.kept",
    "dossiers_missing",
)
READING_OF_NO_NAME = of_ledger(
    "UPDATE motcua.dossiers SET phone_refusal = 'khong_ro' WHERE dossier_code = 'A land'",
    "UPDATE motcua.dossiers SET phone_refusal = 'landline' WHERE dossier_code = 'A land'",
    "unknown_phone_reading",
)
STATUS_BY_HAND = of_ledger(
    "ALTER TABLE motcua.dossiers DROP CONSTRAINT dossiers_status_code_check;"
    " UPDATE motcua.dossiers SET status_code = 11 WHERE dossier_code = 'A land'",
    "UPDATE motcua.dossiers SET status_code = 4 WHERE dossier_code = 'A land'",
    "unknown_status",
)
READING_LOST = of_statement(
    "quality/facts/dossiers",
    "d.phone_refusal,",
    "nullif(d.phone_refusal, 'landline') AS phone_refusal,",
    "phone_not_read",
)
OUTCOME_OF_NO_NAME = of_statement("quality/marks/result_messages", "ELSE 'failed'", "ELSE 'lost'", "unknown_message")
MONTH_LEFT_OUT = of_statement(
    "quality/agency_facts/desk_cells",
    "WHERE f.received_month >= %(since_day)s::date\n",
    "WHERE f.received_month > %(since_day)s::date\n",
    "months_missing",
)
MONTHS_MULTIPLIED = of_statement(
    "quality/agency_facts/agency_month_facts",
    "ON f.whole AND u.measure = 'uncollected' AND",
    "ON f.whole AND u.measure <> 'late_pauses' AND",
    "month_twice",
    "months_missing",
)
PART_ABOVE_WHOLE = of_statement(
    "quality/agency_facts/notice_cells",
    "    count(*),\n    count(*) FILTER (WHERE f.paused_late),",
    "    count(*) FILTER (WHERE NOT f.paused_late),\n    count(*) FILTER (WHERE f.paused_late),",
    "part_above_whole",
)
PLANTED = {
    "an old day joined away": [JOINED_AWAY],
    "lanes that overlap": [LANES_OVERLAP],
    "an agency deleted by hand": [DELETED_BY_HAND],
    "unknown values": [READING_OF_NO_NAME, STATUS_BY_HAND, OUTCOME_OF_NO_NAME],
    "the reading of a phone lost": [READING_LOST],
    "a month left out of the sums": [MONTH_LEFT_OUT],
    "months that are multiplied": [MONTHS_MULTIPLIED, PART_ABOVE_WHOLE],
}
"""Groups of faults that one test plants together, because their reports do not depend on each other."""


@pytest.fixture(scope="module")
def sound(world: World) -> Findings:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MOTCUA_SOURCES", "khanhhoa")
        counts = check_quality("sound", NOW)
    assert counts.broken == 0
    found = findings(counts.run_no)
    for agency in "ABC":
        assert {"P1", "R7"} <= {rule for rule, subject in found if subject.startswith(agency)}
    return found


@pytest.mark.parametrize("name", PLANTED)
def test_fault_is_told_of_its_agency_and_the_others_are_checked_as_without_it(name, world, sound, monkeypatch):
    """A faulty part of the snapshot may remove only the findings of its own agency."""
    agency, faults = PLANTED[name][0].agency, frozenset().union(*(fault.faults for fault in PLANTED[name]))
    with ExitStack() as planted:
        for fault in PLANTED[name]:
            planted.enter_context(fault.plant(monkeypatch, world))
        counts = check_quality(name, NOW + DAY / 48)
        reported = faults_of(counts)
        assert reported.pop(agency) == faults
        assert set(reported) <= {None}, "no other agency may be reported"
        found = findings(counts.run_no)
        report = in_ledger(department_report, counts.run_no)
    assert not [key for key in found if key[1].startswith(agency)], "the broken agency must have no findings"
    assert of_others(found, agency) == of_others(sound, agency)
    assert {each.agency_code for each in report.broken_agencies} >= {agency}
    assert report.has_news
    assert report.results
    assert {each.status for each in report.results} == {"checked"}
    assert report.figures.found == sum(each.found for each in report.agencies if each.broken_reason is None)
    assert verify_seals()[1] == []


def faults_of(counts: QualityCounts) -> dict[str | None, frozenset[str]]:
    found: dict[str | None, set[str]] = {}
    with connect() as connection:
        for row in store.broken_agencies_of(connection, [counts.run_no]):
            found.setdefault(row.agency_code, set()).add(row.fault)
    assert counts.broken == len(found)
    return {agency: frozenset(faults) for agency, faults in found.items()}


def test_every_fault_of_the_snapshot_is_planted_by_some_test(world):
    planted = frozenset().union(*(fault.faults for planted in PLANTED.values() for fault in planted))
    elsewhere = {"no_agency", "unknown_agency", "source_twice"}
    assert planted | elsewhere == set(load_soundness().faults)


def test_rows_without_a_known_agency_affect_no_other_agency(world, sound, monkeypatch):
    name, was = "quality/given/agencies", "coalesce(i.in_charge, g.agency_code)"
    with changed_statement(monkeypatch, name, was, "nullif(g.agency_code, 'A')"):
        counts = check_quality("of no agency", NOW + DAY / 24)
    assert "no_agency" in faults_of(counts)[None]
    assert "dossiers_missing" in faults_of(counts)["A"]
    assert of_others(findings(counts.run_no), "A") == of_others(sound, "A")
    with changed_statement(monkeypatch, name, was, "replace(g.agency_code, 'A', 'Z')"):
        counts = check_quality("of an unknown agency", NOW + DAY / 24)
    assert "unknown_agency" in faults_of(counts)["Z"]
    assert "dossiers_missing" in faults_of(counts)["A"]
    assert of_others(findings(counts.run_no), "A") == of_others(sound, "A")
    broken = in_ledger(department_report, counts.run_no).broken_agencies
    assert [(each.agency_code, each.name) for each in broken] == [("A", "Sở A"), ("Z", "Z")]


def test_source_told_of_twice_does_not_stop_the_check(world, sound, monkeypatch):
    """A source that appears twice in the snapshot is reported. The check goes on without findings about this source."""
    name = "quality/source_facts/source_facts"
    twice = (
        "(SELECT * FROM motcua.sources UNION ALL SELECT * FROM motcua.sources WHERE name = any(%(sources)s)) AS s\nL"
    )
    with changed_statement(monkeypatch, name, "motcua.sources AS s\nL", twice):
        counts = check_quality("a source twice", NOW + DAY / 24)
    assert faults_of(counts)[None] == {"source_twice"}
    assert not [rule for rule, _ in findings(counts.run_no) if rule.startswith("S")]


def test_broken_agency_has_no_figures_and_what_was_known_of_it_stays_as_it_was(world, sound, monkeypatch):
    first = check_quality("life: first", NOW + DAY)
    with READING_OF_NO_NAME.plant(monkeypatch, world):
        second = check_quality("life: second", NOW + 2 * DAY)
    third = check_quality("life: third", NOW + 3 * DAY)
    with connect() as connection:
        before, broken, after = (agency_report(connection, run.run_no, "A") for run in (first, second, third))
        department = department_report(connection, second.run_no)
        rows = list(rows_to_correct(connection, second.run_no, "A"))
        again = agency_report(connection, third.run_no, "A", since_run=second.run_no)
        states = {row.state for row in rows_to_correct(connection, third.run_no, "A") if row.rule.code == "P1"}
    assert before.figures.broken_reason is None
    assert before.figures.found > 0
    reason = "Có số điện thoại mang kết quả đọc mà hệ thống không biết."
    assert broken.figures.broken_reason == reason
    assert (broken.figures.dossiers, broken.figures.found, broken.figures.per_thousand) == (0, 0, None)
    assert {row.agency_code for row in rows} <= {None}, "only findings about the whole source remain"
    assert {(each.status, each.found) for each in broken.results} == {("broken", 0)}
    assert {each.broken_reason for each in broken.results} == {reason}
    assert broken.shares == ()
    assert broken.suggestions == ()
    assert broken.trend[-1].per_thousand is None
    assert broken.rank is None
    assert broken.has_news
    assert [each.agency_code for each in department.agencies] == ["B", "C", "A"], "the broken one comes last"
    assert [each.name for each in department.broken_agencies] == ["Sở A"]
    assert department.figures.change.fixed == 0, "findings that were not checked must not count as fixed"
    assert department.run.dossiers == sum(each.dossiers for each in department.agencies)
    assert states == {"standing"}
    assert [[each.found for each in report.results if each.rule.code == "P1"] for report in (before, after)] == [
        [9],
        [9],
    ]
    assert after.figures.change.fixed == 0
    assert again.figures.change.previous_found is None, "a run after a broken one has no figures to compare with"
    assert verify_seals()[1] == []


def test_run_with_a_broken_agency_is_red_and_mails_say_why_in_words(world, sound, monkeypatch):
    with LANES_OVERLAP.plant(monkeypatch, world):
        counts = check_quality("to be mailed", NOW + DAY)
    world.connection.execute("UPDATE motcua.agencies SET report_recipients = '{lan@x.example}'")
    owed = in_ledger(runs_owed, NOW, NOW + DAY)
    assert {agency: runs[0] for agency, runs in owed.items()} == dict.fromkeys("ABC", counts.run_no)
    with red_gate(r"1 check\(s\) or agencies of run"):
        tasks.gate(counts.run_no)
    with connect() as connection:
        agency, department = agency_report(connection, counts.run_no, "B"), department_report(connection, counts.run_no)
        mails = {
            "B": compose_agency_mail(
                agency, rows_to_correct(connection, counts.run_no, "B"), "https://motcua.example/B"
            ),
            "": compose_department_mail(department, rows_to_correct(connection, counts.run_no)),
        }
    reason = "Có hồ sơ được tính hơn một lần; số hồ sơ đem kiểm tra không khớp với số hồ sơ đang lưu."
    for mail in mails.values():
        assert reason in mail.html
        assert reason in mail.text
    assert mails["B"].subject == "Sở B: chưa kiểm tra được dữ liệu, ngày 26/11/2026"
    assert mails[""].subject.endswith("1 cơ quan không kiểm tra được, ngày 26/11/2026")
    for text in (mails["B"].text, mails["B"].html):
        assert "không có lỗi" not in text.lower()
        assert "Không còn lỗi" not in text
        assert "đã sửa" not in text, "a broken agency has no figures, so the mail may not claim fixes"
        assert "https://motcua.example/B" in text


def test_snapshot_that_cannot_be_judged_is_trusted_by_nobody(world, sound):
    """If the checks of the snapshot themselves fail, the run reports no finding at all."""
    book = load_soundness()
    unknown = Expected(fault="dossier_twice", type="expect_column_values_to_be_unique", kwargs={"column": "no_such"})
    spoilt = book.model_copy(update={"tables": {"dossier_facts": (unknown,)}})
    counts = check_quality("not judged", NOW + DAY, soundness=spoilt)
    assert (counts.findings, counts.broken) == (0, counts.rules)
    report = in_ledger(department_report, counts.run_no)
    assert {each.status for each in report.results} == {"broken"}
    assert all((each.broken_reason or "").startswith("dossier_facts: ") for each in report.results)


def test_expectation_taken_out_of_the_list_is_not_judged(world, sound, monkeypatch):
    """Each fault of the snapshot is found by one expectation of a list. Without the expectation, none is reported."""
    book = load_soundness()
    less = {
        table: tuple(each for each in listed if each.fault != "unknown_phone_reading")
        for table, listed in book.tables.items()
    }
    with READING_OF_NO_NAME.plant(monkeypatch, world):
        assert check_quality("less", NOW + DAY, soundness=book.model_copy(update={"tables": less})).broken == 0
