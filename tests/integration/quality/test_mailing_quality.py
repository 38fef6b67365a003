"""Test quality mails over real SMTP.

Each recipient gets one mail per quality run, and only failed mails are retried. No log, result, failure or table
contains a mail address.
"""

from __future__ import annotations

import asyncio
import functools
import json
import logging
import re
import secrets
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any

import psycopg
import pytest
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from motcua.domain.checking.kinds import Findings
from motcua.jobs.mailing import MailsNotSent
from motcua.jobs.quality import mailing as mailing_quality
from motcua.jobs.quality.mailing import mail_agency, mail_department
from motcua.jobs.watching.telling import signed_in
from motcua.reports.checks import check_words
from motcua.reports.mail import Mail
from motcua.reports.quality.mail import compose_agency_mail, compose_department_mail
from motcua.store.agencies import save_agencies
from motcua.store.checking.checks import keep_check
from motcua.store.intake.clients import Password, register_client
from motcua.store.ledger.database import connect, kept_connections
from motcua.store.ledger.environment import connection_of_environment
from motcua.store.ledger.provisioning import with_database
from motcua.store.notices.sources import ensure_source
from motcua.store.oversight.report_mails import MailedReport, hash_recipient, reserve_mail
from tests.ground import TU_PHAP, Server, agency, connection_uri, in_ledger
from tests.integration.tls.terminator import Authority
from tests.quality_samples import agency_report, department_report
from tests.quality_samples import rows as sample_rows

LAN, MINH, HOA = "lan@tuphap.example", "Minh@tuphap.example", "hoa@tuphap.example"
SENDER = "MotcuaSMS <motcua@khanhhoa.example>"


class MailServer:
    """An SMTP server on loopback.

    A test chooses the addresses for which the server refuses the recipient, refuses the content, or disconnects after
    the content.
    """

    def __init__(self, **options: Any) -> None:
        self.taken: list[tuple[str, EmailMessage]] = []
        self.asked: list[str] = []
        self.refuse: set[str] = set()
        self.refuse_content: set[str] = set()
        self.hang_up_after_content: set[str] = set()
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        self._options = options
        self._loop = asyncio.new_event_loop()
        self._server = self._loop.run_until_complete(
            self._loop.create_server(lambda: SMTP(self, hostname="localhost", **options), sock=self._socket)
        )
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        self.asked.append(address)
        if address in self.refuse:
            return f"550 5.1.1 <{address}>: Recipient address rejected"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        (address,) = envelope.rcpt_tos
        if address in self.refuse_content:
            return f"452 4.2.2 mailbox of {address} is full"
        self.taken.append((address, message_from_bytes(envelope.content, policy=default)))
        if address in self.hang_up_after_content:
            server.transport.abort()
        return "250 2.0.0 queued"

    def addresses(self) -> list[str]:
        return [address for address, _ in self.taken]

    @property
    def is_closed(self) -> bool:
        return self._loop.is_closed()

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._server.close()
        for task in asyncio.all_tasks(self._loop):
            task.cancel()
        self._loop.run_until_complete(asyncio.sleep(0))
        self._loop.close()


def smtp_connection(port: int, **changes: Any) -> str:
    extra = {"disable_tls": True, "disable_ssl": True, "from_email": SENDER, "timeout": 5, "retry_limit": 0}
    values: dict[str, Any] = {"conn_type": "smtp", "host": "127.0.0.1", "port": port, "extra": extra}
    return json.dumps(values | changes | {"extra": extra | changes.get("extra", {})})


@pytest.fixture
def server(configure: Callable[..., None]) -> Iterator[MailServer]:
    server = MailServer()
    configure(AIRFLOW_CONN_SMTP_DEFAULT=smtp_connection(server.port))
    yield server
    server.close()


@pytest.fixture(scope="module")
def ledger(postgres: Server, migrated: str) -> Iterator[str]:
    """Make one ledger for all tests of the module, in which Sở Tư pháp has three recipients.

    Each test makes its own quality run in this ledger.
    """
    name = postgres.fresh_database(migrated, "mails")
    dsn = with_database(postgres.admin_dsn, name)
    with pytest.MonkeyPatch.context() as patch, psycopg.connect(dsn, autocommit=True) as admin, kept_connections():
        patch.setenv("AIRFLOW_CONN_MOTCUA_DB", connection_uri(postgres.admin_dsn, "motcua_app", name))
        admin.execute(f'GRANT CONNECT ON DATABASE "{name}" TO motcua_app')
        named = agency(TU_PHAP, name="Sở Tư pháp", report_recipients=(LAN, MINH, HOA))
        in_ledger(save_agencies, [named], "tests")
        yield dsn
    postgres.drop_database(name)


@functools.cache
def composed(department: bool, page_url: str | None) -> Mail:
    """Compose a mail once for all tests. Other tests check what the mails look like."""
    if department:
        return compose_department_mail(department_report(), sample_rows(), page_url)
    return compose_agency_mail(agency_report(), sample_rows(), page_url)


@pytest.fixture
def run(ledger, rows, monkeypatch) -> int:
    """Store a quality run whose reports are the samples of ``tests.quality_samples``; return its number."""
    (row,) = rows(
        "INSERT INTO motcua.quality_runs"
        " (run_id, as_of, day, working_day, since, rules, thresholds, software, dossiers)"
        " VALUES (%s, now(), '2026-11-26', TRUE, '2026-09-01', '[]', '{}', 'tests', 2188) RETURNING run_no",
        secrets.token_hex(8),
    )
    number = int(row["run_no"])
    own = replace(agency_report().run, run_no=number)
    monkeypatch.setattr(mailing_quality, "agency_report", lambda *_: agency_report(run=own))
    monkeypatch.setattr(mailing_quality, "department_report", lambda *_: department_report(run=own))
    monkeypatch.setattr(mailing_quality, "rows_to_correct", lambda *_, **__: iter(sample_rows()))
    for department, name in ((False, "compose_agency_mail"), (True, "compose_department_mail")):
        monkeypatch.setattr(mailing_quality, name, lambda *given, whose=department: composed(whose, given[2]))
    return number


def states(rows, run: int) -> list[tuple[str, int, int]]:
    found = rows(
        "SELECT state, edition, attempts FROM motcua.report_mails WHERE report_no = %s ORDER BY report_mail_id", run
    )
    return [(row["state"], row["edition"], row["attempts"]) for row in found]


# --------------------------------------------------------------------------------------- one mail to each recipient


def test_each_recipient_gets_one_mail_and_another_one_only_when_somebody_asks(run, server, rows, monkeypatch):
    monkeypatch.setenv("AIRFLOW__API__BASE_URL", "https://mot-cua.example/airflow/")
    assert mail_agency(run, TU_PHAP) == {"recipients": 3, "sent": 3, "had_it": 0}
    assert server.addresses() == [LAN, MINH, HOA]
    for address, message in server.taken:
        assert message["To"] == address
        assert message["From"] == SENDER
        assert message["Cc"] is message["Bcc"] is None
        assert message["Subject"].startswith("Sở Tư pháp: 139 lỗi dữ liệu cần xử lý")
        assert [part.get_filename() for part in message.iter_attachments()] == [
            "Sở Tư pháp - lỗi dữ liệu 26-11-2026.xlsx"
        ]
        links = re.findall(r'href="([^"]+)"', message.get_body(("html",)).get_content())
        assert links == ["https://mot-cua.example/airflow/motcua/quality/findings?code=000.00.09.H32"]
    assert mail_agency(run, TU_PHAP) == {"recipients": 3, "sent": 0, "had_it": 3}
    assert len(server.taken) == 3
    assert mail_agency(run, TU_PHAP, again=True)["sent"] == 3
    assert len({message["Message-ID"] for _, message in server.taken}) == 6, (
        "a mail server would drop a second mail with the same Message-ID"
    )
    assert states(rows, run) == [("sent", 1, 1)] * 3 + [("sent", 2, 1)] * 3
    for typed in ("UPDATE motcua.report_mails SET state = 'failed', failure = 'x'", "DELETE FROM motcua.report_mails"):
        with pytest.raises(psycopg.Error) as refused:
            rows(typed)
        assert refused.value.sqlstate == "MC001", "a mail that the server took can never be recorded as failed"


def test_mail_of_an_agency_has_the_faults_of_its_sources_marked_new_until_they_were_mailed(
    run, server, rows, monkeypatch, configure
):
    configure(MOTCUA_SOURCES="khanhhoa,vanphong,cu=contract,hue=national_sync")
    moment = datetime.now(UTC)
    with connect() as connection:
        for name in ("khanhhoa", "vanphong", "cu"):
            ensure_source(connection, name)
        password = Password.of("a-word-that-is-as-random-as-a-key")
        given = {"supplements_at_desk": False, "by": "tests", "now": moment}
        register_client(connection, "hue", "hue", password, (TU_PHAP,), (), **given)
        for name, kind in (("khanhhoa", "desk_never"), ("vanphong", "empty"), ("cu", "empty"), ("hue", "desk_always")):
            found = Findings()
            found.add(kind)
            found.add("phones_missing")
            keep_check(connection, name, moment, dossiers=1, transitions=1, findings=found.in_order())
    for code, source, days in (("H-1", "khanhhoa", 1), ("H-2", "cu", 200)):
        rows(
            "INSERT INTO motcua.dossiers (source_id, agency_code, dossier_code, phone_refusal, picked_up_at)"
            " SELECT source_id, %s, %s, 'missing', %s FROM motcua.sources WHERE name = %s",
            TU_PHAP, code, moment - timedelta(days=days), source,
        )  # fmt: skip
    given_faults: list[list[tuple[str, str, bool]]] = []

    def keep(*given: Any) -> Mail:
        given_faults.append([(each.source, each.said.title, each.is_new) for each in given[5]])
        return composed(False, None)

    monkeypatch.setattr(mailing_quality, "compose_agency_mail", keep)
    mail_agency(run, TU_PHAP)
    never, always = (check_words()["checks"][kind]["title"] for kind in ("desk_never", "desk_always"))
    assert given_faults == [[("hue", always, True), ("khanhhoa", never, True)]]
    mail_agency(run, TU_PHAP, again=True)
    assert given_faults[1] == given_faults[0], "a second mail about the same run lists the same faults"
    (later,) = rows(
        "INSERT INTO motcua.quality_runs"
        " (run_id, as_of, day, working_day, since, rules, thresholds, software, dossiers)"
        " SELECT run_id || 'x', as_of, day, working_day, since, rules, thresholds, software, dossiers"
        " FROM motcua.quality_runs WHERE run_no = %s RETURNING run_no", run,
    )  # fmt: skip
    mail_agency(later["run_no"], TU_PHAP)
    assert given_faults[2] == [("hue", always, False), ("khanhhoa", never, False)]
    mailed_faults: list[Any] = []
    monkeypatch.setattr(
        mailing_quality,
        "compose_department_mail",
        lambda *given: mailed_faults.extend(given[5]) or composed(True, None),
    )
    mail_department(run, [LAN])
    assert {(each.source, each.is_new) for each in mailed_faults} == {
        (name, True) for name in ("khanhhoa", "vanphong", "cu", "hue")
    }


def test_department_has_recipients_of_its_own_and_one_address_counts_once(run, server, rows):
    assert mail_department(run, [LAN, " LAN@tuphap.example ", "so@tttt.example"]) == {
        "recipients": 2,
        "sent": 2,
        "had_it": 0,
    }
    assert mail_agency(run, TU_PHAP)["sent"] == 3, "the agency's mail is independent of the Department's"
    assert mail_department(run, [LAN, "so@tttt.example", "moi@tttt.example"])["sent"] == 1, (
        "only the recipient who was added later gets a mail"
    )
    assert server.taken[0][1]["Subject"].startswith("Toàn tỉnh: 2.967 lỗi")


def test_two_tasks_at_once_mail_each_recipient_once(run, server):
    def mail(_: int) -> None:
        # A task reports a mail as not sent while the other task is still sending this mail.
        with suppress(MailsNotSent):
            mail_agency(run, TU_PHAP)

    with ThreadPoolExecutor(2) as both:
        list(both.map(mail, range(2)))
    assert sorted(server.addresses()) == sorted([LAN, MINH, HOA])


def test_without_news_or_recipients_there_is_no_mail_and_no_failure(run, server, rows, monkeypatch):
    quiet = agency_report(run=replace(agency_report().run, run_no=run), has_news=False)
    monkeypatch.setattr(mailing_quality, "agency_report", lambda *_: quiet)
    assert mail_agency(run, TU_PHAP) == {"recipients": 3, "sent": 0, "had_it": 0}
    assert states(rows, run) == []
    assert mail_agency(run, TU_PHAP, again=True)["sent"] == 3, "a mail without news goes when somebody asks for it"
    assert mail_department(run, []) == {"recipients": 0, "sent": 0, "had_it": 0}
    with pytest.raises(LookupError, match="no agency 000"):
        mail_agency(run, "000.00.99.H32")


# ------------------------------------------------------------------------------------- refusals, failures and deaths


def test_one_refused_recipient_holds_back_nobody_and_is_tried_alone(run, server, rows):
    server.refuse = {LAN}
    server.refuse_content = {HOA}
    with pytest.raises(MailsNotSent) as failed:
        mail_agency(run, TU_PHAP)
    assert str(failed.value) == (
        f"run {run}, {TU_PHAP}: 2 of 3 recipient(s) not reached;"
        " recipient 1: SMTP 550 5.1.1; recipient 3: SMTP 452 4.2.2"
    )
    assert server.addresses() == [MINH]
    assert states(rows, run) == [("failed", 1, 1), ("sent", 1, 1), ("failed", 1, 1)]
    server.refuse, server.refuse_content = set(), set()
    assert mail_agency(run, TU_PHAP) == {"recipients": 3, "sent": 2, "had_it": 1}
    assert server.addresses() == [MINH, LAN, HOA]
    assert states(rows, run) == [("sent", 1, 2), ("sent", 1, 1), ("sent", 1, 2)]
    numbers = [re.search(r"\.(\d+)@khanhhoa\.example>$", message["Message-ID"])[1] for _, message in server.taken]
    middle, first, last = map(int, numbers)
    assert (middle - first, last - first) == (1, 2), "a retry keeps the number in its Message-ID"


def test_mail_that_got_no_answer_after_its_content_is_sent_again_only_on_request(run, server, rows):
    server.hang_up_after_content = {LAN}
    with pytest.raises(MailsNotSent, match="recipient 1: SMTPServerDisconnected after the content"):
        mail_agency(run, TU_PHAP)
    assert server.addresses() == [LAN, MINH, HOA], "a broken connection must not hold up the other recipients"
    server.hang_up_after_content = set()
    with pytest.raises(MailsNotSent, match="recipient 1: no answer came to an earlier mail"):
        mail_agency(run, TU_PHAP)
    assert len(server.taken) == 3
    assert mail_agency(run, TU_PHAP, again=True)["sent"] == 3


def test_mail_of_a_process_that_died_is_not_sent_and_is_reported(run, server):
    assert in_ledger(
        reserve_mail, MailedReport("quality", run, TU_PHAP), hash_recipient(MINH), datetime.now(UTC), again=False
    )
    with pytest.raises(MailsNotSent, match="1 of 3 recipient"):
        mail_agency(run, TU_PHAP)
    assert server.addresses() == [LAN, HOA]


def test_server_that_is_away_leaves_everything_to_the_next_try(run, server, rows, configure):
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    configure(AIRFLOW_CONN_SMTP_DEFAULT=smtp_connection(port))
    with pytest.raises(MailsNotSent, match=r"3 of 3 recipient.*ConnectionRefusedError"):
        mail_agency(run, TU_PHAP)
    assert states(rows, run) == [("failed", 1, 1)] * 3
    configure(AIRFLOW_CONN_SMTP_DEFAULT=smtp_connection(server.port))
    assert mail_agency(run, TU_PHAP)["sent"] == 3
    assert states(rows, run) == [("sent", 1, 2)] * 3


@pytest.mark.parametrize(
    ("connection", "said"),
    [
        (None, "Airflow connection smtp_default: SMTP connection is not found."),
        ({"extra": {"from_email": None}}, "its extra field from_email is not set"),
    ],
)
def test_connection_that_cannot_be_used_is_told_in_a_sentence(run, server, configure, monkeypatch, connection, said):
    if connection is None:
        monkeypatch.delenv("AIRFLOW_CONN_SMTP_DEFAULT")
    else:
        configure(AIRFLOW_CONN_SMTP_DEFAULT=smtp_connection(server.port, **connection))
    with pytest.raises(MailsNotSent, match=said):
        mail_agency(run, TU_PHAP)


@pytest.mark.parametrize("address", ["khong-phai-dia-chi\r\nBcc: x@y.example", "đ@tuphap.example"])
def test_invalid_address_fails_alone(run, server, rows, address):
    with pytest.raises(MailsNotSent, match=r"1 of 2 recipient\(s\) not reached; recipient 1: "):
        mail_department(run, [address, LAN])
    assert server.addresses() == [LAN]
    assert states(rows, run)[0][0] == "failed"


# ------------------------------------------------------------------------------------------- log-in and encryption


def test_connection_s_log_in_is_used_and_a_wrong_one_is_told_without_it(run, configure):
    def authenticate(server: Any, session: Any, envelope: Any, mechanism: str, given: Any) -> AuthResult:
        good = given == LoginPassword(b"motcua", b"mail-word")
        return AuthResult(success=good, handled=good)

    server = MailServer(authenticator=authenticate, auth_require_tls=False)
    try:
        configure(AIRFLOW_CONN_SMTP_DEFAULT=smtp_connection(server.port, login="motcua", password="mail-word"))
        assert mail_agency(run, TU_PHAP)["sent"] == 3
        configure(AIRFLOW_CONN_SMTP_DEFAULT=smtp_connection(server.port, login="motcua", password="wrong-word"))
        with pytest.raises(MailsNotSent, match=r"recipient 1: SMTP 535 5\.7\.8") as failed:
            mail_agency(run, TU_PHAP, again=True)
        assert "wrong-word" not in str(failed.value)
    finally:
        server.close()


def test_starttls_is_used_where_the_connection_does_not_switch_it_off(run, configure, tmp_path):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate = Authority("mail").certificate("localhost", tmp_path)
    context.load_cert_chain(certificate.chain, certificate.key)
    server = MailServer(tls_context=context, require_starttls=True)
    try:
        tls = {"disable_tls": False, "ssl_context": "none"}
        configure(AIRFLOW_CONN_SMTP_DEFAULT=smtp_connection(server.port, extra=tls))
        assert mail_agency(run, TU_PHAP)["sent"] == 3
        assert watch_is_let_in()
        configure(AIRFLOW_CONN_SMTP_DEFAULT=smtp_connection(server.port, extra={"disable_tls": False}))
        with pytest.raises(MailsNotSent, match="SSLCertVerificationError"):
            mail_agency(run, TU_PHAP, again=True)
        with pytest.raises(ssl.SSLCertVerificationError):
            watch_is_let_in()
    finally:
        server.close()


def watch_is_let_in() -> bool:
    """Return whether the watch, a process outside Airflow, can log in to the mail server by the same connection."""
    given = connection_of_environment("smtp_default")
    assert given is not None
    with signed_in(given) as client:
        return client.noop()[0] == 250


# ------------------------------------------------------------------------------------------- addresses stay private


def test_addresses_are_in_no_log_no_result_no_failure_and_no_table(run, server, rows, caplog, capfd):
    server.refuse = {LAN}
    with caplog.at_level(logging.DEBUG), pytest.raises(MailsNotSent) as failed:
        mail_agency(run, TU_PHAP)
    server.refuse = set()
    with caplog.at_level(logging.DEBUG):
        counts = mail_agency(run, TU_PHAP)
    printed = capfd.readouterr()
    # The test's own SMTP server logs addresses too, so its lines are left out.
    logged = "\n".join(record.getMessage() for record in caplog.records if not record.name.startswith("mail."))
    assert f"run {run}, {TU_PHAP}" in logged
    texts = [logged, str(failed.value), str(failed.value.__cause__), json.dumps(counts), printed.out, printed.err]
    texts += [str(row) for row in rows("SELECT * FROM motcua.report_mails WHERE report_no = %s", run)]
    for text in texts:
        assert "@tuphap" not in text.lower()
    assert "recipient 1" in str(failed.value)
