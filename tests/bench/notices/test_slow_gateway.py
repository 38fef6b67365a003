"""What a bench's gateway says that it saw is what came."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import requests

from tests.bench.notices.gateways import gateway
from tests.bench.notices.slow_gateway import Seen


def test_most_in_a_second_is_that_of_any_second() -> None:
    seen = Seen()
    seen.came = [0.0, 0.5, 0.9, 1.2, 1.4, 3.0]
    assert b'"most_in_a_second": 4' in seen.words()
    assert seen.came == []


def test_requests_at_once_are_those_without_an_answer(monkeypatch) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_SMS_KANNEL", "")
    with gateway(0.2) as served:
        with ThreadPoolExecutor(5) as pool:
            answers = list(pool.map(lambda _: requests.get(served.url, timeout=5).status_code, range(5)))
        seen = served.seen()
        assert answers == [202] * 5
        assert (seen["requests"], seen["most_at_once"]) == (5, 5)
        time.sleep(0.05)
        assert served.seen() == {"requests": 0, "most_at_once": 0, "most_in_a_second": 0}
