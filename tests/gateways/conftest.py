"""Fixtures for tests of gateway adapters: a message, a simulated provider, and texts that must never be logged."""

from __future__ import annotations

import importlib
import inspect
import logging
import pkgutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import requests

import motcua.gateways
from motcua.domain.tokens import Tokens
from motcua.gateways.adapter import Gateway, GatewayAddress, OutgoingMessage
from motcua.jobs.notices.sending.request_slots import http_session
from motcua.sandbox.network.scripted import ScriptedGateway

LOGIN, PASSWORD, CALLBACK_SECRET = "login-of-the-province", "word/of+the province", "receipt&word=1"
ACCESS_TOKEN, REFRESH_TOKEN, WEBHOOK_SECRET = "access/word", "refresh/word", "webhook word"
MSISDN = "+84905123456"
SPELLINGS = (
    "84905123456",
    "0905123456",
    "905123456",
    "0905 123 456",
    "0905.123.456",
    "090-512-3456",
    "84 905 123 456",
    "%2B84905123456",
)
TEXT = "Thong bao: Ho so cua quy Ong/Ba (KH-160915) da duoc giai quyet xong. Moi den Bo phan Mot cua UBND TP Nha Trang"
REFERENCE = "0123456789abcdef0123456789abcdef"
SECRETS = (PASSWORD, CALLBACK_SECRET, ACCESS_TOKEN, REFRESH_TOKEN, WEBHOOK_SECRET)
ECHO = f"{TEXT} -> {', '.join(SPELLINGS)} ({LOGIN} {PASSWORD} {CALLBACK_SECRET})"
"""An answer that quotes the request, as a careless provider or a proxy may send it."""

EXTRA: dict[str, dict[str, Any]] = {
    "kannel": {},
    "esms": {},
    "vnpt": {
        "label_id": 12911,
        "contract_id": "19741",
        "agent_id": "191",
        "username": "KH_CS",
    },
    "zalo": {"refresh_token": REFRESH_TOKEN, "webhook_secret": WEBHOOK_SECRET},
}
"""For each adapter, the fields that its connection needs besides the common fields. A new adapter needs a line."""


def outgoing(**changes: Any) -> OutgoingMessage:
    values: dict[str, Any] = {
        "reference": REFERENCE,
        "msisdn": MSISDN,
        "text": TEXT,
        "accented": False,
        "units": 1,
        "template_id": "result",
        "template_version": 1,
        "values": {"dossier_code": "KH-160915", "agency_name": "UBND TP Nha Trang"},
        "provider_template_id": "78382",
    }
    return OutgoingMessage(**values | changes)


def address(adapter: str, base_url: str, **extra: Any) -> GatewayAddress:
    common = {
        "connect_timeout": 2,
        "answer_timeout": 0.5,
        "callback_url": "https://sms.example/gateway/receipts/it",
        "callback_secret": CALLBACK_SECRET,
    }
    given = {name: value for name, value in (common | EXTRA[adapter] | extra).items() if value is not None}
    return GatewayAddress("it", base_url, LOGIN, PASSWORD, given)


def adapter_classes() -> dict[str, Callable[[GatewayAddress], Gateway]]:
    """Return every adapter class in the package, by the adapter's name in a connection."""
    found = {}
    for module_info in pkgutil.iter_modules(motcua.gateways.__path__):
        module = importlib.import_module(f"motcua.gateways.{module_info.name}")
        for _, member in inspect.getmembers(module, inspect.isclass):
            if member.__module__ == module.__name__ and member.__name__.endswith("Gateway") and member is not Gateway:
                found[module_info.name] = member
    return found


def make(adapter: str, base_url: str, **extra: Any) -> Gateway:
    gateway = adapter_classes()[adapter](address(adapter, base_url, **extra))
    if gateway.first_refresh_token is not None:
        began = datetime(2026, 11, 25, tzinfo=UTC)
        ends = began + timedelta(days=1), began + timedelta(days=90)
        gateway.tokens = Tokens(ACCESS_TOKEN, REFRESH_TOKEN, began, *ends)
    return gateway


@pytest.fixture
def provider() -> Iterator[ScriptedGateway]:
    double = ScriptedGateway()
    # The request that checks an account differs between providers, so this provider treats no request as such a check.
    double.is_login, double.answer = lambda _: False, b""
    yield double
    double.close()


@pytest.fixture
def session(caplog: pytest.LogCaptureFixture) -> Iterator[requests.Session]:
    """Yield the HTTP session of a sender, and capture everything that is logged while the session is open."""
    caplog.set_level(logging.DEBUG)
    caplog.set_level(logging.DEBUG, logger="urllib3")
    caplog.set_level(logging.DEBUG, logger="requests")
    with http_session() as made:
        yield made


@pytest.fixture
def nothing_shows(caplog: pytest.LogCaptureFixture) -> Callable[..., None]:
    """Return a function that checks that no log and no given value contains what must stay secret.

    The phone number in any spelling, the words of the message, and each password or key must stay secret.
    """

    def look(*values: object) -> None:
        seen = "\n".join([caplog.text, *map(repr, values)]).casefold()
        for word in (*SPELLINGS, *SECRETS, "thong bao", "giai quyet", "KH-160915", "nha trang"):
            assert word.casefold() not in seen, f"{word!r} shows in {seen}"

    return look
