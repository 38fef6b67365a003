"""Test that no text is sent twice or lost if a process dies or freezes at any of its steps.

``make prove ONLY=crash`` kills processes at many more random moments.
"""

from __future__ import annotations

import pytest

from tests.crash.breakages import BREAKAGES
from tests.crash.harness import Tally, run, run_broken, run_stray_requests

pytestmark = pytest.mark.timeout(900)  # enough for a busy machine


def findings(tally: Tally) -> list[str]:
    return [f"{count} {kind}" for kind, count in tally.defects.items() if count] + tally.examples


@pytest.mark.guarantee("frozen", "a sender that freezes at any step and wakes later doubles and loses no message")
def test_sender_may_die_or_freeze_at_any_step_and_nothing_is_doubled_or_lost() -> None:
    tally = run("each step", first=0, seeds=400, workers=1)
    assert findings(tally) == []
    # Because the gateway's answers are random, a few senders may not reach their steps.
    assert len({place for place in tally.died_at if place.startswith("frozen before")}) >= 35
    assert len({place for place in tally.died_at if place.startswith("after")}) >= 35
    assert tally.figures["processes frozen"] >= 40
    assert tally.figures["frozen processes taken over"] == tally.figures["processes frozen"]
    assert tally.figures["unknown"] > 0
    assert tally.figures["unknown, held"] < tally.figures["unknown"]


def test_postgresql_and_the_gateway_may_die_while_sending_and_nothing_is_doubled_or_lost() -> None:
    tally = run("outage", first=1, seeds=8, workers=2)
    assert findings(tally) == []
    assert tally.figures["PostgreSQL killed"] > 0
    assert tally.figures["gateway killed"] > 0


def test_harness_finds_out_each_sender_that_is_broken_on_purpose() -> None:
    tallies = run_broken(first=1, seeds=12)
    assert set(tallies) == set(BREAKAGES)
    assert {name: tallies[name].defects[breakage.does] > 0 for name, breakage in BREAKAGES.items()} == dict.fromkeys(
        BREAKAGES, True
    )


@pytest.mark.guarantee(
    "once", "`make prove ONLY=crash` counts a late delivery for the simulated run (seed) that caused it"
)
def test_network_entry_counts_for_the_seed_that_it_is_of_whenever_it_comes() -> None:
    tallies = run_stray_requests(first=1, seeds=4)
    assert {name for name, tally in tallies.items() if not tally.figures["stray"]} == set(), (
        "no seed had a request of this kind"
    )

    doubled = tallies["a repeat of a request that was accepted"]
    whose = doubled.figures["stray"]
    assert [words for words in doubled.examples if not words.startswith(f"seed {whose}: doubled: ")] == []
    assert doubled.defects["doubled"] > 0

    assert findings(tallies["a request that was under way for long"]) == []

    (words,) = tallies["a request that nobody sent"].examples
    assert words.startswith("seeds 1 to 4: wrong: kannel took a message to …999")
