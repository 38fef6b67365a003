"""Test ``motcua files``: forms are set, tried and changed, and files are listed with their faults."""

from __future__ import annotations

import re

import pytest

from motcua.store.intake.exports import form_in_force
from tests.ground import NHA_TRANG, TU_PHAP, in_ledger, type_command
from tests.integration.exports.conftest import FORM, HEADINGS, SOURCE, last, line


def motcua(*words: str, fails: bool = False) -> str:
    done = type_command("files", *words, exits=2 if fails else 0, columns=250)
    return re.sub(r"\s+", " ", done.output)


@pytest.fixture
def form(tmp_path):
    """Write the form of the export files to a YAML file; return its path."""
    path = tmp_path / "mau.yaml"
    path.write_text(FORM, encoding="utf-8")
    return str(path)


def test_first_form_needs_agencies_and_a_later_form_keeps_them(software, form, tmp_path):
    assert "There is no form of khac" in motcua("form", "khac", fails=True)
    assert "has no agencies yet" in motcua("form", "khac", form, "--by", "hoa", fails=True)
    assert "There is no agency 999" in motcua("form", "khac", form, "--agency", "999", "--by", "hoa", fails=True)
    assert "Add khac=files to MOTCUA_SOURCES" in motcua("form", "khac", form, "--agency", "H32.30", "--by", "hoa")
    assert "Chờ trả kết quả" in motcua("form", "khac")
    motcua("form", "khac", "--agency", TU_PHAP, "--by", "minh")
    (tmp_path / "mau.yaml").write_text(FORM.replace("whole", "changes"), encoding="utf-8")
    motcua("form", "khac", form, "--by", "minh")
    kept = in_ledger(form_in_force, "khac")
    assert kept is not None
    assert (kept.form["kind"], kept.set_by, kept.agencies) == ("changes", "minh", [TU_PHAP])
    (tmp_path / "mau.yaml").write_text("kind: whole", encoding="utf-8")
    assert "columns" in motcua("form", "khac", form, "--by", "minh", fails=True)


def test_source_is_opened_for_its_agencies_before_it_has_a_form(software, form):
    """A source can be given its agencies before the form of its files is known."""
    assert "it has no form yet" in motcua("form", "moi", "--agency", NHA_TRANG, "--by", "hoa")
    assert "There is no form of moi" in motcua("form", "moi", fails=True)
    assert "its form is in force" in motcua("form", "moi", form, "--by", "hoa")
    kept = in_ledger(form_in_force, "moi")
    assert kept is not None
    assert kept.agencies == [NHA_TRANG]


def test_form_is_tried_on_a_file_and_nothing_is_written(software, form, tmp_path, states):
    path = tmp_path / "xuat.csv"
    path.write_text("\n".join((HEADINGS, line("H-1"), line("H-2", "Xong"))) + "\n", encoding="utf-8")
    shown = motcua("preview", "moi", str(path), "--form", form, "--agency", NHA_TRANG)
    assert "H-1" in shown
    assert "2 lines, 1 refused" in shown
    assert "dòng 3, cột “Trạng thái”: không hiểu “…”" in shown
    assert "0905123456" not in shown
    assert "H-1" in motcua("preview", SOURCE, str(path))
    assert states() == {}
    path.write_text("x", encoding="utf-8")
    assert "xuat.csv" in motcua("preview", SOURCE, str(path), fails=True)


def test_files_are_listed_with_what_was_wrong_and_a_refused_one_is_taken_by_name(software, states):
    assert "No file was seen yet" in motcua("list")
    software.drop(*(line(f"H-{number}") for number in range(9)), line("H-9", "Xong"))
    software.read()
    software.drop(line("H-0"))
    software.read()
    number = str(last().export_no)
    assert "refused" in motcua("list", SOURCE)
    assert "lần trước có 10" in motcua("faults", number)
    assert "is not refused" in motcua("accept", "999", "--why", "x", "--by", "hoa", fails=True)
    motcua("accept", number, "--why", "đã bàn giao", "--by", "hoa")
    assert "1 taken" in motcua("read", SOURCE)
    assert "hoa" in motcua("faults", number)
    assert "H-5" in motcua("list", SOURCE, "--vanished")
    assert "There is no file 999" in motcua("faults", "999", fails=True)
