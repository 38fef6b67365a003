"""Releasing: a person lets messages of unknown outcome go again.

A release repeats the stored words; nobody can edit, address or compose a message. The sender looks at each once more
before it goes, as at any other. Who, when and why is kept for good.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from motcua.domain.phones.reading import holds_phone
from motcua.domain.run_window import EVERYTHING, Window
from motcua.jobs.notices.receiving import read_left_over_receipts
from motcua.store.ledger.database import connect
from motcua.store.notices import messages


def release(
    released_by: str,
    reason: str,
    window: Window = EVERYTHING,
    *,
    message_ids: Sequence[int] | None = None,
    gateway: str | None = None,
    now: datetime | None = None,
) -> list[int]:
    """Queues messages of unknown outcome again while they are useful; returns their ids.

    Receipts that were stored but not read are read first: what they settle is not released.

    Raises:
        ValueError: nobody is named, or no reason is given, or the reason holds a phone number.
    """
    if not released_by.strip() or not reason.strip():
        raise ValueError("a release needs who does it and why")
    if holds_phone(reason):
        raise ValueError("something in the reason looks like a phone number")
    read_left_over_receipts()
    with connect() as ledger:
        return messages.release(
            ledger,
            window,
            now or datetime.now(UTC),
            released_by=released_by.strip(),
            reason=reason.strip(),
            message_ids=message_ids,
            gateway=gateway,
        )
