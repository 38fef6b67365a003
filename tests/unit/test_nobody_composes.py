"""Nobody composes: no route, form, command or DAG takes the words of a message or the number that it goes to.

Everything that takes something from people is walked. What is one of a closed list, a number, a switch or a day can be
no words; every other parameter stands here by name with what it is. A new one that does not is a failure, and so is one
that is named as words or as a number, whatever its type.
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
from fastapi import APIRouter, FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute

from motcua.cli import app as motcua
from motcua.reports.lists import declared_list, load_every_list
from motcua.settings import include_dir
from motcua.web.callbacks import create_callbacks
from motcua.web.pages import create_pages

ROOT = include_dir().parent

AS_WORDS = {
    "body", "bodies", "content", "message", "messages", "mobile", "msisdn", "number", "numbers", "phone", "phones",
    "recipient", "recipients", "sms", "template", "text", "texts", "to", "words",
}  # fmt: skip
"""A parameter with one of these in its name is looked at whatever it takes."""

NAMES_SOMETHING = {
    "agency": "an agency's code",
    "at": "what the page's address says",
    "before": "place of a row: the list goes on behind it",
    "code": "an agency's code",
    "claim": "one of a closed list",
    "closing": "number of a closing",
    "complaint": "number of a complaint",
    "decision": "which button was pressed",
    "differs": "what differs in a statement's line",
    "figure": "name of a figure",
    "finding": "number of a finding",
    "form": "mark of a form, or the name of a statement's form",
    "gateway": "name of a gateway",
    "kind": "kind of messages",
    "month": "a month",
    "name": "name of a gateway, or of a file of a publication",
    "no": "number of a statement",
    "outcome": "one of a closed list",
    "part": "one of a closed list",
    "page": "page of a list",
    "period": "a day or a month",
    "procedure": "code of a procedure",
    "province": "name of a province",
    "publication": "number or folder of a publication",
    "rule": "name of a rule",
    "run": "name of a run",
    "q": "words that rows of a list hold",
    "search": "likewise",
    "sort": "name of a column",
    "said": "what the page says after a form",
    "source": "name of a source",
    "state": "one of a closed list",
    "trail": "places in a list that were left behind",
    "token": "mark of the visitor's own form",
    "verdict": "one of a closed list",
    "year": "a year",
    "day": "a day",
    "since": "a day",
    "until": "a day",
    "by": "whoever signs: his own name",
}
"""Names of what there is already: whoever types something else gets nothing."""

EXCEPTIONS = {
    # Reasons, kept for others to read and sent to nobody.
    "motcua stop: reason": "why it is stopped; publications show it",
    "motcua intake add: client": "name of one-stop software's account",
    "motcua intake add: network": "addresses that one-stop software calls from",
    "motcua intake change: client": "likewise",
    "motcua intake change: network": "likewise",
    "motcua intake disable: client": "likewise",
    "motcua intake enable: client": "likewise",
    "motcua intake faults: client": "likewise",
    "motcua intake password: client": "likewise",
    "motcua intake push: client": "likewise",
    "motcua intake push: dossier": "code of a dossier that is pushed as software pushes one",
    "motcua intake push: file": "what a vendor sent to be pushed so: dossiers and steps, as the intake takes them",
    "motcua intake push: phone": "in a dossier that is pushed so: read as any phone field is",
    "motcua intake push: url": "where it is pushed",
    "motcua files accept: why": "why a refused file is right as it is",
    "motcua files form: path": "how a source writes its exports",
    "motcua files preview: file": "an export",
    "motcua files preview: form": "how a source writes its exports",
    "motcua gateways stop: reason": "why it is stopped",
    "motcua messages release: reason": "why they may go again",
    "motcua quality acknowledge: why": "why a finding stands",
    "motcua statements set-aside: why": "why a refused file is set aside",
    "motcua complaints withdraw: why": "why it is taken back",
    "motcua complaints outcome: why": "what the check found",
    "motcua texts register: because": "why it is registered",
    "motcua personal-data erase: because": "the paper that a citizen's request stands in",
    "motcua personal-data erase: phone": "a switch: by the number that is asked for; sends nothing",
    "motcua personal-data erase: to": "name of the sheet's file",
    "motcua personal-data export: because": "likewise",
    "motcua personal-data export: phone": "a switch: by the number that is asked for; sends nothing",
    "motcua personal-data export: to": "name of the files",
    "form of find: q": "the same on the page itself",
    "form of dossiers: q": "where both are read",
    "form of staff: q": "whose dossiers are looked for, by code or by the number that the citizen gives; sends nothing",
    "motcua gaps believe: reason": "why a sleep of the ledger may be believed",
    "motcua gaps close: reason": "why a gap that the journal cannot tell is closed so",
    "form of alerts: became": "whether the ledger was put back or only slept",
    "form of alerts: gap": "number of a gap",
    "form of alerts: reason": "why that is so",
    "motcua texts unregister: because": "why it is not any more",
    "motcua calendar confirm: decision": "number of the decision that confirms a year",
    "motcua closings rows: reason": "which reason to list",
    "/reconciliation/rows: reason": "which reason to list",
    "/reconciliation/rows.csv: reason": "which reason to list",
    "/reconciliation/rows.xlsx: reason": "which reason to list",
    "list of messages: dag": "id of a DAG",
    "list of messages: reason": "which reason to list",
    "motcua messages list: reason": "which reason to list",
    "form of lists: {{ each.name }}": "a filter that a list declares: each stands here by its own name",
    "form of lists: {{ name }}": "what else the page's address says",
    "form of lists: {{ shown.prefix }}q": "words that rows of a list hold",
    "form of lists: {{ shown.prefix }}sort": "name of a column",
    **{
        f"motcua {command}: to": "a file to be written"
        for command in (
            "agencies list",
            "closings differences",
            "closings list",
            "complaints list",
            "files list",
            "intake list",
            "messages held",
            "messages list",
            "quality rows",
            "quarantine",
            "sources list",
            "statements rows",
            "statements show",
            "users list",
        )
    },
    "/dossiers/found: dossier": "numbers of dossiers",
    "/run: dag_id": "id of a DAG",
    "/run/file: dag_id": "id of a DAG",
    "/run/file: run_id": "name of a run",
    "/dossiers/found/file: dossier": "numbers of dossiers",
    "/run: run_id": "name of a run",
    "form of unknown: reason": "why they may go again",
    "form of messages: reason": "likewise",
    "form of unknown: held": "numbers of messages that the rules made and that may not be out",
    "form of complaints: reason": "what the check found, or why a complaint is taken back",
    "form of quality: why": "why a finding stands",
    "form of quality_rows: why": "likewise",
    "form of exports: reason": "why an exported file is right as it is; kept, and no number is taken",
    "form of exports: file": "an export of one-stop software",
    "form of exports: file_name": "name of the export that was read",
    "form of exports: sha256": "SHA-256 of the export that was read",
    "form of export_form: file": "an export that a form is tried on",
    "form of export_form: file_name": "name of the export that was read",
    "form of export_form: sha256": "SHA-256 of the export that was read",
    "form of export_form: seen": "number of the form that the page showed",
    "form of export_form: column_{{ column }}": "headings of a column of an export",
    "form of export_form: status_{{ code }}": "words of a status in an export",
    "form of export_form: other_status": "code of a status",
    "form of export_form: other_meaning": "words of a status in an export",
    "form of export_form: via_{{ way }}": "words of a way in, in an export",
    "form of export_form: sheets": "names of sheets of an export",
    "form of export_form: at_desk": "words that mean the one-stop desk, in an export",
    "form of export_form: supplements_at_desk": "a switch",
    "form of export_form: least_percent": "a share",
    "form of sources: written": "code of a status as a source writes it",
    "form of sources: stands_for": "one of the national status codes",
    "form of complaints: note": "a citizen's complaint in short; kept, and no number is taken",
    "form of complaints: dossier_code": "the dossier that a complaint is about",
    "form of complaints: received_at": "when a complaint came",
    "form of complaints: channel": "one of a closed list",
    "form of users: sure": "yes, where the effect of a change was told",
    "form of users: user": "whose agencies are given or taken, as Airflow names him",
    "motcua users give: user": "likewise",
    "motcua users take: user": "likewise",
    # An agency's own settings; none of them is a word of a text.
    "form of agency: accented": "a switch",
    "form of agency: apology_day": "one of a closed list",
    "form of agency: change": "number of a change",
    "form of agency: other_procedures": "codes of procedures that are left out",
    "form of agency: report_recipients": "addresses that quality reports are mailed to; no citizen's",
    "form of agency: result_hold": "one of a closed list",
    "form of agency: same_day_excluded": "a switch",
    "form of agency: same_day_reason": "why they are left out; publications show it",
    "form of agency: seen": "number of the change that the page showed",
    "form of agency: seen_recipients": "the addresses that the page showed",
    "form of settings: change": "number of a change",
    "form of settings: seen": "number of the change that the page showed",
    "form of settings: seen_recipients": "the addresses that the page showed",
    "form of settings: sure": "yes, where the effect of a change was told",
    "form of ask: accented": "a switch",
    "form of ask: apology_day": "one of a closed list",
    "form of ask: change": "number of a change",
    "form of ask: report_recipients": "addresses that quality reports are mailed to; no citizen's",
    "form of ask: result_hold": "one of a closed list",
    "form of ask: same_day_excluded": "a switch",
    "form of ask: same_day_reason": "why they are left out; publications show it",
    "form of ask: seen": "number of the change that the page showed",
    "form of ask: seen_recipients": "the addresses that the page showed",
    "form of ask: sure": "yes, where the effect of a change was told",
    # Of what has been made already.
    "motcua messages release: message_ids": "numbers of messages that the rules made and that may not be out",
    "motcua go: number": "of a stop",
    "motcua publications show: number": "of a publication",
    "motcua publications mail: number": "of a publication",
    "motcua publications statement: asked": "name of a statement that publications are counted by, or its SHA-256",
    "motcua publications mail: bodies": "which of the configured bodies get the report by mail",
    # Texts are files of the deployment; a provider's id is all that is told of one.
    "motcua texts register: template": "name of a text's file",
    "motcua texts unregister: template": "name of a text's file",
    "motcua texts register: provider_template_id": "the provider's id of a registered text",
    "motcua texts register: accented_provider_template_id": "the provider's id of a registered text",
    "form of alerts: subject": "which source, gateway or folder an alert is about",
    # Files.
    "motcua doctor: files": "where the files of an installation are",
    "motcua smoke: folder": "where the smoke keeps what it made",
    "motcua backup check: folder": "where backups are",
    "motcua backup every-night: to": "where backups are put",
    "motcua backup list: folder": "where backups are",
    "motcua backup verify: folder": "where backups are",
    "motcua backup verify: named": "name of a backup",
    "motcua backup verify: identity": "file of the key that opens a backup",
    "motcua restore: folder": "where backups are",
    "motcua restore: named": "name of a backup: a ledger as it once was, into an empty database only",
    "motcua restore: identity": "file of the key that opens it",
    "motcua phones: file": "a table of phone fields, looked at only: nothing is kept or sent",
    "motcua phones: output": "a workbook to be written",
    "form of phones: file": "likewise",
    "form of sent_statements: file": "a provider's statement",
    "form of sent_statements: file_name": "name of the statement that was read",
    "form of sent_statements: sha256": "SHA-256 of the statement that was read",
    "form of statements: file_name": "likewise",
    "form of statements: sha256": "likewise",
    "form of statements: refusal": "number of a refused file",
    "form of statements: reason": "why a refused file is set aside",
    "motcua agencies diff: path": "settings of agencies; addresses of mails about reports among them",
    "motcua agencies import: path": "likewise; the short name is the one thing of it that texts say",
    "motcua agencies export: path": "a file to be written",
    "motcua calendar import: path": "days off",
    "motcua statements import: path": "a provider's statement",
    "motcua closings compare: path": "figures of the national portal: codes, periods and counts",
    "motcua complaints import: path": "complaints; rows with a number are refused",
}
"""Free words and files that people may hand in, by place and name, with what they are."""


@dataclass(frozen=True)
class Parameter:
    """Something that people can hand in."""

    place: str
    name: str
    is_free: bool
    """It may be any words, or a file of them."""

    def __str__(self) -> str:
        return f"{self.place}: {self.name}"

    @property
    def is_explained(self) -> bool:
        if str(self) in EXCEPTIONS:
            return True
        if AS_WORDS & set(self.name.split("_")):
            return False
        return not self.is_free or self.name in NAMES_SOMETHING


def is_free(of: Any) -> bool:
    """Whether values of a type may be any words."""
    origin, parts = typing.get_origin(of), typing.get_args(of)
    if origin is Annotated:
        return is_free(parts[0])
    if origin is Literal:
        return False
    if origin in (typing.Union, types.UnionType, list, tuple):
        return any(is_free(each) for each in parts if each is not type(None))
    return not (isinstance(of, type) and issubclass(of, bool | int | float | date | datetime | timedelta))


def of_commands(app: typer.Typer, place: str) -> Iterator[Parameter]:
    for command in app.registered_commands:
        assert command.callback is not None
        name = command.name or command.callback.__name__.replace("_", "-")
        hints = typing.get_type_hints(command.callback)
        for parameter, of in hints.items():
            if parameter != "return":
                yield Parameter(f"{place} {name}", parameter, is_free(of))
    for group in app.registered_groups:
        assert group.typer_instance is not None
        yield from of_commands(group.typer_instance, f"{place} {group.name}")


def of_routes(app: FastAPI) -> Iterator[Parameter]:
    for route in app.routes:
        assert isinstance(route, APIRoute), f"{route}: a route whose parameters cannot be read"
        yield from _of_dependant(route.path, route.dependant)
        declared = {each.alias for each in route.dependant.path_params}
        for name in route.param_convertors.keys() - declared:
            # Read of the request's path by the route itself.
            yield Parameter(route.path, name, is_free(str))


def _of_dependant(place: str, dependant: Dependant) -> Iterator[Parameter]:
    for fields in (dependant.path_params, dependant.query_params, dependant.header_params, dependant.body_params):
        for each in fields:
            yield Parameter(place, each.alias, is_free(each.field_info.annotation))
    for other in dependant.dependencies:
        yield from _of_dependant(place, other)


_FIELD = re.compile(r"<(?:input|select|textarea|button)\b[^>]*?\bname=\"([^\"]+)\"", re.S)


def of_templates(folder: Path) -> Iterator[Parameter]:
    """Fields of the forms that staff pages show."""
    for path in sorted(folder.rglob("*.html")):
        for name in _FIELD.findall(path.read_text(encoding="utf-8")):
            # A form may have several pages.
            place = path.stem.removesuffix("_agency").removesuffix("_ask")
            yield Parameter(f"form of {place}", name, True)


def of_lists() -> Iterator[Parameter]:
    """What addresses ask of the lists that are declared: the page that shows them reads nothing else."""
    for name in load_every_list():
        declared = declared_list(name)
        for filter_name, each in declared.filters.items():
            names = ("since", "until") if each.shown == "days" else (filter_name,)
            for asked in names:
                yield Parameter(f"list of {name}", asked, each.shown != "choice" or each.words == "reason")
        for asked in ("q", "sort", "before", "trail"):
            yield Parameter(f"list of {name}", asked, True)


def of_forms(folder: Path) -> Iterator[Parameter]:
    """Fields that the pages' code reads of a form, each by its name."""
    for path in sorted(folder.rglob("*_page.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            match node:
                case ast.Call(
                    func=ast.Attribute(value=ast.Name(id="fields"), attr="get"), args=[ast.Constant(value=name), *_]
                ):
                    yield Parameter(f"form of {path.stem.removesuffix('_page')}", str(name), True)


def of_dags(dags: Iterable[Any]) -> Iterator[Parameter]:
    for dag in dags:
        for name in dag.params:
            schema = dag.params.get_param(name).schema
            closed = schema.get("type") in ("boolean", "integer", "number") or "enum" in schema
            yield Parameter(f"DAG {dag.dag_id}", name, not closed)


def unexplained(parameters: Iterable[Parameter]) -> list[str]:
    return sorted({str(each) for each in parameters if not each.is_explained})


@pytest.fixture(scope="module")
def found() -> list[Parameter]:
    from airflow.dag_processing.dagbag import DagBag

    bag = DagBag(dag_folder=str(ROOT / "dags"))
    assert not bag.import_errors
    return [
        *of_commands(motcua, "motcua"),
        *of_routes(create_pages()),
        *of_routes(create_callbacks()),
        *(each for each in of_templates(ROOT / "include/templates/web") if each.place not in DEMO),
        *of_forms(ROOT / "plugins/motcua/web"),
        *of_lists(),
        *of_dags(bag.dags.values()),
    ]


DEMO = {"form of phone_network", "form of mailbox"}
"""Pages of the demo, which production does not have: a phone on its wall texts 9029 as a citizen would."""


@pytest.mark.guarantee("stops", "no route, form, command or DAG takes the words of a message or the number it goes to")
def test_nothing_takes_the_words_of_a_message_or_its_number(found):
    assert unexplained(found) == []


def test_everything_that_people_hand_in_was_looked_at_and_nothing_is_excused_that_is_not_there(found):
    places = {each.place for each in found}
    assert {"motcua stop", "motcua phones", "/complaints", "/inquiries/{gateway}", "form of quality"} <= places
    assert "DAG notify_transitions" in places
    assert sorted(EXCEPTIONS.keys() - {str(each) for each in found}) == []
    assert sorted(NAMES_SOMETHING.keys() - {each.name for each in found}) == []


def test_gateways_calls_are_answered_where_they_came_from():
    """What 9029 is texted holds words and a number; its reply is the answer to that very request."""
    routes = {route.path for route in create_callbacks().routes if isinstance(route, APIRoute)}
    # Health and figures take nothing.
    assert routes == {"/inquiries/{gateway}", "/receipts/{gateway}", "/health", "/metrics"}


def test_pages_read_nothing_of_a_request_but_their_parameters_and_forms():
    """Else a field could come in that no walk over routes and forms meets.

    What one-stop software pushes is dossiers and steps: their fields are named in domain/intake, and none is of a text.
    """
    reading = re.compile(r"\.(query_params|form\(|json\(|body\(|stream\()")
    web = ROOT / "plugins/motcua/web"
    readers = {
        str(path.relative_to(web)) for path in web.rglob("*.py") if reading.search(path.read_text(encoding="utf-8"))
    }
    # What that page of lists reads, the lists declare.
    assert readers <= {"forms.py", "callbacks.py", "intake.py", "lists.py"}
    for path in (ROOT / "dags").glob("*.py"):
        assert "conf" not in re.findall(r"\w+", path.read_text(encoding="utf-8")), (
            f"{path.name} takes what nobody declared"
        )


# What would be a failure


def test_command_that_takes_words_or_a_number_would_be_noticed():
    app = typer.Typer()

    @app.command("tell")
    def tell(text: str, msisdn: int, because: str, loud: bool = False) -> None: ...

    assert unexplained(of_commands(app, "motcua")) == [
        "motcua tell: because",
        "motcua tell: msisdn",
        "motcua tell: text",
    ]


def test_route_that_takes_words_or_a_number_would_be_noticed():
    router = APIRouter()

    @router.post("/tell")
    def tell(agency: str, msisdn: str = "", reason: str = "", page: int = 1) -> None: ...

    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
    app.include_router(router)
    assert unexplained(of_routes(app)) == ["/tell: msisdn", "/tell: reason"]


def test_form_that_takes_words_or_a_number_would_be_noticed(tmp_path):
    (tmp_path / "tell.html").write_text('<form><textarea rows="3"\n name="text"></textarea><input name="code"></form>')
    assert unexplained(of_templates(tmp_path)) == ["form of tell: text"]
    (tmp_path / "tell_page.py").write_text('said = fields.get("phone", "")')
    assert unexplained(of_forms(tmp_path)) == ["form of tell: phone"]


def test_dag_that_takes_words_would_be_noticed():
    from airflow.sdk import DAG, Param

    with DAG("tell", params={"words": Param("", type="string"), "again": Param(False, type="boolean")}) as dag:
        pass
    assert unexplained(of_dags([dag])) == ["DAG tell: words"]
