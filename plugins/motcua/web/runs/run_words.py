"""Why a run is red, and what to do, in the words of its page."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import yaml

from motcua.settings import include_dir

_NUMBER = re.compile(r"\+?\d{9,}")
"""What is as long as a phone number; a gate's words count and name, and hold none."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """One thing that is left, and what to do."""

    why: str
    todo: str


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


def troubles_of_gate(said: str) -> list[Trouble]:
    """What a gate said was left, each once: known sentences in Vietnamese, others as they are."""
    return list(dict.fromkeys(_read(_NUMBER.sub("***", said))))


def _read(said: str) -> Iterator[Trouble]:
    place = 0
    while place < len(said):
        for pattern, told in _sentences():
            if found := pattern.match(said, place):
                if told["why"]:
                    yield Trouble(told["why"].format_map(found.groupdict()), told["todo"].format_map(found.groupdict()))
                place = found.end()
                break
        else:
            end = said.find("; ", place)
            end = len(said) if end < 0 else end
            yield Trouble(words()["other"]["why"].format(words=said[place:end]), words()["other"]["todo"])
            place = end
        place += 2


@lru_cache(maxsize=1)
def _sentences() -> list[tuple[re.Pattern[str], dict[str, str]]]:
    return [(re.compile(told["says"], re.DOTALL), told) for told in words()["left"]]
