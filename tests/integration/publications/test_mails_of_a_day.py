"""Test how many mails each recipient gets on a morning from the jobs of all DAGs together."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.message import EmailMessage
from html import unescape
from pathlib import Path

import pytest

from motcua.domain.clock import VIETNAM
from motcua.domain.run_window import EVERYTHING
from motcua.jobs.publications.publishing import publish
from motcua.jobs.quality import checking
from motcua.jobs.tasks import check_quality, reconcile_daily
from motcua.store.agencies import save_agencies
from tests.ground import NHA_TRANG, TU_PHAP, OneStop, agency, in_ledger
from tests.integration.quality.test_mailing_quality import MailServer, smtp_connection
from tests.integration.quality.world import NOTHING_EXPECTED
from tests.integration.reconciliation.world import ONE_DAY, result, run

SO, NOI_VU = "so@tttt.example", "kiemtra@noivu.example"
OF_AGENCIES = {NHA_TRANG: "hoa@nhatrang.example", TU_PHAP: "lan@tuphap.example"}
NOON = datetime(2026, 11, 24, 12, 0, tzinfo=VIETNAM)
"""Noon in Vietnam of the first day, a Tuesday."""


@pytest.fixture
def server(configure: Callable[..., None], tmp_path: Path) -> Iterator[MailServer]:
    """Start a mail server, set recipients at two departments, and use an empty folder as store of publications."""
    server = MailServer()
    configure(
        AIRFLOW_CONN_SMTP_DEFAULT=smtp_connection(server.port),
        MOTCUA_PUBLICATIONS=f"file://{tmp_path}",
        MOTCUA_DEPARTMENT_RECIPIENTS=SO,
        MOTCUA_HOME_AFFAIRS_RECIPIENTS=NOI_VU,
    )
    yield server
    server.close()


@dataclass
class Mornings:
    """A simulation of days at the desks of two agencies, and of the DAGs' jobs on the mornings after these days.

    Each morning, the jobs check data quality, close days, recheck closings, publish and mail.
    """

    one_stop: OneStop
    server: MailServer
    seen: int = 0

    def day(self, noon: datetime, phone: str) -> None:
        """Write a result at each agency's desk, and pick up both results an hour later."""
        for code in OF_AGENCIES:
            result(
                self.one_stop,
                f"{code}-{noon:%y%m%d}-0001",
                noon,
                code,
                applicant_phone=phone,
                received_at=noon - timedelta(hours=2),
            )
        run(noon + timedelta(hours=1))

    def late(self, noon: datetime, read_at: datetime, code: str) -> None:
        """Write one more result of a day, and pick up this result at ``read_at``, after the day was closed."""
        result(self.one_stop, f"{code}-{noon:%y%m%d}-0002", noon, code, read_at=read_at, applicant_phone="0905 771 483")

    def morning(self, of: datetime) -> list[tuple[str, EmailMessage]]:
        """Run the jobs of a day's morning; return the recipient and the content of each mail that the jobs sent."""
        at = of.replace(hour=5, minute=30)
        name = f"{at:%Y-%m-%d}"
        checked = check_quality.check(name, EVERYTHING, at)
        check_quality.mail_department(checked["run_no"])
        at = of.replace(hour=6, minute=30)
        reconcile_daily.close_days(name, EVERYTHING, EVERYTHING, at)
        reconcile_daily.look_again(name, EVERYTHING, at)
        for closing_no in reconcile_daily.closings_to_publish():
            publish(closing_no, at)
        for each in reconcile_daily.letters_to_send(at):
            reconcile_daily.mail(**each)
        taken, self.seen = self.server.taken[self.seen :], len(self.server.taken)
        return taken


@pytest.fixture
def mornings(one_stop: OneStop, server: MailServer, monkeypatch: pytest.MonkeyPatch) -> Mornings:
    """Save two agencies, each with a recipient of reports; return a helper that runs days and mornings."""
    monkeypatch.setattr(checking, "load_soundness", lambda: NOTHING_EXPECTED)
    named = [agency(code, name=f"Cơ quan {code}", report_recipients=(to,)) for code, to in OF_AGENCIES.items()]
    in_ledger(save_agencies, named, "tests")
    return Mornings(one_stop, server)


@pytest.mark.guarantee(
    "publications",
    "each morning an agency gets one mail at most, the Department three, and nobody a mail without figures",
)
def test_morning_brings_an_agency_one_mail_at_most_and_nobody_one_that_says_nothing(mornings):
    for number, phone in enumerate(("12345", "0258 3822 001")):
        mornings.day(NOON + number * ONE_DAY, phone)
        taken = mornings.morning(NOON + (number + 1) * ONE_DAY)
        counts = Counter(address for address, _ in taken)
        assert counts == {SO: 2, NOI_VU: 1} | dict.fromkeys(OF_AGENCIES.values(), 1)
        for _, message in taken[-len(OF_AGENCIES) :]:
            assert re.search(r"dữ liệu .*; đối chiếu tin nhắn ngày 2[45]/11/2026, ", message["Subject"])
            assert len(message.get_body(("html",)).get_content()) < 100_000, "Gmail cuts off at 102 kB"

    for number in (0, 1):
        mornings.late(NOON + number * ONE_DAY, NOON + timedelta(days=1, hours=19), NHA_TRANG)
    monday = mornings.morning(NOON + 6 * ONE_DAY)
    corrected = [(address, message) for address, message in monday if "đính chính" in message["Subject"]]
    assert [address for address, _ in corrected] == [SO, NOI_VU, OF_AGENCIES[NHA_TRANG]]
    assert {address for address, _ in monday} == {address for address, _ in corrected}, (
        "recipients without a changed figure must get no mail"
    )
    assert max(Counter(address for address, _ in monday).values()) <= 2
    for address, message in corrected:
        assert message["Subject"].endswith(" số liệu của 2 kỳ"), address
        for kind in ("plain", "html"):
            text = " ".join(unescape(message.get_body((kind,)).get_content()).split()).lower()
            assert "ngày 24/11/2026" in text
            assert "vì dữ liệu đọc được sau giờ chốt" in text
        text = " ".join(message.get_body(("plain",)).get_content().split())
        assert ": đã công bố 1, nay là 2; vì dữ liệu đọc được sau giờ chốt" in text
    files = [part.get_filename() for part in corrected[0][1].iter_attachments()]
    assert files[-1] == "Tệp kê bản công bố 25-11-2026.json", (
        "only the last manifest is attached: its chain covers the earlier manifests"
    )
    assert mornings.morning(NOON + 6 * ONE_DAY) == [], "a rerun mails nobody again"
