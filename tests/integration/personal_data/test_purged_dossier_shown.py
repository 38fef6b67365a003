"""A purged dossier on the pages: that it was emptied is told, and is not taken for what was never known."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from typer.testing import CliRunner

from motcua.cli import app as motcua
from motcua.jobs.personal_data import purge
from tests.conftest import NHA_TRANG
from tests.integration.personal_data.conftest import NOW
from tests.integration.personal_data.test_purging import ask
from tests.web.visiting import Visiting

WHO = Visiting()


@pytest.fixture(scope="module")
def app() -> FastAPI:
    return WHO.mount()


@pytest.fixture
def staff(app) -> Iterator[TestClient]:
    with TestClient(app, raise_server_exceptions=False, follow_redirects=False) as http:
        http.cookies.set("_token", "a-session")
        yield http


def shown(staff, page):
    answer = staff.get(f"/motcua/{page}")
    assert answer.status_code == 200, page
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", answer.text.partition("<main")[2])))


def test_page_tells_that_the_number_was_emptied_and_not_that_there_was_none(past, staff):
    past.told_and_ended("D-1")
    of = f"dossiers?agency={NHA_TRANG}&code=D-1"
    before = shown(staff, of)
    assert "đã xóa" not in before
    purge("tests")
    after = shown(staff, of)
    assert "khi hết thời hạn giữ dữ liệu cá nhân" in after
    assert "Điện thoại: đã xóa khi hết thời hạn giữ" in after
    assert "không có số điện thoại" not in after
    # What was told, and when, is a fact.
    assert before.split(". ")[0] == after.split(". ")[0]


def test_every_list_that_a_purged_row_stands_in_is_shown(past, staff, rows):
    past.told_and_ended("D-1")
    ask(rows, NOW.replace(year=NOW.year - 1))
    purge("tests")
    for page in ("messages", "messages/inquiries", "", "complaints", f"dossiers/slip?agency={NHA_TRANG}&code=D-1"):
        shown(staff, page)
    answer = CliRunner().invoke(motcua, ["dossiers", "show", "D-1"])
    assert answer.exit_code == 0, answer.output
