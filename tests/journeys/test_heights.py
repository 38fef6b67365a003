"""Test that no page is higher than six screens of a phone, on a ledger as busy as the demo's."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest
from playwright.sync_api import Browser

from motcua.domain.clock import VIETNAM
from motcua.domain.periods import Period
from motcua.jobs.publications.publishing import publish
from motcua.jobs.quality.checking import check_quality
from motcua.jobs.reconciliation.closing import close_period
from tests.ground import NHA_TRANG, Served
from tests.journeys.conftest import SIZES
from tests.journeys.reading import HIGHEST, height
from tests.journeys.test_every_page import ADDRESSES
from tests.long_ledger import fill_ledger
from tests.web.visiting import VISITING

pytestmark = pytest.mark.alone

_BUSIEST = "H1"
_OTHERS = (
    f"?day={datetime.now(VIETNAM).date() - timedelta(days=1)}",
    f"messages?agency={_BUSIEST}&state=suppressed",
    f"quality/findings?code={_BUSIEST}&rule=P1",
    "quality/findings",
    f"reconciliation?agency={_BUSIEST}",
    "reconciliation?closing=2",
    "reconciliation?closing=1&closing_sort=kind",
)


@pytest.fixture
def url(ledger: str, configure: Callable[..., None], tmp_path: Path) -> Iterator[str]:
    """Serve the staff pages on a busy ledger, and yield their address.

    The ledger has forty days of thirteen agencies, a quality check, and the publications of yesterday and last month.
    """
    now = datetime.now(UTC).replace(microsecond=0)
    fill_ledger(ledger, now, 40, 60)
    with psycopg.connect(ledger) as owner:
        owner.execute("UPDATE motcua.agencies SET short_name = name")
    (tmp_path / "publications").mkdir()
    configure(MOTCUA_PUBLICATIONS=(tmp_path / "publications").as_uri())
    check_quality("scheduled__heights", now)
    for period in (Period.day_before(now), Period.month_before(now)):
        publish(close_period(period, "scheduled__heights", now).closing.closing_no, now)
    with Served(VISITING.mount()) as served:
        yield f"{served.url}/motcua/"


@pytest.mark.guarantee(
    "pages", "no page of a ledger as busy as the demo's is higher than 4,000 px, also at a width of 390 px"
)
def test_no_page_of_a_busy_ledger_is_higher_than_four_thousand_pixels(url: str, browser: Browser) -> None:
    higher = []
    for size in ("wide", "narrow"):
        width, tall = SIZES[size]
        context = browser.new_context(viewport={"width": width, "height": tall}, locale="vi-VN")
        context.add_cookies([{"name": "_token", "value": "a-session", "url": url}])
        page = context.new_page()
        for role in ("operator", "agency"):
            VISITING.visit_as(role, *([_BUSIEST] if role == "agency" else []))  # type: ignore[arg-type]
            for address in (*ADDRESSES, *_OTHERS):
                answer = page.goto(url + address.replace(NHA_TRANG, _BUSIEST))
                assert answer is not None
                assert answer.status < 500, address
                if (high := height(page)) > HIGHEST:
                    higher.append(f"{address} of {role}, {size}: {high} px")
        context.close()
    assert higher == []
