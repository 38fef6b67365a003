"""What is found about a source, collected; and what one check could not see of what another found."""

from __future__ import annotations

import re
from collections.abc import Iterable, Set
from dataclasses import dataclass, field
from typing import Final

from motcua.domain.checks import KINDS, Finding
from motcua.domain.dossiers import clean_code
from motcua.domain.phones.reading import holds_phone

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


def is_hidden(kind: str, found: Set[str]) -> bool:
    """Whether a check that found these kinds of things could not see that one, which therefore need not be gone."""
    order = KINDS
    return (
        kind not in found
        and kind not in _REACHING
        and any(order.index(each) < order.index(kind) for each in found & _HIDING)
    )


@dataclass(slots=True)
class Findings:
    """Collects what is found, in the order of ``KINDS`` once it is taken."""

    source: str = ""
    found: dict[str, Finding] = field(default_factory=dict)

    def add(
        self,
        name: str,
        rows: int | None = None,
        of: int | None = None,
        names: Iterable[str] = (),
        examples: Iterable[str | None] = (),
    ) -> None:
        """One finding of a check, a second one takes its place: so many rows of those looked at; columns, tables, codes
        of statuses or of agencies; codes of a few dossiers."""
        facts = {"rows": rows, "of": of, "names": tuple(names), "examples": shown_codes(examples)}
        self.found[name] = Finding(name, facts, self.source)

    def __contains__(self, name: str) -> bool:
        return name in self.found

    def in_order(self) -> list[Finding]:
        """As they are told."""
        return [self.found[name] for name in KINDS if name in self.found]


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
