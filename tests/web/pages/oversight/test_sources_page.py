"""Test the page about sources: when each source was last read, which rows are unusable, and what each status means."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Any

import pytest
import yaml

from motcua.domain.clock import VIETNAM
from motcua.domain.run_window import EVERYTHING
from motcua.jobs.checking.checking import check_source
from motcua.jobs.notices.picking_up import pick_up
from motcua.reports import wording
from motcua.settings import include_dir
from motcua.store.intake.clients import Password, change_client, register_client
from motcua.store.ledger.database import connect
from motcua.store.notices.sources import map_status, note_failure
from tests.ground import NHA_TRANG, NOW, TU_PHAP, in_ledger, type_command
from tests.web.ledger_rows import put
from tests.web.visiting import VISITING, words

PAGE = "/motcua/quality/sources"
STRANGE = "000.99.99.H32"


@pytest.fixture
def read(staff: Any, one_stop: Any) -> Any:
    """Read a source with unusable rows of each kind, and return the source."""
    one_stop.both(11, "odd status", NHA_TRANG)
    one_stop.dossier("nobody's", STRANGE)
    one_stop.move(4, "lost", TU_PHAP)
    one_stop.dossier("fine", TU_PHAP)
    pick_up("khanhhoa", EVERYTHING, NOW)
    return one_stop


def forms_of(page: str) -> list[dict[str, str]]:
    forms = re.findall(r'<form class="map.*?</form>', page, re.DOTALL)
    return [{n: unescape(v) for n, v in re.findall(r'name="(\w+)" value="([^"]*)"', form)} for form in forms]


@pytest.mark.guarantee("pages", "unusable rows of a source are shown by reason, with what makes them usable")
def test_rows_that_cannot_be_used_are_told_by_reason_with_what_heals_them(read, staff):
    text = words(staff.get(PAGE))
    for expected in (
        "mã trạng thái lạ; khai trạng thái đó nghĩa là gì",
        "Sở khai trạng thái này nghĩa là gì, ngay ở trang này.",
        STRANGE,
        "Quản trị hệ thống khai cơ quan, hoặc khai mã này là cách viết khác",
        "bước xử lý của hồ sơ chưa thấy ở nguồn Dòng bước xử lý Ví dụ hồ sơ lost",
        "khanhhoa",
        "đọc được",
    ):
        assert expected in text, expected
    in_ledger(note_failure, "khanhhoa", "OperationalError: gọi 0905 123 456", NOW)
    failing = words(staff.get(PAGE))
    assert "đang lỗi" in failing
    assert "OperationalError" in failing
    assert "0905" not in failing
    for of, rows in (("sources", 1), ("unusable", 3), ("status_maps", 0)):
        taken = staff.get(f"{PAGE}/file?format=csv&of={of}").content.decode("utf-8-sig").splitlines()
        assert len(taken) == rows + 1, of
        assert staff.get(f"{PAGE}/file?format=xlsx&of={of}").status_code == 200


@pytest.mark.guarantee("pages", "a source's status is mapped on the page as by the command, and stored with the person")
def test_status_is_mapped_on_the_page_and_its_rows_go_on(read, staff, rows, an_hour_later):
    (form,) = forms_of(staff.get(PAGE).text)
    assert (form["source"], form["written"]) == ("khanhhoa", "11")
    assert staff.post(PAGE, data=form).status_code == 422, "a form without a choice must be refused"
    assert staff.post(PAGE, data=form | {"stands_for": "11"}).status_code == 422
    assert staff.post(PAGE, data=form | {"stands_for": "9", "token": "x"}).status_code == 403
    for odd in ("", "x", "40000", "1; DROP"):
        assert staff.post(PAGE, data=form | {"stands_for": "9", "written": odd}).status_code == 400
    assert rows("SELECT * FROM motcua.status_maps") == []
    sent = staff.post(PAGE, data=form | {"stands_for": "4"})
    assert (sent.status_code, sent.headers["location"]) == (303, f"{PAGE}?said=mapped")
    assert in_ledger(map_status, "khanhhoa", 11, 4, "minh"), "mapping the same status again is no error"
    assert in_ledger(map_status, "khanhhoa", 11, 9, "minh")
    text = words(staff.get(PAGE))
    assert "9 Đã xử lý xong (trước đó 4 Đang xử lý)" in text
    kept = rows("SELECT status_before, status_code, changed_by FROM motcua.status_map_changes ORDER BY change_id")
    assert [tuple(each.values()) for each in kept] == [(None, 4, "lan"), (4, 9, "minh")]
    (again,) = forms_of(staff.get(PAGE).text)[1:]
    assert staff.post(PAGE, data=again | {"stands_for": "4"}).status_code == 303, (
        "a new mapping must replace the earlier one"
    )
    an_hour_later()
    pick_up("khanhhoa", EVERYTHING, NOW + timedelta(hours=1))
    assert rows("SELECT status_code FROM motcua.transitions") == [{"status_code": 4}]
    assert "mã trạng thái lạ" not in words(staff.get(PAGE))
    unknown = staff.post(PAGE, data=again | {"stands_for": "4", "source": "nowhere"})
    assert unknown.headers["location"] == f"{PAGE}?said=unknown_source"


@pytest.mark.guarantee(
    "pages",
    "on the page of sources agencies see their own rows, auditors no dossier code; only the Department maps statuses",
)
def test_agency_sees_its_own_rows_auditors_no_code_and_neither_maps(read, staff):
    (form,) = forms_of(staff.get(PAGE).text)
    in_ledger(note_failure, "khanhhoa", "OperationalError: nguyên nhân", NOW)
    VISITING.visit_as("agency", TU_PHAP)
    own = words(staff.get(PAGE))
    assert "lost" in own
    assert "đang lỗi" in own
    for others in ("odd status", "nobody", STRANGE, "Trạng thái đã khai", "nguyên nhân"):
        assert others not in own, others
    assert staff.post(PAGE, data=form | {"stands_for": "4"}).status_code == 403
    assert staff.get(f"{PAGE}/file?format=csv&of=status_maps").status_code == 403
    VISITING.visit_as("agency")
    assert "khanhhoa" not in words(staff.get(PAGE)), "a user without an agency must see no source"
    VISITING.visit_as("auditor")
    seen = words(staff.get(PAGE))
    assert "mã trạng thái lạ" in seen
    assert "odd status" not in seen
    assert "lost" not in seen
    assert forms_of(staff.get(PAGE).text) == []
    assert staff.post(PAGE, data=form | {"stands_for": "4"}).status_code == 403
    assert "odd status" not in staff.get(f"{PAGE}/file?format=csv&of=unusable").text


@pytest.mark.guarantee(
    "pages", "the last check of a source is shown on a page and as a file, with what its vendor must do"
)
def test_last_check_of_a_source_is_shown_with_what_its_vendor_is_to_do(read, staff):
    page = f"{PAGE}/check?source=khanhhoa"
    assert "chưa được kiểm tra lần nào" in words(staff.get(page))
    assert "chưa lần nào" in words(staff.get(PAGE))
    assert staff.get(f"{PAGE}/check?source=hue").status_code == 404
    read.dossier("H32.30-261125-0009", NHA_TRANG)
    read.move(11, "H32.30-261125-0009", NHA_TRANG)
    check_source("khanhhoa")
    text = words(staff.get(page))
    told = ("Phải sửa trước khi nhắn tin", "Tài khoản có toàn quyền máy chủ", "Ví dụ hồ sơ", "Cấp một tài khoản khác")
    for expected in told:
        assert expected in text, expected
    assert "phải sửa" in words(staff.get(PAGE))
    taken = staff.get(f"{PAGE}/check/file?format=csv&source=khanhhoa").content.decode("utf-8-sig")
    assert "Tài khoản có toàn quyền máy chủ" in taken
    assert "Ví dụ mã hồ sơ" in taken
    VISITING.visit_as("auditor")
    assert "Ví dụ hồ sơ" not in words(staff.get(page))
    assert "Ví dụ mã hồ sơ" not in staff.get(f"{PAGE}/check/file?format=csv&source=khanhhoa").text
    VISITING.visit_as("agency", NHA_TRANG)
    assert staff.get(page).status_code == 403
    assert "Kiểm tra nguồn" not in words(staff.get(PAGE))


# --- Clients that push: what was wrong in their rows, and which citizens could not be informed -----------------------


@pytest.fixture
def pushing(staff, rows):
    """Make two clients of different agencies: one pushed today, including supplements, and the other never pushed."""
    now = datetime.now(UTC)
    with connect() as connection:
        for name, code in (("hue", NHA_TRANG), ("idle", TU_PHAP)):
            register_client(
                connection, name, name, Password.of("x"), [code], [], supplements_at_desk=False, by="lan", now=now
            )
    (client,) = rows("SELECT client_id FROM intake.clients WHERE name = 'hue'")
    day = client | {"day": now.astimezone(VIETNAM).date()}
    for service in ("DongBoHoSoMC", "CapNhatTienDoHoSoMC"):
        figures = {"calls": 7, "taken": 1100, "repeated": 41, "refused": 23}
        put(rows, "intake.client_days", service=service, last_at=now, **day, **figures)
    for fault, field, records in (("field_unreadable", "=NgayHenTra", 12), ("brand_new", "", 1)):
        told = {"service": "DongBoHoSoMC", "fault": fault, "field": field, "records": records}
        put(rows, "intake.faults", last_at=now, **day, **told)
    for code, transition, agency, status, at_desk in (
        ("waits", None, None, 4, False),
        ("untold", 1, NHA_TRANG, 5, False),
        ("untold", 2, NHA_TRANG, 5, False),
        ("said", 3, NHA_TRANG, 5, True),
        ("result", 4, NHA_TRANG, 9, False),
    ):
        put(
            rows, "intake.pushed_steps", source="hue", transition_id=transition, agency_code=agency, dossier_code=code,
            fields={}, status_code=status, supplement_at_desk=at_desk, is_timed=False, occurred_at=now, recorded_at=now,
            digest=f"{code}{transition}".encode(), **client,
        )  # fmt: skip
    return staff


def taken(http, of):
    answer = http.get(f"{PAGE}/file?format=csv&of={of}")
    return answer.content.decode("utf-8-sig").splitlines()[1:] if answer.status_code == 200 else answer.status_code


@pytest.mark.guarantee("intake", "each client's last push, records, refusals, waiting steps and faults are shown")
def test_page_shows_each_client_with_what_it_pushed_and_what_was_wrong(pushing):
    text = words(pushing.get(PAGE))
    assert "hue hue" in text
    assert "2.200 82 46 1 đang đẩy" in text
    assert "chưa lần nào" in text
    assert "chưa đẩy lần nào" in text
    assert "Không đọc được trường này; các trường khác vẫn nhận hue =NgayHenTra 12" in text
    assert "brand_new hue – 1" in text, "a fault without words must be shown by its name"
    assert [line.split(",")[0] for line in taken(pushing, "pushes")] == ["hue", "idle"]
    assert len(taken(pushing, "push_faults")) == 2
    (untold,) = taken(pushing, "supplements")
    assert untold.startswith(f"hue,{NHA_TRANG},")
    assert untold.endswith(",1"), "two steps of a dossier must count once, and a supplement at the desk not at all"


def test_silent_client_and_one_that_is_disabled_are_told_as_such(pushing, rows):
    rows("INSERT INTO motcua.alerts (name, subject, raised_at, facts) VALUES ('push_silent', 'hue', now(), '{}')")
    assert "1 ngừng đẩy" in words(pushing.get(PAGE))
    with connect() as connection:
        change_client(connection, "hue", "disabled", by="lan", now=datetime.now(UTC), enabled=False)
    text = words(pushing.get(PAGE))
    assert "1 đã khóa" in text
    assert "ngừng đẩy" not in text


@pytest.mark.guarantee("intake", "an agency sees the software that pushes for it, and no other agency's figure")
def test_agency_sees_its_own_software_and_no_sum_over_others(pushing):
    VISITING.visit_as("agency", NHA_TRANG)
    text = words(pushing.get(PAGE))
    assert "hue hue" in text
    for others in ("idle", "2.200", "field_unreadable", "NgayHenTra"):
        assert others not in text, others
    assert [line.split(",")[0] for line in taken(pushing, "pushes")] == ["hue"]
    assert len(taken(pushing, "supplements")) == 1
    assert taken(pushing, "push_faults") == 403
    VISITING.visit_as("agency", TU_PHAP)
    assert taken(pushing, "supplements") == []


def test_account_of_a_source_that_drops_files_is_none_that_pushes(pushing, configure):
    """The page must not list the account of a source whose software delivers its dossiers as files.

    Nobody signs in with this account. The page would show the account as disabled, and staff would look for a fault.
    """
    configure(MOTCUA_SOURCES="hue=national_sync,idle=files")
    assert [line.split(",")[0] for line in taken(pushing, "pushes")] == ["hue"]
    assert "idle idle" not in words(pushing.get(PAGE))
    listed = type_command("intake", "list").output
    assert ["drops files" in line for line in listed.splitlines() if line.startswith("idle")] == [True]


def test_check_of_a_source_that_is_pushed_says_what_stands_for_the_columns_of_views(pushing, configure):
    """If software pushes to the source, the check must name the vendor's field beside each column of the contract."""
    configure(MOTCUA_SOURCES="hue=national_sync")
    assert check_source("hue").findings
    assert "received_at là NgayTiepNhan" in words(pushing.get(f"{PAGE}/check?source=hue"))
    told = type_command("sources", "check", "hue", exits=None).output
    assert "received_at là NgayTiepNhan" in " ".join(told.split())


def test_page_says_that_nothing_pushes(staff):
    assert "Không có phần mềm nào đẩy dữ liệu" in words(staff.get(PAGE))
    assert taken(staff, "pushes") == []


def test_every_reason_of_a_refusal_has_words_for_staff():
    answers = yaml.safe_load((include_dir() / "templates/intake/answers.vi.yaml").read_text(encoding="utf-8"))
    assert answers["reason"].keys() <= wording.list_words()["pushed"]["fault"].keys()
