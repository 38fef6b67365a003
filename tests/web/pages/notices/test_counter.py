"""The counter: a citizen asks, and the clerk answers after one search and one reading."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.testclient import TestClient

from tests.ground import NHA_TRANG, TU_PHAP, take_in
from tests.web.visiting import VISITING, token_of, words

PHONE = "0914 553 926"
TAILS = ("0007", "261126-0007", "261126 0007", "h32.30-261126-0007", "000.00.30.H32-261126-0007")
PHONES = ("0914553926", PHONE, "0914.553.926", "+84 914 553 926", "84914553926", "(0914) 553-926")


def code_of(agency: str, number: str) -> str:
    return f"{agency}-261126-{number}"


@pytest.fixture
def clerk(app, one_stop) -> Iterator[TestClient]:
    """Somebody of Nha Trang's desk, where there is one dossier among others'."""
    one_stop.dossier(code_of(NHA_TRANG, "0007"), applicant_phone=PHONE)
    one_stop.dossier(code_of(NHA_TRANG, "10007"))
    one_stop.dossier(code_of(TU_PHAP, "0007"), TU_PHAP, applicant_phone=PHONE)
    take_in()
    with VISITING.browse(app) as http:
        VISITING.visit_as("agency", NHA_TRANG)
        yield http


def typed(clerk: TestClient, what: str) -> Any:
    return clerk.post("/motcua/dossiers/search", data={"token": token_of(clerk), "q": what})


def read(clerk: TestClient, what: str) -> str:
    """What the clerk reads after one search."""
    answer = typed(clerk, what)
    assert answer.status_code == 303, words(answer)
    shown = clerk.get(answer.headers["location"])
    assert shown.status_code == 200
    return words(shown)


# ---------------------------------------------------------------- the box


@pytest.mark.guarantee("dossiers", "the last signs of a code, or a phone in any spelling, lead to one's own dossier")
@pytest.mark.parametrize("what", [*TAILS, *PHONES])
def test_tail_of_a_code_and_phone_in_any_spelling_lead_to_the_dossier_of_ones_own_agency(clerk, what):
    assert f"Hồ sơ {code_of(NHA_TRANG, '0007')}" in read(clerk, what)


def test_several_that_end_alike_are_a_list(clerk):
    listed = typed(clerk, "007")
    assert listed.status_code == 200
    assert re.findall(r">([^<>]*007)</a>", listed.text) == [code_of(NHA_TRANG, "0007"), code_of(NHA_TRANG, "10007")]
    VISITING.visit_as("operator")
    both = typed(clerk, "0007").text
    assert [code_of(each, "0007") in both for each in (NHA_TRANG, TU_PHAP)] == [True, True]
    assert f"Hồ sơ {code_of(TU_PHAP, '0007')}" in read(clerk, f"{TU_PHAP} 0007")


@pytest.mark.guarantee("dossiers", "nobody finds a dossier by a name, which stands in no address")
@pytest.mark.parametrize("name", ["Nguyễn Thị Lan", "Blô", "Nguyen Van An 1985"])
def test_name_is_answered_and_led_nowhere(clerk, name):
    answer = typed(clerk, name)
    assert (answer.status_code, "location" in answer.headers) == (404, False)
    assert "Không tra theo tên" in words(answer)
    assert name not in answer.text


def test_no_answer_of_the_box_has_a_link_that_is_refused(clerk):
    for what in ("Nguyễn Thị Lan", "9999", "0905 999 999", "0258 3822917", " ", "007", code_of(TU_PHAP, "0008")):
        links = set(re.findall(r'href="(/motcua[^"#]*)', typed(clerk, what).text))
        refused = [link for link in links if clerk.get(link.replace("&amp;", "&")).status_code in (403, 404)]
        assert refused == [], what
