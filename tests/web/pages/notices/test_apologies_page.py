"""Test the tab Tin xin lỗi.

The tab lists dossiers that need no apology if they finish before the evening, citizens without a usable phone, and
citizens who need a letter.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from motcua.jobs.notices.apologizing import coming_evening
from motcua.reports.letters import Letter, letters_pdf
from motcua.web.staff import apologies_page
from tests.ground import NHA_TRANG, TU_PHAP, take_in
from tests.web.taken_away import read_file
from tests.web.visiting import VISITING, words

PAGE = "/motcua/apologies"


@pytest.fixture
def tonight(staff: Any, one_stop: Any) -> Any:
    """Make one dossier of each of two agencies, due the day after the coming evening, and a dossier due a week ago."""
    now = datetime.now(UTC)
    due = coming_evening(now) + timedelta(hours=23)
    before = {"received_at": now - timedelta(days=14), "updated_at": now - timedelta(days=14), "status_code": 4}
    one_stop.dossier("CON-KIP", due_at=due, **before)
    one_stop.dossier("KHONG-SO", TU_PHAP, due_at=due, applicant_phone="", **before)
    one_stop.dossier("QUA-HAN", due_at=now - timedelta(days=7), **before)
    take_in(now=now)
    return staff


def test_apologies_that_can_be_avoided_and_citizens_who_get_none_are_shown(tonight):
    shown = words(tonight.get(PAGE))
    assert "1 hồ sơ còn cứu được" in shown
    assert "1 hồ sơ mà công dân không được báo" in shown
    assert "Không có số điện thoại" in shown
    assert "Hỏi công dân và nhập số di động" in shown
    assert "trước 17:30" in shown
    unreached = words(tonight.get(f"{PAGE}?outcome=untold")).partition("Từng hồ sơ")[2]
    assert "KHONG-SO" in unreached
    assert "CON-KIP" not in unreached
    rows = read_file(tonight.get(f"{PAGE}/file?format=csv&outcome=told")).rows
    assert [row[0] for row in rows] == ["CON-KIP"]


def test_who_needs_a_letter_is_listed_and_taken_away(tonight):
    """An overdue dossier whose citizen needs a letter of apology is on the list, and in the list's downloaded file."""
    assert "QUA-HAN" in words(tonight.get(f"{PAGE}/letters"))
    rows = read_file(tonight.get(f"{PAGE}/letters/file?format=xlsx")).rows
    assert [row[0] for row in rows] == ["QUA-HAN"]


@pytest.mark.guarantee(
    "pages", "the letter of apology, which no SMS replaces, is filled in for each dossier, one page each"
)
def test_letters_are_filled_in_for_their_agency_and_nameless_for_an_auditor(tonight, monkeypatch):
    set_from: list[Letter] = []
    monkeypatch.setattr(apologies_page, "letters_pdf", lambda them: set_from.extend(them) or letters_pdf(them))

    def letter() -> Letter:
        answer = tonight.get(f"{PAGE}/letters/filled")
        assert answer.headers["content-type"] == "application/pdf"
        assert b"/Type/Pages/Count 1" in answer.content
        return set_from.pop()

    assert "phiếu 1–1" in words(tonight.get(f"{PAGE}/letters"))
    filled = letter()
    assert (filled.code, filled.applicant) == ("QUA-HAN", "Nguyễn Thị Lan")
    assert filled.agency == "Ủy ban nhân dân thành phố Nha Trang"
    VISITING.visit_as("auditor")
    assert letter() == replace(filled, applicant="")
    VISITING.visit_as("agency", TU_PHAP)
    assert tonight.get(f"{PAGE}/letters/filled").status_code == 404


def test_agency_sees_its_own_dossiers_alone(tonight):
    VISITING.visit_as("agency", TU_PHAP)
    shown = words(tonight.get(PAGE))
    assert "KHONG-SO" in shown
    assert "CON-KIP" not in shown
    assert "QUA-HAN" not in words(tonight.get(f"{PAGE}/letters"))
    assert tonight.get(f"{PAGE}?agency={NHA_TRANG}").status_code == 404
