"""Test ``read_ahead``: the items come in order, then the reader's error, and no thread stays behind."""

from __future__ import annotations

import threading
from contextlib import closing

import pytest

from motcua.sources.reading_ahead import read_ahead


def readers() -> list[threading.Thread]:
    return [each for each in threading.enumerate() if each.name == "reading ahead"]


def test_items_come_in_their_order_and_the_reader_ends():
    assert list(read_ahead(iter(range(100)))) == list(range(100))
    assert list(read_ahead(iter([[], None, 0]))) == [[], None, 0]
    assert list(read_ahead(iter([]))) == []
    assert readers() == []


def test_what_reading_raises_comes_after_what_was_read():
    def items():
        yield 1
        yield 2
        raise LookupError("gone")

    ahead = read_ahead(items())
    assert [next(ahead), next(ahead)] == [1, 2]
    with pytest.raises(LookupError, match="gone"):
        next(ahead)
    assert readers() == []


def test_who_wants_no_more_ends_the_reader_and_closes_what_it_reads():
    """A consumer that stops early must end the reading thread and close the source of the items."""
    closed = threading.Event()

    def items():
        try:
            yield from range(1_000_000)
        finally:
            closed.set()

    with closing(read_ahead(items())) as ahead:
        assert next(ahead) == 0
    assert closed.is_set()
    assert readers() == []


def test_no_more_is_read_than_was_allowed():
    read = []

    def items():
        for item in range(50):
            read.append(item)
            yield item

    ahead = read_ahead(items(), most=3)
    for taken in ahead:
        # Three items wait in the queue, and the reader holds one more.
        assert len(read) <= taken + 1 + 3 + 1
    assert read == [*range(50)]
