"""``python -m tests.bench.notices.sender_process``: says when it is ready, waits for a line, sends what is due, and
says how much that was and when it was done. Imports nothing of the tests, whose environment is not the bench's."""

from __future__ import annotations

import json
import os
import sys
import time

from motcua.jobs.notices.sending.sender import send
from motcua.store.ledger.database import connect


def main() -> None:
    with connect():
        # What a process loads once is no matter of speed.
        print("ready", flush=True)
    sys.stdin.readline()
    sent = send(f"bench {os.getpid()}").attempts
    print(json.dumps({"sent": sent, "ended": time.monotonic()}), flush=True)
    # Until it is killed: what it used is still to be asked for.
    sys.stdin.read()


if __name__ == "__main__":
    main()
