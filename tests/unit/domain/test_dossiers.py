"""Cleaning rules of source rows: what is refused, what is mended, and that nothing raises."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from motcua.domain.dossiers import (
    Refused,
    RowContext,
    SourceDossier,
    SourceTransition,
    clean_code,
    clean_dossier,
    clean_label,
    clean_transition,
    clean_words,
)

NOW = datetime(2026, 11, 25, 3, 0, tzinfo=UTC)
CONTEXT = RowContext({"A": "A", "H32.1": "A"}, {11: 1}, NOW, timedelta(minutes=5))


def transition(**changes):
    values = {
        "transition_id": 1,
        "agency_code": "A",
        "dossier_code": "X",
        "status_code": 9,
        "at_one_stop_desk": True,
        "occurred_at": NOW,
        "recorded_at": NOW,
    }
    return SourceTransition(**values | changes)


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("160915001", "160915001"),
        ("  0012/2016\t", "0012/2016"),
        ("\u00a0H32.4-260925-0001\u00a0", "H32.4-260925-0001"),
        ("Hồ sơ 1", "Hồ sơ 1"),
        ("Ho\u0302\u0300", "Hồ"),
        ("x" * 40, "x" * 40),
        ("x" * 41, None),
        ("", None),
        (" ", None),
        ("a\nb", None),
        ("a\u200bb", None),
        ("a\u202eb", None),
    ],
)
def test_code_is_kept_as_written_or_refused(written, kept):
    assert clean_code(written) == kept


@pytest.mark.parametrize(
    ("recorded", "occurred", "expected_recorded", "expected_occurred"),
    [
        (NOW, NOW - timedelta(hours=1), NOW, NOW - timedelta(hours=1)),
        (None, None, NOW, NOW),
        (NOW + timedelta(days=1), NOW, NOW, NOW),
        (NOW - timedelta(hours=1), NOW + timedelta(days=1), NOW - timedelta(hours=1), NOW - timedelta(hours=1)),
        (NOW + timedelta(minutes=4), NOW + timedelta(minutes=4), NOW + timedelta(minutes=4), NOW),
        (datetime(1970, 1, 1, tzinfo=UTC), NOW, NOW, NOW),
        (NOW, datetime(1970, 1, 1, tzinfo=UTC), NOW, NOW),
        (NOW, NOW - timedelta(days=9), NOW, NOW - timedelta(days=9)),
    ],
)
def test_times_are_believed_only_where_they_can_be_true(recorded, occurred, expected_recorded, expected_occurred):
    clean = clean_transition(transition(recorded_at=recorded, occurred_at=occurred), CONTEXT)
    assert (clean.recorded_at, clean.occurred_at) == (expected_recorded, expected_occurred)


def test_cleaned_fields_are_named_and_good_ones_are_not():
    assert clean_transition(transition(note="ổn", to_step="Trả kết quả"), CONTEXT).noted == ()
    assert clean_transition(transition(note="a\x00b", occurred_at=None), CONTEXT).noted == ("occurred_at", "note")


def test_alias_and_status_map_are_followed():
    clean = clean_transition(transition(agency_code=" H32.1 ", status_code=11), CONTEXT)
    assert (clean.agency_code, clean.status_code) == ("A", 1)


def test_unknown_status_leaves_a_dossiers_row_usable():
    clean = clean_dossier(SourceDossier("X", "A", status_code=99), CONTEXT)
    assert clean.status_code is None
    assert "status_code" in clean.noted


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


@given(st.text(), st.integers(1, 50))
def test_cleaning_words_twice_changes_nothing(text, limit):
    once = clean_words(text, limit)
    assert clean_words(once, limit) == once


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("Gọi 0905 771 482 gặp Lan", "Gọi … gặp Lan"),
        ("+84 905.771.482", None),
        ("Chờ (0905771482)", "Chờ (…)"),
        ("1.005129", "1.005129"),
        ("1.005129.000.00.00.H32", "1.005129.000.00.00.H32"),
        ("Theo 123/2016/TT-BTC, 09 ngày", "Theo 123/2016/TT-BTC, 09 ngày"),
    ],
)
def test_mobile_number_is_left_out_of_what_is_shown(written, shown):
    assert clean_label(written, 200) == shown


@pytest.mark.parametrize("char", ["\u00ad", "\u061c", "\u202e", "\u2066", "\ufff9", "\uffff", "\U0010ffff", "\x1b"])
def test_what_cannot_be_printed_becomes_a_space(char):
    assert clean_words(f"a{char}b", 200) == "a b"
