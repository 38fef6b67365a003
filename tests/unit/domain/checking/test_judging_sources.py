"""Test the rules that judge the rows of a source: which rows are faults, and which rows only look like faults."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from motcua.domain.checking.encodings import broken
from motcua.domain.checking.kinds import Findings, is_hidden, shown_codes
from motcua.domain.checking.reading import (
    COLUMNS,
    QUESTIONS,
    judge_clock,
    judge_columns,
    judge_plans,
    tables_read_whole,
)
from motcua.domain.checking.rows import Read, Sample, judge_rows
from motcua.domain.checks import FORBIDDEN_SHARE, KINDS, Finding
from motcua.domain.dossiers import RowContext, SourceDossier, SourceTransition
from motcua.reports.checks import check_words, in_words, terms_of, words_of
from tests.checks_page import SOURCES_PAGE, sources_page

NOW = datetime(2026, 11, 25, 10, 0, tzinfo=UTC)
AGENCY = "000.00.30.H32"
MINUTE = timedelta(minutes=1)


def step(number: int | None, minute: float, **changes: Any) -> SourceTransition:
    at = NOW - timedelta(days=3) + minute * MINUTE
    is_result = bool(number and number % 2)
    given = {"agency_code": AGENCY, "dossier_code": f"H32-{number or 0}"}
    given |= {"status_code": 9 if is_result else 4, "at_one_stop_desk": is_result}
    return SourceTransition(**({"transition_id": number, "occurred_at": at, "recorded_at": at} | given | changes))


def dossier(code: str = "H32-1", **changes: Any) -> SourceDossier:
    at, phone = NOW - timedelta(days=3), f"0905{271830 + 977 * int(code[4:])}"
    given = {"status_code": 4, "at_one_stop_desk": False, "applicant_phone": phone, "applicant_name": "Lan"}
    times = {"received_at": at, "due_at": at + timedelta(days=9), "updated_at": at}
    procedure = {"procedure_code": "1.005129", "procedure_name": "Cấp bản sao"}
    return SourceDossier(**({"dossier_code": code, "agency_code": AGENCY} | given | times | procedure | changes))


def found_in(
    transitions: Sequence[SourceTransition] = (), dossiers: Sequence[SourceDossier] = (), **changes: Any
) -> dict[str, Finding]:
    """Return the findings of ``judge_rows`` about these rows, by the finding's name."""
    context = RowContext({AGENCY: AGENCY}, {}, NOW, timedelta(minutes=5))
    keys = frozenset((AGENCY, str(row.dossier_code)) for row in (*transitions, *dossiers))
    sample = Sample(NOW, timedelta(minutes=10), context, {AGENCY: "khanh_hoa"}, dossiers, transitions, keys)
    found = Findings()
    judge_rows(replace(sample, **changes), found)
    return {each.name: each for each in found.in_order()}


def judged(*rows: Any, **changes: Any) -> dict[str, tuple[str, int | None]]:
    """Return the severity and the number of rows of each finding, by the finding's name.

    The finding ``empty`` is left out, because each test gives rows for only one of the two views.
    """
    found = found_in(*rows, **changes).items()
    return {name: (each.severity, each.facts["rows"]) for name, each in found if name != "empty"}


# --- Numbers


@pytest.mark.parametrize(
    ("rows", "found"),
    [
        # Several sessions write at the same time, so their numbers are out of order by up to ten minutes.
        ([(1, 0), (2, 9), (3, 1), (4, 10), (5, 5)], {}),
        # A session took its number early and committed its row late.
        ([(n, n) for n in range(1, 40) if n != 5] + [(5, 25)], {"late_commits": ("warning", 1)}),
        # A person typed in an early time for one row with a high number. The source did not restart its numbering.
        ([(n, n) for n in range(1, 40)] + [(40, 3)], {"recorded_backdated": ("warning", 1)}),
        # The sequence was set back to a lower number.
        ([(n + 500, n) for n in range(40)] + [(n, n + 60) for n in range(1, 5)], {"numbers_go_back": ("error", 4)}),
        # The sequence was set back long ago, so most rows have the new low numbers.
        ([(n + 500, n) for n in range(9)] + [(n, n + 60) for n in range(1, 40)], {"numbers_go_back": ("error", 39)}),
        ([(1, 0), (-2, 1), (2**62 + 1, 2)], {"number_unusable": ("error", 2)}),
        ([(1, 0), (None, 1)], {"number_missing": ("error", 1)}),
    ],
)
def test_numbers_that_contradict_the_recorded_times_are_reported(rows, found):
    assert judged([step(number, minute) for number, minute in rows]) == found


def read(minutes: dict[int, float], until: float = 200, set_aside: frozenset[int] = frozenset()) -> Read:
    """Return what pick-ups of a source have read. ``minutes`` gives the minute at which each number was read."""
    begun = NOW - timedelta(days=3)
    return Read({number: begun + at * MINUTE for number, at in minutes.items()}, set_aside, begun + until * MINUTE)


# The minute at which each step is read. Step n is written in minute n and read half a minute later.
IN_TURN = {number: number + 0.5 for number in range(1, 60)}


@pytest.mark.parametrize(
    ("was_read", "found"),
    [
        (read(IN_TURN), None),
        # Step 7 was read late, but within the allowed time.
        (read(IN_TURN | {7: 20}), None),
        # Step 7 was read half an hour after a higher number, or was never read.
        (read(IN_TURN | {7: 40}), ("warning", 1)),
        (read({number: at for number, at in IN_TURN.items() if number != 7}), ("warning", 1)),
        # Steps 57 to 59 are not read yet, or step 7 was put into quarantine.
        (read({number: at for number, at in IN_TURN.items() if number < 57}, until=56), None),
        (read({number: at for number, at in IN_TURN.items() if number != 7}, set_aside=frozenset({7})), None),
        # After an hour without a pick-up, the next one reads all steps of that hour at once.
        (read(IN_TURN | dict.fromkeys(range(5, 60), 70)), None),
        # Steps that were written before the first pick-up never count as late.
        (read({number: at for number, at in IN_TURN.items() if number > 7} | {3: 50}), None),
        (Read(), None),
    ],
    ids=["in turn", "allowed", "late", "never", "not yet", "set aside", "down", "before", "nothing read"],
)
def test_a_row_that_is_seen_after_higher_numbers_were_read_is_told_with_its_number(was_read, found):
    """The source check warns of a step that became visible long after a step with a higher number was read."""
    steps = [step(number, number) for number in range(1, 60)]
    assert judged(steps, read=was_read).get("seen_late") == found


def test_an_unusable_row_does_not_count_as_unread_and_late_rows_are_named_by_number():
    """An unusable step does not count as unread. The finding about late steps names each step by its number."""
    steps = [step(number, number) for number in range(1, 60)]
    steps[6] = replace(steps[6], agency_code="000.99.99.H32")
    was_read = read({number: at for number, at in IN_TURN.items() if number not in (7, 9)})
    seen = found_in(steps, read=was_read)["seen_late"]
    assert (seen.facts["names"], seen.facts["examples"]) == (("9",), ("H32-9",))
    assert "ví dụ số 9" in in_words(seen).found
    late = found_in([step(n, n) for n in range(1, 40) if n != 5] + [step(5, 25)])["late_commits"]
    assert late.facts["names"] == ("5",)


def test_a_late_row_forbids_only_where_there_are_many():
    """A few rows that were written late are a warning. Only a larger share of late rows is an error."""

    def late(rows: int) -> dict[str, tuple[str, int | None]]:
        return judged([step(n, n + (30 if n % 10 == 0 and n <= 10 * rows else 0)) for n in range(1, 201)])

    assert late(1) == {"late_commits": ("warning", 1)}
    assert late(round(200 * FORBIDDEN_SHARE)) == {"late_commits": ("error", 10)}


@pytest.mark.parametrize(("declared", "found"), [({AGENCY: AGENCY}, {"agency_unknown": ("error", 1)}), ({}, {})])
def test_codes_of_agencies_are_unknown_only_once_an_agency_is_declared(declared, found):
    """Before any agency is declared, the source check must not report every agency code as unknown."""
    context = RowContext(declared, {}, NOW, timedelta(minutes=5))
    assert judged([step(1, 0, agency_code="000.99.99.H32")], context=context) == found


# --- Times


def hours(first: int, last: int, *, days: int = 4) -> list[SourceTransition]:
    """Return the steps that a desk writes each half hour between these hours in Vietnam."""
    begin = datetime(2026, 11, 20, tzinfo=UTC) - timedelta(hours=7)
    starts = [begin + timedelta(days=day, hours=hour) for day in range(days) for hour in range(first, last)]
    moments = [start + half * 30 * MINUTE for start in starts for half in (0, 1)]
    return [step(n, 0, occurred_at=at, recorded_at=at) for n, at in enumerate(moments, 1)]


@pytest.mark.parametrize(
    ("first", "last", "is_shifted"),
    [(7, 17, False), (14, 24, True), (0, 10, True), (0, 24, False)],
)
def test_hours_that_no_desk_keeps_are_seven_hours_off(first, last, is_shifted):
    """A source whose desk seems to work in the evening or before dawn gives its times in the wrong time zone."""
    assert ("hours_shifted" in judged(hours(first, last))) == is_shifted


def test_an_evening_of_one_day_is_no_other_zone():
    """One busy evening must not be reported as a wrong time zone."""
    assert judged(hours(14, 24, days=1)) == {}


def test_days_without_an_hour_say_nothing_of_a_zone():
    """Dates without an hour are stored as 00:00 in Vietnam and must not be reported as a wrong time zone."""
    midnight = datetime(2026, 11, 20, 17, 0, tzinfo=UTC)
    rows = [dossier(f"H32-{n}", received_at=midnight + timedelta(days=n % 4)) for n in range(40)]
    assert "hours_shifted" not in judged((), rows)


# --- Codes, words


@pytest.mark.parametrize(
    ("text", "is_so"),
    [
        ("TRẦN THỊ HOÀ", None),
        ("Lê Hoà", None),
        ("Đồng ý?Không", None),
        ("Müller", None),
        ("CÔNG TY ABC®", None),
        (None, None),
        ("Nguyá»…n Thá»‹ Lan", "sure"),
        ("Nguy\ufffdn", "sure"),
        ("Nguy?n Th? Lan", "sure"),
        ("NguyÔn ThÞ Lan", "likely"),
        ("Nguyeãn Thò Lan", "likely"),
    ],
)
def test_letters_that_were_not_meant_are_told_from_those_that_were(text, is_so):
    """Texts in a broken encoding must be found; correct Vietnamese and foreign names must not be reported."""
    assert broken(text) == is_so


def test_one_foreign_name_is_no_broken_text_and_several_are():
    """One foreign name must not be reported as text in a broken encoding; several broken names must be."""
    names = ["Raúl"] + ["Lan"] * 30
    assert judged((), [dossier(f"H32-{n}", applicant_name=name) for n, name in enumerate(names)]) == {}
    assert "text_broken" in judged((), [dossier(f"H32-{n}", applicant_name="Nguyeãn") for n in range(3)])


def test_what_stands_in_the_place_of_a_code_is_shown_where_it_can_be_one():
    """A finding may show dossier codes, but no phone number, name or formula that stands in the column of codes."""
    given = ["0905123456", "Nguyễn Văn A 1", "NguyenVanA1", "=1+1", None, " H32-2611-0001 ", "160915001", "1" * 50]
    assert shown_codes(given) == ("H32-2611-0001", "160915001")


# --- Columns, indexes and clock of a source


def test_columns_of_other_types_and_missing_ones_are_named():
    there = {view: {name: min(types) for name, types in columns.items()} for view, columns in COLUMNS.items()}
    found = Findings()
    assert judge_columns(there, found)
    assert found.in_order() == []
    del there["dossiers"]["due_at"]
    there["dossiers"]["received_at"] = "timestamp without time zone"
    there["transitions"]["status_code"] = "text"
    assert not judge_columns(there, found)
    assert {each.name: each.facts["names"] for each in found.in_order()} == {
        "columns_missing": ("dossiers.due_at",),
        "column_types": ("transitions.status_code (text)",),
        "time_without_zone": ("dossiers.received_at",),
    }


def test_a_large_table_that_is_read_whole_names_the_index_of_the_question():
    """If a query reads a whole large table, the finding names the table and the columns whose index is missing."""
    plan = {"Node Type": "Limit", "Plans": [{"Node Type": "Seq Scan", "Schema": "s", "Relation Name": "big"}]}
    assert tables_read_whole(plan) == {("s", "big")}
    sizes = {("s", "big"): 1_000_000, ("s", "small"): 200}

    def named(**read_whole: list[tuple[str, str]]) -> list[str]:
        found = Findings()
        judge_plans(read_whole, sizes, found)
        return [name for each in found.in_order() for name in each.facts["names"]]

    assert named(dossiers_since=[("s", "small")]) == []
    whole = [("s", "small"), ("s", "big")]
    assert named(dossiers_since=whole, watch=whole, latest=whole) == ["dossiers (updated_at) – s.big"]
    assert named(watch=whole), "a fault that only the watcher's query shows must be named too"
    assert {question.name for question in QUESTIONS} >= {"watch", "transitions_since", "dossiers_by_key", "latest"}


@pytest.mark.parametrize(
    ("seconds", "uncertain", "is_told"), [(299, 0, False), (301, 0, True), (-301, 0, True), (301, 2, False)]
)
def test_a_clock_may_differ_by_the_allowed_skew_and_the_uncertainty_of_the_answer(seconds, uncertain, is_told):
    found = Findings()
    judge_clock(NOW + timedelta(seconds=seconds), NOW, timedelta(seconds=uncertain), timedelta(minutes=5), found)
    assert ("clock_differs" in found) == is_told


# --- Pushed data


def test_whoever_pushes_may_tell_of_dossiers_alone_and_what_we_emptied_is_no_fault_of_theirs():
    """Pushed dossiers without steps, and fields that we emptied ourselves, must not be reported as faults."""
    told_of = [dossier(f"H32-{n}", status_code=9, at_one_stop_desk=True) for n in range(1, 21)]
    fields = ("procedure_code", "procedure_name", "applicant_name", "applicant_phone")
    emptied = [replace(row, dossier_code=f"H32-1{row.dossier_code[4:]}0", **dict.fromkeys(fields)) for row in told_of]
    assert judged((), [*told_of, *emptied, *emptied], is_pushed=True) == {}
    assert {"phones_unusable", "applicant_missing"} <= judged((), [*told_of, *emptied, *emptied]).keys()


# --- Findings that another finding hides, and the words of findings


@pytest.mark.parametrize(
    ("kind", "found", "hidden"),
    [
        ("desk_never", {"unreachable"}, True),
        ("desk_never", {"columns_missing", "role_may_write"}, True),
        ("desk_never", {"unanswered"}, True),
        # The check of the role runs before the check that failed. The role's finding is therefore gone and not hidden.
        ("role_may_write", {"columns_missing"}, False),
        # A finding that is still there is not hidden.
        ("desk_never", {"unanswered", "desk_never"}, False),
        # A finding that stops no other check hides nothing.
        ("desk_never", {"late_commits"}, False),
    ],
)
def test_what_a_check_could_not_look_at_is_not_gone(kind, found, hidden):
    """A finding counts as hidden, and not as gone, if another finding prevented its check."""
    assert is_hidden(kind, found) is hidden


def test_what_is_said_otherwise_to_whoever_pushes_or_exports_is_of_a_finding_and_speaks_of_no_views():
    """A vendor that pushes or exports has no views, so a finding's words for this vendor must name none."""
    of_adapter = check_words()["of_adapter"]
    assert of_adapter.keys() == {"national_sync", "files"}
    for name, kinds in of_adapter.items():
        assert kinds.keys() <= set(KINDS)
        for kind in kinds:
            spoken = words_of(kind, name)
            assert spoken.keys() == words_of(kind).keys()
            assert spoken != words_of(kind)
            assert not re.search("khung nhìn|SELECT", " ".join(spoken.values()))


def test_every_finding_has_its_words_and_the_page_tells_them_all():
    """Each finding needs Vietnamese texts, and the page in the docs must list all findings with these texts."""
    found = Findings()
    for kind in KINDS:
        found.add(kind, 1, 2, ["a", "b"], ["H32-1"])
    assert all(all((each.title, each.found, each.meaning, each.todo)) for each in map(in_words, found.in_order()))
    page = SOURCES_PAGE.read_text(encoding="utf-8")
    assert sources_page(page) == page, "run: python -m tests.checks_page"


@pytest.mark.parametrize("adapter", ["national_sync", "files"])
def test_vendor_without_views_is_told_what_each_column_is_that_a_finding_names(adapter):
    """Each column in a finding's words must have a term that a vendor without views understands."""
    words = " ".join(part for kind in KINDS for part in words_of(kind).values())
    columns = {name for view in COLUMNS.values() for name in view}
    named = {each for each in re.findall(r"[a-z_]+", words) if each in columns}
    assert {"received_at", "status_code", "at_one_stop_desk"} <= named
    assert {each for each in named if each not in terms_of(adapter)} == set()
    assert terms_of("contract") == ""
