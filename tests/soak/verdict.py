"""Judge a simulated day by the texts in the phone networks' own logs, and by the errors that jobs raised."""

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
"""Errors that a job raises on purpose so that its run fails."""


def raised(stage: Stage) -> Iterator[tuple[str, str, str]]:
    """Yield, for each error of a job, its kind, its reason, and a line that describes it."""
    for file in sorted((stage.folder / "runs").glob("*.jsonl")):
        for line in map(json.loads, file.read_text(encoding="utf-8").splitlines()):
            yield line["error"], line["why"], f"{file.stem} {line['job']}: {line['error']}: {line['why'][:160]}"


def judge_texts(
    stage: Stage, made: Sequence[Life], listed: Collection[tuple[str, str]] = (), *, asked_9029: int | None = None
) -> tuple[Judgement, list[Figure]]:
    """Compare the texts on phones with the owed texts; return the judgement, and its rows for the proof's table.

    ``listed``: code and kind of each message that people see as unknown. ``asked_9029``: number of inquiries (texts
    to the short number 9029) that must have been answered.
    """
    taken = stage.taken()
    citizens = {life.dossier.code: Citizen(life.number, life.owed) for life in made}
    found = judge(citizens, taken, listed)
    noticed = mistakes_noticed(citizens, taken, found)
    replies = stage.network_log("SELECT count(*), count(reply_id) FROM inquiries")
    asked, answered = (sum(row[place] for row in replies) for place in (0, 1))
    return found, [
        Figure("texts on phones, by the phone networks' own log",
               ", ".join(f"{n} {kind}" for kind, n in sorted(found.texts_by_kind.items())), "some",
               bool(found.texts_by_kind)),
        none("owed texts that are lost", found.lost),
        none("texted twice", found.doubled),
        none("to a wrong phone", found.wrong_phone),
        none("texts that were not owed", found.uncalled),
        Figure("planted loss, repeat and wrong phone that the judge finds", f"{noticed} of 3",
               "3 of 3", noticed == 3),
        Figure("texts to 9029 answered", f"{answered} of {asked}", "all",
               0 < asked == answered == (asked_9029 or asked)),
    ]  # fmt: skip


def identity_figure() -> Figure:
    rows = in_ledger(identity)
    expected, difference = sum(row.expected for row in rows), sum(abs(row.difference) for row in rows)
    return Figure("identity", f"{expected} expected, difference {difference}", "0", expected > 0 and difference == 0)


def count_errors(errors: Sequence[str]) -> Figure:
    """Return a row with the number of errors of each kind."""
    kinds = sorted(set(errors), key=lambda kind: (-errors.count(kind), kind))
    return noted("errors that runs raised", ", ".join(f"{errors.count(kind)} {kind}" for kind in kinds) or "none")
