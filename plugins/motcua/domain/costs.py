"""Calculate what messages cost: each gateway's billed units at its price, and the same messages sent by SMS alone.

A closing is the stored figures of a finished period. A closing that an earlier version of the software made has no
figures per channel, but only SMS segments and one price.
Amounts are exact ``Decimal`` values, and are rounded only where they are shown.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import ROUND_HALF_UP, Decimal
from typing import Protocol

from motcua.domain.reconciliation import Closing, Figures

OTHER = "other"
"""Key in a gateway's prices for every carrier that has no price of its own."""


class Billed(Protocol):
    """A row of figures: the units that one gateway bills for the messages that it accepted for one carrier."""

    @property
    def gateway(self) -> str: ...  # noqa: D102

    @property
    def billed_unit(self) -> str: ...  # noqa: D102

    @property
    def carrier(self) -> str: ...  # noqa: D102

    @property
    def units(self) -> int: ...  # noqa: D102

    @property
    def segments(self) -> int: ...  # noqa: D102


def price_of(closing: Closing, row: Billed) -> Decimal | None:
    """Return the closing's price in đồng per unit at the row's gateway and carrier; ``None`` if no price is known."""
    own = (closing.prices or {}).get(row.gateway)
    if own is not None:
        price = own.get(row.carrier, own.get(OTHER))
        return None if price is None else Decimal(price)
    return _sms_price(closing) if row.billed_unit == "segment" else None


def cost_of(closing: Closing, rows: Iterable[Billed]) -> Decimal | None:
    """Return the cost of the rows in đồng; ``None`` if the price of one row is not known."""
    total = Decimal(0)
    for row in rows:
        price = price_of(closing, row)
        if price is None:
            return None
        total += price * row.units
    return total


def cost_by_sms_alone(closing: Closing, rows: Iterable[Billed]) -> Decimal | None:
    """Return what the rows' messages would have cost in đồng if all had been sent by SMS.

    The price is multiplied by the segments that planning counted for the texts. The result is ``None`` if the SMS price
    is not known.
    """
    price = _sms_price(closing)
    return None if price is None else price * sum(row.segments for row in rows)


def unpriced(closing: Closing, rows: Iterable[Billed]) -> list[tuple[str, str]]:
    """Return the gateways whose price is not known, each with the unit that it bills."""
    return sorted({(row.gateway, row.billed_unit) for row in rows if price_of(closing, row) is None})


def spent(closing: Closing, figures: Figures) -> int | None:
    """Return what a closing's messages cost, in đồng; ``None`` if a price is not known."""
    if closing.known_attempt is None:
        price = closing.segment_price
        return None if price is None else price * sum(each.segments for each in figures.messages)
    return whole(cost_of(closing, figures.channels))


def whole(amount: Decimal | None) -> int | None:
    """Round an amount to whole đồng."""
    return None if amount is None else int(amount.quantize(Decimal(1), ROUND_HALF_UP))


def _sms_price(closing: Closing) -> Decimal | None:
    return None if closing.segment_price is None else Decimal(closing.segment_price)
