"""Test that each test can fail.

A test must check something even if a collection is empty, swallow no error, and leave nothing patched.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Collection
from functools import cache
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
FILES = sorted((ROOT / "tests").rglob("*.py"))
TEST_FILES = [path for path in FILES if path.name.startswith("test_")]
DOCS = sorted([*(ROOT / "docs").rglob("*.md"), ROOT / "README.md"])

CHECKS = {"raises", "warns", "fail", "run_state_machine_as_test"}
AS_LONG_AS_THEIR_ARGUMENTS = {"enumerate", "zip", "sorted", "reversed", "list", "tuple", "set", "range", "product"}


def wrong_in(files: list[Path], look: Callable[[Path], Collection[Any]]) -> dict[str, Collection[Any]]:
    """Return for each file what ``look`` finds wrong in it."""
    assert files
    return {str(path.relative_to(ROOT)): found for path in files if (found := look(path))}


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


@cache
def functions(path: Path) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
    return [node for node in ast.walk(tree_of(path)) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]


def collected_from(path: Path) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
    return [function for function in functions(path) if function.name.startswith("test_")]


def called(node: ast.AST) -> str | None:
    """Return the last part of the called function's name, or ``None`` if the node is no call."""
    match node:
        case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name)):
            return name
    return None


def is_check(node: ast.AST, helpers: set[str]) -> bool:
    """Return whether a node fails the test when something is not as expected.

    Args:
        node: the node of the test's syntax tree.
        helpers: names of functions that contain such a check.
    """
    match node:
        case ast.Assert(test=ast.Constant(value=value)):
            return not value
        case ast.Assert():
            return True
        case ast.Raise():
            return "AssertionError" in ast.unparse(node)
    name = called(node)
    return name in CHECKS or name in helpers


@cache
def checking_functions() -> dict[Path, set[str]]:
    """Return for each file the functions that check something when the file calls them."""
    calls: dict[Path, dict[str, set[str | None]]] = {path: {} for path in FILES}
    own: dict[Path, set[str]] = {path: set() for path in FILES}
    for path in FILES:
        for function in functions(path):
            nodes = list(ast.walk(function))
            calls[path][function.name] = {called(node) for node in nodes}
            if any(is_check(node, set()) for node in nodes):
                own[path].add(function.name)
    while True:
        anywhere = set().union(*own.values())
        known = {path: own[path] | (anywhere - calls[path].keys()) for path in FILES}
        # A function also checks something if it calls a function that does.
        more = {path: {name for name, of in calls[path].items() if of & known[path]} - own[path] for path in FILES}
        if not any(more.values()):
            return known
        for path, names in more.items():
            own[path] |= names


def is_filled(node: ast.expr, names: set[str]) -> bool:
    """Return whether the code shows that a collection is not empty.

    Args:
        node: the expression of the collection.
        names: names of collections that are known not to be empty.
    """
    match node:
        case ast.Tuple(elts=elements) | ast.List(elts=elements) | ast.Set(elts=elements):
            return not all(isinstance(element, ast.Starred) for element in elements)
        case ast.Dict(keys=keys):
            return bool(keys)
        case ast.Constant(value=value):
            return bool(value)
        case ast.Name(id=name):
            return name in names
        case ast.BinOp(left=left, right=right):
            return is_filled(left, names) or is_filled(right, names)
        case ast.ListComp(generators=[ast.comprehension(iter=source, ifs=[])]):
            return is_filled(source, names)
        case ast.Call(func=ast.Attribute(value=source, attr="items" | "values" | "keys")):
            return is_filled(source, names)
        case ast.Call(func=ast.Name(id=name), args=arguments) if name in AS_LONG_AS_THEIR_ARGUMENTS:
            return any(is_filled(argument, names) for argument in arguments)
    return False


def filled_names(*scopes: ast.AST) -> set[str]:
    """Return the names of collections that are assigned in these scopes and are not empty."""
    names: set[str] = set()
    for scope in scopes:
        for node in ast.iter_child_nodes(scope):
            match node:
                case ast.Assign(targets=[ast.Name(id=name)], value=value) if is_filled(value, names):
                    names.add(name)
    return names


def checks_for_sure(node: ast.AST, helpers: set[str], filled: set[str]) -> bool:
    """Return whether a check runs even if a collection in a loop is empty."""
    match node:
        case ast.For(iter=source) if not is_filled(source, filled):
            return False
        case ast.Assert(test=ast.Call(func=ast.Name(id="all"), args=[ast.GeneratorExp(generators=[each, *_])])):
            return is_filled(each.iter, filled)
    return is_check(node, helpers) or any(
        checks_for_sure(child, helpers, filled) for child in ast.iter_child_nodes(node)
    )


def idle_tests(path: Path) -> list[str]:
    """Return the tests of a file that may pass without a check."""
    helpers = checking_functions()[path]
    return [
        test.name
        for test in collected_from(path)
        if not checks_for_sure(test, helpers - {test.name}, filled_names(tree_of(path), test))
    ]


def test_each_test_checks_something_whatever_a_collection_holds():
    assert wrong_in(TEST_FILES, idle_tests) == {}


def swallowed_in(path: Path) -> list[int]:
    """Return the lines of a file that swallow an error."""
    swallowed = []
    for node in ast.walk(tree_of(path)):
        match node:
            case ast.ExceptHandler(body=body) if all(isinstance(line, ast.Pass) for line in body):
                swallowed.append(node.lineno)
            case ast.Call(args=[ast.Name(id="Exception" | "BaseException")]) if "suppress" in ast.unparse(node.func):
                swallowed.append(node.lineno)
    return swallowed


def test_no_test_swallows_what_went_wrong():
    """A test that swallows an error passes although the tested code failed."""
    assert wrong_in(TEST_FILES, swallowed_in) == {}


def test_environment_that_tests_share_is_changed_by_monkeypatch_alone():
    """An environment variable that a test sets without ``monkeypatch`` would stay for later tests."""
    by_hand = re.compile(r"^ +os\.environ\[.*\] = .*", re.M)
    assert wrong_in(TEST_FILES, lambda path: by_hand.findall(path.read_text(encoding="utf-8"))) == {}


@cache
def names_of_tests() -> set[str]:
    return {test.name for path in TEST_FILES for test in collected_from(path)} | {path.stem for path in TEST_FILES}


def test_tests_that_the_docs_name_are_there():
    assert (
        wrong_in(DOCS, lambda page: set(re.findall(r"\btest_\w+", page.read_text(encoding="utf-8"))) - names_of_tests())
        == {}
    )


def test_idle_tests_are_told_from_those_that_check():
    """The search must find tests that can pass without a check, and accept tests that surely check."""
    idle = (
        "run()",
        "assert True",
        "rows = read()\nfor row in rows:\n    assert row",
        "assert all(row for row in rows())",
    )
    checking = (
        "with pytest.raises(Refused):\n    run()",
        "rows = [1]\nfor row in rows:\n    assert row",
        "look(run())",
    )
    for body in idle + checking:
        test = ast.parse(body)
        assert checks_for_sure(test, {"look"}, filled_names(test)) is (body in checking), body
