"""Run a watcher of the sources that the environment names, as a triggerer does: ``python -m tests.bench.watching``."""

from __future__ import annotations

import json
import threading
import time
from typing import Any

from motcua.jobs.notices.looking import Looks, Watcher


def main() -> None:
    """Run a watcher; print each report, and every second the number of its queries and its processor seconds."""
    looks = 0
    ask = Looks._send

    def count(self: Looks, *given: Any) -> None:
        nonlocal looks
        looks += 1
        ask(self, *given)

    Looks._send = count  # type: ignore[method-assign]

    def say(**what: Any) -> None:
        print(json.dumps(what), flush=True)

    watcher = Watcher(lambda source: say(reported=source, at=time.time()))
    threading.Thread(target=watcher.run, args=(threading.Event(),), daemon=True).start()
    while True:
        time.sleep(1)
        say(looks=looks, cores=time.process_time(), at=time.time())


if __name__ == "__main__":
    main()
