"""A set of words that a column or a report may hold is written down once: whoever needs it imports it."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import yaml

PACKAGE = Path(__file__).parents[2] / "plugins" / "motcua"
INCLUDE = Path(__file__).parents[2] / "include"


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


def keys_that_stand_twice(text: str) -> Iterator[str]:
    """YAML's readers take the last of them, and say nothing."""
    nodes = list(yaml.compose_all(text, yaml.SafeLoader))
    while nodes:
        match nodes.pop():
            case yaml.MappingNode(value=pairs):
                keys = [key.value for key, _ in pairs if isinstance(key, yaml.ScalarNode)]
                yield from (f"{key}, line {pairs[0][0].start_mark.line + 1} ff." for key in keys if keys.count(key) > 1)
                nodes += [value for _, value in pairs]
            case yaml.SequenceNode(value=items):
                nodes += items
            case _:
                pass


def test_no_file_of_words_says_one_key_twice():
    files = sorted(INCLUDE.rglob("*.yaml"))
    assert len(files) > 10
    twice = {str(path.relative_to(INCLUDE)): list(keys_that_stand_twice(path.read_text("utf-8"))) for path in files}
    assert {name: found for name, found in twice.items() if found} == {}


def test_key_that_stands_twice_is_found_however_deep():
    assert list(keys_that_stand_twice("a: {b: 1, c: 2}\nd:\n  - {e: 1, e: 2}\n")) == ["e, line 3 ff."] * 2
    assert list(keys_that_stand_twice("a: {b: 1}\nc: {b: 1}\n")) == []
