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
from dataclasses import dataclass, replace
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
    """Of one gateway, whose connection gives a first refresh token. Written by one process at a time (the caller's
    lock), and whole or not at all."""

    def __init__(self, gateway: str, first_refresh_token: str, folder: Path | None = None) -> None:
        self.folder = folder or settings().tokens_folder
        self.path = self.folder / f"{gateway}.tokens"
        self._first = first_refresh_token
        self._begun_with = hashlib.sha256(first_refresh_token.encode()).hexdigest()

    def read(self) -> KeptTokens:
        """What is kept; of another first refresh token nothing is.

        Raises:
            TokensUnusable: there is no key, it is another one, or the file cannot be read.
        """
        nothing = KeptTokens(None, self._first)
        cipher = _cipher()
        try:
            content = self.path.read_bytes()
        except FileNotFoundError:
            return nothing
        except OSError as failure:
            raise TokensUnusable(f"{self.path} cannot be read: {type(failure).__name__}") from None
        try:
            kept = json.loads(cipher.decrypt(content))
            if kept["begun_with"] != self._begun_with:
                return nothing
            since = kept["renewing_since"]
            times = [datetime.fromisoformat(kept[name]) for name in ("renewed_at", "access_until", "refresh_until")]
            tokens = Tokens(kept["access"], kept["refresh"], *times) if kept["access"] else None
            return KeptTokens(tokens, kept["refresh"], None if since is None else datetime.fromisoformat(since))
        except (InvalidToken, ValueError, KeyError, TypeError):
            # Not what was wrong with it: its words are secrets.
            raise TokensUnusable(
                f"{self.path} is not what this {_KEY} wrote: put the key back, or remove the file and give the"
                " connection a new refresh_token"
            ) from None

    def begin(self, kept: KeptTokens, now: datetime) -> None:
        """Keeps that a renewal begins now, before its request leaves.

        Raises:
            TokensUnusable: it cannot be kept, so that nothing may be asked.
        """
        self._write(replace(kept, renewing_since=now), now)

    def keep(self, tokens: Tokens) -> None:
        """Keeps what a renewal gave.

        Raises:
            TokensUnusable: it cannot be kept.
        """
        self._write(KeptTokens(tokens, tokens.refresh), tokens.renewed_at)

    def _write(self, kept: KeptTokens, now: datetime) -> None:
        tokens = kept.tokens or Tokens("", kept.refresh, now, now, now)
        words = {
            "begun_with": self._begun_with,
            "access": tokens.access,
            "refresh": kept.refresh,
            "renewed_at": tokens.renewed_at.isoformat(),
            "access_until": tokens.access_until.isoformat(),
            "refresh_until": tokens.refresh_until.isoformat(),
            "renewing_since": None if kept.renewing_since is None else kept.renewing_since.isoformat(),
        }
        content = _cipher().encrypt(json.dumps(words).encode())
        written = self.path.with_suffix(".new")
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            with os.fdopen(os.open(written, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            written.replace(self.path)
            sync_folder(self.folder)
        except OSError as failure:
            raise TokensUnusable(f"{self.folder} takes no file: {type(failure).__name__}; see MOTCUA_TOKENS") from None


def _cipher() -> MultiFernet:
    keys = [key.strip() for key in os.environ.get(_KEY, "").split(",") if key.strip()]
    try:
        if keys:
            return MultiFernet([Fernet(key) for key in keys])
    except ValueError:
        pass
    raise TokensUnusable(f"{_KEY} is none: tokens are kept encrypted, or not at all")
