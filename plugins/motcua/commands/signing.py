"""Who signs what a command writes: the one place that knows."""

from __future__ import annotations

import getpass
from typing import Annotated

import typer

from motcua.commands.terminal import refuse
from motcua.domain.people import NotAPerson, is_person, read_person

By = Annotated[
    str | None,
    typer.Option(
        "--by",
        envvar="MOTCUA_PERSON",
        help="Your own name, which signs this for good; by default that of your login, never a shared one.",
        show_default=False,
    ),
]
"""How a command that writes asks who does so."""


def signed(by: str | None) -> str:
    """The person who signs: as told, else whoever is logged in to this machine. Called before anything is written.

    Raises:
        typer.Exit: that is nobody, or an account that several people use; said with what to do, exit code 2.
    """
    try:
        return read_person(_login_name() if by is None else by)
    except NotAPerson as nobody:
        raise refuse(
            f"{nobody} Nothing was written. Say who you are, as you sign in to the pages: --by NAME, or once for all"
            " commands MOTCUA_PERSON=NAME (in Compose: docker compose exec -e MOTCUA_PERSON=NAME …)."
        ) from None


def signed_if_known(by: str | None) -> str | None:
    """The person who signs, where one is known; ``None``: nobody is named, and whoever is logged in is no person. For
    what may also be done without a signature, and is then not kept.

    Raises:
        typer.Exit: who is named can sign nothing; said with what to do, exit code 2.
    """
    if by is not None:
        return signed(by)
    name = _login_name()
    return read_person(name) if is_person(name) else None


def _login_name() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError):
        # A container may run as a number that has no name.
        return ""
