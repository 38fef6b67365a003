"""Test the output and exit codes of ``motcua statements`` and ``motcua complaints``."""

from __future__ import annotations

from tests.ground import type_command
from tests.integration.handed_in.test_carrier_statements import at, file_of, line
from tests.integration.handed_in.test_complaints import file_of as complaints_of
from tests.integration.handed_in.test_complaints import line as complaint


def run(*arguments: str):
    return type_command(*arguments, exits=None)


def test_statements_are_imported_shown_and_their_rows_printed(ours, tmp_path):
    first, _ = ours.attempt(at(5)), ours.attempt(at(6))
    folder = tmp_path / "kannel"
    folder.mkdir()
    path = folder / "bang-ke [1] 2026-10.csv"
    path.write_bytes(file_of(line(first), line("[/red]=1+1")))
    assert "There are no statements yet" in run("statements", "show").output
    looked = run("statements", "import", str(path), "--dry-run")
    assert (looked.exit_code, "2 line(s) of 10/2026: 2 segment(s), 700 đồng" in looked.output) == (0, True)
    taken = run("statements", "import", str(path))
    assert taken.exit_code == 0
    assert "1 exact, 0 partial, 1 theirs only, 1 ours only; segments off by 100.00 %" in taken.output
    assert "already; nothing was written" in run("statements", "import", str(path)).output
    assert "bang-ke [1] 2026-10.csv" in run("statements", "show").output, (
        "text that looks like markup must be printed unchanged"
    )
    shown = run("statements", "show", "1")
    assert (shown.exit_code, "Over the agreed tolerance: segments." in shown.output) == (1, True)
    listed = run("statements", "rows", "1").output
    assert "ours_only" in listed
    assert "160915001" in listed
    assert "[/red]=1+1" in listed
    assert "905123456" not in listed


def test_operators_mistakes_are_told_without_a_traceback(ours, tmp_path):
    bad = tmp_path / "x.csv"
    bad.write_text("a;b\n1;2", encoding="utf-8")
    for arguments in (
        ("statements", "import", str(tmp_path / "no.csv"), "--form", "kannel"),
        ("statements", "import", str(bad)),
        ("statements", "import", str(bad), "--form", "kannel"),
        ("statements", "import", str(bad), "--form", "nobody"),
        ("statements", "import", str(bad), "--form", "kannel", "--month", "13"),
        ("statements", "show", "99"),
        ("statements", "rows", "99"),
        ("statements", "rows", "1", "--differs", "x"),
        ("complaints", "import", str(tmp_path / "no.csv")),
        ("complaints", "import", str(bad)),
        ("complaints", "withdraw", "99", "--why", "x"),
        ("complaints", "outcome", "99", "upheld"),
    ):
        done = run(*arguments)
        assert done.exit_code == 2, arguments
        assert done.exception is None or isinstance(done.exception, SystemExit), arguments


def test_complaints_are_imported_listed_counted_and_taken_back(agencies, tmp_path):
    path = tmp_path / "phan-anh.csv"
    path.write_bytes(
        complaints_of(complaint(when="20/11/2025", note="Bà Lan"), complaint(claim="?", when="20/11/2025"))
    )
    done = run("complaints", "import", str(path))
    assert done.exit_code == 1
    assert "dòng 3, cột “Loại phản ánh”" in done.output
    assert "1 good row(s): 1 new" in done.output
    listed = run("complaints", "list").output
    assert "no_result_yet" in listed
    assert "Bà Lan" not in listed
    assert "160915001" in run("complaints", "list", "--unlinked").output
    assert "Mời đến nhưng chưa có kết quả" in run("complaints", "count", "--days", "4000").output
    assert run("complaints", "outcome", "1", "upheld", "--why", "đúng").exit_code == 0
    assert run("complaints", "withdraw", "1", "--why", "nhầm").exit_code == 0
    assert "withdrawn" in run("complaints", "list").output
    assert "0 complaint(s) linked" in run("complaints", "link").output
