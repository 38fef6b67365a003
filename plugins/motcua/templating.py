"""Build the Jinja environments that render all texts for people, one for each folder of include/templates.

A name without a value in a template raises an error. Values are escaped in templates whose names end in ``.html``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from motcua.settings import include_dir


def templates(
    folder: str,
    filters: Mapping[str, Callable[..., Any]] | None = None,
    *,
    keep_last_newline: bool = False,
    layouts: str = "",
) -> Environment:
    """Return the environment with the templates of a folder.

    Args:
        folder: the folder below include/templates.
        filters: filters besides Jinja's own, by name.
        keep_last_newline: whether a rendered text keeps the newline at its template's end.
        layouts: another folder with the layouts that these templates extend.
    """
    environment = Environment(
        loader=FileSystemLoader([include_dir() / "templates" / each for each in (folder, layouts) if each]),
        autoescape=select_autoescape(["html"]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=keep_last_newline,
    )
    environment.filters |= dict(filters or {})
    return environment
