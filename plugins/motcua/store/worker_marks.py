"""Marks that workers leave beside the journal: which of them share its folder, and which run on one machine.

The journal of a worker that does not share it is not read after a restore: what it sent would be sent again.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

_FOLDER = "workers"
_MACHINE = Path("/proc/sys/kernel/random/boot_id")
"""The same in all containers of one machine, until it starts again."""
_FORGOTTEN_AFTER = 7 * 24 * 60 * 60.0
"""Seconds: a container that was made anew has another name."""


def leave_mark(journal: Path, host: str) -> None:
    """Says that a worker of this name uses the journal in a folder; what cannot be written is left, since the journal
    itself says why nothing can be written there."""
    with suppress(OSError):
        folder = journal / _FOLDER
        folder.mkdir(exist_ok=True)
        (folder / _name(host)).write_text(_this_machine(), encoding="ascii")
        for mark in folder.iterdir():
            if mark.stat().st_mtime < time.time() - _FORGOTTEN_AFTER:
                mark.unlink()


def machines(journal: Path) -> Mapping[str, str]:
    """The machine of each worker that left a mark; names without their domains."""
    found: dict[str, str] = {}
    with suppress(OSError):
        for mark in (journal / _FOLDER).iterdir():
            found[mark.name] = mark.read_text(encoding="ascii")
    return found


def machine_of(host: str, known: Mapping[str, str]) -> str | None:
    """The machine of a worker as Airflow names it; ``None``: it left no mark."""
    return known.get(_name(host))


def _name(host: str) -> str:
    return host.partition(".")[0].replace("/", "_") or "_"


def _this_machine() -> str:
    try:
        return _MACHINE.read_text(encoding="ascii").strip()
    except OSError:
        # Not Linux: each worker is taken for a machine of its own.
        return ""
