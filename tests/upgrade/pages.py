"""Serve the staff pages for a visitor of the Department: ``python -m tests.upgrade.pages FOLDER PORT``."""

from __future__ import annotations

import logging
import sys
from collections.abc import Sequence
from pathlib import Path

import uvicorn

from tests.soak.clock import Clock, live_by
from tests.web.visiting import VISITING


def main(arguments: Sequence[str]) -> int:
    """Serve the pages until the process gets a signal to end."""
    logging.disable(logging.WARNING)
    live_by(Clock(Path(arguments[0]) / "clock"))
    uvicorn.run(VISITING.mount(), host="127.0.0.1", port=int(arguments[1]), log_level="error", access_log=False)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
