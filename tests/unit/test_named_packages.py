"""The packages that the project was asked to use are in use, where they were asked for."""

from __future__ import annotations

from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "plugins" / "motcua"


def source(*parts: str) -> str:
    return PACKAGE.joinpath(*parts).read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("file", "use"),
    [
        (("gateways", "exchange.py"), "requests.Request("),
        (("jobs", "notices", "sending", "request_slots.py"), "requests.Session()"),
        (("store", "ledger", "database.py"), "PostgresHook(conn_id, log_sql=False, connection=as_given)"),
        (("jobs", "handed_in", "tables.py"), "pd.read_csv("),
        (("domain", "phones", "numbers.py"), "phonenumbers."),
        (("store", "ledger", "migrations.py"), "read_migrations("),
    ],
)
def test_named_package_does_its_work(file, use):
    assert use in source(*file)


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
