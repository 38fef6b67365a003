"""Test that words are defined once.

A set of values that a column may hold is defined in one module. Texts that staff read are in templates, not in Python.
"""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from unicodedata import normalize

import yaml

PACKAGE = Path(__file__).parents[2] / "plugins" / "motcua"
INCLUDE = Path(__file__).parents[2] / "include"


def words_named_in(module: str) -> Iterator[tuple[str, frozenset[str]]]:
    """Yield each name that a module defines as a ``Literal`` of texts, with these texts."""
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
        text = path.read_text(encoding="utf-8")
        for name, words in words_named_in(text) if "Literal[" in text else ():
            where[words].append(f"{path.relative_to(PACKAGE)}: {name}")
    assert len(where) > 20
    assert [places for places in where.values() if len(places) > 1] == []


def keys_that_stand_twice(text: str) -> Iterator[str]:
    """Yield the keys that a YAML mapping has twice. YAML's readers silently use the last of them."""
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


VIETNAMESE = re.compile("[àáãèéìíòóõùúýăâđêôơưạảấầẩẫậắằẳẵặẹẻẽếềểễệỉịọỏốồổỗộớờởỡợụủứừửữựỳỵỷỹ]", re.IGNORECASE)
WHY_IN_PYTHON = {
    "domain/": "rules that read Vietnamese, names of provinces, and the holiday library's names of days",
    "sandbox/": "an invented province's people, offices and texts",
    "commands/": "a page, a document or the currency, named in an English sentence",
    "settings.py": "offices and the currency, named in an English sentence",
    "jobs/doctor/written.py": "a rule that reads Vietnamese",
    "jobs/handed_in/phones.py": "a rule that reads Vietnamese: heads of columns",
    "jobs/handed_in/statement_files.py": "a rule that reads Vietnamese",
    "jobs/listing/asking.py": "a letter, for the alphabetical order of words",
    "jobs/texts.py": "the longest status, to compute the longest possible text",
    "jobs/watching/telling.py": "the text of an alert whose template cannot be read",
    "reports/wording.py": "the form of a moment in a text",
    "store/airflow_roles.py": "an account's name, written by the store, which reads no templates",
}


def vietnamese_in(module: str) -> Iterator[str]:
    """Yield each text of a module with Vietnamese letters, without docstrings."""
    # Parsing is slow, so only modules that contain a Vietnamese letter are parsed.
    nodes = list(ast.walk(ast.parse(module))) if VIETNAMESE.search(normalize("NFC", module)) else []
    said = {id(node.value) for node in nodes if isinstance(node, ast.Expr)}
    for node in nodes:
        match node:
            case ast.Constant(value=str(text)) if id(node) not in said and VIETNAMESE.search(normalize("NFC", text)):
                yield text


def test_what_staff_read_stands_in_templates():
    texts = {
        path.relative_to(PACKAGE).as_posix(): list(vietnamese_in(path.read_text("utf-8")))
        for path in sorted(PACKAGE.rglob("*.py"))
    }
    holding = {name for name, found in texts.items() if found}
    assert {name: texts[name] for name in holding if not name.startswith(tuple(WHY_IN_PYTHON))} == {}
    assert {why for why in WHY_IN_PYTHON if not any(name.startswith(why) for name in holding)} == set()
