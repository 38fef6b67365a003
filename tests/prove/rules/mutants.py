"""Whether the tests of the pure rules notice when a rule is broken: each is broken in every way that mutmut knows.

A *mutant* is the code with one place changed: a ``<`` made ``<=``, a ``not`` left out, an argument ``None``. It is
*killed* when a test of its module fails, and *survives* when all pass. One that no test can notice, since it does the
same, is *equivalent*: those stand in ``equivalent_mutants.yaml`` with the reason; any other survivor falls short.

All is done in a copy in the folder for temporary files, one process at a time. The time is limited: modules in the
order of ``MODULES``, the mutants of each in the seed's order; what is left untried is said.
"""

from __future__ import annotations

import contextlib
import difflib
import gc
import multiprocessing
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections import defaultdict
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, TypeAlias

import libcst as cst
import pytest
import yaml
from mutmut.mutation.file_mutation import MutatedFile, mutate_file_contents
from mutmut.mutation.trampoline import set_mutant_under_test
from mutmut.utils.format_utils import (
    get_mutant_name,
    mangled_name_from_mutant_name,
    orig_function_and_class_names_from_key,
)

from tests.prove import Figure

MINUTES: Final = 30.0
"""When they are over, no further mutant is tried."""

MODULES: Final = {
    "occasions": "test_occasions.py",
    "apologies": "test_apologies.py",
    "routing": "test_routing.py",
    "restores": "test_restores.py",
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
_TESTS: Final = Path("tests/unit/domain")
_SOURCES: Final = Path("src")
_PYTEST: Final = ("-q", "--tb=native", "--hypothesis-seed=0", "-p", "no:cacheprovider", "-p", "no:terminalreporter")

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


class _Trials:
    """Of what ``pytest`` collected, a run for each mutant, in a fork of its own, up to the first test that fails.

    Tests that noticed other mutants of the same function come first, then those that noticed any, then the quickest.
    """

    def __init__(self, mutants: list[str], until: float) -> None:
        self.mutants = mutants
        self.until = until
        self.noticed: dict[str, bool] = {}
        """Of each mutant that was tried, whether a test failed."""

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Instead of one run."""
        # Unbroken, and not in a fork: what tests import late is imported once.
        seconds = {test: _seconds(test) for test in session.items}
        if session.testsfailed:
            raise RuntimeError("unbroken, tests fail")
        _forget_what_is_remembered()
        gc.freeze()  # or each fork would copy what it looks through
        tests = sorted(session.items, key=seconds.__getitem__)
        of_function: dict[str, list[pytest.Item]] = defaultdict(list)
        for mutant in self.mutants:
            if time.monotonic() > self.until:
                break
            best = of_function[mangled_name_from_mutant_name(mutant)]
            noticed_by = _first_to_fail(mutant, list(dict.fromkeys([*best, *tests])), seconds)
            self.noticed[mutant] = noticed_by is not None
            if noticed_by:
                best.insert(0, noticed_by)
                tests.remove(noticed_by)
                tests.insert(0, noticed_by)
        return True


def _seconds(test: pytest.Item) -> float:
    """Run one test; what it took of the CPU."""
    began = time.process_time()
    test.config.hook.pytest_runtest_protocol(item=test, nextitem=None)
    return time.process_time() - began


def _first_to_fail(mutant: str, tests: list[pytest.Item], seconds: dict[pytest.Item, float]) -> pytest.Item | None:
    """Run tests in a fork, and return the one that fails with a mutant, or comes to no end."""
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        set_mutant_under_test(mutant)
        for test in tests:
            # What takes that long has no end; the signal kills.
            signal.setitimer(signal.ITIMER_PROF, 1 + 10 * seconds[test])
            _seconds(test)
            if test.session.testsfailed:
                os._exit(1)
            os.write(writing, b".")
        os._exit(0)
    os.close(writing)
    with open(reading, "rb") as told:
        passed = len(told.read())
    _, status = os.waitpid(child, 0)
    return tests[passed] if status else None


def _forget_what_is_remembered() -> None:
    """Or what is remembered of the rule unbroken would hide that it is broken."""
    for name, module in sys.modules.items():
        if name.startswith("motcua.domain."):
            for each in vars(module).values():
                if hasattr(each, "cache_clear"):
                    each.cache_clear()
                elif isinstance(each, dict) and hasattr(each, "__missing__"):
                    each.clear()


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
    """Break one module in every way, in the seed's order, until that moment of the monotonic clock.

    In a new process, which knows only the copy.
    """
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as new_process:
        return new_process.submit(_try_module, module, seed, until).result()


def _try_module(module: str, seed: int, until: float) -> Tried:
    tests = sorted(path.relative_to(_ROOT) for path in (_ROOT / _TESTS).glob(MODULES[module]))
    with tempfile.TemporaryDirectory(prefix="motcua-mutants-") as folder, contextlib.chdir(folder):
        _lay_out(tests)
        source = _SOURCES / f"motcua/domain/{module}.py"
        mutated = mutate_file_contents(str(source), source.read_text(encoding="utf-8"))
        source.write_text(mutated.code, encoding="utf-8")
        functions = {get_mutant_name(source, function): function for function in mutated.mutant_names}
        mutants = list(functions)
        random.Random(f"{seed} {module}").shuffle(mutants)
        trials = _Trials(mutants, until)
        sys.path.insert(0, str(_SOURCES.absolute()))
        if code := pytest.main([*_PYTEST, f"--rootdir={folder}", *map(str, tests)], plugins=[trials]):
            raise RuntimeError(f"pytest ended with {code}")
    survivors = {mutant: _change(mutated, functions[mutant]) for mutant, was in trials.noticed.items() if not was}
    return Tried(module, len(mutants), len(trials.noticed) - len(survivors), survivors)


def _lay_out(tests: list[Path]) -> None:
    """The copy, in the current folder: the package, where the tool knows it, and tests of a module."""
    shutil.copytree(_ROOT / "plugins" / "motcua", _SOURCES / "motcua", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(_ROOT / "include" / "calendars", "include/calendars")
    for path in (_SOURCES / "motcua/domain").rglob("*.py"):
        path.write_text(cst.parse_module(path.read_text(encoding="utf-8")).visit(_Undecorated()).code, encoding="utf-8")
    tests[0].parent.mkdir(parents=True)
    for path in tests:
        shutil.copy(_ROOT / path, path)


def _change(mutated: MutatedFile, function: str) -> _Change:
    """What a mutant changed."""
    lines = mutated.code.splitlines()
    whole = f"{mangled_name_from_mutant_name(function)}__mutmut_orig"
    plain_name, _ = orig_function_and_class_names_from_key(function)

    def written(name: str) -> list[str]:
        span = mutated.line_span_by_function_name[name]
        return [line.replace(name, plain_name).strip() for line in lines[span.start - 1 : span.end]]

    changed = [line for line in difflib.ndiff(written(whole), written(function)) if line[0] in "-+"]
    was, became = (" ".join(line[2:] for line in changed if line[0] == sign) for sign in "-+")
    return was, became
