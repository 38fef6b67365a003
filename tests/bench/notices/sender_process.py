"""Run one sender for a bench: ``python -m tests.bench.notices.sender_process``.

The process prints that it is ready, waits for a line, and sends what is due. It then prints how many messages it sent
and when it ended. It imports nothing of the tests, because their environment is not that of the bench.
"""

from __future__ import annotations

import json
import os
import sys
import time

from motcua.jobs.notices.sending.sender import send
from motcua.store.ledger.database import connect


def main() -> None:
    with connect():
        # Loading code once per process is no part of the measurement.
        print("ready", flush=True)
    sys.stdin.readline()
    sent = send(f"bench {os.getpid()}").attempts
    print(json.dumps({"sent": sent, "ended": time.monotonic()}), flush=True)
    # The process waits until it is killed, because its processor time is still to be read.
    sys.stdin.read()


if __name__ == "__main__":
    main()
