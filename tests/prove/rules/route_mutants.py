"""Check that tests notice when a page or an endpoint is missing, or admits a visitor whom it should refuse.

The faults are put into ``motcua/web``, one at a time. A route is left out or answers another HTTP method. A check of
rights is left out or replaced by another check. Every visitor counts as an operator, or no visitor as an auditor. A
page shows rows of other agencies. ``tests/prove/trials.py`` runs, for each fault, the tests that call the broken
function. ``--seeds`` is the number of faults in the sample.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, Final

import libcst as cst
import libcst.matchers as m
from libcst.metadata import MetadataWrapper

from tests.prove import Figure
from tests.prove.trials import ROOT, Fault, drawn, figures_of, put_codes, try_faults

MINUTES: Final = 15.0
SAMPLE: Final = 120

_CHECKS: Final = {
    "must_be_operator": "must_see_all",
    "must_see_all": "must_be_operator",
    "must_see": "",
    "must_be_own_form": "",
    "must_see_source": "",
    "_must_see": "",
    "check_reader": "",
}
"""Function that checks a right → function that checks another right and replaces it; empty if there is none."""
_RIGHTS: Final = {
    "is_operator": ("right", ("True", "False")),
    "is_auditor": ("right", ("False", "True")),
    "agencies": ("narrowing", ("None",)),
    "listed": ("narrowing", ("None",)),
    "signature": ("right", ("visits.name",)),
}
"""Attribute of a visitor → kind of the fault, and the expressions that replace the attribute."""
_SHOWN: Final = {"sees": "True", "phone": None, "text": None}
"""Method of a visitor → the expression that replaces its call, or ``None`` if the call's argument replaces it."""
_VISITORS: Final = ("visits", "visitor", "seen", "wanted")


class _FaultFinder(cst.CSTVisitor):
    """Collects each place in the functions of a file that can be broken, with its replacement."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self.found: list[tuple[str, str, cst.CSTNode, cst.CSTNode]] = []
        """(function, kind of fault, node, replacement)."""

    def visit_FunctionDef(self, node: cst.FunctionDef) -> None:
        self.names.append(node.name.value)

    def leave_FunctionDef(self, original_node: cst.FunctionDef) -> None:
        self.names.pop()

    def _add(self, kind: str, node: cst.CSTNode, becomes: cst.CSTNode) -> None:
        if self.names:
            self.found.append((self.names[-1], kind, node, becomes))

    def visit_Expr(self, node: cst.Expr) -> None:
        called = node.value.func if isinstance(node.value, cst.Call) else None
        name = called.attr.value if isinstance(called, cst.Attribute) else getattr(called, "value", "")
        if name in _CHECKS:
            self._add("check left out", node, cst.Expr(cst.Ellipsis()))
            if other := _CHECKS[name]:
                self._add("another right", called, called.with_changes(attr=cst.Name(other)))  # type: ignore[union-attr]

    def visit_Attribute(self, node: cst.Attribute) -> None:
        if isinstance(node.value, cst.Name) and node.value.value in (*_VISITORS, "self") and node.attr.value in _RIGHTS:
            kind, others = _RIGHTS[node.attr.value]
            for other in others:
                self._add(kind, node, cst.parse_expression(other.replace("visits", node.value.value)))

    def visit_Call(self, node: cst.Call) -> None:
        called = node.func
        if not m.matches(called, m.Attribute(m.Name(m.MatchIfTrue(_VISITORS.__contains__)))) or not node.args:
            return
        if (asked := cst.ensure_type(called, cst.Attribute).attr.value) in _SHOWN:
            answer = _SHOWN[asked]
            shown = cst.parse_expression(answer) if answer else node.args[0].value
            self._add("narrowing" if answer else "hiding", node, shown)

    def visit_Raise(self, node: cst.Raise) -> None:
        if "FORBIDDEN" in cst.Module([]).code_for_node(node) or "NOT_FOUND" in cst.Module([]).code_for_node(node):
            self._add("check left out", node, cst.Expr(cst.Ellipsis()))


def of_functions(path: str) -> Iterator[Fault]:
    """Yield the faults in the functions of a file."""
    wrapper = MetadataWrapper(cst.parse_module((ROOT / path).read_text(encoding="utf-8")))
    places = _FaultFinder()
    wrapper.module.visit(places)
    alike: Counter[tuple[str, ...]] = Counter()
    for function, kind, node, becomes in places.found:
        was, shown = (" ".join(wrapper.module.code_for_node(each).split()) for each in (node, becomes))
        alike[function, kind, was, shown] += 1
        nth = alike[function, kind, was, shown]
        yield Fault(
            f"{path}:{function}", kind, was, shown, nth, partial(_put_fault_in, path, wrapper.module, node, becomes)
        )


def _put_fault_in(path: str, module: cst.Module, node: cst.CSTNode, becomes: cst.CSTNode) -> None:
    """Replace the code of a file's functions by the code with one place changed."""
    changed = module.deep_replace(node, becomes)
    assert isinstance(changed, cst.Module)
    put_codes(path, changed.code)


def of_routes() -> Iterator[Fault]:
    """Yield two faults for each route: the route is left out, or it answers another HTTP method."""
    from fastapi.routing import APIRoute

    from motcua.web.callbacks import create_callbacks
    from motcua.web.intake import create_intake
    from motcua.web.pages import create_pages

    paths = [path.relative_to(ROOT).as_posix() for path in sorted(ROOT.glob("plugins/motcua/web/**/*.py"))]
    known = {str(ROOT / path): path for path in paths}
    seen = set()
    for app in (create_pages(), create_callbacks(), create_intake()):
        for route in app.routes:
            path = known.get(route.endpoint.__code__.co_filename) if isinstance(route, APIRoute) else None
            if not path:
                continue
            assert isinstance(route, APIRoute)
            was = f"{', '.join(sorted(route.methods))} {route.path}"
            if was in seen:
                continue
            seen.add(was)
            for becomes in ("", "POST" if route.methods == {"GET"} else "GET"):
                change = partial(_reroute, route.path, frozenset(route.methods), becomes)
                place = f"{path}:{route.endpoint.__name__}"
                yield Fault(place, "another method" if becomes else "route left out", was, becomes, 1, change)


def _reroute(address: str, methods: frozenset[str], becomes: str) -> None:
    """Let every app ignore this route from now on, or answer another HTTP method at its address."""
    from fastapi.routing import APIRoute
    from starlette.routing import Match

    whole: Callable[..., Any] = APIRoute.matches

    def matches(self: Any, scope: Any) -> Any:
        if self.path == address and self.methods == methods:
            if not becomes:
                return Match.NONE, {}
            self.methods = {becomes}
        return whole(self, scope)

    APIRoute.matches = matches  # type: ignore[method-assign]


def every_fault() -> list[Fault]:
    """Return the faults of all pages and endpoints."""
    paths = [path.relative_to(ROOT).as_posix() for path in sorted(ROOT.glob("plugins/motcua/web/**/*.py"))]
    return [*of_routes(), *(fault for path in paths for fault in of_functions(path))]


def _sample(seed: int, number: int, _: str) -> list[Fault]:
    return drawn(every_fault(), seed, number)


def figures(seed: int, seeds: int = SAMPLE, into: str = "", minutes: float = MINUTES) -> list[Figure]:
    """Return a row for each kind of fault."""
    return figures_of(try_faults("routes", ("plugins/motcua/web/",), _sample, seed, seeds, minutes, into))
