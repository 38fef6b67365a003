"""Provide the callbacks app without a ledger: it discards each receipt at once. uvicorn runs ``standalone``."""

from __future__ import annotations

from concurrent.futures import Future
from typing import Any

from motcua.web import callbacks


class _Forgetful:
    def __init__(self, *_: Any) -> None:
        self._effect: Future[str] = Future()
        self._effect.set_result("applied")

    def take(self, *_: Any) -> Future[str]:
        return self._effect

    def close(self) -> None:
        """Do nothing, because nothing is open."""


callbacks.Intake = _Forgetful  # type: ignore[misc,assignment]
standalone = callbacks.create_standalone()
