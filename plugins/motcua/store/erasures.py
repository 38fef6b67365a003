"""The list of the erased: whose personal data was emptied, kept outside the ledger beside its journal.

A ledger that is restored has the data again that was emptied since. So each batch has a line here before it is
committed, and the ledger has the line's reference: what it does not know, it brought back. One file a day (UTC), one
JSON object a line: dossiers by agency and code, others by our number: inquiries with their gateway, rows in quarantine
with their source, complaints with their agency; no number of a phone, no name, no words
(docs/decisions/personal-data.md).
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

from motcua.settings import settings
from motcua.store.journal import JournalFailed, append_lines

_PREFIX = "erased-"
_TAIL = 20
"""Lines at the end of the list that are looked at before each run."""


@dataclass(frozen=True, slots=True)
class Erasure:
    """One batch of rows that were emptied."""

    reference: str
    """The same in the ledger: 32 hexadecimal digits."""
    at: datetime
    kind: str
    """dossiers, inquiries, receipts, quarantine or complaints."""
    listed: Sequence[Sequence[str]] | None
    """What was emptied, as :class:`motcua.store.personal_data.Order` names it; ``None``: all whose time was over
    then."""


class ErasureList:
    """The list in the journal's folder; several processes may write it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def write(self, erasure: Erasure) -> None:
        """Appends a batch; it is on the disk when this returns.

        Raises:
            JournalFailed: it may not be taken for written.
        """
        line = {
            "ref": erasure.reference,
            "at": erasure.at.isoformat(),
            "kind": erasure.kind,
            "listed": None if erasure.listed is None else [list(each) for each in erasure.listed],
        }
        try:
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as failure:
            raise JournalFailed(f"{self.folder} cannot be made ({failure.strerror})") from None
        content = json.dumps(line, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
        append_lines(
            self.folder / f"{_PREFIX}{erasure.at.astimezone(UTC).date().isoformat()}.jsonl", content, synced=True
        )

    def tail(self) -> list[Erasure]:
        """The last batches, the newest last.

        Raises:
            JournalFailed: a file cannot be read.
        """
        found: list[Erasure] = []
        for path in reversed(self._files()):
            found = _read(path) + found
            if len(found) >= _TAIL:
                break
        return found[-_TAIL:]

    def days(self) -> Iterator[list[Erasure]]:
        """All batches day by day, the newest day first.

        Raises:
            JournalFailed: a file cannot be read.
        """
        for path in reversed(self._files()):
            yield _read(path)

    def forget(self, before: date) -> int:
        """Takes away the days before this one; gives how many."""
        old = [path for path in self._files() if path.stem.removeprefix(_PREFIX) < before.isoformat()]
        for path in old:
            with suppress(FileNotFoundError):
                path.unlink()
        return len(old)

    def _files(self) -> list[Path]:
        try:
            return sorted(self.folder.glob(f"{_PREFIX}????-??-??.jsonl"))
        except OSError as failure:
            raise JournalFailed(f"{self.folder} cannot be read ({os.strerror(failure.errno or 0)})") from None


def open_erasures() -> ErasureList:
    """The list of the erased of this deployment."""
    return ErasureList(settings().journal_folder)


def _read(path: Path) -> list[Erasure]:
    try:
        content = path.read_bytes()
    except OSError as failure:
        raise JournalFailed(f"{path} cannot be read ({os.strerror(failure.errno or 0)})") from None
    return [found for line in content.splitlines() if (found := _line(line)) is not None]


def _line(content: bytes) -> Erasure | None:
    """What a line says; ``None``: the rest of one that was not written whole."""
    try:
        line = json.loads(content)
        listed = line["listed"]
        return Erasure(line["ref"], datetime.fromisoformat(line["at"]), line["kind"], listed)
    except (ValueError, KeyError, TypeError):
        return None
