"""Test citizens' requests for an export or an erasure of their data.

An export is complete and has no data of other citizens. An erasure asks for confirmation first. Both are recorded.
"""

from __future__ import annotations

import io
import stat
from datetime import timedelta

import openpyxl
import psycopg
import pytest

from motcua.domain.clock import VIETNAM
from motcua.jobs.personal_data import purge
from motcua.store.agencies import save_agencies
from motcua.store.ledger.database import connect
from motcua.store.personal_data import held_of
from tests.ground import NHA_TRANG, TU_PHAP, agency, in_ledger, type_command
from tests.integration.personal_data.conftest import NAME, NOW, PHONE, THEN, complain, quarantine
from tests.integration.personal_data.test_purging import ask

PAPER = "Đơn số 7/2026"
OTHER = "0918 222 937"
SPELLINGS = ["0905123456", "+84 905 123 456", "(090) 512-3456"]
"""Spellings of the fixtures' phone number."""


def run(*arguments, typed=""):
    return type_command("personal-data", *arguments, exits=None, columns=300, input=typed)


def export(to, *arguments, typed="", because=PAPER):
    """Run the export; return the command's result, the rows of its workbook and the text of its HTML sheet."""
    answer = run("export", *arguments, "--because", because, "--to", str(to), typed=typed)
    if answer.exit_code != 0:
        return answer, [], ""
    book = openpyxl.load_workbook(io.BytesIO(to.with_name(f"{to.name}.xlsx").read_bytes()))
    rows = [[cell.value for cell in row] for row in book.active.iter_rows()]
    head = next(number for number, row in enumerate(rows) if row[0] == "Loại")
    return answer, rows[head + 1 :], to.with_name(f"{to.name}.html").read_text(encoding="utf-8")


def of_code(code, agency=NHA_TRANG):
    return ("--agency", agency, "--code", code)


def words(found):
    return "\n".join(str(cell) for row in found for cell in row)


def fill_all(past, rows):
    """Write data of the fixtures' citizen into every column that a purge empties."""
    past.told_and_ended("D-1")
    past.one_stop.move(99, "D-1", at=THEN, note=PHONE)
    past.run(THEN + timedelta(hours=2))
    quarantine(rows, "D-1")
    complain(rows, "D-1", withdrawn=True)
    push(rows, "D-1")
    ask(rows, NOW, message_id="35-1")
    rows("UPDATE motcua.attempts SET gateway_reference = 'theirs'")


def push(rows, code):
    """Write the dossier ``code`` and one step of the dossier, as if one-stop software had pushed both."""
    rows(
        "INSERT INTO intake.clients (name, source, salt, password_digest, made_at)"
        " VALUES ('hue', 'hue', sha256('x'), sha256('x'), now())"
    )
    rows(
        "INSERT INTO intake.pushed_dossiers (source, agency_code, dossier_code, client_id, fields, supplement_at_desk,"
        " arrived_at, updated_at) SELECT 'hue', agency_code, dossier_code, client_id,"
        " jsonb_build_object('ChuHoSo', applicant_name), FALSE, now(), now() FROM motcua.dossiers, intake.clients"
        " WHERE dossier_code = %s", code,
    )  # fmt: skip
    rows(
        "INSERT INTO intake.pushed_steps (source, transition_id, agency_code, dossier_code, client_id, fields,"
        " supplement_at_desk, is_timed, occurred_at, recorded_at, digest) SELECT 'hue', 1, agency_code, dossier_code,"
        " client_id, jsonb_build_object('NguoiXuLy', 'lan.nt'), FALSE, TRUE, now(), now(), sha256('x')"
        " FROM intake.pushed_dossiers WHERE dossier_code = %s", code,
    )  # fmt: skip


@pytest.mark.guarantee("personal-data", "an export to a citizen holds every column that a purge empties")
def test_export_holds_everything_that_a_purge_empties(past, rows):
    fill_all(past, rows)
    covered = {
        (row["of_table"], column)
        for row in rows(
            "SELECT c.relname AS of_table, encode(t.tgargs, 'escape') AS columns FROM pg_trigger AS t"
            " JOIN pg_class AS c ON c.oid = t.tgrelid JOIN pg_proc AS p ON p.oid = t.tgfoid"
            " WHERE p.proname = 'may_only_be_emptied'"
        )
        for column in row["columns"].split("\\000")
        if column
    }
    assert len(covered) > 15
    with connect() as ledger:
        ids = [row["dossier_id"] for row in rows("SELECT dossier_id FROM motcua.dossiers")]
        held = {(each.of_table, each.of_column) for each in held_of(ledger, ids, "+84905123456")}
    assert covered - held == set()


def test_export_holds_nothing_after_an_erasure(past, rows, tmp_path):
    past.told_and_ended("D-1", "D-2")
    ask(rows, NOW)
    _, before, _ = export(tmp_path / "a", "--phone", typed=PHONE)
    assert NAME in words(before)
    answer = run("erase", "--phone", "--yes", "--because", PAPER, "--to", str(tmp_path / "b"), typed=PHONE)
    assert answer.exit_code == 0, answer.output
    assert past.values() == []
    for code in ("D-1", "D-2"):
        _, after, _ = export(tmp_path / code, *of_code(code))
        assert NAME not in words(after)
        assert "905123" not in words(after)
    assert export(tmp_path / "c", "--phone", typed=PHONE)[1] == []


def test_nothing_is_erased_if_the_sheet_for_the_citizen_cannot_be_written(past, tmp_path):
    """Nothing is erased if the citizen's sheet cannot be written or the operator does not confirm.

    The sheet lists the stored data, so nobody could write the sheet after the erasure.
    """
    past.told_and_ended("D-1")
    before = past.values()
    asked = ("erase", "--phone", "--because", PAPER, "--to")
    # No user can make a file in /proc.
    answer = run(*asked, "/proc/phieu", "--yes", typed=PHONE)
    assert (answer.exit_code, "/proc/phieu.html: " in answer.output) == (2, True), answer.output
    # Without a confirmation nothing is erased, and no empty sheet stays behind.
    assert run(*asked, str(tmp_path / "b"), typed=f"{PHONE}\nn\n").exit_code == 1
    assert list(tmp_path.iterdir()) == []
    assert past.values() == before != []


@pytest.mark.guarantee(
    "personal-data",
    "an export by phone number finds the same rows for every spelling, and no row of another citizen",
)
def test_every_spelling_finds_the_same_rows(past, rows, tmp_path):
    past.told_and_ended("D-1", "D-2")
    ask(rows, NOW)
    found = [export(tmp_path / str(place), "--phone", typed=each)[1] for place, each in enumerate(SPELLINGS)]
    assert {row[2] for row in found[0]} == {"D-1", "D-2", ""}
    assert all(each == found[0] for each in found)
    for typed in ("", "12345", "02583 822 222", f"{PHONE} / {OTHER}"):
        answer, _, _ = export(tmp_path / "x", "--phone", typed=typed)
        assert answer.exit_code == 2
        assert "not one number" in answer.output
        assert not typed or typed not in answer.output
    assert list(tmp_path.glob("x.*")) == []
    rows("UPDATE motcua.dossiers SET applicant_name = 'Trần Văn Bình' WHERE dossier_code = 'D-2'")
    answer, _, sheet = export(tmp_path / "b", "--phone", typed=PHONE)
    assert "2 names" in answer.output
    assert "2 người khác nhau" in sheet


@pytest.mark.guarantee(
    "personal-data",
    "an export by phone number finds the same rows for every spelling, and no row of another citizen",
)
def test_nothing_of_another_citizen_is_given(past, rows, tmp_path):
    enabled = agency(TU_PHAP, name="Sở Tư pháp", enabled_from=THEN - timedelta(days=900))
    in_ledger(save_agencies, [enabled], "tests")
    past.told_and_ended("D-1")
    # Another agency has a dossier with the same code, name and number. That desk corrects the number after the message.
    of_another = {
        "received_at": THEN - timedelta(days=2), "due_at": THEN, "status_code": 9, "at_one_stop_desk": True,
        "phone_entered_at": THEN - timedelta(days=2),
    }  # fmt: skip
    past.one_stop.dossier("D-1", TU_PHAP, applicant_phone=PHONE, updated_at=THEN, **of_another)
    past.one_stop.move(9, "D-1", TU_PHAP, at=THEN, note=f"gọi {PHONE}, không phải {OTHER}")
    past.run(THEN)
    mended = THEN + timedelta(hours=2)
    past.one_stop.dossier("D-1", TU_PHAP, applicant_phone=OTHER, updated_at=mended, **of_another)
    past.run(mended)
    past.receipts()
    assert len(rows("SELECT 1 FROM motcua.messages WHERE msisdn = '+84905123456'")) == 2
    # Another citizen asked 9029 about the first dossier.
    rows(
        "WITH d AS (SELECT * FROM motcua.dossiers WHERE agency_code = %s), m AS (INSERT INTO motcua.messages (kind,"
        " dossier_id, agency_code, occasion, state, msisdn, text, template_id, template_version, parameters, accented,"
        " segments, occurred_at, recorded_at, planned_at, useful_until, next_attempt_at, changed_at)"
        " SELECT 'reply', d.dossier_id, d.agency_code, 'inquiry o', 'accepted', '+84987654321', 'Ho so D-1 cua"
        " 0987654321', 'x', 1, '{}', FALSE, 1, now(), now(), now(), now(), now(), now() FROM d RETURNING message_id)"
        " INSERT INTO motcua.inquiries (gateway, dedupe_key, received_at, msisdn, text, asked_code, outcome, fee,"
        " message_id, dossier_id, agency_code, as_of) SELECT 'kannel', 'o', now(), '+84987654321',"
        " 'MCKH lời người khác', 'D-1', 'answered', 1000, m.message_id, d.dossier_id, d.agency_code, now() FROM d, m",
        NHA_TRANG,
    )

    _, first, _ = export(tmp_path / "a", *of_code("D-1"))
    assert {row[1] for row in first} == {NHA_TRANG}
    assert "0905123456" in words(first)
    assert "098765" not in words(first).replace("0987***321", "")
    assert "không cung cấp" in words(first)
    for secret in ("918222937", "918 222 937", "987654321", "lời người khác", TU_PHAP):
        assert secret not in words(first), secret

    _, second, _ = export(tmp_path / "b", *of_code("D-1", TU_PHAP))
    assert {row[1] for row in second} == {TU_PHAP}
    assert OTHER in words(second)
    for secret in ("905123456", "905 123 456", NHA_TRANG):
        assert secret not in words(second), secret

    _, by_number, sheet = export(tmp_path / "c", "--phone", typed=PHONE)
    assert {row[1] for row in by_number} == {NHA_TRANG}
    assert "từng được nhắn cho 1 hồ sơ" in sheet
    _, by_other, sheet = export(tmp_path / "d", "--phone", typed=OTHER)
    assert {row[1] for row in by_other} == {TU_PHAP}
    assert "từng được nhắn" not in sheet


@pytest.mark.guarantee(
    "personal-data",
    "each export or erasure of a citizen's data is recorded with its written request, without the number",
)
def test_who_looked_is_kept_and_listed_without_the_number(past, rows, tmp_path):
    past.told_and_ended("D-1")
    export(tmp_path / "a", *of_code("D-1"))
    export(tmp_path / "b", "--phone", typed=PHONE, because="Đơn [số] 8/2026")
    run("erase", "--phone", "--yes", "--because", PAPER, "--to", str(tmp_path / "c"), typed=PHONE)
    run("erase", NHA_TRANG, "D-1", "--yes", "--because", PAPER)
    kept = rows("SELECT * FROM audit.personal_data_requests ORDER BY request_id")
    assert [(row["act"], row["agency_code"], row["dossier_code"], row["reason"], row["dossiers"]) for row in kept] == [
        ("export", NHA_TRANG, "D-1", PAPER, 1),
        ("export", None, None, "Đơn [số] 8/2026", 1),
        ("erase", None, None, PAPER, 1),
        ("erase", NHA_TRANG, "D-1", PAPER, 1),
    ]
    assert all(row["handled_by"] and row["held"] > 0 for row in kept)
    searched = rows("SELECT * FROM motcua.phone_searches")
    assert len(searched) == 2
    assert "123456" not in str([kept, searched])
    with pytest.raises(psycopg.DatabaseError, match="append-only"):
        rows("DELETE FROM motcua.personal_data_requests")
    listed = run("requests").output
    of_code_erased, of_phone_erased, of_phone, _ = (
        line for line in listed.splitlines() if "erase" in line or "export" in line
    )
    assert f"{NHA_TRANG} D-1" in of_code_erased
    assert "a phone" in of_phone_erased
    assert "Đơn [số] 8/2026" in of_phone
    assert "123456" not in listed
    assert NAME not in listed
    (last,) = (line for line in run("requests", "--limit", "1").output.splitlines() if PAPER in line)
    assert last.split() == of_code_erased.split()


@pytest.mark.guarantee(
    "personal-data", "an export of a source's full phone numbers records who made it, or is not written"
)
def test_who_has_numbers_of_a_source_in_full_is_kept(past, rows, tmp_path):
    past.one_stop.dossier("D-1", applicant_phone="0905 123 45")

    def check(name, *more):
        asked = ["phones", "--source", "khanhhoa", "--output", str(tmp_path / name), *more]
        return type_command(*asked, exits=None, columns=300)

    assert check("masked.xlsx").exit_code == 0
    assert rows("SELECT 1 FROM motcua.phone_searches") == []
    assert check("whole.xlsx", "--unmasked").exit_code == 0
    kept = rows("SELECT searched_by, agencies, found FROM motcua.phone_searches")
    assert [(row["searched_by"] != "", row["agencies"], row["found"]) for row in kept] == [(True, None, 1)]
    rows("ALTER TABLE motcua.phone_searches ADD CHECK (found < 0) NOT VALID")
    refused = check("refused.xlsx", "--unmasked")
    assert refused.exit_code == 2
    assert "không ghi tệp" in refused.output
    assert sorted(path.name for path in tmp_path.iterdir()) == ["masked.xlsx", "whole.xlsx"]


@pytest.mark.guarantee(
    "personal-data", "once confirmed, a citizen's request erases an ended dossier at once, and an open one when it ends"
)
def test_erasure_by_code_asks_first_and_takes_an_open_dossier_when_it_has_ended(past, rows):
    ten_days_ago = NOW - timedelta(days=10)
    past.told_and_ended("D-1", at=ten_days_ago)
    past.result("D-open", ten_days_ago)
    past.run(ten_days_ago)
    past.receipts()
    purged = "SELECT dossier_code FROM motcua.dossiers WHERE purged_at IS NOT NULL ORDER BY 1"
    answer = run("erase", NHA_TRANG, "D-1", "--because", PAPER, typed="n\n")
    assert answer.exit_code == 1
    assert "Empty 1 dossier(s) permanently" in answer.output
    assert run("erase", NHA_TRANG, "D-2", "--yes", "--because", PAPER).exit_code == 2, "the dossier does not exist"
    assert run("erase", NHA_TRANG, "D-1", "--yes", "--because", "gọi 0905123456").exit_code == 2, (
        "a reason may hold no phone number"
    )
    assert rows(purged) == rows("SELECT 1 FROM motcua.personal_data_requests") == []
    assert run("erase", NHA_TRANG, "D-1", "--because", PAPER, typed="y\n").exit_code == 0
    assert rows(purged) == [{"dossier_code": "D-1"}]
    assert run("erase", NHA_TRANG, "D-open", "--yes", "--because", PAPER).exit_code == 1
    purge("tests")
    assert rows(purged) == [{"dossier_code": "D-1"}]
    past.hand_over("D-open", NOW - timedelta(days=5))
    purge("tests")
    assert past.values() == []
    asked = rows("SELECT DISTINCT cause, reason FROM motcua.personal_data_purges WHERE cause = 'request'")
    assert asked == [{"cause": "request", "reason": PAPER}]


def test_export_files_are_private_overwrite_nothing_and_need_a_stored_record_of_the_request(past, rows, tmp_path):
    past.told_and_ended("D-1")
    _, _, sheet = export(tmp_path / "a", *of_code("D-1"))
    assert {stat.S_IMODE(path.stat().st_mode) for path in tmp_path.glob("a.*")} == {0o600}
    assert "0905123456" not in sheet
    assert NAME not in sheet
    assert export(tmp_path / "a", *of_code("D-1"))[0].exit_code == 2
    for half in ((), ("--phone", *of_code("D-1")), ("--code", "D-1")):
        assert export(tmp_path / "b", *half)[0].exit_code == 2, half
    rows("ALTER TABLE motcua.personal_data_requests ADD CHECK (act = 'erase') NOT VALID")
    assert export(tmp_path / "c", *of_code("D-1"))[0].exit_code != 0
    assert {path.stem for path in tmp_path.iterdir()} == {"a"}


def test_sheet_says_what_is_kept_where_and_until_when(past, rows, tmp_path):
    past.told_and_ended("D-1", at=NOW - timedelta(days=10))
    past.one_stop.dossier("D-open", updated_at=NOW - timedelta(days=3), applicant_phone=PHONE)
    past.run(NOW - timedelta(days=3))
    hostile = '=HYPERLINK("http://x";"<script>alert(1)</script>")'
    complain(rows, "D-1", hostile)
    _, found, sheet = export(tmp_path / "a", "--phone", typed=PHONE, because="<script>alert(1)</script> & 7")
    for each in ("Luật Bảo vệ dữ liệu cá nhân số 91/2025/QH15", "bảng messages", "D-1", "35 ngày", "90 ngày"):
        assert each in sheet, each
    # Text that others wrote must never become a formula or markup.
    assert hostile in words(found)
    book = openpyxl.load_workbook(tmp_path / "a.xlsx")
    assert {cell.data_type for row in book.active.iter_rows() for cell in row if cell.value == hostile} == {"s"}
    assert "<script" not in sheet
    assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp; 7" in sheet
    ended, waiting = ([row[6] for row in found if row[2] == code and row[0] == "Hồ sơ"] for code in ("D-1", "D-open"))
    (due,) = rows("SELECT kept_until FROM motcua.dossier_terms WHERE dossier_code = 'D-1'")
    assert {each.date() for each in ended} == {due["kept_until"].astimezone(VIETNAM).date()}
    assert set(waiting) == {"đến khi hồ sơ kết thúc, thêm thời hạn của cơ quan"}


@pytest.mark.guarantee(
    "personal-data",
    "a request by phone number erases the number's dossiers and texts to 9029, open dossiers when they end",
)
def test_erasure_by_number_takes_what_has_ended_and_marks_what_has_not(past, rows, tmp_path):
    ten_days_ago = NOW - timedelta(days=10)
    past.told_and_ended("D-1", "D-2", "D-other", at=ten_days_ago)
    past.result("D-open", ten_days_ago)
    past.run(ten_days_ago)
    past.receipts()
    given = "UPDATE motcua.dossiers SET msisdn = '+84918222937', applicant_phone = %s WHERE dossier_code = 'D-other'"
    rows(given, OTHER)
    ask(rows, NOW)
    answer = run("erase", "--phone", "--because", PAPER, "--to", str(tmp_path / "a"), typed=f"{PHONE}\nn\n")
    assert answer.exit_code == 1
    assert "Empty 3 dossier(s)" in answer.output
    assert "1 row(s) of inquiries" in answer.output
    purged = "SELECT dossier_code FROM motcua.dossiers WHERE purged_at IS NOT NULL ORDER BY 1"
    assert rows(purged) == []
    assert list(tmp_path.iterdir()) == []
    # The refused erasure changed nothing, but the search for the number must be recorded.
    assert [row["found"] for row in rows("SELECT found FROM motcua.phone_searches")] == [3]

    answer = run("erase", "--phone", "--because", PAPER, "--to", str(tmp_path / "a"), typed=f"{SPELLINGS[2]}\ny\n")
    assert answer.exit_code == 1, answer.output
    assert [row["dossier_code"] for row in rows(purged)] == ["D-1", "D-2"]
    assert rows("SELECT msisdn, text FROM motcua.inquiries") == [{"msisdn": None, "text": None}]
    sheet = (tmp_path / "a.html").read_text(encoding="utf-8")
    assert sheet.count("đã xóa lúc") == 2
    assert "chưa xóa: hồ sơ chưa kết thúc" in sheet
    assert "Tin soạn gửi 9029: đã xóa 1" in sheet
    assert "từng được nhắn cho 1 hồ sơ" in sheet, (
        "the sheet must mention the dossier that had the number once and is not erased"
    )
    assert not list(tmp_path.glob("*.xlsx"))

    past.hand_over("D-open", NOW - timedelta(days=5))
    purge("tests")
    assert [row["dossier_code"] for row in rows(purged)] == ["D-1", "D-2", "D-open"]
