"""Assigns agencies to users of Airflow, so that a user sees the rows of these agencies on the staff pages. An agency is
named by its code or an alias.

Only Airflow knows its users, and some sign-in methods cannot list them. A name is stored as written, and has no effect
until somebody signs in with it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from motcua.domain.dossiers import clean_words
from motcua.store.agencies import Agency, find_agency, list_agencies
from motcua.store.ledger.database import Connection

LONGEST_NAME: Final = 250
"""Most characters of a user's name."""
GrantRefusal: TypeAlias = Literal["no_user", "long_user", "unknown_agency"]


class GrantRefused(Exception):
    """The request names no usable user name, or no agency of the ledger."""

    def __init__(self, refusal: GrantRefusal) -> None:
        super().__init__(refusal)
        self.refusal = refusal


@dataclass(frozen=True, slots=True)
class Grant:
    """A user and an agency that the user may see."""

    user_name: str
    agency: Agency


def read_grant(connection: Connection, user_name: str, agency: str) -> Grant:
    """Return the user and the agency as typed.

    Raises:
        GrantRefused: the name is empty or too long, or no agency has this code or alias.
    """
    name = clean_words(user_name, LONGEST_NAME + 1)
    if name is None:
        raise GrantRefused("no_user")
    if len(name) > LONGEST_NAME:
        raise GrantRefused("long_user")
    meant = find_agency(list_agencies(connection), agency)
    if meant is None:
        raise GrantRefused("unknown_agency")
    return Grant(name, meant)
