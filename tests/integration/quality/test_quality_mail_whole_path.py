"""Test the way from a one-stop database to an agency's quality mail: no whole phone number may appear in the mail."""

from __future__ import annotations

import io
import logging
import re
import zipfile
from datetime import timedelta
from email.message import EmailMessage

import pytest
from fastapi.testclient import TestClient

from motcua.domain.run_window import EVERYTHING
from motcua.jobs.notices.picking_up import pick_up
from motcua.jobs.quality.checking import check_quality
from motcua.jobs.quality.mailing import mail_agency, mail_department
from motcua.store.agencies import save_agencies
from tests.ground import NHA_TRANG, NOW, TU_PHAP, agency, in_ledger, type_command
from tests.integration.quality.test_mailing_quality import MailServer, smtp_connection
from tests.web.visiting import Visiting

DUMMY, LANDLINE, GOOD = "0912345678", "0258 3822 001", "0905771482"


@pytest.fixture
def server(configure):
    server = MailServer()
    configure(AIRFLOW_CONN_SMTP_DEFAULT=smtp_connection(server.port))
    yield server
    server.close()


def spellings(number: str) -> list[str]:
    local = re.sub(r"\D", "", number)
    bare = local[1:]
    return [
        local,
        bare,
        f"84{bare}",
        f"+84 {bare[:3]} {bare[3:6]} {bare[6:]}",
        f"{local[:4]}.{local[4:7]}.{local[7:]}",
        f"{local[:4]} {local[4:7]} {local[7:]}",
    ]


def everything_in(message: EmailMessage) -> str:
    texts = [str(message["Subject"])]
    for part in message.walk():
        if part.get_content_maintype() == "text":
            texts.append(part.get_content())
        elif part.get_filename("").endswith(".xlsx"):
            with zipfile.ZipFile(io.BytesIO(part.get_content())) as workbook:
                texts += [workbook.read(name).decode() for name in workbook.namelist() if name.endswith(".xml")]
    return "\n".join(texts)


def test_bad_numbers_are_mailed_to_their_agency_without_the_numbers(one_stop, server, caplog, capfd):
    named = agency(NHA_TRANG, name="Ủy ban nhân dân thành phố Nha Trang", report_recipients=("hoa@nhatrang.example",))
    in_ledger(save_agencies, [named], "tests")
    received = NOW - timedelta(days=2)  # NOW is a Wednesday, so this is a Monday, a working day.
    for number, phone in enumerate([DUMMY, LANDLINE, "", GOOD], 1):
        code = f"000.00.30.H32-261122-000{number}"
        one_stop.both(
            2, code, desk=True, at=received, applicant_phone=phone, received_at=received, phone_entered_at=received
        )
        one_stop.move(4, code, desk=False, at=NOW - timedelta(hours=2))
    with caplog.at_level(logging.DEBUG):
        pick_up("khanhhoa", EVERYTHING, NOW)
        checked = check_quality("tests", NOW)
        assert mail_agency(checked.run_no, NHA_TRANG)["sent"] == 1
        assert mail_department(checked.run_no, ["so@tttt.example"])["sent"] == 1
        assert mail_agency(checked.run_no, NHA_TRANG)["had_it"] == 1
    (to, own), (_, whole) = server.taken
    assert to == "hoa@nhatrang.example"
    assert re.fullmatch(
        r"Ủy ban nhân dân thành phố Nha Trang: 3 lỗi dữ liệu cần xử lý.*, ngày 25/11/2026", own["Subject"]
    )
    assert whole["Subject"].startswith("Toàn tỉnh: 3 lỗi dữ liệu cần xử lý")
    text = own.get_body(("plain",)).get_content()
    for code in ("0001", "0002", "0003"):
        assert f"000.00.30.H32-261122-{code}" in text
    assert "000.00.30.H32-261122-0004" not in text
    inside = everything_in(own)
    assert "09•• ••• 678" in inside, "the workbook must show the phone number masked"
    with TestClient(Visiting().mount()) as http:
        page = http.get(f"/motcua/quality/findings?code={NHA_TRANG}")
        assert http.get("/motcua/quality").status_code == page.status_code == 200
    assert "09•• ••• 678" in page.text
    assert "đã gửi đến 1 người nhận" in page.text
    printed = capfd.readouterr()
    logged = "\n".join(record.getMessage() for record in caplog.records if not record.name.startswith("mail."))
    for where in (inside, everything_in(whole), page.text, logged, printed.out, printed.err):
        for number in (DUMMY, LANDLINE, GOOD):
            for spelled in spellings(number):
                assert spelled not in where
    assert "hoa@nhatrang.example" not in logged + printed.out + printed.err


def test_agency_that_has_nothing_wrong_hears_of_it_once_and_once_more_when_asked(one_stop, server):
    in_ledger(save_agencies, [agency(TU_PHAP, name="Sở Tư pháp", report_recipients=("lan@x.example",))], "tests")
    came = NOW - timedelta(hours=3)
    one_stop.both(2, "160915001", TU_PHAP, at=came, applicant_phone=GOOD, received_at=came)
    pick_up("khanhhoa", EVERYTHING, NOW)
    wednesday = check_quality("wednesday", NOW).run_no
    said = [type_command("quality", "mail", *rest).output for rest in (["--agency", TU_PHAP], [], ["--again"])]
    for each, mailed, had in zip(said, (1, 0, 1), (0, 1, 1), strict=True):
        assert f"{TU_PHAP}: 1 recipient(s), {mailed} mailed, {had} had it before." in each
    assert "the Department: 0 recipient(s)" in said[2]
    (_, first), (_, again) = server.taken
    assert first["Message-ID"] != again["Message-ID"]
    assert first["Subject"] == "Sở Tư pháp: dữ liệu hồ sơ không có lỗi cần xử lý, ngày 25/11/2026"
    assert mail_agency(wednesday, TU_PHAP)["had_it"] == 1
    assert mail_agency(check_quality("thursday", NOW + timedelta(days=1)).run_no, TU_PHAP)["sent"] == 0
    type_command("quality", "mail", "--agency", "no such", exits=2)
