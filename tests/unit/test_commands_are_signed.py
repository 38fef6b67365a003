"""Test that a person must sign each command that decides something.

Without a name, or with a shared account's name, the command must write nothing.
"""

from __future__ import annotations

import re
import typing
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from motcua.cli import app
from motcua.commands import terminal
from tests.ground import type_command

COMMANDS = Path(terminal.__file__).parent

SIGNED: dict[str, list[str]] = {
    "agencies import": ["--yes"],
    "alerts acknowledge": ["source_failing"],
    "calendar confirm": ["2026", "--withdraw"],
    "calendar import": ["days.yaml"],
    "calendar seed": [],
    "closings compare": ["portal.csv"],
    "complaints import": ["complaints.csv"],
    "complaints outcome": ["1", "upheld"],
    "complaints withdraw": ["1", "--why", "trùng"],
    "files accept": ["1", "--why", "đã bàn giao"],
    "files form": ["tep", "form.yaml", "--agency", "000.00.30.H32"],
    "gaps believe": ["--reason", "máy vật lý", "--as-department"],
    "gaps close": ["1", "--reason", "mất nhật ký", "--nothing-sent", "--as-department"],
    "gaps doubt": ["--as-department"],
    "gateways start": ["kannel"],
    "gateways stop": ["kannel", "--reason", "bảo trì"],
    "go": ["1", "--as-department"],
    "intake add": ["hue"],
    "intake change": ["hue"],
    "intake disable": ["hue"],
    "intake enable": ["hue"],
    "intake password": ["hue"],
    "messages release": ["1", "--reason", "đã hỏi nhà mạng"],
    "personal-data erase": ["000.00.30.H32", "H32-1", "--because", "Đơn số 1"],
    "personal-data export": ["--agency", "000.00.30.H32", "--code", "H32-1", "--because", "Đơn số 1"],
    "personal-data purge": [],
    "phones": ["--source", "khanhhoa", "--output", "x.xlsx", "--unmasked"],
    "quality acknowledge": ["1", "--why", "đang sửa", "--until", "2026-12-31"],
    "sources map-status": ["khanhhoa", "11", "9"],
    "statements import": ["statement.csv", "--form", "kannel"],
    "statements set-aside": ["1", "--why", "không phải bản kê"],
    "stop": ["--everything", "--as-department", "--until", "2100-01-01 08:00", "--reason", "sai mẫu"],
    "texts register": ["kannel", "--all"],
    "texts unregister": ["kannel", "result.v1", "--because", "thu hồi"],
    "publications verify-all": [],
    "users give": ["hoa", "000.00.30.H32"],
    "users take": ["hoa", "000.00.30.H32"],
    "verify": ["1"],
}
"""Each command that writes a person's decision, with the arguments that it needs before it checks who signs."""

UNSIGNED = {
    "closings close": "the daily run, started by hand: it counts, and it decides and publishes nothing",
    "complaints link": "the daily run, started by hand: it links complaints to messages that were sent since",
    "files read": "each run does the same: it reads the files that were dropped into the folders",
    "publications mail": "a mail that was due already, to the configured recipients",
    "quality mail": "a mail that was due already, to the configured recipients",
    "quality run": "the daily run, started by hand",
    "sources check": "only reads the source; the findings are stored for the page",
    "migrate": "part of installing a new version",
    "provision": "part of setting up a server",
    "users roles": "part of setting up a server",
    "set-up": "part of setting up a server; its decisions are signed by name inside the command",
    "restore": "into an empty database only",
    "backup every-night": "only writes backup files",
    "watch outside": "only checks the server and mails",
    "demo": "only the demo",
    "intake push": "pushes as one-stop software does, with that software's password",
    "smoke": "the demo without a person",
}
"""Commands that change something without a signature, with the reason."""

ONLY_READING = """
agencies diff, agencies dry-run, agencies export, agencies history, agencies list, agencies show,
apologies evenings, apologies forecast, apologies letters, backup check, backup list, backup verify,
calendar export, calendar show, calendar unconfirmed, closings differences, closings list, closings
rows, closings show, complaints count, complaints list, data-dictionary, doctor, dossiers show, files faults,
files list, files preview, gaps list,
gaps show, gateways changes, gateways list, identity, inquiries, intake faults, intake list, latency,
messages held, messages list, messages sent, messages stopped, personal-data purges, personal-data requests,
publications list, publications show, publications statement,
quality rows, quality rules, quality show, quality verify, quarantine,
sources list, statements refused, statements rows, statements show, status, texts registrations, users list,
watch address
"""
"""Commands that only print, or write a file for the person who runs them."""


def commands(group: typer.Typer, place: str = "") -> Iterator[tuple[str, Any]]:
    for command in group.registered_commands:
        assert command.callback is not None
        yield f"{place}{command.name or command.callback.__name__.replace('_', '-')}", command.callback
    for other in group.registered_groups:
        assert other.typer_instance is not None
        yield from commands(other.typer_instance, f"{place}{other.name} ")


def test_each_command_is_listed_and_the_signed_ones_ask_for_a_name():
    asking = {
        name
        for name, callback in commands(app)
        if typing.get_type_hints(callback, include_extras=True).get("by") == terminal.By
    }
    assert asking == set(SIGNED)
    reading = {" ".join(name.split()) for name in ONLY_READING.split(",")}
    assert {name for name, _ in commands(app)} == asking | set(UNSIGNED) | reading, (
        "a new command must be listed in SIGNED, UNSIGNED or ONLY_READING"
    )
    assert len(asking) + len(UNSIGNED) + len(reading) == len(list(commands(app)))


NOBODIES = ("root", "airflow", "motcua", "", "0905123456")


@pytest.mark.guarantee(
    "pages", "a command or page that decides something is signed by a person, never by a shared account"
)
def test_command_of_nobody_is_refused_with_what_to_do_and_comes_to_no_ledger(monkeypatch, tmp_path):
    """Each command without a person's name is refused with advice.

    The test has no ledger, so a command that tried to write would fail with another error.
    """
    monkeypatch.chdir(tmp_path)
    for file in ("days.yaml", "complaints.csv", "portal.csv", "statement.csv"):
        (tmp_path / file).write_text("x")
    wrong = {}
    for place, (name, words) in enumerate(SIGNED.items()):
        done = type_command(*name.split(), *words, "--by", NOBODIES[place % len(NOBODIES)], exits=None)
        told = ("Nothing was written.", "--by NAME", "MOTCUA_PERSON=NAME")
        if done.exit_code != 2 or not all(each in done.output for each in told):
            wrong[name] = done.output
    assert wrong == {}


@pytest.mark.parametrize(
    ("given", "logged_in", "signs"),
    [
        ("hoa", "root", "hoa"),
        (None, "minh", "minh"),
        *((None, nobody, None) for nobody in NOBODIES if nobody),
        ("admin", "minh", None),
    ],
)
def test_whoever_is_named_signs_and_else_the_login_of_a_person(given, logged_in, signs, monkeypatch):
    monkeypatch.delenv("MOTCUA_PERSON")
    monkeypatch.setenv("LOGNAME", logged_in)
    probe = typer.Typer()

    @probe.command()
    def sign(by: terminal.By = None) -> None:
        typer.echo(f"signed by {terminal.signed(by)}")

    for words, told in (([] if given is None else ["--by", given], {}), ([], {"MOTCUA_PERSON": given or ""})):
        done = CliRunner().invoke(probe, words, env={**told, "COLUMNS": "200"})
        assert (done.exit_code, f"signed by {signs}" in done.output) == ((0, True) if signs else (2, False))


@pytest.mark.parametrize(
    ("given", "logged_in", "signs"), [("hoa", "root", "hoa"), (None, "minh", "minh"), (None, "root", None)]
)
def test_what_needs_no_signature_is_signed_where_a_person_is_known(given, logged_in, signs, monkeypatch):
    """A command that needs no signature stores the person if known, and refuses the name of a shared account."""
    monkeypatch.setenv("LOGNAME", logged_in)
    assert terminal.signed_if_known(given) == signs
    with pytest.raises(typer.Exit):
        terminal.signed_if_known("admin")


def test_container_whose_user_has_no_name_signs_nothing(monkeypatch):
    """A command in a container whose user has no name must be refused, as for a shared account."""

    def nameless() -> str:
        raise KeyError("getpwuid(): uid not found: 50001")

    monkeypatch.setattr(terminal.getpass, "getuser", nameless)
    with pytest.raises(typer.Exit):
        terminal.signed(None)


def test_one_place_alone_asks_the_machine_who_is_logged_in():
    """Only commands/terminal.py may read the login name, so that all commands are signed by the same rule."""
    asking = re.compile(r"\b(getpass|getuser|getlogin|LOGNAME)\b")
    found = {
        str(path.relative_to(COMMANDS.parent))
        for path in COMMANDS.parent.rglob("*.py")
        if asking.search(path.read_text(encoding="utf-8"))
    }
    assert found == {"commands/terminal.py"}
