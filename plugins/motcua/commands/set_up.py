"""Command ``motcua set-up``: ask ten questions, check each answer at once, and write it into the files of a server."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from motcua.commands.doctor import Machine, show
from motcua.commands.terminal import refuse, say
from motcua.jobs.doctor.examine import examine
from motcua.jobs.doctor.examining import of_folder
from motcua.jobs.installing.conversation import Stopped
from motcua.jobs.installing.conversation import set_up as talk
from motcua.jobs.installing.files import Files
from motcua.jobs.installing.questions import Name
from motcua.jobs.installing.talking import words

_STYLES = {"head": "bold", "good": "green", "wrong": "red"}


class _Terminal:
    """Asks the person at the terminal, or reads the lines of standard input if there is no terminal."""

    def say(self, told: str, style: str = "") -> None:
        """Show a sentence."""
        say(told.rstrip("\n"), _STYLES.get(style))

    def ask(self, told: str, *, secret: bool = False) -> str:
        """Ask for a line and return it. A secret is not shown."""
        if sys.stdin.isatty():
            return str(typer.prompt(told, default="", show_default=False, hide_input=secret, prompt_suffix=""))
        typer.echo(told, nl=False)
        line = sys.stdin.readline()
        typer.echo("" if secret else line.rstrip())
        if not line:
            raise EOFError
        return line.rstrip("\r\n")


def set_up(
    folder: Annotated[Path, typer.Argument(help="Folder with docker-compose.yaml and the example files.")],
    question: Annotated[Name | None, typer.Argument(help="Ask only this question again.")] = None,
    machine: Machine = Path("/"),
) -> None:
    """Set up a server with ten questions. Each answer is checked at once and written to the files. Secrets are made.

    On a server that has only Docker, run scripts/set_up.sh [QUESTION]. Without a terminal, each line of standard input
    is an answer.
    """
    try:
        files = Files.of(folder, machine)
    except FileNotFoundError as missing:
        name = Path(str(missing.filename)).name
        raise refuse(words()["not_here"].format(folder=folder, file=name)) from None
    except (OSError, UnicodeDecodeError) as error:
        raise refuse(words()["unreadable"].format(folder=folder, why=error)) from None
    try:
        talk(files, _Terminal(), datetime.now(UTC), question)
    except (KeyboardInterrupt, typer.Abort):
        say(words()["stopped"].rstrip())
        raise typer.Exit(1) from None
    except Stopped as stopped:
        say(stopped)
        say(words()["stopped"].rstrip())
        raise typer.Exit(1) from None
    except OSError as error:
        raise refuse(words()["unwritable"].format(folder=folder, why=error.strerror or error)) from None
    diagnosis = examine(of_folder(folder, machine))
    show(diagnosis)
    say(words()["end"]["next"])
    say(f"    {words()['end']['command']}", "bold")
