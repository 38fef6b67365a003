"""A folder that looks like a backup of a moment, for whoever looks at backups and not into them."""

from __future__ import annotations

import json
from dataclasses import fields
from datetime import datetime
from pathlib import Path

from motcua.jobs.backup.folders import FORMAT, MANIFEST, name_of
from motcua.store.ledger.dumps import LedgerDump


def write_backup(folder: Path, made_at: datetime) -> Path:
    """A backup of that moment without any part."""
    backup = folder / name_of(made_at)
    backup.mkdir(parents=True)
    facts = {
        "format": FORMAT,
        "made_at": made_at.isoformat(),
        "finished_at": made_at.isoformat(),
        "recipients": [],
        "ledger": {each.name: None for each in fields(LedgerDump)},
        "parts": [],
    }
    (backup / MANIFEST).write_text(json.dumps(facts), encoding="utf-8")
    return backup
