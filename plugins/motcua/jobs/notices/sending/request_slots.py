"""Limits open requests at a gateway to the gateway's ``concurrency``, over all processes together.

A gateway has as many slots as requests may be open. Each slot is one advisory lock and one HTTP connection. The
connection is closed before the lock is released. When a process dies, PostgreSQL releases its locks and the kernel
closes its connections. Processes with requests for the same gateway share its slots equally.
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

_CHECK_EVERY = 1.0, 0.1
"""Seconds between two checks of how many processes share the gateway. The second value applies while this
process holds more or fewer slots than its share."""


class RequestSlots:
    """This process's part of a gateway's slots. Only ``session`` may be used by several threads."""

    def __init__(
        self,
        lock: Connection,
        gateway: str,
        concurrency: int,
        heart: Heart | None = None,
        look_every: tuple[float, float] = _CHECK_EVERY,
    ) -> None:
        """Start without any slot.

        Args:
            lock: a connection in autocommit, which must live as long as requests are open.
            gateway: name of the gateway.
            concurrency: how many requests may be open at the gateway, over all processes together.
            heart: heartbeat of this process. Without one, requests are sent without a check that this process is not
                frozen.
            look_every: seconds between two checks of the shares, as in ``_CHECK_EVERY``.
        """
        self._heart, self._look_every = heart, look_every
        self.share = 0
        """How many requests this process may have open. When the share has just shrunk, a few more requests may be open
        until they are answered."""
        self._lock, self._gateway, self._concurrency = lock, gateway, concurrency
        self._held: set[int] = set()
        self._free: queue.SimpleQueue[tuple[int, requests.Session]] = queue.SimpleQueue()
        self._surplus: queue.SimpleQueue[tuple[int, requests.Session]] = queue.SimpleQueue()
        self._too_many = 0
        self._guard = threading.Lock()
        self._sharing = False
        self._check_again_at = 0.0

    @contextmanager
    def session(self) -> Iterator[requests.Session]:
        """Lend a connection to the gateway for one request. Wait until a connection is free."""
        slot = self._free.get()
        try:
            yield slot[1]
        finally:
            with self._guard:
                is_surplus = self._too_many > 0
                self._too_many -= is_surplus
            (self._surplus if is_surplus else self._free).put(slot)

    def balance(self) -> None:
        """Release slots beyond this process's share, and take free slots up to the share.

        Check the share at most once a second, or ten times a second while this process holds more or fewer slots than
        its share.
        """
        if time.monotonic() < self._check_again_at:
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
        balanced, unbalanced = self._look_every
        self._check_again_at = time.monotonic() + (balanced if len(self._held) == share else unbalanced)

    def give_all_back(self) -> None:
        """Release all slots. This method must not be called while a request is open."""
        if not self._sharing:
            return
        self._shrink_to(0)
        leave_gateway(self._lock, self._gateway)
        self._sharing, self.share, self._check_again_at = False, 0, 0.0

    def close(self) -> None:
        """Close the connections to the gateway. The slots become free when the ``lock`` connection ends."""
        while not self._free.empty():
            self._free.get()[1].close()
        while not self._surplus.empty():
            self._surplus.get()[1].close()

    def _shrink_to(self, share: int) -> None:
        with self._guard:
            self._too_many = max(0, len(self._held) - self._surplus.qsize() - share)
            while self._too_many:
                try:
                    self._surplus.put(self._free.get_nowait())
                except queue.Empty:
                    break
                self._too_many -= 1
        slots = []
        while not self._surplus.empty():
            slot, session = self._surplus.get()
            session.close()
            slots.append(slot)
        if slots:
            give_slots_back(self._lock, self._gateway, slots)
            self._held.difference_update(slots)


class HeldBack(Exception):
    """A request was not begun, because other processes may consider this process frozen. No byte of the request was
    written."""


def http_session(heart: Heart | None = None) -> requests.Session:
    """Return an HTTP session for one request at a time. The session never repeats a request by itself, and ignores the
    machine's proxy settings.

    With a ``heart``, each request checks ``may_send`` between its connection and its first byte, and raises
    ``HeldBack`` if it may not be sent.
    """
    # urllib3's warnings contain whole addresses, with telephone numbers and texts.
    logging.getLogger("urllib3").setLevel(logging.ERROR)
    session = requests.Session()
    session.trust_env = False
    for scheme in ("http://", "https://"):
        transport = HTTPAdapter(max_retries=0, pool_connections=1, pool_maxsize=1)
        if heart is not None:
            transport.poolmanager.pool_classes_by_scheme = {
                "http": _checking_heart_first(HTTPConnectionPool, HTTPConnection, heart),
                "https": _checking_heart_first(HTTPSConnectionPool, HTTPSConnection, heart),
            }
        session.mount(scheme, transport)
    return session


def _checking_heart_first(
    pool: type[HTTPConnectionPool], connection: type[HTTPConnection], heart: Heart
) -> type[HTTPConnectionPool]:
    class CheckingHeartFirst(connection):  # type: ignore[misc, valid-type]
        def endheaders(self, message_body: object = None, *, encode_chunked: bool = False) -> None:
            # Connecting takes time, so the connection is opened first. The check must be the last step before the first
            # byte.
            if self.sock is None:
                self.connect()
            # The lock lets only one thread at a time be between its check and the handover of its bytes to the kernel.
            # Otherwise, when a frozen process wakes, all threads that had passed the check before would send.
            with heart.leaving:
                if not heart.may_send:
                    raise HeldBack
                super().endheaders(message_body, encode_chunked=encode_chunked)

    return type(pool.__name__, (pool,), {"ConnectionCls": CheckingHeartFirst})
