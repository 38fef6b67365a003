"""Tokens of gateways, kept in a file of their own each: encrypted, and outside all that a restore puts back.

A refresh token works once: a ledger, a backup or a copy of the journal that held it would be put back to one that is
used up. So a folder of its own has it (``MOTCUA_TOKENS``), under Airflow's Fernet key, with which connections are
encrypted too. What is there goes on from the connection's first refresh token; where a person gives the connection
another one, that counts.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from motcua.domain.tokens import Tokens
from motcua.settings import settings
from motcua.store.journal import sync_folder

_KEY = "AIRFLOW__CORE__FERNET_KEY"


class TokensUnusable(Exception):
    """Tokens cannot be kept or read; the message says why, and what to do, without a secret."""


@dataclass(frozen=True, slots=True)
class KeptTokens:
    """What is kept of one gateway."""

    tokens: Tokens | None
    """``None``: none were got yet from what the connection gives."""
    refresh: str
    """What the next renewal is asked with."""
    renewing_since: datetime | None = None
    """When a renewal was begun whose end is not kept: that refresh token may be used up."""

    def __repr__(self) -> str:
        return f"KeptTokens({self.tokens!r}, renewing_since={self.renewing_since!r})"


class TokenFile:
    """Of one gateway and one first refresh token of its connection. Written by one process at a time (the caller's
    lock), and whole or not at all.

    Each first refresh token has a file of its own, and that a renewal began stands beside it. So a process that was
    frozen in a renewal, and wakes when others have gone on from another first token, writes over nothing of theirs.
    """

    def __init__(self, gateway: str, first_refresh_token: str, folder: Path | None = None) -> None:
        self.folder = folder or settings().tokens_folder
        self._gateway, self._first, self._opened_at = gateway, first_refresh_token, time.time()
        begun_with = hashlib.sha256(first_refresh_token.encode()).hexdigest()
        self.path = self.folder / f"{gateway}.{begun_with[:16]}.tokens"
        self._begun = self.path.with_suffix(".renewing")

    def read(self) -> KeptTokens:
        """What is kept; before the first renewal nothing is.

        Raises:
            TokensUnusable: there is no key, it is another one, or the file cannot be read.
        """
        cipher = _cipher()
        try:
            content, begun = _content_of(self.path), _content_of(self._begun)
        except OSError as failure:
            raise TokensUnusable(f"{self.path} cannot be read: {type(failure).__name__}") from None
        try:
            since = None if begun is None else datetime.fromisoformat(begun.decode())
            if content is None:
                return KeptTokens(None, self._first, since)
            kept = json.loads(cipher.decrypt(content))
            times = [datetime.fromisoformat(kept[name]) for name in ("renewed_at", "access_until", "refresh_until")]
            tokens = Tokens(kept["access"], kept["refresh"], *times)
        except (InvalidToken, ValueError, KeyError, TypeError):
            # Not what was wrong with it: its words are secrets.
            raise TokensUnusable(
                f"{self.path} is not what this {_KEY} wrote: put the key back, or remove the file and give the"
                " connection a new refresh_token"
            ) from None
        never_ended = since is not None and since > tokens.renewed_at
        return KeptTokens(tokens, tokens.refresh, since if never_ended else None)

    def begin(self, now: datetime) -> None:
        """Keeps that a renewal begins now, before its request leaves; what is kept stays.

        Raises:
            TokensUnusable: it cannot be kept, so that nothing may be asked.
        """
        self._write(self._begun, now.isoformat().encode())

    def end(self) -> None:
        """Keeps that the renewal has ended; where that cannot be kept, the next says that it never did."""
        with suppress(OSError):
            self._begun.unlink(missing_ok=True)

    def keep(self, tokens: Tokens) -> None:
        """Keeps what a renewal gave, and takes away what was kept of other first refresh tokens before it.

        Raises:
            TokensUnusable: it cannot be kept.
        """
        times = {name: getattr(tokens, name).isoformat() for name in ("renewed_at", "access_until", "refresh_until")}
        words = {"access": tokens.access, "refresh": tokens.refresh} | times
        self._write(self.path, _cipher().encrypt(json.dumps(words).encode()))
        self.end()
        with suppress(OSError):
            for other in self.folder.glob(f"{self._gateway}.*"):
                # What came since is of who went on while this process was frozen.
                if other != self.path and other.stat().st_mtime < self._opened_at:
                    other.unlink()

    def _write(self, path: Path, content: bytes) -> None:
        written = path.with_name(f"{path.name}.new")
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            with os.fdopen(os.open(written, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            written.replace(path)
            sync_folder(self.folder)
        except OSError as failure:
            raise TokensUnusable(f"{self.folder} takes no file: {type(failure).__name__}; see MOTCUA_TOKENS") from None


def _content_of(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None


def _cipher() -> MultiFernet:
    keys = [key.strip() for key in os.environ.get(_KEY, "").split(",") if key.strip()]
    try:
        if keys:
            return MultiFernet([Fernet(key) for key in keys])
    except ValueError:
        pass
    raise TokensUnusable(f"{_KEY} is none: tokens are kept encrypted, or not at all")
