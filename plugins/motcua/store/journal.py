"""The journal of attempts. It records, outside the ledger, which request was sent to a gateway for which message.

A restored ledger does not know what was sent after the backup. Each attempt therefore has a line in a file, synced to
the disk before its request leaves, and another line with the gateway's answer. After a restore the journal shows until
when messages were sent and which attempts the ledger lacks.

There is one file for each day (UTC) with one JSON object on each line, appended under a lock. A line contains no phone
number, no name and no text. If a frozen process holds the lock of a file, the other processes continue in a second file
of that day. The journal's storage must not be restored together with the ledger (docs/decisions/restores.md).
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
"""How many bytes at the end of a file are read before each run that sends. So many bytes hold some thousand attempts,
far more than the ledger stores in one commit."""
_FREE_WITHIN = 1.0
"""Time limit for locking a file, in seconds. If a file stays locked for longer, the process that locked the file is
considered frozen, and another file is begun."""
_LOCK_PAUSE = 0.001
"""The pause between two tries to lock a file, in seconds."""


class JournalFailed(Exception):
    """Raised if the journal cannot be written or read, so that nothing may be sent. The message gives the reason and
    what to do."""


@dataclass(frozen=True, slots=True)
class Departure:
    """The line of an attempt, written just before its request leaves."""

    reference: str
    """Our own reference, which the gateway's receipts name."""
    departed_at: datetime
    gateway: str
    source: str
    agency_code: str
    dossier_code: str
    kind: str
    occasion: str
    """The occasion of the message, without an id of the ledger. A restored ledger may give the same id to another row.

    ``number 12``: the transition with this number at the source. ``row``: the dossier's row itself, not a transition.
    ``due 2026-11-28``: the day on which the dossier is due, for an apology.
    """
    segments: int


@dataclass(frozen=True, slots=True)
class JournaledAnswer:
    """The gateway's answer to an attempt."""

    reference: str
    answered_at: datetime
    outcome: str
    gateway_reference: str | None


@dataclass(frozen=True, slots=True)
class JournaledAttempt:
    """An attempt in the journal. ``answer`` is ``None`` if no answer was recorded."""

    departure: Departure
    answer: JournaledAnswer | None


@dataclass(frozen=True, slots=True)
class _Begun:
    """The names, without suffix, of the journal's files that were begun.

    These names are stored beside the files, so that the loss of a file is noticed.
    """

    begun: frozenset[str]
    lost: frozenset[str]
    """The files that had disappeared and were begun again."""

    def since(self, day: str) -> _Begun:
        return _Begun(*(frozenset(each for each in names if each >= day) for names in (self.begun, self.lost)))


class Journal:
    """The journal in a folder. Several processes may write it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._number = 1
        """The number of the day's file that this process writes: 1, or more if earlier files stayed locked."""
        self._begun: set[str] = set()
        """Names of files of which this process knows that ``begun.json`` lists them."""

    def identity(self) -> UUID | None:
        """Return the journal's id. ``None`` if the folder has no journal yet.

        Raises:
            JournalFailed: the folder has lines but no id, or the id cannot be read.
        """
        try:
            return UUID(json.loads((self.folder / _IDENTITY).read_text(encoding="utf-8"))["journal_id"])
        except FileNotFoundError:
            if self._days():
                raise JournalFailed(
                    f"{self.folder} has files of a journal but no {_IDENTITY}: restore that file"
                ) from None
            return None
        except (OSError, ValueError, KeyError, TypeError) as failure:
            raise JournalFailed(
                f"{self.folder / _IDENTITY} cannot be read ({_reason_of(failure)}): repair it"
            ) from None

    def begin(self) -> UUID:
        """Begin a journal in the folder, unless one is there, and return its id.

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
            # If two processes begin a journal at once, the id of the first process is used.
            with suppress(FileExistsError):
                os.link(written, self.folder / _IDENTITY)
            written.unlink()
            sync_folder(self.folder)
        except OSError as failure:
            raise JournalFailed(_cannot_write(self.folder, failure)) from None
        found = self.identity()
        return new if found is None else found

    def write(self, departures: Sequence[Departure], answers: Sequence[JournaledAnswer], now: datetime) -> None:
        """Append lines. If there are departures, all lines are synced to the disk when this method returns.

        Raises:
            JournalFailed: the lines may not have been written.
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
                # Some providers derive their reference from the phone number, so it is left out. After a restore such
                # a provider cannot be asked about the message.
                "gateway_ref": None if holds_phone(each.gateway_reference or "") else each.gateway_reference,
            }
            for each in answers
        ]
        content = "".join(json.dumps(line, ensure_ascii=False, separators=(",", ":")) + "\n" for line in lines).encode()
        day = now.astimezone(UTC).date().isoformat()
        while not self._append(self._file(day), content, synced=bool(departures)):
            self._number += 1

    def tail(self) -> list[Departure]:
        """Return the last departures, the newest last, from the ends of the last files.

        Raises:
            JournalFailed: a file cannot be read.
        """
        found: list[Departure] = []
        for path in self._last_files():
            found += [line for line in self._lines(path, last=_TAIL) if isinstance(line, Departure)]
        return found

    def attempts(self, since: date | None = None) -> Iterator[list[JournaledAttempt]]:
        """Yield all attempts day by day, the newest day first, each with its answer if one is known.

        ``since`` limits the days to this day and later ones.

        Raises:
            JournalFailed: a file cannot be read.
        """
        answers: dict[str, JournaledAnswer] = {}
        for day, paths in reversed(self._days().items()):
            if since is not None and day < since.isoformat():
                break
            departures: list[Departure] = []
            of_this_day: dict[str, JournaledAnswer] = {}
            for line in chain.from_iterable(map(self._lines, paths)):
                if isinstance(line, Departure):
                    departures.append(line)
                else:
                    of_this_day[line.reference] = line
            # An answer may be recorded on the day after the attempt. If an attempt has two answers, the later one
            # counts.
            answers = of_this_day | answers
            yield [JournaledAttempt(each, answers.pop(each.reference, None)) for each in departures]

    def damage(self, since: date | None = None) -> str | None:
        """Return the journal's faults in words: days without their file, and unreadable lines. ``None`` if there are
        none.

        An incomplete line of a process that died is no fault, because a request leaves only after its whole line is
        written.

        Args:
            since: check the whole files of this day and later days. ``None`` checks only the ends of the last files.

        Raises:
            JournalFailed: a file cannot be read.
        """
        paths, kept = self._files(), self._read_begun()
        gone = (kept.begun - {path.stem for path in paths}) | kept.lost
        looked_at = self._last_files() if since is None else [path for path in paths if path.stem >= since.isoformat()]
        missing = sorted(gone if since is None else (day for day in gone if day >= since.isoformat()))
        parts = [f"the file of {', '.join(missing)} is gone"] if missing else []
        for path in looked_at:
            content = self._content(path, last=_TAIL if since is None else None)
            if unreadable := sum(_parse_line(each) is None and not _is_torn(each) for each in content):
                parts.append(f"{unreadable} line(s) of {path.stem} cannot be read")
        return "; ".join(parts) or None

    def forget(self, before: date) -> int:
        """Delete the files of the days before ``before``. Return the number of deleted files."""
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
        self._begin_file(path)
        return append_lines(path, content, synced=synced, within=_FREE_WITHIN)

    def _begin_file(self, path: Path) -> None:
        """Create a file if necessary, and record its name, so that a file that disappears later is noticed."""
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
            raise JournalFailed(f"{self.folder / _BEGUN} cannot be read ({_reason_of(failure)}): repair it") from None

    def _write_begun(self, kept: _Begun) -> None:
        # No lock is used, because a process that freezes would not release the lock. Two processes that begin the same
        # file write the same content.
        written = self.folder / f".{_BEGUN}.{uuid4().hex}"
        with written.open("w", encoding="utf-8") as file:
            json.dump({"begun": sorted(kept.begun), "lost": sorted(kept.lost)}, file)
            file.flush()
            os.fsync(file.fileno())
        written.replace(self.folder / _BEGUN)

    def _days(self) -> dict[str, list[Path]]:
        """Return the files of each day, the oldest day first."""
        days: dict[str, list[Path]] = {}
        for path in self._files():
            days.setdefault(path.name[:10], []).append(path)
        return days

    def _last_files(self) -> list[Path]:
        """Return the files of the last two days that have files, and of days of the future, which were written while
        the clock was ahead."""
        today = datetime.now(UTC).date().isoformat()
        days = self._days()
        first = ["", *(day for day in days if day <= today)][-2:][0]
        return list(chain.from_iterable(paths for day, paths in days.items() if day >= first))

    def _files(self) -> list[Path]:
        try:
            return sorted(self.folder.glob("????-??-??*.jsonl"))
        except OSError as failure:
            raise JournalFailed(f"{self.folder} cannot be read ({_reason_of(failure)})") from None

    def _lines(self, path: Path, last: int | None = None) -> Iterable[Departure | JournaledAnswer]:
        return [line for each in self._content(path, last) if (line := _parse_line(each)) is not None]

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
            raise JournalFailed(f"{path} cannot be read ({_reason_of(failure)})") from None
        return content.split(b"\n")


def append_lines(path: Path, content: bytes, *, synced: bool, within: float = float("inf")) -> bool:
    """Append whole lines to a file of the journal's folder. Several processes may do so at once.

    Args:
        path: the file, which is created if it is missing.
        content: lines, each with its line end.
        synced: ``True`` if the lines must be synced to the disk before this function returns.
        within: how many seconds to wait for another process that has locked the file.

    Returns:
        ``True`` if the lines were appended. ``False`` if another process kept the file locked all this time.

    Raises:
        JournalFailed: the lines may not have been written.
    """
    try:
        is_new = not path.exists()
        descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            if not _lock(descriptor, within):
                return False
            # A process that died may have left an incomplete line. The new lines must not be appended to it.
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
            time.sleep(_LOCK_PAUSE)
        else:
            return True


def open_journal() -> Journal:
    """Return the journal of this deployment."""
    return Journal(settings().journal_folder)


def _parse_line(content: bytes) -> Departure | JournaledAnswer | None:
    """Parse a line. Return ``None`` if the line was not completely written."""
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
    """Return whether an unreadable line is empty or the beginning of a line that was not completely written."""
    return not content or (content.startswith(b'{"ref":') and not content.endswith(b"}"))


def sync_folder(folder: Path) -> None:
    """Sync a folder to the disk, so that its new files survive a crash of the machine."""
    entry = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(entry)
    finally:
        os.close(entry)


def _reason_of(failure: Exception) -> str:
    return (failure.strerror if isinstance(failure, OSError) else None) or type(failure).__name__


def _cannot_write(folder: Path, failure: OSError) -> str:
    return (
        f"The journal of attempts in {folder} cannot be written ({_reason_of(failure)}). No message is sent without "
        "it. Free disk space, or set MOTCUA_JOURNAL to the folder of the journal."
    )
