"""A run of the crash proof that was ended goes on with the seeds that were not told, and forgets nothing found."""

from pathlib import Path
from typing import Any

from tests.crash.harness import Tally, keep, kept


def batch(*numbers: int, doubled: int = 0) -> dict[str, Any]:
    tally = vars(Tally(seeds=len(numbers)))
    return {"numbers": list(numbers), **tally, "defects": tally["defects"] | {"doubled": doubled}}


def test_batches_that_were_told_are_not_told_again_and_what_was_found_stays(tmp_path: Path) -> None:
    file = tmp_path / "sources" / "process.jsonl"
    assert kept(file, range(1, 10)) == []
    for told in (batch(1, 3, doubled=1), batch(2, 4), batch(3, 5), batch(9, 10)):
        keep(file, told)
    with file.open("a") as lines:
        lines.write('{"numbers": [6, 7], "seeds"')  # cut off
    # A seed counts once, and a batch only where all of it was asked for.
    assert kept(file, range(1, 10)) == [batch(1, 3, doubled=1), batch(2, 4)]
