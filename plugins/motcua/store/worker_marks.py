"""Write and read the marks of workers in the journal's folder.

The journal has a line for each request that was sent to a gateway, and is read after a restore of the ledger. The marks
show which workers share the folder and which workers run on one machine. If a worker does not share the folder, its own
journal is not read after a restore, and everything that this worker sent would be sent again.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

_FOLDER = "workers"
_MACHINE = Path("/proc/sys/kernel/random/boot_id")
"""This file has the same content in all containers of one machine until the machine restarts."""
_FORGOTTEN_AFTER = 7 * 24 * 60 * 60.0
"""The age at which marks are deleted, in seconds. A container that is created anew has another name, so the mark with
its old name would remain."""


def leave_mark(journal: Path, host: str) -> None:
    """Write the mark of the worker with the name ``host``, which uses the journal in the folder ``journal``.

    Ignore errors, because the journal itself reports why the folder cannot be written.
    """
    with suppress(OSError):
        folder = journal / _FOLDER
        folder.mkdir(exist_ok=True)
        (folder / _host_name(host)).write_text(_this_machine(), encoding="ascii")
        for mark in folder.iterdir():
            if mark.stat().st_mtime < time.time() - _FORGOTTEN_AFTER:
                mark.unlink()


def machines(journal: Path) -> Mapping[str, str]:
    """Return the machine of each worker that left a mark, by the worker's host name without its domain."""
    found: dict[str, str] = {}
    with suppress(OSError):
        for mark in (journal / _FOLDER).iterdir():
            found[mark.name] = mark.read_text(encoding="ascii")
    return found


def machine_of(host: str, known: Mapping[str, str]) -> str | None:
    """Return the machine of a worker by the host name that Airflow gives. ``None`` if the worker left no mark."""
    return known.get(_host_name(host))


def _host_name(host: str) -> str:
    return host.partition(".")[0].replace("/", "_") or "_"


def _this_machine() -> str:
    try:
        return _MACHINE.read_text(encoding="ascii").strip()
    except OSError:
        # Only Linux has this file. An empty text stands for an unknown machine.
        return ""
