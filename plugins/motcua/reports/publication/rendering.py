"""What a report is rendered as, by number: a publication says by which it was made, and is made again by that one.

Renderings share all code and all templates. What one does otherwise than another stands here, and its words in
``include/templates/report/publication.N.vi.yaml``, which holds those alone that rendering N says otherwise than N + 1.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from motcua.domain.reconciliation import MessageFigures
from motcua.reports.wording import percent, percent_as_short_as_can_be

RENDERING = 3
"""Number of what a report is rendered as now. Whoever changes a byte of what the same report gives raises it, wherever
the change is: a word, a layout, a sum of the domain; and keeps what the one before did, here and in a file of words.
``tests/golden_publications.py`` holds the bytes of each and says how new ones are recorded."""


@dataclass(frozen=True, slots=True)
class Rendering:
    """One rendering. Figures are named as in ``MessageFigures``, columns as the words above them."""

    number: int
    base: str
    """The figure that the delivered messages are a share of."""
    share: str
    """That share."""
    percent: Callable[[float], str]
    percent_format: str
    """Of a cell in a workbook."""
    identity: tuple[str, ...]
    """Columns of the identity by kind, between the kind and the difference."""
    agencies: tuple[str, ...]
    """Columns of messages by agency, between the agency and the change."""
    procedures: tuple[str, ...]
    """Columns of messages by procedure, between the agency and the difference."""
    lost: tuple[str, ...]
    """States that the chart of messages draws as what went wrong."""
    share_columns: tuple[str, ...]
    """Columns of a workbook that hold the share, and what it is of where no other column does."""
    print_template: str
    """Of include/templates/report."""
    sheets_of_days: bool
    """A day is a plain sheet of figures; else it has the form of a document that is issued, as longer periods have."""

    def base_of(self, row: MessageFigures) -> int:
        """How many messages the share is of."""
        number: int = getattr(row, self.base)
        return number

    def share_of(self, row: MessageFigures) -> float | None:
        """Share that was delivered, 0 to 1; ``None``: there is nothing to have a share of."""
        share: float | None = getattr(row, self.share)
        return share


_FIRST = Rendering(
    number=1,
    base="expected",
    share="delivered_of_expected",
    percent=percent_as_short_as_can_be,
    percent_format="0.0%",
    identity=("expected", "not_sent", "waiting", "rejected", "sent", "delivered", "of_expected", "of_sent"),
    agencies=("expected", "sent", "delivered", "of_expected"),
    procedures=("expected", "delivered", "of_expected"),
    lost=("suppressed", "cancelled", "expired", "rejected"),
    share_columns=("delivered_of_expected",),
    print_template="publication.2.typ",
    sheets_of_days=False,
)
_SECOND = Rendering(
    number=2,
    base="tellable",
    share="delivered_of_tellable",
    percent=percent,
    percent_format="0.0 %",
    identity=(
        "expected", "suppressed", "cancelled", "tellable",
        "waiting", "lost", "sent", "delivered", "of_tellable",
    ),
    agencies=("expected", "suppressed", "cancelled", "tellable", "delivered", "of_tellable"),
    procedures=("expected", "tellable", "delivered", "of_tellable"),
    lost=("expired", "rejected"),
    share_columns=("tellable", "delivered_of_tellable"),
    print_template="publication.2.typ",
    sheets_of_days=False,
)  # fmt: skip
_THIRD = replace(_SECOND, number=3, print_template="publication.typ", sheets_of_days=True)
RENDERINGS = {each.number: each for each in (_FIRST, _SECOND, _THIRD)}
"""By number: all that publications were made by, the first one first."""
