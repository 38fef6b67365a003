"""Test the first page: matters that need attention, the day's messages, and what each visitor may see."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, time, timedelta
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from motcua.domain.checks import ALERT_NAMES
from motcua.domain.clock import VIETNAM
from motcua.domain.routing import next_day
from motcua.domain.run_window import EVERYTHING
from motcua.jobs.notices.sending.sender import send
from motcua.jobs.notices.stopping import go, release, stop
from motcua.jobs.tasks.settle_messages import gate
from motcua.settings import settings
from motcua.store.agencies import save_agencies
from motcua.store.notices.gateways import ensure_gateway
from motcua.version import software
from tests.ground import NHA_TRANG, NOW, TU_PHAP, agency, in_ledger, red_gate, take_in, type_command
from tests.integration.conftest import gateway  # noqa: F401 - a fixture
from tests.web.ledger_rows import put, put_closing, put_evening, put_life, put_publication
from tests.web.taken_away import read_file
from tests.web.visiting import VISITING, page_words

PAGE = "/motcua/"
A_RUN = (
    "INSERT INTO motcua.quality_runs (run_no, run_id, as_of, day, working_day, since, rules, thresholds, software,"
    " dossiers) OVERRIDING SYSTEM VALUE"
    " VALUES (1, 'r', now(), current_date, TRUE, current_date, '[]', '{}', 'x', 1)"
)


@pytest.fixture
def page(app: FastAPI, ledger: str) -> Iterator[TestClient]:
    with VISITING.browse(app) as http:
        yield http


def as_agency(*codes: str) -> None:
    VISITING.visit_as("agency", *codes)


def matters(answer: Any) -> list[tuple[bool, str]]:
    """Return the matters that need attention, in the page's order: whether a matter is red, and its text."""
    assert answer.status_code == 200
    found = re.search(r'<ul class="matters".*?</ul>', answer.text, re.S)
    parts = re.findall(r'<li( class="red")?>(.*?)</li>', found.group(0), re.S) if found else []
    return [(bool(red), " ".join(html.unescape(re.sub(r"<[^>]+>", " ", text)).split())) for red, text in parts]


def only(page: TestClient, red: bool | None, begins: str, *says: str) -> Any:
    """Check that only one matter needs attention, and return the page.

    Args:
        page: a browser.
        red: whether the matter is red, or ``None`` for either.
        begins: the beginning of the matter's text.
        says: further words of the text.
    """
    answer = page.get(PAGE)
    ((is_red, text),) = matters(answer)
    assert red in (None, is_red), text
    assert text.startswith(begins), text
    assert [each for each in says if each not in text] == [], text
    return answer


def links(answer: Any) -> list[str]:
    return [html.unescape(each) for each in re.findall(r'href="([^"]*)"', answer.text.partition("</header>")[2])]


@pytest.fixture
def message(rows: Callable[..., list[dict[str, Any]]], agencies: None) -> Callable[..., None]:
    """Return a function that inserts messages in any state, each with its own dossier. Triggers are off."""
    rows("INSERT INTO motcua.sources (name, picked_up_at) VALUES ('khanhhoa', now()) ON CONFLICT DO NOTHING")

    def write(
        state: str,
        kind: str = "result",
        agency_code: str | None = NHA_TRANG,
        at: datetime | None = None,
        number: int = 1,
        reason: str | None = None,
    ) -> None:
        why = reason or ("landline" if state == "suppressed" else "taken_back")
        rows("SET session_replication_role = 'replica'")
        rows(
            "WITH g AS (SELECT %s::text AS agency, %s::text AS kind, %s::text AS state, %s::text AS reason,"
            "  %s::timestamptz AS at, n FROM generate_series(1, %s) AS n),"
            " d AS (INSERT INTO motcua.dossiers (source_id, agency_code, dossier_code, phone_refusal, picked_up_at)"
            "  SELECT s.source_id, g.agency, 'M' || nextval('motcua.dossiers_dossier_id_seq'), 'missing', now()"
            "  FROM g, motcua.sources AS s WHERE s.name = 'khanhhoa' AND g.agency IS NOT NULL RETURNING dossier_id),"
            " w AS (SELECT row_number() OVER () AS n, dossier_id FROM d)"
            " INSERT INTO motcua.messages (kind, dossier_id, agency_code, occasion, transition_id, state, reason, text,"
            "  template_id, template_version, parameters, accented, segments, occurred_at, recorded_at, planned_at,"
            "  useful_until, next_attempt_at, changed_at)"
            " SELECT kind, dossier_id, agency, 'o ' || nextval('motcua.messages_message_id_seq'),"
            "  nextval('motcua.messages_message_id_seq'), state, reason, 'x', 'result', 1, '{}', FALSE, 1, at, at, at,"
            "  at + interval '3 days', at + interval '1 hour', at FROM g LEFT JOIN w USING (n)",
            *(agency_code, kind, state, why, at or datetime.now(UTC), number),
        )
        rows("SET session_replication_role = 'origin'")

    return write


def last_evening() -> datetime:
    local = datetime.now(VIETNAM)
    day = local.date() if local.time() >= time(17, 30) else local.date() - timedelta(days=1)
    return datetime.combine(day, time(17, 30), VIETNAM)


@pytest.fixture
def calm(message, gateway, configure, monkeypatch, rows) -> datetime:  # noqa: F811
    """Make an installation without any trouble, and return the moment of its last evening of apologies."""
    configure(MOTCUA_SOURCES="khanhhoa")
    monkeypatch.setattr("motcua.domain.watching.judging.year_to_sign", lambda now: None)
    message("delivered")
    put_life(rows, identity={"counted_at": datetime.now(UTC).isoformat()})
    for code in (NHA_TRANG, TU_PHAP):
        put_evening(rows, code, last_evening())
    return last_evening()


# ----------------------------------------------------------------- new installations, and those without trouble


def test_new_installation_is_told_what_to_do_first(page, configure, gateway):  # noqa: F811
    answer = page.get(PAGE)
    shown = page_words(answer)
    assert "Chưa có hồ sơ nào trong sổ." in shown
    assert "docs/sources.md" in shown
    assert "docs/operations/new-agency.md" in shown
    assert "bật “Nhắn tin khi hồ sơ chuyển bước”" in shown
    assert "Chưa có thay đổi nào trong ngày cần nhắn tin." in shown
    assert "chưa biết dữ liệu tính đến lúc nào" in shown
    assert "Chưa khai nguồn nào" in shown
    assert "chưa dùng lần nào" in shown
    # The only matter is that the watch never ran. This matter is not red.
    assert [red for red, _ in matters(answer)] == [False]


@pytest.mark.guarantee(
    "pages", "the first page says in one line that nothing needs attention, and only while the watch is running"
)
def test_calm_is_said_in_one_line_and_only_where_the_watch_lives(page, calm, rows):
    answer = page.get(PAGE)
    assert matters(answer) == []
    shown = page_words(answer)
    assert "Không có việc gì cần xử lý. Giám sát xem lần cuối lúc" in shown
    assert "Chưa có hồ sơ nào" not in shown
    assert "Dữ liệu tính đến" in shown
    assert f"{software()} ·" in shown
    assert "Dữ liệu tính đến" in shown.rpartition("giờ Việt Nam")[2]
    rows("DELETE FROM motcua.watch_life")
    assert matters(page.get(PAGE)) == [
        (
            False,
            "Chương trình giám sát chưa từng chạy Không ai được báo khi có sự cố. Cần làm: Cách bật:"
            " docs/operations/watch.md. Sổ tay Xem Giám sát",
        )
    ]
    put_life(rows, timedelta(hours=1))
    only(page, True, "Chương trình giám sát không hoạt động từ")


# --------------------------------------------------------------------------------------- matters that are red


def test_every_alert_of_the_watch_is_shown_with_what_to_do_and_a_link(page, calm, rows):
    for name in ALERT_NAMES:
        raised(rows, name, "<i>nguon", since=None)
    answer = page.get(PAGE)
    found = matters(answer)
    assert len(found) == len(ALERT_NAMES)
    assert all(red for red, _ in found)
    assert {f"/motcua/checks/{name}" for name in ALERT_NAMES} <= set(links(answer))
    assert all("Xem và nhận xử lý" in text for _, text in found)
    assert "<i>nguon" not in answer.text
    assert "không có việc gì" not in page_words(answer).lower()
    rows("UPDATE motcua.alerts SET acknowledged_at = now(), acknowledged_by = 'minh' WHERE name = 'disk_low'")
    last = matters(page.get(PAGE))[-1]
    assert not last[0], "an acknowledged alert must not be red"
    assert "minh đang xử lý" in last[1]
    rows("UPDATE motcua.alerts SET over_at = now()")
    assert matters(page.get(PAGE)) == []


def test_source_that_fails_or_is_not_read_is_red_at_once_and_told_once(page, calm, rows, configure):
    rows("UPDATE motcua.sources SET failed_at = now(), failure = 'OperationalError: away'")
    answer = page.get(PAGE)
    assert matters(answer) == [], "one failed pick-up must not be shown yet"
    assert "OperationalError: away" in page_words(answer)
    configure(MOTCUA_SOURCES="khanhhoa,vanphong")
    only(page, True, "Không đọc được nguồn vanphong")
    rows(
        "UPDATE motcua.sources SET picked_up_at = now() - interval '4 minutes', failed_at = now(),"
        " failure = 'OperationalError: <b>gone'"
    )
    answer = page.get(PAGE)
    silent, failing = matters(answer)
    assert silent[1].startswith("Không đọc được nguồn vanphong")
    assert failing[0]
    assert failing[1].startswith("Đọc nguồn khanhhoa bị lỗi")
    shown = page_words(answer)
    assert "khanhhoa lỗi" in shown
    assert "OperationalError: <b>gone" in shown
    assert "<b>gone" not in answer.text
    assert "(4 phút trước)" in shown
    # The watch reports the same failure, so the page shows the failure once, in the watch's words.
    raised(rows, "source_failing", "khanhhoa", since=None, failed_at=None)
    assert sum("khanhhoa" in text for _, text in matters(page.get(PAGE))) == 1


def raised(rows, name: str, subject: str = "", **facts: Any) -> None:
    """Insert an alert that the watch raised an hour ago."""
    raised_at = datetime.now(UTC) - timedelta(hours=1)
    put(rows, "alerts", name=name, subject=subject, raised_at=raised_at, facts=facts)


def test_open_gap_is_said_first_with_what_to_do_and_stays_in_the_history(page, calm, rows):
    assert "Sổ được phục hồi" not in page_words(page.get(PAGE))
    for kind, why, what_to_do in (
        ("behind_journal", "thiếu những lần gửi mà nhật ký còn ghi", "tự gửi tiếp"),
        ("other_journal", "không thấy nhật ký gửi tin đi cùng sổ này", "Sở quyết định"),
        ("behind_watch", "bộ giám sát từng thấy sổ ghi nhiều hơn", "Sở quyết định"),
    ):
        put(rows, "gaps", kind=kind, noticed_at=datetime.now(UTC), lost_attempts=12, held_messages=3)
        raised(rows, "ledger_behind", gaps=1, since=None)
        answer = only(page, True, "Không tin nào được gửi từ", why, what_to_do, "3 tin đang giữ lại")
        assert "chưa: không gửi tin nào" in page_words(answer)
        as_agency(NHA_TRANG)
        assert "3 tin" not in str(matters(only(page, None, "Không tin nào được gửi từ"))), (
            "an agency must not see the count of all agencies"
        )
        VISITING.visit_as("operator")
        rows("UPDATE motcua.gaps SET closed_at = now(), closed_by = 'lan', reason = 'máy hỏng' WHERE closed_at IS NULL")
        rows("UPDATE motcua.alerts SET over_at = now() WHERE over_at IS NULL")
        answer = page.get(PAGE)
        assert matters(answer) == []
        assert "lan: máy hỏng" in page_words(answer)
    now = datetime.now(UTC)
    slept = {"slept_since": now - timedelta(hours=1), "held_until": now}
    put(rows, "gaps", kind="slept", noticed_at=now, lost_attempts=0, held_messages=3, **slept)
    raised(rows, "ledger_slept")
    answer = only(
        page,
        True,
        "Hệ thống ngừng từ",
        "ngừng gửi hơn mười phút",
        "3 tin ghi nhận trước lúc hoạt động lại được giữ lại",
    )
    assert 'href="/motcua/alerts#so-ngu"' in answer.text
    assert "chưa: đang giữ tin" in page_words(answer)


def test_stopped_gateway_says_why_and_who_and_is_red_once_that_is_sure(page, one_stop, gateway, rows):  # noqa: F811
    """A gateway pause is shown at once, but in red only after it has lasted some minutes."""
    now = datetime.now(UTC)
    one_stop.both(9, "D-0", at=now)
    take_in(now=now)
    gateway.answer = (403, "Authorization failed for sendsms")
    send("run 7", clock=lambda: now)
    # The first pause lasts two seconds. The test prolongs it, because a busy machine may need longer to show a page.
    rows("UPDATE motcua.gateway_stops SET until = until + interval '1 hour'")
    answer = page.get(PAGE)
    shown = page_words(answer)
    assert "dừng 403 Authorization failed for sendsms" in shown
    assert "run 7" in shown
    assert not any("ngừng gửi" in text for _, text in matters(answer))
    rows("UPDATE motcua.gateway_stops SET stopped_at = stopped_at - interval '10 minutes'")
    assert any(red and "Cổng kannel ngừng gửi từ" in text for red, text in matters(page.get(PAGE)))


@pytest.mark.guarantee(
    "limits", "if a day's limit is used up, this is shown with the messages that went elsewhere; no run fails"
)
def test_day_that_is_used_up_is_told_and_nothing_is_red(page, calm, rows):
    now = datetime.now(UTC)
    in_ledger(ensure_gateway, "kannel")
    put(rows, "gateway_stops", gateway="kannel", concerns="gateway", subject="", stopped_at=now, until=next_day(now),
        reason="the 3 segments of the day are used", by_hand=False, expected=True)  # fmt: skip
    answer = only(page, False, "Cổng kannel hết hạn mức hôm nay: 0 tin đã đi cổng khác")
    assert "0 tin đã đi cổng khác" in page_words(answer)
    assert "0 message(s) went by other gateways since" in type_command("gateways", "list", exits=None).output


def test_broken_connection_is_named_and_red_though_the_page_has_none(page, calm, configure, monkeypatch):
    """The pages' process has no gateway connections, so it must show a broken connection as the runs recorded it."""
    assert "chưa dùng lần nào" in page_words(page.get(PAGE))
    configure(AIRFLOW_CONN_SMS_KANNEL='{"conn_type": "http", "host": "h", "extra": {"segments_per_day": "x"}}')
    with red_gate("segments_per_day"):
        gate(EVERYTHING)
    monkeypatch.delenv("AIRFLOW_CONN_SMS_KANNEL")
    answer = only(page, True, "Kết nối tới cổng kannel hỏng", "segments_per_day")
    assert "kết nối hỏng" in page_words(answer)


def test_what_senders_found_of_a_gateway_is_shown_and_changes_with_its_connection(page, calm, configure):
    """The page shows a gateway's carriers and limits as the last run read them from the gateway's connection."""
    limited = {"carriers": ["Viettel"], "segments_per_second": 5, "segments_per_day": 700}
    for extra, shown in (
        (limited, "Viettel 5 đoạn tin mỗi giây 0 / 700 đoạn tin"),
        ({}, "mọi nhà mạng không giới hạn 0 đoạn tin đang dùng"),
    ):
        configure(AIRFLOW_CONN_SMS_KANNEL=json.dumps({"conn_type": "http", "host": "h", "extra": extra}))
        send("run")
        assert f"kannel {shown}" in page_words(page.get(PAGE))


@pytest.mark.guarantee("stops", "the first page shows each stop with its person, reason and end")
def test_what_the_department_stopped_is_shown_with_who_why_and_until_when(one_stop, page, gateway, rows):  # noqa: F811
    now = datetime.now(UTC)
    one_stop.both(9, "D-0", at=now)
    take_in(now=now)
    made = stop(
        kind="result", agency=NHA_TRANG, until=now + timedelta(hours=1), reason="Sai <b>tên", stopped_by="lan", now=now
    )
    answer = page.get(PAGE)
    (text,) = [text for _, text in matters(answer) if "tạm dừng" in text]
    assert "/motcua/stops" in links(answer)
    assert "Sở đang tạm dừng gửi tin có kết quả của cơ quan Ủy ban nhân dân thành phố Nha Trang đến" in text
    assert ": Sai <b>tên 1 tin đang chờ." in text
    as_agency(NHA_TRANG)
    answer = page.get(PAGE)
    assert any(": Sai <b>tên 1 tin đang chờ." in text for _, text in matters(answer))
    assert "/motcua/stops" not in links(answer)
    as_agency(TU_PHAP)
    assert "Sai" not in page_words(page.get(PAGE))
    VISITING.visit_as("operator")
    go(made.stop_id, ended_by="minh", now=datetime.now(UTC))
    assert not any("tạm dừng" in text for _, text in matters(page.get(PAGE)))


def test_agency_sees_how_many_of_its_messages_a_stop_of_everything_holds(page, calm, message, rows):
    """While all messages are stopped, an agency must see how many of its own messages are on hold."""
    message("queued", number=2)
    message("queued", agency_code=TU_PHAP, number=5)
    rows("UPDATE motcua.messages SET reason = 'stopped' WHERE state = 'queued'")
    now = datetime.now(UTC)
    stopped = {"stopped_by": "lan", "reason": "Sai nội dung"}
    put(rows, "stops", stopped_at=now, until=now + timedelta(hours=1), **stopped)
    # People ordered this stop, so it is not red.
    only(page, False, "", "mọi loại tin của mọi cơ quan", "7 tin đang chờ")
    as_agency(NHA_TRANG)
    only(page, None, "", "2 tin đang chờ")


def test_messages_of_unknown_outcome_are_counted_with_a_link_to_their_page(page, calm, message, rows):
    message("unknown", number=3)
    message("unknown", agency_code=TU_PHAP)
    message("unknown", at=datetime.now(UTC) - timedelta(days=4))
    raised(rows, "unknown_old", messages=4, since=None)
    # The message of four days ago is no longer useful to its citizen and is not counted.
    answer = only(page, True, "4 tin chưa rõ kết quả", "cho gửi lại ngay ở trang ấy")
    assert "/motcua/messages/unknown" in links(answer)
    as_agency(TU_PHAP)
    own = matters(only(page, None, "1 tin chưa rõ kết quả"))
    assert "cho gửi lại" not in str(own), "only the Department may release messages"


def test_rows_that_cannot_be_used_are_counted_by_source(page, calm, rows):
    rows(
        "INSERT INTO motcua.quarantine (source_id, row_kind, row_key, reason, payload, first_seen_at, last_seen_at,"
        " released_at) SELECT source_id, 'transition', n::text, 'agency_unknown', '{}', now(), now(),"
        " CASE WHEN n > 3 THEN now() END FROM motcua.sources, generate_series(1, 9) AS n"
    )
    only(page, False, "", "nguồn khanhhoa 3 dòng", "Dòng chưa dùng được")
    as_agency(NHA_TRANG)
    assert matters(page.get(PAGE)) == []


def test_publication_that_does_not_hold_is_told_to_those_who_see_all_until_it_holds(page, calm, rows):
    """A publication that fails its check is shown to visitors who see all agencies, until a later check passes."""
    put_closing(rows, 5, "2026-Q3")
    put_publication(rows, 1, 5)
    verified = "INSERT INTO motcua.publication_verifications (publication_no, verified_at, verified_by, faults)"
    rows(verified + " VALUES (1, now() - interval '1 day', 'scheduled__1', 0), (1, now(), 'scheduled__2', 3)")
    answer = only(
        page, True, "", "Bản công bố số 1 (quý III năm 2026) KHÔNG KHỚP khi kiểm tra lại: 3 chỗ khác", "bấm Kiểm lại"
    )
    assert "/motcua/reconciliation?closing=5" in links(answer)
    as_agency(NHA_TRANG)
    assert matters(page.get(PAGE)) == []
    VISITING.visit_as("operator")
    rows(verified + " VALUES (1, now(), 'scheduled__3', 0)")
    assert matters(page.get(PAGE)) == []


def test_agencies_that_send_no_messages_yet_or_cannot_be_checked_are_named(page, calm, rows):
    in_ledger(save_agencies, [agency(TU_PHAP, name="Sở <u>Tư pháp", enabled_from=None)], "tests")
    in_ledger(save_agencies, [agency("H9", valid_until=NOW.date() - timedelta(days=900), enabled_from=None)], "tests")
    rows(A_RUN)
    rows(
        "INSERT INTO motcua.quality_broken_agencies VALUES (1, %s, 'dossier_twice'), (1, NULL, 'agency_missing')",
        NHA_TRANG,
    )
    answer = page.get(PAGE)
    not_checked, not_enabled = matters(answer)
    assert "1 cơ quan không kiểm tra được: Ủy ban nhân dân thành phố Nha Trang" in not_checked[1]
    assert "1 cơ quan chưa bật nhắn tin: Sở <u>Tư pháp" in not_enabled[1], "an agency that ended must not be named"
    assert f"/motcua/quality/findings?code={NHA_TRANG}" in links(answer), "the link must lead to the agency's page"
    assert "<u>" not in answer.text
    as_agency(TU_PHAP)
    only(page, None, "", "Sở <u>Tư pháp", "gửi đề nghị cho Sở")


def test_calendar_of_next_year_is_asked_for(page, calm, monkeypatch):
    year = datetime.now(VIETNAM).year + 1
    monkeypatch.setattr("motcua.domain.watching.judging.year_to_sign", lambda now: year)
    monkeypatch.setattr("motcua.domain.watching.judging.CALENDAR_URGENT", 0)
    answer = only(page, False, f"Lịch làm việc năm {year} chưa được xác nhận: còn")
    assert f"/motcua/calendar?year={year}" in links(answer)
    monkeypatch.setattr("motcua.domain.watching.judging.CALENDAR_URGENT", 999)
    only(page, True, f"Lịch làm việc năm {year} chưa được xác nhận")


# ---------------------------------------------------------------------------------- the last evening of apologies


def test_evening_tells_how_many_were_due_told_and_why_not(page, calm, message):
    evening_at = calm
    day = str(evening_at.astimezone(VIETNAM).date())
    message("delivered", "apology", at=evening_at, number=5)
    message("accepted", "apology", TU_PHAP, at=evening_at)
    message("suppressed", "apology", at=evening_at, number=2)
    message("cancelled", "apology", at=evening_at, reason="handed_over")
    answer = page.get(PAGE)
    shown = page_words(answer)
    assert re.search("Đã xét 40 hồ sơ đến hẹn (ngày mai|ngày hôm sau) của 2 cơ quan, xong lúc", shown)
    assert "Phải xin lỗi 9 hồ sơ: đã báo 6 , còn chờ 0 , không báo 3 ." in shown
    assert "Kết quả đã trao trước khi nhắn đã hủy (đúng) 1" in shown
    assert matters(answer) == []
    assert {"kind": "apology", "state": "suppressed", "reason": "landline", "since": day, "until": day} in asked(answer)
    as_agency(TU_PHAP)
    assert "Phải xin lỗi 1 hồ sơ: đã báo 1 , còn chờ 0 , không báo 0 ." in page_words(page.get(PAGE))


def asked(answer: Any) -> list[dict[str, str]]:
    """Return the query parameters of the page's links to the list of messages."""
    return [dict(parse_qsl(urlsplit(each).query)) for each in links(answer) if each.startswith("/motcua/messages?")]


def test_evening_that_was_not_run_or_not_all_sent_is_red(page, calm, message, rows):
    evening_at = calm
    message("queued", "apology", at=evening_at, number=2)
    # These messages may still be sent, so the matter is not red.
    only(page, False, "", "chưa đi hết: 2 tin còn chờ")
    message("expired", "apology", at=evening_at, reason="too_late")
    only(page, True, "", "2 tin còn chờ, 1 tin quá giờ")
    for statement in (
        "SET session_replication_role = 'replica'",
        "DELETE FROM motcua.messages WHERE kind = 'apology'",
        f"DELETE FROM motcua.apology_evenings WHERE agency_code = '{TU_PHAP}'",
        "SET session_replication_role = 'origin'",
    ):
        rows(statement)
    rows(
        "INSERT INTO motcua.dossiers (source_id, agency_code, dossier_code, phone_refusal, picked_up_at)"
        " SELECT source_id, %s, 'T1', 'missing', now() FROM motcua.sources",
        TU_PHAP,
    )
    rows(
        "INSERT INTO motcua.dossier_versions (dossier_id, seen_at, at_one_stop_desk)"
        " SELECT dossier_id, now() - interval '9 days', FALSE FROM motcua.dossiers WHERE dossier_code = 'T1'"
    )
    answer = page.get(PAGE)
    if datetime.now(VIETNAM) >= evening_at + settings().watch_apologies_after:
        ((red, text),) = matters(answer)
        assert red
        assert "chưa được lập cho 1 cơ quan" in text
        assert "1 cơ quan chưa được lập" in page_words(answer)
        as_agency(NHA_TRANG)
        assert matters(page.get(PAGE)) == []


# --------------------------------------------------------------------------------------- the day's figures


def test_counts_by_state_and_what_people_must_decide_are_shown_without_a_number(one_stop, page, gateway, rows):  # noqa: F811
    now = datetime.now(UTC)
    for number in range(4):
        one_stop.both(9, f"D-{number}<b>", at=now, applicant_phone=f"0905123{number:03}" if number else "")
    take_in(now=now)
    gateway.script = ["hang"]
    send("run", clock=lambda: now)
    answer = page.get(PAGE)
    shown = page_words(answer)
    assert "4 tin đã lập" in shown
    assert "Nhà mạng đã nhận 2" in shown
    assert "Chưa rõ 1" in shown
    assert "Không gửi 1" in shown
    assert any("1 tin chưa rõ kết quả" in text for _, text in matters(answer))
    assert "0905123" not in answer.text
    assert "84905123" not in answer.text
    release("Nguyễn Văn A", "nhà mạng chưa nhận")
    answer = page.get(PAGE)
    assert "Nguyễn Văn A nhà mạng chưa nhận đang chờ" in page_words(answer)
    assert not any("chưa rõ kết quả" in text for _, text in matters(answer))
    assert "<b>" not in answer.text.partition("D-")[2][:40]
    two_days_ago = (now - timedelta(days=2)).date()
    assert "Chưa có thay đổi nào" in page_words(page.get(f"{PAGE}?day={two_days_ago}"))


@pytest.mark.guarantee("pages", "the day's figures by kind and by agency add up, and each leads to its rows")
def test_figures_add_up_and_each_leads_to_its_rows(page, calm, message):
    today = datetime.now(VIETNAM).date()
    noon = datetime.combine(today, time(12), VIETNAM)
    message("delivered", at=noon, number=1200)
    message("undelivered", "supplement", TU_PHAP, at=noon, number=3)
    message("cancelled", "result", TU_PHAP, at=noon, number=2)
    message("delivered", "reply", None, at=noon, number=4)
    message("delivered", at=noon - timedelta(days=1), number=50)
    answer = page.get(PAGE)
    shown = page_words(answer)
    assert "1.210 tin đã lập" in shown
    assert "Đã tới máy 1.205 nhà mạng báo máy của công dân đã nhận" in shown
    assert "Không thuộc cơ quan nào (tra cứu mã không có) 4 4 0 0" in shown
    red = re.findall(r'<td class="figure trouble" data-name="([^"]*)"', answer.text)
    assert set(red) == {"Không tới máy"}, "a message that was rightly not sent is no failure"
    taken = read_file(page.get("/motcua/figures/file?format=csv"))
    assert [TU_PHAP, "Sở Tư pháp", "Có kết quả", "Đã hủy", "2"] in [row[1:] for row in taken.rows]
    of_today = {"since": str(today), "until": str(today)}
    for wanted in (
        {},
        {"state": "delivered"},
        {"kind": "supplement", "state": "undelivered"},
        {"agency": TU_PHAP, "state": "cancelled"},
        {"agency": "-", "state": "delivered"},
    ):
        assert wanted | of_today in asked(answer)
    # With this parameter, the page shows only the figures of one kind of message, by agency.
    answer = page.get(PAGE, params={"kind": "supplement"})
    by_agency = page_words(answer).partition("Theo cơ quan")[2].partition("Xin lỗi chậm trả, tối")[0]
    assert "Sở Tư pháp 3 0 3 0" in by_agency
    assert "Nha Trang" not in by_agency
    assert {"agency": TU_PHAP, "kind": "supplement", "state": "undelivered"} | of_today in asked(answer)
    yesterday = today - timedelta(days=1)
    assert "50 tin đã lập" in page_words(page.get(PAGE, params={"day": str(yesterday)}))


def test_identity_is_what_the_watch_counted_last_with_when(page, calm, rows):
    """The page shows the watch's last count of the accounting identity and its time, but not to users of an agency."""
    shown = page_words(page.get(PAGE))
    assert re.search(r"lần cuối lúc [\d:]+ [\d/]+ : đủ, không thiếu tin nào", shown)
    put_life(rows, identity={"difference": 3, "counted_at": datetime.now(UTC).isoformat()})
    assert "chênh lệch 3 tin: báo quản trị hệ thống" in page_words(page.get(PAGE))
    put_life(rows, identity={"counted_at": None})
    assert "Chưa được đếm lại từ các thay đổi hồ sơ" in page_words(page.get(PAGE))
    as_agency(NHA_TRANG)
    assert "đếm lại" not in page_words(page.get(PAGE)), "an agency must not see the count of all agencies"


def test_day_that_is_none_is_refused_in_words_and_the_page_that_was_before_leads_here_with_its_day(page):
    """The page refuses an invalid day in clear words. The old address /motcua/sending redirects to the page."""
    for day in ("hôm nay", "2026-13-01", "0001-01-01", "9999-12-31", "25/11/2026", "\x00"):
        for address in (PAGE, "/motcua/figures/file?format=csv"):
            answer = page.get(address + ("&" if "?" in address else "?") + urlencode({"day": day}))
            assert answer.status_code == 404
            assert "Không có ngày này" in answer.text
    answer = page.get("/motcua/sending", params={"day": "2026-11-25"})
    assert (answer.status_code, answer.headers["location"]) == (301, "/motcua/?day=2026-11-25")
    assert page.get("/motcua/sending").headers["location"] == "/motcua/"


# ------------------------------------------------------------------------------------------------- who sees what


@pytest.mark.guarantee("pages", "the first page shows an agency's administrator only figures and tasks of that agency")
def test_agency_sees_its_own_figures_and_matters_and_nothing_of_the_whole(page, calm, message, rows):
    # The counts have three digits, so that no time on the page looks like a count.
    message("delivered", agency_code=TU_PHAP, number=777)
    message("delivered", "reply", None, number=555)
    rows("UPDATE motcua.agencies SET name = 'Sở Bí mật' WHERE agency_code = %s", TU_PHAP)
    rows("UPDATE motcua.sources SET failed_at = now(), failure = 'OperationalError: secret', picked_up_at = now()")
    raised(rows, "gateway_stopped", "kannel", gateway="kannel", part="", since=None, by_hand=False)
    change = {"gateway": "kannel", "concerns": "gateway", "subject": "", "change": "started"}
    put(rows, "gateway_changes", changed_at=datetime.now(UTC), reason="why", changed_by="who", **change)
    as_agency(NHA_TRANG)
    answer = page.get(PAGE)
    shown = page_words(answer)
    assert "1 tin đã lập" in shown
    assert "Không có việc gì cần xử lý." in shown
    assert [row[1] for row in read_file(page.get("/motcua/figures/file?format=csv")).rows] == [NHA_TRANG]
    secrets = "777", "555", "Sở Bí mật", TU_PHAP, "secret", "kannel", "Cổng nhắn tin", "Nhật ký sự kiện", "giám sát"
    for secret in secrets:
        assert secret not in shown.partition("Tổng quan")[2].partition("MotcuaSMS · trang")[0], secret
    as_agency()
    shown = page_words(page.get(PAGE))
    assert "chưa được giao cơ quan nào" in shown
    assert "Chưa có hồ sơ" not in shown.partition("Chưa có hồ sơ nào trong sổ.")[2]
    assert "tin đã lập" not in shown


def test_agency_is_told_what_to_mend_and_who_complained(page, calm, rows):
    rows(A_RUN)
    rows(
        "INSERT INTO motcua.quality_results SELECT 1, rule, 'checked', NULL, 9, repeat('0', 64)"
        " FROM unnest(ARRAY['P1', 'P4', 'R10', 'P14', 'R4']) AS r (rule)"
    )
    counts = (
        *((NHA_TRANG, "P1", 10, 3, 1, 1), (NHA_TRANG, "P4", 5, 0, 0, 0), (TU_PHAP, "P1", 99, 0, 9, 0)),
        # These rules do not count as the agency's errors: others correct R10, P14 is a note, R4 judges a month.
        *((NHA_TRANG, rule, 7, 0, 0, 0) for rule in ("R10", "P14", "R4")),
    )
    names = ("agency_code", "rule", "found", "acknowledged", "remind_agency", "remind_department")
    for each in counts:
        put(rows, "quality_counts", run_no=1, **dict(zip(names, each, strict=True)))
    now = datetime.now(UTC)
    complaints = ((NHA_TRANG, now, False), (NHA_TRANG, now, True), (NHA_TRANG, now - timedelta(days=200), False))
    for place, (code, at, upheld) in enumerate((*complaints, (TU_PHAP, now, False))):
        entry = {"entry_key": f"{place:064x}", "agency_code": code, "received_at": at, "recorded_at": now}
        outcome = {"outcome": "upheld", "outcome_by": "x", "outcome_at": now} if upheld else {}
        put(rows, "complaints", channel="desk", claim="other", recorded_by="x", **entry, **outcome)
    assert matters(page.get(PAGE)) == [], "the Department's first page must not list these"
    as_agency(NHA_TRANG)
    answer = page.get(PAGE)
    mend, complained = matters(answer)
    assert mend[0], "two late findings must make it red"
    assert "Nha Trang: 12 lỗi dữ liệu cần sửa, 2 lỗi đã quá hạn" in mend[1]
    assert "Nha Trang: 1 phản ánh chưa kiểm tra xong" in complained[1]
    assert f"/motcua/quality/findings?code={NHA_TRANG}&part=faults&state=to_do#danh-sach" in links(answer)
    assert f"/motcua/complaints?agency={NHA_TRANG}&state=open" in links(answer)
