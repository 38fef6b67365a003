"""Reads and prepares the next rows of a source while the previous rows are still written into the ledger."""

from __future__ import annotations

import threading
from collections.abc import Generator, Iterator
from queue import Empty, Full, Queue
from typing import TypeVar

Item = TypeVar("Item")
_LOOK_AGAIN = 0.2
"""Seconds after which the waiting thread checks whether the caller still wants its items."""


def read_ahead(items: Iterator[Item], most: int = 1) -> Generator[Item, None, None]:
    """Return the same items in the same order, read ahead by a separate thread.

    Up to ``most`` items wait for the caller, and the thread holds one more. If the thread fails to read an item, the
    error is raised here after all earlier items. When this generator ends, it first waits until the thread has finished
    its present read. The caller can then close the connection that the items come from.
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
