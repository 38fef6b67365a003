"""The list of erasures: whose personal data was emptied. It is stored outside the ledger, in the folder of the journal,
which records the requests to gateways.

A restored ledger contains the data again that was emptied after the backup. Each batch of emptied rows therefore gets a
line in this list before the batch is committed, and the ledger stores the line's reference. If the ledger does not
know a line's reference, a restore brought the data of that line back.

There is one file for each day (UTC) with one JSON object on each line. A dossier is listed by its agency and code. Any
other row is listed by its number in the ledger, together with the gateway of an inquiry, the source of a row in
quarantine, or the agency of a complaint. The list contains no phone number, no name and no text
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
"""How many lines at the end of the list are checked before each run that sends messages."""


@dataclass(frozen=True, slots=True)
class Erasure:
    """One batch of rows whose personal data was emptied."""

    reference: str
    """The reference that the ledger stores too: 32 hexadecimal digits."""
    at: datetime
    kind: str
    """A kind of rows: one of :data:`motcua.store.personal_data.KINDS`."""
    listed: Sequence[Sequence[str]] | None
    """The emptied rows, in the form of :attr:`motcua.store.personal_data.Order.only_these`. ``None`` stands for all
    rows whose retention time was over at the moment ``at``."""


class ErasureList:
    """The list of erasures in the journal's folder. Several processes may write it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def write(self, erasure: Erasure) -> None:
        """Append a batch as a line. The line is synced to the disk when this method returns.

        Raises:
            JournalFailed: the line may not have been written.
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
        append_lines(self.folder / _file_name(erasure.at.astimezone(UTC).date()), content, synced=True)

    def tail(self) -> list[Erasure]:
        """Return the last batches, the newest last: at most ``_TAIL`` of them, and all batches of days of the future,
        which were written while the clock was ahead.

        Raises:
            JournalFailed: a file cannot be read.
        """
        today = _file_name(datetime.now(UTC).date())
        files = self._files()
        found: list[Erasure] = []
        for path in reversed([path for path in files if path.name <= today]):
            found = _read_file(path) + found
            if len(found) >= _TAIL:
                break
        ahead = [erasure for path in files if path.name > today for erasure in _read_file(path)]
        return found[-_TAIL:] + ahead

    def days(self) -> Iterator[list[Erasure]]:
        """Yield all batches day by day, the newest day first.

        Raises:
            JournalFailed: a file cannot be read.
        """
        for path in reversed(self._files()):
            yield _read_file(path)

    def forget(self, before: date) -> int:
        """Delete the files of the days before ``before``. Return the number of deleted files."""
        old = [path for path in self._files() if path.name < _file_name(before)]
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
    """Return the list of erasures of this deployment."""
    return ErasureList(settings().journal_folder)


def _file_name(day: date) -> str:
    """Return the name of the file of a day. The names sort like the days."""
    return f"{_PREFIX}{day.isoformat()}.jsonl"


def _read_file(path: Path) -> list[Erasure]:
    try:
        content = path.read_bytes()
    except OSError as failure:
        raise JournalFailed(f"{path} cannot be read ({os.strerror(failure.errno or 0)})") from None
    return [found for line in content.splitlines() if (found := _parse_line(line)) is not None]


def _parse_line(content: bytes) -> Erasure | None:
    """Parse a line. Return ``None`` if the line was not completely written."""
    try:
        line = json.loads(content)
        listed = line["listed"]
        return Erasure(line["ref"], datetime.fromisoformat(line["at"]), line["kind"], listed)
    except (ValueError, KeyError, TypeError):
        return None
