"""``make prove ONLY=upgrade`` follows every command line of docs/operations/upgrade.md, or the page lists why not.

That proof, not these tests, shows that the upgrade succeeds.
"""

from __future__ import annotations

from tests.compose.project import OURS, steps
from tests.upgrade.handbook import PAGE, SECTIONS, followed, left_out
from tests.upgrade.rolling import SERVICES


def test_every_line_is_followed_or_listed_with_its_reason() -> None:
    typed = {
        line.strip()
        for section in SECTIONS
        for blocks in steps(PAGE, section).values()
        for block in blocks
        for line in block.splitlines()
        if line.strip()
    }
    told = {line.words for section in SECTIONS for _, lines in followed(section) for line in lines}
    assert typed - told == left_out().keys()


def test_both_ways_exchange_every_service_of_ours_once_and_the_parts_that_are_looked_at() -> None:
    # The service init runs only at the start, so it is not replaced.
    wanted = sorted(set(OURS) - {"init"})
    assert set(SERVICES) <= set(wanted)
    exchanged = [
        [name for _, lines in followed(section) for line in lines for name in line.services] for section in SECTIONS
    ]
    assert [sorted(names) for names in exchanged] == [wanted, wanted]


def test_the_books_are_looked_at_before_and_after_and_nothing_is_exchanged_before_the_migration() -> None:
    at = followed(SECTIONS[0])
    titles = [title for title, _ in at]
    asked = {title: {" ".join(line.command) for line in lines if line.command} for title, lines in at}
    books = {"identity", "publications verify-all", "quality verify"}
    assert books <= asked["The backup"] & asked["Checks"]
    order = [titles.index(title) for title in ("The backup", "The migration", "One service after the other")]
    assert order == sorted(order)
