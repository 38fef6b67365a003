"""Check that tests notice a wrong DAG: a task, a dependency or an argument is missing, or a schedule is wrong.

The faults are put into ``dags``, into the code that DAGs share (``motcua/orchestration.py``), and into the functions
that their tasks call (``motcua/jobs/tasks``). ``tests/prove/trials.py`` runs, for each fault, the tests that load the
broken file or call the broken function. ``--seeds`` is the number of faults.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from functools import partial
from importlib import import_module
from types import FunctionType
from typing import Final

import libcst as cst
import libcst.matchers as m
from libcst.metadata import MetadataWrapper

from tests.prove import Figure
from tests.prove.trials import ROOT, Fault, broken_files, drawn, figures_of, put_codes, try_faults

MINUTES: Final = 15.0
SAMPLE: Final = 200

_SHARED: Final = "plugins/motcua/orchestration.py"
_TURNED: Final = {
    cst.Is: cst.IsNot,
    cst.IsNot: cst.Is,
    cst.Equal: cst.NotEqual,
    cst.NotEqual: cst.Equal,
    cst.In: cst.NotIn,
    cst.NotIn: cst.In,
    cst.LessThan: cst.LessThanEqual,
    cst.GreaterThan: cst.GreaterThanEqual,
}
_WORDS: Final = {'"Asia/Ho_Chi_Minh"': '"UTC"', '"all_done"': '"all_success"', "False": "True", "True": "False"}


class _FaultFinder(m.MatcherDecoratableVisitor):
    """Collects each place of a file that can be broken, with its replacement."""

    def __init__(self) -> None:
        super().__init__()
        self.names: list[str] = []
        self.found: list[tuple[str, str, str, cst.CSTNode, cst.CSTNode]] = []
        """(outermost function around the place, innermost function, kind of fault, node, replacement).

        The names of the functions are empty if the place is in no function.
        """

    def _add(self, kind: str, node: cst.CSTNode, becomes: cst.CSTNode) -> None:
        outer, *_, inner = self.names * 2 or ("", "")
        self.found.append((outer, inner, kind, node, becomes))

    def visit_FunctionDef(self, node: cst.FunctionDef) -> None:
        self.names.append(node.name.value)

    def leave_FunctionDef(self, original_node: cst.FunctionDef) -> None:
        self.names.pop()

    def visit_Annotation(self, node: cst.Annotation) -> bool:
        return False

    def visit_BinaryOperation(self, node: cst.BinaryOperation) -> None:
        if isinstance(node.operator, cst.RightShift):
            unwired = cst.parse_expression("(0, 0)[1]")
            parts = [cst.Element(node.left), cst.Element(node.right)]
            self._add("dependency left out", node, unwired.with_changes(value=cst.Tuple(parts)))
            self._add("task left out", node, node.left)
            self._add("task left out", node, node.right)

    def visit_List(self, node: cst.List) -> None:
        if m.findall(node, m.Call()):
            for at in range(len(node.elements)):
                rest = [each for number, each in enumerate(node.elements) if number != at]
                self._add("task left out", node, node.with_changes(elements=rest))

    def visit_Call(self, node: cst.Call) -> None:
        for at, arg in enumerate(node.args):
            last = at == len(node.args) - 1 and m.matches(node.func, m.Name("job"))
            if arg.keyword or arg.star or last:
                rest = [each for number, each in enumerate(node.args) if number != at]
                self._add("argument left out", node, node.with_changes(args=rest))

    def visit_Dict(self, node: cst.Dict) -> None:
        for at in range(len(node.elements)):
            rest = [each for number, each in enumerate(node.elements) if number != at]
            self._add("default left out", node, node.with_changes(elements=rest))

    def visit_Integer(self, node: cst.Integer) -> None:
        self._add("value", node, cst.Integer(str(int(node.value) + 1)))

    def visit_Name(self, node: cst.Name) -> None:
        if node.value in _WORDS:
            self._add("value", node, cst.Name(_WORDS[node.value]))

    def visit_SimpleString(self, node: cst.SimpleString) -> None:
        if node.value in _WORDS:
            self._add("value", node, cst.SimpleString(_WORDS[node.value]))
        elif len(node.value.split()) == 5 and node.value.endswith('*"'):
            self._add("schedule", node, cst.SimpleString('"7 7 * * *"'))

    def visit_FormattedString(self, node: cst.FormattedString) -> None:
        if m.matches(node.parts[-1], m.FormattedStringText(m.MatchIfTrue(lambda text: text.endswith("* *")))):
            self._add("schedule", node, cst.SimpleString('"7 7 * * *"'))

    def visit_ComparisonTarget(self, node: cst.ComparisonTarget) -> None:
        if other := _TURNED.get(type(node.operator)):
            self._add("comparison turned", node, node.with_changes(operator=other()))

    def visit_BooleanOperation(self, node: cst.BooleanOperation) -> None:
        other = cst.Or() if isinstance(node.operator, cst.And) else cst.And()
        self._add("and for or", node, node.with_changes(operator=other))

    def visit_Expr(self, node: cst.Expr) -> None:
        logs = m.matches(node.value, m.Call(m.Attribute(m.Name("log"))))
        if self.names and isinstance(node.value, cst.Call) and not logs:
            self._add("call left out", node, cst.Expr(cst.Ellipsis()))

    def visit_If(self, node: cst.If) -> None:
        turned = f"not ({cst.Module([]).code_for_node(node.test)})"
        self._add("comparison turned", node.test, cst.parse_expression(turned))


def of_file(path: str) -> Iterator[Fault]:
    """Yield the faults of a file.

    In files of ``motcua/jobs/tasks``, faults are only put into functions.
    """
    wrapper = MetadataWrapper(cst.parse_module((ROOT / path).read_text(encoding="utf-8")))
    places = _FaultFinder()
    wrapper.module.visit(places)
    alike: Counter[tuple[str, ...]] = Counter()
    for function, inner, kind, node, becomes in places.found:
        if path.startswith("dags/"):
            place = path
        elif function:
            place = f"{path}:{function}"
        elif path == _SHARED:
            place = "dags/"
        else:
            continue
        was, shown = (" ".join(wrapper.module.code_for_node(each).split()) for each in (node, becomes))
        was = f"{inner}: {was}" if path.startswith("dags/") else was
        alike[place, kind, was, shown] += 1
        change = partial(_put_fault_in, path, wrapper.module, node, becomes)
        yield Fault(place, kind, was, shown, alike[place, kind, was, shown], change)


def _put_fault_in(path: str, module: cst.Module, node: cst.CSTNode, becomes: cst.CSTNode) -> None:
    """Put a changed file into this process. A DAG changes when it is next loaded, other code at once."""
    changed = module.deep_replace(node, becomes)
    assert isinstance(changed, cst.Module)
    if path.startswith("dags/"):
        broken_files[path] = changed.code
        return
    if path == _SHARED:
        _recompute_shared(changed.code)
    put_codes(path, changed.code)


def _recompute_shared(source: str) -> None:
    """Run the changed source of ``motcua/orchestration.py``, and replace the values that DAGs import from it.

    Classes and functions are not replaced, because other modules refer to the original objects; ``put_codes`` changes
    the code within the functions.
    """
    shared = vars(import_module("motcua.orchestration"))
    before = dict(shared)
    exec(compile(source, str(ROOT / _SHARED), "exec", dont_inherit=True), shared)
    kept = {name: each for name, each in before.items() if isinstance(each, type | FunctionType)}
    for name, value in list(shared.items()):
        if name in kept:
            shared[name] = kept[name]
        elif isinstance(value, dict) and name.isupper():
            functions = {key: kept[each.__name__] for key, each in value.items() if isinstance(each, FunctionType)}
            value.update(functions)


def every_fault() -> list[Fault]:
    """Return the faults of all DAGs, of the code that they share, and of the functions that tasks call."""
    paths = [*ROOT.glob("dags/*.py"), ROOT / _SHARED, *ROOT.glob("plugins/motcua/jobs/tasks/[a-z]*.py")]
    return [fault for path in sorted(paths) for fault in of_file(path.relative_to(ROOT).as_posix())]


def _sample(seed: int, number: int, _: str) -> list[Fault]:
    return drawn(every_fault(), seed, number)


def figures(seed: int, seeds: int = SAMPLE, into: str = "", minutes: float = MINUTES) -> list[Figure]:
    """Return a row for each kind of fault."""
    return figures_of(
        try_faults("dags", ("dags/", _SHARED, "plugins/motcua/jobs/tasks/"), _sample, seed, seeds, minutes, into)
    )
