"""Test complaints: imported from files or typed in, linked to a dossier and a message, withdrawn and counted."""

from __future__ import annotations

import io
from datetime import date, datetime, timedelta

import psycopg
import pytest
from psycopg.rows import dict_row

from motcua.domain.clock import VIETNAM
from motcua.domain.reconciliation import ComplaintCount
from motcua.jobs.handed_in.complaints import (
    ComplaintRefused,
    Entry,
    import_complaints,
    record_complaint,
    relink,
    take_back,
    write_outcome,
)
from motcua.jobs.handed_in.faults import FileRefused
from motcua.jobs.notices.picking_up import pick_up
from motcua.jobs.notices.planning import plan
from motcua.store.agencies import FormerName, save_agencies
from motcua.store.ledger.database import connect
from motcua.store.oversight.complaints import (
    ComplaintsAsked,
    count_complaints,
    list_complaints,
    repeated_complaints,
)
from tests.ground import NHA_TRANG, NOW, TU_PHAP, agency, in_ledger, take_in, type_command

HEADINGS = "Mã cơ quan;Mã hồ sơ;Ngày phản ánh;Kênh;Loại phản ánh;Nội dung"


def file_of(*lines: str) -> bytes:
    return "\n".join([HEADINGS, *lines]).encode("utf-8-sig")


def line(
    code: str = "160915001",
    agency: str = NHA_TRANG,
    when: str = "25/11/2026 09:30",
    channel: str = "Đường dây nóng",
    claim: str = "Chưa có kết quả",
    note: str = "Đến không có",
) -> str:
    return ";".join((agency, code, when, channel, claim, note))


def take(content: bytes, name: str = "phan-anh.csv", now: datetime = NOW, **more):
    return import_complaints(content, name, "lan", now, **more)


def listed(**asked):
    return in_ledger(list_complaints, ComplaintsAsked(**asked))


def accepted(rows, kind: str, at: datetime, state: str = "accepted") -> int:
    """Write a message of the dossier 160915001 that a gateway accepted at ``at``; return the message's id."""
    (row,) = rows(
        "INSERT INTO motcua.messages (kind, dossier_id, agency_code, occasion, transition_id, state, text, template_id,"
        " template_version, parameters, accented, segments, occurred_at, recorded_at, planned_at, useful_until,"
        " next_attempt_at, changed_at) SELECT %s, dossier_id, agency_code, %s,"
        " (SELECT min(transition_id) FROM motcua.transitions), 'queued', 'x', 'x', 1, '{}', FALSE, 1, now(), now(),"
        " now(), now(), now(), now() FROM motcua.dossiers WHERE dossier_code = '160915001' RETURNING message_id",
        *(kind, at.isoformat()),
    )
    for move in ("sending", state):
        rows(
            "UPDATE motcua.messages SET state = %s, accepted_at = %s WHERE message_id = %s",
            *(move, at if move == state else None, row["message_id"]),
        )
    return int(row["message_id"])


@pytest.mark.guarantee(
    "complaints",
    "usable rows are stored, broken rows reported; a repeated file adds nothing, two equal rows in a file are two",
)
def test_good_rows_are_taken_broken_ones_told_and_the_same_file_adds_nothing(agencies):
    content = file_of(
        line(),
        line(agency="H32.30", when="24/11/2026", claim="Sai nội dung", channel=""),
        line(agency="Sở Tư pháp", code="", claim="never_received"),
        line(agency="Không có"),
        line(when="32/13/2026"),
        line(when="26/11/2026 08:00"),
        line(claim="ăn vạ"),
        line(code="1,23E+17"),
        line(code="x" * 41),
        ";;;;;",
        line(agency=""),
        line(when="31/12/9999"),
    )
    looked = take(content, dry_run=True)
    assert listed() == []
    done = take(content)
    assert (done.rows, done.new, done.linked) == (looked.rows, looked.new, looked.linked) == (3, 3, 0)
    assert [str(fault).split(":")[0] for fault in done.faults] == [
        "dòng 5, cột “Mã cơ quan”",
        "dòng 6, cột “Ngày phản ánh”",
        "dòng 7, cột “Ngày phản ánh”",
        "dòng 8, cột “Loại phản ánh”",
        "dòng 9, cột “Mã hồ sơ”",
        "dòng 10, cột “Mã hồ sơ”",
        "dòng 12, cột “Mã cơ quan”",
        "dòng 13, cột “Ngày phản ánh”",
    ]
    assert take(content).new == 0
    assert take(content, "ban-khac.csv").new == 0
    assert len(listed()) == 3
    newest = listed()[0]
    assert (newest.imported_from, newest.imported_line, newest.recorded_by) == ("phan-anh.csv", 4, "lan")
    for other in (b"", b"PK\x03\x04", "Mã cơ quan;Mã hồ sơ;Ngày phản ánh\n1;2;3".encode()):
        with pytest.raises(FileRefused):
            take(other)


def test_workbook_and_csv_say_the_same(agencies):
    import openpyxl

    book = openpyxl.Workbook()
    sheet = book.active
    sheet.append(["PHẢN ÁNH CỦA CÔNG DÂN"])
    sheet.append(HEADINGS.split(";"))
    sheet.append([NHA_TRANG, 160915001, datetime(2026, 11, 24), "Hotline", "No result yet", "=cmd|' /C calc'!A0"])  # noqa: DTZ001
    sheet["F3"].data_type = "s"  # Otherwise openpyxl would write a formula instead of this text.
    stream = io.BytesIO()
    book.save(stream)
    assert take(stream.getvalue(), "phan-anh.xlsx").new == 1
    same = line(when="24/11/2026", channel="Hotline", claim="No result yet", note="=cmd|' /C calc'!A0")
    assert take(file_of(same)).new == 0
    (kept,) = listed()
    assert kept.dossier_code == "160915001"
    assert kept.received_at == datetime(2026, 11, 24, 23, 59, 59, tzinfo=VIETNAM), (
        "a day without a time counts as the end of the day"
    )


def test_complaint_is_tied_to_the_last_message_before_it_and_the_result_where_nothing_was_there(one_stop, rows):
    """A complaint is linked to the last message before it, and the claim “no result yet” to the result message."""
    one_stop.both(5, at=NOW - timedelta(days=9))
    pick_up("khanhhoa", now=NOW)
    result = accepted(rows, "result", NOW - timedelta(days=3))
    apology = accepted(rows, "apology", NOW - timedelta(days=2), "undelivered")
    accepted(rows, "apology", NOW - timedelta(hours=1))
    received = f"{(NOW - timedelta(days=1)).astimezone(VIETNAM):%d/%m/%Y %H:%M}"
    early = f"{(NOW - timedelta(days=8)).astimezone(VIETNAM):%d/%m/%Y %H:%M}"
    done = take(
        file_of(
            line(when=received),
            line(when=received, claim="Sai nội dung"),
            line(when=early, claim="Nhắn nhầm người"),
            line("l609i5oo1", when=received, claim="Không nhận được"),
            line("160915009", when=received),
        )
    )
    assert done.linked == 4
    by_line = {each.imported_line: each for each in listed()}
    assert [by_line[place].message_id for place in (2, 3, 4, 5, 6)] == [result, apology, None, apology, None]
    assert by_line[5].dossier_id == by_line[2].dossier_id, "a mistyped code must be read as 9029 reads it"
    assert by_line[6].dossier_id is None


@pytest.mark.guarantee(
    "complaints", "a complaint shows its unsent message with state and reason, and is linked to it once it is sent"
)
def test_message_that_was_not_sent_is_told_with_its_reason_and_not_tied_so_that_it_may_go_later(one_stop, rows):
    one_stop.both(5, at=NOW - timedelta(days=9), applicant_phone="02583822001")
    take_in(now=NOW - timedelta(days=8))
    take(file_of(line(claim="Không nhận được"), line(when="15/11/2026", claim="Sai nội dung")))
    later, early = listed()
    assert (later.message_id, later.intended_kind, later.intended_state) == (None, "supplement", "suppressed")
    assert later.intended_reason == "landline"
    assert early.intended_id is None, "no message was planned when this complaint came"
    rows("UPDATE motcua.messages SET reason = 'kind_off' WHERE message_id = %s", later.intended_id)
    assert listed()[0].intended_reason == "kind_off", "the list must show the message's present reason"
    apology = accepted(rows, "apology", NOW - timedelta(days=1))
    assert relink(NOW) == 1
    assert (listed()[0].message_id, listed()[0].intended_id) == (apology, None)


@pytest.mark.guarantee(
    "complaints", "a complaint about an unknown dossier is stored, and linked when the dossier appears"
)
def test_unknown_dossier_is_kept_and_tied_when_it_appears(one_stop, rows):
    take(file_of(line(), line(agency=TU_PHAP)))
    assert relink(NOW) == 0
    assert len(listed(unlinked=True)) == 2
    one_stop.both(9, at=NOW - timedelta(hours=2))
    pick_up("khanhhoa", now=NOW)
    plan()
    assert relink(NOW) == 1
    assert relink(NOW) == 0
    (left,) = listed(unlinked=True)
    assert left.agency_code == TU_PHAP, "only the complaint to the agency without the dossier stays without one"


def test_name_that_several_agencies_have_is_refused_with_their_codes_and_a_code_is_taken(one_stop):
    former = (FormerName("UBND phường Cũ", None, date(2026, 6, 30)),)
    in_ledger(
        save_agencies,
        [agency(NHA_TRANG, name="UBND phường Một"), agency(TU_PHAP, name="UBND Phường Một", former_names=former)],
        "tests",
    )
    result = take(file_of(line(agency="ubnd phuong mot"), line(agency="UBND phường Cũ"), line(agency=NHA_TRANG)))
    (fault,) = result.faults
    assert (fault.line, fault.code) == (2, "several_agencies")
    assert f"({TU_PHAP}, {NHA_TRANG})" in str(fault)
    assert {each.agency_code for each in listed()} == {NHA_TRANG, TU_PHAP}
    entry = Entry("UBND phường Một", "160915001", "2026-11-25 09:30", "desk", "no_result_yet", "")
    with connect() as connection, pytest.raises(ComplaintRefused, match="hiều cơ quan cùng có tên này"):
        record_complaint(connection, entry, "form-1", "lan", NOW)
    # For a user of only one of the two agencies the name is not ambiguous.
    assert in_ledger(record_complaint, entry, "form-1", "lan", NOW, [TU_PHAP]) is not None


def test_of_several_dossiers_that_read_the_same_nobody_chooses(one_stop):
    """If a mistyped code may mean two dossiers, the complaint is linked to neither."""
    one_stop.dossier("160915OO1")
    one_stop.dossier("16O9150O1")
    pick_up("khanhhoa", now=NOW)
    take(file_of(line("160915001"), line("160915OO1")))
    by_line = {each.imported_line: each for each in listed()}
    assert by_line[2].dossier_id is None
    assert by_line[3].dossier_id is not None, "a code that is typed exactly names one dossier"


def test_complaint_to_a_successor_is_tied_to_the_dossier_of_the_ended_agency(one_stop):
    one_stop.both(9, at=NOW - timedelta(hours=2))
    pick_up("khanhhoa", now=NOW)
    take(file_of(line(agency=TU_PHAP)))
    assert len(listed(unlinked=True)) == 1
    ended = agency(NHA_TRANG, valid_until=(NOW - timedelta(days=1)).date(), successor_code=TU_PHAP)
    in_ledger(save_agencies, [ended, agency(TU_PHAP, name="Sở Tư pháp")], "tests")
    assert relink(NOW) == 1
    assert listed(unlinked=True) == []


@pytest.mark.guarantee(
    "complaints", "no complaint is deleted; a withdrawal is final, and a withdrawn complaint is not counted"
)
def test_withdrawn_complaint_stays_counts_no_more_and_is_final(agencies, rows):
    take(file_of(line(), line(claim="Sai nội dung")))
    first = listed(claim="no_result_yet")[0].complaint_id
    day = (NOW - timedelta(days=1), NOW + timedelta(days=1))
    with connect() as connection:
        write_outcome(connection, first, "upheld", "hoa", " đã  gọi lại ", NOW)
        take_back(connection, first, "minh", "ghi nhầm", NOW)
        for change in (
            lambda: take_back(connection, first, "minh", "lại", NOW),
            lambda: write_outcome(connection, first, "open", "minh", "", NOW),
            lambda: take_back(connection, 99, "minh", "không có", NOW),
            lambda: take_back(connection, first, "minh", "  ", NOW),
        ):
            with pytest.raises(ComplaintRefused):
                change()
        assert count_complaints(connection, *day) == [ComplaintCount(NHA_TRANG, "wrong_content", "open", 1)]
    changes = rows("SELECT * FROM audit.complaint_changes WHERE complaint_id = %s ORDER BY change_id DESC", first)
    assert [(each["change"], each["changed_by"]) for each in changes] == [
        ("withdrawn", "minh"),
        ("outcome", "hoa"),
        ("recorded", "lan"),
    ]
    assert "gọi" not in str(changes), "the audit view may not show a person's words"
    (kept,) = listed(claim="no_result_yet")
    assert (kept.withdrawn_by, kept.outcome_reason) == ("minh", "đã gọi lại")
    for statement in (
        "DELETE FROM motcua.complaints",
        "UPDATE motcua.complaints SET claim = 'other'",
        "UPDATE motcua.complaints SET note = 'khác'",
        f"UPDATE motcua.complaints SET withdrawn_at = NULL, withdrawn_by = NULL WHERE complaint_id = {first}",
        "UPDATE motcua.complaints SET note = NULL",
        "DELETE FROM motcua.complaint_changes",
    ):
        with pytest.raises(psycopg.DatabaseError, match=r"kept as it was recorded|append-only"):
            rows(statement)


def test_same_form_sent_twice_is_one_complaint(agencies):
    entry = Entry("H32.30", "160915001", "2026-11-25 09:30", "desk", "no_result_yet", "")
    with connect() as connection:
        assert record_complaint(connection, entry, "form-1", "lan", NOW) is not None
        assert record_complaint(connection, entry, "form-1", "lan", NOW) is None
        assert record_complaint(connection, entry, "form-2", "lan", NOW) is not None
        with pytest.raises(ComplaintRefused, match="Mã cơ quan: "):
            record_complaint(connection, Entry("?", "", "", "", "", ""), "form-3", "lan", NOW)


def test_audit_role_counts_complaints_and_sees_no_note_and_no_unknown_code(one_stop, ledger):
    one_stop.dossier()
    pick_up("khanhhoa", now=NOW)
    take(file_of(line(note="Bà Lan, tổ 5"), line("CMND 225123456", claim="Sai nội dung")))
    with psycopg.connect(ledger, row_factory=dict_row) as auditor:
        auditor.execute("SET ROLE motcua_audit")
        assert len(count_complaints(auditor, NOW - timedelta(days=1), NOW)) == 2
        seen = auditor.execute("SELECT * FROM audit.complaints ORDER BY complaint_id").fetchall()
    assert [row["dossier_code"] for row in seen] == ["160915001", None]
    assert not any(words in str(seen) for words in ("225123456", "Bà Lan"))


def counted() -> int:
    found = in_ledger(count_complaints, NOW - timedelta(days=30), NOW + timedelta(days=1))
    return sum(each.complaints for each in found)


def by_hand(form: str, code: str = "160915001", when: str = "2026-11-25 09:10", claim: str = "no_result_yet") -> int:
    number = in_ledger(record_complaint, Entry(NHA_TRANG, code, when, "desk", claim, "Gọi"), form, "hoa", NOW)
    assert number is not None
    return number


@pytest.mark.guarantee(
    "complaints", "a complaint that came in two ways counts once, and the second one is shown as a repeat"
)
def test_same_report_on_the_page_and_in_a_list_counts_once_and_is_shown_as_a_repeat(agencies, rows, ledger):
    first = by_hand("form-1")
    done = take(file_of(line("l609i5oo1", when="25/11/2026", channel="Cổng thông tin", note="khác")))
    assert (done.new, done.repeated) == (1, 1)
    assert (len(listed()), counted()) == (2, 1)
    (repeat,) = listed(repeated=True)
    assert (repeat.repeats, repeat.imported_line) == (first, 2)
    assert take(file_of(line("160915001", note="lần nữa")), "khac.csv").repeated == 1, (
        "the same complaint in a second list is a repeat"
    )
    by_hand("form-2")
    assert counted() == 1, "the same complaint at a second desk is a repeat"
    with psycopg.connect(ledger, row_factory=dict_row) as auditor:
        auditor.execute("SET ROLE motcua_audit")
        assert [each.complaints for each in count_complaints(auditor, NOW - timedelta(days=1), NOW)] == [1]
        assert len(repeated_complaints(auditor, start=NOW - timedelta(days=1), end=NOW + timedelta(days=1))) == 3
    in_ledger(take_back, first, "minh", "ghi nhầm", NOW)
    assert counted() == 1, "after a withdrawal the next repeat counts in its place"
    assert first not in {each.repeats for each in listed()}


def test_another_dossier_claim_day_or_agency_or_none_is_another_complaint(agencies):
    """Complaints that differ in dossier, claim, day or agency, or that name no dossier, are not repeats."""
    by_hand("form-1")
    others = [{"code": "160915002"}, {"claim": "Sai nội dung"}, {"when": "24/11/2026 23:59"}, {"agency": TU_PHAP}]
    for number, other in enumerate(others, 2):
        done = take(file_of(line(**other)), f"{number}.csv")
        assert (done.new, done.repeated, counted()) == (1, 0, number), other
    by_hand("form-2", code="")
    done = take(file_of(line(code="")), "none.csv")
    assert (done.new, done.repeated, counted()) == (1, 0, 7), "complaints without a code cannot be known as repeats"


def test_rows_alike_in_one_list_are_as_many_complaints_and_each_is_repeated_by_one_of_another(agencies):
    """Equal rows in one list are separate complaints. A second list repeats each complaint at most once."""
    by_hand("form-1")
    done = take(file_of(line(), line(note="bà khác")))
    assert (done.new, done.repeated, counted()) == (2, 1, 2), "one of the two rows repeats the complaint from the page"
    done = take(file_of(line(note="a"), line(note="b"), line(note="c")), "thang.csv")
    assert (done.new, done.repeated, counted()) == (3, 2, 3)
    done = take(file_of(line(note="a"), line(note="b"), line(note="c"), line(note="d")), "dai-hon.csv")
    assert (done.new, done.repeated, counted()) == (1, 0, 4), "a longer list adds only its further rows"


def test_repeat_is_known_by_the_dossier_when_an_agency_was_succeeded_and_not_by_codes_that_read_alike(one_stop):
    """Two complaints repeat each other if their dossier is the same, and not if only their codes look alike."""
    one_stop.dossier()
    one_stop.dossier("I60915001")
    one_stop.move(9, at=NOW - timedelta(hours=2))
    pick_up("khanhhoa", now=NOW)
    take(file_of(line(), line("I60915001")))
    assert counted() == 2, "two dossiers whose codes look alike are two complaints"
    assert all(each.dossier_id for each in listed())
    ended = agency(NHA_TRANG, valid_until=(NOW - timedelta(days=1)).date(), successor_code=TU_PHAP)
    in_ledger(save_agencies, [ended, agency(TU_PHAP, name="Sở Tư pháp")], "tests")
    take(file_of(line("160915002"), line("160915002", agency=TU_PHAP)), "hai.csv")
    assert counted() == 4
    one_stop.dossier("160915002")
    pick_up("khanhhoa", now=NOW)
    take(file_of(line("160915002", agency=TU_PHAP, note="lại")), "ba.csv")
    assert relink(NOW) == 2
    assert counted() == 4


def test_whoever_only_looks_what_a_file_would_do_signs_nothing(agencies, rows, tmp_path, monkeypatch):
    """A dry run needs no person's name and stores no complaint."""
    monkeypatch.setenv("MOTCUA_PERSON", "root")
    (tmp_path / "list.csv").write_text("\n".join((HEADINGS, line(when="25/11/2020 09:30"))), encoding="utf-8")
    command = ["complaints", "import", str(tmp_path / "list.csv")]
    looked = type_command(*command, "--dry-run")
    assert "1 would be new" in looked.output
    refused = type_command(*command, exits=2)
    assert "Nothing was written." in refused.output
    assert rows("SELECT 1 FROM motcua.complaints") == []
