"""Keeps numbers, words and secrets out of uvicorn's access log: it writes a request's whole query string."""

from __future__ import annotations

import logging


class _QueryFilter(logging.Filter):
    """Cuts the query off the path that uvicorn logs as the third argument."""

    def filter(self, record: logging.LogRecord) -> bool:
        arguments = record.args
        if isinstance(arguments, tuple) and len(arguments) >= 3 and isinstance(arguments[2], str):
            path, mark, _ = arguments[2].partition("?")
            record.args = (*arguments[:2], path + ("?…" if mark else ""), *arguments[3:])
        return True


def hide_queries() -> None:
    """Makes uvicorn's access log write paths without their queries; safe to repeat."""
    log = logging.getLogger("uvicorn.access")
    if not any(isinstance(known, _QueryFilter) for known in log.filters):
        log.addFilter(_QueryFilter())
