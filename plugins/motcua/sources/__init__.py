"""Source adapters: one module for each kind of one-stop software. MOTCUA_SOURCES names the module of each source."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from importlib import import_module
from pkgutil import iter_modules

from motcua.sources.contract import ContractSource


class UnknownAdapter(LookupError):
    """Raised if MOTCUA_SOURCES names an adapter that does not exist, defines no source, or needs a missing package."""


def adapter(name: str) -> type[ContractSource]:
    """Return the class in ``motcua/sources/<name>.py`` that reads this kind of software.

    Raises:
        UnknownAdapter: there is no such module, it defines no source, or a package that it needs is not installed.
    """
    path = f"motcua.sources.{name}"
    try:
        module = import_module(path)
    except ModuleNotFoundError as missing:
        if missing.name != path:
            raise UnknownAdapter(
                f"MOTCUA_SOURCES: the adapter {name!r} needs {missing.name}, which is not installed."
            ) from missing
        raise UnknownAdapter(f"MOTCUA_SOURCES: there is no adapter {name!r} in motcua/sources/.") from missing
    for _, member in inspect.getmembers(module, inspect.isclass):
        if issubclass(member, ContractSource) and member.__module__ == module.__name__:
            return member
    raise UnknownAdapter(f"MOTCUA_SOURCES: motcua/sources/{name}.py defines no source.")


def adapters() -> Iterator[type[ContractSource]]:
    """Yield the class of each kind of software that can be read. Modules that define no source, or need a package that
    is not installed, are left out."""
    for module in iter_modules(__path__):
        try:
            yield adapter(module.name)
        except UnknownAdapter:
            continue


def pushed_sources(sources: Mapping[str, str]) -> list[str]:
    """Return the names of the sources whose software pushes its data to us.

    ``sources`` maps the name of each source to its adapter. Sources whose adapter cannot be used are left out.
    """
    return [source for source, kind in sources.items() if _is_pushed(kind)]


def _is_pushed(kind: str) -> bool:
    try:
        return adapter(kind).is_pushed
    except UnknownAdapter:
        return False


def connection_of(source: str, kind: str) -> str:
    """Return the name of a source's Airflow connection, for display. If the adapter cannot be used, return the name
    that most adapters use."""
    try:
        return adapter(kind).connection_id(source)
    except UnknownAdapter:
        return ContractSource.connection_id(source)
