"""What can be found about a source. What each means, in words, is in include/templates/checking/findings.vi.yaml."""

from __future__ import annotations

import re
from collections.abc import Iterable, Set
from dataclasses import dataclass, field
from typing import Final, Literal, TypeAlias

from motcua.domain.checks import CHECKS, KINDS
from motcua.domain.dossiers import clean_code
from motcua.domain.phones.reading import holds_phone

Severity: TypeAlias = Literal["forbids", "warns"]
"""``forbids``: nobody may be promised a message before it is mended; ``warns``: some citizens will miss theirs."""

FORBIDDEN_SHARE: Final = 0.05
MOST_EXAMPLES: Final = 5

_REACHING: Final = ("unreachable", "refused", "adapter_unknown", "connection_missing")
_HIDING: Final = frozenset(
    {
        *_REACHING,
        "encoding_unknown",
        "rights_missing",
        "views_missing",
        "columns_missing",
        "column_types",
        "unreadable",
        "too_slow",
        "unanswered",
        "empty",
    }
)
"""Beside one of these a check did not look at what comes after it in ``KINDS``."""
TOLD_BY_PICKING_UP: Final = frozenset({"unreachable", "refused"})
"""What a pick-up meets within the minute, and what is over as soon: no alert of a check's, which is made once a day."""


def is_hidden(kind: str, found: Set[str]) -> bool:
    """Whether a check that found these kinds of things could not see that one, which therefore need not be gone."""
    order = KINDS
    return (
        kind not in found
        and kind not in _REACHING
        and any(order.index(each) < order.index(kind) for each in found & _HIDING)
    )


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is wrong with a source. Holds no name of a citizen and no number of a phone."""

    kind: str
    severity: Severity
    rows: int | None = None
    """How many rows, dossiers, numbers are so."""
    of: int | None = None
    """Of how many that were looked at."""
    names: tuple[str, ...] = ()
    """Columns, tables, codes of statuses or of agencies, shares: what it is about."""
    examples: tuple[str, ...] = ()
    """Codes of a few dossiers."""


@dataclass(slots=True)
class Findings:
    """Collects what is found, in the order of ``KINDS`` once it is taken."""

    found: dict[str, Finding] = field(default_factory=dict)

    def add(
        self,
        kind: str,
        rows: int | None = None,
        of: int | None = None,
        names: Iterable[str] = (),
        examples: Iterable[str | None] = (),
    ) -> None:
        """One finding of a kind; a second one of that kind takes its place."""
        weight = CHECKS[kind].severity
        share = rows / of if rows and of else 0.0
        severity: Severity = (
            "forbids" if weight == "error" or (weight == "by_share" and share >= FORBIDDEN_SHARE) else "warns"
        )
        self.found[kind] = Finding(kind, severity, rows, of, tuple(names), shown_codes(examples))

    def __contains__(self, kind: str) -> bool:
        return kind in self.found

    def in_order(self) -> list[Finding]:
        """As they are told."""
        return [self.found[kind] for kind in KINDS if kind in self.found]


_CODE: Final = re.compile(r"(?=.*\d)[A-Za-z0-9][A-Za-z0-9._/-]*")
"""What begins otherwise may be a formula to whoever opens a file of findings."""
_LETTER_RUNS: Final = re.compile(r"[A-Za-z]{6,}")


def shown_codes(codes: Iterable[str | None]) -> tuple[str, ...]:
    """The first codes of those that may be shown: in the place of a code anything may stand, a name or a number."""
    shown: dict[str, None] = {}
    for raw in codes:
        code = clean_code(raw) if raw else None
        if code is None or not _CODE.fullmatch(code) or _LETTER_RUNS.search(code) or holds_phone(code):
            continue
        shown[code] = None
        if len(shown) == MOST_EXAMPLES:
            break
    return tuple(shown)
