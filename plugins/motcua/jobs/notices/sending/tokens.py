"""Tokens of gateways that let nobody in without: renewed by one process, before a message is given to the gateway."""

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
"""Seconds after a renewal that failed."""


class TokenKeeper:
    """Gives one sender's gateways their tokens, and renews those that are due."""

    def __init__(self, run: SenderRun) -> None:
        self.run = run
        self._not_before: dict[str, float] = {}
        """By the monotonic clock: when a renewal that failed is tried again."""
        self._others_renew = False
        """At the last look another process had the lock."""
        self._noted: dict[str, str] = {}
        """The access token of each gateway that the ledger was told of by this process."""
        self._refused: dict[str, str] = {}
        """The last access token of each gateway by which it let nobody in."""

    def doubt(self, gateway: Gateway) -> None:
        """The gateway let nobody in by its access token: another one is got before it is asked again."""
        if gateway.tokens is not None:
            self._refused[gateway.address.name] = gateway.tokens.access

    def look(self, gateway: Gateway, now: datetime) -> str | None:
        """Has the gateway the tokens that are good now; why it has none, where it has none. Nothing to say (an empty
        text): another process is getting them, in a moment.

        What fails is kept in the ledger at once, and the watch tells it, while the old token may still be good.
        """
        first = gateway.first_refresh_token
        if first is None:
            return None
        name = gateway.address.name
        file, self._others_renew = TokenFile(name, first), False
        try:
            kept = file.read()
            if self._is_due(kept, name, now):
                kept = self._renew(gateway, file, kept, now)
        except TokensUnusable as failure:
            self._note(name, None, str(failure))
            gateway.tokens = None
            return str(failure)
        self._note_good(name, kept.tokens, now)
        gateway.tokens = kept.tokens if kept.tokens is not None and kept.tokens.lets_in(now) else None
        if gateway.tokens is not None:
            return None
        return "" if self._others_renew else "no access token is good"

    def _is_due(self, kept: KeptTokens, name: str, now: datetime) -> bool:
        tokens = kept.tokens
        is_due = tokens is None or tokens.are_due(now) or tokens.access == self._refused.get(name)
        return is_due and time.monotonic() >= self._not_before.get(name, float("-inf"))

    def _renew(self, gateway: Gateway, file: TokenFile, before: KeptTokens, now: datetime) -> KeptTokens:
        """What is kept once the tokens were renewed, by this process or by another one, or could not be."""
        name = gateway.address.name
        if not hold_lock(self.run.lock, RENEWING):
            # The old one is good for a quarter of its life.
            self._others_renew = True
            return file.read()
        try:
            # Who had the lock before may have renewed them, or gone on from another first token, which counts now.
            kept = file.read()
            if not self._is_due(kept, name, now) or (before.tokens is not None and kept.tokens is None):
                return kept
            if kept.renewing_since is None:
                file.begin(now)
            try:
                with http_session(self.run.heart) as session:
                    given = gateway.renew(session, kept.refresh, now)
            except HeldBack:
                # Nothing of it left: others may take this process for frozen, and renew.
                if kept.renewing_since is None:
                    file.end()
                return kept
            if isinstance(given, Tokens):
                file.keep(given)
                self._note(name, given, None)
                log.info("gateway %s: tokens renewed, good until %s", name, given.access_until)
                return KeptTokens(given, given.refresh)
            self._not_before[name] = time.monotonic() + _TRY_AGAIN
            why = f"{given.http_status or ''} {given.code or given.outcome}".strip()
            if kept.renewing_since is not None:
                why = f"{why}; a renewal that began at {kept.renewing_since:%Y-%m-%d %H:%M} UTC never ended"
            elif given.outcome == "configuration":
                # It was refused, so that the token is not used up by it.
                file.end()
            self._note(name, kept.tokens, why)
            log.warning("gateway %s: tokens are not renewed: %s", name, why)
            return kept
        finally:
            release_lock(self.run.lock, RENEWING)

    def _note_good(self, name: str, tokens: Tokens | None, now: datetime) -> None:
        """Has the ledger know of tokens that another process got, which may have been ended before it said so."""
        if tokens is None or tokens.are_due(now) or tokens.access in (self._noted.get(name), self._refused.get(name)):
            return
        self._note(name, tokens, None)

    def _note(self, name: str, tokens: Tokens | None, fault: str | None) -> None:
        self._noted[name] = "" if tokens is None or fault is not None else tokens.access
        until = None if tokens is None else tokens.access_until
        note_tokens(self.run.ledger, name, until=until, fault=fault, now=self.run.clock())
        self.run.ledger.commit()
