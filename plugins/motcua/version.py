"""The version of this software. pyproject.toml contains the number, and CHANGELOG.md describes each version."""

from __future__ import annotations

import tomllib
from functools import lru_cache
from pathlib import Path

_PYPROJECT = Path(__file__).resolve().parents[2] / "pyproject.toml"


@lru_cache(maxsize=1)
def version() -> str:
    """Return the version number, for example ``1.4.2``.

    The number is read from pyproject.toml beside the running code, because the metadata of the installed package may be
    older than the code.

    Raises:
        OSError: pyproject.toml is missing. Every deployment needs it beside the code, also the container image.
    """
    project = tomllib.loads(_PYPROJECT.read_text(encoding="utf-8"))["project"]
    return str(project["version"])


def software() -> str:
    """Return the software's name and version, as publications show them."""
    return f"MotcuaSMS {version()}"
