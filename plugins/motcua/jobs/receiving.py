"""Receiving: stores a delivery report as it came, then reads it."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Literal

from psycopg import Error

from motcua.gateways import GatewayMisconfigured, open_gateway
from motcua.gateways.adapter import Gateway, ReceiptReading
from motcua.store.database import Connection, connect, reason_without_values
from motcua.store.receipts import apply_receipt, save_receipt, unread_receipts

log = logging.getLogger(__name__)


def receive(
    connection: Connection, gateway: Gateway, name: str, fields: Mapping[str, str]
) -> Literal["applied", "no_change", "unknown_reference"]:
    """Stores the report that a gateway brought, and reads it."""
    return keep_and_read(connection, name, gateway.read_receipt(fields))


def keep_and_read(
    connection: Connection, name: str, reading: ReceiptReading
) -> Literal["applied", "no_change", "unknown_reference"]:
    """Stores a report, commits, and only then reads it: a failure in reading loses nothing."""
    receipt_id = save_receipt(
        connection,
        gateway=name,
        reference=reading.reference,
        gateway_status=reading.gateway_status,
        raw=reading.raw,
    )
    connection.commit()
    effect = _read(connection, receipt_id, name, reading)
    connection.commit()
    return effect


def _read(
    connection: Connection, receipt_id: int, gateway: str, reading: ReceiptReading
) -> Literal["applied", "no_change", "unknown_reference"]:
    return apply_receipt(
        connection,
        receipt_id=receipt_id,
        gateway=gateway,
        reference=reading.reference,
        meaning=reading.meaning,
        reason=f"gateway status {reading.gateway_status}" if reading.meaning in ("undelivered", "refused") else None,
        now=datetime.now(UTC),
    )


def read_left_over_receipts() -> int:
    """Reads receipts that were stored while reading them failed; returns how many."""
    with connect() as connection:
        left = unread_receipts(connection)
        for row in left:
            try:
                gateway = open_gateway(row["gateway"])
            except GatewayMisconfigured:
                continue
            reading = ReceiptReading(
                row["reference"], row["gateway_status"], gateway.meaning_of(row["gateway_status"]), {}
            )
            try:
                _read(connection, row["receipt_id"], row["gateway"], reading)
            except Error as failure:
                # One report must not hold up the others, nor the sending that comes after; it stays unread.
                connection.rollback()
                log.warning("receipt %s: %s", row["receipt_id"], reason_without_values(failure))
            connection.commit()
        return len(left)
