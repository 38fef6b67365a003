"""Test the journal of attempts: its lines stay whole, in any folder, even if a process dies while it writes."""

from __future__ import annotations

import fcntl
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from motcua.store.journal import Departure, Journal, JournaledAnswer, JournalFailed

AT = datetime(2026, 11, 25, 3, 0, tzinfo=UTC)


def departure(reference="a", at=AT, **changes):
    values = {
        "reference": reference,
        "departed_at": at,
        "gateway": "kannel",
        "source": "khanhhoa",
        "agency_code": "000.00.30.H32",
        "dossier_code": "H32-1",
        "kind": "result",
        "occasion": "number 1",
        "segments": 1,
    }
    return Departure(**values | changes)


def answer(reference="a", outcome="accepted", at=AT):
    return JournaledAnswer(reference, at, outcome, None)


def attempts(journal):
    return {each.departure.reference: each.answer for day in journal.attempts() for each in day}


@pytest.fixture
def journal(tmp_path):
    """Return a new journal that has one attempt."""
    begun = Journal(tmp_path / "journal")
    begun.begin()
    begun.write([departure("a")], [], AT)
    return begun


def test_id_of_a_journal_is_made_once(tmp_path):
    journal = Journal(tmp_path / "new")
    assert journal.identity() is None
    first = journal.begin()
    assert journal.begin() == journal.identity() == first


@pytest.mark.parametrize(
    ("theirs", "kept"), [("1b5a2c3d-1111-4123-a56a", True), ("35-0905123456-7", False), (None, True)]
)
@pytest.mark.guarantee(
    "personal-data",
    "a provider's message id is a keyed hash, or is emptied after its term; the journal has no id made of a number",
)
def test_id_that_a_provider_made_of_a_number_is_not_written(journal, theirs, kept):
    journal.write([], [JournaledAnswer("a", AT, "accepted", theirs)], AT)
    assert attempts(journal) == {"a": JournaledAnswer("a", AT, "accepted", theirs if kept else None)}


def test_two_who_begin_at_once_have_one_journal(tmp_path):
    """Processes that begin a journal at the same time must agree on one id."""
    journal = Journal(tmp_path / "new")
    with ThreadPoolExecutor(8) as beginning:
        found = list(beginning.map(lambda _: journal.begin(), range(8)))
    assert set(found) == {journal.identity()}


def test_lines_without_an_id_are_no_new_journal(journal):
    """A journal that lost its id file must not get a new id, because the ledger has the old id."""
    (journal.folder / "journal.json").unlink()
    with pytest.raises(JournalFailed, match="restore that file"):
        journal.begin()


def test_id_that_cannot_be_read_is_told(journal):
    (journal.folder / "journal.json").write_text("{")
    with pytest.raises(JournalFailed, match="cannot be read"):
        journal.identity()


def test_answer_of_the_next_day_belongs_to_its_attempt_and_a_later_one_holds(journal):
    """An answer that is written on a later day belongs to its attempt, and the newest answer counts."""
    journal.write([departure("b")], [answer("b", "unknown")], AT)
    journal.write([departure("c", AT + timedelta(days=1))], [answer("a")], AT + timedelta(days=1))
    journal.write([], [answer("b")], AT)
    assert attempts(journal) == {"a": answer("a"), "b": answer("b"), "c": None}
    journal.write([], [answer("c", "unknown")], AT + timedelta(days=1))
    journal.write([], [answer("c")], AT + timedelta(days=2))
    assert attempts(journal)["c"] == answer("c"), "the answer of a later day counts"


def test_half_a_line_spoils_no_other_and_lines_that_cannot_be_read_are_told(journal):
    """A line that a dying process left half-written spoils no other line; an unreadable whole line is reported."""
    day = journal.folder / "2026-11-25.jsonl"
    with day.open("a") as file:
        file.write('{"ref":"b","at":"2026-1')
    journal.write([departure("c")], [], AT)
    assert list(attempts(journal)) == [each.reference for each in journal.tail()] == ["a", "c"]
    assert journal.damage(date.min) is None, "half a line that a later write follows must not be reported"
    with day.open("ab") as file:
        file.write(b"\x00\x00\n")
    assert journal.damage() == journal.damage(date.min) == "1 line(s) of 2026-11-25 cannot be read"


@pytest.mark.parametrize("line", ["null", '{"ref": 1}', "\x00", '{"answered": "x"}', "\ud800"])
def test_line_that_is_no_record_of_an_attempt_is_skipped(journal, line):
    with (journal.folder / "2026-11-25.jsonl").open("ab") as file:
        file.write(line.encode("utf-8", "surrogatepass") + b"\n")
    journal.write([departure("c")], [], AT)
    assert list(attempts(journal)) == ["a", "c"]


def test_file_that_a_frozen_process_keeps_to_itself_is_left_and_all_of_the_day_is_read(journal):
    """A frozen process that holds the lock of a day's file must not block the other writers for long."""
    with (journal.folder / "2026-11-25.jsonl").open("ab") as kept:
        fcntl.flock(kept, fcntl.LOCK_EX)
        began = time.monotonic()
        for reference in ("b", "c", "d"):
            journal.write([departure(reference)], [answer("a")], AT)
        assert time.monotonic() - began < 10
    assert attempts(journal).keys() == {"a", "b", "c", "d"}
    assert attempts(journal)["a"] == answer("a")
    assert {each.reference for each in journal.tail()} == {"a", "b", "c", "d"}
    assert journal.forget(date(2026, 11, 26)) == 2


def test_day_whose_file_is_gone_is_told_also_after_it_was_begun_again(journal):
    """A lost file of a day is reported even if a new file of this day was begun."""
    journal.write([departure("b", AT + timedelta(days=1))], [], AT + timedelta(days=1))
    assert journal.damage() is None
    (journal.folder / "2026-11-25.jsonl").unlink()
    assert journal.damage() == "the file of 2026-11-25 is gone"
    (journal.folder / "2026-11-26.jsonl").unlink()
    Journal(journal.folder).write([departure("c", AT + timedelta(days=1))], [], AT + timedelta(days=1))
    assert journal.damage() == "the file of 2026-11-25, 2026-11-26 is gone"
    assert journal.damage(date(2026, 11, 26)) == "the file of 2026-11-26 is gone"
    journal.forget(date(2026, 11, 26))
    assert journal.damage() == "the file of 2026-11-26 is gone"


def test_days_are_those_of_utc_and_forgotten_ones_are_gone(journal):
    """The journal has a file for each day in UTC; a file that is no longer needed is removed."""
    late = datetime(2026, 11, 25, 23, 59, tzinfo=UTC)
    journal.write([departure("a", late)], [], late)
    journal.write([departure("b", late + timedelta(minutes=2))], [], late + timedelta(minutes=2))
    assert sorted(path.name for path in journal.folder.glob("*.jsonl")) == ["2026-11-25.jsonl", "2026-11-26.jsonl"]
    assert journal.forget(date(2026, 11, 26)) == 1
    assert list(attempts(journal)) == ["b"]
    assert journal.identity() is not None


def test_tail_reaches_over_midnight_and_is_bounded(journal):
    """The tail of the journal has lines from before midnight too, but not all lines of a long file."""
    journal.write([departure(f"a{number}") for number in range(3000)], [], AT)
    journal.write([departure("b", AT + timedelta(days=1))], [], AT + timedelta(days=1))
    found = [each.reference for each in journal.tail()]
    assert found[-2:] == ["a2999", "b"]
    assert 500 < len(found) < 3000


def test_files_of_the_future_leave_the_last_days_in_the_tail(journal):
    """The tail must contain the last days, even if the journal has files of later days from a clock that was ahead."""
    for number in (1, 2):
        ahead = datetime(2126, 11, number, tzinfo=UTC)
        journal.write([departure(f"ahead {number}", ahead)], [], ahead)
    assert [each.reference for each in journal.tail()] == ["a", "ahead 1", "ahead 2"]


def test_folder_that_takes_nothing_is_a_sentence(tmp_path):
    """A journal that cannot be written raises an error that names the setting of its folder."""
    (tmp_path / "file").write_text("a file")
    with pytest.raises(JournalFailed, match="MOTCUA_JOURNAL"):
        Journal(tmp_path / "file").write([departure()], [], AT)


def test_writers_at_once_leave_whole_lines(journal):
    def write(name):
        for number in range(50):
            journal.write([departure(f"{name}{number}")], [answer(f"{name}{number}")], AT)

    with ThreadPoolExecutor(4) as writing:
        list(writing.map(write, "abcd"))
    found = attempts(journal)
    assert len(found) == 201
    assert [reference for reference, answered in found.items() if not answered] == ["a"]


@given(st.text(min_size=1, max_size=40), st.text(max_size=60))
def test_whatever_a_code_is_made_of_is_read_as_it_was_written(tmp_path_factory, code, occasion):
    journal = Journal(tmp_path_factory.mktemp("journal"))
    journal.begin()
    written = departure(dossier_code=code, occasion=occasion)
    journal.write([written], [], AT)
    assert journal.tail() == [written]
