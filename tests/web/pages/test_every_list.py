"""Test every page with a list: its rows can be downloaded as CSV and workbook, and no typed text becomes a formula.

The tests fill the ledger with typed texts that begin like a formula. A test fails for a new page until ``ROWS`` or
``WITHOUT_ROWS`` names the page.
"""

from __future__ import annotations

import html
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

import pytest
from fastapi.routing import APIRoute
from fastapi.testclient import TestClient

from motcua.domain.clock import VIETNAM
from motcua.domain.periods import Period
from motcua.jobs.calendars import import_calendar
from motcua.jobs.checking.checking import check_source
from motcua.jobs.handed_in.faults import FileFault
from motcua.jobs.listing.lists import COMPLAINTS
from motcua.jobs.notices.apologizing import coming_evening
from motcua.jobs.quality.checking import check_quality
from motcua.jobs.reconciliation.closing import close_period
from motcua.reports.lists import MOST_ROWS
from motcua.store.agencies import save_agencies
from motcua.store.intake.clients import Password, open_account, register_client
from motcua.store.intake.exports import (
    Became,
    SeenFile,
    accept_file,
    finish_file,
    form_in_force,
    see_file,
    set_form,
)
from motcua.store.ledger.database import connect
from motcua.store.notices.sources import map_status
from motcua.store.oversight.complaints import NewComplaint, link_complaints, save_complaints
from motcua.store.oversight.page_requests import ask, open_requests, withdraw
from motcua.store.people import give_agency, take_agency
from motcua.web.airflow import Account
from tests.ground import NHA_TRANG, NOW, TU_PHAP, agency, in_ledger, take_in, type_command
from tests.integration.handed_in.test_carrier_statements import file_of, line, take
from tests.web.ledger_rows import LedgerRows, put, put_life
from tests.web.taken_away import TakenAway, read_csv, read_file
from tests.web.visiting import VISITING

FORMULA = "=cmd|'/C calc'!A0<u>"
MOMENT = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d")
DAY, NEXT_MORNING = Period.parse("2026-11-25"), datetime(2026, 11, 26, 6, 30, tzinfo=VIETNAM)

ROWS: dict[str, list[tuple[dict[str, str], tuple[str, ...]]]] = {
    "/": [({"day": "2026-11-25"}, (FORMULA,))],
    "/alerts": [({}, (f"{FORMULA} nguồn", "@minh"))],
    "/calendar": [({"year": "2026", "agency": NHA_TRANG}, ("+nghỉ riêng", "@thông báo"))],
    "/complaints": [({}, ("=1+2 mãi chưa có", "+1")), ({"agency": NHA_TRANG, "claim": "other"}, ("-2 sai tên",))],
    "/dossiers": [
        ({"agency": NHA_TRANG, "code": "+1"}, ("-Xử lý → @Trả kết quả",)),
        ({"code": "=1+1"}, ("=1+1", FORMULA)),
    ],
    "/messages": [({}, ("+1", "=1+1")), ({"agency": "-"}, ("@mã lạ",))],
    "/messages/inquiries": [({"since": "2026-11-20", "until": "2026-11-25"}, ("@mã lạ", "-mã <u>này"))],
    "/messages/unknown": [({}, ("@HELD", "=nhà mạng báo", "+lan"))],
    "/quality": [({}, (FORMULA,))],
    "/quality/findings": [({"code": NHA_TRANG}, ("-1",)), ({"rule": "P4"}, ("-1",))],
    "/quality/sources": [({}, ("=cơ quan lạ", "+bước lạc", "@minh"))],
    "/quality/sources/check": [({"source": "khanhhoa"}, ("Tài khoản có toàn quyền máy chủ",))],
    "/quality/sources/exports": [
        ({"source": "tep", "no": "1"}, (f"{FORMULA}.csv", "+đã xem", "@lan", "=cột", "-gone", "@Mã hồ sơ")),
    ],
    "/quality/sources/exports/form": [({"source": "tep"}, ("@Mã hồ sơ", "lan"))],
    "/reconciliation": [({"closing": "1"}, (FORMULA,)), ({"closing": "1", "agency": NHA_TRANG}, ("@Cấp bản sao",))],
    "/reconciliation/closings": [({}, ("ngày 25/11/2026",))],
    "/reconciliation/rows": [
        ({"closing": "1", "figure": "messages"}, ("+1",)),
        ({"closing": "1", "figure": "received"}, ("-1",)),
    ],
    "/apologies": [({}, ("-3", "@Cấp bản sao"))],
    "/apologies/letters": [({}, ("-2", "@Cấp bản sao"))],
    "/stops": [({}, ("=sai tên", "+lan", "@minh"))],
    "/requests": [({}, ("=khác", "+lan", "@minh"))],
    "/run": [
        ({"dag_id": "notify_transitions", "run_id": "+run"}, ("@HELD",)),
        ({"dag_id": "check_quality", "run_id": FORMULA}, ("dòng phải sửa",)),
    ],
    "/settings": [({}, (FORMULA, "=trả ngay"))],
    "/settings/agency": [({"code": NHA_TRANG}, ("=trả ngay", "+lan"))],
    "/settings/phones": [({"code": NHA_TRANG}, ("-2", "@Cấp bản sao"))],
    "/statements": [({}, ("Chỉ nhà mạng có", "=bang-ke-2026-10.csv"))],
    "/users": [({}, ("=khách", "@Họ tên", f"{FORMULA} hoa", "@minh"))],
}
"""For each page, its query parameters and the texts that must be on the page and in the page's files."""

_ABOUT_ONE = {
    "/quality/sources/check",
    "/quality/sources/exports/form",
    "/run",
    "/reconciliation/rows",
    "/settings/agency",
    "/settings/phones",
}
"""Pages about one source, run, figure or agency. They refuse a request that names none."""
WITHOUT_ROWS = {
    "/checks/{name}": "explains one check",
    "/dossiers/found": "shows the hits of a search in another order",
    "/dossiers/slip": "shows a slip of one dossier",
    "/quality/agency": "redirects",
    "/sending": "redirects",
}


@pytest.fixture
def staff(staff: TestClient, configure, tmp_path) -> TestClient:
    configure(MOTCUA_GATEWAYS="kannel", MOTCUA_DATA=str(tmp_path), AIRFLOW_CONN_SMS_KANNEL="http://127.0.0.1:9")
    return staff


@pytest.fixture
def full(staff: TestClient, one_stop, rows, configure, tmp_path: Path) -> TestClient:
    """Return a client that opens the pages. All typed texts in the ledger begin like a formula."""
    both = [agency(NHA_TRANG, name=FORMULA, short_name=None), agency(TU_PHAP, name="+Tư pháp", short_name=None)]
    in_ledger(save_agencies, both, "tests")
    left_out = replace(both[0], same_day_excluded=True, same_day_reason="=trả ngay")
    in_ledger(save_agencies, [left_out, both[1]], "+lan")
    _notices(one_stop)
    _oversight(tmp_path)
    made = LedgerRows(rows, first=1_000)
    soon = datetime.now(UTC) + timedelta(hours=5)
    message = made.held("@HELD", useful_until=soon)
    attempt = made.attempt(message, run="+run", state="failed")
    made.inquiry("unknown_code", asked="@mã lạ")
    made.inquiry("unknown_code", asked="-mã <u>này")
    now = datetime.now(UTC)
    put(
        rows, "releases", message_id=message, attempt_id=attempt, released_at=now, released_by="+lan",
        reason="=nhà mạng báo",
    )  # fmt: skip
    put(
        rows, "alerts", name="source_failing", subject=f"{FORMULA} nguồn", raised_at=now, facts={}, acknowledged_at=now,
        acknowledged_by="@minh",
    )  # fmt: skip
    put(
        rows, "quarantine", source_id=1, row_kind="transition", row_key="x", reason="dossier_missing", payload={},
        agency_code="=cơ quan lạ", dossier_code="+bước lạc", first_seen_at=now, last_seen_at=now,
    )  # fmt: skip
    put(
        rows, "stops", agency_code=NHA_TRANG, stopped_at=now, until=soon, stopped_by="+lan", reason="=sai tên",
        ended_at=now, ended_by="@minh",
    )  # fmt: skip
    in_ledger(map_status, "khanhhoa", 77, 4, "@minh")
    in_ledger(ask, "release", {"messages": [message], "reason": "=khác"}, "+lan")
    (asked,) = in_ledger(open_requests)
    in_ledger(withdraw, asked.request_no, "@minh")
    check_source("khanhhoa")
    _exports(rows)
    configure(MOTCUA_SOURCES="khanhhoa,tep=files")
    put_life(rows)
    VISITING.accounts = [Account("=khách", "@Họ tên", "agency", now, now)]
    return staff


def _exports(rows: Any) -> None:
    """Insert an export with a fault, a person's acceptance of this file, and a dossier that the file no longer has."""
    now = datetime.now(UTC)
    form = {"kind": "whole", "columns": {"dossier_code": ["@Mã hồ sơ"], "status": ["Trạng thái"]}}
    fault = FileFault("unknown_word", None, 3, "=cột", {"word": "…", "known": "Xong"})
    with connect() as connection:
        open_account(connection, "tep", [NHA_TRANG], "lan", now)
        set_form(connection, "tep", form, "lan", now)
        seen = see_file(connection, "tep", SeenFile(f"{FORMULA}.csv", 1, now), now)
        kept = form_in_force(connection, "tep")
        assert kept is not None
        finish_file(connection, seen.export_no, Became("refused", kept.form_no, True, now, faults=[fault]))
        accept_file(connection, seen.export_no, "@lan", "+đã xem", now)
        finish_file(
            connection, seen.export_no, Became("taken", kept.form_no, True, now, exported_at=now, faults=[fault])
        )
    rows(
        "WITH gone AS (INSERT INTO intake.pushed_dossiers (source, agency_code, dossier_code, client_id, fields,"
        " status_code, supplement_at_desk, arrived_at, updated_at)"
        " SELECT 'tep', %s, '-gone', client_id, '{}', 4, false, now(), now() FROM intake.clients RETURNING dossier_no)"
        " INSERT INTO intake.exported_dossiers"
        " SELECT dossier_no, %s, now(), now(), decode(repeat('00', 32), 'hex'), %s FROM gone",
        NHA_TRANG,
        seen.export_no,
        seen.export_no,
    )


def _notices(one_stop: Any) -> None:
    """Make finished dossiers of two agencies and dossiers in work, and read them into the ledger."""
    at = NOW - timedelta(minutes=5)
    done = {"status_code": 9, "at_one_stop_desk": True, "finished_at": at, "updated_at": at, "received_at": at}
    typed = {"procedure_name": "@Cấp bản sao", "step_name": "\tTrả kết quả", "applicant_name": FORMULA}
    for code, of, phone in (
        ("+1", NHA_TRANG, "0905771482"),
        ("-1", NHA_TRANG, "0258 3822 001"),
        ("=1+1", NHA_TRANG, "0905771483"),
        ("=1+1", TU_PHAP, "0905771484"),
    ):
        one_stop.dossier(code, of, applicant_phone=phone, **done, **typed)
        one_stop.move(9, code, of, at=at, from_step="-Xử lý", to_step="@Trả kết quả")
    # These dossiers are in work, and their phone numbers are landlines.
    open_one = {"received_at": at, "updated_at": at, "due_at": at, "procedure_name": "@Cấp bản sao"}
    one_stop.dossier("-2", NHA_TRANG, applicant_phone="0258 3822 001", **open_one)
    soon = coming_evening(datetime.now(UTC)) + timedelta(hours=23)
    one_stop.dossier("-3", NHA_TRANG, applicant_phone="0258 3822 001", **open_one | {"due_at": soon})
    take_in()


def _oversight(folder: Path) -> None:
    """Make a quality run, a closing, complaints, users' agencies, calendar days and a carrier statement."""
    now = datetime.now(UTC)
    check_quality(FORMULA, NOW)
    close_period(DAY, "tests", NEXT_MORNING)
    given = [
        NewComplaint("1" * 64, NHA_TRANG, "+1", now, "desk", "no_result_yet", "=1+2 mãi chưa có", 2),
        NewComplaint("2" * 64, NHA_TRANG, "@LẠ", now, "desk", "other", "-2 sai tên", 3),
        NewComplaint("3" * 64, TU_PHAP, None, now, "desk", "other", "\tthụt vào", 4),
        NewComplaint("4" * 64, TU_PHAP, None, now, "desk", "never_received", "\rxuống dòng", 5),
    ]
    with connect() as connection:
        save_complaints(connection, given, "+lan", now, file=("=phan-anh.csv", "0" * 64))
        link_complaints(connection, now)
        give_agency(connection, f"{FORMULA} hoa", NHA_TRANG, "@minh", now)
        give_agency(connection, "-cúc", TU_PHAP, "@minh", now)
        take_agency(connection, "-cúc", TU_PHAP, "+lan", now)
    path = folder / "lich.yaml"
    path.write_text(
        f"agencies:\n  - code: {NHA_TRANG}\n    notice: '@thông báo'\n"
        "    closed: [{day: 2026-07-08, reason: +nghỉ riêng}]\n",
        encoding="utf-8",
    )
    import_calendar(path, "=lan", now)
    take(file_of(line(phone="0988777666")), "=bang-ke-2026-10.csv", by="@lan")


# ---------------------------------------------------------------------------------- the walk over all pages


def words(text: str) -> str:
    body = re.sub(r"(?s)<style.*?</style>|<header.*?</header>", " ", text)
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", body)).split())


def lists_of(text: str) -> dict[str, dict[str, str]]:
    """Return the links to files on a page: for each list, the addresses by format (csv, xlsx)."""
    found: dict[str, dict[str, str]] = {}
    for address in map(html.unescape, re.findall(r'href="([^"]+)"', text)):
        parts = urlsplit(address)
        query = [each for each in parse_qsl(parts.query) if each[0] != "format"]
        form = dict(parse_qsl(parts.query)).get("format", "") or parts.path.rpartition(".")[2]
        if form in ("csv", "xlsx") and not parts.path.endswith("/reconciliation/file"):
            name = f"{re.sub(r'[.](csv|xlsx)$', '', parts.path)}?{urlencode(query)}"
            found.setdefault(name, {})[form] = address
    return found


def as_of_line(text: str) -> str:
    """Return the words of the footer that name the time of the page's data."""
    footer = words(text.partition("<footer")[2])
    return footer.partition("Dữ liệu tính đến")[2].strip()


def written(cell: str) -> str:
    """Return a cell in a form common to both formats: without the time 00:00:00 that a workbook adds to a day."""
    return " ".join(cell.removesuffix(" 00:00:00").split())


def rows_in(taken: TakenAway) -> list[list[str]]:
    return [[written(cell) for cell in row] for row in taken.rows]


def test_every_page_is_named_in_this_file_with_its_lists_or_as_one_without(app):
    """A new page must be added to ``ROWS`` or ``WITHOUT_ROWS``. Otherwise its lists would not be tested."""
    pages = {
        route.path
        for route in app.routes[-1].app.routes
        if isinstance(route, APIRoute)
        and "GET" in route.methods
        and not re.search(r"/(file|filled)$|\.(csv|xlsx)$", route.path)
    }
    assert pages == ROWS.keys() | WITHOUT_ROWS.keys()


@pytest.mark.guarantee(
    "pages",
    "every list can be downloaded as CSV and workbook, without formulas; every page says as of when its data is",
)
def test_rows_of_every_page_are_in_a_csv_file_and_in_a_workbook_as_text(full):
    wrong: list[str] = []
    others = [path for path in ROWS if path not in _ABOUT_ONE]
    others += [f"/dossiers/slip?agency={NHA_TRANG}&code=%2B1", "/messages?state=expired", "/complaints?state=upheld"]
    for page in others:
        wrong += [f"{page} says not when its data held"] * (not says_as_of(full.get(f"/motcua{page}").text))
    for path, (query, expected) in ((path, each) for path, asked in ROWS.items() for each in asked):
        page = f"{path}?{urlencode(query)}"
        answer = full.get(f"/motcua{page}")
        assert answer.status_code == 200, page
        wrong += [f"{page} says not when its data held"] * (not says_as_of(answer.text))
        wrong += [f"{page}: typed words are not escaped"] * ("<u>" in answer.text)
        lists = lists_of(answer.text)
        wrong += [f"{page}: no files"] * (not lists)
        cells: dict[str, set[str]] = {"csv": set(), "xlsx": set()}
        for name, addresses in lists.items():
            if addresses.keys() != {"csv", "xlsx"}:
                wrong.append(f"{page}: {name} has {sorted(addresses)} alone")
                continue
            as_csv, as_book = (read_file(full.get(addresses[form])) for form in ("csv", "xlsx"))
            wrong += [f"{page}: {name} has no rows"] * (not as_csv.rows)
            wrong += [f"{page}: {name} holds a formula"] * (not (as_csv.is_text and as_book.is_text))
            wrong += [f"{page}: {name} does not say when its data held"] * (
                not as_book.notes[-1].startswith(("Dữ liệu tính đến ", "Chưa rõ dữ liệu tính đến"))
            )
            wrong += [f"{page}: {name}: the two forms differ"] * (
                (as_csv.head, rows_in(as_csv)) != (as_book.head, rows_in(as_book))
            )
            wrong += [
                f"{page}: {name}: a column of moments does not say by which clock: {head}"
                for head, column in zip(as_book.head, zip(*rows_in(as_book), strict=True), strict=True)
                if any(MOMENT.fullmatch(cell) for cell in column) and "giờ Việt Nam" not in head
            ]
            cells["csv"] |= {cell for row in rows_in(as_csv) for cell in row}
            cells["xlsx"] |= {cell for row in rows_in(as_book) for cell in row}
        for text in expected:
            wrong += [f"{page}: {text!r} is not on the page"] * (text not in words(answer.text))
            for form, found in cells.items():
                wrong += [f"{page}: {text!r} is not in its {form}"] * (not any(text in cell for cell in found))
    assert not wrong, "\n".join(wrong)


def says_as_of(text: str) -> bool:
    return re.match(r"\d+:\d\d ngày |chưa rõ", as_of_line(text)) is not None


@pytest.mark.guarantee("pages", "a command that lists rows writes the same file as the list's page")
def test_command_writes_the_file_of_the_page_and_prints_what_stands_there(full, tmp_path):
    with connect() as connection:
        password = Password.of("x" * 24)
        register_client(
            connection, "hue", "hue", password, [NHA_TRANG], [], supplements_at_desk=False, by="lan", now=NOW
        )
    for command, file in (
        ("agencies list", "/settings/file?format=csv"),
        ("messages list", "/messages/file?format=csv"),
        ("sources list", "/quality/sources/file?format=csv&of=sources"),
        ("quarantine", "/quality/sources/file?format=csv&of=unusable"),
        ("intake list", "/quality/sources/file?format=csv&of=pushes"),
        ("closings list", "/reconciliation/closings/file?format=csv"),
    ):
        to = tmp_path / "rows.csv"
        type_command(*command.split(), "--to", to)
        taken, page = read_csv(to.read_bytes()), read_file(full.get(f"/motcua{file}"))
        to.unlink()
        assert page.rows
        # The command ``intake list`` also prints accounts of software that exports files and does not push data.
        assert (taken.head, [row for row in taken.rows if row in page.rows]) == (page.head, page.rows), command
        assert len(type_command(*command.split(), columns=400).output.splitlines()) > len(page.rows)


def test_file_that_a_list_cannot_be_written_to_is_told_in_a_sentence(full, tmp_path):
    refused = type_command("agencies", "list", "--to", tmp_path / "gone" / "rows.csv", exits=2)
    assert "rows.csv: No such file or directory" in refused.output


def test_every_page_of_an_empty_ledger_is_there_and_offers_no_empty_file(staff):
    for path in ROWS.keys() - _ABOUT_ONE:
        answer = staff.get(f"/motcua{path}")
        assert answer.status_code == 200, path
        assert as_of_line(answer.text), path
        assert path in ("/calendar", "/settings") or lists_of(answer.text) == {}, path


# ---------------------------------------------------------------------------------- the way back from a refusal


@pytest.mark.guarantee("pages", "a refused page leads back to the page before, and to no other site")
def test_refusal_leads_back_to_the_page_before_and_to_the_list_without_filters(staff):
    wrong = f"/motcua/messages?agency={quote('không có')}"
    before = "/motcua/quality?x=1&y=%22"
    text = staff.get(wrong, headers={"Referer": f"http://testserver{before}"}).text
    assert f'<a href="{html.escape(before)}">Quay lại trang trước</a>' in text
    assert '<a href="/motcua/messages">Về trang Danh sách</a>' in text
    assert '<a href="/motcua/">Về trang Tổng quan</a>' in text
    for elsewhere in (
        "https://evil.example/motcua/quality",
        "http://testserver/plugin/motcua",
        f"http://testserver{wrong}",
        "javascript:alert(1)",
        "http://[",
        "",
    ):
        answer = staff.get(wrong, headers={"Referer": elsewhere})
        assert answer.status_code == 404, elsewhere
        assert "Quay lại trang trước" not in answer.text, elsewhere


# ------------------------------------------------------------------------------------------------- long lists


def test_list_that_is_longer_than_a_file_may_be_says_so(full):
    assert MOST_ROWS == 20_000
    assert COMPLAINTS.declared.most == MOST_ROWS
    shorter = COMPLAINTS.declared.model_copy(update={"most": 2})
    with VISITING.list_alone(replace(COMPLAINTS, declares=lambda _: shorter), "/complaints") as pages:
        for form in ("csv", "xlsx"):
            taken = read_file(pages.get(f"/motcua/complaints/file?format={form}"))
            assert [row[0] for row in taken.rows[-1:]] == ["Tệp chỉ có 2 dòng đầu; hãy chọn ít hơn để có đủ."]
            assert len(taken.rows) == 3
