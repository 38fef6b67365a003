"""Write the lists of docs/guarantees.md from the marks on the tests that prove each guarantee.

A test names what it protects by ``@pytest.mark.guarantee("section", "claim")``. Several tests may name the same claim.
One test may name several claims. ``python -m tests.guarantees`` writes all lists of the page anew, each between two
comments of the page. A test compares the page with the marks. On the page, the sign ² follows the name of a test of the
second tier (tests/tiers.py).
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tests.tiers import why_second

TESTS = Path(__file__).parent
PAGE = TESTS.parent / "docs" / "guarantees.md"
_BLOCK = re.compile(r"(?<=<!-- guarantees: )(?P<section>[\w-]+) -->\n(?P<list>.*?)(?=<!-- end -->)", re.S)
_CLAIM = re.compile(r"^- (.+?): `test_", re.M)
_SECOND_TIER = "²"


class NotAGuarantee(ValueError):
    """A mark cannot be shown on the page, or a section of the page has no test."""


@dataclass(frozen=True)
class Guarantee:
    """One claim that a test protects."""

    section: str
    claim: str
    test: str
    second_tier: bool = False
    """Whether ``make test`` leaves this test to ``make test-all``."""


def _is_mark(node: ast.AST) -> bool:
    return isinstance(node, ast.Attribute) and node.attr == "guarantee" and ast.unparse(node) == "pytest.mark.guarantee"


def guarantees_in(source: str, name: str) -> Iterator[Guarantee]:
    """Yield the guarantees of a file of tests, in the file's order. ``name`` is the file's path below tests.

    :raises NotAGuarantee: for a mark that holds anything but two strings, or that is not on a test that pytest
    collects.
    """
    module = ast.parse(source)
    bodies = [module.body, *(node.body for node in module.body if isinstance(node, ast.ClassDef))]
    read = 0
    for test in (node for body in bodies for node in body if isinstance(node, ast.FunctionDef)):
        for mark in test.decorator_list:
            match mark:
                case ast.Call(
                    func=function,
                    args=[ast.Constant(value=str(section)), ast.Constant(value=str(claim))],
                    keywords=[],
                ) if _is_mark(function) and test.name.startswith("test_"):
                    read += 1
                    yield Guarantee(section, claim, test.name, why_second(name, test.name) is not None)
    if read != sum(map(_is_mark, ast.walk(module))):
        raise NotAGuarantee(f"{name}: a mark 'guarantee' takes two strings, section and claim, and stands on a test")


@cache
def all_guarantees() -> list[Guarantee]:
    """Return the guarantees of all tests.

    :raises NotAGuarantee: see :func:`guarantees_in`.
    """
    files = sorted(TESTS.rglob("test_*.py"))
    return [
        each
        for path in files
        for each in guarantees_in(path.read_text(encoding="utf-8"), path.relative_to(TESTS).as_posix())
    ]


def _line(claim: str, tests: list[Guarantee]) -> str:
    """Return the line of the page that names a claim and its tests."""
    named = (f"`{each.test}`{_SECOND_TIER if each.second_tier else ''}" for each in tests)
    return f"- {claim}: {', '.join(named)}\n"


def with_lists(page: str, guarantees: list[Guarantee]) -> str:
    """Return the page with the lists of these guarantees. Claims keep the order of the page, and new claims come last.

    :raises NotAGuarantee: for a guarantee of a section that the page does not have, or a section without a guarantee.
    """
    tests: dict[str, dict[str, list[Guarantee]]] = {block["section"]: {} for block in _BLOCK.finditer(page)}
    for each in guarantees:
        if each.section not in tests:
            raise NotAGuarantee(f"{each.test}: {PAGE.name} has no section {each.section!r}")
        tests[each.section].setdefault(each.claim, []).append(each)
    if empty := [section for section, claims in tests.items() if not claims]:
        raise NotAGuarantee(f"no test has a mark for: {', '.join(empty)}")

    def listed(block: re.Match[str]) -> str:
        claims = tests[block["section"]]
        places = {claim: place for place, claim in enumerate(_CLAIM.findall(block["list"]))}
        ordered = sorted(claims, key=lambda claim: places.get(claim, len(places)))
        return f"{block['section']} -->\n{''.join(_line(claim, claims[claim]) for claim in ordered)}"

    return _BLOCK.sub(listed, page)


if __name__ == "__main__":
    PAGE.write_text(with_lists(PAGE.read_text(encoding="utf-8"), all_guarantees()), encoding="utf-8")
    sys.stdout.write(f"{PAGE.name} written\n")
