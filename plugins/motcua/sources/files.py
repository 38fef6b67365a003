"""Read the data of one-stop software that can only export files. The files are stored in the tables of pushed data."""

from __future__ import annotations

from motcua.sources.national_sync import NationalSyncSource


class FilesSource(NationalSyncSource):
    """Reads the stored content of the files in the same way as pushed data (docs/decisions/intake.md)."""
