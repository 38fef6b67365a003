"""Test uploading a carrier statement on the page.

The page reads the file and shows a preview. A confirmed file is stored, and the run imports the file.
"""

from __future__ import annotations

import io
import re
import stat
import zipfile
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from fastapi.testclient import TestClient

from motcua.domain.run_window import EVERYTHING
from motcua.jobs.personal_data import remove_old_files
from motcua.jobs.tasks.reconcile_carrier import find_files, take_file
from motcua.web import forms
from motcua.web.airflow import run_starter
from motcua.web.staff import statements_page
from tests.integration.handed_in.test_carrier_statements import HEADINGS, Ours, at, file_of, line
from tests.web.visiting import VISITING, token_of, words

NAME = "bang-ke-2026-10.csv"

pytestmark = pytest.mark.usefixtures("read_here")


@pytest.fixture
def ours(agencies, rows) -> Ours:
    return Ours(rows)


@pytest.fixture(autouse=True)
def folder(configure: Any, tmp_path: Path) -> Path:
    configure(MOTCUA_STATEMENTS=f"file://{tmp_path}/statements")
    return tmp_path / "statements"


def send(staff: TestClient, content: bytes, name: str = NAME, **fields: str) -> Any:
    given = {"token": token_of(staff, "/motcua/statements"), "form": "kannel", "month": ""} | fields
    return staff.post("/motcua/statements/upload", data=given, files={"file": (name, content)})


def hidden(answer: Any) -> dict[str, str]:
    """Return the fields that the confirming form would send."""
    form = answer.text.partition('id="xac-nhan"')[2].partition("</form>")[0]
    return dict(re.findall(r'name="(\w+)" value="([^"]*)"', form.partition("<button")[0]))


def confirm(staff: TestClient, answer: Any, decision: str = "keep", **changed: str) -> Any:
    return staff.post("/motcua/statements", data=hidden(answer) | changed | {"decision": decision})


def files_in(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def take_all() -> list[dict[str, Any]]:
    return [take_file(each["form"], each["file"], "a run") for each in find_files(EVERYTHING)]


@pytest.mark.guarantee(
    "statements",
    "an uploaded carrier statement is shown before it is stored; nothing of a file that is only tried is stored",
)
def test_good_statement_is_told_confirmed_and_taken_in_its_senders_name(staff, ours, read_apart, rows, folder):
    content = file_of(line(ours.attempt(at(5)), when=at(5)), line(phone="0988777666", segments=2, amount="700"))
    seen = send(staff, content)
    told = words(seen)
    assert seen.status_code == 200
    assert "Đọc được tệp bang-ke-2026-10.csv: bảng kê tháng 10/2026 của kannel" in told
    for figure in ("2 dòng, không dòng nào lỗi", "3 đoạn tin nhà mạng tính", "1.050 đ nhà mạng tính"):
        assert figure in told, figure
    assert "1 đoạn tin hệ thống đã giao trong tháng" in told
    assert "nhiều hơn 2 đoạn tin" in told
    assert "988777666" not in seen.text
    assert rows("SELECT 1 FROM motcua.statement_uploads") == []
    assert find_files(EVERYTHING) == [], "an unconfirmed file must not reach a run"

    kept = confirm(staff, seen)
    assert (kept.status_code, kept.headers["location"]) == (303, "/motcua/statements?said=kept")
    assert VISITING.started == [("reconcile_carrier", "lan")]
    assert files_in(folder) == ["kannel/bang-ke-2026-10.csv"]
    path = folder / "kannel" / NAME
    assert path.read_bytes() == content
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    (upload,) = rows("SELECT form, month::text, file_name, sha256, uploaded_by FROM motcua.statement_uploads")
    assert tuple(upload.values()) == ("kannel", "2026-10-01", NAME, sha256(content).hexdigest(), "lan")
    assert "bảng kê tháng 10/2026) đã nộp, đang chờ hệ thống đọc" in words(staff.get("/motcua/statements"))

    (taken,) = take_all()
    assert (taken["statement_no"], taken["supersedes"]) == (1, None)
    (stored,) = rows("SELECT imported_by, file_name, lines FROM audit.carrier_statements")
    assert tuple(stored.values()) == ("lan", NAME, 2)
    page = words(staff.get("/motcua/statements"))
    assert "đang chờ hệ thống đọc" not in page
    assert "bảng kê số 1" in page


RED = 'class="note bad"'


def put(folder: Path, content: bytes, name: str = NAME) -> None:
    """Write a file into the folder of carrier statements without the page."""
    path = folder / "kannel" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


@pytest.mark.guarantee(
    "statements",
    "an uploaded carrier statement is shown before it is stored; nothing of a file that is only tried is stored",
)
def test_bad_statement_that_was_only_read_is_told_by_line_and_column_and_leaves_nothing(staff, ours, rows, folder):
    first = ours.attempt(at(5))
    refused = send(staff, file_of(line(first, phone="abc0905123456"), line(first, amount="1,050")))
    told = words(refused)
    assert refused.status_code == 422
    assert "Tệp sai, không nhận dòng nào." in told
    for fault in (
        "Tệp kannel/bang-ke-2026-10.csv (bảng kê tháng 10/2026) có lỗi",
        "Mới đọc thử nên chưa có gì được ghi",
        "dòng 2, cột “Số thuê bao”: không phải số điện thoại",
        "dòng 3, cột “Thành tiền”: không đọc được số",
        "xin tệp đã sửa",
    ):
        assert fault in told, fault
    assert "905123456" not in refused.text
    assert "Tệp này không phải bảng kê." in words(send(staff, b"khong phai bang ke"))
    assert files_in(folder) == []
    assert rows("SELECT 1 FROM motcua.refused_statements") == []
    again = staff.get("/motcua/statements")
    assert "Thành tiền" not in words(again)
    assert RED not in again.text


@pytest.mark.guarantee(
    "statements",
    "a refused statement file is shown, with what to do, until a good file of its month comes, and is not read again",
)
def test_bad_statement_of_the_folder_is_told_until_a_good_one_of_its_month_came(staff, ours, rows, folder):
    first = ours.attempt(at(5))
    put(folder, file_of(line(first, amount="1,050")))
    take_all()
    for _ in range(2):
        told = staff.get("/motcua/statements")
        assert "Không nhận được tệp kannel/bang-ke-2026-10.csv (bảng kê tháng 10/2026)" in words(told)
        assert "dòng 2, cột “Thành tiền”: không đọc được số" in words(told)
        assert RED in told.text
    (kept,) = rows("SELECT form, month::text, refused_by, faults FROM motcua.refused_statements")
    assert tuple(kept.values()) == ("kannel", "2026-10-01", "a run", 1)

    assert confirm(staff, send(staff, file_of(line(first)))).status_code == 303
    assert "Không nhận được tệp" in words(staff.get("/motcua/statements"))
    take_all()
    assert "Không nhận được tệp" not in words(staff.get("/motcua/statements"))


def test_refused_file_is_set_aside_with_a_reason_and_a_name(staff, ours, rows, folder):
    """The Department sets a refused file aside only with a reason, which is stored with the person's name."""
    put(folder, b"khong phai bang ke")
    take_all()
    (refusal,) = rows("SELECT refusal_no FROM motcua.refused_statements")
    form = {
        "token": token_of(staff, "/motcua/statements"),
        "decision": "set_aside",
        "refusal": str(refusal["refusal_no"]),
    }
    for reason, why in (("  ", "Hãy ghi lý do."), ("của 0905123456", "Lý do có số điện thoại")):
        answer = staff.post("/motcua/statements", data=form | {"reason": reason})
        assert answer.status_code == 422
        assert why in words(answer)
        assert f'name="reason" required maxlength="200" autocomplete="off" value="{reason}"' in answer.text
    assert staff.post("/motcua/statements", data=form | {"reason": "Không phải bảng kê"}).status_code == 303
    assert "Không nhận được tệp" not in words(staff.get("/motcua/statements"))
    (set_aside,) = rows("SELECT set_aside_by, set_aside_reason FROM motcua.refused_statements")
    assert tuple(set_aside.values()) == ("lan", "Không phải bảng kê")


def test_same_file_twice_is_said_and_nothing_is_doubled(staff, ours, rows, folder):
    content = file_of(line(ours.attempt(at(5))))
    first, second = send(staff, content), send(staff, content, "ten-khac-2026-10.csv")
    assert confirm(staff, first).status_code == 303
    late = confirm(staff, second)
    assert late.status_code == 409
    assert "không còn chờ xác nhận" in words(late)
    waits = send(staff, content)
    assert waits.status_code == 409
    assert "đã nộp rồi và đang chờ hệ thống đọc" in words(waits)
    take_all()
    known = send(staff, content)
    assert known.status_code == 409
    assert "Tệp này đã nhận rồi: bảng kê số 1 , tháng 10/2026, kannel" in words(known)
    assert files_in(folder) == ["kannel/bang-ke-2026-10.csv"]
    assert rows("SELECT count(*) AS n FROM motcua.statement_uploads") == [{"n": 1}]
    assert rows("SELECT count(*) AS n FROM audit.carrier_statements") == [{"n": 1}]


def test_corrected_statement_says_what_it_replaces_and_overwrites_no_file(staff, ours, rows, folder):
    first, second = ours.attempt(at(5)), ours.attempt(at(6))
    confirm(staff, send(staff, file_of(line(first))))
    take_all()
    corrected = send(staff, file_of(line(first), line(second, when=at(6))))
    assert "Tệp này sẽ thay bảng kê số 1 của tháng 10/2026 (bang-ke-2026-10.csv: 1 dòng, 1 đoạn tin" in words(corrected)
    confirm(staff, corrected)
    assert files_in(folder) == ["kannel/bang-ke-2026-10 (2).csv", "kannel/bang-ke-2026-10.csv"]
    (taken,) = take_all()
    assert (taken["statement_no"], taken["supersedes"]) == (2, 1)
    third = send(staff, file_of(line(first), line(second, when=at(6), amount="700")))
    confirm(staff, third)
    fourth = send(staff, file_of(line(first), line(second, when=at(6), amount="800")))
    assert "Tháng này còn một tệp đang chờ đọc" in words(fourth)


def test_file_that_was_set_aside_is_taken_again_when_somebody_sends_it_again(staff, ours, rows, folder, monkeypatch):
    content = file_of(line(ours.attempt(at(5))))
    digest = sha256(content).hexdigest()
    rows(
        "INSERT INTO motcua.refused_statements (form, month, file_name, sha256, refused_at, refused_by, faults, "
        "message, set_aside_at, set_aside_by, set_aside_reason) VALUES ('kannel', '2026-10-01', 'x.csv', %s, now() -"
        " interval '1 hour', 'lan', 1, 'x', now(), 'lan', 'nhầm')",
        digest,
    )
    confirm(staff, send(staff, content))
    assert [each["file"] for each in find_files(EVERYTHING)] == [NAME]


def test_file_whose_name_tells_no_month_is_kept_under_one_that_does(staff, ours, folder):
    """If a file's name gives no month, the month of its lines is put before the stored name."""
    seen = send(staff, file_of(line(ours.attempt(at(5)))), "../../etc/b\u1ea3ng k\u00ea\u202e.csv")
    assert seen.status_code == 200, words(seen)
    assert confirm(staff, seen).status_code == 303
    assert files_in(folder) == ["kannel/2026-10 b\u1ea3ng k\u00ea.csv"]
    (taken,) = take_all()
    assert taken["statement_no"] == 1


def swollen_workbook() -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as book:
        book.writestr("xl/worksheets/sheet1.xml", b" " * (300 * 1024 * 1024))
    return packed.getvalue()


def workbook_with_a_formula() -> bytes:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(HEADINGS.split(";"))
    sheet.append(["MT", "=1+1", "", "", "05/10/2026 10:00:00", "=A1", "350", "Thành công", ""])
    packed = io.BytesIO()
    book.save(packed)
    return packed.getvalue()


HOSTILE = {
    "zip bomb": (swollen_workbook, "2026-10.xlsx", "tệp quá lớn"),
    "formulas": (workbook_with_a_formula, "2026-10.xlsx", "cột “Số tin”"),
    "another month": (lambda: file_of(line("our-1", when=at(5, month=9))), NAME, "nằm ngoài tháng 10/2026"),
    "to come": (lambda: file_of(line("our-1", when=datetime(2199, 10, 5, tzinfo=UTC))), "x.csv", "ở tương lai"),
}


def test_what_is_no_statement_is_told_in_words_and_leaves_no_file(staff, ours, rows, folder):
    for what, (made, name, why) in HOSTILE.items():
        answer = send(staff, made(), name)
        assert answer.status_code == 422, what
        assert "Tệp sai, không nhận dòng nào." in words(answer), what
        assert why.lower() in words(answer).lower(), what
    assert files_in(folder) == []
    assert rows("SELECT 1 FROM motcua.statement_uploads") == []
    assert find_files(EVERYTHING) == []


def test_form_that_is_filled_in_wrong_writes_nothing_at_all(staff, ours, rows, folder):
    good = file_of(line("our-1"))
    for content, fields, why in (
        (b"", {}, "Tệp rỗng"),
        (good, {"month": "2026-09"}, "tên tệp ghi tháng 10/2026"),
        (good, {"month": "9999-99"}, "Tháng đã chọn không đúng"),
        (good, {"form": "../kannel"}, "Không có mẫu bảng kê"),
        (good, {"form": ""}, "Không có mẫu bảng kê"),
    ):
        answer = send(staff, content, **fields)
        assert answer.status_code == 422
        assert why in words(answer)
    # The following body is what a browser sends if no file was chosen.
    token = _part("token", token_of(staff, "/motcua/statements"))
    answer = _raw(staff, token + _part("form", "kannel") + _part("file", "", 'filename=""') + END)
    assert (answer.status_code, "Chưa chọn tệp" in words(answer)) == (422, True)
    assert files_in(folder) == []
    assert rows("SELECT 1 FROM motcua.refused_statements") == []


BOUNDARY = "ranh-gioi"
END = f"--{BOUNDARY}--\r\n".encode()


def _part(name: str, content: str, more: str = "") -> bytes:
    disposition = f'Content-Disposition: form-data; name="{name}"' + (f"; {more}" if more else "")
    return f"--{BOUNDARY}\r\n{disposition}\r\n\r\n{content}\r\n".encode()


def _raw(staff: TestClient, body: bytes, kind: str = f"multipart/form-data; boundary={BOUNDARY}") -> Any:
    return staff.post("/motcua/statements/upload", content=body, headers={"Content-Type": kind})


def test_form_that_breaks_off_is_told_and_writes_nothing(staff, ours, rows, folder):
    lines = file_of(line(ours.attempt(at(5)))).decode()
    whole = (
        _part("token", token_of(staff, "/motcua/statements"))
        + _part("form", "kannel")
        + _part("file", lines, f'filename="{NAME}"')
        + END
    )
    assert _raw(staff, whole).status_code == 200
    remove_old_files(datetime.now(UTC) + timedelta(days=2))
    asked = [
        *(_raw(staff, whole[:length]) for length in (0, 40, len(whole) - len(END) - 40)),
        _raw(staff, whole, "multipart/form-data"),
        _raw(staff, whole, "multipart/form-data; boundary=khac"),
        _raw(staff, _part("token", "x") * 500 + END),
        _raw(staff, _part("file", lines) + END),
        _raw(staff, (_part("file", lines, 'filename="a"') * 2) + END),
    ]
    assert {answer.status_code for answer in asked} == {400}
    assert all("Chưa nhận được tệp" in words(answer) for answer in asked)
    assert _raw(staff, b"token=x", "application/x-www-form-urlencoded").status_code == 415
    assert files_in(folder) == []
    assert rows("SELECT 1 FROM motcua.refused_statements") == []


def test_file_that_is_too_large_is_refused_before_it_is_read_completely(staff, ours, folder, monkeypatch):
    monkeypatch.setattr(statements_page, "LARGEST_UPLOAD", 1024 * 1024)
    held: list[int] = []
    taken = forms.MultiPartParser.on_part_data

    def on_part_data(self: Any, data: bytes, start: int, end: int) -> None:
        held.append(end - start)
        taken(self, data, start, end)

    monkeypatch.setattr(forms.MultiPartParser, "on_part_data", on_part_data)
    begun = (_part("token", token_of(staff, "/motcua/statements")) + _part("file", "", f'filename="{NAME}"'))[:-2]

    def endless() -> Any:
        yield begun
        for _ in range(5):
            yield b"x" * 1024 * 1024

    kind = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}
    answer = staff.post("/motcua/statements/upload", content=endless(), headers=kind)
    assert answer.status_code == 413
    assert "Trang này nhận tệp nhiều nhất 1 MB" in words(answer)
    assert sum(held) <= 2 * 1024 * 1024
    assert files_in(folder) == []


def test_folder_that_cannot_be_written_to_is_told_and_nothing_is_written_down(staff, ours, rows, folder):
    folder.write_text("no folder")
    answer = send(staff, file_of(line(ours.attempt(at(5)))))
    assert answer.status_code == 503
    assert "không dùng được thư mục nhận tệp" in words(answer)
    assert rows("SELECT 1 FROM motcua.statement_uploads") == []


def test_what_is_confirmed_is_what_was_read(staff, ours, rows, folder):
    """A confirmation must store the previewed file. A changed month, form or checksum is refused."""
    seen = send(staff, file_of(line(ours.attempt(at(5)))))
    for changed in ({"month": "2026-09"}, {"sha256": "0" * 64}, {"sha256": "../x"}, {"form": "viettel"}):
        answer = confirm(staff, seen, **changed)
        assert answer.status_code in (409, 422), changed
    assert confirm(staff, seen, month="x").status_code == 400
    assert confirm(staff, seen, decision="x").status_code == 400
    assert confirm(staff, seen, token="x").status_code == 403
    assert rows("SELECT 1 FROM motcua.statement_uploads") == []
    assert VISITING.started == []
    assert find_files(EVERYTHING) == []
    assert confirm(staff, seen, file_name="../../hiem\u202e.csv").status_code == 303
    assert files_in(folder) == ["kannel/2026-10 hiem.csv"]


def test_what_nobody_confirms_is_dropped_at_once_or_after_a_day(staff, ours, folder):
    seen = send(staff, file_of(line(ours.attempt(at(5)))))
    assert len(files_in(folder)) == 1
    dropped = confirm(staff, seen, "drop")
    assert dropped.headers["location"] == "/motcua/statements?said=dropped"
    assert files_in(folder) == []
    send(staff, file_of(line(ours.attempt(at(5)))))
    assert remove_old_files(datetime.now(UTC) + timedelta(hours=23)).removed == 0
    assert remove_old_files(datetime.now(UTC) + timedelta(hours=25)).removed == 1


def test_page_says_when_no_run_could_be_started(staff, ours, app, monkeypatch):
    overrides = app.routes[-1].app.dependency_overrides
    monkeypatch.setitem(overrides, run_starter, lambda: lambda dag_id, by: False)
    kept = confirm(staff, send(staff, file_of(line(ours.attempt(at(5))))))
    assert "Hệ thống đọc tệp ở lượt chạy tới" in words(staff.get(kept.headers["location"]))


def test_nobody_but_the_department_sends_a_statement_and_no_other_site(staff, ours, rows, folder):
    content = file_of(line(ours.attempt(at(5))))
    refused = send(staff, content, token="x")
    assert (refused.status_code, "Trang đã cũ" in words(refused)) == (403, True)
    VISITING.visit_as("auditor")
    assert send(staff, content, token="x").status_code == 403
    assert "/statements/upload" not in staff.get("/motcua/statements").text
    assert files_in(folder) == []
    assert rows("SELECT 1 FROM motcua.refused_statements") == []
