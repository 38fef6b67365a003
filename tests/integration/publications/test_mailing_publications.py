"""Test the mails of publications: each authority and agency is mailed once, with only the files that it may see."""

from __future__ import annotations

import contextlib
import io
import logging
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path

import openpyxl
import pytest

from motcua.jobs import mailing
from motcua.jobs.mailing import MailsNotSent
from motcua.jobs.publications import mailing as mailing_publications
from motcua.jobs.publications.mailing import bodies_of, mail_publications
from motcua.jobs.publications.publishing import publish
from motcua.jobs.tasks.reconcile_daily import letters_to_send
from motcua.reports.publication.data import Told
from motcua.reports.publication.files import PDF
from motcua.reports.publication.mail import attachment_names, compose_publication_mail
from motcua.store.agencies import save_agencies
from motcua.store.oversight.closings import hash_figures, save_closing
from motcua.store.oversight.publications import Publication
from tests import reconciliation_samples as samples
from tests.ground import agency, in_ledger, type_command
from tests.integration.quality.test_mailing_quality import MailServer, smtp_connection

SO, NOI_VU, TU_PHAP_SO = "so@tttt.example", "kiemtra@noivu.example", "theodoi@tuphap.example"
TINH, LAN = "vpub@khanhhoa.example", "lan@tuphap.example"


@pytest.fixture
def server(configure: Callable[..., None]) -> Iterator[MailServer]:
    """Start a mail server, and set recipients for each authority that gets publications."""
    server = MailServer()
    configure(
        AIRFLOW_CONN_SMTP_DEFAULT=smtp_connection(server.port),
        AIRFLOW__API__BASE_URL="https://mot-cua.example/airflow/",
        MOTCUA_DEPARTMENT_RECIPIENTS=SO,
        MOTCUA_HOME_AFFAIRS_RECIPIENTS=f"{NOI_VU}, {NOI_VU.upper()}",
        MOTCUA_JUSTICE_RECIPIENTS=TU_PHAP_SO,
        MOTCUA_COMMITTEE_RECIPIENTS=TINH,
    )
    yield server
    server.close()


@pytest.fixture
def publication(
    ledger: str, server: MailServer, tmp_path: Path, configure: Callable[..., None]
) -> Callable[..., Publication]:
    """Return a function that publishes a sample of a month or a day. Sở Tư pháp has a recipient, Nha Trang has none."""
    configure(MOTCUA_PUBLICATIONS=f"file://{tmp_path}")
    named = [
        agency(samples.TU_PHAP, name="Sở Tư pháp", report_recipients=(LAN,)),
        agency(samples.NHA_TRANG, name="Ủy ban nhân dân thành phố Nha Trang"),
    ]
    in_ledger(save_agencies, named, "tests")

    def make(period=samples.MONTH) -> Publication:
        report = replace(samples.report(period), differences=(), orphans=())
        closing = replace(report.closing, figures_hash=hash_figures(report.figures, (), ()))
        number = in_ledger(save_closing, closing, report.figures, (), (), ()).closing_no
        return publish(number)

    return make


def attached(message) -> dict[str, bytes]:
    return {part.get_filename(): part.get_content() for part in message.iter_attachments()}


@pytest.mark.guarantee("publications", "each authority and agency is mailed the publications that concern it, once")
def test_each_body_gets_what_concerns_it_once(publication, server, rows):
    published = publication()
    number = published.publication_no
    assert bodies_of(number) == ["department", "home_affairs", "justice", "committee", samples.TU_PHAP]
    for body in bodies_of(number):
        assert mail_publications([number], body) == {"recipients": 1, "sent": 1, "had_it": 0}
    for body in bodies_of(number):
        assert mail_publications([number], body) == {"recipients": 1, "sent": 0, "had_it": 1}
    assert [address.lower() for address in server.addresses()] == [SO, NOI_VU, TU_PHAP_SO, TINH, LAN]
    for _, message in server.taken[:4]:
        assert message["Subject"] == "Toàn tỉnh: đối chiếu tin nhắn tháng 10 năm 2026, 88,7% tin cần gửi đã tới máy"
        assert list(attached(message)) == [
            "Báo cáo đối chiếu tin nhắn 10-2026.pdf",
            "Toàn tỉnh - đối chiếu tin nhắn 10-2026.xlsx",
            "Tệp kê bản công bố 10-2026.json",
        ]
        manifest = list(attached(message).values())[-1]
        assert sha256(manifest).hexdigest() == published.manifest_sha256
        text, html = (message.get_body((kind,)).get_content() for kind in ("plain", "html"))
        assert "Phải nhắn 3.500 tin = " in text
        assert "Cơ quan đề nghị đôn đốc, xử lý" in html
        assert 'href="https://mot-cua.example/airflow/motcua/reconciliation?closing=1"' in html
    own = server.taken[4][1]
    assert own["Subject"] == "Sở Tư pháp: đối chiếu tin nhắn tháng 10 năm 2026, 78,8% tin cần gửi đã tới máy"
    assert list(attached(own)) == ["Sở Tư pháp - đối chiếu tin nhắn 10-2026.xlsx"]
    book = openpyxl.load_workbook(io.BytesIO(next(iter(attached(own).values()))))
    words = [str(cell.value) for sheet in book for row in sheet for cell in row]
    words += [own.get_body((kind,)).get_content() for kind in ("plain", "html")]
    assert not [word for word in words if "Nha Trang" in word or samples.NHA_TRANG in word], (
        "an agency's mail may name no other agency"
    )
    assert len({message["Message-ID"] for _, message in server.taken}) == 5
    kept = rows("SELECT report, body, state, edition FROM motcua.report_mails ORDER BY report_mail_id")
    assert [(row["body"], row["state"], row["edition"]) for row in kept] == [
        (body, "sent", 1) for body in bodies_of(number)
    ]
    assert {row["report"] for row in kept} == {"publication"}


def test_day_goes_to_no_committee_and_addresses_are_in_no_log(publication, server, caplog):
    """The provincial committee gets no mail about a single day, and no log may contain a recipient's address."""
    with caplog.at_level(logging.DEBUG):
        number = publication(samples.DAY).publication_no
        for body in bodies_of(number):
            mail_publications([number], body)
    logged = "\n".join(record.getMessage() for record in caplog.records if not record.name.startswith("mail."))
    assert "publication 1, home_affairs" in logged
    assert ".example" not in logged.replace("mot-cua.example", "")
    assert TINH not in server.addresses()
    nobody = {"recipients": 0, "sent": 0, "had_it": 0}
    assert mail_publications([number], "committee") == mail_publications([number], samples.NHA_TRANG) == nobody
    later = agency("000.00.99.H32", name="Sở Mới", report_recipients=("moi@so.example",))
    in_ledger(save_agencies, [later], "tests")
    assert "000.00.99.H32" not in bodies_of(number), (
        "an agency without a workbook in the publication gets no mail about it"
    )
    for which, body, said in ((9, "department", "no publication 9"), (1, "H99", "H99 is no agency")):
        with pytest.raises(LookupError, match=said):
            mail_publications([which], body)


def test_run_mails_the_recipients_that_an_earlier_run_did_not_reach(publication, server):
    """A later run mails only the authorities and agencies that an earlier run missed, and mails no old publication."""

    def left(now=None):
        return [each["body"] for each in letters_to_send(now)]

    number = publication(samples.DAY).publication_no
    everyone = bodies_of(number)
    assert left() == everyone
    server.refuse = {NOI_VU, NOI_VU.upper()}
    for body in everyone[:3]:
        with contextlib.suppress(MailsNotSent):
            mail_publications([number], body)
    assert left() == ["home_affairs", *everyone[3:]]
    assert left(datetime.now(UTC) + timedelta(days=5)) == [], (
        "an old publication is mailed only when somebody asks for it"
    )
    server.refuse = set()
    for body in left():
        mail_publications([number], body)
    assert left() == []
    assert len(server.taken) == len(everyone)


def test_mail_says_what_was_published_whatever_was_set_since(publication, server, configure):
    """A mail that is sent after a setting changed must not contradict the report that is attached to the mail."""
    number = publication().publication_no
    mail_publications([number], "department")
    configure(MOTCUA_URGE_PHONELESS_ABOVE="0.33")
    mail_publications([number], "department", again=True)
    first, later = (message.get_body(("plain",)).get_content() for _, message in server.taken)
    assert "31,5% (ngưỡng 30,0%)" in first
    assert later == first


def test_recipient_to_whom_no_connection_could_be_opened_is_not_forgotten(publication, server, monkeypatch):
    """If the server refuses all connections after the first mail, a later run mails the second recipient."""
    both = agency(samples.TU_PHAP, name="Sở Tư pháp", report_recipients=(LAN, "moi@tuphap.example"))
    in_ledger(save_agencies, [both], "tests")
    number = publication(samples.DAY).publication_no
    real = mailing.mail_server

    @contextlib.contextmanager
    def full_after_the_first():
        if server.taken:
            raise ConnectionRefusedError
        with real() as opened:
            yield opened

    monkeypatch.setattr(mailing, "mail_server", full_after_the_first)
    for _ in range(2):
        with pytest.raises(MailsNotSent, match=r"1 of 2 recipient\(s\) not reached; recipient 2: ConnectionRefused"):
            mail_publications([number], samples.TU_PHAP)
    assert server.addresses() == [LAN]
    monkeypatch.setattr(mailing, "mail_server", real)
    tomorrow = [
        each for each in letters_to_send(datetime.now(UTC) + timedelta(days=1)) if samples.TU_PHAP in each["body"]
    ]
    assert tomorrow == [{"body": samples.TU_PHAP, "publications": [number], "runs": []}]
    assert mail_publications([number], samples.TU_PHAP) == {"recipients": 2, "sent": 1, "had_it": 1}
    assert server.addresses() == [LAN, "moi@tuphap.example"]


@pytest.mark.guarantee(
    "publications", "a recipient who was not reached gets the missed publications with the next mail, none twice"
)
def test_letter_brings_each_recipient_what_he_was_not_mailed_and_all_of_it_is_kept(publication, server, rows):
    days = [publication(day).publication_no for day in (samples.DAY, samples.DAY.previous)]
    moi = "moi@noivu.example"
    server.refuse = {moi}
    both = agency(samples.TU_PHAP, name="Sở Tư pháp", report_recipients=(LAN, moi))
    in_ledger(save_agencies, [both], "tests")
    with pytest.raises(MailsNotSent, match=r"publication 1, 000\.00\.09\.H32: 1 of 2 recipient"):
        mail_publications(days[:1], samples.TU_PHAP)
    server.refuse = set()
    assert mail_publications(days, samples.TU_PHAP) == {"recipients": 2, "sent": 2, "had_it": 0}
    assert server.addresses() == [LAN, LAN, moi]
    brought = [re.findall(r"ngày (\d+)/11/2026,", message["Subject"]) for _, message in server.taken]
    assert brought == [["24"], ["23"], ["24", "23"]]
    kept = rows("SELECT report_no, state FROM motcua.report_mails ORDER BY report_no")
    assert [(row["report_no"], row["state"]) for row in kept] == [(number, "sent") for number in days for _ in "ab"]
    server.hang_up_after_content = {LAN}
    with pytest.raises(MailsNotSent, match="after the content"):
        mail_publications(days, samples.TU_PHAP, again=True)
    unknown = rows("SELECT count(*) AS unknown FROM motcua.report_mails WHERE state = 'unknown'")
    assert unknown[0]["unknown"] == 2, (
        "the outcome of a mail about two publications is unknown, so it must be stored for both"
    )


def test_operator_mails_it_to_whom_it_did_not_reach_and_once_more_who_asks(publication, server, tmp_path):
    """A repeated command mails only recipients that got no mail yet. With --again, the command mails all recipients."""
    published = publication()

    def mail(*arguments: str) -> tuple[int, str]:
        result = type_command("publications", "mail", *arguments, exits=None)
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        return result.exit_code, result.output

    server.refuse = {TINH}
    code, output = mail("1")
    assert code == 1
    assert "publication 1, committee: 1 of 1 recipient(s) not reached" in output
    assert "home_affairs: 1 recipient(s), 1 mailed, 0 had it before." in output
    server.refuse = set()
    assert mail("1")[0] == 0
    assert len(server.taken) == 5
    assert mail("1", samples.TU_PHAP, "--again")[0] == 0
    assert server.addresses()[5:] == [LAN]
    assert mail("1", "H99") == (2, "H99 is no agency and none of department, home_affairs, justice, committee\n")
    assert mail("9") == (2, "there is no publication 9\n")
    path = tmp_path / published.folder / PDF
    path.chmod(0o644)
    path.write_bytes(b"doctored")
    code, output = mail("1", "justice", "--again")
    assert code == 1
    assert "is not what was published; motcua verify 1 says more" in output
    assert len(server.taken) == 6, "a file that was changed after publication must not be mailed"


def test_file_that_is_too_large_stays_out_and_the_mail_says_so(publication, server, monkeypatch, tmp_path):
    published = publication(samples.DAY)
    monkeypatch.setattr(mailing_publications, "MOST_ATTACHED", (tmp_path / published.folder / PDF).stat().st_size)
    mail_publications([1], "department")
    (_, message) = server.taken[0]
    assert list(attached(message)) == ["Báo cáo đối chiếu tin nhắn 24-11-2026.pdf"]
    for kind in ("plain", "html"):
        text = " ".join(message.get_body((kind,)).get_content().split())
        assert "Quá lớn để gửi qua thư" in text
        assert "Toàn tỉnh - đối chiếu tin nhắn 24-11-2026.xlsx" in text


@pytest.mark.parametrize("name", ["unbalanced", "empty", "zeros", "nasty"])
def test_every_report_can_be_mailed_and_its_faults_stand_first(name):
    report = getattr(samples, name)()
    for whose in (None, samples.NHA_TRANG):
        wording = Told(report, None, whose)
        mail = compose_publication_mail(wording, 7, "cd" * 32, [], urging=True)
        assert "\n" not in mail.subject
        assert "<script" not in mail.html
        assert len(mail.html) < 100_000, "Gmail cuts off at 102 kB"
        assert attachment_names(wording)["workbook"].endswith(".xlsx")
        assert not set(attachment_names(wording)["workbook"]) & set('/\\:*?"<>|')
    if name == "unbalanced":
        mail = compose_publication_mail(Told(report), 7, "cd" * 32, [])
        assert "KHÔNG KHỚP 1 tin" in mail.subject
        assert mail.text.index("!! KHÔNG KHỚP") < mail.text.index("Phải nhắn")
