"""Encrypt streams of bytes for the owners of public keys with age (https://age-encryption.org), and decrypt them.

The machine that makes a backup has only public keys, and cannot read the backup afterwards. Age encrypts each block of
64 KiB separately and in order. So memory does not grow with the stream, and a changed or cut-off stream is detected.
"""

from __future__ import annotations

import errno
import io
import os
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import IO

from pyrage import DecryptError, EncryptError, IdentityError, RecipientError, decrypt_io, encrypt_io
from pyrage.x25519 import Identity, Recipient

from motcua.jobs.backup.folders import BackupDamaged, BackupFailed, BackupUnusable, Progress

_PROGRESS_BYTES = 1024 * 1024
"""Bytes between two reports of the progress."""


@dataclass(frozen=True, slots=True)
class Sealed:
    """The checksum of an encrypted file, and the sizes of its content before and after encryption."""

    sha256: str
    bytes: int
    plain_bytes: int


def read_recipients(keys: Iterable[str]) -> list[Recipient]:
    """Return the public keys that a backup is encrypted for.

    Raises:
        BackupFailed: there is no key, or a value is no key. The message never repeats a private key.
    """
    recipients = []
    for key in keys:
        try:
            recipients.append(Recipient.from_str(key))
        except RecipientError:
            shown = key if key.startswith("age1") else "one of its values"
            raise BackupFailed(f"MOTCUA_BACKUP_RECIPIENTS: {shown} is no public key of age (age1…).") from None
    if not recipients:
        raise BackupFailed(
            "MOTCUA_BACKUP_RECIPIENTS names no public key. A backup holds personal data and is only written encrypted. "
            "Make a pair of keys on another machine with age-keygen -o identity.txt, keep the file there, and set the "
            "public key that it prints."
        )
    return recipients


def read_identities(lines: Iterable[str]) -> list[Identity]:
    """Return the private keys of a file in the format of age-keygen.

    Raises:
        BackupUnusable: the file has no key, or a line is no key. The message does not repeat the line.
    """
    identities = []
    for number, line in enumerate(lines, 1):
        key = line.strip()
        if key and not key.startswith("#"):
            try:
                identities.append(Identity.from_str(key))
            except IdentityError:
                raise BackupUnusable(f"Line {number} of the identity file is no private key of age.") from None
    if not identities:
        raise BackupUnusable("The identity file holds no private key (AGE-SECRET-KEY-1…).")
    return identities


def seal(source: IO[bytes], path: Path, recipients: Sequence[Recipient], seen: Callable[[int], None]) -> Sealed:
    """Read a stream to its end and write it encrypted to a new file, which is synced to the disk at return.

    Raises:
        BackupFailed: the disk is full or cannot be written to.
        OSError: the source cannot be read.
    """
    reading = _CountingReader(source, seen)
    try:
        with path.open("xb") as file:
            path.chmod(0o600)
            writing = _HashingWriter(file)
            try:
                encrypt_io(reading, writing, recipients)
                file.flush()
                os.fsync(file.fileno())
            except EncryptError:
                # Age's error has only the text of the stream's error. The wrapper of the stream has stored the stream's
                # error itself.
                failure = reading.failure or writing.failure
                raise failure or BackupFailed(f"{path.name} could not be encrypted.") from None
    except OSError as error:
        if error is reading.failure:
            raise
        raise BackupFailed(_why_not_written(path.parent.parent, error)) from None
    return Sealed(writing.sum_of.hexdigest(), writing.count, reading.count)


def open_sealed(
    path: Path,
    identities: Sequence[Identity],
    sink: IO[bytes] | io.RawIOBase,
    seen: Progress,
) -> None:
    """Decrypt a file into a stream. If an error is raised, the content of the stream must not be used.

    Raises:
        BackupUnusable: no identity opens the file.
        BackupDamaged: the file was changed or is cut off.
        OSError: the stream cannot be written to.
    """
    writing = _HashingWriter(sink)
    size = path.stat().st_size
    with path.open("rb") as file:
        reading = _CountingReader(file, lambda done: seen(path.name, done, size))
        try:
            decrypt_io(reading, writing, identities)
        except DecryptError as error:
            if "No matching keys" in str(error):
                raise BackupUnusable(f"None of the given identities can decrypt {path.name}.") from None
            raise BackupDamaged(f"{path.name} is damaged: it does not begin like an age file.") from None
        except OSError:
            if writing.failure is not None:
                raise writing.failure from None
            if reading.failure is not None:
                why = getattr(reading.failure, "strerror", None) or type(reading.failure).__name__
                raise BackupDamaged(f"{path.name} cannot be read: {why}.") from None
            raise BackupDamaged(
                f"{path.name} is damaged near byte {reading.count}: it was changed or breaks off."
            ) from None


def demand_identity(path: Path, identities: Sequence[Identity]) -> None:
    """Check that one of the identities opens a file, by reading only its beginning.

    Raises:
        BackupUnusable: no identity opens the file.
        BackupDamaged: the file does not begin like an age file.
    """
    with suppress(_OpenedError):
        open_sealed(path, identities, _FirstWriteSink(), lambda what, done, of: None)


class _OpenedError(OSError):
    """Stops the decryption after the first block. A decrypted first block proves that the identity opens the file."""


class _FirstWriteSink(io.RawIOBase):
    """A stream that ends the decryption at the first write."""

    def writable(self) -> bool:
        return True

    def write(self, chunk: object) -> int:
        raise _OpenedError


class _CountingReader:
    """A stream that counts the bytes read and stores its error, because age only passes on the error's text."""

    def __init__(self, file: IO[bytes], seen: Callable[[int], None]) -> None:
        self._file, self._seen = file, seen
        self.count, self._told = 0, 0
        self.failure: BaseException | None = None

    def read(self, size: int = -1) -> bytes:
        try:
            chunk = self._file.read(size)
        except BaseException as error:
            self.failure = error
            raise
        self.count += len(chunk)
        if self.count - self._told >= _PROGRESS_BYTES or not chunk:
            self._told = self.count
            self._seen(self.count)
        return chunk


class _HashingWriter:
    """A stream that counts and hashes the bytes written, and stores its error."""

    def __init__(self, file: IO[bytes] | io.RawIOBase) -> None:
        self._file = file
        self.sum_of, self.count = sha256(), 0
        self.failure: BaseException | None = None

    def write(self, chunk: bytes) -> int:
        try:
            self._file.write(chunk)
        except BaseException as error:
            self.failure = error
            raise
        self.sum_of.update(chunk)
        self.count += len(chunk)
        return len(chunk)

    def flush(self) -> None:
        try:
            self._file.flush()
        except BaseException as error:
            self.failure = error
            raise


def _why_not_written(folder: Path, error: OSError) -> str:
    """Return the message for a file that could not be written."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return f"The disk of {folder} is full; make room, or set MOTCUA_BACKUPS or --to to another one."
    return f"The folder of the backups, {folder}, cannot be written to: {error.strerror}."
