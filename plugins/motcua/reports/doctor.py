"""What the doctor says of a fault, in the words of include/templates/doctor.en.yaml."""

from __future__ import annotations

from functools import cache
from typing import Any

import yaml

from motcua.settings import include_dir


def fault_words(name: str) -> dict[str, str]:
    """``what`` a fault means, and what is ``todo``.

    Raises:
        KeyError: the doctor asks for no such thing.
    """
    words: dict[str, str] = _words()[name]
    return words


@cache
def _words() -> dict[str, Any]:
    read: dict[str, Any] = yaml.safe_load((include_dir() / "templates" / "doctor.en.yaml").read_text(encoding="utf-8"))
    return read
