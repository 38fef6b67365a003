"""Test that nobody can write a message: no route, form, command or DAG takes a message's words or phone number.

The test walks all parameters that people can hand in. A parameter of a closed list, a number, a switch or a day cannot
hold words. Each other parameter is listed here by name, with its meaning. The test fails for a new parameter that is
not listed, and for a parameter whose name means words or a phone number, whatever its type is.
"""

from __future__ import annotations

import ast
import re
import types
import typing
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
import typer
from fastapi import FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute

from motcua.cli import app as motcua
from motcua.domain.restores import Later, Witness
from motcua.reports.lists import declared_list, load_every_list
from motcua.settings import include_dir
from motcua.web.callbacks import create_callbacks
from motcua.web.pages import create_pages

ROOT = include_dir().parent

AS_WORDS = {
    "body", "bodies", "content", "message", "messages", "mobile", "msisdn", "number", "numbers", "phone", "phones",
    "recipient", "recipients", "sms", "template", "text", "texts", "to", "words",
}  # fmt: skip
"""A parameter with one of these words in its name must be listed in ``EXCEPTIONS``, whatever its type is."""

NAMES_SOMETHING = """
agency at before by claim closing code complaint day decision differs figure finding form gateway kind month name no
outcome page part period procedure province publication q rule run said search seen since sort source state token
trail until verdict year
"""
"""Parameters that name something that exists already: any other value finds nothing."""

EXCEPTIONS = """
# reasons that other staff read; no reason is sent to a citizen
motcua stop, motcua gateways stop, motcua messages release, motcua gaps believe, motcua gaps close, form of alerts,
    form of unknown, form of stops, form of messages, form of exports, form of statements: reason
motcua files accept, motcua quality acknowledge, motcua statements set-aside, motcua complaints withdraw, motcua
    complaints outcome, form of quality, form of quality_rows: why
motcua texts register, motcua personal-data erase, motcua personal-data export, motcua texts unregister: because
form of complaints: reason note
# files, and folders of them
motcua intake push, form of exports, form of export_form, form of phones, form of sent_statements: file
motcua files form, motcua agencies diff, motcua agencies import, motcua agencies export, motcua calendar import,
    motcua statements import, motcua closings compare, motcua complaints import: path
motcua files preview: file form
motcua apologies letters, motcua personal-data erase, motcua personal-data export, motcua agencies list, motcua
    closings differences, motcua
    closings list, motcua complaints list, motcua files list, motcua intake list, motcua messages held, motcua
    messages list, motcua quality rows, motcua quarantine, motcua sources list, motcua statements rows, motcua
    statements show, motcua users list, motcua backup every-night: to
motcua doctor: files machine
motcua smoke, motcua backup check, motcua backup list: folder
motcua set-up: folder machine
motcua backup verify, motcua restore: folder identity
motcua phones: file output
# numbers and names of existing things, and words to search for
form of alerts: became gap subject
motcua calendar confirm: decision
motcua closings rows, /reconciliation/rows, /reconciliation/rows.csv, /reconciliation/rows.xlsx, motcua messages
    list: reason
list of messages: dag reason
form of lists: {{each.name}} {{name}} {{shown.prefix}}q {{shown.prefix}}sort
/dossiers/found, /dossiers/found/file: dossier
/run, /run/file: dag_id run_id
form of unknown: held
form of exports, form of sent_statements: file_name sha256
motcua users give, motcua users take: user
motcua messages release: message_ids
motcua go, motcua publications show: number
motcua publications mail: number bodies
motcua publications statement: asked
motcua texts register: template provider_template_id accented_provider_template_id
motcua texts unregister: template
motcua backup verify, motcua restore: named
form of statements: file_name sha256 refusal
# settings of an agency, of a source or of an account, and switches
motcua intake add, motcua intake change: client network
motcua intake disable, motcua intake enable, motcua intake faults, motcua intake password: client
motcua intake push: client dossier phone url
form of export_form: file_name sha256 seen column_{{column}} status_{{code}} other_status other_meaning via_{{way}}
    sheets at_desk supplements_at_desk least_percent
form of sources: written stands_for
form of users: sure user
form of stops, form of stops_go: sure
form of calendar: authority sure
form of alerts: sure
form of agency: accented apology_day change other_procedures report_recipients result_hold same_day_all
    same_day_excluded same_day_reason seen seen_recipients waits_for_opening
form of settings: change seen seen_recipients sure
form of ask: accented apology_day change report_recipients result_hold same_day_all same_day_excluded same_day_reason
    seen seen_recipients sure waits_for_opening
# words that citizens and one-stop software hand in: used for a search, or stored where no message is made of them
motcua personal-data erase, motcua personal-data export: phone
form of find, form of dossiers, form of staff: q
form of complaints: dossier_code received_at channel
"""
"""Free words and files that people may hand in.

Each line has the places, a colon and the names of the parameters. The comment above says what the parameters are.
"""
EXCUSED = {
    f"{place.strip()}: {name}"
    for line in re.sub(r"\n    ", " ", EXCEPTIONS).splitlines()
    if line and not line.startswith("#")
    for places, _, names in [line.rpartition(":")]
    for place in places.split(",")
    for name in names.split()
}


@dataclass(frozen=True)
class Parameter:
    """A parameter that people can hand in."""

    place: str
    name: str
    is_free: bool
    """Whether the value may be any words, or a file with any words."""

    def __str__(self) -> str:
        return f"{self.place}: {self.name}"

    @property
    def is_explained(self) -> bool:
        if str(self) in EXCUSED:
            return True
        if AS_WORDS & set(self.name.split("_")):
            return False
        return not self.is_free or self.name in NAMES_SOMETHING.split()


def is_free(of: Any) -> bool:
    """Return whether values of a type may be any words."""
    origin, parts = typing.get_origin(of), typing.get_args(of)
    if origin is Annotated:
        return is_free(parts[0])
    if origin is Literal:
        return False
    if origin in (typing.Union, types.UnionType, list, tuple):
        return any(is_free(each) for each in parts if each is not type(None))
    return not (isinstance(of, type) and issubclass(of, bool | int | float | date | datetime | timedelta))


def parameters_of_commands(app: typer.Typer, place: str) -> Iterator[Parameter]:
    """Yield the parameters of all commands."""
    for command in app.registered_commands:
        assert command.callback is not None
        name = command.name or command.callback.__name__.replace("_", "-")
        hints = typing.get_type_hints(command.callback)
        for parameter, of in hints.items():
            if parameter != "return":
                yield Parameter(f"{place} {name}", parameter, is_free(of))
    for group in app.registered_groups:
        assert group.typer_instance is not None
        yield from parameters_of_commands(group.typer_instance, f"{place} {group.name}")


def parameters_of_routes(app: FastAPI) -> Iterator[Parameter]:
    """Yield the parameters of all routes of an app."""
    for route in app.routes:
        assert isinstance(route, APIRoute), f"{route}: a route whose parameters cannot be read"
        yield from _parameters_of_dependant(route.path, route.dependant)
        declared = {each.alias for each in route.dependant.path_params}
        for name in route.param_convertors.keys() - declared:
            # The route reads this parameter from the request's path.
            yield Parameter(route.path, name, is_free(str))


def _parameters_of_dependant(place: str, dependant: Dependant) -> Iterator[Parameter]:
    """Yield the parameters of a route, including those of its dependencies."""
    for fields in (dependant.path_params, dependant.query_params, dependant.header_params, dependant.body_params):
        for each in fields:
            yield Parameter(place, each.alias, is_free(each.field_info.annotation))
    for other in dependant.dependencies:
        yield from _parameters_of_dependant(place, other)


_FIELD = re.compile(r"<(?:input|select|textarea|button)\b[^>]*?\bname=\"([^\"]+)\"", re.S)


def parameters_of_templates(folder: Path) -> Iterator[Parameter]:
    """Yield the fields of the forms that staff pages show."""
    for path in sorted(folder.rglob("*.html")):
        for name in _FIELD.findall(path.read_text(encoding="utf-8")):
            # Several pages may show one form.
            place = path.stem.removesuffix("_agency").removesuffix("_ask")
            yield Parameter(f"form of {place}", name.replace(" ", ""), True)


def parameters_of_lists() -> Iterator[Parameter]:
    """Yield the parameters that the URL of each declared list may have. A list's page reads no other parameters."""
    for name in load_every_list():
        declared = declared_list(name)
        for filter_name, each in declared.filters.items():
            names = ("since", "until") if each.shown == "days" else (filter_name,)
            for asked in names:
                yield Parameter(f"list of {name}", asked, each.shown != "choice" or each.words == "reason")
        for asked in ("q", "sort", "before", "trail"):
            yield Parameter(f"list of {name}", asked, True)


def parameters_of_forms(folder: Path) -> Iterator[Parameter]:
    """Yield the fields that the code of the pages reads from a form."""
    for path in sorted(folder.rglob("*_page.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            match node:
                case ast.Call(
                    func=ast.Attribute(value=ast.Name(id="fields"), attr="get"), args=[ast.Constant(value=name), *_]
                ):
                    yield Parameter(f"form of {path.stem.removesuffix('_page')}", str(name), True)


def parameters_of_dags(dags: Iterable[Any]) -> Iterator[Parameter]:
    """Yield the parameters of all DAGs."""
    for dag in dags:
        for name in dag.params:
            schema = dag.params.get_param(name).schema
            closed = schema.get("type") in ("boolean", "integer", "number") or "enum" in schema
            yield Parameter(f"DAG {dag.dag_id}", name, not closed)


def unexplained(parameters: Iterable[Parameter]) -> list[str]:
    """Return the parameters that may hold words and are not listed in this file."""
    return sorted({str(each) for each in parameters if not each.is_explained})


@pytest.fixture(scope="module")
def found() -> list[Parameter]:
    from airflow.dag_processing.dagbag import DagBag

    bag = DagBag(dag_folder=str(ROOT / "dags"))
    assert not bag.import_errors
    return [
        *parameters_of_commands(motcua, "motcua"),
        *parameters_of_routes(create_pages()),
        *parameters_of_routes(create_callbacks()),
        *(each for each in parameters_of_templates(ROOT / "include/templates/web") if each.place not in DEMO),
        *parameters_of_forms(ROOT / "plugins/motcua/web"),
        *parameters_of_lists(),
        *parameters_of_dags(bag.dags.values()),
    ]


DEMO = {"form of phone_network", "form of mailbox"}
"""Forms of the demo, which production does not have: a phone in the demo texts 9029 as a citizen would."""


@pytest.mark.guarantee(
    "stops", "no route, form, command or DAG lets anybody enter the words or the phone number of a message"
)
def test_nothing_takes_the_words_of_a_message_or_its_number(found):
    assert unexplained(found) == []


def test_everything_that_people_hand_in_was_looked_at_and_nothing_is_excused_that_is_not_there(found):
    """The walk must reach commands, routes, forms and DAGs, and every listed exception must exist."""
    places = {each.place for each in found}
    assert {"motcua stop", "motcua phones", "/complaints", "/inquiries/{gateway}", "form of quality"} <= places
    assert "DAG notify_transitions" in places
    assert sorted(EXCUSED - {str(each) for each in found}) == []
    assert sorted(set(NAMES_SOMETHING.split()) - {each.name for each in found}) == []


def test_gateways_calls_are_answered_where_they_came_from():
    """A text to 9029 holds words and a number, but its reply can only answer that request.

    The callbacks app may have no other route that takes words or a number.
    """
    routes = {route.path for route in create_callbacks().routes if isinstance(route, APIRoute)}
    # The routes for health and metrics take nothing; a watch on another machine sends moments and a count.
    assert routes == {"/inquiries/{gateway}", "/receipts/{gateway}", "/health", "/metrics", "/watch"}
    assert typing.get_type_hints(Witness) == {
        "awake_since": datetime | None,
        "sees_since": datetime | None,
        "about": datetime | None,
        "later": Later | None,
    }
    assert typing.get_type_hints(Later) == {"attempts": int, "seen_at": datetime | None}


def test_pages_read_nothing_of_a_request_but_their_parameters_and_forms():
    """A page that reads its request in another way could take a field that the walk over routes and forms misses.

    One-stop software pushes dossiers and steps. Their fields are named in domain/intake; no field is a message's text.
    """
    reading = re.compile(r"\.(query_params|form\(|json\(|body\(|stream\()")
    web = ROOT / "plugins/motcua/web"
    readers = {
        str(path.relative_to(web)) for path in web.rglob("*.py") if reading.search(path.read_text(encoding="utf-8"))
    }
    # The file lists.py reads only the parameters that lists declare.
    assert readers <= {"forms.py", "callbacks.py", "intake.py", "lists.py"}
    for path in (ROOT / "dags").glob("*.py"):
        assert "conf" not in re.findall(r"\w+", path.read_text(encoding="utf-8")), (
            f"{path.name} reads undeclared values of a run's conf"
        )


@pytest.mark.parametrize(
    ("name", "of", "is_explained"),
    [
        ("text", str, False),
        ("msisdn", int, False),
        ("because", str, False),
        ("agency", str, True),
        ("loud", bool, True),
    ],
)
def test_parameter_that_takes_words_or_a_number_would_be_noticed(name, of, is_explained):
    assert Parameter("motcua tell", name, is_free(of)).is_explained is is_explained
