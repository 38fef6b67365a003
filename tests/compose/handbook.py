"""The steps of the handbook as they are typed: the shell blocks of a section's numbered list."""

from __future__ import annotations

import re
import textwrap

from tests.compose.project_files import ROOT

_STEP = re.compile(r"^(?P<number>\d+)\. ", re.M)
_BLOCK = re.compile(r"^ *```sh\n(?P<lines>.*?)^ *```$", re.M | re.S)


def steps(page: str, section: str) -> dict[int, list[str]]:
    """What is typed in each step of a section of docs/operations, by the step's number; steps without a block, too.

    Raises:
        KeyError: the page has no such section.
        ValueError: its steps are not numbered 1, 2, 3, …
    """
    text = (ROOT / "docs" / "operations" / f"{page}.md").read_text(encoding="utf-8")
    sections = dict(re.findall(r"^## (.+?)\n(.*?)(?=^## |\Z)", text, re.M | re.S))
    _, *parts = _STEP.split(sections[section])
    found = {
        int(number): [textwrap.dedent(block["lines"]) for block in _BLOCK.finditer(words)]
        for number, words in zip(parts[::2], parts[1::2], strict=True)
    }
    if list(found) != list(range(1, len(found) + 1)):
        raise ValueError(f"{page}.md, {section}: steps {list(found)}")
    return found
