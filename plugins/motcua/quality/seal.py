"""Seal a run: compute hashes that anybody can compute again from the run's rows. Pure: no I/O.

The content hash covers the rules and the findings, without times, so that equal data give an equal hash. The seal is a
hash over the content hash, the run and the previous seal.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from motcua.store.oversight.quality import BrokenPart, RuleCount, RuleOutcome

FIRST = "0" * 64
"""The value that the first run has as its previous seal."""


def content_hash(
    thresholds: Mapping[str, float],
    rules: Iterable[Mapping[str, Any]],
    dossiers: Mapping[str, int],
    results: Iterable[RuleOutcome],
    counts: Iterable[RuleCount],
    broken_agencies: Iterable[BrokenPart] = (),
) -> str:
    """Return the SHA-256 over the canonical JSON of a run's content.

    Args:
        thresholds: every threshold that was used, by ``<code>.<name>``.
        rules: ``code`` and ``digest`` of each rule of the suite.
        dossiers: number of checked dossiers, by agency.
        results: result of each rule.
        counts: number of rows that each rule returned, by agency.
        broken_agencies: broken parts of the snapshot. If there are none, the hash is equal to the hash of earlier
            versions of the software, which did not have this field.
    """
    content: dict[str, Any] = {
        "thresholds": {name: float(value) for name, value in thresholds.items()},
        "rules": sorted([rule["code"], rule["digest"]] for rule in rules),
        "dossiers": dict(dossiers),
        "results": sorted([each.rule, each.status, each.found, each.rows_hash or ""] for each in results),
        "counts": sorted([each.rule, each.agency_code or "", each.found] for each in counts),
    }
    if broken := sorted([each.agency_code or "", each.fault] for each in broken_agencies):
        content["broken_agencies"] = broken
    text = json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def seal(previous: str, content: str, run_id: str, as_of: datetime) -> str:
    """Return the SHA-256 over four lines: previous seal, content hash, the run's id, and its time in UTC."""
    lines = (previous, content, run_id, as_of.astimezone(UTC).isoformat())
    return hashlib.sha256("\n".join(lines).encode("utf-8")).hexdigest()
