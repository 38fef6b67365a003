"""Test that the staff pages are only for users whom Airflow knows, have no scripts, and escape typed words."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import psycopg
import pytest
from airflow.api_fastapi.auth.managers.simple.user import SimpleAuthManagerUser
from fastapi.dependencies.utils import get_flat_dependant
from fastapi.routing import APIRoute
from fastapi.testclient import TestClient

from motcua.domain.clock import VIETNAM
from motcua.jobs.calendars import confirm_year, import_calendar, prepare_calendars
from motcua.settings import include_dir
from motcua.store.ledger import database
from motcua.store.ledger.database import PAGES, ledger_pool, page_connection
from motcua.store.people import give_agency
from motcua.web.airflow import role_of
from motcua.web.staff import calendar_page
from tests.ground import NHA_TRANG, NOW, TU_PHAP, in_ledger
from tests.web.visiting import token_of

COOKIE = "_token"


@pytest.fixture(scope="module")
def airflow_users():
    """Yield the demo's auth manager, which makes tokens of users. It needs only one table of Airflow's database."""
    from airflow.api_fastapi.app import create_auth_manager
    from airflow.models.revoked_token import RevokedToken
    from airflow.utils.session import create_session

    with create_session() as session:
        RevokedToken.__table__.create(session.get_bind(), checkfirst=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AIRFLOW__API_AUTH__JWT_SECRET", "only-for-tests-" * 5)
        patch.setenv("AIRFLOW__CORE__AUTH_MANAGER", "motcua.sandbox.sign_in.DemoAuthManager")
        yield create_auth_manager()


@pytest.fixture
def token(airflow_users):
    def make(user: SimpleAuthManagerUser | None = None, role: str = "viewer", seconds: int = 60) -> str:
        user = user or SimpleAuthManagerUser(username="xem", role=role)
        return airflow_users.generate_jwt(user, expiration_time_in_seconds=seconds)

    return make


@pytest.fixture
def server(app, agencies, airflow_users, monkeypatch):
    """Return the pages as Airflow mounts them, with Airflow's sign-in."""
    monkeypatch.setattr(app.routes[-1].app, "dependency_overrides", {})
    return app


@pytest.fixture
def stranger(server):
    with TestClient(server, raise_server_exceptions=False, follow_redirects=False) as http:
        yield http


@pytest.fixture
def staff(stranger, token):
    stranger.cookies.set(COOKIE, token())
    return stranger


# ------------------------------------------------------------------------------------------------- who may look


def routes(server) -> list[APIRoute]:
    return [route for route in server.routes[-1].app.routes if isinstance(route, APIRoute)]


def test_every_page_sends_a_stranger_to_sign_in_and_back_again(stranger, server):
    pages = routes(server)
    assert "/calendar" in {page.path for page in pages}
    for page in pages:
        for method in page.methods:
            answer = stranger.request(method, f"/motcua{page.path}?year=2026&agency=A%26B")
            assert answer.text == ""
            if method != "GET":
                assert answer.status_code == 401
                continue
            assert answer.status_code == 303
            address = urlsplit(answer.headers["location"])
            assert (address.netloc, address.path) == ("", "/api/v2/auth/login")
            assert parse_qs(address.query) == {"next": [f"/motcua{page.path}?year=2026&agency=A%26B"]}


NO_NUMBERS = ("9223372036854775808", "1" * 5000, "-1", "²", "")


@pytest.mark.guarantee("publications", "no page answers with an internal error to a number that is invalid or too big")
def test_no_page_fails_at_a_number_that_is_none_or_too_big(stranger, server, token):
    """A bad number in any field of an address or a form must not cause an internal error."""
    user = SimpleAuthManagerUser(username="lan", role="admin")
    stranger.cookies.set(COOKIE, token(user))
    own = token_of(stranger)
    templates = (include_dir() / "templates" / "web").rglob("*.html")
    in_forms = {name for each in templates for name in re.findall(r'name="(\w+)"', each.read_text(encoding="utf-8"))}
    assert {"finding", "complaint"} <= in_forms
    failed, asked = [], set()
    for page in routes(server):
        fields = {each.name for each in get_flat_dependant(page.dependant).query_params}
        asked |= fields
        for written in NO_NUMBERS:
            for field in fields:
                # The other fields are left out or have the value 1.
                query = dict.fromkeys(fields & {"closing", "publication", "name", "figure"}, "1") | {field: written}
                answer = stranger.get(f"/motcua{page.path}", params=query)
                failed += [(page.path, field, written[:20])] * (answer.status_code >= 500)
            if "POST" in page.methods:
                answer = stranger.post(f"/motcua{page.path}", data=dict.fromkeys(in_forms, written) | {"token": own})
                failed += [(page.path, "form", written[:20])] * (answer.status_code >= 500)
    assert failed == []
    assert {"closing", "publication", "no", "page", "year"} <= asked


def test_below_a_prefix_the_sign_in_is_below_it_too(server):
    """If a proxy serves Airflow below a prefix, the redirect to the sign-in page must have this prefix."""
    with TestClient(server, root_path="/airflow", follow_redirects=False) as http:
        location = http.get("/airflow/motcua/calendar").headers["location"]
    assert location == "/airflow/api/v2/auth/login?next=%2Fairflow%2Fmotcua%2Fcalendar"


def test_forged_token_is_no_token(stranger):
    for forged in ("", "junk", "eyJhbGciOiJub25lIn0.eyJzdWIiOiJ4ZW0iLCJyb2xlIjoiYWRtaW4ifQ."):
        stranger.cookies.set(COOKIE, forged)
        assert stranger.get("/motcua/calendar").status_code == 303
        bearer = {"Authorization": f"Bearer {forged}"}
        assert stranger.get("/motcua/calendar", headers=bearer).status_code == 303


def test_who_is_signed_in_may_look_by_cookie_or_token_but_not_by_one_that_expired_or_was_revoked(
    stranger, token, airflow_users
):
    for role in ("viewer", "agency", "op", "admin"):
        bearer = {"Authorization": f"Bearer {token(role=role)}"}
        assert stranger.get("/motcua/calendar", headers=bearer).status_code == 200
        stranger.cookies.set(COOKIE, token(role=role))
        assert stranger.get("/motcua/calendar").status_code == 200
        stranger.cookies.clear()
    signed_out = token()
    airflow_users.revoke_token(signed_out)
    for none in (token(seconds=-60), signed_out):
        stranger.cookies.set(COOKIE, none)
        assert stranger.get("/motcua/calendar").status_code == 303


def test_what_there_is_not_gets_a_page_and_no_json(staff):
    """A wrong address must give a readable page and not FastAPI's JSON."""
    for path in ("/docs", "/redoc", "/openapi.json"):
        assert staff.get(f"/motcua{path}").status_code == 404
    for address in ("/reconciliation?closing=no-number", "/reconciliation/file?closing=x&name=y"):
        answer = staff.get(f"/motcua{address}")
        assert answer.status_code in (400, 404)
        assert answer.headers["content-type"].startswith("text/html")
        assert "no-number" not in answer.text


def test_airflow_mounts_the_pages_and_shows_them_in_its_navigation():
    import motcua_plugin

    mounted = {each["url_prefix"]: each["app"] for each in motcua_plugin.MotcuaPlugin().fastapi_apps}
    assert set(mounted) == {"/gateway", "/intake", "/motcua"}
    for view in motcua_plugin.MotcuaPlugin.external_views:
        assert not view["href"].startswith("/"), "a leading slash would ignore a base_url with a path"
        prefix, path = view["href"].split("/", 1)
        path = path.partition("?")[0]
        assert f"/{path}" in {route.path for route in mounted[f"/{prefix}"].routes}


# --------------------------------------------------------------------------------------------- what visitors see


def test_pages_have_no_script_load_nothing_from_elsewhere_and_are_not_cached(staff):
    for path in ("/motcua/calendar", "/motcua/calendar?year=1", "/motcua/nothing"):
        answer = staff.get(path)
        policy = dict(part.split(" ", 1) for part in answer.headers["content-security-policy"].split("; "))
        nonce = re.search(r'<style nonce="([^"]+)">', answer.text).group(1)
        assert policy == {
            "default-src": "'none'",
            "style-src": f"'nonce-{nonce}'",
            "img-src": "data:",
            "form-action": "'self'",
            "base-uri": "'none'",
            "frame-ancestors": "'self'",
        }
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "<script" not in answer.text
        assert " style=" not in answer.text, "the content security policy would block the style"
        assert not re.search(r"""(?:src|href|action)=["']?(?:https?:|//)""", answer.text)
        assert nonce not in staff.get(path).text


def text_of(answer) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", answer.text.split("<body>")[1]).split())


def test_calendar_of_an_empty_ledger_shows_the_holidays_package_and_says_so(staff):
    answer = staff.get("/motcua/calendar?year=2026")
    assert answer.status_code == 200
    text = text_of(answer)
    assert "Năm 2026 chưa có trong bảng lịch." in text
    assert "Tỉnh Khánh Hòa · 249 ngày làm việc" in text
    assert "Giờ làm việc: 7:00–11:30, 13:30–17:00, thứ Hai đến thứ Sáu." in text
    assert "Chưa có thay đổi nào." in text
    assert answer.text.count('class="card month"') == 12
    assert "Ngày Văn hóa Việt Nam" in text


def test_states_of_a_year_until_it_is_confirmed(staff):
    prepare_calendars(NOW, "lan")
    assert "Lịch năm 2026 chưa được xác nhận" in text_of(staff.get("/motcua/calendar?year=2026"))
    confirm_year(2026, "9441/TB-BNV", "lan", NOW)
    text = text_of(staff.get("/motcua/calendar?year=2026"))
    assert "Đã xác nhận ngày 25/11/2026 theo 9441/TB-BNV ." in text
    assert "lan năm 2026 chưa xác nhận, theo gói holidays" in text
    assert "chưa được xác nhận" not in text


def test_an_agency_shows_its_own_days_hours_and_who_made_them(staff, tmp_path):
    prepare_calendars(NOW, "lan")
    path = tmp_path / "lich.yaml"
    path.write_text(
        f"""agencies:
  - code: {NHA_TRANG}
    notice: Thông báo 12/TB-UBND
    hours: [{{from: 2026-01-05, saturday_mornings: true}}]
    closed: [{{day: 2026-03-27, reason: Chuyển trụ sở}}]
    worked:
      - {{day: 2026-04-30, reason: Trực lễ}}
      - {{day: 2026-12-20, reason: Hồ sơ cuối năm, hours: morning}}
""",
        encoding="utf-8",
    )
    import_calendar(path, "minh", NOW)
    answer = staff.get(f"/motcua/calendar?year=2026&agency={NHA_TRANG}")
    text = text_of(answer)
    assert "Ủy ban nhân dân thành phố Nha Trang · 000.00.30.H32" in text
    assert "sáng thứ Bảy 7:00–11:30 (Thông báo 12/TB-UBND, từ 5/1/2026)" in text
    assert 'class="own" title="Chuyển trụ sở">27<' in answer.text
    assert 'class="morning" title="Làm việc sáng thứ Bảy">17<' in answer.text
    assert 'class="morning" title="Hồ sơ cuối năm">20<' in answer.text
    assert 'class="worked" title="Làm bù cho ngày nghỉ 2/1/2026">10<' in answer.text
    assert 'class="worked" title="Trực lễ">30<' in answer.text, "a holiday on which this agency works must be marked"
    assert 'class="swap" title="Nghỉ hoán đổi, làm bù ngày 22/8/2026">31<' in answer.text
    assert (
        "minh giờ làm việc từ 5/1/2026 không có 07:00–11:30, 13:30–17:00, sáng thứ Bảy (Thông báo 12/TB-UBND)" in text
    )
    assert text_of(staff.get("/motcua/calendar?year=2026&agency=H32.30")) == text, (
        "the agency's other code must give the same page"
    )
    other = text_of(staff.get(f"/motcua/calendar?year=2026&agency={TU_PHAP}"))
    assert "Chuyển trụ sở" not in other
    assert "minh" not in other


def test_without_a_year_it_is_the_present_one_and_today_is_marked(staff):
    answer = staff.get("/motcua/calendar")
    today = datetime.now(VIETNAM).date()
    assert f"Lịch làm việc năm {today.year}" in answer.text
    assert len(re.findall(r'<td class="\w* ?today"[^>]*>(\d+)', answer.text)) == 1


def test_what_there_is_not_is_said_in_vietnamese(staff):
    no_year, no_agency = "Chỉ có lịch từ năm 1954 đến năm 2100.", "Không có cơ quan này"
    for query, said in (
        ("year=1953", no_year),
        ("year=2101", no_year),
        ("year=-1", no_year),
        ("year=2026.5", no_year),
        ("year=٢٠٢٦", no_year),
        ("year=99999999999999999999", no_year),
        ("year=%00", no_year),
        ("year=2026&agency=nobody", no_agency),
        ("year=2026&agency=%27%3B--", no_agency),
        ("year=2026&agency=%00", no_agency),
        ("agency=ha_noi", no_agency),
    ):
        answer = staff.get(f"/motcua/calendar?{query}")
        assert answer.status_code == 404, query
        assert said in text_of(answer), query


def test_a_ledger_that_is_away_and_a_fault_are_told_without_detail(staff, monkeypatch):
    def away():
        raise psycopg.OperationalError("connection to server at 10.20.1.5 failed")

    monkeypatch.setattr(calendar_page, "page_connection", away)
    answer = staff.get("/motcua/calendar")
    assert answer.status_code == 503
    assert "Cơ sở dữ liệu không trả lời" in text_of(answer)
    assert "10.20.1.5" not in answer.text
    monkeypatch.setattr(calendar_page, "page_connection", lambda: 1 / 0)
    answer = staff.get("/motcua/calendar")
    assert answer.status_code == 500
    assert "Có lỗi bên trong" in text_of(answer)
    assert "ZeroDivision" not in answer.text


def test_months_hold_every_day_of_the_year_once(agencies):
    from motcua.domain.working_days import WorkingCalendar

    for year in (2024, 2026):
        months = calendar_page.months_of(WorkingCalendar(), year, NOW.date())
        listed = [cell.day for month in months for week in month.weeks for cell in week if cell]
        assert listed == [listed[0] + timedelta(days=number) for number in range(366 if year == 2024 else 365)]
        assert all(len(week) == 7 for month in months for week in month.weeks)


# -------------------------------------------------------------------------------------- queries that take too long


ASKED = {"agency": NHA_TRANG, "code": NHA_TRANG, "dossier": "1", "source": "tep", "closing": "1", "publication": "1"}
ASKED |= {"name": "manifest.json", "figure": "expected", "dag_id": "notify_transitions", "run_id": "one"}
ASKED |= {"format": "csv"}
"""Query parameters with which each page queries the ledger."""
OF = {
    "/alerts": "alerts",
    "/messages/unknown": "held",
    "/quality/sources": "unusable",
    "/quality/sources/exports": "exports",
    "/statements": "rows",
    "/users": "grants",
}
"""The list whose file the test downloads, for each page with several lists."""


@pytest.mark.guarantee("cost", "an SQL statement of a staff page is cancelled after 15 s, and the page says what to do")
def test_page_whose_statement_lasts_too_long_is_given_up_and_says_what_to_do(
    staff, server, token, ledger, rows, configure, monkeypatch
):
    staff.cookies.set(COOKIE, token(role="admin"))
    monkeypatch.setattr(database, "PAGE_PATIENCE", timedelta(seconds=0.05))
    configure(AIRFLOW_CONN_SMS_KANNEL="http://127.0.0.1:9", MOTCUA_SOURCES="tep=files")
    tables = rows(
        "SELECT format('%I.%I', schemaname, tablename) AS name FROM pg_tables WHERE schemaname IN ('intake', 'motcua')"
    )
    # Two of these pages only redirect, and the third page does not query the ledger.
    asks_nothing = {"/sending", "/quality/agency", "/checks/{name}"}
    pages = {page.path for page in routes(server) if "GET" in page.methods} - asks_nothing
    # With this limit, a page without its own limit fails the test and does not hang for ever.
    rows("ALTER ROLE motcua_app SET lock_timeout = '20s'")
    with psycopg.connect(ledger) as other:
        # Another session locks all tables, so each page waits at its first query.
        other.execute("LOCK TABLE " + ", ".join(row["name"] for row in tables))
        answers = {}
        for page in pages:
            of = OF.get(page.removesuffix("/file"))
            answers[page] = staff.get(f"/motcua{page}", params=ASKED | ({"of": of} if of else {}))
    rows("ALTER ROLE motcua_app RESET lock_timeout")
    assert {page: answer.status_code for page, answer in answers.items()} == dict.fromkeys(pages, 503)
    for words in ("Mất quá nhiều thời gian", "chọn ít dữ liệu hơn"):
        assert [page for page, answer in answers.items() if words not in answer.text] == []


def test_patience_of_a_page_does_not_limit_who_has_the_connection_next(ledger, monkeypatch):
    """A page's time limit must not apply to the next user of its connection."""
    monkeypatch.setattr(database, "PAGE_PATIENCE", timedelta(seconds=0.05))
    for _ in range(2):
        with page_connection() as connection, pytest.raises(psycopg.errors.QueryCanceled):
            connection.execute("SELECT pg_sleep(60)")
        with ledger_pool(PAGES).connection() as connection:
            assert connection.execute("SHOW statement_timeout").fetchone() == {"statement_timeout": "0"}


# ---------------------------------------------------------------------------------- whose rows a visitor sees


@pytest.mark.guarantee("pages", "a visitor's role on the staff pages follows from the roles in Airflow")
def test_airflows_roles_are_those_of_the_pages(airflow_users):
    of = {"clerk": "clerk", "user": "clerk", "viewer": "auditor", "agency": "agency", "op": "operator"}
    assert {role: role_of(SimpleAuthManagerUser(username="xem", role=role)) for role in of} == of


@pytest.mark.guarantee("pages", "an agency's people have no right in Airflow, on a server and in the demo")
@pytest.mark.parametrize("role", ["agency", "clerk"])
def test_agencys_people_have_no_right_in_airflow_in_the_demo_either(airflow_users, role):
    user = SimpleAuthManagerUser(username="hoa", role=role)
    for method in ("GET", "POST", "PUT", "DELETE"):
        for asked in ("dag", "asset", "configuration", "connection", "pool", "variable"):
            assert not getattr(airflow_users, f"is_authorized_{asked}")(method=method, user=user), (method, asked)


def test_administrator_of_an_agency_is_told_that_he_was_given_none(stranger, token):
    """The page must tell an agency's administrator that nobody gave him an agency."""
    stranger.cookies.set(COOKIE, token(role="agency"))
    assert "chưa được giao cơ quan nào" in text_of(stranger.get("/motcua/calendar"))
    in_ledger(give_agency, "xem", NHA_TRANG, "admin", NOW)
    assert "chưa được giao cơ quan nào" not in text_of(stranger.get("/motcua/calendar"))


def test_header_has_the_entries_the_search_who_is_signed_in_and_the_ways_out(staff):
    page = staff.get("/motcua/calendar").text
    header = page[page.index("<header") : page.index("</header>")]
    assert re.findall(r'<a href="/motcua([^"]*)"[^>]*>([^<]+)</a>', header)[:6] == [
        ("/", "Tổng quan"),
        ("/dossiers", "Hồ sơ"),
        ("/messages", "Tin nhắn"),
        ("/quality", "Chất lượng"),
        ("/reconciliation", "Báo cáo"),
        ("/settings", "Thiết lập"),
    ]
    assert 'action="/motcua/dossiers/search"' in header
    assert ">xem</span>" in header
    assert 'href="/api/v2/auth/logout"' in header
    framed = staff.get("/motcua/calendar", headers={"Sec-Fetch-Dest": "iframe"}).text
    assert "logout" not in framed, "a page in Airflow's frame must have no link to sign out"
