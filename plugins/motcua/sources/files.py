"""One-stop software that can only export files. The content of the files is stored in the same tables as pushes."""

from __future__ import annotations

from motcua.sources.national_sync import NationalSyncSource


class FilesSource(NationalSyncSource):
    """Reads the content of exports from the ledger's own tables, as pushes are read (docs/decisions/intake.md)."""
