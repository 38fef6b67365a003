"""Pack the files of a store (publications or carrier statements) into one tar stream, and unpack them again."""

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
from motcua.jobs.publications.publishing import StoreFailed, is_local, store_file, write_whole

if TYPE_CHECKING:
    from airflow.sdk import ObjectStoragePath

_CHUNK = 1024 * 1024


@dataclass
class PutBack:
    """The numbers of files that a restore wrote, found unchanged, or found different."""

    written: int = 0
    same: int = 0
    """Number of files that the store already had with the same content."""
    differing: list[str] = field(default_factory=list)
    """Names of files that the store already had with other content. The restore does not change them."""


class Pack:
    """The files of a store as a tar stream. A thread writes the stream while the caller reads it."""

    def __init__(self, store: ObjectStoragePath) -> None:
        self.files = 0
        self._store = store
        self._failure: Exception | None = None

    @contextmanager
    def open(self) -> Iterator[IO[bytes]]:
        """Open the stream. ``files`` gives the number of files once the stream was read to its end.

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
        """Write the files of the store into a tar stream and close it."""
        try:
            with stream, tarfile.open(fileobj=stream, mode="w|", format=tarfile.PAX_FORMAT) as archive:
                for path, name in files_of(self._store):
                    # A file that is removed while the backup runs is left out.
                    with suppress(FileNotFoundError):
                        _add(archive, path, name)
                        self.files += 1
        except BrokenPipeError:
            # The reader stopped because of an error of its own.
            return
        except Exception as error:  # ``open`` raises this error for the reader
            self._failure = error


def _add(archive: tarfile.TarFile, path: ObjectStoragePath, name: str) -> None:
    """Add a file to an archive.

    Raises:
        FileNotFoundError: the file does not exist any more; nothing was added.
        OSError: the file cannot be read.
    """
    about = tarfile.TarInfo(name)
    if is_local(path):
        # The file is not read as a whole, because a carrier statement may be larger than the memory of the service that
        # makes backups.
        with Path(path.path).open("rb") as file:
            facts = os.fstat(file.fileno())
            about.size, about.mtime = facts.st_size, int(facts.st_mtime)
            archive.addfile(about, file)
        return
    content = path.read_bytes()
    # An object store has no modification time that a restore could set again.
    about.size, about.mtime = len(content), 0
    archive.addfile(about, io.BytesIO(content))


def files_of(store: ObjectStoragePath) -> Iterator[tuple[ObjectStoragePath, str]]:
    """Yield each file of a store, with its name relative to the store's folder."""
    base = f"{store.path.rstrip('/')}/"
    if store.exists():
        for path in sorted(store.rglob("*"), key=str):
            if path.is_file():
                yield path, path.path.removeprefix(base)


def put_back(store: ObjectStoragePath, unpack: Callable[[IO[bytes]], None]) -> PutBack:
    """Write the files of a tar stream into a store. A file is written only if the store has no file with that name.

    Args:
        store: store of the files.
        unpack: writes the tar stream into the stream that it receives.

    Raises:
        StoreFailed: the store cannot be written to. Files that were written before stay.
        BackupDamaged: the stream is no tar archive.
        Exception: the error of ``unpack``.
    """
    done = PutBack()
    with closing(_read_members(unpack)) as members, _damage_is_named():
        for name, changed, content in members:
            path = store / name
            try:
                if path.exists():
                    same = path.is_file() and _holds(path, content)
                    done.same += same
                    done.differing += [] if same else [name]
                elif is_local(path):
                    path.parent.mkdir(parents=True, exist_ok=True)
                    write_whole(Path(path.path), content)
                    # The later of two carrier statements for a month counts, so the file's time of change is restored,
                    # too.
                    os.utime(path.path, (changed, changed))
                    done.written += 1
                else:
                    store_file(path, content.read())
                    done.written += 1
            except OSError as error:
                raise StoreFailed(f"{path} cannot be written: {error.strerror or error}.") from error
    return done


def count_files(unpack: Callable[[IO[bytes]], None]) -> int:
    """Read an archive to its end and return its number of files.

    Raises:
        BackupDamaged: the stream is no tar archive.
        Exception: the error of ``unpack``.
    """
    files = 0
    with closing(_read_members(unpack)) as members, _damage_is_named():
        for _, _, content in members:
            while content.read(_CHUNK):
                pass
            files += 1
    return files


def _holds(path: ObjectStoragePath, content: IO[bytes]) -> bool:
    """Return whether a file has this content, which is read piece by piece."""
    with path.open("rb") as there:  # type: ignore[no-untyped-call]
        while piece := content.read(_CHUNK):
            if there.read(len(piece)) != piece:
                return False
        return not there.read(1)


@contextmanager
def _damage_is_named() -> Iterator[None]:
    try:
        yield
    except tarfile.TarError:
        raise BackupDamaged("The archive cannot be read: it is not a tar archive, or it is incomplete.") from None


def _read_members(unpack: Callable[[IO[bytes]], None]) -> Generator[tuple[str, float, IO[bytes]], None, None]:
    """Yield the name, modification time and content of each file in the archive that ``unpack`` writes. A content can
    be read only until the next file is requested."""
    failures: list[BaseException] = []
    reading, writing = os.pipe()

    def write() -> None:
        # The ``with`` block closes the stream after any error, so that the reader finds the end of the stream.
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
        with os.fdopen(reading, "rb") as stream, _damage_is_named():
            with tarfile.open(fileobj=stream, mode="r|") as archive:
                for member in archive:
                    file = archive.extractfile(member)
                    if not member.isfile() or file is None or _leads_out(member.name):
                        raise BackupDamaged(f"The archive holds {member.name!r}, which no backup puts there.")
                    yield member.name, member.mtime, file
            # Read the last blocks, so that the writing thread can end.
            while stream.read(_CHUNK):
                pass
    finally:
        unpacking.join()
        if failures:
            raise failures[0]


def _leads_out(name: str) -> bool:
    """Return whether a name would lead out of the store's folder."""
    return name.startswith("/") or ".." in name.split("/")
