"""Test the cleaning of source rows: which rows are refused, which fields are corrected, and that no value raises."""

from __future__ import annotations

from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from motcua.domain.dossiers import (
    EARLIEST,
    LATEST,
    CleanDossier,
    CleanTransition,
    Refused,
    RowContext,
    SourceDossier,
    SourceTransition,
    clean_code,
    clean_dossier,
    clean_label,
    clean_transition,
    clean_words,
    kept_code,
    national_status,
)

NOW = datetime(2026, 11, 25, 3, 0, tzinfo=UTC)
CONTEXT = RowContext({"A": "A", "H32.1": "A"}, {11: 1}, NOW, timedelta(minutes=5))


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("  0012/2016\t", "0012/2016"),
        ("\u00a0H32.4-260925-0001\u00a0", "H32.4-260925-0001"),
        ("Ho\u0302\u0300", "Hồ"),
        ("x" * 40, "x" * 40),
        ("x" * 41, None),
        (" ", None),
        ("a\nb", None),
        ("a\u202eb", None),
    ],
)
def test_code_is_kept_as_written_or_refused(written, kept):
    assert clean_code(written) == kept


texts = st.none() | st.text(max_size=60) | st.just("y" * 5000)
moments = st.none() | st.datetimes(timezones=st.just(UTC))


@given(
    st.builds(
        SourceTransition,
        transition_id=st.none() | st.integers(-(2**63), 2**63 - 1),
        agency_code=st.sampled_from(["A", "H32.1", "?", "", None]),
        dossier_code=texts,
        status_code=st.none() | st.integers(-32768, 32767),
        at_one_stop_desk=st.none() | st.booleans(),
        occurred_at=moments,
        recorded_at=moments,
        from_step=texts,
        to_step=texts,
        actor=texts,
        note=texts,
    )
)
def test_any_row_is_either_refused_with_a_reason_or_fit_for_the_ledger(row):
    try:
        clean = clean_transition(row, CONTEXT)
    except Refused:
        return
    assert 1 <= len(clean.dossier_code) <= 40
    assert clean.dossier_code.isprintable()
    assert clean.occurred_at <= min(clean.recorded_at, NOW)
    assert clean.recorded_at <= NOW + CONTEXT.clock_skew
    assert 1 <= clean.status_code <= 10
    for words in (clean.from_step, clean.to_step, clean.actor, clean.note):
        assert words is None or (words and "\x00" not in words and len(words) <= 2000)


@pytest.mark.parametrize("char", ["\u00ad", "\u202e", "\ufff9", "\x1b"])
def test_what_cannot_be_printed_becomes_a_space(char):
    assert clean_words(f"a{char}b", 200) == "a b"


INSTANT, SKEW = timedelta(microseconds=1), timedelta(minutes=5)


@pytest.mark.parametrize(
    ("raw", "kept"),
    [
        ("Ho\u0302\u0300 sơ", "Hồ sơ"),
        ("x" * 81, "x" * 80),
        (" " + "x" * 90, "x" * 79),
        ("a\nb", "a\nb"),
    ],
)
def test_quarantine_keeps_a_code_whatever_stands_in_its_place(raw, kept):
    """Quarantine stores the text in a code's place even if it is no code, cut to 80 characters."""
    assert kept_code(raw) == kept


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (None, None),
        ("\u200b", None),
        ("  một   cửa\r\nli", "một cửa li"),
        ("a  b", "a b"),
        (" ab", "ab"),
        ("Ho\u0302\u0300 sơ", "Hồ sơ"),
        ("x" * 11, "x" * 10),
        ("xxxxxxxxx yyy", "xxxxxxxxx"),
        # Only the first forty characters are read, blanks included, so that an endless text costs no time.
        (" " * 39 + "xy", "x"),
        (" " * 40 + "x", None),
    ],
)
def test_words_stand_on_one_line_of_ten_characters(raw, words):
    assert clean_words(raw, 10) == words


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("… 0905771482 …", None),
        # A cut must leave no part of a phone number.
        ("số 0905771482", "số …"),
        ("X 0905771482", "X …"),
        ("Thủ tục cấp phép 0905771482", "Thủ tục cấ"),
        (" " * 20 + "0905771482 a", "… a"),
        (" " * 39 + "a", "a"),
        (" " * 40 + "a", None),
        # Ten digits inside a longer run of digits are no phone number.
        ("10905771482", "1090577148"),
        ("09057714820", "0905771482"),
        ("84905771482", None),
    ],
)
def test_label_of_ten_characters_shows_no_mobile_number(written, shown):
    assert clean_label(written, 10) == shown


@pytest.mark.parametrize(
    ("code", "national"),
    [(0, None), (10, 10), (11, 1), (12, None), (13, None)],
)
def test_national_status_is_one_of_ten_by_the_sources_own_map_first(code, national):
    """A source's own map of its status codes is applied first; a result outside 1 to 10 is an unknown status."""
    context = RowContext({}, {11: 1, 12: 0, 13: 11}, NOW, SKEW)
    assert national_status(code, context) == national


DOSSIER = SourceDossier(
    dossier_code=" 0012/2016 ",
    agency_code="H32.1",
    procedure_code="1.000001",
    procedure_name="Cấp giấy phép",
    field_name="Tư pháp",
    applicant_name="Nguyễn Văn An",
    applicant_phone=" 0905\u200b771482 ",
    phone_entered_at=NOW - timedelta(hours=1),
    submitted_via="direct",
    received_at=NOW - timedelta(hours=2),
    due_at=NOW + timedelta(days=30),
    step_name="Trả kết quả",
    status_code=11,
    at_one_stop_desk=True,
    finished_at=NOW + timedelta(days=2),
    returned_at=NOW + SKEW,
    updated_at=NOW - timedelta(hours=4),
)
CLEAN_DOSSIER = CleanDossier(
    **asdict(DOSSIER)
    | {"agency_code": "A", "dossier_code": "0012/2016", "status_code": 1, "noted": (), "stamped_at": DOSSIER.updated_at}
)


def test_good_row_of_a_dossier_is_taken_field_by_field():
    assert clean_dossier(DOSSIER, CONTEXT) == CLEAN_DOSSIER


def test_row_with_only_agency_and_code_is_taken_and_only_its_status_noted():
    bare = clean_dossier(SourceDossier("X", "A"), CONTEXT)
    assert bare.noted == ("status_code",)
    values = {name: getattr(bare, name) for name in CleanDossier.__slots__}
    assert {name for name, value in values.items() if value is None} == set(values) - {
        "agency_code",
        "dossier_code",
        "at_one_stop_desk",
        "noted",
    }
    assert bare.at_one_stop_desk is False


@pytest.mark.parametrize(
    ("name", "raw", "cleaned"),
    [
        ("procedure_code", "x" * 201, "x" * 200),
        ("procedure_code", "0905771482", None),
        ("procedure_name", "x" * 601, "x" * 600),
        ("procedure_name", "Gọi 0905771482", "Gọi …"),
        ("field_name", "x" * 201, "x" * 200),
        ("field_name", "Gọi 0905771482", "Gọi …"),
        ("applicant_name", "x" * 201, "x" * 200),
        ("applicant_name", "a\x00b", "a b"),
        ("submitted_via", "x" * 41, "x" * 40),
        ("step_name", "x" * 201, "x" * 200),
        ("step_name", "Gọi 0905771482", "Gọi …"),
        ("phone_entered_at", NOW + SKEW + INSTANT, None),
        ("phone_entered_at", EARLIEST - INSTANT, None),
        ("received_at", EARLIEST - INSTANT, None),
        ("received_at", LATEST, None),
        ("due_at", EARLIEST - INSTANT, None),
        ("due_at", LATEST, None),
        ("finished_at", EARLIEST - INSTANT, None),
        ("finished_at", LATEST, None),
        ("returned_at", NOW + SKEW + INSTANT, None),
        ("updated_at", NOW + SKEW + INSTANT, None),
        ("status_code", 12, None),
        ("status_code", None, None),
    ],
)
def test_bad_field_of_a_dossier_is_mended_and_noted_and_costs_nothing_else(name, raw, cleaned):
    stamped = {"stamped_at": raw} if name == "updated_at" else {}
    assert clean_dossier(replace(DOSSIER, **{name: raw}), CONTEXT) == replace(
        CLEAN_DOSSIER, **{name: cleaned}, **stamped, noted=(name,)
    )


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("received_at", EARLIEST),
        ("received_at", LATEST - INSTANT),
        ("due_at", LATEST - INSTANT),
        ("finished_at", LATEST - INSTANT),
        ("phone_entered_at", NOW + SKEW),
        ("updated_at", NOW + SKEW),
        ("applicant_name", "x" * 200),
        ("procedure_name", "x" * 600),
        ("submitted_via", "x" * 40),
        ("applicant_phone", "x" * 200),
        # Names of people are not masked, and the phone field has a reader of its own.
        ("applicant_name", "An 0905771482"),
        ("applicant_phone", "a\x00b\n"),
    ],
)
def test_possible_value_of_a_dossiers_field_stays(name, value):
    """The longest and latest values that are possible must be stored unchanged and without a note."""
    stamped = {"stamped_at": value} if name == "updated_at" else {}
    cleaned = replace(CLEAN_DOSSIER, **{name: value}, **stamped)
    assert clean_dossier(replace(DOSSIER, **{name: value}), CONTEXT) == cleaned


def test_time_of_an_update_is_kept_if_it_is_possible():
    written = (EARLIEST - INSTANT, EARLIEST, LATEST - INSTANT, LATEST, None)
    stamps = [clean_dossier(replace(DOSSIER, updated_at=each), CONTEXT).stamped_at for each in written]
    assert stamps == [None, EARLIEST, LATEST - INSTANT, None, None]


@pytest.mark.parametrize(
    ("name", "raw", "cleaned"),
    [
        ("applicant_name", "  Nguyễn Văn An ", "Nguyễn Văn An"),
        ("applicant_name", "Nguye\u0302\u0303n", "Nguyễn"),
        ("applicant_name", "   ", None),
        ("applicant_phone", "x" * 201, "x" * 200),
    ],
)
def test_blanks_around_another_form_of_unicode_and_emptiness_are_not_worth_a_note(name, raw, cleaned):
    """Harmless differences of spelling are cleaned without a note, because staff need not correct them."""
    assert clean_dossier(replace(DOSSIER, **{name: raw}), CONTEXT) == replace(CLEAN_DOSSIER, **{name: cleaned})


def test_field_of_which_nothing_can_be_printed_is_noted():
    clean = clean_dossier(replace(DOSSIER, applicant_name="\u200b"), CONTEXT)
    assert (clean.applicant_name, clean.noted) == (None, ("applicant_name",))


CLEANED = ("agency_code", "dossier_code", "status_code")
TRANSITION = SourceTransition(
    transition_id=-3,
    agency_code="H32.1",
    dossier_code=" 0012/2016 ",
    status_code=11,
    at_one_stop_desk=True,
    occurred_at=NOW - timedelta(hours=2),
    recorded_at=NOW - timedelta(hours=1),
    from_step="Thẩm định",
    to_step="Trả kết quả",
    actor="Lê Thị Bình",
    note="đã ký",
)
CLEAN_TRANSITION = CleanTransition(
    agency_code="A",
    dossier_code="0012/2016",
    status_code=1,
    source_transition_id=-3,
    noted=(),
    **{name: value for name, value in asdict(TRANSITION).items() if name not in ("transition_id", *CLEANED)},
)


def test_good_transition_is_taken_field_by_field():
    assert clean_transition(TRANSITION, CONTEXT) == CLEAN_TRANSITION
    assert clean_transition(replace(TRANSITION, at_one_stop_desk=None), CONTEXT).at_one_stop_desk is False


@pytest.mark.parametrize(
    ("name", "raw", "cleaned"),
    [
        ("from_step", "x" * 201, "x" * 200),
        ("from_step", "Gọi 0905771482", "Gọi …"),
        ("to_step", "x" * 201, "x" * 200),
        ("to_step", "Gọi 0905771482", "Gọi …"),
        ("actor", "x" * 201, "x" * 200),
        ("note", "x" * 2001, "x" * 2000),
    ],
)
def test_bad_words_of_a_transition_are_mended_and_noted(name, raw, cleaned):
    assert clean_transition(replace(TRANSITION, **{name: raw}), CONTEXT) == replace(
        CLEAN_TRANSITION, **{name: cleaned}, noted=(name,)
    )


@pytest.mark.parametrize(
    ("recorded", "occurred", "expected_recorded", "expected_occurred", "noted"),
    [
        (NOW + SKEW, NOW, NOW + SKEW, NOW, ()),
        (NOW + SKEW + INSTANT, NOW, NOW, NOW, ("recorded_at",)),
        (NOW, NOW + SKEW, NOW, NOW, ()),
        (NOW + SKEW, NOW + SKEW, NOW + SKEW, NOW, ()),
        (NOW, NOW + SKEW + INSTANT, NOW, NOW, ("occurred_at",)),
        (NOW - 2 * SKEW, NOW - SKEW, NOW - 2 * SKEW, NOW - 2 * SKEW, ()),
        (EARLIEST, EARLIEST, EARLIEST, EARLIEST, ()),
        (EARLIEST - INSTANT, EARLIEST - INSTANT, NOW, NOW, ("recorded_at", "occurred_at")),
        (None, NOW - timedelta(hours=1), NOW, NOW - timedelta(hours=1), ("recorded_at",)),
        (NOW - timedelta(hours=1), None, NOW - timedelta(hours=1), NOW - timedelta(hours=1), ("occurred_at",)),
        (None, None, NOW, NOW, ("recorded_at", "occurred_at")),
    ],
)
def test_times_at_the_edge_of_what_can_be_true(recorded, occurred, expected_recorded, expected_occurred, noted):
    """A time that is missing or impossible is replaced and noted; a small error of a clock is not noted."""
    clean = clean_transition(replace(TRANSITION, recorded_at=recorded, occurred_at=occurred), CONTEXT)
    assert (clean.recorded_at, clean.occurred_at, clean.noted) == (expected_recorded, expected_occurred, noted)


READ_UNTIL = NOW - timedelta(minutes=30)
LOOKED_FROM = READ_UNTIL - timedelta(hours=1)
READ = replace(CONTEXT, looked_from=LOOKED_FROM, read_until=READ_UNTIL, read_number=-4)
"""A context in which the source was read from ``LOOKED_FROM`` until ``READ_UNTIL``.

The highest number read is one below the number of ``TRANSITION``.
"""


@pytest.mark.parametrize(
    ("recorded", "context", "is_new"),
    [
        (LOOKED_FROM, READ, False),
        (LOOKED_FROM - INSTANT, READ, True),
        (READ_UNTIL - INSTANT, READ, False),
        (READ_UNTIL, READ, True),
        (LOOKED_FROM, replace(READ, read_number=-3), True),
        *((LOOKED_FROM, replace(READ, **{name: None}), True) for name in ("looked_from", "read_until", "read_number")),
    ],
)
def test_step_that_was_not_there_when_its_time_was_read_is_of_when_it_is_read(recorded, context, is_new):
    """A step that a source recorded with a clock set back gets the time of reading instead.

    With the recorded time the step would be too old, and its citizen would get no message.
    """
    clean = clean_transition(replace(TRANSITION, recorded_at=recorded, occurred_at=recorded), context)
    told = (recorded, recorded, ()) if is_new else (NOW, NOW, ("recorded_at", "occurred_at"))
    assert (clean.recorded_at, clean.occurred_at, clean.noted) == told


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"transition_id": None, "agency_code": None}, "number_missing"),
        ({"agency_code": None, "dossier_code": None}, "agency_missing"),
        ({"agency_code": "  "}, "agency_missing"),
        ({"agency_code": "H32.2"}, "agency_unknown"),
        ({"dossier_code": None, "status_code": None}, "code_missing"),
        ({"dossier_code": "a\nb"}, "code_unusable"),
        ({"dossier_code": "x" * 41}, "code_unusable"),
        ({"status_code": None}, "status_missing"),
        ({"status_code": 12}, "status_unknown"),
    ],
)
def test_transition_is_refused_for_what_it_lacks_first(changes, reason):
    """A step with several faults is refused for the first: its number, then agency, dossier code and status."""
    with pytest.raises(Refused) as refused:
        clean_transition(replace(TRANSITION, **changes), CONTEXT)
    assert refused.value.reason == reason
    assert str(refused.value) == reason


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"agency_code": "?"}, "agency_unknown"),
        ({"dossier_code": "a\u202eb"}, "code_unusable"),
    ],
)
def test_dossier_is_refused_for_its_agency_or_code_alone(changes, reason):
    with pytest.raises(Refused) as refused:
        clean_dossier(replace(DOSSIER, **changes), CONTEXT)
    assert refused.value.reason == reason


def test_agency_is_known_in_either_form_of_unicode():
    context = replace(CONTEXT, agencies={"Hồ": "A"})
    assert clean_dossier(replace(DOSSIER, agency_code="Ho\u0302\u0300"), context).agency_code == "A"
