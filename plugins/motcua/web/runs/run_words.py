"""Why a run is red, and what to do, in the words of its page."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import yaml

from motcua.reports.checks import in_words
from motcua.settings import include_dir
from motcua.store.ledger.runs import left_of

_NUMBER = re.compile(r"\+?\d{9,}")
"""What is as long as a phone number; a gate's words count and name, and hold none."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """One thing that is left, and what to do."""

    why: str
    todo: str
    check: str = ""
    """Id of the check that found it."""


@lru_cache(maxsize=1)
def words() -> dict[str, Any]:
    """The words of include/templates/web/runs/words.vi.yaml."""
    text = (include_dir() / "templates" / "web" / "runs" / "words.vi.yaml").read_text(encoding="utf-8")
    read: dict[str, Any] = yaml.safe_load(text)
    return read


def trouble_of_task(task_id: str, what: str) -> Trouble | None:
    """A task that failed; ``None``: it is the gate, whose words say more."""
    told = words()["task"].get(task_id)
    return None if told is None else Trouble(told["why"].format(what=what).replace(" .", "."), told["todo"])


def troubles_of_gate(kept: str) -> list[Trouble]:
    """What a gate found was left, each once; tasks that failed are told by themselves."""
    told = [in_words(each) for each in left_of(kept) if each.name != "task_failed"]
    return list(dict.fromkeys(Trouble(_NUMBER.sub("***", each.title), each.todo, each.name) for each in told))
