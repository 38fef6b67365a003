"""How a run is sealed: hashes that anybody can compute again from the run's rows, pure.

The content is what was asked and what was found, without the moment: the same data give the same hash. The seal ties it
to the run and to the seal before.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from motcua.store.oversight.quality import BrokenPart, RuleCount, RuleOutcome

FIRST = "0" * 64
"""What the first run follows."""


def content_hash(
    thresholds: Mapping[str, float],
    rules: Iterable[Mapping[str, Any]],
    dossiers: Mapping[str, int],
    results: Iterable[RuleOutcome],
    counts: Iterable[RuleCount],
    broken_agencies: Iterable[BrokenPart] = (),
) -> str:
    """SHA-256 over the canonical JSON of a run's content.

    Args:
        thresholds: every value used, by ``<code>.<name>``.
        rules: ``code`` and ``digest`` of each rule of the suite.
        dossiers: how many were checked, by agency.
        results: what was said of each rule.
        counts: how many rows each returned, by agency.
        broken_agencies: what was broken of whom; a run that has none is hashed as before there could be any.
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
    """SHA-256 over the previous seal, the content's hash, the run's id and its moment in UTC, one a line."""
    lines = (previous, content, run_id, as_of.astimezone(UTC).isoformat())
    return hashlib.sha256("\n".join(lines).encode("utf-8")).hexdigest()
