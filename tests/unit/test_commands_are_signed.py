"""Every command that decides something is signed by a person; for nobody and for shared accounts it writes nothing."""

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
"""Each command that writes what somebody decided, with words enough to come to its signature."""

UNSIGNED = {
    "closings close": "the daily run by hand: it counts and decides nothing; nothing is published",
    "complaints link": "the daily run by hand: ties what has appeared since",
    "files read": "what each run does by itself: takes what was dropped",
    "publications mail": "a mail that was due already, to those who are configured",
    "quality mail": "likewise",
    "quality run": "the daily run by hand",
    "sources check": "looks; what it found is kept for the page",
    "migrate": "as a new version begins",
    "provision": "as a server is set up",
    "users roles": "likewise",
    "set-up": "likewise; what somebody must answer for is signed in it by name",
    "restore": "into an empty database only",
    "backup every-night": "makes files",
    "watch outside": "looks and mails",
    "demo": "the demo",
    "intake push": "what software pushes by its own password, which is asked for",
    "smoke": "the demo without hands",
}
"""Commands that do something and are not signed, with the reason."""

LOOKS = """
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
"""Commands that print, or write a file for whoever runs them."""


def commands(group: typer.Typer, place: str = "") -> Iterator[tuple[str, Any]]:
    for command in group.registered_commands:
        assert command.callback is not None
        yield f"{place}{command.name or command.callback.__name__.replace('_', '-')}", command.callback
    for other in group.registered_groups:
        assert other.typer_instance is not None
        yield from commands(other.typer_instance, f"{place}{other.name} ")


def test_the_signed_commands_are_those_that_ask_who_does_so():
    asking = {
        name
        for name, callback in commands(app)
        if typing.get_type_hints(callback, include_extras=True).get("by") == terminal.By
    }
    assert asking == set(SIGNED)
    looks = {" ".join(name.split()) for name in LOOKS.split(",")}
    assert {name for name, _ in commands(app)} == asking | set(UNSIGNED) | looks, "a new command says what it does"
    assert len(asking) + len(UNSIGNED) + len(looks) == len(list(commands(app)))


NOBODIES = ("root", "airflow", "motcua", "", "0905123456")


@pytest.mark.guarantee(
    "pages", "a command or page that decides something is signed by a person, never by a shared account"
)
def test_command_of_nobody_is_refused_with_what_to_do_and_comes_to_no_ledger(monkeypatch, tmp_path):
    """There is no ledger to come to: a command that began to write would fail otherwise."""
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
    monkeypatch.setenv("LOGNAME", logged_in)
    assert terminal.signed_if_known(given) == signs
    with pytest.raises(typer.Exit):
        terminal.signed_if_known("admin")


def test_container_whose_user_has_no_name_signs_nothing(monkeypatch):
    def nameless() -> str:
        raise KeyError("getpwuid(): uid not found: 50001")

    monkeypatch.setattr(terminal.getpass, "getuser", nameless)
    with pytest.raises(typer.Exit):
        terminal.signed(None)


def test_one_place_alone_asks_the_machine_who_is_logged_in():
    asking = re.compile(r"\b(getpass|getuser|getlogin|LOGNAME)\b")
    found = {
        str(path.relative_to(COMMANDS.parent))
        for path in COMMANDS.parent.rglob("*.py")
        if asking.search(path.read_text(encoding="utf-8"))
    }
    assert found == {"commands/terminal.py"}
