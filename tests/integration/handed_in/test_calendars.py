"""Test the calendar tables: filling (seeding), decisions on days off, agencies' own days, confirmed years, history."""

from __future__ import annotations

from datetime import date, datetime, time

import psycopg
import pytest

from motcua.domain.clock import VIETNAM
from motcua.domain.working_days import SpecialDay, days_from_package
from motcua.jobs import calendars as keep_calendars
from motcua.jobs.calendars import (
    CalendarError,
    CalendarFileError,
    Seeding,
    UnconfirmedYear,
    as_lines,
    confirm_year,
    export_calendar,
    import_calendar,
    prepare_calendars,
    read_calendar_file,
    seed_calendar,
    unconfirmed_years,
)
from motcua.settings import include_dir
from motcua.store.agencies import UnknownAgency, save_agencies
from motcua.store.calendars import (
    list_changes,
    load_calendar,
    load_calendars,
    load_province_calendar,
)
from motcua.store.ledger.database import connect
from tests.ground import NHA_TRANG, NOW, TU_PHAP, VAN_PHONG, agency, in_ledger, type_command

SWAP = """
province: khanh_hoa
decisions:
  - decision: 77/VPCP-KGVX ngày 1/6/2026
    swaps: [{closed: 2026-07-06, worked: 2026-07-11}]
    closed: [{day: 2026-07-07, reason: Nghỉ bão}]
"""
OWN_DAYS = f"""
agencies:
  - code: H32.30
    notice: Thông báo 12/TB-UBND
    hours: [{{from: 2026-07-01, saturday_mornings: true, morning: "7:30-11:30"}}]
    closed: [{{day: 2026-07-08, reason: Chuyển trụ sở}}]
    worked:
      - {{day: 2026-07-07, reason: Trực giải quyết hồ sơ}}
      - {{day: 2026-07-05, reason: Trực giải quyết hồ sơ, hours: morning}}
  - code: {TU_PHAP}
    notice: Thông báo 3/TB-STP
    closed: [{{day: 2026-07-09, reason: Hội nghị toàn ngành}}]
"""


@pytest.fixture
def write(tmp_path):
    """Return a function that writes a calendar file and returns its path."""

    def file(text: str, name: str = "lich.yaml"):
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return path

    return file


def july(whose: str) -> str:
    """Return one letter for each of the first eleven days of July 2026 at an agency: c closed, f full day, m morning.

    1 July 2026 is a Wednesday.
    """
    calendar = in_ledger(load_calendar, whose, date(2026, 7, 1), date(2026, 7, 11))
    return "".join(calendar.opening(date(2026, 7, day))[0] for day in range(1, 12))


# ------------------------------------------------- filling the calendar from the holidays package (seeding)


def test_seeding_again_changes_nothing_and_writes_no_history(agencies, rows):
    first = prepare_calendars(NOW, "lan")
    history = rows("SELECT count(*) AS n, min(changed_by) AS by FROM motcua.calendar_changes")
    assert history == [{"n": len(first.written), "by": "lan"}]
    assert prepare_calendars(NOW, "minh") == Seeding((), ())
    assert rows("SELECT count(*) AS n, min(changed_by) AS by FROM motcua.calendar_changes") == history
    assert rows("SELECT min(year) AS first, max(year) AS last FROM motcua.calendar_years") == [
        {"first": 2016, "last": 2027}
    ]


def test_every_province_with_agencies_is_seeded_and_gets_the_governments_decisions(agencies):
    in_ledger(save_agencies, [agency(VAN_PHONG, province="ninh_thuan")], "tests")
    prepare_calendars(NOW, "lan")
    with connect() as connection:
        for province in ("khanh_hoa", "ninh_thuan"):
            calendar = load_province_calendar(connection, province, date(2026, 1, 1), date(2026, 1, 31))
            assert not calendar.is_working_day(date(2026, 1, 2))
            assert 2026 in calendar._seeded


def a_newer_package(monkeypatch, year: int):
    """Replace the holidays package by a version in which 1 May is no holiday and 1 July is a holiday."""
    days = [each for each in days_from_package(year) if (each.day.month, each.day.day) != (5, 1)]
    days.append(SpecialDay(date(year, 7, 1), "closed", "Ngày mới", "package", "holidays 9"))
    monkeypatch.setattr(keep_calendars, "days_from_package", lambda _: tuple(days))
    monkeypatch.setattr(keep_calendars, "package_version", lambda: "holidays 9")


def test_newer_package_corrects_a_year_that_nobody_confirmed(agencies, rows, monkeypatch):
    seed_calendar([2027], "lan")
    a_newer_package(monkeypatch, 2027)
    written = as_lines(seed_calendar([2027], "minh").written)
    assert [line[:1] for line in written] == ["~", "-", "+"]
    assert rows("SELECT day::text, authority FROM motcua.calendar_days WHERE day IN ('2027-05-01', '2027-07-01')") == [
        {"day": "2027-07-01", "authority": "holidays 9"}
    ]
    taken = rows(
        "SELECT changed_by, after FROM motcua.calendar_changes WHERE day = '2027-05-01' AND before IS NOT NULL"
    )
    assert taken == [{"changed_by": "minh", "after": None}], "the history must show the removed day and who removed it"


def test_confirmed_year_is_not_touched_by_a_newer_package(agencies, rows, monkeypatch):
    confirm_year(2027, "1/TB-BNV", "lan", NOW)
    before = rows("SELECT * FROM motcua.calendar_days ORDER BY day")
    a_newer_package(monkeypatch, 2027)
    seeding = seed_calendar([2027], "minh")
    assert seeding.written == ()
    assert [line[:1] for line in as_lines(seeding.kept_back)] == ["-", "+"]
    assert rows("SELECT * FROM motcua.calendar_days ORDER BY day") == before


# ------------------------------------------------------------------------------------------- importing files


def test_decision_counts_for_all_and_an_agency_overrides_it_for_itself_alone(agencies, write):
    prepare_calendars(NOW, "lan")
    assert july(TU_PHAP) == "fffccfffffc"
    import_calendar(write(SWAP), "lan", NOW)
    assert july(TU_PHAP) == "fffccccffff"
    import_calendar(write(OWN_DAYS), "lan", NOW)
    assert july(TU_PHAP) == "fffccccfcff"
    assert july(NHA_TRANG) == "fffmmcfcfff"
    prepare_calendars(NOW, "minh")
    assert july(NHA_TRANG) == "fffmmcfcfff", "the holidays package never overwrites a decision or an agency's own day"
    calendar = in_ledger(load_calendar, NHA_TRANG, date(2026, 7, 1), date(2026, 7, 31))
    assert calendar.hours_on(date(2026, 7, 1)).opens == time(7, 30)
    assert calendar.hours_on(date(2026, 6, 30)).opens == time(7, 0)


def test_dry_run_tells_the_same_and_writes_nothing(agencies, write, rows):
    """A dry run reports the same changes as the import that follows, and writes nothing."""
    path = write(SWAP + OWN_DAYS)
    planned_changes = import_calendar(path, "lan", NOW, dry_run=True)
    assert rows("SELECT 1 FROM motcua.calendar_changes") == []
    assert import_calendar(path, "lan", NOW) == planned_changes
    assert import_calendar(path, "lan", NOW) == (), "a second import has nothing left to change"
    assert as_lines(planned_changes)[0].startswith(
        "+ khanh_hoa  6/7/2026  closed: Nghỉ hoán đổi, làm bù ngày 11/7/2026 (77/VPCP"
    )


def test_days_go_back_to_usual_and_what_lies_under_them_counts_again(agencies, write):
    """Without an agency's own day, the government's decision counts. Without both, the holidays package counts."""
    prepare_calendars(NOW, "lan")
    usual = july(NHA_TRANG)
    import_calendar(write(SWAP), "lan", NOW)
    decided = july(NHA_TRANG)
    import_calendar(write(OWN_DAYS), "lan", NOW)
    own = "as_usual: [2026-07-05, 2026-07-07, 2026-07-08], hours_withdrawn: [2026-07-01]"
    import_calendar(write(f"agencies: [{{code: {NHA_TRANG}, notice: Thông báo 13/TB-UBND, {own}}}]"), "minh", NOW)
    assert july(NHA_TRANG) == decided
    import_calendar(write("as_usual: [2026-07-06, 2026-07-07, 2026-07-11]"), "minh", NOW)
    assert july(NHA_TRANG) == usual


def test_whose_change_it_was_is_kept_and_cannot_be_changed(agencies, write, rows, ledger):
    import_calendar(write(OWN_DAYS), "lan", NOW)
    import_calendar(write(OWN_DAYS.replace("Chuyển trụ sở", "Sửa trụ sở")), "minh", NOW)
    newest, *rest = in_ledger(list_changes, 2026, "khanh_hoa", NHA_TRANG)
    assert (newest.changed_by, newest.concerns, newest.day) == ("minh", "day", date(2026, 7, 8))
    assert (newest.before["reason"], newest.after["reason"]) == ("Chuyển trụ sở", "Sửa trụ sở")
    assert {each.changed_by for each in rest} == {"lan"}
    assert {each.concerns for each in rest} == {"day", "hours"}
    for statement in ("UPDATE motcua.calendar_changes SET changed_by = 'x'", "DELETE FROM motcua.calendar_changes"):
        with pytest.raises(psycopg.Error, match="append-only"):
            rows(statement)
    rows("DELETE FROM motcua.calendar_days WHERE day = '2026-07-08'")
    by_hand = rows("SELECT changed_by FROM motcua.calendar_changes ORDER BY change_id DESC LIMIT 1")[0]["changed_by"]
    assert by_hand == psycopg.conninfo.conninfo_to_dict(ledger)["user"], (
        "a change by an SQL statement typed by hand names its database role"
    )


def test_export_imports_to_the_same(agencies, write, rows):
    prepare_calendars(NOW, "lan")
    import_calendar(write(SWAP), "lan", NOW)
    import_calendar(write(OWN_DAYS), "lan", NOW)
    text = export_calendar()
    assert import_calendar(write(text), "lan", NOW) == ()
    own = "agency_code, day, origin, opening, reason, authority"
    days = rows(f"SELECT {own} FROM motcua.calendar_days WHERE origin <> 'package' ORDER BY {own}")
    hours = rows("SELECT * FROM motcua.office_hours")
    rows("DELETE FROM motcua.calendar_days WHERE origin <> 'package'")
    rows("DELETE FROM motcua.office_hours")
    import_calendar(write(text), "lan", NOW)
    assert rows(f"SELECT {own} FROM motcua.calendar_days WHERE origin <> 'package' ORDER BY {own}") == days
    assert rows("SELECT * FROM motcua.office_hours") == hours


DECISION = "decisions:\n  - decision: 1/QĐ\n"
AGENCY = "agencies:\n  - code: A\n    notice: 1/TB\n"


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", ": must hold some of the fields"),
        ("province: [", "line 1: expected the node content"),
        ("province: khanh_hoa\nprovince: ninh_thuan", "line 2: province: stands twice"),
        ("province: khanh_hoa\nholidays: []", "line 2: holidays: Extra inputs are not permitted"),
        ("a: &x [1]\nb: *x", "line 2: references (*) are not used here"),
        ("a: !!python/object/apply:os.system ['true']", "line 1: a: Extra inputs"),
        (DECISION + "    closed: [{day: 2026-02-30, reason: x}]", "line 3: decisions.1.closed.1.day: 2026-02-30 is no"),
        (DECISION + "    closed: [{day: 2/1/2026, reason: x}]", "decisions.1.closed.1.day: must be a day such as"),
        (DECISION + "    closed: [{day: 1066-10-14, reason: x}]", "must lie between 1954 and 2100"),
        (DECISION + "    closed:\n      - day: 2026-01-02\n", "line 4: decisions.1.closed.1.reason: Field required"),
        (DECISION + "    closed: [{day: 2026-01-02, reason: ' '}]", "reason: must not be blank"),
        (DECISION + '    closed: [{day: 2026-01-02, reason: "a\\nb"}]', "reason: must be one line of at most 300"),
        (DECISION + "    swaps:\n      - {closed: 2026-01-03, worked: 2026-01-10}", "swaps.1: closed: 3/1"),
        (DECISION + "    swaps:\n      - {closed: 2026-01-02, worked: 2026-01-09}", "9/1/2026 is no weekend day"),
        (
            DECISION + "    closed: [{day: 2026-01-02, reason: x}]\nas_usual: [2026-01-02]",
            "line 4: 2026-01-02 is stated",
        ),
        ("confirmed:\n  - {year: 2026, by: x}\n  - {year: 2026, by: y}", "line 3: year 2026 is stated twice"),
        ("confirmed: [{year: next, by: x}]", "confirmed.1.year: Input should be a valid integer"),
        (AGENCY + "    hours: [{from: 2026-01-01, morning: 7h-11h}]", "morning: must be a span such as 7:00-11:30"),
        (AGENCY + "    hours: [{from: 2026-01-01, morning: '11:30-7:00'}]", "morning: must begin before it ends"),
        (AGENCY + "    hours: [{from: 2026-01-01, morning: '7:00-25:00'}]", "names no time of the day"),
        (AGENCY + "    hours: [{from: 2026-01-01, morning: '7:00-14:00'}]", "the afternoon must not begin before"),
        (
            AGENCY + "    hours: [{from: 2026-01-01}]\n    hours_withdrawn: [2026-01-01]",
            "line 5: hours of agency A from",
        ),
        ("[" * 5000, "brackets are nested too deeply"),
        ("a: \x00", "cannot be read"),
        ("x" * 1_000_001, "larger than"),
    ],
    ids=range(25),
)
def test_hostile_or_mistaken_file_is_refused_with_the_line_and_the_field(write, text, complaint):
    path = write(text)
    with pytest.raises(CalendarFileError) as error:
        read_calendar_file(path)
    assert str(error.value).startswith(str(path))
    assert complaint in str(error.value)
    assert "\n" not in str(error.value)


def test_the_file_that_the_docs_show_is_one(write):
    """The sample file of docs/operations/calendar.md must be a valid calendar file."""
    shown = (include_dir().parent / "docs" / "operations" / "calendar.md").read_text(encoding="utf-8")
    file = read_calendar_file(write(shown.split("```yaml\n")[1].split("```")[0]))
    assert len(file.days) == 6
    assert [each.saturday_mornings for _, each in file.hours] == [True]


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (OWN_DAYS.replace(TU_PHAP, "H32.99"), "line 16: no agency has the code H32.99"),
        (OWN_DAYS.replace(TU_PHAP, NHA_TRANG).replace("07-09", "07-08"), "is stated twice"),
        (
            OWN_DAYS + f"  - {{code: {NHA_TRANG}, notice: x, hours: [{{from: 2026-07-01}}]}}",
            "hours of agency 000.00.30.H32 from 2026-07-01 are stated twice",
        ),
    ],
)
def test_fault_that_only_the_ledger_shows_is_told_with_its_line_and_nothing_is_written(
    agencies, write, rows, text, complaint
):
    """A file is refused for a fault that only the ledger shows, such as an unknown agency. The error names the line."""
    with pytest.raises(CalendarFileError) as error:
        import_calendar(write(SWAP + text), "lan", NOW)
    assert complaint in str(error.value)
    assert rows("SELECT 1 FROM motcua.calendar_days") == []


# --------------------------------------------------------------------------- loading calendars of agencies


def test_calendars_of_all_agencies_are_right_around_the_days_asked_for(agencies, write):
    """A calendar that is loaded for some days must also include the working days next to these days."""
    prepare_calendars(NOW, "lan")
    import_calendar(write(OWN_DAYS), "lan", NOW)
    with connect() as connection:
        calendars = load_calendars(connection, [NHA_TRANG, TU_PHAP], date(2026, 12, 31), date(2027, 1, 1))
        assert load_calendars(connection, [], date(2026, 1, 1), date(2026, 1, 2)) == {}
        with pytest.raises(UnknownAgency, match="X1"):
            load_calendars(connection, [NHA_TRANG, "X1"], date(2026, 1, 1), date(2026, 1, 2))
    for first, last in ((date.min, date(2026, 1, 1)), (date(2026, 1, 1), date.max)):
        assert in_ledger(load_calendar, NHA_TRANG, first, last).is_working_day(date(2026, 1, 10)), (
            "any span of days must load, however wide"
        )
    assert calendars[TU_PHAP].next_working_day(date(2026, 12, 31)) == date(2027, 1, 4)
    assert calendars[NHA_TRANG].next_working_day(date(2026, 12, 31)) == date(2027, 1, 2), (
        "this agency is open on a Saturday morning"
    )


# ------------------------------------------------------------------------------------------ confirming a year


def test_this_year_is_due_at_once_and_the_next_one_from_the_first_of_december_in_vietnam(agencies):
    prepare_calendars(NOW, "lan")
    this, following = UnconfirmedYear("khanh_hoa", 2026), UnconfirmedYear("khanh_hoa", 2027)
    last_of_november = datetime(2026, 11, 30, 23, 59, tzinfo=VIETNAM)
    assert unconfirmed_years(last_of_november) == [this]
    assert unconfirmed_years(datetime.fromisoformat("2026-11-30T17:00:00Z")) == [this, following]
    confirm_year(2026, "9441/TB-BNV", "lan", NOW)
    assert unconfirmed_years(last_of_november) == []
    confirm_year(2027, "1/TB-BNV", "lan", NOW)
    assert unconfirmed_years(datetime(2026, 12, 31, tzinfo=VIETNAM)) == []
    confirm_year(2027, None, "minh", NOW)
    assert unconfirmed_years(datetime(2026, 12, 31, tzinfo=VIETNAM)) == [following]
    said = [each.after["decision"] for each in in_ledger(list_changes, 2027, "khanh_hoa") if not each.day]
    assert said == [None, "1/TB-BNV", None], "the history must show each confirmation and its withdrawal"


def test_year_that_is_confirmed_without_having_been_seeded_is_seeded(agencies, rows, write):
    confirm_year(2030, " 5/TB-BNV ", "lan", NOW)
    import_calendar(write("confirmed: [{year: 2031, by: 6/TB-BNV}]"), "lan", NOW)
    assert confirm_year(2031, "6/TB-BNV", "minh", NOW) == ()
    assert rows("SELECT year, decision FROM motcua.calendar_years ORDER BY year") == [
        {"year": 2030, "decision": "5/TB-BNV"},
        {"year": 2031, "decision": "6/TB-BNV"},
    ]
    assert rows("SELECT DISTINCT extract(YEAR FROM day)::int AS y FROM motcua.calendar_days ORDER BY 1") == [
        {"y": 2030},
        {"y": 2031},
    ]


def test_what_cannot_be_confirmed_or_seeded_is_said_and_nothing_is_written(agencies, rows):
    for given, complaint in (
        ((2101, "x", "lan", NOW), "from 1954 to 2100"),
        ((2027, "  ", "lan", NOW), "^Name "),
        ((2027, "x", "lan", NOW, "ha_noi"), "No agency is in the province ha_noi"),
        ((2027, "x", " ", NOW), "^Name "),
    ):
        with pytest.raises(CalendarError, match=complaint):
            confirm_year(*given)
    with pytest.raises(CalendarError, match="from 1954 to 2100"):
        seed_calendar([1900], "lan")
    assert rows("SELECT 1 FROM motcua.calendar_changes") == []


# ------------------------------------------------------------------------------------------------- commands


def motcua(*arguments: object, exits: int | None = 0) -> str:
    return type_command("calendar", *arguments, exits=exits, columns=130).output


def test_commands_from_an_empty_ledger_to_a_confirmed_year(agencies, write, monkeypatch):
    assert "NOT CONFIRMED" in motcua("show", "2026")
    motcua("seed")
    with monkeypatch.context() as nobody:
        # A dry run records no change, so it must work without a person's name.
        nobody.setenv("MOTCUA_PERSON", "root")
        assert "5 change(s), none written." in motcua("import", write(OWN_DAYS), "--dry-run")
        assert "Nothing was written." in motcua("import", write(OWN_DAYS), exits=2)
    assert "5 change(s) written." in motcua("import", write(OWN_DAYS))
    shown = motcua("show", "2026", "--agency", "H32.30")
    for each in ("NOT CONFIRMED", " 8# ", " 5~ ", "10+"):
        assert each in shown
    assert "2/1/2026  Fri  off  Nghỉ hoán đổi, làm bù ngày 10/1/2026  (12729/VPCP-KGVX ngày 25/12/2025)" in shown
    motcua("unconfirmed", exits=None)
    motcua("confirm", "2026", "--by-decision", "9441/TB-BNV")
    assert "confirmed by 9441/TB-BNV" in motcua("show", "2026")
    assert import_calendar(write(motcua("export"), "again.yaml"), "lan", NOW) == ()


def test_an_operators_mistake_is_exit_code_2_and_no_traceback(agencies):
    for arguments in (
        ("show", "2026", "--agency", "nobody"),
        ("show", "1900"),
        ("confirm", "2026"),
        ("confirm", "2026", "--withdraw", "--by-decision", "x"),
        ("import", "/nowhere.yaml"),
        ("seed", "1900"),
    ):
        assert "Traceback" not in motcua(*arguments, exits=2)
