"""The packages that the project was asked to use are in use, where they were asked for."""

from __future__ import annotations

from pathlib import Path

PACKAGE = Path(__file__).parents[2] / "plugins" / "motcua"


def test_every_database_is_opened_in_one_place():
    paths = list(PACKAGE.rglob("*.py"))
    assert paths
    for path in paths:
        if path.is_relative_to(PACKAGE / "sandbox") or path.name in ("database.py", "provisioning.py", "migrations.py"):
            continue
        text = path.read_text(encoding="utf-8")
        assert "psycopg.connect(" not in text, path
        assert "PostgresHook(" not in text, path


def test_requests_alone_speaks_to_gateways():
    paths = list((PACKAGE / "gateways").glob("*.py"))
    assert paths
    for path in paths:
        text = path.read_text(encoding="utf-8")
        for other in ("httpx", "aiohttp", "urllib.request", "http.client"):
            assert other not in text, path
