"""Store the tokens of each gateway in an encrypted file, outside everything that a restore puts back.

A refresh token works only once. If the ledger, a backup or a copy of the journal contained it, a restore would bring
back a used token. The tokens therefore have their own folder (``MOTCUA_TOKENS``). They are encrypted with Airflow's
Fernet key, which also encrypts connections. A person enters the first refresh token into the gateway's Airflow
connection. Each renewal then gives the next refresh token, which is stored here. If a person enters another first
refresh token into the connection, that token replaces the stored tokens.
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
    """Raised if tokens cannot be stored or read. The message gives the reason and what to do, without a secret."""


@dataclass(frozen=True, slots=True)
class KeptTokens:
    """The stored tokens of one gateway."""

    tokens: Tokens | None
    """The tokens of the last renewal. ``None`` before the first renewal."""
    refresh: str
    """The refresh token for the next renewal."""
    renewing_since: datetime | None = None
    """When the last renewal began, if its end was not recorded. The refresh token may then be used up."""

    def __repr__(self) -> str:
        return f"KeptTokens({self.tokens!r}, renewing_since={self.renewing_since!r})"


class TokenFile:
    """The token file of one gateway and one first refresh token of its connection.

    Only one process at a time writes the file, because the caller holds a lock. A write succeeds completely or not at
    all. Each first refresh token has its own file, and a second file beside it marks that a renewal began. A process
    that was frozen during a renewal can therefore not overwrite the file of processes that have continued with another
    first refresh token.
    """

    def __init__(self, gateway: str, first_refresh_token: str, folder: Path | None = None) -> None:
        self.folder = folder or settings().tokens_folder
        self._gateway, self._first, self._opened_at = gateway, first_refresh_token, time.time()
        begun_with = hashlib.sha256(first_refresh_token.encode()).hexdigest()
        self.path = self.folder / f"{gateway}.{begun_with[:16]}.tokens"
        self._begun = self.path.with_suffix(".renewing")

    def read(self) -> KeptTokens:
        """Return the stored tokens. Before the first renewal, this is only the first refresh token.

        Raises:
            TokensUnusable: the Fernet key is missing or has changed, or the file cannot be read.
        """
        cipher = _cipher()
        try:
            content, begun = _read_if_there(self.path), _read_if_there(self._begun)
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
            # The original error must not be shown, because its text may contain secrets.
            raise TokensUnusable(
                f"{self.path} cannot be decrypted with this {_KEY}: restore the key that encrypted it, or remove"
                " the file and give the connection a new refresh_token"
            ) from None
        never_ended = since is not None and since > tokens.renewed_at
        return KeptTokens(tokens, tokens.refresh, since if never_ended else None)

    def begin(self, now: datetime) -> None:
        """Record that a renewal begins. The caller must do this before the request leaves. The stored tokens stay.

        Raises:
            TokensUnusable: the record cannot be written, so the request must not leave.
        """
        self._write(self._begun, now.isoformat().encode())

    def end(self) -> None:
        """Record that the renewal has ended. If this fails, ``read`` reports an unfinished renewal."""
        with suppress(OSError):
            self._begun.unlink(missing_ok=True)

    def keep(self, tokens: Tokens) -> None:
        """Store the tokens of a renewal, and delete the gateway's older files of other first refresh tokens.

        Raises:
            TokensUnusable: the tokens cannot be stored.
        """
        times = {name: getattr(tokens, name).isoformat() for name in ("renewed_at", "access_until", "refresh_until")}
        words = {"access": tokens.access, "refresh": tokens.refresh} | times
        self._write(self.path, _cipher().encrypt(json.dumps(words).encode()))
        self.end()
        with suppress(OSError):
            for other in self.folder.glob(f"{self._gateway}.*"):
                # A newer file belongs to processes that continued while this process was frozen.
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
            raise TokensUnusable(
                f"files cannot be written in {self.folder}: {type(failure).__name__}; free disk space, or correct the"
                " permissions of this folder, which MOTCUA_TOKENS sets"
            ) from None


def _read_if_there(path: Path) -> bytes | None:
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
    raise TokensUnusable(f"{_KEY} is missing or is not a Fernet key; tokens are stored only encrypted")
