"""Test ``motcua set-up``: set-up asks ten questions, tries each answer at once, and stores the answer or asks again.

To try an answer, set-up connects to a mail server, a database and a gateway on loopback.
"""

from __future__ import annotations

import os
import stat
import sys
import tempfile
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from pyrage.x25519 import Identity, Recipient

from motcua import gateways
from motcua.jobs.doctor import server_files
from motcua.jobs.doctor.examine import examine
from motcua.jobs.doctor.examining import DOT_ENV, of_folder
from motcua.jobs.doctor.server_files import FOLDERS, OWN_CERTIFICATE
from motcua.jobs.doctor.written import SECRETS
from motcua.jobs.installing import making
from motcua.jobs.installing.files import WRITTEN, Files, NotWritable, as_json
from motcua.jobs.installing.files import written as as_written
from motcua.jobs.installing.questions import NAMES
from motcua.jobs.installing.talking import words
from tests.ground import Server, database, free_port, memory_folder, type_command
from tests.integration.doctor.installed import made, smsbox_of
from tests.integration.installing.province import (
    HOST,
    WRONG,
    Mailbox,
    Person,
    Province,
    answer,
    bare,
    certificate,
    connection,
    one_stop,
    without_colours,
    written,
)

NO_LINES = 1
"""Exit code if the answers end before the questions."""
SIGNED = "nowhere, Nguyễn Văn An, "


FIRST_TOKEN, WEBHOOK_SECRET = made(), made()
"""Zalo's first refresh token and the secret of its webhook."""


@pytest.fixture(autouse=True)
def own_user(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the services run as the user of the tests."""
    for module in (server_files, making):
        monkeypatch.setattr(module, "SERVICES_USER", os.getuid())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return bare(tmp_path / "motcua")


@pytest.fixture(scope="module")
def province(postgres: Server) -> Iterator[Province]:
    # The gateway's password has characters with a special meaning in an env file, in JSON or in an address.
    passwords = {"source": made(), "gateway": f"""a'b"c\\d$e#f g{made()}""", "mail": made()}
    smsbox, mails = smsbox_of("motcua", passwords["gateway"]), Mailbox("motcua", passwords["mail"])
    empty = "empty_of_set_up"
    with one_stop(postgres, passwords["source"]) as source, database(postgres.admin_dsn, empty):
        yield Province(source, smsbox, mails, passwords, empty)
    mails.close()
    smsbox.close()


@pytest.fixture
def person(folder: Path) -> Iterator[Callable[..., Person]]:
    sat: list[Person] = []

    def sits(*typed: str) -> Person:
        sat.append(Person(folder, *typed))
        return sat[-1]

    yield sits
    for each in sat:
        each.gives_up()


def of_source(province: Province, **changes: str) -> list[str]:
    """Return the lines that answer the questions about the source khanhhoa."""
    given = {"password": province.passwords["source"], "sslmode": "prefer", **province.source, **changes}
    return [
        "khanhhoa",
        "contract",
        *(given[key] for key in ("host", "port", "database", "login", "password", "sslmode")),
    ]


def of_gateway(province: Province, **changes: str) -> list[str]:
    """Return the lines that answer the questions about the gateway kannel."""
    given = {
        "schema": "http",
        "host": "127.0.0.1",
        "port": str(province.smsbox.port),
        "login": "motcua",
        "password": province.passwords["gateway"],
        "sender": "MotcuaSMS",
        "registered": "Số 12/CV-VNPT",
        **changes,
    }
    return ["kannel", "kannel", *given.values()]


def of_zalo(province: Province) -> list[str]:
    """Return the lines that answer the questions about Zalo, with the address of the gateway's test double."""
    place = ["http", "127.0.0.1", str(province.smsbox.port)]
    return ["zalo", "", *place, "3210123210123", made(), "Số 7/ZNS", FIRST_TOKEN, WEBHOOK_SECRET]


def of_mail(province: Province, **changes: str) -> list[str]:
    """Return the lines that answer the questions about the mail server."""
    given = {
        "host": "127.0.0.1",
        "port": str(province.mails.port),
        "tls": "khong",
        "login": "motcua",
        "password": province.passwords["mail"],
        "from": "MotcuaSMS <motcua@khanhhoa.gov.vn>",
        **changes,
    }
    return list(given.values())


# --- A complete set-up ------------------------------------------------------------------------------------------------


@pytest.mark.guarantee(
    "installation", "ten answers set up a bare server; the only fault left is the private key, which must be moved away"
)
def test_a_bare_folder_is_set_up_in_a_terminal_and_the_doctor_finds_the_private_key_alone(
    folder: Path, province: Province, person: Callable[..., Person]
) -> None:
    certificate(folder, f"*.{HOST.partition('.')[2]}")
    before = len(province.mails.taken)
    it = person()
    it.answers(
        [
            ("Câu 1/10", HOST),
            ("Câu 2/10", "tep"),
            ("Câu 3/10", "khanhhoa"),
            ("contract", "contract"),
            ("máy chủ:", province.source["host"]),
            ("cổng mạng", province.source["port"]),
            ("cơ sở dữ liệu", province.source["database"]),
            ("tài khoản", province.source["login"]),
            ("mật khẩu", WRONG),
            ("TLS", "prefer"),
            # After the refusal set-up asks again and offers all earlier answers except the password.
            ("Cơ sở dữ liệu không cho vào", ""),
            ("contract", ""),
            ("máy chủ [", ""),
            ("cổng mạng", ""),
            ("cơ sở dữ liệu", ""),
            ("tài khoản", ""),
            ("mật khẩu", province.passwords["source"]),
            ("TLS", ""),
        ]
    )
    it.hears("Nguồn khanhhoa trả lời")
    it.answers(
        [
            ("Câu 4/10", ""),
            ("giao thức", ""),
            ("http hay https", ""),
            ("máy chủ", "127.0.0.1"),
            ("cổng mạng", str(province.smsbox.port)),
            ("tài khoản", "motcua"),
            ("mật khẩu", province.passwords["gateway"]),
            ("brandname", ""),
            ("văn bản số mấy", "Số 12/CV-VNPT"),
            ("Câu 5/10", "10.20.2.7"),
            ("đẩy dữ liệu từ đó", ""),
        ]
    )
    it.hears("Câu 6/10")
    it.answers(
        [
            ("Máy chủ thư", "127.0.0.1"),
            ("Cổng mạng", str(province.mails.port)),
            ("Mã hóa", "khong"),
            ("Tài khoản thư", "motcua"),
            ("Mật khẩu thư", province.passwords["mail"]),
            ("Gửi đi từ", "MotcuaSMS <motcua@khanhhoa.gov.vn>"),
            ("Mật khẩu thư đi không mã hóa", "g"),
            ("Câu 7/10", "hoa@khanhhoa.gov.vn, truc@khanhhoa.gov.vn"),
            ("Câu 8/10", "lan@khanhhoa.gov.vn"),
            ("Sở Nội vụ", ""),
            ("Sở Tư pháp", ""),
            ("Ủy ban", ""),
            ("Câu 9/10", "giamsat-02"),
            ("Câu 10/10", "may-saoluu-01"),
        ]
    )
    assert it.leaves() == 0
    output = without_colours(it.seen)
    assert output.rstrip().endswith("docker compose up --detach")
    assert [each for each in province.passwords.values() if each in output] == [], "set-up may show no password"
    assert [each for name in SECRETS if (each := written(folder, DOT_ENV, name)) in output] == []
    assert [to for to, _ in province.mails.taken[before:]] == ["hoa@khanhhoa.gov.vn"], (
        "the first address must get a real mail"
    )
    assert not [each for each in province.smsbox.asked if "to" in each], "set-up may send no SMS"

    found = examine(of_folder(folder)).findings
    assert {each.name for each in found} == {"private_key_here", "mail_in_clear"}, found
    gateway, expected = (connection(folder, file, "sms_kannel") for file in ("gateways.env", "callbacks.env"))
    assert gateway.password == province.passwords["gateway"]
    assert gateway.extra["callback_secret"] == expected.extra["callback_secret"]
    assert gateway.extra["callback_url"] == f"https://{HOST}/gateway/receipts/kannel"
    assert written(folder, "callbacks.env", "MOTCUA_METRICS_SECRET"), "the watch on another machine needs this secret"
    assert expected.password is None, "the callbacks app, which strangers reach, may not know the gateway's password"
    assert written(folder, DOT_ENV, "TLS") == OWN_CERTIFICATE
    # The backups' public key must belong to the private key, whose file has age-keygen's format.
    lines = (folder / "identity.txt").read_text().splitlines()
    (private,) = [each for each in lines if not each.startswith("#")]
    assert str(Identity.from_str(private).to_public()) == written(folder, DOT_ENV, "BACKUP_RECIPIENTS")
    assert len(urlsafe_b64decode(written(folder, DOT_ENV, "AIRFLOW_SECRET"))) == 32
    closed = [each for each in (*WRITTEN, "identity.txt") if stat.S_IMODE((folder / each).stat().st_mode) != 0o600]
    assert closed == []
    assert {name: stat.S_IMODE((folder / name).stat().st_mode) for name in FOLDERS} == dict.fromkeys(FOLDERS, 0o700)
    assert stat.S_IMODE((folder / "certificates/site.key").stat().st_mode) == 0o600
    # The examples' comments explain each value and must stay in the files.
    for file in WRITTEN:
        explained = [each for each in (folder / f"{file}.example").read_text().splitlines() if each.startswith("#")]
        assert set(explained) <= set((folder / file).read_text().splitlines()), file
    (folder / "identity.txt").unlink()
    type_command("doctor", "--files", folder)


@pytest.mark.guarantee("installation", "a set-up that is stopped keeps every answer that was given")
def test_ctrl_c_keeps_what_was_answered_and_the_next_time_goes_on_from_there(
    folder: Path, person: Callable[..., Person]
) -> None:
    it = person()
    it.answers([("Câu 1/10", HOST), ("Câu 2/10", "internal"), ("Câu 3/10", "hue")])
    it.presses_ctrl_c_at("là phần mềm gì")
    assert it.leaves() == 1
    assert "Những câu trả lời xong đã ghi" in it.seen
    assert "Traceback" not in it.seen
    assert (written(folder, DOT_ENV, "UI_URL"), written(folder, DOT_ENV, "TLS")) == (f"https://{HOST}", "internal")
    assert written(folder, "settings.env", "MOTCUA_SOURCES") != "hue"
    assert not list(folder.glob(".*.env.*")), "no temporary file may stay"
    output = answer(folder, "", "", exits=NO_LINES)
    assert f"[https://{HOST}]" in output
    assert "[internal]" in output
    assert "còn câu 3/10 (sources)" in output


# --- Wrong answers ----------------------------------------------------------------------------------------------------

Asked = tuple[str, Callable[[Path, Province], list[str]], str]
"""A question, the lines of a wrong answer, and the words of set-up's refusal."""


def _certificate_for(*names: str, **how: object) -> Callable[[Path, Province], list[str]]:
    def lines(folder: Path, _: Province) -> list[str]:
        certificate(folder, *names, **how)  # type: ignore[arg-type]
        return ["tep"]

    return lines


def _lines(*lines: str) -> Callable[[Path, Province], list[str]]:
    return lambda folder, province: list(lines)


def _no_pem(folder: Path, _: Province) -> list[str]:
    certificate(folder, HOST)
    (folder / "certificates/site.pem").write_text("chứng thư")
    return ["tep"]


def _nobody_there(folder: Path, province: Province) -> list[str]:
    return of_source(province, port=str(free_port()))


def _same_disk(folder: Path, _: Province) -> list[str]:
    (folder / "sao-luu").mkdir()
    return [str(folder / "sao-luu")]


NASTY: dict[str, Asked] = {
    "pages: with a path": ("pages", _lines(f"https://{HOST}/motcua"), "Phải là https:// và tên"),
    "pages: in clear": ("pages", _lines(f"http://{HOST}"), "Phải là https:// và tên"),
    "pages: somebody's password": ("pages", _lines(f"https://a:b@{HOST}"), "Phải là https:// và tên"),
    "pages: the example's": ("pages", _lines("https://motcua.example.vn"), "Đây là giá trị của ví dụ"),
    "pages: with a quote": ("pages", _lines("https://mot'cua.vn"), "Không dùng được dấu nháy đơn"),
    "certificate: no file": ("certificate", _lines("tep"), "không có site.pem"),
    "certificate: of another name": (
        "certificate",
        _certificate_for("khac.khanhhoa.gov.vn"),
        "cấp cho khac.khanhhoa.gov.vn, không",
    ),
    "certificate: a star is one label": ("certificate", _certificate_for("*.gov.vn"), "cấp cho *.gov.vn, không phải"),
    "certificate: a common name alone": ("certificate", _certificate_for(), "cấp cho nobody, không phải"),
    "certificate: over": ("certificate", _certificate_for(HOST, ends=timedelta(days=-1)), "đã hết hạn ngày"),
    "certificate: not yet": ("certificate", _certificate_for(HOST, begins=timedelta(days=2)), "có hiệu lực từ ngày"),
    "certificate: key of another": (
        "certificate",
        _certificate_for(HOST, key_of_another=True),
        "Khóa không phải của chứng thư",
    ),
    "certificate: key with a password": ("certificate", _certificate_for(HOST, password=b"x"), "khóa có mật khẩu"),
    "certificate: no certificate": ("certificate", _no_pem, "Tệp không phải PEM"),
    "certificate: something else": ("certificate", _lines("letsencrypt"), "Gõ tep, một địa chỉ thư"),
    "sources: no name": ("sources", _lines("Khánh Hòa"), "Mỗi tên chỉ có chữ thường"),
    "sources: no adapter": ("sources", _lines("khanhhoa", "oracle"), "Không có loại đó; có:"),
    "sources: nobody there": ("sources", _nobody_there, "Cơ sở dữ liệu không trả lời"),
    "sources: wrong password": ("sources", lambda _, it: of_source(it, password=WRONG), "không cho vào"),
    "sources: no such database": ("sources", lambda _, it: of_source(it, database="kho"), "không cho vào"),
    "sources: no TLS there": ("sources", lambda _, it: of_source(it, sslmode="require"), "Cơ sở dữ liệu không trả lời"),
    "sources: in clear": ("sources", lambda _, it: of_source(it, sslmode="disable"), "Kết nối không mã hóa"),
    "sources: no views there": (
        "sources",
        lambda _, it: of_source(it, database=it.empty),
        "không có khung nhìn hoặc cột",
    ),
    "sources: no port": ("sources", lambda _, it: of_source(it, port="543x")[:4], "Cổng mạng là một số"),
    "gateway: nobody there": (
        "gateway",
        lambda _, it: of_gateway(it, port=str(free_port())),
        "Cổng nhắn tin không trả",
    ),
    "gateway: wrong password": ("gateway", lambda _, it: of_gateway(it, password=WRONG), "không nhận tài khoản"),
    "gateway: no TLS there": ("gateway", lambda _, it: of_gateway(it, schema="https"), "Cổng nhắn tin không trả lời"),
    "gateway: not registered": ("gateway", lambda _, it: of_gateway(it, registered="chưa"), "chưa đăng ký"),
    "receipts: no address": ("receipts", _lines("10.20.2.300"), "Mỗi cái phải là một địa chỉ"),
    "receipts: everybody": ("receipts", _lines("0.0.0.0/0"), "không được rộng tới mức"),
    "mail: nobody there": ("mail", lambda _, it: of_mail(it, port=str(free_port())), "Máy chủ thư không trả lời"),
    "mail: wrong password": ("mail", lambda _, it: of_mail(it, password=WRONG), "Máy chủ thư từ chối"),
    "mail: password with accents": ("mail", lambda _, it: of_mail(it, password="hoa-sữa-2026"), "Máy chủ thư từ chối"),
    "mail: no TLS there": ("mail", lambda _, it: of_mail(it, tls="starttls"), "không mã hóa như đã chọn"),
    "mail: no sender": ("mail", lambda _, it: of_mail(it, **{"from": "motcua"}), "Không phải địa chỉ thư: motcua"),
    "alerts: no address": ("alerts", _lines("hoa@khanhhoa.gov.vn, truc"), "Không phải địa chỉ thư: truc"),
    "outside: this machine": ("outside", _lines(HOST), "Gõ tên của một máy khác"),
    "outside: localhost": ("outside", _lines("localhost"), "Gõ tên của một máy khác"),
    "outside: signed by nobody": ("outside", _lines("nowhere", "admin"), "Phải là họ tên một người"),
    "backups: no folder": ("backups", _lines("/mnt/khong-co"), "Thư mục không dùng được"),
    "backups: on this disk": ("backups", _same_disk, "Thư mục nằm cùng đĩa"),
    "backups: this folder": ("backups", _lines("./backups"), "Gõ đường dẫn của một thư mục"),
    "backups: signed by nobody": ("backups", _lines("nowhere", "quantri"), "Phải là họ tên một người"),
}


@pytest.mark.guarantee(
    "installation",
    "a wrong answer is refused at once, with what to do; if somebody insists on it, the doctor reports it",
)
@pytest.mark.parametrize("what", NASTY)
def test_nasty_answer_is_told_at_once_and_not_written(what: str, folder: Path, province: Province) -> None:
    answer(folder, HOST, question="pages")
    before = {file: (folder / file).read_text() for file in WRITTEN}
    question, lines, said = NASTY[what]
    output = answer(folder, *lines(folder, province), question=question, exits=NO_LINES)
    assert said in output
    assert "(" + question + ")" in output, "set-up must ask the question again"
    assert {file: (folder / file).read_text() for file in WRITTEN} == before
    assert [each for each in (*province.passwords.values(), WRONG) if each in output] == []


KEPT: dict[str, tuple[Asked, str]] = {
    name: (NASTY[name], fault)
    for name, fault in {
        "pages: the example's": "placeholder_left",
        "certificate: over": "certificate_wrong",
        "certificate: no file": "certificate_wrong",
        "sources: in clear": "connection_in_clear",
        "gateway: not registered": "brandname_unregistered",
        "backups: no folder": "folder_unusable",
        "backups: on this disk": "backups_stay_here",
    }.items()
}


@pytest.mark.guarantee(
    "installation", "set-up asks what a gateway's provider needs, and writes each value into the file it belongs in"
)
def test_gateway_is_asked_for_what_its_provider_needs(folder: Path, province: Province) -> None:
    answer(folder, HOST, question="pages")
    output = answer(folder, *of_zalo(province), question="gateway")
    assert f"webhook này: https://{HOST}/gateway/receipts/zalo" in output
    assert [each for each in (FIRST_TOKEN, WEBHOOK_SECRET) if each in output] == []
    sends, called = (connection(folder, file, "sms_zalo").extra for file in ("gateways.env", "callbacks.env"))
    assert sends == {"adapter": "zalo", "refresh_token": FIRST_TOKEN, "registered": "Số 7/ZNS"}
    assert called == {"adapter": "zalo", "app_id": "3210123210123", "webhook_secret": WEBHOOK_SECRET}
    # Zalo has no brandnames, so set-up names the gateway instead.
    again = answer(folder, *[""] * 7, "chua", "", "", question="gateway", exits=NO_LINES)
    assert "của zalo chưa đăng ký" in again


CHANNEL = """
from motcua.gateways.adapter import ConnectionField, Provider

class PushGateway(Provider):
    connection_fields = (ConnectionField("channel_id"),)
    needs_login = False

    def __init__(self, address):
        self.address = address
"""
"""An adapter that somebody may add, with a connection field for which set-up has no question text."""


def test_new_adapter_is_asked_for_what_it_declares(
    folder: Path, province: Province, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "push.py").write_text(CHANNEL)
    monkeypatch.setattr(gateways, "__path__", [*gateways.__path__, str(tmp_path)])
    monkeypatch.delitem(sys.modules, "motcua.gateways.push", raising=False)
    output = answer(folder, "push", "", "", "api.push.vn", question="gateway", exits=NO_LINES)
    assert "http hay https [https]" in output
    assert "cổng mạng [443]" in output
    place = ["http", "127.0.0.1", str(province.smsbox.port)]
    output = answer(folder, "push", "", *place, made(), "Số 7/OA", "kenh-1", question="gateway")
    assert "push: tài khoản" not in output
    assert "push: channel_id" in output
    given = connection(folder, "gateways.env", "sms_push")
    assert (given.login or "", given.extra["channel_id"]) == ("", "kenh-1")


@pytest.mark.parametrize(("name", "port"), [("kannel", 13013), ("vnpt", 80)])
def test_provider_without_tls_is_proposed_http_and_its_port(name: str, port: int, folder: Path) -> None:
    output = answer(folder, name, name, "", "10.20.2.7", question="gateway", exits=NO_LINES)
    assert "http hay https [http]" in output
    assert f"cổng mạng [{port}]" in output


@pytest.mark.guarantee(
    "installation",
    "a wrong answer is refused at once, with what to do; if somebody insists on it, the doctor reports it",
)
@pytest.mark.parametrize("what", KEPT)
def test_wrong_answer_is_kept_where_somebody_says_so_and_stays_red(what: str, folder: Path, province: Province) -> None:
    answer(folder, HOST, question="pages")
    (question, lines, _), fault = KEPT[what]
    answer(folder, *lines(folder, province), "g", question=question)
    assert fault in {each.name for each in examine(of_folder(folder)).findings}


@pytest.mark.parametrize(
    ("question", "fault", "name"),
    [("outside", "watched_from_nowhere", "WATCHED_FROM"), ("backups", "backups_stay_here", "BACKUPS_GO")],
)
def test_answer_nowhere_is_signed_and_stays_red(question: str, fault: str, name: str, folder: Path) -> None:
    output = answer(folder, "nowhere", "Nguyễn Văn An", question=question)
    assert written(folder, "settings.env", f"MOTCUA_{name}").startswith(SIGNED)
    red = {each.name for each in examine(of_folder(folder)).findings}
    assert fault in red
    assert fault in output
    # An empty answer (Enter) keeps "nowhere" with its signature and day. A machine's name replaces all three.
    kept = written(folder, "settings.env", f"MOTCUA_{name}")
    answer(folder, "", question=question)
    assert written(folder, "settings.env", f"MOTCUA_{name}") == kept
    answer(folder, "may-khac-02", question=question)
    assert fault not in {each.name for each in examine(of_folder(folder)).findings}


# --- Changed answers --------------------------------------------------------------------------------------------------


@pytest.mark.guarantee("installation", "the set-up refuses one address for both alerts and reports")
@pytest.mark.parametrize(
    ("first", "second"), [("alerts", "reports"), ("reports", "alerts")], ids=["reports last", "alerts last"]
)
def test_one_address_for_alerts_and_reports_is_refused(
    first: str, second: str, folder: Path, province: Province
) -> None:
    answer(folder, *of_mail(province), "g", question="mail")
    names = {
        "alerts": ["lan@khanhhoa.gov.vn, Hoa@khanhhoa.gov.vn"],
        "reports": ["hoa@khanhhoa.gov.vn", "", "", "noivu@khanhhoa.gov.vn"],
    }
    answer(folder, *names[first][:4], question=first)
    output = answer(folder, *names[second][:1], question=second, exits=NO_LINES)
    assert "hoa@khanhhoa.gov.vn vừa nhận cảnh báo vừa nhận báo cáo" in output


def test_trial_mail_is_sent_once_a_recipient_is_known_and_its_refusal_is_told(folder: Path, province: Province) -> None:
    before = len(province.mails.taken)
    assert "Thư thử sẽ gửi khi biết" in answer(folder, *of_mail(province), "g", question="mail")
    province.mails.refuse = {"khong-co@khanhhoa.gov.vn"}
    output = answer(folder, "khong-co@khanhhoa.gov.vn", question="alerts", exits=NO_LINES)
    assert "SMTP 550 5.1.1" in output
    assert len(province.mails.taken) == before
    answer(folder, "truc@khanhhoa.gov.vn", question="alerts")
    answer(folder, *[""] * 6, question="mail", exits=NO_LINES)
    assert [to for to, _ in province.mails.taken[before:]] == ["truc@khanhhoa.gov.vn"]


def test_one_answer_is_changed_and_everything_else_stays_as_it_was(folder: Path, province: Province) -> None:
    answer(folder, HOST, question="pages")
    answer(folder, *of_gateway(province), question="gateway")
    secret = connection(folder, "gateways.env", "sms_kannel").extra["callback_secret"]
    # A person adds by hand a limit, a comment and a setting. Set-up must keep all three.
    path = folder / "gateways.env"
    path.write_text(path.read_text().replace('"sender"', '"concurrency": 4, "sender"'))
    with (folder / "settings.env").open("a") as opened:
        opened.write("\n# Quyết định số 5\nMOTCUA_SEGMENT_PRICE=350\n")
    before = (folder / "settings.env").read_text(), (folder / DOT_ENV).read_text()
    answer(folder, "", "", "", "", "", "", WRONG, "", "", "g", question="gateway")
    after = connection(folder, "gateways.env", "sms_kannel")
    assert (after.password, after.extra["concurrency"], after.extra["callback_secret"]) == (WRONG, 4, secret)
    assert ((folder / "settings.env").read_text(), (folder / DOT_ENV).read_text()) == before
    # When the pages get a new name, the gateways' callback address must get this name too.
    answer(folder, "tin.khanhhoa.gov.vn", question="pages")
    address = connection(folder, "gateways.env", "sms_kannel").extra["callback_url"]
    assert address == "https://tin.khanhhoa.gov.vn/gateway/receipts/kannel"


def test_source_that_pushes_needs_no_connection_and_the_example_connections_are_removed(folder: Path) -> None:
    output = answer(folder, "hue", "national_sync", question="sources")
    assert "Nguồn hue tự đẩy dữ liệu tới" in output
    assert written(folder, "settings.env", "MOTCUA_SOURCES") == "hue=national_sync"
    assert "AIRFLOW_CONN_ONESTOP" not in "".join(
        each for each in (folder / "sources.env").read_text().splitlines() if not each.startswith("#")
    )


def test_sources_with_the_names_of_the_examples_are_kept(folder: Path, province: Province) -> None:
    first, second = of_source(province)[1:], ["opencps", *of_source(province)[2:]]
    answer(folder, "khanhhoa,vanphong", *first, *second, "g", question="sources")
    assert written(folder, "settings.env", "MOTCUA_SOURCES") == "khanhhoa=contract,vanphong=opencps"
    assert {connection(folder, "sources.env", f"onestop_{each}").host for each in ("khanhhoa", "vanphong")} == {
        province.source["host"]
    }
    assert "[khanhhoa,vanphong]" in answer(folder, question="sources", exits=NO_LINES)
    # A source that is left out of the answer must be removed together with its connection.
    answer(folder, "khanhhoa", *[""] * 7, question="sources")
    assert "VANPHONG" not in "".join(each for each in (folder / "sources.env").open() if not each.startswith("#"))


def test_folder_on_another_disk_is_where_backups_are_written(folder: Path) -> None:
    with memory_folder() as elsewhere:
        elsewhere.chmod(0o700)
        if elsewhere.stat().st_dev == folder.stat().st_dev:
            pytest.skip("all of this machine is one disk")
        answer(folder, f"{elsewhere}/", question="backups")
        assert (
            written(folder, DOT_ENV, "BACKUPS")
            == written(folder, "settings.env", "MOTCUA_BACKUPS_GO")
            == str(elsewhere)
        )
        red = {each.name for each in examine(of_folder(folder)).findings}
        assert "backups_stay_here" not in red
        # From here on the services' user may not write to this folder.
        elsewhere.chmod(0o500)
        assert any(str(elsewhere) == each.subject for each in examine(of_folder(folder)).findings)
        # In a container, the machine's folders lie below another path.
        with tempfile.TemporaryDirectory() as machine:
            found = examine(of_folder(folder, Path(machine))).findings
        assert [each.name for each in found if each.subject == str(elsewhere)] == ["folder_unusable"]
        elsewhere.chmod(0o700)


def test_existing_private_key_is_used_and_no_second_one_is_made(folder: Path) -> None:
    key = Identity.generate()
    (folder / "identity.txt").write_text(f"# của Sở\n{key}\n")
    answer(folder, "may-saoluu-01", question="backups")
    assert written(folder, DOT_ENV, "BACKUP_RECIPIENTS") == str(key.to_public())
    assert str(key) in (folder / "identity.txt").read_text()
    (folder / "identity.txt").unlink()
    answer(folder, "", question="backups")
    assert not (folder / "identity.txt").exists(), "set-up may make no second key while a public key is set"
    Recipient.from_str(written(folder, DOT_ENV, "BACKUP_RECIPIENTS"))


# --- Files ------------------------------------------------------------------------------------------------------------

OF_0_2 = """# PostgreSQL's administrator, user postgres; only the init service uses it.
POSTGRES_PASSWORD=giu-lai-postgres
MOTCUA_APP_PASSWORD=giu-lai-app
# Redis, the queue between the scheduler and the workers.
REDIS_PASSWORD=bo-redis

# Airflow. The JWT secret signs the tokens of users and tasks, the secret key the sessions of the UI.
AIRFLOW_JWT_SECRET=bo-jwt
AIRFLOW_SECRET_KEY=bo-phien
AIRFLOW_FERNET_KEY={key}
BACKUP_RECIPIENTS={recipient}
UI_URL=https://motcua.khanhhoa.gov.vn
# Where the reverse proxy finds the UI, the gateways' callbacks and the intake on this machine.
UI_LISTEN=127.0.0.1:8080
CALLBACKS_LISTEN=127.0.0.1:8081
INTAKE_LISTEN=127.0.0.1:8082

# Chỉ ở đây: đi ra ngoài qua proxy
HTTP_PROXY=http://10.20.0.1:3128
"""


@pytest.mark.guarantee("installation", "files of 0.2.0 are converted; what their keys encrypted stays readable")
def test_files_of_0_2_0_are_converted(folder: Path) -> None:
    key, recipient = urlsafe_b64encode(os.urandom(32)).decode(), str(Identity.generate().to_public())
    (folder / DOT_ENV).write_text(OF_0_2.format(key=key, recipient=recipient))
    (folder / DOT_ENV).chmod(0o644)
    output = answer(folder, "internal", question="certificate")
    assert "đã bỏ hoặc đổi tên AIRFLOW_FERNET_KEY, REDIS_PASSWORD" in output
    text = (folder / DOT_ENV).read_text()
    assert not [name for name in ("REDIS", "JWT", "SECRET_KEY", "FERNET", "_LISTEN=127") if name in text]
    assert written(folder, DOT_ENV, "AIRFLOW_SECRET") == key
    assert written(folder, DOT_ENV, "POSTGRES_PASSWORD") == "giu-lai-postgres"
    assert "# Chỉ ở đây: đi ra ngoài qua proxy\nHTTP_PROXY=http://10.20.0.1:3128\n" in text
    assert written(folder, DOT_ENV, "BACKUP_RECIPIENTS") == recipient
    assert all(written(folder, DOT_ENV, name) for name in SECRETS)
    # Each new value must come with its comment from the example file.
    assert "# The certificate of this address. There are three choices:" in text
    assert stat.S_IMODE((folder / DOT_ENV).stat().st_mode) == 0o600
    again = (folder / DOT_ENV).read_text()
    assert "Tệp của phiên bản" not in answer(folder, "", question="certificate")
    assert (folder / DOT_ENV).read_text() == again


def test_file_is_whole_or_as_it_was_where_the_disk_is_full(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answer(folder, HOST, question="pages")
    before = {each.name: each.read_text() for each in folder.glob("*env")}

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    output = answer(folder, "tin.khanhhoa.gov.vn", question="pages", exits=2)
    assert "No space left on device" in output
    assert {each.name: each.read_text() for each in folder.glob("*env")} == before
    assert not list(folder.glob(".*.env.*"))


@pytest.mark.parametrize("value", ["a b", "nowhere, Đỗ Thị Hà, 2026-12-01", "$HOME ${x}", 'nói "được"', "a#b # c", ""])
def test_value_is_read_as_it_was_written(value: str, folder: Path) -> None:
    files = Files.of(folder)
    files.put("settings.env", "MOTCUA_WATCHED_FROM", value)
    files.put_connection("sources.env", "onestop_x", {"password": f"'{value}\\n\\\"", "extra": {}})
    files.save()
    assert Files.of(folder).value("settings.env", "MOTCUA_WATCHED_FROM") == value
    assert connection(folder, "sources.env", "onestop_x").password == f"'{value}\\n\\\""
    assert set(as_json({"password": "'\\\""})) & {"'"} == set()


@pytest.mark.parametrize("value", ["hai\ndòng", "d'Artagnan", "a\\b", "\x1b[31m"])
def test_value_that_cannot_be_written_in_one_line_is_refused(value: str) -> None:
    with pytest.raises(NotWritable):
        as_written(value)


def test_folder_that_is_not_the_program_s_is_refused(tmp_path: Path) -> None:
    output = type_command("set-up", tmp_path, exits=2).output
    assert "không phải thư mục của chương trình" in output
    assert list(tmp_path.iterdir()) == []


def test_every_question_and_finding_has_its_words() -> None:
    said = words()
    assert list(said["questions"]) == list(NAMES)
    assert all({"title", "why", "example", "good"} <= set(each) for each in said["questions"].values())
    from motcua.domain.checks import CHECKS

    assert set(said["findings"]) <= set(CHECKS)
    fields = " ".join(said["connection_fields"].values()).casefold()
    assert [each for each in (*gateways.adapters(), "ở đó") if each in fields] == [], (
        "adapters share the words of a field, so the words may name no adapter"
    )
