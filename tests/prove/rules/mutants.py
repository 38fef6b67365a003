"""Check that the tests of the pure rules notice each mutant of a rule that mutmut makes.

A *mutant* is the code with one place changed: ``<`` becomes ``<=``, a ``not`` is left out, an argument becomes
``None``. A mutant that behaves exactly like the original is *equivalent*, and no test can notice it.
``equivalent_mutants.yaml`` lists the equivalent mutants with the reason. Any other mutant that no test of its module
notices makes the proof fail.

The mutants run in a copy of the code in the folder for temporary files. The time is limited: modules are tried in the
order of ``MODULES``, and the mutants of a module in an order that the seed decides (``tests/prove/trials.py``). Mutants
for which the time did not suffice are counted, and the next run tries them.
"""

from __future__ import annotations

import contextlib
import difflib
import multiprocessing
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any, Final

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
from tests.prove.trials import KEPT, PYTEST, ROOT, Fault, Ran, Trials, Tried, drawn

MINUTES: Final = 30.0
"""Minutes after which no further mutant is tried."""

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
"""Module below motcua/domain → the test files below tests/unit/domain that must notice its mutants."""

_TESTS: Final = Path("tests/unit/domain")
_SOURCES: Final = Path("src")


class _Undecorating(cst.CSTTransformer):
    """Rewrites a decorated function as a plain function, followed by an assignment that decorates it.

    This is needed because mutmut does not mutate decorated functions.
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


class _Trials(Trials):
    """Tries each mutant with all tests of its module."""

    most_tests = most_seconds = float("inf")
    has_no_end = 5.0

    def set_up(self, session: pytest.Session, items: Mapping[str, Any]) -> str:
        """Run all tests once without a mutant, so that modules which functions import are loaded before the forks."""
        for name, test in items.items():
            began = time.process_time()
            test.config.hook.pytest_runtest_protocol(item=test, nextitem=None)
            self.tests[name] = Ran(time.process_time() - began, frozenset(), True)
        if session.testsfailed:
            raise RuntimeError("tests fail without a mutant")
        return ""

    def in_turn(self, place: str) -> list[str]:
        """Return all tests, the quickest first."""
        return sorted(self.tests, key=lambda name: self.tests[name].seconds)


def figures(seed: int, into: str = "", minutes: float = MINUTES) -> list[Figure]:
    """Return a row for each module: the number of mutants, and how many of them no test noticed."""
    until = time.monotonic() + 60 * minutes
    folder = Path(into).absolute() if into else KEPT
    folder.mkdir(parents=True, exist_ok=True)
    equivalent = _read_equivalent()
    found: list[Figure] = []
    for module in MODULES:
        with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as new_process:
            path, left = folder / f"{module.replace('/', '.')}.json", (until - time.monotonic()) / 60
            tried = new_process.submit(_try_module, module, seed, left, path).result()
        listed = equivalent.get(module, set())
        survived = [each for each in tried if each.became == "unnoticed"]
        unnoticed = [each for each in survived if _change_of(each) not in listed]
        counts = Counter(each.became for each in tried)
        value = (
            f"{len(tried)} mutants, {counts['noticed']} noticed, {len(survived) - len(unnoticed)} equivalent, "
            f"{len(unnoticed)} unnoticed, {counts['untried']} untried"
        )
        found.append(Figure(module, value, "0 unnoticed", not unnoticed))
        stale = set() if counts["untried"] else listed - {_change_of(each) for each in survived}
        if stale:
            found.append(Figure(f"{module}: listed as equivalent, but noticed or gone", str(len(stale)), "0", False))
        for line in [
            *(each.fault for each in unnoticed),
            *(f"{module}, listed as equivalent without need: {each}" for each in stale),
        ]:
            print(line)
    return found


def _read_equivalent() -> dict[str, set[str]]:
    """Return the changes of equivalent mutants, by module."""
    listed = yaml.safe_load((Path(__file__).parent / "equivalent_mutants.yaml").read_text(encoding="utf-8"))
    return {
        module: {f"{each['was']} → {became}" for each in entries if each["reason"] for became in each["became"]}
        for module, entries in listed.items()
    }


def _change_of(tried: Tried) -> str:
    return tried.fault.split(" | ", 2)[2]


def _try_module(module: str, seed: int, minutes: float, path: Path) -> list[Tried]:
    """Try all mutants of one module, in a new process.

    The process must be new, because it must import the copy of the package instead of the package itself.
    """
    tests = sorted(path.relative_to(ROOT) for path in (ROOT / _TESTS).glob(MODULES[module]))
    with tempfile.TemporaryDirectory(prefix="motcua-mutants-") as folder, contextlib.chdir(folder):
        _write_copy(tests)
        source = _SOURCES / f"motcua/domain/{module}.py"
        mutated = mutate_file_contents(str(source), source.read_text(encoding="utf-8"))
        source.write_text(mutated.code, encoding="utf-8")
        faults = drawn(_faults(module, mutated), seed, sys.maxsize)
        for name in [name for name in sys.modules if name.partition(".")[0] == "motcua"]:
            del sys.modules[name]
        sys.path.insert(0, str(_SOURCES.absolute()))
        trials = _Trials(lambda _: faults, {}, minutes, path)
        if code := pytest.main([*PYTEST, f"--rootdir={folder}", *map(str, tests)], plugins=[trials]):
            raise RuntimeError(f"pytest ended with {code}")
    return trials.found


def _faults(module: str, mutated: MutatedFile) -> Iterator[Fault]:
    alike: Counter[tuple[str, ...]] = Counter()
    lines = mutated.code.splitlines()
    for mutant in mutated.mutant_names:
        function, (was, became) = mangled_name_from_mutant_name(mutant), _change(mutated, lines, mutant)
        alike[function, was, became] += 1
        apply = partial(_switch_on, get_mutant_name(Path(f"motcua/domain/{module}.py"), mutant))
        yield Fault(f"{module}/{function}", "rule", was, became, alike[function, was, became], apply)


def _switch_on(mutant: str) -> None:
    """Switch a mutant on, and clear all caches, because a cached result of the original rule would hide it."""
    set_mutant_under_test(mutant)
    for name, module in sys.modules.items():
        if name.startswith("motcua.domain."):
            for each in vars(module).values():
                if hasattr(each, "cache_clear"):
                    each.cache_clear()
                elif isinstance(each, dict) and hasattr(each, "__missing__"):
                    each.clear()


def _write_copy(tests: list[Path]) -> None:
    """Write the copy of the package into the current folder.

    The package goes to the path that mutmut expects, and the tests of the module are put beside it.
    """
    shutil.copytree(ROOT / "plugins" / "motcua", _SOURCES / "motcua", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(ROOT / "include" / "calendars", "include/calendars")
    for path in (_SOURCES / "motcua/domain").rglob("*.py"):
        path.write_text(
            cst.parse_module(path.read_text(encoding="utf-8")).visit(_Undecorating()).code, encoding="utf-8"
        )
    tests[0].parent.mkdir(parents=True)
    for path in tests:
        shutil.copy(ROOT / path, path)


def _change(mutated: MutatedFile, lines: list[str], function: str) -> tuple[str, str]:
    """Return the lines that a mutant changed, before and after the change."""
    whole = f"{mangled_name_from_mutant_name(function)}__mutmut_orig"
    plain_name, _ = orig_function_and_class_names_from_key(function)

    def written(name: str) -> list[str]:
        span = mutated.line_span_by_function_name[name]
        return [line.replace(name, plain_name).strip() for line in lines[span.start - 1 : span.end]]

    _, _, *changed = difflib.unified_diff(written(whole), written(function), n=0, lineterm="")
    was, became = (" ".join(line[1:] for line in changed if line[0] == sign) for sign in "-+")
    return was, became
