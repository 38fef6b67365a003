"""Test the page of exported files: what became of each file, what was wrong in it, and who may see it."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest

from motcua.jobs.exports.forms import Column, read_export_form
from motcua.jobs.handed_in.faults import FileFault
from motcua.reports import wording
from motcua.store.intake.clients import change_client, open_account
from motcua.store.intake.exports import (
    Became,
    ExportState,
    SeenFile,
    finish_file,
    form_in_force,
    list_exports,
    see_file,
    set_form,
)
from motcua.store.ledger.database import connect
from tests.ground import NHA_TRANG, TU_PHAP, in_ledger
from tests.web.visiting import VISITING, token_of, words

SOURCES = "/motcua/quality/sources"
PAGE = f"{SOURCES}/exports"
SOURCE = "tep"
FORM = """
kind: whole
columns: {dossier_code: [Mã hồ sơ, Số hồ sơ], status: [Trạng thái]}
statuses: {4: [Đang xử lý], 9: [Chờ trả]}
"""
FEW = FileFault("few_dossiers", values={"before": 40, "now": 3})
BAD = FileFault("unknown_word", "Hồ sơ 0905123456", 3, "Trạng thái", {"word": "…", "known": "Đang xử lý, Chờ trả"})


@pytest.fixture
def folder(staff, configure):
    """Return a browser at the pages. The settings name a source that is read from files and has no form yet."""
    configure(MOTCUA_SOURCES=f"khanhhoa,{SOURCE}=files")
    return staff


@pytest.fixture
def file(folder):
    """Return a function that records an exported file with its outcome and returns the file's number."""

    def note(name, state="taken", *faults, **counts):
        now = datetime.now(UTC)
        with connect() as connection:
            if form_in_force(connection, SOURCE) is None:
                open_account(connection, SOURCE, [NHA_TRANG, TU_PHAP], "hoa", now)
                set_form(connection, SOURCE, read_export_form(FORM).model_dump(mode="json"), "hoa", now)
            kept = form_in_force(connection, SOURCE)
            assert kept is not None
            seen = see_file(connection, SOURCE, SeenFile(name, 100, now), now)
            if state != "waiting":
                became = Became(state, kept.form_no, True, now, exported_at=now, faults=faults, **counts)
                finish_file(connection, seen.export_no, became)
            return seen.export_no

    note.staff = folder
    return note


def of(no):
    return f"{PAGE}?source={SOURCE}&no={no}"


def taken(http, of_what, no="", form="csv"):
    answer = http.get(f"{PAGE}/file?format={form}&of={of_what}&source={SOURCE}&no={no}")
    return answer.content.decode("utf-8-sig").splitlines()[1:] if answer.status_code == 200 else answer.status_code


def accept(http, no, reason="Đã lọc theo quý", **changes):
    token = token_of(http)
    fields = {"token": token, "source": SOURCE, "no": str(no), "reason": reason}
    return http.post(PAGE, data=fields | changes)


def vanish(rows, no, code="H-9", agency=NHA_TRANG, status=4):
    """Insert a dossier that an earlier file had and file ``no`` no longer has."""
    rows(
        "WITH gone AS ("
        "INSERT INTO intake.pushed_dossiers"
        " (source, agency_code, dossier_code, client_id, fields, status_code, arrived_at, updated_at,"
        " supplement_at_desk) SELECT %s, %s, %s, client_id, '{}', %s, now(), now(), false"
        " FROM intake.clients RETURNING dossier_no)"
        " INSERT INTO intake.exported_dossiers"
        " SELECT dossier_no, %s, now(), now(), decode(repeat('00', 32), 'hex'), %s FROM gone",
        SOURCE, agency, code, status, no, no,
    )  # fmt: skip


@pytest.mark.guarantee(
    "intake", "each exported file is shown with its state and why, its refused lines by line and column"
)
def test_each_file_is_shown_with_what_became_of_it_and_its_refused_lines(file):
    counts = {"lines": 1200, "dossiers": 1150, "added": 31, "moved": 17, "refused": 19, "vanished": 3}
    good = file("ho-so 1.csv", "taken", BAD, FileFault("cells_beyond", None, 7), **counts)
    file("ho-so 2.csv", "refused", FEW)
    for state in ("repeated", "outdated", "waiting"):
        file(f"{state}.csv", state)
    text = words(file.staff.get(f"{PAGE}?source={SOURCE}"))
    for expected in (
        "ho-so 1.csv toàn bộ hồ sơ",
        "đã nhận 1.200 31 17 19 3",
        "không nhận Tệp xuất toàn bộ chỉ còn 3 hồ sơ, lần trước có 40",
        "trùng tệp đã nhận Giống hệt",
        "cũ hơn tệp đã nhận Xuất trước",
        "chờ đọc Tệp được đọc khi đã ghi xong, tức là không đổi trong 20 giây",
    ):
        assert expected in text, expected
    text = words(file.staff.get(of(good)))
    assert "3 Trạng thái trang tính “Hồ sơ 09" in text
    assert "dòng 3, cột “Trạng thái”: không hiểu “…”" in text
    assert "0905123456" not in text
    assert [line.split(",")[:2] for line in taken(file.staff, "export_faults", good)] == [
        ["3", "Trạng thái"],
        ["7", ""],
    ]
    assert [line.split(",")[1] for line in taken(file.staff, "exports")][-1] == "ho-so 1.csv"
    text = words(file.staff.get(PAGE))
    assert "Mã hồ sơ Mã hồ sơ, Số hồ sơ Trạng thái Trạng thái" in text
    assert "Mỗi tệp có toàn bộ hồ sơ. hoa khai lúc" in text
    assert "Trạng thái: Đang xử lý (4); Chờ trả (9)." in text
    assert taken(file.staff, "export_form")[0] == 'Mã hồ sơ,"Mã hồ sơ, Số hồ sơ"'
    assert file.staff.get(of(999)).status_code == 404
    assert file.staff.get(f"{PAGE}?source=khanhhoa").status_code == 404


def test_page_says_that_there_is_no_source_no_form_and_no_file(staff, configure):
    assert "Không có nguồn nào nhận tệp." in words(staff.get(PAGE))
    assert "Nguồn nhận tệp" not in words(staff.get(SOURCES))
    configure(MOTCUA_SOURCES=f"khanhhoa,{SOURCE}=files,khac=files")
    text = words(staff.get(PAGE))
    assert "Chưa thấy tệp nào trong thư mục của nguồn tep." in text
    assert "Chưa khai mẫu tệp, nên chưa đọc được tệp nào" in text
    assert f'href="{PAGE}?source=khac"' in staff.get(PAGE).text
    assert f'href="{PAGE}?source={SOURCE}"' in staff.get(SOURCES).text


def test_long_list_is_turned_by_pages(file, rows):
    file("ho-so 0.csv")
    rows(
        "INSERT INTO intake.exports (source, name, size, modified_at, seen_at, state, read_at)"
        " SELECT %s, 'tep ' || n || '.csv', 1, now(), now(), 'repeated', now() FROM generate_series(1, 15) AS n",
        SOURCE,
    )
    first = file.staff.get(PAGE)
    assert "ho-so 0.csv" not in first.text
    (older,) = re.findall(r'href="[^"]*\?([^"]*)" rel="next"', first.text)
    assert "ho-so 0.csv" in file.staff.get(f"{PAGE}?{older.replace('&amp;', '&')}").text
    assert len(taken(file.staff, "exports")) == 16


@pytest.mark.guarantee("intake", "an operator can accept a file that was refused as incomplete, and must give a reason")
def test_refused_file_is_taken_as_it_is_by_an_operator_with_a_reason(file):
    no = file("ho-so 1.csv", "refused", FEW)
    assert "Nhận tệp này" in file.staff.get(of(no)).text
    for reason, told in (("  ", "Cần ghi lý do"), ("gọi 0905123456", "không được có số điện thoại")):
        answer = accept(file.staff, no, reason)
        assert answer.status_code == 422
        assert told in words(answer)
        assert f'name="reason" required maxlength="200" autocomplete="off" value="{reason}"' in answer.text
    assert accept(file.staff, no, token="x").status_code == 403
    assert [each.state for each in in_ledger(list_exports, SOURCE)] == ["refused"]
    answer = accept(file.staff, no)
    assert answer.status_code == 303
    text = words(file.staff.get(answer.headers["location"]))
    assert "Đã xác nhận." in text
    assert "lan xác nhận lúc" in text
    assert "Đã lọc theo quý" in text
    (export,) = in_ledger(list_exports, SOURCE)
    assert (export.state, export.accepted_by, export.accepted_why) == ("waiting", "lan", "Đã lọc theo quý")
    assert "said=not_refused" in accept(file.staff, no).headers["location"], (
        "an accepted file is waiting and no longer refused"
    )


def test_file_that_is_refused_for_what_nobody_can_know_better_is_not_taken(file):
    """An operator may accept an incomplete file, but not a file that cannot be read."""
    no = file("ho-so 1.csv", "refused", FileFault("not_a_table"))
    assert "Nhận tệp này" not in file.staff.get(of(no)).text
    assert "said=not_refused" in accept(file.staff, no).headers["location"]
    assert [each.state for each in in_ledger(list_exports, SOURCE)] == ["refused"]


@pytest.mark.guarantee(
    "intake", "an agency's user sees only exported files that could never hold another agency's dossiers"
)
def test_agency_sees_files_that_can_tell_of_no_other_agency_and_never_could(file, rows):
    no = file("ho-so 1.csv", "refused", FEW)
    vanish(rows, no)
    for agencies, seen in (((NHA_TRANG, TU_PHAP), True), ((NHA_TRANG,), False), ((), False)):
        VISITING.visit_as("agency", *agencies)
        assert (f"source={SOURCE}" in file.staff.get(SOURCES).text) == seen
        for address in (f"{PAGE}?source={SOURCE}", of(no)):
            assert file.staff.get(address).status_code == (200 if seen else 403)
        assert (taken(file.staff, "vanished") == 403) != seen
        assert ("ho-so 1.csv" in file.staff.get(PAGE).text) == seen
        assert accept(file.staff, no).status_code == 403
    in_ledger(change_client, SOURCE, "changed", by="hoa", now=datetime.now(UTC), agencies=[NHA_TRANG])
    VISITING.visit_as("agency", NHA_TRANG)
    assert file.staff.get(of(no)).status_code == 403, "a file that may hold another agency's dossiers must be refused"
    assert "Nhận tệp này" not in file.staff.get(PAGE).text


@pytest.mark.guarantee("intake", "auditors see no file's name, dossier's code or number in exports")
def test_auditor_sees_no_name_of_a_file_and_no_code(file, rows):
    no = file("Nguyen Van A 0905123456.csv", "refused", FEW, BAD)
    vanish(rows, no)
    VISITING.visit_as("auditor")
    text = words(file.staff.get(of(no)))
    assert f"tệp số {no}" in text
    assert "chỉ còn 3 hồ sơ" in text
    told = " ".join(
        [text, *taken(file.staff, "exports"), *taken(file.staff, "vanished"), *taken(file.staff, "export_faults", no)]
    )
    for hidden in ("Nguyen", "0905", "••", "***", "H-9", "Hồ sơ 09"):
        assert hidden not in told, hidden
    assert "Nhận tệp này" not in text
    assert accept(file.staff, no).status_code == 403
    VISITING.visit_as("operator")
    text = words(file.staff.get(of(no)))
    assert "Nguyen Van A" in text
    assert "0905123456" not in text
    assert "H-9" in text
    assert [line.split(",")[-1] for line in taken(file.staff, "vanished")] == ["H-9"]


def test_every_state_and_every_column_of_a_form_has_words():
    said = wording.list_words()["exported"]
    states = set(ExportState.__args__)  # type: ignore[attr-defined]
    assert said["state"].keys() == states
    assert said["column"].keys() == set(Column.__args__)  # type: ignore[attr-defined]
