"""Send requests and do nothing else: ``python -m tests.bench.notices.bare_client URL COUNT IN_FLIGHT``.

The client uses IN_FLIGHT threads with a ``requests.Session`` each, and prints seconds and processor seconds as JSON.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import requests


def main(url: str, count: int, in_flight: int) -> None:
    own = threading.local()

    def ask(_: int) -> None:
        if not hasattr(own, "session"):
            own.session = requests.Session()
            own.session.trust_env = False
        own.session.get(url, timeout=30)

    started, used = time.perf_counter(), time.process_time()
    with ThreadPoolExecutor(in_flight) as pool:
        list(pool.map(ask, range(count)))
    print(json.dumps({"seconds": time.perf_counter() - started, "processor": time.process_time() - used}))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
