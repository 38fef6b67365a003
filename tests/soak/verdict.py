"""What a day on the soak's stage comes to: who was told, by the phones' own log, and what jobs raised."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Sequence

from motcua.store.oversight.accounting import identity
from tests.ground import in_ledger
from tests.prove import Figure, none, noted
from tests.soak.lives import Life
from tests.soak.oracle import Citizen, Judgement, judge, mistakes_noticed
from tests.soak.stage import Stage

EXPECTED = ("SourceFailed", "RunIncomplete")
"""What a job raises by its own rules, to be red."""


def raised(stage: Stage) -> Iterator[tuple[str, str, str]]:
    """Of each error of a job its kind, why, and all of it in words."""
    for file in sorted((stage.folder / "runs").glob("*.jsonl")):
        for line in map(json.loads, file.read_text(encoding="utf-8").splitlines()):
            yield line["error"], line["why"], f"{file.stem} {line['job']}: {line['error']}: {line['why'][:160]}"


def who_was_told(
    stage: Stage, made: Sequence[Life], listed: Collection[tuple[str, str]] = (), *, asked_9029: int | None = None
) -> tuple[Judgement, list[Figure]]:
    """``listed``: code and kind of each message that people are shown as of unknown outcome; ``asked_9029``: so many
    texts, no less, must have been answered."""
    taken = stage.taken()
    citizens = {life.dossier.code: Citizen(life.number, life.owed) for life in made}
    found = judge(citizens, taken, listed)
    noticed = mistakes_noticed(citizens, taken, found)
    replies = stage.network_log("SELECT count(*), count(reply_id) FROM inquiries")
    asked, answered = (sum(row[place] for row in replies) for place in (0, 1))
    return found, [
        Figure("told, by the phones' own log", ", ".join(f"{n} {kind}" for kind, n in sorted(found.told.items())),
               "some", bool(found.told)),
        none("lost", found.lost),
        none("told twice", found.doubled),
        none("to a wrong phone", found.wrong_phone),
        none("told without being owed it", found.uncalled),
        Figure("an oracle that is given a loss, a double, a wrong phone", f"{noticed} of 3 mistakes in the same log",
               "3 of 3", noticed == 3),
        Figure("texts to 9029 answered", f"{answered} of {asked}", "all",
               0 < asked == answered == (asked_9029 or asked)),
    ]  # fmt: skip


def books() -> Figure:
    rows = in_ledger(identity)
    expected, difference = sum(row.expected for row in rows), sum(abs(row.difference) for row in rows)
    return Figure("identity", f"{expected} expected, difference {difference}", "0", expected > 0 and difference == 0)


def counted(errors: Sequence[str]) -> Figure:
    """How often each kind was raised."""
    kinds = sorted(set(errors), key=lambda kind: (-errors.count(kind), kind))
    return noted("runs that said so", ", ".join(f"{errors.count(kind)} {kind}" for kind in kinds) or "none")
