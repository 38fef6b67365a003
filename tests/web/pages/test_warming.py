"""Test that the server reads templates and words of the pages at its start, and not while the first visitor waits."""

from __future__ import annotations

import gc
import logging
import subprocess
import sys

import jinja2
import pytest
import yaml
from fastapi.testclient import TestClient

from motcua.web import pages
from motcua_plugin import MotcuaPlugin
from tests.web.visiting import Visiting

PAGES = (
    "/",
    "/alerts",
    "/calendar",
    "/complaints",
    "/dossiers?code=nobody",
    "/messages",
    "/messages/inquiries",
    "/messages/unknown",
    "/quality",
    "/reconciliation",
    "/run?dag_id=notify_transitions&run_id=none",
    "/statements",
    "/users",
)


@pytest.fixture
def cold():
    """Clear the caches, except those of settings and store; afterwards unfreeze the garbage collector's objects."""
    for name, module in list(sys.modules.items()):
        if name.startswith("motcua."):
            for value in vars(module).values():
                if hasattr(value, "cache_clear") and not value.__module__.startswith(
                    ("motcua.settings", "motcua.store")
                ):
                    value.cache_clear()
    yield
    gc.unfreeze()


@pytest.fixture
def http(ledger):
    with TestClient(Visiting().mount(), follow_redirects=False) as client:
        yield client


def test_first_visitor_of_a_page_waits_for_no_template_and_no_words(cold, http, monkeypatch):
    pages.warm_pages()

    def late(what):
        def read(*_, **__):
            raise AssertionError(f"{what} while a visitor waits")

        return read

    monkeypatch.setattr(jinja2.Environment, "compile", late("a template is compiled"))
    for name in ("load", "safe_load"):
        monkeypatch.setattr(yaml, name, late("a file of words is read"))
    seen = {page: http.get(f"/motcua{page}").status_code for page in PAGES}
    assert {page: status for page, status in seen.items() if status not in (200, 404)} == {}


def test_it_is_read_once_a_process_and_what_cannot_be_read_stops_no_server(cold, caplog):
    """A broken file must not prevent the start of the server. Each process reads each file once."""
    read = []

    def broken():
        raise ValueError("rules.yaml: line 3")

    reads = (broken, lambda: read.append("the next one"))
    with caplog.at_level(logging.WARNING):
        pages.warm_pages(reads)
        pages.warm_pages(reads)
    assert "rules.yaml: line 3" in caplog.text
    assert read == ["the next one"]


def test_airflow_reads_nothing_of_it_by_loading_the_plugin_alone():
    """Each command of Airflow loads all plugins, so loading our plugin must stay fast.

    Only the API server asks for the plugin's apps.
    """
    loads = "import sys, motcua_plugin; print([name for name in sys.modules if name.startswith('motcua.web')])"
    answer = subprocess.run([sys.executable, "-c", loads], check=True, capture_output=True, text=True)
    assert answer.stdout.splitlines()[-1] == "[]"


def test_asking_the_plugin_for_its_apps_warms_the_pages_up(cold):
    """When the API server asks for the apps, the pages are warmed up before the first visitor comes."""
    assert pages.warm_pages.cache_info().currsize == 0
    assert [each["url_prefix"] for each in MotcuaPlugin().fastapi_apps] == ["/gateway", "/intake", "/motcua"]
    assert pages.warm_pages.cache_info().currsize == 1
