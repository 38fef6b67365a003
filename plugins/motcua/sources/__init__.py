"""One module for each kind of one-stop software; MOTCUA_SOURCES names the module of each source."""

from __future__ import annotations

import inspect
from importlib import import_module

from motcua.sources.contract import ContractSource


class UnknownAdapter(LookupError):
    """MOTCUA_SOURCES names an adapter that does not exist."""


def adapter(name: str) -> type[ContractSource]:
    """The class in ``motcua/sources/<name>.py`` that reads this kind of software.

    Raises:
        UnknownAdapter: there is no such module, or it defines no source.
    """
    try:
        module = import_module(f"motcua.sources.{name}")
    except ModuleNotFoundError as missing:
        raise UnknownAdapter(f"MOTCUA_SOURCES: there is no adapter {name!r} in motcua/sources/.") from missing
    for _, member in inspect.getmembers(module, inspect.isclass):
        if issubclass(member, ContractSource) and member.__module__ == module.__name__:
            return member
    raise UnknownAdapter(f"MOTCUA_SOURCES: motcua/sources/{name}.py defines no source.")
