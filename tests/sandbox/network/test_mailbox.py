"""Test the demo's mailbox: it stores every mail that it accepted (reply 250), and shows hostile mails safely."""

from __future__ import annotations

import base64
import contextlib
import os
import re
import smtplib
import socket
import subprocess
import sys
from collections.abc import Iterator
from email import policy
from email.message import EmailMessage
from html import unescape
from pathlib import Path
from typing import Any

import pytest
import requests

from motcua.sandbox.network import mailbox
from tests.ground import Served, until


class Running(Served):
    """A mailbox under a real uvicorn, with SMTP and page on free ports."""

    def __init__(self, folder: Path, **options: str) -> None:
        smtp = socket.create_server(("127.0.0.1", 0))
        self.smtp_port = smtp.getsockname()[1]
        super().__init__(mailbox.create_app(folder, smtp_socket=smtp, **options))

    def client(self) -> smtplib.SMTP:
        return smtplib.SMTP("127.0.0.1", self.smtp_port, timeout=10)

    def get(self, path: str) -> requests.Response:
        return requests.get(self.url + path, timeout=10)

    def mails(self) -> list[dict[str, Any]]:
        return self.get("/api/mails").json()["mails"]


@pytest.fixture
def box(tmp_path: Path) -> Iterator[Running]:
    box = Running(tmp_path / "mails")
    yield box
    box.stop()


def report() -> EmailMessage:
    # Do not fold long lines: older Pythons then drop the space between two encoded words.
    mail = EmailMessage(policy.default.clone(max_line_length=998))
    mail["Subject"] = "Báo cáo đối soát tháng 9/2016, Sở Thông tin và Truyền thông"
    mail["From"] = "MotcuaSMS <motcua@khanhhoa.example>"
    mail["To"] = "Sở Nội vụ <noivu@khanhhoa.example>, Sở Tư pháp <tuphap@khanhhoa.example>"
    mail["Date"] = "Mon, 19 Sep 2016 17:30:00 +0700"
    mail.set_content("Kính gửi Quý cơ quan: số liệu đã được đối soát.\n")
    mail.add_alternative('<p style="color:red">Kính gửi <b>Quý cơ quan</b> <img src="cid:c1"></p>', subtype="html")
    html = mail.get_payload(1)
    assert isinstance(html, EmailMessage)
    html.add_related(b"\x89PNG", "image", "png", cid="<c1>", filename="biểu đồ.png")
    mail.add_attachment(b"PK\x03\x04 rows", "application", "zip", filename="Đối soát tháng 9.xlsx")
    return mail


def test_a_mail_with_accents_and_an_attachment_comes_back_whole(box):
    with box.client() as client:
        assert client.send_message(report()) == {}
    (mail,) = box.mails()
    assert mail["subject"] == "Báo cáo đối soát tháng 9/2016, Sở Thông tin và Truyền thông"
    assert mail["from"] == "MotcuaSMS <motcua@khanhhoa.example>"
    assert mail["to"].startswith("Sở Nội vụ <noivu@khanhhoa.example>, Sở Tư pháp")
    assert mail["sent_at"] == "2016-09-19T10:30:00+00:00"
    assert sorted(mail["attachments"]) == ["biểu đồ.png", "Đối soát tháng 9.xlsx"]

    page = box.get(f"/mails/{mail['id']}")
    assert "17:30:00 ngày 19/9/2016" in page.text
    assert "Kính gửi Quý cơ quan: số liệu đã được đối soát." in page.text
    frame = re.search(r'<iframe sandbox title="[^"]*" srcdoc="([^"]*)"', page.text)
    assert frame
    assert "Kính gửi <b>Quý cơ quan</b>" in unescape(frame[1])
    assert 'src="data:image/png;base64,iVBORw=="' in unescape(frame[1])
    assert mail["subject"] in box.get("/").text

    place = mail["attachments"].index("Đối soát tháng 9.xlsx") + 1
    file = box.get(f"/mails/{mail['id']}/attachments/{place}")
    assert file.content == b"PK\x03\x04 rows"
    assert "%C4%90%E1%BB%91i%20so%C3%A1t" in file.headers["content-disposition"]
    assert box.get(f"/mails/{mail['id']}/attachments/9").status_code == 404
    assert b"Return-Path: <motcua@khanhhoa.example>" in box.get(f"/mails/{mail['id']}/source").content


def test_an_empty_mailbox_says_so_and_the_newest_mail_comes_first(box):
    assert "Chưa có thư nào" in box.get("/").text
    for unknown in ("nothing", "0000000000000000000-00000000", "..%2Fx"):
        assert box.get(f"/mails/{unknown}").status_code == 404
    with box.client() as client:
        for subject in ("first", "second", "third"):
            client.sendmail("a@example", ["b@example"], f"Subject: {subject}\r\n\r\nbody")
    assert [mail["subject"] for mail in box.mails()] == ["third", "second", "first"]
    assert box.get("/").text.index("third") < box.get("/").text.index("first")


HOSTILE_MAILS = [
    b"",
    b"no header at all",
    b"Subject: =?utf-8?B?!!!?= =?x-unknown?Q?=FF?=\r\n\r\n\xff\xfe",
    b"Subject: <script>alert(1)</script>\r\nFrom: \"<img src=x>\" <a@b>\r\nTo: ,,,;<\r\nDate: yesterday"
    b"\r\n\r\n<script>alert(2)</script>",
    b"Content-Type: text/html\r\n\r\n</iframe>\"><script>alert(3)</script><img src=http://evil.example/x>",
    b"Content-Type: text/plain; charset=no-such\r\n\r\nH\xe1\xbb\x93",
    b"Content-Type: multipart/mixed\r\n\r\nno boundary",
    b"Content-Type: multipart/mixed; boundary=x\r\n\r\n--x"
    b"\r\nContent-Type: message/rfc822\r\n\r\nSubject: inner\r\n\r\nhi\r\n--x--",
    b"Content-Type: application/pdf; name=\"../../etc/passwd\r\n\r\n%PDF",
    b"Content-Disposition: attachment; filename*=UTF-8''..%2F..%2Fetc%0D%0Apasswd\r\n\r\nx",
    b"Content-Transfer-Encoding: base64\r\n\r\n!!!not base64!!!",
    b"Date: Mon, 99 Foo 2016 99:99:99 +9999\r\nTo: a@b (\r\nContent-Type: ;;;\r\n\r\nx",
]  # fmt: skip


def test_a_broken_or_hostile_mail_is_kept_listed_and_shown_harmlessly(box):
    with box.client() as client:
        for raw in HOSTILE_MAILS:
            client.sendmail("a@example", ["b@example"], raw)
    mails = box.mails()
    assert len(mails) == len(HOSTILE_MAILS)
    for mail in mails:
        page = box.get(f"/mails/{mail['id']}")
        assert page.status_code == 200
        assert "<script>alert" not in page.text
        assert "<img" not in page.text
        assert "default-src 'none'" in page.headers["content-security-policy"]
        assert box.get(f"/mails/{mail['id']}/source").status_code == 200
        for place, name in enumerate(mail["attachments"], 1):
            assert "/" not in name
            file = box.get(f"/mails/{mail['id']}/attachments/{place}")
            assert file.headers["content-type"] == "application/octet-stream"
            assert file.headers["content-disposition"].startswith("attachment; filename*=UTF-8''")


def test_with_a_user_name_set_a_log_in_is_demanded(tmp_path):
    box = Running(tmp_path, username="motcua", password="mật khẩu")
    try:
        with box.client() as client:
            with pytest.raises(smtplib.SMTPSenderRefused, match="Authentication required"):
                client.send_message(report())
            with pytest.raises(smtplib.SMTPAuthenticationError):
                client.login("motcua", "wrong")
        with box.client() as client:
            client.ehlo()
            client.user, client.password = "motcua", "mật khẩu"
            code, _ = client.docmd("AUTH", "PLAIN " + plain("motcua", "mật khẩu"))
            assert code == 235
            client.send_message(report())
        assert len(box.mails()) == 1
    finally:
        box.stop()


def plain(username: str, password: str) -> str:
    return base64.b64encode(f"\0{username}\0{password}".encode()).decode()


def test_a_mail_that_finds_no_room_is_refused_for_now_and_leaves_nothing(box, tmp_path, monkeypatch):
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(mailbox.os, "fsync", full)
    with box.client() as client, pytest.raises(smtplib.SMTPDataError, match="452"):
        client.send_message(report())
    monkeypatch.undo()
    assert not list((tmp_path / "mails").iterdir())


def test_mails_outlive_the_process_and_mistakes_are_answered_with_a_sentence(tmp_path):
    command = [sys.executable, "-m", "motcua.sandbox.network.mailbox", "--folder", str(tmp_path / "mails")]
    with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("127.0.0.1", 0)) as other:
        ports = [str(listener.getsockname()[1]) for listener in (one, other)]
        command += ["--smtp-port", ports[0], "--port", ports[1]]
        refused = subprocess.run(command, capture_output=True, timeout=60, check=False)
        assert refused.returncode != 0
        assert refused.stderr.decode().startswith(f"SMTP port {ports[0]} cannot be used")
        settings = {**os.environ, "MOTCUA_SMTP_USERNAME": "motcua", "MOTCUA_SMTP_PASSWORD": ""}
        refused = subprocess.run(command, capture_output=True, timeout=60, check=False, env=settings)
        assert b"MOTCUA_SMTP_PASSWORD must be set" in refused.stderr
    for life in (1, 2):
        running = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:

            def healthy() -> bool:
                with contextlib.suppress(requests.ConnectionError):
                    return requests.get(f"http://127.0.0.1:{ports[1]}/health", timeout=5).ok
                return False

            until(healthy, 30)
            with smtplib.SMTP("127.0.0.1", int(ports[0]), timeout=10) as client:
                client.send_message(report())
            running.kill()
            assert running.wait(10)
        finally:
            running.kill()
        assert len(mailbox.mail_ids(tmp_path / "mails")) == life
