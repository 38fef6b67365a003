"""Test carrier statements with faults of real files: refusals are stored, and missing inquiries are reported."""

from __future__ import annotations

import io
import os
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import openpyxl
import psycopg
import pytest

from motcua.domain.run_window import EVERYTHING
from motcua.jobs.handed_in import statement_files, statements
from motcua.jobs.handed_in.faults import FileRefused
from motcua.jobs.personal_data import remove_old_files
from motcua.jobs.tasks import reconcile_carrier
from motcua.jobs.tasks.reconcile_carrier import find_files, gate, take_file
from motcua.store.oversight.statements import list_refusals
from tests.ground import in_ledger, red_gate, type_command
from tests.integration.handed_in.test_carrier_statements import (
    LATER,
    at,
    figures,
    file_of,
    form,
    line,
    take,
    verdicts,
)

OCTOBER = date(2026, 10, 1)
NAME = "bang-ke-2026-10.csv"


def put(path: Path, content: bytes, day: int) -> None:
    """Write a file whose modification time is the given day of November 2026."""
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content)
    moment = datetime(2026, 11, day, tzinfo=UTC).timestamp()
    os.utime(path, (moment, moment))


def run(now: datetime = LATER) -> list[dict]:
    return [take_file(**each, run_id="run-1", now=now) for each in find_files(EVERYTHING)]


def refusals(**asked):
    return in_ledger(list_refusals, **asked)


def command(*arguments: str):
    return type_command(*arguments, exits=None)


# --- Refused files --------------------------------------------------------------------------------------------------


@pytest.mark.guarantee(
    "statements",
    "a refused statement file is shown, with what to do, until a good file of its month comes, and is not read again",
)
def test_refusal_is_kept_until_a_good_file_of_its_month_and_the_bad_one_is_not_tried_again(ours, folder):
    first = ours.attempt(at(5))
    put(folder / NAME, file_of(line(first), line(first, amount="1,050")), 5)
    (taken,) = run()
    assert "line 3, column “Thành tiền”: the number cannot be read" in taken["refused"]
    (kept,) = refusals()
    assert (kept.form, kept.month, kept.file_name, kept.refused_at, kept.refused_by) == (
        *("kannel", OCTOBER, NAME, LATER, "run-1"),
    )
    assert "dòng 3, cột “Thành tiền”: không đọc được số" in kept.message
    (taken,) = run(LATER + timedelta(days=1))
    assert taken["refused"], "the file is tried again while no good one has come"
    assert len(refusals()) == 1, "a file that is refused twice is shown once"
    assert refusals()[0].refused_at == LATER + timedelta(days=1)
    take(file_of(line("x", when=at(5, month=9))), "bang-ke-2026-09.csv", now=LATER + timedelta(days=2))
    assert len(refusals()) == 1, "a good file of another month does not end the refusal"
    put(folder / "bang-ke-2026-10-sua.csv", file_of(line(first)), 7)
    moment = LATER + timedelta(days=2)
    found = find_files(EVERYTHING)
    assert [each["file"] for each in found] == [NAME, "bang-ke-2026-10-sua.csv"]
    gate(EVERYTHING, [take_file("kannel", "bang-ke-2026-10-sua.csv", "run-2", moment)], now=moment)
    assert refusals() == []
    assert refusals(settled=True)[0].replaced_by
    assert find_files(EVERYTHING) == []


def test_file_whose_form_was_mended_is_taken_and_ends_its_refusal(ours, folder, monkeypatch):
    """After an operator corrects the description of a gateway's files, a refused file is imported."""
    first = ours.attempt(at(5))
    put(folder / NAME, file_of(line(first, carrier="Viettel Telecom")), 5)
    assert "Viettel Telecom" not in run()[0]["refused"], "a log may not quote the file: the value might be a name"
    assert "không hiểu “Viettel Telecom”" in refusals()[0].message
    carriers = statement_files.load_form("kannel").carriers
    form(monkeypatch, carriers=carriers | {"Viettel": ("Viettel Telecom",)})
    (taken,) = run(LATER + timedelta(hours=1))
    assert taken["statement_no"]
    assert refusals() == []


def test_file_that_has_the_same_name_each_month_hides_no_refusal_of_another_month(ours, folder):
    for month, now in ((9, LATER), (10, LATER + timedelta(days=1))):
        put(folder / "bang-ke.csv", file_of(line("x", amount="?", when=at(5, month=month))), 5)
        run(now)
    assert [each.month for each in refusals()] == [OCTOBER, date(2026, 9, 1)]
    put(folder / "bang-ke.xlsx", b"PK\x03\x04", 5)
    run(LATER + timedelta(days=1))
    assert None in [each.month for each in refusals()]
    take(file_of(line("x")), now=LATER + timedelta(days=2))
    assert [each.month for each in refusals()] == [date(2026, 9, 1)], (
        "a refusal without a month ends with any later good file"
    )


def test_import_by_hand_that_is_refused_is_kept_too_and_told_in_english(ours, tmp_path):
    """A refused manual import is reported to the operator in English and stored for staff in Vietnamese."""
    path = tmp_path / NAME
    path.write_bytes(file_of(line("x", phone="abc0905123456")))
    done = command("statements", "import", str(path), "--form", "kannel")
    assert done.exit_code == 2
    assert "line 2, column “Số thuê bao”: not a phone number" in done.output
    assert "905123456" not in done.output
    (kept,) = refusals()
    assert (kept.form, kept.month) == ("kannel", OCTOBER)
    assert "Refused: kannel/bang-ke-2026-10.csv" in command("statements", "show").output
    assert "dòng 2, cột “Số thuê bao”" in command("statements", "refused").output
    assert command("statements", "import", str(path), "--form", "kannel", "--dry-run").exit_code == 2
    assert len(refusals()) == 1, "a dry run writes nothing"
    command("statements", "import", str(path), "--form", "kannel", "--month", "2026-09")
    assert refusals()[0].month == date(2026, 9, 1), "the given month counts, not that of the file's name"


def test_what_is_no_statement_is_set_aside_with_a_reason_and_not_tried_again(ours, folder, rows):
    """An operator can set a refused file aside with a reason; no run reads or reports the file again."""
    put(folder / "ghi-chu-2026-10.csv", b"xin chao", 5)
    run()
    assert command("statements", "set-aside", "1", "--why", " ").exit_code == 2
    assert command("statements", "set-aside", "9", "--why", "x").exit_code == 2
    assert command("statements", "set-aside", "1", "--why", "Không phải bảng kê [1]").exit_code == 0
    assert command("statements", "set-aside", "1", "--why", "lại").exit_code == 2
    assert (refusals(), find_files(EVERYTHING)) == ([], [])
    assert "No file is refused." in command("statements", "refused").output
    assert "Không phải bảng kê [1]" in command("statements", "refused", "--all").output
    for change in (
        "DELETE FROM motcua.refused_statements",
        "UPDATE motcua.refused_statements SET message = 'x'",
        "UPDATE motcua.refused_statements SET set_aside_at = now()",
    ):
        with pytest.raises(psycopg.DatabaseError, match="append-only"):
            rows(change)


def test_auditor_sees_that_a_file_was_refused_and_not_a_word_of_it(ours, ledger):
    """Auditors learn that a statement was refused, but see no text of the file, which may name a person."""
    with pytest.raises(FileRefused):
        take(file_of(line("x", status="Bà Lan")))
    with psycopg.connect(ledger, row_factory=psycopg.rows.dict_row) as auditor:
        auditor.execute("SET ROLE motcua_audit")
        (seen,) = auditor.execute("SELECT * FROM audit.refused_statements").fetchall()
        assert (seen["form"], seen["month"], seen["faults"], seen["replaced_by"]) == ("kannel", OCTOBER, 1, None)
        assert "Lan" not in str(seen)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            auditor.execute("SELECT message FROM motcua.refused_statements")


# --- Files in wrong places ------------------------------------------------------------------------------------------


@pytest.mark.guarantee("statements", "a statement file in a wrong folder, or in an old format, is reported")
def test_file_in_a_wrong_place_or_of_an_old_kind_is_told_and_not_passed_over(ours, folder, monkeypatch):
    root, good = folder.parent, file_of(line(ours.attempt(at(5))))
    put(root / "viettel" / NAME, good, 1)
    put(root / "T10-2026.csv", good, 2)
    put(folder / "bang-ke-2026-09.xls", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", 3)
    put(folder / ".an.csv", good, 4)
    put(root / ".rac" / NAME, good, 4)
    put(root / "viettel" / "doc-truoc.pdf", b"%PDF", 4)
    taken = run()
    assert [each["file"] for each in taken] == [
        "viettel/bang-ke-2026-10.csv",
        "T10-2026.csv",
        "kannel/bang-ke-2026-09.xls",
    ]
    for each, said in zip(taken, ("here is no form “viettel”", "outside the providers' folders", ".xls"), strict=True):
        assert said in each["refused"]
    with red_gate("here is no form “viettel”"):
        gate(EVERYTHING, taken, now=LATER)
    refused_with = {each.form: each.message for each in refusals()}
    assert "Không có mẫu bảng kê nào tên là “viettel”; các mẫu: esms, kannel, vnpt" in refused_with["viettel"]
    assert "chuyển vào một trong các thư mục: esms, kannel, vnpt" in refused_with[""]
    assert "có mật khẩu" in refused_with["kannel"]
    (root / "viettel" / NAME).rename(folder / NAME)
    (root / "T10-2026.csv").unlink()
    assert [bool(each.get("statement_no")) for each in run(LATER + timedelta(hours=1))] == [True, False]
    assert [each.form for each in refusals()] == ["kannel"], (
        "the file that was moved to its folder is taken, and its refusal ends"
    )


def test_broken_form_or_a_file_that_nobody_may_read_is_told_and_holds_up_no_other(ours, folder, monkeypatch):
    put(folder / NAME, file_of(line(ours.attempt(at(5)))), 5)
    put(folder.parent / "esms" / NAME, file_of(line("x")), 6)
    put(folder / "bang-ke-2026-09.csv", b"x", 7)
    path = next(path for _, name, path in reconcile_carrier._files() if name == "bang-ke-2026-09.csv")
    read = type(path).read_bytes

    def refuse(self):
        if self.name == "bang-ke-2026-09.csv":
            raise PermissionError(13, "Permission denied")
        return read(self)

    monkeypatch.setattr(type(path), "read_bytes", refuse)

    def load(name: str):
        if name == "esms":
            raise statement_files.FormError("esms.yaml: surprise: not permitted")
        return statement_files.load_form(name)

    for module in (reconcile_carrier, statements):
        monkeypatch.setattr(module, "load_form", load)
    good, bad, closed = run()
    assert good["statement_no"]
    assert "he form “esms” cannot be used: esms.yaml: surprise" in bad["refused"]
    assert "cannot be opened" in closed["refused"]


def test_folder_that_nobody_may_read_is_told_and_holds_up_no_other(ours, folder, monkeypatch):
    put(folder / NAME, file_of(line(ours.attempt(at(5)))), 5)
    put(folder.parent / "vnpt" / NAME, file_of(line("x")), 6)
    path = next(path for form, _, path in reconcile_carrier._files() if form == "vnpt")
    listed = type(path).iterdir

    def refuse(self):
        if self.name == "vnpt":
            raise PermissionError(13, "Permission denied")
        return listed(self)

    monkeypatch.setattr(type(path), "iterdir", refuse)
    good, closed = sorted(run(), key=lambda each: "refused" in each)
    assert good["statement_no"]
    assert closed["file"] == "vnpt/vnpt"
    assert "cannot be opened" in closed["refused"]
    removed = remove_old_files(datetime(2027, 3, 1, tzinfo=UTC))
    assert (removed.removed, removed.refused) == (1, 1)


# --- Missing inquiries ----------------------------------------------------------------------------------------------


def test_inquiries_that_the_provider_says_there_were_none_of_are_missed(ours, monkeypatch):
    """If a statement has no line for our inquiries, these inquiries must be reported as a difference."""
    first = ours.attempt(at(5))
    ours.inquiry(at(6), "MO-1")
    book = openpyxl.Workbook()
    book.active.title = "MT"
    book.active.append(["Mã tham chiếu", "Thời gian gửi", "Số tin", "Thành tiền"])
    book.active.append([first, at(5).replace(tzinfo=None), 1, 350])
    book.create_sheet("MO").append(["Mã giao dịch", "Thời gian", "Số lượng", "Thành tiền"])
    stream = io.BytesIO()
    book.save(stream)
    taken = take(stream.getvalue(), "bang-ke-2026-10.xlsx")
    assert verdicts(taken.statement_no, "ours_only") == [(None, "ours_only", None, ())]
    assert figures(taken.statement_no).over == ["inquiries"]
    form(monkeypatch, inquiry_lines="summary")
    taken = take(file_of(line(first), line(kind="MO", segments=0, amount="0", status="")))
    summary = figures(taken.statement_no)
    assert (summary.stored.inquiries, summary.our_inquiries, summary.over) == (0, 1, ["inquiries"])
    assert summary.our_revenue == Decimal(1000)
    taken = take(file_of(line(first), line(kind="MO", segments=1, amount="1.000", status="")))
    summary = figures(taken.statement_no)
    assert (summary.stored.inquiries, summary.our_inquiries, summary.over) == (1, 1, []), (
        "inquiries without lines are compared by their sum"
    )
