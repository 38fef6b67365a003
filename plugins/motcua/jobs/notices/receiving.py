"""Receives delivery receipts. Stores each receipt as received, except that phone numbers are masked, and then *reads*
the receipt, that is, applies it to its message. Receipts that arrive together are written together."""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TypeVar

from psycopg import Error

from motcua.domain.phones.reading import mask_phones
from motcua.domain.routing import Meaning
from motcua.gateways import GatewayMisconfigured, open_gateway
from motcua.gateways.adapter import Gateway, ReceiptReading
from motcua.store.ledger.database import Connection, connect, reason_without_values
from motcua.store.notices.receipts import (
    Effect,
    NewReceipt,
    ReadReceipt,
    apply_receipts,
    save_receipts,
    unread_receipts,
)

log = logging.getLogger(__name__)

_MOST_TOGETHER = 200
_OUR_REFERENCE = re.compile(r"[0-9a-f]{32}")

Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class _Report:
    gateway: str
    reading: ReceiptReading
    effect: Future[Effect | None] = field(default_factory=Future)
    """The effect of the receipt; ``None`` if the receipt is stored and the next run will read it."""

    @classmethod
    def masked(cls, gateway: str, reading: ReceiptReading) -> _Report:
        """Return a report that may be stored: in every field, texts that look like a phone number are masked."""
        reference, status = reading.reference, reading.gateway_status
        # A reference of ours has 32 hexadecimal digits, which may look like a phone number by chance, so our reference
        # is not masked.
        is_ours = reference is not None and _OUR_REFERENCE.fullmatch(reference)
        kept = replace(
            reading,
            reference=reference if reference is None or is_ours else mask_phones(reference),
            gateway_status=None if status is None else mask_phones(status),
            raw={name: mask_phones(value) for name, value in reading.raw.items()},
        )
        return cls(gateway, kept)


def store_and_read_receipt(connection: Connection, name: str, reading: ReceiptReading) -> Effect:
    """Store a receipt, commit, and only then read the receipt. If reading fails, the stored receipt is not lost."""
    report = _Report.masked(name, reading)
    _store_and_read(connection, [report])
    effect = report.effect.result()
    assert effect is not None
    return effect


class Intake:
    """Stores and reads receipts for a web process, in one thread and one connection.

    Receipts that arrive during a write wait. The next write stores all of them together, because the commit takes most
    of the time (docs/decisions/sending.md).

    Args:
        connection: opens a connection to the ledger. ``Intake`` has at most one such connection open at a time.
        leaves: meanings of receipts that this process may not read. The process stores such receipts, and the next run
            reads them.
    """

    def __init__(
        self, connection: Callable[[], AbstractContextManager[Connection]], leaves: Collection[Meaning] = ()
    ) -> None:
        self._connection, self._leaves = connection, leaves
        self._guard = threading.Lock()
        self._waiting: list[_Report] = []
        self._is_taking = False
        """Whether the thread is running: it was woken and has not found the queue empty yet. If each receipt woke the
        thread, the thread would compete with the other threads of the process for Python's global interpreter lock."""
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="receipts")

    def take(self, name: str, reading: ReceiptReading) -> Future[Effect | None]:
        """Queue a receipt. The future gets the receipt's effect once the receipt is stored, read and committed, or
        ``None`` once the receipt is stored and left to the next run."""
        report = _Report.masked(name, reading)
        with self._guard:
            self._waiting.append(report)
            if not self._is_taking:
                self._thread.submit(self._take_waiting)
                self._is_taking = True
        return report.effect

    def close(self) -> None:
        """End the thread once all waiting receipts are stored."""
        self._thread.shutdown()

    def _take_waiting(self) -> None:
        while reports := self._next_reports():
            try:
                with self._connection() as connection:
                    _store_and_read(connection, reports, self._leaves)
            except Exception as failure:
                for report in reports:
                    if not report.effect.done():
                        report.effect.set_exception(failure)

    def _next_reports(self) -> Sequence[_Report]:
        with self._guard:
            reports, self._waiting = self._waiting[:_MOST_TOGETHER], self._waiting[_MOST_TOGETHER:]
            self._is_taking = bool(reports)
            return reports


def _store_and_read(connection: Connection, reports: Sequence[_Report], leaves: Collection[Meaning] = ()) -> None:
    """Store receipts and commit, then read the receipts and commit, and report the effect of each receipt.

    Write all receipts together. If that fails, each receipt is written alone. Receipts of a meaning in ``leaves`` are
    not read.
    """
    stored = []
    for report, receipt_id in _together(connection, _store_receipts, reports):
        if isinstance(receipt_id, Exception):
            report.effect.set_exception(receipt_id)
        elif report.reading.meaning in leaves:
            report.effect.set_result(None)
        else:
            stored.append((receipt_id, report))
    for (_, report), effect in _together(connection, _read_receipts, stored):
        if isinstance(effect, Exception):
            report.effect.set_exception(effect)
        else:
            report.effect.set_result(effect)


def _together(
    connection: Connection, work: Callable[[Connection, Sequence[Item]], Mapping[int, Result]], items: Sequence[Item]
) -> list[tuple[Item, Result | Exception]]:
    """Do the work for all items in one transaction. If the results lack some of the items, do the work again for these
    items. If the transaction fails or gives no result, do the work for each item alone."""
    if not items:
        return []
    results: Mapping[int, Result | Exception]
    try:
        results = work(connection, items)
        connection.commit()
    except Exception as failure:
        connection.rollback()
        results = {0: failure} if len(items) == 1 else {}
    done = [(items[position], result) for position, result in results.items()]
    left = [item for position, item in enumerate(items) if position not in results]
    for repeated in [left] if results else [[item] for item in left]:
        done += _together(connection, work, repeated)
    return done


def _store_receipts(connection: Connection, reports: Sequence[_Report]) -> Mapping[int, int]:
    new = [
        NewReceipt(report.gateway, report.reading.reference, report.reading.gateway_status, report.reading.raw)
        for report in reports
    ]
    return dict(enumerate(save_receipts(connection, new)))


def _read_receipts(connection: Connection, stored: Sequence[tuple[int, _Report]]) -> Mapping[int, Effect]:
    read = [
        ReadReceipt(receipt_id, report.gateway, report.reading.reference, report.reading.meaning)
        for receipt_id, report in stored
    ]
    effects = apply_receipts(connection, read, datetime.now(UTC))
    return {position: effects[number] for position, (number, _) in enumerate(stored) if number in effects}


def read_left_over_receipts() -> int:
    """Read stored receipts that could not be read before, for gateways that have an Airflow connection. Return the
    number of receipts read."""
    with connect() as connection:
        left = unread_receipts(connection)
        connection.commit()
        opened: dict[str, Gateway] = {}
        for name in {receipt.gateway for receipt in left}:
            with suppress(GatewayMisconfigured):
                opened[name] = open_gateway(name)
        stored = []
        for receipt in (each for each in left if each.gateway in opened):
            status = receipt.gateway_status
            reading = ReceiptReading(receipt.reference, status, opened[receipt.gateway].meaning_of(status), {})
            stored.append((receipt.receipt_id, _Report(receipt.gateway, reading)))
        read = 0
        for begin in range(0, len(stored), _MOST_TOGETHER):
            for (receipt_id, _), effect in _together(
                connection, _read_receipts, stored[begin : begin + _MOST_TOGETHER]
            ):
                if isinstance(effect, Error):
                    # One bad receipt must not block other receipts or the sending that follows. It stays unread.
                    log.warning("receipt %s: %s", receipt_id, reason_without_values(effect))
                elif isinstance(effect, Exception):
                    raise effect
                else:
                    read += 1
        return read
