"""Streams of bytes, encrypted for the owners of public keys with age (https://age-encryption.org) and read again.

Whoever makes a backup has public keys only, and cannot read it afterwards. Each 64 KiB are sealed on their own, in
their order: memory does not grow with the stream, and one that was changed or broke off is noticed.
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

_TELL_EVERY = 1024 * 1024
"""Bytes between two words about how far it is."""


@dataclass(frozen=True, slots=True)
class Sealed:
    """An encrypted file as it was written."""

    sha256: str
    bytes: int
    plain_bytes: int


def read_recipients(keys: Iterable[str]) -> list[Recipient]:
    """The public keys that a backup is encrypted for.

    Raises:
        BackupFailed: there is none, or one of them is none; a private key is never repeated.
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
            "MOTCUA_BACKUP_RECIPIENTS names no public key, so nothing may be written: a backup holds personal data. "
            "Make a pair of keys on another machine with age-keygen -o identity.txt, keep the file there, and set the "
            "public key that it prints."
        )
    return recipients


def read_identities(lines: Iterable[str]) -> list[Identity]:
    """The private keys in a file as age-keygen writes it.

    Raises:
        BackupUnusable: there is none, or a line is none; the line is not repeated.
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
    """Reads a stream to its end and writes it, encrypted, to a new file; it is on the disk when this returns.

    Raises:
        BackupFailed: the disk is full or takes nothing.
        OSError: the source cannot be read.
    """
    reading = _Reading(source, seen)
    try:
        with path.open("xb") as file:
            path.chmod(0o600)
            writing = _Writing(file)
            try:
                encrypt_io(reading, writing, recipients)
                file.flush()
                os.fsync(file.fileno())
            except EncryptError:
                # It says the same in words alone.
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
    """Decrypts a file into a stream. What went into the stream is of no use when this raises.

    Raises:
        BackupUnusable: no identity opens it.
        BackupDamaged: it was changed or breaks off.
        OSError: the stream takes nothing more.
    """
    writing = _Writing(sink)
    size = path.stat().st_size
    with path.open("rb") as file:
        reading = _Reading(file, lambda done: seen(path.name, done, size))
        try:
            decrypt_io(reading, writing, identities)
        except DecryptError as error:
            if "No matching keys" in str(error):
                raise BackupUnusable(f"No identity that was given opens {path.name}.") from None
            raise BackupDamaged(f"{path.name} is damaged: it does not begin as a file of age does.") from None
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
    """Looks whether one of the identities opens a file, without reading more than its beginning.

    Raises:
        BackupUnusable: none does.
        BackupDamaged: it does not begin as a file of age does.
    """
    with suppress(_SeenEnough):
        open_sealed(path, identities, _Peeking(), lambda what, done, of: None)


class _SeenEnough(OSError):
    """It opens."""


class _Peeking(io.RawIOBase):
    def writable(self) -> bool:
        return True

    def write(self, chunk: object) -> int:
        raise _SeenEnough


class _Reading:
    """A stream that counts what is read of it, and keeps its error, of which age leaves only words."""

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
        if self.count - self._told >= _TELL_EVERY or not chunk:
            self._told = self.count
            self._seen(self.count)
        return chunk


class _Writing:
    """A stream that sums up what is written to it, and keeps its error."""

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
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return f"The disk of {folder} is full; make room, or set MOTCUA_BACKUPS or --to to another one."
    return f"The folder of the backups, {folder}, cannot be written to: {error.strerror}."
