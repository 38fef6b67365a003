"""Run one sender for a bench: ``python -m tests.bench.notices.sender_process``.

The process prints that it is ready, waits for a line of input, and sends the due messages. It then prints how many
messages it sent and when it finished. It imports no module of the tests, because these would set another environment.
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
        # This connection loads code before the measurement begins, so that the loading does not count.
        print("ready", flush=True)
    sys.stdin.readline()
    sent = send(f"bench {os.getpid()}").attempts
    print(json.dumps({"sent": sent, "ended": time.monotonic()}), flush=True)
    # Wait until this process is killed, because the bench must still read its processor time.
    sys.stdin.read()


if __name__ == "__main__":
    main()
