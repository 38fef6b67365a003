"""Test that an unusable file is reported and delays no other file, and that exported data are removed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from motcua.domain.run_window import EVERYTHING, Window
from motcua.jobs.exports import taking
from motcua.jobs.exports.taking import FolderFailed, take_files
from motcua.jobs.personal_data import purge, remove_old_files
from motcua.jobs.tasks.notify_transitions import find_sources, gate, pick_up_source, pick_up_sources
from motcua.store.intake.exports import accept_file, held_up
from tests.ground import in_ledger, red_gate
from tests.integration.exports.conftest import CHANGES, FORM, HEADINGS, SOURCE, faults_of, last, line, set_form_of


@pytest.mark.guarantee("intake", "an unreadable file of exports is reported with what to do, and delays no other file")
def test_file_that_cannot_be_read_holds_up_no_other(software, states):
    software.put(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1 x", "a.xls")
    software.put(b"", "b.csv")
    software.put("Mã hồ sơ;Trạng thái\nH-1;4".encode("utf-16")[:-1], "c.csv")
    software.put(b"%PDF-1.7", "d.pdf")
    software.drop(line("H-1"), name="20991231.csv")
    software.drop(line("H-1"), name="e\udcff.csv")
    software.drop(line("H-2"))
    assert software.read() == {"taken": 2, "refused": 5}
    assert states() == {"H-1": 4, "H-2": 4}
    assert software.read() == {}, "each file is read once"


def test_same_name_with_other_content_is_another_file_and_a_renamed_column_refuses_it_whole(software, states):
    """A new file under an old name is read. A file is refused if its status column has an unknown heading."""
    software.drop(line("H-1"), name="ho-so.csv")
    assert software.read() == {"taken": 1}
    software.drop(line("H-1", "Đã trả"), name="ho-so.csv")
    assert software.read() == {"taken": 1}
    assert states() == {"H-1": 10}
    software.drop(line("H-2"), name="ho-so.csv", headings=HEADINGS.replace("Trạng thái", "Tình trạng"))
    assert software.read() == {"refused": 1}
    assert faults_of(last()) == [("missing_heading", 1)]
    assert states() == {"H-1": 10}
    set_form_of(FORM.replace("[Trạng thái]", "[Trạng thái, Tình trạng]"))
    assert software.read() == {"taken": 1}
    assert states() == {"H-1": 10, "H-2": 4}


def test_export_of_changes_may_be_empty_and_a_whole_one_may_not(software):
    """A file without dossiers is read if exports list only changes, and refused if exports list all dossiers."""
    software.drop(line("H-1"))
    software.drop()
    assert software.read() == {"taken": 1, "refused": 1}
    assert faults_of(last()) == [("no_lines", None)]
    set_form_of(CHANGES)
    assert software.read() == {"taken": 1}
    assert (last().state, last().lines) == ("taken", 0)
    software.drop(headings="")
    assert software.read() == {"refused": 1}


def test_file_without_a_last_line_break_is_refused_where_earlier_files_had_one(software, states):
    software.drop(line("H-1"), ends="")
    assert software.read() == {"taken": 1}
    software.drop(line("H-1"), line("H-2"))
    assert software.read() == {"taken": 1}
    software.drop(line("H-1"), line("H-2"), line("H-3")[:-2], ends="")
    assert software.read() == {"refused": 1}
    assert faults_of(last()) == [("cut_off", None)]
    assert states() == {"H-1": 4, "H-2": 4}


def test_file_that_could_not_be_opened_is_read_as_soon_as_it_can_be(software, states, monkeypatch):
    """A file of changes that could not be opened must be opened again later: no other file has the same changes."""

    def fail(*_):
        raise OSError("the store does not answer")

    set_form_of(CHANGES)
    software.drop(line("H-1", "Chờ trả kết quả"))
    with monkeypatch.context() as away:
        away.setattr(taking, "_copy_file", fail)
        assert software.read() == {"refused": 1}
        assert faults_of(last()) == [("unreadable", None)]
    software.drop(line("H-2"))
    assert software.read() == {"taken": 2}
    assert states() == {"H-1": 9, "H-2": 4}


def test_unreadable_file_is_told_until_a_newer_whole_one_is_taken(software, monkeypatch):
    copy = taking._copy_file

    def not_the_first(ready, target):
        if ready.file.name == "xuat-1.csv":
            raise PermissionError(13, "Permission denied")
        return copy(ready, target)

    monkeypatch.setattr(taking, "_copy_file", not_the_first)
    software.drop(line("H-1"))
    software.read()
    assert [each.name for each in in_ledger(held_up, [SOURCE])] == ["xuat-1.csv"]
    software.drop(line("H-1"))
    software.read()
    assert in_ledger(held_up, [SOURCE]) == []


def test_file_that_ends_with_a_short_line_is_taken_once_a_person_accepts_it(software, states):
    """A file whose last line is short and has no line break is imported after a person accepts the file.

    Some software ends each file with a line of totals, which has fewer cells and no line break.
    """
    software.drop(line("H-1"), line("H-2"), line("H-3"), "Tổng: 3", ends="")
    assert software.read() == {"refused": 1}
    assert faults_of(last()) == [("cut_off", None)]
    assert in_ledger(accept_file, last().export_no, "hoa", "dòng cuối là dòng tổng", software.now)
    assert software.read() == {"taken": 1}
    assert (last().state, faults_of(last())) == ("accepted", [("no_agency", 5)])
    assert states() == {"H-1": 4, "H-2": 4, "H-3": 4}


def test_file_that_is_too_large_is_not_opened(software, monkeypatch):
    monkeypatch.setattr(taking, "LARGEST_FILE", 100)
    software.drop(*(line(f"H-{number}") for number in range(10)))
    assert software.read() == {"refused": 1}
    assert faults_of(last()) == [("too_large", None)]


def test_run_is_red_while_the_newest_file_is_refused_and_takes_what_is_dropped(software, ledger, states):
    """A run reads the dropped files, and the run's gate fails while the newest file is refused."""
    software.drop(line("H-1", "?"))
    assert SOURCE in find_sources(EVERYTHING)
    software.read()
    with red_gate(rf"source {SOURCE}: its file {last().export_no} is refused"):
        gate("run", EVERYTHING)
    software.drop(line("H-1"))
    software.now = datetime.now(UTC)
    take_files(SOURCE, software.now - timedelta(minutes=5))
    window = Window(software.now - timedelta(minutes=5), software.now)
    assert pick_up_source(SOURCE, window)["dossiers"] == 0, "a backfill imports no file"
    assert pick_up_source(SOURCE, EVERYTHING)["dossiers"] == 1
    assert states() == {"H-1": 4}
    gate("run", EVERYTHING)


def test_files_without_a_form_or_a_folder_that_cannot_be_read_are_told(software, configure, tmp_path):
    configure(MOTCUA_SOURCES=f"{SOURCE}=files,khac=files")
    assert take_files("khac").taken == 0
    other = tmp_path / "files" / "khac"
    other.mkdir()
    (other / "x.csv").write_text("x")
    with pytest.raises(FolderFailed, match="motcua files form"):
        take_files("khac")
    assert "khac" in find_sources(EVERYTHING)
    with pytest.raises(FolderFailed):
        pick_up_sources("khac", EVERYTHING)
    configure(MOTCUA_FILES="s3://bucket/x")
    with pytest.raises(FolderFailed, match="no Airflow connection"):
        take_files(SOURCE)


def test_files_are_read_in_a_process_with_bounds(software, read_apart, states):
    """The separate process that reads files in production must import a good file and refuse a broken one."""
    software.drop(line("H-1"), line("H-2", "?"))
    software.put(b"PK\x03\x04 no zip", "bom.xlsx")
    assert software.read() == {"taken": 1, "refused": 1}
    assert faults_of(last()) == [("not_a_table", None)]
    assert states() == {"H-1": 4}


def test_fields_of_a_purged_dossier_are_emptied_and_the_next_export_does_not_bring_them_back(software, run, rows):
    set_form_of(FORM.replace("occurred_at: [Lúc]", "returned_at: [Ngày trả]"))
    headings = f"{HEADINGS};Ngày trả"
    old = {"received": "1/6/2025", "due": "9/6/2025"}
    ended = line("H-1", "Đã trả", "Trả", **old) + ";8/6/2025"
    software.drop(ended, line("H-2") + ";", headings=headings)
    run()
    rows("UPDATE motcua.dossiers SET picked_up_at = now() - interval '450 days'")
    purge("tests")
    kept = "SELECT dossier_code FROM intake.pushed_dossiers WHERE fields <> '{}'"
    assert [row["dossier_code"] for row in rows(kept)] == ["H-2"]
    assert rows("SELECT 1 FROM intake.pushed_steps WHERE dossier_code = 'H-1' AND fields <> '{}'") == []
    software.drop(ended, line("H-2") + ";", line("H-3") + ";", headings=headings)
    run()
    assert [row["dossier_code"] for row in rows(kept + " ORDER BY 1")] == ["H-2", "H-3"]
    assert (last().added, last().moved) == (1, 0)


def test_raw_files_are_removed_after_their_time(software):
    path = software.drop(line("H-1"))
    software.read()
    now = datetime.now(UTC)
    assert remove_old_files(now + timedelta(days=29)).removed == 0
    assert path.exists()
    assert remove_old_files(now + timedelta(days=31)).removed == 1
    assert not path.exists()
