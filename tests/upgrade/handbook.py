"""Read the commands of docs/operations/upgrade.md, which the proof ``make prove ONLY=upgrade`` follows."""

from __future__ import annotations

import re
from dataclasses import dataclass

from tests.compose.project import rows, steps, titles

PAGE = "operations/upgrade"
SECTIONS = ("Without stopping", "Going back")
NOT_FOLLOWED = "Commands that the test leaves out"
_UP = re.compile(r"docker compose up --detach --no-deps ([a-z][a-z -]*)")
_RUN = re.compile(r"docker compose exec [a-z-]+ motcua (.+)")


@dataclass(frozen=True)
class Line:
    """One command line of the page."""

    words: str
    services: tuple[str, ...] = ()
    """Services that the command replaces."""
    command: tuple[str, ...] = ()
    """Words of the line's ``motcua`` command. If ``services`` is empty too, the line migrates the ledger."""


def left_out() -> dict[str, str]:
    """Return the command lines that the proof does not follow, each with the reason."""
    return dict(rows(PAGE, NOT_FOLLOWED))


def followed(section: str) -> list[tuple[str, list[Line]]]:
    """Return the title and the command lines of each step of a section.

    Raises:
        ValueError: the page has a command that the proof cannot follow, or a step has no title.
    """
    at = {number: title for title, number in titles(PAGE, section).items()}
    kept = left_out()
    found = []
    for number, blocks in steps(PAGE, section).items():
        if number not in at:
            raise ValueError(f"{PAGE}.md, {section}: step {number} has no title")
        lines = [line.strip() for block in blocks for line in block.splitlines() if line.strip()]
        found.append((at[number], [_line(line) for line in lines if line not in kept]))
    return found


def _line(words: str) -> Line:
    if words == "docker compose run --rm --no-deps init":
        return Line(words)
    if found := _UP.fullmatch(words):
        return Line(words, services=tuple(found[1].split()))
    if found := _RUN.fullmatch(words):
        return Line(words, command=tuple(found[1].split()))
    raise ValueError(f"{PAGE}.md: the proof cannot follow {words}")
