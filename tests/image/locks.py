"""Read the project's lock files."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]
EVERYTHING, PRODUCTION, BUILD = (ROOT / f"requirements{of}.lock" for of in ("", "-production", "-build"))
_PIN = re.compile(r"^(?P<name>[A-Za-z0-9._-]+)==(?P<version>[^\s;]+)")
_HASH = re.compile(r"--hash=(sha256:[0-9a-f]{64})")


@dataclass(frozen=True, slots=True)
class Pin:
    """One version of a package in a lock file.

    A package has several entries if different versions of Python need different versions of it.
    """

    name: str
    version: str
    hashes: frozenset[str]


def pins(lock: Path) -> set[Pin]:
    """Return the package versions in a lock file."""
    found = set()
    for block in re.split(r"\n(?=[A-Za-z0-9])", lock.read_text(encoding="utf-8")):
        named = _PIN.match(block)
        if named is not None:
            found.add(Pin(canonicalize_name(named["name"]), named["version"], frozenset(_HASH.findall(block))))
    return found


def names(lock: Path) -> set[str]:
    """Return the names of the packages in a lock file."""
    return {pin.name for pin in pins(lock)}
