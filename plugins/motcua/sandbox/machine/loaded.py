"""Load the code of an Airflow component before it may begin. The arguments are a file and Airflow's own arguments.

A component spends half of its start-up time on reading code. This program reads the code while other programs work. As
soon as the file exists, the component begins, as if its own command line had started it.
"""

from __future__ import annotations

import os
import sys
import time
from importlib import import_module
from pathlib import Path

_LOOKS_EVERY = 0.05
"""Seconds between two checks for the file."""


def main(goes_on: Path, component: str, *arguments: str) -> None:
    """Load a component, wait for the file, and then run the component. End if the parent process ends."""
    started_by = os.getppid()
    import_module(f"airflow.cli.commands.{component}_command")
    import_module(f"airflow.jobs.{component}_job_runner")
    # The scheduler forks its tasks, so that they find this module already loaded.
    import_module("motcua.jobs.tasks.notify_transitions")
    while not goes_on.exists():
        if os.getppid() != started_by:
            return
        time.sleep(_LOOKS_EVERY)
    sys.argv = ["airflow", component, *arguments]
    import_module("airflow.__main__").main()


if __name__ == "__main__":
    main(Path(sys.argv[1]), *sys.argv[2:])
