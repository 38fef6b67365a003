"""Test the two tiers: which tests ``make test`` runs, and which tests only ``make test-all`` runs."""

from __future__ import annotations

import ast
import os
import subprocess
from pathlib import Path

import pytest

from tests.tiers import SECOND_TIER, why_second

ROOT = Path(__file__).parents[2]


def is_there(name: str) -> bool:
    file, _, test = name.partition("::")
    path = ROOT / "tests" / file
    if test:
        module = ast.parse(path.read_text(encoding="utf-8"))
        return test in {node.name for node in module.body if isinstance(node, ast.FunctionDef)}
    return path.is_file() or any(path.rglob("test_*.py"))


def test_what_is_left_to_the_second_tier_is_there() -> None:
    """Each name in the list of the second tier must be an existing file, folder or test."""
    assert [name for name in SECOND_TIER if not is_there(name)] == []


def test_file_is_of_the_second_tier_with_its_folder_and_a_test_by_its_name() -> None:
    assert why_second("live/test_telling.py", "test_any") == SECOND_TIER["live"]
    assert why_second("integration/tls/test_tls.py", "test_any") == SECOND_TIER["integration/tls"]
    assert why_second("integration/sending/test_sending.py", "test_any") is None
    assert why_second("sandbox/test_demo.py", "test_smoke_passes_and_leaves_no_process") is None
    assert why_second("sandbox/test_demo.py", "test_ctrl_c_during_the_set_up_leaves_no_process") is not None


def commands_of_make(*arguments: str) -> str:
    """Return the commands that make would run if the virtual environment is ready already."""
    command = ["make", "--dry-run", "--always-make", "--old-file=.venv/.ready", *arguments]
    # If make runs these tests, the environment has variables of make. They must not reach the inner make.
    given = ("MFLAGS", "ONLY", "TIER")
    environment = {name: value for name, value in os.environ.items() if "MAKE" not in name and name not in given}
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True).stdout


def test_make_test_leaves_the_second_tier_out_and_test_all_and_what_is_named_do_not() -> None:
    assert 'test-beside test-alone TIER="and not second_tier"\n' in commands_of_make("test")
    assert "test-beside test-alone\n" in commands_of_make("test-all")
    assert "pytest tests/live\n" in commands_of_make("test", "ONLY=tests/live")
    assert 'pytest -m "alone , X"' in commands_of_make("test-alone", "TIER=, X")
    assert 'pytest -m "not alone , X"' in commands_of_make("test-beside", "TIER=, X")


def test_tests_of_the_second_tier_bear_its_mark_and_no_others(request: pytest.FixtureRequest) -> None:
    items = request.session.items
    assert items
    files = [(item, item.path.relative_to(ROOT / "tests").as_posix()) for item in items]
    wrong = [
        item.nodeid
        for item, file in files
        if ("second_tier" in item.keywords) is (why_second(file, item.name.partition("[")[0]) is None)
    ]
    assert wrong == []
