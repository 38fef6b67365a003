"""Ports of loopback for servers that tests start."""

from __future__ import annotations

import random
import socket

_BELOW_THOSE_OF_CONNECTIONS = range(10_000, 32_000)
_any = random.SystemRandom()
_given: set[int] = set()


def free_port() -> int:
    """A port of loopback that nobody listens on, never one that this process was given before.

    Below those that the system gives to whoever connects: between being found and being listened on, one of theirs may
    go to a connection of a test beside.
    """
    while True:
        port = _any.choice(_BELOW_THOSE_OF_CONNECTIONS)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        if port not in _given:
            _given.add(port)
            return port
