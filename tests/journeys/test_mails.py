"""Test every mail in a browser: the accessibility checker axe finds no fault, and nothing is cut off or fetched."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import pytest
from playwright.sync_api import Browser, Page, Request

from motcua.domain.checks import fault
from motcua.domain.watching.alerts import Alert
from motcua.reports.mail import Mail, bound, late_apologies_mail, red_run_mail
from motcua.reports.publication.data import Told
from motcua.reports.publication.mail import Correction, compose_corrections_mail, compose_publication_mail
from motcua.reports.quality.mail import compose_agency_mail, compose_department_mail
from motcua.reports.watching import LookInWords, compose_alerts, compose_life
from tests import quality_samples, reconciliation_samples
from tests.journeys.conftest import SIZES
from tests.journeys.reading import faults, findings

pytestmark = pytest.mark.alone

NOW = datetime(2026, 11, 27, 1, 0, tzinfo=UTC)
OF_PAGES = ("landmark-one-main", "region")
"""Rules of axe about landmarks, which mails need not follow: a mail program shows a mail within its own landmarks."""
LEFT = [fault("messages_held_up", "", messages=3), fault("task_failed", "send")]
PAGE = "https://mot-cua.example/motcua"
OPEN = Alert("gateway_stopped", "kannel", {"gateway": "kannel", "since": NOW.isoformat(), "part": "viettel"}, NOW)
OVER = Alert("disk_low", "ledger", {"free": 1e9}, NOW, over_at=NOW)
LOOK = LookInWords("sources", "ok", "Nguồn", "tốt", "2 nguồn, lần đọc cũ nhất 8:00 ngày 27/11/2026")


def published(report: object, agency: str | None = None) -> Mail:
    told = Told(report, agency=agency)  # type: ignore[arg-type]
    return compose_publication_mail(told, 12, "ab" * 32, [], ["Tệp rất lớn.xlsx"], urging=True, page_url=PAGE)


def corrected() -> Mail:
    told = Told(reconciliation_samples.correction())
    return compose_corrections_mail([Correction(told, number, "ab" * 32, PAGE) for number in range(40, 51)])


def of_agency() -> Mail:
    return compose_agency_mail(quality_samples.agency_report(), quality_samples.rows(), dossiers_url=f"{PAGE}/dossiers")


MAILS: dict[str, Callable[[], Mail]] = {
    "quality of an agency": of_agency,
    "quality of all": lambda: compose_department_mail(quality_samples.department_report(), quality_samples.rows()),
    "publication": lambda: published(reconciliation_samples.everything()),
    "publication of an agency": lambda: published(reconciliation_samples.everything(), reconciliation_samples.TU_PHAP),
    "corrections": corrected,
    "letter of the morning": lambda: bound(
        [of_agency(), published(reconciliation_samples.report(), reconciliation_samples.TU_PHAP), corrected()]
    ),
    "publication that does not meet": lambda: published(reconciliation_samples.unbalanced()),
    "publication with words that attack": lambda: published(reconciliation_samples.nasty()),
    "red run": lambda: red_run_mail("Nhắn tin", "scheduled__2026", LEFT, PAGE),
    "late apologies": lambda: late_apologies_mail("Xin lỗi", "scheduled__2026", "17:36", PAGE),
    "alerts": lambda: compose_alerts([OPEN], [OVER], [OPEN], "r", PAGE, NOW),
    "the watch lives": lambda: compose_life([OPEN], [LOOK], "r", PAGE, began_at=NOW, now=NOW),
}


@pytest.fixture
def show(browser: Browser) -> Iterator[Callable[[str, Mail], tuple[Page, list[str]]]]:
    """Yield a function that opens a mail in a window of a size, and returns the page and the addresses it fetched."""
    contexts = []

    def opened(size: str, mail: Mail) -> tuple[Page, list[str]]:
        width, height = SIZES[size]
        context = browser.new_context(viewport={"width": width, "height": height})
        contexts.append(context)
        page, fetched = context.new_page(), list[str]()

        def note(request: Request) -> None:
            if not request.url.startswith(("data:", "about:")):
                fetched.append(request.url)

        page.on("request", note)
        html = mail.html
        for cid, picture in mail.pictures:
            html = html.replace(f"cid:{cid}", f"data:image/png;base64,{b64encode(picture.png).decode()}")
        page.set_content(html)
        return page, fetched

    yield opened
    for context in contexts:
        context.close()


@pytest.mark.guarantee(
    "pages",
    "mails load nothing from other hosts and fit 320 px; the accessibility check axe finds no more than minor faults",
)
@pytest.mark.parametrize("size", SIZES)
def test_mail_is_whole_and_can_be_read_by_everybody(show, size):
    wrong = []
    for name, compose in MAILS.items():
        page, fetched = show(size, compose())
        wrong += [f"{name}: {each}" for each in [*faults(page, "body"), *findings(page, *OF_PAGES), *fetched]]
    assert wrong == []
