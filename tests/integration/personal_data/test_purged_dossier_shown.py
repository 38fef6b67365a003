"""Test the pages about a purged dossier: they say that its phone number was emptied, not that it never had a number."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient

from motcua.jobs.personal_data import purge
from tests.ground import NHA_TRANG, type_command
from tests.integration.personal_data.conftest import NOW
from tests.integration.personal_data.test_purging import ask
from tests.web.visiting import VISITING


@pytest.fixture
def staff() -> Iterator[TestClient]:
    """Open the staff pages in a browser as the Department's operator."""
    with VISITING.browse(VISITING.mount()) as http:
        yield http


def shown(staff, page):
    answer = staff.get(f"/motcua/{page}")
    assert answer.status_code == 200, page
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", answer.text.partition("<main")[2])))


def test_pages_tell_that_the_number_was_emptied_and_not_that_there_was_none(past, staff, rows):
    past.told_and_ended("D-1")
    ask(rows, NOW.replace(year=NOW.year - 1))
    of = f"dossiers?agency={NHA_TRANG}&code=D-1"
    before = shown(staff, of)
    assert "đã xóa" not in before
    purge("tests")
    after = shown(staff, of)
    assert "khi hết thời hạn giữ dữ liệu cá nhân" in after
    assert "Điện thoại: đã xóa khi hết thời hạn giữ" in after
    assert "không có số điện thoại" not in after
    # The page must still show which text was sent and when, without a digit of the number.
    assert before.split(". ")[0].replace(" tới số có ba số cuối 456", "") == after.split(". ")[0]
    for page in ("messages", "messages/inquiries", "", "complaints", f"dossiers/slip?agency={NHA_TRANG}&code=D-1"):
        shown(staff, page)
    type_command("dossiers", "show", "D-1")
