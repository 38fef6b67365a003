"""Gives an access token to each gateway that requires one. Only one process at a time renews tokens. A sender claims no
message for a gateway that has no valid token."""

from __future__ import annotations

import logging
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor, wait

from motcua.domain.tokens import Tokens
from motcua.gateways.adapter import Gateway
from motcua.jobs.notices.sending.lanes import SenderRun
from motcua.jobs.notices.sending.request_slots import HeldBack, http_session
from motcua.store.ledger.database import Connection, connect, reason_without_values
from motcua.store.ledger.locks import RENEWING, hold_lock
from motcua.store.notices.gateways import note_tokens
from motcua.store.tokens import KeptTokens, TokenFile, TokensUnusable

log = logging.getLogger(__name__)

_TRY_AGAIN = 60.0
"""Seconds to wait after a failed renewal."""
_WAIT_FOR_RENEWAL = 2.0
"""Seconds for which a sender waits for a renewal that it began. After that, the sender goes on with the old token, or
without this gateway. So a provider that does not answer delays no message of another gateway."""
_ASK_FOR_LOCK_EVERY = 0.2


class TokenKeeper:
    """Gives tokens to one sender's gateways. Renews tokens that are due, in threads of its own."""

    def __init__(self, run: SenderRun) -> None:
        self.run = run
        self._pool = ThreadPoolExecutor(thread_name_prefix="renewing tokens")
        self._renewals: dict[str, Future[None]] = {}
        """For each gateway, the renewal that this process began last."""
        self._ending = threading.Event()
        self._not_before: dict[str, float] = {}
        """For each gateway, when a failed renewal is tried again, by the monotonic clock."""
        self._noted: dict[str, str] = {}
        """For each gateway, the access token that this process last reported to the ledger (table ``gateways``)."""
        self._refused: dict[str, str] = {}
        """For each gateway, the last access token that it refused."""

    def note_refusal(self, gateway: str, access: str) -> None:
        """Remember that a gateway refused an access token. The token is renewed before the gateway is used again."""
        self._refused[gateway] = access

    def provide_tokens(self, gateway: Gateway) -> str | None:
        """Give the gateway the tokens that are valid now. Return ``None`` if the gateway has a valid token or needs
        none, and otherwise the reason why it has none.

        The reason is an empty text while a renewal of the tokens is under way. A failure is written to the ledger at
        once, so that the watch (the monitoring process) reports it while the old token may still be valid.
        """
        first = gateway.first_refresh_token
        if first is None:
            return None
        name = gateway.address.name
        file = TokenFile(name, first)
        try:
            stored = file.read()
            may_renew = not self._is_renewing(name) and time.monotonic() >= self._not_before.get(name, float("-inf"))
            if may_renew and self._is_due(stored, name):
                renewal = self._renewals[name] = self._pool.submit(self._renew, gateway, file, stored)
                if wait([renewal], _WAIT_FOR_RENEWAL).done:
                    renewal.result()
                stored = file.read()
        except TokensUnusable as failure:
            self._note(self.run.ledger, name, None, str(failure))
            self.run.ledger.commit()
            gateway.tokens = None
            return str(failure)
        tokens, is_due = stored.tokens, self._is_due(stored, name)
        if tokens is not None and not is_due and tokens.access != self._noted.get(name):
            # The process that renewed the tokens may have ended before it wrote their end of validity to the ledger.
            self._note(self.run.ledger, name, tokens, None)
            self.run.ledger.commit()
        waits = is_due and self._is_renewing(name)
        if (
            tokens is None
            or not tokens.lets_in(self.run.clock())
            or (waits and tokens.access == self._refused.get(name))
        ):
            gateway.tokens = None
            return "" if waits else "no access token is valid"
        gateway.tokens = tokens
        return None

    def close(self) -> None:
        """Wait for renewals that are under way, because their refresh tokens are used up once the request is sent."""
        self._ending.set()
        self._pool.shutdown()

    def _is_due(self, stored: KeptTokens, name: str) -> bool:
        tokens = stored.tokens
        return tokens is None or tokens.are_due(self.run.clock()) or tokens.access == self._refused.get(name)

    def _is_renewing(self, name: str) -> bool:
        return name in self._renewals and not self._renewals[name].done()

    def _renew(self, gateway: Gateway, file: TokenFile, before: KeptTokens) -> None:
        """Renew the tokens, unless another process did so in the meantime. Run in a thread, with a connection of its
        own."""
        name = gateway.address.name
        try:
            with connect() as lock:
                lock.autocommit = True
                while not hold_lock(lock, RENEWING):
                    # Another process renews tokens.
                    if self._ending.wait(_ASK_FOR_LOCK_EVERY):
                        return
                stored = file.read()
                # A person may have entered another first refresh token in the gateway's Airflow connection. Another
                # process may then have deleted the file of the old tokens, so they are not renewed.
                if not self._is_due(stored, name) or (before.tokens is not None and stored.tokens is None):
                    return
                try:
                    given = self._exchange(gateway, file, stored)
                except HeldBack:
                    return
                except Exception as failure:
                    given = str(failure) if isinstance(failure, TokensUnusable) else type(failure).__name__
                if isinstance(given, Tokens):
                    self._note(lock, name, given, None)
                    log.info("gateway %s: tokens renewed, valid until %s", name, given.access_until)
                else:
                    self._not_before[name] = time.monotonic() + _TRY_AGAIN
                    log.warning("gateway %s: tokens are not renewed: %s", name, given)
                    self._note(lock, name, stored.tokens, given)
        except Exception as failure:
            # The ledger did not answer.
            self._not_before[name] = time.monotonic() + _TRY_AGAIN
            log.warning("gateway %s: tokens are not renewed: %s", name, reason_without_values(failure))

    def _exchange(self, gateway: Gateway, file: TokenFile, stored: KeptTokens) -> Tokens | str:
        """Exchange the refresh token for new tokens and store them. Return the new tokens, or the reason why there are
        none.

        Raises:
            HeldBack: the request was not sent, because other processes may consider this process frozen and renew the
                tokens themselves.
            motcua.store.tokens.TokensUnusable: the token folder cannot be written.
        """
        now = self.run.clock()
        if stored.renewing_since is None:
            file.begin(now)
        try:
            with http_session(self.run.heart) as session:
                given = gateway.renew(session, stored.refresh, now)
        except HeldBack:
            if stored.renewing_since is None:
                file.end()
            raise
        if isinstance(given, Tokens):
            file.keep(given)
            return given
        why = f"{given.http_status or ''} {given.code or given.outcome}".strip()
        if stored.renewing_since is not None:
            return f"{why}; a renewal that began at {stored.renewing_since:%Y-%m-%d %H:%M} UTC never ended"
        if given.outcome == "configuration":
            # A refused renewal does not use up the refresh token.
            file.end()
        return why

    def _note(self, ledger: Connection, name: str, tokens: Tokens | None, fault: str | None) -> None:
        self._noted[name] = "" if tokens is None or fault is not None else tokens.access
        note_tokens(ledger, name, tokens=tokens, fault=fault, now=self.run.clock())
