"""The account that the rows of a source's exports are kept under."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import datetime

from motcua.store.intake.clients import Password, change_client, register_client
from motcua.store.ledger.database import Connection


def open_account(connection: Connection, source: str, codes: Sequence[str], by: str, now: datetime) -> None:
    """Opens the account of a source, for agencies that its files may tell of; nobody can sign in with it.

    Raises:
        NameTaken: there is software of this name that pushes.
    """
    password = Password.of(secrets.token_urlsafe(24))
    register_client(connection, source, source, password, codes, (), supplements_at_desk=False, by=by, now=now)
    change_client(connection, source, "disabled", by=by, now=now, enabled=False)
