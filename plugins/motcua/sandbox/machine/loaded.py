"""A component of Airflow that is loaded before it may begin; called with a file, and what Airflow is called with.

Half of what it takes to start one is reading code. Here that is done while others work; as soon as the file is there
the component begins, with the command line that it would have had.
"""

from __future__ import annotations

import os
import sys
import time
from importlib import import_module
from pathlib import Path

_LOOKS_EVERY = 0.05
"""Seconds."""


def main(goes_on: Path, component: str, *arguments: str) -> None:
    """Loads a component, waits for the file, and is it from then on; ends with whoever started it."""
    started_by = os.getppid()
    import_module(f"airflow.cli.commands.{component}_command")
    import_module(f"airflow.jobs.{component}_job_runner")
    # What the scheduler's tasks are forked with.
    import_module("motcua.jobs.tasks.notify_transitions")
    while not goes_on.exists():
        if os.getppid() != started_by:
            return
        time.sleep(_LOOKS_EVERY)
    sys.argv = ["airflow", component, *arguments]
    import_module("airflow.__main__").main()


if __name__ == "__main__":
    main(Path(sys.argv[1]), *sys.argv[2:])
