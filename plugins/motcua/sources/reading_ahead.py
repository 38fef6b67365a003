"""Reading ahead: what a source answers is fetched, and made ready, while the ledger still writes what came before."""

from __future__ import annotations

import threading
from collections.abc import Generator, Iterator
from queue import Empty, Full, Queue
from typing import TypeVar

Item = TypeVar("Item")
_LOOK_AGAIN = 0.2
"""Seconds after which a waiting reader sees that nobody wants more."""


def read_ahead(items: Iterator[Item], most: int = 1) -> Generator[Item, None, None]:
    """The same items in the same order, read by a thread of its own, at most so many before they are asked for.

    Whatever reading raises is raised here, after what was read before. The thread has ended when the generator has, so
    that what it reads from can be closed: a fetch that is under way is waited for.
    """
    ready: Queue[tuple[Item, ...] | BaseException] = Queue(most)
    over = threading.Event()

    def hand_over(what: tuple[Item, ...] | BaseException) -> None:
        while not over.is_set():
            try:
                ready.put(what, timeout=_LOOK_AGAIN)
            except Full:
                continue
            return

    def read() -> None:
        try:
            for item in items:
                hand_over((item,))
                if over.is_set():
                    break
            hand_over(())
        except BaseException as error:
            hand_over(error)
        finally:
            if isinstance(items, Generator):
                items.close()

    reader = threading.Thread(target=read, name="reading ahead", daemon=True)
    reader.start()
    try:
        while found := ready.get():
            if isinstance(found, BaseException):
                raise found
            yield from found
    finally:
        over.set()
        while reader.is_alive():
            try:
                ready.get(timeout=_LOOK_AGAIN)
            except Empty:
                continue
        reader.join()
