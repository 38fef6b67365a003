"""The journal of attempts: what left for which message, kept outside the ledger.

A ledger that is restored forgets what it sent since. So each attempt has a line in a file before its request leaves,
synced to its disk, and another with the gateway's answer: the ledger's high mark, and what lies between it and an older
ledger. One file a day (UTC), one JSON object a line, appended under a lock; no number, no name, no words. It belongs on
storage that is not restored together with the ledger (docs/decisions/restores.md).
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from motcua.settings import settings

_IDENTITY, _BEGUN, _LOCK = "journal.json", "days.json", "days.lock"
_TAIL = 1 << 18
"""Bytes at a journal's end that are looked at before each run: some thousand attempts, far more than one commit has."""


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
class Answer:
    """What the gateway answered to an attempt."""

    reference: str
    answered_at: datetime
    outcome: str
    gateway_reference: str | None


@dataclass(frozen=True, slots=True)
class JournaledAttempt:
    """An attempt as the journal knows it."""

    departure: Departure
    answer: Answer | None


@dataclass(frozen=True, slots=True)
class _Days:
    """What is kept of the days beside their files."""

    begun: frozenset[str]
    lost: frozenset[str]
    """Days that were begun again, since their file was gone."""

    def since(self, day: str) -> _Days:
        return _Days(*(frozenset(each for each in days if each >= day) for days in (self.begun, self.lost)))


class Journal:
    """The journal in a folder; several processes may write it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._begun: set[str] = set()
        """Days whose file this process has seen begun."""

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
            _sync_folder(self.folder)
        except OSError as failure:
            raise JournalFailed(_cannot_write(self.folder, failure)) from None
        found = self.identity()
        return new if found is None else found

    def write(self, departures: Sequence[Departure], answers: Sequence[Answer], now: datetime) -> None:
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
                "gateway_ref": each.gateway_reference,
            }
            for each in answers
        ]
        content = "".join(json.dumps(line, ensure_ascii=False, separators=(",", ":")) + "\n" for line in lines).encode()
        path = self.folder / f"{now.astimezone(UTC).date().isoformat()}.jsonl"
        self._begin(path)
        append_lines(path, content, synced=bool(departures))

    def tail(self) -> list[Departure]:
        """The last departures, the newest last: of the last two days that have any, as many as lie near the end.

        Raises:
            JournalFailed: a file cannot be read.
        """
        found: list[Departure] = []
        for path in self._days()[-2:]:
            found += [line for line in self._lines(path, last=_TAIL) if isinstance(line, Departure)]
        return found

    def attempts(self, since: date | None = None) -> Iterator[list[JournaledAttempt]]:
        """All attempts day by day, the newest day first, each with its answer where one is known.

        ``since``: of this day and later ones only.

        Raises:
            JournalFailed: a file cannot be read.
        """
        answers: dict[str, Answer] = {}
        for path in reversed(self._days()):
            if since is not None and path.stem < since.isoformat():
                break
            departures: list[Departure] = []
            for line in self._lines(path):
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
        paths = self._days()
        days = self._read_days()
        gone = (days.begun - {path.stem for path in paths}) | days.lost
        looked_at = paths[-2:] if since is None else [path for path in paths if path.stem >= since.isoformat()]
        missing = sorted(gone if since is None else (day for day in gone if day >= since.isoformat()))
        parts = [f"the file of {', '.join(missing)} is gone"] if missing else []
        for path in looked_at:
            content = self._content(path, last=_TAIL if since is None else None)
            if unreadable := sum(_line(each) is None and not _is_torn(each) for each in content):
                parts.append(f"{unreadable} line(s) of {path.stem} cannot be read")
        return "; ".join(parts) or None

    def forget(self, before: date) -> int:
        """Takes away the days before this one; gives how many."""
        old = [path for path in self._days() if path.stem < before.isoformat()]
        for path in old:
            with suppress(FileNotFoundError):
                path.unlink()
        days = self._read_days()
        if min(days.begun | days.lost, default=before.isoformat()) < before.isoformat():
            with self._locked():
                self._write_days(self._read_days().since(before.isoformat()))
        return len(old)

    def _begin(self, path: Path) -> None:
        """Begins a day's file, and keeps that it was begun: what is gone later was lost."""
        if path.stem in self._begun and path.exists():
            return
        with self._locked():
            days, is_there = self._read_days(), path.exists()
            begun = days.begun | {path.stem} | {each.stem for each in self._days()}
            lost = days.lost | ({path.stem} & days.begun if not is_there else set())
            if (begun, lost) != (days.begun, days.lost):
                self._write_days(_Days(begun, lost))
            if not is_there:
                path.touch(mode=0o600)
                _sync_folder(self.folder)
        self._begun.add(path.stem)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """What one process keeps of the days no other one undoes."""
        try:
            with (self.folder / _LOCK).open("w") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                yield
        except OSError as failure:
            raise JournalFailed(_cannot_write(self.folder, failure)) from None

    def _read_days(self) -> _Days:
        try:
            kept = json.loads((self.folder / _BEGUN).read_text(encoding="utf-8"))
            return _Days(frozenset(kept["begun"]), frozenset(kept["lost"]))
        except FileNotFoundError:
            return _Days(frozenset(), frozenset())
        except (OSError, ValueError, KeyError, TypeError) as failure:
            raise JournalFailed(f"{self.folder / _BEGUN} cannot be read ({_words(failure)}): mend it") from None

    def _write_days(self, days: _Days) -> None:
        written = self.folder / f".{_BEGUN}.new"
        with written.open("w", encoding="utf-8") as file:
            json.dump({"begun": sorted(days.begun), "lost": sorted(days.lost)}, file)
            file.flush()
            os.fsync(file.fileno())
        written.replace(self.folder / _BEGUN)

    def _days(self) -> list[Path]:
        try:
            return sorted(self.folder.glob("????-??-??.jsonl"))
        except OSError as failure:
            raise JournalFailed(f"{self.folder} cannot be read ({_words(failure)})") from None

    def _lines(self, path: Path, last: int | None = None) -> Iterable[Departure | Answer]:
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


def append_lines(path: Path, content: bytes, *, synced: bool) -> None:
    """Appends whole lines to a file of the journal's folder; several processes may do so at once.

    Args:
        path: the file; it is made where it is missing.
        content: lines, each with its end.
        synced: they are on the disk when this returns.

    Raises:
        JournalFailed: nothing of it may be taken for written.
    """
    try:
        is_new = not path.exists()
        descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
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
            _sync_folder(path.parent)
    except OSError as failure:
        raise JournalFailed(_cannot_write(path.parent, failure)) from None


def open_journal() -> Journal:
    """The journal of this deployment."""
    return Journal(settings().journal_folder)


def _line(content: bytes) -> Departure | Answer | None:
    """What a line says; ``None``: the rest of one that was not written whole."""
    try:
        line: dict[str, Any] = json.loads(content)
        if "answered" in line:
            answered_at = datetime.fromisoformat(line["answered"])
            return Answer(line["ref"], answered_at, line["outcome"], line["gateway_ref"])
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


def _sync_folder(folder: Path) -> None:
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
