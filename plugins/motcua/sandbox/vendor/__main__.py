"""The pushing agency's software: ``python -m motcua.sandbox.vendor --folder F`` runs it until SIGTERM.

The folder holds its account (``account.json``), and what it knows of its dossiers from the last time.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
import threading
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from motcua.sandbox.vendor.client import PortalClient
from motcua.sandbox.vendor.joining import pushing, read_account
from motcua.sandbox.vendor.software import Software
from motcua.settings import settings

_REPORTS_EVERY = timedelta(seconds=5)


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the software until SIGTERM or SIGINT; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m motcua.sandbox.vendor", description=__doc__)
    parser.add_argument("--folder", type=Path, default=settings().data / "vendor", help="its own folder")
    folder: Path = parser.parse_args(arguments).folder
    account = read_account(folder)
    if account is None:
        print(f"{folder / 'account.json'} names no account: the demo makes one when it starts.", file=sys.stderr)
        return 1
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())

    def say(sentence: str) -> None:
        print(sentence, file=sys.stderr, flush=True)

    played = pushing()
    client = PortalClient(account.url, account.client, account.password)
    software = Software(folder, played.agency, str(played.entry["name"]), account.unit, client, say)
    reported = datetime.now(UTC)
    while not stop.wait(0.1):
        software.tick()
        if datetime.now(UTC) - reported > _REPORTS_EVERY:
            reported = datetime.now(UTC)
            # Where its account got another password, it is written there.
            account = read_account(folder) or account
            client.url, client.name, client.password = account.url, account.client, account.password
            memory = software.memory
            counts = {"pushed": memory.pushed, "refused": memory.refused, "waiting": len(memory.outbox)}
            print(json.dumps({"at": reported.isoformat(timespec="seconds"), **counts}), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
