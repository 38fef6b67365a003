"""Test the import of the agencies' file.

Each mistake in the file must be named, and the import must do what the file says. A setting that ends messages to
citizens needs a confirmation.
"""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta

import psycopg
import pytest
import yaml
from typer.testing import CliRunner

from motcua.cli import app
from motcua.domain.clock import VIETNAM
from motcua.jobs.handed_in.agencies import (
    FIELDS,
    AgencyFileError,
    ImportRefused,
    compare,
    export_agencies,
    file_header,
    import_agencies,
    read_agencies,
)
from motcua.settings import include_dir
from motcua.store.agencies import Agency, FormerName, duration_text, list_agencies, save_agencies
from tests.ground import NHA_TRANG, NOW, TU_PHAP, agency, in_ledger

A = "agencies: [{code: A, name: B, %s}]"
ENDED = "valid_until: 2026-06-30"


@pytest.fixture
def write(tmp_path):
    """Return a function that writes an agencies' file and returns the file's path."""

    def file(content):
        path = tmp_path / "agencies.yaml"
        path.write_text(content, encoding="utf-8")
        return path

    return file


def history(rows, code="A"):
    return rows("SELECT * FROM motcua.agency_changes WHERE agency_code = %s ORDER BY change_id", code)


# --- Files that are wrong -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("", "needs a list under 'agencies:'"),
        ("agencies: [7]", "agency 1: entry"),
        ("agencies: [{code: A, name: '  '}]", "agency A: name: must not be blank"),
        ('agencies: [{code: A, name: "B\\nC"}]', "agency A: name: must be one line"),
        ("agencies: [", "line 1: while parsing"),
        ("agencies: [{code: A, name: B, name: C}]", "line 1: name is written twice"),
        ("agencies: [{code: A, name: B}]\nagency: []", "has more than 'agencies:': agencies, agency"),
        (A % "acented: true", "agency A: acented: Extra inputs are not permitted"),
        (A % "province: khanh_hoaa", "agency A: province: is no province of Vietnam"),
        (A % "kinds_off: [reply]", "agency A: kinds_off.0"),
        (A % "kinds_off: [apology]", "agency A: kinds_off_reason: must say why"),
        (A % "kinds_off_reason: tạm dừng", "agency A: kinds_off_reason: is set, but no kind is off"),
        (A % "result_hold: P7D", "agency A: result_hold: must be a day at most"),
        (A % "result_hold: 15", "agency A: result_hold: write a duration as PT15M"),
        (A % "result_hold: PT0.5S", "agency A: result_hold: must be whole seconds"),
        (A % "retention: P1D", "agency A: retention: must be whole days, from P30D"),
        (A % "retention: P30DT1H", "agency A: retention: must be whole days"),
        (A % "report_recipients: [lan]", "agency A: report_recipients.0: An email address must have an @-sign"),
        (A % 'report_recipients: ["a@b.vn\\nBcc: c@d.vn"]', "agency A: report_recipients.0: "),
        (A % "enabled_from: 20261201", "agency A: enabled_from: write a day"),
        (A % 'enabled_from: "20261201"', "agency A: enabled_from: write a day"),
        (A % 'enabled_from: "２０２６-12-01"', "agency A: enabled_from: write a day"),
        (A % 'enabled_from: "0001-01-01"', "agency A: enabled_from: must lie in the years"),
        (A % 'valid_until: "2026-06-30 10:00:00"', "agency A: valid_until: Input should be a valid date"),
        (A % "valid_until: 9999-12-31", "agency A: valid_until: must lie in the years"),
        (A % f"valid_from: 2026-07-01, {ENDED}", "agency A: valid_until: 2026-06-30 is before valid_from"),
        (A % "valid_from: 2026-07-01, enabled_from: 2026-06-30", "agency A: enabled_from: is before valid_from"),
        (A % f"enabled_from: 2026-07-01, {ENDED}", "agency A: enabled_from: is after valid_until"),
        (
            A % "former_names: [{name: C, until: 2025-01-01}, {name: D, until: 2025-01-01}]",
            "agency A: former_names: two names end on one day",
        ),
        (A % f"former_names: [{{name: C, until: 2026-06-30}}], {ENDED}", "agency A: former_names: until 2026-06-30"),
        (A % "former_names: [{name: C, until: 2025-01-01}], valid_from: 2025-03-01", "agency A: former_names: until"),
        (A % "successor_code: C", "agency A: successor_code: needs valid_until"),
        (
            f"agencies: [{{code: A, name: B, successor_code: C, {ENDED}}},"
            f" {{code: C, name: D, successor_code: E, {ENDED}}}, {{code: E, name: F, successor_code: A, {ENDED}}}]",
            "agency A: successor_code: goes round in a circle: A → C → E → A",
        ),
        (
            f"agencies: [{{code: A, name: B, successor_code: C, {ENDED}}},"
            " {code: C, name: D, valid_from: 2026-08-01}]",
            "agency A: successor_code: nobody would be in charge from 2026-06-30 to 2026-08-01",
        ),
        ("agencies: [{code: A, name: B}, {code: A, name: D}]", "the code A stands for two agencies"),
        ("agencies: [{code: A, name: B}, {code: C, name: D, aliases: [A]}]", "the code A stands for two agencies"),
        ("agencies: [{code: A, name: B, aliases: [X]}, {code: C, name: D, aliases: [X]}]", "the code X stands for two"),
    ],
)
def test_malformed_file_is_refused_whole_and_the_fault_is_named(write, content, complaint):
    path = write(content)
    with pytest.raises(AgencyFileError) as error:
        read_agencies(path)
    assert str(path) in str(error.value)
    assert complaint in str(error.value)


@pytest.mark.parametrize(
    ("field", "written"),
    [
        ("enabled_from", "2026-12-01"),
        ("enabled_from", "2026-12-01 07:00:00 +07:00"),
        ("enabled_from", "2026-12-01T00:00:00Z"),
        ("valid_from", "2026-12-01"),
        ("valid_until", "2026-12-01"),
    ],
)
def test_day_in_quotes_is_the_day_without_them(write, field, written):
    (plain,) = read_agencies(write(A % f"{field}: {written}"))
    assert getattr(plain, field) is not None
    for quote in "\"'":
        (quoted,) = read_agencies(write(A % f"{field}: {quote}{written}{quote}"))
        assert quoted == plain


def test_last_day_of_a_former_name_may_stand_in_quotes(write):
    (found,) = read_agencies(write(A % 'former_names: [{name: C, until: "2025-02-28"}]'))
    assert found.former_names == (FormerName("C", None, date(2025, 2, 28)),)


def test_every_fault_is_named_at_once(write):
    path = write("agencies: [{code: A, name: B, accented: 7, retention: 1}, {code: C}]")
    with pytest.raises(AgencyFileError) as error:
        read_agencies(path)
    assert [re.search(r"agency \w: \w+", line)[0] for line in str(error.value).splitlines()] == [
        "agency A: accented",
        "agency A: retention",
        "agency C: name",
    ]


@pytest.mark.parametrize(
    ("entry", "complaint"),
    [
        (f"{{code: A, name: B, successor_code: ZZ, {ENDED}}}", "agency A: successor_code: no agency has the code ZZ"),
        ("{code: A, name: B, aliases: [H32.30]}", "the code H32.30 stands for two agencies"),
        ("{code: H32.30, name: B}", "the code H32.30 stands for two agencies"),
        (
            f"{{code: {TU_PHAP}, name: B, successor_code: {NHA_TRANG}, {ENDED}}}",
            f"goes round in a circle: {TU_PHAP} → {NHA_TRANG} → {TU_PHAP}",
        ),
    ],
)
def test_what_contradicts_the_ledger_is_named_and_nothing_is_written(agencies, rows, write, entry, complaint):
    """An entry that contradicts agencies in the ledger is named, and no entry of the file is written."""
    known = next(each for each in in_ledger(list_agencies) if each.agency_code == NHA_TRANG)
    ends = agency(NHA_TRANG, aliases=known.aliases, valid_until=date(2027, 1, 1), successor_code=TU_PHAP)
    in_ledger(save_agencies, [ends], "tests")
    before = rows("SELECT * FROM motcua.agencies ORDER BY 1")
    with pytest.raises(AgencyFileError, match=re.escape(complaint)):
        import_agencies(write(f"agencies: [{{code: NEW, name: C}}, {entry}]"), "lan", by_department=True)
    assert rows("SELECT * FROM motcua.agencies ORDER BY 1") == before


# --- Files that are right -----------------------------------------------------------------------


def test_default_file_holds_the_thirteen_agencies_of_the_report():
    agencies = read_agencies(include_dir() / "agencies.yaml")
    assert len(agencies) == 13
    assert agencies[0].name == "Ủy ban nhân dân thành phố Nha Trang"
    assert all(agency.enabled_from is None and agency.valid_until is None for agency in agencies)


def test_file_explains_every_field_that_it_may_have():
    assert re.findall(r"^# (\w+)  ", file_header(), re.MULTILINE) == list(FIELDS)


@pytest.mark.parametrize("written", ["2026-12-01", "2026-12-01 00:00:00", "2026-11-30T17:00:00Z"])
def test_enabled_from_is_the_clock_of_vietnam(write, written):
    path = write(A % f"enabled_from: {written}")
    assert read_agencies(path)[0].enabled_from == datetime(2026, 12, 1, tzinfo=VIETNAM)


EVERYTHING_SET = [
    Agency(
        agency_code="A",
        name="Ủy ban: phường 'Lộc Thọ' # 1",
        short_name="no",
        province="ninh_thuan",
        enabled_from=datetime(2026, 12, 1, 7, 30, 15, tzinfo=VIETNAM),
        accented=True,
        same_day_excluded=True,
        kinds_off=("result", "apology"),
        result_hold=timedelta(hours=1, minutes=30, seconds=1),
        aliases=("1.50", "H32.1"),
        kinds_off_reason="Công văn 7/STTTT: chờ đấu nối",
        same_day_procedures=("1.001193", "2.000815"),
        same_day_reason="Trả ngay tại quầy",
        waits_for_opening=True,
        apology_day="working_day",
        report_recipients=("lan@stp.khanhhoa.gov.vn", "binh@stp.khanhhoa.gov.vn"),
        retention=timedelta(days=90),
        valid_from=date(2016, 1, 1),
        valid_until=date(2027, 6, 30),
        successor_code="B",
        former_names=(
            FormerName("Phường cũ", None, date(2020, 2, 29)),
            FormerName("Phường cũ nữa", "P. cũ", date(2024, 1, 31)),
        ),
    ),
    agency("B", enabled_from=datetime(2026, 12, 1, tzinfo=VIETNAM)),
    agency("C", enabled_from=None),
]


def test_export_imported_again_changes_nothing_and_is_itself(ledger, rows, write):
    """An exported file that is imported again must change no agency, and another export must give the same file."""
    in_ledger(save_agencies, EVERYTHING_SET, "lan")
    known = in_ledger(list_agencies)
    assert known == sorted(EVERYTHING_SET, key=lambda each: each.agency_code)
    text = export_agencies(known)
    before = rows("SELECT * FROM motcua.agency_changes ORDER BY change_id")
    assert compare(write(text)).changes == ()
    import_agencies(write(text), "other", by_department=True)
    assert rows("SELECT * FROM motcua.agency_changes ORDER BY change_id") == before
    assert export_agencies(reversed(known)) == text


def test_agency_that_the_file_leaves_out_and_a_date_that_it_leaves_out_stay(agencies, rows, write):
    """An agency or a date that the file does not name must stay, or citizens would stop getting messages."""
    import_agencies(write(f"agencies: [{{code: {TU_PHAP}, name: Sở Tư pháp, accented: true}}]"), "lan")
    assert rows("SELECT count(*) AS n FROM motcua.agencies WHERE enabled_from IS NOT NULL") == [{"n": 2}]


def test_aliases_may_change_places_in_one_import(ledger, rows, write):
    """One import may give an alias of one agency to another agency."""
    import_agencies(write("agencies: [{code: A, name: A, aliases: [X, Y]}, {code: B, name: B, aliases: [Z]}]"), "lan")
    import_agencies(write("agencies: [{code: A, name: A, aliases: [Z]}, {code: B, name: B, aliases: [X]}]"), "lan")
    assert rows("SELECT alias, agency_code FROM motcua.agency_aliases ORDER BY 1") == [
        {"alias": "X", "agency_code": "B"},
        {"alias": "Z", "agency_code": "A"},
    ]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (timedelta(hours=26), "P1DT2H"),
        (timedelta(seconds=3661), "PT1H1M1S"),
    ],
)
def test_durations_are_written_as_they_are_read(value, text):
    assert duration_text(value) == text


# --- History ------------------------------------------------------------------------------------


def test_every_change_is_kept_with_who_made_it(ledger, rows, write):
    for settings in ("", "", "result_hold: PT15M, aliases: [X]"):
        import_agencies(write(A % settings), "lan", enabled_from=NOW)
    import_agencies(write(A % "result_hold: PT15M, aliases: [X, Y]"), "binh")
    names = A % "former_names: [{name: Cũ, until: 2025-01-01}], aliases: [X]"
    import_agencies(write(names), "lan", by_department=True, confirm=lambda comparison: True)
    assert [(row["changed_by"], row["before"] is None) for row in history(rows)] == [
        ("lan", True),
        ("lan", False),
        ("binh", False),
        ("lan", False),
    ]
    assert [row["after"]["aliases"] for row in history(rows)] == [[], ["X"], ["X", "Y"], ["X"]]
    assert history(rows)[-1]["after"]["former_names"] == [{"name": "Cũ", "short_name": None, "until": "2025-01-01"}]
    chain = history(rows)
    assert [row["before"] for row in chain[1:]] == [row["after"] for row in chain[:-1]], (
        "each change must begin where the change before ended"
    )
    kept = rows("SELECT enabled_from, result_hold FROM motcua.agencies")[0]
    assert kept == {"enabled_from": NOW, "result_hold": timedelta(0)}


def test_a_statement_typed_by_hand_is_kept_too(agencies, rows):
    """A change of an agency that somebody makes by hand in SQL must be in the agency's history too."""
    rows("UPDATE motcua.agencies SET same_day_excluded = TRUE, changed_by = 'psql' WHERE agency_code = %s", NHA_TRANG)
    rows("INSERT INTO motcua.agency_aliases VALUES ('Q', %s)", NHA_TRANG)
    rows("SET TIME ZONE 'Asia/Ho_Chi_Minh'")
    rows("UPDATE motcua.agencies SET same_day_excluded = TRUE WHERE agency_code = %s", NHA_TRANG)
    changes = history(rows, NHA_TRANG)
    assert [row["changed_by"] for row in changes] == ["tests", "psql", "psql"]
    assert [row["silences"] for row in changes] == [[], ["same_day_excluded"], []]
    with pytest.raises(psycopg.Error, match="append-only"):
        rows("DELETE FROM motcua.agency_changes")


def test_mail_addresses_are_in_no_history_and_in_no_view_of_the_auditors(ledger, rows, write):
    for addresses in ("[lan@stp.vn]", "[lan@stp.vn]", "[binh@stp.vn]", "[binh@stp.vn, lan@stp.vn]"):
        names = f"former_names: [{{name: Có {len(addresses)}, until: 2025-01-01}}]"
        import_agencies(write(A % f"report_recipients: {addresses}, {names}"), "lan")
    assert [row["after"]["report_recipients"] for row in history(rows)] == [
        {"addresses": 1, "list": 1},
        {"addresses": 1, "list": 2},
        {"addresses": 2, "list": 3},
    ]
    for view in ("audit.agencies", "audit.agency_changes", "audit.agency_names", "audit.agency_aliases"):
        assert "@" not in str(rows(f"SELECT * FROM {view}"))
    assert "@" not in str(history(rows))
    assert rows("SELECT report_recipients_count FROM audit.agencies") == [{"report_recipients_count": 2}]
    assert rows("SELECT report_recipients FROM motcua.agencies") == [
        {"report_recipients": ["binh@stp.vn", "lan@stp.vn"]}
    ]


# --- Settings that end messages: who may set them, and the confirmation that is needed ----------

OFF = {"kinds_off": ["apology"], "kinds_off_reason": "x"}
LEFT_OUT = {"same_day_excluded": True, "same_day_reason": "x"}


def left_out(*procedures):
    return LEFT_OUT | {"same_day_procedures": list(procedures)}


SILENCING = [
    ({}, {"accented": True, "short_name": "X", "apology_day": "working_day"}, [], False),
    ({}, LEFT_OUT, ["same_day_excluded"], False),
    (LEFT_OUT, {"same_day_excluded": False}, [], False),
    ({}, left_out("1"), ["same_day_excluded"], False),
    (LEFT_OUT, left_out("1"), [], False),
    (left_out("1"), LEFT_OUT, ["same_day_excluded"], False),
    (left_out("1"), left_out("2", "1"), ["same_day_excluded"], False),
    (left_out("1", "2"), left_out("2"), [], False),
    (left_out("1"), LEFT_OUT | left_out("1") | {"same_day_reason": "y"}, [], False),
    ({}, OFF, ["kinds_off"], True),
    (OFF, OFF | {"kinds_off": ["result"]}, ["kinds_off"], True),
    (OFF, {}, [], True),
    ({}, {"enabled_from": False}, ["enabled_from"], True),
    ({}, {"enabled_from": "2026-11-02"}, ["enabled_from"], True),
    ({}, {"enabled_from": "2026-10-31"}, [], False),
    ({}, {"enabled_from": None}, [], False),
    ({"enabled_from": False}, LEFT_OUT | {"enabled_from": False}, [], False),
    ({"enabled_from": False}, OFF | {"enabled_from": False}, ["kinds_off"], True),
    ({}, {"valid_until": "2027-01-01"}, ["valid_until"], True),
    ({"valid_until": "2027-01-01"}, {"valid_until": "2026-12-31"}, ["valid_until"], True),
    ({"valid_until": "2027-01-01"}, {"valid_until": "2027-01-02"}, [], False),
    ({}, {"valid_until": "2027-01-01", "successor_code": "S"}, [], False),
    (
        {"valid_until": "2027-01-01", "successor_code": "S"},
        {"valid_until": "2027-01-01"},
        ["valid_until"],
        True,
    ),
    ({}, {"aliases": ["%"]}, [], False),
    ({"aliases": ["%"]}, {}, ["aliases"], True),
    ({"enabled_from": False, "aliases": ["%"]}, {"enabled_from": False}, [], False),
    ({}, {"result_hold": "PT2H"}, [], False),
    ({}, {"result_hold": "PT2H1S"}, ["result_hold"], True),
    ({"result_hold": "PT5H"}, {"result_hold": "PT4H"}, [], False),
    (
        {},
        LEFT_OUT | {"enabled_from": False, "result_hold": "P1D"},
        ["same_day_excluded", "enabled_from", "result_hold"],
        True,
    ),
]
"""Each row has the settings before and after an import, the settings that end messages, and whether only the Department
may make the change."""


def test_what_silences_is_told_asked_and_kept(ledger, rows, write):
    """A setting that ends messages is named, needs a confirmation, and is stored in the agency's history."""

    def file(code, settings):
        entry = {"code": code, "name": "B", "enabled_from": "2026-11-01"} | settings
        entry |= {k: date.fromisoformat(v) for k, v in entry.items() if k in ("enabled_from", "valid_until") and v}
        entry["aliases"] = [alias.replace("%", f"alias of {code}") for alias in entry.get("aliases", [])]
        return write(yaml.safe_dump({"agencies": [entry, {"code": "S", "name": "S"}]}))

    def now_is(code):
        return rows("SELECT * FROM motcua.agencies WHERE agency_code = %s", code)

    for number, (before, after, silences, needs_department) in enumerate(SILENCING):
        case, code = (before, after), f"A{number}"
        import_agencies(file(code, before), "lan", by_department=True, confirm=lambda comparison: True)
        written, path = now_is(code), file(code, after)
        changes = compare(path).changes
        assert [list(change.silences) for change in changes] == [silences] * bool(changes), case
        assert [bool(change.departments) for change in changes] == [needs_department] * bool(changes), case
        if needs_department:
            with pytest.raises(ImportRefused, match="only the Department may change"):
                import_agencies(path, "lan", confirm=lambda comparison: True)
        if silences:
            for refuse in (None, lambda comparison: False):
                with pytest.raises(ImportRefused, match="not confirmed"):
                    import_agencies(path, "lan", by_department=needs_department, confirm=refuse)
        if silences or needs_department:
            assert now_is(code) == written, case
        import_agencies(path, "lan", by_department=needs_department, confirm=lambda comparison: True)
        if changes:
            assert rows("SELECT silences, by_department FROM audit.agency_changes ORDER BY change_id DESC LIMIT 1") == [
                {"silences": silences, "by_department": needs_department}
            ], case


def test_confirmation_of_one_difference_writes_no_other(agencies, rows, write):
    """A confirmation covers only the differences that were shown: if the agency changed since, nothing is written."""
    path = write(f"agencies: [{{code: {TU_PHAP}, name: B, same_day_excluded: true, same_day_reason: R}}]")

    def meanwhile(comparison):
        rows("UPDATE motcua.agencies SET short_name = 'STP' WHERE agency_code = %s", TU_PHAP)
        return True

    with pytest.raises(ImportRefused, match="changed meanwhile"):
        import_agencies(path, "lan", confirm=meanwhile)
    assert rows("SELECT same_day_excluded FROM motcua.agencies WHERE agency_code = %s", TU_PHAP) == [
        {"same_day_excluded": False}
    ]


def test_database_refuses_a_kind_off_without_a_reason(agencies, rows):
    with pytest.raises(psycopg.errors.CheckViolation):
        rows("UPDATE motcua.agencies SET kinds_off = '{apology}' WHERE agency_code = %s", NHA_TRANG)


def test_why_same_day_procedures_are_left_out_is_asked_and_is_not_lost_by_a_file_that_does_not_know_it(
    agencies, rows, write
):
    """A file that excludes same-day procedures must give the reason, even if the ledger already has one."""

    def file(settings):
        return write(f"agencies: [{{code: {TU_PHAP}, name: B, same_day_excluded: true{settings}}}]")

    for settings, said in (
        ("", "same_day_reason: must say why"),
        (", same_day_reason: gọi 0905 123 456", "same_day_reason: something in it looks like a phone number"),
    ):
        with pytest.raises(AgencyFileError, match=said):
            import_agencies(file(settings), "lan", confirm=lambda comparison: True)
    # An agency that excluded same-day procedures before a reason was required may stay as it is without a reason.
    rows("UPDATE motcua.agencies SET same_day_excluded = TRUE WHERE agency_code = %s", TU_PHAP)
    import_agencies(file(""), "lan")
    with pytest.raises(AgencyFileError, match="same_day_reason: must say why"):
        import_agencies(file(", same_day_procedures: ['1']"), "lan")
    import_agencies(file(", same_day_reason: Trả ngay"), "lan")
    with pytest.raises(AgencyFileError, match="same_day_reason: must say why"):
        import_agencies(file(""), "lan")
    assert rows("SELECT same_day_reason FROM audit.agencies WHERE agency_code = %s", TU_PHAP) == [
        {"same_day_reason": "Trả ngay"}
    ]
    for settings in ("same_day_reason: x", "same_day_procedures: ['1']"):
        with pytest.raises(AgencyFileError, match=r"(is|are) set, but same-day procedures are not left out"):
            import_agencies(write(f"agencies: [{{code: {TU_PHAP}, name: B, {settings}}}]"), "lan")


# --- The command --------------------------------------------------------------------------------


def run(*arguments, **options):
    return CliRunner().invoke(app, ["agencies", *map(str, arguments)], **options)


def test_import_asks_before_it_silences(agencies, rows, write):
    """An import that ends messages to citizens writes nothing until a person confirms it."""
    path = write(f"agencies: [{{code: {TU_PHAP}, name: B, same_day_excluded: true, same_day_reason: R}}]")
    for answer in ("n\n", ""):
        declined = run("import", path, input=answer)
        assert declined.exit_code == 2
        assert "SILENCES citizens' messages by the change of same_day_excluded" in declined.output
    assert rows("SELECT bool_or(same_day_excluded) AS any FROM motcua.agencies") == [{"any": False}]
    assert run("import", path, input="y\n").exit_code == 0
    assert rows("SELECT bool_or(same_day_excluded) AS any FROM motcua.agencies") == [{"any": True}]


def test_whole_kinds_are_the_departments(agencies, rows, write):
    """Only the Department may switch off a whole kind of message for an agency."""
    path = write(f"agencies: [{{code: {NHA_TRANG}, name: B, kinds_off: [apology], kinds_off_reason: Công văn 9}}]")
    refused = run("import", path, "--yes")
    assert refused.exit_code == 2
    assert "--as-department" in refused.output
    assert run("import", path, "--yes", "--as-department").exit_code == 0
    assert rows(
        "SELECT kinds_off, kinds_off_reason, by_department FROM audit.agencies WHERE agency_code = %s", NHA_TRANG
    ) == [{"kinds_off": ["apology"], "kinds_off_reason": "Công văn 9", "by_department": True}]
    told = run("history", "000.00.30.H32").output
    assert "for the Department" in told
    assert "kinds_off: [] → [apology]" in told
    assert "silences messages by the change of kinds_off" in told


def test_diff_and_dry_run_show_each_field_and_write_nothing(agencies, rows, write):
    path = write(
        f"agencies: [{{code: {NHA_TRANG}, aliases: [H32.30], name: Ủy ban nhân dân thành phố Nha Trang,"
        " short_name: UBND Nha Trang, result_hold: PT15M, report_recipients: [lan@nt.vn]}, {code: NEW, name: Mới}]"
    )
    before = rows("SELECT * FROM motcua.agencies ORDER BY 1")
    for arguments, code in ((("diff",), 1), (("import", "--dry-run"), 0)):
        shown = run(*arguments, path)
        assert shown.exit_code == code
        for line in (
            "  short_name: UBND TP Nha Trang → UBND Nha Trang",
            "  result_hold: PT0S → PT15M",
            "  report_recipients: [] → [lan@nt.vn]",
            "NEW Mới: new",
            f"Not in the file, so unchanged: {TU_PHAP}",
            "Agencies that differ: 2; the same: 0.",
        ):
            assert line in shown.output.splitlines(), line
    assert rows("SELECT * FROM motcua.agencies ORDER BY 1") == before
    run("import", path)
    assert run("diff", path).exit_code == 0


def test_list_show_and_history_of_an_agency(agencies, rows, write):
    ends = "valid_until: 2026-06-30, enabled_from: 2026-01-01"
    import_agencies(
        write(
            f"agencies: [{{code: OLD, aliases: [H1], name: Cũ, {ends}, successor_code: {TU_PHAP}}},"
            f" {{code: GONE, name: Hết, {ends}}}]"
        ),
        "lan",
    )
    listed = run("list").output
    assert re.search(r"H1 .* 30/06/2026 +000\.00\.09\.H32 ", listed)
    shown = run("show", "H1").output
    assert "code: OLD" in shown
    assert f"# in charge today: {TU_PHAP}; named in messages: Sở Tư pháp" in shown
    assert "by lan" in shown
    assert "nobody" in run("show", "GONE").output
    assert yaml.safe_load(shown)[0]["valid_until"] == date(2026, 6, 30)
    for command in ("show", "history"):
        unknown = run(command, "999")
        assert unknown.exit_code == 2
        assert "There is no agency 999" in unknown.output


def test_export_writes_a_file_or_says_why_it_cannot(agencies, tmp_path):
    assert run("export", tmp_path / "out.yaml").exit_code == 0
    assert (tmp_path / "out.yaml").read_text(encoding="utf-8") == run("export").output
    assert len(read_agencies(tmp_path / "out.yaml")) == 2
    failed = run("export", tmp_path / "nowhere" / "out.yaml")
    assert failed.exit_code == 2
    assert "No such file" in failed.output
