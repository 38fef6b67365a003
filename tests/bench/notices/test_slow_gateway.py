"""What a bench's gateway says that it saw is what came."""

from __future__ import annotations

import json

from tests.bench.notices.slow_gateway import Seen


def test_most_in_a_second_are_those_of_any_second_and_most_at_once_those_without_an_answer() -> None:
    seen = Seen()
    for moment in (0.0, 0.5, 0.9, 1.2, 1.4):
        seen.comes(moment)
        seen.out -= moment < 0.9
    seen.out -= 2
    seen.comes(3.0)
    assert json.loads(seen.words()) == {"requests": 6, "most_at_once": 3, "most_in_a_second": 4}


def test_what_was_told_is_not_told_again_but_for_what_is_still_out() -> None:
    seen = Seen()
    seen.comes(0.0)
    seen.words()
    assert json.loads(seen.words()) == {"requests": 0, "most_at_once": 1, "most_in_a_second": 0}
