"""Test the page of an export form: a form is tried on a file and saved, and an older form can be saved again.

A form describes the files that a source exports: the headings of their columns and the words for each status.
"""

from __future__ import annotations

import io
import re
from datetime import UTC, datetime
from html import unescape
from typing import Any

import openpyxl
import pytest

from motcua.jobs.exports.forms import form_of, read_export_form
from motcua.store.intake.clients import open_account
from motcua.store.intake.exports import list_forms
from motcua.web.quality.export_form_page import TypedForm, changes_of
from tests.ground import NHA_TRANG, TU_PHAP, in_ledger
from tests.integration.exports.conftest import FORM, SOURCE, line, set_form_of
from tests.web.pages.oversight.test_sent_exports import file_of, send, token_of
from tests.web.visiting import VISITING, words

PAGE = f"/motcua/quality/sources/exports/form?source={SOURCE}"
HEADINGS = "Số hồ sơ;Tình trạng;SĐT"


@pytest.fixture
def folder(staff, configure, tmp_path, read_here):
    """Return the folder of a source that serves both agencies and has no form yet."""
    configure(MOTCUA_SOURCES=f"khanhhoa,{SOURCE}=files,khac=files", MOTCUA_FILES=f"file://{tmp_path}/files")
    in_ledger(open_account, SOURCE, (NHA_TRANG, TU_PHAP), "hoa", datetime.now(UTC))
    return tmp_path / "files" / SOURCE


def shown(answer: Any) -> dict[str, str]:
    """Return the fields of the form on the page, with their values."""
    form = answer.text.partition('class="card mapping')[2].partition("</form>")[0]
    fields = dict(re.findall(r'<input type="(?:hidden|text)" name="(\w+)"[^>]*? value="([^"]*)"', form))
    assert fields, "the page has no form"
    checked = re.findall(r'<input type="(?:radio|checkbox)" name="(\w+)" value="(\w+)" checked', form)
    return {name: unescape(value) for name, value in (*fields.items(), *checked)}


def press(staff: Any, answer: Any, decision: str, **typed: str) -> Any:
    return staff.post(PAGE.partition("?")[0], data=shown(answer) | typed | {"decision": decision})


def forms() -> list[Any]:
    return in_ledger(list_forms, SOURCE, 10)


TYPED = {
    "column_dossier_code": "Mã hồ sơ; Số hồ sơ",
    "column_status": "Tình trạng",
    "column_applicant_phone": "SĐT",
    "column_agency": "Đơn vị",
    "status_4": "đang giải quyết",
    "status_9": "có kết quả",
}


@pytest.mark.guarantee(
    "intake", "the form of a source's exports is made on the page from a file's headings, status words and first rows"
)
def test_form_is_made_of_a_files_headings_tried_and_saved(staff, folder, mailbox, an_hour_later):
    first = staff.get(PAGE)
    assert "Chưa khai mẫu, nên chưa đọc được tệp nào" in words(first)
    assert "Chưa có tệp để đọc thử" in words(press(staff, first, "try", **TYPED))
    words_of = {f"{NHA_TRANG}-261120-0001": "Đang giải quyết", f"{NHA_TRANG}-261120-0002": "Đóng"}
    content = file_of(*(f"{code};{word};0905123456" for code, word in words_of.items()), headings=HEADINGS)
    sample = send(staff, content, "xuất.csv", decision="form")
    assert "Cột trong tệp: Số hồ sơ; Tình trạng; SĐT." in words(sample)
    assert '<option value="Tình trạng">' in sample.text
    tried = press(staff, sample, "try", **TYPED)
    told = words(tried)
    assert "Đọc thử tệp xuất.csv" in told
    assert "2 dòng 2 hồ sơ 1 dòng không nhận" in told
    assert "Đóng (1 dòng): chưa hiểu" in told
    assert f"{NHA_TRANG}-261120-0001" in told
    assert "09•• ••• 456" in told
    assert "0905123456" not in tried.text
    assert forms() == [], "a form that is only tried must not be saved"
    again = press(staff, tried, "try", status_10="đóng")
    assert "2 dòng 2 hồ sơ 0 dòng không nhận" in words(again)
    saved = press(staff, again, "save")
    assert saved.status_code == 303
    assert "Đã ghi yêu cầu. Mẫu chưa đổi" in words(staff.get(saved.headers["location"]))
    assert forms() == [], "a form must not take effect before the Department was told by mail"
    assert "said=form_asked_before" in press(staff, again, "save").headers["location"]
    assert an_hour_later().ended == {"done": 1}
    assert "Trạng thái 9 Đã xử lý xong: có kết quả." in mailbox[0][2]
    (kept,) = forms()
    form = form_of(dict(kept.form))
    assert kept.set_by == "lan"
    assert form.columns["dossier_code"] == ("Mã hồ sơ", "Số hồ sơ")
    assert form.statuses == {4: ("đang giải quyết",), 9: ("có kết quả",), 10: ("đóng",)}
    assert "said=form_same" in press(staff, staff.get(PAGE), "save").headers["location"]
    assert len(forms()) == 1


def test_form_is_tried_on_the_newest_file_of_the_folder_and_on_a_sheet_that_it_names(staff, folder):
    set_form_of(FORM)
    folder.mkdir(parents=True)
    (folder / "a.csv").write_bytes(file_of(line("H-1", step="Gọi 0912345678")))
    tried = press(staff, staff.get(PAGE), "try")
    assert "Đọc thử tệp a.csv" in words(tried)
    assert "Gọi 09•• ••• 678" in words(tried)
    assert "0912345678" not in tried.text
    assert "1 dòng 1 hồ sơ 0 dòng không nhận" in words(tried)
    book = openpyxl.Workbook()
    book.active.append(["Ghi chú"])
    book.create_sheet("Hồ sơ").append(["Mã hồ sơ", "Trạng thái"])
    book["Hồ sơ"].append([f"{NHA_TRANG}-261120-0001", "Đang xử lý"])
    stream = io.BytesIO()
    book.save(stream)
    sample = send(staff, stream.getvalue(), "b.xlsx", decision="form")
    assert "Với mẫu này cả tệp không được nhận." in words(sample)
    tried = press(staff, sample, "try", sheets="Hồ sơ")
    assert "1 dòng 1 hồ sơ 0 dòng không nhận" in words(tried)


def test_what_is_wrong_with_a_form_is_told_at_its_field_and_what_was_typed_stays(staff, folder, an_hour_later):
    typed = TYPED | {
        "column_dossier_code": " ; ",
        "column_step": "tinh trang",
        "status_3": "…",
        "other_status": "0",
        "other_meaning": "lạ",
        "least_percent": "abc",
        "kind": "else",
        "at_desk": "x" * 501,
    }
    answer = press(staff, staff.get(PAGE), "save", **typed)
    assert answer.status_code == 422
    faults = dict(re.findall(r'<p class="fault" id="loi-(\w+)">([^<]*)', answer.text))
    assert faults["column_dossier_code"] == "Cần tên cột."
    assert "đã có ở mục khác" in faults["column_step"]
    assert faults.keys() >= {"status_3", "other_status", "least_percent", "kind", "at_desk"}
    assert shown(answer)["column_applicant_phone"] == "SĐT"
    assert shown(answer)["other_meaning"] == "lạ"
    assert forms() == []
    assert press(staff, staff.get(PAGE), "save", **TYPED, token="x").status_code == 403
    assert press(staff, staff.get(PAGE), "else").status_code == 400
    assert press(staff, staff.get(PAGE), "save", **TYPED, other_status="77").status_code == 422
    other = press(staff, staff.get(PAGE), "save", **TYPED, other_status="77", other_meaning="Lạ")
    assert other.status_code == 303
    an_hour_later()
    assert shown(staff.get(PAGE))["status_77"] == "Lạ"
    assert forms()[0].form["statuses"]["77"] == ["Lạ"]


@pytest.mark.guarantee(
    "intake", "each form of exports is stored with the person who set it, and an older form can be set again"
)
def test_older_form_is_opened_and_set_back(staff, folder, an_hour_later):
    set_form_of(FORM)
    set_form_of(FORM.replace("[Trạng thái]", "[Tình trạng]"))
    old, page = forms()[1], staff.get(PAGE)
    assert "Trạng thái: Trạng thái → Tình trạng" in words(page)
    opened = staff.get(f"{PAGE}&no={old.form_no}")
    assert "Đang mở mẫu cũ" in words(opened)
    assert shown(opened)["column_status"] == "Trạng thái"
    assert press(staff, opened, "save").status_code == 303
    an_hour_later()
    assert len(forms()) == 3
    assert forms()[0].form == old.form
    taken = staff.get(f"{PAGE.replace('form?', 'form/file?')}&format=csv").content.decode("utf-8-sig")
    assert "Tình trạng" in taken
    assert staff.get(f"{PAGE}&no=999").status_code == 404


def test_form_that_others_set_meanwhile_is_not_overwritten(staff, folder, an_hour_later):
    """A person who saves an old state of a form must not undo what another person saved meanwhile."""
    set_form_of(FORM)
    page = staff.get(PAGE)
    set_form_of(FORM.replace("[Trạng thái]", "[Tình trạng]"))
    answer = press(staff, page, "save", column_step="Công đoạn")
    assert answer.status_code == 409
    assert "trong lúc đó mẫu đã được đổi" in words(answer)
    assert "Trạng thái: Trạng thái → Tình trạng" in words(answer)
    assert shown(answer)["column_step"] == "Công đoạn"
    assert len(forms()) == 2
    assert press(staff, answer, "save", column_status="Tình trạng").status_code == 303
    set_form_of(FORM)
    assert an_hour_later().ended == {"changed": 1}, "a request must have no effect if the form was changed meanwhile"
    answer = press(staff, staff.get(PAGE), "save", column_step="Công đoạn")
    an_hour_later()
    assert forms()[0].form["columns"]["step"] == ["Công đoạn"]


@pytest.mark.guarantee(
    "intake",
    "an agency sets the form of its exports, but not how many missing dossiers make an export count as cut off",
)
def test_agency_sets_its_form_and_not_what_is_the_departments(staff, folder, an_hour_later):
    set_form_of(FORM)
    VISITING.visit_as("agency", NHA_TRANG, TU_PHAP, name="hoa")
    page = staff.get(PAGE)
    assert press(staff, page, "save", column_step="Công đoạn", least_percent="0").status_code == 303
    an_hour_later()
    form = forms()[0]
    assert (form.set_by, form.form["least_percent"], form.form["columns"]["step"]) == ("hoa", 70, ["Công đoạn"])
    VISITING.visit_as("agency", NHA_TRANG)
    assert staff.get(PAGE).status_code == 403
    assert staff.get(f"{PAGE.replace('form?', 'form/file?')}&format=csv").status_code == 403
    own = token_of(staff, "/motcua/dossiers")
    for decision in ("open", "try", "save"):
        assert press(staff, page, decision, token=own, column_step="x").status_code == 403, decision
    VISITING.visit_as("auditor")
    seen = staff.get(PAGE)
    assert "Lịch sử mẫu" in words(seen)
    assert "Lưu mẫu" not in words(seen)
    assert press(staff, page, "save", column_step="x").status_code == 403
    VISITING.visit_as("operator")
    assert press(staff, staff.get(PAGE), "save", least_percent="50").status_code == 303
    an_hour_later()
    assert forms()[0].form["least_percent"] == 50


def test_source_that_was_not_opened_says_what_to_do(staff, folder):
    text = words(staff.get(PAGE.replace(SOURCE, "khac")))
    assert "Nguồn này chưa được mở" in text
    assert "quản trị hệ thống phải khai trước tệp của nguồn là của cơ quan nào" in text
    given = {"token": token_of(staff, PAGE), "source": "khac", "decision": "save", "seen": "0", "kind": "whole"}
    assert staff.post(PAGE.partition("?")[0], data=given | TYPED | {"least_percent": "70"}).status_code == 409


def test_form_is_the_same_after_it_was_shown_and_sent():
    """A form that is opened and sent unchanged counts as unchanged, although the page turns ``a;b`` into ``a,b``."""
    form = read_export_form(FORM + "submitted_via: {online: [Mạng]}\nsheets: ['a;b']\n")
    typed = TypedForm.of_form(form)
    fields = typed.fields | {"kind": typed.kind, "least_percent": typed.least_percent, "supplements_at_desk": "yes"}
    del fields["other_status"]
    read, faults = TypedForm.of_sent(fields, None).read()
    assert faults == {}
    assert read is not None
    assert read == form.model_copy(update={"sheets": ("a,b",)})
    assert changes_of(form, read) == []
