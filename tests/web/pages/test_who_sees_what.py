"""Test every route as every kind of visitor: an agency's users see no other agency, auditors see no phone number.

One ledger holds the dossiers, messages, findings and complaints of two agencies, and a closed and published day. The
test fails for a new route until ``ASKED`` says how to ask the route. All these requests together are called the *walk*.
"""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from html import unescape
from typing import Any
from urllib.parse import urlencode

import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute
from fastapi.testclient import TestClient

from motcua.domain.clock import VIETNAM
from motcua.domain.periods import Period
from motcua.jobs.checking.checking import check_source
from motcua.jobs.publications.publishing import publish
from motcua.jobs.quality.checking import check_quality
from motcua.jobs.reconciliation.closing import close_period
from motcua.reports.publication.files import agency_workbook_name
from motcua.sandbox.machine.deployment import postgres_connection
from motcua.store.agencies import save_agencies
from motcua.store.ledger.database import connect
from motcua.store.ledger.provisioning import with_database
from motcua.store.oversight.complaints import NewComplaint, link_complaints, save_complaints
from motcua.store.oversight.page_requests import ask as ask_the_department
from motcua.store.oversight.statements import StatementRefusal, save_refusal
from motcua.store.people import give_agency
from tests.ground import (
    NHA_TRANG,
    NOW,
    TU_PHAP,
    OneStop,
    Server,
    agency,
    ask,
    environment,
    in_ledger,
    ledger_connections,
    take_in,
)
from tests.integration.quality.world import NOTHING_EXPECTED
from tests.web.visiting import VISITING, token_of

DAY, NEXT_MORNING = Period.parse("2026-11-25"), datetime(2026, 11, 26, 6, 30, tzinfo=VIETNAM)


@dataclass(frozen=True)
class Owned:
    """The rows of one agency, with the texts that no user of another agency may see."""

    agency: str
    name: str
    applicant: str
    mobile: str
    landline: str
    code: str
    """The code of the dossier whose citizen gets a message."""
    bad_code: str
    """The code of the dossier whose phone number cannot be texted; a finding is about this dossier."""
    lost_code: str
    """The code in a transition of the source; no dossier has this code."""
    words: str
    """The words of a complaint."""
    complaint: int = 0
    finding: int = 0

    @property
    def codes(self) -> tuple[str, ...]:
        return (self.code, self.bad_code, self.lost_code)

    @property
    def secrets(self) -> tuple[str, ...]:
        return (*self.codes, self.applicant, self.name, self.words)

    @property
    def numbers(self) -> tuple[str, ...]:
        """Return the digits that no page may show to anybody, without the leading 0 or the country code."""
        return (self.mobile[1:], self.landline[1:])

    @property
    def masked(self) -> tuple[str, ...]:
        """Return the masked numbers, as authorised visitors see them."""
        return tuple(f"{number[:2]}•• ••• {number[-3:]}" for number in (self.mobile, self.landline))


A = Owned(
    NHA_TRANG, "Ủy ban nhân dân thành phố Nha Trang", "Nguyễn Thị Huệ", "0905771482", "02583822917", "HS-A-5531",
    "HS-A-5532", "HS-A-5533", "bà Huệ đến quầy chưa có",
)  # fmt: skip
B = Owned(
    TU_PHAP, "Sở Tư pháp", "Trần Văn Cúc", "0914553926", "02583811638", "HS-B-7741", "HS-B-7742", "HS-B-7743",
    "ông Cúc đến quầy chưa có",
)  # fmt: skip


@dataclass(frozen=True)
class World:
    """The ledger that the walk queries, with the rows of both agencies."""

    dsn: str
    owned: tuple[Owned, Owned]
    closing: int
    publication: int
    files: tuple[str, ...]

    def rows(self, statement: str) -> list[dict[str, Any]]:
        return ask(self.dsn, statement)


@pytest.fixture(scope="module")
def world(postgres: Server, migrated: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    name, source = postgres.fresh_database(migrated, "walk"), postgres.fresh_database("template0", "walk_onestop")
    folder = tmp_path_factory.mktemp("walk")
    given = ledger_connections(postgres.admin_dsn, name) | {
        "AIRFLOW_CONN_ONESTOP_KHANHHOA": postgres_connection(with_database(postgres.admin_dsn, source)),
        "AIRFLOW_CONN_SMS_KANNEL": json.dumps({"conn_type": "http", "host": "127.0.0.1", "port": 9}),
        "MOTCUA_DATA": str(folder),
        "MOTCUA_FIRST_LOOK_BACK": "P9999D",
        "MOTCUA_GATEWAYS": "kannel",
        "MOTCUA_JOURNAL": str(folder / "journal"),
        "MOTCUA_SOURCES": "khanhhoa",
    }
    with environment(**given), pytest.MonkeyPatch.context() as patch:
        filled = _filled(with_database(postgres.admin_dsn, name), with_database(postgres.admin_dsn, source))
        # In production, the process of the pages does not have the tasks' connection to the ledger.
        patch.delenv("AIRFLOW_CONN_MOTCUA_DB")
        yield filled
    for each in (name, source):
        postgres.drop_database(each)


def _filled(ledger: str, source: str) -> World:
    """Fill a ledger with the rows of both agencies, and return the ledger."""
    in_ledger(save_agencies, [agency(its.agency, name=its.name) for its in (A, B)], "tests")
    one_stop = OneStop(source)
    at, received = NOW - timedelta(minutes=5), NOW - timedelta(days=2)
    for its in (A, B):
        for code, phone in ((its.code, its.mobile), (its.bad_code, its.landline)):
            ready = {"status_code": 9, "at_one_stop_desk": True, "finished_at": at, "updated_at": at}
            typed = {"applicant_name": its.applicant, "applicant_phone": phone, "phone_entered_at": received}
            one_stop.both(2, code, its.agency, at=received, received_at=received, **typed, **ready)
            one_stop.move(9, code, its.agency, at=at)
        one_stop.move(9, its.lost_code, its.agency, at=at)
    one_stop.connection.close()
    take_in()
    check_quality("walk", NOW, soundness=NOTHING_EXPECTED)
    check_source("khanhhoa")
    now = datetime.now(UTC)
    with connect() as connection:
        for its in (A, B):
            # Complaints of an earlier version may hold phone numbers, because numbers were not refused then.
            words, key = f"{its.words}, gọi {its.mobile}", sha256(its.agency.encode()).hexdigest()
            came = now - timedelta(days=1)
            given = NewComplaint(key, its.agency, its.code, came, "desk", "no_result_yet", words)
            save_complaints(connection, [given], "tests", now)
            ask_the_department(
                connection, "recipients", {"agency": its.agency, "addresses": [f"hai@{its.agency}.vn"]}, "tests"
            )
        link_complaints(connection, now)
        told = f"bang-ke.csv cannot be read:\n- cột “Số tin (0905***482)”, gọi {A.mobile}"
        save_refusal(connection, StatementRefusal("kannel", None, "bang-ke.csv", "0" * 64, now, "tests", 1, told))
        give_agency(connection, "huong", B.agency, "tests", now)
    closing = close_period(DAY, "tests", NEXT_MORNING).closing.closing_no
    published = publish(closing, NEXT_MORNING)
    complaints = ask(ledger, "SELECT agency_code, complaint_id AS no FROM motcua.complaints")
    findings = ask(
        ledger,
        "SELECT f.agency_code, min(f.finding_id) AS no FROM motcua.findings AS f"
        " INNER JOIN motcua.dossiers AS d ON f.dossier_id = d.dossier_id GROUP BY f.agency_code",
    )
    numbers = [{row["agency_code"]: row["no"] for row in rows} for rows in (complaints, findings)]
    first, second = (replace(its, complaint=numbers[0][its.agency], finding=numbers[1][its.agency]) for its in (A, B))
    files = tuple(each["name"] for each in published.manifest["files"])
    return World(ledger, (first, second), closing, published.publication_no, (*files, "manifest.json"))


# -------------------------------------------------------------------------------------- how to ask each route

Asked = list[dict[str, str]]


def _files(world: World, its: Owned) -> Asked:
    names = {*world.files, agency_workbook_name(its.agency)}
    return [{"publication": str(world.publication), "name": name} for name in sorted(names)]


def _figures(
    world: World, its: Owned, figures: Sequence[str] = ("messages", "received", "suppressed", "resolved_on_time")
) -> Asked:
    cells = [{}, {"agency": its.agency}, {"agency": ""}]
    return [{"closing": str(world.closing), "figure": figure, **cell} for figure in figures for cell in cells]


def _quality_forms(world: World, its: Owned) -> Asked:
    decision = {"finding": str(its.finding), "why": "", "until": "2026-12-01", "decision": "acknowledge"}
    # Without a reason, nothing is stored, and the page is shown again.
    return [decision | {"code": code.agency} for code in world.owned]


def _complaint_forms(world: World, its: Owned) -> Asked:
    of_it = {"complaint": str(its.complaint), "reason": "gọi 0905 123 456", "at_agency": its.agency}
    new = {"agency": its.agency, "received_at": "2099-01-01T08:00", "claim": "other", "dossier_code": "", "form": "x"}
    return [
        {"decision": "record", **new},
        {"decision": "withdraw", **of_it},
        {"decision": "outcome", "outcome": "upheld", **of_it},
    ]


def _lists(its: Owned) -> list[dict[str, str]]:
    return [
        {},
        {"agency": its.agency},
        {"since": "2026-11-25", "until": "2026-11-25"},
        {"agency": its.agency, "kind": "result", "state": "suppressed"},
    ]


def _list_files(lists: list[dict[str, str]]) -> list[dict[str, str]]:
    """Return the query of the CSV file for each given query, and of the workbook for the first query of each list.

    A list has the same rows in both formats, so one workbook is enough.
    """
    first = {each.get("of"): each for each in reversed(lists)}
    return [each | {"format": "csv"} for each in lists] + [each | {"format": "xlsx"} for each in first.values()]


def _dossiers(world: World, its: Owned) -> Asked:
    agencies = (its.agency, *(each.agency for each in world.owned), "")
    return [{"agency": agency_code, "code": code} for code in its.codes for agency_code in dict.fromkeys(agencies)]


def _some_dossiers(world: World, its: Owned) -> Asked:
    """Return queries for each dossier at its agency, and for one dossier at every agency."""
    asked = _dossiers(world, its)
    return [each for each in asked if each["agency"] == its.agency or each["code"] == its.code]


def _found(world: World, its: Owned) -> Asked:
    numbers = world.rows(f"SELECT dossier_id FROM motcua.dossiers WHERE agency_code = '{its.agency}'")
    return [{"dossier": str(each["dossier_id"])} for each in numbers]


ASKED: dict[tuple[str, str], Callable[[World, Owned], Asked]] = {
    ("GET", "/"): lambda world, its: [{}],
    ("GET", "/alerts"): lambda world, its: [{}],
    ("GET", "/alerts/file"): lambda world, its: _list_files([{"of": "alerts"}, {"of": "looks"}]),
    ("GET", "/checks/{name}"): lambda world, its: [{"name": "disk_low"}],
    ("POST", "/alerts"): lambda world, its: [{"name": "nothing", "subject": ""}],
    ("POST", "/alerts/gap"): lambda world, its: [{"gap": "1", "became": "let_go", "reason": "tắt máy"}],
    ("GET", "/calendar"): lambda world, its: [{}, {"agency": its.agency}, {"agency": "khanh_hoa", "year": "2026"}],
    # The form is not confirmed, so no page request is made.
    ("POST", "/calendar"): lambda world, its: [{"decision": "doubt", "year": "2026", "agency": its.agency}],
    ("GET", "/complaints"): lambda world, its: [
        {},
        {"agency": its.agency},
        {"state": "unlinked"},
        {"claim": "no_result_yet", "page": "1"},
    ],
    ("GET", "/calendar/file"): lambda world, its: _list_files([{}, {"agency": its.agency}]),
    ("GET", "/complaints/file"): lambda world, its: _list_files([{}, {"agency": its.agency}]),
    ("POST", "/complaints"): _complaint_forms,
    ("GET", "/figures/file"): lambda world, its: _list_files([{}, {"day": "2026-11-25"}]),
    ("GET", "/messages"): lambda world, its: _lists(its),
    ("GET", "/messages/file"): lambda world, its: _list_files(_lists(its)),
    ("GET", "/messages/inquiries"): lambda world, its: [{}, {"agency": its.agency}],
    ("GET", "/messages/inquiries/file"): lambda world, its: _list_files([{}, {"agency": its.agency}]),
    ("GET", "/messages/unknown"): lambda world, its: [{}],
    ("GET", "/messages/unknown/file"): lambda world, its: _list_files([{"of": "held"}, {"of": "released"}]),
    ("POST", "/messages/unknown"): lambda world, its: [
        # The form is not confirmed, so no message is released.
        {"held": str(each["message_id"]), "reason": "nhà mạng báo chưa nhận"}
        for each in world.rows(f"SELECT message_id FROM motcua.messages WHERE agency_code = '{its.agency}'")
    ],
    ("GET", "/dossiers"): lambda world, its: [{}, *_dossiers(world, its)],
    ("GET", "/dossiers/file"): lambda world, its: _list_files(_some_dossiers(world, its)),
    ("GET", "/dossiers/found"): _found,
    ("GET", "/dossiers/found/file"): lambda world, its: _list_files(_found(world, its)),
    ("GET", "/dossiers/slip"): _some_dossiers,
    ("POST", "/dossiers/search"): lambda world, its: [
        {"q": typed} for typed in (*its.codes, its.mobile, its.landline, f"+84{its.mobile[1:]}")
    ],
    ("GET", "/quality"): lambda world, its: [{}],
    ("GET", "/quality/agency"): lambda world, its: [{}, {"code": its.agency}],
    ("GET", "/quality/file"): lambda world, its: _list_files([{}]),
    ("GET", "/quality/sources"): lambda world, its: [{}],
    ("GET", "/quality/sources/file"): lambda world, its: _list_files([{"of": of} for of in ("sources", "unusable")]),
    ("GET", "/quality/sources/check"): lambda world, its: [{"source": "khanhhoa"}],
    ("GET", "/quality/sources/check/file"): lambda world, its: _list_files([{"source": "khanhhoa"}]),
    ("GET", "/quality/sources/exports"): lambda world, its: [{}, {"source": "khanhhoa"}],
    ("GET", "/quality/sources/exports/file"): lambda world, its: _list_files([{"of": "exports", "source": "khanhhoa"}]),
    ("POST", "/quality/sources/exports"): lambda world, its: [{"source": "khanhhoa", "no": "1", "reason": "đúng vậy"}],
    ("GET", "/quality/sources/exports/form"): lambda world, its: [{"source": "khanhhoa"}],
    ("GET", "/quality/sources/exports/form/file"): lambda world, its: _list_files([{"source": "khanhhoa"}]),
    ("POST", "/quality/sources/exports/form"): lambda world, its: [{"source": "khanhhoa", "decision": "save"}],
    ("POST", "/quality/sources/exports/sent"): lambda world, its: [{"source": "khanhhoa", "decision": "keep"}],
    ("POST", "/quality/sources/exports/upload"): lambda world, its: [{}],
    ("POST", "/quality/sources"): lambda world, its: [{"source": "khanhhoa", "written": "77", "stands_for": ""}],
    ("GET", "/quality/findings"): lambda world, its: [
        *({}, {"rule": "P4", "state": "to_do"}, {"part": "others"}),
        *({"code": its.agency}, {"code": its.agency, "rule": "P4"}),
    ],
    ("GET", "/quality/findings/file"): lambda world, its: _list_files(
        [{}, {"rule": "P4"}, {"code": its.agency}, {"code": its.agency, "rule": "P4"}]
    ),
    ("POST", "/quality/findings"): _quality_forms,
    ("GET", "/reconciliation"): lambda world, its: [
        {},
        {"closing": str(world.closing)},
        {"closing": str(world.closing), "agency": its.agency},
    ],
    ("POST", "/reconciliation"): lambda world, its: [{"publication": "999999"}],
    ("GET", "/reconciliation/closings"): lambda world, its: [{}],
    ("GET", "/reconciliation/closings/file"): lambda world, its: _list_files([{}]),
    ("GET", "/reconciliation/figures/file"): lambda world, its: _list_files(
        [{"closing": str(world.closing)}, {"closing": str(world.closing), "agency": its.agency}]
    ),
    ("GET", "/reconciliation/file"): _files,
    ("GET", "/reconciliation/rows"): _figures,
    ("GET", "/reconciliation/rows.csv"): lambda world, its: _figures(world, its, ["suppressed"]),
    ("GET", "/reconciliation/rows.xlsx"): lambda world, its: _figures(world, its, ["suppressed"]),
    ("GET", "/requests"): lambda world, its: [{}],
    ("GET", "/requests/file"): lambda world, its: _list_files([{}]),
    # No request has this number, so the walk changes nothing.
    ("POST", "/requests"): lambda world, its: [{"no": "999999"}],
    ("GET", "/run"): lambda world, its: [{"dag_id": "check_quality", "run_id": "walk"}],
    ("GET", "/run/file"): lambda world, its: _list_files([{"dag_id": "check_quality", "run_id": "walk"}]),
    ("GET", "/apologies"): lambda world, its: [{}, {"agency": its.agency}],
    ("GET", "/apologies/file"): lambda world, its: _list_files([{}, {"agency": its.agency}]),
    ("GET", "/apologies/letters"): lambda world, its: [{}, {"agency": its.agency}],
    ("GET", "/apologies/letters/filled"): lambda world, its: [{}, {"agency": its.agency}],
    ("GET", "/apologies/letters/file"): lambda world, its: _list_files([{}, {"agency": its.agency}]),
    ("GET", "/stops"): lambda world, its: [{}],
    ("GET", "/stops/file"): lambda world, its: _list_files([{}]),
    # The form is not confirmed, so nothing is stopped.
    ("POST", "/stops"): lambda world, its: [{"decision": "stop", "until": "2026-11-26T08:00", "reason": "sai tên"}],
    ("GET", "/settings"): lambda world, its: [{}],
    ("GET", "/settings/file"): lambda world, its: _list_files([{}]),
    ("GET", "/settings/agency"): lambda world, its: [{"code": its.agency}],
    ("GET", "/settings/agency/file"): lambda world, its: _list_files([{"code": its.agency}]),
    ("POST", "/settings/agency"): lambda world, its: [
        # The forms only try settings, or are refused or not confirmed, so nothing changes.
        {"code": its.agency, "decision": "try", "seen": "9223372036854775807", "result_hold": "PT15M"}
        | {"apology_day": "calendar", "accented": "yes"},
        {"code": its.agency, "decision": "save"},
        {"code": its.agency, "decision": "undo", "change": "1"},
    ],
    ("GET", "/settings/phones"): lambda world, its: [{"code": its.agency}],
    ("GET", "/settings/phones/file"): lambda world, its: _list_files([{"code": its.agency}]),
    ("POST", "/settings/phones/check"): lambda world, its: [{"code": its.agency}],
    ("GET", "/sending"): lambda world, its: [{}, {"day": "2026-11-25"}],
    ("GET", "/statements"): lambda world, its: [{}],
    ("GET", "/statements/file"): lambda world, its: _list_files([{"of": "statements"}]),
    ("POST", "/statements"): lambda world, its: [{"decision": "set_aside", "refusal": "9", "reason": "nhầm"}],
    ("POST", "/statements/upload"): lambda world, its: [{"form": "kannel"}],
    ("GET", "/users"): lambda world, its: [{}],
    ("GET", "/users/file"): lambda world, its: _list_files([{"of": "grants"}, {"of": "changes"}]),
    ("POST", "/users"): lambda world, its: [
        # The form is not confirmed, so nothing changes.
        {"decision": decision, "user": "huong", "agency": its.agency}
        for decision in ("give", "take")
    ],
}
"""For each route, the requests about an agency, as parameters of the address or fields of the form.

Each form names something of the agency, and no form changes anything.
"""

VISITORS = {
    "auditor": ("auditor",),
    "operator": ("operator",),
    "agency": ("agency", A.agency),
    "two agencies": ("agency", A.agency, B.agency),
    "agency without an entry": ("agency",),
    "clerk": ("clerk", A.agency),
}


@dataclass(frozen=True)
class Answer:
    """One answer that the walk got."""

    asked: str
    status: int
    text: str
    """The body as a person reads it, and the address of a redirect. For a workbook, the text of all its parts."""


def routes_of(server: FastAPI) -> list[tuple[str, str]]:
    pages = server.routes[-1].app.routes  # type: ignore[attr-defined]
    assert all(isinstance(route, APIRoute) for route in pages), "the walk can ask only plain routes"
    return sorted((method, route.path) for route in pages for method in route.methods)


def text_in(answer: Any) -> str:
    """Return the readable text of an answer: of a page, a CSV file or a workbook. A PDF gives an empty text."""
    kind = answer.headers.get("content-type", "")
    if "spreadsheet" in kind:
        with zipfile.ZipFile(io.BytesIO(answer.content)) as book:
            return unescape("\n".join(book.read(name).decode() for name in book.namelist() if name.endswith(".xml")))
    if "pdf" in kind:
        return ""
    text = answer.content.decode("utf-8")
    if "html" in kind:
        text = unescape(re.sub(r"(?s)<style.*?</style>", "", text))
    return f"{text}\n{answer.headers.get('location', '')}"


def everything_asked(world: World) -> Iterator[tuple[str, str, dict[str, str]]]:
    """Yield method, path and fields of each request of the walk, for both agencies, each request once."""
    for method, path in sorted(ASKED):
        asked: list[dict[str, str]] = []
        for its in world.owned:
            asked += [given for given in ASKED[method, path](world, its) if given not in asked]
        for given in asked:
            yield method, path, given


@pytest.fixture(scope="module")
def http(world: World, app: FastAPI) -> Iterator[TestClient]:
    with VISITING.browse(app) as browser:
        yield browser


@pytest.fixture(scope="module")
def walked(world: World, app: FastAPI, http: TestClient) -> dict[str, list[Answer]]:
    """Return the answers to all requests, by visitor."""
    assert set(routes_of(app)) == ASKED.keys(), "list the route in ASKED with requests about an agency"
    answers: dict[str, list[Answer]] = {}
    for name, who in VISITORS.items():
        VISITING.visit_as(*who)  # type: ignore[arg-type]
        token = token_of(http)
        answers[name] = []
        for method, path, given in everything_asked(world):
            sent = {"params": given} if method == "GET" else {"data": given | {"token": token}}
            answer = http.request(method, f"/motcua{path.format(**given)}", **sent)
            asked = f"{method} {path}?{urlencode(given)}"
            assert answer.status_code < 500, asked
            answers[name].append(Answer(asked, answer.status_code, text_in(answer)))
    return answers


def found(answers: Sequence[Answer], secrets: Sequence[str]) -> list[tuple[str, str]]:
    """Return each request whose answer contains a secret, with the secret.

    A code that the visitor typed may be on the page that says that no such dossier was found.
    """
    return [
        (each.asked, secret)
        for each in answers
        for secret in secrets
        if secret in each.text and not (" /dossiers" in each.asked and secret in each.asked and is_code(secret))
    ]


def is_code(secret: str) -> bool:
    return secret in A.codes + B.codes


# ---------------------------------------------------------------------------------------- what each visitor gets


@pytest.mark.guarantee(
    "pages", "an agency's user sees and changes only its rows, whatever the address, file or form asks for"
)
def test_agencys_user_gets_nothing_of_another_agency(walked):
    assert found(walked["agency"], B.secrets + B.masked) == []
    for secret in (*A.codes, A.name, A.words, *A.masked):
        assert found(walked["agency"], [secret]), f"the user must see {secret} of his own agency"


@pytest.mark.guarantee("pages", "a clerk gets dossiers and complaints of his agency, and is refused everything else")
def test_clerk_gets_dossiers_and_complaints_of_his_own_agency_alone(walked):
    assert found(walked["clerk"], B.secrets + B.masked) == []
    answered = {each.asked.partition("?")[0].split("/")[1] for each in walked["clerk"] if each.status != 403}
    assert answered == {"", "dossiers", "complaints"}


@pytest.mark.guarantee("pages", "an agency's user to whom no agency is assigned sees no agency's data")
def test_agencys_user_without_an_agency_gets_nothing_of_any(walked):
    assert found(walked["agency without an entry"], A.secrets + B.secrets + A.masked + B.masked) == []


@pytest.mark.guarantee("pages", "an auditor sees rows of all agencies, without citizens' phone numbers, names or words")
def test_auditor_gets_facts_without_numbers_names_and_words(walked):
    answers = walked["auditor"]
    for its in (A, B):
        assert found(answers, (*its.masked, its.applicant, its.words)) == []
        for secret in (*its.codes, its.name):
            assert found(answers, [secret]), f"the auditor must see {secret}"
    assert found(answers, ("••", "***")) == [], "an auditor must not even see masked numbers"


@pytest.mark.guarantee("pages", "no role sees a whole phone number on a page or in a file")
def test_nobody_gets_a_whole_number(walked):
    between, whole = re.compile(r"(?<=\d)[ .]+(?=\d)"), re.compile("|".join(A.numbers + B.numbers))
    assert [
        (name, each.asked, number)
        for name, answers in walked.items()
        for each in answers
        for number in whole.findall(between.sub("", each.text))
    ] == []


def test_no_page_has_a_script_but_a_slip_or_loads_anything_and_auditors_are_shown_no_form(walked):
    pages = [(name, each) for name, answers in walked.items() for each in answers if "<main" in each.text]
    assert len(pages) > 300
    loads = re.compile(
        r"""<script(?! nonce="[^"]+">document.getElementById\("in"\))| style=|(?:src|href|action)=["']?(?:https?:|//)"""
    )
    assert [(name, each.asked) for name, each in pages if loads.search(each.text)] == []
    # The search is a form that changes nothing, and the form of settings is disabled for an auditor.
    forms = [
        each.asked
        for name, each in pages
        if name == "auditor"
        and 'method="post"' in each.text.partition("<main")[2]
        and not each.asked.startswith(("GET /dossiers", "POST /dossiers/search", "GET /settings/agency?"))
    ]
    assert forms == [], "an auditor must have no form that changes something"


def test_who_may_see_both_agencies_finds_what_the_walk_looks_for(walked):
    """Visitors who may see both agencies must find every text that is searched for, or the walk proves nothing."""
    for name in ("operator", "two agencies"):
        for its in (A, B):
            for secret in (*its.codes, its.name, its.words, *its.masked):
                assert found(walked[name], [secret]), (name, secret)


@pytest.mark.guarantee("pages", "pages of all agencies, or of the Department, are refused to others")
def test_pages_of_all_agencies_and_of_the_department_are_refused_to_others(walked):
    def refused(name: str) -> set[str]:
        asked = (each.asked.partition("?")[0] for each in walked[name] if each.status == 403)
        return set(asked)

    assert refused("operator") == set()
    departments = {f"POST {path}" for path in ("/alerts", "/alerts/gap", "/messages/unknown", "/users", "/statements")}
    departments |= {f"POST {path}" for path in ("/quality/sources", "/quality/sources/exports", "/statements/upload")}
    departments |= {f"POST {path}" for path in ("/calendar", "/reconciliation", "/stops")}
    departments |= {"GET /users", "GET /users/file"}
    exports = {f"POST /quality/sources/exports/{each}" for each in ("form", "sent", "upload")}
    forms = {"/complaints", "/dossiers/search", "/quality/findings", "/requests", "/settings/agency"}
    assert refused("auditor") == departments | exports | {f"POST {path}" for path in (*forms, "/settings/phones/check")}
    of_all = {"GET /quality/file"}
    for page in ("alerts", "stops", "statements", "quality/findings", "reconciliation/closings"):
        of_all |= {f"GET /{page}", f"GET /{page}/file"}
    for page in ("quality/sources/check", "quality/sources/exports", "quality/sources/exports/form"):
        of_all |= {f"GET /{page}", f"GET /{page}/file"}
    for name in ("agency", "two agencies", "agency without an entry"):
        assert refused(name) == departments | of_all | exports, name


def test_of_the_files_an_agency_gets_its_own_workbook_alone(walked):
    """A user of an agency may download only one file of a publication: the workbook of his own agency."""

    def handed_out(name: str) -> set[str]:
        files = (each for each in walked[name] if each.asked.startswith("GET /reconciliation/file"))
        return {re.search(r"name=([^&]+)", each.asked)[1] for each in files if each.status == 200}  # type: ignore[index]

    own = {urlencode({"n": agency_workbook_name(its.agency)})[2:] for its in (A, B)}
    assert len(own) == 2
    assert handed_out("agency") == {urlencode({"n": agency_workbook_name(A.agency)})[2:]}
    assert handed_out("two agencies") == own
    assert handed_out("agency without an entry") == set()
    assert handed_out("auditor") == handed_out("operator") > own


@pytest.mark.guarantee(
    "pages", "an agency's user sees and changes only its rows, whatever the address, file or form asks for"
)
def test_agencys_user_changes_nothing_of_another_agency(world, http):
    own, others = world.owned
    VISITING.visit_as("agency", own.agency)
    token = token_of(http)

    def send(path: str, **fields: str) -> int:
        return http.post(f"/motcua{path}", data=fields | {"token": token}).status_code

    day = (datetime.now(VIETNAM).date() + timedelta(days=3)).isoformat()
    decision = {"decision": "acknowledge", "why": "Đã biết", "until": day}
    for code in (own.agency, others.agency):
        assert send("/quality/findings", code=code, finding=str(others.finding), **decision) == 404
    assert send("/quality/findings", code=own.agency, finding=str(others.finding), decision="take_back") == 404
    seen = world.rows(f"SELECT max(change_id) FROM motcua.agency_changes WHERE agency_code = '{others.agency}'")
    settings_of_it = {"code": others.agency, "seen": str(seen[0]["max"]), "sure": "yes", "accented": "yes"}
    settings_of_it |= {"result_hold": "PT15M", "apology_day": "calendar"}
    assert send("/settings/agency", decision="save", **settings_of_it) == 404
    of_it = {"complaint": str(others.complaint), "reason": "Ghi nhầm"}
    assert send("/complaints", decision="withdraw", **of_it) == 422
    assert send("/complaints", decision="outcome", outcome="upheld", **of_it) == 422
    new = {"decision": "record", "received_at": "2026-11-20T08:00", "claim": "other", "form": "walk"}
    for named in (others.agency, others.name):
        assert send("/complaints", agency=named, **new) == 422
    assert world.rows("SELECT 1 FROM motcua.finding_acknowledgements") == []
    assert world.rows("SELECT 1 FROM motcua.complaints WHERE withdrawn_at IS NOT NULL OR outcome <> 'open'") == []
    assert len(world.rows("SELECT 1 FROM motcua.complaints")) == 2


def test_header_leads_nobody_to_a_page_that_he_may_not_open(app, http):
    """The header must not link a visitor to a page that refuses him."""
    known = {path for _, path in routes_of(app)}
    for who in VISITORS.values():
        VISITING.visit_as(*who)  # type: ignore[arg-type]
        led: dict[str, str] = {}
        for page in ("/", "/quality", "/reconciliation", "/complaints", "/calendar"):
            header = http.get(f"/motcua{page}").text.partition("<header")[2].partition("</header>")[0]
            led |= dict.fromkeys(set(re.findall(r'href="/motcua(/[^"]*)"', header)) & known, page)
        for tab, page in led.items():
            assert http.get(f"/motcua{tab}", follow_redirects=True).status_code == 200, (who, page, tab)
