"""Store files from a browser beside their final place until the person who uploaded them confirms them.

The names of waiting files begin with a dot, so that no run imports them.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from secrets import token_hex
from typing import IO, TYPE_CHECKING, Final

if TYPE_CHECKING:
    from airflow.sdk import ObjectStoragePath

LARGEST_UPLOAD: Final = 64 * 1024 * 1024
"""Largest file that the page accepts, in bytes: some eight hundred thousand lines of a carrier statement. A larger file
must be put into the folder by hand."""
KEPT_WAITING: Final = timedelta(hours=24)
"""How long a file waits for its confirmation."""
_WAITING: Final = ".cho-xac-nhan-"
_CHUNK_SIZE: Final = 1024 * 1024
_LONGEST_NAME: Final = 60
"""Largest number of characters in a name without its ending. With Vietnamese letters, such a name has some 180
bytes."""
_ENDINGS: Final = (".csv", ".txt", ".xlsx", ".xlsm", ".xls", ".xlsb", ".ods")


class NothingKept(Exception):
    """A file from a browser is not stored. Nothing was written."""


class NoLongerWaiting(NothingKept):
    """The file to confirm does not wait any more, or never did."""


class FolderFailed(NothingKept):
    """The folder of the file cannot be written to."""


def usable_name(sent: str, first: bytes, nameless: str = "bang-ke") -> str:
    """Return the name that a file gets in a folder: without a path and invisible characters, with an ending that runs
    accept.

    Args:
        sent: name as the browser sends it, from any operating system.
        first: first bytes of the file, by which a workbook is recognized under any name.
        nameless: stem of the name if no character of the sent name is usable.
    """
    text = re.split(r"[/\\]", unicodedata.normalize("NFC", sent))[-1]
    text = "".join(" " if each.isspace() else each for each in text if each.isspace() or each.isprintable())
    text = re.sub(r"[<>:\"|?*]", "-", re.sub(r"\s+", " ", text)).strip(" .~$")
    stem, dot, ending = text.rpartition(".")
    if not dot or f".{ending.lower()}" not in _ENDINGS:
        stem, ending = text, "xlsx" if first.startswith(b"PK\x03\x04") else "csv"
    return f"{stem[:_LONGEST_NAME].strip(' .') or nameless}.{ending.lower()}"


def free_path(folder: ObjectStoragePath, name: str) -> ObjectStoragePath:
    """Return a path in the folder for a file of this name. If the name is taken, a number is added."""
    stem, ending = name[: -len(Path(name).suffix)], Path(name).suffix
    number = 1
    while True:
        path = folder / (name if number == 1 else f"{stem} ({number}){ending}")
        if not path.exists():
            return path
        number += 1


def is_digest(written: str) -> bool:
    """Return whether a text has the form of a SHA-256 in hexadecimal, by which waiting files are identified."""
    return re.fullmatch("[0-9a-f]{64}", written) is not None


def digest_of(file: IO[bytes]) -> str:
    """Return the SHA-256 of a file in hexadecimal."""
    file.seek(0)
    digest = sha256()
    while piece := file.read(_CHUNK_SIZE):
        digest.update(piece)
    return digest.hexdigest()


def waiting_path(folder: ObjectStoragePath, mark: str) -> ObjectStoragePath:
    """Return the path of the waiting file that ``mark`` (its SHA-256, sometimes with a month) identifies. The file's
    name begins with a dot, and runs skip such names."""
    return folder / f"{_WAITING}{mark}"


def is_waiting(name: str) -> bool:
    """Return whether a file with this name waits for a confirmation."""
    return name.startswith(_WAITING)


@contextmanager
def folder_answers() -> Iterator[None]:
    """Turn errors of a folder into ``FolderFailed``.

    Raises:
        FolderFailed: the folder does not answer, or refuses the access.
    """
    try:
        yield
    except OSError as error:
        raise FolderFailed(error.strerror or type(error).__name__) from error


def forget_old(folder: ObjectStoragePath, now: datetime) -> None:
    """Remove files that have waited for longer than a day."""
    if folder.is_dir():
        for path in folder.iterdir():
            with suppress(FileNotFoundError):
                if is_waiting(path.name) and datetime.fromtimestamp(path.stat().st_mtime, UTC) < now - KEPT_WAITING:
                    path.unlink()


def put(file: IO[bytes], path: ObjectStoragePath) -> None:
    """Write a file under a temporary name and move it to its path when it is complete."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.parent / f"{_WAITING}{token_hex(8)}.part"
    file.seek(0)
    try:
        with part.fs.open(part.path, "wb") as target:
            if part.protocol in ("", "file", "local"):
                Path(part.path).chmod(0o600)
            while piece := file.read(_CHUNK_SIZE):
                target.write(piece)
        part.fs.mv(part.path, path.path)
    except OSError:
        with suppress(OSError):
            part.unlink(missing_ok=True)
        raise
