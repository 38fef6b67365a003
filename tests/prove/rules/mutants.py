"""Whether the tests of the pure rules notice when a rule is broken: each is broken in every way that mutmut knows.

A *mutant* is the code with one place changed: a ``<`` made ``<=``, a ``not`` left out, an argument ``None``. It is
*killed* when a test of its module fails, and *survives* when all pass. One that no test can notice, since it does the
same, is *equivalent*: those stand in ``equivalent_mutants.yaml`` with the reason; any other survivor falls short.

All is done in a copy in the folder for temporary files, one process at a time. The time is limited: modules in the
order of ``MODULES``, the mutants of each in the seed's order; what is left untried is said.
"""

from __future__ import annotations

import contextlib
import json
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, TypeAlias

import libcst as cst
import yaml
from mutmut.configuration import reset_config
from mutmut.mutation.diff_apply import get_diff_for_mutant
from mutmut.mutation.file_mutation import mutate_file_contents
from mutmut.stats import status_by_exit_code
from mutmut.utils.format_utils import get_mutant_name

from tests.prove import Figure

MINUTES: Final = 20.0
"""When they are over, no further mutant is tried."""

MODULES: Final = {
    "occasions": "test_occasions.py",
    "apologies": "test_apologies.py",
    "routing": "test_routing.py",
    "retries": "test_retries.py",
    "inquiries": "test_inquiries.py",
    "working_days": "test_working_days.py",
    "periods": "test_periods.py",
    "run_window": "test_run_window.py",
    "dossiers": "test_dossiers.py",
    "reconciliation": "test_reconciliation.py",
    "texts": "test_texts.py",
    "phones/numbering_plan": "phones/test_*.py",
    "phones/numbers": "phones/test_*.py",
    "phones/text": "phones/test_*.py",
    "phones/reading": "phones/test_*.py",
}
"""Module below motcua/domain → the tests below tests/unit/domain that answer for it."""

_ROOT: Final = Path(__file__).parents[3]
_DOMAIN: Final = Path("src/motcua/domain")
_TESTS: Final = Path("tests/unit/domain")
_AT_ONCE: Final = 150
"""Mutants that one run of the tool tries; it first runs the tests unbroken."""

_SETTINGS: Final = """\
[tool.mutmut]
source_paths = ["src"]
only_mutate = ["{mutated}"]
also_copy = ["include"]
pytest_add_cli_args_test_selection = ["{tests}"]
pytest_add_cli_args = ["-p", "no:cacheprovider", "--hypothesis-seed=0"]
timeout_multiplier = 5.0
track_dependencies = false
use_git_change_detection = false
"""
_CONFTEST: Final = """\
import sys
import zlib

import hypothesis

hypothesis.settings.register_profile("mutants", deadline=None, database=None)
hypothesis.settings.load_profile("mutants")


def pytest_make_parametrize_id(val):
    # The tool names tests on a command line, where odd characters are lost.
    return f"{zlib.crc32(val.encode('utf-8', 'surrogatepass')):08x}" if isinstance(val, str) else None


def pytest_runtest_setup(item):
    # What was remembered before a mutant came would hide it, and which tests call it.
    for name, module in sys.modules.items():
        if name.startswith("motcua.domain."):
            for each in vars(module).values():
                if hasattr(each, "cache_clear"):
                    each.cache_clear()
"""

_GIVEN_IDS: Final = re.compile(r", ids=\[[^\]]*\]")
"""Names of cases that are lists; the copy's conftest names them plainly."""

_Change: TypeAlias = tuple[str, str]
"""The lines that a mutant replaces, and what it puts there; without indentation."""


class _Undecorated(cst.CSTTransformer):
    """A decorated function as a plain one, and below it what the decorator makes of that.

    The tool leaves decorated functions alone.
    """

    def leave_FunctionDef(
        self, original_node: cst.FunctionDef, updated_node: cst.FunctionDef
    ) -> cst.FunctionDef | cst.FlattenSentinel[cst.BaseStatement]:
        name = updated_node.name.value
        match [cst.Module([]).code_for_node(each.decorator) for each in updated_node.decorators]:
            case [decorator] if decorator == "property" or decorator.startswith("lru_cache"):
                plain = updated_node.with_changes(name=cst.Name(f"{name}_of"), decorators=())
                return cst.FlattenSentinel([plain, cst.parse_statement(f"{name} = {decorator}({name}_of)")])
        return updated_node


@dataclass
class Tried:
    """What became of one module's mutants."""

    module: str
    mutants: int
    killed: int = 0
    survivors: dict[str, _Change] = field(default_factory=dict)
    """Mutant → what it changed."""


def figures(seed: int, minutes: float = MINUTES) -> list[Figure]:
    """A row for each module: how many mutants, and how many of them no test noticed."""
    until = time.monotonic() + 60 * minutes
    equivalent = _equivalent()
    found: list[Figure] = []
    for module in MODULES:
        tried = try_module(module, seed, until)
        alike = {change for change in tried.survivors.values() if change in equivalent.get(module, {})}
        unnoticed = {name: change for name, change in tried.survivors.items() if change not in alike}
        for name, (was, became) in unnoticed.items():
            print(f"{name}\n  - {was}\n  + {became}")
        untried = tried.mutants - tried.killed - len(tried.survivors)
        value = (
            f"{tried.mutants} mutants, {tried.killed} killed, {len(tried.survivors) - len(unnoticed)} equivalent, "
            f"{len(unnoticed)} unnoticed, {untried} untried"
        )
        found.append(Figure(module, value, "0 unnoticed", not unnoticed))
        if not untried and (stale := equivalent.get(module, {}).keys() - alike):
            found.append(Figure(f"{module}: listed, and no such survivor", str(len(stale)), "0", False))
            print(*(f"{module}, listed in vain: {was} → {became}" for was, became in sorted(stale)), sep="\n")
    return found


def _equivalent() -> dict[str, dict[_Change, str]]:
    """By module, the changes that change nothing, with the reason."""
    listed = yaml.safe_load((Path(__file__).parent / "equivalent_mutants.yaml").read_text(encoding="utf-8"))
    return {
        module: {(each["was"], became): each["reason"] for each in entries for became in each["became"]}
        for module, entries in listed.items()
    }


def try_module(module: str, seed: int, until: float) -> Tried:
    """Break one module in every way, in the seed's order, until that moment of the monotonic clock."""
    with tempfile.TemporaryDirectory(prefix="motcua-mutants-") as folder, contextlib.chdir(folder):
        _lay_out(module)
        source = _DOMAIN / f"{module}.py"
        reset_config()
        mutated = mutate_file_contents(str(source), source.read_text(encoding="utf-8"))
        names = [get_mutant_name(source, name) for name in mutated.mutant_names]
        random.Random(f"{seed} {module}").shuffle(names)
        for first in range(0, len(names), _AT_ONCE):
            if time.monotonic() < until:
                _run_tool(names[first : first + _AT_ONCE], until)
        result = Tried(module, len(names))
        for name, status in _statuses(source):
            if status in ("killed", "timeout", "segfault"):
                result.killed += 1
            elif status in ("survived", "no tests"):
                result.survivors[name] = _change(get_diff_for_mutant(name, path=source))
        return result


def _lay_out(module: str) -> None:
    """The copy, in the current folder: the package below ``src``, where the tool knows it, and a module's tests."""
    shutil.copytree(_ROOT / "plugins" / "motcua", "src/motcua", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(_ROOT / "include" / "calendars", "include/calendars")
    for path in _DOMAIN.rglob("*.py"):
        path.write_text(cst.parse_module(path.read_text(encoding="utf-8")).visit(_Undecorated()).code, encoding="utf-8")
    for path in (_ROOT / _TESTS).glob(MODULES[module]):
        copy = path.relative_to(_ROOT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_text(_GIVEN_IDS.sub("", path.read_text(encoding="utf-8")), encoding="utf-8")
    Path("tests/conftest.py").write_text(_CONFTEST, encoding="utf-8")
    settings = _SETTINGS.format(mutated=_DOMAIN / f"{module}.py", tests=_TESTS)
    Path("pyproject.toml").write_text(settings, encoding="utf-8")


def _run_tool(names: Iterable[str], until: float) -> None:
    tool = Path(sys.executable).with_name("mutmut")
    with subprocess.Popen(
        [tool, "run", "--max-children", "1", *names], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        try:
            told, _ = process.communicate(timeout=max(1.0, until - time.monotonic()))
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGINT)  # it keeps what it found and ends
            process.communicate()
            return
    if process.returncode:
        raise RuntimeError(f"mutmut ended with {process.returncode}:\n{told[-3000:]}")


def _statuses(source: Path) -> Iterator[tuple[str, str]]:
    told = Path("mutants") / f"{source}.meta"
    found: dict[str, Any] = json.loads(told.read_text(encoding="utf-8")) if told.exists() else {"exit_code_by_key": {}}
    return ((name, status_by_exit_code[code]) for name, code in found["exit_code_by_key"].items())


def _change(diff: str) -> _Change:
    changed = diff.splitlines()[2:]
    was, became = (" ".join(line[1:].strip() for line in changed if line[0] == sign) for sign in "-+")
    return was, became
