"""The version of this software. pyproject.toml contains the number, and CHANGELOG.md describes each version."""

from __future__ import annotations

import tomllib
from functools import lru_cache
from pathlib import Path

_PYPROJECT = Path(__file__).resolve().parents[2] / "pyproject.toml"


@lru_cache(maxsize=1)
def version() -> str:
    """Return the version number, for example ``1.4.2``.

    It is read from the file beside the running code. The metadata of the installed package may be older than the code.

    Raises:
        OSError: the file is missing; it should be wherever the code is, also in the image.
    """
    project = tomllib.loads(_PYPROJECT.read_text(encoding="utf-8"))["project"]
    return str(project["version"])


def software() -> str:
    """Return name and version, as publications give them."""
    return f"MotcuaSMS {version()}"
