"""Test that docs/guarantees.md lists exactly the guarantee marks of the tests."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.guarantees import PAGE, TESTS, Guarantee, NotAGuarantee, all_guarantees, guarantees_in, with_lists

CLAIM_IN_LETTERS = 160

SECTIONS = "<!-- guarantees: one -->\n{}<!-- end -->\nprose\n<!-- guarantees: two -->\n<!-- end -->\n"
OTHER = Guarantee("two", "other", "test_other")


def test_page_says_what_the_marks_say():
    page = PAGE.read_text(encoding="utf-8")
    assert with_lists(page, all_guarantees()) == page, "the page is out of date, run: python -m tests.guarantees"


def test_claims_are_one_short_sentence_on_one_line():
    claims = {each.claim for each in all_guarantees()}
    unfit = [claim for claim in claims if len(claim) > CLAIM_IN_LETTERS or "\n" in claim or claim[-1] == "."]
    assert claims
    assert unfit == []


def test_name_of_a_test_that_holds_a_guarantee_leads_to_one_test():
    """A reader finds a test by the name in docs/guarantees.md, so no other test may have this name."""
    named = {each.test for each in all_guarantees()}
    text = "\n".join(path.read_text(encoding="utf-8") for path in TESTS.rglob("test_*.py"))
    times = Counter(line.split("(")[0].split()[-1] for line in text.splitlines() if line.lstrip().startswith("def "))
    assert {name: times[name] for name in named if times[name] != 1} == {}


def test_section_without_a_test_is_refused():
    with pytest.raises(NotAGuarantee, match="no test has a mark for: one"):
        with_lists(SECTIONS.format("- claim: `test_gone`\n"), [OTHER])


@pytest.mark.parametrize(
    "source",
    [
        '@pytest.mark.guarantee("one", CLAIM)\ndef test_this(): ...',
        '@pytest.mark.guarantee("one", "a")\ndef called_by_tests(): ...',
        'pytestmark = pytest.mark.guarantee("one", "a")',
    ],
)
def test_mark_that_no_line_could_be_made_of_is_refused(source):
    with pytest.raises(NotAGuarantee, match=r"test_file\.py: a mark"):
        list(guarantees_in(source, "test_file.py"))
