"""Provides gateways that require an access token with one. One process renews the tokens, before any message is
claimed."""

from __future__ import annotations

import logging
import time
from datetime import datetime

from motcua.domain.tokens import Tokens
from motcua.gateways.adapter import Gateway
from motcua.jobs.notices.sending.lanes import SenderRun
from motcua.jobs.notices.sending.request_slots import HeldBack, http_session
from motcua.store.ledger.locks import RENEWING, hold_lock, release_lock
from motcua.store.notices.gateways import note_tokens
from motcua.store.tokens import KeptTokens, TokenFile, TokensUnusable

log = logging.getLogger(__name__)

_TRY_AGAIN = 60.0
"""Seconds to wait after a failed renewal."""


class TokenKeeper:
    """Gives tokens to one sender's gateways, and renews those that are due."""

    def __init__(self, run: SenderRun) -> None:
        self.run = run
        self._not_before: dict[str, float] = {}
        """For each gateway, when a failed renewal is tried again, by the monotonic clock."""
        self._others_renew = False
        """Whether another process was renewing tokens at the last check."""
        self._noted: dict[str, str] = {}
        """For each gateway, the access token that this process last reported to the ledger (table ``gateways``)."""
        self._refused: dict[str, str] = {}
        """For each gateway, the last access token that it refused."""

    def note_refusal(self, gateway: Gateway) -> None:
        """Remembers that a gateway refused its access token. The token is renewed before the gateway is used again."""
        if gateway.tokens is not None:
            self._refused[gateway.address.name] = gateway.tokens.access

    def provide_tokens(self, gateway: Gateway, now: datetime) -> str | None:
        """Gives the gateway the tokens that are valid now. Returns why it has none, or ``None`` if it has a valid token
        or needs none.

        Returns an empty text if another process is renewing the tokens at this moment. A failure is written to the
        ledger at once, so that the watch reports it while the old token may still be valid.
        """
        first = gateway.first_refresh_token
        if first is None:
            return None
        name = gateway.address.name
        file, self._others_renew = TokenFile(name, first), False
        try:
            stored = file.read()
            if self._is_due(stored, name, now):
                stored = self._renew(gateway, file, stored, now)
        except TokensUnusable as failure:
            self._note(name, None, str(failure))
            gateway.tokens = None
            return str(failure)
        self._note_renewed_elsewhere(name, stored.tokens, now)
        gateway.tokens = stored.tokens if stored.tokens is not None and stored.tokens.lets_in(now) else None
        if gateway.tokens is not None:
            return None
        return "" if self._others_renew else "no access token is valid"

    def _is_due(self, stored: KeptTokens, name: str, now: datetime) -> bool:
        tokens = stored.tokens
        is_due = tokens is None or tokens.are_due(now) or tokens.access == self._refused.get(name)
        return is_due and time.monotonic() >= self._not_before.get(name, float("-inf"))

    def _renew(self, gateway: Gateway, file: TokenFile, before: KeptTokens, now: datetime) -> KeptTokens:
        """Renews the tokens, unless another process does or did. Returns the tokens in the file afterwards."""
        name = gateway.address.name
        if not hold_lock(self.run.lock, RENEWING):
            # Tokens are renewed before they end, so the old token is still valid for a quarter of its life.
            self._others_renew = True
            return file.read()
        try:
            # The last holder of the lock may have renewed the tokens. If a person gave the connection another first
            # refresh token, that holder may have deleted this token's file.
            stored = file.read()
            if not self._is_due(stored, name, now) or (before.tokens is not None and stored.tokens is None):
                return stored
            if stored.renewing_since is None:
                file.begin(now)
            try:
                with http_session(self.run.heart) as session:
                    given = gateway.renew(session, stored.refresh, now)
            except HeldBack:
                # The request was not sent: other processes may consider this process frozen, and renew the tokens
                # themselves.
                if stored.renewing_since is None:
                    file.end()
                return stored
            if isinstance(given, Tokens):
                file.keep(given)
                self._note(name, given, None)
                log.info("gateway %s: tokens renewed, valid until %s", name, given.access_until)
                return KeptTokens(given, given.refresh)
            self._not_before[name] = time.monotonic() + _TRY_AGAIN
            why = f"{given.http_status or ''} {given.code or given.outcome}".strip()
            if stored.renewing_since is not None:
                why = f"{why}; a renewal that began at {stored.renewing_since:%Y-%m-%d %H:%M} UTC never ended"
            elif given.outcome == "configuration":
                # A refused renewal does not use up the refresh token.
                file.end()
            self._note(name, stored.tokens, why)
            log.warning("gateway %s: tokens are not renewed: %s", name, why)
            return stored
        finally:
            release_lock(self.run.lock, RENEWING)

    def _note_renewed_elsewhere(self, name: str, tokens: Tokens | None, now: datetime) -> None:
        """Writes the life of tokens that another process renewed to the ledger, in case that process ended before it
        did."""
        if tokens is None or tokens.are_due(now) or tokens.access in (self._noted.get(name), self._refused.get(name)):
            return
        self._note(name, tokens, None)

    def _note(self, name: str, tokens: Tokens | None, fault: str | None) -> None:
        self._noted[name] = "" if tokens is None or fault is not None else tokens.access
        until = None if tokens is None else tokens.access_until
        note_tokens(self.run.ledger, name, until=until, fault=fault, now=self.run.clock())
        self.run.ledger.commit()
