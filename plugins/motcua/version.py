"""Which version of this software runs: its number stands in pyproject.toml alone; CHANGELOG.md says what it brought."""

from __future__ import annotations

import tomllib
from functools import lru_cache
from pathlib import Path

_PYPROJECT = Path(__file__).resolve().parents[2] / "pyproject.toml"


@lru_cache(maxsize=1)
def version() -> str:
    """The number, such as ``1.4.2``.

    Read beside the code that runs: what the environment's packages say of this one is as old as its last installation.

    Raises:
        OSError: the file is not there; it is wherever the code is, in the image too.
    """
    project = tomllib.loads(_PYPROJECT.read_text(encoding="utf-8"))["project"]
    return str(project["version"])


def software() -> str:
    """Name and version, as publications give them."""
    return f"MotcuaSMS {version()}"
