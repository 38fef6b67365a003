"""Check that a command on a page is valid: its services, words and options exist.

No command is run. This module knows only those commands of Compose that the handbook uses.
"""

from __future__ import annotations

import argparse
import io
import re
import shlex
from contextlib import redirect_stderr
from functools import cache
from typing import Any, NoReturn

import typer
from typer.exceptions import TyperException

from motcua.cli import app
from tests.compose.project import OURS, SERVICES

_EVERY_DEBIAN_HAS = {"cat", "find", "printenv", "printf", "rm", "tar", "true", "umask"}


class NotUnderstood(Exception):
    """A command has a word that does not exist; the error's message names the word."""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise NotUnderstood(f"{self.prog}: {message}")


def _parser(verb: str, *flags: str, value: str = "", command: bool = False, services: bool = False) -> _Parser:
    parser = _Parser(prog=f"docker compose {verb}", add_help=False, allow_abbrev=False)
    for flag in flags:
        parser.add_argument(*flag.split("|"), action="store_true")
    if value:
        parser.add_argument(value)
    if command:
        parser.add_argument("-e", "--env", action="append", default=[])
        parser.add_argument("service")
        parser.add_argument("command", nargs=argparse.REMAINDER)
    if services:
        parser.add_argument("services", nargs="*")
    return parser


_PARSERS = {
    "build": _parser("build"),
    "config": _parser("config", "--quiet|-q", "--images"),
    "down": _parser("down", "--volumes"),
    "exec": _parser("exec", "-T|--no-tty", command=True),
    "logs": _parser("logs", value="--tail", services=True),
    "ps": _parser("ps", "--all", services=True),
    "restart": _parser("restart", services=True),
    "run": _parser("run", "--rm", "-T|--no-tty", "--no-deps", command=True),
    "stop": _parser("stop", services=True),
    "unpause": _parser("unpause", services=True),
    "up": _parser("up", "--detach|-d", "--wait", "--build", "--no-deps", services=True),
    "version": _parser("version"),
}
"""The commands of ``docker compose`` that the handbook uses, by their first word."""


def lines_of(block: str) -> list[str]:
    """Return the commands of a block. Lines that end with a backslash are joined."""
    return [line for line in block.replace("\\\n", " ").splitlines() if line.strip()]


def understand(line: str) -> str | None:
    """Check a line, and return the service in which Compose runs the line's command; ``None`` if there is no service.

    Raises:
        NotUnderstood: Compose, or the program in the service, would refuse the words.
    """
    if not line.startswith("docker compose "):
        return None
    # Put one word in place of each shell substitution.
    words = shlex.split(re.sub(r"\$\([^)]*\)", "2026-01-01", line), comments=True)
    # Cut off redirections and pipes, because they belong to the shell.
    words = words[: next((n for n, word in enumerate(words) if word in ("<", ">", "|")), len(words))]
    verb = words[2]
    if verb not in _PARSERS:
        raise NotUnderstood(f"docker compose {verb} is not a known command")
    asked = _PARSERS[verb].parse_args(words[3:])
    named = [asked.service] if hasattr(asked, "service") else getattr(asked, "services", [])
    if unknown := set(named) - SERVICES.keys():
        raise NotUnderstood(f"no service {', '.join(sorted(unknown))}")
    if not getattr(asked, "command", None):
        return None
    if asked.service in OURS:
        understand_program(asked.command)
    return str(asked.service)


def understand_program(words: list[str]) -> None:
    """Check that a command is in the image and accepts these words.

    Raises:
        NotUnderstood: the command is not in the image or does not accept the words.
    """
    program, *arguments = words
    if program == "motcua":
        _understand_motcua(arguments)
    elif program == "airflow":
        _understand_airflow(arguments)
    elif program not in _EVERY_DEBIAN_HAS:
        raise NotUnderstood(f"{program} is not known to be in the image")


@cache
def _motcua() -> Any:
    return typer.main.get_command(app)


def _understand_motcua(words: list[str]) -> None:
    command, given, context = _motcua(), words, None
    try:
        while True:
            for parameter in command.params:
                # Click calls the callback of an eager option while it parses the words. Replace the callback, because
                # it might query the ledger.
                if parameter.is_eager:
                    parameter.callback = _end_where_given
            context = command.make_context(command.name, list(given), parent=context)
            if not hasattr(command, "commands") or not (given := [*context._protected_args, *context.args]):
                return
            _, command, given = command.resolve_command(context, given)
    except typer.Exit:
        return
    except TyperException as error:
        raise NotUnderstood(f"motcua {' '.join(words)}: {error}") from None


def _end_where_given(_: object, __: object, value: object) -> object:
    if value:
        raise typer.Exit
    return value


def _understand_airflow(words: list[str]) -> None:
    from airflow.cli.cli_parser import get_parser

    said = io.StringIO()
    try:
        with redirect_stderr(said):
            get_parser().parse_args(words)
    except SystemExit:
        raise NotUnderstood(f"airflow {' '.join(words)}: {said.getvalue()}") from None
