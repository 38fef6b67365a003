"""``python -m tests.bench.notices.slow_gateway PORT SECONDS``: answers every request with Kannel's 202 after so long.

``GET /seen`` tells what it saw since it was last asked.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from bisect import bisect_left

ANSWER = b"HTTP/1.1 202 Accepted\r\nContent-Type: text/plain\r\nContent-Length: 25\r\n\r\n0: Accepted for delivery\n"


class Seen:
    """Requests that came."""

    def __init__(self) -> None:
        self.out = self.most_at_once = 0
        self.came: list[float] = []

    def comes(self, moment: float) -> None:
        """One more."""
        self.came.append(moment)
        self.out += 1
        self.most_at_once = max(self.most_at_once, self.out)

    def words(self) -> bytes:
        """As JSON, of those since this was last asked for: how many, the most that had come and were not answered, the
        most in any second."""
        within = [here + 1 - bisect_left(self.came, moment - 1) for here, moment in enumerate(self.came)]
        seen = {
            "requests": len(self.came),
            "most_at_once": self.most_at_once,
            "most_in_a_second": max(within, default=0),
        }
        self.most_at_once, self.came = self.out, []
        return json.dumps(seen).encode()


async def main(port: int, seconds: float) -> None:
    seen = Seen()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                request = await reader.readuntil(b"\r\n\r\n")
                if request.startswith(b"GET /seen "):
                    words = seen.words()
                    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(words), words))
                    continue
                seen.comes(time.monotonic())
                try:
                    await asyncio.sleep(seconds)
                finally:
                    seen.out -= 1
                writer.write(ANSWER)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", port, limit=2**20)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), float(sys.argv[2])))
