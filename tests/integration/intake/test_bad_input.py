"""Test bad input: a bad request gets a clear answer, its good records are stored, and no other client is delayed."""

from __future__ import annotations

import asyncio
import gzip
import json
import logging
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from motcua.store.agencies import save_agencies
from motcua.store.intake.clients import change_client
from motcua.web import intake
from motcua.web.intake import Limits
from tests.ground import NHA_TRANG, TU_PHAP, agency, connection_uri, in_ledger
from tests.integration.intake.conftest import PASSWORD, SOURCE, Software, dossier, register, step

GOOD = dossier("H-good", 9)


def bad(**changes: object) -> dict[str, object]:
    return dossier("H-bad", 9) | changes


REFUSED = {
    "none": (None, "not_a_record"),
    "a list": ([], "not_a_record"),
    "a number": (7, "not_a_record"),
    "no code": ({"TrangThaiHoSo": "9"}, "code_missing"),
    "an empty code": (bad(MaHoSo="  "), "code_missing"),
    "a code of null": (bad(MaHoSo=None), "code_missing"),
    "a code that is an object": (bad(MaHoSo={"a": 1}), "code_unusable"),
    "a code with NUL": (bad(MaHoSo="H\x001"), "code_unusable"),
    "a code that is long": (bad(MaHoSo="H" * 5000), "code_unusable"),
    "a code with a line": (bad(MaHoSo="H\n1"), "code_unusable"),
    "a code of half a letter": (bad(MaHoSo="H\ud800"), "code_unusable"),
    "somebody else's": (bad(MaDonVi="000.00.01.H32"), "agency_refused"),
}
CLEANED = {
    "a phone that is a list": bad(SoDienThoai=["0905123456"]),
    "a phone that is a number": bad(SoDienThoai=905123456),
    "a name with NUL and half a letter": bad(ChuHoSo="L\x00an \udcff"),
    "a name of a megabyte": bad(ChuHoSo="L" * 1_000_000),
    "a day that is none": bad(NgayHenTra="20260231"),
    "a day that is an object": bad(NgayHenTra={"nam": 2026}),
    "a day beyond all": bad(NgayHenTra="99991231235959"),
    "a status that is none": bad(TrangThaiHoSo="xong"),
    "a status that is a list": bad(TrangThaiHoSo=[9]),
    "nulls everywhere": dict.fromkeys(GOOD) | {"MaHoSo": "H-bad"},
    "fields that nobody knows": bad(x={"y": [{"z": [1, 2, {"w": None}]}]}),
    "lists where none are": bad(DanhSachHoSoBoSung="x", ThongTinNguoiNop=[1]),
    "supplements that are none": bad(DanhSachHoSoBoSung=[None, 5, {"TrangThaiBoSung": []}]),
}


@pytest.fixture
def sent(software):
    """Return a function that pushes the given record between two good records and returns the answer."""

    def send(record):
        body = {"session": software.session(), "madonvi": "", "service": "DongBoHoSoMC"}
        first, last = GOOD | {"MaDonVi": NHA_TRANG}, dossier("H-last", 9, MaDonVi=NHA_TRANG)
        if isinstance(record, dict) and "MaDonVi" not in record:
            record = record | {"MaDonVi": NHA_TRANG}
        return software.post(body | {"data": [first, record, last]})

    return send


def test_record_that_cannot_be_used_is_refused_by_name_and_alone(sent, rows, served):
    """A bad record is refused with its position and the reason; the good records of the same call are stored."""
    in_ledger(save_agencies, [agency("000.00.01.H32", name="Văn phòng")], "tests")
    for name, (record, reason) in REFUSED.items():
        answer = sent(record)
        assert (answer["error_code"], answer["refused"]) == ("00", 1), name
        (error,) = answer["errors"]
        assert (error["index"], error["reason"]) == (1, reason), name
        assert error["message"], name
    found = rows("SELECT dossier_code FROM intake.pushed_dossiers ORDER BY 1")
    assert [row["dossier_code"] for row in found] == ["H-good", "H-last"]


def test_field_that_cannot_be_read_costs_no_citizen_the_message(sent, run, rows):
    """An unreadable field is left out and counted, and the dossier is stored without this field."""
    for name, record in CLEANED.items():
        answer = sent(record)
        assert (answer["error_code"], answer["refused"]) == ("00", 0), name
        assert run() == set(), name
    found = rows("SELECT field, records FROM intake.faults WHERE fault = 'field_unreadable' ORDER BY 1")
    assert {row["field"] for row in found} == {"NgayHenTra", "SoDienThoai", "TrangThaiHoSo", "TrangThaiBoSung"}
    kept = rows("SELECT dossier_code FROM motcua.dossiers ORDER BY 1")
    assert [row["dossier_code"] for row in kept] == ["H-bad", "H-good", "H-last"]


@pytest.mark.guarantee(
    "intake", "the answer to a push names each field that is unused, unreadable or a time in the future"
)
def test_time_in_the_future_is_taken_as_now_and_told(software, run, rows):
    assert software.dossiers(dossier("H-1")).get("warnings") is None
    run()
    answer = software.steps(step("H-1", 4), step("H-1", 9, ThoiDiemXuLy="20990102030405"))
    assert (answer["error_code"], answer["received"]) == ("00", 2)
    (warning,) = answer["warnings"]
    assert (warning["index"], warning["MaHoSo"], warning["field"]) == (1, "H-1", "ThoiDiemXuLy")
    assert warning["reason"] == "time_in_future"
    assert "muộn hơn giờ hiện tại" in warning["message"]
    answer = software.dossiers(
        dossier("H-2", 9, NgayKetThucXuLy="20990102", NgayTra="2099-01-02", NgayHenTra="2099-01-02")
    )
    assert [each["field"] for each in answer["warnings"]] == ["NgayKetThucXuLy", "NgayTra"]
    answer = software.dossiers(dossier("H-3", NgayHenTra="never"))
    assert [each["reason"] for each in answer["warnings"]] == ["field_unreadable"]
    found = rows("SELECT field FROM intake.faults WHERE fault = 'time_in_future' ORDER BY field")
    assert [row["field"] for row in found] == ["NgayKetThucXuLy", "NgayTra", "ThoiDiemXuLy"]


def test_record_with_two_values_of_one_field_is_refused_alone(software, rows):
    record = json.dumps(GOOD)
    twice = record[:-1] + ', "MAHOSO": "H-other"}'
    same = json.dumps(dossier("H-same"))[:-1] + ', "MaHoSo": "H-same"}'
    body = f'{{"session": "{software.session()}", "madonvi": "{NHA_TRANG}", "service": "DongBoHoSoMC", "data": '
    answer = software.post(f"{body}[{twice}, {same}]}}".encode())
    assert (answer["error_code"], answer["received"], answer["errors"][0]["reason"]) == ("00", 1, "ambiguous")
    assert [row["dossier_code"] for row in rows("SELECT dossier_code FROM intake.pushed_dossiers")] == ["H-same"]
    assert software.post(f'{body}[], "data": [{record}]}}'.encode())["error_code"] == "03"


def test_malformed_data_gets_its_error_code(software, rows):
    head = f'{{"session": "{software.session()}", "service": "DongBoHoSoMC", "data": '.encode()
    for data, code in (
        (b"", "03"),
        (b"7", "03"),
        (b"[" * 50_000 + b"]" * 50_000, "03"),
        (b"[" + b"[]," * 999_000 + b"[]]", "03"),
        (b"[" + b"0," * 20_000 + b"0]", "05"),
        (b"[]", "00"),
        (b'"[]"', "00"),
        (b'"' + b"[" * 50_000 + b'"', "03"),
    ):
        assert software.post(head + data + b"}")["error_code"] == code, data[:8]
    for path in ("/intake/sign-in", "/intake/token"):
        for body in (b"", b"[]", b'{"username": ["hue"], "password": {}}', b'{"username": "\\ud800"}', b"[" * 10_000):
            answer = software.http.post(path, content=body)
            assert answer.status_code == 200
            assert int(answer.json()["error_code"]) in (2, 3), body[:12]
    assert rows("SELECT 1 FROM intake.pushed_dossiers") == []


def test_unknown_service_gets_its_error_code(software, rows):
    for service in ("XoaHoSo", "", "dongbohosomc ", None, 7, ["DongBoHoSoMC"]):
        answer = software.call(service, [GOOD])
        assert answer["error_code"] == ("00" if service == "dongbohosomc " else "07"), service
    assert software.call("LayThuTuc", maTTHC="1.005129") == {
        "error_code": "00", "message": "Thành công.", "result": [],
    }  # fmt: skip
    for code in ("", None, [], "x" * 400, "\x00"):
        assert software.call("TraCuuHoSo", mahoso=code)["error_code"] == "03"
    (row,) = rows("SELECT records FROM intake.faults WHERE fault = 'no_such_service'")
    assert row["records"] == 5


@pytest.mark.parametrize("limits", [Limits(body=100_000)])
def test_body_that_is_too_large_is_told_in_the_protocols_shape(software, limits):
    session = software.session()
    body = {"session": session, "madonvi": NHA_TRANG, "service": "DongBoHoSoMC", "data": [GOOD]}
    large = json.dumps(body | {"x": "x" * 100_000}).encode()
    for content in (large, iter([large[:50_000], large[50_000:]])):
        answer = software.http.post("/intake/call", content=content)
        assert (answer.status_code, answer.json()["error_code"]) == (413, "05")
    answer = software.http.post("/intake/sign-in", content=b'{"username": "' + b"x" * 20_000)
    assert (answer.status_code, answer.json()["error_code"]) == (413, 5)
    assert software.post(body)["error_code"] == "00"


@pytest.mark.guarantee("intake", "a client that calls too often is told to call later, and delays no other client")
def test_client_that_calls_too_often_is_told_to_come_later(served, software, configure):
    configure(MOTCUA_INTAKE_CALLS="3", MOTCUA_SOURCES=f"{SOURCE}=national_sync")
    register("vp", TU_PHAP)
    session = software.session()
    body = {"session": session, "madonvi": NHA_TRANG, "service": "TraCuuHoSo", "mahoso": "H-1"}
    # Between the calls a new minute may begin, in which three more calls are allowed.
    answers = [served.post("/intake/call", json=body) for _ in range(8)]
    assert {answer.status_code for answer in answers} == {200, 429}
    assert {answer.json()["error_code"] for answer in answers} == {"00", "06"}
    other = Software(served, "vp")
    assert other.dossiers(dossier("V-1"), unit=TU_PHAP)["error_code"] == "00"


def test_stranger_whose_bodies_do_not_end_keeps_no_client_from_pushing(served, software, configure, monkeypatch):
    """Unfinished requests from one address must not fill the memory: bodies are read before the caller is known."""
    configure(MOTCUA_INTAKE_PROXIES="127.0.0.1", MOTCUA_SOURCES=f"{SOURCE}=national_sync")
    session, at = software.session(), served.base_url
    with ExitStack() as stack:
        for _ in range(5):
            stranger = stack.enter_context(socket.create_connection((at.host, at.port), timeout=20))
            head = b"POST /intake/call HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: 10.9.9.9\r\n"
            stranger.sendall(head + b"Content-Length: 25000000\r\n\r\n" + b"x" * 24_900_000)
        body = {"session": session, "madonvi": NHA_TRANG, "service": "DongBoHoSoMC", "data": [GOOD]}
        for pad in (0, 16 * intake.LARGE):
            assert software.post(body | {"x": "x" * pad})["error_code"] == "00"


def signing_in(served, name, address, password="guessed"):
    """Sign in through a proxy that names the caller's address; return the error code."""
    words = {"username": name, "password": password}
    return served.post("/intake/sign-in", json=words, headers={"X-Forwarded-For": address}).json()["error_code"]


TWO = Limits(wrong_passwords=2, clock=lambda: 0.0)
"""Limits of two wrong passwords a minute, with a clock that stands still."""


@pytest.mark.parametrize("limits", [TWO])
@pytest.mark.guarantee("intake", "guessing a client's password locks out no client that knows it")
def test_wrong_passwords_are_told_to_come_later_and_a_right_one_is_not(served, software, limits):
    codes = [software.sign_in(f"guess {number}")["error_code"] for number in range(5)]
    assert codes == [2, 2, 6, 6, 6]
    assert software.sign_in()["error_code"] == 0
    assert software.sign_in("guess again")["error_code"] == 6


@pytest.mark.parametrize("limits", [replace(TWO, keys=3)])
def test_names_without_end_lock_nobody_out(served, software, limits):
    """Sign-ins with many invented names must not use up the counters and lock out a real client."""
    codes = [Software(served, f"name{number}").sign_in("x")["error_code"] for number in range(5)]
    assert codes == [2, 2, 2, 6, 6]
    assert software.sign_in()["error_code"] == 0


@pytest.mark.parametrize("limits", [TWO])
@pytest.mark.guarantee("intake", "a caller's address is taken from a header only if our own proxy sent the header")
@pytest.mark.parametrize(
    ("proxies", "first", "second", "shares"),
    [
        ("127.0.0.1,10.1.0.0/16", "10.30.0.1, 10.1.0.7", "10.30.0.2, 10.1.0.7", False),
        # The caller wrote the first address, which must not count. The proxy added the last address.
        ("127.0.0.1", "9.9.9.1, 10.30.0.1", "9.9.9.2, 10.30.0.1", True),
        ("127.0.0.1", "::ffff:10.30.0.1", "10.30.0.1", True),
        ("127.0.0.1", "none", '"', True),
        ("10.1.0.0/16", "10.30.0.1", "10.30.0.2", True),
    ],
)
def test_guesses_are_counted_by_the_address_that_a_proxy_of_ours_names(
    served, software, limits, configure, proxies, first, second, shares
):
    configure(MOTCUA_INTAKE_PROXIES=proxies, MOTCUA_SOURCES=f"{SOURCE}=national_sync")
    assert [signing_in(served, SOURCE, first) for _ in range(3)] == [2, 2, 6]
    assert signing_in(served, SOURCE, second) == (6 if shares else 2)
    assert signing_in(served, SOURCE, first, PASSWORD) == 0


def test_network_of_a_client_without_a_session_is_that_behind_the_proxy(served, configure, rows):
    """A client that is identified by its network must be checked by the address that our proxy reports."""
    register("xa", NHA_TRANG, source=SOURCE, networks=("127.0.0.0/8", "10.30.0.0/16"))

    def code(*forwarded):
        answer = served.post(
            "/intake/DongBoHoSoMC", params={"MaDinhDanhDV": NHA_TRANG}, json=[GOOD],
            headers=[("X-Forwarded-For", address) for address in forwarded],
        )  # fmt: skip
        return answer.json()["error_code"]

    configure(MOTCUA_INTAKE_PROXIES="127.0.0.1", MOTCUA_SOURCES=f"{SOURCE}=national_sync")
    assert code("10.30.0.9") == "00"
    # Only the address that our proxy added counts, not the proxy's own address or an address written by the caller.
    for strange in (("10.40.0.9",), ("10.30.0.9", "10.40.0.9"), ("10.30.0.9, 10.40.0.9",), ("fe80::1%1",), ("abc",)):
        assert code(*strange) == "01", strange
    configure(MOTCUA_INTAKE_PROXIES="10.1.0.1", MOTCUA_SOURCES=f"{SOURCE}=national_sync")
    rows("UPDATE intake.clients SET networks = '{10.30.0.0/16}'")
    assert code("10.30.0.9") == "01"


def test_call_without_a_session_may_wait_for_the_large_calls_of_others(served, rows, monkeypatch):
    """A call without a session must not expire while it waits for large calls of other clients.

    Large calls run one at a time.
    """
    register("xa", NHA_TRANG, source=SOURCE, networks=("127.0.0.0/8",))
    turn = intake._Resources.turn

    @asynccontextmanager
    async def late(self, client, size):
        async with turn(self, client, size):
            await asyncio.to_thread(rows, "UPDATE intake.sessions SET expires_at = expires_at - interval '3 minutes'")
            yield

    monkeypatch.setattr(intake._Resources, "turn", late)
    answer = served.post("/intake/DongBoHoSoMC", params={"MaDinhDanhDV": NHA_TRANG}, json=[GOOD]).json()
    assert (answer["error_code"], answer["received"]) == ("00", 1)


@pytest.mark.guarantee(
    "intake", "calls with invented addresses are counted by client and answered late, even with the intake's role"
)
def test_invented_addresses_are_counted_by_client_and_answered_late(postgres, ledger, served, rows):
    """Wrong guesses must be counted together over all addresses, agencies and connections.

    Otherwise somebody with the intake's database role could guess a client's network.
    """
    register("xa", NHA_TRANG, TU_PHAP, source=SOURCE, networks=("10.30.0.0/16",))
    role = connection_uri(postgres.admin_dsn, "motcua_intake", str(conninfo_to_dict(ledger)["dbname"]))
    ask = "SELECT intake.sign_in_from(%s, %s, sha256(%s::bytea))"

    def guess(last: int) -> bool:
        with psycopg.connect(role, autocommit=True) as connection:
            unit = (NHA_TRANG, TU_PHAP)[last % 2]
            (said,) = connection.execute(ask, (f"10.9.0.{last}", unit, str(last))).fetchall()
        return bool(said[0])

    assert not any(guess(last) for last in range(60))
    began = time.monotonic()
    with ThreadPoolExecutor(3) as guessing:
        assert not any(guessing.map(guess, range(60, 63)))
    assert time.monotonic() - began > 3, "guesses over several connections must wait for each other"
    with psycopg.connect(role, autocommit=True) as connection:
        began = time.monotonic()
        assert connection.execute(ask, ("10.30.0.9", NHA_TRANG, "right")).fetchall() == [(True,)]
        assert connection.execute(ask, ("10.9.0.9", "nobody", "x")).fetchall() == [(False,)]
    assert rows("SELECT count(*) AS n, max(wrong) AS wrong FROM intake.wrong_addresses") == [{"n": 1, "wrong": 63}]


def test_number_of_a_dossier_is_of_use_to_its_own_client_alone(served, software, rows):
    """A client must not be able to use the number of another client's dossier.

    Some requests of the protocol name a dossier by the ledger's number, which can be guessed.
    """
    register("vp", TU_PHAP)
    register("khac", NHA_TRANG, source=SOURCE)
    number = software.dossiers(dossier("H-1"))["data"]["idHoSo"]
    for name, unit in (("vp", TU_PHAP), ("khac", NHA_TRANG)):
        answer = Software(served, name).steps(step("", 9, IDHoSo=number), unit=unit)
        assert (answer["error_code"], answer["errors"][0]["reason"]) == ("04", "code_missing"), name
    for none in ("0", "9" * 18, "9" * 400, "-1", "1.0", "\u0663", "x", [], {}):
        assert software.steps(step("", 9, IDHoSo=none))["error_code"] == "04", none
    assert rows("SELECT 1 FROM intake.pushed_steps") == []
    assert software.steps(step("", 9, IDHoSo=number))["received"] == 1


def test_agency_that_was_taken_from_a_client_is_refused_at_once(served, software, rows):
    session = software.session()
    in_ledger(change_client, SOURCE, "changed", by="hoa", now=datetime.now(UTC), agencies=[TU_PHAP])
    body = {"session": session, "madonvi": NHA_TRANG, "service": "DongBoHoSoMC", "data": [GOOD]}
    answer = software.post(body)
    assert (answer["error_code"], answer["errors"][0]["reason"]) == ("04", "agency_refused")
    assert rows("SELECT 1 FROM intake.pushed_dossiers") == []


def test_record_that_names_somebody_else_is_refused_whatever_its_call_names(served, rows):
    """A record of another agency is refused, although the call names an agency of the client."""
    register("xa", NHA_TRANG, source=SOURCE, networks=("127.0.0.0/8",))
    records = [GOOD | {"MaDonVi": TU_PHAP}, dossier("H-2", MaDonViTiepNhan=TU_PHAP), dossier("H-3")]
    path = "/intake/DongBoHoSoMC"
    answer = served.post(path, params={"MaDinhDanhDV": NHA_TRANG}, json=records).json()
    assert [(each["index"], each["reason"]) for each in answer["errors"]] == [
        (0, "agency_refused"), (1, "agency_refused"),
    ]  # fmt: skip
    assert [row["dossier_code"] for row in rows("SELECT dossier_code FROM intake.pushed_dossiers")] == ["H-3"]


def test_compressed_or_wrongly_encoded_body_gets_an_error_code(software, rows):
    body = {"session": software.session(), "madonvi": NHA_TRANG, "service": "DongBoHoSoMC", "data": [GOOD]}
    written = json.dumps(body)
    for content, headers in (
        (gzip.compress(written.encode()), {"Content-Encoding": "gzip"}),
        (written.encode("utf-16"), {"Content-Type": "application/json; charset=utf-16"}),
        (b"\x00" * 5_000, {}),
        (written.encode()[:-1] + b"\x00}", {}),
    ):
        answer = software.http.post("/intake/call", content=content, headers=headers)
        assert answer.status_code == 200
        assert answer.json()["error_code"] in ("01", "03")
    assert rows("SELECT 1 FROM intake.pushed_dossiers") == []


def test_malformed_address_or_header_gets_an_error_code(software, served, rows):
    session = software.session()
    for path, headers in (
        ("/intake/%00", {}),
        ("/intake/%ff%fe?session=%00&madinhdanhdv=%ff", {}),
        ("/intake/DongBoHoSoMC?MaDinhDanhDV=%00%ED%A0%80", {}),
        ("/intake/DongBoHoSoMC?" + "&".join(f"a{number}=1" for number in range(100)), {}),
        ("/intake/DongBoHoSoMC", {"Authorization": "Bearer " + "x" * 5_000}),
        ("/intake/DongBoHoSoMC", {"Authorization": "Bearer"}),
        ("/intake/DongBoHoSoMC", {"Session": "'; DROP TABLE intake.sessions; --"}),
    ):
        answer = served.post(path, json=[GOOD], headers=headers)
        assert answer.status_code == 200, path
        assert answer.json()["error_code"] in ("01", "03"), path
    assert rows("SELECT 1 FROM intake.pushed_dossiers") == []
    # The session must be accepted in each part of a request where clients write a session.
    for path, headers in (("?session=" + session, {}), ("", {"Session": session}),
                          ("", {"authorization": f"bearer {session}"})):  # fmt: skip
        answer = served.post(f"/intake/TraCuuHoSo{path}", json={"mahoso": "H-1"}, headers=headers)
        assert answer.json()["error_code"] == "00", path


def test_sign_in_by_a_form_is_one_and_as_curl_sends_it_too(software):
    """The sign-in accepts a form, and also JSON that `curl --data '{…}'` declares as a form."""
    answer = software.http.post("/intake/sign-in", data={"username": SOURCE, "password": PASSWORD}).json()
    assert answer["error_code"] == 0
    assert len(answer["session"]) > 40
    called_a_form = {"Content-Type": "application/x-www-form-urlencoded"}
    for path, names in (("sign-in", ("username", "password")), ("token", ("client_id", "client_secret"))):
        body = json.dumps(dict(zip(names, (SOURCE, PASSWORD), strict=True)))
        answer = software.http.post(f"/intake/{path}", content=f" {body}", headers=called_a_form).json()
        assert answer["error_code"] in (0, "00")


def test_nothing_of_a_push_stands_in_a_log(software, caplog, ledger, rows):
    with caplog.at_level(logging.DEBUG):
        session = software.session()
        rows("ALTER TABLE intake.pushed_dossiers RENAME TO away")
        body = {"session": session, "madonvi": NHA_TRANG, "service": "DongBoHoSoMC", "data": [GOOD]}
        answer = software.http.post("/intake/call", json=body)
    assert (answer.status_code, answer.json()["error_code"]) == (503, "99")
    assert "A request to the intake app failed" in caplog.text
    for value in (session, PASSWORD, "0905123456", "Nguyễn Thị Lan"):
        assert value not in caplog.text


def test_step_without_a_readable_status_is_refused(software, rows):
    answer = software.steps(step("H-1", "xong"), step("H-1", "9", ThoiDiemXuLy="hôm qua"))
    assert (answer["error_code"], answer["received"], answer["errors"][0]["reason"]) == ("00", 1, "status_unreadable")
    (row,) = rows("SELECT occurred_at = recorded_at AS at_arrival FROM intake.source_transitions")
    assert row["at_arrival"]


def test_room_is_given_back_and_a_minute_ends():
    """Memory for large bodies is freed after use, and a client's limit of calls starts anew each minute."""
    room = intake.Room(100, 120)
    assert room.take(60, intake.LARGE + 1, "10.1.0.1")
    assert not room.take(60, intake.LARGE + 1, "10.1.0.1")
    assert room.take(60, 60, "10.1.0.1"), "small bodies must not wait for large ones"
    assert not room.take(1, 1, "10.1.0.1"), "one address must not use up the memory"
    assert room.take(1, 1, "10.1.0.2")
    room.give_back(120, "10.1.0.1")
    room.give_back(1, "10.1.0.2")
    assert room.take(100, intake.LARGE + 1, "10.1.0.1")
    minute = [0.0]
    rate = intake.Rate(lambda: 2, Limits(clock=lambda: minute[0]))
    for _ in range(2):
        assert not rate.is_over("a")
        rate.count("a")
    assert (rate.is_over("a"), rate.is_over("b")) == (True, False)
    minute[0] = 60
    assert not rate.is_over("a")
    for key in range(20_000):
        rate.count(key)
    assert (rate.is_over("one that is new"), rate.is_over(1)) == (True, False)
