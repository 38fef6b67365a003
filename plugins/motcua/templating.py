"""How all texts for people are made of templates: one Jinja environment a folder of include/templates.

A name that a template does not get is an error. What goes into HTML is escaped, by the ending of the template's name.
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
    """The templates of a folder.

    Args:
        folder: below include/templates.
        filters: beside Jinja's own, by the name that templates call them by.
        keep_last_newline: a text ends as its template does.
        layouts: another folder, whose layouts those of this one extend.
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
