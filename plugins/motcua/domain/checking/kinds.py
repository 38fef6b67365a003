"""Collect the findings about a source, and decide which findings of earlier checks a check could not examine again."""

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
"""Kinds of findings that stop a check early. After such a finding the check examines no later kind of ``KINDS``."""


def is_hidden(kind: str, found: Set[str]) -> bool:
    """Return whether a check that found the kinds ``found`` could not examine the kind ``kind``.

    If the result is ``True``, the fault of an earlier finding of this kind may still exist.
    """
    order = KINDS
    return (
        kind not in found
        and kind not in _REACHING
        and any(order.index(each) < order.index(kind) for each in found & _HIDING)
    )


@dataclass(slots=True)
class Findings:
    """A collection of findings, listed in the order of ``KINDS``."""

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
        """Add one finding. If the collection has a finding with the same name, the new finding replaces it.

        Args:
            name: the finding's kind, one of ``KINDS``.
            rows: number of bad rows.
            of: number of rows that were checked.
            names: columns, tables, or codes of statuses or agencies.
            examples: codes of a few dossiers with bad rows.
        """
        facts = {"rows": rows, "of": of, "names": tuple(names), "examples": shown_codes(examples)}
        self.found[name] = Finding(name, facts, self.source)

    def __contains__(self, name: str) -> bool:
        return name in self.found

    def in_order(self) -> list[Finding]:
        """Return the findings in the order in which they are shown."""
        return [self.found[name] for name in KINDS if name in self.found]


_CODE: Final = re.compile(r"(?=.*\d)[A-Za-z0-9][A-Za-z0-9._/-]*")
"""Pattern of a code that is safe to show. A value with another first character might act as a formula in a
spreadsheet."""
_LETTER_RUNS: Final = re.compile(r"[A-Za-z]{6,}")


def shown_codes(codes: Iterable[str | None]) -> tuple[str, ...]:
    """Return the first few codes that are safe to show. A code column may contain a person's name or phone number."""
    shown: dict[str, None] = {}
    for raw in codes:
        code = clean_code(raw) if raw else None
        if code is None or not _CODE.fullmatch(code) or _LETTER_RUNS.search(code) or holds_phone(code):
            continue
        shown[code] = None
        if len(shown) == MOST_EXAMPLES:
            break
    return tuple(shown)
