"""Folders of files as one stream (tar), out of a store and back into it: publications, and statements handed in."""

from __future__ import annotations

import io
import os
import tarfile
import threading
from collections.abc import Callable, Generator, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING

from motcua.jobs.backup.folders import BackupDamaged
from motcua.jobs.publications.publishing import StoreFailed, is_local, store_file

if TYPE_CHECKING:
    from airflow.sdk import ObjectStoragePath

_CHUNK = 1024 * 1024


@dataclass
class PutBack:
    """What became of the files of a backup."""

    written: int = 0
    same: int = 0
    """Were there already, byte for byte."""
    differing: list[str] = field(default_factory=list)
    """Were there already with other bytes, and were left as they are."""


class Pack:
    """The files of a store as a stream that is written while it is read."""

    def __init__(self, store: ObjectStoragePath) -> None:
        self.files = 0
        self._store = store
        self._failure: Exception | None = None

    @contextmanager
    def open(self) -> Iterator[IO[bytes]]:
        """The stream; ``files`` is right when it was read to its end.

        Raises:
            OSError: a file of the store cannot be read.
        """
        reading, writing = os.pipe()
        packing = threading.Thread(target=self._pack, args=(os.fdopen(writing, "wb"),), daemon=True)
        packing.start()
        with os.fdopen(reading, "rb") as stream:
            yield stream
        packing.join()
        if self._failure is not None:
            raise self._failure

    def _pack(self, stream: IO[bytes]) -> None:
        try:
            with stream, tarfile.open(fileobj=stream, mode="w|", format=tarfile.PAX_FORMAT) as archive:
                for path, name in files_of(self._store):
                    # One that is taken away meanwhile was none of the backup's.
                    with suppress(FileNotFoundError):
                        content = path.read_bytes()
                        about = tarfile.TarInfo(name)
                        about.size = len(content)
                        # An object store tells no time that could be given back to it.
                        about.mtime = int(Path(path.path).stat().st_mtime) if is_local(path) else 0
                        archive.addfile(about, io.BytesIO(content))
                        self.files += 1
        except BrokenPipeError:
            # Nobody reads it any more; that one has a reason of its own.
            return
        except Exception as error:  # handed over to the reader
            self._failure = error


def files_of(store: ObjectStoragePath) -> Iterator[tuple[ObjectStoragePath, str]]:
    """Each file of a store with its name from the store's folder on."""
    base = f"{store.path.rstrip('/')}/"
    if store.exists():
        for path in sorted(store.rglob("*"), key=str):
            if path.is_file():
                yield path, path.path.removeprefix(base)


def put_back(store: ObjectStoragePath, unpack: Callable[[IO[bytes]], None]) -> PutBack:
    """Puts the files of a stream into a store, each where none of its name is.

    Args:
        store: where they belong.
        unpack: writes the stream.

    Raises:
        StoreFailed: the store takes nothing; files that were put back stay.
        BackupDamaged: the stream is no archive.
        Exception: what ``unpack`` raised.
    """
    done = PutBack()
    with closing(_members(unpack)) as members:
        for name, changed, content in members:
            path = store / name
            try:
                if path.exists():
                    same = path.is_file() and path.read_bytes() == content
                    done.same += same
                    done.differing += [] if same else [name]
                else:
                    store_file(path, content)
                    if is_local(path):
                        # Of two statements of a month the later one counts.
                        os.utime(path.path, (changed, changed))
                    done.written += 1
            except OSError as error:
                raise StoreFailed(f"{path} cannot be written: {error.strerror or error}.") from error
    return done


def count_files(unpack: Callable[[IO[bytes]], None]) -> int:
    """Reads an archive to its end; how many files it holds.

    Raises:
        BackupDamaged: the stream is no archive.
        Exception: what ``unpack`` raised.
    """
    return sum(1 for _ in _members(unpack))


def _members(unpack: Callable[[IO[bytes]], None]) -> Generator[tuple[str, float, bytes], None, None]:
    """The files of an archive that somebody writes, one after another: name, when it was changed last, content."""
    failures: list[BaseException] = []
    reading, writing = os.pipe()

    def write() -> None:
        # The end of the stream comes with the end of the block, whatever happens.
        with suppress(BrokenPipeError), os.fdopen(writing, "wb") as stream:
            try:
                unpack(stream)
            except BrokenPipeError:
                raise
            except BaseException as error:
                failures.append(error)

    unpacking = threading.Thread(target=write, daemon=True)
    unpacking.start()
    try:
        with os.fdopen(reading, "rb") as stream:
            try:
                with tarfile.open(fileobj=stream, mode="r|") as archive:
                    for member in archive:
                        file = archive.extractfile(member)
                        if not member.isfile() or file is None or _leads_out(member.name):
                            raise BackupDamaged(f"The archive holds {member.name!r}, which no backup puts there.")
                        yield member.name, member.mtime, file.read()
                # The last blocks, so that whoever writes comes to its end.
                while stream.read(_CHUNK):
                    pass
            except tarfile.TarError:
                if not failures:
                    raise BackupDamaged("The archive cannot be read: it is none of tar's, or breaks off.") from None
    finally:
        unpacking.join()
        if failures:
            raise failures[0]


def _leads_out(name: str) -> bool:
    return name.startswith("/") or ".." in name.split("/")
