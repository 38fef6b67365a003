"""What messages cost: each gateway's units at its price, and the same messages by SMS alone.

A closing that counts no channels knows SMS segments and one price. Amounts are exact; who shows one rounds it.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import ROUND_HALF_UP, Decimal
from typing import Protocol

from motcua.domain.reconciliation import Closing, Figures

OTHER = "other"
"""Stands in a gateway's prices for every carrier that is not named."""


class Billed(Protocol):
    """What a gateway took, and bills."""

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
    """Đồng a unit of the row's gateway, as the closing has it; ``None``: not known."""
    own = (closing.prices or {}).get(row.gateway)
    if own is not None:
        price = own.get(row.carrier, own.get(OTHER))
        return None if price is None else Decimal(price)
    return _sms_price(closing) if row.billed_unit == "segment" else None


def cost_of(closing: Closing, rows: Iterable[Billed]) -> Decimal | None:
    """Đồng that the rows cost; ``None``: the price of one is not known."""
    total = Decimal(0)
    for row in rows:
        price = price_of(closing, row)
        if price is None:
            return None
        total += price * row.units
    return total


def cost_by_sms_alone(closing: Closing, rows: Iterable[Billed]) -> Decimal | None:
    """Đồng that the rows' messages would have cost by SMS, as they were planned; ``None``: its price is not known."""
    price = _sms_price(closing)
    return None if price is None else price * sum(row.segments for row in rows)


def unpriced(closing: Closing, rows: Iterable[Billed]) -> list[tuple[str, str]]:
    """Gateways whose price is not known, each with the unit that it bills."""
    return sorted({(row.gateway, row.billed_unit) for row in rows if price_of(closing, row) is None})


def spent(closing: Closing, figures: Figures) -> int | None:
    """Đồng that a closing's messages cost; ``None``: a price is not known."""
    if closing.known_attempt is None:
        price = closing.segment_price
        return None if price is None else price * sum(each.segments for each in figures.messages)
    return whole(cost_of(closing, figures.channels))


def whole(amount: Decimal | None) -> int | None:
    """An amount in whole đồng."""
    return None if amount is None else int(amount.quantize(Decimal(1), ROUND_HALF_UP))


def _sms_price(closing: Closing) -> Decimal | None:
    return None if closing.segment_price is None else Decimal(closing.segment_price)
