"""Requests that are out at a gateway: never more than its ``concurrency``, over all processes together.

A gateway has as many slots as requests may be out; each is an advisory lock and one HTTP connection, which is closed
before the lock is given back. PostgreSQL frees the slots of a process that dies, as the kernel closes its connections.
Whoever has requests for the gateway gets an equal share.
"""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from motcua.domain.routing import fair_share
from motcua.jobs.notices.sending.heartbeat import Heart
from motcua.store.ledger.database import Connection
from motcua.store.ledger.locks import (
    give_slots_back,
    leave_gateway,
    share_gateway,
    sharing_gateway,
    take_slots,
)

_LOOK_EVERY = 1.0, 0.1
"""Seconds between two looks at how many share the gateway; and while others still have slots of this share, or this
process some of theirs."""


class RequestSlots:
    """This process's part of a gateway's slots. Only ``session`` may be used by several threads."""

    def __init__(
        self,
        lock: Connection,
        gateway: str,
        concurrency: int,
        heart: Heart | None = None,
        look_every: tuple[float, float] = _LOOK_EVERY,
    ) -> None:
        """``lock``: a connection in autocommit, which must live as long as requests are out; ``heart``: who sends."""
        self._heart, self._look_every = heart, look_every
        self.share = 0
        """How many requests may be out; while a share shrinks a few more are, until they are answered."""
        self._lock, self._gateway, self._concurrency = lock, gateway, concurrency
        self._held: set[int] = set()
        self._free: queue.SimpleQueue[tuple[int, requests.Session]] = queue.SimpleQueue()
        self._over: queue.SimpleQueue[tuple[int, requests.Session]] = queue.SimpleQueue()
        self._too_many = 0
        self._guard = threading.Lock()
        self._sharing = False
        self._look_again_at = 0.0

    @contextmanager
    def session(self) -> Iterator[requests.Session]:
        """A connection to the gateway for one request; waits until one is free."""
        slot = self._free.get()
        try:
            yield slot[1]
        finally:
            with self._guard:
                is_over = self._too_many > 0
                self._too_many -= is_over
            (self._over if is_over else self._free).put(slot)

    def balance(self) -> None:
        """Gives back what is more than this process's share of the slots, and takes what is free of it.

        Looks no more than once a second, unless some still have what is the others'.
        """
        if time.monotonic() < self._look_again_at:
            return
        if not self._sharing:
            share_gateway(self._lock, self._gateway)
            self._sharing = True
        share = fair_share(self._concurrency, sharing_gateway(self._lock, self._gateway))
        self._shrink_to(share)
        if len(self._held) < share:
            free = [slot for slot in range(1, self._concurrency + 1) if slot not in self._held]
            for slot in take_slots(self._lock, self._gateway, free, share - len(self._held)):
                self._held.add(slot)
                self._free.put((slot, http_session(self._heart)))
        self.share = min(share, len(self._held))
        even, uneven = self._look_every
        self._look_again_at = time.monotonic() + (even if len(self._held) == share else uneven)

    def give_all_back(self) -> None:
        """Gives all slots back; no request may be out."""
        if not self._sharing:
            return
        self._shrink_to(0)
        leave_gateway(self._lock, self._gateway)
        self._sharing, self.share, self._look_again_at = False, 0, 0.0

    def close(self) -> None:
        """Closes the connections to the gateway; the slots are free when the ``lock`` connection ends."""
        while not self._free.empty():
            self._free.get()[1].close()
        while not self._over.empty():
            self._over.get()[1].close()

    def _shrink_to(self, share: int) -> None:
        with self._guard:
            self._too_many = max(0, len(self._held) - self._over.qsize() - share)
            while self._too_many:
                try:
                    self._over.put(self._free.get_nowait())
                except queue.Empty:
                    break
                self._too_many -= 1
        slots = []
        while not self._over.empty():
            slot, session = self._over.get()
            session.close()
            slots.append(slot)
        if slots:
            give_slots_back(self._lock, self._gateway, slots)
            self._held.difference_update(slots)


class HeldBack(Exception):
    """A request was not begun: this process may be taken for frozen. Nothing of it was written."""


def http_session(heart: Heart | None = None) -> requests.Session:
    """A Session for one request at a time that never repeats one by itself and ignores the machine's proxy settings.

    With a ``heart`` each request looks whether it may go, once it has its connection and before its first byte, and
    raises ``HeldBack`` where it may not.
    """
    # Where urllib3 warns it writes whole addresses, numbers and words among them.
    logging.getLogger("urllib3").setLevel(logging.ERROR)
    session = requests.Session()
    session.trust_env = False
    for scheme in ("http://", "https://"):
        transport = HTTPAdapter(max_retries=0, pool_connections=1, pool_maxsize=1)
        if heart is not None:
            transport.poolmanager.pool_classes_by_scheme = {
                "http": _looking_first(HTTPConnectionPool, HTTPConnection, heart),
                "https": _looking_first(HTTPSConnectionPool, HTTPSConnection, heart),
            }
        session.mount(scheme, transport)
    return session


def _looking_first(
    pool: type[HTTPConnectionPool], connection: type[HTTPConnection], heart: Heart
) -> type[HTTPConnectionPool]:
    class LookingFirst(connection):  # type: ignore[misc, valid-type]
        def endheaders(self, message_body: object = None, *, encode_chunked: bool = False) -> None:
            # Connecting takes time: the look is the last thing before the first byte.
            if self.sock is None:
                self.connect()
            # One at a time: threads that have looked and wait for the processor would all send when the process wakes.
            with heart.leaving:
                if not heart.may_send:
                    raise HeldBack
                super().endheaders(message_body, encode_chunked=encode_chunked)

    return type(pool.__name__, (pool,), {"ConnectionCls": LookingFirst})
