"""Files that a browser sent and that wait beside their place, under names that no run takes, until whoever sent them
confirms them."""

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
"""Bytes of a file that is sent by the page: some eight hundred thousand lines of a statement. A larger one is put into
the folder by hand."""
KEPT_WAITING: Final = timedelta(hours=24)
"""How long a file waits for being confirmed."""
_WAITING: Final = ".cho-xac-nhan-"
_PIECE: Final = 1024 * 1024
_LONGEST_NAME: Final = 60
"""Characters of a name, ending not counted: of Vietnamese ones some 180 bytes."""
_ENDINGS: Final = (".csv", ".txt", ".xlsx", ".xlsm", ".xls", ".xlsb", ".ods")


class NothingKept(Exception):
    """A file that was sent is not kept; nothing was written."""


class NoLongerWaiting(NothingKept):
    """What is to be confirmed does not wait any more, or never did."""


class FolderFailed(NothingKept):
    """The folder that it belongs into cannot be written to."""


def usable_name(sent: str, first: bytes, nameless: str = "bang-ke") -> str:
    """The name that a file may have in a folder: no path, no mark that cannot be seen, an ending that runs know.

    Args:
        sent: as the browser tells it, from whatever machine.
        first: the file's first bytes, by which a workbook is known under any name.
        nameless: what one is called of whose name nothing is left.
    """
    text = re.split(r"[/\\]", unicodedata.normalize("NFC", sent))[-1]
    text = "".join(" " if each.isspace() else each for each in text if each.isspace() or each.isprintable())
    text = re.sub(r"[<>:\"|?*]", "-", re.sub(r"\s+", " ", text)).strip(" .~$")
    stem, dot, ending = text.rpartition(".")
    if not dot or f".{ending.lower()}" not in _ENDINGS:
        stem, ending = text, "xlsx" if first.startswith(b"PK\x03\x04") else "csv"
    return f"{stem[:_LONGEST_NAME].strip(' .') or nameless}.{ending.lower()}"


def free_path(folder: ObjectStoragePath, name: str) -> ObjectStoragePath:
    """Where a file of this name may be put without taking another one's place."""
    stem, ending = name[: -len(Path(name).suffix)], Path(name).suffix
    number = 1
    while True:
        path = folder / (name if number == 1 else f"{stem} ({number}){ending}")
        if not path.exists():
            return path
        number += 1


def is_digest(written: str) -> bool:
    """Whether it is the mark of a file that may wait: its SHA-256, hexadecimal."""
    return re.fullmatch("[0-9a-f]{64}", written) is not None


def digest_of(file: IO[bytes]) -> str:
    """SHA-256 of a file, hexadecimal."""
    file.seek(0)
    digest = sha256()
    while piece := file.read(_PIECE):
        digest.update(piece)
    return digest.hexdigest()


def waiting_path(folder: ObjectStoragePath, mark: str) -> ObjectStoragePath:
    """Where a file of this mark waits; a run passes over names that begin with a dot."""
    return folder / f"{_WAITING}{mark}"


def is_waiting(name: str) -> bool:
    """Whether a file of a folder waits for being confirmed."""
    return name.startswith(_WAITING)


@contextmanager
def folder_answers() -> Iterator[None]:
    """Where a folder is worked with.

    Raises:
        FolderFailed: it does not answer, or not to us.
    """
    try:
        yield
    except OSError as error:
        raise FolderFailed(error.strerror or type(error).__name__) from error


def forget_old(folder: ObjectStoragePath, now: datetime) -> None:
    """Removes what has waited for longer than a day."""
    if folder.is_dir():
        for path in folder.iterdir():
            with suppress(FileNotFoundError):
                if is_waiting(path.name) and datetime.fromtimestamp(path.stat().st_mtime, UTC) < now - KEPT_WAITING:
                    path.unlink()


def put(file: IO[bytes], path: ObjectStoragePath) -> None:
    """Puts a file there when all of it is written."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.parent / f"{_WAITING}{token_hex(8)}.part"
    file.seek(0)
    try:
        with part.fs.open(part.path, "wb") as target:
            if part.protocol in ("", "file", "local"):
                Path(part.path).chmod(0o600)
            while piece := file.read(_PIECE):
                target.write(piece)
        part.fs.mv(part.path, path.path)
    except OSError:
        with suppress(OSError):
            part.unlink(missing_ok=True)
        raise
