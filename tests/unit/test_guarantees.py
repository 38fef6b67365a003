"""docs/guarantees.md says what the marks on the tests say, and nothing else."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.guarantees import PAGE, TESTS, Guarantee, NotAGuarantee, all_guarantees, guarantees_in, with_tables

CLAIM_IN_LETTERS = 160

SECTIONS = "<!-- guarantees: one -->\n{}<!-- end -->\nprose\n<!-- guarantees: two -->\n<!-- end -->\n"
HEAD = "| claim | test |\n| --- | --- |\n"
OTHER = Guarantee("two", "other", "test_other")


def test_page_says_what_the_marks_say():
    page = PAGE.read_text(encoding="utf-8")
    assert with_tables(page, all_guarantees()) == page, "python -m tests.guarantees writes it"


def test_claims_are_one_short_sentence_that_a_table_can_hold():
    claims = {each.claim for each in all_guarantees()}
    unfit = [claim for claim in claims if len(claim) > CLAIM_IN_LETTERS or set("|\n") & set(claim) or claim[-1] == "."]
    assert claims
    assert unfit == []


def test_name_of_a_test_that_holds_a_guarantee_leads_to_one_test():
    named = {each.test for each in all_guarantees()}
    text = "\n".join(path.read_text(encoding="utf-8") for path in TESTS.rglob("test_*.py"))
    times = Counter(line.split("(")[0].split()[-1] for line in text.splitlines() if line.lstrip().startswith("def "))
    assert {name: times[name] for name in named if times[name] != 1} == {}


def test_tests_of_one_claim_stand_in_its_line_and_claims_keep_the_order_of_the_page():
    page = SECTIONS.format(f"{HEAD}| last | `test_gone` |\n| lost | `test_gone` |\n| first | |\n")
    marks = [("new", "test_a"), ("first", "test_b"), ("last", "test_c"), ("first", "test_d")]
    written = with_tables(page, [*(Guarantee("one", *mark) for mark in marks), OTHER])
    lines = "| last | `test_c` |\n| first | `test_b`<br>`test_d` |\n| new | `test_a` |\n"
    assert written == (
        f"<!-- guarantees: one -->\n{HEAD}{lines}<!-- end -->\nprose\n"
        f"<!-- guarantees: two -->\n{HEAD}| other | `test_other` |\n<!-- end -->\n"
    )
    assert with_tables(written, [*(Guarantee("one", *mark) for mark in marks), OTHER]) == written


def test_claim_that_only_the_second_tier_holds_says_why_in_its_line():
    second, first = (Guarantee("one", "claim", f"test_{why}", why) for why in ("slow", None))
    line = "| claim | `test_slow`<br>(`make test-all`: slow) |\n"
    assert line in with_tables(SECTIONS.format(""), [second, OTHER])
    assert "| claim | `test_slow`<br>`test_None` |\n" in with_tables(SECTIONS.format(""), [second, first, OTHER])


def test_section_that_the_page_does_not_have_is_refused():
    with pytest.raises(NotAGuarantee, match=r"test_lost: .* has no section 'three'"):
        with_tables(SECTIONS.format(""), [Guarantee("three", "claim", "test_lost")])


def test_section_without_a_test_is_refused():
    with pytest.raises(NotAGuarantee, match="no test speaks for: one"):
        with_tables(SECTIONS.format(f"{HEAD}| claim | `test_gone` |\n"), [OTHER])


def test_marks_are_read_with_what_stands_below_them():
    source = (
        '@pytest.mark.guarantee("one", "a")\n@pytest.mark.guarantee("two", "b" " c")\n@pytest.mark.live\n'
        "def test_this(): ...\nclass TestThese:\n"
        '    @pytest.mark.guarantee("one", "a")\n    def test_that(self): ...\n'
    )
    found = list(guarantees_in(source, "test_file.py"))
    assert found == [
        Guarantee("one", "a", "test_this"),
        Guarantee("two", "b c", "test_this"),
        Guarantee("one", "a", "test_that"),
    ]


@pytest.mark.parametrize(
    "source",
    [
        '@pytest.mark.guarantee("one")\ndef test_this(): ...',
        '@pytest.mark.guarantee("one", CLAIM)\ndef test_this(): ...',
        '@pytest.mark.guarantee("one", claim="a")\ndef test_this(): ...',
        "@pytest.mark.guarantee\ndef test_this(): ...",
        '@pytest.mark.guarantee("one", "a")\ndef called_by_tests(): ...',
        '@pytest.mark.guarantee("one", "a")\nclass TestThese: ...',
        'pytestmark = pytest.mark.guarantee("one", "a")',
        'def outer():\n    @pytest.mark.guarantee("one", "a")\n    def test_this(): ...',
    ],
)
def test_mark_that_no_line_could_be_made_of_is_refused(source):
    with pytest.raises(NotAGuarantee, match=r"test_file\.py: a mark"):
        list(guarantees_in(source, "test_file.py"))
