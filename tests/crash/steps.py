"""Find the steps at which the harness can kill a process, and wrap them, in the harness's processes only.

The files of production code are not changed. The steps are found in the loaded code. They are all functions of
``motcua.store`` whose first parameter is a connection, each commit, each write to the journal, and an adapter's methods
``submit``, ``ask`` and ``renew``. The sending of an HTTP request and the reading of its answer are steps, too. A commit
has the name of the last function of ``motcua.store`` that was called before it.
"""

from __future__ import annotations

import functools
import inspect
import pkgutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Literal, TypeAlias

import psycopg
import urllib3.connection

import motcua.store
from motcua.store.journal import Journal

When: TypeAlias = Literal["before", "after"]
OnStep: TypeAlias = Callable[[str, When], None]

# Sending must have these steps. If one of them were missing, the harness would prove less than it claims.
_SENDING = [
    "messages.claim",
    "messages.turn_away",
    "messages.postpone",
    "messages.begin_sending",
    "messages.apply_outcomes",
    "attempts.save_attempts",
    "attempts.apply_outcomes",
    "attempts.abandon",
]


class HarnessOutOfDate(Exception):
    """A function at which the harness kills processes is gone or renamed."""


@dataclass(frozen=True)
class Point:
    """A moment to kill a process: before or after its n-th visit of a step."""

    step: str
    when: When
    occurrence: int

    def __str__(self) -> str:
        return f"{self.when} {self.step}"


def _store_functions() -> Iterator[tuple[str, Callable[..., Any]]]:
    for found in pkgutil.walk_packages(motcua.store.__path__, "motcua.store."):
        module, noun = import_module(found.name), found.name.rpartition(".")[2]
        for name, function in list(vars(module).items()):
            if not inspect.isfunction(function) or function.__module__ != module.__name__ or name.startswith("_"):
                continue
            if next(iter(inspect.signature(function).parameters), "") == "connection":
                yield f"{noun}.{name}", function


def replace_everywhere(*replaced: tuple[Callable[..., Any], Callable[..., Any]]) -> None:
    """Replace the first function of each pair by the second, in every module of the project that has imported it."""
    replacements = {id(original): replacement for original, replacement in replaced}
    for name, module in list(sys.modules.items()):
        if name.startswith("motcua."):
            for attribute, value in list(vars(module).items()):
                if id(value) in replacements:
                    setattr(module, attribute, replacements[id(value)])


_on_step: OnStep | None = None


def watch(on_step: OnStep) -> None:
    """Call ``on_step`` before and after each later step of this process. ``instrument`` must be called first."""
    global _on_step
    _on_step = on_step


def instrument(*adapters: type) -> None:
    """Wrap every step. This changes nothing until ``watch`` is called in the child process that is to die.

    Raises:
        HarnessOutOfDate: A step in ``_SENDING`` does not exist in the code.
    """
    last = "nothing"

    def wrapped(step: Callable[[], str], function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def call(*arguments: Any, **named: Any) -> Any:
            name = step()
            if _on_step:
                _on_step(name, "before")
            result = function(*arguments, **named)
            if _on_step:
                _on_step(name, "after")
            return result

        return call

    def store_step(name: str) -> Callable[[], str]:
        def begin() -> str:
            nonlocal last
            last = name
            return name

        return begin

    functions = dict(_store_functions())
    if missing := [name for name in _SENDING if name not in functions]:
        raise HarnessOutOfDate(f"motcua.store has no {', '.join(missing)} any more: change tests/crash/steps.py.")
    for adapter in adapters:
        for method in ("submit", "ask", "renew"):
            if not hasattr(adapter, method):
                raise HarnessOutOfDate(f"{adapter.__name__} has no {method}: change tests/crash/steps.py.")
            setattr(adapter, method, wrapped(lambda method=method: method, getattr(adapter, method)))
    Journal.write = wrapped(lambda: "journal", Journal.write)  # type: ignore[method-assign]
    replace_everywhere(*((function, wrapped(store_step(name), function)) for name, function in functions.items()))
    connection: Any = psycopg.Connection
    connection.commit = wrapped(lambda: f"commit of {last}", connection.commit)
    http: Any = urllib3.connection.HTTPConnection
    http.request = wrapped(lambda: "request", http.request)
    http.getresponse = wrapped(lambda: "answer", http.getresponse)
