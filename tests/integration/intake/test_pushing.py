"""Test the way from a push to the message: pushed rows lead to the same messages as rows of a source's views."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from motcua.jobs.notices.picking_up import pick_up
from motcua.jobs.notices.planning import plan
from motcua.jobs.notices.watching import sources_to_read
from motcua.jobs.personal_data import purge
from motcua.store.intake.clients import change_client
from tests.ground import NHA_TRANG, TU_PHAP, in_ledger, take_in
from tests.integration.intake.conftest import PASSWORD, SOURCE, Software, dossier, register, step, written

TOLD = "queued"


def test_dossier_and_its_result_that_are_pushed_are_told(software, run, messages, rows):
    assert software.call("TraCuuHoSo", mahoso="H-1")["result"] == []
    assert software.dossiers(dossier("H-1"))["error_code"] == "00"
    assert software.call("TraCuuHoSo", mahoso="H-1")["result"] == [{"MaHoSo": "H-1", "TrangThaiHoSo": "4"}]
    assert run() == set()
    assert messages() == []
    assert software.dossiers(dossier("H-1", 9))["error_code"] == "00"
    assert software.steps(step("H-1", 9))["error_code"] == "00"
    assert SOURCE in sources_to_read(datetime.now(UTC) + timedelta(seconds=1)).names
    assert run() == set()
    assert messages() == [("result", "H-1", TOLD)]
    (row,) = rows("SELECT * FROM motcua.dossiers")
    assert row["msisdn"] == "+84905123456"
    assert row["agency_code"] == NHA_TRANG
    assert row["step_name"] == "Trả kết quả"
    assert row["submitted_via"] == "direct"
    assert row["due_at"] - row["received_at"] == timedelta(days=7)


def test_what_is_pushed_is_news_until_it_is_picked_up_and_of_its_source_alone(software, run, configure):
    """After a push, the pushed source alone must be due for a pick-up, until its rows are picked up."""
    configure(MOTCUA_SOURCES=f"{SOURCE}=national_sync,ho_so=files")
    began = datetime.now(UTC)
    for source in (SOURCE, "ho_so"):
        pick_up(source)
    assert sources_to_read(began).names == []
    assert software.dossiers(dossier("H-1"))["error_code"] == "00"
    assert software.steps(step("H-1", 4))["error_code"] == "00"
    assert sources_to_read(began).names == [SOURCE]
    run()
    assert sources_to_read(began).names == []


@pytest.mark.guarantee("intake", "a client that sends everything again, in whatever order, adds nothing")
def test_day_that_is_sent_again_adds_nothing(software, run, messages, rows):
    began = datetime.now(UTC) - timedelta(hours=3)
    day = [
        ("dossiers", dossier("H-1", 2)),
        ("steps", step("H-1", 4, began)),
        ("dossiers", dossier("H-1", 4)),
        ("steps", step("H-1", 9, began + timedelta(hours=1))),
        ("dossiers", dossier("H-1", 9, NgayKetThucXuLy=written(began + timedelta(hours=1)))),
    ]
    for kind, record in day:
        assert getattr(software, kind)(record)["error_code"] == "00"
        run()
    seen = "SELECT * FROM motcua.transitions ORDER BY 1"
    before = rows(seen), rows("SELECT * FROM intake.source_dossiers"), rows("SELECT * FROM intake.source_transitions")
    assert messages() == [("result", "H-1", TOLD)]
    for kind, record in day * 2:
        answer = getattr(software, kind)(record)
        assert (answer["error_code"], answer["repeated"], answer["received"]) == ("00", 1, 0)
        run()
    after = rows(seen), rows("SELECT * FROM intake.source_dossiers"), rows("SELECT * FROM intake.source_transitions")
    assert after == before
    assert messages() == [("result", "H-1", TOLD)]


@pytest.mark.guarantee(
    "intake",
    "a dossier with status 9 is at the desk; with status 5, only if the push or its client's setting states so",
)
def test_supplement_is_told_where_it_is_said_to_be_at_the_desk(software, run, messages):
    """A dossier with status 5 leads to a message only if the push states that the dossier is at the one-stop desk."""
    elsewhere = [{}, {"PhongBanXuLy": "Phòng Tư pháp"}]
    at_desk = [{"PhongBanXuLy": "Bộ phận Một cửa"}, {"PhongBanXuLy": "MOT_CUA"}, {"TrangThaiBoSung": "MotCua"}]
    cases = [*elsewhere, *at_desk, {"PhongBanXuLy": "Bộ phận Tiếp nhận và Trả kết quả"}]
    waits = {"HoSoBoSungId": "1", "TrangThaiBoSung": "MotCua", "NgayTiepNhanBoSung": ""}
    brought = waits | {"NgayTiepNhanBoSung": written(datetime.now(UTC))}
    software.dossiers(
        *(dossier(f"H-{number}") for number in range(len(cases))),
        dossier("L-1", 5, DanhSachHoSoBoSung=[waits]),
        dossier("L-2", 5, DanhSachHoSoBoSung=[brought]),
        dossier("L-3", 5),
    )
    software.steps(*(step(f"H-{number}", 5, **changes) for number, changes in enumerate(cases)))
    run()
    expected = [f"H-{number}" for number in range(len(elsewhere), len(cases))]
    assert messages() == [("supplement", code, TOLD) for code in (*expected, "L-1")]


def test_setting_of_a_client_counts_from_when_it_was_set(software, run, messages):
    """A changed setting of a client applies only to later pushes and leads to no message about an earlier push."""
    software.dossiers(dossier("H-1", 5), dossier("H-2"))
    in_ledger(change_client, SOURCE, "changed", by="hoa", now=datetime.now(UTC), supplements_at_desk=True)
    software.steps(step("H-2", 5))
    run()
    assert messages() == [("supplement", "H-2", TOLD)]


def test_dossier_that_comes_late_takes_nothing_back_that_its_steps_told(software, run, messages, rows):
    """A dossier's newest step must decide its state: calls may overtake each other, and pushed rows have no time."""
    began = datetime.now(UTC) - timedelta(hours=3)
    software.dossiers(dossier("H-1", 2))
    software.steps(step("H-1", 9, began + timedelta(hours=1)), step("H-1", 4, began))
    software.dossiers(dossier("H-1", 9))
    run()
    assert messages() == [("result", "H-1", TOLD)]
    software.dossiers(dossier("H-1", 4, TrichYeuHoSo="x", NgayHenTra=""))
    software.dossiers(dossier("H-1", 2, TenTTHC="khác"))
    run()
    assert messages() == [("result", "H-1", TOLD)]
    (row,) = rows("SELECT status_code, due_at FROM intake.source_dossiers")
    assert row["status_code"] == 9
    # Software that really takes a result back also pushes a step.
    software.steps(step("H-1", 4))
    software.dossiers(dossier("H-1", 4))
    (row,) = rows("SELECT status_code FROM intake.source_dossiers")
    assert row["status_code"] == 4


def test_step_of_which_nothing_says_whose_it_is_waits_for_its_dossier(software, run, messages, rows):
    """Steps that arrive before their dossier's row must not be lost.

    The client in this test serves several agencies, and only the dossier's row names the agency.
    """
    first, second = step("160915001", 9), step("160915001", 9, NoiDungXuLy="Ký")
    assert software.steps(first, unit="H32")["received"] == 1
    assert software.steps(second, unit="H32")["received"] == 1
    assert run() == set()
    assert rows("SELECT * FROM intake.source_transitions") == []
    assert software.dossiers(dossier("160915001", 9, DonViXuLy="Sở Tư pháp"), unit="H32")["received"] == 1
    assert run() == set()
    assert messages() == [("result", "160915001", TOLD)]
    (row,) = rows("SELECT agency_code FROM motcua.dossiers")
    assert row["agency_code"] == TU_PHAP
    numbers = rows("SELECT transition_id, to_step FROM intake.source_transitions ORDER BY 1")
    assert [row["to_step"] for row in numbers] == ["Trả kết quả", "Ký"]
    assert software.steps(first, second, unit="H32")["repeated"] == 2


def test_agency_of_a_dossier_is_that_of_the_call_or_of_its_code_or_of_its_name(software, rows):
    cases = [
        (NHA_TRANG, "1", "", NHA_TRANG),
        ("H32.30", "2", "", NHA_TRANG),
        ("H32", f"{TU_PHAP}-191225-0001", "", TU_PHAP),
        ("", "H32.30-20260609-0092637", "", NHA_TRANG),
        ("H32", "3", "ỦY BAN NHÂN DÂN THÀNH PHỐ NHA TRANG", NHA_TRANG),
    ]
    for unit, code, name, _ in cases:
        assert software.dossiers(dossier(code, DonViXuLy=name), unit=unit)["error_code"] == "00"
    found = rows("SELECT dossier_code, agency_code FROM intake.pushed_dossiers")
    assert {row["dossier_code"]: row["agency_code"] for row in found} == {code: agency for _, code, _, agency in cases}
    answer = software.dossiers(dossier("4"), unit="H32")
    assert (answer["error_code"], answer["errors"][0]["reason"]) == ("04", "agency_missing")


@pytest.mark.guarantee(
    "intake",
    "software writes only for its registered agencies; an old session, or one of a disabled client, is refused",
)
def test_somebody_elses_agency_is_refused(served, software, rows):
    register("vp", NHA_TRANG)
    other = Software(served, "vp")
    for answer in (
        other.dossiers(dossier("1"), unit=TU_PHAP),
        other.dossiers(dossier(f"{TU_PHAP}-191225-0001"), unit=""),
        other.dossiers(dossier("1", DonViXuLy="Sở Tư pháp"), unit=""),
        other.steps(step("1", 9), unit=TU_PHAP),
        other.steps(step(f"{TU_PHAP}-191225-0001", 9), unit=""),
    ):
        assert (answer["error_code"], answer["errors"][0]["reason"]) == ("04", "agency_refused")
    assert rows("SELECT 1 FROM intake.pushed_dossiers UNION ALL SELECT 1 FROM intake.pushed_steps") == []
    software.dossiers(dossier("1"), unit=TU_PHAP)
    assert other.call("TraCuuHoSo", mahoso="1")["result"] == []


@pytest.mark.parametrize("unit", ["000.00.77.H32", "", "H32"])
def test_dossier_of_an_agency_that_nobody_knows_is_not_taken_for_the_clients_only_one(served, rows, unit):
    """A dossier of an agency that has not joined must not be stored for the client's only agency.

    Otherwise the message would send the citizen to a wrong agency.
    """
    register("xa", NHA_TRANG)
    software = Software(served, "xa")
    code = "000.00.77.H32-261125-0001"
    answer = software.dossiers(dossier(code, 9), dossier("H-1", 9), dossier("XA-261125-0001", 9), unit=unit)
    assert (answer["received"], answer["refused"]) == (2, 1)
    assert [(each["MaHoSo"], each["reason"]) for each in answer["errors"]] == [(code, "agency_missing")]
    software.steps(step(code, 9), step("H-1", 9), unit=unit)
    assert [row["dossier_code"] for row in rows("SELECT dossier_code FROM intake.source_transitions")] == ["H-1"]
    assert {row["agency_code"] for row in rows("SELECT agency_code FROM intake.pushed_dossiers")} == {NHA_TRANG}


@pytest.mark.guarantee("intake", "an unusable record is refused, and the other records of its push are stored")
def test_bad_record_refuses_itself_alone(software, run, messages, rows):
    answer = software.dossiers(dossier("H-1", 9), dossier(""), "no record", dossier("H-2", 9), None)
    assert (answer["error_code"], answer["received"], answer["refused"]) == ("00", 2, 3)
    assert [(each["index"], each["reason"]) for each in answer["errors"]] == [
        (1, "code_missing"), (2, "not_a_record"), (4, "not_a_record"),
    ]  # fmt: skip
    run()
    assert messages() == [("result", "H-1", TOLD), ("result", "H-2", TOLD)]
    counted = rows("SELECT fault, records FROM intake.faults ORDER BY 1")
    assert [tuple(row.values()) for row in counted] == [("code_missing", 1), ("not_a_record", 2)]
    (day,) = rows("SELECT calls, taken, repeated, refused FROM intake.client_days")
    assert tuple(day.values()) == (1, 2, 0, 3)


def test_of_a_citizen_nothing_is_kept_but_what_is_named(software, rows):
    """The intake must store only the fields that it needs, and no ID number or note of a citizen."""
    software.dossiers(dossier("H-1", UyQuyen={"ChuHoSo": "Khác"}, GhiChu="bí mật"))
    software.steps(step("H-1", 9, SoGiayTo="225123456"))
    (row,) = rows("SELECT fields FROM intake.pushed_dossiers")
    assert row["fields"].keys() == {"MaTTHC", "TenTTHC", "TenLinhVuc", "ChuHoSo", "SoDienThoai", "HinhThuc"}
    (row,) = rows("SELECT fields FROM intake.pushed_steps")
    assert row["fields"].keys() == {"NguoiXuLy", "NoiDungXuLy"}


def test_field_that_did_not_come_stays_and_one_that_came_empty_is_emptied(software, rows):
    software.dossiers(dossier("H-1"))
    software.dossiers({"MaHoSo": "H-1", "TrangThaiHoSo": 9})
    (row,) = rows("SELECT * FROM intake.source_dossiers")
    assert (row["applicant_phone"], row["status_code"]) == ("0905123456", 9)
    assert row["due_at"] is not None
    software.dossiers({"MaHoSo": "H-1", "SoDienThoai": "", "NgayHenTra": None})
    (row,) = rows("SELECT * FROM intake.source_dossiers")
    assert (row["applicant_phone"], row["due_at"], row["status_code"]) == ("", None, 9)


def test_step_that_names_its_dossier_by_our_number_is_that_dossiers_whoever_sends_it(software, run, messages):
    """A step with the ledger's number of a dossier belongs to this dossier, even if the call names another agency."""
    number = software.dossiers(dossier("H-1", MaDonVi=TU_PHAP))["data"]["idHoSo"]
    run()
    assert software.steps(step("", 9, IDHoSo=number), unit=NHA_TRANG)["received"] == 1
    assert run() == set()
    assert messages() == [("result", "H-1", TOLD)]


def test_record_with_an_empty_date_of_sql_server_is_repeated_like_any_other(software):
    """A record with the year 1900, SQL Server's empty date, must count as repeated when it is pushed again."""
    assert software.dossiers(dossier("H-1", NgayTra="19000101000000"))["received"] == 1
    assert software.dossiers(dossier("H-1", NgayTra="19000101000000"))["repeated"] == 1


def test_two_records_of_a_dossier_in_one_call_leave_what_two_calls_would(software, run, messages, rows):
    """Two records of a dossier in one call have the same effect as two calls.

    The second record lacks the phone number, so the number in the first record must stay.
    """
    moved = {"MaHoSo": "H-1", "TrangThaiHoSo": "9", "DonViXuLy": "Bộ phận một cửa"}
    answer = software.dossiers(dossier("H-1", DonViXuLy="Phòng chuyên môn"), moved)
    assert (answer["received"], answer["repeated"]) == (2, 0)
    (row,) = rows("SELECT applicant_phone, status_code FROM intake.source_dossiers")
    assert (row["applicant_phone"], row["status_code"]) == ("0905123456", 9)
    run()
    assert messages() == [("result", "H-1", TOLD)]


def test_dossiers_of_two_agencies_with_one_code_are_compared_each_with_its_own_row(software):
    """The data of one agency's dossier must not change another agency's dossier with the same code."""
    both = dossier("001", MaDonVi=NHA_TRANG), dossier("001", MaDonVi=TU_PHAP, SoDienThoai="0905999888")
    assert software.dossiers(*both)["received"] == 2
    assert software.dossiers(*both)["repeated"] == 2


@pytest.mark.guarantee(
    "intake", "pushes of one dossier, and a file and pushes of one source, are written one after the other"
)
def test_pushes_of_one_dossier_at_once_are_each_news_once(served, software, rows):
    """Each row and step of a dossier that several pushes send at the same time is stored once.

    Two clients push for one source, because calls of one client already wait for each other outside the ledger.
    """
    register("vp", NHA_TRANG, TU_PHAP, source=SOURCE)
    both = (software, Software(served, "vp"))
    began = datetime.now(UTC) - timedelta(hours=2)
    days = [
        (
            dossier("H-1", status, NgayKetThucXuLy=f"2026112{at}"),
            step("H-1", status, began + timedelta(minutes=11 * at)),
        )
        for at, status in enumerate((2, 4, 9))
    ]

    def push(client: Software) -> int:
        return sum(client.dossiers(row)["received"] + client.steps(last)["received"] for row, last in days)

    with ThreadPoolExecutor(4) as pushing:
        received = sum(pushing.map(push, both * 2))
    found = rows("SELECT transition_id, status_code, digest FROM intake.pushed_steps ORDER BY transition_id")
    assert len({row["digest"] for row in found}) == len(found) == 3
    assert [row["status_code"] for row in rows("SELECT status_code FROM intake.source_dossiers")] == [9]
    assert received == 6


@pytest.mark.guarantee(
    "intake", "pushed steps get numbers in the order of their commits, so no step appears late under a lower number"
)
def test_push_that_is_being_written_holds_up_the_next_one_of_its_source_and_no_other(served, software, rows, ledger):
    """Pushes of one source are written one after the other, and delay no other source.

    Otherwise a step's number could be visible before a smaller number is committed, and a pick-up would miss a step.
    """
    register("vp", TU_PHAP)
    software.dossiers(dossier("H-1"))
    with psycopg.connect(ledger) as slow:
        slow.execute("SELECT 1 FROM intake.numbers WHERE source = %s FOR UPDATE", (SOURCE,))
        waiting = threading.Thread(target=software.steps, args=(step("H-1", 9),))
        waiting.start()
        assert Software(served, "vp").dossiers(dossier("V-1"), unit=TU_PHAP)["error_code"] == "00"
        assert rows("SELECT 1 FROM intake.pushed_steps") == []
        slow.rollback()
    waiting.join()
    assert len(rows("SELECT 1 FROM intake.pushed_steps")) == 1


@pytest.mark.guarantee(
    "intake", "a dossier that moves from a read source to a pushed source keeps the order of its steps"
)
def test_dossier_that_moves_to_a_pushed_source_keeps_its_order(one_stop, served, configure, messages, rows):
    """Pushed steps must count as newer than the steps of the earlier source, even if those have higher numbers."""
    now = datetime.now(UTC)
    one_stop.both(
        4,
        "H-1",
        desk=False,
        at=now - timedelta(hours=5),
        number=70_000,
        updated_at=now - timedelta(hours=5),
        due_at=now + timedelta(days=2),
    )
    one_stop.move(9, "H-1", at=now - timedelta(hours=4), number=70_001)
    one_stop.move(4, "H-1", desk=False, at=now - timedelta(hours=3, minutes=30), number=70_002)
    configure(MOTCUA_SOURCES="khanhhoa")
    take_in(None)
    assert messages() == [("result", "H-1", "cancelled")]
    configure(MOTCUA_SOURCES=f"khanhhoa,{SOURCE}=national_sync")
    register(SOURCE, NHA_TRANG)
    software = Software(served, SOURCE)
    software.dossiers(dossier("H-1", 9))
    software.steps(step("H-1", 9, now - timedelta(minutes=5)))
    pick_up(SOURCE)
    plan()
    assert messages()[1:] == [("result", "H-1", TOLD)]
    software.steps(step("H-1", 4, now - timedelta(minutes=1)))
    pick_up(SOURCE)
    steps = rows("SELECT status_code FROM motcua.transitions WHERE NOT from_row ORDER BY sequence, transition_id")
    assert [row["status_code"] for row in steps] == [4, 9, 4, 9, 4]


def test_shape_b_calls_from_its_own_network_without_a_session(served, run, messages, rows):
    """Shape B of the protocol has no session: a client is identified by its network and may name only its agencies."""
    register("xa", NHA_TRANG, source=SOURCE, networks=("127.0.0.0/8",))
    bare = [dossier("H-1", 9), dossier("H-2", "10")]
    path = "/intake/api/SynsTTHCC/DongBoHoSoMC"
    answer = served.post(path, params={"MaDinhDanhDV": NHA_TRANG, "isUpdating": "True"}, json=bare).json()
    assert (answer["error_code"], answer["received"]) == ("00", 2)
    run()
    assert messages() == [("result", "H-1", TOLD)]
    for unit in (TU_PHAP, "", "x"):
        assert served.post(path, params={"MaDinhDanhDV": unit}, json=bare).json()["error_code"] == "01"
    rows("UPDATE intake.clients SET networks = '{10.0.0.0/8}'")
    assert served.post(path, params={"MaDinhDanhDV": NHA_TRANG}, json=bare).json()["error_code"] == "01"


def test_shape_c_carries_dossiers_steps_and_statuses(served, run, messages, rows):
    register(SOURCE, NHA_TRANG, TU_PHAP)
    given = served.post("/intake/token", json={"client_id": SOURCE, "client_secret": PASSWORD}).json()
    bearer = {"Authorization": f"Bearer {given['data']['access_token']}"}
    new = {
        "MaHoSo": "G09.20-20260609-0092637",
        "MaTTHC": "1.005129",
        "LoaiDoiTuong": 1,
        "MaDonViTiepNhan": "H32.30",
        "NgayTiepNhan": "2026-06-08 14:07:53",
        "ThongTinNguoiNop": {
            "ThongTinChiTiet": {"TenNguoiNop": "Nguyễn Thị Lan", "SoDinhDanh": "1", "SoDienThoai": "0905123456"}
        },
    }
    answer = served.post("/intake/adapter/NoiHoSo", json=new, headers=bearer).json()
    number = answer["data"]["idHoSo"]
    at = (datetime.now(UTC) + timedelta(hours=7) - timedelta(hours=1)).replace(tzinfo=None)
    going = {
        "IDHoSo": number,
        "NguoiXuLy": "Hùng",
        "ThoiDiemXuLy": at.isoformat(timespec="milliseconds"),
        "TrangThai": 4,
    }
    done = {"IdHoSo": number, "MaHoSo": new["MaHoSo"], "TrangThai": 9}
    assert served.post("/intake/CapNhatTienTrinh", json=[going], headers=bearer).json()["received"] == 1
    assert served.post("/intake/CapNhatTrangThai", json=[done], headers=bearer).json()["received"] == 1
    assert run() == set()
    assert messages() == [("result", new["MaHoSo"], TOLD)]
    (row,) = rows("SELECT applicant_name, msisdn FROM motcua.dossiers")
    assert tuple(row.values()) == ("Nguyễn Thị Lan", "+84905123456")
    assert served.post("/intake/CapNhatTienTrinh", json=[going], headers=bearer).json()["repeated"] == 1


@pytest.mark.guarantee(
    "intake",
    "software writes only for its registered agencies; an old session, or one of a disabled client, is refused",
)
def test_old_session_is_refused(software, rows):
    session = software.session()
    body = {"session": session, "madonvi": NHA_TRANG, "service": "DongBoHoSoMC", "data": [dossier("H-1")]}
    assert software.post(body)["error_code"] == "00"
    rows("UPDATE intake.sessions SET expires_at = now() - interval '1 second'")
    assert software.post(body)["error_code"] == "01"
    body["session"] = software.session()
    for change, works in ((False, False), (True, True)):
        in_ledger(change_client, SOURCE, "changed", by="hoa", now=datetime.now(UTC), enabled=change)
        assert (software.sign_in()["error_code"] == 0) == works
        assert software.post(body)["error_code"] == "01", "disabling a client must end its sessions for good"
    for wrong in ("", "x", "A" * 43, session, None, 7):
        assert software.post(body | {"session": wrong})["error_code"] == "01"
    assert software.sign_in("another")["error_code"] == 2
    assert Software(software.http, "nobody").sign_in()["error_code"] == 2


def test_pushed_fields_go_with_their_dossier_and_do_not_come_back(software, run, rows):
    """Purged personal data must not come back when the software pushes the same dossier again."""
    old = datetime.now(UTC) - timedelta(days=500)
    ended = dossier("H-1", 10, NgayTra=written(old), NgayTiepNhan=written(old), NgayHenTra=written(old))
    last = step("H-1", 10, old)
    software.dossiers(ended, dossier("H-2"))
    software.steps(last, step("H-9", 4))
    run()
    rows("UPDATE motcua.dossiers SET picked_up_at = now() - interval '450 days'")
    rows("UPDATE intake.pushed_steps SET recorded_at = now() - interval '91 days' WHERE dossier_code = 'H-9'")
    purge("tests")
    kept = rows("SELECT dossier_code FROM intake.pushed_dossiers WHERE fields <> '{}'")
    assert [row["dossier_code"] for row in kept] == ["H-2"]
    assert rows("SELECT 1 FROM intake.pushed_steps WHERE fields <> '{}'") == []
    rows("DELETE FROM intake.recent_states")
    assert software.dossiers(ended)["repeated"] == 1
    assert software.steps(last)["repeated"] == 1
    run()
    assert rows("SELECT 1 FROM intake.pushed_dossiers WHERE dossier_code = 'H-1' AND fields <> '{}'") == []
