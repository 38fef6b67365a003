"""The steps of the handbook as they are typed: the shell blocks of a section's numbered list, and its tables."""

from __future__ import annotations

import re
import textwrap

from tests.compose.project_files import ROOT

_STEP = re.compile(r"^(?P<number>\d+)\. ", re.M)
_BLOCK = re.compile(r"^ *```sh\n(?P<lines>.*?)^ *```$", re.M | re.S)
_ROW = re.compile(r"^ *\| (?P<cells>.+) \|$", re.M)


def steps(page: str, section: str) -> dict[int, list[str]]:
    """What is typed in each step of a section of docs/operations, by the step's number; steps without a block, too.

    Raises:
        KeyError: the page has no such section.
        ValueError: its steps are not numbered 1, 2, 3, …
    """
    _, *parts = _STEP.split(_section(page, section))
    found = {
        int(number): [textwrap.dedent(block["lines"]) for block in _BLOCK.finditer(words)]
        for number, words in zip(parts[::2], parts[1::2], strict=True)
    }
    if list(found) != list(range(1, len(found) + 1)):
        raise ValueError(f"{page}.md, {section}: steps {list(found)}")
    return found


def titles(page: str, section: str) -> dict[str, int]:
    """Number of each step of a section of docs/operations whose words begin in bold, by these.

    Raises:
        KeyError: the page has no such section.
    """
    found = re.findall(r"^(\d+)\. \*\*([^*]+?)[.,:]?\*\*", _section(page, section), re.M)
    return {title: int(number) for number, title in found}


def rows(page: str, section: str) -> list[tuple[str, ...]]:
    """The rows of the tables of a section of docs/operations, heads and rules left out; cells without their backticks.

    Raises:
        KeyError: the page has no such section.
    """
    lines = [
        tuple(cell.strip() for cell in row["cells"].split(" | ")) for row in _ROW.finditer(_section(page, section))
    ]
    rules = {number for number, cells in enumerate(lines) if set("".join(cells)) <= set("-: ")}
    heads = {number - 1 for number in rules}
    return [
        tuple(re.sub(r"^`([^`]+)`$", r"\1", cell) for cell in cells)
        for number, cells in enumerate(lines)
        if number not in rules | heads
    ]


def _section(page: str, section: str) -> str:
    text = (ROOT / "docs" / "operations" / f"{page}.md").read_text(encoding="utf-8")
    return dict(re.findall(r"^## (.+?)\n(.*?)(?=^## |\Z)", text, re.M | re.S))[section]
