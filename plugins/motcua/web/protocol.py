"""Limit how long uvicorn waits for a request's headers. uvicorn itself waits forever.

The server must be started with ``uvicorn --http motcua.web.protocol:HeadersInTime``. The time for a request's body is
limited by the app that reads it.
"""

from __future__ import annotations

import asyncio
from typing import Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEADERS_WITHIN: Final = 10.0
"""Seconds from the connection, or from the previous answer, to the end of a request's headers."""


class HeadersInTime(HttpToolsProtocol):
    """A uvicorn protocol that closes a connection whose headers do not end in time. It writes no log line, because
    nothing is known about the caller."""

    _timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Start the timer for the headers of the first request."""
        super().connection_made(transport)
        self._start_timer()

    def on_headers_complete(self) -> None:
        """Stop the timer: the headers have arrived."""
        self._stop_timer()
        super().on_headers_complete()

    def on_response_complete(self) -> None:
        """Start the timer for the next request, unless a pipelined request has already begun."""
        super().on_response_complete()
        if self.cycle.response_complete:
            self._start_timer()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the timer: the connection is closed."""
        self._stop_timer()
        super().connection_lost(exc)

    def _start_timer(self) -> None:
        self._stop_timer()
        self._timer = self.loop.call_later(HEADERS_WITHIN, self.timeout_keep_alive_handler)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
