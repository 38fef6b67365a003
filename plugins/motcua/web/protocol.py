"""How long uvicorn waits for a request's headers: it waits forever by itself.

``uvicorn --http motcua.web.protocol:HeadersInTime``; a request's body has its limit in the app.
"""

from __future__ import annotations

import asyncio
from typing import Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEADERS_WITHIN: Final = 10.0
"""Seconds from the connection, or from the answer before, to the end of a request's headers."""


class HeadersInTime(HttpToolsProtocol):
    """Closes a connection whose headers do not end in time; logs nothing, as nothing is known of the caller."""

    _overdue: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """The first request is waited for."""
        super().connection_made(transport)
        self._wait()

    def on_headers_complete(self) -> None:
        """A request is there."""
        self._stop_waiting()
        super().on_headers_complete()

    def on_response_complete(self) -> None:
        """The next request is waited for; one that follows at once is there already."""
        super().on_response_complete()
        if self.cycle.response_complete:
            self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing is waited for any more."""
        self._stop_waiting()
        super().connection_lost(exc)

    def _wait(self) -> None:
        self._stop_waiting()
        self._overdue = self.loop.call_later(HEADERS_WITHIN, self.timeout_keep_alive_handler)

    def _stop_waiting(self) -> None:
        if self._overdue is not None:
            self._overdue.cancel()
            self._overdue = None
