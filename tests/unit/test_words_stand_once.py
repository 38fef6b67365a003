"""A set of words that a column or a report may hold is written down once: whoever needs it imports it."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

PACKAGE = Path(__file__).parents[2] / "plugins" / "motcua"


def words_named_in(module: str) -> Iterator[tuple[str, frozenset[str]]]:
    """Each name at the top of a module that stands for a ``Literal`` of texts, and these."""
    for node in ast.parse(module).body:
        match node:
            case (
                ast.AnnAssign(target=ast.Name(id=name), value=ast.Subscript(value=ast.Name(id="Literal"), slice=given))
                | ast.Assign(
                    targets=[ast.Name(id=name)], value=ast.Subscript(value=ast.Name(id="Literal"), slice=given)
                )
            ):
                each = given.elts if isinstance(given, ast.Tuple) else [given]
                yield name, frozenset(word.value for word in each if isinstance(word, ast.Constant))
            case _:
                pass


def test_named_words_stand_in_one_module():
    where = defaultdict(list)
    for path in sorted(PACKAGE.rglob("*.py")):
        for name, words in words_named_in(path.read_text(encoding="utf-8")):
            where[words].append(f"{path.relative_to(PACKAGE)}: {name}")
    assert len(where) > 20
    assert [places for places in where.values() if len(places) > 1] == []


def test_names_of_words_are_found_in_a_module():
    module = 'A: TypeAlias = Literal["x", "y"]\nB = Literal["z"]\nC: TypeAlias = dict[str, int]\nD = {"x", "y"}\n'
    assert dict(words_named_in(module)) == {"A": {"x", "y"}, "B": {"z"}}
