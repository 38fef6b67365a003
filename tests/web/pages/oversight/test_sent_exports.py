"""Test uploading an export on the page.

The page reads the file and shows a preview. A confirmed file is stored in the folder of its source, where a run reads
the file.
"""

from __future__ import annotations

import re
import stat
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from motcua.jobs.exports.taking import SETTLED, take_files
from motcua.jobs.personal_data import remove_old_files
from tests.ground import NHA_TRANG, TU_PHAP
from tests.integration.exports.conftest import FORM, HEADINGS, SOURCE, last, line, set_form_of
from tests.web.visiting import VISITING, token_of, words

PAGE = "/motcua/quality/sources/exports"
NAME = "ho-so 2026-11-20 0815.csv"


@pytest.fixture
def folder(staff, configure, tmp_path, read_here):
    """Return the folder of a source that serves both agencies and has a form."""
    configure(MOTCUA_SOURCES=f"khanhhoa,{SOURCE}=files", MOTCUA_FILES=f"file://{tmp_path}/files")
    set_form_of(FORM)
    return tmp_path / "files" / SOURCE


def file_of(*lines: str, headings: str = HEADINGS) -> bytes:
    return ("\n".join((headings, *lines)) + "\n").encode()


def send(staff: Any, content: bytes, name: str = NAME, **fields: str) -> Any:
    given = {"token": token_of(staff, PAGE)} | fields
    return staff.post(f"{PAGE}/upload?source={SOURCE}", data=given, files={"file": (name, content)})


def decide(staff: Any, answer: Any, decision: str = "keep", **changed: str) -> Any:
    form = answer.text.partition('id="xac-nhan"')[2].partition("</form>")[0]
    hidden = dict(re.findall(r'name="(\w+)" value="([^"]*)"', form.partition("<button")[0]))
    return staff.post(f"{PAGE}/sent", data=hidden | changed | {"decision": decision})


def visible(folder: Any) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if not path.name.startswith(".")) if folder.exists() else []


def take() -> None:
    now = datetime.now(UTC)
    take_files(SOURCE, now)
    take_files(SOURCE, now + SETTLED)


@pytest.mark.guarantee(
    "intake", "an uploaded export is shown before it is stored, and is then read like a file in the folder"
)
def test_good_export_is_told_confirmed_and_taken_like_one_that_was_dropped(staff, folder, rows):
    seen = send(staff, file_of(line("H-1"), line("H-2", "Không rõ"), line("H-3", step="gọi 0905123456")))
    told = words(seen)
    assert seen.status_code == 200
    for expected in (
        "Đọc tệp ho-so 2026-11-20 0815.csv",
        "ngày 20/11/2026; khác thì ghi",
        "3 dòng 3 hồ sơ 1 dòng không nhận",
    ):
        assert expected in told, expected
    assert "dòng 3, cột “Trạng thái”: không hiểu “…”" in told
    assert "09•• ••• 456" in told
    assert "0905123456" not in seen.text
    assert visible(folder) == [], "an unconfirmed file must not reach a run"
    take()
    assert rows("SELECT 1 FROM intake.exports") == []

    kept = decide(staff, seen)
    assert (kept.status_code, kept.headers["location"]) == (303, f"{PAGE}?source={SOURCE}&said=sent")
    assert visible(folder) == [NAME]
    assert stat.S_IMODE((folder / NAME).stat().st_mode) == 0o600
    assert "Đã nhận tệp vào thư mục." in words(staff.get(kept.headers["location"]))
    take()
    file = last()
    assert (file.state, file.added, file.refused, file.sent_by) == ("taken", 2, 1, "lan")
    assert "lan gửi trên trang lúc" in words(staff.get(f"{PAGE}?source={SOURCE}&no={file.export_no}"))
    assert len(rows("SELECT 1 FROM intake.source_dossiers")) == 2


def test_export_that_is_refused_is_told_by_line_and_column_and_not_offered(staff, folder):
    for content, expected in (
        (file_of(line("H-1", "?")), "dòng 2, cột “Trạng thái”"),
        (file_of("x", headings="Cột lạ"), "Thiếu cột"),
        (b"PK\x03\x04 no zip", "Không đọc được"),
        (file_of(line("H-1"))[:-30], "cắt"),
        (b"%PDF-1.7\n", "Không"),
    ):
        answer = send(staff, content)
        told = words(answer)
        assert answer.status_code == 422, expected
        assert "Cả tệp không được nhận." in told
        assert "Nhận tệp này" not in told
        assert "Sửa mẫu theo tệp này" in told
    future = send(staff, file_of(line("H-1")), "ho-so 2099-01-01 0815.csv")
    assert "Cả tệp không được nhận." in words(future)
    assert visible(folder) == []


def test_file_that_tells_nothing_new_is_told_and_kept_by_nobody(staff, folder):
    """A file that was read before, is older than the last file, or looks incomplete must change no dossier."""
    content = file_of(*(line(f"H-{number}") for number in range(10)))
    seen = send(staff, content)
    decide(staff, seen)
    take()
    assert "Giống hệt tệp đã nhận trước đó" in words(send(staff, content))
    # Another person still has the old preview open and confirms the file.
    again = decide(staff, seen)
    assert (again.status_code, "Tệp này đã được nhận" in words(again)) == (409, True)
    older = send(staff, file_of(line("H-1")), "ho-so 2026-11-19 0815.csv")
    assert "Xuất trước một tệp đã nhận" in words(older)
    assert decide(staff, older).status_code == 409
    few = send(staff, file_of(line("H-1", "Đã trả")), "ho-so 2026-11-21 0815.csv")
    assert "Tệp chỉ có 1 hồ sơ, lần trước có 10." in words(few)
    decide(staff, few)
    take()
    assert last().state == "refused"
    assert visible(folder) == [NAME, "ho-so 2026-11-21 0815.csv"]


def test_export_of_the_same_name_takes_no_other_ones_place(staff, folder):
    """A second file of the same name gets a number, so that it does not overwrite the first."""
    for number in range(2):
        decide(staff, send(staff, file_of(line(f"H-{number}")), "ho-so.csv"))
    assert visible(folder) == ["ho-so (2).csv", "ho-so.csv"]
    decide(staff, send(staff, file_of(line("H-5")), "..\\..\\x/../../.bí mật.exe"))
    assert visible(folder) == ["bí mật.exe.csv", "ho-so (2).csv", "ho-so.csv"]


def test_what_nobody_confirms_is_dropped_at_once_or_after_a_day(staff, folder):
    dropped = decide(staff, send(staff, file_of(line("H-1"))), "drop")
    assert dropped.headers["location"].endswith("said=dropped")
    assert list(folder.iterdir()) == []
    left = send(staff, file_of(line("H-1")))
    assert remove_old_files(datetime.now(UTC) + timedelta(hours=23)).removed == 0
    assert remove_old_files(datetime.now(UTC) + timedelta(hours=25)).removed == 1
    assert decide(staff, left).status_code == 409
    assert decide(staff, left, sha256="../../etc/passwd").status_code == 409


def test_form_without_a_file_from_another_site_or_of_no_account_sends_nothing(staff, folder, configure):
    """No file may reach the folder if the upload is empty, the form is forged, or the source has no account."""
    assert "Tệp rỗng" in words(send(staff, b""))
    assert send(staff, file_of(line("H-1")), token="x").status_code == 403
    assert decide(staff, send(staff, file_of(line("H-1"))), token="x").status_code == 403
    assert decide(staff, send(staff, file_of(line("H-1"))), "else").status_code == 400
    configure(MOTCUA_SOURCES=f"khanhhoa,{SOURCE}=files,khac=files")
    given = {"data": {"token": token_of(staff, PAGE)}, "files": {"file": (NAME, b"x")}}
    assert "chưa được mở" in words(staff.post(f"{PAGE}/upload?source=khac", **given))
    assert "Gửi tệp" not in words(staff.get(f"{PAGE}?source=khac"))
    assert staff.post(f"{PAGE}/upload?source=khanhhoa", **given).status_code == 404
    assert visible(folder) == []


def test_folder_that_cannot_be_written_is_told(staff, folder, configure, tmp_path):
    (tmp_path / "no-folder").write_text("x")
    configure(MOTCUA_FILES=f"file://{tmp_path}/no-folder")
    answer = send(staff, file_of(line("H-1")))
    assert answer.status_code == 503
    assert "không dùng được thư mục nhận tệp" in words(answer)


@pytest.mark.guarantee(
    "intake", "an export is uploaded only by the Department or a user of all agencies that its source serves"
)
def test_export_is_sent_by_an_administrator_of_its_agencies_and_by_nobody_else(staff, folder):
    for agencies, status in (((NHA_TRANG, TU_PHAP), 200), ((NHA_TRANG,), 403), ((), 403)):
        VISITING.visit_as("operator")
        token = token_of(staff, PAGE)
        VISITING.visit_as("agency", *agencies)
        answer = send(staff, file_of(line("H-1")), token=token)
        assert answer.status_code == status
        if status == 200:
            assert decide(staff, answer).status_code == 303
    VISITING.visit_as("auditor")
    assert "Gửi tệp" not in words(staff.get(PAGE))
    given = {"token": "x", "source": SOURCE, "decision": "keep", "sha256": "0" * 64}
    for address in ("upload?source=tep", "sent", "form"):
        answer = staff.post(f"{PAGE}/{address}", data=given)
        assert answer.status_code == 403
    take()
    assert (last().state, last().sent_by) == ("taken", "lan")
