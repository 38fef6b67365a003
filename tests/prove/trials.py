"""Find out which tests notice a fault that is put into the code on purpose.

All faults of the pure rules are tried, but only a sample of the faults of SQL statements, DAGs and routes. Versions of
the code (*trees*) that have the same faults get the same sample. A first run records which functions and SQL statements
each test runs. Each fault is then tried in a fork of one pytest process, which has already collected the tests. The
fork runs only the tests that run the broken place.

The outcomes of two trees are compared fault by fault, from the files that their runs wrote: ``python -m
tests.prove.trials one/statements.json other/statements.json``.
"""

from __future__ import annotations

import ast
import builtins
import contextlib
import gc
import hashlib
import importlib.machinery
import json
import linecache
import multiprocessing
import os
import select
import signal
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from importlib import import_module
from itertools import islice
from pathlib import Path
from types import CodeType, FunctionType
from typing import Any, Final, TypeAlias

import psycopg
import pytest
from psycopg import sql

from motcua.store.ledger import queries
from tests.prove import Figure
from tests.prove.page import tree

ROOT: Final = Path(__file__).parents[2]
KEPT: Final = ROOT / ".data" / "mutants"
PYTEST: Final = ("-q", "--tb=native", "--hypothesis-seed=0", "-p", "no:cacheprovider", "-p", "no:terminalreporter")
_TESTS: Final = ("-m", "not second_tier and not alone")
_WATCHED: Final = ("plugins/motcua/web/", "plugins/motcua/orchestration.py", "plugins/motcua/jobs/tasks/")
"""Files and folders; the trials record which functions of these files each test calls."""
_unfreeze: Final = gc.unfreeze
"""The real ``gc.unfreeze``, stored here before the tests replace it."""


@dataclass(frozen=True)
class Fault:
    """A place in the code or SQL that is broken in one way."""

    place: str
    """Name of the broken SQL statement or function, or file of the broken DAG."""
    kind: str
    was: str
    became: str
    nth: int
    """Number of this fault among the faults of the same place that look the same."""
    apply: Callable[[], None]
    """Function that puts the fault into the code of a fork, which ends with the trial."""

    @property
    def name(self) -> str:
        """Return the name that identifies the fault on every tree."""
        return f"{self.place} | {self.kind} {self.nth} | {self.was} → {self.became}"


def drawn(
    faults: Iterable[Fault], seed: int, number: int, is_one: Callable[[Fault], bool] = lambda _: True
) -> list[Fault]:
    """Return a sample of faults.

    The sample depends on the seed and the faults' names alone. A new fault can therefore displace only one other fault
    from the sample.
    """
    in_order = sorted(faults, key=lambda each: hashlib.sha256(f"{seed} {each.name}".encode()).digest())
    return list(islice(filter(is_one, in_order), number))


# --- Faults of this process ------------------------------------------------------------------------------------------

used: set[str] = set()
"""Names of the SQL statements, DAG files and functions that ran since the set was last cleared."""
broken_statements: dict[str, str] = {}
"""Name of an SQL statement → the broken text that is sent in its place."""
broken_files: dict[str, str] = {}
"""File of a DAG → the broken source that is loaded in its place."""


def watch_statements(remark: str = "") -> None:
    """From now on, record in ``used`` which SQL statements the code loads and sends.

    Call this before the modules that load SQL statements are imported. ``remark`` is an SQL comment that is appended to
    each statement and changes nothing.
    """
    from psycopg import _queries

    whole, convert, load = (
        queries.statement,
        _queries.PostgresQuery.convert,
        importlib.machinery.SourceFileLoader.get_code,
    )

    def statement(name: str) -> str:
        used.add(name)
        return broken_statements.get(name) or whole(name) + remark

    def sent(self: Any, query: Any, values: Any) -> Any:
        text = query if isinstance(query, str) else query.decode(errors="replace") if isinstance(query, bytes) else ""
        used.update(line[3:] for line in text.splitlines() if line.startswith("-- ") and "/" in line)
        return convert(self, query, values)

    def get_code(self: Any, name: str) -> Any:
        file = os.path.relpath(self.path, ROOT) if self.path.startswith(f"{ROOT}/dags/") else ""
        used.update([file] if file else [])
        if file not in broken_files:
            return load(self, name)
        # Airflow reads a task's source through linecache, so linecache must have the broken source too.
        linecache.cache[self.path] = (1, None, broken_files[file].splitlines(keepends=True), self.path)
        return compile(broken_files[file], self.path, "exec")

    queries.statement = statement  # type: ignore[assignment]
    _queries.PostgresQuery.convert = sent  # type: ignore[method-assign]
    importlib.machinery.SourceFileLoader.get_code = get_code  # type: ignore[method-assign]


def _watched() -> list[str]:
    paths = sorted(os.path.relpath(path, ROOT) for path in ROOT.glob("plugins/motcua/**/*.py"))
    return [path for path in paths if path.startswith(_WATCHED)]


_functions: dict[tuple[str, str, int], list[FunctionType]] = defaultdict(list)
"""(file, name, line) → objects of this function; a nested function has an object for each time that it was created."""


def _find_functions() -> None:
    for path in _watched():
        if not path.endswith("__init__.py"):
            import_module(path.removeprefix("plugins/").removesuffix(".py").replace("/", "."))
    files = {str(ROOT / path): path for path in _watched()}
    _unfreeze()
    for each in gc.get_objects():
        # Do not use isinstance: it reads ``__class__``, which makes each lazy proxy load its object.
        if type(each) is FunctionType and (code := each.__code__).co_filename in files:
            _functions[files[code.co_filename], code.co_qualname, code.co_firstlineno].append(each)


def _code_objects(code: CodeType) -> Iterator[CodeType]:
    """Yield the code objects of all functions within a code object, nested functions included."""
    for each in code.co_consts:
        if isinstance(each, CodeType):
            yield each
            yield from _code_objects(each)


def put_codes(path: str, source: str | ast.Module) -> None:
    """Replace the code of every live function of a file with the code of another source of that file.

    Raises:
        ValueError: The new code no longer refers to a variable of the enclosing function.
    """
    file = str(ROOT / path)
    whole = compile((ROOT / path).read_text(encoding="utf-8"), file, "exec", dont_inherit=True)
    others = compile(source, file, "exec", dont_inherit=True)
    for was, becomes in zip(_code_objects(whole), _code_objects(others), strict=True):
        for function in _functions.get((path, was.co_qualname, was.co_firstlineno), ()):
            function.__code__ = becomes


def _watch_functions() -> None:
    """From now on, record in ``used`` which functions of pages, endpoints and DAGs are called."""
    builtins._entered = used.add  # type: ignore[attr-defined]
    for path in _watched():
        tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                recording = ast.parse(f"_entered({f'{path}:{node.name}'!r})").body[0]
                node.body.insert(0, recording)
        put_codes(path, ast.fix_missing_locations(tree))


# --- Places that tests run -------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Ran:
    """The places that one test runs, the test's duration, and whether the test passes without a fault."""

    seconds: float
    used: frozenset[str]
    passes: bool


class _ErrorPrinter:
    """Pytest plugin that prints errors of the trials themselves."""

    def pytest_internalerror(self, excrepr: Any) -> None:
        print(excrepr, file=sys.__stderr__)


class _Learner(_ErrorPrinter):
    """Pytest plugin that writes to a file, after each test, which places the test ran."""

    def __init__(self, path: Path, digests: Mapping[str, str]) -> None:
        self.path, self.digests = path, digests
        self.shared: dict[Any, set[str]] = defaultdict(set)

    def pytest_collection_finish(self) -> None:
        _find_functions()
        _watch_functions()

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(self, fixturedef: Any) -> Iterator[Any]:
        before = set(used)
        try:
            return (yield)
        finally:
            if fixturedef.scope != "function":
                self.shared[fixturedef] |= used - before

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: Any, nextitem: Any) -> Iterator[Any]:
        used.clear()
        failed, began = item.session.testsfailed, time.process_time() + sum(os.times()[2:4])
        done = yield
        seconds = time.process_time() + sum(os.times()[2:4]) - began
        of_fixtures = [self.shared[each[-1]] for each in item._fixtureinfo.name2fixturedefs.values() if each]
        file = item.nodeid.partition("::")[0]
        record = [item.nodeid, self.digests.get(file, ""), round(seconds, 3), item.session.testsfailed == failed]
        with self.path.open("a", encoding="utf-8") as kept:
            kept.write(json.dumps([*record, sorted(used.union(*of_fixtures))]) + "\n")
            if nextitem is None or nextitem.nodeid.partition("::")[0] != file:
                kept.write(json.dumps([file, self.digests.get(file, ""), 0, False, []]) + "\n")
        return done


def _digests() -> dict[str, str]:
    """Return a hash of each test file, by the file's path."""
    return {
        os.path.relpath(path, ROOT): hashlib.sha256(path.read_bytes()).hexdigest()[:12]
        for path in sorted((ROOT / "tests").rglob("test_*.py"))
    }


def learn(into: Path) -> dict[str, Ran]:
    """Return the places that each test runs.

    Only the test files that changed since the last recording are run again.
    """
    path = into / "learnt.jsonl"
    digests = _digests()
    known = _read_learned(path, digests)
    if missing := [file for file in digests if file not in known]:
        with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as new_processes:
            halves = [new_processes.submit(_learn, path, digests, missing[half::2]) for half in range(2)]
            for half in halves:
                half.result()
    return _read_learned(path, digests)


def _read_learned(path: Path, digests: Mapping[str, str]) -> dict[str, Ran]:
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    records = [json.loads(line) for line in lines]
    return {
        name: Ran(seconds, frozenset(ran), passes)
        for name, digest, seconds, passes, ran in records
        if digests.get(name.partition("::")[0]) == digest
    }


def _learn(path: Path, digests: Mapping[str, str], files: Sequence[str]) -> None:
    os.chdir(ROOT)
    watch_statements(" /* as it is */")
    code = pytest.main([*PYTEST, *_TESTS, *files], plugins=[_Learner(path, digests)])
    # A file without any test that ``_TESTS`` selects is never recorded. If only such files are given, pytest collects
    # no tests.
    if code not in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED, pytest.ExitCode.NO_TESTS_COLLECTED):
        raise RuntimeError(f"pytest ended with {code} before all tests were run")


# --- Trials ----------------------------------------------------------------------------------------------------------


@dataclass
class Tried:
    """The outcome of one fault."""

    fault: str
    kind: str
    became: str
    """``noticed``, ``unnoticed`` or ``untried``; or ``refused`` if the broken code could not be loaded at all."""
    tests: int = 0
    """Number of tests that were run with the fault; ``of`` tests run the broken place."""
    of: int = 0
    by: str = ""
    """Name of the test that noticed the fault."""
    why: str = ""
    seconds: float = 0.0


def found_in(path: Path) -> list[Tried]:
    """Return the outcomes that an earlier run wrote to this file."""
    return [Tried(**each) for each in json.loads(path.read_text(encoding="utf-8"))["found"]]


def _tests_in_order(place: str, tests: Mapping[str, Ran]) -> list[str]:
    """Return the tests that run a place, in the order in which they are tried.

    Tests of a file come early if the tests of this file run few other places. Of each file, the quickest tests come
    first. A test that fails without a fault is left out.
    """
    of_file: dict[str, list[str]] = defaultdict(list)
    runs: Counter[str] = Counter()
    for name in sorted(tests, key=lambda name: (tests[name].seconds, name)):
        file, ran = name.partition("::")[0], tests[name].used
        runs[file] += len(ran)
        is_one = place in ran or (place.endswith("/") and any(each.startswith(place) for each in ran))
        if is_one and tests[name].passes:
            of_file[file].append(name)
    turns = [
        ((turn + 1) * runs[file] / len(names), name)
        for file, names in of_file.items()
        for turn, name in enumerate(names)
    ]
    return [name for _, name in sorted(turns)]


class Trials(_ErrorPrinter):
    """Pytest plugin that replaces the usual run of tests.

    Each fault gets a fork, which runs tests until one fails.
    """

    most_tests: float = 60
    most_seconds = 45.0
    """Seconds of tests per fault after which no further test is tried."""
    has_no_end = 30.0
    """Seconds after which a quick test counts as endless, on a machine without other work."""

    def __init__(self, faults: Callable[[str], list[Fault]], tests: dict[str, Ran], minutes: float, path: Path) -> None:
        self.faults, self.tests, self.minutes, self.path = faults, tests, minutes, path
        self.found: list[Tried] = []
        self.best: dict[str, list[str]] = defaultdict(list)
        self.kept: set[str] = set()
        """Databases that the trials of all faults share, and that must not be dropped after a trial."""
        self.tree = tree()
        known = path.exists() and json.loads(path.read_text(encoding="utf-8"))["tree"] == self.tree != "unknown"
        self.before = {each.fault: each for each in found_in(path)} if known else {}
        """Name of a fault → its outcome in an earlier run on the same tree; only ``untried`` ones are tried again."""

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: Any) -> bool:
        if session.testsfailed:
            raise RuntimeError("a file of tests cannot be read")
        items = {item.nodeid: item for item in session.items}
        server = self.set_up(session, items)
        gc.collect()
        gc.freeze()  # otherwise the collector writes to all objects, and each fork copies their memory
        if server:
            with psycopg.connect(server) as admin:
                self.kept = {
                    name for (name,) in admin.execute(_DATABASES) if not name.startswith(("ledger_", "onestop_"))
                }
        kept_at = time.monotonic()
        until = kept_at + 60 * self.minutes
        for fault in self.faults(server):
            tests = [name for name in self.in_turn(fault.place) if name in items]
            tried = self.before.get(fault.name) or Tried(fault.name, fault.kind, "untried", of=len(tests))
            if tried.became == "untried" and time.monotonic() < until:
                self._try(fault, tests, items, server, tried)
            self.found.append(tried)
            if time.monotonic() > kept_at + 5:
                self._store()
                kept_at = time.monotonic()
        self._store()
        return True

    def _store(self) -> None:
        content = {"tree": self.tree, "found": [vars(each) for each in self.found]}
        self.path.write_text(json.dumps(content, ensure_ascii=False, indent=0), encoding="utf-8")

    def set_up(self, session: Any, items: Mapping[str, Any]) -> str:
        """Set up the fixtures that all forks share; return the server's DSN, or ``""`` if no test needs a server."""
        _find_functions()
        return _set_up(session, items, self.tests)

    def in_turn(self, place: str) -> list[str]:
        """Return the tests that run a place, in the order in which they are tried."""
        return _tests_in_order(place, self.tests)

    def _try(self, fault: Fault, tests: list[str], items: Mapping[str, Any], server: str, tried: Tried) -> None:
        best = [*self.best[fault.place], *self.best[fault.place.rpartition("/")[0]]]
        order, budget = [], self.most_seconds
        for name in dict.fromkeys([*(name for name in best if name in tests), *tests]):
            budget -= self.tests[name].seconds
            if budget < 0 or len(order) == self.most_tests:
                break
            order.append(name)
        began = time.monotonic()
        patience = [self.has_no_end + 10 * self.tests[name].seconds for name in order]
        passed, why = _first_to_fail(fault, [items[name] for name in order], [*patience, self.has_no_end])
        tried.tests, tried.seconds, tried.why = passed, round(time.monotonic() - began, 1), why
        if why == "inapplicable":
            tried.became = "refused"
        elif not why:
            tried.became = "unnoticed"
        else:
            tried.became, tried.by, tried.tests = "noticed", order[passed], passed + 1
            for whose in (fault.place, fault.place.rpartition("/")[0]):
                self.best[whose] = [tried.by, *(each for each in self.best[whose] if each != tried.by)]
        _clear_up(server, self.kept)


def _set_up(session: Any, items: Mapping[str, Any], tests: Mapping[str, Ran]) -> str:
    """Start a server with a ledger template, and load the pages; close all connections; return the server's DSN."""
    server = ""
    for needed in ({"given_ledgers", "agencies"}, {"given_ledgers", "app"}):
        names = sorted(
            (
                name
                for name in items
                if name in tests and tests[name].passes and needed <= set(items[name].fixturenames)
            ),
            key=lambda name: (len(items[name].fixturenames), tests[name].seconds),
        )
        # A test may fail here only because no other test ran in this process before, so up to five tests are tried.
        for item in (items[name] for name in names[:5]):
            session.testsfailed = 0
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=session)
            server = _close_connections(item._fixtureinfo.name2fixturedefs)
            if not session.testsfailed:
                break
        else:
            if names:
                raise RuntimeError(f"without a fault, {', '.join(names[:5])} fail")
    return server


def _close_connections(fixtures: Mapping[str, Any]) -> str:
    """Close the connections that a test left open for the next test, and return the server's DSN."""
    given, one_stops, server = (
        fixtures[name][-1].cached_result[0] if name in fixtures else {}
        for name in ("given_ledgers", "emptied_one_stops", "postgres")
    )
    for ledger in given.values():
        ledger.let_go()
    given.clear()
    one_stops.clear()
    server.__dict__.pop("admin").close()
    return str(server.admin_dsn)


_DATABASES: Final = "SELECT datname FROM pg_database WHERE NOT datistemplate"


def _clear_up(dsn: str, kept: Collection[str]) -> None:
    """Drop the databases that a fork left, except the ``kept`` ones."""
    if not dsn:
        return
    with psycopg.connect(dsn, autocommit=True) as admin:
        for (name,) in admin.execute(_DATABASES).fetchall():
            if name not in kept:
                with contextlib.suppress(psycopg.Error):
                    admin.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def _first_to_fail(fault: Fault, tests: Sequence[Any], patience: Sequence[float]) -> tuple[int, str]:
    """Run tests in a fork; return how many passed, and the message of the first failure (empty if all passed)."""
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        os.setpgid(0, 0)
        os.close(reading)
        _break_and_run(fault, tests, writing)
    os.close(writing)
    said, passed, why = b"", 0, ""
    try:
        while True:
            busy = max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))
            if not select.select([reading], [], [], patience[passed] * busy)[0]:
                why = "no end"
                break
            if not (piece := os.read(reading, 65536)):
                break
            said += piece
            passed = len(said) - len(said.lstrip(b"."))
    finally:
        os.close(reading)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
    message = said.lstrip(b".").decode(errors="replace")
    if not why and message != "end":
        why = message or f"ended with {status}"
    return passed, why


def _break_and_run(fault: Fault, tests: Sequence[Any], writing: int) -> None:
    """Apply the fault in the fork and run the tests; write a dot per passed test. This function never returns."""
    try:
        for name, module in list(sys.modules.items()):
            if name.startswith(("motcua.store", "motcua.sources", "motcua.jobs.reconciliation")):
                for each in vars(module).values():
                    if hasattr(each, "cache_clear"):
                        each.cache_clear()
        try:
            fault.apply()
        except (ValueError, SyntaxError):
            os.write(writing, b"inapplicable")
            os._exit(1)
        said: list[str] = []

        class Listening:
            def pytest_runtest_logreport(self, report: Any) -> None:
                if report.failed:
                    crash = getattr(report.longrepr, "reprcrash", None)
                    said.append(crash.message if crash else str(report.longrepr)[-300:])

        if tests:
            tests[0].config.pluginmanager.register(Listening())
        for test, following in zip(tests, [*tests[1:], *(each.session for each in tests[:1])], strict=True):
            test.config.hook.pytest_runtest_protocol(item=test, nextitem=following)
            if said:
                os.write(writing, (said[0] or "failed").lstrip(".").encode()[:400])
                os._exit(1)
            os.write(writing, b".")
        os.write(writing, b"end")
    except BaseException as failure:  # noqa: BLE001 - any error in the fork means that the fault was noticed
        os.write(writing, f"{type(failure).__name__}: {failure}".encode()[:400])
    os._exit(0)


Sample: TypeAlias = Callable[[int, int, str], list[Fault]]
"""Function that returns the faults to try, given a seed, their number and the DSN of a server with a ledger."""


def try_faults(
    part: str, places: tuple[str, ...], sample: Sample, seed: int, number: int, minutes: float, into: str
) -> list[Tried]:
    """Record which places the tests run, draw faults at places that begin with ``places``, and try them.

    The records and the outcomes are stored in the folder ``into``.
    """
    folder = Path(into).absolute() if into else KEPT
    folder.mkdir(parents=True, exist_ok=True)
    tests = {name: test for name, test in learn(folder).items() if any(each.startswith(places) for each in test.used)}
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as new_process:
        path = folder / f"{part}.json"
        return new_process.submit(_try, sample, seed, number, tests, minutes, path).result()


def _try(sample: Sample, seed: int, number: int, tests: dict[str, Ran], minutes: float, path: Path) -> list[Tried]:
    os.chdir(ROOT)
    watch_statements()
    trials = Trials(lambda server: sample(seed, number, server), tests, minutes, path)
    files = sorted({name.partition("::")[0] for name, test in tests.items() if test.passes})
    if code := pytest.main([*PYTEST, *_TESTS, *files], plugins=[trials]):
        raise RuntimeError(f"pytest ended with {code}")
    return trials.found


def figures_of(found: Sequence[Tried]) -> list[Figure]:
    """Return a row for each kind of fault."""
    rows = []
    for kind in sorted({each.kind for each in found}):
        counts = Counter(each.became for each in found if each.kind == kind)
        made = sum(counts.values()) - counts["refused"]
        value = ", ".join(
            [f"{made} faults", *(f"{counts[each]} {each}" for each in ("noticed", "unnoticed", "untried"))]
        )
        rows.append(Figure(kind, value, "noticed by tests", True))
    return rows


def compare(one: Path, other: Path) -> int:
    """Print the faults that the tests of only one of two trees notice.

    Return the number of faults that only the first tree's tests notice.
    """
    first, second = ({each.fault: each for each in found_in(path)} for path in (one, other))
    both = [name for name in first if name in second]
    for of, those, others in ((one, first, second), (other, second, first)):
        alone = [name for name in both if (those[name].became, others[name].became) == ("noticed", "unnoticed")]
        print(
            f"noticed in {of} alone: {len(alone)}", *(f"  {name}\n    by {those[name].by}" for name in alone), sep="\n"
        )
    for of, those in ((one, first), (other, second)):
        print(of, dict(Counter(those[name].became for name in both)))
    return sum((first[name].became, second[name].became) == ("noticed", "unnoticed") for name in both)


if __name__ == "__main__":
    sys.exit(bool(compare(Path(sys.argv[1]), Path(sys.argv[2]))))
