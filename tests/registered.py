"""What a deployment does once: says that providers have registered the texts, and that a sleep may be believed."""

from __future__ import annotations

from datetime import UTC, datetime

import psycopg
from psycopg.rows import dict_row

from motcua.domain.texts import Registration
from motcua.store.notices.gaps import believe_sleeps as sign_belief
from motcua.store.notices.registrations import save_registrations
from motcua.store.notices.templates import load_template_versions


def register_templates(dsn: str, *gateways: str) -> None:
    """Registers every version of every template at these gateways, in the ledger of an administrator's DSN."""
    wanted = [
        Registration(gateway, template_id, version)
        for gateway in gateways
        for template_id, version in load_template_versions()
    ]
    with psycopg.connect(dsn, row_factory=dict_row) as connection:
        save_registrations(connection, wanted, changed_by="tests", reason=None, now=datetime.now(UTC))


def believe_sleeps(dsn: str) -> None:
    """Signs that a ledger, of an administrator's DSN, is never put back: clocks of tests jump by hours."""
    with psycopg.connect(dsn, row_factory=dict_row) as connection:
        sign_belief(connection, "tests", "clocks of tests jump", datetime.now(UTC))
