"""Test the kit for vendors, docs/vi/ket-noi-phan-mem.md.

Each sample request must get the documented answer. The samples together must show each service, each error code and
each reason of a refusal.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from motcua.settings import include_dir
from motcua.store.agencies import save_agencies
from motcua.web import intake
from motcua.web.intake import MOST_RECORDS
from tests.ground import NHA_TRANG, agency, in_ledger
from tests.integration.intake.conftest import PASSWORD, SOURCE, register

ROOT = Path(__file__).parents[3]
KIT = ROOT / "docs" / "vi" / "mau-dong-bo"
PAGE = ROOT / "docs" / "vi" / "ket-noi-phan-mem.md"
FILES = sorted(path.name for path in KIT.iterdir())
CAM_RANH = "000.00.31.H32"
_BY_NETWORK = "xa"


@dataclass(frozen=True)
class Sample:
    """One sample of the kit: a request and its documented answer."""

    title: str
    path: str
    headers: dict[str, str]
    body: str
    status: int
    answer: dict[str, Any]


def samples(name: str) -> Iterator[Sample]:
    """Yield the samples of a ``.http`` file, as editors' HTTP clients read it.

    ``###`` begins a sample. The comments of a sample state the answer and come before the request.
    """
    for part in (KIT / name).read_text(encoding="utf-8").split("\n### ")[1:]:
        title, _, rest = part.partition("\n")
        comments, request = [], rest.splitlines()
        while request[0].startswith("#"):
            comments.append(request.pop(0)[1:])
        said = re.fullmatch(r" Trả lời: HTTP (\d{3})", comments[0])
        assert said, title
        address, _, head_and_body = "\n".join(request).partition("\n")
        assert address.startswith("POST {{dia_chi}}/"), title
        head, _, body = head_and_body.partition("\n\n")
        headers = dict(line.split(": ", 1) for line in head.splitlines())
        path = address.removeprefix("POST {{dia_chi}}")
        yield Sample(title, path, headers, body.strip(), int(said[1]), json.loads("\n".join(comments[1:])))


ALL = {name: list(samples(name)) for name in FILES}


def filled(text: str, known: dict[str, str]) -> str:
    """Return the text with each ``{{name}}`` replaced by its known value."""
    return re.sub(r"\{\{(\w+)\}\}", lambda found: known[found[1]], text)


def compare(wanted: Any, got: Any, known: dict[str, str], place: str) -> None:
    """Compare an answer with the documented answer.

    A ``{{name}}`` in ``wanted`` matches any text, which is then stored in ``known``.
    """
    name = re.fullmatch(r"\{\{(\w+)\}\}", wanted) if isinstance(wanted, str) else None
    if name:
        assert isinstance(got, str), place
        assert got, place
        known[name[1]] = got
    elif isinstance(wanted, dict):
        assert isinstance(got, dict), place
        assert wanted.keys() == got.keys(), place
        for key in wanted:
            compare(wanted[key], got[key], known, f"{place}.{key}")
    elif isinstance(wanted, list):
        assert len(wanted) == len(got), place
        for number, each in enumerate(wanted):
            compare(each, got[number], known, f"{place}[{number}]")
    else:
        assert (type(wanted), wanted) == (type(got), got), place


@pytest.fixture
def connected(served: httpx.Client) -> httpx.Client:
    """Register the accounts that the kit's page assumes: one for two agencies, and one without a password."""
    in_ledger(save_agencies, [agency(CAM_RANH, name="Cam Ranh", aliases=("H32.31",))], "tests")
    register(SOURCE, NHA_TRANG, CAM_RANH)
    register(_BY_NETWORK, NHA_TRANG, source=SOURCE, networks=("127.0.0.0/8",))
    return served


@pytest.mark.parametrize("name", FILES)
@pytest.mark.guarantee(
    "intake", "each service, record shape and error code is answered as the documents for vendors state"
)
def test_each_sample_is_answered_as_it_says(connected, configure, rows, name):
    known = {"tai_khoan": SOURCE, "mat_khau": PASSWORD, "hon_20000_ban_ghi": "0," * MOST_RECORDS + "0"}

    def post(sample: Sample) -> httpx.Response:
        head = {key: filled(value, known) for key, value in sample.headers.items()}
        body = filled(sample.body, known).encode()
        return connected.post("/intake" + filled(sample.path, known), content=body, headers=head)

    assert ALL[name]
    for sample in ALL[name]:
        code = sample.answer["error_code"]
        if code == "99":
            rows("ALTER TABLE intake.pushed_dossiers RENAME TO away")
        if code == "06":
            configure(MOTCUA_INTAKE_CALLS="1", MOTCUA_SOURCES=f"{SOURCE}=national_sync")
        answer = post(sample)
        for _ in range(8):
            # Call again, because a new minute with a new limit of calls may have begun.
            if code == "06" and answer.status_code == 200:
                answer = post(sample)
        assert answer.status_code == sample.status, sample.title
        compare(sample.answer, answer.json(), known, sample.title)
        if code == "99":
            rows("ALTER TABLE intake.away RENAME TO pushed_dossiers")


def test_what_the_samples_push_is_told(connected, run, messages, useful_for_years):
    """A vendor who copies the kit's samples must succeed: the pushed dossiers lead to their messages."""
    known = {"tai_khoan": SOURCE, "mat_khau": PASSWORD, "hon_20000_ban_ghi": "0"}
    for name in FILES:
        if name == "loi.http":
            continue
        for sample in ALL[name]:
            head = {key: filled(value, known) for key, value in sample.headers.items()}
            path, body = "/intake" + filled(sample.path, known), filled(sample.body, known).encode()
            compare(sample.answer, connected.post(path, content=body, headers=head).json(), known, sample.title)
    run()
    planned = {(kind, code) for kind, code, _ in messages()}
    assert planned == {
        ("result", "000.00.30.H32-261123-0001"),
        ("supplement", "000.00.30.H32-261123-0002"),
        ("result", "000.00.30.H32-261123-0101"),
        ("result", "000.00.30.H32-261123-0102"),
        ("result", "H32.30-20261123-0000201"),
    }


def test_samples_show_each_code_each_reason_and_each_service():
    words = yaml.safe_load((include_dir() / "templates" / "intake" / "answers.vi.yaml").read_text(encoding="utf-8"))
    every = [sample for name in FILES for sample in ALL[name]]
    assert {f"{int(sample.answer['error_code']):02d}" for sample in every} == set(words["code"])
    listed = [sample.answer.get(name, ()) for sample in every for name in ("errors", "warnings")]
    reasons = {each["reason"] for records in listed for each in records}
    assert reasons == set(words["reason"])
    services = {
        service.lower() for service in (*intake._SERVICES, intake._LOOK_UP_SERVICE, *intake._CATALOGUE_SERVICES)
    }
    shown = {json.loads(sample.body)["service"] for sample in ALL["kieu-a.http"] if "service" in sample.body}
    shown |= {sample.path.partition("?")[0].rpartition("/")[2] for sample in every}
    assert services <= {each.lower() for each in shown}


def test_page_shows_the_samples_as_they_are_and_each_code_and_reason():
    page = PAGE.read_text(encoding="utf-8")
    for name in FILES:
        assert f"(mau-dong-bo/{name})" in page
    blocks = re.findall(r"^```json\n(.*?)^```$", page, re.M | re.S)
    assert len(blocks) >= 4
    bodies = [sample.body for name in FILES for sample in ALL[name]]
    answers = [sample.answer for name in FILES for sample in ALL[name]]
    for block in blocks:
        assert block.strip() in bodies or json.loads(block) in answers, block
    words = yaml.safe_load((include_dir() / "templates" / "intake" / "answers.vi.yaml").read_text(encoding="utf-8"))
    for code in words["code"]:
        assert re.search(rf"^\| `{code}`", page, re.M), code
    for reason, sentence in words["reason"].items():
        assert f"| `{reason}` | {sentence}" in page, reason
