"""Simulate the carrier that connects to a Kannel with ``smsc = fake`` and accepts every message.

Usage: ``python -m tests.bench.notices.carrier PORT``.
"""

from __future__ import annotations

import sys

from tests.gateways.real_kannel import connected
from tests.ground import until


def main(port: int) -> None:
    connection = until(lambda: connected(port))
    print("connected", flush=True)
    while connection.recv(2**16):
        pass


if __name__ == "__main__":
    main(int(sys.argv[1]))
