"""One-stop software that can only export files; what was read of them lies where pushes lie."""

from __future__ import annotations

from motcua.sources.national_sync import NationalSyncSource


class FilesSource(NationalSyncSource):
    """Reads what exports told, from the ledger's own tables, as what was pushed (docs/decisions/intake.md)."""
