"""What is left of a body that is not used: it is still taken from the caller, who else finds a broken connection in the
place of the answer. A server that closes while something is unread resets the connection."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Final

from fastapi import Request
from starlette.requests import ClientDisconnect

_MOST: Final = 512 * 1024 * 1024
"""Bytes of one body that are thrown away; whoever sends more learns of it by the reset."""
_WITHIN: Final = 60.0
"""Seconds for them."""


def declared_size(request: Request) -> int:
    """Bytes that the body is said to have; 0: it does not say."""
    declared = request.headers.get("content-length", "")
    return int(declared) if declared.isascii() and declared.isdigit() else 0


async def throw_away(request: Request, rest: AsyncIterator[bytes], *, is_begun: bool = True) -> None:
    """Takes the rest of a body, of which nothing is kept.

    Args:
        request: whose body it is.
        rest: what is left of its stream.
        is_begun: something of it was read; else a caller may wait to be asked for it, and is not.
    """
    if declared_size(request) > _MOST or ("expect" in request.headers and not is_begun):
        return
    size = 0
    with contextlib.suppress(TimeoutError, ClientDisconnect):
        async with asyncio.timeout(_WITHIN):
            async for piece in rest:
                size += len(piece)
                if size > _MOST:
                    return
