"""The journal of attempts: what left for which message, kept outside the ledger.

A ledger that is restored forgets what it sent since. So each attempt has a line in a file before its request leaves,
synced to its disk, and another with the gateway's answer: the ledger's high mark, and what lies between it and an older
ledger. One file a day (UTC), one JSON object a line, appended under a lock; no number, no name, no words. Where a
process that is frozen keeps a file to itself, the others go on in another one of that day. It belongs on storage that
is not restored together with the ledger (docs/decisions/restores.md).
"""

from __future__ import annotations

import fcntl
import json
import os
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime
from itertools import chain
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from motcua.domain.phones.reading import holds_phone
from motcua.settings import settings

_IDENTITY, _BEGUN = "journal.json", "begun.json"
_TAIL = 1 << 18
"""Bytes at a journal's end that are looked at before each run: some thousand attempts, far more than one commit has."""
_FREE_WITHIN = 1.0
"""Seconds after which whoever keeps a file to itself is taken for frozen, and another one is begun."""
_LOOK_AGAIN = 0.001
"""Seconds."""


class JournalFailed(Exception):
    """The journal takes no line, or cannot be read; nothing may be sent. The message says why, and what to do."""


@dataclass(frozen=True, slots=True)
class Departure:
    """An attempt whose request leaves now."""

    reference: str
    """Our own, which the gateway's receipts name."""
    departed_at: datetime
    gateway: str
    source: str
    agency_code: str
    dossier_code: str
    kind: str
    occasion: str
    """In words that a restored ledger knows: ``number 12`` (the source's), ``row``, ``due 2026-11-28``."""
    segments: int


@dataclass(frozen=True, slots=True)
class JournaledAnswer:
    """What the gateway answered to an attempt."""

    reference: str
    answered_at: datetime
    outcome: str
    gateway_reference: str | None


@dataclass(frozen=True, slots=True)
class JournaledAttempt:
    """An attempt as the journal knows it."""

    departure: Departure
    answer: JournaledAnswer | None


@dataclass(frozen=True, slots=True)
class _Begun:
    """What is kept of files beside them, by their names without their end."""

    begun: frozenset[str]
    lost: frozenset[str]
    """Those that were begun again, since they were gone."""

    def since(self, day: str) -> _Begun:
        return _Begun(*(frozenset(each for each in names if each >= day) for names in (self.begun, self.lost)))


class Journal:
    """The journal in a folder; several processes may write it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._number = 1
        """Which of a day's files it writes."""
        self._begun: set[str] = set()
        """Files that this process has seen begun."""

    def identity(self) -> UUID | None:
        """The journal's own id; ``None``: there is none in the folder yet.

        Raises:
            JournalFailed: the folder holds lines and no id, or one that cannot be read.
        """
        try:
            return UUID(json.loads((self.folder / _IDENTITY).read_text(encoding="utf-8"))["journal_id"])
        except FileNotFoundError:
            if self._days():
                raise JournalFailed(f"{self.folder} holds lines of a journal and no {_IDENTITY}: put it back") from None
            return None
        except (OSError, ValueError, KeyError, TypeError) as failure:
            raise JournalFailed(f"{self.folder / _IDENTITY} cannot be read ({_words(failure)}): mend it") from None

    def begin(self) -> UUID:
        """Begins a journal in the folder, unless one is there; gives its id.

        Raises:
            JournalFailed: the folder cannot be written.
        """
        if (known := self.identity()) is not None:
            return known
        new = uuid4()
        written = self.folder / f".{_IDENTITY}.{new.hex}"
        try:
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            with written.open("w", encoding="utf-8") as file:
                json.dump({"journal_id": str(new)}, file)
                file.flush()
                os.fsync(file.fileno())
            # Whoever is second leaves the first one's.
            with suppress(FileExistsError):
                os.link(written, self.folder / _IDENTITY)
            written.unlink()
            sync_folder(self.folder)
        except OSError as failure:
            raise JournalFailed(_cannot_write(self.folder, failure)) from None
        found = self.identity()
        return new if found is None else found

    def write(self, departures: Sequence[Departure], answers: Sequence[JournaledAnswer], now: datetime) -> None:
        """Appends lines; with a departure among them they are on the disk when this returns.

        Raises:
            JournalFailed: nothing of it may be taken for written.
        """
        lines = [
            {
                "ref": each.reference,
                "at": each.departed_at.isoformat(),
                "gateway": each.gateway,
                "source": each.source,
                "agency": each.agency_code,
                "dossier": each.dossier_code,
                "kind": each.kind,
                "occasion": each.occasion,
                "segments": each.segments,
            }
            for each in departures
        ] + [
            {
                "ref": each.reference,
                "answered": each.answered_at.isoformat(),
                "outcome": each.outcome,
                # Some providers make it of the number: such a message cannot be asked for after a restore.
                "gateway_ref": None if holds_phone(each.gateway_reference or "") else each.gateway_reference,
            }
            for each in answers
        ]
        content = "".join(json.dumps(line, ensure_ascii=False, separators=(",", ":")) + "\n" for line in lines).encode()
        day = now.astimezone(UTC).date().isoformat()
        while not self._append(self._file(day), content, synced=bool(departures)):
            self._number += 1

    def tail(self) -> list[Departure]:
        """The last departures, the newest last: of the last two days that have any, as many as lie near the end.

        Raises:
            JournalFailed: a file cannot be read.
        """
        found: list[Departure] = []
        for path in chain.from_iterable(list(self._days().values())[-2:]):
            found += [line for line in self._lines(path, last=_TAIL) if isinstance(line, Departure)]
        return found

    def attempts(self, since: date | None = None) -> Iterator[list[JournaledAttempt]]:
        """All attempts day by day, the newest day first, each with its answer where one is known.

        ``since``: of this day and later ones only.

        Raises:
            JournalFailed: a file cannot be read.
        """
        answers: dict[str, JournaledAnswer] = {}
        for day, paths in reversed(self._days().items()):
            if since is not None and day < since.isoformat():
                break
            departures: list[Departure] = []
            for line in chain.from_iterable(map(self._lines, paths)):
                if isinstance(line, Departure):
                    departures.append(line)
                else:
                    # An answer may come on the next day; of two the later one holds.
                    answers[line.reference] = line
            yield [JournaledAttempt(each, answers.pop(each.reference, None)) for each in departures]

    def damage(self, since: date | None = None) -> str | None:
        """What it lacks, in words: days whose file is gone, and lines that cannot be read; ``None``: nothing.

        The rest of a line that its process died in is no damage: what was not written whole did not leave.

        Args:
            since: all lines of this day and later ones are read; else only those near the end.

        Raises:
            JournalFailed: a file cannot be read.
        """
        paths, kept = self._files(), self._read_begun()
        gone = (kept.begun - {path.stem for path in paths}) | kept.lost
        looked_at = (
            list(chain.from_iterable(list(self._days().values())[-2:]))
            if since is None
            else [path for path in paths if path.stem >= since.isoformat()]
        )
        missing = sorted(gone if since is None else (day for day in gone if day >= since.isoformat()))
        parts = [f"the file of {', '.join(missing)} is gone"] if missing else []
        for path in looked_at:
            content = self._content(path, last=_TAIL if since is None else None)
            if unreadable := sum(_line(each) is None and not _is_torn(each) for each in content):
                parts.append(f"{unreadable} line(s) of {path.stem} cannot be read")
        return "; ".join(parts) or None

    def forget(self, before: date) -> int:
        """Takes away the days before this one; gives how many."""
        old = [path for day, paths in self._days().items() if day < before.isoformat() for path in paths]
        for path in old:
            with suppress(FileNotFoundError):
                path.unlink()
        kept = self._read_begun()
        if min(kept.begun | kept.lost, default=before.isoformat()) < before.isoformat():
            self._write_begun(kept.since(before.isoformat()))
        return len(old)

    def _file(self, day: str) -> Path:
        return self.folder / (f"{day}.jsonl" if self._number == 1 else f"{day}.{self._number}.jsonl")

    def _append(self, path: Path, content: bytes, *, synced: bool) -> bool:
        self._begin(path)
        return append_lines(path, content, synced=synced, within=_FREE_WITHIN)

    def _begin(self, path: Path) -> None:
        """Begins a file, and keeps that it was begun: what is gone later was lost."""
        if path.stem in self._begun and path.exists():
            return
        try:
            kept, is_there = self._read_begun(), path.exists()
            begun = kept.begun | {path.stem} | {each.stem for each in self._files()}
            lost = kept.lost | ({path.stem} & kept.begun if not is_there else set())
            if (begun, lost) != (kept.begun, kept.lost):
                self._write_begun(_Begun(begun, lost))
            if not is_there:
                path.touch(mode=0o600)
                sync_folder(self.folder)
        except OSError as failure:
            raise JournalFailed(_cannot_write(self.folder, failure)) from None
        self._begun.add(path.stem)

    def _read_begun(self) -> _Begun:
        try:
            kept = json.loads((self.folder / _BEGUN).read_text(encoding="utf-8"))
            return _Begun(frozenset(kept["begun"]), frozenset(kept["lost"]))
        except (FileNotFoundError, NotADirectoryError):
            return _Begun(frozenset(), frozenset())
        except (OSError, ValueError, KeyError, TypeError) as failure:
            raise JournalFailed(f"{self.folder / _BEGUN} cannot be read ({_words(failure)}): mend it") from None

    def _write_begun(self, kept: _Begun) -> None:
        # No lock, which a frozen process would keep: two that begin the same file write the same.
        written = self.folder / f".{_BEGUN}.{uuid4().hex}"
        with written.open("w", encoding="utf-8") as file:
            json.dump({"begun": sorted(kept.begun), "lost": sorted(kept.lost)}, file)
            file.flush()
            os.fsync(file.fileno())
        written.replace(self.folder / _BEGUN)

    def _days(self) -> dict[str, list[Path]]:
        """The files of each day, the oldest day first."""
        days: dict[str, list[Path]] = {}
        for path in self._files():
            days.setdefault(path.name[:10], []).append(path)
        return days

    def _files(self) -> list[Path]:
        try:
            return sorted(self.folder.glob("????-??-??*.jsonl"))
        except OSError as failure:
            raise JournalFailed(f"{self.folder} cannot be read ({_words(failure)})") from None

    def _lines(self, path: Path, last: int | None = None) -> Iterable[Departure | JournaledAnswer]:
        return [line for each in self._content(path, last) if (line := _line(each)) is not None]

    def _content(self, path: Path, last: int | None) -> list[bytes]:
        try:
            with path.open("rb") as file:
                if last is not None and (size := file.seek(0, os.SEEK_END)) > last:
                    file.seek(size - last)
                    file.readline()
                else:
                    file.seek(0)
                content = file.read()
        except OSError as failure:
            raise JournalFailed(f"{path} cannot be read ({_words(failure)})") from None
        return content.split(b"\n")


def append_lines(path: Path, content: bytes, *, synced: bool, within: float = float("inf")) -> bool:
    """Appends whole lines to a file of the journal's folder; several processes may do so at once.

    Args:
        path: the file; it is made where it is missing.
        content: lines, each with its end.
        synced: they are on the disk when this returns.
        within: seconds that another process is waited for which has the file to itself.

    Returns:
        Whether they were appended; else another process had it all the while.

    Raises:
        JournalFailed: nothing of it may be taken for written.
    """
    try:
        is_new = not path.exists()
        descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            if not _lock(descriptor, within):
                return False
            # What a process that died left of a line must not spoil the next one.
            size = os.fstat(descriptor).st_size
            if size and os.pread(descriptor, 1, size - 1) != b"\n":
                content = b"\n" + content
            while content:
                content = content[os.write(descriptor, content) :]
            if synced:
                os.fdatasync(descriptor)
        finally:
            os.close(descriptor)
        if is_new:
            sync_folder(path.parent)
    except OSError as failure:
        raise JournalFailed(_cannot_write(path.parent, failure)) from None
    return True


def _lock(descriptor: int, within: float) -> bool:
    until = time.monotonic() + within
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= until:
                return False
            time.sleep(_LOOK_AGAIN)
        else:
            return True


def open_journal() -> Journal:
    """The journal of this deployment."""
    return Journal(settings().journal_folder)


def _line(content: bytes) -> Departure | JournaledAnswer | None:
    """What a line says; ``None``: the rest of one that was not written whole."""
    try:
        line: dict[str, Any] = json.loads(content)
        if "answered" in line:
            answered_at = datetime.fromisoformat(line["answered"])
            return JournaledAnswer(line["ref"], answered_at, line["outcome"], line["gateway_ref"])
        return Departure(
            reference=line["ref"],
            departed_at=datetime.fromisoformat(line["at"]),
            gateway=line["gateway"],
            source=line["source"],
            agency_code=line["agency"],
            dossier_code=line["dossier"],
            kind=line["kind"],
            occasion=line["occasion"],
            segments=line["segments"],
        )
    except (ValueError, KeyError, TypeError):
        return None


def _is_torn(content: bytes) -> bool:
    """Whether a line that cannot be read is the beginning of one, or nothing."""
    return not content or (content.startswith(b'{"ref":') and not content.endswith(b"}"))


def sync_folder(folder: Path) -> None:
    """Has the disk hold which files are in a folder."""
    entry = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(entry)
    finally:
        os.close(entry)


def _words(failure: Exception) -> str:
    return (failure.strerror if isinstance(failure, OSError) else None) or type(failure).__name__


def _cannot_write(folder: Path, failure: OSError) -> str:
    return (
        f"The journal of attempts in {folder} cannot be written ({_words(failure)}). Nothing is sent without it: make "
        "room, or set MOTCUA_JOURNAL to the folder where it is."
    )
