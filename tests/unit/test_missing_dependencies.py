"""Test that an adapter with a missing library is not reported as an adapter that does not exist."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from motcua import gateways, sources
from motcua.gateways import GatewayMisconfigured, open_gateway
from motcua.sources import UnknownAdapter, adapter


@pytest.fixture(autouse=True)
def needing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Make a source adapter and a gateway adapter ``needing`` that import a library that is not installed."""
    (tmp_path / "needing.py").write_text("import no_such_library\n", encoding="utf-8")
    for package in (gateways, sources):
        monkeypatch.setattr(package, "__path__", [*package.__path__, str(tmp_path)])
    yield
    for name in ("motcua.gateways.needing", "motcua.sources.needing"):
        sys.modules.pop(name, None)


def test_source_adapter_that_lacks_a_library_names_it():
    with pytest.raises(UnknownAdapter, match="'needing' needs no_such_library, which is not installed"):
        adapter("needing")
    with pytest.raises(UnknownAdapter, match="there is no adapter 'nobody'"):
        adapter("nobody")


def test_gateway_adapter_that_lacks_a_library_names_it(monkeypatch):
    for kind, said in (
        ("needing", "'needing' of the Airflow connection sms_x needs no_such_library, which is not installed"),
        ("nobody", "names the adapter 'nobody', which is not in motcua/gateways/"),
    ):
        given = {"conn_type": "http", "host": "127.0.0.1", "port": 1, "extra": {"adapter": kind}}
        monkeypatch.setenv("AIRFLOW_CONN_SMS_X", json.dumps(given))
        with pytest.raises(GatewayMisconfigured, match=said):
            open_gateway("x")
